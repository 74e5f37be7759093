"""Targets and attainment: figures to date against targets, last year's, pooled totals, within the reader's scope."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from crm.exchange.columns import MONEY_MEASURES, Measure
from crm.model import Role
from crm.reports.targets import (
    TARGET_MEASURES,
    Progress,
    attainment,
    attainment_frame,
    is_money,
    measure_label,
    target_years,
    targets_of,
)
from tests.bureaus import project, put
from tests.probes import SYSTEM, TODAY, insert, person, unit_ids

LAST = date(2025, 5, 1)


def targets(db, **of_unit):
    for unit, measures in of_unit.items():
        for measure, value in measures.items():
            insert(db, "target", unit_id=unit_ids(db)[unit], year=2026, measure=measure, value=Decimal(value))


def bureau(db):
    """吉首 signed 3 (2 started) this year and 1 last year; 凤凰 signed 1; 1000 元 arrived at 吉首 this year."""
    signed = {"negotiating_on": date(2025, 12, 1), "signed_on": date(2026, 3, 1)}
    put(
        db,
        [
            project("吉首", **signed, started_on=date(2026, 6, 30), arrivals=[(date(2026, 4, 1), Decimal(1000))]),
            project("吉首", **signed, started_on=date(2026, 5, 1)),
            project("吉首", **signed, started_on=date(2026, 7, 1)),
            project("吉首", signed_on=LAST, negotiating_on=LAST),
            project("凤凰", **signed),
        ],
        unit_ids=unit_ids(db),
    )


def of(found, unit, measure):
    return next(row for row in found.rows if row.unit.short_name == unit and row.measure == measure)


def test_target_measures_are_those_that_an_import_knows():
    assert set(TARGET_MEASURES) == {str(measure) for measure in Measure}
    assert {slug for slug in TARGET_MEASURES if is_money(slug)} == {str(measure) for measure in MONEY_MEASURES}
    assert all(str(measure_label(slug)) for slug in TARGET_MEASURES)


def test_figures_to_date_stand_against_the_target_and_the_year_before(db):
    bureau(db)
    targets(db, 吉首={"signings": 4, "funds_arrived": "500.50", "startup": 80})
    found = attainment(db, SYSTEM, 2026, TODAY)
    unit = of(found, "吉首", "signings").unit
    assert (found.year, found.as_of, found.elapsed) == (2026, TODAY, Fraction(181, 365))
    assert of(found, "吉首", "signings") == Progress(unit, "signings", Decimal(4), Fraction(3), Fraction(1))
    assert of(found, "吉首", "signings").share == Fraction(3, 4)
    money = of(found, "吉首", "funds_arrived")
    assert (money.actual, money.share, money.last_year) == (1000, Fraction(1000) / Fraction("500.5"), 0)
    # The rate is percent, and what starts after the day is not yet known.
    rate = of(found, "吉首", "startup")
    assert (rate.target, rate.actual, rate.last_year, rate.share) == (80, Fraction(200, 3), 0, Fraction(5, 6))
    assert of(found, "古丈", "startup") == Progress(of(found, "古丈", "startup").unit, "startup", None, None, None)
    assert of(found, "吉首", "starts").share is None


def test_totals_add_amounts_and_pool_rates_and_have_a_rates_target_only_where_all_agree(db):
    bureau(db)
    targets(db, 吉首={"signings": 4, "startup": 80, "performance": 70}, 凤凰={"signings": 1, "startup": 80})
    insert(db, "target", unit_id=unit_ids(db)["凤凰"], year=2026, measure="performance", value=60)
    totals = {row.measure: row for row in attainment(db, SYSTEM, 2026, TODAY).totals}
    assert totals["signings"] == Progress(None, "signings", Decimal(5), Fraction(4), Fraction(1))
    # 2 of 4, not the mean of 2/3 and 0.
    assert totals["startup"] == Progress(None, "startup", Decimal(80), Fraction(50), Fraction(0))
    assert totals["performance"].target is None
    assert totals["funds_arrived"].target is None


def test_a_reader_sees_the_units_of_the_scope_and_totals_of_them_alone(db):
    bureau(db)
    targets(db, 吉首={"signings": 4}, 凤凰={"signings": 1})
    staff = person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    found = attainment(db, staff, 2026, TODAY)
    assert {row.unit.short_name for row in found.rows} == {"凤凰"}
    totals = {row.measure: row for row in found.totals}
    assert (totals["signings"].target, totals["signings"].actual) == (1, 1)
    assert totals["startup"].actual == 0
    assert [(cell.unit_id, cell.value) for cell in targets_of(db, staff, 2026)] == [(staff.unit_id, 1)]
    for nobody in (person("admin", Role.ADMIN), person("qianqi", Role.TASKFORCE, industries=(1,))):
        assert attainment(db, nobody, 2026, TODAY).rows == []
        assert targets_of(db, nobody, 2026) == []


def test_a_year_to_come_has_no_figures_yet_and_a_past_one_counts_in_full(db):
    bureau(db)
    targets(db, 吉首={"signings": 4})
    future = attainment(db, SYSTEM, 2027, TODAY)
    assert (future.elapsed, of(future, "吉首", "signings").actual) == (0, None)
    assert of(future, "吉首", "signings").last_year == 3
    past = attainment(db, SYSTEM, 2025, TODAY)
    assert (past.elapsed, past.as_of, of(past, "吉首", "signings").actual) == (1, date(2025, 12, 31), 1)
    assert target_years(db, today=date(2028, 1, 1)) == [2029, 2028, 2026]


def test_the_frame_is_in_the_size_asked_for(db):
    rows = [Progress(None, "funds_arrived", Decimal(20_000), Fraction(5_000), None)]
    frame = attainment_frame(rows, size=Decimal(10_000))
    assert frame[["target", "actual", "share"]].to_numpy().tolist() == [[2.0, 0.5, 25.0]]
    assert frame["last_year"].isna().tolist() == [True]
    assert len(attainment_frame([])) == 0
