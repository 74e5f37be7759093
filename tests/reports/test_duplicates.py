"""The bureau-wide duplicate check: what it finds and why, and what each reader is told of it."""

import pytest

from crm.actions.merging import mark_distinct, merge_enterprises
from crm.model import Role
from crm.reports.duplicates import Candidate, Reason, candidates, suspects
from tests.probes import NOW, SYSTEM, insert_enterprise, insert_project, person, unit_ids

CODE = "91430104183791051F"


def groups(db, actor=SYSTEM):
    """The groups as (reason, names)."""
    return [(g.reason, [m.name for m in g.members]) for g in suspects(db, actor, candidates(db))]


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (("湖南甲科技有限公司", CODE), ("完全另一个名字", CODE.lower()), Reason.CODE),
        (("湖南甲科技（集团）有限公司", None), ("湖南 甲科技集团有限公司", None), Reason.NAME),
        (("长沙云顶科技有限公司", None), ("长沙芸鼎科技有限公司", None), Reason.PINYIN),
        (("湖南甲科技有限公司", None), ("湖南省甲科技集团股份有限公司", None), Reason.NEAR),
        (("湖南甲科技有限公司", None), ("湖南甲科技有限责任公司", None), Reason.NEAR),
        (("湘西州武陵山茶叶产业发展有限公司", None), ("湘西州武陵水茶叶产业发展有限公司", None), Reason.NEAR),
        (("湖南乙农业有限公司", None), ("湖南丙农业有限公司", None), None),
        (("湖南甲科技有限公司", CODE), ("湖南乙农业有限公司", None), None),
        (("湖南甲科技有限公司", ""), ("湖南乙农业有限公司", ""), None),
    ],
)
def test_a_pair_is_found_once_for_its_strongest_reason(db, one, other, reason):
    unit = unit_ids(db)["吉首"]
    for name, code in (one, other):
        insert_enterprise(db, name, credit_code=code, owner_unit_id=unit)
    insert_enterprise(db, "毫不相干的矿业公司", owner_unit_id=unit)
    assert groups(db) == ([(reason, [one[0], other[0]])] if reason else [])


def test_more_than_two_of_one_code_are_one_group_and_the_archived_are_none(db):
    unit = unit_ids(db)["吉首"]
    ids = [insert_enterprise(db, name, credit_code=CODE, owner_unit_id=unit) for name in ("春茶", "矿业", "物流")]
    insert_enterprise(db, "春茶", credit_code=CODE, owner_unit_id=unit, archived_at=NOW)
    told = []
    assert candidates(db, progress=told.append) == [Candidate(Reason.CODE, tuple(ids))]
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.fixture
def mixed(db):
    """Pairs of one unit, of two units, and of two other units."""
    units = unit_ids(db)
    names = {
        "own": ("吉首", "吉首", "长沙云顶科技"),
        "shared": ("吉首", "凤凰", "株洲白云矿业"),
        "foreign": ("凤凰", "龙山", "岳阳洞庭物流"),
    }
    ids = {}
    for key, (first, second, name) in names.items():
        ids[key] = [
            insert_enterprise(
                db,
                f"{name}{form}",
                owner_unit_id=units[unit],
                owner_person=f"{unit}的人",
                credit_code=f"{key}-{unit}-{n}",
            )
            for n, (unit, form) in enumerate(((first, "有限公司"), (second, "有限责任公司")))
        ]
    insert_project(db, "P1", unit_id=units["凤凰"], enterprise_id=ids["own"][0])
    insert_project(db, "P2", unit_id=units["吉首"], enterprise_id=ids["own"][0])
    return ids, person("zhangsan", Role.STAFF, unit_id=units["吉首"])


def test_of_what_lies_beyond_the_scope_only_name_and_unit_are_told(db, mixed):
    ids, staff = mixed
    found = suspects(db, staff, candidates(db))
    assert [[member.id for member in group.members] for group in found] == [ids["own"], ids["shared"]]
    seen, hidden = found[1].members
    assert (seen.visible, seen.credit_code, seen.owner_person) == (True, "shared-吉首-0", "吉首的人")
    assert vars(hidden) == {
        "id": ids["shared"][1],
        "version": 1,
        "name": "株洲白云矿业有限责任公司",
        "unit": "凤凰县",
        "visible": False,
        "editable": False,
        "credit_code": "",
        "owner_person": "",
        "last_contact_on": None,
        "projects": 0,
    }
    assert [member.projects for member in found[0].members] == [1, 0]
    dispatcher = suspects(db, person("zhaoliu", Role.DISPATCHER), candidates(db))
    assert len(dispatcher) == 3
    assert all(member.visible and member.editable for group in dispatcher for member in group.members)
    leader = suspects(db, person("sunba", Role.LEADER), candidates(db))
    assert {(m.visible, m.editable) for group in leader for m in group.members} == {(True, False)}
    assert suspects(db, person("admin", Role.ADMIN), candidates(db)) == []


def test_what_was_said_to_be_different_or_merged_is_not_shown_again(db, mixed):
    ids, staff = mixed
    found = candidates(db)
    mark_distinct(db, staff, ids["own"], now=NOW)
    assert [group.members[0].id for group in suspects(db, SYSTEM, found)] == [ids["shared"][0], ids["foreign"][0]]
    merge_enterprises(db, SYSTEM, (ids["shared"][0], 1), (ids["shared"][1], 1), now=NOW)
    assert [group.members[0].id for group in suspects(db, SYSTEM, found)] == [ids["foreign"][0]]
    assert suspects(db, staff, found) == []
