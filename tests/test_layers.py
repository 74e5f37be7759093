"""The import table of the house: imports run downward only, and each driver has one door.

    ui, cli             the surfaces
    api, local, serving what the server offers programs, the door for the command line, how it is started
    exchange            workbooks in and out, through actions and reports
    actions             writes, may look something up in a report
    reports             reads
    charts              pictures of what reports return
    rules, metrics, permissions, chat, media, matching
    store
    model, months, errors
    locale              open to all

A module may import what stands below its own line, and its own parts.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

LAYERS = [
    {"__main__"},
    {"cli"},
    {"ui"},
    {"api", "local", "serving"},
    {"demo"},
    {"exchange"},
    {"actions"},
    {"reports"},
    {"charts"},
    {"rules", "metrics", "permissions", "chat", "media", "matching"},
    {"store"},
    {"model", "months"},
    {"errors"},
    {"locale"},
]
# Narrower than the order of the layers says.
NEVER = {
    "charts": {"store"},  # a picture knows no database
    "cli": {"ui"},  # `crm serve` starts the server as a process of its own
}
DRIVERS = {"duckdb", "psycopg", "psycopg_pool"}

RANK = {module: len(LAYERS) - number for number, layer in enumerate(LAYERS) for module in layer}
SOURCES = sorted((ROOT / "crm").rglob("*.py"))


def part_of(path: Path) -> str:
    """Return the part of the house that a source file belongs to: the first name below `crm`, "" for the package."""
    parts = path.relative_to(ROOT / "crm").with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of every import in a file, those inside functions and for annotations too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            assert node.module is not None
            for alias in node.names:  # `from crm import store` names a module, `from crm.store import connect` may not
                yield node.lineno, f"{node.module}.{alias.name}"


def own_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, part) of every import of another part of the house."""
    for line, module in imports(path):
        names = module.split(".")
        if names[0] == "crm" and len(names) > 1 and names[1] in RANK:
            yield line, names[1]


def test_every_part_has_its_place_in_the_table() -> None:
    assert {part_of(path) for path in SOURCES} - {""} <= set(RANK)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_downward(path: Path) -> None:
    part = part_of(path)
    # The package itself stands below everything: importing any part runs it first.
    allowed = {other for other in RANK if RANK[other] < RANK.get(part, 0)} - NEVER.get(part, set()) | {part}
    if "pages" in path.parts:
        allowed -= {"store"}
    wrong = [f"{path.name}:{line} imports crm.{other}" for line, other in own_imports(path) if other not in allowed]
    assert not wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_driver_has_one_door(path: Path) -> None:
    found = {module.split(".")[0] for _line, module in imports(path)}
    if part_of(path) != "store":
        assert not found & DRIVERS
    if part_of(path) != "ui":
        assert "streamlit" not in found


def test_the_table_is_read_from_real_imports() -> None:
    """Guards the tests above against passing because nothing was found."""
    engine = ROOT / "crm" / "store" / "engine.py"
    assert "duckdb" in {module.split(".")[0] for _line, module in imports(engine)}
    assert {"errors", "locale"} <= {part for _line, part in own_imports(engine)}


def test_actions_and_reports_load_no_streamlit() -> None:
    code = "import sys, crm.actions, crm.reports; sys.exit('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
