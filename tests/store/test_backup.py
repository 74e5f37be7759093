"""A backup restores to equal tables on either engine; a damaged one is refused and leaves nothing."""

import importlib
import json
import random
from datetime import date

import pytest

from crm import store
from crm.errors import Refused
from tests.bureaus import NOW, put, random_project
from tests.probes import insert_enterprise, insert_project

TABLES = (
    "unit",
    "industry",
    "segment",
    "enterprise",
    "project",
    "project_unit",
    "agreement",
    "fund_arrival",
    "milestone",
)
TABLES += ("setting", "rule_set", "audit", "audit_head", "account", "follow_up", "import_row")


@pytest.fixture
def bureau(db):
    """A database with forty projects in it."""
    rng = random.Random(5)
    units = dict(db.rows("select name, id from unit"))
    put(db, [random_project(rng, ["吉首市", "泸溪县"], around=date(2026, 6, 30)) for _ in range(40)], unit_ids=units)
    return db


def dump(database):
    return {table: sorted(database.rows(f"select * from {table}"), key=repr) for table in TABLES}


@pytest.mark.parametrize("target", ["embedded", "server"])
def test_a_backup_restores_to_equal_tables_on_either_engine(bureau, target, request, tmp_path):
    counts = store.backup(bureau, tmp_path / "copy", now=NOW)
    assert counts["project"] == 40
    assert counts["follow_up"] == 0
    engine = request.getfixturevalue(f"{target}_engine")
    url = engine.empty()
    restored = store.restore(tmp_path / "copy", url)
    try:
        assert dump(restored) == dump(bureau)
        assert store.verify_audit(restored) == []
        with store.transaction(restored, actor="test", now=NOW) as work:
            new = work.insert("enterprise", {"name": "新", "name_key": "新", "search_text": "新"})
        assert new > max(bureau.value("select max(id) from audit"), bureau.value("select max(id) from project"))
        assert store.verify_audit(restored) == []
    finally:
        restored.close()
        engine.drop(url)


def test_the_app_goes_on_reading_and_a_backup_changes_nothing(bureau, tmp_path):
    before = dump(bureau)
    store.backup(bureau, tmp_path / "copy", now=NOW)
    assert dump(bureau) == before


def test_a_backup_is_of_one_moment_and_nobody_waits_for_it(bureau, monkeypatch, tmp_path):
    module = importlib.import_module("crm.store.backup")  # the package shows the function of that name
    before, write = dump(bureau), module._write

    def somebody_writes_meanwhile(session, table, folder):
        investor = insert_enterprise(bureau, f"投资方 {table}")
        insert_project(bureau, f"N-{table}", enterprise_id=investor, unit_id=1)
        return write(session, table, folder)

    monkeypatch.setattr(module, "_write", somebody_writes_meanwhile)
    store.backup(bureau, tmp_path / "copy", now=NOW)
    assert bureau.value("select count(*) from project where code like 'N-%'") > 20
    restored = store.restore(tmp_path / "copy", str(tmp_path / "new.duckdb"))
    assert dump(restored) == before
    assert store.verify_audit(restored) == []
    restored.close()


def test_an_existing_folder_is_not_written_to(bureau, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine.txt").write_text("keep")
    with pytest.raises(Refused):
        store.backup(bureau, tmp_path / "copy", now=NOW)
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("damage", ["bit", "missing", "manifest", "no manifest", "count", "newer"])
def test_a_damaged_backup_is_refused_and_nothing_is_made(bureau, tmp_path, damage):
    folder, target = tmp_path / "copy", tmp_path / "new.duckdb"
    store.backup(bureau, folder, now=NOW)
    manifest = folder / "manifest.json"
    content = json.loads(manifest.read_text())
    part = folder / next(iter(content["tables"]["project"]["files"]))
    if damage == "bit":
        data = bytearray(part.read_bytes())
        data[len(data) // 2] ^= 1
        part.write_bytes(data)
    elif damage == "missing":
        part.unlink()
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:-20])
    elif damage == "no manifest":
        manifest.unlink()
    else:
        if damage == "count":
            content["tables"]["project"]["rows"] += 1
        else:
            content["schema"] = 9999
        manifest.write_text(json.dumps(content))
    with pytest.raises(Refused):
        store.restore(folder, str(target))
    assert not target.exists()


def test_a_database_that_exists_is_not_restored_over(bureau, embedded_url, tmp_path):
    store.backup(bureau, tmp_path / "copy", now=NOW)
    opened = store.connect(embedded_url)
    before = dump(opened)
    opened.close()
    with pytest.raises(Refused):
        store.restore(tmp_path / "copy", embedded_url)
    opened = store.connect(embedded_url)
    assert dump(opened) == before
    opened.close()
