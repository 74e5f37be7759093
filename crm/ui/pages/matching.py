"""Segment matching: enterprises in no segment yet, with the segments that their own words speak for, to be ticked."""

import streamlit as st

from crm.actions.change_sets import revert_change_set
from crm.actions.matching import Link, confirm_segments
from crm.errors import CrmError
from crm.locale import _
from crm.permissions import Action, can
from crm.reports import matching, vocabulary
from crm.reports.imports import recent_batches
from crm.reports.matching import PAGE_SIZE, Suggested, UnplacedFilter
from crm.reports.rankings import units as all_units
from crm.ui import components as ui
from crm.ui import filters, proposals, session

actor, db, today = session.current_actor(), session.database(), session.today()
offered = vocabulary.industry_names(db, on=today)
if not can(actor, Action.EDIT):
    offered = {i: name for i, name in offered.items() if i in actor.industry_ids}
units = {unit.id: unit.name for unit in all_units(db)}
batches = (
    {
        batch.id: proposals.batch_words(batch)
        for batch in recent_batches(db, actor)
        if batch.kind == "enterprises" and batch.reverted_at is None
    }
    if can(actor, Action.IMPORT)
    else {}
)
names = {
    s.id: f"{offered[s.industry_id]} · {s.name}" for s in vocabulary.segments(db, on=today) if s.industry_id in offered
}
ticked: set[Link] = st.session_state.setdefault("_ticked", set())


def confirm() -> None:
    """Link what is ticked, all of it, and keep how to take it back."""
    try:
        done = confirm_segments(db, actor, ticked, now=session.utc_now(), today=today)
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
        return
    placed = {link.enterprise_id for link in ticked}
    found: tuple[UnplacedFilter, list[Suggested]] | None = st.session_state.get("_run")
    if found:
        st.session_state["_run"] = (found[0], [s for s in found[1] if s.enterprise_id not in placed])
    ticked.clear()
    st.session_state["_confirmed"] = done.change_set_id
    session.flash(_("{count} enterprises were linked to their segments.", count=done.enterprises))


def take_back(change_set_id: int) -> None:
    """Take the last confirmation back as a whole."""
    try:
        revert_change_set(db, actor, change_set_id, now=session.utc_now())
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        session.flash(_("The links were taken back."))
        st.session_state.pop("_run", None)
    st.session_state.pop("_confirmed", None)


with ui.title_row(
    actor,
    _("Segment matching"),
    _("Enterprises in no segment yet; what is proposed counts only once you confirm it"),
    log_contact="secondary",
):
    pass
with ui.card("filters"):
    places = st.columns(3)
    with places[0]:
        batch = filters.any_of(_("Import batch"), list(batches), "batch", batches.__getitem__)
    with places[1]:
        unit = filters.any_of(_("Owner unit"), list(units), "unplaced_of", units.__getitem__)
    with places[2]:
        chain = filters.any_of(_("Industry chain"), list(offered), "unplaced_in", offered.__getitem__)
wanted = UnplacedFilter(batch_id=batch, unit_id=unit, industry_id=chain)
rules = matching.matcher(db, actor, on=today, industry_id=chain)
total = matching.count_unplaced(db, actor, wanted)
run: tuple[UnplacedFilter, list[Suggested]] | None = st.session_state.get("_run")
if st.session_state.setdefault("_ticked_under", wanted) != wanted:
    # What is no longer on the screen is not confirmed with what is.
    st.session_state["_ticked_under"], run = wanted, None
    st.session_state.pop("_run", None)
    ticked.clear()

with ui.card("proposals", _("{total} enterprises without a segment", total=f"{total:,}")) as aside:
    with aside:
        if total and st.button(str(_("Propose for all")), key="propose_all", icon=":material/manage_search:"):
            bar = st.progress(0.0, text=str(_("Reading…")))

            def tell(done: int) -> None:
                bar.progress(min(done / total, 1.0), text=f"{done:,} / {total:,}")

            found = matching.propose_all(db, actor, wanted, rules, progress=tell)
            st.session_state["_run"] = (wanted, found)
            ticked.clear()
            st.rerun()
        if (last := st.session_state.get("_confirmed")) and st.button(
            str(_("Take the last confirmation back")), key="take_back", icon=":material/undo:"
        ):
            take_back(last)
            st.rerun()
    if not total:
        ui.empty_state(
            _("Every enterprise here is in a segment."), _("Choose another import, unit or chain."), icon="task_alt"
        )
        st.stop()
    if run:
        proposals.tick_by_score(run[1], ticked, looked_at=total)
    if st.button(
        str(_("Confirm {count} ticked", count=f"{len(ticked):,}")), key="confirm", type="primary", disabled=not ticked
    ):
        confirm()
        st.rerun()
    listing = st.container(key="candidates")
    page = ui.pager(len(run[1]) if run else total, page_size=PAGE_SIZE)
    shown = (
        matching.candidates(db, actor, run[1][(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
        if run
        else matching.unplaced(db, actor, wanted, rules, page=page)
    )
    with listing:
        for candidate in shown:
            proposals.candidate_row(candidate, names, ticked)
    st.caption(
        str(
            _(
                "The number is the strength: the length of the words found, times 4 in the name, 3 in the investment"
                " direction, 2 at the beginning of the main business, 1 further on. The words are kept with the"
                " segments."
            )
        )
    )
