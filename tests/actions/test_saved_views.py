"""Saved views: one's own and the shared ones of others; a view holds a query and never data."""

from datetime import date
from urllib.parse import parse_qs

import pytest

from crm.actions.saved_views import delete_view, rename_view, save_view, share_view
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import Role
from crm.reports.enterprises import EnterpriseFilter, directory
from crm.reports.saved_views import saved_views
from tests.probes import NOW, SYSTEM, dump, insert, insert_enterprise, person, unit_ids


@pytest.fixture
def people(db):
    """Two people with accounts, as actors."""
    made = []
    for login, name, unit in (("zhangsan", "张三", "吉首"), ("wangwu", "王五", "凤凰")):
        unit_id = unit_ids(db)[unit]
        account = insert(db, "account", login=login, name=name, unit_id=unit_id, roles="staff", industries="")
        actor = person(login, Role.STAFF, unit_id=unit_id)
        made.append(type(actor)(login, account, name, unit_id, actor.roles))
    return made


def save(db, who, name, query="grade=A", *, page="enterprises", shared=False):
    return save_view(db, who, page=page, name=name, query=query, shared=shared, now=NOW)


def listed(db, who, page="enterprises"):
    return [(view.name, view.shared, view.mine, view.owner) for view in saved_views(db, who, page)]


def test_ones_own_come_first_then_what_others_share_with_their_names(db, people):
    mine, theirs = people
    save(db, mine, "乙")
    save(db, mine, "甲", shared=True)
    save(db, theirs, "共享的", shared=True)
    save(db, theirs, "私下的")
    save(db, theirs, "别的页", page="projects", shared=True)
    assert listed(db, mine) == [
        ("乙", False, True, "张三"),
        ("甲", True, True, "张三"),
        ("共享的", True, False, "王五"),
    ]
    assert [row[0] for row in listed(db, theirs)] == ["共享的", "私下的", "甲"]
    assert listed(db, mine, "projects") == [("别的页", True, False, "王五")]
    assert saved_views(db, SYSTEM, "enterprises") == []


def test_a_view_keeps_the_filters_of_the_address_and_not_where_one_stood(db, people):
    save(db, people[0], "筛选", "?industry=茶叶&tags=a&tags=b&page=7&id=12&from=100.5")
    (view,) = saved_views(db, people[0], "enterprises")
    assert parse_qs(view.query) == {"industry": ["茶叶"], "tags": ["a", "b"], "from": ["100.5"]}


def test_who_opens_a_shared_view_sees_only_their_own_records(db, people):
    units = unit_ids(db)
    for unit in ("吉首", "凤凰"):
        insert_enterprise(db, f"{unit}的甲级", owner_unit_id=units[unit], grade="A")
    save(db, people[0], "甲级", "grade=A", shared=True)
    (view,) = saved_views(db, people[1], "enterprises")
    f = EnterpriseFilter(grade=parse_qs(view.query)["grade"][0])
    assert list(directory(db, people[1], f, today=date(2026, 6, 30))["name"]) == ["凤凰的甲级"]


def test_rename_share_and_delete_ones_own(db, people):
    mine, theirs = people
    view_id = save(db, mine, "旧名")
    rename_view(db, mine, view_id, 1, name=" 新名 ", now=NOW)
    share_view(db, mine, view_id, 2, shared=True, now=NOW)
    assert listed(db, theirs) == [("新名", True, False, "张三")]
    share_view(db, mine, view_id, 3, shared=False, now=NOW)
    assert listed(db, theirs) == []
    delete_view(db, mine, view_id, 4, now=NOW)
    assert listed(db, mine) == []
    save(db, mine, "新名")  # its name is free again


def test_anothers_view_is_not_to_be_touched_nor_ones_own_of_another_version(db, people):
    mine, theirs = people
    view_id = save(db, mine, "共享的", shared=True)
    before = dump(db)
    for who in (theirs, SYSTEM, person("root", Role.ADMIN)):
        for change in (
            lambda who=who: rename_view(db, who, view_id, 1, name="x", now=NOW),
            lambda who=who: share_view(db, who, view_id, 1, shared=False, now=NOW),
            lambda who=who: delete_view(db, who, view_id, 1, now=NOW),
        ):
            with pytest.raises(NotFound):
                change()
    with pytest.raises(Conflict):
        rename_view(db, mine, view_id, 2, name="x", now=NOW)
    with pytest.raises(Denied):
        save(db, SYSTEM, "系统的")
    assert dump(db) == before


def test_a_name_is_there_short_and_ones_own_once(db, people):
    save(db, people[0], "甲")
    other = save(db, people[0], "乙")
    before = dump(db)
    for name in ("", "  ", "长" * 41, "甲", " 甲 "):
        with pytest.raises(Invalid) as refused:
            save(db, people[0], name)
        assert set(refused.value.fields) == {"name"}
    with pytest.raises(Invalid):
        rename_view(db, people[0], other, 1, name="甲", now=NOW)
    with pytest.raises(Invalid):
        save(db, people[0], "太长", "q=" + "x" * 2000)
    assert dump(db) == before
    rename_view(db, people[0], other, 1, name="乙", now=NOW)
    save(db, people[1], "甲")
    save(db, people[0], "甲", page="projects")
