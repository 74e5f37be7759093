"""Enterprises: create after a bureau-wide duplicate check, change, transfer, put away and bring back, chain links."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from crm import permissions
from crm.errors import Conflict, Invalid, NotFound, Refused
from crm.locale import Message, _
from crm.model import Actor, EnterpriseDraft, Grade, SegmentRole
from crm.reports.enterprises import TAG_SEPARATOR, Duplicate, Link, find_duplicates, join_tags
from crm.rules import amount_problem, credit_code_problem
from crm.store import Database, Transaction, name_key, search_text, transaction

_AMOUNTS = ("registered_capital", "intended_amount")
_LONGEST_NAME = 120
_MOST_TAGS, _LONGEST_TAG = 12, 20


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
        if (wrong := amount_problem(values.get(field))) is not None:
            problems[field] = wrong
    if (values.get("grade") or None) not in (None, *Grade):
        problems["grade"] = _("The grade is A, B or C.")
    if values.get("tags") and (problem := tag_problem(values["tags"])) is not None:
        problems["tags"] = problem
    return problems


def tag_problem(tags: Sequence[str]) -> Message | None:
    """Say what is wrong with tags, None where nothing is."""
    if len(tags) > _MOST_TAGS or any(len(tag) > _LONGEST_TAG or TAG_SEPARATOR in tag for tag in tags):
        return _(
            "At most {count} tags of {length} characters each, without “、”.", count=_MOST_TAGS, length=_LONGEST_TAG
        )
    return None


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
    database: Database,
    actor: Actor,
    enterprise_id: int,
    version: int,
    changes: Mapping[str, Any],
    *,
    accept_credit_code: bool = False,
    now: datetime,
) -> None:
    """Change an enterprise's fields if it is still of this version; `tags` are a list, a text for every other field.

    A credit code that does not check is refused unless accepted. Raises Conflict, Invalid, NotFound or Denied.
    """
    allowed = set(EDITABLE)
    unknown = set(changes) - allowed
    if unknown:
        raise KeyError(f"not editable: {sorted(unknown)}")
    with transaction(database, actor=actor.login, now=now) as work:
        before = _live(work, actor, permissions.Action.EDIT, enterprise_id)
        values = {field: value if value != "" else None for field, value in changes.items()}
        problems = _value_problems(values)
        if problems:
            raise Invalid(problems)
        tags = values.get("tags")
        if tags is not None:
            values["tags"] = join_tags(tags)
        if "name" in values or "credit_code" in values:
            name = str(values.get("name", before["name"]) or "").strip()
            code = str(values.get("credit_code", before["credit_code"]) or "").strip().upper()
            _check_identity(work, before, name, code, accept_credit_code)
            values |= {
                "name": name,
                "credit_code": code or None,
                "name_key": name_key(name),
                "search_text": search_text(code, name=name),
            }
        work.update("enterprise", enterprise_id, version, values)


def _live(work: Transaction, actor: Actor, action: permissions.Action, enterprise_id: int) -> dict[str, Any]:
    """Return an enterprise that is in the directory and within the actor's right; raises NotFound, Denied."""
    permissions.require(work, actor, action, "enterprise", enterprise_id)
    record = work.get("enterprise", enterprise_id)
    if record["archived_at"] is not None:
        raise NotFound
    return record


def _check_identity(work: Transaction, before: Mapping[str, Any], name: str, code: str, accept_code: bool) -> None:
    problems: dict[str, Message] = {}
    if not name_key(name):
        problems["name"] = _("Type the enterprise's name.")
    elif len(name) > _LONGEST_NAME:
        problems["name"] = _("The name is longer than 120 characters.")
    if code and code != before["credit_code"] and not accept_code:
        problem = credit_code_problem(code)
        if problem is not None:
            problems["credit_code"] = problem
    if not problems:
        others = [d for d in find_duplicates(work, name, code) if d.exact and d.id != before["id"]]
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
    "tags",
    "note",
)


# -------------------------------------------------------------------------------------- transfer, putting away, links


def require_owned(work: Transaction, actor: Actor, action: permissions.Action, enterprise_id: int) -> dict[str, Any]:
    """Return a live enterprise whose owner unit is within the actor's right: to hold a project of it is not enough.

    Raises NotFound, Denied.
    """
    record = _live(work, actor, action, enterprise_id)
    permissions.require_for_unit(actor, action, record["owner_unit_id"])
    return record


def transfer_enterprise(
    database: Database, actor: Actor, enterprise_id: int, version: int, *, unit_id: int, now: datetime
) -> None:
    """Give an enterprise to another owner unit, and change nothing else: contacts keep the unit of their time.

    Raises Conflict, NotFound, Denied.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        _live(work, actor, permissions.Action.TRANSFER, enterprise_id)
        work.require("unit", unit_id)
        work.update("enterprise", enterprise_id, version, {"owner_unit_id": unit_id}, action="transfer")


def archive_enterprise(
    database: Database, actor: Actor, enterprise_id: int, version: int, *, reason: str, now: datetime
) -> None:
    """Put an enterprise away, with a reason; raises Refused while it has projects that were not withdrawn.

    Also raises Invalid (at `reason`), Conflict, NotFound, Denied.
    """
    if not reason.strip():
        raise Invalid({"reason": _("Say why the enterprise is put away.")})
    with transaction(database, actor=actor.login, now=now) as work:
        require_owned(work, actor, permissions.Action.EDIT, enterprise_id)
        open_projects = work.value(
            "select count(*) from project where enterprise_id = $1 and archived_at is null and status <> 'withdrawn'",
            [enterprise_id],
        )
        if open_projects:
            raise Refused(
                _(
                    "The enterprise has {count} projects under way: it can be put away once they are withdrawn.",
                    count=open_projects,
                )
            )
        work.update("enterprise", enterprise_id, version, {"archived_at": now}, action="archive", note=reason.strip())


def restore_enterprise(database: Database, actor: Actor, enterprise_id: int, version: int, *, now: datetime) -> None:
    """Bring an enterprise back that was put away; raises Refused where the bureau has another of its name or code.

    Also raises Conflict, NotFound, Denied; one that was merged comes back by taking the merge back.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.EDIT, "enterprise", enterprise_id)
        record = work.get("enterprise", enterprise_id)
        permissions.require_for_unit(actor, permissions.Action.EDIT, record["owner_unit_id"])
        if record["archived_at"] is None or record["merged_into_id"] is not None:
            raise NotFound
        same = [d for d in find_duplicates(work, record["name"], record["credit_code"] or "") if d.exact]
        if same:
            raise Refused(_duplicate_problems(same, accept_near=True)["name"])
        work.update("enterprise", enterprise_id, version, {"archived_at": None}, action="restore")


class LinkDraft(NamedTuple):
    """A chain link that an enterprise is to have; without a segment, the chain as a whole."""

    industry_id: int
    segment_id: int | None
    role: str


def set_links(
    database: Database,
    actor: Actor,
    enterprise_id: int,
    wanted: Sequence[LinkDraft],
    *,
    seen: Sequence[Link],
    now: datetime,
) -> None:
    """Make these the chain links of an enterprise; `seen` are those that it had when the person began.

    Raises Conflict where they are others by now, Invalid (at `links`), NotFound, Denied.
    """
    with transaction(database, actor=actor.login, now=now) as work:
        _live(work, actor, permissions.Action.EDIT, enterprise_id)
        present = work.records(
            "select id, version, industry_id, segment_id, role from enterprise_segment"
            " where enterprise_id = $1 and archived_at is null",
            [enterprise_id],
        )
        if {(link["id"], link["version"]) for link in present} != {(link.id, link.version) for link in seen}:
            raise Conflict
        places = [(link.industry_id, link.segment_id) for link in wanted]
        if len(set(places)) != len(places):
            raise Invalid({"links": _("The same link of a chain is there twice.")})
        held = {(link["industry_id"], link["segment_id"]): link for link in present}
        for draft in wanted:
            work.require("industry", draft.industry_id)
            if draft.segment_id is not None and work.find(
                "segment", id=draft.segment_id, industry_id=draft.industry_id
            ) is None:  # fmt: skip
                raise NotFound
            if draft.role and draft.role not in list(SegmentRole):
                raise Invalid({"links": _("Choose what the enterprise does for the chain.")})
            link = held.pop((draft.industry_id, draft.segment_id), None)
            if link is None:
                work.insert(
                    "enterprise_segment",
                    {"enterprise_id": enterprise_id, **draft._asdict(), "role": draft.role or None},
                )
            else:
                work.update("enterprise_segment", link["id"], link["version"], {"role": draft.role or None})
        for link in held.values():
            work.update("enterprise_segment", link["id"], link["version"], {"archived_at": work.now}, action="archive")


def reveal_contact(database: Database, actor: Actor, person_id: int, *, purpose: str, now: datetime) -> dict[str, str]:
    """Return a contact person's phone, WeChat and e-mail in clear; the purpose is recorded in the audit trail."""
    if not purpose.strip():
        raise Invalid({"purpose": _("Say what you need the contact details for.")})
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, permissions.Action.REVEAL, "contact_person", person_id)
        person = work.get("contact_person", person_id)
        work.record_change("reveal", "contact_person", person_id, None, None, purpose.strip())
    return {field: person[field] or "" for field in ("phone", "wechat", "email")}
