"""Choosing the enterprise of a contact: a search that redraws itself alone while one types, or a new enterprise."""

from collections.abc import Mapping, Sequence

import streamlit as st

from crm.locale import Message, _
from crm.model import Actor, EnterpriseDraft
from crm.reports.contacts import mentioned_enterprises, recent_enterprises
from crm.reports.enterprises import Match, enterprise_record, find_duplicates, search_enterprises, worth_searching
from crm.rules import credit_code_problem
from crm.ui import components as ui
from crm.ui import session

CHOSEN, NEW, TYPED = "enterprise_id", "new_enterprise", "find"
_LIMIT = 8


def chosen_enterprise() -> int | None:
    """Return the known enterprise that is chosen."""
    found = st.session_state.get(CHOSEN)
    return found if isinstance(found, int) else None


def choose(enterprise_id: int) -> None:
    """Take a known enterprise."""
    let_go()
    st.session_state[CHOSEN] = enterprise_id


def let_go() -> None:
    """Choose none."""
    for key in (CHOSEN, NEW, TYPED, "new_name", "new_code"):
        st.session_state.pop(key, None)


def pick_enterprise(
    actor: Actor, problems: Mapping[str, Message], *, mentioned: Sequence[str] = (), fixed_id: int | None = None
) -> EnterpriseDraft | None:
    """Draw the card with the search, the chosen enterprise, or the form of a new one; returns the draft of a new one.

    Enterprises that a message mentioned are offered before those contacted last. `fixed_id` is shown, not to be chosen.
    """
    with ui.card("who", _("Enterprise")) as aside:
        if fixed_id is not None:
            _chosen(actor, fixed_id)
            return None
        known_id = chosen_enterprise()
        if known_id is None and NEW not in st.session_state:
            _search(actor, tuple(mentioned))
            ui.field_problem(problems, "enterprise")
            return None
        with aside:
            st.button(str(_("Choose another")), key="again", on_click=let_go, type="tertiary")
        if known_id is None:
            return _new_enterprise(problems)
        _chosen(actor, known_id)
        return None


def _chosen(actor: Actor, enterprise_id: int) -> None:
    fields = enterprise_record(session.database(), actor, enterprise_id).fields
    st.markdown(f"**{ui.safe(fields['name'])}**")
    st.caption(ui.safe(" · ".join(filter(None, (fields["credit_code"], fields["main_business"])))[:160] or "—"))


@st.fragment
def _search(actor: Actor, mentioned: tuple[str, ...]) -> None:
    """Draw the search. It reruns alone at each letter; what is chosen concerns the whole page."""
    if chosen_enterprise() is not None or NEW in st.session_state:
        st.rerun()
    # Alone it runs without the frame of the page, which asks who is there.
    actor, db = session.current_actor(), session.database()
    text = st.text_input(
        str(_("Find the enterprise")),
        key=TYPED,
        type="search",
        icon=":material/search:",
        live="100ms",
        placeholder=str(_("Part of a name, pinyin initials or credit code")),
        label_visibility="collapsed",
    )
    if worth_searching(text):
        matches, heading = search_enterprises(db, actor, text, limit=_LIMIT), _("Found")
    else:
        named = mentioned_enterprises(db, actor, mentioned) if mentioned else []
        matches = named or recent_enterprises(db, actor, limit=_LIMIT)
        heading = _("Mentioned in the message") if named else _("Contacted most recently")
    if matches:
        st.caption(str(heading))
    elif not text.strip():
        st.caption(str(_("The directory is empty yet: type a name to add the first enterprise.")))
    with st.container(key="matches", gap="xsmall"):
        for match in matches:
            st.button(_line(match), key=f"match_{match.id}", on_click=choose, args=(match.id,), width="stretch")
    new = text.strip() or next(iter(mentioned), "")
    if new:
        add = str(_("Add “{text}” as a new enterprise", text=new))
        st.button(ui.safe(add), key="new", on_click=_begin, args=(new,), icon=":material/add:", type="tertiary")


def _line(match: Match) -> str:
    return ui.safe(f"{match.name}　{match.unit}　{match.last_contact_on or ''}")


def _begin(name: str) -> None:
    """Begin a new enterprise with the text that found nothing."""
    let_go()
    st.session_state[NEW] = name


def _new_enterprise(problems: Mapping[str, Message]) -> EnterpriseDraft:
    name = st.text_input(str(_("Name of the new enterprise")), value=st.session_state[NEW], key="new_name")
    ui.field_problem(problems, "name")
    code = st.text_input(str(_("Credit code (optional)")), key="new_code", max_chars=18)
    ui.field_problem(problems, "credit_code")
    # Early pilot codes fail the check legally: a person may vouch for one.
    doubt = credit_code_problem(code.strip().upper()) if code.strip() else None
    vouched = doubt is not None and st.checkbox(str(_("The code is right all the same")), key="vouched")
    return EnterpriseDraft(
        name=name,
        credit_code=code,
        accept_duplicates=_is_another(name, code),
        accept_credit_code=vouched,
    )


def _is_another(name: str, code: str) -> bool:
    """Show which enterprises of the bureau may be the same; returns whether the person says that it is another one."""
    near = find_duplicates(session.database(), name, code) if name.strip() else []
    for same in near:
        known = {"name": same.name, "unit": same.unit or "—"}
        st.warning(
            ui.safe(
                _("The bureau already has “{name}”, held by {unit}.", **known)
                if same.exact
                else _("Similar: “{name}”, held by {unit}.", **known)
            )
        )
    if not near or any(same.exact for same in near):
        return False
    return st.checkbox(str(_("It is another enterprise")), key="other")
