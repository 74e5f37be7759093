"""A stranger's file to a `Sheet`: looked over first, then parsed in a limited child process.

Refused whole, each with one sentence: what is not what its ending says, a DTD, an archive that swells, cells far away
or too many of them, a broken or locked file, an unclosed quote, an unknown encoding. What a workbook shows but does not
hold (error values, formulas without a stored result) is named cell by cell in `Sheet.unread`.
"""

import hashlib
import html
import json
import marshal
import re
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any
from xml.etree import ElementTree

from crm.errors import Refused
from crm.exchange import parse_process
from crm.locale import Message, _

ENDINGS = ("xlsx", "xls", "csv")
MOST_BYTES = 100 * 2**20
MOST_UNPACKED = 2**30
MOST_PARTS = 5_000
# No honest sheet shrinks to this fraction: what does is made to swell.
MOST_SHRUNK = 400
MEMORY = 1536 * 2**20
SECONDS = 60
_LONG = 1_000
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Cells:
    """One column: its distinct cells (the first is empty) and, for each row of the sheet, which one it holds.

    A packed column is bytes until somebody looks at it again: a long sheet waits so for its commit in a third of the
    memory.
    """

    def __init__(self, values: list[Any], codes: "array[int]") -> None:
        self._values: list[Any] | None = values
        self._packed = b""
        self.codes = codes

    @property
    def values(self) -> list[Any]:
        """The distinct cells."""
        if self._values is None:
            self._values, self._packed = marshal.loads(self._packed), b""  # noqa: S302  # our own bytes
        return self._values

    def pack(self) -> None:
        """Put long columns of text and numbers away."""
        if (
            self._values is not None
            and len(self._values) > _LONG
            and set(map(type, self._values[1:])) <= {str, int, float}
        ):
            self._values, self._packed = None, marshal.dumps(self._values)


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was read, every row of it, headings and blank rows too.

    `unread` names cells that show something which is not stored: (row, column) from 0 -> text and reason.
    """

    file_name: str
    ending: str
    sha256: str
    name: str | None
    height: int
    columns: list[Cells]
    unread: dict[tuple[int, int], tuple[str, Message]]
    other_sheets: tuple[str, ...] = ()

    def cell(self, row: int, column: int) -> Any:
        """Return a cell by its place, counted from 0."""
        cells = self.columns[column]
        return cells.values[cells.codes[row]]


def read_sheet(path: Path, *, sheet: str | None = None, progress: Callable[[float], None] | None = None) -> Sheet:
    """Read one sheet of a file; raises Refused with one sentence for a file that cannot be taken."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in ENDINGS:
        raise Refused(_("“{name}” cannot be imported: give an .xlsx, .xls or .csv file.", name=path.name))
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise Refused(_("The file is larger than {most} MB: split it.", most=MOST_BYTES // 2**20))
        content = path.read_bytes()
    except OSError as error:
        raise Refused(_("The file “{name}” cannot be read. Check that it exists.", name=path.name)) from error
    if not content.strip():
        raise Refused(_("The file is empty."))
    _check_ending(content, ending)
    if ending == "csv":
        if sheet:
            raise Refused(_("A CSV file has no sheets: leave the sheet out."))
        scan: _Scan | None = None
    else:
        scan = _Scan(path, sheet or "") if ending == "xlsx" else None
    answer, codes = _parse(content, ending, sheet or "", scan, progress)
    unread = scan.unread if scan else {}
    # Cells that show something unstored may lie beyond those that hold something.
    height = max([answer["height"], *(row + 1 for row, _column in unread)])
    width = max([len(answer["columns"]), *(column + 1 for _row, column in unread)])
    columns = [_column(head, codes, number, answer["height"], height) for number, head in enumerate(answer["columns"])]
    columns += [Cells([None], array("I", bytes(4 * height))) for _number in range(width - len(columns))]
    return Sheet(
        file_name=path.name,
        ending=ending,
        sha256=hashlib.sha256(content).hexdigest(),
        name=answer["sheet"],
        height=height,
        columns=columns,
        unread=unread,
        other_sheets=tuple(name for name in answer["sheets"] if name != answer["sheet"]),
    )


def _column(head: dict[str, Any], codes: bytes, number: int, held: int, height: int) -> Cells:
    """Return a column of the child's answer, `held` rows filled up to the sheet's height; blanks alone are empty."""
    values = head["values"]
    values[0] = None
    for n in head["dates"]:
        values[n] = date.fromisoformat(values[n])
    for n in head["moments"]:
        values[n] = datetime.fromisoformat(values[n])
    column = array("I", codes[number * held * 4 : (number + 1) * held * 4])
    if spaces := {n for n, value in enumerate(values) if isinstance(value, str) and value.isspace()}:
        column = array("I", [0 if code in spaces else code for code in column])
    column.frombytes(bytes(4 * (height - held)))
    return Cells(values, column)


def _check_ending(content: bytes, ending: str) -> None:
    """Refuse content that is not what the ending says."""
    is_zip, is_ole = content.startswith(_ZIP), content.startswith(_OLE)
    if ending == "xlsx" and is_ole:
        raise Refused(
            _("The workbook is protected by a password, or an old .xls under a new name: save it as .xlsx without one.")
        )
    if (ending == "xlsx" and is_zip) or (ending == "xls" and is_ole) or (ending == "csv" and not (is_zip or is_ole)):
        if ending == "csv" and re.match(
            rb"\s*<(?:!doctype|html|\?xml)", content[:200].removeprefix(b"\xef\xbb\xbf"), re.I
        ):
            raise _refusal("page", ending)
        return
    if re.match(rb"\s*<(?:!doctype|html|table|\?xml|meta)", content[:200].removeprefix(b"\xef\xbb\xbf"), re.I):
        raise _refusal("page", ending)
    raise _refusal("other", ending)


# ------------------------------------------------------------------------------------------------------- the child


def _parse(
    content: bytes, ending: str, sheet: str, scan: "_Scan | None", progress: Callable[[float], None] | None
) -> tuple[dict[str, Any], bytes]:
    """Run the child process, look over the sheet meanwhile, and return its answer or raise its reason."""
    command = [sys.executable, "-P", str(Path(parse_process.__file__)), ending, sheet, str(MEMORY), str(SECONDS)]
    child = subprocess.Popen(  # noqa: S603  # our own script; the file's name is not among the arguments
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    found: list[bytes] = []
    talk = threading.Thread(target=_converse, args=(child, content, found), daemon=True)
    talk.start()
    try:
        if scan is not None:
            scan.run()
        started = time.monotonic()
        # About two megabytes of workbook are parsed in a second at worst.
        expected = 0.5 + len(content) / 4e6
        while talk.is_alive():
            talk.join(0.05)
            waited = time.monotonic() - started
            if progress:
                progress(min(waited / expected, 0.95))
            if waited > 2 * SECONDS:
                raise _refusal("time")
    finally:
        child.kill()
        child.wait()
        talk.join(5)
    answer = found[0] if found else b""
    if child.returncode != 0 and not _is_whole(answer):
        # Killed by its own limits, or brought down by the content.
        if child.returncode == -24 or child.returncode == -9:
            raise _refusal("time")
        raise _refusal("memory" if child.returncode == -6 else "damaged")
    length = int.from_bytes(answer[:8], "big")
    head: dict[str, Any] = json.loads(answer[8 : 8 + length].decode("utf-8", "surrogatepass"))
    if "refused" in head:
        raise _refusal(head["refused"], *head["values"])
    return head, answer[8 + length :]


def _converse(child: "subprocess.Popen[bytes]", content: bytes, found: list[bytes]) -> None:
    found.append(child.communicate(content)[0])


def _is_whole(answer: bytes) -> bool:
    return len(answer) > 8 and len(answer) >= 8 + int.from_bytes(answer[:8], "big")


def _refusal(reason: str, first: Any = "", second: Any = "") -> Refused:
    """Return why a file is not taken, by the name and values that the child gives the reason."""
    sentences: dict[str, Message] = {
        "memory": _(
            "The sheet has cells far away or too many: delete the rows and columns beyond the table, and save it."
        ),
        "damaged": _("The file is damaged: open it, save it anew as .xlsx and try again."),
        "password": _("The workbook is protected by a password: save it without one."),
        "no_sheet": _("The workbook has no visible sheet."),
        "sheet": _("There is no sheet “{sheet}” in the workbook. It has: {sheets}.", sheet=first, sheets=second),
        "columns": _("The sheet has more than {most} columns: delete those beyond the table, and save it.", most=first),
        "rows": _("The sheet has more than {most} rows: split it.", most=first),
        "time": _("Reading the file took too long: split it, or save it anew as .xlsx."),
        "utf16": _("The text is in UTF-16: save it as “CSV UTF-8”."),
        "encoding": _("The text is neither UTF-8 nor GB18030: save it as “CSV UTF-8”."),
        "binary": _("The file holds bytes that no text has: save it as “CSV UTF-8”."),
        "quote": _(
            "A quotation mark opened on line {line} is never closed: close it, or save the sheet as .xlsx.", line=first
        ),
        "csv": _(
            "Line {line} is not valid CSV: look for a stray quotation mark, or save the sheet as .xlsx.", line=first
        ),
        "other": _(
            "The content is not what the ending .{ending} says: open the file and save it as .xlsx.", ending=first
        ),
        "page": _("The file is a web page, not a {ending} file: open it and save it as .xlsx.", ending=first),
    }
    return Refused(sentences[reason])


# -------------------------------------------------------------------------------------------------- before the parse

_NAMESPACES = {
    "main": "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "rel": "http://schemas.openxmlformats.org/package/2006/relationships",
}
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]+)(\d+)"')
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|t)\b[^>]*>([^<]*)<")
_RESULT = re.compile(rb"<(?:\w+:)?v\b")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b[^>]*?(?:/>|>([^<]*)<)")


_MOST_UNREAD = 500_000


class _Scan:
    """What has to be known of a workbook that the parser does not tell: looked up in the archive itself."""

    def __init__(self, path: Path, sheet: str) -> None:
        self.path = path
        self.sheet = sheet
        self.unread: dict[tuple[int, int], tuple[str, Message]] = {}
        self._formula = b"<f"
        damaged = _refusal("damaged")
        try:
            with zipfile.ZipFile(path) as archive:
                parts = archive.infolist()
                _check_sizes(parts)
                for part in parts:
                    if part.filename.endswith((".xml", ".rels", ".vml")):
                        _check_prolog(archive, part)
                if "xl/workbook.xml" not in archive.namelist():
                    raise _refusal("other", "xlsx")
        except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError) as error:
            raise damaged from error

    def run(self) -> None:
        """Walk through the sheet to be read: error values, formulas that have no stored result."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                part = self._part(archive)
                if part is not None:
                    with archive.open(part) as file:
                        # Elements have a prefix in some writers' sheets.
                        self._formula = b"<f" if b"<worksheet" in file.read(4096) else b":f"
                    with archive.open(part) as file:
                        for rows in _whole_rows(file):
                            self._look_over(rows)
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            KeyError,
            ElementTree.ParseError,
            RuntimeError,
            EOFError,
        ) as error:
            raise _refusal("damaged") from error

    def _part(self, archive: zipfile.ZipFile) -> str | None:
        """Return the archive's part that holds the sheet; None where the parser had better say so."""
        # Without a DTD, which was refused, this parser expands nothing.
        workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        targets = {
            relation.get("Id"): relation.get("Target", "")
            for relation in relations.findall("rel:Relationship", _NAMESPACES)
        }
        for found in workbook.findall("main:sheets/main:sheet", _NAMESPACES):
            target = targets.get(found.get(_RELATION), "")
            if "worksheets/" not in target:
                continue
            if found.get("name") == self.sheet or (not self.sheet and found.get("state", "visible") == "visible"):
                return target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
        return None

    def _look_over(self, rows: bytes) -> None:
        # Most sheets have neither: asked of the whole piece before any cell is looked at.
        if not (b't="e"' in rows or self._formula in rows):
            return
        for attributes, content in _CELL.findall(rows):
            place = _PLACE.search(attributes)
            if place is not None:
                value = _VALUE.search(content) if content else None
                self._note(attributes, content, value, int(place[2]) - 1, _column_number(place[1]) - 1)

    def _note(self, attributes: bytes, content: bytes, value: re.Match[bytes] | None, row: int, column: int) -> None:
        if row >= parse_process.MOST_ROWS or column >= parse_process.MOST_COLUMNS or len(self.unread) >= _MOST_UNREAD:
            raise _refusal("memory")
        if b't="e"' in attributes:
            text = value[1].decode("utf-8", "replace") if value else ""
            if text != "#N/A":
                self.unread[row, column] = (text, _("The cell holds an error value of the spreadsheet."))
        elif content and not (value and value[1]) and (formula := _FORMULA.search(content)):
            if b't="str"' in attributes and _RESULT.search(content):
                return  # the result is a text without a character
            text = "=" + html.unescape((formula[1] or b"").decode("utf-8", "replace"))
            self.unread[row, column] = (
                text,
                _("The formula has no stored result: open the workbook, let it calculate, and save it."),
            )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if (
        unpacked > MOST_UNPACKED
        or len(parts) > MOST_PARTS
        or (unpacked > 50 * 2**20 and unpacked > packed * MOST_SHRUNK)
    ):
        raise Refused(_("The workbook swells to {size} MB when unpacked and was not opened.", size=unpacked // 2**20))
    if any(part.flag_bits & 1 for part in parts):
        raise _refusal("password")


def _check_prolog(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse a document type: no workbook program writes one, and it is how entities are smuggled in."""
    with archive.open(part) as file:
        prolog = file.read(4096)
        # A document type can only stand before the first element; comments may stand there too.
        while not re.search(rb"<[A-Za-z_]", prolog) and len(prolog) < 2**20:
            more = file.read(65536)
            if not more:
                break
            prolog += more
    if b"\0" in prolog[:200]:
        raise _refusal("damaged")
    before = re.split(rb"<[A-Za-z_]", prolog, maxsplit=1)[0]
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", before, re.IGNORECASE):
        raise Refused(_("The workbook holds a document type definition (DTD) and was not opened."))


def _whole_rows(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the text of a sheet in pieces that end where a row ends."""
    rest = b""
    while piece := file.read(4 * 2**20):
        piece = rest + piece
        end = piece.rfind(b"row>")
        if end < 0 and len(piece) < 64 * 2**20:
            rest = piece
            continue
        end = end + 4 if end >= 0 else len(piece)
        yield piece[:end]
        rest = piece[end:]
    yield rest
