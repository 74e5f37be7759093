"""Logging a contact: what is written, once, by whom, and what is refused."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm import store
from crm.actions.followups import change_follow_up, finish_step, log_follow_up, may_change, withdraw_follow_up
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.metrics import MEASURES
from crm.model import EnterpriseDraft, FileDraft, FollowUpDraft, Grade, Method, Role
from crm.reports.contacts import habits, open_steps, timeline
from tests.probes import (
    NOW,
    SYSTEM,
    TODAY,
    dump,
    insert,
    insert_enterprise,
    insert_project,
    person,
    unit_ids,
)

DAY = timedelta(days=1)


@pytest.fixture
def unit(db):
    return unit_ids(db)["吉首"]


@pytest.fixture
def staff(unit):
    return person("zhangsan", Role.STAFF, unit_id=unit)


@pytest.fixture
def enterprise(db, unit):
    return insert_enterprise(db, "湖南甲科技有限公司", owner_unit_id=unit)


def draft(enterprise_id=None, **more):
    given = {"happened_on": TODAY, "method": Method.VISIT, "content": "谈项目"}
    return FollowUpDraft(**{**given, "enterprise_id": enterprise_id, **more})


def log(db, actor, *arguments, now=NOW, **more):
    return log_follow_up(db, actor, draft(*arguments, **more), now=now, today=TODAY)


def contact_dates(db, enterprise_id):
    return db.rows("select last_contact_on, next_contact_on from enterprise where id = $1", [enterprise_id])[0]


def test_a_contact_is_stored_as_typed_with_its_unit_and_author_as_of_now(db, staff, unit, enterprise):
    project = insert_project(db, "P1", unit_id=unit, enterprise_id=enterprise)
    done = log(
        db,
        staff,
        enterprise,
        project_id=project,
        our_people=" 张三、李四 ",
        their_people="王总",
        content="  <b>谈</b>项目\n第二行 ",
        outcome="有意向",
        difficulty="用地",
        next_step="发资料",
        next_due_on=TODAY + DAY,
        form_token="t1",
    )
    assert done.enterprise_id == enterprise
    assert db.records("select * from follow_up") == [
        {
            "id": done.follow_up_id,
            "version": 1,
            "created_at": NOW,
            "created_by": "zhangsan",
            "updated_at": NOW,
            "updated_by": "zhangsan",
            "archived_at": None,
            "enterprise_id": enterprise,
            "project_id": project,
            "happened_on": TODAY,
            "method": "visit",
            "our_people": "张三、李四",
            "their_people": "王总",
            "content": "<b>谈</b>项目\n第二行",
            "outcome": "有意向",
            "difficulty": "用地",
            "next_step": "发资料",
            "next_due_on": TODAY + DAY,
            "done_at": None,
            "unit_id": unit,
            "author_id": staff.account_id,
            "author": "zhangsan",
            "form_token": "t1",
            "corrects_id": None,
        }
    ]
    assert contact_dates(db, enterprise) == (TODAY, TODAY + DAY)
    entries = db.rows("select actor, action, subject, subject_id from audit where actor = 'zhangsan' order by id")
    assert entries == [
        ("zhangsan", "create", "follow_up", done.follow_up_id),
        ("zhangsan", "contact", "enterprise", enterprise),
    ]
    assert store.verify_audit(db) == []


def test_a_form_sent_twice_is_logged_once_and_answers_the_same(db, staff, enterprise):
    first = log(db, staff, enterprise, form_token="t1")
    before = dump(db)
    assert log(db, staff, enterprise, form_token="t1", now=NOW + timedelta(hours=23)) == first
    assert dump(db) == before
    assert log(db, staff, enterprise, form_token="t2") != first
    assert log(db, staff, enterprise) != log(db, staff, enterprise)
    assert db.value("select count(*) from follow_up") == 4


def test_a_form_with_a_new_enterprise_sent_twice_makes_one_enterprise(db, staff):
    new = EnterpriseDraft("湖南新能源有限公司")
    first = log(db, staff, new_enterprise=new, form_token="t1")
    before = dump(db)
    assert log(db, staff, new_enterprise=new, form_token="t1") == first
    assert dump(db) == before


def test_a_token_that_returns_after_its_day_is_a_new_contact_on_both_engines(db, staff, enterprise):
    first = log(db, staff, enterprise, form_token="t1")
    later = log(db, staff, enterprise, form_token="t1", now=NOW + timedelta(days=2))
    assert later != first
    assert db.value("select count(*) from follow_up") == 2


def test_another_persons_token_does_not_answer_with_their_contact(db, staff, enterprise):
    first = log(db, staff, enterprise, form_token="t1")
    stranger = person("lisi", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    with pytest.raises(NotFound):
        log(db, stranger, enterprise, form_token="t1")
    assert db.rows("select id from follow_up") == [(first.follow_up_id,)]


def test_last_and_next_contact_are_the_newest_day_and_the_earliest_open_step(db, staff, enterprise):
    log(db, staff, enterprise, happened_on=date(2026, 5, 1), next_due_on=date(2026, 7, 20))
    log(db, staff, enterprise, happened_on=date(2026, 6, 10), next_due_on=date(2026, 7, 5))
    older = log(db, staff, enterprise, happened_on=date(2026, 4, 1), next_due_on=date(2026, 7, 1))
    assert contact_dates(db, enterprise) == (date(2026, 6, 10), date(2026, 7, 1))
    finish_step(db, staff, older.follow_up_id, 1, now=NOW)
    assert contact_dates(db, enterprise) == (date(2026, 6, 10), date(2026, 7, 5))


def test_a_contact_settles_the_open_steps_it_names_of_the_same_enterprise_only(db, staff, unit, enterprise):
    other = insert_enterprise(db, "另一家企业", owner_unit_id=unit)
    mine = log(db, staff, enterprise, next_step="发资料", next_due_on=TODAY)
    also = log(db, staff, enterprise, next_step="回访", next_due_on=TODAY + DAY)
    foreign = log(db, staff, other, next_step="邀请", next_due_on=TODAY)
    assert [entry.id for entry in open_steps(db, staff, enterprise)] == [mine.follow_up_id, also.follow_up_id]
    log(db, staff, enterprise, done_follow_up_ids=(mine.follow_up_id, foreign.follow_up_id, 999_999_999))
    done = db.rows("select id, done_at from follow_up where next_due_on is not null order by id")
    assert done == [(mine.follow_up_id, NOW), (also.follow_up_id, None), (foreign.follow_up_id, None)]
    assert contact_dates(db, enterprise) == (TODAY, TODAY + DAY)
    assert contact_dates(db, other) == (TODAY, TODAY)


def test_a_contact_of_somebody_without_a_unit_counts_for_the_owner(db, unit, enterprise):
    log(db, person("zhaoliu", Role.DISPATCHER), enterprise)
    log(db, SYSTEM, enterprise)
    assert db.rows("select unit_id, author from follow_up order by id") == [(unit, "zhaoliu"), (unit, "test")]


REFUSED = [
    ({"happened_on": None}, "happened_on"),
    ({"happened_on": TODAY + DAY}, "happened_on"),
    ({"method": None}, "method"),
    ({"content": ""}, "content"),
    ({"content": " \n\t"}, "content"),
    ({"content": "字" * 4001}, "content"),
    ({"next_due_on": TODAY - DAY}, "next_due_on"),
]


@pytest.mark.parametrize(("wrong", "field"), REFUSED, ids=[f"{f}-{n}" for n, (_w, f) in enumerate(REFUSED)])
def test_what_is_missing_or_impossible_is_refused_at_its_field_and_nothing_is_written(
    db, staff, enterprise, wrong, field
):
    before = dump(db)
    for target in ({"enterprise_id": enterprise}, {"new_enterprise": EnterpriseDraft("湖南新能源有限公司")}):
        with pytest.raises(Invalid) as refused:
            log_follow_up(db, staff, replace(draft(), **target, **wrong), now=NOW, today=TODAY)
        assert list(refused.value.fields) == [field]
    assert dump(db) == before


def test_all_problems_are_named_at_once(db, staff):
    with pytest.raises(Invalid) as refused:
        log(db, staff, happened_on=None, method=None, content="")
    assert sorted(refused.value.fields) == ["content", "enterprise", "happened_on", "method"]


def test_the_longest_text_that_is_accepted_is_kept_whole(db, staff, enterprise):
    log(db, staff, enterprise, content="字" * 4000)
    assert db.value("select content from follow_up") == "字" * 4000


def test_a_project_of_another_enterprise_is_refused(db, staff, unit, enterprise):
    other = insert_enterprise(db, "另一家企业", owner_unit_id=unit)
    project = insert_project(db, "P1", unit_id=unit, enterprise_id=other)
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        log(db, staff, enterprise, project_id=project)
    assert list(refused.value.fields) == ["project"]
    assert dump(db) == before


def test_another_units_project_of_ones_own_enterprise_is_refused_the_same_way(db, staff, enterprise):
    project = insert_project(db, "P1", unit_id=unit_ids(db)["凤凰"], enterprise_id=enterprise)
    before = dump(db)
    refusals = []
    for project_id in (project, 999_999_999):
        with pytest.raises(Invalid) as refused:
            log(db, staff, enterprise, project_id=project_id)
        refusals.append(refused.value.fields)
    assert refusals[0] == refusals[1]
    assert dump(db) == before
    log(db, person("zhaoliu", Role.DISPATCHER), enterprise, project_id=project)
    assert db.rows("select project_id from follow_up") == [(project,)]


def test_a_new_enterprise_and_its_first_contact_are_made_together(db, staff, unit):
    segment, industry, role = db.rows("select id, industry_id, role from segment order by id limit 1")[0]
    new = EnterpriseDraft(
        " 湖南新能源有限公司 ",
        credit_code="91430104183791051f",
        grade=Grade.B,
        intended_amount=Decimal("100000000.01"),
        segment_ids=(segment,),
    )
    done = log(db, staff, new_enterprise=new, next_due_on=TODAY + DAY)
    stored = db.records("select * from enterprise where id = $1", [done.enterprise_id])[0]
    filled = {name: value for name, value in stored.items() if value is not None}
    assert filled == {
        "id": done.enterprise_id,
        "version": 2,
        "created_at": NOW,
        "created_by": "zhangsan",
        "updated_at": NOW,
        "updated_by": "zhangsan",
        "name": "湖南新能源有限公司",
        "name_key": "湖南新能源有限公司",
        "search_text": "湖南新能源有限公司\nhnxnyyxgs\n91430104183791051f",
        "credit_code": "91430104183791051F",
        "intended_amount": Decimal("100000000.01"),
        "grade": "B",
        "owner_unit_id": unit,
        "owner_person": "zhangsan",
        "last_contact_on": TODAY,
        "next_contact_on": TODAY + DAY,
    }
    links = db.rows("select enterprise_id, industry_id, segment_id, role from enterprise_segment")
    assert links == [(done.enterprise_id, industry, segment, role)]
    assert [entry.id for entry in timeline(db, staff, done.enterprise_id)] == [done.follow_up_id]


def test_nothing_is_made_when_the_contact_fails_after_the_new_enterprise(db, staff, unit, enterprise):
    """The project is checked once the enterprise is in: it goes with the transaction."""
    project = insert_project(db, "P1", unit_id=unit, enterprise_id=enterprise)
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        log(db, staff, new_enterprise=EnterpriseDraft("湖南新能源有限公司"), project_id=project)
    assert list(refused.value.fields) == ["project"]
    with pytest.raises(NotFound):
        log(db, staff, new_enterprise=EnterpriseDraft("湖南新能源有限公司", segment_ids=(999_999_999,)))
    assert dump(db) == before


def test_a_new_enterprise_that_the_bureau_has_is_refused_and_no_contact_is_made(db, staff, enterprise):
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        log(db, staff, new_enterprise=EnterpriseDraft("湖南甲科技 有限公司"))
    assert list(refused.value.fields) == ["name"]
    assert dump(db) == before


def test_an_enterprise_outside_ones_scope_is_not_found(db, staff, unit):
    foreign = insert_enterprise(db, "凤凰的企业", owner_unit_id=unit_ids(db)["凤凰"])
    before = dump(db)
    for target in (foreign, 999_999_999):
        with pytest.raises(NotFound):
            log(db, staff, target)
    assert dump(db) == before


def test_a_unit_that_holds_a_project_of_it_may_log_too(db, staff, unit):
    foreign = insert_enterprise(db, "凤凰的企业", owner_unit_id=unit_ids(db)["凤凰"])
    insert_project(db, "P1", unit_id=unit, enterprise_id=foreign)
    log(db, staff, foreign)
    assert db.rows("select enterprise_id, unit_id from follow_up") == [(foreign, unit)]


# ---------------------------------------------------------------------------------------------------------- taking back


def test_the_author_takes_a_contact_back_within_a_day_and_the_dates_follow(db, staff, enterprise):
    log(db, staff, enterprise, happened_on=date(2026, 6, 1))
    wrong = log(db, staff, enterprise, next_due_on=TODAY + DAY)
    assert contact_dates(db, enterprise) == (TODAY, TODAY + DAY)
    withdraw_follow_up(db, staff, wrong.follow_up_id, 1, reason="记错企业", now=NOW + DAY)
    assert contact_dates(db, enterprise) == (date(2026, 6, 1), None)
    assert wrong.follow_up_id not in [entry.id for entry in timeline(db, staff, enterprise)]
    assert db.rows("select archived_at, content from follow_up where id = $1", [wrong.follow_up_id]) == [
        (NOW + DAY, "谈项目")
    ]
    assert db.rows("select actor, subject_id, note from audit where action = 'withdraw'") == [
        ("zhangsan", wrong.follow_up_id, "记错企业")
    ]


def test_nobody_else_takes_it_back_and_nobody_after_a_day_or_by_an_old_version(db, staff, unit, enterprise):
    done = log(db, staff, enterprise)
    before = dump(db)
    colleague = person("lisi", Role.STAFF, unit_id=unit)
    stranger = person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    refusals = [
        (colleague, 1, NOW, Denied),
        (person("sunba", Role.LEADER), 1, NOW, Denied),
        (stranger, 1, NOW, NotFound),
        (person("admin", Role.ADMIN), 1, NOW, NotFound),
        (staff, 1, NOW + DAY + timedelta(microseconds=1), Invalid),
        (staff, 2, NOW, Conflict),
    ]
    for actor, version, now, refusal in refusals:
        with pytest.raises(refusal):
            withdraw_follow_up(db, actor, done.follow_up_id, version, reason="", now=now)
    assert dump(db) == before


def test_a_unit_head_takes_back_what_the_unit_logged_within_the_day(db, staff, unit, enterprise):
    done = log(db, staff, enterprise)
    withdraw_follow_up(db, person("lisi", Role.UNIT_HEAD, unit_id=unit), done.follow_up_id, 1, reason="", now=NOW)
    assert contact_dates(db, enterprise) == (None, None)


def test_a_step_is_finished_once_per_version(db, staff, enterprise):
    done = log(db, staff, enterprise, next_due_on=TODAY)
    finish_step(db, staff, done.follow_up_id, 1, now=NOW)
    assert db.rows("select done_at, version from follow_up") == [(NOW, 2)]
    before = dump(db)
    with pytest.raises(Conflict):
        finish_step(db, staff, done.follow_up_id, 1, now=NOW)
    assert dump(db) == before


def test_a_closed_enterprise_takes_no_contact(db, staff, unit):
    closed = insert_enterprise(db, "并入别家的企业", owner_unit_id=unit, archived_at=NOW)
    insert(db, "enterprise_alias", enterprise_id=closed, name="旧名")
    before = dump(db)
    with pytest.raises(NotFound):
        log(db, staff, closed)
    assert dump(db) == before


# ------------------------------------------------------------------------------------------------------------ changing


def change(db, actor, done, version=1, *, now=NOW, today=TODAY, **more):
    return change_follow_up(db, actor, done.follow_up_id, version, draft(**more), now=now, today=today)


def test_the_author_changes_a_contact_within_a_day_and_everything_follows(db, staff, unit, enterprise):
    project = insert_project(db, "P1", unit_id=unit, enterprise_id=enterprise)
    done = log(db, staff, enterprise, next_step="发资料", next_due_on=TODAY + DAY, outcome="待定", form_token="t1")
    stored = db.records("select * from follow_up")[0]
    later = NOW + DAY
    again = change(
        db,
        staff,
        done,
        now=later,
        happened_on=TODAY - DAY,
        method=Method.PHONE,
        content=" 改过 ",
        our_people="李四",
        their_people="王总",
        project_id=project,
        next_step="回访",
        next_due_on=TODAY + 3 * DAY,
        outcome="有意向",
        enterprise_id=999_999_999,
        form_token="t2",
    )
    assert again == done
    assert db.records("select * from follow_up") == [
        {
            **stored,
            "version": 2,
            "updated_at": later,
            "happened_on": TODAY - DAY,
            "method": "phone",
            "content": "改过",
            "our_people": "李四",
            "their_people": "王总",
            "project_id": project,
            "next_step": "回访",
            "next_due_on": TODAY + 3 * DAY,
            "outcome": "有意向",
        }
    ]
    assert contact_dates(db, enterprise) == (TODAY - DAY, TODAY + 3 * DAY)
    assert db.rows("select actor, action, subject, subject_id from audit where action = 'update'") == [
        ("zhangsan", "update", "follow_up", done.follow_up_id)
    ]
    assert store.verify_audit(db) == []


def test_a_changed_step_is_open_again_and_an_unchanged_one_stays_done(db, staff, enterprise):
    done = log(db, staff, enterprise, next_step="发资料", next_due_on=TODAY)
    finish_step(db, staff, done.follow_up_id, 1, now=NOW)
    change(db, staff, done, 2, content="改过", next_step="发资料", next_due_on=TODAY)
    assert db.rows("select content, done_at from follow_up") == [("改过", NOW)]
    change(db, staff, done, 3, next_step="再发一次", next_due_on=TODAY + DAY)
    assert db.rows("select next_step, done_at from follow_up") == [("再发一次", None)]
    assert contact_dates(db, enterprise) == (TODAY, TODAY + DAY)


def test_nobody_else_changes_it_and_nobody_after_a_day_or_by_an_old_version(db, staff, unit, enterprise):
    done = log(db, staff, enterprise)
    gone = log(db, staff, enterprise)
    withdraw_follow_up(db, staff, gone.follow_up_id, 1, reason="", now=NOW)
    before = dump(db)
    refusals = [
        (done, person("lisi", Role.STAFF, unit_id=unit), 1, NOW, Denied),
        (done, person("head", Role.UNIT_HEAD, unit_id=unit), 1, NOW, Denied),
        (done, person("zhaoliu", Role.DISPATCHER), 1, NOW, Denied),
        (done, person("sunba", Role.LEADER), 1, NOW, Denied),
        (done, person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"]), 1, NOW, NotFound),
        (done, person("admin", Role.ADMIN), 1, NOW, NotFound),
        (done, staff, 1, NOW + DAY + timedelta(microseconds=1), Invalid),
        (done, staff, 2, NOW, Conflict),
        (gone, staff, 2, NOW, NotFound),
    ]
    for which, actor, version, now, refusal in refusals:
        with pytest.raises(refusal):
            change(db, actor, which, version, now=now, content="改过")
    assert dump(db) == before


@pytest.mark.parametrize(("wrong", "field"), REFUSED, ids=[f"{f}-{n}" for n, (_w, f) in enumerate(REFUSED)])
def test_a_change_keeps_the_rules_of_logging(db, staff, enterprise, wrong, field):
    done = log(db, staff, enterprise)
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        change(db, staff, done, **wrong)
    assert list(refused.value.fields) == [field]
    assert dump(db) == before


def test_a_change_takes_no_project_of_another_enterprise_and_keeps_one_it_has(db, staff, unit, enterprise):
    own = insert_project(db, "P1", unit_id=unit, enterprise_id=enterprise)
    other = insert_project(db, "P2", unit_id=unit, enterprise_id=insert_enterprise(db, "另一家", owner_unit_id=unit))
    done = log(db, staff, enterprise, project_id=own)
    with pytest.raises(Invalid) as refused:
        change(db, staff, done, project_id=other)
    assert list(refused.value.fields) == ["project"]
    change(db, staff, done, content="改过", project_id=own)
    assert db.rows("select content, project_id from follow_up") == [("改过", own)]


def test_the_day_of_changing_ends_to_the_microsecond():
    assert may_change(NOW, now=NOW + DAY)
    assert not may_change(NOW, now=NOW + DAY + timedelta(microseconds=1))


# ----------------------------------------------------------------------------------------------------------- correcting


def test_a_correction_stands_beside_the_original_and_is_not_counted_a_second_time(db, staff, unit, enterprise):
    first = log(db, staff, enterprise, content="谈了三号地块", our_people="张三、李四")
    fixed = log(
        db,
        staff,
        enterprise,
        content="谈的是五号地块",
        corrects_id=first.follow_up_id,
        our_people="王五",
        now=NOW + 9 * DAY,
    )
    assert [(entry.id, entry.corrects_on, entry.corrected) for entry in timeline(db, staff, enterprise)] == [
        (fixed.follow_up_id, TODAY, False),
        (first.follow_up_id, None, True),
    ]
    counted = db.rows(f"select record_id, value from ({MEASURES['follow_ups'].rows}) as counted")
    assert counted == [(first.follow_up_id, 1)]
    assert habits(db, staff).our_people == "张三、李四"
    withdraw_follow_up(db, staff, fixed.follow_up_id, 1, reason="", now=NOW + 9 * DAY)
    assert [(entry.id, entry.corrected) for entry in timeline(db, staff, enterprise)] == [(first.follow_up_id, False)]


def test_only_a_standing_contact_of_the_same_enterprise_is_corrected(db, staff, unit, enterprise):
    other = log(db, staff, insert_enterprise(db, "另一家企业", owner_unit_id=unit))
    gone = log(db, staff, enterprise)
    withdraw_follow_up(db, staff, gone.follow_up_id, 1, reason="", now=NOW)
    before = dump(db)
    for corrected in (other.follow_up_id, gone.follow_up_id, 999_999_999):
        with pytest.raises(Invalid) as refused:
            log(db, staff, enterprise, corrects_id=corrected)
        assert list(refused.value.fields) == ["corrects"]
    assert dump(db) == before


# ----------------------------------------------------------------------------------------------------- files and habits


def test_files_are_attached_with_the_contact_or_nothing_is_logged(db, staff, unit, enterprise):
    notes = FileDraft("纪要.txt", "谈了三号地块".encode())
    done = log(db, staff, enterprise, files=(notes, FileDraft("图.png", b"\x89PNG\r\n\x1a\n...")))
    rows = db.rows("select subject, subject_id, name, size, created_by from attachment order by id")
    assert rows == [
        ("follow_up", done.follow_up_id, "纪要.txt", 18, "zhangsan"),
        ("follow_up", done.follow_up_id, "图.png", 11, "zhangsan"),
    ]
    assert [file.name for file in timeline(db, staff, enterprise)[0].files] == ["纪要.txt", "图.png"]
    change(db, staff, done, content="改过", files=(notes, FileDraft("二.txt", b"2")))
    assert [file.name for file in timeline(db, staff, enterprise)[0].files] == ["纪要.txt", "图.png", "二.txt"]
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        log(db, staff, enterprise, files=(notes, FileDraft("坏.pdf", b"no pdf")))
    assert list(refused.value.fields) == ["files"]
    assert dump(db) == before


def test_habits_are_those_of_ones_own_newest_standing_contact(db, staff, unit, enterprise):
    assert (habits(db, staff).method, habits(db, staff).our_people) == (None, "")
    log(db, staff, enterprise, method=Method.PHONE, our_people="张三、李四", now=NOW)
    log(db, staff, enterprise, method=Method.VIDEO, our_people="张三", now=NOW + DAY, happened_on=TODAY - 9 * DAY)
    log(db, person("lisi", Role.STAFF, unit_id=unit), enterprise, method=Method.LETTER, now=NOW + 2 * DAY)
    assert (habits(db, staff).method, habits(db, staff).our_people) == (Method.VIDEO, "张三")
    newest = log(db, staff, enterprise, method=Method.EVENT, now=NOW + 3 * DAY)
    assert (habits(db, staff).method, habits(db, staff).our_people) == (Method.EVENT, "")
    withdraw_follow_up(db, staff, newest.follow_up_id, 1, reason="", now=NOW + 3 * DAY)
    assert habits(db, staff).method is Method.VIDEO
