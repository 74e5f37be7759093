"""What pages are made of: text is escaped, one button logs a contact, a list starts at its first page."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def script(kind: str) -> None:
    import streamlit as st

    from crm.model import Actor, Role
    from crm.ui import components as ui

    staff = Actor("zhangsan", 1, roles=frozenset({Role.STAFF if kind != "leader" else Role.LEADER}))
    with ui.title_row(staff, "<b>题</b>", "caption", log_contact="none" if kind == "none" else "primary"):
        st.text_input("control")
    with ui.card("one", "卡片") as aside:
        aside.button("aside")
        st.session_state["shown"] = ui.pager(101, page_size=50)
    ui.empty_state("<i>空</i>", "hint")
    ui.field_problem({"name": "<script>"}, "name")  # type: ignore[dict-item]
    ui.field_problem({}, "other")


def run(kind: str = "") -> AppTest:
    """Run the script above."""
    done = AppTest.from_function(script, args=(kind,)).run()
    assert not done.exception
    return done


def test_title_row_escapes_and_offers_one_button() -> None:
    done = run()
    html = "".join(element.value for element in done.html)
    assert "&lt;b&gt;题&lt;/b&gt;" in html
    assert "<script>" not in html
    assert "<i>空" not in html
    assert [button.key for button in done.button if button.key] == ["log_contact"]


@pytest.mark.parametrize("kind", ["leader", "none"])
def test_who_may_not_log_a_contact_has_no_button(kind: str) -> None:
    assert "log_contact" not in [button.key for button in run(kind).button]


def test_pager_starts_at_one() -> None:
    state: Any = run().session_state
    assert state["shown"] == 1
