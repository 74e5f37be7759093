"""The audit trail as a sheet: one line for each changed field, personal fields masked; the export is audited itself."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from crm.errors import Refused
from crm.exchange.sheets import write_csv
from crm.locale import _
from crm.model import Actor
from crm.reports.audit import (
    AuditFilter,
    Entry,
    FieldChange,
    action_label,
    count_audit,
    describe,
    each_entry,
    subject_label,
)
from crm.store import Database, transaction

MOST_ENTRIES = 100_000
_BATCH = 5_000


def export_audit(
    database: Database,
    actor: Actor,
    filters: AuditFilter,
    path: Path,
    *,
    local: Callable[[datetime], datetime],
    now: datetime,
) -> int:
    """Write the entries of a filter as CSV, newest first, and return how many; `local` as for `describe`.

    Raises Refused where they are too many, Denied.
    """
    count = count_audit(database, actor, filters)
    if count > MOST_ENTRIES:
        raise Refused(_("At most {most} entries at once: choose a shorter time.", most=f"{MOST_ENTRIES:,}"))
    said = {name: value for name, value in filters.__dict__.items() if value not in (None, "")}
    last = database.value("select max(id) from audit")
    with transaction(database, actor=actor.login, now=now) as work:
        work.record_change("export", "audit", None, None, {**said, "records": count})
    # The entry of the export itself is not among those that were asked for.
    entries = (entry for entry in each_entry(database, actor, filters) if entry.id <= last)
    write_csv(path, _lines(database, entries, local))
    return count


def _lines(
    database: Database, entries: Iterator[Entry], local: Callable[[datetime], datetime]
) -> Iterator[tuple[str, ...]]:
    headings = (
        _("Entry"),
        _("Time"),
        _("Login"),
        _("Name"),
        _("Action"),
        _("Kind of record"),
        _("Record number"),
        _("Field"),
        _("Before"),
        _("After"),
        _("Note"),
    )
    yield tuple(map(str, headings))
    while part := list(islice(entries, _BATCH)):
        changes = describe(database, part, local=local)
        for entry in part:
            for change in changes[entry.id] or [FieldChange("", "", "", "")]:
                yield (
                    str(entry.id),
                    f"{local(entry.happened_at):%Y-%m-%d %H:%M:%S}",
                    entry.actor,
                    entry.actor_name,
                    str(action_label(entry.action)),
                    str(subject_label(entry.subject)),
                    str(entry.subject_id or ""),
                    change.label,
                    change.before,
                    change.after,
                    entry.note,
                )
