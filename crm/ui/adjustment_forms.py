"""Asking for adjustment points: given or taken, changed, taken back; of a closed month it says where that appears."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from crm.actions import adjustments as actions
from crm.locale import Message, _
from crm.model import Actor
from crm.months import Month
from crm.reports.adjustments import Adjustment
from crm.reports.closes import find_close
from crm.rules import MOST_POINTS
from crm.ui import forms, session


def ask_points(
    actor: Actor,
    known: Adjustment | None,
    *,
    month: str,
    unit_id: int | None,
    months: Mapping[str, str],
    units: Mapping[int, str],
) -> None:
    """Ask for points, new or changed; `month` and `unit_id` are proposed for new ones."""
    fields = [
        forms.Field("month", _("Month"), "choice", known.month if known else month, months),
        forms.Field("unit_id", _("Unit"), "choice", known.unit_id if known else unit_id, units),
        forms.Field(
            "points",
            _("Points"),
            value=shown_points(known.points) if known else "",
            hint=_("Above zero to add, below zero to take away; at most {most} at a time.", most=MOST_POINTS),
        ),
        forms.Field("evidence", _("Evidence"), value=known.evidence if known else ""),
        forms.Field("reason", _("Reason"), "long", known.reason if known else ""),
    ]

    def save(said: Mapping[str, Any]) -> str:
        values = {**said, "points": typed_points(said["points"] or "")}
        moment: dict[str, Any] = {"now": session.utc_now(), "today": session.today()}
        if known is None:
            actions.add_adjustment(session.database(), actor, values, **moment)
        else:
            actions.change_adjustment(session.database(), actor, known.id, known.version, values, **moment)
        return str(values["month"])

    forms.ask(
        _("Change the points") if known else _("Give or take points"),
        fields,
        save,
        do=_("Save"),
        done=_("The points are saved."),
        then=_say_if_closed,
    )


def ask_back(actor: Actor, known: Adjustment) -> None:
    """Ask why points are taken back."""

    def save(said: Mapping[str, Any]) -> str:
        actions.withdraw_adjustment(
            session.database(), actor, known.id, known.version, reason=said["reason"] or "", now=session.utc_now()
        )
        return known.month

    forms.ask(
        _("Take the points back"),
        [forms.Field("reason", _("Reason"), "long")],
        save,
        do=_("Take back"),
        done=_("The points were taken back."),
        then=_say_if_closed,
    )


def closed_words(month: Month) -> Message | None:
    """Return what a change to a month comes to that is closed; None for an open one."""
    if find_close(session.database(), month) is None:
        return None
    return _("{month} is closed: what was published stays, a change appears in “Published vs now”.", month=month)


def shown_points(points: Decimal) -> str:
    """Show points with their sign and without needless zeros."""
    return f"{points.normalize():+f}"


def typed_points(text: str) -> Decimal | None:
    """Read points as they are typed, full-width signs too; None for what is no number."""
    try:
        return Decimal(text.strip().replace("－", "-").replace("＋", "+"))
    except InvalidOperation:
        return None


def _say_if_closed(month: str) -> None:
    if words := closed_words(Month.parse(month)):
        session.flash(words, icon=":material/info:")
