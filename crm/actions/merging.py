"""Merging two records of one enterprise, and saying that two are not one.

The one that stays takes over everything that belongs to the other, and the other's name as an alias; the other is put
away and leads to it. One transaction, one change set: the merge can be taken back while nothing it touched was changed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any, NamedTuple

from crm import permissions
from crm.actions.change_sets import ChangeKind, Changes
from crm.actions.enterprises import require_owned
from crm.errors import Conflict, Invalid, Refused
from crm.locale import _
from crm.model import Actor
from crm.permissions import Action
from crm.reports.enterprises import FIELD_LABELS, join_tags, split_tags
from crm.reports.findings import REFERENCES
from crm.store import Database, Transaction, name_key, search_text, transaction

# Fields for which one of the two values is chosen; tags are put together, the owner unit is that of the one that stays.
CHOICES = tuple(field for field in FIELD_LABELS if field not in ("tags", "owner_unit_id"))
# Kept with an amount: what it was in another currency.
_WITH = {amount: (f"{amount}_original", f"{amount}_currency") for amount in ("registered_capital", "intended_amount")}
_PERSONAL = ("title", "phone", "wechat", "email", "purpose", "note")
# What belongs to an enterprise: each table that names one by `enterprise_id`.
CHILDREN = tuple(
    table for table, columns in REFERENCES.items() if "enterprise_id" in columns and table != "not_duplicate"
)


class Merged(NamedTuple):
    """What a merge came to: its change set, and how many records moved."""

    change_set_id: int
    moved: int


def merge_enterprises(
    database: Database,
    actor: Actor,
    keep: tuple[int, int],
    other: tuple[int, int],
    *,
    take: Sequence[str] = (),
    now: datetime,
) -> Merged:
    """Merge an enterprise into another, both given as (id, version); `take` names the fields of the other to keep.

    Needs the right to edit over the owner units of both. Raises Invalid, Conflict, NotFound, Denied.
    """
    unknown = set(take) - set(CHOICES)
    if unknown:
        raise KeyError(f"no choice: {sorted(unknown)}")
    if keep[0] == other[0]:
        raise Invalid({"other": _("Choose two different enterprises.")})
    with transaction(database, actor=actor.login, now=now) as work:
        stays = require_owned(work, actor, Action.EDIT, keep[0])
        goes = require_owned(work, actor, Action.EDIT, other[0])
        if (stays["version"], goes["version"]) != (keep[1], other[1]):
            raise Conflict
        changes = Changes(work, ChangeKind.MERGE)
        moved = _move_links(work, changes, stays["id"], goes["id"])
        moved += _move_people(work, changes, stays["id"], goes["id"])
        for table in CHILDREN:
            if table not in ("enterprise_segment", "contact_person"):
                moved += _move(work, changes, table, "enterprise_id", stays["id"], goes["id"])
        moved += _move(work, changes, "attachment", "subject_id", stays["id"], goes["id"])
        values = _values(stays, goes, take)
        known = {row[0] for row in work.rows(
            "select name_key from enterprise_alias where enterprise_id = $1 and archived_at is null", [stays["id"]]
        )} | {name_key(values["name"])}  # fmt: skip
        for name in dict.fromkeys((stays["name"], goes["name"])):
            if name_key(name) not in known:
                changes.insert(
                    "enterprise_alias",
                    {
                        "enterprise_id": stays["id"],
                        "name": name,
                        "name_key": name_key(name),
                        "reason": str(_("Name before a merge")),
                    },
                )
        values |= _contact_dates(work, stays["id"])
        changes.update(
            "enterprise",
            [
                (
                    goes,
                    {
                        "archived_at": now,
                        "merged_into_id": stays["id"],
                        "last_contact_on": None,
                        "next_contact_on": None,
                    },
                ),
                (stays, values),
            ],
        )
        summary = {"kept": values["name"], "other": goes["name"], "id": stays["id"]}
        change_set_id = changes.finish(summary, count=moved + 2)
        if change_set_id is None:
            raise Refused(_("Nothing was merged."))
    return Merged(change_set_id, moved)


def _values(stays: Mapping[str, Any], goes: Mapping[str, Any], take: Sequence[str]) -> dict[str, Any]:
    """Return the fields of the merged record: the chosen ones of the other, and its tags beside one's own."""
    values = {column: goes[column] for field in take for column in (field, *_WITH.get(field, ()))}
    name, code = values.get("name", stays["name"]), values.get("credit_code", stays["credit_code"])
    return {
        **values,
        "name": name,
        "name_key": name_key(name),
        "search_text": search_text(code, name=name),
        "tags": join_tags([*split_tags(stays["tags"]), *split_tags(goes["tags"])]),
    }


def _contact_dates(work: Transaction, enterprise_id: int) -> dict[str, Any]:
    last, following = work.rows(
        "select max(happened_on), min(next_due_on) filter (where done_at is null)"
        " from follow_up where enterprise_id = $1 and archived_at is null",
        [enterprise_id],
    )[0]
    return {"last_contact_on": last, "next_contact_on": following}


def _move(work: Transaction, changes: Changes, table: str, column: str, stays: int, goes: int) -> int:
    of_subject = " and subject = 'enterprise'" if column == "subject_id" else ""
    found = work.records(f"select id, version, {column} from {table} where {column} = $1{of_subject}", [goes])
    return changes.update(table, [(record, {column: stays}) for record in found])


def _move_links(work: Transaction, changes: Changes, stays: int, goes: int) -> int:
    """Move the chain links; one that the other has already is put away where it is."""
    query = "select * from enterprise_segment where enterprise_id = $1 order by id"
    held = {
        (link["industry_id"], link["segment_id"])
        for link in work.records(query, [stays])
        if link["archived_at"] is None
    }
    wanted: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    for link in work.records(query, [goes]):
        twice = link["archived_at"] is None and (link["industry_id"], link["segment_id"]) in held
        wanted.append((link, {"enterprise_id": stays} | ({"archived_at": work.now} if twice else {})))
    return changes.update("enterprise_segment", wanted)


def _move_people(work: Transaction, changes: Changes, stays: int, goes: int) -> int:
    """Move the contact people; one of the same name fills the gaps of the other, unless what they say differs."""
    query = "select * from contact_person where enterprise_id = $1 order by id"
    own = {person["name"]: person for person in work.records(query, [stays]) if person["archived_at"] is None}
    wanted: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    for person in work.records(query, [goes]):
        same = own.get(person["name"]) if person["archived_at"] is None else None
        values: dict[str, Any] = {"enterprise_id": stays}
        if same is not None and all(None in (same[f], person[f]) or same[f] == person[f] for f in _PERSONAL):
            del own[person["name"]]
            filled = {f: person[f] for f in _PERSONAL if same[f] is None}
            wanted.append((same, filled | {"is_key": same["is_key"] or person["is_key"]}))
            values["archived_at"] = work.now
        wanted.append((person, values))
    return changes.update("contact_person", wanted)


def mark_distinct(database: Database, actor: Actor, enterprise_ids: Sequence[int], *, now: datetime) -> int:
    """Remember that these enterprises are not one and the same; returns how many pairs are new.

    Needs the right to edit each of them. Raises NotFound, Denied.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        for enterprise_id in enterprise_ids:
            permissions.require(work, actor, Action.EDIT, "enterprise", enterprise_id)
        new = [
            pair
            for pair in combinations(sorted(set(enterprise_ids)), 2)
            if work.find("not_duplicate", enterprise_id=pair[0], other_id=pair[1]) is None
        ]
        for one, other in new:
            work.insert("not_duplicate", {"enterprise_id": one, "other_id": other})
    return len(new)
