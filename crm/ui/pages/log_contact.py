"""Log one contact in under thirty seconds: find the enterprise (or add it), say what happened and what comes next."""

import secrets
from datetime import timedelta

import streamlit as st

from crm.actions.followups import log_follow_up
from crm.errors import Invalid
from crm.locale import Message, _
from crm.model import EnterpriseDraft, FollowUpDraft, Method, label
from crm.reports import vocabulary
from crm.reports.enterprises import enterprise_record, find_duplicates, open_steps, search_enterprises
from crm.rules import credit_code_problem
from crm.ui import components as ui
from crm.ui import session, shell

actor, db, today = session.current_actor(), session.database(), session.today()
state = st.session_state
token = state.setdefault("form_token", secrets.token_hex(16))
problems: dict[str, Message] = state.pop("log_problems", {})
asked = st.query_params.get("enterprise", "")
if asked.isdecimal():
    state["enterprise_id"] = int(asked)
    del st.query_params["enterprise"]

with ui.title_row(
    actor, _("Log a contact"), _("Find the enterprise, say what happened and what comes next"), log_contact="none"
):
    pass


def choose(enterprise_id: int) -> None:
    """Take a found enterprise."""
    state["enterprise_id"] = enterprise_id
    state.pop("new_enterprise", None)


def start_new() -> None:
    """Begin a new enterprise with the text that found nothing."""
    state["new_enterprise"] = state.get("find", "")
    state.pop("enterprise_id", None)


def search_again() -> None:
    """Let go of the enterprise."""
    state.pop("enterprise_id", None)
    state.pop("new_enterprise", None)


def finish(enterprise_id: int) -> None:
    """Say that it is saved; begin the next contact, or show this one on the timeline."""
    state["last_method"], state["last_ours"] = method, ours
    for key in (
        "form_token",
        "enterprise_id",
        "new_enterprise",
        "find",
        "content",
        "theirs",
        "next_step",
        "method",
        "ours",
    ):
        state.pop(key, None)
    session.flash(_("The contact is saved."))
    if another:
        st.rerun()
    shell.go("enterprise", id=enterprise_id)


def found_already(name: str, code: str) -> bool:
    """Show which enterprises of the bureau may be the same; returns whether the person says that it is another one."""
    near = find_duplicates(db, name, code) if name.strip() else []
    for same in near:
        known = {"name": same.name, "unit": same.unit or "—"}
        st.warning(
            ui.safe(
                _("The bureau already has “{name}”, held by {unit}.", **known)
                if same.exact
                else _("Similar: “{name}”, held by {unit}.", **known)
            )
        )
    if not near or any(same.exact for same in near):
        return False
    return st.checkbox(str(_("It is another enterprise")), key="other")


def pick_enterprise() -> EnterpriseDraft | None:
    """Draw the search, the chosen enterprise, or the form of a new one; returns the draft of a new one."""
    if "enterprise_id" in state:
        fields = enterprise_record(db, actor, state["enterprise_id"]).fields
        st.markdown(f"**{ui.safe(fields['name'])}**")
        st.caption(ui.safe(" · ".join(filter(None, (fields["credit_code"], fields["main_business"])))[:160] or "—"))
        return None
    if "new_enterprise" in state:
        name = st.text_input(str(_("Name of the new enterprise")), value=state["new_enterprise"], key="new_name")
        ui.field_problem(problems, "name")
        code = st.text_input(str(_("Credit code (optional)")), key="new_code", max_chars=18)
        ui.field_problem(problems, "credit_code")
        # Early pilot codes fail the check legally: a person may vouch for one.
        doubt = credit_code_problem(code.strip().upper()) if code.strip() else None
        vouched = doubt is not None and st.checkbox(str(_("The code is right all the same")), key="vouched")
        return EnterpriseDraft(
            name=name,
            credit_code=code,
            accept_duplicates=found_already(name, code),
            accept_credit_code=vouched,
        )
    text = st.text_input(
        str(_("Find the enterprise")),
        key="find",
        type="search",
        icon=":material/search:",
        live="250ms",
        placeholder=str(_("Part of a name, pinyin initials or credit code")),
        label_visibility="collapsed",
    )
    ui.field_problem(problems, "enterprise")
    matches = search_enterprises(db, actor, text, limit=6)
    if matches:
        st.caption(str(_("Found") if text else _("Contacted most recently")))
    elif not text:
        st.caption(str(_("The directory is empty yet: type a name to add the first enterprise.")))
    with st.container(key="matches", gap="xsmall"):
        for match in matches:
            words = f"{match.name}　{match.unit}　{match.last_contact_on or ''}"
            st.button(ui.safe(words), key=f"match_{match.id}", on_click=choose, args=(match.id,), width="stretch")
    if text:
        add = str(_("Add “{text}” as a new enterprise", text=text))
        st.button(ui.safe(add), key="new", on_click=start_new, icon=":material/add:", type="tertiary")
    return None


left, right = st.columns([2, 3])
with left, ui.card("who", _("Enterprise")) as aside:
    if "enterprise_id" in state or "new_enterprise" in state:
        with aside:
            st.button(str(_("Choose another")), key="again", on_click=search_again, type="tertiary")
    draft = pick_enterprise()
known_id = state.get("enterprise_id")
projects = vocabulary.open_projects(db, actor, known_id) if known_id else {}
steps = open_steps(db, actor, known_id) if known_id else []
with right, ui.card("what", _("Contact")):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        happened_on = st.date_input(
            str(_("Date")), value=today, max_value=today, key="happened_on", format="YYYY-MM-DD", width=150
        )
        method = st.segmented_control(
            str(_("Method")),
            list(Method),
            default=state.get("last_method", Method.VISIT),
            format_func=lambda m: str(label(m)),
            key="method",
        )
    ui.field_problem(problems, "happened_on")
    ui.field_problem(problems, "method")
    content = st.text_area(
        str(_("What was said")),
        key="content",
        height=110,
        placeholder=str(_("What they want, what was agreed, what holds it up")),
    )
    ui.field_problem(problems, "content")
    with st.container(horizontal=True):
        ours = st.text_input(str(_("Our people")), value=state.get("last_ours", actor.name), key="ours")
        theirs = st.text_input(str(_("Their people")), key="theirs")
    project = None
    if projects:
        names = [*projects]
        project = st.selectbox(
            str(_("Project (optional)")),
            names,
            index=None,
            format_func=projects.__getitem__,
            key="project",
            placeholder="—",
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        next_step = st.text_input(
            str(_("Next step")), key="next_step", placeholder=str(_("Send the policy package, visit the site, …"))
        )
        next_due_on = st.date_input(
            str(_("Due")), value=today + timedelta(days=7), key="next_due_on", format="YYYY-MM-DD", width=150
        )
    ui.field_problem(problems, "next_due_on")
    done = []
    for step in steps:
        words = _("Done with this: {step} (due {day})", step=step.next_step, day=step.next_due_on)
        if st.checkbox(ui.safe(words), key=f"done_{step.id}"):
            done.append(step.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        save = st.button(str(_("Save")), key="save", type="primary", icon=":material/check:", shortcut="Ctrl+Enter")
        another = st.toggle(str(_("Add another afterwards")), key="another", persist_state="session")

if save:
    contact = FollowUpDraft(
        enterprise_id=known_id,
        new_enterprise=draft,
        project_id=project,
        happened_on=happened_on,
        method=method,
        content=content,
        our_people=ours,
        their_people=theirs,
        next_step=next_step,
        next_due_on=next_due_on if next_step.strip() else None,
        done_follow_up_ids=tuple(done),
        form_token=token,
    )
    try:
        logged = log_follow_up(db, actor, contact, now=session.utc_now(), today=today)
    except Invalid as invalid:
        state["log_problems"] = invalid.fields
        st.rerun()
    finish(logged.enterprise_id)
