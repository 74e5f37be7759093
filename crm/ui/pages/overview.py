"""The overview, which a leader opens first: what a period brought, who leads, who slips, and the way to the records."""

import streamlit as st

from crm.locale import _
from crm.metrics import MEASURES
from crm.model import label
from crm.permissions import Action, Scope, can, scopes
from crm.reports import desk, overview, rankings, targets
from crm.reports.overview import ToDate
from crm.reports.rule_sets import find_rule_set
from crm.ui import components as ui
from crm.ui import filters, session
from crm.ui import overview as parts
from crm.ui.tables import MAIN_RATES

TODO_LINES = 6

actor, db, today = session.current_actor(), session.database(), session.today()
reads = can(actor, Action.READ)

if not overview.has_work(db):
    with ui.title_row(actor, _("Overview"), _("Data up to {day}", day=today)):
        pass
    parts.first_steps(actor)
    st.stop()

rules, month = find_rule_set(db), rankings.latest_month_with_data(db, today=today)
as_of = min(today, month.last_day)
history = session.remembered(
    ("history", month, rules),
    lambda: rankings.ranking_history(db, last=month, count=overview.MONTHS + 1, rules=rules),
)
ranked = {row.unit.name: row.unit for row in sorted(history[-1].rows, key=lambda row: row.unit.display_order)}

caption = _("Data up to {day} · {count} ranked units", day=as_of, count=len(ranked))
with ui.title_row(actor, _("Overview"), caption, printable=True):
    to_date = filters.side_by_side(_("Period"), list(ToDate), "to_date", label, default=ToDate.YEAR, bare=True)
    chosen = filters.any_of(
        _("Unit"), list(ranked), "of_unit", left_open=_("All ranked units"), label_visibility="collapsed", width=165
    )
unit = ranked.get(chosen or "")
units = [unit] if unit else list(ranked.values())
unit_ids, span = tuple(member.id for member in units), overview.period_to(as_of, to_date)
st.caption(ui.safe(parts.period_words(span, to_date)))

# ------------------------------------------------------------------------------------------------------------- figures

counted = session.remembered(("counted", as_of), lambda: overview.counted(db, as_of=as_of))


def count(slug: str) -> None:
    """Draw a plain measure; a click lists what it counts."""
    with parts.count_figure(slug, counted.figure(slug, to_date, unit_ids), to_date):
        if reads and st.button(str(_("Show the records")), key=f"open_{slug}", type="tertiary"):
            parts.show_records(
                parts.heading(slug),
                MEASURES[slug].meaning,
                lambda page: overview.records(db, actor, slug, span=span, unit_ids=unit_ids, page=page),
            )


with st.container(key="figures"):
    count("signings")
    count("signed_amount")
    for slug in MAIN_RATES:
        with parts.rate_figure(slug, overview.rate_figure(history, slug, unit.id if unit else None), rules):
            parts.ranking_link(str(_("Show the projects")), month=str(month), rate=slug, unit=chosen)
    for slug in ("new_leads", "starts", "funds_arrived", "follow_ups"):
        count(slug)
    if reads:
        late = overview.late_starts(db, actor, today=today, unit_ids=unit_ids)
        with parts.late_figure(late.total, today=today):
            if st.button(str(_("Show the records")), key="open_late_start", type="tertiary"):
                parts.show_late_starts(
                    lambda page: overview.late_starts(db, actor, today=today, unit_ids=unit_ids, page=page)
                )

# ------------------------------------------------------------------------------------------------------------ sections

within = "" if Scope.ALL in scopes(actor, Action.READ) else str(_("Only what lies within your scope."))
left, right = st.columns([5, 3])
with left, ui.card("ranking", _("Ranking of units")) as aside:
    with aside:
        parts.whole_ranking_link(month=str(month))
    parts.ranking_excerpt(history)


@st.fragment
def chains() -> None:
    """Draw what was signed by chain and unit; this card alone is drawn anew as its measure changes."""
    with ui.card("chains", _("Signed by chain and unit")) as aside:
        with aside:
            value = parts.choose_value()
        matrix = session.remembered(
            ("chains", actor, span, unit_ids), lambda: overview.chain_matrix(db, actor, span=span, units=units)
        )
        if not matrix["signed"].any():
            ui.empty_state(_("Nothing was signed in this period."), within, icon="grid_on")
        elif cell := parts.chain_heatmap(matrix, value, within):
            parts.show_records(
                parts.cell_title(matrix, cell),
                MEASURES["signings"].meaning,
                lambda page: overview.records(
                    db, actor, "signings", span=span, unit_ids=(cell[1],), industry_id=cell[0], page=page
                ),
            )


if reads:
    with left:
        chains()
    with right, ui.card("funnel", _("From lead to production")):
        steps = session.remembered(
            ("funnel", actor, as_of, unit_ids), lambda: overview.funnel(db, actor, as_of=as_of, unit_ids=unit_ids)
        )
        if not steps[0].count:
            ui.empty_state(_("No project yet."), within, icon="filter_alt")
        elif stage := parts.funnel_chart(steps, within):
            reached_stage = stage
            parts.show_records(
                label(stage),
                parts.FUNNEL_RULE,
                lambda page: overview.stage_records(
                    db, actor, reached_stage, as_of=as_of, unit_ids=unit_ids, page=page
                ),
            )
    reached = session.remembered(("targets", actor, as_of), lambda: targets.attainment(db, actor, as_of.year, as_of))
    if reached.rows:
        with right, ui.card("targets", _("Targets of {year}", year=as_of.year)):
            parts.attainment_chart(overview.targets_reached(reached, history[-1], unit_ids), reached)
            if within:
                st.caption(within)
with right, ui.card("slips", _("Who slipped since last month")):
    parts.slip_lines(overview.slips(history, MAIN_RATES), month=str(month))
whose = desk.concerned(actor)
if reads and (due := desk.due(db, actor, whose, today=today, size=TODO_LINES)):
    with left, ui.card("todo", _("My to-dos") if whose.mine else _("My unit's to-dos")) as aside:
        with aside:
            st.page_link("pages/my_desk.py", label=str(_("My desk")), icon=":material/arrow_forward:")
        parts.due_lines(due, today=today)
