"""Units as their administrator sees them: official order, groups, other names."""

from dataclasses import dataclass
from datetime import date

from crm import permissions
from crm.model import Actor
from crm.store import Database


@dataclass(frozen=True)
class Alias:
    """Another name of a unit, for a time or for ever."""

    id: int
    version: int
    name: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class UnitRow:
    """A unit with its other names."""

    id: int
    version: int
    code: str
    name: str
    short_name: str
    kind: str
    peer_group: str
    display_order: int
    parent_id: int | None
    aliases: tuple[Alias, ...]


def list_units(database: Database, actor: Actor) -> list[UnitRow]:
    """List the units in official order; raises Denied."""
    permissions.require_right(actor, permissions.Action.MANAGE_REFERENCE)
    aliases: dict[int, list[Alias]] = {}
    for unit_id, *alias in database.rows(
        "select unit_id, id, version, name, valid_from, valid_to from unit_alias where archived_at is null"
        " order by valid_to is not null, valid_to desc, id"
    ):
        aliases.setdefault(unit_id, []).append(Alias(*alias))
    return [
        UnitRow(**row, aliases=tuple(aliases.get(row["id"], ())))
        for row in database.records(
            "select id, version, code, name, short_name, kind, peer_group, display_order, parent_id from unit"
            " where archived_at is null order by display_order, id"
        )
    ]
