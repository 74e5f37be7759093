"""The directory of intended enterprises: filters in the address, a page of fifty, a click opens the enterprise, ticked
rows are changed together."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import streamlit as st

from crm.exchange.exporting import export_table
from crm.locale import _
from crm.model import YUAN_PER_WAN, Grade, SegmentRole, Stage, Tier, label
from crm.permissions import Action, can
from crm.reports import vocabulary
from crm.reports.enterprises import (
    PAGE_SIZE,
    SORTS,
    EnterpriseFilter,
    chosen_by,
    count_directory,
    directory,
    directory_condition,
    sources,
    tags_in_use,
)
from crm.reports.rankings import units as all_units
from crm.ui import components as ui
from crm.ui import session, shell, tables
from crm.ui.bulk import bulk_bar
from crm.ui.change_sets import recent_changes_button
from crm.ui.saved_views import saved_views

SORT_LABELS = {
    "recent": _("Recently changed"),
    "name": _("Name"),
    "last_contact": _("Last contact"),
    "quiet": _("Longest without contact"),
    "amount": _("Intended amount"),
}
NO_PROJECT = "none"
FILTERS = tuple("q industry segment role unit stage grade source quiet tags from to archived".split())

actor, db, today = session.current_actor(), session.database(), session.today()
industries, units, all_sources, all_tags = session.remembered(
    ("words of the directory", actor),
    lambda: (
        vocabulary.industry_names(db),
        {unit.id: unit.name for unit in all_units(db)},
        sources(db, actor),
        tags_in_use(db, actor),
    ),
)
kept: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


def any_of(title: object, options: list[Any], key: str, words: Any = str) -> Any:
    """Draw a filter that may be left open."""
    return st.selectbox(str(title), options, index=None, format_func=words, placeholder=str(_("All")), key=key, **kept)


def amount(title: object, key: str) -> Decimal | None:
    """Draw a filter of an amount, typed in 万元; returns 元."""
    typed = st.number_input(
        str(title), value=None, min_value=0.0, step=1000.0, format="%.10g", placeholder="—", key=key, **kept
    )
    return None if typed is None else Decimal(str(typed)) * YUAN_PER_WAN


with ui.title_row(actor, _("Enterprises"), _("The directory of intended enterprises")):
    saved_views(actor, "enterprises")
    if can(actor, Action.EDIT) or can(actor, Action.ASSIGN):
        recent_changes_button(actor)
with ui.card("filters"):
    with st.container(horizontal=True, vertical_alignment="center"):
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
        archived = st.toggle(str(_("Archived ones")), key="archived", **kept)
    with st.container(key="filters_grid"):
        first, second, third = st.columns(4), st.columns(4), st.columns(4)
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
        source = any_of(_("Source"), all_sources, "source")
    with second[3]:
        quiet = any_of(_("No contact for"), [30, 60, 90, 180], "quiet", lambda days: str(_("{days} days", days=days)))
    with third[0]:
        tags = st.multiselect(str(_("Tags")), all_tags, placeholder=str(_("All")), key="tags", **kept)
    with third[1]:
        amount_from = amount(_("Intended from (10,000 yuan)"), "from")
    with third[2]:
        amount_to = amount(_("Intended to (10,000 yuan)"), "to")
    with third[3]:
        sort = st.selectbox(str(_("Order")), list(SORTS), key="sort", format_func=lambda s: str(SORT_LABELS[s]), **kept)

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
    amount_from=amount_from,
    amount_to=amount_to,
    tags=tuple(tags),
    archived=archived,
    sort=sort or "recent",
)


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


# The number is there long before the rows: it is told while they are looked up.
total = count_directory(db, actor, filters, today=today)
with ui.card("list", _("{total} enterprises", total=f"{total:,}")) as aside:
    with aside:
        ui.clear_filters(FILTERS)
        if total and not archived and can(actor, Action.EXPORT):
            stamp = f"{session.local(session.utc_now()):%Y%m%d-%H%M%S}"
            ui.download_button(_("Export"), exported, file_name=f"{_('Enterprises')}-{actor.login}-{stamp}.xlsx")
    if not total:
        ui.empty_state(
            _("No enterprise fits."),
            _("Loosen the filters, import a ledger, or add the enterprise as you log a contact."),
            icon="domain",
        )
        st.stop()
    bar, listing = st.container(), st.container()
    page = ui.pager(total, page_size=PAGE_SIZE)
    rows = directory(db, actor, filters, today=today, page=page)
    tick = not archived and (can(actor, Action.EDIT) or can(actor, Action.ASSIGN))
    # Ticks stand by position: other rows are another table.
    with listing:
        picked = tables.directory_table(rows, key=f"directory_{crc32(repr(list(rows['id'])).encode()):x}", tick=tick)
    if picked.opened is not None:
        shell.go("enterprise", id=picked.opened)
    with bar:
        if len(picked.rows):
            bulk_bar(actor, picked.rows, total, lambda: chosen_by(db, actor, filters, today=today))
