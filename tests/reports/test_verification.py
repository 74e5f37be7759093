"""The queue within one's scope, counted and paged; both readings of every rate by the oracle; who makes the gap."""

import random
from datetime import date, timedelta
from fractions import Fraction

import pytest

from crm.actions.verification import Claim, claim_again
from crm.metrics import parse_rule_set
from crm.model import MilestoneKind, Role
from crm.months import Month
from crm.reports.desk import DueKind, Whose, due
from crm.reports.rankings import find_unit
from crm.reports.verification import (
    ARRIVAL,
    COMPARED,
    ClaimFilter,
    State,
    UnitClaims,
    claims,
    claims_by_unit,
    claims_frame,
    compare,
    comparison_frame,
    count_claims,
    differing,
    differing_frame,
)
from tests import oracle
from tests.bureaus import NOW, project, put, random_project, rule_settings
from tests.probes import SYSTEM, TODAY, insert, insert_enterprise, insert_project, person, unit_ids, wan

MAY = Month(2026, 5)
UNITS = ("吉首", "凤凰", "龙山", "高新区")


@pytest.fixture
def units(db):
    """The units' ids by short name."""
    return unit_ids(db)


def step(db, project_id, kind, actual_on, **values):
    return insert(db, "milestone", project_id=project_id, kind=kind, actual_on=actual_on, **values)


def money(db, project_id, arrived_on, **values):
    values = {"amount": wan(100), "occurrence": 1} | values
    return insert(db, "fund_arrival", project_id=project_id, arrived_on=arrived_on, **values)


@pytest.fixture
def queue(db, units):
    """Claims in every state of a project of 吉首 and one of 凤凰; the name of each by id."""
    tea = db.value("select id from industry where code = 'tea'")
    made = {}
    for unit, industry in (("吉首", tea), ("凤凰", None)):
        investor = insert_enterprise(db, f"{unit}云顶茶业有限公司", owner_unit_id=units[unit])
        own = insert_project(
            db, f"T-{unit}", enterprise_id=investor, unit_id=units[unit], industry_id=industry, name=f"{unit}茶园"
        )
        verified = {"verified_on": date(2026, 5, 9), "verified_by": "李四"}
        returned = {"returned_on": date(2026, 6, 9), "returned_by": "李四", "return_reason": "缺盖章"}
        found = {
            "land": step(db, own, "land", date(2026, 5, 3), evidence="土地证"),
            "start": step(db, own, "start", date(2026, 6, 20)),
            "filing": step(db, own, "filing", date(2026, 5, 1), **verified),
            "eia": step(db, own, "eia", date(2026, 6, 1), **returned),
            "first": money(db, own, date(2026, 4, 1)),
            "second": money(db, own, date(2026, 6, 5), **returned),
        }
        # Neither a claim: only planned; with its arrival; taken back.
        step(db, own, "completion", None, planned_on=date(2027, 1, 1))
        step(db, own, "first_funds", date(2026, 4, 1))
        money(db, own, date(2026, 4, 2), archived_at=date(2026, 4, 3))
        made |= {number: f"{unit} {name}" for name, number in found.items()}
    return made


def named(queue, rows):
    return [queue[row.id] for row in rows]


EVERYTHING = ClaimFilter()


def test_claims_are_listed_by_state_the_oldest_waiting_first(db, queue):
    assert count_claims(db, SYSTEM, EVERYTHING, today=TODAY) == {
        State.WAITING: 6,
        State.RETURNED: 4,
        State.VERIFIED: 2,
    }
    waiting = claims(db, SYSTEM, ClaimFilter(text="吉首"), State.WAITING, today=TODAY)
    assert named(queue, waiting) == ["吉首 first", "吉首 land", "吉首 start"]
    (row,) = claims(db, SYSTEM, ClaimFilter(text="吉首", kinds=("eia",)), State.RETURNED, today=TODAY)
    assert (row.subject, row.code, row.project, row.unit, row.kind) == (
        "milestone",
        "T-吉首",
        "吉首茶园",
        "吉首",
        "eia",
    )
    assert (row.claimed_on, row.amount, row.evidence, row.files) == (date(2026, 6, 1), None, "", 0)
    assert (row.verified_on, row.returned_on, row.returned_by, row.return_reason) == (
        None,
        date(2026, 6, 9),
        "李四",
        "缺盖章",
    )


def test_filters_hold_together_and_pages_join_without_a_gap(db, queue, units):
    def found(state=State.WAITING, **wanted):
        return named(queue, claims(db, SYSTEM, ClaimFilter(**wanted), state, today=TODAY))

    assert found(unit_id=units["凤凰"]) == ["凤凰 first", "凤凰 land", "凤凰 start"]
    assert found(unit_id=units["凤凰"], kinds=(ARRIVAL,)) == ["凤凰 first"]
    assert found(unit_id=units["凤凰"], kinds=(ARRIVAL, "start")) == ["凤凰 first", "凤凰 start"]
    assert found(unit_id=units["凤凰"], kinds=("land", "start")) == ["凤凰 land", "凤凰 start"]
    since = (TODAY - date(2026, 5, 3)).days
    assert found(unit_id=units["凤凰"], days=since) == ["凤凰 first", "凤凰 land"]
    assert found(unit_id=units["凤凰"], days=since + 1) == ["凤凰 first"]
    assert found(text="凤凰茶园 云顶") == ["凤凰 first", "凤凰 land", "凤凰 start"]
    assert found(text="云顶", kinds=("filing",), state=State.VERIFIED) == ["吉首 filing", "凤凰 filing"]
    assert found(text="没有") == []
    pages = [
        named(queue, claims(db, SYSTEM, EVERYTHING, State.WAITING, today=TODAY, page=page, size=2))
        for page in (1, 2, 3, 4)
    ]
    whole = named(queue, claims(db, SYSTEM, EVERYTHING, State.WAITING, today=TODAY))
    assert [name for page in pages for name in page] == whole
    assert [len(page) for page in pages] == [2, 2, 2, 0]


def test_units_are_counted_in_official_order(db, queue, units):
    assert claims_by_unit(db, SYSTEM, EVERYTHING, today=TODAY) == [
        UnitClaims(units["吉首"], "吉首市", 3, 2, 1, date(2026, 4, 1)),
        UnitClaims(units["凤凰"], "凤凰县", 3, 2, 1, date(2026, 4, 1)),
    ]


def test_first_funds_without_arrivals_are_a_claim_of_their_own(db, queue, units):
    investor = insert_enterprise(db, "另一家有限公司", owner_unit_id=units["龙山"])
    other = insert_project(db, "T-龙山", enterprise_id=investor, unit_id=units["龙山"])
    own = step(db, other, "first_funds", date(2026, 4, 1))
    money(db, other, date(2026, 4, 1), archived_at=date(2026, 4, 2))
    found = claims(db, SYSTEM, ClaimFilter(unit_id=units["龙山"]), State.WAITING, today=TODAY)
    assert [(row.id, row.kind) for row in found] == [(own, "first_funds")]


def test_nobody_meets_a_claim_outside_their_scope(db, queue, units):
    tea = db.value("select id from industry where code = 'tea'")
    for who, seen in (
        (person("zhangsan", Role.STAFF, unit_id=units["吉首"]), {"吉首"}),
        (person("lisi", Role.UNIT_HEAD, unit_id=units["吉首"]), {"吉首"}),
        (person("qianqi", Role.TASKFORCE, industries=(tea,)), {"吉首"}),
        (person("wangwu", Role.STAFF, unit_id=units["龙山"]), set()),
        (person("sunba", Role.LEADER), {"吉首", "凤凰"}),
        (person("admin", Role.ADMIN), set()),
    ):
        for wanted in (EVERYTHING, ClaimFilter(text="茶园"), ClaimFilter(unit_id=units["凤凰"])):
            rows = [row for state in State for row in claims(db, who, wanted, state, today=TODAY)]
            within = seen & {"凤凰"} if wanted.unit_id else seen
            assert {row.unit for row in rows} == within
            assert sum(count_claims(db, who, wanted, today=TODAY).values()) == len(rows) == 6 * len(within)
            by_unit = claims_by_unit(db, who, wanted, today=TODAY)
            assert {line.unit[:2] for line in by_unit} == within


def test_the_table_of_claims_says_how_long_they_wait(db, queue):
    rows = claims(db, SYSTEM, ClaimFilter(text="吉首", kinds=(ARRIVAL, "land")), State.WAITING, today=TODAY)
    frame = claims_frame(rows, today=TODAY)
    assert list(frame["kind"]) == ["资金到位", "用地"]
    assert list(frame["days"]) == [(TODAY - date(2026, 4, 1)).days, (TODAY - date(2026, 5, 3)).days]
    assert frame["amount"][0] == 1_000_000


# ------------------------------------------------------------------------------------------------ claimed and verified


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("choice", [{}, {"startup__due_only": True, "performance": "started", "withdrawn": "drop"}])
def test_both_readings_agree_with_the_oracle_for_every_unit_and_rate(db, units, seed, choice):
    rng = random.Random(seed)
    bureau = [random_project(rng, UNITS, around=MAY.last_day) for _ in range(60)]
    put(db, bureau, unit_ids=units)
    settings = rule_settings(**choice)
    found = compare(db, month=MAY, rules=parse_rule_set(settings))
    readings = {
        name: oracle.pairs(bureau, settings | {"verified_only": only}, "count", 2026, 5)
        for name, only in (("claimed", False), ("verified", True))
    }
    told_apart = 0
    for row in found.rows:
        for slug in COMPARED:
            expected = {name: pairs.get(row.unit.short_name, {}).get(slug, (0, 0)) for name, pairs in readings.items()}
            assert {"claimed": tuple(row.claimed.pairs[slug]), "verified": tuple(row.verified.pairs[slug])} == expected
            (n, d), (n_verified, d_verified) = expected["claimed"], expected["verified"]
            gap = Fraction(n, d) - Fraction(n_verified, d_verified) if d and d_verified else None
            assert row.difference(slug) == gap
            told_apart += bool(gap)
            behind = differing(db, SYSTEM, month=MAY, unit=row.unit, slug=slug, rules=parse_rule_set(settings))
            assert behind.hidden == 0
            assert sum(p.claimed[0] - p.verified[0] for p in behind.rows) == n - n_verified
            assert sum(p.claimed[1] - p.verified[1] for p in behind.rows) == d - d_verified
    assert told_apart
    for name, ranked in (("claimed", found.claimed), ("verified", found.verified)):
        for group in (("吉首", "凤凰", "龙山"), ("高新区",)):
            scores = oracle.scores(group, readings[name], settings, {})
            shown = {r.unit.short_name: (r.rank, r.score) for r in ranked.rows if r.unit.short_name in group}
            assert shown == {unit: (oracle.ranks(scores)[unit], scores[unit]) for unit in group}


MARCH = date(2026, 3, 5)
VERIFIED = {"started_on": MARCH + timedelta(days=10)}


@pytest.fixture
def gap(db, units):
    """Four started projects of 吉首: one verified, one verified too late, two not; one of 凤凰, not verified."""
    started = {"signed_on": MARCH, "started_on": MARCH, "registered_on": MARCH, "arrivals": [(MARCH, wan(1))]}
    projects = [
        project("吉首", **started, verified={**VERIFIED, "registered_on": MARCH}),
        project("吉首", **started, verified={"started_on": date(2026, 6, 1)}),
        project("吉首", **started, verified={"registered_on": MARCH}),
        project("吉首", **started),
        project("吉首", signed_on=MARCH),
        project("凤凰", **started),
    ]
    put(db, projects, unit_ids=units)
    return parse_rule_set(rule_settings())


def test_the_projects_behind_a_gap_are_named_with_what_is_unverified(db, gap):
    unit = find_unit(db, "吉首")
    found = differing(db, SYSTEM, month=MAY, unit=unit, slug="startup", rules=gap)
    assert [(row.code, row.claimed, row.verified, str(row.why)) for row in found.rows] == [
        (code, (True, True), (False, True), "未开工") for code in ("T-00001", "T-00002", "T-00003")
    ]
    waiting = (MilestoneKind.REGISTRATION, MilestoneKind.FIRST_FUNDS, MilestoneKind.START)
    assert [kind for kind, _state in found.rows[2].steps] == list(waiting)
    assert [kind for kind, _state in found.rows[1].steps] == list(waiting[1:])
    # Verified by now, and not yet on the cut-off date.
    assert (MilestoneKind.START, State.VERIFIED) in found.rows[0].steps
    frame = differing_frame(found)
    assert list(frame["code"]) == ["T-00001", "T-00002", "T-00003"]
    assert frame["steps"][1] == "首笔资金（待核验） · 开工节点（待核验）"
    assert differing(db, SYSTEM, month=Month(2026, 6), unit=unit, slug="startup", rules=gap).rows[0].code == "T-00002"
    assert differing(db, SYSTEM, month=MAY, unit=unit, slug="signing", rules=gap).rows == []


def test_a_reader_without_scope_learns_only_how_many_make_the_gap(db, gap, units):
    unit = find_unit(db, "吉首")
    for who in (person("wangwu", Role.STAFF, unit_id=units["凤凰"]), person("admin", Role.ADMIN)):
        found = differing(db, who, month=MAY, unit=unit, slug="startup", rules=gap)
        assert (found.rows, found.hidden) == ([], 3)
    own = differing(db, person("z", Role.STAFF, unit_id=units["吉首"]), month=MAY, unit=unit, slug="startup", rules=gap)
    assert (len(own.rows), own.hidden) == (3, 0)


def test_the_table_shows_both_readings_and_the_gap_in_points(db, gap):
    frame = comparison_frame(compare(db, month=MAY, rules=gap), ("startup",)).set_index("unit")
    shown = frame.loc["吉首市", ["startup", "startup_verified", "startup_gap", "startup_pair", "startup_pair_verified"]]
    assert list(shown) == [80.0, 20.0, -60.0, "4/5", "1/5"]
    assert list(frame.loc["吉首市", ["rank", "rank_verified"]]) == [2, 1]
    assert frame.loc["龙山县", ["startup", "startup_verified", "startup_gap"]].isna().all()


# ------------------------------------------------------------------------------------------------------------ the desk


def test_a_returned_claim_is_found_on_the_desk_with_its_reason_until_it_is_claimed_again(db, queue, units):
    zhangsan = person("zhangsan", Role.STAFF, unit_id=units["吉首"])

    def desk(who, whose):
        found = due(db, who, whose, today=TODAY, kinds=(DueKind.RETURNED_MILESTONE, DueKind.RETURNED_FUNDS))
        return [(queue[item.id], str(item.what), item.due_on) for item in found]

    both = [
        ("吉首 second", "资金到位被退回：缺盖章", date(2026, 6, 9)),
        ("吉首 eia", "环评被退回：缺盖章", date(2026, 6, 9)),
    ]
    assert desk(zhangsan, Whose(unit_id=units["吉首"])) == both
    assert desk(zhangsan, Whose(mine=True)) == []
    assert desk(person("wangwu", Role.STAFF, unit_id=units["龙山"]), Whose()) == []
    step_id = next(number for number, name in queue.items() if name == "吉首 eia")
    claim_again(db, zhangsan, Claim("milestone", step_id, 1), evidence="环评批复", now=NOW)
    assert desk(zhangsan, Whose(unit_id=units["吉首"])) == both[:1]
