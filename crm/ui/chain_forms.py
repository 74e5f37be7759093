"""The forms of chain setup: an industry, a segment; what is wrong stands at its field until it is put right."""

from collections.abc import Callable
from datetime import date
from typing import Any

import streamlit as st

from crm.actions import chains as actions
from crm.actions.chains import IndustryDraft, SegmentDraft
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.model import Actor, SegmentRole, Tier, label
from crm.reports.chains import Chain, ChainSegment
from crm.store import Database
from crm.ui import components as ui
from crm.ui import session

_PROBLEMS = "_chain_problems"


def ask(title: Message, form: Callable[[], None]) -> None:
    """Open a form in a dialog, without what was wrong in an earlier one."""
    st.session_state.pop(_PROBLEMS, None)
    st.dialog(str(title))(form)()


def _text_field(title: Message, field: str, value: str = "", **more: Any) -> str:
    """Draw a text field with what is wrong with it."""
    typed = st.text_input(str(title), value, autocomplete="off", **more)
    ui.field_problem(st.session_state.get(_PROBLEMS, {}), field)
    return typed or ""


def _validity(record: Chain | ChainSegment | None) -> tuple[int, date | None, date | None]:
    """Draw the place in the order and the first and last day."""
    places = st.columns(3)
    problems = st.session_state.get(_PROBLEMS, {})
    with places[0]:
        order = st.number_input(str(_("Place in the order")), 0, value=record.display_order if record else 0, step=1)
        ui.field_problem(problems, "display_order")
    with places[1]:
        first = st.date_input(str(_("First day")), record.valid_from if record else None, format="YYYY-MM-DD")
    with places[2]:
        last = st.date_input(str(_("Last day")), record.valid_to if record else None, format="YYYY-MM-DD")
        ui.field_problem(problems, "valid_to")
    st.caption(str(_("After its last day it is offered for nothing new; the old records keep it.")))
    return int(order), first, last


def _save(action: Callable[[], object]) -> None:
    """Do what a form asks for: back to the form with what is wrong, else close it."""
    st.session_state.pop(_PROBLEMS, None)
    try:
        action()
    except Invalid as error:
        st.session_state[_PROBLEMS] = error.fields
        st.rerun(scope="fragment")
    except CrmError as error:
        st.error(ui.safe(error.message))
        return
    session.flash(_("The chain was saved."))
    st.rerun()


def industry_form(db: Database, actor: Actor, record: Chain | None) -> None:
    """Draw the form of an industry, empty for a new one."""
    with st.form("industry", border=False):
        code = _text_field(_("Code"), "code", record.code if record else "")
        name = _text_field(_("Name of the industry"), "name", record.name if record else "")
        name_en = _text_field(_("English name"), "name_en", record.name_en if record else "")
        leader = _text_field(_("Chain leader"), "chain_leader", record.chain_leader if record else "")
        task_force = _text_field(_("Task force"), "task_force", record.task_force if record else "")
        lead = _text_field(_("Lead department"), "lead_department", record.lead_department if record else "")
        order, first, last = _validity(record)
        sent = st.form_submit_button(str(_("Save")), type="primary")
    if sent:
        draft = IndustryDraft(code, name, name_en, leader, task_force, lead, order, first, last)
        now = session.utc_now()
        if record is None:
            _save(lambda: actions.add_industry(db, actor, draft, now=now))
        else:
            _save(lambda: actions.change_industry(db, actor, record.id, record.version, draft, now=now))


def segment_form(db: Database, actor: Actor, chain: Chain, record: ChainSegment | None) -> None:
    """Draw the form of a segment of a chain, empty for a new one."""
    problems = st.session_state.get(_PROBLEMS, {})
    with st.form("segment", border=False):
        code = _text_field(_("Code"), "code", record.code if record else f"{chain.code}-")
        name = _text_field(_("Name of the segment"), "name", record.name if record else "")
        places = st.columns(2)
        with places[0]:
            tiers = list(Tier)
            tier = st.selectbox(
                str(_("Tier")),
                tiers,
                index=tiers.index(record.tier) if record else None,
                format_func=lambda t: str(label(t)),
            )
            ui.field_problem(problems, "tier")
        with places[1]:
            roles = list(SegmentRole)
            role = st.selectbox(
                str(_("Role wanted")),
                roles,
                index=roles.index(record.role) if record and record.role else None,
                format_func=lambda r: str(label(r)),
                placeholder=str(_("No role wanted")),
            )
        keywords = st.text_area(str(_("Keywords, one a line")), "\n".join(record.keywords) if record else "")
        ui.field_problem(problems, "keywords")
        anchors = st.text_area(str(_("Anchor enterprises, one a line")), "\n".join(record.anchors) if record else "")
        ui.field_problem(problems, "anchors")
        order, first, last = _validity(record)
        sent = st.form_submit_button(str(_("Save")), type="primary")
    if sent:
        words, names = tuple(keywords.splitlines()), tuple(anchors.splitlines())
        draft = SegmentDraft(code, name, tier, role, words, names, order, first, last)
        now = session.utc_now()
        if record is None:
            _save(lambda: actions.add_segment(db, actor, chain.id, draft, now=now))
        else:
            _save(lambda: actions.change_segment(db, actor, record.id, record.version, draft, now=now))
