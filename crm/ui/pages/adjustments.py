"""Adjustment points of the month: given and taken with reason and evidence, and what they do to the ranking."""

from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from crm.locale import _
from crm.metrics import RuleSet
from crm.model import group_label
from crm.months import Month
from crm.permissions import Action, can
from crm.reports import adjustments as reports
from crm.reports.rankings import units as all_units
from crm.reports.rule_sets import list_rule_sets
from crm.ui import adjustment_forms as forms
from crm.ui import components as ui
from crm.ui import filters, session, tables

actor, db, today = session.current_actor(), session.database(), session.today()
units = {unit.id: unit.name for unit in all_units(db)}
months = [str(Month.of(today).plus(-n)) for n in range(36)]
rule_sets = {stored.rules.name: stored.rules for stored in list_rule_sets(db)}
may_adjust = can(actor, Action.ADJUST)


def points_table() -> None:
    """Draw the points that fit the filters, and what may be done about the chosen ones."""
    wanted: dict[str, Any] = {"month": None if every_month else month, "unit_id": unit_id}
    total = reports.count_adjustments(db, actor, **wanted)
    if not total:
        ui.empty_state(
            _("No points are given or taken here."),
            _("Give or take points above, choose another month, or import the ledger of adjustments."),
            icon="exposure",
        )
        return
    listing = st.container()
    page = ui.pager(total, page_size=reports.PAGE_SIZE, key="adjustment_page")
    rows = reports.adjustments(db, actor, **wanted, page=page)
    with listing:
        picked = ui.table(
            reports.adjustments_frame(rows),
            {
                "month": st.column_config.TextColumn(str(_("Month")), width=80),
                "unit": st.column_config.TextColumn(str(_("Unit")), width=110),
                "points": st.column_config.NumberColumn(str(_("Points")), format="%+.2f", width=80),
                "reason": st.column_config.TextColumn(str(_("Reason")), width=300),
                "evidence": st.column_config.TextColumn(str(_("Evidence")), width=220),
                "updated_by": st.column_config.TextColumn(str(_("Recorded by")), width=100),
            },
            # What is chosen belongs to the points as they were drawn.
            key=f"points_{crc32(repr([(row.id, row.version) for row in rows]).encode()):x}",
            on_select="rerun" if may_adjust else "ignore",
        )
        chosen = picked.selection.rows if may_adjust and picked else []
        if not may_adjust or not chosen or chosen[0] >= len(rows):
            return
        known = rows[chosen[0]]
        with st.container(key="bulk", horizontal=True, vertical_alignment="center"):
            st.markdown(ui.safe(f"{known.unit} · {known.month} · {forms.shown_points(known.points)}"), width="content")
            if st.button(str(_("Change")), key="change_adjustment", icon=":material/edit:"):
                forms.ask_points(actor, known, month=known.month, unit_id=known.unit_id, months=choices, units=units)
            if st.button(str(_("Take back")), key="withdraw_adjustment", icon=":material/undo:"):
                forms.ask_back(actor, known)


def effect_table(rules: RuleSet) -> None:
    """Draw place and score of every unit with the month's points and without them."""
    found = session.remembered(("adjustments", month, rules), lambda: reports.effect(db, month=month, rules=rules))
    frame = reports.effect_frame(found, rules)
    frame["group"] = [str(group_label(group)) for group in frame["group"]]
    frame["places"] = [tables.movement_text(places) for places in frame["places"]]
    st.dataframe(
        frame.style.map(tables.up_or_down, subset=pd.Index(["places"])),
        key="effect",
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        column_config={
            "group": st.column_config.TextColumn(str(_("Peer group")), width=80),
            "unit": st.column_config.TextColumn(str(_("Unit")), width=110),
            "points": st.column_config.NumberColumn(str(_("Points")), format="%+.2f", width=80),
            "rank": st.column_config.NumberColumn(str(_("Rank")), width=70),
            "rank_without": st.column_config.NumberColumn(str(_("Rank without points")), width=120),
            "places": st.column_config.TextColumn(str(_("Places by points")), width=110),
            "score": st.column_config.NumberColumn(str(_("Score")), format="%.2f", width=90),
            "score_without": st.column_config.NumberColumn(str(_("Score without points")), format="%.2f", width=120),
        },
    )


header = st.container()
with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
    month = filters.choose_month(months, index=1, key="adjustment_month")
    unit_id = filters.any_of(
        _("Unit"), list(units), "adjustment_unit", units.__getitem__, left_open=_("All units"), width=170
    )
    every_month = st.toggle(str(_("All months")), **filters.kept("adjustment_all"))
choices = {each: each for each in months}
caption = _("Points given and taken in a month, added to the score of the ranking")
with header, ui.title_row(actor, _("Adjustments"), caption, log_contact="secondary", printable=True):
    if may_adjust and st.button(
        str(_("Give or take points")), key="add_adjustment", type="primary", icon=":material/exposure:"
    ):
        forms.ask_points(actor, None, month=str(month), unit_id=unit_id, months=choices, units=units)
if closed := forms.closed_words(month):
    st.info(ui.safe(closed), icon=":material/lock:")
with ui.card("adjustments", _("Points on record")):
    points_table()
with ui.card("effect", _("What the points of {month} do", month=month)) as aside:
    with aside:
        rules = filters.choose_rules(rule_sets, label_visibility="collapsed")
    effect_table(rules)
