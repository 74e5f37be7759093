"""The form of a contact: what it starts from, its fields with quick dates, and what a message adds besides.

All its state lies under keys that begin with the slot, the name of what is being logged, changed or corrected.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import streamlit as st

from crm.actions.contact_people import add_contact_person
from crm.actions.enterprises import change_enterprise
from crm.chat import Reading
from crm.errors import CrmError
from crm.locale import Message, _
from crm.model import YUAN_PER_WAN, Actor, Method, label
from crm.permissions import mask
from crm.reports.contacts import ContactEntry, habits
from crm.reports.enterprises import enterprise_record
from crm.store import Database
from crm.ui import components as ui
from crm.ui import session
from crm.ui.attachments import choose_files

_WEEK = timedelta(days=7)
_TYPED = ("happened_on", "method", "content", "our_people", "their_people", "next_step", "next_due_on")
# Fields for which a word list is offered, by the name of the list too.
WORDS = {"outcome": _("Outcome"), "difficulty": _("Difficulty")}
_CHOSEN = ("project_id", *WORDS)


def token(slot: str) -> str:
    """Return the token of this form: sent twice, it is logged once."""
    return str(st.session_state.setdefault(f"{slot}_token", secrets.token_hex(16)))


def clear(slot: str) -> None:
    """Forget what was typed."""
    for key in [key for key in st.session_state if str(key).startswith(f"{slot}_")]:
        del st.session_state[key]


def begin(slot: str, database: Database, actor: Actor, original: Mapping[str, Any] | None, *, today: date) -> None:
    """Put into the fields what they hold at first: the contact that is changed or corrected, else the person's habits.

    The version of that contact is kept beside: what somebody changes meanwhile is not overwritten.
    """
    if f"{slot}_content" in st.session_state:
        return
    if original is not None:
        start = {name: original[name] for name in (*_TYPED, *_CHOSEN, "version")}
        start |= {"method": Method(start["method"]), "next_due_on": start["next_due_on"] or today + _WEEK}
    else:
        usual = habits(database, actor)
        start = dict.fromkeys(_TYPED) | {
            "happened_on": today,
            "method": usual.method or Method.VISIT,
            "our_people": usual.our_people or actor.name,
            "next_due_on": today + _WEEK,
        }
    for name, value in start.items():
        st.session_state[f"{slot}_{name}"] = "" if value is None and name in _TYPED else value
    # Who looks something up elsewhere and comes back finds what the message proposed.
    reading: Reading | None = st.session_state.get(f"{slot}_reading")
    if reading is not None:
        fill_in(slot, reading)


def fill_in(slot: str, reading: Reading) -> None:
    """Put what a message proposes into the fields; those it is silent about stay as they are."""
    text = reading.text.strip()
    people = [found.value for found in reading.people]
    for found in reading.phones:
        # Numbers belong to the contact people, where every look is recorded: see `extras`.
        text = text.replace(reading.text[found.start : found.end], mask(found.value))
    proposed = {
        "content": text,
        "happened_on": reading.happened_on and reading.happened_on.value,
        "method": reading.method and reading.method.value,
        "their_people": "、".join(str(person) for person in people if not person.is_official),
        "next_step": reading.next_step and reading.next_step.value,
        "next_due_on": reading.next_due_on and reading.next_due_on.value,
    }
    officials = "、".join(str(person) for person in people if person.is_official)
    if officials:
        ours = str(st.session_state.get(f"{slot}_our_people") or "")
        proposed["our_people"] = "、".join(dict.fromkeys(filter(None, (*ours.split("、"), *officials.split("、")))))
    for name, value in proposed.items():
        if value:
            st.session_state[f"{slot}_{name}"] = value


def draw(
    slot: str,
    problems: Mapping[str, Message],
    *,
    projects: Mapping[int, str],
    words: Mapping[str, Sequence[str]],
    steps: Sequence[ContactEntry],
    settled: int | None,
    takes_files: bool,
    today: date,
) -> dict[str, Any]:
    """Draw the fields and return what they hold, by the names of `FollowUpDraft`.

    `words` are offered for the fields of WORDS, `steps` are the open ones of the enterprise, `settled` is ticked from
    the start.
    """
    values: dict[str, Any] = {}

    def key(name: str) -> str:
        return f"{slot}_{name}"

    with st.container(horizontal=True, vertical_alignment="bottom"):
        values["happened_on"] = _day(key("happened_on"), _("Date"), most=today)
        _quick(key("happened_on"), {_("Today"): today, _("Yesterday"): today - timedelta(days=1)})
        values["method"] = st.segmented_control(
            str(_("Method")),
            list(Method),
            format_func=lambda m: str(label(m)),
            key=key("method"),
        )
    ui.field_problem(problems, "happened_on")
    ui.field_problem(problems, "method")
    values["content"] = st.text_area(
        str(_("What was said")),
        key=key("content"),
        height=110,
        placeholder=str(_("What they want, what was agreed, what holds it up")),
    )
    ui.field_problem(problems, "content")
    with st.container(horizontal=True):
        values["our_people"] = st.text_input(str(_("Our people")), key=key("our_people"))
        values["their_people"] = st.text_input(str(_("Their people")), key=key("their_people"))
    values["project_id"] = None
    if projects:
        known = [*projects]
        if st.session_state.get(key("project_id")) not in known:
            st.session_state[key("project_id")] = None
        values["project_id"] = st.selectbox(
            str(_("Project (optional)")),
            known,
            index=None,
            format_func=projects.__getitem__,
            key=key("project_id"),
            placeholder="—",
        )
        ui.field_problem(problems, "project")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        values["next_step"] = st.text_input(
            str(_("Next step")),
            key=key("next_step"),
            placeholder=str(_("Send the policy package, visit the site, …")),
        )
        values["next_due_on"] = _day(key("next_due_on"), _("Due"))
        _quick(
            key("next_due_on"),
            {
                _("+3 days"): today + timedelta(days=3),
                _("+1 week"): today + _WEEK,
                _("+2 weeks"): today + 2 * _WEEK,
            },
        )
    ui.field_problem(problems, "next_due_on")
    if not values["next_step"].strip():
        values["next_due_on"] = None
    # Decided once: the fold must not close over a field that is emptied to be filled anew.
    is_open = st.session_state.setdefault(key("fold"), any(st.session_state.get(key(name)) for name in WORDS))
    with (
        st.expander(str(_("Outcome, difficulty")), is_open, key=key("more"), type="compact"),
        st.container(horizontal=True),
    ):
        for name, title in WORDS.items():
            values[name] = (
                st.selectbox(
                    str(title),
                    words[name],
                    index=None,
                    key=key(name),
                    accept_new_options=True,
                    placeholder=str(_("Choose, or type a new one")),
                )
                or ""
            )
    values["done_follow_up_ids"] = tuple(step.id for step in steps if _is_done(key(f"done_{step.id}"), step, settled))
    values["files"] = choose_files(key("files")) if takes_files else ()
    ui.field_problem(problems, "files")
    for field in ("follow_up", "corrects"):
        ui.field_problem(problems, field)
    return values


def _day(key: str, title: Message, *, most: date | None = None) -> date | None:
    return st.date_input(str(title), max_value=most, key=key, format="YYYY-MM-DD", width=140)


def _quick(key: str, days: Mapping[Message, date]) -> None:
    def take(day: date) -> None:
        st.session_state[key] = day

    with st.container(horizontal=True, gap="xsmall", width="content", key=f"quick_{key}"):
        for n, (words, day) in enumerate(days.items()):
            st.button(str(words), key=f"{key}_quick{n}", on_click=take, args=(day,), type="tertiary")


def _is_done(key: str, step: ContactEntry, settled: int | None) -> bool:
    words = _("Done with this: {step} (due {day})", step=step.next_step, day=step.next_due_on)
    return st.checkbox(ui.safe(words), key=key, value=step.id == settled)


# --------------------------------------------------------------------------------------- what a message adds besides


@dataclass(frozen=True)
class Extras:
    """What a message says about the enterprise itself and a person confirmed."""

    person: str = ""
    title: str = ""
    phone: str = ""
    intended_amount: Decimal | None = None


def extras(slot: str, reading: Reading, enterprise_id: int | None) -> Extras:
    """Ask whether a number read from the message is kept with the contact people, and an amount with the enterprise."""
    person = name = phone = title = ""
    amount = None
    if reading.phones:
        phone = reading.phones[0].value
        near = min(
            (found for found in reading.people if not found.value.is_official),
            key=lambda found: abs(found.start - reading.phones[0].start),
            default=None,
        )
        name, title = (near.value.name, near.value.title) if near else ("", "")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            keep = st.checkbox(
                ui.safe(_("Keep {phone} with the contact people", phone=phone)),
                key=f"{slot}_keep_phone",
                value=bool(name),
            )
            if keep:
                person = st.text_input(str(_("Name")), value=f"{name}{title}", key=f"{slot}_person", width=180)
    if reading.amount is not None and not reading.amount.value.currency:
        value = reading.amount.value.value
        shown = f"{value / YUAN_PER_WAN:,.0f}"
        if st.checkbox(
            str(_("Note {amount} (10,000 yuan) as the enterprise's intended amount", amount=shown)),
            key=f"{slot}_keep_amount_{enterprise_id or 0}",
            value=enterprise_id is None,
        ):
            amount = value
    return Extras(person.strip(), title, phone if person.strip() else "", amount)


def keep_extras(database: Database, actor: Actor, enterprise_id: int, chosen: Extras) -> None:
    """Save what was confirmed besides the contact; says so where something of it is refused."""
    now = session.utc_now()

    def keep_person() -> None:
        # 王总 is a way to call him, no job title.
        is_titled = len(chosen.title) > 1 and chosen.person.endswith(chosen.title)
        known = {"name": chosen.person, "phone": chosen.phone, **({"title": chosen.title} if is_titled else {})}
        add_contact_person(database, actor, enterprise_id, known, now=now)

    def keep_amount() -> None:
        version = enterprise_record(database, actor, enterprise_id).fields["version"]
        amount = {"intended_amount": chosen.intended_amount}
        change_enterprise(database, actor, enterprise_id, version, amount, now=now)

    for wanted, keep in ((chosen.phone, keep_person), (chosen.intended_amount, keep_amount)):
        try:
            if wanted:
                keep()
        except CrmError as error:
            session.flash(error.message, icon=session.REFUSED)
