"""The bulletin as Word, PDF and Excel: the numbers of `crm rank`, the layout of an official document, inert text."""

import io
import random
import re
import subprocess
import zipfile
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import docx
import openpyxl
import pypdf
import pytest
import python_calamine
import typst
from docx.enum.text import WD_LINE_SPACING
from docx.oxml.ns import qn
from PIL import Image

from crm import store
from crm.actions.bulletins import save_text
from crm.actions.closes import close_month
from crm.errors import Refused
from crm.exchange.bulletin import MEDIA_TYPES, ending_of, export_bulletin, make_file, pictures, preview_pages
from crm.metrics import RATES, RuleSet, percent, shown_score
from crm.model import Actor
from crm.months import Month
from crm.reports.bulletin_texts import month_texts
from crm.reports.bulletins import Cell, Chart, Column, Table, bulletin, draft_bulletin
from crm.reports.closes import find_close
from crm.reports.rankings import ranking
from tests.bureaus import add_units, put, random_project
from tests.probes import child_environment, crm_command, unit_ids

NOW = datetime(2026, 7, 2, 8, 0, 5, 123456)  # noqa: DTZ001  # moments are stored as UTC without zone
STAMP = NOW.replace(microsecond=0)
MAY = Month(2026, 5)
SYSTEM = Actor("system:test")
THREE = ("signing", "performance", "startup")
COUNTIES = ["吉首", "泸溪", "凤凰", "古丈", "花垣", "保靖", "永顺", "龙山"]


@pytest.fixture
def bureau(embedded_db):
    """Two hundred projects of the counties and the park, with adjustments, May being closed."""
    rng = random.Random(7)
    units = [*COUNTIES, "高新区"]
    put(
        embedded_db,
        [random_project(rng, units, around=MAY.last_day) for _n in range(200)],
        unit_ids=unit_ids(embedded_db),
        adjustments=[("凤凰", "2026-05", Decimal("1.5")), ("古丈", "2026-05", Decimal(-2))],
    )
    close_month(embedded_db, SYSTEM, MAY, rules=RuleSet(), override="测试", now=NOW, today=date(2026, 7, 2))
    return embedded_db


@pytest.fixture
def document(bureau):
    """The bulletin of May."""
    return bulletin(bureau, SYSTEM, find_close(bureau, MAY))


def opened(content):
    return docx.Document(io.BytesIO(content))


def pdf_text(content):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def squeezed(text):
    return re.sub(r"\s", "", text)


def sheets(content):
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def expected_lines(db):
    """What a bulletin has to print of each unit, from the ranking that `crm rank` prints."""
    lines = {}
    for row in ranking(db, month=MAY, rules=RuleSet()).rows:
        rates = [(percent(row.pairs[slug].rate), row.pairs[slug]) for slug in THREE]
        moved = row.movement
        lines[row.unit.name] = (
            "—" if row.rank is None else str(row.rank),
            rates,
            shown_score(row.score),
            {"凤凰县": "+1.5", "古丈县": "-2"}.get(row.unit.name, "—"),
            "—" if not moved else f"▲{moved}" if moved > 0 else f"▼{-moved}",
        )
    return lines


# ------------------------------------------------------------------------------------------------------- the numbers


def test_word_prints_every_unit_as_the_ranking_shows_it(bureau, document):
    made = opened(make_file(document, "docx"))
    found = {}
    for table in made.tables:
        head = [cell.text for cell in table.rows[0].cells]
        if head[0] == "名次":
            for row in table.rows[1:]:
                cells = [cell.text for cell in row.cells]
                found[cells[1]] = (cells[0], cells[4:7], *cells[7:])
    expected = {
        name: (rank, [f"{shown}\n{pair.n}/{pair.d}" for shown, pair in rates], *rest)
        for name, (rank, rates, *rest) in expected_lines(bureau).items()
    }
    assert len(expected) == 9
    assert found == expected


def test_pdf_prints_every_unit_as_the_ranking_shows_it(bureau, document):
    text = squeezed(pdf_text(make_file(document, "pdf")))
    for name, (rank, rates, score, points, moved) in expected_lines(bureau).items():
        shown = "".join(f"{rate}{pair.n}/{pair.d}" for rate, pair in rates)
        line = rf"{rank}{name}\d+[\d,.]+{re.escape(f'{shown}{score}{points}{moved}')}"
        assert re.search(line, text), (name, text)


def test_excel_keeps_every_unit_as_numbers(bureau, document):
    found = sheets(make_file(document, "xlsx"))
    lines = {}
    for name in ("县市区排名", "园区排名"):
        rows = found[name]
        start = next(n for n, row in enumerate(rows) if row[0] == "名次")
        assert rows[start][4:7] == ["签约率", "签约率分子", "签约率分母"]
        lines |= {row[1]: row for row in rows[start + 1 :]}
    expected = expected_lines(bureau)
    assert set(lines) == set(expected)
    for name, (rank, rates, score, points, moved) in expected.items():
        line = lines[name]
        assert line[0] == ("—" if rank == "—" else float(rank))
        for at, (shown, pair) in zip((4, 7, 10), rates, strict=True):
            assert line[at] == ("—" if shown == "—" else pytest.approx(float(shown.rstrip("%")) / 100, abs=1e-12))
            assert line[at + 1 : at + 3] == [pair.n, pair.d]
        assert line[13] == ("—" if score == "—" else float(score))
        assert line[14] == (0 if points == "—" else float(points))
        assert line[15] in ({"—": (0, "—")}.get(moved) or (int(moved.replace("▲", "").replace("▼", "-")),))


def test_excel_has_all_seven_rates_with_their_exact_pairs(bureau, document):
    found = sheets(make_file(document, "xlsx"))
    head, *rows = found["县市区比率"][1:]
    assert head[1::3] == [
        str(rate) for rate in ("签约率", "履约率", "开工率", "注册率", "竣工率", "投产率", "资金到位率")
    ]
    by_name = {row[0]: row for row in rows}
    for row in ranking(bureau, month=MAY, rules=RuleSet()).rows:
        if row.unit.peer_group == "county":
            line = by_name[row.unit.name]
            for at, slug in zip(range(2, 22, 3), RATES, strict=True):
                pair = row.pairs[slug]
                size = 10_000 if slug == "funds" else 1
                assert line[at : at + 2] == [pytest.approx(float(pair.n) / size), pytest.approx(float(pair.d) / size)]


# ------------------------------------------------------------------------------------------------------ the same bytes


def test_a_closed_month_gives_the_same_bytes_in_every_process_and_after_every_change(bureau, tmp_path):
    before = {ending: make_file(bulletin(bureau, SYSTEM, find_close(bureau, MAY)), ending) for ending in MEDIA_TYPES}
    with store.transaction(bureau, actor="test", now=NOW) as work:
        work.session.execute("update project set signed_on = null, started_on = null")
        work.session.execute("update unit set name = name || '改'")
    url = bureau.url
    bureau.close()
    for seed in ("1", "2"):
        for ending, content in before.items():
            path = tmp_path / f"{seed}.{ending}"
            subprocess.run(
                [*crm_command(), "--db", url, "bulletin", "2026-05", "-o", str(path)],
                env=child_environment(PYTHONHASHSEED=seed, CRM_LANGUAGE="en", TZ=f"UTC{seed}"),
                check=True,
                timeout=120,
            )
            assert path.read_bytes() == content, ending


# ---------------------------------------------------------------------------------------------------------- the layout


def test_word_is_laid_out_as_an_official_document(document):
    content = make_file(document, "docx")
    made = opened(content)
    (section,) = made.sections
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(margin.mm) for margin in margins] == [37, 35, 28, 26]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    body = [p for p in made.paragraphs if p.text.startswith("2026年1—5月，")]
    (opening,) = body
    assert opening.paragraph_format.line_spacing_rule == WD_LINE_SPACING.EXACTLY
    assert opening.paragraph_format.line_spacing.pt == 28.95
    assert opening._p.pPr.find(qn("w:ind")).get(qn("w:firstLineChars")) == "200"
    fonts = {}
    for paragraph in made.paragraphs:
        for run in paragraph.runs:
            if run.text:
                fonts.setdefault(run._r.rPr.rFonts.get(qn("w:eastAsia")), []).append((paragraph.text, run.font.size.pt))
    assert set(fonts) == {"仿宋", "黑体", "楷体", "方正小标宋简体"}
    assert ("一、总体情况", 16) in fonts["黑体"]
    assert ("（一）签约情况", 16) in fonts["楷体"]
    assert [text for text, _size in fonts["方正小标宋简体"]][:3] == [
        "湘西州投资促进局文件",
        "关于2026年1—5月全州招商引资项目",
        "“三率”完成情况的通报",
    ]
    assert fonts["方正小标宋简体"][1][1] == 22
    office = made.paragraphs[0].runs[0]
    assert str(office.font.color.rgb) == "D9251D"
    for table in made.tables:
        assert table._tbl.tblPr.find(qn("w:tblLayout")).get(qn("w:type")) == "fixed"
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)
    assert [cell.text for cell in made.tables[0].rows[0].cells] == [
        "名次", "单位", "项目数", "计划总投资\n（亿元）", "签约率", "履约率", "开工率", "得分", "加减分", "升降"
    ]  # fmt: skip
    assert made.settings.odd_and_even_pages_header_footer
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        (paragraph,) = footer.paragraphs
        assert paragraph.text == "—  —"
        assert " PAGE " in [node.text for node in paragraph._p.iter(qn("w:instrText"))]
        assert paragraph.alignment.name.lower() == side
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {part.date_time[0] for part in archive.infolist()} == {1980}
        assert sum(name.startswith("word/media/") for name in archive.namelist()) == len(document.charts())
    assert made.core_properties.created.replace(tzinfo=None) == STAMP


def test_pdf_is_laid_out_as_an_official_document(document):
    content = make_file(document, "pdf")
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert {(round(float(p.mediabox.width)), round(float(p.mediabox.height))) for p in reader.pages} == {(595, 842)}
    for n, page in enumerate(reader.pages, 1):
        assert squeezed(page.extract_text()).endswith(f"—{n}—")
    text = squeezed(pdf_text(content))
    for words in (
        "湘西州投资促进局文件",
        "州投促通报〔2026〕5号",
        "一、总体情况",
        "（一）签约情况",
        "三、红黑榜",
        "2026年7月2日",
    ):
        assert words in text
    fonts = {str(font["/BaseFont"]).partition("+")[2] for page in reader.pages for font in page_fonts(page)}
    assert {re.sub("-.*", "", font) for font in fonts} == {"NotoSerifCJKsc", "NotoSansCJKsc"}
    assert reader.metadata.title == "关于2026年1—5月全州招商引资项目“三率”完成情况的通报"
    assert reader.metadata.creation_date.replace(tzinfo=None) == STAMP
    assert sum(len(page.images) for page in reader.pages) == len(document.charts()) == 2


def page_fonts(page):
    return [font.get_object() for font in page["/Resources"].get("/Font", {}).values()]


def test_excel_has_a_sheet_for_the_words_each_table_and_the_charts(document):
    content = make_file(document, "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames[:3] == ["通报", "县市区排名", "园区排名"]
    assert book.sheetnames[-1] == "图表"
    assert {"亮牌", "红牌项目", "县市区比率", "园区比率"} <= set(book.sheetnames)
    assert len(book["图表"]._images) == 2
    row = next(r for r in book["县市区排名"].iter_rows() if r[1].value == "吉首市")
    assert [row[at].number_format for at in (3, 4, 13)] == ["#,##0.00", "0.0%", "0.00"]
    assert book.properties.created == STAMP


def test_a_draft_says_so_on_every_page_and_sheet(bureau):
    draft = draft_bulletin(bureau, SYSTEM, Month(2026, 4), rules=RuleSet())
    reader = pypdf.PdfReader(io.BytesIO(make_file(draft, "pdf")))
    assert all("草稿" in squeezed(page.extract_text()) for page in reader.pages)
    section = opened(make_file(draft, "docx")).sections[0]
    assert [h.paragraphs[0].text for h in (section.header, section.even_page_header)] == [draft.draft_note] * 2
    found = sheets(make_file(draft, "xlsx"))
    assert all(rows[0][0] == draft.draft_note for name, rows in found.items() if name != "图表")


def test_the_preview_shows_the_pages_of_the_pdf(document):
    pages = preview_pages(document)
    assert len(pages) == len(pypdf.PdfReader(io.BytesIO(make_file(document, "pdf"))).pages)
    assert {Image.open(io.BytesIO(page)).size for page in pages} == {(909, 1286)}


def test_a_file_that_is_made_for_somebody_is_in_the_audit_trail(bureau, document):
    export_bulletin(bureau, Actor("zhangsan", 7), document, "xlsx", now=NOW)
    ((actor, action, after),) = bureau.rows("select actor, action, after from audit order by id desc limit 1")
    assert (actor, action) == ("zhangsan", "export")
    assert after == '{"draft":false,"format":"xlsx","kind":"bulletin","month":"2026-05"}'


def test_only_the_three_formats_are_written(tmp_path):
    for name in ("a.txt", "a", "a.doc", "a.html"):
        with pytest.raises(Refused):
            ending_of(tmp_path / name)
    assert ending_of(tmp_path / "通报.DOCX") == "docx"


# ---------------------------------------------------------------------------------------------------------- inert text

HOSTILE = {
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+SUM(1,2)",
    "markup": "<b>粗</b>&amp;<w:br/>",
    "typst": '#import "@preview/x:1.0.0" #sys.inputs #panic("!") $x$ \\ @ref `raw` *强* _调_ [x] // y',
    "rare": "㛃䶮𠮷局",
    "controls": "控\x07制\x1b\u202e符\ufffe号",
    "long": "长" * 5000,
}


@pytest.fixture
def hostile(embedded_db):
    """A bureau whose units and texts are as bad as can be, May being open."""
    ids = add_units(embedded_db, {"<b>#组=": list(HOSTILE.values())})
    rng = random.Random(3)
    put(embedded_db, [random_project(rng, list(ids), around=MAY.last_day) for _n in range(60)], unit_ids=ids)
    for block in ("office", "title", "opening", "signature", "next_steps"):
        read = month_texts(embedded_db, MAY)[block]
        content = HOSTILE["long"] if block == "next_steps" else "\n".join(list(HOSTILE.values())[:-1])
        save_text(embedded_db, SYSTEM, MAY, read, content, as_template=False, now=NOW)
    return draft_bulletin(embedded_db, SYSTEM, MAY, rules=RuleSet(groups=("<b>#组=",)))


def shown(name):
    return {"controls": "控制符号"}.get(name, HOSTILE[name])


def test_hostile_text_is_only_text_in_word(hostile):
    made = opened(make_file(hostile, "docx"))
    (table,) = [t for t in made.tables if t.rows[0].cells[0].text == "名次"]
    assert {row.cells[1].text for row in table.rows[1:]} == {shown(name) for name in HOSTILE}
    words = [p.text for p in made.paragraphs]
    assert all(shown(name) in words for name in HOSTILE)


def test_hostile_text_is_only_text_in_pdf(hostile):
    text = squeezed(pdf_text(make_file(hostile, "pdf")))
    for name in HOSTILE:
        assert squeezed(shown(name)) in text if name != "long" else text.count("长") >= 10_000
    assert len(preview_pages(hostile)) > 5


def test_hostile_text_is_only_text_in_excel(hostile):
    content = make_file(hostile, "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    words = {cell.value for cell in cells if cell.data_type == "s"}
    assert {"'" + HOSTILE["formula"], "'" + HOSTILE["plus"], HOSTILE["markup"], HOSTILE["rare"], "控制符号"} <= words
    assert not [word for word in words if word.startswith(("=", "+", "@"))]
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_sheets_of_like_names_stay_apart(document):
    cells = ((Cell("甲"),),)
    names = ["a/b", "A:b", "[]", "排" * 40, "排" * 41]
    tables = tuple(Table("题", name, (Column("单位", 10),), cells) for name in names)
    book = openpyxl.load_workbook(io.BytesIO(make_file(replace(document, blocks=(), details=tables), "xlsx")))
    assert book.sheetnames == ["通报", "红牌项目", "ab", "Ab2", "表", "排" * 31, "排" * 30 + "2"]


# ------------------------------------------------------------------------------------------------------------ the fonts


def ink(picture: Image.Image) -> int:
    """How many dots are darker than grey."""
    return sum(picture.convert("L").histogram()[:128])


@pytest.mark.parametrize("kind", ["units", "trend"])
def test_the_words_of_a_chart_are_drawn(kind):
    def drawn(names):
        values = tuple((name, (None,)) for name in names)
        return Image.open(io.BytesIO(pictures.draw(Chart("题", kind, ("率",), values))))

    with_words, without = drawn(["吉首市黑榜难降", "龙山县"]), drawn(["　", "　　"])
    assert ink(with_words) > ink(without) + 500


def test_a_chart_of_no_value_and_of_many_units_is_drawn():
    many = tuple((f"单位{n}", (None, None)) for n in range(24))
    assert Image.open(io.BytesIO(pictures.draw(Chart("题", "units", ("甲", "乙"), many)))).height > 800


@pytest.mark.parametrize("family", ["Noto Serif CJK SC", "Noto Sans CJK SC"])
@pytest.mark.parametrize("weight", [400, 700])
def test_every_character_of_gb_2312_is_in_the_fonts(family, weight):
    """A character that a font names but cannot draw leaves a hole in the page, and nobody is told."""
    characters = "".join(
        bytes([row, cell]).decode("gb2312", "ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)
    )
    assert len(characters) == 6763
    across, size = 100, 20
    source = (
        f"#set page(width: {across * size}pt, height: auto, margin: 0pt)\n"
        f'#set text(font: "{family}", weight: {weight}, size: 14pt, fallback: false)\n'
        f"#grid(columns: ({size}pt,) * {across}, rows: {size}pt, align: center + horizon, "
        + ", ".join(f"[{c}]" for c in characters)
        + ")"
    )
    compiler = typst.Compiler(input=source.encode(), font_paths=[str(pictures.FONTS)], ignore_system_fonts=True)
    made = compiler.compile(format="png", ppi=72)
    page = Image.open(io.BytesIO(made if isinstance(made, bytes) else made[0])).convert("L")
    holes = []
    for n, character in enumerate(characters):
        left, top = n % across * size, n // across * size
        if page.crop((left, top, left + size, top + size)).getextrema()[0] > 150:
            holes.append(character)
    assert holes == []
