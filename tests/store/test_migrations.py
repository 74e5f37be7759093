"""The schema: every file once, none by half, nothing newer."""

import signal
import subprocess
import sys

import duckdb
import psycopg
import pytest

from crm import store
from crm.errors import DatabaseUnusable, Refused
from crm.store import migrations
from crm.store.engine import open_database
from tests.probes import NOW, child_environment, dump, insert_enterprise, run_process

GOOD = "create table extra (id bigint primary key, name text not null);\ninsert into extra values (1, 'x');\n"
LATE = (
    "create table extra (id bigint primary key);\ninsert into extra values (1), (2);\ninsert into extra values (1);\n"
)


@pytest.fixture
def with_file(monkeypatch):
    """Ship one more schema file after the real ones."""
    shipped = migrations.schema_files()

    def add(text):
        number = shipped[-1][0] + 1
        monkeypatch.setattr(migrations, "schema_files", lambda: [*shipped, (number, f"{number:04d}_extra.sql", text)])
        return number

    return add


def tables(db):
    return [row[0] for row in db.rows("select table_name from information_schema.tables where table_name = 'extra'")]


def test_every_shipped_file_is_applied_once_and_noted(db):
    shipped = migrations.schema_files()
    assert [number for number, _name, _text in shipped] == list(range(1, len(shipped) + 1))
    noted = db.rows("select number, name from schema_version order by number")
    assert noted == [(number, name) for number, name, _text in shipped]
    before = dump(db)
    assert migrations.migrate(db, now=NOW) == []
    assert dump(db) == before


def test_a_new_file_is_applied_to_a_database_in_use_and_keeps_its_data(db, with_file):
    insert_enterprise(db, "甲公司")
    before = dump(db)
    number = with_file(GOOD)
    assert migrations.migrate(db, now=NOW) == [f"{number:04d}_extra.sql"]
    after = dump(db)
    assert after.pop("extra") == [(1, "x")]
    assert after.pop("schema_version") == [*before.pop("schema_version"), (number, f"{number:04d}_extra.sql", NOW)]
    assert after == before
    assert db.columns("extra") == ("id", "name")
    assert migrations.migrate(db, now=NOW) == []


def test_a_migration_that_fails_leaves_nothing_and_is_applied_when_mended(db, with_file):
    db.columns("audit")
    before = dump(db)
    with_file(LATE)
    with pytest.raises((duckdb.Error, psycopg.Error)):
        migrations.migrate(db, now=NOW)
    assert tables(db) == []
    assert dump(db) == before
    number = with_file(GOOD)
    assert migrations.migrate(db, now=NOW) == [f"{number:04d}_extra.sql"]
    assert db.rows("select * from extra") == [(1, "x")]


# A child that migrates and kills itself once the file's statements have run, before the commit.
KILLED = """
import os, signal, sys
from crm import store
from crm.store import migrations
from crm.store.engine import open_database
from tests.probes import NOW
files = migrations.schema_files()
migrations.schema_files = lambda: [*files, (files[-1][0] + 1, "extra.sql", sys.argv[2])]
database = open_database(sys.argv[1])
run = database.run_script
def run_and_die(session, sql):
    run(session, sql)
    if "extra" in sql:
        assert session.rows("select count(*) from extra") == [(1,)]
        print("ran", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
database.run_script = run_and_die
migrations.migrate(database, now=NOW)
"""


def test_a_migration_that_is_killed_leaves_nothing_and_resumes(database_url, with_file):
    db = open_database(database_url)
    before = dump(db)
    db.close()
    child = subprocess.run(
        [sys.executable, "-c", KILLED, database_url, GOOD],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (child.returncode, child.stdout) == (-signal.SIGKILL, "ran\n"), child.stderr
    db = open_database(database_url)
    assert tables(db) == []
    assert dump(db) == before
    with_file(GOOD)
    assert migrations.migrate(db, now=NOW) != []
    assert db.rows("select * from extra") == [(1, "x")]
    db.close()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(database_url):
    db = open_database(database_url)
    newest = migrations.schema_files()[-1][0]
    with db.transaction() as session:
        session.execute(
            "insert into schema_version (number, name, applied_at) values ($1, 'from-the-future.sql', $2)",
            [newest + 1, NOW],
        )
    before = dump(db)
    db.close()
    with pytest.raises(DatabaseUnusable, match="newer|更新"):
        store.connect(database_url)
    assert run_process("migrate", "--db", database_url, CRM_LANGUAGE="en").sentence == (
        "The database was made by a newer version of this program: update the program and try again."
    )
    db = open_database(database_url)
    assert dump(db) == before
    db.close()


def test_a_database_without_a_bureau_is_refused_by_name_of_the_command_that_makes_one(engine_url):
    if not store.is_server_url(engine_url):
        duckdb.connect(engine_url).close()
    with pytest.raises(Refused, match="crm init"):
        store.connect(engine_url)


def test_server_only_lines_run_on_the_server_and_on_no_other(db):
    if db.is_server:
        found = db.rows("select indexname from pg_indexes where tablename = 'enterprise' order by 1")
        assert ("enterprise_search",) in found
    else:
        assert db.rows("select index_name from duckdb_indexes()") == []
