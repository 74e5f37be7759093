"""What a person does with one enterprise: edit it, its chain links, transfer, archive."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import streamlit as st

from crm.actions import enterprises as actions
from crm.errors import Conflict, CrmError, Invalid
from crm.locale import Message, _
from crm.model import YUAN_PER_WAN, Actor, Grade, SegmentRole, Tier, label
from crm.permissions import Action
from crm.reports import vocabulary
from crm.reports.enterprises import (
    FIELD_LABELS,
    EnterpriseRecord,
    PutAway,
    enterprise_record,
    split_tags,
    tags_in_use,
)
from crm.reports.rankings import units
from crm.ui import components as ui
from crm.ui import records, session, shell

_CONFLICT, _PROBLEMS = "edit_conflict", "edit_problems"
_CENT = Decimal("0.01")


def enterprise_menu(actor: Actor, record: EnterpriseRecord) -> None:
    """Draw the buttons of an enterprise's title row: edit, and a menu with what is done less often."""
    if Action.EDIT in record.may and st.button(str(_("Edit")), key="edit", icon=":material/edit:"):
        for key in (_CONFLICT, _PROBLEMS):
            st.session_state.pop(key, None)
        _edit(actor, record)
    choices: list[tuple[bool, Message, str, Callable[[], None]]] = [
        (Action.EDIT in record.may, _("Chain links"), "lan", lambda: _links(actor, record)),
        (Action.TRANSFER in record.may, _("Transfer to another unit"), "move_item", lambda: _transfer(actor, record)),
        (record.owned, _("Merge with another"), "merge", lambda: shell.go("merge", keep=record.fields["id"])),
        (record.owned, _("Archive"), "archive", lambda: _archive(actor, record)),
        (
            True,
            _("History of changes"),
            "history",
            lambda: records.show_history(actor, "enterprise", record.fields["id"]),
        ),
    ]
    words = {f":material/{icon}: {title}": do for open_to, title, icon, do in choices if open_to}
    chosen = st.menu_button(str(_("More")), list(words), icon=":material/more_horiz:", key="more")
    if chosen is not None:
        words[chosen]()


def put_away_card(actor: Actor, found: PutAway) -> None:
    """Draw an enterprise that was put away: why, by whom, and the button that brings it back."""
    with ui.card("put_away", found.name):
        ui.tag(_("Archived"), "orange")
        st.caption(ui.safe(f"{found.unit} · {found.archived_by} · {session.local(found.archived_at):%Y-%m-%d %H:%M}"))
        st.text(found.reason or "—")
        if found.owned and st.button(
            str(_("Bring it back")), key="restore", type="primary", icon=":material/unarchive:"
        ):
            try:
                actions.restore_enterprise(session.database(), actor, found.id, found.version, now=session.utc_now())
            except CrmError as error:
                st.error(ui.safe(error.message))
            else:
                session.flash(_("The enterprise is in the directory again."))
                st.rerun()


# ---------------------------------------------------------------------------------------------------------------- edit


def _edit(actor: Actor, record: EnterpriseRecord) -> None:
    @st.dialog(str(_("Edit the enterprise")), width="large", on_dismiss="rerun")
    def editing() -> None:
        if _CONFLICT in st.session_state:
            if (chosen := st.session_state[_CONFLICT]()) is not None:
                _save(actor, record, chosen, chosen.pop("version"))
            return
        problems: dict[str, Message] = st.session_state.pop(_PROBLEMS, {})
        with st.form("edit_enterprise", border=False):
            typed = _fields(actor, record, problems)
            vouched = "credit_code" in problems and st.checkbox(str(_("The code is right all the same")))
            sent = st.form_submit_button(str(_("Save")), type="primary", icon=":material/check:")
        if sent:
            _save(actor, record, _changed(record.fields, typed), record.fields["version"], vouched)

    editing()


def _fields(actor: Actor, record: EnterpriseRecord, problems: Mapping[str, Message]) -> dict[str, Any]:
    db, fields, typed = session.database(), record.fields, dict[str, Any]()

    def text(field: str, place: Any = st) -> None:
        with place.container():
            typed[field] = st.text_input(str(FIELD_LABELS[field]), value=fields[field] or "", key=f"edit_{field}")
            ui.field_problem(problems, field)

    def word(field: str, kind: str, place: Any) -> None:
        with place.container():
            options = vocabulary.offered(db, kind, fields[field])
            present = options.index(fields[field]) if fields[field] else None
            typed[field] = st.selectbox(
                str(FIELD_LABELS[field]),
                options,
                index=present,
                placeholder="—",
                accept_new_options=True,
                key=f"edit_{field}",
            )

    def amount(field: str, place: Any) -> None:
        with place.container():
            shown = None if fields[field] is None else float(fields[field] / YUAN_PER_WAN)
            value = st.number_input(
                str(FIELD_LABELS[field]), value=shown, min_value=0.0, step=100.0, format="%.10g", key=f"edit_{field}"
            )
            typed[field] = (
                fields[field]
                if value == shown
                else None
                if value is None
                else (Decimal(str(value)) * YUAN_PER_WAN).quantize(_CENT)
            )
            ui.field_problem(problems, field)

    left, right = st.columns([3, 2])
    text("name", left)
    text("credit_code", right)
    places = list(st.columns(3))
    with places[0]:
        grades = list(Grade)
        typed["grade"] = st.selectbox(
            str(FIELD_LABELS["grade"]),
            grades,
            index=grades.index(Grade(fields["grade"])) if fields["grade"] else None,
            placeholder="—",
            key="edit_grade",
        )
    word("source", "source", places[1])
    text("owner_person", places[2])
    places = list(st.columns(3))
    amount("intended_amount", places[0])
    amount("registered_capital", places[1])
    with places[2]:
        typed["founded_on"] = st.date_input(
            str(FIELD_LABELS["founded_on"]),
            value=fields["founded_on"],
            min_value=date(1900, 1, 1),
            max_value=session.today(),
            format="YYYY-MM-DD",
            key="edit_founded_on",
        )
    text("investment_direction")
    text("main_business")
    places = list(st.columns(3))
    word("kind", "enterprise_kind", places[0])
    word("recognition", "recognition", places[1])
    text("liaison_leader", places[2])
    province, city, address = st.columns([1, 1, 2])
    text("origin_province", province)
    text("origin_city", city)
    text("address", address)
    own = split_tags(fields["tags"])
    typed["tags"] = st.multiselect(
        str(FIELD_LABELS["tags"]),
        sorted({*tags_in_use(db, actor), *own}),
        default=own,
        accept_new_options=True,
        placeholder=str(_("Choose, or type a new one")),
        key="edit_tags",
    )
    ui.field_problem(problems, "tags")
    typed["note"] = st.text_area(str(FIELD_LABELS["note"]), value=fields["note"] or "", height=80, key="edit_note")
    return typed


def _changed(fields: Mapping[str, Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person changed: the fields whose value is another than the record's."""
    plain = {**fields, "tags": split_tags(fields["tags"])}
    return {
        field: value
        for field, value in typed.items()
        if (sorted(value) if field == "tags" else value or None) != (plain[field] or ([] if field == "tags" else None))
    }


def _save(
    actor: Actor, record: EnterpriseRecord, changes: Mapping[str, Any], version: int, vouched: bool = False
) -> None:
    try:
        if changes:
            actions.change_enterprise(
                session.database(),
                actor,
                record.fields["id"],
                version,
                changes,
                accept_credit_code=vouched,
                now=session.utc_now(),
            )
    except Invalid as error:
        st.session_state.pop(_CONFLICT, None)
        st.session_state[_PROBLEMS] = error.fields
    except Conflict:
        saved = enterprise_record(session.database(), actor, record.fields["id"]).fields
        st.session_state[_CONFLICT] = partial(records.settle, actor, "enterprise", record.fields, saved, changes)
    except CrmError as error:
        st.error(ui.safe(error.message))
        return
    else:
        session.flash(_("The enterprise is saved."))
        st.rerun()
    st.rerun(scope="fragment")


# --------------------------------------------------------------------------------------------------------- chain links


def _links(actor: Actor, record: EnterpriseRecord) -> None:
    db = session.database()
    industries = vocabulary.industry_names(db)
    segments = {segment.id: segment for segment in vocabulary.segments(db)}
    Place = tuple[int, int | None]
    roles = {(link.industry_id, link.segment_id): link.role for link in record.links}
    offered = vocabulary.segments(db, on=session.today())
    places: list[Place] = [(s.industry_id, s.id) for s in offered]
    places += [place for place in roles if place not in places]

    def words(place: Place) -> str:
        industry = industries.get(place[0], "—")
        if place[1] not in segments:
            return f"{industry} · {_('the whole chain')}"
        segment = segments[place[1]]
        return f"{industry} · {label(Tier(segment.tier))} · {segment.name}"

    @st.dialog(str(_("Chain links")), width="large")
    def editing() -> None:
        chosen = st.multiselect(
            str(_("Links of the chains that the enterprise fits")),
            places,
            default=list(roles),
            format_func=words,
            placeholder=str(_("Choose")),
            key="chain_links",
        )
        wanted = []
        for place in chosen:
            usual = roles.get(place) or (segments[place[1]].role if place[1] in segments else "")
            role = st.segmented_control(
                ui.safe(words(place)),
                list(SegmentRole),
                default=SegmentRole(usual) if usual in list(SegmentRole) else None,
                format_func=lambda r: str(label(r)),
                key=f"chain_link_role_{place[0]}_{place[1]}",
            )
            wanted.append(actions.LinkDraft(place[0], place[1], str(role or "")))
        if st.button(str(_("Save")), key="links_yes", type="primary", icon=":material/check:"):
            try:
                actions.set_links(db, actor, record.fields["id"], wanted, seen=record.links, now=session.utc_now())
            except CrmError as error:
                st.error(ui.safe(error.message))
                return
            session.flash(_("The chain links are saved."))
            st.rerun()

    editing()


# ------------------------------------------------------------------------------------------------- transfer, archive


def _transfer(actor: Actor, record: EnterpriseRecord) -> None:
    db, fields = session.database(), record.fields
    names = {unit.id: unit.name for unit in units(db) if unit.id != fields["owner_unit_id"]}

    @st.dialog(str(_("Transfer to another unit")))
    def asking() -> None:
        st.markdown(
            ui.safe(
                _("Held by {unit}. Its contacts stay counted for the unit that made them.", unit=record.unit or "—")
            )
        )
        unit = st.selectbox(str(_("New owner unit")), list(names), index=None, format_func=names.__getitem__, key="to")
        if st.button(str(_("Transfer")), key="transfer_yes", type="primary", disabled=unit is None) and unit:
            try:
                actions.transfer_enterprise(
                    db, actor, fields["id"], fields["version"], unit_id=unit, now=session.utc_now()
                )
            except CrmError as error:
                st.error(ui.safe(error.message))
                return
            session.flash(_("The enterprise belongs to {unit} now.", unit=names[unit]))
            st.rerun()

    asking()


def _archive(actor: Actor, record: EnterpriseRecord) -> None:
    @st.dialog(str(_("Archive")))
    def asking() -> None:
        st.markdown(
            ui.safe(_("It leaves the directory and every search. It can be brought back from the archived ones."))
        )
        reason = st.text_area(str(_("Reason")), key="archive_reason", height=80)
        problems: dict[str, Message] = {}
        if st.button(str(_("Archive")), key="archive_yes", type="primary", icon=":material/archive:"):
            fields = record.fields
            try:
                actions.archive_enterprise(
                    session.database(), actor, fields["id"], fields["version"], reason=reason, now=session.utc_now()
                )
            except Invalid as error:
                problems = error.fields
            except CrmError as error:
                st.error(ui.safe(error.message))
            else:
                session.flash(_("The enterprise is archived."))
                shell.go("enterprises")
        ui.field_problem(problems, "reason")

    asking()
