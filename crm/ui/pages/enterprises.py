"""The directory of intended enterprises: filters in the address, a page of fifty, a click opens the enterprise."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from crm.exchange.exporting import export_table
from crm.locale import _
from crm.model import Grade, SegmentRole, Stage, Tier, label
from crm.permissions import Action, can
from crm.reports import vocabulary
from crm.reports.enterprises import (
    PAGE_SIZE,
    SORTS,
    EnterpriseFilter,
    count_directory,
    directory,
    directory_condition,
    sources,
)
from crm.reports.rankings import units as all_units
from crm.ui import components as ui
from crm.ui import session, shell, tables

SORT_LABELS = {
    "recent": _("Recently changed"),
    "name": _("Name"),
    "last_contact": _("Last contact"),
    "quiet": _("Longest without contact"),
    "amount": _("Intended amount"),
}
NO_PROJECT = "none"

actor, db, today = session.current_actor(), session.database(), session.today()
industries, units = vocabulary.industry_names(db), {unit.id: unit.name for unit in all_units(db)}
kept: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def any_of(title: object, options: list[Any], key: str, words: Any = str) -> Any:
    """Draw a filter that may be left open."""
    return st.selectbox(str(title), options, index=None, format_func=words, placeholder=str(_("All")), key=key, **kept)


with ui.title_row(actor, _("Enterprises"), _("The directory of intended enterprises")):
    pass
with ui.card("filters"):
    text = st.text_input(
        str(_("Search")),
        key="q",
        type="search",
        icon=":material/search:",
        live=True,
        placeholder=str(_("Part of a name, pinyin initials or credit code")),
        label_visibility="collapsed",
        **kept,
    )
    with st.container(key="filters_grid"):
        first, second = st.columns(4), st.columns(4)
    with first[0]:
        industry = any_of(_("Industry chain"), list(industries), "industry", industries.__getitem__)
    with first[1]:
        links = {s.id: s for s in vocabulary.segments(db, industry)} if industry else {}
        segment = any_of(
            _("Segment"), list(links), "segment", lambda i: f"{label(Tier(links[i].tier))} · {links[i].name}"
        )
    with first[2]:
        role = any_of(_("Role in the chain"), list(SegmentRole), "role", lambda r: str(label(r)))
    with first[3]:
        unit = any_of(_("Owner unit"), list(units), "unit", units.__getitem__)
    with second[0]:
        stage = any_of(
            _("Stage of its projects"),
            [NO_PROJECT, *Stage],
            "stage",
            lambda s: str(_("No project yet")) if s == NO_PROJECT else str(label(Stage(s))),
        )
    with second[1]:
        grade = any_of(_("Grade"), list(Grade), "grade")
    with second[2]:
        source = any_of(_("Source"), sources(db, actor), "source")
    with second[3]:
        quiet = any_of(_("No contact for"), [30, 60, 90, 180], "quiet", lambda days: str(_("{days} days", days=days)))

filters = EnterpriseFilter(
    text=text or "",
    industry_id=industry,
    segment_id=segment,
    role=role or "",
    unit_id=unit,
    stage=stage or "",
    grade=grade or "",
    source=source or "",
    quiet_days=quiet,
)
total = count_directory(db, actor, filters, today=today)


def exported() -> bytes:
    """Return what the filter shows, all pages of it, as a workbook that imports again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "enterprises.xlsx"
        export_table(
            db,
            actor,
            "enterprises",
            path,
            where=lambda params: directory_condition(actor, filters, params, today=today, alias="r"),
            now=session.utc_now(),
        )
        return path.read_bytes()


with ui.card("list", _("{total} enterprises", total=f"{total:,}")) as aside:
    with aside:
        if total and can(actor, Action.EXPORT):
            stamp = f"{session.local(session.utc_now()):%Y%m%d-%H%M%S}"
            ui.download_button(_("Export"), exported, file_name=f"{_('Enterprises')}-{actor.login}-{stamp}.xlsx")
        sort = st.selectbox(
            str(_("Order")),
            list(SORTS),
            key="sort",
            format_func=lambda s: str(SORT_LABELS[s]),
            label_visibility="collapsed",
            width=190,
            **kept,
        )
    if not total:
        ui.empty_state(
            _("No enterprise fits."),
            _("Loosen the filters, import a ledger, or add the enterprise as you log a contact."),
            icon="domain",
        )
        st.stop()
    listing = st.container()
    page = ui.pager(total, page_size=PAGE_SIZE)
    rows = directory(db, actor, replace(filters, sort=sort or "recent"), today=today, page=page)
    with listing:
        chosen = tables.directory_table(rows, key="directory")
    if chosen is not None:
        shell.go("enterprise", id=chosen)
