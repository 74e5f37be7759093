"""The timetable with an enterprise (对接时间表): planned steps, each done by a contact that was logged.

A step counts as done while the contact that did it stands; taking the contact back opens the step again.
"""

from datetime import date, datetime, timedelta

from crm import permissions
from crm.errors import Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action
from crm.rules import USUAL_STEPS
from crm.store import Database, Transaction, transaction

_LONGEST_STEP, _LONGEST_OWNER = 200, 40


def add_step(
    database: Database,
    actor: Actor,
    enterprise_id: int,
    *,
    step: str,
    planned_on: date | None,
    owner: str = "",
    now: datetime,
) -> int:
    """Plan one more step with an enterprise and return its id; raises Invalid per field, NotFound, Denied."""
    values = _checked(step, planned_on, owner)
    with transaction(database, actor=actor.login, now=now) as work:
        _require_live(work, actor, enterprise_id)
        return work.insert("engagement_step", {"enterprise_id": enterprise_id, **values})


def add_usual_steps(
    database: Database, actor: Actor, enterprise_id: int, *, starts_on: date | None, owner: str = "", now: datetime
) -> None:
    """Plan the usual steps (`rules.USUAL_STEPS`) from a day on, in the language of the moment.

    Raises Invalid where a timetable stands already, NotFound, Denied.
    """
    if starts_on is None:
        raise Invalid({"starts_on": _("Give the day of the first step.")})
    planned = [(str(step), starts_on + timedelta(days=days)) for step, days in USUAL_STEPS]
    with transaction(database, actor=actor.login, now=now) as work:
        _require_live(work, actor, enterprise_id)
        if work.rows(
            "select 1 from engagement_step where enterprise_id = $1 and archived_at is null limit 1", [enterprise_id]
        ):
            raise Invalid({"starts_on": _("This enterprise has a timetable already: add single steps to it.")})
        for step, day in planned:
            work.insert("engagement_step", {"enterprise_id": enterprise_id, **_checked(step, day, owner)})


def change_step(
    database: Database,
    actor: Actor,
    step_id: int,
    version: int,
    *,
    step: str,
    planned_on: date | None,
    owner: str = "",
    now: datetime,
) -> None:
    """Change what a step is, when it is planned and whose it is; raises Invalid, Conflict, NotFound, Denied."""
    values = _checked(step, planned_on, owner)
    with transaction(database, actor=actor.login, now=now) as work:
        _require_step(work, actor, step_id)
        work.update("engagement_step", step_id, version, values)


def remove_step(database: Database, actor: Actor, step_id: int, version: int, *, now: datetime) -> None:
    """Take a step out of the timetable; it stays in the audit trail. Raises Conflict, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        _require_step(work, actor, step_id)
        work.update("engagement_step", step_id, version, {"archived_at": now}, action="remove")


def finish_step_by_contact(
    database: Database, actor: Actor, step_id: int, version: int, follow_up_id: int, *, now: datetime
) -> None:
    """Mark a step as done by a contact with the same enterprise; raises Invalid, Conflict, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        enterprise_id = _require_step(work, actor, step_id)
        contact = work.find("follow_up", id=follow_up_id, enterprise_id=enterprise_id)
        if contact is None or contact["archived_at"] is not None:
            raise Invalid({"follow_up": _("Choose a contact with this enterprise.")})
        work.update("engagement_step", step_id, version, {"follow_up_id": follow_up_id}, action="finish_step")


def reopen_step(database: Database, actor: Actor, step_id: int, version: int, *, now: datetime) -> None:
    """Mark a step as open again; raises Conflict, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        _require_step(work, actor, step_id)
        work.update("engagement_step", step_id, version, {"follow_up_id": None}, action="reopen_step")


def _checked(step: str, planned_on: date | None, owner: str) -> dict[str, object]:
    """Return the columns of a step as typed; raises Invalid."""
    problems: dict[str, Message] = {}
    step, owner = step.strip(), owner.strip()
    if not step:
        problems["step"] = _("Say what the step is.")
    elif len(step) > _LONGEST_STEP:
        problems["step"] = _("The text is longer than {count} characters.", count=_LONGEST_STEP)
    if planned_on is None:
        problems["planned_on"] = _("Give the day for which the step is planned.")
    if len(owner) > _LONGEST_OWNER:
        problems["owner"] = _("The text is longer than {count} characters.", count=_LONGEST_OWNER)
    if problems:
        raise Invalid(problems)
    return {"step": step, "planned_on": planned_on, "owner": owner or None}


def _require_live(work: Transaction, actor: Actor, enterprise_id: int) -> None:
    permissions.require(work, actor, Action.EDIT, "enterprise", enterprise_id)
    work.require("enterprise", enterprise_id)


def _require_step(work: Transaction, actor: Actor, step_id: int) -> int:
    """Demand a standing step that the actor may change and return its enterprise; raises NotFound, Denied."""
    permissions.require(work, actor, Action.EDIT, "engagement_step", step_id)
    step = work.get("engagement_step", step_id)
    if step["archived_at"] is not None:
        raise NotFound
    work.require("enterprise", step["enterprise_id"])
    return int(step["enterprise_id"])
