"""How projects come along: what share of a signing cohort had started after so many months, and how far, and in how
many days, the projects that entered in a stretch of time have come.

Both look at the eligible projects as a rule set reads their dates. “Withdrawn” is judged at the cut-off date, as in the
rates: such a project is never in N, and leaves D where the rule set drops withdrawn projects.
"""

from collections.abc import Sequence

from crm.metrics.queries import all_of, judged_projects
from crm.metrics.rates import KNOWN_SIGNED, NOT_WITHDRAWN, Condition, eligibility
from crm.metrics.rule_sets import RuleSet, Withdrawn
from crm.months import Period
from crm.store import Params

# Months after signing at which a cohort is looked at.
AGES = (3, 6, 12, 24)
# The days on which the stages of a project were reached, in their order.
STEP_DATES = (
    "entered_on",
    "contacted_on",
    "negotiating_on",
    "signed_on",
    "registered_on",
    "started_on",
    "completed_on",
    "production_on",
)


def cohorts_query(rules: RuleSet, at: Period) -> tuple[str, Params]:
    """Return the query of the signing cohorts up to a period's cut-off date, whatever its window.

    One row per unit and half-year of signing: unit_id, signing_year, half (1 or 2), signed, signed_amount (元), then
    for each of AGES `d_<age>`, `n_<age>`, `d_<age>_amount`, `n_<age>_amount`. D: the projects that are so old at the
    cut-off date; N: those of them that had started by that age and are not withdrawn.
    """
    ages = [f"{_of_age(age)} as d_{age}, {_started_by(age)} as n_{age}" for age in AGES]
    source, params = judged_projects(
        rules,
        [at],
        ["p.unit_id", "p.signed_on", "p.planned_investment", *ages],
        where=_in_cohort(rules),
    )
    sums = ",\n    ".join(
        f"count(*) filter (where {part}) as {name},"
        f" coalesce(sum(planned_investment) filter (where {part}), 0) as {name}_amount"
        for age in AGES
        for name, part in ((f"d_{age}", f"d_{age}"), (f"n_{age}", f"d_{age} and n_{age}"))
    )
    return (
        f"""{source}
select
    unit_id,
    cast(extract(year from signed_on) as integer) as signing_year,
    case when extract(month from signed_on) <= 6 then 1 else 2 end as half,
    count(*) as signed,
    coalesce(sum(planned_investment), 0) as signed_amount,
    {sums}
from judged
group by 1, 2, 3""",
        params,
    )


def cohort_query(rules: RuleSet, at: Period, age: int | None) -> tuple[str, Params]:
    """Return the query of the projects of all cohorts: project_id, unit_id, signed_on, in_d and in_n at an age.

    Without an age, D is every project signed by the cut-off date.
    """
    flags = (
        ["true as in_d", "false as in_n"]
        if age is None
        else [f"{_of_age(age)} as in_d", f"({_of_age(age)} and {_started_by(age)}) is true as in_n"]
    )
    source, params = judged_projects(
        rules, [at], ["p.project_id", "p.unit_id", "p.signed_on", *flags], where=_in_cohort(rules)
    )
    return f"{source}\nselect project_id, unit_id, signed_on, in_d, in_n from judged", params


def steps_query(rules: RuleSet, at: Period) -> tuple[str, Params]:
    """Return the query of the projects that entered in a period's window: project_id, unit_id and STEP_DATES.

    A date after the cut-off date is not yet known. The first contact is the earliest with the investor from the day of
    entry on, about this project or none in particular.
    """
    dates = [
        f"case when p.{name} <= t.as_of then p.{name} end as {name}" for name in STEP_DATES if name != "contacted_on"
    ]
    entered = "p.entered_on between t.w0 and t.w1"
    source, params = judged_projects(
        rules, [at], ["p.project_id", "p.unit_id", *dates], where=f"{all_of(_counted(rules))} and {entered}"
    )
    columns = ", ".join(f"j.{name}" if name != "contacted_on" else "c.contacted_on" for name in STEP_DATES)
    return (
        f"""{source},
contacted as (
    select j.project_id, min(f.happened_on) as contacted_on
    from judged j
    join project p on p.id = j.project_id
    join follow_up f on f.enterprise_id = p.enterprise_id and (f.project_id is null or f.project_id = p.id)
    where f.archived_at is null and f.corrects_id is null and f.happened_on between j.entered_on and j.as_of
    group by j.project_id
)
select j.project_id, j.unit_id, {columns}
from judged j
left join contacted c on c.project_id = j.project_id""",
        params,
    )


def _counted(rules: RuleSet) -> Sequence[Condition]:
    return [*eligibility(rules), *([NOT_WITHDRAWN] if rules.withdrawn is Withdrawn.DROP else [])]


def _in_cohort(rules: RuleSet) -> str:
    return f"{all_of(_counted(rules))} and {KNOWN_SIGNED}"


def _aged_on(age: int) -> str:
    return f"cast(p.signed_on + interval '{age} months' as date)"


def _of_age(age: int) -> str:
    return f"{_aged_on(age)} <= t.as_of"


def _started_by(age: int) -> str:
    return f"(p.started_on <= {_aged_on(age)} and {NOT_WITHDRAWN.sql})"
