"""The files that hang on records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crm import permissions
from crm.model import Actor
from crm.permissions import Action
from crm.store import Database, Params, Session


@dataclass(frozen=True)
class Attachment:
    """A file as a list shows it; `size` in bytes."""

    id: int
    version: int
    name: str
    size: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True)
class Files:
    """The files of a record, the oldest first, and what the reader may do about them."""

    files: list[Attachment]
    may_attach: bool
    may_withdraw_any: bool


def attachments(database: Database, actor: Actor, subject: str, subject_id: int) -> Files:
    """Return the files of a record; raises NotFound outside the reader's scope."""
    with database.reading() as session:
        permissions.require_attached(session, actor, Action.READ, subject, subject_id)
        may = {a: permissions.allowed(session, actor, a, subject, subject_id) for a in (Action.EDIT, Action.WITHDRAW)}
        files = attached(session, subject, [subject_id]).get(subject_id, [])
    return Files(files, may[Action.EDIT], may[Action.EDIT] and may[Action.WITHDRAW])


def attached(session: Session, subject: str, subject_ids: Sequence[int]) -> dict[int, list[Attachment]]:
    """Return the files of records that the reader is known to see, by record."""
    if not subject_ids:
        return {}
    params = Params()
    kind, marks = params.add(subject), ", ".join(map(params.add, subject_ids))
    found: dict[int, list[Attachment]] = {}
    for subject_id, *rest in session.rows(
        "select subject_id, id, version, name, size, created_at, created_by from attachment"
        f" where subject = {kind} and subject_id in ({marks}) and archived_at is null order by id",
        params,
    ):
        found.setdefault(subject_id, []).append(Attachment(*rest))
    return found
