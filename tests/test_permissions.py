"""The grants, cell by cell: role × action × subject × record, against a table of expectations written out here."""

from itertools import chain as flat
from itertools import combinations

import pytest

from crm import permissions
from crm.actions.enterprises import change_enterprise, create_enterprise, reveal_contact
from crm.actions.followups import finish_step, log_follow_up, withdraw_follow_up
from crm.actions.rule_sets import save_rule_set
from crm.errors import Denied, NotFound
from crm.model import EnterpriseDraft, FollowUpDraft, Method, Role
from crm.permissions import Action, allowed, can, mask, require, require_for_unit, require_right, visible
from crm.store import Params
from tests.probes import NOW, SYSTEM, TODAY, dump, insert, insert_enterprise, insert_project, person, unit_ids

UNIT, OTHER = "吉首", "凤凰"

# What a record is to "me" of UNIT, whose chain is the first industry.
# record: (unit has it, chain has it, made by "me")
ENTERPRISES = {
    "owned": (True, False, False),
    "owned by mine": (True, False, True),
    "held": (True, False, False),
    "in chain": (False, True, False),
    "in chain by project": (False, True, False),
    "owned and in chain": (True, True, False),
    "other": (False, False, False),
    "other by mine": (False, False, True),
    "nobody": (False, False, False),
    "formerly held": (False, False, False),
    "formerly in chain": (False, False, False),
}
PROJECTS = {
    "of unit": (True, False, False),
    "of unit by mine": (True, False, True),
    "of chain": (False, True, False),
    "of both": (True, True, False),
    "of other": (False, False, False),
    "of other without chain by mine": (False, False, True),
}
# Subjects with a unit but no chain of their own.
FIGURES = {"of unit": (True, False, False), "of unit by mine": (True, False, True), "of other": (False, False, False)}

SUBMITTED = {
    "month": "2026-05",
    "submitted_at": NOW,
    "submitted_by": "lisi",
    "blocking_findings": 0,
    "warning_findings": 0,
}

# role: action -> which records. U: the unit's, O: made by oneself, C: the chains', A: all; nothing else may be done.
STAFF = {"read": "U", "create": "U", "edit": "U", "withdraw": "O", "import": "U", "export": "U", "reveal": "U"}
EXPECTED = {
    Role.STAFF: STAFF,
    Role.UNIT_HEAD: STAFF | {"withdraw": "U", "assign": "U", "verify": "U", "submit": "U"},
    Role.DISPATCHER: dict.fromkeys(
        (
            "read",
            "create",
            "edit",
            "withdraw",
            "assign",
            "transfer",
            "verify",
            "import",
            "export",
            "reveal",
            "adjust",
            "supervise",
            "close",
            "read_rules",
        ),
        "A",
    ),
    Role.TASKFORCE: {"read": "C", "comment": "C", "withdraw": "O", "assign": "C", "export": "C"},
    Role.LEADER: {"read": "A", "read_rules": "A"},
    Role.ADMIN: {"manage_accounts": "A", "manage_reference": "A", "manage_rules": "A", "read_rules": "A"},
    Role.AUDITOR: {"read_audit": "A"},
}


def expected(roles, action, facts):
    """Whether one of the roles reaches a record of these facts."""
    of_unit, of_chain, mine = facts
    reach = {"U": of_unit, "C": of_chain, "O": mine, "A": True}
    return any(reach[EXPECTED[role][str(action)]] for role in roles if str(action) in EXPECTED[role])


@pytest.fixture
def bureau(db):
    """Records of every sort; returns {subject: {name: (id, facts)}} with the ids of the unit and the chain."""
    units = unit_ids(db)
    unit, other = units[UNIT], units[OTHER]
    industry, other_industry = (row[0] for row in db.rows("select id from industry order by display_order limit 2"))
    made = {}
    for name, (_unit, _chain, mine) in ENTERPRISES.items():
        owner = {"owned": unit, "other": other}.get(name.split()[0], other if name != "nobody" else None)
        made[name] = insert_enterprise(db, f"企业 {name}", owner_unit_id=owner, by="me" if mine else "test")
    for name, industry_id, archived in (
        ("in chain", industry, None),
        ("owned and in chain", industry, None),
        ("other", other_industry, None),
        ("formerly in chain", industry, NOW),
    ):
        insert(db, "enterprise_segment", enterprise_id=made[name], industry_id=industry_id, archived_at=archived)
    for name, unit_id, industry_id, archived in (
        ("held", unit, other_industry, None),
        ("in chain by project", other, industry, None),
        ("other", other, other_industry, None),
        ("formerly held", unit, industry, NOW),
    ):
        insert_project(
            db,
            f"E-{name}",
            unit_id=unit_id,
            industry_id=industry_id,
            enterprise_id=made[name],
            archived_at=archived,
        )
    projects = {}
    for name, unit_id, industry_id in (
        ("of unit", unit, other_industry),
        ("of unit by mine", unit, None),
        ("of chain", other, industry),
        ("of both", unit, industry),
        ("of other", other, other_industry),
        ("of other without chain by mine", other, None),
    ):
        by = "me" if PROJECTS[name][2] else "test"
        # Each of an enterprise of its own, which no other row of the table asks about.
        investor = insert_enterprise(db, f"投资 {name}")
        projects[name] = insert_project(
            db, name, unit_id=unit_id, industry_id=industry_id, enterprise_id=investor, by=by
        )
    found = {
        "enterprise": {name: (made[name], facts) for name, facts in ENTERPRISES.items()},
        "project": {name: (projects[name], facts) for name, facts in PROJECTS.items()},
    }
    found["follow_up"], found["contact_person"], found["agreement"], found["fund_arrival"] = {}, {}, {}, {}
    for name, (unit_has, chain_has, _mine) in ENTERPRISES.items():
        for by in ("me", "test"):
            facts = (unit_has, chain_has, by == "me")
            key = {"enterprise_id": made[name], "by": by}
            follow_up = insert(db, "follow_up", happened_on=TODAY, method="phone", content="谈", unit_id=other, **key)
            found["follow_up"][f"{name}/{by}"] = (follow_up, facts)
            found["contact_person"][f"{name}/{by}"] = (insert(db, "contact_person", name="李总", **key), facts)
    for name, (unit_has, chain_has, _mine) in PROJECTS.items():
        for by in ("me", "test"):
            facts = (unit_has, chain_has, by == "me")
            key = {"project_id": projects[name], "by": by}
            found["agreement"][f"{name}/{by}"] = (insert(db, "agreement", signed_on=TODAY, **key), facts)
            found["fund_arrival"][f"{name}/{by}"] = (insert(db, "fund_arrival", arrived_on=TODAY, **key), facts)
    found["opportunity"] = {
        name: (
            insert(
                db,
                "opportunity",
                name=name,
                unit_id=unit if facts[0] else other,
                industry_id=industry if facts[1] else other_industry,
                by="me" if facts[2] else "test",
            ),
            facts,
        )
        for name, facts in PROJECTS.items()
    }
    for subject, more in (
        ("target", {"year": 2026, "measure": "signing", "value": 80}),
        ("adjustment", {"month": "2026-05", "points": 1, "reason": "测试"}),
        ("unit_month", SUBMITTED),
        ("explanation", {"code": "no_progress", "subject": "project", "subject_id": 1, "content": "等批复"}),
        ("supervision_order", {"number": "1", "level": "blue", "demand": "开工", "issued_on": TODAY, "due_on": TODAY}),
    ):
        found[subject] = {
            name: (
                insert(db, subject, unit_id=unit if facts[0] else other, by="me" if facts[2] else "t", **more),
                facts,
            )
            for name, facts in FIGURES.items()
        }
    step = {"kind": "issued", "happened_on": TODAY, "level": "blue", "due_on": TODAY, "content": "开工"}
    found["supervision_step"] = {
        f"{name}/{by}": (insert(db, "supervision_step", order_id=order, by=by, **step), (*facts[:2], by == "me"))
        for name, (order, facts) in found["supervision_order"].items()
        for by in ("me", "test")
    }
    return found, unit, industry


def everybody():
    """Every single role, every pair of roles, and nobody."""
    roles = list(Role)
    return [frozenset(chosen) for chosen in flat([()], combinations(roles, 1), combinations(roles, 2))]


def test_the_table_of_this_test_speaks_of_every_role_and_knows_every_action():
    assert set(EXPECTED) == set(Role)
    named = {action for of_role in EXPECTED.values() for action in of_role}
    # Nobody who signs in takes the whole database away: backups belong to whoever runs the machine.
    assert named | {"back_up"} == set(map(str, Action))
    assert "back_up" not in named
    assert {role: set(of_role) for role, of_role in EXPECTED.items()} == {
        role: {str(action) for action in Action if can(person("x", role), action)} for role in Role
    }


def test_the_list_filter_and_the_record_check_give_the_expected_answer_for_every_cell(db, bureau):
    records, unit, industry = bureau
    cells = 0
    with db.reading() as session:
        for roles in everybody():
            actor = person("me", *roles, unit_id=unit, industries=(industry,))
            for action in Action:
                for subject, rows in records.items():
                    params = Params()
                    condition = visible(actor, action, subject, "r", params)
                    listed = {row[0] for row in session.rows(f"select r.id from {subject} r where {condition}", params)}
                    want = {name for name, (_id, facts) in rows.items() if expected(roles, action, facts)}
                    got = {name for name, (record_id, _facts) in rows.items() if record_id in listed}
                    assert got == want, (sorted(roles), action, subject)
                    cells += len(rows)
    assert cells > 40_000


def test_the_record_check_agrees_with_the_list_filter_on_every_row(db, bureau):
    records, unit, industry = bureau
    with db.reading() as session:
        for role in Role:
            actor = person("me", role, unit_id=unit, industries=(industry,))
            actions = [action for action in Action if can(actor, action)]
            # Actions with one reach give one condition: each distinct condition is asked of every row.
            distinct = {permissions.scopes(actor, action): action for action in actions}.values()
            for action in (*distinct, Action.ADJUST):
                for subject, rows in records.items():
                    for record_id, facts in rows.values():
                        assert allowed(session, actor, action, subject, record_id) == expected([role], action, facts)


def test_somebody_without_unit_or_chain_sees_nothing_that_has_none_either(db, bureau):
    records, _unit, _industry = bureau
    with db.reading() as session:
        for role in (Role.STAFF, Role.UNIT_HEAD, Role.TASKFORCE):
            nobody = person("nobody", role)
            for subject, rows in records.items():
                for action in (Action.READ, Action.EXPORT):
                    params = Params()
                    condition = visible(nobody, action, subject, "r", params)
                    assert session.rows(f"select r.id from {subject} r where {condition}", params) == []
                    assert not any(allowed(session, nobody, action, subject, i) for i, _facts in rows.values())


def test_a_task_force_of_two_chains_sees_both(db, bureau):
    records, _unit, industry = bureau
    second = db.value("select id from industry where id <> $1 order by display_order limit 1", [industry])
    actor = person("me", Role.TASKFORCE, industries=(industry, second))
    with db.reading() as session:
        seen = {n for n, (i, _f) in records["project"].items() if allowed(session, actor, Action.READ, "project", i)}
    assert seen == {"of unit", "of chain", "of both", "of other"}


def test_the_command_line_reaches_everything(db, bureau):
    records, _unit, _industry = bureau
    with db.reading() as session:
        assert all(
            allowed(session, SYSTEM, action, subject, record_id)
            for action in (Action.READ, Action.EDIT, Action.MANAGE_ACCOUNTS)
            for subject, rows in records.items()
            for record_id, _facts in rows.values()
        )


def test_what_may_not_be_seen_is_not_found_and_what_may_be_seen_only_is_denied(db, bureau):
    records, unit, industry = bureau
    held, hidden = records["enterprise"]["owned"][0], records["enterprise"]["other"][0]
    leader = person("boss", Role.LEADER)
    staff = person("me", Role.STAFF, unit_id=unit, industries=(industry,))
    with db.reading() as session:
        require(session, staff, Action.EDIT, "enterprise", held)
        with pytest.raises(NotFound) as hidden_one:
            require(session, staff, Action.EDIT, "enterprise", hidden)
        with pytest.raises(NotFound) as missing_one:
            require(session, staff, Action.EDIT, "enterprise", 999_999_999)
        assert str(hidden_one.value) == str(missing_one.value)
        with pytest.raises(Denied):
            require(session, leader, Action.EDIT, "enterprise", hidden)
        with pytest.raises(Denied):
            require(session, staff, Action.TRANSFER, "enterprise", held)
        with pytest.raises(NotFound):
            require(session, person("root", Role.ADMIN), Action.READ, "enterprise", held)


@pytest.mark.parametrize(
    ("roles", "action", "unit_id", "industry_id", "may"),
    [
        ([Role.STAFF], Action.CREATE, 7, None, True),
        ([Role.STAFF], Action.CREATE, 8, 5, False),
        ([Role.STAFF], Action.CREATE, None, None, False),
        ([Role.TASKFORCE], Action.ASSIGN, 8, 5, True),
        ([Role.TASKFORCE], Action.ASSIGN, 7, 6, False),
        ([Role.TASKFORCE], Action.CREATE, 7, 5, False),
        ([Role.TASKFORCE, Role.STAFF], Action.CREATE, 7, 6, True),
        ([Role.DISPATCHER], Action.CREATE, None, None, True),
        ([Role.LEADER], Action.CREATE, 7, 5, False),
        ([], Action.CREATE, 7, 5, False),
    ],
)
def test_a_record_that_is_yet_to_be_made_is_judged_by_its_unit_and_chain(roles, action, unit_id, industry_id, may):
    actor = person("me", *roles, unit_id=7, industries=(5,))
    if may:
        require_for_unit(actor, action, unit_id, industry_id)
    else:
        with pytest.raises(Denied):
            require_for_unit(actor, action, unit_id, industry_id)


def test_a_right_as_such_is_demanded_whatever_its_reach():
    require_right(person("x", Role.STAFF), Action.EXPORT)
    with pytest.raises(Denied):
        require_right(person("x", Role.LEADER), Action.EXPORT)


def test_every_denied_write_leaves_the_database_as_it_was(db, bureau):
    records, unit, industry = bureau
    hidden, own = records["enterprise"]["other"][0], records["enterprise"]["owned"][0]
    contact, follow_up = records["follow_up"]["other/test"][0], records["follow_up"]["owned/test"][0]
    phone = records["contact_person"]["other/test"][0]
    draft = EnterpriseDraft("全新的企业有限公司")
    staff = person("me", Role.STAFF, unit_id=unit, industries=(industry,))
    writes = {
        "log": lambda who, e: log_follow_up(db, who, _contact(enterprise_id=e), now=NOW, today=TODAY),
        "log with a new enterprise": lambda who, _e: log_follow_up(
            db, who, _contact(new_enterprise=draft), now=NOW, today=TODAY
        ),
        "create": lambda who, _e: create_enterprise(db, who, draft, now=NOW),
        "change": lambda who, e: change_enterprise(db, who, e, 1, {"grade": "A"}, now=NOW),
        "finish": lambda who, _e: finish_step(db, who, contact, 1, now=NOW),
        "withdraw": lambda who, _e: withdraw_follow_up(db, who, contact, 1, reason="误记", now=NOW),
        "reveal": lambda who, _e: reveal_contact(db, who, phone, purpose="联系", now=NOW),
        "rules": lambda who, _e: save_rule_set(db, who, {"name": "mine"}, now=NOW),
    }
    before = dump(db)
    tried = 0
    for role in Role:
        who = person("me", role, unit_id=unit, industries=(industry,))
        allowed_all = {Role.DISPATCHER: set(writes) - {"rules"}, Role.ADMIN: {"rules"}}
        allowed_own = {"create", "log with a new enterprise"} if role in (Role.STAFF, Role.UNIT_HEAD) else set()
        for name, write in writes.items():
            if name in allowed_all.get(role, set()) | allowed_own:
                continue
            with pytest.raises((Denied, NotFound)):
                write(who, hidden)
            tried += 1
    for write, failure in (
        (lambda: withdraw_follow_up(db, staff, follow_up, 1, reason="", now=NOW), Denied),
        (lambda: create_enterprise(db, staff, EnterpriseDraft("新", owner_unit_id=unit + 1), now=NOW), Denied),
        (lambda: writes["change"](person("boss", Role.LEADER), own), Denied),
    ):
        with pytest.raises(failure):
            write()
    assert tried == 44
    assert dump(db) == before


def _contact(**target):
    return FollowUpDraft(happened_on=TODAY, method=Method.VISIT, content="谈项目", **target)


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("13812345678", "138****5678"),
        ("wx-1", "w****"),
        ("12345678", "1****"),
        ("123456789", "123****6789"),
        ("", ""),
        (None, ""),
    ],
)
def test_personal_values_are_masked(value, masked):
    assert mask(value) == masked
