"""What if (口径推演): how the ranks of the past months would have been under another rule set."""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm.metrics import RuleSet, parse_rule_set, places_gained
from crm.reports.review.movement import Movement
from crm.reports.rule_sets import peer_groups
from crm.store import Database

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Shift:
    """One unit's rank in one month under the rules that stand (`before`) and under the others (`after`)."""

    unit_id: int
    unit: str
    month: str
    before: int | None
    after: int | None

    @property
    def moved(self) -> int | None:
        """Places gained under the others (negative: lost); None where one of the two ranks nothing."""
        return places_gained(self.after, self.before)


@dataclass(frozen=True)
class WhatIf:
    """All shifts, unit by unit; see `changed`, `compared` and `gains` for the whole."""

    months: list[str]
    shifts: list[Shift]

    @property
    def compared(self) -> int:
        """How many places there are: units × months that either of the two ranks."""
        return sum(shift.before is not None or shift.after is not None for shift in self.shifts)

    @property
    def changed(self) -> int:
        """How many of them would be another place, or none."""
        return sum(shift.before != shift.after for shift in self.shifts)

    @property
    def gains(self) -> list[tuple[str, int]]:
        """Each unit's places gained over all months together, the most first; units that stay are left out."""
        total: Counter[str] = Counter()
        for shift in self.shifts:
            total[shift.unit] += shift.moved or 0
        return [(unit, places) for unit, places in total.most_common() if places]


def altered(database: Database, rules: RuleSet, changes: Mapping[str, Any]) -> RuleSet:
    """Return a rule set with some settings changed; keys are paths as “window.mode”.

    Raises Invalid, keyed by path.
    """
    settings = copy.deepcopy(rules.settings())
    for path, value in changes.items():
        outer, _dot, inner = path.partition(".")
        if inner:
            settings[outer][inner] = value
        else:
            settings[outer] = value
    return parse_rule_set(settings, version=rules.version, known_groups=peer_groups(database))


def what_if(before: Movement, after: Movement) -> WhatIf:
    """Compare the places of a peer group's units under two rule sets over the same months."""
    ways = [{line.id: line for line in found.lines} for found in (before, after)]
    names = {line.id: line.name for line in (*before.lines, *after.lines)}

    def rank(way: Mapping[int, Any], unit_id: int, n: int) -> int | None:
        line = way.get(unit_id)
        return None if line is None else line.places[n].rank

    shifts = [
        Shift(unit_id, name, month, rank(ways[0], unit_id, n), rank(ways[1], unit_id, n))
        for unit_id, name in names.items()
        for n, month in enumerate(before.times)
    ]
    return WhatIf(before.times, shifts)


def shifts_frame(found: WhatIf) -> "pd.DataFrame":
    """Return units × months, a row for each unit: unit, total (places gained), then per month “3 → 1”, “3” or “—”."""
    import pandas as pd

    rows: dict[int, dict[str, Any]] = {}
    for shift in found.shifts:
        row = rows.setdefault(shift.unit_id, {"unit": shift.unit, "total": 0})
        row["total"] += shift.moved or 0
        row[shift.month] = shift_words(shift)
    return pd.DataFrame(list(rows.values()), columns=["unit", "total", *found.months])


def shift_words(shift: Shift) -> str:
    """Write a shift: both ranks where they differ, with an arrow for up or down, else the one."""
    if shift.before == shift.after:
        return "—" if shift.after is None else str(shift.after)
    before, after = ("—" if rank is None else str(rank) for rank in (shift.before, shift.after))
    sign = "" if not shift.moved else f" {'▲' if shift.moved > 0 else '▼'}{abs(shift.moved)}"
    return f"{before}→{after}{sign}"


def movers(gains: Sequence[tuple[str, int]], *, most: int = 3) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return who gains most and who loses most."""
    return [g for g in gains if g[1] > 0][:most], [g for g in reversed(gains) if g[1] < 0][:most]
