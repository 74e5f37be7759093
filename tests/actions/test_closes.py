"""Closing a month: who may, when it is refused, and that it is done whole or not at all."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from crm import store
from crm.actions.closes import close_month, reopen_month
from crm.errors import Conflict, Denied, Invalid, Refused
from crm.metrics import RuleSet
from crm.model import Actor, Role
from crm.months import Month
from crm.reports.closes import closes, find_close, published
from crm.reports.rankings import ranking
from tests.bureaus import project, put
from tests.probes import dump

NOW = datetime(2026, 7, 2, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
TODAY = date(2026, 7, 2)
JUNE = Month(2026, 6)
SYSTEM = Actor("system:test")
DISPATCHER = Actor("zhaoliu", account_id=4, roles=frozenset({Role.DISPATCHER}))


@pytest.fixture
def bureau(db):
    """One project of 吉首 in June's rates, without a blocking finding."""
    units = dict(db.rows("select short_name, id from unit"))
    facts = {"negotiating_on": date(2026, 1, 5), "signed_on": date(2026, 3, 1)}
    put(db, [project("吉首", planned_investment=Decimal(1_000_000), **facts)], unit_ids=units)
    return db


def close(db, month=JUNE, actor=DISPATCHER, **options):
    return close_month(db, actor, month, rules=RuleSet(), now=NOW, today=TODAY, **options)


def break_a_date(db):
    with store.transaction(db, actor="test", now=NOW) as work:
        work.session.execute("update project set started_on = '2027-01-01'")


def test_a_close_says_who_when_and_under_which_rules(bureau):
    close_id = close(bureau)
    found = find_close(bureau, JUNE)
    assert found is not None
    assert (found.id, found.month, found.as_of, found.closed_at, found.closed_by) == (
        close_id,
        JUNE,
        date(2026, 6, 30),
        NOW,
        "zhaoliu",
    )
    assert (found.rules, found.blocking_findings, found.override_reason) == (RuleSet(), 0, None)
    assert published(bureau, found) == ranking(bureau, month=JUNE, rules=RuleSet())
    assert bureau.rows("select actor, action, subject, subject_id from audit order by id desc limit 1") == [
        ("zhaoliu", "close", "month_close", close_id)
    ]
    assert store.verify_audit(bureau) == []


def test_a_month_is_not_closed_before_it_ends_nor_twice(bureau):
    with pytest.raises(Invalid) as refused:
        close(bureau, Month(2026, 7))
    assert list(refused.value.fields) == ["month"]
    close(bureau)
    before = dump(bureau)
    with pytest.raises(Conflict):
        close(bureau)
    assert dump(bureau) == before


def test_blocking_findings_refuse_the_close_with_their_list_and_a_reason_overrides_them(bureau):
    break_a_date(bureau)
    before = dump(bureau)
    with pytest.raises(Refused) as refused:
        close(bureau)
    assert "2027-01-01" in str(refused.value.message)
    assert dump(bureau) == before
    close(bureau, override="等县里补正，州政府要求今日通报")
    found = find_close(bureau, JUNE)
    assert found is not None
    assert found.blocking_findings > 0
    assert found.override_reason == "等县里补正，州政府要求今日通报"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DISPATCHER])
def test_nobody_but_the_dispatcher_closes_or_reopens(bureau, role):
    actor = Actor("x", account_id=9, unit_id=1, roles=frozenset({role}))
    with pytest.raises(Denied):
        close(bureau, actor=actor)
    close(bureau)
    before = dump(bureau)
    with pytest.raises(Denied):
        reopen_month(bureau, actor, JUNE, reason="x", now=NOW)
    assert dump(bureau) == before


def test_reopening_needs_a_reason_and_a_closed_month(bureau):
    with pytest.raises(Invalid) as refused:
        reopen_month(bureau, DISPATCHER, JUNE, reason="漏报", now=NOW)
    assert list(refused.value.fields) == ["month"]
    close_id = close(bureau)
    with pytest.raises(Invalid) as refused:
        reopen_month(bureau, DISPATCHER, JUNE, reason="  ", now=NOW)
    assert list(refused.value.fields) == ["reason"]
    assert reopen_month(bureau, DISPATCHER, JUNE, reason=" 漏报 ", now=NOW) == close_id
    (found,) = closes(bureau)
    assert (found.reopened_at, found.reopened_by, found.reopen_reason) == (NOW, "zhaoliu", "漏报")


def test_a_close_that_fails_half_way_leaves_nothing(bureau, monkeypatch):
    from crm.actions import closes as closing

    before = dump(bureau)
    monkeypatch.setattr(closing, "COUNTED_VALUES", ("no_such_column",))
    with pytest.raises(Exception, match="no_such_column"):
        close(bureau)
    assert dump(bureau) == before
