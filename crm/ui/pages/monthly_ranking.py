"""The ranking of a month: pooled rates, every unit's place and movement, trends, the projects behind any number."""

import streamlit as st

from crm import charts
from crm.locale import _
from crm.metrics import RATES, Basis, percent
from crm.model import YUAN_PER_YI, group_label, label
from crm.reports import closes, rankings
from crm.reports.rule_sets import list_rule_sets
from crm.ui import components as ui
from crm.ui import filters, session, tables
from crm.ui.tables import MAIN_RATES as MAIN

TOGETHER = ""  # among the names of the units

actor, db = session.current_actor(), session.database()
newest = rankings.latest_month_with_data(db, today=session.today())
months = [str(newest.plus(-n)) for n in range(36)]
rule_sets = {stored.rules.name: stored.rules for stored in list_rule_sets(db)}

header = st.container()
with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
    month = filters.choose_month(months)
    rules = filters.choose_rules(rule_sets)
    basis = filters.side_by_side(_("Basis"), list(Basis), "basis", label, default=Basis.COUNT)
period = rules.period(month)
caption = _(
    "As of {as_of} · rule set “{name}” version {version} · {window}, from {since}",
    as_of=period.as_of,
    name=rules.name,
    version=rules.version,
    window=label(rules.window_mode),
    since=period.w0,
)
with header, ui.title_row(actor, _("Monthly ranking"), caption, printable=True):
    pass
history = session.remembered(
    ("ranking history", month, rules, basis),
    lambda: rankings.ranking_history(db, last=month, count=12, rules=rules, basis=basis),
)
ranking, before = history[-1], history[-2]
if not any(pair.d for pair in ranking.total.values()):
    with ui.card("none"):
        ui.empty_state(
            _("No project counts in this month yet."),
            _("Import the ledger of projects, or choose another month or rule set above."),
            icon="leaderboard",
        )
    st.stop()

measures = rankings.activity(db, period)
earlier = rankings.activity(db, rules.period(before.month))
places = st.columns(5)
for place, slug, size, shown, title in (
    (places[0], "signings", 1, ",.0f", _("New signings this month")),
    (places[1], "signed_amount", YUAN_PER_YI, ",.1f", _("Signed this month (¥100m)")),
):
    now, then = (rankings.group_total(of, ranking, slug) / size for of in (measures, earlier))
    with place:
        ui.kpi(slug, title, f"{now:{shown}}", delta=f"{now - then:+{shown}}", delta_text=_("against last month"))
for place, slug in zip(places[2:], MAIN, strict=True):
    rate, rate_before = ranking.total[slug].rate, before.total[slug].rate
    with place:
        ui.kpi(
            slug,
            RATES[slug].label,
            percent(rate, rules.rounding),
            delta=None if rate is None or rate_before is None else f"{float(rate - rate_before) * 100:+.1f}",
            delta_text=_("points against last month"),
            trend=[float(r.total[slug].rate or 0) for r in history],
            help=_("N: {n}. D: {d}.", n=RATES[slug].numerator, d=RATES[slug].denominator),
        )

frame = rankings.ranking_frame(history, measures)
told = closes.published_ranks(db, [month, before.month])
published_before = told.get(str(before.month))
if published_before is not None:
    frame["last_month"] = closes.last_month_words(ranking, published_before)
if str(month) in told:
    with st.container(horizontal=True, vertical_alignment="center", key="published"):
        st.caption(str(_("{month} is closed: its ranking as published is kept.", month=month)), width="content")
        st.page_link(
            "pages/month_close.py",
            label=str(_("The ranking as published")),
            icon=":material/lock:",
            query_params={"closing_month": str(month)},
        )
with ui.card("ranking", _("Ranking of units")) as aside:
    with aside:
        slugs = tuple(RATES) if st.toggle(str(_("All seven rates")), **filters.kept("all_rates")) else MAIN
    clicked = tables.ranking_table(frame, slugs=slugs, key="ranking_table")
    st.caption(str(_("Click a rate to see the projects behind it. “—” means that there is no rate: it does not rank.")))
    if published_before is not None:
        st.caption(
            str(
                _(
                    "{month} is closed. Ranks of last month are worked out anew under this rule set; where another was"
                    " published, it stands beside.",
                    month=before.month,
                )
            )
        )

units = {row.unit.name: row.unit for row in ranking.rows}
own = next((n for n, unit in enumerate(units.values()) if unit.id == actor.unit_id), 0)
if clicked:
    st.session_state["unit"], st.session_state["rate"] = clicked
with ui.card("behind", _("The projects behind a number")):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choice = filters.one_of(
            _("Unit"), [*units, TOGETHER], "unit", lambda name: name or _("All ranked units"), index=own, width=180
        )
        slug = filters.side_by_side(_("Rate"), list(RATES), "rate", lambda s: RATES[s].label, default="startup")
        everything = st.toggle(str(_("Also the projects that do not count")), **filters.kept("everything"))
    unit = units.get(choice)
    named = unit.name if unit else _("All ranked units")
    how = {"month": month, "unit": unit, "slug": slug, "rules": rules, "basis": basis}
    found = rankings.facts(db, actor, **how, counted_only=not everything)
    pair = found.pair
    st.markdown(
        ui.safe(f"{named} · {RATES[slug].label} {percent(pair.rate, rules.rounding)} ({rankings.shown_pair(pair)})")
    )
    st.caption(ui.safe(_("N: {n}. D: {d}.", n=RATES[slug].numerator, d=RATES[slug].denominator)))
    behind = rankings.facts_frame(found)
    if found.hidden:
        st.caption(str(_("{count} counted projects are outside your scope and not listed.", count=found.hidden)))
    if len(behind):
        tables.facts_table(behind, key="facts")
    else:
        ui.empty_state(_("No projects to show behind this number."), icon="folder_off")

left, right = st.columns([3, 2])
with left, ui.card("trend", _("Places over twelve months")):
    marked = unit or ranking.rows[own].unit
    chart = charts.rank_trend(rankings.rank_frame(history, marked.peer_group), highlight=marked.short_name)
    st.altair_chart(chart, key="rank_trend")
    st.caption(ui.safe(_("{group}; {unit} stands out.", group=group_label(marked.peer_group), unit=marked.name)))
with right, ui.card("rates", _("Three rates of {unit}", unit=named)):
    labels = [str(RATES[slug].label) for slug in MAIN]
    trend = rankings.rate_frame(history, unit.id if unit else None, MAIN)
    st.altair_chart(charts.rate_trend(trend, rates=labels), key="rate_trend")
