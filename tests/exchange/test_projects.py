"""A project's life through its sheets: projects, agreements, transfers, funds, milestones, commitments."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crm.exchange import commit_import, export_table, plan_import
from crm.reports.findings import Severity, findings
from tests.exchange.sheets import BASIC_PROJECT, NOW, SYSTEM, TODAY, Desk, counts, said, warned

FULL_PROJECT = BASIC_PROJECT | {
    "重点产业": "白酒",
    "产业链环节": "酿酒装备",
    "建设地点": "高新区",
    "计划总投资(万元)": "20000",
    "合同引资额(万元)": "15000",
    "线索日期": "2025-01-08",
    "洽谈日期": "2025-02-10",
    "签约日期": "2025-03-20",
    "协议类型": "正式合同",
    "协议编号": "X1",
    "注册日期": "2025-04-01",
    "计划开工日期": "2025-09-30",
    "开工日期": "2025-10-08",
    "联系领导": "张州长",
    "责任人": "李四",
    "备注": "好",
}


def project(desk: Desk, code: str = "P1", *names: str) -> Any:
    """Return a project, or some of its values."""
    record = desk.record("project", code=code)
    if not names:
        return record
    return record[names[0]] if len(names) == 1 else tuple(record[name] for name in names)


def holdings(desk: Desk) -> list[tuple[Any, ...]]:
    """Return who holds the projects since when."""
    return desk.rows(
        "select p.code, u.name, h.is_first, h.valid_from, h.valid_to from project_unit h"
        " join project p on p.id = h.project_id join unit u on u.id = h.unit_id"
        " order by p.code, h.is_first desc, h.valid_from, h.id"
    )


def milestones(desk: Desk) -> list[tuple[Any, ...]]:
    """Return every milestone."""
    return desk.rows("select kind, planned_on, actual_on from milestone order by kind")


def agreements(desk: Desk) -> list[tuple[Any, ...]]:
    """Return every agreement."""
    return desk.rows("select number, kind, signed_on, amount from agreement order by id")


def stages(desk: Desk) -> list[tuple[Any, ...]]:
    """Return every move between stages."""
    return desk.rows("select from_stage, to_stage, moved_on, days_in_stage from stage_log order by id")


def blocking(desk: Desk) -> list[str]:
    """Return what the data check holds against the database."""
    return [str(found.message) for found in findings(desk.db, today=TODAY) if found.severity is Severity.BLOCKING]


def test_a_project_comes_with_all_that_follows_from_its_row(desk: Desk) -> None:
    result = desk.take("projects", FULL_PROJECT)
    assert counts(result) == {"new": 1, "warnings": 1}
    record = project(desk)
    left_out = {
        "id",
        "created_at",
        "updated_at",
        "search_text",
        "enterprise_id",
        "industry_id",
        "segment_id",
        "unit_id",
    }
    assert {name: value for name, value in record.items() if value is not None and name not in left_out} == {
        "version": 1,
        "created_by": "system:tester",
        "updated_by": "system:tester",
        "code": "P1",
        "name": "甲项目",
        "name_key": "甲项目",
        "place": "高新区",
        "planned_investment": Decimal("200000000.00"),
        "contracted_amount": Decimal("150000000.00"),
        "stage": "started",
        "status": "active",
        "entered_on": date(2025, 1, 8),
        "entered_given": True,
        "negotiating_on": date(2025, 2, 10),
        "signed_on": date(2025, 3, 20),
        "agreement_kind": "contract",
        "registered_on": date(2025, 4, 1),
        "planned_start_on": date(2025, 9, 30),
        "started_on": date(2025, 10, 8),
        "liaison_leader": "张州长",
        "responsible_person": "李四",
        "note": "好",
    }
    assert desk.record("enterprise", id=record["enterprise_id"])["name"] == "甲公司"
    assert desk.record("enterprise", name="甲公司")["owner_unit_id"] == desk.unit("吉首市") == record["unit_id"]
    assert desk.record("segment", id=record["segment_id"])["name"] == "酿酒装备"
    assert agreements(desk) == [("X1", "contract", date(2025, 3, 20), Decimal("150000000.00"))]
    assert holdings(desk) == [("P1", "吉首市", True, date(2025, 1, 8), None)]
    assert stages(desk) == [(None, "started", date(2025, 10, 8), None)]
    assert milestones(desk) == [
        ("registration", None, date(2025, 4, 1)),
        ("start", date(2025, 9, 30), date(2025, 10, 8)),
    ]
    assert blocking(desk) == []


def test_what_a_stage_asks_for_is_one_warning_a_row(quick_desk: Desk) -> None:
    plan = quick_desk.plan("projects", [FULL_PROJECT, BASIC_PROJECT | {"项目编号": "P2", "签约日期": "2025-01-01"}])
    assert warned(plan) == [
        (
            2,
            "项目名称",
            "甲项目",
            "At this stage the project should also have: Project company、Project company's credit code、Evidence.",
        ),
        (
            3,
            "项目名称",
            "甲项目",
            "At this stage the project should also have: Responsible person、Key industry、Planned investment、"
            "Negotiation date、Agreement number、Agreement kind、Contracted amount、Planned start.",
        ),
    ]


def test_the_same_sheet_again_changes_nothing(desk: Desk) -> None:
    desk.take("projects", FULL_PROJECT, BASIC_PROJECT | {"项目编号": "", "项目名称": "乙项目"})
    assert counts(desk.take("projects", FULL_PROJECT, BASIC_PROJECT | {"项目编号": "", "项目名称": "乙项目"})) == {
        "unchanged": 2,
        "warnings": 1,
    }


def test_a_project_without_code_is_found_by_name_and_investor_else_gets_a_code(desk: Desk) -> None:
    row = BASIC_PROJECT | {"项目编号": ""}
    desk.take(
        "projects",
        BASIC_PROJECT | {"项目编号": "P2026-000007"},
        row | {"项目名称": "乙项目"},
        row | {"投资企业": "乙公司"},
    )
    assert desk.rows("select code, name from project order by code") == [
        ("P2026-000007", "甲项目"),
        ("P2026-000008", "乙项目"),
        ("P2026-000009", "甲项目"),
    ]
    result = desk.take("projects", row | {"备注": "好"}, BASIC_PROJECT | {"项目编号": "P2026-000010", "项目名称": "丙"})
    assert counts(result) == {"new": 1, "updated": 1}
    assert project(desk, "P2026-000007", "note") == "好"
    desk.take("projects", row | {"项目名称": "丁项目"})
    assert project(desk, "P2026-000011", "name") == "丁项目"


def test_a_new_code_makes_a_project_and_says_where_the_same_is_known(quick_desk: Desk) -> None:
    quick_desk.take("projects", BASIC_PROJECT)
    plan = quick_desk.plan("projects", [BASIC_PROJECT | {"项目编号": "甲/2026（1）"}])
    assert counts(plan) == {"new": 1, "warnings": 1}
    assert warned(plan) == [
        (2, "项目编号", "甲/2026（1）", "A project of this name and investor is known under the code P1.")
    ]


def test_a_code_may_be_any_text_of_64_characters(quick_desk: Desk) -> None:
    long = BASIC_PROJECT | {"项目编号": "码" * 65, "项目名称": "乙项目"}
    result = quick_desk.take("projects", BASIC_PROJECT | {"项目编号": "码" * 64}, long)
    assert counts(result) == {"new": 1, "rejected": 1}
    assert said(result) == [(3, "项目编号", "码" * 65, "The text has 65 characters, more than the 64 that fit here.")]


def test_rows_of_one_project_are_one_key(quick_desk: Desk) -> None:
    blank = BASIC_PROJECT | {"项目编号": ""}
    result = quick_desk.take(
        "projects", BASIC_PROJECT, BASIC_PROJECT | {"项目名称": "乙"}, blank, blank | {"投资企业": "乙公司"}
    )
    assert said(result) == [
        (3, "项目编号", "P1", "The row has the key of row 2."),
        (4, "项目名称", "甲项目", "The row has the key of row 2."),
    ]


def test_a_blank_lead_date_is_the_earliest_actual_date_else_today(desk: Desk) -> None:
    desk.take(
        "projects",
        BASIC_PROJECT | {"签约日期": "2025-05-01", "洽谈日期": "2025-03-01", "计划开工日期": "2024-01-01"},
        BASIC_PROJECT | {"项目编号": "P2"},
    )
    assert project(desk, "P1", "entered_on", "entered_given") == (date(2025, 3, 1), False)
    assert project(desk, "P2", "entered_on", "entered_given") == (TODAY, False)
    # A lead date that nobody gave is never later than what is known of the project.
    desk.take("projects", BASIC_PROJECT | {"项目编号": "P2", "洽谈日期": "2025-02-01"})
    desk.take("funds", {"项目编号": "P1", "到位日期": "2025-01-05", "到位金额": "1"})
    assert project(desk, "P2", "entered_on") == date(2025, 2, 1)
    assert project(desk, "P1", "entered_on") == date(2025, 1, 5)
    assert holdings(desk) == [
        ("P1", "吉首市", True, date(2025, 1, 5), None),
        ("P2", "吉首市", True, date(2025, 2, 1), None),
    ]
    # One that is given afterwards counts, and the first unit's time follows.
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2024-12-01"})
    assert project(desk, "P1", "entered_on", "entered_given") == (date(2024, 12, 1), True)
    assert holdings(desk)[0] == ("P1", "吉首市", True, date(2024, 12, 1), None)
    assert blocking(desk) == []


@pytest.mark.parametrize(
    ("cells", "column", "sentence"),
    [
        ({"线索日期": "2025-06-01", "签约日期": "2025-05-31"}, "签约日期",
         "Signing date 2025-05-31 is earlier than the lead date 2025-06-01."),
        ({"线索日期": "2025-06-01", "终止日期": "2025-05-31"}, "终止日期",
         "Withdrawal date 2025-05-31 is earlier than the lead date 2025-06-01."),
        ({"开工日期": "2026-07-01"}, "开工日期", "The date 2026-07-01 is later than today."),
        ({"线索日期": "2026-07-01"}, "线索日期", "The date 2026-07-01 is later than today."),
        ({"竣工日期": "某日"}, "竣工日期", "This is not a date: write it as 2026-03-05."),
        ({"计划总投资": "保密"}, "计划总投资", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ({"责任单位": ""}, "责任单位", "责任单位 is required."),
        ({"投资企业": "无"}, "投资企业", "投资企业 is required."),
        ({"协议类型": "口头"}, "协议类型", "“口头” is not one of the choices: 正式合同、框架协议、意向书."),
    ],
)  # fmt: skip
def test_what_cannot_be_rejects_the_row(quick_desk: Desk, cells: dict[str, str], column: str, sentence: str) -> None:
    result = quick_desk.take("projects", BASIC_PROJECT | cells)
    assert said(result) == [(2, column, cells[column], sentence)]
    assert quick_desk.rows("select count(*) from enterprise") == [(0,)]


def test_a_given_lead_date_holds_for_later_sheets_too(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-06-01"})
    sentence = "{} 2025-05-31 is earlier than the lead date 2025-06-01."
    early = {"项目编号": "P1"}
    for kind, cells, column, label in (
        ("projects", BASIC_PROJECT | {"注册日期": "2025-05-31"}, "注册日期", "Registration date"),
        (
            "agreements",
            early | {"协议编号": "X", "协议类型": "合同", "签约日期": "2025-05-31"},
            "签约日期",
            "Signing date",
        ),
        ("funds", early | {"到位日期": "2025-05-31", "到位金额": "1"}, "到位日期", "Arrival date"),
        ("milestones", early | {"节点": "备案", "实际日期": "2025-05-31"}, "实际日期", "Actual date"),
        (
            "commitments",
            early | {"承诺方": "政府", "条款": "供地", "兑现日期": "2025-05-31"},
            "兑现日期",
            "Fulfilment date",
        ),
    ):
        assert said(desk.take(kind, cells)) == [(2, column, "2025-05-31", sentence.format(label))]
    assert said(desk.take("transfers", early | {"起始日期": "2025-05-31", "责任单位": "泸溪县"})) == [
        (2, "起始日期", "2025-05-31", "The date is earlier than the lead date 2025-06-01.")
    ]


def test_a_later_lead_date_is_refused_where_known_dates_come_before(quick_desk: Desk) -> None:
    quick_desk.take("projects", BASIC_PROJECT | {"签约日期": "2025-03-01"})
    assert said(quick_desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-04-01"})) == [
        (2, "线索日期", "2025-04-01", "Signing date 2025-03-01 is earlier than the lead date 2025-04-01.")
    ]


def test_odd_orders_are_warnings(quick_desk: Desk) -> None:
    plan = quick_desk.plan(
        "projects",
        [
            FULL_PROJECT
            | {"注册日期": "2025-03-01", "开工日期": "2025-03-02", "终止日期": "2025-03-03", "终止原因": "撤资"}
        ],
    )
    assert counts(plan) == {"new": 1, "warnings": 4}
    assert [warning[1:] for warning in warned(plan)][:3] == [
        ("注册日期", "2025-03-01", "Registration date 2025-03-01 is earlier than Signing date 2025-03-20."),
        ("开工日期", "2025-03-02", "Start date 2025-03-02 is earlier than Signing date 2025-03-20."),
        ("终止日期", "2025-03-03", "Withdrawal date 2025-03-03 is earlier than Signing date 2025-03-20."),
    ]


def test_a_withdrawn_project_keeps_its_stage(desk: Desk) -> None:
    desk.take("projects", FULL_PROJECT)
    desk.take("projects", FULL_PROJECT | {"终止日期": "2026-01-05", "终止原因": "资金"})
    assert project(desk, "P1", "status", "stage", "withdrawn_on", "withdrawn_reason") == (
        "withdrawn",
        "started",
        date(2026, 1, 5),
        "资金",
    )
    assert blocking(desk) == []


def test_another_unit_is_a_warning_and_changes_nothing(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT)
    plan = desk.plan("projects", [BASIC_PROJECT | {"责任单位": "泸溪县"}])
    assert counts(plan) == {"unchanged": 1, "warnings": 1}
    assert warned(plan) == [(2, "责任单位", "泸溪县", "The project is held by 吉首市: it stays there; use transfers.")]


def test_a_stage_is_reached_by_dates_and_logged(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-01-01", "洽谈日期": "2025-02-01"})
    desk.take("projects", BASIC_PROJECT | {"签约日期": "2025-03-01"})
    desk.take("projects", BASIC_PROJECT | {"投产日期": "2026-03-01"})
    assert stages(desk) == [
        (None, "negotiation", date(2025, 2, 1), None),
        ("negotiation", "signed", date(2025, 3, 1), 28),
        ("signed", "production", date(2026, 3, 1), 365),
    ]
    assert project(desk, "P1", "stage", "version") == ("production", 3)


def test_an_agreement_is_met_by_its_number_else_as_the_signing_one(desk: Desk) -> None:
    row = BASIC_PROJECT | {"签约日期": "2025-03-01"}
    desk.take("projects", row)
    assert agreements(desk) == [(None, None, date(2025, 3, 1), None)]
    desk.take("projects", row | {"协议编号": "X1", "协议类型": "意向书"})
    assert agreements(desk) == [("X1", "intent", date(2025, 3, 1), None)]
    desk.take("projects", row | {"签约日期": "2025-02-20"})
    assert agreements(desk) == [("X1", "intent", date(2025, 2, 20), None)]
    plan = desk.plan("projects", [row | {"协议编号": "X2", "签约日期": "2025-06-01", "协议类型": "正式合同"}])
    assert [warning[1:] for warning in warned(plan)][0] == (
        "签约日期",
        "2025-06-01",
        "The project has an earlier agreement and counts as signed on 2025-02-20.",
    )
    desk.take("projects", row | {"协议编号": "X2", "签约日期": "2025-06-01", "协议类型": "正式合同"})
    assert agreements(desk) == [("X1", "intent", date(2025, 2, 20), None), ("X2", "contract", date(2025, 6, 1), None)]
    assert project(desk, "P1", "signed_on", "agreement_kind") == (date(2025, 2, 20), "intent")
    assert blocking(desk) == []


def test_an_agreement_without_a_date_is_said(quick_desk: Desk) -> None:
    plan = quick_desk.plan("projects", [BASIC_PROJECT | {"协议编号": "X1", "协议类型": "意向书"}])
    assert warned(plan) == [
        (2, "协议类型", "意向书", "An agreement needs its signing date: it was not taken."),
        (2, "协议编号", "X1", "An agreement needs its signing date: it was not taken."),
    ]


def test_one_agreement_number_is_one_projects(desk: Desk) -> None:
    signed = {"签约日期": "2025-03-01", "协议类型": "意向书", "协议编号": "X1"}
    rows = [BASIC_PROJECT | signed | {"项目编号": f"P{n}", "项目名称": f"项目{n}"} for n in (1, 2, 3)]
    taken = "The number belongs to an agreement of the project P1: it was left out."
    plan = desk.plan("projects", rows[:2])
    assert [warning for warning in warned(plan) if warning[1] == "协议编号"] == [(3, "协议编号", "X1", taken)]
    commit_import(desk.db, SYSTEM, plan, now=NOW)
    later = desk.plan("projects", rows[2:])
    assert [warning for warning in warned(later) if warning[1] == "协议编号"] == [(2, "协议编号", "X1", taken)]
    commit_import(desk.db, SYSTEM, later, now=NOW)
    day = date(2025, 3, 1)
    expected = [("X1", "intent", day, None), (None, "intent", day, None), (None, "intent", day, None)]
    assert agreements(desk) == expected
    assert counts(desk.take("projects", *rows)) | {"warnings": 0} == {"unchanged": 3, "warnings": 0}
    for kind, unchanged in (("projects", 3), ("agreements", 1)):
        path = desk.folder / f"{kind}.csv"
        export_table(desk.db, SYSTEM, kind, path, now=NOW)
        again = plan_import(desk.db, SYSTEM, kind, path, today=TODAY)
        assert (again.unchanged, again.rows) == (unchanged, unchanged)
    assert agreements(desk) == expected


AGREEMENT = {"项目编号": "P1", "协议编号": "X1", "协议类型": "框架协议", "签约日期": "2025-04-01"}


def test_an_unknown_contracted_amount_is_learnt_from_the_signing_agreement_alone(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"签约日期": "2025-03-01", "协议编号": "X0", "协议类型": "正式合同"})
    desk.take("agreements", AGREEMENT | {"协议类型": "意向书", "合同引资额": "50"})
    assert project(desk, "P1", "contracted_amount") is None
    desk.take("agreements", AGREEMENT | {"协议编号": "X0", "签约日期": "2025-03-01", "合同引资额": "70"})
    assert project(desk, "P1", "contracted_amount") == Decimal("700000.00")


def test_the_earliest_agreement_is_the_projects_signing(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-01-01"})
    desk.take("agreements", AGREEMENT | {"合同引资额": "100", "签约活动": "春会", "期限": "3年", "备注": "好"})
    assert project(desk, "P1", "signed_on", "agreement_kind", "stage", "contracted_amount") == (
        date(2025, 4, 1),
        "framework",
        "signed",
        Decimal("1000000.00"),
    )
    plan = desk.plan(
        "agreements",
        [AGREEMENT | {"协议编号": "X0", "协议类型": "意向书", "签约日期": "2025-03-01", "合同引资额": "50"}],
    )
    assert warned(plan) == [
        (2, "合同引资额", "50", "The project's contracted amount was stated otherwise and stays as it is.")
    ]
    desk.take("agreements", AGREEMENT | {"协议编号": "X0", "协议类型": "意向书", "签约日期": "2025-03-01"})
    assert project(desk, "P1", "signed_on", "agreement_kind") == (date(2025, 3, 1), "intent")
    # The contracted amount follows the agreement that stated it.
    desk.take("agreements", AGREEMENT | {"合同引资额": "120"})
    assert project(desk, "P1", "contracted_amount") == Decimal("1200000.00")
    assert counts(desk.take("agreements", AGREEMENT | {"合同引资额": "120"})) == {"unchanged": 1}
    assert blocking(desk) == []


def test_a_number_joins_the_agreement_that_the_projects_row_made(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"签约日期": "2025-04-01"})
    assert counts(desk.take("agreements", AGREEMENT)) == {"updated": 1}
    assert agreements(desk) == [("X1", "framework", date(2025, 4, 1), None)]


def test_an_agreement_of_another_project_is_refused(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT, BASIC_PROJECT | {"项目编号": "P2"})
    desk.take("agreements", AGREEMENT)
    result = desk.take("agreements", AGREEMENT | {"项目编号": "P2"}, AGREEMENT | {"项目编号": "P9", "协议编号": "X9"})
    assert said(result) == [
        (2, "协议编号", "X1", "The agreement belongs to another project."),
        (3, "项目编号", "P9", "There is no project “P9” that you may change."),
    ]


def test_transfers_hand_a_project_on_in_the_order_of_their_days(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-01-01"})
    # The later transfer stands first, and returns the project to its first unit.
    rows = (
        {"项目编号": "P1", "起始日期": "2025-09-01", "责任单位": "吉首市"},
        {"项目编号": "P1", "起始日期": "2025-05-01", "责任单位": "433122"},
        {"项目编号": "P1", "起始日期": "2025-01-01", "责任单位": "吉首"},
    )
    assert counts(desk.take("transfers", *rows)) == {"new": 2, "unchanged": 1}
    assert holdings(desk) == [
        ("P1", "吉首市", True, date(2025, 1, 1), date(2025, 5, 1)),
        ("P1", "泸溪县", False, date(2025, 5, 1), date(2025, 9, 1)),
        ("P1", "吉首市", False, date(2025, 9, 1), None),
    ]
    assert counts(desk.take("transfers", *rows)) == {"unchanged": 3}
    # A transfer is known by its day: another unit corrects it.
    desk.take("transfers", {"项目编号": "P1", "起始日期": "2025-09-01", "责任单位": "凤凰县"})
    assert project(desk, "P1", "unit_id") == desk.unit("凤凰县")
    plan = desk.plan("transfers", [{"项目编号": "P1", "起始日期": "2026-01-01", "责任单位": "凤凰县"}])
    assert warned(plan) == [(2, "责任单位", "凤凰县", "The unit already holds the project on that day.")]
    assert blocking(desk) == []


def test_a_transfer_before_a_lead_date_that_nobody_gave_is_taken(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT)
    assert counts(desk.take("transfers", {"项目编号": "P1", "起始日期": "2025-05-01", "责任单位": "泸溪县"})) == {
        "new": 1
    }
    assert holdings(desk) == [
        ("P1", "吉首市", True, TODAY, date(2025, 5, 1)),
        ("P1", "泸溪县", False, date(2025, 5, 1), None),
    ]
    assert project(desk, "P1", "unit_id") == desk.unit("泸溪县")
    assert blocking(desk) == []


ARRIVAL = {"项目编号": "P1", "到位日期": "2025-05-16", "到位金额(万元)": "30"}


def arrivals(desk: Desk) -> list[tuple[Any, ...]]:
    """Return every arrival."""
    return desk.rows("select arrived_on, amount, kind, voucher, occurrence from fund_arrival order by id")


def test_an_identical_line_is_a_second_arrival_in_one_file_and_the_same_in_another(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-01-01"})
    assert counts(desk.take("funds", ARRIVAL, ARRIVAL, ARRIVAL | {"资金类型": "设备"})) == {"new": 3, "warnings": 1}
    day, amount = date(2025, 5, 16), Decimal("300000.00")
    expected = [(day, amount, None, None, 1), (day, amount, None, None, 2), (day, amount, "设备", None, 1)]
    assert arrivals(desk) == expected
    assert counts(desk.take("funds", ARRIVAL, ARRIVAL)) == {"unchanged": 2}
    assert arrivals(desk) == expected
    assert counts(desk.take("funds", ARRIVAL, ARRIVAL, ARRIVAL)) == {"new": 1, "unchanged": 2}
    assert project(desk, "P1", "first_funds_on") == day
    assert blocking(desk) == []


def test_another_amount_on_the_same_day_may_be_a_correction(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT)
    desk.take("funds", ARRIVAL)
    plan = desk.plan("funds", [ARRIVAL | {"到位金额(万元)": "31"}])
    assert counts(plan) == {"new": 1, "warnings": 1}
    assert warned(plan) == [
        (2, "到位金额(万元)", "31", "The project has another arrival on this day: this may be a correction of it.")
    ]


def test_a_voucher_identifies_an_arrival(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"合同引资额": "100"}, BASIC_PROJECT | {"项目编号": "P2"})
    desk.take("funds", ARRIVAL | {"凭证号": "V1"})
    result = desk.take(
        "funds", ARRIVAL | {"凭证号": "V1", "到位金额(万元)": "120", "到位日期": "2025-04-01", "备注": "更正"}
    )
    assert counts(result) == {"updated": 1, "warnings": 1}
    assert arrivals(desk) == [(date(2025, 4, 1), Decimal("1200000.00"), None, "V1", 1)]
    assert project(desk, "P1", "first_funds_on") == date(2025, 4, 1)
    assert said(desk.take("funds", ARRIVAL | {"项目编号": "P2", "凭证号": "V1"})) == [
        (2, "凭证号", "V1", "The voucher is already booked on another project.")
    ]
    assert said(desk.take("funds", ARRIVAL | {"凭证号": "V2"}, ARRIVAL | {"凭证号": "V2", "到位金额(万元)": "1"})) == [
        (3, "凭证号", "V2", "The row has the key of row 2.")
    ]


def test_arrivals_above_the_contract_are_said(quick_desk: Desk) -> None:
    quick_desk.take("projects", BASIC_PROJECT | {"合同引资额": "50"})
    plan = quick_desk.plan("funds", [ARRIVAL, ARRIVAL | {"到位日期": "2025-06-01"}])
    assert warned(plan) == [(3, "到位金额(万元)", "30", "The funds that arrived exceed the contracted amount.")]


def test_a_foreign_arrival_keeps_its_currency(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT)
    row = ARRIVAL | {"到位金额(万元)": "5(万美元)"}
    assert counts(desk.take("funds", row)) == {"new": 1, "warnings": 1}
    assert desk.rows("select amount, amount_original, amount_currency from fund_arrival") == [
        (None, Decimal("50000.00"), "USD")
    ]
    assert counts(desk.take("funds", row)) == {"unchanged": 1, "warnings": 1}


def test_milestones_and_the_projects_dates_are_one(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-01-01"})
    step = {"项目编号": "P1"}
    result = desk.take(
        "milestones",
        step | {"节点": "公司注册", "实际日期": "2025-02-01"},
        step
        | {"节点": "开工", "计划日期": "2025-06-01", "实际日期": "2025-06-05", "佐证说明": "照片", "责任单位": "州直"},
        step | {"节点": "环评", "计划日期": "2025-05-01"},
        step | {"节点": "封顶"},
        step | {"节点": "登月"},
        step | {"节点": "环评", "实际日期": "2025-05-01"},
    )
    assert counts(result) == {"new": 4, "rejected": 2}
    assert milestones(desk) == [
        ("eia", date(2025, 5, 1), None),
        ("registration", None, date(2025, 2, 1)),
        ("start", date(2025, 6, 1), date(2025, 6, 5)),
        ("topping_out", None, None),
    ]
    assert project(desk, "P1", "registered_on", "started_on", "planned_start_on", "stage") == (
        date(2025, 2, 1),
        date(2025, 6, 5),
        date(2025, 6, 1),
        "started",
    )
    desk.take("projects", BASIC_PROJECT | {"开工日期": "2025-06-06"})
    assert milestones(desk)[2] == ("start", date(2025, 6, 1), date(2025, 6, 6))
    assert desk.record("milestone", kind="start")["evidence"] == "照片"
    assert blocking(desk) == []


def test_a_step_of_which_nothing_is_known_yet_is_kept(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT)
    step = {"项目编号": "P1", "节点": "备案"}
    assert counts(desk.take("milestones", step)) == {"new": 1}
    assert milestones(desk) == [("filing", None, None)]
    path = desk.folder / "milestones.csv"
    assert export_table(desk.db, SYSTEM, "milestones", path, now=NOW) == 1
    assert counts(plan_import(desk.db, SYSTEM, "milestones", path, today=TODAY)) == {"unchanged": 1}
    assert counts(desk.take("milestones", step)) == {"unchanged": 1}
    assert blocking(desk) == []


def test_first_funds_are_the_earliest_arrival_whatever_the_milestone_says(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2025-01-01"})
    step = {"项目编号": "P1", "节点": "首笔资金", "实际日期": "2025-03-01"}
    desk.take("milestones", step)
    assert project(desk, "P1", "first_funds_on") == date(2025, 3, 1)
    desk.take("funds", ARRIVAL)
    assert project(desk, "P1", "first_funds_on") == date(2025, 5, 16)
    assert milestones(desk) == [("first_funds", None, date(2025, 5, 16))]
    plan = desk.plan("milestones", [step])
    assert counts(plan) == {"unchanged": 1, "warnings": 1}
    assert warned(plan) == [
        (2, "实际日期", "2025-03-01", "The project's first funds arrived on 2025-05-16, by its arrivals.")
    ]
    assert blocking(desk) == []


def test_commitments_are_one_of_a_clause(desk: Desk) -> None:
    desk.take("projects", BASIC_PROJECT)
    promise = {
        "项目编号": "P1",
        "承诺方": "政府",
        "条款": "三个月内供地",
        "类型": "用地",
        "法律依据": "省政府令",
        "兑现条件": "按期缴款",
        "金额(万元)": "100",
        "到期日期": "2026-12-31",
        "责任单位": "州直",
        "公平竞争审查结果": "通过",
        "审查文号": "1号",
        "备注": "好",
    }
    assert counts(desk.take("commitments", promise)) == {"new": 1}
    result = desk.take("commitments", promise | {"兑现日期": "2026-06-01"}, promise | {"条款": "奖励", "承诺方": "谁"})
    assert counts(result) == {"updated": 1, "rejected": 1}
    assert said(result) == [(3, "承诺方", "谁", "“谁” is not one of the choices: 政府、企业.")]
    record = desk.record("commitment", clause="三个月内供地")
    assert [
        record[name] for name in ("party", "kind", "amount", "due_on", "unit_id", "fulfilled_on", "review_result")
    ] == [
        "government",
        "land",
        Decimal("1000000.00"),
        date(2026, 12, 31),
        desk.unit("州直"),
        date(2026, 6, 1),
        "通过",
    ]
