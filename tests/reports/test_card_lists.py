"""Cards, lists and supervision orders as pages read them: counts for all, names within the reader's scope."""

import zipfile
from datetime import date, datetime, timedelta

import pytest

from crm import store
from crm.actions.supervision import OrderDraft, answer_order, close_order, raise_from_cards, raise_order
from crm.errors import Denied, NotFound
from crm.exchange.cards import export_cards
from crm.metrics import CardKind, Colour, parse_rule_set, red_and_black
from crm.model import Role, SupervisionLevel
from crm.months import Month
from crm.reports import cards, desk
from crm.reports.cards import Card, CardFilter, Tally
from crm.reports.rankings import ranking
from crm.reports.supervision import OrderCounts, OrderFilter, State, count_orders, order_record, orders
from tests.bureaus import add_units, project, put, rule_settings
from tests.probes import insert, person

MONTH = Month(2026, 6)
AS_OF = MONTH.last_day
TODAY = date(2026, 7, 2)
NOW = datetime(2026, 7, 2, 1, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
MOMENT = {"now": NOW, "today": TODAY}
DAY = timedelta(days=1)
RULES = parse_rule_set(rule_settings(groups=["g"]), known_groups=["g"])
AT = RULES.period(MONTH)
BLUE, YELLOW, RED = SupervisionLevel
STALLED, START = CardKind


@pytest.fixture
def units(db):
    """Cards of `a`: yellow and removal, stalled, and a red overdue start; of `b` a red one in the first industry."""
    ids = add_units(db, {"g": ["a", "b"]})
    put(
        db,
        [
            project("a", negotiating_on=date(2026, 4, 20), entered_on=date(2026, 4, 1)),
            project(
                "a", negotiating_on=date(2026, 1, 9), signed_on=date(2026, 2, 1), planned_start_on=date(2026, 3, 1)
            ),
            project("a", negotiating_on=date(2025, 1, 10)),
            project("b", negotiating_on=date(2026, 3, 20)),
            project("b", negotiating_on=date(2026, 6, 20), entered_on=date(2026, 6, 1)),
        ],
        unit_ids=ids,
    )
    with store.transaction(db, actor="test", now=NOW) as work:
        tea = work.value("select min(id) from industry")
        found = work.find("project", code="T-00003")
        work.update("project", found["id"], found["version"], {"industry_id": tea})
    return ids


@pytest.fixture
def readers(db, units):
    """Who reads, by what they are."""
    tea = db.value("select min(id) from industry")
    return {
        "staff": person("zhangsan", Role.STAFF, unit_id=units["a"]),
        "head": person("wangwu", Role.UNIT_HEAD, unit_id=units["b"]),
        "chief": person("zhaoliu", Role.DISPATCHER),
        "force": person("qianqi", Role.TASKFORCE, industries=(tea,)),
        "admin": person("admin", Role.ADMIN),
    }


def ids(db):
    """The projects' ids by their number."""
    return [row[0] for row in db.rows("select id from project order by code")]


def named(db, who, **asked):
    """The projects whose cards somebody reads, by number, in order."""
    return [int(card.code[2:]) for card in cards.cards(db, who, AT, RULES, CardFilter(**asked))]


# --------------------------------------------------------------------------------------------------------------- cards


def test_counts_are_for_everybody_and_names_within_the_scope(db, units, readers):
    a, b = units["a"], units["b"]
    counted = {
        (a, START, Colour.RED): {"staff", "chief"},
        (a, STALLED, Colour.REMOVAL): {"staff", "chief"},
        (a, STALLED, Colour.YELLOW): {"staff", "chief"},
        (b, STALLED, Colour.RED): {"head", "chief", "force"},
    }
    names = {unit_id: name for name, unit_id in units.items()}
    for who, reader in readers.items():
        assert cards.tally(db, reader, AT, RULES) == [
            Tally(unit_id, names[unit_id], kind, colour, 1, int(who in seeing))
            for (unit_id, kind, colour), seeing in counted.items()
        ]
    assert {who: named(db, reader) for who, reader in readers.items()} == {
        "staff": [2, 1, 0],
        "head": [3],
        "chief": [2, 1, 3, 0],
        "force": [3],
        "admin": [],
    }


def test_a_card_in_full(db, units, readers):
    project_id = ids(db)[1]
    mine = {"code": "no_progress", "subject": "project", "subject_id": project_id}
    insert(db, "explanation", unit_id=units["a"], month="2026-05", content="上月的", **mine)
    insert(db, "explanation", unit_id=units["a"], month="2026-06", content="先前的", **mine)
    start = mine | {"code": "overdue_start"}
    insert(db, "explanation", unit_id=units["a"], month="2026-06", content="等图审", **start)
    insert(db, "explanation", unit_id=units["a"], month="2026-06", content="没有进展", **mine)
    other = {"code": "no_progress", "subject": "enterprise", "subject_id": project_id, "month": "2026-06"}
    insert(db, "explanation", unit_id=units["a"], content="另一种记录", **other)
    made = raise_from_cards(db, readers["chief"], MONTH, RULES, [(project_id, "overdue_start")], **MOMENT)
    ((order_id, number),) = made.orders.items()
    (card,) = cards.cards(db, readers["staff"], AT, RULES, CardFilter(kind=START))
    assert card == Card(
        project_id,
        "T-00001",
        "项目1",
        "投资方",
        units["a"],
        "a",
        START,
        Colour.RED,
        date(2026, 3, 1),
        AS_OF,
        "等图审",
        order_id,
        number,
        YELLOW,
        TODAY + 5 * DAY,
    )
    assert card.days == 121
    close_order(db, readers["chief"], order_id, 1, closed_on=TODAY, result="已开工", **MOMENT)
    (card,) = cards.project_cards(db, readers["staff"], AT, RULES, project_id)
    assert (card.order_id, card.order_number) == (None, "")
    assert cards.project_cards(db, readers["head"], AT, RULES, project_id) == []


def test_filters_and_pages(db, units, readers):
    chief = readers["chief"]
    tea = db.value("select min(id) from industry")
    assert named(db, chief, unit_id=units["a"]) == [2, 1, 0]
    assert named(db, chief, colour=Colour.RED) == [1, 3]
    assert named(db, chief, kind=STALLED) == [2, 3, 0]
    assert named(db, chief, industry_id=tea) == [3]
    pages = [cards.cards(db, chief, AT, RULES, page=page, size=3) for page in (1, 2, 3)]
    assert [[int(card.code[2:]) for card in page] for page in pages] == [[2, 1, 3], [0], []]
    everything = cards.tally(db, readers["staff"], AT, RULES)
    assert cards.seen_and_hidden(everything, CardFilter()) == (3, 1)
    assert cards.seen_and_hidden(everything, CardFilter(colour=Colour.RED, kind=STALLED)) == (0, 1)
    assert sum(each.count for each in cards.tally(db, chief, AT, RULES, industry_id=tea)) == 1


def test_the_workbook_holds_what_the_actor_may_export(db, units, readers, tmp_path):
    path = tmp_path / "cards.xlsx"

    def strings():
        with zipfile.ZipFile(path) as book:
            return "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))

    assert export_cards(db, readers["staff"], MONTH, RULES, CardFilter(), path, now=NOW) == 3
    assert "T-00001" in strings()
    assert "T-00003" not in strings()
    assert db.rows("select actor, action from audit order by id desc limit 1") == [("zhangsan", "export")]
    with pytest.raises(Denied):
        export_cards(db, person("sunba", Role.LEADER), MONTH, RULES, CardFilter(), path, now=NOW)


def test_the_lists_of_every_group_are_those_of_the_ranking(db):
    ids_of = add_units(db, {"g": ["a", "b", "c"], "h": ["d"]})
    day = date(2026, 2, 1)
    signed = [project(unit, negotiating_on=day, signed_on=day, started_on=day) for unit in "abd"]
    waiting = [project(unit, negotiating_on=day) for unit in "bcc"]
    put(db, signed + waiting, unit_ids=ids_of)
    settings = rule_settings(groups=["g", "h"], lists={"red": 1, "black": 1, "target": None})
    current = ranking(db, month=MONTH, rules=parse_rule_set(settings, known_groups=["g", "h"]))
    found = [
        (lists.group, [row.unit.name for row in lists.red], [row.unit.name for row in lists.black])
        for lists in cards.lists_of(current)
    ]
    assert found == [("g", ["a"], ["c"]), ("h", ["d"], [])]
    rules = current.rules
    by_rule = red_and_black(rules, {row.unit.id: row.score for row in current.rows if row.unit.peer_group == "g"})
    assert (by_rule.red, by_rule.black) == ((ids_of["a"],), (ids_of["c"],))


# -------------------------------------------------------------------------------------------------------------- orders


@pytest.fixture
def given(db, units, readers):
    """Orders by name: `late` and `new` of a, `other` of b, `done` of a."""
    chief = readers["chief"]

    def free(unit, demand, days, level=BLUE, **more):
        draft = OrderDraft(level, demand, unit_id=units[unit], due_on=TODAY + days * DAY, **more)
        return raise_order(db, chief, draft, **MOMENT)[0]

    made = {
        "late": free("a", "补报材料100%", 1, project_id=ids(db)[0]),
        "new": free("a", "梳理线索", 9, RED),
        "other": free("b", "机密要求", 2, project_id=ids(db)[3]),
        "done": free("a", "已办的", 3, YELLOW),
    }
    close_order(db, chief, made["done"], 1, closed_on=TODAY, result="办结", **MOMENT)
    return made


LATER = TODAY + 5 * DAY


def test_orders_of_the_own_unit_alone_the_overdue_first(db, readers, given):
    name_of = {order_id: name for name, order_id in given.items()}

    def shown(who, **asked):
        return [name_of[order.id] for order in orders(db, readers[who], OrderFilter(**asked), today=LATER)]

    assert shown("chief") == ["late", "other", "new", "done"]
    assert shown("staff") == ["late", "new", "done"]
    assert shown("head") == ["other"]
    assert shown("force") == shown("admin") == []
    assert shown("chief", state=State.OVERDUE) == ["late", "other"]
    assert shown("chief", state=State.OPEN, level=RED) == ["new"]
    assert shown("chief", state=State.CLOSED) == ["done"]
    assert shown("staff", text="100%") == ["late"]
    assert shown("staff", text="机密") == []
    assert shown("chief", text="项目3") == ["other"]
    assert shown("staff", text="4号") == ["done"]
    assert count_orders(db, readers["chief"], OrderFilter(), today=LATER) == OrderCounts(3, 2, 2, 1)
    assert count_orders(db, readers["staff"], OrderFilter(), today=LATER) == OrderCounts(2, 1, 1, 1)
    assert count_orders(db, readers["force"], OrderFilter(), today=LATER) == OrderCounts(0, 0, 0, 0)


def test_an_order_with_its_timeline_is_for_its_unit_and_the_bureau(db, readers, given):
    answer_order(db, readers["staff"], given["late"], "已补报", **MOMENT)
    record = order_record(db, readers["staff"], given["late"])
    assert (record.may_answer, record.may_supervise, record.order.answered_on) == (True, False, TODAY)
    assert [(step.kind, step.content, step.who) for step in record.steps] == [
        ("issued", "补报材料100%", "zhaoliu"),
        ("feedback", "已补报", "zhangsan"),
    ]
    chief, leader = (order_record(db, who, given["late"]) for who in (readers["chief"], person("sunba", Role.LEADER)))
    assert (chief.may_supervise, leader.may_answer, leader.may_supervise) == (True, False, False)
    for who in ("head", "force", "admin"):
        with pytest.raises(NotFound):
            order_record(db, readers[who], given["late"])


def hand_over(db, number, unit_id):
    """Let a project be another unit's, with nothing that ties it to the one before."""
    with store.transaction(db, actor="test", now=NOW) as work:
        found = work.find("project", id=ids(db)[number])
        work.update("project", found["id"], found["version"], {"unit_id": unit_id})


def test_a_project_that_was_handed_over_is_not_named_to_the_unit_before(db, units, readers, given):
    assert order_record(db, readers["staff"], given["late"]).order.project == "项目0"
    hand_over(db, 0, units["b"])
    order = order_record(db, readers["staff"], given["late"]).order
    assert (order.project_id, order.project) == (None, "")
    assert orders(db, readers["staff"], OrderFilter(text="项目0"), today=TODAY) == []
    assert orders(db, readers["head"], OrderFilter(project_id=ids(db)[0]), today=TODAY) == []


def test_open_orders_stand_on_the_desk_and_in_the_calendar_of_their_unit(db, units, readers, given):
    mine = desk.Whose(mine=True)

    def seen(who, whose=mine):
        found = desk.due(db, readers[who], whose, today=TODAY, kinds=[desk.DueKind.SUPERVISION])
        return [(item.id, item.text, item.due_on, item.enterprise, item.project) for item in found]

    late = (given["late"], "督办〔2026〕1号 补报材料100%", TODAY + DAY, "投资方", "项目0")
    new = (given["new"], "督办〔2026〕2号 梳理线索", TODAY + 9 * DAY, "", "")
    assert seen("staff") == [late, new]
    assert [row[0] for row in seen("head")] == [given["other"]]
    assert seen("chief") == []
    assert [row[0] for row in seen("chief", desk.Whose(unit_id=units["b"]))] == [given["other"]]
    assert seen("force", desk.Whose()) == []
    in_calendar = desk.calendar_items(db, readers["staff"], today=TODAY)
    assert [item.id for item in in_calendar if item.kind is desk.DueKind.SUPERVISION] == [late[0], new[0]]
    hand_over(db, 0, units["b"])
    assert seen("staff") == [(*late[:3], "", ""), new]
