"""The cards of a month and the red and black list; orders are raised from the cards that are ticked."""

import tempfile
from pathlib import Path

import streamlit as st

from crm.exchange.cards import export_cards
from crm.locale import _
from crm.metrics import Basis, CardKind, Colour
from crm.model import label
from crm.permissions import Action, can
from crm.reports import cards, rankings, vocabulary
from crm.reports.closes import find_close
from crm.reports.rule_sets import list_rule_sets
from crm.ui import components as ui
from crm.ui import filters, session, shell, supervision

FILTERS = ("card_unit", "card_colour", "card_kind", "card_chain")
HINTS = {
    Colour.YELLOW: _("To be watched: a negotiation begins to stand still, or a start is just overdue."),
    Colour.RED: _("Grave: a negotiation stands still for longer, or a start is overdue for months."),
    Colour.REMOVAL: _("A negotiation has stood still so long that the project is proposed for removal."),
}

actor, db = session.current_actor(), session.database()
newest = rankings.latest_month_with_data(db, today=session.today())
months = [str(newest.plus(-n)) for n in range(36)]
rule_sets = {stored.rules.name: stored.rules for stored in list_rule_sets(db)}

header = st.container()
with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
    month = filters.choose_month(months)
    rules = filters.choose_rules(rule_sets)
at = rules.period(month)
caption = _(
    "As of {as_of} · rule set “{name}” version {version}", as_of=at.as_of, name=rules.name, version=rules.version
)
with header, ui.title_row(actor, _("Cards and lists"), caption, log_contact="secondary", printable=True):
    pass
if find_close(db, month) is not None:
    with ui.card("closed"), st.container(horizontal=True, vertical_alignment="center", gap="small"):
        ui.tag(_("Closed month"), "green", icon="lock")
        st.caption(str(_("These are the cards as the records stand now. What was published stays as it was.")))
        st.page_link(
            "pages/month_close.py", label=str(_("The month as published")), query_params={"closing_month": str(month)}
        )

everywhere = session.remembered(("cards", actor, month, rules), lambda: cards.tally(db, actor, at, rules))
places = st.columns(3)
for place, colour in zip(places, Colour, strict=True):
    with place:
        number = sum(each.count for each in everywhere if each.colour is colour)
        ui.kpi(f"cards_{colour}", label(colour), f"{number:,}", help=HINTS[colour])

left, right = st.columns(2)
with left, ui.card("lists", _("Red and black list")):
    ranking = session.remembered(
        ("ranking", month, rules, Basis.COUNT), lambda: rankings.ranking(db, month=month, rules=rules)
    )
    supervision.lists(cards.lists_of(ranking), rules)
with right, ui.card("units", _("Cards by unit")):
    if everywhere:
        supervision.unit_cards_table(everywhere, key="unit_cards")
    else:
        ui.empty_state(_("No unit has a card this month."), icon="style")

with ui.card("cards", _("Cards")) as aside:
    units, industries = {each.unit_id: each.unit for each in everywhere}, vocabulary.industry_names(db)
    boxes = st.columns(4)
    for box, key, title, options, words in (
        (boxes[0], "card_unit", _("Unit"), list(units), units.__getitem__),
        (boxes[1], "card_colour", _("Colour"), list(Colour), label),
        (boxes[2], "card_kind", _("Shown for"), list(CardKind), label),
        (boxes[3], "card_chain", _("Industry chain"), list(industries), industries.__getitem__),
    ):
        with box:
            filters.any_of(title, options, key, words)
    chosen = {key: st.session_state.get(key) for key in FILTERS}
    wanted = cards.CardFilter(
        unit_id=chosen["card_unit"],
        kind=CardKind(chosen["card_kind"]) if chosen["card_kind"] else None,
        colour=Colour(chosen["card_colour"]) if chosen["card_colour"] else None,
        industry_id=chosen["card_chain"],
    )
    counted = everywhere
    if wanted.industry_id is not None:
        counted = cards.tally(db, actor, at, rules, industry_id=wanted.industry_id)
    total, hidden = cards.seen_and_hidden(counted, wanted)

    def exported() -> bytes:
        """Return what the filter shows, all pages of it, as a workbook."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cards.xlsx"
            export_cards(db, actor, month, rules, wanted, path, now=session.utc_now())
            return path.read_bytes()

    with aside:
        filters.clear_button(FILTERS)
        if total and can(actor, Action.EXPORT):
            ui.download_button(_("Export"), exported, file_name=f"{_('Cards')}-{month}.xlsx")
    if hidden:
        st.caption(str(_("{count} more cards are of projects outside your scope.", count=f"{hidden:,}")))
    if not total:
        ui.empty_state(_("No card to show."), _("Loosen the filters, or choose another month above."), icon="style")
        st.stop()
    may_raise = can(actor, Action.SUPERVISE)
    bar, listing = st.container(), st.container()
    page = ui.pager(total, page_size=cards.PAGE_SIZE, key="card_page")
    with listing:
        found = cards.cards(db, actor, at, rules, wanted, page=page)
        turn = st.session_state.get("cards_round", 0)
        picked = supervision.cards_table(found, key=f"cards_{month}_{page}_{turn}", tick=may_raise)
    if may_raise:
        with bar, st.container(horizontal=True, vertical_alignment="center", key="cards_bar"):
            issue = str(_("Raise supervision orders"))
            if st.button(issue, key="raise", type="primary", icon=":material/flag:", disabled=not picked.ticked):
                supervision.raise_many(actor, month, rules, picked.ticked)
            said = (
                _("{count} cards chosen", count=len(picked.ticked))
                if picked.ticked
                else _("Tick cards to raise orders.")
            )
            st.caption(str(said), width="content")
    if picked.opened:
        shell.go(picked.opened[0], **picked.opened[1])
