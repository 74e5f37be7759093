"""What the page of data quality is made of: where the units stand, the lines of findings, and the questions it asks."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from crm.actions.readiness import explain, submit_month, withdraw_explanation
from crm.errors import CrmError
from crm.locale import Message, _
from crm.model import Actor, SubmissionState, label
from crm.months import Month
from crm.permissions import Action, can, covers_unit
from crm.reports.checking import Finding, Severity
from crm.reports.readiness import (
    KIND_LABELS,
    FindingFilter,
    Tally,
    UnitReadiness,
    broken,
    count_listed,
    readiness,
    reminder,
    still_open,
    tallies,
)
from crm.rules import BLOCKING_WEIGHT, WARNING_WEIGHT, submission_deadline
from crm.store import Database
from crm.ui import components as ui
from crm.ui import forms, session, shell

_BROKEN_MINUTES = 10
STATE_TONES: dict[SubmissionState, ui.Tone] = {
    SubmissionState.ON_TIME: "green",
    SubmissionState.LATE: "orange",
    SubmissionState.AWAITED: "gray",
    SubmissionState.MISSING: "red",
}


def score_rule() -> Message:
    """Say in words how the score is worked out."""
    return _(
        "Score: 100 less the open findings for each hundred of the unit's projects and enterprises in work; a blocking"
        " one counts {blocking}, any other {warning}. What is explained no longer counts.",
        blocking=BLOCKING_WEIGHT,
        warning=WARNING_WEIGHT,
    )


def units_table(rows: Sequence[UnitReadiness]) -> UnitReadiness | None:
    """Draw where the units stand; returns the one that was clicked."""
    frame = pd.DataFrame(
        {
            "unit": [row.unit.name for row in rows],
            "state": [str(label(row.state)) for row in rows],
            "at": [_at(row) for row in rows],
            "by": [row.submission.submitted_by if row.submission else None for row in rows],
            "score": [None if row.score is None else float(row.score) for row in rows],
            "blocking": [row.blocking for row in rows],
            "monthly": [row.monthly for row in rows],
            "standing": [row.standing for row in rows],
            "explained": [row.explained for row in rows],
            "waiting": [row.waiting for row in rows],
        }
    )
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "unit": st.column_config.TextColumn(str(_("Unit")), width=110),
        "state": st.column_config.TextColumn(str(_("Report")), width=96),
        "at": st.column_config.TextColumn(str(_("Handed in")), width=130),
        "by": st.column_config.TextColumn(str(_("Handed in by")), width=80),
        "score": st.column_config.ProgressColumn(str(_("Score")), format="%.1f", min_value=0, max_value=100, width=120),
        "blocking": number(str(_("Blocking")), width=70),
        "monthly": number(str(_("Of this month")), width=80, help=str(_("Open findings that speak of this month"))),
        "standing": number(str(_("Others open")), width=80),
        "explained": number(str(_("Explained")), width=70),
        "waiting": number(str(_("Claims waiting")), width=80, help=str(_("Claims that wait for verification"))),
    }
    red = "color: #b0382b"
    late = {str(label(state)) for state in (SubmissionState.LATE, SubmissionState.MISSING)}
    styled = frame.style.map(lambda text: red if text in late else "", subset=["state"])
    styled = styled.map(lambda found: red if found else "", subset=["blocking"])
    picked = st.dataframe(
        styled,
        key="units",
        hide_index=True,
        column_order=list(columns),
        column_config=columns,
        height="content",
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-row",
    )
    chosen = picked.selection.rows if picked else []
    return rows[chosen[0]] if chosen and chosen[0] < len(rows) else None


def _at(row: UnitReadiness) -> str | None:
    return f"{session.local(row.submission.submitted_at):%Y-%m-%d %H:%M}" if row.submission else None


def counted_findings(actor: Actor, db: Database, month: Month, *, today: date) -> list[Tally]:
    """Return how much is found in a month within the reader's scope, counted anew once a record has changed.

    Which blocking checks find anything at all is asked every few minutes; those that do are counted anew as well.
    """
    blocking = session.remembered(("broken", today), lambda: broken(db, today=today), minutes=_BROKEN_MINUTES)
    return session.remembered(
        ("tallies", actor, month, today), lambda: tallies(db, actor, month, today=today, blocking=blocking)
    )


def state_tags(rows: Sequence[UnitReadiness]) -> None:
    """Draw how many units have handed in their month, late or not yet."""
    for state, tone in STATE_TONES.items():
        if number := sum(row.state is state for row in rows):
            ui.tag(f"{label(state)} {number}", tone)


def brief(actor: Actor, db: Database, month: Month, *, today: date) -> None:
    """Draw in one line how ready a month is, with the way to the page that tells more."""
    counted = counted_findings(actor, db, month, today=today)
    blocking, warnings = (
        count_listed(counted, FindingFilter(severity=severity, explained=False)) for severity in Severity
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="brief"):
        state_tags(readiness(db, actor, month, counted, today=today))
        words = _("{blocking} blocking, {warnings} to look at", blocking=blocking, warnings=warnings)
        st.caption(str(words), width="content")
        st.page_link(
            "pages/data_quality.py", label=str(_("Open data quality")), query_params={"quality_month": str(month)}
        )


def show_reminder(row: UnitReadiness, month: Month, *, today: date) -> None:
    """Show the words of a reminder (催报) to be copied into a message."""
    st.caption(str(_("Reminder to copy")))
    st.code(str(reminder(row, month, today=today)), language=None, wrap_lines=True)


def own_unit(actor: Actor, db: Database, row: UnitReadiness, month: Month, *, today: date) -> None:
    """Draw where one's own unit stands, with the way to hand the month in."""
    figures = (
        ("score", _("Score"), "—" if row.score is None else f"{float(row.score):.1f}"),
        ("blocking", _("Blocking"), f"{row.blocking:,}"),
        ("monthly", _("Of this month"), f"{row.monthly:,}"),
        ("standing", _("Others open"), f"{row.standing:,}"),
        ("waiting", _("Claims waiting"), f"{row.waiting:,}"),
    )
    for place, (key, words, value) in zip(st.columns(len(figures)), figures, strict=True):
        with place:
            ui.kpi(f"own_{key}", words, value)
    with ui.card("own", _("{unit}: the month {month}", unit=row.unit.name, month=month)) as aside:
        with aside:
            ui.tag(label(row.state), STATE_TONES[row.state])
        if row.submission:
            words = _("Handed in {at} by {who}", at=_at(row), who=row.submission.submitted_by)
            st.caption(ui.safe(f"{words} · {row.submission.note}" if row.submission.note else words))
        else:
            st.caption(str(_("To be handed in by {day}.", day=submission_deadline(month))))
        ended = month.last_day <= today
        if covers_unit(actor, Action.SUBMIT, row.unit.id) and ended:
            again = row.submission is not None
            words = _("Hand in again") if again else _("Hand in the month")
            if st.button(
                str(words), key="submit_month", type="secondary" if again else "primary", icon=":material/send:"
            ):
                _ask_submit(actor, db, row, month, today=today)


def _ask_submit(actor: Actor, db: Database, row: UnitReadiness, month: Month, *, today: date) -> None:
    forms.ask(
        _("Hand in {month}", month=month),
        [forms.Field("note", _("Note"), "long")],
        lambda said: submit_month(
            db, actor, row.unit.id, month, note=said["note"] or "", now=session.utc_now(), today=today
        ),
        do=_("Hand in"),
        done=_("{month} is handed in.", month=month),
        lead=_("Still open in {unit}: {open}.", unit=row.unit.name, open=still_open(row)),
    )


# ----------------------------------------------------------------------------------------------------------- findings


def finding_lines(actor: Actor, db: Database, found: Sequence[Finding], month: Month, *, today: date) -> None:
    """Draw findings one below the other, each with its record and what may be done about it."""
    for place, finding in enumerate(found):
        name = f"{finding.subject}_{finding.subject_id}_{place}"
        with st.container(horizontal=True, vertical_alignment="center", key=f"todo_finding_{name}"):
            with st.container(gap=None, key=f"todo_text_finding_{name}"):
                st.markdown(ui.safe(finding.message))
                _about(finding)
            with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
                if finding.severity is Severity.BLOCKING:
                    ui.tag(label(finding.severity), "red")
                elif finding.explanation is not None:
                    ui.tag(_("Explained"), "green", icon="check")
                else:
                    ui.tag(label(finding.severity), "orange")
                _buttons(actor, db, finding, month, name, today=today)


def _about(finding: Finding) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if finding.project_id is not None:
            _link("project", finding.project_id, _("Open the project"))
        elif finding.enterprise_id is not None:
            _link("enterprise", finding.enterprise_id, _("Open the enterprise"))
        words = " · ".join(filter(None, [finding.unit, str(KIND_LABELS[finding.code])]))
        st.caption(ui.safe(words), width="content")
    if finding.explanation is not None:
        said = _("Explained by {who}: {why}", who=finding.explained_by, why=finding.explanation)
        st.caption(ui.safe(said))


def _link(page: str, record_id: int, words: Message) -> None:
    st.page_link(f"pages/{page}.py", label=str(words), query_params={"id": str(record_id)})


def _buttons(actor: Actor, db: Database, finding: Finding, month: Month, name: str, *, today: date) -> None:
    may = covers_unit(actor, Action.EDIT, finding.unit_id)
    if may and finding.severity is not Severity.BLOCKING:
        if st.button(str(_("Explain")), key=f"explain_{name}", type="tertiary", icon=":material/chat:"):
            _ask_explain(actor, db, finding, month, today=today)
        if finding.explanation_id is not None and st.button(
            str(_("Take back")), key=f"withdraw_{name}", type="tertiary", icon=":material/undo:"
        ):
            _take_back(actor, db, finding.explanation_id)
    goal = mending_page(actor, finding)
    if goal and st.button(str(_("Mend")), key=f"mend_{name}", type="tertiary", icon=":material/edit:"):
        page, query = goal
        shell.go(page, **query)


def mending_page(actor: Actor, finding: Finding) -> tuple[str, dict[str, int]] | None:
    """Return the page on which a finding is mended, with what it is told; None where the reader can mend nothing."""
    by_subject = {
        "unit": ("units", Action.MANAGE_REFERENCE),
        "unit_alias": ("units", Action.MANAGE_REFERENCE),
        "target": ("targets", Action.ADJUST),
    }
    if finding.subject in by_subject:
        page, right = by_subject[finding.subject]
        return (page, {}) if can(actor, right) else None
    if not can(actor, Action.EDIT):
        return None
    if finding.code in ("duplicate_enterprise_name", "duplicate_credit_code"):
        return "duplicates", {}
    if finding.project_id is not None:
        return "project", {"id": finding.project_id}
    return ("enterprise", {"id": finding.enterprise_id}) if finding.enterprise_id is not None else None


def _ask_explain(actor: Actor, db: Database, finding: Finding, month: Month, *, today: date) -> None:
    span = (
        _("It counts for {month}; next month the finding is open again.", month=month)
        if finding.monthly
        else _("It counts until it is taken back.")
    )
    forms.ask(
        _("Explain a finding"),
        [forms.Field("content", _("Why it is as it is"), "long", finding.explanation or "")],
        lambda said: explain(
            db, actor, finding, month, content=said["content"] or "", now=session.utc_now(), today=today
        ),
        do=_("Explain"),
        done=_("The finding is explained."),
        lead=f"{finding.message} {span}",
    )


def _take_back(actor: Actor, db: Database, explanation_id: int) -> None:
    try:
        withdraw_explanation(db, actor, explanation_id, now=session.utc_now())
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        session.flash(_("The finding is open again."))
    st.rerun()
