"""What a unit does to make its month ready: it explains findings that have their reason, and hands the month in."""

from datetime import date, datetime

from crm import permissions
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.locale import _
from crm.model import Actor
from crm.months import Month
from crm.permissions import Action
from crm.reports.checking import Asked, Finding, Severity
from crm.reports.findings import find_finding
from crm.reports.readiness import Tally, tallies
from crm.store import Database, transaction


def explain(
    database: Database,
    actor: Actor,
    finding: Finding,
    month: Month,
    *,
    content: str,
    now: datetime,
    today: date,
) -> int:
    """Say why a finding stands, for the month where it is one of a month, and return the explanation's id.

    What was said before is replaced. Raises Invalid without a reason or for a blocking finding, which can only be
    mended; NotFound where it no longer stands or lies outside the scope; Denied.
    """
    if finding.subject_id is None:
        raise NotFound
    asked = Asked(actor, month)
    found = find_finding(database, finding.key, finding.subject, finding.subject_id, asked, today=today)
    if found is None:
        raise NotFound
    if not permissions.covers_unit(actor, Action.EDIT, found.unit_id):
        raise Denied
    if found.severity is Severity.BLOCKING:
        raise Invalid({"content": _("This makes numbers wrong: it can only be mended.")})
    if not content.strip():
        raise Invalid({"content": _("Say why it is as it is.")})
    with transaction(database, actor=actor.login, now=now) as work:
        if found.explanation_id is not None:
            before = work.get("explanation", found.explanation_id)
            if before["archived_at"] is not None:
                raise Conflict
            work.update("explanation", before["id"], before["version"], {"content": content.strip()}, action="explain")
            return found.explanation_id
        return work.insert(
            "explanation",
            {
                "unit_id": found.unit_id,
                "code": found.key,
                "subject": found.subject,
                "subject_id": found.subject_id,
                "month": str(month) if found.monthly else None,
                "content": content.strip(),
            },
            action="explain",
        )


def withdraw_explanation(database: Database, actor: Actor, explanation_id: int, *, now: datetime) -> None:
    """Take an explanation back, so that its finding is open again; raises NotFound, Denied, Conflict for one gone."""
    with transaction(database, actor=actor.login, now=now) as work:
        permissions.require(work, actor, Action.EDIT, "explanation", explanation_id)
        before = work.get("explanation", explanation_id)
        if before["archived_at"] is not None:
            raise Conflict
        work.update("explanation", explanation_id, before["version"], {"archived_at": now}, action="withdraw")


def submit_month(
    database: Database, actor: Actor, unit_id: int, month: Month, *, note: str = "", now: datetime, today: date
) -> int:
    """Hand in a unit's month, with how much is open in it now, and return the id of what was handed in.

    A month handed in again is one more row, the newest counts. Raises Invalid for a month that has not ended;
    NotFound, Denied.
    """
    if not permissions.covers_unit(actor, Action.SUBMIT, unit_id):
        raise Denied if permissions.covers_unit(actor, Action.READ, unit_id) else NotFound
    if month.last_day > today:
        raise Invalid({"month": _("The month {month} has not ended yet.", month=month)})
    # Counted before anybody has to wait: at a hundred times the size it takes a second.
    counted = tallies(database, actor, month, today=today, unit_id=unit_id)
    open_ones = [tally for tally in counted if not tally.explained]
    with transaction(database, actor=actor.login, now=now) as work:
        work.require("unit", unit_id)
        return work.insert(
            "unit_month",
            {
                "unit_id": unit_id,
                "month": str(month),
                "submitted_at": now,
                "submitted_by": actor.login,
                "blocking_findings": _number(open_ones, Severity.BLOCKING),
                "warning_findings": _number(open_ones, Severity.WARNING),
                "note": note.strip() or None,
            },
            action="submit",
        )


def _number(counted: list[Tally], severity: Severity) -> int:
    return sum(tally.findings for tally in counted if tally.check.severity is severity)
