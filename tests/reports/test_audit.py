"""The audit trail to read: filters, pages, changes in words, nothing personal, and the chain proved."""

import ast
import csv
import json
from datetime import timedelta

import pytest

from crm import store
from crm.actions.accounts import add_account
from crm.actions.change_sets import ChangeKind
from crm.actions.rule_sets import save_rule_set
from crm.errors import Denied, Refused
from crm.exchange import audit_trail
from crm.exchange.audit_trail import export_audit
from crm.model import Role
from crm.reports.audit import (
    PAGE_SIZE,
    AuditFilter,
    audit_entries,
    count_audit,
    describe,
    each_entry,
    known_actors,
    verify_chain,
)
from crm.reports.audit_words import ACTIONS, FIELDS, INTERNAL, SUBJECTS
from tests.conftest import ROOT
from tests.probes import NOW, SYSTEM, dump, insert, insert_enterprise, person, unit_ids

AUDITOR = person("auditor", Role.AUDITOR)
HOUR = timedelta(hours=1)


def shanghai(moment):
    return moment + 8 * HOUR


def write(db, *, actor="test", now=NOW, **changes):
    """Change an enterprise's fields as somebody at a time."""
    with store.transaction(db, actor=actor, now=now) as work:
        found = work.find("enterprise", name="企业甲")
        work.update("enterprise", found["id"], found["version"], changes)
        return found["id"]


def newest(db, **filters):
    return audit_entries(db, AUDITOR, AuditFilter(**filters))


def words(db, entry):
    return [(change.label, change.before, change.after) for change in describe(db, [entry], local=shanghai)[entry.id]]


def test_entries_come_newest_first_page_by_page(db):
    insert_enterprise(db, "企业甲")
    for n in range(PAGE_SIZE + 10):
        write(db, owner_person=f"第{n}人")
    filters = AuditFilter(subject="enterprise", action="update")
    assert count_audit(db, AUDITOR, filters) == PAGE_SIZE + 10
    first, second = (audit_entries(db, AUDITOR, filters, page=page) for page in (1, 2))
    assert [entry.after["owner_person"] for entry in first] == [f"第{n}人" for n in range(PAGE_SIZE + 9, 9, -1)]
    assert [entry.after["owner_person"] for entry in second] == [f"第{n}人" for n in range(9, -1, -1)]
    assert list(each_entry(db, AUDITOR, filters, batch=7)) == first + second


def test_each_filter_narrows_and_they_narrow_together(db):
    enterprise = insert_enterprise(db, "企业甲")
    write(db, actor="zhangsan", now=NOW + HOUR, grade="A")
    write(db, actor="lisi", now=NOW + 2 * HOUR, grade="B")
    insert(db, "unit_alias", unit_id=unit_ids(db)["吉首"], name="别名")
    mine = [entry.after for entry in newest(db, actor="zhangsan")]
    assert mine == [{"grade": "A"}]
    assert [e.actor for e in newest(db, subject="enterprise", subject_id=enterprise)] == ["lisi", "zhangsan", "test"]
    later = newest(db, since=NOW + HOUR, subject="enterprise")
    assert [e.actor for e in later] == ["lisi", "zhangsan"]
    # The end is not included.
    between = newest(db, since=NOW + HOUR, until=NOW + 2 * HOUR)
    assert [e.actor for e in between] == ["zhangsan"]
    assert newest(db, actor="zhangsan", subject="unit_alias") == []
    assert [e.subject for e in newest(db, subject_id=enterprise, action="create")] == ["enterprise"]


def test_a_change_is_said_by_field_in_words(db):
    units = unit_ids(db)
    enterprise = insert_enterprise(db, "企业甲", owner_unit_id=units["吉首"], intended_amount=12_000_000)
    industry = db.value("select id from industry where code = 'tea'")
    write(db, owner_unit_id=units["凤凰"], intended_amount=None, archived_at=NOW)
    assert words(db, newest(db, subject="enterprise")[0]) == [
        ("停用时间", "", "2026-06-30 16:00:00"),
        ("意向投资额", "12,000,000.00 元", ""),
        ("责任单位", "吉首市", "凤凰县"),
    ]
    insert(db, "enterprise_segment", enterprise_id=enterprise, industry_id=industry, role="fill")
    assert words(db, newest(db)[0]) == [
        ("企业", "", f"企业 #{enterprise}"),
        ("重点产业", "", "茶叶"),
        ("补链类型", "", "补链"),
    ]
    account, _code = add_account(
        db, SYSTEM, login="qianqi", name="钱七", roles=["taskforce", "leader"], industry_ids=[industry], now=NOW
    )
    entry = newest(db)[0]
    said = {label: after for label, _before, after in words(db, entry)}
    assert (said["角色"], said["重点产业"], said["开通码"]) == ("产业专班、领导", "茶叶", "•••")
    write(db, actor="qianqi", note="改")
    assert (newest(db)[0].actor, newest(db)[0].actor_name) == ("qianqi", "钱七")
    assert known_actors(db, AUDITOR) == {"qianqi": "钱七"}
    insert(db, "target", unit_id=units["吉首"], year=2026, measure="startup", value=80)
    assert ("指标", "", "开工率") in words(db, newest(db)[0])


def test_nothing_personal_is_shown_nor_exported(db, tmp_path):
    enterprise = insert_enterprise(db, "企业甲", note="可打 13812345678 找王总", name_key="企业甲")
    insert(
        db,
        "contact_person",
        enterprise_id=enterprise,
        name="王总",
        phone="13987654321",
        wechat="wangzong66",
        email="wang@example.com",
    )
    with store.transaction(db, actor="zhangsan", now=NOW) as work:
        work.record_change("reveal", "contact_person", 1, None, None, "回电 13812345678")
    entries = newest(db, since=NOW)
    changes = [change for found in describe(db, entries, local=shanghai).values() for change in found]
    shown = " ".join([entry.note for entry in entries] + [f"{change.before} {change.after}" for change in changes])
    path = tmp_path / "audit.csv"
    export_audit(db, AUDITOR, AuditFilter(since=NOW), path, local=shanghai, now=NOW)
    for secret in ("13812345678", "13987654321", "wangzong66", "wang@example.com"):
        assert secret not in shown
        assert secret not in path.read_text("utf-8-sig")
    assert "139****4321" in shown
    assert "138****5678" in shown


def test_the_export_holds_the_filter_line_by_line_and_is_audited(db, tmp_path):
    insert_enterprise(db, "企业甲", main_business="=1+1")
    write(db, actor="zhangsan", grade="A", source="推介会")
    path, filters = tmp_path / "audit.csv", AuditFilter(subject="enterprise", actor="zhangsan")
    assert export_audit(db, AUDITOR, filters, path, local=shanghai, now=NOW) == 1
    entry = newest(db, actor="zhangsan")[0]
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    common = [str(entry.id), "2026-06-30 16:00:00", "zhangsan", "", "修改", "企业", str(entry.subject_id)]
    assert rows[1:] == [
        [*common, "等级", "", "A", ""],
        [*common, "线索来源", "", "推介会", ""],
    ]
    audited = newest(db)[0]
    assert (audited.actor, audited.action, audited.subject, audited.after) == (
        "auditor",
        "export",
        "audit",
        {"actor": "zhangsan", "records": 1, "subject": "enterprise"},
    )
    export_audit(db, AUDITOR, AuditFilter(), path, local=shanghai, now=NOW)
    text = path.read_text("utf-8-sig")
    assert "'=1+1" in text
    # The first export is there, this one is not.
    assert len({line.partition(",")[0] for line in text.splitlines() if "导出" in line}) == 1


def test_too_much_at_once_is_refused_before_anything_is_written(db, tmp_path, monkeypatch):
    monkeypatch.setattr(audit_trail, "MOST_ENTRIES", 3)
    before = dump(db)
    with pytest.raises(Refused):
        export_audit(db, AUDITOR, AuditFilter(), tmp_path / "audit.csv", local=shanghai, now=NOW)
    assert (dump(db), list(tmp_path.iterdir())) == (before, [])


def test_a_whole_chain_is_said_to_be_whole_and_a_break_is_named(db):
    insert_enterprise(db, "企业甲")
    told = []
    state = verify_chain(db, AUDITOR, told.append)
    assert (state.entries, state.broken_at, told[-1]) == (db.value("select count(*) from audit"), None, 1)
    entry = newest(db)[0].id
    with db.transaction() as session:
        session.execute("update audit set note = '改过' where id = $1", [entry])
    broken = verify_chain(db, AUDITOR)
    assert (broken.broken_at, str(broken.kind)) == (entry, "有记录被改动")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_only_the_auditor_reads_it(db, role, tmp_path):
    other = person("x", role, unit_id=1)
    insert_enterprise(db, "企业甲")
    for attempt in (
        lambda: audit_entries(db, other, AuditFilter()),
        lambda: count_audit(db, other, AuditFilter()),
        lambda: list(each_entry(db, other, AuditFilter())),
        lambda: known_actors(db, other),
        lambda: verify_chain(db, other),
        lambda: export_audit(db, other, AuditFilter(), tmp_path / "a.csv", local=shanghai, now=NOW),
    ):
        with pytest.raises(Denied):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_every_audited_table_and_column_has_its_word(embedded_db):
    # Logs and closed figures: the entry of their batch, set or month tells of them.
    unaudited = {
        "schema_version",
        "audit",
        "audit_head",
        "import_row",
        "change_line",
        "month_row",
        "month_fact",
        "month_bulletin",
    }
    tables = {
        row[0]
        for row in embedded_db.rows("select table_name from information_schema.tables where table_type = 'BASE TABLE'")
    } - unaudited
    assert sorted(tables - set(SUBJECTS)) == []
    stamps = {"id", "version", "created_at", "created_by", "updated_at", "updated_by", "archived_at"}
    columns = {column for table in tables for column in embedded_db.columns(table)} - stamps
    assert sorted(columns - set(FIELDS) - INTERNAL) == []


def actions_in_code():
    """Every action that a write of the code names."""
    for part in ("actions", "exchange", "demo"):
        for path in (ROOT / "crm" / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    named = [keyword.value for keyword in node.keywords if keyword.arg == "action"]
                    named += node.args[:1] if getattr(node.func, "attr", "") == "record_change" else []
                    found = [n.value for value in named for n in ast.walk(value) if isinstance(n, ast.Constant)]
                    yield from (word for word in found if isinstance(word, str))


def test_every_action_has_its_word():
    found = {*actions_in_code(), *map(str, ChangeKind)}
    assert {"export", "move_stage", "merge"} <= found
    assert sorted(found - set(ACTIONS)) == []


def test_an_old_entry_of_another_shape_is_still_shown(db):
    with store.transaction(db, actor="test", now=NOW) as work:
        work.record_change("strange", "thing", 7, {"strangeness": ["red"]}, {"strangeness": {"n": 1}}, None)
    entry = newest(db)[0]
    assert words(db, entry) == [("strangeness", '["red"]', '{"n": 1}')]
    assert json.loads(db.value("select after from audit where id = $1", [entry.id])) == {"strangeness": {"n": 1}}


def test_a_saved_rule_set_is_found_by_its_subject(db):
    save_rule_set(db, person("admin", Role.ADMIN), {"rounding": "truncate"}, now=NOW)
    entry = newest(db, subject="rule_set", actor="admin")[0]
    said = {label: after for label, _before, after in words(db, entry)}
    assert (said["名称"], said["版本"]) == ("default", "2")
