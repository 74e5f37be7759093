"""Changing many enterprises at once: the bar over the chosen rows, and the dialog that says what came of it."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from crm.actions import bulk
from crm.actions.bulk import BulkResult
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.model import Actor, Grade
from crm.permissions import Action, can
from crm.reports.enterprises import tags_in_use
from crm.reports.rankings import units
from crm.ui import change_sets, session, shell
from crm.ui import components as ui

_RESULT = "bulk_result"
Chosen = list[tuple[int, int]]


def bulk_bar(actor: Actor, rows: pd.DataFrame, total: int, everything: Callable[[], Chosen]) -> None:
    """Draw what can be done with the chosen rows, or with all that fit the filter (`everything` lists them)."""
    with st.container(key="bulk", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_('{count} chosen', count=len(rows))}**", width="content")
        all_of_them = total > len(rows) and st.checkbox(
            str(_("All {total} of the filter", total=f"{total:,}")), key="bulk_all"
        )
        forms: list[tuple[Action, Message, str, Callable[[Actor, Chosen], None]]] = [
            (Action.ASSIGN, _("Assign"), "person_add", _assign),
            (Action.EDIT, _("Set the grade"), "grade", _grade),
            (Action.EDIT, _("Tags"), "label", _tags),
        ]
        for right, title, icon, form in forms:
            if can(actor, right) and st.button(str(title), key=f"bulk_{icon}", icon=f":material/{icon}:"):
                st.session_state.pop(_RESULT, None)
                form(actor, everything() if all_of_them else _pairs(rows))
        if len(rows) == 2 and not all_of_them and can(actor, Action.EDIT) and st.button(
            str(_("Merge")), key="bulk_merge", icon=":material/merge:"
        ):  # fmt: skip
            keep, other = (int(i) for i in rows["id"])
            shell.go("merge", keep=keep, other=other)


def _pairs(rows: pd.DataFrame) -> Chosen:
    return [(int(i), int(version)) for i, version in zip(rows["id"], rows["version"], strict=True)]


def _assign(actor: Actor, chosen: Chosen) -> None:
    @st.dialog(str(_("Assign {count} enterprises", count=f"{len(chosen):,}")), on_dismiss="rerun")
    def asking() -> None:
        if _told(actor):
            return
        db = session.database()
        names = {unit.id: unit.name for unit in units(db)}
        unit = st.selectbox(
            str(_("Owner unit")),
            list(names),
            index=None,
            format_func=names.__getitem__,
            placeholder=str(_("Leave as it is")),
            key="bulk_unit",
        )
        problems = st.session_state.pop("bulk_problems", {})
        ui.field_problem(problems, "unit_id")
        person = st.text_input(str(_("Owner")), placeholder=str(_("Leave as it is")), key="bulk_person")
        ui.field_problem(problems, "person")
        _button(
            lambda: bulk.assign_enterprises(
                db, actor, chosen, unit_id=unit, person=person or None, now=session.utc_now()
            )
        )

    asking()


def _grade(actor: Actor, chosen: Chosen) -> None:
    @st.dialog(str(_("Grade {count} enterprises", count=f"{len(chosen):,}")), on_dismiss="rerun")
    def asking() -> None:
        if _told(actor):
            return
        grade = st.segmented_control(
            str(_("Grade")),
            [*Grade, ""],
            default=Grade.A,
            required=True,
            format_func=lambda g: str(g or _("No grade")),
            key="bulk_grade_value",
        )
        value = Grade(grade) if grade else None
        _button(lambda: bulk.grade_enterprises(session.database(), actor, chosen, grade=value, now=session.utc_now()))

    asking()


def _tags(actor: Actor, chosen: Chosen) -> None:
    @st.dialog(str(_("Tags of {count} enterprises", count=f"{len(chosen):,}")), on_dismiss="rerun")
    def asking() -> None:
        if _told(actor):
            return
        db = session.database()
        known = tags_in_use(db, actor)
        hint = str(_("Choose, or type a new one"))
        add = st.multiselect(str(_("Add")), known, accept_new_options=True, placeholder=hint, key="bulk_tags_add")
        ui.field_problem(st.session_state.pop("bulk_problems", {}), "tags")
        remove = st.multiselect(str(_("Take off")), known, placeholder="—", key="bulk_tags_remove")
        _button(lambda: bulk.tag_enterprises(db, actor, chosen, add=add, remove=remove, now=session.utc_now()))

    asking()


def _button(change: Callable[[], BulkResult]) -> None:
    if not st.button(str(_("Change")), key="bulk_yes", type="primary"):
        return
    try:
        st.session_state[_RESULT] = change()
    except Invalid as error:
        st.session_state["bulk_problems"] = error.fields
    except CrmError as error:
        st.error(ui.safe(error.message))
        return
    st.rerun(scope="fragment")


def _told(actor: Actor) -> bool:
    """Say what the change came to, once there was one."""
    result: BulkResult | None = st.session_state.get(_RESULT)
    if result is None:
        return False
    st.markdown(
        ui.safe(
            _(
                "{changed} changed, {unchanged} were so already, {refused} left as they are.",
                changed=result.changed,
                unchanged=result.unchanged,
                refused=len(result.refused),
            )
        )
    )
    if result.refused:
        frame = pd.DataFrame(
            [(refusal.name, str(refusal.reason)) for refusal in result.refused], columns=["name", "why"]
        )
        ui.table(
            frame,
            {"name": _("Enterprise"), "why": _("Why")},
            key="bulk_refused",
            height="content" if len(frame) < 9 else "auto",
        )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if result.change_set_id is not None and st.button(
            str(_("Undo")), key="bulk_undo", icon=":material/undo:"
        ):  # fmt: skip
            change_sets.undo(actor, result.change_set_id)
        if st.button(str(_("Close")), key="bulk_close", type="primary"):
            st.rerun()
    return True
