"""Charts of the bulletin, for paper."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

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
