"""News of an enterprise (投资动态): what became known of its investing, with the day and the source."""

from datetime import date, datetime

from crm import permissions
from crm.errors import Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor, MovementDraft, MovementKind
from crm.permissions import Action
from crm.store import Database, Transaction, transaction

_LONGEST = 2000
_LONGEST_SOURCE = 300


def log_movement(
    database: Database, actor: Actor, enterprise_id: int, draft: MovementDraft, *, now: datetime, today: date
) -> int:
    """Log news of an enterprise, or a comment, and return its id; the same of the same day is logged once."""
    values = _checked(draft, today=today)
    with transaction(database, actor=actor.login, now=now) as work:
        right = Action.COMMENT if draft.kind is MovementKind.COMMENT else Action.EDIT
        permissions.require(work, actor, right, "enterprise", enterprise_id)
        if work.get("enterprise", enterprise_id)["archived_at"] is not None:
            raise NotFound
        known = work.value(
            "select id from movement where enterprise_id = $1 and happened_on = $2 and kind = $3 and content = $4"
            " and archived_at is null",
            [enterprise_id, values["happened_on"], values["kind"], values["content"]],
        )
        if known is not None:
            return int(known)
        return work.insert("movement", {"enterprise_id": enterprise_id, **values})


def change_movement(
    database: Database,
    actor: Actor,
    movement_id: int,
    version: int,
    draft: MovementDraft,
    *,
    now: datetime,
    today: date,
) -> None:
    """Change news that was logged; raises Conflict where somebody else did meanwhile."""
    values = _checked(draft, today=today)
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.EDIT, "movement", movement_id)
        _live(work, movement_id)
        work.update("movement", movement_id, version, values)


def withdraw_movement(database: Database, actor: Actor, movement_id: int, version: int, *, now: datetime) -> None:
    """Take news back; it stays in the audit trail."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.WITHDRAW, "movement", movement_id)
        _live(work, movement_id)
        work.update("movement", movement_id, version, {"archived_at": now}, action="withdraw")


def check_movement(draft: MovementDraft, *, today: date) -> dict[str, Message]:
    """Name what is missing or impossible in news, by field."""
    problems: dict[str, Message] = {}
    if draft.happened_on is None:
        problems["happened_on"] = _("Give the date of the news.")
    elif draft.happened_on > today:
        problems["happened_on"] = _("The news is dated {day}, later than today.", day=draft.happened_on)
    if draft.kind is None:
        problems["kind"] = _("Choose what the news is about.")
    if not draft.content.strip():
        problems["content"] = _("Write what is new.")
    elif len(draft.content) > _LONGEST:
        problems["content"] = _("The text is longer than {count} characters.", count=_LONGEST)
    if len(draft.source) > _LONGEST_SOURCE:
        problems["source"] = _("The text is longer than {count} characters.", count=_LONGEST_SOURCE)
    return problems


def _checked(draft: MovementDraft, *, today: date) -> dict[str, object]:
    if problems := check_movement(draft, today=today):
        raise Invalid(problems)
    return {
        "happened_on": draft.happened_on,
        "kind": str(draft.kind),
        "content": draft.content.strip(),
        "source": draft.source.strip() or None,
    }


def _live(work: Transaction, movement_id: int) -> None:
    if work.get("movement", movement_id)["archived_at"] is not None:
        raise NotFound
