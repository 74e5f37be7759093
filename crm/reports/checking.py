"""What a check is and how it is asked: how many findings each unit has, a page of them, or one about one record.

A check is one query whose rows are findings. Around it stand the reader's rights, the unit that answers for each
record, what a unit has said about it, and the name of the record in words.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

from crm import permissions
from crm.locale import Message, _
from crm.model import LABELS, Actor
from crm.months import Month
from crm.permissions import Action, Scope
from crm.reports.audit_words import SUBJECTS
from crm.store import Database, Params


class Severity(StrEnum):
    """Whether a finding makes numbers wrong or is merely odd."""

    BLOCKING = "blocking"
    WARNING = "warning"


LABELS[Severity] = {Severity.BLOCKING: _("Blocking"), Severity.WARNING: _("To look at")}

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One query whose rows are findings: `id` is the record's; the other columns and `about` fill the sentence.

    The sentence finds the record's name in words under `record`. `part` is SQL over the found row `f` that tells
    several findings of one check about one record apart. A monthly check speaks of one month, and is explained for it.
    """

    code: str
    severity: Severity
    subject: str
    sql: str
    sentence: Callable[[Values], Message]
    params: Sequence[Any] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    monthly: bool = False

    @property
    def key(self) -> str:
        """SQL over the found row `f` of what an explanation names: the code, and the part where there are several."""
        return f"'{self.code}.' || {self.part}" if self.part else f"'{self.code}'"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found; `unit_id` is the unit that answers for the record, where one does.

    `project_id` or `enterprise_id` is the record itself or what it hangs on; `explanation` is what the unit said.
    """

    code: str
    severity: Severity
    subject: str
    subject_id: int | None
    unit_id: int | None
    message: Message
    key: str = ""
    monthly: bool = False
    unit: str = ""
    project_id: int | None = None
    enterprise_id: int | None = None
    explanation_id: int | None = None
    explanation: str | None = None
    explained_by: str | None = None


@dataclass(frozen=True)
class Asked:
    """Whose findings are asked for: of a reader's scope, a month, a unit, a record; explained, open or both."""

    actor: Actor = Actor("system:checks")
    month: Month | None = None
    unit_id: int | None = None
    explained: bool | None = None
    key: str | None = None
    record_id: int | None = None


def that_find(database: Database, checks: Iterable[Check]) -> Iterator[Check]:
    """Yield the checks that find anything, in their order: most find nothing, and many are asked at once."""
    asked = iter(checks)
    while part := list(islice(asked, _AT_ONCE)):
        params, questions = Params(), []
        for place, check in enumerate(part):
            sql = _renumbered(check.sql, len(params))
            params += check.params
            questions.append(f"select {place} as place where exists (select 1 from (\n{sql}\n) found)")
        for row in sorted(database.rows(" union all ".join(questions), params)):
            yield part[row[0]]


_AT_ONCE = 25


def _renumbered(sql: str, by: int) -> str:
    """Return SQL whose values stand so many places further on."""
    return re.sub(r"\$(\d+)", lambda mark: f"${int(mark[1]) + by}", sql)


def count_found(database: Database, check: Check, asked: Asked) -> list[tuple[int | None, bool, int]]:
    """Return (answering unit, whether explained, how many findings) of one check."""
    sql, params = _query(database, check, asked, "{unit}, said.id is not null, count(*)")
    return [(row[0], bool(row[1]), row[2]) for row in database.rows(f"{sql} group by 1, 2", params)]


def run(
    database: Database, check: Check, asked: Asked | None = None, *, limit: int | None = None, offset: int = 0
) -> list[Finding]:
    """Return the findings of one check by the order of their records, all or a stretch of them."""
    sql, params = _query(database, check, asked or Asked(), _COLUMNS)
    tail = f" limit {int(limit)} offset {int(offset)}" if limit is not None else ""
    return [_finding(check, row) for row in database.records(f"{sql} order by f.id, found_key{tail}", params)]


_COLUMNS = (
    "f.*, {key} as found_key, {unit} as answering_unit_id, of_unit.name as unit_name, {own_name} as own_name,"
    " of_project.id as of_project_id, of_project.code as project_code, of_project.name as project_name,"
    " of_enterprise.id as of_enterprise_id, of_enterprise.name as enterprise_name,"
    " said.id as said_id, said.content as said, coalesce(said_by.name, said.updated_by) as said_by"
)
# Records that hang on others: the column and what it leads to, the nearest first.
_HANGS_ON = {"project_id": "project", "enterprise_id": "enterprise"}


def _query(database: Database, check: Check, asked: Asked, columns: str) -> tuple[str, Params]:
    subject, known, params = check.subject, database.columns(check.subject), Params(check.params)
    joins, units = [], []
    for column, parent in _HANGS_ON.items():
        own = "id" if subject == parent else column if column in known else None
        joins.append(f"left join {parent} of_{parent} on of_{parent}.id = {f'r.{own}' if own else 'null'}")
        if own and subject not in permissions.CARRY_THEIR_UNIT:
            units.append(f"of_{parent}.{'unit_id' if parent == 'project' else 'owner_unit_id'}")
    if subject == "unit":
        units = ["r.id"]
    elif "unit_id" in known:
        units.append("r.unit_id")
    unit = f"coalesce({', '.join(units)}, null)" if units else "cast(null as bigint)"
    month = f"= {params.add(str(asked.month))}" if check.monthly and asked.month else "is null"
    conditions = [_visible(asked.actor, subject, params)]
    if asked.unit_id is not None:
        conditions.append(f"{unit} = {params.add(asked.unit_id)}")
    if asked.explained is not None:
        conditions.append(f"said.id is {'not ' if asked.explained else ''}null")
    if asked.record_id is not None:
        conditions.append(f"f.id = {params.add(asked.record_id)}")
    if asked.key is not None:
        conditions.append(f"{check.key} = {params.add(asked.key)}")
    name = next((f"r.{column}" for column in ("name", "login", "file_name") if column in known), "cast(null as text)")
    selected = columns.replace("{unit}", unit).replace("{key}", check.key).replace("{own_name}", name)
    return (
        f"with found as (\n{check.sql}\n)\nselect {selected}"
        f" from found f left join {subject} r on r.id = f.id {' '.join(joins)}"
        f" left join unit of_unit on of_unit.id = {unit}"
        " left join (select *, row_number() over (partition by code, subject_id order by id desc) as place"
        f" from explanation where archived_at is null and subject = {params.add(subject)} and month {month}) said"
        f" on said.place = 1 and said.subject_id = f.id and said.code = {check.key}"
        " left join account said_by on said_by.login = said.updated_by"
        f" where {' and '.join(conditions)}"
    ), params


def _visible(actor: Actor, subject: str, params: Params) -> str:
    """Keep to records that the reader may see; those that no unit holds are the whole bureau's."""
    if Scope.ALL in permissions.scopes(actor, Action.READ):
        return "true"
    if not permissions.is_scoped(subject):
        return "false"
    return permissions.visible(actor, Action.READ, subject, "r", params)


def _finding(check: Check, row: dict[str, Any]) -> Finding:
    record = record_words(check.subject, row)
    return Finding(
        check.code,
        check.severity,
        check.subject,
        row["id"],
        row["answering_unit_id"],
        check.sentence({"record": record, **row, **check.about}),
        row["found_key"],
        check.monthly,
        row["unit_name"] or "",
        row["of_project_id"],
        row["of_enterprise_id"],
        row["said_id"],
        row["said"],
        row["said_by"],
    )


def record_words(subject: str, row: Values) -> Message:
    """Name a record so that a reader knows which it is: by its project, enterprise or unit, else by its own name."""
    kind = SUBJECTS.get(subject) or Message(subject, {})
    if row["project_code"]:
        code, name = row["project_code"], row["project_name"]
        if subject == "project":
            return _("Project {code} “{name}”", code=code, name=name)
        return _("{kind} of project {code} “{name}”", kind=kind, code=code, name=name)
    if row["enterprise_name"]:
        if subject == "enterprise":
            return _("Enterprise “{name}”", name=row["enterprise_name"])
        return _("{kind} of the enterprise “{name}”", kind=kind, name=row["enterprise_name"])
    if row["own_name"]:
        return _("{kind} “{name}”", kind=kind, name=row["own_name"])
    if row["unit_name"]:
        return _("{kind} of {unit}", kind=kind, unit=row["unit_name"])
    return _("{kind} no. {id}", kind=kind, id=row["id"])
