"""Logging a contact (对接记录): the enterprise, found or new; what was said; the next step and its date.

Who logged a contact may change it or take it back for a day. Afterwards it stands, and a further contact that names it
corrects it: what was counted in a month is not rewritten behind the month's back.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from crm import permissions
from crm.actions.attachments import check_files, insert_attachment
from crm.actions.enterprises import insert_enterprise
from crm.errors import Denied, Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor, FollowUpDraft
from crm.store import Database, Transaction, staged, transaction

_LONGEST = 4000
_CHANGEABLE = timedelta(days=1)
_TOKEN_LIFETIME = timedelta(days=1)


class Logged(NamedTuple):
    """The contact that was logged and the enterprise it belongs to, which may be new."""

    follow_up_id: int
    enterprise_id: int


def log_follow_up(database: Database, actor: Actor, draft: FollowUpDraft, *, now: datetime, today: date) -> Logged:
    """Log one contact; a form sent twice (same `form_token`) is logged once.

    In one transaction: the new enterprise if any, the follow-up with its unit and author as of now, the
    enterprise's last and next contact, the earlier steps that this contact settles, the files that came with it. Raises
    Invalid, NotFound, Denied.
    """
    problems = check_follow_up(draft, today=today)
    if problems:
        raise Invalid(problems)
    with (
        staged(database, [file.content for file in draft.files]) as keep,
        transaction(database, actor=actor.login, now=now) as work,
    ):
        if draft.form_token:
            known = work.rows(
                "select id, enterprise_id from follow_up where created_at > $1 and form_token = $2 and created_by = $3",
                [now - _TOKEN_LIFETIME, draft.form_token, actor.login],
            )
            if known:
                return Logged(*known[0])
        if draft.new_enterprise is not None:
            enterprise_id = insert_enterprise(work, actor, draft.new_enterprise)
        else:
            # check_follow_up demands one of the two.
            enterprise_id = int(draft.enterprise_id or 0)
            permissions.require(work, actor, permissions.Action.EDIT, "enterprise", enterprise_id)
        enterprise = work.get("enterprise", enterprise_id)
        if enterprise["archived_at"] is not None:
            raise NotFound
        _check_project(work, actor, draft.project_id, enterprise_id)
        _check_corrected(work, draft.corrects_id, enterprise_id)
        follow_up_id = work.insert(
            "follow_up",
            {
                **_values(draft),
                "enterprise_id": enterprise_id,
                "corrects_id": draft.corrects_id,
                "unit_id": actor.unit_id if actor.unit_id is not None else enterprise["owner_unit_id"],
                "author_id": actor.account_id,
                "author": actor.name or actor.login,
                "form_token": draft.form_token or None,
            },
        )
        for done_id in draft.done_follow_up_ids:
            _settle(work, done_id, enterprise_id)
        refresh_contact_dates(work, enterprise_id)
        keep()
        for file in draft.files:
            insert_attachment(work, "follow_up", follow_up_id, file)
    return Logged(follow_up_id, enterprise_id)


def may_change(created_at: datetime, *, now: datetime) -> bool:
    """Whether a contact logged at a moment may still be changed or taken back by who logged it."""
    return now - created_at <= _CHANGEABLE


def change_follow_up(
    database: Database,
    actor: Actor,
    follow_up_id: int,
    version: int,
    draft: FollowUpDraft,
    *,
    now: datetime,
    today: date,
) -> Logged:
    """Change a contact of one's own within a day of logging it, by the rules of logging; the enterprise stays.

    A next step that is worded or dated anew is open again. Raises Invalid after that day, Denied for somebody else's
    contact, Conflict where it was changed meanwhile.
    """
    with (
        staged(database, [file.content for file in draft.files]) as keep,
        transaction(database, actor=actor.login, now=now) as work,
    ):
        permissions.require(work, actor, permissions.Action.EDIT, "follow_up", follow_up_id)
        record = work.get("follow_up", follow_up_id)
        enterprise_id = int(record["enterprise_id"])
        if record["archived_at"] is not None:
            raise NotFound
        if record["created_by"] != actor.login:
            raise Denied(_("Only who logged a contact may change it."))
        if not may_change(record["created_at"], now=now):
            raise Invalid({"follow_up": _("A contact can be changed for one day; log a correction instead.")})
        problems = check_follow_up(replace(draft, enterprise_id=enterprise_id, new_enterprise=None), today=today)
        if problems:
            raise Invalid(problems)
        if draft.project_id != record["project_id"]:
            _check_project(work, actor, draft.project_id, enterprise_id)
        values = _values(draft)
        if any(values[column] != record[column] for column in ("next_step", "next_due_on")):
            values["done_at"] = None
        work.update("follow_up", follow_up_id, version, values)
        for done_id in draft.done_follow_up_ids:
            if done_id != follow_up_id:
                _settle(work, done_id, enterprise_id)
        refresh_contact_dates(work, enterprise_id)
        keep()
        for file in draft.files:
            insert_attachment(work, "follow_up", follow_up_id, file)
    return Logged(follow_up_id, enterprise_id)


def _values(draft: FollowUpDraft) -> dict[str, Any]:
    """Return what a checked draft says of the contact itself."""
    return {
        "project_id": draft.project_id,
        "happened_on": draft.happened_on,
        "method": str(draft.method),
        "our_people": draft.our_people.strip() or None,
        "their_people": draft.their_people.strip() or None,
        "content": draft.content.strip(),
        "outcome": draft.outcome.strip() or None,
        "difficulty": draft.difficulty.strip() or None,
        "next_step": draft.next_step.strip() or None,
        "next_due_on": draft.next_due_on,
    }


def check_follow_up(draft: FollowUpDraft, *, today: date) -> dict[str, Message]:
    """Name what is missing or impossible in a contact, by field."""
    problems: dict[str, Message] = {}
    if draft.enterprise_id is None and draft.new_enterprise is None:
        problems["enterprise"] = _("Choose the enterprise, or add a new one.")
    if draft.happened_on is None:
        problems["happened_on"] = _("Give the date of the contact.")
    elif draft.happened_on > today:
        problems["happened_on"] = _("The contact is dated {day}, later than today.", day=draft.happened_on)
    if draft.method is None:
        problems["method"] = _("Choose how the contact was made.")
    if not draft.content.strip():
        problems["content"] = _("Write what was said.")
    elif len(draft.content) > _LONGEST:
        problems["content"] = _("The text is longer than {count} characters.", count=_LONGEST)
    if draft.next_due_on is not None and draft.happened_on is not None and draft.next_due_on < draft.happened_on:
        problems["next_due_on"] = _("The next step is due before the contact itself.")
    return problems | check_files(draft.files)


def withdraw_follow_up(
    database: Database, actor: Actor, follow_up_id: int, version: int, *, reason: str, now: datetime
) -> None:
    """Take a contact back within a day of logging it; it stays in the audit trail. Raises Invalid after that day."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.WITHDRAW, "follow_up", follow_up_id)
        record = work.get("follow_up", follow_up_id)
        if not may_change(record["created_at"], now=now):
            raise Invalid({"follow_up": _("A contact can be taken back for one day; log a correction instead.")})
        work.update("follow_up", follow_up_id, version, {"archived_at": now}, action="withdraw", note=reason or None)
        refresh_contact_dates(work, record["enterprise_id"])


def finish_step(database: Database, actor: Actor, follow_up_id: int, version: int, *, now: datetime) -> None:
    """Mark the next step of a contact as done."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "follow_up", follow_up_id)
        work.update("follow_up", follow_up_id, version, {"done_at": now}, action="finish_step")
        refresh_contact_dates(work, work.get("follow_up", follow_up_id)["enterprise_id"])


def reopen_step(database: Database, actor: Actor, follow_up_id: int, version: int, *, now: datetime) -> None:
    """Mark the next step of a contact as open again; raises Conflict, NotFound, Denied."""
    _change_step(database, actor, follow_up_id, version, {"done_at": None}, "reopen_step", now)


def postpone_step(
    database: Database,
    actor: Actor,
    follow_up_id: int,
    version: int,
    due_on: date | None,
    *,
    reason: str,
    now: datetime,
    today: date,
) -> None:
    """Give the next step of a contact another due date, with the reason; raises Invalid, Conflict, NotFound, Denied."""
    problems: dict[str, Message] = {}
    if due_on is None or due_on < today:
        problems["due_on"] = _("Choose a new due date, today or later.")
    if not reason.strip():
        problems["reason"] = _("Say why the step is postponed.")
    elif len(reason) > _LONGEST:
        problems["reason"] = _("The text is longer than {count} characters.", count=_LONGEST)
    if problems:
        raise Invalid(problems)
    changes = {"next_due_on": due_on}
    _change_step(database, actor, follow_up_id, version, changes, "postpone_step", now, reason.strip())


def _change_step(
    database: Database,
    actor: Actor,
    follow_up_id: int,
    version: int,
    changes: dict[str, Any],
    action: str,
    now: datetime,
    note: str | None = None,
) -> None:
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "follow_up", follow_up_id)
        record = work.get("follow_up", follow_up_id)
        if record["archived_at"] is not None:
            raise NotFound
        work.update("follow_up", follow_up_id, version, changes, action=action, note=note)
        refresh_contact_dates(work, record["enterprise_id"])


def refresh_contact_dates(work: Transaction, enterprise_id: int) -> None:
    """Set an enterprise's last contact and next due date to what its follow-ups say."""
    last, following = work.rows(
        "select max(happened_on), min(next_due_on) filter (where done_at is null)"
        " from follow_up where enterprise_id = $1 and archived_at is null",
        [enterprise_id],
    )[0]
    version = work.value("select version from enterprise where id = $1", [enterprise_id])
    work.update(
        "enterprise", enterprise_id, version, {"last_contact_on": last, "next_contact_on": following}, action="contact"
    )


def _check_project(work: Transaction, actor: Actor, project_id: int | None, enterprise_id: int) -> None:
    if project_id is not None and (
        work.find("project", id=project_id, enterprise_id=enterprise_id) is None
        or not permissions.allowed(work, actor, permissions.Action.READ, "project", project_id)
    ):
        raise Invalid({"project": _("This project does not belong to the enterprise.")})


def _check_corrected(work: Transaction, corrects_id: int | None, enterprise_id: int) -> None:
    if corrects_id is not None and not work.rows(
        "select 1 from follow_up where id = $1 and enterprise_id = $2 and archived_at is null",
        [corrects_id, enterprise_id],
    ):
        raise Invalid({"corrects": _("The contact to be corrected is not one of this enterprise.")})


def _settle(work: Transaction, follow_up_id: int, enterprise_id: int) -> None:
    earlier = work.find("follow_up", id=follow_up_id, enterprise_id=enterprise_id)
    if earlier is not None and earlier["done_at"] is None:
        work.update("follow_up", follow_up_id, earlier["version"], {"done_at": work.now}, action="finish_step")
