"""Data quality: which units have handed in their month, and what is wrong or odd in the records, to mend or explain."""

import tempfile
from pathlib import Path

import streamlit as st

from crm.exchange.findings import export_findings
from crm.locale import _
from crm.model import label
from crm.months import Month
from crm.permissions import Action, can
from crm.reports.checking import Severity
from crm.reports.desk import sees_many_units
from crm.reports.rankings import units as all_units
from crm.reports.readiness import (
    KIND_LABELS,
    FindingFilter,
    count_listed,
    list_findings,
    readiness,
)
from crm.ui import components as ui
from crm.ui import filters, session
from crm.ui import readiness as parts

LINES = 20
FILTERS = ("quality_unit", "severity", "finding_kind", "answered")
ANSWERED = {"open": _("Not explained"), "explained": _("Explained")}

actor, db, today = session.current_actor(), session.database(), session.today()
# The month that is due is the last one that has ended.
months = [str(Month.of(today).plus(-n)) for n in range(37)]
many = sees_many_units(actor)

caption = _("What is wrong or odd in the records, and which units have handed in their month")
with ui.title_row(actor, _("Data quality"), caption, log_contact="secondary", printable=True):
    month = filters.choose_month(months, index=1, key="quality_month", width=120, label_visibility="collapsed")
counted = parts.counted_findings(actor, db, month, today=today)
stands = readiness(db, actor, month, counted, today=today)

if stands and many:
    with ui.card("readiness", _("Readiness of {month}", month=month)) as aside:
        with aside:
            parts.state_tags(stands)
        chosen = parts.units_table(stands)
        st.caption(ui.safe(parts.score_rule()))
        if can(actor, Action.SUPERVISE):
            if chosen is None:
                st.caption(str(_("Choose a unit to word a reminder to it.")))
            else:
                parts.show_reminder(chosen, month, today=today)
elif stands:
    parts.own_unit(actor, db, stands[0], month, today=today)
    st.caption(ui.safe(parts.score_rule()))

with ui.card("findings", _("Findings")) as aside:
    places = iter(st.columns(4 if many else 3, vertical_alignment="bottom"))
    unit = None
    if many:
        names = {each.id: each.name for each in all_units(db)}
        with next(places):
            unit = filters.any_of(_("Unit"), list(names), "quality_unit", names.__getitem__, left_open=_("All units"))
    with next(places):
        there = [kind for kind in KIND_LABELS if any(tally.check.code == kind for tally in counted)]
        kind = filters.any_of(_("Kind of finding"), there, "finding_kind", KIND_LABELS.__getitem__)
    with next(places):
        severity = filters.side_by_side(_("Severity"), list(Severity), "severity", label)
    with next(places):
        answered = filters.side_by_side(_("Explanation"), list(ANSWERED), "answered", ANSWERED.__getitem__)
    wanted = FindingFilter(unit, severity, kind or "", None if answered is None else answered == "explained")

    def exported() -> bytes:
        """Return what the filter keeps, all pages of it, as a workbook."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "findings.xlsx"
            export_findings(db, actor, month, counted, wanted, path, now=session.utc_now())
            return path.read_bytes()

    total = count_listed(counted, wanted)
    with aside:
        filters.clear_button(FILTERS)
        if total and can(actor, Action.EXPORT):
            ui.download_button(_("Export"), exported, file_name=f"{_('Data quality')}-{month}-{actor.login}.xlsx")
    if not total:
        ui.empty_state(_("Nothing is found."), _("Loosen the filters, or choose another month."), icon="task_alt")
    else:
        listing = st.container(gap=None)
        page = ui.pager(total, page_size=LINES, key="finding_page")
        with listing:
            found = list_findings(db, actor, month, counted, wanted, page=page, size=LINES)
            parts.finding_lines(actor, db, found, month, today=today)
