"""A project is begun, changed, marked, withdrawn and reinstated; after each of it the records agree with each other."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from crm.actions.projects import (
    asked_for,
    change_project,
    create_project,
    mark_stalled,
    move_stage,
    reinstate_project,
    withdraw_project,
)
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import ProjectDraft, Role, Stage
from tests.probes import SYSTEM, TODAY, dump, insert, insert_enterprise, insert_project, person, wan

LATER = datetime(2026, 6, 30, 9, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
MOMENT = {"now": LATER, "today": TODAY}
pytestmark = pytest.mark.usefixtures("records_agree")


@pytest.fixture
def investor(db, units):
    """An enterprise of 吉首."""
    return insert_enterprise(db, "杭州云顶茶业有限公司", owner_unit_id=units["吉首"])


@pytest.fixture
def chain(db):
    """The first two chains and a segment of the first."""
    first, second = (row[0] for row in db.rows("select id from industry order by display_order limit 2"))
    return first, second, db.value("select min(id) from segment where industry_id = $1", [first])


def only(db, table="project"):
    """The one record of a table."""
    (record,) = db.records(f"select * from {table}")
    return record


def refused(call):
    """The fields that a call is refused for."""
    with pytest.raises(Invalid) as invalid:
        call()
    return set(invalid.value.fields)


def test_a_project_begins_as_a_lead_of_its_unit_with_a_code_of_the_system(db, staff, investor, units, chain):
    draft = ProjectDraft(
        " 云顶精深加工项目 ",
        investor,
        industry_id=chain[0],
        segment_id=chain[2],
        planned_investment=wan(12_000),
        entered_on=date(2026, 6, 1),
        place="吉首经开区",
    )
    project_id = create_project(db, staff, draft, **MOMENT)
    found = only(db)
    assert {
        field: found[field]
        for field in ("id", "code", "name", "unit_id", "stage", "status", "entered_on", "entered_given", "segment_id")
    } == {
        "id": project_id,
        "code": "P2026-000001",
        "name": "云顶精深加工项目",
        "unit_id": units["吉首"],
        "stage": "lead",
        "status": "active",
        "entered_on": date(2026, 6, 1),
        "entered_given": True,
        "segment_id": chain[2],
    }
    assert (found["planned_investment"], found["responsible_person"]) == (wan(12_000), "zhangsan")
    assert db.rows("select unit_id, is_first, valid_from, valid_to from project_unit") == [
        (units["吉首"], True, date(2026, 6, 1), None)
    ]
    assert db.rows("select from_stage, to_stage, moved_on from stage_log") == [(None, "lead", date(2026, 6, 1))]


def test_the_next_code_follows_the_largest_of_the_year(db, staff, investor, units):
    insert_project(db, "P2026-000041", unit_id=units["凤凰"], enterprise_id=investor)
    insert_project(db, "P2026-x", unit_id=units["凤凰"], enterprise_id=investor)
    insert_project(db, "P2025-000900", unit_id=units["凤凰"], enterprise_id=investor)
    made = create_project(db, staff, ProjectDraft("新项目", investor), **MOMENT)
    assert db.value("select code from project where id = $1", [made]) == "P2026-000042"


def test_without_a_lead_date_it_begins_today_and_earlier_dates_stay_possible(db, staff, investor, chain):
    made = create_project(db, staff, ProjectDraft("新项目", investor, industry_id=chain[0]), **MOMENT)
    found = only(db)
    assert (found["entered_on"], found["entered_given"]) == (TODAY, False)
    values = {"planned_investment": wan(1), "negotiating_on": date(2026, 5, 1)}
    move_stage(db, staff, made, 1, Stage.NEGOTIATION, values=values, **MOMENT)
    assert only(db)["negotiating_on"] == date(2026, 5, 1)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": "  "}, {"name"}),
        ({"name": "长" * 121}, {"name"}),
        ({"name": "旧 项目"}, {"name"}),
        ({"code": "x-1"}, {"code"}),
        ({"code": "x" * 65}, {"code"}),
        ({"planned_investment": Decimal(-1)}, {"planned_investment"}),
        ({"entered_on": date(2026, 7, 1)}, {"entered_on"}),
    ],
)
def test_what_a_project_cannot_begin_with_is_named_and_nothing_is_kept(db, staff, investor, units, changes, fields):
    insert_project(db, "X-1", name="旧项目", unit_id=units["凤凰"], enterprise_id=investor)
    before = dump(db)
    draft = {"name": "新项目", "enterprise_id": investor} | changes
    assert refused(lambda: create_project(db, staff, ProjectDraft(**draft), **MOMENT)) == fields
    assert dump(db) == before


def test_nobody_begins_a_project_of_an_enterprise_or_for_a_unit_out_of_reach(db, staff, investor, units):
    hidden = insert_enterprise(db, "别家企业", owner_unit_id=units["凤凰"])
    before = dump(db)
    with pytest.raises(NotFound):
        create_project(db, staff, ProjectDraft("新项目", hidden), **MOMENT)
    with pytest.raises(Denied):
        create_project(db, staff, ProjectDraft("新项目", investor, unit_id=units["凤凰"]), **MOMENT)
    with pytest.raises(Denied):
        create_project(db, person("sunba", Role.LEADER), ProjectDraft("新项目", investor), **MOMENT)
    assert dump(db) == before


def test_a_dispatcher_says_which_unit_holds_it(db, investor, units):
    dispatcher = person("zhaoliu", Role.DISPATCHER)
    assert refused(lambda: create_project(db, dispatcher, ProjectDraft("新项目", investor), **MOMENT)) == {"unit_id"}
    create_project(db, dispatcher, ProjectDraft("新项目", investor, unit_id=units["凤凰"]), **MOMENT)
    assert only(db)["unit_id"] == units["凤凰"]


# ------------------------------------------------------------------------------------------------------------- changes


@pytest.fixture
def signed(db, staff, investor, chain):
    """The id of a project of 吉首, begun on 2026-03-01 and signed on 2026-05-01; its version is 2."""
    draft = ProjectDraft("云顶项目", investor, industry_id=chain[0], segment_id=chain[2], entered_on=date(2026, 3, 1))
    made = create_project(db, staff, draft, **MOMENT)
    values = {
        "planned_investment": wan(12_000),
        "negotiating_on": date(2026, 4, 1),
        "agreement_number": "甲-1",
        "agreement_kind": "contract",
        "signed_on": date(2026, 5, 1),
        "contracted_amount": wan(10_000),
        "planned_start_on": date(2026, 9, 1),
    }
    move_stage(db, staff, made, 1, Stage.SIGNED, values=values, **MOMENT)
    return made


def test_a_change_reaches_the_milestone_the_agreement_and_the_first_holding(db, staff, signed):
    changes = {
        "name": "云顶茶饮项目",
        "planned_start_on": date(2026, 10, 1),
        "contracted_amount": wan(11_000),
        "entered_on": date(2026, 2, 1),
        "note": " 已更名 ",
    }
    change_project(db, staff, signed, 2, changes, **MOMENT)
    found = only(db)
    assert {field: found[field] for field in changes} == changes | {"note": "已更名"}
    assert found["version"] == 3
    assert "ydcyxm" in found["search_text"]
    assert db.rows("select kind, planned_on from milestone") == [("start", date(2026, 10, 1))]
    assert db.value("select amount from agreement") == wan(11_000)
    assert db.value("select valid_from from project_unit") == date(2026, 2, 1)


def test_another_chain_lets_go_of_the_segment(db, staff, signed, chain):
    assert refused(
        lambda: change_project(db, staff, signed, 2, {"industry_id": chain[1], "segment_id": chain[2]}, **MOMENT)
    ) == {"segment_id"}
    change_project(db, staff, signed, 2, {"industry_id": chain[1]}, **MOMENT)
    found = only(db)
    assert (found["industry_id"], found["segment_id"]) == (chain[1], None)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"responsible_person": " "}, {"responsible_person"}),
        ({"planned_start_on": None}, {"planned_start_on"}),
        ({"contracted_amount": Decimal("-0.01")}, {"contracted_amount"}),
        ({"negotiating_on": date(2026, 2, 1)}, {"negotiating_on"}),
        ({"entered_on": date(2026, 4, 2)}, {"negotiating_on"}),
        ({"entered_on": None}, {"entered_on"}),
    ],
)
def test_what_the_stage_requires_cannot_be_emptied_nor_a_date_be_impossible(db, staff, signed, changes, fields):
    before = dump(db)
    assert refused(lambda: change_project(db, staff, signed, 2, changes, **MOMENT)) == fields
    assert dump(db) == before


def test_only_what_is_touched_is_checked_so_that_an_imperfect_project_can_be_repaired(db, staff, investor, units):
    bare = insert_project(
        db, "X-1", unit_id=units["吉首"], enterprise_id=investor, stage="negotiation", negotiating_on=date(2026, 2, 1)
    )
    change_project(db, staff, bare, 1, {"place": "乾州"}, **MOMENT)
    assert only(db)["place"] == "乾州"


def test_a_date_of_a_stage_comes_with_the_move_and_stays_while_the_project_is_there(db, staff, investor, units, chain):
    lead = create_project(db, staff, ProjectDraft("新项目", investor, industry_id=chain[0]), **MOMENT)
    early = {"negotiating_on": date(2026, 5, 1)}
    assert refused(lambda: change_project(db, staff, lead, 1, early, **MOMENT)) == {"negotiating_on"}
    move_stage(db, staff, lead, 1, Stage.NEGOTIATION, values=early | {"planned_investment": wan(1)}, **MOMENT)
    assert refused(lambda: change_project(db, staff, lead, 2, {"negotiating_on": None}, **MOMENT)) == {"negotiating_on"}
    change_project(db, staff, lead, 2, {"negotiating_on": date(2026, 5, 3)}, **MOMENT)
    assert only(db)["negotiating_on"] == date(2026, 5, 3)


def test_an_old_version_and_another_unit_change_nothing(db, staff, signed, units):
    before = dump(db)
    with pytest.raises(Conflict):
        change_project(db, staff, signed, 1, {"place": "乾州"}, **MOMENT)
    stranger = person("wangwu", Role.STAFF, unit_id=units["凤凰"])
    with pytest.raises(NotFound):
        change_project(db, stranger, signed, 2, {"place": "乾州"}, **MOMENT)
    with pytest.raises(Denied):
        change_project(db, person("sunba", Role.LEADER), signed, 2, {"place": "乾州"}, **MOMENT)
    with pytest.raises(KeyError):
        change_project(db, staff, signed, 2, {"started_on": TODAY}, **MOMENT)
    assert dump(db) == before


# -------------------------------------------------------------------------------------------------------------- status


def test_a_withdrawn_project_moves_no_more_until_it_is_reinstated(db, staff, signed):
    withdraw_project(db, staff, signed, 2, withdrawn_on=date(2026, 6, 1), reason="资金未落实", **MOMENT)
    assert refused(lambda: move_stage(db, staff, signed, 3, Stage.NEGOTIATION, note="重谈", **MOMENT)) == {"status"}
    assert refused(lambda: mark_stalled(db, staff, signed, 3, stalled=False, now=LATER)) == {"status"}
    assert refused(lambda: reinstate_project(db, staff, signed, 3, reason=" ", now=LATER)) == {"reason"}
    reinstate_project(db, staff, signed, 3, reason="重新落实资金", now=LATER)
    found = only(db)
    assert (found["status"], found["withdrawn_on"], found["withdrawn_reason"], found["stage"]) == (
        "active",
        None,
        None,
        "signed",
    )
    assert db.rows("select note from audit where action = 'reinstate'") == [("重新落实资金",)]
    assert refused(lambda: reinstate_project(db, staff, signed, 4, reason="再次", now=LATER)) == {"status"}


def test_a_project_is_marked_as_stalled_with_its_reason_and_a_move_makes_it_active_again(db, staff, signed):
    assert refused(lambda: mark_stalled(db, staff, signed, 2, stalled=True, now=LATER)) == {"reason"}
    mark_stalled(db, staff, signed, 2, stalled=True, reason="用地未落实", now=LATER)
    assert only(db)["status"] == "stalled"
    move_stage(db, staff, signed, 3, Stage.NEGOTIATION, note="重谈", **MOMENT)
    assert only(db)["status"] == "active"


def test_a_move_asks_for_what_is_missing_and_for_what_the_stage_is_known_by(db, staff, signed):
    assert asked_for(db, staff, signed, Stage.STARTED) == {
        "company_name": None,
        "company_credit_code": None,
        "registered_on": None,
        "started_on": None,
        "evidence": None,
    }
    assert asked_for(db, staff, signed, Stage.NEGOTIATION) == {}
    move_stage(db, staff, signed, 2, Stage.NEGOTIATION, note="重谈", **MOMENT)
    assert asked_for(db, staff, signed, Stage.SIGNED) == {
        "agreement_number": "甲-1",
        "agreement_kind": "contract",
        "signed_on": date(2026, 5, 1),
        "contracted_amount": wan(10_000),
        "planned_start_on": date(2026, 9, 1),
    }


def test_what_a_move_asks_for_is_told_to_nobody_else(db, signed, units):
    with pytest.raises(NotFound):
        asked_for(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), signed, Stage.STARTED)
    assert asked_for(db, SYSTEM, signed, Stage.NEGOTIATION) == {}


def test_an_opportunity_out_of_reach_is_not_found(db, staff, investor, units, chain):
    theirs = insert(db, "opportunity", name="招商项目", name_key="x", unit_id=units["凤凰"], industry_id=chain[0])
    with pytest.raises(NotFound):
        create_project(db, staff, ProjectDraft("新项目", investor, opportunity_id=theirs), **MOMENT)
