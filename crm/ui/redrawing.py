"""Drawing less than the page: a filter that changes draws the list below it anew, and leaves the rest as it stands.

The list is a fragment named `LIST`; it reads its filters from the session's state, for the page around it does not run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import streamlit as st

LIST = "list"
SETTLING = 1.0  # s: a page's last words are still on their way as it ends, and a change throws away what is unsent
_WHOLE_SINCE = "_page_is_whole_since"


@contextmanager
def page_run() -> Iterator[None]:
    """Note when the run of the page within came to its end: only a whole page may be redrawn in part."""
    st.session_state[_WHOLE_SINCE] = None
    yield
    st.session_state[_WHOLE_SINCE] = monotonic()


def redraw_list() -> None:
    """Redraw the list alone; for the `on_change` of a filter. A page that was broken off or just drawn begins anew."""
    whole_since = st.session_state.get(_WHOLE_SINCE)
    if whole_since is not None and monotonic() - whole_since > SETTLING:
        st.rerun(LIST)


def redraw_page() -> None:
    """Redraw the page; for what is changed or pressed in the moment before a filter, whose list alone would not do.

    A callback that returns outvotes `redraw_list`; where the filter breaks off the run, the next draws the page.
    """
    st.session_state[_WHOLE_SINCE] = None
