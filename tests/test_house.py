"""The house as a whole: what the wheel carries, and that every message speaks both languages."""

import ast
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message
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


@pytest.mark.parametrize("name", ["units", "industries", "segments", "divisions", "dictionaries", "bulletin_texts"])
def test_wheel_carries_reference_data(wheel: zipfile.ZipFile, name: str) -> None:
    shipped = wheel.read(f"crm/_reference/{name}.csv")
    assert shipped == (ROOT / "data" / "reference" / f"{name}.csv").read_bytes()


def test_wheel_carries_the_servers_settings(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("crm/_streamlit/config.toml") == (ROOT / ".streamlit" / "config.toml").read_bytes()


def test_wheel_carries_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"crm", "crm_app.py", "zhaoshang_crm"}


@pytest.mark.parametrize("sheet", ["shell.css", "print.css"])
def test_the_beginning_of_a_key_is_asked_of_one_kind_of_element(sheet: str) -> None:
    before = re.findall(r"(.{30})\[class\*=\"st-key-", (ROOT / "crm" / "ui" / "assets" / sheet).read_text("utf-8"))
    assert before != []
    assert [text for text in before if not re.search(r":where\(\.st\w+\)$|:not\($", text)] == []


def calls_in_code() -> list[tuple[str, ast.Call]]:
    """Return every call of `_` with the place where it stands.

    Read from the syntax tree: babel's own extractor passes over calls inside an f-string.
    """
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path in [*sorted((ROOT / "crm").rglob("*.py")), ROOT / "crm_app.py"]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
    ]


def msgid(call: ast.Call) -> str | None:
    """Return the sentence that a call names, None where it is not written out."""
    first = call.args[0] if len(call.args) == 1 else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def messages_in_code() -> set[str]:
    """Return every sentence that the code names."""
    return {text for _place, call in calls_in_code() if (text := msgid(call))}


def translations() -> list[Entry]:
    """Return every entry of every catalog."""
    entries: list[Entry] = []
    for path in CATALOGS:
        with path.open("rb") as file:
            # abort_invalid: a broken catalog is an error, not a shorter one.
            entries += [
                (path.name, message) for message in read_po(file, locale="zh_CN", abort_invalid=True) if message.id
            ]
    return entries


def placeholders(text: str) -> Counter[str]:
    """Count the `{name}` places of a sentence."""
    return Counter(name for _literal, name, _spec, _conversion in Formatter().parse(text) if name is not None)


def test_every_message_is_written_out_with_its_values() -> None:
    wrong = []
    for place, call in calls_in_code():
        text = msgid(call)
        given = {keyword.arg for keyword in call.keywords}
        if text is None or (None not in given and given != set(placeholders(text))):
            wrong.append(place)
    assert wrong == []


def test_every_message_is_translated() -> None:
    translated = {message.id for _file, message in translations() if message.string and not message.fuzzy}
    assert sorted(messages_in_code() - translated) == []


def test_no_translation_is_stale() -> None:
    used = messages_in_code()
    assert [f"{file}: {message.id}" for file, message in translations() if message.id not in used] == []


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
