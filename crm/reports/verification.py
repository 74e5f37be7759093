"""Claims and their verification: what waits, what was returned, and every rate as claimed beside as verified.

A claim is a milestone with an actual date, or an arrival of funds; the step “first funds” of a project with arrivals is
none, it is verified with the arrival of its day. Lists and counts keep to the reader's scope; the rates are over all
units, as the ranking is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from crm import permissions
from crm.locale import Message, _
from crm.metrics import RATES, Basis, Pair, RuleSet, facts_query, percent, why_words
from crm.model import LABELS, PROJECT_DATE_OF_MILESTONE, Actor, MilestoneKind, label
from crm.months import Month
from crm.permissions import Action
from crm.reports.projects import ProjectFilter, project_condition
from crm.reports.rankings import Ranking, RankingRow, Unit, ranking, shown_pair, shown_percent
from crm.store import Database, Params

if TYPE_CHECKING:
    import pandas as pd

PAGE_SIZE = 20
ARRIVAL = "arrival"  # the kind of a claim that is an arrival of funds
KINDS: tuple[str, ...] = (*map(str, MilestoneKind), ARRIVAL)


class State(StrEnum):
    """How far a claim is."""

    WAITING = "waiting"
    RETURNED = "returned"
    VERIFIED = "verified"


LABELS[State] = {
    State.WAITING: _("Waiting for verification"),
    State.RETURNED: _("Returned to the unit"),
    State.VERIFIED: _("Verified"),
}


def kind_label(kind: str) -> Message:
    """Return the word for the kind of a claim."""
    return _("Arrival of funds") if kind == ARRIVAL else label(MilestoneKind(kind))


# ---------------------------------------------------------------------------------------------------------- the queue


@dataclass(frozen=True)
class ClaimFilter:
    """Which claims are asked about; `days` are those since the claimed date, `text` a project, its code or investor."""

    unit_id: int | None = None
    kinds: Collection[str] = ()
    days: int = 0
    text: str = ""


@dataclass(frozen=True)
class ClaimRow:
    """One claim; `subject` names its table, `amount` in 元 is that of an arrival, `files` hang on the claim itself."""

    subject: str
    id: int
    version: int
    project_id: int
    code: str
    project: str
    unit: str
    kind: str
    claimed_on: date
    amount: Decimal | None
    evidence: str
    files: int
    state: State
    verified_on: date | None
    verified_by: str
    returned_on: date | None
    returned_by: str
    return_reason: str


@dataclass(frozen=True)
class UnitClaims:
    """How many claims of a unit wait, were returned and are verified, and the oldest date that waits."""

    unit_id: int
    unit: str
    waiting: int
    returned: int
    verified: int
    oldest: date | None


def count_claims(database: Database, actor: Actor, wanted: ClaimFilter, *, today: date) -> dict[State, int]:
    """Count the claims by state."""
    params = Params()
    source = _claims(actor, wanted, params, today=today)
    found: dict[str, int] = dict(
        database.rows(f"select state, count(*) from ({source}) as claim group by state", params)
    )
    return {state: int(found.get(state, 0)) for state in State}


def claims_by_unit(database: Database, actor: Actor, wanted: ClaimFilter, *, today: date) -> list[UnitClaims]:
    """Count the claims by unit and state, in official order of the units; a unit without any is left out."""
    params = Params()
    source = _claims(actor, wanted, params, today=today)
    counts = ", ".join(f"count(*) filter (where state = '{state}') as {state}" for state in State)
    rows = database.rows(
        f"with counted as (select unit_id, {counts}, min(claimed_on) filter (where state = '{State.WAITING}') as oldest"
        f" from ({source}) as claim group by unit_id)"
        f" select c.unit_id, u.name, {', '.join(f'c.{state}' for state in State)}, c.oldest"
        " from counted c join unit u on u.id = c.unit_id order by u.display_order, u.id",
        params,
    )
    return [UnitClaims(*row) for row in rows]


def claims(
    database: Database,
    actor: Actor,
    wanted: ClaimFilter,
    state: State,
    *,
    today: date,
    page: int = 1,
    size: int = PAGE_SIZE,
) -> list[ClaimRow]:
    """Return one page of the claims of a state: those that wait, the oldest first; others, the newest verdict first."""
    params = Params()
    source = _claims(actor, wanted, params, today=today, state=state)
    order = {
        State.WAITING: "claimed_on",
        State.RETURNED: "returned_on desc, claimed_on",
        State.VERIFIED: "verified_on desc, claimed_on",
    }[state]
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    records = database.records(
        f"""
        with page as (
            select * from ({source}) as claim order by {order}, id limit {limit} offset {offset}
        )
        select
            c.subject,
            c.id,
            c.version,
            p.id as project_id,
            p.code,
            p.name as project,
            coalesce(u.short_name, '') as unit,
            c.kind,
            c.claimed_on,
            c.amount,
            coalesce(c.evidence, '') as evidence,
            (select count(*) from attachment a
             where a.subject = c.subject and a.subject_id = c.id and a.archived_at is null) as files,
            c.state,
            c.verified_on,
            coalesce(c.verified_by, '') as verified_by,
            c.returned_on,
            coalesce(c.returned_by, '') as returned_by,
            coalesce(c.return_reason, '') as return_reason
        from page c
        join project p on p.id = c.project_id
        left join unit u on u.id = p.unit_id
        order by {", ".join(f"c.{part.strip()}" for part in order.split(","))}, c.id
        """,
        params,
    )
    return [ClaimRow(**record | {"state": State(record["state"])}) for record in records]


_STATE = (
    f"case when c.verified_on is not null then '{State.VERIFIED}'"
    f" when c.returned_on is not null then '{State.RETURNED}' else '{State.WAITING}' end"
)
_IN_STATE = {
    State.WAITING: "c.verified_on is null and c.returned_on is null",
    State.RETURNED: "c.verified_on is null and c.returned_on is not null",
    State.VERIFIED: "c.verified_on is not null",
}
_VERDICT = "c.evidence, c.verified_on, c.verified_by, c.returned_on, c.returned_by, c.return_reason"
# The step that goes with its arrivals.
_OWN_CLAIM = (
    f"(c.kind <> '{MilestoneKind.FIRST_FUNDS}' or not exists (select 1 from fund_arrival f"
    " where f.project_id = c.project_id and f.archived_at is null))"
)


def _claims(actor: Actor, wanted: ClaimFilter, params: Params, *, today: date, state: State | None = None) -> str:
    """Return the query of the claims within the reader's scope."""
    within = ProjectFilter(text=wanted.text, unit_id=wanted.unit_id, status="")
    of_project = project_condition(actor, within, params, today=today)
    common = ["c.archived_at is null", *([_IN_STATE[state]] if state else [])]
    steps = [kind for kind in wanted.kinds if kind != ARRIVAL]
    parts = []
    for subject, kind, on, amount in (
        ("milestone", "c.kind", "c.actual_on", "cast(null as decimal(18, 2))"),
        ("fund_arrival", f"'{ARRIVAL}'", "c.arrived_on", "c.amount"),
    ):
        where = [*common, of_project]
        if wanted.days:
            where.append(f"{on} <= {params.add(today - timedelta(days=wanted.days))}")
        if subject == "milestone":
            where += ["c.actual_on is not null", _OWN_CLAIM]
            if wanted.kinds:
                where.append(f"c.kind in ({', '.join(map(params.add, steps))})" if steps else "false")
        elif wanted.kinds and ARRIVAL not in wanted.kinds:
            continue
        parts.append(
            f"select '{subject}' as subject, c.id, c.version, c.project_id, p.unit_id, {kind} as kind,"
            f" {on} as claimed_on, {amount} as amount, {_VERDICT}, {_STATE} as state"
            f" from {subject} c join project p on p.id = c.project_id where {' and '.join(where)}"
        )
    return " union all ".join(parts)


# ------------------------------------------------------------------------------------------------ claimed and verified


@dataclass(frozen=True)
class Compared:
    """A unit's lines under the two readings of one rule set: every claim counts, or only what is verified."""

    unit: Unit
    claimed: RankingRow
    verified: RankingRow

    def difference(self, slug: str) -> Fraction | None:
        """Return how far the verified rate lies below the claimed one (0–1); None where one of them is missing."""
        return difference(self.claimed.pairs[slug], self.verified.pairs[slug])


@dataclass(frozen=True)
class Comparison:
    """The ranking of a month under both readings, row by row in the order of the claimed one."""

    claimed: Ranking
    verified: Ranking
    rows: list[Compared]


def difference(claimed: Pair, verified: Pair) -> Fraction | None:
    """Return claimed less verified rate; None where one of them is missing."""
    return None if claimed.rate is None or verified.rate is None else claimed.rate - verified.rate


def both_readings(rules: RuleSet) -> tuple[RuleSet, RuleSet]:
    """Return a rule set as it counts every claim, and as it counts only what is verified."""
    return replace(rules, verified_only=False), replace(rules, verified_only=True)


def compare(database: Database, *, month: Month, rules: RuleSet, basis: Basis = Basis.COUNT) -> Comparison:
    """Return every unit's rates, score and rank of a month, claimed and verified, under one rule set."""
    claimed, verified = (ranking(database, month=month, rules=read, basis=basis) for read in both_readings(rules))
    by_unit = {row.unit.id: row for row in verified.rows}
    return Comparison(claimed, verified, [Compared(row.unit, row, by_unit[row.unit.id]) for row in claimed.rows])


@dataclass(frozen=True)
class Unverified:
    """A project that counts otherwise once only verified milestones count; `steps` are its unverified ones by then."""

    project_id: int
    code: str
    name: str
    claimed: tuple[bool, bool]
    verified: tuple[bool, bool]
    why: Message
    steps: list[tuple[MilestoneKind, State]]


@dataclass(frozen=True)
class Differing:
    """The projects that make a difference; `hidden` counts those outside the reader's scope."""

    rows: list[Unverified]
    hidden: int


def differing(database: Database, actor: Actor, *, month: Month, unit: Unit, slug: str, rules: RuleSet) -> Differing:
    """Return the projects whose place in N or D of a unit's rate is another once only verified milestones count."""
    # Told apart over all projects, so that those outside the scope are counted; only what is seen is read of them.
    (claimed, verified) = (_places(database, month=month, unit=unit, slug=slug, rules=r) for r in both_readings(rules))
    ids = [each for each, place in claimed.items() if place[:2] != verified[each][:2]]
    if not ids:
        return Differing([], 0)
    params = Params()
    marks = ", ".join(map(params.add, ids))
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    rows = database.rows(
        f"select p.id, p.code, p.name from project p where p.id in ({marks}) and {seen} order by p.code", params
    )
    words = why_words(rules, RATES[slug])
    steps = _unverified_steps(database, [row[0] for row in rows], by=rules.period(month).as_of)
    return Differing(
        [
            Unverified(
                project_id,
                code,
                name,
                claimed[project_id][:2],
                verified[project_id][:2],
                words[verified[project_id][2]],
                steps.get(project_id, []),
            )
            for project_id, code, name in rows
        ],
        len(ids) - len(rows),
    )


def _places(
    database: Database, *, month: Month, unit: Unit, slug: str, rules: RuleSet
) -> dict[int, tuple[bool, bool, str]]:
    """Return whether each project of a unit is in N and in D of a rate, and why."""
    sql, bound = facts_query(rules, rules.period(month), RATES[slug])
    params = Params(bound)
    rows = database.rows(
        f"select project_id, in_n, in_d, why from ({sql}) as judged where unit_id = {params.add(unit.id)}", params
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _unverified_steps(
    database: Database, project_ids: Collection[int], *, by: date
) -> Mapping[int, list[tuple[MilestoneKind, State]]]:
    """Return the steps that rates count, reached by a day and not verified by it, of projects the reader sees."""
    found: dict[int, list[tuple[MilestoneKind, State]]] = {}
    if not project_ids:
        return found
    params = Params()
    day, marks = params.add(by), ", ".join(map(params.add, project_ids))
    kinds = ", ".join(f"'{kind}'" for kind in PROJECT_DATE_OF_MILESTONE)
    order = list(MilestoneKind)
    for project_id, kind, state in database.rows(
        f"select c.project_id, c.kind, {_STATE} from milestone c where c.project_id in ({marks})"
        f" and c.kind in ({kinds}) and c.archived_at is null and c.actual_on <= {day}"
        f" and (c.verified_on is null or c.verified_on > {day}) order by c.id",
        params,
    ):
        found.setdefault(project_id, []).append((MilestoneKind(kind), State(state)))
    return {project_id: sorted(steps, key=lambda s: order.index(s[0])) for project_id, steps in found.items()}


# --------------------------------------------------------------------------------------------------- frames for a page


def claims_frame(rows: Collection[ClaimRow], *, today: date) -> "pd.DataFrame":
    """Return claims as a table: kind in words, days since the claimed date, amount in 元, verdict as said."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "kind": str(kind_label(row.kind)),
                "project": row.project,
                "code": row.code,
                "unit": row.unit,
                "claimed_on": row.claimed_on,
                "days": (today - row.claimed_on).days,
                "amount": None if row.amount is None else float(row.amount),
                "evidence": row.evidence or None,
                "files": row.files,
                "returned_on": row.returned_on,
                "return_reason": row.return_reason or None,
                "verified_on": row.verified_on,
                "verified_by": row.verified_by or None,
            }
            for row in rows
        ]
    )


def comparison_frame(found: Comparison, slugs: Collection[str]) -> "pd.DataFrame":
    """Return a comparison as a table, one row a unit.

    Columns: unit, group, rank and rank_verified, per rate `<slug>` and `<slug>_verified` (percent as shown), their
    pairs `<slug>_pair` and `<slug>_pair_verified`, and `<slug>_gap` (percentage points, verified less claimed).
    """
    import pandas as pd

    rules = found.claimed.rules
    lines = []
    for row in found.rows:
        line: dict[str, object] = {
            "unit": row.unit.name,
            "group": row.unit.peer_group,
            "rank": row.claimed.rank,
            "rank_verified": row.verified.rank,
        }
        for slug in slugs:
            claimed, verified, gap = row.claimed.pairs[slug], row.verified.pairs[slug], row.difference(slug)
            line |= {
                slug: shown_percent(claimed.rate, rules),
                f"{slug}_verified": shown_percent(verified.rate, rules),
                f"{slug}_gap": None if gap is None else -round(float(gap * 100), 1) + 0.0,
                f"{slug}_pair": shown_pair(claimed),
                f"{slug}_pair_verified": shown_pair(verified),
            }
        lines.append(line)
    return pd.DataFrame(lines).astype({"rank": "Int64", "rank_verified": "Int64"})


def differing_frame(found: Differing) -> "pd.DataFrame":
    """Return the projects that make a difference as a table: code, name, what is unverified, why not counted."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "code": row.code,
                "name": row.name,
                "steps": " · ".join(str(_("{step} ({state})", step=label(k), state=label(s))) for k, s in row.steps),
                "why": str(row.why),
            }
            for row in found.rows
        ],
        columns=["code", "name", "steps", "why"],
    )


def shown_rates(claimed: Pair, verified: Pair, rules: RuleSet) -> tuple[str, str]:
    """Return both rates as they are shown."""
    return percent(claimed.rate, rules.rounding), percent(verified.rate, rules.rounding)


COMPARED = tuple(slug for slug in RATES if slug != "funds")  # money is counted as it arrived, verified or not
