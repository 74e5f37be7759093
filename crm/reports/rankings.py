"""Rankings, series of rates and the projects behind a number; the arithmetic is `metrics`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crm import permissions
from crm.errors import Invalid
from crm.locale import Message, _
from crm.metrics import (
    COUNTED_DATES,
    NO_PAIR,
    RATES,
    Basis,
    Pair,
    Pairs,
    RuleSet,
    Standing,
    facts_query,
    measures_query,
    pairs_query,
    percent,
    places_gained,
    read_pairs,
    standings,
    why_words,
)
from crm.model import YUAN_PER_WAN, Actor
from crm.months import Month, Period
from crm.store import Database, Params

# Loaded by what makes a frame: `crm rank` makes none, and would wait for it as long as for all the rest.
if TYPE_CHECKING:
    import pandas as pd


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
        return places_gained(self.rank, self.previous_rank)


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
    if group is not None and group not in rules.groups:
        listed = ", ".join(rules.groups)
        raise Invalid(
            {
                "group": _(
                    "The rule set does not rank the group “{group}”; it ranks: {groups}.", group=group, groups=listed
                )
            }
        )
    groups = rules.groups if group is None else (group,)
    return _rankings(database, [month.plus(-1), month], rules, basis, as_of, groups)[0]


def ranking_history(
    database: Database, *, last: Month, count: int, rules: RuleSet, basis: Basis = Basis.COUNT
) -> list[Ranking]:
    """Return the rankings of `count` months up to `last`, the earliest first, each as that month would rank."""
    return _rankings(database, last.plus(-count).until(last), rules, basis, None, rules.groups)


def _rankings(
    database: Database,
    months: Sequence[Month],
    rules: RuleSet,
    basis: Basis,
    as_of: date | None,
    groups: Sequence[str],
) -> list[Ranking]:
    """Rank each month but the first, which only gives the ranks before; `as_of` cuts off the last month."""
    periods = [rules.period(month, as_of if month == months[-1] else None) for month in months]
    sql, params = pairs_query(rules, periods, basis, by="unit")
    pairs: list[dict[int, Pairs]] = [{} for _month in months]
    for row in database.rows(sql, params):
        index, unit_id, of_unit = read_pairs(row)
        if unit_id is not None:
            pairs[index][unit_id] = of_unit
    points = _adjustments(database, months)
    known = units(database)
    members = {name: [unit for unit in known if unit.peer_group == name] for name in groups}
    placed: list[dict[int, Standing]] = []
    for index, month in enumerate(months):
        of_month: dict[int, Standing] = {}
        for in_group in members.values():
            current = {unit.id: pairs[index].get(unit.id, no_pairs()) for unit in in_group}
            of_month |= standings(rules, current, points[str(month)])
        placed.append(of_month)
    found = []
    for index in range(1, len(months)):
        rows = [
            RankingRow(
                unit,
                placed[index][unit.id].rank,
                placed[index - 1][unit.id].rank,
                placed[index][unit.id].score,
                points[str(months[index])].get(unit.id, Decimal(0)),
                pairs[index].get(unit.id, no_pairs()),
            )
            for name in groups
            for unit in sorted(
                members[name], key=lambda u: (placed[index][u.id].rank is None, placed[index][u.id].rank or 0)
            )
        ]
        found.append(
            Ranking(months[index], periods[index].as_of, rules, basis, rows, pooled([row.pairs for row in rows]))
        )
    return found


def activity(database: Database, at: Period) -> dict[int, dict[str, Decimal | int]]:
    """Return the plain measures of every unit in the month of a period, {unit id: {measure: value}}."""
    sql, params = measures_query(at)
    found: dict[int, dict[str, Decimal | int]] = {}
    for unit_id, slug, value in database.rows(sql, params):
        if unit_id is not None:
            found.setdefault(unit_id, {})[slug] = value
    return found


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
    unit: str
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
    """The projects behind a rate of a unit, or of all ranked units together (None), and its pair.

    `hidden` counts those of D outside the reader's scope.
    """

    unit: Unit | None
    month: Month
    as_of: date
    rules: RuleSet
    basis: Basis
    slug: str
    pair: Pair
    rows: list[Fact]
    hidden: int

    def as_json(self) -> dict[str, Any]:
        """Return the facts as plain values: dates as text, amounts in 元."""
        return {
            "month": str(self.month),
            "as_of": self.as_of.isoformat(),
            "rules": {"name": self.rules.name, "version": self.rules.version},
            "basis": str(self.basis),
            "unit": self.unit and self.unit.name,
            "code": self.unit and self.unit.code,
            "metric": self.slug,
            "n": _plain(self.pair.n),
            "d": _plain(self.pair.d),
            "hidden": self.hidden,
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


FACT_DATES = COUNTED_DATES[:-1]  # that it is excluded is said in words


def facts(
    database: Database,
    actor: Actor,
    *,
    month: Month,
    unit: Unit | None,
    slug: str,
    rules: RuleSet,
    basis: Basis = Basis.COUNT,
    as_of: date | None = None,
    counted_only: bool = False,
) -> Facts:
    """Return the projects that a unit held on the cut-off date, each with in_n, in_d and why, those in D first.

    Without a unit they are those of all units that the rule set ranks. Only projects within the reader's scope are
    listed; how many others of D there are is said, and the pair is the ranking's, which everyone may read.
    `counted_only` leaves out those that are not in D.
    """
    rate = RATES[find_rate(slug)]
    at = rules.period(month, as_of)
    sql, bound = facts_query(rules, at, rate)
    params = Params(bound)
    seen = permissions.visible(actor, permissions.Action.READ, "project", "p", params)
    dates = ", ".join(f"p.{field}" for field in FACT_DATES)
    base = sql.rpartition("\nselect * from judged")[0]
    of_units = (
        f"u.peer_group in ({', '.join(map(params.add, rules.groups)) or 'null'})"
        if unit is None
        else f"u.id = {params.add(unit.id)}"
    )
    rows = database.rows(
        f"{base}\nselect p.id, p.code, p.name, e.name, u.short_name, j.in_n, j.in_d, j.why, {dates},"
        f" p.planned_investment, j.base_amount, j.arrived, {seen} as seen"
        " from judged j join project p on p.id = j.project_id join unit u on u.id = j.unit_id"
        " left join enterprise e on e.id = p.enterprise_id"
        f" where {of_units}{' and j.in_d' if counted_only else ''}"
        " order by j.in_d desc, j.in_n desc, p.code",
        params,
    )
    words = why_words(rules, rate)
    last = 8 + len(FACT_DATES)
    # What a project adds to N and to D: itself, its planned investment, or what arrived of its base amount.
    n, d = (last + 2, last + 1) if rate.amount_only else (last, last)
    pair = (
        Pair(sum(row[5] for row in rows), sum(row[6] for row in rows))
        if basis is Basis.COUNT and not rate.amount_only
        else Pair(sum(row[n] or 0 for row in rows if row[5]), sum(row[d] or 0 for row in rows if row[6]))
    )
    shown = [
        Fact(
            row[0],
            row[1],
            row[2],
            row[3] or "",
            row[4],
            row[5],
            row[6],
            row[7],
            words[row[7]],
            dict(zip(FACT_DATES, row[8:last], strict=True)),
            row[last],
            row[last + 1],
            row[last + 2],
        )
        for row in rows
        if row[-1]
    ]
    hidden = sum(row[6] and not row[-1] for row in rows)
    return Facts(unit, month, at.as_of, rules, basis, slug, pair, shown, hidden)


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


def _float(value: Fraction | Decimal | None) -> float | None:
    return None if value is None else float(value)


def _plain(value: Decimal | int | None) -> int | float | None:
    """Make the one float at the edge; whole numbers stay whole."""
    if value is None or isinstance(value, int):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


# --------------------------------------------------------------------------------------------------- frames for a page


def ranking_frame(history: Sequence[Ranking], measures: Mapping[int, Mapping[str, Decimal | int]]) -> "pd.DataFrame":
    """Return the newest ranking as a table, one row a unit.

    Columns: code, group, rank, previous_rank, movement (places gained), unit, score, adjustment, follow_ups and
    signed_amount (元) of the month, per rate `<slug>` (percent as shown, missing where there is none) and
    `<slug>_pair` (“N/D”), and trend (the scores of the months of `history`).
    """
    import pandas as pd

    scores: dict[int, list[float]] = {}
    for ranking_ in history:
        for row in ranking_.rows:
            scores.setdefault(row.unit.id, []).append(float(row.score or 0))
    return pd.DataFrame(
        [
            {
                "code": row.unit.code,
                "group": row.unit.peer_group,
                "rank": row.rank,
                "previous_rank": row.previous_rank,
                "movement": row.movement,
                "unit": row.unit.name,
                "score": _float(row.score),
                "adjustment": float(row.adjustment),
                "follow_ups": int(measures.get(row.unit.id, {}).get("follow_ups", 0)),
                "signed_amount": float(measures.get(row.unit.id, {}).get("signed_amount", 0)),
                **{slug: shown_percent(pair.rate, history[-1].rules) for slug, pair in row.pairs.items()},
                **{f"{slug}_pair": shown_pair(pair) for slug, pair in row.pairs.items()},
                "trend": scores[row.unit.id],
            }
            for row in history[-1].rows
        ]
    )


def shown_percent(rate: Fraction | None, rules: RuleSet) -> float | None:
    """Return a rate as its shown percentage, a number; None where there is none."""
    return None if rate is None else float(percent(rate, rules.rounding).rstrip("%"))


def shown_pair(pair: Pair) -> str:
    """Show a pair as “N/D”: projects as they are, 元 in 万元."""
    if isinstance(pair.n, int) and isinstance(pair.d, int):
        return f"{pair.n}/{pair.d}"
    return f"{pair.n / YUAN_PER_WAN:,.0f}/{pair.d / YUAN_PER_WAN:,.0f}"


def rank_frame(history: Sequence[Ranking], group: str) -> "pd.DataFrame":
    """Return the places of a peer group's units over months: month, unit, rank."""
    import pandas as pd

    return pd.DataFrame(
        [
            {"month": str(ranking_.month), "unit": row.unit.short_name, "rank": row.rank}
            for ranking_ in history
            for row in ranking_.rows
            if row.unit.peer_group == group and row.rank is not None
        ],
        columns=["month", "unit", "rank"],
    )


def rate_frame(history: Sequence[Ranking], unit_id: int | None, slugs: Sequence[str]) -> "pd.DataFrame":
    """Return the rates over months of a unit, or of all together: month, rate (its label), value (0–1)."""
    import pandas as pd

    return pd.DataFrame(
        [
            {"month": str(ranking_.month), "rate": str(RATES[slug].label), "value": _float(pairs[slug].rate)}
            for ranking_ in history
            for unit, pairs in [(None, ranking_.total), *((row.unit.id, row.pairs) for row in ranking_.rows)]
            if unit == unit_id
            for slug in slugs
        ],
        columns=["month", "rate", "value"],
    )


def facts_frame(found: Facts) -> "pd.DataFrame":
    """Return the projects behind a number as a table with their ids; planned_investment and arrived in 元."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "id": fact.project_id,
                "code": fact.code,
                "name": fact.name,
                "enterprise": fact.enterprise,
                "unit": fact.unit,
                "in_d": fact.in_d,
                "in_n": fact.in_n,
                "reason": str(fact.reason),
                **fact.dates,
                "planned_investment": _float(fact.planned_investment),
                "arrived": _float(fact.arrived),
            }
            for fact in found.rows
        ]
    )


def group_total(measures: Mapping[int, Mapping[str, Decimal | int]], ranking_: Ranking, slug: str) -> Decimal:
    """Sum a plain measure over the ranked units."""
    return sum((Decimal(measures.get(row.unit.id, {}).get(slug, 0)) for row in ranking_.rows), Decimal(0))
