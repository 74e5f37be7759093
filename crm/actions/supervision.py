"""Supervision orders (督办单): raised from cards or freely, answered by the unit, escalated, extended, closed.

Whatever happens to an order is one `supervision_step` of the same transaction. An answer changes nothing of the order,
so that two people of a unit may answer at once; everything else carries the version that was read.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from crm import permissions
from crm.errors import Conflict, Invalid, NotFound, Refused
from crm.locale import Message, _
from crm.metrics import RuleSet
from crm.model import Actor, SupervisionEvent, SupervisionLevel
from crm.months import Month
from crm.permissions import Action
from crm.reports.cards import CardKey, cards, default_demand
from crm.rules import LEVEL_OF_CARD, ORDER_NUMBER, next_level, order_due_on
from crm.store import Database, Transaction, transaction

LONGEST_TEXT = 2_000


@dataclass(frozen=True)
class OrderDraft:
    """What a person typed about a new order: about a project (to the unit that holds it now) or about a unit.

    Without a day it is due as its level says.
    """

    level: SupervisionLevel | None
    demand: str
    unit_id: int | None = None
    project_id: int | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Raised:
    """What became of the chosen cards: the orders by id and number, and the cards passed over.

    `skipped` names the projects that have an open order for their card, `gone` counts cards that are shown no longer.
    """

    orders: dict[int, str]
    skipped: list[str]
    gone: int


def raise_order(database: Database, actor: Actor, draft: OrderDraft, *, now: datetime, today: date) -> tuple[int, str]:
    """Raise one order, of no card, and return its id and number; raises Invalid, NotFound, Denied."""
    permissions.require_right(actor, Action.SUPERVISE)
    problems: dict[str, Message] = {}
    if draft.level is None:
        problems["level"] = _("Choose the level.")
    if draft.project_id is None and draft.unit_id is None:
        problems["unit_id"] = _("Choose the unit.")
    _check_text(problems, "demand", draft.demand, _("Write what is demanded."))
    _check_due(problems, draft.due_on, today=today)
    if problems or draft.level is None:
        raise Invalid(problems)
    with transaction(database, actor=actor.login, now=now) as work:
        unit_id = draft.unit_id
        if draft.project_id is not None:
            unit_id = _unit_of(work, actor, draft.project_id)
        if unit_id is None:
            raise NotFound
        work.require("unit", unit_id)
        permissions.require_for_unit(actor, Action.SUPERVISE, unit_id)
        values: dict[str, Any] = {"unit_id": unit_id, "project_id": draft.project_id, "level": str(draft.level)}
        values |= {"demand": draft.demand.strip(), "due_on": draft.due_on or order_due_on(draft.level, today)}
        return _insert(work, values, _last_number(work, today.year) + 1, today=today)


def raise_from_cards(
    database: Database,
    actor: Actor,
    month: Month,
    rules: RuleSet,
    chosen: Collection[CardKey],
    *,
    level: SupervisionLevel | None = None,
    due_on: date | None = None,
    demand: str = "",
    now: datetime,
    today: date,
) -> Raised:
    """Raise an order for each of these cards of a month, all in one transaction.

    A card that has an open order is passed over. Without a level each order has that of its card's colour, without a
    day the one of its level, without a demand the text that its card gives. Raises Invalid, Denied.
    """
    permissions.require_right(actor, Action.SUPERVISE)
    problems: dict[str, Message] = {}
    if not chosen:
        problems["cards"] = _("Choose cards first.")
    if len(demand) > LONGEST_TEXT:
        problems["demand"] = _too_long()
    _check_due(problems, due_on, today=today)
    if problems:
        raise Invalid(problems)
    with transaction(database, actor=actor.login, now=now) as work:
        found = cards(work, actor, rules.period(month), rules, keys=set(chosen), size=None)
        open_ones = _open_cards(work, [card.project_id for card in found])
        number = _last_number(work, today.year)
        orders: dict[int, str] = {}
        skipped: list[str] = []
        for card in found:
            if card.key in open_ones:
                skipped.append(card.name)
                continue
            of_card = level or LEVEL_OF_CARD[card.colour]
            values = {
                "unit_id": _unit_of(work, actor, card.project_id),
                "project_id": card.project_id,
                "month": str(month),
                "card": str(card.kind),
                "level": str(of_card),
                "demand": demand.strip() or default_demand(card),
                "due_on": due_on or order_due_on(of_card, today),
            }
            number += 1
            order_id, text = _insert(work, values, number, today=today)
            orders[order_id] = text
        return Raised(orders, skipped, len(set(chosen)) - len(found))


def answer_order(database: Database, actor: Actor, order_id: int, content: str, *, now: datetime, today: date) -> None:
    """Put a unit's answer on record; raises Invalid, Refused for a closed order, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        order = _order(work, actor, Action.EDIT, order_id)
        _require_open(order)
        problems: dict[str, Message] = {}
        _check_text(problems, "content", content, _("Write what was done."))
        if problems:
            raise Invalid(problems)
        _add_step(work, order, SupervisionEvent.FEEDBACK, content, today=today, action="feedback")


def escalate_orders(
    database: Database,
    actor: Actor,
    chosen: Sequence[tuple[int, int]],
    *,
    due_on: date | None = None,
    reason: str = "",
    now: datetime,
    today: date,
) -> int:
    """Raise orders (id, version) that are overdue to the next level, all or none; returns how many.

    Without a day each is due as its new level says. Raises Invalid, Conflict, Refused where one is not due to rise,
    NotFound, Denied.
    """
    permissions.require_right(actor, Action.SUPERVISE)
    problems: dict[str, Message] = {}
    _check_due(problems, due_on, today=today)
    if len(reason) > LONGEST_TEXT:
        problems["reason"] = _too_long()
    if problems:
        raise Invalid(problems)
    with transaction(database, actor=actor.login, now=now) as work:
        for order_id, version in chosen:
            order = _order(work, actor, Action.SUPERVISE, order_id)
            if order["version"] != version:
                raise Conflict
            level = next_level(
                SupervisionLevel(order["level"]), due_on=order["due_on"], closed_on=order["closed_on"], today=today
            )
            if level is None:
                raise Refused(
                    _(
                        "{number} is not due to rise: only an overdue order below the highest level is.",
                        number=order["number"],
                    )
                )
            changes = {"level": str(level), "due_on": due_on or order_due_on(level, today)}
            content = reason.strip() or f"逾期未销号（原定{order['due_on']}前办结），升级督办。"
            _change(work, order, changes, SupervisionEvent.ESCALATED, content, today=today, action="escalate")
    return len(chosen)


def extend_order(
    database: Database,
    actor: Actor,
    order_id: int,
    version: int,
    *,
    due_on: date | None,
    reason: str,
    now: datetime,
    today: date,
) -> None:
    """Give an open order a later day, for a reason; raises Invalid, Conflict, Refused, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        order = _order(work, actor, Action.SUPERVISE, order_id)
        _require_open(order)
        problems: dict[str, Message] = {}
        if due_on is None:
            problems["due_on"] = _("Give the new day.")
        elif due_on <= order["due_on"]:
            problems["due_on"] = _("It is due on {day} already: give a later day.", day=order["due_on"])
        _check_due(problems, due_on, today=today)
        _check_text(problems, "reason", reason, _("Say why it may take longer."))
        if problems:
            raise Invalid(problems)
        event = SupervisionEvent.EXTENDED
        _change(work, order, {"due_on": due_on}, event, reason, version=version, today=today, action="extend")


def close_order(
    database: Database,
    actor: Actor,
    order_id: int,
    version: int,
    *,
    closed_on: date | None,
    result: str,
    now: datetime,
    today: date,
) -> None:
    """Close an order with its result (销号); raises Invalid, Conflict, Refused, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        order = _order(work, actor, Action.SUPERVISE, order_id)
        _require_open(order)
        problems: dict[str, Message] = {}
        if closed_on is None:
            problems["closed_on"] = _("Give the day on which it was done.")
        elif not order["issued_on"] <= closed_on <= today:
            problems["closed_on"] = _(
                "The day lies between {issued}, when it was issued, and today.", issued=order["issued_on"]
            )
        _check_text(problems, "result", result, _("Write the result."))
        if problems:
            raise Invalid(problems)
        changes = {"closed_on": closed_on, "result": result.strip()}
        event = SupervisionEvent.CLOSED
        _change(work, order, changes, event, result, version=version, today=today, action="close_order")


def reopen_order(
    database: Database,
    actor: Actor,
    order_id: int,
    version: int,
    *,
    due_on: date | None,
    reason: str,
    now: datetime,
    today: date,
) -> None:
    """Open a closed order again, for a reason and by a new day; its result stays in the timeline.

    Raises Invalid, Conflict, Refused where it is open or its card has another open order, NotFound, Denied.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        order = _order(work, actor, Action.SUPERVISE, order_id)
        if order["closed_on"] is None:
            raise Refused(_("{number} is open.", number=order["number"]))
        if order["card"] and (order["project_id"], order["card"]) in _open_cards(work, [order["project_id"]]):
            raise Refused(_("The card has another open order by now."))
        problems: dict[str, Message] = {}
        if due_on is None:
            problems["due_on"] = _("Give the new day.")
        _check_due(problems, due_on, today=today)
        _check_text(problems, "reason", reason, _("Say why it is opened again."))
        if problems:
            raise Invalid(problems)
        changes = {"closed_on": None, "result": None, "due_on": due_on}
        event = SupervisionEvent.REOPENED
        _change(work, order, changes, event, reason, version=version, today=today, action="reopen_order")


# -------------------------------------------------------------------------------------------------------------- shared


def _order(work: Transaction, actor: Actor, right: Action, order_id: int) -> dict[str, Any]:
    permissions.require(work, actor, right, "supervision_order", order_id)
    order = work.get("supervision_order", order_id)
    if order["archived_at"] is not None:
        raise NotFound
    return order


def _require_open(order: dict[str, Any]) -> None:
    if order["closed_on"] is not None:
        raise Refused(_("{number} is closed: open it again first.", number=order["number"]))


def _unit_of(work: Transaction, actor: Actor, project_id: int) -> int:
    """Return the unit that holds a project now; raises NotFound beyond the reader's scope."""
    permissions.require(work, actor, Action.READ, "project", project_id)
    work.require("project", project_id)
    return int(work.get("project", project_id)["unit_id"])


def _open_cards(work: Transaction, project_ids: Sequence[int]) -> set[CardKey]:
    """Return the cards of these projects that have an open order."""
    return set(
        work.rows(
            "select project_id, card from supervision_order where card is not null and closed_on is null"
            " and archived_at is null and project_id in (select unnest($1::bigint[]))",
            [list(project_ids)],
        )
    )


def _last_number(work: Transaction, year: int) -> int:
    """Return the largest number of a year. Writers come one after another, so that the next one is free."""
    before, after = ORDER_NUMBER.format(year=year, number="\n").split("\n")
    used = work.rows("select number from supervision_order where number like $1", [f"{before}%"])
    numbers = [text.removeprefix(before).removesuffix(after) for (text,) in used]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _insert(work: Transaction, values: dict[str, Any], number: int, *, today: date) -> tuple[int, str]:
    text = ORDER_NUMBER.format(year=today.year, number=number)
    order_id = work.insert("supervision_order", {**values, "number": text, "issued_on": today})
    step = {"order_id": order_id, "kind": str(SupervisionEvent.ISSUED), "happened_on": today}
    work.insert(
        "supervision_step",
        {**step, "level": values["level"], "due_on": values["due_on"], "content": values["demand"]},
    )
    return order_id, text


def _change(
    work: Transaction,
    order: dict[str, Any],
    changes: dict[str, Any],
    event: SupervisionEvent,
    content: str,
    *,
    version: int | None = None,
    today: date,
    action: str,
) -> None:
    """Change an order that is of this version still, and say so in its timeline."""
    if version is not None and order["version"] != version:
        raise Conflict
    work.update("supervision_order", order["id"], order["version"], changes, action=action)
    _add_step(work, order | changes, event, content, today=today, action=action)


def _add_step(
    work: Transaction, order: dict[str, Any], event: SupervisionEvent, content: str, *, today: date, action: str
) -> None:
    step = {"order_id": order["id"], "kind": str(event), "happened_on": today, "content": content.strip()}
    work.insert("supervision_step", {**step, "level": order["level"], "due_on": order["due_on"]}, action=action)


def _check_text(problems: dict[str, Message], field: str, text: str, missing: Message) -> None:
    if not text.strip():
        problems[field] = missing
    elif len(text) > LONGEST_TEXT:
        problems[field] = _too_long()


def _too_long() -> Message:
    return _("At most {count} characters.", count=f"{LONGEST_TEXT:,}")


def _check_due(problems: dict[str, Message], due_on: date | None, *, today: date) -> None:
    if due_on is not None and due_on < today:
        problems.setdefault("due_on", _("The day is past."))
