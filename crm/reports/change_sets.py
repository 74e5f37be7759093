"""Changes of many records that a person may take back, as sentences, newest first."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm import permissions
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action, Scope
from crm.store import Database, Params


@dataclass(frozen=True)
class RecentChange:
    """One change of many records: what was done, to how many, by whom, and when it was taken back, if it was."""

    id: int
    kind: str
    sentence: Message
    count: int
    at: datetime
    by: str
    reverted_at: datetime | None


def recent_changes(database: Database, actor: Actor, *, limit: int = 20) -> list[RecentChange]:
    """List the changes of one's own; everybody's for those who may edit everything."""
    params = Params()
    own = "true" if Scope.ALL in permissions.scopes(actor, Action.EDIT) else f"s.created_by = {params.add(actor.login)}"
    rows = database.rows(
        "select s.id, s.kind, s.summary, s.record_count, s.created_at, coalesce(a.name, s.created_by), s.reverted_at"
        f" from change_set s left join account a on a.login = s.created_by where {own}"
        f" order by s.id desc limit {int(limit)}",
        params,
    )
    return [
        RecentChange(change_id, kind, _sentence(kind, json.loads(summary), count), count, made, by, reverted)
        for change_id, kind, summary, count, made, by, reverted in rows
    ]


def _sentence(kind: str, said: Mapping[str, Any], count: int) -> Message:
    if kind == "merge":
        return _("Merged “{other}” into “{kept}”", other=said["other"], kept=said["kept"])
    if kind == "grade":
        return (
            _("Grade {grade} for {count} enterprises", grade=said["grade"], count=count)
            if said["grade"]
            else _("No grade any more for {count} enterprises", count=count)
        )
    if kind == "tags":
        words = [f"+{said['add']}" if said["add"] else "", f"−{said['remove']}" if said["remove"] else ""]
        return _("Tags {tags} for {count} enterprises", tags=" ".join(filter(None, words)), count=count)
    if kind == "segments":
        return _("Segments for {count} enterprises", count=count)
    owner = " · ".join(filter(None, (said["unit"], said["person"])))
    return _("Owner {owner} for {count} enterprises", owner=owner, count=count)
