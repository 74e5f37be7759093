"""Colours and small parts that charts share."""

from typing import Any

import altair as alt
from altair.utils.schemapi import disable_debug_mode

# A chart is checked whole as it is handed over; checking every part as it is made takes as long again.
disable_debug_mode()

BLUES = ("#1f4e8c", "#4a79b8", "#86a9d6")
HIGHLIGHT = "#2f7d73"
QUIET = "#d5dae1"
INK = "#44505e"
DARK_TEXT = "#1d2733"


def ink_on(field: str) -> Any:
    """Return the colour of words: white where the field says that what is behind them is dark."""
    return alt.condition(alt.datum[field], alt.value("#ffffff"), alt.value(DARK_TEXT))


def layered(*layers: alt.Chart, height: int) -> alt.LayerChart:
    chart: alt.LayerChart = alt.layer(*layers).properties(height=height).configure_view(strokeWidth=0)
    return chart
