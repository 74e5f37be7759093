"""The views that a person may open on a page: one's own, then those that others share."""

from dataclasses import dataclass

from crm.model import Actor
from crm.store import Database


@dataclass(frozen=True)
class SavedView:
    """A page's query under a name; `owner` is the name of whoever saved it."""

    id: int
    version: int
    name: str
    query: str
    shared: bool
    mine: bool
    owner: str


def saved_views(database: Database, actor: Actor, page: str) -> list[SavedView]:
    """List one's own views of a page by name, then the shared views of others by name."""
    if actor.account_id is None:
        return []
    rows = database.rows(
        "select v.id, v.version, v.name, v.query, v.shared, v.owner_id = $1, coalesce(a.name, '')"
        " from saved_view v left join account a on a.id = v.owner_id"
        " where v.page = $2 and v.archived_at is null and (v.owner_id = $1 or v.shared)"
        " order by v.owner_id <> $1, v.name, v.id",
        [actor.account_id, page],
    )
    return [SavedView(*row) for row in rows]
