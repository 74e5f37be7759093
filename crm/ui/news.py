"""News of an enterprise (投资动态): a card with the newest and a dialog that takes one, an entry of the timeline."""

import streamlit as st

from crm.actions.movements import change_movement, log_movement, withdraw_movement
from crm.errors import CrmError
from crm.locale import _
from crm.model import Actor, MovementDraft, MovementKind, label
from crm.permissions import Action, can
from crm.reports.contacts import NewsEntry, newest_news
from crm.ui import components as ui
from crm.ui import forms, session

_SHOWN = 3


def news_card(actor: Actor, enterprise_id: int) -> None:
    """Draw the card with an enterprise's newest news; all of it stands on the timeline."""
    found = newest_news(session.database(), actor, enterprise_id, limit=_SHOWN)
    with ui.card("news", _("News")) as aside:
        with aside:
            if can(actor, Action.EDIT) and st.button(
                str(_("Add")), key="news_add", icon=":material/add:", type="tertiary"
            ):
                _ask(actor, enterprise_id, None)
            if can(actor, Action.COMMENT) and st.button(
                str(_("Comment")), key="comment_add", icon=":material/add_comment:", type="tertiary"
            ):
                _ask_comment(actor, enterprise_id)
        for entry in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                ui.tag(label(MovementKind(entry.kind)), "orange")
                st.caption(str(entry.happened_on), width="content")
            st.text(entry.content)
        if not found:
            ui.empty_state(
                _("No news yet."), _("Expansion, relocation, financing: add what you hear."), icon="campaign"
            )


def news_entry(actor: Actor, enterprise_id: int, entry: NewsEntry) -> None:
    """Draw a piece of news as an entry of the timeline."""
    with st.container(border=True, key=f"news_{entry.id}"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"entry_head_{entry.id}"):
            kind = label(MovementKind(entry.kind))
            if entry.kind == MovementKind.COMMENT:
                ui.tag(kind, "orange", icon="comment")
            else:
                ui.tag(_("News · {kind}", kind=kind), "orange", icon="campaign")
            st.markdown(f"**{entry.happened_on}**", width="content")
            about = " · ".join(filter(None, (entry.source, entry.author)))
            st.caption(ui.safe(about or "—"), width="content")
            if entry.may_edit and st.button(str(_("Change")), key=f"news_change_{entry.id}", type="tertiary"):
                _ask(actor, enterprise_id, entry)
            if entry.may_withdraw and st.button(str(_("Take back")), key=f"news_off_{entry.id}", type="tertiary"):
                ui.confirm(
                    _("Take back the news"),
                    _("The news of {day} leaves the timeline. It cannot be brought back.", day=entry.happened_on),
                    do=_("Take back"),
                    action=lambda: _withdraw(actor, entry),
                )
        st.text(entry.content)


def _ask(actor: Actor, enterprise_id: int, entry: NewsEntry | None) -> None:
    db = session.database()
    kinds = {kind: label(kind) for kind in MovementKind if kind is not MovementKind.COMMENT}

    def save(values: dict[str, object]) -> None:
        draft = MovementDraft(**values)  # type: ignore[arg-type]
        given = {"now": session.utc_now(), "today": session.today()}
        if entry is None:
            log_movement(db, actor, enterprise_id, draft, **given)  # type: ignore[arg-type]
        else:
            change_movement(db, actor, entry.id, entry.version, draft, **given)  # type: ignore[arg-type]

    forms.ask(
        _("Add news") if entry is None else _("Change the news"),
        [
            forms.Field("happened_on", _("Date of the news"), "date", entry.happened_on if entry else session.today()),
            forms.Field("kind", _("Kind"), "choice", MovementKind(entry.kind) if entry else None, kinds),
            forms.Field("content", _("What is new"), "long", entry.content if entry else ""),
            forms.Field("source", _("Where it is from"), value=entry.source if entry else ""),
        ],
        save,
        do=_("Save"),
        done=_("The news is saved."),
    )


def _ask_comment(actor: Actor, enterprise_id: int) -> None:
    def save(values: dict[str, object]) -> None:
        today = session.today()
        draft = MovementDraft(today, MovementKind.COMMENT, str(values["content"]))
        log_movement(session.database(), actor, enterprise_id, draft, now=session.utc_now(), today=today)

    forms.ask(
        _("Comment"),
        [forms.Field("content", _("What the unit should know or do"), "long")],
        save,
        do=_("Save"),
        done=_("The comment is saved."),
    )


def _withdraw(actor: Actor, entry: NewsEntry) -> None:
    try:
        withdraw_movement(session.database(), actor, entry.id, entry.version, now=session.utc_now())
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        session.flash(_("The news was taken back."))
