"""One search over everything that has a name: enterprises, projects, contact people, units; a few of each kind.

Enterprises and projects are found by parts of their name, its pinyin initials and their code; people by their name
alone, since a phone number is masked for most readers. Each word of the text must be found.
"""

from dataclasses import dataclass
from enum import StrEnum

from crm import permissions
from crm.model import Actor
from crm.permissions import Action
from crm.reports.enterprises import search_enterprises
from crm.reports.rankings import units
from crm.store import Database, Params, like_pattern, normalised, search_text

LIMIT = 5


class Kind(StrEnum):
    """What was found."""

    ENTERPRISE = "enterprise"
    PROJECT = "project"
    PERSON = "person"
    UNIT = "unit"


@dataclass(frozen=True)
class Found:
    """One line of the answer; `id` is the record's own, for a person the enterprise's."""

    kind: Kind
    id: int
    name: str
    detail: str


def search(database: Database, actor: Actor, text: str, *, limit: int = LIMIT) -> list[Found]:
    """Find up to `limit` of each kind within the reader's scope, the likeliest first; nothing without a text."""
    if not text.strip():
        return []
    return [
        *_enterprises(database, actor, text, limit),
        *_projects(database, actor, text, limit),
        *_people(database, actor, text, limit),
        *_units(database, actor, text, limit),
    ]


def fits(text: str, name: str) -> bool:
    """Whether a text finds a name as it would find an enterprise's: by its parts or its pinyin initials."""
    keys = search_text(name=name)
    return all(word in keys for word in normalised(text).split())


def _enterprises(database: Database, actor: Actor, text: str, limit: int) -> list[Found]:
    return [
        Found(Kind.ENTERPRISE, match.id, match.name, _joined(match.unit, match.credit_code))
        for match in search_enterprises(database, actor, text, limit=limit)
    ]


def _projects(database: Database, actor: Actor, text: str, limit: int) -> list[Found]:
    params = Params()
    words = _each_word("p.search_text", text, params)
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    begins = params.add(like_pattern(text)[1:])
    rows = database.rows(
        "select p.id, p.name, p.code, u.short_name from project p join unit u on u.id = p.unit_id"
        f" where p.archived_at is null and {words} and {seen}"
        f" order by case when p.search_text like {begins} escape '\\' then 0 else 1 end, p.entered_on desc, p.id"
        f" limit {params.add(limit)}",
        params,
    )
    return [Found(Kind.PROJECT, row[0], row[1], _joined(row[2], row[3])) for row in rows]


def _people(database: Database, actor: Actor, text: str, limit: int) -> list[Found]:
    params = Params()
    words = _each_word("lower(c.name)", text, params)
    seen = permissions.visible(actor, Action.READ, "enterprise", "e", params)
    rows = database.rows(
        "select e.id, c.name, coalesce(c.title, ''), e.name from contact_person c"
        " join enterprise e on e.id = c.enterprise_id"
        f" where c.archived_at is null and e.archived_at is null and {words} and {seen}"
        f" order by length(c.name), c.is_key desc, c.id limit {params.add(limit)}",
        params,
    )
    return [Found(Kind.PERSON, row[0], row[1], _joined(row[2], row[3])) for row in rows]


def _units(database: Database, actor: Actor, text: str, limit: int) -> list[Found]:
    if not permissions.can(actor, Action.READ):
        return []
    found = [unit for unit in units(database) if fits(text, unit.name) or fits(text, unit.short_name)]
    return [Found(Kind.UNIT, unit.id, unit.name, unit.code) for unit in found[:limit]]


def _each_word(column: str, text: str, params: Params) -> str:
    return " and ".join(f"{column} like {params.add(like_pattern(word))} escape '\\'" for word in text.split())


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
