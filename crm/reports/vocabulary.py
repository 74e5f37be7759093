"""What forms and filters offer: industries, segments, an enterprise's projects, the bureau's own words for a field."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from crm import permissions
from crm.locale import Message, _
from crm.model import Actor
from crm.store import Database, Params, Session, Transaction, reference_rows


@dataclass(frozen=True)
class Segment:
    """A link of a chain."""

    id: int
    industry_id: int
    tier: str
    name: str
    role: str


def industry_names(database: Database, *, on: date | None = None, keep: int | None = None) -> dict[int, str]:
    """Return the key industries by id; where a day is given, those in force on it, which a new link may name.

    `keep` is the industry that a record has: it stays among them after its last day.
    """
    params = Params()
    offered = f"({in_force('i', on, params)} or i.id = {params.add(keep or 0)})"
    return dict(
        (int(row[0]), str(row[1]))
        for row in database.rows(
            f"select i.id, i.name from industry i where i.archived_at is null and {offered}"
            " order by i.display_order, i.id",
            params,
        )
    )


def segments(
    database: Database, industry_id: int | None = None, *, on: date | None = None, keep: int | None = None
) -> list[Segment]:
    """List the segments of a chain, or of all; where a day is given, those in force on it with their industry.

    `keep` is the segment that a record has: it stays among them after its last day.
    """
    params = Params()
    offered = f"({in_force('s', on, params)} and {in_force('i', on, params)} or s.id = {params.add(keep or 0)})"
    return [
        Segment(*row)
        for row in database.rows(
            "select s.id, s.industry_id, s.tier, s.name, coalesce(s.role, '')"
            f" from segment s join industry i on i.id = s.industry_id where s.archived_at is null and {offered}"
            " order by s.display_order, s.id",
            params,
        )
        if industry_id in (None, row[1])
    ]


def in_force(alias: str, on: date | None, params: Params) -> str:
    """Return the condition that an industry or segment is in force on a day; all are, where no day is given."""
    if on is None:
        return "true"
    day = f"cast({params.add(on)} as date)"
    return (
        f"(({alias}.valid_from is null or {alias}.valid_from <= {day})"
        f" and ({alias}.valid_to is null or {alias}.valid_to >= {day}))"
    )


def open_projects(database: Database, actor: Actor, enterprise_id: int) -> dict[int, str]:
    """Return an enterprise's projects that are not withdrawn, within the reader's scope, by id."""
    params = Params()
    scope = permissions.visible(actor, permissions.Action.READ, "project", "p", params)
    rows = database.rows(
        f"select p.id, p.name from project p where p.enterprise_id = {params.add(enterprise_id)}"
        f" and p.archived_at is null and p.status <> 'withdrawn' and {scope} order by p.entered_on desc",
        params,
    )
    return {int(row[0]): str(row[1]) for row in rows}


# ----------------------------------------------------------------------------------------------------- words of a field


@dataclass(frozen=True)
class Dictionary:
    """A word list: the field for which a form offers its words; a record may hold any other text all the same."""

    kind: str
    label: Message
    table: str
    column: str


DICTIONARIES: dict[str, Dictionary] = {
    found.kind: found
    for found in (
        Dictionary("source", _("Source of leads"), "enterprise", "source"),
        Dictionary("recognition", _("Recognition"), "enterprise", "recognition"),
        Dictionary("enterprise_kind", _("Kind of enterprise"), "enterprise", "kind"),
        Dictionary("outcome", _("Outcome of a contact"), "follow_up", "outcome"),
        Dictionary("difficulty", _("Difficulty"), "follow_up", "difficulty"),
        Dictionary("cooperation_mode", _("Cooperation mode"), "opportunity", "cooperation_mode"),
        Dictionary("fund_kind", _("Kind of funds"), "fund_arrival", "kind"),
    )
}


@dataclass(frozen=True)
class Word:
    """A word of a list; without an id and version while the bureau still uses the shipped list."""

    id: int | None
    version: int
    name: str
    used: int


def words(database: Database | Session | Transaction, kind: str) -> list[str]:
    """Return the words that a form offers for a field, in the bureau's order; the shipped ones where it has no list."""
    found = database.rows(
        "select name, archived_at is null from dictionary_entry where kind = $1 order by display_order, id", [kind]
    )
    # A list that was emptied stays empty.
    return [name for name, offered in found if offered] if found else list(shipped_words(kind))


def offered(database: Database, kind: str, present: str | None = None) -> list[str]:
    """Return the words for a field's form with the text that the record has now, whatever it is."""
    known = words(database, kind)
    return known if not present or present in known else [present, *known]


def dictionary(database: Database, actor: Actor, kind: str) -> list[Word]:
    """Return a list with how many records use each word; raises Denied."""
    permissions.require_right(actor, permissions.Action.MANAGE_REFERENCE)
    used = _usage(database, kind)
    stored = database.rows(
        "select id, version, name from dictionary_entry where kind = $1 and archived_at is null"
        " order by display_order, id",
        [kind],
    )
    entries = stored or [(None, 0, name) for name in words(database, kind)]
    return [Word(entry_id, version, name, used.get(name, 0)) for entry_id, version, name in entries]


def unlisted_words(database: Database, actor: Actor, kind: str, *, limit: int = 20) -> list[Word]:
    """Return what two records or more say in the field beside the list, most used first; raises Denied.

    What a single record says is its own business, not the administrator's.
    """
    permissions.require_right(actor, permissions.Action.MANAGE_REFERENCE)
    known = set(words(database, kind))
    found = sorted(_usage(database, kind).items(), key=lambda item: (-item[1], item[0]))
    return [Word(None, 0, name, used) for name, used in found if used > 1 and name not in known][:limit]


def _usage(database: Database, kind: str) -> dict[str, int]:
    of = DICTIONARIES[kind]
    return dict(
        (str(row[0]), int(row[1]))
        for row in database.rows(
            f"select {of.column}, count(*) from {of.table}"
            f" where archived_at is null and {of.column} is not null group by {of.column}"
        )
    )


@cache
def shipped_words(kind: str) -> Sequence[str]:
    """Return the list that the product comes with."""
    return tuple(row["name"] for row in reference_rows("dictionaries") if row["kind"] == kind)
