"""Enterprises with their links and contacts, contact people, follow-ups."""

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from crm.exchange import commit_import, plan_import
from crm.rules import credit_check_character
from tests.exchange.sheets import BASIC_PROJECT, NOW, SYSTEM, TODAY, Desk, counts, said, warned

SAMPLE = Path(os.environ.get("CRM_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "registry_sample.csv"


def code(number: int) -> str:
    """Return a valid credit code."""
    first = f"91433101MA{number:07d}"
    return first + credit_check_character(first)


def test_every_column_of_an_enterprise_is_kept(desk: Desk) -> None:
    result = desk.take(
        "enterprises",
        {
            "企业名称": "湖南甲材料有限公司",
            "统一社会信用代码": code(1),
            "企业类型": "有限责任公司",
            "注册资本(万元)": "600(万元人民币)",
            "成立日期": "2015年6月18日",
            "所在省份": "湖南",
            "所在城市": "长沙",
            "注册地址": "岳麓区1号",
            "主营业务": "新材料",
            "企业资质": "专精特新",
            "重点产业": "白酒、茶叶",
            "产业链环节": "酿酒装备",
            "补链类型": "补链",
            "投资方向": "建厂",
            "意向投资额(万元)": "1.2亿元",
            "意向等级": "A",
            "线索来源": "展会",
            "责任单位": "吉首",
            "责任人": "李四",
            "联系人": "王五",
            "职务": "总经理",
            "联系电话": "13812345678",
            "备注": "好",
        },
    )
    assert counts(result) == {"new": 1}
    record = desk.record("enterprise", name="湖南甲材料有限公司")
    assert {name: record[name] for name in record if name not in {"id", "created_at", "updated_at", "search_text"}} == {
        "version": 1,
        "created_by": "system:tester",
        "updated_by": "system:tester",
        "archived_at": None,
        "name": "湖南甲材料有限公司",
        "name_key": "湖南甲材料有限公司",
        "credit_code": code(1),
        "kind": "有限责任公司",
        "origin_province": "湖南",
        "origin_city": "长沙",
        "address": "岳麓区1号",
        "registered_capital": Decimal("6000000.00"),
        "registered_capital_original": None,
        "registered_capital_currency": None,
        "founded_on": date(2015, 6, 18),
        "main_business": "新材料",
        "recognition": "专精特新",
        "investment_direction": "建厂",
        "intended_amount": Decimal("120000000.00"),
        "intended_amount_original": None,
        "intended_amount_currency": None,
        "grade": "A",
        "source": "展会",
        "owner_unit_id": desk.unit("吉首市"),
        "owner_person": "李四",
        "liaison_leader": None,
        "status": None,
        "note": "好",
        "last_contact_on": None,
        "next_contact_on": None,
        "tags": None,
        "merged_into_id": None,
    }
    assert desk.rows(
        "select i.name, s.name, l.role from enterprise_segment l join industry i on i.id = l.industry_id"
        " left join segment s on s.id = l.segment_id order by l.id"
    ) == [("白酒", "酿酒装备", "fill"), ("茶叶", None, "fill")]
    assert desk.rows("select name, title, phone, is_key from contact_person") == [
        ("王五", "总经理", "13812345678", True)
    ]
    assert "hnjclyxgs" in record["search_text"]


def test_the_credit_code_finds_an_enterprise_before_its_name(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司", "统一社会信用代码": code(1)})
    plan = desk.plan("enterprises", [{"企业名称": "甲集团公司", "统一社会信用代码": code(1).lower()}])
    assert counts(plan) == {"updated": 1, "warnings": 1}
    assert warned(plan) == [
        (2, "企业名称", "甲集团公司", "The enterprise of this credit code was called “甲公司” and is renamed.")
    ]
    assert counts(desk.take("enterprises", {"企业名称": "甲集团公司", "统一社会信用代码": code(1)})) == {
        "updated": 1,
        "warnings": 1,
    }
    record = desk.record("enterprise", credit_code=code(1))
    assert (record["name"], record["name_key"], record["version"]) == ("甲集团公司", "甲集团公司", 2)


def test_the_name_finds_an_enterprise_without_a_code_in_any_spelling(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲（湖南）公司"})
    result = desk.take("enterprises", {"企业名称": "甲(湖南) 公司", "统一社会信用代码": code(1), "备注": "好"})
    assert counts(result) == {"updated": 1}
    record = desk.record("enterprise", name="甲（湖南）公司")
    assert (record["credit_code"], record["note"]) == (code(1), "好")


def test_one_name_with_two_codes_is_two_enterprises(desk: Desk) -> None:
    rows = [{"企业名称": "便民商店", "统一社会信用代码": code(n)} for n in (1, 2)]
    plan = desk.plan("enterprises", rows)
    too = "The enterprise with the credit code {} has this name too: both are kept."
    assert warned(plan) == [(3, "企业名称", "便民商店", too.format(code(1)))]
    commit_import(desk.db, SYSTEM, plan, now=NOW)
    assert desk.rows("select name, credit_code from enterprise order by id") == [
        ("便民商店", code(1)),
        ("便民商店", code(2)),
    ]
    assert counts(desk.take("enterprises", *rows)) == {"unchanged": 2}
    third = desk.plan("enterprises", [{"企业名称": "便民 商店", "统一社会信用代码": code(3)}])
    assert (counts(third), warned(third)) == (
        {"new": 1, "warnings": 1},
        [(2, "企业名称", "便民 商店", too.format(code(1)))],
    )
    assert said(desk.take("enterprises", {"企业名称": "便民商店", "备注": "哪家"})) == [
        (
            2,
            "企业名称",
            "便民商店",
            f"2 enterprises have this name, with the credit codes {code(1)}, {code(2)}:"
            " it does not say which one is meant.",
        )
    ]


def test_a_code_joins_the_enterprise_of_its_name_that_has_none(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "便民商店"})
    result = desk.take(
        "enterprises",
        {"企业名称": "便民商店", "统一社会信用代码": code(1)},
        {"企业名称": "便民商店", "统一社会信用代码": code(2)},
        {"企业名称": "便民商店"},
    )
    assert counts(result) == {"new": 1, "updated": 1, "rejected": 1, "warnings": 1}
    assert said(result) == [(4, "企业名称", "便民商店", "The row has the key of row 2.")]
    assert desk.rows("select credit_code from enterprise order by id") == [(code(1),), (code(2),)]
    repeated = desk.take("enterprises", {"企业名称": "新店"}, {"企业名称": "新店", "统一社会信用代码": code(3)})
    assert said(repeated) == [(3, "企业名称", "新店", "The row has the key of row 2.")]


def test_projects_of_namesakes_keep_their_investors(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "便民商店", "统一社会信用代码": code(1)})
    desk.take("projects", BASIC_PROJECT | {"投资企业": "便民商店"})
    desk.take("enterprises", {"企业名称": "便民商店", "统一社会信用代码": code(2)})
    assert counts(desk.take("projects", BASIC_PROJECT | {"投资企业": "便民商店"})) == {"unchanged": 1}


def test_an_enterprise_renamed_to_anothers_name_is_said(desk: Desk) -> None:
    desk.take(
        "enterprises",
        {"企业名称": "甲公司", "统一社会信用代码": code(1)},
        {"企业名称": "乙公司", "统一社会信用代码": code(2)},
    )
    assert warned(desk.plan("enterprises", [{"企业名称": "乙公司", "统一社会信用代码": code(1)}])) == [
        (
            2,
            "企业名称",
            "乙公司",
            f"The enterprise with the credit code {code(2)} has this name too: both are kept.",
        ),
        (2, "企业名称", "乙公司", "The enterprise of this credit code was called “甲公司” and is renamed."),
    ]


def test_a_code_and_a_name_of_two_enterprises_are_a_conflict(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司", "统一社会信用代码": code(1)}, {"企业名称": "乙公司"})
    assert said(desk.take("enterprises", {"企业名称": "乙公司", "统一社会信用代码": code(1)})) == [
        (2, "企业名称", "乙公司", "Another enterprise already has this name, and the code belongs to “甲公司”.")
    ]


def test_a_former_name_finds_the_enterprise(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司"})
    enterprise_id = desk.record("enterprise", name="甲公司")["id"]
    with desk.db.transaction() as session:
        session.execute(
            "insert into enterprise_alias (id, version, created_at, created_by, updated_at, updated_by, enterprise_id,"
            " name, name_key) values (1, 1, $1, 'x', $1, 'x', $2, '旧名', '旧名')",
            [TODAY, enterprise_id],
        )
    assert counts(desk.take("enterprises", {"企业名称": "旧名", "备注": "好"})) == {"updated": 1}
    assert desk.rows("select name, note from enterprise") == [("甲公司", "好")]


def test_a_later_row_with_the_key_of_an_earlier_one_is_rejected(desk: Desk) -> None:
    result = desk.take(
        "enterprises",
        {"企业名称": "甲公司", "统一社会信用代码": code(1)},
        {"企业名称": "乙公司", "统一社会信用代码": code(1)},
        {"企业名称": "甲 公司"},
        {"企业名称": "丙公司"},
    )
    assert counts(result) == {"new": 2, "rejected": 2}
    assert said(result) == [
        (3, "统一社会信用代码", code(1), "The row has the key of row 2."),
        (4, "企业名称", "甲 公司", "The row has the key of row 2."),
    ]


def test_a_blank_cell_never_overwrites(desk: Desk) -> None:
    full = {
        "企业名称": "甲公司",
        "注册资本": "100",
        "备注": "好",
        "意向等级": "B",
        "重点产业": "茶叶",
        "联系人": "王五",
        "职务": "经理",
    }
    desk.take("enterprises", full)
    before = desk.rows("select * from enterprise"), desk.rows("select * from contact_person")
    assert counts(desk.take("enterprises", {name: "" for name in full} | {"企业名称": "甲公司"})) == {"unchanged": 1}
    assert counts(desk.take("enterprises", {name: "无" for name in full} | {"企业名称": "甲公司"})) == {"unchanged": 1}
    assert (desk.rows("select * from enterprise"), desk.rows("select * from contact_person")) == before


def test_an_amount_takes_its_currency_along(desk: Desk) -> None:
    def capital() -> tuple[object, ...]:
        record = desk.record("enterprise", name="甲公司")
        return tuple(record[f"registered_capital{part}"] for part in ("", "_original", "_currency"))

    desk.take("enterprises", {"企业名称": "甲公司", "注册资金": "100"})
    assert capital() == (Decimal("1000000.00"), None, None)
    result = desk.take("enterprises", {"企业名称": "甲公司", "注册资金": "80(万美元)"})
    assert (counts(result), capital()) == ({"updated": 1, "warnings": 1}, (None, Decimal("800000.00"), "USD"))
    assert counts(desk.take("enterprises", {"企业名称": "甲公司", "注册资金": "80(万美元)"})) == {
        "unchanged": 1,
        "warnings": 1,
    }
    assert counts(desk.take("enterprises", {"企业名称": "甲公司", "注册资金": "80(万港币)"})) == {
        "updated": 1,
        "warnings": 1,
    }
    assert capital() == (None, Decimal("800000.00"), "HKD")
    desk.take("enterprises", {"企业名称": "甲公司", "注册资金": "200"})
    assert capital() == (Decimal("2000000.00"), None, None)


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("企业名称", "", "企业名称 is required."),
        ("注册资本", "很多", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("成立日期", "去年", "This is not a date: write it as 2026-03-05."),
        ("成立日期", "2026-07-01", "The date 2026-07-01 is later than today."),
        ("责任单位", "火星", "There is no unit “火星”: give its name, short name or code."),
        ("重点产业", "茶叶、航天", "There is no industry “航天”: give its name or code."),
        ("补链类型", "断链", "“断链” is not one of the choices: 延链、补链、强链."),
        ("意向等级", "D", "“D” is not one of the choices: A、B、C."),
    ],
)
def test_what_cannot_be_read_rejects_the_row_and_not_the_others(
    quick_desk: Desk, column: str, value: str, sentence: str
) -> None:
    rows = {"企业名称": "甲公司", "备注": "好", column: value}, {"企业名称": "乙公司"}
    result = quick_desk.take("enterprises", *rows)
    assert counts(result) == {"new": 1, "rejected": 1}
    assert said(result) == [(2, column, value, sentence)]


@pytest.mark.parametrize("unit", ["吉首市", "吉首", "433101", "湘西州吉首市", " 吉首市 ", "４３３１０１"])
def test_a_unit_is_known_by_name_short_name_code_and_former_name(quick_desk: Desk, unit: str) -> None:
    quick_desk.take("enterprises", {"企业名称": "甲公司", "责任单位": unit})
    assert quick_desk.record("enterprise", name="甲公司")["owner_unit_id"] == quick_desk.unit("吉首市")


def links(desk: Desk) -> list[tuple[object, ...]]:
    """Return the living links as (industry, segment, role)."""
    return desk.rows(
        "select i.name, s.name, l.role from enterprise_segment l join industry i on i.id = l.industry_id"
        " left join segment s on s.id = l.segment_id where l.archived_at is null order by l.id"
    )


def test_links_follow_what_a_row_says(quick_desk: Desk) -> None:
    desk = quick_desk
    row = {"企业名称": "甲公司"}
    desk.take("enterprises", row | {"重点产业": "白酒"})
    assert links(desk) == [("白酒", None, None)]
    # A segment joins the link of its industry.
    assert counts(desk.take("enterprises", row | {"重点产业": "liquor", "产业链环节": "酿酒装备"})) == {"updated": 1}
    assert links(desk) == [("白酒", "酿酒装备", None)]
    # The industry alone is already said.
    assert counts(desk.take("enterprises", row | {"重点产业": "白酒"})) == {"unchanged": 1}
    desk.take(
        "enterprises", row | {"重点产业": "白酒；茶叶", "产业链环节": "酿酒装备、茶叶机械", "补链类型": "补链、延链"}
    )
    assert links(desk) == [("白酒", "酿酒装备", "fill"), ("茶叶", "茶叶机械", "extend")]
    assert counts(desk.take("enterprises", row | {"产业链环节": "茶叶机械、酿酒装备"})) == {"unchanged": 1}
    # Naming industries says all of them.
    assert counts(desk.take("enterprises", row | {"重点产业": "茶叶"})) == {"updated": 1}
    assert links(desk) == [("茶叶", "茶叶机械", "extend")]


def test_an_unknown_segment_is_said_and_not_linked(quick_desk: Desk) -> None:
    plan = quick_desk.plan("enterprises", [{"企业名称": "甲公司", "重点产业": "白酒", "产业链环节": "火箭"}])
    assert (counts(plan), warned(plan)) == (
        {"new": 1, "warnings": 1},
        [(2, "产业链环节", "火箭", "None of the row's industries has the segment “火箭”: it was not linked.")],
    )


def test_cells_that_need_another_one_are_said(quick_desk: Desk) -> None:
    row = {"企业名称": "甲公司", "联系电话": "0743-1", "职务": "经理", "补链类型": "补链"}
    assert warned(quick_desk.plan("enterprises", [row])) == [
        (2, "补链类型", "补链", "A role needs its industry: it was not taken."),
        (2, "职务", "经理", "The name of the contact person is missing: this was not taken."),
        (2, "联系电话", "0743-1", "The name of the contact person is missing: this was not taken."),
    ]


def test_punctuation_is_no_name(quick_desk: Desk) -> None:
    assert said(quick_desk.take("enterprises", {"企业名称": "（）"}, {"企业名称": "。"})) == [
        (2, "企业名称", "（）", "This is not a name."),
        (3, "企业名称", "。", "This is not a name."),
    ]


def test_contact_people_are_one_of_a_name_at_an_enterprise(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司", "联系人": "王五"}, {"企业名称": "乙公司"})
    result = desk.take(
        "contacts",
        {"企业名称": "甲公司", "姓名": "王五", "联系电话": 13812345678.0, "关键人": "否"},
        {"企业名称": "甲公司", "姓名": "赵六", "微信": "zhao", "邮箱": "z@example.com", "关键人": "是", "备注": "财务"},
        {"企业名称": "乙公司", "姓名": "王五"},
        {"企业名称": "甲 公司", "姓名": "赵六"},
        {"企业名称": "丙公司", "姓名": "王五"},
        ending="xlsx",
    )
    assert counts(result) == {"new": 2, "updated": 1, "rejected": 2}
    assert said(result) == [
        (5, "姓名", "赵六", "The row has the key of row 3."),
        (6, "企业名称", "丙公司", "The enterprise is not in the directory: import it first."),
    ]
    assert desk.rows(
        "select e.name, c.name, c.phone, c.wechat, c.email, c.is_key, c.note from contact_person c"
        " join enterprise e on e.id = c.enterprise_id order by c.id"
    ) == [
        ("甲公司", "王五", "13812345678", None, None, False, None),
        ("甲公司", "赵六", None, "zhao", "z@example.com", True, "财务"),
        ("乙公司", "王五", None, None, None, False, None),
    ]


FOLLOW_UP = {"企业名称": "甲公司", "对接日期": "2026-03-05", "对接方式": "走访", "对接内容": "介绍情况"}


def test_follow_ups_set_the_enterprises_last_and_next_contact(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司", "责任单位": "泸溪县"})
    result = desk.take(
        "followups",
        FOLLOW_UP
        | {"下次对接日期": "2026-08-01", "我方人员": "李四", "对方人员": "王五", "下一步": "考察", "记录人": "李四"},
        FOLLOW_UP | {"对接日期": "2026-05-01", "对接方式": "电话", "下次对接日期": "2026-07-15", "责任单位": "凤凰县"},
        FOLLOW_UP | {"对接日期": "2026-01-01"},
    )
    assert counts(result) == {"new": 3}
    enterprise = desk.record("enterprise", name="甲公司")
    assert (enterprise["last_contact_on"], enterprise["next_contact_on"]) == (date(2026, 5, 1), date(2026, 7, 15))
    assert desk.rows(
        "select f.happened_on, f.method, f.our_people, f.their_people, f.content, f.next_step, f.author, u.name"
        " from follow_up f join unit u on u.id = f.unit_id order by f.id"
    ) == [
        (date(2026, 3, 5), "visit", "李四", "王五", "介绍情况", "考察", "李四", "泸溪县"),
        (date(2026, 5, 1), "phone", None, None, "介绍情况", None, "system:tester", "凤凰县"),
        (date(2026, 1, 1), "visit", None, None, "介绍情况", None, "system:tester", "泸溪县"),
    ]


def test_a_follow_up_is_known_by_enterprise_day_and_content(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司"})
    desk.take("followups", FOLLOW_UP)
    result = desk.take("followups", FOLLOW_UP | {"下一步": "考察"}, FOLLOW_UP, FOLLOW_UP | {"对接内容": "另谈"})
    assert counts(result) == {"new": 1, "updated": 1, "rejected": 1}
    assert desk.rows("select content, next_step from follow_up order by id") == [("介绍情况", "考察"), ("另谈", None)]


def test_follow_ups_refuse_what_cannot_be(desk: Desk) -> None:
    desk.take("enterprises", {"企业名称": "甲公司"})
    result = desk.take(
        "followups",
        FOLLOW_UP | {"对接日期": "2026-07-01"},
        FOLLOW_UP | {"企业名称": "丁公司"},
        FOLLOW_UP | {"对接方式": "托梦"},
        FOLLOW_UP | {"项目编号": "P9", "对接内容": "另谈"},
        FOLLOW_UP | {"对接内容": ""},
    )
    assert said(result) == [
        (2, "对接日期", "2026-07-01", "The date 2026-07-01 is later than today."),
        (3, "企业名称", "丁公司", "The enterprise is not in the directory: import it first."),
        (4, "对接方式", "托梦", "“托梦” is not one of the choices: 拜访、接待、电话、视频、活动、信息、函件."),
        (5, "项目编号", "P9", "There is no project “P9” that you may change."),
        (6, "对接内容", "", "对接内容 is required."),
    ]


@pytest.mark.skipif(not SAMPLE.exists(), reason="the registry sample is not on this machine")
def test_the_registry_sample_imports_with_every_oddity_named(desk: Desk) -> None:
    plan = plan_import(desk.db, SYSTEM, "enterprises", SAMPLE, today=TODAY)
    assert counts(plan) == {"new": 3000, "warnings": 92}
    assert plan.unknown_columns == ("法人代表",)
    by_column: dict[str, int] = {}
    for row, column, value, reason in warned(plan):
        assert row > 1
        assert value
        assert reason
        by_column[column] = by_column.get(column, 0) + 1
    assert by_column == {"注册资金": 73, "统一社会信用代码": 19}
    commit_import(desk.db, SYSTEM, plan, now=NOW)
    assert desk.rows(
        "select count(*), count(credit_code), count(registered_capital), count(founded_on) from enterprise"
    ) == [(3000, 2981, 2340, 3000)]
    again = plan_import(desk.db, SYSTEM, "enterprises", SAMPLE, today=TODAY)
    assert counts(again) == {"unchanged": 3000, "warnings": 92}
