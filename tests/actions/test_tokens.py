"""Personal tokens: kept as their hash alone, renewed, revoked, each for what it opens and void with its account."""

import pytest

from crm.actions.accounts import disable_account, reset_account
from crm.actions.credentials import session_key
from crm.actions.tokens import renew_token, revoke_token
from crm.errors import Denied
from crm.model import Actor, Role
from crm.reports.accounts import Token, has_token, token_owner
from tests.probes import NOW, SYSTEM, dump, insert, person


@pytest.fixture
def owner(db, units):
    values = {"login": "zhangsan", "name": "张三", "roles": "staff", "industries": "", "unit_id": units["吉首"]}
    account = insert(db, "account", **values)
    return Actor("zhangsan", account, "张三", units["吉首"], frozenset({Role.STAFF}))


@pytest.mark.parametrize("token", Token)
def test_a_token_is_kept_as_its_hash_renewed_and_revoked(db, owner, token):
    assert not has_token(db, owner, token)
    first = renew_token(db, owner, token, now=NOW)
    assert len(first) == 43
    assert token_owner(db, token, session_key(first)) == (owner, "zh_CN")
    assert [t for t in Token if has_token(db, owner, t)] == [token]
    second = renew_token(db, owner, token, now=NOW)
    assert token_owner(db, token, session_key(first)) is None
    assert token_owner(db, token, session_key(second)) == (owner, "zh_CN")
    assert token_owner(db, token, second) is None
    assert [t for t in Token if token_owner(db, t, session_key(second))] == [token], "it opens one thing"
    kept = repr(dump(db))
    assert second not in kept
    assert kept.count(session_key(second)) == 1, "in the account alone, not in the audit"
    revoke_token(db, owner, token, now=NOW)
    assert token_owner(db, token, session_key(second)) is None
    assert not has_token(db, owner, token)
    written = [row[0] for row in db.rows("select action from audit where actor = 'zhangsan' order by id")]
    assert written == [f"renew_{token}", f"renew_{token}", f"revoke_{token}"]


@pytest.mark.parametrize("void", [disable_account, reset_account])
def test_tokens_are_void_with_the_account(db, owner, void):
    made = {token: renew_token(db, owner, token, now=NOW) for token in Token}
    void(db, SYSTEM, owner.account_id, now=NOW)
    assert [token for token, text in made.items() if token_owner(db, token, session_key(text))] == []
    assert [token for token in Token if has_token(db, owner, token)] == []


def test_who_reads_no_business_data_has_no_calendar(db):
    for role in (Role.ADMIN, Role.AUDITOR):
        with pytest.raises(Denied):
            renew_token(db, person("admin", role), Token.CALENDAR, now=NOW)
