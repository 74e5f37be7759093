"""Timelines, and what the form of a contact starts from: recent enterprises, those a message names, one contact."""

from datetime import timedelta

import pytest

from crm.actions.followups import log_follow_up
from crm.errors import NotFound
from crm.model import FollowUpDraft, Method, Role
from crm.reports.contacts import (
    contact_record,
    count_timeline,
    mentioned_enterprises,
    open_steps,
    recent_enterprises,
    timeline,
)
from crm.reports.enterprises import enterprise_record, worth_searching
from tests.probes import NOW, SYSTEM, TODAY, insert, insert_enterprise, insert_project, person, unit_ids

DAY = timedelta(days=1)


@pytest.fixture
def unit(db):
    return unit_ids(db)["吉首"]


@pytest.fixture
def staff(unit):
    return person("zhangsan", Role.STAFF, unit_id=unit)


def log(db, actor, enterprise, *, now=NOW, days=0, **more):
    draft = FollowUpDraft(TODAY - days * DAY, Method.PHONE, "谈", enterprise_id=enterprise, **more)
    return log_follow_up(db, actor, draft, now=now, today=TODAY).follow_up_id


def test_a_timeline_is_paged_newest_first_and_leaves_out_what_was_taken_back(db):
    unit = unit_ids(db)["吉首"]
    enterprise = insert_enterprise(db, "甲企业", owner_unit_id=unit)
    ids = [
        insert(
            db,
            "follow_up",
            enterprise_id=enterprise,
            happened_on=TODAY - timedelta(days=n // 2),
            method="phone",
            content=str(n),
            unit_id=unit,
            archived_at=NOW if n == 3 else None,
        )
        for n in range(9)
    ]
    expected = [ids[n] for n in (1, 0, 2, 5, 4, 7, 6, 8)]
    assert [entry.id for entry in timeline(db, SYSTEM, enterprise)] == expected
    pages = [[entry.id for entry in timeline(db, SYSTEM, enterprise, page=page, size=3)] for page in (1, 2, 3, 4)]
    assert pages == [expected[:3], expected[3:6], expected[6:], []]
    assert enterprise_record(db, SYSTEM, enterprise).follow_ups == 8
    assert count_timeline(db, SYSTEM, enterprise) == (8, 0)


def test_a_contact_says_who_took_part_and_what_came_of_it_and_names_its_project_only_to_who_may_see_it(db, staff, unit):
    fenghuang = unit_ids(db)["凤凰"]
    enterprise = insert_enterprise(db, "两家共有的企业", owner_unit_id=unit)
    key = {"enterprise_id": enterprise}
    own, theirs = insert_project(db, "P-own", unit_id=unit, **key), insert_project(db, "P", unit_id=fenghuang, **key)
    away = insert_project(db, "P-away", unit_id=unit, archived_at=NOW, **key)
    boss, foreign = person("zhaoliu", Role.DISPATCHER), person("wangwu", Role.STAFF, unit_id=fenghuang)
    said = {"our_people": "张三", "their_people": "王总", "outcome": "待企业回复", "difficulty": "用电负荷不足"}
    log(db, staff, enterprise, project_id=own, **said)
    log(db, foreign, enterprise, days=1, project_id=theirs)
    insert(db, "follow_up", happened_on=TODAY - 2 * DAY, method="phone", content="谈", project_id=away, **key)

    def shown(actor):
        return [
            (entry.our_people, entry.their_people, entry.outcome, entry.difficulty, entry.project_id, entry.project)
            for entry in timeline(db, actor, enterprise)
        ]

    first, nothing = tuple(said.values()), ("", "", "", "")
    unnamed = (*nothing, None, "")
    assert shown(boss) == [(*first, own, "项目P-own"), (*nothing, theirs, "项目P"), unnamed]
    assert shown(staff) == [(*first, own, "项目P-own"), unnamed, unnamed]
    assert shown(foreign) == [(*first, None, ""), (*nothing, theirs, "项目P"), unnamed]


def test_what_is_open_is_listed_by_its_due_date_and_only_to_who_sees_the_enterprise(db, staff, unit):
    enterprise = insert_enterprise(db, "甲企业", owner_unit_id=unit)
    later = log(db, staff, enterprise, next_step="回访", next_due_on=TODAY + 2 * DAY)
    sooner = log(db, staff, enterprise, next_step="寄资料", next_due_on=TODAY + DAY)
    log(db, staff, enterprise, next_step="没有日期")
    log(db, staff, enterprise, next_step="已办结", next_due_on=TODAY + DAY)
    done = db.value("select id from follow_up where next_step = '已办结'")
    log(db, staff, enterprise, done_follow_up_ids=(done,))
    assert [entry.id for entry in open_steps(db, staff, enterprise)] == [sooner, later]
    with pytest.raises(NotFound):
        open_steps(db, person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"]), enterprise)


def test_ones_own_enterprises_come_first_by_the_moment_of_logging_then_those_contacted_last(db, staff, unit):
    names = ("甲企业", "乙企业", "丙企业", "丁企业", "从未对接的企业")
    ids = {name: insert_enterprise(db, name, owner_unit_id=unit) for name in names}
    foreign = insert_enterprise(db, "凤凰的企业", owner_unit_id=unit_ids(db)["凤凰"])
    insert_enterprise(db, "并入别家的企业", owner_unit_id=unit, archived_at=NOW)
    colleague = person("lisi", Role.STAFF, unit_id=unit)
    log(db, staff, ids["甲企业"], now=NOW + 2 * DAY, days=30)
    log(db, staff, ids["乙企业"], now=NOW + DAY, days=3)
    log(db, colleague, ids["丙企业"], now=NOW + 3 * DAY, days=9)
    log(db, colleague, ids["丁企业"], now=NOW + 3 * DAY, days=1)
    log(db, person("zhangsan", Role.DISPATCHER), foreign, now=NOW + 4 * DAY)
    assert [match.name for match in recent_enterprises(db, staff)] == [
        "甲企业",
        "乙企业",
        "丁企业",
        "丙企业",
        "从未对接的企业",
    ]
    assert [match.name for match in recent_enterprises(db, staff, limit=3)] == ["甲企业", "乙企业", "丁企业"]
    assert [match.unit for match in recent_enterprises(db, staff, limit=1)] == ["吉首"]
    assert recent_enterprises(db, person("admin", Role.ADMIN)) == []


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("湖南甲科技有限公司", ["湖南甲科技有限公司"]),
        ("拜访湖南甲科技有限公司", ["湖南甲科技有限公司"]),
        ("深圳市的大族激光", ["大族激光科技产业集团股份有限公司"]),
        ("大族激光", ["大族激光科技产业集团股份有限公司"]),
        ("云顶装备", ["湖南云顶装备股份有限公司"]),
        ("云顶装备公司", ["湖南云顶装备股份有限公司"]),
        ("湖南", ["湖南甲科技有限公司", "湖南云顶装备股份有限公司"]),
        ("某某科技有限公司", []),
        ("湖南凤凰的秘密有限公司", []),
        ("100%", []),
    ],
)
def test_a_message_names_enterprises_of_the_readers_scope_by_their_beginning_or_a_word(
    db, staff, unit, named, expected
):
    for name in ("湖南甲科技有限公司", "大族激光科技产业集团股份有限公司", "湖南云顶装备股份有限公司"):
        insert_enterprise(db, name, owner_unit_id=unit)
    insert_enterprise(db, "湖南凤凰的秘密有限公司", owner_unit_id=unit_ids(db)["凤凰"])
    assert [match.name for match in mentioned_enterprises(db, staff, [named])] == expected


def test_several_names_of_a_message_are_each_looked_for_and_none_is_no_search(db, staff, unit):
    first = insert_enterprise(db, "湖南甲科技有限公司", owner_unit_id=unit)
    second = insert_enterprise(db, "湖南乙科技有限公司", owner_unit_id=unit)
    found = mentioned_enterprises(db, staff, ["乙科技", "湖南甲科技", "湖南乙科技有限公司"])
    assert [match.id for match in found] == [second, first]
    assert mentioned_enterprises(db, staff, []) == []


def test_one_contact_is_read_whole_within_the_scope_until_it_is_taken_back(db, staff, unit):
    enterprise = insert_enterprise(db, "甲企业", owner_unit_id=unit)
    made = log(db, staff, enterprise, our_people="张三")
    assert contact_record(db, staff, made) == db.records("select * from follow_up")[0]
    for actor in (person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"]), person("admin", Role.ADMIN)):
        with pytest.raises(NotFound):
            contact_record(db, actor, made)
    gone = insert(
        db,
        "follow_up",
        enterprise_id=enterprise,
        happened_on=TODAY,
        method="phone",
        content="撤回",
        unit_id=unit,
        archived_at=NOW,
    )
    for missing in (gone, 999_999_999):
        with pytest.raises(NotFound):
            contact_record(db, staff, missing)


@pytest.mark.parametrize(("text", "is_worth"), [("", False), ("h", False), (" h ", False), ("hn", True), ("湘", True)])
def test_one_latin_letter_tells_no_enterprise_apart_and_one_chinese_character_does(text, is_worth):
    assert worth_searching(text) is is_worth
