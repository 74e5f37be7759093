"""Points given and taken (加减分): listed within the reader's scope, and what they do to a month's ranking."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from crm import permissions
from crm.metrics import Basis, RuleSet, Standing, shown_score, standings
from crm.model import Actor
from crm.months import Month
from crm.permissions import Action
from crm.reports.rankings import RankingRow, Unit, ranking
from crm.store import Database, Params

if TYPE_CHECKING:
    import pandas as pd

PAGE_SIZE = 20


@dataclass(frozen=True)
class Adjustment:
    """Points of a unit in a month, above zero given, below zero taken; who set them last, and when."""

    id: int
    version: int
    unit_id: int
    unit: str
    month: str
    points: Decimal
    reason: str
    evidence: str
    updated_at: datetime
    updated_by: str


def count_adjustments(
    database: Database, actor: Actor, *, month: Month | None = None, unit_id: int | None = None
) -> int:
    """Count the adjustments of a month, of a unit, or all."""
    params = Params()
    where = _condition(actor, params, month=month, unit_id=unit_id)
    return int(database.value(f"select count(*) from adjustment a where {where}", params))


def adjustments(
    database: Database,
    actor: Actor,
    *,
    month: Month | None = None,
    unit_id: int | None = None,
    page: int = 1,
    size: int = PAGE_SIZE,
) -> list[Adjustment]:
    """Return one page of the adjustments, the newest month first, the units of a month in official order."""
    params = Params()
    where = _condition(actor, params, month=month, unit_id=unit_id)
    limit, offset = params.add(size), params.add((max(page, 1) - 1) * size)
    return [
        Adjustment(*row)
        for row in database.rows(
            "select a.id, a.version, a.unit_id, u.name, a.month, a.points, a.reason, coalesce(a.evidence, ''),"
            " a.updated_at, coalesce(c.name, a.updated_by) from adjustment a join unit u on u.id = a.unit_id"
            f" left join account c on c.login = a.updated_by where {where}"
            f" order by a.month desc, u.display_order, a.id limit {limit} offset {offset}",
            params,
        )
    ]


def _condition(actor: Actor, params: Params, *, month: Month | None, unit_id: int | None) -> str:
    parts = ["a.archived_at is null", permissions.visible(actor, Action.READ, "adjustment", "a", params)]
    if month is not None:
        parts.append(f"a.month = {params.add(str(month))}")
    if unit_id is not None:
        parts.append(f"a.unit_id = {params.add(unit_id)}")
    return " and ".join(parts)


@dataclass(frozen=True)
class Effect:
    """A unit's place and score of a month as ranked, and as they would be without the month's adjustments."""

    unit: Unit
    points: Decimal
    rank: int | None
    score: Fraction | None
    rank_without: int | None
    score_without: Fraction | None


def effect(database: Database, *, month: Month, rules: RuleSet, basis: Basis = Basis.COUNT) -> list[Effect]:
    """Return what the adjustments of a month do to every ranked unit, in the order of the ranking.

    Computed over all units: the ranking is public, and so are the points in it.
    """
    ranked = ranking(database, month=month, rules=rules, basis=basis)
    groups: dict[str, list[RankingRow]] = {}
    for row in ranked.rows:
        groups.setdefault(row.unit.peer_group, []).append(row)
    without: dict[int, Standing] = {}
    for rows in groups.values():
        without |= standings(rules, {row.unit.id: row.pairs for row in rows}, {})
    return [
        Effect(row.unit, row.adjustment, row.rank, row.score, without[row.unit.id].rank, without[row.unit.id].score)
        for row in ranked.rows
    ]


def adjustments_frame(rows: list[Adjustment]) -> "pd.DataFrame":
    """Return adjustments as a table: month, unit, points, reason, evidence, updated_by."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "month": row.month,
                "unit": row.unit,
                "points": float(row.points),
                "reason": row.reason,
                "evidence": row.evidence or None,
                "updated_by": None if row.updated_by.startswith("system:") else row.updated_by,
            }
            for row in rows
        ]
    )


def effect_frame(rows: list[Effect], rules: RuleSet) -> "pd.DataFrame":
    """Return effects as a table: group, unit, points, ranks, scores as shown, and places gained by the points."""
    import pandas as pd

    def score(value: Fraction | None) -> float | None:
        return None if value is None else float(shown_score(value, rules.rounding))

    return pd.DataFrame(
        [
            {
                "group": row.unit.peer_group,
                "unit": row.unit.name,
                "points": float(row.points) or None,
                "rank": row.rank,
                "rank_without": row.rank_without,
                "places": None if row.rank is None or row.rank_without is None else row.rank_without - row.rank,
                "score": score(row.score),
                "score_without": score(row.score_without),
            }
            for row in rows
        ]
    ).astype({"points": "float64", "rank": "Int64", "rank_without": "Int64", "places": "Int64"})
