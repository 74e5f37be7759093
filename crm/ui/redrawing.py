"""Drawing less than the page: a filter that changes draws the list below it anew, and leaves the rest as it stands.

The list is a fragment named `LIST`; it reads its filters from the session's state, for the page around it does not run.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

LIST = "list"
_WHOLE = "_page_is_whole"


@contextmanager
def page_run() -> Iterator[None]:
    """Note whether the run of the page within came to its end: only a whole page may be redrawn in part."""
    st.session_state[_WHOLE] = False
    yield
    st.session_state[_WHOLE] = True


def redraw_list() -> None:
    """Redraw the list alone; for the `on_change` of a filter. A page that was broken off begins anew."""
    if st.session_state.get(_WHOLE):
        st.rerun(LIST)


def redraw_page() -> None:
    """Redraw the page; for what is changed or pressed in the moment before a filter, whose list alone would not do.

    A callback that returns outvotes `redraw_list`; where the filter breaks off the run, the next draws the page.
    """
    st.session_state[_WHOLE] = False
