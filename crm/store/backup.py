"""Backup: every table as Parquet files, the attached files, and a manifest with counts and checksums.

It is the same from either engine, and one taken from one engine restores into the other: it is also the road from a
file to a server.
"""

import hashlib
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from crm.errors import DatabaseUnusable, Refused
from crm.locale import _
from crm.store.engine import Database, Session
from crm.store.files import copy_files, files_folder, place_in
from crm.store.migrations import migrate, schema_files

_MANIFEST = "manifest.json"
_FILES = "files"
_ROWS_A_FILE = 200_000
# Made anew by the migrations of the restored database.
_NOT_COPIED = frozenset({"schema_version"})


def backup(database: Database, folder: Path, *, now: datetime) -> dict[str, int]:
    """Write the whole database into a new folder and return the rows of each table.

    It is the database as of one moment; nobody waits for it. The folder appears only when the backup is whole. Raises
    Refused where it exists, DatabaseUnusable where it cannot be written.
    """
    if folder.exists():
        raise Refused(_("{folder} exists already: name a new folder for the backup.", folder=folder))
    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        with database.snapshot() as session:
            schema = int(session.value("select max(number) from schema_version"))
            tables = {name: _write(session, name, partial) for name in _tables(session)}
            named = [row[0] for row in session.rows("select distinct sha256 from attachment order by sha256")]
        # Attached files are never changed: those of that moment are still there.
        files = copy_files(files_folder(database), partial / _FILES, named)
        made_at = now.isoformat(timespec="seconds")
        manifest = {"schema": schema, "made_at": made_at, "tables": tables, "files": files}
        (partial / _MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise DatabaseUnusable(
            _("The folder {folder} cannot be written to. Check that it exists and its permissions.", folder=folder)
        ) from error
    return {name: table["rows"] for name, table in tables.items()} | {_FILES: len(files)}


def _tables(session: Session) -> list[str]:
    return [
        row[0]
        for row in session.rows(
            "select table_name from information_schema.tables where table_schema = current_schema()"
            " and table_type = 'BASE TABLE' order by table_name"
        )
        if row[0] not in _NOT_COPIED
    ]


def _write(session: Session, table: str, folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    files: dict[str, str] = {}
    rows, key = 0, "key" if table == "setting" else "id"
    last: Any = "" if table == "setting" else -1
    while True:
        part = session.table(f"select * from {table} where {key} > $1 order by {key} limit {_ROWS_A_FILE}", [last])
        if part.num_rows == 0:
            return {"rows": rows, "files": files}
        path = folder / f"{table}.{len(files):04d}.parquet"
        pq.write_table(part, path)
        files[path.name] = _checksum(path)
        rows += part.num_rows
        last = part.column(key)[-1].as_py()


def check_backup(folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup after checking every file of it; raises Refused for a damaged one."""
    damaged = Refused(_("{folder} is not a whole backup: nothing was restored.", folder=folder))
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text("utf-8"))
        schema, tables = int(manifest["schema"]), manifest["tables"]
        wrong = [
            name
            for table in tables.values()
            for name, checksum in table["files"].items()
            if Path(name).name != name or _checksum(folder / name) != checksum
        ]
        # Backups of earlier versions hold no attached files.
        wrong += [name for name in manifest.get(_FILES, ()) if _checksum(place_in(folder / _FILES, name)) != name]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged from error
    if wrong:
        raise Refused(_("The backup {folder} is damaged ({file}): nothing was restored.", folder=folder, file=wrong[0]))
    if schema > schema_files()[-1][0]:
        raise Refused(_("The backup was made by a newer version of this program: update the program and try again."))
    return manifest


def fill_from(database: Database, folder: Path, manifest: dict[str, Any], *, now: datetime) -> None:
    """Load a checked backup into a database with nothing in it, all or nothing, and count it."""
    import pyarrow.parquet as pq

    # Under the schema it was taken from; what came later is done to it as to any older database.
    migrate(database, now=now, upto=int(manifest["schema"]))
    copy_files(folder / _FILES, files_folder(database), manifest.get(_FILES, ()))
    with database.transaction() as session:
        newest = 0
        for table, content in manifest["tables"].items():
            known = database.columns(table)
            for name in content["files"]:
                part = pq.read_table(folder / name)
                columns = [column for column in part.column_names if column in known]
                session.load(table, columns, list(zip(*(part.column(c).to_pylist() for c in columns), strict=True)))
                if "id" in columns:
                    newest = max(newest, part.column("id")[-1].as_py())
            if session.value(f"select count(*) from {table}") != content["rows"]:
                raise Refused(_("{folder} is not a whole backup: nothing was restored.", folder=folder))
        # Ids go on where they were: the sequence has no other way forward that both engines know.
        missing = newest - int(session.value("select nextval('record_id')"))
        if missing > 0:
            session.rows(
                "select max(n) from (select nextval('record_id') as n from generate_series(1, $1)) as used", [missing]
            )
    migrate(database, now=now)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
