"""The bureau's own words for what forms offer: order, names, and how many records use each."""

from typing import Any

import pandas as pd
import streamlit as st

from crm.actions import dictionaries as actions
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.reports.vocabulary import DICTIONARIES, Word, dictionary, unlisted_words
from crm.ui import components as ui
from crm.ui import filters, session

actor, db, state = session.current_actor(), session.database(), st.session_state


def do(action: Any, said: Message | None = None, *, scope: Any = "app") -> None:
    """Carry something out: say so, or put what is wrong at the field."""
    try:
        changed = action()
    except Invalid as error:
        state["word_problems"] = error.fields
        st.rerun(scope=scope)
    if said:
        session.flash(said)
    if changed:
        session.flash(_("{count} records were changed.", count=f"{changed:,}"))
    st.rerun()


@st.dialog(str(_("Rename the word")))
def rename(kind: str, word: Word) -> None:
    problems: dict[str, Message] = state.pop("word_problems", {})
    name = st.text_input(str(_("New name")), word.name, key="new_name")
    ui.field_problem(problems, "name")
    too = bool(word.used) and st.checkbox(
        str(_("Change it in the {count} records that use it too", count=f"{word.used:,}")), value=True
    )
    if st.button(str(_("Save")), key="rename_yes", type="primary"):
        do(
            lambda: actions.rename_word(
                db, actor, kind, word.name, word.version, name, change_records=too, now=session.utc_now()
            ),
            _("The word is renamed."),
            scope="fragment",
        )


@st.dialog(str(_("Replace the text")))
def replace(kind: str, text: str, options: list[str]) -> None:
    problems: dict[str, Message] = state.pop("word_problems", {})
    st.markdown(ui.safe(_("Records say “{text}”. Put a word of the list in its place:", text=text)))
    name = st.selectbox(str(_("Word")), options, index=None, key="replace_by")
    ui.field_problem(problems, "name")
    if st.button(str(_("Replace")), key="replace_yes", type="primary"):
        do(
            lambda: actions.replace_text(db, actor, kind, text, name or "", now=session.utc_now()),
            scope="fragment",
        )


def remove(kind: str, word: Word) -> None:
    """Take a word off its list, or say why not."""
    try:
        actions.remove_word(db, actor, kind, word.name, word.version, now=session.utc_now())
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        session.flash(_("The word is off the list; records keep it."))


with ui.title_row(
    actor,
    _("Word lists"),
    _("What forms offer. Any other text can be typed or imported all the same."),
    log_contact="none",
):
    pass
kind = (
    st.pills(
        str(_("List")),
        list(DICTIONARIES),
        default="source",
        required=True,
        format_func=lambda k: str(DICTIONARIES[k].label),
        label_visibility="collapsed",
        **filters.kept("list", DICTIONARIES, lambda k: DICTIONARIES[k].label),
    )
    or "source"
)
words = dictionary(db, actor, kind)
others = unlisted_words(db, actor, kind)
left, right = st.columns(2)
with left, ui.card("words", DICTIONARIES[kind].label):
    problems: dict[str, Message] = state.pop("word_problems", {})
    with (
        st.form("add_word", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        new = st.text_input(str(_("Word")), placeholder=str(_("Another word")), label_visibility="collapsed")
        add = st.form_submit_button(str(_("Add")), icon=":material/add:", type="primary")
    ui.field_problem(problems, "name")
    if add:
        do(lambda: actions.add_word(db, actor, kind, new, now=session.utc_now()), _("The word is added."))
    if not words:
        ui.empty_state(_("The list is empty."), _("Add a word: forms will offer it."), icon="list_alt")
        st.stop()
    frame = pd.DataFrame({"name": [word.name for word in words], "used": [word.used for word in words]})
    columns = {
        "name": _("Word"),
        "used": st.column_config.NumberColumn(str(_("Records")), format="%,d", width=90),
    }
    chosen = ui.table(frame, columns, key=f"words_{kind}", on_select="rerun").selection.rows
    if chosen and chosen[0] < len(words):
        word, now = words[chosen[0]], session.utc_now()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{ui.safe(word.name)}**", width="content")
            for icon, places, help in (("arrow_upward", -1, _("Up")), ("arrow_downward", 1, _("Down"))):
                if st.button("", icon=f":material/{icon}:", help=str(help), key=icon):
                    actions.move_word(db, actor, kind, word.name, word.version, places=places, now=now)
                    st.rerun()
            if st.button(str(_("Rename")), icon=":material/edit:"):
                rename(kind, word)
            if st.button(str(_("Remove")), icon=":material/delete:"):
                ui.confirm(
                    _("Remove the word"),
                    _(
                        "Forms no longer offer “{word}”; the {count} records that say it keep it.",
                        word=word.name,
                        count=f"{word.used:,}",
                    ),
                    do=_("Remove"),
                    action=lambda: remove(kind, word),
                )
    else:
        st.caption(str(_("Choose a row to rename, move or remove a word.")))
with right, ui.card("others", _("Beside the list")):
    if not others:
        ui.empty_state(_("No other text is in use twice."), icon="task_alt")
        st.stop()
    st.caption(str(_("What two records or more say in this field besides, most used first.")))
    frame = pd.DataFrame({"name": [word.name for word in others], "used": [word.used for word in others]})
    chosen = ui.table(frame, columns, key=f"others_{kind}", on_select="rerun").selection.rows
    if chosen and chosen[0] < len(others):
        text = others[chosen[0]].name
        with st.container(horizontal=True):
            if st.button(str(_("Put on the list")), icon=":material/add:"):
                do(lambda: actions.add_word(db, actor, kind, text, now=session.utc_now()), _("The word is added."))
            if st.button(str(_("Replace by a word of the list")), icon=":material/find_replace:"):
                replace(kind, text, [word.name for word in words])
