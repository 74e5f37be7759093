"""Frames to Altair charts; no database, no page. Chinese convention: red is up, green is down.

One module for each part of the app that shows them; `drawing` holds what they share.
"""

from crm.charts.bulletin import bulletin_trend, bulletin_units
from crm.charts.overview import attainment, funnel, heatmap, sparkline
from crm.charts.projects import milestone_roadmap, roadmap
from crm.charts.ranking import rank_trend, rate_trend
from crm.charts.review import cohort_curves, cohort_table, multiple, seasons, timed_funnel

__all__ = [
    "attainment",
    "bulletin_trend",
    "bulletin_units",
    "cohort_curves",
    "cohort_table",
    "funnel",
    "heatmap",
    "milestone_roadmap",
    "multiple",
    "rank_trend",
    "rate_trend",
    "roadmap",
    "seasons",
    "sparkline",
    "timed_funnel",
]
