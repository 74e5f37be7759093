"""Calendar months over the years."""

from decimal import Decimal
from functools import partial
from typing import Any

import streamlit as st

from crm import charts
from crm.locale import _, listed
from crm.metrics import MEASURES
from crm.model import YUAN_PER_YI
from crm.months import Month
from crm.reports import overview
from crm.reports.overview import Span
from crm.reports.review import seasons
from crm.reports.review.seasons import SEASONAL, Season, season_frame, season_table
from crm.ui import components as ui
from crm.ui import filters, session
from crm.ui import overview as dialogs
from crm.ui.review.choices import Chosen


def show_seasons(chosen: Chosen) -> None:
    """Draw what each calendar month brought over the years."""
    db = session.database()
    slug = _choose_measure()
    counts = session.remembered(
        ("seasons", slug, chosen.as_of), partial(seasons.season_counts, db, slug, as_of=chosen.as_of)
    )
    found = seasons.season(counts, unit_ids=chosen.unit_ids)
    if not any(found.values.values()):
        with ui.card("none"):
            ui.empty_state(_("Nothing of the kind was recorded here yet."), icon="calendar_month")
        return
    with ui.card("seasons", _("{measure} by calendar month", measure=dialogs.heading(slug))):
        picked = _chart(found)
        st.caption(ui.safe(_rule(found)))
        _table(found)
    if picked and chosen.reads:
        of = Month(*picked)
        dialogs.show_records(
            f"{MEASURES[slug].label} · {of}",
            MEASURES[slug].meaning,
            lambda page: overview.records(
                db,
                chosen.actor,
                slug,
                span=Span(of.first_day, min(of.last_day, chosen.as_of)),
                unit_ids=chosen.unit_ids,
                page=page,
            ),
        )


def _choose_measure() -> str:
    """Ask for the measure whose seasons are shown."""
    return str(
        filters.side_by_side(
            _("Measure"), list(SEASONAL), "season", lambda slug: MEASURES[slug].label, default=SEASONAL[0]
        )
    )


def _chart(found: Season) -> tuple[int, int] | None:
    """Draw calendar months over the years; returns (year, month) of a clicked point."""
    in_yuan = MEASURES[found.slug].in_yuan
    size = YUAN_PER_YI if in_yuan else Decimal(1)
    chart = charts.seasons(
        season_frame(found, size), title=str(dialogs.heading(found.slug)), decimals=1 if in_yuan else 0
    )
    picked = dialogs.clicked(chart, key="seasons", selection="point")
    return (int(picked["year"]), int(picked["month"])) if picked else None


def _table(found: Season) -> None:
    """Draw each calendar month: its years, mean, share of the year, and what has come by then."""
    in_yuan = MEASURES[found.slug].in_yuan
    size = YUAN_PER_YI if in_yuan else Decimal(1)
    frame = season_table(found, size)
    figures = "%,.1f" if in_yuan else "%,.0f"
    shown = frame.assign(month=[str(_("month {number}", number=month)) for month in frame["month"]])
    columns: dict[str, Any] = {"month": st.column_config.TextColumn(str(_("Month")), width=70)}
    columns |= {str(y): st.column_config.NumberColumn(str(y), format=figures, width=80) for y in found.years}
    columns |= {
        "mean": st.column_config.NumberColumn(str(_("Yearly mean")), format="%,.1f", width=90),
        "share": st.column_config.NumberColumn(str(_("Share of the year")), format="%.1f%%", width=110),
        "by_then": st.column_config.NumberColumn(str(_("Come by then")), format="%.1f%%", width=110),
    }
    ui.table(shown, columns, key="seasons_table")


def _rule(found: Season) -> str:
    """Say in words what is added up, and what a plan may expect by now."""
    words = [
        MEASURES[found.slug].meaning,
        _(
            "Up to {as_of}. The mean is over the years in which the month is complete; months before the bureau's first"
            " record are left out. Shares are of the whole years {years}.",
            as_of=found.as_of,
            years=listed(found.whole_years) or "—",
        ),
    ]
    over = max((month for year, month in found.complete if year == found.as_of.year), default=None)
    share = found.by_then(over) if over else None
    if over and share is not None:
        words.append(
            _(
                "By the end of month {month}, {share} of a year had come on average.",
                month=over,
                share=f"{float(share):.1%}",
            )
        )
    return " ".join(map(str, words))
