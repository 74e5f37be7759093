"""The timeline of an enterprise: its contacts and news, newest first, and what a person may still do about each."""

import streamlit as st

from crm.actions.followups import may_change, withdraw_follow_up
from crm.errors import CrmError
from crm.locale import _
from crm.model import Actor, Method, label
from crm.permissions import Action, can
from crm.reports.contacts import PER_PAGE, ContactEntry, NewsEntry, count_timeline, timeline
from crm.store import Database
from crm.ui import components as ui
from crm.ui import session, shell
from crm.ui.attachments import file_links
from crm.ui.news import news_entry


def draw_timeline(actor: Actor, db: Database, enterprise_id: int) -> None:
    """Draw the card with the timeline of an enterprise, a page of it at a time."""
    contacts, news = count_timeline(db, actor, enterprise_id)
    title = (
        _("Timeline · {count} contacts, {news} news", count=contacts, news=news)
        if news
        else _("Timeline · {count} contacts", count=contacts)
    )
    with ui.card("timeline", title):
        page = ui.pager(contacts + news, page_size=PER_PAGE) if contacts + news > PER_PAGE else 1
        for entry in timeline(db, actor, enterprise_id, page=page):
            if isinstance(entry, NewsEntry):
                news_entry(actor, enterprise_id, entry)
            else:
                contact_entry(actor, db, entry)
        if not contacts:
            ui.empty_state(_("No contact yet."), _("Press N to log the first."), icon="forum")
            if can(actor, Action.CREATE) and st.button(str(_("Log the first contact")), key="first"):
                shell.go("log_contact", enterprise=enterprise_id)


def contact_entry(actor: Actor, db: Database, entry: ContactEntry) -> None:
    """Draw a contact as an entry of the timeline."""
    with st.container(border=True, key=f"contact_{entry.id}"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"entry_head_{entry.id}"):
            ui.tag(str(label(Method(entry.method))), "blue")
            st.markdown(f"**{entry.happened_on}**", width="content")
            st.caption(ui.safe(f"{entry.unit} · {entry.author}"), width="content")
            if entry.corrects_on is not None:
                ui.tag(_("Corrects the contact of {day}", day=entry.corrects_on), "orange")
            if entry.corrected:
                ui.tag(_("Corrected later"), "gray")
            if entry.may_edit:
                _acts(actor, db, entry)
        st.text(entry.content)
        _about(entry)
        if entry.next_step:
            _next_step(entry)
        if entry.files:
            file_links(entry.files)


def _about(entry: ContactEntry) -> None:
    """Draw what else is known of a contact: who took part, what came of it, what holds it up, its project."""
    known = [
        (entry.our_people, _("Ours: {people}", people=entry.our_people)),
        (entry.their_people, _("Theirs: {people}", people=entry.their_people)),
        (entry.outcome, _("Outcome: {words}", words=entry.outcome)),
        (entry.difficulty, _("Difficulty: {words}", words=entry.difficulty)),
    ]
    words = " · ".join(str(said) for value, said in known if value)
    if not words and entry.project_id is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"entry_about_{entry.id}"):
        if words:
            st.caption(ui.safe(words), width="content")
        if entry.project_id is not None:
            st.page_link(
                "pages/project.py",
                label=ui.safe(entry.project),
                icon=":material/account_tree:",
                query_params={"id": str(entry.project_id)},
            )


def _next_step(entry: ContactEntry) -> None:
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


def _acts(actor: Actor, db: Database, entry: ContactEntry) -> None:
    """Draw what may be done: one's own is changed or taken back for a day, afterwards a further contact corrects it."""
    is_own, is_fresh = entry.created_by == actor.login, may_change(entry.created_at, now=session.utc_now())
    if is_fresh and is_own and st.button(str(_("Change")), key=f"change_{entry.id}", type="tertiary"):
        shell.go("log_contact", change=entry.id)
    if is_fresh and entry.may_withdraw and st.button(str(_("Take back")), key=f"withdraw_{entry.id}", type="tertiary"):
        ui.confirm(
            _("Take back a contact"),
            _(
                "The contact of {day} leaves the timeline, the to-dos and the counts, with its next step and files."
                " It cannot be brought back.",
                day=entry.happened_on,
            ),
            do=_("Take back"),
            action=lambda: _withdraw(actor, db, entry),
        )
    if not (is_fresh and is_own) and st.button(str(_("Correct")), key=f"correct_{entry.id}", type="tertiary"):
        shell.go("log_contact", correct=entry.id)


def _withdraw(actor: Actor, db: Database, entry: ContactEntry) -> None:
    try:
        withdraw_follow_up(db, actor, entry.id, entry.version, reason="", now=session.utc_now())
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        session.flash(_("The contact was taken back."))
