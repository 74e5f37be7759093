"""Which files may be attached: by the ending of the name and by what the content itself says, both the same.

A name tells the browser what to open a file with, so that a content under a false ending is refused; so are archives,
programs and documents with macros.
"""

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from crm.locale import Message, _

LARGEST = 20 * 1024 * 1024
_LONGEST_NAME = 120


@dataclass(frozen=True)
class Kind:
    """A kind of file: its media type and whether a content is one."""

    media_type: str
    fits: Callable[[bytes], bool]


def _begins(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(signatures)


def _office(part: str) -> Callable[[bytes], bool]:
    """Recognise an Office Open XML package by its main part, without unpacking anything."""

    def fits(content: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as package:
                names = set(package.namelist())
        except (zipfile.BadZipFile, struct.error, zlib.error, ValueError, NotImplementedError, OSError):
            return False
        macros = any(name.rpartition("/")[2].lower() == "vbaproject.bin" for name in names)
        return "[Content_Types].xml" in names and part in names and not macros

    return fits


def _old_office(stream: str) -> Callable[[bytes], bool]:
    """Recognise a compound file by the name of its main stream, with which its directory speaks UTF-16."""
    name = stream.encode("utf-16-le")
    macros = "_VBA_PROJECT".encode("utf-16-le")
    return lambda content: (
        content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") and name in content and macros not in content
    )


def _is_text(content: bytes) -> bool:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return all(c in "\t\r\n\f" or unicodedata.category(c) != "Cc" for c in text)
    return False


_OPEN_XML = "application/vnd.openxmlformats-officedocument."
KINDS: dict[str, Kind] = {
    "pdf": Kind("application/pdf", lambda content: b"%PDF-" in content[:1024]),
    "docx": Kind(_OPEN_XML + "wordprocessingml.document", _office("word/document.xml")),
    "xlsx": Kind(_OPEN_XML + "spreadsheetml.sheet", _office("xl/workbook.xml")),
    "pptx": Kind(_OPEN_XML + "presentationml.presentation", _office("ppt/presentation.xml")),
    "doc": Kind("application/msword", _old_office("WordDocument")),
    "xls": Kind("application/vnd.ms-excel", _old_office("Workbook")),
    "ppt": Kind("application/vnd.ms-powerpoint", _old_office("PowerPoint Document")),
    "png": Kind("image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    "jpg": Kind("image/jpeg", _begins(b"\xff\xd8\xff")),
    "jpeg": Kind("image/jpeg", _begins(b"\xff\xd8\xff")),
    "webp": Kind("image/webp", lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP"),
    "txt": Kind("text/plain", _is_text),
}


def media_type(name: str) -> str:
    """Return the media type of a file that may be attached, by its name."""
    return KINDS[_ending(name)].media_type


def file_problem(name: str, content: bytes) -> Message | None:
    """Say why a file may not be attached, None where it may."""
    name = file_name(name)
    kind = KINDS.get(_ending(name))
    if kind is None:
        endings = "、".join(KINDS)
        return _("“{name}” is of a kind that is not accepted. Accepted are: {endings}.", name=name, endings=endings)
    if not content:
        return _("“{name}” is empty.", name=name)
    if len(content) > LARGEST:
        return _("“{name}” is larger than {most} MB.", name=name, most=LARGEST // 1024 // 1024)
    if not kind.fits(content):
        return _(
            "“{name}” does not hold what its ending says, or it holds macros. Save it anew and try again.", name=name
        )
    return None


def file_name(name: str) -> str:
    """Return the name under which a file is kept and given out: no folders, nothing invisible, not too long."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    # Marks that turn the direction of writing would show another ending than the name has.
    bare = "".join(c for c in bare if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
    bare = " ".join(bare.split()).strip(". ")
    stem, dot, ending = bare.rpartition(".")
    return f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}" if dot else bare[:_LONGEST_NAME]


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""
