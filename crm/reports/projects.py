"""Projects at work: the list, the board by stage, the roadmap, the calendar of a month, one project's record.

All of them keep to one filter and to the reader's scope, and count, sum and page in SQL. What needs attention is a
`Concern`: each is one condition, so that a card's count and the list behind it cannot disagree.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pandas as pd

from crm import permissions
from crm.errors import NotFound
from crm.locale import Message, _
from crm.model import Actor, MilestoneKind, ProjectStatus, Stage
from crm.months import Month
from crm.permissions import Action
from crm.rules import DATE_OF_STAGE, QUIET_DAYS, STAGES
from crm.store import Database, Params, Session, like_pattern

PAGE_SIZE = 50
ROADMAP_SIZE = 15
COLUMN_SIZE = 12
# Kept apart from the stored statuses: whatever is not withdrawn, the default of every view.
IN_WORK = "in_work"


class Concern(StrEnum):
    """Why a project needs attention."""

    QUIET = "quiet"
    LATE_START = "late_start"
    LATE_MILESTONE = "late_milestone"
    LATE_COMMITMENT = "late_commitment"
    DIFFICULTY = "difficulty"


CONCERN_LABELS: dict[Concern, Message] = {
    Concern.QUIET: _("No progress"),
    Concern.LATE_START: _("Start overdue"),
    Concern.LATE_MILESTONE: _("Milestones overdue"),
    Concern.LATE_COMMITMENT: _("Commitments overdue"),
    Concern.DIFFICULTY: _("Open difficulties"),
}
CONCERN_HINTS: dict[Concern, Message] = {
    Concern.QUIET: _(
        "In work and not in production yet: no contact with the investor and no move of the stage for {days} days.",
        days=QUIET_DAYS,
    ),
    Concern.LATE_START: _("The planned start has passed and construction has not started."),
    Concern.LATE_MILESTONE: _("A milestone's planned date has passed and it has no actual date."),
    Concern.LATE_COMMITMENT: _("A commitment is past its due date and not fulfilled."),
    Concern.DIFFICULTY: _("A difficulty was raised and is not resolved."),
}


@dataclass(frozen=True)
class ProjectFilter:
    """What projects are filtered by; None or an empty text means no restriction. Amounts are 元 planned."""

    text: str = ""
    unit_id: int | None = None
    industry_id: int | None = None
    stage: str = ""
    status: str = IN_WORK
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    concern: str = ""
    sort: str = "recent"


_STAGE_NUMBER = "case p.stage " + " ".join(f"when '{stage}' then {n}" for n, stage in enumerate(STAGES)) + " end"
SORTS = {
    "recent": "p.updated_at desc, p.id desc",
    "amount": "p.planned_investment is null, p.planned_investment desc, p.id",
    "planned_start": "p.planned_start_on is null, p.planned_start_on, p.id",
    "stage": f"{_STAGE_NUMBER} desc, p.id",
    "name": "p.name, p.id",
}


def project_condition(actor: Actor, filters: ProjectFilter, params: Params, *, today: date, alias: str = "p") -> str:
    """Return the SQL condition of filtered projects (named `alias`) within the reader's scope."""
    parts = [f"{alias}.archived_at is null", permissions.visible(actor, Action.READ, "project", alias, params)]
    for word in filters.text.split():
        like = f"like {params.add(like_pattern(word))} escape '\\'"
        seen = permissions.visible(actor, Action.READ, "enterprise", "e", params)
        parts.append(
            f"({alias}.search_text {like} or {alias}.enterprise_id in"
            f" (select e.id from enterprise e where e.search_text {like} and {seen}))"
        )
    for column, value in (
        ("unit_id", filters.unit_id),
        ("industry_id", filters.industry_id),
        ("stage", filters.stage or None),
    ):
        if value is not None:
            parts.append(f"{alias}.{column} = {params.add(value)}")
    if filters.status == IN_WORK:
        parts.append(f"{alias}.status <> '{ProjectStatus.WITHDRAWN}'")
    elif filters.status:
        parts.append(f"{alias}.status = {params.add(filters.status)}")
    if filters.amount_from is not None:
        parts.append(f"{alias}.planned_investment >= {params.add(filters.amount_from)}")
    if filters.amount_to is not None:
        parts.append(f"{alias}.planned_investment <= {params.add(filters.amount_to)}")
    if filters.concern:
        parts.append(_concern_condition(Concern(filters.concern), params, today=today, alias=alias))
    return " and ".join(parts)


def _concern_condition(concern: Concern, params: Params, *, today: date, alias: str) -> str:
    in_work = f"{alias}.status <> '{ProjectStatus.WITHDRAWN}'"
    if concern is Concern.DIFFICULTY:
        return f"({in_work} and {_has(alias, 'difficulty', 'd.resolved_on is null and d.project_id is not null')})"
    if concern is Concern.QUIET:
        since = f"cast({params.add(today - timedelta(days=QUIET_DAYS))} as date)"
        recent = f"select w.id from enterprise w where w.last_contact_on >= {since}"
        return (
            f"({in_work} and {alias}.stage <> '{Stage.PRODUCTION}' and {alias}.entered_on < {since}"
            f" and {alias}.enterprise_id not in ({recent})"
            f" and not {_has(alias, 'stage_log', f'd.moved_on >= {since}')})"
        )
    day = f"cast({params.add(today)} as date)"
    late = {
        Concern.LATE_START: f"{alias}.planned_start_on < {day} and {alias}.started_on is null",
        Concern.LATE_MILESTONE: _has(alias, "milestone", f"d.actual_on is null and d.planned_on < {day}"),
        Concern.LATE_COMMITMENT: _has(alias, "commitment", f"d.fulfilled_on is null and d.due_on < {day}"),
    }
    return f"({in_work} and {late[concern]})"


def _has(alias: str, table: str, condition: str) -> str:
    """Return the SQL that a project has a record (`d`) of a table for which a condition holds."""
    return f"({alias}.id in (select d.project_id from {table} d where d.archived_at is null and {condition}))"


# ------------------------------------------------------------------------------------------------- counts and the list


def count_projects(database: Database, actor: Actor, filters: ProjectFilter, *, today: date) -> int:
    """Return how many projects fit the filter within the reader's scope."""
    params = Params()
    where = project_condition(actor, filters, params, today=today)
    return int(database.value(f"select count(*) from project p where {where}", params))


def concerns(database: Database, actor: Actor, filters: ProjectFilter, *, today: date) -> dict[Concern, int]:
    """Return how many of the filtered projects need each sort of attention, whichever the filter asks for."""
    params = Params()
    where = project_condition(actor, replace(filters, concern=""), params, today=today)
    counts = ", ".join(
        f"count(*) filter (where {_concern_condition(concern, params, today=today, alias='p')})" for concern in Concern
    )
    (row,) = database.rows(f"select {counts} from project p where {where}", params)
    return {concern: int(count) for concern, count in zip(Concern, row, strict=True)}


def list_projects(
    database: Database, actor: Actor, filters: ProjectFilter, *, today: date, page: int = 1, size: int = PAGE_SIZE
) -> pd.DataFrame:
    """Return one page of the projects that the reader may see.

    Columns: id, code, name, enterprise, unit, industry, stage, status, planned_investment, contracted_amount and
    arrived (元), signed_on, planned_start_on, started_on, responsible_person, days_in_stage, concerns (a list).
    """
    params = Params()
    where = project_condition(actor, filters, params, today=today)
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    flags = _flags(params, today=today)
    rows = database.frame(
        f"""
        with page as materialized (
            select p.id from project p where {where} order by {SORTS[filters.sort]} limit {limit} offset {offset}
        ),
        arrived as (
            select f.project_id, sum(f.amount) as amount
            from fund_arrival f
            join page on page.id = f.project_id
            where f.archived_at is null
            group by f.project_id
        ),
        moved as ({_LAST_MOVES})
        select
            p.id,
            p.code,
            p.name,
            e.name as enterprise,
            u.short_name as unit,
            i.name as industry,
            p.stage,
            p.status,
            p.planned_investment,
            p.contracted_amount,
            arrived.amount as arrived,
            p.signed_on,
            p.planned_start_on,
            p.started_on,
            p.responsible_person,
            {_days_in_stage(params, today)} as days_in_stage,
            {flags}
        from page
        join project p on p.id = page.id
        join enterprise e on e.id = p.enterprise_id
        join unit u on u.id = p.unit_id
        left join industry i on i.id = p.industry_id
        left join arrived on arrived.project_id = p.id
        left join moved on moved.project_id = p.id
        order by {SORTS[filters.sort]}
        """,
        params,
    )
    return _with_concerns(rows)


_LAST_MOVES = (
    "select g.project_id, max(g.moved_on) as moved_on from stage_log g join page on page.id = g.project_id"
    " where g.archived_at is null group by g.project_id"
)


def _days_in_stage(params: Params, today: date) -> str:
    """Return the SQL of the days that a project (`p`, its last move `moved`) has spent in its stage."""
    until = f"coalesce(p.withdrawn_on, cast({params.add(today)} as date))"
    return f"greatest({until} - coalesce(moved.moved_on, p.entered_on), 0)"


def _flags(params: Params, *, today: date) -> str:
    return ", ".join(
        f"{_concern_condition(concern, params, today=today, alias='p')} as {concern}" for concern in Concern
    )


def _with_concerns(rows: pd.DataFrame) -> pd.DataFrame:
    flags = rows[[str(concern) for concern in Concern]].to_dict("records")
    named = [[concern for concern in Concern if of_row[str(concern)]] for of_row in flags]
    return rows.drop(columns=[str(concern) for concern in Concern]).assign(concerns=pd.Series(named, dtype=object))


# ----------------------------------------------------------------------------------------------------------- the board


@dataclass(frozen=True)
class Card:
    """A project on the board; the amount is its planned investment in 元."""

    id: int
    version: int
    name: str
    enterprise: str
    unit: str
    stage: Stage
    status: ProjectStatus
    amount: Decimal | None
    days_in_stage: int
    planned_start_on: date | None
    late_start: bool
    late_milestone: bool
    movable: bool


@dataclass(frozen=True)
class Column:
    """One stage on the board: how many projects and how much they plan to invest (元), and the first of them."""

    stage: Stage
    count: int
    amount: Decimal
    cards: list[Card]


def board(
    database: Database, actor: Actor, filters: ProjectFilter, *, today: date, size: int = COLUMN_SIZE
) -> list[Column]:
    """Return every stage with its count, its sum and at most `size` cards, in the order of the filter."""
    params = Params()
    where = project_condition(actor, filters, params, today=today)
    with database.reading() as session:
        totals = {
            stage: (int(count), amount or Decimal(0))
            for stage, count, amount in session.rows(
                f"select p.stage, count(*), sum(p.planned_investment) from project p where {where} group by p.stage",
                params,
            )
        }
        late_start, late_milestone = (
            _concern_condition(concern, params, today=today, alias="p")
            for concern in (Concern.LATE_START, Concern.LATE_MILESTONE)
        )
        movable = permissions.visible(actor, Action.EDIT, "project", "p", params)
        rows = session.records(
            f"""
            with page as materialized (
                select id, place from (
                    select p.id, row_number() over (partition by p.stage order by {SORTS[filters.sort]}) as place
                    from project p where {where}
                ) placed where place <= {params.add(size)}
            ),
            moved as ({_LAST_MOVES})
            select
                p.id,
                p.version,
                p.name,
                e.name as enterprise,
                u.short_name as unit,
                p.stage,
                p.status,
                p.planned_investment as amount,
                {_days_in_stage(params, today)} as days_in_stage,
                p.planned_start_on,
                {late_start} as late_start,
                {late_milestone} as late_milestone,
                {movable} and p.status <> '{ProjectStatus.WITHDRAWN}' as movable
            from page
            join project p on p.id = page.id
            join enterprise e on e.id = p.enterprise_id
            join unit u on u.id = p.unit_id
            left join moved on moved.project_id = p.id
            order by page.place
            """,
            params,
        )
    cards = [Card(**{**r, "stage": Stage(r["stage"]), "status": ProjectStatus(r["status"])}) for r in rows]
    return [
        Column(stage, *totals.get(stage, (0, Decimal(0))), [card for card in cards if card.stage is stage])
        for stage in STAGES
    ]


# --------------------------------------------------------------------------------------------------------- the roadmap


@dataclass(frozen=True)
class Roadmap:
    """Projects against time, for `charts.roadmap`.

    bars: row (the project's place from 0), id, project, stage, since, until. marks: row, project, kind, planned_on,
    actual_on, state (done, late, open).
    """

    bars: pd.DataFrame
    marks: pd.DataFrame


def roadmap(
    database: Database, actor: Actor, filters: ProjectFilter, *, today: date, page: int = 1, size: int = ROADMAP_SIZE
) -> Roadmap:
    """Return one page of projects with the time they spent in each dated stage, and their milestones."""
    params = Params()
    where = project_condition(actor, filters, params, today=today)
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    dates = ", ".join(f"p.{field}" for field in ("entered_on", "withdrawn_on", *DATE_OF_STAGE.values()))
    with database.reading() as session:
        projects = session.records(
            f"select p.id, p.code, p.name, {dates}"
            f" from project p where {where} order by {SORTS[filters.sort]} limit {limit} offset {offset}",
            params,
        )
        marks = _milestones(session, [project["id"] for project in projects], today=today)
    place = {project["id"]: n for n, project in enumerate(projects)}
    times = Counter(project["name"] for project in projects)
    # Two projects of one name are told apart by their codes: a chart would draw them as one row.
    names = {p["id"]: f"{p['name']} ({p['code']})" if times[p["name"]] > 1 else p["name"] for p in projects}
    bars = [
        (place[project["id"]], project["id"], names[project["id"]], stage, since, until)
        for project in projects
        for stage, since, until in _stage_bars(project, today=today)
    ]
    marks = marks.assign(row=[place[i] for i in marks["project_id"]], project=[names[i] for i in marks["project_id"]])
    return Roadmap(
        pd.DataFrame(bars, columns=["row", "id", "project", "stage", "since", "until"]),
        marks[["row", "project", "kind", "planned_on", "actual_on", "state"]],
    )


def _stage_bars(project: Mapping[str, Any], *, today: date) -> list[tuple[str, date, date]]:
    """Return (stage, since, until) of each stage that a date shows, the running one until today or the withdrawal."""
    dated = [(Stage.LEAD, project["entered_on"])]
    dated += [(stage, project[field]) for stage, field in DATE_OF_STAGE.items() if project[field] is not None]
    dated.sort(key=lambda item: (item[1], STAGES.index(item[0])))
    ends = [since for _stage, since in dated[1:]] + [project["withdrawn_on"] or today]
    return [(str(stage), since, end) for (stage, since), end in zip(dated, ends, strict=True) if end > since]


def _milestones(session: Session, project_ids: Sequence[int], *, today: date) -> pd.DataFrame:
    """Return the milestones of these projects: project_id, kind, planned_on, actual_on, state (done, late, open)."""
    params = Params()
    wanted = ", ".join(params.add(project_id) for project_id in project_ids) or "null"
    rows = session.rows(
        "select m.project_id, m.kind, m.planned_on, m.actual_on from milestone m"
        f" where m.project_id in ({wanted}) and m.archived_at is null order by m.project_id, m.id",
        params,
    )
    return pd.DataFrame(
        [(*row, milestone_state(row[2], row[3], today=today)) for row in rows],
        columns=["project_id", "kind", "planned_on", "actual_on", "state"],
    )


def milestone_state(planned_on: date | None, actual_on: date | None, *, today: date) -> str:
    """Say how a milestone stands: `done`, `late` (its planned date has passed) or `open`."""
    if actual_on is not None:
        return "done"
    return "late" if planned_on is not None and planned_on < today else "open"


# -------------------------------------------------------------------------------------------------------- the calendar


class EventKind(StrEnum):
    """What a day of the calendar holds."""

    DONE = "done"
    MILESTONE = "milestone"
    START = "start"
    CONTACT = "contact"
    COMMITMENT = "commitment"
    DIFFICULTY = "difficulty"


EVENT_LABELS: dict[EventKind, Message] = {
    EventKind.DONE: _("Milestone reached"),
    EventKind.MILESTONE: _("Milestone planned"),
    EventKind.START: _("Planned start"),
    EventKind.CONTACT: _("Next contact"),
    EventKind.COMMITMENT: _("Commitment due"),
    EventKind.DIFFICULTY: _("Difficulty due"),
}


@dataclass(frozen=True)
class Event:
    """One thing on a day: `what` is a milestone's kind or the text of the record; `late` is past and still open."""

    on: date
    kind: EventKind
    what: str
    project_id: int
    project: str
    unit: str
    late: bool


@dataclass(frozen=True)
class Day:
    """A day of the calendar: how much there is, and the first of it."""

    on: date
    count: int
    events: list[Event]


# (kind, table, its date, what it says, what else must hold)
_EVENTS = (
    (EventKind.DONE, "milestone", "actual_on", "r.kind", "true"),
    # The start has a line of its own: it is the date that the start-up rate asks for.
    (
        EventKind.MILESTONE,
        "milestone",
        "planned_on",
        "r.kind",
        f"r.actual_on is null and r.kind <> '{MilestoneKind.START}'",
    ),
    (EventKind.CONTACT, "follow_up", "next_due_on", "coalesce(r.next_step, '')", "r.done_at is null"),
    (EventKind.COMMITMENT, "commitment", "due_on", "r.clause", "r.fulfilled_on is null"),
    (EventKind.DIFFICULTY, "difficulty", "due_on", "r.content", "r.resolved_on is null"),
)


def calendar(
    database: Database,
    actor: Actor,
    filters: ProjectFilter,
    *,
    first_day: date,
    last_day: date,
    today: date,
    per_day: int | None = None,
) -> list[Day]:
    """Return the days, from one to another, on which something of the filtered projects is planned or was reached.

    With `per_day`, only so many events of each day; its count tells how many there are. What is late comes first.
    """
    params = Params()
    where = project_condition(actor, filters, params, today=today)
    first, last = (f"cast({params.add(day)} as date)" for day in (first_day, last_day))
    seen = {"follow_up": permissions.visible(actor, Action.READ, "follow_up", "r", params)}
    parts = [
        f"select r.{on} as day, '{kind}' as kind, {what} as what, r.project_id from {table} r"
        f" where r.archived_at is null and r.{on} between {first} and {last} and {condition}"
        f" and {seen.get(table, 'true')} and r.project_id in (select id from kept)"
        for kind, table, on, what, condition in _EVENTS
    ]
    parts.append(
        f"select planned_start_on, '{EventKind.START}', '', id from kept"
        f" where planned_start_on between {first} and {last} and started_on is null"
    )
    capped = "true" if per_day is None else f"placed.nth <= {params.add(per_day)}"
    rows = database.rows(
        f"""
        with kept as (
            select p.id, p.planned_start_on, p.started_on from project p where {where}
        ),
        events as ({" union all ".join(parts)}),
        placed as (
            select
                day,
                kind,
                what,
                project_id,
                count(*) over (partition by day) as in_day,
                row_number() over (partition by day order by kind = '{EventKind.DONE}', kind, project_id, what) as nth
            from events
        )
        select placed.day, placed.in_day, placed.kind, placed.what, p.id, p.name, u.short_name
        from placed
        join project p on p.id = placed.project_id
        join unit u on u.id = p.unit_id
        where {capped}
        order by placed.day, placed.nth
        """,
        params,
    )
    days: dict[date, Day] = {}
    for on, count, kind, what, project_id, project, unit in rows:
        day = days.setdefault(on, Day(on, int(count), []))
        late = kind != EventKind.DONE and on < today
        day.events.append(Event(on, EventKind(kind), what, project_id, project, unit, late))
    return list(days.values())


def month_span(month: Month) -> tuple[date, date]:
    """Return the Monday on or before a month's first day and the Sunday on or after its last: the days of its sheet."""
    first, last = month.first_day, month.last_day
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


# ---------------------------------------------------------------------------------------------------- one project


@dataclass(frozen=True)
class Spell:
    """Time that a project spent in a stage; `until` is None while it is there."""

    stage: Stage
    since: date
    until: date | None
    days: int
    note: str
    by: str


@dataclass(frozen=True)
class ProjectRecord:
    """One project as its page shows it; amounts in 元, records as dictionaries with id and version."""

    fields: Mapping[str, Any]
    enterprise: str
    unit: str
    industry: str
    segment: str
    concerns: list[Concern]
    holdings: list[dict[str, Any]]
    spells: list[Spell]
    milestones: list[dict[str, Any]]
    agreements: list[dict[str, Any]]
    arrivals: list[dict[str, Any]]
    arrived: Decimal
    commitments: list[dict[str, Any]]
    difficulties: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    contact_count: int
    editable: bool


_CHILDREN = {
    "agreement": "r.signed_on desc, r.id desc",
    "fund_arrival": "r.arrived_on desc, r.id desc",
    "commitment": "r.fulfilled_on is not null, r.due_on is null, r.due_on, r.id",
    "difficulty": "r.resolved_on is not null, r.due_on is null, r.due_on, r.id",
}


def project_record(database: Database, actor: Actor, project_id: int, *, today: date) -> ProjectRecord:
    """Return one project within the reader's scope; raises NotFound.

    What hangs on it comes with the number of its files, milestones in the order of the roadmap, with their `state` and
    unit; holdings: unit, valid_from, valid_to;
    contacts (the newest 10): id, enterprise_id, happened_on, method, content, unit, author.
    """
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, "project", project_id)
        editable = permissions.allowed(session, actor, Action.EDIT, "project", project_id)
        params = Params()
        key = params.add(project_id)
        found = session.records(
            f"select p.*, e.name as enterprise, u.name as unit, i.name as industry, s.name as segment,"
            f" {_flags(params, today=today)} from project p join enterprise e on e.id = p.enterprise_id"
            " join unit u on u.id = p.unit_id left join industry i on i.id = p.industry_id"
            f" left join segment s on s.id = p.segment_id where p.id = {key} and p.archived_at is null",
            params,
        )
        if not found:
            raise NotFound
        fields = found[0]
        named = [concern for concern in Concern if fields.pop(str(concern))]
        children = {
            table: session.records(
                f"select r.*, {'u.short_name' if table in _OF_UNIT else 'null'} as unit,"
                f" (select count(*) from attachment a where a.subject = '{table}' and a.subject_id = r.id"
                f" and a.archived_at is null) as files from {table} r"
                + (" left join unit u on u.id = r.unit_id" if table in _OF_UNIT else "")
                + f" where r.project_id = $1 and r.archived_at is null order by {order}",
                [project_id],
            )
            for table, order in {**_CHILDREN, "milestone": "r.id"}.items()
        }
        holdings = session.records(
            "select u.name as unit, h.valid_from, h.valid_to from project_unit h join unit u on u.id = h.unit_id"
            " where h.project_id = $1 and h.archived_at is null order by h.is_first desc, h.valid_from, h.id",
            [project_id],
        )
        moves = session.records(
            "select g.to_stage, g.moved_on, coalesce(g.note, '') as note, coalesce(a.name, g.created_by) as moved_by"
            " from stage_log g left join account a on a.login = g.created_by"
            " where g.project_id = $1 and g.archived_at is null order by g.moved_on, g.id",
            [project_id],
        )
        params = Params()
        about = f"f.project_id = {params.add(project_id)} and f.archived_at is null"
        about += f" and {permissions.visible(actor, Action.READ, 'follow_up', 'f', params)}"
        count = session.value(f"select count(*) from follow_up f where {about}", params)
        contacts = session.records(
            "select f.id, f.enterprise_id, f.happened_on, f.method, f.content, coalesce(u.short_name, '') as unit,"
            " coalesce(f.author, '') as author from follow_up f left join unit u on u.id = f.unit_id"
            f" where {about} order by f.happened_on desc, f.id desc limit 10",
            params,
        )
    order = list(MilestoneKind)
    # A step whose only date was taken back stands for nothing.
    dated = [m for m in children["milestone"] if m["planned_on"] is not None or m["actual_on"] is not None]
    milestones = sorted(dated, key=lambda m: order.index(MilestoneKind(m["kind"])))
    for milestone in milestones:
        milestone["state"] = milestone_state(milestone["planned_on"], milestone["actual_on"], today=today)
    return ProjectRecord(
        fields=fields,
        enterprise=fields.pop("enterprise"),
        unit=fields.pop("unit"),
        industry=fields.pop("industry") or "",
        segment=fields.pop("segment") or "",
        concerns=named,
        holdings=holdings,
        spells=_spells(fields, moves, today=today),
        milestones=milestones,
        agreements=children["agreement"],
        arrivals=children["fund_arrival"],
        arrived=sum((arrival["amount"] or Decimal(0) for arrival in children["fund_arrival"]), Decimal(0)),
        commitments=children["commitment"],
        difficulties=children["difficulty"],
        contacts=contacts,
        contact_count=int(count),
        editable=editable,
    )


_OF_UNIT = ("milestone", "commitment", "difficulty")


def _spells(project: Mapping[str, Any], moves: Sequence[Mapping[str, Any]], *, today: date) -> list[Spell]:
    """Return the stages that a project went through, with the days in each, the present one last."""
    steps = [dict(move) for move in moves]
    if not steps or steps[0]["to_stage"] != Stage.LEAD:
        # The beginning is not a move, and older records do not log it.
        steps.insert(0, {"to_stage": Stage.LEAD, "moved_on": project["entered_on"], "note": "", "moved_by": ""})
    ends: list[date | None] = [step["moved_on"] for step in steps[1:]]
    spells = []
    for step, end in zip(steps, [*ends, project["withdrawn_on"]], strict=True):
        days = max(((end or today) - step["moved_on"]).days, 0)
        spells.append(Spell(Stage(step["to_stage"]), step["moved_on"], end, days, step["note"], step["moved_by"]))
    return spells
