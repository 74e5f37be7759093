"""The personal address at which a calendar program reads one's to-dos: made, renewed, revoked.

The address holds a random token that opens nothing else; the account keeps only the token's hash, as of a session.
"""

from datetime import datetime

from crm import permissions
from crm.actions import credentials
from crm.model import Actor
from crm.store import Database, transaction


def renew_calendar(database: Database, actor: Actor, *, now: datetime) -> str:
    """Give the actor a new calendar token and return it, this once; an older one is void. Raises NotFound, Denied."""
    permissions.require_right(actor, permissions.Action.READ)
    token = credentials.new_token()
    _keep(database, actor, credentials.session_key(token), "renew_calendar", now)
    return token


def revoke_calendar(database: Database, actor: Actor, *, now: datetime) -> None:
    """Void the actor's calendar token."""
    _keep(database, actor, None, "revoke_calendar", now)


def _keep(database: Database, actor: Actor, token_hash: str | None, action: str, now: datetime) -> None:
    with transaction(database, actor=actor.login, now=now) as work:
        account = work.get("account", actor.account_id or 0)
        changes = {"calendar_token_hash": token_hash}
        work.update("account", account["id"], account["version"], changes, action=action)
