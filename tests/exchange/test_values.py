"""Cells to values: amounts, dates, choices, text; and the guard against formulas."""

from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.exchange.columns import KINDS, Column, Type
from crm.exchange.values import (
    WAN,
    YUAN,
    Money,
    Names,
    as_text,
    clean,
    guard,
    read_cells,
    read_date,
    read_money,
    unguard,
    unit_of_heading,
    write_money,
)
from crm.locale import Message
from crm.rules import credit_check_character

TODAY = date(2026, 6, 30)
NOBODY = Names({}, {})


def read(column: Column, *cells: Any) -> tuple[list[Any], dict[int, tuple[str, bool]]]:
    """Read cells under a column's own heading."""
    values, problems = read_cells(column, list(cells), heading=column.title, names=NOBODY, today=TODAY)
    return values, {n: (str(p.reason), p.rejects) for n, p in problems.items()}


@pytest.mark.parametrize(
    ("cell", "money"),
    [
        (600, Money(Decimal("6000000.00"))),
        (55.3, Money(Decimal("553000.00"))),
        (0, Money(Decimal("0.00"))),
        ("600", Money(Decimal("6000000.00"))),
        ("1,128", Money(Decimal("11280000.00"))),
        ("600(万元人民币)", Money(Decimal("6000000.00"))),
        ("12,300(万元人民币)", Money(Decimal("123000000.00"))),
        ("55.3万人民币", Money(Decimal("553000.00"))),
        ("518(万)", Money(Decimal("5180000.00"))),
        ("518（万元）", Money(Decimal("5180000.00"))),
        ("５１８万", Money(Decimal("5180000.00"))),
        ("30(万元(人民币))", Money(Decimal("300000.00"))),
        ("30(万人民币元)", Money(Decimal("300000.00"))),
        ("人民币30万元整", Money(Decimal("300000.00"))),
        ("¥30万", Money(Decimal("300000.00"))),
        ("1.2亿元", Money(Decimal("120000000.00"))),
        ("1.2 亿", Money(Decimal("120000000.00"))),
        ("3千万元", Money(Decimal("30000000.00"))),
        ("500元", Money(Decimal("500.00"))),
        ("600(人民币)", Money(Decimal("6000000.00"))),
        ("1.2E3", Money(Decimal("12000000.00"))),
        ("'+5", Money(Decimal("50000.00"))),
        ("80(万美元)", Money(None, Decimal("800000.00"), "USD")),
        ("10(万美元 )", Money(None, Decimal("100000.00"), "USD")),
        ("25万美元", Money(None, Decimal("250000.00"), "USD")),
        ("80美元", Money(None, Decimal("80.00"), "USD")),
        ("80(USD)", Money(None, Decimal("800000.00"), "USD")),
        ("400(万香港元)", Money(None, Decimal("4000000.00"), "HKD")),
        ("5.86万港币", Money(None, Decimal("58600.00"), "HKD")),
        ("600(万元(港币))", Money(None, Decimal("6000000.00"), "HKD")),
        ("7,161.2300(万港元)", Money(None, Decimal("71612300.00"), "HKD")),
        ("9(万新加坡元)", Money(None, Decimal("90000.00"), "SGD")),
        ("80(万卢布)", Money(None, Decimal("800000.00"), "RUB")),
        ("80万丹麦克朗", Money(None, Decimal("800000.00"), "DKK")),
        ("80(万瑞典克朗)", Money(None, Decimal("800000.00"), "SEK")),
        ("俄罗斯卢布80万", Money(None, Decimal("800000.00"), "RUB")),
        ("80万VND", Money(None, Decimal("800000.00"), "VND")),
        ("80(万某国币)", Money(None, Decimal("800000.00"), "某国币")),
        ("0.00000049", Money(Decimal("0.00"))),
        ("0.0000005", Money(Decimal("0.01"))),
        (0.1 + 0.2, Money(Decimal("3000.00"))),
    ],
)
def test_amounts_are_read_exactly(cell: Any, money: Money) -> None:
    assert read_money(cell, WAN) == money


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("约600", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("600-800", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("1,2", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("600万块钱", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("六百万", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("待定", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("80abc", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("80ABC", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("80余万元", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("80万多元", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("80万吨", "This is not an amount: write a number, or a text such as 1.2亿元."),
        ("100万美元人民币", "This is not an amount: write a number, or a text such as 1.2亿元."),
        (float("nan"), "This is not an amount: write a number, or a text such as 1.2亿元."),
        (True, "This is not an amount: write a number, or a text such as 1.2亿元."),
        (date(2026, 1, 1), "This is not an amount: write a number, or a text such as 1.2亿元."),
        (-1, "An amount cannot be negative."),
        ("-0.5万", "An amount cannot be negative."),
        (1e12, "The amount is too large: at most 1,000,000,000,000 万元 fit."),
        ("9" * 30, "The amount is too large: at most 1,000,000,000,000 万元 fit."),
        ("999999999999.9999999", "The amount is too large: at most 1,000,000,000,000 万元 fit."),
        ("1e99", "The amount is too large: at most 1,000,000,000,000 万元 fit."),
    ],
)
def test_what_is_no_amount_says_why(cell: Any, sentence: str) -> None:
    found = read_money(cell, WAN)
    assert isinstance(found, Message)
    assert str(found) == sentence


@pytest.mark.parametrize(
    ("heading", "amount"),
    [
        ("注册资本", "20000.00"),
        ("注册资本(万元)", "20000.00"),
        ("注册资本（万元）", "20000.00"),
        ("注册资本【亿元】", "200000000.00"),
        ("注册资本\n（单位：亿元）", "200000000.00"),
        ("注册资本(元)", "2.00"),
        ("注册资本(人民币 万元)", "20000.00"),
        ("注册资本(含税)", "20000.00"),
        ("注册资本(PPP)", "20000.00"),
        ("注册资本（亿元，人民币）", "200000000.00"),
        ("注册资本（亿元）（含设备）", "200000000.00"),
        ("注册资本（含设备）（亿元）", "200000000.00"),
        ("注册资本（亿元、含税）", "200000000.00"),
        ("注册资本（亿元/年）", "200000000.00"),
        ("注册资本（亿元人民币，估）", "200000000.00"),
        ("注册资本（折合人民币亿元）", "200000000.00"),
        ("注册资本（亿\n元）", "200000000.00"),
        ("注册资本（亿元，含5000万元以下）", "200000000.00"),
        ("注册资本(百万元)", "2000000.00"),
        ("注册资本(千元)", "2000.00"),
    ],
)
def test_the_unit_in_the_heading_counts(heading: str, amount: str) -> None:
    assert read_money(2, unit_of_heading(heading)) == Money(Decimal(amount))


@pytest.mark.parametrize(
    ("heading", "amount", "currency"),
    [
        ("计划总投资(万美元)", "20000.00", "USD"),
        ("计划总投资(美元)", "2.00", "USD"),
        ("计划总投资（亿元，美元）", "200000000.00", "USD"),
        ("计划总投资(万丹麦克朗)", "20000.00", "DKK"),
    ],
)
def test_a_foreign_currency_in_the_heading_counts(heading: str, amount: str, currency: str) -> None:
    assert read_money(2, unit_of_heading(heading)) == Money(None, Decimal(amount), currency)


@pytest.mark.parametrize(
    "heading",
    [
        "投资(万吨)",
        "投资(单位：吨)",
        "投资(万元)(亿元)",
        "投资(USD k)",
        "投资(%)",
        "投资(外币)",
        "投资(含5000万元设备)",
    ],
)
def test_a_heading_whose_unit_is_not_understood_is_never_read_as_wan(heading: str) -> None:
    sentence = "The unit in the heading is not understood: write 元, 万元 or 亿元 there."
    column = Column("投资", "field", Type.MONEY)
    values, problems = read_cells(
        column, [2.0, "2", "2万元", "80(万美元)", "", "很多"], heading=heading, names=NOBODY, today=TODAY
    )
    assert values == [None, None, Money(Decimal("20000.00")), Money(None, Decimal("800000.00"), "USD"), None, None]
    assert {n: (str(p.reason), p.rejects) for n, p in problems.items()} == {
        0: (sentence, True),
        1: (sentence, True),
        3: ("The amount is in USD: it is kept, and counts once a rate is given.", False),
        5: ("This is not an amount: write a number, or a text such as 1.2亿元.", True),
    }


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("用地", ["2.00", "30.00", "0.05"]),
        ("用地(亩)", ["2.00", "30.00", "0.05"]),
        ("用地（亩/户）", ["2.00", "30.00", "0.05"]),
        ("用地(约)", ["2.00", "30.00", "0.05"]),
        ("用地（公顷）", ["30.00", "30.00", "0.05"]),
        ("用地(单位：公顷)", ["30.00", "30.00", "0.05"]),
        ("用地(平方公里)", ["3000.00", "30.00", "0.05"]),
    ],
)
def test_an_area_counts_in_mu(heading: str, values: list[str]) -> None:
    column = KINDS["opportunities"].column("land_mu")
    assert read_cells(column, [2, "2公顷", "33.3㎡"], heading=heading, names=NOBODY, today=TODAY) == (
        [Decimal(value) for value in values],
        {},
    )


def test_a_number_under_a_unit_of_area_that_is_not_understood_is_left_out_and_said() -> None:
    column = KINDS["opportunities"].column("land_mu")
    values, problems = read_cells(column, [2, "2亩", ""], heading="用地(英亩)", names=NOBODY, today=TODAY)
    assert values == [None, Decimal("2.00"), None]
    assert {n: (str(p.reason), p.rejects) for n, p in problems.items()} == {
        0: ("The unit in the heading is not understood: write 亩 or 公顷 there. The number was left out.", False)
    }


@given(st.decimals(min_value=0, max_value=Decimal("999999999999.9999"), places=6, allow_nan=False))
def test_wan_and_yuan_are_the_same_amount(wan: Decimal) -> None:
    yuan = (wan * 10_000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert read_money(str(wan), WAN) == Money(yuan) == read_money(str(yuan), YUAN) == read_money(f"{wan}万元", YUAN)


@given(st.decimals(min_value=0, max_value=Decimal("9999999999999999.98"), places=2, allow_nan=False))
def test_a_written_amount_is_read_again(yuan: Decimal) -> None:
    assert read_money(write_money(yuan, None, None), WAN) == Money(yuan)
    assert read_money(write_money(None, yuan, "HKD"), WAN) == Money(None, yuan, "HKD")


@pytest.mark.parametrize("currency", ["RUB", "SEK", "某国币"])
def test_a_written_amount_of_a_rare_currency_is_read_again(currency: str) -> None:
    amount = Decimal("1234.56")
    assert read_money(write_money(None, amount, currency), WAN) == Money(None, amount, currency)


@given(st.floats(min_value=0, max_value=1e11, allow_nan=False))
def test_a_number_cell_is_the_decimal_that_it_shows(cell: float) -> None:
    expected = (Decimal(repr(cell)) * 10_000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert read_money(cell, WAN) == Money(expected)


@pytest.mark.parametrize(
    "cell",
    [
        date(2026, 3, 5),
        datetime.fromisoformat("2026-03-05"),
        datetime.fromisoformat("2026-03-05 13:30"),
        datetime.fromisoformat("2026-03-04 23:59:59.999999"),
        "2026-03-05",
        "2026-3-5",
        "2026/3/5",
        "2026/03/05",
        "2026.3.5",
        "2026年3月5日",
        "2026年3月5",
        "２０２６年３月５日",
        " 2026-03-05 ",
        "2026-03-05 00:00:00",
        "2026/3/5 9:30",
        "20260305",
        20260305,
        20260305.0,
    ],
)
def test_dates_are_read_in_every_known_form(cell: Any) -> None:
    assert read_date(cell) == date(2026, 3, 5)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-03",
        "2026年3月",
        "26-03-05",
        "2026-02-30",
        "20261301",
        "今天",
        "2026-3/5",
        46086,
        46086.0,
        "0026-03-05",
        "12",
    ],
)
def test_what_is_no_date_is_not_guessed(cell: Any) -> None:
    assert read_date(cell) is None


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)))
def test_every_form_of_a_date_is_the_same_day(day: date) -> None:
    forms = (
        day,
        datetime.combine(day, time()),
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        day.strftime("%Y%m%d"),
        float(day.strftime("%Y%m%d")),
    )
    assert {read_date(form) for form in forms} == {day}


def test_an_actual_date_after_today_rejects_and_a_planned_one_does_not() -> None:
    actual = KINDS["projects"].column("started_on")
    planned = KINDS["projects"].column("planned_start_on")
    tomorrow = TODAY + timedelta(days=1)
    assert read(actual, TODAY, tomorrow) == (
        [TODAY, None],
        {1: ("The date 2026-07-01 is later than today.", True)},
    )
    assert read(planned, tomorrow) == ([tomorrow], {})


@pytest.mark.parametrize("cell", ["", "N/A", "无", "-", "—", " 无 ", "#N/A", "/"])
@pytest.mark.parametrize("type_", [Type.TEXT, Type.DATE, Type.MONEY, Type.NUMBER, Type.CREDIT_CODE, Type.YES_NO])
def test_what_means_blank_is_blank_and_not_worth_a_word(type_: Type, cell: str) -> None:
    assert read(Column("列", "field", type_), cell) == ([None], {})


def test_a_choice_may_be_called_none() -> None:
    column = KINDS["opportunities"].column("feasibility_study")
    assert read(column, "无", "编制中", "已完成", "", "-", "done") == (
        ["none", "draft", "done", None, None, "done"],
        {},
    )


def test_an_unknown_choice_rejects_and_names_the_choices() -> None:
    column = KINDS["enterprises"].column("grade")
    assert read(column, "A", "d", "B级") == (
        ["A", None, "B"],
        {1: ("“d” is not one of the choices: A、B、C.", True)},
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_word_of_a_choice_is_read(kind: Any) -> None:
    for column in kind.columns:
        for value, words in column.choices.items():
            expected: Any = (str(value),) if column.type is Type.CHOICES else str(value)
            assert read(column, *words, str(value)) == ([expected] * (len(words) + 1), {}), column.heading


def code(first_17: str) -> str:
    """Complete a credit code."""
    return first_17 + credit_check_character(first_17)


def test_credit_codes_are_kept_or_left_out_by_what_they_could_be() -> None:
    column = KINDS["enterprises"].column("credit_code")
    good = code("91430100MA4L18XA2")
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    values, problems = read(
        column,
        good,
        f" {good.lower()} ",
        "９" + good[1:],
        wrong,
        "320507000022641",
        "企外苏苏承字第0045",
        9.1431200188888e17,
    )
    assert values == [good, good, good, wrong, None, None, None]
    assert {n: rejects for n, (_text, rejects) in problems.items()} == {3: False, 4: False, 5: False, 6: False}
    assert problems[4][0] == (
        "A unified social credit code has 18 characters; “320507000022641” has 15."
        " It was left out, and the name identifies the enterprise."
    )


def test_a_masked_value_is_never_taken() -> None:
    column = KINDS["contacts"].column("phone")
    assert read(column, "138****5678", "13812345678", 13812345678.0) == (
        [None, "13812345678", "13812345678"],
        {0: ("The value is masked and was left as it is.", False)},
    )


def test_text_too_long_is_left_out_and_a_key_too_long_rejects() -> None:
    assert read(Column("列", "field", longest=3), "四个字啊", "三个字") == (
        [None, "三个字"],
        {0: ("The text has 4 characters, more than the 3 that fit here.", False)},
    )
    assert read(Column("列", "field", longest=3, key=True), "四个字啊")[1][0][1] is True


@pytest.mark.parametrize(
    "text", ["=1+1", "+86 138", "-1", "@sum", "'=1", "''=1", "'", "''", "=", "\t=x", " =x", "\u3000=x", "正常"]
)
def test_the_guard_comes_off_again(text: str) -> None:
    guarded = guard(text)
    assert unguard(guarded) == text
    assert not guarded.lstrip().startswith(("=", "+", "-", "@"))


@given(st.text(alphabet="'=+-@\t\r 　a甲"))
def test_the_guard_comes_off_any_text(text: str) -> None:
    assert unguard(guard(text)) == text


@given(st.text())
def test_cleaning_is_done_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (13800138000.0, "13800138000"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000"),
        (7, "7"),
        (True, "TRUE"),
        (None, ""),
        (date(2026, 3, 5), "2026-03-05"),
        (datetime.fromisoformat("2026-03-05"), "2026-03-05"),
        (datetime.fromisoformat("2026-03-05 09:30"), "2026-03-05 09:30:00"),
    ],
)
def test_a_cell_shows_as_a_person_reads_it(cell: Any, text: str) -> None:
    assert as_text(cell) == text
