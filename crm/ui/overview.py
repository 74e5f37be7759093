"""What the overview is made of: a figure with its changes and its trend, the excerpt of the ranking, lines of who slips
and of what is due, the records behind a number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from html import escape
from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from crm import charts
from crm.locale import Message, _
from crm.metrics import MEASURES, RATES, RuleSet, percent
from crm.model import YUAN_PER_WAN, YUAN_PER_YI, Actor, Method, Stage, group_label, label
from crm.permissions import Action, can
from crm.reports.desk import Due
from crm.reports.overview import PAGE_SIZE, Figure, RateFigure, Records, Slip, Span, Step, ToDate, excerpt
from crm.reports.projects import CONCERN_HINTS, CONCERN_LABELS, Concern
from crm.reports.rankings import Ranking, ranking_frame, shown_pair
from crm.reports.targets import Attainment, Progress, is_money, measure_label
from crm.ui import components as ui
from crm.ui import filters, shell, tables
from crm.ui.todo import late

BEFORE = {ToDate.MONTH: _("against last month"), ToDate.QUARTER: _("against last quarter")}
Change = tuple[float | None, str, Message]


def first_steps(actor: Actor) -> None:
    """Say in an empty bureau what to do next."""
    with ui.card("none"):
        ui.empty_state(
            _("There is nothing to look over yet."),
            _("Log the first contact (key N), or import the ledgers of enterprises and projects."),
            icon="rocket_launch",
        )
        if can(actor, Action.IMPORT):
            with st.container(horizontal=True, horizontal_alignment="center"):
                st.page_link("pages/import_ledger.py", label=str(_("Excel import")), icon=":material/upload_file:")


def period_words(span: Span, to_date: ToDate) -> Message:
    """Say which days the figures cover and what they are compared with."""
    days = {"period": label(to_date), "first": span.first_day, "last": span.last_day}
    if to_date is ToDate.YEAR:
        return _(
            "{period}: {first} to {last}, compared with the same days of the year before."
            " Rates: as of the last day by the rule set, compared with a month and a year before.",
            **days,
        )
    return _(
        "{period}: {first} to {last}, compared with the same days of the period before and of the year before."
        " Rates: as of the last day by the rule set, compared with a month and a year before.",
        **days,
    )


def count_figure(slug: str, figure: Figure, to_date: ToDate) -> Any:
    """Draw a plain measure with its changes; returns the place of what opens its records."""
    size, shown = (YUAN_PER_YI, ",.1f") if MEASURES[slug].in_yuan else (Decimal(1), ",.0f")
    changes = [_change(figure.value, figure.year_before, _("year on year"), slug)]
    if figure.before is not None:
        changes.insert(0, _change(figure.value, figure.before, BEFORE[to_date], slug))
    return draw_figure(
        slug,
        heading(slug),
        f"{figure.value / size:{shown}}",
        changes,
        list(map(float, figure.trend)),
        MEASURES[slug].meaning,
    )


def _change(now: Decimal, then: Decimal, words: Message, slug: str) -> Change:
    """Compare: amounts by percent, small numbers by how many."""
    if not MEASURES[slug].in_yuan:
        return float(now - then), f"{now - then:+,.0f}" if now != then else "0", words
    if not then:
        return None, "—", words
    change = (now - then) / then * 100
    return float(change), f"{change:+,.1f}%", words


def late_figure(count: int, *, today: date) -> Any:
    """Draw how many starts are overdue; returns the place of what opens them."""
    late_start = Concern.LATE_START
    title, rule = CONCERN_LABELS[late_start], CONCERN_HINTS[late_start]
    return draw_figure(late_start, title, f"{count:,}", [], [], rule, beside=_("on {day}", day=today))


def rate_figure(slug: str, figure: RateFigure, rules: RuleSet) -> Any:
    """Draw a rate with N/D, its changes in percentage points; returns the place of what opens its projects."""
    rate = RATES[slug]
    changes = [
        (None, "—", words) if change is None else (float(change), f"{float(change) * 100:+.1f}", words)
        for change, words in (
            (figure.change, _("points against last month")),
            (figure.change_over_year, _("points year on year")),
        )
    ]
    return draw_figure(
        slug,
        rate.label,
        percent(figure.pair.rate, rules.rounding),
        changes,
        [None if value is None else float(value) for value in figure.trend],
        _("N: {n}. D: {d}.", n=rate.numerator, d=rate.denominator),
        beside=shown_pair(figure.pair),
    )


def draw_figure(
    key: str,
    title: Message | str,
    value: str,
    changes: Sequence[Change],
    trend: Sequence[float | None],
    rule: Message | str,
    *,
    beside: Message | str = "",
) -> Any:
    """Draw one number in a card: its rule behind the question mark, changes (red up, green down), twelve months.

    Returns the place at the right of the title; a button or link in it is as large as the whole card.
    """
    with st.container(border=True, key=f"figure_{key}", height="stretch", gap=None):
        with st.container(
            key=f"figure_head_{key}", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"
        ):
            st.markdown(ui.safe(title), help=ui.safe(rule))
            opener = st.container(width="content", key=f"figure_open_{key}")
        lines = "".join(
            f'<p><span class="crm-change {_direction(size)}">{escape(text)}</span> {escape(str(words))}</p>'
            for size, text, words in changes
        )
        drawn = charts.sparkline(trend, direction=_direction(changes[0][0])) if changes else ""
        said = f'<p class="crm-value">{escape(value)}<small>{escape(str(beside))}</small></p>{lines}'
        st.html(f'<div class="crm-figure">{said}</div>')
        if drawn:
            st.html(f'<img class="crm-trend" alt="" src="data:image/svg+xml,{quote(drawn)}">')
    return opener


def _direction(change: float | None) -> str:
    return "level" if not change else "up" if change > 0 else "down"


def heading(slug: str) -> Message:
    """Name a plain measure or rate with the unit of its figures."""
    words = measure_label(slug)
    return _("{measure} (¥100m)", measure=words) if is_money(slug) else words


def ranking_excerpt(history: Sequence[Ranking]) -> None:
    """Draw the first and the last of the newest ranking; a click on a rate opens its projects."""
    newest = history[-1]
    if not any(pair.d for pair in newest.total.values()):
        ui.empty_state(
            _("No project counts in this month yet."), _("Import the ledger of projects."), icon="leaderboard"
        )
        return
    frame = ranking_frame([*history[:-1], replace(newest, rows=excerpt(newest))], {})
    shown = frame.copy()
    shown["group"] = [str(group_label(group)) for group in frame["group"]]
    shown["movement"] = [tables.movement_text(places) for places in frame["movement"]]
    config: dict[str, Any] = {
        **tables.place_columns(),
        "unit": st.column_config.TextColumn(str(_("Unit")), width=88),
    }
    for slug in tables.MAIN_RATES:
        config[slug] = tables.rate_column(slug, width=100)
    config |= {
        "score": st.column_config.NumberColumn(str(_("Score")), format="%.2f", width=56),
        "group": st.column_config.TextColumn(str(_("Peer group")), width=60),
        "trend": st.column_config.LineChartColumn(str(_("Score, 12 months")), width=88),
    }
    if shown["group"].nunique() == 1:
        del config["group"]
    styled = shown.style.map(tables.up_or_down, subset=["movement"])
    picked = st.dataframe(
        styled,
        key="ranking_excerpt",
        hide_index=True,
        column_order=list(config),
        column_config=config,
        height="content",
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-cell",
    )
    unit = tables.clicked(picked, frame["unit"])
    if unit is not None and (slug := picked.selection.cells[0][1]) in RATES:
        shell.go("monthly_ranking", month=newest.month, unit=unit, rate=RATES[slug].label)


def slip_lines(slips: Sequence[Slip], *, month: str) -> None:
    """Draw the units that fell, each with a link to the projects behind the rate that fell most."""
    if not slips:
        ui.empty_state(_("No unit lost places or score."), icon="trending_up")
    for slip in slips:
        slug = slip.slug or "startup"
        with st.container(horizontal=True, vertical_alignment="center", key=f"todo_slip_{slip.unit.id}"):
            with st.container(gap=None, key=f"todo_text_slip_{slip.unit.id}"):
                ranking_link(ui.safe(slip.unit.name), month=month, unit=slip.unit.name, rate=slug)
                words = [_("place {rank}", rank=slip.rank), _("score {change}", change=f"{float(slip.score):+.2f}")]
                if slip.slug and slip.rate is not None:
                    words.append(
                        _(
                            "{rate} {change} points",
                            rate=RATES[slip.slug].label,
                            change=f"{float(slip.rate) * 100:+.1f}",
                        )
                    )
                st.caption(ui.safe(" · ".join(map(str, words))))
            if slip.places < 0:
                ui.tag(f"▼ {-slip.places}", "green")


def whole_ranking_link(*, month: str) -> None:
    """Draw the link to the page of the monthly ranking."""
    st.page_link(
        "pages/monthly_ranking.py",
        label=str(_("The whole ranking")),
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params={"month": month},
    )


def ranking_link(text: str, *, month: str, rate: str, unit: str | None = None, icon: str | None = None) -> None:
    """Draw the link to the projects behind a rate on the page of the monthly ranking."""
    query = {"month": month, "rate": str(RATES[rate].label), "unit": unit or str(_("All ranked units"))}
    st.page_link("pages/monthly_ranking.py", label=text, icon=icon, query_params=query)


def due_lines(items: Sequence[Due], *, today: date) -> None:
    """Draw what is due, with how late it is; each opens the record on which it is done."""
    for item in items:
        page, name, record_id = next(iter(item.links))
        with st.container(horizontal=True, vertical_alignment="center", key=f"todo_{item.kind}_{item.id}"):
            with st.container(gap=None, key=f"todo_text_{item.kind}_{item.id}"):
                st.page_link(f"pages/{page}.py", label=ui.safe(item.what), query_params={name: str(record_id)})
                words = (item.enterprise, item.project, item.person, str(item.due_on))
                st.caption(ui.safe(" · ".join(filter(None, words))))
            ui.tag(*late(item.due_on, today))


def choose_value() -> str:
    """Ask whether projects are counted (signed) or their investment summed (amount)."""
    words = {value: heading(slug) for value, slug in (("signed", "signings"), ("amount", "signed_amount"))}
    return str(
        filters.side_by_side(_("Value"), list(words), "chain_value", words.__getitem__, default="signed", bare=True)
    )


def cell_title(matrix: pd.DataFrame, cell: tuple[int, int]) -> str:
    """Name a cell of the chains by its chain and unit."""
    row = matrix[(matrix["industry_id"] == cell[0]) & (matrix["unit_id"] == cell[1])].iloc[0]
    return f"{row['industry'] or _('No chain')} · {row['unit']}"


def chain_heatmap(matrix: pd.DataFrame, value: str, within: str) -> tuple[int, int] | None:
    """Draw what was signed by chain and unit (see `reports.overview.chain_matrix`), `value` signed or amount.

    Returns (industry id, unit id) of the cell that was just clicked.
    """
    if within:
        # Most of a narrow scope lies in a few chains or units: the others are left out.
        per_chain, per_unit = (matrix.groupby(key)["signed"].transform("sum") for key in ("industry_id", "unit_id"))
        matrix = matrix[(per_chain > 0) & (per_unit > 0)]
    size, decimals = (float(YUAN_PER_YI), 1) if value == "amount" else (1.0, 0)
    frame = matrix.assign(
        value=matrix[value] / size, industry=[name or str(_("No chain")) for name in matrix["industry"]]
    )
    title = str(heading("signed_amount" if value == "amount" else "signings"))
    found = clicked(charts.heatmap(frame, title=title, decimals=decimals), key="chain_heatmap", selection="cell")
    st.caption(f"{_('Click a cell to see its projects.')} {within}")
    return (int(found["industry_id"]), int(found["unit_id"])) if found else None


FUNNEL_RULE = _("Projects held now count at every stage up to the furthest that their dates show, withdrawn ones too.")


def funnel_chart(steps: Sequence[Step], within: str) -> Stage | None:
    """Draw how far projects come; returns the stage that was just clicked."""
    names = {str(label(step.stage)): step.stage for step in steps}
    frame = pd.DataFrame(
        {
            "stage": list(names),
            "count": [step.count for step in steps],
            "conversion": [None if step.conversion is None else float(step.conversion) for step in steps],
        }
    ).astype({"conversion": "float64"})
    found = clicked(charts.funnel(frame), key="funnel", selection="step")
    st.caption(f"{FUNNEL_RULE} {within}")
    return names.get(str(found["stage"])) if found else None


def clicked(chart: Any, *, key: str, selection: str) -> Mapping[str, Any] | None:
    """Draw a chart; returns what was clicked in the run before this one, once."""
    noted = f"{key}_clicked"

    def note() -> None:
        st.session_state[noted] = True

    state = st.altair_chart(chart, key=key, on_select=note, selection_mode=selection)
    if not st.session_state.pop(noted, False):
        return None
    points = state["selection"].get(selection)
    return points[0] if points else None


def attainment_chart(rows: Sequence[Progress], found: Attainment) -> None:
    """Draw targets and how far they are reached.

    A rate is due in full, all else by the share of the year gone by.
    """

    def shown(slug: str, value: Fraction | Decimal | None) -> str:
        if value is None:
            return "—"
        number = Fraction(value) / Fraction(YUAN_PER_YI if is_money(slug) else 1)
        if slug in RATES:
            return f"{float(number):.1f}%"
        return f"{float(number):,.1f}" if is_money(slug) else f"{float(number):,.0f}"

    if not rows:
        ui.empty_state(
            _("There are no targets for {year} yet.", year=found.year),
            _("The dispatcher sets them on the page of yearly targets."),
            icon="flag",
        )
        return
    frame = pd.DataFrame(
        [
            {
                "measure": str(heading(row.measure)),
                "share": float(row.share or 0),
                "due": 1.0 if row.measure in RATES else float(found.elapsed),
                "words": f"{shown(row.measure, row.actual)} / {shown(row.measure, row.target)}",
            }
            for row in rows
        ]
    )
    st.altair_chart(charts.attainment(frame), key="attainment")
    st.caption(
        ui.safe(
            _(
                "{share} of {year} has gone by: the upright line. A rate is measured against its whole target.",
                share=f"{float(found.elapsed):.0%}",
                year=found.year,
            )
        )
    )


# ---------------------------------------------------------------------------------------------------- behind a number


def show_records(
    title: Message | str, rule: Message | str, ask: Callable[[int], Records], *, day: Message | None = None
) -> None:
    """Open a dialog with the records behind a number, a page at a time; a chosen row opens its page."""

    @st.dialog(ui.safe(title), width="large")
    def showing() -> None:
        st.caption(ui.safe(rule))
        listing, foot = st.container(), st.container(horizontal=True, horizontal_alignment="distribute")
        page = int(st.session_state.get("behind_page", 1))
        found = ask(page)
        with foot:
            st.caption(str(_("{total} records", total=f"{found.total:,}")), width="content")
            if found.total > PAGE_SIZE:
                st.pagination(-(-found.total // PAGE_SIZE), key="behind_page")
        if found.hidden:
            st.caption(
                str(_("{count} more records are counted, but lie outside your scope.", count=f"{found.hidden:,}"))
            )
        with listing:
            if not found.total:
                ui.empty_state(_("No record within your scope stands behind this number."), icon="folder_off")
                return
            position = _records_table(found, day or _DAYS[found.subject])
        if position is not None:
            row = found.rows.iloc[position]
            if found.subject == "follow_up":
                shell.go("enterprise", id=int(row["enterprise_id"]))
            shell.go("project", id=int(row["id"]))

    st.session_state.pop("behind_page", None)
    showing()


def show_late_starts(ask: Callable[[int], Records]) -> None:
    """Open the dialog with the projects whose start is overdue."""
    concern = Concern.LATE_START
    show_records(CONCERN_LABELS[concern], CONCERN_HINTS[concern], ask, day=_("Planned start"))


_DAYS = {"project": _("On"), "fund_arrival": _("Arrived on"), "follow_up": _("Contacted on")}


def _records_table(found: Records, day: Message) -> int | None:
    frame = found.rows.copy()
    columns: dict[str, Any] = {"on_day": st.column_config.DateColumn(str(day), format="YYYY-MM-DD", width=100)}
    if found.subject == "follow_up":
        frame["method"] = [str(label(Method(method))) for method in frame["method"]]
        frame["said"] = [next(iter(str(said).splitlines()), "") for said in frame["said"]]
        columns |= {
            "enterprise": st.column_config.TextColumn(str(_("Enterprise")), width=210),
            "method": st.column_config.TextColumn(str(_("Method")), width=80),
            "said": st.column_config.TextColumn(str(_("What was said")), width=260),
            "person": st.column_config.TextColumn(str(_("Recorded by")), width=80),
        }
    else:
        frame["amount"] = frame["amount"].astype("float64") / float(YUAN_PER_WAN)
        amount = (
            _("Funds arrived (10,000 yuan)")
            if found.subject == "fund_arrival"
            else _("Planned investment (10,000 yuan)")
        )
        columns |= {
            "name": st.column_config.TextColumn(str(_("Project")), width=200),
            "enterprise": st.column_config.TextColumn(str(_("Investor")), width=180),
            "amount": st.column_config.NumberColumn(str(amount), format="%,.0f", width=110),
        }
    if found.subject == "project":
        frame["stage"] = [str(label(Stage(stage))) for stage in frame["stage"]]
        columns["stage"] = st.column_config.TextColumn(str(_("Stage")), width=80)
    columns["unit"] = st.column_config.TextColumn(str(_("Unit")), width=80)
    picked = st.dataframe(
        frame,
        key="behind",
        hide_index=True,
        column_order=list(columns),
        column_config=columns,
        height=min(420, 38 + 36 * len(frame)),
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-cell",
    )
    cells = picked.selection.cells
    return int(cells[0][0]) if cells and cells[0][0] < len(frame) else None
