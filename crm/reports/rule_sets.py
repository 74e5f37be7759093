"""Rule sets (口径) as stored: every version stays readable."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from crm.errors import NotFound
from crm.locale import _
from crm.metrics import RuleSet, parse_rule_set
from crm.store import Database


@dataclass(frozen=True)
class StoredRuleSet:
    """A version of a rule set with when and by whom it was made."""

    rules: RuleSet
    effective_from: date | None
    created_at: datetime
    created_by: str


def peer_groups(database: Database) -> list[str]:
    """List the peer groups that units belong to."""
    return [row[0] for row in database.rows("select distinct peer_group from unit order by peer_group")]


def find_rule_set(database: Database, name: str = "default", version: int | None = None) -> RuleSet:
    """Return a rule set by name, its newest version unless one is given; raises NotFound."""
    found = [s.rules for s in list_rule_sets(database) if s.rules.name == name and version in (None, s.rules.version)]
    if not found:
        raise NotFound(_("There is no rule set “{name}”. “crm rules list” shows those there are.", name=name))
    return found[-1]


def list_rule_sets(database: Database) -> list[StoredRuleSet]:
    """List every version of every rule set, by name and version."""
    groups = peer_groups(database)
    return [
        StoredRuleSet(_read(settings, name, version, groups), effective_from, created_at, created_by)
        for name, version, settings, effective_from, created_at, created_by in database.rows(
            "select name, rules_version, settings, effective_from, created_at, created_by from rule_set"
            " where archived_at is null order by name, rules_version"
        )
    ]


def _read(settings: str, name: str, version: int, groups: list[str]) -> RuleSet:
    values: dict[str, Any] = json.loads(settings)
    return parse_rule_set({**values, "name": name}, version=version, known_groups=groups)
