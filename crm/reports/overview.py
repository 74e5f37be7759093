"""The overview: what a period brought, how far projects come, what the chains signed where, which units slip.

A unit's figures are public, as the ranking is; the funnel, the chains and every list keep to the reader's scope. A
period runs to the cut-off date; it is compared with the same days of the period before it and of the year before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import groupby

import pandas as pd

from crm import permissions
from crm.locale import _
from crm.metrics import MEASURES, NO_PAIR, Pair, Pairs, counted_rows, measures_over
from crm.model import LABELS, Actor, Stage
from crm.months import Month
from crm.permissions import Action
from crm.reports.projects import Concern, ProjectFilter, project_condition
from crm.reports.rankings import Ranking, RankingRow, Unit, pooled
from crm.reports.targets import Attainment, Progress
from crm.rules import DATE_OF_STAGE
from crm.store import Database, Params

PAGE_SIZE = 20
MONTHS = 12


class ToDate(StrEnum):
    """How far back a period begins: the calendar month, quarter or year that holds its last day."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


LABELS[ToDate] = {ToDate.MONTH: _("This month"), ToDate.QUARTER: _("This quarter"), ToDate.YEAR: _("This year")}
_LENGTH = {ToDate.MONTH: 1, ToDate.QUARTER: 3, ToDate.YEAR: 12}


@dataclass(frozen=True)
class Span:
    """The days from one to another, both included."""

    first_day: date
    last_day: date

    def earlier(self, months: int) -> "Span":
        """Return the same days that many months before; the end of a month stays the end of a month."""
        end = Month.of(self.last_day)
        moved = end.plus(-months)
        at_end = self.last_day == end.last_day or self.last_day.day > moved.last_day.day
        return Span(
            Month.of(self.first_day).plus(-months).first_day,
            moved.last_day if at_end else moved.first_day.replace(day=self.last_day.day),
        )


def period_to(as_of: date, to_date: ToDate) -> Span:
    """Return the period that ends on a day."""
    months = _LENGTH[to_date]
    return Span(Month(as_of.year, (as_of.month - 1) // months * months + 1).first_day, as_of)


def has_work(database: Database) -> bool:
    """Whether there is any project or contact yet: an overview of nothing helps nobody."""
    return any(
        database.rows(f"select 1 from {table} where archived_at is null limit 1") for table in ("project", "follow_up")
    )


# ------------------------------------------------------------------------------------------------------------- figures

# What the figures show, in their order.
COUNTED = ("signings", "signed_amount", "new_leads", "starts", "funds_arrived", "follow_ups")


@dataclass(frozen=True)
class Figure:
    """A plain measure in a period, in the period before (None for a year: it is the year before), a year before.

    `trend` holds the twelve months up to the cut-off date, the last of them up to that day.
    """

    value: Decimal
    before: Decimal | None
    year_before: Decimal
    trend: list[Decimal]


@dataclass(frozen=True)
class Counted:
    """The plain measures of every unit: {span: {unit id: {measure: value}}}; see `counted`."""

    as_of: date
    values: Mapping[Span, Mapping[int, Mapping[str, Decimal]]]

    def figure(self, slug: str, to_date: ToDate, unit_ids: Collection[int]) -> Figure:
        """Return one measure of some units together."""
        span = period_to(self.as_of, to_date)
        before = None if to_date is ToDate.YEAR else self._sum(slug, span.earlier(_LENGTH[to_date]), unit_ids)
        return Figure(
            self._sum(slug, span, unit_ids),
            before,
            self._sum(slug, span.earlier(12), unit_ids),
            [self._sum(slug, month, unit_ids) for month in _last_months(self.as_of)],
        )

    def _sum(self, slug: str, span: Span, unit_ids: Collection[int]) -> Decimal:
        of_span = self.values[span]
        return sum((of_span[unit].get(slug, Decimal(0)) for unit in unit_ids if unit in of_span), Decimal(0))


def counted(database: Database, *, as_of: date) -> Counted:
    """Return the measures of COUNTED for every period to a day, what each is compared with, and the twelve months.

    Over all units: everyone signed in may read it.
    """
    spans = {span: None for span in _last_months(as_of)}
    for to_date, months in _LENGTH.items():
        span = period_to(as_of, to_date)
        spans |= dict.fromkeys((span, span.earlier(months), span.earlier(12)))
    sql, params = measures_over([(span.first_day, span.last_day) for span in spans], COUNTED)
    order = list(spans)
    values: dict[Span, dict[int, dict[str, Decimal]]] = {span: {} for span in order}
    for n, unit_id, slug, value in database.rows(sql, params):
        if unit_id is not None:
            values[order[n]].setdefault(unit_id, {})[slug] = Decimal(value)
    return Counted(as_of, values)


def _last_months(as_of: date) -> list[Span]:
    """Return the months up to a day, whole but for the last."""
    last = Month.of(as_of)
    return [Span(month.first_day, min(month.last_day, as_of)) for month in last.plus(1 - MONTHS).until(last)]


@dataclass(frozen=True)
class RateFigure:
    """A rate at the cut-off date, a month before, a year before, and its twelve months; None: there is no rate."""

    pair: Pair
    before: Pair
    year_before: Pair
    trend: list[Fraction | None]

    @property
    def change(self) -> Fraction | None:
        """The change since last month, None where either is missing."""
        return _difference(self.pair, self.before)

    @property
    def change_over_year(self) -> Fraction | None:
        """The change since the same month last year."""
        return _difference(self.pair, self.year_before)


def rate_figure(history: Sequence[Ranking], slug: str, unit_id: int | None = None) -> RateFigure:
    """Return a rate of one unit, or pooled over all ranked units, from the rankings of 13 months."""
    pairs = [_pair(ranking, slug, unit_id) for ranking in history]
    return RateFigure(pairs[-1], pairs[-2], pairs[-1 - MONTHS], [pair.rate for pair in pairs[-MONTHS:]])


def _pair(ranking: Ranking, slug: str, unit_id: int | None) -> Pair:
    if unit_id is None:
        return ranking.total[slug]
    return next((row.pairs[slug] for row in ranking.rows if row.unit.id == unit_id), NO_PAIR)


def _difference(now: Pair, then: Pair) -> Fraction | None:
    return None if now.rate is None or then.rate is None else now.rate - then.rate


# ------------------------------------------------------------------------------------------------ excerpt and who slips


def excerpt(ranking: Ranking, *, top: int = 6, last: int = 3) -> list[RankingRow]:
    """Return the first and the last ranked units of each peer group; a group that is hardly longer is shown whole."""
    found: list[RankingRow] = []
    for _group, rows in groupby(ranking.rows, key=lambda row: row.unit.peer_group):
        members = list(rows)
        ranked = [row for row in members if row.rank is not None]
        found += members if len(members) <= top + last + 1 else [*ranked[:top], *ranked[top:][-last:]]
    return found


@dataclass(frozen=True)
class Slip:
    """A unit that lost places or score since last month; `slug` is the rate that fell most, None where none fell."""

    unit: Unit
    rank: int
    places: int
    score: Fraction
    slug: str | None
    rate: Fraction | None


def slips(history: Sequence[Ranking], slugs: Iterable[str], *, limit: int = 5) -> list[Slip]:
    """Return the units that fell most since last month: by places lost, then by score; changes are negative."""
    now, before = history[-1], {row.unit.id: row for row in history[-2].rows}
    rates = tuple(slugs)
    found = []
    for row in now.rows:
        then = before.get(row.unit.id)
        if then is None or row.rank is None or row.score is None or then.score is None:
            continue
        score, places = row.score - then.score, row.movement or 0
        if score >= 0 and places >= 0:
            continue
        falls = [
            (change, slug)
            for slug in rates
            if (change := _difference(row.pairs[slug], then.pairs[slug])) is not None and change < 0
        ]
        rate, slug = min(falls, key=lambda fall: fall[0], default=(None, None))
        found.append(Slip(row.unit, row.rank, places, score, slug, rate))
    return sorted(found, key=lambda slip: (slip.places, slip.score))[:limit]


def targets_reached(found: Attainment, ranking: Ranking, unit_ids: Collection[int]) -> list[Progress]:
    """Return the targets of some ranked units together, as far as the reader sees them: what has no target is left out.

    Numbers and amounts are added; the rate of several units is the ranking's, its target the one that they share.
    """
    rows = [row for row in found.rows if row.unit is not None and row.unit.id in unit_ids]
    seen = {row.unit.id for row in rows if row.unit is not None}
    if len(seen) > 1:
        pooled_pairs = pooled([row.pairs for row in ranking.rows if row.unit.id in seen])
        rows = [_together(of_measure, pooled_pairs) for of_measure in _by_measure(rows)]
    return [row for row in rows if row.target]


def _by_measure(rows: Iterable[Progress]) -> list[list[Progress]]:
    found: dict[str, list[Progress]] = {}
    for row in rows:
        found.setdefault(row.measure, []).append(row)
    return list(found.values())


def _together(rows: Sequence[Progress], pairs: Pairs) -> Progress:
    measure, targets = rows[0].measure, [row.target for row in rows if row.target is not None]
    if measure in pairs:
        rate = pairs[measure].rate
        shared = targets[0] if len(set(targets)) == 1 else None
        return Progress(None, measure, shared, None if rate is None else rate * 100, None)
    actual = sum((row.actual for row in rows if row.actual is not None), Fraction(0))
    return Progress(None, measure, sum(targets, Decimal(0)) if targets else None, actual, None)


# -------------------------------------------------------------------------------------------------- funnel and chains

# A stage without a date of its own cannot be told as of a day.
FUNNEL = (Stage.LEAD, *DATE_OF_STAGE)


@dataclass(frozen=True)
class Step:
    """How many projects came at least so far; `conversion` is the share of those of the step before."""

    stage: Stage
    count: int
    conversion: Fraction | None


def funnel(database: Database, actor: Actor, *, as_of: date, unit_ids: Collection[int]) -> list[Step]:
    """Return how far the projects that these units hold have come, within the reader's scope.

    A project counts at every stage up to the furthest that its dates show, those withdrawn since as well.
    """
    params = Params()
    held = _held(as_of, unit_ids, params)
    scope = permissions.visible(actor, Action.READ, "project", "p", params)
    counts = ", ".join(f"count(*) filter (where {_came_to(stage, as_of, params)})" for stage in FUNNEL)
    (row,) = database.rows(f"select {counts} from {held} and {scope}", params)
    return [
        Step(stage, row[n], Fraction(row[n], row[n - 1]) if n and row[n - 1] else None)
        for n, stage in enumerate(FUNNEL)
    ]


def _held(as_of: date, unit_ids: Collection[int], params: Params) -> str:
    """Return the projects `p` that units hold on a day, ready for more conditions."""
    day = f"cast({params.add(as_of)} as date)"
    return (
        f"project p join project_holding h on h.project_id = p.id and h.valid_from <= {day}"
        f" and (h.valid_to is null or h.valid_to > {day})"
        f" where p.archived_at is null and p.entered_on <= {day} and {among('h.unit_id', unit_ids, params)}"
    )


def _came_to(stage: Stage, as_of: date, params: Params) -> str:
    if stage is Stage.LEAD:
        return "true"
    day = f"cast({params.add(as_of)} as date)"
    return "(" + " or ".join(f"p.{DATE_OF_STAGE[s]} <= {day}" for s in FUNNEL[FUNNEL.index(stage) :]) + ")"


def among(column: str, ids: Collection[int], params: Params) -> str:
    """Return the condition that a column is one of some ids."""
    return f"{column} in ({', '.join(params.add(i) for i in ids)})" if ids else "false"


def chain_matrix(database: Database, actor: Actor, *, span: Span, units: Sequence[Unit]) -> pd.DataFrame:
    """Return what was signed in a period by chain and unit, within the reader's scope; every pair has its row.

    Columns: industry_id (0 and without a name: no chain, where there are such projects), industry, unit_id, unit,
    signed, amount (元).
    """
    params = Params()
    rows = counted_rows("signings", span.first_day, span.last_day, params)
    scope = permissions.visible(actor, Action.READ, "project", "p", params)
    cells = {
        (industry_id or 0, unit_id): (int(signed), float(amount or 0))
        for industry_id, unit_id, signed, amount in database.rows(
            f"select p.industry_id, c.unit_id, count(*), sum(p.planned_investment) from ({rows}) as c"
            f" join project p on p.id = c.record_id where {among('c.unit_id', [unit.id for unit in units], params)}"
            f" and {scope} group by p.industry_id, c.unit_id",
            params,
        )
    }
    names = {0: ""} | dict(
        database.rows("select id, name from industry where archived_at is null order by display_order, id")
    )
    order = [i for i in (*list(names)[1:], 0) if i or any(industry == 0 for industry, _unit in cells)]
    return pd.DataFrame(
        [(i, names[i], unit.id, unit.short_name, *cells.get((i, unit.id), (0, 0.0))) for i in order for unit in units],
        columns=["industry_id", "industry", "unit_id", "unit", "signed", "amount"],
    )


# ------------------------------------------------------------------------------------------------ what stands behind it


@dataclass(frozen=True)
class Records:
    """One page of the records behind a number; `hidden` are those outside the reader's scope.

    project: id, code, name, enterprise, unit, stage, on_day, amount (元). fund_arrival: the same without stage, id is
    the project's. follow_up: enterprise_id, enterprise, unit, on_day, method, person, said.
    """

    subject: str
    total: int
    hidden: int
    rows: pd.DataFrame


def records(
    database: Database,
    actor: Actor,
    slug: str,
    *,
    span: Span,
    unit_ids: Collection[int],
    industry_id: int | None = None,
    page: int = 1,
    size: int = PAGE_SIZE,
) -> Records:
    """Return what a plain measure counts in a period for some units, the newest first; `industry_id` 0: of no chain."""
    params = Params()
    rows = counted_rows(slug, span.first_day, span.last_day, params)
    where = among("c.unit_id", unit_ids, params)
    if industry_id is not None:
        chain = f"= {params.add(industry_id)}" if industry_id else "is null"
        where += f" and c.record_id in (select id from project where industry_id {chain})"
    return paged_records(
        database, actor, MEASURES[slug].subject, f"select c.* from ({rows}) as c where {where}", params, page, size
    )


def stage_records(
    database: Database,
    actor: Actor,
    stage: Stage,
    *,
    as_of: date,
    unit_ids: Collection[int],
    page: int = 1,
    size: int = PAGE_SIZE,
) -> Records:
    """Return the projects that came at least to a stage of the funnel, the newest first."""
    params = Params()
    held = _held(as_of, unit_ids, params)
    on_day = "p.entered_on" if stage is Stage.LEAD else f"coalesce(p.{DATE_OF_STAGE[stage]}, p.entered_on)"
    rows = f"select p.id as record_id, h.unit_id, {on_day} as on_day from {held} and {_came_to(stage, as_of, params)}"
    return paged_records(database, actor, "project", rows, params, page, size)


_PROJECT_COLUMNS = "p.code, p.name, e.name as enterprise, u.short_name as unit"
_DETAILS = {
    "project": (
        f"r.id, {_PROJECT_COLUMNS}, r.stage, c.on_day, r.planned_investment as amount",
        "join project p on p.id = r.id left join enterprise e on e.id = p.enterprise_id",
    ),
    "fund_arrival": (
        f"p.id, {_PROJECT_COLUMNS}, c.on_day, r.amount",
        "join project p on p.id = r.project_id left join enterprise e on e.id = p.enterprise_id",
    ),
    "follow_up": (
        "r.enterprise_id, e.name as enterprise, u.short_name as unit, c.on_day, r.method,"
        " coalesce(r.author, '') as person, r.content as said",
        "join enterprise e on e.id = r.enterprise_id",
    ),
}


def paged_records(
    database: Database,
    actor: Actor,
    subject: str,
    rows: str,
    params: Params,
    page: int,
    size: int,
    *,
    order: str = "desc",
) -> Records:
    """Count and page the records `r` of a subject that `rows` (record_id, unit_id, on_day) names."""
    scope = permissions.visible(actor, Action.READ, subject, "r", params)
    ctes = (
        f"with counted as ({rows}), judged as (select c.*, ({scope}) is true as seen"
        f" from counted c join {subject} r on r.id = c.record_id)"
    )
    columns, joins = _DETAILS[subject]
    with database.reading() as session:
        seen, hidden = session.row(
            f"{ctes} select count(*) filter (where seen), count(*) filter (where not seen) from judged", params
        )
        limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
        found = session.frame(
            f"{ctes}, page as (select * from judged where seen order by on_day {order}, record_id {order}"
            f" limit {limit} offset {offset})"
            f" select {columns} from page c join {subject} r on r.id = c.record_id {joins}"
            f" left join unit u on u.id = c.unit_id order by c.on_day {order}, c.record_id {order}",
            params,
        )
    return Records(subject, int(seen), int(hidden), found)


def late_starts(
    database: Database,
    actor: Actor,
    *,
    today: date,
    unit_ids: Collection[int],
    page: int = 1,
    size: int = PAGE_SIZE,
) -> Records:
    """Return the projects of some units whose planned start (`on_day`) has passed without one, the longest late first.

    A count of projects at work is the reader's own, as it is on the page of projects: none are hidden.
    """
    params = Params()
    late = project_condition(actor, ProjectFilter(concern=Concern.LATE_START), params, today=today)
    rows = (
        "select p.id as record_id, p.unit_id, p.planned_start_on as on_day from project p"
        f" where {late} and {among('p.unit_id', unit_ids, params)}"
    )
    return paged_records(database, actor, "project", rows, params, page, size, order="asc")
