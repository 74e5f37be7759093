"""What hangs on a project: milestones, arrivals of funds, agreements, commitments of both sides, difficulties.

Whatever is written here, the project's own dates follow in the same transaction: the signing from the agreements, the
first funds from the arrivals, the others from their milestones. Values are given by column; money in 元.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crm import permissions
from crm.actions.projects import follow_first_funds, write_dates, write_milestone
from crm.errors import Conflict, Invalid, NotFound
from crm.locale import Message, _
from crm.model import (
    PROJECT_DATE_OF_MILESTONE,
    Actor,
    AgreementKind,
    AgreementStatus,
    CommitmentKind,
    DifficultyKind,
    DifficultyPhase,
    MilestoneKind,
    Party,
    Stage,
)
from crm.permissions import Action
from crm.rules import amount_problem, check_actual_date, check_complete, check_gates, signing_of
from crm.store import Database, Transaction, transaction

MILESTONE_FIELDS = ("planned_on", "actual_on", "unit_id", "owner", "evidence")
AGREEMENT_FIELDS = ("number", "kind", "signed_on", "event", "amount", "term", "status", "note")
COMMITMENT_FIELDS = (
    "agreement_id",
    "party",
    "clause",
    "kind",
    "legal_basis",
    "condition",
    "amount",
    "due_on",
    "unit_id",
    "review_result",
    "review_number",
    "note",
)
DIFFICULTY_FIELDS = ("phase", "kind", "content", "raised_on", "unit_id", "due_on")
_SIGNED_ON = _("Signing date")


# ---------------------------------------------------------------------------------------------------------- milestones


def set_milestone(
    database: Database,
    actor: Actor,
    project_id: int,
    kind: MilestoneKind,
    version: int | None,
    values: Mapping[str, Any],
    *,
    now: datetime,
    today: date,
) -> None:
    """Set plan, actual date, owner or evidence of one step (see `MILESTONE_FIELDS`); `version` None: a new one.

    A date that says a stage was reached comes with the move to that stage; later it can be corrected here. Raises
    Invalid per field, Conflict, NotFound, Denied.
    """
    given = _given(values, MILESTONE_FIELDS)
    with transaction(database, actor=actor.login, now=now) as work:
        project = _editable(work, actor, project_id)
        known = work.find("milestone", project_id=project_id, kind=str(kind))
        if known and version is None and known["planned_on"] is None and known["actual_on"] is None:
            version = known["version"]  # left behind by a date that was taken back
        if (known or {}).get("version") != version:
            raise Conflict
        after = (known or {}) | given
        field = PROJECT_DATE_OF_MILESTONE.get(kind)
        dates = {field: given["actual_on"]} if field and "actual_on" in given else {}
        if kind is MilestoneKind.START and "planned_on" in given:
            dates["planned_start_on"] = given["planned_on"]
        problems: dict[str, Message] = {}
        _check_day(problems, "actual_on", given.get("actual_on"), project, today=today, name=_("Actual date"))
        for on, problem in (check_gates(project, dates) | _emptied(project, dates)).items():
            problems["planned_on" if on == "planned_start_on" else "actual_on"] = problem
        if kind is MilestoneKind.FIRST_FUNDS and "actual_on" in given:
            first = _first_arrival(work, project_id)
            if first is not None and given["actual_on"] != first:
                problems["actual_on"] = _("The first funds arrived on {day}, by the arrivals.", day=first)
        if after.get("planned_on") is None and after.get("actual_on") is None:
            problems.setdefault("planned_on", _("Give the planned date."))
        if problems:
            raise Invalid(problems)
        work.require("unit", given.get("unit_id"))
        write_milestone(work, project_id, kind, given)
        if dates:
            write_dates(work, project_id, None, dates)


def _emptied(project: Mapping[str, Any], dates: Mapping[str, Any]) -> dict[str, Message]:
    """Name the dates that the project's stage requires and that would be taken away."""
    lacking = check_complete({**project, **dates}, Stage(project["stage"]))
    return {field: problem for field, problem in lacking.items() if field in dates}


# --------------------------------------------------------------------------------------------------------------- funds


def add_arrival(
    database: Database,
    actor: Actor,
    project_id: int,
    *,
    arrived_on: date | None,
    amount: Decimal | None,
    kind: str = "",
    voucher: str = "",
    evidence: str = "",
    note: str = "",
    accept_same: bool = False,
    now: datetime,
    today: date,
) -> int:
    """Add money that arrived and return its id; a voucher is used once in the whole bureau.

    Without a voucher, a second arrival of the same day, amount and kind must be accepted as another one.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        project = _editable(work, actor, project_id)
        problems: dict[str, Message] = {}
        if arrived_on is None:
            problems["arrived_on"] = _("Give the day on which the money arrived.")
        _check_day(problems, "arrived_on", arrived_on, project, today=today, name=_("Arrival date"))
        if not amount:
            problems["amount"] = _("Give the amount that arrived.")
        _check_amount(problems, amount)
        voucher = voucher.strip()
        if voucher and work.rows("select 1 from fund_arrival where voucher = $1 and archived_at is null", [voucher]):
            problems["voucher"] = _("The voucher “{voucher}” is booked already.", voucher=voucher)
        same = work.value(
            "select count(*) from fund_arrival where project_id = $1 and arrived_on = $2 and amount = $3"
            " and coalesce(kind, '') = $4 and archived_at is null",
            [project_id, arrived_on, amount, kind.strip()],
        )
        if same and not voucher and not accept_same:
            problems["amount"] = _(
                "An arrival of this day, amount and kind is booked already: confirm that it is another."
            )
        if problems:
            raise Invalid(problems)
        arrival_id = work.insert(
            "fund_arrival",
            {
                "project_id": project_id,
                "arrived_on": arrived_on,
                "amount": amount,
                "kind": kind.strip() or None,
                "voucher": voucher or None,
                "occurrence": 1 + same,
                "evidence": evidence.strip() or None,
                "note": note.strip() or None,
            },
        )
        follow_first_funds(work, project_id, arrived_on)
    return arrival_id


def withdraw_arrival(
    database: Database, actor: Actor, arrival_id: int, version: int, *, reason: str, now: datetime
) -> None:
    """Take an arrival back that was booked by mistake; it stays in the audit trail."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.WITHDRAW, "fund_arrival", arrival_id)
        if not reason.strip():
            raise Invalid({"reason": _("Say why the arrival is taken back.")})
        arrival = _live(work, "fund_arrival", arrival_id)
        work.update("fund_arrival", arrival_id, version, {"archived_at": now}, action="withdraw", note=reason.strip())
        follow_first_funds(work, arrival["project_id"], arrival["arrived_on"])


def _first_arrival(work: Transaction, project_id: int) -> date | None:
    first: date | None = work.value(
        "select min(arrived_on) from fund_arrival where project_id = $1 and archived_at is null", [project_id]
    )
    return first


# ---------------------------------------------------------------------------------------------------------- agreements


def add_agreement(
    database: Database, actor: Actor, project_id: int, values: Mapping[str, Any], *, now: datetime, today: date
) -> int:
    """Add a further agreement of a signed project and return its id (see `AGREEMENT_FIELDS`).

    The first agreement comes with the move to the stage “signed”. Raises Invalid per field, NotFound, Denied.
    """
    given = {"status": str(AgreementStatus.ACTIVE)} | _given(values, AGREEMENT_FIELDS)
    with transaction(database, actor=actor.login, now=now) as work:
        project = _editable(work, actor, project_id)
        _check_agreement(work, project, given, {}, today=today)
        agreement_id = work.insert("agreement", {**given, "project_id": project_id})
        _follow_agreements(work, project, given.get("amount"), None)
    return agreement_id


def change_agreement(
    database: Database,
    actor: Actor,
    agreement_id: int,
    version: int,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    today: date,
) -> None:
    """Change or terminate an agreement if it is still of this version; the project's signing date follows.

    Where the project's contracted amount was this agreement's, it follows too.
    """
    given = _given(changes, AGREEMENT_FIELDS)
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.EDIT, "agreement", agreement_id)
        before = _live(work, "agreement", agreement_id)
        project = work.get("project", before["project_id"])
        _check_agreement(work, project, before | given, before, today=today)
        work.update("agreement", agreement_id, version, given)
        _follow_agreements(work, project, (before | given)["amount"], before["amount"])


def _check_agreement(
    work: Transaction, project: Mapping[str, Any], after: Mapping[str, Any], before: Mapping[str, Any], *, today: date
) -> None:
    problems: dict[str, Message] = {}
    if not after.get("number"):
        problems["number"] = _("Give the agreement's number.")
    elif after["number"] != before.get("number") and work.find(
        "agreement", project_id=project["id"], number=after["number"]
    ):
        problems["number"] = _("The project has an agreement of this number already.")
    if after.get("kind") is None:
        problems["kind"] = _("Choose the kind of agreement.")
    if after.get("signed_on") is None:
        problems["signed_on"] = _("Give the signing date.")
    else:
        _check_day(problems, "signed_on", after["signed_on"], project, today=today, name=_SIGNED_ON)
    _check_amount(problems, after.get("amount"))
    _check_words(problems, after, kind=AgreementKind, status=AgreementStatus)
    if not problems:
        others = work.records(
            "select * from agreement where project_id = $1 and archived_at is null and id <> $2",
            [project["id"], before.get("id", 0)],
        )
        signed_on, _kind = signing_of([*others, {**after, "id": before.get("id", 2**62)}])
        refused = check_gates(project, {"signed_on": signed_on}) | _emptied(project, {"signed_on": signed_on})
        if refused:
            problems["status" if before else "signed_on"] = next(iter(refused.values()))
    if problems:
        raise Invalid(problems)


def _follow_agreements(
    work: Transaction, project: Mapping[str, Any], amount: Decimal | None, amount_before: Decimal | None
) -> None:
    """Set the project's signing, and its contracted amount unless that was stated otherwise."""
    held = work.records("select * from agreement where project_id = $1 and archived_at is null", [project["id"]])
    signed_on, kind = signing_of(held)
    changes: dict[str, Any] = {"signed_on": signed_on, "agreement_kind": kind}
    if amount is not None and project["contracted_amount"] in (None, amount_before):
        changes["contracted_amount"] = amount
    write_dates(work, project["id"], None, changes)


# --------------------------------------------------------------------------------------------------------- commitments


def add_commitment(
    database: Database, actor: Actor, project_id: int, values: Mapping[str, Any], *, now: datetime
) -> int:
    """Add one promise of one side and return its id (see `COMMITMENT_FIELDS`)."""
    given = _given(values, COMMITMENT_FIELDS)
    with transaction(database, actor=actor.login, now=now) as work:
        _editable(work, actor, project_id)
        _check_commitment(work, project_id, given, {})
        return work.insert("commitment", {**given, "project_id": project_id})


def change_commitment(
    database: Database, actor: Actor, commitment_id: int, version: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change a promise if it is still of this version; raises Invalid per field, Conflict, NotFound, Denied."""
    given = _given(changes, COMMITMENT_FIELDS)
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.EDIT, "commitment", commitment_id)
        before = _live(work, "commitment", commitment_id)
        _check_commitment(work, before["project_id"], before | given, before)
        work.update("commitment", commitment_id, version, given)


def fulfil_commitment(
    database: Database,
    actor: Actor,
    commitment_id: int,
    version: int,
    *,
    fulfilled_on: date | None,
    now: datetime,
    today: date,
) -> None:
    """Note the day on which a promise was kept."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.EDIT, "commitment", commitment_id)
        project = work.get("project", _live(work, "commitment", commitment_id)["project_id"])
        problems: dict[str, Message] = {}
        if fulfilled_on is None:
            problems["fulfilled_on"] = _("Give the day on which it was kept.")
        _check_day(problems, "fulfilled_on", fulfilled_on, project, today=today, name=_("Fulfilment date"))
        if problems:
            raise Invalid(problems)
        work.update("commitment", commitment_id, version, {"fulfilled_on": fulfilled_on}, action="fulfil")


def _check_commitment(work: Transaction, project_id: int, after: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    problems: dict[str, Message] = {}
    if after.get("party") is None:
        problems["party"] = _("Choose who made the promise.")
    if not after.get("clause"):
        problems["clause"] = _("Write what was promised.")
    elif after["clause"] != before.get("clause") and work.find(
        "commitment", project_id=project_id, clause=after["clause"]
    ):
        problems["clause"] = _("The project has this clause already.")
    _check_amount(problems, after.get("amount"))
    _check_words(problems, after, party=Party, kind=CommitmentKind)
    agreement_id = after.get("agreement_id")
    if agreement_id is not None and work.find("agreement", id=agreement_id, project_id=project_id) is None:
        problems["agreement_id"] = _("This agreement belongs to another project.")
    if problems:
        raise Invalid(problems)
    work.require("unit", after.get("unit_id"))


# -------------------------------------------------------------------------------------------------------- difficulties


def raise_difficulty(
    database: Database, actor: Actor, project_id: int, values: Mapping[str, Any], *, now: datetime, today: date
) -> int:
    """Put a difficulty of a project on record, for a unit to resolve by a day; returns its id."""
    given = {"raised_on": today} | _given(values, DIFFICULTY_FIELDS)
    with transaction(database, actor=actor.login, now=now) as work:
        project = _editable(work, actor, project_id)
        problems: dict[str, Message] = {}
        if not given.get("content"):
            problems["content"] = _("Write what the difficulty is.")
        if given["raised_on"] is None:
            problems["raised_on"] = _("Give the day on which it was raised.")
        else:
            _check_day(problems, "raised_on", given["raised_on"], project, today=today, name=_("Day raised"))
            if given.get("due_on") is not None and given["due_on"] < given["raised_on"]:
                problems["due_on"] = _("It is due before it was raised.")
        _check_words(problems, given, kind=DifficultyKind, phase=DifficultyPhase)
        if problems:
            raise Invalid(problems)
        work.require("unit", given.get("unit_id"))
        return work.insert("difficulty", {**given, "project_id": project_id})


def resolve_difficulty(
    database: Database,
    actor: Actor,
    difficulty_id: int,
    version: int,
    *,
    resolved_on: date | None,
    result: str,
    now: datetime,
    today: date,
) -> None:
    """Note how and when a difficulty was resolved."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.EDIT, "difficulty", difficulty_id)
        difficulty = _live(work, "difficulty", difficulty_id)
        problems: dict[str, Message] = {}
        if resolved_on is None:
            problems["resolved_on"] = _("Give the day on which it was resolved.")
        elif resolved_on < difficulty["raised_on"]:
            problems["resolved_on"] = _("It was raised later, on {day}.", day=difficulty["raised_on"])
        _check_day(problems, "resolved_on", resolved_on, None, today=today, name=_("Day resolved"))
        if not result.strip():
            problems["result"] = _("Write how it was resolved.")
        if problems:
            raise Invalid(problems)
        work.update(
            "difficulty",
            difficulty_id,
            version,
            {"resolved_on": resolved_on, "result": result.strip()},
            action="resolve",
        )


# -------------------------------------------------------------------------------------------------------------- shared


def _editable(work: Transaction, actor: Actor, project_id: int) -> dict[str, Any]:
    """Demand the right to edit a project and return it."""
    permissions.require(work, actor, Action.EDIT, "project", project_id)
    return _live(work, "project", project_id)


def _live(work: Transaction, table: str, record_id: int) -> dict[str, Any]:
    record = work.get(table, record_id)
    if record["archived_at"] is not None:
        raise NotFound
    return record


def _given(values: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """Return typed values as they are stored: blanks as None, words of the vocabulary as text."""
    unknown = set(values) - set(known)
    if unknown:
        raise KeyError(f"not editable: {sorted(unknown)}")
    given = {}
    for field, value in values.items():
        text = str(value).strip() if isinstance(value, str) else value
        given[field] = None if text == "" else text
    return given


def _check_day(
    problems: dict[str, Message],
    field: str,
    day: date | None,
    project: Mapping[str, Any] | None,
    *,
    today: date,
    name: Message,
) -> None:
    problem = check_actual_date(day, project, today=today, name=name) if day is not None else None
    if problem is not None:
        problems[field] = problem


def _check_amount(problems: dict[str, Message], amount: Decimal | None) -> None:
    problem = amount_problem(amount)
    if problem is not None:
        problems["amount"] = problem


def _check_words(problems: dict[str, Message], values: Mapping[str, Any], **vocabulary: type[StrEnum]) -> None:
    for field, words in vocabulary.items():
        if values.get(field) is not None and values[field] not in list(words):
            problems[field] = _("“{word}” is not one of the choices.", word=values[field])
