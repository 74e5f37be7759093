"""Supervision orders (督办单): which there are, what happened to each, and which are due to rise to the next level.

An order is for its unit and for the bureau. Where it is about a project that the unit has handed over since, the unit
reads the demand but is led to the project no longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from crm import permissions
from crm.errors import NotFound
from crm.locale import Message, _
from crm.metrics import CardKind
from crm.model import Actor, SupervisionEvent, SupervisionLevel
from crm.permissions import Action
from crm.rules import next_level
from crm.store import Database, Params, like_pattern

PAGE_SIZE = 20


class State(StrEnum):
    """How an order stands; an overdue one is open too."""

    OPEN = "open"
    OVERDUE = "overdue"
    CLOSED = "closed"


STATE_LABELS: dict[State, Message] = {
    State.OPEN: _("Open orders"),
    State.OVERDUE: _("Overdue"),
    State.CLOSED: _("Closed orders"),
}


@dataclass(frozen=True)
class OrderFilter:
    """What is asked of the orders; empty means all. The text is looked for in number, demand and project."""

    state: State | None = None
    level: SupervisionLevel | None = None
    unit_id: int | None = None
    text: str = ""
    project_id: int | None = None


@dataclass(frozen=True)
class Order:
    """A supervision order; the project's id is None and its name empty where the reader may not see it."""

    id: int
    version: int
    number: str
    unit_id: int
    unit: str
    project_id: int | None
    project: str
    month: str
    card: CardKind | None
    level: SupervisionLevel
    demand: str
    issued_on: date
    due_on: date
    closed_on: date | None
    result: str
    answered_on: date | None

    def state(self, today: date) -> State:
        """How the order stands on a day."""
        if self.closed_on is not None:
            return State.CLOSED
        return State.OVERDUE if self.due_on < today else State.OPEN

    def next_level(self, today: date) -> SupervisionLevel | None:
        """The level that the order is due to rise to, None where it is not."""
        return next_level(self.level, due_on=self.due_on, closed_on=self.closed_on, today=today)


@dataclass(frozen=True)
class Step:
    """One thing that happened to an order, with the level and the due date since then."""

    kind: SupervisionEvent
    happened_on: date
    level: SupervisionLevel
    due_on: date
    content: str
    who: str
    at: datetime


@dataclass(frozen=True)
class OrderRecord:
    """One order with all that happened to it, the first thing first, and what its reader may do."""

    order: Order
    steps: list[Step]
    may_answer: bool
    may_supervise: bool


@dataclass(frozen=True)
class OrderCounts:
    """How many orders of a filter (but for its state) stand how; the overdue and the rising ones are open too."""

    open: int
    overdue: int
    rising: int
    closed: int

    def of(self, state: State | None) -> int:
        """Return how many there are in a state, in all for None."""
        return self.open + self.closed if state is None else int(getattr(self, state))


def count_orders(database: Database, actor: Actor, filters: OrderFilter, *, today: date) -> OrderCounts:
    """Count the orders within the reader's scope by state."""
    params = Params()
    where = _condition(actor, filters, params)
    overdue = f"o.closed_on is null and o.due_on < cast({params.add(today)} as date)"
    found = database.rows(
        f"select count(*) filter (where o.closed_on is null), count(*) filter (where {overdue}),"
        f" count(*) filter (where {overdue} and o.level <> '{_HIGHEST}'), count(o.closed_on)"
        f" from {_ORDERS} where {where}",
        params,
    )
    return OrderCounts(*map(int, found[0]))


def orders(
    database: Database,
    actor: Actor,
    filters: OrderFilter,
    *,
    today: date,
    page: int = 1,
    size: int | None = PAGE_SIZE,
) -> list[Order]:
    """Return one page of the orders within the reader's scope: overdue and open by due date, then the newest closed."""
    params = Params()
    where = _condition(actor, filters, params)
    if filters.state is not None:
        where += f" and {_state_condition(filters.state, params, today)}"
    return _read(database, actor, params, where, _part(params, page, size))


def due_to_rise(database: Database, actor: Actor, filters: OrderFilter, *, today: date) -> list[Order]:
    """Return the orders of a filter that are overdue below the highest level, the longest overdue first."""
    params = Params()
    where = _condition(actor, filters, params)
    where += f" and {_state_condition(State.OVERDUE, params, today)} and o.level <> '{_HIGHEST}'"
    return _read(database, actor, params, where, "")


def order_record(database: Database, actor: Actor, order_id: int) -> OrderRecord:
    """Return one order within the reader's scope with its timeline; raises NotFound."""
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, "supervision_order", order_id)
        may = [
            permissions.allowed(session, actor, right, "supervision_order", order_id)
            for right in (Action.EDIT, Action.SUPERVISE)
        ]
        steps = session.rows(
            "select s.kind, s.happened_on, s.level, s.due_on, s.content, coalesce(a.name, s.created_by), s.created_at"
            " from supervision_step s left join account a on a.login = s.created_by"
            " where s.order_id = $1 and s.archived_at is null order by s.id",
            [order_id],
        )
    params = Params()
    found = _read(database, actor, params, f"o.id = {params.add(order_id)} and o.archived_at is null", "")
    if not found:
        raise NotFound
    timeline = [Step(SupervisionEvent(s[0]), s[1], SupervisionLevel(s[2]), *s[3:]) for s in steps]
    return OrderRecord(found[0], timeline, *may)


# Every order is newest first within its state: an open one by its due date, so that the overdue ones lead.
_ORDER_BY = "order by o.closed_on is not null, case when o.closed_on is null then o.due_on end, o.closed_on desc, o.id"
_ORDERS = "supervision_order o left join project p on p.id = o.project_id"
_HIGHEST = list(SupervisionLevel)[-1]


def _condition(actor: Actor, filters: OrderFilter, params: Params) -> str:
    """Return the condition of a filter but for its state."""
    parts = ["o.archived_at is null", permissions.visible(actor, Action.READ, "supervision_order", "o", params)]
    for column, value in (
        ("o.level", filters.level and str(filters.level)),
        ("o.unit_id", filters.unit_id),
        ("o.project_id", filters.project_id),
    ):
        if value is not None:
            parts.append(f"{column} = {params.add(value)}")
    if filters.text.strip():
        pattern = params.add(like_pattern(filters.text.strip()))
        seen = permissions.visible(actor, Action.READ, "project", "p", params)
        parts.append(
            f"(lower(o.number) like {pattern} escape '\\' or lower(o.demand) like {pattern} escape '\\'"
            f" or (p.search_text like {pattern} escape '\\' and {seen}))"
        )
    return " and ".join(parts)


def _state_condition(state: State, params: Params, today: date) -> str:
    if state is State.CLOSED:
        return "o.closed_on is not null"
    if state is State.OPEN:
        return "o.closed_on is null"
    return f"o.closed_on is null and o.due_on < cast({params.add(today)} as date)"


def _part(params: Params, page: int, size: int | None) -> str:
    return "" if size is None else f"limit {params.add(size)} offset {params.add((max(page, 1) - 1) * size)}"


def _read(database: Database, actor: Actor, params: Params, where: str, part: str) -> list[Order]:
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    rows = database.records(
        f"""
        with page as (
            select o.*, case when {seen} then p.name end as project
            from {_ORDERS}
            where {where}
            {_ORDER_BY}
            {part}
        ),
        answered as (
            select s.order_id, max(s.happened_on) as answered_on
            from supervision_step s
            where s.kind = '{SupervisionEvent.FEEDBACK}' and s.archived_at is null
                and s.order_id in (select page.id from page)
            group by s.order_id
        )
        select o.*, u.name as unit, answered.answered_on
        from page o
        join unit u on u.id = o.unit_id
        left join answered on answered.order_id = o.id
        {_ORDER_BY}
        """,
        params,
    )
    return [_order(row) for row in rows]


def _order(row: Mapping[str, Any]) -> Order:
    return Order(
        id=row["id"],
        version=row["version"],
        number=row["number"],
        unit_id=row["unit_id"],
        unit=row["unit"],
        project_id=row["project_id"] if row["project"] else None,
        project=row["project"] or "",
        month=row["month"] or "",
        card=CardKind(row["card"]) if row["card"] else None,
        level=SupervisionLevel(row["level"]),
        demand=row["demand"],
        issued_on=row["issued_on"],
        due_on=row["due_on"],
        closed_on=row["closed_on"],
        result=row["result"] or "",
        answered_on=row["answered_on"],
    )
