"""The database that is measured: a demonstration bureau, made once and copied for whatever writes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from pathlib import Path

from crm import store
from crm.model import Actor, Role
from crm.months import Month
from tests.bench.measuring import say

LAST_MONTH = Month(2026, 6)
TODAY = date(2026, 7, 10)
NOW = datetime(2026, 7, 10, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
SYSTEM = Actor("system:bench")


@dataclass(frozen=True)
class Bureau:
    """The file measured, a folder for copies and other files, and its size in words."""

    file: Path
    folder: Path
    _numbers: "Iterator[int]"

    @contextmanager
    def reading(self) -> Iterator[store.Database]:
        """Open the file itself, for whatever only reads."""
        database = store.connect(str(self.file))
        try:
            yield database
        finally:
            database.close()

    def copied(self) -> Path:
        """Return a copy to write to."""
        copy = self.folder / f"copy{next(self._numbers)}.duckdb"
        shutil.copyfile(self.file, copy)
        return copy

    @contextmanager
    def writing(self) -> Iterator[store.Database]:
        """Open a copy that is removed afterwards."""
        copy = self.copied()
        database = store.connect(str(copy))
        try:
            yield database
        finally:
            database.close()
            remove(copy)

    def size(self) -> str:
        """Say how much there is in it."""
        with self.reading() as database:
            tables = ("enterprise", "project", "follow_up", "fund_arrival")
            counts = [f"{database.value(f'select count(*) from {table}'):,} {table}s" for table in tables]
        return ", ".join(counts)


def remove(file: Path) -> None:
    """Remove a database file and what lies beside it."""
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


def bureau(folder: Path, *, scale: int, keep: Path | None) -> Bureau:
    """Make the bureau in the folder, or at `keep`; an existing `keep` is used as it is."""
    file = keep or folder / "bench.duckdb"
    if not file.exists():
        # Here and not above: a child that measures an import is to load what an import needs and nothing else.
        from crm.demo import fill

        say(f"Making a bureau of ×{scale} …")
        unfinished = file.with_name(file.name + ".filling")
        database = store.create(str(unfinished), actor=SYSTEM.login)
        fill(database, scale=scale, until=LAST_MONTH, today=TODAY, now=NOW)
        database.close()
        unfinished.rename(file)
        remove(unfinished)
    return Bureau(file, folder, count(1))


def staff(database: store.Database) -> Actor:
    """Return a member of the county that holds the most projects."""
    unit = database.value(
        "select p.unit_id from project p join unit u on u.id = p.unit_id where u.kind = 'county'"
        " group by p.unit_id order by count(*) desc, p.unit_id limit 1"
    )
    return Actor("staff", account_id=1, name="staff", unit_id=unit, roles=frozenset({Role.STAFF}))


def dispatcher(database: store.Database) -> Actor:
    """Return a member of the bureau, who sees everything."""
    unit = database.value("select id from unit where kind = 'bureau' order by id limit 1")
    return Actor("dispatcher", account_id=2, name="dispatcher", unit_id=unit, roles=frozenset({Role.DISPATCHER}))
