"""Accounts and signed-in browsers. Moments are UTC without zone.

A session lives while it is neither revoked nor expired, was used within `IDLE`, and its account is not disabled: asked
anew for every request and every script run, so that revoking works at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from crm import permissions
from crm.errors import NotFound
from crm.locale import _
from crm.model import Actor, Role
from crm.permissions import Action, Scope
from crm.store import Database

IDLE = timedelta(hours=8)
LIFETIME = timedelta(hours=24)


class Token(StrEnum):
    """What a personal token opens; the account keeps its hash in the column `<token>_token_hash`."""

    CALENDAR = "calendar"
    API = "api"


@dataclass(frozen=True)
class LiveSession:
    """A signed-in browser: who it is, and what the shell shows of them."""

    id: int
    version: int
    actor: Actor
    unit: str
    language: str
    last_seen_at: datetime
    password_set_at: datetime | None


@dataclass(frozen=True)
class AccountRow:
    """One account as its administrator sees it."""

    id: int
    version: int
    login: str
    name: str
    unit_id: int | None
    unit: str
    roles: tuple[Role, ...]
    industry_ids: frozenset[int]
    has_password: bool
    has_second_factor: bool
    created_at: datetime
    last_sign_in_at: datetime | None
    locked_until: datetime | None
    disabled_at: datetime | None
    session_seen_at: tuple[datetime, ...]


def live_session(database: Database, key: str, now: datetime) -> LiveSession | None:
    """Return the session with this key (`credentials.session_key`) if it is still alive, else None."""
    found = database.rows(
        """
        select
            s.id,
            s.version,
            a.login,
            a.id,
            a.name,
            a.unit_id,
            a.roles,
            a.industries,
            coalesce(u.name, ''),
            a.language,
            s.last_seen_at,
            a.password_set_at
        from session s
        join account a on a.id = s.account_id
        left join unit u on u.id = a.unit_id
        where s.token_hash = $1
            and s.revoked_at is null
            and s.expires_at > $2
            and s.last_seen_at > $3
            and a.disabled_at is null
            and a.archived_at is null
        """,
        [key, now, now - IDLE],
    )
    if not found:
        return None
    session_id, version, login, account_id, name, unit_id, roles, industries, unit, language, seen, set_at = found[0]
    actor = Actor(
        login=login,
        account_id=account_id,
        name=name,
        unit_id=unit_id,
        roles=frozenset(parse_roles(roles)),
        industry_ids=parse_ids(industries),
    )
    return LiveSession(session_id, version, actor, unit, language, seen, set_at)


def actor_of_session(database: Database, key: str, now: datetime) -> Actor | None:
    """Return who is signed in under this session key, None where nobody is."""
    session = live_session(database, key, now)
    return session.actor if session else None


def find_actor(database: Database, login: str) -> Actor | None:
    """Return the rights of an account by its login, None where there is none or it is disabled."""
    found = _active(database, "login", login)
    return found[0] if found else None


def get_actor(database: Database, login: str) -> Actor:
    """Return the rights of an account by its login; raises NotFound where there is none or it is disabled."""
    found = find_actor(database, login)
    if found is None:
        raise NotFound(_("There is no active account “{login}”.", login=login))
    return found


def token_owner(database: Database, token: Token, key: str) -> tuple[Actor, str] | None:
    """Return whose token has a hash and their language, None where it is nobody's or they are shut out."""
    return _active(database, f"{token}_token_hash", key)


def has_token(database: Database, actor: Actor, token: Token) -> bool:
    """Whether the actor has a token of this sort."""
    kept = f"select 1 from account where id = $1 and {token}_token_hash is not null and archived_at is null"
    return bool(database.rows(kept, [actor.account_id]))


def _active(database: Database, column: str, value: str) -> tuple[Actor, str] | None:
    """Return the account with a value in a column and its language, None where there is none or it is disabled."""
    found = database.rows(
        "select login, id, name, unit_id, roles, industries, language from account"
        f" where {column} = $1 and disabled_at is null and archived_at is null",
        [value],
    )
    if not found:
        return None
    login, account_id, name, unit_id, roles, industries, language = found[0]
    return Actor(login, account_id, name, unit_id, frozenset(parse_roles(roles)), parse_ids(industries)), language


def list_accounts(database: Database, actor: Actor, *, now: datetime | None = None) -> list[AccountRow]:
    """List every account, by login; raises Denied. With `now`, also when each of its live sessions was last used."""
    permissions.require_right(actor, Action.MANAGE_ACCOUNTS)
    seen: dict[int, list[datetime]] = {}
    if now is not None:
        for account_id, last in database.rows(
            "select account_id, last_seen_at from session where revoked_at is null and expires_at > $1"
            " and last_seen_at > $2 order by last_seen_at desc",
            [now, now - IDLE],
        ):
            seen.setdefault(account_id, []).append(last)
    return [
        AccountRow(
            id=row["id"],
            version=row["version"],
            login=row["login"],
            name=row["name"],
            unit_id=row["unit_id"],
            unit=row["unit"],
            roles=parse_roles(row["roles"]),
            industry_ids=parse_ids(row["industries"]),
            has_password=row["has_password"],
            has_second_factor=row["has_second_factor"],
            created_at=row["created_at"],
            last_sign_in_at=row["last_sign_in_at"],
            locked_until=row["locked_until"],
            disabled_at=row["disabled_at"],
            session_seen_at=tuple(seen.get(row["id"], ())),
        )
        for row in database.records(
            """
            select
                a.id,
                a.version,
                a.login,
                a.name,
                a.unit_id,
                coalesce(u.name, '') as unit,
                a.roles,
                a.industries,
                a.password_hash is not null as has_password,
                a.totp_secret is not null as has_second_factor,
                a.created_at,
                a.last_sign_in_at,
                a.locked_until,
                a.disabled_at
            from account a
            left join unit u on u.id = a.unit_id
            where a.archived_at is null
            order by a.login
            """
        )
    ]


def chains(database: Database) -> list[tuple[int, str]]:
    """List the key industries that a task force can be given, as (id, name) in official order."""
    rows = database.rows("select id, name from industry where archived_at is null order by display_order")
    return [(industry_id, name) for industry_id, name in rows]


def has_administrator(database: Database) -> bool:
    """Whether anybody can manage accounts; where nobody can, the set-up page makes the first administrator."""
    rows = database.rows("select roles from account where disabled_at is null and archived_at is null")
    return any(Role.ADMIN in parse_roles(row[0]) for row in rows)


def rights() -> list[tuple[Action, dict[Role, Scope | None]]]:
    """Return how far each role may do what, None where it may not; only what some role may do."""
    reach = {action: {role: permissions.GRANTS[role].get(action) for role in Role} for action in Action}
    return [(action, of_roles) for action, of_roles in reach.items() if any(of_roles.values())]


def parse_roles(stored: str) -> tuple[Role, ...]:
    """Read the roles of an account as stored: slugs with commas between."""
    return tuple(Role(slug) for slug in stored.split(",") if slug)


def parse_ids(stored: str) -> frozenset[int]:
    """Read the industries of an account as stored: ids with commas between."""
    return frozenset(int(part) for part in stored.split(",") if part)
