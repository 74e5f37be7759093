"""Cards and supervision orders as every page draws them: the tags, the dialogs, an order with its timeline."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from crm.actions import supervision
from crm.actions.supervision import OrderDraft, Raised
from crm.locale import Message, _
from crm.metrics import CardKind, Colour, RuleSet, shown_score
from crm.model import Actor, SupervisionEvent, SupervisionLevel, group_label, label
from crm.months import Month
from crm.reports.cards import Card, CardKey, GroupLists, Tally, default_demand
from crm.reports.rankings import units
from crm.reports.supervision import STATE_LABELS, Order, OrderRecord, State, Step
from crm.rules import DAYS_OF_LEVEL, LEVEL_OF_CARD, order_due_on
from crm.ui import components as ui
from crm.ui import forms, session
from crm.ui.forms import Field

COLOUR_TONES: dict[Colour, ui.Tone] = {Colour.YELLOW: "orange", Colour.RED: "red", Colour.REMOVAL: "gray"}
LEVEL_TONES: dict[SupervisionLevel, ui.Tone] = {
    SupervisionLevel.BLUE: "blue",
    SupervisionLevel.YELLOW: "orange",
    SupervisionLevel.RED: "red",
}
LEVEL_WORDS: dict[SupervisionLevel, Message] = {
    SupervisionLevel.BLUE: _("Blue level"),
    SupervisionLevel.YELLOW: _("Yellow level"),
    SupervisionLevel.RED: _("Red level"),
}
STATE_TONES: dict[State, ui.Tone] = {State.OPEN: "gray", State.OVERDUE: "red", State.CLOSED: "green"}
# The colours of cards in a table, where no tag can stand.
INK = {Colour.YELLOW: "color: #a15c00", Colour.RED: "color: #b0382b", Colour.REMOVAL: "color: #5b6472"}


def card_tag(kind: CardKind, colour: Colour) -> None:
    """Draw a card as a tag: its colour in words, and what it is shown for."""
    ui.tag(f"{label(colour)} · {label(kind)}", COLOUR_TONES[colour], icon="style")


def level_tag(level: SupervisionLevel) -> None:
    """Draw the level of an order."""
    ui.tag(LEVEL_WORDS[level], LEVEL_TONES[level], icon="flag")


def due_words(order: Order, today: date) -> str:
    """Say by when an order is due or how late it is; when it was closed, where it was."""
    if order.closed_on is not None:
        return str(_("Closed {day}", day=order.closed_on))
    late = (today - order.due_on).days
    if late > 0:
        return str(_("Due {day}, {days} days late", day=order.due_on, days=late))
    return str(_("Due {day}", day=order.due_on))


# --------------------------------------------------------------------------------------------------------------- lines


def order_line(order: Order, *, today: date, link: bool = True) -> None:
    """Draw an order as one line: number, level, what is demanded of whom by when."""
    state = order.state(today)
    with st.container(key=f"order_{state}_{order.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if link:
                st.page_link("pages/supervision.py", label=ui.safe(order.number), query_params={"order": str(order.id)})
            level_tag(order.level)
            ui.tag(STATE_LABELS[state] if state is not State.OPEN else _("In progress"), STATE_TONES[state])
            words = [order.unit, due_words(order, today)]
            if order.answered_on is not None and order.closed_on is None:
                words.append(str(_("Answered {day}", day=order.answered_on)))
            st.caption(ui.safe(" · ".join(words)), width="content")
        st.html(f'<p class="crm-record crm-demand">{escape(order.demand)}</p>')


def order_detail(actor: Actor, record: OrderRecord, *, today: date) -> None:
    """Draw one order: what is demanded, what may be done, what happened so far."""
    order = record.order
    with ui.card("order", _("Demand")):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="order_tags"):
            level_tag(order.level)
            state = order.state(today)
            ui.tag(STATE_LABELS[state] if state is not State.OPEN else _("In progress"), STATE_TONES[state])
            if order.card is not None:
                ui.tag(f"{order.month} · {label(order.card)}", "gray", icon="style")
            words = [order.unit, _("Issued {day}", day=order.issued_on), due_words(order, today)]
            st.caption(ui.safe(" · ".join(map(str, words))), width="content")
        if order.project_id is not None:
            st.page_link(
                "pages/project.py",
                label=ui.safe(order.project),
                icon=":material/account_tree:",
                query_params={"id": str(order.project_id)},
            )
        st.html(f'<p class="crm-demand-full">{escape(order.demand)}</p>')
        if order.result:
            st.markdown(f"**{ui.safe(_('Result'))}**")
            st.html(f'<p class="crm-demand-full">{escape(order.result)}</p>')
        _deeds(actor, record, today=today)
    with ui.card("order_steps", _("What happened so far")):
        lines = [
            f"<li><b>{escape(str(label(step.kind)))}</b><span>{step.happened_on}</span>"
            f"<span>{escape('' if step.who.startswith('system:') else step.who)}</span>"
            f"<small>{escape(str(_level_and_day(step)))}</small><small>{escape(step.content)}</small></li>"
            for step in reversed(record.steps)
        ]
        st.html(f'<ol class="crm-stages">{"".join(lines)}</ol>')


def _level_and_day(step: Step) -> Message | str:
    """Say what a step made of the order, where it made anything of it."""
    if step.kind in (SupervisionEvent.FEEDBACK, SupervisionEvent.CLOSED):
        return ""
    return _("{level}, due {day}", level=LEVEL_WORDS[step.level], day=step.due_on)


def _deeds(actor: Actor, record: OrderRecord, *, today: date) -> None:
    """Draw the buttons of what the reader may do with an order as it stands."""
    order, deeds = record.order, []
    if order.closed_on is None:
        if record.may_supervise:
            deeds.append(("close_order", _("Close the order"), "task_alt", close))
        if record.may_answer:
            deeds.append(("answer", _("Give feedback"), "reply", answer))
        if record.may_supervise:
            deeds.append(("extend", _("Extend"), "event_repeat", extend))
            if order.next_level(today) is not None:
                deeds.append(("escalate", _("Escalate"), "trending_up", escalate_one))
    elif record.may_supervise:
        deeds.append(("reopen_order", _("Open again"), "undo", reopen))
    if not deeds:
        return
    with st.container(horizontal=True, key="order_deeds"):
        for number, (key, words, icon, ask) in enumerate(deeds):
            kind: Any = "primary" if number == 0 and key != "reopen_order" else "secondary"
            if st.button(str(words), key=key, icon=f":material/{icon}:", type=kind):
                ask(actor, order)


# ------------------------------------------------------------------------------------------------------------- dialogs


def _moment() -> dict[str, Any]:
    return {"now": session.utc_now(), "today": session.today()}


def _levels(*, by_card: bool = False) -> Mapping[Any, Any]:
    first = {None: _("By the colour of the card")} if by_card else {}
    return first | {str(level): LEVEL_WORDS[level] for level in SupervisionLevel}


def _hint() -> Message:
    days = {str(level): days for level, days in DAYS_OF_LEVEL.items()}
    return _(
        "Left empty, it is due {blue} days after today at the blue level, {yellow} at the yellow, {red} at the red.",
        **days,
    )


def raise_many(actor: Actor, month: Month, rules: RuleSet, chosen: Sequence[Card]) -> None:
    """Ask for what the orders of these cards say; one card's text can be changed before it goes out."""
    one = chosen[0] if len(chosen) == 1 else None
    keys: list[CardKey] = [card.key for card in chosen]
    level = LEVEL_OF_CARD[one.colour] if one else None
    fields = [
        Field("level", _("Level"), "choice", level and str(level), _levels(by_card=one is None)),
        Field("due_on", _("Due date"), "date", order_due_on(level, session.today()) if level else None, hint=_hint()),
        Field("demand", _("Demand"), "long", default_demand(one) if one else ""),
    ]

    def save(said: dict[str, Any]) -> Raised:
        asked = SupervisionLevel(said["level"]) if said["level"] else None
        # The day that was proposed goes with the level that was proposed.
        proposed = level is not None and said["due_on"] == order_due_on(level, session.today())
        return supervision.raise_from_cards(
            session.database(),
            actor,
            month,
            rules,
            keys,
            level=asked,
            due_on=None if proposed else said["due_on"],
            demand=said["demand"],
            **_moment(),
        )

    def tell(made: Raised) -> None:
        for words in outcome(made):
            session.flash(words)
        st.session_state["cards_round"] = st.session_state.get("cards_round", 0) + 1

    forms.ask(
        _("Raise supervision orders"),
        fields,
        save,
        do=_("Issue"),
        done="",
        lead=one.name
        if one
        else _("{count} cards. Without a text of your own each says what its card says.", count=len(keys)),
        then=tell,
    )


def outcome(made: Raised) -> list[Message]:
    """Say what became of the chosen cards."""
    said = []
    numbers = list(made.orders.values())
    if len(numbers) == 1:
        said.append(_("{number} is issued.", number=numbers[0]))
    elif numbers:
        said.append(
            _("{count} orders are issued: {first} to {last}.", count=len(numbers), first=numbers[0], last=numbers[-1])
        )
    if made.skipped:
        said.append(_("{count} cards have an open order already and were passed over.", count=len(made.skipped)))
    if made.gone:
        said.append(_("{count} cards are shown no longer and were passed over.", count=made.gone))
    return said


def raise_one(actor: Actor, project: tuple[int, str] | None = None) -> None:
    """Ask for an order of no card: about this project (id, name), or about a unit."""
    names = {unit.id: unit.name for unit in units(session.database())}
    fields = [
        *([] if project else [Field("unit_id", _("Unit"), "choice", None, names)]),
        Field("level", _("Level"), "choice", str(SupervisionLevel.BLUE), _levels()),
        Field("due_on", _("Due date"), "date", None, hint=_hint()),
        Field("demand", _("Demand"), "long"),
    ]

    def save(said: dict[str, Any]) -> tuple[int, str]:
        level = said.pop("level")
        draft = OrderDraft(level and SupervisionLevel(level), project_id=project[0] if project else None, **said)
        return supervision.raise_order(session.database(), actor, draft, **_moment())

    forms.ask(
        _("Raise a supervision order"),
        fields,
        save,
        do=_("Issue"),
        done=_("The order is issued."),
        lead=project[1] if project else "",
    )


def answer(actor: Actor, order: Order) -> None:
    """Ask the unit what was done."""
    _ask(
        order,
        _("Give feedback"),
        [Field("content", _("What was done"), "long")],
        lambda said: supervision.answer_order(session.database(), actor, order.id, said["content"], **_moment()),
        _("The feedback is kept."),
    )


def escalate_one(actor: Actor, order: Order) -> None:
    """Ask for the reason and the new day of an order that rises."""
    escalate(actor, [order])


def escalate(actor: Actor, chosen: Collection[Order]) -> None:
    """Ask for the reason and the new day of overdue orders that rise by one level."""

    def save(said: dict[str, Any]) -> int:
        versions = [(order.id, order.version) for order in chosen]
        return supervision.escalate_orders(
            session.database(), actor, versions, due_on=said["due_on"], reason=said["reason"], **_moment()
        )

    forms.ask(
        _("Escalate"),
        [
            Field("due_on", _("New due date"), "date", None, hint=_hint()),
            Field("reason", _("Reason"), "long", hint=_("Left empty, it says that the order is overdue.")),
        ],
        save,
        do=_("Escalate"),
        done=_("{count} orders rose by one level.", count=len(chosen)),
        lead=_("{count} overdue orders rise by one level each.", count=len(chosen)),
    )


def extend(actor: Actor, order: Order) -> None:
    """Ask for a later day."""
    _ask(
        order,
        _("Extend"),
        [
            Field("due_on", _("New due date"), "date", max(order.due_on, session.today()) + timedelta(days=7)),
            Field("reason", _("Reason"), "long"),
        ],
        _versioned(supervision.extend_order, actor, order),
        _("The order has a new day."),
    )


def close(actor: Actor, order: Order) -> None:
    """Ask for the result."""
    _ask(
        order,
        _("Close the order"),
        [Field("closed_on", _("Closed on"), "date", session.today()), Field("result", _("Result"), "long")],
        _versioned(supervision.close_order, actor, order),
        _("The order is closed."),
    )


def reopen(actor: Actor, order: Order) -> None:
    """Ask why a closed order is opened again."""
    _ask(
        order,
        _("Open again"),
        [
            Field("due_on", _("New due date"), "date", order_due_on(order.level, session.today())),
            Field("reason", _("Reason"), "long"),
        ],
        _versioned(supervision.reopen_order, actor, order),
        _("The order is open again."),
    )


def _versioned(deed: Callable[..., None], actor: Actor, order: Order) -> Callable[[dict[str, Any]], object]:
    return lambda said: deed(session.database(), actor, order.id, order.version, **said, **_moment())


def _ask(
    order: Order, do: Message, fields: Sequence[Field], save: Callable[[dict[str, Any]], object], done: Message
) -> None:
    forms.ask(do, fields, save, do=do, done=done, lead=f"{order.number} · {order.unit}")


# -------------------------------------------------------------------------------------------------------------- tables


class PickedCards(NamedTuple):
    """What was picked in a table of cards: the page to open with its query, and the cards that are ticked."""

    opened: tuple[str, dict[str, int]] | None
    ticked: list[Card]


def cards_table(found: Sequence[Card], *, key: str, tick: bool) -> PickedCards:
    """Draw cards; a click on an order opens it, on anything else the project. With `tick`, rows can be ticked."""
    frame = pd.DataFrame(
        [
            {
                "colour": str(label(card.colour)),
                "kind": str(label(card.kind)),
                "unit": card.unit,
                "name": card.name,
                "since": card.since,
                "days": card.days,
                "order": f"{card.order_number} · {label(card.order_level)}" if card.order_level else None,
                "explanation": card.explanation or None,
                "enterprise": card.enterprise,
                "code": card.code,
            }
            for card in found
        ]
    )
    inks = {str(label(colour)): ink for colour, ink in INK.items()}
    picked = st.dataframe(
        frame.style.map(lambda word: f"{inks.get(word, '')}; font-weight: 600", subset=["colour"]),
        key=key,
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"] if tick else "single-cell",
        column_config={
            "colour": st.column_config.TextColumn(str(_("Card")), width=90),
            "kind": st.column_config.TextColumn(str(_("Shown for")), width=120),
            "unit": st.column_config.TextColumn(str(_("Unit")), width=110),
            "name": st.column_config.TextColumn(str(_("Project")), width=235),
            "since": st.column_config.DateColumn(str(_("Counted from")), format="YYYY-MM-DD", width=105),
            "days": st.column_config.NumberColumn(str(_("Days")), width=70),
            "order": st.column_config.TextColumn(str(_("Supervision order")), width=165),
            "explanation": st.column_config.TextColumn(str(_("Explanation")), width=150),
            "enterprise": st.column_config.TextColumn(str(_("Investor")), width=200),
            "code": st.column_config.TextColumn(str(_("Project code")), width=125),
        },
    )
    cells, rows = (picked.selection.cells, picked.selection.rows) if picked else ([], [])
    opened: tuple[str, dict[str, int]] | None = None
    if cells and cells[0][0] < len(found):
        card = found[cells[0][0]]
        opened = ("project", {"id": card.project_id})
        if cells[0][1] == "order" and card.order_id is not None:
            opened = ("supervision", {"order": card.order_id})
    return PickedCards(opened, [found[row] for row in rows if row < len(found)])


def unit_cards_table(tallies: Sequence[Tally], *, key: str) -> None:
    """Draw how many cards of each colour every unit has, in official order."""
    counts: dict[str, dict[str, int]] = {}
    for each in tallies:
        of_unit = counts.setdefault(each.unit, {"unit": each.unit, **dict.fromkeys(map(str, Colour), 0)})  # type: ignore[dict-item]
        of_unit[str(each.colour)] += each.count
    columns: dict[str, Any] = {"unit": st.column_config.TextColumn(str(_("Unit")), width=150)}
    columns |= {str(colour): st.column_config.NumberColumn(str(label(colour)), width=70) for colour in Colour}
    ui.table(pd.DataFrame(counts.values()), columns, key=key)


def lists(found: Sequence[GroupLists], rules: RuleSet) -> None:
    """Draw the red and the black list of every peer group: the units with their places and scores."""
    for group in found:
        st.markdown(f"**{ui.safe(group_label(group.group))}**")
        for words, tone, rows in ((_("Red list"), "red", group.red), (_("Black list"), "black", group.black)):
            names = "".join(
                f"<li><i>{row.rank}</i>{escape(row.unit.name)}<b>{shown_score(row.score, rules.rounding)}</b></li>"
                for row in rows
            )
            none = f"<p>{escape(str(_('Nobody')))}</p>"
            st.html(
                f'<div class="crm-list crm-list-{tone}"><h3>{escape(str(words))}</h3>'
                + (f"<ol>{names}</ol>" if names else none)
                + "</div>"
            )
