"""Whole commands from a cold start of the interpreter."""

import subprocess
import sys

from tests.bench.bureau import LAST_MONTH, Bureau
from tests.bench.measuring import Line, medians


def measure(bureau: Bureau) -> list[Line]:
    """Measure `crm rank`, beside a Python that starts and does nothing."""
    rank = [sys.executable, "-m", "crm", "--db", str(bureau.file), "rank", "--month", str(LAST_MONTH)]
    found = medians({"rank": lambda: _run(rank), "python": lambda: _run([sys.executable, "-c", ""])})
    raw = f"{found['rank']:.2f} s, a bare interpreter {found['python']:.2f} s"
    return [Line("crm rank, the whole command", found["rank"], "s", None, raw)]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
