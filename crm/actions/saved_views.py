"""Saved views: a page's filters under a name, for oneself or shared with everyone.

A view holds the query of an address and never data: whoever opens it sees what their own rights allow.
"""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from crm.errors import Denied, Invalid, NotFound
from crm.locale import _
from crm.model import Actor
from crm.store import Database, Transaction, transaction

_LONGEST_NAME, _LONGEST_QUERY = 40, 2000
# Where one stood in the list, and which record was open, belong to the moment.
_OF_THE_MOMENT = frozenset({"page", "id"})


def save_view(
    database: Database, actor: Actor, *, page: str, name: str, query: str, shared: bool = False, now: datetime
) -> int:
    """Save a page's query as a view of one's own and return its id; raises Invalid (at `name`)."""
    if actor.account_id is None:
        raise Denied
    kept = urlencode([pair for pair in parse_qsl(query.lstrip("?")) if pair[0] not in _OF_THE_MOMENT])
    if len(kept) > _LONGEST_QUERY:
        raise Invalid({"name": _("This filter is too long to be saved.")})
    with transaction(database, actor=actor.login, now=now) as work:
        _check_name(work, actor, page, name, None)
        values = {"owner_id": actor.account_id, "page": page, "name": name.strip(), "query": kept, "shared": shared}
        return work.insert("saved_view", values)


def rename_view(database: Database, actor: Actor, view_id: int, version: int, *, name: str, now: datetime) -> None:
    """Give a view of one's own another name; raises Invalid (at `name`), Conflict, NotFound."""
    with transaction(database, actor=actor.login, now=now) as work:
        view = _own(work, actor, view_id)
        _check_name(work, actor, view["page"], name, view_id)
        work.update("saved_view", view_id, version, {"name": name.strip()})


def share_view(database: Database, actor: Actor, view_id: int, version: int, *, shared: bool, now: datetime) -> None:
    """Show a view of one's own to everyone, or no longer; raises Conflict, NotFound."""
    with transaction(database, actor=actor.login, now=now) as work:
        _own(work, actor, view_id)
        work.update("saved_view", view_id, version, {"shared": shared})


def delete_view(database: Database, actor: Actor, view_id: int, version: int, *, now: datetime) -> None:
    """Put a view of one's own away; raises Conflict, NotFound."""
    with transaction(database, actor=actor.login, now=now) as work:
        _own(work, actor, view_id)
        work.update("saved_view", view_id, version, {"archived_at": now}, action="archive")


def _own(work: Transaction, actor: Actor, view_id: int) -> dict[str, Any]:
    view = work.get("saved_view", view_id)
    if view["archived_at"] is not None or actor.account_id is None or view["owner_id"] != actor.account_id:
        raise NotFound
    return view


def _check_name(work: Transaction, actor: Actor, page: str, name: str, view_id: int | None) -> None:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise Invalid({"name": _("Give the view a name of at most {count} characters.", count=_LONGEST_NAME)})
    taken = work.rows(
        "select id from saved_view where owner_id = $1 and page = $2 and name = $3 and archived_at is null",
        [actor.account_id, page, name],
    )
    if any(row[0] != view_id for row in taken):
        raise Invalid({"name": _("You have a view of this name already.")})
