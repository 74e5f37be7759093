"""Rules of a project's life: what a stage requires, which moves are allowed, which dates cannot be.

Each `check_*` returns `{field: message}`, empty where all is well. What is refused is in `check_*`; what is merely
odd is in `odd_*` and becomes a warning or a finding on Data quality.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from operator import mul
from typing import Any

from crm.locale import Message, _
from crm.model import (
    PROJECT_DATE_OF_MILESTONE,
    Grade,
    MilestoneKind,
    ProjectStatus,
    Stage,
    SubmissionState,
    SupervisionLevel,
    label,
)
from crm.months import Month

STAGES: tuple[Stage, ...] = tuple(Stage)

# What a project must have from a stage on; a later stage requires all that the earlier ones do.
REQUIRED_FROM: dict[Stage, tuple[str, ...]] = {
    Stage.LEAD: (),
    Stage.CONTACT: ("enterprise_id", "unit_id", "responsible_person"),
    Stage.NEGOTIATION: ("industry_id", "planned_investment", "negotiating_on"),
    Stage.SIGNED: ("agreement_number", "agreement_kind", "signed_on", "contracted_amount", "planned_start_on"),
    Stage.REGISTERED: ("company_name", "company_credit_code", "registered_on"),
    Stage.STARTED: ("started_on", "evidence"),
    Stage.COMPLETED: ("completed_on", "evidence"),
    Stage.PRODUCTION: ("production_on", "evidence"),
}
REQUIRED_TO_WITHDRAW = ("withdrawn_on", "withdrawn_reason")

# The date that says a stage was reached, where one does.
DATE_OF_STAGE: dict[Stage, str] = {
    Stage.NEGOTIATION: "negotiating_on",
    Stage.SIGNED: "signed_on",
    Stage.REGISTERED: "registered_on",
    Stage.STARTED: "started_on",
    Stage.COMPLETED: "completed_on",
    Stage.PRODUCTION: "production_on",
}

FIELD_LABELS: dict[str, Message] = {
    "enterprise_id": _("Investor"),
    "unit_id": _("Unit"),
    "responsible_person": _("Responsible person"),
    "industry_id": _("Key industry"),
    "planned_investment": _("Planned investment"),
    "entered_on": _("Lead date"),
    "negotiating_on": _("Negotiation date"),
    "agreement_number": _("Agreement number"),
    "agreement_kind": _("Agreement kind"),
    "signed_on": _("Signing date"),
    "contracted_amount": _("Contracted amount"),
    "planned_start_on": _("Planned start"),
    "company_name": _("Project company"),
    "company_credit_code": _("Project company's credit code"),
    "registered_on": _("Registration date"),
    "first_funds_on": _("First funds"),
    "started_on": _("Start date"),
    "completed_on": _("Completion date"),
    "production_on": _("Production date"),
    "withdrawn_on": _("Withdrawal date"),
    "withdrawn_reason": _("Reason for withdrawal"),
    "evidence": _("Evidence"),
}

# A project in work counts as quiet after so many days without a contact with its investor, a move or a beginning.
QUIET_DAYS = 60

# A planned investment beyond so many times the investor's registered capital is out of proportion.
CAPITAL_MULTIPLE = 50

# Two planned investments are alike where they differ by no more than this part of the larger one.
LIKE_AMOUNT = Decimal("0.1")

# Until this day of the next month a unit hands in its month.
SUBMIT_DAY = 5

# What a finding takes from a unit's score of data quality.
BLOCKING_WEIGHT, WARNING_WEIGHT = 10, 1

# How the system numbers a project that comes without a code.
PROJECT_CODE = "P{year}-{number:06d}"

# What a column of money can hold, in 元.
LARGEST_AMOUNT = Decimal("9999999999999999")

# A project's actual dates, in the order in which they usually come.
ACTUAL_DATES = (
    "negotiating_on",
    "signed_on",
    "registered_on",
    "first_funds_on",
    "started_on",
    "completed_on",
    "production_on",
    "withdrawn_on",
)

# (earlier, later): the usual order; the other way round is odd, and a warning.
USUAL_ORDER = (
    ("negotiating_on", "signed_on"),
    ("signed_on", "registered_on"),
    ("signed_on", "first_funds_on"),
    ("signed_on", "started_on"),
    ("signed_on", "withdrawn_on"),
    ("started_on", "completed_on"),
    ("started_on", "production_on"),
    ("completed_on", "production_on"),
    ("signed_on", "planned_start_on"),
)

# Days without a contact after which an enterprise has gone quiet, by its grade; None: one without a grade.
QUIET_DAYS_BY_GRADE: dict[Grade | None, int] = {Grade.A: 15, Grade.B: 30, Grade.C: 60, None: 60}

# The usual timetable with an enterprise: each step and how many days after the first it is planned.
USUAL_STEPS: tuple[tuple[Message, int], ...] = (
    (_("First meeting"), 0),
    (_("Their visit to the site"), 14),
    (_("Our visit to their works"), 30),
    (_("Terms of the investment"), 45),
    (_("Review of the project"), 60),
    (_("Signing the agreement"), 90),
)


def stage_reached(project: Mapping[str, Any]) -> Stage:
    """Return the furthest stage that the project's dates show."""
    for stage in reversed(STAGES):
        if stage in DATE_OF_STAGE and project.get(DATE_OF_STAGE[stage]) is not None:
            return stage
    return Stage.LEAD


def required_at(stage: Stage) -> tuple[str, ...]:
    """List every field that a project must have at a stage, the earlier stages' first."""
    return tuple(dict.fromkeys(field for s in STAGES[: STAGES.index(stage) + 1] for field in REQUIRED_FROM[s]))


def check_complete(project: Mapping[str, Any], stage: Stage) -> dict[str, Message]:
    """Name what the project lacks for a stage: “to move on, complete these”."""
    return {
        field: _("{field} is required from the stage “{stage}” on.", field=FIELD_LABELS[field], stage=label(stage))
        for field in required_at(stage)
        if project.get(field) in (None, "")
    }


def check_move(project: Mapping[str, Any], target: Stage, *, today: date, note: str = "") -> dict[str, Message]:
    """Check a move to another stage: all that the target requires, dates that can be, a reason for moving back."""
    problems = check_complete(project, target)
    problems.update(check_dates(project, today=today))
    if project.get("status") == ProjectStatus.WITHDRAWN:
        problems["status"] = _("The project is withdrawn: reinstate it first.")
    if STAGES.index(target) < STAGES.index(Stage(project["stage"])) and not note.strip():
        problems["note"] = _("Moving a project back needs a reason.")
    return problems


def check_withdrawal(project: Mapping[str, Any], *, today: date) -> dict[str, Message]:
    """Check that a project can be marked as withdrawn."""
    problems = {
        field: _("{field} is required to withdraw a project.", field=FIELD_LABELS[field])
        for field in REQUIRED_TO_WITHDRAW
        if project.get(field) in (None, "")
    }
    problems.update(check_dates(project, today=today, fields=("withdrawn_on",)))
    return problems


def check_dates(
    project: Mapping[str, Any], *, today: date, fields: tuple[str, ...] = ("entered_on", *ACTUAL_DATES)
) -> dict[str, Message]:
    """Refuse dates that cannot be: after today, or before a lead date that was given (`entered_given`)."""
    problems = {}
    for field in fields:
        day = project.get(field)
        if day is None:
            continue
        problem = check_actual_date(day, project, today=today, name=FIELD_LABELS[field])
        if problem is not None:
            problems[field] = problem
    return problems


def check_actual_date(day: date, project: Mapping[str, Any] | None, *, today: date, name: Message) -> Message | None:
    """Refuse one actual date that lies after today or before the project's given lead date."""
    if day > today:
        return _("{field} {day} is later than today.", field=name, day=day)
    entered = project.get("entered_on") if project and project.get("entered_given") else None
    if entered is not None and day < entered:
        return _("{field} {day} is earlier than the lead date {entered}.", field=name, day=day, entered=entered)
    return None


def check_gates(project: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Message]:
    """Refuse changes of dates that only a move of the stage may bring or take.

    A date that says a stage was reached comes with the move to that stage; and the date that the project's stage rests
    on stays as long as the project is at it.
    """
    problems = {}
    here = STAGES.index(Stage(project["stage"]))
    for stage, field in DATE_OF_STAGE.items():
        if changes.get(field) is not None and project[field] is None and STAGES.index(stage) > here:
            problems[field] = _(
                "{field} comes with the move to the stage “{stage}”.", field=FIELD_LABELS[field], stage=label(stage)
            )
    changed = {**project, **changes}
    touched = any(field in changes for field in DATE_OF_STAGE.values())
    # A stage without a date of its own, as the first contact, rests on none.
    if touched and here > max(STAGES.index(stage_reached(changed)), STAGES.index(Stage.CONTACT)):
        field = DATE_OF_STAGE[STAGES[here]]
        problems[field] = _(
            "The project is at the stage “{stage}”, which needs {field}: move it back first.",
            stage=label(STAGES[here]),
            field=FIELD_LABELS[field],
        )
    return problems


def amount_problem(amount: Decimal | None) -> Message | None:
    """Say what is wrong with an amount of money; None where it is fine or unknown."""
    if amount is not None and not 0 <= amount <= LARGEST_AMOUNT:
        return _("This amount is negative or too large.")
    return None


def odd_dates(project: Mapping[str, Any]) -> dict[str, Message]:
    """Name date orders that are unusual but possible, by the later field of each pair."""
    odd = {}
    for earlier, later in USUAL_ORDER:
        first, second = project.get(earlier), project.get(later)
        if first is not None and second is not None and second < first:
            odd[later] = _(
                "{later} {second} is earlier than {earlier} {first}.",
                later=FIELD_LABELS[later],
                second=second,
                earlier=FIELD_LABELS[earlier],
                first=first,
            )
    return odd


def signing_of(agreements: Iterable[Mapping[str, Any]]) -> tuple[date | None, str | None]:
    """Return a project's signing date and agreement kind: those of its earliest active agreement."""
    active = [a for a in agreements if a.get("status", "active") == "active" and a.get("archived_at") is None]
    if not active:
        return None, None
    first = min(active, key=lambda a: (a["signed_on"], a.get("id") or 0))
    return first["signed_on"], first["kind"]


def milestones_of(project: Mapping[str, Any]) -> dict[MilestoneKind, dict[str, date]]:
    """Return what a project's own dates say of its milestones; kinds of which they say nothing are left out.

    The first funds are not among them: they follow from the arrivals.
    """
    said: dict[MilestoneKind, dict[str, date]] = {}
    for kind, field in PROJECT_DATE_OF_MILESTONE.items():
        if kind is not MilestoneKind.FIRST_FUNDS and project.get(field) is not None:
            said.setdefault(kind, {})["actual_on"] = project[field]
    if project.get("planned_start_on") is not None:
        said.setdefault(MilestoneKind.START, {})["planned_on"] = project["planned_start_on"]
    return said


def dates_of_milestone(milestone: Mapping[str, Any]) -> dict[str, date]:
    """Return the project's own dates that a milestone says: the reverse of `milestones_of`."""
    kind = MilestoneKind(milestone["kind"])
    dates: dict[str, date] = {}
    if kind in PROJECT_DATE_OF_MILESTONE and kind is not MilestoneKind.FIRST_FUNDS and milestone.get("actual_on"):
        dates[PROJECT_DATE_OF_MILESTONE[kind]] = milestone["actual_on"]
    if kind is MilestoneKind.START and milestone.get("planned_on"):
        dates["planned_start_on"] = milestone["planned_on"]
    return dates


def submission_deadline(month: Month) -> date:
    """Return the last day on which a unit hands in a month in time."""
    return month.plus(1).first_day.replace(day=SUBMIT_DAY)


def submission_state(month: Month, submitted_on: date | None, *, today: date) -> SubmissionState:
    """Say whether a month came in time; `submitted_on` is the day it came first, None where it has not come."""
    deadline = submission_deadline(month)
    if submitted_on is not None:
        return SubmissionState.ON_TIME if submitted_on <= deadline else SubmissionState.LATE
    return SubmissionState.AWAITED if today <= deadline else SubmissionState.MISSING


def quality_score(*, blocking: int, warnings: int, records: int) -> Fraction | None:
    """Return a unit's score of data quality, 0 to 100, exactly; None where there is nothing to judge.

    100 less the weighted open findings for each hundred of its projects and enterprises in work.
    """
    if not (records or blocking or warnings):
        return None
    lost = Fraction(100 * (BLOCKING_WEIGHT * blocking + WARNING_WEIGHT * warnings), max(records, 1))
    return max(Fraction(0), 100 - lost)


# What a verification leaves on a claim: on a milestone with an actual date, or on an arrival of funds.
NOT_VERIFIED: Mapping[str, None] = dict.fromkeys(
    ("verified_on", "verified_by", "returned_on", "returned_by", "return_reason")
)
_CLAIMED = ("actual_on", "arrived_on", "amount")


def claimed_anew(before: Mapping[str, Any], changes: Mapping[str, Any]) -> Mapping[str, None]:
    """Return what a claim loses of its verification or return as it changes.

    All of it with another date or amount, or where the evidence is taken away; with other evidence, the return alone.
    """
    differing = {name for name, value in changes.items() if value != before[name]}
    if differing & {*_CLAIMED} or ("evidence" in differing and not changes["evidence"]):
        return NOT_VERIFIED
    if "evidence" in differing and before["returned_on"] is not None:
        return NOT_VERIFIED
    return {}


def first_funds_verification(arrivals: Iterable[Mapping[str, Any]], first_on: date) -> dict[str, Any]:
    """Return the verification of the step “first funds”: that of the arrival of its day which was verified first.

    `arrivals` are all of a project; what is returned to its unit is the arrival, never the step.
    """
    verified = [a for a in arrivals if a["arrived_on"] == first_on and a["verified_on"] is not None]
    earliest = min(verified, key=lambda a: a["verified_on"], default=NOT_VERIFIED)
    return {**NOT_VERIFIED, "verified_on": earliest["verified_on"], "verified_by": earliest["verified_by"]}


MOST_POINTS = Decimal(100)


def points_problem(points: Decimal | None) -> Message | None:
    """Say what is wrong with the points that a unit is given or loses in a month."""
    if points is None or not points.is_finite() or not points:
        return _("Give the points: above zero to add, below zero to take away.")
    if abs(points) > MOST_POINTS:
        return _("At most {most} points are given or taken at a time.", most=MOST_POINTS)
    if points != round(points, 4):
        return _("Points have at most four decimals.")
    return None


def holding_ends(holdings: Sequence[Mapping[str, Any]]) -> list[date | None]:
    """Return the `valid_to` of each holding of one project, in the order given.

    Each unit holds the project until the next one's first day; the first unit comes first whatever its date.
    """
    order = sorted(range(len(holdings)), key=lambda i: (not holdings[i]["is_first"], holdings[i]["valid_from"]))
    ends: list[date | None] = [None] * len(holdings)
    for current, following in zip(order, order[1:], strict=False):
        ends[current] = holdings[following]["valid_from"]
    return ends


# ------------------------------------------------------------------------------------------------- supervision orders

# How the system numbers supervision orders, anew in each year.
ORDER_NUMBER = "督办〔{year}〕{number}号"

# The level at which an order is raised, by the colour of the card (`metrics.Colour`).
LEVEL_OF_CARD: dict[str, SupervisionLevel] = {
    "yellow": SupervisionLevel.BLUE,
    "red": SupervisionLevel.YELLOW,
    "removal": SupervisionLevel.RED,
}

# How many days (calendar days, the first not counted) a unit has from the day an order is raised or rises to a level.
DAYS_OF_LEVEL: dict[SupervisionLevel, int] = {
    SupervisionLevel.BLUE: 7,
    SupervisionLevel.YELLOW: 5,
    SupervisionLevel.RED: 3,
}


def order_due_on(level: SupervisionLevel, today: date) -> date:
    """Return the day by which an order is to be done that is raised, or rises to this level, today."""
    return today + timedelta(days=DAYS_OF_LEVEL[level])


def next_level(
    level: SupervisionLevel, *, due_on: date, closed_on: date | None, today: date
) -> SupervisionLevel | None:
    """Return the level that an order is due to rise to: by one where it is overdue and not closed; None otherwise."""
    levels = list(SupervisionLevel)
    if closed_on is not None or due_on >= today or level is levels[-1]:
        return None
    return levels[levels.index(level) + 1]


_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES = {character: value for value, character in enumerate(_CREDIT_ALPHABET)}
_CREDIT_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))


def credit_code_problem(code: str) -> Message | None:
    """Say what is wrong with a unified social credit code (GB 32100-2015), None where nothing is.

    Early pilot codes fail the check character legally, so callers warn and let a person override.
    """
    if len(code) != 18:
        return _("A unified social credit code has 18 characters; “{code}” has {count}.", code=code, count=len(code))
    if not _CREDIT_VALUES.keys() >= set(code):
        return _("“{code}” holds a character that no unified social credit code has.", code=code)
    if code[-1] != credit_check_character(code[:17]):
        return _("The check character of the credit code “{code}” does not fit; look for a typing error.", code=code)
    return None


def credit_check_character(first_17: str) -> str:
    """Return the check character of a credit code's first 17 characters: weights 3^i mod 31 (GB 32100-2015)."""
    total = sum(map(mul, map(_CREDIT_VALUES.__getitem__, first_17), _CREDIT_WEIGHTS))
    return _CREDIT_ALPHABET[(31 - total % 31) % 31]
