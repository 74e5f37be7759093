"""The rule set (口径): a named, versioned reading of the rates, and the choices it is made of."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crm.locale import _
from crm.model import LABELS, AgreementKind
from crm.months import Month, Period, WindowMode, period

Number = int | Decimal


class Basis(StrEnum):
    """What is summed over the sets: projects, or their planned investment in 元."""

    COUNT = "count"
    AMOUNT = "amount"


class Withdrawn(StrEnum):
    """Whether a withdrawn project stays in the denominator."""

    KEEP = "keep"
    DROP = "drop"


class Performance(StrEnum):
    """What performing an agreement means."""

    PERFORMED = "performed"
    NOT_TERMINATED = "not_terminated"
    STARTED = "started"


class FundsBase(StrEnum):
    """What arrivals are measured against."""

    CONTRACTED = "contracted"
    PLANNED = "planned"


class Rounding(StrEnum):
    """How a percentage is shown; ranking never rounds."""

    HALF_UP = "half_up"
    TRUNCATE = "truncate"


class Method(StrEnum):
    """How rates become a score."""

    WEIGHTED = "weighted"
    EFFICACY = "efficacy"


LABELS.update(
    {
        Basis: {Basis.COUNT: _("By number of projects"), Basis.AMOUNT: _("By planned investment")},
        Withdrawn: {
            Withdrawn.KEEP: _("Withdrawn projects stay in the denominator"),
            Withdrawn.DROP: _("Withdrawn projects leave the denominator"),
        },
        Performance: {
            Performance.PERFORMED: _("Registered with first funds, or started"),
            Performance.NOT_TERMINATED: _("Signed and not terminated"),
            Performance.STARTED: _("Construction started"),
        },
        WindowMode: {
            WindowMode.YEAR_TO_DATE: _("Year to date"),
            WindowMode.SINCE: _("Since a base date"),
            WindowMode.ROLLING_12: _("Rolling twelve months"),
            WindowMode.COHORT: _("Projects signed in one year"),
        },
        FundsBase: {FundsBase.CONTRACTED: _("Contracted amount"), FundsBase.PLANNED: _("Planned investment")},
        Rounding: {Rounding.HALF_UP: _("Rounded half up"), Rounding.TRUNCATE: _("Cut off")},
        Method: {Method.WEIGHTED: _("Weighted rates"), Method.EFFICACY: _("Efficacy coefficients")},
    }
)


@dataclass(frozen=True)
class RuleSet:
    """A named, versioned reading of the rates; every setting of interfaces.md."""

    name: str = "default"
    version: int = 1
    note: str = ""
    window_mode: WindowMode = WindowMode.YEAR_TO_DATE
    base_date: date | None = None
    cohort_year: int | None = None
    threshold_wan: Decimal = Decimal(0)
    verified_only: bool = False
    agreement_kinds: tuple[AgreementKind, ...] | None = None
    withdrawn: Withdrawn = Withdrawn.KEEP
    performance: Performance = Performance.PERFORMED
    due_only: bool = False
    grace_months: int = 6
    funds_base: FundsBase = FundsBase.CONTRACTED
    rounding: Rounding = Rounding.HALF_UP
    method: Method = Method.WEIGHTED
    weights: tuple[tuple[str, Decimal], ...] = (
        ("signing", Decimal(30)),
        ("performance", Decimal(30)),
        ("startup", Decimal(40)),
    )
    groups: tuple[str, ...] = ("county", "park")
    red: int = 3
    black: int = 3
    list_target: Decimal | None = None
    stalled_months: tuple[int, int, int] = (2, 3, 6)
    overdue_start_red_months: int = 3

    def period(self, month: Month, as_of: date | None = None) -> Period:
        """Return the statistics period of a month under this rule set."""
        return period(month, mode=self.window_mode, base_date=self.base_date, cohort_year=self.cohort_year, as_of=as_of)

    def settings(self) -> dict[str, Any]:
        """Return the rule set as the JSON of interfaces.md, every key given."""
        return {
            "name": self.name,
            "note": self.note,
            "window": {
                "mode": str(self.window_mode),
                "base_date": self.base_date.isoformat() if self.base_date else None,
                "cohort_year": self.cohort_year,
            },
            "threshold_wan": plain_number(self.threshold_wan),
            "verified_only": self.verified_only,
            "agreement_kinds": None if self.agreement_kinds is None else [str(kind) for kind in self.agreement_kinds],
            "withdrawn": str(self.withdrawn),
            "performance": str(self.performance),
            "startup": {"due_only": self.due_only, "grace_months": self.grace_months},
            "funds_base": str(self.funds_base),
            "rounding": str(self.rounding),
            "score": {
                "method": str(self.method),
                "weights": {slug: plain_number(weight) for slug, weight in self.weights},
            },
            "groups": list(self.groups),
            "lists": {
                "red": self.red,
                "black": self.black,
                "target": None if self.list_target is None else plain_number(self.list_target),
            },
            "cards": {
                "stalled_months": list(self.stalled_months),
                "overdue_start_red_months": self.overdue_start_red_months,
            },
        }


def plain_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
