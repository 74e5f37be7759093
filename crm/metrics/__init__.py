"""What every number means: rates, rule sets (口径), ranking. The only place where a rate is defined.

A rate is the exact pair (N, D) of a set of projects D and a part N of it. Each set is a list of named conditions, so
that one definition gives the numbers, the projects behind them and the words that say why a project counts or not.

Reading order: `rule_sets` and `settings` (what a bureau may choose), `rates` (what each rate counts), `queries` (from
conditions to SQL), `scores` (places and lists), `cards`, `measures`, `progress`.

Conditions are SQL over these names: `p` (a project as a unit held it, with the dates that the rule set counts: see
`queries`), and the period's `as_of`, `w0`, `w1` and `early` (the day before which a dated fact lies before the window
and is already known). A fact dated after `as_of` is not yet known and never satisfies a condition, nor does an unknown
one.
"""

from crm.metrics.cards import CardKind, Colour, cards_query
from crm.metrics.measures import MEASURES, counted_rows, measures_over, measures_query
from crm.metrics.progress import AGES, STEP_DATES, cohort_query, cohorts_query, steps_query
from crm.metrics.queries import (
    COUNTED_DATES,
    COUNTED_VALUES,
    counted_query,
    facts_query,
    pairs_query,
    read_pairs,
    why_words,
)
from crm.metrics.rates import NO_PAIR, RATES, Condition, Pair, Pairs, Rate, percent, points, shown_score
from crm.metrics.rule_sets import Basis, FundsBase, Method, Number, Performance, Rounding, RuleSet, Withdrawn
from crm.metrics.scores import Lists, Standing, places_gained, red_and_black, standings
from crm.metrics.settings import parse_rule_set, read_settings

__all__ = [
    "AGES",
    "Basis",
    "COUNTED_DATES",
    "COUNTED_VALUES",
    "CardKind",
    "Colour",
    "Condition",
    "FundsBase",
    "Lists",
    "MEASURES",
    "Method",
    "NO_PAIR",
    "Number",
    "Pair",
    "Pairs",
    "Performance",
    "RATES",
    "Rate",
    "Rounding",
    "RuleSet",
    "STEP_DATES",
    "Standing",
    "Withdrawn",
    "cards_query",
    "cohort_query",
    "cohorts_query",
    "counted_query",
    "counted_rows",
    "facts_query",
    "measures_over",
    "measures_query",
    "pairs_query",
    "parse_rule_set",
    "percent",
    "places_gained",
    "points",
    "read_pairs",
    "read_settings",
    "red_and_black",
    "shown_score",
    "standings",
    "steps_query",
    "why_words",
]
