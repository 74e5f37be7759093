"""What every number means: rates, rule sets (口径), ranking. The only place where a rate is defined.

A rate is the exact pair (N, D) of a set of projects D and a part N of it. Each set is a list of named conditions, so
that one definition gives the numbers, the projects behind them and the words that say why a project counts or not.

Conditions are SQL over these names: `p` (a project as a unit held it, with the dates that the rule set counts: see
`_held`), and the period's `as_of`, `w0`, `w1` and `early` (the day before which a dated fact lies before the window and
is already known). A fact dated after `as_of` is not yet known and never satisfies a condition, nor does an unknown one.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from crm.errors import Invalid
from crm.locale import Message, _
from crm.model import LABELS, YUAN_PER_WAN, AgreementKind, UnitKind
from crm.months import Month, Period, WindowMode, period
from crm.store import Params

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
        Method: {Method.WEIGHTED: _("Weighted rates"), Method.EFFICACY: _("Efficacy coefficients")},
    }
)


# ---------------------------------------------------------------------------------------------------------- rule sets


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
            "threshold_wan": _plain_number(self.threshold_wan),
            "verified_only": self.verified_only,
            "agreement_kinds": None if self.agreement_kinds is None else [str(kind) for kind in self.agreement_kinds],
            "withdrawn": str(self.withdrawn),
            "performance": str(self.performance),
            "startup": {"due_only": self.due_only, "grace_months": self.grace_months},
            "funds_base": str(self.funds_base),
            "rounding": str(self.rounding),
            "score": {
                "method": str(self.method),
                "weights": {slug: _plain_number(weight) for slug, weight in self.weights},
            },
            "groups": list(self.groups),
            "lists": {
                "red": self.red,
                "black": self.black,
                "target": None if self.list_target is None else _plain_number(self.list_target),
            },
            "cards": {
                "stalled_months": list(self.stalled_months),
                "overdue_start_red_months": self.overdue_start_red_months,
            },
        }


def parse_rule_set(settings: Any, *, version: int = 1, known_groups: Iterable[str] = ()) -> RuleSet:
    """Read a rule set from its JSON; what is left out takes the default.

    Raises Invalid, keyed by the path of each unknown key or value.
    """
    reader = _SettingsReader()
    top = reader.table(settings, "", tuple(RuleSet().settings()))
    window = reader.table(top.get("window", {}), "window", ("mode", "base_date", "cohort_year"))
    startup = reader.table(top.get("startup", {}), "startup", ("due_only", "grace_months"))
    score = reader.table(top.get("score", {}), "score", ("method", "weights"))
    lists = reader.table(top.get("lists", {}), "lists", ("red", "black", "target"))
    cards = reader.table(top.get("cards", {}), "cards", ("stalled_months", "overdue_start_red_months"))
    standard = RuleSet()
    mode = reader.choice(window, "window.mode", WindowMode, standard.window_mode)
    base_date = reader.day(window, "window.base_date")
    cohort_year = reader.whole(window, "window.cohort_year", None, least=1900)
    if mode is WindowMode.SINCE and base_date is None:
        reader.refuse("window.base_date", _("the window “since” needs a base date (YYYY-MM-DD)"))
    if mode is WindowMode.COHORT and cohort_year is None:
        reader.refuse("window.cohort_year", _("the window “cohort” needs a signing year"))
    rules = RuleSet(
        name=reader.text(top, "name", standard.name, required=True),
        version=version,
        note=reader.text(top, "note", standard.note),
        window_mode=mode,
        base_date=base_date,
        cohort_year=cohort_year,
        threshold_wan=reader.number(top, "threshold_wan", standard.threshold_wan) or Decimal(0),
        verified_only=reader.flag(top, "verified_only", standard.verified_only),
        agreement_kinds=reader.kinds(top, "agreement_kinds"),
        withdrawn=reader.choice(top, "withdrawn", Withdrawn, standard.withdrawn),
        performance=reader.choice(top, "performance", Performance, standard.performance),
        due_only=reader.flag(startup, "startup.due_only", standard.due_only),
        grace_months=reader.whole(startup, "startup.grace_months", standard.grace_months) or 0,
        funds_base=reader.choice(top, "funds_base", FundsBase, standard.funds_base),
        rounding=reader.choice(top, "rounding", Rounding, standard.rounding),
        method=reader.choice(score, "score.method", Method, standard.method),
        weights=reader.weights(score, "score.weights", standard.weights),
        groups=reader.groups(top, "groups", standard.groups, {*map(str, UnitKind), *known_groups}),
        red=reader.whole(lists, "lists.red", standard.red) or 0,
        black=reader.whole(lists, "lists.black", standard.black) or 0,
        list_target=reader.number(lists, "lists.target", None),
        stalled_months=reader.stalled(cards, "cards.stalled_months", standard.stalled_months),
        overdue_start_red_months=reader.whole(
            cards, "cards.overdue_start_red_months", standard.overdue_start_red_months, least=1
        )
        or standard.overdue_start_red_months,
    )
    if reader.problems:
        raise Invalid(reader.problems)
    return rules


_Choice = TypeVar("_Choice", bound=StrEnum)
# NUL and halves of surrogate pairs: JSON can write them, no database keeps them.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class _SettingsReader:
    """Takes settings apart, noting each unknown key or value under its path."""

    def __init__(self) -> None:
        self.problems: dict[str, Message] = {}

    def refuse(self, path: str, reason: Message) -> None:
        self.problems.setdefault(path, _("Rule set, {path}: {reason}.", path=path or "$", reason=reason))

    def unknown(self, path: str, value: Any) -> None:
        shown = _UNSTORABLE.sub("�", json.dumps(value, ensure_ascii=False, default=str))
        self.refuse(path, _("the value {value} is not known", value=shown[:80]))

    def table(self, value: Any, path: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.unknown(path, value)
            return {}
        for key in value:
            if key not in keys:
                self.refuse(f"{path}.{key}" if path else str(key), _("there is no such setting"))
        return value

    def choice(self, table: Mapping[str, Any], path: str, kind: type[_Choice], standard: _Choice) -> _Choice:
        value = table.get(path.rpartition(".")[2], standard)
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        self.unknown(path, value)
        return standard

    def text(self, table: Mapping[str, Any], path: str, standard: str, *, required: bool = False) -> str:
        value = table.get(path, standard)
        if (
            not isinstance(value, str)
            or (required and not 1 <= len(value.strip()) <= 64)
            or len(value) > 2000
            or _UNSTORABLE.search(value)
        ):
            self.unknown(path, value)
            return standard
        return value.strip()

    def flag(self, table: Mapping[str, Any], path: str, standard: bool) -> bool:
        value = table.get(path.rpartition(".")[2], standard)
        if not isinstance(value, bool):
            self.unknown(path, value)
            return standard
        return value

    def whole(self, table: Mapping[str, Any], path: str, standard: int | None, *, least: int = 0) -> int | None:
        value = table.get(path.rpartition(".")[2], standard)
        if value is None and standard is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 9999:
            self.unknown(path, value)
            return standard
        return value

    def number(self, table: Mapping[str, Any], path: str, standard: Decimal | None) -> Decimal | None:
        value = table.get(path.rpartition(".")[2], standard)
        if value is None and standard is None:
            return None
        number = _exact(value)
        # Below 万亿元 and to the 分 (a hundredth of 元 is a millionth of 万元): what an amount can be.
        if number is None or not 0 <= number < 10**12 or number != round(number, 6):
            self.unknown(path, value)
            return standard
        return number

    def day(self, table: Mapping[str, Any], path: str) -> date | None:
        value = table.get(path.rpartition(".")[2])
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.unknown(path, value)
            return None

    def kinds(self, table: Mapping[str, Any], path: str) -> tuple[AgreementKind, ...] | None:
        value = table.get(path)
        if value is None:
            return None
        if not isinstance(value, list):
            self.unknown(path, value)
            return None
        known = {str(kind): kind for kind in AgreementKind} | AGREEMENT_KIND_WORDS
        for n, kind in enumerate(value):
            if not isinstance(kind, str) or kind not in known:
                self.unknown(f"{path}[{n}]", kind)
        return tuple(dict.fromkeys(known[kind] for kind in value if isinstance(kind, str) and kind in known))

    def weights(
        self, table: Mapping[str, Any], path: str, standard: tuple[tuple[str, Decimal], ...]
    ) -> tuple[tuple[str, Decimal], ...]:
        value = table.get("weights")
        if value is None:
            if "weights" in table:
                self.unknown(path, value)
            return standard
        given = self.table(value, path, tuple(RATES))
        numbers = []
        for slug, weight in given.items():
            number = _exact(weight)
            if number is None or number < 0:
                self.unknown(f"{path}.{slug}", weight)
            else:
                numbers.append((slug, number))
        return tuple(numbers)

    def groups(
        self, table: Mapping[str, Any], path: str, standard: tuple[str, ...], known: set[str]
    ) -> tuple[str, ...]:
        value = table.get(path, list(standard))
        if not isinstance(value, list):
            self.unknown(path, value)
            return standard
        for n, group in enumerate(value):
            if not isinstance(group, str) or group not in known or group in value[:n]:
                self.unknown(f"{path}[{n}]", group)
        return tuple(str(group) for group in value)

    def stalled(self, table: Mapping[str, Any], path: str, standard: tuple[int, int, int]) -> tuple[int, int, int]:
        value = table.get("stalled_months", list(standard))
        whole = isinstance(value, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
        if not whole or len(value) != 3 or not 0 < value[0] < value[1] < value[2]:
            self.unknown(path, value)
            return standard
        return value[0], value[1], value[2]


# The words that ledgers use for the kinds; a rule set may name them so as well.
AGREEMENT_KIND_WORDS = {
    "正式合同": AgreementKind.CONTRACT,
    "框架协议": AgreementKind.FRAMEWORK,
    "意向书": AgreementKind.INTENT,
}


def _exact(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None


def _plain_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


# -------------------------------------------------------------------------------------------------------------- rates


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
        eligible = _eligible(rules)
        if self.slug == "signing":
            return [
                *eligible,
                Condition(
                    "not_negotiating", _("not yet in negotiation"), f"(p.negotiating_on <= as_of or {_KNOWN_SIGNED})"
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
            conditions.append(_NOT_WITHDRAWN)
        if self.slug == "startup" and rules.due_only:
            due = f"coalesce(p.planned_start_on, cast(p.signed_on + interval '{rules.grace_months} months' as date))"
            started = _reached("started_on")
            conditions.append(Condition("not_due", _("not yet due to start"), f"({started} or {due} <= as_of)"))
        if self.slug == "funds":
            conditions.append(
                Condition(
                    "amount_unknown", _("the base amount is unknown"), f"{_BASE_AMOUNT[rules.funds_base]} is not null"
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
            started = _reached("started_on")
            registered, funded = _reached("registered_on"), _reached("first_funds_on")
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
            return [_NOT_WITHDRAWN, *reading[rules.performance]]
        field, code, unless = _REACHED[self.slug]
        return [_NOT_WITHDRAWN, Condition(code, unless, _reached(field))]


_KNOWN_SIGNED = "p.signed_on <= as_of"
_SIGNED_IN_WINDOW = Condition(
    "not_signed_in_window", _("not signed within the window"), "p.signed_on between w0 and w1"
)
_NOT_WITHDRAWN = Condition("withdrawn", _("withdrawn"), "(p.withdrawn_on is null or p.withdrawn_on > as_of)")
_BASE_AMOUNT = {FundsBase.CONTRACTED: "p.contracted_amount", FundsBase.PLANNED: "p.planned_investment"}
_REACHED = {
    "startup": ("started_on", "not_started", _("not started")),
    "registration": ("registered_on", "not_registered", _("not registered")),
    "completion": ("completed_on", "not_completed", _("not completed")),
    "production": ("production_on", "not_in_production", _("not in production")),
}


def _eligible(rules: RuleSet) -> list[Condition]:
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


def _reached(field: str) -> str:
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


def shown_score(score: Fraction | None, rounding: Rounding = Rounding.HALF_UP) -> str:
    """Show a score with two decimals, “—” where there is none."""
    if score is None:
        return "—"
    mode = ROUND_DOWN if rounding is Rounding.TRUNCATE else ROUND_HALF_UP
    exact = Decimal(score.numerator) / Decimal(score.denominator)
    return str(exact.quantize(Decimal("0.01"), rounding=mode))


# ------------------------------------------------------------------------------------------------------------ queries


def pairs_query(rules: RuleSet, periods: Sequence[Period], basis: Basis, *, by: str) -> tuple[str, Params]:
    """Return the query of every rate's N and D: one row per period and unit (or industry) with a project in any D.

    `by` is `unit` or `industry`. Columns: period (index into `periods`), key, then `<slug>_n`, `<slug>_d` per rate.
    """
    key = {"unit": "p.unit_id", "industry": "p.industry_id"}[by]
    total = "count(*){}" if basis is Basis.COUNT else "coalesce(sum(planned_investment){}, 0)"
    denominators = {rate.slug: tuple(rate.in_denominator(rules)) for rate in RATES.values()}
    # What every D demands is asked once; rates with one D share its flag and its sum. In a query as quick as this one,
    # half of the time goes into planning it.
    common = [c for c in denominators["signing"] if all(c in d for d in denominators.values())]
    own = {slug: tuple(c for c in d if c not in common) for slug, d in denominators.items()}
    flag_of: dict[tuple[Condition, ...], str] = {}
    flags, sums, selected = [], [], []
    for rate in RATES.values():
        d, n = f"{rate.slug}_d", f"{rate.slug}_n"
        shared = flag_of.setdefault(own[rate.slug], d)
        if shared == d:
            flags.append(f"{_all(own[rate.slug])} as {d}")
            whole = "coalesce(sum(base_amount){}, 0)" if rate.amount_only else total
            sums.append(f"{whole.format(f' filter (where {d})')} as {d}")
        if rate.amount_only:
            selected.append(f"coalesce(a.{n}, 0) as {n}")
        else:
            flags.append(f"{_all(rate.in_numerator(rules))} as {n}")
            sums.append(f"{total.format(f' filter (where {shared} and {n})')} as {n}")
            selected.append(f"c.{n}")
        selected.append(f"c.{shared} as {d}")
    # In most periods most projects are in no D at all.
    widest = [d for d in flag_of if not any(set(other) < set(d) for other in flag_of)]
    base = f"{_BASE_AMOUNT[rules.funds_base]} as base_amount"
    source, params = _judged(
        rules,
        periods,
        ["p.project_id", f"{key} as grouping_key", "p.planned_investment", base, *flags],
        where=f"{_all(common)} and ({' or '.join(map(_all, widest))})",
    )
    counted, shown = ",\n        ".join(sums), ",\n    ".join(selected)
    return (
        f"""{source},
counted as (
    select
        period,
        grouping_key,
        {counted}
    from judged
    group by period, grouping_key
),
arrived as (
    select j.period, j.grouping_key, sum(f.amount) as funds_n
    from judged j
    join fund_arrival f on f.project_id = j.project_id and f.arrived_on <= j.as_of
    where j.funds_d and f.archived_at is null
    group by j.period, j.grouping_key
)
select
    c.period,
    c.grouping_key,
    {shown}
from counted c
left join arrived a on a.period = c.period and a.grouping_key is not distinct from c.grouping_key""",
        params,
    )


def facts_query(rules: RuleSet, at: Period, rate: Rate) -> tuple[str, Params]:
    """Return the query of the projects behind a rate: project_id, unit_id, in_d, in_n, why, base_amount and arrived.

    `why` is `counted`, or the code of the first condition that fails (see `why_words`).
    """
    d, n = rate.in_denominator(rules), rate.in_numerator(rules)
    failing = "".join(f" when ({c.sql}) is not true then '{c.code}'" for c in (*d, *n))
    source, params = _judged(
        rules,
        [at],
        [
            "p.project_id",
            "p.unit_id",
            f"{_all(d)} is true as in_d",
            f"{_all([*d, *n])} is true as in_n",
            f"case{failing} else 'counted' end as why",
            f"{_BASE_AMOUNT[rules.funds_base]} as base_amount",
            "(select coalesce(sum(f.amount), 0) from fund_arrival f where f.project_id = p.project_id"
            " and f.arrived_on <= t.as_of and f.archived_at is null) as arrived",
        ],
    )
    return f"{source}\nselect * from judged", params


def why_words(rules: RuleSet, rate: Rate) -> dict[str, Message]:
    """Return the words for each `why` of a rate's facts."""
    conditions = [*rate.in_denominator(rules), *rate.in_numerator(rules)]
    return {"counted": _("counted"), **{condition.code: condition.unless for condition in conditions}}


def _all(conditions: Sequence[Condition]) -> str:
    return "(" + (" and ".join(c.sql for c in conditions) or "true") + ")"


def _judged(
    rules: RuleSet, periods: Sequence[Period], columns: Sequence[str], *, where: str = "true"
) -> tuple[str, Params]:
    """Return the CTE `judged`: one row per period and project that a unit holds on the cut-off date."""
    params = Params()
    spans = []
    for n, at in enumerate(periods):
        early = min(at.w0, at.as_of + timedelta(days=at.as_of < date.max))
        marks = ", ".join(f"cast({params.add(day)} as date)" for day in (at.as_of, at.w0, at.w1, early))
        spans.append(f"({n}, {marks})")
    selected = ",\n        ".join(columns)
    return (
        f"""with {_held(rules, params)},
time_span (period, as_of, w0, w1, early) as (values {", ".join(spans)}),
judged as (
    select
        t.period,
        t.as_of,
        {selected}
    from time_span t
    join held p on p.valid_from <= t.as_of and (p.valid_to is null or p.valid_to > t.as_of)
    where {where}
)""",
        params,
    )


_MILESTONE_DATES = ("registered_on", "first_funds_on", "started_on", "completed_on", "production_on")


def _held(rules: RuleSet, params: Params) -> str:
    """Return the CTE `held`: one row per project and time that a unit held it, with the dates that the rules count.

    Under a list of agreement kinds, `signed_on` is the first signing of such a kind; where verified milestones alone
    count, each of their dates is the day from which it was both reached and verified.
    """
    ctes, joins = "", ""
    signed_on, milestones = "p.signed_on", [f"p.{name}" for name in _MILESTONE_DATES]
    if rules.agreement_kinds is not None:
        kinds = ", ".join(params.add(str(kind)) for kind in rules.agreement_kinds)
        counted = f"a.kind is null or a.kind in ({kinds})" if kinds else "a.kind is null"
        ctes += f"""counted_signing as (
    select a.project_id, min(a.signed_on) as signed_on
    from agreement a
    where a.archived_at is null and a.status = 'active' and ({counted})
    group by a.project_id
),
"""
        joins += "\n    left join counted_signing s on s.project_id = p.id"
        signed_on = "s.signed_on"
    if rules.verified_only:
        ctes += f"{_VERIFICATION},\n"
        joins += "\n    left join verification v on v.project_id = p.id"
        milestones = [
            f"case when p.{name} > v.{name} then p.{name} when p.{name} is not null then v.{name} end as {name}"
            for name in _MILESTONE_DATES
        ]
    dates = ",\n        ".join(milestones)
    # Made once for all periods; the embedded engine also goes through what it made on several threads.
    return f"""{ctes}held as materialized (
    select
        p.id as project_id,
        h.unit_id,
        h.valid_from,
        h.valid_to,
        p.industry_id,
        p.planned_investment,
        p.contracted_amount,
        p.entered_on,
        p.negotiating_on,
        {signed_on},
        p.planned_start_on,
        p.withdrawn_on,
        p.excluded_on,
        {dates}
    from project_holding h
    join project p on p.id = h.project_id and p.archived_at is null{joins}
)"""


_VERIFICATION = """verification as (
    select
        m.project_id,
        max(m.verified_on) filter (where m.kind = 'registration') as registered_on,
        max(m.verified_on) filter (where m.kind = 'first_funds') as first_funds_on,
        max(m.verified_on) filter (where m.kind = 'start') as started_on,
        max(m.verified_on) filter (where m.kind = 'completion') as completed_on,
        max(m.verified_on) filter (where m.kind = 'production') as production_on
    from milestone m
    where m.archived_at is null
    group by m.project_id
)"""


def read_pairs(row: Sequence[Any]) -> tuple[int, int | None, Pairs]:
    """Read one row of `pairs_query`: the period's index, the key and every rate's pair."""
    values = row[2:]
    pairs = {slug: Pair(*map(_number, values[2 * i : 2 * i + 2])) for i, slug in enumerate(RATES)}
    return int(row[0]), row[1], pairs


def _number(value: Any) -> Number:
    return value if isinstance(value, Decimal) else int(value)


# ----------------------------------------------------------------------------------------------------- plain measures


@dataclass(frozen=True)
class Measure:
    """An additive figure per unit and month; `sql` yields (unit_id, value) between `first` and `last`."""

    slug: str
    label: Message
    sql: str
    in_yuan: bool = False


_HELD = (
    "project_holding h on h.project_id = p.id and h.valid_from <= {last}"
    " and (h.valid_to is null or h.valid_to > {last})"
)


def _projects_dated(field: str, value: str = "count(*)") -> str:
    return (
        f"select h.unit_id, {value} from project p join {_HELD}"
        f" where p.archived_at is null and p.{field} between {{first}} and {{last}} group by h.unit_id"
    )


MEASURES: dict[str, Measure] = {
    measure.slug: measure
    for measure in (
        Measure(
            "follow_ups",
            _("Contacts logged"),
            "select f.unit_id, count(*) from follow_up f where f.archived_at is null"
            " and f.happened_on between {first} and {last} group by f.unit_id",
        ),
        Measure(
            "enterprises_contacted",
            _("Enterprises contacted"),
            "select f.unit_id, count(distinct f.enterprise_id) from follow_up f where f.archived_at is null"
            " and f.happened_on between {first} and {last} group by f.unit_id",
        ),
        Measure("new_leads", _("New leads"), _projects_dated("entered_on")),
        Measure("signings", _("New signings"), _projects_dated("signed_on")),
        Measure(
            "signed_amount",
            _("Amount signed"),
            _projects_dated("signed_on", "coalesce(sum(p.planned_investment), 0)"),
            in_yuan=True,
        ),
        Measure("starts", _("Starts of construction"), _projects_dated("started_on")),
        Measure(
            "funds_arrived",
            _("Funds arrived"),
            f"select h.unit_id, coalesce(sum(a.amount), 0) from fund_arrival a join project p on p.id = a.project_id"
            f" join {_HELD} where p.archived_at is null and a.archived_at is null"
            " and a.arrived_on between {first} and {last} group by h.unit_id",
            in_yuan=True,
        ),
    )
}


def measures_query(at: Period) -> tuple[str, Params]:
    """Return the query of every plain measure in a period's month: (unit_id, measure, value)."""
    params = Params()
    first = f"cast({params.add(at.month.first_day)} as date)"
    last = f"cast({params.add(at.as_of)} as date)"
    parts = [
        f"select unit_id, '{measure.slug}' as measure, value from ({measure.sql.format(first=first, last=last)})"
        f" as {measure.slug} (unit_id, value)"
        for measure in MEASURES.values()
    ]
    return "\nunion all\n".join(parts), params


# ------------------------------------------------------------------------------------------------------------ ranking


class Standing(NamedTuple):
    """A unit's place in its peer group: exact score on 0–100 with adjustments, and competition rank."""

    score: Fraction | None
    rank: int | None


def standings(rules: RuleSet, pairs: Mapping[int, Pairs], adjustments: Mapping[int, Decimal]) -> dict[int, Standing]:
    """Score and rank the units of one peer group; equal scores share a rank (1, 2, 2, 4).

    `pairs` holds every unit of the group; `adjustments` the month's points. Units without any weighted rate have
    neither score nor rank.
    """
    weights = {slug: Fraction(weight) for slug, weight in rules.weights if weight > 0}
    coefficients = {slug: _coefficients(rules, slug, pairs) for slug in weights}
    scores: dict[int, Fraction | None] = {}
    for unit in pairs:
        rated = {slug: coefficients[slug][unit] for slug in weights if unit in coefficients[slug]}
        total = sum((weights[slug] for slug in rated), Fraction(0))
        scores[unit] = (
            sum((weights[slug] * value for slug, value in rated.items()), Fraction(0)) / total * 100
            + Fraction(adjustments.get(unit, Decimal(0)))
            if total
            else None
        )
    ordered = sorted((score for score in scores.values() if score is not None), reverse=True)
    first_place = {score: place for place, score in reversed(list(enumerate(ordered, 1)))}
    return {unit: Standing(score, None if score is None else first_place[score]) for unit, score in scores.items()}


def _coefficients(rules: RuleSet, slug: str, pairs: Mapping[int, Pairs]) -> dict[int, Fraction]:
    rates = {unit: rate for unit, of_unit in pairs.items() if (rate := of_unit[slug].rate) is not None}
    if rules.method is Method.WEIGHTED or not rates:
        return rates
    low, high = min(rates.values()), max(rates.values())
    if low == high:
        return dict.fromkeys(rates, Fraction(1))
    return {unit: (60 + 40 * (rate - low) / (high - low)) / 100 for unit, rate in rates.items()}
