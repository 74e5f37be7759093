"""The bulletin as a workbook: its words on the first sheet, a sheet a table, its charts; numbers are numbers.

A rate is the number that is printed (78.6 % is 0.786), with its exact N and D beside it; amounts behind rates are 万元.
"""

import io
import re
from decimal import Decimal
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from crm.exchange.bulletin.pictures import draw
from crm.exchange.values import guard
from crm.model import YUAN_PER_WAN
from crm.reports.bulletins import Bulletin, Cell, Heading, Note, Paragraph, Table

_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_PROPERTY = 31, 32_767, 255
_CHARS_PER_MM = 0.55
_WORDS_WIDTH = 100
_PICTURE_ROWS, _PICTURE_SCALE = 24, 0.5


def write_excel(document: Bulletin) -> bytes:
    """Return the bulletin as an .xlsx file."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, _OPTIONS)
    # A date of its own would be that of the moment.
    book.set_properties(
        {
            "title": "".join(document.title)[:_LONGEST_PROPERTY],
            "author": document.signature[:_LONGEST_PROPERTY],
            "comments": document.draft_note,
            "created": document.stamped_at,
        }
    )
    sheets = _Sheets(book)
    _words(sheets, document)
    for table in document.tables():
        _table(sheets, table, document.draft_note)
    _charts(sheets, document)
    book.close()
    return buffer.getvalue()


class _Sheets:
    """The sheets of a workbook and its formats, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._names: set[str] = set()
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def add(self, name: str) -> Any:
        """Add a sheet under the nearest name that a workbook allows and that is not taken."""
        allowed = _FORBIDDEN.sub("", name).strip()[:_LONGEST_NAME] or "表"
        chosen, n = allowed, 1
        while chosen.lower() in self._names:
            n += 1
            chosen = f"{allowed[: _LONGEST_NAME - len(str(n))]}{n}"
        self._names.add(chosen.lower())
        sheet = self._book.add_worksheet(chosen)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    def format(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"valign": "vcenter", **look})
        return self._formats[key]


def _write_text(sheet: Any, row: int, column: int, text: str, look: Any) -> None:
    """Write text that stays text, whatever it begins with."""
    sheet.write_string(row, column, guard(text)[:_LONGEST_TEXT], look)


def _words(sheets: _Sheets, document: Bulletin) -> None:
    sheet = sheets.add("通报")
    sheet.set_column(0, 0, _WORDS_WIDTH)
    centred = {"align": "center", "text_wrap": True}
    red = sheets.format(**centred, font_color="#D9251D", bold=True, font_size=22)
    title = sheets.format(**centred, bold=True, font_size=16)
    body, heading = sheets.format(text_wrap=True), sheets.format(text_wrap=True, bold=True)
    lines = [(document.draft_note, sheets.format(**centred, font_color="#D9251D"))] if document.draft_note else []
    lines += [(document.office, red), (document.number, sheets.format(**centred))]
    lines += [(part, title) for part in document.title] + [(document.salutation, body)]
    for block in document.blocks:
        if isinstance(block, Heading | Paragraph | Note):
            lines.append((block.text, heading if isinstance(block, Heading) else body))
        else:
            lines.append((f"（{block.title}）", sheets.format(**centred, italic=True)))
    right = sheets.format(align="right")
    for row, (text, look) in enumerate([*lines, (document.signature, right), (document.date, right)]):
        _write_text(sheet, row, 0, text, look)


def _table(sheets: _Sheets, table: Table, draft_note: str) -> None:
    sheet = sheets.add(table.sheet)
    row = 0
    for text, look in (
        (draft_note, sheets.format(font_color="#D9251D")),
        (table.title, sheets.format(bold=True, font_size=14)),
    ):
        if text:
            _write_text(sheet, row, 0, text, look)
            row += 1
    head = sheets.format(bold=True, border=1, bg_color="#F2F2F2", align="center", text_wrap=True)
    at = 0
    for n, column in enumerate(table.columns):
        in_money = any(isinstance(value, Decimal) for cells in table.rows for value in cells[n].pair or ())
        unit = "（万元）" if in_money else ""
        titles = [column.title]
        titles += [f"{column.title}{part}{unit}" for part in ("分子", "分母")] if column.has_pairs else []
        for title in titles:
            sheet.set_column(at, at, max(8, column.width * _CHARS_PER_MM))
            _write_text(sheet, row, at, title, head)
            at += 1
    sheet.freeze_panes(row + 1, 0)
    for offset, cells in enumerate(table.rows, row + 1):
        at = 0
        for column, cell in zip(table.columns, cells, strict=True):
            _cell(sheets, sheet, offset, at, cell, column.align)
            at += 1
            if column.has_pairs:
                for value in cell.pair or (0, 0):
                    is_money = isinstance(value, Decimal)
                    look = sheets.format(border=1, num_format="#,##0.00" if is_money else "#,##0")
                    sheet.write_number(offset, at, float(value / YUAN_PER_WAN if is_money else value), look)
                    at += 1


def _cell(sheets: _Sheets, sheet: Any, row: int, at: int, cell: Cell, align: str) -> None:
    if cell.number is None:
        _write_text(sheet, row, at, cell.text, sheets.format(border=1, align=align, text_wrap=True))
    else:
        sheet.write_number(row, at, float(cell.number), sheets.format(border=1, num_format=cell.format))


def _charts(sheets: _Sheets, document: Bulletin) -> None:
    if not document.charts():
        return
    sheet = sheets.add("图表")
    row = 0
    for n, chart in enumerate(document.charts(), 1):
        _write_text(sheet, row, 0, chart.title, sheets.format(bold=True))
        scale = {"x_scale": _PICTURE_SCALE, "y_scale": _PICTURE_SCALE, "description": chart.title[:200]}
        sheet.insert_image(row + 1, 0, f"chart{n}.png", {"image_data": io.BytesIO(draw(chart)), **scale})
        row += _PICTURE_ROWS
