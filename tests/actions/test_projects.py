"""Moving a project: all that a stage requires, one transaction, the log, and nothing changed where it is refused."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from crm import store
from crm.actions.projects import missing_for, move_stage, transfer_project, withdraw_project
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import Actor, Role, Stage
from crm.reports.findings import findings
from tests.bureaus import NOW, project, put

TODAY = date(2026, 6, 30)
SYSTEM = Actor("system:test")
LATER = datetime(2026, 6, 30, 9, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
SIGNING = {
    "responsible_person": "向晓红",
    "planned_investment": Decimal("120000000.00"),
    "agreement_number": "XX-2026-01",
    "agreement_kind": "contract",
    "signed_on": date(2026, 6, 1),
    "contracted_amount": Decimal("100000000.00"),
    "planned_start_on": date(2026, 9, 1),
}


@pytest.fixture
def units(db):
    """The units' ids by name."""
    return dict(db.rows("select name, id from unit"))


@pytest.fixture
def lead(db, units):
    """The id of one project of 吉首市 in negotiation since May."""
    put(
        db,
        [
            project(
                "吉首市",
                entered_on=date(2026, 3, 1),
                holders=[(date(2026, 3, 1), "吉首市")],
                negotiating_on=date(2026, 5, 1),
            )
        ],
        unit_ids=units,
    )
    with store.transaction(db, actor="test", now=NOW) as work:
        project_id = work.value("select id from project")
        industry = work.value("select min(id) from industry")
        work.update("project", project_id, 1, {"industry_id": industry})
    return int(project_id)


def _dump(db):
    return {
        table: db.rows(f"select * from {table} order by id")
        for table in ("project", "project_unit", "agreement", "milestone", "stage_log", "audit")
    }


def test_signing_writes_project_agreement_milestone_and_log_together(db, lead):
    move_stage(db, SYSTEM, lead, 2, Stage.SIGNED, values=SIGNING, now=LATER, today=TODAY)
    (row,) = db.records("select stage, signed_on, agreement_kind, contracted_amount, planned_start_on from project")
    assert row == {
        "stage": "signed",
        "signed_on": date(2026, 6, 1),
        "agreement_kind": "contract",
        "contracted_amount": Decimal("100000000.00"),
        "planned_start_on": date(2026, 9, 1),
    }
    assert db.rows("select number, kind, signed_on, amount from agreement") == [
        ("XX-2026-01", "contract", date(2026, 6, 1), Decimal("100000000.00"))
    ]
    assert db.rows("select kind, planned_on, actual_on from milestone") == [("start", date(2026, 9, 1), None)]
    assert db.rows("select from_stage, to_stage, moved_on, days_in_stage, note from stage_log") == [
        ("negotiation", "signed", date(2026, 6, 1), 92, None)
    ]
    assert [f for f in findings(db, today=TODAY) if f.severity == "blocking"] == []
    assert store.verify_audit(db) == []


def test_what_is_missing_is_named_and_nothing_changes(db, lead):
    before = _dump(db)
    with pytest.raises(Invalid) as refused:
        move_stage(db, SYSTEM, lead, 2, Stage.SIGNED, values={"signed_on": date(2026, 6, 1)}, now=LATER, today=TODAY)
    assert set(refused.value.fields) == {
        "responsible_person",
        "planned_investment",
        "agreement_number",
        "agreement_kind",
        "contracted_amount",
        "planned_start_on",
    }
    assert set(missing_for(db, SYSTEM, lead, Stage.SIGNED)) == set(refused.value.fields) | {"signed_on"}
    assert _dump(db) == before


def test_a_start_keeps_its_evidence_at_the_milestone(db, lead):
    move_stage(db, SYSTEM, lead, 2, Stage.SIGNED, values=SIGNING, now=LATER, today=TODAY)
    started = {
        "company_name": "吉首新厂有限公司",
        "company_credit_code": "91433101MA4L0000X0",
        "registered_on": date(2026, 6, 10),
        "started_on": date(2026, 6, 20),
        "evidence": "施工许可证",
    }
    move_stage(db, SYSTEM, lead, 3, Stage.STARTED, values=started, now=LATER, today=TODAY)
    assert db.rows("select kind, planned_on, actual_on, evidence from milestone order by kind") == [
        ("registration", None, date(2026, 6, 10), "施工许可证"),
        ("start", date(2026, 9, 1), date(2026, 6, 20), "施工许可证"),
    ]
    assert db.value("select max(days_in_stage) from stage_log where to_stage = 'started'") == 19


def test_a_date_after_today_is_refused(db, lead):
    with pytest.raises(Invalid) as refused:
        move_stage(
            db, SYSTEM, lead, 2, Stage.SIGNED, values=SIGNING | {"signed_on": date(2026, 7, 1)}, now=LATER, today=TODAY
        )
    assert list(refused.value.fields) == ["signed_on"]


def test_moving_back_needs_a_reason(db, lead):
    move_stage(db, SYSTEM, lead, 2, Stage.SIGNED, values=SIGNING, now=LATER, today=TODAY)
    with pytest.raises(Invalid) as refused:
        move_stage(db, SYSTEM, lead, 3, Stage.NEGOTIATION, now=LATER, today=TODAY)
    assert list(refused.value.fields) == ["note"]
    move_stage(db, SYSTEM, lead, 3, Stage.NEGOTIATION, note="对方要求重谈", now=LATER, today=TODAY)
    assert db.value("select stage from project") == "negotiation"
    # Entered again, it is entered today; and so is what follows, whatever day the agreement bears.
    move_stage(db, SYSTEM, lead, 4, Stage.SIGNED, now=LATER, today=TODAY)
    assert db.rows("select to_stage, moved_on, days_in_stage from stage_log order by id") == [
        ("signed", date(2026, 6, 1), 92),
        ("negotiation", TODAY, 29),
        ("signed", TODAY, 0),
    ]


def test_an_old_version_is_a_conflict_and_changes_nothing(db, lead):
    before = _dump(db)
    with pytest.raises(Conflict):
        move_stage(db, SYSTEM, lead, 1, Stage.SIGNED, values=SIGNING, now=LATER, today=TODAY)
    assert _dump(db) == before


def test_another_unit_and_a_leader_may_not_move_it(db, lead, units):
    before = _dump(db)
    stranger = Actor("wangwu", 1, "王五", units["凤凰县"], frozenset({Role.STAFF}))
    leader = Actor("sunba", 2, "孙八", None, frozenset({Role.LEADER}))
    with pytest.raises(NotFound):
        move_stage(db, stranger, lead, 2, Stage.SIGNED, values=SIGNING, now=LATER, today=TODAY)
    with pytest.raises(NotFound):
        missing_for(db, stranger, lead, Stage.SIGNED)
    with pytest.raises(Denied):
        move_stage(db, leader, lead, 2, Stage.SIGNED, values=SIGNING, now=LATER, today=TODAY)
    assert _dump(db) == before


def test_withdrawing_needs_a_reason_and_keeps_the_stage(db, lead):
    with pytest.raises(Invalid) as refused:
        withdraw_project(db, SYSTEM, lead, 2, withdrawn_on=date(2026, 6, 2), reason=" ", now=LATER, today=TODAY)
    assert list(refused.value.fields) == ["withdrawn_reason"]
    withdraw_project(db, SYSTEM, lead, 2, withdrawn_on=date(2026, 6, 2), reason="资金未落实", now=LATER, today=TODAY)
    assert db.rows("select stage, status, withdrawn_on, withdrawn_reason from project") == [
        (db.value("select stage from project"), "withdrawn", date(2026, 6, 2), "资金未落实")
    ]


def test_a_transfer_keeps_the_history_and_a_second_one_the_same_day_replaces_it(db, lead, units):
    first = {"valid_from": date(2026, 4, 1), "now": LATER, "today": TODAY}
    transfer_project(db, SYSTEM, lead, 2, units["凤凰县"], **first)
    transfer_project(db, SYSTEM, lead, 3, units["龙山县"], **first)
    assert db.rows("select unit_id, valid_from, valid_to, is_first from project_unit order by valid_from") == [
        (units["吉首市"], date(2026, 3, 1), date(2026, 4, 1), True),
        (units["龙山县"], date(2026, 4, 1), None, False),
    ]
    assert db.value("select unit_id from project") == units["龙山县"]
    with pytest.raises(Invalid):
        transfer_project(db, SYSTEM, lead, 4, units["凤凰县"], valid_from=date(2026, 7, 1), now=LATER, today=TODAY)
