"""Accounts: set-up codes, passwords, sign-in, lockout, the second factor, sessions."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from crm import store
from crm.actions import accounts, credentials
from crm.errors import Denied, Invalid, NotFound, Refused
from crm.model import Actor, Role, label
from crm.permissions import GRANTS, Action, Scope
from crm.reports.accounts import actor_of_session, has_administrator, list_accounts, live_session, rights

NOW = datetime(2026, 3, 5, 8, 30, tzinfo=UTC).replace(tzinfo=None)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PASSWORD = "Correct-Horse-9"
SYSTEM = Actor("system:test")
ADMIN = Actor("boss", 1, roles=frozenset({Role.ADMIN}))


def add(db: store.Database, login: str = "zhangsan", roles: tuple[str, ...] = ("leader",), **more: object) -> int:
    """Make an account with PASSWORD."""
    account_id, code = accounts.add_account(db, SYSTEM, login=login, name="张三", roles=roles, now=NOW, **more)  # type: ignore[arg-type]
    accounts.set_password(db, login=login, code=code, password=PASSWORD, now=NOW)
    return account_id


def sign_in(db: store.Database, login: str = "zhangsan", now: datetime = NOW, password: str = PASSWORD) -> str:
    """Sign in without a second factor and return the session's key."""
    done = accounts.sign_in(db, login, password, now=now)
    assert isinstance(done, accounts.SignedIn)
    return credentials.session_key(done.token)


def audit_text(db: store.Database) -> str:
    """Everything the audit says, as one text."""
    return "\n".join(str(row) for row in db.rows("select * from audit"))


def some_unit(db: store.Database) -> int:
    """A unit's id."""
    return int(db.value("select min(id) from unit"))


class TestMaking:
    def test_no_account_has_a_password_before_its_code_is_used(self, db: store.Database) -> None:
        account_id, code = accounts.add_account(db, SYSTEM, login="Zhang.San", name=" 张三 ", roles=["leader"], now=NOW)
        stored = db.records("select * from account where id = $1", [account_id])[0]
        assert (stored["login"], stored["name"], stored["password_hash"]) == ("zhang.san", "张三", None)
        for guess in ("", code, "admin", "zhang.san"):
            with pytest.raises(accounts.WrongSignIn):
                accounts.sign_in(db, "zhang.san", guess, now=NOW)

    def test_what_is_not_accepted_is_named_by_field(self, db: store.Database) -> None:
        add(db, "taken")
        refused: list[tuple[dict[str, object], str]] = [
            ({"roles": ["king"]}, "roles"),
            ({"roles": []}, "roles"),
            ({"roles": ["admin", "auditor"]}, "roles"),
            ({"roles": ["staff"]}, "unit_id"),
            ({"roles": ["unit_head"], "unit_id": 5}, "unit_id"),
            ({"roles": ["taskforce"]}, "industry_ids"),
            ({"roles": ["taskforce"], "industry_ids": [5]}, "industry_ids"),
            ({"login": "x"}, "login"),
            ({"login": "a b"}, "login"),
            ({"login": "<b>bold</b>"}, "login"),
            ({"login": "TAKEN"}, "login"),
            ({"name": "  "}, "name"),
        ]
        for changes, field in refused:
            values: dict[str, object] = {"login": "new", "name": "新人", "roles": ["leader"]} | changes
            with pytest.raises(Invalid) as caught:
                accounts.add_account(db, SYSTEM, now=NOW, **values)  # type: ignore[arg-type]
            assert set(caught.value.fields) == {field}
        assert db.value("select count(*) from account") == 1

    def test_only_who_may_manage_accounts_does(self, db: store.Database) -> None:
        account_id = add(db)
        staff = Actor("zhangsan", account_id, roles=frozenset(set(Role) - {Role.ADMIN}))
        with pytest.raises(Denied):
            accounts.add_account(db, staff, login="new", name="新人", roles=["leader"], now=NOW)
        with pytest.raises(Denied):
            accounts.disable_account(db, staff, account_id, now=NOW)
        with pytest.raises(Denied):
            accounts.enable_account(db, staff, account_id, now=NOW)
        with pytest.raises(Denied):
            accounts.reset_account(db, staff, account_id, now=NOW)
        with pytest.raises(Denied):
            accounts.change_account(db, staff, account_id, 2, name="王", roles=["admin"], now=NOW)
        with pytest.raises(Denied):
            accounts.end_sessions(db, staff, account_id, now=NOW)
        with pytest.raises(Denied):
            accounts.choose_password_policy(db, staff, "nist", now=NOW)
        with pytest.raises(Denied):
            list_accounts(db, staff)
        accounts.add_account(db, ADMIN, login="new", name="新人", roles=["leader"], now=NOW)

    def test_rights_follow_the_account_at_once(self, db: store.Database) -> None:
        unit_id = some_unit(db)
        account_id = add(db)
        key = sign_in(db)
        version = db.value("select version from account where id = $1", [account_id])
        accounts.change_account(
            db, SYSTEM, account_id, version, name="张三丰", roles=["staff", "unit_head"], unit_id=unit_id, now=NOW
        )
        actor = actor_of_session(db, key, NOW)
        assert actor == Actor(
            "zhangsan", account_id, "张三丰", unit_id, frozenset({Role.STAFF, Role.UNIT_HEAD}), frozenset()
        )

    def test_list_names_everybody_and_no_secret(self, db: store.Database) -> None:
        add(db, "bb")
        accounts.add_account(db, SYSTEM, login="a.a", name="甲", roles=["staff"], unit_id=some_unit(db), now=NOW)
        rows = list_accounts(db, SYSTEM)
        assert [(row.login, row.has_password, row.roles) for row in rows] == [
            ("a.a", False, (Role.STAFF,)),
            ("bb", True, (Role.LEADER,)),
        ]

    def test_an_account_is_signed_out_everywhere_and_nobody_else_is(self, db: store.Database) -> None:
        account_id, _other = add(db), add(db, "lisi")
        keys = [sign_in(db), sign_in(db, now=NOW + MINUTE)]
        kept = sign_in(db, "lisi")
        later = NOW + HOUR
        rows = {row.login: row for row in list_accounts(db, ADMIN, now=later)}
        assert (rows["zhangsan"].session_seen_at, rows["lisi"].session_seen_at) == ((NOW + MINUTE, NOW), (NOW,))
        assert accounts.end_sessions(db, ADMIN, account_id, now=later) == 2
        assert [live_session(db, key, later) for key in keys] == [None, None]
        assert live_session(db, kept, later) is not None
        rows = {row.login: row for row in list_accounts(db, ADMIN, now=later)}
        assert (rows["zhangsan"].session_seen_at, rows["lisi"].session_seen_at) == ((), (NOW,))
        assert accounts.end_sessions(db, ADMIN, account_id, now=later) == 0
        # Nobody is shown as signed in whose session has run out.
        assert all(not row.session_seen_at for row in list_accounts(db, ADMIN, now=NOW + DAY))
        with pytest.raises(NotFound):
            accounts.end_sessions(db, ADMIN, 999_999_999, now=later)

    def test_the_table_of_rights_says_what_the_grants_say(self) -> None:
        table = dict(rights())
        assert {(action, role): far for action, of_roles in table.items() for role, far in of_roles.items() if far} == {
            (action, role): far for role, granted in GRANTS.items() for action, far in granted.items()
        }
        assert Action.BACK_UP not in table
        assert all(str(label(action)) != str(action) for action in Action)
        assert all(str(label(scope)) != str(scope) for scope in Scope)

    def test_unknown_login(self, db: store.Database) -> None:
        with pytest.raises(NotFound):
            accounts.find_account_id(db, "nobody")


class TestCodes:
    def test_code_works_once_for_its_login_and_for_seven_days(self, db: store.Database) -> None:
        _id, code = accounts.add_account(db, SYSTEM, login="aa", name="甲", roles=["leader"], now=NOW)
        _id, other = accounts.add_account(db, SYSTEM, login="bb", name="乙", roles=["leader"], now=NOW)
        for login, wrong in (("aa", other), ("aa", ""), ("aa", code[:-1]), ("nobody", code)):
            with pytest.raises(Refused):
                accounts.set_password(db, login=login, code=wrong, password=PASSWORD, now=NOW)
        with pytest.raises(Refused):
            accounts.set_password(db, login="bb", code=other, password=PASSWORD, now=NOW + 7 * DAY)
        accounts.set_password(db, login="AA", code=f" {code.lower()} ".replace("-", " "), password=PASSWORD, now=NOW)
        with pytest.raises(Refused):
            accounts.set_password(db, login="aa", code=code, password=PASSWORD + "x", now=NOW)
        sign_in(db, "aa")

    def test_first_administrator_is_made_once(self, db: store.Database) -> None:
        old = accounts.start_setup(db, now=NOW)
        code = accounts.start_setup(db, now=NOW)
        assert accounts.setup_is_open(db)
        person = {"login": "boss", "name": "王管理", "password": PASSWORD}
        for wrong in (old, "", "ABCD"):
            with pytest.raises(Refused):
                accounts.complete_setup(db, code=wrong, now=NOW, **person)
        with pytest.raises(Invalid) as caught:
            accounts.complete_setup(db, code=code, now=NOW, **person | {"password": "short"})
        assert set(caught.value.fields) == {"password"}
        accounts.complete_setup(db, code=code, now=NOW, **person)
        assert has_administrator(db)
        assert not accounts.setup_is_open(db)
        with pytest.raises(Refused):
            accounts.complete_setup(db, code=code, now=NOW, **person | {"login": "second"})
        with pytest.raises(Refused):
            accounts.start_setup(db, now=NOW)
        assert db.value("select count(*) from account") == 1

    def test_without_a_started_setup_nobody_becomes_administrator(self, db: store.Database) -> None:
        for code in ("", "0", credentials.new_code()):
            with pytest.raises(Refused):
                accounts.complete_setup(db, code=code, login="boss", name="王", password=PASSWORD, now=NOW)

    def test_codes_are_long_and_typed_easily(self) -> None:
        codes = {credentials.new_code() for _n in range(200)}
        assert len(codes) == 200
        assert not set("".join(codes)) & set("01OIL")


class TestPasswords:
    @pytest.mark.parametrize(
        "password",
        [
            "",
            "Short-1",
            "alllowercase",
            "lower-and-dash",
            "UPPER12345",
            "x" * 300 + "A1",
            "My-zhangsan-1",
            "Password-123!",
        ],
    )
    def test_refused_by_default(self, password: str) -> None:
        policy = credentials.DEFAULT_POLICY
        assert credentials.password_problem(policy, password, login="zhangsan") is not None

    @pytest.mark.parametrize("password", [PASSWORD, "abcXYZ0192", "招商引资局-Abc1", "kfH2 kfH2 ok"])
    def test_accepted_by_default(self, password: str) -> None:
        assert credentials.password_problem(credentials.DEFAULT_POLICY, password, login="zhangsan") is None

    def test_the_other_profile_asks_for_length(self, db: store.Database) -> None:
        with pytest.raises(Invalid):
            accounts.choose_password_policy(db, SYSTEM, "none", now=NOW)
        accounts.choose_password_policy(db, SYSTEM, "nist", now=NOW)
        policy = accounts.password_policy(db)
        assert policy.rotation is None
        assert credentials.password_problem(policy, PASSWORD[:14], login="zhangsan") is not None
        assert credentials.password_problem(policy, "a quiet river at night", login="zhangsan") is None
        assert "password_policy" in audit_text(db)

    def test_changing_ones_own(self, db: store.Database) -> None:
        add(db)
        here, elsewhere = sign_in(db), sign_in(db)
        session = live_session(db, here, NOW)
        assert session is not None
        for old, new, field in (
            ("wrong", "New-Horse-10", "old"),
            (PASSWORD, "short", "password"),
            (PASSWORD,) * 2 + ("password",),
        ):
            with pytest.raises(Invalid) as caught:
                accounts.change_own_password(db, session, old=old, new=new, now=NOW)
            assert set(caught.value.fields) == {field}
        accounts.change_own_password(db, session, old=PASSWORD, new="New-Horse-10", now=NOW)
        assert live_session(db, here, NOW) is not None
        assert live_session(db, elsewhere, NOW) is None
        sign_in(db, password="New-Horse-10")

    def test_guessing_the_old_one_locks(self, db: store.Database) -> None:
        add(db)
        session = live_session(db, sign_in(db), NOW)
        assert session is not None
        for _n in range(accounts.FREE_FAILURES):
            with pytest.raises(Invalid):
                accounts.change_own_password(db, session, old="wrong", new="New-Horse-10", now=NOW)
        with pytest.raises(accounts.SignInLocked):
            accounts.change_own_password(db, session, old=PASSWORD, new="New-Horse-10", now=NOW)

    def test_rotation(self, db: store.Database) -> None:
        add(db)
        later = NOW + 90 * DAY
        session = live_session(db, sign_in(db, now=later), later)
        assert session is not None
        assert accounts.password_has_expired(db, session, later)
        assert not accounts.password_has_expired(db, session, later - MINUTE)
        accounts.choose_password_policy(db, SYSTEM, "nist", now=NOW)
        assert not accounts.password_has_expired(db, session, later)

    def test_nothing_secret_is_stored_or_audited(self, db: store.Database) -> None:
        account_id, code = accounts.add_account(db, SYSTEM, login="zhangsan", name="张三", roles=["auditor"], now=NOW)
        accounts.set_password(db, login="zhangsan", code=code, password=PASSWORD, now=NOW)
        step = accounts.sign_in(db, "zhangsan", PASSWORD, now=NOW)
        assert isinstance(step, accounts.SecondFactorNeeded)
        assert step.new_secret is not None
        done = accounts.finish_sign_in(
            db, step.ticket, pyotp.TOTP(step.new_secret).at(NOW.replace(tzinfo=UTC)), now=NOW
        )
        again = accounts.reset_account(db, SYSTEM, account_id, now=NOW)
        stored = str(db.rows("select * from account")) + str(db.rows("select * from session"))
        for secret in (
            code,
            again,
            PASSWORD,
            done.token,
            credentials.code_hash(again),
            credentials.session_key(done.token),
        ):
            assert secret not in audit_text(db)
        assert step.new_secret not in audit_text(db)
        for secret in (code, again, PASSWORD, done.token):
            assert secret not in stored
        assert db.value("select count(*) from audit where action = 'sign_in'") == 2
        assert store.verify_audit(db) == []

    def test_a_hash_costs_19_mib(self) -> None:
        assert credentials.hash_password(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


class TestSigningIn:
    def test_five_failures_lock_and_each_more_doubles(self, db: store.Database) -> None:
        add(db)
        now = NOW
        for _n in range(5):
            sign_in(db, now=now)  # a success clears what failed before
            with pytest.raises(accounts.WrongSignIn):
                accounts.sign_in(db, "zhangsan", "wrong", now=now)
        for _n in range(4):
            with pytest.raises(accounts.WrongSignIn):
                accounts.sign_in(db, "zhangsan", "wrong", now=now)
        for minutes in (5, 10, 20, 40):
            with pytest.raises(accounts.SignInLocked):
                accounts.sign_in(db, "zhangsan", PASSWORD, now=now)
            now += timedelta(minutes=minutes) - timedelta(seconds=1)
            with pytest.raises(accounts.SignInLocked):
                accounts.sign_in(db, "zhangsan", PASSWORD, now=now)
            now += timedelta(seconds=1)
            with pytest.raises(accounts.WrongSignIn):
                accounts.sign_in(db, "zhangsan", "wrong", now=now)
        sign_in(db, now=now + 80 * MINUTE)

    def test_a_login_nobody_has_behaves_the_same(self, db: store.Database) -> None:
        add(db)
        said = []
        for login in ("zhangsan", f"nobody-{id(db)}"):  # what strangers failed is remembered by the process
            words = []
            for _n in range(7):
                with pytest.raises((accounts.WrongSignIn, accounts.SignInLocked)) as caught:
                    accounts.sign_in(db, login, "wrong", now=NOW)
                words.append(str(caught.value))
            said.append(words)
        assert said[0] == said[1]

    def test_disabled_ends_sessions_at_once(self, db: store.Database) -> None:
        add(db, "boss", ("admin",))
        account_id = add(db)
        key = sign_in(db)
        accounts.disable_account(db, ADMIN, account_id, now=NOW)
        assert actor_of_session(db, key, NOW) is None
        with pytest.raises(accounts.WrongSignIn):
            accounts.sign_in(db, "zhangsan", PASSWORD, now=NOW)
        with pytest.raises(Refused):
            accounts.reset_account(db, ADMIN, account_id, now=NOW)
        code = accounts.enable_account(db, ADMIN, account_id, now=NOW)
        with pytest.raises(accounts.WrongSignIn):
            accounts.sign_in(db, "zhangsan", PASSWORD, now=NOW)
        accounts.set_password(db, login="zhangsan", code=code, password="New-Horse-10", now=NOW)
        sign_in(db, password="New-Horse-10")
        assert actor_of_session(db, key, NOW) is None

    def test_reset_ends_sessions_locks_and_the_password(self, db: store.Database) -> None:
        account_id = add(db)
        key = sign_in(db)
        for _n in range(5):
            with pytest.raises(accounts.WrongSignIn):
                accounts.sign_in(db, "zhangsan", "wrong", now=NOW)
        code = accounts.reset_account(db, SYSTEM, account_id, now=NOW)
        assert actor_of_session(db, key, NOW) is None
        with pytest.raises(accounts.WrongSignIn):
            accounts.sign_in(db, "zhangsan", PASSWORD, now=NOW)
        accounts.set_password(db, login="zhangsan", code=code, password=PASSWORD, now=NOW)
        sign_in(db)

    def test_the_last_administrator_stays(self, db: store.Database) -> None:
        first = add(db, "boss", ("admin",))
        with pytest.raises(Refused):
            accounts.disable_account(db, SYSTEM, first, now=NOW)
        with pytest.raises(Refused):
            accounts.change_account(db, SYSTEM, first, 2, name="王", roles=["leader"], now=NOW)
        add(db, "second", ("admin",))
        accounts.disable_account(db, SYSTEM, first, now=NOW)

    def test_language_is_remembered(self, db: store.Database) -> None:
        add(db)
        session = live_session(db, sign_in(db), NOW)
        assert session is not None
        accounts.choose_language(db, session, "tlh", now=NOW)
        accounts.choose_language(db, session, "en", now=NOW)
        done = accounts.sign_in(db, "zhangsan", PASSWORD, now=NOW)
        assert isinstance(done, accounts.SignedIn)
        assert done.language == "en"


class TestSecondFactor:
    def enrolled(self, db: store.Database, role: str = "admin") -> str:
        add(db, "boss", (role,))
        step = accounts.sign_in(db, "boss", PASSWORD, now=NOW)
        assert isinstance(step, accounts.SecondFactorNeeded)
        assert step.new_secret is not None
        assert step.link is not None
        assert step.link.startswith("otpauth://totp/")
        accounts.finish_sign_in(db, step.ticket, self.shown(step.new_secret, NOW), now=NOW)
        return step.new_secret

    def shown(self, secret: str, now: datetime) -> str:
        return pyotp.TOTP(secret).at(now.replace(tzinfo=UTC))

    @pytest.mark.parametrize("role", ["admin", "auditor"])
    def test_is_asked_of_administrator_and_auditor(self, db: store.Database, role: str) -> None:
        secret = self.enrolled(db, role)
        later = NOW + HOUR
        step = accounts.sign_in(db, "boss", PASSWORD, now=later)
        assert isinstance(step, accounts.SecondFactorNeeded)
        assert step.new_secret is None
        done = accounts.finish_sign_in(db, step.ticket, f" {self.shown(secret, later)} ", now=later)
        assert actor_of_session(db, credentials.session_key(done.token), later) is not None

    def test_a_used_one_time_password_is_used_up(self, db: store.Database) -> None:
        secret = self.enrolled(db)
        now = NOW + timedelta(seconds=20)
        step = accounts.sign_in(db, "boss", PASSWORD, now=now)
        assert isinstance(step, accounts.SecondFactorNeeded)
        with pytest.raises(accounts.WrongOneTimePassword):
            accounts.finish_sign_in(db, step.ticket, self.shown(secret, NOW), now=now)
        accounts.finish_sign_in(db, step.ticket, self.shown(secret, NOW + timedelta(seconds=30)), now=now)

    def test_guessing_it_locks_the_account(self, db: store.Database) -> None:
        secret = self.enrolled(db)
        later = NOW + HOUR
        step = accounts.sign_in(db, "boss", PASSWORD, now=later)
        assert isinstance(step, accounts.SecondFactorNeeded)
        for guess in ("", "000000", "abc", self.shown(secret, NOW), "111111"):
            with pytest.raises(accounts.WrongOneTimePassword):
                accounts.finish_sign_in(db, step.ticket, guess, now=later)
        with pytest.raises(accounts.SignInLocked):
            accounts.finish_sign_in(db, step.ticket, self.shown(secret, later), now=later)
        with pytest.raises(accounts.SignInLocked):
            accounts.sign_in(db, "boss", PASSWORD, now=later)

    def test_a_ticket_is_worth_nothing_changed_old_or_after_a_reset(self, db: store.Database) -> None:
        secret = self.enrolled(db)
        later = NOW + HOUR
        step = accounts.sign_in(db, "boss", PASSWORD, now=later)
        assert isinstance(step, accounts.SecondFactorNeeded)
        body, signature = step.ticket.split(".")
        for ticket in ("", ".", body, f"{body}x.{signature}", f"{body}.{signature[:-1]}", "é.é"):
            with pytest.raises(accounts.WrongSignIn):
                accounts.finish_sign_in(db, ticket, self.shown(secret, later), now=later)
        much_later = later + accounts.TICKET_LIFETIME
        with pytest.raises(accounts.WrongSignIn):
            accounts.finish_sign_in(db, step.ticket, self.shown(secret, much_later), now=much_later)
        accounts.reset_account(db, SYSTEM, accounts.find_account_id(db, "boss"), now=later)
        with pytest.raises(accounts.WrongSignIn):
            accounts.finish_sign_in(db, step.ticket, self.shown(secret, later), now=later)

    def test_an_old_ticket_cannot_enrol_a_second_app(self, db: store.Database) -> None:
        add(db, "boss", ("admin",))
        first, second = (accounts.sign_in(db, "boss", PASSWORD, now=NOW) for _n in range(2))
        assert isinstance(first, accounts.SecondFactorNeeded)
        assert isinstance(second, accounts.SecondFactorNeeded)
        assert first.new_secret is not None
        assert second.new_secret is not None
        accounts.finish_sign_in(db, first.ticket, self.shown(first.new_secret, NOW), now=NOW)
        with pytest.raises(accounts.WrongSignIn):
            accounts.finish_sign_in(db, second.ticket, self.shown(second.new_secret, NOW), now=NOW)

    def test_reset_keeps_it_unless_told_otherwise(self, db: store.Database) -> None:
        self.enrolled(db)
        account_id = accounts.find_account_id(db, "boss")
        for forget in (False, True):
            code = accounts.reset_account(db, SYSTEM, account_id, forget_second_factor=forget, now=NOW)
            accounts.set_password(db, login="boss", code=code, password=PASSWORD, now=NOW)
            step = accounts.sign_in(db, "boss", PASSWORD, now=NOW)
            assert isinstance(step, accounts.SecondFactorNeeded)
            assert (step.new_secret is not None) is forget


class TestSessions:
    def test_ends_after_eight_idle_hours_and_after_a_day_in_any_case(self, db: store.Database) -> None:
        add(db)
        key = sign_in(db)
        assert accounts.continue_session(db, key, now=NOW + 8 * HOUR - MINUTE) is not None
        assert live_session(db, key, NOW + 16 * HOUR - 2 * MINUTE) is not None
        assert live_session(db, key, NOW + 16 * HOUR) is None
        key = sign_in(db)
        now = NOW
        while now < NOW + 23 * HOUR:
            assert accounts.continue_session(db, key, now=now) is not None
            now += HOUR
        assert accounts.continue_session(db, key, now=NOW + 24 * HOUR) is None

    def test_use_is_noted_once_a_minute_and_leaves_no_audit(self, db: store.Database) -> None:
        add(db)
        key = sign_in(db)
        entries = db.value("select count(*) from audit")
        seen = []
        for seconds in (0, 30, 59, 60, 90, 119, 125):
            accounts.continue_session(db, key, now=NOW + timedelta(seconds=seconds))
            seen.append(db.value("select last_seen_at from session"))
        noted = [NOW] * 3 + [NOW + MINUTE] * 3 + [NOW + timedelta(seconds=125)]
        assert seen == noted
        assert db.value("select count(*) from audit") == entries

    def test_sign_out_ends_this_one_only(self, db: store.Database) -> None:
        add(db)
        here, elsewhere = sign_in(db), sign_in(db)
        accounts.sign_out(db, here, now=NOW)
        accounts.sign_out(db, here, now=NOW)
        accounts.sign_out(db, "no such key", now=NOW)
        assert accounts.continue_session(db, here, now=NOW) is None
        assert accounts.continue_session(db, elsewhere, now=NOW) is not None

    def test_what_is_stored_opens_nothing(self, db: store.Database) -> None:
        add(db)
        key = sign_in(db)
        stored = db.value("select token_hash from session")
        assert stored == key
        assert live_session(db, credentials.session_key(stored), NOW) is None

    def test_noting_survives_two_at_once(self, db: store.Database) -> None:
        add(db)
        key = sign_in(db)
        session = live_session(db, key, NOW)
        assert session is not None
        later = NOW + 2 * MINUTE
        assert accounts.continue_session(db, key, now=later) is not None
        assert accounts.continue_session(db, key, now=later) is not None
        assert db.value("select version from session") == session.version + 1
