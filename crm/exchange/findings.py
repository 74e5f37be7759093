"""The findings of a month as a workbook, as the page lists them; the export is audited."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from crm import permissions
from crm.exchange.sheets import write_cells
from crm.locale import _
from crm.model import Actor, label
from crm.months import Month
from crm.reports.readiness import KIND_LABELS, FindingFilter, Tally, count_listed, list_findings
from crm.store import Database, transaction

_BATCH = 5_000


def export_findings(
    database: Database,
    actor: Actor,
    month: Month,
    counted: Sequence[Tally],
    wanted: FindingFilter,
    path: Path,
    *,
    now: datetime,
) -> int:
    """Write the findings that a filter keeps and return how many; raises Denied."""
    permissions.require_right(actor, permissions.Action.EXPORT)
    number = count_listed(counted, wanted)
    with transaction(database, actor=actor.login, now=now) as work:
        work.record_change("export", "finding", None, None, {"month": str(month), "records": number})
    write_cells(path, f"{_('Data quality')} {month}", _lines(database, actor, month, counted, wanted, number))
    return number


def _lines(
    database: Database, actor: Actor, month: Month, counted: Sequence[Tally], wanted: FindingFilter, number: int
) -> Iterator[tuple[Any, ...]]:
    headings = (_("Unit"), _("Severity"), _("Kind of finding"), _("Finding"), _("Explanation"), _("Explained by"))
    yield tuple(map(str, headings))
    for page in range(1, -(-number // _BATCH) + 1):
        for found in list_findings(database, actor, month, counted, wanted, page=page, size=_BATCH):
            severity, kind = label(found.severity), KIND_LABELS[found.code]
            words = (found.unit, severity, kind, found.message, found.explanation or "", found.explained_by or "")
            yield tuple(map(str, words))
