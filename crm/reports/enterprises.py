"""The directory of intended enterprises: search, filters and pages in SQL, one enterprise's record, duplicates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from crm import permissions
from crm.errors import NotFound
from crm.model import Actor
from crm.permissions import Action, mask
from crm.store import Database, Params, Session, Transaction, like_pattern, name_key

PAGE_SIZE = 50


@dataclass(frozen=True)
class EnterpriseFilter:
    """What the directory is filtered by; None or an empty text means no restriction."""

    text: str = ""
    industry_id: int | None = None
    segment_id: int | None = None
    role: str = ""
    unit_id: int | None = None
    stage: str = ""
    grade: str = ""
    source: str = ""
    quiet_days: int | None = None
    sort: str = "recent"


SORTS = {
    "recent": "e.updated_at desc, e.id desc",
    "name": "e.name, e.id",
    "last_contact": "e.last_contact_on is null, e.last_contact_on desc, e.id",
    "quiet": "e.last_contact_on is not null, e.last_contact_on, e.id",
    "amount": "e.intended_amount is null, e.intended_amount desc, e.id",
}


def count_directory(database: Database, actor: Actor, filters: EnterpriseFilter, *, today: date) -> int:
    """Return how many enterprises fit the filter within the reader's scope."""
    params = Params()
    where = directory_condition(actor, filters, params, today=today)
    return int(database.value(f"select count(*) from enterprise e where {where}", params))


def directory(
    database: Database, actor: Actor, filters: EnterpriseFilter, *, today: date, page: int = 1, size: int = PAGE_SIZE
) -> pd.DataFrame:
    """Return one page of the enterprises that the reader may see.

    Columns: id, name, credit_code, chains, grade, source, unit, owner_person, intended_amount (元), last_contact_on,
    next_contact_on, stage (the furthest of its projects), projects: of the projects that the reader may see.
    """
    params = Params()
    where = directory_condition(actor, filters, params, today=today)
    with database.reading() as session:
        limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
        seen = permissions.visible(actor, Action.READ, "project", "p", params)
        # The page is found by its ids alone, and only its own rows are read in full and joined: at 200k enterprises
        # the rest would cost more than the filter.
        rows: pd.DataFrame = session.frame(
            f"""
            with page as materialized (
                select e.id from enterprise e where {where} order by {SORTS[filters.sort]} limit {limit} offset {offset}
            ),
            chains as (
                select link.enterprise_id, string_agg(distinct i.name, '、') as chains
                from enterprise_segment link
                join page on page.id = link.enterprise_id
                join industry i on i.id = link.industry_id
                where link.archived_at is null
                group by link.enterprise_id
            ),
            held as (
                select p.enterprise_id, count(*) as projects, max({_stage_number("p.stage")}) as furthest
                from project p
                join page on page.id = p.enterprise_id
                where p.archived_at is null and {seen}
                group by p.enterprise_id
            )
            select
                e.id,
                e.name,
                e.credit_code,
                chains.chains,
                e.grade,
                e.source,
                u.short_name as unit,
                e.owner_person,
                e.intended_amount,
                e.last_contact_on,
                e.next_contact_on,
                held.furthest,
                coalesce(held.projects, 0) as projects
            from page
            join enterprise e on e.id = page.id
            left join unit u on u.id = e.owner_unit_id
            left join chains on chains.enterprise_id = e.id
            left join held on held.enterprise_id = e.id
            order by {SORTS[filters.sort]}
            """,
            params,
        )
    furthest = rows.pop("furthest")
    rows.insert(11, "stage", [None if pd.isna(n) else _STAGES[int(n)] for n in furthest])
    return rows


_STAGES = ("lead", "contact", "negotiation", "signed", "registered", "started", "completed", "production")


def _stage_number(column: str) -> str:
    cases = " ".join(f"when '{stage}' then {n}" for n, stage in enumerate(_STAGES))
    return f"case {column} {cases} end"


def directory_condition(
    actor: Actor, filters: EnterpriseFilter, params: Params, *, today: date, alias: str = "e"
) -> str:
    """Return the SQL condition of a filtered directory (enterprises named `alias`) within the reader's scope."""
    parts = [f"{alias}.archived_at is null", permissions.visible(actor, Action.READ, "enterprise", alias, params)]
    for word in filters.text.split():
        parts.append(f"{alias}.search_text like {params.add(like_pattern(word))} escape '\\'")
    if filters.industry_id is not None or filters.segment_id is not None or filters.role:
        link = ["link.archived_at is null"]
        if filters.industry_id is not None:
            link.append(f"link.industry_id = {params.add(filters.industry_id)}")
        if filters.segment_id is not None:
            link.append(f"link.segment_id = {params.add(filters.segment_id)}")
        if filters.role:
            link.append(f"link.role = {params.add(filters.role)}")
        parts.append(
            f"{alias}.id in (select link.enterprise_id from enterprise_segment link where {' and '.join(link)})"
        )
    if filters.unit_id is not None:
        parts.append(f"{alias}.owner_unit_id = {params.add(filters.unit_id)}")
    if filters.stage:
        seen = permissions.visible(actor, Action.READ, "project", "p", params)
        projects = f"select p.enterprise_id from project p where p.archived_at is null and {seen}"
        if filters.stage == "none":
            parts.append(f"{alias}.id not in ({projects})")
        else:
            parts.append(f"{alias}.id in ({projects} and p.stage = {params.add(filters.stage)})")
    if filters.grade:
        parts.append(f"{alias}.grade = {params.add(filters.grade)}")
    if filters.source:
        parts.append(f"{alias}.source = {params.add(filters.source)}")
    if filters.quiet_days is not None:
        since = params.add(today.fromordinal(max(today.toordinal() - filters.quiet_days, 1)))
        parts.append(f"({alias}.last_contact_on is null or {alias}.last_contact_on < {since})")
    return " and ".join(parts)


def sources(database: Database, actor: Actor) -> list[str]:
    """List the source channels in use among the enterprises that the reader may see."""
    params = Params()
    where = permissions.visible(actor, Action.READ, "enterprise", "e", params)
    return [
        row[0]
        for row in database.rows(
            "select distinct e.source from enterprise e"
            f" where e.source is not null and e.archived_at is null and {where} order by 1",
            params,
        )
    ]


@dataclass(frozen=True)
class Match:
    """An enterprise that a typed text finds."""

    id: int
    name: str
    credit_code: str
    unit: str
    last_contact_on: date | None


def search_enterprises(database: Database, actor: Actor, text: str, *, limit: int = 8) -> list[Match]:
    """Find enterprises by part of a name, pinyin initials or credit code; without text, the recent ones.

    Names that begin with the text come first, then the recently contacted.
    """
    filters = EnterpriseFilter(text=text)
    params = Params()
    where = directory_condition(actor, filters, params, today=date.min)
    begins = f"case when e.search_text like {params.add(like_pattern(text)[1:])} escape '\\' then 0 else 1 end"
    rows = database.rows(
        "select e.id, e.name, coalesce(e.credit_code, ''), coalesce(u.short_name, ''), e.last_contact_on"
        f" from enterprise e left join unit u on u.id = e.owner_unit_id where {where}"
        f" order by {begins}, e.last_contact_on is null, e.last_contact_on desc, e.id limit {int(limit)}",
        params,
    )
    return [Match(*row) for row in rows]


@dataclass(frozen=True)
class Duplicate:
    """An enterprise anywhere in the bureau that may be the same one: only its name and owner unit are told."""

    id: int
    name: str
    unit: str
    exact: bool


def find_duplicates(session: Database | Session | Transaction, name: str, credit_code: str = "") -> list[Duplicate]:
    """Look for an enterprise over the whole bureau, the same (name or code) before near names.

    Near means a similarity of 88 or more of the names without legal form and punctuation.
    """
    key, code = name_key(name), credit_code.strip().upper()
    query = (
        "select e.id, e.name, coalesce(u.name, '') from enterprise e left join unit u on u.id = e.owner_unit_id"
        " where e.archived_at is null and "
    )
    exact = session.rows(
        query
        + "(e.name_key = $1 or (e.credit_code = $2 and $2 <> '') or e.id in"
        + " (select a.enterprise_id from enterprise_alias a where a.name_key = $1 and a.archived_at is null))"
        + " order by e.id limit 5",
        [key, code],
    )
    found = [Duplicate(row[0], row[1], row[2], exact=True) for row in exact]
    core = _core(key)
    if len(core) < 2:
        return found
    # A near name shares its beginning, its middle or its end with this one; the comparison itself runs on those few.
    part = max(2, len(core) // 2)
    pieces = {core[:part], core[-part:], core[len(core) // 4 : len(core) // 4 + part]}
    params = Params()
    likes = " or ".join(f"e.name_key like {params.add('%' + piece + '%')}" for piece in sorted(pieces))
    candidates = session.rows(query + f"({likes}) order by e.id limit 2000", params)
    from rapidfuzz import fuzz

    known = {duplicate.id for duplicate in found}
    near = [
        (fuzz.ratio(core, _core(name_key(row[1]))), row)
        for row in candidates
        if row[0] not in known and fuzz.ratio(core, _core(name_key(row[1]))) >= 88
    ]
    near.sort(key=lambda item: (-item[0], item[1][0]))
    return found + [Duplicate(row[0], row[1], row[2], exact=False) for _score, row in near[:5]]


_LEGAL_FORMS = ("股份有限公司", "有限责任公司", "集团有限公司", "有限公司", "集团", "公司")


def _core(key: str) -> str:
    for form in _LEGAL_FORMS:
        if key.endswith(form) and len(key) > len(form) + 1:
            return _core(key[: -len(form)])
    return key


@dataclass(frozen=True)
class EnterpriseRecord:
    """One enterprise as its page shows it; contact details masked."""

    fields: Mapping[str, Any]
    unit: str
    chains: list[str]
    contacts: pd.DataFrame
    projects: pd.DataFrame
    follow_ups: int


def enterprise_record(database: Database, actor: Actor, enterprise_id: int) -> EnterpriseRecord:
    """Return one enterprise within the reader's scope; raises NotFound.

    contacts: id, name, title, phone, wechat, email (masked), is_key. projects: id, code, name, stage, status, unit,
    planned_investment (元), signed_on, started_on.
    """
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, "enterprise", enterprise_id)
        found = session.records("select * from enterprise where id = $1 and archived_at is null", [enterprise_id])
        if not found:
            raise NotFound
        unit = session.value("select name from unit where id = $1", [found[0]["owner_unit_id"]]) or ""
        chains = session.rows(
            "select i.name, s.name from enterprise_segment link join industry i on i.id = link.industry_id"
            " left join segment s on s.id = link.segment_id"
            " where link.enterprise_id = $1 and link.archived_at is null order by i.display_order, s.display_order",
            [enterprise_id],
        )
        contacts = session.frame(
            "select id, name, title, phone, wechat, email, is_key from contact_person"
            " where enterprise_id = $1 and archived_at is null order by is_key desc, id",
            [enterprise_id],
        )
        params = Params()
        scope = permissions.visible(actor, Action.READ, "project", "p", params)
        projects = session.frame(
            "select p.id, p.code, p.name, p.stage, p.status, u.short_name as unit, p.planned_investment,"
            " p.signed_on, p.started_on from project p join unit u on u.id = p.unit_id"
            f" where p.enterprise_id = {params.add(enterprise_id)} and p.archived_at is null and {scope}"
            " order by p.entered_on desc, p.id",
            params,
        )
        follow_ups = session.value(
            "select count(*) from follow_up where enterprise_id = $1 and archived_at is null", [enterprise_id]
        )
    for column in ("phone", "wechat", "email"):
        contacts[column] = [mask(value) if isinstance(value, str) else "" for value in contacts[column]]
    joined = [f"{industry} · {segment}" if segment else industry for industry, segment in chains]
    return EnterpriseRecord(found[0], unit, joined, contacts, projects, int(follow_ups))


def _require_live(session: Session, actor: Actor, enterprise_id: int) -> None:
    """Demand an enterprise within the reader's scope that is not archived; raises NotFound."""
    permissions.require(session, actor, Action.READ, "enterprise", enterprise_id)
    if not session.rows("select 1 from enterprise where id = $1 and archived_at is null", [enterprise_id]):
        raise NotFound


@dataclass(frozen=True)
class TimelineEntry:
    """One contact on an enterprise's timeline."""

    id: int
    version: int
    happened_on: date
    method: str
    content: str
    our_people: str
    their_people: str
    outcome: str
    next_step: str
    next_due_on: date | None
    done: bool
    unit: str
    author: str
    created_at: datetime
    created_by: str


def timeline(
    database: Database, actor: Actor, enterprise_id: int, *, page: int = 1, size: int = 20
) -> list[TimelineEntry]:
    """Return one page of an enterprise's contacts, newest first, within the reader's scope."""
    with database.reading() as session:
        _require_live(session, actor, enterprise_id)
        rows = session.rows(
            "select f.id, f.version, f.happened_on, f.method, f.content, coalesce(f.our_people, ''),"
            " coalesce(f.their_people, ''), coalesce(f.outcome, ''), coalesce(f.next_step, ''), f.next_due_on,"
            " f.done_at is not null, coalesce(u.short_name, ''), coalesce(f.author, ''), f.created_at, f.created_by"
            " from follow_up f left join unit u on u.id = f.unit_id"
            " where f.enterprise_id = $1 and f.archived_at is null order by f.happened_on desc, f.id desc"
            " limit $2 offset $3",
            [enterprise_id, size, (page - 1) * size],
        )
    return [TimelineEntry(*row) for row in rows]


def open_steps(database: Database, actor: Actor, enterprise_id: int) -> list[TimelineEntry]:
    """Return the contacts of an enterprise whose next step is still open, the earliest due first."""
    found = [
        entry
        for entry in timeline(database, actor, enterprise_id, size=200)
        if entry.next_step and not entry.done and entry.next_due_on is not None
    ]
    return sorted(found, key=lambda entry: (entry.next_due_on or date.max, entry.id))
