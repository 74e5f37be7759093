"""A dialog that asks for a few values, says at each field what is wrong with it, and closes when they are saved.

Beside it a question on the spot, for what is lost from within a dialog: only one can be open.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import streamlit as st

from crm.errors import Conflict, CrmError, Invalid
from crm.locale import Message, _
from crm.model import YUAN_PER_WAN
from crm.ui import components as ui
from crm.ui import session

Text = Message | str
_DAYS = date(1980, 1, 1), date(2099, 12, 31)  # wider than ten years either way, which is what Streamlit would allow


@dataclass(frozen=True)
class Field:
    """One value to ask for: `money` is 元 here and 万元 on the screen; a `choice` is one of its options or none."""

    name: str
    label: Text
    kind: Literal["text", "long", "date", "money", "choice", "yes"] = "text"
    value: Any = None
    options: Mapping[Any, Any] = field(default_factory=dict)
    hint: Text = ""


def ask(
    title: Text,
    fields: Sequence[Field],
    save: Callable[[dict[str, Any]], object],
    *,
    do: Text,
    done: Text,
    lead: Text = "",
    first: Callable[[], dict[str, Any]] | None = None,
    then: Callable[[Any], None] | None = None,
    settle: Callable[[dict[str, Any]], Callable[[], dict[str, Any] | None]] | None = None,
) -> None:
    """Open the dialog; `save` takes the values by name and may raise, `done` is said when it did not.

    `first` draws what must answer at once, above the form, and returns its values. `then` is called with what `save`
    returned, to go somewhere else or to say what came of it; without it the page is drawn anew.

    Where somebody else changed the record since it was read, `settle` takes what was typed and returns what draws it
    beside what was saved, which returns what to save once that is chosen; without it the dialog closes, and one begins
    again with the record as it is by now.
    """
    token = secrets.token_hex(4)  # what was typed into one dialog is not found again in the next
    conflict = f"conflict_{token}"

    def fill(below: dict[str, Any]) -> dict[str, Any] | None:
        """Draw the form, with a place below each field and one for the rest; returns its values once they are sent."""
        if str(lead):
            st.caption(ui.safe(lead))
        values = first() if first else {}
        with st.form(f"ask_{token}", border=False):
            short = [f for f in fields if f.kind != "long"]
            places = iter(st.columns(2) * len(short)) if len(fields) > 4 else None
            for each in fields:
                with next(places) if places is not None and each.kind != "long" else st.container():
                    values[each.name] = _drawn(each, f"{each.name}_{token}")
                    below[each.name] = st.container()
            below[""] = st.container()
            return values if st.form_submit_button(str(do), type="primary") else None

    @st.dialog(str(title), width="medium" if len(fields) > 4 else "small")
    def asking() -> None:
        below: dict[str, Any] = {}
        if conflict in st.session_state:
            values = st.session_state[conflict]()
            below[""] = st.container()
        else:
            values = fill(below)
        if values is None:
            return
        try:
            saved = save(values)
        except Invalid as invalid:
            for name in invalid.fields:
                with below.get(name, below[""]):
                    ui.field_problem(invalid.fields, name)
        except Conflict as error:
            if settle is None:
                session.flash(error.message, icon=session.REFUSED)
                st.rerun()
            st.session_state[conflict] = settle(values)
            st.rerun(scope="fragment")
        except CrmError as error:
            below[""].error(ui.safe(error.message))
        else:
            if str(done):
                session.flash(done)
            if then:
                then(saved)
            st.rerun()

    asking()


def sure(
    question: Text, *, do: Text, key: str, icon: str | None = None, then: Callable[[], None] | None = None
) -> bool:
    """Draw a button that asks on the spot before something is lost; returns True on yes, for which `then` is called."""
    with st.popover(str(do), key=key, type="tertiary", icon=icon):
        st.markdown(ui.safe(question))
        return st.button(str(do), key=f"{key}_yes", type="primary", on_click=then)


def _drawn(asked: Field, key: str) -> Any:
    """Draw one field and return what it holds."""
    title, hint = str(asked.label), str(asked.hint) or None
    if asked.kind == "long":
        return st.text_area(title, value=asked.value or "", key=key, height=90, help=hint)
    if asked.kind == "date":
        first, last = _DAYS
        return st.date_input(
            title, value=asked.value, min_value=first, max_value=last, key=key, format="YYYY-MM-DD", help=hint
        )
    if asked.kind == "money":
        before = None if asked.value is None else float(asked.value / YUAN_PER_WAN)
        typed = st.number_input(
            str(_("{name} (10,000 yuan)", name=title)), value=before, key=key, step=None, format="%.2f", help=hint
        )
        if typed is None or typed == before:
            return None if typed is None else asked.value
        return (Decimal(str(typed)) * YUAN_PER_WAN).quantize(Decimal("0.01"))
    if asked.kind == "choice":
        keys = list(asked.options)
        index = keys.index(asked.value) if asked.value in asked.options else None
        return st.selectbox(
            title, keys, index=index, key=key, format_func=lambda k: str(asked.options[k]), placeholder="—", help=hint
        )
    if asked.kind == "yes":
        return st.checkbox(title, value=bool(asked.value), key=key, help=hint)
    return st.text_input(title, value=asked.value or "", key=key, help=hint)
