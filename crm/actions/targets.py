"""Setting what units are to reach in a year."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from crm import permissions
from crm.errors import Conflict, Invalid
from crm.locale import Message, _
from crm.metrics import RATES
from crm.model import Actor
from crm.permissions import Action
from crm.reports.targets import TARGET_MEASURES, TargetCell, is_money, measure_label
from crm.store import Database, Transaction, transaction

_LARGEST = Decimal(10) ** 15
_MOST_PERCENT = 1000


def save_targets(
    database: Database, actor: Actor, year: int, cells: Sequence[TargetCell], *, now: datetime
) -> list[TargetCell]:
    """Store the targets of a year that differ and return them; a value of None takes the target back.

    Each cell carries the id and version it was read with. Raises Invalid keyed by (unit id, measure) as
    `"{unit}/{measure}"`, Conflict where somebody set one of them in the meantime, Denied.
    """
    permissions.require_right(actor, Action.ADJUST)
    problems = {f"{cell.unit_id}/{cell.measure}": problem for cell in cells if (problem := _problem(cell))}
    if not 1900 <= year <= 2999:
        problems["year"] = _("The year is written with four digits, for example 2026.")
    if problems:
        raise Invalid(problems)
    with transaction(database, actor=actor.login, now=now) as work:
        return [cell for cell in cells if _save(work, actor, year, cell)]


def _save(work: Transaction, actor: Actor, year: int, cell: TargetCell) -> bool:
    work.require("unit", cell.unit_id)
    permissions.require_for_unit(actor, Action.ADJUST, cell.unit_id)
    stored = work.value(
        "select id from target where unit_id = $1 and year = $2 and measure = $3 and archived_at is null",
        [cell.unit_id, year, cell.measure],
    )
    if stored != cell.id:
        raise Conflict
    if cell.id is not None:
        changes = {"archived_at": work.now} if cell.value is None else {"value": cell.value}
        return work.update("target", cell.id, cell.version, changes)
    if cell.value is None:
        return False
    work.insert("target", {"unit_id": cell.unit_id, "year": year, "measure": cell.measure, "value": cell.value})
    return True


def _problem(cell: TargetCell) -> Message | None:
    if cell.measure not in TARGET_MEASURES:
        return _("There is no measure “{measure}” for a target.", measure=cell.measure)
    value, label = cell.value, measure_label(cell.measure)
    if value is None:
        return None
    if not value.is_finite() or not 0 <= value < _LARGEST:
        return _("{measure}: a target cannot be negative.", measure=label)
    if value != round(value, 2):
        return _("{measure}: a target has at most two decimals.", measure=label)
    if cell.measure in RATES and value > _MOST_PERCENT:
        return _("{measure}: the target is a percentage.", measure=label)
    if cell.measure not in RATES and not is_money(cell.measure) and value != int(value):
        return _("{measure}: the target is a whole number.", measure=label)
    return None
