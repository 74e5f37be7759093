"""Verifying what units claim: the queue with evidence and files, and every rate as claimed beside as verified."""

import streamlit as st

from crm.locale import _
from crm.model import label
from crm.permissions import Action, can
from crm.reports import rankings
from crm.reports import verification as reports
from crm.reports.desk import sees_many_units
from crm.reports.verification import KINDS, ClaimFilter, State, kind_label
from crm.ui import components as ui
from crm.ui import filters, session, verification
from crm.ui.verified_rates import comparison

PARTS = {"queue": _("Claims"), "compare": _("Claimed and verified")}
DAYS = (0, 15, 30, 60, 90)
FILTERS = ("claim_text", "claim_unit", "claim_kinds", "claim_days")

actor, db, today = session.current_actor(), session.database(), session.today()
units = rankings.units(db)


def queue() -> None:
    """Draw the claims by state, what is done with the chosen ones, and how many each unit has."""
    cards = st.columns(3)
    with ui.card("filters"):
        many = sees_many_units(actor)
        places = iter(st.columns([2, 1, 2, 1] if many else [2, 2, 1], vertical_alignment="bottom"))
        with next(places):
            text = st.text_input(
                str(_("Search")),
                type="search",
                icon=":material/search:",
                placeholder=str(_("Project, investor, pinyin initials or code")),
                **filters.kept("claim_text"),
            )
        names = {unit.id: unit.name for unit in units}
        unit_id = None
        if many:
            with next(places):
                unit_id = filters.any_of(
                    _("Unit"), list(names), "claim_unit", names.__getitem__, left_open=_("All units")
                )
        with next(places):
            kinds = filters.some_of(_("What is claimed"), KINDS, "claim_kinds", kind_label)
        with next(places):
            days = filters.one_of(
                _("Days since the claimed date"),
                DAYS,
                "claim_days",
                lambda n: _("{days} days or more", days=n) if n else _("Any"),
            )
    wanted = ClaimFilter(unit_id, tuple(kinds), days or 0, text or "")
    counts = reports.count_claims(db, actor, wanted, today=today)
    for place, (state, count) in zip(cards, counts.items(), strict=True):
        with place:
            ui.kpi(f"claims_{state}", label(state), f"{count:,}")
    with ui.card("queue", _("Claims of milestones and funds")) as aside:
        with aside:
            filters.clear_button(FILTERS)
            state = State(
                filters.side_by_side(_("State"), list(State), "claim_state", label, default=State.WAITING, bare=True)
            )
        if not counts[state]:
            ui.empty_state(
                _("No claim is in this state."),
                _("A claim begins with an actual date of a milestone, or with an arrival of funds, on a project."),
                icon="verified",
            )
        else:
            bar, listing = st.container(), st.container()
            page = ui.pager(counts[state], page_size=reports.PAGE_SIZE, key="claim_page")
            rows = reports.claims(db, actor, wanted, state, today=today, page=page)
            with listing:
                chosen = verification.queue_table(rows, state, today=today, tick=can(actor, Action.VERIFY))
            with bar:
                if chosen:
                    verification.verdict_bar(actor, chosen, state)
                else:
                    st.caption(str(_("Choose claims at the left to see their evidence and files, and to judge them.")))
    if counts[state] and len(chosen) == 1:
        verification.claim_card(actor, chosen[0])
    if many:
        by_unit = reports.claims_by_unit(db, actor, wanted, today=today)
        if by_unit:
            with ui.card("units", _("By unit")):
                verification.units_table(by_unit, today=today, key="claims_by_unit")


with ui.title_row(
    actor,
    _("Verification"),
    _("What units claim, what is verified, and what lies between"),
    log_contact="secondary",
    printable=True,
):
    part = filters.side_by_side(
        _("View"), list(PARTS), "verification_part", PARTS.__getitem__, default="queue", bare=True
    )
if part == "compare":
    comparison(actor)
else:
    queue()
