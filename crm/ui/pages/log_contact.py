"""Log one contact in under thirty seconds: find the enterprise (or add it), say what happened and what comes next.

`?enterprise=` chooses the enterprise; `?change=` opens a contact of one's own for a day, `?correct=` logs another one
that corrects it. A chat message can be pasted: what is read from it fills the form in, and nothing is saved by itself.
"""

import streamlit as st

from crm.actions.followups import change_follow_up, log_follow_up
from crm.errors import Invalid
from crm.locale import Message, _
from crm.model import FollowUpDraft
from crm.reports import vocabulary
from crm.reports.contacts import contact_record, open_steps
from crm.ui import components as ui
from crm.ui import contact_form as form
from crm.ui import session, shell
from crm.ui.attachments import attachments
from crm.ui.chat_box import paste_box
from crm.ui.enterprise_picker import choose, chosen_enterprise, let_go, pick_enterprise

actor, db, today = session.current_actor(), session.database(), session.today()
asked = {name: st.query_params.get(name, "") for name in ("enterprise", "change", "correct")}
if asked["enterprise"].isdecimal():
    choose(int(asked["enterprise"]))
    del st.query_params["enterprise"]
mode = next((name for name in ("change", "correct") if asked[name].isdecimal()), "contact")
original = contact_record(db, actor, int(asked[mode])) if mode != "contact" else None
slot = f"{mode}{asked.get(mode, '')}"
if original is not None and mode == "correct":
    # A step that is done is not announced again.
    original |= {"next_step": None if original["done_at"] else original["next_step"]}
known_id = original["enterprise_id"] if original is not None else chosen_enterprise()
form.begin(slot, db, actor, original, today=today)
problems: dict[str, Message] = st.session_state.pop(f"{slot}_problems", {})

TITLES = {
    "contact": (_("Log a contact"), _("Find the enterprise, say what happened and what comes next")),
    "change": (_("Change a contact"), _("Possible for one day after it was logged; the change is in the audit trail")),
    "correct": (
        _("Correct a contact"),
        _("What was logged stays as it is; this one stands beside it as its correction"),
    ),
}
with ui.title_row(actor, *TITLES[mode], log_contact="none"):
    if original is not None and st.button(str(_("Cancel")), key="cancel"):
        form.clear(slot)
        shell.go("enterprise", id=original["enterprise_id"])


left, right = st.columns([2, 3])
with left:
    reading = paste_box(slot, lambda found: form.fill_in(slot, found)) if mode == "contact" else None
    mentioned = [found.value for found in reading.enterprises] if reading else []
    new_enterprise = pick_enterprise(actor, problems, mentioned=mentioned, fixed_id=known_id if original else None)
    if original is not None and mode == "change":
        with ui.card("files", _("Files")):
            attachments(actor, "follow_up", original["id"])
own_id = original["id"] if original is not None else None
steps = open_steps(db, actor, known_id) if known_id else []
with right, ui.card("what", _("Contact")):
    values = form.draw(
        slot,
        problems,
        projects=vocabulary.open_projects(db, actor, known_id) if known_id else {},
        words={kind: vocabulary.offered(db, kind, original[kind] if original else None) for kind in form.WORDS},
        steps=[step for step in steps if mode != "change" or step.id != own_id],
        settled=own_id if mode == "correct" else None,
        takes_files=mode != "change",
        today=today,
    )
    extras = form.extras(slot, reading, known_id) if reading else None
    with st.container(horizontal=True, vertical_alignment="center", key="save_row"):
        save = st.button(str(_("Save")), key="save", type="primary", icon=":material/check:", shortcut="Ctrl+Enter")
        another = mode == "contact" and st.button(
            str(_("Save and add another")), key="another", icon=":material/playlist_add:", shortcut="Ctrl+Shift+Enter"
        )

if save or another:
    draft = FollowUpDraft(
        **values,
        enterprise_id=known_id,
        new_enterprise=new_enterprise,
        corrects_id=own_id if mode == "correct" else None,
        form_token=form.token(slot),
    )
    now = session.utc_now()
    try:
        if original is not None and mode == "change":
            opened = st.session_state[f"{slot}_version"]
            logged = change_follow_up(db, actor, original["id"], opened, draft, now=now, today=today)
        else:
            logged = log_follow_up(db, actor, draft, now=now, today=today)
    except Invalid as invalid:
        st.session_state[f"{slot}_problems"] = invalid.fields
        st.rerun()
    session.flash(_("The change is saved.") if mode == "change" else _("The contact is saved."))
    if extras is not None:
        form.keep_extras(db, actor, logged.enterprise_id, extras)
    form.clear(slot)
    let_go()
    if another:
        st.rerun()
    shell.go("enterprise", id=logged.enterprise_id)
