"""Claims verified or returned: each checked, all or none; claimed anew they wait; first funds go with arrivals."""

from datetime import date, datetime

import pytest

from crm import store
from crm.actions.project_records import add_arrival, set_milestone, withdraw_arrival
from crm.actions.verification import Claim, accept, claim_again, return_claims
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import MilestoneKind, Role
from tests.probes import TODAY, dump, insert, insert_enterprise, insert_project, person, wan

LATER = datetime(2026, 6, 30, 9, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
MOMENT = {"now": LATER, "today": TODAY}
VERDICT = "select verified_on, verified_by, returned_on, returned_by, return_reason from {} where id = $1"
WAITING = (None, None, None, None, None)
VERIFIED = (TODAY, "lisi", None, None, None)
RETURNED = (None, None, TODAY, "lisi", "照片不清楚")
pytestmark = pytest.mark.usefixtures("records_agree")


@pytest.fixture
def project(db, units):
    """The id of a project of 吉首 in negotiation."""
    investor = insert_enterprise(db, "杭州云顶茶业有限公司", owner_unit_id=units["吉首"])
    return insert_project(db, "T-1", enterprise_id=investor, unit_id=units["吉首"])


@pytest.fixture
def elsewhere(db, units):
    """A claim of 凤凰."""
    other = insert_project(db, "T-2", enterprise_id=insert_enterprise(db, "凤凰投资有限公司"), unit_id=units["凤凰"])
    values = {"kind": "land", "actual_on": date(2026, 6, 1), "evidence": "土地证"}
    return Claim("milestone", insert(db, "milestone", project_id=other, **values), 1)


@pytest.fixture
def land(db, staff, project):
    """A claimed step with evidence."""
    return stepped(db, staff, project, MilestoneKind.LAND, date(2026, 6, 1), "土地证")


@pytest.fixture
def filing(db, staff, project):
    """A claimed step without evidence."""
    return stepped(db, staff, project, MilestoneKind.FILING, date(2026, 6, 2), None)


@pytest.fixture
def money(db, staff, project):
    """An arrival with evidence, the project's first."""
    return paid(db, staff, project, date(2026, 6, 10), "银行进账单")


def stepped(db, staff, project, kind, actual_on, evidence):
    values = {"actual_on": actual_on, "evidence": evidence}
    set_milestone(db, staff, project, kind, None, values, **MOMENT)
    (milestone_id,) = db.rows("select id from milestone where project_id = $1 and kind = $2", [project, str(kind)])[0]
    return Claim("milestone", milestone_id, 1)


def paid(db, staff, project, day, evidence, amount=100):
    made = add_arrival(db, staff, project, arrived_on=day, amount=wan(amount), evidence=evidence, **MOMENT)
    return Claim("fund_arrival", made, 1)


def now_of(db, claim):
    """The claim as it stands now."""
    return claim._replace(version=db.value(f"select version from {claim.subject} where id = $1", [claim.id]))


def verdict(db, claim):
    """What its record says of verification and return."""
    (row,) = db.rows(VERDICT.format(claim.subject), [claim.id])
    return row


def first_funds(db):
    """Actual date and verification of the step “first funds”."""
    (row,) = db.rows(
        "select actual_on, verified_on, verified_by, returned_on from milestone where kind = 'first_funds'"
    )
    return row


def said(call):
    """What a call is refused for, by field."""
    with pytest.raises(Invalid) as invalid:
        call()
    return {field: str(message) for field, message in invalid.value.fields.items()}


def test_steps_and_money_are_verified_together_and_the_audit_says_so(db, head, land, money):
    accept(db, head, [land, money], **MOMENT)
    assert (verdict(db, land), verdict(db, money)) == (VERIFIED, VERIFIED)
    entries = db.rows("select actor, subject_id from audit where action = 'verify' order by id")
    assert entries == [("lisi", land.id), ("lisi", money.id)]


def test_one_claim_without_evidence_keeps_all_of_them_waiting_and_is_named(db, head, land, filing):
    before = dump(db)
    problems = said(lambda: accept(db, head, [land, filing], **MOMENT))
    assert problems == {"evidence": "项目T-1 · 备案：核验前请填写佐证材料。"}
    assert dump(db) == before


def test_one_claim_changed_meanwhile_keeps_all_of_them_waiting(db, staff, head, land, money):
    claim_again(db, staff, money, evidence="银行回单", now=LATER)
    before = dump(db)
    for change in (
        lambda: accept(db, head, [land, money], **MOMENT),
        lambda: return_claims(db, head, [land, money], reason="照片不清楚", **MOMENT),
    ):
        with pytest.raises(Conflict) as conflict:
            change()
        assert "项目T-1 · 资金到位" in str(conflict.value)
    assert dump(db) == before


def test_a_step_that_is_only_planned_claims_nothing(db, staff, head, project):
    set_milestone(db, staff, project, MilestoneKind.EIA, None, {"planned_on": TODAY, "evidence": "批复"}, **MOMENT)
    planned = Claim("milestone", db.value("select id from milestone where kind = 'eia'"), 1)
    for change in (
        lambda: accept(db, head, [planned], **MOMENT),
        lambda: return_claims(db, head, [planned], reason="没有", **MOMENT),
        lambda: claim_again(db, staff, planned, evidence="批复", now=LATER),
    ):
        assert set(said(change)) == {"actual_on"}


def test_a_claim_is_returned_with_a_reason_which_the_audit_keeps(db, head, land, money):
    assert set(said(lambda: return_claims(db, head, [land], reason="  ", **MOMENT))) == {"reason"}
    return_claims(db, head, [land, money], reason=" 照片不清楚 ", **MOMENT)
    assert (verdict(db, land), verdict(db, money)) == (RETURNED, RETURNED)
    assert db.rows("select subject, note from audit where action = 'return' order by id") == [
        ("milestone", "照片不清楚"),
        ("fund_arrival", "照片不清楚"),
    ]


def test_a_verification_is_taken_back_with_a_reason_and_given_again(db, head, land):
    accept(db, head, [land], **MOMENT)
    return_claims(db, head, [now_of(db, land)], reason="照片不清楚", **MOMENT)
    assert verdict(db, land) == RETURNED
    accept(db, head, [now_of(db, land)], **MOMENT)
    assert verdict(db, land) == VERIFIED


def test_accepting_again_leaves_the_day_of_the_verification_alone(db, head, land):
    accept(db, head, [land], **MOMENT)
    accept(db, head, [now_of(db, land)], now=LATER, today=date(2026, 7, 5))
    assert verdict(db, land) == VERIFIED


@pytest.mark.parametrize("state", ["verified", "returned"])
def test_another_date_is_claimed_anew(db, staff, head, project, land, state):
    if state == "verified":
        accept(db, head, [land], **MOMENT)
    else:
        return_claims(db, head, [land], reason="照片不清楚", **MOMENT)
    again = {"actual_on": date(2026, 6, 3)}
    set_milestone(db, staff, project, MilestoneKind.LAND, now_of(db, land).version, again, **MOMENT)
    assert verdict(db, land) == WAITING


def test_a_plan_or_owner_leaves_verification_and_return_alone(db, staff, head, project, land, filing):
    accept(db, head, [land], **MOMENT)
    return_claims(db, head, [filing], reason="照片不清楚", **MOMENT)
    change = {"planned_on": date(2026, 6, 1), "owner": "向晓红"}
    set_milestone(db, staff, project, MilestoneKind.LAND, 2, change, **MOMENT)
    set_milestone(db, staff, project, MilestoneKind.FILING, 2, change, **MOMENT)
    assert (verdict(db, land), verdict(db, filing)) == (VERIFIED, RETURNED)


def test_other_evidence_claims_a_returned_step_anew_and_lets_a_verified_one_stand(db, staff, head, project, land):
    return_claims(db, head, [land], reason="照片不清楚", **MOMENT)
    set_milestone(db, staff, project, MilestoneKind.LAND, 2, {"evidence": "不动产权证"}, **MOMENT)
    assert verdict(db, land) == WAITING
    accept(db, head, [now_of(db, land)], **MOMENT)
    set_milestone(db, staff, project, MilestoneKind.LAND, 4, {"evidence": "不动产权证 2 份"}, **MOMENT)
    assert verdict(db, land) == VERIFIED
    # Without evidence nothing is verified.
    set_milestone(db, staff, project, MilestoneKind.LAND, 5, {"evidence": ""}, **MOMENT)
    assert verdict(db, land) == WAITING


def test_evidence_is_named_again_in_the_same_words_where_the_file_was_mended(db, staff, head, land, money):
    return_claims(db, head, [land, money], reason="照片不清楚", **MOMENT)
    assert set(said(lambda: claim_again(db, staff, now_of(db, money), evidence=" ", now=LATER))) == {"evidence"}
    for claim, words in ((land, "土地证"), (money, "银行进账单（盖章）")):
        claim_again(db, staff, now_of(db, claim), evidence=words, now=LATER)
        assert verdict(db, claim) == WAITING
        assert db.value(f"select evidence from {claim.subject} where id = $1", [claim.id]) == words


# --------------------------------------------------------------------------------------------------------- first funds


def test_first_funds_are_verified_with_the_arrival_of_their_day_alone(db, staff, head, project, money):
    later = paid(db, staff, project, date(2026, 6, 20), "进账单")
    step = Claim("milestone", db.value("select id from milestone where kind = 'first_funds'"), 1)
    assert set(said(lambda: accept(db, head, [step], **MOMENT))) == {"actual_on"}
    accept(db, head, [later], **MOMENT)
    assert first_funds(db) == (date(2026, 6, 10), None, None, None)
    accept(db, head, [money], **MOMENT)
    assert first_funds(db) == (date(2026, 6, 10), TODAY, "lisi", None)
    return_claims(db, head, [now_of(db, money)], reason="照片不清楚", **MOMENT)
    assert first_funds(db) == (date(2026, 6, 10), None, None, None)


def test_first_funds_without_any_arrival_are_verified_by_themselves(db, staff, head, project):
    step = stepped(db, staff, project, MilestoneKind.FIRST_FUNDS, date(2026, 6, 5), "进账单")
    accept(db, head, [step], **MOMENT)
    assert first_funds(db) == (date(2026, 6, 5), TODAY, "lisi", None)


def test_first_funds_follow_to_an_earlier_arrival_and_back_to_a_verified_one(db, staff, head, project, money):
    accept(db, head, [money], **MOMENT)
    early = paid(db, staff, project, date(2026, 6, 8), "进账单")
    assert first_funds(db) == (date(2026, 6, 8), None, None, None)
    withdraw_arrival(db, staff, early.id, 1, reason="重复登记", now=LATER)
    assert first_funds(db) == (date(2026, 6, 10), TODAY, "lisi", None)


def test_two_arrivals_of_the_first_day_need_one_verified_and_lose_it_with_that_one(db, staff, head, project, money):
    twin = paid(db, staff, project, date(2026, 6, 10), "进账单", amount=200)
    accept(db, head, [twin], **MOMENT)
    assert first_funds(db) == (date(2026, 6, 10), TODAY, "lisi", None)
    withdraw_arrival(db, staff, twin.id, 2, reason="重复登记", now=LATER)
    assert first_funds(db) == (date(2026, 6, 10), None, None, None)


def test_later_money_leaves_first_funds_that_were_verified_by_themselves_alone(db, staff, head, project, money):
    with store.transaction(db, actor="ledger", now=LATER) as work:
        step = work.find("milestone", kind="first_funds")
        work.update("milestone", step["id"], step["version"], {"verified_on": date(2026, 6, 12), "verified_by": "旧账"})
    later = paid(db, staff, project, date(2026, 6, 20), "进账单")
    accept(db, head, [later], **MOMENT)
    assert first_funds(db) == (date(2026, 6, 10), date(2026, 6, 12), "旧账", None)


# -------------------------------------------------------------------------------------------------------------- rights


def test_who_may_not_verify_is_refused_and_another_units_claim_is_not_found(db, staff, head, units, land, elsewhere):
    dispatcher = person("zhaoliu", Role.DISPATCHER)
    before = dump(db)
    for who, claim, error in (
        (staff, land, Denied),
        (person("sunba", Role.LEADER), land, Denied),
        (person("admin", Role.ADMIN), land, NotFound),
        (person("wangwu", Role.UNIT_HEAD, unit_id=units["凤凰"]), land, NotFound),
        (head, elsewhere, NotFound),
        (dispatcher, Claim("project", land.id, 1), NotFound),
        (dispatcher, Claim("milestone", 2**60, 1), NotFound),
    ):
        with pytest.raises(error):
            accept(db, who, [claim], **MOMENT)
        with pytest.raises(error):
            return_claims(db, who, [claim], reason="照片不清楚", **MOMENT)
    # One of another unit among them keeps all of them as they are.
    with pytest.raises(NotFound):
        accept(db, head, [land, elsewhere], **MOMENT)
    with pytest.raises(NotFound):
        claim_again(db, person("wangwu", Role.STAFF, unit_id=units["凤凰"]), land, evidence="证", now=LATER)
    with pytest.raises(Denied):
        claim_again(db, person("sunba", Role.LEADER), land, evidence="证", now=LATER)
    assert dump(db) == before
    accept(db, dispatcher, [land, elsewhere], **MOMENT)
    assert verdict(db, elsewhere)[0] == TODAY


def test_what_was_taken_back_is_not_verified(db, staff, head, money):
    withdraw_arrival(db, staff, money.id, 1, reason="重复登记", now=LATER)
    with pytest.raises(NotFound):
        accept(db, head, [now_of(db, money)], **MOMENT)
