"""Series and review: small multiples, signing cohorts, the funnel with its days, seasons."""

from collections.abc import Sequence
from html import escape

import altair as alt
import pandas as pd

from crm.charts.drawing import BLUES, HIGHLIGHT, INK, ink_on, layered
from crm.locale import _

GROUP_LINE = "#a9b3bf"
_COHORT_COLOURS = ("#1f4e8c", "#2f7d73", "#e08b24", "#5b9bd5", "#a8483c", "#7d6bb3", "#8a9a3b", "#6b7684")
_EARLIER = "#c3ccd7"


def multiple(values: Sequence[float | None], group: Sequence[float | None], *, title: str, top: float = 1.0) -> str:
    """Draw one small multiple as SVG that fills its box: a member's rate (0–`top`) over its group's pooled one.

    A missing value is a gap; a value with none beside it a dot. `title` says in words what is drawn.
    """
    parts = [f"<title>{escape(title)}</title>", '<line x1="0" y1="38" x2="100" y2="38" stroke="#e3e8ee"/>']
    for line, colour, width in ((group, GROUP_LINE, 1.5), (values, BLUES[0], 2)):
        for run in _runs(line, top):
            stroke = f'stroke="{colour}" stroke-width="{width}" vector-effect="non-scaling-stroke"'
            # A line of one point: round ends make a dot of it.
            points = " ".join(run if len(run) > 1 else run * 2)
            parts.append(
                f'<polyline fill="none" {stroke} stroke-linejoin="round" stroke-linecap="round" points="{points}"/>'
            )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _runs(values: Sequence[float | None], top: float) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for n, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            x, y = n * 100 / max(len(values) - 1, 1), 38 - min(value, top) / top * 36
            runs[-1].append(f"{x:.1f},{y:.1f}")
    return [run for run in runs if run]


def cohort_table(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw cohorts (rows) by age (columns); columns cohort, year, half, age, share, words, pair.

    A click on a cell chooses it as `cell`: its cohort and age.
    """
    shown = frame.assign(
        at=[str(_("{months} mo", months=age)) for age in frame["age"]],
        dark=frame["share"].fillna(0) > 0.55,
    )
    ages, cohorts = list(dict.fromkeys(shown["at"])), list(dict.fromkeys(frame["cohort"]))
    base = alt.Chart(shown).encode(
        x=alt.X(
            "at:N",
            sort=ages,
            title=None,
            axis=alt.Axis(orient="top", labelAngle=0, labelOverlap=False, labelColor=INK, domain=False, ticks=False),
        ),
        y=alt.Y(
            "cohort:N",
            sort=cohorts,
            title=None,
            axis=alt.Axis(labelColor=INK, domain=False, ticks=False, labelLimit=170),
        ),
        tooltip=[
            alt.Tooltip("cohort:N", title=str(_("Signing year"))),
            alt.Tooltip("at:N", title=str(_("After signing"))),
            alt.Tooltip("words:N", title=str(_("Started"))),
            alt.Tooltip("pair:N", title="N/D"),
        ],
    )
    cells = (
        base.mark_rect(cornerRadius=2, stroke="#ffffff", strokeWidth=2, cursor="pointer")
        .encode(
            color=alt.condition(
                "isValid(datum.share)",
                alt.Color(
                    "share:Q", scale=alt.Scale(domain=[0, 1], range=["#f3f6fb", "#aec3dd", "#3a649e"]), legend=None
                ),
                alt.value("#fafbfc"),
            )
        )
        .add_params(alt.selection_point(name="cell", fields=["year", "half", "age"]))
    )
    words = base.mark_text(fontSize=12, fontWeight="bold", dy=-6, cursor="pointer").encode(
        text="words:N", color=ink_on("dark")
    )
    pairs = base.mark_text(fontSize=10, dy=9, cursor="pointer").encode(text="pair:N", color=ink_on("dark"))
    return layered(cells, words, pairs, height=44 * len(cohorts) + 24)


def cohort_curves(frame: pd.DataFrame) -> alt.Chart:
    """Draw each cohort's share against its age; columns as in `cohort_table`."""
    known = frame[frame["share"].notna()]
    cohorts = list(dict.fromkeys(known["cohort"]))
    chart: alt.Chart = (
        alt.Chart(known)
        .mark_line(point=alt.OverlayMarkDef(size=55), strokeWidth=2.5)
        .encode(
            x=alt.X(
                "age:Q",
                title=str(_("Months after signing")),
                axis=alt.Axis(values=sorted(set(frame["age"])), format="d", labelColor=INK, titleColor=INK, grid=False),
                scale=alt.Scale(domain=[0, int(frame["age"].max())], nice=False, padding=8),
            ),
            y=alt.Y(
                "share:Q",
                title=None,
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format=".0%", tickCount=5, labelColor=INK),
            ),
            color=alt.Color(
                "cohort:N",
                title=None,
                sort=cohorts,
                scale=alt.Scale(
                    domain=cohorts, range=[_COHORT_COLOURS[n % len(_COHORT_COLOURS)] for n in range(len(cohorts))]
                ),
                legend=alt.Legend(orient="top", columns=4),
            ),
            tooltip=[
                alt.Tooltip("cohort:N", title=str(_("Signing year"))),
                alt.Tooltip("age:Q", title=str(_("Months after signing")), format="d"),
                alt.Tooltip("share:Q", title=str(_("Started")), format=".1%"),
                alt.Tooltip("pair:N", title="N/D"),
            ],
        )
        .properties(height=300)
        .configure_view(strokeWidth=0)
    )
    return chart


_STEP_COLOURS = ("#1f4e8c", "#345f9b", "#4a71aa", "#5f84b8", "#7697c4", "#8eaacf", "#a6bcda", "#bfcfe5")


def timed_funnel(frame: pd.DataFrame) -> alt.LayerChart:
    """Draw how many came how far and how long it took; columns stage, count, conversion, days (both may be missing).

    The days from the step before stand between the two. A click on a step chooses it as `step`.
    """
    widest = max(float(frame["count"].max()), 1.0)
    shown = frame.assign(
        zero=0,
        words=[f"{count:,}" for count in frame["count"]],
        share=["" if pd.isna(c) else str(_("conversion {share}", share=f"{c:.0%}")) for c in frame["conversion"]],
        took=[
            "" if pd.isna(d) else str(_("median {days} days", days=f"{d:,.1f}".removesuffix(".0")))
            for d in frame["days"]
        ],
        inside=frame["count"] / widest > 0.2,
    )
    stages = list(frame["stage"])
    # Room at the right for the words.
    scale = alt.Scale(domain=[0, widest * 1.75], nice=False)
    row = alt.Y(
        "stage:N",
        sort=stages,
        title=None,
        scale=alt.Scale(paddingInner=0.3),
        axis=alt.Axis(labelColor=INK, ticks=False, domain=False),
    )
    tooltip = [
        alt.Tooltip("stage:N", title=str(_("Stage"))),
        alt.Tooltip("count:Q", title=str(_("Projects")), format=",d"),
        alt.Tooltip("conversion:Q", title=str(_("Conversion")), format=".1%"),
        alt.Tooltip("days:Q", title=str(_("Median days")), format=",.1f"),
        alt.Tooltip("measured:Q", title=str(_("Projects measured")), format=",d"),
    ]
    base = alt.Chart(shown).encode(y=row, tooltip=tooltip)
    bars = (
        base.mark_bar(cornerRadius=2, cursor="pointer")
        .encode(
            x=alt.X("count:Q", scale=scale, axis=None),
            color=alt.Color("stage:N", scale=alt.Scale(domain=stages, range=list(_STEP_COLOURS)), legend=None),
        )
        .add_params(alt.selection_point(name="step", fields=["stage"]))
    )
    counts = base.mark_text(align="left", dx=7, fontWeight="bold", fontSize=12, cursor="pointer").encode(
        x=alt.X("zero:Q", scale=scale), text="words:N", color=ink_on("inside")
    )
    at_right = alt.datum(widest * 1.75, scale=scale)
    shares = base.mark_text(align="right", fontSize=11, dy=-7, color=INK).encode(x=at_right, text="share:N")
    days = base.mark_text(align="right", fontSize=11, dy=7, color=HIGHLIGHT).encode(x=at_right, text="took:N")
    return layered(bars, counts, shares, days, height=42 * len(stages))


def seasons(frame: pd.DataFrame, *, title: str, decimals: int = 0) -> alt.LayerChart:
    """Draw calendar months over the years: the mean as bars, each year as a line, the newest strong.

    Columns year (missing: the mean), month (1–12), value, complete. A click on a point chooses it as `point`: its year
    and month. `title` says what the values are.
    """
    words = {month: str(_("month {number}", number=month)) for month in range(1, 13)}
    shown = frame.assign(at=[words[month] for month in frame["month"]])
    lines = shown[shown["year"].notna()]
    means = shown[shown["year"].isna()].assign(year=str(_("Yearly mean")))
    years = sorted(set(lines["year"]))
    newest = years[-1] if years else ""
    x = alt.X("at:N", sort=list(words.values()), title=None, axis=alt.Axis(labelAngle=0, labelColor=INK))
    y = alt.Y("value:Q", title=None, axis=alt.Axis(labelColor=INK, format=f",.{decimals}f"))
    tooltip = [
        alt.Tooltip("year:N", title=str(_("Year"))),
        alt.Tooltip("at:N", title=str(_("Month"))),
        alt.Tooltip("value:Q", title=title, format=f",.{max(decimals, 1)}f"),
    ]
    bars = alt.Chart(means).mark_bar(color="#dfe6ef", cornerRadius=2).encode(x=x, y=y, tooltip=tooltip)
    colour = alt.Color(
        "year:N",
        title=None,
        sort=years,
        scale=alt.Scale(domain=years, range=[*_year_colours(len(years) - 1), HIGHLIGHT][-len(years) :]),
        legend=alt.Legend(orient="top"),
    )
    base = alt.Chart(lines).encode(x=x, y=y, color=colour, tooltip=tooltip)
    drawn = base.mark_line(interpolate="monotone").encode(
        strokeWidth=alt.condition(alt.datum.year == newest, alt.value(3), alt.value(1.5))
    )
    points = base.mark_circle(size=60, cursor="pointer", opacity=1).add_params(
        alt.selection_point(name="point", fields=["year", "month"])
    )
    return layered(bars, drawn, points, height=320)


def _year_colours(count: int) -> list[str]:
    """Return the colours of the years before the newest, the older the paler."""
    blues = [_EARLIER, "#a9c0de", "#86a9d6", "#4a79b8"]
    return blues[len(blues) - count :] if count <= len(blues) else [_EARLIER] * (count - len(blues)) + blues
