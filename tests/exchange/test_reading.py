"""A stranger's file: every hostile or broken one gets one clear sentence; every honest one is read."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
import xlwt

from crm.errors import Refused
from crm.exchange import reading
from crm.exchange.reading import Sheet, read_sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORKBOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{RELATION}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
    f' Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{RELATION}/sharedStrings"'
    ' Target="sharedStrings.xml"/></Relationships>'
)
ROOT = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
    f' Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def package(path: Path, rows: str | bytes, *, prolog: str = "", strings: str | bytes = b"", **parts: Any) -> Path:
    """Write a workbook by hand, whatever it holds."""
    sheet = (
        rows
        if isinstance(rows, bytes)
        else f'{prolog}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", ROOT)
        archive.writestr("xl/workbook.xml", parts.get("workbook", WORKBOOK))
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/sharedStrings.xml", strings or f'<sst xmlns="{MAIN}"/>')
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return path


def cell(place: str, value: str) -> str:
    """Return a text cell."""
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def cells(sheet: Sheet) -> list[list[Any]]:
    """Return every row of a sheet."""
    return [[sheet.cell(row, column) for column in range(len(sheet.columns))] for row in range(sheet.height)]


def far_cell(path: Path) -> Path:
    return package(path, f'<row r="1">{cell("A1", "企业名称")}</row><row r="1048576">{cell("XFD1048576", "x")}</row>')


def far_row(path: Path) -> Path:
    return package(path, f'<row r="1">{cell("A1", "企业名称")}</row><row r="900000">{cell("A900000", "x")}</row>')


def far_column(path: Path) -> Path:
    return package(path, f'<row r="1">{cell("A1", "企业名称")}{cell("ABC1", "x")}</row>')


def declared_bomb(path: Path) -> Path:
    return package(path, b"<worksheet>" + b" " * (200 * 2**20))


def huge_strings(path: Path) -> Path:
    one = "<si><t>" + "甲" * 2_000_000 + "</t></si>"
    return package(path, f'<row r="1">{cell("A1", "x")}</row>', strings=f'<sst xmlns="{MAIN}">{one * 60}</sst>')


def with_dtd(path: Path) -> Path:
    return package(
        path, f'<row r="1">{cell("A1", "x")}</row>', prolog='<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>'
    )


def dtd_after_comment(path: Path) -> Path:
    prolog = '<?xml version="1.0"?><!--' + "x" * 100_000 + "-->\n<!doctype x>"
    return package(path, f'<row r="1">{cell("A1", "x")}</row>', prolog=prolog)


def dtd_in_workbook(path: Path) -> Path:
    return package(path, "", workbook=f'<!DOCTYPE lolz [<!ENTITY lol "lol">]>{WORKBOOK}')


def truncated(path: Path) -> Path:
    package(path, f'<row r="1">{cell("A1", "x")}</row>')
    path.write_bytes(path.read_bytes()[:-200])
    return path


def garbled(path: Path) -> Path:
    package(path, f'<row r="1">{cell("A1", "x" * 5000)}</row>')
    content = bytearray(path.read_bytes())
    middle = content.index(b"sheet1.xml") + 14
    content[middle : middle + 6] = b"\xff" * 6
    path.write_bytes(bytes(content))
    return path


def not_xml(path: Path) -> Path:
    return package(path, b"<worksheet><sheetData><row><c></row>")


def broken_workbook_part(path: Path) -> Path:
    return package(path, "", workbook="<workbook")


def any_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    return path


def ole_as_xlsx(path: Path) -> Path:
    book = xlwt.Workbook()
    book.add_sheet("a").write(0, 0, "x")
    book.save(str(path))
    return path


def many_parts(path: Path) -> Path:
    package(path, "")
    with zipfile.ZipFile(path, "a") as archive:
        for n in range(6000):
            archive.writestr(f"xl/media/{n}.bin", b"")
    return path


def web_page(path: Path) -> Path:
    path.write_text("<html><table><tr><td>企业名称</td></tr></table></html>", "utf-8")
    return path


def text_file(path: Path) -> Path:
    path.write_text("企业名称\n甲\n", "utf-8")
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def blank(path: Path) -> Path:
    path.write_bytes(b" \r\n \r\n")
    return path


def raw(content: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def hidden_only(path: Path) -> Path:
    return package(path, "", workbook=WORKBOOK.replace('sheetId="1"', 'sheetId="1" state="hidden"'))


FAR = "The sheet has cells far away or too many: delete the rows and columns beyond the table, and save it."
DAMAGED = "The file is damaged: open it, save it anew as .xlsx and try again."
DTD = "The workbook holds a document type definition (DTD) and was not opened."
OTHER = "The content is not what the ending .{} says: open the file and save it as .xlsx."
PAGE = "The file is a web page, not a {} file: open it and save it as .xlsx."


@pytest.mark.parametrize(
    ("ending", "make", "sentence"),
    [
        ("xlsx", far_cell, FAR),
        ("xlsx", far_row, "The sheet has more than 200000 rows: split it."),
        ("xlsx", far_column, "The sheet has more than 300 columns: delete those beyond the table, and save it."),
        ("xlsx", declared_bomb, "The workbook swells to 200 MB when unpacked and was not opened."),
        ("xlsx", huge_strings, "The workbook swells to 343 MB when unpacked and was not opened."),
        ("xlsx", with_dtd, DTD),
        ("xlsx", dtd_after_comment, DTD),
        ("xlsx", dtd_in_workbook, DTD),
        ("xlsx", truncated, DAMAGED),
        ("xlsx", garbled, DAMAGED),
        ("xlsx", not_xml, DAMAGED),
        ("xlsx", broken_workbook_part, DAMAGED),
        ("xlsx", any_zip, OTHER.format("xlsx")),
        ("xlsx", many_parts, "The workbook swells to 0 MB when unpacked and was not opened."),
        ("xlsx", hidden_only, "The workbook has no visible sheet."),
        ("xlsx", text_file, OTHER.format("xlsx")),
        ("xlsx", web_page, PAGE.format("xlsx")),
        (
            "xlsx",
            ole_as_xlsx,
            "The workbook is protected by a password, or an old .xls under a new name: save it as .xlsx without one.",
        ),
        ("xls", web_page, PAGE.format("xls")),
        ("xls", any_zip, OTHER.format("xls")),
        ("xls", raw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600), DAMAGED),
        ("xls", raw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), DAMAGED),
        ("csv", any_zip, OTHER.format("csv")),
        ("csv", ole_as_xlsx, OTHER.format("csv")),
        ("csv", web_page, PAGE.format("csv")),
        ("csv", raw("企业名称\n甲".encode("utf-16")), "The text is in UTF-16: save it as “CSV UTF-8”."),
        ("csv", raw(b"a\n\xff\xff\xff"), "The text is neither UTF-8 nor GB18030: save it as “CSV UTF-8”."),
        ("csv", raw(b"a,b\n\0,1"), "The file holds bytes that no text has: save it as “CSV UTF-8”."),
        (
            "csv",
            raw('企业名称,备注\n甲,好\n乙,"没有结束\n丙,好\n丁,好\n'.encode()),
            "A quotation mark opened on line 3 is never closed: close it, or save the sheet as .xlsx.",
        ),
        (
            "csv",
            raw('企业名称,备注\n甲,"好"坏\n'.encode()),
            "Line 2 is not valid CSV: look for a stray quotation mark, or save the sheet as .xlsx.",
        ),
        (
            "csv",
            raw(b",".join([b"a"] * 400)),
            "The sheet has more than 300 columns: delete those beyond the table, and save it.",
        ),
        ("csv", raw(b"a\n" * 200_001), "The sheet has more than 200000 rows: split it."),
        ("xlsx", empty, "The file is empty."),
        ("csv", empty, "The file is empty."),
        ("csv", blank, "The file is empty."),
        ("ods", any_zip, "“file.ods” cannot be imported: give an .xlsx, .xls or .csv file."),
        ("xlsm", any_zip, "“file.xlsm” cannot be imported: give an .xlsx, .xls or .csv file."),
    ],
)
def test_a_hostile_or_broken_file_gets_one_sentence(
    tmp_path: Path, ending: str, make: Callable[[Path], Path], sentence: str
) -> None:
    path = make(tmp_path / f"file.{ending}")
    with pytest.raises(Refused) as refused:
        read_sheet(path)
    assert str(refused.value) == sentence


def test_a_missing_file_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_sheet(tmp_path / "nowhere.xlsx")
    assert str(refused.value) == "The file “nowhere.xlsx” cannot be read. Check that it exists."


def test_a_file_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 2**20)
    path = tmp_path / "file.csv"
    path.write_bytes(b"a" * (2**20 + 1))
    with pytest.raises(Refused) as refused:
        read_sheet(path)
    assert str(refused.value) == "The file is larger than 1 MB: split it."


def test_a_parse_without_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass\n")
    monkeypatch.setattr(reading.parse_process, "__file__", str(endless))
    monkeypatch.setattr(reading, "SECONDS", 0.2)
    path = tmp_path / "file.csv"
    path.write_text("a\n1\n")
    with pytest.raises(Refused) as refused:
        read_sheet(path)
    assert str(refused.value) == "Reading the file took too long: split it, or save it anew as .xlsx."


def test_a_million_blank_formatted_rows_are_no_rows(tmp_path: Path) -> None:
    blank_rows = "".join(f'<row r="{n}" s="1" customFormat="1"><c r="A{n}" s="1"/></row>' for n in range(3, 1_000_001))
    path = package(
        tmp_path / "file.xlsx", f'<row r="1">{cell("A1", "h")}</row><row r="2">{cell("A2", "x")}</row>{blank_rows}'
    )
    assert cells(read_sheet(path)) == [["h"], ["x"]]


def test_rows_keep_their_numbers_below_blank_ones(tmp_path: Path) -> None:
    path = package(tmp_path / "file.xlsx", f'<row r="3">{cell("B3", "h")}</row><row r="5">{cell("C5", "x")}</row>')
    assert cells(read_sheet(path)) == [
        [None, None, None],
        [None, None, None],
        [None, "h", None],
        [None, None, None],
        [None, None, "x"],
    ]


def test_error_values_and_formulas_without_result_are_named(tmp_path: Path) -> None:
    rows = (
        f'<row r="1">{cell("A1", "h")}</row>'
        '<row r="2"><c r="A2" t="e"><v>#REF!</v></c><c r="B2"><f>A1+1</f></c><c r="C2"><f>1+1</f><v>2</v></c>'
        '<c r="D2" t="e"><v>#N/A</v></c><c r="E2" t="str"><f>A1</f><v>text</v></c></row>'
    )
    sheet = read_sheet(package(tmp_path / "file.xlsx", rows))
    assert {place: (text, str(reason)) for place, (text, reason) in sheet.unread.items()} == {
        (1, 0): ("#REF!", "The cell holds an error value of the spreadsheet."),
        (1, 1): ("=A1+1", "The formula has no stored result: open the workbook, let it calculate, and save it."),
    }
    assert sheet.cell(1, 2) == 2
    assert sheet.cell(1, 4) == "text"


def test_a_formula_whose_result_is_an_empty_text_is_a_blank_cell(tmp_path: Path) -> None:
    rows = (
        f'<row r="1">{cell("A1", "h")}</row>'
        '<row r="2"><c r="A2" t="str"><f>IF(1,"")</f><v></v></c><c r="B2" t="str"><f>B1</f><v/></c>'
        '<c r="C2" t="str"><f>C1</f></c><c r="D2"><f>D1</f><v></v></c></row>'
        '<row r="3"><c r="A3" t="str"><f>IF(1,"")</f><v></v></c></row>'
    )
    sheet = read_sheet(package(tmp_path / "file.xlsx", rows))
    assert [row for row in cells(sheet) if any(row)] == [["h", None, None, None]]
    assert {place: text for place, (text, _reason) in sheet.unread.items()} == {(1, 2): "=C1", (1, 3): "=D1"}


def test_a_cell_of_blanks_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b\n　, \n1,\u00a0\t\n", "utf-8")
    assert cells(read_sheet(path)) == [["a", "b"], [None, None], ["1", None]]


def test_cells_of_a_workbook_come_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    book = openpyxl.Workbook()
    row = [
        "文字",
        12.5,
        7,
        date(2026, 3, 5),
        datetime.fromisoformat("2026-03-05 09:30"),
        True,
        None,
        "  两端 ",
        "多\n行",
    ]
    book.active.append(["h"] * len(row))
    book.active.append(row)
    book.save(path)
    sheet = read_sheet(path)
    assert cells(sheet)[1] == [
        "文字",
        12.5,
        7,
        date(2026, 3, 5),
        datetime.fromisoformat("2026-03-05 09:30"),
        "TRUE",
        None,
        "  两端 ",
        "多\n行",
    ]
    assert (sheet.name, sheet.other_sheets, sheet.ending) == ("Sheet", (), "xlsx")


def test_dates_counted_from_1904_are_the_same_days(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    book = xlsxwriter.Workbook(str(path), {"date_1904": True})
    book.add_worksheet().write_datetime(
        0, 0, datetime.fromisoformat("2026-03-05"), book.add_format({"num_format": "yyyy-mm-dd"})
    )
    book.close()
    assert cells(read_sheet(path)) == [[date(2026, 3, 5)]]


def test_an_old_workbook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file.xls"
    book = xlwt.Workbook()
    sheet = book.add_sheet("企业")
    for column, value in enumerate(["企业名称", 3.5, date(2026, 3, 5)]):
        style = xlwt.easyxf(num_format_str="yyyy-mm-dd") if isinstance(value, date) else xlwt.Style.default_style
        sheet.write(0, column, value, style)
    book.save(str(path))
    assert cells(read_sheet(path)) == [["企业名称", 3.5, date(2026, 3, 5)]]


def test_the_first_visible_sheet_is_read_unless_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "隐藏"
    book.active.append(["藏"])
    book.active.sheet_state = "hidden"
    book.create_sheet("台账").append(["账"])
    book.create_sheet("旧").append(["=1+1"])
    book.save(path)
    first = read_sheet(path)
    assert (first.name, cells(first), first.other_sheets, first.unread) == ("台账", [["账"]], ("隐藏", "旧"), {})
    other = read_sheet(path, sheet="旧")
    assert (other.name, list(other.unread)) == ("旧", [(0, 0)])
    with pytest.raises(Refused) as refused:
        read_sheet(path, sheet="新")
    assert str(refused.value) == "There is no sheet “新” in the workbook. It has: 隐藏、台账、旧."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_text_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes('企业名称,备注\r\n湘西,"一\n二"\r\n'.encode(encoding))
    assert cells(read_sheet(path)) == [["企业名称", "备注"], ["湘西", "一\n二"]]


def test_short_rows_of_a_csv_are_filled_up(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b,c\n1\n\n1,2,3\n,,\n\n", "utf-8")
    assert cells(read_sheet(path)) == [["a", "b", "c"], ["1", None, None], [None] * 3, ["1", "2", "3"]]


def test_a_csv_has_no_sheets_to_name(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a\n1\n", "utf-8")
    with pytest.raises(Refused) as refused:
        read_sheet(path, sheet="台账")
    assert str(refused.value) == "A CSV file has no sheets: leave the sheet out."


def test_progress_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["企业名称", "备注"], *([str(n), "x" * 50] for n in range(50_000))])
    seen: list[float] = []
    read_sheet(path, progress=seen.append)
    assert seen == sorted(seen)
    assert all(0 <= share <= 1 for share in seen)


def test_the_child_needs_nothing_of_the_program() -> None:
    source = Path(reading.parse_process.__file__).read_text("utf-8")
    assert "crm" not in source.replace("program", "")
    assert io.StringIO(source).readline().startswith('"""The child process')
