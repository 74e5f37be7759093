"""The bureau-wide duplicate check: groups of enterprises that may be one, to be merged or said to be different."""

from collections import Counter

import streamlit as st

from crm.actions.merging import mark_distinct
from crm.errors import CrmError
from crm.locale import _
from crm.reports.duplicates import REASON_LABELS, Candidate, Group, Reason, Suspect, candidates, suspects
from crm.ui import components as ui
from crm.ui import filters, session, shell
from crm.ui.change_sets import recent_changes_button

PER_PAGE = 15
TONES: dict[Reason, ui.Tone] = {Reason.CODE: "red", Reason.NAME: "red", Reason.PINYIN: "orange", Reason.NEAR: "blue"}

actor, db, state = session.current_actor(), session.database(), st.session_state
header = st.container()


def check() -> list[Group]:
    """Look through the whole bureau and keep what this reader may see of it."""
    place = st.empty()
    bar = place.progress(0.0, str(_("Comparing all enterprises of the bureau …")))
    groups = suspects(db, actor, candidates(db, progress=bar.progress))
    place.empty()
    state["suspected"] = [Candidate(group.reason, tuple(member.id for member in group.members)) for group in groups]
    state["suspected_at"] = f"{session.local(session.utc_now()):%H:%M}"
    return groups


def line(key: str, member: Suspect, keep: Suspect, mergeable: bool) -> None:
    """Draw one enterprise of a group; beyond the reader's scope only its name and unit."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"member_{key}_{member.id}"):
        with st.container(gap=None):
            st.markdown(f"**{ui.safe(member.name)}**")
            if member.visible:
                facts = [
                    member.credit_code or str(_("No credit code")),
                    member.owner_person,
                    str(_("Last contact {day}", day=member.last_contact_on)) if member.last_contact_on else "",
                    str(_("{count} projects", count=member.projects)) if member.projects else "",
                ]
                st.caption(ui.safe(" · ".join(filter(None, [member.unit, *facts]))))
            else:
                st.caption(ui.safe(_("{unit} · outside your scope", unit=member.unit or "—")))
        if member.visible and st.button(
            str(_("Open")), key=f"open_{key}_{member.id}", icon=":material/open_in_new:", type="tertiary"
        ):
            shell.go("enterprise", id=member.id)
        if mergeable and member is not keep and st.button(
            str(_("Merge")), key=f"merge_{key}_{member.id}", icon=":material/merge:"
        ):  # fmt: skip
            shell.go("merge", keep=keep.id, other=member.id)


def draw(group: Group) -> None:
    """Draw a group: the enterprise with the most work done stands first, as the one to keep."""
    members = sorted(
        group.members, key=lambda m: (not m.visible, -m.projects, str(m.last_contact_on or "") == "", m.id)
    )
    first, editable = members[0], all(member.editable for member in members)
    key = "_".join([str(group.reason), *(str(member.id) for member in members)])
    with st.container(border=True, key=f"group_{key}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            ui.tag(REASON_LABELS[group.reason], TONES[group.reason])
            if editable and st.button(str(_("Not a duplicate")), key=f"different_{key}", type="tertiary"):
                try:
                    mark_distinct(db, actor, [member.id for member in members], now=session.utc_now())
                except CrmError as error:
                    session.flash(error.message, icon=session.REFUSED)
                st.rerun()
        for member in members:
            line(key, member, first, editable)
        if not editable:
            st.caption(str(_("Part of it belongs to another unit: the dispatch office can merge it.")))


found = suspects(db, actor, state["suspected"]) if "suspected" in state else check()
count = Counter(group.reason for group in found)
caption = _("The whole bureau, compared at {time}", time=state["suspected_at"])
with header, ui.title_row(actor, _("Duplicate check"), caption, log_contact="secondary"):
    recent_changes_button(actor)
    if st.button(str(_("Check again")), key="again", icon=":material/refresh:", type="primary"):
        del state["suspected"]
        st.rerun()
with ui.card("groups", _("{count} groups may be recorded twice", count=f"{len(found):,}")):
    if not found:
        ui.empty_state(
            _("No enterprise seems to be recorded twice."),
            _("New ones are checked as they are entered and imported."),
            icon="verified",
        )
        st.stop()
    there = [reason for reason in Reason if count[reason]]
    reason = st.pills(
        str(_("Why")),
        there,
        format_func=lambda r: str(REASON_LABELS[r]),
        label_visibility="collapsed",
        **filters.kept("reason", there, REASON_LABELS.__getitem__),
    )
    st.caption(ui.safe(" · ".join(f"{REASON_LABELS[each]} {count[each]:,}" for each in there)))
    wanted = [group for group in found if reason is None or group.reason is reason]
    listing = st.container()
    page = ui.pager(len(wanted), page_size=PER_PAGE)
    with listing:
        for group in wanted[(page - 1) * PER_PAGE : page * PER_PAGE]:
            draw(group)
