"""Personal tokens: the address at which a calendar program reads one's to-dos, and the key of the API.

A token is random and opens nothing else; the account keeps only its hash, as of a session.
"""

from datetime import datetime

from crm import permissions
from crm.actions import credentials
from crm.model import Actor
from crm.reports.accounts import Token
from crm.store import Database, transaction


def renew_token(database: Database, actor: Actor, token: Token, *, now: datetime) -> str:
    """Give the actor a new token and return it, this once; an older one is void. Raises NotFound, Denied."""
    if token is Token.CALENDAR:
        permissions.require_right(actor, permissions.Action.READ)
    made = credentials.new_token()
    _keep(database, actor, token, credentials.session_key(made), f"renew_{token}", now)
    return made


def revoke_token(database: Database, actor: Actor, token: Token, *, now: datetime) -> None:
    """Void the actor's token."""
    _keep(database, actor, token, None, f"revoke_{token}", now)


def _keep(database: Database, actor: Actor, token: Token, token_hash: str | None, action: str, now: datetime) -> None:
    with transaction(database, actor=actor.login, now=now) as work:
        account = work.get("account", actor.account_id or 0)
        changes = {f"{token}_token_hash": token_hash}
        work.update("account", account["id"], account["version"], changes, action=action)
