"""What the overview shows: how far projects come, chains by unit, targets, small trends."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from crm.charts.drawing import DARK_TEXT, INK, ink_on, layered
from crm.locale import _

_FUNNEL_COLOURS = ("#1f4e8c", "#3a649e", "#567cb0", "#6c8fbd", "#84a3c9", "#9ab4d5", "#b0c5e0")
_AHEAD, _BEHIND, _TRACK, _MARK = "#2f7d7b", "#d98f2e", "#eef1f5", "#44505e"


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
        .encode(x=alt.datum(0), y=row, text="words:N", color=ink_on("on_bar"), tooltip=tooltip)
    )
    shares = (
        alt.Chart(shown)
        .mark_text(align="right", fontSize=11, color=INK)
        .encode(x=alt.datum(0.78), y=row, text="share:N")
    )
    return layered(bars, words, shares, height=32 * len(stages))


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
    words = base.mark_text(fontSize=11, cursor="pointer").encode(text="words:N", color=ink_on("dark"))
    return layered(cells, words, height=28 * len(industries) + 24)


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
    words = base.mark_text(align="right", fontSize=11, color=DARK_TEXT).encode(
        x=alt.datum(1.95, scale=scale), text="words:N"
    )
    return layered(track, bars, ticks, words, height=29 * len(frame))


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
