"""Enterprises: create after a bureau-wide duplicate check, change, reveal personal data."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from crm import permissions
from crm.errors import Invalid
from crm.locale import Message, _
from crm.model import Actor, EnterpriseDraft, Grade
from crm.reports.enterprises import Duplicate, find_duplicates
from crm.rules import credit_code_problem
from crm.store import Database, Transaction, name_key, search_text, transaction

_MAX_AMOUNT = Decimal("9999999999999999")
_AMOUNTS = ("registered_capital", "intended_amount")
_LONGEST_NAME = 120


def create_enterprise(database: Database, actor: Actor, draft: EnterpriseDraft, *, now: datetime) -> int:
    """Add an enterprise to the directory and return its id.

    Raises Invalid: at `name` where the bureau already has it (only its name and owner unit are told), unless
    the draft accepts near names; at `credit_code` where the code does not check, unless accepted.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        return insert_enterprise(work, actor, draft)


def insert_enterprise(work: Transaction, actor: Actor, draft: EnterpriseDraft) -> int:
    """Add an enterprise within a transaction (see `create_enterprise`)."""
    owner = draft.owner_unit_id if draft.owner_unit_id is not None else actor.unit_id
    permissions.require_for_unit(actor, permissions.Action.CREATE, owner)
    name, code = draft.name.strip(), draft.credit_code.strip().upper()
    check_enterprise(work, draft, name, code)
    work.require("unit", owner)
    record_id = work.insert(
        "enterprise",
        {
            "name": name,
            "name_key": name_key(name),
            "search_text": search_text(code, name=name),
            "credit_code": code or None,
            "kind": draft.kind or None,
            "origin_province": draft.origin_province or None,
            "origin_city": draft.origin_city or None,
            "address": draft.address or None,
            "registered_capital": draft.registered_capital,
            "founded_on": draft.founded_on,
            "main_business": draft.main_business or None,
            "recognition": draft.recognition or None,
            "investment_direction": draft.investment_direction or None,
            "intended_amount": draft.intended_amount,
            "grade": str(draft.grade) if draft.grade else None,
            "source": draft.source or None,
            "owner_unit_id": owner,
            "owner_person": draft.owner_person or actor.name or None,
            "note": draft.note or None,
        },
    )
    for segment_id in draft.segment_ids:
        segment = work.get("segment", segment_id)
        work.insert(
            "enterprise_segment",
            {
                "enterprise_id": record_id,
                "industry_id": segment["industry_id"],
                "segment_id": segment_id,
                "role": segment["role"],
            },
        )
    return record_id


def check_enterprise(work: Transaction, draft: EnterpriseDraft, name: str, code: str) -> None:
    """Refuse a draft without a name, with a bad code, or of an enterprise that the bureau has; raises Invalid."""
    problems: dict[str, Message] = {}
    if not name_key(name):
        problems["name"] = _("Type the enterprise's name.")
    elif len(name) > _LONGEST_NAME:
        problems["name"] = _("The name is longer than 120 characters.")
    if code and not draft.accept_credit_code:
        problem = credit_code_problem(code)
        if problem is not None:
            problems["credit_code"] = problem
    problems.update(_value_problems({field: getattr(draft, field) for field in (*_AMOUNTS, "grade")}))
    if not problems:
        problems.update(_duplicate_problems(find_duplicates(work, name, code), draft.accept_duplicates))
    if problems:
        raise Invalid(problems)


def _value_problems(values: Mapping[str, Any]) -> dict[str, Message]:
    problems: dict[str, Message] = {}
    for field in _AMOUNTS:
        amount = values.get(field)
        if amount is not None and not 0 <= amount <= _MAX_AMOUNT:
            problems[field] = _("This amount is negative or too large.")
    if (values.get("grade") or None) not in (None, *Grade):
        problems["grade"] = _("The grade is A, B or C.")
    return problems


def _duplicate_problems(found: list[Duplicate], accept_near: bool) -> dict[str, Message]:
    for duplicate in found:
        if duplicate.exact or not accept_near:
            text = (
                _("The bureau already has “{name}”, held by {unit}.", name=duplicate.name, unit=duplicate.unit or "—")
                if duplicate.exact
                else _(
                    "“{name}”, held by {unit}, has a very similar name: confirm that this is another enterprise.",
                    name=duplicate.name,
                    unit=duplicate.unit or "—",
                )
            )
            return {"name": text}
    return {}


def change_enterprise(
    database: Database, actor: Actor, enterprise_id: int, version: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change an enterprise's fields if it is still of this version; raises Conflict, Invalid, NotFound or Denied."""
    allowed = set(EDITABLE)
    unknown = set(changes) - allowed
    if unknown:
        raise KeyError(f"not editable: {sorted(unknown)}")
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "enterprise", enterprise_id)
        values = {field: value if value != "" else None for field, value in changes.items()}
        problems = _value_problems(values)
        if problems:
            raise Invalid(problems)
        if "name" in values or "credit_code" in values:
            before = work.get("enterprise", enterprise_id)
            name = str(values.get("name", before["name"]) or "").strip()
            code = str(values.get("credit_code", before["credit_code"]) or "").strip().upper()
            _check_identity(work, enterprise_id, before, name, code)
            values |= {
                "name": name,
                "credit_code": code or None,
                "name_key": name_key(name),
                "search_text": search_text(code, name=name),
            }
        work.update("enterprise", enterprise_id, version, values)


def _check_identity(work: Transaction, enterprise_id: int, before: Mapping[str, Any], name: str, code: str) -> None:
    problems: dict[str, Message] = {}
    if not name_key(name):
        problems["name"] = _("Type the enterprise's name.")
    elif len(name) > _LONGEST_NAME:
        problems["name"] = _("The name is longer than 120 characters.")
    if code and code != before["credit_code"]:
        problem = credit_code_problem(code)
        if problem is not None:
            problems["credit_code"] = problem
    if not problems:
        others = [d for d in find_duplicates(work, name, code) if d.exact and d.id != enterprise_id]
        problems.update(_duplicate_problems(others, accept_near=True))
    if problems:
        raise Invalid(problems)


EDITABLE = (
    "name",
    "credit_code",
    "kind",
    "origin_province",
    "origin_city",
    "address",
    "registered_capital",
    "founded_on",
    "main_business",
    "recognition",
    "investment_direction",
    "intended_amount",
    "grade",
    "source",
    "owner_person",
    "liaison_leader",
    "note",
)


def reveal_contact(database: Database, actor: Actor, person_id: int, *, purpose: str, now: datetime) -> dict[str, str]:
    """Return a contact person's phone, WeChat and e-mail in clear; the purpose is recorded in the audit trail."""
    if not purpose.strip():
        raise Invalid({"purpose": _("Say what you need the contact details for.")})
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.REVEAL, "contact_person", person_id)
        person = work.get("contact_person", person_id)
        work.record_change("reveal", "contact_person", person_id, None, None, purpose.strip())
    return {field: person[field] or "" for field in ("phone", "wechat", "email")}
