"""The field history of an enterprise: who changed what, from what to what, when; from the audit and from imports.

Chain links and contact people count as the enterprise's own. Personal details are masked; keys and codes are words.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from crm import permissions
from crm.locale import Message, _
from crm.model import YUAN_PER_WAN, Actor, SegmentRole, label
from crm.permissions import Action, mask
from crm.reports.enterprises import AMOUNT_FIELDS, FIELD_LABELS
from crm.store import Database, Session

_PERSON_LABELS: Mapping[str, Message] = {
    "name": _("Name"),
    "title": _("Job title"),
    "phone": _("Phone"),
    "wechat": _("WeChat"),
    "email": _("E-mail"),
    "is_key": _("Key contact"),
    "purpose": _("Purpose and consent"),
    "note": _("Note"),
    "archived_at": _("Archived"),
}
_LABELS: Mapping[str, Mapping[str, Message]] = {
    "enterprise": {**FIELD_LABELS, "archived_at": _("Archived"), "merged_into_id": _("Merged into")},
    "contact_person": _PERSON_LABELS,
    "enterprise_segment": {
        "industry_id": _("Industry chain"),
        "segment_id": _("Segment"),
        "role": _("Role in the chain"),
        "archived_at": _("Archived"),
    },
}
_PERSONAL = frozenset({"phone", "wechat", "email"})
# The dates of contact follow the follow-ups, which have a timeline of their own.
_DERIVED = ("contact",)


@dataclass(frozen=True)
class FieldChange:
    """One field of an enterprise, or of what belongs to it (`of`), as it was and as it became."""

    at: datetime
    by: str
    of: str
    field: Message
    before: str
    after: str


def enterprise_history(database: Database, actor: Actor, enterprise_id: int, *, limit: int = 500) -> list[FieldChange]:
    """Return the changes of an enterprise's fields, newest first; raises NotFound beyond the reader's scope."""
    own = ", ".join(f"'{action}'" for action in _DERIVED)
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, "enterprise", enterprise_id)
        records = """
            select 'enterprise' as subject, cast($1 as bigint) as id, '' as name
            union all select 'contact_person', id, name from contact_person where enterprise_id = $1
            union all select 'enterprise_segment', id, '' from enterprise_segment where enterprise_id = $1
        """
        rows = session.rows(
            f"""
            with records as ({records}),
            changes as (
                select a.id, a.happened_at, a.actor, a.subject, r.name, r.id as record_id, a.before, a.after
                from records r
                join audit a on a.subject = r.subject and a.subject_id = r.id
                where a.action not in ({own}) and (a.before is not null or a.after is not null)
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
            select c.happened_at, coalesce(p.name, c.actor), c.subject, c.name, c.before, c.after
            from changes c
            left join account p on p.login = c.actor
            order by c.happened_at desc, c.id desc
            limit {int(limit)}
            """,
            [enterprise_id],
        )
        show = _words(session)
        found = []
        for at, by, subject, name, before, after in rows:
            old, new = json.loads(before or "{}"), json.loads(after or "{}")
            for field, title in _LABELS[subject].items():
                if old.get(field) != new.get(field):
                    was, became = (show(subject, field, values.get(field)) for values in (old, new))
                    if (was, became) != ("", ""):
                        found.append(FieldChange(at, by, name or str(_SUBJECTS[subject]), title, was, became))
    return found


_SUBJECTS: Mapping[str, Message] = {
    "enterprise": _("Enterprise"),
    "contact_person": _("Contact people"),
    "enterprise_segment": _("Industry chain"),
}


def _words(session: Session) -> Callable[[str, str, Any], str]:
    """Return what shows a stored value: names for ids, 万元 for amounts, personal details masked."""
    names: dict[str, dict[int, str]] = {
        column: dict(session.rows(f"select id, name from {table}"))
        for column, table in (("owner_unit_id", "unit"), ("industry_id", "industry"), ("segment_id", "segment"))
    }

    def show(subject: str, field: str, value: Any) -> str:
        if value in (None, ""):
            return ""
        if field in _PERSONAL:
            return mask(value)
        if field in names:
            return names[field].get(value, str(value))
        if field == "merged_into_id":
            return str(session.value("select name from enterprise where id = $1", [value]) or value)
        if field in AMOUNT_FIELDS:
            return f"{Decimal(value) / YUAN_PER_WAN:,.2f}".rstrip("0").rstrip(".")
        if field == "role":
            return str(label(SegmentRole(value))) if value in list(SegmentRole) else str(value)
        if field == "archived_at":
            return str(_("Yes"))
        if isinstance(value, bool):
            return str(_("Yes") if value else _("No"))
        return str(value)

    return show
