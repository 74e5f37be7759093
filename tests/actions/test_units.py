"""Units: a rename keeps the former name as an alias, names stay unmistakable, and a unit that holds something stays."""

from dataclasses import replace
from datetime import date

import pytest

from crm.actions.units import (
    UnitDraft,
    add_unit,
    add_unit_alias,
    archive_unit,
    change_unit,
    remove_unit_alias,
)
from crm.errors import Conflict, Denied, Invalid, NotFound, Refused
from crm.exchange.judging import load_names
from crm.metrics import RuleSet
from crm.model import Role, UnitKind
from crm.months import Month
from crm.reports.findings import Severity, findings
from crm.reports.rankings import find_unit, ranking, units
from crm.reports.units import list_units
from tests.bureaus import project, put
from tests.probes import NOW, TODAY, dump, insert, insert_enterprise, insert_project, person, unit_ids

ADMIN = person("admin", Role.ADMIN)
NEW = UnitDraft("XXKJ", "湘西科创园", UnitKind.PARK, "科创园", "", 95)


def draft_of(db, name):
    unit = find_unit(db, name)
    return unit.id, UnitDraft(
        unit.code, unit.name, UnitKind(unit.kind), unit.short_name, unit.peer_group, unit.display_order
    )


def rename(db, unit_id, draft, *, version=1, actor=ADMIN):
    change_unit(db, actor, unit_id, version, draft, now=NOW, today=TODAY)


def blocking(db):
    return [finding for finding in findings(db, today=TODAY) if finding.severity is Severity.BLOCKING]


def test_a_new_unit_stands_in_its_place_with_what_was_left_open_filled_in(db):
    unit_id = add_unit(db, ADMIN, replace(NEW, short_name=" "), now=NOW)
    stored = db.records("select * from unit where id = $1", [unit_id])
    assert stored == [
        {
            "id": unit_id,
            "version": 1,
            "created_at": NOW,
            "created_by": "admin",
            "updated_at": NOW,
            "updated_by": "admin",
            "archived_at": None,
            "code": "XXKJ",
            "name": "湘西科创园",
            "short_name": "湘西科创园",
            "kind": "park",
            "peer_group": "park",
            "display_order": 95,
            "parent_id": None,
        }
    ]
    names = [unit.name for unit in units(db)]
    assert names.index("湘西科创园") == names.index("湘西高新区") + 1
    assert "湘西科创园" in [row.unit.name for row in ranking(db, month=Month(2026, 5), rules=RuleSet()).rows]


def test_a_former_name_stays_as_an_alias_for_searches_and_imports(db):
    unit_id, draft = draft_of(db, "吉首市")
    rename(db, unit_id, replace(draft, name="新吉首市", short_name="新吉首"))
    assert find_unit(db, "吉首市").name == find_unit(db, "吉首").name == "新吉首市"
    with db.reading() as session:
        names, _by_id = load_names(session)
    assert {names.units[word] for word in ("吉首市", "吉首", "新吉首市", "湘西州吉首市")} == {unit_id}
    aliases = db.rows("select name, valid_from, valid_to from unit_alias where unit_id = $1 order by id", [unit_id])
    assert aliases == [("湘西州吉首市", None, None), ("吉首市", None, TODAY), ("吉首", None, TODAY)]
    assert blocking(db) == []


def test_a_rename_changes_no_record_and_no_rate(db):
    signed = {"negotiating_on": date(2026, 5, 1), "signed_on": date(2026, 5, 2)}
    put(db, [project("吉首", **signed), project("凤凰", **signed)], unit_ids=unit_ids(db))
    before = dump(db)
    ranked = ranking(db, month=Month(2026, 5), rules=RuleSet())
    unit_id, draft = draft_of(db, "吉首市")
    rename(db, unit_id, replace(draft, name="新吉首市"))
    after = dump(db)
    assert {table for table in before if before[table] != after[table]} == {
        "audit",
        "audit_head",
        "unit",
        "unit_alias",
    }
    again = ranking(db, month=Month(2026, 5), rules=RuleSet())
    assert [(row.unit.id, row.rank, row.score, row.pairs) for row in again.rows] == [
        (row.unit.id, row.rank, row.score, row.pairs) for row in ranked.rows
    ]


def test_a_name_taken_back_and_given_again_makes_no_second_alias(db):
    unit_id, draft = draft_of(db, "吉首市")
    for version, name in enumerate(("甲市", "吉首市", "乙市", "吉首市"), 1):
        change_unit(db, ADMIN, unit_id, version, replace(draft, name=name), now=NOW, today=date(2026, 6, version))
    aliases = db.rows("select name, valid_to from unit_alias where unit_id = $1 and valid_to is not null", [unit_id])
    assert sorted(aliases) == [
        ("乙市", date(2026, 6, 4)),
        ("吉首市", date(2026, 6, 3)),
        ("甲市", date(2026, 6, 2)),
    ]
    assert blocking(db) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "凤凰县"}, "name"),
        ({"name": " 凤凰 "}, "name"),
        ({"name": "433123"}, "name"),
        ({"short_name": "湘西经开区"}, "short_name"),
        ({"code": "433123"}, "code"),
        ({"code": "凤凰"}, "code"),
        ({"name": "  "}, "name"),
        ({"code": ""}, "code"),
        ({"name": "长" * 65}, "name"),
        ({"peer_group": "长" * 65}, "peer_group"),
        ({"kind": None}, "kind"),
        ({"display_order": -1}, "display_order"),
    ],
)
def test_a_name_that_another_unit_answers_to_and_other_nonsense_are_refused_at_the_field(db, changes, field):
    unit_id, draft = draft_of(db, "吉首市")
    before = dump(db)
    with pytest.raises(Invalid) as refused:
        rename(db, unit_id, replace(draft, **changes))
    assert list(refused.value.fields) == [field]
    if field != "code":
        with pytest.raises(Invalid) as refused:
            add_unit(db, ADMIN, replace(NEW, **changes), now=NOW)
        assert list(refused.value.fields) == [field]
    assert dump(db) == before


def test_a_unit_never_stands_below_itself(db):
    unit_id, draft = draft_of(db, "吉首市")
    child = add_unit(db, ADMIN, replace(NEW, parent_id=unit_id), now=NOW)
    grandchild = add_unit(db, ADMIN, UnitDraft("XXKJ2", "二期", UnitKind.PARK, parent_id=child), now=NOW)
    before = dump(db)
    for parent in (unit_id, child, grandchild):
        with pytest.raises(Invalid) as refused:
            rename(db, unit_id, replace(draft, parent_id=parent))
        assert list(refused.value.fields) == ["parent_id"]
    with pytest.raises(NotFound):
        rename(db, unit_id, replace(draft, parent_id=999_999_999))
    assert dump(db) == before


def test_a_unit_is_closed_only_when_it_holds_nothing(db):
    unit_id = add_unit(db, ADMIN, NEW, now=NOW)
    enterprise = insert_enterprise(db, "企业甲", owner_unit_id=unit_id)
    held = insert_project(db, "P1", unit_id=unit_id, enterprise_id=enterprise)
    demanded = {"level": "blue", "demand": "开工", "issued_on": TODAY, "due_on": TODAY}
    order = insert(db, "supervision_order", number="督办〔2026〕1号", unit_id=unit_id, **demanded)
    insert(db, "supervision_order", number="督办〔2026〕2号", unit_id=unit_id, closed_on=TODAY, **demanded)
    account = insert(db, "account", login="a", name="甲", unit_id=unit_id, roles="staff", industries="")
    steps = [
        ("1 家企业", "update enterprise set archived_at = current_timestamp where id = $1", enterprise),
        ("1 个项目", "update project set archived_at = current_timestamp where id = $1", held),
        ("1 份未销号的督办单", "update supervision_order set closed_on = issued_on where id = $1", order),
        ("1 个可登录账号", "update account set disabled_at = current_timestamp where id = $1", account),
    ]
    for words, settle, record in steps:
        before = dump(db)
        with pytest.raises(Refused, match=words):
            archive_unit(db, ADMIN, unit_id, 1, now=NOW)
        assert dump(db) == before
        with db.transaction() as session:
            session.execute(settle, [record])
    archive_unit(db, ADMIN, unit_id, 1, now=NOW)
    assert "湘西科创园" not in [unit.name for unit in units(db)]
    with pytest.raises(NotFound):
        archive_unit(db, ADMIN, unit_id, 2, now=NOW)
    # The code stays the closed unit's, its names are free.
    with pytest.raises(Invalid) as refused:
        add_unit(db, ADMIN, NEW, now=NOW)
    assert list(refused.value.fields) == ["code"]
    add_unit(db, ADMIN, replace(NEW, code="XXKJ3"), now=NOW)


def test_a_unit_with_others_below_it_is_not_closed(db):
    unit_id = add_unit(db, ADMIN, NEW, now=NOW)
    add_unit(db, ADMIN, UnitDraft("XXKJ2", "二期", UnitKind.PARK, parent_id=unit_id), now=NOW)
    with pytest.raises(Refused, match="1 个下级单位"):
        archive_unit(db, ADMIN, unit_id, 1, now=NOW)


def test_another_name_is_found_while_it_stands_and_refused_where_it_is_taken(db):
    unit_id, _draft = draft_of(db, "吉首市")
    alias = add_unit_alias(db, ADMIN, unit_id, " 吉首市招商局 ", valid_from=date(2020, 1, 1), now=NOW)
    assert find_unit(db, "吉首市招商局").id == unit_id
    before = dump(db)
    for name, field in (("凤凰", "alias"), ("吉首市招商局", "alias"), ("", "alias"), ("长" * 65, "alias")):
        with pytest.raises(Invalid) as refused:
            add_unit_alias(db, ADMIN, unit_id, name, now=NOW)
        assert list(refused.value.fields) == [field]
    with pytest.raises(Invalid) as refused:
        add_unit_alias(db, ADMIN, unit_id, "别名", valid_from=TODAY, valid_to=date(2020, 1, 1), now=NOW)
    assert list(refused.value.fields) == ["valid_to"]
    with pytest.raises(Conflict):
        remove_unit_alias(db, ADMIN, alias, 2, now=NOW)
    assert dump(db) == before
    remove_unit_alias(db, ADMIN, alias, 1, now=NOW)
    with pytest.raises(Invalid):
        find_unit(db, "吉首市招商局")


def test_the_list_shows_units_in_official_order_with_their_names(db):
    unit_id, draft = draft_of(db, "吉首市")
    child = add_unit(db, ADMIN, replace(NEW, parent_id=unit_id, display_order=5), now=NOW)
    found = list_units(db, ADMIN)
    assert [(row.id, row.name, row.parent_id) for row in found[:2]] == [
        (child, "湘西科创园", unit_id),
        (unit_id, "吉首市", None),
    ]
    assert [(alias.name, alias.valid_to) for alias in found[1].aliases] == [("湘西州吉首市", None)]
    assert len(found) == 16


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_touches_units(db, role):
    unit_id, draft = draft_of(db, "吉首市")
    other = person("x", role, unit_id=unit_id)
    before = dump(db)
    for attempt in (
        lambda: add_unit(db, other, NEW, now=NOW),
        lambda: rename(db, unit_id, draft, actor=other),
        lambda: archive_unit(db, other, unit_id, 1, now=NOW),
        lambda: add_unit_alias(db, other, unit_id, "别名", now=NOW),
        lambda: remove_unit_alias(db, other, 1, 1, now=NOW),
        lambda: list_units(db, other),
    ):
        with pytest.raises(Denied):
            attempt()
    assert dump(db) == before


def test_an_old_version_is_a_conflict(db):
    unit_id, draft = draft_of(db, "吉首市")
    rename(db, unit_id, replace(draft, display_order=11))
    before = dump(db)
    with pytest.raises(Conflict):
        rename(db, unit_id, replace(draft, display_order=12))
    assert dump(db) == before
