"""The user's own sheet back, every row and cell of it, with a column that says what became of each row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crm.errors import Refused
from crm.exchange.columns import heading_key, report_heading
from crm.exchange.importing import Plan
from crm.exchange.sheets import write_cells, write_csv
from crm.exchange.values import as_text
from crm.locale import _


def report_path(plan: Plan, folder: Path) -> Path:
    """Return where a plan's report belongs within a folder, by the name and ending of the user's file."""
    name = Path(plan.sheet.file_name)
    return folder / f"{name.stem}-{report_heading(plan.kind)}.{'csv' if plan.sheet.ending == 'csv' else 'xlsx'}"


def write_report(plan: Plan, path: Path) -> None:
    """Write the sheet with the reasons: .csv for a CSV file, .xlsx for a workbook."""
    try:
        if path.suffix.lower() == ".csv":
            write_csv(path, ([as_text(cell) for cell in row] for row in _rows(plan)))
        else:
            write_cells(path, plan.sheet.name or plan.kind.title, _rows(plan))
    except OSError as error:
        raise Refused(
            _("The file “{name}” cannot be written: check the folder and the space on it.", name=path.name)
        ) from error


def _rows(plan: Plan) -> Iterator[list[Any]]:
    sheet, reasons = plan.sheet, plan.reasons()
    width = len(sheet.columns)
    heading = report_heading(plan.kind)
    # A report that comes back keeps one such column.
    at = next(
        (
            number
            for number in range(width)
            if heading_key(as_text(sheet.cell(plan.heading_row, number))) == heading_key(heading)
        ),
        width,
    )
    for row in range(sheet.height):
        cells = [sheet.cell(row, number) for number in range(width)] + [None] * (at == width)
        for (place, number), (text, _reason) in sheet.unread.items() if sheet.unread else ():
            if place == row:
                cells[number] = text
        cells[at] = heading if row == plan.heading_row else "；".join(reasons.get(row + 1, ()))
        yield cells
