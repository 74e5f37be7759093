"""The field history of a record: who changed what, from what to what, when; from the audit and from imports.

What belongs to a record counts as its own: chain links and contact people of an enterprise; milestones, agreements,
funds, commitments and difficulties of a project. Personal details are masked; keys and codes are words.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from crm import permissions
from crm.locale import Message, _
from crm.model import YUAN_PER_WAN, Actor, MilestoneKind, label
from crm.permissions import Action, mask
from crm.reports.audit_words import AMOUNTS, FIELDS, PERSONAL
from crm.reports.enterprises import FIELD_LABELS, TAG_SEPARATOR
from crm.reports.findings import REFERENCES, VOCABULARY
from crm.store import Database, Session

Subject = Literal["enterprise", "project"]
Shown = Callable[[str, str, Any], str]


def _titles(fields: str) -> dict[str, Message]:
    """Return the words for fields, amounts in 万元."""
    titles = {field: FIELDS[field] for field in fields.split()}
    in_wan = {field: _("{name} (10,000 yuan)", name=title) for field, title in titles.items() if field in AMOUNTS}
    return {**titles, **in_wan, "archived_at": _("Archived")}


TITLES: Mapping[str, Mapping[str, Message]] = {
    "enterprise": {**FIELD_LABELS, "archived_at": _("Archived"), "merged_into_id": _("Merged into")},
    "contact_person": {
        "name": _("Name"),
        "title": _("Job title"),
        "phone": _("Phone"),
        "wechat": _("WeChat"),
        "email": _("E-mail"),
        "is_key": _("Key contact"),
        "purpose": _("Purpose and consent"),
        "note": _("Note"),
        "archived_at": _("Archived"),
    },
    "enterprise_segment": {
        "industry_id": _("Industry chain"),
        "segment_id": _("Segment"),
        "role": _("Role in the chain"),
        "archived_at": _("Archived"),
    },
    "project": {
        "name": _("Project name"),
        **_titles(
            "code enterprise_id unit_id responsible_person liaison_leader industry_id segment_id place stage status"
            " planned_investment contracted_amount fixed_assets entered_on negotiating_on signed_on agreement_kind"
            " registered_on company_name company_credit_code first_funds_on planned_start_on started_on completed_on"
            " opportunity_id production_on withdrawn_on withdrawn_reason excluded_on excluded_reason evidence note"
        ),
    },
    "milestone": _titles("planned_on actual_on unit_id owner evidence verified_on returned_on return_reason"),
    "agreement": _titles("number kind signed_on event amount term status note"),
    "fund_arrival": _titles("arrived_on amount kind voucher evidence note verified_on returned_on return_reason"),
    "commitment": _titles(
        "clause party kind agreement_id legal_basis condition amount due_on unit_id review_result review_number"
        " fulfilled_on note"
    ),
    "difficulty": _titles("content phase kind raised_on unit_id due_on resolved_on result"),
}
# What belongs to a record, each with the column that tells it from others of its kind.
_PARTS: Mapping[Subject, Mapping[str, str]] = {
    "enterprise": {"contact_person": "name", "enterprise_segment": "''"},
    "project": {
        "milestone": "kind",
        "agreement": "number",
        "fund_arrival": "voucher",
        "commitment": "clause",
        "difficulty": "content",
    },
}
_WORDS: Mapping[str, Message] = {
    "enterprise": _("Enterprise"),
    "contact_person": _("Contact people"),
    "enterprise_segment": _("Industry chain"),
    "project": _("Project"),
    "agreement": _("Agreement"),
    "fund_arrival": _("Fund arrival"),
    "commitment": _("Commitment"),
    "difficulty": _("Difficulty"),
}
# The dates of contact follow the follow-ups, which have a timeline of their own.
_DERIVED = "contact"


@dataclass(frozen=True)
class FieldChange:
    """One field of a record, or of what belongs to it (`of`), as it was and as it became."""

    at: datetime
    by: str
    of: str
    field: Message
    before: str
    after: str


def history(
    database: Database, actor: Actor, subject: Subject, record_id: int, *, limit: int = 500
) -> list[FieldChange]:
    """Return the changes of a record's fields, newest first; raises NotFound beyond the reader's scope."""
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, subject, record_id)
        parts = "".join(
            f" union all select '{part}', id, {name} from {part} where {subject}_id = $1"
            for part, name in _PARTS[subject].items()
        )
        rows = session.rows(
            f"""
            with records as (
                select '{subject}' as subject, cast($1 as bigint) as id, '' as name{parts}
            ),
            changes as (
                select a.id, a.happened_at, a.actor, a.subject, r.name, r.id as record_id, a.before, a.after
                from records r
                join audit a on a.subject = r.subject and a.subject_id = r.id
                where a.action <> '{_DERIVED}' and (a.before is not null or a.after is not null)
                union all
                select i.id, b.created_at, b.created_by, i.subject, r.name, r.id, i.before, i.after
                from records r
                join import_row i on i.subject = r.subject and i.subject_id = r.id
                join import_batch b on b.id = i.batch_id
                where i.before is not null
                union all
                select i.id, b.reverted_at, b.reverted_by, i.subject, r.name, r.id, i.after, i.before
                from records r
                join import_row i on i.subject = r.subject and i.subject_id = r.id
                join import_batch b on b.id = i.batch_id
                where i.before is not null and b.reverted_at is not null
            )
            select c.happened_at, coalesce(p.name, c.actor), c.subject, coalesce(c.name, ''), c.before, c.after
            from changes c
            left join account p on p.login = c.actor
            order by c.happened_at desc, c.id desc
            limit {int(limit)}
            """,
            [record_id],
        )
        show = shown_values(session)
        found = []
        for at, by, changed, name, before, after in rows:
            old, new = json.loads(before or "{}"), json.loads(after or "{}")
            for field, title in TITLES[changed].items():
                if old.get(field) != new.get(field):
                    was, became = (show(changed, field, values.get(field)) for values in (old, new))
                    if (was, became) != ("", ""):
                        found.append(FieldChange(at, by, _named(changed, name), title, was, became))
    return found


def _named(subject: str, name: str) -> str:
    """Name what was changed: people and steps by themselves, the rest by what it is and what tells it from others."""
    if subject == "milestone":
        return str(label(MilestoneKind(name)))
    return name if subject == "contact_person" else " ".join(filter(None, (str(_WORDS[subject]), name)))


def shown_values(reader: Database | Session) -> Shown:
    """Return what shows a field's value, as stored or as audited: names for ids, 万元 for amounts, details masked."""
    names: dict[str, dict[int, str]] = {
        table: dict(reader.rows(f"select id, name from {table}")) for table in ("unit", "industry", "segment")
    }

    def show(subject: str, field: str, value: Any) -> str:
        if value in (None, "", []):
            return ""
        if field in PERSONAL:
            return mask(value)
        if (named := REFERENCES.get(subject, {}).get(field)) in names:
            return names[str(named)].get(value, str(value))
        if named is not None:
            column = "number" if named == "agreement" else "name"
            return str(reader.value(f"select {column} from {named} where id = $1", [value]) or value)
        if field in AMOUNTS:
            return f"{Decimal(value) / YUAN_PER_WAN:,.2f}".rstrip("0").rstrip(".")
        if (words := VOCABULARY.get(subject, {}).get(field)) is not None and value in list(words):
            return str(label(words(value)))
        if field == "archived_at":
            return str(_("Yes"))
        if isinstance(value, bool):
            return str(_("Yes") if value else _("No"))
        return TAG_SEPARATOR.join(value) if isinstance(value, list) else str(value)

    return show
