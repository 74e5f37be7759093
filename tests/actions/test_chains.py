"""Chain setup: what an administrator may change, by which rules, and what ending does to offers and old records."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from crm import store
from crm.actions.chains import (
    IndustryDraft,
    SegmentDraft,
    add_industry,
    add_segment,
    archive_industry,
    archive_segment,
    change_industry,
    change_segment,
)
from crm.errors import Conflict, Denied, Invalid, NotFound, Refused
from crm.model import Role, SegmentRole, Tier
from crm.reports import vocabulary
from crm.reports.chains import list_chains, list_segments
from tests.probes import NOW, TODAY, dump, insert, insert_enterprise, insert_project, person, unit_ids

DAY = timedelta(days=1)
ADMIN = person("admin", Role.ADMIN)
LOW_ALTITUDE = IndustryDraft("low-altitude", "低空经济", "Low-altitude economy", "州长 甲", "低空专班", "州发改委", 110)
DRONES = SegmentDraft(
    "low-altitude-drones",
    "无人机制造",
    Tier.MIDSTREAM,
    SegmentRole.FILL,
    ("无人机", "飞行器|航空器", " 无人机 "),
    ("湘西甲公司", ""),
    5,
    date(2026, 1, 1),
    date(2027, 12, 31),
)


def of_tea(db):
    return next(chain for chain in list_chains(db) if chain.code == "tea")


def segment_of(db, code):
    return next(segment for segment in list_segments(db) if segment.code == code)


def as_draft(segment):
    return SegmentDraft(
        segment.code,
        segment.name,
        segment.tier,
        segment.role,
        segment.keywords,
        segment.anchors,
        segment.display_order,
        segment.valid_from,
        segment.valid_to,
    )


def fields_refused(call):
    with pytest.raises(Invalid) as refused:
        call()
    return set(refused.value.fields)


def test_an_industry_and_a_segment_are_stored_as_typed_and_audited(db):
    industry = add_industry(db, ADMIN, LOW_ALTITUDE, now=NOW)
    segment = add_segment(db, ADMIN, industry, DRONES, now=NOW)
    assert db.rows(
        "select code, name, name_en, chain_leader, task_force, lead_department, display_order, valid_from, valid_to"
        " from industry where id = $1",
        [industry],
    ) == [("low-altitude", "低空经济", "Low-altitude economy", "州长 甲", "低空专班", "州发改委", 110, None, None)]
    assert db.rows(
        "select industry_id, code, tier, name, role, keywords, anchors, display_order, valid_from, valid_to"
        " from segment where id = $1",
        [segment],
    ) == [
        (
            industry,
            "low-altitude-drones",
            "midstream",
            "无人机制造",
            "fill",
            "无人机|飞行器|航空器",
            "湘西甲公司",
            5,
            date(2026, 1, 1),
            date(2027, 12, 31),
        )
    ]
    assert db.rows("select action, subject, subject_id from audit where actor = 'admin' order by id") == [
        ("create", "industry", industry),
        ("create", "segment", segment),
    ]
    assert store.verify_audit(db) == []


def test_an_ended_segment_is_offered_no_more_but_stays_on_old_records(db):
    segment = segment_of(db, "tea-planting")
    enterprise = insert_enterprise(db, "湖南甲茶业有限公司", owner_unit_id=unit_ids(db)["吉首"])
    link = {"industry_id": segment.industry_id, "segment_id": segment.id}
    insert(db, "enterprise_segment", enterprise_id=enterprise, **link)
    change_segment(db, ADMIN, segment.id, 1, replace(as_draft(segment), valid_to=TODAY), now=NOW)

    def offered(**day):
        return segment.id in {s.id for s in vocabulary.segments(db, segment.industry_id, **day)}

    assert (offered(on=TODAY), offered(on=TODAY + DAY), offered()) == (True, False, True)
    assert db.rows("select segment_id, archived_at from enterprise_segment") == [(segment.id, None)]


def test_what_a_record_has_stays_among_the_choices_for_it(db):
    segment = segment_of(db, "tea-planting")
    change_segment(db, ADMIN, segment.id, 1, replace(as_draft(segment), valid_to=TODAY), now=NOW)
    kept = {s.id for s in vocabulary.segments(db, segment.industry_id, on=TODAY + DAY, keep=segment.id)}
    assert kept == {s.id for s in vocabulary.segments(db, segment.industry_id)}
    tea = of_tea(db)
    draft = IndustryDraft(tea.code, tea.name, tea.name_en, display_order=tea.display_order, valid_to=TODAY)
    change_industry(db, ADMIN, tea.id, 1, draft, now=NOW)
    assert vocabulary.industry_names(db, on=TODAY + DAY, keep=tea.id) == vocabulary.industry_names(db)
    assert tea.id not in vocabulary.industry_names(db, on=TODAY + DAY)


def test_a_segment_that_begins_later_is_not_offered_before(db):
    segment = segment_of(db, "tea-planting")
    change_segment(db, ADMIN, segment.id, 1, replace(as_draft(segment), valid_from=TODAY), now=NOW)
    assert segment.id not in {s.id for s in vocabulary.segments(db, on=TODAY - DAY)}
    assert segment.id in {s.id for s in vocabulary.segments(db, on=TODAY)}


def test_an_ended_industry_takes_its_segments_out_of_the_offer(db):
    tea = of_tea(db)
    draft = IndustryDraft(tea.code, tea.name, tea.name_en, display_order=tea.display_order, valid_to=TODAY)
    change_industry(db, ADMIN, tea.id, 1, draft, now=NOW)
    later = TODAY + DAY
    assert tea.id in vocabulary.industry_names(db, on=TODAY)
    assert tea.id not in vocabulary.industry_names(db, on=later)
    assert tea.id in vocabulary.industry_names(db)
    assert [s for s in vocabulary.segments(db, on=later) if s.industry_id == tea.id] == []
    assert len([s for s in vocabulary.segments(db) if s.industry_id == tea.id]) == len(list_segments(db, tea.id))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "茶叶"}, "code"),
        ({"code": "a b"}, "code"),
        ({"code": "-tea"}, "code"),
        ({"code": "x" * 41}, "code"),
        ({"code": "Tea"}, "code"),
        ({"name": " "}, "name"),
        ({"name": "茶叶"}, "name"),
        ({"name": "长" * 65}, "name"),
        ({"name_en": "x" * 65}, "name_en"),
        ({"chain_leader": "长" * 65}, "chain_leader"),
        ({"display_order": -1}, "display_order"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 31)}, "valid_to"),
    ],
)
def test_an_industry_is_refused_at_the_field(db, change, field):
    before = dump(db)
    assert fields_refused(lambda: add_industry(db, ADMIN, replace(LOW_ALTITUDE, **change), now=NOW)) == {field}
    assert dump(db) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "liquor-koji"}, "code"),
        ({"name": "生态茶园种植"}, "name"),
        ({"tier": None}, "tier"),
        ({"keywords": ("茶",)}, "keywords"),
        ({"keywords": ("长" * 41,)}, "keywords"),
        ({"keywords": tuple(f"词{n}" for n in range(61))}, "keywords"),
        ({"anchors": ("长" * 41,)}, "anchors"),
        ({"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 31)}, "valid_to"),
    ],
)
def test_a_segment_is_refused_at_the_field(db, change, field):
    before, tea = dump(db), of_tea(db).id
    assert fields_refused(lambda: add_segment(db, ADMIN, tea, replace(DRONES, **change), now=NOW)) == {field}
    assert dump(db) == before


def test_a_day_is_valid_from_itself_to_itself(db):
    add_segment(db, ADMIN, of_tea(db).id, replace(DRONES, valid_from=TODAY, valid_to=TODAY), now=NOW)
    segment = segment_of(db, DRONES.code)
    assert [segment.in_force(TODAY + n * DAY) for n in (-1, 0, 1)] == [False, True, False]


def test_a_record_may_keep_its_own_code_and_name_and_another_chain_may_have_the_name(db):
    segment = segment_of(db, "tea-planting")
    change_segment(db, ADMIN, segment.id, 1, replace(as_draft(segment), role=SegmentRole.FILL), now=NOW)
    assert segment_of(db, "tea-planting").role is SegmentRole.FILL
    liquor = next(chain for chain in list_chains(db) if chain.code == "liquor")
    add_segment(db, ADMIN, liquor.id, replace(DRONES, name=segment.name), now=NOW)


def test_the_code_of_an_archived_segment_is_not_given_again_but_its_name_is(db):
    tea, segment = of_tea(db).id, segment_of(db, "tea-planting")
    archive_segment(db, ADMIN, segment.id, 1, now=NOW)
    again = replace(DRONES, name=segment.name)
    refused = fields_refused(lambda: add_segment(db, ADMIN, tea, replace(again, code=segment.code), now=NOW))
    assert refused == {"code"}
    add_segment(db, ADMIN, tea, again, now=NOW)


@pytest.mark.parametrize("user", ["enterprise_segment", "project", "opportunity"])
def test_what_is_in_use_cannot_be_archived(db, user):
    segment, unit = segment_of(db, "tea-planting"), unit_ids(db)["吉首"]
    link = {"industry_id": segment.industry_id, "segment_id": segment.id}
    enterprise = insert_enterprise(db, "湖南甲茶业有限公司")
    if user == "enterprise_segment":
        insert(db, user, enterprise_id=enterprise, **link)
    elif user == "project":
        insert_project(db, "P1", unit_id=unit, enterprise_id=enterprise, **link)
    else:
        insert(db, user, name="茶园项目", unit_id=unit, **link)
    before = dump(db)
    for archive, record_id in ((archive_segment, segment.id), (archive_industry, segment.industry_id)):
        with pytest.raises(Refused, match="1 "):
            archive(db, ADMIN, record_id, 1, now=NOW)
    assert dump(db) == before


def test_an_industry_of_a_task_force_cannot_be_archived(db):
    tea = of_tea(db)
    insert(db, "account", login="tf", name="专班", roles="taskforce", industries=f"7{tea.id},{tea.id}")
    with pytest.raises(Refused):
        archive_industry(db, ADMIN, tea.id, 1, now=NOW)
    other = next(chain for chain in list_chains(db) if chain.code == "liquor")
    archive_industry(db, ADMIN, other.id, 1, now=NOW)


def test_an_unused_industry_is_archived_with_its_segments(db):
    tea = of_tea(db)
    archive_industry(db, ADMIN, tea.id, 1, now=NOW)
    assert tea.id not in vocabulary.industry_names(db)
    assert list_segments(db, tea.id) == []
    with pytest.raises(NotFound):
        add_segment(db, ADMIN, tea.id, DRONES, now=NOW)
    with pytest.raises(NotFound):
        change_industry(db, ADMIN, tea.id, 2, LOW_ALTITUDE, now=NOW)


def test_a_second_change_of_the_same_version_is_a_conflict(db):
    segment = segment_of(db, "tea-planting")
    change_segment(db, ADMIN, segment.id, 1, replace(as_draft(segment), name="甲"), now=NOW)
    with pytest.raises(Conflict):
        change_segment(db, ADMIN, segment.id, 1, replace(as_draft(segment), name="乙"), now=NOW)
    assert segment_of(db, "tea-planting").name == "甲"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_else_changes_the_chains(db, role):
    tea, segment = of_tea(db), segment_of(db, "tea-planting")
    stranger = person("x", role, unit_id=unit_ids(db)["吉首"], industries=(tea.id,))
    before = dump(db)
    for call in (
        lambda: add_industry(db, stranger, LOW_ALTITUDE, now=NOW),
        lambda: change_industry(db, stranger, tea.id, 1, LOW_ALTITUDE, now=NOW),
        lambda: archive_industry(db, stranger, tea.id, 1, now=NOW),
        lambda: add_segment(db, stranger, tea.id, DRONES, now=NOW),
        lambda: change_segment(db, stranger, segment.id, 1, DRONES, now=NOW),
        lambda: archive_segment(db, stranger, segment.id, 1, now=NOW),
    ):
        with pytest.raises(Denied):
            call()
    assert dump(db) == before
