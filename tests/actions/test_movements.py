"""News of an enterprise: logged, changed, taken back; by whom, and what is refused."""

from datetime import timedelta

import pytest

from crm import store
from crm.actions.movements import change_movement, log_movement, withdraw_movement
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import MovementDraft, MovementKind, Role
from crm.reports.contacts import count_timeline, newest_news, timeline
from tests.probes import NOW, TODAY, dump, insert, insert_enterprise, person, unit_ids

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


def draft(**more):
    return MovementDraft(**{"happened_on": TODAY, "kind": MovementKind.EXPANSION, "content": "扩建二期", **more})


def log(db, actor, enterprise, **more):
    return log_movement(db, actor, enterprise, draft(**more), now=NOW, today=TODAY)


def test_news_is_stored_as_typed_and_audited(db, staff, enterprise):
    made = log(db, staff, enterprise, content="  <b>扩建</b>二期 ", source=" 公众号 ")
    assert db.records("select * from movement") == [
        {
            "id": made,
            "version": 1,
            "created_at": NOW,
            "created_by": "zhangsan",
            "updated_at": NOW,
            "updated_by": "zhangsan",
            "archived_at": None,
            "enterprise_id": enterprise,
            "happened_on": TODAY,
            "kind": "expansion",
            "content": "<b>扩建</b>二期",
            "source": "公众号",
        }
    ]
    assert db.rows("select actor, action, subject, subject_id from audit where actor = 'zhangsan'") == [
        ("zhangsan", "create", "movement", made)
    ]
    assert store.verify_audit(db) == []


def test_the_same_news_of_a_day_is_logged_once_and_again_after_it_was_taken_back(db, staff, enterprise):
    made = log(db, staff, enterprise)
    before = dump(db)
    assert log(db, staff, enterprise) == made
    assert dump(db) == before
    assert log(db, staff, enterprise, kind=MovementKind.FINANCING) != made
    withdraw_movement(db, staff, made, 1, now=NOW)
    assert log(db, staff, enterprise) != made


REFUSED = [
    ({"happened_on": None}, "happened_on"),
    ({"happened_on": TODAY + DAY}, "happened_on"),
    ({"kind": None}, "kind"),
    ({"content": " "}, "content"),
    ({"content": "字" * 2001}, "content"),
    ({"source": "字" * 301}, "source"),
]


@pytest.mark.parametrize(("wrong", "field"), REFUSED, ids=[f"{f}-{n}" for n, (_w, f) in enumerate(REFUSED)])
def test_what_is_missing_or_impossible_is_refused_at_its_field(db, staff, enterprise, wrong, field):
    made = log(db, staff, enterprise, content="已有")
    before = dump(db)
    with pytest.raises(Invalid) as logged:
        log(db, staff, enterprise, **wrong)
    with pytest.raises(Invalid) as changed:
        change_movement(db, staff, made, 1, draft(**wrong), now=NOW, today=TODAY)
    assert (list(logged.value.fields), list(changed.value.fields)) == ([field], [field])
    assert dump(db) == before


def test_the_unit_changes_news_and_the_author_or_the_head_takes_it_back(db, staff, unit, enterprise):
    made = log(db, staff, enterprise)
    colleague = person("lisi", Role.STAFF, unit_id=unit)
    change_movement(db, colleague, made, 1, draft(content="扩建三期", source="走访"), now=NOW + DAY, today=TODAY)
    assert db.rows("select content, source, version, updated_by from movement") == [("扩建三期", "走访", 2, "lisi")]
    with pytest.raises(Conflict):
        change_movement(db, staff, made, 1, draft(content="旧版本"), now=NOW, today=TODAY)
    with pytest.raises(Denied):
        withdraw_movement(db, colleague, made, 2, now=NOW)
    withdraw_movement(db, person("head", Role.UNIT_HEAD, unit_id=unit), made, 2, now=NOW + DAY)
    assert newest_news(db, staff, enterprise, limit=3) == []
    for again in (
        lambda: change_movement(db, staff, made, 3, draft(), now=NOW, today=TODAY),
        lambda: withdraw_movement(db, staff, made, 3, now=NOW),
    ):
        with pytest.raises(NotFound):
            again()


def test_nobody_outside_the_scope_reads_or_writes_it_and_who_only_reads_does_not_write(db, staff, unit, enterprise):
    made = log(db, staff, enterprise, content="吉首的秘密")
    closed = insert_enterprise(db, "并入别家的企业", owner_unit_id=unit, archived_at=NOW)
    before = dump(db)
    stranger = person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    for actor, refusal in ((stranger, NotFound), (person("admin", Role.ADMIN), NotFound), (_leader(), Denied)):
        for write in (
            lambda who: log(db, who, enterprise),
            lambda who: change_movement(db, who, made, 1, draft(), now=NOW, today=TODAY),
            lambda who: withdraw_movement(db, who, made, 1, now=NOW),
        ):
            with pytest.raises(refusal):
                write(actor)
    for read in (count_timeline, timeline, lambda d, a, e: newest_news(d, a, e, limit=3)):
        with pytest.raises(NotFound):
            read(db, stranger, enterprise)
    with pytest.raises(NotFound):
        log(db, staff, closed)
    assert dump(db) == before


def _leader():
    return person("sunba", Role.LEADER)


def test_news_stands_among_the_contacts_by_its_day_with_the_rights_of_the_reader(db, staff, unit, enterprise):
    def contact(days):
        return insert(
            db,
            "follow_up",
            enterprise_id=enterprise,
            happened_on=TODAY - days * DAY,
            method="phone",
            content="谈",
            unit_id=unit,
        )

    old, new = contact(9), contact(1)
    middle = log(db, staff, enterprise, happened_on=TODAY - 5 * DAY)
    latest = log(db, staff, enterprise, kind=MovementKind.LISTING)
    assert [entry.id for entry in timeline(db, staff, enterprise)] == [latest, new, middle, old]
    assert [entry.id for entry in timeline(db, staff, enterprise, page=2, size=3)] == [old]
    assert count_timeline(db, staff, enterprise) == (2, 2)
    assert [entry.id for entry in newest_news(db, staff, enterprise, limit=1)] == [latest]

    def rights(actor):
        return {(entry.may_edit, entry.may_withdraw) for entry in newest_news(db, actor, enterprise, limit=9)}

    assert rights(staff) == {(True, True)}
    assert rights(person("lisi", Role.STAFF, unit_id=unit)) == {(True, False)}
    assert rights(_leader()) == {(False, False)}


def test_a_task_force_comments_within_its_chains_and_takes_its_own_word_back(db, staff, enterprise):
    tea, liquor = (db.value("select id from industry where code = $1", [code]) for code in ("tea", "liquor"))
    insert(db, "enterprise_segment", enterprise_id=enterprise, industry_id=tea)
    ours, others = (person(login, Role.TASKFORCE, industries=(chain,)) for login, chain in (("a", tea), ("b", liquor)))
    made = log(db, ours, enterprise, kind=MovementKind.COMMENT, content="请尽快对接用地")
    assert [(e.kind, e.content, e.may_withdraw) for e in timeline(db, staff, enterprise)] == [
        ("comment", "请尽快对接用地", False)
    ]
    before = dump(db)
    for actor, kind, refusal in (
        (ours, MovementKind.POLICY, Denied),  # news is the unit's to log
        (staff, MovementKind.COMMENT, Denied),
        (others, MovementKind.COMMENT, NotFound),
    ):
        with pytest.raises(refusal):
            log(db, actor, enterprise, kind=kind)
    with pytest.raises(Denied):
        withdraw_movement(db, staff, made, 1, now=NOW)
    assert dump(db) == before
    withdraw_movement(db, ours, made, 1, now=NOW)
    assert timeline(db, staff, enterprise) == []
