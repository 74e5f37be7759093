"""Imports that were made, for the Import page: newest first, within the reader's right."""

from dataclasses import dataclass
from datetime import datetime

from crm import permissions
from crm.model import Actor
from crm.permissions import Action, Scope
from crm.store import Database


@dataclass(frozen=True)
class Batch:
    """One import."""

    id: int
    kind: str
    file_name: str
    created_at: datetime
    created_by: str
    row_count: int
    new_count: int
    updated_count: int
    unchanged_count: int
    rejected_count: int
    warning_count: int
    reverted_at: datetime | None


def recent_batches(database: Database, actor: Actor, *, limit: int = 20) -> list[Batch]:
    """Return the newest imports: one's own, or everybody's for whoever may import for all."""
    permissions.require_right(actor, Action.IMPORT)
    everything = Scope.ALL in permissions.scopes(actor, Action.IMPORT)
    return [
        Batch(*row)
        for row in database.rows(
            "select id, kind, file_name, created_at, created_by, row_count, new_count, updated_count,"
            " unchanged_count, rejected_count, warning_count, reverted_at from import_batch"
            " where created_by = $1 or $2 order by id desc limit $3",
            [actor.login, everything, limit],
        )
    ]
