"""Frames to Altair charts; no database, no page. Chinese convention: red is up, green is down."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from crm.locale import _
from crm.model import MilestoneKind, Stage, label

BLUES = ("#1f4e8c", "#4a79b8", "#86a9d6")
HIGHLIGHT = "#2f7d73"
QUIET = "#d5dae1"
INK = "#44505e"


def rank_trend(frame: pd.DataFrame, *, highlight: str | None = None) -> alt.LayerChart:
    """Draw the places of units over months; columns month, unit, rank. One unit stands out, or all do."""
    chosen = alt.datum.unit == highlight
    colour: Any = alt.condition(chosen, alt.value(HIGHLIGHT), alt.value(QUIET)) if highlight else alt.value(BLUES[1])
    opacity: Any = alt.condition(chosen, alt.value(1.0), alt.value(0.7)) if highlight else alt.value(0.7)
    base = alt.Chart(frame).encode(
        x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelColor=INK)),
        y=alt.Y(
            "rank:Q",
            title=str(_("Rank")),
            scale=alt.Scale(reverse=True, nice=False, zero=False, padding=12),
            axis=alt.Axis(tickMinStep=1, grid=False, format="d", labelColor=INK),
        ),
        detail="unit:N",
        color=colour,
        opacity=opacity,
        tooltip=[
            alt.Tooltip("unit:N", title=str(_("Unit"))),
            alt.Tooltip("month:O", title=str(_("Month"))),
            alt.Tooltip("rank:Q", title=str(_("Rank")), format="d"),
        ],
    )
    last = frame.groupby("unit").tail(1)
    names = (
        alt.Chart(last)
        .mark_text(align="left", dx=10, fontSize=12)
        .encode(x="month:O", y="rank:Q", text="unit:N", color=colour if highlight else alt.value(INK))
    )
    layers = alt.layer(base.mark_line(interpolate="monotone", strokeWidth=2.5), base.mark_circle(size=70), names)
    chart: alt.LayerChart = layers.properties(height=300).configure_view(strokeWidth=0)
    return chart


def rate_trend(frame: pd.DataFrame, *, rates: Sequence[str]) -> alt.Chart:
    """Draw one unit's rates over months; columns month, rate (its label), value (0–1, missing where there is none)."""
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_line(point=True, strokeWidth=2.5)
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelColor=INK)),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(format=".0%", labelColor=INK), scale=alt.Scale(zero=True)),
            color=alt.Color(
                "rate:N",
                title=None,
                sort=list(rates),
                scale=alt.Scale(domain=list(rates), range=["#1f4e8c", "#5b9bd5", "#e08b24"]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                alt.Tooltip("month:O", title=str(_("Month"))),
                alt.Tooltip("rate:N", title=str(_("Rate"))),
                alt.Tooltip("value:Q", title=str(_("Value")), format=".1%"),
            ],
        )
        .properties(height=300)
        .configure_view(strokeWidth=0)
    )
    return chart


_STAGE_COLOURS = {
    Stage.LEAD: "#dfe5ee",
    Stage.CONTACT: "#dfe5ee",
    Stage.NEGOTIATION: "#c5d3e8",
    Stage.SIGNED: "#8fb0d8",
    Stage.REGISTERED: "#5a87bf",
    Stage.STARTED: "#1f4e8c",
    Stage.COMPLETED: "#6fa8a1",
    Stage.PRODUCTION: "#2f7d73",
}
_STATES = {"done": (_("Reached"), "#2f7d73"), "open": (_("Planned"), "#7a8694"), "late": (_("Overdue"), "#b0382b")}


def roadmap(bars: pd.DataFrame, marks: pd.DataFrame, *, today: date) -> alt.LayerChart:
    """Draw projects against time (see `reports.projects.roadmap`): a bar for each stage, a mark for each milestone.

    Reached milestones stand on their actual day, the others on the planned one; what is overdue is red. A click on a
    bar selects its project: the parameter `chosen` holds the id.
    """
    rows = list(dict.fromkeys([*bars["project"], *marks["project"]]))
    bars = bars.assign(
        stage=[str(label(Stage(stage))) for stage in bars["stage"]],
        since=_days(bars["since"]),
        until=_days(bars["until"]),
    )
    used = [stage for stage in Stage if str(label(stage)) in set(bars["stage"])]
    row = alt.Y(
        "project:N", sort=rows, title=None, axis=alt.Axis(labelColor=INK, labelLimit=190, ticks=False, domain=False)
    )
    stages = (
        alt.Chart(bars)
        .mark_bar(height=13, cornerRadius=2, cursor="pointer")
        .add_params(alt.selection_point(name="chosen", fields=["id"]))
        .encode(
            y=row,
            x=_time_axis("since:T"),
            x2="until:T",
            color=alt.Color(
                "stage:N",
                title=None,
                scale=alt.Scale(domain=[str(label(s)) for s in used], range=[_STAGE_COLOURS[s] for s in used]),
                legend=alt.Legend(orient="top", symbolType="square"),
            ),
            tooltip=[
                alt.Tooltip("project:N", title=str(_("Project"))),
                alt.Tooltip("stage:N", title=str(_("Stage"))),
                alt.Tooltip("since:T", title=str(_("From")), format="%Y-%m-%d"),
                alt.Tooltip("until:T", title=str(_("Until")), format="%Y-%m-%d"),
            ],
        )
    )
    told = _milestones_told(marks).assign(
        day=_days(marks["actual_on"].where(marks["actual_on"].notna(), marks["planned_on"]))
    )
    points = (
        alt.Chart(told)
        .mark_point(shape="diamond", filled=True, size=62, stroke="#ffffff", strokeWidth=0.8, opacity=1)
        .encode(
            y=row,
            x=_time_axis("day:T"),
            fill=_state_colour(),
            tooltip=[
                alt.Tooltip("project:N", title=str(_("Project"))),
                alt.Tooltip("kind:N", title=str(_("Milestone"))),
                alt.Tooltip("planned_on:T", title=str(_("Planned")), format="%Y-%m-%d"),
                alt.Tooltip("actual_on:T", title=str(_("Actual")), format="%Y-%m-%d"),
                alt.Tooltip("state:N", title=str(_("State"))),
            ],
        )
    )
    return _with_today([stages, points], today=today, height=60 + 27 * len(rows))


def milestone_roadmap(marks: pd.DataFrame, *, today: date) -> alt.LayerChart:
    """Draw one project's milestones, planned against actual; columns kind, planned_on, actual_on, state.

    A tick is the plan, a diamond the day it was reached; the bar between them is red where it came late, or is late
    until today, and green where it came early.
    """
    told = _milestones_told(marks)
    rows = list(dict.fromkeys(told["kind"]))
    until = told["actual_on"].where(told["actual_on"].notna(), pd.Timestamp(today))
    gap = told.assign(
        until=until,
        late=[str(_("Late")) if e > p else str(_("Early")) for p, e in zip(told["planned_on"], until, strict=True)],
    )
    gap = gap[told["planned_on"].notna() & ((marks["state"] != "open").to_numpy())]
    row = alt.Y(
        "kind:N", sort=rows, title=None, axis=alt.Axis(labelColor=INK, labelLimit=150, ticks=False, domain=False)
    )
    tooltip = [
        alt.Tooltip("kind:N", title=str(_("Milestone"))),
        alt.Tooltip("planned_on:T", title=str(_("Planned")), format="%Y-%m-%d"),
        alt.Tooltip("actual_on:T", title=str(_("Actual")), format="%Y-%m-%d"),
        alt.Tooltip("state:N", title=str(_("State"))),
    ]
    spans = (
        alt.Chart(gap)
        .mark_bar(height=9, cornerRadius=2, opacity=0.45)
        .encode(
            y=row,
            x=_time_axis("planned_on:T"),
            x2="until:T",
            color=alt.Color(
                "late:N",
                legend=None,
                scale=alt.Scale(domain=[str(_("Late")), str(_("Early"))], range=["#b0382b", "#2f7d73"]),
            ),
            tooltip=tooltip,
        )
    )
    plans = (
        alt.Chart(told[told["planned_on"].notna()])
        .mark_tick(thickness=3, size=19, opacity=1)
        .encode(y=row, x=_time_axis("planned_on:T"), color=alt.value(BLUES[1]), tooltip=tooltip)
    )
    points = (
        alt.Chart(told.assign(day=told["actual_on"].where(told["actual_on"].notna(), told["planned_on"])))
        .mark_point(shape="diamond", filled=True, size=85, stroke="#ffffff", strokeWidth=0.8, opacity=1)
        .encode(y=row, x=_time_axis("day:T"), fill=_state_colour(), tooltip=tooltip)
    )
    return _with_today([spans, plans, points], today=today, height=60 + 27 * len(rows))


def _days(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.to_datetime(column)


def _milestones_told(marks: pd.DataFrame) -> pd.DataFrame:
    """Return milestones in words, their days as the charts take them."""
    return marks.assign(
        kind=[str(label(MilestoneKind(kind))) for kind in marks["kind"]],
        state=[str(_STATES[state][0]) for state in marks["state"]],
        planned_on=_days(marks["planned_on"]),
        actual_on=_days(marks["actual_on"]),
    )


def _time_axis(field: str) -> alt.X:
    return alt.X(
        field, title=None, axis=alt.Axis(format="%Y-%m", labelColor=INK, gridColor="#eef1f5", labelOverlap=True)
    )


def _state_colour() -> alt.Fill:
    words, colours = zip(*((str(word), colour) for word, colour in _STATES.values()), strict=True)
    return alt.Fill(
        "state:N",
        title=None,
        scale=alt.Scale(domain=list(words), range=list(colours)),
        legend=alt.Legend(orient="top", symbolType="diamond"),
    )


def _with_today(layers: Sequence[alt.Chart], *, today: date, height: int) -> alt.LayerChart:
    """Lay the line of today over the layers."""
    day = pd.DataFrame({"today": [pd.Timestamp(today)], "word": [str(_("Today"))]})
    line = alt.Chart(day).mark_rule(strokeDash=[4, 3], color="#d98f2e", strokeWidth=1.5).encode(x="today:T")
    word = (
        alt.Chart(day)
        .mark_text(dy=-8, baseline="bottom", color="#8d5410", fontSize=11)
        .encode(x="today:T", y=alt.value(0), text="word:N")
    )
    chart: alt.LayerChart = (
        alt.layer(*layers, line, word)
        .resolve_scale(color="independent", fill="independent")
        .properties(height=height)
        .configure_view(strokeWidth=0)
    )
    return chart


# --------------------------------------------------------------------------------------------------------- the overview

_FUNNEL_COLOURS = ("#1f4e8c", "#3a649e", "#567cb0", "#6c8fbd", "#84a3c9", "#9ab4d5", "#b0c5e0")
_DARK_TEXT, _AHEAD, _BEHIND, _TRACK, _MARK = "#1d2733", "#2f7d7b", "#d98f2e", "#eef1f5", "#44505e"


def funnel(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how many came how far, each step centred under the one before; columns stage, count, conversion (or None).

    A click on a step chooses it as `step`.
    """
    widest = max(float(frame["count"].max()), 1.0)
    shown = frame.assign(
        left=-frame["count"] / widest / 2,
        right=frame["count"] / widest / 2,
        words=[f"{stage} {count:,}" for stage, count in zip(frame["stage"], frame["count"], strict=True)],
        share=["" if pd.isna(c) else str(_("conversion {share}", share=f"{c:.0%}")) for c in frame["conversion"]],
        # Words stand on the bar where it is wide and dark enough for them, else they must be dark.
        on_bar=frame["count"] / widest > 0.3,
    )
    stages = list(frame["stage"])
    # Room at the right for the conversion.
    x = alt.X("left:Q", scale=alt.Scale(domain=[-0.5, 0.78]), axis=None)
    row = alt.Y("stage:N", sort=stages, axis=None, scale=alt.Scale(paddingInner=0.22))
    tooltip = [
        alt.Tooltip("stage:N", title=str(_("Stage"))),
        alt.Tooltip("count:Q", title=str(_("Projects")), format=",d"),
        alt.Tooltip("conversion:Q", title=str(_("Conversion")), format=".1%"),
    ]
    bars = (
        alt.Chart(shown)
        .mark_bar(cornerRadius=2, cursor="pointer")
        .encode(
            x=x,
            x2="right:Q",
            y=row,
            color=alt.Color("stage:N", scale=alt.Scale(domain=stages, range=list(_FUNNEL_COLOURS)), legend=None),
            tooltip=tooltip,
        )
        .add_params(alt.selection_point(name="step", fields=["stage"]))
    )
    words = (
        alt.Chart(shown)
        .mark_text(fontWeight="bold", fontSize=12, cursor="pointer")
        .encode(x=alt.datum(0), y=row, text="words:N", color=_ink("on_bar"), tooltip=tooltip)
    )
    shares = (
        alt.Chart(shown)
        .mark_text(align="right", fontSize=11, color=INK)
        .encode(x=alt.datum(0.78), y=row, text="share:N")
    )
    return _layered(bars, words, shares, height=32 * len(stages))


def heatmap(frame: pd.DataFrame, *, title: str, decimals: int = 0) -> alt.LayerChart:
    """Draw values by chain (rows) and unit (columns), both in the order of the frame; columns industry, unit, value.

    A click on a cell chooses it as `cell`; `title` says what the values are.
    """
    most = max(float(frame["value"].max()), 1e-9)
    shown = frame.assign(
        words=["" if not value else f"{value:,.{decimals}f}" for value in frame["value"]],
        dark=frame["value"] / most > 0.55,
    )
    units, industries = list(dict.fromkeys(frame["unit"])), list(dict.fromkeys(frame["industry"]))
    base = alt.Chart(shown).encode(
        x=alt.X(
            "unit:N",
            sort=units,
            title=None,
            axis=alt.Axis(
                orient="top",
                # On a phone the names would lie over one another.
                labelAngle=alt.ExprRef("width < 320 ? -60 : 0"),
                labelAlign=alt.ExprRef("width < 320 ? 'left' : 'center'"),
                labelOverlap=False,
                labelColor=INK,
                domain=False,
                ticks=False,
                labelLimit=70,
            ),
        ),
        y=alt.Y(
            "industry:N",
            sort=industries,
            title=None,
            axis=alt.Axis(labelColor=INK, domain=False, ticks=False, labelLimit=112),
        ),
        tooltip=[
            alt.Tooltip("industry:N", title=str(_("Industry chain"))),
            alt.Tooltip("unit:N", title=str(_("Unit"))),
            alt.Tooltip("value:Q", title=title, format=f",.{decimals}f"),
        ],
    )
    cells = (
        base.mark_rect(cornerRadius=2, stroke="#ffffff", strokeWidth=2, cursor="pointer")
        .encode(
            color=alt.Color(
                "value:Q", scale=alt.Scale(domain=[0, most], range=["#f3f6fb", "#aec3dd", "#3a649e"]), legend=None
            )
        )
        .add_params(alt.selection_point(name="cell", fields=["industry_id", "unit_id"]))
    )
    words = base.mark_text(fontSize=11, cursor="pointer").encode(text="words:N", color=_ink("dark"))
    return _layered(cells, words, height=28 * len(industries) + 24)


def attainment(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how much of each target is reached; columns measure, share and due (1 is the whole target), words.

    The bar is teal where it has come as far as `due` (the upright line), else amber; beyond 125 % it is cut off.
    """
    most = 1.25
    shown = frame.assign(
        bar=frame["share"].clip(0, most),
        state=["ahead" if share >= due else "behind" for share, due in zip(frame["share"], frame["due"], strict=True)],
        whole=1.0,
    )
    row = alt.Y(
        "measure:N",
        sort=list(frame["measure"]),
        title=None,
        axis=alt.Axis(labelColor=INK, domain=False, ticks=False, labelLimit=110, labelPadding=8),
    )
    # Room at the right for the words.
    scale = alt.Scale(domain=[0, 1.95], nice=False)
    tooltip = [
        alt.Tooltip("measure:N", title=str(_("Measure"))),
        alt.Tooltip("share:Q", title=str(_("Reached")), format=".1%"),
        alt.Tooltip("due:Q", title=str(_("Due by now")), format=".1%"),
    ]
    base = alt.Chart(shown).encode(y=row, tooltip=tooltip)
    track = base.mark_bar(size=16, cornerRadius=2, color=_TRACK).encode(x=alt.X("whole:Q", scale=scale, axis=None))
    bars = base.mark_bar(size=9, cornerRadius=2).encode(
        x=alt.X("bar:Q", scale=scale, axis=None),
        color=alt.Color("state:N", scale=alt.Scale(domain=["ahead", "behind"], range=[_AHEAD, _BEHIND]), legend=None),
    )
    ticks = base.mark_tick(thickness=2.5, size=20, color=_MARK).encode(x=alt.X("due:Q", scale=scale, axis=None))
    words = base.mark_text(align="right", fontSize=11, color=_DARK_TEXT).encode(
        x=alt.datum(1.95, scale=scale), text="words:N"
    )
    return _layered(track, bars, ticks, words, height=29 * len(frame))


def _ink(field: str) -> Any:
    """Return the colour of words: white where the field says that what is behind them is dark."""
    return alt.condition(alt.datum[field], alt.value("#ffffff"), alt.value(_DARK_TEXT))


def _layered(*layers: alt.Chart, height: int) -> alt.LayerChart:
    chart: alt.LayerChart = alt.layer(*layers).properties(height=height).configure_view(strokeWidth=0)
    return chart


_TREND_COLOURS = {"up": ("#a8483c", "#fbe9e6"), "down": ("#2f7d7b", "#e6f2f1"), "level": ("#7a8694", "#eef1f4")}


def sparkline(values: Sequence[float | None], *, direction: str) -> str:
    """Draw a small trend as SVG that fills its box; `direction` is up, down or level, a missing value a gap.

    Empty where there are not two values to draw a line between.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    runs: list[list[str]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{n * 100 / (len(values) - 1):.1f},{26 - (value - low) / ((high - low) or 1) * 22:.1f}")
    stroke, fill = _TREND_COLOURS[direction]
    drawn = "".join(
        f'<polygon fill="{fill}" points="{run[0].split(",")[0]},30 {" ".join(run)} {run[-1].split(",")[0]},30"/>'
        f'<polyline fill="none" stroke="{stroke}" stroke-width="1.7" stroke-linejoin="round"'
        f' vector-effect="non-scaling-stroke" points="{" ".join(run)}"/>'
        for run in runs
        if run
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 30" preserveAspectRatio="none">{drawn}</svg>'


# --------------------------------------------------------------------------------------------------------- the bulletin

_BULLETIN_COLOURS = ("#1f4e8c", "#5b9bd5", "#e8a33d")
_PAPER_INK = "#222222"


def bulletin_units(frame: pd.DataFrame, *, series: Sequence[str], font: str) -> alt.Chart:
    """Draw the rates of units side by side for paper; columns name, series, value (0–1, missing where there is none).

    Units and series keep the order of the frame. `font` is the family of all words.
    """
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            y=alt.Y("name:N", sort=list(dict.fromkeys(frame["name"])), title=None, axis=alt.Axis(labelLimit=150)),
            yOffset=alt.YOffset("series:N", sort=list(series)),
            x=alt.X("value:Q", title=None, scale=alt.Scale(domainMin=0), axis=alt.Axis(format=".0%")),
            color=_bulletin_colour(series),
        )
        .properties(width=560, height=alt.Step(9))
    )
    return _on_paper(chart, font)


def bulletin_trend(frame: pd.DataFrame, *, series: Sequence[str], font: str) -> alt.Chart:
    """Draw pooled rates over months for paper; columns as in `bulletin_units`, the name being the month."""
    chart = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2)
        .encode(
            x=alt.X("name:O", sort=list(dict.fromkeys(frame["name"])), title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(domainMin=0), axis=alt.Axis(format=".0%")),
            color=_bulletin_colour(series),
        )
        .properties(width=590, height=190)
    )
    return _on_paper(chart, font)


def _bulletin_colour(series: Sequence[str]) -> alt.Color:
    return alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=list(series), range=list(_BULLETIN_COLOURS)),
        legend=alt.Legend(orient="top", symbolType="square"),
    )


def _on_paper(chart: alt.Chart, font: str) -> alt.Chart:
    drawn: alt.Chart = (
        chart.configure(font=font, background="#ffffff")
        .configure_view(strokeWidth=0)
        .configure_axis(labelColor=_PAPER_INK, labelFontSize=12, gridColor="#e6e6e6", domainColor="#999999")
        .configure_legend(labelColor=_PAPER_INK, labelFontSize=12)
    )
    return drawn
