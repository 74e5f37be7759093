"""Supervision orders: which are open, overdue and due to rise, and each with its timeline."""

import streamlit as st

from crm.exchange.bulletin import MEDIA_TYPES
from crm.exchange.orders import export_order
from crm.locale import _
from crm.model import SupervisionLevel
from crm.permissions import Action, can
from crm.reports import supervision as reports
from crm.reports.rankings import units as all_units
from crm.reports.supervision import STATE_LABELS, OrderFilter, State
from crm.ui import components as ui
from crm.ui import filters, session, supervision
from crm.ui.attachments import attachments

FILTERS = ("find_order", "order_state", "order_level", "order_unit")

actor, db, today = session.current_actor(), session.database(), session.today()
may_raise = can(actor, Action.SUPERVISE)

asked = st.query_params.get("order", "")
if asked.isdecimal():
    record = reports.order_record(db, actor, int(asked))
    with ui.title_row(actor, record.order.number, record.order.unit, log_contact="none", below=True):
        ui.download_button(
            "Word",
            lambda: export_order(db, actor, record.order.id, now=session.utc_now()),
            file_name=f"{record.order.number}.docx",
            media_type=MEDIA_TYPES["docx"],
        )
    left, right = st.columns([3, 2])
    with left:
        supervision.order_detail(actor, record, today=today)
    with right, ui.card("files", _("Files")):
        attachments(actor, "supervision_order", record.order.id)
    st.stop()

about = _("What the bureau demands of units, by when, and what came of it")
with ui.title_row(actor, _("Supervision orders"), about, log_contact="secondary", printable=True):
    if may_raise and st.button(str(_("Raise an order")), key="raise", type="primary", icon=":material/add:"):
        supervision.raise_one(actor)
places = st.container()
with ui.card("filters"):
    boxes = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
with boxes[0]:
    text = st.text_input(
        str(_("Search")),
        type="search",
        icon=":material/search:",
        live=True,
        placeholder=str(_("Number, demand or project")),
        **filters.kept("find_order"),
    )
with boxes[1]:
    state = filters.any_of(_("State"), list(State), "order_state", STATE_LABELS.__getitem__)
with boxes[2]:
    level = filters.any_of(_("Level"), list(SupervisionLevel), "order_level", supervision.LEVEL_WORDS.__getitem__)
with boxes[3]:
    names = {unit.id: unit.name for unit in all_units(db)}
    unit = filters.any_of(_("Unit"), list(names), "order_unit", names.__getitem__)
wanted = OrderFilter(State(state) if state else None, SupervisionLevel(level) if level else None, unit, text or "")
counts = reports.count_orders(db, actor, wanted, today=today)
with places:
    for place, (key, words, number) in zip(
        st.columns(4),
        (
            ("open", STATE_LABELS[State.OPEN], counts.open),
            ("overdue", STATE_LABELS[State.OVERDUE], counts.overdue),
            ("rising", _("Due to rise"), counts.rising),
            ("closed", STATE_LABELS[State.CLOSED], counts.closed),
        ),
        strict=True,
    ):
        with place:
            ui.kpi(f"orders_{key}", words, f"{number:,}")

total = counts.of(wanted.state)
with ui.card("orders", _("{total} orders", total=f"{total:,}")) as aside:
    with aside:
        filters.clear_button(FILTERS)
        if may_raise and counts.rising and wanted.state is not State.CLOSED:
            rise = str(_("Escalate the {count} that are due", count=counts.rising))
            if st.button(rise, key="escalate_all", icon=":material/trending_up:"):
                supervision.escalate(actor, reports.due_to_rise(db, actor, wanted, today=today))
    if not total:
        ui.empty_state(
            _("No supervision order fits."),
            _("Loosen the filters; orders are raised from the cards of a month, or freely."),
            icon="flag",
        )
    else:
        listing = st.container(gap="small")
        page = ui.pager(total, page_size=reports.PAGE_SIZE, key="order_page")
        with listing:
            for order in reports.orders(db, actor, wanted, today=today, page=page):
                supervision.order_line(order, today=today)
