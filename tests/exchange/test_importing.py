"""Plan, commit, take back: one transaction, nothing half done, nothing of others touched."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from array import array
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from crm import store
from crm.actions.enterprises import change_enterprise
from crm.errors import Conflict, Denied, NotFound, Refused
from crm.exchange import KINDS, commit_import, plan_import, revert_import, write_report
from crm.exchange.columns import Kind, heading_key
from crm.exchange.judging import find_layout
from crm.exchange.reading import Cells, Sheet
from crm.exchange.reporting import report_path
from crm.exchange.values import unguard
from crm.locale import use_language
from crm.model import Actor, Role
from tests.exchange.sheets import (
    BASIC_PROJECT,
    NOW,
    SYSTEM,
    TODAY,
    Desk,
    counts,
    everything,
    said,
    warned,
    write_csv,
    write_xlsx,
)

ENTERPRISE = {"企业名称": "甲公司", "备注": "好"}

# One row of each kind, in an order in which each finds what it refers to, and a change of each.
STORY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "enterprises": (
        ENTERPRISE | {"重点产业": "茶叶", "联系人": "王五", "责任单位": "吉首市"},
        {"备注": "更好", "重点产业": "白酒"},
    ),
    "contacts": ({"企业名称": "甲公司", "姓名": "赵六", "联系电话": "1"}, {"联系电话": "2"}),
    "followups": (
        {"企业名称": "甲公司", "对接日期": "2026-01-05", "对接方式": "电话", "对接内容": "谈"},
        {"下次对接日期": "2026-08-01"},
    ),
    "opportunities": (
        {"项目名称": "园区", "重点产业": "茶叶", "责任单位": "吉首市"},
        {"用地(亩)": "12.5", "可研情况": "无"},
    ),
    "projects": (
        BASIC_PROJECT | {"线索日期": "2025-01-01", "计划开工日期": "2025-09-01"},
        {"签约日期": "2025-03-01", "协议编号": "X1"},
    ),
    "agreements": (
        {"项目编号": "P1", "协议编号": "X2", "协议类型": "合同", "签约日期": "2025-02-01"},
        {"合同引资额": "100", "签约日期": "2025-01-15"},
    ),
    "transfers": ({"项目编号": "P1", "起始日期": "2025-06-01", "责任单位": "泸溪县"}, {"责任单位": "凤凰县"}),
    "funds": (
        {"项目编号": "P1", "到位日期": "2025-05-01", "到位金额": "10", "凭证号": "V1"},
        {"到位日期": "2025-04-01"},
    ),
    "milestones": ({"项目编号": "P1", "节点": "开工", "实际日期": "2025-07-01"}, {"实际日期": "2025-08-01"}),
    "commitments": ({"项目编号": "P1", "承诺方": "企业", "条款": "投资强度"}, {"类型": "投资", "金额": "5"}),
    "targets": ({"年度": "2026", "责任单位": "吉首市", "指标": "签约额", "目标值": "50000"}, {"目标值": "6亿元"}),
    "adjustments": ({"月份": "2026-05", "责任单位": "吉首市", "分值": "-0.5", "原因": "迟报"}, {"分值": "1.25"}),
}


def tell(desk: Desk, *, until: str | None = None) -> None:
    """Import one row of each kind."""
    for kind, (row, _change) in STORY.items():
        if kind == until:
            return
        assert counts(desk.take(kind, row)).get("rejected", 0) == 0, kind


def test_the_story_has_every_kind() -> None:
    assert set(STORY) == set(KINDS)


def test_a_plan_writes_nothing(desk: Desk) -> None:
    before = everything(desk.db), desk.rows("select count(*) from audit"), desk.rows("select count(*) from import_row")
    plan = desk.plan("enterprises", [ENTERPRISE])
    assert plan.result().as_json() == {
        "batch": None,
        "rows": 1,
        "new": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "warnings": 0,
        "rejects": [],
        "report": None,
    }
    assert (
        everything(desk.db),
        desk.rows("select count(*) from audit"),
        desk.rows("select count(*) from import_row"),
    ) == before


def test_a_commit_says_what_it_did(desk: Desk) -> None:
    result = desk.take(
        "enterprises",
        ENTERPRISE,
        {"企业名称": "乙公司", "意向等级": "Z"},
        {"企业名称": "丙公司", "统一社会信用代码": "1"},
    )
    with use_language("zh_CN"):
        assert result.as_json() == {
            "batch": result.batch,
            "rows": 3,
            "new": 2,
            "updated": 0,
            "unchanged": 0,
            "rejected": 1,
            "warnings": 1,
            "rejects": [{"row": 3, "column": "意向等级", "value": "Z", "reason": "“Z”不在可选范围内：A、B、C。"}],
            "report": None,
        }
    assert json.loads(json.dumps(result.as_json())) == result.as_json()


def test_a_batch_leaves_its_lines_and_one_audit_entry(desk: Desk) -> None:
    desk.take("enterprises", ENTERPRISE)
    path = desk.file(
        "enterprises", [ENTERPRISE | {"备注": "更好"}, {"企业名称": "乙公司"}, ENTERPRISE, {"备注": "无主"}]
    )
    before = desk.db.value("select count(*) from audit")
    plan = plan_import(desk.db, SYSTEM, "enterprises", path, today=TODAY)
    result = commit_import(desk.db, SYSTEM, plan, now=NOW)
    batch = desk.record("import_batch", id=result.batch)
    kept = ("kind", "file_name", "row_count", "new_count", "updated_count", "unchanged_count", "rejected_count")
    assert [batch[name] for name in kept] == ["enterprises", path.name, 4, 1, 1, 0, 2]
    assert batch["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    lines = desk.db.records(
        "select row_number, action, subject, subject_version, before, after, reason from import_row where batch_id = $1"
        " order by row_number",
        [result.batch],
    )
    assert [tuple(line.values()) for line in lines] == [
        (2, "updated", "enterprise", 2, '{"note":"好"}', '{"note":"更好"}', None),
        (3, "new", "enterprise", 1, None, None, None),
        (4, "rejected", None, None, None, None, "企业名称：The row has the key of row 2."),
        (5, "rejected", None, None, None, None, "企业名称：企业名称 is required."),
    ]
    assert desk.db.value("select count(*) from audit") == before + 1
    entry = desk.db.records("select * from audit order by id desc limit 1")[0]
    assert (entry["action"], entry["subject"], entry["subject_id"]) == ("import", "import_batch", result.batch)
    after = json.loads(entry["after"])
    assert after.pop("rows_sha256")
    assert after.pop("file_sha256") == batch["file_sha256"]
    assert after == {name: batch[name] for name in after}
    assert store.verify_audit(desk.db) == []


def test_strict_takes_all_or_nothing(desk: Desk) -> None:
    plan = desk.plan("enterprises", [ENTERPRISE, {"企业名称": "乙公司", "意向等级": "Z"}])
    with pytest.raises(Refused) as refused:
        commit_import(desk.db, SYSTEM, plan, now=NOW, strict=True)
    assert str(refused.value) == "1 rows are rejected, and nothing was imported."
    assert desk.rows("select count(*) from enterprise") == [(0,)]


@pytest.mark.parametrize("kind", STORY)
def test_the_same_file_again_changes_nothing(desk: Desk, kind: str) -> None:
    tell(desk)
    before = everything(desk.db)
    row, _change = STORY[kind]
    plan = desk.plan(kind, [row])
    assert (plan.unchanged, plan.rejected) == (1, 0)
    commit_import(desk.db, SYSTEM, plan, now=NOW)
    assert everything(desk.db) == before


@pytest.mark.parametrize("kind", STORY)
def test_a_batch_that_made_records_goes_without_a_trace(desk: Desk, kind: str) -> None:
    tell(desk, until=kind)
    before = everything(desk.db, stamps=False)
    result = desk.take(kind, STORY[kind][0])
    assert everything(desk.db, stamps=False) != before
    assert result.batch is not None
    revert_import(desk.db, SYSTEM, result.batch, now=NOW)
    assert everything(desk.db, stamps=False) == before
    assert store.verify_audit(desk.db) == []


@pytest.mark.parametrize("kind", STORY)
def test_a_batch_that_changed_records_is_undone(desk: Desk, kind: str) -> None:
    tell(desk)
    before = everything(desk.db, stamps=False)
    row, change = STORY[kind]
    result = desk.take(kind, row | change)
    assert counts(result) | {"warnings": 0} == {"updated": 1, "warnings": 0}
    assert result.batch is not None
    assert everything(desk.db, stamps=False) != before
    revert_import(desk.db, SYSTEM, result.batch, now=NOW)
    assert everything(desk.db, stamps=False) == before


def test_a_batch_that_only_made_records_leaves_equal_tables(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "乙公司"})
    before = everything(desk.db)
    result = desk.take(
        "enterprises", *({"企业名称": f"公司{n}", "重点产业": "茶叶", "联系人": "王"} for n in range(50))
    )
    assert result.batch is not None
    assert revert_import(desk.db, SYSTEM, result.batch, now=NOW) == {"removed": 150, "restored": 0}
    assert everything(desk.db) == before


def test_a_batch_is_taken_back_once(desk: Desk) -> None:
    batch = desk.take("enterprises", ENTERPRISE).batch
    assert batch is not None
    revert_import(desk.db, SYSTEM, batch, now=NOW)
    record = desk.record("import_batch", id=batch)
    assert (record["reverted_at"], record["reverted_by"]) == (NOW, "system:tester")
    with pytest.raises(Refused) as refused:
        revert_import(desk.db, SYSTEM, batch, now=NOW)
    assert str(refused.value) == "The batch was already taken back on 2026-06-30."
    with pytest.raises(NotFound):
        revert_import(desk.db, SYSTEM, 1, now=NOW)


def test_records_changed_since_keep_a_batch(desk: Desk) -> None:
    batch = desk.take("enterprises", ENTERPRISE, {"企业名称": "乙公司"}).batch
    assert batch is not None
    record = desk.record("enterprise", name="甲公司")
    change_enterprise(desk.db, SYSTEM, record["id"], 1, {"note": "手改"}, now=NOW)
    before = everything(desk.db)
    with pytest.raises(Refused) as refused:
        revert_import(desk.db, SYSTEM, batch, now=NOW)
    assert str(refused.value) == (
        "The batch cannot be taken back: 1 records stand in the way, among them Enterprise “甲公司” (changed since)."
    )
    assert everything(desk.db) == before


def test_records_that_others_refer_to_keep_a_batch(desk: Desk) -> None:
    batch = desk.take("enterprises", ENTERPRISE).batch
    assert batch is not None
    later = desk.take("contacts", {"企业名称": "甲公司", "姓名": "王五"}).batch
    with pytest.raises(Refused) as refused:
        revert_import(desk.db, SYSTEM, batch, now=NOW)
    assert str(refused.value) == (
        "The batch cannot be taken back: 1 records stand in the way,"
        " among them Enterprise “甲公司” (referred to: Contact person)."
    )
    assert later is not None
    revert_import(desk.db, SYSTEM, later, now=NOW)
    revert_import(desk.db, SYSTEM, batch, now=NOW)
    assert desk.rows("select count(*) from enterprise") == [(0,)]


def test_a_refusal_to_take_back_is_one_sentence(desk: Desk) -> None:
    names = [f"公司{n}" for n in range(5)]
    batch = desk.take("enterprises", *({"企业名称": name} for name in names)).batch
    assert batch is not None
    desk.take("enterprises", *({"企业名称": name, "备注": "改"} for name in names))
    with use_language("zh_CN"), pytest.raises(Refused) as refused:
        revert_import(desk.db, SYSTEM, batch, now=NOW)
    with use_language("zh_CN"):
        assert str(refused.value) == (
            "该批次不能撤回：有 5 条记录妨碍撤回，包括企业 “公司0”（此后被修改过）、企业 “公司1”（此后被修改过）。"
        )


def test_a_batch_that_gave_a_project_an_investor_of_its_own_is_undone(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT)
    before = everything(desk.db, stamps=False)
    batch = desk.take("projects", BASIC_PROJECT | {"投资企业": "新公司"}).batch
    assert batch is not None
    assert len(everything(desk.db)["enterprise"]) == 2
    assert revert_import(desk.db, SYSTEM, batch, now=NOW) == {"removed": 1, "restored": 1}
    assert everything(desk.db, stamps=False) == before


def test_rows_are_judged_anew_where_the_database_moved(desk: Desk) -> None:
    plan = desk.plan("enterprises", [ENTERPRISE, {"企业名称": "乙公司"}])
    desk.take("enterprises", {"企业名称": "丙公司"})
    assert counts(commit_import(desk.db, SYSTEM, plan, now=NOW)) == {"new": 2}


def test_a_commit_refuses_where_a_row_would_now_do_something_else(desk: Desk) -> None:
    plan = desk.plan("enterprises", [ENTERPRISE, {"企业名称": "乙公司"}])
    desk.take("enterprises", {"企业名称": "乙公司"})
    with pytest.raises(Conflict) as conflict:
        commit_import(desk.db, SYSTEM, plan, now=NOW)
    assert str(conflict.value) == (
        "The database changed since the preview, and some rows would do something else: read it again."
    )
    assert desk.rows("select name from enterprise") == [("乙公司",)]


def test_a_plan_may_be_committed_after_a_failure(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = desk.plan("enterprises", [ENTERPRISE])
    with monkeypatch.context() as broken:
        broken.setattr(store.Transaction, "record_change", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commit_import(desk.db, SYSTEM, plan, now=NOW)
    assert desk.rows("select count(*) from enterprise") == [(0,)]
    assert desk.rows("select count(*) from import_row") == [(0,)]
    assert counts(commit_import(desk.db, SYSTEM, plan, now=NOW)) == {"new": 1}


KILLED = """
import sys
from datetime import date, datetime
from pathlib import Path
from crm import store
from crm.exchange import commit_import, plan_import
from crm.model import Actor
actor = Actor(login="system:tester")
db = store.connect(sys.argv[1])
plan = plan_import(db, actor, "enterprises", Path(sys.argv[2]), today=date(2026, 6, 30))
print("planned", flush=True)
commit_import(db, actor, plan, now=datetime(2026, 6, 30), progress=lambda share: print(share, flush=True))
print("committed", flush=True)
"""


@pytest.mark.parametrize("wait_for", ["planned", "0.", "0.4", "0.8"])
def test_killed_half_way_it_never_happened(database_url: str, tmp_path: Path, wait_for: str) -> None:
    path = write_csv(tmp_path / "many.csv", [{"企业名称": f"公司{n}", "重点产业": "茶叶"} for n in range(20_000)])
    child = subprocess.Popen([sys.executable, "-c", KILLED, database_url, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(wait_for):
            break
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    rest = child.stdout.read()
    child.stdout.close()
    db = store.connect(database_url)
    with db.transaction() as session:  # waits for the lock that the dead transaction may still hold
        found = session.rows("select (select count(*) from enterprise), (select count(*) from import_row)")[0]
    db.close()
    assert found == ((20_000, 40_000) if "committed" in rest else (0, 0))


# ------------------------------------------------------------------------------------------------------------ scope


def staff(desk: Desk, unit: str = "吉首市", *roles: Role) -> Actor:
    """Return somebody of a unit."""
    return Actor("staff", 1, "小李", desk.unit(unit), frozenset(roles or {Role.STAFF}))


def as_staff(desk: Desk) -> Desk:
    """Return a desk at which a person of 吉首市 sits."""
    folder = desk.folder / "staff"
    folder.mkdir()
    return Desk(desk.db, folder, staff(desk))


def test_staff_touch_their_own_units_records_only(desk: Desk) -> None:
    desk.take(
        "enterprises",
        {"企业名称": "己企", "责任单位": "吉首市"},
        {"企业名称": "他企", "责任单位": "泸溪县", "备注": "机密"},
        {"企业名称": "共企", "责任单位": "泸溪县"},
    )
    desk.take(
        "projects",
        BASIC_PROJECT | {"投资企业": "共企"},
        BASIC_PROJECT | {"项目编号": "P2", "责任单位": "泸溪县", "投资企业": "他企"},
    )
    before = everything(desk.db)
    own = as_staff(desk)
    held = "The enterprise is held by 泸溪县, outside your scope."
    nowhere = "There is no project “P2” that you may change."
    refused: dict[str, tuple[dict[str, Any], str, str]] = {
        "enterprises": ({"企业名称": "他企", "备注": "改"}, "企业名称", held),
        "contacts": ({"企业名称": "他企", "姓名": "王"}, "企业名称", held),
        "followups": (STORY["followups"][0] | {"企业名称": "他企"}, "企业名称", held),
        "projects": (BASIC_PROJECT | {"项目编号": "P2"}, "项目编号", nowhere),
        "agreements": (STORY["agreements"][0] | {"项目编号": "P2"}, "项目编号", nowhere),
        "funds": (STORY["funds"][0] | {"项目编号": "P2"}, "项目编号", nowhere),
        "milestones": (STORY["milestones"][0] | {"项目编号": "P2"}, "项目编号", nowhere),
        "commitments": (STORY["commitments"][0] | {"项目编号": "P2"}, "项目编号", nowhere),
        "opportunities": (
            STORY["opportunities"][0] | {"责任单位": "泸溪县"},
            "责任单位",
            "You may import for your own unit only.",
        ),
    }
    for kind, (row, column, sentence) in refused.items():
        result = own.take(kind, row)
        assert [(r[1], r[3]) for r in said(result)] == [(column, sentence)], kind
    assert everything(desk.db) == before
    for kind in ("transfers", "targets", "adjustments"):
        with pytest.raises(Denied):
            own.plan(kind, [STORY[kind][0]])
    # What is theirs, they may.
    assert counts(own.take("enterprises", {"企业名称": "己企", "备注": "改"}, {"企业名称": "共企", "备注": "改"})) == {
        "updated": 2
    }
    assert counts(own.take("funds", STORY["funds"][0])) == {"new": 1}


def test_what_staff_bring_belongs_to_their_unit(desk: Desk) -> None:
    own = as_staff(desk)
    result = own.take("enterprises", {"企业名称": "新企"}, {"企业名称": "外企", "责任单位": "泸溪县"})
    assert said(result) == [(3, "责任单位", "泸溪县", "You may import for your own unit only.")]
    own.take("followups", STORY["followups"][0] | {"企业名称": "新企"})
    assert desk.record("enterprise", name="新企")["owner_unit_id"] == desk.unit("吉首市")
    record = desk.record("follow_up")
    assert (record["unit_id"], record["author"], record["author_id"]) == (desk.unit("吉首市"), "小李", 1)
    assert said(own.take("enterprises", {"企业名称": "新企", "责任单位": "泸溪县"})) == [
        (2, "责任单位", "泸溪县", "Only the bureau hands an enterprise to another unit.")
    ]


def test_staff_cannot_claim_another_units_investor(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "他企", "责任单位": "泸溪县"})
    own = as_staff(desk)
    assert said(own.take("projects", BASIC_PROJECT | {"投资企业": "他企"})) == [
        (2, "投资企业", "他企", "The enterprise is held by 泸溪县, outside your scope.")
    ]
    assert counts(own.take("projects", BASIC_PROJECT)) == {"new": 1}


@pytest.mark.parametrize("role", [Role.LEADER, Role.TASKFORCE, Role.ADMIN, Role.AUDITOR])
def test_who_has_no_right_to_import_is_told_so(quick_desk: Desk, role: Role) -> None:
    actor = staff(quick_desk, "吉首市", role)
    path = quick_desk.file("enterprises", [ENTERPRISE])
    with pytest.raises(Denied):
        plan_import(quick_desk.db, actor, "enterprises", path, today=TODAY)
    plan = plan_import(quick_desk.db, SYSTEM, "enterprises", path, today=TODAY)
    with pytest.raises(Denied):
        commit_import(quick_desk.db, actor, plan, now=NOW)


def test_the_dispatcher_imports_for_every_unit(desk: Desk) -> None:
    bureau = Desk(desk.db, desk.folder, Actor("d", 2, "调度", desk.unit("州投资促进局"), frozenset({Role.DISPATCHER})))
    for kind, (row, _change) in STORY.items():
        assert counts(bureau.take(kind, row)).get("rejected", 0) == 0, kind


def test_a_batch_of_somebody_else_is_nowhere(desk: Desk) -> None:
    batch = desk.take("enterprises", ENTERPRISE).batch
    assert batch is not None
    with pytest.raises(NotFound):
        revert_import(desk.db, staff(desk), batch, now=NOW)
    own = as_staff(desk)
    mine = own.take("enterprises", {"企业名称": "新企"}).batch
    assert mine is not None
    assert revert_import(desk.db, own.actor, mine, now=NOW) == {"removed": 1, "restored": 0}


# --------------------------------------------------------------------------------------------- headings and reports


def test_headings_meet_in_any_width_with_spaces_breaks_brackets_and_stars(quick_desk: Desk) -> None:
    rows = [
        {"*企业 名称（必填）": "甲公司", "注册\n资金（亿元）": 2, " 地 区 ": "长沙", "Ｅ": "x", "序号": 1, "": "无题"}
    ]
    plan = plan_import(
        quick_desk.db, SYSTEM, "enterprises", write_xlsx(quick_desk.folder / "a.xlsx", rows), today=TODAY
    )
    assert plan.unknown_columns == ("Ｅ", "序号", "F")
    commit_import(quick_desk.db, SYSTEM, plan, now=NOW)
    record = quick_desk.record("enterprise", name="甲公司")
    assert (record["registered_capital"], record["origin_city"]) == (200_000_000, "长沙")


def headed(*headings: str) -> Sheet:
    """Return a sheet that consists of headings."""
    columns = [Cells([None, heading], array("I", [1])) for heading in headings]
    return Sheet("a.csv", "csv", "", None, 1, columns, {})


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_heading_and_synonym_is_known(kind: Kind) -> None:
    seen: set[str] = set()
    for column in kind.columns:
        for heading in (column.heading, *column.synonyms):
            assert heading_key(heading) not in seen, f"{heading} stands for two columns"
            seen.add(heading_key(heading))
            others = [other.title for other in kind.columns if other.required and other is not column]
            for form in (heading, f" {heading}（万元）", f"*{heading}\n"):
                layout = find_layout(headed(*others, form), kind)
                assert layout.columns[column.field] == (len(others), column, form.strip())
                assert layout.unknown == ()


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            {"名字": "甲", "备忘": "乙"},
            "The file has no row of headings: it needs at least 项目名称、投资企业、责任单位.",
        ),
        ({"项目名称": "甲", "项目编号": "1"}, "The file lacks the headings 投资企业、责任单位."),
        (
            BASIC_PROJECT | {"计划总投资(亿元)": "1", "计划总投资（万元）": "2"},
            "The heading “计划总投资（万元）” stands twice, in the columns E and F. Leave one of them out.",
        ),
        (
            BASIC_PROJECT | {"序号": "1", " 序 号 ": "2"},
            "The heading “序 号” stands twice, in the columns E and F. Leave one of them out.",
        ),
    ],
)
def test_a_file_without_its_headings_is_refused_whole(quick_desk: Desk, row: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        quick_desk.plan("projects", [row])
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("headings", "field", "read"),
    [
        (("手机", "联系电话"), "contact_phone", "联系电话"),
        (("经办人", "责任人"), "owner_person", "责任人"),
        (("注册日期", "成立时间"), "founded_on", "注册日期"),
        (("备选(一)", "备选(二)"), "note", None),
    ],
)
def test_of_two_names_for_one_field_its_own_is_read_and_the_other_reported(
    headings: tuple[str, str], field: str, read: str | None
) -> None:
    layout = find_layout(headed("企业名称", *headings), KINDS["enterprises"])
    assert (layout.columns[field][2] if read else None) == read
    assert layout.unknown == tuple(heading for heading in headings if heading != read)


def test_the_own_name_of_a_required_field_goes_before_its_synonym(quick_desk: Desk) -> None:
    plan = quick_desk.plan("enterprises", [{"单位名称": "乙", "企业名称": "甲公司"}])
    assert (plan.unknown_columns, plan.preview()[0].cells) == (("单位名称",), {"企业名称": "甲公司"})


def test_rows_of_blanks_are_no_rows(quick_desk: Desk) -> None:
    rows = [ENTERPRISE, {"企业名称": "　", "备注": " "}, {"企业名称": "\u00a0"}, {"企业名称": "乙公司"}]
    for ending in ("csv", "xlsx"):
        assert [row.number for row in quick_desk.plan("enterprises", rows, ending=ending).preview()] == [2, 5]


def test_another_sheet_is_proposed_where_the_first_lacks_the_headings(quick_desk: Desk) -> None:
    path = quick_desk.folder / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "封面"
    book.active.append(["台账"])
    book.create_sheet("企业").append(["企业名称"])
    book["企业"].append(["甲公司"])
    book.save(path)
    with pytest.raises(Refused) as refused:
        plan_import(quick_desk.db, SYSTEM, "enterprises", path, today=TODAY)
    assert str(refused.value) == (
        "The sheet “封面” lacks the headings 企业名称. The other sheets are 企业: name the one to import."
    )
    assert counts(plan_import(quick_desk.db, SYSTEM, "enterprises", path, sheet="企业", today=TODAY)) == {"new": 1}


def test_a_title_above_the_headings_is_stepped_over(quick_desk: Desk) -> None:
    path = quick_desk.folder / "a.csv"
    path.write_text("意向企业台账,,\n,,\n企业名称,意向等级,\n甲公司,A,\n\n乙公司,Z,\n", "utf-8")
    plan = plan_import(quick_desk.db, SYSTEM, "enterprises", path, today=TODAY)
    assert counts(plan) == {"new": 1, "rejected": 1}
    assert said(plan.result()) == [(6, "意向等级", "Z", "“Z” is not one of the choices: A、B、C.")]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_sheet_with_headings_only_has_no_rows(quick_desk: Desk, ending: str) -> None:
    assert counts(quick_desk.take("enterprises", {"企业名称": "", "备注": ""}, ending=ending)) == {}


def test_an_unknown_kind_is_refused(quick_desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        quick_desk.plan("companies", [ENTERPRISE])
    assert str(refused.value).startswith("There is no kind “companies”. The kinds are: enterprises, contacts,")


def test_unread_cells_reject_dates_and_amounts_and_blank_texts(quick_desk: Desk) -> None:
    path = quick_desk.folder / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["企业名称", "注册资本", "备注", "成立日期"])
    book.active.append(["甲公司", "=1+1", "x", None])
    book.active.append(["乙公司", 5, "=A1", None])
    book.active.append(["丙公司", 5, "x", "=TODAY()"])
    book.active.append(["=A2", 5, "x", None])
    book.save(path)
    plan = plan_import(quick_desk.db, SYSTEM, "enterprises", path, today=TODAY)
    sentence = "The formula has no stored result: open the workbook, let it calculate, and save it."
    assert said(plan.result()) == [
        (2, "注册资本", "=1+1", sentence),
        (4, "成立日期", "=TODAY()", sentence),
        (5, "企业名称", "=A2", "企业名称 is required."),
        (5, "企业名称", "=A2", sentence),
    ]
    assert warned(plan) == [(3, "备注", "=A1", sentence)]


def test_an_unread_key_rejects_its_row(quick_desk: Desk) -> None:
    path = write_xlsx(quick_desk.folder / "a.xlsx", [BASIC_PROJECT | {"项目编号": '="P"&1'}])
    plan = plan_import(quick_desk.db, SYSTEM, "projects", path, today=TODAY)
    assert said(plan.result()) == [
        (
            2,
            "项目编号",
            '="P"&1',
            "The formula has no stored result: open the workbook, let it calculate, and save it.",
        )
    ]
    error = quick_desk.plan("projects", [BASIC_PROJECT | {"项目编号": "#REF!"}])
    assert said(error.result()) == [(2, "项目编号", "#REF!", "The cell holds an error value of the spreadsheet.")]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_report_never_replaces_what_is_no_report(quick_desk: Desk, ending: str) -> None:
    plan = quick_desk.plan("enterprises", [ENTERPRISE], ending=ending)
    path = report_path(plan, quick_desk.folder)
    path.write_text("珍贵", "utf-8")
    second = path.with_name(f"enterprises-1-原因-2.{ending}")
    assert [write_report(plan, path), write_report(plan, path)] == [second, second]
    assert path.read_text("utf-8") == "珍贵"
    for other in ([{"企业名称": "甲公司", "联系人": "王"}], [{"企业名称": "甲公司"}]):
        content = (write_csv if ending == "csv" else write_xlsx)(path, other).read_bytes()
        assert write_report(plan, path) == second
        assert path.read_bytes() == content
    path.write_bytes(b"")
    assert [write_report(plan, path), write_report(plan, path)] == [path, path]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_report_that_cannot_be_written_is_refused(quick_desk: Desk, ending: str) -> None:
    plan = quick_desk.plan("enterprises", [ENTERPRISE], ending=ending)
    with pytest.raises(Refused) as refused:
        write_report(plan, quick_desk.folder / "nowhere" / f"a.{ending}")
    assert str(refused.value) == (f"The file “a.{ending}” cannot be written: check the folder and the space on it.")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_report_is_the_users_own_sheet_with_reasons(quick_desk: Desk, ending: str) -> None:
    rows = [
        {"企业名称": "甲公司", "序号": 1, "意向等级": "Z", "备注": "=1+1", "成立日期": date(2020, 1, 2)},
        {"企业名称": "乙公司", "序号": 2.5, "统一社会信用代码": "123"},
    ]
    if ending == "xlsx":  # there, a text that begins so would be a formula
        rows[0]["备注"] = "'=1+1"
    plan = quick_desk.plan("enterprises", rows, ending=ending)
    path = report_path(plan, quick_desk.folder)
    assert path.name == f"enterprises-1-原因.{ending}"
    write_report(plan, path)
    again = plan_import(quick_desk.db, SYSTEM, "enterprises", path, today=TODAY)
    assert (again.new, again.rejected, again.unknown_columns) == (1, 1, ("序号",))
    texts = [{name: unguard(text) for name, text in row.cells.items()} for row in again.preview()]
    assert texts == [row.cells for row in plan.preview()]
    reasons = [again.sheet.cell(row, len(again.sheet.columns) - 1) for row in range(3)]
    assert reasons == [
        "原因",
        "意向等级：“Z” is not one of the choices: A、B、C.",
        "统一社会信用代码：A unified social credit code has 18 characters; “123” has 3."
        " It was left out, and the name identifies the enterprise.",
    ]
    # A report of the report has one column of reasons, not two.
    write_report(again, path)
    assert len(plan_import(quick_desk.db, SYSTEM, "enterprises", path, today=TODAY).sheet.columns) == len(
        again.sheet.columns
    )


def test_the_preview_shows_rows_of_one_action(quick_desk: Desk) -> None:
    plan = quick_desk.plan("enterprises", [ENTERPRISE, {"企业名称": "乙公司", "意向等级": "Z"}, {"企业名称": "丙公司"}])
    assert [(row.number, row.action, row.cells["企业名称"], row.reasons) for row in plan.preview(2)] == [
        (2, "new", "甲公司", ()),
        (3, "rejected", "乙公司", ("意向等级：“Z” is not one of the choices: A、B、C.",)),
    ]
    assert [row.number for row in plan.preview(only="new")] == [2, 4]


def test_targets_are_percent_yuan_or_counts(desk: Desk) -> None:
    row = {"年度": "2026年", "责任单位": "吉首市"}
    plan = desk.plan(
        "targets",
        [
            row | {"指标": "开工率", "目标值": "80%"},
            row | {"指标": "签约额", "目标值": "50000"},
            row | {"指标": "starts", "目标值": "12"},
            row | {"指标": "履约率", "目标值": "0.8"},
            row | {"指标": "幸福感", "目标值": "1"},
            row | {"指标": "注册率", "目标值": "高"},
        ],
    )
    assert counts(plan) == {"new": 4, "rejected": 2, "warnings": 1}
    commit_import(desk.db, SYSTEM, plan, now=NOW)
    assert [(m, float(v)) for m, v in desk.rows("select measure, value from target order by id")] == [
        ("startup", 80.0),
        ("signed_amount", 500_000_000.0),
        ("starts", 12.0),
        ("performance", 0.8),
    ]


@pytest.mark.parametrize(
    ("heading", "values"),
    [("目标值", [500_000, 80]), ("目标值(亿元)", [5_000_000_000, 80]), ("目标值（%，万元）", [500_000, 80])],
)
def test_the_heading_says_the_unit_of_target_amounts(quick_desk: Desk, heading: str, values: list[float]) -> None:
    row = {"年度": "2026", "责任单位": "吉首市"}
    quick_desk.take("targets", row | {"指标": "签约额", heading: "50"}, row | {"指标": "开工率", heading: "80"})
    assert [float(v) for (v,) in quick_desk.rows("select value from target order by id")] == values


def test_a_target_under_a_unit_that_is_not_understood_is_rejected(quick_desk: Desk) -> None:
    row = {"年度": "2026", "责任单位": "吉首市"}
    result = quick_desk.take(
        "targets", row | {"指标": "签约额", "目标值(%)": "50"}, row | {"指标": "开工率", "目标值(%)": "80"}
    )
    assert counts(result) == {"new": 1, "rejected": 1}
    assert said(result) == [
        (2, "目标值(%)", "50", "The unit in the heading is not understood: write 元, 万元 or 亿元 there.")
    ]


def test_months_are_read_as_people_write_them(quick_desk: Desk) -> None:
    row = {"责任单位": "吉首市", "分值": "1"}
    forms = ["2026-05", "2026年5月", "2026/5", "202605", date(2026, 5, 1)]
    quick_desk.take(
        "adjustments", *(row | {"月份": form, "原因": str(n)} for n, form in enumerate(forms)), ending="xlsx"
    )
    assert quick_desk.rows("select distinct month from adjustment") == [("2026-05",)]
    assert said(quick_desk.take("adjustments", row | {"月份": "2026-13", "原因": "x"})) == [
        (2, "月份", "2026-13", "This is not a month: write it as 2026-03.")
    ]


def test_results_can_be_given_the_path_of_their_report(quick_desk: Desk) -> None:
    result = quick_desk.take("enterprises", ENTERPRISE)
    assert result.with_report(Path("a.csv")) == replace(result, report="a.csv")


def test_batches_are_taken_back_one_after_the_other(desk: Desk) -> None:
    before = everything(desk.db, stamps=False)
    first = desk.take("enterprises", ENTERPRISE).batch
    between = everything(desk.db, stamps=False)
    second = desk.take("enterprises", ENTERPRISE | {"备注": "更好"}).batch
    third = desk.take("enterprises", ENTERPRISE | {"备注": "最好", "意向等级": "A"}).batch
    assert first is not None
    assert second is not None
    assert third is not None
    with pytest.raises(Refused):
        revert_import(desk.db, SYSTEM, second, now=NOW)
    revert_import(desk.db, SYSTEM, third, now=NOW)
    revert_import(desk.db, SYSTEM, second, now=NOW)
    assert everything(desk.db, stamps=False) == between
    revert_import(desk.db, SYSTEM, first, now=NOW)
    assert everything(desk.db, stamps=False) == before


def test_a_plan_of_somebody_else_is_judged_by_who_commits_it(desk: Desk) -> None:
    desk.take("enterprises", ENTERPRISE | {"责任单位": "泸溪县"})
    plan = desk.plan("enterprises", [ENTERPRISE | {"备注": "改"}])
    with pytest.raises(Conflict):
        commit_import(desk.db, staff(desk), plan, now=NOW)
    assert desk.record("enterprise")["note"] == "好"
