"""Append-only schema: numbered files, each applied with its `schema_version` row in one transaction.

A migration that is killed leaves nothing behind and is applied again at the next start.
"""

from datetime import datetime
from importlib import resources

from crm.errors import DatabaseUnusable
from crm.locale import _
from crm.store.engine import Database


def schema_files() -> list[tuple[int, str, str]]:
    """List the shipped schema files as (number, name, text), in order."""
    folder = resources.files("crm.store").joinpath("schema")
    names = sorted(item.name for item in folder.iterdir() if item.name[:4].isdigit() and item.name.endswith(".sql"))
    return [(int(name[:4]), name, folder.joinpath(name).read_text("utf-8")) for name in names]


def applied_version(database: Database) -> int:
    """Return the number of the newest applied schema file, 0 for a database without one."""
    present = database.value(
        "select count(*) from information_schema.tables"
        " where table_schema = current_schema() and table_name = 'schema_version'"
    )
    return int(database.value("select coalesce(max(number), 0) from schema_version")) if present else 0


def migrate(database: Database, *, now: datetime, upto: int | None = None) -> list[str]:
    """Bring the database to the newest schema, or to that of a number, and return the names of the files applied."""
    current = applied_version(database)
    files = schema_files()
    if current > files[-1][0]:
        raise DatabaseUnusable(
            _("The database was made by a newer version of this program: update the program and try again.")
        )
    pending = [file for file in files if current < file[0] <= (upto or files[-1][0])]
    for number, name, text in pending:
        with database.transaction() as session:
            database.run_script(session, text)
            session.execute(
                "insert into schema_version (number, name, applied_at) values ($1, $2, $3)", [number, name, now]
            )
    if pending:
        views = resources.files("crm.store").joinpath("schema/views.sql").read_text("utf-8")
        with database.transaction() as session:
            database.run_script(session, views)
        database.forget_columns()
    return [name for _number, name, _text in pending]
