"""Closing a month: what still stands in the way, the ranking as published, and what has come to differ since."""

from functools import partial

import streamlit as st

from crm.actions.closes import close_month, reopen_month
from crm.locale import _
from crm.metrics import Basis
from crm.model import label
from crm.months import Month
from crm.permissions import Action, can
from crm.reports import rankings
from crm.reports.closes import Close, changes_since, closes, numbers_frame, published, records_frame
from crm.reports.findings import blocking_findings
from crm.reports.rule_sets import list_rule_sets
from crm.ui import components as ui
from crm.ui import filters, forms, readiness, session, tables

MOST_NAMED = 50

actor, db, today = session.current_actor(), session.database(), session.today()
# The month that is due is the last one that has ended.
due = Month.of(today).plus(-1)
months = [str(due.plus(-n)) for n in range(36)]
rule_sets = {stored.rules.name: stored.rules for stored in list_rule_sets(db)}
may_close = can(actor, Action.CLOSE)

header = st.container()
month = filters.choose_month(months, key="closing_month")
of_month = closes(db, month)
current = next((close for close in of_month if close.reopened_at is None), None)


def ask_close(blocking: int) -> None:
    """Ask under which rules the month is closed, and for a reason where findings are open."""
    reason = forms.Field("override", _("Why it is closed with findings open"), "long")
    forms.ask(
        _("Close {month}", month=month),
        [
            forms.Field("rules", _("Rule set"), "choice", next(iter(rule_sets)), {name: name for name in rule_sets}),
            forms.Field("basis", _("Basis"), "choice", Basis.COUNT, {basis: str(label(basis)) for basis in Basis}),
            *([reason] if blocking else []),
        ],
        lambda said: close_month(
            db,
            actor,
            month,
            rules=rule_sets[said["rules"] or next(iter(rule_sets))],
            basis=Basis(said["basis"] or Basis.COUNT),
            override=said.get("override") or "",
            now=session.utc_now(),
            today=today,
        ),
        do=_("Close the month"),
        done=_("{month} is closed.", month=month),
        lead=_("The ranking and the projects behind each number are kept as they are now, and never change again."),
    )


def ask_reopen() -> None:
    """Ask why the month is opened again."""
    forms.ask(
        _("Reopen {month}", month=month),
        [forms.Field("reason", _("Reason"), "long")],
        lambda said: reopen_month(db, actor, month, reason=said["reason"] or "", now=session.utc_now()),
        do=_("Reopen"),
        done=_("{month} is open again.", month=month),
        lead=_("What was published stays; the next close is kept beside it."),
    )


def say_who(close: Close) -> None:
    """Say who closed the month, when, and under which rules."""
    words = _(
        "Closed {at} by {who} · rule set “{rules}” version {version} · {basis}",
        at=f"{session.local(close.closed_at):%Y-%m-%d %H:%M}",
        who=close.closed_by,
        rules=close.rules.name,
        version=close.rules.version,
        basis=label(close.basis),
    )
    st.caption(ui.safe(words))
    if close.override_reason:
        count = close.blocking_findings
        st.caption(
            ui.safe(_("With {count} findings open, because: {reason}", count=count, reason=close.override_reason))
        )
    if close.reopened_at:
        st.caption(
            ui.safe(
                _(
                    "Reopened {at} by {who}: {reason}",
                    at=f"{session.local(close.reopened_at):%Y-%m-%d %H:%M}",
                    who=close.reopened_by,
                    reason=close.reopen_reason,
                )
            )
        )


with (
    header,
    ui.title_row(
        actor,
        _("Monthly close"),
        _("As of {day} · {state}", day=month.last_day, state=_("closed") if current else _("open")),
        log_contact="secondary",
        printable=True,
    ),
):
    if current and may_close and st.button(str(_("Reopen")), key="reopen"):
        ask_reopen()

if current is None:
    blocking = session.remembered(("blocking", today), lambda: blocking_findings(db, today=today))
    with ui.card("readiness", _("Before the month is closed")):
        if not may_close:
            ui.empty_state(_("{month} has not been closed yet.", month=month), icon="lock_open")
        else:
            readiness.brief(actor, db, month, today=today)
        if may_close and blocking:
            words = _(
                "{count} findings keep the month from being closed: mend them, or give a reason.", count=len(blocking)
            )
            st.warning(ui.safe(words), icon=":material/warning:")
            with st.container(gap=None):
                readiness.finding_lines(actor, db, blocking[:MOST_NAMED], month, today=today)
        elif may_close:
            st.success(str(_("Nothing stands in the way.")), icon=":material/check_circle:")
        if may_close and st.button(
            str(_("Close {month}", month=month)), key="close", type="primary", icon=":material/lock:"
        ):
            ask_close(len(blocking))
else:
    told = published(db, current)
    with ui.card("published", _("The ranking as published")):
        say_who(current)
        frame = rankings.ranking_frame([told], rankings.activity(db, current.rules.period(month)))
        tables.ranking_table(frame, slugs=tables.MAIN_RATES, key="published_table")
    since = session.remembered(("changes", actor, current.id), partial(changes_since, db, actor, current))
    with ui.card("changes", _("Published vs now")):
        if not since.numbers and not since.records and not since.adjustments:
            ui.empty_state(_("Every number would be the same today."), icon="task_alt")
        else:
            st.caption(str(_("Under the same rules and cut-off date, these numbers would be others today.")))
            tables.number_changes_table(numbers_frame(since), key="numbers")
            st.caption(str(_("The projects that the differences come from")))
            tables.record_changes_table(records_frame(since), key="records")
            if since.hidden:
                st.caption(str(_("{count} changed projects are outside your scope.", count=since.hidden)))
            for adjustment in since.adjustments:
                st.caption(
                    ui.safe(
                        _(
                            "{unit}: an adjustment of {points} points ({reason}), changed {at} by {who}",
                            unit=adjustment.unit,
                            points=f"{adjustment.points:+f}",
                            reason=adjustment.reason,
                            at=f"{session.local(adjustment.changed_at):%Y-%m-%d %H:%M}",
                            who=adjustment.changed_by,
                        )
                    )
                )
earlier = [close for close in of_month if close.reopened_at is not None]
if earlier:
    with ui.card("earlier", _("Published earlier")):
        for close in earlier:
            say_who(close)
