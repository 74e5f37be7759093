"""The page of series and review: `choices` are its controls, each view is drawn by a module of its own."""

from collections.abc import Callable

from crm.ui.review.choices import VIEWS, Chosen, choose, choose_view
from crm.ui.review.cohorts import show_cohorts
from crm.ui.review.movement import show_places, show_rates
from crm.ui.review.seasons import show_seasons
from crm.ui.review.steps import show_steps
from crm.ui.review.what_if import show_what_if

SHOW: dict[str, Callable[[Chosen], None]] = {
    "places": show_places,
    "rates": show_rates,
    "cohorts": show_cohorts,
    "steps": show_steps,
    "seasons": show_seasons,
    "what_if": show_what_if,
}

__all__ = ["SHOW", "VIEWS", "Chosen", "choose", "choose_view"]
