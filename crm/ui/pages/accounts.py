"""Accounts: who may sign in and with which roles; new accounts, new set-up codes, shutting out."""

import pandas as pd
import streamlit as st

from crm.actions import accounts
from crm.errors import Invalid
from crm.locale import Message, _
from crm.model import Role, label
from crm.reports.accounts import AccountRow, chains, list_accounts
from crm.reports.rankings import units
from crm.ui import components as ui
from crm.ui import session

actor, db = session.current_actor(), session.database()


def status(row: AccountRow) -> Message:
    if row.disabled_at is not None:
        return _("Shut out")
    if row.locked_until is not None and row.locked_until > session.utc_now():
        return _("Locked after failures")
    return _("Active") if row.has_password else _("Waiting for its password")


def show_code(login: str, code: str) -> None:
    st.markdown(ui.safe(_("Hand this one-time code to the person. It is shown only now and works for seven days.")))
    st.code(f"{login}\n{code}", language=None)
    st.caption(ui.safe(_("They open “I have a set-up code” on the sign-in page and choose their password.")))


@st.dialog(str(_("New account")), on_dismiss="rerun")
def new_account() -> None:
    if made := st.session_state.get("made_account"):
        show_code(*made)
        return
    unit_names = {unit.id: unit.name for unit in units(db)}
    chain_names = dict(chains(db))
    problems: dict[str, Message] = st.session_state.pop("account_problems", {})
    with st.form("new_account", border=False):
        login = st.text_input(str(_("Login")), autocomplete="off")
        ui.field_problem(problems, "login")
        name = st.text_input(str(_("Name")), autocomplete="off")
        ui.field_problem(problems, "name")
        roles = st.multiselect(str(_("Roles")), list(Role), format_func=lambda role: str(label(role)))
        ui.field_problem(problems, "roles")
        unit_id = st.selectbox(str(_("Unit")), list(unit_names), index=None, format_func=unit_names.__getitem__)
        ui.field_problem(problems, "unit_id")
        industries = st.multiselect(str(_("Key industries")), list(chain_names), format_func=chain_names.__getitem__)
        ui.field_problem(problems, "industry_ids")
        sent = st.form_submit_button(str(_("Make the account")), type="primary")
    if sent:
        try:
            _id, code = accounts.add_account(
                db,
                actor,
                login=login,
                name=name,
                roles=roles,
                unit_id=unit_id,
                industry_ids=industries,
                now=session.utc_now(),
            )
        except Invalid as error:
            st.session_state["account_problems"] = error.fields
        else:
            st.session_state["made_account"] = (login, code)
        st.rerun(scope="fragment")


@st.dialog(str(_("New set-up code")), on_dismiss="rerun")
def new_code(row: AccountRow) -> None:
    if made := st.session_state.get("made_account"):
        show_code(*made)
        return
    st.markdown(ui.safe(_("The password of {name} is void at once, and they are signed out.", name=row.name)))
    forget = row.has_second_factor and st.checkbox(str(_("Forget the authenticator app too")))
    if st.button(str(_("Make a new code")), type="primary"):
        now = session.utc_now()
        if row.disabled_at is not None:
            code = accounts.enable_account(db, actor, row.id, now=now)
        else:
            code = accounts.reset_account(db, actor, row.id, forget_second_factor=forget, now=now)
        st.session_state["made_account"] = (row.login, code)
        st.rerun(scope="fragment")


found = list_accounts(db, actor)
with ui.title_row(actor, _("Accounts"), _("{total} records", total=len(found)), log_contact="none"):
    wanted = st.text_input(
        str(_("Search")),
        type="search",
        key="search",
        placeholder=str(_("Login, name or unit")),
        label_visibility="collapsed",
        bind="query-params",
        width=260,
    )
    if st.button(str(_("New account")), type="primary", icon=":material/person_add:"):
        st.session_state.pop("made_account", None)
        new_account()

text = (wanted or "").casefold()
shown = [row for row in found if text in f"{row.login} {row.name} {row.unit}".casefold()]
with ui.card("accounts"):
    if not shown:
        ui.empty_state(_("No account matches"), _("Search for another login, name or unit."), icon="person_search")
        st.stop()
    frame = pd.DataFrame(
        {
            "login": [row.login for row in shown],
            "name": [row.name for row in shown],
            "unit": [row.unit or None for row in shown],
            "roles": [", ".join(str(label(role)) for role in row.roles) for row in shown],
            "status": [str(status(row)) for row in shown],
            "last": pd.Series(
                [session.local(row.last_sign_in_at) if row.last_sign_in_at else None for row in shown],
                dtype="datetime64[s]",
            ),
        }
    )
    columns = {
        "login": _("Login"),
        "name": _("Name"),
        "unit": _("Unit"),
        "roles": _("Roles"),
        "status": _("Status"),
        "last": st.column_config.DatetimeColumn(str(_("Last sign-in")), format="YYYY-MM-DD HH:mm"),
    }
    chosen = ui.table(frame, columns, key="accounts_table", on_select="rerun").selection.rows
    if not chosen:
        st.caption(str(_("Choose a row to reset or shut out an account.")))
        st.stop()
    row = shown[chosen[0]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.safe(row.name)}** · {ui.safe(row.login)}", width="content")
        if st.button(
            str(_("New set-up code") if row.disabled_at is None else _("Let in again")), icon=":material/key:"
        ):
            st.session_state.pop("made_account", None)
            new_code(row)
        if row.disabled_at is None and st.button(str(_("Shut out")), icon=":material/block:"):
            ui.confirm(
                _("Shut out"),
                _("{name} is signed out at once and can no longer sign in.", name=row.name),
                do=_("Shut out"),
                action=lambda: accounts.disable_account(db, actor, row.id, now=session.utc_now()),
            )
