"""The timetable with an enterprise: steps planned, changed, removed, done by a contact; and next steps put off."""

from datetime import date, timedelta

import pytest

from crm import store
from crm.actions import engagement
from crm.actions.followups import finish_step, postpone_step, reopen_step, withdraw_follow_up
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.locale import use_language
from crm.model import Role
from crm.reports.desk import Step, newest_contact, timetable
from tests.probes import NOW, TODAY, dump, insert, insert_enterprise, person

DAY = timedelta(days=1)


@pytest.fixture
def enterprise(db, units):
    return insert_enterprise(db, "湖南甲科技有限公司", owner_unit_id=units["吉首"])


def add(db, actor, enterprise_id, **more):
    given = {"step": "来访考察", "planned_on": TODAY + DAY, "owner": "张三", **more}
    return engagement.add_step(db, actor, enterprise_id, **given, now=NOW)


def follow_up(db, enterprise_id, **values):
    given = {"happened_on": TODAY, "method": "visit", "content": "谈", **values}
    return insert(db, "follow_up", by="zhangsan", enterprise_id=enterprise_id, **given)


def written(db):
    return db.rows("select actor, action, subject, note from audit where actor <> 'test' order by id")


# ---------------------------------------------------------------------------------------------------------- timetable


def test_a_step_is_planned_as_typed_changed_and_removed(db, staff, enterprise):
    before = len(written(db))
    step = add(db, staff, enterprise, step=" 来访考察 ", owner=" ")
    stored = db.records("select * from engagement_step")
    assert stored == [
        {
            "id": step,
            "version": 1,
            "created_at": NOW,
            "created_by": "zhangsan",
            "updated_at": NOW,
            "updated_by": "zhangsan",
            "archived_at": None,
            "enterprise_id": enterprise,
            "step": "来访考察",
            "planned_on": TODAY + DAY,
            "owner": None,
            "follow_up_id": None,
        }
    ]
    engagement.change_step(db, staff, step, 1, step="实地回访", planned_on=TODAY, owner="李四", now=NOW)
    assert timetable(db, staff, enterprise) == [Step(step, 2, "实地回访", TODAY, "李四", None)]
    engagement.remove_step(db, staff, step, 2, now=NOW)
    assert timetable(db, staff, enterprise) == []
    assert db.rows("select archived_at from engagement_step") == [(NOW,)]
    assert [entry[1:3] for entry in written(db)[before:]] == [
        ("create", "engagement_step"),
        ("update", "engagement_step"),
        ("remove", "engagement_step"),
    ]
    assert store.verify_audit(db) == []


def test_the_usual_steps_from_a_day_on_once(db, staff, enterprise):
    with use_language("zh_CN"):
        engagement.add_usual_steps(db, staff, enterprise, starts_on=TODAY, owner="张三", now=NOW)
    assert [(step.step, step.planned_on, step.owner) for step in timetable(db, staff, enterprise)] == [
        ("初次对接", date(2026, 6, 30), "张三"),
        ("来访考察", date(2026, 7, 14), "张三"),
        ("实地回访", date(2026, 7, 30), "张三"),
        ("方案洽谈", date(2026, 8, 14), "张三"),
        ("项目评审", date(2026, 8, 29), "张三"),
        ("协议签订", date(2026, 9, 28), "张三"),
    ]
    before = dump(db)
    for starts_on in (TODAY, None):
        with pytest.raises(Invalid) as refused:
            engagement.add_usual_steps(db, staff, enterprise, starts_on=starts_on, now=NOW)
        assert list(refused.value.fields) == ["starts_on"]
    assert dump(db) == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"step": " "}, "step"),
        ({"step": "字" * 201}, "step"),
        ({"planned_on": None}, "planned_on"),
        ({"owner": "字" * 41}, "owner"),
    ],
)
def test_what_is_missing_or_too_long_is_refused_at_its_field(db, staff, enterprise, wrong, field):
    step = add(db, staff, enterprise)
    before = dump(db)
    for do in (
        lambda values: add(db, staff, enterprise, **values),
        lambda values: engagement.change_step(
            db, staff, step, 1, **{"step": "x", "planned_on": TODAY, "owner": "", **values}, now=NOW
        ),
    ):
        with pytest.raises(Invalid) as refused:
            do(wrong)
        assert list(refused.value.fields) == [field]
    assert dump(db) == before


def test_a_step_is_done_by_a_contact_of_the_same_enterprise_and_opens_when_it_is_taken_back(
    db, staff, units, enterprise
):
    other = insert_enterprise(db, "另一家", owner_unit_id=units["吉首"])
    step = add(db, staff, enterprise)
    contact = follow_up(db, enterprise)
    before = dump(db)
    for wrong in (follow_up(db, other), follow_up(db, enterprise, archived_at=NOW), 999_999_999):
        with pytest.raises(Invalid) as refused:
            engagement.finish_step_by_contact(db, staff, step, 1, wrong, now=NOW)
        assert list(refused.value.fields) == ["follow_up"]
    assert dump(db)["engagement_step"] == before["engagement_step"]
    engagement.finish_step_by_contact(db, staff, step, 1, contact, now=NOW)
    assert timetable(db, staff, enterprise) == [Step(step, 2, "来访考察", TODAY + DAY, "张三", TODAY)]
    withdraw_follow_up(db, staff, contact, 1, reason="", now=NOW)
    assert timetable(db, staff, enterprise) == [Step(step, 2, "来访考察", TODAY + DAY, "张三", None)]


def test_the_newest_contact_is_the_one_to_be_named(db, staff, units, enterprise):
    assert newest_contact(db, staff, enterprise) is None
    newest = follow_up(db, enterprise)
    follow_up(db, enterprise, happened_on=TODAY - DAY)
    follow_up(db, enterprise, archived_at=NOW)
    assert newest_contact(db, staff, enterprise) == newest
    assert newest_contact(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), enterprise) is None


def test_a_done_step_is_opened_again_by_hand(db, staff, enterprise):
    step = add(db, staff, enterprise)
    engagement.finish_step_by_contact(db, staff, step, 1, follow_up(db, enterprise), now=NOW)
    engagement.reopen_step(db, staff, step, 2, now=NOW)
    assert timetable(db, staff, enterprise) == [Step(step, 3, "来访考察", TODAY + DAY, "张三", None)]


def test_nobody_else_touches_a_timetable_and_no_old_version_of_it(db, staff, units, enterprise):
    step, contact = add(db, staff, enterprise), follow_up(db, enterprise)
    removed = add(db, staff, enterprise)
    engagement.remove_step(db, staff, removed, 1, now=NOW)
    gone = insert_enterprise(db, "归档", owner_unit_id=units["吉首"], archived_at=NOW)
    of_gone = insert(db, "engagement_step", enterprise_id=gone, step="x", planned_on=TODAY)
    before = dump(db)
    stranger = person("wangwu", Role.STAFF, unit_id=units["凤凰"])
    leader = person("sunba", Role.LEADER)

    def attempts(actor, step_id, version):
        more = {"step": "x", "planned_on": TODAY, "now": NOW}
        return [
            lambda: engagement.change_step(db, actor, step_id, version, **more),
            lambda: engagement.remove_step(db, actor, step_id, version, now=NOW),
            lambda: engagement.finish_step_by_contact(db, actor, step_id, version, contact, now=NOW),
        ]

    for actor, step_id, version, error in (
        (stranger, step, 1, NotFound),
        (person("admin", Role.ADMIN), step, 1, NotFound),
        (leader, step, 1, Denied),
        (staff, step, 9, Conflict),
        (staff, removed, 2, NotFound),
        (staff, of_gone, 1, NotFound),
        (staff, 999_999_999, 1, NotFound),
    ):
        for attempt in attempts(actor, step_id, version):
            with pytest.raises(error):
                attempt()
    for actor, enterprise_id, error in (
        (stranger, enterprise, NotFound),
        (leader, enterprise, Denied),
        (staff, gone, NotFound),
        (staff, 999_999_999, NotFound),
    ):
        with pytest.raises(error):
            add(db, actor, enterprise_id)
        with pytest.raises(error):
            engagement.add_usual_steps(db, actor, enterprise_id, starts_on=TODAY, now=NOW)
    assert dump(db) == before


# ---------------------------------------------------------------------------------------------------------- next steps


def next_due(db, enterprise_id):
    return db.value("select next_contact_on from enterprise where id = $1", [enterprise_id])


def test_a_step_ticked_off_is_opened_again_and_the_enterprise_follows(db, staff, enterprise):
    contact = follow_up(db, enterprise, next_step="发资料", next_due_on=TODAY - DAY)
    finish_step(db, staff, contact, 1, now=NOW)
    assert next_due(db, enterprise) is None
    reopen_step(db, staff, contact, 2, now=NOW)
    assert db.rows("select done_at, version from follow_up") == [(None, 3)]
    assert next_due(db, enterprise) == TODAY - DAY
    assert [entry[1:3] for entry in written(db)[-4:]] == [
        ("finish_step", "follow_up"),
        ("contact", "enterprise"),
        ("reopen_step", "follow_up"),
        ("contact", "enterprise"),
    ]


def test_a_step_is_postponed_with_its_reason_in_the_audit(db, staff, enterprise):
    contact = follow_up(db, enterprise, next_step="发资料", next_due_on=TODAY - DAY)
    postpone_step(db, staff, contact, 1, TODAY + DAY, reason=" 对方出差 ", now=NOW, today=TODAY)
    assert db.rows("select next_due_on, version from follow_up") == [(TODAY + DAY, 2)]
    assert next_due(db, enterprise) == TODAY + DAY
    assert ("zhangsan", "postpone_step", "follow_up", "对方出差") in written(db)


@pytest.mark.parametrize(
    ("due_on", "reason", "fields"),
    [
        (None, "出差", ["due_on"]),
        (TODAY - DAY, "出差", ["due_on"]),
        (TODAY, " ", ["reason"]),
        (TODAY, "字" * 4001, ["reason"]),
        (None, "", ["due_on", "reason"]),
    ],
)
def test_no_step_is_postponed_into_the_past_or_without_a_reason(db, staff, enterprise, due_on, reason, fields):
    contact = follow_up(db, enterprise, next_due_on=TODAY)
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        postpone_step(db, staff, contact, 1, due_on, reason=reason, now=NOW, today=TODAY)
    assert sorted(refused.value.fields) == fields
    assert dump(db) == before


def test_nobody_else_reopens_or_postpones(db, staff, units, enterprise):
    contact = follow_up(db, enterprise, next_due_on=TODAY)
    withdrawn = follow_up(db, enterprise, next_due_on=TODAY, archived_at=NOW)
    before = dump(db)
    for actor, contact_id, version, error in (
        (person("wangwu", Role.STAFF, unit_id=units["凤凰"]), contact, 1, NotFound),
        (person("sunba", Role.LEADER), contact, 1, Denied),
        (staff, contact, 2, Conflict),
        (staff, withdrawn, 1, NotFound),
    ):
        with pytest.raises(error):
            reopen_step(db, actor, contact_id, version, now=NOW)
        with pytest.raises(error):
            postpone_step(db, actor, contact_id, version, TODAY, reason="x", now=NOW, today=TODAY)
    assert dump(db) == before
