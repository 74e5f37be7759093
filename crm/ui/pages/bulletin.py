"""The bulletin of a month: how it will look on paper, its texts, and the files of it."""

from functools import partial

import streamlit as st

from crm.exchange.bulletin import MEDIA_TYPES, export_bulletin, file_name, preview_pages
from crm.locale import _
from crm.months import Month
from crm.permissions import Action, can
from crm.reports.bulletin_figures import kept_bulletin
from crm.reports.bulletin_texts import month_texts
from crm.reports.bulletins import bulletin, draft_bulletin
from crm.reports.closes import closes
from crm.reports.rule_sets import list_rule_sets
from crm.ui import components as ui
from crm.ui import filters, session
from crm.ui.bulletin_texts import edit_texts

actor, db, today = session.current_actor(), session.database(), session.today()
months = [str(Month.of(today).plus(-n)) for n in range(36)]
rule_sets = {stored.rules.name: stored.rules for stored in list_rule_sets(db)}

header = st.container()
with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
    month = filters.choose_month(months, index=1)
    editions = {close.id: close for close in closes(db, month)}
    is_open = all(close.reopened_at for close in editions.values())
    names = {
        **({0: str(_("Draft"))} if is_open else {}),
        **{
            close.id: str(_("Closed on {day}", day=f"{session.local(close.closed_at):%Y-%m-%d %H:%M}"))
            for close in editions.values()
        },
    }
    chosen = next(iter(names))
    if len(names) > 1:
        chosen = st.selectbox(
            str(_("Edition")), list(names), format_func=lambda n: names[n], key=f"edition_{month}", width=250
        )
    rules = rule_sets["default"]
    if not chosen and len(rule_sets) > 1:
        rules = filters.choose_rules(rule_sets)
close = editions.get(chosen)
last = next(iter(editions.values()), None)

about = _("What is published of a month, as Word, PDF and Excel")
with header, ui.title_row(actor, _("Bulletin"), about, log_contact="secondary"):
    pass
with st.spinner(str(_("Setting the pages"))):
    document = session.remembered(
        ("bulletin", actor, month, chosen, rules),
        lambda: bulletin(db, actor, close) if close else draft_bulletin(db, actor, month, rules=rules),
    )
    pages = preview_pages(document)

with ui.card("state"), st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if close and not close.reopened_at:
            ui.tag(_("Final edition"), "green", icon="lock")
            said = _(
                "Closed on {day} by {who}, as of {as_of}. The numbers are those published.",
                day=f"{session.local(close.closed_at):%Y-%m-%d}",
                who=close.closed_by,
                as_of=close.as_of,
            )
        elif last and last.reopened_at:
            ui.tag(_("Reopened"), "orange", icon="lock_open")
            said = _(
                "Reopened on {day} by {who}: {reason}",
                day=f"{session.local(last.reopened_at):%Y-%m-%d}",
                who=last.reopened_by,
                reason=last.reopen_reason,
            )
        else:
            ui.tag(_("Draft"), "gray", icon="edit_document")
            said = _("The month is not closed: every page says that this is a draft, and the numbers may still change.")
        st.caption(ui.safe(said), width="content")
        if document.corrections:
            words = _("It corrects {count} numbers of earlier months.", count=document.corrections)
            st.caption(str(words), width="content")
    with st.container(horizontal=True, width="content", key="downloads"):
        for ending, label in (("docx", "Word"), ("pdf", "PDF"), ("xlsx", "Excel")):
            ui.download_button(
                label,
                partial(export_bulletin, db, actor, document, ending, now=session.utc_now()),
                file_name=file_name(month, ending, draft=bool(document.draft_note)),
                media_type=MEDIA_TYPES[ending],
            )

may_word = can(actor, Action.CLOSE)
columns = st.columns([3, 2] if may_word else [1, 4, 1])
with columns[0 if may_word else 1], ui.card("preview", _("{count} pages", count=len(pages))):
    with st.container(height=1000, key="pages", border=False):
        for page in pages:
            st.image(page, width="stretch")
if may_word:
    with columns[1], ui.card("texts", _("Texts")):
        edit_texts(actor, month, month_texts(db, month, kept_bulletin(db, close)[1] if close else None))
