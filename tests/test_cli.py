"""The command line: every command against a real database, its JSON, its refusals, and its documentation."""

import csv
import http.client
import io
import json
import re
import signal
import socket
import subprocess
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import click
import pytest

from crm import store
from crm.cli import cli
from crm.metrics import RATES
from crm.store import migrations
from tests.bureaus import project, put, rule_settings
from tests.conftest import ROOT
from tests.probes import Commands, child_environment, crm_command, dump, insert_enterprise, run_process, unit_ids

RATE_KEYS = {
    slug: {"n", "d", "rate"}
    for slug in ("signing", "performance", "startup", "registration", "completion", "production", "funds")
}


@pytest.fixture
def crm(capsys, monkeypatch):
    return Commands(capsys, monkeypatch)


@pytest.fixture
def url(embedded_url):
    """A small bureau with projects of two units."""
    db = store.connect(embedded_url)
    signed = {"negotiating_on": date(2026, 2, 1), "signed_on": date(2026, 3, 5), "contracted_amount": Decimal(200)}
    put(
        db,
        [
            project("吉首", **signed, started_on=date(2026, 4, 1), arrivals=[(date(2026, 4, 2), Decimal("50.50"))]),
            project("吉首", **signed, planned_investment=Decimal("12345.67")),
            project("凤凰", **signed),
        ],
        unit_ids=unit_ids(db),
    )
    db.close()
    return embedded_url


@pytest.fixture
def with_people(crm, url):
    """Accounts of a staff member and of people without business data."""
    for login, role, more in (
        ("zhangsan", "staff", ["--unit", "吉首"]),
        ("zhaoliu", "dispatcher", []),
        ("boss", "admin", []),
        ("shen", "auditor", []),
    ):
        assert crm("--db", url, "user", "add", login, "--name", login, "--role", role, *more).code == 0
    return url


def shape(value):
    """The keys of a JSON document, and the kinds of its values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


# ---------------------------------------------------------------------------------------------------------------- shape


def test_a_ranking_in_json_has_the_keys_and_kinds_of_the_contract(crm, url):
    document = json.loads(crm("rank", "--month", "2026-05", "--db", url, "--format", "json").out)
    rows = document.pop("rows")
    assert document == {
        "month": "2026-05",
        "as_of": "2026-05-31",
        "rules": {"name": "default", "version": 1},
        "basis": "count",
    }
    assert [set(row) for row in rows] == [
        {"unit", "code", "group", "rank", "previous_rank", "score", "adjustment", "rates"}
    ] * 9
    assert all({slug: set(pair) for slug, pair in row["rates"].items()} == RATE_KEYS for row in rows)
    first = rows[0]
    assert {**first, "rates": {slug: first["rates"][slug] for slug in ("startup", "funds")}} == {
        "unit": "吉首市",
        "code": "433101",
        "group": "county",
        "rank": 1,
        "previous_rank": 1,
        "score": 65.0,
        "adjustment": 0,
        "rates": {"startup": {"n": 1, "d": 2, "rate": 0.5}, "funds": {"n": 50.5, "d": 400, "rate": 0.12625}},
    }
    nobody = rows[-1]
    assert (nobody["unit"], nobody["rank"], nobody["score"]) == ("湘西高新区", None, None)
    assert nobody["rates"]["signing"] == {"n": 0, "d": 0, "rate": None}


def test_a_ranking_by_amount_is_in_yuan(crm, url):
    rank = crm(
        "rank", "--month", "2026-05", "--db", url, "--format", "json", "--basis", "amount", "--as-of", "2026-04-15"
    )
    document = json.loads(rank.out)
    assert (document["basis"], document["as_of"]) == ("amount", "2026-04-15")
    assert document["rows"][0]["rates"]["startup"] == {"n": 0, "d": 12345.67, "rate": 0.0}


def test_a_series_in_json_has_one_row_a_month_and_unit_or_industry(crm, url):
    words = ["rates", "--from", "2026-04", "--to", "2026-05", "--db", url, "--format", "json"]
    document = json.loads(crm(*words).out)
    rows = document.pop("rows")
    assert document == {
        "from": "2026-04",
        "to": "2026-05",
        "by": "unit",
        "rules": {"name": "default", "version": 1},
        "basis": "count",
    }
    assert [set(row) for row in rows] == [{"month", "as_of", "unit", "code", "rates"}] * 18
    assert all({slug: set(pair) for slug, pair in row["rates"].items()} == RATE_KEYS for row in rows)
    by_industry = json.loads(crm(*words, "--by", "industry").out)["rows"]
    assert [set(row) for row in by_industry] == [{"month", "as_of", "industry", "code", "rates"}] * 20


def test_facts_in_json_name_each_project_with_its_verdict(crm, url):
    words = ["facts", "--month", "2026-05", "--unit", "吉首", "--metric", "startup", "--db", url, "--format", "json"]
    document = json.loads(crm(*words).out)
    rows = document.pop("rows")
    assert {key: document[key] for key in ("month", "as_of", "rules", "unit", "code", "metric", "n", "d")} == {
        "month": "2026-05",
        "as_of": "2026-05-31",
        "rules": {"name": "default", "version": 1},
        "unit": "吉首市",
        "code": "433101",
        "metric": "startup",
        "n": 1,
        "d": 2,
    }
    assert (document["basis"], document["hidden"]) == ("count", 0)
    assert [(row["project"], row["in_n"], row["in_d"], row["why"]) for row in rows] == [
        ("T-00000", True, True, "counted"),
        ("T-00001", False, True, "not_started"),
    ]


@pytest.mark.parametrize("basis", ["count", "amount"])
@pytest.mark.parametrize("slug", RATES)
def test_facts_explain_the_very_number_of_the_ranking(crm, url, slug, basis):
    words = ["--month", "2026-05", "--basis", basis, "--db", url, "--format", "json"]
    pair = json.loads(crm("rank", *words).out)["rows"][0]["rates"][slug]
    facts = json.loads(crm("facts", "--unit", "吉首", "--metric", slug, *words).out)
    assert (facts["n"], facts["d"], facts["basis"]) == (pair["n"], pair["d"], basis)


def test_rules_are_listed_shown_and_loaded(crm, url, tmp_path):
    listed = json.loads(crm("rules", "list", "--db", url, "--format", "json").out)
    assert shape(listed) == [{"name": "str", "version": "int", "note": "str", "created_at": "str", "created_by": "str"}]
    assert json.loads(crm("rules", "show", "default", "--db", url).out) == rule_settings()
    changed = rule_settings(withdrawn="drop", note="新口径")
    (tmp_path / "rules.json").write_text("\ufeff" + json.dumps(changed), "utf-8")
    loaded = crm("rules", "load", str(tmp_path / "rules.json"), "--db", url, "--format", "json")
    assert json.loads(loaded.out) == {"name": "default", "version": 2}
    assert json.loads(crm("rules", "show", "default", "--db", url).out) == changed
    assert json.loads(crm("rules", "show", "default", "--version", "1", "--db", url).out) == rule_settings()
    assert json.loads(crm("rank", "--month", "2026-05", "--db", url, "--format", "json").out)["rules"]["version"] == 2


def test_a_rule_set_shows_one_setting_a_row_where_a_table_is_asked_for(crm, url):
    whole = crm("rules", "show", "default", "--db", url, "--format", "json").out
    assert crm("rules", "show", "default", "--db", url).out == whole
    rows = list(csv.DictReader(io.StringIO(crm("rules", "show", "default", "--db", url, "--format", "csv").out)))
    shown = {row["path"]: row["value"] for row in rows}
    assert list(rows[0]) == ["path", "value"]
    assert (shown["score.weights.startup"], shown["groups"], shown["window.base_date"]) == ("40", "county, park", "")
    table = crm("rules", "show", "default", "--db", url, "--format", "table").out
    assert re.search(r"^window\.mode +year_to_date", table, re.MULTILINE)


def test_csv_without_a_row_has_its_headings(crm, embedded_url):
    for words, heading in (
        (["check"], "code,severity,subject,id,unit,message"),
        (["user", "list"], "login,name,unit,roles,last_sign_in_at,disabled_at"),
        (["audit", "verify"], "entry,problem"),
        (["facts", "--month", "2026-05", "--unit", "吉首", "--metric", "signing"], "project,name,enterprise,in_n,"),
    ):
        out = crm(*words, "--db", embedded_url, "--format", "csv").out
        assert out.startswith(heading)
        assert out.count("\n") == 1


def test_what_is_done_is_an_object_for_programs_and_a_sentence_for_people(crm, url, tmp_path):
    def said(*words, db=url):
        document = json.loads(crm(*words, "--db", db, "--format", "json").out)
        assert isinstance(document, dict)
        return document

    new, copy = str(tmp_path / "new.duckdb"), str(tmp_path / "copy")
    assert set(said("init", db=new)) == {"database", "setup_code"}
    assert said("migrate", db=new) == {"database": new, "schema": len(migrations.schema_files())}
    assert set(said("backup", copy)) == {"folder", "tables"}
    restored = str(tmp_path / "restored.duckdb")
    assert said("restore", copy, db=restored) == {"database": restored, "folder": copy}
    assert said("close", "2026-05")["month"] == "2026-05"
    sheet = str(tmp_path / "b.xlsx")
    assert said("bulletin", "2026-05", "-o", sheet) == {"month": "2026-05", "file": sheet, "draft": False}
    assert said("reopen", "2026-05", "--reason", "漏报") == {"month": "2026-05", "reopened": True}
    assert said("template", "projects", "-o", sheet) == {"kind": "projects", "file": sheet}
    assert said("export", "projects", "-o", sheet) == {"kind": "projects", "rows": 3, "file": sheet}
    assert set(said("user", "add", "zhangsan", "--name", "张三", "--role", "leader")) == {"login", "code"}
    assert set(said("user", "reset", "zhangsan")) == {"login", "code"}
    assert said("user", "disable", "zhangsan") == {"login": "zhangsan", "disabled": True}
    verified = said("audit", "verify")
    assert (verified["broken_at"], verified["problems"]) == (None, [])
    line = crm("user", "add", "lisi", "--name", "李四", "--role", "leader", "--db", url, "--format", "csv").out
    assert re.fullmatch(r"login,code\nlisi,[A-Z0-9-]{24}\n", line)


def test_a_broken_audit_trail_says_where(crm, url):
    whole = json.loads(crm("audit", "verify", "--db", url, "--format", "json").out)
    db = store.connect(url)
    entry = db.value("select min(id) from audit")
    with db.transaction() as session:
        session.execute("update audit set actor = 'nobody' where id = $1", [entry])
    db.close()
    done = crm("audit", "verify", "--db", url, "--format", "json")
    assert (done.code, json.loads(done.out)) == (
        1,
        {"entries": whole["entries"], "broken_at": entry, "problems": [{"entry": entry, "problem": "content"}]},
    )
    assert crm("audit", "verify", "--db", url).out.split() == ["entry", "problem", str(entry), "content"]


@pytest.mark.parametrize(
    "terminal",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}],
    ids=lambda environment: " ".join(f"{name}={value}" for name, value in environment.items()),
)
def test_no_command_fails_because_of_the_terminals_encoding(url, terminal):
    environment = {**child_environment(), **terminal}
    for output in ("table", "json", "csv"):
        words = [*crm_command(), "rank", "--month", "2026-05", "--db", url, "--format", output]
        done = subprocess.run(words, env=environment, capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        assert ("吉首市" in done.stdout.decode("utf-8", "replace")) is ("latin-1" not in terminal.values())
    refused = [*crm_command(), "rank", "--month", "2026-05", "--rules", "none", "--db", url]
    done = subprocess.run(refused, env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)


IMPORT_KEYS = ["batch", "rows", "new", "updated", "unchanged", "rejected", "warnings", "rejects", "report"]


def test_an_import_in_json_has_the_keys_of_the_contract_and_can_be_taken_back(crm, url, tmp_path):
    sheet = tmp_path / "企业.csv"
    sheet.write_text("企业名称,责任单位\n湖南甲企业,吉首市\n湖南乙企业,火星\n", "utf-8")
    before = _dump(url)
    dry = json.loads(crm("import", "enterprises", str(sheet), "--dry-run", "--db", url, "--format", "json").out)
    assert _dump(url) == before
    done = crm("import", "enterprises", str(sheet), "--db", url, "--format", "json")
    document = json.loads(done.out)
    assert (done.code, list(document), list(dry)) == (0, IMPORT_KEYS, IMPORT_KEYS)
    numbers = {"rows": 2, "new": 1, "updated": 0, "unchanged": 0, "rejected": 1}
    assert {key: document[key] for key in numbers} == {key: dry[key] for key in numbers} == numbers
    assert dry["batch"] is None
    assert [{**r, "reason": bool(r["reason"])} for r in document["rejects"]] == [
        {"row": 3, "column": "责任单位", "value": "火星", "reason": True}
    ]
    assert Path(document["report"]).exists()
    assert crm("import", "revert", str(document["batch"]), "--db", url).code == 0
    after = _dump(url)
    assert after["enterprise"] == before["enterprise"]
    assert crm("import", "revert", str(document["batch"]), "--db", url).code == 1


def test_an_import_stands_where_its_report_cannot_be_written(crm, url, tmp_path):
    sheet = tmp_path / "企业.csv"
    sheet.write_text("企业名称,责任单位\n湖南甲企业,吉首市\n湖南乙企业,火星\n", "utf-8")
    words = ["import", "enterprises", str(sheet), "--report", str(tmp_path / "nowhere" / "r.csv"), "--db", url]
    done = crm(*words, "--format", "json")
    document = json.loads(done.out)
    assert (done.code, document["new"], document["rejected"], document["report"]) == (0, 1, 1, None)
    assert done.err == "处理结果不受影响，但附原因的原表没有写出：无法写入文件“r.csv”，请检查文件夹和磁盘空间。\n"
    again = json.loads(crm(*words, "--format", "json").out)
    assert (again["new"], again["unchanged"]) == (0, 1)


def test_a_dry_run_leaves_a_file_in_the_place_of_its_report_alone(crm, url, tmp_path):
    sheet, mine = tmp_path / "企业.csv", tmp_path / "企业-原因.csv"
    sheet.write_text("企业名称,责任单位\n湖南甲企业,吉首市\n", "utf-8")
    mine.write_text("珍贵", "utf-8")
    for more in (["--dry-run"], []):
        done = crm("import", "enterprises", str(sheet), *more, "--db", url, "--format", "json")
        assert json.loads(done.out)["report"] == str(tmp_path / "企业-原因-2.csv")
    assert mine.read_text("utf-8") == "珍贵"


@pytest.mark.parametrize("option", [["--dry-run"], ["--strict"], ["--sheet", "a"], ["--report", "r.csv"]])
def test_a_batch_is_taken_back_without_other_options(crm, url, tmp_path, option):
    sheet = tmp_path / "企业.csv"
    sheet.write_text("企业名称\n湖南甲企业\n", "utf-8")
    batch = json.loads(crm("import", "enterprises", str(sheet), "--db", url, "--format", "json").out)["batch"]
    before = _dump(url)
    assert crm("import", "revert", str(batch), *option, "--db", url).code == 2
    assert _dump(url) == before


def test_a_strict_import_with_a_bad_row_is_refused_whole(crm, url, tmp_path):
    sheet = tmp_path / "企业.csv"
    sheet.write_text("企业名称,责任单位\n湖南甲企业,吉首市\n湖南乙企业,火星\n", "utf-8")
    before = _dump(url)
    done = crm("import", "enterprises", str(sheet), "--strict", "--db", url)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "1 行" in done.err
    assert _dump(url) == before


def _dump(url):
    db = store.connect(url)
    try:
        return dump(db)
    finally:
        db.close()


# ------------------------------------------------------------------------------------------------------ every command


def commands(group=cli, path=()):
    """Every command as (words, command)."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_command_does_its_work_on_a_real_database(crm, tmp_path):
    """One bureau from its first day; the words that run are compared with the list of commands at the end."""
    url, ran = str(tmp_path / "a.duckdb"), []

    def run(*words, code=0):
        ran.append(words)
        done = crm(*words, environment={"CRM_DATABASE": url})
        assert done.code == code, (words, done)
        return done

    assert re.search(r"：[A-Z0-9]{4}(-[A-Z0-9]{4}){4}$", run("init").out, re.MULTILINE)
    demo = json.loads(
        run(
            "demo", "--seed", "3", "--until", "2026-05", "--accounts", str(tmp_path / "who.txt"), "--format", "json"
        ).out
    )
    assert demo
    assert len((tmp_path / "who.txt").read_text("utf-8").splitlines()) >= 7
    run("migrate")
    run("template", "projects", "-o", str(tmp_path / "t.xlsx"))
    run("export", "projects", "-o", str(tmp_path / "p.csv"), "--unit", "吉首")
    dates = ("--from", "2026-01-01", "--to", "2026-05-31")
    run("export", "followups", "-o", str(tmp_path / "f.xlsx"), *dates, "--filter", "unit=吉首")
    again = json.loads(run("import", "projects", str(tmp_path / "p.csv"), "--format", "json").out)
    assert (again["rejected"], again["new"], again["updated"]) == (0, 0, 0)
    assert again["unchanged"] == again["rows"] > 0
    assert len(run("rank", "--month", "2026-05").out.splitlines()) == 11
    assert len(list(csv.DictReader(io.StringIO(run("rank", "--month", "2026-05", "--format", "csv").out)))) == 9
    assert (
        len(
            list(
                csv.DictReader(io.StringIO(run("rates", "--from", "2026-01", "--to", "2026-02", "--format", "csv").out))
            )
        )
        == 18
    )
    run("facts", "--month", "2026-05", "--unit", "龙山县", "--metric", "funds")
    closed = json.loads(run("close", "2026-05", "--format", "json").out)
    assert (closed["month"], closed["as_of"], closed["blocking_findings"]) == ("2026-05", "2026-05-31", 0)
    assert closed["projects"] > 0
    run("close", "2026-05", code=1)
    for ending, begin in (("docx", b"PK"), ("pdf", b"%PDF"), ("xlsx", b"PK")):
        assert run("bulletin", "2026-05", "-o", str(tmp_path / f"b.{ending}")).err == ""
        assert (tmp_path / f"b.{ending}").read_bytes().startswith(begin)
    assert "crm close 2026-06" in run("bulletin", "2026-06", "-o", str(tmp_path / "draft.xlsx")).err
    run("reopen", "2026-05", "--reason", "漏报一个项目")
    assert json.loads(run("close", "2026-05", "--format", "json").out) == closed
    run("rules", "list")
    (tmp_path / "r.json").write_text(run("rules", "show", "default").out, "utf-8")
    run("rules", "load", str(tmp_path / "r.json"))
    found = json.loads(run("check", "--format", "json").out)
    assert [f for f in found if f["severity"] == "blocking"] == []
    of_month = json.loads(run("check", "--month", "2026-05", "--format", "json").out)
    assert {f["code"] for f in of_month} - {f["code"] for f in found} >= {"no_progress", "overdue_start"}
    run("audit", "verify")
    run("user", "add", "zhangsan", "--name", "张三", "--role", "staff", "--unit", "吉首")
    assert "zhangsan" in run("user", "list").out
    run("user", "reset", "zhangsan")
    run("user", "disable", "zhangsan")
    run("audit", "verify")
    kept = json.loads(run("backup", str(tmp_path / "copy"), "--format", "json").out)
    assert kept["folder"] == str(tmp_path / "copy")
    assert {"table": "project", "rows": 1000} in kept["tables"]
    run("restore", str(tmp_path / "copy"), "--db", str(tmp_path / "b.duckdb"))
    run("audit", "verify", "--db", str(tmp_path / "b.duckdb"))
    tried = {path for path, _command in commands() if any(words[: len(path)] == path for words in ran)}
    assert {path for path, _command in commands()} - tried == {("serve",)}


def test_serve_answers_on_its_port_and_stops(url):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*crm_command(), "serve", "--port", str(port), "--db", url],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline, status = time.monotonic() + 60, None
        while status is None and time.monotonic() < deadline and server.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/healthz")
                status = connection.getresponse().status
            except OSError:
                time.sleep(0.2)
            finally:
                connection.close()
        assert status == 200
        # While it serves, the file is its own: see test_local for what it does for the command line.
        assert f"进程 {server.pid} " in run_process("migrate", "--db", url).sentence
    finally:
        server.send_signal(signal.SIGINT)
        out, _err = server.communicate(timeout=30)
    assert f"http://127.0.0.1:{port}" in out
    assert len(out.splitlines()) < 5, "nothing is said to have leaked"


# ------------------------------------------------------------------------------------------------------------- refusals


def test_the_database_is_named_before_or_after_the_command_or_by_the_environment(crm, url, tmp_path):
    expected = crm("rules", "list", "--db", url).out
    assert "default" in expected
    elsewhere = {"CRM_DATABASE": str(tmp_path / "none.duckdb")}
    for words, environment in (
        (["--db", url, "rules", "list"], {}),
        (["rules", "--db", url, "list"], elsewhere),
        (["rules", "list", f"--db={url}"], elsewhere),
        (["rules", "list"], {"CRM_DATABASE": url}),
    ):
        assert crm(*words, environment=environment).out == expected
    assert crm("rules", "list", environment=elsewhere).code == 1
    none = crm("rules", "list")
    assert (none.code, none.out) == (1, "")
    assert "CRM_DATABASE" in none.err


REFUSED = [
    (["facts", "--month", "2026-05", "--unit", "火星", "--metric", "startup"], "火星"),
    (["facts", "--month", "2026-05", "--unit", "吉首", "--metric", "speed"], "speed"),
    (["rank", "--month", "2026-05", "--rules", "nope"], "nope"),
    (["rank", "--month", "2026-05", "--group", "village"], "village"),
    (["rates", "--from", "2026-05", "--to", "2026-04"], "2026-04"),
    (["rates", "--from", "1900-01", "--to", "2999-12"], "240"),
    (["close", "2999-01"], "2999-01"),
    (["reopen", "2026-05", "--reason", "x"], "2026-05"),
    (["bulletin", "2026-05", "-o", "/tmp/bulletin.txt"], "bulletin.txt"),  # noqa: S108  # never written
    (["bulletin", "2026-05", "-o", "/nowhere/bulletin.xlsx"], "bulletin.xlsx"),
    (["rules", "show", "nope"], "nope"),
    (["rules", "show", "default", "--version", "9"], "default"),
    (["rules", "load", "/nowhere/r.json"], "/nowhere/r.json"),
    (["rules", "load", "/"], "/"),
    (["import", "projects", "/nowhere/p.xlsx"], "p.xlsx"),
    (["import", "revert", "999999999"], ""),
    (["user", "disable", "nobody"], ""),
    (["user", "add", "x", "--name", "X", "--role", "staff", "--unit", "火星"], "火星"),
    (["export", "projects", "-o", "/nowhere/p.csv"], ""),
    (["export", "projects", "-o", "/nowhere/p.pdf"], ""),
    (["export", "projects", "-o", "/nowhere/p.csv", "--filter", "colour=red"], "colour"),
    (["export", "projects", "-o", "/nowhere/p.csv", "--unit", "火星"], "火星"),
    (["export", "followups", "-o", "/nowhere/p.csv", "--filter", "unit=火星"], "火星"),
    (["export", "enterprises", "-o", "/nowhere/p.csv", "--industry", "火星"], "火星"),
    (["export", "opportunities", "-o", "/nowhere/p.csv", "--industry", "火星"], "火星"),
    (["rank", "--month", "2026-05", "--as", "nobody"], "nobody"),
    (["init"], ""),
]


@pytest.mark.parametrize(("words", "named"), REFUSED, ids=[" ".join(words) for words, _named in REFUSED])
def test_what_cannot_be_done_is_refused_in_one_sentence_with_exit_code_1(crm, url, words, named):
    before = _dump(url)
    done = crm(*words, "--db", url)
    assert named in done.sentence
    assert re.search("[\u4e00-\u9fff]", done.err), "Chinese by default"
    after = _dump(url)
    if words[0] in ("export", "bulletin"):  # that somebody asked for an export is recorded before the file is written
        for table in ("audit", "audit_head"):
            after[table] = before[table]
    assert after == before


USAGE = [
    [],
    ["rank"],
    ["rank", "--month", "2026-13"],
    ["rank", "--month", "May"],
    ["rank", "--month", "2026-05", "--as-of", "2026-02-30"],
    ["rank", "--month", "2026-05", "--basis", "weight"],
    ["rank", "--month", "2026-05", "--format", "xml"],
    ["rank", "--month", "2026-05", "--colour"],
    ["rates", "--from", "2026-05"],
    ["facts", "--month", "2026-05"],
    ["conquer"],
    ["rules"],
    ["rules", "burn"],
    ["import", "planets", "f.xlsx"],
    ["import", "revert", "x"],
    ["export", "projects"],
    ["export", "projects", "-o", "a.csv", "--filter", "colour"],
    ["template", "planets", "-o", "a.xlsx"],
    ["user", "add", "x", "--name", "X", "--role", "king"],
    ["demo", "--scale", "0"],
    ["serve", "--port", "70000"],
]


@pytest.mark.parametrize("words", USAGE, ids=[" ".join(words) or "nothing" for words in USAGE])
def test_wrong_usage_has_exit_code_2_and_changes_nothing(crm, url, words):
    before = _dump(url)
    done = crm(*words, "--db", url)
    assert done.code == 2
    assert done.err.strip()
    assert _dump(url) == before


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"name": "x", "score": {"weights": {"speed": 1}}}', "score.weights.speed"),
        ('{"name": "x", "window": {"mode": "weekly"}}', "window.mode"),
        ('{"name": "x", "startup": {"grace_months": -1}}', "startup.grace_months"),
        ('{"name": "x", "groups": ["village"]}', "groups[0]"),
        ('{"name": "x", "colour": "red"}', "colour"),
        ('{"name": "x", "threshold_wan": NaN}', "threshold_wan"),
        ('{"name": "x", "threshold_wan": 1e400}', "threshold_wan"),
        ('{"name": "\\ud800"}', "name"),
        ('{"name": "a\\nb"}', "name"),
        ('{"name": "a\\u202eb"}', "name"),
        ('{"name": "x", "note": "a", "note": "b"}', "note"),
        ('{"name": "x", "score": {"weights": {"signing": 1, "startup": 2, "signing": 1}}}', "score.weights.signing"),
        ('{"name": "x", "window": {"mode": "rolling_12"}, "window": {}}', "window"),
        ("[]", "$"),
        ("not json", "r.json"),
        ("", "r.json"),
        ('{"threshold_wan": ' + "1" * 5000 + "}", "r.json"),
        ("[" * 100_000, "r.json"),
        ("\udcff", "r.json"),
    ],
    ids=lambda value: value[:40].encode("ascii", "replace").decode() or "empty",
)
def test_a_bad_rule_set_is_refused_naming_the_path_of_the_bad_key(crm, url, tmp_path, text, path):
    (tmp_path / "r.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    before = _dump(url)
    assert path in crm("rules", "load", str(tmp_path / "r.json"), "--db", url).sentence
    assert _dump(url) == before


def test_dates_at_the_end_of_time_are_answered(crm, url):
    for day in ("9999-12-31", "0001-01-01"):
        assert crm("rank", "--month", "2026-05", "--as-of", day, "--db", url).code == 0
    for month in ("1900-01", "2999-12"):
        assert crm("rank", "--month", month, "--db", url).code == 0


def test_messages_are_english_on_request(crm, url):
    words = ["facts", "--month", "2026-05", "--unit", "Mars", "--metric", "startup", "--db", url]
    english = crm(*words, environment={"CRM_LANGUAGE": "en"}).sentence
    assert english.startswith("There is no unit “Mars”. The units are: ")
    assert crm(*words).sentence.startswith("没有单位")
    assert crm(*words, environment={"CRM_LANGUAGE": "tlh"}).sentence.startswith("没有单位")


def test_a_reader_that_goes_away_leaves_no_trace(url):
    line = " ".join([*crm_command(), "rank", "--month", "2026-05", "--db", url, "--format", "json"])
    done = subprocess.run(
        ["bash", "-c", f"{line} | true; exit ${{PIPESTATUS[0]}}"],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, 1)  # whether the pipe was closed before or after the last word
    assert done.stderr == ""


# ---------------------------------------------------------------------------------------------------------------- scope


def test_an_account_narrows_facts_and_exports_to_its_rights(crm, with_people, tmp_path):
    url = with_people
    for login, unit, codes in (
        ("zhangsan", "吉首", ["T-00000", "T-00001"]),
        ("zhangsan", "凤凰", []),
        ("zhaoliu", "凤凰", ["T-00002"]),
        (None, "凤凰", ["T-00002"]),
    ):
        words = ["facts", "--month", "2026-05", "--unit", unit, "--metric", "signing", "--db", url, "--format", "json"]
        done = crm(*words, *(["--as", login] if login else []))
        assert [row["project"] for row in json.loads(done.out)["rows"]] == codes
    for login, codes in (("zhangsan", ["T-00000", "T-00001"]), ("zhaoliu", ["T-00000", "T-00001", "T-00002"])):
        path = tmp_path / f"{login}.csv"
        assert crm("export", "projects", "-o", str(path), "--as", login, "--db", url).code == 0
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert sorted(row["项目编号"] for row in csv.DictReader(file)) == codes


DENIED = [
    ("boss", ["export", "projects", "-o", "OUT"]),
    ("shen", ["export", "projects", "-o", "OUT"]),
    ("shen", ["import", "projects", "IN"]),
    ("zhangsan", ["rules", "load", "RULES"]),
    ("zhangsan", ["user", "list"]),
    ("zhangsan", ["user", "add", "x", "--name", "X", "--role", "admin"]),
    ("zhangsan", ["user", "disable", "boss"]),
    ("zhangsan", ["user", "reset", "boss"]),
    ("zhangsan", ["audit", "verify"]),
    ("zhangsan", ["check"]),
    ("boss", ["check"]),
    ("zhaoliu", ["rules", "load", "RULES"]),
]


@pytest.mark.parametrize(("login", "words"), DENIED, ids=[f"{who} {' '.join(words)}" for who, words in DENIED])
def test_an_account_cannot_do_by_command_what_its_role_may_not(crm, with_people, tmp_path, login, words):
    (tmp_path / "r.json").write_text('{"name": "mine"}')
    (tmp_path / "p.csv").write_text("项目名称,投资企业,责任单位\n甲,乙,吉首市\n", "utf-8")
    places = {"OUT": str(tmp_path / "o.csv"), "IN": str(tmp_path / "p.csv"), "RULES": str(tmp_path / "r.json")}
    before = _dump(with_people)
    done = crm(*(places.get(word, word) for word in words), "--as", login, "--db", with_people)
    assert "权限" in done.sentence
    assert _dump(with_people) == before
    assert not (tmp_path / "o.csv").exists()


def test_a_disabled_account_cannot_act(crm, with_people):
    assert crm("rank", "--month", "2026-05", "--as", "zhangsan", "--db", with_people).code == 0
    crm("user", "disable", "zhangsan", "--db", with_people)
    assert "zhangsan" in crm("rank", "--month", "2026-05", "--as", "zhangsan", "--db", with_people).sentence


def test_the_command_line_acts_as_the_systems_user_in_the_audit(crm, with_people):
    import getpass

    db = store.connect(with_people)
    insert_enterprise(db, "x")
    actors = {row[0] for row in db.rows("select distinct actor from audit where subject = 'account'")}
    db.close()
    assert actors == {f"system:{getpass.getuser()}"}


# -------------------------------------------------------------------------------------------------------- documentation


def test_every_command_and_option_has_help():
    for path, command in commands():
        assert command.help, path
        assert len(command.help.splitlines()[0]) > 10, path
    for group in (cli, *(c for c in cli.commands.values() if isinstance(c, click.Group))):
        assert group.help


def sections():
    """The sections of docs/cli.md, {command: text}."""
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    parts = re.split(r"^### `crm ([^`]+)`$", text, flags=re.MULTILINE)
    return parts[0], dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_with_its_options_and_an_example_is_documented():
    general, described = sections()
    by_command = {" ".join(w for w in heading.split() if w.islower()): text for heading, text in described.items()}
    assert set(by_command) == {" ".join(path) for path, _command in commands()}
    for path, command in commands():
        text = by_command[" ".join(path)]
        assert f"crm {' '.join(path)}" in text.split("```")[1], f"an example of {path}"
        named = set(re.findall(r"`(--?[a-z-]+)", text.split("```")[0])) - {"--format"}
        options = {opt for param in command.params if isinstance(param, click.Option) for opt in param.opts}
        assert named == options, path
    for option in cli.params:
        assert all(f"`{opt}" in general for opt in option.opts)
    assert all(f"`{slug}`" in by_command["facts"] for slug in RATES)


def test_the_examples_of_the_documentation_are_understood(crm):
    """Each example line parses: the command exists and knows its options."""
    _general, described = sections()
    lines = [
        line for text in described.values() for line in text.split("```")[1].splitlines() if line.startswith("crm ")
    ]
    assert len(lines) >= len(list(commands()))
    from crm.cli import _options_first

    for line in lines:
        words = _options_first(line.split(" > ")[0].split()[1:])
        context = cli.make_context("crm", words, resilient_parsing=False)
        group, rest = cli, [*context._protected_args, *context.args]
        while isinstance(group, click.Group):
            group, rest = group.commands[rest[0]], rest[1:]
        group.make_context("crm", rest, parent=context).close()
        context.close()
