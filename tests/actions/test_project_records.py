"""What hangs on a project: each record with its rules and rights, and the project's own dates always following."""

from datetime import date, datetime

import pytest

from crm.actions.project_records import (
    add_agreement,
    add_arrival,
    add_commitment,
    change_agreement,
    change_commitment,
    fulfil_commitment,
    raise_difficulty,
    resolve_difficulty,
    set_milestone,
    withdraw_arrival,
)
from crm.actions.projects import create_project, move_stage
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import MilestoneKind, ProjectDraft, Role, Stage
from tests.probes import TODAY, dump, insert_enterprise, person, wan

LATER = datetime(2026, 6, 30, 9, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
MOMENT = {"now": LATER, "today": TODAY}
SIGNED_ON = date(2026, 5, 1)
pytestmark = pytest.mark.usefixtures("records_agree")


@pytest.fixture
def lead(db, staff, units):
    """The id of a project of 吉首 in negotiation."""
    investor = insert_enterprise(db, "杭州云顶茶业有限公司", owner_unit_id=units["吉首"])
    industry = db.value("select min(id) from industry")
    draft = ProjectDraft("云顶项目", investor, industry_id=industry, entered_on=date(2026, 3, 1))
    made = create_project(db, staff, draft, **MOMENT)
    values = {"planned_investment": wan(12_000), "negotiating_on": date(2026, 4, 1)}
    move_stage(db, staff, made, 1, Stage.NEGOTIATION, values=values, **MOMENT)
    return made


@pytest.fixture
def signed(db, staff, lead):
    """The same project, signed on 2026-05-01 and planned to start on 2026-06-15."""
    values = {
        "agreement_number": "甲-1",
        "agreement_kind": "framework",
        "signed_on": SIGNED_ON,
        "contracted_amount": wan(10_000),
        "planned_start_on": date(2026, 6, 15),
    }
    move_stage(db, staff, lead, 2, Stage.SIGNED, values=values, **MOMENT)
    return lead


def refused(call):
    """The fields that a call is refused for."""
    with pytest.raises(Invalid) as invalid:
        call()
    return set(invalid.value.fields)


def one(db, table, columns):
    """The chosen columns of a table's only record."""
    (row,) = db.rows(f"select {columns} from {table}")
    return row


# ---------------------------------------------------------------------------------------------------------- milestones


def test_a_step_is_planned_and_reached_with_its_owner_and_evidence(db, staff, signed, units):
    land = {"planned_on": date(2026, 6, 1), "owner": "向晓红", "unit_id": units["吉首"]}
    set_milestone(db, staff, signed, MilestoneKind.LAND, None, land, **MOMENT)
    reached = {"actual_on": date(2026, 6, 20), "evidence": "土地证"}
    set_milestone(db, staff, signed, MilestoneKind.LAND, 1, reached, **MOMENT)
    assert db.rows("select planned_on, actual_on, owner, unit_id, evidence from milestone where kind = 'land'") == [
        (date(2026, 6, 1), date(2026, 6, 20), "向晓红", units["吉首"], "土地证")
    ]


def test_the_planned_start_of_the_milestone_is_the_projects_own(db, staff, signed):
    set_milestone(db, staff, signed, MilestoneKind.START, 1, {"planned_on": date(2026, 8, 1)}, **MOMENT)
    assert one(db, "project", "planned_start_on") == (date(2026, 8, 1),)
    assert refused(
        lambda: set_milestone(db, staff, signed, MilestoneKind.START, 2, {"planned_on": None}, **MOMENT)
    ) == {"planned_on"}


def test_an_actual_date_that_a_stage_is_known_by_comes_with_the_move_and_is_corrected_here(db, staff, signed):
    started = {"actual_on": date(2026, 6, 20)}
    assert refused(lambda: set_milestone(db, staff, signed, MilestoneKind.START, 1, started, **MOMENT)) == {"actual_on"}
    values = {
        "company_name": "吉首云顶有限公司",
        "company_credit_code": "91433101MA4L0000X0",
        "registered_on": date(2026, 5, 20),
        "started_on": date(2026, 6, 18),
        "evidence": "施工许可证",
    }
    version = one(db, "project", "version")[0]
    move_stage(db, staff, signed, version, Stage.STARTED, values=values, **MOMENT)
    set_milestone(db, staff, signed, MilestoneKind.START, 2, started, **MOMENT)
    assert one(db, "project", "started_on") == (date(2026, 6, 20),)
    assert refused(lambda: set_milestone(db, staff, signed, MilestoneKind.START, 3, {"actual_on": None}, **MOMENT)) == {
        "actual_on"
    }


@pytest.mark.parametrize("day", [date(2026, 7, 1), date(2026, 2, 28)])
def test_a_step_is_not_reached_after_today_nor_before_the_lead(db, staff, signed, day):
    assert refused(
        lambda: set_milestone(db, staff, signed, MilestoneKind.FILING, None, {"actual_on": day}, **MOMENT)
    ) == {"actual_on"}


def test_a_step_without_any_date_is_none(db, staff, signed):
    before = dump(db)
    assert refused(
        lambda: set_milestone(db, staff, signed, MilestoneKind.LAND, None, {"owner": "向晓红"}, **MOMENT)
    ) == {"planned_on"}
    assert dump(db) == before


def test_two_people_cannot_overwrite_each_others_step(db, staff, signed):
    planned = {"planned_on": date(2026, 8, 1)}
    before = dump(db)
    for version in (None, 7):
        with pytest.raises(Conflict):
            set_milestone(db, staff, signed, MilestoneKind.START, version, planned, **MOMENT)
    with pytest.raises(Conflict):
        set_milestone(db, staff, signed, MilestoneKind.LAND, 1, planned, **MOMENT)
    assert dump(db) == before


# --------------------------------------------------------------------------------------------------------------- funds


def test_the_first_funds_follow_from_the_arrivals_and_go_with_the_last_of_them(db, staff, signed):
    late = add_arrival(db, staff, signed, arrived_on=date(2026, 6, 20), amount=wan(100), voucher="V-1", **MOMENT)
    early = add_arrival(db, staff, signed, arrived_on=date(2026, 6, 10), amount=wan(200), kind="设备", **MOMENT)
    shown = (
        "select p.first_funds_on, m.actual_on from project p"
        " join milestone m on m.project_id = p.id and m.kind = 'first_funds'"
    )
    assert db.rows(shown) == [(date(2026, 6, 10), date(2026, 6, 10))]
    withdraw_arrival(db, staff, early, 1, reason="登记重复", now=LATER)
    assert db.rows(shown) == [(date(2026, 6, 20), date(2026, 6, 20))]
    withdraw_arrival(db, staff, late, 1, reason="退回", now=LATER)
    assert db.rows(shown) == [(None, None)]
    # The step that was left without a date is planned anew as if it had never been there.
    set_milestone(db, staff, signed, MilestoneKind.FIRST_FUNDS, None, {"planned_on": date(2026, 8, 1)}, **MOMENT)
    assert db.rows("select planned_on, actual_on from milestone where kind = 'first_funds'") == [
        (date(2026, 8, 1), None)
    ]


def test_what_an_arrival_lacks_or_repeats_is_named(db, staff, signed):
    def add(**values):
        given = {"arrived_on": date(2026, 6, 10), "amount": wan(200)} | values
        return add_arrival(db, staff, signed, **given, **MOMENT)

    add(voucher="V-1")
    before = dump(db)
    assert refused(lambda: add(arrived_on=None, amount=None)) == {"arrived_on", "amount"}
    assert refused(lambda: add(arrived_on=date(2026, 7, 1), amount=wan(-1))) == {"arrived_on", "amount"}
    assert refused(lambda: add(voucher=" V-1 ", amount=wan(5))) == {"voucher"}
    assert refused(add) == {"amount"}
    assert dump(db) == before
    add(accept_same=True)
    assert db.rows("select voucher, occurrence from fund_arrival order by id") == [("V-1", 1), (None, 2)]


def test_the_first_funds_milestone_says_what_the_arrivals_say(db, staff, signed):
    set_milestone(db, staff, signed, MilestoneKind.FIRST_FUNDS, None, {"actual_on": date(2026, 6, 1)}, **MOMENT)
    assert one(db, "project", "first_funds_on") == (date(2026, 6, 1),)
    add_arrival(db, staff, signed, arrived_on=date(2026, 6, 10), amount=wan(1), **MOMENT)
    assert one(db, "project", "first_funds_on") == (date(2026, 6, 10),)
    assert refused(
        lambda: set_milestone(
            db, staff, signed, MilestoneKind.FIRST_FUNDS, 2, {"actual_on": date(2026, 6, 1)}, **MOMENT
        )
    ) == {"actual_on"}


def test_staff_take_back_their_own_arrivals_only_and_say_why(db, staff, head, signed):
    arrival = add_arrival(db, head, signed, arrived_on=date(2026, 6, 10), amount=wan(1), **MOMENT)
    with pytest.raises(Denied):
        withdraw_arrival(db, staff, arrival, 1, reason="误", now=LATER)
    assert refused(lambda: withdraw_arrival(db, head, arrival, 1, reason=" ", now=LATER)) == {"reason"}
    withdraw_arrival(db, head, arrival, 1, reason="误", now=LATER)
    with pytest.raises(NotFound):
        withdraw_arrival(db, head, arrival, 2, reason="误", now=LATER)


# ---------------------------------------------------------------------------------------------------------- agreements


CONTRACT = {"number": "甲-2", "kind": "contract", "signed_on": date(2026, 5, 20), "amount": wan(9_000)}
SIGNING = "signed_on, agreement_kind, contracted_amount"


def test_the_earliest_active_agreement_is_the_signing(db, staff, signed):
    add_agreement(db, staff, signed, CONTRACT, **MOMENT)
    assert one(db, "project", SIGNING) == (SIGNED_ON, "framework", wan(10_000))
    (first,) = db.rows("select id from agreement where number = '甲-1'")[0]
    change_agreement(db, staff, first, 1, {"status": "terminated"}, **MOMENT)
    assert one(db, "project", SIGNING) == (date(2026, 5, 20), "contract", wan(10_000))
    change_agreement(db, staff, first, 2, {"status": "active", "signed_on": date(2026, 4, 28)}, **MOMENT)
    assert one(db, "project", SIGNING) == (date(2026, 4, 28), "framework", wan(10_000))


def test_the_contracted_amount_follows_the_agreement_that_stated_it(db, staff, signed):
    (first,) = db.rows("select id from agreement")[0]
    change_agreement(db, staff, first, 1, {"amount": wan(10_500)}, **MOMENT)
    assert one(db, "project", SIGNING) == (SIGNED_ON, "framework", wan(10_500))


def test_the_only_agreement_of_a_signed_project_stays_until_it_is_moved_back(db, staff, signed):
    (first,) = db.rows("select id from agreement")[0]
    before = dump(db)
    assert refused(lambda: change_agreement(db, staff, first, 1, {"status": "terminated"}, **MOMENT)) == {"status"}
    assert dump(db) == before
    version = one(db, "project", "version")[0]
    move_stage(db, staff, signed, version, Stage.NEGOTIATION, note="协议失效，重谈", **MOMENT)
    change_agreement(db, staff, first, 1, {"status": "terminated"}, **MOMENT)
    assert one(db, "project", "stage, signed_on, agreement_kind") == ("negotiation", None, None)


def test_the_first_agreement_comes_with_the_move(db, staff, lead):
    assert refused(lambda: add_agreement(db, staff, lead, CONTRACT, **MOMENT)) == {"signed_on"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"number": " "}, {"number"}),
        ({"number": "甲-1"}, {"number"}),
        ({"kind": None}, {"kind"}),
        ({"kind": "promise"}, {"kind"}),
        ({"signed_on": None}, {"signed_on"}),
        ({"signed_on": date(2026, 7, 1)}, {"signed_on"}),
        ({"signed_on": date(2026, 2, 1)}, {"signed_on"}),
        ({"amount": wan(-1)}, {"amount"}),
        ({"status": "gone"}, {"status"}),
    ],
)
def test_what_an_agreement_cannot_be_is_named(db, staff, signed, changes, fields):
    before = dump(db)
    assert refused(lambda: add_agreement(db, staff, signed, CONTRACT | changes, **MOMENT)) == fields
    assert dump(db) == before


# ------------------------------------------------------------------------------------------ commitments, difficulties


PROMISE = {
    "party": "government",
    "clause": "三年租金减免",
    "kind": "fee",
    "amount": wan(50),
    "due_on": date(2026, 6, 1),
}


def test_a_promise_is_written_down_changed_and_kept(db, staff, signed, units):
    agreement = db.value("select id from agreement")
    made = add_commitment(db, staff, signed, PROMISE | {"agreement_id": agreement, "unit_id": units["吉首"]}, now=LATER)
    change_commitment(db, staff, made, 1, {"clause": "五年租金减免"}, now=LATER)
    with pytest.raises(Conflict):
        change_commitment(db, staff, made, 1, {"clause": "一年"}, now=LATER)
    for day in (None, date(2026, 7, 1), date(2026, 2, 1)):
        assert refused(lambda day=day: fulfil_commitment(db, staff, made, 2, fulfilled_on=day, **MOMENT)) == {
            "fulfilled_on"
        }
    fulfil_commitment(db, staff, made, 2, fulfilled_on=date(2026, 6, 20), **MOMENT)
    assert one(db, "commitment", "party, clause, amount, agreement_id, unit_id, fulfilled_on") == (
        "government",
        "五年租金减免",
        wan(50),
        agreement,
        units["吉首"],
        date(2026, 6, 20),
    )


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"party": None}, {"party"}),
        ({"party": "bank"}, {"party"}),
        ({"clause": "  "}, {"clause"}),
        ({"clause": "已有条款"}, {"clause"}),
        ({"kind": "wish"}, {"kind"}),
        ({"amount": wan(-1)}, {"amount"}),
        ({"agreement_id": 1}, {"agreement_id"}),
    ],
)
def test_what_a_promise_cannot_be_is_named(db, staff, signed, changes, fields):
    add_commitment(db, staff, signed, PROMISE | {"clause": "已有条款"}, now=LATER)
    before = dump(db)
    assert refused(lambda: add_commitment(db, staff, signed, PROMISE | changes, now=LATER)) == fields
    assert dump(db) == before


def test_a_difficulty_is_raised_and_resolved(db, staff, signed, units):
    trouble = {"kind": "power", "phase": "construction", "content": " 用电未落实 ", "unit_id": units["高新区"]}
    made = raise_difficulty(db, staff, signed, trouble | {"due_on": date(2026, 7, 30)}, **MOMENT)
    for values, fields in (
        ({"resolved_on": None, "result": "通电"}, {"resolved_on"}),
        ({"resolved_on": date(2026, 7, 1), "result": " "}, {"resolved_on", "result"}),
        ({"resolved_on": date(2026, 6, 29), "result": "通电"}, {"resolved_on"}),
    ):
        assert refused(lambda values=values: resolve_difficulty(db, staff, made, 1, **values, **MOMENT)) == fields
    resolve_difficulty(db, staff, made, 1, resolved_on=TODAY, result="专线通电", **MOMENT)
    assert one(db, "difficulty", "kind, phase, content, raised_on, unit_id, due_on, resolved_on, result") == (
        "power",
        "construction",
        "用电未落实",
        TODAY,
        units["高新区"],
        date(2026, 7, 30),
        TODAY,
        "专线通电",
    )


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"content": ""}, {"content"}),
        ({"kind": "luck"}, {"kind"}),
        ({"phase": "someday"}, {"phase"}),
        ({"raised_on": None}, {"raised_on"}),
        ({"raised_on": date(2026, 7, 1)}, {"raised_on"}),
        ({"due_on": date(2026, 6, 1)}, {"due_on"}),
    ],
)
def test_what_a_difficulty_cannot_be_is_named(db, staff, signed, changes, fields):
    before = dump(db)
    given = {"content": "用电未落实"} | changes
    assert refused(lambda: raise_difficulty(db, staff, signed, given, **MOMENT)) == fields
    assert dump(db) == before


# -------------------------------------------------------------------------------------------------------------- rights


def test_another_unit_finds_none_of_it_and_a_reader_may_change_none(db, staff, head, signed, units):
    land = {"planned_on": date(2026, 6, 1)}
    arrival = add_arrival(db, staff, signed, arrived_on=date(2026, 6, 10), amount=wan(1), **MOMENT)
    promise = add_commitment(db, staff, signed, PROMISE, now=LATER)
    trouble = raise_difficulty(db, staff, signed, {"content": "用电未落实"}, **MOMENT)
    agreement = db.value("select min(id) from agreement")
    writes = (
        lambda who: set_milestone(db, who, signed, MilestoneKind.LAND, None, land, **MOMENT),
        lambda who: add_arrival(db, who, signed, arrived_on=TODAY, amount=wan(1), **MOMENT),
        lambda who: withdraw_arrival(db, who, arrival, 1, reason="误", now=LATER),
        lambda who: add_agreement(db, who, signed, CONTRACT, **MOMENT),
        lambda who: change_agreement(db, who, agreement, 1, {"note": "改"}, **MOMENT),
        lambda who: add_commitment(db, who, signed, PROMISE | {"clause": "另一条"}, now=LATER),
        lambda who: change_commitment(db, who, promise, 1, {"note": "改"}, now=LATER),
        lambda who: fulfil_commitment(db, who, promise, 1, fulfilled_on=TODAY, **MOMENT),
        lambda who: raise_difficulty(db, who, signed, {"content": "另一件"}, **MOMENT),
        lambda who: resolve_difficulty(db, who, trouble, 1, resolved_on=TODAY, result="好", **MOMENT),
    )
    before = dump(db)
    for write in writes:
        with pytest.raises(NotFound):
            write(person("wangwu", Role.UNIT_HEAD, unit_id=units["凤凰"]))
        with pytest.raises(Denied):
            write(person("sunba", Role.LEADER))
        with pytest.raises(NotFound):
            write(person("admin", Role.ADMIN))
    assert dump(db) == before


def test_a_column_that_nobody_may_type_is_a_defect(db, staff, signed):
    with pytest.raises(KeyError):
        set_milestone(db, staff, signed, MilestoneKind.LAND, None, {"verified_on": TODAY}, **MOMENT)
    with pytest.raises(KeyError):
        add_commitment(db, staff, signed, PROMISE | {"fulfilled_on": TODAY}, now=LATER)
