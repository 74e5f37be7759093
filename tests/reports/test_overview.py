"""The overview: figures against plain Python over the rows, what they are compared with, whose records are listed."""

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest

from crm import store
from crm.metrics import RuleSet
from crm.model import LABELS, Role, Stage
from crm.months import Month
from crm.reports import overview
from crm.reports.overview import COUNTED, FUNNEL, Span, ToDate, period_to
from crm.reports.projects import Concern, ProjectFilter, count_projects
from crm.reports.rankings import ranking_history, units
from crm.reports.targets import attainment
from tests import oracle
from tests.bureaus import NOW, project, put, random_project, rule_settings
from tests.probes import SYSTEM, insert, insert_enterprise, person, unit_ids

NAMES = ("吉首", "凤凰", "高新区")
MAY_END, MID_MAY = date(2026, 5, 31), date(2026, 5, 18)
LEADER = person("sunba", Role.LEADER)


@pytest.fixture
def by_short(db):
    return unit_ids(db)


@pytest.fixture
def busy(db, by_short):
    """A random bureau of three units around May 2026, with contacts and, for every third project, a chain."""
    rng = random.Random(5)
    bureau = [random_project(rng, NAMES, around=MAY_END) for _n in range(150)]
    put(db, bureau, unit_ids=by_short)
    investor = db.value("select min(id) from enterprise")
    chain = db.value("select min(id) from industry")
    contacts = [
        (investor, MAY_END - timedelta(days=rng.randint(-40, 600)), "phone", "谈", by_short[rng.choice(NAMES)])
        for _n in range(300)
    ]
    with store.transaction(db, actor="test", now=NOW) as work:
        work.insert_many("follow_up", ("enterprise_id", "happened_on", "method", "content", "unit_id"), contacts)
        work.session.execute("update project set industry_id = $1 where id % 3 = 0", [chain])
        work.session.execute("update fund_arrival set archived_at = created_at where id % 7 = 0")
        work.session.execute("update project set archived_at = created_at where id % 11 = 0")
        work.session.execute("update follow_up set archived_at = created_at where id % 11 = 0")
    return bureau


def live(db, table):
    return [row for row in _records(db, f"select * from {table}") if row["archived_at"] is None]


def _records(db, sql):
    with db.reading() as session:
        return session.records(sql)


def held_by(holdings, project_id, day):
    """Return the unit that has a project on a day, None where nobody has."""
    for row in holdings:
        begun = row["project_id"] == project_id and row["valid_from"] <= day
        if begun and (row["valid_to"] is None or row["valid_to"] > day):
            return row["unit_id"]
    return None


def plain(db, slug, span, members):
    """Work a measure out over the stored rows, without any query but for all of them."""
    held = live(db, "project_unit")
    projects = {row["id"]: row for row in live(db, "project")}

    def counts(project_id, day):
        within = day is not None and span.first_day <= day <= span.last_day
        return within and held_by(held, project_id, span.last_day) in members

    if slug == "follow_ups":
        return sum(
            span.first_day <= row["happened_on"] <= span.last_day and row["unit_id"] in members
            for row in live(db, "follow_up")
        )
    if slug == "funds_arrived":
        return sum(
            row["amount"]
            for row in live(db, "fund_arrival")
            if row["project_id"] in projects and counts(row["project_id"], row["arrived_on"])
        )
    field = {"new_leads": "entered_on", "starts": "started_on"}.get(slug, "signed_on")
    found = [row for row in projects.values() if counts(row["id"], row[field])]
    return sum(row["planned_investment"] or 0 for row in found) if slug == "signed_amount" else len(found)


@pytest.mark.parametrize("as_of", [MID_MAY, MAY_END])
def test_figures_are_what_plain_python_counts_over_the_rows(db, busy, by_short, as_of):
    counted = overview.counted(db, as_of=as_of)
    months = [Span(m.first_day, min(m.last_day, as_of)) for m in Month(2025, 6).until(Month(2026, 5))]
    for members in ({by_short["吉首"]}, {by_short[name] for name in NAMES}):
        for slug in COUNTED:
            trend = [plain(db, slug, month, members) for month in months]
            assert any(trend), slug
            for to_date in ToDate:
                figure = counted.figure(slug, to_date, members)
                span = period_to(as_of, to_date)
                length = {ToDate.MONTH: 1, ToDate.QUARTER: 3, ToDate.YEAR: None}[to_date]
                assert figure.value == plain(db, slug, span, members)
                assert figure.year_before == plain(db, slug, span.earlier(12), members)
                assert figure.before == (length and plain(db, slug, span.earlier(length), members))
                assert figure.trend == trend


def test_a_period_runs_to_the_cut_off_date_and_is_compared_with_the_same_days():
    def days(span):
        return span.first_day.isoformat(), span.last_day.isoformat()

    shown = {
        to_date: (days(period_to(MID_MAY, to_date)), days(period_to(MID_MAY, to_date).earlier(12)))
        for to_date in ToDate
    }
    assert shown == {
        ToDate.MONTH: (("2026-05-01", "2026-05-18"), ("2025-05-01", "2025-05-18")),
        ToDate.QUARTER: (("2026-04-01", "2026-05-18"), ("2025-04-01", "2025-05-18")),
        ToDate.YEAR: (("2026-01-01", "2026-05-18"), ("2025-01-01", "2025-05-18")),
    }
    assert days(period_to(MAY_END, ToDate.MONTH).earlier(1)) == ("2026-04-01", "2026-04-30")
    assert days(period_to(MAY_END, ToDate.QUARTER).earlier(3)) == ("2026-01-01", "2026-02-28")
    # The end of a month stays its end, and a day that a month does not have is its last.
    assert days(period_to(date(2026, 2, 28), ToDate.MONTH).earlier(1)) == ("2026-01-01", "2026-01-31")
    assert days(period_to(date(2026, 3, 30), ToDate.MONTH).earlier(1)) == ("2026-02-01", "2026-02-28")
    assert all(str(LABELS[ToDate][to_date]) for to_date in ToDate)


def test_rates_are_pooled_and_compared_with_a_month_and_a_year_before(db, busy, by_short):
    alive = [row for row in live(db, "project")]
    bureau = [busy[int(row["code"].removeprefix("T-"))] for row in alive]
    # The funds of the bureau were thinned out; the three rates do not look at them.
    history = ranking_history(db, last=Month(2026, 5), count=13, rules=RuleSet())
    for slug in ("signing", "performance", "startup"):
        for name in (None, "吉首"):
            expected = []
            for year, month in ((2026, 5), (2026, 4), (2025, 5)):
                of_unit = oracle.pairs(bureau, rule_settings(), "count", year, month)
                chosen = of_unit.values() if name is None else [of_unit[name]]
                expected.append(tuple(sum(pairs[slug][n] for pairs in chosen) for n in (0, 1)))
            figure = overview.rate_figure(history, slug, None if name is None else by_short[name])
            assert [tuple(pair) for pair in (figure.pair, figure.before, figure.year_before)] == expected
            (n, d), (n0, d0), (n1, d1) = expected
            assert figure.change == Fraction(n) / Fraction(d) - Fraction(n0) / Fraction(d0)
            assert figure.change_over_year == Fraction(n) / Fraction(d) - Fraction(n1) / Fraction(d1)
            assert len(figure.trend) == 12
            assert figure.trend[-1] == Fraction(n) / Fraction(d)
    nobody = overview.rate_figure(history, "startup", by_short["龙山"])
    assert (nobody.change, nobody.trend) == (None, [None] * 12)


# ------------------------------------------------------------------------------------------------ what stands behind it


def everything(ask):
    """Return the ids of all pages of a list."""
    first, found, page = ask(1), [], 1
    while len(found) < first.total:
        found += list(ask(page).rows.iloc[:, 0])
        page += 1
    return found


@pytest.mark.parametrize("slug", COUNTED)
def test_the_records_behind_a_number_are_those_that_it_counts(db, busy, by_short, slug):
    span, members = period_to(MID_MAY, ToDate.YEAR), [by_short[name] for name in NAMES]
    ask = lambda page: overview.records(db, LEADER, slug, span=span, unit_ids=members, page=page, size=7)  # noqa: E731
    first = ask(1)
    rows = everything(ask)
    assert first.hidden == 0
    assert first.total == len(rows)
    assert list(first.rows["on_day"]) == sorted(first.rows["on_day"], reverse=True)
    if slug in ("signed_amount", "funds_arrived"):
        return
    assert first.total == plain(db, slug, span, set(members))


@pytest.mark.parametrize("slug", COUNTED)
def test_staff_see_their_own_records_and_only_how_many_others_there_are(db, busy, by_short, slug):
    with store.transaction(db, actor="test", now=NOW) as work:
        # One investor a unit: contacts are as visible as their enterprise.
        theirs = work.insert("enterprise", {"name": "乙", "name_key": "乙", "search_text": "乙"})
        work.session.execute("update follow_up set enterprise_id = $1 where unit_id <> $2", [theirs, by_short["吉首"]])
        work.session.execute("update project set enterprise_id = $1 where unit_id <> $2", [theirs, by_short["吉首"]])
    span, members = period_to(MAY_END, ToDate.YEAR), [by_short[name] for name in NAMES]
    staff = person("zhangsan", Role.STAFF, unit_id=by_short["吉首"])

    def ask(actor, size=500):
        return overview.records(db, actor, slug, span=span, unit_ids=members, size=size)

    seen, whole = ask(staff), ask(LEADER)
    # A project is seen by the unit that has it now, whoever had it at the end of the period.
    now = dict(db.rows("select p.code, u.short_name from project p join unit u on u.id = p.unit_id"))
    own = whole.rows["unit"] == "吉首" if slug == "follow_ups" else whole.rows["code"].map(now) == "吉首"
    assert 0 < own.sum() < whole.total
    pd.testing.assert_frame_equal(seen.rows, whole.rows[own].reset_index(drop=True))
    assert (seen.total, seen.hidden) == (own.sum(), whole.total - own.sum())
    for nobody in (person("admin", Role.ADMIN), person("elsewhere", Role.STAFF, unit_id=by_short["龙山"])):
        assert (ask(nobody).total, ask(nobody).hidden, len(ask(nobody).rows)) == (0, whole.total, 0)


def test_a_task_force_sees_the_projects_of_its_chains(db, busy, by_short):
    chain = db.value("select min(id) from industry")
    taskforce = person("qianqi", Role.TASKFORCE, industries=(chain,))
    span, members = period_to(MAY_END, ToDate.YEAR), [by_short[name] for name in NAMES]
    seen = overview.records(db, taskforce, "signings", span=span, unit_ids=members, size=500)
    whole = overview.records(db, LEADER, "signings", span=span, unit_ids=members, size=500)
    of_chain = {row["code"] for row in live(db, "project") if row["industry_id"] == chain}
    assert set(seen.rows["code"]) == set(whole.rows["code"]) & of_chain
    assert 0 < seen.total < whole.total
    assert seen.hidden == whole.total - seen.total


def test_a_record_is_told_with_what_it_needs_to_be_recognised(db, by_short):
    signed = {"signed_on": date(2026, 3, 5), "planned_investment": Decimal("12345.67")}
    put(db, [project("吉首", **signed, arrivals=[(date(2026, 4, 2), Decimal(500))])], unit_ids=by_short)
    enterprise = insert_enterprise(db, "甲公司", owner_unit_id=by_short["凤凰"])
    insert(
        db,
        "follow_up",
        enterprise_id=enterprise,
        happened_on=date(2026, 5, 1),
        method="visit",
        content="看地块\n第二行",
        unit_id=by_short["凤凰"],
        author="石雨萍",
    )
    span, members = period_to(MAY_END, ToDate.YEAR), [by_short["吉首"], by_short["凤凰"]]

    def only(slug):
        found = overview.records(db, LEADER, slug, span=span, unit_ids=members)
        (row,) = found.rows.to_dict("records")
        return found.subject, {**row, "on_day": row["on_day"].date()}

    known = {"code": "T-00000", "name": "项目0", "enterprise": "投资方", "unit": "吉首"}
    project_id = db.value("select id from project")
    assert only("signings") == (
        "project",
        {"id": project_id, **known, "stage": "signed", "on_day": date(2026, 3, 5), "amount": 12345.67},
    )
    assert only("funds_arrived") == (
        "fund_arrival",
        {"id": project_id, **known, "on_day": date(2026, 4, 2), "amount": 500.0},
    )
    assert only("follow_ups") == (
        "follow_up",
        {
            "enterprise_id": enterprise,
            "enterprise": "甲公司",
            "unit": "凤凰",
            "on_day": date(2026, 5, 1),
            "method": "visit",
            "person": "石雨萍",
            "said": "看地块\n第二行",
        },
    )


def test_overdue_starts_are_those_of_the_page_of_projects(db, busy, by_short):
    staff = person("zhangsan", Role.STAFF, unit_id=by_short["吉首"])
    for actor, names in ((LEADER, NAMES), (LEADER, ("凤凰",)), (staff, NAMES)):
        found = overview.late_starts(db, actor, today=MAY_END, unit_ids=[by_short[name] for name in names], size=500)
        on_page = sum(
            count_projects(db, actor, ProjectFilter(unit_id=by_short[name], concern=Concern.LATE_START), today=MAY_END)
            for name in names
        )
        assert (found.total, found.hidden, len(found.rows)) == (on_page, 0, on_page)
        assert on_page > 0
        assert list(found.rows["on_day"]) == sorted(found.rows["on_day"])


# -------------------------------------------------------------------------------------------------- funnel and chains


def test_the_funnel_counts_each_project_at_every_stage_up_to_its_furthest(db, busy, by_short):
    held, dated = live(db, "project_unit"), [None, *(f"{stage}" for stage in FUNNEL[1:])]
    dates = {"negotiation": "negotiating_on", "signed": "signed_on", "registered": "registered_on"}
    dates |= {"started": "started_on", "completed": "completed_on", "production": "production_on"}
    staff = person("zhangsan", Role.STAFF, unit_id=by_short["吉首"])
    for actor, names in ((LEADER, NAMES), (LEADER, ("凤凰",)), (staff, NAMES)):
        members = [by_short[name] for name in names]
        furthest = []
        for row in live(db, "project"):
            if row["entered_on"] > MID_MAY or held_by(held, row["id"], MID_MAY) not in members:
                continue
            if actor is staff and row["unit_id"] != by_short["吉首"]:
                continue
            reached = [n for n in range(1, 7) if (day := row[dates[dated[n]]]) is not None and day <= MID_MAY]
            furthest.append(max(reached, default=0))
        steps = overview.funnel(db, actor, as_of=MID_MAY, unit_ids=members)
        counts = [sum(n >= place for n in furthest) for place in range(7)]
        assert [(step.stage, step.count) for step in steps] == list(zip(FUNNEL, counts, strict=True))
        assert steps[0].conversion is None
        assert [step.conversion for step in steps[1:]] == [
            Fraction(now, before) for before, now in zip(counts, counts[1:], strict=False)
        ]
        behind = overview.stage_records(db, actor, Stage.STARTED, as_of=MID_MAY, unit_ids=members, size=500)
        assert behind.total == len(behind.rows) == counts[4]


def test_chains_by_unit_add_up_to_the_signings_of_the_period(db, busy, by_short):
    chain = db.value("select min(id) from industry")
    span, members = period_to(MAY_END, ToDate.YEAR), [unit for unit in units(db) if unit.short_name in NAMES]
    matrix = overview.chain_matrix(db, LEADER, span=span, units=members)
    industries = [row[0] for row in db.rows("select id from industry order by display_order, id")]
    assert list(matrix["industry_id"].unique()) == [*industries, 0]
    assert list(matrix["unit"]) == [unit.short_name for unit in members] * 11
    for unit in members:
        of_unit = matrix[matrix["unit_id"] == unit.id]
        assert of_unit["signed"].sum() == plain(db, "signings", span, {unit.id})
        assert Decimal(of_unit["amount"].sum()).quantize(Decimal("0.01")) == plain(db, "signed_amount", span, {unit.id})
        for industry_id in (chain, 0):
            (cell,) = of_unit[of_unit["industry_id"] == industry_id]["signed"]
            behind = overview.records(
                db, LEADER, "signings", span=span, unit_ids=[unit.id], industry_id=industry_id, size=500
            )
            assert behind.total == cell > 0
    staff = person("zhangsan", Role.STAFF, unit_id=by_short["龙山"])
    assert not overview.chain_matrix(db, staff, span=span, units=members)["signed"].any()


# ------------------------------------------------------------------------------------------- ranking, slips and targets


def signed(unit, count, started, on=date(2026, 3, 5)):
    day = {"negotiating_on": on, "signed_on": on}
    return [project(unit, **day, started_on=on if n < started else None) for n in range(count)]


def test_who_slipped_is_told_by_places_then_score_with_the_rate_that_fell_most(db, by_short):
    early, late = date(2026, 3, 1), date(2026, 5, 3)
    bureau = signed("吉首", 2, 2, early) + signed("凤凰", 4, 3, early) + signed("泸溪", 2, 1, early)
    # In May 吉首 signs without starting and falls behind 凤凰; 泸溪 falls in score alone; 龙山 is new.
    bureau += signed("吉首", 4, 0, late) + signed("泸溪", 2, 0, late) + signed("龙山", 1, 0, late)
    put(db, bureau, unit_ids=by_short)
    history = ranking_history(db, last=Month(2026, 5), count=2, rules=RuleSet())
    found = overview.slips(history, ("signing", "performance", "startup"))
    assert [(s.unit.short_name, s.places, s.score, s.slug, s.rate) for s in found] == [
        ("吉首", -1, Fraction(-140, 3), "performance", Fraction(-2, 3)),
        ("泸溪", 0, Fraction(-35, 2), "performance", Fraction(-1, 4)),
    ]
    assert overview.slips(history, ("signing",), limit=1)[0].slug is None
    assert overview.slips([history[0], history[0]], ("startup",)) == []


def test_a_long_ranking_is_cut_to_its_first_and_last_units_of_each_group(db, by_short):
    names = ["吉首", "泸溪", "凤凰", "花垣", "保靖", "古丈", "永顺"]
    bureau = [p for n, name in enumerate(names) for p in signed(name, 10, 10 - n)] + signed("高新区", 1, 1)
    put(db, bureau, unit_ids=by_short)
    (newest,) = ranking_history(db, last=Month(2026, 5), count=1, rules=RuleSet())
    cut = overview.excerpt(newest, top=2, last=1)
    assert [(row.unit.short_name, row.rank) for row in cut] == [("吉首", 1), ("泸溪", 2), ("永顺", 7), ("高新区", 1)]
    assert overview.excerpt(newest) == newest.rows


def test_targets_of_several_units_are_added_and_their_rate_is_the_rankings(db, by_short):
    put(db, signed("吉首", 3, 3) + signed("凤凰", 1, 0) + signed("州直", 5, 0), unit_ids=by_short)
    given = [("吉首", "signings", 4), ("凤凰", "signings", 2), ("州直", "signings", 9)]
    given += [
        ("吉首", "startup", 80),
        ("凤凰", "startup", 80),
        ("吉首", "performance", 70),
        ("凤凰", "performance", 60),
    ]
    for unit, measure, value in given:
        insert(db, "target", unit_id=by_short[unit], year=2026, measure=measure, value=Decimal(value))
    (newest,) = ranking_history(db, last=Month(2026, 5), count=1, rules=RuleSet())

    def told(actor, *names):
        ids = [by_short[name] for name in names]
        rows = overview.targets_reached(attainment(db, actor, 2026, MAY_END), newest, ids)
        return [(row.measure, row.target, row.actual) for row in rows]

    # Without a target that all share, a rate has none.
    assert told(LEADER, "吉首", "凤凰") == [("signings", 6, 4), ("startup", 80, 75)]
    of_jishou = [("signings", 4, 3), ("performance", 70, 100), ("startup", 80, 100)]
    assert told(LEADER, "吉首") == of_jishou
    assert told(person("zhangsan", Role.STAFF, unit_id=by_short["吉首"]), "吉首", "凤凰") == of_jishou
    assert told(person("wangwu", Role.STAFF, unit_id=by_short["龙山"]), "吉首", "凤凰") == []


def test_there_is_work_once_there_is_a_project_or_a_contact(db, by_short):
    assert not overview.has_work(db)
    enterprise = insert_enterprise(db, "甲公司")
    assert not overview.has_work(db)
    insert(db, "follow_up", enterprise_id=enterprise, happened_on=MAY_END, method="phone", content="来电")
    assert overview.has_work(db)
    assert overview.records(db, SYSTEM, "signings", span=period_to(MAY_END, ToDate.YEAR), unit_ids=[]).total == 0
