"""Rule sets in words, two beside each other, and what a candidate would do to a month."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from crm.locale import use_language
from crm.metrics import RATES, Performance, Rounding, RuleSet, Withdrawn, parse_rule_set
from crm.model import AgreementKind
from crm.months import Month, WindowMode
from crm.reports.rule_sets import SETTINGS, changed_units, differences, effect, effect_frame
from tests.bureaus import add_units, project, put
from tests.probes import dump

MAY = Month(2026, 5)
OTHERWISE = RuleSet(
    window_mode=WindowMode.COHORT,
    base_date=date(2024, 1, 1),
    cohort_year=2025,
    threshold_wan=Decimal(5000),
    verified_only=True,
    agreement_kinds=(AgreementKind.CONTRACT,),
    withdrawn=Withdrawn.DROP,
    performance=Performance.STARTED,
    due_only=True,
    grace_months=3,
    funds_base=next(kind for kind in type(RuleSet().funds_base) if kind is not RuleSet().funds_base),
    rounding=Rounding.TRUNCATE,
    method=next(kind for kind in type(RuleSet().method) if kind is not RuleSet().method),
    weights=(("startup", Decimal(100)),),
    groups=("county",),
    red=1,
    black=2,
    list_target=Decimal(60),
    stalled_months=(1, 2, 3),
    overdue_start_red_months=4,
)


def leaves(settings, path=""):
    """The paths of all settings, those that are one to a person as one."""
    for key, value in settings.items():
        at = f"{path}.{key}" if path else key
        if isinstance(value, dict) and at != "score.weights":
            yield from leaves(value, at)
        else:
            yield at


def test_every_setting_has_a_label_and_its_words():
    assert sorted(setting.path for setting in SETTINGS) == sorted(set(leaves(RuleSet().settings())) - {"name", "note"})
    assert len(differences(RuleSet(), OTHERWISE)) == len(SETTINGS)


def test_two_rule_sets_are_compared_in_words_by_what_differs_alone():
    changed = replace(RuleSet(), performance=Performance.STARTED, due_only=True, note="说明")
    assert [(str(d.label), d.before, d.after) for d in differences(RuleSet(), changed)] == [
        ("履约的含义", "已注册且首笔资金到位，或已开工", "开工"),
        ("开工率只算到期项目", "否", "是"),
    ]
    assert differences(RuleSet(version=1), RuleSet(version=2)) == []
    with use_language("en"):
        (weights,) = differences(RuleSet(), parse_rule_set({"score": {"weights": {"startup": 70, "signing": 30.5}}}))
    assert (weights.before, weights.after) == (
        "Signing rate 30, Performance rate 30, Start-up rate 40",
        "Signing rate 30.5, Start-up rate 70",
    )


@pytest.fixture
def bureau(db):
    """Three units: 甲 signed two and started one, 乙 one small of one, 丙 none."""
    ids = add_units(db, {"片区": ["甲", "乙", "丙"], "另组": ["丁"]})
    signed = {"negotiating_on": date(2026, 2, 1), "signed_on": date(2026, 3, 1)}
    large, small = Decimal(100_000_000), Decimal(1_000_000)
    put(
        db,
        [
            project("甲", **signed, planned_investment=large, started_on=date(2026, 4, 1)),
            project("甲", **signed, planned_investment=large),
            project("乙", **signed, planned_investment=small, started_on=date(2026, 4, 1)),
            project("丁", **signed, planned_investment=large),
        ],
        unit_ids=ids,
    )
    return db


def test_a_candidate_is_shown_beside_the_present_reading_and_nothing_is_stored(bureau):
    before = RuleSet(groups=("片区",), weights=(("startup", Decimal(100)),))
    after = replace(before, threshold_wan=Decimal(1000))
    stored = dump(bureau)
    frame = effect_frame(*effect(bureau, MAY, before, after), ("signing", "startup"))
    assert dump(bureau) == stored
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    everywhere = {"group": "片区", "signing_before": 100.0}
    jia = {"rank_before": 2, "rank": 1, "moved": 1, "score_before": 50.0, "score": 50.0}
    yi = {"rank_before": 1, "rank": None, "moved": None, "score_before": 100.0, "score": None}
    nothing = dict.fromkeys(("rank_before", "rank", "moved", "score_before", "score"))
    assert rows == [
        {"unit": "甲", **everywhere, **jia, "signing": 100.0, "startup_before": 50.0, "startup": 50.0},
        {"unit": "乙", **everywhere, **yi, "signing": None, "startup_before": 100.0, "startup": None},
        {
            "unit": "丙",
            "group": "片区",
            **nothing,
            **dict.fromkeys(("signing_before", "signing", "startup_before", "startup")),
        },
        {
            "unit": "全部参排单位",
            "group": None,
            **nothing,
            "signing_before": 100.0,
            "signing": 100.0,
            "startup_before": 66.7,
            "startup": 50.0,
        },
    ]
    assert changed_units(frame) == 2


def test_units_that_only_one_of_the_two_ranks_are_shown_too(bureau):
    before = RuleSet(groups=("片区",))
    frame = effect_frame(*effect(bureau, MAY, before, replace(before, groups=("另组",))), tuple(RATES))
    assert [(row.unit, row.group) for row in frame.itertuples()][:4] == [
        ("丁", "另组"),
        ("乙", "片区"),
        ("甲", "片区"),
        ("丙", "片区"),
    ]
    assert frame["rank_before"].notna().tolist() == [False, True, True, False, False]
    assert frame["rank"].notna().tolist() == [True, False, False, False, False]
    same = effect_frame(*effect(bureau, MAY, before, before), ("startup",))
    assert changed_units(same) == 0
