"""Bulk changes of enterprises: owner, grade or tags of many at once, each checked for right and version.

What cannot be changed is named with the reason, the rest is done in one transaction, and all of it can be taken back
as one (`actions.change_sets`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crm import permissions
from crm.actions.change_sets import ChangeKind, Changes
from crm.actions.enterprises import tag_problem
from crm.errors import Conflict, Denied, Invalid, Refused
from crm.locale import Message, _
from crm.model import Actor, Grade
from crm.permissions import GRANTS, Action, Scope
from crm.reports.enterprises import join_tags, split_tags
from crm.store import Database, Params, Transaction, transaction

# The write lock is held while they are changed: about a second at this number.
MOST = 5_000
_LONGEST_PERSON = 60

Record = Mapping[str, Any]
Chosen = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Refusal:
    """An enterprise that was left as it is; its name is told to those who may see it."""

    name: str
    reason: Message


@dataclass(frozen=True)
class BulkResult:
    """What a bulk change came to; `change_set_id` is None where nothing changed."""

    change_set_id: int | None
    changed: int
    unchanged: int
    refused: list[Refusal]


def assign_enterprises(
    database: Database,
    actor: Actor,
    chosen: Chosen,
    *,
    unit_id: int | None = None,
    person: str | None = None,
    now: datetime,
) -> BulkResult:
    """Give enterprises, as (id, version), an owner unit, an owner person, or both; None leaves it as it is.

    An enterprise moves from one unit to another only by a right that reaches beyond the unit. Raises Invalid where
    neither is given, NotFound for a unit that does not exist, Denied.
    """
    person = None if person is None else person.strip()
    if unit_id is None and not person:
        raise Invalid({"unit_id": _("Choose the unit, the person, or both.")})
    if person and len(person) > _LONGEST_PERSON:
        raise Invalid({"person": _("The name is too long.")})
    values: dict[str, Any] = {}
    if unit_id is not None:
        values["owner_unit_id"] = unit_id
    if person:
        values["owner_person"] = person
    beyond = replace(
        actor, roles=frozenset(r for r in actor.roles if GRANTS[r].get(Action.ASSIGN) in (Scope.CHAIN, Scope.ALL))
    )

    def moving(record: Record) -> Message | None:
        moves = unit_id is not None and record["owner_unit_id"] not in (None, unit_id)
        return _("It belongs to another unit: the dispatch office transfers it.") if moves else None

    with transaction(database, actor=actor.login, now=now) as work:
        work.require("unit", unit_id)
        unit = None if unit_id is None else work.value("select name from unit where id = $1", [unit_id])
        return _change(
            work,
            actor,
            ChangeKind.ASSIGN,
            chosen,
            lambda _record: values,
            {"unit": unit, "person": person or None},
            unless=moving,
            but_for=beyond,
        )


def grade_enterprises(
    database: Database, actor: Actor, chosen: Chosen, *, grade: Grade | None, now: datetime
) -> BulkResult:
    """Give enterprises, as (id, version), a grade, or take it away."""
    value = None if grade is None else str(Grade(grade))
    with transaction(database, actor=actor.login, now=now) as work:
        return _change(work, actor, ChangeKind.GRADE, chosen, lambda _record: {"grade": value}, {"grade": value})


def tag_enterprises(
    database: Database,
    actor: Actor,
    chosen: Chosen,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    now: datetime,
) -> BulkResult:
    """Add tags to enterprises, as (id, version), and take others off; raises Invalid (at `tags`)."""
    added, removed = {tag.strip() for tag in add} - {""}, {tag.strip() for tag in remove} - {""}
    if not added | removed:
        raise Invalid({"tags": _("Name the tags to add or to take off.")})
    problem = tag_problem(sorted(added))
    if problem is not None:
        raise Invalid({"tags": problem})

    def tags(record: Record) -> Record:
        return {"tags": join_tags((set(split_tags(record["tags"])) - removed) | added)}

    def too_many(record: Record) -> Message | None:
        return tag_problem(split_tags(tags(record)["tags"]))

    summary = {"add": join_tags(added), "remove": join_tags(removed)}
    with transaction(database, actor=actor.login, now=now) as work:
        return _change(work, actor, ChangeKind.TAGS, chosen, tags, summary, unless=too_many)


def _change(
    work: Transaction,
    actor: Actor,
    kind: ChangeKind,
    chosen: Chosen,
    values: Callable[[Record], Record],
    summary: Mapping[str, Any],
    *,
    unless: Callable[[Record], Message | None] = lambda _record: None,
    but_for: Actor | None = None,
) -> BulkResult:
    """Change the chosen enterprises; `unless` names a reason against one, but within the right of `but_for` none."""
    permissions.require_right(actor, kind.right)
    versions = dict(chosen)
    if len(versions) > MOST:
        raise Refused(_("At most {count} enterprises are changed at once: narrow the filter.", count=f"{MOST:,}"))
    params = Params()
    ids = params.add(list(versions))
    readable = permissions.visible(actor, Action.READ, "enterprise", "e", params)
    within = permissions.visible(actor, kind.right, "enterprise", "e", params)
    excepted = permissions.visible(but_for, kind.right, "enterprise", "e", params) if but_for else "false"
    records = work.records(
        f"select e.id, e.version, e.name, e.archived_at, e.owner_unit_id, e.owner_person, e.grade, e.tags,"
        f" ({readable}) as readable, ({within}) as within, ({excepted}) as excepted"
        f" from enterprise e where e.id in (select unnest({ids}::bigint[])) order by e.name, e.id",
        params,
    )
    wanted: list[tuple[Record, Record]] = []
    refused: list[Refusal] = []
    for record in records:
        reason = _reason(record, versions[record["id"]])
        if reason is None and not record["excepted"]:
            reason = unless(record)
        if reason is None:
            wanted.append((record, values(record)))
        else:
            refused.append(Refusal(record["name"] if record["readable"] else "—", reason))
    refused += [Refusal("—", _GONE)] * (len(versions) - len(records))
    changes = Changes(work, kind)
    changed = changes.update("enterprise", wanted)
    change_set_id = changes.finish(summary, count=changed)
    return BulkResult(change_set_id, changed, len(wanted) - changed, refused)


_GONE = _("It does not exist any more, or it is outside your scope.")


def _reason(record: Record, version: int) -> Message | None:
    if not record["readable"]:
        return _GONE
    if not record["within"]:
        return Denied().message
    if record["archived_at"] is not None:
        return _("It was archived or merged.")
    if record["version"] != version:
        return Conflict(_("Somebody changed it in the meantime.")).message
    return None
