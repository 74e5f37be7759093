"""Places and rates over time."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from crm.charts.drawing import BLUES, HIGHLIGHT, INK, QUIET
from crm.locale import _

_PUBLISHED = "#d98f2e"


def rank_trend(frame: pd.DataFrame, *, highlight: str | None = None) -> alt.LayerChart:
    """Draw the places of units over months; columns month, unit, rank. One unit stands out, or all do.

    Where there is a column published, a diamond marks the rank that a closed month published, for who stands out. A
    click on a place chooses it as `place`: its unit and month.
    """
    chosen = alt.datum.unit == highlight
    lowest = int(frame["rank"].max()) if len(frame) else 1
    colour: Any = alt.condition(chosen, alt.value(HIGHLIGHT), alt.value(QUIET)) if highlight else alt.value(BLUES[1])
    named: Any = alt.condition(chosen, alt.value(HIGHLIGHT), alt.value("#76818f")) if highlight else alt.value(INK)
    opacity: Any = alt.condition(chosen, alt.value(1.0), alt.value(0.7)) if highlight else alt.value(0.7)
    base = alt.Chart(frame).encode(
        x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=0, labelColor=INK)),
        y=alt.Y(
            "rank:Q",
            title=str(_("Rank")),
            scale=alt.Scale(reverse=True, nice=False, zero=False, padding=12),
            axis=alt.Axis(
                values=list(range(1, lowest + 1, 1 + lowest // 20)),
                labelOverlap=False,
                grid=False,
                format="d",
                labelColor=INK,
            ),
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
        .encode(x="month:O", y="rank:Q", text="unit:N", color=named, opacity=alt.value(1))
    )
    places = base.mark_circle(size=70, cursor="pointer").add_params(
        alt.selection_point(name="place", fields=["unit", "month"])
    )
    layers = [base.mark_line(interpolate="monotone", strokeWidth=2.5), places, names]
    if "published" in frame:
        layers.append(_published(frame[frame["unit"] == highlight] if highlight else frame))
    chart: alt.LayerChart = alt.layer(*layers).properties(height=max(300, 27 * lowest)).configure_view(strokeWidth=0)
    return chart


def _published(frame: pd.DataFrame) -> alt.Chart:
    """Mark the published ranks."""
    marks: alt.Chart = (
        alt.Chart(frame[frame["published"].notna()])
        .mark_point(shape="diamond", size=190, strokeWidth=2, filled=False, opacity=1, color=_PUBLISHED)
        .encode(
            x="month:O",
            y="published:Q",
            tooltip=[
                alt.Tooltip("unit:N", title=str(_("Unit"))),
                alt.Tooltip("month:O", title=str(_("Month"))),
                alt.Tooltip("published:Q", title=str(_("Published rank")), format="d"),
                alt.Tooltip("rank:Q", title=str(_("Rank")), format="d"),
            ],
        )
    )
    return marks


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
