"""The page of one project, card by card: what comes next, its roadmap, what was agreed, paid, promised and in the way.

Buttons are drawn for who may edit the project; the actions ask again.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from crm import charts
from crm.actions.projects import missing_for
from crm.locale import Message, _
from crm.model import (
    Actor,
    AgreementKind,
    AgreementStatus,
    CommitmentKind,
    DifficultyKind,
    DifficultyPhase,
    Method,
    MilestoneKind,
    Party,
    ProjectStatus,
    Stage,
    label,
)
from crm.months import Month
from crm.permissions import Action, can
from crm.reports.cards import project_cards
from crm.reports.projects import CONCERN_LABELS, Concern, ProjectRecord
from crm.reports.rule_sets import find_rule_set
from crm.reports.supervision import OrderFilter, orders
from crm.rules import DATE_OF_STAGE, FIELD_LABELS
from crm.ui import components as ui
from crm.ui import project_dialogs as dialogs
from crm.ui import records, session, stage_moves
from crm.ui import supervision as orders_ui
from crm.ui import verification as claims
from crm.ui.project_views import wan

STATE_TONES: dict[str, ui.Tone] = {"done": "green", "late": "red", "open": "gray"}
STATE_WORDS = {"done": _("Reached"), "late": _("Overdue"), "open": _("Planned")}
STATUS_TONES: dict[ProjectStatus, ui.Tone] = {
    ProjectStatus.ACTIVE: "green",
    ProjectStatus.STALLED: "orange",
    ProjectStatus.WITHDRAWN: "gray",
}


def tags(record: ProjectRecord) -> None:
    """Draw the project's stage, its status and what needs attention."""
    status = ProjectStatus(record.fields["status"])
    with st.container(horizontal=True, gap="small", key="project_tags"):
        ui.tag(label(Stage(record.fields["stage"])), "blue")
        ui.tag(label(status), STATUS_TONES[status])
        for concern in record.concerns:
            ui.tag(CONCERN_LABELS[concern], "orange" if concern in (Concern.QUIET, Concern.DIFFICULTY) else "red")


def more_menu(actor: Actor, record: ProjectRecord, *, editable: bool) -> None:
    """Draw the menu of what is done to a project now and then, and of its history, which every reader may see."""
    project, status = record.fields, ProjectStatus(record.fields["status"])
    stalled = status is ProjectStatus.STALLED
    deeds: dict[str, tuple[Message, Callable[[], None]]] = {}
    if editable:
        deeds["change"] = (_("Change the facts"), lambda: dialogs.change(actor, record))
        if status is ProjectStatus.WITHDRAWN:
            deeds["reinstate"] = (_("Reinstate the project"), lambda: dialogs.reinstate(actor, project))
        else:
            words = _("Mark as active") if stalled else _("Mark as stalled")
            deeds["mark"] = (words, lambda: dialogs.mark(actor, project, stalled=not stalled))
            deeds["withdraw"] = (_("Withdraw the project"), lambda: dialogs.withdraw(actor, project))
        if can(actor, Action.TRANSFER):
            deeds["transfer"] = (_("Transfer the project"), lambda: dialogs.transfer(actor, project))
    deeds["history"] = (_("History of changes"), lambda: records.show_history(actor, "project", project["id"]))
    picked = st.menu_button(str(_("More")), list(deeds), key="deeds", format_func=lambda deed: str(deeds[deed][0]))
    if picked is not None:
        deeds[picked][1]()


def next_stage(actor: Actor, record: ProjectRecord, *, editable: bool) -> None:
    """Draw what the project lacks for its next stage, and the way there."""
    project = stage_moves.Moving.of(record.fields)
    following = stage_moves.next_stage(project.stage)
    with ui.card("next"), st.container(horizontal=True, vertical_alignment="center", key="next_row"):
        if record.fields["status"] == ProjectStatus.WITHDRAWN:
            st.text(str(_("The project was withdrawn on {day}.", day=record.fields["withdrawn_on"])))
            st.text(record.fields["withdrawn_reason"] or "")
            return
        if following is None:
            st.text(str(_("The project is in production: nothing remains to be moved.")))
        else:
            _missing(actor, project, following)
        if not editable:
            return
        if following is not None and st.button(
            str(_("Move on to “{stage}”", stage=label(following))),
            key="move_on",
            type="primary",
            icon=":material/arrow_forward:",
        ):
            stage_moves.ask(actor, project, following)
        stage_moves.menu(actor, project, words=_("Another stage"), key="another_stage")


def _missing(actor: Actor, project: stage_moves.Project, following: Stage) -> None:
    """Say what a project lacks for its next stage; the day of the move itself is always asked."""
    missing = missing_for(session.database(), actor, project.id, following)
    asked = [field for field in missing if field != DATE_OF_STAGE.get(following)]
    if asked:
        words = _("To move on to “{stage}”, complete these:", stage=label(following))
    elif following in DATE_OF_STAGE:
        words = _("Nothing is missing for “{stage}” but its day.", stage=label(following))
    else:
        words = _("Nothing is missing for “{stage}”.", stage=label(following))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="next_missing"):
        st.markdown(ui.safe(words), width="content")
        for field in asked:
            ui.tag(FIELD_LABELS[field], "orange")


def facts(record: ProjectRecord) -> None:
    """Draw the project's facts."""
    project = record.fields
    with ui.card("facts", _("Facts")):
        st.page_link(
            "pages/enterprise.py",
            label=ui.safe(record.enterprise),
            icon=":material/domain:",
            query_params={"id": str(project["enterprise_id"])},
        )
        records.facts(
            {
                _("Unit"): record.unit,
                _("Responsible person"): project["responsible_person"],
                _("Liaison leader"): project["liaison_leader"],
                _("Industry chain"): " · ".join(filter(None, (record.industry, record.segment))),
                _("Place"): project["place"],
                _("Planned investment (10,000 yuan)"): wan(project["planned_investment"]),
                _("Contracted (10,000 yuan)"): wan(project["contracted_amount"]),
                _("Fixed assets (10,000 yuan)"): wan(project["fixed_assets"]),
                _("Lead date"): project["entered_on"],
                _("Negotiation date"): project["negotiating_on"],
                _("Signing date"): project["signed_on"],
                _("Planned start"): project["planned_start_on"],
                _("Start date"): project["started_on"],
                _("Project company"): project["company_name"],
                _("Project company's credit code"): project["company_credit_code"],
                _("Evidence"): project["evidence"],
                _("Note"): project["note"],
            }
        )


def supervision(actor: Actor, record: ProjectRecord) -> None:
    """Draw the card that the last month shows for the project, and the supervision orders about it."""
    db, today, project_id = session.database(), session.today(), record.fields["id"]
    rules = find_rule_set(db)
    at = rules.period(Month.of(today).plus(-1))
    cards = project_cards(db, actor, at, rules, project_id)
    found = orders(db, actor, OrderFilter(project_id=project_id), today=today)
    may_raise = can(actor, Action.SUPERVISE)
    if not (cards or found or may_raise):
        return
    with ui.card("supervision", _("Cards and orders")) as aside:
        if may_raise:
            with aside:
                if st.button(str(_("Raise an order")), key="raise_order", type="tertiary", icon=":material/add:"):
                    orders_ui.raise_one(actor, (project_id, record.fields["name"]))
        for card in cards:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"card_of_{card.kind}"):
                orders_ui.card_tag(card.kind, card.colour)
                words = _("{month}, from {since} on, {days} days", month=at.month, since=card.since, days=card.days)
                st.caption(str(words), width="content")
            if card.explanation:
                st.caption(ui.safe(_("Explanation: {text}", text=card.explanation)))
        for order in found:
            orders_ui.order_line(order, today=today)
        if not (cards or found):
            st.caption(str(_("No card, no order.")))


def stages(record: ProjectRecord) -> None:
    """Draw the stage log, with the days in each stage, and who held the project when."""
    with ui.card("stages", _("Stage log")):
        lines = []
        for spell in reversed(record.spells):
            now = spell is record.spells[-1] and spell.until is None
            by = "" if spell.by.startswith("system:") else spell.by
            note = " · ".join(filter(None, (by, spell.note)))
            days = (
                _("{days} days so far", days=f"{spell.days:,}")
                if now
                else _("{days} days spent", days=f"{spell.days:,}")
            )
            lines.append(
                f'<li class="{"crm-now" if now else ""}"><b>{escape(str(label(spell.stage)))}</b>'
                f"<span>{spell.since}</span><span>{escape(str(days))}</span>"
                + (f"<small>{escape(note)}</small>" if note else "")
                + "</li>"
            )
        st.html(f'<ol class="crm-stages">{"".join(lines)}</ol>')
        if len(record.holdings) > 1:
            st.caption(str(_("Units over time")))
            held = [f"{h['unit']}　{h['valid_from']} — {h['valid_to'] or ''}" for h in record.holdings]
            st.text("\n".join(held))


def milestones(actor: Actor, record: ProjectRecord, *, editable: bool) -> None:
    """Draw the roadmap of the milestones, planned against actual, and each of them with its evidence."""
    with ui.card("milestones", _("Roadmap")) as aside:
        if editable:
            with aside:
                if st.button(str(_("Add a milestone")), key="add_milestone", type="tertiary", icon=":material/add:"):
                    dialogs.milestone(actor, record, None)
        if not record.milestones:
            ui.empty_state(
                _("No milestone is planned yet."), _("Plan the steps from registration to production."), icon="timeline"
            )
            return
        frame = pd.DataFrame(record.milestones)[["kind", "planned_on", "actual_on", "state"]]
        st.altair_chart(charts.milestone_roadmap(frame, today=session.today()), key="milestone_chart")
        for milestone in record.milestones:
            _milestone(actor, record, milestone, editable=editable)


def _milestone(actor: Actor, record: ProjectRecord, milestone: Mapping[str, Any], *, editable: bool) -> None:
    said = [
        _("Planned {day}", day=milestone["planned_on"] or "—"),
        _("Actual {day}", day=milestone["actual_on"]) if milestone["actual_on"] else "",
        " ".join(filter(None, (milestone["unit"], milestone["owner"]))),
        milestone["evidence"] or "",
        claims.claim_words(milestone),
    ]
    state = milestone["state"]
    with _line(f"milestone_{milestone['id']}"):
        _said(label(MilestoneKind(milestone["kind"])), said)
        ui.tag(STATE_WORDS[state], STATE_TONES[state])
        if milestone["actual_on"] and not (milestone["kind"] == MilestoneKind.FIRST_FUNDS and record.arrivals):
            claims.claim_state(milestone)
            claims.claim_buttons(actor, "milestone", milestone, editable=editable)
        elif milestone["verified_on"]:
            claims.claim_state(milestone)
        claims.files_button(actor, "milestone", milestone, milestone["files"])
        if editable and st.button(str(_("Change")), key=f"milestone_change_{milestone['id']}", type="tertiary"):
            dialogs.milestone(actor, record, milestone)


def agreements(actor: Actor, record: ProjectRecord, *, editable: bool) -> None:
    """Draw what was signed."""
    _head(
        editable and record.fields["signed_on"] is not None,
        _("Add an agreement"),
        lambda: dialogs.agreement(actor, record.fields, None),
    )
    for held in record.agreements:
        said = [
            label(AgreementKind(held["kind"])) if held["kind"] else "",
            _("Signed {day}", day=held["signed_on"]),
            _("¥{amount} × 10,000", amount=wan(held["amount"])),
            held["event"] or "",
            held["term"] or "",
            held["note"] or "",
        ]
        with _line(f"agreement_{held['id']}"):
            _said(held["number"] or "—", said)
            if held["status"] != AgreementStatus.ACTIVE:
                ui.tag(label(AgreementStatus(held["status"])), "gray")
            if editable and st.button(str(_("Change")), key=f"agreement_change_{held['id']}", type="tertiary"):
                dialogs.agreement(actor, record.fields, held)
    if not record.agreements:
        ui.empty_state(_("No agreement yet."), _("It comes with the move to the stage “signed”."), icon="contract")


def funds(actor: Actor, record: ProjectRecord, *, editable: bool) -> None:
    """Draw the money that arrived, against what was contracted."""
    _head(editable, _("Add an arrival of funds"), lambda: dialogs.arrival(actor, record.fields))
    contracted = record.fields["contracted_amount"]
    if record.arrivals:
        words = _(
            "Arrived ¥{arrived} × 10,000 of ¥{contracted} × 10,000",
            arrived=wan(record.arrived),
            contracted=wan(contracted),
        )
        if contracted:
            st.progress(min(float(record.arrived / contracted), 1.0), text=str(words))
        else:
            st.text(str(words))
    for arrival in record.arrivals:
        said = [arrival["arrived_on"], arrival["kind"] or "", arrival["voucher"] or "", arrival["evidence"] or ""]
        said.append(claims.claim_words(arrival))
        with _line(f"arrival_{arrival['id']}"):
            _said(_("¥{amount} × 10,000", amount=wan(arrival["amount"])), said)
            claims.claim_state(arrival)
            claims.claim_buttons(actor, "fund_arrival", arrival, editable=editable)
            claims.files_button(actor, "fund_arrival", arrival, arrival["files"])
            if editable and st.button(str(_("Take back")), key=f"arrival_back_{arrival['id']}", type="tertiary"):
                dialogs.take_back_arrival(actor, arrival)
    if not record.arrivals:
        ui.empty_state(_("No funds have arrived yet."), icon="payments")


def commitments(actor: Actor, record: ProjectRecord, *, editable: bool) -> None:
    """Draw what each side promised, the open promises first."""
    _head(editable, _("Add a commitment"), lambda: dialogs.commitment(actor, record, {}))
    for promise in record.commitments:
        late = promise["due_on"] and not promise["fulfilled_on"] and promise["due_on"] < session.today()
        said = [
            label(Party(promise["party"])),
            label(CommitmentKind(promise["kind"])) if promise["kind"] else "",
            _("¥{amount} × 10,000", amount=wan(promise["amount"])) if promise["amount"] else "",
            promise["unit"] or "",
            _("Due {day}", day=promise["due_on"]) if promise["due_on"] else "",
            " ".join(filter(None, (promise["review_result"], promise["review_number"]))),
        ]
        with _line(f"commitment_{promise['id']}"):
            _said(promise["clause"], said)
            if promise["fulfilled_on"]:
                ui.tag(_("Fulfilled {day}", day=promise["fulfilled_on"]), "green")
            elif late:
                ui.tag(_("Overdue"), "red")
            if editable and not promise["fulfilled_on"]:
                if st.button(str(_("Fulfilled")), key=f"fulfil_{promise['id']}", type="tertiary"):
                    dialogs.fulfil(actor, promise)
                if st.button(str(_("Change")), key=f"commitment_change_{promise['id']}", type="tertiary"):
                    dialogs.commitment(actor, record, promise)
    if not record.commitments:
        ui.empty_state(_("No commitment is on record."), _("Write down what each side promised."), icon="handshake")


def difficulties(actor: Actor, record: ProjectRecord, *, editable: bool) -> None:
    """Draw what stands in the way, the open difficulties first."""
    _head(editable, _("Raise a difficulty"), lambda: dialogs.difficulty(actor, record.fields))
    for trouble in record.difficulties:
        late = trouble["due_on"] and not trouble["resolved_on"] and trouble["due_on"] < session.today()
        said = [
            label(DifficultyKind(trouble["kind"])) if trouble["kind"] else "",
            label(DifficultyPhase(trouble["phase"])) if trouble["phase"] else "",
            _("Raised {day}", day=trouble["raised_on"]),
            trouble["unit"] or "",
            _("Due {day}", day=trouble["due_on"]) if trouble["due_on"] else "",
            trouble["result"] or "",
        ]
        with _line(f"difficulty_{trouble['id']}"):
            _said(trouble["content"], said)
            if trouble["resolved_on"]:
                ui.tag(_("Resolved {day}", day=trouble["resolved_on"]), "green")
            else:
                ui.tag(_("Overdue") if late else _("Open"), "red" if late else "orange")
                if editable and st.button(str(_("Resolved")), key=f"resolve_{trouble['id']}", type="tertiary"):
                    dialogs.resolve(actor, trouble)
    if not record.difficulties:
        ui.empty_state(_("No difficulty is on record."), icon="check_circle")


def contacts(record: ProjectRecord) -> None:
    """Draw the newest contacts about the project."""
    for contact in record.contacts:
        said = [label(Method(contact["method"])), contact["unit"], contact["author"]]
        with _line(f"contact_{contact['id']}"):
            _said(f"{contact['happened_on']}　{contact['content']}", said)
    if record.contact_count > len(record.contacts):
        st.page_link(
            "pages/enterprise.py",
            label=str(_("All {count} contacts stand on the investor's timeline", count=record.contact_count)),
            query_params={"id": str(record.fields["enterprise_id"])},
        )
    if not record.contacts:
        ui.empty_state(_("No contact about this project yet."), _("Press N to log the first."), icon="forum")


def _head(editable: bool, words: Message, ask: Callable[[], None]) -> None:
    """Draw the button that adds to a list, where one may."""
    if editable and st.button(str(words), key=f"add_{crc32(str(words).encode()):x}", icon=":material/add:"):
        ask()


def _line(key: str) -> Any:
    return st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line_{key}")


def _said(title: object, words: Sequence[object]) -> None:
    """Draw one record of a list: what it is, and below it what else is known."""
    known = " · ".join(str(word) for word in words if str(word))
    st.html(f'<p class="crm-record">{escape(str(title))}<small>{escape(known)}</small></p>', width="stretch")
