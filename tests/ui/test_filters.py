"""Filters: each has a key of its own, and an address means the same in both languages."""

import ast
from collections import defaultdict
from pathlib import Path

from tests.conftest import ROOT

DRAWN_BY = {"any_of", "one_of", "some_of", "side_by_side", "amount", "kept", "choose_month", "choose_rules"}
# What a reader takes along from page to page.
SHARED = {"month", "rules"}


def keys_of(path: Path) -> set[str]:
    """Return the keys of the filters that a module draws, as far as they are written out."""
    found = set()
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in DRAWN_BY):
            continue
        if not (isinstance(call.func.value, ast.Name) and call.func.value.id == "filters"):
            continue
        named = next((keyword.value for keyword in call.keywords if keyword.arg == "key"), None)
        place = {"kept": 0, "amount": 1}.get(call.func.attr, 2)
        if named is None and call.func.attr.startswith("choose_"):
            continue  # shared by intent
        key = named or call.args[place]
        if isinstance(key, ast.Constant):
            found.add(str(key.value))
    return found


def test_no_two_pages_share_a_filter() -> None:
    drawn = defaultdict(set)
    for path in sorted((ROOT / "crm" / "ui").rglob("*.py")):
        for key in keys_of(path):
            drawn[key].add(path.name)
    assert len(drawn) > 40
    assert {key: files for key, files in drawn.items() if len(files) > 1 and key not in SHARED} == {}


def test_every_filter_is_drawn_by_its_own_module() -> None:
    """What binds a widget to the address anywhere else would be neither understood nor let go of."""
    others = {
        path.name
        for path in (ROOT / "crm" / "ui").rglob("*.py")
        if "query-params" in path.read_text("utf-8") and path.name not in {"filters.py", "components.py"}
    }
    assert others == set()
