"""From conditions to queries: every N and D at once, the projects behind a number, all that stands behind a month."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crm.locale import Message, _
from crm.metrics.rates import BASE_AMOUNT, RATES, Condition, Pair, Pairs, Rate
from crm.metrics.rule_sets import Basis, Number, RuleSet
from crm.months import Period
from crm.store import Params


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
            flags.append(f"{all_of(own[rate.slug])} as {d}")
            whole = "coalesce(sum(base_amount){}, 0)" if rate.amount_only else total
            sums.append(f"{whole.format(f' filter (where {d})')} as {d}")
        if rate.amount_only:
            selected.append(f"coalesce(a.{n}, 0) as {n}")
        else:
            flags.append(f"{all_of(rate.in_numerator(rules))} as {n}")
            sums.append(f"{total.format(f' filter (where {shared} and {n})')} as {n}")
            selected.append(f"c.{n}")
        selected.append(f"c.{shared} as {d}")
    # In most periods most projects are in no D at all.
    widest = [d for d in flag_of if not any(set(other) < set(d) for other in flag_of)]
    base = f"{BASE_AMOUNT[rules.funds_base]} as base_amount"
    source, params = judged_projects(
        rules,
        periods,
        ["p.project_id", f"{key} as grouping_key", "p.planned_investment", base, *flags],
        where=f"{all_of(common)} and ({' or '.join(map(all_of, widest))})",
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
    source, params = judged_projects(
        rules,
        [at],
        [
            "p.project_id",
            "p.unit_id",
            f"{all_of(d)} is true as in_d",
            f"{all_of([*d, *n])} is true as in_n",
            f"case{failing} else 'counted' end as why",
            f"{BASE_AMOUNT[rules.funds_base]} as base_amount",
            "(select coalesce(sum(f.amount), 0) from fund_arrival f where f.project_id = p.project_id"
            " and f.arrived_on <= t.as_of and f.archived_at is null) as arrived",
        ],
    )
    return f"{source}\nselect * from judged", params


# What a project's place in the sets depends on, as the rule set counts it: dates, amounts in 元, funds that arrived.
COUNTED_DATES = (
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
    "excluded_on",
)
COUNTED_VALUES = (*COUNTED_DATES, "planned_investment", "contracted_amount", "arrived")


def counted_query(rules: RuleSet, at: Period) -> tuple[str, Params]:
    """Return the query of every project in the D of any rate: what stands behind all numbers of a period at once.

    Columns: project_id, unit_id, `<slug>_d` and `<slug>_n` per rate, and COUNTED_VALUES: a date after the cut-off is
    not yet known, and a planned one counts only where the rule asks who was due.
    """
    dates = [f"case when p.{name} <= t.as_of then p.{name} end as {name}" for name in COUNTED_DATES]
    dates[COUNTED_DATES.index("planned_start_on")] = (
        f"{'p.planned_start_on' if rules.due_only else 'cast(null as date)'} as planned_start_on"
    )
    flags, sets = [], []
    for rate in RATES.values():
        d, n = rate.in_denominator(rules), rate.in_numerator(rules)
        sets.append(all_of(d))
        flags += [f"{all_of(d)} is true as {rate.slug}_d", f"{all_of([*d, *n])} is true as {rate.slug}_n"]
    source, params = judged_projects(
        rules,
        [at],
        ["p.project_id", "p.unit_id", *flags, *dates, "p.planned_investment", "p.contracted_amount"],
        where=f"({' or '.join(dict.fromkeys(sets))})",
    )
    return (
        f"""{source},
arrived_by_then as (
    select f.project_id, sum(f.amount) as arrived
    from fund_arrival f
    join judged j on j.project_id = f.project_id and f.arrived_on <= j.as_of
    where f.archived_at is null
    group by f.project_id
)
select
    j.project_id,
    j.unit_id,
    {", ".join(f"j.{slug}_d, j.{slug}_n" for slug in RATES)},
    {", ".join(f"j.{name}" for name in COUNTED_VALUES[:-1])},
    coalesce(a.arrived, 0) as arrived
from judged j
left join arrived_by_then a on a.project_id = j.project_id""",
        params,
    )


def why_words(rules: RuleSet, rate: Rate) -> dict[str, Message]:
    """Return the words for each `why` of a rate's facts."""
    conditions = [*rate.in_denominator(rules), *rate.in_numerator(rules)]
    return {"counted": _("counted"), **{condition.code: condition.unless for condition in conditions}}


def all_of(conditions: Sequence[Condition]) -> str:
    return "(" + (" and ".join(c.sql for c in conditions) or "true") + ")"


def judged_projects(
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
