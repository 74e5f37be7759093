"""What a review looks at: its view, month, rule set, basis, group, unit and window, all kept in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from crm.locale import Message, _
from crm.metrics import Basis, RuleSet
from crm.model import Actor, group_label, label
from crm.months import Month
from crm.permissions import Action, can
from crm.reports import chains, rankings
from crm.reports.rankings import Ranking, Unit
from crm.reports.rule_sets import StoredRuleSet
from crm.ui import filters, session

INDUSTRIES = "industries"
WINDOWS = (12, 24, 36)
VIEWS: dict[str, Message] = {
    "places": _("Places over time"),
    "rates": _("Rates over time"),
    "cohorts": _("Signing cohorts"),
    "steps": _("Funnel and days"),
    "seasons": _("Seasons"),
    "what_if": _("What if"),
}
# Which controls a view looks at; all: everything together may be looked at.
USES: dict[str, set[str]] = {
    "places": {"rules", "basis", "window", "member", "industries"},
    "rates": {"rules", "basis", "window", "industries"},
    "cohorts": {"rules", "basis", "member", "all"},
    "steps": {"rules", "window", "member", "all"},
    "seasons": {"member", "all"},
    "what_if": {"rules", "basis"},
}


@dataclass(frozen=True)
class Chosen:
    """What was chosen; `names` are the members of the group (units by short name, or industries) with their ids.

    `group` and `member` are None where all are looked at together.
    """

    actor: Actor
    today: date
    stored: list[StoredRuleSet]
    month: Month
    rules: RuleSet
    basis: Basis
    group: str | None
    units: list[Unit]
    names: dict[str, int]
    member: int | None
    window: int

    @property
    def by_quarter(self) -> bool:
        """Whether the industries are looked at, by the quarter."""
        return self.group == INDUSTRIES

    @property
    def unit_ids(self) -> tuple[int, ...]:
        """The units looked at."""
        return (self.member,) if self.member else tuple(self.names.values())

    @property
    def as_of(self) -> date:
        """The last day that is counted: the month's, or today."""
        return min(self.today, self.month.last_day)

    @property
    def first_month(self) -> Month:
        """The first month of the window."""
        return self.month.plus(1 - self.window)

    @property
    def reads(self) -> bool:
        """Whether the reader may see records at all."""
        return can(self.actor, Action.READ)

    def rankings_under(self, rules: RuleSet) -> list[Ranking]:
        """Return the rankings of the window under a rule set."""
        return session.remembered(
            ("series", self.month, rules, self.basis, self.window),
            lambda: rankings.ranking_history(
                session.database(), last=self.month, count=self.window, rules=rules, basis=self.basis
            ),
        )


def choose(view: str, actor: Actor, today: date, stored: list[StoredRuleSet]) -> Chosen:
    """Draw the controls that a view looks at, in one row."""
    db, uses = session.database(), USES[view]
    newest = rankings.latest_month_with_data(db, today=today)
    months = [str(newest.plus(-n)) for n in range(36)]
    rule_sets = {s.rules.name: s.rules for s in stored}
    everything = "all" in uses
    with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
        month = filters.choose_month(months, key="of_month")
        rules = filters.choose_rules(rule_sets, key="of_rules") if "rules" in uses else rule_sets["default"]
        group = choose_group(rules.groups, everything=everything, industries="industries" in uses)
        units = [u for u in rankings.units(db) if u.peer_group in rules.groups and group in (None, u.peer_group)]
        if group == INDUSTRIES:
            names = {chain.shown_name: chain.id for chain in chains.list_chains(db, on=month.last_day)}
        else:
            names = {unit.short_name: unit.id for unit in units}
        member = choose_member(names, own=actor.unit_id, everything=everything) if "member" in uses else None
        basis = choose_basis() if "basis" in uses and group != INDUSTRIES else Basis.COUNT
        window = choose_window(entered=view == "steps") if "window" in uses else WINDOWS[0]
    return Chosen(actor, today, stored, month, rules, basis, group, units, names, member, window)


def choose_view(views: Sequence[str]) -> str:
    """Ask which view is shown; only that one is worked out."""
    return str(filters.side_by_side(_("View"), list(views), "review", VIEWS.__getitem__, default=views[0], bare=True))


def choose_basis() -> Basis:
    """Ask whether projects are counted or their investment summed."""
    return Basis(filters.side_by_side(_("Basis"), list(Basis), "of_basis", label, default=Basis.COUNT))


def choose_window(*, entered: bool) -> int:
    """Ask how many months are looked at; `entered`: in which the projects entered."""
    title = _("Entered in the last") if entered else _("Looking back")
    return int(
        filters.side_by_side(
            title, list(WINDOWS), "window", lambda months: _("{months} months", months=months), default=WINDOWS[0]
        )
    )


def choose_group(groups: Sequence[str], *, everything: bool, industries: bool) -> str | None:
    """Ask for a peer group (`everything`: None is all of them); `industries` are offered beside the groups."""
    names = {group: group_label(group) for group in groups}
    if industries:
        names[INDUSTRIES] = _("Industries (by the quarter)")
    default = None if everything else next(iter(names))
    _settle("group", names, default)
    how = {"left_open": _("All ranked units")} if everything else {}
    draw = filters.any_of if everything else filters.one_of
    chosen = draw(_("Peer group"), list(names), "group", names.__getitem__, width=190, **how)
    return chosen or default


def choose_member(names: Mapping[str, int], *, own: int | None, everything: bool) -> int | None:
    """Ask for one unit or industry, the reader's own first; `everything`: none is all of them."""
    first = next((name for name, member in names.items() if member == own), next(iter(names), None))
    default = None if everything else first
    _settle("member", names, default)
    how: dict[str, Any] = {} if default is None else {"index": list(names).index(default)}
    draw = filters.any_of if default is None else filters.one_of
    chosen = draw(_("Unit or industry"), list(names), "member", width=170, **how)
    return names.get(chosen or default or "")


def _settle(key: str, known: Mapping[str, Any], default: str | None) -> None:
    """Put the default in the place of a choice that another group or view offered."""
    # Set, not deleted: the browser would go on showing what it has.
    if key in st.session_state and st.session_state[key] not in (*known, default):
        st.session_state[key] = default
