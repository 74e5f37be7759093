"""Months and windows."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import Invalid
from crm.months import Month, Period, Quarter, WindowMode, period

months = st.builds(Month, st.integers(1900, 2999), st.integers(1, 12))


@pytest.mark.parametrize("text", ["2026-05", " 2026-05 ", "2026-05\n"])
def test_a_month_is_read(text):
    assert Month.parse(text) == Month(2026, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2026-5",
        "2026-00",
        "2026-13",
        "202605",
        "2026/05",
        "2026-05-01",
        "26-05",
        "",
        "2026年5月",
        "２０２６-05",
        "1899-12",
        "3000-01",
        "²026-05",
    ],
)
def test_anything_else_is_refused_at_the_field(text):
    with pytest.raises(Invalid) as refused:
        Month.parse(text)
    assert list(refused.value.fields) == ["month"]


@given(months)
def test_a_month_reads_back_from_its_own_text(month):
    assert Month.parse(str(month)) == month


@given(months)
def test_first_and_last_day_enclose_the_month_and_nothing_else(month):
    assert Month.of(month.first_day) == Month.of(month.last_day) == month
    assert Month.of(month.first_day - timedelta(days=1)) == month.plus(-1)
    assert Month.of(month.last_day + timedelta(days=1)) == month.plus(1)


@given(months, st.integers(-600, 600))
def test_months_are_counted_over_the_turn_of_the_year(month, count):
    there = month.plus(count)
    assert there.plus(-count) == month
    assert (there.year * 12 + there.month) - (month.year * 12 + month.month) == count
    assert (there > month) == (count > 0)


@given(months, st.integers(-3, 40))
def test_until_lists_every_month_once(month, count):
    listed = month.until(month.plus(count - 1))
    assert listed == [month.plus(n) for n in range(max(count, 0))]


def test_the_last_day_of_february_knows_leap_years():
    days = [Month(year, 2).last_day for year in (2023, 2024, 2100, 2000)]
    assert days == [date(2023, 2, 28), date(2024, 2, 29), date(2100, 2, 28), date(2000, 2, 29)]


MAY = Month(2026, 5)


@pytest.mark.parametrize(
    ("options", "as_of", "expected"),
    [
        ({"mode": "year_to_date"}, None, (date(2026, 5, 31), date(2026, 1, 1), date(2026, 5, 31))),
        ({"mode": "year_to_date"}, date(2026, 5, 20), (date(2026, 5, 20), date(2026, 1, 1), date(2026, 5, 20))),
        ({"mode": "year_to_date"}, date(2027, 2, 1), (date(2027, 2, 1), date(2026, 1, 1), date(2027, 2, 1))),
        (
            {"mode": "since", "base_date": date(2021, 7, 1)},
            None,
            (date(2026, 5, 31), date(2021, 7, 1), date(2026, 5, 31)),
        ),
        ({"mode": "rolling_12"}, None, (date(2026, 5, 31), date(2025, 6, 1), date(2026, 5, 31))),
        (
            {"mode": "cohort", "cohort_year": 2025},
            None,
            (date(2026, 5, 31), date(2025, 1, 1), date(2025, 12, 31)),
        ),
        (
            {"mode": "cohort", "cohort_year": 2026},
            None,
            (date(2026, 5, 31), date(2026, 1, 1), date(2026, 5, 31)),
        ),
        (
            {"mode": "cohort", "cohort_year": 2027},
            None,
            (date(2026, 5, 31), date(2027, 1, 1), date(2026, 5, 31)),
        ),
    ],
)
def test_the_window_follows_from_the_month_and_the_rules(options, as_of, expected):
    mode = WindowMode(options["mode"])
    others = {name: value for name, value in options.items() if name != "mode"}
    assert period(MAY, mode=mode, as_of=as_of, **others) == Period(MAY, *expected)


def test_twelve_rolling_months_end_with_the_month_itself():
    at = period(Month(2026, 1), mode=WindowMode.ROLLING_12)
    assert (at.w0, at.w1) == (date(2025, 2, 1), date(2026, 1, 31))


@pytest.mark.parametrize("text", ["2026-Q5", "2026-Q0", "2026-q1", "2026Q1", "2026-1", "", "1899-Q1", "２０２６-Q1"])
def test_anything_else_than_a_quarter_is_refused_at_the_field(text):
    with pytest.raises(Invalid) as refused:
        Quarter.parse(text)
    assert list(refused.value.fields) == ["quarter"]


@given(months, st.integers(-200, 200))
def test_a_quarter_ends_with_its_third_month_and_is_counted_over_the_turn_of_the_year(month, count):
    quarter = Quarter.of(month.first_day)
    assert Quarter.parse(str(quarter)) == quarter
    assert quarter.last_month.month % 3 == 0
    assert month in quarter.last_month.plus(-2).until(quarter.last_month)
    assert quarter.plus(count).last_month == quarter.last_month.plus(3 * count)
