"""The key industries and their segments (产业链): adding, changing, ending, archiving.

The list changes from year to year, and old records keep what they were linked to: an industry or segment that was used
is ended by its last day, so that it is offered no more; only one that was never used can be archived.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from crm import permissions
from crm.errors import Invalid, Refused
from crm.locale import Message, _
from crm.model import Actor, SegmentRole, Tier
from crm.permissions import Action
from crm.reports.findings import REFERENCES
from crm.store import Database, Transaction, transaction

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_LONGEST, _LONGEST_WORD, _MOST_WORDS, _LAST_PLACE = 64, 40, 60, 100_000


@dataclass(frozen=True)
class IndustryDraft:
    """What an administrator says about a key industry; it takes new links from `valid_from` to `valid_to`."""

    code: str
    name: str
    name_en: str = ""
    chain_leader: str = ""
    task_force: str = ""
    lead_department: str = ""
    display_order: int = 0
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class SegmentDraft:
    """What an administrator says about a segment; `role` is what attracting an enterprise would do for the chain."""

    code: str
    name: str
    tier: Tier | None
    role: SegmentRole | None = None
    keywords: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    display_order: int = 0
    valid_from: date | None = None
    valid_to: date | None = None


def add_industry(database: Database, actor: Actor, draft: IndustryDraft, *, now: datetime) -> int:
    """Add a key industry and return its id; raises Invalid per field, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        return work.insert("industry", _industry_values(work, draft, None))


def change_industry(
    database: Database, actor: Actor, industry_id: int, version: int, draft: IndustryDraft, *, now: datetime
) -> None:
    """Change a key industry, or end it by its last day; raises Invalid per field, Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("industry", industry_id)
        work.update("industry", industry_id, version, _industry_values(work, draft, industry_id))


def archive_industry(database: Database, actor: Actor, industry_id: int, version: int, *, now: datetime) -> None:
    """Archive an industry that was never used, with its segments; raises Refused, Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("industry", industry_id)
        _require_unused(work, "industry", industry_id)
        segments = work.rows(
            "select id, version from segment where industry_id = $1 and archived_at is null", [industry_id]
        )
        for segment_id, segment_version in segments:
            work.update("segment", segment_id, segment_version, {"archived_at": now}, action="archive")
        work.update("industry", industry_id, version, {"archived_at": now}, action="archive")


def add_segment(database: Database, actor: Actor, industry_id: int, draft: SegmentDraft, *, now: datetime) -> int:
    """Add a segment to a chain and return its id; raises Invalid per field, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("industry", industry_id)
        values = _segment_values(work, draft, industry_id, None)
        return work.insert("segment", {"industry_id": industry_id, **values})


def change_segment(
    database: Database, actor: Actor, segment_id: int, version: int, draft: SegmentDraft, *, now: datetime
) -> None:
    """Change a segment, or end it by its last day; raises Invalid per field, Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("segment", segment_id)
        industry_id = work.get("segment", segment_id)["industry_id"]
        work.update("segment", segment_id, version, _segment_values(work, draft, industry_id, segment_id))


def archive_segment(database: Database, actor: Actor, segment_id: int, version: int, *, now: datetime) -> None:
    """Archive a segment that was never used; raises Refused, Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("segment", segment_id)
        _require_unused(work, "segment", segment_id)
        work.update("segment", segment_id, version, {"archived_at": now}, action="archive")


def _industry_values(work: Transaction, draft: IndustryDraft, industry_id: int | None) -> dict[str, Any]:
    values = {
        "code": draft.code.strip().lower(),
        "name": draft.name.strip(),
        "name_en": draft.name_en.strip() or draft.name.strip(),
        "chain_leader": draft.chain_leader.strip() or None,
        "task_force": draft.task_force.strip() or None,
        "lead_department": draft.lead_department.strip() or None,
        "display_order": draft.display_order,
        "valid_from": draft.valid_from,
        "valid_to": draft.valid_to,
    }
    problems = _problems(work, "industry", values, industry_id)
    for field in ("name_en", "chain_leader", "task_force", "lead_department"):
        if len(str(values[field] or "")) > _LONGEST:
            problems[field] = _("This text is longer than {count} characters.", count=_LONGEST)
    if problems:
        raise Invalid(problems)
    return values


def _segment_values(work: Transaction, draft: SegmentDraft, industry_id: int, segment_id: int | None) -> dict[str, Any]:
    keywords, anchors = _words(draft.keywords), _words(draft.anchors)
    values = {
        "code": draft.code.strip().lower(),
        "name": draft.name.strip(),
        "tier": str(draft.tier) if draft.tier else None,
        "role": str(draft.role) if draft.role else None,
        "keywords": "|".join(keywords) or None,
        "anchors": "|".join(anchors) or None,
        "display_order": draft.display_order,
        "valid_from": draft.valid_from,
        "valid_to": draft.valid_to,
    }
    problems = _problems(work, "segment", values, segment_id, industry_id)
    if draft.tier is None:
        problems["tier"] = _("Choose where on the chain the segment lies.")
    for field, words in (("keywords", keywords), ("anchors", anchors)):
        if len(words) > _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words):
            problems[field] = _(
                "At most {count} words of at most {length} characters each.", count=_MOST_WORDS, length=_LONGEST_WORD
            )
    if any(len(word) < 2 for word in keywords):
        problems["keywords"] = _("A keyword has at least two characters: a single one is found in every other text.")
    if problems:
        raise Invalid(problems)
    return values


def _problems(
    work: Transaction, table: str, values: Mapping[str, Any], record_id: int | None, chain: int | None = None
) -> dict[str, Message]:
    """Check what industries and segments have in common; a name is used once among industries, and once in a chain."""
    problems: dict[str, Message] = {}
    if not _CODE.fullmatch(values["code"]):
        problems["code"] = _("A code is 1 to 40 small letters, digits and hyphens, for example tea-planting.")
    # Archived ones too: a code means the same for ever.
    elif (taken := work.find(table, code=values["code"])) is not None and taken["id"] != record_id:
        problems["code"] = _("The code “{code}” is used by “{name}”.", code=values["code"], name=taken["name"])
    if not 1 <= len(values["name"]) <= _LONGEST:
        problems["name"] = _("Give a name of at most {count} characters.", count=_LONGEST)
    elif work.rows(
        f"select 1 from {table} where archived_at is null and name = $1 and id <> $2"
        + (" and industry_id = $3" if chain else ""),
        [values["name"], record_id or 0, *([chain] if chain else [])],
    ):
        problems["name"] = _("“{name}” is there already.", name=values["name"])
    if not 0 <= values["display_order"] <= _LAST_PLACE:
        problems["display_order"] = _("The place in the order is a number from 0 to {count}.", count=_LAST_PLACE)
    if values["valid_from"] and values["valid_to"] and values["valid_to"] < values["valid_from"]:
        problems["valid_to"] = _("The last day lies before the first.")
    return problems


def _words(words: Iterable[str]) -> list[str]:
    """Return words trimmed, each once; the bar that parts them in the table is no part of one."""
    return list(dict.fromkeys(word for text in words for part in text.split("|") if (word := part.strip())))


def _require_unused(work: Transaction, table: str, record_id: int) -> None:
    """Refuse to archive what any record is linked to, or a task force is responsible for."""
    users = [
        (name, column)
        for name, columns in REFERENCES.items()
        for column, target in columns.items()
        if target == table and name != "segment"
    ]
    count = sum(int(work.value(f"select count(*) from {t} where {c} = $1", [record_id])) for t, c in users)
    if table == "industry":
        count += int(
            work.value(
                "select count(*) from account where archived_at is null and ',' || industries || ',' like $1",
                [f"%,{record_id},%"],
            )
        )
    if count:
        raise Refused(
            _(
                "“{name}” is used by {count} records and cannot be archived. Give it a last day instead: it is then"
                " offered no more, and the old records keep it.",
                name=work.get(table, record_id)["name"],
                count=count,
            )
        )
