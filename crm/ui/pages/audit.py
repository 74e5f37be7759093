"""The audit trail: who changed what, when, from which value to which; and whether the chain is whole."""

import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

from crm.exchange.audit_trail import export_audit
from crm.locale import _, listed
from crm.reports.audit import (
    PAGE_SIZE,
    AuditFilter,
    action_label,
    audit_entries,
    count_audit,
    describe,
    known_actors,
    subject_label,
    verify_chain,
)
from crm.reports.audit_words import ACTIONS, SUBJECTS
from crm.ui import components as ui
from crm.ui import filters, session

actor, db = session.current_actor(), session.database()
people = known_actors(db, actor)


def walk() -> None:
    """Walk the chain and keep the result for the page."""
    bar = st.progress(0.0, str(_("Reading the chain")))
    st.session_state["chain_state"] = verify_chain(db, actor, lambda share: None if bar.progress(share) else None)
    bar.empty()


with ui.title_row(
    actor, _("Audit trail"), _("Every change with its author, oldest value and newest value"), log_contact="none"
):
    controls = st.container(horizontal=True, width="content")
with ui.card("filters"):
    first, second = st.columns(3), st.columns(3)
    with first[0]:
        since = st.date_input(str(_("From")), None, format="YYYY-MM-DD", **filters.kept("since"))
    with first[1]:
        until = st.date_input(str(_("To")), None, format="YYYY-MM-DD", **filters.kept("until"))
    with first[2]:
        who = filters.any_of(
            _("Who"),
            list(people),
            "who",
            lambda login: f"{people[login]} ({login})" if login in people else login,
            accept_new_options=True,
        )
    with second[0]:
        action = filters.any_of(_("Action"), list(ACTIONS), "did", action_label)
    with second[1]:
        subject = filters.any_of(_("Kind of record"), list(SUBJECTS), "what", subject_label)
    with second[2]:
        number = st.text_input(str(_("Record number")), **filters.kept("record"))
wanted = AuditFilter(
    since=session.start_of_day(since) if since else None,
    until=session.start_of_day(until + pd.Timedelta(days=1)) if until else None,
    actor=who or "",
    action=action or "",
    subject=subject or "",
    subject_id=int(number) if number and number.strip().isdecimal() else None,
)
total = count_audit(db, actor, wanted)


def exported() -> bytes:
    """Return what the filter shows, all pages of it, as CSV."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.csv"
        export_audit(db, actor, wanted, path, local=session.local, now=session.utc_now())
        return path.read_bytes()


with controls:
    if total:
        stamp = f"{session.local(session.utc_now()):%Y%m%d-%H%M%S}"
        ui.download_button(_("Export"), exported, file_name=f"{_('Audit trail')}-{actor.login}-{stamp}.csv")
    verify = st.button(str(_("Verify the chain")), type="primary", icon=":material/verified_user:")
if verify:
    walk()
if chain := st.session_state.get("chain_state"):
    if chain.broken_at is None:
        st.success(str(_("The chain is whole, {count} entries.", count=f"{chain.entries:,}")), icon=":material/check:")
    else:
        st.error(
            ui.safe(_("The audit trail is broken at entry {entry}: {kind}.", entry=chain.broken_at, kind=chain.kind)),
            icon=":material/error:",
        )

with ui.card("entries", _("{total} entries", total=f"{total:,}")) as aside:
    with aside:
        filters.clear_button(("since", "until", "who", "did", "what", "record"))
    if not total:
        ui.empty_state(_("No entry fits."), _("Loosen the filters."), icon="history")
        st.stop()
    listing = st.container()
    page = ui.pager(total, page_size=PAGE_SIZE)
    entries = audit_entries(db, actor, wanted, page=page)
    changes = describe(db, entries, local=session.local)
    frame = pd.DataFrame(
        {
            "time": pd.Series([session.local(e.happened_at) for e in entries], dtype="datetime64[s]"),
            "who": [f"{e.actor_name} ({e.actor})" if e.actor_name else e.actor for e in entries],
            "action": [str(action_label(e.action)) for e in entries],
            "subject": [str(subject_label(e.subject)) for e in entries],
            "number": [str(e.subject_id or "") or None for e in entries],
            "fields": [listed(change.label for change in changes[e.id][:6]) or None for e in entries],
            "note": [e.note or None for e in entries],
        }
    )
    columns = {
        "time": st.column_config.DatetimeColumn(str(_("Time")), format="YYYY-MM-DD HH:mm:ss", width=150),
        "who": st.column_config.TextColumn(str(_("Who")), width=140),
        "action": st.column_config.TextColumn(str(_("Action")), width=100),
        "subject": st.column_config.TextColumn(str(_("Kind of record")), width=100),
        "number": st.column_config.TextColumn(str(_("Record number")), width=90),
        "fields": st.column_config.TextColumn(str(_("Fields")), width=300),
        "note": st.column_config.TextColumn(str(_("Note")), width=150),
    }
    with listing:
        chosen = ui.table(frame, columns, key="audit_table", on_select="rerun").selection.rows
if not chosen or chosen[0] >= len(entries):
    st.caption(str(_("Choose a row to see each field before and after.")))
    st.stop()
entry = entries[chosen[0]]
with ui.card("entry", _("Entry {entry}", entry=entry.id)):
    said = f"{session.local(entry.happened_at):%Y-%m-%d %H:%M:%S} · {entry.actor_name or entry.actor}"
    st.markdown(ui.safe(f"{said} · {action_label(entry.action)} · {subject_label(entry.subject)}"))
    if changes[entry.id]:
        frame = pd.DataFrame(
            [{"field": c.label, "before": c.before or None, "after": c.after or None} for c in changes[entry.id]]
        )
        ui.table(
            frame,
            {
                "field": st.column_config.TextColumn(str(_("Field")), width=160),
                "before": _("Before"),
                "after": _("After"),
            },
            key="entry_fields",
        )
    if entry.note:
        st.caption(ui.safe(_("Note: {note}", note=entry.note)))
    st.caption(ui.safe(_("Hash {hash}", hash=entry.hash)))
