"""Enterprises: one record each in the whole bureau, changed by version, personal data revealed for a purpose."""

from datetime import date
from decimal import Decimal

import pytest

from crm.actions.enterprises import (
    LinkDraft,
    archive_enterprise,
    change_enterprise,
    create_enterprise,
    restore_enterprise,
    reveal_contact,
    set_links,
    transfer_enterprise,
)
from crm.errors import Conflict, Denied, Invalid, NotFound, Refused
from crm.model import EnterpriseDraft, Role
from crm.reports.enterprises import enterprise_record, find_duplicates, put_away, search_enterprises
from tests.probes import NOW, SYSTEM, TODAY, dump, insert, insert_enterprise, insert_project, person

NAME, CODE = "湖南甲科技（集团）有限公司", "91430104183791051F"


@pytest.fixture
def foreign(db, units):
    """An enterprise of another unit, with much that must not leak."""
    found = insert_enterprise(
        db,
        NAME,
        credit_code=CODE,
        owner_unit_id=units["凤凰"],
        owner_person="王五",
        grade="A",
        note="底价两亿",
        intended_amount=Decimal(200_000_000),
    )
    alias = "湘西老字号商行"
    insert(db, "enterprise_alias", enterprise_id=found, name=alias, reason="曾用名")
    insert(db, "contact_person", enterprise_id=found, name="刘总", phone="13812345678", wechat="wx-liu")
    return found


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (NAME, ""),
        ("湖南甲科技(集团)有限公司", ""),
        (" 湖南 甲科技　（集团） 有限公司 ", ""),
        ("湖南甲科技集团有限公司", ""),
        ("湘西老字号商行", ""),
        ("湘西 老字号 商行", ""),
        ("完全另一个名字的公司", CODE),
        ("完全另一个名字的公司", f" {CODE.lower()} "),
    ],
    ids=["same", "half width", "spaces", "punctuation", "alias", "alias with spaces", "code", "code in lower case"],
)
def test_the_same_enterprise_is_refused_telling_only_name_and_unit(db, staff, foreign, name, code):
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        create_enterprise(db, staff, EnterpriseDraft(name, credit_code=code, accept_duplicates=True), now=NOW)
    assert {field: (m.msgid, m.values) for field, m in refused.value.fields.items()} == {
        "name": ("The bureau already has “{name}”, held by {unit}.", {"name": NAME, "unit": "凤凰县"})
    }
    assert dump(db) == before


def test_a_near_name_is_asked_about_telling_only_name_and_unit_and_may_be_confirmed(db, staff, foreign):
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        create_enterprise(db, staff, EnterpriseDraft("湖南省甲科技集团股份有限公司"), now=NOW)
    assert {field: m.values for field, m in refused.value.fields.items()} == {"name": {"name": NAME, "unit": "凤凰县"}}
    assert "confirm" in refused.value.fields["name"].msgid
    assert dump(db) == before
    created = create_enterprise(
        db, staff, EnterpriseDraft("湖南省甲科技集团股份有限公司", accept_duplicates=True), now=NOW
    )
    assert db.value("select name from enterprise where id = $1", [created]) == "湖南省甲科技集团股份有限公司"


def test_the_search_for_duplicates_tells_name_and_unit_and_no_more(db, foreign):
    found = find_duplicates(db, "湖南甲科技集团有限公司")
    assert [vars(d) for d in found] == [{"id": foreign, "name": NAME, "unit": "凤凰县", "exact": True}]
    near = find_duplicates(db, "湖南省甲科技集团有限公司")
    assert [vars(d) for d in near] == [{"id": foreign, "name": NAME, "unit": "凤凰县", "exact": False}]


def test_another_enterprise_is_not_taken_for_a_duplicate(db, staff, foreign):
    for name in ("湖南乙农业有限公司", "湖南丙科技有限公司", "甲科技", "有限公司某某"):
        assert find_duplicates(db, name) == []
        create_enterprise(db, staff, EnterpriseDraft(name), now=NOW)


def test_a_closed_enterprise_is_no_duplicate_of_its_successor(db, staff, units):
    insert_enterprise(db, NAME, owner_unit_id=units["凤凰"], archived_at=NOW)
    assert find_duplicates(db, NAME) == []


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (EnterpriseDraft(""), "name"),
        (EnterpriseDraft("（）"), "name"),
        (EnterpriseDraft("长" * 121), "name"),
        (EnterpriseDraft("甲", credit_code="91430104183791051G"), "credit_code"),
        (EnterpriseDraft("甲", credit_code="9143"), "credit_code"),
        (EnterpriseDraft("甲", registered_capital=Decimal(-1)), "registered_capital"),
        (EnterpriseDraft("甲", intended_amount=Decimal(10) ** 16), "intended_amount"),
    ],
)
def test_a_draft_that_cannot_be_is_refused_at_its_field(db, staff, draft, field):
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        create_enterprise(db, staff, draft, now=NOW)
    assert list(refused.value.fields) == [field]
    assert dump(db) == before


def test_an_early_pilot_code_may_be_accepted(db, staff):
    draft = EnterpriseDraft("早期试点企业", credit_code="91430104183791051G", accept_credit_code=True)
    created = create_enterprise(db, staff, draft, now=NOW)
    assert db.value("select credit_code from enterprise where id = $1", [created]) == "91430104183791051G"


def test_a_new_enterprise_belongs_to_the_makers_unit_or_the_one_named_by_who_may(db, staff, units):
    created = create_enterprise(db, staff, EnterpriseDraft("甲企业"), now=NOW)
    assert db.rows("select owner_unit_id, owner_person from enterprise where id = $1", [created]) == [
        (units["吉首"], "zhangsan")
    ]
    before = dump(db)
    with pytest.raises(Denied):
        create_enterprise(db, staff, EnterpriseDraft("乙企业", owner_unit_id=units["凤凰"]), now=NOW)
    with pytest.raises(NotFound):
        create_enterprise(db, SYSTEM, EnterpriseDraft("乙企业", owner_unit_id=999_999_999), now=NOW)
    assert dump(db) == before
    dispatcher = person("zhaoliu", Role.DISPATCHER)
    other = create_enterprise(db, dispatcher, EnterpriseDraft("丙企业", owner_unit_id=units["凤凰"]), now=NOW)
    assert db.value("select owner_unit_id from enterprise where id = $1", [other]) == units["凤凰"]


# -------------------------------------------------------------------------------------------------------------- change


def test_a_change_of_name_moves_its_search_keys_along(db, staff, units):
    record_id = insert_enterprise(db, "旧名企业", owner_unit_id=units["吉首"])
    change_enterprise(
        db,
        staff,
        record_id,
        1,
        {
            "name": " 新名（集团）企业 ",
            "credit_code": CODE.lower(),
            "grade": "A",
            "note": "",
            "founded_on": date(2020, 1, 2),
        },
        now=NOW,
    )
    columns = "name, name_key, search_text, credit_code, grade, note, founded_on, version"
    assert db.rows(f"select {columns} from enterprise where id = $1", [record_id]) == [
        (
            "新名（集团）企业",
            "新名集团企业",
            f"新名(集团)企业\n新名集团企业\nxmjtqy\n{CODE.lower()}",
            CODE,
            "A",
            None,
            date(2020, 1, 2),
            2,
        )
    ]
    assert [match.id for match in search_enterprises(db, staff, "xmjt")] == [record_id]
    assert search_enterprises(db, staff, "旧名") == []


def test_a_change_is_refused_by_version_right_scope_and_field_and_leaves_all_as_it_was(db, staff, units, foreign):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"])
    before = dump(db)
    for who, record_id, version, changes, refusal in (
        (staff, own, 2, {"grade": "A"}, Conflict),
        (staff, foreign, 1, {"grade": "A"}, NotFound),
        (staff, 999_999_999, 1, {"grade": "A"}, NotFound),
        (person("sunba", Role.LEADER), own, 1, {"grade": "A"}, Denied),
        (staff, own, 1, {"name": NAME}, Invalid),
        (staff, own, 1, {"name": " "}, Invalid),
        (staff, own, 1, {"name": "长" * 121}, Invalid),
        (staff, own, 1, {"credit_code": CODE}, Invalid),
        (staff, own, 1, {"credit_code": "91"}, Invalid),
        (staff, own, 1, {"intended_amount": Decimal(-1)}, Invalid),
        (staff, own, 1, {"registered_capital": Decimal(10) ** 16}, Invalid),
        (staff, own, 1, {"grade": "Z"}, Invalid),
        (staff, own, 1, {"owner_unit_id": units["凤凰"]}, KeyError),
        (staff, own, 1, {"version": 7}, KeyError),
    ):
        with pytest.raises(refusal):
            change_enterprise(db, who, record_id, version, changes, now=NOW)
    assert dump(db) == before


def test_a_pilot_code_is_taken_where_a_person_vouches_for_it_and_tags_are_kept_each_once(db, staff, units):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"])
    code = "91430104183791051G"
    with pytest.raises(Invalid):
        change_enterprise(db, staff, own, 1, {"credit_code": code}, now=NOW)
    changes = {"credit_code": code, "tags": ["重点", " 重点 ", "回归"]}
    change_enterprise(db, staff, own, 1, changes, accept_credit_code=True, now=NOW)
    assert db.rows("select credit_code, tags from enterprise where id = $1", [own]) == [(code, "回归、重点")]
    change_enterprise(db, staff, own, 2, {"tags": []}, now=NOW)
    assert db.rows("select tags from enterprise where id = $1", [own]) == [(None,)]
    with pytest.raises(Invalid) as refused:
        change_enterprise(db, staff, own, 3, {"tags": ["甲、乙"]}, now=NOW)
    assert set(refused.value.fields) == {"tags"}


def test_an_enterprise_keeps_its_own_name_and_its_pilot_code_on_a_change(db, staff, units):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"], credit_code="91430104183791051G")
    change_enterprise(
        db, staff, own, 1, {"name": "自家企业", "credit_code": "91430104183791051G", "grade": "C"}, now=NOW
    )
    assert db.rows("select grade, version from enterprise where id = $1", [own]) == [("C", 2)]


# -------------------------------------------------------------------------------------------------------------- reveal


def test_personal_data_are_revealed_for_a_purpose_that_is_recorded(db, units, foreign):
    someone = db.value("select id from contact_person")
    owner = person("wangwu", Role.STAFF, unit_id=units["凤凰"])
    assert reveal_contact(db, owner, someone, purpose=" 约见 ", now=NOW) == {
        "phone": "13812345678",
        "wechat": "wx-liu",
        "email": "",
    }
    entries = db.rows("select actor, subject, subject_id, before, after, note from audit where action = 'reveal'")
    assert entries == [("wangwu", "contact_person", someone, None, None, "约见")]


def test_personal_data_are_not_revealed_without_purpose_right_or_scope(db, staff, units, foreign):
    someone = db.value("select id from contact_person")
    before = dump(db)
    owner = person("wangwu", Role.STAFF, unit_id=units["凤凰"])
    for who, purpose, refusal in (
        (owner, " ", Invalid),
        (staff, "约见", NotFound),
        (person("sunba", Role.LEADER), "约见", Denied),
        (person("admin", Role.ADMIN), "约见", NotFound),
    ):
        with pytest.raises(refusal):
            reveal_contact(db, who, someone, purpose=purpose, now=NOW)
    assert dump(db) == before


# ---------------------------------------------------------------------------------------- transfer, archive and restore


def test_a_transfer_changes_the_owner_unit_and_nothing_else(db, units, staff):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"], owner_person="张三")
    contact = {"happened_on": TODAY, "method": "visit", "content": "谈过", "unit_id": units["吉首"]}
    insert(db, "follow_up", enterprise_id=own, **contact)
    before = db.records("select * from enterprise where id = $1", [own])[0]
    follow_ups = db.rows("select * from follow_up")
    for who, record_id, version, unit, refusal in (
        (staff, own, 1, units["凤凰"], Denied),
        (person("lisi", Role.UNIT_HEAD, unit_id=units["吉首"]), own, 1, units["凤凰"], Denied),
        (person("admin", Role.ADMIN), own, 1, units["凤凰"], NotFound),
        (SYSTEM, own, 2, units["凤凰"], Conflict),
        (SYSTEM, own, 1, 999_999_999, NotFound),
    ):
        with pytest.raises(refusal):
            transfer_enterprise(db, who, record_id, version, unit_id=unit, now=NOW)
    dispatcher = person("zhaoliu", Role.DISPATCHER)
    transfer_enterprise(db, dispatcher, own, 1, unit_id=units["凤凰"], now=NOW)
    after = db.records("select * from enterprise where id = $1", [own])[0]
    assert {field: value for field, value in after.items() if value != before[field]} == {
        "owner_unit_id": units["凤凰"],
        "version": 2,
        "updated_by": "zhaoliu",
    }
    assert db.rows("select * from follow_up") == follow_ups
    with pytest.raises(NotFound):
        enterprise_record(db, staff, own)


def test_an_enterprise_is_put_away_with_a_reason_and_brought_back(db, units, staff):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"])
    with pytest.raises(Invalid) as refused:
        archive_enterprise(db, staff, own, 1, reason="  ", now=NOW)
    assert set(refused.value.fields) == {"reason"}
    archive_enterprise(db, staff, own, 1, reason=" 企业已注销 ", now=NOW)
    found = put_away(db, staff, own)
    assert found is not None
    assert (found.name, found.unit, found.archived_by, found.reason, found.merged_into_id, found.owned) == (
        "自家企业",
        "吉首市",
        "zhangsan",
        "企业已注销",
        None,
        True,
    )
    leader = put_away(db, person("sunba", Role.LEADER), own)
    assert leader is not None
    assert not leader.owned
    assert search_enterprises(db, staff, "自家") == []
    with pytest.raises(NotFound):
        change_enterprise(db, staff, own, 2, {"grade": "A"}, now=NOW)
    with pytest.raises(NotFound):
        put_away(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), own)
    restore_enterprise(db, staff, own, 2, now=NOW)
    assert put_away(db, staff, own) is None
    assert [match.id for match in search_enterprises(db, staff, "自家")] == [own]


def test_an_enterprise_with_projects_under_way_is_not_put_away(db, units, staff):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"])
    going = insert_project(db, "P1", unit_id=units["凤凰"], enterprise_id=own)
    insert_project(db, "P2", unit_id=units["吉首"], enterprise_id=own, status="withdrawn")
    before = dump(db)
    with pytest.raises(Refused) as refused:
        archive_enterprise(db, staff, own, 1, reason="不再跟踪", now=NOW)
    assert refused.value.message.values == {"count": 1}
    assert dump(db) == before
    with db.transaction() as session:
        session.execute("update project set status = 'withdrawn' where id = $1", [going])
    archive_enterprise(db, staff, own, 1, reason="不再跟踪", now=NOW)


def test_putting_away_and_bringing_back_are_refused_by_right_scope_and_version(db, units, staff):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"])
    away = insert_enterprise(db, "放起来的", owner_unit_id=units["吉首"], archived_at=NOW)
    merged = insert_enterprise(db, "并走的", owner_unit_id=units["吉首"], archived_at=NOW, merged_into_id=own)
    foreign = insert_enterprise(db, "凤凰的", owner_unit_id=units["凤凰"])
    held = insert_enterprise(db, "凤凰的另一家", owner_unit_id=units["凤凰"])
    insert_project(db, "P", unit_id=units["吉首"], enterprise_id=held, status="withdrawn")
    twin = insert_enterprise(db, "自家（企业）", owner_unit_id=units["吉首"], archived_at=NOW)
    before = dump(db)
    for who, record_id, version, refusal in (
        (staff, own, 2, Conflict),
        (staff, away, 1, NotFound),
        (staff, foreign, 1, NotFound),
        (staff, held, 1, Denied),
        (person("sunba", Role.LEADER), own, 1, Denied),
    ):
        with pytest.raises(refusal):
            archive_enterprise(db, who, record_id, version, reason="试试", now=NOW)
    for who, record_id, version, refusal in (
        (staff, away, 2, Conflict),
        (staff, own, 1, NotFound),
        (staff, merged, 1, NotFound),
        (staff, twin, 1, Refused),
        (person("wangwu", Role.STAFF, unit_id=units["凤凰"]), away, 1, NotFound),
        (person("sunba", Role.LEADER), away, 1, Denied),
    ):
        with pytest.raises(refusal):
            restore_enterprise(db, who, record_id, version, now=NOW)
    assert dump(db) == before


# ---------------------------------------------------------------------------------------------------------- chain links


def test_the_chain_links_become_those_that_were_chosen(db, units, staff):
    own = insert_enterprise(db, "自家企业", owner_unit_id=units["吉首"])
    first, second, third = db.rows("select id, industry_id from segment order by id limit 3")
    industry = db.value("select max(id) from industry")
    links = [LinkDraft(first[1], first[0], "fill"), LinkDraft(second[1], second[0], ""), LinkDraft(industry, None, "")]
    set_links(db, staff, own, links, seen=[], now=NOW)
    seen = enterprise_record(db, staff, own).links
    assert {(link.segment_id, link.role) for link in seen} == {(first[0], "fill"), (second[0], ""), (None, "")}
    again = [LinkDraft(first[1], first[0], "extend"), LinkDraft(third[1], third[0], "strengthen")]
    set_links(db, staff, own, again, seen=seen, now=NOW)
    after = enterprise_record(db, staff, own).links
    assert {(link.segment_id, link.role) for link in after} == {(first[0], "extend"), (third[0], "strengthen")}
    assert {link.id for link in after} & {link.id for link in seen} == {
        next(link.id for link in seen if link.segment_id == first[0])
    }
    before = dump(db)
    for who, wanted, known, refusal in (
        (staff, again, seen, Conflict),
        (staff, again * 2, after, Invalid),
        (staff, [LinkDraft(first[1], first[0], "nonsense")], after, Invalid),
        (staff, [LinkDraft(999_999_999, None, "")], after, NotFound),
        (staff, [LinkDraft(industry, first[0], "")], after, NotFound),
        (person("wangwu", Role.STAFF, unit_id=units["凤凰"]), again, after, NotFound),
        (person("sunba", Role.LEADER), again, after, Denied),
    ):
        with pytest.raises(refusal):
            set_links(db, who, own, wanted, seen=known, now=NOW)
    assert dump(db) == before
