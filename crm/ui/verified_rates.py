"""Every rate as claimed beside as verified, under one rule set, and the projects that make the difference."""

from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any

import pandas as pd
import streamlit as st

from crm.locale import _, language
from crm.metrics import RATES
from crm.model import Actor, group_label
from crm.months import Month
from crm.reports import rankings
from crm.reports import verification as reports
from crm.reports.rule_sets import list_rule_sets
from crm.reports.verification import COMPARED
from crm.ui import components as ui
from crm.ui import filters, session, shell, tables
from crm.ui.tables import MAIN_RATES


def comparison(actor: Actor) -> None:
    """Draw every unit's rates under both readings, and the projects that make a difference."""
    db, today = session.database(), session.today()
    newest = rankings.latest_month_with_data(db, today=today)
    months = [str(newest.plus(-n)) for n in range(36)]
    rule_sets = {stored.rules.name: stored.rules for stored in list_rule_sets(db)}
    with st.container(horizontal=True, key="compare_filters", vertical_alignment="bottom"):
        month = filters.choose_month(months)
        rules = filters.choose_rules(rule_sets)
        slugs = COMPARED if st.toggle(str(_("All rates")), **filters.kept("gap_all")) else MAIN_RATES
    found = session.remembered(("verification", month, rules), lambda: reports.compare(db, month=month, rules=rules))
    for place, slug in zip(st.columns(3), MAIN_RATES, strict=True):
        claimed, verified = found.claimed.total[slug], found.verified.total[slug]
        gap = reports.difference(claimed, verified)
        with place:
            shown = reports.shown_rates(claimed, verified, rules)
            ui.kpi(
                f"gap_{slug}",
                _("{rate}, verified", rate=RATES[slug].label),
                shown[1],
                delta=f"{-float(gap) * 100:.1f}" if gap else None,
                delta_text=_("points against {claimed} claimed", claimed=shown[0]) if gap else _("as claimed"),
                help=_("All ranked units together."),
            )
    with ui.card("compared", _("Each unit, as claimed and as verified")):
        if not any(pair.d for pair in found.claimed.total.values()):
            ui.empty_state(
                _("No project counts in this month yet."),
                _("Import the ledger of projects, or choose another month or rule set above."),
                icon="leaderboard",
            )
            return
        clicked = _comparison_table(
            reports.comparison_frame(found, slugs), slugs, key=f"comparison_{month}_{rules.name}"
        )
        st.caption(
            ui.safe(
                _(
                    "As of {as_of} · rule set “{name}” version {version}. Verified: a step counts from the day"
                    " on which it was both reached and verified. Click a rate to see what makes the difference.",
                    as_of=found.claimed.as_of,
                    name=rules.name,
                    version=rules.version,
                )
            )
        )
    _behind(actor, found, month, slugs, clicked)


def _behind(
    actor: Actor,
    found: reports.Comparison,
    month: Month,
    slugs: tuple[str, ...],
    clicked: tuple[str, str] | None,
) -> None:
    """Draw the projects that make the difference of a unit's rate."""
    rows = {row.unit.name: row for row in found.rows}
    # One's own unit first, else where most lies between.
    own = next((n for n, row in enumerate(found.rows) if row.unit.id == actor.unit_id), None)
    gaps = [row.difference("startup") or Fraction(0) for row in found.rows]
    first = gaps.index(max(gaps)) if own is None else own
    if clicked:
        st.session_state["gap_unit"], st.session_state["gap_rate"] = clicked
    if st.session_state.get("gap_rate") not in (None, *slugs):
        del st.session_state["gap_rate"]
    with ui.card("gap", _("The projects that make the difference")):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = filters.one_of(_("Unit"), list(rows), "gap_unit", index=first, width=180)
            slug = filters.side_by_side(_("Rate"), slugs, "gap_rate", lambda s: RATES[s].label, default="startup")
        row = rows[name or next(iter(rows))]
        claimed, verified = row.claimed.pairs[slug], row.verified.pairs[slug]
        st.markdown(
            ui.safe(
                _(
                    "{unit} · {rate}: claimed {claimed} ({claimed_pair}), verified {verified} ({verified_pair})",
                    unit=row.unit.name,
                    rate=RATES[slug].label,
                    claimed=reports.shown_rates(claimed, verified, found.claimed.rules)[0],
                    claimed_pair=rankings.shown_pair(claimed),
                    verified=reports.shown_rates(claimed, verified, found.claimed.rules)[1],
                    verified_pair=rankings.shown_pair(verified),
                )
            )
        )
        differing = reports.differing(
            session.database(), actor, month=month, unit=row.unit, slug=slug, rules=found.claimed.rules
        )
        if differing.hidden:
            st.caption(str(_("{count} projects are outside your scope and not listed.", count=differing.hidden)))
        if differing.rows:
            picked = _differing_table(reports.differing_frame(differing), key="differing")
            if picked is not None:
                shell.go("project", id=differing.rows[picked].project_id)
        elif not differing.hidden:
            ui.empty_state(_("Everything that counts here is verified."), icon="verified")


def _comparison_table(frame: pd.DataFrame, slugs: Sequence[str], *, key: str) -> tuple[str, str] | None:
    """Draw both readings (see `reports.verification.comparison_frame`); returns (unit, rate) of a clicked rate."""
    shown = frame.copy()
    shown["group"] = [str(group_label(group)) for group in frame["group"]]
    wider = 0 if language() == "zh_CN" else 56  # longer words
    config: dict[str, Any] = {
        "unit": st.column_config.TextColumn(str(_("Unit")), pinned=True, width=92),
        "group": st.column_config.TextColumn(str(_("Peer group")), width=64 + wider // 2),
        "rank": st.column_config.NumberColumn(str(_("Rank as claimed")), width=70 + wider),
        "rank_verified": st.column_config.NumberColumn(str(_("Rank as verified")), width=70 + wider),
    }
    for slug in slugs:
        rate = RATES[slug].label
        for column, title in (
            (slug, _("{rate}, claimed", rate=rate)),
            (f"{slug}_verified", _("{rate}, verified", rate=rate)),
        ):
            config[column] = st.column_config.NumberColumn(str(title), format="%.1f%%", width=96 + wider)
        config[f"{slug}_gap"] = st.column_config.NumberColumn(
            str(_("Gap (points)")),
            format="%.1f",
            width=78 + wider // 4,
            help=str(_("Verified less claimed, in percentage points.")),
        )
    gaps: list[Hashable] = [f"{slug}_gap" for slug in slugs]
    styled = shown.style.map(lambda points: tables.GREEN if points < 0 else "", subset=gaps)
    row, column = tables.clicked_cell(styled, config, key=key) or (len(frame), "")
    slug = column.removesuffix("_gap").removesuffix("_verified")
    return (str(frame.iloc[row]["unit"]), slug) if slug in slugs and row < len(frame) else None


def _differing_table(frame: pd.DataFrame, *, key: str) -> int | None:
    """Draw the projects that make a difference (see `reports.verification.differing_frame`); returns the chosen row."""
    picked = ui.table(
        frame,
        {
            "code": st.column_config.TextColumn(str(_("Project code")), width=120),
            "name": st.column_config.TextColumn(str(_("Project")), width=260),
            "steps": st.column_config.TextColumn(str(_("Claimed, not verified")), width=320),
            "why": st.column_config.TextColumn(str(_("Why it does not count as verified")), width=200),
        },
        key=key,
        on_select="rerun",
    )
    rows = picked.selection.rows if picked else []
    return rows[0] if rows and rows[0] < len(frame) else None
