"""A closed month never changes, and whatever changes afterwards is told exactly once: close, change, compare."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import store
from crm.actions.closes import close_month, reopen_month
from crm.errors import NotFound
from crm.metrics import RATES, Basis, Pair, parse_rule_set
from crm.model import Actor, Role
from crm.months import Month
from crm.reports.closes import changes_since, closes, find_close, get_close, published
from crm.reports.rankings import ranking
from tests import oracle
from tests.bureaus import add_units, project, put, random_project, rule_settings
from tests.test_metrics import rule_sets

SYSTEM = Actor("system:test")
GROUPS = {"g0": ["u0a", "u0b", "u0c"], "g1": ["u1a", "u1b"]}
UNITS = [name for names in GROUPS.values() for name in names]
MONTH = Month(2026, 6)
CLOSED = datetime(2026, 7, 1, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
LATER = datetime(2026, 8, 1, 8, 0)  # noqa: DTZ001
TODAY = date(2026, 8, 1)


@pytest.fixture
def units(db):
    """Units in two peer groups of their own, by name."""
    return add_units(db, GROUPS)


def close(db, rules, basis=Basis.COUNT, month=MONTH):
    close_id = close_month(
        db, SYSTEM, month, rules=rules, basis=basis, override="the generated bureau is odd", now=CLOSED, today=TODAY
    )
    return get_close(db, close_id)


# ------------------------------------------------------------------------------------------- a change, in both readings

DATES = ("negotiating_on", "signed_on", "registered_on", "started_on", "completed_on", "production_on")
OTHERS = ("withdrawn_on", "excluded_on", "planned_investment", "contracted_amount", "unit", "arrival", "gone", "new")
KINDS = (*DATES, *OTHERS)


def change(db, units, bureau, kind, rng):
    """Change one project in the database and return the bureau as it is then."""
    around = MONTH.last_day
    day = around - timedelta(days=rng.choice((-10, 0, 1, 40, 200, 500)))
    bureau = [dict(p) for p in bureau]
    n = rng.randrange(len(bureau))
    p, code = bureau[n], f"T-{n:05d}"
    with store.transaction(db, actor="later", now=LATER) as work:
        if kind == "new":
            made = project(rng.choice(UNITS), entered_on=date(2026, 1, 1), negotiating_on=date(2026, 2, 1))
            made["holders"] = [(date(2026, 1, 1), made["holders"][0][1])]
            unit_id = units[made["holders"][0][1]]
            values = {"code": "NEW", "name": "新", "name_key": "新", "search_text": "新", "unit_id": unit_id}
            values |= {"enterprise_id": work.value("select min(id) from enterprise"), "stage": "negotiation"}
            values |= {"status": "active", "entered_on": date(2026, 1, 1), "negotiating_on": date(2026, 2, 1)}
            new_id = work.insert("project", values)
            work.insert(
                "project_unit",
                {"project_id": new_id, "unit_id": unit_id, "is_first": True, "valid_from": date(2026, 1, 1)},
            )
            return [*bureau, made], "NEW"
        record = work.find("project", code=code)

        def update(**values):
            work.update("project", record["id"], record["version"], values)

        if kind == "gone":
            update(archived_at=LATER)
            del bureau[n]
        elif kind == "unit":
            other = rng.choice(UNITS)
            last = len(p["holders"]) - 1
            p["holders"] = [*p["holders"][:last], (p["holders"][last][0], other)]
            holding = work.rows(
                "select id, version from project_unit where project_id = $1 and valid_to is null", [record["id"]]
            )[0]
            work.update("project_unit", *holding, {"unit_id": units[other]})
        elif kind == "arrival":
            amount = Decimal(rng.randint(1, 10**9)) / 100
            p["arrivals"] = [*p["arrivals"], (day, amount)]
            p["first_funds_on"] = min(at for at, _amount in p["arrivals"])
            work.insert("fund_arrival", {"project_id": record["id"], "arrived_on": day, "amount": amount})
            update(first_funds_on=p["first_funds_on"])
            if p["first_funds_on"] and record["first_funds_on"] is None:
                p["verified"] = p["verified"] | {"first_funds_on": None}
        elif kind in ("planned_investment", "contracted_amount"):
            p[kind] = rng.choice([None, Decimal(rng.randint(0, 10**12)) / 100])
            update(**{kind: p[kind]})
        else:
            if p[kind] is None and kind in p["verified"]:
                p["verified"] = p["verified"] | {kind: None}  # no milestone was there to be verified
            p[kind] = rng.choice([None, day])
            update(**{kind: p[kind]})
            if kind == "signed_on":
                work.session.execute("delete from agreement where project_id = $1", [record["id"]])
                if p["signed_on"]:
                    values = {"kind": p["agreement_kind"], "signed_on": day, "status": "active"}
                    work.insert("agreement", {"project_id": record["id"], **values})
    return bureau, code


def counted(p, rules):
    """What a project is in the closed month by the oracle: its unit, sets and values; None where it is in no D."""
    as_of = MONTH.last_day
    sets = oracle.sets(p, rules, MONTH.year, MONTH.month, as_of)
    if not any(in_d for _n, in_d in sets.values()):
        return None

    def known(name):
        day = p[name]
        if name in ("registered_on", "first_funds_on", "started_on", "completed_on", "production_on"):
            if rules["verified_only"] and day is not None:
                verified = p["verified"].get(name)
                day = None if verified is None else max(day, verified)
        return day if day is not None and day <= as_of else None

    names = ("entered_on", *DATES, "first_funds_on", "withdrawn_on", "excluded_on")
    if rules["agreement_kinds"] is not None and p["agreement_kind"] not in (None, *rules["agreement_kinds"]):
        p = p | {"signed_on": None}
    return (
        oracle.unit_on(p, as_of),
        {slug: (n and d, d) for slug, (n, d) in sets.items()},
        [known(name) for name in names],
        p["planned_start_on"] if rules["startup"]["due_only"] else None,
        p["planned_investment"],
        p["contracted_amount"],
        sum((amount for day, amount in p["arrivals"] if day <= as_of), Decimal(0)),
    )


def numbers(bureau, rules, basis):
    """Every number of the month by the oracle, {(unit, what): value}."""
    pairs = oracle.pairs(bureau, rules, basis, MONTH.year, MONTH.month)
    nothing = dict.fromkeys(oracle.SLUGS, (Fraction(0), Fraction(0)))
    found = {}
    for names in GROUPS.values():
        scores = oracle.scores(names, pairs, rules, {})
        ranks = oracle.ranks(scores)
        for unit in names:
            found |= {(unit, slug): pair for slug, pair in pairs.get(unit, nothing).items()}
            found |= {(unit, "score"): scores[unit], (unit, "rank"): ranks[unit]}
    return found


def plain(value):
    return (Fraction(value.n), Fraction(value.d)) if isinstance(value, Pair) else value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    rules=rule_sets(),
    basis=st.sampled_from(["count", "amount"]),
    kind=st.sampled_from(KINDS),
)
def test_any_later_change_leaves_the_closed_month_equal_and_is_told_exactly_once(db, seed, rules, basis, kind):
    rng = random.Random(seed)
    units = dict(db.rows("select name, id from unit where peer_group in ('g0', 'g1')")) or add_units(db, GROUPS)
    rules = rules | {"groups": list(GROUPS)}
    parsed = parse_rule_set(rules, known_groups=GROUPS)
    bureau = [random_project(rng, UNITS, around=MONTH.last_day) for _n in range(12)]
    with store.transaction(db, actor="test", now=CLOSED) as work:
        for table in ("month_close", "month_row", "month_fact"):
            work.session.execute(f"delete from {table}")
    put(db, bureau, unit_ids=units)
    before = ranking(db, month=MONTH, rules=parsed, basis=Basis(basis))
    closed = close(db, parsed, Basis(basis))
    assert published(db, closed) == before
    nothing = changes_since(db, SYSTEM, closed)
    assert (nothing.numbers, nothing.records, nothing.adjustments) == ([], [], [])

    after, code = change(db, units, bureau, kind, rng)

    assert published(db, closed) == before
    found = changes_since(db, SYSTEM, closed)
    then, now = numbers(bureau, rules, basis), numbers(after, rules, basis)
    expected = {key: (then[key], now[key]) for key in then if then[key] != now[key]}
    told = [((change_.unit, change_.what), (plain(change_.published), plain(change_.now))) for change_ in found.numbers]
    assert len(told) == len(dict(told))
    assert dict(told) == expected
    facts_then = {f"T-{n:05d}": counted(p, rules) for n, p in enumerate(bureau)}
    facts_now = dict(facts_then)
    if kind == "gone":
        facts_now[code] = None
    else:
        facts_now[code] = counted(after[-1] if kind == "new" else after[int(code[2:])], rules)
    moved = [c for c in facts_now if facts_now[c] != facts_then.get(c)]
    assert [record.code for record in found.records] == moved
    assert {(record.changed_at, record.changed_by) for record in found.records} <= {(LATER, "later")}
    for change_ in found.numbers:
        if change_.what in RATES:
            assert change_.projects == (code,)


# ------------------------------------------------------------------------------------------------------- by hand


def signed(unit, day, **facts):
    return project(unit, negotiating_on=date(2026, 1, 5), signed_on=day, **facts)


def by_hand(db, units, **changes):
    """Two projects of u0a and one of u0b, with an adjustment; returns the rule set that ranks their group."""
    bureau = [
        signed("u0a", date(2026, 3, 1), started_on=date(2026, 5, 1)),
        signed("u0a", date(2026, 4, 1)),
        signed("u0b", date(2026, 4, 1), started_on=date(2026, 6, 1)),
    ]
    put(db, bureau, unit_ids=units, adjustments=[("u0a", "2026-06", Decimal("1.5"))])
    return parse_rule_set(rule_settings(groups=["g0"], **changes), known_groups=GROUPS)


def test_progress_after_the_cut_off_date_is_no_change(db, units):
    closed = close(db, by_hand(db, units))
    with store.transaction(db, actor="later", now=LATER) as work:
        record = work.find("project", code="T-00001")
        changes = {"started_on": date(2026, 7, 1), "withdrawn_on": date(2026, 7, 20)}
        work.update("project", record["id"], record["version"], changes)
    found = changes_since(db, SYSTEM, closed)
    assert (found.numbers, found.records) == ([], [])


def test_a_late_fact_names_its_numbers_its_record_and_who_changed_it(db, units):
    closed = close(db, by_hand(db, units))
    with store.transaction(db, actor="later", now=LATER) as work:
        record = work.find("project", code="T-00001")
        work.update("project", record["id"], record["version"], {"started_on": date(2026, 6, 30)})
    found = changes_since(db, SYSTEM, closed)
    told = {(c.unit, c.what): (c.published, c.now, c.projects) for c in found.numbers}
    assert told == {
        ("u0a", "performance"): (Pair(1, 2), Pair(2, 2), ("T-00001",)),
        ("u0a", "startup"): (Pair(1, 2), Pair(2, 2), ("T-00001",)),
        ("u0a", "score"): (Fraction(65) + Fraction(3, 2), Fraction(100) + Fraction(3, 2), ()),
        ("u0a", "rank"): (2, 1, ()),
        ("u0b", "rank"): (1, 2, ()),
    }
    (record_change,) = found.records
    assert (record_change.code, record_change.changed_at, record_change.changed_by) == ("T-00001", LATER, "later")
    assert record_change.values == {
        "performance_n": (False, True),
        "startup_n": (False, True),
        "started_on": (None, date(2026, 6, 30)),
    }


def test_an_adjustment_made_later_is_told_with_its_points(db, units):
    closed = close(db, by_hand(db, units))
    with store.transaction(db, actor="later", now=LATER) as work:
        values = {"unit_id": units["u0b"], "month": "2026-06", "points": Decimal(-2), "reason": "迟报"}
        adjustment = work.insert("adjustment", values)
        other = {"unit_id": units["u0b"], "month": "2026-05", "points": Decimal(-9), "reason": "另一个月"}
        work.insert("adjustment", other)
    found = changes_since(db, SYSTEM, closed)
    assert [(c.unit, c.what, c.published, c.now) for c in found.numbers] == [
        ("u0b", "score", Fraction(100), Fraction(98)),
        ("u0b", "adjustment", Decimal(0), Decimal(-2)),
    ]
    (told,) = found.adjustments
    assert (told.adjustment_id, told.unit, told.points, told.reason) == (adjustment, "u0b", Decimal(-2), "迟报")
    assert (told.withdrawn, told.changed_at, told.changed_by) == (False, LATER, "later")


def test_a_reader_sees_every_number_but_only_the_records_within_scope(db, units):
    closed = close(db, by_hand(db, units))
    with store.transaction(db, actor="later", now=LATER) as work:
        for code in ("T-00001", "T-00002"):
            record = work.find("project", code=code)
            work.update("project", record["id"], record["version"], {"registered_on": date(2026, 6, 30)})
    staff = Actor("b", account_id=1, unit_id=units["u0b"], roles=frozenset({Role.STAFF}))
    found = changes_since(db, staff, closed)
    assert [record.code for record in found.records] == ["T-00002"]
    assert found.hidden == 1
    assert {(c.unit, c.what): c.projects for c in found.numbers} == {
        ("u0a", "registration"): (),
        ("u0b", "registration"): ("T-00002",),
    }


def test_the_published_ranking_survives_renamed_units_and_new_rule_versions(db, units):
    rules = by_hand(db, units)
    closed = close(db, rules)
    before = published(db, closed)
    with store.transaction(db, actor="later", now=LATER) as work:
        unit = work.get("unit", units["u0a"])
        work.update("unit", unit["id"], unit["version"], {"name": "新名", "short_name": "新名", "peer_group": "g1"})
    again = get_close(db, closed.id)
    assert (again.rules, published(db, again)) == (rules, before)
    assert {row.unit.name for row in before.rows} == {"u0a", "u0b", "u0c"}


def test_a_reopened_month_keeps_what_was_published_beside_the_next_close(db, units):
    rules = by_hand(db, units)
    first = close(db, rules)
    told = published(db, first)
    reopen_month(db, SYSTEM, MONTH, reason="一个项目漏报", now=LATER)
    assert find_close(db, MONTH) is None
    with store.transaction(db, actor="later", now=LATER) as work:
        record = work.find("project", code="T-00001")
        work.update("project", record["id"], record["version"], {"started_on": date(2026, 6, 30)})
    second = close(db, rules)
    assert find_close(db, MONTH) == second
    assert [c.id for c in closes(db, MONTH)] == [second.id, first.id]
    assert published(db, get_close(db, first.id)) == told != published(db, second)
    assert changes_since(db, SYSTEM, second).numbers == []


def test_there_is_no_close_of_another_id(db):
    with pytest.raises(NotFound):
        get_close(db, 12)
