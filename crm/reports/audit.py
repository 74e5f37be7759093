"""The audit trail to read: entries newest first, each change by field in words, personal fields masked."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crm import permissions
from crm.locale import Message, _, listed
from crm.model import Actor, Role, label
from crm.permissions import Action
from crm.reports.audit_words import ACTIONS, AMOUNTS, FIELDS, INTERNAL, PERSONAL, SUBJECTS
from crm.reports.findings import AUDIT_WORDS, REFERENCES, VOCABULARY
from crm.reports.targets import TARGET_MEASURES, measure_label
from crm.store import Database, Params, verify_audit

PAGE_SIZE = 50
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_LONGEST = 300
# Records that are named by what an auditor may know of them; of the others the number is shown.
_NAMED = ("unit", "account", "industry", "segment")


@dataclass(frozen=True)
class AuditFilter:
    """What to show; moments are UTC without zone, `until` is not included."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    action: str = ""
    subject: str = ""
    subject_id: int | None = None


@dataclass(frozen=True)
class Entry:
    """One entry of the audit trail; `before` and `after` as they were written."""

    id: int
    happened_at: datetime
    actor: str
    actor_name: str
    action: str
    subject: str
    subject_id: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    note: str
    hash: str

    @property
    def fields(self) -> list[str]:
        """Name what the entry says about, without what serves the program alone."""
        names = dict.fromkeys((*(self.before or {}), *(self.after or {})))
        return [name for name in names if name not in INTERNAL]


@dataclass(frozen=True)
class FieldChange:
    """One field of an entry, in words."""

    field: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class ChainState:
    """What walking the chain found: how many entries there are, and the first break if any."""

    entries: int
    broken_at: int | None = None
    kind: Message | None = None


def count_audit(database: Database, actor: Actor, filters: AuditFilter) -> int:
    """Count the entries of a filter; raises Denied."""
    permissions.require_right(actor, Action.READ_AUDIT)
    params = Params()
    return int(database.value(f"select count(*) from audit where {_condition(filters, params)}", params))


def audit_entries(
    database: Database, actor: Actor, filters: AuditFilter, *, page: int = 1, size: int = PAGE_SIZE
) -> list[Entry]:
    """Return a page (from 1) of the entries of a filter, newest first; raises Denied."""
    permissions.require_right(actor, Action.READ_AUDIT)
    params = Params()
    # The long columns are read for the page alone.
    ids = (
        f"select id from audit where {_condition(filters, params)}"
        f" order by id desc limit {params.add(size)} offset {params.add((page - 1) * size)}"
    )
    return _entries(database, f"a.id in ({ids})", params)


def each_entry(database: Database, actor: Actor, filters: AuditFilter, *, batch: int = 5_000) -> Iterator[Entry]:
    """Yield all entries of a filter, newest first; raises Denied."""
    permissions.require_right(actor, Action.READ_AUDIT)
    below: int | None = None
    while True:
        params = Params()
        condition = _condition(filters, params)
        if below is not None:
            condition += f" and id < {params.add(below)}"
        ids = f"select id from audit where {condition} order by id desc limit {params.add(batch)}"
        found = _entries(database, f"a.id in ({ids})", params)
        yield from found
        if len(found) < batch:
            return
        below = found[-1].id


def describe(
    database: Database, entries: Sequence[Entry], *, local: Callable[[datetime], datetime]
) -> dict[int, list[FieldChange]]:
    """Return the changes of each entry by field in words; `local` brings moments into the reader's time zone."""
    names = _names(database)
    return {
        entry.id: [
            FieldChange(
                field,
                str(field_label(field)),
                _in_words(entry.subject, field, (entry.before or {}).get(field), names, local),
                _in_words(entry.subject, field, (entry.after or {}).get(field), names, local),
            )
            for field in entry.fields
        ]
        for entry in entries
    }


def action_label(action: str) -> Message:
    """Return the word for what happened."""
    return ACTIONS.get(action, Message(action, {}))


def subject_label(subject: str) -> Message:
    """Return the word for a kind of record."""
    return SUBJECTS.get(subject, Message(subject, {}))


def field_label(field: str) -> Message:
    """Return the word for a field."""
    return FIELDS.get(field, Message(field, {}))


def known_actors(database: Database, actor: Actor) -> dict[str, str]:
    """Return the people with an account, name by login; raises Denied."""
    permissions.require_right(actor, Action.READ_AUDIT)
    return dict((str(row[0]), str(row[1])) for row in database.rows("select login, name from account order by login"))


def verify_chain(database: Database, actor: Actor, progress: Callable[[float], None] | None = None) -> ChainState:
    """Walk the whole chain and say whether it is whole; `progress` is told the share done. Raises Denied."""
    permissions.require_right(actor, Action.READ_AUDIT)
    total = int(database.value("select count(*) from audit"))
    broken = verify_audit(database, lambda read: progress(min(read / max(total, 1), 1)) if progress else None)
    if not broken:
        return ChainState(total)
    entry, kind = broken[0]
    return ChainState(total, entry, AUDIT_WORDS[kind])


def _condition(filters: AuditFilter, params: Params) -> str:
    parts = ["true"]
    if filters.since is not None:
        parts.append(f"happened_at >= {params.add(filters.since)}")
    if filters.until is not None:
        parts.append(f"happened_at < {params.add(filters.until)}")
    for column in ("actor", "action", "subject"):
        if value := getattr(filters, column):
            parts.append(f"{column} = {params.add(value)}")
    if filters.subject_id is not None:
        parts.append(f"subject_id = {params.add(filters.subject_id)}")
    return " and ".join(parts)


def _entries(database: Database, where: str, params: Params) -> list[Entry]:
    people: dict[str, str] = dict(database.rows("select login, name from account"))
    return [
        Entry(
            row[0],
            row[1],
            row[2],
            people.get(row[2], ""),
            row[3],
            row[4],
            row[5],
            _read(row[6]),
            _read(row[7]),
            _masked(row[8] or ""),
            row[9],
        )
        for row in database.rows(
            "select a.id, a.happened_at, a.actor, a.action, a.subject, a.subject_id, a.before, a.after, a.note, a.hash"
            f" from audit a where {where} order by a.id desc",
            params,
        )
    ]


def _read(text: str | None) -> dict[str, Any] | None:
    values = json.loads(text) if text else None
    return values if values is None or isinstance(values, dict) else {"value": values}


def _names(database: Database) -> dict[str, dict[int, str]]:
    return {table: dict(database.rows(f"select id, name from {table}")) for table in _NAMED}


def _in_words(
    table: str, field: str, value: Any, names: Mapping[str, Mapping[int, str]], local: Callable[[datetime], datetime]
) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if field in PERSONAL:
        return permissions.mask(value)
    if (parent := REFERENCES.get(table, {}).get(field)) is not None and isinstance(value, int):
        known = names.get(parent, {}).get(value)
        return known if known is not None else f"{subject_label(parent)} #{value}"
    if (kind := VOCABULARY.get(table, {}).get(field)) is not None and value in list(kind):
        return str(label(kind(value)))
    if field == "roles":
        return listed(label(Role(slug)) if slug in list(Role) else slug for slug in str(value).split(","))
    if field == "industries":
        return listed(names["industry"].get(int(part), part) for part in str(value).split(",") if part.isdecimal())
    if field == "measure" and value in TARGET_MEASURES:
        return str(measure_label(value))
    if field in AMOUNTS and (amount := _exact(value)) is not None:
        return str(_("{amount} yuan", amount=f"{amount:,.2f}"))
    if field.endswith(("_at", "_until")) and (moment := _moment(value)) is not None:
        return f"{local(moment):%Y-%m-%d %H:%M:%S}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _masked(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _masked(text: str) -> str:
    """Mask the mobile numbers that somebody wrote into a text."""
    return _MOBILE.sub(lambda found: permissions.mask(found[0]), text)


def _exact(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
