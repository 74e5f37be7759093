"""What is odd about the records, a warning each: ledgers are imperfect, and what looks odd may have its reason.

Some stand until the record is mended or explained; others speak of one month, and are explained for that month.
"""

from collections.abc import Callable, Iterator
from datetime import date

from crm.locale import Message, _
from crm.model import CommitmentKind, DifficultyKind, MilestoneKind, Party, ProjectStatus, label
from crm.months import Month
from crm.reports.checking import Check, Severity, Values
from crm.reports.enterprises import LEGAL_FORMS, NEAR
from crm.rules import (
    CAPITAL_MULTIPLE,
    DATE_OF_STAGE,
    FIELD_LABELS,
    LIKE_AMOUNT,
    REQUIRED_FROM,
    STAGES,
    USUAL_ORDER,
)
from crm.store import Params

# Over a project `p`.
_WORKED_ON = f"p.archived_at is null and p.status <> '{ProjectStatus.WITHDRAWN}'"
_NUMBERED = (
    "exists (select 1 from agreement a where a.project_id = p.id and a.archived_at is null and a.number is not null)"
)
_FILED = (
    "exists (select 1 from attachment f where f.archived_at is null and (f.subject = 'project' and f.subject_id = p.id"
    " or f.subject = 'agreement' and f.subject_id in (select a.id from agreement a where a.project_id = p.id)))"
)
STAGE_NUMBER = "case stage " + " ".join(f"when '{stage}' then {n}" for n, stage in enumerate(STAGES)) + " end"


def oddities() -> Iterator[Check]:
    """List the warnings that stand until they are mended or explained."""
    yield from _of_dates()
    yield from _of_signing()
    yield from _of_amounts()
    yield from _incomplete()
    yield _twice_reported()


def _of_project(code: str, sentence: Callable[[Values], Message], sql: str) -> Check:
    return Check(code, Severity.WARNING, "project", sql, sentence)


def _of_dates() -> Iterator[Check]:
    yield Check(
        "odd_dates",
        Severity.WARNING,
        "project",
        " union all ".join(
            f"select id, '{first}' as first_field, {first} as first_day, '{second}' as second_field,"
            f" {second} as second_day from project where archived_at is null and {second} < {first}"
            for first, second in USUAL_ORDER
        ),
        lambda row: _(
            "{record}: {second} {second_day} is earlier than {first} {first_day}.",
            record=row["record"],
            second=FIELD_LABELS[row["second_field"]],
            second_day=row["second_day"],
            first=FIELD_LABELS[row["first_field"]],
            first_day=row["first_day"],
        ),
        part="f.first_field || '.' || f.second_field",
    )
    yield _of_project(
        "no_negotiation_date",
        lambda row: _(
            "{record} was signed without an earlier negotiation date: it counts as signed the day it is known.",
            record=row["record"],
        ),
        "select id from project where archived_at is null and signed_on is not null"
        " and (negotiating_on is null or negotiating_on >= signed_on)",
    )
    yield _of_project(
        "unregistered_start",
        lambda row: _(
            "{record} has started construction, yet has no registration date.",
            record=row["record"],
        ),
        "select id from project where archived_at is null and started_on is not null and registered_on is null",
    )


def _of_signing() -> Iterator[Check]:
    yield _of_project(
        "unproven_signing",
        lambda row: _(
            "{record} is signed, with neither an agreement number nor a file that proves it.",
            record=row["record"],
        ),
        f"select p.id from project p where {_WORKED_ON} and p.signed_on is not null and not {_NUMBERED}"
        f" and not {_FILED}",
    )


def _of_amounts() -> Iterator[Check]:
    yield Check(
        "funds_above_contract",
        Severity.WARNING,
        "project",
        """select p.id, p.contracted_amount, sum(f.amount) as arrived
        from project p
        join fund_arrival f on f.project_id = p.id and f.archived_at is null
        where p.archived_at is null
        group by p.id, p.contracted_amount
        having sum(f.amount) > p.contracted_amount""",
        lambda row: _(
            "{record}: arrivals of {arrived} yuan exceed the contracted {contracted} yuan.",
            record=row["record"],
            arrived=f"{row['arrived']:,.0f}",
            contracted=f"{row['contracted_amount']:,.0f}",
        ),
    )
    yield Check(
        "capital_out_of_proportion",
        Severity.WARNING,
        "project",
        f"""select p.id, p.planned_investment, e.registered_capital
        from project p
        join enterprise e on e.id = p.enterprise_id
        where {_WORKED_ON} and e.registered_capital > 0
            and p.planned_investment > {CAPITAL_MULTIPLE} * e.registered_capital""",
        lambda row: _(
            "{record}: the planned investment is {times} times the investor's registered capital (more than {limit}).",
            record=row["record"],
            times=f"{row['planned_investment'] / row['registered_capital']:,.0f}",
            limit=CAPITAL_MULTIPLE,
        ),
    )


def _incomplete() -> Iterator[Check]:
    # The agreement's number and kind stand on the agreement; the other fields are the project's own.
    for number, stage in enumerate(STAGES):
        for required in dict.fromkeys(REQUIRED_FROM[stage]):
            missing = f"p.{required} is null"
            if required == "agreement_number":
                # Without a file either, the signing is not proved at all: a finding above.
                missing = f"p.signed_on is not null and not {_NUMBERED} and {_FILED}"
            elif required == DATE_OF_STAGE.get(stage):
                # A stage that was skipped has no date, and one that the dates do not show is a finding of its own.
                continue
            yield Check(
                "incomplete",
                Severity.WARNING,
                "project",
                f"select id from (select p.id, {STAGE_NUMBER} as stage_number from project p"
                f" where p.archived_at is null and {missing}) q where stage_number >= {number}",
                lambda row: _(
                    "{record}: {field} is required from the stage “{stage}” on.",
                    record=row["record"],
                    field=FIELD_LABELS[row["required"]],
                    stage=label(row["required_from"]),
                ),
                about={"required": required, "required_from": stage},
                part=f"'{stage}.{required}'",
            )


# ------------------------------------------------------------------------------------------ one project, two units


def _alike(one: str, other: str) -> str:
    """Return SQL: two names are alike by `NEAR` in what they share at their beginning and their end."""
    shorter = f"least(length({one}), length({other}))"
    shared = " + ".join(
        f"(select count(*) from generate_series(1, {shorter}) as g(n) where {side}({one}, n) = {side}({other}, n))"
        for side in ("left", "right")
    )
    return f"200 * least({shared}, {shorter}) >= {NEAR} * (length({one}) + length({other}))"


def _twice_reported() -> Check:
    """Return the check for a project that two units report: like investor, like name, like amount.

    Only projects whose investor has the same name but for its legal form, or which have the same name themselves, are
    compared: each is looked up by what it shares, none is held against all others.
    """
    core = f"regexp_replace(e.name_key, '({'|'.join(LEGAL_FORMS)})+$', '')"
    like_amount = (
        "(one.amount is null or other.amount is null"
        f" or abs(one.amount - other.amount) <= {LIKE_AMOUNT} * greatest(one.amount, other.amount))"
    )
    pairs = " union ".join(
        "select one.id, other.id as other_id, one.name_key, other.name_key as other_name_key, one.investor,"
        " other.investor as other_investor, other.name as other, other.unit_id as other_unit_id"
        " from reported one join reported other"
        f" on other.{shared} = one.{shared} and other.unit_id <> one.unit_id and {like_amount}"
        for shared in ("investor", "name_key")
    )
    return Check(
        "twice_reported",
        Severity.WARNING,
        "project",
        f"""with reported as (
            select p.id, p.unit_id, p.name, p.name_key, p.planned_investment as amount, {core} as investor
            from project p
            join enterprise e on e.id = p.enterprise_id
            where {_WORKED_ON}
        ),
        pairs as (
            {pairs}
        )
        select distinct on (pairs.id) pairs.id, pairs.other, u.name as other_unit
        from pairs
        join unit u on u.id = pairs.other_unit_id
        where {_alike("pairs.name_key", "pairs.other_name_key")} and {_alike("investor", "other_investor")}
        order by pairs.id, pairs.other_id""",
        lambda row: _(
            "{record} may be the same project as “{other}”, which {unit} reports.",
            record=row["record"],
            other=row["other"],
            unit=row["other_unit"],
        ),
    )


# ------------------------------------------------------------------------------------------------------ of one month


def monthly_oddities(month: Month, *, today: date) -> Iterator[Check]:
    """List the warnings about one month, as of its last day or of today where that is earlier."""
    yield _no_progress(month)
    yield from _overdue(min(month.last_day, today))


def _no_progress(month: Month) -> Check:
    params = Params()
    since, until = params.add(month.first_day), params.add(month.last_day)
    sources = (("follow_up", "happened_on"), ("stage_log", "moved_on"), ("milestone", "actual_on"),
               ("fund_arrival", "arrived_on"))  # fmt: skip
    logged = " union all ".join(
        f"select project_id from {table} where archived_at is null and project_id is not null"
        f" and {day} >= cast({since} as date) and {day} <= cast({until} as date)"
        for table, day in sources
    )
    return Check(
        "no_progress",
        Severity.WARNING,
        "project",
        f"""select p.id
        from project p
        where {_WORKED_ON} and p.signed_on < cast({since} as date)
            and (p.completed_on is null or p.completed_on > cast({until} as date))
            and p.id not in ({logged})""",
        lambda row: _(
            "{record} is signed, and nothing was logged about it in {month}: no contact, move, milestone or funds.",
            record=row["record"],
            month=row["month"],
        ),
        params,
        {"month": str(month)},
        monthly=True,
    )


def _overdue(as_of: date) -> Iterator[Check]:
    """Yield what was due by a day and not done by then; what waits for an overdue start is not named beside it."""
    params = Params()
    day = f"cast({params.add(as_of)} as date)"
    start_overdue = (
        f"p.signed_on <= {day} and p.planned_start_on < {day} and (p.started_on is null or p.started_on > {day})"
    )

    def overdue(code: str, subject: str, sql: str, sentence: Callable[[Values], Message]) -> Check:
        return Check(code, Severity.WARNING, subject, sql, sentence, params, monthly=True)

    yield overdue(
        "overdue_start",
        "project",
        f"select p.id, p.planned_start_on from project p where {_WORKED_ON} and {start_overdue}",
        lambda row: _(
            "{record} was to start construction by {day}, and has not.",
            record=row["record"],
            day=row["planned_start_on"],
        ),
    )
    yield overdue(
        "overdue_milestone",
        "milestone",
        f"""select id, kind, planned_on from (
            select
                m.id,
                m.kind,
                m.planned_on,
                row_number() over (partition by m.project_id order by m.planned_on, m.id) as place
            from milestone m
            join project p on p.id = m.project_id
            where {_WORKED_ON} and m.archived_at is null and m.kind <> '{MilestoneKind.START}'
                and m.planned_on < {day} and (m.actual_on is null or m.actual_on > {day})
                and ({start_overdue}) is not true
        ) late where place = 1""",
        lambda row: _(
            "{record}: “{kind}” was planned for {day}, and is not done.",
            record=row["record"],
            kind=label(MilestoneKind(row["kind"])),
            day=row["planned_on"],
        ),
    )
    yield overdue(
        "overdue_commitment",
        "commitment",
        f"""select c.id, c.party, c.kind, c.due_on
        from commitment c
        join project p on p.id = c.project_id
        where {_WORKED_ON} and c.archived_at is null and c.due_on < {day}
            and (c.fulfilled_on is null or c.fulfilled_on > {day})""",
        lambda row: _(
            "{record}: {party} promised “{kind}” by {day}, and has not kept it.",
            record=row["record"],
            party=label(Party(row["party"])),
            kind=label(CommitmentKind(row["kind"])) if row["kind"] else "—",
            day=row["due_on"],
        ),
    )
    yield overdue(
        "overdue_difficulty",
        "difficulty",
        f"""select id, kind, due_on from difficulty
        where archived_at is null and due_on < {day} and raised_on <= {day}
            and (resolved_on is null or resolved_on > {day})""",
        lambda row: _(
            "{record}: “{kind}” was to be resolved by {day}, and is not.",
            record=row["record"],
            kind=label(DifficultyKind(row["kind"])) if row["kind"] else "—",
            day=row["due_on"],
        ),
    )
