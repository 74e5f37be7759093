"""Projects at work: every view keeps to the filter and to the reader's scope, and none counts what it does not show."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from crm.errors import NotFound
from crm.model import ProjectStatus, Role, Stage
from crm.months import Month
from crm.reports.projects import (
    SORTS,
    Concern,
    EventKind,
    ProjectFilter,
    board,
    calendar,
    concerns,
    count_projects,
    list_projects,
    month_span,
    project_record,
    roadmap,
)
from crm.rules import QUIET_DAYS
from tests.probes import NOW, SYSTEM, TODAY, insert, insert_enterprise, insert_project, person, unit_ids, wan

EVERYTHING = ProjectFilter(status="")
LONG_AGO, RECENT = TODAY - timedelta(days=QUIET_DAYS + 1), TODAY - timedelta(days=QUIET_DAYS)


@pytest.fixture
def units(db):
    """The units' ids by short name."""
    return unit_ids(db)


@pytest.fixture
def chains(db):
    """The first two chains."""
    return [row[0] for row in db.rows("select id from industry order by display_order limit 2")]


@pytest.fixture
def bureau(db, units, chains):
    """Projects by code; 吉首 holds those that begin with J, 凤凰 the others."""
    tea = insert_enterprise(db, "杭州云顶茶业有限公司", owner_unit_id=units["吉首"], last_contact_on=LONG_AGO)
    tin = insert_enterprise(db, "长沙锡矿有限公司", owner_unit_id=units["凤凰"], last_contact_on=RECENT)
    old = {"entered_on": date(2025, 1, 10), "enterprise_id": tea, "unit_id": units["吉首"], "industry_id": chains[0]}
    theirs = old | {"enterprise_id": tin, "unit_id": units["凤凰"], "industry_id": chains[1]}
    signing = {"negotiating_on": date(2025, 2, 1), "signed_on": date(2025, 3, 1)}
    late = {**signing, "stage": "signed", "planned_start_on": date(2026, 6, 29)}
    made = {
        "J-quiet": insert_project(db, "J-quiet", planned_investment=wan(500), **old),
        "J-new": insert_project(db, "J-new", **{**old, "entered_on": RECENT}),
        "J-moved": insert_project(db, "J-moved", planned_investment=wan(900), **old),
        "J-late": insert_project(db, "J-late", planned_investment=wan(700), **old, **late),
        "J-due": insert_project(db, "J-due", status="stalled", **old, **late | {"planned_start_on": TODAY}),
        "J-gone": insert_project(
            db, "J-gone", status="withdrawn", withdrawn_on=date(2026, 1, 1), withdrawn_reason="撤", **old, **late
        ),
        "J-made": insert_project(
            db, "J-made", stage="production", started_on=date(2025, 5, 1), production_on=date(2026, 1, 5), **old
        ),
        "F-late": insert_project(db, "F-late", planned_investment=wan(800), **theirs, **late),
        "F-lead": insert_project(db, "F-lead", **theirs),
    }
    archived = {"archived_at": NOW}
    insert_project(db, "J-archived", **old, **late, **archived)
    insert(db, "stage_log", project_id=made["J-moved"], to_stage="lead", moved_on=RECENT)
    insert(db, "stage_log", project_id=made["J-quiet"], to_stage="lead", moved_on=RECENT, **archived)
    for code, planned, actual, more in (
        ("J-late", date(2026, 6, 29), None, {}),
        ("J-due", date(2026, 6, 30), None, {}),
        ("J-moved", date(2026, 6, 1), date(2026, 6, 20), {}),
        ("J-gone", date(2026, 6, 2), None, {}),
        ("J-new", date(2026, 6, 3), None, archived),
        ("F-late", date(2026, 6, 4), None, {}),
    ):
        insert(db, "milestone", project_id=made[code], kind="land", planned_on=planned, actual_on=actual, **more)
    for code, due, done in (
        ("J-late", date(2026, 6, 29), None),
        ("J-due", date(2026, 7, 9), None),
        ("J-new", date(2026, 6, 1), date(2026, 6, 2)),
        ("F-late", date(2026, 6, 1), None),
    ):
        insert(
            db,
            "commitment",
            project_id=made[code],
            party="government",
            clause=f"承诺{code}",
            due_on=due,
            fulfilled_on=done,
        )
    for code, resolved in (("J-quiet", None), ("J-new", date(2026, 6, 1)), ("F-lead", None)):
        raised = {"raised_on": date(2026, 5, 1), "due_on": date(2026, 6, 15), "resolved_on": resolved}
        insert(db, "difficulty", project_id=made[code], content=f"困难{code}", **raised)
    return made


@pytest.fixture
def staff(units):
    """Somebody of 吉首."""
    return person("zhangsan", Role.STAFF, unit_id=units["吉首"])


def codes(db, actor, **filters):
    """The codes that a filter leaves; the count says as many."""
    wanted = ProjectFilter(**{"status": "", "sort": "name", **filters})
    found = list(list_projects(db, actor, wanted, today=TODAY)["code"])
    assert count_projects(db, actor, wanted, today=TODAY) == len(found)
    return set(found)


ALL = {"J-quiet", "J-new", "J-moved", "J-late", "J-due", "J-gone", "J-made", "F-late", "F-lead"}
OURS = {code for code in ALL if code.startswith("J")}


def test_each_filter_leaves_what_it_says(db, bureau, units, chains):
    assert codes(db, SYSTEM) == ALL
    assert codes(db, SYSTEM, status="in_work") == ALL - {"J-gone"}
    assert codes(db, SYSTEM, status="stalled") == {"J-due"}
    assert codes(db, SYSTEM, status="withdrawn") == {"J-gone"}
    assert codes(db, SYSTEM, unit_id=units["凤凰"]) == {"F-late", "F-lead"}
    assert codes(db, SYSTEM, industry_id=chains[0]) == OURS
    assert codes(db, SYSTEM, stage="signed") == {"J-late", "J-due", "J-gone", "F-late"}
    assert codes(db, SYSTEM, amount_from=wan(700)) == {"J-late", "J-moved", "F-late"}
    assert codes(db, SYSTEM, amount_to=wan(700)) == {"J-late", "J-quiet"}
    assert codes(db, SYSTEM, text="j-lat") == {"J-late"}
    assert codes(db, SYSTEM, text="xiyx 长沙") == set()
    assert codes(db, SYSTEM, text="锡矿 late") == {"F-late"}
    assert codes(db, SYSTEM, text="%") == set()


@pytest.mark.parametrize(
    ("concern", "found"),
    [
        # The investor of the J projects was last met just too long ago, that of the F projects just in time.
        (Concern.QUIET, {"J-quiet", "J-late", "J-due"}),
        (Concern.LATE_START, {"J-late", "F-late"}),
        (Concern.LATE_MILESTONE, {"J-late", "F-late"}),
        (Concern.LATE_COMMITMENT, {"J-late", "F-late"}),
        (Concern.DIFFICULTY, {"J-quiet", "F-lead"}),
    ],
)
def test_a_cards_count_is_the_list_behind_it(db, bureau, staff, concern, found):
    assert codes(db, SYSTEM, concern=concern) == found
    assert codes(db, staff, concern=concern) == found & OURS
    for actor, of_actor in ((SYSTEM, found), (staff, found & OURS)):
        # Whichever sort of attention the filter asks for, every card keeps its own count.
        for chosen in ("", Concern.DIFFICULTY):
            counts = concerns(db, actor, ProjectFilter(concern=chosen), today=TODAY)
            assert counts[concern] == len(of_actor)


def test_the_list_says_what_a_project_is_and_what_it_needs(db, bureau, units):
    for amount in (100, 50):
        insert(db, "fund_arrival", project_id=bureau["J-late"], arrived_on=TODAY, amount=wan(amount))
    insert(db, "fund_arrival", project_id=bureau["J-late"], arrived_on=TODAY, amount=wan(1), archived_at=NOW)
    insert(db, "stage_log", project_id=bureau["J-late"], to_stage="signed", moved_on=date(2025, 3, 1))
    (row,) = list_projects(db, SYSTEM, ProjectFilter(text="J-late"), today=TODAY).to_dict("records")
    assert {name: row[name] for name in ("id", "enterprise", "unit", "stage", "status", "days_in_stage")} == {
        "id": bureau["J-late"],
        "enterprise": "杭州云顶茶业有限公司",
        "unit": "吉首",
        "stage": "signed",
        "status": "active",
        "days_in_stage": (TODAY - date(2025, 3, 1)).days,
    }
    assert (row["planned_investment"], row["arrived"]) == (7_000_000, 1_500_000)
    assert row["concerns"] == [Concern.QUIET, Concern.LATE_START, Concern.LATE_MILESTONE, Concern.LATE_COMMITMENT]


@pytest.mark.parametrize("sort", sorted(SORTS))
def test_pages_follow_each_other_without_gap_or_repetition(db, bureau, sort):
    wanted = ProjectFilter(status="", sort=sort)
    pages = [list_projects(db, SYSTEM, wanted, today=TODAY, page=n, size=4)["code"] for n in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [4, 4, 1, 0]
    whole = list(list_projects(db, SYSTEM, wanted, today=TODAY)["code"])
    assert [code for page in pages for code in page] == whole
    if sort == "amount":
        assert whole[:4] == ["J-moved", "F-late", "J-late", "J-quiet"]


def test_the_board_counts_sums_and_caps_each_stage(db, bureau, staff):
    for actor, of_actor in ((SYSTEM, ALL), (staff, OURS)):
        columns = board(db, actor, ProjectFilter(status="", sort="amount"), today=TODAY, size=2)
        assert [column.stage for column in columns] == list(Stage)
        assert sum(column.count for column in columns) == count_projects(db, actor, EVERYTHING, today=TODAY)
        counted = {column.stage: column.count for column in columns if column.count}
        assert counted == {
            Stage.LEAD: len(of_actor & {"J-quiet", "J-new", "J-moved", "F-lead"}),
            Stage.SIGNED: len(of_actor & {"J-late", "J-due", "J-gone", "F-late"}),
            Stage.PRODUCTION: 1,
        }
        lead = columns[0]
        assert (lead.amount, [card.name for card in lead.cards]) == (wan(1_400), ["项目J-moved", "项目J-quiet"])
        assert columns[1].amount == Decimal(0)
    signed = board(db, staff, ProjectFilter(status="", sort="amount"), today=TODAY)[3]
    told = {
        card.name: (card.status, card.late_start, card.late_milestone, card.movable, card.unit) for card in signed.cards
    }
    assert told == {
        "项目J-late": (ProjectStatus.ACTIVE, True, True, True, "吉首"),
        "项目J-due": (ProjectStatus.STALLED, False, False, True, "吉首"),
        "项目J-gone": (ProjectStatus.WITHDRAWN, False, False, False, "吉首"),
    }
    (card,) = (card for card in signed.cards if card.name == "项目J-late")
    assert (card.id, card.version, card.amount) == (bureau["J-late"], 1, wan(700))


def test_who_only_reads_moves_no_card(db, bureau, chains):
    for reader in (person("sunba", Role.LEADER), person("qianqi", Role.TASKFORCE, industries=(chains[1],))):
        cards = [card for column in board(db, reader, EVERYTHING, today=TODAY) for card in column.cards]
        assert cards
        assert not any(card.movable for card in cards)


def test_somebody_of_two_offices_moves_the_cards_of_the_own_unit_only(db, bureau, units, chains):
    both = person("both", Role.STAFF, Role.TASKFORCE, unit_id=units["吉首"], industries=(chains[1],))
    cards = [card for column in board(db, both, ProjectFilter(), today=TODAY) for card in column.cards]
    assert {card.unit for card in cards if card.movable} == {"吉首"}
    assert {card.unit for card in cards if not card.movable} == {"凤凰"}


def test_the_roadmap_shows_the_time_in_each_stage_and_every_milestone(db, bureau, staff):
    found = roadmap(db, staff, ProjectFilter(status="", text="J-gone"), today=TODAY)
    gone = bureau["J-gone"]
    assert found.bars.to_numpy().tolist() == [
        [0, gone, "项目J-gone", "lead", date(2025, 1, 10), date(2025, 2, 1)],
        [0, gone, "项目J-gone", "negotiation", date(2025, 2, 1), date(2025, 3, 1)],
        [0, gone, "项目J-gone", "signed", date(2025, 3, 1), date(2026, 1, 1)],
    ]
    assert found.marks.to_numpy().tolist() == [[0, "项目J-gone", "land", date(2026, 6, 2), None, "late"]]
    everything = roadmap(db, staff, ProjectFilter(sort="name"), today=TODAY)
    assert set(everything.bars["project"]) == {f"项目{code}" for code in OURS - {"J-gone"}}
    states = dict(zip(everything.marks["project"], everything.marks["state"], strict=True))
    assert states == {"项目J-late": "late", "项目J-due": "open", "项目J-moved": "done"}
    second = roadmap(db, staff, ProjectFilter(sort="name"), today=TODAY, page=2, size=4)
    assert second.bars["project"].nunique() == 2


def test_projects_of_one_name_keep_a_row_each(db, bureau, units):
    tea = db.value("select id from enterprise order by id limit 1")
    for code in ("X-1", "X-2"):
        insert_project(db, code, name="同名项目", unit_id=units["吉首"], enterprise_id=tea)
    found = roadmap(db, SYSTEM, ProjectFilter(text="同名", sort="name"), today=TODAY)
    assert set(found.bars["project"]) == {"同名项目 (X-1)", "同名项目 (X-2)"}


def test_a_roadmap_of_nothing_is_empty(db):
    found = roadmap(db, SYSTEM, ProjectFilter(), today=TODAY)
    assert (len(found.bars), len(found.marks)) == (0, 0)


def events(days):
    """What a calendar holds, as (day, kind, what, project, late)."""
    return [(day.on.day, event.kind, event.what, event.project, event.late) for day in days for event in day.events]


def test_the_calendar_of_a_month_holds_what_is_planned_and_what_was_reached(db, bureau, staff, units):
    met = {"happened_on": TODAY, "method": "phone", "content": "谈", "unit_id": units["吉首"]}
    tea = db.value("select enterprise_id from project where code = 'J-new'")
    step = met | {"enterprise_id": tea, "project_id": bureau["J-new"], "next_step": "寄方案"}
    insert(db, "follow_up", **step, next_due_on=date(2026, 6, 5))
    insert(db, "follow_up", **step, next_due_on=date(2026, 6, 6), done_at=NOW)
    insert(db, "follow_up", **step, next_due_on=date(2026, 7, 1))
    june = {"first_day": date(2026, 6, 1), "last_day": date(2026, 6, 30), "today": TODAY}
    assert events(calendar(db, staff, ProjectFilter(), **june)) == [
        (5, EventKind.CONTACT, "寄方案", "项目J-new", True),
        (15, EventKind.DIFFICULTY, "困难J-quiet", "项目J-quiet", True),
        (20, EventKind.DONE, "land", "项目J-moved", False),
        (29, EventKind.COMMITMENT, "承诺J-late", "项目J-late", True),
        (29, EventKind.MILESTONE, "land", "项目J-late", True),
        (29, EventKind.START, "", "项目J-late", True),
        (30, EventKind.MILESTONE, "land", "项目J-due", False),
        (30, EventKind.START, "", "项目J-due", False),
    ]
    capped = calendar(db, staff, ProjectFilter(), **june, per_day=1)
    assert [(day.on.day, day.count, len(day.events)) for day in capped][-2:] == [(29, 3, 1), (30, 2, 1)]
    ours = {event.project for day in calendar(db, SYSTEM, ProjectFilter(), **june) for event in day.events}
    assert {"项目F-late", "项目F-lead"} < ours


def test_a_months_sheet_runs_from_monday_to_sunday():
    assert month_span(Month(2026, 6)) == (date(2026, 6, 1), date(2026, 7, 5))
    assert month_span(Month(2026, 2)) == (date(2026, 1, 26), date(2026, 3, 1))


def test_nobody_sees_a_project_of_another_unit_or_chain_in_any_view(db, bureau, staff, units, chains):
    span = {"first_day": date(2026, 1, 1), "last_day": date(2026, 12, 31), "today": TODAY}
    for actor, seen in (
        (staff, "J"),
        (person("wangwu", Role.UNIT_HEAD, unit_id=units["凤凰"]), "F"),
        (person("qianqi", Role.TASKFORCE, industries=(chains[1],)), "F"),
        (person("admin", Role.ADMIN), "-"),
    ):
        columns = board(db, actor, EVERYTHING, today=TODAY)
        names = {card.name for column in columns for card in column.cards}
        names |= set(roadmap(db, actor, EVERYTHING, today=TODAY).bars["project"])
        names |= {event.project for day in calendar(db, actor, EVERYTHING, **span) for event in day.events}
        names |= set(list_projects(db, actor, EVERYTHING, today=TODAY)["name"])
        assert {name.removeprefix("项目")[0] for name in names} == ({seen} if seen != "-" else set())
        assert sum(column.count for column in columns) == sum(code.startswith(seen) for code in ALL)
        for code, project_id in bureau.items():
            if code.startswith(seen):
                assert project_record(db, actor, project_id, today=TODAY).fields["code"] == code
            else:
                with pytest.raises(NotFound):
                    project_record(db, actor, project_id, today=TODAY)


def test_the_record_of_one_project(db, bureau, staff, units):
    key = {"project_id": bureau["J-late"]}
    for stage, day in (("contact", date(2025, 1, 20)), ("negotiation", date(2025, 2, 1)), ("signed", date(2025, 3, 1))):
        insert(db, "stage_log", to_stage=stage, moved_on=day, note="谈妥" if stage == "signed" else None, **key)
    insert(db, "agreement", number="甲-1", kind="contract", signed_on=date(2025, 3, 1), status="active", **key)
    insert(db, "agreement", number="甲-0", kind="contract", signed_on=date(2025, 2, 1), archived_at=NOW, **key)
    for amount in (100, 50):
        insert(db, "fund_arrival", arrived_on=date(2026, 1, amount // 10), amount=wan(amount), **key)
    insert(db, "milestone", kind="registration", planned_on=date(2025, 6, 1), unit_id=units["吉首"], **key)
    tea = db.value("select enterprise_id from project where id = $1", [bureau["J-late"]])
    for n in range(12):
        day = date(2026, 6, 1 + n)
        insert(db, "follow_up", enterprise_id=tea, happened_on=day, method="phone", content=f"谈{n}", **key)
    insert(db, "follow_up", enterprise_id=tea, happened_on=TODAY, method="phone", content="别的项目")
    found = project_record(db, staff, bureau["J-late"], today=TODAY)
    assert (found.enterprise, found.unit, found.editable) == ("杭州云顶茶业有限公司", "吉首市", True)
    assert found.fields["code"] == "J-late"
    assert [(s.stage, s.since, s.until, s.days, s.note) for s in found.spells] == [
        (Stage.LEAD, date(2025, 1, 10), date(2025, 1, 20), 10, ""),
        (Stage.CONTACT, date(2025, 1, 20), date(2025, 2, 1), 12, ""),
        (Stage.NEGOTIATION, date(2025, 2, 1), date(2025, 3, 1), 28, ""),
        (Stage.SIGNED, date(2025, 3, 1), None, (TODAY - date(2025, 3, 1)).days, "谈妥"),
    ]
    assert [(m["kind"], m["state"], m["unit"]) for m in found.milestones] == [
        ("registration", "late", "吉首"),
        ("land", "late", None),
    ]
    assert [agreement["number"] for agreement in found.agreements] == ["甲-1"]
    assert ([arrival["amount"] for arrival in found.arrivals], found.arrived) == ([wan(100), wan(50)], wan(150))
    assert [promise["clause"] for promise in found.commitments] == ["承诺J-late"]
    assert found.difficulties == []
    assert (found.contact_count, [contact["content"] for contact in found.contacts][:2]) == (12, ["谈11", "谈10"])
    assert len(found.contacts) == 10
    assert found.holdings == [{"unit": "吉首市", "valid_from": date(2025, 1, 10), "valid_to": None}]
    assert found.concerns == [Concern.QUIET, Concern.LATE_START, Concern.LATE_MILESTONE, Concern.LATE_COMMITMENT]


def test_a_withdrawn_project_stays_in_its_stage_no_longer_than_that_day(db, bureau, staff):
    found = project_record(db, staff, bureau["J-gone"], today=TODAY)
    assert [(s.stage, s.until) for s in found.spells] == [(Stage.LEAD, date(2026, 1, 1))]
    assert found.concerns == []


def test_a_reader_may_look_and_an_archived_project_is_none(db, bureau):
    leader = person("sunba", Role.LEADER)
    assert project_record(db, leader, bureau["J-late"], today=TODAY).editable is False
    with pytest.raises(NotFound):
        project_record(db, leader, db.value("select id from project where code = 'J-archived'"), today=TODAY)
