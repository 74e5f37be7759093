"""Signing cohorts."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

import streamlit as st

from crm import charts
from crm.locale import Message, _
from crm.metrics import Basis, RuleSet
from crm.model import YUAN_PER_YI, label
from crm.reports.review import cohorts
from crm.reports.review.cohorts import Cohort, Part, cohort_frame
from crm.ui import components as ui
from crm.ui import filters, session
from crm.ui import overview as dialogs
from crm.ui.review.choices import Chosen


def show_cohorts(chosen: Chosen) -> None:
    """Draw what share of each cohort had started by an age."""
    db = session.database()
    counts = session.remembered(
        ("cohorts", chosen.as_of, chosen.rules),
        lambda: cohorts.cohort_counts(db, as_of=chosen.as_of, rules=chosen.rules),
    )
    halves, part = _options()
    found = cohorts.cohorts(counts, unit_ids=chosen.unit_ids, basis=chosen.basis, halves=halves)
    if not found:
        with ui.card("none"):
            ui.empty_state(
                _("Nothing was signed here yet."), _("Choose other units or another month above."), icon="grid_on"
            )
        return
    left, right = st.columns(2)
    rule = _rule(chosen.rules, chosen.as_of)
    with left, ui.card("cohorts", _("Started so many months after signing")):
        picked = _table(found, chosen.rules, chosen.basis)
        st.caption(ui.safe(rule))
        if chosen.basis is Basis.AMOUNT:
            st.caption(str(_("Planned investment, N/D in ¥100m.")))
    with right, ui.card("curves", _("The cohorts beside each other")):
        _curves(found, chosen.rules)
    if picked and chosen.reads:
        cohort, age = picked
        dialogs.show_records(
            _title(cohort, age),
            rule,
            lambda page: cohorts.cohort_records(
                db,
                chosen.actor,
                cohort,
                age,
                part=Part(part),
                as_of=chosen.as_of,
                rules=chosen.rules,
                unit_ids=chosen.unit_ids,
                page=page,
            ),
            day=_("Signing date"),
        )


def _options() -> tuple[bool, Part]:
    """Ask whether cohorts are half-years, and which projects a click lists."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="cohort_options"):
        part = filters.side_by_side(_("A click lists"), list(Part), "cohort_part", label, default=Part.ALL)
        halves = st.toggle(str(_("By half-years")), **filters.kept("halves"))
    return bool(halves), Part(part)


def _rule(rules: RuleSet, as_of: date) -> Message:
    """Say in words what a cohort's share is."""
    return _(
        "Share of the projects signed in a year that started within so many months of signing and are not withdrawn."
        " D: those that are so old on {as_of}; “—”: none is yet. {withdrawn}. Rule set “{name}” version {version}.",
        as_of=as_of,
        withdrawn=label(rules.withdrawn),
        name=rules.name,
        version=rules.version,
    )


def _table(found: Sequence[Cohort], rules: RuleSet, basis: Basis) -> tuple[tuple[int, int | None], int] | None:
    """Draw cohorts by age; returns ((year, half), age) of a clicked cell."""
    frame = cohort_frame(found, rules)

    def signed(cohort: Cohort) -> str:
        if basis is Basis.COUNT:
            return str(_("{cohort} · {count} signed", cohort=cohort.name, count=f"{cohort.signed:,}"))
        amount = f"{float(Fraction(cohort.signed) / Fraction(YUAN_PER_YI)):,.1f}"
        return str(_("{cohort} · {amount} signed (¥100m)", cohort=cohort.name, amount=amount))

    words = {cohort.name: signed(cohort) for cohort in found}
    shown = frame.assign(cohort=[words[name] for name in frame["cohort"]])
    picked = dialogs.clicked(charts.cohort_table(shown), key="cohort_table", selection="cell")
    return ((int(picked["year"]), int(picked["half"]) or None), int(picked["age"])) if picked else None


def _curves(found: Sequence[Cohort], rules: RuleSet) -> None:
    """Draw the same as curves."""
    frame = cohort_frame(found, rules)
    if frame["share"].notna().any():
        st.altair_chart(charts.cohort_curves(frame), key="cohort_curves")
    else:
        ui.empty_state(_("No cohort is old enough yet."), icon="hourglass_empty")


def _title(cohort: tuple[int, int | None], age: int) -> Message:
    """Name a cell of the cohorts."""
    name = Cohort(*cohort, 0, {}).name
    return _("Signed in {cohort}, {months} months after", cohort=name, months=age)
