"""Import of a workbook against the bare parse of the same file, with the memory it takes; export to CSV.

Import and bare parse each run in a process of their own (`python -m tests.bench.sheets`), which times the work itself
and not its start.
"""

import json
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import xlsxwriter

from crm import store
from crm.exchange.columns import kind_of
from tests.bench.bureau import NOW, SYSTEM, TODAY, Bureau, remove
from tests.bench.measuring import Line, say, seconds

ROWS, TIMES = 50_000, 3
_LEFT_OUT = {"segments", "roles", "note"}


def measure_import(bureau: Bureau) -> list[Line]:
    """Measure an import into the full bureau, and into an empty one."""
    workbook = bureau.folder / "enterprises.xlsx"
    with bureau.reading() as database:
        rows = _write_workbook(database, workbook)
    empty = bureau.folder / "empty.duckdb"
    store.create(str(empty)).close()
    found: dict[str, list[dict[str, float]]] = {"bare": [], "full": [], "empty": []}
    for _ in range(TIMES):
        found["bare"].append(_run("bare", workbook))
        for name, source in (("full", bureau.file), ("empty", empty)):
            copy = bureau.folder / f"import-{name}.duckdb"
            copy.write_bytes(source.read_bytes())
            found[name].append(_run("import", workbook, copy))
            remove(copy)
    bare = statistics.median(run["seconds"] for run in found["bare"])
    lines = []
    for name, words in (("full", "into the full bureau"), ("empty", "into an empty bureau")):
        if any(run["new"] != rows for run in found[name]):
            raise AssertionError("the import did not make every row of the workbook")
        part = {key: statistics.median(run[key] for run in found[name]) for key in found[name][0]}
        raw = f"bare {bare:.2f} s, plan {part['plan']:.2f} s, commit {part['commit']:.2f} s"
        # Turn by turn: what else the machine does changes from one turn to the next.
        ratio = statistics.median(
            run["seconds"] / parse["seconds"] for run, parse in zip(found[name], found["bare"], strict=True)
        )
        lines.append(Line(f"import of {rows:,} rows {words} ÷ bare parse", ratio, "×", 4, raw))
        raw = f"process {part['own']:.0f} MB, its parser {part['parser']:.0f} MB, both at once {part['both']:.0f} MB"
        lines.append(Line(f"import {words}: peak memory", max(part["own"], part["both"]), "MB", 400, raw))
    return lines


def measure_export(bureau: Bureau) -> list[Line]:
    """Measure the export of every enterprise."""
    from crm.exchange.exporting import export_table

    path = bureau.folder / "enterprises.csv"
    with bureau.writing() as database:
        taken = [
            seconds(lambda: export_table(database, SYSTEM, "enterprises", path, now=NOW)) for _turn in range(TIMES)
        ]
        rows = database.value("select count(*) from enterprise where archived_at is null")
    size = path.stat().st_size / 2**20
    figure = statistics.median(taken)
    return [Line(f"export of {rows:,} enterprises to CSV", figure, "s", 2, f"{size:.0f} MB in {figure:.2f} s")]


def _write_workbook(database: store.Database, path: Path) -> int:
    """Write new enterprises like those of the bureau, dates and numbers as such; returns how many."""
    columns = [column for column in kind_of("enterprises").columns if column.field not in _LEFT_OUT]
    found = database.rows(
        """
        select
            e.name, '', e.kind, e.registered_capital / 10000, e.founded_on, e.origin_province, e.origin_city, e.address,
            e.main_business, e.recognition, i.name, e.investment_direction, e.intended_amount / 10000, e.grade,
            e.source, u.name, e.owner_person, c.name, c.title, c.phone
        from enterprise e
        join unit u on u.id = e.owner_unit_id
        left join (select enterprise_id, min(industry_id) as id from enterprise_segment group by enterprise_id) link
            on link.enterprise_id = e.id
        left join industry i on i.id = link.id
        left join (select enterprise_id, min(id) as id from contact_person group by enterprise_id) person
            on person.enterprise_id = e.id
        left join contact_person c on c.id = person.id
        where e.archived_at is null
        order by e.id
        limit $1
        """,
        [ROWS],
    )
    # Here and not above: the child that imports is to load what an import needs and nothing else.
    from crm.demo.draw import credit_codes, texts

    codes = credit_codes(texts(["430100"] * len(found)), first=50_000_000, seed=1)
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet, day = book.add_worksheet("意向企业"), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, [column.title for column in columns])
    for n, (name, _code, *cells) in enumerate(found, 1):
        # Another name than any in the bureau: every row is a new enterprise.
        for column, value in enumerate([f"{name}{n}", str(codes[n - 1]), *cells]):
            if hasattr(value, "year"):
                sheet.write_datetime(n, column, value, day)
            elif value is not None:
                sheet.write(n, column, value)
    book.close()
    return len(found)


# -------------------------------------------------------------------------------------------- in a process of its own


def _run(*arguments: str | Path) -> dict[str, float]:
    """Run a measured process, watch how much memory it and its children hold at once, and return what it says."""
    command = [sys.executable, "-m", "tests.bench.sheets", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    parser = both = 0.0
    while process.poll() is None:
        children = [_memory(child) for child in _children(process.pid)]
        parser, both = max(parser, *children, 0.0), max(both, _memory(process.pid) + sum(children))
        time.sleep(0.02)
    answer = process.communicate()[0]
    if process.returncode:
        raise AssertionError(f"{arguments[0]} failed")
    found: dict[str, float] = json.loads(answer) | {"parser": parser, "both": both}
    say(f"  {arguments[0]}: " + ", ".join(f"{name} {value:.2f}" for name, value in found.items()))
    return found


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _memory(pid: int | str, key: str = "VmRSS") -> float:
    """Return the resident memory of a process in MB, `VmHWM` the most it ever had.

    Not the resource usage that the kernel keeps: that of a started process begins with its parent's.
    """
    with suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/status").read_text().partition(f"{key}:")[2].split()[0]) / 2**10
    return 0.0


def _main(action: str, workbook: str, *more: str) -> dict[str, Any]:
    if action == "bare":
        import python_calamine

        def parse() -> object:
            return python_calamine.load_workbook(workbook).get_sheet_by_index(0).to_python()

        return {"seconds": seconds(parse)}
    from crm.exchange import commit_import, plan_import

    database = store.connect(more[0])
    store.warm(database)  # as the running app is
    start = time.perf_counter()
    plan = plan_import(database, SYSTEM, "enterprises", Path(workbook), today=TODAY)
    planned = time.perf_counter()
    result = commit_import(database, SYSTEM, plan, now=NOW)
    done = time.perf_counter()
    database.close()
    return {
        "seconds": done - start,
        "plan": planned - start,
        "commit": done - planned,
        "new": result.new,
        "own": _memory("self", "VmHWM"),
    }


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
