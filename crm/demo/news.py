"""What became known of enterprises (投资动态), and contacts that correct an earlier one."""

import numpy as np
import pandas as pd

from crm.demo.draw import Array, Random, filled, pick, pick_by, texts, workday
from crm.demo.people import Enterprises
from crm.model import MovementKind
from crm.store import Transaction

_WEIGHTS = (0.28, 0.2, 0.14, 0.14, 0.06, 0.1, 0.08)
_SAID: dict[MovementKind, tuple[str, ...]] = {
    MovementKind.EXPANSION: (
        "公告拟投资{amount}亿元扩建{keyword}产能，正在中西部比选厂址",
        "董事会通过增资{amount}亿元，用于{keyword}二期",
    ),
    MovementKind.NEW_LINE: ("新上一条{keyword}生产线，预计半年内投产", "{keyword}新产品通过客户验证，计划新增产线"),
    MovementKind.RELOCATION: ("{city}老厂区列入搬迁计划，正在寻找新址", "拟将{keyword}产能向内陆转移"),
    MovementKind.FINANCING: ("完成新一轮融资，资金主要投向{keyword}", "发行绿色债券{amount}亿元，用于产能建设"),
    MovementKind.LISTING: ("上市申请获受理，募投项目含{keyword}基地", "进入上市辅导期"),
    MovementKind.POLICY: ("入选省级专精特新企业名单", "{keyword}项目列入省重点建设计划"),
    MovementKind.OTHER: ("董事长到访湖南参加产业对接活动", "与高校共建{keyword}联合实验室"),
}
_KINDS = tuple(_SAID)
_SOURCES = ("企业公众号", "交易所公告", "行业协会", "新闻报道", "驻外招商组走访", "商会推荐")
_SHARE = 0.35
_CORRECTIONS = 24


def movements(rng: Random, people: Enterprises, *, first: np.datetime64, end: np.datetime64) -> pd.DataFrame:
    """Return news of a third of the enterprises; `enterprise` is a number."""
    heard = np.flatnonzero(rng.random(len(people.unit)) < _SHARE)
    enterprise = np.sort(np.concatenate([heard, heard[rng.random(len(heard)) < 0.3]]))
    count = len(enterprise)
    span = int((end - first).astype(np.int64)) + 1
    day = workday(first + rng.integers(0, span, count).astype("timedelta64[D]"))
    kind = rng.choice(len(_KINDS), count, p=_WEIGHTS)
    amount = people.frame["intended_amount"].to_numpy()[enterprise] / 1e8
    slots = {
        "city": people.town[enterprise],
        "keyword": people.keyword[enterprise],
        "amount": texts([f"{value:.2g}" for value in amount]),
    }
    return pd.DataFrame(
        {
            "enterprise": enterprise,
            "happened_on": np.maximum(day, first),
            "kind": texts([str(one) for one in _KINDS])[kind],
            "content": filled(pick_by(rng, [_SAID[one] for one in _KINDS], kind), slots),
            "source": pick(rng, _SOURCES, count),
        }
    )


def correct_some(rng: Random, work: Transaction) -> None:
    """Let some contacts correct the one before them with the same enterprise."""
    pairs = work.rows(
        """
        with said as (
            select id, version, happened_on, content,
                lag(id) over one as earlier_id,
                lag(content) over one as earlier,
                lag(happened_on) over one as earlier_on
            from follow_up
            window one as (partition by enterprise_id order by happened_on, id)
        )
        select id, version, earlier_id, earlier from said
        where happened_on - earlier_on between 1 and 10
        order by id
        """
    )
    chosen: Array = np.sort(rng.choice(len(pairs), min(_CORRECTIONS, len(pairs)), replace=False))
    named: set[int] = set()
    rows = []
    for record_id, version, earlier_id, earlier in (pairs[n] for n in chosen):
        if record_id not in named and earlier_id not in named:
            named |= {record_id, earlier_id}
            rows.append((record_id, version, earlier_id, f"更正上一次的记录：{earlier.partition('，')[2] or earlier}"))
    work.update_many("follow_up", ("corrects_id", "content"), rows)
