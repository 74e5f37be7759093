"""Import: plan, preview, commit, take back.

`plan_import` reads a file and judges every row against the database; nothing is written. `commit_import` writes the
plan in one transaction, after judging anew where the database moved in between. Every record that a batch made or
changed has a line in `import_row`, a changed one with its values before and after: `revert_import` works from these.
"""

import gc
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crm import permissions
from crm.actions.change_sets import take_back
from crm.errors import Conflict, Denied, NotFound, Refused
from crm.exchange import directory, figures, projects
from crm.exchange.columns import Kind, kind_of
from crm.exchange.judging import Case, Remark, open_case
from crm.exchange.reading import Sheet, read_sheet
from crm.locale import _
from crm.model import Actor
from crm.months import bureau_day
from crm.permissions import Action, Scope
from crm.store import Database, Session, Transaction, transaction

Progress = Callable[[float], None]

_JUDGES: Mapping[str, Callable[[Case], None]] = {
    "enterprises": directory.judge_enterprises,
    "contacts": directory.judge_contacts,
    "followups": directory.judge_followups,
    "opportunities": figures.judge_opportunities,
    "projects": projects.judge_projects,
    "agreements": projects.judge_agreements,
    "transfers": projects.judge_transfers,
    "funds": projects.judge_funds,
    "milestones": projects.judge_milestones,
    "commitments": projects.judge_commitments,
    "targets": figures.judge_targets,
    "adjustments": figures.judge_adjustments,
}


@dataclass(frozen=True)
class PlannedRow:
    """One row of the preview."""

    number: int
    action: str
    cells: dict[str, str]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What an import would do; `actor`, `kind` and `sheet` are kept to judge anew where the database moved."""

    kind: Kind
    sheet: Sheet
    today: date
    unknown_columns: tuple[str, ...]
    rejects: tuple[Remark, ...]
    warning_details: tuple[Remark, ...]
    rows: int
    new: int
    updated: int
    unchanged: int
    rejected: int
    _case: Case = field(repr=False)
    _head: int = field(repr=False)

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return len(self.warning_details)

    def preview(self, limit: int = 100, *, only: str | None = None) -> list[PlannedRow]:
        """Return rows for a table, all or those of one action (`new`, `updated`, `unchanged`, `rejected`)."""
        case = self._case
        wanted = [row for row in range(case.size) if only is None or case.actions[row] == only][:limit]
        said = self.reasons()
        fields = list(case.layout.columns)
        return [
            PlannedRow(
                case.numbers[row],
                case.actions[row],
                {case.heading(name): case.text(row, name) for name in fields},
                tuple(said.get(case.numbers[row], ())),
            )
            for row in wanted
        ]

    def reasons(self) -> dict[int, list[str]]:
        """Return all that is said of each row, by the sheet's row number; rejections first."""
        said: dict[int, list[str]] = {}
        for remark in (*self.rejects, *self.warning_details):
            text = f"{remark.column}：{remark.reason}" if remark.column else str(remark.reason)
            said.setdefault(remark.row, []).append(text)
        return said

    @property
    def heading_row(self) -> int:
        """The sheet's row of headings, counted from 0."""
        return self._case.layout.heading_row

    def result(self) -> "ImportResult":
        """Return what a dry run says: the counts, and no batch."""
        return ImportResult(
            batch=None,
            rows=self.rows,
            new=self.new,
            updated=self.updated,
            unchanged=self.unchanged,
            rejected=self.rejected,
            warnings=self.warnings,
            rejects=self.rejects,
        )


@dataclass(frozen=True)
class ImportResult:
    """What an import did; `batch` is None for a dry run, `report` the path of the sheet with reasons once written."""

    batch: int | None
    rows: int
    new: int
    updated: int
    unchanged: int
    rejected: int
    warnings: int
    rejects: tuple[Remark, ...]
    report: str | None = None

    def with_report(self, path: Path) -> "ImportResult":
        """Return the result with the path of its report."""
        return replace(self, report=str(path))

    def as_json(self) -> dict[str, Any]:
        """Return the result as the command line prints it."""
        return {
            "batch": self.batch,
            "rows": self.rows,
            "new": self.new,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "warnings": self.warnings,
            "rejects": [
                {"row": r.row, "column": r.column, "value": r.value, "reason": str(r.reason)} for r in self.rejects
            ],
            "report": self.report,
        }


# ------------------------------------------------------------------------------------------------------------- plan


def plan_import(
    database: Database,
    actor: Actor,
    kind: str,
    path: Path,
    *,
    sheet: str | None = None,
    today: date,
    progress: Progress | None = None,
) -> Plan:
    """Read a file and judge its rows; raises Refused for a file that is refused whole, Denied without the right."""
    permissions.require_right(actor, Action.IMPORT)
    found = kind_of(kind)
    content = read_sheet(path, sheet=sheet, progress=_part(progress, 0.0, 0.6))
    with database.reading() as session, _without_collections():
        plan = _judge(database, session, actor, found, content, today)
    if progress:
        progress(1.0)
    return plan


@contextmanager
def _without_collections() -> Iterator[None]:
    """Keep the collector of cyclic garbage away: there is none here, and it would walk through every record again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _judge(
    database: Database, session: Session | Transaction, actor: Actor, kind: Kind, sheet: Sheet, today: date
) -> Plan:
    # Read first: whatever is written from here on shows as a later head.
    head = session.value("select last_id from audit_head where id = 1")
    case = open_case(database, session, actor, kind, sheet, today=today)
    _JUDGES[kind.slug](case)
    case.values.clear()  # the verdict is in the books; the cells are in the sheet
    for cells in sheet.columns:
        cells.pack()
    counts = Counter(case.actions)
    return Plan(
        kind=kind,
        sheet=sheet,
        today=today,
        unknown_columns=case.layout.unknown,
        rejects=tuple(sorted(case.rejects, key=lambda remark: remark.row)),
        warning_details=tuple(sorted(case.warnings, key=lambda remark: remark.row)),
        rows=case.size,
        new=counts["new"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        rejected=counts["rejected"],
        _case=case,
        _head=head,
    )


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    return (lambda share: progress(start + share * (end - start))) if progress else None


# ----------------------------------------------------------------------------------------------------------- commit

_LINE_COLUMNS = (
    "id",
    "batch_id",
    "row_number",
    "action",
    "subject",
    "subject_id",
    "subject_version",
    "before",
    "after",
    "reason",
)


def commit_import(
    database: Database,
    actor: Actor,
    plan: Plan,
    *,
    now: datetime,
    strict: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Write a plan in one transaction and return what it did.

    Where anything was written since the plan was made, every row is judged anew; raises Conflict where that changes
    what would happen to a row, and with `strict` Refused where any row is rejected.
    """
    permissions.require_right(actor, Action.IMPORT)
    if strict and plan.rejected:
        raise Refused(_("{count} rows are rejected, and nothing was imported.", count=plan.rejected))
    with _without_collections(), transaction(database, actor=actor.login, now=now) as work:
        # The plan holds what its own actor may do.
        stale = plan._case.books.spent or plan._case.actor != actor
        if stale or work.value("select last_id from audit_head where id = 1") != plan._head:
            again = _judge(database, work, actor, plan.kind, plan.sheet, plan.today)
            if again._case.actions != plan._case.actions:
                raise Conflict(
                    _("The database changed since the preview, and some rows would do something else: read it again.")
                )
            plan = again
        batch_id = _write(work, plan, _part(progress, 0.0, 0.9))
    if progress:
        progress(1.0)
    return replace(plan.result(), batch=batch_id)


_LINES_AT_ONCE = 5_000


def _write(work: Transaction, plan: Plan, progress: Progress | None) -> int:
    """Write the records, a line for each of them and for every row that made none, and the batch; returns its id."""
    case, batch_id = plan._case, work.new_ids(1)[0]
    reasons = {row: "；".join(said) for row, said in plan.reasons().items()}
    digest = hashlib.sha256()
    told: set[int] = set()
    lines: list[tuple[Any, ...]] = []

    def load() -> None:
        digest.update(repr(lines).encode())
        rows = [(i, batch_id, *line) for i, line in zip(work.new_ids(len(lines)), lines, strict=True)]
        work.session.load("import_row", _LINE_COLUMNS, rows)
        lines.clear()

    for part in case.books.write(work):
        for line in part:
            number = case.numbers[line.row]
            # A row's warnings go with the first of its records.
            lines.append((number, *line[1:], None if number in told else reasons.get(number)))
            told.add(number)
        if len(lines) >= _LINES_AT_ONCE:
            load()
        if progress:
            progress(min(len(told) / (plan.rows + 1), 0.95))
    for number, action, subject in zip(case.numbers, case.actions, case.subjects, strict=True):
        if number not in told:
            table, record_id = subject or (None, None)
            lines.append((number, action, table, record_id, None, None, None, reasons.get(number)))
    load()
    counts = {
        "row_count": plan.rows,
        "new_count": plan.new,
        "updated_count": plan.updated,
        "unchanged_count": plan.unchanged,
        "rejected_count": plan.rejected,
        "warning_count": plan.warnings,
    }
    sheet = plan.sheet
    batch = {"kind": plan.kind.slug, "file_name": sheet.file_name, "file_sha256": sheet.sha256, "sheet": sheet.name}
    stamps = {"id": batch_id, "version": 1, "created_at": work.now, "created_by": work.actor}
    stamps |= {"updated_at": work.now, "updated_by": work.actor}
    values = {**stamps, **batch, **counts}
    work.session.load("import_batch", list(values), [tuple(values.values())])
    summary = {**batch, **counts, "rows_sha256": digest.hexdigest()}
    work.record_change("import", "import_batch", batch_id, None, summary)
    return batch_id


# ------------------------------------------------------------------------------------------------------------ revert


def revert_import(database: Database, actor: Actor, batch_id: int, *, now: datetime) -> dict[str, int]:
    """Take a batch back: remove what it made, restore what it changed; returns how many records of each.

    Raises Refused where records were changed since, or others refer to them; NotFound, Denied.
    """
    permissions.require_right(actor, Action.IMPORT)
    with transaction(database, actor=actor.login, now=now) as work:
        batch = work.get("import_batch", batch_id)
        if batch["created_by"] != actor.login and Scope.ALL not in permissions.scopes(actor, Action.IMPORT):
            raise NotFound if batch["kind"] else Denied
        if batch["reverted_at"] is not None:
            raise Refused(_("The batch was already taken back on {day}.", day=bureau_day(batch["reverted_at"])))
        made: dict[str, list[tuple[int, int]]] = {}
        changed: dict[str, list[tuple[int, int, Mapping[str, Any]]]] = {}
        for action, table, record_id, version, before in work.rows(
            "select action, subject, subject_id, subject_version, before from import_row"
            " where batch_id = $1 and subject_version is not null order by id",
            [batch_id],
        ):
            if action == "new":
                made.setdefault(table, []).append((record_id, version))
            else:
                changed.setdefault(table, []).append((record_id, version, json.loads(before)))
        counts = take_back(work, made, changed)
        work.update(
            "import_batch",
            batch_id,
            batch["version"],
            {"reverted_at": now, "reverted_by": actor.login},
            action="revert",
            note=f"removed {counts['removed']}, restored {counts['restored']}",
        )
    return counts


__all__ = ["ImportResult", "Plan", "PlannedRow", "commit_import", "plan_import", "revert_import"]
