"""The bulletin as Word, laid out after GB/T 9704-2012.

A4 with margins of 37, 35, 28 and 26 mm; 22 lines of 28 characters; red heading and line; 仿宋 三号 for the body, 黑体
and 楷体 for headings, 小标宋 for the title; the page number — n — on the outer side. Fonts are named, not embedded.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.enum.text import WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph as WordParagraph

from crm.exchange.bulletin.pictures import draw
from crm.reports.bulletins import Annex, Block, Bulletin, Cell, Chart, Column, Heading, Note, Paragraph, Table

_BODY, _HEADING, _SUBHEADING, _TITLE, _LATIN = "仿宋", "黑体", "楷体", "方正小标宋简体", "Times New Roman"
_SIZE, _TITLE_SIZE, _PAGE_SIZE, _CAPTION, _SMALL, _TINY = 16.0, 22.0, 14.0, 12.0, 10.5, 8.5
_LINE = 28.95
_SQUEEZE = "-5"  # twentieths of a point: 28 characters of 16 pt are a little wider than a line
_WIDTH_MM = 156
_RED, _UP, _DOWN, _GREY = "D9251D", "D9251D", "1A7F37", "444444"
_TWIPS_PER_MM = 1440 / 25.4
_LONGEST_PROPERTY = 255
_FIXED_MOMENT = (1980, 1, 1, 0, 0, 0)


def write_word(document: Bulletin) -> bytes:
    """Return the bulletin as a .docx file."""
    return _write(document, short=False)


def write_page(document: Bulletin) -> bytes:
    """Return a document that is to fit one page as a .docx file: there is less room about its heading."""
    return _write(document, short=True)


def _write(document: Bulletin, *, short: bool) -> bytes:
    made = docx.Document()
    _page(made, document)
    _head(made, document, short=short)
    for block in document.blocks:
        _add(made, block)
    _signature(made, document, above=1 if short else 2)
    if document.annex:
        _annex(made, document.annex)
    _properties(made, document)
    buffer = io.BytesIO()
    made.save(buffer)
    return fixed_archive(buffer.getvalue())


def fixed_archive(content: bytes) -> bytes:
    """Return a zip archive with the same parts, all dated alike: its bytes then depend on the parts alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            part = zipfile.ZipInfo(name, _FIXED_MOMENT)
            part.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(part, source.read(name))
    return buffer.getvalue()


# ---------------------------------------------------------------------------------------------------- page and frame


def _page(made: Document, document: Bulletin) -> None:
    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = (
        Mm(37),
        Mm(35),
        Mm(28),
        Mm(26),
    )
    section.header_distance, section.footer_distance = Mm(25), Mm(23)
    made.settings.odd_and_even_pages_header_footer = True
    mirrored = OxmlElement("w:mirrorMargins")
    made.settings.element.insert(0, mirrored)
    normal = made.styles["Normal"]
    normal.font.size = Pt(_SIZE)
    normal.font.name = _LATIN
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), _BODY)
    normal.paragraph_format.space_after = Pt(0)
    for footer, side in ((section.footer, ALIGN.RIGHT), (section.even_page_footer, ALIGN.LEFT)):
        _page_number(footer.paragraphs[0], side)
    if document.draft_note:
        for header in (section.header, section.even_page_header):
            paragraph = header.paragraphs[0]
            paragraph.alignment = ALIGN.CENTER
            _run(paragraph, document.draft_note, _HEADING, _SMALL, colour=_RED)


def _page_number(paragraph: WordParagraph, side: ALIGN) -> None:
    paragraph.alignment = side
    indent = paragraph.paragraph_format
    if side is ALIGN.RIGHT:
        indent.right_indent = Pt(_PAGE_SIZE)
    else:
        indent.left_indent = Pt(_PAGE_SIZE)
    _run(paragraph, "— ", "宋体", _PAGE_SIZE)
    for kind in ("begin", None, "end"):
        run = _run(paragraph, "", "宋体", _PAGE_SIZE)
        if kind is None:
            instruction = OxmlElement("w:instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = " PAGE "
            run._r.append(instruction)
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)
    _run(paragraph, " —", "宋体", _PAGE_SIZE)


def _properties(made: Document, document: Bulletin) -> None:
    properties = made.core_properties
    properties.title = "".join(document.title)[:_LONGEST_PROPERTY]
    properties.author = properties.last_modified_by = document.signature[:_LONGEST_PROPERTY]
    properties.comments = document.draft_note
    properties.revision = 1
    properties.created = properties.modified = document.stamped_at
    properties.language = "zh-CN"


# --------------------------------------------------------------------------------------------------------- paragraphs


def _run(paragraph: WordParagraph, text: str, font: str, size: float, *, colour: str | None = None) -> Any:
    """Add words in a font; Chinese takes its name from `eastAsia`, which every run has to say for itself."""
    run = paragraph.add_run(text)
    run.font.size = Pt(size)
    run.font.name = _LATIN
    properties = run._r.get_or_add_rPr()
    properties.get_or_add_rFonts().set(qn("w:eastAsia"), font)
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    return run


def _paragraph(
    made: Document,
    text: str,
    font: str = _BODY,
    size: float = _SIZE,
    *,
    align: ALIGN | None = None,
    indented: bool = False,
    colour: str | None = None,
    line: float | None = _LINE,
) -> WordParagraph:
    """Add a paragraph with lines of exactly `line` points; None leaves them as high as what stands in them."""
    paragraph = made.add_paragraph()
    layout = paragraph.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    if line is None:
        layout.line_spacing_rule = WD_LINE_SPACING.SINGLE
    else:
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(line)
    if align is not None:
        paragraph.alignment = align
    if indented:
        indent = OxmlElement("w:ind")
        indent.set(qn("w:firstLineChars"), "200")
        indent.set(qn("w:firstLine"), str(int(_SIZE * 2 * 20)))
        paragraph._p.get_or_add_pPr().append(indent)
    run = _run(paragraph, text, font, size, colour=colour)
    if size == _SIZE:
        squeeze = OxmlElement("w:spacing")
        squeeze.set(qn("w:val"), _SQUEEZE)
        # The schema wants it before the size.
        run._r.rPr.find(qn("w:sz")).addprevious(squeeze)
    return paragraph


def _blank(made: Document, lines: int = 1) -> None:
    for _n in range(lines):
        _paragraph(made, "")


def _head(made: Document, document: Bulletin, *, short: bool) -> None:
    """The red heading 35 mm below the type area's edge, the number, the red line, the title, who is addressed."""
    width = _WIDTH_MM * 72 / 25.4
    size = max(22.0, min(42.0, width * 0.92 / max(len(document.office), 1)))
    office = _paragraph(made, document.office, _TITLE, round(size * 2) / 2, align=ALIGN.CENTER, colour=_RED, line=None)
    office.paragraph_format.space_before = Mm(0 if short else 35)
    _blank(made)
    number = _paragraph(made, document.number, align=ALIGN.CENTER)
    _red_line(number)
    _blank(made, 1 if short else 2)
    for part in document.title:
        _paragraph(made, part, _TITLE, _TITLE_SIZE, align=ALIGN.CENTER, line=36)
    _blank(made)
    if document.salutation:
        _paragraph(made, document.salutation)


def _red_line(paragraph: WordParagraph) -> None:
    """Draw the red line 4 mm below a paragraph."""
    border = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    for name, value in (("val", "single"), ("sz", "12"), ("space", "11"), ("color", _RED)):
        bottom.set(qn(f"w:{name}"), value)
    border.append(bottom)
    properties = paragraph._p.get_or_add_pPr()
    # The schema wants borders before spacing and alignment.
    properties.insert(0, border)


def _signature(made: Document, document: Bulletin, *, above: int) -> None:
    """The date ends four characters from the right, the name stands centred above it."""
    _blank(made, above)
    name, day = _ems(document.signature), _ems(document.date)
    date_indent = 4 + max(0.0, (name - day) / 2 - 4)
    for text, indent in ((document.signature, max(0.0, date_indent + (day - name) / 2)), (document.date, date_indent)):
        paragraph = _paragraph(made, text, align=ALIGN.RIGHT)
        paragraph.paragraph_format.right_indent = Pt(indent * _SIZE)
        paragraph.paragraph_format.keep_with_next = text is document.signature


def _ems(text: str) -> float:
    return sum(0.5 if ord(c) < 128 else 1.0 for c in text)


def _annex(made: Document, annex: Annex) -> None:
    first = _paragraph(made, annex.mark, _HEADING)
    first.paragraph_format.page_break_before = True
    _blank(made)
    _paragraph(made, annex.title, _TITLE, 18, align=ALIGN.CENTER)
    _blank(made)
    for block in annex.blocks:
        _add(made, block)


# ------------------------------------------------------------------------------------------------------------- blocks


def _add(made: Document, block: Block) -> None:
    if isinstance(block, Heading):
        font = _HEADING if block.level == 1 else _SUBHEADING
        _paragraph(made, block.text, font, indented=True).paragraph_format.keep_with_next = True
    elif isinstance(block, Paragraph):
        _paragraph(made, block.text, indented=True)
    elif isinstance(block, Note):
        _paragraph(made, block.text, size=_SMALL, line=16)
    elif isinstance(block, Chart):
        picture = _paragraph(made, "", align=ALIGN.CENTER, line=None)
        picture.paragraph_format.keep_with_next = True
        picture.add_run().add_picture(io.BytesIO(draw(block)), width=Mm(_WIDTH_MM))
        _paragraph(made, block.title, _HEADING, _CAPTION, align=ALIGN.CENTER)
    else:
        if block.title:
            caption = _paragraph(made, block.title, _HEADING, _CAPTION, align=ALIGN.CENTER)
            caption.paragraph_format.keep_with_next = True
        _table(made, block)
        _paragraph(made, "", line=10)


def _table(made: Document, table: Table) -> None:
    """Add a table of fixed widths whose head comes again on every page and whose rows do not break."""
    scale = _WIDTH_MM / sum(column.width for column in table.columns) * _TWIPS_PER_MM
    widths = [round(column.width * scale) for column in table.columns]
    drawn = made.add_table(rows=0, cols=len(widths))
    drawn.style = made.styles["Table Grid"]
    drawn.autofit = False
    properties = drawn._tbl.tblPr
    whole = properties.find(qn("w:tblW"))
    if whole is None:
        whole = OxmlElement("w:tblW")
        properties.append(whole)
    whole.set(qn("w:type"), "dxa")
    whole.set(qn("w:w"), str(sum(widths)))
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "30")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    properties.append(margins)
    for column, width in zip(drawn._tbl.tblGrid.findall(qn("w:gridCol")), widths, strict=True):
        column.set(qn("w:w"), str(width))
    head = tuple(Cell(column.title) for column in table.columns)
    drawn._tbl.append(_row(head, table.columns, widths, is_head=True))
    for cells in table.rows:
        drawn._tbl.append(_row(cells, table.columns, widths))


def _row(cells: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], *, is_head: bool = False) -> Any:
    """Build a row by hand: through the library, the time would grow with the square of the rows."""
    row = OxmlElement("w:tr")
    properties = OxmlElement("w:trPr")
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))
    row.append(properties)
    for cell, column, width in zip(cells, columns, widths, strict=True):
        box = OxmlElement("w:tc")
        box_properties = OxmlElement("w:tcPr")
        size = OxmlElement("w:tcW")
        size.set(qn("w:w"), str(width))
        size.set(qn("w:type"), "dxa")
        box_properties.append(size)
        if is_head:
            shade = OxmlElement("w:shd")
            for name, value in (("val", "clear"), ("color", "auto"), ("fill", "F2F2F2")):
                shade.set(qn(f"w:{name}"), value)
            box_properties.append(shade)
        middle = OxmlElement("w:vAlign")
        middle.set(qn("w:val"), "center")
        box_properties.append(middle)
        box.append(box_properties)
        for text in cell.text.split("\n"):
            centred = is_head or column.align == "center"
            box.append(_cell_line(text, _HEADING if is_head else _BODY, _SMALL, cell.tone, centred=centred))
        if cell.below:
            box.append(_cell_line(cell.below, _BODY, _TINY, "below", centred=True))
        row.append(box)
    return row


def _cell_line(text: str, font: str, size: float, tone: str, *, centred: bool) -> Any:
    paragraph = OxmlElement("w:p")
    properties = OxmlElement("w:pPr")
    spacing = OxmlElement("w:spacing")
    for name, value in (("before", "0"), ("after", "0"), ("line", "300"), ("lineRule", "exact")):
        spacing.set(qn(f"w:{name}"), value)
    properties.append(spacing)
    if centred:
        align = OxmlElement("w:jc")
        align.set(qn("w:val"), "center")
        properties.append(align)
    paragraph.append(properties)
    run = OxmlElement("w:r")
    look = OxmlElement("w:rPr")
    fonts = OxmlElement("w:rFonts")
    for name, value in (("ascii", _LATIN), ("hAnsi", _LATIN), ("eastAsia", font)):
        fonts.set(qn(f"w:{name}"), value)
    look.append(fonts)
    colour = {"up": _UP, "down": _DOWN, "below": _GREY}.get(tone)
    if colour:
        ink = OxmlElement("w:color")
        ink.set(qn("w:val"), colour)
        look.append(ink)
    for name in ("w:sz", "w:szCs"):
        points = OxmlElement(name)
        points.set(qn("w:val"), str(round(size * 2)))
        look.append(points)
    run.append(look)
    words = OxmlElement("w:t")
    words.set(qn("xml:space"), "preserve")
    words.text = text
    run.append(words)
    paragraph.append(run)
    return paragraph
