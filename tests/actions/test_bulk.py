"""Bulk changes: each record checked for right and version, the refused named with the reason, one undo for all."""

from datetime import timedelta

import pytest

from crm.actions.bulk import MOST, assign_enterprises, grade_enterprises, tag_enterprises
from crm.actions.change_sets import revert_change_set
from crm.actions.enterprises import change_enterprise
from crm.errors import Denied, Invalid, NotFound, Refused
from crm.model import Grade, Role
from crm.reports.change_sets import recent_changes
from tests.probes import NOW, SYSTEM, dump, insert, insert_enterprise, insert_project, person

LATER = NOW + timedelta(minutes=5)
OUTSIDE = "It does not exist any more, or it is outside your scope."
NO_RIGHT = "You do not have the right to do this. Ask your administrator if you need it."


@pytest.fixture
def bureau(db, units):
    """Three enterprises of one unit and one of another, by name."""
    names = {"甲": "吉首", "乙": "吉首", "丙": "吉首", "外": "凤凰"}
    return {
        name: insert_enterprise(db, f"{name}企业", owner_unit_id=units[unit], grade="C", owner_person="旧人")
        for name, unit in names.items()
    }


def of(db, column, ids):
    return [db.value(f"select {column} from enterprise where id = $1", [i]) for i in ids]


def business(db):
    """Everything but versions, stamps, audit and the change sets themselves."""
    kept = dump(db)
    for table in ("audit", "audit_head", "change_set", "change_line"):
        del kept[table]
    plain = {}
    for table, _rows in kept.items():
        columns = [c for c in db.columns(table) if c not in ("version", "updated_at", "updated_by")]
        plain[table] = sorted(db.rows(f"select {', '.join(columns)} from {table}"), key=repr)
    return plain


def told(result):
    with_words = [(refusal.name, refusal.reason.msgid) for refusal in result.refused]
    return result.changed, result.unchanged, with_words


def test_the_refused_are_named_with_the_reason_and_the_rest_are_done(db, staff, bureau, units):
    gone = insert_enterprise(db, "已归档企业", owner_unit_id=units["吉首"], archived_at=NOW)
    same = insert_enterprise(db, "早已是甲级", owner_unit_id=units["吉首"], grade="A")
    change_enterprise(db, SYSTEM, bureau["乙"], 1, {"note": "别人改过"}, now=NOW)
    chosen = [(i, 1) for i in (*bureau.values(), gone, same, 999_999_999)]
    result = grade_enterprises(db, staff, chosen, grade=Grade.A, now=LATER)
    assert told(result) == (
        2,
        1,
        [
            ("乙企业", "Somebody changed it in the meantime."),
            ("—", OUTSIDE),
            ("已归档企业", "It was archived or merged."),
            ("—", OUTSIDE),
        ],
    )
    assert of(db, "grade", bureau.values()) == ["A", "C", "A", "C"]
    assert of(db, "updated_by", bureau.values()) == ["zhangsan", "system:test", "zhangsan", "test"]
    entries = db.rows("select actor, subject_id, before, after from audit where action = 'grade' order by subject_id")
    assert entries == [("zhangsan", bureau[n], '{"grade":"C"}', '{"grade":"A"}') for n in ("甲", "丙")]


def test_who_may_see_an_enterprise_but_not_edit_it_is_told_so(db, bureau, units):
    both = person("both", Role.LEADER, Role.STAFF, unit_id=units["吉首"])
    result = grade_enterprises(db, both, [(bureau["外"], 1), (bureau["甲"], 1)], grade=Grade.A, now=LATER)
    assert told(result) == (1, 0, [("外企业", NO_RIGHT)])


def test_nothing_done_leaves_no_change_set(db, staff, bureau):
    before = dump(db)
    result = grade_enterprises(db, staff, [(bureau["甲"], 1), (bureau["外"], 1)], grade=Grade.C, now=LATER)
    assert (result.change_set_id, told(result)) == (None, (0, 1, [("—", OUTSIDE)]))
    assert dump(db) == before
    assert recent_changes(db, staff) == []


def test_one_undo_takes_the_whole_back(db, staff, bureau):
    before = business(db)
    chosen = [(bureau[name], 1) for name in ("甲", "乙", "丙")]
    result = grade_enterprises(db, staff, chosen, grade=None, now=LATER)
    (change,) = recent_changes(db, staff)
    assert (change.id, change.count, change.by, change.at, change.reverted_at) == (
        result.change_set_id,
        3,
        "zhangsan",
        LATER,
        None,
    )
    assert str(change.sentence) == "3 家企业取消等级"
    assert revert_change_set(db, staff, change.id, now=LATER) == {"removed": 0, "restored": 3}
    assert business(db) == before
    assert recent_changes(db, staff)[0].reverted_at == LATER
    with pytest.raises(Refused):
        revert_change_set(db, staff, change.id, now=LATER)


def test_an_undo_is_refused_whole_with_a_list_where_a_record_changed_since(db, staff, bureau):
    chosen = [(bureau[name], 1) for name in ("甲", "乙")]
    result = grade_enterprises(db, staff, chosen, grade=Grade.A, now=LATER)
    change_enterprise(db, staff, bureau["乙"], 2, {"note": "后来改的"}, now=LATER)
    before = dump(db)
    with pytest.raises(Refused) as refused:
        revert_change_set(db, staff, result.change_set_id, now=LATER)
    assert refused.value.message.values["count"] == 1
    assert "乙企业" in refused.value.message.values["records"]
    assert "甲企业" not in refused.value.message.values["records"]
    assert dump(db) == before


def test_changes_are_taken_back_one_after_the_other_latest_first(db, staff, bureau):
    before = business(db)
    one = bureau["甲"]
    first = grade_enterprises(db, staff, [(one, 1)], grade=Grade.A, now=LATER)
    second = tag_enterprises(db, staff, [(one, 2)], add=["重点"], now=LATER)
    with pytest.raises(Refused):
        revert_change_set(db, staff, first.change_set_id, now=LATER)
    for change in (second, first):
        revert_change_set(db, staff, change.change_set_id, now=LATER)
    assert business(db) == before


def test_an_undo_is_for_who_made_the_change_and_for_the_bureau(db, staff, head, bureau, units):
    result = grade_enterprises(db, staff, [(bureau["甲"], 1)], grade=Grade.A, now=LATER)
    colleague = person("wangwu", Role.STAFF, unit_id=units["吉首"])
    for nobody in (colleague, head, person("sunba", Role.LEADER)):
        assert recent_changes(db, nobody) == []
        with pytest.raises(NotFound):
            revert_change_set(db, nobody, result.change_set_id, now=LATER)
    moved_away = person("zhangsan", Role.STAFF, unit_id=units["凤凰"])
    with pytest.raises(Denied):
        revert_change_set(db, moved_away, result.change_set_id, now=LATER)
    assert of(db, "grade", [bureau["甲"]]) == ["A"]
    revert_change_set(db, person("zhaoliu", Role.DISPATCHER), result.change_set_id, now=LATER)
    assert of(db, "grade", [bureau["甲"]]) == ["C"]


# --------------------------------------------------------------------------------------------------------------- assign


def test_a_unit_head_assigns_people_and_moves_nothing_to_another_unit(db, head, staff, bureau, units):
    chosen = [(bureau["甲"], 1), (bureau["外"], 1)]
    result = assign_enterprises(db, head, chosen, person=" 新人 ", now=LATER)
    assert told(result) == (1, 0, [("—", OUTSIDE)])
    assert of(db, "owner_person", bureau.values()) == ["新人", "旧人", "旧人", "旧人"]
    for target in ("凤凰", "泸溪"):
        result = assign_enterprises(db, head, [(bureau["乙"], 1)], unit_id=units[target], now=LATER)
        assert told(result) == (
            0,
            0,
            [("乙企业", "It belongs to another unit: the dispatch office transfers it.")],
        )
    assert of(db, "owner_unit_id", [bureau["乙"]]) == [units["吉首"]]
    with pytest.raises(Denied):
        assign_enterprises(db, staff, [(bureau["甲"], 2)], person="自己", now=LATER)


def test_a_unit_does_not_take_an_enterprise_that_it_only_holds_a_project_of(db, head, bureau, units):
    insert_project(db, "P", unit_id=units["吉首"], enterprise_id=bureau["外"])
    result = assign_enterprises(db, head, [(bureau["外"], 1)], unit_id=units["吉首"], now=LATER)
    assert told(result) == (0, 0, [("外企业", "It belongs to another unit: the dispatch office transfers it.")])


def test_the_bureau_and_the_chains_task_force_assign_units_within_their_reach(db, bureau, units):
    industry, other = (row[0] for row in db.rows("select id from industry order by display_order limit 2"))
    insert(db, "enterprise_segment", enterprise_id=bureau["甲"], industry_id=industry)
    insert(db, "enterprise_segment", enterprise_id=bureau["乙"], industry_id=other)
    force = person("qianqi", Role.TASKFORCE, industries=(industry,))
    chosen = [(bureau["甲"], 1), (bureau["乙"], 1)]
    result = assign_enterprises(db, force, chosen, unit_id=units["龙山"], person="专人", now=LATER)
    assert told(result) == (1, 0, [("—", OUTSIDE)])
    # Someone who is both: the unit's right does not lend the chain's reach to an enterprise outside the chain.
    both = person("both", Role.TASKFORCE, Role.UNIT_HEAD, unit_id=units["吉首"], industries=(industry,))
    result = assign_enterprises(db, both, [(bureau["乙"], 1)], unit_id=units["龙山"], now=LATER)
    assert told(result)[2] == [("乙企业", "It belongs to another unit: the dispatch office transfers it.")]
    dispatcher = person("zhaoliu", Role.DISPATCHER)
    result = assign_enterprises(
        db, dispatcher, [(bureau["乙"], 1), (bureau["外"], 1)], unit_id=units["永顺"], now=LATER
    )
    assert told(result) == (2, 0, [])
    short = {unit_id: name for name, unit_id in units.items()}
    assert [short[i] for i in of(db, "owner_unit_id", bureau.values())] == ["龙山", "永顺", "吉首", "永顺"]
    assert of(db, "owner_person", bureau.values()) == ["专人", "旧人", "旧人", "旧人"]
    revert_change_set(db, force, recent_changes(db, force)[0].id, now=LATER)
    assert of(db, "owner_unit_id", [bureau["甲"]]) == [units["吉首"]]


def test_an_assignment_names_somebody_and_a_unit_that_exists(db, head, bureau):
    before = dump(db)
    for values, refusal in (({}, Invalid), ({"person": "  "}, Invalid), ({"person": "长" * 61}, Invalid)):
        with pytest.raises(refusal):
            assign_enterprises(db, head, [(bureau["甲"], 1)], **values, now=LATER)
    with pytest.raises(NotFound):
        assign_enterprises(db, SYSTEM, [(bureau["甲"], 1)], unit_id=999_999_999, now=LATER)
    assert dump(db) == before


# ----------------------------------------------------------------------------------------------------------------- tags


def test_tags_are_added_and_taken_off_beside_those_that_are_there(db, staff, bureau):
    one, two = bureau["甲"], bureau["乙"]
    tag_enterprises(db, staff, [(one, 1), (two, 1)], add=[" 重点 ", "回归"], now=LATER)
    result = tag_enterprises(db, staff, [(one, 2), (two, 2)], add=["重点"], remove=["回归", "没有的"], now=LATER)
    assert told(result) == (2, 0, [])
    assert of(db, "tags", [one, two, bureau["丙"]]) == ["重点", "重点", None]
    tag_enterprises(db, staff, [(one, 3)], remove=["重点"], now=LATER)
    assert of(db, "tags", [one]) == [None]


@pytest.mark.parametrize("add", [[], ["  "], ["长" * 21], ["甲、乙"], [str(n) for n in range(13)]])
def test_tags_that_cannot_be_are_refused_at_the_field(db, staff, bureau, add):
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        tag_enterprises(db, staff, [(bureau["甲"], 1)], add=add, now=LATER)
    assert set(refused.value.fields) == {"tags"}
    assert dump(db) == before


def test_an_enterprise_that_would_bear_too_many_tags_is_left_as_it_is(db, staff, bureau):
    tag_enterprises(db, staff, [(bureau["甲"], 1)], add=[str(n) for n in range(12)], now=LATER)
    result = tag_enterprises(db, staff, [(bureau["甲"], 2), (bureau["乙"], 1)], add=["再一个"], now=LATER)
    assert (result.changed, [refusal.name for refusal in result.refused]) == (1, ["甲企业"])


def test_too_many_at_once_are_refused_as_a_whole(db, bureau):
    before = dump(db)
    with pytest.raises(Refused):
        grade_enterprises(db, SYSTEM, [(-n, 1) for n in range(MOST)] + [(bureau["甲"], 1)], grade=Grade.A, now=LATER)
    assert dump(db) == before


@pytest.mark.parametrize("role", [Role.LEADER, Role.ADMIN, Role.AUDITOR, Role.TASKFORCE])
def test_who_may_not_edit_changes_nothing_in_bulk(db, bureau, role):
    before = dump(db)
    with pytest.raises(Denied):
        grade_enterprises(db, person("x", role), [(bureau["甲"], 1)], grade=Grade.A, now=LATER)
    assert dump(db) == before
