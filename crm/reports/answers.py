"""What the command line and the API answer: each read once, as a JSON document and as the rows of a table.

A question is a name of `READS` with its parameters as text, the way a query string or a command line has them. What a
reader may see is decided in the reports that are asked.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from inspect import Parameter, signature
from typing import Any

from crm import permissions
from crm.errors import Denied, Invalid, NotFound
from crm.locale import _
from crm.metrics import RATES, Basis, percent, shown_score
from crm.model import Actor
from crm.months import Month
from crm.permissions import Action, Scope
from crm.reports.accounts import list_accounts
from crm.reports.rankings import FACT_DATES, find_unit, pairs_as_json, ranking, rates_series
from crm.reports.rankings import facts as facts_behind
from crm.reports.rule_sets import find_rule_set, list_rule_sets
from crm.store import Database, verify_audit


class By(StrEnum):
    """What a series of rates has a row of."""

    UNIT = "unit"
    INDUSTRY = "industry"


@dataclass(frozen=True)
class Answer:
    """A JSON document and the same as flat rows; `table` and `title` are for the eye, where it sees something else."""

    document: Any
    columns: list[str]
    rows: list[dict[str, Any]]
    table: list[dict[str, Any]] | None = None
    title: str = ""


def answer(database: Database, actor: Actor, read: str, given: Mapping[str, str], *, today: date) -> Answer:
    """Answer a question; raises NotFound for another read, Invalid per parameter, and what the report refuses."""
    if read not in READS:
        raise NotFound(_("There is nothing to read here. There are: {reads}.", reads=", ".join(READS)))
    return READS[read](database, actor, today, **_typed(READS[read], given))


def json_text(document: Any) -> str:
    """Write a document the way every surface does."""
    return json.dumps(document, ensure_ascii=False, indent=1, default=str)


# --------------------------------------------------------------------------------------------------------------- reads

_RATES = [f"{slug}_{part}" for slug in RATES for part in ("n", "d", "rate")]


def _rank(
    database: Database,
    _actor: Actor,
    _today: date,
    *,
    month: Month,
    as_of: date | None = None,
    group: str | None = None,
    rules: str = "default",
    basis: Basis = Basis.COUNT,
) -> Answer:
    found_rules = find_rule_set(database, rules)
    found = ranking(database, month=month, rules=found_rules, basis=basis, as_of=as_of, group=group)
    document = found.as_json()
    table = [
        {
            "group": row.unit.peer_group,
            "rank": row.rank,
            "previous": row.previous_rank,
            "unit": row.unit.name,
            "score": shown_score(row.score, found_rules.rounding),
            "adjustment": f"{row.adjustment.normalize():f}",
            **{
                slug: f"{percent(pair.rate, found_rules.rounding)} ({pair.n:f}/{pair.d:f})"
                if not isinstance(pair.n, int)
                else f"{percent(pair.rate, found_rules.rounding)} ({pair.n}/{pair.d})"
                for slug, pair in row.pairs.items()
            },
        }
        for row in found.rows
    ]
    title = _(
        "{month}, as of {as_of}, rule set {name} version {version}",
        month=month,
        as_of=found.as_of,
        name=found_rules.name,
        version=found_rules.version,
    )
    columns = ["unit", "code", "group", "rank", "previous_rank", "score", "adjustment", *_RATES]
    return Answer(document, columns, [_flat(row) for row in document["rows"]], table, str(title))


def _rates(
    database: Database,
    _actor: Actor,
    _today: date,
    *,
    from_: Month,
    to: Month,
    by: By = By.UNIT,
    as_of: date | None = None,
    rules: str = "default",
    basis: Basis = Basis.COUNT,
) -> Answer:
    found_rules = find_rule_set(database, rules)
    series = rates_series(database, first=from_, last=to, rules=found_rules, basis=basis, by=by, as_of=as_of)
    rows = [
        {
            "month": str(row.month),
            "as_of": row.as_of.isoformat(),
            str(by): row.name,
            "code": row.code,
            "rates": pairs_as_json(row.pairs),
        }
        for row in series
    ]
    document = {
        "from": str(from_),
        "to": str(to),
        "by": str(by),
        "rules": {"name": found_rules.name, "version": found_rules.version},
        "basis": str(basis),
        "rows": rows,
    }
    return Answer(document, ["month", "as_of", str(by), "code", *_RATES], [_flat(row) for row in rows])


def _facts(
    database: Database,
    actor: Actor,
    _today: date,
    *,
    month: Month,
    unit: str,
    metric: str,
    as_of: date | None = None,
    rules: str = "default",
    basis: Basis = Basis.COUNT,
) -> Answer:
    document = facts_behind(
        database,
        actor,
        month=month,
        unit=find_unit(database, unit),
        slug=metric,
        rules=find_rule_set(database, rules),
        basis=basis,
        as_of=as_of,
    ).as_json()
    columns = ["project", "name", "enterprise", "in_n", "in_d", "why", "reason", *FACT_DATES]
    return Answer(document, [*columns, "planned_investment", "base_amount", "arrived"], document["rows"])


def _rule_sets(database: Database, _actor: Actor, _today: date) -> Answer:
    rows = [
        {
            "name": stored.rules.name,
            "version": stored.rules.version,
            "note": stored.rules.note,
            "created_at": stored.created_at.isoformat(timespec="seconds"),
            "created_by": stored.created_by,
        }
        for stored in list_rule_sets(database)
    ]
    return Answer(rows, ["name", "version", "note", "created_at", "created_by"], rows)


def _rule_set(database: Database, _actor: Actor, _today: date, *, name: str, version: int | None = None) -> Answer:
    settings = find_rule_set(database, name, version).settings()
    return Answer(settings, ["path", "value"], _leaves("", settings))


def _check(database: Database, actor: Actor, today: date, *, month: Month | None = None) -> Answer:
    from crm.reports.findings import findings, findings_as_json  # takes longer to load than a ranking to compute

    # Findings name records of all units.
    if Scope.ALL not in permissions.scopes(actor, Action.READ):
        raise Denied
    rows = findings_as_json(database, findings(database, today=today, month=month))
    return Answer(rows, ["code", "severity", "subject", "id", "unit", "message"], rows)


def _users(database: Database, actor: Actor, _today: date) -> Answer:
    rows = [
        {
            "login": row.login,
            "name": row.name,
            "unit": row.unit,
            "roles": ",".join(str(role) for role in row.roles),
            "last_sign_in_at": row.last_sign_in_at.isoformat(timespec="seconds") if row.last_sign_in_at else None,
            "disabled_at": row.disabled_at.isoformat(timespec="seconds") if row.disabled_at else None,
        }
        for row in list_accounts(database, actor)
    ]
    return Answer(rows, ["login", "name", "unit", "roles", "last_sign_in_at", "disabled_at"], rows)


def _audit(database: Database, actor: Actor, _today: date) -> Answer:
    permissions.require_right(actor, Action.READ_AUDIT)
    read: list[int] = []
    rows = [{"entry": entry, "problem": problem} for entry, problem in verify_audit(database, read.append)]
    document = {"entries": read[-1], "broken_at": rows[0]["entry"] if rows else None, "problems": rows}
    return Answer(document, ["entry", "problem"], rows, title="" if rows else str(_("The audit trail is whole.")))


READS: Mapping[str, Callable[..., Answer]] = {
    "rank": _rank,
    "rates": _rates,
    "facts": _facts,
    "rules": _rule_sets,
    "rules/{name}": _rule_set,
    "check": _check,
    "users": _users,
    "audit": _audit,
}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its pairs spread over columns of their own."""
    pairs = {f"{slug}_{part}": value for slug, pair in row["rates"].items() for part, value in pair.items()}
    return {key: value for key, value in row.items() if key != "rates"} | pairs


def _leaves(path: str, value: Any) -> list[dict[str, Any]]:
    """Return what a rule set says, a row for each setting under its path."""
    if isinstance(value, Mapping):
        return [row for key, inner in value.items() for row in _leaves(f"{path}.{key}" if path else key, inner)]
    return [{"path": path, "value": ", ".join(map(str, value)) if isinstance(value, list) else value}]


# ---------------------------------------------------------------------------------------------------------- parameters


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid({"as_of": _("“{text}” is not a date: write it as YYYY-MM-DD.", text=text)}) from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid({"version": _("“{text}” is not a number.", text=text)})
    return int(text)


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        if text not in list(kind):
            known = ", ".join(kind)
            raise Invalid({"": _("“{text}” is not known here. There are: {known}.", text=text, known=known)})
        return kind(text)

    return read


_READERS: Mapping[str, Callable[[str], Any]] = {
    "month": Month.parse,
    "from_": Month.parse,
    "to": Month.parse,
    "as_of": _day,
    "version": _number,
    "basis": _one_of(Basis),
    "by": _one_of(By),
}


def _typed(read: Callable[..., Answer], given: Mapping[str, str]) -> dict[str, Any]:
    """Read the parameters of a question; `as-of` may be written `as_of`. Raises Invalid."""
    known = {
        name.rstrip("_"): parameter
        for name, parameter in signature(read).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY
    }
    named = {name.replace("-", "_"): text for name, text in given.items()}
    for name in named.keys() - known.keys():
        raise Invalid(
            {name: _("There is no parameter “{name}”. There are: {known}.", name=name, known=", ".join(known) or "—")}
        )
    missing = [name for name, parameter in known.items() if parameter.default is Parameter.empty and name not in named]
    if missing:
        raise Invalid({missing[0]: _("Give the parameter “{name}”.", name=missing[0])})
    return {known[name].name: _READERS.get(known[name].name, str)(text) for name, text in named.items()}
