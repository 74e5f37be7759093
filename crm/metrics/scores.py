"""From rates to places: scores on 0–100, competition ranks, the red and the black list."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from crm.metrics.rates import Pairs
from crm.metrics.rule_sets import Method, RuleSet


class Standing(NamedTuple):
    """A unit's place in its peer group: exact score on 0–100 with adjustments, and competition rank."""

    score: Fraction | None
    rank: int | None


def standings(rules: RuleSet, pairs: Mapping[int, Pairs], adjustments: Mapping[int, Decimal]) -> dict[int, Standing]:
    """Score and rank the units of one peer group; equal scores share a rank (1, 2, 2, 4).

    `pairs` holds every unit of the group; `adjustments` the month's points. Units without any weighted rate have
    neither score nor rank.
    """
    weights = {slug: Fraction(weight) for slug, weight in rules.weights if weight > 0}
    coefficients = {slug: _coefficients(rules, slug, pairs) for slug in weights}
    scores: dict[int, Fraction | None] = {}
    for unit in pairs:
        rated = {slug: coefficients[slug][unit] for slug in weights if unit in coefficients[slug]}
        total = sum((weights[slug] for slug in rated), Fraction(0))
        scores[unit] = (
            sum((weights[slug] * value for slug, value in rated.items()), Fraction(0)) / total * 100
            + Fraction(adjustments.get(unit, Decimal(0)))
            if total
            else None
        )
    ordered = sorted((score for score in scores.values() if score is not None), reverse=True)
    first_place = {score: place for place, score in reversed(list(enumerate(ordered, 1)))}
    return {unit: Standing(score, None if score is None else first_place[score]) for unit, score in scores.items()}


def places_gained(rank: int | None, previous: int | None) -> int | None:
    """Return how many places were gained since the period before (negative: lost); None where a rank is missing."""
    return None if rank is None or previous is None else previous - rank


class Lists(NamedTuple):
    """The red and the black list of one peer group, as unit ids in the order of the ranking."""

    red: tuple[int, ...]
    black: tuple[int, ...]


def red_and_black(rules: RuleSet, scores: Mapping[int, Fraction | None]) -> Lists:
    """List the best and the worst of a peer group by rule; `scores` in the order of the ranking.

    Red: one of the first k, and at or above the target; black: one of the last k, and below it. Equal scores share a
    place, at the lower end too. Without a target the places alone decide, and who is red is not black.
    """
    scored = {unit: score for unit, score in scores.items() if score is not None}
    target = None if rules.list_target is None else Fraction(rules.list_target)
    red = tuple(
        unit
        for unit, score in scored.items()
        if sum(other > score for other in scored.values()) < rules.red and (target is None or score >= target)
    )
    black = tuple(
        unit
        for unit, score in scored.items()
        if sum(other < score for other in scored.values()) < rules.black
        and unit not in red
        and (target is None or score < target)
    )
    return Lists(red, black)


def _coefficients(rules: RuleSet, slug: str, pairs: Mapping[int, Pairs]) -> dict[int, Fraction]:
    rates = {unit: rate for unit, of_unit in pairs.items() if (rate := of_unit[slug].rate) is not None}
    if rules.method is Method.WEIGHTED or not rates:
        return rates
    low, high = min(rates.values()), max(rates.values())
    if low == high:
        return dict.fromkeys(rates, Fraction(1))
    return {unit: (60 + 40 * (rate - low) / (high - low)) / 100 for unit, rate in rates.items()}
