"""The bulletin as PDF, set by typst from the template beside this file.

The template reads the document as JSON; no text of anybody becomes part of its program. Our own fonts stand in for
仿宋, 黑体, 楷体 and 小标宋, which may not be passed on.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import typst

from crm.exchange.bulletin.pictures import FONTS, draw
from crm.reports.bulletins import Block, Bulletin, Chart, Heading, Note, Paragraph, Table

_TEMPLATE = Path(__file__).with_name("bulletin.typ")
_PREVIEW_PPI = 110


def write_pdf(document: Bulletin) -> bytes:
    """Return the bulletin as PDF."""
    (content,) = _compiled(document, format="pdf")
    return content


def draw_pages(document: Bulletin) -> tuple[bytes, ...]:
    """Return the pages of the very PDF as PNG pictures."""
    return tuple(_compiled(document, format="png", ppi=_PREVIEW_PPI))


def _compiled(document: Bulletin, **options: Any) -> Sequence[bytes]:
    with _folder(document) as folder:
        made = typst.Compiler(
            input=str(folder / _TEMPLATE.name), root=str(folder), font_paths=[str(FONTS)], ignore_system_fonts=True
        ).compile(timestamp=document.stamped_at.replace(tzinfo=UTC), **options)
    return made if isinstance(made, list) else [made or b""]


@contextmanager
def _folder(document: Bulletin) -> Iterator[Path]:
    """Lay out what typst may see: the template, the document as data, its pictures."""
    with tempfile.TemporaryDirectory(prefix="crm-bulletin-") as name:
        folder = Path(name)
        shutil.copy(_TEMPLATE, folder)
        for n, chart in enumerate(document.charts(), 1):
            (folder / f"chart{n}.png").write_bytes(draw(chart))
        (folder / "bulletin.json").write_text(json.dumps(_data(document), ensure_ascii=False), "utf-8")
        yield folder


def _data(document: Bulletin) -> dict[str, Any]:
    annex = document.annex
    numbers = {chart: n for n, chart in enumerate(document.charts(), 1)}
    return {
        "draft": document.draft_note,
        "office": document.office,
        "number": document.number,
        "title": list(document.title),
        "salutation": document.salutation,
        "blocks": [_block(block, numbers) for block in document.blocks],
        "annex": annex
        and {"mark": annex.mark, "title": annex.title, "blocks": [_block(block, numbers) for block in annex.blocks]},
        "signature": document.signature,
        "date": document.date,
    }


def _block(block: Block, numbers: dict[Chart, int]) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "text": block.text, "level": block.level}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "text": block.text}
    if isinstance(block, Note):
        return {"kind": "note", "text": block.text}
    if isinstance(block, Chart):
        return {"kind": "chart", "title": block.title, "file": f"chart{numbers[block]}.png"}
    return _table(block)


def _table(table: Table) -> dict[str, Any]:
    return {
        "kind": "table",
        "title": table.title,
        "columns": [{"title": c.title, "width": c.width, "align": c.align} for c in table.columns],
        "rows": [[{"text": c.text, "below": c.below, "tone": c.tone} for c in row] for row in table.rows],
    }
