"""The demonstration bureau: the same for the same seed, nothing blocking in it, with units that tell apart."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from crm import rules, store
from crm.demo import DEMO_ACCOUNTS, DemoSummary, fill
from crm.errors import Refused
from crm.metrics import RuleSet
from crm.model import Actor, Role, SubmissionState, SupervisionEvent
from crm.months import Month
from crm.reports import rankings
from crm.reports.duplicates import candidates, suspects
from crm.reports.findings import Severity, findings
from crm.reports.readiness import readiness, tallies
from tests.engines import EmbeddedEngine
from tests.probes import SYSTEM

UNTIL = Month(2026, 6)
TODAY = date(2026, 7, 10)
NOW = datetime(2026, 7, 10, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
TABLES = (
    "enterprise",
    "enterprise_segment",
    "contact_person",
    "project",
    "project_unit",
    "stage_log",
    "agreement",
    "fund_arrival",
    "milestone",
    "target",
    "adjustment",
    "follow_up",
    "movement",
    "unit_month",
    "explanation",
)


def filled(db: store.Database, **options: Any) -> DemoSummary:
    """Fill a database as of the suite's fixed day."""
    return fill(db, **{"until": UNTIL, "today": TODAY, "now": NOW, **options})


@pytest.fixture(scope="module")
def bureau(embedded_engine: EmbeddedEngine) -> Iterator[store.Database]:
    """One filled database that the tests only read."""
    url = embedded_engine.clone()
    opened = store.connect(url)
    filled(opened)
    yield opened
    opened.close()
    embedded_engine.drop(url)


def contents(db: store.Database) -> dict[str, pd.DataFrame]:
    """Return the tables that the demonstration fills."""
    return {table: db.frame(f"select * from {table} order by id") for table in TABLES}


def odd(db: store.Database, *, today: date) -> set[str]:
    """Return the kinds of warning there are; a blocking finding fails the test."""
    found = findings(db, today=today)
    assert [str(f.message) for f in found if f.severity is Severity.BLOCKING] == []
    return {f.code for f in found}


def test_the_same_seed_gives_the_same_bureau(bureau: store.Database, embedded_db: store.Database) -> None:
    filled(embedded_db)
    first, second = contents(bureau), contents(embedded_db)
    for table in TABLES:
        pd.testing.assert_frame_equal(first[table], second[table])


def test_another_seed_gives_another_bureau(bureau: store.Database, embedded_db: store.Database) -> None:
    filled(embedded_db, seed=2)
    query = "select name from enterprise order by id limit 100"
    assert bureau.rows(query) != embedded_db.rows(query)


def test_both_engines_hold_the_same_bureau_with_nothing_blocking(bureau: store.Database, db: store.Database) -> None:
    summary = filled(db)
    assert (summary.enterprises, summary.projects, summary.follow_ups) == (2_000, 1_000, 20_000)
    assert odd(db, today=UNTIL.last_day) == {"capital_out_of_proportion", "twice_reported"}
    for table in TABLES:
        query = f"select * from {table} order by id"
        assert db.rows(query) == bureau.rows(query)


def test_the_volume_is_as_said(bureau: store.Database) -> None:
    count = {table: bureau.value(f"select count(*) from {table}") for table in TABLES}
    assert (count["enterprise"], count["project"], count["follow_up"]) == (2_000, 1_000, 20_000)
    assert all(count[table] > 0 for table in TABLES)
    months = bureau.rows(
        "select count(distinct date_trunc('month', happened_on)), min(happened_on), max(happened_on) from follow_up"
    )
    assert months[0][0] == 36
    assert (months[0][1].isoformat()[:7], months[0][2].isoformat()[:7]) == ("2023-07", "2026-06")


def test_the_scale_multiplies(embedded_db: store.Database) -> None:
    summary = filled(embedded_db, scale=3)
    assert (summary.enterprises, summary.projects, summary.follow_ups) == (6_000, 3_000, 60_000)
    assert embedded_db.value("select count(distinct name_key) from enterprise") == 6_000
    assert "twice_reported" in odd(embedded_db, today=UNTIL.last_day)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_units_tell_apart_and_ranks_move(embedded_db: store.Database, seed: int) -> None:
    filled(embedded_db, seed=seed)
    ranking = rankings.ranking(embedded_db, month=UNTIL, rules=RuleSet())
    rates = [tuple(row.pairs[slug].rate for slug in ("signing", "performance", "startup")) for row in ranking.rows]
    assert len(rates) == 9
    assert len(set(rates)) == 9
    assert None not in {rate for of_unit in rates for rate in of_unit}
    assert any(row.movement for row in ranking.rows)
    pooled = [float(ranking.total[slug].rate or 0) for slug in ("signing", "performance", "startup")]
    assert 0.4 <= pooled[0] <= 0.8
    assert 0.45 <= pooled[1] <= 0.85
    assert 0.25 <= pooled[2] <= 0.7


def test_units_tell_apart_in_january_too(embedded_db: store.Database) -> None:
    month = Month(2026, 1)
    filled(embedded_db, seed=3, until=month)
    rows = rankings.ranking(embedded_db, month=month, rules=RuleSet()).rows
    rates = {tuple(row.pairs[slug].rate for slug in ("signing", "performance", "startup")) for row in rows}
    assert len(rates) == 9


def test_nothing_happens_after_today(embedded_db: store.Database) -> None:
    today = date(2026, 6, 17)
    summary = filled(embedded_db, until=Month(2026, 12), today=today, now=datetime(2026, 6, 17, 2, 0))  # noqa: DTZ001
    assert summary.as_json()["until"] == "2026-06"
    assert odd(embedded_db, today=today) <= {"capital_out_of_proportion", "twice_reported"}
    assert embedded_db.value("select max(done_at) from follow_up") <= datetime(2026, 6, 17, 2, 0)  # noqa: DTZ001
    assert embedded_db.value("select max(planned_start_on) from project") > today


def test_projects_have_what_their_stage_requires(bureau: store.Database) -> None:
    numbers = dict(bureau.rows("select project_id, min(number) from agreement group by project_id"))
    projects = bureau.records("select * from project")
    for project in projects:
        project["agreement_number"] = numbers.get(project["id"])
        stage = rules.Stage(project["stage"])
        assert rules.check_complete(project, stage) == {}
        assert rules.odd_dates(project) == {}
        reached = rules.stage_reached(project)
        assert stage is reached or (reached is rules.Stage.LEAD and stage is rules.Stage.CONTACT)
        if project["status"] == "withdrawn":
            assert rules.check_withdrawal(project, today=TODAY) == {}
    assert {project["status"] for project in projects} == {"active", "stalled", "withdrawn"}
    assert {project["stage"] for project in projects} == set(rules.Stage)


def test_enterprises_are_plausible(bureau: store.Database) -> None:
    rows = bureau.records("select * from enterprise")
    codes = [row["credit_code"] for row in rows if row["credit_code"] is not None]
    assert all(rules.credit_code_problem(code) is None for code in codes)
    # Those recorded a second time, by hearsay, have none.
    assert 4 <= len(rows) - len(codes) <= 12
    assert (len(set(codes)), len({row["name_key"] for row in rows})) == (len(codes), len(rows))
    assert all(row["search_text"] == store.search_text(row["credit_code"], name=row["name"]) for row in rows)
    assert len({row["origin_province"] for row in rows}) == 31
    phones = [row[0] for row in bureau.rows("select phone from contact_person")]
    assert all(re.fullmatch(r"1[3-9]\d0000\d{4}", phone) for phone in phones)


def test_some_enterprises_are_recorded_twice_and_some_bear_tags(bureau: store.Database) -> None:
    groups = suspects(bureau, Actor("system:test"), candidates(bureau))
    kinds = {len({member.unit for member in group.members}) == 1 for group in groups}
    assert 4 <= len(groups) <= 30
    assert kinds == {True, False}
    assert 200 <= bureau.value("select count(*) from enterprise where tags is not null") <= 800


def test_every_unit_but_the_bureau_holds_projects(bureau: store.Database) -> None:
    held = Counter(row[0] for row in bureau.rows("select unit_id from project"))
    kinds = dict(bureau.rows("select id, kind from unit"))
    assert {kind for unit, kind in kinds.items() if unit in held} == set(kinds.values()) - {"bureau"}
    assert all(unit in held for unit, kind in kinds.items() if kind != "bureau")


def test_there_is_work_to_do(bureau: store.Database) -> None:
    today = UNTIL.last_day
    overdue, soon, done = bureau.rows(
        "select count(*) filter (where next_due_on < $1 and done_at is null),"
        " count(*) filter (where next_due_on between $1 and $2 and done_at is null),"
        " count(*) filter (where done_at is not null) from follow_up",
        [today, date(2026, 7, 6)],
    )[0]
    assert 0 < soon
    assert 0 < overdue < done / 10
    late = "select count(*) from project where status <> 'withdrawn' and planned_start_on < $1 and started_on is null"
    assert bureau.value(late, [today]) > 0
    assert bureau.value("select count(*) from project_unit where not is_first") > 0
    assert 0 < bureau.value("select count(distinct month) from adjustment") < 36


def test_supervision_orders_stand_in_every_state(bureau: store.Database) -> None:
    assert {row[0] for row in bureau.rows("select distinct kind from supervision_step")} == set(SupervisionEvent)
    open_ones = "closed_on is null and due_on"
    assert bureau.value(f"select count(*) from supervision_order where {open_ones} < $1", [TODAY]) > 0
    assert bureau.value(f"select count(*) from supervision_order where {open_ones} >= $1", [TODAY]) > 0
    # The order stands as its last step left it, and a card has one open order at most.
    assert not bureau.rows(
        "select o.id from supervision_order o join supervision_step s on s.order_id = o.id where s.id ="
        " (select max(l.id) from supervision_step l where l.order_id = o.id)"
        " and (s.level <> o.level or s.due_on <> o.due_on or (s.kind = 'closed') <> (o.closed_on is not null))"
    )
    assert not bureau.rows(
        "select project_id, card from supervision_order where card is not null and closed_on is null"
        " group by project_id, card having count(*) > 1"
    )


def test_contents_are_filled_in_and_varied(bureau: store.Database) -> None:
    contents = [row[0] for row in bureau.rows("select content from follow_up")]
    assert not any("{" in text or "None" in text for text in contents)
    assert len(set(contents)) > 0.9 * len(contents)


def test_one_audit_entry_for_the_whole_load(bureau: store.Database) -> None:
    assert bureau.value("select count(*) from audit where action = 'demo'") == 1
    assert bureau.value("select count(*) from audit where actor = 'system:demo'") == 1


def test_a_database_in_use_is_refused(db: store.Database) -> None:
    with store.transaction(db, actor="test", now=NOW) as work:
        work.insert("enterprise", {"name": "甲公司", "name_key": "甲公司", "search_text": "甲公司"})
    with pytest.raises(Refused):
        filled(db)
    assert db.value("select count(*) from project") == 0


def test_a_scale_below_one_is_refused(embedded_db: store.Database) -> None:
    with pytest.raises(Refused):
        filled(embedded_db, scale=0)


def test_an_interrupted_load_leaves_nothing(db: store.Database) -> None:
    def interrupt(table: str, _rows: int) -> None:
        if table == "milestone":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled(db, progress=interrupt)
    assert all(db.value(f"select count(*) from {table}") == 0 for table in TABLES)
    assert findings(db, today=TODAY) == []
    filled(db)


def test_accounts_cover_every_role(embedded_db: store.Database) -> None:
    assert {account.role for account in DEMO_ACCOUNTS} == set(Role)
    assert len({account.login for account in DEMO_ACCOUNTS}) == len(DEMO_ACCOUNTS)
    units = {row[0] for row in embedded_db.rows("select code from unit")}
    industries = {row[0] for row in embedded_db.rows("select code from industry")}
    assert all(account.unit_code in units for account in DEMO_ACCOUNTS)
    assert all(industries.issuperset(account.industry_codes) for account in DEMO_ACCOUNTS)


def test_months_are_handed_in_and_findings_explained(bureau: store.Database) -> None:
    month = UNTIL
    counted = tallies(bureau, SYSTEM, month, today=TODAY)
    rows = readiness(bureau, SYSTEM, month, counted, today=TODAY)
    states = Counter(row.state for row in rows)
    assert states[SubmissionState.MISSING] == 1
    assert states[SubmissionState.ON_TIME] >= 6
    assert all(row.monthly and row.explained and row.submission is not None or row.state == "missing" for row in rows)
    assert all(50 < row.score < 100 for row in rows)
    assert {tally.check.code for tally in counted} >= {"no_progress", "overdue_start", "overdue_milestone"}
    late = bureau.value(
        "select count(*) from unit_month where submitted_at >= cast(month || '-01' as date) + interval '36 days'"
    )
    assert 0 < late < bureau.value("select count(*) from unit_month") / 5
