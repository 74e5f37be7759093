"""The months as the units handed them in, what they said about findings, and a few projects that two units report."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import repeat

from crm.demo.draw import Array, Random, pick
from crm.demo.people import Reference
from crm.model import ProjectStatus
from crm.months import Month
from crm.reports.oddities import monthly_oddities, oddities
from crm.rules import SUBMIT_DAY
from crm.store import Params, Transaction, name_key, search_text

_REASONS: dict[str, tuple[str, ...]] = {
    "overdue_start": (
        "用地指标正在报批，预计下月取得批复后进场",
        "环评报告已受理公示，批复后即可开工",
        "企业优化建设方案，已书面约定推迟一个季度开工",
        "施工许可证资料已补正，正在窗口办理",
        "配套道路尚未贯通，园区已排定工期",
    ),
    "no_progress": (
        "处于审批等待期，本月无新的节点",
        "企业负责人境外出差，已约定下月初会商",
        "驻点干部轮换，下月补访",
    ),
    "capital_out_of_proportion": (
        "投资主体为集团新设子公司，由母公司出资并担保，证明已核验",
        "已约定分期增资，首期增资手续办理中",
    ),
}
_EXPLAINED = 0.35
_LATE = 0.06
_NOTES = (None, None, None, "台账已核对", "与园区数据核对一致")
_TWINS = 3


def hand_in_months(
    rng: Random, work: Transaction, reference: Reference, staff: Array, months: list[Month], *, now: datetime
) -> None:
    """Let the counties and parks hand in these months: mostly in time, one of them the last month not at all."""
    absent = int(rng.choice(reference.home))
    rows = []
    for month in months:
        first = month.plus(1).first_day
        for unit in reference.home:
            late = rng.random() < _LATE
            day = first + timedelta(days=int(SUBMIT_DAY + rng.integers(0, 4) if late else rng.integers(0, SUBMIT_DAY)))
            at = datetime.combine(day, time(int(rng.integers(1, 9)), int(rng.integers(0, 60))))
            warnings, note = int(rng.integers(4, 30)), pick(rng, _NOTES, 1)[0]
            if at <= now and not (unit == absent and month == months[-1]):
                unit_id = int(reference.units["id"].iloc[unit])
                rows.append((unit_id, str(month), at, staff[unit, 1], 0, warnings, note))
    work.insert_many(
        "unit_month",
        (
            "unit_id",
            "month",
            "submitted_at",
            "submitted_by",
            "blocking_findings",
            "warning_findings",
            "note",
        ),
        rows,
    )


def explain_some(
    rng: Random, work: Transaction, reference: Reference, staff: Array, month: Month, *, today: date
) -> None:
    """Explain a part of what is found about a month and about amounts, each with the reason a unit would give."""
    people = dict(zip(reference.units["id"], staff[:, 0], strict=True))
    rows = []
    for check in [*monthly_oddities(month, today=today), *oddities()]:
        if check.code in _REASONS and not check.part:
            found = work.rows(
                f"select f.id, p.unit_id from ({check.sql}) f join project p on p.id = f.id order by f.id", check.params
            )
            chosen = [row for row, drawn in zip(found, rng.random(len(found)), strict=True) if drawn < _EXPLAINED]
            said = pick(rng, _REASONS[check.code], len(chosen))
            of_month = str(month) if check.monthly else None
            rows += [
                (people[unit_id], people[unit_id], unit_id, check.code, "project", project_id, of_month, reason)
                for (project_id, unit_id), reason in zip(chosen, said, strict=True)
            ]
    # Each was said by a person of the unit, not by the demonstration.
    columns = ("created_by", "updated_by", "unit_id", "code", "subject", "subject_id", "month", "content")
    stamps = zip(work.new_ids(len(rows)), repeat(1), repeat(work.now), repeat(work.now))
    work.session.load(
        "explanation",
        ("id", "version", "created_at", "updated_at", *columns),
        [(*stamp, *row) for stamp, row in zip(stamps, rows, strict=False)],
    )


def report_some_twice(work: Transaction) -> None:
    """Let a few projects of one investor in two units be one and the same, as both count it for themselves."""
    params = Params()
    withdrawn, most = params.add(ProjectStatus.WITHDRAWN), params.add(_TWINS)
    rows = []
    for name, amount, other_id, version, code in work.rows(
        f"""
        select distinct on (other.id) one.name, one.planned_investment, other.id, other.version, other.code
        from project one
        join project other on other.enterprise_id = one.enterprise_id and other.unit_id <> one.unit_id
            and other.id > one.id
        where one.status <> {withdrawn} and other.status <> {withdrawn}
        order by other.id, one.id
        limit {most}
        """,
        params,
    ):
        stem = str(name).removesuffix("项目").removesuffix("建设")
        twin = f"{stem}项目" if str(name).endswith("建设项目") else f"{stem}建设项目"
        like = (amount * Decimal("1.03")).quantize(Decimal(1))
        rows.append((other_id, version, twin, name_key(twin), search_text(code, name=twin), like))
    work.update_many("project", ("name", "name_key", "search_text", "planned_investment"), rows)
