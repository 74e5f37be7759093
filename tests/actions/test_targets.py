"""Setting targets: only what differs is written, one version and one audit entry a cell."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from crm.actions.targets import save_targets
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import Role
from crm.reports.findings import Severity, findings
from crm.reports.targets import TargetCell, targets_of
from tests.probes import NOW, TODAY, dump, person, unit_ids

ZHAOLIU = person("zhaoliu", Role.DISPATCHER)


def stored(db):
    return {(cell.unit_id, cell.measure): cell for cell in targets_of(db, ZHAOLIU, 2026)}


def test_new_changed_and_unchanged_cells(db):
    jishou, fenghuang = unit_ids(db)["吉首"], unit_ids(db)["凤凰"]
    first = [
        TargetCell(jishou, "signings", Decimal(12)),
        TargetCell(fenghuang, "signed_amount", Decimal("500000000.50")),
        TargetCell(fenghuang, "startup", Decimal("62.5")),
        TargetCell(fenghuang, "starts", None),
    ]
    assert save_targets(db, ZHAOLIU, 2026, first, now=NOW) == first[:3]
    known = stored(db)
    assert {key: cell.value for key, cell in known.items()} == {
        (jishou, "signings"): 12,
        (fenghuang, "signed_amount"): Decimal("500000000.50"),
        (fenghuang, "startup"): Decimal("62.5"),
    }
    entries = db.value("select count(*) from audit")
    cells = [replace(known[jishou, "signings"], value=Decimal(15)), known[fenghuang, "startup"]]
    assert save_targets(db, ZHAOLIU, 2026, cells, now=NOW) == cells[:1]
    assert stored(db)[jishou, "signings"] == replace(cells[0], version=2)
    audited = db.rows("select actor, action, subject_id, before, after from audit order by id desc limit 1")
    assert [(*row[:3], json.loads(row[3]), json.loads(row[4])) for row in audited] == [
        ("zhaoliu", "update", cells[0].id, {"value": "12.00"}, {"value": "15"})
    ]
    assert db.value("select count(*) from audit") == entries + 1
    assert save_targets(db, ZHAOLIU, 2025, [replace(c, id=None, version=0) for c in cells], now=NOW)
    assert stored(db)[jishou, "signings"].value == 15


def test_a_target_is_taken_back_and_set_anew(db):
    jishou = unit_ids(db)["吉首"]
    cell = TargetCell(jishou, "signings", Decimal(12))
    save_targets(db, ZHAOLIU, 2026, [cell], now=NOW)
    held = stored(db)[jishou, "signings"]
    save_targets(db, ZHAOLIU, 2026, [replace(held, value=None)], now=NOW)
    assert stored(db) == {}
    save_targets(db, ZHAOLIU, 2026, [replace(cell, value=Decimal(9))], now=NOW)
    assert {key: c.value for key, c in stored(db).items()} == {(jishou, "signings"): 9}
    assert [f for f in findings(db, today=TODAY) if f.severity is Severity.BLOCKING] == []


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("signings", "-1"),
        ("signings", "1.5"),
        ("startup", "1000.01"),
        ("signed_amount", "0.001"),
        ("signed_amount", "1e15"),
        ("signings", "NaN"),
        ("enterprises_contacted", "1"),
        ("colour", "1"),
    ],
)
def test_a_target_that_cannot_be_is_refused_at_its_cell_and_nothing_is_stored(db, measure, value):
    jishou = unit_ids(db)["吉首"]
    before = dump(db)
    cells = [TargetCell(jishou, "starts", Decimal(1)), TargetCell(jishou, measure, Decimal(value))]
    with pytest.raises(Invalid) as refused:
        save_targets(db, ZHAOLIU, 2026, cells, now=NOW)
    assert list(refused.value.fields) == [f"{jishou}/{measure}"]
    assert dump(db) == before


def test_what_somebody_else_set_in_the_meantime_is_a_conflict(db):
    jishou = unit_ids(db)["吉首"]
    cell = TargetCell(jishou, "signings", Decimal(12))
    save_targets(db, ZHAOLIU, 2026, [cell], now=NOW)
    held = stored(db)[jishou, "signings"]
    save_targets(db, ZHAOLIU, 2026, [replace(held, value=Decimal(13))], now=NOW)
    before = dump(db)
    for stale in (cell, replace(held, value=Decimal(14)), replace(held, id=999)):
        with pytest.raises(Conflict):
            save_targets(db, ZHAOLIU, 2026, [TargetCell(jishou, "starts", Decimal(1)), stale], now=NOW)
    assert dump(db) == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DISPATCHER])
def test_only_the_dispatcher_sets_targets(db, role):
    jishou = unit_ids(db)["吉首"]
    before = dump(db)
    with pytest.raises(Denied):
        save_targets(db, person("x", role, unit_id=jishou), 2026, [TargetCell(jishou, "starts", Decimal(1))], now=NOW)
    assert dump(db) == before


def test_an_unknown_unit_or_year_is_refused(db):
    before = dump(db)
    with pytest.raises(NotFound):
        save_targets(db, ZHAOLIU, 2026, [TargetCell(999_999_999, "starts", Decimal(1))], now=NOW)
    with pytest.raises(Invalid):
        save_targets(db, ZHAOLIU, 26, [], now=NOW)
    assert dump(db) == before
