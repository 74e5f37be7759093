"""Projects at work as a list, a board, a roadmap and a calendar: how each view of the page “Projects” is drawn."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from crm.locale import Message, _
from crm.model import YUAN_PER_WAN, YUAN_PER_YI, Actor, MilestoneKind, ProjectStatus, Stage, label
from crm.reports.projects import CONCERN_LABELS, EVENT_LABELS, Card, Column, Concern, Day, Event, EventKind
from crm.ui import components as ui
from crm.ui import shell, stage_moves
from crm.ui.tables import RED, amount_column, clicked, heading_width

IN_CELL = 3
WEEKDAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


def wan(amount: Decimal | None) -> str:
    """Show 元 as 万元, without the unit."""
    return "—" if amount is None else f"{amount / YUAN_PER_WAN:,.0f}"


def concern_cards(counts: dict[Concern, int], chosen: str, *, key: str) -> None:
    """Draw one figure for each sort of attention; a click filters by it, another click lets go."""

    def choose(concern: Concern | None) -> None:
        st.session_state[key] = concern

    shown = (Concern.QUIET, Concern.LATE_START, Concern.LATE_MILESTONE, Concern.LATE_COMMITMENT, Concern.DIFFICULTY)
    with st.container(key="concerns"):
        for place, concern in zip(st.columns(len(shown)), shown, strict=True):
            mine = chosen == concern
            with place, st.container(border=True, key=f"kpi_{concern}{'_chosen' if mine else ''}", height="stretch"):
                st.metric(str(CONCERN_LABELS[concern]), f"{counts[concern]:,}")
                st.button(
                    str(_("Show all") if mine else _("Show these")),
                    key=f"only_{concern}",
                    type="tertiary",
                    on_click=choose,
                    args=(None if mine else concern,),
                )


def table(frame: pd.DataFrame, *, key: str) -> int | None:
    """Draw a page of projects (see `reports.projects.list_projects`); returns the id of a chosen one."""
    shown = frame.copy()
    for column in ("planned_investment", "contracted_amount", "arrived"):
        shown[column] = shown[column].astype("float64") / float(YUAN_PER_WAN)
    shown["stage"] = [
        str(label(Stage(stage)))
        if status == ProjectStatus.ACTIVE
        else f"{label(Stage(stage))} · {label(ProjectStatus(status))}"
        for stage, status in zip(frame["stage"], frame["status"], strict=True)
    ]
    shown["concerns"] = [" · ".join(str(CONCERN_LABELS[concern]) for concern in named) for named in frame["concerns"]]

    def day(title: Message) -> Any:
        return st.column_config.DateColumn(str(title), format="YYYY-MM-DD", width=95)

    days = str(_("Days in stage"))
    columns: dict[str, Any] = {
        "name": st.column_config.TextColumn(str(_("Project")), width=200),
        "enterprise": st.column_config.TextColumn(str(_("Investor")), width=200),
        "unit": st.column_config.TextColumn(str(_("Unit")), width=66),
        "stage": st.column_config.TextColumn(str(_("Stage"))),
        "days_in_stage": st.column_config.NumberColumn(days, width=heading_width(days)),
        "concerns": st.column_config.TextColumn(str(_("Needs attention")), width=175),
        "planned_investment": amount_column(_("Planned (10,000 yuan)")),
        "contracted_amount": amount_column(_("Contracted (10,000 yuan)")),
        "arrived": amount_column(_("Arrived (10,000 yuan)")),
        "signed_on": day(_("Signing date")),
        "planned_start_on": day(_("Planned start")),
        "started_on": day(_("Start date")),
        "responsible_person": st.column_config.TextColumn(str(_("Responsible person")), width=80),
        "code": st.column_config.TextColumn(str(_("Project code")), width=110),
    }
    picked = st.dataframe(
        shown.style.map(lambda _text: RED, subset=["concerns"]),
        key=key,
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-cell",
        column_order=list(columns),
        column_config=columns,
    )
    opened: int | None = clicked(picked, frame["id"])
    return opened


# ----------------------------------------------------------------------------------------------------------- the board


def board(actor: Actor, columns: list[Column], *, today: date, show_all: Callable[[Stage], None]) -> None:
    """Draw the stages side by side, each with its count, its sum and its first cards; `show_all` lists one stage."""
    with st.container(key="board", horizontal=True, wrap=False, gap="small"):
        for column in columns:
            with st.container(key=f"lane_{column.stage}", width=212, gap="xsmall"):
                amount = f"{column.amount / YUAN_PER_YI:,.1f}"
                st.html(
                    f'<div class="crm-lane"><b>{escape(str(label(column.stage)))}</b>'
                    f"<span>{column.count:,}</span>"
                    f"<small>{escape(str(_('¥{amount} × 100m', amount=amount)))}</small></div>"
                )
                for card in column.cards:
                    with st.container(border=True, key=f"project_{card.id}", gap=None):
                        if st.button(ui.safe(card.name), key=f"open_{card.id}", type="tertiary"):
                            shell.go("project", id=card.id)
                        st.html(_card_facts(card, today=today))
                        if card.movable:
                            stage_moves.menu(actor, card, words=_("Move"), key=f"move_{card.id}")
                if column.count > len(column.cards):
                    more = _("{count} more: filter by this stage", count=f"{column.count - len(column.cards):,}")
                    key = f"more_{column.stage}"
                    st.button(str(more), key=key, type="tertiary", on_click=show_all, args=(column.stage,))


def _card_facts(card: Card, *, today: date) -> str:
    """Return what a card says below its name; what is overdue in red."""
    lines: list[tuple[str, object]] = [
        ("", card.enterprise),
        ("", f"{card.unit} · {_('¥{amount} × 10,000', amount=wan(card.amount))}"),
        ("crm-quiet", _("{days} days in this stage", days=f"{card.days_in_stage:,}")),
    ]
    if card.late_start and card.planned_start_on is not None:
        lines.append(("crm-late", _("Start {days} days overdue", days=f"{(today - card.planned_start_on).days:,}")))
    if card.late_milestone:
        lines.append(("crm-late", CONCERN_LABELS[Concern.LATE_MILESTONE]))
    if card.status is not ProjectStatus.ACTIVE:
        lines.append(("crm-quiet", label(card.status)))
    return "".join(f'<p class="crm-line {kind}">{escape(str(text))}</p>' for kind, text in lines)


# -------------------------------------------------------------------------------------------------------- the calendar


def calendar(days: list[Day], *, first_day: date, last_day: date, month: str, today: date) -> None:
    """Draw a month as a sheet of weeks and, for a narrow screen, as a list by day."""
    known = {day.on: day for day in days}
    head = "".join(f"<th>{escape(str(word))}</th>" for word in WEEKDAYS)
    cells = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    weeks = "".join(
        f"<tr>{''.join(_cell(on, known.get(on), month=month, today=today) for on in cells[start : start + 7])}</tr>"
        for start in range(0, len(cells), 7)
    )
    st.html(f'<table class="crm-month"><thead><tr>{head}</tr></thead><tbody>{weeks}</tbody></table>')
    listed = "".join(
        f"<h3>{day.on} {escape(str(WEEKDAYS[day.on.weekday()]))}</h3><ul>"
        f"{''.join(f'<li>{_event(event)}</li>' for event in day.events)}</ul>{_more(day, len(day.events))}"
        for day in days
        if str(day.on).startswith(month)
    )
    st.html(f'<div class="crm-agenda">{listed}</div>')


def day_list(day: Day) -> None:
    """Draw all that one day holds."""
    st.html(f'<ul class="crm-day">{"".join(f"<li>{_event(event)}</li>" for event in day.events)}</ul>')


def _cell(on: date, day: Day | None, *, month: str, today: date) -> str:
    kind = "crm-today" if on == today else "" if str(on).startswith(month) else "crm-other"
    events = "".join(_event(event) for event in day.events[:IN_CELL]) + _more(day, IN_CELL) if day else ""
    return f'<td class="{kind}"><span class="crm-number">{on.day}</span>{events}</td>'


def _more(day: Day, shown: int) -> str:
    if day.count <= shown:
        return ""
    address = "?" + urlencode({**st.query_params.to_dict(), "on_day": str(day.on)})
    words = _("{count} more", count=f"{day.count - shown:,}")
    return f'<a class="crm-more" href="{escape(address)}" target="_self">{escape(str(words))}</a>'


def _event(event: Event) -> str:
    """Return one thing of a day as a link to its project; what is late in red, what was reached in green."""
    tone = "crm-late" if event.late else "crm-done" if event.kind is EventKind.DONE else ""
    milestone = event.kind in (EventKind.DONE, EventKind.MILESTONE)
    what = str(label(MilestoneKind(event.what))) if milestone else str(EVENT_LABELS[event.kind])
    about = [str(EVENT_LABELS[event.kind]), "" if milestone else event.what, event.project, event.unit]
    title = " · ".join(filter(None, about))
    return (
        f'<a class="crm-event {tone}" href="project?id={event.project_id}" target="_self" title="{escape(title)}">'
        f"<b>{escape(what)}</b> {escape(event.project)}</a>"
    )
