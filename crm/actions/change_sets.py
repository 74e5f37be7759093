"""Changes of many records that can be taken back as one: a bulk change, a merge, and what an import shares with them.

`Changes` writes records and keeps a line for each, with its values before and after; `revert_change_set` works from
these lines. A record appears once in a set: that is what lets its version say whether it was changed since.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crm import permissions
from crm.actions.followups import refresh_contact_dates
from crm.errors import Denied, NotFound, Refused
from crm.locale import Message, _, listed
from crm.model import Actor
from crm.months import bureau_day
from crm.permissions import Action, Scope
from crm.reports.audit_words import SUBJECTS
from crm.reports.findings import REFERENCES
from crm.store import Database, Params, Transaction, to_json, transaction

_MOST_NAMED = 2
# Tables that hold the version which a record had after a change: once it is restored, they follow it.
_LINE_TABLES = ("import_row", "change_line")

# ------------------------------------------------------------------------------------------------------------- writing


class ChangeKind(StrEnum):
    """What was done to many records at once."""

    ASSIGN = "assign"
    GRADE = "grade"
    TAGS = "tags"
    MERGE = "merge"
    SEGMENTS = "segments"

    @property
    def right(self) -> Action:
        """The right that this needs, and taking it back too."""
        return Action.ASSIGN if self is ChangeKind.ASSIGN else Action.EDIT


class Changes:
    """The records that one change set makes and changes, within a transaction."""

    def __init__(self, work: Transaction, kind: ChangeKind) -> None:
        self._work = work
        self._kind = kind
        self._lines: list[tuple[str, str, int, int, str | None, str]] = []
        self._seen: set[tuple[str, int]] = set()

    def insert(self, table: str, values: Mapping[str, Any]) -> int:
        """Make a record and return its id."""
        record_id = self._work.insert(table, values, action=str(self._kind))
        self._keep("new", table, record_id, 1, None, values)
        return record_id

    def insert_many(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Sequence[int]:
        """Make many records at once and return their ids."""
        ids = self._work.insert_many(table, columns, [tuple(row) for row in rows])
        for record_id, row in zip(ids, rows, strict=True):
            values = dict(zip(columns, row, strict=True))
            self._work.record_change(str(self._kind), table, record_id, None, values)
            self._keep("new", table, record_id, 1, None, values)
        return ids

    def update(self, table: str, records: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> int:
        """Change records, each given as it is (with id and version) and by its new values; returns how many differed.

        Raises Conflict where a version has moved on.
        """
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for record, values in records:
            after = {column: value for column, value in values.items() if record[column] != value}
            if not after:
                continue
            before = {column: record[column] for column in after}
            groups.setdefault(tuple(after), []).append((record["id"], record["version"], *after.values()))
            self._work.record_change(str(self._kind), table, record["id"], before, after)
            self._keep("updated", table, record["id"], record["version"] + 1, before, after)
        for columns, rows in groups.items():
            self._work.update_many(table, columns, rows)
        return sum(map(len, groups.values()))

    def finish(self, summary: Mapping[str, Any], *, count: int) -> int | None:
        """Store the set with its lines and return its id, None where nothing was changed.

        `summary` holds the values of the sentence that tells of it (`reports.change_sets`), `count` its records.
        """
        if not self._lines:
            return None
        set_id = self._work.insert(
            "change_set", {"kind": str(self._kind), "summary": to_json(summary), "record_count": count}
        )
        ids = self._work.new_ids(len(self._lines))
        columns = (
            "id",
            "change_set_id",
            "action",
            "subject",
            "subject_id",
            "subject_version",
            "before",
            "after",
        )
        rows = [(i, set_id, *line) for i, line in zip(ids, self._lines, strict=True)]
        self._work.session.load("change_line", columns, rows)
        return set_id

    def _keep(
        self,
        action: str,
        table: str,
        record_id: int,
        version: int,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
    ) -> None:
        if (table, record_id) in self._seen:
            raise ValueError(f"{table} {record_id} is changed twice in one set")
        self._seen.add((table, record_id))
        self._lines.append((action, table, record_id, version, to_json(before), str(to_json(after))))


# -------------------------------------------------------------------------------------------------------- taking back

Made = Mapping[str, Sequence[tuple[int, int]]]
Changed = Mapping[str, Sequence[tuple[int, int, Mapping[str, Any]]]]


def revert_change_set(database: Database, actor: Actor, change_set_id: int, *, now: datetime) -> dict[str, int]:
    """Take a change set back as a whole; returns how many records were `removed` and `restored`.

    For whoever made it, and for those whose right reaches everything. Raises Refused where a record was changed since,
    NotFound, Denied.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        found = work.get("change_set", change_set_id)
        right = ChangeKind(found["kind"]).right
        if found["created_by"] != actor.login and Scope.ALL not in permissions.scopes(actor, right):
            raise NotFound
        if found["reverted_at"] is not None:
            raise Refused(_("The batch was already taken back on {day}.", day=bureau_day(found["reverted_at"])))
        made: dict[str, list[tuple[int, int]]] = {}
        changed: dict[str, list[tuple[int, int, Mapping[str, Any]]]] = {}
        for action, table, record_id, version, before, after in work.rows(
            "select action, subject, subject_id, subject_version, before, after from change_line"
            " where change_set_id = $1 order by id",
            [change_set_id],
        ):
            if action == "new":
                made.setdefault(table, []).append((record_id, version))
                work.record_change("revert", table, record_id, json.loads(after), None)
            else:
                changed.setdefault(table, []).append((record_id, version, json.loads(before)))
                work.record_change("revert", table, record_id, json.loads(after), json.loads(before))
        _require_all(work, actor, right, [record[0] for record in changed.get("enterprise", ())])
        counts = take_back(work, made, changed)
        if found["kind"] == ChangeKind.MERGE:
            # A contact logged since need not have moved a date, and so not a version.
            for record in changed.get("enterprise", ()):
                refresh_contact_dates(work, record[0])
        work.update(
            "change_set",
            change_set_id,
            found["version"],
            {"reverted_at": now, "reverted_by": actor.login},
            action="revert",
            note=f"removed {counts['removed']}, restored {counts['restored']}",
        )
    return counts


def _require_all(work: Transaction, actor: Actor, right: Action, enterprise_ids: Sequence[int]) -> None:
    params = Params()
    ids = params.add(list(enterprise_ids))
    within = permissions.visible(actor, right, "enterprise", "e", params)
    if work.rows(
        f"select 1 from enterprise e where e.id in (select unnest({ids}::bigint[])) and not ({within})", params
    ):
        raise Denied


def take_back(work: Transaction, made: Made, changed: Changed) -> dict[str, int]:
    """Remove the records that were made (id, version), restore those that were changed (id, version, values before).

    Returns how many were `removed` and `restored`. Raises Refused where records were changed since, or others refer to
    them; it names the first.
    """
    obstacles = _changed_since(work, made, changed) + _referred_to(work, made, changed)
    if obstacles:
        raise Refused(
            _(
                "The batch cannot be taken back: {count} records stand in the way, among them {records}.",
                count=len(obstacles),
                records=listed(obstacles[:_MOST_NAMED]),
            )
        )
    for table, records in made.items():
        work.delete_many(table, [record_id for record_id, _version in records])
    for table, restored in changed.items():
        _restore(work, table, restored)
    return {"removed": sum(map(len, made.values())), "restored": sum(map(len, changed.values()))}


def _changed_since(work: Transaction, made: Made, changed: Changed) -> list[Message]:
    found = []
    for table in dict.fromkeys([*made, *changed]):
        expected = dict(made.get(table, ())) | {record[0]: record[1] for record in changed.get(table, ())}
        versions: dict[int, int] = dict(
            work.rows(f"select id, version from {table} where id in (select unnest($1::bigint[]))", [list(expected)])
        )
        moved = [record_id for record_id, version in expected.items() if versions.get(record_id) != version]
        found += [_("{record} (changed since)", record=name) for name in _names(work, table, moved)]
    return found


def _referred_to(work: Transaction, made: Made, changed: Changed) -> list[Message]:
    found = []
    references = [
        (referring, column, table) for referring, columns in REFERENCES.items() for column, table in columns.items()
    ]
    for referring, column, table in references:
        if table not in made:
            continue
        ids = [record_id for record_id, _version in made[table]]
        # What goes as well, and what will name another record once it is restored, is in nobody's way.
        own = [record_id for record_id, _version in made.get(referring, ())]
        own += [record_id for record_id, _version, before in changed.get(referring, ()) if column in before]
        named = work.rows(
            f"select distinct {column} from {referring} where {column} in (select unnest($1::bigint[]))"
            + (" and id not in (select unnest($2::bigint[]))" if own else ""),
            [ids, own] if own else [ids],
        )
        found += [
            _("{record} (referred to: {subject})", record=name, subject=SUBJECTS.get(referring, referring))
            for name in _names(work, table, [row[0] for row in named])
        ]
    for table, records in made.items():
        ids = [record_id for record_id, _version in records]
        named = work.rows(
            "select distinct subject_id from attachment"
            " where subject = $1 and subject_id in (select unnest($2::bigint[]))",
            [table, ids],
        )
        found += [
            _("{record} (with attachments)", record=name) for name in _names(work, table, [row[0] for row in named])
        ]
    return found


def _names(work: Transaction, table: str, ids: Sequence[int]) -> list[str]:
    """Return what a person calls these records."""
    columns = work.database.columns(table)
    shown = next(
        (column for column in ("code", "name", "number", "content", "clause", "kind") if column in columns), "id"
    )
    names: dict[int, Any] = dict(
        work.rows(f"select id, {shown} from {table} where id in (select unnest($1::bigint[]))", [list(ids)])
    )
    return [f"{SUBJECTS.get(table, table)} “{str(names.get(record_id, record_id))[:40]}”" for record_id in ids]


def _restore(work: Transaction, table: str, records: Sequence[tuple[int, int, Mapping[str, Any]]]) -> None:
    readers = _readers(work, table)
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for record_id, version, before in records:
        columns = tuple(sorted(before))
        values = [None if before[c] is None else readers[c](before[c]) for c in columns]
        groups.setdefault(columns, []).append((record_id, version, *values))
    for columns, rows in groups.items():
        work.update_many(table, columns, rows)
    # The records are again as they were two versions ago: lines of earlier changes keep their distance to the present,
    # so that these can be taken back next, unless somebody changed the records in between.
    for lines in _LINE_TABLES:
        work.session.execute(
            f"update {lines} as r set subject_version = r.subject_version + 2"
            " from (select unnest($1::bigint[]) as id, unnest($2::int[]) as version) v"
            " where r.subject = $3 and r.subject_id = v.id and r.subject_version < v.version",
            [[record[0] for record in records], [record[1] for record in records], table],
        )


def _readers(work: Transaction, table: str) -> dict[str, Callable[[Any], Any]]:
    """Return how a column's values come back from the JSON of a line."""
    kinds = work.rows(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = current_schema() and table_name = $1",
        [table],
    )
    return {column: _reader(kind.lower()) for column, kind in kinds}


def _reader(kind: str) -> Callable[[Any], Any]:
    if kind.startswith("timestamp"):
        return datetime.fromisoformat
    if kind == "date":
        return date.fromisoformat
    if kind.startswith(("decimal", "numeric")):
        return Decimal
    return lambda value: value
