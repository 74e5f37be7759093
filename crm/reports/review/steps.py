"""How far, and in how many days, the projects that entered in a stretch of time have come (漏斗与时长).

Counts are of what the reader may see. A project counts at every stage up to the furthest that its dates show.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from crm import permissions
from crm.metrics import STEP_DATES, RuleSet, steps_query
from crm.model import Actor, Stage
from crm.months import Month, Period
from crm.permissions import Action
from crm.reports.overview import Records, among, paged_records
from crm.rules import STAGES
from crm.store import Database, Params

DATE_OF_STEP: dict[Stage, str] = dict(zip(STAGES, STEP_DATES, strict=True))


@dataclass(frozen=True)
class TimedStep:
    """How many projects came at least so far, and how long it took them.

    `conversion` is the share of those of the step before. `days` is the exact median from the day of the step before to
    the day of this one, over the `measured` projects that have both, in this order; None where there is none.
    """

    stage: Stage
    count: int
    conversion: Fraction | None
    days: Fraction | None
    measured: int


def entered(first: date, last: date, as_of: date) -> Period:
    """Return the period of the projects that entered from one day to another, as known on a cut-off date."""
    return Period(Month.of(as_of), as_of, first, last)


def timed_steps(
    database: Database, actor: Actor, *, rules: RuleSet, at: Period, unit_ids: Collection[int]
) -> list[TimedStep]:
    """Return how far the projects entered in a period's window came, within the reader's scope."""
    rows, params = _reached(actor, rules, at, unit_ids)
    selected = []
    for n, name in enumerate(STEP_DATES):
        selected.append(f"count(*) filter (where {_came_to(n)})")
        gap = f"{name} - {STEP_DATES[n - 1]}" if n else "cast(null as integer)"
        ordered = f"case when {gap} >= 0 then {gap} end"
        selected += [f"count({ordered})", f"percentile_cont(0.5) within group (order by {ordered})"]
    (row,) = database.rows(f"select {', '.join(selected)} from ({rows}) as s where seen", params)
    found: list[TimedStep] = []
    for n, stage in enumerate(DATE_OF_STEP):
        count, measured, days = row[3 * n : 3 * n + 3]
        before = found[-1].count if found else 0
        found.append(
            TimedStep(
                stage,
                int(count),
                Fraction(int(count), before) if before else None,
                # A median of whole days is whole or ends in a half: the float is exact.
                None if days is None else Fraction(days),
                int(measured),
            )
        )
    return found


def step_records(
    database: Database,
    actor: Actor,
    stage: Stage,
    *,
    rules: RuleSet,
    at: Period,
    unit_ids: Collection[int],
    page: int = 1,
    size: int = 20,
) -> Records:
    """Return the projects that came at least to a stage, the newest first by the day on which they did."""
    rows, params = _reached(actor, rules, at, unit_ids)
    n = list(DATE_OF_STEP).index(stage)
    listed = (
        f"select project_id as record_id, unit_id, coalesce({STEP_DATES[n]}, entered_on) as on_day"
        f" from ({rows}) as s where {_came_to(n)} and seen"
    )
    return paged_records(database, actor, "project", listed, params, page, size)


def _reached(actor: Actor, rules: RuleSet, at: Period, unit_ids: Collection[int]) -> tuple[str, Params]:
    sql, bound = steps_query(rules, at)
    params = Params(bound)
    scope = permissions.visible(actor, Action.READ, "project", "p", params)
    return (
        f"select s.*, ({scope}) is true as seen from ({sql}) as s join project p on p.id = s.project_id"
        f" where {among('s.unit_id', unit_ids, params)}",
        params,
    )


def _came_to(n: int) -> str:
    return "(" + " or ".join(f"{name} is not null" for name in STEP_DATES[n:]) + ")" if n else "true"
