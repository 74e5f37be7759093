"""What forms and filters offer: industries, segments and an enterprise's projects, in official order."""

from dataclasses import dataclass

from crm import permissions
from crm.model import Actor
from crm.store import Database, Params


@dataclass(frozen=True)
class Segment:
    """A link of a chain."""

    id: int
    industry_id: int
    tier: str
    name: str
    role: str


def industry_names(database: Database) -> dict[int, str]:
    """Return the key industries by id."""
    return dict(
        (int(row[0]), str(row[1]))
        for row in database.rows("select id, name from industry where archived_at is null order by display_order, id")
    )


def segments(database: Database, industry_id: int | None = None) -> list[Segment]:
    """List the segments of a chain, or of all."""
    return [
        Segment(*row)
        for row in database.rows(
            "select id, industry_id, tier, name, coalesce(role, '') from segment"
            " where archived_at is null order by display_order, id"
        )
        if industry_id in (None, row[1])
    ]


def open_projects(database: Database, actor: Actor, enterprise_id: int) -> dict[int, str]:
    """Return an enterprise's projects that are not withdrawn, within the reader's scope, by id."""
    params = Params()
    scope = permissions.visible(actor, permissions.Action.READ, "project", "p", params)
    rows = database.rows(
        f"select p.id, p.name from project p where p.enterprise_id = {params.add(enterprise_id)}"
        f" and p.archived_at is null and p.status <> 'withdrawn' and {scope} order by p.entered_on desc",
        params,
    )
    return {int(row[0]): str(row[1]) for row in rows}
