"""Contacts and news of an enterprise as its timeline shows them, and what the form of a contact starts from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from crm import permissions
from crm.errors import NotFound
from crm.model import Actor, Method
from crm.permissions import Action
from crm.reports.attachments import Attachment, attached
from crm.reports.enterprises import Match, name_core
from crm.store import Database, Params, Session, like_pattern, name_key

PER_PAGE = 20


@dataclass(frozen=True)
class ContactEntry:
    """One contact on a timeline; `corrects_on` is the day of the one it corrects, `corrected` if one corrects it.

    `may_edit` and `may_withdraw` are the reader's rights over it, whatever time has passed. The project is named only
    where the reader may see it.
    """

    id: int
    version: int
    happened_on: date
    method: str
    content: str
    our_people: str
    their_people: str
    outcome: str
    difficulty: str
    next_step: str
    next_due_on: date | None
    done: bool
    unit: str
    author: str
    created_at: datetime
    created_by: str
    corrects_on: date | None = None
    corrected: bool = False
    may_edit: bool = False
    may_withdraw: bool = False
    project_id: int | None = None
    project: str = ""
    files: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True)
class NewsEntry:
    """One piece of news on a timeline; `author` is the name of who logged it, the rights are the reader's."""

    id: int
    version: int
    happened_on: date
    kind: str
    content: str
    source: str
    author: str
    may_edit: bool
    may_withdraw: bool


def count_timeline(database: Database, actor: Actor, enterprise_id: int) -> tuple[int, int]:
    """Return how many contacts and how much news an enterprise has; raises NotFound outside the reader's scope."""
    with database.reading() as session:
        _require_live(session, actor, enterprise_id)
        contacts, news = session.rows(
            "select (select count(*) from follow_up where enterprise_id = $1 and archived_at is null),"
            " (select count(*) from movement where enterprise_id = $1 and archived_at is null)",
            [enterprise_id],
        )[0]
    return int(contacts), int(news)


def timeline(
    database: Database, actor: Actor, enterprise_id: int, *, page: int = 1, size: int = PER_PAGE
) -> list[ContactEntry | NewsEntry]:
    """Return one page of an enterprise's contacts and news, newest first, within the reader's scope."""
    with database.reading() as session:
        _require_live(session, actor, enterprise_id)
        order = session.rows(
            """
            with entries as (
                select id, happened_on, true as is_contact from follow_up
                where enterprise_id = $1 and archived_at is null
                union all
                select id, happened_on, false from movement
                where enterprise_id = $1 and archived_at is null
            )
            select id, is_contact from entries order by happened_on desc, id desc limit $2 offset $3
            """,
            [enterprise_id, size, (page - 1) * size],
        )
        entries: dict[int, ContactEntry | NewsEntry] = {
            **_contacts(session, actor, [record_id for record_id, is_contact in order if is_contact]),
            **_news(session, actor, [record_id for record_id, is_contact in order if not is_contact]),
        }
    return [entries[record_id] for record_id, _is_contact in order]


_CONTACT_COLUMNS = (
    "f.id, f.version, f.happened_on, f.method, f.content, coalesce(f.our_people, ''), coalesce(f.their_people, ''),"
    " coalesce(f.outcome, ''), coalesce(f.difficulty, ''), coalesce(f.next_step, ''), f.next_due_on,"
    " f.done_at is not null,"
    " coalesce(u.short_name, ''), coalesce(f.author, ''), f.created_at, f.created_by"
)


def _contacts(session: Session, actor: Actor, ids: Sequence[int]) -> dict[int, ContactEntry]:
    if not ids:
        return {}
    params = Params()
    marks = ", ".join(map(params.add, ids))
    files = attached(session, "follow_up", ids)
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    rows = session.rows(
        f"select {_CONTACT_COLUMNS}, original.happened_on, later.corrects_id is not null,"
        f" {_rights(actor, 'follow_up', 'f', params)}, p.id, coalesce(p.name, '') from follow_up f"
        " left join unit u on u.id = f.unit_id"
        f" left join project p on p.id = f.project_id and p.archived_at is null and {seen}"
        " left join follow_up original on original.id = f.corrects_id"
        f" left join (select distinct corrects_id from follow_up where corrects_id in ({marks})"
        " and archived_at is null) later on later.corrects_id = f.id"
        f" where f.id in ({marks})",
        params,
    )
    return {row[0]: replace(ContactEntry(*row), files=files.get(row[0], [])) for row in rows}


def _news(session: Session, actor: Actor, ids: Sequence[int]) -> dict[int, NewsEntry]:
    if not ids:
        return {}
    params = Params()
    marks = ", ".join(map(params.add, ids))
    rows = session.rows(
        "select m.id, m.version, m.happened_on, m.kind, m.content, coalesce(m.source, ''), coalesce(a.name, ''),"
        f" {_rights(actor, 'movement', 'm', params)}"
        f" from movement m left join account a on a.login = m.created_by where m.id in ({marks})",
        params,
    )
    return {row[0]: NewsEntry(*row) for row in rows}


def _rights(actor: Actor, subject: str, alias: str, params: Params) -> str:
    """Return two columns: whether the reader may change a record, and whether they may take it back."""
    return ", ".join(permissions.visible(actor, a, subject, alias, params) for a in (Action.EDIT, Action.WITHDRAW))


def newest_news(database: Database, actor: Actor, enterprise_id: int, *, limit: int) -> list[NewsEntry]:
    """Return the newest news of an enterprise within the reader's scope."""
    with database.reading() as session:
        _require_live(session, actor, enterprise_id)
        ids = [
            row[0]
            for row in session.rows(
                "select id from movement where enterprise_id = $1 and archived_at is null"
                " order by happened_on desc, id desc limit $2",
                [enterprise_id, limit],
            )
        ]
        found = _news(session, actor, ids)
    return [found[record_id] for record_id in ids]


def open_steps(database: Database, actor: Actor, enterprise_id: int) -> list[ContactEntry]:
    """Return the contacts of an enterprise whose next step is still open, the earliest due first."""
    with database.reading() as session:
        _require_live(session, actor, enterprise_id)
        rows = session.rows(
            f"select {_CONTACT_COLUMNS} from follow_up f left join unit u on u.id = f.unit_id"
            " where f.enterprise_id = $1 and f.archived_at is null and f.done_at is null and f.next_step is not null"
            " and f.next_due_on is not null order by f.next_due_on, f.id",
            [enterprise_id],
        )
    return [ContactEntry(*row) for row in rows]


def _require_live(session: Session, actor: Actor, enterprise_id: int) -> None:
    """Demand an enterprise within the reader's scope that is not archived; raises NotFound."""
    permissions.require(session, actor, Action.READ, "enterprise", enterprise_id)
    if not session.rows("select 1 from enterprise where id = $1 and archived_at is null", [enterprise_id]):
        raise NotFound


# ---------------------------------------------------------------------------------------------- what a form starts from


def contact_record(database: Database, actor: Actor, follow_up_id: int) -> dict[str, Any]:
    """Return the fields of one contact that was not taken back; raises NotFound outside the reader's scope."""
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, "follow_up", follow_up_id)
        found: list[dict[str, Any]] = session.records(
            "select * from follow_up where id = $1 and archived_at is null", [follow_up_id]
        )
    if not found:
        raise NotFound
    return found[0]


@dataclass(frozen=True)
class Habits:
    """What a person's newest contact says about how they work."""

    method: Method | None = None
    our_people: str = ""


def habits(database: Database, actor: Actor) -> Habits:
    """Return the method and the people of our side of the newest contact that the person logged, corrections aside."""
    found = database.rows(
        "select method, coalesce(our_people, '') from follow_up where created_by = $1 and archived_at is null"
        " and corrects_id is null order by created_at desc, id desc limit 1",
        [actor.login],
    )
    return Habits(Method(found[0][0]), found[0][1]) if found else Habits()


def recent_enterprises(database: Database, actor: Actor, *, limit: int = 8) -> list[Match]:
    """Return the enterprises that the person logged a contact with last, then those of their scope contacted last."""
    params = Params()
    with database.reading() as session:
        me, most = params.add(actor.login), params.add(limit)
        seen = permissions.visible(actor, Action.READ, "enterprise", "e", params)
        rows = session.rows(
            f"""
            with own as (
                select f.enterprise_id as id, max(f.created_at) as logged_at
                from follow_up f
                where f.created_by = {me} and f.archived_at is null
                group by f.enterprise_id
            ),
            latest as (
                select e.id, own.logged_at, e.last_contact_on
                from enterprise e
                left join own on own.id = e.id
                where e.archived_at is null and {seen}
                order by own.logged_at is null, own.logged_at desc,
                    e.last_contact_on is null, e.last_contact_on desc, e.id
                limit {most}
            )
            select e.id, e.name, coalesce(e.credit_code, ''), coalesce(u.short_name, ''), e.last_contact_on
            from latest
            join enterprise e on e.id = latest.id
            left join unit u on u.id = e.owner_unit_id
            order by latest.logged_at is null, latest.logged_at desc,
                latest.last_contact_on is null, latest.last_contact_on desc, e.id
            """,
            params,
        )
    return [Match(*row) for row in rows]


# A name that a message gives may open with words that are none of it: this many beginnings are left out in turn.
_BEGINNINGS = 8


def mentioned_enterprises(database: Database, actor: Actor, names: Sequence[str], *, limit: int = 5) -> list[Match]:
    """Return the enterprises of the reader's scope that a message names, from their beginning on or by a word in it."""
    found: dict[int, Match] = {}
    with database.reading() as session:
        for name in names[:5]:
            endings = [name[n:] for n in range(min(_BEGINNINGS, max(len(name) - 2, 1)))]
            params = Params()
            patterns = [like_pattern(ending)[1:] for ending in endings] + [like_pattern(name_core(name_key(name)))]
            marks = [f"e.search_text like {params.add(pattern)} escape '\\'" for pattern in patterns]
            rank = "case " + " ".join(f"when {mark} then {n}" for n, mark in enumerate(marks)) + " end"
            seen = permissions.visible(actor, Action.READ, "enterprise", "e", params)
            rows = session.rows(
                f"with found as materialized (select e.id, {rank} as place from enterprise e"
                f" where e.archived_at is null and {seen} and ({' or '.join(marks)})"
                f" order by place, length(e.name), e.id limit {int(limit)})"
                " select e.id, e.name, coalesce(e.credit_code, ''), coalesce(u.short_name, ''), e.last_contact_on,"
                " found.place from found join enterprise e on e.id = found.id"
                " left join unit u on u.id = e.owner_unit_id order by found.place, length(e.name), e.id",
                params,
            )
            for row in rows:
                if row[5] == rows[0][5]:
                    found.setdefault(row[0], Match(*row[:5]))
    return list(found.values())[:limit]
