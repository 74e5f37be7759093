"""The funnel of what entered, with the days it took."""

from collections.abc import Sequence
from datetime import date

import pandas as pd
import streamlit as st

from crm import charts
from crm.locale import Message, _
from crm.metrics import RuleSet, Withdrawn
from crm.model import Stage, label
from crm.reports.review import steps
from crm.reports.review.steps import TimedStep
from crm.ui import components as ui
from crm.ui import overview as dialogs
from crm.ui import session
from crm.ui.review.choices import Chosen


def show_steps(chosen: Chosen) -> None:
    """Draw how far what entered came, and in how many days."""
    db = session.database()
    at = steps.entered(chosen.first_month.first_day, chosen.as_of, chosen.as_of)
    found = session.remembered(
        ("steps", chosen.actor, at, chosen.rules, chosen.unit_ids),
        lambda: steps.timed_steps(db, chosen.actor, rules=chosen.rules, at=at, unit_ids=chosen.unit_ids),
    )
    rule = _rule(chosen.rules, at.w0, at.w1, chosen.as_of)
    if not found[0].count:
        with ui.card("none"):
            ui.empty_state(
                _("No project within your scope entered in these months."),
                _("Choose more months or other units above."),
                icon="filter_alt",
            )
        return
    left, right = st.columns([3, 2])
    with left, ui.card("steps", _("From lead to production, with the days it takes")):
        stage = _chart(found)
        st.caption(ui.safe(rule))
        st.caption(str(_("Only what lies within your scope. Click a stage to see its projects.")))
    with right, ui.card("steps_numbers", _("All numbers")):
        _table(found)
    if stage:
        dialogs.show_records(
            label(stage),
            rule,
            lambda page: steps.step_records(
                db, chosen.actor, stage, rules=chosen.rules, at=at, unit_ids=chosen.unit_ids, page=page
            ),
        )


def _rule(rules: RuleSet, first: date, last: date, as_of: date) -> Message:
    """Say in words what the funnel counts and how days are measured."""
    withdrawn = _("withdrawn ones left out") if rules.withdrawn is Withdrawn.DROP else _("withdrawn ones too")
    return _(
        "Projects that entered from {first} to {last}, {withdrawn}; each counts at every stage up to the furthest that"
        " its dates show on {as_of}. Contact is the first one with the investor from the day of entry on. Days are the"
        " median from the stage before, over the projects that have both dates in this order. Rule set “{name}” version"
        " {version}.",
        first=first,
        last=last,
        as_of=as_of,
        withdrawn=withdrawn,
        name=rules.name,
        version=rules.version,
    )


def _chart(found: Sequence[TimedStep]) -> Stage | None:
    """Draw how far projects came and how long it took; returns the stage that was just clicked."""
    names = {str(label(step.stage)): step.stage for step in found}
    frame = _frame(found)
    picked = dialogs.clicked(charts.timed_funnel(frame), key="steps", selection="step")
    return names.get(str(picked["stage"])) if picked else None


def _table(found: Sequence[TimedStep]) -> None:
    """Draw the numbers of the funnel."""
    frame = _frame(found)
    ui.table(
        frame.assign(conversion=frame["conversion"] * 100),
        {
            "stage": st.column_config.TextColumn(str(_("Stage")), width=70),
            "count": st.column_config.NumberColumn(str(_("Projects")), format="%,d", width=70),
            "conversion": st.column_config.NumberColumn(str(_("Conversion")), format="%.1f%%", width=80),
            "days": st.column_config.NumberColumn(str(_("Median days")), format="%.1f", width=90),
            "measured": st.column_config.NumberColumn(str(_("Projects measured")), format="%,d", width=90),
        },
        key="steps_table",
    )


def _frame(found: Sequence[TimedStep]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stage": [str(label(step.stage)) for step in found],
            "count": [step.count for step in found],
            "conversion": [None if step.conversion is None else float(step.conversion) for step in found],
            "days": [None if step.days is None else float(step.days) for step in found],
            "measured": [step.measured for step in found],
        }
    ).astype({"conversion": "float64", "days": "float64"})
