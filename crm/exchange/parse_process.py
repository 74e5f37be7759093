"""The child process that opens a stranger's file: it limits itself, parses, and answers in plain data.

Run as a script of its own (`python parse_process.py ENDING SHEET MEMORY SECONDS < file`), so that a file which brings
the parser down, or blows it up, takes nothing else along. It imports nothing of the program and starts in a fraction
of a second. The answer on standard output is a length (8 bytes), that much JSON, and the codes of the columns:
every cell as a number of 4 bytes into its column's distinct values, 0 for an empty cell.
"""

import csv
import gc
import io
import json
import resource
import sys
from array import array
from datetime import date, datetime
from typing import Any

MOST_COLUMNS = 300
MOST_ROWS = 200_000


class Unreadable(Exception):
    """The file cannot be taken; the argument is the name of the reason, then its values."""


def main() -> None:
    """Read the file on standard input and answer on standard output."""
    ending, sheet, memory, seconds = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()  # nothing here is cyclic, and there is a million of it
    codes: list[bytes] = []
    try:
        content = sys.stdin.buffer.read()
        head, codes = read_csv(content) if ending == "csv" else read_workbook(content, sheet)
    except Unreadable as reason:
        head = {"refused": reason.args[0], "values": reason.args[1:]}
    except MemoryError:
        head = {"refused": "memory", "values": []}
    answer = json.dumps(head, ensure_ascii=False).encode("utf-8", "surrogatepass")
    sys.stdout.buffer.write(len(answer).to_bytes(8, "big"))
    sys.stdout.buffer.write(answer)
    for part in codes:
        sys.stdout.buffer.write(part)


def read_workbook(content: bytes, sheet: str) -> tuple[dict[str, Any], list[bytes]]:
    """Read one sheet of an xlsx or xls file: the one named, else the first that is visible."""
    import python_calamine as calamine

    try:
        workbook = calamine.load_workbook(io.BytesIO(content))
        known = [found for found in workbook.sheets_metadata if found.typ == calamine.SheetTypeEnum.WorkSheet]
        names = [found.name for found in known]
        visible = [found.name for found in known if found.visible == calamine.SheetVisibleEnum.Visible]
        if not visible:
            raise Unreadable("no_sheet")
        if sheet and sheet not in names:
            raise Unreadable("sheet", sheet, "、".join(names))
        name = sheet or visible[0]
        page = workbook.get_sheet_by_name(name)
        # The parser lays the sheet out in full: the size is asked before anything is copied.
        height, width = page.total_height, page.total_width
        check_size(height, width)
        rows = page.to_python(skip_empty_area=False)
    except calamine.PasswordError:
        raise Unreadable("password") from None
    except (calamine.CalamineError, OSError, ValueError):
        raise Unreadable("damaged") from None
    if rows and rows[0:1] == [[]]:
        rows = []
    head, codes = encode(list(zip(*rows, strict=True)), len(rows))
    return head | {"sheet": name, "sheets": names}, codes


def read_csv(content: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Read a CSV text: strict UTF-8 with or without mark, else GB18030."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise Unreadable("utf16")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise Unreadable("encoding") from None
    if "\0" in text:
        raise Unreadable("binary")
    csv.field_size_limit(1_000_000)
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for row in reader:
            rows.append(row)
            start = reader.line_num + 1
            if len(row) > MOST_COLUMNS:
                raise Unreadable("columns", MOST_COLUMNS)
    except csv.Error as error:
        # The record opened on line `start`; the reader noticed on its own line, often the last of the file.
        raise Unreadable("quote" if "end of data" in str(error) else "csv", start) from None
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    width = max(map(len, rows), default=0)
    check_size(len(rows), width)
    ragged = [row if len(row) == width else row + [""] * (width - len(row)) for row in rows]
    head, codes = encode(list(zip(*ragged, strict=True)), len(rows))
    return head | {"sheet": None, "sheets": []}, codes


def check_size(height: int, width: int) -> None:
    """Refuse a sheet that reaches too far."""
    if width > MOST_COLUMNS:
        raise Unreadable("columns", MOST_COLUMNS)
    if height > MOST_ROWS:
        raise Unreadable("rows", MOST_ROWS)


def encode(columns: list[tuple[Any, ...]], height: int) -> tuple[dict[str, Any], list[bytes]]:
    """Turn columns of cells into their distinct values (or nearly so) and codes; dates are named beside them."""
    heads, codes = [], []
    for cells in columns:
        kinds = set(map(type, cells))
        if bool in kinds:  # True would meet 1 as a key
            cells = tuple(("TRUE" if cell else "FALSE") if cell is True or cell is False else cell for cell in cells)
        sample = cells[1:501]
        if len(set(sample)) > 0.9 * len(sample) and "" not in cells:
            # Hardly a cell is there twice: looking for repetitions would cost more than it saves.
            values: list[Any] = ["", *cells]
            column = array("I", range(1, height + 1))
        else:
            index: dict[Any, int] = {"": 0}
            column = array("I", [index.setdefault(cell, len(index)) for cell in cells])
            values = list(index)
        dates, moments = [], []
        if kinds - {str, float, int, bool}:
            for n, value in enumerate(values):
                if isinstance(value, datetime):
                    moments.append(n)
                    values[n] = value.isoformat()
                elif isinstance(value, date):
                    dates.append(n)
                    values[n] = value.isoformat()
                elif not isinstance(value, (str, float, int)):
                    values[n] = str(value)
        heads.append({"values": values, "dates": dates, "moments": moments})
        codes.append(column.tobytes())
    return {"height": height, "columns": heads}, codes


if __name__ == "__main__":
    main()
