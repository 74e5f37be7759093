"""Contact people: added, changed and put away within the right to edit their enterprise."""

import pytest

from crm.actions.contact_people import add_contact_person, archive_contact_person, change_contact_person
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import Role
from crm.reports.enterprises import enterprise_record
from tests.probes import NOW, dump, insert, insert_enterprise, person, unit_ids

LIU = {"name": " 刘总 ", "title": "总经理", "phone": "138 1234 5678", "wechat": "wx-liu", "email": "", "is_key": True}


@pytest.fixture
def own(db):
    return insert_enterprise(db, "自家企业", owner_unit_id=unit_ids(db)["吉首"])


def stored(db):
    return db.rows(
        "select name, title, phone, wechat, email, is_key, version from contact_person"
        " where archived_at is null order by id"
    )


def test_a_person_is_added_changed_and_put_away_and_shown_masked(db, staff, own):
    person_id = add_contact_person(db, staff, own, LIU, now=NOW)
    assert stored(db) == [("刘总", "总经理", "138 1234 5678", "wx-liu", None, True, 1)]
    shown = enterprise_record(db, staff, own).contacts.to_dict("records")[0]
    assert (shown["phone"], shown["wechat"], shown["email"], shown["version"]) == ("138****5678", "w****", "", 1)
    change_contact_person(db, staff, person_id, 1, {"title": "董事长", "wechat": None, "email": "liu@x.cn"}, now=NOW)
    assert stored(db) == [("刘总", "董事长", "138 1234 5678", None, "liu@x.cn", True, 2)]
    archive_contact_person(db, staff, person_id, 2, now=NOW)
    assert stored(db) == []
    add_contact_person(db, staff, own, {"name": "刘总"}, now=NOW)  # the name is free again


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({}, "name"),
        ({"name": "长" * 41}, "name"),
        ({"name": "刘总"}, "name"),
        ({"name": "王总", "phone": "打给秘书"}, "phone"),
        ({"name": "王总", "phone": "1" * 31}, "phone"),
        ({"name": "王总", "email": "liu.x.cn"}, "email"),
        ({"name": "王总", "email": "@x"}, "email"),
        ({"name": "王总", "note": "长" * 501}, "note"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(db, staff, own, values, field):
    add_contact_person(db, staff, own, LIU, now=NOW)
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        add_contact_person(db, staff, own, values, now=NOW)
    assert set(refused.value.fields) == {field}
    assert dump(db) == before


def test_nobody_else_changes_them(db, staff, own):
    person_id = add_contact_person(db, staff, own, LIU, now=NOW)
    gone = insert(db, "contact_person", enterprise_id=own, name="走了的", archived_at=NOW)
    closed = insert_enterprise(db, "已归档", owner_unit_id=unit_ids(db)["吉首"], archived_at=NOW)
    other = person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    leader = person("sunba", Role.LEADER)
    before = dump(db)
    for refusal, write in (
        (NotFound, lambda: add_contact_person(db, other, own, {"name": "王总"}, now=NOW)),
        (NotFound, lambda: change_contact_person(db, other, person_id, 1, {"title": "x"}, now=NOW)),
        (NotFound, lambda: archive_contact_person(db, other, person_id, 1, now=NOW)),
        (Denied, lambda: add_contact_person(db, leader, own, {"name": "王总"}, now=NOW)),
        (Denied, lambda: change_contact_person(db, leader, person_id, 1, {"title": "x"}, now=NOW)),
        (Conflict, lambda: change_contact_person(db, staff, person_id, 2, {"title": "x"}, now=NOW)),
        (Conflict, lambda: archive_contact_person(db, staff, person_id, 2, now=NOW)),
        (NotFound, lambda: change_contact_person(db, staff, gone, 1, {"title": "x"}, now=NOW)),
        (NotFound, lambda: add_contact_person(db, staff, closed, {"name": "王总"}, now=NOW)),
        (KeyError, lambda: change_contact_person(db, staff, person_id, 1, {"enterprise_id": 1}, now=NOW)),
    ):
        with pytest.raises(refusal):
            write()
    assert dump(db) == before
