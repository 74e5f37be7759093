"""What the page of one record is made of: its facts, its people, the question for what details are revealed."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from crm.errors import CrmError
from crm.locale import Message, _
from crm.ui.components import safe


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
