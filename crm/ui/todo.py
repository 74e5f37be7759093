"""What the desk is made of: whose it is, the lines of what is due and of who has gone quiet, the calendar's address."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from crm.actions.followups import finish_step, postpone_step, reopen_step
from crm.actions.tokens import renew_token, revoke_token
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.model import Actor, Method, Role, label
from crm.permissions import Action, can
from crm.reports.accounts import Token, has_token
from crm.reports.desk import (
    KIND_LABELS,
    WHEN_LABELS,
    ContactMade,
    Due,
    DueKind,
    PersonCount,
    Quiet,
    When,
    Whose,
    sees_many_units,
    when_due,
)
from crm.store import Database
from crm.ui import components as ui
from crm.ui import filters, session, shell

_UNDO = "todo_undo"
_PROBLEMS = "todo_problems"


def choose_whose(actor: Actor, units: Mapping[int, str]) -> Whose:
    """Ask whose work is shown: mine, the unit's, or (for who sees many units) all with a filter by unit.

    Staff begin with their own, everybody else with the whole of what they see.
    """
    many = sees_many_units(actor)
    words = {"mine": _("Mine"), "all": _("All units") if many else _("My unit")}
    first = "mine" if actor.roles == {Role.STAFF} else "all"
    chosen = filters.side_by_side(_("Whose"), list(words), "whose", words.__getitem__, default=first, bare=True)
    if chosen == "mine":
        return Whose(mine=True)
    if not many:
        return Whose(unit_id=actor.unit_id)
    return Whose(
        unit_id=filters.any_of(
            _("Unit"),
            list(units),
            "desk_unit",
            units.__getitem__,
            left_open=_("All units"),
            label_visibility="collapsed",
            width=150,
        )
    )


def late(due_on: date, today: date) -> tuple[Message, ui.Tone]:
    """Return how late or how soon a day is, in words and colour."""
    days = (today - due_on).days
    if days > 0:
        return _("{days} days late", days=days), "red"
    if days == 0:
        return _("Today"), "orange"
    return _("in {days} days", days=-days), "gray"


def due_lines(actor: Actor, db: Database, items: list[Due], *, today: date) -> None:
    """Draw what is due, a heading before each part, with what may be done about each line."""
    part: When | None = None
    for item in items:
        if (soon := when_due(item.due_on, today=today)) is not part:
            part = soon
            st.markdown(f"**{ui.safe(WHEN_LABELS[part])}**")
        with _line(f"{item.kind}_{item.id}"):
            with st.container(gap=None, key=f"todo_text_{item.kind}_{item.id}"):
                st.markdown(ui.safe(item.what))
                _about(item.links, item.due_on, KIND_LABELS[item.kind], item.unit, item.person)
            with _aside():
                words, tone = late(item.due_on, today)
                ui.tag(words, tone)
                _due_buttons(actor, db, item, today=today)


def _due_buttons(actor: Actor, db: Database, item: Due, *, today: date) -> None:
    is_step, name = item.kind is DueKind.NEXT_STEP, f"{item.kind}_{item.id}"
    if is_step and can(actor, Action.EDIT):
        if st.button(str(_("Tick off")), key=f"finish_{name}", type="tertiary", icon=":material/check_circle:"):
            _attempt(lambda: finish_step(db, actor, item.id, item.version, now=session.utc_now()), undo=item)
        if st.button(str(_("Postpone")), key=f"postpone_{name}", type="tertiary", icon=":material/event_repeat:"):
            st.session_state.pop(_PROBLEMS, None)
            _postpone(actor, db, item, today)
    if item.enterprise_id is not None and (is_step or item.kind is DueKind.ENGAGEMENT_STEP):
        _log_button(actor, item.enterprise_id, f"log_{name}")


def undo_line(actor: Actor, db: Database) -> None:
    """Say which step was ticked off last, with the way back."""
    item: Due | None = st.session_state.get(_UNDO)
    if item is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="undo_line"):
        ui.tag(_("Ticked off: {step}", step=f"{item.what} · {item.enterprise}"), "green", icon="check")
        if st.button(str(_("Undo")), key="undo", type="tertiary", icon=":material/undo:"):
            _attempt(lambda: reopen_step(db, actor, item.id, item.version + 1, now=session.utc_now()))


def _attempt(do: Callable[[], None], *, undo: Due | None = None) -> None:
    st.session_state.pop(_UNDO, None)
    try:
        do()
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        if undo is not None:
            st.session_state[_UNDO] = undo
    st.rerun()


def _postpone(actor: Actor, db: Database, item: Due, today: date) -> None:
    @st.dialog(str(_("Postpone")))
    def asking() -> None:
        problems: dict[str, Message] = st.session_state.pop(_PROBLEMS, {})
        st.markdown(f"**{ui.safe(item.what)}**")
        st.caption(ui.safe(f"{item.enterprise} · {item.due_on}"))
        due_on = st.date_input(
            str(_("New due date")),
            value=max(item.due_on, today) + timedelta(days=7),
            format="YYYY-MM-DD",
            key="new_due",
        )
        ui.field_problem(problems, "due_on")
        reason = st.text_input(str(_("Reason")), key="postpone_reason")
        ui.field_problem(problems, "reason")
        if not st.button(str(_("Postpone")), type="primary", key="postpone_yes"):
            return
        try:
            postpone_step(db, actor, item.id, item.version, due_on, reason=reason, now=session.utc_now(), today=today)
        except Invalid as error:
            st.session_state[_PROBLEMS] = error.fields
            st.rerun(scope="fragment")
        except CrmError as error:
            session.flash(error.message, icon=session.REFUSED)
        else:
            session.flash(_("Postponed to {day}.", day=due_on))
        st.rerun()

    asking()


def quiet_lines(actor: Actor, items: list[Quiet], *, today: date) -> None:
    """Draw the enterprises that have gone quiet, each with the way to log a contact."""
    for item in items:
        with _line(f"quiet_{item.id}"):
            with st.container(gap=None, key=f"todo_text_quiet_{item.id}"):
                heard = (
                    _("Last contact {day}", day=item.last_contact_on)
                    if item.last_contact_on
                    else _("Never contacted yet")
                )
                grade = _("Grade {grade}", grade=item.grade) if item.grade else ""
                _about({("enterprise", "id", item.id): item.name}, grade, item.unit, item.owner_person, heard)
            with _aside():
                ui.tag(_("{days} days without contact", days=(today - item.quiet_since).days), "red")
                _log_button(actor, item.id, f"log_quiet_{item.id}")


def _line(name: str) -> Any:
    return st.container(horizontal=True, vertical_alignment="center", key=f"todo_{name}")


def _aside() -> Any:
    return st.container(horizontal=True, width="content", vertical_alignment="center", gap="small")


def _about(links: Mapping[tuple[str, str, int], Message | str], *words: object) -> None:
    """Draw links to records, each by its page and what names it there, and beside them what else is known of a line."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for (page, name, record_id), words_of in links.items():
            st.page_link(f"pages/{page}.py", label=ui.safe(words_of), query_params={name: str(record_id)})
        st.caption(ui.safe(" · ".join(str(word) for word in words if str(word))), width="content")


def _log_button(actor: Actor, enterprise_id: int, key: str) -> None:
    if can(actor, Action.CREATE) and st.button(str(_("Log it")), key=key, type="tertiary", icon=":material/edit_note:"):
        shell.go("log_contact", enterprise=enterprise_id)


def people_table(people: list[PersonCount]) -> PersonCount | None:
    """Draw who made how many contacts; returns the chosen line."""
    frame = pd.DataFrame(people)
    frame["person"] = frame["person"].replace("", None)
    columns = {
        "unit": st.column_config.TextColumn(str(_("Unit")), width=90),
        "person": st.column_config.TextColumn(str(_("Recorded by")), width=90),
        "contacts": st.column_config.NumberColumn(str(_("Contacts logged")), width=80),
        "enterprises": st.column_config.NumberColumn(str(_("Enterprises contacted")), width=90),
        "last_on": st.column_config.DateColumn(str(_("Newest")), format="YYYY-MM-DD", width=105),
    }
    height: int | Literal["content"] = "content" if len(people) <= 10 else 400
    row = _clicked(frame, columns, key="people", height=height)
    return people[row] if row is not None else None


def contacts_table(made: list[ContactMade]) -> int | None:
    """Draw contacts as lines; returns the enterprise of a chosen one."""
    frame = pd.DataFrame(made)
    frame["method"] = [str(label(Method(contact.method))) for contact in made]
    frame["first_line"] = [contact.first_line for contact in made]
    columns = {
        "happened_on": st.column_config.DateColumn(str(_("Date")), format="YYYY-MM-DD", width=105),
        "enterprise": st.column_config.TextColumn(str(_("Enterprise")), width=200),
        "method": st.column_config.TextColumn(str(_("Method")), width=80),
        "first_line": st.column_config.TextColumn(str(_("What was said")), width=320),
        "person": st.column_config.TextColumn(str(_("Recorded by")), width=80),
        "unit": st.column_config.TextColumn(str(_("Unit")), width=80),
    }
    row = _clicked(frame, columns, key="made", height="content")
    return made[row].enterprise_id if row is not None else None


def _clicked(
    frame: pd.DataFrame, columns: Mapping[str, Any], *, key: str, height: int | Literal["content"]
) -> int | None:
    """Draw a table and return the number of the row that was clicked anywhere."""
    picked = st.dataframe(
        frame,
        key=key,
        hide_index=True,
        column_order=list(columns),
        column_config=dict(columns),
        height=height,
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-cell",
    )
    cells = picked.selection.cells if picked else []
    # The click may be older than the rows.
    return cells[0][0] if cells and cells[0][0] < len(frame) else None


def calendar_card(actor: Actor, db: Database) -> None:
    """Draw how to have one's to-dos in a calendar program, with the address made, renewed and revoked."""
    subscribed = has_token(db, actor, Token.CALENDAR)
    with ui.card("calendar", _("In your calendar")):
        st.caption(
            str(
                _(
                    "Subscribe to a personal address in the calendar of your phone or computer: it shows your next"
                    " steps, timetables, starts, milestones and supervision orders, 30 days back and 180 ahead."
                )
            )
        )
        with st.container(horizontal=True):
            if st.button(
                str(_("Make a new address") if subscribed else _("Make the address")),
                key="calendar_new",
                icon=":material/calendar_add_on:",
            ):
                _show_address(renew_token(db, actor, Token.CALENDAR, now=session.utc_now()), renewed=subscribed)
            if subscribed and st.button(str(_("Revoke")), key="calendar_off", type="tertiary"):
                ui.confirm(
                    _("Revoke"),
                    _("Calendars that read the address are cut off at once."),
                    do=_("Revoke"),
                    action=lambda: revoke_token(db, actor, Token.CALENDAR, now=session.utc_now()),
                )


@st.dialog(" ", on_dismiss="rerun")
def _show_address(token: str, *, renewed: bool) -> None:
    here = urlsplit(st.context.url or "")
    st.markdown(f"**{ui.safe(_('The address of your calendar'))}**")
    st.code(f"{here.scheme}://{here.netloc}/calendar/{token}.ics", language=None, wrap_lines=True)
    st.caption(ui.safe(_("It is shown only now. Whoever has it can read your to-dos: do not pass it on.")))
    if renewed:
        st.caption(ui.safe(_("The address that you had before is void.")))
