"""Rankings as pages and the command line read them: order, movement, as-of, scope of the drill-down, pooled totals."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from crm.errors import Invalid
from crm.metrics import RATES, Basis, RuleSet, parse_rule_set
from crm.model import Role
from crm.months import Month
from crm.reports import rankings
from crm.reports.rankings import facts, find_industry, find_unit, ranking, ranking_history, rates_series, units
from tests.bureaus import project, put, rule_settings
from tests.probes import SYSTEM, person, unit_ids

MAY = Month(2026, 5)
DEFAULT = RuleSet()
OFFICIAL = ["吉首市", "泸溪县", "凤凰县", "古丈县", "花垣县", "保靖县", "永顺县", "龙山县"]


def signed(unit, count, started=0, *, on=date(2026, 3, 5), **facts_):
    """Projects of a unit signed on a day, the first few of them started at once."""
    return [
        project(unit, negotiating_on=on, signed_on=on, started_on=on if n < started else None, **facts_)
        for n in range(count)
    ]


@pytest.fixture
def by_short(db):
    return unit_ids(db)


def test_a_new_database_ranks_nobody_and_lists_all_in_official_order(db):
    found = ranking(db, month=MAY, rules=DEFAULT)
    listed = [(row.unit.name, row.rank, row.previous_rank, row.movement, row.score) for row in found.rows]
    assert listed == [(name, None, None, None, None) for name in [*OFFICIAL, "湘西高新区"]]
    assert all(row.pairs == rankings.no_pairs() for row in found.rows)


def test_equal_units_share_a_rank_in_official_order_and_units_without_a_rate_come_last(db, by_short):
    projects = signed("凤凰", 2, 2) + signed("吉首", 4, 2) + signed("龙山", 2, 1) + signed("花垣", 3)
    put(db, projects, unit_ids=by_short)
    rows = ranking(db, month=MAY, rules=DEFAULT).rows
    assert [(row.unit.name, row.rank, row.score) for row in rows] == [
        ("凤凰县", 1, Fraction(100)),
        ("吉首市", 2, Fraction(65)),
        ("龙山县", 2, Fraction(65)),
        ("花垣县", 4, Fraction(30)),
        *((name, None, None) for name in OFFICIAL if name not in ("凤凰县", "吉首市", "龙山县", "花垣县")),
        ("湘西高新区", None, None),
    ]


def test_movement_is_last_months_rank_less_this_months(db, by_short):
    april, may = date(2026, 4, 30), date(2026, 5, 1)
    early = signed("吉首", 2, 2, on=date(2026, 3, 1)) + signed("凤凰", 2, 1, on=date(2026, 3, 1))
    slump = [project("吉首", negotiating_on=may, signed_on=may) for _n in range(4)]
    put(db, early + slump, unit_ids=by_short)
    shown = {
        row.unit.name: (row.rank, row.previous_rank, row.movement)
        for row in ranking(db, month=MAY, rules=DEFAULT).rows
        if row.rank
    }
    assert shown == {"凤凰县": (1, 2, 1), "吉首市": (2, 1, -1)}
    # As of April's last day nothing of May is known.
    before = ranking(db, month=MAY, rules=DEFAULT, as_of=april)
    assert {row.unit.name: row.rank for row in before.rows if row.rank} == {"吉首市": 1, "凤凰县": 2}
    assert before.as_of == april


def test_adjustments_move_the_rank_of_their_month_only_and_show_without_a_score(db, by_short):
    points = [("龙山", "2026-05", Decimal("40.5")), ("泸溪", "2026-05", Decimal(-3)), ("吉首", "2026-04", Decimal(-99))]
    put(db, signed("吉首", 2, 2) + signed("龙山", 2, 1), unit_ids=by_short, adjustments=points)
    rows = {row.unit.short_name: row for row in ranking(db, month=MAY, rules=DEFAULT).rows}
    assert (rows["龙山"].rank, rows["龙山"].score, rows["龙山"].adjustment) == (1, Fraction(211, 2), Decimal("40.5"))
    assert (rows["吉首"].rank, rows["吉首"].score, rows["吉首"].adjustment) == (2, Fraction(100), 0)
    assert (rows["吉首"].previous_rank, rows["龙山"].previous_rank) == (2, 1)
    assert (rows["泸溪"].rank, rows["泸溪"].score, rows["泸溪"].adjustment) == (None, None, Decimal(-3))


def test_groups_rank_apart_in_the_order_of_the_rule_set(db, by_short):
    put(db, signed("吉首", 2, 1) + signed("高新区", 2) + signed("州直", 1, 1), unit_ids=by_short)
    rules = parse_rule_set(rule_settings(groups=["department", "park", "county"]))
    shown = [(r.unit.name, r.rank) for r in ranking(db, month=MAY, rules=rules).rows if r.rank]
    assert shown == [("州直", 1), ("湘西高新区", 1), ("吉首市", 1)]
    one = ranking(db, month=MAY, rules=rules, group="park")
    assert [row.unit.name for row in one.rows] == ["湘西高新区"]
    with pytest.raises(Invalid) as refused:
        ranking(db, month=MAY, rules=DEFAULT, group="department")
    assert list(refused.value.fields) == ["group"]


def test_the_total_pools_the_pairs_and_never_averages(db, by_short):
    put(db, signed("吉首", 9, 9) + signed("龙山", 1), unit_ids=by_short)
    total = ranking(db, month=MAY, rules=DEFAULT).total
    assert {slug: tuple(total[slug]) for slug in ("signing", "startup", "completion")} == {
        "signing": (10, 10),
        "startup": (9, 10),
        "completion": (0, 10),
    }


def test_the_amount_basis_sums_exactly(db, by_short):
    cents = [project("吉首", signed_on=date(2026, 3, 5), planned_investment=Decimal("0.10")) for _n in range(3)]
    put(db, [*cents, *signed("吉首", 1, 1, planned_investment=Decimal("9999999999999.99"))], unit_ids=by_short)
    row = ranking(db, month=MAY, rules=DEFAULT, basis=Basis.AMOUNT).rows[0]
    assert tuple(row.pairs["startup"]) == (Decimal("9999999999999.99"), Decimal("10000000000000.29"))


def test_history_is_the_ranking_of_each_month(db, by_short):
    put(db, signed("吉首", 3, 1) + signed("龙山", 2, on=date(2026, 5, 2)), unit_ids=by_short)
    history = ranking_history(db, last=MAY, count=4, rules=DEFAULT)
    assert [found.month for found in history] == [Month(2026, n) for n in (2, 3, 4, 5)]
    assert history == [ranking(db, month=found.month, rules=DEFAULT) for found in history]


def test_a_series_refuses_months_in_the_wrong_order_and_too_many(db):
    for first, last in ((MAY, Month(2026, 4)), (Month(2006, 5), MAY)):
        with pytest.raises(Invalid) as refused:
            rates_series(db, first=first, last=last, rules=DEFAULT)
        assert list(refused.value.fields) == ["from"]
    assert len(rates_series(db, first=Month(2006, 6), last=MAY, rules=DEFAULT)) == 240 * 9


@pytest.mark.parametrize("as_of", [date.min, date.max])
def test_a_cut_off_date_at_the_end_of_time_is_answered(db, by_short, as_of):
    put(db, signed("吉首", 2, 1), unit_ids=by_short)
    pair = ranking(db, month=MAY, rules=DEFAULT, as_of=as_of).total["startup"]
    assert tuple(pair) == ((1, 2) if as_of == date.max else (0, 0))


@pytest.mark.parametrize("text", ["吉首市", "吉首", "433101", "湘西州吉首市", " 吉首 "])
def test_a_unit_is_found_by_name_short_name_code_and_alias(db, text):
    assert find_unit(db, text).name == "吉首市"


def test_an_unknown_unit_industry_or_rate_is_refused_with_those_there_are(db):
    for find, text, field, named in (
        (lambda: find_unit(db, "火星"), "火星", "unit", "吉首市、泸溪县"),
        (lambda: find_industry(db, "火星"), "火星", "industry", "白酒"),
        (lambda: rankings.find_rate("speed"), "speed", "metric", "signing, performance"),
    ):
        with pytest.raises(Invalid) as refused:
            find()
        assert list(refused.value.fields) == [field]
        assert text in str(refused.value)
        assert named in str(refused.value)


def test_units_are_listed_in_official_order(db):
    assert [unit.name for unit in units(db)][:9] == [*OFFICIAL, "湘西高新区"]


# ----------------------------------------------------------------------------------------- the projects behind a number


@pytest.fixture
def behind(db, by_short):
    """Five projects of one unit, one of them handed over from another unit in May."""
    moved = project(
        "凤凰",
        holders=[(date(2024, 1, 1), "凤凰"), (date(2026, 5, 1), "吉首")],
        signed_on=date(2026, 3, 5),
        started_on=date(2026, 3, 5),
    )
    projects = [
        *signed("吉首", 2, 1),
        moved,
        project("吉首", negotiating_on=date(2026, 2, 1)),
        project("吉首", signed_on=date(2026, 3, 5), started_on=date(2026, 4, 1), withdrawn_on=date(2026, 5, 2)),
        *signed("凤凰", 1, 1),
    ]
    put(db, projects, unit_ids=by_short)
    return find_unit(db, "吉首")


def test_every_project_behind_a_number_says_why_it_counts_or_not(db, behind):
    found = facts(db, SYSTEM, month=MAY, unit=behind, slug="startup", rules=DEFAULT)
    assert [(f.code, f.in_d, f.in_n, f.why) for f in found.rows] == [
        ("T-00000", True, True, "counted"),
        ("T-00002", True, True, "counted"),
        ("T-00001", True, False, "not_started"),
        ("T-00004", True, False, "withdrawn"),
        ("T-00003", False, False, "not_signed_in_window"),
    ]
    row = next(r for r in ranking(db, month=MAY, rules=DEFAULT).rows if r.unit == behind)
    assert tuple(row.pairs["startup"]) == (2, 4)
    assert (found.hidden, found.as_json()["n"], found.as_json()["d"]) == (0, 2, 4)


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("slug", RATES)
def test_the_number_behind_facts_is_the_rankings_whoever_asks(db, by_short, slug, basis):
    funded = {"contracted_amount": Decimal(900), "arrivals": [(date(2026, 4, 2), Decimal("0.07"))]}
    put(
        db, signed("吉首", 3, 2, planned_investment=Decimal("0.10"), **funded) + signed("吉首", 2, 1), unit_ids=by_short
    )
    row = ranking(db, month=MAY, rules=DEFAULT, basis=basis).rows[0]
    assert row.pairs[slug].d
    for actor in (SYSTEM, person("wangwu", Role.STAFF, unit_id=by_short["凤凰"])):
        found = facts(db, actor, month=MAY, unit=row.unit, slug=slug, rules=DEFAULT, basis=basis)
        assert found.pair == row.pairs[slug]


@pytest.mark.parametrize("slug", RATES)
def test_the_projects_behind_all_ranked_units_are_those_of_each(db, by_short, slug):
    funded = {"contracted_amount": Decimal(900), "arrivals": [(date(2026, 4, 2), Decimal("0.07"))]}
    # A department is not ranked.
    bureau = [*signed("州直", 2, 1), *signed("吉首", 3, 2, **funded), *signed("凤凰", 3, 1, **funded)]
    put(db, bureau, unit_ids=by_short)
    found = facts(db, SYSTEM, month=MAY, unit=None, slug=slug, rules=DEFAULT)
    ranked = ranking(db, month=MAY, rules=DEFAULT)
    each = [facts(db, SYSTEM, month=MAY, unit=row.unit, slug=slug, rules=DEFAULT) for row in ranked.rows]
    assert found.pair == ranked.total[slug]
    assert sorted((f.unit, f.code, f.in_n) for f in found.rows) == sorted(
        (f.unit, f.code, f.in_n) for facts_ in each for f in facts_.rows
    )
    mine = facts(
        db, person("wangwu", Role.STAFF, unit_id=by_short["凤凰"]), month=MAY, unit=None, slug=slug, rules=DEFAULT
    )
    assert {f.unit for f in mine.rows} == {"凤凰"}
    assert (mine.pair, mine.hidden) == (found.pair, sum(f.in_d and f.unit != "凤凰" for f in found.rows))


def test_the_table_of_facts_leads_to_their_projects(db, behind):
    found = facts(db, SYSTEM, month=MAY, unit=behind, slug="startup", rules=DEFAULT)
    codes = dict(db.rows("select id, code from project"))
    frame = rankings.facts_frame(found)
    assert [codes[project_id] for project_id in frame["id"]] == list(frame["code"]) == [f.code for f in found.rows]


def test_a_project_counts_for_the_unit_that_held_it_on_the_cut_off_date(db, behind):
    april = [
        {
            f.code
            for f in facts(db, SYSTEM, month=Month(2026, 4), unit=unit, slug="startup", rules=DEFAULT).rows
            if f.in_d
        }
        for unit in (behind, find_unit(db, "凤凰"))
    ]
    assert april == [{"T-00000", "T-00001", "T-00004"}, {"T-00002", "T-00005"}]


@pytest.mark.parametrize("slug", RATES)
def test_a_reader_without_scope_sees_no_project_but_how_many_there_are(db, behind, by_short, slug):
    everything = facts(db, SYSTEM, month=MAY, unit=behind, slug=slug, rules=DEFAULT)
    stranger = person("wangwu", Role.STAFF, unit_id=by_short["凤凰"])
    hidden = facts(db, stranger, month=MAY, unit=behind, slug=slug, rules=DEFAULT)
    assert hidden.rows == []
    assert hidden.hidden == sum(f.in_d for f in everything.rows)
    own = facts(
        db, person("zhangsan", Role.STAFF, unit_id=by_short["吉首"]), month=MAY, unit=behind, slug=slug, rules=DEFAULT
    )
    assert (own.rows, own.hidden) == (everything.rows, 0)
    leader = facts(db, person("sunba", Role.LEADER), month=MAY, unit=behind, slug=slug, rules=DEFAULT)
    assert leader.rows == everything.rows


def test_a_task_force_sees_the_projects_of_its_chain_and_the_number_of_the_others(db, behind):
    industry = find_industry(db, "茶叶")
    with db.transaction() as session:
        session.execute("update project set industry_id = $1 where code in ('T-00000', 'T-00003')", [industry])
    found = facts(
        db,
        person("qianqi", Role.TASKFORCE, industries=(industry,)),
        month=MAY,
        unit=behind,
        slug="startup",
        rules=DEFAULT,
    )
    assert ([f.code for f in found.rows], found.hidden) == (["T-00000", "T-00003"], 3)
