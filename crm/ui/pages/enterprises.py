"""The directory of intended enterprises: filters in the address, a page of fifty, a click opens the enterprise, ticked
rows are changed together."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import streamlit as st

from crm.exchange.exporting import export_table
from crm.locale import _
from crm.model import YUAN_PER_WAN, Actor, Grade, SegmentRole, Stage, Tier, label
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
from crm.ui.redrawing import LIST, redraw_list, redraw_page
from crm.ui.saved_views import saved_views

SORT_LABELS = {
    "recent": _("Recently changed"),
    "name": _("Name"),
    "last_contact": _("Last contact"),
    "quiet": _("Longest without contact"),
    "amount": _("Intended amount"),
}
NO_PROJECT = "none"
FOLDED = tuple("role stage source quiet tags from to archived".split())
FILTERS = ("q", "industry", "segment", "unit", "grade", *FOLDED)

actor, db = session.current_actor(), session.database()
industries, units, all_sources, all_tags = session.remembered(
    ("words of the directory", actor),
    lambda: (
        vocabulary.industry_names(db),
        {unit.id: unit.name for unit in all_units(db)},
        sources(db, actor),
        tags_in_use(db, actor),
    ),
)
kept: dict[str, Any] = {"bind": "query-params", "persist_state": "session", "on_change": redraw_list}


def any_of(title: object, options: list[Any], key: str, words: Any = str, **other: Any) -> Any:
    """Draw a filter that may be left open."""
    how = {**kept, "placeholder": str(_("All")), **other}
    return st.selectbox(str(title), options, index=None, format_func=words, key=key, **how)


def amount(title: object, key: str) -> None:
    """Draw a filter of an amount, typed in 万元."""
    st.number_input(
        str(title), value=None, min_value=0.0, step=1000.0, format="%.10g", placeholder="—", key=key, **kept
    )


def chosen_filters() -> EnterpriseFilter:
    """Return what the filters say now."""
    state = st.session_state
    return EnterpriseFilter(
        text=state.get("q") or "",
        industry_id=state.get("industry"),
        segment_id=state.get("segment"),
        role=state.get("role") or "",
        unit_id=state.get("unit"),
        stage=state.get("stage") or "",
        grade=state.get("grade") or "",
        source=state.get("source") or "",
        quiet_days=state.get("quiet"),
        amount_from=in_yuan(state.get("from")),
        amount_to=in_yuan(state.get("to")),
        tags=tuple(state.get("tags") or ()),
        archived=bool(state.get("archived")),
        sort=state.get("sort") or "recent",
    )


def in_yuan(typed: float | None) -> Decimal | None:
    """Return an amount that was typed in 万元."""
    return None if typed is None else Decimal(str(typed)) * YUAN_PER_WAN


def exported(actor: Actor, filters: EnterpriseFilter) -> bytes:
    """Return what the filter shows, all pages of it, as a workbook that imports again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "enterprises.xlsx"
        export_table(
            db,
            actor,
            "enterprises",
            path,
            where=lambda params: directory_condition(actor, filters, params, today=session.today(), alias="r"),
            now=session.utc_now(),
        )
        return path.read_bytes()


@st.fragment(key=LIST)
def listing() -> None:
    """Draw what fits the filters: it runs alone when one of them changes, so it asks anew who is there."""
    actor, filters, today = session.current_actor(), chosen_filters(), session.today()
    # The number is there long before the rows: it is told while they are looked up.
    total = count_directory(db, actor, filters, today=today)
    with ui.card("list", _("{total} enterprises", total=f"{total:,}")) as aside:
        with aside:
            ui.clear_filters(FILTERS)
            if total and not filters.archived and can(actor, Action.EXPORT):
                stamp = f"{session.local(session.utc_now()):%Y%m%d-%H%M%S}"
                ui.download_button(
                    _("Export"),
                    lambda: exported(actor, filters),
                    file_name=f"{_('Enterprises')}-{actor.login}-{stamp}.xlsx",
                )
        if not total:
            ui.empty_state(
                _("No enterprise fits."),
                _("Loosen the filters, import a ledger, or add the enterprise as you log a contact."),
                icon="domain",
            )
            return
        bar, table = st.container(), st.container()
        page = ui.pager(total, page_size=PAGE_SIZE)
        rows = directory(db, actor, filters, today=today, page=page)
        tick = not filters.archived and (can(actor, Action.EDIT) or can(actor, Action.ASSIGN))
        with table:
            picked = tables.directory_table(rows, key="directory", tick=tick)
        if picked.opened is not None:
            shell.go("enterprise", id=picked.opened)
        with bar:
            if len(picked.rows):
                bulk_bar(actor, picked.rows, total, lambda: chosen_by(db, actor, filters, today=today))


with ui.title_row(actor, _("Enterprises"), _("The directory of intended enterprises")):
    saved_views(actor, "enterprises")
    if can(actor, Action.EDIT) or can(actor, Action.ASSIGN):
        recent_changes_button(actor)
with ui.card("filters"):
    first = st.columns([1.6, 1.1, 1.2, 1, 0.7], vertical_alignment="bottom")
    with first[0]:
        st.text_input(
            str(_("Search")),
            key="q",
            type="search",
            icon=":material/search:",
            live=True,
            placeholder=str(_("Part of a name, pinyin initials or credit code")),
            **kept,
        )
    with first[1]:
        # Its segments are the next filter's choice.
        industry = any_of(
            _("Industry chain"), list(industries), "industry", industries.__getitem__, on_change=redraw_page
        )
    with first[2]:
        links = {s.id: s for s in vocabulary.segments(db, industry)} if industry else {}
        any_of(_("Segment"), list(links), "segment", lambda i: f"{label(Tier(links[i].tier))} · {links[i].name}")
    with first[3]:
        any_of(_("Owner unit"), list(units), "unit", units.__getitem__)
    with first[4]:
        any_of(_("Grade"), list(Grade), "grade")
    with ui.more_filters(FOLDED):
        second, third = st.columns(4), st.columns(4)
        st.toggle(str(_("Archived ones")), key="archived", **kept)
    with second[0]:
        any_of(_("Role in the chain"), list(SegmentRole), "role", lambda r: str(label(r)))
    with second[1]:
        any_of(
            _("Stage of its projects"),
            [NO_PROJECT, *Stage],
            "stage",
            lambda s: str(_("No project yet")) if s == NO_PROJECT else str(label(Stage(s))),
        )
    with second[2]:
        any_of(_("Source"), all_sources, "source")
    with second[3]:
        any_of(_("No contact for"), [30, 60, 90, 180], "quiet", lambda days: str(_("{days} days", days=days)))
    with third[0]:
        st.multiselect(str(_("Tags")), all_tags, placeholder=str(_("All")), key="tags", **kept)
    with third[1]:
        amount(_("Intended from (10,000 yuan)"), "from")
    with third[2]:
        amount(_("Intended to (10,000 yuan)"), "to")
    with third[3]:
        st.selectbox(str(_("Order")), list(SORTS), key="sort", format_func=lambda s: str(SORT_LABELS[s]), **kept)

listing()
