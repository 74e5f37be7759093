"""The rates against an independent oracle, over thousands of generated bureaus and every setting of a rule set."""

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.errors import Invalid
from crm.metrics import RATES, Basis, Rounding, RuleSet, parse_rule_set, percent
from crm.model import Actor
from crm.months import Month
from crm.reports.rankings import facts, find_unit, ranking, rates_series
from tests import oracle
from tests.bureaus import add_units, project, put, random_project, rule_settings

GROUPS = {f"g{n}": [f"u{n}a", f"u{n}b", f"u{n}c"] for n in range(25)}
SYSTEM = Actor("system:test")


@st.composite
def rule_sets(draw):
    mode = draw(st.sampled_from(["year_to_date", "since", "rolling_12", "cohort"]))
    weights = draw(
        st.dictionaries(st.sampled_from(oracle.SLUGS), st.sampled_from([0, 1, 30, 33.3, 0.1]), max_size=5)
        | st.just({"signing": 30, "performance": 30, "startup": 40})
    )
    return rule_settings(
        window={
            "mode": mode,
            "base_date": draw(st.sampled_from(["2024-03-31", "2025-01-01", "2026-12-31"])) if mode == "since" else None,
            "cohort_year": draw(st.sampled_from([2024, 2025, 2026, 2027])) if mode == "cohort" else None,
        },
        threshold_wan=draw(st.sampled_from([0, 0, 0.01, 5000, 10000])),
        verified_only=draw(st.booleans()),
        agreement_kinds=draw(st.sampled_from([None, None, [], ["contract"], ["contract", "framework"]])),
        withdrawn=draw(st.sampled_from(["keep", "drop"])),
        performance=draw(st.sampled_from(["performed", "not_terminated", "started"])),
        startup={"due_only": draw(st.booleans()), "grace_months": draw(st.sampled_from([0, 1, 6, 18]))},
        funds_base=draw(st.sampled_from(["contracted", "planned"])),
        score={"method": draw(st.sampled_from(["weighted", "efficacy"])), "weights": weights},
        groups=list(GROUPS),
    )


periods = st.tuples(
    st.sampled_from([Month(2026, 1), Month(2026, 2), Month(2026, 6), Month(2025, 12), Month(2024, 2)]),
    st.sampled_from([None, None, -40, -1, 0, 15]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    when=periods,
    chosen=st.lists(st.tuples(rule_sets(), st.sampled_from(["count", "amount"])), min_size=3, max_size=3),
)
def test_a_ranking_equals_the_oracle_for_every_rule_setting(db, seed, when, chosen):
    month, shift = when
    rng = random.Random(seed)
    as_of = None if shift is None else month.last_day + timedelta(days=shift)
    ids = _units(db)
    bureaus = {
        group: [random_project(rng, names, around=month.last_day) for _ in range(rng.randint(0, 7))]
        for group, names in GROUPS.items()
    }
    points = [
        (name, str(m), Decimal(rng.choice(("1", "-2.5", "0.3333"))))
        for names in GROUPS.values()
        for name in names
        for m in (month, month.plus(-1))
        if rng.random() < 0.3
    ]
    put(db, [p for projects in bureaus.values() for p in projects], unit_ids=ids, adjustments=points)
    for given_rules, basis in chosen:
        rules = parse_rule_set(given_rules, known_groups=GROUPS)
        got = ranking(db, month=month, rules=rules, basis=Basis(basis), as_of=as_of)
        assert _as_plain(got) == _expected(bureaus, given_rules, basis, month, as_of, points)


def _units(db):
    known = dict(db.rows("select name, id from unit"))
    return known if "u0a" in known else known | add_units(db, GROUPS)


def _as_plain(got):
    return [
        (
            row.unit.name,
            row.rank,
            row.previous_rank,
            row.score,
            row.adjustment,
            {slug: (Fraction(pair.n), Fraction(pair.d)) for slug, pair in row.pairs.items()},
        )
        for row in got.rows
    ]


def _expected(bureaus, rules, basis, month, as_of, points):
    rows = []
    before = oracle.month_before(month.year, month.month)
    for group, projects in bureaus.items():
        names = GROUPS[group]
        now = oracle.pairs(projects, rules, basis, month.year, month.month, as_of)
        then = oracle.pairs(projects, rules, basis, *before)
        given_now = {name: Fraction(p) for name, m, p in points if m == str(month)}
        given_then = {name: Fraction(p) for name, m, p in points if m == f"{before[0]:04d}-{before[1]:02d}"}
        scores = oracle.scores(names, now, rules, given_now)
        ranks, earlier = oracle.ranks(scores), oracle.ranks(oracle.scores(names, then, rules, given_then))
        nothing = dict.fromkeys(oracle.SLUGS, (Fraction(0), Fraction(0)))
        in_group = [
            (name, ranks[name], earlier[name], scores[name], given_now.get(name, Fraction(0)), now.get(name, nothing))
            for name in names
        ]
        rows += sorted(in_group, key=lambda row: (row[1] is None, row[1] or 0, names.index(row[0])))
    return rows


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), rules=rule_sets(), when=periods)
def test_the_projects_behind_every_number_add_up_to_it(db, seed, rules, when):
    month, shift = when
    as_of = None if shift is None else month.last_day + timedelta(days=shift)
    rng = random.Random(seed)
    ids = _units(db)
    names = GROUPS["g0"]
    projects = [random_project(rng, names, around=month.last_day) for _ in range(12)]
    put(db, projects, unit_ids=ids)
    parsed = parse_rule_set(rules, known_groups=GROUPS)
    cut_off = as_of or month.last_day
    for name in names:
        for slug in RATES:
            found = facts(db, SYSTEM, month=month, unit=find_unit(db, name), slug=slug, rules=parsed, as_of=as_of)
            expected = {
                f"T-{n:05d}": oracle.sets(p, rules, month.year, month.month, cut_off)[slug]
                for n, p in enumerate(projects)
                if oracle.unit_on(p, cut_off) == name
            }
            listed = {f.code: (f.in_n, f.in_d) for f in found.rows}
            assert {code: listed.get(code, (False, False)) for code in expected} == expected
            assert set(listed) <= set(expected)
            assert all((f.why == "counted") == f.in_n for f in found.rows)
            counted = facts(
                db,
                SYSTEM,
                month=month,
                unit=find_unit(db, name),
                slug=slug,
                rules=parsed,
                as_of=as_of,
                counted_only=True,
            )
            assert counted.rows == [f for f in found.rows if f.in_d]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), rules=rule_sets(), basis=st.sampled_from(["count", "amount"]))
def test_a_series_of_months_equals_the_ranking_of_each(db, seed, rules, basis):
    rng = random.Random(seed)
    ids = _units(db)
    projects = [random_project(rng, GROUPS["g0"], around=date(2026, 2, 28)) for _ in range(20)]
    put(db, projects, unit_ids=ids)
    parsed = parse_rule_set(rules, known_groups=GROUPS)
    first, last = Month(2025, 11), Month(2026, 3)
    series = rates_series(db, first=first, last=last, rules=parsed, basis=Basis(basis))
    by_month = {
        month: {row.unit.name: row.pairs for row in ranking(db, month=month, rules=parsed, basis=Basis(basis)).rows}
        for month in first.until(last)
    }
    assert {(r.month, r.name): r.pairs for r in series} == {
        (month, name): pairs for month, rows in by_month.items() for name, pairs in rows.items()
    }


def _bureau(db, seed=7, count=40):
    ids = _units(db)
    rng = random.Random(seed)
    projects = [random_project(rng, GROUPS["g0"], around=date(2026, 6, 30)) for _ in range(count)]
    return ids, projects


def _ranked(db, rules=None, basis=Basis.COUNT):
    parsed = parse_rule_set(rules or rule_settings(groups=["g0"]), known_groups=GROUPS)
    return _as_plain(ranking(db, month=Month(2026, 6), rules=parsed, basis=basis))


def test_the_order_in_which_projects_are_stored_changes_nothing(db):
    ids, projects = _bureau(db)
    put(db, projects, unit_ids=ids)
    before = _ranked(db)
    put(db, projects[::-1], unit_ids=ids)
    assert _ranked(db) == before


def test_splitting_a_unit_keeps_the_pooled_pairs(db):
    ids, projects = _bureau(db)
    put(db, projects, unit_ids=ids)
    rules = parse_rule_set(rule_settings(groups=["g0", "g1"]), known_groups=GROUPS)
    before = ranking(db, month=Month(2026, 6), rules=rules).total
    for n, p in enumerate(projects):
        if n % 2:
            p["holders"] = [(since, "u1a" if unit == "u0a" else unit) for since, unit in p["holders"]]
    put(db, projects, unit_ids=ids)
    assert ranking(db, month=Month(2026, 6), rules=rules).total == before


def test_a_project_that_entered_after_the_cut_off_date_changes_nothing(db):
    ids, projects = _bureau(db)
    put(db, projects, unit_ids=ids)
    before = _ranked(db)
    late = project("u0a", entered_on=date(2026, 7, 1), holders=[(date(2026, 7, 1), "u0a")], signed_on=date(2026, 7, 2))
    put(db, [*projects, late], unit_ids=ids)
    assert _ranked(db) == before


def test_scaling_every_amount_scales_the_sums_and_keeps_the_rates(db):
    ids, projects = _bureau(db)
    put(db, projects, unit_ids=ids)
    small = _ranked(db, basis=Basis.AMOUNT)
    for p in projects:
        for field in ("planned_investment", "contracted_amount"):
            p[field] = None if p[field] is None else p[field] * 100
        p["arrivals"] = [(day, amount * 100) for day, amount in p["arrivals"]]
    put(db, projects, unit_ids=ids)
    large = _ranked(db, basis=Basis.AMOUNT)
    assert [row[:5] for row in large] == [row[:5] for row in small]
    assert [{s: (n / 100, d / 100) for s, (n, d) in row[5].items()} for row in large] == [row[5] for row in small]


def test_rates_by_industry_pool_the_same_projects_as_rates_by_unit(db):
    ids, projects = _bureau(db)
    put(db, projects, unit_ids=ids)
    industry = db.value("select min(id) from industry")
    from crm import store
    from tests.bureaus import NOW

    with store.transaction(db, actor="test", now=NOW) as work:
        work.session.execute("update project set industry_id = $1", [industry])
    rules = parse_rule_set(rule_settings(groups=["g0"]), known_groups=GROUPS)
    by_unit = rates_series(db, first=Month(2026, 6), last=Month(2026, 6), rules=rules)
    by_industry = rates_series(db, first=Month(2026, 6), last=Month(2026, 6), rules=rules, by="industry")
    for slug in RATES:
        assert sum(r.pairs[slug].n for r in by_unit) == sum(r.pairs[slug].n for r in by_industry)
        assert sum(r.pairs[slug].d for r in by_unit) == sum(r.pairs[slug].d for r in by_industry) > 0


# ----------------------------------------------------------------------------------------- arithmetic at the edge


@pytest.mark.parametrize(
    ("rate", "rounding", "shown"),
    [
        (Fraction(43, 46), Rounding.HALF_UP, "93.5%"),
        (Fraction(285, 344), Rounding.HALF_UP, "82.8%"),
        (Fraction(1, 2000), Rounding.HALF_UP, "0.1%"),
        (Fraction(1, 2000), Rounding.TRUNCATE, "0.0%"),
        (Fraction(8945, 10000), Rounding.HALF_UP, "89.5%"),
        (Fraction(13, 10), Rounding.HALF_UP, "130.0%"),
        (None, Rounding.HALF_UP, "—"),
    ],
)
def test_a_percentage_shows_one_decimal_rounded_by_rule(rate, rounding, shown):
    assert percent(rate, rounding) == shown


def test_left_out_settings_take_the_defaults():
    assert parse_rule_set({}) == RuleSet()
    assert RuleSet().settings() == rule_settings()


@given(rule_sets())
def test_a_rule_set_reads_back_from_its_own_json(settings_):
    rules = parse_rule_set(settings_, known_groups=GROUPS)
    assert parse_rule_set(rules.settings(), known_groups=GROUPS) == rules


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"colour": "red"}, "colour"),
        ({"window__mode": "weekly"}, "window.mode"),
        ({"window__days": 3}, "window.days"),
        ({"window__mode": "since"}, "window.base_date"),
        ({"window__mode": "cohort"}, "window.cohort_year"),
        ({"window__base_date": "2026-13-01"}, "window.base_date"),
        ({"threshold_wan": -1}, "threshold_wan"),
        ({"threshold_wan": True}, "threshold_wan"),
        ({"verified_only": 1}, "verified_only"),
        ({"agreement_kinds": ["contract", "oral"]}, "agreement_kinds[1]"),
        ({"withdrawn": "forget"}, "withdrawn"),
        ({"startup__grace_months": 1.5}, "startup.grace_months"),
        ({"score__weights": {"speed": 1}}, "score.weights.speed"),
        ({"score__weights": {"signing": "30"}}, "score.weights.signing"),
        ({"groups": ["county", "village"]}, "groups[1]"),
        ({"groups": ["county", "county"]}, "groups[1]"),
        ({"lists__red": -1}, "lists.red"),
        ({"cards__stalled_months": [3, 2, 6]}, "cards.stalled_months"),
        ({"score": []}, "score"),
        ({"name": ""}, "name"),
    ],
)
def test_an_unknown_key_or_value_is_refused_with_its_path(changes, path):
    with pytest.raises(Invalid) as refused:
        parse_rule_set(rule_settings(**changes))
    assert list(refused.value.fields) == [path]
    assert path in str(refused.value)
