"""Saving rule sets: a name that exists gets its next version; earlier versions never change."""

import json
from datetime import date, datetime
from typing import Any

from crm import permissions
from crm.metrics import RuleSet, parse_rule_set
from crm.model import Actor
from crm.reports.rule_sets import peer_groups
from crm.store import Database, transaction


def save_rule_set(
    database: Database, actor: Actor, settings: Any, *, now: datetime, effective_from: date | None = None
) -> RuleSet:
    """Store a rule set given as JSON (see interfaces.md) and return it with its version.

    Raises Invalid, keyed by the path of each unknown key or value.
    """
    permissions.require_right(actor, permissions.Action.MANAGE_RULES)
    rules = parse_rule_set(settings, known_groups=peer_groups(database))
    with transaction(database, actor=actor.login, now=now) as work:
        newest = work.value("select coalesce(max(rules_version), 0) from rule_set where name = $1", [rules.name])
        version = int(newest) + 1
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
