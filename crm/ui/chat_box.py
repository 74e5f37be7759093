"""Pasting a chat message into the form of a contact: what is read is shown on its own words, to be confirmed."""

from collections.abc import Callable
from html import escape

import streamlit as st

from crm import chat
from crm.chat import Kind, Reading
from crm.locale import Message, _
from crm.ui import components as ui
from crm.ui import session

_WORDS: dict[Kind, Message] = {
    Kind.DATE: _("Date"),
    Kind.METHOD: _("Method"),
    Kind.ENTERPRISE: _("Enterprise"),
    Kind.PERSON: _("People"),
    Kind.PHONE: _("Phone"),
    Kind.AMOUNT: _("Amount"),
    Kind.STEP: _("Next step"),
    Kind.DUE: _("Due"),
}


def paste_box(slot: str, take: Callable[[Reading], None]) -> Reading | None:
    """Draw the card that takes a message, or shows the one that was read; returns what was read of it.

    `take` is told once of a new reading, before the form is drawn, so that it can fill it in.
    """
    state, text_key, read_key = st.session_state, f"{slot}_message", f"{slot}_reading"

    def read() -> None:
        reading = chat.read(state.get(text_key) or "", today=session.today())
        if reading.text.strip():
            state[read_key] = reading
            take(reading)

    def forget() -> None:
        state.pop(read_key, None)
        state.pop(text_key, None)

    reading: Reading | None = state.get(read_key)
    if reading is None:
        with (
            st.container(key="paste"),
            st.expander(str(_("Paste a chat message")), icon=":material/content_paste:", key=f"{slot}_paste"),
        ):
            st.text_area(
                str(_("The message")),
                key=text_key,
                height=110,
                max_chars=chat.LONGEST,
                label_visibility="collapsed",
                placeholder=str(_("Date, people, amount and next step are read from it and filled in on the form")),
            )
            st.button(str(_("Read the message")), key="read_message", on_click=read, icon=":material/auto_fix_high:")
        return None
    with ui.card("message", _("The message")) as aside:
        with aside:
            st.button(str(_("Another message")), key="forget_message", on_click=forget, type="tertiary")
        marks = reading.marks()
        st.html(f'<p class="crm-message">{_marked(reading.text, marks)}</p>')
        legend = [kind for kind in _WORDS if kind in {mark[2] for mark in marks}]
        if legend:
            st.html(
                '<p class="crm-legend">'
                + " ".join(f'<mark class="crm-read-{kind}">{escape(str(_WORDS[kind]))}</mark>' for kind in legend)
                + "</p>"
            )
            st.caption(str(_("Read from the message. Look at the form, then save.")))
        else:
            st.caption(str(_("Nothing was recognised: the message stands in the form as it is.")))
    return reading


def _marked(text: str, marks: list[tuple[int, int, Kind]]) -> str:
    """Return a message as HTML with its marks."""
    parts, at = [], 0
    for start, end, kind in marks:
        words = escape(text[start:end])
        parts.append(
            f'{escape(text[at:start])}<mark class="crm-read-{kind}" title="{escape(str(_WORDS[kind]))}">{words}</mark>'
        )
        at = end
    return "".join([*parts, escape(text[at:])]).replace("\n", "<br>")
