"""Changes of many records: the list of the recent ones, each with its undo."""

import streamlit as st

from crm.actions.change_sets import revert_change_set
from crm.errors import CrmError
from crm.locale import _
from crm.model import Actor
from crm.reports.change_sets import recent_changes
from crm.ui import components as ui
from crm.ui import session


def recent_changes_button(actor: Actor) -> None:
    """Draw the button with the recent bulk changes and merges: who, when, how many, and undo."""
    db = session.database()
    with st.popover(
        str(_("Recent changes")), icon=":material/history:", key="recent_changes", on_change="rerun"
    ) as box:
        if not box.open:
            return
        found = recent_changes(db, actor, limit=10)
        if not found:
            st.caption(str(_("No bulk change or merge yet. Those of the last days can be taken back here.")))
        for change in found:
            with st.container(horizontal=True, vertical_alignment="center", key=f"change_{change.id}"):
                with st.container(gap=None):
                    st.markdown(ui.safe(change.sentence))
                    st.caption(ui.safe(f"{change.by} · {session.local(change.at):%Y-%m-%d %H:%M}"))
                if change.reverted_at is not None:
                    ui.tag(_("Taken back"))
                elif st.button(str(_("Undo")), key=f"undo_{change.id}", icon=":material/undo:"):
                    undo(actor, change.id)


def undo(actor: Actor, change_set_id: int) -> None:
    """Take a change set back and draw the page anew; say here why it cannot be."""
    try:
        counts = revert_change_set(session.database(), actor, change_set_id, now=session.utc_now())
    except CrmError as error:
        st.error("\n\n".join(map(ui.safe, str(error).splitlines())))
        return
    session.flash(_("Taken back: {count} records are as they were.", count=sum(counts.values())))
    st.rerun()
