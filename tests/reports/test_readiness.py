"""Readiness of a month: findings of the month, scores against plain Python, pages of the list, who sees what."""

import random
from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from crm.model import Actor, Role, SubmissionState
from crm.months import Month
from crm.reports.checking import Severity
from crm.reports.findings import checks
from crm.reports.readiness import (
    KIND_LABELS,
    FindingFilter,
    UnitReadiness,
    count_listed,
    list_findings,
    readiness,
    reminder,
    submissions,
    tallies,
)
from crm.rules import quality_score, submission_deadline, submission_state
from tests.probes import insert, insert_enterprise, insert_project, person, unit_ids, wan

MAY, TODAY = Month(2026, 5), date(2026, 6, 3)
FIRST, LAST = date(2026, 5, 1), date(2026, 5, 31)
BOSS = person("zhaoliu", Role.DISPATCHER)
EVERYTHING = FindingFilter()


@pytest.fixture
def units(db):
    return unit_ids(db)


def signed(db, code: str, unit_id: int, **values: Any) -> int:
    """Insert a sound project that was signed in January, with progress in May."""
    given = {
        "stage": "signed",
        "entered_on": date(2025, 12, 1),
        "negotiating_on": date(2025, 12, 10),
        "signed_on": date(2026, 1, 10),
        "agreement_kind": "contract",
        "enterprise_id": values.pop("enterprise_id", None) or insert_enterprise(db, f"投资方{code}"),
        "industry_id": db.value("select min(id) from industry"),
        "responsible_person": "张三",
        "planned_investment": wan(100),
        "contracted_amount": wan(100),
        "planned_start_on": date(2026, 9, 1),
        **values,
    }
    progress = given.pop("progress", True)
    made = insert_project(db, code, unit_id=unit_id, **given)
    insert(db, "agreement", project_id=made, number=f"协{code}", kind="contract", signed_on=given["signed_on"])
    if progress:
        insert(db, "stage_log", project_id=made, to_stage="signed", moved_on=date(2026, 5, 15))
    return made


def found(db, actor: Actor = BOSS, month: Month = MAY, wanted: FindingFilter = EVERYTHING, **paged: Any):
    counted = tallies(db, actor, month, today=TODAY)
    return list_findings(db, actor, month, counted, wanted, size=paged.pop("size", 1000), **paged)


def about(db, *ids: int, **asked: Any) -> list[tuple[str, int]]:
    """Return (code, record) of what is found, of the records asked for where any are."""
    return [(f.code, f.subject_id) for f in found(db, **asked) if not ids or f.subject_id in ids]


def row_of(db, unit_id: int, actor: Actor = BOSS, month: Month = MAY, today: date = TODAY) -> UnitReadiness:
    counted = tallies(db, actor, month, today=today)
    return next(row for row in readiness(db, actor, month, counted, today=today) if row.unit.id == unit_id)


# ------------------------------------------------------------------------------------------------------ of the month


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("follow_up", {"happened_on": LAST, "method": "phone", "content": "谈"}),
        ("stage_log", {"moved_on": FIRST, "to_stage": "signed"}),
        ("milestone", {"actual_on": FIRST, "kind": "land"}),
        ("fund_arrival", {"arrived_on": LAST, "amount": wan(1)}),
    ],
)
@pytest.mark.parametrize("day_off", [0, 1, -1])
def test_progress_of_every_sort_counts_within_the_month_alone(db, units, table, values, day_off):
    project = signed(db, "P-1", units["吉首"], progress=False)
    values = {key: v + timedelta(days=day_off) if isinstance(v, date) else v for key, v in values.items()}
    more = {"enterprise_id": db.value("select enterprise_id from project")} if table == "follow_up" else {}
    insert(db, table, project_id=project, **more, **values)
    within = all(FIRST <= v <= LAST for v in values.values() if isinstance(v, date))
    expected = [] if within else [("no_progress", project)]
    assert [pair for pair in about(db, project) if pair[0] == "no_progress"] == expected


def test_only_signed_projects_in_work_owe_progress(db, units):
    owing = signed(db, "P-1", units["吉首"], progress=False)
    signed(db, "P-2", units["吉首"], progress=False, signed_on=date(2026, 5, 2))  # signed in the month itself
    signed(db, "P-3", units["吉首"], progress=False, status="withdrawn", withdrawn_on=date(2026, 4, 1))
    signed(db, "P-4", units["吉首"], progress=False, stage="completed", registered_on=date(2026, 2, 1),
           started_on=date(2026, 2, 2), completed_on=date(2026, 4, 1), company_name="司", company_credit_code="码",
           evidence="证")  # fmt: skip
    insert_project(db, "P-5", unit_id=units["吉首"], enterprise_id=insert_enterprise(db, "无签约"))
    assert [pair for pair in about(db) if pair[0] == "no_progress"] == [("no_progress", owing)]
    # As of another month each is another matter.
    assert [pair for pair in about(db, month=MAY.plus(-4)) if pair[0] == "no_progress"] == []


def test_what_is_overdue_at_the_end_of_the_month_is_found_once_for_each_cause(db, units):
    late = signed(db, "P-1", units["吉首"], planned_start_on=date(2026, 5, 20))
    later = signed(db, "P-2", units["吉首"], planned_start_on=date(2026, 6, 20))
    started = signed(db, "P-3", units["吉首"], planned_start_on=date(2026, 3, 1), started_on=date(2026, 6, 2),
                     stage="started", registered_on=date(2026, 4, 1), company_name="司", company_credit_code="码",
                     evidence="证")  # fmt: skip
    # Behind an overdue start nothing more is asked for; of several steps the first is named.
    insert(db, "milestone", project_id=late, kind="land", planned_on=date(2026, 4, 1))
    first = insert(db, "milestone", project_id=later, kind="eia", planned_on=date(2026, 4, 1))
    insert(db, "milestone", project_id=later, kind="land", planned_on=date(2026, 4, 2))
    promised = insert(db, "commitment", project_id=later, party="government", clause="用地", kind="land",
                      due_on=date(2026, 5, 30))  # fmt: skip
    insert(db, "commitment", project_id=later, party="government", clause="电", due_on=date(2026, 5, 31))
    stuck = insert(db, "difficulty", project_id=later, content="缺电", kind="power", raised_on=date(2026, 4, 1),
                   due_on=date(2026, 5, 1), resolved_on=date(2026, 6, 1))  # fmt: skip
    assert about(db) == [
        ("overdue_start", late),
        ("overdue_start", started),
        ("overdue_milestone", first),
        ("overdue_commitment", promised),
        ("overdue_difficulty", stuck),
    ]
    row = row_of(db, units["吉首"])
    assert (row.blocking, row.monthly, row.standing) == (0, 5, 0)


@pytest.mark.parametrize(
    ("name", "investor", "amount", "twice"),
    [
        ("茶叶深加工基地建设项目", "长沙金叶茶业有限公司", 1000, True),
        ("茶叶深加工基地项目", "长沙金叶茶业有限责任公司", 1090, True),
        ("茶叶深加工基地建设项目", "长沙金叶茶业科技有限公司", None, False),
        ("茶叶深加工基地建设项目", "长沙银叶茶叶有限公司", 1000, False),
        ("茶叶深加工基地建设项目", "长沙金叶茶业有限公司", 1200, False),
        ("茶旅融合示范园项目", "长沙金叶茶业有限公司", 1000, False),
    ],
)
@pytest.mark.parametrize("other", ["凤凰", "吉首"])
def test_a_project_that_two_units_report_is_found_on_both_sides(db, units, name, investor, amount, twice, other):
    values: dict[str, Any] = {"name": "茶叶深加工基地建设项目", "planned_investment": wan(1000)}
    one = signed(db, "P-1", units["吉首"], enterprise_id=insert_enterprise(db, "长沙金叶茶业有限公司", credit_code="A"),
                 **values)  # fmt: skip
    investor_id = db.value("select id from enterprise where name = $1", [investor]) or insert_enterprise(db, investor)
    given = {"name": name, "planned_investment": wan(amount) if amount else None}
    two = signed(db, "P-2", units[other], enterprise_id=investor_id, **given)
    expected = [("twice_reported", one), ("twice_reported", two)] if twice and other == "凤凰" else []
    assert [pair for pair in about(db) if pair[0] == "twice_reported"] == expected


def test_the_other_units_project_is_told_by_name_and_unit_alone(db, units):
    investor = insert_enterprise(db, "长沙金叶茶业有限公司")
    values: dict[str, Any] = {"name": "茶叶深加工基地建设项目", "enterprise_id": investor}
    signed(db, "P-MINE", units["吉首"], **values)
    signed(db, "P-FOREIGN", units["凤凰"], planned_investment=wan(101), **values)
    staff = person("zhangsan", Role.STAFF, unit_id=units["吉首"])
    (told,) = found(db, staff)
    assert str(told.message) == (
        "项目 P-MINE“茶叶深加工基地建设项目”与凤凰县上报的“茶叶深加工基地建设项目”疑似同一项目。"
    )


# ------------------------------------------------------------------------------------------------------------- scores


@pytest.mark.parametrize("seed", range(3))
def test_scores_and_counts_are_those_of_plain_python(db, units, seed):
    rng = random.Random(seed)  # noqa: S311
    names = ["吉首", "凤凰", "龙山"]
    records, expected = Counter(), Counter()
    for n in range(24):
        unit = rng.choice(names)
        enterprise = insert_enterprise(
            db, f"企业{n}", owner_unit_id=units[unit], registered_capital=rng.choice([None, wan(1), wan(10)])
        )
        records[unit] += 1
        progress, withdrawn, planned = rng.random() < 0.5, rng.random() < 0.2, rng.choice([4, 5, 7])
        investment = wan(rng.choice([100, 500, 501]))
        project = signed(
            db,
            f"P-{n}",
            units[unit],
            enterprise_id=enterprise,
            progress=progress,
            planned_investment=investment,
            planned_start_on=date(2026, planned, 20),
            **({"status": "withdrawn", "withdrawn_on": date(2026, 4, 20)} if withdrawn else {}),
        )
        capital = db.value("select registered_capital from enterprise where id = $1", [enterprise])
        explained = rng.random() < 0.3
        if explained:
            insert(db, "explanation", unit_id=units[unit], code="overdue_start", subject="project", subject_id=project,
                   month=rng.choice(["2026-05", "2026-04"]), content="批文未到")  # fmt: skip
        if withdrawn:
            continue
        records[unit] += 1
        said = db.value("select month from explanation where subject_id = $1", [project])
        expected[unit, "monthly"] += (not progress) + (planned < 6 and said != "2026-05")
        expected[unit, "explained"] += planned < 6 and said == "2026-05"
        expected[unit, "standing"] += capital is not None and investment > 50 * capital
    nobodys = insert_enterprise(db, "无主企业")
    # Withdrawn without a date is blocking.
    broken = insert_project(db, "BROKEN", unit_id=units["龙山"], status="withdrawn", enterprise_id=nobodys)
    for name in names:
        row = row_of(db, units[name])
        blocking = 1 if name == "龙山" else 0
        lost = Fraction(100 * (10 * blocking + expected[name, "monthly"] + expected[name, "standing"]), records[name])
        assert (row.records, row.blocking, row.monthly, row.standing, row.explained, row.score) == (
            records[name],
            blocking,
            expected[name, "monthly"],
            expected[name, "standing"],
            expected[name, "explained"],
            max(Fraction(0), 100 - lost),
        )
    assert ("withdrawn_status", broken) in about(db)


def test_a_score_never_falls_below_zero_and_who_has_no_records_has_none():
    assert quality_score(blocking=0, warnings=0, records=0) is None
    assert quality_score(blocking=0, warnings=0, records=1) == 100
    assert quality_score(blocking=0, warnings=1, records=0) == 0
    assert quality_score(blocking=1, warnings=0, records=5) == 0
    assert quality_score(blocking=0, warnings=1, records=3) == Fraction(200, 3)


# --------------------------------------------------------------------------------------------------- lists and rights


def test_pages_together_are_the_whole_list_blocking_first(db, units):
    for n in range(7):
        signed(db, f"P-{n}", units["吉首"], progress=n % 2 == 0, planned_start_on=date(2026, 5, 1))
    nobodys = insert_enterprise(db, "无主企业")
    insert_project(db, "BROKEN", unit_id=units["凤凰"], status="withdrawn", enterprise_id=nobodys)
    whole = found(db)
    counted = tallies(db, BOSS, MAY, today=TODAY)
    assert count_listed(counted, EVERYTHING) == len(whole) == 11
    assert [f.severity for f in whole][:2] == [Severity.BLOCKING, Severity.WARNING]
    assert [f for page in range(1, 5) for f in found(db, page=page, size=3)] == whole
    for wanted in (
        FindingFilter(unit_id=units["凤凰"]),
        FindingFilter(severity=Severity.WARNING),
        FindingFilter(kind="overdue_start"),
        FindingFilter(explained=True),
    ):
        kept = [
            f
            for f in whole
            if wanted.unit_id in (None, f.unit_id)
            and wanted.severity in (None, f.severity)
            and wanted.kind in ("", f.code)
            and wanted.explained in (None, f.explanation is not None)
        ]
        assert found(db, wanted=wanted) == kept
        assert count_listed(counted, wanted) == len(kept)


def test_everybody_sees_the_findings_of_their_own_scope_alone(db, units):
    industries = [row[0] for row in db.rows("select id from industry order by id limit 2")]
    mine = signed(db, "P-MINE", units["吉首"], progress=False, industry_id=industries[0])
    foreign = signed(db, "P-FOREIGN", units["凤凰"], progress=False, industry_id=industries[1])
    step = insert(db, "milestone", project_id=foreign, unit_id=units["吉首"], kind="land", planned_on=FIRST)
    insert(db, "unit_alias", unit_id=units["吉首"], name="凤凰")  # the whole bureau's matter
    all_of_it = {("no_progress", mine), ("no_progress", foreign), ("overdue_milestone", step)}
    unscoped = {pair for pair in about(db) if pair[0] == "ambiguous_unit_name"}
    assert unscoped
    ranked = {id_ for id_, kind in db.rows("select id, kind from unit") if kind in ("county", "park")}
    jishou, fenghuang = units["吉首"], units["凤凰"]
    for actor, seen, listed in (
        (BOSS, all_of_it | unscoped, ranked),
        (person("sunba", Role.LEADER), all_of_it | unscoped, ranked),
        (person("zhangsan", Role.STAFF, unit_id=jishou), {("no_progress", mine)}, {jishou}),
        (person("wangwu", Role.STAFF, unit_id=fenghuang), all_of_it - {("no_progress", mine)}, {fenghuang}),
        (person("qianqi", Role.TASKFORCE, industries=(industries[0],)), {("no_progress", mine)}, set()),
        (person("nobody", Role.STAFF), set(), set()),
        (person("admin", Role.ADMIN), set(), set()),
        (person("auditor", Role.AUDITOR), set(), set()),
    ):
        assert set(about(db, actor=actor)) == seen, actor.login
        counted = tallies(db, actor, MAY, today=TODAY)
        assert count_listed(counted, EVERYTHING) == len(seen)
        assert {row.unit.id for row in readiness(db, actor, MAY, counted, today=TODAY)} == listed, actor.login
    # The unit's own people and the bureau count the same for it.
    for name, login in (("吉首", "zhangsan"), ("凤凰", "wangwu")):
        of_unit = row_of(db, units[name], person(login, Role.STAFF, unit_id=units[name]))
        of_bureau = row_of(db, units[name])
        assert (of_unit.monthly, of_unit.standing, of_unit.records) == (
            of_bureau.monthly,
            of_bureau.standing,
            of_bureau.records,
        )


def test_every_check_has_a_kind_in_words(db):
    assert {check.code for check in checks(db, today=TODAY, month=MAY)} == set(KIND_LABELS)


# -------------------------------------------------------------------------------------------------------- submissions


@pytest.mark.parametrize(
    ("submitted", "today", "state"),
    [
        (date(2026, 6, 5), date(2026, 7, 1), SubmissionState.ON_TIME),
        (date(2026, 6, 6), date(2026, 7, 1), SubmissionState.LATE),
        (None, date(2026, 6, 5), SubmissionState.AWAITED),
        (None, date(2026, 6, 6), SubmissionState.MISSING),
    ],
)
def test_the_deadline_is_the_fifth_of_the_next_month(submitted, today, state):
    assert submission_deadline(MAY) == date(2026, 6, 5)
    assert submission_deadline(Month(2025, 12)) == date(2026, 1, 5)
    assert submission_state(MAY, submitted, today=today) is state


def handed_in(db, unit_id: int, at: datetime, **values: Any) -> None:
    given = {"blocking_findings": 0, "warning_findings": 0, "submitted_by": "lisi", "month": "2026-05", **values}
    insert(db, "unit_month", unit_id=unit_id, submitted_at=at, **given)


def test_the_newest_report_counts_and_its_first_coming_decides_whether_it_is_late(db, units):
    jishou = units["吉首"]
    # Five in the afternoon of the 5th in UTC is the 6th at the bureau.
    handed_in(db, units["凤凰"], datetime(2026, 6, 5, 17, 0))  # noqa: DTZ001
    handed_in(db, jishou, datetime(2026, 6, 5, 15, 59), warning_findings=9)  # noqa: DTZ001
    handed_in(db, jishou, datetime(2026, 6, 9, 8, 0), warning_findings=2, note="已补充")  # noqa: DTZ001
    handed_in(db, jishou, datetime(2026, 7, 2, 8, 0), month="2026-06", warning_findings=7)  # noqa: DTZ001
    today = date(2026, 6, 10)
    row = row_of(db, jishou, today=today)
    assert row.state is SubmissionState.ON_TIME
    assert row.submission is not None
    assert (row.submission.warnings, row.submission.note) == (2, "已补充")
    assert row.submission.first_at == datetime(2026, 6, 5, 15, 59)  # noqa: DTZ001
    assert row_of(db, units["凤凰"], today=today).state is SubmissionState.LATE
    assert row_of(db, units["龙山"], today=today).state is SubmissionState.MISSING
    assert set(submissions(db, person("a", Role.STAFF, unit_id=jishou), MAY)) == {jishou}
    assert set(submissions(db, BOSS, MAY)) == {jishou, units["凤凰"]}
    assert submissions(db, person("q", Role.TASKFORCE, industries=(1,)), MAY) == {}


def test_a_reminder_names_the_unit_and_what_is_open(db, units):
    signed(db, "P-1", units["吉首"], progress=False, planned_start_on=date(2026, 5, 1))
    signed(db, "P-2", units["吉首"], progress=False)
    words = str(reminder(row_of(db, units["吉首"]), MAY, today=TODAY))
    assert words == (
        "吉首市：2026-05 月报应于 2026-06-05 前报送，截至 2026-06-03 尚未报送。待处理：阻断问题 0 项，待核对问题 3 项，"
        "待核实申报 0 项（当月无进展 2、逾期未开工 1）。请抓紧修改或说明，并及时报送。"
    )
