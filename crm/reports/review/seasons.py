"""Seasonality (季节性): what each calendar month brought over the years, so that a plan can be judged.

A month is known once anything of the kind was recorded in the bureau, and complete once it is over by the cut-off date;
an unknown month is not a month of nothing. Means and shares are of complete months alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from crm.metrics import MEASURES, measures_over
from crm.months import Month
from crm.store import Database

if TYPE_CHECKING:
    import pandas as pd

SEASONAL = ("signings", "signed_amount", "starts", "funds_arrived")
YEARS = 5


@dataclass(frozen=True)
class SeasonCounts:
    """A plain measure of every unit by month: {month: {unit id: value}}, from the first month that is known."""

    slug: str
    as_of: date
    first: Month | None
    values: Mapping[Month, Mapping[int, Decimal]]


@dataclass(frozen=True)
class Season:
    """A measure of some units by year and calendar month (1–12); a month that is unknown or still to come has none.

    `mean` is over the years in which the month is complete; `share` is the month's share of the whole years, pooled,
    and `by_then` the shares up to and with it; both are None without a complete year.
    """

    slug: str
    as_of: date
    years: list[int]
    values: dict[tuple[int, int], Decimal]
    complete: frozenset[tuple[int, int]]

    @property
    def whole_years(self) -> list[int]:
        """The years of which every month is complete."""
        return [year for year in self.years if all((year, month) in self.complete for month in range(1, 13))]

    def mean(self, month: int) -> Fraction | None:
        """Return the exact mean of a calendar month over its complete years."""
        known = [self.values[year, month] for year in self.years if (year, month) in self.complete]
        return Fraction(sum(known, Decimal(0))) / len(known) if known else None

    def share(self, month: int) -> Fraction | None:
        """Return the month's share of the whole years' total."""
        return self._share((month,))

    def by_then(self, month: int) -> Fraction | None:
        """Return the share of a whole year that had come by the end of the month."""
        return self._share(range(1, month + 1))

    def _share(self, months: Collection[int]) -> Fraction | None:
        whole = self.whole_years
        total = sum((self.values[year, month] for year in whole for month in range(1, 13)), Decimal(0))
        part = sum((self.values[year, month] for year in whole for month in months), Decimal(0))
        return Fraction(part) / Fraction(total) if total else None


def season_counts(database: Database, slug: str, *, as_of: date, years: int = YEARS) -> SeasonCounts:
    """Return a measure of every unit by month for the years up to a day; the last month up to that day."""
    newest = Month.of(as_of)
    earliest = database.value(f"select min(r.on_day) from ({MEASURES[slug].rows}) as r")
    if earliest is None or earliest > as_of:
        return SeasonCounts(slug, as_of, None, {})
    first = max(Month(as_of.year - years + 1, 1), Month.of(earliest))
    months = first.until(newest)
    sql, params = measures_over([(month.first_day, min(month.last_day, as_of)) for month in months], [slug])
    values: dict[Month, dict[int, Decimal]] = {month: {} for month in months}
    for n, unit_id, _slug, value in database.rows(sql, params):
        if unit_id is not None:
            values[months[n]][unit_id] = Decimal(value)
    return SeasonCounts(slug, as_of, first, values)


def season(counts: SeasonCounts, *, unit_ids: Collection[int]) -> Season:
    """Return a measure of some units together."""
    values = {
        (month.year, month.month): sum((of.get(unit, Decimal(0)) for unit in unit_ids), Decimal(0))
        for month, of in counts.values.items()
    }
    complete = frozenset((m.year, m.month) for m in counts.values if m.last_day <= counts.as_of)
    return Season(counts.slug, counts.as_of, sorted({year for year, _month in values}), values, complete)


def season_frame(found: Season, size: Decimal) -> "pd.DataFrame":
    """Return what `charts.seasons` draws, in units of `size`: year (None: the mean), month (1–12), value, complete."""
    import pandas as pd

    rows = [
        {
            "year": str(year),
            "month": month,
            "value": float(Fraction(value) / Fraction(size)),
            "complete": (year, month) in found.complete,
        }
        for (year, month), value in found.values.items()
    ]
    for month in range(1, 13):
        mean = found.mean(month)
        rows.append(
            {
                "year": None,
                "month": month,
                "value": None if mean is None else float(mean / Fraction(size)),
                "complete": True,
            }
        )
    return pd.DataFrame(rows, columns=["year", "month", "value", "complete"]).astype({"value": "float64"})


def season_table(found: Season, size: Decimal) -> "pd.DataFrame":
    """Return a row for each calendar month, in units of `size`: month, one column a year, mean, share, by_then (%)."""
    import pandas as pd

    rows = []
    for month in range(1, 13):
        mean, share, by_then = found.mean(month), found.share(month), found.by_then(month)
        row: dict[str, object] = {"month": month}
        for year in found.years:
            value = found.values.get((year, month))
            row[str(year)] = None if value is None else float(Fraction(value) / Fraction(size))
        row["mean"] = None if mean is None else float(mean / Fraction(size))
        row["share"] = None if share is None else float(share * 100)
        row["by_then"] = None if by_then is None else float(by_then * 100)
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame.astype({name: "float64" for name in frame.columns if name != "month"})
