"""Projects at work: one set of filters in the address, and what they leave as list, board, roadmap or calendar."""

import streamlit as st

from crm import charts
from crm.locale import _
from crm.model import ProjectStatus, Stage, label
from crm.months import Month
from crm.permissions import Action, can
from crm.reports import projects, vocabulary
from crm.reports.projects import CONCERN_HINTS, CONCERN_LABELS, IN_WORK, SORTS, Concern, ProjectFilter
from crm.reports.rankings import units as all_units
from crm.ui import components as ui
from crm.ui import filters, project_dialogs, project_views, session, shell
from crm.ui.saved_views import saved_views

ALL_OF_A_DAY = 200
VIEWS = {"list": _("List"), "board": _("Board"), "roadmap": _("Roadmap"), "calendar": _("Calendar")}
STATUSES = {
    IN_WORK: _("In work"),
    str(ProjectStatus.ACTIVE): label(ProjectStatus.ACTIVE),
    str(ProjectStatus.STALLED): label(ProjectStatus.STALLED),
    str(ProjectStatus.WITHDRAWN): label(ProjectStatus.WITHDRAWN),
    "any": _("All, withdrawn ones too"),
}
SORT_LABELS = {
    "recent": _("Recently changed"),
    "amount": _("Planned investment"),
    "planned_start": _("Planned start"),
    "stage": _("Stage"),
    "name": _("Name"),
}

actor, db, today = session.current_actor(), session.database(), session.today()
industries, units = vocabulary.industry_names(db), {unit.id: unit.name for unit in all_units(db)}


with ui.title_row(actor, _("Projects"), _("From the first lead to production"), printable=True):
    view = filters.side_by_side(_("View"), list(VIEWS), "view", VIEWS.__getitem__, default="list", bare=True)
    saved_views(actor, "projects")
cards = st.container()
with ui.card("filters"):
    first = st.columns([2, 1, 1, 1, 1], vertical_alignment="bottom")
    with first[0]:
        text = st.text_input(
            str(_("Search")),
            type="search",
            icon=":material/search:",
            live=True,
            placeholder=str(_("Project, investor, pinyin initials or code")),
            **filters.kept("find_project"),
        )
    with first[1]:
        holder = filters.any_of(_("Unit"), list(units), "holder", units.__getitem__)
    with first[2]:
        chain = filters.any_of(_("Industry chain"), list(industries), "chain", industries.__getitem__)
    with first[3]:
        stage = filters.any_of(_("Stage"), list(Stage), "at_stage", label)
    with first[4]:
        status = filters.one_of(_("Status"), list(STATUSES), "status", STATUSES.__getitem__)
    with filters.more(("amount_from", "amount_to")):
        second = st.columns(4)
    with second[0]:
        amount_from = filters.amount(_("Planned from (10,000 yuan)"), "amount_from")
    with second[1]:
        amount_to = filters.amount(_("Planned up to (10,000 yuan)"), "amount_to")
    with second[2]:
        concern = filters.any_of(_("Needs attention"), list(Concern), "concern", CONCERN_LABELS.__getitem__)
    with second[3]:
        sort = filters.one_of(_("Order"), list(SORTS), "order", SORT_LABELS.__getitem__)

wanted = ProjectFilter(
    text=text or "",
    unit_id=holder,
    industry_id=chain,
    stage=stage or "",
    status="" if status == "any" else status or IN_WORK,
    amount_from=amount_from,
    amount_to=amount_to,
    concern=concern or "",
    sort=sort or "recent",
)
total = projects.count_projects(db, actor, wanted, today=today)
with cards:
    project_views.concern_cards(projects.concerns(db, actor, wanted, today=today), wanted.concern, key="concern")
    if concern:
        st.caption(str(CONCERN_HINTS[Concern(concern)]))

with ui.card("projects", _("{total} projects", total=f"{total:,}")) as aside:
    with aside:
        filters.clear_button(("find_project", "holder", "chain", "at_stage", "amount_from", "amount_to", "concern"))
        if can(actor, Action.CREATE) and st.button(str(_("New project")), key="new_project", icon=":material/add:"):
            project_dialogs.begin(actor)
    if not total:
        ui.empty_state(
            _("No project fits."),
            _("Loosen the filters, begin a project of an enterprise, or import the ledger of projects."),
            icon="account_tree",
        )
        st.stop()
    if view == "board":
        project_views.board(
            actor,
            projects.board(db, actor, wanted, today=today),
            today=today,
            show_all=lambda one: st.session_state.update(at_stage=one, view="list"),
        )
    elif view == "roadmap":
        drawing = st.container()
        page = ui.pager(total, page_size=projects.ROADMAP_SIZE, key="road_page")
        found = projects.roadmap(db, actor, wanted, today=today, page=page)
        with drawing:
            chart = charts.roadmap(found.bars, found.marks, today=today)
            clicked = st.altair_chart(chart, key="roadmap", on_select="rerun").selection.get("chosen")
        if clicked:
            shell.go("project", id=clicked[0]["id"])
    elif view == "calendar":
        months = [str(Month.of(today).plus(n)) for n in range(-24, 25)]
        month = filters.choose_month(months, index=24, key="on_month")
        span = dict(zip(("first_day", "last_day"), projects.month_span(month), strict=True))
        days = projects.calendar(db, actor, wanted, **span, today=today, per_day=6)
        project_views.calendar(days, **span, month=str(month), today=today)
        asked = next((day.on for day in days if str(day.on) == st.query_params.get("on_day")), None)
        if asked:
            st.markdown(f"**{asked}**")
            day = {"first_day": asked, "last_day": asked}
            project_views.day_list(*projects.calendar(db, actor, wanted, **day, today=today, per_day=ALL_OF_A_DAY))
    else:
        listing = st.container()
        page = ui.pager(total, page_size=projects.PAGE_SIZE)
        rows = projects.list_projects(db, actor, wanted, today=today, page=page)
        with listing:
            picked = project_views.table(rows, key="project_list")
        if picked is not None:
            shell.go("project", id=picked)
