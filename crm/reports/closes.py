"""Closed months: the ranking as it was published, and what has come to differ since (published vs now)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crm import permissions
from crm.errors import NotFound
from crm.locale import Message, _
from crm.metrics import (
    COUNTED_VALUES,
    RATES,
    Basis,
    Number,
    Pair,
    Pairs,
    RuleSet,
    counted_query,
    parse_rule_set,
    percent,
    shown_score,
)
from crm.model import Actor
from crm.months import Month
from crm.reports.rankings import Ranking, RankingRow, Unit, pooled, ranking, shown_pair
from crm.rules import FIELD_LABELS
from crm.store import Database, Params, Session, Transaction

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Close:
    """One closing of a month: who closed it, when, under which rules; and who opened it again, if anybody did."""

    id: int
    version: int
    month: Month
    as_of: date
    basis: Basis
    rules: RuleSet
    closed_at: datetime
    closed_by: str
    blocking_findings: int
    override_reason: str | None
    reopened_at: datetime | None
    reopened_by: str | None
    reopen_reason: str | None


Reader = Database | Session | Transaction
_CLOSES = (
    "select id, version, month, as_of, basis, rules_settings, rules_version, created_at, created_by,"
    " blocking_findings, override_reason, reopened_at, reopened_by, reopen_reason from month_close"
)


def closes(reader: Reader, month: Month | None = None) -> list[Close]:
    """List every closing, or those of a month, the newest first; reopened ones stay listed."""
    where, params = ("", []) if month is None else (" where month = $1", [str(month)])
    return [_close(row) for row in reader.rows(f"{_CLOSES}{where} order by month desc, id desc", params)]


def find_close(reader: Reader, month: Month) -> Close | None:
    """Return the closing under which a month is published now; None for an open month."""
    return next((close for close in closes(reader, month) if close.reopened_at is None), None)


def get_close(reader: Reader, close_id: int) -> Close:
    """Return a closing by its id; raises NotFound."""
    found = reader.rows(f"{_CLOSES} where id = $1", [close_id])
    if not found:
        raise NotFound
    return _close(found[0])


def _close(row: tuple[Any, ...]) -> Close:
    settings: Mapping[str, Any] = json.loads(row[5])
    # The settings were valid when the month was closed; peer groups may have come and gone since.
    rules = parse_rule_set(settings, version=row[6], known_groups=settings["groups"])
    return Close(row[0], row[1], Month.parse(row[2]), row[3], Basis(row[4]), rules, *row[7:])


def published(reader: Reader, close: Close) -> Ranking:
    """Return the ranking exactly as it was published."""
    rows = [
        RankingRow(
            Unit(unit_id, code, name, short_name, kind, peer_group, order),
            rank,
            previous_rank,
            None if score is None else Fraction(score),
            Decimal(adjustment),
            pairs_from_json(pairs),
        )
        for (
            unit_id,
            code,
            name,
            short_name,
            kind,
            peer_group,
            order,
            rank,
            previous_rank,
            score,
            adjustment,
            pairs,
        ) in reader.rows(
            "select unit_id, unit_code, unit_name, unit_short_name, unit_kind, peer_group, display_order, rank,"
            " previous_rank, score, adjustment, pairs from month_row where close_id = $1 order by position",
            [close.id],
        )
    ]
    return Ranking(close.month, close.as_of, close.rules, close.basis, rows, pooled([row.pairs for row in rows]))


@dataclass(frozen=True)
class PublishedRank:
    """A unit's rank as it was published (None: listed without one), and under which rules."""

    rank: int | None
    rules: str
    version: int
    basis: Basis


def published_ranks(reader: Reader, months: Sequence[Month]) -> dict[str, dict[int, PublishedRank]]:
    """Return the published ranks of those of some months that are closed: {month: {unit id: rank}}."""
    if not months:
        return {}
    found: dict[str, dict[int, PublishedRank]] = {}
    for month, settings, version, basis, unit_id, rank in reader.rows(
        "select c.month, c.rules_settings, c.rules_version, c.basis, r.unit_id, r.rank from month_close c"
        " join month_row r on r.close_id = c.id where c.reopened_at is null and c.month between $1 and $2"
        " order by c.month, r.position",
        [str(min(months)), str(max(months))],
    ):
        published_rank = PublishedRank(rank, json.loads(settings)["name"], version, Basis(basis))
        found.setdefault(month, {})[unit_id] = published_rank
    return {month: ranks for month, ranks in found.items() if Month.parse(month) in months}


def last_month_words(ranking_: Ranking, published_before: Mapping[int, PublishedRank]) -> list[str]:
    """Say for each row which rank it had last month, with the published one beside it where that is another."""
    words = []
    for row in ranking_.rows:
        was = "—" if row.previous_rank is None else str(row.previous_rank)
        told = published_before.get(row.unit.id)
        if told is not None and told.rank != row.previous_rank:
            was = str(_("{rank} (published {published})", rank=was, published=told.rank or "—"))
        words.append(was)
    return words


def frozen_counts(reader: Reader, close: Close) -> tuple[int, int]:
    """Return how many units and how many projects a closing holds."""
    return tuple(
        reader.rows(
            "select (select count(*) from month_row where close_id = $1),"
            " (select count(*) from month_fact where close_id = $1)",
            [close.id],
        )[0]
    )


def score_to_text(score: Fraction | None) -> str | None:
    """Write an exact score so that it can be read back exactly."""
    return None if score is None else str(score)


def pairs_to_json(pairs: Pairs) -> str:
    """Write exact pairs: projects as whole numbers, 元 as text."""
    return json.dumps({slug: [_written(pair.n), _written(pair.d)] for slug, pair in pairs.items()})


def pairs_from_json(text: str) -> Pairs:
    """Read what `pairs_to_json` wrote."""
    return {slug: Pair(*map(_read, pair)) for slug, pair in json.loads(text).items()}


def _written(value: Number) -> int | str:
    return value if isinstance(value, int) else str(value)


def _read(value: int | str) -> Number:
    return value if isinstance(value, int) else Decimal(value)


# ------------------------------------------------------------------------------------------------- published vs now


@dataclass(frozen=True)
class NumberChange:
    """A published number of a unit that would be another now.

    `what` is a rate's slug (its values are pairs), `score` (exact), `rank` or `adjustment`; a value is None where the
    unit had or has none. `projects` are the codes of the changed projects behind a rate.
    """

    unit_id: int
    unit: str
    what: str
    published: Pair | Fraction | Decimal | int | None
    now: Pair | Fraction | Decimal | int | None
    projects: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordChange:
    """A project whose facts differ from the published ones: each value then and now, and who changed it last, when.

    `unit` and the flags `<slug>_d`, `<slug>_n` are among the values. A project that came or went has all of them.
    """

    project_id: int
    code: str
    name: str
    values: Mapping[str, tuple[Any, Any]]
    changed_at: datetime | None
    changed_by: str | None


@dataclass(frozen=True)
class Changes:
    """What differs from a closed month: numbers, and the projects and adjustments that they come from.

    `hidden` counts changed projects outside the reader's scope.
    """

    close: Close
    numbers: list[NumberChange]
    records: list[RecordChange]
    adjustments: list["AdjustmentChange"] = field(default_factory=list)
    hidden: int = 0


@dataclass(frozen=True)
class AdjustmentChange:
    """An adjustment of the month that was made or changed after its closing."""

    adjustment_id: int
    unit: str
    points: Decimal
    reason: str
    withdrawn: bool
    changed_at: datetime
    changed_by: str


_FLAGS = tuple(name for slug in RATES for name in (f"{slug}_d", f"{slug}_n"))


def changes_since(database: Database, actor: Actor, close: Close) -> Changes:
    """Compare a closed month with the same ranking worked out now, under the same rules and cut-off date.

    Numbers are public; of the records only those within the reader's scope are named.
    """
    then = published(database, close)
    now = ranking(database, month=close.month, rules=close.rules, basis=close.basis, as_of=close.as_of)
    records, units_of = _changed_records(database, close)
    seen = _visible(database, actor, {record.project_id for record in records})
    named = {record.project_id: record.code for record in records if record.project_id in seen}
    touching: dict[tuple[int, str], list[str]] = {}
    for record in records:
        for slug in RATES:
            if record.project_id in named and _touches(record, slug, close.basis):
                for unit_id in units_of[record.project_id]:
                    touching.setdefault((unit_id, slug), []).append(named[record.project_id])
    numbers: list[NumberChange] = []
    current = {row.unit.id: row for row in now.rows}
    for row in then.rows:
        numbers += _number_changes(row, current.pop(row.unit.id, None), touching)
    for row in current.values():
        numbers += _number_changes(None, row, touching)
    return Changes(
        close,
        numbers,
        [record for record in records if record.project_id in seen],
        _changed_adjustments(database, close),
        hidden=len(records) - len(named),
    )


def _number_changes(
    then: RankingRow | None, now: RankingRow | None, touching: Mapping[tuple[int, str], list[str]]
) -> list[NumberChange]:
    """Compare a unit's line with its line now; a unit that came or went has None on one side."""
    unit = (then or now).unit  # type: ignore[union-attr]  # one of the two is there

    def change(what: str, before: Any, after: Any) -> list[NumberChange]:
        if before == after:
            return []
        return [NumberChange(unit.id, unit.name, what, before, after, tuple(touching.get((unit.id, what), ())))]

    found = []
    for slug in RATES:
        found += change(slug, then and then.pairs[slug], now and now.pairs[slug])
    for what in ("score", "rank", "adjustment"):
        found += change(what, then and getattr(then, what), now and getattr(now, what))
    return found


def _touches(record: RecordChange, slug: str, basis: Basis) -> bool:
    """Whether a changed project moves a rate: its place in the sets or its unit, or a value that is summed."""
    flags = {f"{slug}_d", f"{slug}_n"}
    if record.values.keys() & (flags | {"unit"}):
        return True
    if slug == "funds":
        return bool(record.values.keys() & {"arrived", "contracted_amount", "planned_investment"})
    return basis is Basis.AMOUNT and "planned_investment" in record.values


def _changed_records(database: Database, close: Close) -> tuple[list[RecordChange], dict[int, set[int]]]:
    """Return the projects whose facts differ, by code, and the units that held them then and now."""
    counted, bound = counted_query(close.rules, close.rules.period(close.month, close.as_of))
    params = Params(bound)
    compared = ("unit_id", *_FLAGS, *COUNTED_VALUES)
    differing = " or ".join(f"f.{name} is distinct from c.{name}" for name in compared)
    then = ", ".join(f"f.{name} as then_{name}" for name in compared)
    now = ", ".join(f"c.{name} as now_{name}" for name in compared)
    rows = database.records(
        f"with published_facts as (select * from month_fact where close_id = {params.add(close.id)}),"
        f" current_facts as ({counted})"
        f" select coalesce(f.project_id, c.project_id) as project_id, coalesce(p.code, f.code) as code,"
        f" coalesce(p.name, f.name) as name, {then}, {now}"
        " from published_facts f full outer join current_facts c on c.project_id = f.project_id"
        " left join project p on p.id = coalesce(f.project_id, c.project_id)"
        f" where f.project_id is null or c.project_id is null or {differing} order by 2, 1",
        params,
    )
    names: dict[int, str] = dict(database.rows("select id, name from unit"))
    changed = _last_changes(database, [row["project_id"] for row in rows])
    records, units_of = [], {}
    for row in rows:
        values = {
            name: (row[f"then_{name}"], row[f"now_{name}"])
            for name in compared
            if row[f"then_{name}"] != row[f"now_{name}"]
        }
        units_of[row["project_id"]] = {row["then_unit_id"], row["now_unit_id"]} - {None}
        if "unit_id" in values:
            before, after = values.pop("unit_id")
            values = {"unit": (names.get(before), names.get(after)), **values}
        records.append(
            RecordChange(
                row["project_id"], row["code"], row["name"], values, *changed.get(row["project_id"], (None, None))
            )
        )
    return records, units_of


_PARTS = ("project_unit", "agreement", "milestone", "fund_arrival")


def _last_changes(database: Database, project_ids: list[int]) -> dict[int, tuple[datetime, str]]:
    """Return when and by whom each project, or what hangs on it, was changed last."""
    wanted = "(select unnest($1::bigint[]))"
    parts = [f"select id as project_id, updated_at, updated_by from project where id in {wanted}"] + [
        f"select project_id, updated_at, updated_by from {table} where project_id in {wanted}" for table in _PARTS
    ]
    return {
        row[0]: (row[1], row[2])
        for row in database.rows(
            f"select project_id, updated_at, updated_by from ({' union all '.join(parts)}) as touched"
            " order by updated_at, updated_by",
            [project_ids],
        )
    }


def _visible(database: Database, actor: Actor, project_ids: set[int]) -> set[int]:
    """Return which of these projects the reader may see; one that is gone was seen by whoever reads all."""
    params = Params([list(project_ids)])
    scope = permissions.visible(actor, permissions.Action.READ, "project", "p", params)
    if scope == "true":
        return project_ids
    found = database.rows(f"select p.id from project p where p.id in (select unnest($1::bigint[])) and {scope}", params)
    return {row[0] for row in found}


def _changed_adjustments(database: Database, close: Close) -> list[AdjustmentChange]:
    return [
        AdjustmentChange(row[0], row[1], row[2], row[3], row[4] is not None, row[5], row[6])
        for row in database.rows(
            "select a.id, u.name, a.points, a.reason, a.archived_at, a.updated_at, a.updated_by"
            " from adjustment a join unit u on u.id = a.unit_id where a.month = $1 and a.updated_at > $2"
            # One that came and went since was never published.
            " and (a.archived_at is null or a.created_at <= $2) order by a.updated_at, a.id",
            [str(close.month), close.closed_at],
        )
    ]


# --------------------------------------------------------------------------------------------------- frames for a page


def what_words(what: str) -> Message:
    """Return the words for what a number is: a rate, the score, the rank or the adjustment."""
    return RATES[what].label if what in RATES else _WHAT[what]


_WHAT = {"score": _("Score"), "rank": _("Rank"), "adjustment": _("Adjustment")}


def shown_number(value: Pair | Fraction | Decimal | int | None, rules: RuleSet) -> str:
    """Show a published number as the ranking shows it; a rate with its N and D."""
    if isinstance(value, Pair):
        return f"{percent(value.rate, rules.rounding)} ({shown_pair(value)})"
    if isinstance(value, Fraction):
        return shown_score(value, rules.rounding)
    if isinstance(value, Decimal):
        return f"{value.normalize():+f}"
    return "—" if value is None else str(value)


def numbers_frame(changes: Changes) -> "pd.DataFrame":
    """Return the numbers that differ as a table: unit, what, published, now, projects."""
    import pandas as pd

    rules = changes.close.rules
    return pd.DataFrame(
        [
            {
                "unit": change.unit,
                "what": str(what_words(change.what)),
                "published": shown_number(change.published, rules),
                "now": shown_number(change.now, rules),
                "projects": "、".join(change.projects),
            }
            for change in changes.numbers
        ],
        columns=["unit", "what", "published", "now", "projects"],
    )


def records_frame(changes: Changes) -> "pd.DataFrame":
    """Return the changed projects as a table: code, name, what (each value then → now), changed_at, changed_by."""
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "code": record.code,
                "name": record.name,
                "what": "；".join(
                    f"{FIELD_LABELS.get(name) or _FIELDS[name]} {_shown(then)} → {_shown(now)}"
                    for name, (then, now) in record.values.items()
                    if name not in _FLAGS
                )
                or str(_("its place in the rates")),
                "changed_at": record.changed_at,
                "changed_by": record.changed_by,
            }
            for record in changes.records
        ],
        columns=["code", "name", "what", "changed_at", "changed_by"],
    )


_FIELDS = {
    "unit": _("Unit"),
    "entered_on": _("Date of entry"),
    "first_funds_on": _("First funds"),
    "excluded_on": _("Excluded on"),
    "arrived": _("Funds arrived"),
}


def _shown(value: Any) -> str:
    return "—" if value is None else f"{value:,.2f}" if isinstance(value, Decimal) else str(value)
