"""Contact people of an enterprise: add, change, put away."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crm import permissions
from crm.errors import Invalid, NotFound
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action
from crm.store import Database, Transaction, transaction

FIELDS = ("name", "title", "phone", "wechat", "email", "is_key", "purpose", "note")
_LONGEST = {"name": 40, "title": 40, "phone": 30, "wechat": 40, "email": 80, "purpose": 120, "note": 500}
_PHONE_SIGNS = frozenset("0123456789+-()（） 转xX#,")


def add_contact_person(
    database: Database, actor: Actor, enterprise_id: int, values: Mapping[str, Any], *, now: datetime
) -> int:
    """Add a contact person to an enterprise and return the id; raises Invalid, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.EDIT, "enterprise", enterprise_id)
        work.require("enterprise", enterprise_id)
        given = _checked(work, enterprise_id, {"name": "", **values}, None)
        return work.insert("contact_person", {"enterprise_id": enterprise_id, **given})


def change_contact_person(
    database: Database, actor: Actor, person_id: int, version: int, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change a contact person's fields; raises Conflict, Invalid, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        person = _live(work, actor, person_id)
        work.update("contact_person", person_id, version, _checked(work, person["enterprise_id"], changes, person_id))


def archive_contact_person(database: Database, actor: Actor, person_id: int, version: int, *, now: datetime) -> None:
    """Put a contact person away; raises Conflict, NotFound, Denied."""
    with transaction(database, actor=actor.login, now=now) as work:
        _live(work, actor, person_id)
        work.update("contact_person", person_id, version, {"archived_at": now}, action="archive")


def _live(work: Transaction, actor: Actor, person_id: int) -> dict[str, Any]:
    permissions.require(work, actor, Action.EDIT, "contact_person", person_id)
    person = work.get("contact_person", person_id)
    if person["archived_at"] is not None:
        raise NotFound
    return person


def _checked(work: Transaction, enterprise_id: int, values: Mapping[str, Any], person_id: int | None) -> dict[str, Any]:
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise KeyError(f"not a field of a contact person: {sorted(unknown)}")
    given = {field: value.strip() or None if isinstance(value, str) else value for field, value in values.items()}
    problems: dict[str, Message] = {}
    for field, longest in _LONGEST.items():
        if len(given.get(field) or "") > longest:
            problems[field] = _("The text is longer than {count} characters.", count=longest)
    if "name" in given:
        if not given["name"]:
            problems["name"] = _("Type the person's name.")
        elif any(
            row[0] != person_id
            for row in work.rows(
                "select id from contact_person where enterprise_id = $1 and name = $2 and archived_at is null",
                [enterprise_id, given["name"]],
            )
        ):
            problems["name"] = _("The enterprise has a contact person of this name already.")
    phone, email = given.get("phone") or "", given.get("email") or ""
    if not set(phone) <= _PHONE_SIGNS:
        problems["phone"] = _("A phone number is made of digits, + - and an extension.")
    if email and ("@" not in email[1:-1] or " " in email):
        problems["email"] = _("This is not an e-mail address.")
    if problems:
        raise Invalid(problems)
    return given
