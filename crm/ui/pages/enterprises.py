"""The directory of intended enterprises: filters in the address, a page of fifty, a click opens the enterprise, ticked
rows are changed together."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from crm.exchange.exporting import export_table
from crm.locale import _
from crm.model import Actor, Grade, SegmentRole, Stage, Tier, label
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
from crm.ui import filters, session, shell, tables
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
FILTERS = ("q", "industry", "segment", "owner", "grade", *FOLDED)

actor, db = session.current_actor(), session.database()
redrawn: dict[str, Any] = {"on_change": redraw_list}
industries, units, all_sources, all_tags = session.remembered(
    ("words of the directory", actor),
    lambda: (
        vocabulary.industry_names(db),
        {unit.id: unit.name for unit in all_units(db)},
        sources(db, actor),
        tags_in_use(db, actor),
    ),
)


def chosen_filters() -> EnterpriseFilter:
    """Return what the filters say now."""
    state = st.session_state
    return EnterpriseFilter(
        text=state.get("q") or "",
        industry_id=state.get("industry"),
        segment_id=state.get("segment"),
        role=state.get("role") or "",
        unit_id=state.get("owner"),
        stage=state.get("stage") or "",
        grade=state.get("grade") or "",
        source=state.get("source") or "",
        quiet_days=state.get("quiet"),
        amount_from=filters.in_yuan(state.get("from")),
        amount_to=filters.in_yuan(state.get("to")),
        tags=tuple(state.get("tags") or ()),
        archived=bool(state.get("archived")),
        sort=state.get("sort") or "recent",
    )


def exported(actor: Actor, wanted: EnterpriseFilter) -> bytes:
    """Return what the filter shows, all pages of it, as a workbook that imports again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "enterprises.xlsx"
        export_table(
            db,
            actor,
            "enterprises",
            path,
            where=lambda params: directory_condition(actor, wanted, params, today=session.today(), alias="r"),
            now=session.utc_now(),
        )
        return path.read_bytes()


@st.fragment(key=LIST)
def listing() -> None:
    """Draw what fits the filters: it runs alone when one of them changes, so it asks anew who is there."""
    actor, wanted, today = session.current_actor(), chosen_filters(), session.today()
    # The number is there long before the rows: it is told while they are looked up.
    total = count_directory(db, actor, wanted, today=today)
    with ui.card("list", _("{total} enterprises", total=f"{total:,}")) as aside:
        with aside:
            filters.clear_button(FILTERS)
            if total and not wanted.archived and can(actor, Action.EXPORT):
                stamp = f"{session.local(session.utc_now()):%Y%m%d-%H%M%S}"
                ui.download_button(
                    _("Export"),
                    lambda: exported(actor, wanted),
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
        rows = directory(db, actor, wanted, today=today, page=page)
        tick = not wanted.archived and (can(actor, Action.EDIT) or can(actor, Action.ASSIGN))
        with table:
            picked = tables.directory_table(rows, key="directory", tick=tick)
        if picked.opened is not None:
            shell.go("enterprise", id=picked.opened)
        with bar:
            if len(picked.rows):
                bulk_bar(actor, picked.rows, total, lambda: chosen_by(db, actor, wanted, today=today))


with ui.title_row(actor, _("Enterprises"), _("The directory of intended enterprises")):
    saved_views(actor, "enterprises")
    if can(actor, Action.EDIT) or can(actor, Action.ASSIGN):
        recent_changes_button(actor)
with ui.card("filters"):
    first = st.columns([1.6, 1.1, 1.2, 1, 0.7], vertical_alignment="bottom")
    with first[0]:
        st.text_input(
            str(_("Search")),
            type="search",
            icon=":material/search:",
            live=True,
            placeholder=str(_("Part of a name, pinyin initials or credit code")),
            **filters.kept("q"),
            **redrawn,
        )
    with first[1]:
        # Its segments are the next filter's choice.
        industry = filters.any_of(
            _("Industry chain"), list(industries), "industry", industries.__getitem__, on_change=redraw_page
        )
    with first[2]:
        links = {s.id: s for s in vocabulary.segments(db, industry)} if industry else {}
        filters.any_of(
            _("Segment"),
            list(links),
            "segment",
            lambda i: f"{label(Tier(links[i].tier))} · {links[i].name}",
            **redrawn,
        )
    with first[3]:
        filters.any_of(_("Owner unit"), list(units), "owner", units.__getitem__, **redrawn)
    with first[4]:
        filters.any_of(_("Grade"), list(Grade), "grade", **redrawn)
    with filters.more(FOLDED):
        second, third = st.columns(4), st.columns(4)
        st.toggle(str(_("Archived ones")), **filters.kept("archived"), **redrawn)
    with second[0]:
        filters.any_of(_("Role in the chain"), list(SegmentRole), "role", label, **redrawn)
    with second[1]:
        filters.any_of(
            _("Stage of its projects"),
            [NO_PROJECT, *Stage],
            "stage",
            lambda s: _("No project yet") if s == NO_PROJECT else label(Stage(s)),
            **redrawn,
        )
    with second[2]:
        filters.any_of(_("Source"), all_sources, "source", **redrawn)
    with second[3]:
        filters.any_of(
            _("No contact for"), [30, 60, 90, 180], "quiet", lambda days: _("{days} days", days=days), **redrawn
        )
    with third[0]:
        filters.some_of(_("Tags"), all_tags, "tags", **redrawn)
    with third[1]:
        filters.amount(_("Intended from (10,000 yuan)"), "from", **redrawn)
    with third[2]:
        filters.amount(_("Intended to (10,000 yuan)"), "to", **redrawn)
    with third[3]:
        filters.one_of(_("Order"), list(SORTS), "sort", SORT_LABELS.__getitem__, **redrawn)

listing()
