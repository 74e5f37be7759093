"""What a ledger changes of a claim is claimed anew, exactly as on the page; points obey the same bounds."""

from datetime import date

import pytest

from crm.actions.verification import Claim, accept, return_claims
from tests.exchange.sheets import BASIC_PROJECT, NOW, SYSTEM, TODAY, Desk

VERDICT = "verified_on is not null, returned_on is not null"
STEP = {"项目编号": "P1", "节点": "用地", "实际日期": "2026-05-01", "佐证说明": "土地证"}
MONEY = {"项目编号": "P1", "到位日期": "2026-05-10", "到位金额": "10", "凭证号": "V1"}


@pytest.fixture
def project(desk: Desk) -> Desk:
    """A desk with one project, a step and two arrivals of it, all with evidence and verified."""
    desk.take("enterprises", {"企业名称": "甲公司", "责任单位": "吉首市"})
    desk.take("projects", BASIC_PROJECT | {"线索日期": "2026-01-01"})
    desk.take("milestones", STEP)
    desk.take("funds", MONEY, MONEY | {"到位日期": "2026-05-20", "凭证号": "V2"})
    with desk.db.transaction() as session:
        session.execute("update fund_arrival set evidence = '进账单'")
    accept(desk.db, SYSTEM, claims(desk), now=NOW, today=TODAY)
    return desk


def claims(desk: Desk) -> list[Claim]:
    """The step and the arrivals as they stand."""
    return [
        Claim(table, *row)
        for table, where in (("milestone", "kind = 'land'"), ("fund_arrival", "archived_at is null"))
        for row in desk.rows(f"select id, version from {table} where {where} order by id")
    ]


def land(desk: Desk) -> object:
    """Whether the step is verified, and whether it is returned."""
    return desk.rows(f"select {VERDICT} from milestone where kind = 'land'")[0]


def first_funds(desk: Desk) -> object:
    """The day of the first funds, and whether they are verified."""
    return desk.rows("select actual_on, verified_on is not null from milestone where kind = 'first_funds'")[0]


def test_a_ledger_that_says_the_same_leaves_verifications_alone(project: Desk) -> None:
    project.take("milestones", STEP)
    project.take("funds", MONEY)
    assert (land(project), first_funds(project)) == ((True, False), (date(2026, 5, 10), True))


def test_another_date_of_a_step_is_claimed_anew(project: Desk) -> None:
    project.take("milestones", STEP | {"实际日期": "2026-05-02"})
    assert land(project) == (False, False)


def test_other_evidence_takes_a_return_off_and_lets_a_verification_stand(project: Desk) -> None:
    project.take("milestones", STEP | {"佐证说明": "不动产权证"})
    assert land(project) == (True, False)
    return_claims(project.db, SYSTEM, claims(project), reason="缺盖章", now=NOW, today=TODAY)
    assert land(project) == (False, True)
    project.take("milestones", STEP | {"佐证说明": "不动产权证（盖章）"})
    assert land(project) == (False, False)


def test_first_funds_follow_their_arrivals_through_a_ledger(project: Desk) -> None:
    project.take("funds", MONEY | {"到位金额": "11"})
    assert first_funds(project) == (date(2026, 5, 10), False)
    # Moved behind the other arrival, which is verified.
    project.take("funds", MONEY | {"到位日期": "2026-06-01"})
    assert first_funds(project) == (date(2026, 5, 20), True)
    project.take("funds", MONEY | {"到位日期": "2026-04-01", "凭证号": "V3"})
    assert first_funds(project) == (date(2026, 4, 1), False)
    project.take("funds", MONEY | {"到位日期": "2026-04-02", "凭证号": "V4"})
    assert first_funds(project) == (date(2026, 4, 1), False)


@pytest.mark.parametrize("points", ["0", "100.5", "-101"])
def test_points_out_of_bounds_are_refused_as_on_the_page(quick_desk: Desk, points: str) -> None:
    row = {"月份": "2026-05", "责任单位": "吉首市", "分值": points, "原因": "迟报"}
    quick_desk.take("adjustments", row)
    assert quick_desk.rows("select points from adjustment") == []
