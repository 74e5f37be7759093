"""The doors of a database: locked, missing, damaged, closed to writing; and the lock-down of the embedded engine."""

import os
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crm import store
from crm.errors import DatabaseBusy, DatabaseUnusable, Refused
from crm.store import Params
from tests.probes import NOW, child_environment, dump, insert_enterprise, run_process

# -------------------------------------------------------------------------------------------------- one owner of a file


def test_a_second_process_is_told_in_one_sentence_who_has_the_file(embedded_url):
    db = store.connect(embedded_url)
    for words in (["rank", "--month", "2026-05"], ["rules", "list"], ["migrate"]):
        assert run_process(*words, "--db", embedded_url).sentence == (
            f"数据库 {embedded_url} 正被进程 {os.getpid()} 占用（多半是正在运行的系统）："
            "请在系统里操作，或停止系统后再运行命令。"
        )
    insert_enterprise(db, "照常工作")
    db.close()
    assert run_process("migrate", "--db", embedded_url).code == 0


def test_the_same_process_is_told_too(embedded_db):
    with pytest.raises(DatabaseBusy):
        store.connect(embedded_db.url)


def test_a_file_that_a_foreign_program_holds_is_said_to_be_in_use(embedded_url):
    """Somebody who opened the file without our lock beside it."""
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({embedded_url!r}); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    sentence = run_process("migrate", "--db", embedded_url, CRM_LANGUAGE="en").sentence
    holder.communicate("\n")
    assert "in use by" in sentence
    assert run_process("migrate", "--db", embedded_url).code == 0


def test_a_lock_left_by_a_killed_process_does_not_stand_in_the_way(embedded_url):
    Path(embedded_url + ".lock").write_text("4194304")
    assert run_process("migrate", "--db", embedded_url).code == 0


# ------------------------------------------------------------------------------------------------------------ bad files


def test_a_missing_database_is_named_and_not_made(tmp_path):
    path = tmp_path / "none.duckdb"
    done = run_process("rank", "--month", "2026-05", "--db", str(path), CRM_LANGUAGE="en")
    assert done.sentence == f"There is no database at {path}. Make one with “crm init”, or name another with --db."
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_a_database(tmp_path):
    done = run_process("rank", "--month", "2026-05", "--db", str(tmp_path), CRM_LANGUAGE="en")
    assert done.sentence == f"There is no database at {tmp_path}. Make one with “crm init”, or name another with --db."
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    done = run_process("init", "--db", str(tmp_path / "no" / "a.duckdb"), CRM_LANGUAGE="en")
    assert done.sentence == f"The folder {tmp_path / 'no'} does not exist. Make it first."


DAMAGE = {
    "text": lambda content: "企业名称,统一社会信用代码\n".encode() * 500,
    "empty": lambda content: b"",
    "cut to half": lambda content: content[: len(content) // 2],
    "cut within the header": lambda content: content[:5000],
    "zeros in the middle": lambda content: content[:12288] + bytes(len(content) - 12288),
    "one byte of a header turned": lambda content: content[:4100] + bytes([content[4100] ^ 255]) + content[4101:],
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("folder", ["plain", "block-lock"])
def test_a_damaged_file_is_refused_in_one_sentence_and_left_as_it_is(embedded_url, tmp_path, damage, folder):
    """The second folder's name holds the word by which a driver's message would be taken for a locked file."""
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "a.duckdb"
    content = DAMAGE[damage](Path(embedded_url).read_bytes())
    path.write_bytes(content)
    with pytest.raises(DatabaseUnusable) as refused, closing(store.connect(str(path))) as opened:
        dump(opened)
    assert refused.value.message.msgid.startswith("The database file {path} cannot be opened: it is damaged")
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", ["text", "cut to half", "zeros in the middle"])
def test_the_command_line_refuses_a_damaged_file_without_a_trace(embedded_url, tmp_path, damage):
    path = tmp_path / "a.duckdb"
    path.write_bytes(DAMAGE[damage](Path(embedded_url).read_bytes()))
    done = run_process("rank", "--month", "2026-05", "--db", str(path), CRM_LANGUAGE="en")
    assert done.sentence == (
        f"The database file {path} cannot be opened: it is damaged, not a database or not readable."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_folder_is_refused_in_one_sentence(embedded_url):
    folder = Path(embedded_url).parent
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        done = run_process("rules", "list", "--db", embedded_url, CRM_LANGUAGE="en")
    finally:
        folder.chmod(stat.S_IRWXU)
    assert done.sentence == f"The folder {folder} cannot be written to. Check that it exists and its permissions."


@pytest.mark.server_engine
@pytest.mark.parametrize("url", ["postgresql://crm@127.0.0.1:1/none", "postgresql://crm@127.0.0.1:port/none"])
def test_a_server_that_does_not_answer_is_refused_in_one_sentence(url):
    done = run_process("rules", "list", "--db", url, CRM_LANGUAGE="en")
    assert done.sentence == (
        "The database server cannot be reached: check the address, the password and that it is running."
    )


# --------------------------------------------------------------------------------------------------------------- create


def test_create_refuses_a_database_that_exists_and_changes_nothing(database_url):
    db = store.connect(database_url)
    insert_enterprise(db, "甲公司")
    before = dump(db)
    db.close()
    with pytest.raises(Refused):
        store.create(database_url)
    assert "未做任何改动" in run_process("init", "--db", database_url).sentence
    db = store.connect(database_url)
    assert dump(db) == before
    db.close()


def test_create_makes_a_whole_database_and_leaves_nothing_beside_it(embedded_engine):
    url = embedded_engine.empty()
    done = run_process("init", "--db", url)
    assert done.code == 0
    assert sorted(path.name for path in Path(url).parent.iterdir()) == ["crm.duckdb", "crm.duckdb.lock"]
    db = store.connect(url)
    assert db.rows("select kind, count(*) from unit group by kind order by kind")[:2] == [("bureau", 1), ("county", 8)]
    assert db.value("select count(*) from industry") == 10
    assert store.verify_audit(db) == []
    db.close()


KILLED = """
import os, signal, sys
from crm import store
import crm.store
real = crm.store.mark_created
def die(work, now):
    real(work, now=now)
    os.kill(os.getpid(), signal.SIGKILL)
crm.store.mark_created = die
store.create(sys.argv[1])
"""


def test_a_create_that_was_killed_does_not_stand_in_the_way(engine_url):
    child = subprocess.run(
        [sys.executable, "-c", KILLED, engine_url], env=child_environment(), capture_output=True, timeout=60
    )
    assert child.returncode == -9, child.stderr
    with pytest.raises((DatabaseUnusable, Refused)):
        store.connect(engine_url)
    if not store.is_server_url(engine_url):
        assert Path(engine_url + ".new").exists()
    store.create(engine_url).close()
    db = store.connect(engine_url)
    assert db.value("select count(*) from unit") == len(store.reference_rows("units"))
    assert store.verify_audit(db) == []
    db.close()


def test_create_removes_its_own_leftovers_only(embedded_engine):
    url = embedded_engine.empty()
    for ending in (".new", ".new.wal", ".new.lock"):
        Path(url + ending).write_text("left by a killed create")
    for ending in (".newest", ".new-backup", ".new.xlsx"):
        Path(url + ending).write_text("somebody's own")
    store.create(url).close()
    assert sorted(path.name for path in Path(url).parent.iterdir()) == [
        "crm.duckdb",
        "crm.duckdb.lock",
        "crm.duckdb.new-backup",
        "crm.duckdb.new.xlsx",
        "crm.duckdb.newest",
    ]


# ------------------------------------------------------------------------------------------------------------ lock-down


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{outside}/out.csv'",
        "copy enterprise to '{outside}/out.parquet'",
        "export database '{outside}/all'",
        "select * from '{outside}/secret.csv'",
        "select * from read_csv('{outside}/secret.csv')",
        "select * from read_text('/etc/passwd')",
        "select * from read_text('{inside}/../secret.csv')",
        "select * from glob('/etc/*')",
        "attach '{outside}/other.duckdb' as other",
        "install httpfs",
        "load httpfs",
        "install '{outside}/secret.csv'",
        "select * from read_text('https://example.org/')",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "set lock_configuration = false",
        "reset lock_configuration",
        "set memory_limit = '1TB'",
        "set autoinstall_known_extensions = true",
        "set python_enable_replacements = true",
        "pragma enable_logging",
        "select * from frame_in_the_callers_scope",
    ],
)
def test_the_embedded_engine_reaches_nothing_outside_its_folder(embedded_db, tmp_path, statement):
    """What this cannot protect: files in the database's own folder, the database itself among them."""
    frame_in_the_callers_scope = pd.DataFrame({"a": [1]})
    assert len(frame_in_the_callers_scope) == 1
    inside = Path(embedded_db.url).parent
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (inside.parent / "secret.csv").write_text("a\n1\n")
    files = sorted(tmp_path.rglob("*"))
    with pytest.raises(duckdb.Error), embedded_db.reading() as session:
        session.rows(statement.format(outside=tmp_path, inside=inside))
    assert sorted(tmp_path.rglob("*")) == files


def test_without_the_lock_down_the_engine_would_reach_outside(tmp_path):
    """The statements above are refused by the lock-down, not because they could never work."""
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with duckdb.connect(str(tmp_path / "open.duckdb")) as connection:
        assert connection.execute(f"select * from read_csv('{tmp_path}/secret.csv')").fetchall() == [(1,)]
        connection.execute(f"copy (select 1) to '{tmp_path}/out.csv'")
        connection.execute("set lock_configuration = false")
    assert (tmp_path / "out.csv").exists()


# ------------------------------------------------------------------------------------------- one behaviour, two engines


def test_both_engines_give_the_same_values_types_and_order(db):
    with store.transaction(db, actor="x", now=NOW) as work:
        for name, amount, founded in (
            ("b", Decimal("0.10"), None),
            ("a", None, date(2024, 2, 29)),
            ("c", Decimal("-3"), None),
        ):
            work.insert(
                "enterprise",
                {"name": name, "name_key": name, "search_text": name, "intended_amount": amount, "founded_on": founded},
            )
    found = db.records(
        "select name, intended_amount, founded_on, created_at, 7 / 2 as whole, sum(intended_amount) over () as total,"
        " cast(count(*) over () as integer) as n from enterprise order by intended_amount desc"
    )
    assert found == [
        {
            "name": name,
            "intended_amount": amount,
            "founded_on": founded,
            "created_at": datetime(2026, 6, 30, 8, 0),  # noqa: DTZ001
            "whole": 3,
            "total": Decimal("-2.90"),
            "n": 3,
        }
        for name, amount, founded in (
            ("a", None, date(2024, 2, 29)),
            ("b", Decimal("0.10"), None),
            ("c", Decimal(-3), None),
        )
    ]
    assert [type(value) for value in found[1].values()] == [str, Decimal, type(None), datetime, int, Decimal, int]


def test_a_frame_has_floats_and_timestamps_on_both_engines(db):
    frame = db.frame(
        "select cast(1.5 as decimal(18, 2)) as amount, cast('2026-03-05' as date) as day,"
        " cast('2026-03-05 01:02:03' as timestamp) as moment, 'x' as word"
    )
    assert frame.to_dict("records") == [
        {
            "amount": 1.5,
            "day": pd.Timestamp("2026-03-05"),
            "moment": pd.Timestamp("2026-03-05 01:02:03"),
            "word": "x",
        }
    ]
    assert [kind.kind for kind in frame.dtypes[:3]] == ["f", "M", "M"]


def test_the_clock_of_the_database_is_utc(db):
    moment = db.value("select cast(cast('2026-03-05 12:00:00+08' as timestamptz) as timestamp)")
    assert moment.isoformat() == "2026-03-05T04:00:00"


def test_params_number_their_marks(db):
    params = Params()
    sql = f"select {params.add('a')} || {params.add('b')} || {params.add('a')}"
    assert sql == "select $1 || $2 || $3"
    assert db.value(sql.replace("$1", "cast($1 as text)"), params) == "aba"


def test_writers_queue_and_do_not_mix(db):
    """A count read inside a transaction is still true when the transaction writes it."""

    def write():
        for _n in range(5):
            with store.transaction(db, actor="x", now=NOW) as work:
                count = work.value("select count(*) from unit_alias where name like 'n%'")
                time.sleep(0.001)
                work.insert("unit_alias", {"unit_id": 1, "name": f"n{count}"})

    threads = [threading.Thread(target=write) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [row[0] for row in db.rows("select name from unit_alias where name like 'n%'")]
    assert sorted(names) == sorted(f"n{n}" for n in range(40))
