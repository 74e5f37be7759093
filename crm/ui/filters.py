"""Filters: what narrows a page. Each lives in the page's address and stays for the visit.

A filter's key is its name in the address. No two pages share one, save the month and the rule set, which a reader takes
along from page to page. An address holds the words that are shown; one in the other language says the same. A page that
is reached by an address with filters has those alone; by the navigation, it has those that it was left with.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from crm.locale import LANGUAGES, Message, _, language, use_language
from crm.metrics import RuleSet
from crm.model import YUAN_PER_WAN
from crm.months import Month

Text = Message | str
ALL = _("All")
_MONTH, _RULES = "month", "rules"
_HERE, _DRAWN = "_filters_here", "_filters_drawn"  # the page that is drawn; the keys that each page drew so far


def arrive(page: str) -> None:
    """Note which page is drawn; what it kept gives way to an address with filters of its own."""
    state = st.session_state
    if state.get(_HERE) != page and st.query_params:
        for key in state.get(_DRAWN, {}).get(page, set()) - set(st.query_params):
            state.pop(key, None)
    state[_HERE] = page


def kept(key: str, options: Iterable[Any] = (), words: Callable[[Any], Text] = str) -> dict[str, Any]:
    """Return what makes a widget a filter; the options and their words where it offers any."""
    _understand(key, options, words)
    st.session_state.setdefault(_DRAWN, {}).setdefault(st.session_state.get(_HERE), set()).add(key)
    return {"key": key, "bind": "query-params", "persist_state": "session"}


def any_of(
    title: Text,
    options: Sequence[Any],
    key: str,
    words: Callable[[Any], Text] = str,
    *,
    left_open: Text = ALL,
    **other: Any,
) -> Any:
    """Draw a filter that may be left open; returns the option or None."""
    return st.selectbox(
        str(title),
        options,
        index=None,
        format_func=lambda option: str(words(option)),
        placeholder=str(left_open),
        **kept(key, options, words),
        **other,
    )


def one_of(title: Text, options: Sequence[Any], key: str, words: Callable[[Any], Text] = str, **other: Any) -> Any:
    """Draw a choice that always has a value: the first of the options, or that at `index`."""
    return st.selectbox(
        str(title), options, format_func=lambda option: str(words(option)), **kept(key, options, words), **other
    )


def some_of(title: Text, options: Sequence[Any], key: str, words: Callable[[Any], Text] = str, **other: Any) -> Any:
    """Draw a filter that takes several options; returns the list of them."""
    return st.multiselect(
        str(title),
        options,
        format_func=lambda option: str(words(option)),
        placeholder=str(ALL),
        **kept(key, options, words),
        **other,
    )


def amount(title: Text, key: str, **other: Any) -> Decimal | None:
    """Draw a bound of an amount, typed in 万元; returns 元."""
    typed = st.number_input(
        str(title),
        value=None,
        min_value=0.0,
        step=1000.0,
        format="%.10g",
        placeholder="—",
        **kept(key),
        **other,
    )
    return in_yuan(typed)


def in_yuan(typed: float | None) -> Decimal | None:
    """Return an amount that was typed in 万元."""
    return None if typed is None else Decimal(str(typed)) * YUAN_PER_WAN


def side_by_side(
    title: Text,
    options: Sequence[Any],
    key: str,
    words: Callable[[Any], Text],
    *,
    default: Any = None,
    bare: bool = False,
    **other: Any,
) -> Any:
    """Draw a few options beside each other; one is always chosen where there is a default. `bare` hides the title."""
    chosen = st.segmented_control(
        str(title),
        options,
        default=default,
        required=default is not None,
        format_func=lambda option: str(words(option)),
        label_visibility="collapsed" if bare else "visible",
        **kept(key, options, words),
        **other,
    )
    return default if chosen is None else chosen


def choose_month(months: Sequence[str], *, index: int = 0, key: str = _MONTH, **other: Any) -> Month:
    """Draw the choice of a month among some written YYYY-MM."""
    title = str(_("Month"))
    return Month.parse(one_of(title, months, key, index=index, **{"width": 140, **other}) or months[index])


def choose_rules(rule_sets: Mapping[str, RuleSet], *, key: str = _RULES, **other: Any) -> RuleSet:
    """Draw the choice of a rule set by its name."""
    return rule_sets[one_of(_("Rule set"), list(rule_sets), key, width=180, **other) or "default"]


def more(keys: Sequence[str]) -> DeltaGenerator:
    """Return a fold for the filters of these keys that are seldom wanted; one that is set opens it."""
    is_set = any(key in st.query_params or st.session_state.get(key) for key in keys)
    return st.expander(str(_("More filters")), is_set, key="more_filters", type="compact")


def clear_button(keys: Sequence[str]) -> None:
    """Draw a quiet button that empties the filters of these keys, while any of them is set."""
    state = st.session_state
    if not any(state.get(key) for key in keys):
        return

    def clear() -> None:
        for key in keys:
            before = state.get(key)
            state[key] = False if isinstance(before, bool) else [] if isinstance(before, list) else None
        st.rerun()  # of the page: the filters stand outside the list in which this button may be

    st.button(
        str(_("Clear filters")), key="clear_filters", on_click=clear, icon=":material/filter_alt_off:", type="tertiary"
    )


def _understand(key: str, options: Iterable[Any], words: Callable[[Any], Text]) -> None:
    """Put the words of this language into an address that came with those of the other, and begin the page anew."""
    said = st.query_params.get_all(key)
    if not said or key in st.session_state:  # there once its widget was drawn
        return
    here = {str(words(option)) for option in options}
    if here.issuperset(said):
        return
    with use_language(next(code for code in LANGUAGES if code != language())):
        meant = {str(words(option)): option for option in options}
    now = [str(words(meant[word])) if word in meant and word not in here else word for word in said]
    if now != said:
        st.query_params[key] = now
        st.rerun()
