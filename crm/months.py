"""Months, statistics cut-off dates (统计截止日) and windows; no clock inside.

A month is written `YYYY-MM`. A window is the pair `(w0, w1)` of days, both included.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from crm.errors import Invalid
from crm.locale import _

# Asia/Shanghai has no summer time.
_BUREAU_OFFSET = timedelta(hours=8)


def bureau_day(moment: datetime) -> date:
    """Return the day in the bureau's time zone (Asia/Shanghai) of a moment, which is UTC without zone."""
    return (moment + _BUREAU_OFFSET).date()


class WindowMode(StrEnum):
    """How far back a ranking looks."""

    YEAR_TO_DATE = "year_to_date"
    SINCE = "since"
    ROLLING_12 = "rolling_12"
    COHORT = "cohort"


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read `YYYY-MM`; raises Invalid for anything else."""
        match = re.fullmatch(r"(\d{4})-(\d{2})", text.strip(), re.ASCII)
        if not match or not 1 <= int(match[2]) <= 12 or not 1900 <= int(match[1]) <= 2999:
            raise Invalid({"month": _("“{text}” is not a month: write it as YYYY-MM, for example 2026-05.", text=text)})
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month that holds the day."""
        return cls(day.year, day.month)

    @property
    def first_day(self) -> date:
        """The month's first day."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The month's last day: the default statistics cut-off date."""
        return self.plus(1).first_day - timedelta(days=1)

    def plus(self, months: int) -> "Month":
        """Return the month that many months later (or earlier, when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def until(self, last: "Month") -> list["Month"]:
        """List the months from this one to `last`, both included; empty when `last` is earlier."""
        count = (last.year - self.year) * 12 + last.month - self.month + 1
        return [self.plus(n) for n in range(max(count, 0))]

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of a year, written `2026-Q1`; its last month is the one whose figures stand for it."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Quarter":
        """Read `YYYY-Qn`; raises Invalid for anything else."""
        match = re.fullmatch(r"(\d{4})-Q([1-4])", text.strip(), re.ASCII)
        if not match or not 1900 <= int(match[1]) <= 2999:
            raise Invalid(
                {"quarter": _("“{text}” is not a quarter: write it as YYYY-Qn, for example 2026-Q2.", text=text)}
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> "Quarter":
        """Return the quarter that holds the day."""
        return cls(day.year, (day.month - 1) // 3 + 1)

    @property
    def last_month(self) -> Month:
        """The quarter's last month."""
        return Month(self.year, self.number * 3)

    def plus(self, quarters: int) -> "Quarter":
        """Return the quarter that many quarters later (or earlier, when negative)."""
        index = self.year * 4 + self.number - 1 + quarters
        return Quarter(index // 4, index % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-Q{self.number}"


@dataclass(frozen=True)
class Period:
    """One statistics period: the month, its cut-off date and the window for signing dates."""

    month: Month
    as_of: date
    w0: date
    w1: date


def period(
    month: Month,
    *,
    mode: WindowMode,
    base_date: date | None = None,
    cohort_year: int | None = None,
    as_of: date | None = None,
) -> Period:
    """Return the statistics period of a month: `w0` follows from the month, `w1` is the last day to sign on.

    `since` needs its base date and `cohort` its year; a rule set is refused without them.
    """
    cut_off = as_of or month.last_day
    w1 = cut_off
    if mode is WindowMode.SINCE and base_date is not None:
        w0 = base_date
    elif mode is WindowMode.ROLLING_12:
        w0 = month.plus(-11).first_day
    elif mode is WindowMode.COHORT and cohort_year is not None:
        w0 = date(cohort_year, 1, 1)
        w1 = min(cut_off, date(cohort_year, 12, 31))
    else:
        w0 = date(month.year, 1, 1)
    return Period(month, cut_off, w0, w1)
