"""Accounts: who may sign in, with which roles, where they are signed in; and what each role may do."""

import pandas as pd
import streamlit as st

from crm.actions import accounts
from crm.errors import CrmError, Invalid
from crm.locale import Message, _, listed
from crm.model import Role, label
from crm.reports.accounts import AccountRow, chains, list_accounts, rights
from crm.reports.rankings import units
from crm.ui import components as ui
from crm.ui import filters, session

actor, db, state = session.current_actor(), session.database(), st.session_state
now = session.utc_now()
STATUSES = {
    "active": _("In use"),
    "waiting": _("Waiting for its password"),
    "locked": _("Locked after failures"),
    "shut_out": _("Shut out"),
}
unit_names = {unit.id: unit.name for unit in units(db)}
chain_names = dict(chains(db))


def status(row: AccountRow) -> str:
    if row.disabled_at is not None:
        return "shut_out"
    if row.locked_until is not None and row.locked_until > now:
        return "locked"
    return "active" if row.has_password else "waiting"


def show_code(login: str, code: str) -> None:
    st.markdown(ui.safe(_("Hand this one-time code to the person. It is shown only now and works for seven days.")))
    st.code(f"{login}\n{code}", language=None)
    st.caption(ui.safe(_("They open “I have a set-up code” on the sign-in page and choose their password.")))


def who_it_is(row: AccountRow | None, problems: dict[str, Message]) -> dict[str, object]:
    """Draw the fields of what an account is; returns them as typed."""
    name = st.text_input(str(_("Name")), row.name if row else "", autocomplete="off")
    ui.field_problem(problems, "name")
    roles = st.multiselect(
        str(_("Roles")), list(Role), list(row.roles) if row else [], format_func=lambda role: str(label(role))
    )
    ui.field_problem(problems, "roles")
    unit_id = st.selectbox(
        str(_("Unit")),
        list(unit_names),
        index=list(unit_names).index(row.unit_id) if row and row.unit_id in unit_names else None,
        format_func=unit_names.__getitem__,
        placeholder="—",
    )
    ui.field_problem(problems, "unit_id")
    industries = st.multiselect(
        str(_("Key industries")),
        list(chain_names),
        [i for i in chain_names if row and i in row.industry_ids],
        format_func=chain_names.__getitem__,
    )
    ui.field_problem(problems, "industry_ids")
    return {"name": name, "roles": roles, "unit_id": unit_id, "industry_ids": industries}


@st.dialog(str(_("New account")), on_dismiss="rerun")
def new_account() -> None:
    if made := state.get("made_account"):
        show_code(*made)
        return
    problems: dict[str, Message] = state.pop("account_problems", {})
    with st.form("new_account", border=False):
        login = st.text_input(str(_("Login")), autocomplete="off")
        ui.field_problem(problems, "login")
        fields = who_it_is(None, problems)
        sent = st.form_submit_button(str(_("Make the account")), type="primary")
    if sent:
        try:
            _id, code = accounts.add_account(db, actor, login=login, now=session.utc_now(), **fields)  # type: ignore[arg-type]
        except Invalid as error:
            state["account_problems"] = error.fields
        else:
            state["made_account"] = (login, code)
        st.rerun(scope="fragment")


@st.dialog(str(_("Change the account")))
def change_account(row: AccountRow) -> None:
    problems: dict[str, Message] = state.pop("account_problems", {})
    with st.form("change_account", border=False):
        st.markdown(ui.safe(row.login))
        fields = who_it_is(row, problems)
        st.caption(str(_("Whoever is signed in has the new rights at their next step.")))
        sent = st.form_submit_button(str(_("Save")), type="primary")
    if sent:
        try:
            accounts.change_account(db, actor, row.id, row.version, now=session.utc_now(), **fields)  # type: ignore[arg-type]
        except Invalid as error:
            state["account_problems"] = error.fields
            st.rerun(scope="fragment")
        except CrmError as error:
            st.error(ui.safe(error))
        else:
            session.flash(_("The account is saved."))
            st.rerun()


@st.dialog(str(_("New set-up code")), on_dismiss="rerun")
def new_code(row: AccountRow) -> None:
    if made := state.get("made_account"):
        show_code(*made)
        return
    st.markdown(ui.safe(_("The password of {name} is void at once, and they are signed out.", name=row.name)))
    forget = row.has_second_factor and st.checkbox(str(_("Forget the authenticator app too")))
    if st.button(str(_("Make a new code")), type="primary"):
        moment = session.utc_now()
        if row.disabled_at is not None:
            code = accounts.enable_account(db, actor, row.id, now=moment)
        else:
            code = accounts.reset_account(db, actor, row.id, forget_second_factor=forget, now=moment)
        state["made_account"] = (row.login, code)
        st.rerun(scope="fragment")


def shut_out(row: AccountRow) -> None:
    """Disable an account, or say why not."""
    try:
        accounts.disable_account(db, actor, row.id, now=session.utc_now())
        session.flash(_("{name} is shut out.", name=row.name))
    except CrmError as error:
        state["account_refused"] = str(error)


def end_sessions(row: AccountRow) -> None:
    """Sign a person out everywhere, and say how often they were signed in."""
    ended = accounts.end_sessions(db, actor, row.id, now=session.utc_now())
    session.flash(_("{count} sessions are ended.", count=ended))


def choices(row: AccountRow) -> None:
    """Draw what can be done with the chosen account."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.safe(row.name)}** · {ui.safe(row.login)}", width="content")
        if st.button(str(_("Change")), icon=":material/edit:"):
            change_account(row)
        if st.button(
            str(_("New set-up code") if row.disabled_at is None else _("Let in again")), icon=":material/key:"
        ):
            state.pop("made_account", None)
            new_code(row)
        if row.session_seen_at and st.button(str(_("End sessions")), icon=":material/logout:"):
            ui.confirm(
                _("End sessions"),
                _("You are signed out everywhere at once, also here.")
                if row.login == actor.login
                else _("{name} is signed out everywhere at once; what they have not saved is lost.", name=row.name),
                do=_("End sessions"),
                action=lambda: end_sessions(row),
            )
        if row.disabled_at is None and st.button(str(_("Shut out")), icon=":material/block:"):
            ui.confirm(
                _("Shut out"),
                _("{name} is signed out at once and can no longer sign in.", name=row.name),
                do=_("Shut out"),
                action=lambda: shut_out(row),
            )


def may_do() -> None:
    """Draw what each role may do and how far, as the grants say."""
    frame = pd.DataFrame(
        [
            {"action": str(label(action)), **{role: str(label(far)) if far else None for role, far in reach.items()}}
            for action, reach in rights()
        ]
    )
    ui.table(
        frame,
        {
            "action": st.column_config.TextColumn(str(_("May")), pinned=True, width=190),
            **{str(role): label(role) for role in Role},
        },
        key="rights_table",
    )
    st.caption(str(_("A unit sees the enterprises it owns or holds projects of; a task force those of its chains.")))


found = list_accounts(db, actor, now=now)
with ui.title_row(actor, _("Accounts"), _("{total} records", total=len(found)), log_contact="none"):
    if st.button(str(_("New account")), type="primary", icon=":material/person_add:"):
        state.pop("made_account", None)
        new_account()
if refused := state.pop("account_refused", None):
    st.error(ui.safe(refused), icon=":material/error:")

with ui.card("filters"):
    places = st.columns(4)
    with places[0]:
        wanted = st.text_input(
            str(_("Search")), type="search", placeholder=str(_("Login, name or unit")), **filters.kept("search")
        )
    with places[1]:
        role = filters.any_of(_("Role"), list(Role), "account_role", label)
    with places[2]:
        unit = filters.any_of(_("Unit"), list(unit_names), "account_unit", unit_names.__getitem__)
    with places[3]:
        standing = filters.any_of(_("Status"), list(STATUSES), "account_status", STATUSES.__getitem__)
text = (wanted or "").casefold()
shown = [
    row
    for row in found
    if text in f"{row.login} {row.name} {row.unit}".casefold()
    and (role is None or role in row.roles)
    and (unit is None or unit == row.unit_id)
    and standing in (None, status(row))
]
with ui.card("accounts"):
    filters.clear_button(("search", "account_role", "account_unit", "account_status"))
    if shown:
        frame = pd.DataFrame(
            {
                "login": [row.login for row in shown],
                "name": [row.name for row in shown],
                "unit": [row.unit or None for row in shown],
                "roles": [listed(map(label, row.roles)) for row in shown],
                "chains": [
                    listed(chain_names[i] for i in chain_names if i in row.industry_ids) or None for row in shown
                ],
                "status": [str(STATUSES[status(row)]) for row in shown],
                "sessions": [len(row.session_seen_at) or None for row in shown],
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
            "chains": _("Key industries"),
            "status": _("Status"),
            "sessions": st.column_config.NumberColumn(str(_("Signed in now")), width=80),
            "last": st.column_config.DatetimeColumn(str(_("Last sign-in")), format="YYYY-MM-DD HH:mm", width=140),
        }
        chosen = ui.table(frame, columns, key="accounts_table", on_select="rerun").selection.rows
        if chosen and chosen[0] < len(shown):
            choices(shown[chosen[0]])
        else:
            st.caption(str(_("Choose a row to change, reset or shut out an account.")))
    else:
        ui.empty_state(_("No account matches"), _("Search for another login, name or unit."), icon="person_search")
with ui.card("rights", _("Who may do what")):
    may_do()
