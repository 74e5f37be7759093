"""The directory of intended enterprises: search, filters and pages in SQL, one enterprise's record, duplicates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from crm import permissions
from crm.errors import NotFound
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action, mask
from crm.store import Database, Params, Session, Transaction, like_pattern, name_key, normalised

PAGE_SIZE = 50
# Tags are stored as one text, which ledgers and people read as it is; no tag holds the sign between them.
TAG_SEPARATOR = "、"
# How alike, in hundredths, two names without their legal form are when they may be one enterprise.
NEAR = 88

FIELD_LABELS: Mapping[str, Message] = {
    "name": _("Name of the enterprise"),
    "credit_code": _("Credit code"),
    "kind": _("Kind of enterprise"),
    "origin_province": _("Province of origin"),
    "origin_city": _("City of origin"),
    "address": _("Address"),
    "registered_capital": _("Registered capital (10,000 yuan)"),
    "founded_on": _("Founded on"),
    "main_business": _("Main business"),
    "recognition": _("Recognition"),
    "investment_direction": _("Investment direction"),
    "intended_amount": _("Intended amount (10,000 yuan)"),
    "grade": _("Grade"),
    "source": _("Source"),
    "owner_unit_id": _("Owner unit"),
    "owner_person": _("Owner"),
    "liaison_leader": _("Liaison leader"),
    "tags": _("Tags"),
    "note": _("Note"),
}
AMOUNT_FIELDS = ("registered_capital", "intended_amount")


@dataclass(frozen=True)
class EnterpriseFilter:
    """What the directory is filtered by; None or an empty text means no restriction.

    Amounts are 元 and inclusive; an enterprise bears all of `tags`; `archived` lists those put away instead of the
    live ones, without those that were merged into another.
    """

    text: str = ""
    industry_id: int | None = None
    segment_id: int | None = None
    role: str = ""
    unit_id: int | None = None
    stage: str = ""
    grade: str = ""
    source: str = ""
    quiet_days: int | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    tags: tuple[str, ...] = ()
    archived: bool = False
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
    """Return one page of the enterprises that fit the filter within the reader's scope.

    Columns: id, version, name, credit_code, chains, grade, source, unit, owner_person, intended_amount (元),
    last_contact_on, next_contact_on, stage (the furthest of its projects), projects, tags: of the projects that the
    reader may see.
    """
    params = Params()
    where = directory_condition(actor, filters, params, today=today)
    order = SORTS[filters.sort]
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    # The page is cut out first and only its own rows are joined: at 200k enterprises the rest would cost more than the
    # filter.
    rows = database.frame(
        f"""
        with page as materialized (
            select
                e.id,
                e.version,
                e.name,
                e.credit_code,
                e.grade,
                e.source,
                e.owner_unit_id,
                e.owner_person,
                e.intended_amount,
                e.last_contact_on,
                e.next_contact_on,
                e.tags,
                e.updated_at
            from enterprise e
            where {where}
            order by {order}
            limit {limit} offset {offset}
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
            e.version,
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
            coalesce(held.projects, 0) as projects,
            e.tags
        from page e
        left join unit u on u.id = e.owner_unit_id
        left join chains on chains.enterprise_id = e.id
        left join held on held.enterprise_id = e.id
        order by {order}
        """,
        params,
    )
    furthest = rows.pop("furthest")
    rows.insert(12, "stage", [None if pd.isna(n) else _STAGES[int(n)] for n in furthest])
    return rows


_STAGES = ("lead", "contact", "negotiation", "signed", "registered", "started", "completed", "production")


def _stage_number(column: str) -> str:
    cases = " ".join(f"when '{stage}' then {n}" for n, stage in enumerate(_STAGES))
    return f"case {column} {cases} end"


def directory_condition(
    actor: Actor, filters: EnterpriseFilter, params: Params, *, today: date, alias: str = "e"
) -> str:
    """Return the SQL condition of a filtered directory (enterprises named `alias`) within the reader's scope."""
    live = f"{alias}.archived_at is null"
    if filters.archived:
        live = f"{alias}.archived_at is not null and {alias}.merged_into_id is null"
    parts = [live, permissions.visible(actor, Action.READ, "enterprise", alias, params)]
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
    if filters.amount_from is not None:
        parts.append(f"{alias}.intended_amount >= {params.add(filters.amount_from)}")
    if filters.amount_to is not None:
        parts.append(f"{alias}.intended_amount <= {params.add(filters.amount_to)}")
    for tag in filters.tags:
        bounded = params.add(f"{TAG_SEPARATOR}{tag}{TAG_SEPARATOR}")
        parts.append(f"strpos('{TAG_SEPARATOR}' || {alias}.tags || '{TAG_SEPARATOR}', {bounded}) > 0")
    return " and ".join(parts)


def chosen_by(database: Database, actor: Actor, filters: EnterpriseFilter, *, today: date) -> list[tuple[int, int]]:
    """Return (id, version) of every enterprise that fits the filter within the reader's scope: for a bulk change."""
    params = Params()
    where = directory_condition(actor, filters, params, today=today)
    return [
        (row[0], row[1]) for row in database.rows(f"select e.id, e.version from enterprise e where {where}", params)
    ]


def split_tags(tags: object) -> list[str]:
    """Return the tags of a stored text, in its order."""
    return [tag for tag in tags.split(TAG_SEPARATOR) if tag] if isinstance(tags, str) else []


def join_tags(tags: Iterable[str]) -> str | None:
    """Return tags as they are stored: trimmed, each once, sorted; None where there are none."""
    return TAG_SEPARATOR.join(sorted({tag.strip() for tag in tags} - {""})) or None


def tags_in_use(database: Database, actor: Actor) -> list[str]:
    """List the tags of the enterprises that the reader may see."""
    params = Params()
    where = permissions.visible(actor, Action.READ, "enterprise", "e", params)
    rows = database.rows(
        f"select distinct e.tags from enterprise e where e.tags is not null and e.archived_at is null and {where}",
        params,
    )
    return sorted({tag for (tags,) in rows for tag in split_tags(tags)})


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


def worth_searching(text: str) -> bool:
    """Whether a text tells enterprises apart: two letters or digits, or one Chinese character."""
    typed = normalised(text)
    return len(typed) > 1 or not typed.isascii()


def search_enterprises(database: Database, actor: Actor, text: str, *, limit: int = 8) -> list[Match]:
    """Find enterprises by part of a name, pinyin initials or credit code; without text, the recent ones.

    Names that begin with the text come first, then the recently contacted.
    """
    filters = EnterpriseFilter(text=text)
    params = Params()
    where = directory_condition(actor, filters, params, today=date.min)
    begins = f"case when e.search_text like {params.add(like_pattern(text)[1:])} escape '\\' then 0 else 1 end"
    # As in `directory`: found by their ids, and only those few are read in full.
    rows = database.rows(
        f"with found as materialized (select e.id, {begins} as place from enterprise e where {where}"
        f" order by place, e.last_contact_on is null, e.last_contact_on desc, e.id limit {int(limit)})"
        " select e.id, e.name, coalesce(e.credit_code, ''), coalesce(u.short_name, ''), e.last_contact_on"
        " from found join enterprise e on e.id = found.id left join unit u on u.id = e.owner_unit_id"
        " order by found.place, e.last_contact_on is null, e.last_contact_on desc, e.id",
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

    Near means a similarity of `NEAR` or more of the names without legal form and punctuation.
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
    core = name_core(key)
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
        (fuzz.ratio(core, name_core(name_key(row[1]))), row)
        for row in candidates
        if row[0] not in known and fuzz.ratio(core, name_core(name_key(row[1]))) >= NEAR
    ]
    near.sort(key=lambda item: (-item[0], item[1][0]))
    return found + [Duplicate(row[0], row[1], row[2], exact=False) for _score, row in near[:5]]


LEGAL_FORMS = ("股份有限公司", "有限责任公司", "集团有限公司", "有限公司", "集团", "公司")


def name_core(key: str) -> str:
    """Return a name key without its legal form."""
    for form in LEGAL_FORMS:
        if key.endswith(form) and len(key) > len(form) + 1:
            return name_core(key[: -len(form)])
    return key


@dataclass(frozen=True)
class EnterpriseRecord:
    """One enterprise as its page shows it; contact details masked.

    `may`: which of `EDIT` and `TRANSFER` the reader may do here; `owned`: whether `EDIT` reaches its owner unit, as
    merging and putting away demand.
    """

    fields: Mapping[str, Any]
    unit: str
    chains: list[str]
    links: list["Link"]
    aliases: list[str]
    contacts: pd.DataFrame
    projects: pd.DataFrame
    follow_ups: int
    may: frozenset[Action]
    owned: bool


@dataclass(frozen=True)
class Link:
    """A link of a chain that an enterprise fits; without a segment, the chain as a whole."""

    id: int
    version: int
    industry_id: int
    segment_id: int | None
    role: str


@dataclass(frozen=True)
class PutAway:
    """An enterprise that is no longer in the directory: archived with a reason, or merged into another.

    `owned`: whether the reader's `EDIT` reaches its owner unit, as bringing it back demands.
    """

    id: int
    version: int
    name: str
    unit: str
    archived_at: datetime
    archived_by: str
    reason: str
    merged_into_id: int | None
    owned: bool


def put_away(database: Database, actor: Actor, enterprise_id: int) -> PutAway | None:
    """Return what became of an enterprise that is not live any more; None for a live one.

    For one that was merged, `merged_into_id` is the one that stays at last: a right to read either of the two is
    enough to be led there. Raises NotFound beyond the reader's scope.
    """
    with database.reading() as session:
        found = session.records("select * from enterprise where id = $1 and archived_at is not null", [enterprise_id])
        if not found:
            return None
        record, last = found[0], found[0]["merged_into_id"]
        passed = {enterprise_id}
        while last is not None and last not in passed:
            passed.add(last)
            further = session.value("select merged_into_id from enterprise where id = $1", [last])
            if further is None:
                break
            last = further
        permissions.require(session, actor, Action.READ, "enterprise", last or enterprise_id)
        unit = session.value("select name from unit where id = $1", [record["owner_unit_id"]]) or ""
        note = session.rows(
            "select a.note, coalesce(p.name, a.actor) from audit a left join account p on p.login = a.actor"
            " where a.subject = 'enterprise' and a.subject_id = $1 and a.action = 'archive' order by a.id desc limit 1",
            [enterprise_id],
        )
    reason, who = note[0] if note else ("", record["updated_by"])
    owned = permissions.covers_unit(actor, Action.EDIT, record["owner_unit_id"])
    return PutAway(
        enterprise_id, record["version"], record["name"], unit, record["archived_at"], who, reason or "", last, owned
    )


def enterprise_record(database: Database, actor: Actor, enterprise_id: int) -> EnterpriseRecord:
    """Return one enterprise within the reader's scope; raises NotFound.

    contacts: id, version, name, title, phone, wechat, email (masked), is_key, purpose, note. projects: id, code, name,
    stage, status, unit, planned_investment (元), signed_on, started_on.
    """
    with database.reading() as session:
        permissions.require(session, actor, Action.READ, "enterprise", enterprise_id)
        found = session.records("select * from enterprise where id = $1 and archived_at is null", [enterprise_id])
        if not found:
            raise NotFound
        unit = session.value("select name from unit where id = $1", [found[0]["owner_unit_id"]]) or ""
        chains = session.rows(
            "select i.name, s.name, link.id, link.version, link.industry_id, link.segment_id, coalesce(link.role, '')"
            " from enterprise_segment link join industry i on i.id = link.industry_id"
            " left join segment s on s.id = link.segment_id"
            " where link.enterprise_id = $1 and link.archived_at is null order by i.display_order, s.display_order,"
            " link.id",
            [enterprise_id],
        )
        aliases = session.rows(
            "select name from enterprise_alias where enterprise_id = $1 and archived_at is null order by id",
            [enterprise_id],
        )
        contacts = session.frame(
            "select id, version, name, title, phone, wechat, email, is_key, purpose, note from contact_person"
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
        may = frozenset(
            action
            for action in (Action.EDIT, Action.TRANSFER)
            if permissions.can(actor, action)
            and permissions.allowed(session, actor, action, "enterprise", enterprise_id)
        )
    owned = Action.EDIT in may and permissions.covers_unit(actor, Action.EDIT, found[0]["owner_unit_id"])
    for column in ("phone", "wechat", "email"):
        contacts[column] = [mask(value) if isinstance(value, str) else "" for value in contacts[column]]
    return EnterpriseRecord(
        found[0],
        unit,
        [f"{industry} · {segment}" if segment else industry for industry, segment, *_link in chains],
        [Link(*link) for _industry, _segment, *link in chains],
        [row[0] for row in aliases],
        contacts,
        projects,
        int(follow_ups),
        may,
        owned,
    )
