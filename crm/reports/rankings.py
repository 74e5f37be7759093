"""Rankings, series of rates and the projects behind a number; the arithmetic is `metrics`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from crm import permissions
from crm.errors import Invalid
from crm.locale import Message, _
from crm.metrics import (
    NO_PAIR,
    RATES,
    Basis,
    Pairs,
    RuleSet,
    facts_query,
    pairs_query,
    read_pairs,
    standings,
    why_words,
)
from crm.model import Actor
from crm.months import Month
from crm.store import Database, Params


@dataclass(frozen=True)
class Unit:
    """A unit as the ranking names it."""

    id: int
    code: str
    name: str
    short_name: str
    kind: str
    peer_group: str
    display_order: int


@dataclass(frozen=True)
class RankingRow:
    """A unit's line: place, movement, every rate's exact pair, score and adjustment points."""

    unit: Unit
    rank: int | None
    previous_rank: int | None
    score: Fraction | None
    adjustment: Decimal
    pairs: Pairs

    @property
    def movement(self) -> int | None:
        """Places gained since last month (negative: lost); None where one of the ranks is missing."""
        if self.rank is None or self.previous_rank is None:
            return None
        return self.previous_rank - self.rank


@dataclass(frozen=True)
class Ranking:
    """The ranking of one month: rows by group, rank and official order; `total` pools the pairs of its rows."""

    month: Month
    as_of: date
    rules: RuleSet
    basis: Basis
    rows: list[RankingRow]
    total: Pairs

    def as_json(self) -> dict[str, Any]:
        """Return the ranking as interfaces.md describes it: unrounded floats, amounts in 元."""
        return {
            "month": str(self.month),
            "as_of": self.as_of.isoformat(),
            "rules": {"name": self.rules.name, "version": self.rules.version},
            "basis": str(self.basis),
            "rows": [
                {
                    "unit": row.unit.name,
                    "code": row.unit.code,
                    "group": row.unit.peer_group,
                    "rank": row.rank,
                    "previous_rank": row.previous_rank,
                    "score": _float(row.score),
                    "adjustment": _plain(row.adjustment),
                    "rates": pairs_as_json(row.pairs),
                }
                for row in self.rows
            ],
        }


def units(database: Database) -> list[Unit]:
    """List the units in official order."""
    return [
        Unit(*row)
        for row in database.rows(
            "select id, code, name, short_name, kind, peer_group, display_order from unit"
            " where archived_at is null order by display_order, id"
        )
    ]


def find_unit(database: Database, text: str) -> Unit:
    """Find a unit by its name, short name, code or alias; raises Invalid with the names there are."""
    wanted = text.strip()
    known = units(database)
    aliases: dict[str, int] = dict(database.rows("select name, unit_id from unit_alias where archived_at is null"))
    for unit in known:
        if wanted in (unit.name, unit.short_name, unit.code) or aliases.get(wanted) == unit.id:
            return unit
    names = "、".join(unit.name for unit in known)
    raise Invalid({"unit": _("There is no unit “{text}”. The units are: {names}.", text=text, names=names)})


def find_industry(database: Database, text: str) -> int:
    """Find a key industry by its name or code and return its id; raises Invalid with the names there are."""
    known = database.rows(
        "select id, name, code, name_en from industry where archived_at is null order by display_order"
    )
    for industry_id, *words in known:
        if text.strip() in words:
            return int(industry_id)
    names = "、".join(row[1] for row in known)
    raise Invalid(
        {"industry": _("There is no industry “{text}”. The industries are: {names}.", text=text, names=names)}
    )


def find_rate(slug: str) -> str:
    """Check a rate's slug; raises Invalid with the slugs there are."""
    if slug not in RATES:
        raise Invalid(
            {"metric": _("There is no rate “{slug}”. The rates are: {slugs}.", slug=slug, slugs=", ".join(RATES))}
        )
    return slug


def ranking(
    database: Database,
    *,
    month: Month,
    rules: RuleSet,
    basis: Basis = Basis.COUNT,
    as_of: date | None = None,
    group: str | None = None,
) -> Ranking:
    """Rank the units of the rule set's peer groups for a month, with last month's ranks under the same rules.

    Computed over all units: everyone signed in may read it.
    """
    now, before = rules.period(month, as_of), rules.period(month.plus(-1))
    known = units(database)
    groups = [g for g in rules.groups if group is None or g == group]
    if group is not None and group not in rules.groups:
        listed = ", ".join(rules.groups)
        raise Invalid(
            {
                "group": _(
                    "The rule set does not rank the group “{group}”; it ranks: {groups}.", group=group, groups=listed
                )
            }
        )
    sql, params = pairs_query(rules, [now, before], basis, by="unit")
    pairs: list[dict[int, Pairs]] = [{}, {}]
    for row in database.rows(sql, params):
        index, unit_id, of_unit = read_pairs(row)
        if unit_id is not None:
            pairs[index][unit_id] = of_unit
    points = _adjustments(database, [month, month.plus(-1)])
    rows: list[RankingRow] = []
    for name in groups:
        members = [unit for unit in known if unit.peer_group == name]
        current = {unit.id: pairs[0].get(unit.id, no_pairs()) for unit in members}
        earlier = {unit.id: pairs[1].get(unit.id, no_pairs()) for unit in members}
        placed = standings(rules, current, points[str(month)])
        placed_before = standings(rules, earlier, points[str(month.plus(-1))])
        in_group = [
            RankingRow(
                unit,
                placed[unit.id].rank,
                placed_before[unit.id].rank,
                placed[unit.id].score,
                points[str(month)].get(unit.id, Decimal(0)),
                current[unit.id],
            )
            for unit in members
        ]
        rows += sorted(in_group, key=lambda row: (row.rank is None, row.rank or 0))
    return Ranking(month, now.as_of, rules, basis, rows, pooled([row.pairs for row in rows]))


def no_pairs() -> Pairs:
    """Return the pairs of a unit without any project."""
    return dict.fromkeys(RATES, NO_PAIR)


def pooled(all_pairs: Sequence[Pairs]) -> Pairs:
    """Pool pairs: numerators and denominators are summed, rates are never averaged."""
    total = no_pairs()
    for pairs in all_pairs:
        total = {slug: total[slug] + pairs[slug] for slug in total}
    return total


def pairs_as_json(pairs: Pairs) -> dict[str, dict[str, Any]]:
    """Return every rate's n, d and unrounded rate (null where there is none)."""
    return {slug: {"n": _plain(pair.n), "d": _plain(pair.d), "rate": _float(pair.rate)} for slug, pair in pairs.items()}


@dataclass(frozen=True)
class SeriesRow:
    """One unit's (or industry's) rates in one month."""

    month: Month
    as_of: date
    name: str
    code: str
    pairs: Pairs


def rates_series(
    database: Database,
    *,
    first: Month,
    last: Month,
    rules: RuleSet,
    basis: Basis = Basis.COUNT,
    by: str = "unit",
    as_of: date | None = None,
) -> list[SeriesRow]:
    """Return the rates of every unit (of the ranked groups) or industry for each month, months first.

    `as_of` is the cut-off date of the last month, where it is not that month's last day.
    """
    months = first.until(last)
    if not months:
        raise Invalid(
            {"from": _("The first month {first} is later than the last month {last}.", first=first, last=last)}
        )
    if len(months) > 240:
        raise Invalid({"from": _("At most 240 months at once; these are {count}.", count=len(months))})
    periods = [rules.period(month, as_of if month == last else None) for month in months]
    sql, params = pairs_query(rules, periods, basis, by=by)
    found = {(index, key): pairs for index, key, pairs in map(read_pairs, database.rows(sql, params))}
    if by == "unit":
        keys = [(u.id, u.name, u.code) for g in rules.groups for u in units(database) if u.peer_group == g]
    else:
        keys = [
            (row[0], row[1], row[2])
            for row in database.rows(
                "select id, name, code from industry where archived_at is null order by display_order"
            )
        ]
    return [
        SeriesRow(at.month, at.as_of, name, code, found.get((index, key), no_pairs()))
        for index, at in enumerate(periods)
        for key, name, code in keys
    ]


@dataclass(frozen=True)
class Fact:
    """One project behind a number: whether it is in N and in D, why, and the values that count."""

    project_id: int
    code: str
    name: str
    enterprise: str
    in_n: bool
    in_d: bool
    why: str
    reason: Message
    dates: dict[str, date | None]
    planned_investment: Decimal | None
    base_amount: Decimal | None
    arrived: Decimal


@dataclass(frozen=True)
class Facts:
    """The projects behind one unit's rate; `hidden` counts those outside the reader's scope."""

    unit: Unit
    month: Month
    as_of: date
    rules: RuleSet
    slug: str
    rows: list[Fact]
    hidden: int

    def as_json(self) -> dict[str, Any]:
        """Return the facts as plain values: dates as text, amounts in 元."""
        return {
            "month": str(self.month),
            "as_of": self.as_of.isoformat(),
            "rules": {"name": self.rules.name, "version": self.rules.version},
            "unit": self.unit.name,
            "code": self.unit.code,
            "metric": self.slug,
            "n": sum(fact.in_n for fact in self.rows),
            "d": sum(fact.in_d for fact in self.rows),
            "rows": [
                {
                    "project": fact.code,
                    "name": fact.name,
                    "enterprise": fact.enterprise,
                    "in_n": fact.in_n,
                    "in_d": fact.in_d,
                    "why": fact.why,
                    "reason": str(fact.reason),
                    **{field: day.isoformat() if day else None for field, day in fact.dates.items()},
                    "planned_investment": _plain(fact.planned_investment),
                    "base_amount": _plain(fact.base_amount),
                    "arrived": _plain(fact.arrived),
                }
                for fact in self.rows
            ],
        }


FACT_DATES = (
    "entered_on",
    "negotiating_on",
    "signed_on",
    "registered_on",
    "first_funds_on",
    "planned_start_on",
    "started_on",
    "completed_on",
    "production_on",
    "withdrawn_on",
)


def facts(
    database: Database,
    actor: Actor,
    *,
    month: Month,
    unit: Unit,
    slug: str,
    rules: RuleSet,
    as_of: date | None = None,
) -> Facts:
    """Return the projects that the unit held on the cut-off date, each with in_n, in_d and why, counted ones first.

    Only projects within the reader's scope are listed; how many others there are is said.
    """
    rate = RATES[find_rate(slug)]
    at = rules.period(month, as_of)
    sql, bound = facts_query(rules, at, rate)
    params = Params(bound)
    seen = permissions.visible(actor, permissions.Action.READ, "project", "p", params)
    dates = ", ".join(f"p.{field}" for field in FACT_DATES)
    base = sql.rpartition("\nselect * from judged")[0]
    rows = database.rows(
        f"{base}\nselect p.id, p.code, p.name, e.name, j.in_n, j.in_d, j.why, {dates}, p.planned_investment,"
        f" j.base_amount, j.arrived, {seen} as seen"
        " from judged j join project p on p.id = j.project_id left join enterprise e on e.id = p.enterprise_id"
        f" where j.unit_id = {params.add(unit.id)} order by j.in_d desc, j.in_n desc, p.code",
        params,
    )
    words = why_words(rules, rate)
    last = 7 + len(FACT_DATES)
    shown = [
        Fact(
            row[0],
            row[1],
            row[2],
            row[3] or "",
            row[4],
            row[5],
            row[6],
            words[row[6]],
            dict(zip(FACT_DATES, row[7:last], strict=True)),
            row[last],
            row[last + 1],
            row[last + 2],
        )
        for row in rows
        if row[-1]
    ]
    return Facts(unit, month, at.as_of, rules, slug, shown, hidden=sum(row[5] and not row[-1] for row in rows))


def latest_month_with_data(database: Database, *, today: date) -> Month:
    """Return the newest month up to today in which something was signed; today's month where nothing was."""
    newest = database.value("select max(signed_on) from project where archived_at is null and signed_on <= $1", [today])
    return Month.of(newest) if newest else Month.of(today)


def _adjustments(database: Database, months: Sequence[Month]) -> dict[str, dict[int, Decimal]]:
    points: dict[str, dict[int, Decimal]] = {str(month): {} for month in months}
    marks = ", ".join(f"${n}" for n in range(1, len(months) + 1))
    for month, unit_id, total in database.rows(
        f"select month, unit_id, sum(points) from adjustment where archived_at is null and month in ({marks})"
        " group by month, unit_id",
        [str(month) for month in months],
    ):
        points[month][unit_id] = Decimal(total)
    return points


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _plain(value: Decimal | int | None) -> int | float | None:
    """Make the one float at the edge; whole numbers stay whole."""
    if value is None or isinstance(value, int):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
