"""Confirming which chain segments enterprises fit: one or very many at once, taken back as one."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple

from crm import permissions
from crm.actions.change_sets import ChangeKind, Changes
from crm.errors import Denied, Invalid, NotFound
from crm.locale import _
from crm.model import Actor
from crm.permissions import Action
from crm.reports.vocabulary import in_force
from crm.store import Database, Params, Transaction, transaction


class Link(NamedTuple):
    """An enterprise and a segment that it fits."""

    enterprise_id: int
    segment_id: int


class Confirmed(NamedTuple):
    """What was linked: how many links and enterprises, and the change set that takes them back (None for nothing)."""

    links: int
    enterprises: int
    change_set_id: int | None


def confirm_segments(
    database: Database, actor: Actor, links: Collection[Link], *, now: datetime, today: date
) -> Confirmed:
    """Link enterprises to segments, each in the role that the segment wants; links that exist are passed over.

    An enterprise that is in the chain without a segment gets the segment on that link. For whoever may edit the
    enterprise, and for a task force within its own chains. Raises Invalid for a segment that takes no new links,
    NotFound, Denied; nothing is written then.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        segments = _segments(work, today)
        if any(link.segment_id not in segments for link in links):
            raise Invalid({"segment": _("This segment takes no new links.")})
        wanted = list(dict.fromkeys(links))
        _require(work, actor, wanted, segments)
        held, bare = _existing(work, {link.enterprise_id for link in wanted})
        changes = Changes(work, ChangeKind.SEGMENTS)
        made: list[tuple[int, int, int, str | None]] = []
        completed: list[tuple[dict[str, Any], dict[str, Any]]] = []
        placed = [link for link in wanted if link not in held]
        for link in placed:
            industry_id, role = segments[link.segment_id]
            bare_link = bare.pop((link.enterprise_id, industry_id), None)
            if bare_link is None:
                made.append((link.enterprise_id, industry_id, link.segment_id, role))
            else:
                completed.append((bare_link, {"segment_id": link.segment_id, "role": bare_link["role"] or role}))
        if made:
            changes.insert_many("enterprise_segment", ("enterprise_id", "industry_id", "segment_id", "role"), made)
        changes.update("enterprise_segment", completed)
        enterprises = len({link.enterprise_id for link in placed})
        return Confirmed(
            len(placed), enterprises, changes.finish({"links": len(placed), "count": enterprises}, count=enterprises)
        )


_Segments = dict[int, tuple[int, str | None]]


def _segments(work: Transaction, today: date) -> _Segments:
    """Return chain and wanted role of the segments that take new links."""
    params = Params()
    return {
        row[0]: (row[1], row[2])
        for row in work.rows(
            "select s.id, s.industry_id, s.role from segment s join industry i on i.id = s.industry_id"
            f" where s.archived_at is null and i.archived_at is null and {in_force('s', today, params)}"
            f" and {in_force('i', today, params)}",
            params,
        )
    }


def _require(work: Transaction, actor: Actor, links: list[Link], segments: _Segments) -> None:
    """Demand the right to link each enterprise; raises NotFound, Denied."""
    params = Params()
    ids = params.add([link.enterprise_id for link in links])
    read, edit, assign = (
        permissions.visible(actor, action, "enterprise", "e", params)
        for action in (Action.READ, Action.EDIT, Action.ASSIGN)
    )
    rights = {
        row[0]: row[1:]
        for row in work.rows(
            f"select e.id, {read}, {edit}, {assign} from enterprise e"
            f" where e.archived_at is null and e.id in (select unnest({ids}::bigint[]))",
            params,
        )
    }
    for link in links:
        may_read, may_edit, may_assign = rights.get(link.enterprise_id, (False, False, False))
        if not may_read:
            raise NotFound
        if not may_edit and not (may_assign and segments[link.segment_id][0] in actor.industry_ids):
            raise Denied


def _existing(
    work: Transaction, enterprise_ids: Collection[int]
) -> tuple[set[Link], dict[tuple[int, int], dict[str, Any]]]:
    """Return the links that these enterprises have, and by enterprise and chain those without a segment."""
    links = work.records(
        "select * from enterprise_segment where archived_at is null"
        " and enterprise_id in (select unnest($1::bigint[])) order by id",
        [list(enterprise_ids)],
    )
    held = {Link(row["enterprise_id"], row["segment_id"]) for row in links if row["segment_id"] is not None}
    bare = {(row["enterprise_id"], row["industry_id"]): row for row in links if row["segment_id"] is None}
    return held, bare
