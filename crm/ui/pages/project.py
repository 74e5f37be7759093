"""One project: where it stands and what it lacks to move on, its roadmap, and all that hangs on it."""

import streamlit as st

from crm.locale import _
from crm.reports.projects import project_record
from crm.ui import components as ui
from crm.ui import project_sections as sections
from crm.ui import session
from crm.ui.attachments import attachments

actor, db = session.current_actor(), session.database()
asked = st.query_params.get("id", "")
if not asked.isdecimal():
    ui.empty_state(_("Choose a project in the list."), icon="account_tree")
    st.stop()
record = project_record(db, actor, int(asked), today=session.today())
editable = record.editable

caption = f"{record.fields['code']} · {record.enterprise} · {record.unit}"
with ui.title_row(
    actor,
    record.fields["name"],
    caption,
    log_contact="secondary",
    printable=True,
    enterprise_id=record.fields["enterprise_id"],
):
    sections.more_menu(actor, record, editable=editable)
sections.tags(record)
sections.next_stage(actor, record, editable=editable)

left, right = st.columns([3, 2])
with right:
    sections.facts(record)
    sections.supervision(actor, record)
    sections.stages(record)
    with ui.card("files", _("Files")):
        attachments(actor, "project", record.fields["id"])
with left:
    sections.milestones(actor, record, editable=editable)
    with ui.card("records"):
        parts = {
            "agreements": (_("Agreements"), len(record.agreements)),
            "funds": (_("Funds"), len(record.arrivals)),
            "commitments": (_("Commitments"), len(record.commitments)),
            "difficulties": (_("Difficulties"), len(record.difficulties)),
            "contacts": (_("Follow-ups"), record.contact_count),
        }
        # Not tabs: these carry their counts, and would fall back to the first whenever one changes.
        part = st.segmented_control(
            str(_("Project records")),
            list(parts),
            default="agreements",
            required=True,
            format_func=lambda p: f"{parts[p][0]} {parts[p][1]}",
            key="records",
            label_visibility="collapsed",
        )
        match part:
            case "funds":
                sections.funds(actor, record, editable=editable)
            case "commitments":
                sections.commitments(actor, record, editable=editable)
            case "difficulties":
                sections.difficulties(actor, record, editable=editable)
            case "contacts":
                sections.contacts(record)
            case _agreements:
                sections.agreements(actor, record, editable=editable)
