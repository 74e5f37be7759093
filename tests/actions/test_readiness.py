"""Explaining findings and handing a month in: who may, what is kept, and nothing written where it is refused."""

import json
from dataclasses import replace
from datetime import date, datetime

import pytest

from crm.actions.readiness import explain, submit_month, withdraw_explanation
from crm.errors import Conflict, CrmError, Denied, Invalid, NotFound
from crm.exchange.findings import export_findings
from crm.model import Role
from crm.months import Month
from crm.reports.audit import AuditFilter, audit_entries
from crm.reports.checking import Asked
from crm.reports.findings import Severity, find_finding, findings
from crm.reports.readiness import FindingFilter, list_findings, readiness, tallies
from tests.probes import dump, insert_enterprise, insert_project, person, wan

MAY, TODAY = Month(2026, 5), date(2026, 6, 3)
NOW = datetime(2026, 6, 3, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
BOSS = person("zhaoliu", Role.DISPATCHER)


@pytest.fixture
def people(units):
    jishou, fenghuang = units["吉首"], units["凤凰"]
    return {
        "staff": person("zhangsan", Role.STAFF, unit_id=jishou),
        "head": person("lisi", Role.UNIT_HEAD, unit_id=jishou),
        "stranger": person("wangwu", Role.UNIT_HEAD, unit_id=fenghuang),
        "leader": person("sunba", Role.LEADER),
    }


@pytest.fixture
def project(db, units):
    """A project whose start is overdue, and whose investor has little capital."""
    investor = insert_enterprise(db, "投资方", owner_unit_id=units["吉首"], registered_capital=wan(1))
    return insert_project(
        db, "P-1", unit_id=units["吉首"], enterprise_id=investor, stage="signed", signed_on=date(2026, 5, 2),
        planned_start_on=date(2026, 5, 20), planned_investment=wan(100), contracted_amount=wan(100),
        agreement_kind="contract", responsible_person="张三", negotiating_on=date(2026, 4, 1),
        industry_id=db.value("select min(id) from industry"),
    )  # fmt: skip


def of(db, code, project, month=MAY):
    found = find_finding(db, code, "project", project, Asked(BOSS, month), today=TODAY)
    assert found is not None
    return found


def test_a_finding_of_a_month_is_explained_for_that_month_alone(db, people, project):
    finding = of(db, "overdue_start", project)
    made = explain(db, people["staff"], finding, MAY, content=" 用地批文未到 ", now=NOW, today=TODAY)
    assert db.records("select unit_id, code, subject, subject_id, month, content from explanation") == [
        {
            "unit_id": finding.unit_id,
            "code": "overdue_start",
            "subject": "project",
            "subject_id": project,
            "month": "2026-05",
            "content": "用地批文未到",
        }
    ]
    audited = db.rows("select actor, action, subject, subject_id, after from audit order by id desc limit 1")[0]
    assert audited[:4] == ("zhangsan", "explain", "explanation", made)
    assert json.loads(audited[4])["content"] == "用地批文未到"
    assert (
        of(db, "overdue_start", project).explanation,
        of(db, "overdue_start", project, MAY.plus(1)).explanation,
    ) == (
        "用地批文未到",
        None,
    )


def test_any_other_finding_stays_explained_until_it_is_taken_back(db, people, project):
    finding = of(db, "capital_out_of_proportion", project)
    made = explain(db, people["staff"], finding, MAY, content="母公司担保", now=NOW, today=TODAY)
    assert of(db, "capital_out_of_proportion", project, MAY.plus(7)).explanation == "母公司担保"
    # Said anew, it is the same explanation.
    again = explain(db, people["head"], finding, MAY.plus(1), content="已增资", now=NOW, today=TODAY)
    assert (again, db.rows("select version, content from explanation")) == (made, [(2, "已增资")])
    withdraw_explanation(db, people["staff"], made, now=NOW)
    assert of(db, "capital_out_of_proportion", project).explanation is None
    with pytest.raises(Conflict):
        withdraw_explanation(db, people["staff"], made, now=NOW)
    words = [entry.action for entry in audit_entries(db, person("a", Role.AUDITOR), AuditFilter(subject="explanation"))]
    assert words == ["withdraw", "explain", "explain"]


def test_what_may_not_be_explained_is_refused_and_nothing_is_written(db, people, project, units):
    finding = of(db, "overdue_start", project)
    nobodys = insert_enterprise(db, "无主企业")
    broken = insert_project(db, "B-1", unit_id=units["吉首"], enterprise_id=nobodys, status="withdrawn")
    before = dump(db)
    for actor, about, content, error in (
        (people["staff"], finding, "  ", Invalid),
        (people["staff"], of(db, "withdrawn_status", broken), "就这样", Invalid),
        (people["staff"], replace(finding, key="no_progress"), "没有这个问题", NotFound),
        (people["staff"], replace(finding, subject_id=broken), "没有这个问题", NotFound),
        (people["stranger"], finding, "不是我的", NotFound),
        (
            person("qianqi", Role.TASKFORCE, industries=(db.value("select min(id) from industry"),)),
            finding,
            "?",
            Denied,
        ),
        (people["leader"], finding, "只读", Denied),
        (person("admin", Role.ADMIN), finding, "不是业务", NotFound),
    ):
        with pytest.raises(error):
            explain(db, actor, about, MAY, content=content, now=NOW, today=TODAY)
    assert dump(db) == before


def test_nobody_takes_back_what_another_unit_said(db, people, project):
    made = explain(db, people["head"], of(db, "overdue_start", project), MAY, content="批文", now=NOW, today=TODAY)
    before = dump(db)
    for actor, error in ((people["stranger"], NotFound), (people["leader"], Denied)):
        with pytest.raises(error):
            withdraw_explanation(db, actor, made, now=NOW)
    assert dump(db) == before


def test_a_month_is_handed_in_with_what_is_open_and_again_beside_it(db, people, project, units):
    jishou = units["吉首"]
    first = submit_month(db, people["head"], jishou, MAY, note=" 已核对 ", now=NOW, today=TODAY)
    explain(db, people["head"], of(db, "overdue_start", project), MAY, content="批文未到", now=NOW, today=TODAY)
    second = submit_month(db, people["head"], jishou, MAY, now=NOW, today=TODAY)
    assert db.rows(
        "select id, unit_id, month, submitted_by, blocking_findings, warning_findings, note from unit_month order by id"
    ) == [
        # The signing without an agreement is blocking; start, capital and the missing proof are to be looked at.
        (first, jishou, "2026-05", "lisi", 1, 3, "已核对"),
        (second, jishou, "2026-05", "lisi", 1, 2, None),
    ]
    assert [row[0] for row in db.rows("select action from audit where subject = 'unit_month'")] == ["submit", "submit"]
    counted = tallies(db, people["head"], MAY, today=TODAY)
    (row,) = readiness(db, people["head"], MAY, counted, today=TODAY)
    assert row.submission is not None
    assert (row.submission.warnings, row.blocking, row.warnings) == (2, 1, 2)
    codes = {f.code for f in findings(db, today=TODAY, month=MAY) if f.severity is Severity.BLOCKING}
    assert codes == {"signing"}


def test_who_may_not_hand_a_month_in_is_refused_and_nothing_is_written(db, people, project, units):
    jishou = units["吉首"]
    before = dump(db)
    refusals: list[tuple[object, Month, date, type[CrmError]]] = [
        (people["staff"], MAY, TODAY, Denied),
        (people["stranger"], MAY, TODAY, NotFound),
        (BOSS, MAY, TODAY, Denied),
        (people["head"], MAY, date(2026, 5, 30), Invalid),
        (people["head"], MAY.plus(1), TODAY, Invalid),
    ]
    for actor, month, today, error in refusals:
        with pytest.raises(error):
            submit_month(db, actor, jishou, month, now=NOW, today=today)
    assert dump(db) == before
    assert submit_month(db, people["head"], jishou, MAY, now=NOW, today=date(2026, 5, 31))


def test_the_list_is_exported_within_the_readers_scope_and_audited(db, people, project, units, tmp_path):
    from python_calamine import load_workbook

    nobodys = insert_enterprise(db, "别家企业", owner_unit_id=units["凤凰"])
    insert_project(db, "P-FOREIGN", unit_id=units["凤凰"], enterprise_id=nobodys, status="withdrawn")
    explain(db, people["head"], of(db, "overdue_start", project), MAY, content="=批文未到", now=NOW, today=TODAY)
    wanted, path = FindingFilter(severity=Severity.WARNING), tmp_path / "findings.xlsx"
    counted = tallies(db, people["staff"], MAY, today=TODAY)
    assert export_findings(db, people["staff"], MAY, counted, wanted, path, now=NOW) == 3
    heading, *rows = load_workbook(path).get_sheet_by_index(0).to_python()
    assert heading == ["责任单位", "严重程度", "问题类型", "数据问题", "情况说明", "说明人"]
    listed = list_findings(db, people["staff"], MAY, counted, wanted)
    assert [row[3] for row in rows] == [str(found.message) for found in listed]
    assert rows[0] == [
        "吉首市",
        "待核对",
        "逾期未开工",
        "项目 P-1“项目P-1”计划 2026-05-20 开工，至今未开工。",
        "'=批文未到",
        "lisi",
    ]
    assert db.rows("select actor, action, subject from audit order by id desc limit 1") == [
        ("zhangsan", "export", "finding")
    ]
    with pytest.raises(Denied):
        export_findings(db, people["leader"], MAY, counted, wanted, path, now=NOW)
