"""The desk: what is due and whose it is, who has gone quiet, who contacted whom; nothing outside the reader's scope."""

from datetime import date, timedelta

import pytest

from crm.errors import NotFound
from crm.locale import use_language
from crm.model import Role
from crm.reports import desk
from crm.reports.desk import Due, DueKind, Period, PersonCount, Quiet, Step, When, Whose
from crm.rules import QUIET_DAYS_BY_GRADE
from tests.probes import NOW, TODAY, insert, insert_enterprise, insert_project, person, unit_ids

DAY = timedelta(days=1)
# A Tuesday: the week ends on 5 July.
SUNDAY = date(2026, 7, 5)
MINE, ALL = Whose(mine=True), Whose()


@pytest.fixture
def units(db):
    return unit_ids(db)


@pytest.fixture
def me(units):
    return person("zhangsan", Role.STAFF, unit_id=units["吉首"])


@pytest.fixture
def boss():
    return person("zhaoliu", Role.DISPATCHER)


def follow_up(db, enterprise_id, **values):
    given = {"happened_on": date(2026, 5, 1), "method": "phone", "content": "谈", **values}
    return insert(db, "follow_up", enterprise_id=enterprise_id, **given)


def ids(found):
    return [(item.kind, item.id) for item in found]


@pytest.fixture
def bureau(db, units, me):
    """One thing due of every kind for me, the same of a colleague's and of another unit's; returns them by name."""
    jishou, fenghuang = units["吉首"], units["凤凰"]
    made = {}
    for who, unit, name in (
        ("mine", jishou, me.name),
        ("colleague", jishou, "同事"),
        ("foreign", fenghuang, "外人"),
    ):
        enterprise = insert_enterprise(db, f"企业{who}", owner_unit_id=unit, owner_person=name)
        project = insert_project(
            db,
            f"P-{who}",
            unit_id=unit,
            enterprise_id=enterprise,
            responsible_person=name,
            planned_start_on=TODAY + 2 * DAY,
        )
        key = {"project_id": project}
        made[who] = {
            "enterprise": enterprise,
            "project": project,
            "next_step": follow_up(
                db, enterprise, next_step="发资料", next_due_on=TODAY - 3 * DAY, unit_id=unit, author=name
            ),
            "engagement_step": insert(
                db, "engagement_step", enterprise_id=enterprise, step="来访考察", planned_on=TODAY
            ),
            "milestone": insert(db, "milestone", kind="land", planned_on=TODAY + 20 * DAY, **key),
            "difficulty": insert(
                db, "difficulty", content="缺电", raised_on=date(2026, 5, 1), due_on=TODAY + 30 * DAY, **key
            ),
            "commitment": insert(db, "commitment", party="government", clause="奖励", due_on=TODAY + 6 * DAY, **key),
        }
    return made


def test_everything_of_mine_that_is_due_in_full_the_longest_overdue_first(db, me, bureau):
    mine = bureau["mine"]

    def item(kind, text, due_on, *, of_project=True):
        return Due(
            DueKind(kind),
            mine.get(kind, mine["project"]),
            1,
            NOW,
            text,
            due_on,
            mine["enterprise"],
            "企业mine",
            mine["project"] if of_project else None,
            "项目P-mine" if of_project else "",
            "吉首",
            "zhangsan",
        )

    assert desk.due(db, me, MINE, today=TODAY) == [
        item("next_step", "发资料", TODAY - 3 * DAY, of_project=False),
        item("engagement_step", "来访考察", TODAY, of_project=False),
        item("planned_start", "", TODAY + 2 * DAY),
        item("commitment", "奖励", TODAY + 6 * DAY),
        item("milestone", "land", TODAY + 20 * DAY),
        item("difficulty", "缺电", TODAY + 30 * DAY),
    ]
    assert desk.count_due(db, me, MINE, today=TODAY) == {
        (When.OVERDUE, DueKind.NEXT_STEP): 1,
        (When.TODAY, DueKind.ENGAGEMENT_STEP): 1,
        (When.WEEK, DueKind.PLANNED_START): 1,
        (When.SOON, DueKind.COMMITMENT): 1,
        (When.SOON, DueKind.MILESTONE): 1,
        (When.SOON, DueKind.DIFFICULTY): 1,
    }


@pytest.mark.parametrize(
    ("kind", "about", "pages"),
    [
        ("next_step", (9, 11), ["enterprise?id=9 企业", "project?id=11 项目"]),
        ("next_step", (9, None), ["enterprise?id=9 企业"]),
        ("engagement_step", (9, None), ["enterprise?id=9 企业"]),
        ("planned_start", (9, 11), ["project?id=11 项目", "enterprise?id=9 企业"]),
        ("milestone", (9, 11), ["project?id=11 项目", "enterprise?id=9 企业"]),
        ("difficulty", (9, 11), ["project?id=11 项目", "enterprise?id=9 企业"]),
        ("difficulty", (9, None), ["enterprise?id=9 企业"]),
        ("commitment", (9, 11), ["project?id=11 项目", "enterprise?id=9 企业"]),
        ("returned_milestone", (9, 11), ["project?id=11 项目", "enterprise?id=9 企业"]),
        ("returned_funds", (9, 11), ["project?id=11 项目", "enterprise?id=9 企业"]),
        ("supervision", (9, 11), ["supervision?order=7 查看督办单", "project?id=11 项目", "enterprise?id=9 企业"]),
        ("supervision", (None, None), ["supervision?order=7 查看督办单"]),
    ],
)
def test_what_is_due_opens_first_where_it_is_done(kind, about, pages):
    enterprise, project = about
    item = Due(DueKind(kind), 7, 1, NOW, "", TODAY, enterprise, "企业", project, "项目", "吉首", "张三")
    with use_language("zh_CN"):
        links = [f"{page}?{name}={record} {words}" for (page, name, record), words in item.links.items()]
    assert links == pages


@pytest.mark.parametrize(
    ("roles", "is_unit"),
    [
        ((Role.STAFF,), False),
        ((Role.UNIT_HEAD,), True),
        ((Role.STAFF, Role.UNIT_HEAD), True),
        ((Role.UNIT_HEAD, Role.DISPATCHER), False),
        ((Role.LEADER,), False),
        ((Role.TASKFORCE,), False),
    ],
)
def test_a_head_of_a_unit_is_concerned_with_the_units_work_and_others_with_their_own(roles, is_unit):
    assert desk.concerned(person("lisi", *roles, unit_id=5)) == (Whose(unit_id=5) if is_unit else MINE)


def test_the_unit_sees_the_unit_and_the_bureau_sees_all(db, me, boss, units, bureau):
    def owners(actor, whose):
        return {item.person for item in desk.due(db, actor, whose, today=TODAY, size=100)}

    head = person("lisi", Role.UNIT_HEAD, unit_id=units["吉首"])
    for actor in (me, head):
        assert owners(actor, Whose(unit_id=units["吉首"])) == {"zhangsan", "同事"}
        assert owners(actor, ALL) == {"zhangsan", "同事"}
        assert owners(actor, Whose(unit_id=units["凤凰"])) == set()
    assert desk.due(db, head, MINE, today=TODAY) == []
    for actor in (boss, person("sunba", Role.LEADER)):
        assert owners(actor, ALL) == {"zhangsan", "同事", "外人"}
        assert owners(actor, Whose(unit_id=units["凤凰"])) == {"外人"}
        assert sum(desk.count_due(db, actor, ALL, today=TODAY).values()) == 18


def test_a_task_force_sees_its_chain_and_an_administrator_nothing(db, bureau):
    industry = db.value("select id from industry order by display_order limit 1")
    insert(db, "enterprise_segment", enterprise_id=bureau["foreign"]["enterprise"], industry_id=industry)
    taskforce = person("qianqi", Role.TASKFORCE, industries=(industry,))
    assert ids(desk.due(db, taskforce, ALL, today=TODAY)) == [
        (DueKind.NEXT_STEP, bureau["foreign"]["next_step"]),
        (DueKind.ENGAGEMENT_STEP, bureau["foreign"]["engagement_step"]),
    ]
    for role in (Role.ADMIN, Role.AUDITOR):
        nobody = person("admin", role)
        assert desk.due(db, nobody, ALL, today=TODAY) == []
        assert desk.count_due(db, nobody, ALL, today=TODAY) == {}
        assert desk.count_quiet(db, nobody, ALL, today=TODAY) == 0
        assert desk.contacts_by_person(db, nobody, ALL, since=date.min, until=TODAY) == []


def test_what_is_done_ended_archived_or_far_ahead_is_not_due(db, boss, bureau):
    mine = bureau["mine"]
    everything = ids(desk.due(db, boss, ALL, today=TODAY, size=100))
    assert len(everything) == 18
    contact = follow_up(db, mine["enterprise"])
    ended = {
        "next_step": ("follow_up", "done_at = cast('2026-06-30 08:00:00' as timestamp)"),
        "engagement_step": ("engagement_step", f"follow_up_id = {contact}"),
        "milestone": ("milestone", "actual_on = cast('2026-06-01' as date)"),
        "difficulty": ("difficulty", "resolved_on = cast('2026-06-01' as date)"),
        "commitment": ("commitment", "fulfilled_on = cast('2026-06-01' as date)"),
    }
    with db.transaction() as session:
        for kind, (table, change) in ended.items():
            session.execute(f"update {table} set {change} where id = $1", [mine[kind]])
        session.execute("update project set started_on = cast('2026-06-01' as date) where id = $1", [mine["project"]])
        session.execute("update project set status = 'withdrawn' where id = $1", [bureau["colleague"]["project"]])
        session.execute(
            "update enterprise set archived_at = updated_at where id = $1", [bureau["foreign"]["enterprise"]]
        )
    assert ids(desk.due(db, boss, ALL, today=TODAY, size=100)) == [
        (DueKind.NEXT_STEP, bureau["colleague"]["next_step"]),
        (DueKind.ENGAGEMENT_STEP, bureau["colleague"]["engagement_step"]),
        (DueKind.DIFFICULTY, bureau["colleague"]["difficulty"]),
    ]
    later = follow_up(db, mine["enterprise"], next_step="更远", next_due_on=TODAY + 31 * DAY)
    assert (DueKind.NEXT_STEP, later) not in ids(desk.due(db, boss, ALL, today=TODAY, size=100))
    assert (DueKind.NEXT_STEP, later) in ids(desk.due(db, boss, ALL, today=TODAY + DAY, size=100))


def test_a_step_is_open_again_once_the_contact_that_did_it_is_taken_back(db, me, bureau):
    mine = bureau["mine"]
    contact = follow_up(db, mine["enterprise"], archived_at=NOW)
    with db.transaction() as session:
        session.execute(f"update engagement_step set follow_up_id = {contact} where id = {mine['engagement_step']}")
    found = ids(desk.due(db, me, MINE, today=TODAY, kinds=[DueKind.ENGAGEMENT_STEP]))
    assert found == [(DueKind.ENGAGEMENT_STEP, mine["engagement_step"])]


def test_the_start_is_due_by_the_projects_own_plan_and_listed_once(db, me, bureau):
    insert(db, "milestone", project_id=bureau["mine"]["project"], kind="start", planned_on=TODAY + 2 * DAY)
    found = desk.due(db, me, MINE, today=TODAY, when=When.WEEK)
    assert ids(found) == [(DueKind.PLANNED_START, bureau["mine"]["project"])]


def test_a_next_step_is_mine_by_account_by_name_in_a_ledger_by_enterprise_and_by_project(db, me, units):
    unit = units["吉首"]
    nobodys = insert_enterprise(db, "无人负责", owner_unit_id=unit)
    my_enterprise = insert_enterprise(db, "我负责", owner_unit_id=unit, owner_person=me.name)
    my_project = insert_project(db, "P1", unit_id=unit, enterprise_id=nobodys, responsible_person=me.name)
    due = {"next_step": "x", "next_due_on": TODAY, "unit_id": unit}
    mine = [
        follow_up(db, nobodys, author_id=me.account_id, author="旧名", **due),
        follow_up(db, nobodys, author=me.name, **due),
        follow_up(db, my_enterprise, author="同事", author_id=5, **due),
        follow_up(db, nobodys, author="同事", project_id=my_project, **due),
    ]
    follow_up(db, nobodys, author=me.name, author_id=5, **due)  # a namesake with an account
    follow_up(db, nobodys, author="同事", **due)
    assert [item.id for item in desk.due(db, me, MINE, today=TODAY)] == mine
    nameless = person("", Role.STAFF, unit_id=unit)
    insert_enterprise(db, "空名", owner_unit_id=unit, owner_person="")
    assert desk.due(db, nameless, MINE, today=TODAY) == []


def test_a_step_with_a_shared_enterprise_does_not_name_the_other_units_project(db, me, boss, units):
    enterprise = insert_enterprise(db, "共有", owner_unit_id=units["吉首"], owner_person=me.name)
    theirs = insert_project(db, "P-theirs", unit_id=units["凤凰"], enterprise_id=enterprise)
    follow_up(db, enterprise, project_id=theirs, next_due_on=TODAY, unit_id=units["凤凰"], author="外人")
    seen = {
        actor.login: [(item.project_id, item.project) for item in desk.due(db, actor, ALL, today=TODAY)]
        for actor in (me, boss)
    }
    assert seen == {"zhangsan": [(None, "")], "zhaoliu": [(theirs, "项目P-theirs")]}


@pytest.mark.parametrize(
    ("days", "when"),
    [(-400, "overdue"), (-1, "overdue"), (0, "today"), (1, "week"), (5, "week"), (6, "soon"), (30, "soon")],
)
def test_each_day_belongs_to_one_part_and_the_filter_agrees_with_the_count(db, me, units, days, when):
    enterprise = insert_enterprise(db, "甲", owner_unit_id=units["吉首"], owner_person=me.name)
    due_on = TODAY + timedelta(days=days)
    step = follow_up(db, enterprise, next_due_on=due_on)
    assert (due_on <= SUNDAY) is (when != "soon")
    assert desk.when_due(due_on, today=TODAY) is When(when)
    assert desk.count_due(db, me, MINE, today=TODAY) == {(When(when), DueKind.NEXT_STEP): 1}
    for part in When:
        found = [item.id for item in desk.due(db, me, MINE, today=TODAY, when=part)]
        assert found == ([step] if part == when else [])


def test_on_a_sunday_tomorrow_is_within_30_days_and_counted_once(db, me, units):
    enterprise = insert_enterprise(db, "甲", owner_unit_id=units["吉首"], owner_person=me.name)
    step = follow_up(db, enterprise, next_due_on=SUNDAY + DAY)
    assert desk.count_due(db, me, MINE, today=SUNDAY) == {(When.SOON, DueKind.NEXT_STEP): 1}
    assert [item.id for item in desk.due(db, me, MINE, today=SUNDAY, when=When.SOON)] == [step]


def test_pages_hold_every_line_once(db, me, units):
    enterprise = insert_enterprise(db, "甲", owner_unit_id=units["吉首"], owner_person=me.name)
    made = [follow_up(db, enterprise, next_due_on=TODAY) for _n in range(7)]
    pages = [desk.due(db, me, MINE, today=TODAY, page=page, size=3) for page in (1, 2, 3, 4)]
    assert [[item.id for item in page] for page in pages] == [made[:3], made[3:6], made[6:], []]


# ---------------------------------------------------------------------------------------------------------- gone quiet


def test_an_enterprise_is_quiet_the_day_after_its_grade_allows_the_longest_first(db, me, units):
    made = {}
    for grade, allowed in ((("A"), 15), ("B", 30), ("C", 60), (None, 60)):
        for days in (allowed, allowed + 1):
            made[grade, days] = insert_enterprise(
                db,
                f"企业{grade}{days}",
                owner_unit_id=units["吉首"],
                owner_person=me.name,
                grade=grade,
                last_contact_on=TODAY - timedelta(days=days),
            )
    insert_enterprise(db, "外单位", owner_unit_id=units["凤凰"], grade="A", last_contact_on=date(2020, 1, 1))
    insert_enterprise(db, "归档", owner_unit_id=units["吉首"], last_contact_on=date(2020, 1, 1), archived_at=NOW)
    since = [TODAY - timedelta(days=n) for n in (61, 31, 16)]
    expected = [
        Quiet(made["C", 61], "企业C61", "C", "吉首", "zhangsan", since[0], since[0]),
        Quiet(made[None, 61], "企业None61", "", "吉首", "zhangsan", since[0], since[0]),
        Quiet(made["B", 31], "企业B31", "B", "吉首", "zhangsan", since[1], since[1]),
        Quiet(made["A", 16], "企业A16", "A", "吉首", "zhangsan", since[2], since[2]),
    ]
    assert desk.quiet(db, me, MINE, today=TODAY) == expected
    assert desk.count_quiet(db, me, MINE, today=TODAY) == 4
    assert desk.quiet(db, me, MINE, today=TODAY, grade="A") == expected[3:]
    assert desk.count_quiet(db, me, MINE, today=TODAY, grade="A") == 1
    assert desk.quiet(db, me, MINE, today=TODAY, page=2, size=3) == expected[3:]
    assert {str(grade): days for grade, days in QUIET_DAYS_BY_GRADE.items()} == {"A": 15, "B": 30, "C": 60, "None": 60}


def test_one_never_contacted_is_quiet_since_it_came(db, me, units):
    made = insert_enterprise(db, "新来", owner_unit_id=units["吉首"], owner_person=me.name, grade="A")
    assert desk.quiet(db, me, MINE, today=NOW.date() + 15 * DAY) == []
    found = desk.quiet(db, me, MINE, today=NOW.date() + 16 * DAY)
    assert found == [Quiet(made, "新来", "A", "吉首", "zhangsan", None, NOW.date())]


def test_quiet_by_unit_and_scope(db, me, boss, units):
    for unit, owner in (("吉首", "同事"), ("凤凰", "外人")):
        insert_enterprise(db, unit, owner_unit_id=units[unit], owner_person=owner, last_contact_on=date(2020, 1, 1))
    names = {
        (actor.login, whose): [item.name for item in desk.quiet(db, actor, whose, today=TODAY)]
        for actor in (me, boss)
        for whose in (MINE, ALL, Whose(unit_id=units["吉首"]), Whose(unit_id=units["凤凰"]))
    }
    assert list(names.values()) == [[], ["吉首"], ["吉首"], [], [], ["吉首", "凤凰"], ["吉首"], ["凤凰"]]


# ------------------------------------------------------------------------------------------------- who contacted whom


@pytest.fixture
def contacts(db, units, me):
    first = insert_enterprise(db, "甲", owner_unit_id=units["吉首"])
    second = insert_enterprise(db, "乙", owner_unit_id=units["吉首"])
    foreign = insert_enterprise(db, "丙", owner_unit_id=units["凤凰"])
    of = {"unit_id": units["吉首"], "author": me.name, "author_id": me.account_id}
    return {
        "a": follow_up(db, first, happened_on=TODAY, content="第一行\n第二行", **of),
        "b": follow_up(db, first, happened_on=date(2026, 6, 29), **of),
        "c": follow_up(db, second, happened_on=date(2026, 6, 1), **of),
        "d": follow_up(db, second, happened_on=TODAY, unit_id=units["吉首"], author="同事"),
        "e": follow_up(db, foreign, happened_on=TODAY, unit_id=units["凤凰"], author="外人"),
        "f": follow_up(db, second, happened_on=date(2026, 5, 31), **of),
        "g": follow_up(db, first, happened_on=TODAY, archived_at=NOW, **of),
        "h": follow_up(db, first, happened_on=TODAY, unit_id=None),
    }


def test_contacts_and_enterprises_are_counted_by_unit_and_person(db, boss, me, units, contacts):
    since, until = desk.days_of(Period.MONTH, TODAY)
    mine = PersonCount(units["吉首"], "吉首", "zhangsan", 3, 2, TODAY)
    colleague = PersonCount(units["吉首"], "吉首", "同事", 1, 1, TODAY)
    foreign = PersonCount(units["凤凰"], "凤凰", "外人", 1, 1, TODAY)
    nobody = PersonCount(None, "", "", 1, 1, TODAY)
    found = {
        (actor.login, whose): desk.contacts_by_person(db, actor, whose, since=since, until=until)
        for actor in (boss, me)
        for whose in (ALL, Whose(unit_id=units["吉首"]), MINE)
    }
    assert list(found.values()) == [
        [mine, colleague, foreign, nobody],
        [mine, colleague],
        [],
        [mine, colleague, nobody],
        [mine, colleague],
        [mine],
    ]
    for line in (mine, colleague, foreign, nobody):
        behind = desk.contacts_made(db, boss, ALL, since=since, until=until, by=line)
        assert len(behind) == line.contacts
        assert {(contact.unit, contact.person) for contact in behind} == {(line.unit, line.person)}
    assert desk.contacts_made(db, me, ALL, since=since, until=until, by=foreign) == []


def test_the_contacts_behind_a_count_newest_first(db, me, contacts):
    since, until = desk.days_of(Period.WEEK, TODAY)
    found = desk.contacts_made(db, me, MINE, since=since, until=until)
    assert [contact.id for contact in found] == [contacts["a"], contacts["b"]]
    first = found[0]
    assert (first.happened_on, first.enterprise, first.method, first.unit, first.person, first.first_line) == (
        TODAY,
        "甲",
        "phone",
        "吉首",
        "zhangsan",
        "第一行",
    )
    assert desk.contacts_made(db, me, MINE, since=since, until=until, page=2, size=1) == found[1:]


def test_periods():
    assert {period: desk.days_of(period, date(2026, 3, 4)) for period in Period} == {
        Period.TODAY: (date(2026, 3, 4), date(2026, 3, 4)),
        Period.WEEK: (date(2026, 3, 2), date(2026, 3, 4)),
        Period.MONTH: (date(2026, 3, 1), date(2026, 3, 4)),
        Period.LAST_MONTH: (date(2026, 2, 1), date(2026, 2, 28)),
    }


# ---------------------------------------------------------------------------------------------- timetable and calendar


def test_the_timetable_by_planned_day_with_what_is_done(db, me, units):
    enterprise = insert_enterprise(db, "甲", owner_unit_id=units["吉首"])
    contact = follow_up(db, enterprise, happened_on=date(2026, 6, 20))
    taken_back = follow_up(db, enterprise, archived_at=NOW)
    key = {"enterprise_id": enterprise}
    last = insert(db, "engagement_step", step="无日期", **key)
    second = insert(
        db, "engagement_step", step="来访", planned_on=date(2026, 7, 1), follow_up_id=taken_back, owner="张", **key
    )
    first = insert(db, "engagement_step", step="初次", planned_on=date(2026, 6, 1), follow_up_id=contact, **key)
    insert(db, "engagement_step", step="移除", planned_on=date(2026, 6, 1), archived_at=NOW, **key)
    assert desk.timetable(db, me, enterprise) == [
        Step(first, 1, "初次", date(2026, 6, 1), "", date(2026, 6, 20)),
        Step(second, 1, "来访", date(2026, 7, 1), "张", None),
        Step(last, 1, "无日期", None, "", None),
    ]
    gone = insert_enterprise(db, "归档", owner_unit_id=units["吉首"], archived_at=NOW)
    foreign = insert_enterprise(db, "外", owner_unit_id=units["凤凰"])
    for enterprise_id in (gone, foreign, 999_999_999):
        with pytest.raises(NotFound):
            desk.timetable(db, me, enterprise_id)


def test_the_calendar_holds_mine_of_four_kinds_from_30_days_back_to_180_ahead(db, me, units, bureau):
    mine = bureau["mine"]
    edges = {
        days: follow_up(db, mine["enterprise"], next_due_on=TODAY + timedelta(days=days))
        for days in (-31, -30, 180, 181)
    }
    assert ids(desk.calendar_items(db, me, today=TODAY)) == [
        (DueKind.NEXT_STEP, edges[-30]),
        (DueKind.NEXT_STEP, mine["next_step"]),
        (DueKind.ENGAGEMENT_STEP, mine["engagement_step"]),
        (DueKind.PLANNED_START, mine["project"]),
        (DueKind.MILESTONE, mine["milestone"]),
        (DueKind.NEXT_STEP, edges[180]),
    ]
    moved = person("zhangsan", Role.STAFF, unit_id=units["凤凰"])
    assert desk.calendar_items(db, moved, today=TODAY) == []
