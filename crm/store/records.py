"""Writes: one transaction at a time, every change in the audit chain of the same transaction.

`transaction()` gives a `Transaction`; its `insert` and `update` are the only ways to write a record, and
both record the change. The audit is a hash chain: each entry's hash covers its content and the hash before it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crm.errors import Conflict, NotFound
from crm.store.engine import Database, Params, Row, Session

STAMPS = ("id", "version", "created_at", "created_by", "updated_at", "updated_by")
GENESIS = "0" * 64
# Columns that never enter the audit in clear: they would outlive a password change or reveal a session.
_SECRET = frozenset(
    {"password_hash", "totp_secret", "token_hash", "setup_code_hash", "calendar_token_hash", "api_token_hash"}
)
_AUDIT_COLUMNS = (
    "id",
    "happened_at",
    "actor",
    "action",
    "subject",
    "subject_id",
    "before",
    "after",
    "note",
    "previous_hash",
    "hash",
)
# Up to this many rows a statement with bound values is quicker than a bulk load.
_FEW = 20


class Transaction:
    """The write transaction of the moment: who acts, when, and the statements of one thing a person does."""

    def __init__(self, database: Database, session: Session, actor: str, now: datetime) -> None:
        self.database = database
        self.session = session
        self.actor = actor
        self.now = now
        self._entries: list[tuple[str, str, int | None, str | None, str | None, str | None]] = []

    # Reads inside the transaction.

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run a query within the transaction."""
        return self.session.rows(sql, params)

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Run a query within the transaction and return its first value."""
        return self.session.value(sql, params)

    def records(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query within the transaction and return dictionaries."""
        return self.session.records(sql, params)

    def get(self, table: str, record_id: int) -> dict[str, Any]:
        """Return one record by its id; raises NotFound."""
        # Not through `find`: with an order and a limit the embedded engine would not use the primary key.
        found = self.session.records(f"select * from {self._table(table)} where id = $1", [record_id])
        if not found:
            raise NotFound
        return found[0]

    def find(self, table: str, **equals: Any) -> dict[str, Any] | None:
        """Return the one record with these values, None where there is none."""
        columns = self._checked(table, equals)
        where = " and ".join(f"{column} = ${n}" for n, column in enumerate(columns, 1))
        found = self.session.records(f"select * from {table} where {where} order by id limit 1", list(equals.values()))
        return found[0] if found else None

    def require(self, table: str, record_id: int | None) -> None:
        """Check a reference: the record exists and is not archived; None passes. Raises NotFound."""
        if record_id is not None and not self.session.rows(
            f"select 1 from {self._table(table)} where id = $1 and archived_at is null", [record_id]
        ):
            raise NotFound

    # Writes.

    def new_ids(self, count: int) -> Sequence[int]:
        """Allocate record ids, ascending."""
        numbers = f"select nextval('record_id') as n from generate_series(1, {int(count)})"
        low, high = self.session.rows(f"select min(n), max(n) from ({numbers}) as used")[0]
        # Writers come one after another, so that these are all in a row; were they ever not, they are named one by one.
        if count and high - low + 1 == count:
            return range(low, high + 1)
        return [row[0] for row in self.session.rows(f"{numbers} order by n")]

    def insert(self, table: str, values: Mapping[str, Any], *, action: str = "create", note: str | None = None) -> int:
        """Insert one record, record the change and return the new id."""
        columns = self._checked(table, values)
        values = {column: _storable(value) for column, value in values.items()}
        record_id = self.new_ids(1)[0]
        stamped = [record_id, 1, self.now, self.actor, self.now, self.actor, *values.values()]
        names = ", ".join([*STAMPS, *columns])
        marks = ", ".join(f"${n}" for n in range(1, len(stamped) + 1))
        self.session.execute(f"insert into {table} ({names}) values ({marks})", stamped)
        self.record_change(action, table, record_id, None, {c: v for c, v in values.items() if v is not None}, note)
        return record_id

    def update(
        self,
        table: str,
        record_id: int,
        version: int,
        changes: Mapping[str, Any],
        *,
        action: str = "update",
        note: str | None = None,
    ) -> bool:
        """Change one record if it is still of this version, and record what changed.

        Returns whether anything differed. Raises Conflict where the version has moved on, NotFound where there is
        no such record.
        """
        before = self.get(table, record_id)
        if before["version"] != version:
            raise Conflict
        wanted = {column: _storable(value) for column, value in changes.items()}
        differing = {column: value for column, value in wanted.items() if before[column] != value}
        if not differing:
            return False
        columns = self._checked(table, differing)
        assignments = ", ".join(f"{column} = ${n}" for n, column in enumerate(columns, 5))
        touched = self.session.execute(
            f"update {table} set {assignments}, version = version + 1, updated_at = $3, updated_by = $4"
            " where id = $1 and version = $2",
            [record_id, version, self.now, self.actor, *differing.values()],
        )
        if touched != 1:
            raise Conflict
        self.record_change(action, table, record_id, {c: before[c] for c in differing}, differing, note)
        return True

    def insert_many(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> Sequence[int]:
        """Insert many records at once and return their ids; the caller records what they mean in one entry."""
        self._checked(table, columns)
        ids = self.new_ids(len(rows))
        stamps = (1, self.now, self.actor, self.now, self.actor)
        self.session.load(table, [*STAMPS, *columns], [(i, *stamps, *row) for i, row in zip(ids, rows, strict=True)])
        return ids

    def insert_columns(self, table: str, columns: Mapping[str, Sequence[Any]], size: int) -> Sequence[int]:
        """Insert many records given by column, none of which may be left empty: `insert_many` for imports."""
        self._checked(table, columns)
        ids = self.new_ids(size)
        stamps = dict(zip(STAMPS[1:], (1, self.now, self.actor, self.now, self.actor), strict=True))
        self.session.load_columns(table, {"id": ids, **columns}, stamps)
        return ids

    def update_many(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Change many records at once; each row is (id, version, *values). Raises Conflict unless all were touched."""
        self._checked(table, columns)
        stamped = [(*row, self.now, self.actor) for row in rows]
        if self.session.update_from(table, [*columns, "updated_at", "updated_by"], stamped) != len(rows):
            raise Conflict

    def delete_many(self, table: str, record_ids: Sequence[int]) -> None:
        """Remove records that this program made and nothing refers to: only the revert of an import does this."""
        self._table(table)
        for start in range(0, len(record_ids), 1000):
            part = list(record_ids[start : start + 1000])
            marks = ", ".join(f"${n}" for n in range(1, len(part) + 1))
            self.session.execute(f"delete from {table} where id in ({marks})", part)

    def record_change(
        self,
        action: str,
        subject: str,
        subject_id: int | None,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        note: str | None = None,
    ) -> None:
        """Put one entry into the audit chain of this transaction."""
        self._entries.append((action, subject, subject_id, to_json(before), to_json(after), note))

    def finish(self) -> None:
        """Write the audit entries of the transaction, chained to the newest before them."""
        if not self._entries:
            return
        head_version, previous = self.session.rows("select version, hash from audit_head where id = 1")[0]
        chained = []
        for record_id, entry in zip(self.new_ids(len(self._entries)), self._entries, strict=True):
            content = (record_id, self.now, self.actor, *entry)
            digest = chain_hash(previous, content)
            chained.append((*content, previous, digest))
            previous = digest
        if len(chained) <= _FEW:
            params = Params()
            rows = ", ".join(f"({', '.join(map(params.add, row))})" for row in chained)
            self.session.execute(f"insert into audit ({', '.join(_AUDIT_COLUMNS)}) values {rows}", params)
        else:
            self.session.load("audit", _AUDIT_COLUMNS, chained)
        touched = self.session.execute(
            "update audit_head set version = version + 1, last_id = $3, hash = $4 where id = $1 and version = $2",
            [1, head_version, chained[-1][0], previous],
        )
        if touched != 1:
            raise Conflict

    def _table(self, table: str) -> str:
        self.database.columns(table)
        return table

    def _checked(self, table: str, columns: Sequence[str] | Mapping[str, Any]) -> list[str]:
        known = self.database.columns(table)
        names = list(columns)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise KeyError(f"{table} has no column {unknown}")
        return names


@contextmanager
def transaction(database: Database, *, actor: str, now: datetime) -> Iterator[Transaction]:
    """Open the write transaction of one action; its changes and their audit commit together or not at all."""
    # The registry is read before the write lock is taken, so that writers wait for nothing else.
    database.columns("audit")
    with database.transaction() as session:
        work = Transaction(database, session, actor, now)
        yield work
        work.finish()


def last_change(database: Database) -> int:
    """Return the number of the newest audit entry: as long as it stays, no record has changed."""
    return int(database.value("select last_id from audit_head where id = 1"))


def verify_audit(database: Database, progress: Callable[[int], None] | None = None) -> list[tuple[int, str]]:
    """Walk the audit chain and return what is broken as (entry id, kind); empty when whole.

    `progress` is told how many entries have been read.

    Kinds: `content` (an entry was edited), `link` (one was removed, inserted or moved), `head` (the newest were
    removed).
    """
    broken: list[tuple[int, str]] = []
    previous, last, batch, read = GENESIS, 0, 50_000, 0
    # Not from 1 on: an entry slipped in before the first must not escape.
    after = -(2**63)
    while True:
        found = database.rows(
            f"select {', '.join(_AUDIT_COLUMNS)} from audit where id > $1 order by id limit {batch}", [after]
        )
        for row in found:
            *content, linked, digest = row
            if linked != previous:
                broken.append((row[0], "link"))
            if chain_hash(linked, tuple(content)) != digest:
                broken.append((row[0], "content"))
            previous, last = digest, row[0]
        after, read = last, read + len(found)
        if progress is not None:
            progress(read)
        if len(found) < batch:
            break
    head = database.rows("select last_id, hash from audit_head where id = 1")
    if not head or tuple(head[0]) != (last, previous):
        broken.append((last, "head"))
    return broken


def chain_hash(previous: str, content: Row) -> str:
    """Return the hash of an audit entry: SHA-256 over the hash before it and its content."""
    text = json.dumps([previous, *(_plain(value) for value in content)], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_json(values: Mapping[str, Any] | None) -> str | None:
    """Write values as canonical JSON: sorted keys, dates and exact numbers as text, secrets left out."""
    if values is None:
        return None
    shown = {key: "•••" if key in _SECRET else _plain(value) for key, value in values.items()}
    return json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _storable(value: Any) -> Any:
    """Drop NUL from text: no keyboard types it, and the server engine refuses it."""
    return value.replace("\x00", "") if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
