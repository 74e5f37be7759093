"""Each check finds what it is for, and nothing else, on both engines."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from crm import store
from crm.reports.findings import (
    PAST_DATES,
    REFERENCES,
    VOCABULARY,
    Finding,
    Severity,
    checks,
    findings,
    findings_as_json,
)

TODAY = date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
NOBODY = 999_999_999
# Columns that name a record in a way of their own: the subject of an entry may lie in any table.
FREE_REFERENCES = {
    ("audit", "subject_id"),
    ("audit_head", "last_id"),
    ("import_row", "subject_id"),
    ("change_line", "subject_id"),
    ("attachment", "subject_id"),
    ("explanation", "subject_id"),
    # A batch that is taken back removes its projects; the published facts stay.
    ("month_fact", "project_id"),
}


def build(db: store.Database) -> dict[str, int]:
    """Put a small bureau without faults into the database and return the ids of its records by name."""
    unit = dict(db.rows("select code, id from unit"))
    industry = db.value("select id from industry where code = 'tea'")
    ids: dict[str, int] = {}
    with store.transaction(db, actor="test", now=NOW) as work:

        def add(name: str, table: str, /, **values: Any) -> int:
            ids[name] = work.insert(table, values)
            return ids[name]

        def enterprise(name: str, code: str, /, **values: Any) -> int:
            key = store.name_key(name)
            return add(
                name, "enterprise", name=name, name_key=key, search_text=key, credit_code=code,
                owner_unit_id=unit["433101"], **values,
            )  # fmt: skip

        first = enterprise("甲公司", "91430000XX0000001A", last_contact_on=date(2026, 2, 1), next_contact_on=None)
        enterprise("乙公司", "91430000XX0000002B")
        project = add(
            "project",
            "project",
            code="XX-2025-0001",
            name="茶叶项目",
            name_key="茶叶项目",
            search_text="茶叶项目",
            enterprise_id=first,
            industry_id=industry,
            unit_id=unit["433122"],
            planned_investment=Decimal(20_000_000),
            contracted_amount=Decimal(10_000_000),
            stage="started",
            status="active",
            entered_on=date(2025, 1, 1),
            entered_given=True,
            negotiating_on=date(2025, 2, 1),
            signed_on=date(2025, 3, 1),
            agreement_kind="contract",
            registered_on=date(2025, 4, 1),
            company_name="项目公司",
            company_credit_code="91433100XX0000003C",
            first_funds_on=date(2025, 5, 1),
            planned_start_on=date(2025, 6, 1),
            started_on=date(2025, 7, 1),
            responsible_person="张三",
            evidence="开工令",
        )
        add(
            "lead",
            "project",
            code="XX-2025-0002",
            name="茶旅项目",
            name_key="茶旅项目",
            search_text="茶旅项目",
            enterprise_id=first,
            unit_id=unit["433101"],
            stage="contact",
            status="active",
            entered_on=date(2025, 5, 1),
            responsible_person="张三",
        )
        for name, held, who, is_first, since, until in (
            ("holding", project, "433101", True, date(2025, 1, 1), date(2025, 6, 1)),
            ("holding2", project, "433122", False, date(2025, 6, 1), None),
            ("holding3", ids["lead"], "433101", True, date(2025, 5, 1), None),
        ):
            add(name, "project_unit", project_id=held, unit_id=unit[who], is_first=is_first, valid_from=since,
                valid_to=until)  # fmt: skip
        add("agreement", "agreement", project_id=project, number="协1号", kind="contract", signed_on=date(2025, 3, 1))
        add("agreement2", "agreement", project_id=project, number="协2号", kind="framework", signed_on=date(2025, 9, 1))
        for number, on in ((1, date(2025, 5, 1)), (2, date(2025, 8, 1))):
            add(f"arrival{number}", "fund_arrival", project_id=project, arrived_on=on, amount=Decimal(4_000_000),
                voucher=f"DZ{number}")  # fmt: skip
        add("milestone", "milestone", project_id=project, kind="start", actual_on=date(2025, 7, 1))
        add("land", "milestone", project_id=project, kind="land", actual_on=date(2025, 5, 1))
        for number, on in ((1, date(2026, 1, 1)), (2, date(2026, 2, 1))):
            add(f"follow_up{number}", "follow_up", enterprise_id=first, project_id=project, happened_on=on,
                method="phone", content="电话联系")  # fmt: skip
        for number, measure in ((1, "signings"), (2, "starts")):
            add(f"target{number}", "target", unit_id=unit["433101"], year=2026, measure=measure, value=Decimal(5))
    return ids


def spoil(db: store.Database, statement: str, ids: dict[str, int]) -> None:
    """Change the database behind the back of the write path; `{name}` stands for the id of that record."""
    with db.transaction() as session:
        session.execute(statement.format(**ids))


def test_a_sound_bureau_has_no_findings(db: store.Database) -> None:
    build(db)
    assert findings(db, today=TODAY) == []


# (code, severity, the record it is about, what is done to the database)
CASES: Sequence[tuple[str, str, str, str]] = (
    ("reference", "blocking", "lead", "update project set enterprise_id = 999999999 where id = {lead}"),
    ("version", "blocking", "land", "update milestone set version = 0 where id = {land}"),
    ("vocabulary", "blocking", "follow_up1", "update follow_up set method = 'pigeon' where id = {follow_up1}"),
    ("duplicate_project_code", "blocking", "lead", "update project set code = 'xx-2025-0001 ' where id = {lead}"),
    (
        "duplicate_credit_code",
        "blocking",
        "乙公司",
        "update enterprise set credit_code = '91430000xx0000001a' where id = {乙公司}",
    ),
    ("duplicate_enterprise_name", "warning", "乙公司", "update enterprise set name_key = '甲公司' where id = {乙公司}"),
    (
        "duplicate_agreement_number",
        "blocking",
        "agreement2",
        "update agreement set number = '协1号' where id = {agreement2}",
    ),
    ("duplicate_voucher", "blocking", "arrival2", "update fund_arrival set voucher = 'DZ1' where id = {arrival2}"),
    ("duplicate_target", "blocking", "target2", "update target set measure = 'signings' where id = {target2}"),
    (
        "date_after_today",
        "blocking",
        "arrival2",
        "update fund_arrival set arrived_on = date '2026-07-01' where id = {arrival2}",
    ),
    (
        "date_before_lead",
        "blocking",
        "project",
        "update project set negotiating_on = date '2024-12-31' where id = {project}",
    ),
    ("holding_end", "blocking", "holding", "update project_unit set valid_to = null where id = {holding}"),
    (
        "holding_end",
        "blocking",
        "holding2",
        "update project_unit set valid_to = date '2025-09-01' where id = {holding2}",
    ),
    (
        "first_holding",
        "blocking",
        "project",
        "update project_unit set valid_from = date '2025-01-02' where id = {holding}",
    ),
    ("first_holding", "blocking", "lead", "delete from project_unit where id = {holding3}"),
    (
        "holder",
        "blocking",
        "project",
        "update project set unit_id = (select id from unit where code = '433123') where id = {project}",
    ),
    ("signing", "blocking", "project", "update project set signed_on = date '2025-03-02' where id = {project}"),
    ("signing", "blocking", "project", "update agreement set kind = 'intent' where id = {agreement}"),
    (
        "first_funds",
        "blocking",
        "project",
        "update fund_arrival set arrived_on = date '2025-04-15' where id = {arrival2}",
    ),
    (
        "contact_dates",
        "blocking",
        "甲公司",
        "update enterprise set last_contact_on = date '2026-01-01' where id = {甲公司}",
    ),
    (
        "contact_dates",
        "blocking",
        "甲公司",
        "update follow_up set next_due_on = date '2026-03-01' where id = {follow_up2}",
    ),
    ("milestone_date", "blocking", "milestone", "update milestone set actual_on = null where id = {milestone}"),
    ("withdrawn_status", "blocking", "lead", "update project set status = 'withdrawn' where id = {lead}"),
    ("withdrawn_status", "blocking", "lead", "update project set withdrawn_on = date '2025-06-01' where id = {lead}"),
    ("stage_beyond_dates", "blocking", "project", "update project set stage = 'completed' where id = {project}"),
    ("stage_behind_dates", "warning", "project", "update project set stage = 'registered' where id = {project}"),
    ("odd_dates", "warning", "project", "update project set planned_start_on = date '2025-02-15' where id = {project}"),
    ("no_negotiation_date", "warning", "project", "update project set negotiating_on = null where id = {project}"),
    ("funds_above_contract", "warning", "project", "update project set contracted_amount = 1 where id = {project}"),
    ("incomplete", "warning", "project", "update project set company_name = null where id = {project}"),
    (
        "unproven_signing",
        "warning",
        "project",
        "update agreement set number = null where id in ({agreement}, {agreement2})",
    ),
    (
        "unregistered_start",
        "warning",
        "project",
        "update project set registered_on = null where id = {project};"
        " delete from milestone where kind = 'registration'",
    ),
    (
        "capital_out_of_proportion",
        "warning",
        "project",
        "update enterprise set registered_capital = 399999 where id = {甲公司}",
    ),
)


@pytest.mark.parametrize(("code", "severity", "record", "damage"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
def test_each_fault_is_found_and_nothing_else(
    db: store.Database, code: str, severity: str, record: str, damage: str
) -> None:
    ids = build(db)
    spoil(db, damage, ids)
    (found,) = findings(db, today=TODAY)
    assert (found.code, found.severity, found.subject_id) == (code, severity, ids[record])


def test_two_first_holdings_are_found(db: store.Database) -> None:
    ids = build(db)
    spoil(db, "update project_unit set is_first = true where id = {holding2}", ids)
    assert [(found.code, found.subject_id) for found in findings(db, today=TODAY)] == [
        ("first_holding", ids["project"])
    ]


def test_a_name_of_two_units_is_found(db: store.Database) -> None:
    second = db.value("select id from unit where code = '433122'")
    with store.transaction(db, actor="test", now=NOW) as work:
        work.insert("unit_alias", {"unit_id": second, "name": "吉首"})
    (found,) = findings(db, today=TODAY)
    assert (found.code, found.subject, found.subject_id) == ("ambiguous_unit_name", "unit", second)


@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        ("update audit set note = 'x' where id = (select max(id) from audit)", 1),
        ("update audit_head set hash = 'x' where id = 1", 1),
    ],
)
def test_a_broken_audit_chain_is_found(db: store.Database, damage: str, kinds: int) -> None:
    spoil(db, damage, build(db))
    found = findings(db, today=TODAY)
    assert [(f.code, f.severity, f.subject) for f in found] == [("audit_chain", "blocking", "audit")] * kinds


def test_the_unit_that_answers_is_named(db: store.Database) -> None:
    ids = build(db)
    spoil(db, "update fund_arrival set version = 0 where id = {arrival1}", ids)
    spoil(db, "update follow_up set version = 0 where id = {follow_up1}", ids)
    spoil(db, "update contact_person set version = 0", ids)
    spoil(db, "update enterprise set version = 0 where id = {甲公司}", ids)
    found = findings_as_json(db, findings(db, today=TODAY))
    assert {(row["subject"], row["unit"]) for row in found} == {
        ("fund_arrival", "泸溪县"),
        ("follow_up", "泸溪县"),
        ("enterprise", "吉首市"),
    }
    assert {tuple(row) for row in found} == {("code", "severity", "subject", "id", "unit", "message")}


def test_blocking_findings_come_first(db: store.Database) -> None:
    ids = build(db)
    spoil(db, "update enterprise set name_key = '甲公司' where id = {乙公司}", ids)
    spoil(db, "update project set stage = 'completed' where id = {project}", ids)
    assert [found.severity for found in findings(db, today=TODAY)] == [Severity.BLOCKING, Severity.WARNING]


JUNK = {
    "text": "'junk {n}'",
    "date": "date '2099-01-01'",
    "boolean": "false",
    "timestamp without time zone": "timestamp '2026-01-01 00:00:00'",
}


def columns_of(db: store.Database) -> list[tuple[str, str, str]]:
    """Return (table, column, type) of every column of the schema."""
    return [
        (table, column, kind.lower().replace("varchar", "text"))
        for table, column, kind in db.rows(
            "select c.table_name, c.column_name, c.data_type from information_schema.columns c"
            " join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name"
            " where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'"
        )
    ]


def test_every_column_of_the_registries_is_checked(db: store.Database) -> None:
    """A record of junk in every table is found once for each reference, word, date and version."""
    schema = columns_of(db)
    n = 0
    with db.transaction() as session:
        for table in REFERENCES:
            n += 1
            own = [(column, kind) for name, column, kind in schema if name == table and column != "archived_at"]
            values = []
            for column, kind in own:
                wanted = JUNK.get(kind) or (JUNK["timestamp without time zone"] if "timestamp" in kind else None)
                if column == "id":
                    values.append(str(5_000_000 + n))
                elif wanted is None:
                    values.append(str(NOBODY) if column.endswith("_id") else "0")
                else:
                    values.append(wanted.format(n=n))
            names = ", ".join(column for column, _kind in own)
            session.execute(f"insert into {table} ({names}) values ({', '.join(values)})")
    found = findings(db, today=TODAY)

    def places(code: str) -> set[tuple[str, str]]:
        return {
            (f.subject, f.key.removeprefix(f"{code}."))
            for f in found
            if f.code == code and f.subject_id and f.subject_id > 5_000_000
        }

    assert places("reference") == {(t, c) for t, columns in REFERENCES.items() for c in columns}
    assert places("vocabulary") == {(t, c) for t, columns in VOCABULARY.items() for c in columns}
    late = [f.subject for f in found if f.code == "date_after_today"]
    assert {table: late.count(table) for table in PAST_DATES} == {t: len(c) for t, c in PAST_DATES.items()}
    versioned = {table for table, column, _kind in schema if column == "version"} & set(REFERENCES)
    assert {f.subject for f in found if f.code == "version"} == versioned


def test_every_reference_of_the_schema_is_registered(db: store.Database) -> None:
    in_schema = {(table, column) for table, column, _kind in columns_of(db) if column.endswith("_id")}
    assert in_schema - FREE_REFERENCES == {(t, c) for t, columns in REFERENCES.items() for c in columns}


def test_every_versioned_table_is_checked(db: store.Database) -> None:
    versioned = {table for table, column, _kind in columns_of(db) if column == "version"}
    assert {check.subject for check in checks(db, today=TODAY) if check.code == "version"} == versioned


def test_every_finding_reads_in_both_languages(db: store.Database) -> None:
    from crm.locale import use_language

    ids = build(db)
    spoil(db, "update project set started_on = date '2024-01-01', stage = 'production' where id = {project}", ids)
    found: list[Finding] = findings(db, today=TODAY)
    assert found
    for code in ("zh_CN", "en"):
        with use_language(code):
            assert all("{" not in str(finding.message) for finding in found)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            "update milestone set version = 0 where id = {land}",
            "项目 XX-2025-0001“茶叶项目”的项目节点的版本号为 0，版本号应从 1 起。",
        ),
        (
            "update follow_up set author_id = 999999999 where id = {follow_up1}",
            "项目 XX-2025-0001“茶叶项目”的对接情况：所填“记录人账号”指向的记录不存在。",
        ),
        (
            "update enterprise set name_key = '甲公司' where id = {乙公司}",
            "企业“乙公司”重复登记：与“甲公司”（吉首市）同名。",
        ),
        (
            "update project set unit_id = (select id from unit where code = '433123') where id = {project}",
            "项目 XX-2025-0001“茶叶项目”按承接历史属泸溪县，却登记为凤凰县。",
        ),
        (
            "update project_unit set valid_to = date '2025-09-01' where id = {holding2}",
            "项目 XX-2025-0001“茶叶项目”的项目责任单位：泸溪县承接至 2025-09-01，而下一单位自 — 起承接。",
        ),
        (
            "update target set measure = 'signings' where id = {target2}",
            "吉首市的目标值在同一年度重复设定：新签约项目数。",
        ),
    ],
    ids=["version", "reference", "name", "holder", "holding", "target"],
)
def test_a_finding_names_its_record_in_words(db: store.Database, damage: str, words: str) -> None:
    ids = build(db)
    spoil(db, damage, ids)
    (found,) = findings(db, today=TODAY)
    assert str(found.message) == words
