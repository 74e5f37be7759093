"""The timetable with an enterprise (对接时间表): a card of its planned steps, which of them are done, and by what."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import streamlit as st

from crm.actions import engagement
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action, can
from crm.reports.desk import Step, newest_contact
from crm.reports.desk import timetable as steps_of
from crm.rules import USUAL_STEPS
from crm.store import Database
from crm.ui import components as ui
from crm.ui import forms, session, todo

_PROBLEMS = "step_problems"


def timetable(actor: Actor, db: Database, enterprise_id: int) -> None:
    """Draw the card; who may change the enterprise plans steps in it and marks them as done."""
    steps, today = steps_of(db, actor, enterprise_id), session.today()
    may_change = can(actor, Action.EDIT)
    with ui.card("timetable", _("Timetable")) as aside:
        with aside:
            if may_change and steps and st.button(
                str(_("Add a step")), key="step_add", type="tertiary", icon=":material/add:"
            ):  # fmt: skip
                _ask(actor, db, enterprise_id, None)
        if not steps:
            st.caption(str(_("No timetable yet: plan who does what with this enterprise, and when.")))
            if may_change:
                with st.container(horizontal=True):
                    if st.button(str(_("Plan the usual steps")), key="steps_usual", icon=":material/playlist_add:"):
                        _ask_usual(actor, db, enterprise_id)
                    if st.button(str(_("Add a step")), key="step_add", type="tertiary", icon=":material/add:"):
                        _ask(actor, db, enterprise_id, None)
            return
        newest = newest_contact(db, actor, enterprise_id) if may_change else None
        for step in steps:
            with st.container(horizontal=True, vertical_alignment="center", key=f"todo_step_{step.id}"):
                with st.container(gap=None, key=f"todo_text_step_{step.id}"):
                    st.markdown(ui.safe(step.step))
                    st.caption(ui.safe(" · ".join(str(word) for word in (step.planned_on, step.owner) if word)))
                with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
                    _state(step, today)
                    if may_change:
                        _buttons(actor, db, enterprise_id, step, newest)
        if newest is None and may_change:
            st.caption(str(_("A step is done by a contact: log the first one, then mark the step.")))


def _state(step: Step, today: date) -> None:
    if step.done_on is not None:
        ui.tag(_("Done on {day}", day=step.done_on), "green", icon="check")
    elif step.planned_on is not None:
        ui.tag(*todo.late(step.planned_on, today))


def _buttons(actor: Actor, db: Database, enterprise_id: int, step: Step, newest: int | None) -> None:
    now = session.utc_now()
    if step.done_on is not None:
        if st.button(str(_("Open again")), key=f"step_open_{step.id}", type="tertiary"):
            _attempt(lambda: engagement.reopen_step(db, actor, step.id, step.version, now=now))
    elif newest is not None and st.button(
        str(_("Mark as done")),
        key=f"step_done_{step.id}",
        type="tertiary",
        icon=":material/check_circle:",
        help=str(_("Done by the newest contact on the timeline")),
    ):
        _attempt(lambda: engagement.finish_step_by_contact(db, actor, step.id, step.version, newest, now=now))
    if st.button(str(_("Change")), key=f"step_change_{step.id}", type="tertiary"):
        _ask(actor, db, enterprise_id, step)


def _attempt(do: Callable[[], object]) -> None:
    try:
        do()
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    st.rerun()


def _kept(do: Callable[..., object], **values: object) -> None:
    """Do what a dialog asks for: a problem goes to its field and the dialog stays; else the page is drawn anew."""
    try:
        do(**values)
    except Invalid as error:
        st.session_state[_PROBLEMS] = error.fields
        st.rerun(scope="fragment")
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    st.rerun()


def _ask(actor: Actor, db: Database, enterprise_id: int, step: Step | None) -> None:
    st.session_state.pop(_PROBLEMS, None)

    @st.dialog(str(_("Change the step") if step else _("Add a step")))
    def asking() -> None:
        problems: dict[str, Message] = st.session_state.pop(_PROBLEMS, {})
        text = st.text_input(str(_("Step")), value=step.step if step else "", key="step_text")
        ui.field_problem(problems, "step")
        planned_on = st.date_input(
            str(_("Planned for")),
            value=step.planned_on if step else session.today() + timedelta(days=7),
            format="YYYY-MM-DD",
            key="step_on",
        )
        ui.field_problem(problems, "planned_on")
        owner = st.text_input(str(_("Owner")), value=step.owner if step else actor.name, key="step_owner")
        ui.field_problem(problems, "owner")
        now = session.utc_now()
        with st.container(horizontal=True, horizontal_alignment="right"):
            if step and forms.sure(
                _("“{step}” leaves the timetable and the to-dos. It cannot be brought back.", step=step.step),
                do=_("Remove"),
                key="step_remove",
            ):
                _kept(lambda: engagement.remove_step(db, actor, step.id, step.version, now=now))
            if st.button(str(_("Save")), key="step_save", type="primary"):
                _kept(
                    partial(engagement.change_step, db, actor, step.id, step.version)
                    if step
                    else partial(engagement.add_step, db, actor, enterprise_id),
                    step=text,
                    planned_on=planned_on,
                    owner=owner,
                    now=now,
                )

    asking()


def _ask_usual(actor: Actor, db: Database, enterprise_id: int) -> None:
    st.session_state.pop(_PROBLEMS, None)

    @st.dialog(str(_("Plan the usual steps")))
    def asking() -> None:
        problems: dict[str, Message] = st.session_state.pop(_PROBLEMS, {})
        st.caption(str(_("Each can be changed afterwards.")))
        starts_on = st.date_input(str(_("First step on")), value=session.today(), format="YYYY-MM-DD", key="steps_from")
        ui.field_problem(problems, "starts_on")
        owner = st.text_input(str(_("Owner")), value=actor.name, key="steps_owner")
        ui.field_problem(problems, "owner")
        if starts_on is not None:
            for step, days in USUAL_STEPS:
                st.caption(ui.safe(f"{starts_on + timedelta(days=days)}　{step}"))
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(str(_("Save")), key="steps_save", type="primary"):
                _kept(
                    lambda: engagement.add_usual_steps(
                        db, actor, enterprise_id, starts_on=starts_on, owner=owner, now=session.utc_now()
                    )
                )

    asking()
