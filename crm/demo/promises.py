"""What both sides promised in their agreements, and what stood in the way of keeping it, as columns."""

import numpy as np
import pandas as pd

from crm.demo.draw import NAT, NOTHING, Array, Random, after, filled, kept, pick, texts
from crm.demo.people import Reference
from crm.demo.projects import Projects
from crm.model import CommitmentKind, DifficultyKind, DifficultyPhase, Party

# (who, what about, the clause with its amount in 万元, condition, legal basis, how often,
# its amount as part of the contract, days from the signing)
_CLAUSES = (
    (
        Party.GOVERNMENT,
        CommitmentKind.LAND,
        "按约定时限完成项目用地“七通一平”并交付",
        "乙方按期缴纳土地出让金",
        "《土地管理法》及招拍挂程序",
        0.55,
        0.0,
        180,
    ),
    (
        Party.GOVERNMENT,
        CommitmentKind.AWARD,
        "固定资产投资达标后给予设备投资补助{amount}万元",
        "固定资产投资经审计达到约定额度",
        "州产业发展专项资金管理办法",
        0.45,
        0.02,
        620,
    ),
    (
        Party.GOVERNMENT,
        CommitmentKind.UTILITIES,
        "将供水、供电、道路接至项目红线",
        "乙方取得施工许可",
        "园区基础设施建设计划",
        0.4,
        0.0,
        240,
    ),
    (
        Party.GOVERNMENT,
        CommitmentKind.FEE,
        "前三年标准厂房租金减免，合计{amount}万元",
        "年纳税额达到约定额度",
        "标准厂房租赁管理办法",
        0.2,
        0.004,
        365,
    ),
    (
        Party.INVESTOR,
        CommitmentKind.INVESTMENT,
        "两年内完成固定资产投资{amount}万元",
        "甲方按期交付用地",
        "投资合同第三条",
        0.8,
        0.6,
        730,
    ),
    (Party.INVESTOR, CommitmentKind.JOBS, "投产后吸纳本地就业不少于80人", "项目投产", "投资合同第六条", 0.4, 0.0, 800),
    (
        Party.INVESTOR,
        CommitmentKind.OUTPUT,
        "投产次年实现年产值{amount}万元",
        "项目投产满一年",
        "投资合同第七条",
        0.35,
        1.2,
        900,
    ),
)

# (what about, when, what it is, how it was resolved)
_DIFFICULTIES = (
    (DifficultyKind.LAND, DifficultyPhase.LANDING, "用地指标尚未落实，红线内仍有未报批地块", "调剂指标，已完成报批"),
    (DifficultyKind.DEMOLITION, DifficultyPhase.LANDING, "红线内两户房屋征拆未签协议", "已签订补偿协议并腾地"),
    (DifficultyKind.APPROVAL, DifficultyPhase.LANDING, "环评批复时限紧，影响施工许可办理", "并联审批，已取得批复"),
    (DifficultyKind.POWER, DifficultyPhase.CONSTRUCTION, "临时用电容量不足，10千伏专线未接通", "专线已接通送电"),
    (DifficultyKind.WATER, DifficultyPhase.CONSTRUCTION, "园区供水管网压力不足", "已增设加压泵站"),
    (DifficultyKind.FINANCE, DifficultyPhase.CONSTRUCTION, "银行授信未批，后续建设资金紧张", "银企对接，授信已获批"),
    (DifficultyKind.LABOUR, DifficultyPhase.OPERATION, "熟练工缺口约60人", "专场招聘与技校订单班已落实"),
)


def commitments(rng: Random, reference: Reference, projects: Projects, *, end: np.datetime64) -> pd.DataFrame:
    """Return what was promised at each signing; most of what is due by now was kept."""
    signed = projects.day("signed_on")
    contracted = projects.frame["contracted_amount"].to_numpy(np.float64)
    parts = []
    for party, kind, clause, condition, basis, share, part, days in _CLAUSES:
        rows = np.flatnonzero(~np.isnat(signed) & (rng.random(len(signed)) < share))
        due = signed[rows] + rng.integers(int(days * 0.7), int(days * 1.3), len(rows)).astype("timedelta64[D]")
        amount = np.maximum(np.round(contracted[rows] * part / 100_000), 1) * 100_000
        plain = texts([f"{value / 10_000:,.0f}" for value in amount])
        early = due - rng.integers(0, 60, len(rows)).astype("timedelta64[D]")
        keeps = (early <= end) & (early >= signed[rows]) & (rng.random(len(rows)) < 0.9)
        reviewed = party is Party.GOVERNMENT
        parts.append(
            pd.DataFrame(
                {
                    "project": rows,
                    "party": str(party),
                    "kind": str(kind),
                    "clause": filled(texts([clause] * len(rows)), {"amount": plain}),
                    "condition": condition,
                    "legal_basis": basis,
                    "amount": amount if part else np.nan,
                    "due_on": due,
                    "unit_id": reference.units["id"].to_numpy()[projects.unit][rows],
                    "review_result": "通过" if reviewed else NOTHING,
                    "review_number": texts(
                        [f"公竞审〔{day.astype('datetime64[Y]')}〕{n}号" for n, day in enumerate(due, 1)]
                    )
                    if reviewed
                    else NOTHING,
                    "fulfilled_on": np.where(keeps & (np.isnat(projects.day("withdrawn_on")[rows])), early, NAT),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def difficulties(rng: Random, reference: Reference, projects: Projects, *, end: np.datetime64) -> pd.DataFrame:
    """Return what stood in the way of every fourth signed project; most of it was resolved within weeks."""
    signed = projects.day("signed_on")
    troubled = ~np.isnat(signed) & np.isnat(projects.day("withdrawn_on")) & (rng.random(len(signed)) < 0.28)
    raised = after(signed, rng.integers(20, 420, len(signed)), end=end, where=troubled)
    rows = np.flatnonzero(~np.isnat(raised))
    number = rng.integers(0, len(_DIFFICULTIES), len(rows))
    raised_on: Array = raised[rows]
    resolved = after(raised_on, rng.integers(10, 150, len(rows)), end=end, where=rng.random(len(rows)) < 0.86)
    kind, phase, content, result = (
        texts([str(trouble[n]) for trouble in _DIFFICULTIES])[number] for n in range(len(_DIFFICULTIES[0]))
    )
    return pd.DataFrame(
        {
            "project": rows,
            "kind": kind,
            "phase": phase,
            "content": content,
            "raised_on": raised_on,
            "unit_id": reference.units["id"].to_numpy()[projects.unit][rows],
            "due_on": raised_on + pick(rng, (15, 30, 45, 60), len(rows)).astype("timedelta64[D]"),
            "resolved_on": resolved,
            "result": kept(result, ~np.isnat(resolved)),
        }
    )
