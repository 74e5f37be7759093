"""What the page of one record is made of: its facts, its people, the question for what details are revealed, its
history, and the choice between what two people saved."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from crm.errors import CrmError
from crm.locale import Message, _
from crm.model import Actor
from crm.reports.history import TITLES, Subject, history, shown_values
from crm.ui import session
from crm.ui.components import empty_state, safe, table


def facts(values: Mapping[Message, object]) -> None:
    """Draw label and value pairs, those that are known."""
    known = {name: value for name, value in values.items() if value not in (None, "", "—")}
    rows = "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>" for name, value in known.items())
    st.html(f'<dl class="crm-facts">{rows}</dl>')


def person_line(person: Mapping[Any, Any]) -> None:
    """Draw a contact person: name, title, what is known of phone and the rest, masked."""
    known = [person[field] for field in ("title", "phone", "wechat", "email") if isinstance(person[field], str)]
    star = ":material/star: " if person["is_key"] else ""
    st.markdown(f"{star}**{safe(person['name'])}**　{safe(' · '.join(filter(None, known)))}")


def ask_purpose(reveal: Callable[[str], Sequence[tuple[str, Mapping[str, str]]]]) -> None:
    """Ask what contact details are needed for; then show them, once, in the dialog."""

    @st.dialog(str(_("Show the contact details")))
    def asking() -> None:
        st.caption(str(_("Each look is recorded with its purpose.")))
        purpose = st.text_input(str(_("What do you need them for?")), key="purpose")
        if st.button(str(_("Show")), key="reveal_yes", type="primary"):
            try:
                found = reveal(purpose)
            except CrmError as error:
                st.error(safe(error.message))
                return
            for name, details in found:
                st.text(f"{name}  {' · '.join(filter(None, details.values()))}")

    asking()


def show_history(actor: Actor, subject: Subject, record_id: int) -> None:
    """Show in a dialog who changed what of a record, from what to what, when."""

    @st.dialog(str(_("History of changes")), width="large")
    def showing() -> None:
        found = history(session.database(), actor, subject, record_id)
        if not found:
            empty_state(_("Nothing was changed yet."), icon="history")
            return
        frame = pd.DataFrame(
            {
                "at": [f"{session.local(change.at):%Y-%m-%d %H:%M}" for change in found],
                "by": [change.by for change in found],
                "of": [change.of for change in found],
                "field": [str(change.field) for change in found],
                "before": [change.before or "—" for change in found],
                "after": [change.after or "—" for change in found],
            }
        )
        columns = {
            "at": st.column_config.TextColumn(str(_("When")), width=130),
            "by": st.column_config.TextColumn(str(_("Who")), width=80),
            "of": st.column_config.TextColumn(str(_("Of")), width=90),
            "field": _("Field"),
            "before": _("Before"),
            "after": _("After"),
        }
        table(frame, columns, key="history", height="content" if len(frame) < 14 else "auto")

    showing()


def settle(
    actor: Actor, subject: Subject, opened: Mapping[str, Any], saved: Mapping[str, Any], mine: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Draw, field by field, a record as one opened it, as somebody else saved it and what was typed here.

    Returns what to save once it is chosen, with the `version` that it was chosen against.
    """
    db = session.database()
    shown, by = shown_values(db), history(db, actor, subject, opened["id"], limit=1)
    st.markdown(
        safe(
            _("{who} changed this record while you were editing. Choose field by field.", who=by[0].by)
            if by
            else _("Somebody changed this record while you were editing. Choose field by field.")
        )
    )
    chosen: dict[str, Any] = {}
    for field, title in TITLES[subject].items():
        base, now = shown(subject, field, opened.get(field)), shown(subject, field, saved.get(field))
        own = shown(subject, field, mine[field]) if field in mine else base
        if field not in mine and now == base:
            continue
        with st.container(border=True, key=f"conflict_{field}"):
            st.markdown(f"**{safe(title)}**")
            st.caption(safe(_("As you opened it: {value}", value=base or "—")))
            if field in mine and now not in (base, own):
                choice = st.radio(
                    str(title),
                    ["mine", "theirs"],
                    format_func={
                        "mine": safe(_("Yours: {value}", value=own or "—")),
                        "theirs": safe(_("Saved meanwhile: {value}", value=now or "—")),
                    }.__getitem__,
                    horizontal=True,
                    label_visibility="collapsed",
                    key=f"choose_{field}",
                )
                if choice == "mine":
                    chosen[field] = mine[field]
            elif field in mine:
                st.markdown(safe(_("Yours: {value}", value=own or "—")))
                chosen[field] = mine[field]
            else:
                st.markdown(safe(_("Saved meanwhile: {value}", value=now or "—")))
    with st.container(horizontal=True, horizontal_alignment="right"):
        pressed = st.button(str(_("Save what is chosen")), key="settle", type="primary", icon=":material/check:")
    return {**chosen, "version": saved["version"]} if pressed else None
