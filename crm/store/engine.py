"""The two engines behind one small interface; the only module that knows a database driver.

Embedded (a path): one process owns the file, a cursor serves each read, write transactions queue behind one process
lock. Server (`postgresql://…`): pooled connections; write transactions queue behind one advisory lock, so that both
engines give the same isolation. One SQL text serves both, with `$1` parameters; lines that start with `--server:` run
on the server only. What was measured to require each rule here: docs/decisions/0004-two-engines.md.
"""

import fcntl
import gc
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import duckdb

from crm.errors import DatabaseBusy, DatabaseUnusable
from crm.locale import _
from crm.store.text import pinyin_initials

if TYPE_CHECKING:
    import pandas as pd
    import psycopg
    import pyarrow as pa

Row = tuple[Any, ...]
_WRITE_LOCK_KEY = 5_174_001
_RETRIES = 5


class Params(list[Any]):
    """The values of a statement under construction; `add` returns the mark that stands for the value."""

    def add(self, value: Any) -> str:
        """Bind a value and return its mark, `$1`, `$2`, …"""
        self.append(value)
        return f"${len(self)}"


class Session(ABC):
    """Something that runs statements: a read, or the one write transaction of the moment."""

    @abstractmethod
    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run a query and return all its rows."""

    @abstractmethod
    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it touched."""

    @abstractmethod
    def frame(self, sql: str, params: Sequence[Any] = ()) -> "pd.DataFrame":
        """Run a query and return a frame: DECIMAL as float64, DATE and TIMESTAMP as datetime64."""

    @abstractmethod
    def table(self, sql: str, params: Sequence[Any] = ()) -> "pa.Table":
        """Run a query and return its columns as Arrow data, exact values kept: for results of many rows."""

    @abstractmethod
    def load(self, table: str, columns: Sequence[str], rows: "Sequence[Row] | pd.DataFrame") -> None:
        """Insert many rows at once; `columns` name the values of each row."""

    @abstractmethod
    def load_columns(self, table: str, columns: Mapping[str, Sequence[Any]], same: Mapping[str, Any]) -> None:
        """Insert many records at once, given by column; `same` holds what is the same in all of them."""

    @abstractmethod
    def update_from(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> int:
        """Set `columns` of many records at once and return how many were; each row is (id, version, *values).

        Only records whose version is still the given one are touched, and their version goes up by one.
        """

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """Run a query and return its first row, if any."""
        found = self.rows(sql, params)
        return found[0] if found else None

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Run a query and return the first column of its first row, None where there is none."""
        found = self.row(sql, params)
        return found[0] if found else None

    def records(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query and return its rows as dictionaries, exact values kept."""
        names, found = self.named_rows(sql, params)
        return [dict(zip(names, row, strict=True)) for row in found]

    @abstractmethod
    def named_rows(self, sql: str, params: Sequence[Any] = ()) -> tuple[list[str], list[Row]]:
        """Run a query and return its column names and rows."""


class Database(ABC):
    """An open database; safe to share among threads."""

    url: str
    is_server: bool

    def __init__(self) -> None:
        self._columns: dict[str, tuple[str, ...]] = {}

    @abstractmethod
    def reading(self) -> Any:
        """Open a read session as a context manager; statements see only committed data."""

    @abstractmethod
    def snapshot(self) -> Any:
        """Open a read session as a context manager that sees one moment throughout, while others write on."""

    @abstractmethod
    def transaction(self) -> Any:
        """Open the write transaction as a context manager: commits at its end, rolls back on any error."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""

    @abstractmethod
    def run_script(self, session: Session, sql: str) -> None:
        """Run the statements of a schema file in the given transaction, server-only lines where they belong."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run one query outside a transaction."""
        with self.reading() as session:
            return cast("list[Row]", session.rows(sql, params))

    def value(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Run one query and return the first value."""
        with self.reading() as session:
            return session.value(sql, params)

    def records(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one query and return dictionaries, exact values kept."""
        with self.reading() as session:
            return cast("list[dict[str, Any]]", session.records(sql, params))

    def frame(self, sql: str, params: Sequence[Any] = ()) -> "pd.DataFrame":
        """Run one query and return a frame (see `Session.frame`)."""
        with self.reading() as session:
            return cast("pd.DataFrame", session.frame(sql, params))

    def columns(self, table: str) -> tuple[str, ...]:
        """Return a table's columns: the registry that every identifier in a built statement comes from."""
        if not self._columns:
            found: dict[str, list[str]] = {}
            for name, column in self.rows(
                "select table_name, column_name from information_schema.columns"
                " where table_schema = current_schema() order by table_name, ordinal_position"
            ):
                found.setdefault(name, []).append(column)
            self._columns = {name: tuple(columns) for name, columns in found.items()}
        return self._columns[table]

    def forget_columns(self) -> None:
        """Read the registry anew after the schema changed."""
        self._columns = {}


# ---------------------------------------------------------------------------------------------------------- embedded


class _EmbeddedSession(Session):
    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._cursor.execute(sql, list(params)).fetchall()

    def named_rows(self, sql: str, params: Sequence[Any] = ()) -> tuple[list[str], list[Row]]:
        result = self._cursor.execute(sql, list(params))
        return [column[0] for column in result.description or ()], result.fetchall()

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        found = self._cursor.execute(sql, list(params)).fetchall()
        return int(found[0][0]) if found and len(found[0]) == 1 and isinstance(found[0][0], int) else -1

    def frame(self, sql: str, params: Sequence[Any] = ()) -> "pd.DataFrame":
        return self._cursor.execute(sql, list(params)).df()

    def table(self, sql: str, params: Sequence[Any] = ()) -> "pa.Table":
        return self._cursor.sql(sql, params=list(params)).to_arrow_table()

    def load(self, table: str, columns: Sequence[str], rows: "Sequence[Row] | pd.DataFrame") -> None:
        import pandas as pd

        if not len(rows):
            return
        if not isinstance(rows, pd.DataFrame):
            self.load_columns(table, dict(zip(columns, zip(*rows, strict=True), strict=True)), {})
        else:
            names = ", ".join(columns)
            with self._registered(rows):
                self._cursor.execute(f"insert into {table} ({names}) select {names} from crm_bulk")

    def load_columns(self, table: str, columns: Mapping[str, Sequence[Any]], same: Mapping[str, Any]) -> None:
        # Half the columns of an import say the same in every row: they need not be carried there.
        varying = dict(list(columns.items())[:1])
        same = dict(same)
        for name, cells in columns.items():
            if name not in varying:
                if cells.count(cells[0]) == len(cells):
                    same[name] = cells[0]
                else:
                    varying[name] = cells
        params = Params()
        names = ", ".join([*varying, *same])
        selected = ", ".join([*varying, *("null" if value is None else params.add(value) for value in same.values())])
        with self._registered(_record_batch(varying)):
            self._cursor.execute(f"insert into {table} ({names}) select {selected} from crm_bulk", params)

    def update_from(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        names = ["id", "version", *columns]
        with self._registered(_record_batch(dict(zip(names, zip(*rows, strict=True), strict=True)))):
            return self.execute(_bulk_update(table, columns))

    @contextmanager
    def _registered(self, source: Any) -> Iterator[None]:
        self._cursor.register("crm_bulk", source)
        try:
            yield
        finally:
            self._cursor.unregister("crm_bulk")


def _record_batch(columns: Mapping[str, Sequence[Any]]) -> "pa.RecordBatchReader":
    """Return columns as Arrow hands them to the engine."""
    import pyarrow as pa

    # The default pool keeps what it had; this one gives it back.
    pool = pa.system_memory_pool()
    arrays = [pa.array(cells, memory_pool=pool) for cells in columns.values()]
    batch = pa.record_batch(arrays, names=list(columns))
    # A registered table is held in memory until the transaction ends, a reader only until it is read.
    return pa.RecordBatchReader.from_batches(batch.schema, iter([batch]))


class EmbeddedDatabase(Database):
    """A DuckDB file, owned by this process while open."""

    is_server = False

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        super().__init__()
        self.url, self._path = str(path), path
        self._guard = None if read_only else _claim(path)
        self._write_lock = threading.Lock()
        try:
            self._root = self._open(path, read_only)
        except BaseException:
            self._release()
            raise

    @staticmethod
    def _open(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            root = duckdb.connect(str(path), read_only=read_only)
        except duckdb.Error as error:
            if "could not set lock" in _words_of(error, path):
                raise DatabaseBusy(_in_use(path)) from error
            raise DatabaseUnusable(_damaged(path)) from error
        folder = str(path.resolve().parent).replace("'", "''")
        # The order matters: nothing can be changed after lock_configuration.
        for statement in (
            f"set allowed_directories = ['{folder}/']",
            "set global TimeZone = 'UTC'",
            "set memory_limit = '2GB'",
            "set threads = 2",
            "set wal_autocheckpoint = '64MB'",
            # Global, since a plain set would not reach the cursors.
            "set global default_null_order = 'postgres'",
            "set global integer_division = true",
            "set autoinstall_known_extensions = false",
            "set autoload_known_extensions = false",
            "set python_enable_replacements = false",
            "set enable_external_access = false",
            "set lock_configuration = true",
        ):
            root.execute(statement)
        return root

    @contextmanager
    def reading(self) -> Iterator[Session]:
        cursor = self._root.cursor()
        try:
            with _plain_errors(self._path):
                yield _EmbeddedSession(cursor)
        finally:
            cursor.close()

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        with self.reading() as session:
            session.execute("begin")
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._write_lock:
            cursor = self._root.cursor()
            try:
                with _plain_errors(self._path):
                    cursor.execute("begin")
                    try:
                        yield _EmbeddedSession(cursor)
                        cursor.execute("commit")
                    except BaseException:
                        with suppress(duckdb.Error):
                            cursor.execute("rollback")
                        raise
            finally:
                cursor.close()

    def run_script(self, session: Session, sql: str) -> None:
        session.execute("\n".join(line for line in sql.splitlines() if not line.startswith("--server:")))

    def close(self) -> None:
        with suppress(duckdb.Error):
            self._root.close()
        self._release()

    def _release(self) -> None:
        if self._guard:
            self._guard.close()
            self._guard = None


def _claim(path: Path) -> IO[str]:
    """Take the lock beside the file, with this process's number inside for whoever finds it taken."""
    guard_path = path.with_name(path.name + ".lock")
    try:
        guard = guard_path.open("a+")
    except OSError as error:
        raise DatabaseUnusable(
            _("The folder {folder} cannot be written to. Check that it exists and its permissions.", folder=path.parent)
        ) from error
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        guard.close()
        raise DatabaseBusy(_in_use(path)) from error
    guard.truncate(0)
    guard.write(str(os.getpid()))
    guard.flush()
    return guard


def _in_use(path: Path) -> Any:
    with suppress(OSError):
        owner = path.with_name(path.name + ".lock").read_text().strip()
        if owner:
            return _(
                "The database {path} is in use by process {pid} (the running app, most likely):"
                " use the app, or stop it and run the command again.",
                path=path,
                pid=owner,
            )
    return _("The database {path} is in use by another process: stop it and run the command again.", path=path)


def _damaged(path: Path) -> Any:
    return _("The database file {path} cannot be opened: it is damaged, not a database or not readable.", path=path)


def _words_of(error: duckdb.Error, path: Path) -> str:
    """What the driver says, without the path: a folder named `disk1` or `lock` must not be taken for the reason."""
    text = str(error)
    for name in (str(path.resolve()), str(path)):
        text = text.replace(name, "")
    return text.lower()


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """Turn a full disk, a dead instance and a damaged file into one sentence."""
    try:
        yield
    except (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException) as error:
        text = _words_of(error, path)
        if "no space" in text or "could not write" in text or "disk" in text:
            raise DatabaseUnusable(
                _("The disk is full: nothing was saved. Make room on it, restart the app and save again.")
            ) from error
        # A file that was cut or overwritten opens, and shows only where the missing part is read.
        if "could not read" in text or "corrupt" in text or "checksum" in text:
            raise DatabaseUnusable(_damaged(path)) from error
        raise


# ------------------------------------------------------------------------------------------------------------ server


class _ServerSession(Session):
    def __init__(self, cursor: "psycopg.RawCursor[Row]") -> None:
        self._cursor = cursor

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._run(sql, params).fetchall()

    def named_rows(self, sql: str, params: Sequence[Any] = ()) -> tuple[list[str], list[Row]]:
        cursor = self._run(sql, params)
        return [column.name for column in cursor.description or ()], cursor.fetchall()

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        return self._run(sql, params).rowcount

    def frame(self, sql: str, params: Sequence[Any] = ()) -> "pd.DataFrame":
        import pandas as pd

        cursor = self._run(sql, params)
        description = cursor.description or ()
        frame = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in description])
        for column in description:
            kind = column.type_display
            if kind.startswith("numeric"):
                frame[column.name] = frame[column.name].astype("float64")
            elif kind.startswith(("date", "timestamp")):
                frame[column.name] = pd.to_datetime(frame[column.name])
        return frame

    def table(self, sql: str, params: Sequence[Any] = ()) -> "pa.Table":
        import pyarrow as pa

        names, rows = self.named_rows(sql, params)
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return pa.table([pa.array(column) for column in columns], names=names)

    def load(self, table: str, columns: Sequence[str], rows: "Sequence[Row] | pd.DataFrame") -> None:
        import pandas as pd

        if isinstance(rows, pd.DataFrame):
            frame = rows.astype(object).where(rows.notna(), None)
            rows = list(frame[list(columns)].itertuples(index=False, name=None))
        with self._cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
            for row in rows:
                copy.write_row(row)

    def load_columns(self, table: str, columns: Mapping[str, Sequence[Any]], same: Mapping[str, Any]) -> None:
        constants = tuple(same.values())
        self.load(table, [*columns, *same], [(*row, *constants) for row in zip(*columns.values(), strict=True)])

    def update_from(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> int:
        if not rows:
            return 0
        names = ["id", "version", *columns]
        self.execute(
            f"create temporary table crm_bulk on commit drop as select {', '.join(names)} from {table} limit 0"
        )
        self.load("crm_bulk", names, rows)
        touched = self.execute(_bulk_update(table, columns))
        self.execute("drop table crm_bulk")
        return touched

    def _run(self, sql: str, params: Sequence[Any]) -> "psycopg.RawCursor[Row]":
        return self._cursor.execute(cast("Any", sql), list(params) or None)


class ServerDatabase(Database):
    """A PostgreSQL-protocol server; many app processes may share it."""

    is_server = True

    def __init__(self, url: str) -> None:
        super().__init__()
        try:
            import psycopg
            import psycopg_pool
        except ImportError as error:
            raise DatabaseUnusable(
                _("PostgreSQL support is not installed: install the package with its extra “postgres”.")
            ) from error
        self.url = url
        self._psycopg = psycopg
        try:
            self._pool: psycopg_pool.ConnectionPool[Any] = psycopg_pool.ConnectionPool(
                url,
                min_size=1,
                max_size=10,
                timeout=30,
                kwargs={"cursor_factory": psycopg.RawCursor, "options": "-c timezone=UTC", "autocommit": True},
                open=False,
            )
            # Tried by itself first, so that a refusal is said at once and not after the pool's patience.
            with psycopg.connect(url, connect_timeout=10):
                pass
            self._pool.open(wait=True, timeout=30)
        except (psycopg.OperationalError, psycopg_pool.PoolTimeout, psycopg.ProgrammingError) as error:
            raise DatabaseUnusable(
                _("The database server cannot be reached: check the address, the password and that it is running.")
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._pool.connection() as connection, connection.cursor() as cursor:
            yield _ServerSession(cursor)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            yield _ServerSession(cursor)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            cursor.execute(f"select pg_advisory_xact_lock({_WRITE_LOCK_KEY})")
            yield _ServerSession(cursor)

    def run_script(self, session: Session, sql: str) -> None:
        session.execute(sql.replace("\n--server: ", "\n"))

    def close(self) -> None:
        self._pool.close()


# ------------------------------------------------------------------------------------------------------------ common


def _bulk_update(table: str, columns: Sequence[str]) -> str:
    assignments = "".join(f", {column} = b.{column}" for column in columns)
    return (
        f"update {table} as t set version = t.version + 1{assignments}"
        " from crm_bulk b where t.id = b.id and t.version = b.version"
    )


def is_server_url(url: str) -> bool:
    """Whether the address names a server rather than a file."""
    return url.startswith(("postgresql://", "postgres://"))


def open_database(url: str, *, must_exist: bool = True) -> Database:
    """Open the database at a path or `postgresql://` address.

    Raises DatabaseUnusable where it is missing or unreadable, DatabaseBusy where another process owns the file.
    """
    if is_server_url(url):
        return ServerDatabase(url)
    path = Path(url)
    if must_exist and not path.is_file():
        raise DatabaseUnusable(
            _("There is no database at {path}. Make one with “crm init”, or name another with --db.", path=path)
        )
    if not path.parent.is_dir():
        raise DatabaseUnusable(_("The folder {folder} does not exist. Make it first.", folder=path.parent))
    return EmbeddedDatabase(path)


def warm(database: Database) -> None:
    """Load what the first page needs and freeze it out of the garbage collector's walks (80 ms a rerun otherwise)."""
    import pandas  # noqa: F401  # loaded for its side effect
    import pyarrow  # noqa: F401

    database.frame("select 1 as one")
    pinyin_initials("暖")  # reads the table of first letters, which every search and every saved name needs
    gc.collect()
    gc.freeze()
