"""Wording the bulletin on the screen: one section at a time, for this month alone or as the template."""

from collections.abc import Mapping

import streamlit as st

from crm.actions.bulletins import LONGEST, restore_text, save_text
from crm.errors import Invalid
from crm.locale import Message, _
from crm.model import Actor
from crm.months import Month
from crm.reports.bulletin_texts import BLOCKS, BulletinText, placeholders
from crm.ui import components as ui
from crm.ui import session


def edit_texts(actor: Actor, month: Month, texts: Mapping[str, BulletinText]) -> None:
    """Draw the choice of a section, its text, what may stand in it and what to do with it."""
    db = session.database()
    block = st.selectbox(
        str(_("Section")), list(BLOCKS), index=4, format_func=lambda b: str(BLOCKS[b]), key="block", width="stretch"
    )
    read = texts[block]
    # Another text, another widget: what was typed about one section is not kept for the next.
    key = f"text_{month}_{block}_{read.own}_{read.template}"
    content = st.text_area(
        str(_("Text")), read.content, key=key, height=190, max_chars=LONGEST, help=str(_("A line is a paragraph."))
    )
    problems: dict[str, Message] = st.session_state.pop("text_problems", {})
    ui.field_problem(problems, "content")
    with st.container(horizontal=True, key="text_buttons"):
        once = st.button(str(_("Only this month")), key="save_once", type="primary")
        always = st.button(str(_("Save as template")), key="save_template")
        if read.own and st.button(str(_("Back to the template")), key="restore_text", type="tertiary"):
            restore_text(db, actor, read, now=session.utc_now())
            session.flash(_("The template speaks again."))
            st.rerun()
    with st.expander(str(_("What may stand between braces"))):
        known = [f"`{{{name}}}` {ui.safe(meaning)}" for name, meaning in placeholders(block).items()]
        st.markdown("  \n".join(known))
    if once or always:
        try:
            save_text(db, actor, month, read, content or "", as_template=always, now=session.utc_now())
        except Invalid as invalid:
            st.session_state["text_problems"] = invalid.fields
            st.rerun()
        session.flash(_("The text is saved, for this month and those to come.") if always else _("The text is saved."))
        st.rerun()
