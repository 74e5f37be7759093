"""What a bulletin says beside the ranking: rates of earlier months, cards, difficulties, corrections of closed months.

They are worked out once, as the month is closed, and kept with the close: a bulletin made later says the same. Names of
units are kept as they were. A correction is announced once, in the first bulletin that is closed after it came about.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from crm.metrics import RATES, Basis, CardKind, Colour, Pair, Pairs, RuleSet, cards_query, percent, shown_score
from crm.model import YUAN_PER_YI
from crm.months import Month
from crm.reports.bulletin_texts import Reader, templates
from crm.reports.closes import Close, closes, pairs_from_json, pairs_to_json, published
from crm.reports.rankings import Ranking, RankingRow, ranking_history
from crm.store import Database, Transaction

THREE_RATES = ("signing", "performance", "startup")
MONTHS = 13  # the month itself, the month before, the same month a year before and what lies between
CORRECTED_MONTHS = 12
MOST_NAMED = 200
NO_RATE = "—"


@dataclass(frozen=True)
class CardCount:
    """How many cards the projects of a unit show."""

    unit: str
    stalled_yellow: int
    stalled_red: int
    removal: int
    start_yellow: int
    start_red: int


@dataclass(frozen=True)
class NamedCard:
    """A project with a red card, or proposed for removal; `since` as in `metrics.cards_query`."""

    code: str
    name: str
    unit: str
    kind: str
    colour: str
    since: date


@dataclass(frozen=True)
class DifficultyCount:
    """How many difficulties wait for a unit, and how many of them are past their day."""

    unit: str
    open: int
    overdue: int


@dataclass(frozen=True)
class Correction:
    """A number of an earlier month that would be another now, as it was printed and as it is printed now."""

    month: str
    unit: str
    what: str  # a rate's slug, `score`, `rank` or `adjustment`
    published: str
    now: str


@dataclass(frozen=True)
class Figures:
    """What is kept for a bulletin; `trend` holds the pooled pairs of `MONTHS` months, the month itself last."""

    trend: tuple[tuple[Month, Pairs], ...]
    cards: tuple[CardCount, ...]
    named: tuple[NamedCard, ...]
    difficulties: tuple[DifficultyCount, ...]
    corrections: tuple[Correction, ...]

    def to_json(self) -> str:
        """Write the figures so that they can be read back exactly."""
        return json.dumps(
            {
                "trend": [[str(month), pairs_to_json(pairs)] for month, pairs in self.trend],
                "cards": [asdict(card) for card in self.cards],
                "named": [asdict(card) | {"since": card.since.isoformat()} for card in self.named],
                "difficulties": [asdict(count) for count in self.difficulties],
                "corrections": [asdict(correction) for correction in self.corrections],
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> "Figures":
        """Read what `to_json` wrote."""
        kept: dict[str, Any] = json.loads(text)
        return cls(
            tuple((Month.parse(month), pairs_from_json(pairs)) for month, pairs in kept["trend"]),
            tuple(CardCount(**card) for card in kept["cards"]),
            tuple(NamedCard(**card | {"since": date.fromisoformat(card["since"])}) for card in kept["named"]),
            tuple(DifficultyCount(**count) for count in kept["difficulties"]),
            tuple(Correction(**correction) for correction in kept["corrections"]),
        )


def keep_bulletin(work: Transaction, database: Database, close_id: int, current: Ranking) -> None:
    """Keep with a close, in its transaction, what its bulletin will say."""
    figures, announced = figures_of(database, current)
    texts = json.dumps(templates(work), ensure_ascii=False)
    work.session.load(
        "month_bulletin",
        ("id", "close_id", "figures", "announced", "texts"),
        [(work.new_ids(1)[0], close_id, figures.to_json(), json.dumps(announced, ensure_ascii=False), texts)],
    )


def kept_bulletin(reader: Reader, close: Close) -> tuple[Figures, dict[str, str]]:
    """Return the figures and the standing texts that were kept with a close."""
    figures, texts = reader.rows("select figures, texts from month_bulletin where close_id = $1", [close.id])[0]
    return Figures.from_json(figures), json.loads(texts)


Announced = dict[str, dict[str, str]]  # close id -> "unit id/what" -> what was announced last


def figures_of(database: Database, current: Ranking) -> tuple[Figures, Announced]:
    """Work out the figures of a ranking's month as it stands now, and what its corrections announce."""
    month, rules = current.month, current.rules
    history = ranking_history(database, last=month, count=MONTHS, rules=rules, basis=current.basis)
    corrections, announced = _corrections(database, current, history)
    figures = Figures(
        tuple((ranking.month, ranking.total) for ranking in history),
        *_cards(database, rules, month),
        _difficulties(database, current.as_of),
        corrections,
    )
    return figures, announced


# --------------------------------------------------------------------------------------------- cards and difficulties


def _cards(database: Database, rules: RuleSet, month: Month) -> tuple[tuple[CardCount, ...], tuple[NamedCard, ...]]:
    """Count the cards of every unit, in official order, and name the gravest."""
    sql, params = cards_query(rules, rules.period(month))
    rows = database.rows(
        f"with cards as (\n{sql}\n)\nselect u.name, c.kind, c.colour, count(*) from cards c"
        " join unit u on u.id = c.unit_id group by u.id, u.name, u.display_order, c.kind, c.colour"
        " order by u.display_order, u.id",
        params,
    )
    counts: dict[str, dict[tuple[str, str], int]] = {}
    for unit, kind, colour, count in rows:
        counts.setdefault(unit, {})[kind, colour] = count
    named = database.rows(
        f"with cards as (\n{sql}\n)\nselect p.code, p.name, u.name, c.kind, c.colour, c.since from cards c"
        " join unit u on u.id = c.unit_id join project p on p.id = c.project_id"
        f" where c.colour <> '{Colour.YELLOW}' order by u.display_order, u.id, c.since, p.code limit {MOST_NAMED}",
        params,
    )
    stalled, start = CardKind.STALLED, CardKind.OVERDUE_START
    return (
        tuple(
            CardCount(
                unit,
                of_unit.get((stalled, Colour.YELLOW), 0),
                of_unit.get((stalled, Colour.RED), 0),
                of_unit.get((stalled, Colour.REMOVAL), 0),
                of_unit.get((start, Colour.YELLOW), 0),
                of_unit.get((start, Colour.RED), 0),
            )
            for unit, of_unit in counts.items()
        ),
        tuple(NamedCard(*row) for row in named),
    )


def _difficulties(database: Database, as_of: date) -> tuple[DifficultyCount, ...]:
    """Count what was raised and not resolved by a day, for the unit that answers for it, in official order."""
    rows = database.rows(
        """
        with waiting as (
            select coalesce(d.unit_id, p.unit_id, e.owner_unit_id) as unit_id, d.due_on < $1 as is_overdue
            from difficulty d
            left join project p on p.id = d.project_id
            left join enterprise e on e.id = d.enterprise_id
            where d.archived_at is null and p.archived_at is null and e.archived_at is null
                and d.raised_on <= $1 and (d.resolved_on is null or d.resolved_on > $1)
        )
        select u.name, count(*), count(*) filter (where w.is_overdue)
        from waiting w
        join unit u on u.id = w.unit_id
        group by u.id, u.name, u.display_order
        order by u.display_order, u.id
        """,
        [as_of],
    )
    return tuple(DifficultyCount(*row) for row in rows)


# -------------------------------------------------------------------------------------------------------- corrections


def printed_slugs(rules: RuleSet) -> tuple[str, ...]:
    """Return the rates that a bulletin under a rule set prints: the three, and others that weigh in the score."""
    weighted = {slug for slug, weight in rules.weights if weight > 0}
    return tuple(slug for slug in RATES if slug in THREE_RATES or slug in weighted)


def shown_pair(pair: Pair) -> str:
    """Show a pair as “N/D”: projects as they are, 元 in 亿元 with two decimals."""
    if isinstance(pair.n, int) and isinstance(pair.d, int):
        return f"{pair.n}/{pair.d}"
    return f"{pair.n / YUAN_PER_YI:,.2f}/{pair.d / YUAN_PER_YI:,.2f}"


def shown_points(points: Decimal) -> str:
    """Show adjustment points with their sign, “—” for none."""
    return f"{points.normalize():+f}" if points else NO_RATE


def _shown(row: RankingRow, rules: RuleSet) -> dict[str, str]:
    """Return what a bulletin prints of a unit, by what it is."""
    rates = {slug: row.pairs[slug] for slug in printed_slugs(rules)}
    return {
        **{slug: f"{percent(pair.rate, rules.rounding)}（{shown_pair(pair)}）" for slug, pair in rates.items()},
        "score": shown_score(row.score, rules.rounding),
        "rank": NO_RATE if row.rank is None else str(row.rank),
        "adjustment": shown_points(row.adjustment),
    }


def _corrections(
    database: Database, current: Ranking, history: Sequence[Ranking]
) -> tuple[tuple[Correction, ...], Announced]:
    """Compare the newest close of the last twelve months, and an earlier one of this month, with what they are now."""
    newest: dict[Month, Close] = {}
    for close in closes(database):
        if current.month.plus(-CORRECTED_MONTHS) <= close.month <= current.month:
            newest.setdefault(close.month, close)
    before = _announced(database)
    # Months closed under the same rules are worked out together, mostly with those that are there already.
    known: dict[tuple[RuleSet, Basis], dict[Month, Ranking]] = {
        (current.rules, current.basis): {ranking.month: ranking for ranking in [*history, current]}
    }
    found: list[Correction] = []
    announced: Announced = {}
    for month, close in sorted(newest.items()):
        key = (close.rules, close.basis)
        if month == current.month:
            now: Ranking = current
        else:
            if key not in known:
                count = current.month.year * 12 + current.month.month - month.year * 12 - month.month
                past = ranking_history(
                    database, last=current.month.plus(-1), count=count, rules=close.rules, basis=close.basis
                )
                known[key] = {ranking.month: ranking for ranking in past}
            now = known[key][month]
        told = before.get(str(close.id), {})
        state = announced[str(close.id)] = dict(told)
        for unit_id, unit, what, then, shown in _differences(published(database, close), now, told):
            if shown != then:
                found.append(Correction(str(month), unit, what, then, shown))
            state[f"{unit_id}/{what}"] = shown
    return tuple(found), announced


def _differences(then: Ranking, now: Ranking, told: Mapping[str, str]) -> list[tuple[int, str, str, str, str]]:
    """List (unit id, unit, what, as told last, as it is now) wherever now is not what was published, or was told."""
    current = {row.unit.id: row for row in now.rows}
    listed = {row.unit.id: row for row in then.rows}
    found = []
    for unit_id in [*listed, *(unit_id for unit_id in current if unit_id not in listed)]:
        row = listed.get(unit_id) or current[unit_id]
        was = _shown(listed[unit_id], then.rules) if unit_id in listed else {}
        is_now = _shown(current[unit_id], now.rules) if unit_id in current else {}
        for what in {**was, **is_now}:
            published_as, shown = was.get(what, NO_RATE), is_now.get(what, NO_RATE)
            key = f"{unit_id}/{what}"
            if shown != published_as or key in told:
                found.append((unit_id, row.unit.name, what, told.get(key, published_as), shown))
    return found


def _announced(reader: Reader) -> Announced:
    """Return what the bulletins so far announced of each close, the newest last."""
    told: Announced = {}
    for (text,) in reader.rows("select announced from month_bulletin order by id"):
        for close_id, state in json.loads(text).items():
            told.setdefault(close_id, {}).update(state)
    return told
