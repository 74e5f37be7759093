"""Series and review: cohorts, medians and seasons against plain loops over the rows; places and what if."""

import calendar
import random
import statistics
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import store
from crm.actions.closes import close_month, reopen_month
from crm.errors import Invalid
from crm.locale import use_language
from crm.metrics import AGES, Basis, Performance, RuleSet, parse_rule_set
from crm.model import Role, Stage
from crm.months import Month, Quarter, WindowMode
from crm.reports import chains
from crm.reports.closes import PublishedRank, last_month_words, published_ranks
from crm.reports.rankings import ranking, ranking_history
from crm.reports.review import cohorts as cohort_reports
from crm.reports.review import movement, seasons, steps, what_if
from crm.reports.review.cohorts import Part
from tests import oracle
from tests.bureaus import NOW, project, put, random_project, rule_settings
from tests.probes import person, unit_ids
from tests.test_metrics import rule_sets

NAMES = ("吉首", "凤凰", "高新区")
MAY, MAY_END = Month(2026, 5), date(2026, 5, 31)
LEADER, STAFF = person("sunba", Role.LEADER), person("zhangsan", Role.STAFF)
SOME = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def ids(db):
    return unit_ids(db)


def fill(db, ids, bureau, *, contacts=()):
    """Store a bureau, and contacts as (project number or None, day, is a correction, is archived)."""
    put(db, bureau, unit_ids=ids)
    numbers = {int(code.removeprefix("T-")): n for code, n in db.rows("select code, id from project")}
    investor = db.value("select min(id) from enterprise")
    with store.transaction(db, actor="test", now=NOW) as work:
        work.session.execute("delete from follow_up")
        columns = ("enterprise_id", "project_id", "happened_on", "method", "content", "unit_id", "corrects_id")
        rows = [
            (
                investor,
                None if number is None else numbers[number],
                day,
                "phone",
                "谈",
                ids["吉首"],
                1 if again else None,
            )
            for number, day, again, _gone in contacts
        ]
        made = work.insert_many("follow_up", columns, rows) if rows else []
        for contact_id, (*_rest, gone) in zip(made, contacts, strict=True):
            if gone:
                work.session.execute("update follow_up set archived_at = created_at where id = $1", [contact_id])


# ------------------------------------------------------------------------------------------- the oracle: plain loops


def known_dates(p, rules, as_of):
    """Return a project's dates as the rule set reads them; None where not known on the day."""
    found = {}
    for name in ("negotiating_on", "signed_on", "registered_on", "started_on", "completed_on", "production_on"):
        day = p[name]
        if rules["verified_only"] and name not in ("negotiating_on", "signed_on") and day is not None:
            verified = p["verified"].get(name)
            day = None if verified is None else max(day, verified)
        found[name] = day if day is not None and day <= as_of else None
    kinds = rules["agreement_kinds"]
    if kinds is not None and p["agreement_kind"] is not None and p["agreement_kind"] not in kinds:
        found["signed_on"] = None
    return found


def is_counted(p, rules, as_of):
    def happened(day):
        return day is not None and day <= as_of

    threshold = Fraction(str(rules["threshold_wan"])) * 10000
    large = threshold == 0 or (p["planned_investment"] is not None and p["planned_investment"] >= threshold)
    dropped = rules["withdrawn"] == "drop" and happened(p["withdrawn_on"])
    return p["entered_on"] <= as_of and not happened(p["excluded_on"]) and large and not dropped


def plain_cohorts(bureau, rules, as_of, units, halves):
    """Return {(year, half or None): (count, amount, {age: (n, d, n amount, d amount)})}."""
    found = {}
    for p in bureau:
        dates = known_dates(p, rules, as_of)
        signed, started = dates["signed_on"], dates["started_on"]
        if not is_counted(p, rules, as_of) or signed is None or oracle.unit_on(p, as_of) not in units:
            continue
        key = signed.year, (1 if signed.month <= 6 else 2) if halves else None
        count, amount, ages = found.get(key, (0, Decimal(0), dict.fromkeys(AGES, (0, 0, Decimal(0), Decimal(0)))))
        weight = p["planned_investment"] or Decimal(0)
        withdrawn = p["withdrawn_on"] is not None and p["withdrawn_on"] <= as_of
        for age in AGES:
            aged = oracle.add_months(signed, age)
            if aged <= as_of:
                in_n = started is not None and started <= aged and not withdrawn
                n, d, n_amount, d_amount = ages[age]
                ages = {**ages, age: (n + in_n, d + 1, n_amount + weight * in_n, d_amount + weight)}
        found[key] = (count + 1, amount + weight, ages)
    return found


def plain_steps(bureau, rules, first, last, as_of, units, contacts):
    """Return [(count, median days or None, measured)] of the stages from lead to production."""
    ways = []
    for number, p in enumerate(bureau):
        inside = first <= p["entered_on"] <= last and oracle.unit_on(p, as_of) in units
        if not inside or not is_counted(p, rules, as_of):
            continue
        met = [
            day
            for of, day, again, gone in contacts
            if of in (None, number) and not again and not gone and p["entered_on"] <= day <= as_of
        ]
        dates = known_dates(p, rules, as_of)
        ways.append([p["entered_on"], min(met, default=None), *dates.values()])
    found = []
    for n in range(8):
        count = sum(any(day is not None for day in way[n:]) for way in ways) if n else len(ways)
        gaps = [(way[n] - way[n - 1]).days for way in ways if n and way[n] is not None and way[n - 1] is not None]
        gaps = sorted(gap for gap in gaps if gap >= 0)
        middle = len(gaps) // 2
        median = None
        if gaps:
            median = Fraction(gaps[middle] if len(gaps) % 2 else gaps[middle - 1] + gaps[middle], 2 - len(gaps) % 2)
        found.append((count, median, len(gaps)))
    return found


def plain_season(bureau, slug, as_of, units):
    """Return {(year, month): value} of a measure from the first known month of the five years up to a day."""

    def facts(p):
        if slug == "funds_arrived":
            return p["arrivals"]
        day = p["started_on"] if slug == "starts" else p["signed_on"]
        return [] if day is None else [(day, (p["planned_investment"] or 0) if slug == "signed_amount" else 1)]

    every_day = [day for p in bureau for day, _value in facts(p)]
    if not every_day or min(every_day) > as_of:
        return {}
    found, (year, month) = {}, max((as_of.year - 4, 1), (min(every_day).year, min(every_day).month))
    while (year, month) <= (as_of.year, as_of.month):
        first = date(year, month, 1)
        last = min(date(year, month, calendar.monthrange(year, month)[1]), as_of)
        # Before its first unit had it, nobody has.
        found[year, month] = sum(
            (
                Decimal(value)
                for p in bureau
                for day, value in facts(p)
                if first <= day <= last and min(p["holders"])[0] <= last and oracle.unit_on(p, last) in units
            ),
            Decimal(0),
        )
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


# -------------------------------------------------------------------------------------------------------- cohorts


@SOME
@given(seed=st.integers(0, 2**32), rules=rule_sets(), halves=st.booleans(), as_of=st.dates(date(2025, 6, 1), MAY_END))
def test_cohorts_are_what_plain_loops_count(db, ids, seed, rules, halves, as_of):
    rng = random.Random(seed)
    bureau = [random_project(rng, NAMES, around=MAY_END) for _n in range(60)]
    fill(db, ids, bureau)
    read = parse_rule_set({**rules, "groups": ["county", "park"]})
    counts = cohort_reports.cohort_counts(db, as_of=as_of, rules=read)
    for units in (NAMES, NAMES[:1]):
        expected = plain_cohorts(bureau, rules, as_of, units, halves)
        members = {ids[name] for name in units}
        for basis in Basis:
            by_count = basis is Basis.COUNT
            found = cohort_reports.cohorts(counts, unit_ids=members, basis=basis, halves=halves)
            assert [(c.year, c.half) for c in found] == sorted(expected, key=lambda k: (k[0], k[1] or 0), reverse=True)
            for cohort in found:
                count, amount, ages = expected[cohort.year, cohort.half]
                assert cohort.signed == (count if by_count else amount)
                assert {age: tuple(pair) for age, pair in cohort.started.items()} == {
                    age: numbers[:2] if by_count else numbers[2:] for age, numbers in ages.items()
                }
                if not by_count:
                    continue
                # Behind each number stand as many projects as it says.
                for age, (n, d, *_amounts) in ages.items():
                    for part, size in ((Part.ALL, d), (Part.STARTED, n), (Part.NOT_STARTED, d - n)):
                        listed = cohort_reports.cohort_records(
                            db,
                            LEADER,
                            (cohort.year, cohort.half),
                            age,
                            part=part,
                            as_of=as_of,
                            rules=read,
                            unit_ids=members,
                        )
                        assert (listed.total, listed.hidden) == (size, 0)
                    break


def test_a_cohort_too_young_has_no_share_and_its_oldest_projects_alone_are_counted(db, ids):
    on = {"signed_on": date(2026, 1, 31), "started_on": date(2026, 4, 30)}
    young = {"signed_on": date(2026, 4, 1), "started_on": date(2026, 4, 2)}
    gone = {"signed_on": date(2026, 1, 31), "started_on": date(2026, 3, 1), "withdrawn_on": date(2026, 5, 1)}
    fill(db, ids, [project("吉首", **facts) for facts in (on, young, gone)])

    def shown(rules):
        (cohort,) = cohort_reports.cohorts(
            cohort_reports.cohort_counts(db, as_of=MAY_END, rules=rules), unit_ids={ids["吉首"]}
        )
        frame = cohort_reports.cohort_frame([cohort], rules)
        return cohort.signed, list(zip(frame["age"], frame["words"], frame["pair"], strict=True))

    # 31 January and three months is 30 April; the project of April is not yet three months old.
    assert shown(RuleSet()) == (3, [(3, "50.0%", "1/2"), (6, "—", ""), (12, "—", ""), (24, "—", "")])
    dropping = parse_rule_set(rule_settings(withdrawn="drop"))
    assert shown(dropping) == (2, [(3, "100.0%", "1/1"), (6, "—", ""), (12, "—", ""), (24, "—", "")])


def test_the_projects_of_a_cohort_keep_to_the_readers_scope(db, ids):
    facts = {"signed_on": date(2025, 1, 31), "started_on": date(2025, 4, 30)}
    fill(db, ids, [project("吉首", **facts), project("凤凰", **facts), project("凤凰", **facts)])
    own = person("zhangsan", Role.STAFF, unit_id=ids["吉首"])
    asked = {"as_of": MAY_END, "rules": RuleSet(), "unit_ids": {ids["吉首"], ids["凤凰"]}}
    listed = cohort_reports.cohort_records(db, own, (2025, None), 3, part=Part.STARTED, **asked)
    assert (listed.total, listed.hidden, list(listed.rows["unit"])) == (1, 2, ["吉首"])
    nothing = cohort_reports.cohort_records(db, own, (2025, 2), 3, **asked)
    assert (nothing.total, nothing.hidden) == (0, 0)
    signed = cohort_reports.cohort_records(db, LEADER, (2025, 1), None, **asked)
    assert (signed.total, signed.hidden) == (3, 0)


# ---------------------------------------------------------------------------------------------------------- funnel


@SOME
@given(seed=st.integers(0, 2**32), rules=rule_sets(), as_of=st.dates(date(2026, 1, 1), date(2026, 7, 1)))
def test_steps_and_their_median_days_are_what_plain_loops_count(db, ids, seed, rules, as_of):
    rng = random.Random(seed)
    bureau = [random_project(rng, NAMES, around=MAY_END) for _n in range(60)]
    contacts = [
        (
            rng.choice((None, *range(60), *range(60))),
            MAY_END - timedelta(days=rng.randint(-30, 700)),
            rng.random() < 0.1,
            rng.random() < 0.1,
        )
        for _n in range(60)
    ]
    fill(db, ids, bureau, contacts=contacts)
    first, last = date(2024, 6, 1), date(2026, 2, 28)
    read = parse_rule_set({**rules, "groups": ["county", "park"]})
    at = steps.entered(first, last, as_of)
    for units in (NAMES, NAMES[:1]):
        members = {ids[name] for name in units}
        found = steps.timed_steps(db, LEADER, rules=read, at=at, unit_ids=members)
        expected = plain_steps(bureau, rules, first, last, as_of, units, contacts)
        assert [(s.count, s.days, s.measured) for s in found] == expected
        for before, step in zip(found, found[1:], strict=False):
            assert step.conversion == (Fraction(step.count, before.count) if before.count else None)
        listed = steps.step_records(db, LEADER, Stage.STARTED, rules=read, at=at, unit_ids=members)
        assert (listed.total, listed.hidden) == (expected[5][0], 0)


def test_steps_keep_to_the_readers_scope(db, ids):
    facts = {"entered_on": date(2026, 1, 1), "signed_on": date(2026, 2, 1)}
    fill(db, ids, [project("吉首", **facts), project("凤凰", **facts)])
    own = person("zhangsan", Role.STAFF, unit_id=ids["吉首"])
    asked = {"rules": RuleSet(), "at": steps.entered(date(2026, 1, 1), MAY_END, MAY_END), "unit_ids": set(ids.values())}
    counts = {
        actor.name: [step.count for step in steps.timed_steps(db, actor, **asked)][:5] for actor in (own, LEADER, STAFF)
    }
    assert counts == {"zhangsan": [0] * 5, "sunba": [2, 2, 2, 2, 0]} | {own.name: counts[own.name]}
    assert [step.count for step in steps.timed_steps(db, own, **asked)][:5] == [1, 1, 1, 1, 0]
    listed = steps.step_records(db, own, Stage.SIGNED, **asked)
    assert (listed.total, listed.hidden, list(listed.rows["unit"])) == (1, 0, ["吉首"])


def test_nothing_entered_has_no_conversion_and_no_days(db, ids):
    fill(db, ids, [])
    at = steps.entered(date(2026, 1, 1), MAY_END, MAY_END)
    found = steps.timed_steps(db, LEADER, rules=RuleSet(), at=at, unit_ids=set(ids.values()))
    assert {(s.count, s.conversion, s.days, s.measured) for s in found} == {(0, None, None, 0)}
    assert steps.timed_steps(db, LEADER, rules=RuleSet(), at=at, unit_ids=set())[0].count == 0


# --------------------------------------------------------------------------------------------------------- seasons


@SOME
@given(seed=st.integers(0, 2**32), slug=st.sampled_from(seasons.SEASONAL), as_of=st.dates(date(2025, 1, 1), MAY_END))
def test_seasons_are_what_plain_loops_add_up(db, ids, seed, slug, as_of):
    rng = random.Random(seed)
    bureau = [random_project(rng, NAMES, around=MAY_END) for _n in range(60)]
    fill(db, ids, bureau)
    counts = seasons.season_counts(db, slug, as_of=as_of)
    for units in (NAMES, NAMES[:1]):
        found = seasons.season(counts, unit_ids={ids[name] for name in units})
        expected = plain_season(bureau, slug, as_of, units)
        assert found.values == expected
        whole = [
            y
            for y in {y for y, _m in expected}
            if all((y, m) in expected for m in range(1, 13)) and date(y, 12, 31) <= as_of
        ]
        assert found.whole_years == sorted(whole)
        total = sum(expected[y, m] for y in whole for m in range(1, 13))
        for month in range(1, 13):
            past = [v for (y, m), v in expected.items() if m == month and oracle.last_day(y, m) <= as_of]
            assert found.mean(month) == (statistics.mean(map(Fraction, past)) if past else None)
            so_far = sum(expected[y, m] for y in whole for m in range(1, month + 1))
            assert found.by_then(month) == (Fraction(so_far) / Fraction(total) if total else None)
            of_month = sum(expected[y, month] for y in whole)
            assert found.share(month) == (Fraction(of_month) / Fraction(total) if total else None)


def test_months_before_the_first_record_and_the_month_that_runs_are_not_in_the_mean(db, ids):
    days = (date(2024, 3, 5), date(2025, 3, 5), date(2025, 5, 5), date(2026, 3, 5), date(2026, 5, 5))
    fill(db, ids, [project("吉首", signed_on=day) for day in days])
    counts = seasons.season_counts(db, "signings", as_of=date(2026, 5, 18))
    found = seasons.season(counts, unit_ids={ids["吉首"]})
    assert (found.years, found.whole_years) == ([2024, 2025, 2026], [2025])
    # January: 2025 and 2026 alone, both with nothing. May 2026 still runs.
    assert [found.mean(month) for month in (1, 3, 5)] == [0, 1, Fraction(1, 2)]
    assert [found.by_then(month) for month in (2, 3, 4, 5, 12)] == [0, Fraction(1, 2), Fraction(1, 2), 1, 1]
    table = seasons.season_table(found, Decimal(1))
    assert list(table.columns) == ["month", "2024", "2025", "2026", "mean", "share", "by_then"]
    assert [None if value != value else value for value in table["2024"]][:4] == [None, None, 1, 0]
    assert seasons.season_counts(db, "starts", as_of=MAY_END).first is None


# ------------------------------------------------------------------------------- places, published ranks and what if


@pytest.fixture
def moving(db, ids):
    """Random work of three units around May 2026; 2026-03 is closed, 2026-02 was and is open again."""
    rng = random.Random(11)
    bureau = [random_project(rng, NAMES, around=MAY_END) for _n in range(90)]
    for p in bureau:
        p["excluded_on"] = None
    fill(db, ids, bureau)
    closer = person("zhaoliu", Role.DISPATCHER)
    for month in (Month(2026, 2), Month(2026, 3)):
        close_month(db, closer, month, rules=RuleSet(), now=NOW, today=date(2026, 6, 30), override="测试")
    reopen_month(db, closer, Month(2026, 2), reason="测试", now=NOW)
    return db


def test_places_over_months_are_each_months_own_ranks_with_the_published_ones_beside(moving, ids):
    months = Month(2025, 6).until(MAY)
    before = {row.unit.id: row.rank for row in ranking(moving, month=Month(2026, 3), rules=RuleSet()).rows}
    best = next(unit_id for unit_id in (ids["吉首"], ids["凤凰"]) if before[unit_id] == 1)
    with store.transaction(moving, actor="test", now=NOW) as work:
        work.session.execute("update project set signed_on = null where unit_id = $1", [best])
    told = published_ranks(moving, months)
    assert told == {
        "2026-03": {unit_id: PublishedRank(rank, "default", 1, Basis.COUNT) for unit_id, rank in before.items()}
    }
    assert published_ranks(moving, [Month(2026, 4)]) == published_ranks(moving, []) == {}
    history = ranking_history(moving, last=MAY, count=12, rules=RuleSet())
    found = movement.of_group(history, "county", told)
    assert found.times == [str(month) for month in months]
    for n, month in enumerate(months):
        alone = {row.unit.id: row for row in ranking(moving, month=month, rules=RuleSet(), group="county").rows}
        assert {line.id: line.places[n].rank for line in found.lines} == {i: row.rank for i, row in alone.items()}
        pooled = {slug: sum(row.pairs[slug].d for row in alone.values()) for slug in found.pooled[n]}
        assert {slug: pair.d for slug, pair in found.pooled[n].items()} == pooled
    march = months.index(Month(2026, 3))
    for line in found.lines:
        assert [n for n, place in enumerate(line.places) if place.published] == [march]
        assert line.places[march].published.rank == before[line.id]
        first, last = line.places[0].rank, line.places[-1].rank
        assert line.gained == (None if None in (first, last) else first - last)
    frame = movement.rank_frame(found)
    assert set(frame["month"][frame["published"].notna()]) <= {"2026-03"}
    differing = movement.moved_frame(found).set_index("id")["differs"]
    assert differing[best] == 1


def test_small_multiples_pool_the_groups_pairs(moving, ids):
    history = ranking_history(moving, last=MAY, count=3, rules=RuleSet())
    found = movement.of_group(history, "county")
    rows = movement.multiples(found, ("startup",))
    assert [row[0].member.id for row in rows] == [line.id for line in found.lines]
    for n, month in enumerate(history):
        pairs = [row.pairs["startup"] for row in month.rows if row.unit.peer_group == "county"]
        n_all, d_all = sum(p.n for p in pairs), sum(p.d for p in pairs)
        assert {row[0].group[n] for row in rows} == {n_all / d_all if d_all else None}
    frame = movement.rates_frame(found, ("startup",))
    assert len(frame) == 3 * (len(found.lines) + 1)


def test_industries_move_by_the_quarter_as_each_quarter_ranks(moving):
    with store.transaction(moving, actor="test", now=NOW) as work:
        for rest, which in enumerate(("min", "max")):
            work.session.execute(
                f"update project set industry_id = (select {which}(id) from industry) where id % 3 = {rest}"
            )
    asked = {"rules": RuleSet(), "today": MAY_END}
    history = chains.quarter_history(moving, last=Quarter(2026, 2), count=5, **asked)
    quarters = [Quarter(2025, 2), Quarter(2025, 3), Quarter(2025, 4), Quarter(2026, 1), Quarter(2026, 2)]
    assert history == [chains.quarter_ranking(moving, quarter=quarter, **asked) for quarter in quarters]
    found = movement.of_industries(history)
    assert found.times == [str(quarter) for quarter in quarters]
    for n, of_quarter in enumerate(history):
        assert {line.id: line.places[n].rank for line in found.lines} == {r.chain.id: r.rank for r in of_quarter.rows}
    assert any(line.ranks for line in found.lines)


def test_what_if_sets_the_ranks_of_two_rule_sets_side_by_side(moving):
    other = what_if.altered(
        moving,
        RuleSet(),
        {"performance": "not_terminated", "window.mode": "rolling_12", "score.weights": {"performance": 100}},
    )
    assert (other.performance, other.window_mode) == (Performance.NOT_TERMINATED, WindowMode.ROLLING_12)
    ways = [
        movement.of_group(ranking_history(moving, last=MAY, count=12, rules=rules), "county")
        for rules in (RuleSet(), other)
    ]
    found = what_if.what_if(*ways)
    expected = {}
    for month in Month(2025, 6).until(MAY):
        for place, rules in enumerate((RuleSet(), other)):
            for row in ranking(moving, month=month, rules=rules, group="county").rows:
                expected.setdefault((row.unit.id, str(month)), [None, None])[place] = row.rank
    assert {(s.unit_id, s.month): [s.before, s.after] for s in found.shifts} == expected
    assert found.compared == sum(ranks != [None, None] for ranks in expected.values())
    assert found.changed == sum(before != after for before, after in expected.values())
    total = {}
    for shift in found.shifts:
        total[shift.unit] = total.get(shift.unit, 0) + (shift.moved or 0)
    assert dict(found.gains) == {unit: places for unit, places in total.items() if places}
    assert [places for _unit, places in found.gains] == sorted(dict(found.gains).values(), reverse=True)
    assert found.changed
    same = what_if.what_if(ways[0], ways[0])
    assert (same.changed, same.gains) == (0, [])


def test_shifts_in_words_and_who_moves_most():
    def words(before, after):
        return what_if.shift_words(what_if.Shift(1, "吉首", "2026-05", before, after))

    assert [words(3, 1), words(1, 3), words(2, 2), words(None, 2), words(2, None), words(None, None)] == [
        "3→1 ▲2",
        "1→3 ▼2",
        "2",
        "—→2",
        "2→—",
        "—",
    ]
    gains = [("甲", 9), ("乙", 4), ("丙", -1), ("丁", -12)]
    assert what_if.movers(gains, most=1) == ([("甲", 9)], [("丁", -12)])


def test_a_changed_copy_that_makes_no_sense_is_refused_at_its_setting(db):
    with pytest.raises(Invalid) as refused:
        what_if.altered(db, RuleSet(), {"window.mode": "since"})
    assert list(refused.value.fields) == ["window.base_date"]


def test_last_months_rank_is_told_with_the_published_one_where_that_is_another(moving, ids):
    march = ranking(moving, month=Month(2026, 3), rules=RuleSet())
    april = ranking(moving, month=Month(2026, 4), rules=RuleSet())
    told = {row.unit.id: PublishedRank(row.rank, "default", 1, Basis.COUNT) for row in march.rows}
    assert april.rows
    assert [row.previous_rank for row in april.rows] != [None] * len(april.rows)
    same = last_month_words(april, told)
    assert same == ["—" if row.previous_rank is None else str(row.previous_rank) for row in april.rows]
    first, second = april.rows[0].unit.id, april.rows[1].unit.id
    others = told | {first: PublishedRank(9, "default", 1, Basis.COUNT)}
    others[second] = PublishedRank(None if april.rows[1].previous_rank else 8, "default", 1, Basis.COUNT)
    with use_language("zh_CN"):
        words = last_month_words(april, others)
    assert words == [
        f"{same[0]}（发布 9）",
        f"{same[1]}（发布 {'—' if april.rows[1].previous_rank else '8'}）",
        *same[2:],
    ]
    # A unit that was not published at all has nothing beside it.
    assert last_month_words(april, {}) == same
