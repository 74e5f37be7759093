"""Cards and lists by rule, against a plain reading of metrics.md in loops."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import store
from crm.metrics import CardKind, Lists, RuleSet, cards_query, parse_rule_set, red_and_black
from crm.months import Month
from tests import oracle
from tests.bureaus import add_units, project, put, random_project, rule_settings

MONTH = Month(2026, 6)
UNITS = ["a", "b"]
LATER = datetime(2026, 7, 1, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone


def shown(db, rules, month=MONTH):
    sql, params = cards_query(rules, rules.period(month))
    codes = dict(db.rows("select id, code from project"))
    names = dict(db.rows("select id, name from unit"))
    return sorted((codes[p], names[u], kind, colour, since) for p, u, kind, colour, since in db.rows(sql, params))


def expected_cards(bureau, contacts, rules):
    """Every card by loops: `contacts` has the days of contacts by project number, None for those about no project."""
    as_of, found = MONTH.last_day, []
    yellow, red, removal = rules["cards"]["stalled_months"]

    def known(day):
        return day if day is not None and day <= as_of else None

    for n, p in enumerate(bureau):
        planned = p["planned_investment"]
        if p["entered_on"] > as_of or known(p["excluded_on"]) or known(p["withdrawn_on"]):
            continue
        if rules["threshold_wan"] and (planned is None or planned < Decimal(str(rules["threshold_wan"])) * 10000):
            continue
        signed, unit = known(p["signed_on"]), oracle.unit_on(p, as_of)
        if signed is None and known(p["negotiating_on"]):
            met = [day for about, day in contacts if about in (None, n) and day <= as_of]
            since = max([p["entered_on"], p["negotiating_on"], *met])
            months = [m for m in (yellow, red, removal) if oracle.add_months(since, m) <= as_of]
            if months:
                colour = {1: "yellow", 2: "red", 3: "removal"}[len(months)]
                found.append((f"T-{n:05d}", unit, "stalled", colour, since))
        elif signed is not None and known(p["started_on"]) is None:
            due = p["planned_start_on"] or oracle.add_months(signed, rules["startup"]["grace_months"])
            if due > as_of:
                continue
            ends, year, month = [], MONTH.year, MONTH.month
            for _n in range(rules["cards"]["overdue_start_red_months"]):
                ends.append(oracle.last_day(year, month))
                year, month = oracle.month_before(year, month)
            is_red = all(due <= end and signed <= end for end in ends)
            found.append((f"T-{n:05d}", unit, "overdue_start", "red" if is_red else "yellow", due))
    return sorted(found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    stalled=st.sampled_from([[2, 3, 6], [1, 2, 3], [1, 6, 12]]),
    red_months=st.sampled_from([1, 2, 3]),
    grace=st.sampled_from([0, 6]),
    threshold=st.sampled_from([0, 5000]),
)
def test_cards_equal_the_oracle(db, seed, stalled, red_months, grace, threshold):
    rng = random.Random(seed)
    units = dict(db.rows("select name, id from unit where peer_group = 'g'")) or add_units(db, {"g": UNITS})
    rules = rule_settings(
        cards={"stalled_months": stalled, "overdue_start_red_months": red_months},
        startup={"due_only": False, "grace_months": grace},
        threshold_wan=threshold,
        groups=["g"],
    )
    bureau = [random_project(rng, UNITS, around=MONTH.last_day) for _n in range(25)]
    put(db, bureau, unit_ids=units)
    contacts = [
        (rng.choice([None, *range(len(bureau))]), MONTH.last_day - timedelta(days=rng.randint(-10, 250)))
        for _n in range(rng.choice((0, 5, 30)))
    ]
    with store.transaction(db, actor="test", now=LATER) as work:
        work.session.execute("delete from follow_up")
        investor = work.value("select min(id) from enterprise")
        numbers = {code: i for i, code in work.rows("select id, code from project")}
        for about, day in contacts:
            values = {"enterprise_id": investor, "happened_on": day, "method": "visit", "content": "x"}
            work.insert("follow_up", values | {"project_id": None if about is None else numbers[f"T-{about:05d}"]})
    assert shown(db, parse_rule_set(rules, known_groups=["g"])) == expected_cards(bureau, contacts, rules)


def test_a_withdrawn_contact_is_no_progress_and_a_move_of_the_stage_is(db):
    units = add_units(db, {"g": UNITS})
    talking = {"entered_on": date(2026, 1, 1), "negotiating_on": date(2026, 1, 10)}
    put(db, [project("a", **talking), project("b", **talking)], unit_ids=units)
    with store.transaction(db, actor="test", now=LATER) as work:
        ids = {code: i for i, code in work.rows("select id, code from project")}
        contact = {"enterprise_id": work.value("select min(id) from enterprise"), "happened_on": date(2026, 6, 1)}
        contact |= {"project_id": ids["T-00000"], "method": "visit", "content": "x", "archived_at": LATER}
        work.insert("follow_up", contact)
        move = {"project_id": ids["T-00001"], "from_stage": "contact", "to_stage": "negotiation"}
        work.insert("stage_log", move | {"moved_on": date(2026, 4, 1)})
    assert shown(db, RuleSet()) == [
        ("T-00000", "a", str(CardKind.STALLED), "red", date(2026, 1, 10)),
        ("T-00001", "b", str(CardKind.STALLED), "yellow", date(2026, 4, 1)),
    ]


F = Fraction


@pytest.mark.parametrize(
    ("red", "black", "target", "scores", "lists"),
    [
        (2, 2, None, {1: F(90), 2: F(80), 3: F(70), 4: F(60), 5: None}, Lists((1, 2), (3, 4))),
        (1, 1, None, {1: F(90), 2: F(90), 3: F(50), 4: F(50)}, Lists((1, 2), (3, 4))),
        (3, 3, None, {1: F(90)}, Lists((1,), ())),
        (2, 2, 75, {1: F(90), 2: F(74), 3: F(70)}, Lists((1,), (2, 3))),
        (2, 1, 75, {1: F(90), 2: F(75), 3: F(75)}, Lists((1, 2, 3), ())),
        (0, 0, None, {1: F(90), 2: F(80)}, Lists((), ())),
        (1, 1, 75, {}, Lists((), ())),
    ],
)
def test_red_and_black_by_place_and_target(red, black, target, scores, lists):
    rules = RuleSet(red=red, black=black, list_target=None if target is None else Decimal(target))
    assert red_and_black(rules, scores) == lists
