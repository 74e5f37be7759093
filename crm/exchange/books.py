"""The records that a file touches, as its rows leave them, beside how the database holds them.

Judges read and write here and nowhere else; nothing reaches the database before `write`, which puts everything
there in bulk. A record that the file makes has a negative id until then.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from crm.store import Database, Row, Session, Transaction

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
# Only their ids are referred to.
_REFERENCES = ("enterprise_id", "project_id", "agreement_id")
# Stands for the moment of writing, which a judge does not know.
_ARCHIVED = "now"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class Line(NamedTuple):
    """What a row of the file did to one record.

    `before` and `after` hold the columns that were changed, dates and exact numbers as text. A record that was made has
    neither: its first version is what was made, and every later change carries what it replaced.
    """

    row: int
    action: str
    subject: str
    subject_id: int
    subject_version: int
    before: str | None = None
    after: str | None = None


class _Block(NamedTuple):
    """Records made at once, kept by column; a column that the file says nothing of is not there."""

    ids: range
    rows: Sequence[int]
    columns: Mapping[str, list[Any]]


class Books:
    """Records by table and id, what was made of them and by which row of the file."""

    def __init__(self, database: Database, session: Session | Transaction) -> None:
        self._database = database
        self._session = session
        # A record that the file makes is kept packed, as its values in the order of the columns, until it is looked at.
        self._held: dict[str, dict[int, Record | Row]] = {}
        self._made: dict[str, dict[int, int]] = {}
        self._blocks: dict[str, list[_Block]] = {}
        self._before: dict[str, dict[int, tuple[int, Record]]] = {}
        self._indexes: dict[tuple[str, str], dict[Any, list[int]]] = {}
        self._blanks: dict[str, Record] = {}
        self._last_id = 0
        self.spent = False

    def fetch(self, table: str, column: str, values: Iterable[Any]) -> None:
        """Take up the living records of a table whose column has one of these values."""
        wanted = list({value for value in values if value is not None and not (isinstance(value, int) and value < 0)})
        held = self._held.setdefault(table, {})
        if not wanted:
            return
        kind = "bigint" if isinstance(wanted[0], int) else "text"
        found = self._session.records(
            # Found by their ids alone: what a row holds besides is read only of those that are there.
            f"select * from {table} where id in (select id from {table}"
            f" where archived_at is null and {column} in (select unnest($1::{kind}[]))) order by id",
            [wanted],
        )
        for record in found:
            held.setdefault(record["id"], record)  # what rows changed already stays
        self._forget_indexes(table)

    def get(self, table: str, record_id: int) -> Record:
        """Return a record as it stands now; change it through `change` only."""
        record = self._held[table][record_id]
        if isinstance(record, tuple):
            record = self._held[table][record_id] = dict(zip(self._blanks[table], record, strict=True)) | {
                "id": record_id
            }
        return record

    def where(self, table: str, column: str, value: Any) -> list[Record]:
        """Return the records taken up or made whose column has this value, the older ones first."""
        index = self._indexes.get((table, column))
        held = self._held.setdefault(table, {})
        if index is None:
            index = self._indexes[table, column] = {}
            for record_id in held:
                index.setdefault(self.get(table, record_id)[column], []).append(record_id)
        return [self.get(table, record_id) for record_id in index.get(value, ())]

    def all(self, table: str) -> Iterator[Record]:
        """Walk through the records of a table taken up or made."""
        for record_id in list(self._held.get(table, ())):
            yield self.get(table, record_id)

    def add(self, table: str, row: int, values: Mapping[str, Any]) -> int:
        """Make a record and return its id, negative until it is written."""
        blank = self._blank(table)
        record = {**blank, **values}
        if len(record) != len(blank):
            raise KeyError(f"{table} has no column {set(record) - set(blank)}")
        self._last_id -= 1
        record_id = self._last_id
        self._held[table][record_id] = tuple(record.values())
        self._made[table][record_id] = row
        for (indexed, column), index in self._indexes.items():
            if indexed == table:
                index.setdefault(record[column], []).append(record_id)
        return record_id

    def add_columns(self, table: str, rows: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> range:
        """Make a record for each of these rows from columns of values and return the ids: `add` by the ten thousand.

        These records cannot be looked at or changed afterwards.
        """
        blank = self._blank(table)
        if not columns.keys() <= blank.keys():
            raise KeyError(f"{table} has no column {columns.keys() - blank.keys()}")
        ids = range(self._last_id - 1, self._last_id - 1 - len(rows), -1)
        self._last_id -= len(rows)
        defaults = {name: [value] * len(rows) for name, value in blank.items() if value is not None}
        cells = defaults | {name: list(values) for name, values in columns.items()}
        self._blocks.setdefault(table, []).append(_Block(ids, rows, cells))
        return ids

    def _blank(self, table: str) -> Record:
        """Return a record of the table with nothing in it."""
        blank = self._blanks.get(table)
        if blank is None:
            columns = [column for column in self._database.columns(table) if column not in _STAMPS]
            blank = self._blanks[table] = dict.fromkeys(columns) | dict(_DEFAULTS.get(table, {}))
            self._held.setdefault(table, {})
            self._made[table] = {}
        return blank

    def _forget_indexes(self, table: str) -> None:
        for key in [key for key in self._indexes if key[0] == table]:
            del self._indexes[key]

    def change(self, table: str, record_id: int, row: int, values: Mapping[str, Any]) -> bool:
        """Set values of a record, None too; returns whether anything differed."""
        record = self.get(table, record_id)
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

    def archive(self, table: str, record_id: int, row: int) -> bool:
        """Take a record out of use; it gets its moment when it is written."""
        return self.change(table, record_id, row, {"archived_at": _ARCHIVED})

    def write(self, work: Transaction) -> Iterator[list[Line]]:
        """Put everything into the database, part by part; yields a line per record. The books are spent by it."""
        self.spent = True
        ids: dict[int, int] = {}
        for table in _ORDER:
            for block in self._blocks.pop(table, ()):
                for start in range(0, len(block.rows), _PART):
                    yield self._write_block(work, table, block, start, ids)
            made = self._made.pop(table, {})
            while part := list(islice(made.items(), _PART)):
                yield self._write_made(work, table, part, ids)
                # Let go of what is written: the batch's lines take its place in memory.
                for record_id, _row in part:
                    del made[record_id], self._held[table][record_id]
        for table in _ORDER:
            changed = list(self._before.get(table, {}).items())
            for start in range(0, len(changed), _PART):
                yield self._write_changed(work, table, changed[start : start + _PART], ids)

    def _write_block(self, work: Transaction, table: str, block: _Block, start: int, ids: dict[int, int]) -> list[Line]:
        rows = block.rows[start : start + _PART]
        columns = {}
        for name, cells in block.columns.items():
            columns[name] = cells[:_PART]
            # Let go of what is written: the batch's lines take its place in memory.
            del cells[:_PART]
            if name in _REFERENCES:
                columns[name] = [value if value is None or value > 0 else ids[value] for value in columns[name]]
        new_ids = work.insert_columns(table, columns, len(rows))
        if f"{table}_id" in _REFERENCES:
            ids.update(zip(block.ids[start : start + _PART], new_ids, strict=True))
        return [Line(row, "new", table, new_id, 1) for row, new_id in zip(rows, new_ids, strict=True)]

    def _write_made(
        self, work: Transaction, table: str, made: list[tuple[int, int]], ids: dict[int, int]
    ) -> list[Line]:
        columns, held = list(self._blanks[table]), self._held[table]
        references = [n for n, column in enumerate(columns) if column in _REFERENCES]
        packed = itemgetter(*columns)
        rows: list[Row] = []
        for record_id, _row in made:
            record = held[record_id]
            values = record if isinstance(record, tuple) else packed(record)
            for n in references:
                if values[n] is not None and values[n] < 0:
                    values = (*values[:n], ids[values[n]], *values[n + 1 :])
            rows.append(values)
        new_ids = work.insert_many(table, columns, rows)
        if f"{table}_id" in _REFERENCES:
            ids.update((record_id, new_id) for (record_id, _row), new_id in zip(made, new_ids, strict=True))
        return [Line(row, "new", table, new_id, 1) for (_id, row), new_id in zip(made, new_ids, strict=True)]

    def _write_changed(
        self, work: Transaction, table: str, changed: list[tuple[int, tuple[int, Record]]], ids: dict[int, int]
    ) -> list[Line]:
        lines = []
        # Records that were changed the same way go together: one statement per set of columns.
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for record_id, (row, before) in changed:
            record = self.get(table, record_id)
            after = {column: record[column] for column in before if record[column] != before[column]}
            if not after:
                continue
            for column in _REFERENCES:
                if after.get(column) is not None and after[column] < 0:
                    after[column] = ids[after[column]]
            if "archived_at" in after:
                after["archived_at"] = work.now
            columns = tuple(sorted(after))
            groups.setdefault(columns, []).append((record_id, record["version"], *(after[c] for c in columns)))
            old = {column: before[column] for column in after}
            lines.append(Line(row, "updated", table, record_id, record["version"] + 1, _encode(old), _encode(after)))
        for columns, rows in groups.items():
            work.update_many(table, columns, rows)
        return lines


# How many records are on their way at once: enough for speed, few enough for memory.
_PART = 2_000
