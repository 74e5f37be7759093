"""Backing up the whole database."""

from datetime import datetime
from pathlib import Path

from crm import permissions
from crm.model import Actor
from crm.store import Database
from crm.store import backup as write_backup


def back_up(database: Database, actor: Actor, folder: Path, *, now: datetime) -> dict[str, int]:
    """Write the database and the attached files into a new folder and return the rows of each table that has any.

    Raises Denied, Refused where the folder exists, DatabaseUnusable where it cannot be written.
    """
    permissions.require_right(actor, permissions.Action.BACK_UP)
    return {table: rows for table, rows in write_backup(database, folder, now=now).items() if rows}
