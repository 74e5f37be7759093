"""The life of a supervision order, against a plain model of it; numbers, levels, rights, conflicts."""

import threading
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import store
from crm.actions.attachments import attach
from crm.actions.supervision import (
    OrderDraft,
    answer_order,
    close_order,
    escalate_orders,
    extend_order,
    raise_from_cards,
    raise_order,
    reopen_order,
)
from crm.errors import Conflict, CrmError, Denied, Invalid, NotFound, Refused
from crm.metrics import CardKind, parse_rule_set
from crm.model import FileDraft, Role, SupervisionLevel
from crm.months import Month
from crm.reports.findings import findings
from crm.reports.supervision import OrderFilter, due_to_rise, order_record, orders
from crm.rules import DAYS_OF_LEVEL
from tests.bureaus import add_units, project, put, rule_settings
from tests.probes import dump, person

MONTH = Month(2026, 6)
TODAY = date(2026, 7, 2)
NOW = datetime(2026, 7, 2, 1, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
MOMENT = {"now": NOW, "today": TODAY}
DAY = timedelta(days=1)
BLUE, YELLOW, RED = SupervisionLevel
RULES = parse_rule_set(rule_settings(groups=["g"]), known_groups=["g"])


@pytest.fixture
def units(db):
    """Two units of a group of their own, with three cards of `a`: yellow, red, removal; and one of `b`."""
    ids = add_units(db, {"g": ["a", "b"]})
    put(
        db,
        [
            project("a", negotiating_on=date(2026, 4, 20), entered_on=date(2026, 4, 1)),
            project(
                "a", negotiating_on=date(2026, 1, 10), signed_on=date(2026, 2, 1), planned_start_on=date(2026, 3, 1)
            ),
            project("a", negotiating_on=date(2025, 1, 10)),
            project("b", negotiating_on=date(2026, 3, 20)),
        ],
        unit_ids=ids,
    )
    return ids


@pytest.fixture
def chief():
    """The dispatcher."""
    return person("zhaoliu", Role.DISPATCHER)


@pytest.fixture
def staff(units):
    """Somebody of unit a."""
    return person("zhangsan", Role.STAFF, unit_id=units["a"])


def keys(db):
    """The cards by the number of their project."""
    ids = [row[0] for row in db.rows("select id from project order by code")]
    kinds = [CardKind.STALLED, CardKind.OVERDUE_START, CardKind.STALLED, CardKind.STALLED]
    return [(project_id, str(kind)) for project_id, kind in zip(ids, kinds, strict=True)]


def stored(db):
    """The orders as they stand."""
    return db.records("select * from supervision_order order by id")


def refused(call):
    """The fields that a call is refused for."""
    with pytest.raises(Invalid) as invalid:
        call()
    return set(invalid.value.fields)


def raised(db, chief, number=0, **given):
    """Raise the order of one card and return it."""
    made = raise_from_cards(db, chief, MONTH, RULES, [keys(db)[number]], **{**MOMENT, **given})
    (order_id,) = made.orders
    return order_record(db, chief, order_id).order


# ------------------------------------------------------------------------------------------------------------- raising


def test_orders_of_cards_take_level_day_and_text_from_their_card(db, units, chief):
    made = raise_from_cards(db, chief, MONTH, RULES, keys(db)[:3], **MOMENT)
    found = stored(db)
    assert [(o["level"], o["due_on"] - TODAY) for o in found] == [
        # The gravest card first.
        ("red", timedelta(days=3)),
        ("yellow", timedelta(days=5)),
        ("blue", timedelta(days=7)),
    ]
    assert list(made.orders.values()) == [f"督办〔2026〕{n}号" for n in (1, 2, 3)]
    assert [(o["unit_id"], o["month"], o["card"]) for o in found] == [
        (units["a"], "2026-06", card) for card in ("stalled", "overdue_start", "stalled")
    ]
    assert found[1]["demand"].startswith(
        "项目1（T-00001）应于2026年3月1日开工，截至2026年6月30日仍未开工，已超期121天。"
    )
    assert "退库" in found[0]["demand"]
    assert "退库" not in found[2]["demand"]
    steps = db.rows("select order_id, kind, happened_on, level, due_on, content from supervision_step order by id")
    assert steps == [(o["id"], "issued", TODAY, o["level"], o["due_on"], o["demand"]) for o in found]


def test_a_card_with_an_open_order_is_passed_over_and_said(db, units, chief):
    first = raised(db, chief, 0)
    made = raise_from_cards(db, chief, MONTH, RULES, [keys(db)[0], keys(db)[3], (10**9, "stalled")], **MOMENT)
    assert (len(made.orders), made.skipped, made.gone) == (1, ["项目0"], 1)
    close_order(db, chief, first.id, 1, closed_on=TODAY, result="已签约", **MOMENT)
    again = raise_from_cards(db, chief, MONTH, RULES, [keys(db)[0]], **MOMENT)
    assert (list(again.orders.values()), again.skipped) == (["督办〔2026〕3号"], [])


def test_what_the_person_chooses_goes_before_the_rule(db, units, chief):
    given = {"level": RED, "due_on": TODAY + 20 * DAY, "demand": "  书面说明  "}
    raise_from_cards(db, chief, MONTH, RULES, keys(db)[:2], **MOMENT, **given)
    assert {(o["level"], o["due_on"], o["demand"]) for o in stored(db)} == {("red", TODAY + 20 * DAY, "书面说明")}


def test_a_free_order_goes_to_a_unit_or_to_the_unit_that_holds_the_project_now(db, units, chief):
    raise_order(db, chief, OrderDraft(BLUE, "补报月报", unit_id=units["b"]), **MOMENT)
    project_id = keys(db)[0][0]
    raise_order(db, chief, OrderDraft(YELLOW, "报送方案", unit_id=units["b"], project_id=project_id), **MOMENT)
    found = [(o["number"], o["unit_id"], o["project_id"], o["card"], o["month"]) for o in stored(db)]
    assert found == [
        ("督办〔2026〕1号", units["b"], None, None, None),
        ("督办〔2026〕2号", units["a"], project_id, None, None),
    ]


def test_an_order_says_at_each_field_what_is_wrong(db, units, chief):
    past = TODAY - DAY
    assert refused(lambda: raise_order(db, chief, OrderDraft(None, " ", due_on=past), **MOMENT)) == {
        "level",
        "unit_id",
        "demand",
        "due_on",
    }
    assert refused(lambda: raise_from_cards(db, chief, MONTH, RULES, [], due_on=past, **MOMENT)) == {"cards", "due_on"}
    order = raised(db, chief)
    assert refused(lambda: answer_order(db, chief, order.id, " ", **MOMENT)) == {"content"}
    assert refused(lambda: extend_order(db, chief, order.id, 1, due_on=order.due_on, reason="", **MOMENT)) == {
        "due_on",
        "reason",
    }
    for day in (None, TODAY + DAY, TODAY - DAY):
        assert refused(lambda day=day: close_order(db, chief, order.id, 1, closed_on=day, result="", **MOMENT)) == {
            "closed_on",
            "result",
        }
    close_order(db, chief, order.id, 1, closed_on=TODAY, result="已办结", **MOMENT)
    assert refused(lambda: reopen_order(db, chief, order.id, 2, due_on=past, reason="", **MOMENT)) == {
        "due_on",
        "reason",
    }


def test_numbers_are_by_year_and_go_on_after_the_largest(db, units, chief):
    raise_order(db, chief, OrderDraft(BLUE, "甲", unit_id=units["a"]), **MOMENT)
    for n in range(2, 12):
        raise_order(db, chief, OrderDraft(BLUE, str(n), unit_id=units["a"]), **MOMENT)
    later = {"now": datetime(2027, 1, 4), "today": date(2027, 1, 4)}  # noqa: DTZ001
    raise_order(db, chief, OrderDraft(BLUE, "乙", unit_id=units["a"]), **later)
    numbers = [o["number"] for o in stored(db)]
    assert numbers == [*(f"督办〔2026〕{n}号" for n in range(1, 12)), "督办〔2027〕1号"]


def test_orders_raised_at_once_get_numbers_of_their_own(db, units, chief):
    def some():
        for _n in range(4):
            raise_order(db, chief, OrderDraft(BLUE, "同时", unit_id=units["a"]), **MOMENT)

    threads = [threading.Thread(target=some) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(o["number"] for o in stored(db)) == sorted(f"督办〔2026〕{n}号" for n in range(1, 17))


# -------------------------------------------------------------------------------------------------------------- rights


def test_only_who_supervises_raises_and_ends_orders_and_the_unit_answers_its_own(db, units, chief, staff):
    own, foreign = raised(db, chief, 0), raised(db, chief, 3)
    head = person("lisi", Role.UNIT_HEAD, unit_id=units["a"])
    leader = person("sunba", Role.LEADER)
    before = dump(db)
    for who in (staff, head, leader, person("qianqi", Role.TASKFORCE)):
        with pytest.raises(Denied):
            raise_order(db, who, OrderDraft(BLUE, "越权", unit_id=units["a"]), **MOMENT)
        with pytest.raises(Denied):
            raise_from_cards(db, who, MONTH, RULES, keys(db)[:1], **MOMENT)
        with pytest.raises(Denied):
            escalate_orders(db, who, [(own.id, 1)], **MOMENT)
    for who in (staff, head, leader):
        with pytest.raises(Denied):
            close_order(db, who, own.id, 1, closed_on=TODAY, result="自行销号", **MOMENT)
        with pytest.raises(Denied):
            extend_order(db, who, own.id, 1, due_on=TODAY + 30 * DAY, reason="x", **MOMENT)
    with pytest.raises(Denied):
        answer_order(db, leader, own.id, "已阅", **MOMENT)
    with pytest.raises(NotFound):
        answer_order(db, staff, foreign.id, "别人的", **MOMENT)
    with pytest.raises(NotFound):
        close_order(db, staff, foreign.id, 1, closed_on=TODAY, result="x", **MOMENT)
    with pytest.raises(NotFound):
        attach(db, staff, "supervision_order", foreign.id, [FileDraft("a.txt", b"x")], now=NOW)
    assert dump(db) == before
    answer_order(db, staff, own.id, "已约谈投资方", **MOMENT)
    answer_order(db, head, own.id, "已报专班", **MOMENT)
    attach(db, staff, "supervision_order", own.id, [FileDraft("回复.txt", b"x")], now=NOW)
    said = [(step.kind, step.content) for step in order_record(db, chief, own.id).steps]
    assert said[1:] == [("feedback", "已约谈投资方"), ("feedback", "已报专班")]
    assert store.verify_audit(db) == []
    assert [f for f in findings(db, today=TODAY) if f.subject.startswith("supervision")] == []


def test_two_who_change_an_order_at_once_meet_a_conflict_and_answers_do_not(db, units, chief, staff):
    order = raised(db, chief)
    answer_order(db, staff, order.id, "办理中", **MOMENT)
    extend_order(db, chief, order.id, order.version, due_on=TODAY + 9 * DAY, reason="节后办理", **MOMENT)
    before = dump(db)
    for call in (
        lambda: extend_order(db, chief, order.id, order.version, due_on=TODAY + 12 * DAY, reason="x", **MOMENT),
        lambda: close_order(db, chief, order.id, order.version, closed_on=TODAY, result="x", **MOMENT),
    ):
        with pytest.raises(Conflict):
            call()
    late = {"now": NOW, "today": TODAY + 10 * DAY}
    with pytest.raises(Conflict):
        escalate_orders(db, chief, [(order.id, order.version)], **late)
    assert dump(db) == before


def test_many_rise_at_once_or_none(db, units, chief):
    rising = [raised(db, chief, n, level=BLUE) for n in (0, 1)]
    early = raised(db, chief, 3, due_on=TODAY + 30 * DAY)
    late = {"now": NOW, "today": TODAY + 8 * DAY}
    before = dump(db)
    with pytest.raises(Refused):
        escalate_orders(db, chief, [*((o.id, o.version) for o in rising), (early.id, 1)], **late)
    assert dump(db) == before
    found = due_to_rise(db, chief, OrderFilter(), today=late["today"])
    assert [o.id for o in found] == [o.id for o in rising]
    assert escalate_orders(db, chief, [(o.id, o.version) for o in found], **late) == 2
    assert [(o["level"], o["due_on"]) for o in stored(db)][:2] == [("yellow", late["today"] + 5 * DAY)] * 2
    assert due_to_rise(db, chief, OrderFilter(), today=late["today"]) == []


def test_an_order_is_not_opened_again_beside_another_of_its_card(db, units, chief):
    first = raised(db, chief)
    close_order(db, chief, first.id, 1, closed_on=TODAY, result="已办结", **MOMENT)
    raised(db, chief)
    with pytest.raises(Refused):
        reopen_order(db, chief, first.id, 2, due_on=TODAY + DAY, reason="未落实", **MOMENT)


# ----------------------------------------------------------------------------------- a life, beside a plain model of it


@dataclass
class Plain:
    """An order as the rules describe it."""

    level: str
    due_on: date
    card: int | None
    version: int = 1
    closed_on: date | None = None
    result: str | None = None
    events: list = field(default_factory=list)

    def note(self, kind, day, content):
        self.events.append((kind, day, self.level, self.due_on, content))


ABOVE = {"blue": "yellow", "yellow": "red"}
OF_COLOUR = ["blue", "yellow", "red", "yellow"]  # by the cards of the bureau: yellow, red, removal, red
EVENTS = st.one_of(
    st.tuples(st.just("free"), st.sampled_from(["blue", "yellow", "red"])),
    st.tuples(st.just("cards"), st.sets(st.integers(0, 3), min_size=1)),
    st.tuples(st.just("wait"), st.integers(1, 9)),
    st.tuples(st.sampled_from(["answer", "escalate", "close", "reopen"]), st.integers(0, 3)),
    st.tuples(st.just("extend"), st.integers(0, 3), st.integers(-2, 9)),
)


def live(model, cards, event, today):
    """Let one thing happen to the model; returns whether it may."""
    kind, what, *more = event
    if kind == "free":
        order = Plain(what, today + timedelta(days=DAYS_OF_LEVEL[what]), None)
        order.note("issued", today, "要求")
        model.append(order)
        return True
    if kind == "cards":
        for n in sorted(what, key=cards.index):
            if not any(order.card == n and order.closed_on is None for order in model):
                order = Plain(OF_COLOUR[n], today + timedelta(days=DAYS_OF_LEVEL[OF_COLOUR[n]]), n)
                order.note("issued", today, "要求")
                model.append(order)
        return True
    if what >= len(model):
        return None
    order = model[what]
    is_open = order.closed_on is None
    if kind == "answer":
        if is_open:
            order.note("feedback", today, "进展")
        return is_open
    if kind == "escalate":
        allowed = is_open and order.due_on < today and order.level != "red"
        if allowed:
            order.level = ABOVE[order.level]
            order.due_on = today + timedelta(days=DAYS_OF_LEVEL[order.level])
            order.note("escalated", today, "升级")
    elif kind == "extend":
        day = today + more[0] * DAY
        allowed = is_open and day > order.due_on and day >= today
        if allowed:
            order.due_on = day
            order.note("extended", today, "延期")
    elif kind == "close":
        allowed = is_open
        if allowed:
            order.closed_on, order.result = today, "办结"
            order.note("closed", today, "办结")
    else:
        twin = any(o.card == order.card and o.closed_on is None for o in model) and order.card is not None
        allowed = not is_open and not twin
        if allowed:
            order.closed_on = order.result = None
            order.due_on = today + 4 * DAY
            order.note("reopened", today, "重办")
    order.version += allowed
    return allowed


def act(db, chief, unit_id, event, today, model):
    """Do the same to the database."""
    kind, what, *more = event
    moment = {"now": NOW, "today": today}
    if kind == "free":
        return raise_order(db, chief, OrderDraft(SupervisionLevel(what), "要求", unit_id=unit_id), **moment)
    if kind == "cards":
        chosen = [keys(db)[n] for n in what]
        return raise_from_cards(db, chief, MONTH, RULES, chosen, demand="要求", **moment)
    order = stored(db)[what]
    at = (order["id"], order["version"])
    if kind == "answer":
        return answer_order(db, chief, order["id"], "进展", **moment)
    if kind == "escalate":
        return escalate_orders(db, chief, [at], reason="升级", **moment)
    if kind == "extend":
        return extend_order(db, chief, *at, due_on=today + more[0] * DAY, reason="延期", **moment)
    if kind == "close":
        return close_order(db, chief, *at, closed_on=today, result="办结", **moment)
    return reopen_order(db, chief, *at, due_on=today + 4 * DAY, reason="重办", **moment)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, max_size=14))
def test_an_order_lives_as_the_model_says(db, units, chief, events):
    with store.transaction(db, actor="test", now=NOW) as work:
        for table in ("supervision_order", "supervision_step"):
            work.session.execute(f"delete from {table}")
    cards = [2, 1, 3, 0]  # in the order in which they are raised: the gravest and oldest first
    model, today = [], TODAY
    for event in events:
        if event[0] == "wait":
            today += event[1] * DAY
            continue
        allowed = live(model, cards, event, today)
        if allowed is None:
            continue
        if allowed:
            act(db, chief, units["a"], event, today, model)
        else:
            before = stored(db)
            with pytest.raises(CrmError):
                act(db, chief, units["a"], event, today, model)
            assert stored(db) == before
    found = stored(db)
    assert [(o["level"], o["due_on"], o["version"], o["closed_on"], o["result"]) for o in found] == [
        (o.level, o.due_on, o.version, o.closed_on, o.result) for o in model
    ]
    of_card = {key: n for n, key in enumerate(keys(db))}
    assert [of_card.get((o["project_id"], o["card"])) for o in found] == [o.card for o in model]
    assert [o["number"] for o in found] == [f"督办〔2026〕{n}号" for n in range(1, len(model) + 1)]
    for row, order in zip(found, model, strict=True):
        steps = db.rows(
            "select kind, happened_on, level, due_on, content from supervision_step where order_id = $1 order by id",
            [row["id"]],
        )
        assert steps == order.events
    waiting = [o for o in model if o.closed_on is None]
    listed = orders(db, chief, OrderFilter(), today=today)
    assert [o.due_on for o in listed if o.closed_on is None] == sorted(o.due_on for o in waiting)
    rising = due_to_rise(db, chief, OrderFilter(), today=today)
    assert len(rising) == sum(o.due_on < today and o.level != "red" for o in waiting)
