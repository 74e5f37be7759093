"""Empty workbooks to fill in: the columns of a kind with drop-downs, notes and an example row that itself imports."""

from datetime import date
from pathlib import Path
from typing import Any

from crm.errors import Refused
from crm.exchange.columns import Column, Kind, Type, kind_of
from crm.exchange.sheets import WIDTH, open_workbook
from crm.locale import _
from crm.store import Database, reference_rows

_ROWS = 2_000
_LISTS = "选项"


def write_template(kind: str, path: Path, *, database: Database | None = None) -> None:
    """Write the template of a kind; units and industries in its lists are the database's, else the shipped ones."""
    found = kind_of(kind)
    if path.suffix.lower() != ".xlsx":
        raise Refused(_("A template is an .xlsx file: give a name that ends so."))
    try:
        _write(found, path, _choices(found, database))
    except OSError as error:
        raise Refused(
            _("The file “{name}” cannot be written: check the folder and the space on it.", name=path.name)
        ) from error


def _choices(kind: Kind, database: Database | None) -> dict[str, list[str]]:
    """Return the drop-down of each column that has one."""
    shared: dict[Type, list[str]] = {}
    for type_, table in ((Type.UNIT, "unit"), (Type.INDUSTRY, "industry")):
        if database is None:
            file = {"unit": "units", "industry": "industries"}[table]
            shared[type_] = [row["name"] for row in reference_rows(file)]
        else:
            rows = database.rows(f"select name from {table} where archived_at is null order by display_order")
            shared[type_] = [row[0] for row in rows]
    lists = {column.field: shared.get(column.type, column.words) for column in kind.columns}
    return {field: words for field, words in lists.items() if words}


def _write(kind: Kind, path: Path, choices: dict[str, list[str]]) -> None:
    workbook = open_workbook(path, constant_memory=False)
    sheet = workbook.add_worksheet(kind.title)
    notes = workbook.add_worksheet("填写说明")
    lists = workbook.add_worksheet(_LISTS)
    heading = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "vcenter", "align": "center"}
    required = workbook.add_format(heading | {"bg_color": "#FCE4D6"})
    plain = workbook.add_format(heading | {"bg_color": "#EDEDED"})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    text = workbook.add_format({"num_format": "@"})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 0)
    for row, title in enumerate(("列", "必填", "说明", "可填")):
        notes.write_string(0, row, title, plain)
    notes.set_column(0, 1, 16)
    notes.set_column(2, 3, 60, wrapped)
    for number, column in enumerate(kind.columns):
        # Text columns are text from the start: a spreadsheet would round a credit code and drop a phone's zero.
        as_text = column.type not in {Type.DATE, Type.MONEY, Type.NUMBER, Type.YEAR}
        sheet.set_column(
            number, number, WIDTH.get(column.type, 18), day if column.type is Type.DATE else text if as_text else None
        )
        sheet.write_string(0, number, column.title, required if column.required else plain)
        note = _note(column)
        sheet.write_comment(0, number, note)
        _write_example(sheet, number, column, day)
        words = choices.get(column.field, [])
        notes.write_string(number + 1, 0, column.title)
        notes.write_string(number + 1, 1, "是" if column.required else "")
        notes.write_string(number + 1, 2, note)
        notes.write_string(number + 1, 3, "、".join(words))
        for row, word in enumerate(words):
            lists.write_string(row, number, word)
        if words:
            letter = chr(65 + number) if number < 26 else f"A{chr(39 + number)}"
            source = f"={_LISTS}!${letter}$1:${letter}${len(words)}"
            # Other words are known too, so that the list proposes and does not forbid.
            sheet.data_validation(
                1, number, _ROWS, number, {"validate": "list", "source": source, "error_type": "information"}
            )
    lists.hide()
    sheet.activate()
    workbook.close()


def _note(column: Column) -> str:
    parts = [str(_("Required.") if column.required else _("May be left blank."))]
    if column.key:
        parts.append(str(_("It identifies the row: the same again updates.")))
    if column.note is not None:
        parts.append(str(column.note))
    return " ".join(parts)


def _write_example(sheet: Any, number: int, column: Column, day: Any) -> None:
    if not column.example:
        return
    if column.type is Type.DATE:
        sheet.write_datetime(1, number, date.fromisoformat(column.example), day)
    elif column.type in {Type.MONEY, Type.NUMBER, Type.YEAR}:
        sheet.write_number(1, number, float(column.example))
    else:
        sheet.write_string(1, number, column.example)
