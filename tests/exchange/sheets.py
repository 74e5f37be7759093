"""Sheets for tests: written by real programs, imported through the front door."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl

from crm import store
from crm.exchange import ImportResult, Plan, commit_import, plan_import
from crm.model import Actor

SYSTEM = Actor(login="system:tester")
TODAY = date(2026, 6, 30)
NOW = datetime.fromisoformat("2026-06-30T08:00:00")

Row = Mapping[str, Any]

BASIC_PROJECT = {"项目编号": "P1", "项目名称": "甲项目", "投资企业": "甲公司", "责任单位": "吉首市"}


def write_csv(path: Path, rows: Sequence[Row], *, encoding: str = "utf-8-sig") -> Path:
    """Write rows as CSV; the headings are the keys of all rows."""
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows([row.get(heading, "") for heading in headings] for row in rows)
    return path


def write_xlsx(path: Path, rows: Sequence[Row], *, title: str = "Sheet1") -> Path:
    """Write rows as a workbook, cells by their Python type."""
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    sheet.append(headings)
    for row in rows:
        sheet.append([row.get(heading) for heading in headings])
    book.save(path)
    return path


class Desk:
    """A database and a folder: rows in, plans and results out."""

    def __init__(self, db: store.Database, folder: Path, actor: Actor = SYSTEM) -> None:
        self.db, self.folder, self.actor = db, folder, actor
        self._count = 0

    def file(self, kind: str, rows: Sequence[Row], *, ending: str = "csv") -> Path:
        """Write rows to a file of its own."""
        self._count += 1
        path = self.folder / f"{kind}-{self._count}.{ending}"
        return write_csv(path, rows) if ending == "csv" else write_xlsx(path, rows)

    def plan(self, kind: str, rows: Sequence[Row], *, today: date = TODAY, ending: str = "csv") -> Plan:
        """Judge rows without writing them."""
        return plan_import(self.db, self.actor, kind, self.file(kind, rows, ending=ending), today=today)

    def take(self, kind: str, *rows: Row, today: date = TODAY, ending: str = "csv") -> ImportResult:
        """Import rows."""
        return commit_import(self.db, self.actor, self.plan(kind, rows, today=today, ending=ending), now=NOW)

    def record(self, table: str, **equals: Any) -> dict[str, Any]:
        """Return the one living record with these values."""
        where = "".join(f" and {column} = ${n}" for n, column in enumerate(equals, 1))
        found = self.db.records(f"select * from {table} where archived_at is null{where}", list(equals.values()))
        assert len(found) == 1, f"{len(found)} records of {table} with {equals}"
        return found[0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query."""
        return self.db.rows(sql)

    def unit(self, name: str) -> int:
        """Return the id of a unit."""
        return int(self.record("unit", name=name)["id"])


def counts(result: ImportResult | Plan) -> dict[str, int]:
    """Return what a result or plan counted, zeros left out."""
    names = ("new", "updated", "unchanged", "rejected", "warnings")
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def said(result: ImportResult | Plan) -> list[tuple[int, str, str, str]]:
    """Return the rejections as (row, column, value, sentence)."""
    return [(r.row, r.column, r.value, str(r.reason)) for r in result.rejects]


def warned(plan: Plan) -> list[tuple[int, str, str, str]]:
    """Return the warnings as (row, column, value, sentence)."""
    return [(r.row, r.column, r.value, str(r.reason)) for r in plan.warning_details]


TABLES = (
    "enterprise",
    "enterprise_segment",
    "contact_person",
    "follow_up",
    "opportunity",
    "project",
    "project_unit",
    "stage_log",
    "agreement",
    "milestone",
    "fund_arrival",
    "commitment",
    "target",
    "adjustment",
)
_STAMPS = ("version", "updated_at", "updated_by")


def everything(db: store.Database, *, stamps: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Return every record of every table that imports write, in the order of their ids."""
    tables = {table: db.records(f"select * from {table} order by id") for table in TABLES}
    if not stamps:
        for records in tables.values():
            for record in records:
                for name in _STAMPS:
                    del record[name]
    return tables
