"""Moving a project to another stage: the menu of stages, and the dialog that asks for what the stage requires.

The board and the project's page draw the same ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import streamlit as st

from crm.actions.projects import asked_for, move_stage
from crm.locale import _
from crm.model import Actor, AgreementKind, Stage, label
from crm.reports import vocabulary
from crm.rules import DATE_OF_STAGE, FIELD_LABELS, STAGES
from crm.ui import forms, session


class Project(Protocol):
    """What a move needs to know of a project: a card of the board, or `Moving`."""

    @property
    def id(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def stage(self) -> Stage: ...


@dataclass(frozen=True)
class Moving:
    """A project about to be moved, as it was read."""

    id: int
    version: int
    name: str
    stage: Stage

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Moving":
        """Take what is needed from a project's record."""
        return cls(fields["id"], fields["version"], fields["name"], Stage(fields["stage"]))


_MONEY = ("planned_investment", "contracted_amount")


def next_stage(stage: Stage) -> Stage | None:
    """Return the stage after this one, None after the last."""
    following = STAGES[STAGES.index(stage) + 1 :]
    return following[0] if following else None


def menu(actor: Actor, project: Project, *, words: object, key: str) -> None:
    """Draw the menu of the other stages; choosing one opens its dialog."""
    here = STAGES.index(project.stage)
    targets = [*STAGES[here + 1 :], *reversed(STAGES[:here])]
    picked = st.menu_button(
        str(words),
        targets,
        key=key,
        type="tertiary",
        format_func=lambda s: str(
            _("On to “{stage}”", stage=label(s)) if STAGES.index(s) > here else _("Back to “{stage}”", stage=label(s))
        ),
    )
    if picked is not None:
        ask(actor, project, picked)


def ask(actor: Actor, project: Project, target: Stage) -> None:
    """Open the dialog that moves a project to a stage, with the fields that the move asks for."""
    db, today = session.database(), session.today()
    back = STAGES.index(target) < STAGES.index(project.stage)
    asked = asked_for(db, actor, project.id, target)
    fields = [_field(name, value, actor, target) for name, value in asked.items()]
    fields.append(forms.Field("note", _("Reason for moving back") if back else _("Note"), "long" if back else "text"))

    def save(values: dict[str, Any]) -> None:
        note = values.pop("note")
        given = {name: value for name, value in values.items() if value not in (None, "")}
        move_stage(
            db, actor, project.id, project.version, target, values=given, note=note, now=session.utc_now(), today=today
        )

    forms.ask(
        _("Move to “{stage}”", stage=label(target)),
        fields,
        save,
        do=_("Move"),
        done=_("“{name}” is now at the stage “{stage}”.", name=project.name, stage=label(target)),
        lead=_("{name}: to move on, complete these.", name=project.name) if asked and not back else project.name,
    )


def _field(name: str, value: Any, actor: Actor, target: Stage) -> forms.Field:
    title = FIELD_LABELS[name]
    if name.endswith("_on"):
        return forms.Field(
            name, title, "date", value or (session.today() if DATE_OF_STAGE.get(target) == name else None)
        )
    if name in _MONEY:
        return forms.Field(name, title, "money", value)
    if name == "agreement_kind":
        kinds = {str(kind): label(kind) for kind in AgreementKind}
        return forms.Field(name, title, "choice", value or str(AgreementKind.CONTRACT), kinds)
    if name == "industry_id":
        offered = vocabulary.industry_names(session.database(), on=session.today(), keep=value)
        return forms.Field(name, title, "choice", value, offered)
    if name == "evidence":
        return forms.Field(name, title)  # of this stage: what showed the start does not show the completion
    if name == "responsible_person":
        return forms.Field(name, title, value=value or actor.name)
    return forms.Field(name, title, value=value)
