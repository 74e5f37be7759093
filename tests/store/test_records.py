"""Writes: versions, bulk writes, rollback, the audit chain and what finds a break in it."""

import json
import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm import store
from crm.actions.followups import log_follow_up
from crm.errors import Conflict, NotFound
from crm.model import FollowUpDraft, Method
from crm.store.records import GENESIS, chain_hash
from tests.probes import NOW, SYSTEM, TODAY, Commands, dump, insert_enterprise

LATER = NOW + timedelta(hours=1)


def update(db, record_id, version, **changes):
    with store.transaction(db, actor="somebody", now=LATER) as work:
        return work.update("enterprise", record_id, version, changes)


def newest_audit(db, count=1):
    return db.rows(
        "select actor, action, subject, subject_id, before, after, note from audit order by id desc limit $1", [count]
    )


# -------------------------------------------------------------------------------------------------------- one record


def test_an_update_sets_the_fields_the_stamps_and_the_next_version_and_nothing_else(db):
    record_id = insert_enterprise(db, "甲公司", grade="C", intended_amount=Decimal("12.50"))
    other = insert_enterprise(db, "乙公司", grade="C")
    before = db.records("select * from enterprise where id = $1", [record_id])[0]
    untouched = db.records("select * from enterprise where id = $1", [other])
    assert update(db, record_id, 1, grade="A", founded_on=date(2020, 2, 29)) is True
    changed = {"grade": "A", "founded_on": date(2020, 2, 29), "version": 2, "updated_at": LATER}
    assert db.records("select * from enterprise where id = $1", [record_id]) == [
        before | changed | {"updated_by": "somebody"}
    ]
    assert db.records("select * from enterprise where id = $1", [other]) == untouched
    assert newest_audit(db) == [
        (
            "somebody",
            "update",
            "enterprise",
            record_id,
            '{"founded_on":null,"grade":"C"}',
            '{"founded_on":"2020-02-29","grade":"A"}',
            None,
        )
    ]


@pytest.mark.parametrize("version", [0, 1, 3])
def test_an_update_of_another_version_is_a_conflict_and_changes_nothing(db, version):
    record_id = insert_enterprise(db, "甲公司", grade="C")
    update(db, record_id, 1, grade="B")
    before = dump(db)
    with pytest.raises(Conflict):
        update(db, record_id, version, grade="A")
    assert dump(db) == before


def test_an_update_of_no_record_is_not_found_and_changes_nothing(db):
    before = dump(db)
    with pytest.raises(NotFound):
        update(db, 999_999_999, 1, grade="A")
    assert dump(db) == before


def test_an_update_that_touches_another_number_of_rows_than_one_is_a_conflict_and_rolled_back(db):
    """The record vanishes between the look and the write: the statement itself touches no row."""
    record_id = insert_enterprise(db, "甲公司", grade="C")
    before = dump(db)
    with pytest.raises(Conflict), store.transaction(db, actor="somebody", now=LATER) as work:  # noqa: PT012
        seen = work.get("enterprise", record_id)
        work.session.execute("delete from enterprise where id = $1", [record_id])
        work.get = lambda _table, _id: seen  # what was read before it vanished
        work.update("enterprise", record_id, 1, {"grade": "A"})
    assert dump(db) == before


def test_an_update_that_changes_nothing_writes_no_audit_and_no_version(db):
    record_id = insert_enterprise(
        db, "甲公司", grade="C", intended_amount=Decimal("12.50"), founded_on=date(2020, 1, 2)
    )
    before = dump(db)
    same = {"grade": "C", "intended_amount": Decimal("12.5"), "founded_on": date(2020, 1, 2), "note": None}
    assert update(db, record_id, 1, **same) is False
    assert dump(db) == before


def test_two_that_read_the_same_version_cannot_both_write(db):
    record_id = insert_enterprise(db, "甲公司", grade="C")
    outcomes = []

    def write(grade):
        try:
            outcomes.append((grade, update(db, record_id, 1, grade=grade)))
        except Conflict:
            outcomes.append((grade, "conflict"))

    threads = [threading.Thread(target=write, args=(grade,)) for grade in "ABDEFGHI"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = [grade for grade, outcome in outcomes if outcome is True]
    assert sorted(str(outcome) for _grade, outcome in outcomes) == ["True"] + ["conflict"] * 7
    assert db.rows("select grade, version from enterprise where id = $1", [record_id]) == [(winner[0], 2)]


def test_an_unknown_column_never_reaches_the_database(db):
    before = dump(db)
    with pytest.raises(KeyError, match="drop table"), store.transaction(db, actor="x", now=NOW) as work:
        work.insert("enterprise", {"grade = 'A'; drop table audit; --": 1})
    with pytest.raises(KeyError), store.transaction(db, actor="x", now=NOW) as work:
        work.find("no_such_table", id=1)
    assert dump(db) == before


# --------------------------------------------------------------------------------------------------------------- many


def test_many_records_are_inserted_with_stamps_in_the_order_given(db):
    with store.transaction(db, actor="somebody", now=LATER) as work:
        ids = work.insert_many(
            "target",
            ("unit_id", "year", "measure", "value"),
            [(7, 2026, "signing", Decimal("80.5")), (8, 2026, "starts", Decimal(3)), (9, 2027, "funds", Decimal(0))],
        )
    assert db.rows("select * from target order by id") == [
        (ids[0], 1, LATER, "somebody", LATER, "somebody", None, 7, 2026, "signing", Decimal("80.50")),
        (ids[1], 1, LATER, "somebody", LATER, "somebody", None, 8, 2026, "starts", Decimal("3.00")),
        (ids[2], 1, LATER, "somebody", LATER, "somebody", None, 9, 2027, "funds", Decimal("0.00")),
    ]


def test_many_records_are_updated_together(db):
    ids = [insert_enterprise(db, f"企业{n}", grade="C") for n in range(4)]
    with store.transaction(db, actor="somebody", now=LATER) as work:
        work.update_many(
            "enterprise", ("grade", "intended_amount"), [(ids[0], 1, "A", Decimal("1.01")), (ids[2], 1, None, None)]
        )
    found = db.rows(
        "select id, version, grade, intended_amount, updated_at, updated_by, created_by from enterprise order by id"
    )
    assert found == [
        (ids[0], 2, "A", Decimal("1.01"), LATER, "somebody", "test"),
        (ids[1], 1, "C", None, NOW, "test", "test"),
        (ids[2], 2, None, None, LATER, "somebody", "test"),
        (ids[3], 1, "C", None, NOW, "test", "test"),
    ]


@pytest.mark.parametrize("wrong", [(0, 2), (999_999_999, 1)])
def test_many_updates_of_which_one_is_stale_are_a_conflict_and_none_is_made(db, wrong):
    ids = [insert_enterprise(db, f"企业{n}", grade="C") for n in range(3)]
    before = dump(db)
    rows = [(ids[0], 1, "A"), (ids[1], 1, "A"), (wrong[0] or ids[2], wrong[1], "A")]
    with pytest.raises(Conflict), store.transaction(db, actor="somebody", now=LATER) as work:
        work.update_many("enterprise", ("grade",), rows)
    assert dump(db) == before


def test_an_error_inside_a_transaction_leaves_every_table_as_it_was(db):
    record_id = insert_enterprise(db, "甲公司", grade="C")
    before = dump(db)
    with pytest.raises(ZeroDivisionError), store.transaction(db, actor="somebody", now=LATER) as work:  # noqa: PT012
        work.insert("unit_alias", {"unit_id": 1, "name": "别名"})
        work.update("enterprise", record_id, 1, {"grade": "A"})
        work.insert_many("target", ("unit_id", "year", "measure", "value"), [(7, 2026, "signing", 80)])
        work.delete_many("rule_set", [row[0] for row in work.rows("select id from rule_set")])
        assert work.value("select grade from enterprise where id = $1", [record_id]) == "A"
        raise ZeroDivisionError
    assert dump(db) == before
    insert_enterprise(db, "乙公司")
    assert store.verify_audit(db) == []


def test_others_do_not_see_a_transaction_before_its_end(db):
    with store.transaction(db, actor="somebody", now=LATER) as work:
        work.insert("unit_alias", {"unit_id": 1, "name": "未提交"})
        assert db.value("select count(*) from unit_alias where name = '未提交'") == 0
    assert db.value("select count(*) from unit_alias where name = '未提交'") == 1


# -------------------------------------------------------------------------------------------------------------- audit


def test_every_entry_holds_the_hash_of_the_one_before_and_the_head_that_of_the_newest(db):
    for n in range(3):
        insert_enterprise(db, f"企业{n}")
    rows = db.rows(
        "select id, happened_at, actor, action, subject, subject_id, before, after, note, previous_hash, hash"
        " from audit order by id"
    )
    previous = GENESIS
    for *content, linked, digest in rows:
        assert (linked, digest) == (previous, chain_hash(previous, tuple(content)))
        previous = digest
    assert len({row[-1] for row in rows}) == len(rows) > 3
    assert db.rows("select last_id, hash from audit_head") == [(rows[-1][0], previous)]
    assert store.verify_audit(db) == []


@pytest.mark.parametrize(
    "field", ["password_hash", "totp_secret", "setup_code_hash", "calendar_token_hash", "api_token_hash"]
)
def test_secrets_are_masked_in_the_audit(db, field):
    account = {"login": "zhang", "name": "张三", "roles": "staff", "industries": "", field: "s3cret-one"}
    with store.transaction(db, actor="x", now=NOW) as work:
        record_id = work.insert("account", account)
        work.update("account", record_id, 1, {field: "s3cret-two", "name": "张三丰"})
    entries = db.rows("select before, after from audit where subject = 'account' order by id")
    assert [(json.loads(b) if b else None, json.loads(a)) for b, a in entries] == [
        (None, {**account, field: "•••"}),
        ({field: "•••", "name": "张三"}, {field: "•••", "name": "张三丰"}),
    ]
    assert "s3cret" not in str(dump(db)["audit"])
    assert db.value(f"select {field} from account where id = $1", [record_id]) == "s3cret-two"


def test_a_session_key_is_masked_in_the_audit(db):
    with store.transaction(db, actor="x", now=NOW) as work:
        work.insert("session", {"token_hash": "abcdef", "account_id": 5, "last_seen_at": NOW, "expires_at": LATER})
    assert "abcdef" not in str(dump(db)["audit"])
    assert json.loads(db.value("select after from audit where subject = 'session'"))["token_hash"] == "•••"


def _edit(work, ids):
    work.session.execute("update audit set actor = 'nobody' where id = $1", [ids[2]])
    return [(ids[2], "content")]


def _edit_moment(work, ids):
    work.session.execute("update audit set happened_at = $2 where id = $1", [ids[1], LATER + timedelta(microseconds=1)])
    return [(ids[1], "content")]


def _edit_note(work, ids):
    work.session.execute("update audit set note = '' where id = $1", [ids[1]])
    return [(ids[1], "content")]


def _edit_and_hash_again(work, ids):
    work.session.execute("update audit set after = '{}' where id = $1", [ids[2]])
    *content, linked, _digest = work.rows("select * from audit where id = $1", [ids[2]])[0]
    work.session.execute("update audit set hash = $2 where id = $1", [ids[2], chain_hash(linked, tuple(content))])
    return [(ids[3], "link")]


def _edit_the_last_and_hash_again(work, ids):
    work.session.execute("update audit set after = '{}' where id = $1", [ids[-1]])
    *content, linked, _digest = work.rows("select * from audit where id = $1", [ids[-1]])[0]
    work.session.execute("update audit set hash = $2 where id = $1", [ids[-1], chain_hash(linked, tuple(content))])
    return [(ids[-1], "head")]


def _delete_the_first(work, ids):
    work.session.execute("delete from audit where id = $1", [ids[0]])
    return [(ids[1], "link")]


def _delete_a_middle_one(work, ids):
    work.session.execute("delete from audit where id = $1", [ids[2]])
    return [(ids[3], "link")]


def _delete_the_last(work, ids):
    work.session.execute("delete from audit where id = $1", [ids[-1]])
    return [(ids[-2], "head")]


def _delete_all(work, _ids):
    work.session.execute("delete from audit")
    return [(0, "head")]


def _delete_the_head(work, ids):
    work.session.execute("delete from audit_head")
    return [(ids[-1], "head")]


def _swap_two(work, ids):
    for old, new in ((ids[1], -1), (ids[2], ids[1]), (-1, ids[2])):
        work.session.execute("update audit set id = $2 where id = $1", [old, new])
    return [(ids[1], "link"), (ids[1], "content"), (ids[2], "link"), (ids[2], "content"), (ids[3], "link")]


def _insert(work, record_id, previous):
    content = (record_id, NOW, "nobody", "create", "enterprise", 1, None, "{}", None)
    marks = ", ".join(f"${n}" for n in range(1, 12))
    work.session.execute(
        f"insert into audit (id, happened_at, actor, action, subject, subject_id, before, after, note, previous_hash,"
        f" hash) values ({marks})",
        [*content, previous, chain_hash(previous, content)],
    )


def _insert_at_the_end(work, ids):
    _insert(work, ids[-1] + 1000, work.value("select hash from audit where id = $1", [ids[-1]]))
    return [(ids[-1] + 1000, "head")]


def _insert_in_the_middle(work, ids):
    work.session.execute("update audit set id = $2 where id = $1", [ids[-1], ids[-1] + 1000])
    work.session.execute("update audit_head set last_id = $1", [ids[-1] + 1000])
    _insert(work, ids[-1], work.value("select hash from audit where id = $1", [ids[-2]]))
    return [(ids[-1] + 1000, "link"), (ids[-1] + 1000, "content")]


@pytest.mark.parametrize("number", [0, -5])
def test_an_entry_inserted_before_the_first_is_found(db, number):
    insert_enterprise(db, "甲公司")
    first = db.value("select min(id) from audit")
    with db.transaction() as session:
        _insert(store.Transaction(db, session, "x", NOW), number, GENESIS)
    assert store.verify_audit(db) == [(first, "link")]


@pytest.mark.parametrize(
    "tamper",
    [
        _edit,
        _edit_moment,
        _edit_note,
        _edit_and_hash_again,
        _edit_the_last_and_hash_again,
        _delete_the_first,
        _delete_a_middle_one,
        _delete_the_last,
        _delete_all,
        _delete_the_head,
        _swap_two,
        _insert_at_the_end,
        _insert_in_the_middle,
    ],
    ids=lambda tamper: tamper.__name__.strip("_"),
)
def test_a_break_in_the_audit_chain_is_found_where_it_is(database_url, tamper, capsys, monkeypatch):
    db = store.connect(database_url)
    for n in range(4):
        insert_enterprise(db, f"企业{n}")
    ids = [row[0] for row in db.rows("select id from audit order by id")]
    assert store.verify_audit(db) == []
    with db.transaction() as session:
        expected = tamper(store.Transaction(db, session, "x", NOW), ids)
    assert store.verify_audit(db) == expected
    db.close()
    crm = Commands(capsys, monkeypatch)
    done = crm("audit", "verify", "--db", database_url, "--format", "json")
    assert (done.code, done.err) == (1, "")
    document = json.loads(done.out)
    assert document["problems"] == [{"entry": entry, "problem": problem} for entry, problem in expected]
    assert document["broken_at"] == expected[0][0]


def test_a_whole_audit_chain_is_said_to_be_whole(database_url, capsys, monkeypatch):
    crm = Commands(capsys, monkeypatch)
    done = crm("audit", "verify", "--db", database_url)
    assert (done.code, done.out, done.err) == (0, "审计链完整。\n", "")
    document = json.loads(crm("audit", "verify", "--db", database_url, "--format", "json").out)
    database = store.connect(database_url)
    entries = database.value("select count(*) from audit")
    database.close()
    assert document == {"entries": entries, "broken_at": None, "problems": []}


# -------------------------------------------------------------------------------------------------------- concurrency


def test_32_threads_log_50_contacts_each_and_all_are_there_with_a_whole_audit_chain(db):
    enterprises = [insert_enterprise(db, f"企业{n}") for n in range(8)]
    errors, logged, guard = [], [], threading.Lock()

    def log(number):
        try:
            for n in range(50):
                draft = FollowUpDraft(
                    happened_on=TODAY - timedelta(days=n % 30),
                    method=Method.PHONE,
                    content=f"{number}-{n}",
                    enterprise_id=enterprises[(number + n) % 8],
                    form_token=f"t{number}-{n}",
                )
                done = log_follow_up(db, SYSTEM, draft, now=NOW, today=TODAY)
                with guard:
                    logged.append((done.follow_up_id, f"{number}-{n}", done.enterprise_id))
        except Exception as error:  # noqa: BLE001  # reported below, with the test's own words
            errors.append(error)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(logged) == 1600
    assert db.rows("select id, content, enterprise_id from follow_up order by id") == sorted(logged)
    audited = db.rows("select subject_id from audit where subject = 'follow_up' and action = 'create'")
    assert sorted(row[0] for row in audited) == sorted(row[0] for row in logged)
    assert store.verify_audit(db) == []
    assert db.rows("select distinct last_contact_on from enterprise") == [(TODAY,)]
