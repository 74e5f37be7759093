"""Rule sets as stored: a name that exists gets its next version, and no version ever changes."""

import json
from datetime import date

import pytest

from crm.actions.rule_sets import save_rule_set
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.metrics import RuleSet
from crm.model import Role
from crm.reports.rule_sets import find_rule_set, list_rule_sets
from tests.bureaus import rule_settings
from tests.probes import NOW, SYSTEM, dump, insert, person


def test_a_new_database_ranks_by_the_shipped_default(db):
    assert find_rule_set(db) == RuleSet()
    assert [(stored.rules.name, stored.rules.version) for stored in list_rule_sets(db)] == [("default", 1)]


def test_a_saved_rule_set_is_read_back_equal_with_who_and_when(db):
    settings = rule_settings(name="亿元以上", threshold_wan=10000, performance="started", note="六安")
    admin = person("admin", Role.ADMIN)
    saved = save_rule_set(db, admin, settings, now=NOW, effective_from=date(2026, 7, 1))
    assert saved.settings() == settings
    assert find_rule_set(db, "亿元以上") == saved
    stored = [s for s in list_rule_sets(db) if s.rules.name == "亿元以上"]
    assert [(s.rules, s.effective_from, s.created_at, s.created_by) for s in stored] == [
        (saved, date(2026, 7, 1), NOW, "admin")
    ]
    audited = db.rows("select actor, action, after from audit where subject = 'rule_set' order by id desc limit 1")
    assert [(actor, action, json.loads(json.loads(after)["settings"])) for actor, action, after in audited] == [
        ("admin", "create", settings)
    ]


def test_a_name_that_exists_gets_its_next_version_and_the_earlier_ones_stay(db):
    for weight in (10, 20, 30):
        save_rule_set(db, SYSTEM, {"name": "mine", "score": {"weights": {"signing": weight}}}, now=NOW)
    save_rule_set(db, SYSTEM, {"rounding": "truncate"}, now=NOW)
    found = [(s.rules.name, s.rules.version, s.rules.weights) for s in list_rule_sets(db) if s.rules.name == "mine"]
    assert found == [("mine", n, (("signing", n * 10),)) for n in (1, 2, 3)]
    assert find_rule_set(db, "mine").version == 3
    assert find_rule_set(db, "mine", 1).weights == (("signing", 10),)
    assert (find_rule_set(db).version, str(find_rule_set(db).rounding)) == (2, "truncate")
    assert find_rule_set(db, "default", 1) == RuleSet()


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x1bb", "a\u2028b", "a\u202eb", "a\u200bb"])
def test_a_name_that_cannot_be_seen_whole_is_refused_and_one_of_old_is_still_read(db, name):
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        save_rule_set(db, SYSTEM, {"name": name}, now=NOW)
    assert list(refused.value.fields) == ["name"]
    assert dump(db) == before
    insert(db, "rule_set", name=name, rules_version=1, settings=json.dumps({"name": name}))
    assert find_rule_set(db, name) == RuleSet(name=name)


def test_a_version_that_somebody_saved_in_the_meantime_is_a_conflict(db):
    save_rule_set(db, SYSTEM, {"name": "mine"}, now=NOW, newest=0)
    save_rule_set(db, SYSTEM, {"name": "mine", "rounding": "truncate"}, now=NOW, newest=1)
    before = dump(db)
    for seen in (0, 1, 3):
        with pytest.raises(Conflict):
            save_rule_set(db, SYSTEM, {"name": "mine"}, now=NOW, newest=seen)
    assert dump(db) == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_saves_rules(db, role):
    before = dump(db)
    with pytest.raises(Denied):
        save_rule_set(db, person("x", role, unit_id=1), {"name": "mine"}, now=NOW)
    assert dump(db) == before


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"name": "mine", "colour": 1}, "colour"),
        ({"name": "mine", "groups": ["nowhere"]}, "groups[0]"),
        ({"name": "mine", "threshold_wan": 1e300}, "threshold_wan"),
        ({"name": "mine", "threshold_wan": 10**20}, "threshold_wan"),
        ({"name": "mine", "threshold_wan": 1e-300}, "threshold_wan"),
        ({"name": "mine", "note": "\ud800"}, "note"),
        ({"name": "mine\x00"}, "name"),
        ({"name": "\ud800"}, "name"),
        ([], "$"),
        ("default", "$"),
        (None, "$"),
    ],
)
def test_a_bad_rule_set_is_refused_with_the_path_and_nothing_is_stored(db, settings, path):
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        save_rule_set(db, SYSTEM, settings, now=NOW)
    assert path in str(refused.value)
    assert dump(db) == before


def test_a_peer_group_that_units_belong_to_may_be_ranked(db):
    with db.transaction() as session:
        session.execute("update unit set peer_group = '东部片区' where code = '433101'")
    assert save_rule_set(db, SYSTEM, {"name": "片区", "groups": ["东部片区"]}, now=NOW).groups == ("东部片区",)


def test_an_unknown_rule_set_or_version_is_not_found(db):
    for name, version in (("nope", None), ("default", 2), ("", None)):
        with pytest.raises(NotFound, match="crm rules list"):
            find_rule_set(db, name, version)
