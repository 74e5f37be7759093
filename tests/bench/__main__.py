"""`python -m tests.bench`: make a bureau, measure, print one table."""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.bench import closes, commands, contacts, directory, rates, sessions, sheets
from tests.bench.bureau import Bureau, bureau
from tests.bench.measuring import Line, print_table, say

SUBJECTS: Mapping[str, Callable[[Bureau], list[Line]]] = {
    "ranking": partial(rates.measure, series=False),
    "series": partial(rates.measure, series=True),
    "directory": directory.measure,
    "contact": contacts.measure,
    "import": sheets.measure_import,
    "export": sheets.measure_export,
    "command": commands.measure,
    "close": closes.measure,
    "sessions": sessions.measure,
}


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Speed, as ratios taken in one run.")
    parser.add_argument("--scale", type=int, default=100, help="1 ≈ 2,000 enterprises (default: 100)")
    parser.add_argument("--only", choices=SUBJECTS, action="append", metavar="NAME", help=", ".join(SUBJECTS))
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the bureau in this file, use it where it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        measured = bureau(Path(folder), scale=options.scale, keep=options.keep)
        lines = []
        for name in options.only or SUBJECTS:
            say(f"{name} …")
            lines += SUBJECTS[name](measured)
        print(f"{measured.size()}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print_table(lines)


if __name__ == "__main__":
    main()
