"""The user's own sheet back, every row and cell of it, with a column that says what became of each row."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from crm.errors import Refused
from crm.exchange.columns import heading_key, report_heading
from crm.exchange.importing import Plan
from crm.exchange.reading import read_sheet
from crm.exchange.sheets import write_cells, write_csv
from crm.exchange.values import as_text, unguard
from crm.locale import _


def report_path(plan: Plan, folder: Path) -> Path:
    """Return where a plan's report belongs within a folder, by the name and ending of the user's file."""
    name = Path(plan.sheet.file_name)
    return folder / f"{name.stem}-{report_heading(plan.kind)}.{'csv' if plan.sheet.ending == 'csv' else 'xlsx'}"


def write_report(plan: Plan, path: Path) -> Path:
    """Write the sheet with the reasons and return where: beside a file that is there and no such report of this sheet.

    .csv for a CSV file, .xlsx for a workbook; raises Refused where it cannot be written.
    """
    places = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    try:
        while not _is_free(plan, path):
            path = next(places)
        if path.suffix.lower() == ".csv":
            write_csv(path, ([as_text(cell) for cell in row] for row in _rows(plan)))
        else:
            write_cells(path, plan.sheet.name or plan.kind.title, _rows(plan))
    except OSError as error:
        raise Refused(
            _("The file “{name}” cannot be written: check the folder and the space on it.", name=path.name)
        ) from error
    return path


def _is_free(plan: Plan, path: Path) -> bool:
    """Whether nothing is lost where the report is written there: no file, an empty one, an earlier report."""
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return True
    try:
        found = read_sheet(path)
    except Refused:
        return False
    row = plan.heading_row
    headings = [as_text(found.cell(row, number)) for number in range(len(found.columns))] if row < found.height else []
    return [unguard(text) for text in headings] == [unguard(as_text(cell)) for cell in _headings(plan)]


def _headings(plan: Plan) -> list[Any]:
    """Return the row of headings as the report has it."""
    cells = [plan.sheet.cell(plan.heading_row, number) for number in range(len(plan.sheet.columns))]
    at = _reasons_at(plan)
    return [*cells[:at], report_heading(plan.kind), *cells[at + 1 :]]


def _reasons_at(plan: Plan) -> int:
    """Return the column of the reasons: a report that comes back keeps one such column."""
    sheet, key = plan.sheet, heading_key(report_heading(plan.kind))
    width = len(sheet.columns)
    texts = (as_text(sheet.cell(plan.heading_row, number)) for number in range(width))
    return next((number for number, text in enumerate(texts) if heading_key(text) == key), width)


def _rows(plan: Plan) -> Iterator[list[Any]]:
    sheet, reasons = plan.sheet, plan.reasons()
    width, at = len(sheet.columns), _reasons_at(plan)
    for row in range(sheet.height):
        cells = [sheet.cell(row, number) for number in range(width)] + [None] * (at == width)
        for (place, number), (text, _reason) in sheet.unread.items() if sheet.unread else ():
            if place == row:
                cells[number] = text
        cells[at] = "；".join(reasons.get(row + 1, ()))
        yield _headings(plan) if row == plan.heading_row else cells
