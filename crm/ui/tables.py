"""The tables that several pages draw alike: a ranking, the projects behind a number, the directory."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple
from unicodedata import east_asian_width

import pandas as pd
import streamlit as st

from crm.locale import _
from crm.metrics import RATES
from crm.model import YUAN_PER_WAN, Stage, group_label, label
from crm.ui import session, shell

MAIN_RATES = ("signing", "performance", "startup")
WINDOW = 40 + 36 * 16 + 18  # px: headings and rows on one screen; half a row says that there is more
RED, GREEN = "color: #b0382b", "color: #2f7d73"
MOST = 1_000  # rows of a table that no pages divide


def ranking_table(frame: pd.DataFrame, *, slugs: tuple[str, ...], key: str) -> tuple[str, str] | None:
    """Draw a ranking (see `reports.rankings.ranking_frame`); returns (unit, rate) of a clicked rate, once.

    Each rate is a bar with its percentage, and “N/D” beside it. Where there is a column last_month, it says last
    month's rank in words.
    """
    shown = frame.copy()
    shown["group"] = [str(group_label(group)) for group in shown["group"]]
    shown["movement"] = [movement_text(places) for places in frame["movement"]]
    shown["signed_amount"] = shown["signed_amount"] / float(YUAN_PER_WAN)
    config: dict[str, Any] = {
        "group": st.column_config.TextColumn(str(_("Peer group")), width=60),
        **place_columns(),
        "last_month": st.column_config.TextColumn(str(_("Rank last month")), width=110),
        "unit": st.column_config.TextColumn(str(_("Unit"))),
        "score": st.column_config.NumberColumn(str(_("Score")), format="%.2f", width=58),
    }
    for slug in slugs:
        config[slug] = rate_column(slug, width=102)
        config[f"{slug}_pair"] = st.column_config.TextColumn("N/D", width=60 if slug in MAIN_RATES else 110)
    config["trend"] = st.column_config.LineChartColumn(str(_("Score, 12 months")), width=86)
    if shown["adjustment"].any():
        shown["adjustment"] = shown["adjustment"].where(shown["adjustment"] != 0)
        config["adjustment"] = st.column_config.NumberColumn(str(_("Adjustment")), format="%+.2f", width=60)
    config["signed_amount"] = amount_column(_("Signed (10,000 yuan)"))
    config["follow_ups"] = st.column_config.NumberColumn(str(_("Contacts")), width=67)
    if shown["group"].nunique() == 1:
        del config["group"]
    if "last_month" not in frame:
        del config["last_month"]
    styled = shown.style.map(up_or_down, subset=["movement"])
    row, column = clicked_cell(styled, config, key=key) or (len(frame), "")
    slug = column.removesuffix("_pair")
    return (str(frame.iloc[row]["unit"]), slug) if slug in RATES and row < len(frame) else None


def number_changes_table(frame: pd.DataFrame, *, key: str) -> None:
    """Draw the published numbers that would be others now (see `reports.closes.numbers_frame`)."""
    config: dict[str, Any] = {
        "unit": st.column_config.TextColumn(str(_("Unit")), width=110),
        "what": st.column_config.TextColumn(str(_("Number")), width=110),
        "published": st.column_config.TextColumn(str(_("Published")), width=150),
        "now": st.column_config.TextColumn(str(_("Now")), width=150),
        "projects": st.column_config.TextColumn(str(_("Projects behind it"))),
    }
    st.dataframe(frame, key=key, hide_index=True, height="content", row_height=36, column_config=config)


def record_changes_table(frame: pd.DataFrame, *, key: str) -> None:
    """Draw the projects changed since a closing (see `reports.closes.records_frame`)."""
    shown = frame.copy()
    shown["changed_at"] = [None if pd.isna(at) else f"{session.local(at):%Y-%m-%d %H:%M}" for at in frame["changed_at"]]
    config: dict[str, Any] = {
        "code": st.column_config.TextColumn(str(_("Project code")), width=120),
        "name": st.column_config.TextColumn(str(_("Project")), width=200),
        "what": st.column_config.TextColumn(str(_("What changed"))),
        "changed_at": st.column_config.TextColumn(str(_("Changed")), width=130),
        "changed_by": st.column_config.TextColumn(str(_("By")), width=100),
    }
    st.dataframe(
        shown, key=key, hide_index=True, height="content", row_height=36, placeholder="—", column_config=config
    )


def movement_text(places: float | None) -> str:
    """Show places gained (▲) or lost (▼), “－” for none, “—” where there was no rank."""
    if places is None or pd.isna(places):
        return "—"
    if not places:
        return "－"
    return f"{'▲' if places > 0 else '▼'}{abs(int(places))}"


def facts_table(frame: pd.DataFrame, *, key: str) -> None:
    """Draw the projects behind a number (see `reports.rankings.facts_frame`); a click opens one.

    Their units are named where there are several, and the first MOST are drawn.
    """
    shown = frame.head(MOST)
    if len(frame) > MOST:
        st.caption(str(_("The first {count} of {total} rows.", count=f"{MOST:,}", total=f"{len(frame):,}")))
    shown = shown.copy()
    units = ["unit"] if frame["unit"].nunique() > 1 else []
    for column in ("planned_investment", "arrived"):
        shown[column] = shown[column].astype("float64") / float(YUAN_PER_WAN)
    dates = {
        "negotiating_on": _("Negotiation date"),
        "signed_on": _("Signing date"),
        "registered_on": _("Registration date"),
        "first_funds_on": _("First funds"),
        "planned_start_on": _("Planned start"),
        "started_on": _("Start date"),
        "withdrawn_on": _("Withdrawal date"),
    }
    picked = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height=min(420, 40 + 36 * len(shown)),
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-cell",
        column_order=[
            *("in_n", "in_d", "reason", *units, "code", "name", "enterprise", "planned_investment"),
            *(*dates, "arrived"),
        ],
        column_config={
            "in_n": st.column_config.CheckboxColumn("N", width=40),
            "in_d": st.column_config.CheckboxColumn("D", width=40),
            "reason": st.column_config.TextColumn(str(_("Why")), width=150),
            "unit": st.column_config.TextColumn(str(_("Unit")), width=72),
            "code": st.column_config.TextColumn(str(_("Project code")), width=120),
            "name": st.column_config.TextColumn(str(_("Project"))),
            "enterprise": st.column_config.TextColumn(str(_("Investor"))),
            "planned_investment": amount_column(_("Planned investment (10,000 yuan)")),
            "arrived": amount_column(_("Funds arrived (10,000 yuan)")),
            **{name: st.column_config.DateColumn(str(title), format="YYYY-MM-DD") for name, title in dates.items()},
        },
    )
    _open_project(picked, frame["id"])


def clicked(picked: Any, column: "pd.Series[Any]") -> Any:
    """Return what a column holds in the row in which a cell was clicked, None without one.

    A click that was on its way as the rows changed may stand below the last of them.
    """
    held = list(column)
    return next((held[row] for row, _name in picked.selection.cells if row < len(held)), None)


def _open_project(picked: Any, ids: "pd.Series[Any]") -> None:
    if (project_id := clicked(picked, ids)) is not None:
        shell.go("project", id=project_id)


def clicked_cell(styled: Any, config: Mapping[str, Any], *, key: str) -> tuple[int, str] | None:
    """Draw a table; returns (row, column) of what was clicked in the run before this one, once."""
    noted = f"{key}_clicked"

    def note() -> None:
        st.session_state[noted] = True

    picked = st.dataframe(
        styled,
        key=key,
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        column_order=list(config),
        column_config=dict(config),
        on_select=note,
        selection_mode="single-cell",
    )
    if not st.session_state.pop(noted, False):
        return None
    cells = picked.selection.cells
    return (int(cells[0][0]), str(cells[0][1])) if cells else None


class Picked(NamedTuple):
    """What was picked in a table: the record to open, and the rows that are ticked."""

    opened: int | None
    rows: pd.DataFrame


def directory_table(frame: pd.DataFrame, *, key: str, tick: bool = False) -> Picked:
    """Draw a page of the directory (see `reports.enterprises.directory`); with `tick`, rows can be ticked.

    Picks stand by position: where other rows take the place of picked ones, the table is another.
    """
    ids, drawn = list(frame["id"]), f"_{key}_drawn"
    # Only then: a table under a new key costs the browser twice what new rows in the old one do.
    before, number = st.session_state.get(drawn, (ids, 0))
    if ids != before and any(st.session_state.get(f"{key}_{number}", {}).get("selection", {}).values()):
        number += 1
    shown = frame.copy()
    shown["intended_amount"] = shown["intended_amount"].astype("float64") / float(YUAN_PER_WAN)
    shown["stage"] = [str(label(Stage(stage))) if isinstance(stage, str) else None for stage in frame["stage"]]
    hidden = {"id", "version", "credit_code", "projects"} | ({"tags"} if frame["tags"].isna().all() else set())
    picked = st.dataframe(
        shown,
        key=f"{key}_{number}",
        hide_index=True,
        height=min(WINDOW, 40 + 36 * len(shown)),
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"] if tick else "single-cell",
        column_order=[name for name in frame.columns if name not in hidden],
        column_config={
            "name": st.column_config.TextColumn(str(_("Enterprise"))),
            "chains": st.column_config.TextColumn(str(_("Industry chain")), width=140),
            "grade": st.column_config.TextColumn(str(_("Grade")), width=60),
            "source": st.column_config.TextColumn(str(_("Source")), width=88),
            "unit": st.column_config.TextColumn(str(_("Unit")), width=72),
            "owner_person": st.column_config.TextColumn(str(_("Owner")), width=72),
            "intended_amount": amount_column(_("Intended (10,000 yuan)")),
            "last_contact_on": st.column_config.DateColumn(str(_("Last contact")), format="YYYY-MM-DD", width=94),
            "next_contact_on": st.column_config.DateColumn(str(_("Next step due")), format="YYYY-MM-DD", width=100),
            "stage": st.column_config.TextColumn(str(_("Stage"))),
            "tags": st.column_config.TextColumn(str(_("Tags")), width=130),
        },
    )
    st.session_state[drawn] = ids, number
    ticked = [row for row in picked.selection.rows if row < len(ids)]
    return Picked(clicked(picked, frame["id"]), frame.iloc[ticked])


def project_table(frame: pd.DataFrame, *, key: str) -> None:
    """Draw projects (see `reports.enterprises.enterprise_record`), their stages as words already; a click opens one."""
    shown = frame.copy()
    shown["planned_investment"] = shown["planned_investment"].astype("float64") / float(YUAN_PER_WAN)
    picked = st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-cell",
        column_order=["name", "stage", "unit", "planned_investment", "signed_on", "started_on", "code"],
        column_config={
            "name": st.column_config.TextColumn(str(_("Project"))),
            "stage": st.column_config.TextColumn(str(_("Stage")), width=80),
            "unit": st.column_config.TextColumn(str(_("Unit")), width=80),
            "planned_investment": amount_column(_("Planned investment (10,000 yuan)")),
            "signed_on": st.column_config.DateColumn(str(_("Signing date")), format="YYYY-MM-DD", width=105),
            "started_on": st.column_config.DateColumn(str(_("Start date")), format="YYYY-MM-DD", width=105),
            "code": st.column_config.TextColumn(str(_("Project code")), width=120),
        },
    )
    _open_project(picked, frame["id"])


def amount_column(title: object, *, width: int | None = None) -> Any:
    """Return the column of a sum of money in whole 万元: as wide as its heading, unless a width in px is told."""
    return st.column_config.NumberColumn(str(title), format="%,.0f", width=width or heading_width(str(title)))


def heading_width(title: str) -> int:
    """Return the px that a column's heading takes, its padding included: a full-width character is two narrow ones."""
    narrow = sum(2 if east_asian_width(letter) in "WF" else 1 for letter in title)
    return round(6.1 * narrow) + 18


def rate_column(slug: str, *, width: int) -> Any:
    """Return the column of a rate: a bar with its percentage."""
    return st.column_config.ProgressColumn(
        str(RATES[slug].label),
        format="%.1f%%",
        min_value=0,
        max_value=100,
        width=width,
        help=str(RATES[slug].numerator),
    )


def place_columns() -> dict[str, Any]:
    """Return the columns of a rank and of its movement."""
    return {
        "rank": st.column_config.NumberColumn(str(_("Rank")), width=44),
        "movement": st.column_config.TextColumn(str(_("Movement")), width=52),
    }


def up_or_down(text: Any) -> str:
    """Return the style of a movement in words (see `movement_text`): red is up."""
    return RED if "▲" in text else GREEN if "▼" in text else ""


def attainment_table(frame: pd.DataFrame, *, elapsed: float, unit: str, whole: bool, key: str) -> None:
    """Draw how far targets are reached (see `reports.targets.attainment_frame`) against the share of the year gone by.

    `elapsed` is in percent, `unit` names the figures, which are `whole` numbers or not.
    """
    shown = frame.copy()
    shown["ahead"] = shown["share"] - elapsed
    number = figures(whole)
    st.dataframe(
        shown.style.map(lambda points: RED if points > 0 else GREEN if points < 0 else "", subset=["ahead"]),
        key=key,
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        column_order=["unit", "target", "actual", "share", "ahead", "last_year"],
        column_config={
            "unit": st.column_config.TextColumn(str(_("Unit")), width=110),
            "target": st.column_config.NumberColumn(str(_("Target")), format=number, help=unit, width=110),
            "actual": st.column_config.NumberColumn(str(_("So far")), format=number, help=unit, width=110),
            "share": st.column_config.ProgressColumn(
                str(_("Reached")), format="%.1f%%", min_value=0, max_value=100, width=220
            ),
            "ahead": st.column_config.NumberColumn(
                str(_("Ahead of the year (points)")),
                format="%+.1f",
                help=str(_("The share reached less the share of the year gone by.")),
                width=150,
            ),
            "last_year": st.column_config.NumberColumn(str(_("Last year")), format=number, help=unit, width=110),
        },
    )


def figures(whole: bool) -> str:
    """Return the format of figures in a table."""
    return "%,.0f" if whole else "%,.1f"


def figure(value: Any, size: Any) -> float | None:
    """Return an exact figure in units of `size` as a table's number."""
    return None if value is None else float(value / Fraction(size))
