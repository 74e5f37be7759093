"""One enterprise: what it is, its people, its projects, and the timeline of contacts."""

import streamlit as st

from crm.locale import _
from crm.model import YUAN_PER_WAN, Stage, label
from crm.permissions import Action, can
from crm.reports.enterprises import enterprise_record, put_away
from crm.ui import components as ui
from crm.ui import project_dialogs, records, session, shell, tables
from crm.ui.attachments import attachments
from crm.ui.contact_people import contact_people_card
from crm.ui.enterprise_forms import enterprise_menu, put_away_card
from crm.ui.news import news_card
from crm.ui.timeline import draw_timeline
from crm.ui.timetable import timetable

actor, db = session.current_actor(), session.database()
asked = st.query_params.get("id", "")
if not asked.isdecimal():
    ui.empty_state(_("Choose an enterprise in the directory."), icon="domain")
    st.stop()
enterprise_id = int(asked)
away = put_away(db, actor, enterprise_id)
if away is not None and away.merged_into_id is not None:
    session.flash(_("“{name}” was merged into this enterprise.", name=away.name))
    shell.go("enterprise", id=away.merged_into_id)
if away is not None:
    put_away_card(actor, away)
    st.stop()
record = enterprise_record(db, actor, enterprise_id)
fields = record.fields

code = fields["credit_code"] or _("No credit code")
with ui.title_row(actor, fields["name"], code, printable=True, enterprise_id=enterprise_id):
    enterprise_menu(actor, record)


def amount(value: object) -> str:
    """Show 元 as 万元."""
    return "—" if value is None else f"{value / YUAN_PER_WAN:,.0f}"  # type: ignore[operator]


left, right = st.columns([3, 2])
with right:
    with ui.card("facts", _("Facts")):
        records.facts(
            {
                _("Also known as"): "、".join(record.aliases),
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
                _("Address"): fields["address"],
                _("Liaison leader"): fields["liaison_leader"],
                _("Tags"): fields["tags"],
                _("Note"): fields["note"],
            }
        )
    contact_people_card(actor, record)
    news_card(actor, enterprise_id)
    with ui.card("projects", _("Projects")) as aside:
        if can(actor, Action.CREATE):
            with aside:
                if st.button(str(_("New project")), key="new_project", type="tertiary", icon=":material/add:"):
                    project_dialogs.begin(actor, (enterprise_id, fields["name"]))
        if record.projects.empty:
            ui.empty_state(_("No project yet."), icon="folder")
        else:
            shown = record.projects.copy()
            shown["stage"] = [str(label(Stage(stage))) for stage in shown["stage"]]
            tables.project_table(shown, key="projects")
    with ui.card("files", _("Files")):
        attachments(actor, "enterprise", enterprise_id)

with left:
    timetable(actor, db, enterprise_id)
    draw_timeline(actor, db, enterprise_id)
