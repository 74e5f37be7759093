"""The published table of 六安, 2022-09 (projects of 亿元 and more, started ÷ signed), through import and ranking."""

import json
from fractions import Fraction

import pytest
import xlsxwriter

from crm import store
from tests.probes import NOW, Commands

# 县区: (started, signed, the percentage as published), in the order published.
PUBLISHED = {
    "金安": (43, 46, "93.5"),
    "叶集": (17, 19, "89.5"),
    "开发区": (34, 39, "87.2"),
    "霍邱": (45, 52, "86.5"),
    "裕安": (37, 44, "84.1"),
    "金寨": (36, 47, "76.6"),
    "霍山": (34, 45, "75.6"),
    "舒城": (39, 52, "75.0"),
}
# The official order is another one, so that the ranking must find the published order itself.
OFFICIAL = ["霍山", "金寨", "舒城", "霍邱", "叶集", "裕安", "金安", "开发区"]
HEADINGS = [
    "项目编号",
    "项目名称",
    "投资企业",
    "责任单位",
    "计划总投资(万元)",
    "线索日期",
    "签约日期",
    "协议类型",
    "开工日期",
    "终止日期",
    "终止原因",
]
RULES = {
    "name": "六安亿元以上",
    "note": "亿元以上项目，开工÷签约",
    "threshold_wan": 10000,
    "performance": "started",
    "score": {"weights": {"startup": 100}},
    "groups": ["六安"],
}


def ledger():
    """Rows of the ledger: 344 that count, and for every unit some that must not."""
    rows = []
    for n, (unit, (started, signed, _shown)) in enumerate(PUBLISHED.items()):
        for k in range(signed):
            day = f"2022-{k % 9 + 1:02d}-{k % 28 + 1:02d}"
            # The smallest that counts is exactly one 亿元.
            amount = (10000, 10000.01, 52300.5, 1200000)[k % 4]
            rows.append((unit, amount, "2021-06-01", day, "2022-09-30" if k < started else None, None))
        more = [
            (9999.99, "2022-01-01", "2022-03-01", "2022-04-01", None),  # below one 亿元, started
            (9999.99, "2022-01-01", "2022-03-01", None, None),  # below one 亿元, not started
            (None, "2022-01-01", "2022-03-01", "2022-04-01", None),  # amount unknown
            (20000, "2022-01-01", "2022-10-01", "2022-10-08", None),  # signed a day after the month
            (20000, "2021-01-01", "2021-12-31", "2022-03-01", None),  # signed the year before
            (20000, "2022-01-01", None, None, None),  # not signed
            (20000, "2022-10-01", "2022-10-09", None, None),  # entered afterwards
        ]
        rows += [(unit, *row) for row in more[: n + 1] + more[-1:]]
    late = ("金寨", 30000, "2022-01-01", "2022-08-08", "2022-10-01", None)  # started a day too late
    # It stands for one of the eleven of 金寨 that had not started.
    rows[next(i for i, row in enumerate(rows) if row[0] == "金寨" and row[3] and row[4] is None)] = late
    return rows


def write(path):
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("项目台账")
        sheet.write_row(0, 0, HEADINGS)
        for n, (unit, amount, entered, signed, started, withdrawn) in enumerate(ledger(), 1):
            kind = ("正式合同", "框架协议", "意向书")[n % 3] if signed else None
            values = (
                f"LA-{n:04d}",
                f"六安项目{n}",
                f"投资企业{n}号",
                unit,
                amount,
                entered,
                signed,
                kind,
                started,
                withdrawn,
            )
            sheet.write_row(n, 0, values)
    return path


@pytest.fixture
def liuan(database_url, tmp_path, capsys, monkeypatch):
    """The ledger imported by the command line, the rule set loaded."""
    database = store.connect(database_url)
    with store.transaction(database, actor="test", now=NOW) as work:
        for order, name in enumerate(OFFICIAL):
            work.insert(
                "unit",
                {
                    "code": f"3415{order:02d}",
                    "name": name,
                    "short_name": name,
                    "kind": "park" if name == "开发区" else "county",
                    "peer_group": "六安",
                    "display_order": 500 + order,
                },
            )
    database.close()
    crm = Commands(capsys, monkeypatch)

    def run(*words):
        done = crm("--db", database_url, *words)
        assert done.code == 0, done
        return done.out

    (tmp_path / "rules.json").write_text(json.dumps(RULES), "utf-8")
    run("rules", "load", str(tmp_path / "rules.json"))
    imported = json.loads(run("import", "projects", str(write(tmp_path / "六安.xlsx")), "--format", "json"))
    rows = len(ledger())
    counts = {key: imported[key] for key in ("rows", "new", "updated", "unchanged", "rejected", "rejects")}
    assert counts == {"rows": rows, "new": rows, "updated": 0, "unchanged": 0, "rejected": 0, "rejects": []}
    assert rows > 344 + 8
    return run


def test_the_published_table_comes_out_exactly_and_in_the_published_order(liuan):
    ranked = json.loads(liuan("rank", "--month", "2022-09", "--rules", "六安亿元以上", "--format", "json"))
    assert ranked["rules"] == {"name": "六安亿元以上", "version": 1}
    assert ranked["as_of"] == "2022-09-30"
    found = [
        (row["rank"], row["unit"], row["rates"]["startup"]["n"], row["rates"]["startup"]["d"]) for row in ranked["rows"]
    ]
    assert found == [(rank, unit, n, d) for rank, (unit, (n, d, _shown)) in enumerate(PUBLISHED.items(), 1)]
    for row in ranked["rows"]:
        n, d, _shown = PUBLISHED[row["unit"]]
        assert row["rates"]["startup"]["rate"] == n / d
        assert row["rates"]["performance"] == row["rates"]["startup"]
        assert row["score"] == float(Fraction(100 * n, d))
    total = [sum(row["rates"]["startup"][part] for row in ranked["rows"]) for part in ("n", "d")]
    assert total == [285, 344]


def test_the_displayed_percentages_are_those_published(liuan):
    lines = liuan("rank", "--month", "2022-09", "--rules", "六安亿元以上").splitlines()
    for unit, (n, d, shown) in PUBLISHED.items():
        line = next(line for line in lines if f" {unit} " in line)
        assert f"{shown}% ({n}/{d})" in line


def test_the_total_is_the_pooled_one_as_published(liuan, database_url):
    from crm.metrics import percent
    from crm.months import Month
    from crm.reports.rankings import ranking
    from crm.reports.rule_sets import find_rule_set

    database = store.connect(database_url)
    total = ranking(database, month=Month(2022, 9), rules=find_rule_set(database, "六安亿元以上")).total["startup"]
    database.close()
    assert (tuple(total), percent(total.rate)) == ((285, 344), "82.8%")


def test_the_projects_behind_a_unit_are_its_own_and_those_that_must_not_count_say_why(liuan):
    facts = json.loads(
        liuan(
            "facts",
            "--month",
            "2022-09",
            "--unit",
            "舒城",
            "--metric",
            "startup",
            "--rules",
            "六安亿元以上",
            "--format",
            "json",
        )
    )
    assert (facts["n"], facts["d"]) == (39, 52)
    why = {}
    for row in facts["rows"]:
        why[row["why"]] = why.get(row["why"], 0) + 1
        assert (row["in_d"], row["in_n"]) == (row["why"] in ("counted", "not_started"), row["why"] == "counted")
    assert why["counted"] == 39
    assert why["not_started"] == 13
    assert why["below_threshold"] == 3


def test_without_the_threshold_the_table_would_be_another(liuan, tmp_path):
    (tmp_path / "all.json").write_text(json.dumps(RULES | {"name": "全部", "threshold_wan": 0}), "utf-8")
    liuan("rules", "load", str(tmp_path / "all.json"))
    ranked = json.loads(liuan("rank", "--month", "2022-09", "--rules", "全部", "--format", "json"))
    total = [sum(row["rates"]["startup"][part] for row in ranked["rows"]) for part in ("n", "d")]
    # 8 and 7 small ones, the first of each pair started, and 6 of unknown amount, started.
    assert total == [285 + 8 + 6, 344 + 8 + 7 + 6]
