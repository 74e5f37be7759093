"""Data quality: what is wrong with the records (blocking) or odd about them (warning), found by set-based queries.

Blocking is what the write path would never leave behind: a reference to nothing, a key twice, a date that cannot be,
a derived value that disagrees with what it is derived from, a word outside the vocabulary, a broken audit chain.
Everything else is a warning, because ledgers are imperfect: see `oddities`. Each check is one row of a table; a check
on several tables or columns is one row per column, made from the registries below. How a check is asked: `checking`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Any

from crm.locale import Message, _
from crm.metrics import CardKind
from crm.model import (
    PROJECT_DATE_OF_MILESTONE,
    AgreementKind,
    AgreementStatus,
    CommitmentKind,
    DifficultyKind,
    DifficultyPhase,
    FeasibilityStudy,
    Grade,
    Method,
    MilestoneKind,
    MovementKind,
    Party,
    ProjectStatus,
    SegmentRole,
    Stage,
    SupervisionEvent,
    SupervisionLevel,
    Tier,
    UnitKind,
    label,
)
from crm.months import Month
from crm.reports.audit_words import FIELDS, SUBJECTS
from crm.reports.checking import Asked, Check, Finding, Severity, Values, run, that_find
from crm.reports.oddities import STAGE_NUMBER, monthly_oddities, oddities
from crm.reports.targets import measure_label
from crm.rules import ACTUAL_DATES, DATE_OF_STAGE, FIELD_LABELS, STAGES
from crm.store import Database, Params, stored_file, verify_audit

__all__ = [
    "REFERENCES",
    "VOCABULARY",
    "Check",
    "Finding",
    "Severity",
    "blocking_findings",
    "checks",
    "find_finding",
    "findings",
    "findings_as_json",
]

# table -> column -> the table whose `id` it names.
REFERENCES: dict[str, dict[str, str]] = {
    "unit": {"parent_id": "unit"},
    "unit_alias": {"unit_id": "unit"},
    "account": {"unit_id": "unit"},
    "session": {"account_id": "account"},
    "segment": {"industry_id": "industry"},
    "enterprise": {"owner_unit_id": "unit", "merged_into_id": "enterprise"},
    "enterprise_alias": {"enterprise_id": "enterprise"},
    "enterprise_segment": {"enterprise_id": "enterprise", "industry_id": "industry", "segment_id": "segment"},
    "contact_person": {"enterprise_id": "enterprise"},
    "follow_up": {
        "enterprise_id": "enterprise",
        "project_id": "project",
        "unit_id": "unit",
        "author_id": "account",
        "corrects_id": "follow_up",
    },
    "movement": {"enterprise_id": "enterprise"},
    "engagement_step": {"enterprise_id": "enterprise", "follow_up_id": "follow_up"},
    "opportunity": {"industry_id": "industry", "segment_id": "segment", "unit_id": "unit"},
    "project": {
        "enterprise_id": "enterprise",
        "opportunity_id": "opportunity",
        "industry_id": "industry",
        "segment_id": "segment",
        "unit_id": "unit",
    },
    "project_unit": {"project_id": "project", "unit_id": "unit"},
    "stage_log": {"project_id": "project"},
    "milestone": {"project_id": "project", "unit_id": "unit"},
    "fund_arrival": {"project_id": "project"},
    "agreement": {"project_id": "project"},
    "commitment": {"project_id": "project", "agreement_id": "agreement", "unit_id": "unit"},
    "difficulty": {"project_id": "project", "enterprise_id": "enterprise", "unit_id": "unit"},
    "target": {"unit_id": "unit"},
    "adjustment": {"unit_id": "unit"},
    "unit_month": {"unit_id": "unit"},
    "explanation": {"unit_id": "unit"},
    "supervision_order": {"unit_id": "unit", "project_id": "project"},
    "supervision_step": {"order_id": "supervision_order"},
    "import_row": {"batch_id": "import_batch"},
    "saved_view": {"owner_id": "account"},
    "change_line": {"change_set_id": "change_set"},
    "month_row": {"close_id": "month_close", "unit_id": "unit"},
    "month_fact": {"close_id": "month_close", "unit_id": "unit"},
    "month_bulletin": {"close_id": "month_close"},
    "not_duplicate": {"enterprise_id": "enterprise", "other_id": "enterprise"},
}

_TABLES_WITHOUT_REFERENCES = (
    "industry",
    "rule_set",
    "import_batch",
    "attachment",
    "dictionary_entry",
    "change_set",
    "month_close",
    "bulletin_text",
    "audit_head",
)

# table -> column -> the vocabulary it takes its values from.
VOCABULARY: dict[str, dict[str, type[StrEnum]]] = {
    "unit": {"kind": UnitKind},
    "segment": {"tier": Tier, "role": SegmentRole},
    "enterprise": {"grade": Grade},
    "enterprise_segment": {"role": SegmentRole},
    "follow_up": {"method": Method},
    "movement": {"kind": MovementKind},
    "opportunity": {"feasibility_study": FeasibilityStudy},
    "project": {"stage": Stage, "status": ProjectStatus, "agreement_kind": AgreementKind},
    "stage_log": {"from_stage": Stage, "to_stage": Stage},
    "milestone": {"kind": MilestoneKind},
    "agreement": {"kind": AgreementKind, "status": AgreementStatus},
    "commitment": {"party": Party, "kind": CommitmentKind},
    "difficulty": {"kind": DifficultyKind, "phase": DifficultyPhase},
    "supervision_order": {"level": SupervisionLevel, "card": CardKind},
    "supervision_step": {"kind": SupervisionEvent, "level": SupervisionLevel},
}

# table -> columns that say when something happened, and so cannot lie after today.
PAST_DATES: dict[str, tuple[str, ...]] = {
    "enterprise": ("founded_on",),
    "follow_up": ("happened_on",),
    "movement": ("happened_on",),
    "project": ("entered_on", *ACTUAL_DATES),
    "project_unit": ("valid_from",),
    "stage_log": ("moved_on",),
    "milestone": ("actual_on", "verified_on"),
    "fund_arrival": ("arrived_on", "verified_on"),
    "agreement": ("signed_on",),
    "commitment": ("fulfilled_on",),
    "difficulty": ("raised_on", "resolved_on"),
}


def findings(database: Database, *, today: date, month: Month | None = None) -> list[Finding]:
    """Check everything and return what was found, blocking findings first, in the order of the checks.

    With a month, what is odd about that month too.
    """
    asked = Asked(month=month)
    every = checks(database, today=today, month=month)
    found = [finding for check in that_find(database, every) for finding in run(database, check, asked)]
    found += [
        Finding(
            "audit_chain",
            Severity.BLOCKING,
            "audit",
            entry,
            None,
            _("The audit trail is broken at entry {entry}: {kind}.", entry=entry, kind=AUDIT_WORDS[kind]),
        )
        for entry, kind in verify_audit(database)
    ]
    found += _lost_files(database)
    return sorted(found, key=lambda finding: finding.severity is not Severity.BLOCKING)


def _lost_files(database: Database) -> Iterator[Finding]:
    """Yield the attachments whose content is not in the folder of files, or not in full."""
    for record_id, name, size, sha256 in database.rows(
        "select id, name, size, sha256 from attachment where archived_at is null order by id"
    ):
        path = stored_file(database, sha256)
        if not path.is_file() or path.stat().st_size != size:
            sentence = _("The content of the attached file “{name}” is missing.", name=name)
            yield Finding("attachment_content", Severity.BLOCKING, "attachment", record_id, None, sentence)


def blocking_findings(database: Database, *, today: date) -> list[Finding]:
    """Return what makes numbers wrong, the audit trail's own state apart: what keeps a month from being closed."""
    blocking = (check for check in checks(database, today=today) if check.severity is Severity.BLOCKING)
    return [finding for check in that_find(database, blocking) for finding in run(database, check)]


def find_finding(
    database: Database, key: str, subject: str, record_id: int, asked: Asked, *, today: date
) -> Finding | None:
    """Return one finding by its key and record, as long as it stands within the reader's scope."""
    at = replace(asked, key=key, record_id=record_id)
    for check in checks(database, today=today, month=asked.month):
        if check.subject == subject and check.code == key.split(".")[0]:
            for finding in run(database, check, at, limit=1):
                return finding
    return None


def findings_as_json(database: Database, found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain values, the unit by its name."""
    units: dict[int | None, str] = dict(database.rows("select id, name from unit"))
    return [
        {
            "code": finding.code,
            "severity": str(finding.severity),
            "subject": finding.subject,
            "id": finding.subject_id,
            "unit": units.get(finding.unit_id),
            "message": str(finding.message),
        }
        for finding in found
    ]


AUDIT_WORDS = {
    "content": _("an entry was edited"),
    "link": _("an entry was removed, inserted or moved"),
    "head": _("the newest entries were removed"),
}


# ------------------------------------------------------------------------------------------------------------- checks


def checks(database: Database, *, today: date, month: Month | None = None) -> Iterator[Check]:
    """List every check, blocking ones and warnings; those of a month come with the month."""
    yield from _references()
    yield from _versions(database)
    yield from _words()
    yield from _keys()
    yield from _dates(today)
    yield from _holdings()
    yield from _derived()
    yield from oddities()
    if month is not None:
        yield from monthly_oddities(month, today=today)


def _references() -> Iterator[Check]:
    for table, columns in REFERENCES.items():
        for column, target in columns.items():
            yield Check(
                "reference",
                Severity.BLOCKING,
                table,
                f"select t.id, t.{column} as named from {table} t left join {target} x on x.id = t.{column}"
                f" where t.{column} is not null and x.id is null",
                lambda row: _(
                    "{record}: what it names as “{field}” does not exist.", record=row["record"], field=row["field"]
                ),
                about={"field": FIELDS.get(column) or SUBJECTS.get(target, target)},
                part=f"'{column}'",
            )


def _versions(database: Database) -> Iterator[Check]:
    for table in [*REFERENCES, *_TABLES_WITHOUT_REFERENCES]:
        if "version" in database.columns(table):
            yield Check(
                "version",
                Severity.BLOCKING,
                table,
                f"select id, version from {table} where version < 1",
                lambda row: _(
                    "{record} has the version {version}; versions count from 1.",
                    record=row["record"],
                    version=row["version"],
                ),
            )


def _words() -> Iterator[Check]:
    for table, columns in VOCABULARY.items():
        for column, vocabulary in columns.items():
            params = Params()
            known = ", ".join(params.add(str(word)) for word in vocabulary)
            yield Check(
                "vocabulary",
                Severity.BLOCKING,
                table,
                f"select id, {column} as word from {table} where {column} not in ({known})",
                lambda row: _(
                    "{record}: {field} holds “{word}”, which is not in the vocabulary.",
                    record=row["record"],
                    field=row["field"],
                    word=row["word"],
                ),
                params,
                {"field": FIELDS.get(column, column)},
                part=f"'{column}'",
            )


def _as_another(row: Values) -> Message:
    values = {name: row[name] for name in ("record", "shared", "other", "unit")}
    return _("{record} has the same code “{shared}” as “{other}” ({unit}).", **values)


# (code, severity, table, what identifies a record, which records, the sentence): one finding for each record after the
# first.
_KEYS: tuple[tuple[str, Severity, str, tuple[str, ...], str, Callable[[Values], Message]], ...] = (
    ("duplicate_project_code", Severity.BLOCKING, "project", ("upper(trim(code))",), "true", _as_another),
    (
        "duplicate_credit_code",
        Severity.BLOCKING,
        "enterprise",
        ("upper(credit_code)",),
        "credit_code is not null",
        _as_another,
    ),
    (
        "duplicate_enterprise_name",
        Severity.WARNING,
        "enterprise",
        ("name_key",),
        "true",
        lambda row: _(
            "{record} is recorded twice: “{other}” ({unit}) has the same name.",
            record=row["record"],
            other=row["other"],
            unit=row["unit"],
        ),
    ),
    (
        "duplicate_agreement_number",
        Severity.BLOCKING,
        "agreement",
        ("project_id", "number"),
        "number is not null",
        lambda row: _("{record}: two have the number “{shared}”.", record=row["record"], shared=row["shared"]),
    ),
    (
        "duplicate_voucher",
        Severity.BLOCKING,
        "fund_arrival",
        ("voucher",),
        "voucher is not null",
        lambda row: _(
            "{record}: the voucher “{shared}” stands for another arrival too.",
            record=row["record"],
            shared=row["shared"],
        ),
    ),
    (
        "duplicate_target",
        Severity.BLOCKING,
        "target",
        ("unit_id", "year", "measure"),
        "true",
        lambda row: _(
            "{record} is set twice for the same year: {measure}.",
            record=row["record"],
            measure=measure_label(row["shared"]),
        ),
    ),
)
# What a reader is told of the record that came first: its name and unit.
_OTHER = {
    "project": "select id, name, unit_id from project",
    "enterprise": "select id, name, owner_unit_id as unit_id from enterprise",
}


def _keys() -> Iterator[Check]:
    for code, severity, table, key, where, sentence in _KEYS:
        columns = ", ".join(key)
        same = " and ".join(f"{part} = d.part{n}" for n, part in enumerate(key))
        named = ", ".join(f"{part} as part{n}" for n, part in enumerate(key))
        # Grouped, not ranked: among hundreds of thousands few are shared.
        twice = (
            f"select t.id, t.shared, d.earlier from (select *, {key[-1]} as shared from {table}) t"
            f" join (select {named}, min(id) as earlier from {table} where archived_at is null and {where}"
            f" group by {columns} having count(*) > 1) d on {same}"
            f" where t.archived_at is null and {where} and t.id <> d.earlier"
        )
        if table in _OTHER:
            twice = (
                "select k.id, k.shared, o.name as other, coalesce(u.name, '—') as unit"
                f" from ({twice}) k join ({_OTHER[table]}) o on o.id = k.earlier left join unit u on u.id = o.unit_id"
            )
        yield Check(code, severity, table, twice, sentence)
    yield Check(
        "ambiguous_unit_name",
        Severity.BLOCKING,
        "unit",
        """with called as (
            select id, code as word from unit where archived_at is null
            union select id, name from unit where archived_at is null
            union select id, short_name from unit where archived_at is null
            union select unit_id, name from unit_alias where archived_at is null
        ),
        shared as (
            select id, word, first_value(id) over (partition by word order by id) as earlier
            from called
        )
        select s.id, s.word, u.name as other from shared s join unit u on u.id = s.earlier where s.id <> s.earlier""",
        lambda row: _(
            "“{word}” names both “{other}” and “{unit}”.", word=row["word"], other=row["other"], unit=row["own_name"]
        ),
        part="f.word",
    )


def _dates(today: date) -> Iterator[Check]:
    for table, columns in PAST_DATES.items():
        params = Params()
        day = f"cast({params.add(today)} as date)"
        yield Check(
            "date_after_today",
            Severity.BLOCKING,
            table,
            " union all ".join(
                f"select id, '{column}' as field, {column} as happened from {table}"
                f" where archived_at is null and {column} > {day}"
                for column in columns
            ),
            lambda row: _(
                "{record}: {field} {day} is later than today.",
                record=row["record"],
                field=FIELDS.get(row["field"], row["field"]),
                day=row["happened"],
            ),
            params,
            part="f.field",
        )
    # Agreements and arrivals need no check of their own: the earliest of each is the project's date.
    yield Check(
        "date_before_lead",
        Severity.BLOCKING,
        "project",
        " union all ".join(
            f"select id, '{column}' as field, {column} as happened, entered_on from project"
            f" where archived_at is null and entered_given and {column} < entered_on"
            for column in ACTUAL_DATES
        ),
        lambda row: _(
            "{record}: {field} {day} is earlier than the lead date {entered}.",
            record=row["record"],
            field=FIELD_LABELS[row["field"]],
            day=row["happened"],
            entered=row["entered_on"],
        ),
        part="f.field",
    )


def _holdings() -> Iterator[Check]:
    # The same order as rules.holding_ends: the first unit first whatever its date.
    yield Check(
        "holding_end",
        Severity.BLOCKING,
        "project_unit",
        """select h.id, h.valid_to, h.expected, u.name as holder from (
            select
                id,
                unit_id,
                valid_to,
                lead(valid_from) over (partition by project_id order by is_first desc, valid_from, id) as expected
            from project_unit
            where archived_at is null
        ) h left join unit u on u.id = h.unit_id where h.valid_to is distinct from h.expected""",
        lambda row: _(
            "{record}: {unit} holds it until {end}, yet the next unit holds it from {next}.",
            record=row["record"],
            unit=row["holder"] or "—",
            end=row["valid_to"] or "—",
            next=row["expected"] or "—",
        ),
    )
    yield Check(
        "first_holding",
        Severity.BLOCKING,
        "project",
        """select p.id, p.entered_on, count(h.id) as firsts, min(h.valid_from) as held_from
        from project p
        left join project_unit h on h.project_id = p.id and h.is_first and h.archived_at is null
        where p.archived_at is null
        group by p.id, p.entered_on
        having count(h.id) <> 1 or min(h.valid_from) <> p.entered_on""",
        lambda row: _(
            "{record} has {count} first holdings from {held}; there should be one from its lead date {entered}.",
            record=row["record"],
            count=row["firsts"],
            held=row["held_from"] or "—",
            entered=row["entered_on"],
        ),
    )
    yield Check(
        "holder",
        Severity.BLOCKING,
        "project",
        """select p.id, u.name as holder
        from project p
        join (
            select
                project_id,
                unit_id,
                row_number() over (partition by project_id order by is_first, valid_from desc, id desc) as place
            from project_unit
            where archived_at is null
        ) h on h.project_id = p.id and h.place = 1
        left join unit u on u.id = h.unit_id
        where p.archived_at is null and h.unit_id <> p.unit_id""",
        lambda row: _(
            "{record} is held by {holder} according to its history, but shows {unit}.",
            record=row["record"],
            holder=row["holder"] or "—",
            unit=row["unit_name"] or "—",
        ),
    )


def _derived() -> Iterator[Check]:
    yield Check(
        "signing",
        Severity.BLOCKING,
        "project",
        """select p.id, p.signed_on as shown, a.signed_on as expected
        from project p
        left join (
            select
                project_id,
                signed_on,
                kind,
                row_number() over (partition by project_id order by signed_on, id) as place
            from agreement
            where archived_at is null and status = 'active'
        ) a on a.project_id = p.id and a.place = 1
        where p.archived_at is null
            and (p.signed_on is distinct from a.signed_on or p.agreement_kind is distinct from a.kind)""",
        lambda row: _(
            "{record}: signing date {shown} or agreement kind differs from its earliest agreement of {expected}.",
            record=row["record"],
            shown=row["shown"] or "—",
            expected=row["expected"] or "—",
        ),
    )
    yield Check(
        "first_funds",
        Severity.BLOCKING,
        "project",
        """select p.id, p.first_funds_on as shown, coalesce(f.arrived_on, m.actual_on) as expected
        from project p
        left join milestone m on m.project_id = p.id and m.kind = 'first_funds' and m.archived_at is null
        left join (
            select project_id, min(arrived_on) as arrived_on from fund_arrival where archived_at is null
            group by project_id
        ) f on f.project_id = p.id
        where p.archived_at is null and p.first_funds_on is distinct from coalesce(f.arrived_on, m.actual_on)""",
        lambda row: _(
            "{record}: first funds {shown} differ from its earliest arrival of {expected}.",
            record=row["record"],
            shown=row["shown"] or "—",
            expected=row["expected"] or "—",
        ),
    )
    yield Check(
        "contact_dates",
        Severity.BLOCKING,
        "enterprise",
        """select e.id
        from enterprise e
        left join (
            select
                enterprise_id,
                max(happened_on) as last_on,
                min(next_due_on) filter (where done_at is null) as next_on
            from follow_up
            where archived_at is null
            group by enterprise_id
        ) f on f.enterprise_id = e.id
        where e.archived_at is null
            and (e.last_contact_on is distinct from f.last_on or e.next_contact_on is distinct from f.next_on)""",
        lambda row: _("{record}: last or next contact differs from its follow-ups.", record=row["record"]),
    )
    mapped = " ".join(f"when '{kind}' then p.{column}" for kind, column in PROJECT_DATE_OF_MILESTONE.items())
    kinds = ", ".join(f"'{kind}'" for kind in PROJECT_DATE_OF_MILESTONE)
    yield Check(
        "milestone_date",
        Severity.BLOCKING,
        "milestone",
        f"""select * from (
            select m.id, m.kind, m.actual_on as shown, case m.kind {mapped} end as expected
            from milestone m
            join project p on p.id = m.project_id
            where m.archived_at is null and p.archived_at is null and m.kind in ({kinds})
        ) m where shown is distinct from expected""",
        lambda row: _(
            "{record}: “{kind}” says {shown}, the project {expected}.",
            record=row["record"],
            kind=label(MilestoneKind(row["kind"])),
            shown=row["shown"] or "—",
            expected=row["expected"] or "—",
        ),
    )
    yield Check(
        "withdrawn_status",
        Severity.BLOCKING,
        "project",
        "select id from project where archived_at is null"
        f" and (status = '{ProjectStatus.WITHDRAWN}') <> (withdrawn_on is not null)",
        lambda row: _("{record}: its status and its withdrawal date disagree.", record=row["record"]),
    )
    for code, severity, comparison in (
        ("stage_beyond_dates", Severity.BLOCKING, "stage_number > greatest(reached, 1)"),
        # A project that was moved back keeps its dates.
        ("stage_behind_dates", Severity.WARNING, "stage_number < reached"),
    ):
        yield Check(
            code,
            severity,
            "project",
            f"""select * from (
                select id, stage, {STAGE_NUMBER} as stage_number, {_STAGE_REACHED} as reached
                from project where archived_at is null
            ) p where {comparison}""",
            lambda row: _(
                "{record} is at the stage “{stage}”, but its dates show “{reached}”.",
                record=row["record"],
                stage=label(Stage(row["stage"])),
                reached=label(STAGES[row["reached"]]),
            ),
        )


_STAGE_REACHED = (
    "case "
    + " ".join(
        f"when {DATE_OF_STAGE[stage]} is not null then {n}"
        for n, stage in reversed(list(enumerate(STAGES)))
        if stage in DATE_OF_STAGE
    )
    + " else 0 end"
)
