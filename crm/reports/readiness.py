"""Whether a month is ready to be closed: what is found in the records of each unit, what the unit said about it, its
score of data quality, and whether it has handed in the month.

Findings keep to the reader's scope. The units listed are those that are ranked, where the reader sees them all, and the
reader's own otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from crm import permissions
from crm.locale import Message, _, listed
from crm.model import Actor, ProjectStatus, SubmissionState
from crm.months import Month, bureau_day
from crm.permissions import Action
from crm.reports.checking import Asked, Check, Finding, Severity, count_found, run, that_find
from crm.reports.findings import checks
from crm.reports.rankings import Unit, units
from crm.reports.rule_sets import find_rule_set
from crm.reports.verification import ClaimFilter, claims_by_unit
from crm.rules import quality_score, submission_deadline, submission_state
from crm.store import Database, Params

# The kinds of finding in words, in the order of a filter.
KIND_LABELS: dict[str, Message] = {
    "no_progress": _("No progress in the month"),
    "overdue_start": _("Start overdue"),
    "overdue_milestone": _("Milestone overdue"),
    "overdue_commitment": _("Commitment overdue"),
    "overdue_difficulty": _("Difficulty overdue"),
    "twice_reported": _("Reported by two units"),
    "unproven_signing": _("Signing without proof"),
    "unregistered_start": _("Started without registration"),
    "capital_out_of_proportion": _("Investment out of proportion"),
    "no_negotiation_date": _("No negotiation date"),
    "funds_above_contract": _("Funds above the contract"),
    "incomplete": _("Incomplete for its stage"),
    "odd_dates": _("Unusual order of dates"),
    "stage_behind_dates": _("Stage behind its dates"),
    "duplicate_enterprise_name": _("Enterprise recorded twice"),
    "duplicate_project_code": _("Project code twice"),
    "duplicate_credit_code": _("Credit code twice"),
    "duplicate_agreement_number": _("Agreement number twice"),
    "duplicate_voucher": _("Voucher twice"),
    "duplicate_target": _("Target twice"),
    "ambiguous_unit_name": _("Name of two units"),
    "date_after_today": _("Date after today"),
    "date_before_lead": _("Date before the lead"),
    "stage_beyond_dates": _("Stage beyond its dates"),
    "withdrawn_status": _("Withdrawal at odds"),
    "signing": _("Signing at odds with the agreements"),
    "first_funds": _("First funds at odds with the arrivals"),
    "milestone_date": _("Milestone at odds with the project"),
    "contact_dates": _("Contact dates at odds"),
    "holding_end": _("Gap in the holding units"),
    "first_holding": _("First unit at odds"),
    "holder": _("Holding unit at odds"),
    "reference": _("Broken link"),
    "version": _("Version at odds"),
    "vocabulary": _("Unknown word"),
}


@dataclass(frozen=True)
class Tally:
    """How many findings of one check a unit has, explained or open."""

    check: Check
    unit_id: int | None
    explained: bool
    findings: int


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are listed."""

    unit_id: int | None = None
    severity: Severity | None = None
    kind: str = ""
    explained: bool | None = None

    def keeps(self, tally: Tally) -> bool:
        """Whether findings of this tally are listed."""
        return (
            self.unit_id in (None, tally.unit_id)
            and self.severity in (None, tally.check.severity)
            and self.kind in ("", tally.check.code)
            and self.explained in (None, tally.explained)
        )


def broken(database: Database, *, today: date) -> list[Check]:
    """Return the blocking checks that find anything over all units.

    They are most of the work, and the write path leaves nothing for them to find: who shows findings often may ask this
    now and then, and hand the answer to `tallies`.
    """
    blocking = (check for check in checks(database, today=today) if check.severity is Severity.BLOCKING)
    return list(that_find(database, blocking))


def tallies(
    database: Database,
    actor: Actor,
    month: Month,
    *,
    today: date,
    unit_id: int | None = None,
    blocking: Sequence[Check] | None = None,
) -> list[Tally]:
    """Count what is found within the reader's scope, or of one unit, by check and unit; blocking ones come first."""
    asked = Asked(actor, month, unit_id)
    every = checks(database, today=today, month=month)
    warnings = list(that_find(database, (check for check in every if check.severity is not Severity.BLOCKING)))
    warnings.sort(key=lambda check: not check.monthly)
    return [
        Tally(check, *row)
        for check in [*(broken(database, today=today) if blocking is None else blocking), *warnings]
        for row in count_found(database, check, asked)
    ]


def count_listed(counted: Iterable[Tally], wanted: FindingFilter) -> int:
    """Return how many findings a filter keeps."""
    return sum(tally.findings for tally in counted if wanted.keeps(tally))


def list_findings(
    database: Database,
    actor: Actor,
    month: Month,
    counted: Sequence[Tally],
    wanted: FindingFilter,
    *,
    page: int = 1,
    size: int = 20,
) -> list[Finding]:
    """Return a page of the findings that a filter keeps: only the checks that the page holds findings of are asked."""
    asked = Asked(actor, month, wanted.unit_id, wanted.explained)
    kept: dict[int, tuple[Check, int]] = {}
    for tally in filter(wanted.keeps, counted):
        kept[id(tally.check)] = (tally.check, kept.get(id(tally.check), (None, 0))[1] + tally.findings)
    found: list[Finding] = []
    skip = (page - 1) * size
    for check, number in kept.values():
        if skip < number and len(found) < size:
            found += run(database, check, asked, limit=size - len(found), offset=skip)
        skip = max(skip - number, 0)
    return found


# --------------------------------------------------------------------------------------------------- units and months


@dataclass(frozen=True)
class Submission:
    """A month that a unit handed in: when it came first, when and by whom last, and what was open then."""

    first_at: datetime
    submitted_at: datetime
    submitted_by: str
    blocking: int
    warnings: int
    note: str


@dataclass(frozen=True)
class UnitReadiness:
    """Where a unit stands with a month; `records` are its projects and enterprises in work.

    `blocking`, `monthly` and `standing` are findings that are open; `waiting` are claims that wait for verification.
    """

    unit: Unit
    state: SubmissionState
    submission: Submission | None
    records: int
    blocking: int
    monthly: int
    standing: int
    explained: int
    waiting: int
    kinds: dict[str, int] = field(default_factory=dict)

    @property
    def warnings(self) -> int:
        """Open findings that do not block."""
        return self.monthly + self.standing

    @property
    def score(self) -> Fraction | None:
        """The unit's score of data quality, 0 to 100, exactly; None where it has no records."""
        return quality_score(blocking=self.blocking, warnings=self.warnings, records=self.records)


def readiness(
    database: Database, actor: Actor, month: Month, counted: Sequence[Tally], *, today: date
) -> list[UnitReadiness]:
    """Return where each unit stands that the reader may see, in official order."""
    if permissions.Scope.ALL in permissions.scopes(actor, Action.READ):
        groups = find_rule_set(database).groups
        shown = [unit for unit in units(database) if unit.peer_group in groups]
    else:
        own = actor.unit_id if permissions.covers_unit(actor, Action.READ, actor.unit_id) else None
        shown = [unit for unit in units(database) if unit.id == own]
    handed_in = submissions(database, actor, month)
    records = _records(database, actor)
    waiting = {row.unit_id: row.waiting for row in claims_by_unit(database, actor, ClaimFilter(), today=today)}
    return [
        _stands(unit, month, counted, handed_in.get(unit.id), records.get(unit.id, 0), waiting.get(unit.id, 0), today)
        for unit in shown
    ]


def _stands(
    unit: Unit,
    month: Month,
    counted: Sequence[Tally],
    submission: Submission | None,
    records: int,
    waiting: int,
    today: date,
) -> UnitReadiness:
    own = [tally for tally in counted if tally.unit_id == unit.id]
    open_ones = [tally for tally in own if not tally.explained]
    kinds: dict[str, int] = {}
    for tally in open_ones:
        kinds[tally.check.code] = kinds.get(tally.check.code, 0) + tally.findings
    blocking = sum(t.findings for t in open_ones if t.check.severity is Severity.BLOCKING)
    monthly = sum(t.findings for t in open_ones if t.check.monthly)
    came = bureau_day(submission.first_at) if submission else None
    return UnitReadiness(
        unit,
        submission_state(month, came, today=today),
        submission,
        records,
        blocking,
        monthly,
        sum(kinds.values()) - blocking - monthly,
        sum(tally.findings for tally in own if tally.explained),
        waiting,
        kinds,
    )


def submissions(database: Database, actor: Actor, month: Month) -> dict[int, Submission]:
    """Return what units handed in for a month, by unit; a later one replaces what was, not when it came first."""
    params = Params([str(month)])
    seen = permissions.visible(actor, Action.READ, "unit_month", "m", params)
    rows = database.rows(
        f"""
        select distinct on (m.unit_id)
            m.unit_id,
            min(m.submitted_at) over (partition by m.unit_id),
            m.submitted_at,
            coalesce(a.name, m.submitted_by),
            m.blocking_findings,
            m.warning_findings,
            coalesce(m.note, '')
        from unit_month m
        left join account a on a.login = m.submitted_by
        where m.month = $1 and m.archived_at is null and {seen}
        order by m.unit_id, m.submitted_at desc, m.id desc
        """,
        params,
    )
    return {row[0]: Submission(*row[1:]) for row in rows}


def _records(database: Database, actor: Actor) -> dict[int, int]:
    """Return how many projects and enterprises in work each unit answers for."""
    params = Params()
    projects = permissions.visible(actor, Action.READ, "project", "p", params)
    enterprises = permissions.visible(actor, Action.READ, "enterprise", "e", params)
    return {
        unit_id: int(number)
        for unit_id, number in database.rows(
            f"""
            select unit_id, count(*) from (
                select p.unit_id from project p
                where p.archived_at is null and p.status <> '{ProjectStatus.WITHDRAWN}' and {projects}
                union all
                select e.owner_unit_id from enterprise e where e.archived_at is null and {enterprises}
            ) as records
            where unit_id is not null
            group by unit_id
            """,
            params,
        )
    }


def still_open(row: UnitReadiness) -> Message:
    """Say in words what a unit has open, kind by kind, the most frequent first; for the unit head and a reminder."""
    kinds = sorted(row.kinds.items(), key=lambda item: -item[1])
    return _(
        "blocking {blocking}, to look at {warnings}, claims waiting for verification {waiting}{kinds}",
        blocking=row.blocking,
        warnings=row.warnings,
        waiting=row.waiting,
        kinds=_(" ({kinds})", kinds=listed(f"{KIND_LABELS[kind]} {number}" for kind, number in kinds)) if kinds else "",
    )


def reminder(row: UnitReadiness, month: Month, *, today: date) -> Message:
    """Word a reminder (催报) to a unit whose month is not in, or whose findings are open."""
    values = {"unit": row.unit.name, "month": month, "today": today, "open": still_open(row)}
    if row.submission is None:
        return _(
            "{unit}: the month {month} was to be handed in by {deadline}; on {today} it is not. Still open: {open}."
            " Mend or explain these and hand the month in.",
            deadline=submission_deadline(month),
            **values,
        )
    return _(
        "{unit}: the month {month} is handed in. Still open on {today}: {open}. Mend or explain these, and hand it in"
        " again.",
        **values,
    )
