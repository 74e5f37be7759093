"""The field history of an enterprise and of a project: from what to what, by whom, when, in words, details masked."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm.actions.bulk import grade_enterprises
from crm.actions.change_sets import revert_change_set
from crm.actions.contact_people import add_contact_person, change_contact_person
from crm.actions.enterprises import LinkDraft, change_enterprise, set_links, transfer_enterprise
from crm.actions.followups import log_follow_up
from crm.actions.project_records import add_commitment, fulfil_commitment, set_milestone
from crm.actions.projects import change_project, mark_stalled, transfer_project
from crm.errors import NotFound
from crm.locale import use_language
from crm.model import Actor, FollowUpDraft, Grade, Method, MilestoneKind, Role
from crm.reports.audit_words import INTERNAL
from crm.reports.history import TITLES, history
from crm.store.records import STAMPS
from tests.probes import NOW, SYSTEM, TODAY, insert, insert_enterprise, insert_project, person, unit_ids, wan


@pytest.fixture
def told(db):
    """An enterprise with a story, and the reader who belongs to its first unit."""
    units = unit_ids(db)
    account = insert(db, "account", login="zhangsan", name="张三", unit_id=units["吉首"], roles="staff", industries="")
    staff = Actor("zhangsan", account, "张三", units["吉首"], frozenset({Role.STAFF}))
    own = insert_enterprise(db, "甲企业", owner_unit_id=units["吉首"], grade="C")
    other = insert_enterprise(db, "别的企业", owner_unit_id=units["吉首"])
    with db.transaction() as session:
        session.execute("delete from audit")
        session.execute("update audit_head set hash = $1", ["0" * 64])
    at = [NOW + timedelta(hours=n) for n in range(8)]
    change_enterprise(db, staff, own, 1, {"grade": "B", "intended_amount": Decimal(12_345_000)}, now=at[0])
    person_id = add_contact_person(db, staff, own, {"name": "刘总", "phone": "13812345678"}, now=at[1])
    change_contact_person(db, staff, person_id, 1, {"phone": "13900001111", "is_key": True}, now=at[2])
    draft = FollowUpDraft(enterprise_id=own, happened_on=TODAY, method=Method.VISIT, content="谈过")
    log_follow_up(db, staff, draft, now=at[3], today=TODAY)
    result = grade_enterprises(db, staff, [(own, 3), (other, 1)], grade=Grade.A, now=at[4])
    revert_change_set(db, staff, result.change_set_id, now=at[5])
    transfer_enterprise(db, SYSTEM, own, 5, unit_id=units["凤凰"], now=at[6])
    industry, name = db.rows("select id, name from industry order by display_order limit 1")[0]
    set_links(db, SYSTEM, own, [LinkDraft(industry, None, "fill")], seen=[], now=at[7])
    change_enterprise(db, SYSTEM, other, 3, {"note": "别家的事"}, now=at[7])
    return own, at, name


def test_each_change_says_who_when_and_from_what_to_what_in_words(db, told):
    own, at, industry = told
    with use_language("en"):
        found = [
            (change.at, change.by, change.of, str(change.field), change.before, change.after)
            for change in history(db, SYSTEM, "enterprise", own)
        ]
    assert found == [
        (at[7], "system:test", "Industry chain", "Industry chain", "", industry),
        (at[7], "system:test", "Industry chain", "Role in the chain", "", "Fill the chain"),
        (at[6], "system:test", "Enterprise", "Owner unit", "吉首市", "凤凰县"),
        (at[5], "张三", "Enterprise", "Grade", "A", "B"),
        (at[4], "张三", "Enterprise", "Grade", "B", "A"),
        (at[2], "张三", "刘总", "Phone", "138****5678", "139****1111"),
        (at[2], "张三", "刘总", "Key contact", "No", "Yes"),
        (at[1], "张三", "刘总", "Name", "", "刘总"),
        (at[1], "张三", "刘总", "Phone", "", "138****5678"),
        (at[0], "张三", "Enterprise", "Intended amount (10,000 yuan)", "", "1,234.5"),
        (at[0], "张三", "Enterprise", "Grade", "C", "B"),
    ]


def test_the_history_is_as_visible_as_the_enterprise(db, told):
    own, _at, _industry = told
    units = unit_ids(db)
    with pytest.raises(NotFound):
        history(db, person("zhangsan", Role.STAFF, unit_id=units["吉首"]), "enterprise", own)
    theirs = history(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), "enterprise", own)
    assert len(theirs) == 11
    assert len(history(db, SYSTEM, "enterprise", own, limit=1)) == 2  # entries, each with all its fields


def test_what_an_import_changed_and_what_its_revert_gave_back_is_there_too(db):
    own = insert_enterprise(db, "甲企业", owner_unit_id=unit_ids(db)["吉首"])
    kept = {"kind": "enterprises", "file_name": "a.xlsx", "file_sha256": "x"}
    counts = dict.fromkeys(("row", "new", "updated", "unchanged", "rejected", "warning"), 1)
    batch = insert(
        db,
        "import_batch",
        **kept,
        **{f"{name}_count": n for name, n in counts.items()},
        reverted_at=NOW + timedelta(hours=1),
        reverted_by="lisi",
        by="wangwu",
    )
    with db.transaction() as session:
        columns = ("id", "batch_id", "row_number", "action", "subject", "subject_id", "before", "after")
        row = (1, batch, 2, "updated", "enterprise", own, '{"source":null}', '{"source":"推介会"}')
        session.load("import_row", columns, [row])
    found = [(c.by, c.before, c.after) for c in history(db, SYSTEM, "enterprise", own) if c.field.msgid == "Source"]
    assert found == [("lisi", "推介会", ""), ("wangwu", "", "推介会")]


@pytest.fixture
def project(db):
    """A project with a story, told by 张三 and by the head of the bureau, and the hours at which it was told."""
    units = unit_ids(db)
    account = insert(db, "account", login="zhangsan", name="张三", unit_id=units["吉首"], roles="staff", industries="")
    staff = Actor("zhangsan", account, "张三", units["吉首"], frozenset({Role.STAFF}))
    investor = insert_enterprise(db, "甲企业", owner_unit_id=units["吉首"])
    tea = db.value("select id from industry where code = 'tea'")
    made = insert_project(db, "P-1", enterprise_id=investor, unit_id=units["吉首"], stage="contact")
    other = insert_project(db, "P-2", enterprise_id=investor, unit_id=units["凤凰"])
    with db.transaction() as session:
        session.execute("delete from audit")
        session.execute("update audit_head set hash = $1", ["0" * 64])
    at = [NOW + timedelta(hours=n) for n in range(6)]
    values = {"planned_investment": wan("1234.5"), "industry_id": tea, "place": "高新区"}
    change_project(db, staff, made, 1, values, now=at[0], today=TODAY)
    set_milestone(db, staff, made, MilestoneKind.LAND, None, {"planned_on": date(2026, 9, 1)}, now=at[1], today=TODAY)
    promise = {"party": "government", "clause": "三通一平", "due_on": date(2026, 8, 1), "unit_id": units["吉首"]}
    commitment = add_commitment(db, staff, made, promise, now=at[2])
    fulfil_commitment(db, staff, commitment, 1, fulfilled_on=TODAY, now=at[3], today=TODAY)
    mark_stalled(db, SYSTEM, made, 2, stalled=True, reason="等土地", now=at[4])
    transfer_project(db, SYSTEM, made, 3, units["凤凰"], valid_from=date(2026, 6, 1), now=at[5], today=TODAY)
    change_project(db, SYSTEM, other, 1, {"note": "别的项目"}, now=at[5], today=TODAY)
    return made, at


def test_a_project_tells_its_own_changes_and_those_of_what_hangs_on_it(db, project):
    made, at = project
    with use_language("zh_CN"):
        found = [
            (change.at, change.by, change.of, str(change.field), change.before, change.after)
            for change in history(db, SYSTEM, "project", made)
        ]
    assert found == [
        (at[5], "system:test", "项目", "责任单位", "吉首市", "凤凰县"),
        (at[4], "system:test", "项目", "状态", "推进中", "停滞"),
        (at[3], "张三", "兑现承诺 三通一平", "兑现日期", "", "2026-06-30"),
        (at[2], "张三", "兑现承诺 三通一平", "条款", "", "三通一平"),
        (at[2], "张三", "兑现承诺 三通一平", "承诺方", "", "政府"),
        (at[2], "张三", "兑现承诺 三通一平", "到期日", "", "2026-08-01"),
        (at[2], "张三", "兑现承诺 三通一平", "责任单位", "", "吉首市"),
        (at[1], "张三", "用地", "计划日期", "", "2026-09-01"),
        (at[0], "张三", "项目", "重点产业", "", "茶叶"),
        (at[0], "张三", "项目", "建设地点", "", "高新区"),
        (at[0], "张三", "项目", "计划总投资(万元)", "", "1,234.5"),
    ]


def test_the_history_is_as_visible_as_the_project(db, project):
    made, _at = project
    units = unit_ids(db)
    with pytest.raises(NotFound):
        history(db, person("zhangsan", Role.STAFF, unit_id=units["吉首"]), "project", made)
    assert len(history(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), "project", made)) == 11
    assert len(history(db, person("sunba", Role.LEADER), "project", made)) == 11


def test_every_field_of_a_project_is_told_but_what_says_the_same(embedded_db):
    untold = {
        f"{table}.{column}"
        for table in ("project", "milestone", "agreement", "fund_arrival", "commitment", "difficulty")
        for column in set(embedded_db.columns(table)) - set(TITLES[table]) - INTERNAL - set(STAMPS) - {"project_id"}
        if not column.endswith(("_original", "_currency"))
    }
    # A step is named by its kind; who verified and returned is who changed it.
    by = {f"{table}.{deed}_by" for table in ("milestone", "fund_arrival") for deed in ("verified", "returned")}
    assert untold == {"milestone.kind", "difficulty.enterprise_id", *by}
