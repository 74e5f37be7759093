"""The field history of an enterprise: from what to what, by whom and when, in words, personal details masked."""

from datetime import timedelta
from decimal import Decimal

import pytest

from crm.actions.bulk import grade_enterprises
from crm.actions.change_sets import revert_change_set
from crm.actions.contact_people import add_contact_person, change_contact_person
from crm.actions.enterprises import LinkDraft, change_enterprise, set_links, transfer_enterprise
from crm.actions.followups import log_follow_up
from crm.errors import NotFound
from crm.locale import use_language
from crm.model import Actor, FollowUpDraft, Grade, Method, Role
from crm.reports.history import enterprise_history
from tests.probes import NOW, SYSTEM, TODAY, insert, insert_enterprise, person, unit_ids


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
            for change in enterprise_history(db, SYSTEM, own)
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
        enterprise_history(db, person("zhangsan", Role.STAFF, unit_id=units["吉首"]), own)
    theirs = enterprise_history(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), own)
    assert len(theirs) == 11
    assert len(enterprise_history(db, SYSTEM, own, limit=1)) == 2  # entries, each with all its fields


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
    found = [(c.by, c.before, c.after) for c in enterprise_history(db, SYSTEM, own) if c.field.msgid == "Source"]
    assert found == [("lisi", "推介会", ""), ("wangwu", "", "推介会")]
