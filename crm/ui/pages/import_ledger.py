"""Import a ledger: choose what it is, drop the file, look at what would happen, commit; take a batch back."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from crm.errors import CrmError
from crm.exchange.columns import KINDS
from crm.exchange.importing import Plan, commit_import, plan_import, revert_import
from crm.exchange.reporting import report_path, write_report
from crm.exchange.templates import write_template
from crm.locale import _
from crm.permissions import Action, can
from crm.reports.imports import Batch, recent_batches
from crm.ui import components as ui
from crm.ui import filters, session
from crm.ui.proposals import batch_words

ACTIONS = {
    "new": _("New"),
    "updated": _("Updated"),
    "unchanged": _("Unchanged"),
    "rejected": _("Rejected"),
}
PREVIEW = 200
LEDGERS = {
    "enterprises": _("Enterprises"),
    "contacts": _("Contact people"),
    "followups": _("Contacts logged"),
    "opportunities": _("Opportunities"),
    "projects": _("Projects"),
    "agreements": _("Agreements"),
    "transfers": _("Transfers between units"),
    "funds": _("Fund arrivals"),
    "milestones": _("Milestones"),
    "commitments": _("Commitments"),
    "targets": _("Targets"),
    "adjustments": _("Adjustments"),
}

actor, db = session.current_actor(), session.database()
state = st.session_state

with ui.title_row(
    actor, _("Excel import"), _("Nothing is written before you have seen what would happen"), log_contact="secondary"
):
    pass


def progress_bar(words: str) -> tuple[Any, Callable[[float], None]]:
    """Draw a progress bar; returns it and the function that moves it."""
    bar = st.progress(0.0, words)

    def tell(share: float) -> None:
        bar.progress(share, words)

    return bar, tell


def read(kind: str, name: str, content: bytes) -> Plan:
    """Judge an uploaded file, showing how far it is; the file is gone again afterwards."""
    bar, tell = progress_bar(str(_("Reading {file}", file=name)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        try:
            return plan_import(db, actor, kind, path, today=session.today(), progress=tell)
        finally:
            bar.empty()


def template_of(kind: str) -> bytes:
    """Return the empty workbook of a kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.xlsx"
        write_template(kind, path, database=db)
        return path.read_bytes()


def report_of(plan: Plan) -> bytes:
    """Return the user's own sheet with a column of reasons."""
    with tempfile.TemporaryDirectory() as folder:
        path = report_path(plan, Path(folder))
        write_report(plan, path)
        return path.read_bytes()


def start_over() -> None:
    """Let go of the file, so that another may be dropped."""
    state.pop("plan", None)
    state["upload_number"] = state.get("upload_number", 0) + 1


with ui.card("file", _("Ledger")):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(
            str(_("What the ledger holds")),
            list(KINDS),
            format_func=lambda slug: str(LEDGERS[slug]),
            **filters.kept("kind", KINDS, LEDGERS.__getitem__),
            on_change=start_over,
            width=220,
        )
        ui.download_button(_("Template"), partial(template_of, kind), file_name=f"{KINDS[kind].title}.xlsx")
    upload = st.file_uploader(
        str(_("An .xlsx, .xls or .csv file")),
        type=["xlsx", "xls", "csv"],
        key=f"upload_{state.get('upload_number', 0)}",
    )
    if upload is not None and state.get("plan_of") != (kind, upload.file_id):
        state.pop("plan", None)
        try:
            state["plan"] = read(kind, upload.name, upload.getvalue())
        except CrmError as error:
            st.error(ui.safe(error), icon=":material/error:")
        else:
            state["plan_of"] = (kind, upload.file_id)

plan: Plan | None = state.get("plan") if upload is not None else None
if plan is not None:
    with ui.card("preview", _("What would happen")):
        figures = st.columns(5)
        counts = {"new": plan.new, "updated": plan.updated, "unchanged": plan.unchanged, "rejected": plan.rejected}
        for place, (action, count) in zip(figures, counts.items(), strict=False):
            place.metric(str(ACTIONS[action]), f"{count:,}")
        figures[4].metric(str(_("Warnings")), f"{plan.warnings:,}")
        if plan.unknown_columns:
            st.warning(ui.safe(_("Columns that are not read: {columns}", columns="、".join(plan.unknown_columns))))
        only = st.segmented_control(
            str(_("Show")),
            list(counts),
            format_func=lambda action: str(ACTIONS[action]),
            key="only",
            label_visibility="collapsed",
        )
        rows = plan.preview(PREVIEW, only=only)
        listed = [
            {
                str(_("Row")): r.number,
                str(_("Outcome")): str(ACTIONS[r.action]),
                str(_("Reason")): "；".join(r.reasons),
                **r.cells,
            }
            for r in rows
        ]
        if listed:
            st.dataframe(
                pd.DataFrame(listed), key="rows", hide_index=True, height=min(440, 40 + 36 * len(listed)), row_height=36
            )
            if plan.rows > len(listed) and only is None:
                st.caption(str(_("The first {count} of {total} rows.", count=len(listed), total=f"{plan.rows:,}")))
        else:
            ui.empty_state(_("No such rows."), icon="table_rows")
        with st.container(horizontal=True, vertical_alignment="center"):
            changes = plan.new + plan.updated
            if st.button(
                str(_("Import {count} rows", count=f"{changes:,}")),
                key="commit",
                type="primary",
                disabled=not changes,
                icon=":material/check:",
            ):
                _bar, tell = progress_bar(str(_("Writing")))
                try:
                    result = commit_import(db, actor, plan, now=session.utc_now(), progress=tell)
                except CrmError as error:
                    st.error(ui.safe(error), icon=":material/error:")
                else:
                    session.flash(_("Imported: {new} new, {updated} updated.", new=result.new, updated=result.updated))
                    start_over()
                    st.rerun()
            if plan.rejected or plan.warnings:
                ui.download_button(
                    _("Your sheet with the reasons"), partial(report_of, plan), file_name=report_path(plan, Path()).name
                )
            st.button(str(_("Another file")), key="start_over", on_click=start_over, type="tertiary")


def take_back(batch: Batch) -> None:
    """Take a batch back and say so."""
    try:
        revert_import(db, actor, batch.id, now=session.utc_now())
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        session.flash(_("Batch {batch} was taken back.", batch=batch.id))


may_match = can(actor, Action.EDIT) or can(actor, Action.ASSIGN)
with ui.card("batches", _("Recent imports")):
    batches = recent_batches(db, actor)
    for batch in batches:
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"b_{batch.id}"
        ):
            words = _(
                "{kind} · {file} · {new} new, {updated} updated, {rejected} rejected",
                kind=LEDGERS[batch.kind],
                file=batch.file_name,
                new=batch.new_count,
                updated=batch.updated_count,
                rejected=batch.rejected_count,
            )
            st.markdown(ui.safe(words), width="content")
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                st.caption(
                    f"{session.local(batch.created_at):%Y-%m-%d %H:%M} · {ui.safe(batch.created_by)}", width="content"
                )
                if batch.kind == "enterprises" and batch.reverted_at is None and may_match:
                    st.page_link(
                        "pages/matching.py",
                        label=str(_("Match them with segments")),
                        icon=":material/join_inner:",
                        query_params={"batch": batch_words(batch)},
                    )
                if batch.reverted_at is not None:
                    ui.tag(_("Taken back"))
                elif st.button(str(_("Take back")), key=f"revert_{batch.id}", type="tertiary"):
                    ui.confirm(
                        _("Take the import back?"),
                        _("What batch {batch} made is removed, what it changed is restored.", batch=batch.id),
                        do=_("Take back"),
                        action=lambda batch=batch: take_back(batch),  # type: ignore[misc]
                    )
    if not batches:
        ui.empty_state(_("No imports yet."), _("Take the template, or drop your own ledger above."), icon="upload_file")
