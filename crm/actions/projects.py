"""Projects: begun, changed, moved between stages with what each stage requires, withdrawn, handed to another unit.

The project's own dates are the facts; a milestone row holds the plan, evidence and verification of the same date, and
`write_dates` writes both. What hangs on a project is written by `project_records`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crm import permissions
from crm.errors import Invalid
from crm.locale import Message, _
from crm.model import PROJECT_DATE_OF_MILESTONE, Actor, AgreementKind, MilestoneKind, ProjectDraft, ProjectStatus, Stage
from crm.rules import (
    ACTUAL_DATES,
    DATE_OF_STAGE,
    FIELD_LABELS,
    PROJECT_CODE,
    REQUIRED_FROM,
    STAGES,
    amount_problem,
    check_actual_date,
    check_complete,
    check_dates,
    check_gates,
    check_move,
    check_withdrawal,
    claimed_anew,
    first_funds_verification,
    holding_ends,
    signing_of,
)
from crm.store import Database, Session, Transaction, name_key, search_text, transaction

# What a person may change of a project as it stands; its other dates come with moves, milestones and agreements.
EDITABLE = (
    "name",
    "industry_id",
    "segment_id",
    "place",
    "planned_investment",
    "contracted_amount",
    "fixed_assets",
    "entered_on",
    "negotiating_on",
    "planned_start_on",
    "company_name",
    "company_credit_code",
    "liaison_leader",
    "responsible_person",
    "evidence",
    "note",
)
_ALWAYS_THERE = ("enterprise_id", "unit_id")
_OF_AGREEMENT = ("agreement_number", "agreement_kind", "signed_on")
_AMOUNTS = ("planned_investment", "contracted_amount", "fixed_assets")
_LONGEST_NAME, _LONGEST_CODE = 120, 64


def create_project(database: Database, actor: Actor, draft: ProjectDraft, *, now: datetime, today: date) -> int:
    """Begin a project of an enterprise as a lead and return its id; raises Invalid, NotFound or Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        return insert_project(work, actor, draft, today=today)


def insert_project(work: Transaction, actor: Actor, draft: ProjectDraft, *, today: date) -> int:
    """Begin a project within a transaction (see `create_project`)."""
    permissions.require(work, actor, permissions.Action.READ, "enterprise", draft.enterprise_id)
    work.require("enterprise", draft.enterprise_id)
    if draft.opportunity_id is not None:
        permissions.require(work, actor, permissions.Action.READ, "opportunity", draft.opportunity_id)
    unit_id = draft.unit_id if draft.unit_id is not None else actor.unit_id
    permissions.require_for_unit(actor, permissions.Action.CREATE, unit_id, draft.industry_id)
    work.require("unit", unit_id)
    work.require("industry", draft.industry_id)
    name, code = draft.name.strip(), draft.code.strip()
    entered_on = draft.entered_on or today
    project: dict[str, Any] = {
        "name": name,
        "enterprise_id": draft.enterprise_id,
        "opportunity_id": draft.opportunity_id,
        "industry_id": draft.industry_id,
        "segment_id": draft.segment_id,
        "unit_id": unit_id,
        "place": draft.place.strip() or None,
        "planned_investment": draft.planned_investment,
        "stage": str(Stage.LEAD),
        "status": str(ProjectStatus.ACTIVE),
        "entered_on": entered_on,
        "entered_given": draft.entered_on is not None,
        "responsible_person": draft.responsible_person.strip() or actor.name or None,
        "liaison_leader": draft.liaison_leader.strip() or None,
        "note": draft.note.strip() or None,
    }
    problems = _name_problems(work, name, draft.enterprise_id) | _code_problems(work, code)
    problems |= _value_problems(work, project, project, today=today)
    if unit_id is None:
        problems["unit_id"] = _("Choose the unit that holds the project.")
    if problems:
        raise Invalid(problems)
    code = code or _next_code(work, today.year)
    project |= {"code": code, "name_key": name_key(name), "search_text": search_text(code, name=name)}
    project_id = work.insert("project", project)
    held = {"project_id": project_id, "unit_id": unit_id, "is_first": True, "valid_from": entered_on}
    work.insert("project_unit", held)
    work.insert("stage_log", {"project_id": project_id, "to_stage": str(Stage.LEAD), "moved_on": entered_on})
    return project_id


def change_project(
    database: Database,
    actor: Actor,
    project_id: int,
    version: int,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    today: date,
) -> None:
    """Change a project's fields (see `EDITABLE`) if it is still of this version.

    Only what is touched is checked, so that an imperfect record can be repaired; what its stage requires cannot be
    emptied. Raises Invalid per field, Conflict, NotFound, Denied.
    """
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise KeyError(f"not editable: {sorted(unknown)}")
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "project", project_id)
        before = _facts(work, project_id)
        given = {field: value.strip() if isinstance(value, str) else value for field, value in changes.items()}
        given = {field: None if value == "" else value for field, value in given.items()}
        values = {field: value for field, value in given.items() if value != before[field]}
        if "industry_id" in values and "segment_id" not in given:
            values["segment_id"] = None
        if "entered_on" in values:
            values["entered_given"] = True
        after = before | values
        problems = {f: m for f, m in check_complete(after, Stage(before["stage"])).items() if f in values}
        problems |= _value_problems(work, after, values, today=today) | check_gates(before, values)
        if "name" in values:
            problems |= _name_problems(work, values["name"] or "", before["enterprise_id"], but=project_id)
            values |= {
                "name_key": name_key(values["name"] or ""),
                "search_text": search_text(before["code"], name=values["name"] or ""),
            }
        if "entered_on" in values and values["entered_on"] is None:
            problems["entered_on"] = _("Give the lead date.")
        if problems:
            raise Invalid(problems)
        if "contracted_amount" in values and before["contracted_amount"] is not None:
            # The agreement that stated the amount states the new one.
            for agreement in work.records(
                "select id, version from agreement where project_id = $1 and amount = $2 and archived_at is null",
                [project_id, before["contracted_amount"]],
            ):
                work.update("agreement", agreement["id"], agreement["version"], {"amount": values["contracted_amount"]})
        write_dates(work, project_id, version, values)
        if "entered_on" in values:
            first = work.find("project_unit", project_id=project_id, is_first=True)
            if first is not None:
                work.update("project_unit", first["id"], first["version"], {"valid_from": values["entered_on"]})


def _name_problems(work: Transaction, name: str, enterprise_id: int, *, but: int = 0) -> dict[str, Message]:
    if not name_key(name):
        return {"name": _("Type the project's name.")}
    if len(name) > _LONGEST_NAME:
        return {"name": _("The name is longer than 120 characters.")}
    # A ledger knows a project by its name and investor, so that two of them could not be told apart.
    if work.rows(
        "select 1 from project where enterprise_id = $1 and name_key = $2 and id <> $3 and archived_at is null",
        [enterprise_id, name_key(name), but],
    ):
        return {"name": _("This enterprise has a project of this name already.")}
    return {}


def _code_problems(work: Transaction, code: str) -> dict[str, Message]:
    if len(code) > _LONGEST_CODE:
        return {"code": _("The code is longer than 64 characters.")}
    if code and work.rows("select 1 from project where upper(trim(code)) = upper($1)", [code]):
        return {"code": _("Another project has the code “{code}”.", code=code)}
    return {}


def _value_problems(
    work: Transaction, project: Mapping[str, Any], values: Mapping[str, Any], *, today: date
) -> dict[str, Message]:
    """Judge those of a project's values that were given."""
    problems: dict[str, Message] = {}
    for field in _AMOUNTS:
        problem = amount_problem(values.get(field))
        if problem is not None:
            problems[field] = problem
    dates = ("entered_on", *ACTUAL_DATES)
    problems |= check_dates(
        project, today=today, fields=dates if "entered_on" in values else tuple(values.keys() & {*dates})
    )
    segment_id = project["segment_id"] if values.keys() & {"industry_id", "segment_id"} else None
    if segment_id is not None and work.get("segment", segment_id)["industry_id"] != project["industry_id"]:
        problems["segment_id"] = _("This segment belongs to another chain.")
    work.require("industry", values.get("industry_id"))
    return problems


def _next_code(work: Transaction, year: int) -> str:
    """Return the first free code after the largest that the system made this year."""
    prefix = PROJECT_CODE.format(year=year, number=0)[:-6]
    used = {row[0] for row in work.rows("select code from project where code like $1", [prefix + "%"])}
    numbers = [int(code[len(prefix) :]) for code in used if code[len(prefix) :].isdecimal()]
    number = max((n for n in numbers if n < 10**6), default=0) + 1
    return PROJECT_CODE.format(year=year, number=number)


def _facts(reader: Session | Transaction, project_id: int) -> dict[str, Any]:
    """Return a project with the number of the agreement it was signed by: what the rules judge."""
    (project,) = reader.records("select * from project where id = $1", [project_id])
    return project | {"agreement_number": (signing_agreement(reader, project_id) or {}).get("number")}


def missing_for(database: Database, actor: Actor, project_id: int, target: Stage) -> list[str]:
    """Name the fields that a project lacks for a stage: “to move on, complete these”. Raises NotFound."""
    with database.reading() as session:
        permissions.require(session, actor, permissions.Action.READ, "project", project_id)
        return list(check_complete(_facts(session, project_id), target))


def asked_for(database: Database, actor: Actor, project_id: int, target: Stage) -> dict[str, Any]:
    """Return the fields that a move asks for, with their present values: all that is missing for the stage, and where
    it leads forward what the stage itself is known by. Raises NotFound.
    """
    with database.reading() as session:
        permissions.require(session, actor, permissions.Action.READ, "project", project_id)
        project = _facts(session, project_id)
    onward = STAGES.index(target) > STAGES.index(Stage(project["stage"]))
    fields = [*check_complete(project, target), *(REQUIRED_FROM[target] if onward else ())]
    return {field: project[field] for field in dict.fromkeys(fields) if field not in _ALWAYS_THERE}


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
        reached_on = (before | given).get(DATE_OF_STAGE.get(target, ""))
        back = STAGES.index(target) < STAGES.index(Stage(before["stage"]))
        # The log runs in the order of the moves: a stage that is entered again is entered today.
        moved_on = today if back or reached_on is None or reached_on < since else reached_on
        changes = given | {"stage": str(target)}
        if before["status"] == ProjectStatus.STALLED:
            changes["status"] = str(ProjectStatus.ACTIVE)
        write_dates(work, project_id, version, changes, action="move_stage", note=note)
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


def reinstate_project(
    database: Database, actor: Actor, project_id: int, version: int, *, reason: str, now: datetime
) -> None:
    """Take a withdrawal back: the project goes on at the stage where it stood."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "project", project_id)
        if work.get("project", project_id)["status"] != ProjectStatus.WITHDRAWN:
            raise Invalid({"status": _("The project is not withdrawn.")})
        if not reason.strip():
            raise Invalid({"reason": _("Say why the project goes on.")})
        work.update(
            "project",
            project_id,
            version,
            {"status": str(ProjectStatus.ACTIVE), "withdrawn_on": None, "withdrawn_reason": None},
            action="reinstate",
            note=reason.strip(),
        )


def mark_stalled(
    database: Database, actor: Actor, project_id: int, version: int, *, stalled: bool, reason: str = "", now: datetime
) -> None:
    """Mark a project as stalled, with the reason, or as active again."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "project", project_id)
        if work.get("project", project_id)["status"] == ProjectStatus.WITHDRAWN:
            raise Invalid({"status": _("The project is withdrawn: reinstate it first.")})
        if stalled and not reason.strip():
            raise Invalid({"reason": _("Say what holds the project up.")})
        status = ProjectStatus.STALLED if stalled else ProjectStatus.ACTIVE
        work.update("project", project_id, version, {"status": str(status)}, action="mark", note=reason.strip() or None)


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
    agreement = signing_agreement(work, project_id)
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


def signing_agreement(reader: Session | Transaction, project_id: int) -> dict[str, Any] | None:
    found = reader.records(
        "select * from agreement where project_id = $1 and archived_at is null and status = 'active'"
        " order by signed_on, id limit 1",
        [project_id],
    )
    return found[0] if found else None


def write_dates(
    work: Transaction,
    project_id: int,
    version: int | None,
    changes: Mapping[str, Any],
    *,
    action: str = "update",
    note: str = "",
) -> None:
    """Change a project and the milestone rows of the dates that change with it; `version` None: as it stands now."""
    if version is None:
        version = work.value("select version from project where id = $1", [project_id])
    work.update("project", project_id, version, changes, action=action, note=note.strip() or None)
    evidence = changes.get("evidence")
    for kind, field in PROJECT_DATE_OF_MILESTONE.items():
        if field in changes:
            values = {"actual_on": changes[field]} | ({"evidence": evidence} if evidence else {})
            write_milestone(work, project_id, kind, values)
    if "planned_start_on" in changes:
        write_milestone(work, project_id, MilestoneKind.START, {"planned_on": changes["planned_start_on"]})


def write_milestone(work: Transaction, project_id: int, kind: MilestoneKind, values: Mapping[str, Any]) -> None:
    """Make or change one milestone of a project; what is claimed anew is yet to be verified."""
    known = work.find("milestone", project_id=project_id, kind=str(kind))
    if known is None:
        if any(value is not None for value in values.values()):
            work.insert("milestone", {"project_id": project_id, "kind": str(kind), **values})
        return
    work.update("milestone", known["id"], known["version"], {**values, **claimed_anew(known, values)})


def follow_first_funds(work: Transaction, project_id: int, changed_on: date | None) -> None:
    """Let the step “first funds” follow an arrival of a day that was booked, taken back, verified or returned."""
    arrivals = work.records(
        "select * from fund_arrival where project_id = $1 and archived_at is null order by arrived_on, id", [project_id]
    )
    before = work.find("milestone", project_id=project_id, kind=str(MilestoneKind.FIRST_FUNDS))
    first_on = arrivals[0]["arrived_on"] if arrivals else None
    write_dates(work, project_id, None, {"first_funds_on": first_on})
    # Later money says nothing about the first.
    if first_on is None or changed_on not in (first_on, before and before["actual_on"]):
        return
    step = work.find("milestone", project_id=project_id, kind=str(MilestoneKind.FIRST_FUNDS))
    if step is not None:
        work.update("milestone", step["id"], step["version"], first_funds_verification(arrivals, first_on))
