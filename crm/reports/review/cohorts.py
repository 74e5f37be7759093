"""Signing cohorts (签约年度): what share of the projects signed in a year had started after so many months."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from crm.locale import _
from crm.metrics import AGES, NO_PAIR, Basis, Pair, RuleSet, cohort_query, cohorts_query, percent
from crm.model import LABELS, YUAN_PER_YI, Actor
from crm.months import Month, Period
from crm.reports.overview import Records, among, paged_records
from crm.store import Database, Params

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CohortCounts:
    """What one unit signed in a half-year: pairs by basis and age, and all that was signed, as D and as N."""

    unit_id: int
    year: int
    half: int
    signed: dict[Basis, int | Decimal]
    started: dict[tuple[Basis, int], Pair]


@dataclass(frozen=True)
class Cohort:
    """The projects signed in a year, or in one half of it; `started` holds the pair of each age, D 0 where not yet."""

    year: int
    half: int | None
    signed: int | Decimal
    started: dict[int, Pair]

    @property
    def name(self) -> str:
        """The cohort as it is written: “2025” or “2025-H1”."""
        return str(self.year) if self.half is None else f"{self.year}-H{self.half}"


class Part(StrEnum):
    """Which projects of a cohort are listed."""

    ALL = "all"
    STARTED = "started"
    NOT_STARTED = "not_started"


LABELS[Part] = {
    Part.ALL: _("All that are so old"),
    Part.STARTED: _("Started by then"),
    Part.NOT_STARTED: _("Not started by then"),
}


def cut_off(as_of: date) -> Period:
    """Return a period that looks at nothing but its cut-off date."""
    return Period(Month.of(as_of), as_of, as_of, as_of)


def cohort_counts(database: Database, *, as_of: date, rules: RuleSet) -> list[CohortCounts]:
    """Return every unit's signing cohorts by half-years, in both bases."""
    sql, params = cohorts_query(rules, cut_off(as_of))
    found = []
    for row in database.rows(sql, params):
        numbers = iter(row[5:])
        started: dict[tuple[Basis, int], Pair] = {}
        for age in AGES:
            d, d_amount, n, n_amount = (next(numbers) for _n in range(4))
            started[Basis.COUNT, age] = Pair(int(n), int(d))
            started[Basis.AMOUNT, age] = Pair(Decimal(n_amount), Decimal(d_amount))
        signed: dict[Basis, int | Decimal] = {Basis.COUNT: int(row[3]), Basis.AMOUNT: Decimal(row[4])}
        found.append(CohortCounts(row[0], row[1], row[2], signed, started))
    return found


def cohorts(
    counts: Iterable[CohortCounts], *, unit_ids: Collection[int], basis: Basis = Basis.COUNT, halves: bool = False
) -> list[Cohort]:
    """Return the cohorts of some units together, pairs pooled, the newest first."""
    found: dict[tuple[int, int | None], Cohort] = {}
    for part in counts:
        if part.unit_id not in unit_ids:
            continue
        key = part.year, part.half if halves else None
        before = found.get(key) or Cohort(*key, 0, dict.fromkeys(AGES, NO_PAIR))
        found[key] = Cohort(
            *key,
            before.signed + part.signed[basis],
            {age: before.started[age] + part.started[basis, age] for age in AGES},
        )
    return sorted(found.values(), key=lambda cohort: (cohort.year, cohort.half or 0), reverse=True)


def cohort_records(
    database: Database,
    actor: Actor,
    cohort: tuple[int, int | None],
    age: int | None,
    *,
    part: Part = Part.ALL,
    as_of: date,
    rules: RuleSet,
    unit_ids: Collection[int],
    page: int = 1,
    size: int = 20,
) -> Records:
    """Return the projects of a cohort (year, half or None) that are so old; without an age, all that were signed."""
    sql, bound = cohort_query(rules, cut_off(as_of), age)
    params = Params(bound)
    year, half = cohort
    first, last = date(year, 7 if half == 2 else 1, 1), date(year, 6, 30) if half == 1 else date(year, 12, 31)
    flag = {Part.ALL: "", Part.STARTED: " and in_n", Part.NOT_STARTED: " and not in_n"}[part]
    since, until = (f"cast({params.add(day)} as date)" for day in (first, last))
    rows = (
        f"select project_id as record_id, unit_id, signed_on as on_day from ({sql}) as cohort"
        f" where in_d{flag} and signed_on between {since} and {until}"
        f" and {among('unit_id', unit_ids, params)}"
    )
    return paged_records(database, actor, "project", rows, params, page, size)


def cohort_frame(found: Sequence[Cohort], rules: RuleSet) -> "pd.DataFrame":
    """Return a row for each cohort and age.

    Columns: cohort, year, half (0: the whole year), age, share (0–1, missing: not yet), words, pair (projects or 亿元).
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for cohort in found:
        for age, pair in cohort.started.items():
            rows.append(
                {
                    "cohort": cohort.name,
                    "year": cohort.year,
                    "half": cohort.half or 0,
                    "age": age,
                    "share": None if pair.rate is None else float(pair.rate),
                    "words": percent(pair.rate, rules.rounding),
                    "pair": _pair_words(pair),
                }
            )
    columns = ["cohort", "year", "half", "age", "share", "words", "pair"]
    return pd.DataFrame(rows, columns=columns).astype({"share": "float64"})


def _pair_words(pair: Pair) -> str:
    if not pair.d:
        return ""
    if isinstance(pair.d, int):
        return f"{pair.n}/{pair.d}"
    return f"{pair.n / YUAN_PER_YI:,.1f}/{pair.d / YUAN_PER_YI:,.1f}"
