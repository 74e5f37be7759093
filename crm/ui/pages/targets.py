"""Yearly targets: a grid of units and measures to edit in place, and how far each is reached."""

from decimal import Decimal

import pandas as pd
import streamlit as st

from crm.actions.targets import save_targets
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.metrics import RATES
from crm.model import YUAN_PER_WAN
from crm.reports.targets import (
    TARGET_MEASURES,
    TargetCell,
    attainment,
    attainment_frame,
    is_money,
    measure_label,
    target_years,
    targets_of,
)
from crm.ui import components as ui
from crm.ui import filters, session, tables

actor, db, today = session.current_actor(), session.database(), session.today()
PARTS = {"numbers": _("Numbers and amounts"), "rates": _("Rates")}
NUMBERS = [slug for slug in TARGET_MEASURES if slug not in RATES]


def size(slug: str) -> Decimal:
    """Return what one of a measure's shown figures is worth."""
    return YUAN_PER_WAN if is_money(slug) else Decimal(1)


def whole(slug: str) -> bool:
    """Whether a measure counts things."""
    return slug not in RATES and not is_money(slug)


def heading(slug: str) -> str:
    """Name a measure with the unit of its figures."""
    if is_money(slug):
        return str(_("{measure} (10,000 yuan)", measure=measure_label(slug)))
    return f"{measure_label(slug)} (%)" if slug in RATES else str(measure_label(slug))


header = st.container()
with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
    years = target_years(db, today=today)
    year = filters.one_of(_("Year"), years, "target_year", index=years.index(today.year), width=110) or today.year
    part = filters.side_by_side(_("Measures"), list(PARTS), "target_part", PARTS.__getitem__, default="numbers")
slugs = list(RATES) if part == "rates" else NUMBERS
found = attainment(db, actor, year, today)
elapsed = float(found.elapsed * 100)
caption = _("As of {as_of} · {share} % of the year gone by", as_of=found.as_of, share=f"{elapsed:.1f}")
with header, ui.title_row(actor, _("Yearly targets"), caption, log_contact="secondary", printable=True):
    pass

stored = {(cell.unit_id, cell.measure): cell for cell in targets_of(db, actor, year)}
units = [row.unit for row in found.of_measure(slugs[0]) if row.unit]
before = pd.DataFrame(
    {
        slug: [
            float(cell.value / size(slug)) if (cell := stored.get((unit.id, slug))) and cell.value is not None else None
            for unit in units
        ]
        for slug in slugs
    },
    dtype="float64",
)
before.insert(0, "unit", [unit.name for unit in units])
# An edit belongs to the targets it was made on: another year, or another version, begins anew.
stamp = f"{year}_{part}_{sum(cell.version + cell.id for cell in stored.values() if cell.id)}"
with ui.card("grid", _("Targets of {year}", year=year)) as aside:
    edited = st.data_editor(
        before,
        key=f"grid_{stamp}",
        hide_index=True,
        num_rows="fixed",
        height="content",
        row_height=34,
        placeholder="—",
        column_config={
            "unit": st.column_config.TextColumn(str(_("Unit")), disabled=True, pinned=True, width=110),
            **{
                slug: st.column_config.NumberColumn(
                    heading(slug), min_value=0, step=1 if whole(slug) else 0.01, format="localized"
                )
                for slug in slugs
            },
        },
    )
    totals = {row.measure: row for row in found.totals}
    sums = pd.DataFrame(
        [
            {"unit": str(_("Sum")), **{slug: edited[slug].sum(min_count=1) for slug in slugs}}
            if part != "rates"
            else {"unit": str(_("Mean of the targets")), **{slug: edited[slug].mean() for slug in slugs}},
            {
                "unit": str(_("Last year")),
                **{slug: tables.figure(totals[slug].last_year, size(slug)) for slug in slugs},
            },
            {"unit": str(_("So far")), **{slug: tables.figure(totals[slug].actual, size(slug)) for slug in slugs}},
        ]
    ).astype(dict.fromkeys(slugs, "float64"))
    ui.table(
        sums,
        {
            "unit": st.column_config.TextColumn(str(_("All units")), pinned=True, width=110),
            **{
                slug: st.column_config.NumberColumn(heading(slug), format=tables.figures(whole(slug))) for slug in slugs
            },
        },
        key=f"sums_{part}",
    )
    cells = [
        TargetCell(
            unit.id,
            slug,
            None if pd.isna(value) else round(Decimal(str(value)) * size(slug), 2),
            stored[unit.id, slug].id if (unit.id, slug) in stored else None,
            stored[unit.id, slug].version if (unit.id, slug) in stored else 0,
        )
        for slug in slugs
        for unit, value, old in zip(units, edited[slug], before[slug], strict=True)
        if value != old and not (pd.isna(value) and pd.isna(old))
    ]
    with st.container(horizontal=True, vertical_alignment="center"):
        save = st.button(
            str(_("Save {count} changes", count=len(cells))),
            type="primary",
            icon=":material/check:",
            disabled=not cells,
            key="save_targets",
        )
        st.caption(str(_("Each changed cell is kept in the audit trail with its former value.")), width="content")
    if save:
        try:
            save_targets(db, actor, year, cells, now=session.utc_now())
        except Invalid as error:
            named = {str(unit.id): unit.name for unit in units}
            for place, problem in error.fields.items():
                st.error(ui.safe(f"{named.get(place.partition('/')[0], '')} · {problem}"))
        except CrmError as error:
            st.error(ui.safe(error))
        else:
            session.flash(_("{count} targets are saved.", count=len(cells)))
            st.rerun()

with ui.card("attainment", _("How far they are reached")) as aside:
    with aside:
        measure = (
            filters.one_of(
                _("Measure"),
                list(TARGET_MEASURES),
                "target_measure",
                heading,
                index=list(TARGET_MEASURES).index("signings"),
                label_visibility="collapsed",
                width=230,
            )
            or "signings"
        )
    rows = [row for row in found.of_measure(measure) if row.target is not None]
    if not rows:
        hint: Message = _("Set one in the grid above, or import the ledger of targets.")
        ui.empty_state(_("No unit has a target for this in {year}.", year=year), hint, icon="flag")
        st.stop()
    tables.attainment_table(
        attainment_frame(rows, size=size(measure)),
        elapsed=elapsed,
        unit=heading(measure),
        whole=whole(measure),
        key="attainment_table",
    )
