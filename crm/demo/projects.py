"""Projects and what hangs on them, as columns: dates at each unit's own pace, then the records that tell of them.

Each unit has a `Pace`: how many of its negotiations end in a signature, how many agreements are performed, how many
starts follow, each between 0 (slow, few) and 1 (quick, many). The pace drifts from month to month, so that ranks move.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from crm.demo import words
from crm.demo.draw import NAT, NOTHING, Array, Random, after, credit_codes, filled, joined, kept, pick, pick_by, texts
from crm.demo.people import STAFF_PER_UNIT, Enterprises, Reference
from crm.model import PROJECT_DATE_OF_MILESTONE, AgreementKind, MilestoneKind, ProjectStatus, Stage
from crm.rules import DATE_OF_STAGE, STAGES, holding_ends
from crm.store import name_key, search_text


@dataclass(frozen=True)
class Pace:
    """A unit's share of the work and its tempo, each from 0 to 1."""

    share: float
    sign: float
    perform: float
    start: float


PACES: dict[str, Pace] = {
    "433101": Pace(1.30, 0.85, 0.60, 0.65),  # 吉首市
    "433122": Pace(1.00, 0.55, 0.90, 0.80),  # 泸溪县
    "433123": Pace(1.10, 0.70, 0.75, 0.50),  # 凤凰县
    "433126": Pace(0.80, 0.35, 0.55, 0.60),  # 古丈县
    "433124": Pace(1.00, 0.90, 0.50, 0.55),  # 花垣县
    "433125": Pace(0.85, 0.25, 0.70, 0.40),  # 保靖县
    "433127": Pace(1.00, 0.60, 0.60, 0.45),  # 永顺县
    "433130": Pace(1.05, 0.75, 0.85, 0.95),  # 龙山县
    "XXGXQ": Pace(1.40, 0.90, 0.95, 0.75),  # 湘西高新区
    "XXZZ": Pace(0.45, 0.50, 0.55, 0.45),  # 州直
}
_OTHER_PACE = Pace(0.35, 0.45, 0.50, 0.35)

# January to December: a quick opening of the year, the spring festival, the autumn fairs.
_SEASON = (0.9, 0.6, 1.15, 1.1, 1.15, 1.1, 0.9, 0.9, 1.15, 1.1, 1.1, 1.0)


@dataclass(frozen=True)
class Projects:
    """Projects as columns: `frame` for the table (without ids), and what other tables are drawn from."""

    frame: pd.DataFrame
    enterprise: Array  # number of the enterprise
    first_unit: Array  # number of the unit that first held it
    unit: Array  # number of the unit that holds it now
    moved_on: Array  # the day it changed units, NaT where it never did
    segment: Array
    details: dict[str, Array] = field(default_factory=dict)

    def day(self, name: str) -> Array:
        """Return one of the date columns as days."""
        return self.frame[name].to_numpy("datetime64[D]")


def shares(reference: Reference) -> Array:
    """Return each unit's share of enterprises and projects."""
    return np.array([_pace(code).share for code in reference.units["code"]])


def _pace(code: str) -> Pace:
    return PACES.get(code, _OTHER_PACE)


def draw_dates(
    rng: Random, reference: Reference, enterprises: Enterprises, *, count: int, first: np.datetime64, end: np.datetime64
) -> Projects:
    """Draw the projects' investors, units and dates: all that the rates depend on."""
    total = len(enterprises.unit)
    order = rng.permutation(total)
    # One investor in ten comes back with a second project.
    enterprise = np.resize(order[: max(int(count * 0.9), 1)], count)
    first_unit = enterprises.unit[enterprise]
    days = np.arange(first, end + 1)
    months = days.astype("datetime64[M]").astype(np.int64)
    growth = 1 + 0.12 * np.arange(len(days)) / 365
    weight = np.array(_SEASON)[months % 12] * growth
    entered = _working_days(rng, days, weight, count)
    pace = np.array([[p.sign, p.perform, p.start] for p in map(_pace, reference.units["code"])])
    # The drift: each unit's tempo wanders around its own level.
    span = int(months[-1] - months[0]) + 1
    drift = np.clip(pace[:, None, :] + rng.normal(0, 0.12, (len(pace), span, 3)), 0.02, 1.0)
    sign, perform, start = drift[first_unit, entered.astype("datetime64[M]").astype(np.int64) - months[0]].T

    def lag(mean: Array | float) -> Array:
        return (np.asarray(mean) * rng.gamma(3.0, 1 / 3.0, count)).astype(np.int64)

    def chance(probability: Array | float) -> Array:
        return rng.random(count) < probability

    negotiating = after(entered, lag(18 - 8 * sign), end=end, where=chance(0.95))
    signs = chance(0.66 + 0.30 * sign)
    signed = after(negotiating, lag(62 - 40 * sign), end=end, where=signs)
    given_up = after(negotiating, 30 + lag(55), end=end, where=~signs & chance(0.9))
    broken_off = after(signed, 30 + lag(150), end=end, where=chance(0.06))
    withdrawn = np.where(np.isnat(given_up), broken_off, given_up)
    registered = after(signed, lag(34 - 26 * perform), end=end, where=chance(0.74 + 0.25 * perform))
    funded = after(registered, lag(30 - 22 * perform), end=end, where=chance(0.78 + 0.20 * perform))
    planned_start = _half_month(signed + (lag(75) + 30).astype("timedelta64[D]"))
    started = after(
        np.where(np.isnat(registered), NAT, np.maximum(registered, signed)),
        lag(88 - 72 * start),
        end=end,
        where=chance(0.58 + 0.40 * start),
    )
    completed = after(started, 150 + lag(160), end=end, where=chance(0.85))
    production = after(completed, lag(50), end=end, where=chance(0.9))
    dates: dict[str, Array] = {
        "entered_on": entered,
        "negotiating_on": negotiating,
        "signed_on": signed,
        "registered_on": registered,
        "first_funds_on": funded,
        "planned_start_on": planned_start,
        "started_on": started,
        "completed_on": completed,
        "production_on": production,
        "withdrawn_on": withdrawn,
    }
    # A project that was withdrawn goes no further, and one that is being built is not withdrawn.
    dates["withdrawn_on"] = withdrawn = np.where(started <= withdrawn, NAT, withdrawn)
    for name in ("registered_on", "first_funds_on", "started_on", "completed_on", "production_on"):
        dates[name] = np.where(dates[name] > withdrawn, NAT, dates[name])
    unit, moved_on = _moves(rng, reference, first_unit, dates, end)
    return Projects(pd.DataFrame(dates), enterprise, first_unit, unit, moved_on, enterprises.segment[enterprise])


def _working_days(rng: Random, days: Array, weight: Array, count: int) -> Array:
    """Draw working days, each as likely as its weight says."""
    open_days = weight * ((days.astype(np.int64) + 3) % 7 < 5)
    return days[rng.choice(len(days), count, p=open_days / open_days.sum())]


def _half_month(day: Array) -> Array:
    """Return the next 15th or last day of a month: plans are made by half-months."""
    month = day.astype("datetime64[M]")
    middle = month.astype("datetime64[D]") + 14
    return np.where(np.isnat(day), NAT, np.where(day <= middle, middle, (month + 1).astype("datetime64[D]") - 1))


def _moves(
    rng: Random, reference: Reference, first_unit: Array, dates: dict[str, Array], end: np.datetime64
) -> tuple[Array, Array]:
    """Draw which projects changed units, when, and who holds them now.

    Resident offices and departments hand a third of what they sign to a county or park; among these a few move too.
    """
    count, home = len(first_unit), reference.home
    away = ~np.isin(first_unit, home)
    moves = rng.random(count) < np.where(away, 0.33, 0.015)
    moved_on = after(dates["signed_on"], rng.integers(10, 90, count), end=end, where=moves)
    taker = home[rng.integers(0, len(home), count)]
    taker = np.where(taker == first_unit, home[(np.searchsorted(home, taker) + 1) % len(home)], taker)
    return np.where(np.isnat(moved_on), first_unit, taker), moved_on


def describe(
    rng: Random,
    reference: Reference,
    projects: Projects,
    enterprises: Enterprises,
    staff: Array,
    *,
    end: np.datetime64,
    seed: int,
) -> Projects:
    """Give the projects all that their stage requires: codes, names, amounts, people, companies, evidence."""
    frame, count = projects.frame, len(projects.frame)
    day = {name: projects.day(name) for name in frame.columns}
    signed, registered, started = (~np.isnat(day[name]) for name in ("signed_on", "registered_on", "started_on"))
    year = day["entered_on"].astype("datetime64[Y]").astype(np.int64) + 1970
    number = _numbered(year, day["entered_on"])
    width = max(4, len(str(number.max(initial=0))))
    code = texts([f"XX-{y}-{n:0{width}d}" for y, n in zip(year, number, strict=True)])
    unit_codes = reference.units["code"].to_numpy(object)
    home = reference.home
    built_at = np.where(np.isin(projects.unit, home), projects.unit, home[number % len(home)])
    places = [words.PLACES.get(c, words.PLACES["433101"]) for c in unit_codes]
    place = pick_by(rng, places, built_at)
    chain = reference.chains[projects.segment]
    form = pick_by(rng, list(words.PROJECT_FORMS.values()), chain)
    keyword, brand = enterprises.keyword[projects.enterprise], enterprises.brand[projects.enterprise]
    product = filled(form, {"keyword": keyword, "n": pick(rng, words.OUTPUTS, count)})
    name = joined(brand, product, texts(["项目"] * count))
    # 元, in whole 10 万元: most between 0.2 and 8 亿元, a few up to 30.
    planned = np.clip(np.round(np.exp(rng.normal(9.35, 1.05, count)) / 10) * 10, 1_000, 300_000) * 10_000
    contracted = np.round(planned * rng.uniform(0.75, 1.0, count) / 100_000) * 100_000
    trade = pick_by(rng, [words.TRADES[slug] for slug in words.PROJECT_FORMS], chain)
    company = joined(texts(["湘西"] * count), brand, trade, texts(["有限公司"] * count))
    company_code = credit_codes(texts(["433100"] * count), first=len(enterprises.unit), seed=seed)
    stage = np.full(count, str(Stage.LEAD), object)
    stage[(end - day["entered_on"]).astype(np.int64) > 14] = str(Stage.CONTACT)
    for reached in STAGES:
        if reached in DATE_OF_STAGE:
            stage[~np.isnat(day[DATE_OF_STAGE[reached]])] = str(reached)
    withdrawn = ~np.isnat(day["withdrawn_on"])
    quiet = ~signed & ((end - day["negotiating_on"]).astype("timedelta64[D]") > np.timedelta64(150, "D"))
    overdue = signed & ~started & (day["planned_start_on"] < end - 120)
    status = np.where(
        withdrawn,
        str(ProjectStatus.WITHDRAWN),
        np.where(quiet | overdue, str(ProjectStatus.STALLED), str(ProjectStatus.ACTIVE)),
    )
    kind = pick(rng, [str(kind) for kind in AgreementKind], count, (8, 1, 1))
    columns: dict[str, Any] = {
        "code": code,
        "name": name,
        "name_key": texts([name_key(value) for value in name]),
        "search_text": texts([search_text(c, name=value) for c, value in zip(code, name, strict=True)]),
        "industry_id": reference.segments["industry_id"].to_numpy()[projects.segment],
        "segment_id": reference.segments["id"].to_numpy()[projects.segment],
        "unit_id": reference.units["id"].to_numpy()[projects.unit],
        "place": place,
        "planned_investment": planned,
        "contracted_amount": np.where(signed, contracted, np.nan),
        "fixed_assets": np.round(planned * rng.uniform(0.55, 0.85, count) / 100_000) * 100_000,
        "stage": stage,
        "status": status.astype(object),
        "entered_given": True,
        "agreement_kind": kept(kind, signed),
        "company_name": kept(company, registered),
        "company_credit_code": kept(company_code, registered),
        "withdrawn_reason": kept(pick(rng, words.WITHDRAWAL_REASONS, count), withdrawn),
        "liaison_leader": kept(pick(rng, words.LEADERS, count), planned >= 1_000_000_000),
        "responsible_person": staff[projects.unit, rng.integers(0, STAFF_PER_UNIT, count)],
        "evidence": kept(pick(rng, words.START_EVIDENCE, count), started),
    }
    return replace(projects, frame=frame.assign(**columns))


def _numbered(year: Array, day: Array) -> Array:
    """Number the rows of each year from 1, by day."""
    order = np.argsort(day, kind="stable")
    number = np.empty(len(day), np.int64)
    number[order] = pd.Series(year[order]).groupby(year[order]).cumcount() + 1
    return number


# ------------------------------------------------------------------------------------------------- records of projects
# Each returns the columns of one table; `project` is the project's number, replaced by its id when written.


def holdings(reference: Reference, projects: Projects) -> pd.DataFrame:
    """Return who held each project since when."""
    unit_ids = reference.units["id"].to_numpy()
    entered = projects.day("entered_on")
    moved = np.flatnonzero(~np.isnat(projects.moved_on))
    ends = np.full(len(entered), NAT)
    for n in moved:
        first = {"is_first": True, "valid_from": entered[n]}
        ends[n] = holding_ends([first, {"is_first": False, "valid_from": projects.moved_on[n]}])[0]
    return pd.DataFrame(
        {
            "project": np.concatenate([np.arange(len(entered)), moved]),
            "unit_id": np.concatenate([unit_ids[projects.first_unit], unit_ids[projects.unit[moved]]]),
            "is_first": np.arange(len(entered) + len(moved)) < len(entered),
            "valid_from": np.concatenate([entered, projects.moved_on[moved]]),
            "valid_to": np.concatenate([ends, np.full(len(moved), NAT)]),
        }
    )


def stage_log(projects: Projects) -> pd.DataFrame:
    """Return each move from one stage to the next, with the days spent in the stage before."""
    parts = []
    since, stage = projects.day("entered_on"), np.full(len(projects.frame), str(Stage.LEAD), object)
    # The first contact has no date of its own on the project: it was made within days, before any negotiation.
    beyond = projects.frame["stage"].to_numpy(object) != str(Stage.LEAD)
    contact = np.where(beyond, np.fmin(since + 5, projects.day("negotiating_on")), NAT)
    for reached, on in [(Stage.CONTACT, contact), *((s, projects.day(name)) for s, name in DATE_OF_STAGE.items())]:
        rows = np.flatnonzero(~np.isnat(on))
        parts.append(
            pd.DataFrame(
                {
                    "project": rows,
                    "from_stage": stage[rows],
                    "to_stage": str(reached),
                    "moved_on": on[rows],
                    "days_in_stage": (on[rows] - since[rows]).astype(np.int64),
                }
            )
        )
        since, stage = np.where(np.isnat(on), since, on), stage.copy()
        stage[rows] = str(reached)
    return pd.concat(parts, ignore_index=True)


def agreements(rng: Random, projects: Projects, *, end: np.datetime64) -> pd.DataFrame:
    """Return what was signed: for each signed project one agreement, and a later contract where the first was none."""
    frame, signed = projects.frame, projects.day("signed_on")
    first = np.flatnonzero(~np.isnat(signed))
    kind = frame["agreement_kind"].to_numpy(object)
    later = after(signed, rng.integers(40, 160, len(signed)), end=end, where=kind != str(AgreementKind.CONTRACT))
    # Nothing more is signed for a project that was withdrawn.
    second = np.flatnonzero(~np.isnat(later) & np.isnat(projects.day("withdrawn_on")))
    row = np.concatenate([first, second])
    on = np.concatenate([signed[first], later[second]])
    year = on.astype("datetime64[Y]").astype(np.int64) + 1970
    number = _numbered(year, on)
    return pd.DataFrame(
        {
            "project": row,
            "number": texts([f"州招合〔{y}〕{n}号" for y, n in zip(year, number, strict=True)]),
            "kind": np.concatenate([kind[first], np.full(len(second), str(AgreementKind.CONTRACT), object)]),
            "signed_on": on,
            "event": kept(pick(rng, words.EXTERNAL_EVENTS, len(row)), rng.random(len(row)) < 0.35),
            "amount": frame["contracted_amount"].to_numpy()[row],
            "term": pick(rng, ("三年", "五年", "十年", "二十年"), len(row)),
        }
    )


def fund_arrivals(rng: Random, projects: Projects, *, end: np.datetime64) -> pd.DataFrame:
    """Return the money that came: up to five arrivals from the first funds on, never more than the contract."""
    first_on = projects.day("first_funds_on")
    funded = np.flatnonzero(~np.isnat(first_on))
    # Money stops where a project ended.
    withdrawn = projects.day("withdrawn_on")[funded]
    last_on = np.where(np.isnat(withdrawn), end, withdrawn)
    lived = (last_on - first_on[funded]).astype(np.int64)
    agreed = rng.integers(1, 6, len(funded))
    times = np.minimum(1 + lived // 45, agreed)
    row = np.repeat(funded, times)
    place = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    room = np.repeat(lived // np.maximum(times, 1), times)
    on = first_on[row] + (place * room).astype("timedelta64[D]")
    share = np.repeat(rng.uniform(0.40, 1.0, len(funded)) / agreed, times) * rng.uniform(0.7, 1.0, len(row))
    contracted = projects.frame["contracted_amount"].to_numpy()[row]
    year = on.astype("datetime64[Y]").astype(np.int64) + 1970
    return pd.DataFrame(
        {
            "project": row,
            "arrived_on": on,
            "amount": np.maximum(np.floor(contracted * share / 10_000), 1) * 10_000,
            "kind": pick(rng, words.FUND_KINDS, len(row), (6, 2, 2)),
            "voucher": texts([f"DZ{y}-{n:06d}" for n, y in enumerate(year, 1)]),
            "evidence": texts(["银行进账单"] * len(row)),
        }
    )


# (kind, part of the way from signing to the planned start at which it is planned; days after it beyond 1)
_ROADMAP: tuple[tuple[MilestoneKind, float, int], ...] = (
    (MilestoneKind.REGISTRATION, 0.25, 0),
    (MilestoneKind.FILING, 0.40, 0),
    (MilestoneKind.LAND, 0.60, 0),
    (MilestoneKind.FIRST_FUNDS, 0.50, 0),
    (MilestoneKind.CONSTRUCTION_PERMIT, 0.90, 0),
    (MilestoneKind.START, 1.0, 0),
    (MilestoneKind.COMPLETION, 1.0, 365),
    (MilestoneKind.PRODUCTION, 1.0, 450),
)
# A step that has no date of its own on the project was done by the time its successor was.
_DONE_BEFORE = {
    MilestoneKind.FILING: "started_on",
    MilestoneKind.LAND: "started_on",
    MilestoneKind.CONSTRUCTION_PERMIT: "started_on",
}


def milestones(rng: Random, reference: Reference, projects: Projects, *, end: np.datetime64) -> pd.DataFrame:
    """Return the roadmap of each signed project: plans by its planned start, actual dates as on the project."""
    signed, planned_start = projects.day("signed_on"), projects.day("planned_start_on")
    rows = np.flatnonzero(~np.isnat(signed))
    whole = (planned_start - signed)[rows].astype(np.int64)
    owner = projects.frame["responsible_person"].to_numpy(object)[rows]
    unit_id = reference.units["id"].to_numpy()[projects.unit][rows]
    parts = []
    for kind, share, extra in _ROADMAP:
        plan = signed[rows] + ((whole * share).astype(np.int64) + extra).astype("timedelta64[D]")
        if kind in PROJECT_DATE_OF_MILESTONE:
            actual = projects.day(PROJECT_DATE_OF_MILESTONE[kind])[rows]
        else:
            limit = projects.day(_DONE_BEFORE[kind])[rows]
            actual = np.where(np.isnat(limit), NAT, np.minimum(plan, limit))
        if kind != MilestoneKind.START:  # whose plan is the project's own
            # What was not reached is planned anew: from four months ago to half a year ahead.
            anew = end - np.timedelta64(120, "D") + (rows * 37 % 300).astype("timedelta64[D]")
            plan = np.where(np.isnat(actual) & (plan < end - np.timedelta64(120, "D")), anew, plan)
        verified = after(actual, rng.integers(3, 25, len(rows)), end=end, where=rng.random(len(rows)) < 0.85)
        done = ~np.isnat(actual)
        parts.append(
            pd.DataFrame(
                {
                    "project": rows,
                    "kind": str(kind),
                    "planned_on": plan,
                    "actual_on": actual,
                    "unit_id": unit_id,
                    "owner": owner,
                    "evidence": kept(pick(rng, ("批复文件", "现场照片", "证照扫描件", "银行进账单"), len(rows)), done),
                    "verified_on": verified,
                    "verified_by": kept(texts(["州投资促进局调度科"] * len(rows)), ~np.isnat(verified), NOTHING),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
