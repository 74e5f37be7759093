"""One enterprise: what it is, its people, its projects, and the timeline of contacts."""

import streamlit as st

from crm.actions.enterprises import reveal_contact
from crm.actions.followups import withdraw_follow_up
from crm.errors import CrmError
from crm.locale import _
from crm.model import YUAN_PER_WAN, Method, Stage, label
from crm.permissions import Action, can
from crm.reports.enterprises import enterprise_record, timeline
from crm.ui import components as ui
from crm.ui import records, session, shell, tables

PER_PAGE = 20

actor, db = session.current_actor(), session.database()
asked = st.query_params.get("id", "")
if not asked.isdecimal():
    ui.back_link("enterprises", _("Enterprises"))
    ui.empty_state(_("Choose an enterprise in the directory."), icon="domain")
    st.stop()
enterprise_id = int(asked)
record = enterprise_record(db, actor, enterprise_id)
fields = record.fields

ui.back_link("enterprises", _("Enterprises"))
with ui.title_row(actor, fields["name"], fields["credit_code"] or _("No credit code"), log_contact="none"):
    ui.log_contact_button(actor, enterprise=enterprise_id)


def amount(value: object) -> str:
    """Show 元 as 万元."""
    return "—" if value is None else f"{value / YUAN_PER_WAN:,.0f}"  # type: ignore[operator]


left, right = st.columns([3, 2])
with right:
    with ui.card("facts", _("Facts")):
        records.facts(
            {
                _("Owner unit"): record.unit,
                _("Owner"): fields["owner_person"],
                _("Industry chain"): "、".join(record.chains),
                _("Grade"): fields["grade"],
                _("Source"): fields["source"],
                _("Intended amount (10,000 yuan)"): amount(fields["intended_amount"]),
                _("Investment direction"): fields["investment_direction"],
                _("Registered capital (10,000 yuan)"): amount(fields["registered_capital"]),
                _("Founded on"): fields["founded_on"],
                _("Kind of enterprise"): fields["kind"],
                _("Origin"): " ".join(filter(None, (fields["origin_province"], fields["origin_city"]))),
                _("Main business"): fields["main_business"],
                _("Recognition"): fields["recognition"],
                _("Last contact"): fields["last_contact_on"],
                _("Next step due"): fields["next_contact_on"],
                _("Note"): fields["note"],
            }
        )
    with ui.card("people", _("Contact people")):
        for person in record.contacts.to_dict("records"):
            records.person_line(person)
        if record.contacts.empty:
            ui.empty_state(_("No contact people yet."), _("Import the ledger of contact people."), icon="contacts")
        elif can(actor, Action.REVEAL) and st.button(str(_("Show the contact details")), key="reveal"):
            records.ask_purpose(
                lambda purpose: [
                    (
                        person["name"],
                        reveal_contact(db, actor, int(person["id"]), purpose=purpose, now=session.utc_now()),
                    )
                    for person in record.contacts.to_dict("records")
                ]
            )
    with ui.card("projects", _("Projects")):
        if record.projects.empty:
            ui.empty_state(_("No project yet."), icon="folder")
        else:
            shown = record.projects.copy()
            shown["stage"] = [str(label(Stage(stage))) for stage in shown["stage"]]
            tables.project_table(shown, key="projects")

with left, ui.card("timeline", _("Timeline · {count} contacts", count=record.follow_ups)):
    page = ui.pager(record.follow_ups, page_size=PER_PAGE) if record.follow_ups > PER_PAGE else 1
    for entry in timeline(db, actor, enterprise_id, page=page, size=PER_PAGE):
        with st.container(border=True, key=f"contact_{entry.id}"):
            with st.container(horizontal=True, vertical_alignment="center"):
                ui.tag(str(label(Method(entry.method))), "blue")
                st.markdown(f"**{entry.happened_on}**", width="content")
                st.caption(ui.safe(f"{entry.unit} · {entry.author}"), width="content")
            st.text(entry.content)
            if entry.next_step:
                overdue = entry.next_due_on is not None and not entry.done and entry.next_due_on < session.today()
                tone: ui.Tone = "green" if entry.done else "red" if overdue else "orange"
                words = {"step": entry.next_step, "day": entry.next_due_on or "—"}
                ui.tag(
                    _("Done: {step} · {day}", **words)
                    if entry.done
                    else _("Overdue: {step} · {day}", **words)
                    if overdue
                    else _("Next: {step} · {day}", **words),
                    tone,
                )
            if entry.created_by == actor.login and (session.utc_now() - entry.created_at).days < 1 and st.button(
                str(_("Take back")), key=f"withdraw_{entry.id}", type="tertiary"
            ):  # fmt: skip
                try:
                    withdraw_follow_up(db, actor, entry.id, entry.version, reason="", now=session.utc_now())
                except CrmError as error:
                    session.flash(error.message, icon=":material/error:")
                else:
                    session.flash(_("The contact was taken back."))
                st.rerun()
    if not record.follow_ups:
        ui.empty_state(_("No contact yet."), _("Press N to log the first."), icon="forum")
        if can(actor, Action.CREATE) and st.button(str(_("Log the first contact")), key="first"):
            shell.go("log_contact", enterprise=enterprise_id)
