"""Cards (亮牌) of a month, each with what was said and demanded about it, and the red and the black list.

How many cards each unit has is published, and so for everybody; which projects they are keeps to the reader's scope.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from crm import permissions
from crm.metrics import CardKind, Colour, RuleSet, cards_query, red_and_black
from crm.model import Actor, SupervisionLevel
from crm.months import Period
from crm.permissions import Action
from crm.reports.rankings import Ranking, RankingRow
from crm.store import Database, Session, Transaction

PAGE_SIZE = 50
Reader = Database | Session | Transaction
CardKey = tuple[int, str]  # project id and kind: a month shows at most one card of a kind for a project


@dataclass(frozen=True)
class CardFilter:
    """What is asked of the cards of a month; empty means all."""

    unit_id: int | None = None
    kind: CardKind | None = None
    colour: Colour | None = None
    industry_id: int | None = None


@dataclass(frozen=True)
class Tally:
    """How many cards of a kind and colour a unit has, and how many of them the reader may see by name."""

    unit_id: int
    unit: str
    kind: CardKind
    colour: Colour
    count: int
    seen: int


@dataclass(frozen=True)
class Card:
    """A project's card at a cut-off date, with the explanation of the month and the open order that follows it.

    The explanation is the newest of the project's month, that of an overdue start before others. `unit` held the
    project on the cut-off date; `since` as in `metrics.cards_query`.
    """

    project_id: int
    code: str
    name: str
    enterprise: str
    unit_id: int
    unit: str
    kind: CardKind
    colour: Colour
    since: date
    as_of: date
    explanation: str = ""
    order_id: int | None = None
    order_number: str = ""
    order_level: SupervisionLevel | None = None
    order_due_on: date | None = None

    @property
    def days(self) -> int:
        """Days from `since` to the cut-off date."""
        return (self.as_of - self.since).days

    @property
    def key(self) -> CardKey:
        """What tells the card from the others of its month."""
        return self.project_id, str(self.kind)


def tally(
    database: Database, actor: Actor, at: Period, rules: RuleSet, *, industry_id: int | None = None
) -> list[Tally]:
    """Count a period's cards by unit (in official order), kind and colour, of one key industry or of all."""
    sql, params = cards_query(rules, at)
    seen = permissions.visible(actor, Action.READ, "project", "p", params)
    where = "" if industry_id is None else f" where p.industry_id = {params.add(industry_id)}"
    rows = database.rows(
        f"""with cards as (
{sql}
)
select u.id, u.name, c.kind, c.colour, count(*), count(*) filter (where {seen})
from cards c
join project p on p.id = c.project_id
join unit u on u.id = c.unit_id{where}
group by u.id, u.name, u.display_order, c.kind, c.colour
order by u.display_order, u.id, c.kind, c.colour""",
        params,
    )
    return [Tally(row[0], row[1], CardKind(row[2]), Colour(row[3]), *row[4:]) for row in rows]


def seen_and_hidden(tallies: Iterable[Tally], filters: CardFilter) -> tuple[int, int]:
    """Return how many cards of a filter `cards` lists for the reader, and how many are outside their scope.

    The tally is that of the filter's industry.
    """
    fitting = [
        each
        for each in tallies
        if filters.unit_id in (None, each.unit_id)
        and filters.kind in (None, each.kind)
        and filters.colour in (None, each.colour)
    ]
    seen = sum(each.seen for each in fitting)
    return seen, sum(each.count for each in fitting) - seen


def cards(
    reader: Reader,
    actor: Actor,
    at: Period,
    rules: RuleSet,
    filters: CardFilter = CardFilter(),  # noqa: B008  # frozen
    *,
    keys: Collection[CardKey] | None = None,
    page: int = 1,
    size: int | None = PAGE_SIZE,
    right: Action = Action.READ,
) -> list[Card]:
    """Return one page of a period's cards within the reader's scope, the gravest and oldest first.

    `keys` asks for these cards alone; without a `size` all come at once. The scope is that of a `right`.
    """
    sql, params = cards_query(rules, at)
    where = [permissions.visible(actor, right, "project", "p", params)]
    for column, value in (
        ("c.unit_id", filters.unit_id),
        ("c.kind", filters.kind and str(filters.kind)),
        ("c.colour", filters.colour and str(filters.colour)),
        ("p.industry_id", filters.industry_id),
    ):
        if value is not None:
            where.append(f"{column} = {params.add(value)}")
    if keys is not None:
        where.append(
            f"c.project_id in (select unnest({params.add([project_id for project_id, _kind in keys])}::bigint[]))"
        )
    part = "" if size is None else f"limit {params.add(size)} offset {params.add((max(page, 1) - 1) * size)}"
    month = params.add(str(at.month))
    explained = permissions.visible(actor, Action.READ, "explanation", "x", params)
    ordered = permissions.visible(actor, Action.READ, "supervision_order", "o", params)
    rows = reader.records(
        f"""with cards as (
{sql}
),
page as (
    select c.project_id, c.unit_id, c.kind, c.colour, c.since, p.code, p.name, p.enterprise_id
    from cards c
    join project p on p.id = c.project_id
    where {" and ".join(where)}
    order by {_GRAVEST_FIRST}, c.since, p.code, c.kind
    {part}
),
explained as (
    select
        x.subject_id as project_id,
        x.content,
        row_number() over (partition by x.subject_id order by x.code = '{CardKind.OVERDUE_START}' desc, x.id desc) as n
    from explanation x
    where x.subject = 'project' and x.month = {month} and x.archived_at is null and {explained}
),
ordered as (
    select o.project_id, o.card, max(o.id) as id
    from supervision_order o
    where o.project_id is not null and o.closed_on is null and o.archived_at is null and {ordered}
    group by o.project_id, o.card
)
select
    c.project_id,
    c.code,
    c.name,
    coalesce(e.name, '') as enterprise,
    c.unit_id,
    u.name as unit,
    c.kind,
    c.colour,
    c.since,
    coalesce(x.content, '') as explanation,
    o.id as order_id,
    coalesce(o.number, '') as order_number,
    o.level as order_level,
    o.due_on as order_due_on
from page c
join unit u on u.id = c.unit_id
left join enterprise e on e.id = c.enterprise_id
left join explained x on x.project_id = c.project_id and x.n = 1
left join ordered on ordered.project_id = c.project_id and ordered.card = c.kind
left join supervision_order o on o.id = ordered.id
order by {_GRAVEST_FIRST}, c.since, c.code, c.kind""",
        params,
    )
    return [_card(row, at) for row in rows if keys is None or (row["project_id"], row["kind"]) in keys]


def _card(row: dict[str, Any], at: Period) -> Card:
    level = row["order_level"]
    words = {"kind": CardKind(row["kind"]), "colour": Colour(row["colour"])}
    return Card(**{**row, **words, "order_level": level and SupervisionLevel(level)}, as_of=at.as_of)


_GRAVEST_FIRST = f"case c.colour when '{Colour.REMOVAL}' then 0 when '{Colour.RED}' then 1 else 2 end"


def project_cards(database: Database, actor: Actor, at: Period, rules: RuleSet, project_id: int) -> list[Card]:
    """Return the cards that a period shows for one project, none beyond the reader's scope."""
    return cards(database, actor, at, rules, keys={(project_id, str(kind)) for kind in CardKind}, size=None)


def default_demand(card: Card) -> str:
    """Return what an order raised from a card demands, as its text is kept: in the bureau's language."""
    if card.kind is CardKind.OVERDUE_START:
        late = f"，已超期{card.days}天" if card.days else ""
        return (
            f"{card.name}（{card.code}）应于{_day(card.since)}开工，截至{_day(card.as_of)}仍未开工{late}。"
            "请查明原因，落实用地、审批和资金等要素，明确开工时间，并在期限内反馈办理情况。"
        )
    asked = (
        "请研判该项目是否具备继续推进的条件，提出继续跟进或者退库的意见，并在期限内反馈。"
        if card.colour is Colour.REMOVAL
        else "请与投资方当面对接，弄清卡点，明确下一步安排和签约时间，并在期限内反馈办理情况。"
    )
    return (
        f"{card.name}（{card.code}）自{_day(card.since)}以来洽谈没有进展，"
        f"截至{_day(card.as_of)}已停滞{card.days}天。{asked}"
    )


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


# ------------------------------------------------------------------------------------------------- red and black lists


@dataclass(frozen=True)
class GroupLists:
    """The red and the black list of one peer group, in the order of the ranking."""

    group: str
    red: tuple[RankingRow, ...]
    black: tuple[RankingRow, ...]


def lists_of(ranking: Ranking) -> list[GroupLists]:
    """Return the lists of every peer group that a ranking ranks, by its rule set."""
    groups: dict[str, list[RankingRow]] = {}
    for row in ranking.rows:
        groups.setdefault(row.unit.peer_group, []).append(row)
    found = []
    for group, rows in groups.items():
        lists = red_and_black(ranking.rules, {row.unit.id: row.score for row in rows})
        red, black = (tuple(row for row in rows if row.unit.id in listed) for listed in lists)
        found.append(GroupLists(group, red, black))
    return found
