"""The bulletin (通报) as a file: `word`, `pdf` and `excel` write one content model, `pictures` draws its charts.

The same model gives the same bytes: dates and ids in the files are those of the model, never of the moment.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from crm.errors import Refused
from crm.locale import _
from crm.model import Actor
from crm.months import Month
from crm.reports.bulletins import Bulletin
from crm.store import Database, transaction

MEDIA_TYPES: Mapping[str, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_KEPT = 6


def make_file(document: Bulletin, ending: str) -> bytes:
    """Return a bulletin as a file of one of `MEDIA_TYPES`."""
    # Each writer takes a while to load: nothing waits for one that it does not use.
    if ending == "docx":
        from crm.exchange.bulletin.word import write_word as write
    elif ending == "xlsx":
        from crm.exchange.bulletin.excel import write_excel as write
    else:
        from crm.exchange.bulletin.pdf import write_pdf as write
    return write(document)


@lru_cache(maxsize=_KEPT)
def preview_pages(document: Bulletin) -> tuple[bytes, ...]:
    """Return the pages of the PDF as PNG pictures, for the screen."""
    from crm.exchange.bulletin import pdf

    return pdf.draw_pages(document)


def export_bulletin(database: Database, actor: Actor, document: Bulletin, ending: str, *, now: datetime) -> bytes:
    """Make a bulletin's file for a person, and note it in the audit trail before it is handed out."""
    content = make_file(document, ending)
    note = {"kind": "bulletin", "month": str(document.month), "format": ending, "draft": bool(document.draft_note)}
    with transaction(database, actor=actor.login, now=now) as work:
        work.record_change("export", "month_close", None, None, note)
    return content


def file_name(month: Month, ending: str, *, draft: bool) -> str:
    """Name a bulletin's file."""
    return f"通报-{month}{'-草稿' if draft else ''}.{ending}"


def ending_of(path: Path) -> str:
    """Return the format that a file's name asks for; raises Refused for any other ending."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in MEDIA_TYPES:
        raise Refused(_("“{name}” cannot be written: give a name that ends in .docx, .pdf or .xlsx.", name=path.name))
    return ending


def save_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises Refused where the folder or the space does not allow it."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Refused(
            _("The file “{name}” cannot be written: check the folder and the space on it.", name=path.name)
        ) from error
