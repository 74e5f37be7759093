"""Points given and taken: with reason and evidence, within bounds, one of a reason; of closed months too."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from crm import store
from crm.actions.adjustments import add_adjustment, change_adjustment, withdraw_adjustment
from crm.actions.closes import close_month
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.metrics import RuleSet
from crm.model import Role
from crm.months import Month
from crm.reports.adjustments import adjustments, adjustments_frame, count_adjustments, effect, effect_frame
from crm.reports.closes import changes_since, get_close
from tests.bureaus import project, put
from tests.probes import SYSTEM, TODAY, dump, person

LATER = datetime(2026, 6, 30, 9, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
MOMENT = {"now": LATER, "today": TODAY}
MAY = Month(2026, 5)
DISPATCHER = person("zhaoliu", Role.DISPATCHER)


@pytest.fixture(autouse=True)
def _audit_is_whole(db):
    """Whatever a test did, the audit chain is whole."""
    yield
    assert store.verify_audit(db) == []


@pytest.fixture
def given(units):
    """Two points for 吉首 in May."""
    return {
        "unit_id": units["吉首"],
        "month": "2026-05",
        "points": Decimal(2),
        "reason": "引进央企项目",
        "evidence": "工商登记",
    }


def refused(call):
    """The fields that a call is refused for."""
    with pytest.raises(Invalid) as invalid:
        call()
    return set(invalid.value.fields)


def listed(db, actor=SYSTEM, **wanted):
    """What the list says, in short."""
    rows = adjustments(db, actor, **wanted)
    assert count_adjustments(db, actor, **wanted) == len(rows)
    return [(row.month, row.unit, row.points, row.reason, row.evidence) for row in rows]


def test_points_are_given_changed_and_taken_back(db, given):
    added = add_adjustment(db, DISPATCHER, given | {"reason": " 引进央企项目 "}, **MOMENT)
    assert listed(db) == [("2026-05", "吉首市", Decimal(2), "引进央企项目", "工商登记")]
    change_adjustment(db, DISPATCHER, added, 1, {"points": Decimal("-1.5"), "month": "2026-04"}, **MOMENT)
    assert listed(db) == [("2026-04", "吉首市", Decimal("-1.5"), "引进央企项目", "工商登记")]
    with pytest.raises(Conflict):
        change_adjustment(db, DISPATCHER, added, 1, {"points": Decimal(3)}, **MOMENT)
    assert refused(lambda: withdraw_adjustment(db, DISPATCHER, added, 2, reason=" ", now=LATER)) == {"reason"}
    withdraw_adjustment(db, DISPATCHER, added, 2, reason="重复登记", now=LATER)
    assert listed(db) == []
    trail = db.rows("select action, actor, note from audit where subject = 'adjustment' order by id")
    assert trail == [("create", "zhaoliu", None), ("update", "zhaoliu", None), ("withdraw", "zhaoliu", "重复登记")]
    for change in (
        lambda: change_adjustment(db, DISPATCHER, added, 3, {"points": Decimal(1)}, **MOMENT),
        lambda: withdraw_adjustment(db, DISPATCHER, added, 3, reason="再", now=LATER),
    ):
        with pytest.raises(NotFound):
            change()


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"unit_id": None}, {"unit_id"}),
        ({"month": None}, {"month"}),
        ({"month": "2026-07"}, {"month"}),
        ({"month": "去年"}, {"month"}),
        ({"reason": "  "}, {"reason"}),
        ({"evidence": ""}, {"evidence"}),
        *(
            ({"points": points}, {"points"})
            for points in (None, Decimal(0), Decimal("100.01"), Decimal(-101), Decimal("0.00001"), Decimal("NaN"))
        ),
        ({"points": None, "reason": "", "evidence": ""}, {"points", "reason", "evidence"}),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(db, given, wrong, fields):
    added = add_adjustment(db, DISPATCHER, given | {"reason": "另一件"}, **MOMENT)
    before = dump(db)
    assert refused(lambda: add_adjustment(db, DISPATCHER, given | wrong, **MOMENT)) == fields
    assert refused(lambda: change_adjustment(db, DISPATCHER, added, 1, wrong, **MOMENT)) == fields
    assert dump(db) == before


@pytest.mark.parametrize("points", ["100", "-100", "0.0001"])
def test_points_at_the_bounds_are_taken(db, given, points):
    add_adjustment(db, DISPATCHER, given | {"points": Decimal(points)}, **MOMENT)
    assert [row[2] for row in listed(db)] == [Decimal(points)]


def test_a_reason_counts_once_in_a_unit_and_month(db, given, units):
    added = add_adjustment(db, DISPATCHER, given, **MOMENT)
    assert refused(lambda: add_adjustment(db, DISPATCHER, given, **MOMENT)) == {"reason"}
    other = add_adjustment(db, DISPATCHER, given | {"unit_id": units["凤凰"]}, **MOMENT)
    same = {"unit_id": units["吉首"]}
    assert refused(lambda: change_adjustment(db, DISPATCHER, other, 1, same, **MOMENT)) == {"reason"}
    withdraw_adjustment(db, DISPATCHER, added, 1, reason="误", now=LATER)
    change_adjustment(db, DISPATCHER, other, 1, same, **MOMENT)
    assert [row[1] for row in listed(db)] == ["吉首市"]


def test_only_the_dispatcher_gives_points(db, given, units):
    added = add_adjustment(db, DISPATCHER, given, **MOMENT)
    before = dump(db)
    for who, error in (
        (person("lisi", Role.UNIT_HEAD, unit_id=units["吉首"]), Denied),
        (person("sunba", Role.LEADER), Denied),
        (person("wangwu", Role.STAFF, unit_id=units["凤凰"]), NotFound),
        (person("admin", Role.ADMIN), NotFound),
    ):
        with pytest.raises(Denied):
            add_adjustment(db, who, given | {"reason": "另一件"}, **MOMENT)
        with pytest.raises(error):
            change_adjustment(db, who, added, 1, {"points": Decimal(9)}, **MOMENT)
        with pytest.raises(error):
            withdraw_adjustment(db, who, added, 1, reason="误", now=LATER)
    assert dump(db) == before


def test_a_list_keeps_to_the_readers_scope_the_newest_month_first(db, given, units):
    for month, unit in (("2026-04", "吉首"), ("2026-05", "凤凰"), ("2026-05", "吉首")):
        add_adjustment(db, DISPATCHER, given | {"month": month, "unit_id": units[unit]}, **MOMENT)
    assert [row[:2] for row in listed(db)] == [("2026-05", "吉首市"), ("2026-05", "凤凰县"), ("2026-04", "吉首市")]
    assert [row[:2] for row in listed(db, month=MAY, unit_id=units["凤凰"])] == [("2026-05", "凤凰县")]
    head = person("lisi", Role.UNIT_HEAD, unit_id=units["吉首"])
    assert [row[:2] for row in listed(db, head)] == [("2026-05", "吉首市"), ("2026-04", "吉首市")]
    assert listed(db, head, unit_id=units["凤凰"]) == []
    pages = [adjustments(db, SYSTEM, page=page, size=2) for page in (1, 2)]
    assert [row.month for page in pages for row in page] == ["2026-05", "2026-05", "2026-04"]
    assert list(adjustments_frame(pages[0])["points"]) == [2.0, 2.0]


def test_the_effect_is_rank_and_score_with_and_without_the_months_points(db, given, units):
    day = date(2026, 3, 5)
    projects = [project("吉首", negotiating_on=day, signed_on=day, started_on=day if n else None) for n in range(2)]
    projects.append(project("凤凰", negotiating_on=day, signed_on=day, started_on=day))
    put(db, projects, unit_ids=units)
    for month, points in (("2026-05", 40), ("2026-04", 99)):
        add_adjustment(db, DISPATCHER, given | {"month": month, "points": Decimal(points)}, **MOMENT)
    found = {row.unit.short_name: row for row in effect(db, month=MAY, rules=RuleSet())}
    shown = [
        (row.points, row.rank, row.score, row.rank_without, row.score_without)
        for row in (found["吉首"], found["凤凰"], found["龙山"])
    ]
    assert shown == [(40, 1, 105, 2, 65), (0, 2, 100, 1, 100), (0, None, None, None, None)]
    frame = effect_frame(list(found.values()), RuleSet()).set_index("unit")
    assert list(frame.loc["吉首市", ["points", "places", "score", "score_without"]]) == [40, 1, 105.0, 65.0]
    assert frame.loc["龙山县", ["points", "places", "score"]].isna().all()


def test_points_of_a_closed_month_appear_beside_what_was_published(db, given):
    close_id = close_month(db, SYSTEM, MAY, rules=RuleSet(), now=LATER, today=TODAY)
    add_adjustment(db, DISPATCHER, given, now=datetime(2026, 6, 30, 10), today=TODAY)  # noqa: DTZ001
    changed = changes_since(db, SYSTEM, get_close(db, close_id)).adjustments
    assert [(change.unit, change.points, change.reason) for change in changed] == [
        ("吉首市", Decimal(2), "引进央企项目")
    ]
