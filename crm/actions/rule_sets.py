"""Saving rule sets: a name that exists gets its next version; earlier versions never change."""

import json
import unicodedata
from datetime import date, datetime
from typing import Any

from crm import permissions
from crm.errors import Conflict, Invalid
from crm.locale import _
from crm.metrics import RuleSet, parse_rule_set
from crm.model import Actor
from crm.reports.rule_sets import peer_groups
from crm.store import Database, transaction

# Control and format characters, line and paragraph separators: two names must not look the same.
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})


def save_rule_set(
    database: Database,
    actor: Actor,
    settings: Any,
    *,
    now: datetime,
    effective_from: date | None = None,
    newest: int | None = None,
) -> RuleSet:
    """Store a rule set given as JSON (see interfaces.md) and return it with its version.

    `newest` is the newest version of its name that the person had seen, 0 where there was none. Raises Invalid, keyed
    by the path of each unknown key or value; Conflict where somebody saved another version since; Denied.
    """
    permissions.require_right(actor, permissions.Action.MANAGE_RULES)
    rules = parse_rule_set(settings, known_groups=peer_groups(database))
    if any(unicodedata.category(character) in _INVISIBLE for character in rules.name):
        reason = _("a name has no line breaks or control characters")
        raise Invalid({"name": _("Rule set, {path}: {reason}.", path="name", reason=reason)})
    with transaction(database, actor=actor.login, now=now) as work:
        last = int(work.value("select coalesce(max(rules_version), 0) from rule_set where name = $1", [rules.name]))
        if newest not in (None, last):
            raise Conflict(_("Version {version} of “{name}” was saved in the meantime.", version=last, name=rules.name))
        version = last + 1
        work.insert(
            "rule_set",
            {
                "name": rules.name,
                "rules_version": version,
                "effective_from": effective_from,
                "settings": json.dumps(rules.settings(), ensure_ascii=False),
                "note": rules.note or None,
            },
        )
    return parse_rule_set(settings, version=version, known_groups=peer_groups(database))
