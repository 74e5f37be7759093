"""Times, medians and the lines of the table."""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Line:
    """One figure beside its goal; `raw` shows the medians that it comes from."""

    name: str
    figure: float
    unit: str
    goal: float | None
    raw: str
    at_least: bool = False

    @property
    def ok(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.figure >= self.goal if self.at_least else self.figure <= self.goal

    def cells(self) -> tuple[str, ...]:
        """Return name, figure, goal, verdict and raw values as shown."""
        sign = "≥" if self.at_least else "≤"
        goal = "" if self.goal is None else f"{sign} {_shown(self.goal, self.unit)}"
        verdict = {True: "ok", False: "MISS", None: ""}[self.ok]
        return self.name, _shown(self.figure, self.unit), goal, verdict, self.raw


def _shown(value: float, unit: str) -> str:
    number = f"{value:.2f}" if value < 10 else f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def seconds(work: Work) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(works: Mapping[str, Work], *, times: int = 5, warm: bool = True) -> dict[str, float]:
    """Return the median seconds of each work; they take turns, so that a busy moment falls on all of them."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(times + warm):
        for name, work in works.items():
            spent = seconds(work)
            if turn or not warm:
                taken[name].append(spent)
    return {name: statistics.median(of_work) for name, of_work in taken.items()}


def ms(value: float) -> str:
    """Show seconds as milliseconds."""
    return f"{value * 1000:.1f} ms"


def say(text: str) -> None:
    """Tell whoever waits what is going on."""
    print(text, file=sys.stderr, flush=True)


def print_table(lines: list[Line]) -> None:
    """Print the lines as one table."""
    rows = [("", "figure", "goal", "", "medians"), *(line.cells() for line in lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(4)]
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*padded, row[4]]).rstrip())
