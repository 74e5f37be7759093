"""Units: adding, renaming, regrouping, closing. Records name a unit by its id: no change here touches history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from crm import permissions
from crm.errors import Invalid, NotFound, Refused
from crm.locale import Message, _, listed
from crm.model import Actor, UnitKind
from crm.permissions import Action
from crm.store import Database, Transaction, name_key, transaction

_LONGEST = 64
_LAST_PLACE = 100_000
# What a unit must not hold any more when it is closed: how to say it, and the count of it ($1 is the unit's id).
_HOLDINGS: tuple[tuple[Callable[[int], Message], str], ...] = (
    (
        lambda count: _("{count} enterprises", count=count),
        "select count(*) from enterprise where owner_unit_id = $1 and archived_at is null",
    ),
    (
        lambda count: _("{count} projects", count=count),
        "select count(*) from project where unit_id = $1 and archived_at is null",
    ),
    (
        lambda count: _("{count} projects on offer", count=count),
        "select count(*) from opportunity where unit_id = $1 and archived_at is null",
    ),
    (
        lambda count: _("{count} open supervision orders", count=count),
        "select count(*) from supervision_order where unit_id = $1 and closed_on is null and archived_at is null",
    ),
    (
        lambda count: _("{count} accounts that can sign in", count=count),
        "select count(*) from account where unit_id = $1 and disabled_at is null and archived_at is null",
    ),
    (
        lambda count: _("{count} units below it", count=count),
        "select count(*) from unit where parent_id = $1 and archived_at is null",
    ),
)


@dataclass(frozen=True)
class UnitDraft:
    """What an administrator says about a unit; an empty short name is the name, an empty peer group the kind."""

    code: str
    name: str
    kind: UnitKind | None
    short_name: str = ""
    peer_group: str = ""
    display_order: int = 0
    parent_id: int | None = None


def add_unit(database: Database, actor: Actor, draft: UnitDraft, *, now: datetime) -> int:
    """Add a unit and return its id; raises Invalid per field, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        return work.insert("unit", _checked(work, draft, None))


def change_unit(
    database: Database, actor: Actor, unit_id: int, version: int, draft: UnitDraft, *, now: datetime, today: date
) -> None:
    """Change what a unit is; a former name or short name stays as an alias that ended today.

    Raises Invalid per field, Conflict, NotFound, Denied.
    """
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("unit", unit_id)
        before = work.get("unit", unit_id)
        values = _checked(work, draft, unit_id)
        work.update("unit", unit_id, version, values)
        called = {values["name"], values["short_name"]}
        for former in dict.fromkeys((before["name"], before["short_name"])):
            if former not in called:
                _keep_former_name(work, unit_id, former, today)


def archive_unit(database: Database, actor: Actor, unit_id: int, version: int, *, now: datetime) -> None:
    """Close a unit that holds nothing any more; raises Refused with what it still holds, Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("unit", unit_id)
        held = [said(count) for said, sql in _HOLDINGS if (count := work.value(sql, [unit_id]))]
        if held:
            raise Refused(
                _(
                    "{unit} cannot be closed: it still has {held}. Hand them over first.",
                    unit=work.get("unit", unit_id)["name"],
                    held=listed(held),
                )
            )
        work.update("unit", unit_id, version, {"archived_at": now}, action="archive")


def add_unit_alias(
    database: Database,
    actor: Actor,
    unit_id: int,
    name: str,
    *,
    valid_from: date | None = None,
    valid_to: date | None = None,
    now: datetime,
) -> int:
    """Add another name under which imports and searches find a unit; raises Invalid, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    name = name.strip()
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("unit", unit_id)
        problem = _name_problem(name) or _taken(work, name, None)
        if problem:
            raise Invalid({"alias": problem})
        if valid_from and valid_to and valid_to < valid_from:
            raise Invalid({"valid_to": _("The name ends before it begins.")})
        values = {"unit_id": unit_id, "name": name, "valid_from": valid_from, "valid_to": valid_to}
        return work.insert("unit_alias", values)


def remove_unit_alias(database: Database, actor: Actor, alias_id: int, version: int, *, now: datetime) -> None:
    """Take another name back; raises Conflict, NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_REFERENCE)
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("unit_alias", alias_id)
        work.update("unit_alias", alias_id, version, {"archived_at": now}, action="archive")


def _checked(work: Transaction, draft: UnitDraft, unit_id: int | None) -> dict[str, Any]:
    values: dict[str, Any] = {
        "code": draft.code.strip(),
        "name": draft.name.strip(),
        "short_name": draft.short_name.strip() or draft.name.strip(),
        "kind": str(draft.kind or ""),
        "peer_group": draft.peer_group.strip() or str(draft.kind or ""),
        "display_order": draft.display_order,
        "parent_id": draft.parent_id,
    }
    problems: dict[str, Message] = {}
    if draft.kind is None:
        problems["kind"] = _("Choose what kind of unit it is.")
    elif len(values["peer_group"]) > _LONGEST:
        problems["peer_group"] = _("The text is longer than {count} characters.", count=_LONGEST)
    if not 0 <= draft.display_order <= _LAST_PLACE:
        problems["display_order"] = _("The place in the order is a number from 0 to {most}.", most=_LAST_PLACE)
    for field in ("code", "name", "short_name"):
        if problem := _name_problem(values[field]) or _taken(work, values[field], unit_id):
            problems[field] = problem
    # The code stays unique among closed units too.
    if work.rows("select 1 from unit where code = $1 and id is distinct from $2", [values["code"], unit_id]):
        problems.setdefault("code", _("“{name}” is the code of another unit.", name=values["code"]))
    if draft.parent_id is not None and unit_id in _line(work, draft.parent_id):
        problems["parent_id"] = _("A unit cannot stand below itself.")
    if problems:
        raise Invalid(problems)
    work.require("unit", draft.parent_id)
    return values


def _name_problem(name: str) -> Message | None:
    if not name_key(name):
        return _("Give a name or code.")
    return _("The text is longer than {count} characters.", count=_LONGEST) if len(name) > _LONGEST else None


def _taken(work: Transaction, name: str, unit_id: int | None) -> Message | None:
    """Say which other unit answers to a name already: an import could not tell the two apart."""
    for other, words in _called(work):
        if other != unit_id and name_key(name) in map(name_key, words):
            return _("“{name}” names the unit {unit} already.", name=name, unit=words[0])
    return None


def _called(work: Transaction) -> Iterator[tuple[int, list[str]]]:
    aliases: dict[int, list[str]] = {}
    for unit_id, name in work.rows("select unit_id, name from unit_alias where archived_at is null"):
        aliases.setdefault(unit_id, []).append(name)
    for unit_id, *words in work.rows("select id, name, short_name, code from unit where archived_at is null"):
        yield unit_id, [*words, *aliases.get(unit_id, [])]


def _line(work: Transaction, unit_id: int) -> list[int]:
    """Return a unit and all above it."""
    parents: dict[int, int | None] = dict(work.rows("select id, parent_id from unit"))
    if unit_id not in parents:
        raise NotFound
    found: list[int] = []
    at: int | None = unit_id
    while at is not None and at not in found:
        found.append(at)
        at = parents.get(at)
    return found


def _keep_former_name(work: Transaction, unit_id: int, name: str, today: date) -> None:
    known = work.rows(
        "select id, version from unit_alias where unit_id = $1 and name = $2 and archived_at is null", [unit_id, name]
    )
    if known:
        alias_id, version = known[0]
        work.update("unit_alias", alias_id, version, {"valid_to": today})
    else:
        work.insert("unit_alias", {"unit_id": unit_id, "name": name, "valid_to": today})
