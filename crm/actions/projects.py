"""Projects: moving between stages with what each stage requires, withdrawing, handing to another unit.

The project's own dates are the facts; a milestone row holds the plan, evidence and verification of the same date, and
`_write_dates` writes both.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crm import permissions
from crm.errors import Invalid
from crm.locale import _
from crm.model import PROJECT_DATE_OF_MILESTONE, Actor, AgreementKind, MilestoneKind, ProjectStatus, Stage
from crm.rules import (
    DATE_OF_STAGE,
    FIELD_LABELS,
    check_actual_date,
    check_complete,
    check_move,
    check_withdrawal,
    holding_ends,
    signing_of,
)
from crm.store import Database, Session, Transaction, transaction

_OF_AGREEMENT = ("agreement_number", "agreement_kind", "signed_on")


def _facts(reader: Session | Transaction, project_id: int) -> dict[str, Any]:
    """Return a project with the number of the agreement it was signed by: what the rules judge."""
    (project,) = reader.records("select * from project where id = $1", [project_id])
    return project | {"agreement_number": (_signing_agreement(reader, project_id) or {}).get("number")}


def missing_for(database: Database, actor: Actor, project_id: int, target: Stage) -> list[str]:
    """Name the fields that a project lacks for a stage: “to move on, complete these”. Raises NotFound."""
    with database.reading() as session:
        permissions.require(session, actor, permissions.Action.READ, "project", project_id)
        return list(check_complete(_facts(session, project_id), target))


def move_stage(
    database: Database,
    actor: Actor,
    project_id: int,
    version: int,
    target: Stage,
    *,
    values: Mapping[str, Any] | None = None,
    note: str = "",
    now: datetime,
    today: date,
) -> None:
    """Move a project to another stage, completing in the same step what the stage requires.

    `values` may hold any field that a stage requires (see `rules.REQUIRED_FROM`); money in 元. Project, agreement,
    milestones, stage log and audit change together or not at all. Raises Invalid per field, Conflict, NotFound, Denied.
    """
    given = dict(values or {})
    unknown = set(given) - set(FIELD_LABELS)
    if unknown:
        raise KeyError(f"no stage asks for {sorted(unknown)}")
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "project", project_id)
        before = _facts(work, project_id)
        problems = check_move(before | given, target, today=today, note=note)
        if problems:
            raise Invalid(problems)
        if any(field in given for field in _OF_AGREEMENT):
            given = _sign(work, project_id, before, given)
        log = work.rows(
            "select max(moved_on) from stage_log where project_id = $1 and archived_at is null", [project_id]
        )
        since = log[0][0] or before["entered_on"]
        moved_on = (before | given).get(DATE_OF_STAGE.get(target, ""), None) or today
        _write_dates(work, project_id, version, given | {"stage": str(target)}, action="move_stage", note=note)
        work.insert(
            "stage_log",
            {
                "project_id": project_id,
                "from_stage": before["stage"],
                "to_stage": str(target),
                "moved_on": moved_on,
                "days_in_stage": max((moved_on - since).days, 0),
                "note": note.strip() or None,
            },
        )


def withdraw_project(
    database: Database,
    actor: Actor,
    project_id: int,
    version: int,
    *,
    withdrawn_on: date,
    reason: str,
    now: datetime,
    today: date,
) -> None:
    """Mark a project as withdrawn; it stays in the history and, by rule, in the denominators."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "project", project_id)
        changes = {"withdrawn_on": withdrawn_on, "withdrawn_reason": reason.strip()}
        problems = check_withdrawal(work.get("project", project_id) | changes, today=today)
        if problems:
            raise Invalid(problems)
        work.update(
            "project",
            project_id,
            version,
            {**changes, "status": str(ProjectStatus.WITHDRAWN)},
            action="withdraw",
            note=reason.strip(),
        )


def transfer_project(
    database: Database,
    actor: Actor,
    project_id: int,
    version: int,
    unit_id: int,
    *,
    valid_from: date,
    now: datetime,
    today: date,
) -> None:
    """Hand a project to another unit from a day on; earlier months keep the unit that held it then."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.TRANSFER, "project", project_id)
        work.require("unit", unit_id)
        project = work.get("project", project_id)
        problem = check_actual_date(valid_from, project, today=today, name=_("Start date of the transfer"))
        if problem is not None:
            raise Invalid({"valid_from": problem})
        holdings = work.records(
            "select * from project_unit where project_id = $1 and archived_at is null order by id", [project_id]
        )
        same_day = [h for h in holdings if h["valid_from"] == valid_from]
        if same_day:
            work.update(
                "project_unit", same_day[0]["id"], same_day[0]["version"], {"unit_id": unit_id}, action="transfer"
            )
        else:
            values = {"project_id": project_id, "unit_id": unit_id, "is_first": False, "valid_from": valid_from}
            work.insert("project_unit", values, action="transfer")
        holdings = work.records(
            "select * from project_unit where project_id = $1 and archived_at is null order by id", [project_id]
        )
        for holding, end in zip(holdings, holding_ends(holdings), strict=True):
            work.update("project_unit", holding["id"], holding["version"], {"valid_to": end})
        holder = next(h["unit_id"] for h, end in zip(holdings, holding_ends(holdings), strict=True) if end is None)
        # Refused too where only the history changes and the project has moved on since the caller saw it.
        work.update("project", project_id, version, {"unit_id": holder}, action="transfer")


def _sign(work: Transaction, project_id: int, before: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Make or update the agreement that a project is signed by; returns the values left for the project itself."""
    agreement = _signing_agreement(work, project_id)
    values = {
        "number": given.pop("agreement_number", before["agreement_number"]),
        "kind": given.pop("agreement_kind", before["agreement_kind"]),
        "signed_on": given.pop("signed_on", before["signed_on"]),
    }
    if values["kind"] is not None:
        values["kind"] = str(AgreementKind(values["kind"]))
    if agreement is None:
        amount: Decimal | None = given.get("contracted_amount", before["contracted_amount"])
        work.insert("agreement", {**values, "project_id": project_id, "amount": amount, "status": "active"})
    else:
        work.update("agreement", agreement["id"], agreement["version"], values)
    signed_on, kind = signing_of(
        work.records("select * from agreement where project_id = $1 and archived_at is null", [project_id])
    )
    return given | {"signed_on": signed_on, "agreement_kind": kind}


def _signing_agreement(reader: Session | Transaction, project_id: int) -> dict[str, Any] | None:
    found = reader.records(
        "select * from agreement where project_id = $1 and archived_at is null and status = 'active'"
        " order by signed_on, id limit 1",
        [project_id],
    )
    return found[0] if found else None


def _write_dates(
    work: Transaction, project_id: int, version: int, changes: Mapping[str, Any], *, action: str, note: str
) -> None:
    """Change a project and the milestone rows of the dates that change with it."""
    work.update("project", project_id, version, changes, action=action, note=note.strip() or None)
    evidence = changes.get("evidence")
    for kind, field in PROJECT_DATE_OF_MILESTONE.items():
        if field in changes:
            values = {"actual_on": changes[field]} | ({"evidence": evidence} if evidence else {})
            _write_milestone(work, project_id, kind, values)
    if "planned_start_on" in changes:
        _write_milestone(work, project_id, MilestoneKind.START, {"planned_on": changes["planned_start_on"]})


def _write_milestone(work: Transaction, project_id: int, kind: MilestoneKind, values: Mapping[str, Any]) -> None:
    known = work.find("milestone", project_id=project_id, kind=str(kind))
    if known is None:
        work.insert("milestone", {"project_id": project_id, "kind": str(kind), **values})
    else:
        work.update("milestone", known["id"], known["version"], values)
