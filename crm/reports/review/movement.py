"""How places and rates moved: a peer group's units over months, the industries over quarters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from crm.metrics import RATES, Pairs, RuleSet, percent, places_gained
from crm.reports.chains import QuarterRanking
from crm.reports.closes import PublishedRank
from crm.reports.rankings import Ranking, pooled, shown_pair

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Place:
    """A member's place at one time, with its exact pairs; `published` where that month is closed and names it."""

    rank: int | None
    score: Fraction | None
    pairs: Pairs
    published: PublishedRank | None = None


@dataclass(frozen=True)
class Line:
    """One member (a unit or an industry) over all times."""

    id: int
    name: str
    places: list[Place]

    @property
    def gained(self) -> int | None:
        """Places gained from the first time to the last (negative: lost); None where one of the ranks is missing."""
        return places_gained(self.places[-1].rank, self.places[0].rank)

    @property
    def ranks(self) -> list[int]:
        """The ranks that there are."""
        return [place.rank for place in self.places if place.rank is not None]


@dataclass(frozen=True)
class Movement:
    """Comparable members over times (“2026-05” or “2026-Q2”), as the newest ranking lists them; `pooled`: all."""

    rules: RuleSet
    times: list[str]
    lines: list[Line]
    pooled: list[Pairs] = field(default_factory=list)

    def line(self, member_id: int) -> Line | None:
        """Return one member's line."""
        return next((line for line in self.lines if line.id == member_id), None)


def of_group(
    history: Sequence[Ranking], group: str, published: Mapping[str, Mapping[int, PublishedRank]] | None = None
) -> Movement:
    """Return the units of a peer group over the months of a history, all under its one version of the rules.

    `published` holds the ranks of closed months: {month: {unit id: rank}}.
    """
    told = published or {}
    by_month = [{row.unit.id: row for row in ranking.rows if row.unit.peer_group == group} for ranking in history]
    times = [str(ranking.month) for ranking in history]
    lines = [
        Line(
            unit_id,
            newest.unit.short_name,
            [
                Place(row.rank, row.score, row.pairs, told.get(time, {}).get(unit_id))
                for time, row in ((time, rows[unit_id]) for time, rows in zip(times, by_month, strict=True))
            ],
        )
        for unit_id, newest in by_month[-1].items()
    ]
    return Movement(history[-1].rules, times, lines, [pooled([r.pairs for r in rows.values()]) for rows in by_month])


def of_industries(history: Sequence[QuarterRanking]) -> Movement:
    """Return the industries of the newest quarter over the quarters of a history (按季调度)."""
    by_quarter = [{row.chain.id: row for row in ranking.rows} for ranking in history]
    lines = [
        Line(
            chain_id,
            newest.chain.shown_name,
            [
                Place(row.rank, row.score, row.pairs) if row else Place(None, None, {})
                for row in (rows.get(chain_id) for rows in by_quarter)
            ],
        )
        for chain_id, newest in by_quarter[-1].items()
    ]
    return Movement(
        history[-1].rules,
        [str(ranking.quarter) for ranking in history],
        lines,
        [pooled([r.pairs for r in rows.values()]) for rows in by_quarter],
    )


def rank_frame(found: Movement) -> "pd.DataFrame":
    """Return places for `charts.rank_trend`: month, unit, rank, published (missing where nothing was published)."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "month": time,
                "unit": line.name,
                "rank": place.rank,
                "published": place.published.rank if place.published else None,
            }
            for line in found.lines
            for time, place in zip(found.times, line.places, strict=True)
            if place.rank is not None
        ],
        columns=["month", "unit", "rank", "published"],
    ).astype({"published": "float64"})


def moved_frame(found: Movement) -> "pd.DataFrame":
    """Return each member's way from the first time to the last.

    Columns: id, unit, first, last, gained, best, worst (ranks), score (the newest), differs (times at which the
    published rank is another than the computed one).
    """
    import pandas as pd

    rows = [
        {
            "id": line.id,
            "unit": line.name,
            "first": line.places[0].rank,
            "last": line.places[-1].rank,
            "gained": line.gained,
            "best": min(line.ranks, default=None),
            "worst": max(line.ranks, default=None),
            "score": None if line.places[-1].score is None else float(line.places[-1].score),
            "differs": sum(p.published is not None and p.published.rank != p.rank for p in line.places),
        }
        for line in found.lines
    ]
    frame = pd.DataFrame(rows, columns=["id", "unit", "first", "last", "gained", "best", "worst", "score", "differs"])
    return frame.astype(dict.fromkeys(("first", "last", "gained", "best", "worst", "score"), "float64"))


@dataclass(frozen=True)
class Multiple:
    """One member's rate over times beside the group's pooled one (0–1, None: no rate), and the newest in words."""

    member: Line
    slug: str
    values: list[float | None]
    group: list[float | None]
    newest: str
    pair: str
    group_newest: str


def multiples(found: Movement, slugs: Sequence[str]) -> list[list[Multiple]]:
    """Return the rates of every member, a row for each, as `slugs` orders them."""
    rounding = found.rules.rounding
    together = {slug: [pairs[slug].rate for pairs in found.pooled] for slug in slugs}
    rows = []
    for line in found.lines:
        row = []
        for slug in slugs:
            rates = [place.pairs[slug].rate if place.pairs else None for place in line.places]
            row.append(
                Multiple(
                    line,
                    slug,
                    [None if rate is None else float(rate) for rate in rates],
                    [None if rate is None else float(rate) for rate in together[slug]],
                    percent(rates[-1], rounding),
                    shown_pair(line.places[-1].pairs[slug]) if line.places[-1].pairs else "",
                    percent(together[slug][-1], rounding),
                )
            )
        rows.append(row)
    return rows


def rates_frame(found: Movement, slugs: Sequence[str]) -> "pd.DataFrame":
    """Return every rate behind the small multiples: month, unit (None: all together), rate, value (0–1), pair."""
    import pandas as pd

    rows = []
    for line_name, places in (
        *((line.name, [place.pairs for place in line.places]) for line in found.lines),
        (None, found.pooled),
    ):
        for time, pairs in zip(found.times, places, strict=True):
            for slug in slugs if pairs else ():
                rate = pairs[slug].rate
                rows.append(
                    {
                        "month": time,
                        "unit": line_name,
                        "rate": str(RATES[slug].label),
                        "value": None if rate is None else float(rate),
                        "pair": shown_pair(pairs[slug]),
                    }
                )
    return pd.DataFrame(rows, columns=["month", "unit", "rate", "value", "pair"]).astype({"value": "float64"})
