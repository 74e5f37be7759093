"""Rule sets: every version in words, two beside each other, and a copy to edit with its effect on last month."""

from typing import Any

import pandas as pd
import streamlit as st

from crm.actions.rule_sets import save_rule_set
from crm.errors import CrmError, Invalid
from crm.locale import Message, _
from crm.metrics import RuleSet, parse_rule_set, read_settings
from crm.months import Month
from crm.permissions import Action, can
from crm.reports.rankings import latest_month_with_data
from crm.reports.rule_sets import (
    StoredRuleSet,
    changed_units,
    differences,
    effect,
    effect_frame,
    list_rule_sets,
    peer_groups,
)
from crm.ui import components as ui
from crm.ui import filters, rule_forms, session

actor, db, today = session.current_actor(), session.database(), session.today()
# The newest of the standing rule set comes first, every other name with its newest version after it.
stored = sorted(list_rule_sets(db), key=lambda s: (s.rules.name != "default", s.rules.name, -s.rules.version))
may_edit = can(actor, Action.MANAGE_RULES)
names = list(dict.fromkeys(s.rules.name for s in stored))
newest = {s.rules.name: s.rules.version for s in reversed(stored)}
month = min(Month.of(today).plus(-1), latest_month_with_data(db, today=today))


def named(name: str, version: int) -> str:
    """Name a version."""
    return str(_("“{name}” version {version}", name=name, version=version))


def pick(title: Message, key: str, among: list[StoredRuleSet]) -> StoredRuleSet:
    """Draw the choice of a version."""
    labels = [named(s.rules.name, s.rules.version) for s in among]
    return among[labels.index(filters.one_of(title, labels, key, width=260) or labels[0])]


def show_effect(before: RuleSet, after: RuleSet) -> None:
    """Rank last month under both, and say how many units it touches."""
    slugs = list(dict.fromkeys(slug for rules in (before, after) for slug, weight in rules.weights if weight > 0))
    frame = effect_frame(*effect(db, month, before, after), slugs)
    st.caption(
        ui.safe(
            _(
                "{month}, ranked under both. Rank or score of {count} units would change; what differs is coloured.",
                month=month,
                count=changed_units(frame),
            )
        )
    )
    rule_forms.effect_table(frame, slugs, key="effect")


with ui.title_row(
    actor, _("Rule sets"), _("How every rate is read. A version that was saved never changes."), log_contact="none"
):
    pass
with ui.card("versions", _("Versions")):
    frame = pd.DataFrame(
        {
            "name": [s.rules.name for s in stored],
            "version": [s.rules.version for s in stored],
            "newest": [newest[s.rules.name] == s.rules.version for s in stored],
            "from": [s.effective_from for s in stored],
            "note": [s.rules.note or None for s in stored],
            "by": [s.created_by for s in stored],
            "at": pd.Series([session.local(s.created_at) for s in stored], dtype="datetime64[s]"),
        }
    )
    ui.table(
        frame,
        {
            "name": st.column_config.TextColumn(str(_("Rule set")), width=140),
            "version": st.column_config.NumberColumn(str(_("Version")), width=60),
            "newest": st.column_config.CheckboxColumn(str(_("Used")), width=60),
            "from": st.column_config.DateColumn(str(_("In force from")), format="YYYY-MM-DD", width=110),
            "note": _("Note"),
            "by": st.column_config.TextColumn(str(_("Saved by")), width=110),
            "at": st.column_config.DatetimeColumn(str(_("Saved at")), format="YYYY-MM-DD HH:mm", width=140),
        },
        key="versions_table",
    )

if saved := st.session_state.pop("saved_rules", None):
    st.session_state["rule_set"] = named(*saved)
with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
    present = pick(_("Rule set"), "rule_set", stored)
    title = named(present.rules.name, present.rules.version)
    others = [s for s in stored if s is not present]
    ways = {"words": _("In words"), **({"compare": _("Compare")} if others else {})}
    ways |= {"edit": _("Edit a copy")} if may_edit else {}
    way = filters.side_by_side(_("View"), list(ways), "way", ways.__getitem__, default="words")
    if way == "compare":
        other = pick(_("Compared with"), "other", others)
if way == "compare":
    with ui.card("differences", _("What differs")):
        found = differences(other.rules, present.rules)
        if not found:
            ui.empty_state(_("The two read everything alike."), icon="equal")
            st.stop()
        rule_forms.differences_table(found, named(other.rules.name, other.rules.version), title, key="differences")
    with ui.card("effect", _("What it does to last month")):
        show_effect(other.rules, present.rules)
    st.stop()
if way != "edit":
    with ui.card("words", title):
        rule_forms.in_words(present.rules)
        with st.expander("JSON"):
            st.code(rule_forms.as_json(present.rules.settings()), language="json")
    st.stop()

problems: dict[str, Message] = {}
base, key = present.rules, f"{present.rules.name}_{present.rules.version}"
with ui.card("edit", _("A copy of {rules}", rules=title)) as aside:
    with aside:
        raw = st.toggle("JSON", key="as_json")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            str(_("Save under")),
            names,
            names.index(base.name),
            accept_new_options=True,
            help=str(_("A name that exists gets its next version; type another name for a rule set beside it.")),
            key=f"{key}_name",
            width=220,
        )
        effective = st.date_input(str(_("In force from")), today, format="YYYY-MM-DD", key=f"{key}_from", width=150)
        note = st.text_input(str(_("Note")), key=f"{key}_note", placeholder=str(_("Why it is read so from now on")))
    slots: dict[str, Any] = {}
    typed: Any
    if raw:
        text = st.text_area(
            "JSON", rule_forms.as_json(base.settings()), height=420, key=f"{key}_json", label_visibility="collapsed"
        )
        try:
            typed = read_settings(text)
        except ValueError as error:
            st.error(ui.safe(_("This is not JSON: {reason}", reason=error)))
            st.stop()
    else:
        typed, slots = rule_forms.settings_form(base, [*peer_groups(db)], key)
    if isinstance(typed, dict):
        typed |= {"name": name or "", "note": note}
    try:
        candidate = parse_rule_set(typed, known_groups=peer_groups(db))
    except Invalid as error:
        rule_forms.show_problems(error.fields, slots)
        st.stop()
found = differences(base, candidate)
with ui.card("effect", _("What it does to last month")):
    if not found:
        ui.empty_state(
            _("Nothing differs yet."),
            _("Change a setting above: its effect is shown here before you save."),
            icon="rule",
        )
        st.stop()
    rule_forms.differences_table(found, title, str(_("The copy")), key="differences")
    show_effect(base, candidate)
    coming = newest.get(candidate.name, 0) + 1
    if st.button(
        ui.safe(_("Save as version {version} of “{name}”", version=coming, name=candidate.name)),
        type="primary",
        icon=":material/check:",
        key="save_rules",
    ):
        try:
            save_rule_set(
                db, actor, typed, now=session.utc_now(), effective_from=effective, newest=newest.get(candidate.name, 0)
            )
        except CrmError as refused:
            st.error(ui.safe(refused))
            st.stop()
        session.flash(
            _(
                "Version {version} of “{name}” is saved; earlier ones stay as they are.",
                version=coming,
                name=candidate.name,
            )
        )
        st.session_state["saved_rules"] = (candidate.name, coming)
        st.rerun()
