"""The demonstration bureau: a believable three years of work, the same for the same seed.

Reading order: `people` (the enterprises courted), `projects` (dates at each unit's pace, and the records that tell of
them), `verification` (what became of their claims), `promises` (commitments and difficulties), `follow_ups` (the
contacts), `engagement` (timetables), `news` (of enterprises, and contacts put right), `supervision` (orders from
cards), `readiness` (months handed in, findings explained), `words` (what names and sentences are made of), `draw`
(columns by chance).
All is drawn as whole columns and loaded in bulk, in one transaction: a killed load leaves nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from crm.demo import administration, chains, directory, news, readiness, supervision, verification, words
from crm.demo.draw import Array
from crm.demo.engagement import engagement_steps
from crm.demo.follow_ups import Calendar, draw_calendar, follow_ups
from crm.demo.people import Enterprises, Reference, draw_enterprises, staff_names
from crm.demo.projects import (
    Projects,
    agreements,
    describe,
    draw_dates,
    fund_arrivals,
    holdings,
    milestones,
    shares,
    stage_log,
)
from crm.demo.promises import commitments, difficulties
from crm.errors import Refused
from crm.locale import _
from crm.metrics import Basis, RuleSet, pairs_query, read_pairs
from crm.model import Role
from crm.months import Month
from crm.store import Database, Row, Session, Transaction, transaction

MONTHS = 36
_ENTERPRISES, _PROJECTS, _FOLLOW_UPS = 2_000, 1_000, 20_000
# Rows loaded at once: enough to be quick, few enough to keep memory small.
_BATCH = 100_000
_ACTOR = "system:demo"
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class DemoSummary:
    """What was filled in."""

    seed: int
    scale: int
    first: Month
    until: Month
    enterprises: int
    projects: int
    follow_ups: int

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return {**self.__dict__, "first": str(self.first), "until": str(self.until)}


@dataclass(frozen=True)
class DemoAccount:
    """A person who may sign in to the demonstration: one for each role, and a colleague in another county."""

    login: str
    name: str
    role: Role
    unit_code: str
    industry_codes: tuple[str, ...] = ()


DEMO_ACCOUNTS: Final = (
    DemoAccount("jishou", "向晓红", Role.STAFF, "433101"),
    DemoAccount("longshan", "彭建军", Role.STAFF, "433130"),
    DemoAccount("jishou-head", "田志刚", Role.UNIT_HEAD, "433101"),
    DemoAccount("dispatcher", "石雨萍", Role.DISPATCHER, "XXTCJ"),
    DemoAccount("taskforce", "龙文斌", Role.TASKFORCE, "XXTCJ", ("tea", "minerals")),
    DemoAccount("leader", "麻德军", Role.LEADER, "XXTCJ"),
    DemoAccount("admin", "覃宏伟", Role.ADMIN, "XXTCJ"),
    DemoAccount("auditor", "滕静", Role.AUDITOR, "XXTCJ"),
)


def fill(
    database: Database,
    *,
    seed: int = 1,
    scale: int = 1,
    until: Month,
    today: date,
    now: datetime,
    progress: Progress | None = None,
) -> DemoSummary:
    """Fill a database that holds no business data yet; raises Refused for any other.

    36 months up to `until`; nothing is dated after today or after the last day of `until`, plans apart. At scale 1
    2,000 enterprises, 1,000 projects and 20,000 contacts. `progress` is told each table and its rows.
    """
    if scale < 1 or seed < 0:
        raise Refused(_("The scale is a whole number from 1 on, the seed one from 0 on."))
    if any(database.value(f"select count(*) from {table}") for table in ("enterprise", "project", "follow_up")):
        raise Refused(_("This database holds enterprises or projects already: a demonstration needs an empty one."))
    last = min(until, Month.of(today))
    first = last.plus(1 - MONTHS)
    span = (np.datetime64(first.first_day, "D"), np.datetime64(min(last.last_day, today), "D"))
    reference = _reference(database)
    staff = _with_accounts(database, reference, staff_names(_random(seed, 1), len(reference.units)))
    people = draw_enterprises(
        _random(seed, 2),
        reference,
        staff,
        shares(reference),
        count=_ENTERPRISES * scale,
        first_year=first.year,
        seed=seed,
    )
    projects = _told_apart(database, reference, people, seed=seed, scale=scale, span=span, month=last)
    projects = describe(_random(seed, 4), reference, projects, people, staff, end=span[1], seed=seed)
    calendar = draw_calendar(
        _random(seed, 5),
        people,
        projects,
        count=_FOLLOW_UPS * scale,
        first=span[0],
        end=span[1],
        now=np.datetime64(now, "s"),
    )
    summary = DemoSummary(
        seed, scale, first, last, len(people.unit), len(projects.enterprise), len(calendar.happened_on)
    )
    with transaction(database, actor=_ACTOR, now=now) as work:
        loader = _Loader(work, progress or (lambda _table, _rows: None))
        _load(loader, reference, people, projects, calendar, staff, seed=seed, end=span[1], months=first.until(last))
        news.correct_some(_random(seed, 81), work)
        chains.appoint(_random(seed, 40), work, reference.segments)
        readiness.report_some_twice(work)
        supervision.supervise(_random(seed, 95), work, first.until(last), end=span[1].item())
        administration.set_up(work, first=first.first_day)
        ended = [month for month in first.until(last) if month.last_day < today]
        readiness.hand_in_months(_random(seed, 97), work, reference, staff, ended, now=now)
        readiness.explain_some(_random(seed, 98), work, reference, staff, ended[-1], today=today)
        work.record_change("demo", "database", None, None, summary.as_json())
    directory.share_views(database, now=now)
    return summary


def _random(seed: int, *path: int) -> np.random.Generator:
    """Return the generator of one part, so that a change in one leaves the others' draws alone."""
    return np.random.default_rng([seed, *path])


def _reference(database: Database) -> Reference:
    units = database.frame(
        "select id, code, short_name, kind from unit where archived_at is null and kind <> 'bureau'"
        " order by display_order, id"
    )
    segments = database.frame(
        "select s.id, s.code, s.industry_id, i.code as industry, s.name, s.role, s.keywords"
        " from segment s join industry i on i.id = s.industry_id where s.archived_at is null"
        " order by i.display_order, s.display_order, s.id"
    )
    return Reference(units, segments.astype({"keywords": object, "name": object, "role": object}))


def _with_accounts(database: Database, reference: Reference, staff: Array) -> Array:
    """Put those who may sign in among the people of their units, so that they find work of their own.

    They are the staff with an account already; without any, those that `DEMO_ACCOUNTS` names.
    """
    rows = database.rows(
        "select u.code, a.name from account a join unit u on u.id = a.unit_id where a.roles = $1 order by a.id",
        [str(Role.STAFF)],
    )
    place = {code: n for n, code in enumerate(reference.units["code"])}
    for code, name in rows or [(a.unit_code, a.name) for a in DEMO_ACCOUNTS if a.role is Role.STAFF]:
        if code in place:
            staff[place[code], 0] = name
    return staff


# ------------------------------------------------------------------------------------------------------ telling apart


def _told_apart(
    database: Database,
    reference: Reference,
    people: Enterprises,
    *,
    seed: int,
    scale: int,
    span: tuple[np.datetime64, np.datetime64],
    month: Month,
) -> Projects:
    """Draw the projects; again where two units would show the same three rates in the last month."""
    # In a January few things have happened yet, and it may take many draws.
    for attempt in range(50):
        projects = draw_dates(
            _random(seed, 3, attempt), reference, people, count=_PROJECTS * scale, first=span[0], end=span[1]
        )
        rates = _last_rates(database, reference, projects, month=month)
        if len(set(rates)) == len(rates):
            break
    return projects


class _Rehearsed(Exception):
    """Ends a transaction that was only tried."""


def _last_rates(database: Database, reference: Reference, projects: Projects, *, month: Month) -> list[Row]:
    """Return the signing, performance and start-up rate of each county and park, as `metrics` works them out.

    They are loaded for the question and taken back: the rates have one definition.
    """
    rules = RuleSet()
    ranked = set(reference.units["id"].iloc[reference.home])
    sql, params = pairs_query(rules, [rules.period(month)], Basis.COUNT, by="unit")
    found: list[Row] = []
    frame = projects.frame.assign(
        id=np.arange(len(projects.enterprise)),
        code=[str(n) for n in range(len(projects.enterprise))],
        enterprise_id=0,
        unit_id=0,
    )
    blank: dict[str, Any] = dict.fromkeys(("name", "name_key", "search_text", "stage", "status"), "")
    held = holdings(reference, projects).rename(columns={"project": "project_id"})
    stamp = np.datetime64(month.first_day, "s")
    stamps: dict[str, Any] = {
        "version": 1,
        "created_at": stamp,
        "created_by": "",
        "updated_at": stamp,
        "updated_by": "",
    }
    try:
        with database.transaction() as session:
            _load_frame(session, "project", frame.assign(**blank, **stamps))
            _load_frame(session, "project_unit", held.assign(id=np.arange(len(held)), **stamps))
            for _period, unit_id, pairs in map(read_pairs, session.rows(sql, params)):
                if unit_id in ranked:
                    found.append(tuple(pairs[slug].rate for slug, _weight in rules.weights))
            raise _Rehearsed
    except _Rehearsed:
        return found


# ------------------------------------------------------------------------------------------------------------ loading


def _load_frame(session: Session, table: str, frame: pd.DataFrame) -> None:
    session.load(table, list(frame.columns), frame)


_PARENTS = ("enterprise", "project", "follow_up")


class _Loader:
    """Writes frames as records: ids, stamps, and numbers of rows replaced by ids."""

    def __init__(self, work: Transaction, progress: Progress) -> None:
        self._work = work
        self._progress = progress
        self._ids: dict[str, Array] = {}

    def write(self, table: str, frame: pd.DataFrame) -> None:
        """Insert one record per row; columns named as in `_PARENTS` hold numbers of rows written before, -1 for none.

        A table may be written in parts; its rows are numbered through all of them.
        """
        ids = np.array(self._work.new_ids(len(frame)), np.int64)
        self._ids[table] = np.concatenate([self._ids.get(table, ids[:0]), ids])
        stamp = np.datetime64(self._work.now, "us")
        for parent in _PARENTS:
            if parent in frame.columns:
                number = frame.pop(parent).to_numpy()
                column = pd.Series(self._ids[parent][number], dtype="Int64")
                frame[f"{parent}_id"] = column.mask(pd.Series(number < 0))
        for start in range(0, len(frame), _BATCH):
            part = frame.iloc[start : start + _BATCH]
            _load_frame(
                self._work.session,
                table,
                part.assign(
                    id=ids[start : start + _BATCH],
                    version=1,
                    created_at=stamp,
                    created_by=self._work.actor,
                    updated_at=stamp,
                    updated_by=self._work.actor,
                ),
            )
        self._progress(table, len(frame))


def _load(
    loader: _Loader,
    reference: Reference,
    people: Enterprises,
    projects: Projects,
    calendar: Calendar,
    staff: Array,
    *,
    seed: int,
    end: np.datetime64,
    months: list[Month],
) -> None:
    unit_ids = reference.units["id"].to_numpy()
    loader.write(
        "enterprise",
        directory.with_twins(_random(seed, 61), people, projects.enterprise).assign(
            owner_unit_id=unit_ids[people.unit],
            tags=directory.tags(_random(seed, 60), len(people.unit)),
            last_contact_on=calendar.last_contact_on,
            next_contact_on=calendar.next_contact_on,
        ),
    )
    loader.write("enterprise_segment", chains.thinned(_random(seed, 41), _links(reference, people)))
    loader.write("contact_person", people.contacts.copy())
    filed = chains.project_segments(reference.segments, projects.segment)
    loader.write("project", projects.frame.assign(enterprise=projects.enterprise, segment_id=filed))
    loader.write("project_unit", holdings(reference, projects))
    loader.write("stage_log", stage_log(projects))
    loader.write("agreement", agreements(_random(seed, 6), projects, end=end))
    arrivals = fund_arrivals(_random(seed, 7), projects, end=end)
    steps = milestones(_random(seed, 8), reference, projects, end=end)
    steps, arrivals = verification.judged(_random(seed, 90), steps, arrivals, end=end)
    loader.write("fund_arrival", arrivals)
    loader.write("milestone", steps)
    loader.write("commitment", commitments(_random(seed, 50), reference, projects, end=end))
    loader.write("difficulty", difficulties(_random(seed, 51), reference, projects, end=end))
    loader.write("target", _targets(reference, projects, months))
    points = _adjustments(_random(seed, 9), reference, months)
    loader.write("adjustment", pd.concat([points, _newest_adjustments(_random(seed, 91), reference, months, points)]))
    total = len(calendar.happened_on)
    for part, start in enumerate(range(0, total, _BATCH)):
        rows = slice(start, min(start + _BATCH, total))
        words_of = _random(seed, 10, part)
        loader.write("follow_up", follow_ups(words_of, reference, people, projects, calendar, staff, rows))
    first = np.datetime64(months[0].first_day, "D")
    loader.write("movement", news.movements(_random(seed, 80), people, first=first, end=end))
    loader.write("engagement_step", engagement_steps(_random(seed, 31), people, projects, calendar, end=end))


def _links(reference: Reference, people: Enterprises) -> pd.DataFrame:
    """Return which segments each enterprise fits, with what that does for the chain."""
    further = np.flatnonzero(people.second_segment >= 0)
    enterprise = np.concatenate([np.arange(len(people.segment)), further])
    segment = np.concatenate([people.segment, people.second_segment[further]])
    segments = reference.segments
    return pd.DataFrame(
        {
            "enterprise": enterprise,
            "industry_id": segments["industry_id"].to_numpy()[segment],
            "segment_id": segments["id"].to_numpy()[segment],
            "role": segments["role"].to_numpy(object)[segment],
        }
    )


# measure, how many of it for each of a unit's projects, what one is worth
_YEARLY = (
    ("signings", 0.3, 1),
    ("starts", 0.2, 1),
    ("funds_arrived", 0.3, 50_000_000),
    ("signed_amount", 0.3, 200_000_000),
    ("new_leads", 0.33, 1),
    ("follow_ups", 8, 1),
)


def _targets(reference: Reference, projects: Projects, months: list[Month]) -> pd.DataFrame:
    """Return what each unit is to reach in each year, amounts in 元, a little above the usual; rates alike for all."""
    share = shares(reference) / shares(reference).sum() * len(projects.enterprise)
    rows = [
        (unit_id, year, measure, float(max(round(of_unit * factor), 1) * worth))
        for year in range(months[0].year, months[-1].year + 1)
        for unit_id, of_unit in zip(reference.units["id"], share, strict=True)
        for measure, factor, worth in _YEARLY
    ]
    rows += [
        (unit_id, year, measure, percent)
        for year in range(months[0].year, months[-1].year + 1)
        for unit_id in reference.units["id"].iloc[reference.home]
        for measure, percent in (("signing", 55.0), ("performance", 60.0), ("startup", 50.0))
    ]
    return pd.DataFrame(rows, columns=["unit_id", "year", "measure", "value"])


def _adjustments(rng: np.random.Generator, reference: Reference, months: list[Month]) -> pd.DataFrame:
    """Return points given or taken in two months of five, to a county or park each."""
    unit_ids = reference.units["id"].to_numpy()
    rows = []
    for month in months:
        if rng.random() < 0.4:
            points, reason, evidence = words.ADJUSTMENT_REASONS[rng.integers(0, len(words.ADJUSTMENT_REASONS))]
            rows.append((unit_ids[rng.choice(reference.home)], str(month), float(points), reason, evidence))
    return pd.DataFrame(rows, columns=["unit_id", "month", "points", "reason", "evidence"])


def _newest_adjustments(
    rng: np.random.Generator, reference: Reference, months: list[Month], before: pd.DataFrame
) -> pd.DataFrame:
    """Return further points in the last month, for reasons that nobody has points for in it yet."""
    month = str(months[-1])
    taken = set(before.loc[before["month"] == month, "reason"])
    left = [reason for reason in words.ADJUSTMENT_REASONS if reason[1] not in taken]
    units = rng.permutation(reference.units["id"].to_numpy()[reference.home])[:3]
    rows = [
        (unit_id, month, float(points), reason, evidence)
        for unit_id, (points, reason, evidence) in zip(units, left, strict=False)
    ]
    return pd.DataFrame(rows, columns=before.columns)
