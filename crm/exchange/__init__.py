"""Sheets in and out.

Reading order: `columns` (the registry of kinds and headings), `values` (cells to values), `reading` (a stranger's file
to a `Sheet`), `judging` with the judges in `directory`, `projects` and `figures`, `books` (what the rows would change),
`importing` (plan, commit, take back), `reporting` (the user's own sheet back), `exporting`, `templates`.
"""

from crm.exchange.columns import KINDS, Kind, kind_of
from crm.exchange.exporting import export_table, filters_of
from crm.exchange.importing import ImportResult, Plan, PlannedRow, commit_import, plan_import, revert_import
from crm.exchange.judging import Remark
from crm.exchange.reporting import write_report
from crm.exchange.templates import write_template

__all__ = [
    "KINDS",
    "ImportResult",
    "Kind",
    "Plan",
    "PlannedRow",
    "Remark",
    "commit_import",
    "export_table",
    "filters_of",
    "kind_of",
    "plan_import",
    "revert_import",
    "write_report",
    "write_template",
]
