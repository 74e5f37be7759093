"""Industry chains (产业链): who leads them, what each segment holds and lacks, the industries' place in a quarter.

Counts are of what the reader may see. An enterprise belongs to a chain by its links; it is a *lead* (线索企业) of the
chain as long as it has no signed project in it. Withdrawn projects do not count. A *gap* is a segment in force whose
role (延链, 补链, 强链) is wanted and that has no project: without even an enterprise, or with enterprises only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from crm import permissions
from crm.errors import NotFound
from crm.locale import _, language
from crm.metrics import Basis, Pairs, RuleSet, pairs_query, places_gained, read_pairs, standings
from crm.model import LABELS, Actor, SegmentRole, Stage, Tier
from crm.months import Period, Quarter
from crm.permissions import Action, Scope
from crm.reports.rankings import no_pairs, shown_pair, shown_percent
from crm.reports.vocabulary import in_force
from crm.rules import STAGES
from crm.store import Database, Params, Session

if TYPE_CHECKING:
    import pandas as pd

_SIGNED = tuple(str(stage) for stage in STAGES[STAGES.index(Stage.SIGNED) :])


class Gap(StrEnum):
    """What a wanted segment lacks."""

    NO_ENTERPRISE = "no_enterprise"
    NO_PROJECT = "no_project"


LABELS[Gap] = {Gap.NO_ENTERPRISE: _("No enterprise yet"), Gap.NO_PROJECT: _("Enterprises, but no project yet")}


@dataclass(frozen=True)
class Chain:
    """A key industry and who answers for it; `valid_to` is the last day on which it takes new links."""

    id: int
    version: int
    code: str
    name: str
    name_en: str
    chain_leader: str
    task_force: str
    lead_department: str
    display_order: int
    valid_from: date | None
    valid_to: date | None

    @property
    def shown_name(self) -> str:
        """The name in the reader's language."""
        return self.name_en if language() == "en" else self.name


@dataclass(frozen=True)
class Counts:
    """What a chain or a segment holds, within the reader's scope; `amount` is the planned investment in 元."""

    enterprises: int = 0
    leads: int = 0
    projects: int = 0
    signed: int = 0
    amount: Decimal = Decimal(0)


@dataclass(frozen=True)
class ChainSegment:
    """A segment as it is kept; keywords and anchors as lists."""

    id: int
    version: int
    industry_id: int
    code: str
    tier: Tier
    name: str
    role: SegmentRole | None
    keywords: tuple[str, ...]
    anchors: tuple[str, ...]
    display_order: int
    valid_from: date | None
    valid_to: date | None

    def in_force(self, on: date) -> bool:
        """Whether the segment takes new links on a day."""
        return (self.valid_from or on) <= on <= (self.valid_to or on)


@dataclass(frozen=True)
class SegmentCell:
    """A segment on the map with what it holds; `gap` says what it lacks, None where nothing."""

    segment: ChainSegment
    counts: Counts
    gap: Gap | None
    in_force: bool


@dataclass(frozen=True)
class ChainSummary:
    """A chain at a glance."""

    chain: Chain
    counts: Counts
    gaps: int


@dataclass(frozen=True)
class ChainMap:
    """A chain drawn out: its segments by tier, and the enterprises that are in no segment of it yet."""

    chain: Chain
    counts: Counts
    cells: tuple[SegmentCell, ...]
    unplaced: int

    @property
    def gaps(self) -> int:
        """How many segments have a gap."""
        return sum(cell.gap is not None for cell in self.cells)

    def tier(self, tier: Tier) -> list[SegmentCell]:
        """Return the segments of a tier, in their order."""
        return [cell for cell in self.cells if cell.segment.tier is tier]


def list_chains(database: Database | Session, *, on: date | None = None) -> list[Chain]:
    """List the chains in official order; those in force on a day, where one is given."""
    params = Params()
    return [
        Chain(*row)
        for row in database.rows(
            "select i.id, i.version, i.code, i.name, i.name_en, coalesce(i.chain_leader, ''),"
            " coalesce(i.task_force, ''), coalesce(i.lead_department, ''), i.display_order, i.valid_from, i.valid_to"
            f" from industry i where i.archived_at is null and {in_force('i', on, params)}"
            " order by i.display_order, i.id",
            params,
        )
    ]


def list_segments(database: Database | Session, industry_id: int | None = None) -> list[ChainSegment]:
    """List the segments of a chain, or of all, ended ones too, in their order."""
    rows = database.rows(
        "select id, version, industry_id, code, tier, name, role, keywords, anchors, display_order, valid_from,"
        " valid_to from segment where archived_at is null order by display_order, id"
    )
    return [
        ChainSegment(
            id=row[0],
            version=row[1],
            industry_id=row[2],
            code=row[3],
            tier=Tier(row[4]),
            name=row[5],
            role=SegmentRole(row[6]) if row[6] else None,
            keywords=split_words(row[7]),
            anchors=split_words(row[8]),
            display_order=row[9],
            valid_from=row[10],
            valid_to=row[11],
        )
        for row in rows
        if industry_id in (None, row[2])
    ]


def split_words(text: str | None) -> tuple[str, ...]:
    """Return the words that a segment keeps as “a|b|c”."""
    return tuple(word for word in (text or "").split("|") if word)


def chain_summaries(database: Database, actor: Actor, *, on: date) -> list[ChainSummary]:
    """Return the chains of a day at a glance: all of them, or a task force's own."""
    with database.reading() as session:
        chains = [chain for chain in list_chains(session, on=on) if _in_reach(actor, chain.id)]
        counts = _counts(session, actor)
        segments = list_segments(session)
    return [
        ChainSummary(
            chain,
            counts.get((chain.id, 0), Counts()),
            sum(
                _gap(segment, counts.get((chain.id, segment.id), Counts()), on) is not None
                for segment in segments
                if segment.industry_id == chain.id
            ),
        )
        for chain in chains
    ]


def chain_map(database: Database, actor: Actor, industry_id: int, *, on: date) -> ChainMap:
    """Return one chain with its segments: those in force, and ended ones that still hold something.

    Raises NotFound where there is no such chain, or where it is not one of a task force's own.
    """
    with database.reading() as session:
        chain = next((c for c in list_chains(session) if c.id == industry_id and _in_reach(actor, c.id)), None)
        if chain is None:
            raise NotFound
        counts = _counts(session, actor, industry_id)
        segments = list_segments(session, industry_id)
        params = Params()
        seen = permissions.visible(actor, Action.READ, "enterprise", "e", params)
        chain_mark = params.add(industry_id)
        unplaced = session.value(
            "select count(distinct link.enterprise_id) from enterprise_segment link"
            f" join enterprise e on e.id = link.enterprise_id where link.industry_id = {chain_mark}"
            f" and link.segment_id is null and link.archived_at is null and e.archived_at is null and {seen}"
            " and not exists (select 1 from enterprise_segment placed where placed.enterprise_id = e.id"
            f" and placed.industry_id = {chain_mark} and placed.segment_id is not null and placed.archived_at is null)",
            params,
        )
    cells = []
    for segment in segments:
        held = counts.get((industry_id, segment.id), Counts())
        if segment.in_force(on) or held.enterprises or held.projects:
            cells.append(SegmentCell(segment, held, _gap(segment, held, on), segment.in_force(on)))
    return ChainMap(chain, counts.get((industry_id, 0), Counts()), tuple(cells), int(unplaced))


def segment_projects(database: Database, actor: Actor, segment_id: int, *, limit: int = 500) -> "pd.DataFrame":
    """Return a segment's projects that are not withdrawn, the newest first and no more than the limit.

    Columns: id, code, name, stage, unit, planned_investment (元), signed_on, started_on, total (how many there are).
    """
    params = Params()
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    return database.frame(
        "select p.id, p.code, p.name, p.stage, u.short_name as unit, p.planned_investment, p.signed_on, p.started_on,"
        " count(*) over () as total"
        f" from project p join unit u on u.id = p.unit_id where p.segment_id = {params.add(segment_id)}"
        f" and p.archived_at is null and p.status <> 'withdrawn' and {seen}"
        f" order by p.entered_on desc, p.id limit {int(limit)}",
        params,
    )


def _in_reach(actor: Actor, industry_id: int) -> bool:
    """Whether the reader's counts of a chain are whole within their scope: a task force sees its own chains only."""
    reach = permissions.scopes(actor, Action.READ)
    return bool(reach - {Scope.CHAIN}) or industry_id in actor.industry_ids


def _gap(segment: ChainSegment, counts: Counts, on: date) -> Gap | None:
    if segment.role is None or counts.projects or not segment.in_force(on):
        return None
    return Gap.NO_PROJECT if counts.enterprises else Gap.NO_ENTERPRISE


def _counts(session: Session, actor: Actor, industry_id: int | None = None) -> dict[tuple[int, int], Counts]:
    """Return what each (chain, segment) holds, the whole chain under segment 0."""
    params = Params()
    signed = ", ".join(params.add(stage) for stage in _SIGNED)
    project_seen = permissions.visible(actor, Action.READ, "project", "p", params)
    enterprise_seen = permissions.visible(actor, Action.READ, "enterprise", "e", params)
    chain = "" if industry_id is None else f" and {{alias}}.industry_id = {params.add(industry_id)}"
    found: dict[tuple[int, int], Counts] = {}
    for industry, segment, enterprises, leads, projects, of_signed, amount in session.rows(
        f"""
        with held as (
            select p.industry_id, p.segment_id, p.enterprise_id, p.stage in ({signed}) as is_signed,
                p.planned_investment
            from project p
            where p.archived_at is null and p.status <> 'withdrawn' and p.industry_id is not null
                and {project_seen}{chain.format(alias="p")}
        ),
        linked as (
            select distinct link.industry_id, link.segment_id, link.enterprise_id
            from enterprise_segment link
            join enterprise e on e.id = link.enterprise_id
            where link.archived_at is null and e.archived_at is null and {enterprise_seen}
                {chain.format(alias="link")}
        ),
        investor as (
            select distinct industry_id, enterprise_id from held where is_signed
        ),
        placed as (
            select l.industry_id, l.segment_id, l.enterprise_id, i.enterprise_id is null as is_lead
            from linked l
            left join investor i on i.industry_id = l.industry_id and i.enterprise_id = l.enterprise_id
        )
        select industry_id, segment_id, sum(enterprises), sum(leads), sum(projects), sum(signed), sum(amount)
        from (
            select industry_id, 0 as segment_id, count(*) as enterprises, count(*) filter (where is_lead) as leads,
                0 as projects, 0 as signed, 0 as amount
            from (select distinct industry_id, enterprise_id, is_lead from placed) once
            group by industry_id
            union all
            select industry_id, segment_id, count(*), count(*) filter (where is_lead), 0, 0, 0
            from placed where segment_id is not null
            group by industry_id, segment_id
            union all
            select industry_id, coalesce(segment_id, 0), 0, 0, count(*), count(*) filter (where is_signed),
                coalesce(sum(planned_investment), 0)
            from held
            group by grouping sets ((industry_id), (industry_id, segment_id))
            having grouping(segment_id) = 1 or segment_id is not null
        ) part
        group by industry_id, segment_id
        """,
        params,
    ):
        found[(int(industry), int(segment))] = Counts(
            int(enterprises), int(leads), int(projects), int(of_signed), Decimal(amount)
        )
    return found


# ------------------------------------------------------------------------------------------------------ by the quarter


@dataclass(frozen=True)
class IndustryRow:
    """An industry's line in a quarter: place, movement, exact pairs, and amounts in 元 by the same rules."""

    chain: Chain
    rank: int | None
    previous_rank: int | None
    score: Fraction | None
    pairs: Pairs
    signed_amount: Decimal
    funds_arrived: Decimal

    @property
    def movement(self) -> int | None:
        """Places gained since the quarter before (negative: lost); None where one of the ranks is missing."""
        return places_gained(self.rank, self.previous_rank)


@dataclass(frozen=True)
class QuarterRanking:
    """The industries of a quarter (按季调度), by rank; the cut-off is its last month, or today where that runs."""

    quarter: Quarter
    as_of: date
    since: date
    rules: RuleSet
    rows: list[IndustryRow]


def quarter_ranking(database: Database, *, quarter: Quarter, rules: RuleSet, today: date) -> QuarterRanking:
    """Rank the industries in force for a quarter, with the ranks of the quarter before under the same rules.

    Ranked as units are: the rule set's weighted score, equal scores share a rank. Computed over all units: everyone
    signed in may read it.
    """
    return quarter_history(database, last=quarter, count=1, rules=rules, today=today)[0]


def quarter_history(
    database: Database, *, last: Quarter, count: int, rules: RuleSet, today: date
) -> list[QuarterRanking]:
    """Return the rankings of `count` quarters up to `last`, the earliest first, each as that quarter would rank."""
    quarters = [last.plus(n - count) for n in range(count + 1)]
    periods = [_period(rules, quarter, today) for quarter in quarters]
    found: dict[Basis, list[dict[int, Pairs]]] = {}
    for basis in Basis:
        of_basis: list[dict[int, Pairs]] = [{} for _quarter in quarters]
        # Amounts are told of the quarters asked for, not of the one before them.
        asked = periods if basis is Basis.COUNT else periods[1:]
        sql, params = pairs_query(rules, asked, basis, by="industry")
        for index, industry_id, pairs in map(read_pairs, database.rows(sql, params)):
            if industry_id is not None:
                of_basis[index + len(periods) - len(asked)][industry_id] = pairs
        found[basis] = of_basis
    known = list_chains(database)
    rankings = []
    for n in range(1, len(quarters)):
        as_of = periods[n].as_of
        chains = [c for c in known if (c.valid_from or as_of) <= as_of <= (c.valid_to or as_of)]
        before, now = (
            standings(rules, {chain.id: of.get(chain.id, no_pairs()) for chain in chains}, {})
            for of in found[Basis.COUNT][n - 1 : n + 1]
        )
        amounts = found[Basis.AMOUNT][n]
        rows = [
            IndustryRow(
                chain,
                now[chain.id].rank,
                before[chain.id].rank,
                now[chain.id].score,
                found[Basis.COUNT][n].get(chain.id, no_pairs()),
                Decimal(amounts.get(chain.id, no_pairs())["signing"].n),
                Decimal(amounts.get(chain.id, no_pairs())["funds"].n),
            )
            for chain in chains
        ]
        rows.sort(key=lambda row: (row.rank is None, row.rank or 0))
        rankings.append(QuarterRanking(quarters[n], as_of, periods[n].w0, rules, rows))
    return rankings


def _period(rules: RuleSet, quarter: Quarter, today: date) -> Period:
    month = quarter.last_month
    return rules.period(month, min(month.last_day, today))


def quarter_frame(found: QuarterRanking, slugs: Sequence[str]) -> "pd.DataFrame":
    """Return a quarter's ranking as a table, one row an industry.

    Columns: rank, movement (places gained), industry, score, per rate `<slug>` (percent as shown, missing where there
    is none) and `<slug>_pair` (“N/D”), signed_amount and funds_arrived (元).
    """
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "rank": row.rank,
                "movement": row.movement,
                "industry": row.chain.shown_name,
                "score": None if row.score is None else float(row.score),
                **{slug: shown_percent(row.pairs[slug].rate, found.rules) for slug in slugs},
                **{f"{slug}_pair": shown_pair(row.pairs[slug]) for slug in slugs},
                "signed_amount": float(row.signed_amount),
                "funds_arrived": float(row.funds_arrived),
            }
            for row in found.rows
        ]
    )
