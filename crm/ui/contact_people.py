"""The contact people of an enterprise: masked, revealed for a purpose, added, changed, put away."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crm.actions import contact_people as actions
from crm.actions.enterprises import reveal_contact
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action, can
from crm.reports.enterprises import EnterpriseRecord
from crm.ui import components as ui
from crm.ui import forms, records, session

_DETAILS = {"phone": _("Phone"), "wechat": _("WeChat"), "email": _("E-mail")}


def contact_people_card(actor: Actor, record: EnterpriseRecord) -> None:
    """Draw the card of an enterprise's contact people."""
    people, may_edit = record.contacts.to_dict("records"), Action.EDIT in record.may
    with ui.card("people", _("Contact people")) as aside:
        if may_edit:
            with aside:
                if st.button(str(_("Add")), key="person_add", icon=":material/person_add:", type="tertiary"):
                    _form(actor, record, None)
        for person in people:
            with st.container(horizontal=True, vertical_alignment="center", key=f"person_{person['id']}"):
                with st.container():
                    records.person_line(person)
                if may_edit and st.button(
                    "", key=f"person_edit_{person['id']}", icon=":material/edit:", help=str(_("Edit")), type="tertiary"
                ):
                    _form(actor, record, person)
        if not people:
            ui.empty_state(
                _("No contact people yet."),
                _("Add the first, or import the ledger of contact people."),
                icon="contacts",
            )
        elif can(actor, Action.REVEAL) and st.button(str(_("Show the contact details")), key="reveal"):
            records.ask_purpose(
                lambda purpose: [
                    (
                        person["name"],
                        reveal_contact(
                            session.database(), actor, int(person["id"]), purpose=purpose, now=session.utc_now()
                        ),
                    )
                    for person in people
                ]
            )


def _form(actor: Actor, record: EnterpriseRecord, person: Mapping[Any, Any] | None) -> None:
    db, known = session.database(), person or {}

    def was(field: str) -> str:
        return known[field] if isinstance(known.get(field), str) else ""

    @st.dialog(str(_("Add a contact person") if person is None else _("Edit the contact person")))
    def asking() -> None:
        problems: dict[str, Message] = st.session_state.pop("person_problems", {})
        with st.form("person", border=False):
            first, second = st.columns(2)
            with first:
                name = st.text_input(str(_("Name")), value=was("name"), key="person_name")
                ui.field_problem(problems, "name")
            with second:
                title = st.text_input(str(_("Job title")), value=was("title"), key="person_title")
                ui.field_problem(problems, "title")
            if person is not None:
                st.caption(str(_("What is known is masked. Leave a field empty to keep it.")))
            typed: dict[str, Any] = {}
            for place, (field, words) in zip(st.columns(3), _DETAILS.items(), strict=True):
                with place:
                    typed[field] = st.text_input(str(words), placeholder=was(field) or "—", key=f"person_{field}")
                    ui.field_problem(problems, field)
            held = [field for field in _DETAILS if was(field)]
            remove = (
                st.multiselect(
                    str(_("Take out")),
                    held,
                    format_func=lambda field: str(_DETAILS[field]),
                    placeholder="—",
                    key="person_remove",
                )
                if held
                else []
            )
            purpose = st.text_input(
                str(_("Purpose and consent")),
                value=was("purpose"),
                placeholder=str(_("What the details are kept for, and that the person agreed")),
                key="person_purpose",
            )
            ui.field_problem(problems, "purpose")
            is_key = st.checkbox(str(_("Key contact")), value=bool(known.get("is_key", False)), key="person_is_key")
            sent = st.form_submit_button(str(_("Save")), type="primary", icon=":material/check:")
        values = {"name": name, "title": title, "purpose": purpose, "is_key": is_key}
        values |= {field: value for field, value in typed.items() if value.strip()}
        values |= dict.fromkeys(remove)
        away = person is not None and forms.sure(
            _("{name} leaves the contact people, with phone and all else. It cannot be undone.", name=person["name"]),
            do=_("Put this person away"),
            key="person_archive",
            icon=":material/archive:",
        )
        if not sent and not away:
            return
        now = session.utc_now()
        try:
            if person is None:
                actions.add_contact_person(db, actor, record.fields["id"], values, now=now)
            elif away:
                actions.archive_contact_person(db, actor, int(person["id"]), int(person["version"]), now=now)
            else:
                actions.change_contact_person(db, actor, int(person["id"]), int(person["version"]), values, now=now)
        except Invalid as error:
            st.session_state["person_problems"] = error.fields
            st.rerun(scope="fragment")
        except CrmError as error:
            st.error(ui.safe(error.message))
        else:
            session.flash(_("The contact person was put away.") if away else _("The contact person is saved."))
            st.rerun()

    asking()
