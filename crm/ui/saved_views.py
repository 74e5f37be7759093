"""Saved views of any page whose filters live in its address: open one, save the present one, share, rename, delete."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from crm.actions import saved_views as actions
from crm.errors import Conflict, Invalid
from crm.locale import Message, _
from crm.model import Actor
from crm.reports import saved_views as reports
from crm.reports.saved_views import SavedView
from crm.ui import components as ui
from crm.ui import session

_PROBLEMS, _NAME, _OPEN, _ASKED = "view_problems", "view_name", "views", "view_asked"


def saved_views(actor: Actor, page: str) -> None:
    """Draw the button with the views of a page, named by its file."""
    if _ASKED in st.session_state:
        what, asked = st.session_state.pop(_ASKED)
        (_rename if what == "rename" else _delete)(actor, asked)
    with st.popover(str(_("Views")), icon=":material/bookmark:", key=_OPEN, on_change="rerun") as box:
        if not box.open:
            return
        found = reports.saved_views(session.database(), actor, page)
        if not found:
            st.caption(str(_("No view yet. Set the filters, then save them here under a name.")))
        for view in found:
            _line(actor, view)
        st.text_input(str(_("Save the present filters as")), key=_NAME, max_chars=40)
        ui.field_problem(st.session_state.pop(_PROBLEMS, {}), "name")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.checkbox(str(_("Share with everyone")), key="view_shared")
            st.button(str(_("Save the view")), key="view_save", type="primary", on_click=_save, args=(actor, page))


def _line(actor: Actor, view: SavedView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"view_line_{view.id}", gap="xsmall"):
        # A fresh load: an address cannot be set for filters that are on the screen already.
        st.html(f'<a class="crm-view" href="?{escape(view.query)}" target="_self">{escape(view.name)}</a>')
        if not view.mine:
            st.caption(ui.safe(_("by {name}", name=view.owner)), width="content")
            return
        if st.button(
            "",
            key=f"view_share_{view.id}",
            icon=":material/group:" if view.shared else ":material/lock:",
            help=str(_("Shared with everyone: keep it to yourself") if view.shared else _("Share with everyone")),
            type="tertiary",
        ):
            try:
                actions.share_view(
                    session.database(), actor, view.id, view.version, shared=not view.shared, now=session.utc_now()
                )
            except Conflict as error:
                session.flash(error.message, icon=session.REFUSED)
            st.rerun()
        for what, icon, words in (("rename", "edit", _("Rename")), ("delete", "delete", _("Delete"))):
            st.button(
                "",
                key=f"view_{what}_{view.id}",
                icon=f":material/{icon}:",
                help=str(words),
                type="tertiary",
                on_click=_ask,
                args=(what, view),
            )


def _ask(what: str, view: SavedView) -> None:
    """Fold the list away, and ask once it is: a dialog would open below it."""
    st.session_state[_OPEN] = False
    st.session_state[_ASKED] = (what, view)


def _delete(actor: Actor, view: SavedView) -> None:
    ui.confirm(
        _("Delete the view"),
        _("“{name}” is gone for you and for everyone with whom it is shared.", name=view.name),
        do=_("Delete"),
        action=lambda: actions.delete_view(session.database(), actor, view.id, view.version, now=session.utc_now()),
    )


def _save(actor: Actor, page: str) -> None:
    name, shared = st.session_state.get(_NAME, ""), bool(st.session_state.get("view_shared"))
    query = urlencode([(key, value) for key in st.query_params for value in st.query_params.get_all(key)])
    try:
        actions.save_view(
            session.database(), actor, page=page, name=name, query=query, shared=shared, now=session.utc_now()
        )
    except Invalid as error:
        st.session_state[_PROBLEMS] = error.fields
        return
    st.session_state[_NAME] = ""
    session.flash(_("The view is saved."))


def _rename(actor: Actor, view: SavedView) -> None:
    @st.dialog(str(_("Rename")))
    def asking() -> None:
        problems: dict[str, Message] = {}
        name = st.text_input(str(_("Name of the view")), value=view.name, key="view_new_name", max_chars=40)
        if st.button(str(_("Save")), key="view_rename_yes", type="primary"):
            try:
                actions.rename_view(session.database(), actor, view.id, view.version, name=name, now=session.utc_now())
            except Invalid as error:
                problems = error.fields
            except Conflict as error:
                session.flash(error.message, icon=session.REFUSED)
                st.rerun()
            else:
                st.rerun()
        ui.field_problem(problems, "name")

    asking()
