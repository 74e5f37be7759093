"""What a person is asked when something about a project is written down: one dialog for each thing that can be done.

Each function opens its dialog; moving to another stage is in `stage_moves`. Records come as `reports.projects` gives
them, with id and version.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any

import streamlit as st

from crm.actions import project_records, projects
from crm.errors import Invalid
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
    ProjectDraft,
    Stage,
    label,
)
from crm.permissions import Action, can
from crm.reports import vocabulary
from crm.reports.enterprises import search_enterprises
from crm.reports.projects import ProjectRecord, project_record
from crm.reports.rankings import units
from crm.rules import DATE_OF_STAGE, FIELD_LABELS, STAGES
from crm.ui import forms, records, session, shell
from crm.ui.forms import Field

Record = Mapping[str, Any]
_OF_STAGE = {field: stage for stage, field in DATE_OF_STAGE.items()}


def _words(vocabulary_of: type[StrEnum]) -> dict[str, Message]:
    return {str(value): label(value) for value in vocabulary_of}


def _units() -> dict[int, str]:
    return {unit.id: unit.name for unit in units(session.database())}


def _moment() -> dict[str, Any]:
    return {"now": session.utc_now(), "today": session.today()}


# --------------------------------------------------------------------------------------------------- the project itself


def begin(actor: Actor, enterprise: tuple[int, str] | None = None) -> None:
    """Ask for a new project: of this enterprise (id, name), or of one that is looked for first."""
    db = session.database()

    def find() -> dict[str, Any]:
        text = st.text_input(
            str(_("Find the enterprise")),
            key="project_of",
            type="search",
            icon=":material/search:",
            live=True,
            placeholder=str(_("Part of a name, pinyin initials or credit code")),
        )
        found = {match.id: match.name for match in search_enterprises(db, actor, text, limit=8)} if text else {}
        chosen = st.selectbox(
            str(_("Investor")), list(found), index=0 if found else None, format_func=found.__getitem__, placeholder="—"
        )
        return {"enterprise_id": chosen}

    fields = [
        Field("name", _("Project name")),
        Field("code", _("Project code"), hint=_("Left empty, the system makes one.")),
        Field("industry_id", _("Key industry"), "choice", None, vocabulary.industry_names(db, on=session.today())),
        Field("planned_investment", _("Planned investment"), "money"),
        Field("entered_on", _("Lead date"), "date", session.today()),
        Field("place", _("Place")),
        Field("responsible_person", _("Responsible person"), value=actor.name),
    ]
    if can(actor, Action.TRANSFER):
        fields.insert(2, Field("unit_id", _("Unit"), "choice", actor.unit_id, _units()))

    def save(values: dict[str, Any]) -> int:
        investor = enterprise[0] if enterprise else values.pop("enterprise_id")
        if investor is None:
            raise Invalid({"enterprise_id": _("Choose the enterprise first.")})
        return projects.create_project(db, actor, ProjectDraft(enterprise_id=investor, **values), **_moment())

    forms.ask(
        _("New project"),
        fields,
        save,
        do=_("Begin the project"),
        done=_("The project is begun, as a lead."),
        lead=enterprise[1] if enterprise else "",
        first=None if enterprise else find,
        then=lambda project_id: shell.go("project", id=project_id),
    )


def change(actor: Actor, record: ProjectRecord) -> None:
    """Ask for changes of a project's facts."""
    db, project = session.database(), record.fields
    industry, today = project["industry_id"], session.today()
    offered = vocabulary.segments(db, industry, on=today, keep=project["segment_id"]) if industry else []
    segments = {s.id: s.name for s in offered}
    fields = [
        Field("name", _("Project name"), value=project["name"]),
        Field("responsible_person", FIELD_LABELS["responsible_person"], value=project["responsible_person"]),
        Field(
            "industry_id",
            FIELD_LABELS["industry_id"],
            "choice",
            industry,
            vocabulary.industry_names(db, on=today, keep=industry),
        ),
        Field("segment_id", _("Segment"), "choice", project["segment_id"], segments),
        Field("planned_investment", FIELD_LABELS["planned_investment"], "money", project["planned_investment"]),
        Field("contracted_amount", FIELD_LABELS["contracted_amount"], "money", project["contracted_amount"]),
        Field("fixed_assets", _("Fixed assets"), "money", project["fixed_assets"]),
        Field("place", _("Place"), value=project["place"]),
        Field("entered_on", FIELD_LABELS["entered_on"], "date", project["entered_on"]),
        Field("planned_start_on", FIELD_LABELS["planned_start_on"], "date", project["planned_start_on"]),
        Field("company_name", FIELD_LABELS["company_name"], value=project["company_name"]),
        Field("company_credit_code", FIELD_LABELS["company_credit_code"], value=project["company_credit_code"]),
        Field("liaison_leader", _("Liaison leader"), value=project["liaison_leader"]),
        Field("evidence", FIELD_LABELS["evidence"], value=project["evidence"]),
        Field("note", _("Note"), "long", project["note"]),
    ]
    if _reached(project, Stage.NEGOTIATION):
        fields.insert(9, Field("negotiating_on", FIELD_LABELS["negotiating_on"], "date", project["negotiating_on"]))

    def changed(values: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in values.items() if (value or None) != project[name]}
        # A segment of the chain that was is none of the chain that is chosen now.
        return {name: value for name, value in given.items() if name != "segment_id" or "industry_id" not in given}

    def save(values: dict[str, Any]) -> None:
        version = values.pop("version", project["version"])
        projects.change_project(db, actor, project["id"], version, changed(values), **_moment())

    def settle(values: dict[str, Any]) -> Callable[[], dict[str, Any] | None]:
        saved = project_record(db, actor, project["id"], today=today).fields
        return partial(records.settle, actor, "project", project, saved, changed(values))

    forms.ask(_("Change the facts"), fields, save, do=_("Save"), done=_("The project is changed."), settle=settle)


def _reached(project: Record, stage: Stage) -> bool:
    return STAGES.index(Stage(project["stage"])) >= STAGES.index(stage)


def withdraw(actor: Actor, project: Record) -> None:
    """Ask when and why a project ended."""
    forms.ask(
        _("Withdraw the project"),
        [
            Field("withdrawn_on", FIELD_LABELS["withdrawn_on"], "date", session.today()),
            Field("withdrawn_reason", FIELD_LABELS["withdrawn_reason"], "long"),
        ],
        lambda values: projects.withdraw_project(
            session.database(),
            actor,
            project["id"],
            project["version"],
            withdrawn_on=values["withdrawn_on"],
            reason=values["withdrawn_reason"],
            **_moment(),
        ),
        do=_("Withdraw the project"),
        done=_("The project is withdrawn."),
        lead=_("It stays in the history, and its months keep their numbers by the rules. It can be reinstated."),
    )


def reinstate(actor: Actor, project: Record) -> None:
    """Ask why a withdrawn project goes on."""
    forms.ask(
        _("Reinstate the project"),
        [Field("reason", _("Reason"), "long")],
        lambda values: projects.reinstate_project(
            session.database(), actor, project["id"], project["version"], now=session.utc_now(), **values
        ),
        do=_("Reinstate the project"),
        done=_("The project goes on."),
    )


def mark(actor: Actor, project: Record, *, stalled: bool) -> None:
    """Ask what holds a project up, or what brought it back."""
    forms.ask(
        _("Mark as stalled") if stalled else _("Mark as active"),
        [Field("reason", _("Reason"), "long")],
        lambda values: projects.mark_stalled(
            session.database(),
            actor,
            project["id"],
            project["version"],
            stalled=stalled,
            now=session.utc_now(),
            **values,
        ),
        do=_("Mark as stalled") if stalled else _("Mark as active"),
        done=_("The project's status is changed."),
    )


def transfer(actor: Actor, project: Record) -> None:
    """Ask which unit takes a project, and from when."""

    def save(values: dict[str, Any]) -> None:
        if values["unit_id"] is None:
            raise Invalid({"unit_id": _("Choose the unit that holds the project.")})
        if values["valid_from"] is None:
            raise Invalid({"valid_from": _("Give the first day at the new unit.")})
        projects.transfer_project(session.database(), actor, project["id"], project["version"], **values, **_moment())

    forms.ask(
        _("Transfer the project"),
        [
            Field("unit_id", _("To the unit"), "choice", None, _units()),
            Field("valid_from", _("From"), "date", session.today()),
        ],
        save,
        do=_("Transfer the project"),
        done=_("The project is transferred."),
        lead=_("Earlier months keep the unit that held it then."),
    )


# ------------------------------------------------------------------------------------------------- what hangs on it


def milestone(actor: Actor, record: ProjectRecord, step_of: Record | None) -> None:
    """Ask for plan, actual date, owner and evidence of one step; without one, of a step that is not there yet."""
    project, known = record.fields, step_of or {}
    kind = MilestoneKind(known["kind"]) if known else None
    gated = _gate(project, kind) if kind else None
    fields = [
        Field("planned_on", _("Planned date"), "date", known.get("planned_on")),
        Field("owner", _("Owner"), value=known.get("owner") or project["responsible_person"]),
        Field("evidence", FIELD_LABELS["evidence"], value=known.get("evidence")),
    ]
    if gated is None:
        fields.insert(1, Field("actual_on", _("Actual date"), "date", known.get("actual_on")))
    if kind is None:
        there = {step["kind"] for step in record.milestones}
        absent = {word: text for word, text in _words(MilestoneKind).items() if word not in there}
        fields.insert(0, Field("kind", _("Milestone"), "choice", None, absent))

    def save(values: dict[str, Any]) -> None:
        step = kind or values.pop("kind")
        if step is None:
            raise Invalid({"kind": _("Choose the milestone.")})
        if values.get("actual_on") is None and not known:
            values.pop("actual_on", None)
        project_records.set_milestone(
            session.database(), actor, project["id"], MilestoneKind(step), known.get("version"), values, **_moment()
        )

    forms.ask(
        label(kind) if kind else _("Add a milestone"),
        fields,
        save,
        do=_("Save"),
        done=_("The milestone is saved."),
        lead=_("The actual date comes with the move to the stage “{stage}”.", stage=label(gated)) if gated else "",
    )


def _gate(project: Record, kind: MilestoneKind) -> Stage | None:
    """Return the stage whose move brings the actual date of a step, where the project has not come so far."""
    field = PROJECT_DATE_OF_MILESTONE.get(kind, "")
    stage = _OF_STAGE.get(field)
    return stage if stage and project[field] is None and not _reached(project, stage) else None


def arrival(actor: Actor, project: Record) -> None:
    """Ask for money that arrived."""
    forms.ask(
        _("Add an arrival of funds"),
        [
            Field("arrived_on", _("Arrival date"), "date", session.today()),
            Field("amount", _("Amount"), "money"),
            Field("kind", _("Kind of funds")),
            Field("voucher", _("Voucher number")),
            Field("evidence", FIELD_LABELS["evidence"]),
            Field("accept_same", _("It is another arrival than the one booked"), "yes"),
        ],
        lambda values: project_records.add_arrival(session.database(), actor, project["id"], **values, **_moment()),
        do=_("Add"),
        done=_("The arrival is booked."),
    )


def take_back_arrival(actor: Actor, record: Record) -> None:
    """Ask why an arrival is taken back."""
    forms.ask(
        _("Take the arrival back"),
        [Field("reason", _("Reason"), "long")],
        lambda values: project_records.withdraw_arrival(
            session.database(), actor, record["id"], record["version"], now=session.utc_now(), **values
        ),
        do=_("Take back"),
        done=_("The arrival was taken back."),
    )


def agreement(actor: Actor, project: Record, record: Record | None) -> None:
    """Ask for an agreement; without a record, for a further one."""
    known: Record = record or {}
    fields = [
        Field("number", _("Agreement number"), value=known.get("number")),
        Field("kind", _("Agreement kind"), "choice", known.get("kind"), _words(AgreementKind)),
        Field("signed_on", _("Signing date"), "date", known.get("signed_on")),
        Field("amount", _("Amount"), "money", known.get("amount")),
        Field("event", _("Signing event"), value=known.get("event")),
        Field("term", _("Term"), value=known.get("term")),
        Field("note", _("Note"), "long", known.get("note")),
    ]
    if record:
        fields.insert(6, Field("status", _("Status"), "choice", known["status"], _words(AgreementStatus)))

    def save(values: dict[str, Any]) -> None:
        db = session.database()
        if record:
            project_records.change_agreement(db, actor, record["id"], record["version"], values, **_moment())
        else:
            project_records.add_agreement(db, actor, project["id"], values, **_moment())

    title = _("Change the agreement") if record else _("Add an agreement")
    forms.ask(title, fields, save, do=_("Save"), done=_("The agreement is saved."))


def commitment(actor: Actor, record: ProjectRecord, known: Record) -> None:
    """Ask for a promise; with an empty record, for a further one."""
    agreements = {held["id"]: held["number"] or held["signed_on"] for held in record.agreements}
    fields = [
        Field("party", _("Who promised"), "choice", known.get("party", str(Party.GOVERNMENT)), _words(Party)),
        Field("kind", _("Kind"), "choice", known.get("kind"), _words(CommitmentKind)),
        Field("amount", _("Amount"), "money", known.get("amount")),
        Field("due_on", _("Due"), "date", known.get("due_on")),
        Field("unit_id", _("Responsible unit"), "choice", known.get("unit_id", record.fields["unit_id"]), _units()),
        Field("agreement_id", _("Agreement"), "choice", known.get("agreement_id"), agreements),
        Field("review_result", _("Fair-competition review"), value=known.get("review_result")),
        Field("review_number", _("Review number"), value=known.get("review_number")),
        Field("legal_basis", _("Legal basis"), value=known.get("legal_basis")),
        Field("condition", _("Condition"), value=known.get("condition")),
        Field("clause", _("Clause"), "long", known.get("clause")),
    ]

    def save(values: dict[str, Any]) -> None:
        db, now = session.database(), session.utc_now()
        if known:
            project_records.change_commitment(db, actor, known["id"], known["version"], values, now=now)
        else:
            project_records.add_commitment(db, actor, record.fields["id"], values, now=now)

    title = _("Change the commitment") if known else _("Add a commitment")
    forms.ask(title, fields, save, do=_("Save"), done=_("The commitment is saved."))


def fulfil(actor: Actor, record: Record) -> None:
    """Ask when a promise was kept."""
    forms.ask(
        _("Commitment fulfilled"),
        [Field("fulfilled_on", _("Fulfilment date"), "date", session.today())],
        lambda values: project_records.fulfil_commitment(
            session.database(), actor, record["id"], record["version"], **values, **_moment()
        ),
        do=_("Save"),
        done=_("The commitment is fulfilled."),
        lead=record["clause"],
    )


def difficulty(actor: Actor, project: Record) -> None:
    """Ask what stands in the way, and which unit resolves it by when."""
    forms.ask(
        _("Raise a difficulty"),
        [
            Field("kind", _("Kind"), "choice", None, _words(DifficultyKind)),
            Field("phase", _("Phase"), "choice", None, _words(DifficultyPhase)),
            Field("unit_id", _("Responsible unit"), "choice", project["unit_id"], _units()),
            Field("due_on", _("Due"), "date"),
            Field("content", _("What stands in the way"), "long"),
        ],
        lambda values: project_records.raise_difficulty(session.database(), actor, project["id"], values, **_moment()),
        do=_("Raise"),
        done=_("The difficulty is on record."),
    )


def resolve(actor: Actor, record: Record) -> None:
    """Ask when and how a difficulty was resolved."""
    forms.ask(
        _("Difficulty resolved"),
        [Field("resolved_on", _("Day resolved"), "date", session.today()), Field("result", _("Result"), "long")],
        lambda values: project_records.resolve_difficulty(
            session.database(), actor, record["id"], record["version"], **values, **_moment()
        ),
        do=_("Save"),
        done=_("The difficulty is resolved."),
        lead=record["content"],
    )
