"""Word lists of the bureau's own: adding, ordering, renaming and removing the words that forms offer.

A database that was made before there were lists uses the shipped ones; the first change of a list makes it its own.
"""

from datetime import datetime
from typing import Any

from crm import permissions
from crm.errors import Conflict, Invalid, NotFound
from crm.locale import _
from crm.model import Actor
from crm.permissions import Action
from crm.reports.vocabulary import DICTIONARIES, shipped_words
from crm.store import Database, Transaction, transaction

_LONGEST = 60
_ENTRY = "dictionary_entry"


def add_word(database: Database, actor: Actor, kind: str, name: str, *, now: datetime) -> None:
    """Put a word at the end of a list; raises Invalid, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        entries = _entries(work, kind)
        name = _checked_name(name, [entry["name"] for entry in entries])
        last = max((entry["display_order"] for entry in entries), default=0)
        work.insert(_ENTRY, {"kind": kind, "name": name, "display_order": last + 1})


def rename_word(
    database: Database,
    actor: Actor,
    kind: str,
    name: str,
    version: int,
    new_name: str,
    *,
    change_records: bool,
    now: datetime,
) -> int:
    """Give a word another name, in the records that use it too if wanted; returns how many records changed.

    `version` is the word's as it was read, 0 where the list is still the shipped one. Raises Invalid, Conflict,
    NotFound, Denied.
    """
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        entries = _entries(work, kind)
        entry = _entry(entries, name, version)
        new_name = _checked_name(new_name, [e["name"] for e in entries if e is not entry])
        if not work.update(_ENTRY, entry["id"], entry["version"], {"name": new_name}, action="rename"):
            return 0
        return _change_records(work, kind, name, new_name) if change_records else 0


def replace_text(database: Database, actor: Actor, kind: str, text: str, name: str, *, now: datetime) -> int:
    """Put a word of the list where records say something else; returns how many records changed.

    Raises Invalid where the word is not in the list, Denied.
    """
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        if name not in [entry["name"] for entry in _entries(work, kind)]:
            raise Invalid({"name": _("Choose a word of the list.")})
        return _change_records(work, kind, text, name)


def move_word(
    database: Database, actor: Actor, kind: str, name: str, version: int, *, places: int, now: datetime
) -> None:
    """Move a word up (negative) or down in its list; raises Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        entries = _entries(work, kind)
        entry = _entry(entries, name, version)
        order = [e for e in entries if e is not entry]
        order.insert(max(entries.index(entry) + places, 0), entry)
        for place, e in enumerate(order, 1):
            work.update(_ENTRY, e["id"], e["version"], {"display_order": place})


def remove_word(database: Database, actor: Actor, kind: str, name: str, version: int, *, now: datetime) -> None:
    """Take a word off its list; records keep it as it is. Raises Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        entry = _entry(_entries(work, kind), name, version)
        work.update(_ENTRY, entry["id"], entry["version"], {"archived_at": now}, action="archive")


def _entries(work: Transaction, kind: str) -> list[dict[str, Any]]:
    """Return the words of a list in order, after making the shipped ones its own where it has none."""
    if kind not in DICTIONARIES:
        raise NotFound
    if not work.value(f"select count(*) from {_ENTRY} where kind = $1", [kind]):
        rows = [(kind, name, place) for place, name in enumerate(shipped_words(kind), 1)]
        work.insert_many(_ENTRY, ("kind", "name", "display_order"), rows)
        work.record_change("create", _ENTRY, None, None, {"kind": kind, "names": [row[1] for row in rows]})
    return work.records(
        f"select * from {_ENTRY} where kind = $1 and archived_at is null order by display_order, id", [kind]
    )


def _entry(entries: list[dict[str, Any]], name: str, version: int) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            if version not in (0, entry["version"]):
                raise Conflict
            return entry
    raise NotFound


def _checked_name(name: str, taken: list[str]) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid({"name": _("Write the word.")})
    if len(name) > _LONGEST:
        raise Invalid({"name": _("The text is longer than {count} characters.", count=_LONGEST)})
    if name in taken:
        raise Invalid({"name": _("“{name}” is in the list already.", name=name)})
    return name


def _change_records(work: Transaction, kind: str, before: str, after: str) -> int:
    of = DICTIONARIES[kind]
    found = work.rows(f"select id, version from {of.table} where {of.column} = $1 and archived_at is null", [before])
    if found:
        work.update_many(of.table, (of.column,), [(*row, after) for row in found])
        work.record_change(
            "rename_word", of.table, None, {of.column: before}, {of.column: after, "records": len(found)}
        )
    return len(found)
