"""Logging a contact (对接记录): the enterprise, found or new; what was said; the next step and its date."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from crm import permissions
from crm.actions.enterprises import insert_enterprise
from crm.errors import Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor, FollowUpDraft
from crm.store import Database, Transaction, transaction

_LONGEST = 4000
# A person may take back or mend a contact of their own for a day; afterwards it is corrected by a further entry.
_WITHDRAWABLE = timedelta(days=1)
_TOKEN_LIFETIME = timedelta(days=1)


class Logged(NamedTuple):
    """The contact that was logged and the enterprise it belongs to, which may be new."""

    follow_up_id: int
    enterprise_id: int


def log_follow_up(database: Database, actor: Actor, draft: FollowUpDraft, *, now: datetime, today: date) -> Logged:
    """Log one contact; a form sent twice (same `form_token`) is logged once.

    In one transaction: the new enterprise if any, the follow-up with its unit and author as of now, the
    enterprise's last and next contact, the earlier steps that this contact settles. Raises Invalid, NotFound, Denied.
    """
    problems = check_follow_up(draft, today=today)
    if problems:
        raise Invalid(problems)
    with transaction(database, actor=actor.login, now=now) as work:
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
        follow_up_id = work.insert(
            "follow_up",
            {
                "enterprise_id": enterprise_id,
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
                "unit_id": actor.unit_id if actor.unit_id is not None else enterprise["owner_unit_id"],
                "author_id": actor.account_id,
                "author": actor.name or actor.login,
                "form_token": draft.form_token or None,
            },
        )
        for done_id in draft.done_follow_up_ids:
            _settle(work, done_id, enterprise_id)
        refresh_contact_dates(work, enterprise_id)
    return Logged(follow_up_id, enterprise_id)


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
    return problems


def withdraw_follow_up(
    database: Database, actor: Actor, follow_up_id: int, version: int, *, reason: str, now: datetime
) -> None:
    """Take a contact back within a day of logging it; it stays in the audit trail. Raises Invalid after that day."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.WITHDRAW, "follow_up", follow_up_id)
        record = work.get("follow_up", follow_up_id)
        if now - record["created_at"] > _WITHDRAWABLE:
            raise Invalid({"follow_up": _("A contact can be taken back for one day; log a correction instead.")})
        work.update("follow_up", follow_up_id, version, {"archived_at": now}, action="withdraw", note=reason or None)
        refresh_contact_dates(work, record["enterprise_id"])


def finish_step(database: Database, actor: Actor, follow_up_id: int, version: int, *, now: datetime) -> None:
    """Mark the next step of a contact as done."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "follow_up", follow_up_id)
        work.update("follow_up", follow_up_id, version, {"done_at": now}, action="finish_step")
        refresh_contact_dates(work, work.get("follow_up", follow_up_id)["enterprise_id"])


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


def _settle(work: Transaction, follow_up_id: int, enterprise_id: int) -> None:
    earlier = work.find("follow_up", id=follow_up_id, enterprise_id=enterprise_id)
    if earlier is not None and earlier["done_at"] is None:
        work.update("follow_up", follow_up_id, earlier["version"], {"done_at": work.now}, action="finish_step")
