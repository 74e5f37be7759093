"""The only door to a database.

Reading order: `engine` (two engines behind one interface), `migrations` (the schema), `records` (the write
transaction, versions and the audit chain), `text` (search keys), `reference` (what a new database holds), `files`
(attached files by their content), `backup`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from crm.errors import Refused
from crm.locale import _
from crm.store.backup import backup, check_backup, fill_from
from crm.store.engine import Database, Params, Row, Session, is_server_url, open_database, warm
from crm.store.files import content_hash, files_folder, staged, stored_file
from crm.store.migrations import applied_version, migrate
from crm.store.records import Transaction, last_change, to_json, transaction, verify_audit
from crm.store.reference import load_reference, mark_created, reference_rows, start_audit
from crm.store.text import like_pattern, name_key, normalised, pinyin, pinyin_initials, search_text

__all__ = [
    "Database",
    "Params",
    "Row",
    "Session",
    "Transaction",
    "applied_version",
    "backup",
    "connect",
    "content_hash",
    "create",
    "files_folder",
    "is_server_url",
    "last_change",
    "like_pattern",
    "migrate",
    "name_key",
    "normalised",
    "pinyin",
    "pinyin_initials",
    "reference_rows",
    "restore",
    "search_text",
    "staged",
    "stored_file",
    "to_json",
    "transaction",
    "utc_now",
    "verify_audit",
    "warm",
]


def utc_now() -> datetime:
    """Return the moment as UTC without zone, the way moments are stored."""
    return datetime.now(UTC).replace(tzinfo=None)


def connect(url: str) -> Database:
    """Open an existing database and bring its schema up to date."""
    database = open_database(url)
    try:
        if not _is_complete(database):
            raise Refused(_("There is no bureau in this database yet: run “crm init” first."))
        migrate(database, now=utc_now())
    except BaseException:
        database.close()
        raise
    return database


def create(url: str, *, actor: str = "system:init") -> Database:
    """Make a new database with its schema and reference data; refuses one that exists."""

    def fill(database: Database) -> None:
        now = utc_now()
        migrate(database, now=now)
        with transaction(database, actor=actor, now=now) as work:
            start_audit(work)
            load_reference(work)
            mark_created(work, now=now)

    return _made(url, fill)


def restore(folder: Path, url: str) -> Database:
    """Make a new database from a backup; refuses a damaged backup and a database that exists."""
    manifest = check_backup(folder)
    return _made(url, lambda database: fill_from(database, folder, manifest, now=utc_now()))


def _made(url: str, fill: Callable[[Database], None]) -> Database:
    """Make a database and fill it.

    A file is made under another name and renamed when whole, so that a killed process leaves nothing in the way.
    """
    if is_server_url(url):
        return _filled(open_database(url), fill)
    path, unfinished = Path(url), Path(url + ".new")
    if path.exists():
        raise Refused(_("A database already exists at {path}: nothing was changed.", path=url))
    for ending in ("", ".wal", ".lock"):
        Path(str(unfinished) + ending).unlink(missing_ok=True)
    _filled(open_database(str(unfinished), must_exist=False), fill).close()
    unfinished.rename(path)
    Path(str(unfinished) + ".lock").unlink()
    return open_database(url)


def _filled(database: Database, fill: Callable[[Database], None]) -> Database:
    try:
        if _is_complete(database):
            raise Refused(_("A database already exists at {path}: nothing was changed.", path="PostgreSQL"))
        fill(database)
    except BaseException:
        database.close()
        raise
    return database


def _is_complete(database: Database) -> bool:
    return applied_version(database) > 0 and bool(
        database.value("select count(*) from setting where key = 'created_at'")
    )
