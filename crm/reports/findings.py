"""Data quality: what is wrong with the records (blocking) or odd about them (warning), found by set-based queries.

Blocking is what the write path would never leave behind: a reference to nothing, a key twice, a date that cannot be,
a derived value that disagrees with what it is derived from, a word outside the vocabulary, a broken audit chain.
Everything else is a warning: ledgers are imperfect. Each check is one row of a table; a check on several tables or
columns is one row per column, made from the registries below.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from crm.locale import Message, _
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
    Tier,
    UnitKind,
    label,
)
from crm.rules import ACTUAL_DATES, DATE_OF_STAGE, FIELD_LABELS, REQUIRED_FROM, STAGES, USUAL_ORDER
from crm.store import Database, Params, stored_file, verify_audit


class Severity(StrEnum):
    """Whether a finding makes numbers wrong or is merely odd."""

    BLOCKING = "blocking"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found; `unit_id` is the unit that answers for the record, where one does."""

    code: str
    severity: Severity
    subject: str
    subject_id: int | None
    unit_id: int | None
    message: Message


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

# Columns that lead from a record to the unit that answers for it, nearest first.
_UNIT_COLUMNS = ("unit_id", "owner_unit_id")
_UNIT_PARENTS = (("project_id", "project", "unit_id"), ("enterprise_id", "enterprise", "owner_unit_id"))

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One query whose rows are findings: `id` is the record's; the other columns and `about` fill the sentence."""

    code: str
    severity: Severity
    subject: str
    sql: str
    sentence: Callable[[Values], Message]
    params: Sequence[Any] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


def findings(database: Database, *, today: date) -> list[Finding]:
    """Check everything and return what was found, blocking findings first, in the order of the checks."""
    found = [finding for check in checks(database, today=today) for finding in _run(database, check)]
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
            sentence = _("The content of the attached file “{name}” ({id}) is missing.", name=name, id=record_id)
            yield Finding("attachment_content", Severity.BLOCKING, "attachment", record_id, None, sentence)


def blocking_findings(database: Database, *, today: date) -> list[Finding]:
    """Return what makes numbers wrong, the audit trail's own state apart: what keeps a month from being closed."""
    return [
        finding
        for check in checks(database, today=today)
        if check.severity is Severity.BLOCKING
        for finding in _run(database, check)
    ]


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


def _run(database: Database, check: Check) -> Iterator[Finding]:
    columns = database.columns(check.subject)
    joins, units = [], [f"r.{column}" for column in _UNIT_COLUMNS if column in columns]
    for column, parent, unit_column in _UNIT_PARENTS:
        if column in columns:
            joins.append(f" left join {parent} of_{parent} on of_{parent}.id = r.{column}")
            units.append(f"of_{parent}.{unit_column}")
    unit = "r.id" if check.subject == "unit" else f"coalesce({', '.join(units)}, null)" if units else "null"
    for row in database.records(
        f"with found as (\n{check.sql}\n)\nselect f.*, {unit} as answering_unit_id"
        f" from found f left join {check.subject} r on r.id = f.id{''.join(joins)} order by f.id",
        check.params,
    ):
        sentence = check.sentence({**row, **check.about})
        yield Finding(check.code, check.severity, check.subject, row["id"], row["answering_unit_id"], sentence)


# ------------------------------------------------------------------------------------------------------------- checks


def checks(database: Database, *, today: date) -> Iterator[Check]:
    """List every check, blocking ones and warnings."""
    yield from _references()
    yield from _versions(database)
    yield from _words()
    yield from _keys()
    yield from _dates(today)
    yield from _holdings()
    yield from _derived()
    yield from _oddities()


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
                    "{place} of record {id} names {target} {named}, which does not exist.",
                    place=row["place"],
                    id=row["id"],
                    target=row["target"],
                    named=row["named"],
                ),
                about={"place": f"{table}.{column}", "target": target},
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
                    "{table} {id} has the version {version}; versions count from 1.",
                    table=row["table"],
                    id=row["id"],
                    version=row["version"],
                ),
                about={"table": table},
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
                    "{place} of record {id} holds “{word}”, which is not in the vocabulary.",
                    place=row["place"],
                    id=row["id"],
                    word=row["word"],
                ),
                params,
                {"place": f"{table}.{column}"},
            )


# (code, severity, table, what identifies a record, which records): one finding for each record after the first.
_KEYS: tuple[tuple[str, Severity, str, tuple[str, ...], str], ...] = (
    ("duplicate_project_code", Severity.BLOCKING, "project", ("upper(trim(code))",), "true"),
    ("duplicate_credit_code", Severity.BLOCKING, "enterprise", ("upper(credit_code)",), "credit_code is not null"),
    ("duplicate_enterprise_name", Severity.WARNING, "enterprise", ("name_key",), "true"),
    ("duplicate_agreement_number", Severity.BLOCKING, "agreement", ("project_id", "number"), "number is not null"),
    ("duplicate_voucher", Severity.BLOCKING, "fund_arrival", ("voucher",), "voucher is not null"),
    ("duplicate_target", Severity.BLOCKING, "target", ("unit_id", "year", "measure"), "true"),
)


def _keys() -> Iterator[Check]:
    for code, severity, table, key, where in _KEYS:
        columns = ", ".join(key)
        yield Check(
            code,
            severity,
            table,
            f"select * from (select id, {key[-1]} as shared, first_value(id) over same as earlier"
            f" from {table} where archived_at is null and {where} window same as (partition by {columns} order by id)"
            ") k where earlier <> id",
            lambda row: _(
                "{table} {id} has the same key “{shared}” as {table} {earlier}.",
                table=row["table"],
                id=row["id"],
                shared=row["shared"],
                earlier=row["earlier"],
            ),
            about={"table": table},
        )
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
        select * from shared where id <> earlier""",
        lambda row: _(
            "“{word}” names both unit {earlier} and unit {id}.", word=row["word"], earlier=row["earlier"], id=row["id"]
        ),
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
                "{table} {id}: {field} {day} is later than today.",
                table=row["table"],
                id=row["id"],
                field=FIELD_LABELS.get(row["field"], row["field"]),
                day=row["happened"],
            ),
            params,
            {"table": table},
        )
    # Agreements and arrivals need no check of their own: the earliest of each is the project's date.
    yield Check(
        "date_before_lead",
        Severity.BLOCKING,
        "project",
        " union all ".join(
            f"select id, code, '{column}' as field, {column} as happened, entered_on from project"
            f" where archived_at is null and entered_given and {column} < entered_on"
            for column in ACTUAL_DATES
        ),
        lambda row: _(
            "Project {code}: {field} {day} is earlier than the lead date {entered}.",
            code=row["code"],
            field=FIELD_LABELS[row["field"]],
            day=row["happened"],
            entered=row["entered_on"],
        ),
    )


def _holdings() -> Iterator[Check]:
    # The same order as rules.holding_ends: the first unit first whatever its date.
    yield Check(
        "holding_end",
        Severity.BLOCKING,
        "project_unit",
        """select * from (
            select
                id,
                valid_to,
                lead(valid_from) over (partition by project_id order by is_first desc, valid_from, id) as expected
            from project_unit
            where archived_at is null
        ) h where valid_to is distinct from expected""",
        lambda row: _(
            "Holding {id} ends on {end}, yet the next unit holds the project from {next}.",
            id=row["id"],
            end=row["valid_to"] or "—",
            next=row["expected"] or "—",
        ),
    )
    yield Check(
        "first_holding",
        Severity.BLOCKING,
        "project",
        """select p.id, p.code, p.entered_on, count(h.id) as firsts, min(h.valid_from) as held_from
        from project p
        left join project_unit h on h.project_id = p.id and h.is_first and h.archived_at is null
        where p.archived_at is null
        group by p.id, p.code, p.entered_on
        having count(h.id) <> 1 or min(h.valid_from) <> p.entered_on""",
        lambda row: _(
            "Project {code} has {count} first holdings from {held}; there should be one from its lead date {entered}.",
            code=row["code"],
            count=row["firsts"],
            held=row["held_from"] or "—",
            entered=row["entered_on"],
        ),
    )
    yield Check(
        "holder",
        Severity.BLOCKING,
        "project",
        """select p.id, p.code, p.unit_id, h.unit_id as holder
        from project p
        join (
            select
                project_id,
                unit_id,
                row_number() over (partition by project_id order by is_first, valid_from desc, id desc) as place
            from project_unit
            where archived_at is null
        ) h on h.project_id = p.id and h.place = 1
        where p.archived_at is null and h.unit_id <> p.unit_id""",
        lambda row: _(
            "Project {code} is held by unit {holder} according to its history, but shows unit {unit}.",
            code=row["code"],
            holder=row["holder"],
            unit=row["unit_id"],
        ),
    )


def _derived() -> Iterator[Check]:
    yield Check(
        "signing",
        Severity.BLOCKING,
        "project",
        """select p.id, p.code, p.signed_on as shown, a.signed_on as expected
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
            "Project {code}: signing date {shown} or agreement kind differs from its earliest agreement of {expected}.",
            code=row["code"],
            shown=row["shown"] or "—",
            expected=row["expected"] or "—",
        ),
    )
    yield Check(
        "first_funds",
        Severity.BLOCKING,
        "project",
        """select p.id, p.code, p.first_funds_on as shown, coalesce(f.arrived_on, m.actual_on) as expected
        from project p
        left join milestone m on m.project_id = p.id and m.kind = 'first_funds' and m.archived_at is null
        left join (
            select project_id, min(arrived_on) as arrived_on from fund_arrival where archived_at is null
            group by project_id
        ) f on f.project_id = p.id
        where p.archived_at is null and p.first_funds_on is distinct from coalesce(f.arrived_on, m.actual_on)""",
        lambda row: _(
            "Project {code}: first funds {shown} differ from its earliest arrival of {expected}.",
            code=row["code"],
            shown=row["shown"] or "—",
            expected=row["expected"] or "—",
        ),
    )
    yield Check(
        "contact_dates",
        Severity.BLOCKING,
        "enterprise",
        """select e.id, e.name
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
        lambda row: _("{name}: last or next contact differs from its follow-ups.", name=row["name"]),
    )
    mapped = " ".join(f"when '{kind}' then p.{column}" for kind, column in PROJECT_DATE_OF_MILESTONE.items())
    kinds = ", ".join(f"'{kind}'" for kind in PROJECT_DATE_OF_MILESTONE)
    yield Check(
        "milestone_date",
        Severity.BLOCKING,
        "milestone",
        f"""select * from (
            select m.id, m.kind, p.code, m.actual_on as shown, case m.kind {mapped} end as expected
            from milestone m
            join project p on p.id = m.project_id
            where m.archived_at is null and p.archived_at is null and m.kind in ({kinds})
        ) m where shown is distinct from expected""",
        lambda row: _(
            "Project {code}: the milestone “{kind}” says {shown}, the project {expected}.",
            code=row["code"],
            kind=label(MilestoneKind(row["kind"])),
            shown=row["shown"] or "—",
            expected=row["expected"] or "—",
        ),
    )
    yield Check(
        "withdrawn_status",
        Severity.BLOCKING,
        "project",
        "select id, code from project where archived_at is null"
        f" and (status = '{ProjectStatus.WITHDRAWN}') <> (withdrawn_on is not null)",
        lambda row: _("Project {code}: its status and its withdrawal date disagree.", code=row["code"]),
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
                select id, code, stage, {_STAGE_NUMBER} as stage_number, {_STAGE_REACHED} as reached
                from project where archived_at is null
            ) p where {comparison}""",
            lambda row: _(
                "Project {code} is at the stage “{stage}”, but its dates show “{reached}”.",
                code=row["code"],
                stage=label(Stage(row["stage"])),
                reached=label(STAGES[row["reached"]]),
            ),
        )


_STAGE_NUMBER = "case stage " + " ".join(f"when '{stage}' then {n}" for n, stage in enumerate(STAGES)) + " end"
_STAGE_REACHED = (
    "case "
    + " ".join(
        f"when {DATE_OF_STAGE[stage]} is not null then {n}"
        for n, stage in reversed(list(enumerate(STAGES)))
        if stage in DATE_OF_STAGE
    )
    + " else 0 end"
)


def _oddities() -> Iterator[Check]:
    yield Check(
        "odd_dates",
        Severity.WARNING,
        "project",
        " union all ".join(
            f"select id, code, '{first}' as first_field, {first} as first_day, '{second}' as second_field,"
            f" {second} as second_day from project where archived_at is null and {second} < {first}"
            for first, second in USUAL_ORDER
        ),
        lambda row: _(
            "Project {code}: {second} {second_day} is earlier than {first} {first_day}.",
            code=row["code"],
            second=FIELD_LABELS[row["second_field"]],
            second_day=row["second_day"],
            first=FIELD_LABELS[row["first_field"]],
            first_day=row["first_day"],
        ),
    )
    yield Check(
        "no_negotiation_date",
        Severity.WARNING,
        "project",
        "select id, code from project where archived_at is null and signed_on is not null"
        " and (negotiating_on is null or negotiating_on >= signed_on)",
        lambda row: _(
            "Project {code} was signed without an earlier negotiation date: it counts as signed the day it is known.",
            code=row["code"],
        ),
    )
    yield Check(
        "funds_above_contract",
        Severity.WARNING,
        "project",
        """select p.id, p.code, p.contracted_amount, sum(f.amount) as arrived
        from project p
        join fund_arrival f on f.project_id = p.id and f.archived_at is null
        where p.archived_at is null
        group by p.id, p.code, p.contracted_amount
        having sum(f.amount) > p.contracted_amount""",
        lambda row: _(
            "Project {code}: arrivals of {arrived} yuan exceed the contracted {contracted} yuan.",
            code=row["code"],
            arrived=row["arrived"],
            contracted=row["contracted_amount"],
        ),
    )
    # The agreement's number and kind stand on the agreement; the other fields are the project's own.
    for number, stage in enumerate(STAGES):
        for required in dict.fromkeys(REQUIRED_FROM[stage]):
            missing = f"p.{required} is null"
            if required == "agreement_number":
                missing = (
                    "p.signed_on is not null and not exists (select 1 from agreement a where a.project_id = p.id"
                    " and a.archived_at is null and a.number is not null)"
                )
            elif required == DATE_OF_STAGE.get(stage):
                # A stage that was skipped has no date, and one that the dates do not show is a finding above.
                continue
            yield Check(
                "incomplete",
                Severity.WARNING,
                "project",
                f"select * from (select p.id, p.code, {_STAGE_NUMBER} as stage_number from project p"
                f" where p.archived_at is null and {missing}) q where stage_number >= {number}",
                lambda row: _(
                    "Project {code}: {field} is required from the stage “{stage}” on.",
                    code=row["code"],
                    field=FIELD_LABELS[row["required"]],
                    stage=label(row["required_from"]),
                ),
                about={"required": required, "required_from": stage},
            )
