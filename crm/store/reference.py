"""The shipped reference data: units in official order, the ten industries with their segments, word lists, the default
rule set."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

from crm.store.records import GENESIS, Transaction

_PACKAGED = Path(__file__).parents[1] / "_reference"
_CHECKOUT = Path(__file__).parents[2] / "data" / "reference"


def reference_rows(name: str) -> list[dict[str, str]]:
    """Read one reference table, from the installed package or the checkout."""
    folder = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def start_audit(transaction: Transaction) -> None:
    """Lay the first link of the audit chain."""
    transaction.session.execute("insert into audit_head (id, version, last_id, hash) values (1, 1, 0, $1)", [GENESIS])


def load_reference(transaction: Transaction) -> None:
    """Fill a new database with units, industries, segments, word lists and the default rule set."""
    for row in reference_rows("units"):
        unit_id = transaction.insert(
            "unit",
            {
                "code": row["code"],
                "name": row["name"],
                "short_name": row["short_name"],
                "kind": row["kind"],
                "peer_group": row["peer_group"] or row["kind"],
                "display_order": int(row["display_order"]),
            },
        )
        for alias in filter(None, (row.get("aliases") or "").split("|")):
            transaction.insert("unit_alias", {"unit_id": unit_id, "name": alias})
    industries: dict[str, int] = {}
    for row in reference_rows("industries"):
        industries[row["code"]] = transaction.insert(
            "industry",
            {
                "code": row["code"],
                "name": row["name"],
                "name_en": row["name_en"],
                "display_order": int(row["display_order"]),
                "lead_department": row["lead_department"] or None,
            },
        )
    for order, row in enumerate(reference_rows("segments"), 1):
        segment: dict[str, Any] = {
            "industry_id": industries[row["industry"]],
            "code": row["code"],
            "tier": row["tier"],
            "name": row["name"],
            "role": row["role"] or None,
            "keywords": row["keywords"] or None,
            "anchors": row.get("anchors") or None,
            "display_order": order,
        }
        transaction.insert("segment", segment)
    for order, row in enumerate(reference_rows("dictionaries"), 1):
        transaction.insert("dictionary_entry", {**row, "display_order": order})
    transaction.insert("rule_set", {"name": "default", "rules_version": 1, "settings": '{"name": "default"}'})


def mark_created(transaction: Transaction, *, now: datetime) -> None:
    """Note when the database was made."""
    transaction.session.execute("insert into setting (key, value) values ('created_at', $1)", [now.isoformat()])
