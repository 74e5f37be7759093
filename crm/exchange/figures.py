"""Judges of opportunities, yearly targets and monthly adjustments."""

from decimal import Decimal

from crm import permissions
from crm.exchange.columns import MONEY_MEASURES, RATE_MEASURES
from crm.exchange.judging import Case, given
from crm.exchange.values import read_money, read_number, unit_of_heading
from crm.locale import Message, _
from crm.permissions import Action
from crm.rules import points_problem
from crm.store import name_key


def judge_opportunities(case: Case) -> None:
    """Projects on offer: one of a name."""
    keys = [name_key(name) if name else None for name in case.column("name")]
    case.reject_repeated({"name": keys})
    case.books.fetch("opportunity", "name_key", keys)
    usable = case.within(
        "opportunity", [r["id"] for key in set(keys) for r in case.books.where("opportunity", "name_key", key)]
    )
    segments = case.column("segment")
    for row, said in case.records():
        found = case.books.where("opportunity", "name_key", keys[row])
        if not case.may(said["unit_id"], said["industry_id"]):
            case.reject(row, "unit_id", _("You may import for your own unit only."))
            continue
        if found and found[0]["id"] not in usable:
            unit = case.unit_names.get(found[0]["unit_id"], "—")
            case.reject(row, "name", _("The opportunity is held by {unit}, outside your scope.", unit=unit))
            continue
        segment_id = case.segment(row, said["industry_id"], segments[row])
        if segment_id is not None:
            said["segment_id"] = segment_id
        if found:
            record = found[0]
            said.pop("name")
            changes = given(said, record)
            # A segment belongs to its industry.
            if "industry_id" in changes and segment_id is None and record["segment_id"] is not None:
                changes["segment_id"] = None
            case.done(row, "opportunity", record["id"], case.books.change("opportunity", record["id"], row, changes))
        else:
            case.done(row, "opportunity", case.books.add("opportunity", row, said | {"name_key": keys[row]}), True)


def judge_targets(case: Case) -> None:
    """What a unit must reach in a year: one value a unit, year and measure."""
    permissions.require_right(case.actor, Action.ADJUST)
    years, units, measures, values = (case.column(name) for name in ("year", "unit_id", "measure", "value"))
    keys = [key if None not in key else None for key in zip(years, units, measures, strict=True)]
    case.reject_repeated({"measure": keys})
    case.books.fetch("target", "unit_id", units)
    for row in case.rows():
        value = _target_value(values[row], measures[row], case.heading("value"))
        if isinstance(value, Message):
            case.reject(row, "value", value)
            continue
        if measures[row] in RATE_MEASURES and 0 < value <= 1:
            case.warn(row, "value", _("The rate is read as {value} %: write 80 for 80 %.", value=value))
        found = [
            record
            for record in case.books.where("target", "unit_id", units[row])
            if record["year"] == years[row] and record["measure"] == measures[row]
        ]
        if found:
            changed = case.books.change("target", found[0]["id"], row, {"value": value})
            case.done(row, "target", found[0]["id"], changed)
        else:
            said = {"unit_id": units[row], "year": years[row], "measure": measures[row], "value": value}
            case.done(row, "target", case.books.add("target", row, said), True)


def _target_value(text: str, measure: str, heading: str) -> Decimal | Message:
    if measure in MONEY_MEASURES:
        money = read_money(text, unit_of_heading(heading))
        if isinstance(money, Message):
            return money
        return _("A target is an amount in 元.") if money.amount is None else money.amount
    number = read_number(text, units={"": Decimal(1), "%": Decimal(1)}, largest=10**15, places=2)
    if not isinstance(number, Message) and number < 0:
        return _("A target cannot be negative.")
    return number


def judge_adjustments(case: Case) -> None:
    """Points added or taken in a month: one line a unit, month and reason."""
    permissions.require_right(case.actor, Action.ADJUST)
    months, units, reasons = (case.column(name) for name in ("month", "unit_id", "reason"))
    keys = [key if None not in key else None for key in zip(months, units, reasons, strict=True)]
    case.reject_repeated({"reason": keys})
    case.books.fetch("adjustment", "unit_id", units)
    for row, said in case.records():
        if problem := points_problem(said["points"]):
            case.reject(row, "points", problem)
            continue
        found = [
            record
            for record in case.books.where("adjustment", "unit_id", units[row])
            if record["month"] == months[row] and record["reason"] == reasons[row]
        ]
        if found:
            changed = case.books.change("adjustment", found[0]["id"], row, given(said, found[0]))
            case.done(row, "adjustment", found[0]["id"], changed)
        else:
            case.done(row, "adjustment", case.books.add("adjustment", row, said), True)
