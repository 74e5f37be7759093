"""Enterprises that are in no chain segment yet, with the segments that their own words speak for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from crm import permissions
from crm.matching import Matcher, Proposal, SegmentRule
from crm.model import Actor
from crm.permissions import Action, Scope
from crm.reports.chains import split_words
from crm.reports.vocabulary import in_force
from crm.store import Database, Params

PAGE_SIZE = 20
_BATCH = 2_000


@dataclass(frozen=True)
class UnplacedFilter:
    """Which enterprises are looked at; with a chain, those of it that are in none of *its* segments."""

    batch_id: int | None = None
    unit_id: int | None = None
    industry_id: int | None = None


@dataclass(frozen=True)
class Candidate:
    """An enterprise without a segment and what is proposed for it, the strongest first."""

    id: int
    name: str
    unit: str
    main_business: str
    investment_direction: str
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class Suggested:
    """An enterprise's proposals alone: what a run over very many keeps."""

    enterprise_id: int
    proposals: tuple[Proposal, ...]

    @property
    def best(self) -> Proposal:
        """The strongest proposal."""
        return self.proposals[0]


def matcher(database: Database, actor: Actor, *, on: date, industry_id: int | None = None) -> Matcher:
    """Return the keywords of the segments in force, of one chain or all; of a task force's own chains for it."""
    params = Params()
    chain = "" if industry_id is None else f" and s.industry_id = {params.add(industry_id)}"
    own = None if permissions.can(actor, Action.EDIT) else actor.industry_ids
    rows = database.rows(
        "select s.id, s.industry_id, s.keywords from segment s join industry i on i.id = s.industry_id"
        f" where s.archived_at is null and i.archived_at is null and {in_force('s', on, params)}"
        f" and {in_force('i', on, params)}{chain} order by i.display_order, s.display_order, s.id",
        params,
    )
    return Matcher(SegmentRule(row[0], row[1], split_words(row[2])) for row in rows if own is None or row[1] in own)


def count_unplaced(database: Database, actor: Actor, filters: UnplacedFilter) -> int:
    """Return how many enterprises without a segment the reader may place."""
    params = Params()
    return int(database.value(f"select count(*) from enterprise e where {_where(actor, filters, params)}", params))


def unplaced(
    database: Database, actor: Actor, filters: UnplacedFilter, rules: Matcher, *, page: int = 1, size: int = PAGE_SIZE
) -> list[Candidate]:
    """Return one page of the enterprises without a segment, with proposals, the newest first."""
    params = Params()
    where = _where(actor, filters, params)
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    return _candidates(database, f"{where} order by e.id desc limit {limit} offset {offset}", params, rules)


def candidates(database: Database, actor: Actor, found: Sequence[Suggested]) -> list[Candidate]:
    """Return enterprises of a run with their words, in the run's order."""
    if not found:
        return []
    params = Params()
    ids = ", ".join(params.add(s.enterprise_id) for s in found)
    rows = _rows(database, f"{_may_place(actor, params)} and e.id in ({ids})", params)
    known = {row[0]: row for row in rows}
    return [Candidate(*known[s.enterprise_id], s.proposals) for s in found if s.enterprise_id in known]


def propose_all(
    database: Database,
    actor: Actor,
    filters: UnplacedFilter,
    rules: Matcher,
    *,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Suggested]:
    """Look at every enterprise without a segment and return those with proposals, the strongest first.

    Nothing is written. `progress` is told how many were looked at.
    """
    found, done, last = [], 0, 0
    while True:
        params = Params()
        where = f"{_where(actor, filters, params)} and e.id > {params.add(last)} order by e.id limit {_BATCH}"
        rows = database.rows(
            "select e.id, e.name, coalesce(e.main_business, ''), coalesce(e.investment_direction, '')"
            f" from enterprise e where {where}",
            params,
        )
        for enterprise_id, name, business, direction in rows:
            if proposals := rules.propose(name, business, direction):
                found.append(Suggested(enterprise_id, tuple(proposals)))
        done += len(rows)
        progress(done)
        if len(rows) < _BATCH:
            break
        last = rows[-1][0]
    found.sort(key=lambda suggested: (-suggested.best.score, suggested.enterprise_id))
    return found


def _candidates(database: Database, where: str, params: Params, rules: Matcher) -> list[Candidate]:
    return [Candidate(*row, tuple(rules.propose(row[1], row[3], row[4]))) for row in _rows(database, where, params)]


def _rows(database: Database, where: str, params: Params) -> list[tuple[int, str, str, str, str]]:
    # The page is found by ids alone; only its own rows are read in full.
    return [
        (row[0], row[1], row[2], row[3], row[4])
        for row in database.rows(
            f"with page as materialized (select e.id from enterprise e where {where})"
            " select e.id, e.name, coalesce(u.short_name, ''), coalesce(e.main_business, ''),"
            " coalesce(e.investment_direction, '') from page join enterprise e on e.id = page.id"
            " left join unit u on u.id = e.owner_unit_id order by e.id desc",
            params,
        )
    ]


def _may_place(actor: Actor, params: Params) -> str:
    """Return the condition of the enterprises that the reader may put into a segment."""
    edit = permissions.visible(actor, Action.EDIT, "enterprise", "e", params)
    assign = permissions.visible(actor, Action.ASSIGN, "enterprise", "e", params)
    return f"e.archived_at is null and ({edit} or {assign})"


def _where(actor: Actor, filters: UnplacedFilter, params: Params) -> str:
    """Return the condition of the enterprises that lack a segment and that the reader may place."""
    parts = [_may_place(actor, params)]
    linked, inside = "select link.enterprise_id from enterprise_segment link where link.archived_at is null", ""
    if filters.industry_id is not None:
        inside = f" and link.industry_id = {params.add(filters.industry_id)}"
        parts.append(f"e.id in ({linked}{inside})")
    parts.append(f"e.id not in ({linked} and link.segment_id is not null{inside})")
    if filters.unit_id is not None:
        parts.append(f"e.owner_unit_id = {params.add(filters.unit_id)}")
    if filters.batch_id is not None:
        own = (
            "true"
            if Scope.ALL in permissions.scopes(actor, Action.IMPORT)
            else f"b.created_by = {params.add(actor.login)}"
        )
        parts.append(
            "e.id in (select r.subject_id from import_row r join import_batch b on b.id = r.batch_id"
            f" where r.batch_id = {params.add(filters.batch_id)} and r.subject = 'enterprise' and {own})"
        )
    return " and ".join(parts)
