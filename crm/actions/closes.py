"""Closing a month (月度封账): the ranking is stored exactly as it is published, with the facts behind each number."""

import json
from collections.abc import Sequence
from datetime import date, datetime

from crm import permissions
from crm.errors import Conflict, Invalid, Refused
from crm.locale import _
from crm.metrics import COUNTED_VALUES, RATES, Basis, RuleSet, counted_query
from crm.model import Actor
from crm.months import Month
from crm.reports.bulletin_figures import keep_bulletin
from crm.reports.closes import find_close, pairs_to_json, score_to_text
from crm.reports.findings import blocking_findings
from crm.reports.rankings import RankingRow, ranking
from crm.store import Database, Params, Transaction, transaction

_MOST_NAMED = 20


def close_month(
    database: Database,
    actor: Actor,
    month: Month,
    *,
    rules: RuleSet,
    basis: Basis = Basis.COUNT,
    override: str = "",
    now: datetime,
    today: date,
) -> int:
    """Freeze a month's ranking under a rule set, with the projects behind each number, and return the close's id.

    One transaction. Raises Refused with the list while blocking findings are open, unless `override` says why it is
    closed all the same; Invalid for a month that has not ended; Conflict for one that is closed already; Denied.
    """
    permissions.require_right(actor, permissions.Action.CLOSE)
    if month.last_day > today:
        raise Invalid({"month": _("The month {month} has not ended yet.", month=month)})
    # No one else writes while the transaction is open: what is read beside it is what it freezes.
    with transaction(database, actor=actor.login, now=now) as work:
        if find_close(work, month) is not None:
            raise Conflict(_("The month {month} is closed already: reopen it first.", month=month))
        blocking = blocking_findings(database, today=today)
        if blocking and not override.strip():
            named = "\n".join(str(finding.message) for finding in blocking[:_MOST_NAMED])
            more = len(blocking) - _MOST_NAMED
            raise Refused(
                _(
                    "{count} findings keep the month from being closed. Mend them, or give a reason:\n{findings}",
                    count=len(blocking),
                    findings=named + (f"\n… +{more}" if more > 0 else ""),
                )
            )
        close_id = work.insert(
            "month_close",
            {
                "month": str(month),
                "as_of": month.last_day,
                "basis": str(basis),
                "rules_name": rules.name,
                "rules_version": rules.version,
                "rules_settings": json.dumps(rules.settings(), ensure_ascii=False),
                "blocking_findings": len(blocking),
                "override_reason": override.strip() or None,
            },
            action="close",
        )
        current = ranking(database, month=month, rules=rules, basis=basis)
        _freeze_rows(work, close_id, current.rows)
        _freeze_facts(work, close_id, month, rules)
        keep_bulletin(work, database, close_id, current)
    return close_id


def reopen_month(database: Database, actor: Actor, month: Month, *, reason: str, now: datetime) -> int:
    """Open a closed month again for a reason and return the close's id; what was published stays beside the next close.

    Raises Invalid without a reason or where the month is not closed; Denied.
    """
    permissions.require_right(actor, permissions.Action.CLOSE)
    if not reason.strip():
        raise Invalid({"reason": _("Say why the month is opened again.")})
    with transaction(database, actor=actor.login, now=now) as work:
        close = find_close(work, month)
        if close is None:
            raise Invalid({"month": _("The month {month} is not closed.", month=month)})
        changes = {"reopened_at": now, "reopened_by": actor.login, "reopen_reason": reason.strip()}
        work.update("month_close", close.id, close.version, changes, action="reopen", note=reason.strip())
    return close.id


def _freeze_rows(work: Transaction, close_id: int, rows: Sequence[RankingRow]) -> None:
    work.session.load(
        "month_row",
        _ROW_COLUMNS,
        [
            (
                row_id,
                close_id,
                position,
                row.unit.id,
                row.unit.code,
                row.unit.name,
                row.unit.short_name,
                row.unit.kind,
                row.unit.peer_group,
                row.unit.display_order,
                row.rank,
                row.previous_rank,
                score_to_text(row.score),
                row.adjustment,
                pairs_to_json(row.pairs),
            )
            for position, (row_id, row) in enumerate(zip(work.new_ids(len(rows)), rows, strict=True))
        ],
    )


_ROW_COLUMNS = (
    "id",
    "close_id",
    "position",
    "unit_id",
    "unit_code",
    "unit_name",
    "unit_short_name",
    "unit_kind",
    "peer_group",
    "display_order",
    "rank",
    "previous_rank",
    "score",
    "adjustment",
    "pairs",
)


def _freeze_facts(work: Transaction, close_id: int, month: Month, rules: RuleSet) -> None:
    counted, bound = counted_query(rules, rules.period(month))
    params = Params(bound)
    values = [name for slug in RATES for name in (f"{slug}_d", f"{slug}_n")] + list(COUNTED_VALUES)
    # Written where it is read: at a hundred times the size a month has tens of thousands of them.
    work.session.execute(
        f"insert into month_fact (id, close_id, project_id, unit_id, code, name, enterprise, {', '.join(values)})"
        f" select nextval('record_id'), {params.add(close_id)}, c.project_id, c.unit_id, p.code, p.name, e.name,"
        f" {', '.join(f'c.{name}' for name in values)}"
        f" from ({counted}) c join project p on p.id = c.project_id left join enterprise e on e.id = p.enterprise_id",
        params,
    )
