"""Sheets as files: guarded cells, workbooks, CSV."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xlsxwriter  # type: ignore[import-untyped]

from crm.exchange.columns import Column, Type
from crm.exchange.values import FORMULA_LIKE, guard

if TYPE_CHECKING:
    import pyarrow as pa

_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
    "default_date_format": "yyyy-mm-dd",
}
_NUMERIC = frozenset({Type.MONEY, Type.NUMBER, Type.YEAR})
# A spreadsheet keeps 15 digits of a number; what has more is written as text.
_DIGITS = 15
WIDTH = {Type.DATE: 13, Type.MONEY: 16, Type.NUMBER: 12, Type.CHOICE: 12}


def open_workbook(path: Path, *, constant_memory: bool = True) -> xlsxwriter.Workbook:
    """Open a workbook in which no text becomes a formula, a link or a number; raises OSError where none can be."""
    path.open("ab").close()
    return xlsxwriter.Workbook(str(path), _OPTIONS | {"constant_memory": constant_memory})


def close_workbook(workbook: xlsxwriter.Workbook) -> None:
    """Write a workbook to its file; raises OSError where that cannot be done."""
    try:
        workbook.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error


def guard_columns(columns: Sequence[Column], rows: "pa.Table") -> "pa.Table":
    """Put an apostrophe before every text that a spreadsheet would take for a formula; a number is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for number, column in enumerate(columns):
        texts = rows.column(number).cast(pa.string())
        if column.type is Type.NUMBER:
            rows = rows.set_column(number, column.field, texts)
            continue
        found = pc.fill_null(pc.match_substring_regex(texts, FORMULA_LIKE), False)
        if pc.any(found).as_py():
            texts = pc.if_else(found, pc.binary_join_element_wise("'", texts, ""), texts)
        rows = rows.set_column(number, column.field, texts)
    return rows


def as_number(text: str) -> float | None:
    """Return a text as the number that a spreadsheet can keep exactly, None where it cannot."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or len(number.as_tuple().digits) > _DIGITS:
        return None
    return float(number)


def write_workbook(path: Path, title: str, columns: Sequence[Column], rows: "pa.Table") -> None:
    """Write the rows of a kind as a workbook: dates as dates, numbers as numbers, everything else as text."""
    workbook = open_workbook(path)
    sheet = workbook.add_worksheet(title)
    bold = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(columns):
        sheet.set_column(number, number, WIDTH.get(column.type, 18))
        sheet.write_string(0, number, column.title, bold)
    for start in range(0, rows.num_rows, 10_000):
        part = [cells.to_pylist() for cells in rows.slice(start, 10_000).columns]
        for offset, row in enumerate(zip(*part, strict=True), start + 1):
            for number, text in enumerate(row):
                if text is None:
                    continue
                kind = columns[number].type
                if kind is Type.DATE:
                    sheet.write_datetime(offset, number, datetime.fromisoformat(text), day)
                elif kind in _NUMERIC and (found := as_number(text)) is not None:
                    sheet.write_number(offset, number, found)
                else:
                    sheet.write_string(offset, number, text)
    close_workbook(workbook)


def write_cells(path: Path, title: str, rows: Iterable[Sequence[Any]]) -> None:
    """Write cells as they are, row by row: dates as dates, numbers as numbers, text guarded."""
    workbook = open_workbook(path)
    sheet = workbook.add_worksheet(title[:31])
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if isinstance(cell, str) and cell:
                sheet.write_string(row, column, guard(cell))
            elif isinstance(cell, (int, float)):
                sheet.write_number(row, column, cell)
            elif isinstance(cell, date):
                sheet.write_datetime(row, column, cell, moment if isinstance(cell, datetime) else day)
    close_workbook(workbook)


def write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write text cells, guarded, with the mark that makes spreadsheets read UTF-8."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([guard(cell) for cell in row] for row in rows)
