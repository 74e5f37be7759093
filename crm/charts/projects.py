"""Projects and milestones against time."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

import altair as alt
import pandas as pd

from crm.charts.drawing import BLUES, INK
from crm.locale import _
from crm.model import MilestoneKind, Stage, label

_Channel = TypeVar("_Channel", alt.Fill, alt.Stroke)
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
    """Draw projects against time (see `reports.projects.roadmap`): a bar for each stage, marks for each milestone.

    A hollow mark is the planned day, red where it has passed and nothing was reached; a filled one is the actual day.
    A click on a bar selects its project: the parameter `chosen` holds the id.
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
    told = _milestones_told(marks)
    planned, late, reached = (str(_STATES[state][0]) for state in ("open", "late", "done"))
    # The day that was reached lies over the day that was planned.
    plans = told.assign(day=told["planned_on"], mark=[late if state == late else planned for state in told["state"]])
    points = (
        alt.Chart(pd.concat([plans, told.assign(day=told["actual_on"], mark=reached)]).dropna(subset=["day"]))
        .mark_point(shape="diamond", size=70, strokeWidth=1.4, opacity=1)
        .encode(
            y=row,
            x=_time_axis("day:T"),
            fill=_state_colour(alt.Fill, "mark:N", white=("open", "late")),
            stroke=_state_colour(alt.Stroke, "mark:N", white=("done",)),
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
        .encode(y=row, x=_time_axis("day:T"), fill=_state_colour(alt.Fill, "state:N"), tooltip=tooltip)
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


def _state_colour(channel: type[_Channel], field: str, *, white: Sequence[str] = ()) -> _Channel:
    """Return a channel that tells milestones' states apart by their colours, some of them by white."""
    return channel(
        field,
        title=None,
        scale=alt.Scale(
            domain=[str(word) for word, _colour in _STATES.values()],
            range=["#ffffff" if state in white else colour for state, (_word, colour) in _STATES.items()],
        ),
        legend=alt.Legend(orient="top", symbolType="diamond", symbolSize=80, symbolStrokeWidth=1.4),
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
        .resolve_scale(color="independent", fill="independent", stroke="independent")
        .properties(height=height)
        .configure_view(strokeWidth=0)
    )
    return chart
