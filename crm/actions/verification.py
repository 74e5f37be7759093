"""Verifying what units claim: milestones with an actual date and arrivals of funds, accepted or returned with a reason.

A claim waits until it is accepted or returned. With another date or amount it is claimed anew, whatever it was before;
a returned one also with other evidence (`rules.claimed_anew`). The step “first funds” of a project with arrivals is
verified with the arrival of its day (`rules.first_funds_verification`), and by itself only where there are none.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from crm import permissions
from crm.actions.projects import follow_first_funds
from crm.errors import Conflict, Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor, MilestoneKind, label
from crm.permissions import Action
from crm.rules import NOT_VERIFIED
from crm.store import Database, Transaction, transaction

_DATE = {"milestone": "actual_on", "fund_arrival": "arrived_on"}


class Claim(NamedTuple):
    """A milestone or an arrival of funds (`subject` names the table), as it was read."""

    subject: str
    id: int
    version: int


def accept(database: Database, actor: Actor, claims: Sequence[Claim], *, now: datetime, today: date) -> None:
    """Verify claims by the evidence that stands there, all of them or none; what is verified already stays so.

    Raises Invalid for a claim without actual date or evidence, Conflict, NotFound, Denied.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        for claim in claims:
            record = _asked(work, actor, Action.VERIFY, claim)
            if not record["evidence"]:
                raise _refused(work, record, "evidence", _("name the evidence before it is verified."))
            if record["verified_on"] is None:
                verified = {"verified_on": today, "verified_by": actor.name or actor.login}
                _judge(work, claim, record, {**NOT_VERIFIED, **verified}, action="verify")


def return_claims(
    database: Database, actor: Actor, claims: Sequence[Claim], *, reason: str, now: datetime, today: date
) -> None:
    """Return claims to their unit, all of them or none; of a verified one this takes the verification back.

    Raises Invalid without a reason or actual date, Conflict, NotFound, Denied.
    """
    if not reason.strip():
        raise Invalid({"reason": _("Say why it is returned: the unit reads it.")})
    with transaction(database, actor=actor.login, now=now) as work:
        for claim in claims:
            record = _asked(work, actor, Action.VERIFY, claim)
            returned = {
                "returned_on": today,
                "returned_by": actor.name or actor.login,
                "return_reason": reason.strip(),
            }
            _judge(work, claim, record, {**NOT_VERIFIED, **returned}, action="return", note=reason.strip())


def claim_again(database: Database, actor: Actor, claim: Claim, *, evidence: str, now: datetime) -> None:
    """Name the evidence of a claim, or name it anew; a returned claim waits to be verified again.

    The words may stay as they are: the file behind them may have been mended.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        record = _asked(work, actor, Action.EDIT, claim)
        if not evidence.strip():
            raise Invalid({"evidence": _("Name the evidence.")})
        again = NOT_VERIFIED if record["returned_on"] is not None else {}
        work.update(claim.subject, claim.id, claim.version, {**again, "evidence": evidence.strip()})


def _asked(work: Transaction, actor: Actor, right: Action, claim: Claim) -> dict[str, Any]:
    """Demand the right over a claim and return its record; a step without an actual date claims nothing."""
    if claim.subject not in _DATE:
        raise NotFound
    permissions.require(work, actor, right, claim.subject, claim.id)
    record = work.get(claim.subject, claim.id)
    if record["archived_at"] is not None or work.get("project", record["project_id"])["archived_at"] is not None:
        raise NotFound
    if record["version"] != claim.version:
        raise Conflict(_("{claim}: changed by somebody else meanwhile. Look at it again.", claim=_named(work, record)))
    if record[_DATE[claim.subject]] is None:
        raise _refused(work, record, "actual_on", _("there is nothing to verify, it has no actual date."))
    if record.get("kind") == MilestoneKind.FIRST_FUNDS and claim.subject == "milestone" and work.rows(
        "select 1 from fund_arrival where project_id = $1 and archived_at is null limit 1", [record["project_id"]]
    ):  # fmt: skip
        raise _refused(work, record, "actual_on", _("it is verified with the arrival of funds of that day."))
    return record


def _judge(
    work: Transaction,
    claim: Claim,
    record: dict[str, Any],
    changes: dict[str, Any],
    *,
    action: str,
    note: str | None = None,
) -> None:
    work.update(claim.subject, claim.id, claim.version, changes, action=action, note=note)
    if claim.subject == "fund_arrival":
        follow_first_funds(work, record["project_id"], record["arrived_on"])


def _refused(work: Transaction, record: dict[str, Any], field: str, problem: Message) -> Invalid:
    return Invalid({field: _("{claim}: {problem}", claim=_named(work, record), problem=problem)})


def _named(work: Transaction, record: dict[str, Any]) -> str:
    what = label(MilestoneKind(record["kind"])) if "actual_on" in record else _("Arrival of funds")
    return f"{work.get('project', record['project_id'])['name']} · {what}"
