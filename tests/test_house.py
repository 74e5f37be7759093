"""The house as a whole: what the wheel carries, and that every message speaks both languages."""

import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.conftest import ROOT

CATALOGS = sorted((ROOT / "crm" / "locale" / "zh_CN" / "LC_MESSAGES").glob("*.po"))
Entry = tuple[str, Message]  # the catalog's file name and the message


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The built wheel, open."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_wheel_carries_the_whole_package(wheel: zipfile.ZipFile) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "crm").rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".mo"}
    }
    names = set(wheel.namelist())
    assert files - names == set()
    assert {Path(name).suffix for name in files} >= {".py", ".sql", ".po"}
    assert "crm_app.py" in names


@pytest.mark.parametrize("name", ["units", "industries", "segments", "divisions"])
def test_wheel_carries_reference_data(wheel: zipfile.ZipFile, name: str) -> None:
    shipped = wheel.read(f"crm/_reference/{name}.csv")
    assert shipped == (ROOT / "data" / "reference" / f"{name}.csv").read_bytes()


def test_wheel_carries_the_servers_settings(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("crm/_streamlit/config.toml") == (ROOT / ".streamlit" / "config.toml").read_bytes()


def test_wheel_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"crm", "crm_app.py", "zhaoshang_crm"}


def messages_in_code() -> set[str]:
    """Return every msgid that the code names by `_("…")`."""
    folders = extract_from_dir(ROOT / "crm", [("**.py", "python")], keywords={"_": None})
    found = {msgid for _file, _line, msgid, _comments, _context in folders if isinstance(msgid, str)}
    app = ROOT / "crm_app.py"
    if app.exists():
        from babel.messages.extract import extract_from_file

        found |= {msgid for _line, msgid, *_rest in extract_from_file("python", app, keywords={"_": None})}
    return found


def translations() -> list[Entry]:
    """Return every entry of every catalog."""
    entries: list[Entry] = []
    for path in CATALOGS:
        with path.open("rb") as file:
            # abort_invalid: a broken catalog is an error, not a shorter one.
            entries += [(path.name, message) for message in read_po(file, locale="zh_CN", abort_invalid=True) if message.id]
    return entries


def placeholders(text: str) -> Counter[str]:
    """Count the `{name}` places of a sentence."""
    return Counter(name for _literal, name, _spec, _conversion in Formatter().parse(text) if name is not None)


def test_every_message_is_translated() -> None:
    translated = {message.id for _file, message in translations() if message.string and not message.fuzzy}
    assert sorted(messages_in_code() - translated) == []


def test_no_translation_is_stale() -> None:
    assert sorted({f"{file}: {message.id}" for file, message in translations() if message.id not in messages_in_code()}) == []


def test_no_message_is_translated_twice() -> None:
    # Counted in the text: within one file the reader would let the later entry win in silence.
    lines = Counter(
        message.id
        for path in CATALOGS
        for entry in path.read_text("utf-8").split("\n\n")
        for message in read_po(entry.encode().splitlines(keepends=True), locale="zh_CN")
        if message.id
    )
    assert [msgid for msgid, times in lines.items() if times > 1] == []


def test_translations_keep_their_placeholders() -> None:
    changed = [
        f"{file}: {message.id}"
        for file, message in translations()
        if placeholders(str(message.id)) != placeholders(str(message.string))
    ]
    assert changed == []
