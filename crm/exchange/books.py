"""The records that a file touches, as its rows leave them, beside how the database holds them.

Judges read and write here and nowhere else; nothing reaches the database before `write`, which puts everything
there in bulk. A record that the file makes has a negative id until then.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from crm.store import Database, Session, Transaction

Record = dict[str, Any]
_STAMPS = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by", "archived_at"})
# What a record has that nobody gave it.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "contact_person": {"is_key": False},
    "fund_arrival": {"occurrence": 1},
    "agreement": {"status": "active"},
}
# Parents stand before those who refer to them.
_ORDER = (
    "enterprise",
    "enterprise_segment",
    "contact_person",
    "opportunity",
    "project",
    "project_unit",
    "stage_log",
    "agreement",
    "milestone",
    "fund_arrival",
    "commitment",
    "follow_up",
    "target",
    "adjustment",
)
_REFERENCES = ("enterprise_id", "project_id", "agreement_id")
_PARENT = {"enterprise_id": "enterprise", "project_id": "project", "agreement_id": "agreement"}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class Line:
    """What a row of the file did to one record; dates and exact numbers are text in `before` and `after`."""

    row: int
    action: str
    subject: str | None = None
    subject_id: int | None = None
    subject_version: int | None = None
    before: str | None = None
    after: str | None = None
    reason: str | None = None


class Books:
    """Records by table and id, what was made of them and by which row of the file."""

    def __init__(self, database: Database, session: Session | Transaction) -> None:
        self._database = database
        self._session = session
        self._held: dict[str, dict[int, Record]] = {}
        self._made: dict[str, dict[int, int]] = {}
        self._before: dict[str, dict[int, tuple[int, Record]]] = {}
        self._indexes: dict[tuple[str, str], dict[Any, list[int]]] = {}
        self._blanks: dict[str, Record] = {}
        self._last_id = 0

    def fetch(self, table: str, column: str, values: Iterable[Any]) -> None:
        """Take up the living records of a table whose column has one of these values."""
        wanted = list({value for value in values if value is not None and not (isinstance(value, int) and value < 0)})
        held = self._held.setdefault(table, {})
        if not wanted:
            return
        kind = "bigint" if isinstance(wanted[0], int) else "text"
        found = self._session.records(
            f"select * from {table} where archived_at is null and {column} in (select unnest($1::{kind}[])) order by id",
            [wanted],
        )
        for record in found:
            held.setdefault(record["id"], record)
        for table_column in [key for key in self._indexes if key[0] == table]:
            del self._indexes[table_column]

    def get(self, table: str, record_id: int) -> Record:
        """Return a record as it stands now; change it through `change` only."""
        return self._held[table][record_id]

    def where(self, table: str, column: str, value: Any) -> list[Record]:
        """Return the records taken up or made whose column has this value, the older ones first."""
        index = self._indexes.get((table, column))
        held = self._held.setdefault(table, {})
        if index is None:
            index = self._indexes[table, column] = {}
            for record_id, record in held.items():
                index.setdefault(record[column], []).append(record_id)
        return [held[record_id] for record_id in index.get(value, ())]

    def add(self, table: str, row: int, values: Mapping[str, Any]) -> int:
        """Make a record and return its id, negative until it is written."""
        self._last_id -= 1
        record_id = self._last_id
        blank = self._blanks.get(table)
        if blank is None:
            columns = [column for column in self._database.columns(table) if column not in _STAMPS]
            blank = self._blanks[table] = dict.fromkeys(columns) | dict(_DEFAULTS.get(table, {}))
            self._held.setdefault(table, {})
            self._made[table] = {}
        record = {**blank, **values}
        assert len(record) == len(blank), f"{table} has no {set(record) - set(blank)}"
        record["id"] = record_id
        self._held[table][record_id] = record
        self._made[table][record_id] = row
        for (indexed, column), index in self._indexes.items():
            if indexed == table:
                index.setdefault(record[column], []).append(record_id)
        return record_id

    def change(self, table: str, record_id: int, row: int, values: Mapping[str, Any]) -> bool:
        """Set values of a record, None too; returns whether anything differed."""
        record = self._held[table][record_id]
        differing = {column: value for column, value in values.items() if record[column] != value}
        if not differing:
            return False
        for column, value in differing.items():
            index = self._indexes.get((table, column))
            if index is not None:
                index[record[column]].remove(record_id)
                index.setdefault(value, []).append(record_id)
        if record_id > 0:
            before = self._before.setdefault(table, {}).setdefault(record_id, (row, {}))[1]
            for column in differing:
                before.setdefault(column, record[column])
        record.update(differing)
        return True

    def is_new(self, table: str, record_id: int) -> bool:
        """Whether the file made this record."""
        return record_id < 0

    def touched(self) -> set[tuple[str, int]]:
        """Return every record made or changed, as (table, id)."""
        return {(table, i) for group in (self._made, self._before) for table, ids in group.items() for i in ids}

    def write(self, work: Transaction) -> tuple[list[Line], dict[int, int]]:
        """Put everything into the database; returns a line per record, and the ids that the new ones got."""
        lines: list[Line] = []
        ids: dict[int, int] = {}
        for table in _ORDER:
            self._write_made(work, table, lines, ids)
        for table in _ORDER:
            self._write_changed(work, table, lines, ids)
        assert set(self._made) | set(self._before) <= set(_ORDER)
        return lines, ids

    def _write_made(self, work: Transaction, table: str, lines: list[Line], ids: dict[int, int]) -> None:
        made = self._made.get(table)
        if not made:
            return
        columns = list(self._blanks[table])
        held = self._held[table]
        records = [held[record_id] for record_id in made]
        for column in _REFERENCES:
            if column in self._blanks[table]:
                for record in records:
                    value = record[column]
                    if value is not None and value < 0:
                        record[column] = ids[value]
        values = itemgetter(*columns)
        new_ids = work.insert_many(table, columns, [values(record) for record in records])
        ids.update(zip(made, new_ids, strict=True))
        for record, new_id, row in zip(records, new_ids, made.values(), strict=True):
            after = {c: v for c, v in record.items() if v is not None and c not in _QUIET}
            lines.append(Line(row, "new", table, new_id, 1, None, _encode(after)))

    def _write_changed(self, work: Transaction, table: str, lines: list[Line], ids: dict[int, int]) -> None:
        held = self._held.get(table, {})
        # Records that were changed the same way go together: one statement per set of columns.
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for record_id, (row, before) in self._before.get(table, {}).items():
            record = held[record_id]
            after = {column: record[column] for column in before if record[column] != before[column]}
            if not after:
                continue
            for column in _REFERENCES:
                if after.get(column) is not None and after[column] < 0:
                    after[column] = ids[after[column]]
            columns = tuple(sorted(after))
            groups.setdefault(columns, []).append((record_id, record["version"], *(after[c] for c in columns)))
            old = {column: before[column] for column in after}
            lines.append(Line(row, "updated", table, record_id, record["version"] + 1, _encode(old), _encode(after)))
        for columns, rows in groups.items():
            work.update_many(table, columns, rows)


# Derived from the name: no reader of a record's history wants them.
_QUIET = frozenset({"id", "search_text", "name_key"})
