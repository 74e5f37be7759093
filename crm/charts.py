"""Frames to Altair charts; no database, no page. Chinese convention: red is up, green is down."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from crm.locale import _

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
