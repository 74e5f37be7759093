"""Yearly targets and how far they are reached.

A figure is in the unit of its target: percent for a rate, 元 for an amount, else a number of things. Rates follow the
newest version of the rule set named `default`; a project counts for the unit that holds it on the last day counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from crm import permissions
from crm.locale import Message
from crm.metrics import MEASURES, RATES, Basis, RuleSet, measures_over, pairs_query, read_pairs
from crm.model import Actor
from crm.months import Month
from crm.reports.rankings import Unit, no_pairs, pooled, units
from crm.reports.rule_sets import find_rule_set
from crm.store import Database, Params

if TYPE_CHECKING:
    import pandas as pd

# What a target may be about; enterprises contacted are not additive over a year.
TARGET_MEASURES = (*(slug for slug in MEASURES if slug != "enterprises_contacted"), *RATES)

Figure = Fraction | None


@dataclass(frozen=True)
class TargetCell:
    """What a unit is to reach in a measure; `id` and `version` are the stored record's, None and 0 without one."""

    unit_id: int
    measure: str
    value: Decimal | None
    id: int | None = None
    version: int = 0


@dataclass(frozen=True)
class Progress:
    """One measure of a unit (`unit` None: of all units read together) in a year.

    `last_year` is the whole year before; `share` is actual ÷ target, None without a target above zero.
    """

    unit: Unit | None
    measure: str
    target: Decimal | None
    actual: Figure
    last_year: Figure

    @property
    def share(self) -> Figure:
        """How much of the target is reached; above 1 where it is passed."""
        return self.actual / Fraction(self.target) if self.actual is not None and self.target else None


@dataclass(frozen=True)
class Attainment:
    """How far a year's targets are reached by `as_of`; `elapsed` is the share of the year gone by (时序进度)."""

    year: int
    as_of: date
    elapsed: Fraction
    rules: RuleSet
    rows: list[Progress]
    totals: list[Progress]

    def of_measure(self, measure: str) -> list[Progress]:
        """Return the rows of one measure, in the official order of units."""
        return [row for row in self.rows if row.measure == measure]


def attainment(database: Database, actor: Actor, year: int, today: date) -> Attainment:
    """Return target, actual to date and last year's figure of every unit in the reader's scope, for every measure.

    Totals add targets and figures of the same units; the rate of a total is pooled, and its target is given only where
    all units share one.
    """
    as_of = min(today, date(year, 12, 31))
    first, last = date(year, 1, 1), date(year, 12, 31)
    elapsed = Fraction(max((as_of - first).days + 1, 0), (last - first).days + 1)
    rules = find_rule_set(database)
    seen = _units_in_scope(database, actor)
    targets = {(cell.unit_id, cell.measure): cell.value for cell in targets_of(database, actor, year)}
    now = _figures(database, rules, year, as_of, seen) if today >= first else {}
    before = _figures(database, rules, year - 1, date(year - 1, 12, 31), seen)
    rows = [
        Progress(
            unit,
            measure,
            targets.get((unit.id, measure)),
            now.get((unit.id, measure)),
            before.get((unit.id, measure)),
        )
        for unit in seen
        for measure in TARGET_MEASURES
    ]
    totals = [
        Progress(
            None,
            measure,
            _total_target(measure, [row.target for row in rows if row.measure == measure]),
            now.get((None, measure)),
            before.get((None, measure)),
        )
        for measure in TARGET_MEASURES
    ]
    return Attainment(year, as_of, elapsed, rules, rows, totals)


def targets_of(database: Database, actor: Actor, year: int) -> list[TargetCell]:
    """Return the targets of a year within the reader's scope."""
    params = Params()
    scope = permissions.visible(actor, permissions.Action.READ, "target", "t", params)
    return [
        TargetCell(*row)
        for row in database.rows(
            "select t.unit_id, t.measure, t.value, t.id, t.version from target t"
            f" where t.archived_at is null and t.year = {params.add(year)} and {scope} order by t.id",
            params,
        )
    ]


def target_years(database: Database, *, today: date) -> list[int]:
    """Return the years that have targets, this year and the next, newest first."""
    found = {int(row[0]) for row in database.rows("select distinct year from target where archived_at is null")}
    return sorted(found | {today.year, today.year + 1}, reverse=True)


def measure_label(slug: str) -> Message:
    """Return the word for what a target is about."""
    return RATES[slug].label if slug in RATES else MEASURES[slug].label


def is_money(slug: str) -> bool:
    """Whether a measure's figures are amounts in 元."""
    return slug in MEASURES and MEASURES[slug].in_yuan


def attainment_frame(rows: Sequence[Progress], *, size: Decimal = Decimal(1)) -> "pd.DataFrame":
    """Return rows as a table: unit, target, actual, last_year (each divided by `size`), share in percent."""
    import pandas as pd

    def shown(value: Figure | Decimal) -> float | None:
        return None if value is None else float(Fraction(value) / Fraction(size))

    return pd.DataFrame(
        [
            {
                "unit": row.unit.name if row.unit else "",
                "target": shown(row.target),
                "actual": shown(row.actual),
                "last_year": shown(row.last_year),
                "share": None if row.share is None else float(row.share * 100),
            }
            for row in rows
        ],
        columns=["unit", "target", "actual", "last_year", "share"],
    ).astype({name: "float64" for name in ("target", "actual", "last_year", "share")})


def _units_in_scope(database: Database, actor: Actor) -> list[Unit]:
    params = Params()
    # A unit's figures are as visible as its targets are.
    own = "(select u.id as unit_id, cast(null as bigint) as industry_id from unit u)"
    scope = permissions.visible(actor, permissions.Action.READ, "target", "s", params)
    allowed = {row[0] for row in database.rows(f"select s.unit_id from {own} s where {scope}", params)}
    return [unit for unit in units(database) if unit.id in allowed]


def _figures(
    database: Database, rules: RuleSet, year: int, as_of: date, seen: Sequence[Unit]
) -> dict[tuple[int | None, str], Fraction]:
    """Return the year's figures by (unit, measure) up to a day; those of all units seen under None."""
    known = {unit.id for unit in seen}
    numbers = [slug for slug in TARGET_MEASURES if slug in MEASURES]
    sql, params = measures_over([(date(year, 1, 1), as_of)], numbers)
    figures: dict[tuple[int | None, str], Fraction] = {
        (unit, slug): Fraction(0) for unit in (*known, None) for slug in numbers
    }
    for _span, unit_id, slug, value in database.rows(sql, params):
        if unit_id in known:
            figures[unit_id, slug] += Fraction(value)
            figures[None, slug] += Fraction(value)
    sql, params = pairs_query(rules, [rules.period(Month.of(as_of), as_of)], Basis.COUNT, by="unit")
    pairs = {unit_id: of_unit for _period, unit_id, of_unit in map(read_pairs, database.rows(sql, params))}
    own = {unit_id: pairs.get(unit_id, no_pairs()) for unit_id in known}
    for key, of_unit in ((None, pooled(list(own.values()))), *own.items()):
        for slug, pair in of_unit.items():
            if pair.rate is not None:
                figures[key, slug] = pair.rate * 100
    return figures


def _total_target(measure: str, values: Sequence[Decimal | None]) -> Decimal | None:
    given = [value for value in values if value is not None]
    if not given:
        return None
    if measure in RATES:
        return given[0] if len(set(given)) == 1 else None
    return sum(given, Decimal(0))
