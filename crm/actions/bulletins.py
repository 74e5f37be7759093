"""Wording the bulletin: a text for one month, or as the template for those to come."""

from datetime import datetime

from crm import permissions
from crm.errors import Conflict, Invalid
from crm.locale import _
from crm.model import Actor
from crm.months import Month
from crm.permissions import Action
from crm.reports.bulletin_texts import BLOCKS, BulletinText, placeholders, unknown_placeholders
from crm.store import Database, Transaction, transaction

LONGEST = 5_000


def save_text(
    database: Database,
    actor: Actor,
    month: Month,
    read: BulletinText,
    content: str,
    *,
    as_template: bool,
    now: datetime,
) -> None:
    """Store a block's text for a month's bulletin; `as_template` also for those of later months.

    `read` is the text as it was read. Raises Invalid, Conflict where somebody changed it since, Denied.
    """
    permissions.require_right(actor, Action.CLOSE)
    content = content.replace("\r\n", "\n").strip()
    if read.block not in BLOCKS:
        raise Invalid({"block": _("The bulletin has no such section.")})
    if len(content) > LONGEST:
        raise Invalid({"content": _("At most {count} characters.", count=LONGEST)})
    if unknown := unknown_placeholders(read.block, content):
        raise Invalid(
            {
                "content": _(
                    "There is no placeholder {unknown}. There are: {known}.",
                    unknown=" ".join(f"{{{name}}}" for name in unknown),
                    known=" ".join(f"{{{name}}}" for name in placeholders(read.block)),
                )
            }
        )
    with transaction(database, actor=actor.login, now=now) as work:
        _save(work, str(month), read.block, read.own, content)
        if as_template:
            _save(work, None, read.block, read.template, content)


def restore_text(database: Database, actor: Actor, read: BulletinText, *, now: datetime) -> None:
    """Let go of a month's own text, so that the template speaks again; raises Conflict, Denied."""
    permissions.require_right(actor, Action.CLOSE)
    if read.own is None:
        return
    with transaction(database, actor=actor.login, now=now) as work:
        work.update("bulletin_text", *read.own, {"archived_at": now}, action="archive")


def _save(work: Transaction, month: str | None, block: str, read: tuple[int, int] | None, content: str) -> None:
    stored = work.rows(
        "select id, version from bulletin_text where archived_at is null and block = $1"
        " and month is not distinct from $2",
        [block, month],
    )
    if (stored[0] if stored else None) != read:
        raise Conflict
    if read is None:
        work.insert("bulletin_text", {"month": month, "block": block, "content": content})
    else:
        work.update("bulletin_text", *read, {"content": content})
