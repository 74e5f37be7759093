"""Chain setup: the key industries and their segments, with the days on which they begin and end to be offered."""

from collections.abc import Callable
from datetime import date

import pandas as pd
import streamlit as st

from crm.actions import chains as actions
from crm.errors import CrmError
from crm.locale import _
from crm.model import label
from crm.reports.chains import list_chains, list_segments
from crm.ui import components as ui
from crm.ui import session
from crm.ui.chain_forms import ask, industry_form, segment_form

actor, db, today = session.current_actor(), session.database(), session.today()


def status(valid_from: date | None, valid_to: date | None) -> str:
    """Say whether something is offered today."""
    if valid_from is not None and today < valid_from:
        return str(_("From {day}", day=valid_from))
    if valid_to is not None and valid_to < today:
        return str(_("Ended on {day}", day=valid_to))
    return str(_("Offered")) if valid_to is None else str(_("Until {day}", day=valid_to))


def archive(name: str, action: Callable[[], None]) -> None:
    """Ask before archiving; what is in use is refused with what to do instead."""

    def doing() -> None:
        try:
            action()
        except CrmError as error:
            session.flash(error.message, icon=session.REFUSED)
        else:
            session.flash(_("“{name}” was archived.", name=name))

    ui.confirm(_("Archive"), _("“{name}” will disappear from all lists.", name=name), do=_("Archive"), action=doing)


chains = list_chains(db)
with ui.title_row(
    actor, _("Chain setup"), _("Key industries, their leaders and their segments, by date"), log_contact="none"
):
    if st.button(str(_("New industry")), key="new_industry", type="primary", icon=":material/add:"):
        ask(_("Key industry"), lambda: industry_form(db, actor, None))

with ui.card("industries", _("Key industries")):
    frame = pd.DataFrame(
        {
            "code": [chain.code for chain in chains],
            "name": [chain.name for chain in chains],
            "leader": [chain.chain_leader or None for chain in chains],
            "task_force": [chain.task_force or None for chain in chains],
            "department": [chain.lead_department or None for chain in chains],
            "status": [status(chain.valid_from, chain.valid_to) for chain in chains],
        }
    )
    columns = {
        "code": _("Code"),
        "name": _("Key industry"),
        "leader": _("Chain leader"),
        "task_force": _("Task force"),
        "department": _("Lead department"),
        "status": _("Validity"),
    }
    chosen = ui.table(frame, columns, key="industries", on_select="rerun").selection.rows
    if not chosen or chosen[0] >= len(chains):
        st.caption(str(_("Choose an industry to change it and its segments.")))
        st.stop()
    chain = chains[chosen[0]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.safe(chain.name)}**", width="content")
        if st.button(str(_("Change the industry")), key="change_industry", icon=":material/edit:"):
            ask(_("Key industry"), lambda: industry_form(db, actor, chain))
        if st.button(str(_("Archive")), key="archive_industry", icon=":material/archive:"):
            archive(
                chain.name,
                lambda: actions.archive_industry(db, actor, chain.id, chain.version, now=session.utc_now()),
            )

segments = list_segments(db, chain.id)
with ui.card("segments", _("Segments of {chain}", chain=chain.name)) as aside:
    with aside:
        if st.button(str(_("New segment")), key="new_segment", icon=":material/add:"):
            ask(_("Segment"), lambda: segment_form(db, actor, chain, None))
    if not segments:
        ui.empty_state(_("This chain has no segment yet."), _("Add its first segment."), icon="account_tree")
        st.stop()
    frame = pd.DataFrame(
        {
            "tier": [str(label(s.tier)) for s in segments],
            "name": [s.name for s in segments],
            "role": [str(label(s.role)) if s.role else None for s in segments],
            "keywords": ["、".join(s.keywords) or None for s in segments],
            "anchors": ["、".join(s.anchors) or None for s in segments],
            "status": [status(s.valid_from, s.valid_to) for s in segments],
            "code": [s.code for s in segments],
        }
    )
    columns = {
        "tier": _("Tier"),
        "name": _("Segment"),
        "role": _("Role wanted"),
        "keywords": _("Keywords"),
        "anchors": _("Anchor enterprises"),
        "status": _("Validity"),
        "code": _("Code"),
    }
    picked = ui.table(frame, columns, key=f"segments_{chain.id}", on_select="rerun").selection.rows
    if not picked or picked[0] >= len(segments):
        st.caption(str(_("Choose a segment to change it.")))
        st.stop()
    segment = segments[picked[0]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{ui.safe(segment.name)}**", width="content")
        if st.button(str(_("Change the segment")), key="change_segment", icon=":material/edit:"):
            ask(_("Segment"), lambda: segment_form(db, actor, chain, segment))
        if st.button(str(_("Archive")), key="archive_segment", icon=":material/archive:"):
            archive(
                segment.name,
                lambda: actions.archive_segment(db, actor, segment.id, segment.version, now=session.utc_now()),
            )
