"""What pages are made of: the title row, cards, figures, tables, pages of a list, empty states, questions.

Text that a person typed reaches Markdown only through `safe`, and HTML only escaped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, Literal
from zlib import crc32

import pandas as pd
import streamlit as st
from streamlit.runtime.memory_media_file_storage import _calculate_file_id

from crm import permissions
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action
from crm.ui import shell
from crm.ui.errors import safe
from crm.ui.redrawing import redraw_page
from crm.ui.server import bindings

__all__ = [
    "card",
    "confirm",
    "download_button",
    "empty_state",
    "field_problem",
    "kpi",
    "pager",
    "safe",
    "table",
    "tag",
    "title_row",
]

Text = Message | str
Tone = Literal["red", "green", "blue", "orange", "gray"]
PAGE_SIZE = 50
_BYTES = "application/octet-stream"


@contextmanager
def title_row(
    actor: Actor,
    title: Text,
    caption: Text = "",
    *,
    log_contact: Literal["primary", "secondary", "none"] = "primary",
    printable: bool = False,
    below: bool = False,
    enterprise_id: int | None = None,
) -> Iterator[None]:
    """Open the first row of a page: title and caption at the left, the page's controls at the right.

    Controls are written within the block. The button (and key N) that logs a contact comes last, as the page's one
    primary action; a page with a primary action of its own makes it secondary, the log page itself leaves it out.
    A printable page offers its print-out before it, on paper or as a PDF: see print.js. `below` says that the page
    shows one record in the place of its list, so that the trail leads back to the list; `enterprise_id` is whom the
    contact is with.
    """
    shell.name_trail(title, below=below)
    with st.container(key="title_row", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(key="title", width="content", gap=None):
            st.html(
                f'<h1 class="crm-title">{escape(str(title))}</h1>'
                + (f'<p class="crm-caption">{escape(str(caption))}</p>' if str(caption) else "")
            )
        with st.container(
            key="controls", horizontal=True, width="content", vertical_alignment="center", horizontal_alignment="right"
        ):
            yield
            if printable:
                st.button(str(_("Print")), key="print", icon=":material/print:")
            if log_contact != "none":
                about = {} if enterprise_id is None else {"enterprise": enterprise_id}
                _log_contact_button(actor, kind=log_contact, **about)


def _log_contact_button(actor: Actor, *, kind: Literal["primary", "secondary"] = "primary", **query: Any) -> None:
    """Draw the button and key that open the page for logging a contact, where the person may log one."""
    if permissions.can(actor, Action.CREATE) and st.button(
        str(_("Log a contact")),
        key="log_contact",
        type=kind,
        icon=":material/edit_note:",
        shortcut="N",
        on_click=redraw_page,
    ):
        shell.go("log_contact", **query)


@contextmanager
def card(key: str, title: Text = "", *, height: int | Literal["content", "stretch"] = "content") -> Iterator[Any]:
    """Open a white card; `key` is unique on the page. Yields a container at the right of its title."""
    with st.container(border=True, key=f"card_{key}", height=height):
        aside = None
        if str(title):
            with st.container(
                key=f"card_head_{key}", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
            ):
                st.html(f'<h2 class="crm-card-title">{escape(str(title))}</h2>', width="content")
                aside = st.container(horizontal=True, width="content", horizontal_alignment="right")
        yield aside


def kpi(
    key: str,
    label: Text,
    value: str,
    *,
    delta: str | float | None = None,
    delta_text: Text = "",
    trend: Sequence[float] | None = None,
    help: Text = "",
) -> None:
    """Draw one figure in a card of its own: label, value, change (red up, green down) and its small trend."""
    with st.container(border=True, key=f"kpi_{key}", height="stretch"):
        st.metric(
            safe(label),
            value,
            delta,
            delta_color="inverse",
            delta_description=str(delta_text) or None,
            chart_data=list(trend) if trend else None,
            chart_type="area",
            help=str(help) or None,
        )


def table(
    frame: pd.DataFrame,
    columns: Mapping[str, Any],
    *,
    key: str,
    height: int | Literal["auto", "content"] = "content",
    on_select: Callable[[], None] | Literal["ignore", "rerun"] = "ignore",
) -> Any:
    """Draw the named columns of a frame, in that order; a column's setting is a label or a `st.column_config`.

    With `on_select` one row can be chosen; the result's `.selection.rows` holds its position.
    """
    return st.dataframe(
        frame,
        key=key,
        hide_index=True,
        column_order=list(columns),
        column_config={name: str(c) if isinstance(c, Message) else c for name, c in columns.items()},
        height=height,
        row_height=36,
        placeholder="—",
        on_select=on_select,
        selection_mode="single-row",
    )


def pager(total: int, *, page_size: int = PAGE_SIZE, key: str = "page") -> int:
    """Draw how many records there are and the pages of them; returns the page, from 1. It lives in the address."""
    pages = max(1, -(-total // page_size))
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"{key}_row"
    ):
        st.caption(str(_("{total} records", total=f"{total:,}")), width="content")
        if pages == 1:
            return 1
        return st.pagination(pages, key=key, bind="query-params")


def empty_state(title: Text, hint: Text = "", *, icon: str = "inbox") -> None:
    """Say that there is nothing and what to do next; a button may follow."""
    # Several may stand on one page.
    key = f"empty_{crc32(f'{icon} {title}'.encode()):x}"
    with st.container(horizontal_alignment="center", gap="xsmall", key=key):
        st.markdown(f":material/{icon}:", width="content")
        st.html(
            f'<p class="crm-empty">{escape(str(title))}</p>'
            + (f'<p class="crm-empty-hint">{escape(str(hint))}</p>' if str(hint) else ""),
            width="content",
        )


def tag(text: Text, tone: Tone = "gray", *, icon: str | None = None) -> None:
    """Draw a small coloured word."""
    # The badge escapes brackets by itself.
    plain = safe(text).replace("\\[", "[").replace("\\]", "]")
    st.badge(plain, color=tone, icon=f":material/{icon}:" if icon else None)


def download_button(label: Text, produce: Callable[[], bytes], *, file_name: str, media_type: str = _BYTES) -> None:
    """Draw a button that makes a file when it is pressed; only the session that pressed it can fetch the file."""
    key = str(st.user.get("session"))

    def made() -> bytes:
        content = produce()
        # Streamlit notes no owner for a file made on demand; its id is known only once the content is.
        bindings.hand_over(_calculate_file_id(content, media_type, file_name), key)
        return content

    st.download_button(str(label), made, file_name=file_name, mime=media_type, icon=":material/download:")


def field_problem(problems: Mapping[str, Message], field: str) -> None:
    """Say below a field what `errors.Invalid` found wrong with it."""
    if field in problems:
        st.html(f'<p class="crm-problem" role="alert">{escape(str(problems[field]))}</p>')


def confirm(title: Text, question: Text, *, do: Text, action: Callable[[], None]) -> None:
    """Ask in a dialog before doing something that is hard to take back; `action` runs once on yes, then all reruns."""

    @st.dialog(str(title))
    def asking() -> None:
        st.markdown(safe(question))
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(str(_("Cancel")), key="confirm_no"):
                st.rerun()
            if st.button(str(do), key="confirm_yes", type="primary"):
                action()
                st.rerun()

    asking()
