"""Merging two records of one enterprise: everything moves, a deep link leads on, and taking it back leaves no trace."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest

from crm.actions.change_sets import revert_change_set
from crm.actions.contact_people import change_contact_person
from crm.actions.followups import log_follow_up
from crm.actions.merging import CHILDREN, CHOICES, mark_distinct, merge_enterprises
from crm.errors import Conflict, Denied, Invalid, NotFound, Refused
from crm.model import FollowUpDraft, Method, Role
from crm.reports.enterprises import enterprise_record, find_duplicates, put_away, search_enterprises
from crm.reports.findings import findings
from tests.actions.test_bulk import business
from tests.probes import NOW, SYSTEM, TODAY, dump, insert, insert_enterprise, insert_project, person

LATER = NOW + timedelta(minutes=5)
# What else the tables of an enterprise's own records ask for.
CHILD_VALUES = {
    "enterprise_alias": {"name": "曾用名"},
    "enterprise_segment": {},
    "contact_person": {"name": "某人"},
    "follow_up": {"happened_on": TODAY, "method": "visit", "content": "谈过"},
    "movement": {"happened_on": TODAY, "kind": "expansion", "content": "扩产"},
    "engagement_step": {"step": "拜访"},
    "difficulty": {"content": "用地", "raised_on": TODAY},
}


@pytest.fixture
def industries(db):
    return [row[0] for row in db.rows("select id from industry order by display_order limit 4")]


def pair(db, units, *, unit="吉首", other_unit="吉首"):
    """Two enterprises without anything."""
    return (
        insert_enterprise(db, "湖南甲科技有限公司", owner_unit_id=units[unit], grade="B", tags="回归"),
        insert_enterprise(
            db,
            "湖南省甲科技有限公司",
            owner_unit_id=units[other_unit],
            credit_code="91430104183791051F",
            tags="重点",
            intended_amount=Decimal(5_000_000),
            intended_amount_original=Decimal(700_000),
            intended_amount_currency="USD",
        ),
    )


def furnish(db, enterprise_id, units, industries, rng, mark):
    """Give an enterprise some records in every table that names one."""
    for table in CHILDREN:
        for n in range(rng.randint(1, 3)):
            if table == "project":
                insert_project(db, f"P-{mark}-{n}", unit_id=units["凤凰"], enterprise_id=enterprise_id)
                continue
            values = dict(CHILD_VALUES[table])
            if table == "enterprise_segment":
                values["industry_id"] = industries[n]
            if table == "contact_person":
                values |= {"name": f"某人{n}", "phone": rng.choice([None, "13800000000", f"1390000000{mark}"])}
            if table == "follow_up":
                values |= {
                    "happened_on": TODAY - timedelta(days=rng.randint(0, 99)),
                    "next_step": "再谈",
                    "next_due_on": rng.choice([None, TODAY + timedelta(days=rng.randint(0, 9))]),
                }
            if rng.random() < 0.2:
                values["archived_at"] = NOW
            insert(db, table, enterprise_id=enterprise_id, **values)
    insert(
        db,
        "attachment",
        subject="enterprise",
        subject_id=enterprise_id,
        name="a.pdf",
        size=1,
        sha256="ab" * 32,
        media_type="y",
    )
    # The dates that the write path would have kept.
    with db.transaction() as session:
        session.execute(
            "update enterprise set last_contact_on = (select max(happened_on) from follow_up f"
            " where f.enterprise_id = $1 and f.archived_at is null), next_contact_on = (select min(next_due_on)"
            " from follow_up f where f.enterprise_id = $1 and f.archived_at is null and f.done_at is null)"
            " where id = $1",
            [enterprise_id],
        )


def blocking(db):
    """What is wrong with the records; there are no bytes behind the attachments of these tests."""
    return [f for f in findings(db, today=TODAY) if f.severity == "blocking" and f.subject != "attachment"]


def test_every_table_that_names_an_enterprise_is_known_to_these_tests():
    assert set(CHILDREN) == {*CHILD_VALUES, "project"}


@pytest.mark.parametrize("seed", range(4))
def test_everything_moves_and_taking_it_back_restores_the_business_to_the_letter(db, units, industries, seed):
    rng = random.Random(seed)
    keep, other = pair(db, units)
    for mark, enterprise_id in enumerate((keep, other)):
        furnish(db, enterprise_id, units, industries, rng, mark)
    stranger = insert_enterprise(db, "无关的企业", owner_unit_id=units["凤凰"])
    furnish(db, stranger, units, industries, rng, 2)
    before = business(db)
    count = {table: db.value(f"select count(*) from {table}") for table in CHILDREN}
    of_stranger = {table: db.rows(f"select * from {table} where enterprise_id = {stranger}") for table in CHILDREN}
    take = [field for field in CHOICES if rng.random() < 0.5]

    merged = merge_enterprises(db, SYSTEM, (keep, 1), (other, 1), take=take, now=LATER)

    for table in CHILDREN:
        aliases = 1 if table == "enterprise_alias" else 0
        assert db.value(f"select count(*) from {table} where enterprise_id = $1", [other]) == 0, table
        assert db.value(f"select count(*) from {table}") == count[table] + aliases, table
        assert db.rows(f"select * from {table} where enterprise_id = {stranger}") == of_stranger[table], table
    assert db.value("select count(*) from attachment where subject_id = $1", [keep]) == 2
    assert blocking(db) == []
    revert_change_set(db, SYSTEM, merged.change_set_id, now=LATER)
    assert business(db) == before
    assert blocking(db) == []


def test_the_one_that_stays_has_the_chosen_values_all_tags_and_the_old_name_as_an_alias(db, units, staff):
    keep, other = pair(db, units)
    merge_enterprises(db, staff, (keep, 1), (other, 1), take=["credit_code", "intended_amount"], now=LATER)
    record = enterprise_record(db, staff, keep)
    shown = ("name", "grade", "credit_code", "intended_amount", "intended_amount_currency", "tags", "version")
    assert [record.fields[field] for field in shown] == [
        "湖南甲科技有限公司",
        "B",
        "91430104183791051F",
        Decimal(5_000_000),
        "USD",
        "回归、重点",
        2,
    ]
    assert record.aliases == ["湖南省甲科技有限公司"]
    assert [match.id for match in search_enterprises(db, staff, "91430104183791051f")] == [keep]
    assert [(d.id, d.exact) for d in find_duplicates(db, "湖南省甲科技有限公司")] == [(keep, True)]


def test_with_the_others_name_ones_own_becomes_the_alias(db, units, staff):
    keep, other = pair(db, units)
    merge_enterprises(db, staff, (keep, 1), (other, 1), take=["name"], now=LATER)
    record = enterprise_record(db, staff, keep)
    assert (record.fields["name"], record.aliases) == ("湖南省甲科技有限公司", ["湖南甲科技有限公司"])
    assert [match.id for match in search_enterprises(db, staff, "湖南省甲")] == [keep]


def test_one_person_and_one_chain_link_do_not_stand_there_twice(db, units, staff, industries):
    keep, other = pair(db, units)
    for enterprise_id in (keep, other):
        insert(db, "enterprise_segment", enterprise_id=enterprise_id, industry_id=industries[0])
    insert(db, "contact_person", enterprise_id=keep, name="刘总", phone="13812345678")
    insert(db, "contact_person", enterprise_id=other, name="刘总", title="总经理", is_key=True)
    insert(db, "contact_person", enterprise_id=keep, name="王总", phone="13900000001")
    insert(db, "contact_person", enterprise_id=other, name="王总", phone="13900000002")
    merge_enterprises(db, staff, (keep, 1), (other, 1), now=LATER)
    people = db.rows(
        "select name, title, phone, is_key from contact_person where enterprise_id = $1 and archived_at is null"
        " order by id",
        [keep],
    )
    assert people == [
        ("刘总", "总经理", "13812345678", True),
        ("王总", None, "13900000001", False),
        ("王总", None, "13900000002", False),
    ]
    assert len(enterprise_record(db, staff, keep).links) == 1


def test_contact_dates_are_those_of_both(db, units, staff):
    keep, other = pair(db, units)
    for enterprise_id, days, due in ((keep, 30, 9), (other, 3, 2)):
        draft = FollowUpDraft(
            enterprise_id=enterprise_id,
            happened_on=TODAY - timedelta(days=days),
            method=Method.VISIT,
            content="谈过",
            next_step="再谈",
            next_due_on=TODAY + timedelta(days=due),
        )
        log_follow_up(db, staff, draft, now=NOW, today=TODAY)
    merged = merge_enterprises(db, staff, (keep, 2), (other, 2), now=LATER)
    dates = "select last_contact_on, next_contact_on from enterprise where id = $1"
    assert db.rows(dates, [keep]) == [(TODAY - timedelta(days=3), TODAY + timedelta(days=2))]
    # One logged since that moves no date does not stand in the way, and is counted once the merge is taken back.
    draft = FollowUpDraft(
        enterprise_id=keep, happened_on=TODAY - timedelta(days=10), method=Method.PHONE, content="补记"
    )
    log_follow_up(db, staff, draft, now=LATER, today=TODAY)
    revert_change_set(db, staff, merged.change_set_id, now=LATER)
    assert db.rows(dates, [keep]) == [(TODAY - timedelta(days=10), TODAY + timedelta(days=9))]
    assert db.rows(dates, [other]) == [(TODAY - timedelta(days=3), TODAY + timedelta(days=2))]


# --------------------------------------------------------------------------------------------------------------- access


def test_a_link_to_the_merged_one_leads_to_the_one_that_stays_even_twice_over(db, units, staff):
    keep, other = pair(db, units)
    third = insert_enterprise(db, "第三条记录", owner_unit_id=units["吉首"])
    merge_enterprises(db, staff, (keep, 1), (other, 1), now=LATER)
    merge_enterprises(db, staff, (third, 1), (keep, 2), now=LATER)
    for gone in (keep, other):
        found = put_away(db, staff, gone)
        assert found is not None
        assert found.merged_into_id == third
        with pytest.raises(NotFound):
            enterprise_record(db, staff, gone)
        with pytest.raises(NotFound):
            put_away(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), gone)
    assert put_away(db, staff, third) is None
    assert [match.id for match in search_enterprises(db, staff, "")] == [third]


def test_a_merge_is_refused_by_right_scope_and_version_and_leaves_all_as_it_was(db, units, staff):
    keep, other = pair(db, units)
    foreign = insert_enterprise(db, "凤凰的企业", owner_unit_id=units["凤凰"])
    held = insert_enterprise(db, "凤凰的另一家", owner_unit_id=units["凤凰"])
    insert_project(db, "P-HELD", unit_id=units["吉首"], enterprise_id=held)
    gone = insert_enterprise(db, "已归档", owner_unit_id=units["吉首"], archived_at=NOW)
    before = dump(db)
    for who, a, b, refusal in (
        (staff, (keep, 2), (other, 1), Conflict),
        (staff, (keep, 1), (other, 2), Conflict),
        (staff, (keep, 1), (keep, 1), Invalid),
        (staff, (keep, 1), (foreign, 1), NotFound),
        (staff, (foreign, 1), (keep, 1), NotFound),
        (staff, (keep, 1), (held, 1), Denied),
        (staff, (held, 1), (keep, 1), Denied),
        (staff, (keep, 1), (gone, 1), NotFound),
        (person("sunba", Role.LEADER), (keep, 1), (other, 1), Denied),
        (person("admin", Role.ADMIN), (keep, 1), (other, 1), NotFound),
    ):
        with pytest.raises(refusal):
            merge_enterprises(db, who, a, b, now=LATER)
    with pytest.raises(KeyError):
        merge_enterprises(db, staff, (keep, 1), (other, 1), take=["owner_unit_id"], now=LATER)
    assert dump(db) == before
    merge_enterprises(db, person("zhaoliu", Role.DISPATCHER), (keep, 1), (foreign, 1), now=LATER)


@pytest.mark.parametrize("touched", ["stays", "moved"])
def test_a_merge_is_not_taken_back_once_something_it_touched_was_changed(db, units, staff, touched):
    keep, other = pair(db, units)
    someone = insert(db, "contact_person", enterprise_id=other, name="刘总")
    merged = merge_enterprises(db, staff, (keep, 1), (other, 1), now=LATER)
    if touched == "stays":
        draft = FollowUpDraft(enterprise_id=keep, happened_on=TODAY, method=Method.VISIT, content="谈过")
        log_follow_up(db, staff, draft, now=LATER, today=TODAY)
    else:
        change_contact_person(db, staff, someone, 2, {"title": "董事长"}, now=LATER)
    before = dump(db)
    with pytest.raises(Refused) as refused:
        revert_change_set(db, staff, merged.change_set_id, now=LATER)
    assert refused.value.message.values["count"] == 1
    assert dump(db) == before


# ------------------------------------------------------------------------------------------------------------- distinct


def test_what_is_said_to_be_different_is_remembered_once(db, units, staff):
    keep, other = pair(db, units)
    foreign = insert_enterprise(db, "凤凰的企业", owner_unit_id=units["凤凰"])
    assert mark_distinct(db, staff, [other, keep], now=LATER) == 1
    assert mark_distinct(db, staff, [keep, other], now=LATER) == 0
    assert db.rows("select enterprise_id, other_id, created_by from not_duplicate") == [(keep, other, "zhangsan")]
    for who, refusal in ((staff, NotFound), (person("sunba", Role.LEADER), Denied)):
        with pytest.raises(refusal):
            mark_distinct(db, who, [keep, foreign], now=LATER)
    assert db.value("select count(*) from not_duplicate") == 1
