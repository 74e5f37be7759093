"""The door of a running app: what the command line still does while the database file is the app's alone."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from crm import store
from crm.local import _user_of, ask_app, open_door
from tests.apps import App, Client, add_people, running_app
from tests.bureaus import project, put
from tests.probes import Commands, child_environment, dump, insert_enterprise, unit_ids

READS = [
    ["rank", "--month", "2026-05"],
    ["rank", "--month", "2026-05", "--basis", "amount", "--group", "county", "--as-of", "2026-04-15"],
    ["rates", "--from", "2026-04", "--to", "2026-05", "--by", "industry"],
    ["facts", "--month", "2026-05", "--unit", "吉首", "--metric", "startup"],
    ["facts", "--month", "2026-05", "--unit", "凤凰", "--metric", "startup", "--as", "zhangsan"],
    ["rules", "list"],
    ["rules", "show", "default"],
    ["check"],
    ["check", "--month", "2026-05", "--as", "sunba"],
    ["user", "list", "--as", "admin"],
]
REFUSED = [
    ["facts", "--month", "2026-05", "--unit", "火星", "--metric", "startup"],
    ["rules", "show", "nope"],
    ["check", "--as", "zhangsan"],
    ["rank", "--month", "2026-05", "--as", "nobody"],
    ["backup", "HERE"],
    ["backup", "OUT", "--as", "zhaoliu"],
]


@pytest.fixture
def crm(capsys, monkeypatch):
    return Commands(capsys, monkeypatch)


@pytest.fixture(scope="module")
def url(embedded_engine):
    """A small bureau with people."""
    url = embedded_engine.clone()
    database = store.connect(url)
    add_people(database)
    signed = {"negotiating_on": date(2026, 2, 1), "signed_on": date(2026, 3, 5)}
    put(database, [project(unit, **signed) for unit in ("吉首", "吉首", "凤凰")], unit_ids=unit_ids(database))
    database.close()
    yield url
    embedded_engine.drop(url)


@pytest.fixture
def held(url):
    """The database held open with its door, as the app does."""
    database = store.connect(url)
    with open_door(database):
        yield database
    database.close()


def said(crm, url, words, output):
    done = crm(*words, "--db", url, "--format", output)
    return done.code, done.out, done.err


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_reads_are_answered_as_if_the_file_were_free(crm, url, output):
    free = [said(crm, url, words, output) for words in READS]
    assert all(out for _code, out, _err in free)
    database = store.connect(url)
    with open_door(database):
        assert [said(crm, url, words, output) for words in READS] == free
    database.close()


def test_refusals_are_the_same_sentences_in_the_same_language(crm, url, tmp_path):
    def sentences(language):
        found = []
        for words in REFUSED:
            line = [{"OUT": str(tmp_path / "out"), "HERE": str(tmp_path)}.get(word, word) for word in words]
            found.append(crm(*line, "--db", url, environment={"CRM_LANGUAGE": language}).sentence)
        return found

    free = {language: sentences(language) for language in ("zh_CN", "en")}
    assert {*free["zh_CN"]}.isdisjoint(free["en"])
    database = store.connect(url)
    with open_door(database):
        before = dump(database)
        assert {language: sentences(language) for language in ("zh_CN", "en")} == free
        assert dump(database) == before
    database.close()
    assert not (tmp_path / "out").exists()


def test_a_backup_of_a_served_file_is_whole_while_others_write(crm, url, held, tmp_path, monkeypatch):
    done = threading.Event()

    def write():
        n = 0
        while not done.is_set():
            insert_enterprise(held, f"企业{n}")
            n += 1

    writer = threading.Thread(target=write)
    writer.start()
    monkeypatch.chdir(tmp_path)  # the app has a working directory of its own
    try:
        kept = [json.loads(crm("backup", f"copy{n}", "--db", url, "--format", "json").out) for n in range(3)]
    finally:
        done.set()
        writer.join()
    for n, document in enumerate(kept):
        assert document["folder"] == str(tmp_path / f"copy{n}")
        restored = store.restore(tmp_path / f"copy{n}", str(tmp_path / f"new{n}.duckdb"))
        assert store.verify_audit(restored) == []
        tables = {row["table"]: row["rows"] for row in document["tables"]}
        assert restored.value("select count(*) from enterprise") == tables["enterprise"]
        assert restored.value("select count(*) from audit where subject = 'enterprise'") == tables["enterprise"]
        restored.close()
    assert "copy0" in crm("backup", "copy0", "--db", url).sentence


def test_what_changes_records_is_not_done_through_the_door(crm, url, held, tmp_path):
    before = dump(held)
    for words in (["user", "add", "x", "--name", "X", "--role", "leader"], ["close", "2026-05"], ["migrate"]):
        assert str(os.getpid()) in crm(*words, "--db", url).sentence
    for do in ("close", "user add", "init", "", None, "__class__"):
        for given in ({}, {"folder": str(tmp_path / "x")}, {"month": "2026-05"}):
            with pytest.raises(Exception, match="."):
                ask_app(url, do, given, login=None)
    assert dump(held) == before
    assert list(tmp_path.iterdir()) == []


def test_the_door_is_its_owners_alone_and_goes_with_the_app(url, held):
    place = Path(f"{url}.sock")
    assert stat.S_ISSOCK(place.stat().st_mode)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert _user_of(ours) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user of the machine")
def test_another_user_of_the_machine_is_not_answered(embedded_url):
    knock = (
        "import os, sys; from crm.local import ask_app; os.setgid(65534); os.setuid(65534)\n"
        "print(ask_app(sys.argv[1], 'rules', {}, login=None))"
    )
    with tempfile.TemporaryDirectory(prefix="crm-door-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103  # so that the door itself is what keeps them out
        place = Path(folder) / "crm.duckdb"
        Path(embedded_url).rename(place)
        database = store.connect(str(place))
        with open_door(database):
            for mode in (0o600, 0o666):  # neither the mode nor who knocks is enough by itself
                place.with_name("crm.duckdb.sock").chmod(mode)
                done = subprocess.run(
                    [sys.executable, "-c", knock, str(place)],
                    env=child_environment(),
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                assert (done.stdout, done.stderr) == ("None\n", "")
            assert ask_app(str(place), "rules", {}, login=None)["rows"]
        database.close()


def test_nonsense_at_the_door_disturbs_nobody(url, held):
    for line in (b"", b"\n", b"{}\n", b"[]\n", b'{"do": 1}\n', b"x" * 100_000 + b"\n", b"\xff\xfe\n", b'"\n'):
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(f"{url}.sock")
            with suppress(BrokenPipeError, ConnectionResetError):  # it need not hear the end of it
                door.sendall(line)
                door.shutdown(socket.SHUT_WR)
                assert door.recv(1000) == b""
    assert ask_app(url, "rules", {}, login=None)["rows"]


def test_a_folder_as_deep_as_folders_go_has_a_door_too(embedded_url, tmp_path):
    folder = tmp_path / ("深" * 60)
    folder.mkdir()
    place = folder / "crm.duckdb"
    Path(embedded_url).rename(place)
    database = store.connect(str(place))
    with open_door(database):
        assert ask_app(str(place), "rules", {}, login=None)["rows"]
    database.close()
    assert not place.with_name("crm.duckdb.sock").exists()


def test_the_app_itself_answers_until_it_stops_or_is_killed(crm, url, tmp_path):
    with running_app(url) as app:
        served = crm("rank", "--month", "2026-05", "--db", url, "--format", "json")
        assert crm("backup", str(tmp_path / "copy"), "--db", url).code == 0
        assert _token_opens_nothing(app)
    assert not Path(f"{url}.sock").exists()
    assert crm("rank", "--month", "2026-05", "--db", url, "--format", "json").out == served.out
    with running_app(url) as app:
        process = int(Path(f"{url}.lock").read_text())
        os.kill(process, signal.SIGSTOP)
        os.kill(process, signal.SIGKILL)
        while Client(app) and _runs(process):
            time.sleep(0.05)
        assert Path(f"{url}.sock").exists(), "a killed app leaves it behind"
        assert crm("rank", "--month", "2026-05", "--db", url, "--format", "json").out == served.out
    database = store.connect(url)  # somebody who holds the file and has no door
    assert str(os.getpid()) in crm("rank", "--month", "2026-05", "--db", url).sentence
    assert str(os.getpid()) in crm("backup", str(tmp_path / "other"), "--db", url).sentence
    database.close()


def _token_opens_nothing(app: App) -> bool:
    """The door is not to be found over the network."""
    return Client(app).request("POST", "/api/v1/backup", body=b"{}").status == 405


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False
