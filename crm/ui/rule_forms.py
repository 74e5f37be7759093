"""What the page of rule sets is made of: the form of all settings, settings in words, differences, a month's effect."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import pandas as pd
import streamlit as st

from crm.locale import Message, _
from crm.metrics import RATES, RuleSet
from crm.model import group_label, label
from crm.months import WindowMode
from crm.reports.rule_sets import GROUP_LABELS, SETTINGS, Difference, Group, Setting
from crm.ui import components as ui
from crm.ui.records import facts

RED, GREEN = "color: #b0382b; font-weight: 600", "color: #2f7d73; font-weight: 600"


def in_words(rules: RuleSet) -> None:
    """Draw every setting of a rule set with its value in words."""
    places = st.columns(2)
    for number, group in enumerate(Group):
        with places[number % 2], st.container(key=f"part_{group}"):
            st.markdown(f"**{ui.safe(GROUP_LABELS[group])}**")
            facts({s.label: s.words(rules) for s in SETTINGS if s.group is group})


def as_json(settings: Mapping[str, Any]) -> str:
    """Write settings as the JSON that a person reads and edits."""
    return json.dumps(settings, ensure_ascii=False, indent=2)


def settings_form(rules: RuleSet, groups: Sequence[str], key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a field for every setting; returns the settings as typed, and for each path the place for what is wrong.

    `key` sets the fields of one starting point apart from those of another.
    """
    typed = json.loads(json.dumps(rules.settings()))
    slots: dict[str, Any] = {}
    places = st.columns(2)
    for number, group in enumerate(Group):
        with places[number % 2], st.container(key=f"part_{group}"):
            st.markdown(f"**{ui.safe(GROUP_LABELS[group])}**")
            for setting in SETTINGS:
                if setting.group is group and _applies(setting, typed["window"]["mode"]):
                    outer, _dot, inner = setting.path.partition(".")
                    table, name = (typed[outer], inner) if inner else (typed, outer)
                    table[name] = _field(setting, table[name], groups, f"{key}_{setting.path}")
                    slots[setting.path] = st.empty()
    return typed, slots


def _applies(setting: Setting, mode: str) -> bool:
    """Whether a setting means anything under the chosen window."""
    wanted = {"window.base_date": WindowMode.SINCE, "window.cohort_year": WindowMode.COHORT}
    return wanted.get(setting.path, mode) == mode


def show_problems(problems: Mapping[str, Message], slots: Mapping[str, Any]) -> None:
    """Say at each field what the parser found wrong with it, and below the form what belongs to none."""
    for path, problem in problems.items():
        # A path inside a list or a weight belongs to the field of the whole.
        place = next(
            (slots[known] for known in slots if path == known or path.startswith((f"{known}[", f"{known}."))), None
        )
        with place.container() if place is not None else st.container():
            ui.field_problem({path: problem}, path)


def differences_table(found: Sequence[Difference], before: str, after: str, *, key: str) -> None:
    """Draw the settings that differ, in words, side by side."""
    frame = pd.DataFrame([{"label": str(d.label), "before": d.before, "after": d.after} for d in found])
    ui.table(
        frame,
        {
            "label": st.column_config.TextColumn(str(_("Setting")), width=260),
            "before": st.column_config.TextColumn(before),
            "after": st.column_config.TextColumn(after),
        },
        key=key,
    )


def effect_table(frame: pd.DataFrame, slugs: Sequence[str], *, key: str) -> None:
    """Draw a month under two rule sets (see `reports.rule_sets.effect_frame`): what changed is coloured."""
    shown = frame.copy()
    shown["group"] = [str(group_label(group)) if isinstance(group, str) else None for group in frame["group"]]
    shown["moved"] = [
        "—" if pd.isna(n) else "－" if not n else f"{'▲' if n > 0 else '▼'}{abs(int(n))}" for n in frame["moved"]
    ]
    pairs = [("score_before", "score"), *((f"{slug}_before", slug) for slug in slugs)]
    config: dict[str, Any] = {
        "group": st.column_config.TextColumn(str(_("Peer group")), width=70),
        "unit": st.column_config.TextColumn(str(_("Unit")), width=100, pinned=True),
        "rank_before": st.column_config.NumberColumn(str(_("Rank now")), format="%d", width=60),
        "rank": st.column_config.NumberColumn(str(_("Rank then")), format="%d", width=60),
        "moved": st.column_config.TextColumn(str(_("Movement")), width=60),
        "score_before": st.column_config.NumberColumn(str(_("Score now")), format="%.2f", width=72),
        "score": st.column_config.NumberColumn(str(_("Score then")), format="%.2f", width=72),
    }
    for slug in slugs:
        name = RATES[slug].label
        config[f"{slug}_before"] = st.column_config.NumberColumn(
            str(_("{rate} now", rate=name)), format="%.1f%%", width=88
        )
        config[slug] = st.column_config.NumberColumn(str(_("{rate} then", rate=name)), format="%.1f%%", width=88)

    def colours(row: "pd.Series[Any]") -> list[str]:
        found = dict.fromkeys(row.index, "")
        found["moved"] = RED if "▲" in row["moved"] else GREEN if "▼" in row["moved"] else ""
        for old, new in pairs:
            found[new] = _tone(row[old], row[new])
        return [found[name] for name in row.index]

    st.dataframe(
        shown.style.apply(colours, axis=1),
        key=key,
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        column_order=list(config),
        column_config=config,
    )


def _tone(before: float, after: float) -> str:
    if pd.isna(before) or pd.isna(after) or before == after:
        return "" if pd.isna(before) == pd.isna(after) else "background-color: #fdf3d8"
    return RED if after > before else GREEN


def _field(setting: Setting, value: Any, groups: Sequence[str], key: str) -> Any:
    """Draw the field of one setting and return its value as the JSON keeps it."""
    title, help = str(setting.label), str(setting.help)
    if setting.path == "score.weights":
        return _weights(setting, value, key)
    if setting.path == "cards.stalled_months":
        return _stalled(setting, value, key)
    if setting.path == "groups":
        return st.multiselect(title, groups, value, format_func=lambda g: str(group_label(g)), help=help, key=key)
    if setting.path == "agreement_kinds":
        kinds = list(setting.choices or ())
        return st.multiselect(title, kinds, value or [], format_func=_word, help=help, key=key) or None
    if setting.choices is not None:
        choices = list(setting.choices)
        return st.selectbox(
            title, choices, choices.index(setting.choices(value)), format_func=_word, help=help, key=key
        )
    if isinstance(value, bool):
        return st.toggle(title, value, help=help, key=key)
    if setting.path == "window.base_date":
        day = st.date_input(
            title, date.fromisoformat(value) if value else None, format="YYYY-MM-DD", help=help, key=key
        )
        return day.isoformat() if day else None
    if setting.path in ("threshold_wan", "lists.target"):
        number = st.number_input(
            title, 0.0, value=None if value is None else float(value), step=1.0, format="%.6g", help=help, key=key
        )
        return plain_number(number)
    return st.number_input(title, 0, 9999, value, step=1, help=help, key=key)


def _weights(setting: Setting, value: Mapping[str, Any], key: str) -> dict[str, Any]:
    st.markdown(ui.safe(setting.label), help=str(setting.help))
    given: dict[str, Any] = {}
    with st.container(horizontal=True, key=f"weights_{key}"):
        for slug, rate in RATES.items():
            weight = st.number_input(
                str(rate.label),
                0.0,
                value=float(value.get(slug, 0)),
                step=5.0,
                format="%.4g",
                key=f"{key}_{slug}",
                width=120,
            )
            if weight:
                given[slug] = plain_number(weight)
    return given


def _stalled(setting: Setting, value: Sequence[int], key: str) -> list[int]:
    st.markdown(ui.safe(setting.label), help=str(setting.help))
    titles = (_("Yellow card"), _("Red card"), _("Proposed for removal"))
    with st.container(horizontal=True):
        return [
            int(st.number_input(str(title), 1, 120, months, step=1, key=f"{key}_{n}", width=110))
            for n, (title, months) in enumerate(zip(titles, value, strict=True))
        ]


def _word(value: StrEnum) -> str:
    return str(label(value))


def plain_number(value: float | None) -> int | float | None:
    """Return a number as typed: whole numbers stay whole."""
    return int(value) if value is not None and value == int(value) else value
