"""My desk: what is overdue and due, which enterprises have gone quiet, who contacted whom, the calendar's address."""

import streamlit as st

from crm.locale import _
from crm.model import Grade
from crm.reports import desk
from crm.reports.rankings import units as all_units
from crm.rules import QUIET_DAYS_BY_GRADE
from crm.ui import components as ui
from crm.ui import filters, session, shell, todo

LINES, QUIET_LINES, CONTACT_LINES = 15, 10, 10
PERIODS = {
    desk.Period.TODAY: _("Today"),
    desk.Period.WEEK: _("This week"),
    desk.Period.MONTH: _("This month"),
    desk.Period.LAST_MONTH: _("Last month"),
}

actor, db, today = session.current_actor(), session.database(), session.today()

caption = _("{day} · what is due, and who has not been contacted", day=today)
with ui.title_row(actor, _("My desk"), caption, printable=True):
    whose = todo.choose_whose(actor, {unit.id: unit.name for unit in all_units(db)})
counts = desk.count_due(db, actor, whose, today=today)
silent = desk.count_quiet(db, actor, whose, today=today)
for place, (when, words) in zip(st.columns(5), [*desk.WHEN_LABELS.items(), (None, _("Gone quiet"))], strict=True):
    with place:
        number = sum(n for (soon, _kind), n in counts.items() if soon is when) if when else silent
        ui.kpi(f"count_{when or 'quiet'}", words, f"{number:,}")

left, right = st.columns([3, 2])
with left, ui.card("due", _("To do")) as aside:
    with aside:
        when = filters.side_by_side(_("When"), list(desk.When), "when", desk.WHEN_LABELS.__getitem__, bare=True)
    kinds = st.pills(
        str(_("What sort")),
        list(desk.DueKind),
        selection_mode="multi",
        format_func=lambda k: str(desk.KIND_LABELS[k]),
        label_visibility="collapsed",
        **filters.kept("due_kind", desk.DueKind, desk.KIND_LABELS.__getitem__),
    )
    todo.undo_line(actor, db)
    total = sum(n for (soon, k), n in counts.items() if when in (None, soon) and (not kinds or k in kinds))
    if not total:
        ui.empty_state(
            _("Nothing is due."), _("Next steps with a date that you log with a contact appear here."), icon="task_alt"
        )
    else:
        listing = st.container(gap=None)
        page = ui.pager(total, page_size=LINES, key="due_page")
        found = desk.due(db, actor, whose, today=today, when=when, kinds=kinds, page=page, size=LINES)
        with listing:
            todo.due_lines(actor, db, found, today=today)

with right, ui.card("quiet", _("No contact for too long")) as aside:
    with aside:
        grade = filters.side_by_side(_("Grade"), list(Grade), "quiet_grade", str, bare=True)
    limits = {str(grade): days for grade, days in QUIET_DAYS_BY_GRADE.items() if grade}
    st.caption(
        str(
            _(
                "Longer than {a} days at grade A, {b} at B, {c} at C or without a grade.",
                a=limits["A"],
                b=limits["B"],
                c=limits["C"],
            )
        )
    )
    total = desk.count_quiet(db, actor, whose, today=today, grade=grade or "") if grade else silent
    if not total:
        ui.empty_state(_("Every enterprise was contacted in time."), icon="forum")
    else:
        listing = st.container(gap=None)
        page = ui.pager(total, page_size=QUIET_LINES, key="quiet_page")
        with listing:
            silent_ones = desk.quiet(db, actor, whose, today=today, grade=grade or "", page=page, size=QUIET_LINES)
            todo.quiet_lines(actor, silent_ones, today=today)

with ui.card("made", _("Who contacted whom")) as aside:
    with aside:
        period = filters.side_by_side(
            _("Period"), list(desk.Period), "period", PERIODS.__getitem__, default=desk.Period.WEEK, bare=True
        )
    since, until = desk.days_of(period, today)
    people = desk.contacts_by_person(db, actor, whose, since=since, until=until)
    if not people:
        ui.empty_state(_("No contact in this time."), _("Press N to log the first."), icon="forum")
    else:
        by_person, behind = st.columns([2, 3])
        with by_person:
            chosen = todo.people_table(people)
            st.caption(str(_("Choose a person to see their contacts alone.")))
        with behind:
            total = sum(person.contacts for person in people) if chosen is None else chosen.contacts
            listing = st.container()
            page = ui.pager(total, page_size=CONTACT_LINES, key="made_page")
            made = desk.contacts_made(
                db, actor, whose, since=since, until=until, by=chosen, page=page, size=CONTACT_LINES
            )
            with listing:
                picked = todo.contacts_table(made)
            if picked is not None:
                shell.go("enterprise", id=picked)

todo.calendar_card(actor, db)
