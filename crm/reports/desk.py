"""The desk: what is due and whose it is, enterprises gone quiet, who contacted whom, an enterprise's timetable.

Mine is a next step that I wrote, or whose enterprise or project I answer for; and a step, start, milestone, difficulty
or commitment whose named person I am: its own owner, else the project's responsible person, else the enterprise's.
A supervision order is for the unit: it is mine where it is my unit's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from crm import permissions
from crm.errors import NotFound
from crm.locale import Message, _
from crm.model import Actor, MilestoneKind, ProjectStatus, Role, label
from crm.months import Month
from crm.permissions import Action, Scope
from crm.rules import QUIET_DAYS_BY_GRADE
from crm.store import Database, Params

PAGE_SIZE = 20
HORIZON = timedelta(days=30)
CALENDAR_PAST, CALENDAR_AHEAD = timedelta(days=30), timedelta(days=180)


class DueKind(StrEnum):
    """What sort of thing is due."""

    NEXT_STEP = "next_step"
    ENGAGEMENT_STEP = "engagement_step"
    PLANNED_START = "planned_start"
    MILESTONE = "milestone"
    DIFFICULTY = "difficulty"
    COMMITMENT = "commitment"
    RETURNED_MILESTONE = "returned_milestone"
    RETURNED_FUNDS = "returned_funds"
    SUPERVISION = "supervision"


KIND_LABELS: dict[DueKind, Message] = {
    DueKind.NEXT_STEP: _("Next step"),
    DueKind.ENGAGEMENT_STEP: _("Timetable"),
    DueKind.PLANNED_START: _("Start due"),
    DueKind.MILESTONE: _("Milestone"),
    DueKind.DIFFICULTY: _("Difficulty"),
    DueKind.COMMITMENT: _("Commitment"),
    DueKind.RETURNED_MILESTONE: _("Returned milestone"),
    DueKind.RETURNED_FUNDS: _("Returned arrival"),
    DueKind.SUPERVISION: _("Supervision order"),
}
IN_CALENDAR = (
    DueKind.NEXT_STEP,
    DueKind.ENGAGEMENT_STEP,
    DueKind.PLANNED_START,
    DueKind.MILESTONE,
    DueKind.SUPERVISION,
)


class When(StrEnum):
    """How soon something is due; the week ends on Sunday, `SOON` is the rest of the coming 30 days."""

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    SOON = "soon"


WHEN_LABELS: dict[When, Message] = {
    When.OVERDUE: _("Overdue"),
    When.TODAY: _("Due today"),
    When.WEEK: _("Due this week"),
    When.SOON: _("Due within 30 days"),
}


@dataclass(frozen=True)
class Whose:
    """Whose work is asked about: one's own, a unit's, or (neither) everybody's within the reader's scope."""

    mine: bool = False
    unit_id: int | None = None


@dataclass(frozen=True)
class Due:
    """One thing that is due, with the record that it is about; `text` as typed, or the milestone's kind.

    Of a returned milestone it is the kind and, behind a space, the reason.

    What is demanded of a unit itself is about no enterprise.
    """

    kind: DueKind
    id: int
    version: int
    updated_at: datetime
    text: str
    due_on: date
    enterprise_id: int | None
    enterprise: str
    project_id: int | None
    project: str
    unit: str
    person: str

    @property
    def what(self) -> Message | str:
        """What is to be done, in words."""
        if self.kind is DueKind.PLANNED_START:
            return label(MilestoneKind.START)
        if self.kind is DueKind.MILESTONE:
            return label(MilestoneKind(self.text))
        if self.kind is DueKind.RETURNED_MILESTONE:
            kind, _space, reason = self.text.partition(" ")
            return _("{claim} returned: {reason}", claim=label(MilestoneKind(kind)), reason=reason)
        if self.kind is DueKind.RETURNED_FUNDS:
            return _("{claim} returned: {reason}", claim=_("Arrival of funds"), reason=self.text)
        return self.text or KIND_LABELS[self.kind]

    @property
    def links(self) -> dict[tuple[str, str, int], Message | str]:
        """The records that it is about, that on which it is done first: page, parameter and id, with the words to show.

        A next step is done on the enterprise, all else on its order or project where there is one.
        """
        order = "supervision", "order", self.id if self.kind is DueKind.SUPERVISION else None, _("Open the order")
        enterprise = "enterprise", "id", self.enterprise_id, self.enterprise
        project = "project", "id", self.project_id, self.project
        about = (enterprise, project) if self.kind is DueKind.NEXT_STEP else (order, project, enterprise)
        return {(page, name, record): words for page, name, record, words in about if record is not None}


def concerned(actor: Actor) -> Whose:
    """Return whose work concerns the reader first: the whole unit's its head, their own everybody else."""
    leads = Role.UNIT_HEAD in actor.roles and not sees_many_units(actor)
    return Whose(unit_id=actor.unit_id) if leads else Whose(mine=True)


def sees_many_units(actor: Actor) -> bool:
    """Whether the reader's scope is wider than one unit."""
    return bool(permissions.scopes(actor, Action.READ) & {Scope.ALL, Scope.CHAIN})


def when_due(due_on: date, *, today: date) -> When:
    """Return how soon a day is, for days up to 30 days from today."""
    if due_on <= today:
        return When.TODAY if due_on == today else When.OVERDUE
    return When.WEEK if due_on <= _sunday(today) else When.SOON


def count_due(database: Database, actor: Actor, whose: Whose, *, today: date) -> Mapping[tuple[When, DueKind], int]:
    """Count what is due within 30 days or overdue, by how soon and what sort; what there is none of is left out."""
    params = Params()
    items = _items(actor, whose, params, tuple(DueKind), until=today + HORIZON)
    day, sunday = (f"cast({params.add(d)} as date)" for d in (today, _sunday(today)))
    rows = database.rows(
        f"select case when due_on < {day} then 'overdue' when due_on = {day} then 'today' when due_on <= {sunday}"
        f" then 'week' else 'soon' end as soon, kind, count(*) from ({items}) as item group by 1, 2",
        params,
    )
    return {(When(soon), DueKind(kind)): int(count) for soon, kind, count in rows}


def due(
    database: Database,
    actor: Actor,
    whose: Whose,
    *,
    today: date,
    when: When | None = None,
    kinds: Collection[DueKind] = (),
    page: int = 1,
    size: int = PAGE_SIZE,
) -> list[Due]:
    """Return one page of what is due within 30 days or overdue, the longest overdue first; no kinds mean all."""
    day, sunday = timedelta(days=1), _sunday(today)
    spans: dict[When | None, tuple[date | None, date]] = {
        None: (None, today + HORIZON),
        When.OVERDUE: (None, today - day),
        When.TODAY: (today, today),
        When.WEEK: (today + day, sunday),
        When.SOON: (max(sunday, today) + day, today + HORIZON),
    }
    since, until = spans[when]
    return _due(
        database, actor, whose, kinds or tuple(DueKind), since, until, limit=size, offset=(max(page, 1) - 1) * size
    )


def calendar_items(database: Database, actor: Actor, *, today: date) -> list[Due]:
    """Return what belongs into the reader's own calendar: 30 days back and 180 ahead, by day."""
    since, until = today - CALENDAR_PAST, today + CALENDAR_AHEAD
    return _due(database, actor, Whose(mine=True), IN_CALENDAR, since, until)


def _due(
    database: Database,
    actor: Actor,
    whose: Whose,
    kinds: Collection[DueKind],
    since: date | None,
    until: date,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[Due]:
    params = Params()
    items = _items(actor, whose, params, kinds, since=since, until=until)
    part = f" limit {params.add(limit)} offset {params.add(offset)}" if limit is not None else ""
    # A contact with an enterprise that two units share may be about the other one's project, and what an order demands
    # about a project that went to another unit since.
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    rows = database.rows(
        f"""
        with page as (
            select * from ({items}) as item order by due_on, kind, id{part}
        )
        select
            page.kind,
            page.id,
            page.version,
            page.updated_at,
            coalesce(page.text, ''),
            page.due_on,
            e.id,
            coalesce(e.name, ''),
            p.id,
            coalesce(p.name, ''),
            coalesce(u.short_name, ''),
            coalesce(page.person, '')
        from page
        left join project p on p.id = page.project_id and {seen}
        left join enterprise e on e.id = page.enterprise_id
            and (page.kind <> '{DueKind.SUPERVISION}' or p.id is not null)
        left join unit u on u.id = page.unit_id
        order by page.due_on, page.kind, page.id
        """,
        params,
    )
    return [Due(DueKind(row[0]), *row[1:]) for row in rows]


def _sunday(today: date) -> date:
    return today + timedelta(days=6 - today.weekday())


# Each source: its record `t`, the enterprise `e` and, where there is one, the project `p` that it is about. What is
# still open of it, its due date, its text, its unit, its person, and whether a person answers for it beside that one.
@dataclass(frozen=True)
class _Source:
    table: str
    joins: str
    is_open: str
    due_on: str
    text: str
    unit: str
    person: str
    project: str = "p.id"


_OF_PROJECT = " join enterprise e on e.id = p.enterprise_id"
_VIA_PROJECT = " join project p on p.id = t.project_id and p.archived_at is null" + _OF_PROJECT
_UNDER_WAY = f"p.status <> '{ProjectStatus.WITHDRAWN}'"
_ANSWERS = "coalesce(p.responsible_person, e.owner_person)"
# A returned claim is due from the day on which it was returned.
_IS_RETURNED = f"t.returned_on is not null and t.verified_on is null and {_UNDER_WAY}"
_SOURCES: dict[DueKind, _Source] = {
    DueKind.NEXT_STEP: _Source(
        "follow_up",
        " join enterprise e on e.id = t.enterprise_id left join project p on p.id = t.project_id",
        "t.done_at is null",
        "t.next_due_on",
        "t.next_step",
        "t.unit_id",
        "t.author",
    ),
    DueKind.ENGAGEMENT_STEP: _Source(
        "engagement_step",
        " join enterprise e on e.id = t.enterprise_id"
        " left join follow_up f on f.id = t.follow_up_id and f.archived_at is null",
        "f.id is null",
        "t.planned_on",
        "t.step",
        "e.owner_unit_id",
        "coalesce(t.owner, e.owner_person)",
        project="cast(null as bigint)",
    ),
    DueKind.PLANNED_START: _Source(
        "project",
        " join project p on p.id = t.id" + _OF_PROJECT,
        f"t.started_on is null and {_UNDER_WAY}",
        "t.planned_start_on",
        "cast(null as text)",
        "p.unit_id",
        _ANSWERS,
    ),
    DueKind.MILESTONE: _Source(
        "milestone",
        _VIA_PROJECT,
        # The start is planned on the project itself.
        f"t.actual_on is null and t.kind <> '{MilestoneKind.START}' and {_UNDER_WAY}",
        "t.planned_on",
        "t.kind",
        "coalesce(t.unit_id, p.unit_id)",
        f"coalesce(t.owner, {_ANSWERS})",
    ),
    DueKind.DIFFICULTY: _Source(
        "difficulty",
        " left join project p on p.id = t.project_id and p.archived_at is null"
        " join enterprise e on e.id = coalesce(p.enterprise_id, t.enterprise_id)",
        "t.resolved_on is null",
        "t.due_on",
        "t.content",
        "coalesce(t.unit_id, p.unit_id, e.owner_unit_id)",
        _ANSWERS,
    ),
    DueKind.COMMITMENT: _Source(
        "commitment",
        _VIA_PROJECT,
        f"t.fulfilled_on is null and {_UNDER_WAY}",
        "t.due_on",
        "t.clause",
        "coalesce(t.unit_id, p.unit_id)",
        _ANSWERS,
    ),
    DueKind.RETURNED_MILESTONE: _Source(
        "milestone",
        _VIA_PROJECT,
        _IS_RETURNED,
        "t.returned_on",
        "t.kind || ' ' || coalesce(t.return_reason, '')",
        "coalesce(t.unit_id, p.unit_id)",
        f"coalesce(t.owner, {_ANSWERS})",
    ),
    DueKind.RETURNED_FUNDS: _Source(
        "fund_arrival", _VIA_PROJECT, _IS_RETURNED, "t.returned_on", "t.return_reason", "p.unit_id", _ANSWERS
    ),
    DueKind.SUPERVISION: _Source(
        "supervision_order",
        " left join project p on p.id = t.project_id and p.archived_at is null"
        " left join enterprise e on e.id = p.enterprise_id and e.archived_at is null",
        "t.closed_on is null",
        "t.due_on",
        "t.number || ' ' || t.demand",
        "t.unit_id",
        "cast(null as text)",
    ),
}


def _items(
    actor: Actor,
    whose: Whose,
    params: Params,
    kinds: Collection[DueKind],
    *,
    since: date | None = None,
    until: date,
) -> str:
    """Return the query of what is open and due between two days, both included, within the reader's scope."""
    selects = []
    for kind in DueKind:
        if kind not in kinds:
            continue
        source = _SOURCES[kind]
        where = [
            "t.archived_at is null",
            "e.archived_at is null",
            source.is_open,
            f"{source.due_on} <= {params.add(until)}",
            permissions.visible(actor, Action.READ, source.table, "t", params),
        ]
        if since is not None:
            where.append(f"{source.due_on} >= {params.add(since)}")
        if whose.mine:
            where.append(_is_mine(actor, kind, params))
        if whose.unit_id is not None:
            where.append(f"{source.unit} = {params.add(whose.unit_id)}")
        selects.append(
            f"select '{kind}' as kind, t.id, t.version, t.updated_at, {source.text} as text, {source.due_on} as due_on,"
            f" e.id as enterprise_id, {source.project} as project_id, {source.unit} as unit_id,"
            f" {source.person} as person from {source.table} t{source.joins} where {' and '.join(where)}"
        )
    return " union all ".join(selects)


def _is_mine(actor: Actor, kind: DueKind, params: Params) -> str:
    if kind is DueKind.SUPERVISION:
        return f"t.unit_id = {params.add(actor.unit_id)}"
    # A nameless account answers for nothing by name.
    name = params.add(actor.name or None)
    if kind is DueKind.NEXT_STEP:
        return f"({_wrote(actor, 't', params)} or e.owner_person = {name} or p.responsible_person = {name})"
    return f"{_SOURCES[kind].person} = {name}"


def _wrote(actor: Actor, alias: str, params: Params) -> str:
    """Return the condition that the actor made a contact: by account, or by name where a ledger told of it."""
    account, name = params.add(actor.account_id), params.add(actor.name or None)
    return f"({alias}.author_id = {account} or ({alias}.author_id is null and {alias}.author = {name}))"


# --------------------------------------------------------------------------------------------------------- gone quiet


@dataclass(frozen=True)
class Quiet:
    """An enterprise without a contact for longer than its grade allows; quiet since the last one, or since it came."""

    id: int
    name: str
    grade: str
    unit: str
    owner_person: str
    last_contact_on: date | None
    quiet_since: date


def count_quiet(database: Database, actor: Actor, whose: Whose, *, today: date, grade: str = "") -> int:
    """Count the enterprises that have gone quiet by `rules.QUIET_DAYS_BY_GRADE`."""
    params = Params()
    where = _quiet_condition(actor, whose, params, today=today, grade=grade)
    return int(database.value(f"select count(*) from enterprise e where {where}", params))


def quiet(
    database: Database,
    actor: Actor,
    whose: Whose,
    *,
    today: date,
    grade: str = "",
    page: int = 1,
    size: int = PAGE_SIZE,
) -> list[Quiet]:
    """Return one page of the enterprises that have gone quiet, the longest first; no grade means every one."""
    params = Params()
    where = _quiet_condition(actor, whose, params, today=today, grade=grade)
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    rows = database.rows(
        f"""
        with page as (
            select e.id, {_HEARD_OF} as heard_on
            from enterprise e
            where {where}
            order by 2, 1
            limit {limit} offset {offset}
        )
        select
            e.id,
            e.name,
            coalesce(e.grade, ''),
            coalesce(u.short_name, ''),
            coalesce(e.owner_person, ''),
            e.last_contact_on,
            page.heard_on
        from page
        join enterprise e on e.id = page.id
        left join unit u on u.id = e.owner_unit_id
        order by page.heard_on, e.id
        """,
        params,
    )
    return [Quiet(*row) for row in rows]


# An enterprise nobody has contacted yet is quiet since it came into the directory.
_HEARD_OF = "coalesce(e.last_contact_on, cast(e.created_at as date))"


def _quiet_condition(actor: Actor, whose: Whose, params: Params, *, today: date, grade: str) -> str:
    latest = {key: params.add(today - timedelta(days=days)) for key, days in QUIET_DAYS_BY_GRADE.items()}
    graded = " ".join(f"when '{key}' then cast({day} as date)" for key, day in latest.items() if key is not None)
    parts = [
        "e.archived_at is null",
        f"{_HEARD_OF} < case e.grade {graded} else cast({latest[None]} as date) end",
        permissions.visible(actor, Action.READ, "enterprise", "e", params),
    ]
    if grade:
        parts.append(f"e.grade = {params.add(grade)}")
    if whose.mine:
        parts.append(f"e.owner_person = {params.add(actor.name or None)}")
    if whose.unit_id is not None:
        parts.append(f"e.owner_unit_id = {params.add(whose.unit_id)}")
    return " and ".join(parts)


# ------------------------------------------------------------------------------------------------ who contacted whom


class Period(StrEnum):
    """The days that contacts are counted over; all but the last end today."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"
    LAST_MONTH = "last_month"


def days_of(period: Period, today: date) -> tuple[date, date]:
    """Return the first and last day of a period; a week begins on Monday."""
    if period is Period.LAST_MONTH:
        before = Month.of(today).plus(-1)
        return before.first_day, before.last_day
    starts = {
        Period.TODAY: today,
        Period.WEEK: today - timedelta(days=today.weekday()),
        Period.MONTH: today.replace(day=1),
    }
    return starts[period], today


@dataclass(frozen=True)
class PersonCount:
    """How many contacts a person of a unit made, and with how many enterprises; `person` is '' where none is named."""

    unit_id: int | None
    unit: str
    person: str
    contacts: int
    enterprises: int
    last_on: date


def contacts_by_person(
    database: Database, actor: Actor, whose: Whose, *, since: date, until: date
) -> list[PersonCount]:
    """Count the contacts between two days by unit and person, in official order of the units."""
    params = Params()
    where = _contacts_condition(actor, whose, params, since=since, until=until)
    rows = database.rows(
        f"""
        with counted as (
            select
                f.unit_id,
                coalesce(f.author, '') as person,
                count(*) as contacts,
                count(distinct f.enterprise_id) as enterprises,
                max(f.happened_on) as last_on
            from follow_up f
            where {where}
            group by 1, 2
        )
        select c.unit_id, coalesce(u.short_name, ''), c.person, c.contacts, c.enterprises, c.last_on
        from counted c
        left join unit u on u.id = c.unit_id
        order by u.display_order is null, u.display_order, c.contacts desc, c.person
        """,
        params,
    )
    return [PersonCount(*row) for row in rows]


@dataclass(frozen=True)
class ContactMade:
    """One contact: when, with whom, how, by whom, and what was said."""

    id: int
    happened_on: date
    enterprise_id: int
    enterprise: str
    method: str
    unit: str
    person: str
    content: str

    @property
    def first_line(self) -> str:
        """The first line of what was said."""
        return next(iter(self.content.splitlines()), "")


def contacts_made(
    database: Database,
    actor: Actor,
    whose: Whose,
    *,
    since: date,
    until: date,
    by: PersonCount | None = None,
    page: int = 1,
    size: int = PAGE_SIZE,
) -> list[ContactMade]:
    """Return one page of the contacts behind a count, newest first; `by` keeps those of one line of it."""
    params = Params()
    where = _contacts_condition(actor, whose, params, since=since, until=until)
    if by is not None:
        where += f" and coalesce(f.author, '') = {params.add(by.person)}"
        where += " and f.unit_id is null" if by.unit_id is None else f" and f.unit_id = {params.add(by.unit_id)}"
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    rows = database.rows(
        f"""
        with page as (
            select f.id, f.happened_on from follow_up f where {where}
            order by f.happened_on desc, f.id desc limit {limit} offset {offset}
        )
        select
            f.id,
            f.happened_on,
            f.enterprise_id,
            e.name,
            f.method,
            coalesce(u.short_name, ''),
            coalesce(f.author, ''),
            f.content
        from page
        join follow_up f on f.id = page.id
        join enterprise e on e.id = f.enterprise_id
        left join unit u on u.id = f.unit_id
        order by f.happened_on desc, f.id desc
        """,
        params,
    )
    return [ContactMade(*row) for row in rows]


def _contacts_condition(actor: Actor, whose: Whose, params: Params, *, since: date, until: date) -> str:
    parts = [
        "f.archived_at is null",
        f"f.happened_on >= {params.add(since)}",
        f"f.happened_on <= {params.add(until)}",
        permissions.visible(actor, Action.READ, "follow_up", "f", params),
    ]
    if whose.mine:
        parts.append(_wrote(actor, "f", params))
    if whose.unit_id is not None:
        parts.append(f"f.unit_id = {params.add(whose.unit_id)}")
    return " and ".join(parts)


# ---------------------------------------------------------------------------------------------- timetable and calendar


@dataclass(frozen=True)
class Step:
    """One step of the timetable with an enterprise; `done_on` is the day of the contact that did it."""

    id: int
    version: int
    step: str
    planned_on: date | None
    owner: str
    done_on: date | None


def timetable(database: Database, actor: Actor, enterprise_id: int) -> list[Step]:
    """Return the timetable with an enterprise, by planned day; raises NotFound."""
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, "enterprise", enterprise_id)
        if not session.rows("select 1 from enterprise where id = $1 and archived_at is null", [enterprise_id]):
            raise NotFound
        rows = session.rows(
            "select s.id, s.version, s.step, s.planned_on, coalesce(s.owner, ''), f.happened_on from engagement_step s"
            " left join follow_up f on f.id = s.follow_up_id and f.archived_at is null"
            " where s.enterprise_id = $1 and s.archived_at is null order by s.planned_on is null, s.planned_on, s.id",
            [enterprise_id],
        )
    return [Step(*row) for row in rows]


def newest_contact(database: Database, actor: Actor, enterprise_id: int) -> int | None:
    """Return the id of the newest contact with an enterprise within the reader's scope, None where there is none."""
    params = Params()
    found = database.value(
        f"select f.id from follow_up f where f.enterprise_id = {params.add(enterprise_id)} and f.archived_at is null"
        f" and {permissions.visible(actor, Action.READ, 'follow_up', 'f', params)}"
        " order by f.happened_on desc, f.id desc limit 1",
        params,
    )
    return None if found is None else int(found)
