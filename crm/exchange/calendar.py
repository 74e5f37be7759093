"""The calendar feed: what is due as all-day events of one calendar, by RFC 5545 (and 7986 for its name)."""

from collections.abc import Sequence
from datetime import UTC

from crm.locale import _
from crm.reports.desk import KIND_LABELS, Due

MEDIA_TYPE = "text/calendar; charset=utf-8"
# In octets, the line break not counted.
_LONGEST_LINE = 75
# A calendar must hold at least one component, and one without events is to be valid too.
_TIME_ZONE = (
    ("BEGIN", "VTIMEZONE"),
    ("TZID", "Asia/Shanghai"),
    ("BEGIN", "STANDARD"),
    ("DTSTART", "19700101T000000"),
    ("TZOFFSETFROM", "+0800"),
    ("TZOFFSETTO", "+0800"),
    ("END", "STANDARD"),
    ("END", "VTIMEZONE"),
)


def write_calendar(items: Sequence[Due], *, name: str, address: str) -> bytes:
    """Return the calendar of a person; `address` is where the app is, for the link of each event.

    The same items give the same octets, and a thing that is due keeps its UID, so that programs update and do not add.
    """
    title = str(_("{name}: to-dos", name=name))
    lines = [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", "-//zhaoshang-crm//desk//ZH"),
        ("CALSCALE", "GREGORIAN"),
        ("NAME", _escaped(title)),
        ("X-WR-CALNAME", _escaped(title)),
        ("REFRESH-INTERVAL;VALUE=DURATION", "PT1H"),
        ("X-PUBLISHED-TTL", "PT1H"),
        *_TIME_ZONE,
        *(line for item in items for line in _event(item, address)),
        ("END", "VCALENDAR"),
    ]
    return b"".join(_folded(f"{name}:{value}") for name, value in lines)


def _event(item: Due, address: str) -> list[tuple[str, str]]:
    about = "\n".join(filter(None, (str(KIND_LABELS[item.kind]), item.enterprise, item.project, item.person)))
    return [
        ("BEGIN", "VEVENT"),
        ("UID", f"{item.kind}-{item.id}@zhaoshang-crm"),
        ("DTSTAMP", f"{item.updated_at.replace(tzinfo=UTC):%Y%m%dT%H%M%SZ}"),
        ("SEQUENCE", str(item.version)),
        ("DTSTART;VALUE=DATE", f"{item.due_on:%Y%m%d}"),
        ("SUMMARY", _escaped(" · ".join(filter(None, (str(item.what), item.enterprise))))),
        ("DESCRIPTION", _escaped(about)),
        ("URL", f"{address}/{_page(item)}"),
        # A day with something due is still free for meetings.
        ("TRANSP", "TRANSPARENT"),
        ("END", "VEVENT"),
    ]


def _page(item: Due) -> str:
    page, parameter, record = next(iter(item.links))
    return f"{page}?{parameter}={record}"


def _escaped(text: str) -> str:
    """Return a TEXT value: line breaks and separators escaped, control characters (which it may not hold) left out."""
    plain = "\n".join(text.splitlines())
    plain = "".join(c for c in plain if c in "\n\t" or (c >= " " and c != "\x7f"))
    for character in "\\;,":
        plain = plain.replace(character, f"\\{character}")
    return plain.replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """Return a content line, folded so that no part is longer than 75 octets and no character is torn apart."""
    parts: list[bytes] = []
    part = b""
    for character in line:
        octets = character.encode("utf-8", "replace")
        # A continuation begins with the blank that folding adds.
        if len(part) + len(octets) > _LONGEST_LINE - bool(parts):
            parts.append(part)
            part = b""
        part += octets
    return b"\r\n ".join([*parts, part]) + b"\r\n"
