"""Looking at a database and a command line from outside: dumps, runs of `crm`, a small bureau with its people."""

import contextvars
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from crm import cli, store
from crm.model import Actor, Role
from tests.conftest import ROOT

NOW = datetime(2026, 6, 30, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
TODAY = date(2026, 6, 30)


def dump(database: store.Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, in an order of its own."""
    tables = database.rows(
        "select table_name from information_schema.tables"
        " where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1"
    )
    return {name: sorted(database.rows(f"select * from {name}"), key=repr) for (name,) in tables}


def crm_command() -> list[str]:
    """Return the words that start `crm` as a process of its own."""
    return [sys.executable, "-m", "crm"]


def child_environment(**more: str) -> dict[str, str]:
    """Return the environment of a child that finds this checkout and no database by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **more}


@dataclass(frozen=True)
class Done:
    """What a run of `crm` came to."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line that says why it was refused; fails where there is more, or a trace."""
        assert (self.code, self.out) == (1, ""), self
        assert "Traceback" not in self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.strip()


def run_process(*words: str, **environment: str) -> Done:
    """Run `crm` as a process."""
    done = subprocess.run(
        [*crm_command(), *words], env=child_environment(**environment), capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


class Commands:
    """Runs `crm` within this process, each time in a context of its own; an error that gets out fails the test."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        for name in [name for name in os.environ if name.startswith("CRM_")]:
            monkeypatch.delenv(name)

    def __call__(self, *words: str, environment: Mapping[str, str] | None = None) -> Done:
        """Run one command line."""
        self._capsys.readouterr()
        with self._monkeypatch.context() as changed:
            for name, value in (environment or {}).items():
                changed.setenv(name, value)
            with pytest.raises(SystemExit) as stopped:
                contextvars.copy_context().run(cli.main, list(words))
        said = self._capsys.readouterr()
        code = stopped.value.code
        assert "Traceback" not in said.err
        return Done(code if isinstance(code, int) else 0, said.out, said.err)


def person(login: str, *roles: Role, unit_id: int | None = None, industries: tuple[int, ...] = ()) -> Actor:
    """Return somebody who acts, without an account in the database."""
    number = 1 + sum(map(ord, login))
    return Actor(login, number, login, unit_id, frozenset(roles), frozenset(industries))


SYSTEM = Actor("system:test", name="test")


def insert(database: store.Database, table: str, *, by: str = "test", **values: Any) -> int:
    """Insert one record as somebody and return its id; names get their search keys."""
    if table in ("enterprise", "project", "opportunity", "enterprise_alias"):
        values.setdefault("name_key", store.name_key(values["name"]))
    if table in ("enterprise", "project"):
        code = values.get("credit_code") or ""
        values.setdefault("search_text", store.search_text(code, name=values["name"]))
    with store.transaction(database, actor=by, now=NOW) as work:
        return work.insert(table, values)


def insert_enterprise(database: store.Database, name: str, **values: Any) -> int:
    """Insert an enterprise."""
    return insert(database, "enterprise", name=name, **values)


def insert_project(database: store.Database, code: str, **values: Any) -> int:
    """Insert a project with its first unit."""
    given = {"name": f"项目{code}", "stage": "lead", "status": "active", "entered_on": date(2026, 1, 5), **values}
    project_id = insert(database, "project", code=code, **given)
    insert(
        database,
        "project_unit",
        project_id=project_id,
        unit_id=given["unit_id"],
        is_first=True,
        valid_from=given["entered_on"],
    )
    return project_id


def unit_ids(database: store.Database) -> dict[str, int]:
    """Return the units by short name."""
    return dict(database.rows("select short_name, id from unit"))


def wan(amount: int | str) -> Decimal:
    """Return 万元 as 元."""
    return Decimal(amount) * 10_000
