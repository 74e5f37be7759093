"""The cards of a month as a workbook: what the page lists, all pages of it; the export is in the audit trail."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from crm import permissions
from crm.exchange.sheets import write_cells
from crm.locale import _
from crm.metrics import RuleSet
from crm.model import Actor, label
from crm.months import Month
from crm.permissions import Action
from crm.reports.cards import Card, CardFilter, cards
from crm.store import Database, transaction


def export_cards(
    database: Database, actor: Actor, month: Month, rules: RuleSet, filters: CardFilter, path: Path, *, now: datetime
) -> int:
    """Write the cards of a filter that the actor may export, and return how many; raises Denied."""
    permissions.require_right(actor, Action.EXPORT)
    found = cards(database, actor, rules.period(month), rules, filters, size=None, right=Action.EXPORT)
    said = {name: value for name, value in filters.__dict__.items() if value is not None}
    with transaction(database, actor=actor.login, now=now) as work:
        after = {"kind": "cards", "month": str(month), "rules_name": rules.name, **said, "records": len(found)}
        work.record_change("export", "project", None, None, after)
    write_cells(path, f"{_('Cards')} {month}", _lines(found))
    return len(found)


def _lines(found: list[Card]) -> Iterator[tuple[Any, ...]]:
    yield tuple(
        map(
            str,
            (
                _("Card"),
                _("Shown for"),
                _("Unit"),
                _("Project code"),
                _("Project"),
                _("Investor"),
                _("Counted from"),
                _("Days"),
                _("Explanation"),
                _("Supervision order"),
                _("Level"),
                _("Due date"),
            ),
        )
    )
    for card in found:
        yield (
            str(label(card.colour)),
            str(label(card.kind)),
            card.unit,
            card.code,
            card.name,
            card.enterprise,
            card.since,
            card.days,
            card.explanation,
            card.order_number,
            str(label(card.order_level)) if card.order_level else "",
            card.order_due_on,
        )
