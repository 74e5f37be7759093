"""Ranks under another rule set."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from crm.errors import Invalid
from crm.locale import _, listed
from crm.metrics import RATES, Performance
from crm.model import group_label, label
from crm.months import WindowMode
from crm.reports.review.movement import of_group
from crm.reports.review.what_if import WhatIf, altered, movers, shifts_frame, what_if
from crm.reports.rule_sets import SETTINGS, differences, effect_frame
from crm.ui import components as ui
from crm.ui import filters, rule_forms, session
from crm.ui.records import facts
from crm.ui.review.choices import Chosen
from crm.ui.rule_forms import plain_number
from crm.ui.tables import GREEN, RED, clicked_cell, movement_text
from crm.ui.tables import MAIN_RATES as MAIN


def show_what_if(chosen: Chosen) -> None:
    """Draw how the ranks of the past months would have been under another rule set."""
    db = session.database()
    versions = {
        str(_("“{name}” version {version}", name=s.rules.name, version=s.rules.version)): s.rules for s in chosen.stored
    }
    with ui.card("other", _("Another reading of the rules")):
        start = filters.one_of(_("Starting from"), list(versions), "other_rules", width=260)
        changes, slots = _ask_changes(MAIN)
        base = versions[start or next(iter(versions))]
        if "score.weights" in changes:
            changes["score.weights"] = base.settings()["score"]["weights"] | changes["score.weights"]
        try:
            other = altered(db, base, changes)
        except Invalid as problem:
            rule_forms.show_problems(problem.fields, slots)
            st.stop()
        st.caption(str(_("What is left empty stays as the rule set has it. Nothing is saved here.")))
    found = differences(chosen.rules, other)
    if not found:
        with ui.card("none"):
            ui.empty_state(
                _("Both read everything alike."),
                _("Choose another version above, or change a setting: the effect on twelve months is shown here."),
                icon="rule",
            )
        return
    before, after = chosen.rankings_under(chosen.rules), chosen.rankings_under(other)
    shifts = what_if(of_group(before, chosen.group or ""), of_group(after, chosen.group or ""))
    with ui.card("summary", _("What would be different")):
        _summary(shifts)
    with ui.card("shifts", _("Rank by both, {group}", group=group_label(chosen.group or ""))):
        picked = _shifts_table(shifts, key="shifts")
        st.caption(
            str(
                _(
                    "“3→1 ▲2”: rank 3 under the rule set above, 1 under the other. One number: the same under both."
                    " Click a month to see its scores and rates below."
                )
            )
        )
    if picked:
        st.session_state["shift_month"] = picked
    with ui.card("differences", _("What differs")):
        now = str(_("“{name}” version {version}", name=chosen.rules.name, version=chosen.rules.version))
        rule_forms.differences_table(found, now, str(_("The other reading")), key="differences")
    with ui.card("month_effect", _("One month under both")) as aside:
        times = [str(r.month) for r in reversed(before)]
        with aside:
            time = filters.choose_month(times, key="shift_month", label_visibility="collapsed")
        n = next((n for n, r in enumerate(before) if r.month == time), -1)
        frame = effect_frame(before[n], after[n], MAIN)
        rule_forms.effect_table(frame[frame["group"] == chosen.group], MAIN, key="effect")
        st.page_link(
            "pages/monthly_ranking.py",
            label=str(_("The projects behind this month's ranking")),
            icon=":material/arrow_forward:",
            query_params={"month": str(before[n].month), "rules": chosen.rules.name},
        )


_LABELS = {setting.path: setting.label for setting in SETTINGS}


def _ask_changes(slugs: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask which settings of a rule set are changed; returns them by path, and the place for what is wrong with each.

    What is left empty stays as the rule set has it.
    """
    unchanged = str(_("As in the rule set"))
    changes: dict[str, Any] = {}
    slots: dict[str, Any] = {}

    def noted(path: str, value: Any) -> None:
        slots[path] = st.empty()
        if value is not None:
            changes[path] = value

    places = st.columns(4)
    with places[0]:
        mode = filters.any_of(_LABELS["window.mode"], list(WindowMode), "alt_window", label, left_open=unchanged)
        noted("window.mode", None if mode is None else str(mode))
        if mode == WindowMode.SINCE:
            day = st.date_input(
                str(_LABELS["window.base_date"]), None, format="YYYY-MM-DD", **filters.kept("alt_since")
            )
            noted("window.base_date", day.isoformat() if day else None)
        if mode == WindowMode.COHORT:
            noted(
                "window.cohort_year",
                st.number_input(str(_LABELS["window.cohort_year"]), 1900, 2999, None, **filters.kept("alt_year")),
            )
    with places[1]:
        threshold = st.number_input(
            str(_LABELS["threshold_wan"]),
            0.0,
            value=None,
            placeholder=unchanged,
            step=1000.0,
            format="%.6g",
            **filters.kept("alt_threshold"),
        )
        noted("threshold_wan", plain_number(threshold))
    with places[2]:
        answers = {"yes": _("yes"), "no": _("no")}
        verified = filters.any_of(
            _LABELS["verified_only"], list(answers), "alt_verified", answers.__getitem__, left_open=unchanged
        )
        noted("verified_only", None if verified is None else verified == "yes")
    with places[3]:
        performance = filters.any_of(
            _LABELS["performance"], list(Performance), "alt_performance", label, left_open=unchanged
        )
        noted("performance", None if performance is None else str(performance))
    weights: dict[str, Any] = {}
    with st.container(horizontal=True, key="alt_weights", vertical_alignment="bottom"):
        for slug in slugs:
            weight = st.number_input(
                str(_("Weight of {rate}", rate=RATES[slug].label)),
                0.0,
                value=None,
                placeholder=unchanged,
                step=5.0,
                format="%.4g",
                width=170,
                **filters.kept(f"weight_{slug}"),
            )
            if weight is not None:
                weights[slug] = plain_number(weight)
    noted("score.weights", weights or None)
    return changes, slots


def _summary(found: WhatIf) -> None:
    """Draw how many places would change, and who gains and loses most."""
    up, down = movers(found.gains)

    def named(gains: Sequence[tuple[str, int]]) -> str:
        return listed(f"{unit} {movement_text(places)}" for unit, places in gains) or "—"

    facts(
        {
            _("Places that would change"): f"{found.changed:,} / {found.compared:,}",
            _("Gain most"): named(up),
            _("Lose most"): named(down),
        }
    )
    st.caption(
        str(_("Places are units × months that either of the two ranks. Gains and losses are added up over all months."))
    )


def _shifts_table(found: WhatIf, *, key: str) -> str | None:
    """Draw units × months with both ranks; returns the month of a clicked cell."""
    frame = shifts_frame(found)
    shown = frame.assign(total=[movement_text(total) for total in frame["total"]])
    config: dict[str, Any] = {
        "unit": st.column_config.TextColumn(str(_("Unit")), width=90, pinned=True),
        "total": st.column_config.TextColumn(str(_("Together")), width=70),
        **{month: st.column_config.TextColumn(month, width=78) for month in found.months},
    }
    styled = shown.style.map(
        lambda text: RED if "▲" in text else GREEN if "▼" in text else "background-color: #fdf3d8" * ("→" in text),
        subset=["total", *found.months],
    )
    cell = clicked_cell(styled, config, key=key)
    return cell[1] if cell and cell[1] in found.months else None
