"""Rankings and series of rates against one query written by hand for the very same numbers, here and in SQLite.

The query knows only the default rule set and counts projects; the product builds its own for any rule set. On both
engines it is the quickest of several ways of writing it. All three must give equal numbers before any of them is timed.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from crm import store
from crm.metrics import RATES, Pairs, RuleSet
from crm.months import Month
from crm.reports.rankings import ranking, rates_series
from tests.bench.bureau import LAST_MONTH, Bureau
from tests.bench.measuring import Line, medians, ms

RULES = RuleSet()
MONTHS = 36
Numbers = dict[tuple[int, int], tuple[Decimal, ...]]

# Grain: month × unit; the seven rates' N and D in the order of the registry.
_BY_HAND = """
with month (n, as_of, w0) as (values {months}),
held as materialized (
    select
        h.unit_id, h.valid_from, h.valid_to, p.id, p.entered_on, p.excluded_on, p.negotiating_on, p.signed_on,
        p.registered_on, p.first_funds_on, p.started_on, p.completed_on, p.production_on, p.withdrawn_on,
        p.contracted_amount
    from project_unit h
    join project p on p.id = h.project_id
    where h.archived_at is null and p.archived_at is null
),
counted as (
    select
        m.n,
        m.as_of,
        m.w0,
        p.*,
        p.signed_on <= m.as_of as signed,
        p.signed_on <= m.as_of and (p.withdrawn_on is null or p.withdrawn_on > m.as_of) as alive
    from month m
    join held p on p.valid_from <= m.as_of and (p.valid_to is null or p.valid_to > m.as_of)
        and p.entered_on <= m.as_of
        and (p.excluded_on is null or p.excluded_on > m.as_of)
        and (p.signed_on is null or p.signed_on >= m.w0)
),
rates as (
    select
        n,
        unit_id,
        count(*) filter (where signed and (withdrawn_on is null or withdrawn_on >= w0)) as signing_n,
        count(*) filter (
            where (signed or negotiating_on <= as_of) and (withdrawn_on is null or withdrawn_on >= w0)
        ) as signing_d,
        count(*) filter (
            where alive and (started_on <= as_of or (registered_on <= as_of and first_funds_on <= as_of))
        ) as performance_n,
        count(*) filter (where alive and started_on <= as_of) as startup_n,
        count(*) filter (where alive and registered_on <= as_of) as registration_n,
        count(*) filter (where alive and completed_on <= as_of) as completion_n,
        count(*) filter (where alive and production_on <= as_of) as production_n,
        count(*) filter (where signed) as signed_d,
        sum(contracted_amount) filter (where signed) as funds_d
    from counted
    group by n, unit_id
),
arrived as (
    select c.n, c.unit_id, sum(f.amount) as funds_n
    from counted c
    join fund_arrival f on f.project_id = c.id and f.arrived_on <= c.as_of
    where c.signed and c.contracted_amount is not null and f.archived_at is null
    group by c.n, c.unit_id
)
select
    r.n, r.unit_id, r.signing_n, r.signing_d, r.performance_n, r.signed_d, r.startup_n, r.signed_d,
    r.registration_n, r.signed_d, r.completion_n, r.signed_d, r.production_n, r.signed_d, a.funds_n, r.funds_d
from rates r
left join arrived a on a.n = r.n and a.unit_id = r.unit_id
"""


def by_hand(months: Sequence[Month], *, literal: str) -> str:
    """Return the query for these months; `literal` writes a date."""
    rows = []
    for n, month in enumerate(months):
        at = RULES.period(month)
        rows.append(f"({n}, {literal.format(at.as_of)}, {literal.format(at.w0)})")
    return _BY_HAND.format(months=", ".join(rows))


def measure(bureau: Bureau, *, series: bool) -> list[Line]:
    """Measure a month's ranking, or the rates of 36 months."""
    months = LAST_MONTH.plus(1 - MONTHS).until(LAST_MONTH) if series else [LAST_MONTH.plus(-1), LAST_MONTH]
    own, lite = by_hand(months, literal="date '{}'"), by_hand(months, literal="'{}'")
    with bureau.reading() as database:
        sqlite = _sqlite(database)
        expected = _numbers(database.rows(own), yuan=Decimal(1))
        _same(_numbers(sqlite.execute(lite), yuan=Decimal(100)), expected, "SQLite")
        if series:

            def ours() -> object:
                return rates_series(database, first=months[0], last=months[-1], rules=RULES)

            _same(_of_series(database, months), expected, "the series")
        else:

            def ours() -> object:
                return ranking(database, month=LAST_MONTH, rules=RULES)

            # Last month's rank rests on last month's numbers, which that month's own ranking shows.
            _same(_of_rankings(database, months), expected, "the ranking")
        found = medians(
            {"ours": ours, "query": lambda: database.rows(own), "sqlite": lambda: sqlite.execute(lite).fetchall()}
        )
    name = f"rates of {MONTHS} months, all units" if series else "ranking of a month"
    raw = f"ours {ms(found['ours'])}, query {ms(found['query'])}, SQLite {ms(found['sqlite'])}"
    return [
        Line(f"{name} ÷ query by hand", found["ours"] / found["query"], "×", 1.3, raw),
        Line(f"{name}: SQLite ÷ ours", found["sqlite"] / found["ours"], "×", 5, "as above", at_least=True),
    ]


# -------------------------------------------------------------------------------------------------- equal numbers


def _numbers(rows: Iterable[Sequence[Any]], *, yuan: Decimal) -> Numbers:
    """Return {(month, unit): N and D of each rate}; amounts are given in `yuan`-ths of 元."""
    found = {}
    for n, unit, *values in rows:
        exact = [Decimal(value or 0) for value in values]
        found[n, unit] = (*exact[:-2], exact[-2] / yuan, exact[-1] / yuan)
    return found


def _of_pairs(pairs: Pairs) -> tuple[Decimal, ...]:
    return tuple(Decimal(value) for slug in RATES for value in pairs[slug])


def _of_rankings(database: store.Database, months: Sequence[Month]) -> Numbers:
    return {
        (n, row.unit.id): _of_pairs(row.pairs)
        for n, month in enumerate(months)
        for row in ranking(database, month=month, rules=RULES).rows
    }


def _of_series(database: store.Database, months: Sequence[Month]) -> Numbers:
    units: dict[str, int] = dict(database.rows("select code, id from unit"))
    found = rates_series(database, first=months[0], last=months[-1], rules=RULES)
    return {(months.index(row.month), units[row.code]): _of_pairs(row.pairs) for row in found}


def _same(found: Numbers, expected: Numbers, what: str) -> None:
    """Demand equal numbers for every month and unit that `found` has; the product ranks some of the units."""
    if not found or any(expected.get(key, (Decimal(0),) * 14) != values for key, values in found.items()):
        raise AssertionError(f"{what} and the query by hand disagree")


# --------------------------------------------------------------------------------------------------------- SQLite

_TABLES = ("project", "project_unit", "fund_arrival")
# The indexes that the schema gives these tables on the server engine.
_INDEXES = (
    "create index project_unit_id on project (unit_id)",
    "create index project_enterprise_id on project (enterprise_id)",
    "create index project_unit_project on project_unit (project_id)",
    "create index fund_arrival_project on fund_arrival (project_id, arrived_on)",
)


def _sqlite(database: store.Database) -> sqlite3.Connection:
    """Return the same tables with all their columns in SQLite, in memory: dates as text, money as whole 分."""
    connection = sqlite3.connect(":memory:")
    for table in _TABLES:
        columns = database.columns(table)
        definitions = [f"{name} integer primary key" if name == "id" else name for name in columns]
        connection.execute(f"create table {table} ({', '.join(definitions)})")
        marks = ", ".join("?" * len(columns))
        rows = database.rows(f"select * from {table}")
        connection.executemany(f"insert into {table} values ({marks})", (tuple(map(_plain, row)) for row in rows))
    for index in _INDEXES:
        connection.execute(index)
    connection.execute("analyze")
    connection.commit()
    return connection


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value * 100)
    return value.isoformat() if isinstance(value, date) else value
