"""Rule sets (口径) as stored: every version in words, beside another one, and by what it does to a month."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crm.errors import NotFound
from crm.locale import Message, _, listed
from crm.metrics import (
    RATES,
    Basis,
    FundsBase,
    Method,
    Pairs,
    Performance,
    Rounding,
    RuleSet,
    Withdrawn,
    parse_rule_set,
    shown_score,
)
from crm.model import AgreementKind, group_label, label
from crm.months import Month, WindowMode
from crm.reports.rankings import Ranking, ranking, shown_percent
from crm.store import Database

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StoredRuleSet:
    """A version of a rule set with when and by whom it was made."""

    rules: RuleSet
    effective_from: date | None
    created_at: datetime
    created_by: str


def peer_groups(database: Database) -> list[str]:
    """List the peer groups that units belong to."""
    return [row[0] for row in database.rows("select distinct peer_group from unit order by peer_group")]


def find_rule_set(database: Database, name: str = "default", version: int | None = None) -> RuleSet:
    """Return a rule set by name, its newest version unless one is given; raises NotFound."""
    found = [s.rules for s in list_rule_sets(database) if s.rules.name == name and version in (None, s.rules.version)]
    if not found:
        raise NotFound(_("There is no rule set “{name}”. “crm rules list” shows those there are.", name=name))
    return found[-1]


def list_rule_sets(database: Database) -> list[StoredRuleSet]:
    """List every version of every rule set, by name and version."""
    groups = peer_groups(database)
    return [
        StoredRuleSet(_read(settings, name, version, groups), effective_from, created_at, created_by)
        for name, version, settings, effective_from, created_at, created_by in database.rows(
            "select name, rules_version, settings, effective_from, created_at, created_by from rule_set"
            " where archived_at is null order by name, rules_version"
        )
    ]


def _read(settings: str, name: str, version: int, groups: list[str]) -> RuleSet:
    values: dict[str, Any] = json.loads(settings)
    return parse_rule_set({**values, "name": name}, version=version, known_groups=groups)


# -------------------------------------------------------------------------------------------------------------- words


class Group(StrEnum):
    """What part of the reading a setting belongs to."""

    COUNTED = "counted"
    RATES = "rates"
    SCORE = "score"
    CARDS = "cards"


GROUP_LABELS = {
    Group.COUNTED: _("What counts"),
    Group.RATES: _("How rates are read"),
    Group.SCORE: _("Score and ranking"),
    Group.CARDS: _("Lists and warning cards"),
}


@dataclass(frozen=True)
class Setting:
    """One setting: its path in the JSON, its label and what it does; `words` says its value."""

    path: str
    group: Group
    label: Message
    help: Message
    words: Callable[[RuleSet], str]
    choices: type[StrEnum] | None = None


def _yes_no(value: bool) -> str:
    return str(_("yes") if value else _("no"))


def _number(value: Decimal | int | None) -> str:
    return "—" if value is None else f"{Decimal(value):,f}"


def _joined(values: Sequence[object]) -> str:
    return listed(values) or "—"


def _weights(rules: RuleSet) -> str:
    given = dict(rules.weights)
    return _joined([f"{RATES[slug].label} {_number(given[slug])}" for slug in RATES if given.get(slug)])


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "window.mode",
        Group.COUNTED,
        _("Window"),
        _("Which signings the rates look at: those of the year so far, or of another stretch of time."),
        lambda rules: str(label(rules.window_mode)),
        WindowMode,
    ),
    Setting(
        "window.base_date",
        Group.COUNTED,
        _("Base date"),
        _("The first day of the window where it begins at a base date."),
        lambda rules: str(rules.base_date or "—"),
    ),
    Setting(
        "window.cohort_year",
        Group.COUNTED,
        _("Signing year"),
        _("The year whose signings are followed where the window is one signing year."),
        lambda rules: str(rules.cohort_year or "—"),
    ),
    Setting(
        "threshold_wan",
        Group.COUNTED,
        _("Smallest planned investment (10,000 yuan)"),
        _("Smaller projects do not count, and with a threshold neither do those without an amount. 0: all count."),
        lambda rules: _number(rules.threshold_wan),
    ),
    Setting(
        "verified_only",
        Group.COUNTED,
        _("Only verified milestones"),
        _("A milestone counts from the day on which its evidence was verified, not before."),
        lambda rules: _yes_no(rules.verified_only),
    ),
    Setting(
        "agreement_kinds",
        Group.COUNTED,
        _("Agreements that count as signing"),
        _("Nothing chosen: every kind counts. An agreement whose kind is unknown counts always."),
        lambda rules: (
            str(_("All")) if rules.agreement_kinds is None else _joined([label(k) for k in rules.agreement_kinds])
        ),
        AgreementKind,
    ),
    Setting(
        "withdrawn",
        Group.COUNTED,
        _("Withdrawn projects"),
        _("Whether a signed project that was given up still weighs on the rates after signing."),
        lambda rules: str(label(rules.withdrawn)),
        Withdrawn,
    ),
    Setting(
        "performance",
        Group.RATES,
        _("Performance means"),
        _("What a signed project must have reached to count as performed."),
        lambda rules: str(label(rules.performance)),
        Performance,
    ),
    Setting(
        "startup.due_only",
        Group.RATES,
        _("Start-up rate: only projects that are due"),
        _("Projects not yet due to start stay out of the denominator until they start or are due."),
        lambda rules: _yes_no(rules.due_only),
    ),
    Setting(
        "startup.grace_months",
        Group.RATES,
        _("Months from signing to start"),
        _("When a project without a planned start is due, counted from its signing."),
        lambda rules: str(rules.grace_months),
    ),
    Setting(
        "funds_base",
        Group.RATES,
        _("Funds are measured against"),
        _("The denominator of the funds-arrival rate."),
        lambda rules: str(label(rules.funds_base)),
        FundsBase,
    ),
    Setting(
        "rounding",
        Group.RATES,
        _("Decimals are"),
        _("How a percentage and a score are shown. Ranking compares the exact values always."),
        lambda rules: str(label(rules.rounding)),
        Rounding,
    ),
    Setting(
        "score.method",
        Group.SCORE,
        _("Score from"),
        _("Weighted rates, or efficacy coefficients: 60 for the lowest of the group, 100 for the highest."),
        lambda rules: str(label(rules.method)),
        Method,
    ),
    Setting(
        "score.weights",
        Group.SCORE,
        _("Weights"),
        _("How much each rate weighs in the score. A rate without a weight does not count."),
        _weights,
    ),
    Setting(
        "groups",
        Group.SCORE,
        _("Ranked groups"),
        _("Peer groups that are ranked, each by itself, in this order."),
        lambda rules: _joined([group_label(group) for group in rules.groups]),
    ),
    Setting(
        "lists.red",
        Group.CARDS,
        _("Places on the red list"),
        _("How many of the best units of a group the bulletin praises."),
        lambda rules: str(rules.red),
    ),
    Setting(
        "lists.black",
        Group.CARDS,
        _("Places on the black list"),
        _("How many of the last units of a group the bulletin names."),
        lambda rules: str(rules.black),
    ),
    Setting(
        "lists.target",
        Group.CARDS,
        _("Score that parts red from black"),
        _("Red needs this score, black lies below it. Empty: the place alone decides."),
        lambda rules: _number(rules.list_target),
    ),
    Setting(
        "cards.stalled_months",
        Group.CARDS,
        _("Months without progress: yellow, red, removal"),
        _("After how many months of negotiation without progress a project is carded, and proposed for removal."),
        lambda rules: " / ".join(map(str, rules.stalled_months)),
    ),
    Setting(
        "cards.overdue_start_red_months",
        Group.CARDS,
        _("Months overdue until a start is red"),
        _("At how many month ends in a row a project must be due and not started to get a red card."),
        lambda rules: str(rules.overdue_start_red_months),
    ),
)


@dataclass(frozen=True)
class Difference:
    """A setting that two rule sets read differently, in words."""

    label: Message
    before: str
    after: str


def differences(before: RuleSet, after: RuleSet) -> list[Difference]:
    """Return the settings in which two rule sets differ."""
    found = [Difference(s.label, s.words(before), s.words(after)) for s in SETTINGS]
    return [difference for difference in found if difference.before != difference.after]


# ------------------------------------------------------------------------------------------------------------- effect


def effect(
    database: Database, month: Month, before: RuleSet, after: RuleSet, *, basis: Basis = Basis.COUNT
) -> tuple[Ranking, Ranking]:
    """Rank a month under two rule sets; rankings may be read by everyone signed in."""
    return (
        ranking(database, month=month, rules=before, basis=basis),
        ranking(database, month=month, rules=after, basis=basis),
    )


def effect_frame(before: Ranking, after: Ranking, slugs: Sequence[str]) -> "pd.DataFrame":
    """Return two rankings of a month side by side, one row a unit that either of them ranks, and all units last.

    Columns: unit, group, rank_before, rank, moved (places gained), score_before, score, and for each rate
    `<slug>_before`, `<slug>` in percent as shown; what there is none of is missing. The row of all units has no group.
    """
    import pandas as pd

    old = {row.unit.id: row for row in before.rows}
    new = {row.unit.id: row for row in after.rows}
    rows: list[dict[str, Any]] = []
    for unit_id in dict.fromkeys((*new, *old)):
        then, now = old.get(unit_id), new.get(unit_id)
        unit = (now or then).unit  # type: ignore[union-attr]  # one of the two ranks it
        ranks = then.rank if then else None, now.rank if now else None
        rows.append(
            {
                "unit": unit.name,
                "group": unit.peer_group,
                "rank_before": ranks[0],
                "rank": ranks[1],
                "moved": None if None in ranks else ranks[0] - ranks[1],  # type: ignore[operator]
                "score_before": _score(then.score if then else None, before.rules),
                "score": _score(now.score if now else None, after.rules),
                **_both(slugs, then.pairs if then else {}, now.pairs if now else {}, before.rules, after.rules),
            }
        )
    rows.append(
        {
            "unit": str(_("All ranked units")),
            "group": None,
            **_both(slugs, before.total, after.total, before.rules, after.rules),
        }
    )
    frame = pd.DataFrame(rows)
    numbers = [name for name in frame.columns if name not in ("unit", "group")]
    return frame.astype(dict.fromkeys(numbers, "float64"))


def changed_units(frame: "pd.DataFrame") -> int:
    """Count the units of an effect whose rank or score is not the same under both."""
    units = frame[frame["group"].notna()]
    pairs = (("rank_before", "rank"), ("score_before", "score"))
    same = [(units[a] == units[b]) | (units[a].isna() & units[b].isna()) for a, b in pairs]
    return int((~(same[0] & same[1])).sum())


def _both(slugs: Sequence[str], then: Pairs, now: Pairs, before: RuleSet, after: RuleSet) -> dict[str, float | None]:
    cells = {}
    for slug in slugs:
        cells[f"{slug}_before"] = shown_percent(then[slug].rate, before) if slug in then else None
        cells[slug] = shown_percent(now[slug].rate, after) if slug in now else None
    return cells


def _score(score: Fraction | None, rules: RuleSet) -> float | None:
    return None if score is None else float(shown_score(score, rules.rounding))
