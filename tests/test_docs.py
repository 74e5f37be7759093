"""The documents: every page of the app has its place in them, their links lead somewhere, their pictures are taken."""

import re
from pathlib import Path

import pytest

from crm.locale import use_language
from crm.ui.shell import PAGES
from tests.conftest import ROOT
from tests.pictures import FOLDER, PICTURES

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOR_USERS = [
    ROOT / "docs" / "user-guide.md",
    ROOT / "docs" / "administration.md",
    *(ROOT / "docs" / "guide").glob("*.md"),
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")


def links(path: Path) -> list[Path]:
    """The files that a document leads to."""
    found = LINK.findall(path.read_text("utf-8"))
    return [(path.parent / target).resolve() for target in found if "://" not in target]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(path: Path) -> None:
    assert [str(target) for target in links(path) if not target.exists()] == []


def test_every_page_is_documented_by_its_name() -> None:
    text = "\n".join(path.read_text("utf-8") for path in FOR_USERS)
    with use_language("zh_CN"):
        names = {entry.file: str(entry.title) for entry in PAGES if not entry.hidden}
    assert {file: name for file, name in names.items() if name not in text} == {}


def test_every_guide_is_reached_from_the_table_of_contents() -> None:
    listed = {target for path in FOR_USERS[:2] for target in links(path)}
    assert [path.name for path in FOR_USERS[2:] if path.resolve() not in listed] == []


def test_the_pictures_are_those_that_are_taken_and_all_are_shown() -> None:
    taken = {picture.name for picture in PICTURES}
    shown = {target.stem for path in DOCUMENTS for target in links(path) if target.parent == FOLDER}
    assert {path.stem for path in FOLDER.glob("*.png")} == taken == shown
