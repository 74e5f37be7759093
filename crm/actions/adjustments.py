"""Points that a unit is given or loses in a month (加减分): set, changed, withdrawn, each with reason and evidence.

A closed month may be adjusted too: what was published stays, and the change appears in “published vs now”.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from crm import permissions
from crm.errors import Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor
from crm.months import Month
from crm.permissions import Action
from crm.rules import points_problem
from crm.store import Database, Transaction, transaction

FIELDS = ("unit_id", "month", "points", "reason", "evidence")


def add_adjustment(database: Database, actor: Actor, values: Mapping[str, Any], *, now: datetime, today: date) -> int:
    """Give or take points (see FIELDS; `month` as YYYY-MM) and return the id; raises Invalid per field, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require_right(actor, Action.ADJUST)
        given = _checked(work, _given(values), None, today=today)
        permissions.require_for_unit(actor, Action.ADJUST, given["unit_id"])
        return work.insert("adjustment", given)


def change_adjustment(
    database: Database,
    actor: Actor,
    adjustment_id: int,
    version: int,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    today: date,
) -> None:
    """Change an adjustment if it is still of this version; raises Invalid per field, Conflict, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        before = _live(work, actor, adjustment_id)
        given = _given(changes)
        after = _checked(work, {name: before[name] for name in FIELDS} | given, adjustment_id, today=today)
        permissions.require_for_unit(actor, Action.ADJUST, after["unit_id"])
        work.update("adjustment", adjustment_id, version, after)


def withdraw_adjustment(
    database: Database, actor: Actor, adjustment_id: int, version: int, *, reason: str, now: datetime
) -> None:
    """Take an adjustment back for a reason; it stays in the audit trail."""
    with transaction(database, actor=actor.login, now=now) as work:
        _live(work, actor, adjustment_id)
        if not reason.strip():
            raise Invalid({"reason": _("Say why the points are taken back.")})
        work.update("adjustment", adjustment_id, version, {"archived_at": now}, action="withdraw", note=reason.strip())


def _live(work: Transaction, actor: Actor, adjustment_id: int) -> dict[str, Any]:
    permissions.require(work, actor, Action.ADJUST, "adjustment", adjustment_id)
    record = work.get("adjustment", adjustment_id)
    if record["archived_at"] is not None:
        raise NotFound
    return record


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise KeyError(f"not editable: {sorted(unknown)}")
    return {name: value.strip() or None if isinstance(value, str) else value for name, value in values.items()}


def _checked(work: Transaction, values: Mapping[str, Any], adjustment_id: int | None, *, today: date) -> dict[str, Any]:
    """Return the whole of an adjustment, checked; one of a unit, month and reason."""
    after = dict.fromkeys(FIELDS) | dict(values)
    problems: dict[str, Message] = {}
    if after["unit_id"] is None:
        problems["unit_id"] = _("Choose the unit.")
    if after["month"] is None:
        problems["month"] = _("Choose the month.")
    elif Month.parse(after["month"]) > Month.of(today):
        problems["month"] = _("The month {month} has not begun yet.", month=after["month"])
    if problem := points_problem(after["points"]):
        problems["points"] = problem
    if after["reason"] is None:
        problems["reason"] = _("Say what the points are for.")
    if after["evidence"] is None:
        problems["evidence"] = _("Name the evidence: the circular, the ledger or the order.")
    if not problems and work.rows(
        "select 1 from adjustment where unit_id = $1 and month = $2 and reason = $3 and id <> $4"
        " and archived_at is null",
        [after["unit_id"], after["month"], after["reason"], adjustment_id or 0],
    ):
        problems["reason"] = _("The unit has points for this reason in this month already.")
    if problems:
        raise Invalid(problems)
    work.require("unit", after["unit_id"])
    return after
