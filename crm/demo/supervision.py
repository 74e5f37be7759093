"""Supervision orders of the last months: raised from the gravest cards, answered, extended, escalated, closed."""

from datetime import date, timedelta
from typing import Any

from crm.demo.draw import Random
from crm.metrics import CardKind, RuleSet
from crm.model import Actor, SupervisionEvent, SupervisionLevel
from crm.months import Month
from crm.reports.cards import Card, cards, default_demand
from crm.rules import LEVEL_OF_CARD, ORDER_NUMBER, next_level, order_due_on
from crm.store import Transaction

_MONTHS, _OF_A_UNIT = 6, 2
_FREE = (
    (
        "上月月报迟报两天，且有三个项目的开工日期与佐证材料不一致。请说明原因，更正数据，并落实专人负责报送。",
        "补报和更正已核实",
    ),
    ("驻点招商线索三个月没有更新。请梳理在谈线索，逐条明确对接人和下一步安排。", "线索已逐条更新"),
    ("已签约项目的合同和评审材料没有归档。请对照清单补齐并上传。", "材料已补齐归档"),
)
_ANSWERS = {
    CardKind.STALLED: (
        "已与投资方负责人通话，对方在等集团董事会审议投资方案，预计下旬有结果。",
        "分管领导带队赴企业总部对接，对方提出的物流成本问题正与物流园商定优惠价。",
        "投资方提出调整选址，已重新推荐两处地块，约定下周现场踏勘。",
        "已就合同文本的三条分歧交换意见，法务正在修改。",
    ),
    CardKind.OVERDUE_START: (
        "施工许可证已报审，图审意见正在整改，预计本月内取得批复后开工。",
        "剩余两户征拆协议已签订，场地平整队伍已进场。",
        "企业首期资本金已到账，正在办理施工招标。",
        "临时用电方案已获批复，供电专线正在架设。",
    ),
    None: ("已召开专题会部署，明确一名副职牵头，本周内完成。", "正在逐项核对，已完成大半。"),
}
_RESULTS = {
    CardKind.STALLED: ("已恢复洽谈，双方商定了签约时间", "投资方明确暂缓投资，同意退出项目库", "已签订框架协议"),
    CardKind.OVERDUE_START: ("已取得施工许可并开工建设，现场已核实", "已明确开工时间并报送施工计划"),
}
_LATER = ("要素协调需要时间，同意延期办理。", "投资方内部决策未完成，同意延期一次。")
_AGAIN = "回访发现约定事项没有落实，重新督办。"


def supervise(rng: Random, work: Transaction, months: list[Month], *, end: date) -> None:
    """Raise orders from the cards of the last months, and a few about units themselves, and let them take their way."""
    rules, actor = RuleSet(), Actor("system:demo", name="demo")
    orders: list[dict[str, Any]] = []
    busy: set[tuple[int, str]] = set()
    for month in months[-_MONTHS - 1 : -1]:
        of_unit: dict[int, list[Card]] = {}
        for card in cards(work, actor, rules.period(month), rules, size=None):
            if card.key not in busy:
                of_unit.setdefault(card.unit_id, []).append(card)
        for card in (held[n] for held in of_unit.values() for n in sorted(_some(rng, len(held)))):
            busy.add(card.key)
            about = {"project_id": card.project_id, "month": str(month), "card": str(card.kind)}
            level, demand = LEVEL_OF_CARD[card.colour], default_demand(card)
            orders.append(_order(rng, month, card.unit_id, level, demand, about, card.kind, end))
    units = [row[0] for row in work.rows("select id from unit where kind = 'county' order by display_order, id")]
    for number, (demand, _result) in enumerate(_FREE):
        unit_id, month = units[int(rng.integers(len(units)))], months[-2 - number]
        orders.append(_order(rng, month, unit_id, SupervisionLevel.BLUE, demand, {}, None, end))
    _write(work, sorted((order for order in orders if order["issued_on"] <= end), key=lambda order: order["issued_on"]))


def _some(rng: Random, count: int) -> set[int]:
    """Choose a few of so many cards."""
    return {int(n) for n in rng.integers(0, count, int(rng.integers(0, _OF_A_UNIT + 1)))}


def _order(
    rng: Random,
    month: Month,
    unit_id: int,
    level: SupervisionLevel,
    demand: str,
    about: dict[str, Any],
    kind: CardKind | None,
    end: date,
) -> dict[str, Any]:
    """Return one order as it stands at the end, with its steps."""
    day = month.last_day + timedelta(days=int(rng.integers(4, 9)))
    order: dict[str, Any] = {"project_id": None, "month": None, "card": None, "closed_on": None, "result": None}
    order |= {**about, "unit_id": unit_id, "level": level, "demand": demand, "issued_on": day}
    order |= {"due_on": order_due_on(level, day), "steps": []}

    def note(event: SupervisionEvent, content: str) -> None:
        order["steps"].append((str(event), day, str(order["level"]), order["due_on"], content))

    def text(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    results = _RESULTS[kind] if kind else tuple(result for said, result in _FREE if said == demand)
    note(SupervisionEvent.ISSUED, demand)
    while True:
        answers = [said for said in _ANSWERS[kind] if said not in {step[-1] for step in order["steps"]}]
        if answers and rng.random() < 0.7:
            day += timedelta(days=int(rng.integers(1, 4)))
            if day > end:
                break
            note(SupervisionEvent.FEEDBACK, text(tuple(answers)))
        chance = rng.random()
        if chance < 0.45:
            day = max(day, order["due_on"]) - timedelta(days=int(rng.integers(0, 2)))
            if not order["steps"][-1][1] <= day <= end:
                break
            order["closed_on"], order["result"] = day, text(results)
            note(SupervisionEvent.CLOSED, order["result"])
            if rng.random() > 0.06 or day + timedelta(days=12) > end:
                break
            day += timedelta(days=12)
            order |= {"closed_on": None, "result": None, "due_on": order_due_on(order["level"], day)}
            note(SupervisionEvent.REOPENED, _AGAIN)
        elif chance < 0.65 and not any(step[0] == SupervisionEvent.EXTENDED for step in order["steps"]):
            day += timedelta(days=1)
            if day > end:
                break
            order["due_on"] = max(order["due_on"], day) + timedelta(days=int(rng.integers(15, 50)))
            note(SupervisionEvent.EXTENDED, text(_LATER))
        else:
            day = max(day, order["due_on"]) + timedelta(days=int(rng.integers(1, 4)))
            higher = next_level(order["level"], due_on=order["due_on"], closed_on=None, today=day)
            # Some escalations are forgotten for a while.
            if day > end or (rng.random() < 0.3 and day > end - timedelta(days=60)):
                break
            if higher is None:
                continue
            content = f"逾期未销号（原定{order['due_on']}前办结），升级督办。"
            order |= {"level": higher, "due_on": order_due_on(higher, day)}
            note(SupervisionEvent.ESCALATED, content)
    if order["closed_on"] is None and day < end and rng.random() < 0.6:
        day = end - timedelta(days=int(rng.integers(0, min((end - order["steps"][-1][1]).days, 6) + 1)))
        order["due_on"] = max(order["due_on"], end) + timedelta(days=int(rng.integers(22, 60)))
        note(SupervisionEvent.EXTENDED, text(_LATER))
    return order


_COLUMNS = ("unit_id", "project_id", "month", "card", "level", "demand", "issued_on", "due_on", "closed_on", "result")


def _write(work: Transaction, orders: list[dict[str, Any]]) -> None:
    last: dict[int, int] = {}
    rows = []
    for order in orders:
        year = order["issued_on"].year
        last[year] = last.get(year, 0) + 1
        number = ORDER_NUMBER.format(year=year, number=last[year])
        rows.append((number, *(str(order[name]) if name == "level" else order[name] for name in _COLUMNS)))
    ids = work.insert_many("supervision_order", ("number", *_COLUMNS), rows)
    steps = [(i, *step) for i, order in zip(ids, orders, strict=True) for step in order["steps"]]
    columns = ("order_id", "kind", "happened_on", "level", "due_on", "content")
    work.insert_many("supervision_step", columns, steps)
