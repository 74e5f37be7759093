"""Merging two enterprises: which one stays, which value of each field; the rest comes along, and it can be undone."""

import streamlit as st

from crm.actions.merging import CHOICES, merge_enterprises
from crm.errors import Conflict
from crm.locale import _
from crm.model import YUAN_PER_WAN
from crm.reports.enterprises import AMOUNT_FIELDS, FIELD_LABELS, EnterpriseRecord, enterprise_record, search_enterprises
from crm.ui import components as ui
from crm.ui import session, shell

actor, db = session.current_actor(), session.database()
asked = {name: st.query_params.get(name, "") for name in ("keep", "other")}
ids = {name: int(value) for name, value in asked.items() if value.isdecimal()}

with ui.title_row(actor, _("Merge enterprises"), _("Two records of one enterprise become one"), log_contact="none"):
    pass
if "keep" not in ids:
    ui.empty_state(_("Choose two enterprises in the directory or in the duplicate check."), icon="merge")
    st.stop()
one = enterprise_record(db, actor, ids["keep"])
if "other" not in ids:
    with ui.card("find", _("Which record is the same enterprise as “{name}”?", name=one.fields["name"])):
        text = st.text_input(
            str(_("Find the enterprise")),
            key="find_other",
            type="search",
            icon=":material/search:",
            live="250ms",
            placeholder=str(_("Part of a name, pinyin initials or credit code")),
            label_visibility="collapsed",
        )
        with st.container(key="matches", gap="xsmall"):
            for match in search_enterprises(db, actor, text, limit=9) if text else []:
                said = f"{match.name}　{match.unit}　{match.last_contact_on or ''}"
                if match.id != ids["keep"] and st.button(ui.safe(said), key=f"match_{match.id}", width="stretch"):
                    shell.go("merge", keep=ids["keep"], other=match.id)
    st.stop()
two = enterprise_record(db, actor, ids["other"])


def summary(record: EnterpriseRecord) -> str:
    """Say what hangs on a record."""
    return str(
        _(
            "{unit} · {contacts} contacts, {projects} projects, {people} contact people",
            unit=record.unit or "—",
            contacts=record.follow_ups,
            projects=len(record.projects),
            people=len(record.contacts),
        )
    )


def words(field: str, value: object) -> str:
    """Show a field's value as a person reads it."""
    if value in (None, ""):
        return "—"
    return f"{value / YUAN_PER_WAN:,.2f}".rstrip("0").rstrip(".") if field in AMOUNT_FIELDS else str(value)  # type: ignore[operator]


with ui.card("stays", _("Which one stays?")):
    stays_first = (
        st.radio(
            str(_("Which one stays?")),
            [True, False],
            format_func=lambda first: ui.safe((one if first else two).fields["name"]),
            captions=[ui.safe(summary(one)), ui.safe(summary(two))],
            label_visibility="collapsed",
            key="stays",
        )
        is not False
    )
keep, other = (one, two) if stays_first else (two, one)
differing = [field for field in CHOICES if (keep.fields[field] or None) != (other.fields[field] or None)]
take = []
with ui.card("fields", _("{count} fields differ: which value is right?", count=len(differing))):
    with st.container(key="fields_grid"):
        for start in range(0, len(differing), 2):
            for place, field in zip(st.columns(2), differing[start : start + 2], strict=False):
                mine, theirs = keep.fields[field], other.fields[field]
                shown = {"keep": ui.safe(words(field, mine)), "other": ui.safe(words(field, theirs))}
                with place:
                    chosen = st.radio(
                        str(FIELD_LABELS[field]),
                        ["keep", "other"],
                        index=int(mine in (None, "")),
                        format_func=shown.__getitem__,
                        key=f"take_{keep.fields['id']}_{field}",
                    )
                if chosen == "other":
                    take.append(field)
    st.caption(
        ui.safe(
            _(
                "All that belongs to “{name}” moves along: contacts, projects, people, news, files. Its name stays as"
                " an alias, its tags are added, and links to it lead to the one that stays.",
                name=other.fields["name"],
            )
        )
    )
    if st.button(str(_("Merge the two")), key="merge", type="primary", icon=":material/merge:"):
        try:
            merge_enterprises(
                db,
                actor,
                (keep.fields["id"], keep.fields["version"]),
                (other.fields["id"], other.fields["version"]),
                take=take,
                now=session.utc_now(),
            )
        except Conflict as error:
            session.flash(error.message, icon=session.REFUSED)
            st.rerun()
        session.flash(_("Merged. “Recent changes” in the directory takes it back."))
        shell.go("enterprise", id=keep.fields["id"])
