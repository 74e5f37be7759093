"""Rules of a project's life, against a table written out here, and properties over generated input."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm import rules
from crm.model import MilestoneKind, Stage

TODAY = date(2026, 6, 30)
ORDER = ["lead", "contact", "negotiation", "signed", "registered", "started", "completed", "production"]
# The table of model.md: what each stage adds to what the earlier ones require.
ADDED = {
    "lead": set(),
    "contact": {"enterprise_id", "unit_id", "responsible_person"},
    "negotiation": {"industry_id", "planned_investment", "negotiating_on"},
    "signed": {"agreement_number", "agreement_kind", "signed_on", "contracted_amount", "planned_start_on"},
    "registered": {"company_name", "company_credit_code", "registered_on"},
    "started": {"started_on", "evidence"},
    "completed": {"completed_on"},
    "production": {"production_on"},
}
COMPLETE = {
    "stage": "lead",
    "enterprise_id": 1,
    "unit_id": 2,
    "responsible_person": "王五",
    "industry_id": 3,
    "planned_investment": 10_000,
    "negotiating_on": date(2026, 1, 10),
    "agreement_number": "XY-1",
    "agreement_kind": "contract",
    "signed_on": date(2026, 2, 1),
    "contracted_amount": 9_000,
    "planned_start_on": date(2026, 9, 1),
    "company_name": "项目公司",
    "company_credit_code": "91430104183791051F",
    "registered_on": date(2026, 3, 1),
    "started_on": date(2026, 4, 1),
    "evidence": "照片",
    "completed_on": date(2026, 5, 1),
    "production_on": date(2026, 6, 30),
    "entered_on": date(2026, 1, 1),
    "entered_given": True,
}


def required(stage):
    return set().union(*(ADDED[s] for s in ORDER[: ORDER.index(stage) + 1]))


@pytest.mark.parametrize("stage", ORDER)
def test_a_stage_requires_what_it_and_every_earlier_one_adds(stage):
    assert set(rules.required_at(Stage(stage))) == required(stage)
    assert set(rules.check_complete({}, Stage(stage))) == required(stage)
    assert rules.check_complete(COMPLETE, Stage(stage)) == {}


@pytest.mark.parametrize("blank", [None, ""])
@pytest.mark.parametrize("stage", ORDER)
def test_each_missing_field_is_named_by_itself(stage, blank):
    for field in sorted(set(COMPLETE) - {"stage", "entered_on", "entered_given"}):
        lacking = rules.check_complete({**COMPLETE, field: blank}, Stage(stage))
        assert set(lacking) == ({field} if field in required(stage) else set())


def test_a_known_zero_is_not_missing():
    assert rules.check_complete({**COMPLETE, "contracted_amount": 0}, Stage.SIGNED) == {}


def test_the_message_names_the_field_and_the_stage():
    message = rules.check_complete({**COMPLETE, "signed_on": None}, Stage.STARTED)["signed_on"]
    assert message.msgid == "{field} is required from the stage “{stage}” on."
    assert str(message.values["field"].msgid) == "Signing date"
    assert str(message.values["stage"].msgid) == "Construction started"


@pytest.mark.parametrize("target", ORDER)
@pytest.mark.parametrize("current", ORDER)
def test_a_complete_project_may_skip_forward_and_needs_a_reason_to_go_back(current, target):
    project = {**COMPLETE, "stage": current}
    back = ORDER.index(target) < ORDER.index(current)
    assert set(rules.check_move(project, Stage(target), today=TODAY)) == ({"note"} if back else set())
    assert set(rules.check_move(project, Stage(target), today=TODAY, note=" \n")) == ({"note"} if back else set())
    assert rules.check_move(project, Stage(target), today=TODAY, note="数据更正") == {}


def test_a_move_names_what_is_missing_what_cannot_be_and_the_reason_together():
    project = {"stage": "started", "enterprise_id": 1, "unit_id": 2, "signed_on": date(2026, 7, 1)}
    assert set(rules.check_move(project, Stage.CONTACT, today=TODAY)) == {"responsible_person", "signed_on", "note"}


def test_to_withdraw_needs_a_date_that_can_be_and_a_reason():
    assert set(rules.check_withdrawal({}, today=TODAY)) == {"withdrawn_on", "withdrawn_reason"}
    whole = {"withdrawn_on": TODAY, "withdrawn_reason": "企业转投外地"}
    assert rules.check_withdrawal(whole, today=TODAY) == {}
    assert set(rules.check_withdrawal(whole, today=TODAY - timedelta(days=1))) == {"withdrawn_on"}
    # The rest of an imperfect record does not stand in the way.
    assert rules.check_withdrawal({**whole, "signed_on": date(2030, 1, 1)}, today=TODAY) == {}


@pytest.mark.parametrize("field", rules.ACTUAL_DATES)
@pytest.mark.parametrize(
    ("day", "given", "refused"),
    [
        (TODAY, True, False),
        (TODAY + timedelta(days=1), True, True),
        (date(2026, 1, 1), True, False),
        (date(2025, 12, 31), True, True),
        (date(2025, 12, 31), False, False),
    ],
)
def test_an_actual_date_lies_between_a_given_lead_date_and_today(field, day, given, refused):
    project = {"entered_on": date(2026, 1, 1), "entered_given": given, field: day}
    assert set(rules.check_dates(project, today=TODAY)) == ({field} if refused else set())


def test_a_planned_date_may_lie_in_the_future_and_a_lead_date_may_not():
    assert rules.check_dates({"planned_start_on": date(2030, 1, 1)}, today=TODAY) == {}
    assert set(rules.check_dates({"entered_on": date(2026, 7, 1)}, today=TODAY)) == {"entered_on"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("negotiating_on", "signed_on"),
        ("signed_on", "registered_on"),
        ("signed_on", "first_funds_on"),
        ("signed_on", "started_on"),
        ("signed_on", "withdrawn_on"),
        ("started_on", "completed_on"),
        ("started_on", "production_on"),
        ("completed_on", "production_on"),
        ("signed_on", "planned_start_on"),
    ],
)
def test_an_odd_order_is_named_at_the_later_field_and_not_refused(earlier, later):
    odd = {earlier: date(2026, 3, 2), later: date(2026, 3, 1)}
    assert set(rules.odd_dates(odd)) == {later}
    assert rules.check_dates(odd, today=TODAY) == {}
    assert rules.odd_dates({earlier: date(2026, 3, 2), later: date(2026, 3, 2)}) == {}
    assert rules.odd_dates({earlier: date(2026, 3, 2)}) == rules.odd_dates({later: date(2026, 3, 2)}) == {}


def test_the_usual_order_is_not_odd():
    assert rules.odd_dates(COMPLETE) == {}


@pytest.mark.parametrize(
    ("dates", "stage"),
    [
        ((), "lead"),
        (("negotiating_on",), "negotiation"),
        (("signed_on",), "signed"),
        (("signed_on", "negotiating_on"), "signed"),
        (("registered_on",), "registered"),
        (("started_on", "signed_on"), "started"),
        (("completed_on",), "completed"),
        (("production_on", "negotiating_on"), "production"),
        (("withdrawn_on",), "lead"),
        (("first_funds_on", "planned_start_on", "entered_on"), "lead"),
    ],
)
def test_the_stage_reached_is_the_furthest_that_a_date_shows(dates, stage):
    assert rules.stage_reached(dict.fromkeys(dates, TODAY)) == Stage(stage)


# ---------------------------------------------------------------------------------------------- agreements, milestones


def test_the_signing_date_and_kind_are_those_of_the_earliest_active_agreement():
    def agreement(number, day, kind, **more):
        return {"id": number, "signed_on": date(2026, 3, day), "kind": kind, "archived_at": None, **more}

    early, late = agreement(2, 5, "intent"), agreement(1, 6, "contract")
    cancelled = agreement(3, 1, "framework", status="cancelled")
    archived = agreement(4, 2, "framework", status="active") | {"archived_at": TODAY}
    assert rules.signing_of([late, early, cancelled, archived]) == (date(2026, 3, 5), "intent")
    assert rules.signing_of([agreement(9, 5, "contract"), early]) == (date(2026, 3, 5), "intent")
    assert rules.signing_of([cancelled, archived]) == rules.signing_of([]) == (None, None)


def test_milestones_and_project_dates_say_the_same():
    said = rules.milestones_of(COMPLETE | {"first_funds_on": TODAY})
    assert said == {
        MilestoneKind.REGISTRATION: {"actual_on": date(2026, 3, 1)},
        MilestoneKind.START: {"actual_on": date(2026, 4, 1), "planned_on": date(2026, 9, 1)},
        MilestoneKind.COMPLETION: {"actual_on": date(2026, 5, 1)},
        MilestoneKind.PRODUCTION: {"actual_on": date(2026, 6, 30)},
    }
    back = {}
    for kind, dates in said.items():
        back |= rules.dates_of_milestone({"kind": str(kind), **dates})
    fields = ("registered_on", "started_on", "planned_start_on", "completed_on", "production_on")
    assert back == {field: COMPLETE[field] for field in fields}
    assert rules.dates_of_milestone({"kind": "first_funds", "actual_on": TODAY, "planned_on": TODAY}) == {}
    assert rules.dates_of_milestone({"kind": "land", "actual_on": TODAY, "planned_on": TODAY}) == {}


# -------------------------------------------------------------------------------------------------------- unit history


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8), st.integers(0, 7), st.integers(0, 10**6))
def test_on_every_day_exactly_the_right_unit_holds_the_project(days, first, seed):
    """Oracle: walk the days; the newest start wins, the first unit before and until the next one's start."""
    holdings = [
        {"unit": n, "is_first": n == first % len(days), "valid_from": date(2026, 1, 1) + timedelta(days=day)}
        for n, day in enumerate(dict.fromkeys(days))
    ]
    if not any(h["is_first"] for h in holdings):
        holdings[0]["is_first"] = True
    random.Random(seed).shuffle(holdings)
    ends = rules.holding_ends(holdings)
    assert len(ends) == len(holdings)
    assert ends.count(None) == 1, "one unit holds it today"
    initial = next(h for h in holdings if h["is_first"])
    others = sorted((h for h in holdings if not h["is_first"]), key=lambda h: h["valid_from"])
    for offset in range(-1, 62):
        day = date(2026, 1, 1) + timedelta(days=offset)
        holders = [
            h["unit"]
            for h, end in zip(holdings, ends, strict=True)
            if h["valid_from"] <= day and (end is None or day < end)
        ]
        started = [h for h in others if h["valid_from"] <= day]
        if started:
            expected = [started[-1]["unit"]]
        elif initial["valid_from"] <= day:
            expected = [initial["unit"]]
        else:
            expected = []
        assert holders == expected, day


# --------------------------------------------------------------------------------------------------------- credit codes


@pytest.mark.parametrize(
    "code",
    [
        "91430104183791051F",
        "91440300708461136T",
        "914403001922038216",
        "9144030071526726XG",
        "91330100799655058B",
    ],
)
def test_codes_of_real_companies_check(code):
    assert rules.credit_code_problem(code) is None


def test_any_single_wrong_character_and_most_swaps_are_found():
    code = "91430104183791051F"
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    for place in range(18):
        for character in alphabet:
            if character != code[place]:
                assert rules.credit_code_problem(code[:place] + character + code[place + 1 :]) is not None
    for place in range(17):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert (rules.credit_code_problem(swapped) is None) == (swapped == code)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("9143010418379105", "has 18 characters"),
        ("91430104183791051F0", "has 18 characters"),
        ("", "has 18 characters"),
        ("9143010418379105IF", "holds a character"),
        ("91430104183791051f", "holds a character"),
        ("９1430104183791051F", "holds a character"),
        ("91430104183791051G", "check character"),
        ("43000000000012345X", "check character"),
    ],
)
def test_what_is_wrong_with_a_code_is_said(code, says):
    problem = rules.credit_code_problem(code)
    assert problem is not None
    assert says in problem.msgid


@given(st.text(st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"), min_size=17, max_size=17))
def test_the_check_character_follows_the_standard(first_17):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(
        alphabet.index(c) * [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28][i]
        for i, c in enumerate(first_17)
    )
    assert rules.credit_check_character(first_17) == alphabet[(31 - total % 31) % 31]
    assert rules.credit_code_problem(first_17 + rules.credit_check_character(first_17)) is None


GATED = {"stage": "signed", "negotiating_on": date(2026, 1, 1), "signed_on": date(2026, 2, 1)} | dict.fromkeys(
    ("registered_on", "started_on", "completed_on", "production_on")
)


@pytest.mark.parametrize(
    ("project", "changes", "refused"),
    [
        (GATED, {"signed_on": date(2026, 2, 2)}, set()),
        (GATED, {"registered_on": date(2026, 3, 1)}, {"registered_on"}),
        (GATED, {"started_on": date(2026, 3, 1), "production_on": None}, {"started_on"}),
        (GATED, {"signed_on": None}, {"signed_on"}),
        (GATED, {"negotiating_on": None}, set()),
        (GATED, {"first_funds_on": date(2026, 3, 1), "planned_start_on": None}, set()),
        # Moved back, it keeps its dates: they may be corrected and taken away.
        (GATED | {"stage": "negotiation"}, {"signed_on": date(2026, 2, 2)}, set()),
        (GATED | {"stage": "negotiation"}, {"signed_on": None}, set()),
        (GATED | {"stage": "contact", "negotiating_on": None, "signed_on": None}, {"signed_on": None}, set()),
        # A later date holds the stage as well.
        (GATED | {"stage": "started", "started_on": date(2026, 3, 1)}, {"signed_on": None}, set()),
        # What was wrong before is no reason to refuse a change of something else.
        (GATED | {"stage": "completed"}, {"place": "乾州"}, set()),
    ],
)
def test_dates_of_stages_come_and_go_with_the_stage(project, changes, refused):
    assert set(rules.check_gates(project, changes)) == refused


@pytest.mark.parametrize(
    ("amount", "fine"),
    [
        (None, True),
        (Decimal(0), True),
        (rules.LARGEST_AMOUNT, True),
        (rules.LARGEST_AMOUNT + 1, False),
        (Decimal("-0.01"), False),
    ],
)
def test_amounts_are_neither_negative_nor_larger_than_their_column(amount, fine):
    assert (rules.amount_problem(amount) is None) is fine
