"""The rates: each the exact pair (N, D) of two sets of projects, each set a list of named conditions."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

from crm.locale import Message, _
from crm.metrics.rule_sets import FundsBase, Number, Performance, Rounding, RuleSet, Withdrawn
from crm.model import YUAN_PER_WAN


class Condition(NamedTuple):
    """One named requirement on a project; `unless` says what is the case where it fails."""

    code: str
    unless: Message
    sql: str


@dataclass(frozen=True)
class Rate:
    """A rate: its label, its sets in words and its sets as conditions; N adds its conditions to those of D."""

    slug: str
    label: Message
    denominator: Message
    numerator: Message
    amount_only: bool = False

    def in_denominator(self, rules: RuleSet) -> list[Condition]:
        """Return the conditions that a project of D satisfies."""
        eligible = eligibility(rules)
        if self.slug == "signing":
            return [
                *eligible,
                Condition(
                    "not_negotiating", _("not yet in negotiation"), f"(p.negotiating_on <= as_of or {KNOWN_SIGNED})"
                ),
                Condition(
                    "signed_before", _("signed before the window"), "(p.signed_on is null or p.signed_on >= early)"
                ),
                Condition(
                    "withdrawn_before",
                    _("withdrawn before the window"),
                    "(p.withdrawn_on is null or p.withdrawn_on >= early)",
                ),
            ]
        conditions = [*eligible, _SIGNED_IN_WINDOW]
        if rules.withdrawn is Withdrawn.DROP:
            conditions.append(NOT_WITHDRAWN)
        if self.slug == "startup" and rules.due_only:
            due = f"coalesce(p.planned_start_on, cast(p.signed_on + interval '{rules.grace_months} months' as date))"
            started = reached("started_on")
            conditions.append(Condition("not_due", _("not yet due to start"), f"({started} or {due} <= as_of)"))
        if self.slug == "funds":
            conditions.append(
                Condition(
                    "amount_unknown", _("the base amount is unknown"), f"{BASE_AMOUNT[rules.funds_base]} is not null"
                )
            )
        return conditions

    def in_numerator(self, rules: RuleSet) -> list[Condition]:
        """Return the conditions that a project of D must satisfy besides to be in N."""
        if self.slug == "signing":
            return [_SIGNED_IN_WINDOW]
        if self.slug == "funds":
            return []
        if self.slug == "performance":
            started = reached("started_on")
            registered, funded = reached("registered_on"), reached("first_funds_on")
            reading = {
                Performance.NOT_TERMINATED: [],
                Performance.PERFORMED: [
                    Condition(
                        "not_performed",
                        _("neither started, nor registered with first funds"),
                        f"({started} or ({registered} and {funded}))",
                    )
                ],
                Performance.STARTED: [Condition("not_started", _("not started"), started)],
            }
            return [NOT_WITHDRAWN, *reading[rules.performance]]
        field, code, unless = _REACHED[self.slug]
        return [NOT_WITHDRAWN, Condition(code, unless, reached(field))]


KNOWN_SIGNED = "p.signed_on <= as_of"
_SIGNED_IN_WINDOW = Condition(
    "not_signed_in_window", _("not signed within the window"), "p.signed_on between w0 and w1"
)
NOT_WITHDRAWN = Condition("withdrawn", _("withdrawn"), "(p.withdrawn_on is null or p.withdrawn_on > as_of)")
BASE_AMOUNT = {FundsBase.CONTRACTED: "p.contracted_amount", FundsBase.PLANNED: "p.planned_investment"}
_REACHED = {
    "startup": ("started_on", "not_started", _("not started")),
    "registration": ("registered_on", "not_registered", _("not registered")),
    "completion": ("completed_on", "not_completed", _("not completed")),
    "production": ("production_on", "not_in_production", _("not in production")),
}


def eligibility(rules: RuleSet) -> list[Condition]:
    conditions = [Condition("not_entered", _("entered after the cut-off date"), "p.entered_on <= as_of")]
    if rules.threshold_wan > 0:
        threshold = rules.threshold_wan * YUAN_PER_WAN
        conditions.append(
            Condition(
                "below_threshold", _("planned investment below the threshold"), f"p.planned_investment >= {threshold:f}"
            )
        )
    conditions.append(
        Condition("excluded", _("excluded by a decision"), "(p.excluded_on is null or p.excluded_on > as_of)")
    )
    return conditions


def reached(field: str) -> str:
    return f"p.{field} <= as_of"


_SIGNED_WORDS = _("Eligible projects signed within the window")

RATES: dict[str, Rate] = {
    rate.slug: rate
    for rate in (
        Rate(
            "signing",
            _("Signing rate"),
            _("Eligible projects in negotiation or signed, not signed or withdrawn before the window"),
            _("Signed within the window"),
        ),
        Rate(
            "performance",
            _("Performance rate"),
            _SIGNED_WORDS,
            _("Performed under the rule set's reading, not withdrawn"),
        ),
        Rate(
            "startup", _("Start-up rate"), _SIGNED_WORDS, _("Construction started by the cut-off date, not withdrawn")
        ),
        Rate("registration", _("Registration rate"), _SIGNED_WORDS, _("Registered by the cut-off date, not withdrawn")),
        Rate("completion", _("Completion rate"), _SIGNED_WORDS, _("Completed by the cut-off date, not withdrawn")),
        Rate("production", _("Production rate"), _SIGNED_WORDS, _("In production by the cut-off date, not withdrawn")),
        Rate(
            "funds",
            _("Funds-arrival rate"),
            _("Contracted amount (or planned investment, by rule) of the projects signed within the window"),
            _("Funds of these projects that arrived by the cut-off date; may exceed 100 %"),
            amount_only=True,
        ),
    )
}


class Pair(NamedTuple):
    """A rate's exact numerator and denominator: projects, or 元."""

    n: Number
    d: Number

    @property
    def rate(self) -> Fraction | None:
        """N ÷ D exactly; None where D is 0: unknown is not zero."""
        return Fraction(self.n) / Fraction(self.d) if self.d else None

    def __add__(self, other: object) -> "Pair":
        """Pool two pairs: rates are never averaged."""
        if not isinstance(other, Pair):
            return NotImplemented
        return Pair(self.n + other.n, self.d + other.d)


NO_PAIR = Pair(0, 0)
Pairs = dict[str, Pair]


def percent(rate: Fraction | None, rounding: Rounding = Rounding.HALF_UP) -> str:
    """Show a rate as a percentage with one decimal, “—” where there is none."""
    if rate is None:
        return "—"
    # Half up on the exact fraction: a float or a Decimal quotient could have been rounded once already.
    tenths = rate * 1000
    whole = int(tenths) if rounding is Rounding.TRUNCATE else int(tenths + Fraction(1, 2))
    return f"{whole // 10}.{whole % 10}%"


def points(change: Fraction) -> str:
    """Show how far one rate lies from another, in percentage points with one decimal and without a sign."""
    tenths = int(abs(change) * 1000 + Fraction(1, 2))
    return f"{tenths // 10}.{tenths % 10}"


def shown_score(score: Fraction | None, rounding: Rounding = Rounding.HALF_UP) -> str:
    """Show a score with two decimals, “—” where there is none."""
    if score is None:
        return "—"
    mode = ROUND_DOWN if rounding is Rounding.TRUNCATE else ROUND_HALF_UP
    exact = Decimal(score.numerator) / Decimal(score.denominator)
    return str(exact.quantize(Decimal("0.01"), rounding=mode))
