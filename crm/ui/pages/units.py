"""Units in official order: add, rename, regroup, other names, close."""

from typing import Any

import pandas as pd
import streamlit as st

from crm.actions import units as actions
from crm.actions.units import UnitDraft
from crm.errors import CrmError, Invalid
from crm.locale import Message, _, listed
from crm.model import UnitKind, group_label, label
from crm.reports.units import Alias, UnitRow, list_units
from crm.ui import components as ui
from crm.ui import forms, session

actor, db, state = session.current_actor(), session.database(), st.session_state
found = list_units(db, actor)
names = {row.id: row.name for row in found}
groups = list(dict.fromkeys([*UnitKind, *(row.peer_group for row in found)]))


def unit_form(row: UnitRow | None) -> UnitDraft | None:
    """Draw the form of a unit, a new one where there is none; returns what was sent."""
    problems: dict[str, Message] = state.pop("unit_problems", {})
    with st.form("unit_form", border=False):
        with st.container(horizontal=True):
            code = st.text_input(str(_("Code")), row.code if row else "", key="unit_code", width=150)
            name = st.text_input(str(_("Unit name")), row.name if row else "", key="unit_name")
        ui.field_problem(problems, "code")
        ui.field_problem(problems, "name")
        with st.container(horizontal=True):
            short = st.text_input(str(_("Short name")), row.short_name if row else "", key="unit_short", width=150)
            kind = st.selectbox(
                str(_("Kind")),
                list(UnitKind),
                index=list(UnitKind).index(UnitKind(row.kind)) if row else None,
                format_func=lambda k: str(label(k)),
                key="unit_kind",
            )
        ui.field_problem(problems, "short_name")
        ui.field_problem(problems, "kind")
        group = st.selectbox(
            str(_("Peer group")),
            groups,
            index=groups.index(row.peer_group) if row else None,
            format_func=lambda g: str(group_label(g)),
            accept_new_options=True,
            placeholder=str(_("As its kind")),
            help=str(_("Units of one group are ranked together. Type a name to begin a group of your own.")),
            key="unit_group",
        )
        ui.field_problem(problems, "peer_group")
        with st.container(horizontal=True):
            order = st.number_input(
                str(_("Place in the order")),
                0,
                100_000,
                row.display_order if row else max((r.display_order for r in found), default=0) + 10,
                key="unit_order",
                width=150,
            )
            others = [unit_id for unit_id in names if row is None or unit_id != row.id]
            parent = st.selectbox(
                str(_("Unit above")),
                others,
                index=others.index(row.parent_id) if row and row.parent_id in others else None,
                format_func=names.__getitem__,
                placeholder="—",
                key="unit_parent",
            )
        ui.field_problem(problems, "display_order")
        ui.field_problem(problems, "parent_id")
        if row:
            st.caption(str(_("After a new name the former one stays valid for imports and searches.")))
        sent = st.form_submit_button(str(_("Save")), type="primary")
    draft = UnitDraft(code, name, kind, short, str(group or ""), int(order), parent)
    return draft if sent else None


def saved(do: Any, said: Message, problems: str) -> None:
    """Carry something out: say so, or put what is wrong at the fields."""
    try:
        do()
    except Invalid as error:
        state[problems] = error.fields
        st.rerun(scope="fragment")
    session.flash(said)
    st.rerun()


@st.dialog(str(_("New unit")))
def new_unit() -> None:
    if draft := unit_form(None):
        saved(
            lambda: actions.add_unit(db, actor, draft, now=session.utc_now()),
            _("The unit is added."),
            "unit_problems",
        )


@st.dialog(str(_("Change the unit")))
def edit_unit(row: UnitRow) -> None:
    if draft := unit_form(row):
        saved(
            lambda: actions.change_unit(
                db, actor, row.id, row.version, draft, now=session.utc_now(), today=session.today()
            ),
            _("The unit is saved."),
            "unit_problems",
        )


@st.dialog(str(_("Other names")))
def edit_aliases(row: UnitRow) -> None:
    st.caption(ui.safe(_("Imports and searches find {unit} under these names too.", unit=row.name)))
    for alias in row.aliases:
        with st.container(horizontal=True, vertical_alignment="center", key=f"alias_{alias.id}"):
            st.markdown(ui.safe(alias_words(alias)))
            if forms.sure(
                _("Imports and searches no longer find {unit} under “{name}”.", unit=row.name, name=alias.name),
                do=_("Remove"),
                key=f"remove_{alias.id}",
            ):
                saved(
                    lambda alias=alias: actions.remove_unit_alias(
                        db, actor, alias.id, alias.version, now=session.utc_now()
                    ),
                    _("The name is removed."),
                    "alias_problems",
                )
    problems: dict[str, Message] = state.pop("alias_problems", {})
    with st.form("alias_form", border=False):
        name = st.text_input(str(_("Another name")), key="alias_name")
        ui.field_problem(problems, "alias")
        with st.container(horizontal=True):
            since = st.date_input(str(_("Valid from")), None, format="YYYY-MM-DD", key="alias_from")
            until = st.date_input(str(_("Valid until")), None, format="YYYY-MM-DD", key="alias_to")
        ui.field_problem(problems, "valid_to")
        if st.form_submit_button(str(_("Add the name")), type="primary"):
            saved(
                lambda: actions.add_unit_alias(
                    db, actor, row.id, name, valid_from=since, valid_to=until, now=session.utc_now()
                ),
                _("The name is added."),
                "alias_problems",
            )


def close(row: UnitRow) -> None:
    """Close a unit, or say why not."""
    try:
        actions.archive_unit(db, actor, row.id, row.version, now=session.utc_now())
        session.flash(_("{unit} is closed.", unit=row.name))
    except CrmError as error:
        state["unit_refused"] = str(error)


def alias_words(alias: Alias) -> str:
    """Say another name with its time."""
    if alias.valid_from is None and alias.valid_to is None:
        return alias.name
    return f"{alias.name}（{alias.valid_from or ''}–{alias.valid_to or ''}）"


with ui.title_row(actor, _("Units"), _("{total} records", total=len(found)), log_contact="none"):
    if st.button(str(_("New unit")), type="primary", icon=":material/add:"):
        new_unit()
if refused := state.pop("unit_refused", None):
    st.error(ui.safe(refused), icon=":material/error:")
with ui.card("units"):
    frame = pd.DataFrame(
        {
            "order": [row.display_order for row in found],
            "code": [row.code for row in found],
            "name": [row.name for row in found],
            "short": [row.short_name for row in found],
            "kind": [str(label(UnitKind(row.kind))) for row in found],
            "group": [str(group_label(row.peer_group)) for row in found],
            "parent": [names.get(row.parent_id or 0) for row in found],
            "aliases": [listed(map(alias_words, row.aliases)) or None for row in found],
        }
    )
    columns = {
        "order": st.column_config.NumberColumn(str(_("Order")), width=60),
        "name": st.column_config.TextColumn(str(_("Unit name")), width=130),
        "short": st.column_config.TextColumn(str(_("Short name")), width=90),
        "code": st.column_config.TextColumn(str(_("Code")), width=90),
        "kind": st.column_config.TextColumn(str(_("Kind")), width=90),
        "group": st.column_config.TextColumn(str(_("Peer group")), width=90),
        "parent": st.column_config.TextColumn(str(_("Unit above")), width=110),
        "aliases": _("Other names"),
    }
    chosen = ui.table(frame, columns, key="units_table", on_select="rerun").selection.rows
    if not chosen or chosen[0] >= len(found):
        st.caption(str(_("Choose a row to change a unit.")))
        st.stop()
    row = found[chosen[0]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.safe(row.name)}** · {ui.safe(row.code)}", width="content")
        if st.button(str(_("Change")), icon=":material/edit:"):
            edit_unit(row)
        if st.button(str(_("Other names")), icon=":material/label:"):
            edit_aliases(row)
        if st.button(str(_("Close the unit")), icon=":material/archive:"):
            ui.confirm(
                _("Close the unit"),
                _(
                    "{unit} is offered nowhere any more and leaves the rankings, also those of months that are not"
                    " closed yet. It must hold nothing any more.",
                    unit=row.name,
                ),
                do=_("Close the unit"),
                action=lambda: close(row),
            )
