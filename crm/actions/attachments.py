"""Attaching files to records, taking them off again, handing them out: every download is in the audit trail."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from crm import media, permissions
from crm.errors import Denied, Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor, FileDraft
from crm.permissions import Action
from crm.store import Database, Transaction, content_hash, staged, stored_file, transaction

MOST_FILES = 10


class Download(NamedTuple):
    """A file to hand out: its name, media type and where its bytes lie."""

    name: str
    media_type: str
    path: Path


def attach(
    database: Database, actor: Actor, subject: str, subject_id: int, files: Sequence[FileDraft], *, now: datetime
) -> list[int]:
    """Attach files to a record and return their ids, all of them or none.

    A file that hangs there already under the same name is not attached again. Raises Invalid, NotFound, Denied.
    """
    if problems := check_files(files):
        raise Invalid(problems)
    with (
        staged(database, [file.content for file in files]) as keep,
        transaction(database, actor=actor.login, now=now) as work,
    ):
        permissions.require_attached(work, actor, Action.EDIT, subject, subject_id)
        keep()
        return [insert_attachment(work, subject, subject_id, file) for file in files]


def check_files(files: Sequence[FileDraft]) -> dict[str, Message]:
    """Name the first file that may not be attached."""
    if len(files) > MOST_FILES:
        return {"files": _("At most {count} files at a time.", count=MOST_FILES)}
    for file in files:
        if problem := media.file_problem(file.name, file.content):
            return {"files": problem}
    return {}


def insert_attachment(work: Transaction, subject: str, subject_id: int, file: FileDraft) -> int:
    """Insert the row of a checked file whose bytes are in place, within a transaction that has asked for the right."""
    name = media.file_name(file.name)
    digest = content_hash(file.content)
    same = work.rows(
        "select id from attachment where subject = $1 and subject_id = $2 and name = $3 and sha256 = $4"
        " and archived_at is null",
        [subject, subject_id, name, digest],
    )
    if same:
        return int(same[0][0])
    values = {"subject": subject, "subject_id": subject_id, "name": name}
    return work.insert(
        "attachment",
        {**values, "size": len(file.content), "sha256": digest, "media_type": media.media_type(name)},
        action="attach",
    )


def withdraw_attachment(database: Database, actor: Actor, attachment_id: int, version: int, *, now: datetime) -> None:
    """Take a file off its record: one's own, or any of a record that one may withdraw. The bytes stay."""
    with transaction(database, actor=actor.login, now=now) as work:
        record = work.get("attachment", attachment_id)
        subject, subject_id = record["subject"], record["subject_id"]
        permissions.require_attached(work, actor, Action.EDIT, subject, subject_id)
        if record["archived_at"] is not None:
            raise NotFound
        if record["created_by"] != actor.login and not permissions.allowed(
            work, actor, Action.WITHDRAW, subject, subject_id
        ):
            raise Denied
        work.update("attachment", attachment_id, version, {"archived_at": now}, action="withdraw")


def download_attachment(database: Database, actor: Actor, attachment_id: int, *, now: datetime) -> Download:
    """Record that a file is handed out and say where its bytes lie; raises NotFound outside the reader's scope."""
    with database.reading() as session:
        found = session.records("select * from attachment where id = $1 and archived_at is null", [attachment_id])
        if not found:
            raise NotFound
        record = found[0]
        permissions.require_attached(session, actor, Action.READ, record["subject"], record["subject_id"])
    path = stored_file(database, record["sha256"])
    if not path.is_file():
        raise NotFound(_("The content of this file is missing on the server. Tell your administrator."))
    with transaction(database, actor=actor.login, now=now) as work:
        work.record_change("download", "attachment", attachment_id, None, {"name": record["name"]})
    return Download(record["name"], record["media_type"], path)
