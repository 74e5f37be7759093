"""The search over everything and the list of keys: two dialogs that the frame of every page offers.

keys.js does what a browser must: "/" and "?" press the buttons, the arrows walk over what was found, Enter opens the
first. Each line found is a link, so that it opens in a tab of its own where that is asked for.
"""

from collections.abc import Sequence
from html import escape

import streamlit as st

from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action, can
from crm.reports.search import Found, Kind, fits, search
from crm.ui import session
from crm.ui.errors import safe

Goal = tuple[str, Message, str]  # a page that the person may open: file, title, icon

_ICONS = {Kind.ENTERPRISE: "domain", Kind.PROJECT: "folder", Kind.PERSON: "person", Kind.UNIT: "location_city"}
_HEADINGS = {
    Kind.ENTERPRISE: _("Enterprises"),
    Kind.PROJECT: _("Projects"),
    Kind.PERSON: _("Contact people"),
    Kind.UNIT: _("Units"),
}
_FILES = {
    Kind.ENTERPRISE: "enterprise",
    Kind.PROJECT: "project",
    Kind.PERSON: "enterprise",
    Kind.UNIT: "monthly_ranking",
}


@st.fragment
def search_button(actor: Actor, goals: Sequence[Goal], *, key: str) -> None:
    """Draw the button that opens the search; `key` begins with "search_" and names its place in the frame."""
    if st.button(str(_("Search")), key=key, icon=":material/search:", width="stretch"):
        _open_search(actor, goals)


@st.fragment
def keys_button(actor: Actor) -> None:
    """Draw the small button that lists the keys."""
    if st.button(str(_("Keys")), key="keys", type="tertiary"):
        _open_keys(actor)


def _open_search(actor: Actor, goals: Sequence[Goal]) -> None:
    @st.dialog(str(_("Search")), width="medium")
    def searching() -> None:
        text = st.text_input(
            str(_("Search")),
            key="find_anything",
            type="search",
            icon=":material/search:",
            live="200ms",
            placeholder=str(_("Name, pinyin initials, credit code or project code")),
            label_visibility="collapsed",
        )
        with st.container(key="found", gap=None):
            _draw_found(actor, goals, text or "")

    searching()


def _draw_found(actor: Actor, goals: Sequence[Goal], text: str) -> None:
    """Draw what a text finds, a heading over each kind; without a text, the pages one may go to."""
    # keys.js opens the first line only once this says that the lines answer what is typed.
    st.html(f'<span class="crm-found" data-for="{escape(text)}"></span>')
    found = search(session.database(), actor, text)
    pages = [goal for goal in goals if fits(text, str(goal[1]))]
    kind: Kind | None = None
    for line in found:
        if line.kind is not kind:
            st.caption(str(_HEADINGS[line.kind]))
        kind = line.kind
        _draw_line(line)
    if pages:
        st.caption(str(_("Go to")))
    for file, title, icon in pages:
        st.page_link(f"pages/{file}.py", label=str(title), icon=f":material/{icon}:", width="stretch")
    if not found and not pages:
        nothing, hint = _("Nothing of that name."), _("Only what you may see is searched. Try another part of it.")
        st.html(f'<p class="crm-empty">{nothing}</p><p class="crm-empty-hint">{hint}</p>')


def _draw_line(line: Found) -> None:
    query = {"unit": line.name} if line.kind is Kind.UNIT else {"id": str(line.id)}
    label = f"{safe(line.name)} :small[:gray[{safe(line.detail)}]]"
    icon = f":material/{_ICONS[line.kind]}:"
    st.page_link(f"pages/{_FILES[line.kind]}.py", label=label, icon=icon, query_params=query, width="stretch")


def _open_keys(actor: Actor) -> None:
    @st.dialog(str(_("Keys")))
    def listing() -> None:
        keys = {"/": _("Search everything")}
        if can(actor, Action.CREATE):
            keys |= {
                "N": _("Log a contact"),
                "Ctrl + Enter": _("Save the contact"),
                "Ctrl + Shift + Enter": _("Save and add another"),
            }
        keys |= {
            "↑ ↓": _("Walk over what the search found"),
            "Enter": _("Open the first line, or the chosen one"),
            "Esc": _("Close what is open"),
            "Ctrl + P": _("Print the page, or keep it as a PDF"),
            "?": _("This list"),
        }
        rows = "".join(f"<dt><kbd>{key}</kbd></dt><dd>{words}</dd>" for key, words in keys.items())
        st.html(f'<dl class="crm-keys">{rows}</dl>')
        st.caption(str(_("While you type in a field, letters are letters.")))

    listing()
