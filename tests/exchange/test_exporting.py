"""Export: what is written imports again unchanged; nobody takes out what is not theirs; no cell becomes a formula."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from crm.errors import Denied, Invalid, Refused
from crm.exchange import KINDS, commit_import, export_table, filters_of, plan_import, write_template
from crm.model import Actor, Role
from tests.exchange.sheets import BASIC_PROJECT, NOW, SYSTEM, TODAY, Desk, counts, everything
from tests.exchange.test_importing import STORY, tell

ENDINGS = ["csv", "xlsx"]


def out(desk: Desk, kind: str, ending: str = "csv", actor: Actor = SYSTEM, **filters: str) -> list[dict[str, str]]:
    """Export and return the rows as the import reads them."""
    path = desk.folder / f"out-{kind}.{ending}"
    count = export_table(desk.db, actor, kind, path, filters=filters, now=NOW)
    plan = plan_import(desk.db, SYSTEM, kind, path, today=TODAY)
    rows = [row.cells for row in plan.preview()]
    assert count == plan.rows
    return [{name: value for name, value in row.items() if value} for row in rows]


def mess(desk: Desk) -> None:
    """Fill the database with what is hard to write and read again."""
    tell(desk)
    desk.take(
        "enterprises",
        {
            "企业名称": "=cmd|' /C calc'!A0",
            "备注": '+1\n第二行,“引号”"双"',
            "注册地址": "@home",
            "责任人": "-",
            "投资方向": "'=x",
        },
        {
            "企业名称": "乙公司",
            "注册资本": "0.000001",
            "意向投资额": "999999999999.99",
            "联系人": "+王",
            "联系电话": "+86 743",
        },
        {"企业名称": "丙公司", "注册资本": "80(万美元)", "重点产业": "白酒、茶叶", "产业链环节": "茶叶机械、酿酒装备"},
        {"企业名称": "丁公司", "重点产业": "白酒、新能源", "产业链环节": "酿酒装备", "补链类型": "延链、强链"},
        {"企业名称": "戊公司", "重点产业": "白酒、新能源", "产业链环节": "酿酒装备", "补链类型": "无、强链"},
    )
    desk.take(
        "projects",
        BASIC_PROJECT
        | {"项目编号": "=P", "项目名称": "-项目", "洽谈日期": "2025-03-01", "计划总投资": "7161.23(万港元)"},
        BASIC_PROJECT
        | {"项目编号": "00012", "项目名称": "零", "签约日期": "2025-03-01", "终止日期": "2025-04-01", "终止原因": "@"},
    )
    arrival = {"项目编号": "=P", "到位日期": "2025-05-01", "到位金额": "3"}
    desk.take("funds", arrival, arrival, arrival | {"资金类型": "设备"}, arrival | {"到位金额": "5(万欧元)"})
    desk.take("transfers", {"项目编号": "00012", "起始日期": "2025-02-01", "责任单位": "凤凰县"})
    # Funds that came on the day of the transfer make that day the lead date: the first unit held it on no day.
    desk.take("projects", BASIC_PROJECT | {"项目编号": "L1", "项目名称": "当日移交", "签约日期": "2025-05-10"})
    desk.take("transfers", {"项目编号": "L1", "起始日期": "2025-04-30", "责任单位": "凤凰县"})
    desk.take("funds", {"项目编号": "L1", "到位日期": "2025-04-30", "到位金额": "5"})
    desk.take("adjustments", {"月份": "2026-04", "责任单位": "州直", "分值": "-1.2345", "原因": "=1"})
    desk.take("targets", {"年度": "2026", "责任单位": "凤凰县", "指标": "开工率", "目标值": "66.67"})
    desk.take(
        "milestones",
        {"项目编号": "=P", "节点": "环评", "佐证说明": "-"},
        {"项目编号": "=P", "节点": "用地", "计划日期": "2027-01-01"},
    )
    desk.take("followups", STORY["followups"][0] | {"对接内容": "一\n二\n=三", "项目编号": "P1", "记录人": "某人"})


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_of_every_kind_imports_again_unchanged(desk: Desk, ending: str) -> None:
    mess(desk)
    before = everything(desk.db)
    for kind in KINDS:
        path = desk.folder / f"out-{kind}.{ending}"
        count = export_table(desk.db, SYSTEM, kind, path, now=NOW)
        assert count > 0, kind
        plan = plan_import(desk.db, SYSTEM, kind, path, today=TODAY)
        assert (kind, plan.rows, plan.unchanged, plan.unknown_columns) == (kind, count, count, ())
        commit_import(desk.db, SYSTEM, plan, now=NOW)
        assert everything(desk.db) == before, kind


def test_exports_rebuild_a_database(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    mess(desk)
    other = Desk(request.getfixturevalue("embedded_db"), tmp_path_factory.mktemp("other"))
    if other.db is desk.db:  # pragma: no cover
        pytest.skip("the same database")
    for kind in KINDS:
        if kind == "followups":
            continue  # they name projects, which come later
        path = desk.folder / f"{kind}.csv"
        export_table(desk.db, SYSTEM, kind, path, now=NOW)
        plan = plan_import(other.db, SYSTEM, kind, path, today=TODAY)
        assert plan.rejected == 0, kind
        commit_import(other.db, SYSTEM, plan, now=NOW)
    path = desk.folder / "followups.csv"
    export_table(desk.db, SYSTEM, "followups", path, now=NOW)
    commit_import(other.db, SYSTEM, plan_import(other.db, SYSTEM, "followups", path, today=TODAY), now=NOW)
    for kind in KINDS:
        again = other.folder / f"{kind}.csv"
        export_table(other.db, SYSTEM, kind, again, now=NOW)
        assert sorted(again.read_text("utf-8-sig").splitlines()) == sorted(
            (desk.folder / f"{kind}.csv").read_text("utf-8-sig").splitlines()
        ), kind


def test_cells_are_written_as_people_read_them(desk: Desk) -> None:
    desk.take(
        "enterprises",
        {
            "企业名称": "甲公司",
            "注册资本": "600",
            "成立日期": "2015/6/18",
            "责任单位": "433101",
            "重点产业": "tea",
            "意向等级": "A级",
        },
        {"企业名称": "乙公司", "注册资本": "80(万美元)"},
    )
    assert out(desk, "enterprises") == [
        {
            "企业名称": "甲公司",
            "注册资本(万元)": "600",
            "成立日期": "2015-06-18",
            "重点产业": "茶叶",
            "意向等级": "A",
            "责任单位": "吉首市",
        },
        {"企业名称": "乙公司", "注册资本(万元)": "80(万美元)"},
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_cell_becomes_a_formula(quick_desk: Desk, ending: str) -> None:
    mess(quick_desk)
    path = quick_desk.folder / f"out.{ending}"
    export_table(quick_desk.db, SYSTEM, "enterprises", path, now=NOW)
    if ending == "csv":
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        assert "\"'=cmd|' /C calc'!A0\"" in path.read_text("utf-8-sig")
        return
    sheet = openpyxl.load_workbook(path).active
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    texts = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.data_type == "s"]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@"))]


def test_a_workbook_holds_dates_and_numbers(quick_desk: Desk) -> None:
    quick_desk.take(
        "enterprises",
        {"企业名称": "甲公司", "注册资本": "600.5", "成立日期": "2015-06-18", "意向投资额": "123456789012.34"},
    )
    path = quick_desk.folder / "out.xlsx"
    export_table(quick_desk.db, SYSTEM, "enterprises", path, now=NOW)
    sheet = openpyxl.load_workbook(path).active
    values = {cell.value: row[1].value for cell, row in zip(sheet[1], sheet.iter_cols(), strict=True)}
    assert values["注册资本(万元)"] == 600.5
    assert values["成立日期"].date() == date(2015, 6, 18)
    assert values["意向投资额(万元)"] == 123456789012.34


def test_an_amount_with_more_digits_than_a_number_keeps_is_text(quick_desk: Desk) -> None:
    quick_desk.take("enterprises", {"企业名称": "甲公司", "意向投资额": "999999999999.123456"})
    path = quick_desk.folder / "out.xlsx"
    export_table(quick_desk.db, SYSTEM, "enterprises", path, now=NOW)
    plan = plan_import(quick_desk.db, SYSTEM, "enterprises", path, today=TODAY)
    assert (plan.unchanged, quick_desk.record("enterprise")["intended_amount"]) == (1, Decimal("9999999999991234.56"))


def staff(desk: Desk, *roles: Role, unit: str = "吉首市") -> Actor:
    """Return somebody of a unit."""
    return Actor("staff", 1, "小李", desk.unit(unit), frozenset(roles or {Role.STAFF}))


def two_units(desk: Desk) -> None:
    """Give each of two units one of everything."""
    desk.take("enterprises", {"企业名称": "己企", "责任单位": "吉首市"}, {"企业名称": "他企", "责任单位": "泸溪县"})
    for name, code, unit in (("己企", "P1", "吉首市"), ("他企", "P2", "泸溪县")):
        desk.take(
            "projects", BASIC_PROJECT | {"项目编号": code, "投资企业": name, "责任单位": unit, "线索日期": "2025-01-01"}
        )
        of_project = {"项目编号": code}
        desk.take("contacts", {"企业名称": name, "姓名": "王五", "联系电话": "13812345678", "微信": "wang"})
        desk.take("followups", STORY["followups"][0] | {"企业名称": name})
        desk.take("opportunities", STORY["opportunities"][0] | {"项目名称": name + "园", "责任单位": unit})
        desk.take("agreements", STORY["agreements"][0] | of_project | {"协议编号": code})
        desk.take("funds", STORY["funds"][0] | of_project | {"凭证号": code})
        desk.take("milestones", STORY["milestones"][0] | of_project)
        desk.take("commitments", STORY["commitments"][0] | of_project)
        desk.take("targets", STORY["targets"][0] | {"责任单位": unit})
        desk.take("adjustments", STORY["adjustments"][0] | {"责任单位": unit})


def test_staff_take_out_their_own_units_records_only(desk: Desk) -> None:
    two_units(desk)
    for kind in KINDS:
        path = desk.folder / f"{kind}.csv"
        assert export_table(desk.db, staff(desk), kind, path, now=NOW) == 1, kind
        text = path.read_text("utf-8-sig")
        assert "吉首市" in text or "己企" in text or "P1" in text, kind
        assert not any(word in text for word in ("泸溪县", "他企", "P2")), kind
        assert export_table(desk.db, SYSTEM, kind, path, now=NOW) == 2, kind


@pytest.mark.parametrize("role", [Role.LEADER, Role.ADMIN, Role.AUDITOR])
def test_who_has_no_right_to_export_takes_out_nothing(quick_desk: Desk, role: Role) -> None:
    path = quick_desk.folder / "out.csv"
    with pytest.raises(Denied):
        export_table(quick_desk.db, staff(quick_desk, role), "enterprises", path, now=NOW)
    assert not path.exists()


def test_phones_are_masked_for_those_who_may_not_reveal_them(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司", "重点产业": "茶叶", "联系人": "王五", "联系电话": "13812345678"})
    desk.take("contacts", {"企业名称": "甲公司", "姓名": "王五", "微信": "wang", "邮箱": "wang@example.com"})
    tea = desk.record("industry", code="tea")["id"]
    actor = Actor("t", 3, "专班", None, frozenset({Role.TASKFORCE}), frozenset({tea}))
    assert out(desk, "contacts", actor=actor) == [
        {
            "企业名称": "甲公司",
            "姓名": "王五",
            "联系电话": "138****5678",
            "微信": "w****",
            "邮箱": "wan****.com",
            "关键人": "是",
        }
    ]
    assert out(desk, "enterprises", actor=actor)[0]["联系电话"] == "138****5678"
    # What was masked changes nothing when it comes back.
    before = everything(desk.db)
    for kind in ("contacts", "enterprises"):
        path = desk.folder / f"masked-{kind}.xlsx"
        export_table(desk.db, actor, kind, path, now=NOW)
        plan = plan_import(desk.db, SYSTEM, kind, path, today=TODAY)
        assert (plan.unchanged, plan.rejected) == (1, 0)
        commit_import(desk.db, SYSTEM, plan, now=NOW)
    assert everything(desk.db) == before


def test_an_export_is_audited(desk: Desk) -> None:
    two_units(desk)
    export_table(desk.db, staff(desk), "contacts", desk.folder / "out.csv", filters={"unit": "吉首"}, now=NOW)
    entry = desk.db.records("select actor, action, subject, after from audit order by id desc limit 1")[0]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("staff", "export", "contact_person")
    assert json.loads(entry["after"]) == {
        "kind": "contacts",
        "rows": 1,
        "filters": {"unit": "吉首"},
        "masked": 0,
        "file": "out.csv",
    }


@pytest.mark.parametrize(
    ("kind", "filters", "count"),
    [
        ("enterprises", {"unit": "吉首市"}, 1),
        ("enterprises", {"unit": "433122", "text": "他"}, 1),
        ("enterprises", {"text": "jq"}, 1),
        ("enterprises", {"text": "100%"}, 0),
        ("enterprises", {"stage": "signed"}, 0),
        ("enterprises", {"industry": "茶叶", "segment": "茶叶机械", "grade": "A", "source": "展会"}, 0),
        ("projects", {"unit": "泸溪", "stage": "started", "status": "active"}, 1),
        ("projects", {"project": "P1", "industry": "茶叶"}, 0),
        ("funds", {"project": "P1", "from": "2025-05-01", "to": "2025-05-01"}, 1),
        ("funds", {"from": "2025-05-02"}, 0),
        ("followups", {"unit": "吉首市", "from": "2026-01-01", "text": "己"}, 1),
        ("targets", {"year": "2026", "unit": "吉首市"}, 1),
        ("adjustments", {"from": "2026-05", "to": "2026-06"}, 2),
        ("adjustments", {"month": "2026-04"}, 0),
        ("transfers", {"unit": "吉首市", "project": "P1"}, 1),
        ("contacts", {"unit": ""}, 2),
    ],
)
def test_filters_narrow_an_export(quick_desk: Desk, kind: str, filters: dict[str, str], count: int) -> None:
    two_units(quick_desk)
    assert export_table(quick_desk.db, SYSTEM, kind, quick_desk.folder / "out.csv", filters=filters, now=NOW) == count


def test_every_filter_of_every_kind_works(desk: Desk) -> None:
    for kind in KINDS:
        for name in filters_of(kind):
            known = {"from": "2026-01-01", "to": "2026-12-31", "unit": "吉首", "industry": "茶叶"}
            value = known.get(name, "x")
            path = desk.folder / "out.csv"
            assert export_table(desk.db, SYSTEM, kind, path, filters={name: value}, now=NOW) == 0


@pytest.mark.parametrize(
    ("kind", "name", "filters", "sentence"),
    [
        (
            "targets",
            "out.csv",
            {"colour": "red"},
            "targets cannot be filtered by “colour”. The filters are: unit, year.",
        ),
        ("funds", "out.csv", {"from": "May"}, "“May” is not a date: write it as 2026-03-05."),
        ("funds", "out.pdf", {}, "“out.pdf” cannot be written: give a name that ends in .xlsx or .csv."),
        ("funds", "no/out.csv", {}, "The file “out.csv” cannot be written: check the folder and the space on it."),
        ("fund", "out.csv", {}, f"There is no kind “fund”. The kinds are: {', '.join(KINDS)}."),
    ],
)
def test_what_cannot_be_exported_says_why(
    quick_desk: Desk, kind: str, name: str, filters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        export_table(quick_desk.db, SYSTEM, kind, quick_desk.folder / name, filters=filters, now=NOW)
    assert str(refused.value) == sentence
    assert list(quick_desk.folder.iterdir()) == []


@pytest.mark.parametrize(("name", "known"), [("unit", "吉首市"), ("industry", "茶叶")])
def test_an_unknown_unit_or_industry_is_refused_with_those_there_are(quick_desk: Desk, name: str, known: str) -> None:
    for kind in (kind for kind in KINDS if name in filters_of(kind)):
        for place in (quick_desk.folder / "out.csv", quick_desk.folder / "no" / "out.xlsx"):
            with pytest.raises(Invalid, match=f"There is no {name} “火星”.*{known}"):
                export_table(quick_desk.db, SYSTEM, kind, place, filters={name: "火星"}, now=NOW)
    assert list(quick_desk.folder.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_of_nothing_is_a_sheet_with_headings(desk: Desk, ending: str) -> None:
    for kind in KINDS:
        path = desk.folder / f"{kind}.{ending}"
        assert export_table(desk.db, SYSTEM, kind, path, now=NOW) == 0
        assert counts(plan_import(desk.db, SYSTEM, kind, path, today=TODAY)) == {}


# --------------------------------------------------------------------------------------------------------- templates


def test_the_example_rows_of_the_templates_import(desk: Desk) -> None:
    for kind in KINDS:
        path = desk.folder / f"{kind}.xlsx"
        write_template(kind, path)
        plan = plan_import(desk.db, SYSTEM, kind, path, today=TODAY)
        assert (plan.rows, plan.rejected, plan.warnings, plan.unknown_columns) == (1, 0, 0, ()), kind
        commit_import(desk.db, SYSTEM, plan, now=NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_has_every_column_with_note_and_list(quick_desk: Desk, kind: str) -> None:
    path = quick_desk.folder / "t.xlsx"
    write_template(kind, path, database=quick_desk.db)
    book = openpyxl.load_workbook(path)
    sheet, _notes, lists = book.worksheets
    columns = KINDS[kind].columns
    assert [cell.value for cell in sheet[1]] == [column.title for column in columns]
    assert all(cell.comment for cell in sheet[1])
    offered: dict[str, list[Any]] = {}
    for validation in sheet.data_validations.dataValidation:
        first = str(validation.sqref).split(":")[0].rstrip("0123456789")
        offered[first] = [
            cell.value for row in lists[validation.formula1.split("!")[1].replace("$", "")] for cell in row
        ]
    by_title = {sheet[f"{letter}1"].value: words for letter, words in offered.items()}
    for column in columns:
        if column.words:
            assert by_title[column.title] == column.words
    if "责任单位" in by_title:
        assert by_title["责任单位"][:2] == ["吉首市", "泸溪县"]
    if "重点产业" in by_title:
        assert len(by_title["重点产业"]) == 10


def test_a_template_is_a_workbook(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        write_template("funds", tmp_path / "t.csv")
    assert str(refused.value) == "A template is an .xlsx file: give a name that ends so."
