"""Accounts, signing in and out. Nothing secret enters the audit; moments are UTC without zone.

There is no default password: an account is made with a one-time set-up code, and whoever holds the code chooses the
password. Administrators and auditors sign in with a second factor, which their first sign-in sets up. Failed sign-ins
lock the account for a growing time. A login nobody has behaves like one that somebody has, in words and in time.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crm import permissions
from crm.actions import credentials
from crm.errors import CrmError, Denied, Invalid, NotFound, Refused
from crm.locale import DEFAULT_LANGUAGE, LANGUAGES, Message, _
from crm.model import Actor, Role
from crm.permissions import Action
from crm.reports.accounts import LIFETIME, LiveSession, Token, has_administrator, live_session, parse_roles
from crm.store import Database, Transaction, normalised, transaction

FREE_FAILURES = 5
FIRST_LOCK = timedelta(minutes=5)
LONGEST_LOCK = timedelta(hours=24)
CODE_LIFETIME = timedelta(days=7)
TICKET_LIFETIME = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=1)
SECOND_FACTOR_ROLES = frozenset({Role.ADMIN, Role.AUDITOR})
ANYONE = "anonymous"  # who acts before anybody has signed in

_LOGIN_SYMBOLS = frozenset("._-@")
_NO_TOKENS = {f"{token}_token_hash": None for token in Token}
_SETUP_CODE, _TICKET_KEY, _POLICY = "setup_code", "ticket_key", "password_policy"


@dataclass(frozen=True)
class SignedIn:
    """A new session: its secret goes to the browser and is kept nowhere else."""

    token: str
    language: str


@dataclass(frozen=True)
class SecondFactorNeeded:
    """The password was right; the one-time password is still to come.

    `ticket` proves the first step for ten minutes. `new_secret` is to be put into an authenticator app where the
    account has none yet, and `link` is the same as an otpauth:// address.
    """

    ticket: str
    new_secret: str | None
    link: str | None


class WrongSignIn(CrmError):
    """Login, password or one-time password do not fit; which of them is not said."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Login or password is not right. After {count} failures sign-in is locked for a while.",
                count=FREE_FAILURES,
            )
        )


class WrongOneTimePassword(CrmError):
    """The password was right, the one-time password was not."""

    def __init__(self) -> None:
        super().__init__(_("This one-time password is not right, or it was used before. Wait for the next one."))


class SignInLocked(CrmError):
    """Too many failures: nothing is tried until the time is over."""

    def __init__(self, until: datetime, now: datetime) -> None:
        minutes = max(1, -int((now - until).total_seconds() // 60))
        super().__init__(_("Too many failed sign-ins. Try again in {minutes} minutes.", minutes=minutes))


# ---------------------------------------------------------------------------------------------- administering accounts


def add_account(
    database: Database,
    actor: Actor,
    *,
    login: str,
    name: str,
    roles: Iterable[str],
    unit_id: int | None = None,
    industry_ids: Iterable[int] = (),
    now: datetime,
) -> tuple[int, str]:
    """Make an account and return its id and the one-time set-up code with which its person chooses a password.

    Raises Invalid per field, Denied.
    """
    permissions.require_right(actor, Action.MANAGE_ACCOUNTS)
    code = credentials.new_code()
    with transaction(database, actor=actor.login, now=now) as work:
        values = _checked_account(work, login, name, roles, unit_id, industry_ids)
        account_id = work.insert("account", {**values, **_with_code(code, now)})
    return account_id, code


def change_account(
    database: Database,
    actor: Actor,
    account_id: int,
    version: int,
    *,
    name: str,
    roles: Iterable[str],
    unit_id: int | None = None,
    industry_ids: Iterable[int] = (),
    now: datetime,
) -> None:
    """Change what an account is; its sessions have the new rights at their next step.

    Raises Invalid, Conflict, Denied, and Refused for the last administrator.
    """
    permissions.require_right(actor, Action.MANAGE_ACCOUNTS)
    with transaction(database, actor=actor.login, now=now) as work:
        account = work.get("account", account_id)
        values = _checked_account(work, account["login"], name, roles, unit_id, industry_ids, account_id=account_id)
        work.update("account", account_id, version, values)
        _keep_an_administrator(work, account)


def disable_account(database: Database, actor: Actor, account_id: int, *, now: datetime) -> None:
    """Shut an account out: its sessions end at once, its set-up code and personal tokens are void.

    Raises Denied, and Refused for the last administrator.
    """
    permissions.require_right(actor, Action.MANAGE_ACCOUNTS)
    with transaction(database, actor=actor.login, now=now) as work:
        account = work.get("account", account_id)
        changes = {
            "disabled_at": now,
            "setup_code_hash": None,
            "setup_expires_at": None,
            **_NO_TOKENS,
        }
        if account["disabled_at"] is None:
            work.update("account", account_id, account["version"], changes, action="disable")
        _revoke_sessions(work, account_id)
        _keep_an_administrator(work, account)


def enable_account(database: Database, actor: Actor, account_id: int, *, now: datetime) -> str:
    """Let a disabled account in again and return its new set-up code: the old password is not taken back."""
    return _reset(database, actor, account_id, {"disabled_at": None}, "enable", now)


def reset_account(
    database: Database, actor: Actor, account_id: int, *, forget_second_factor: bool = False, now: datetime
) -> str:
    """Void an account's password, sessions, personal tokens and locks and return a new set-up code."""
    changes = {"totp_secret": None} if forget_second_factor else {}
    return _reset(database, actor, account_id, changes, "reset", now)


def end_sessions(database: Database, actor: Actor, account_id: int, *, now: datetime) -> int:
    """Sign an account out everywhere and return how many sessions that ended; raises NotFound, Denied."""
    permissions.require_right(actor, Action.MANAGE_ACCOUNTS)
    with transaction(database, actor=actor.login, now=now) as work:
        work.get("account", account_id)
        return _revoke_sessions(work, account_id)


def find_account_id(database: Database, login: str) -> int:
    """Return the id of the account with a login; raises NotFound."""
    found = database.value("select id from account where login = $1 and archived_at is null", [normalised(login)])
    if found is None:
        raise NotFound(_("There is no account “{login}”.", login=login))
    return int(found)


def choose_password_policy(database: Database, actor: Actor, slug: str, *, now: datetime) -> None:
    """Choose the password rules for passwords set from now on: `dengbao` or `nist`. Raises Invalid."""
    permissions.require_right(actor, Action.MANAGE_ACCOUNTS)
    if slug not in credentials.POLICIES:
        known = ", ".join(credentials.POLICIES)
        raise Invalid({_POLICY: _("There are no password rules “{slug}”. There are: {known}.", slug=slug, known=known)})
    with transaction(database, actor=actor.login, now=now) as work:
        before = _setting(work, _POLICY) or credentials.DEFAULT_POLICY.slug
        _set_setting(work, _POLICY, slug)
        work.record_change("update", "setting", None, {_POLICY: before}, {_POLICY: slug})


def password_policy(database: Database) -> credentials.PasswordPolicy:
    """Return the password rules in force."""
    slug = database.value("select value from setting where key = $1", [_POLICY])
    return credentials.POLICIES.get(slug, credentials.DEFAULT_POLICY)


# ------------------------------------------------------------------------------------------------- the first password


def start_setup(database: Database, *, now: datetime) -> str:
    """Return the one-time code with which the first visit to /setup makes the administrator; an older code is void.

    Raises Refused where there is an administrator already.
    """
    code = credentials.new_code()
    with transaction(database, actor="system:init", now=now) as work:
        if _administrators(work):
            raise Refused(_("There is an administrator already: use “crm user reset” if nobody can sign in."))
        _set_setting(work, _SETUP_CODE, credentials.code_hash(code))
        work.record_change("start_setup", "setting", None, None, None)
    return code


def setup_is_open(database: Database) -> bool:
    """Whether the set-up page is to make the first administrator."""
    waiting = database.value("select count(*) from setting where key = $1", [_SETUP_CODE])
    return bool(waiting) and not has_administrator(database)


def complete_setup(database: Database, *, code: str, login: str, name: str, password: str, now: datetime) -> int:
    """Make the first administrator with the code of `start_setup` and return the account's id; the code works once.

    Raises Refused for a wrong or used code, Invalid per field.
    """
    policy = password_policy(database)
    if problem := credentials.password_problem(policy, password, login=normalised(login)):
        raise Invalid({"password": problem})
    password_hash = credentials.hash_password(password)
    with transaction(database, actor=normalised(login) or ANYONE, now=now) as work:
        stored = _setting(work, _SETUP_CODE)
        fits = stored is not None and hmac.compare_digest(stored, credentials.code_hash(code))
        if not fits or _administrators(work):
            raise _wrong_code()
        values = _checked_account(work, login, name, [Role.ADMIN], None, ())
        account_id = work.insert("account", {**values, "password_hash": password_hash, "password_set_at": now})
        work.session.execute("delete from setting where key = $1", [_SETUP_CODE])
    return account_id


def set_password(database: Database, *, login: str, code: str, password: str, now: datetime) -> None:
    """Choose the password of an account with its set-up code; the code works once and for seven days.

    Raises Refused for a wrong, used or old code, Invalid for the password.
    """
    login = normalised(login)
    if problem := credentials.password_problem(password_policy(database), password, login=login):
        raise Invalid({"password": problem})
    password_hash = credentials.hash_password(password)
    with transaction(database, actor=login or ANYONE, now=now) as work:
        account = _account(work, login)
        stored, expires = (account["setup_code_hash"], account["setup_expires_at"]) if account else (None, None)
        fits = hmac.compare_digest(stored or "", credentials.code_hash(code))
        if account is None or not fits or expires is None or expires <= now or account["disabled_at"] is not None:
            raise _wrong_code()
        work.update(
            "account",
            account["id"],
            account["version"],
            {
                "password_hash": password_hash,
                "password_set_at": now,
                "setup_code_hash": None,
                "setup_expires_at": None,
                "failed_attempts": 0,
                "locked_until": None,
            },
            action="set_password",
        )
        _revoke_sessions(work, account["id"])


def change_own_password(database: Database, session: LiveSession, *, old: str, new: str, now: datetime) -> None:
    """Change one's password; every other session of the account ends. Raises Invalid per field."""
    account_id, login = session.actor.account_id, session.actor.login
    stored = database.value("select password_hash from account where id = $1", [account_id])
    locked = database.value("select locked_until from account where id = $1", [account_id])
    if locked is not None and locked > now:
        raise SignInLocked(locked, now)
    if not credentials.password_fits(stored, old):
        _count_failure(database, login, now)
        raise Invalid({"old": _("The present password is not right.")})
    if problem := credentials.password_problem(password_policy(database), new, login=login):
        raise Invalid({"password": problem})
    if credentials.password_fits(stored, new):
        raise Invalid({"password": _("The new password must differ from the present one.")})
    password_hash = credentials.hash_password(new)
    with transaction(database, actor=login, now=now) as work:
        account = _account(work, login)
        if account is None or account["password_hash"] != stored:
            raise Denied
        changes = {"password_hash": password_hash, "password_set_at": now, "failed_attempts": 0, "locked_until": None}
        work.update("account", account["id"], account["version"], changes, action="set_password")
        _revoke_sessions(work, account["id"], keep=session.id)


def password_has_expired(database: Database, session: LiveSession, now: datetime) -> bool:
    """Whether the password rules ask the person to choose a new password before going on."""
    rotation = password_policy(database).rotation
    return rotation is not None and session.password_set_at is not None and session.password_set_at + rotation <= now


# ---------------------------------------------------------------------------------------------------- signing in, out


def sign_in(database: Database, login: str, password: str, *, now: datetime) -> SignedIn | SecondFactorNeeded:
    """Start a session for login and password, or ask for the second factor where the roles demand it.

    Raises WrongSignIn, SignInLocked.
    """
    login = normalised(login)
    with database.reading() as reading:
        found = reading.records("select * from account where login = $1 and archived_at is null", [login])
    account = found[0] if found else None
    locked = account["locked_until"] if account else _strangers.locked_until(login)
    if locked is not None and locked > now:
        raise SignInLocked(locked, now)
    fits = credentials.password_fits(account["password_hash"] if account else None, password)
    if account is None or not fits or account["disabled_at"] is not None:
        _count_failure(database, login, now)
        raise WrongSignIn
    if SECOND_FACTOR_ROLES.isdisjoint(parse_roles(account["roles"])):
        return _start_session(database, account, {}, now, password=password)
    new_secret = None if account["totp_secret"] else credentials.new_totp_secret()
    link = new_secret and credentials.totp_link(new_secret, login=login, issuer=str(_("Investment CRM")))
    return SecondFactorNeeded(_new_ticket(database, account, new_secret, now), new_secret, link)


def finish_sign_in(database: Database, ticket: str, one_time_password: str, *, now: datetime) -> SignedIn:
    """Start the session that `sign_in` asked a second factor for; the first right one-time password enrols the app.

    Raises WrongOneTimePassword, SignInLocked, and WrongSignIn for a ticket that is void.
    """
    claims = _read_ticket(database, ticket, now)
    found = database.records("select * from account where id = $1", [claims["account"]]) if claims else []
    if not found or not claims or claims["password"] != _fingerprint(found[0]):
        raise WrongSignIn
    account = found[0]
    if account["locked_until"] is not None and account["locked_until"] > now:
        raise SignInLocked(account["locked_until"], now)
    secret = account["totp_secret"] or claims["secret"]
    used_until = account["last_sign_in_at"] if account["totp_secret"] else None
    if not secret or not credentials.totp_fits(secret, one_time_password, now=now, used_until=used_until):
        _count_failure(database, account["login"], now)
        raise WrongOneTimePassword
    return _start_session(database, account, {"totp_secret": secret}, now)


def continue_session(database: Database, key: str, *, now: datetime) -> LiveSession | None:
    """Return the live session with this key and note that it is in use; None where it ended. Asked at every step."""
    session = live_session(database, key, now)
    if session is not None and now - session.last_seen_at >= TOUCH_EVERY:
        with transaction(database, actor=session.actor.login, now=now) as work:
            # Not a change that anybody would look for in the audit; and whoever noted it first has noted it.
            work.session.execute(
                "update session set last_seen_at = $3, version = version + 1 where id = $1 and version = $2",
                [session.id, session.version, now],
            )
    return session


def sign_out(database: Database, key: str, *, now: datetime) -> None:
    """End a session; one that has ended already stays so."""
    session = live_session(database, key, now)
    if session is not None:
        with transaction(database, actor=session.actor.login, now=now) as work:
            current = work.get("session", session.id)
            work.update("session", session.id, current["version"], {"revoked_at": now}, action="sign_out")


def choose_language(database: Database, session: LiveSession, language: str, *, now: datetime) -> None:
    """Remember the language in which a person wants the app."""
    if language in LANGUAGES and language != session.language:
        with transaction(database, actor=session.actor.login, now=now) as work:
            account = work.get("account", session.actor.account_id or 0)
            work.update("account", account["id"], account["version"], {"language": language})


# ------------------------------------------------------------------------------------------------------------- parts


def _checked_account(
    work: Transaction,
    login: str,
    name: str,
    roles: Iterable[str],
    unit_id: int | None,
    industry_ids: Iterable[int],
    *,
    account_id: int | None = None,
) -> dict[str, Any]:
    """Return the columns of an account as given, checked; raises Invalid."""
    login, name, industries = normalised(login), name.strip(), sorted(set(industry_ids))
    problems: dict[str, Message] = {}
    if not 2 <= len(login) <= 64 or not all(c.isalnum() or c in _LOGIN_SYMBOLS for c in login):
        problems["login"] = _("A login has 2 to 64 letters, digits, dots, dashes, underscores or @.")
    elif (known := _account(work, login)) is not None and known["id"] != account_id:
        problems["login"] = _("The login “{login}” is taken.", login=login)
    if not name:
        problems["name"] = _("Give the person's name.")
    slugs = {str(role).strip() for role in roles} - {""}
    unknown = sorted(slugs - set(Role))
    chosen = frozenset(Role(slug) for slug in slugs if slug not in unknown)
    if unknown:
        problems["roles"] = _("There is no role “{role}”. There are: {known}.", role=unknown[0], known=", ".join(Role))
    elif not chosen:
        problems["roles"] = _("Give at least one role.")
    elif chosen >= {Role.ADMIN, Role.AUDITOR}:
        problems["roles"] = _("Administrator and auditor must be different people.")
    if chosen & {Role.STAFF, Role.UNIT_HEAD} and unit_id is None:
        problems["unit_id"] = _("Staff and unit heads belong to a unit: choose it.")
    elif unit_id is not None and not _exists(work, "unit", unit_id):
        problems["unit_id"] = _("There is no such unit.")
    if Role.TASKFORCE in chosen and not industries:
        problems["industry_ids"] = _("A chain task force needs at least one industry.")
    elif not all(_exists(work, "industry", industry_id) for industry_id in industries):
        problems["industry_ids"] = _("There is no such industry.")
    if problems:
        raise Invalid(problems)
    return {
        "login": login,
        "name": name,
        "unit_id": unit_id,
        "roles": ",".join(role for role in Role if role in chosen),
        "industries": ",".join(str(industry_id) for industry_id in industries),
    }


def _exists(work: Transaction, table: str, record_id: int) -> bool:
    try:
        work.require(table, record_id)
    except NotFound:
        return False
    return True


def _account(work: Transaction, login: str) -> dict[str, Any] | None:
    found = work.find("account", login=login)
    return found if found is not None and found["archived_at"] is None else None


def _with_code(code: str, now: datetime) -> dict[str, Any]:
    return {"setup_code_hash": credentials.code_hash(code), "setup_expires_at": now + CODE_LIFETIME}


def _wrong_code() -> Refused:
    return Refused(_("This set-up code does not fit the login, was used already or is too old. Ask for a new one."))


def _reset(
    database: Database, actor: Actor, account_id: int, changes: Mapping[str, Any], action: str, now: datetime
) -> str:
    permissions.require_right(actor, Action.MANAGE_ACCOUNTS)
    code = credentials.new_code()
    with transaction(database, actor=actor.login, now=now) as work:
        account = work.get("account", account_id)
        if account["disabled_at"] is not None and "disabled_at" not in changes:
            raise Refused(_("The account “{login}” is disabled: enable it first.", login=account["login"]))
        fresh = {
            "password_hash": None,
            "password_set_at": None,
            "failed_attempts": 0,
            "locked_until": None,
            **_NO_TOKENS,
        }
        work.update(
            "account", account_id, account["version"], {**fresh, **_with_code(code, now), **changes}, action=action
        )
        _revoke_sessions(work, account_id)
    return code


def _revoke_sessions(work: Transaction, account_id: int, *, keep: int | None = None) -> int:
    found = work.rows(
        "select id, version from session where account_id = $1 and revoked_at is null and id is distinct from $2",
        [account_id, keep],
    )
    for session_id, version in found:
        work.update("session", session_id, version, {"revoked_at": work.now}, action="revoke")
    return len(found)


def _administrators(work: Transaction) -> int:
    rows = work.rows("select roles from account where disabled_at is null and archived_at is null")
    return sum(Role.ADMIN in parse_roles(row[0]) for row in rows)


def _keep_an_administrator(work: Transaction, before: Mapping[str, Any]) -> None:
    if Role.ADMIN in parse_roles(before["roles"]) and not _administrators(work):
        raise Refused(_("This is the last administrator. Make another one first."))


def _setting(work: Transaction, key: str) -> str | None:
    value: str | None = work.value("select value from setting where key = $1", [key])
    return value


def _set_setting(work: Transaction, key: str, value: str) -> None:
    work.session.execute(
        "insert into setting (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
        [key, value],
    )


def _start_session(
    database: Database, checked: Mapping[str, Any], changes: Mapping[str, Any], now: datetime, *, password: str = ""
) -> SignedIn:
    """Start a session for the account as it was checked; raises WrongSignIn where it has changed since."""
    token = credentials.new_token()
    changes = {"failed_attempts": 0, "locked_until": None, "last_sign_in_at": now, **changes}
    if password and credentials.needs_rehash(checked["password_hash"]):
        changes["password_hash"] = credentials.hash_password(password)
    with transaction(database, actor=checked["login"], now=now) as work:
        account = work.get("account", checked["id"])
        same = all(account[column] == checked[column] for column in ("password_hash", "totp_secret", "roles"))
        if not same or account["disabled_at"] is not None:
            raise WrongSignIn
        if account["locked_until"] is not None and account["locked_until"] > now:
            raise SignInLocked(account["locked_until"], now)
        work.update("account", account["id"], account["version"], changes, action="sign_in")
        work.insert(
            "session",
            {
                "token_hash": credentials.session_key(token),
                "account_id": account["id"],
                "last_seen_at": now,
                "expires_at": now + LIFETIME,
            },
            action="sign_in",
        )
    language = account["language"] if account["language"] in LANGUAGES else DEFAULT_LANGUAGE
    return SignedIn(token, language)


def _count_failure(database: Database, login: str, now: datetime) -> None:
    with transaction(database, actor=ANYONE, now=now) as work:
        account = _account(work, login)
        if account is None:
            _strangers.count(login, now)
            return
        failures = account["failed_attempts"] + 1
        changes = {"failed_attempts": failures, "locked_until": _locked_until(failures, now)}
        work.update("account", account["id"], account["version"], changes, action="sign_in_failed")


def _locked_until(failures: int, now: datetime) -> datetime | None:
    if failures < FREE_FAILURES:
        return None
    doublings = min(failures - FREE_FAILURES, 20)
    return now + min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


class _Strangers:
    """Failures under logins that nobody has, so that their lockout tells nothing; a bounded memory of this process."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._failures: OrderedDict[str, tuple[int, datetime | None]] = OrderedDict()
        self._lock = threading.Lock()

    def locked_until(self, login: str) -> datetime | None:
        with self._lock:
            return self._failures.get(login, (0, None))[1]

    def count(self, login: str, now: datetime) -> None:
        with self._lock:
            failures = self._failures.pop(login, (0, None))[0] + 1
            self._failures[login] = (failures, _locked_until(failures, now))
            while len(self._failures) > self._most:
                self._failures.popitem(last=False)


_strangers = _Strangers()


# A ticket is signed and not stored, so that any app process can read what another one wrote.


def _new_ticket(database: Database, account: Mapping[str, Any], new_secret: str | None, now: datetime) -> str:
    claims = {
        "account": account["id"],
        "password": _fingerprint(account),
        "secret": new_secret or "",
        "until": (now + TICKET_LIFETIME).isoformat(),
    }
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"{body}.{_signature(database, body, now)}"


def _read_ticket(database: Database, ticket: str, now: datetime) -> dict[str, Any] | None:
    body, _dot, signature = ticket.partition(".")
    if not hmac.compare_digest(_signature(database, body, now).encode(), signature.encode()):
        return None
    try:
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
    except (binascii.Error, ValueError):
        return None
    return claims if datetime.fromisoformat(claims["until"]) > now else None


def _signature(database: Database, body: str, now: datetime) -> str:
    key = database.value("select value from setting where key = $1", [_TICKET_KEY])
    if key is None:
        with transaction(database, actor=ANYONE, now=now) as work:
            key = _setting(work, _TICKET_KEY)
            if key is None:
                key = secrets.token_hex(32)
                _set_setting(work, _TICKET_KEY, key)
    return hmac.new(str(key).encode(), body.encode(), hashlib.sha256).hexdigest()


def _fingerprint(account: Mapping[str, Any]) -> str:
    """Tie a ticket to the password it was given for and to whether a second factor was known then."""
    return hashlib.sha256(f"{account['password_hash']}|{account['totp_secret'] or ''}".encode()).hexdigest()
