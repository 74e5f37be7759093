"""Bureaus for tests: projects as plain dictionaries, generated at random or by hand, and put into a real database."""

import json
import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from crm import store
from crm.rules import holding_ends, stage_reached

NOW = datetime(2026, 6, 30, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
MILESTONES = {
    "registered_on": "registration",
    "first_funds_on": "first_funds",
    "started_on": "start",
    "completed_on": "completion",
    "production_on": "production",
}


def project(unit, **facts):
    """Return a project of the unit with these facts; everything else unknown, entered on 2024-01-01."""
    blank = {
        "entered_on": date(2024, 1, 1),
        "holders": [(date(2024, 1, 1), unit)],
        "planned_investment": None,
        "contracted_amount": None,
        "agreement_kind": None,
        "arrivals": [],
        "verified": {},
        "planned_start_on": None,
        "excluded_on": None,
        "withdrawn_on": None,
        "negotiating_on": None,
        "signed_on": None,
        "registered_on": None,
        "started_on": None,
        "completed_on": None,
        "production_on": None,
        "first_funds_on": None,
    }
    made = blank | facts
    made["first_funds_on"] = min((day for day, _amount in made["arrivals"]), default=None)
    return made


def random_project(rng: random.Random, units, *, around: date):
    """Return a project whose dates crowd around the edges of the windows that end at `around`."""
    edges = [
        date(around.year, 1, 1),
        date(around.year - 1, 1, 1),
        date(around.year - 1, 12, 31),
        around,
        around + timedelta(days=1),
        date(around.year, around.month, 1),
        date(around.year - 1, around.month, 1),
    ]

    def day(chance):
        if rng.random() > chance:
            return None
        if rng.random() < 0.5:
            return rng.choice(edges) + timedelta(days=rng.choice((-1, 0, 0, 1)))
        return around - timedelta(days=rng.randint(-60, 700))

    def amount(chance):
        return (
            Decimal(rng.choice((1, 50_000_000, 100_000_000, rng.randint(0, 10**12)))) / 100
            if rng.random() < chance
            else None
        )

    entered = day(1) - timedelta(days=rng.choice((0, 30, 400)))
    holders = [(entered, rng.choice(units))]
    for since in sorted({day(1) for _ in range(rng.choice((0, 0, 0, 1, 2)))}):
        holders.append((since, rng.choice(units)))
    facts = {
        name: day(chance)
        for name, chance in (
            ("negotiating_on", 0.7),
            ("signed_on", 0.8),
            ("registered_on", 0.5),
            ("started_on", 0.4),
            ("completed_on", 0.25),
            ("production_on", 0.2),
            ("withdrawn_on", 0.2),
            ("excluded_on", 0.1),
            ("planned_start_on", 0.5),
        )
    }
    return project(
        holders[0][1],
        entered_on=entered,
        holders=holders,
        planned_investment=amount(0.85),
        contracted_amount=amount(0.7),
        agreement_kind=rng.choice((None, "contract", "framework", "intent")) if facts["signed_on"] else None,
        arrivals=[(day(1), amount(1)) for _ in range(rng.choice((0, 0, 1, 2)))],
        verified={name: day(0.6) for name in MILESTONES},
        **facts,
    )


def put(database, projects, *, unit_ids, adjustments=()):
    """Store projects (units as keys of `unit_ids`) and adjustments (unit, month, points), instead of any before."""
    with store.transaction(database, actor="test", now=NOW) as work:
        for table in ("project", "project_unit", "agreement", "fund_arrival", "milestone", "adjustment", "enterprise"):
            work.session.execute(f"delete from {table}")
        investor = work.insert("enterprise", {"name": "投资方", "name_key": "投资方", "search_text": "投资方"})
        dates = ("entered_on", "negotiating_on", "signed_on", "registered_on", "first_funds_on", "planned_start_on")
        dates += ("started_on", "completed_on", "production_on", "withdrawn_on", "excluded_on")
        columns = ("code", "name", "name_key", "search_text", "enterprise_id", "unit_id", "stage", "status")
        rows = []
        for n, p in enumerate(projects):
            own = unit_ids[p["holders"][-1][1]]
            rows.append(
                (f"T-{n:05d}", f"项目{n}", f"项目{n}", f"项目{n}", investor, own, str(stage_reached(p)), "active")
                + tuple(p[name] for name in dates)
                + (p["planned_investment"], p["contracted_amount"], p["agreement_kind"])
            )
        amounts = ("planned_investment", "contracted_amount", "agreement_kind")
        ids = work.insert_many("project", columns + dates + amounts, rows) if rows else []
        held, agreements, funds, milestones = [], [], [], []
        for project_id, p in zip(ids, projects, strict=True):
            holdings = [
                {"unit": unit, "is_first": n == 0, "valid_from": since} for n, (since, unit) in enumerate(p["holders"])
            ]
            for holding, end in zip(holdings, holding_ends(holdings), strict=True):
                held.append((project_id, unit_ids[holding["unit"]], holding["is_first"], holding["valid_from"], end))
            if p["signed_on"]:
                agreements.append((project_id, p["agreement_kind"], p["signed_on"], "active"))
            funds += [(project_id, day, amount, 1) for day, amount in p["arrivals"]]
            milestones += [
                (project_id, kind, p[name], p["verified"].get(name)) for name, kind in MILESTONES.items() if p[name]
            ]
        work.insert_many("project_unit", ("project_id", "unit_id", "is_first", "valid_from", "valid_to"), held)
        work.insert_many("agreement", ("project_id", "kind", "signed_on", "status"), agreements)
        work.insert_many("fund_arrival", ("project_id", "arrived_on", "amount", "occurrence"), funds)
        work.insert_many("milestone", ("project_id", "kind", "actual_on", "verified_on"), milestones)
        for unit, month, points in adjustments:
            work.insert("adjustment", {"unit_id": unit_ids[unit], "month": month, "points": points, "reason": "测试"})


def add_units(database, groups):
    """Add units in peer groups of their own, {group: [name, …]}; return {name: id}."""
    ids = {}
    with store.transaction(database, actor="test", now=NOW) as work:
        for order, (group, names) in enumerate(groups.items()):
            for n, name in enumerate(names):
                ids[name] = work.insert(
                    "unit",
                    {
                        "code": name,
                        "name": name,
                        "short_name": name,
                        "kind": "county",
                        "peer_group": group,
                        "display_order": 1000 + order * 100 + n,
                    },
                )
    return ids


def rule_settings(**changes):
    """Return the default rule set of interfaces.md with some settings replaced; dotted keys reach inside."""
    settings = json.loads(
        """{"name": "default", "note": "", "window": {"mode": "year_to_date", "base_date": null, "cohort_year": null},
        "threshold_wan": 0, "verified_only": false, "agreement_kinds": null, "withdrawn": "keep",
        "performance": "performed", "startup": {"due_only": false, "grace_months": 6}, "funds_base": "contracted",
        "rounding": "half_up",
        "score": {"method": "weighted", "weights": {"signing": 30, "performance": 30, "startup": 40}},
        "groups": ["county", "park"], "lists": {"red": 3, "black": 3, "target": null},
        "cards": {"stalled_months": [2, 3, 6], "overdue_start_red_months": 3}}"""
    )
    for key, value in changes.items():
        outer, _dot, inner = key.partition("__")
        if inner:
            settings[outer][inner] = value
        else:
            settings[outer] = value
    return settings
