"""Placing enterprises in segments: what is proposed, over whom, what a confirmation writes, how it is taken back."""

from datetime import date

import pytest

from crm import store
from crm.actions.change_sets import revert_change_set
from crm.actions.matching import Confirmed, Link, confirm_segments
from crm.errors import Denied, Invalid, NotFound
from crm.model import Role
from crm.reports.chains import list_segments
from crm.reports.matching import UnplacedFilter, candidates, count_unplaced, matcher, propose_all, unplaced
from tests.probes import NOW, TODAY, dump, insert, insert_enterprise, person, unit_ids

EVERYTHING = UnplacedFilter()
DISPATCHER = person("zhaoliu", Role.DISPATCHER)


@pytest.fixture
def segments(db):
    return {segment.code: segment for segment in list_segments(db)}


@pytest.fixture
def task_force(segments):
    return person("qianqi", Role.TASKFORCE, industries=(segments["tea-planting"].industry_id,))


@pytest.fixture
def enterprises(db, segments):
    """By a letter: a tea grower (甲), one in the tea chain only (乙), another unit's (丙), one placed already (丁)."""
    units = unit_ids(db)
    tea = segments["tea-planting"]
    ids = {
        "甲": insert_enterprise(db, "甲农业公司", owner_unit_id=units["吉首"], main_business="茶叶种植、销售"),
        "乙": insert_enterprise(db, "乙公司", owner_unit_id=units["吉首"], investment_direction="建设茶园"),
        "丙": insert_enterprise(db, "丙物流公司", owner_unit_id=units["凤凰"], main_business="普通货运"),
        "丁": insert_enterprise(db, "丁茶业公司", owner_unit_id=units["吉首"]),
        "戊": insert_enterprise(db, "戊公司", owner_unit_id=units["吉首"], main_business="建筑材料销售"),
    }
    insert(db, "enterprise_segment", enterprise_id=ids["乙"], industry_id=tea.industry_id)
    insert(db, "enterprise_segment", enterprise_id=ids["丁"], industry_id=tea.industry_id, segment_id=tea.id)
    insert_enterprise(db, "已归档茶业公司", owner_unit_id=units["吉首"], archived_at=NOW)
    return ids


def links(db):
    return db.rows(
        "select enterprise_id, industry_id, segment_id, role from enterprise_segment"
        " where archived_at is null order by 1, 2"
    )


def names(db, actor, filters=EVERYTHING):
    found = unplaced(db, actor, filters, matcher(db, actor, on=TODAY))
    assert count_unplaced(db, actor, filters) == len(found)
    return [candidate.name[0] for candidate in found]


# -------------------------------------------------------------------------------------------------------- who is shown


def test_those_without_a_segment_are_shown_within_the_right_to_place_them(db, enterprises, staff, task_force):
    assert names(db, DISPATCHER) == ["戊", "丙", "乙", "甲"]
    assert names(db, staff) == ["戊", "乙", "甲"]
    assert names(db, task_force) == ["乙"]
    assert names(db, person("sunba", Role.LEADER)) == []


def test_the_filters_keep_to_a_unit_a_chain_and_an_import(db, enterprises, segments, staff):
    units, tea = unit_ids(db), segments["tea-planting"].industry_id
    assert names(db, DISPATCHER, UnplacedFilter(unit_id=units["凤凰"])) == ["丙"]
    assert names(db, DISPATCHER, UnplacedFilter(industry_id=tea)) == ["乙"]
    counts = dict.fromkeys(
        ("row_count", "new_count", "updated_count", "unchanged_count", "rejected_count", "warning_count"), 0
    )
    batch = insert(db, "import_batch", by="zhangsan", kind="enterprises", file_name="a.csv", file_sha256="0", **counts)
    with store.transaction(db, actor="test", now=NOW) as work:
        rows = [(n, batch, n, "new", "enterprise", enterprises[who]) for n, who in enumerate("甲丙丁", 1)]
        work.session.load("import_row", ("id", "batch_id", "row_number", "action", "subject", "subject_id"), rows)
    filters = UnplacedFilter(batch_id=batch)
    assert names(db, DISPATCHER, filters) == ["丙", "甲"]
    assert names(db, staff, filters) == ["甲"]
    assert names(db, person("lisi", Role.STAFF, unit_id=units["吉首"]), filters) == []


def test_an_enterprise_in_another_chains_segment_still_lacks_one_of_this_chain(db, enterprises, segments):
    tea, liquor = segments["tea-planting"].industry_id, segments["liquor-koji"]
    insert(
        db,
        "enterprise_segment",
        enterprise_id=enterprises["乙"],
        industry_id=liquor.industry_id,
        segment_id=liquor.id,
    )
    assert "乙" not in names(db, DISPATCHER)
    assert names(db, DISPATCHER, UnplacedFilter(industry_id=tea)) == ["乙"]


# ----------------------------------------------------------------------------------------------------- what is proposed


def test_a_run_over_all_proposes_as_the_pages_do_and_writes_nothing(db, enterprises, segments):
    rules, seen, before = matcher(db, DISPATCHER, on=TODAY), [], dump(db)
    run = propose_all(db, DISPATCHER, EVERYTHING, rules, progress=seen.append)
    assert [(s.enterprise_id, s.best.segment_id, s.best.words) for s in run] == [
        (enterprises["丙"], segments["logistics-trunk"].id, ("普通货运", "物流")),
        (enterprises["甲"], segments["tea-planting"].id, ("茶叶种植",)),
        (enterprises["乙"], segments["tea-planting"].id, ("茶园",)),
    ]
    assert (seen, dump(db)) == ([4], before)
    on_pages = {c.id: c.proposals for c in unplaced(db, DISPATCHER, EVERYTHING, rules) if c.proposals}
    assert {s.enterprise_id: s.proposals for s in run} == on_pages
    assert [(c.id, c.name) for c in candidates(db, DISPATCHER, run[1:])] == [
        (enterprises["甲"], "甲农业公司"),
        (enterprises["乙"], "乙公司"),
    ]


def test_a_run_shows_no_enterprise_beyond_the_readers_right(db, enterprises, staff):
    found = propose_all(db, DISPATCHER, EVERYTHING, matcher(db, DISPATCHER, on=TODAY))
    assert [c.name[0] for c in candidates(db, staff, found)] == ["甲", "乙"]


def test_segments_that_ended_and_other_chains_are_not_proposed(db, enterprises, segments, task_force):
    tea = segments["tea-planting"]
    with store.transaction(db, actor="test", now=NOW) as work:
        work.update("segment", tea.id, 1, {"valid_to": date(2026, 6, 29)})
    found = matcher(db, DISPATCHER, on=TODAY).propose("茶叶种植公司", "茶园、普通货运")
    assert tea.id not in {p.segment_id for p in found}
    assert {p.industry_id for p in matcher(db, task_force, on=TODAY).propose("茶叶物流公司")} == {tea.industry_id}
    only = matcher(db, DISPATCHER, on=TODAY, industry_id=tea.industry_id).propose("茶叶物流公司")
    assert {p.industry_id for p in only} == {tea.industry_id}


# ---------------------------------------------------------------------------------------------------------- confirming


def test_a_confirmation_links_in_the_role_that_the_segment_wants_and_is_taken_back_as_one(db, enterprises, segments):
    tea, trunk = segments["tea-planting"], segments["logistics-trunk"]
    before = links(db)
    wanted = [Link(enterprises["甲"], tea.id), Link(enterprises["乙"], tea.id), Link(enterprises["丙"], trunk.id)]
    done = confirm_segments(db, DISPATCHER, wanted, now=NOW, today=TODAY)
    assert done == Confirmed(3, 3, done.change_set_id)
    assert links(db) == [
        (enterprises["甲"], tea.industry_id, tea.id, "strengthen"),
        (enterprises["乙"], tea.industry_id, tea.id, "strengthen"),
        (enterprises["丙"], trunk.industry_id, trunk.id, "strengthen"),
        (enterprises["丁"], tea.industry_id, tea.id, None),
    ]
    assert names(db, DISPATCHER) == ["戊"]
    entries = db.rows("select action, subject from audit where actor = 'zhaoliu' order by id")
    assert entries == [("segments", "enterprise_segment")] * 3 + [("create", "change_set")]
    assert done.change_set_id is not None
    revert_change_set(db, DISPATCHER, done.change_set_id, now=NOW)
    assert links(db) == before
    assert store.verify_audit(db) == []


def test_what_is_linked_already_is_passed_over(db, enterprises, segments):
    tea = segments["tea-planting"].id
    wanted = [Link(enterprises["甲"], tea), Link(enterprises["甲"], tea), Link(enterprises["丁"], tea)]
    assert confirm_segments(db, DISPATCHER, wanted, now=NOW, today=TODAY)[:2] == (1, 1)
    before = dump(db)
    assert confirm_segments(db, DISPATCHER, wanted, now=NOW, today=TODAY) == Confirmed(0, 0, None)
    assert dump(db) == before


def test_two_segments_of_one_chain_are_two_links(db, enterprises, segments):
    planting, primary = segments["tea-planting"], segments["tea-primary"]
    wanted = [Link(enterprises["乙"], planting.id), Link(enterprises["乙"], primary.id)]
    assert confirm_segments(db, DISPATCHER, wanted, now=NOW, today=TODAY)[:2] == (2, 1)
    assert sorted(row[2] for row in links(db) if row[0] == enterprises["乙"]) == sorted([planting.id, primary.id])


def test_a_segment_that_ended_takes_no_links(db, enterprises, segments):
    tea = segments["tea-planting"]
    with store.transaction(db, actor="test", now=NOW) as work:
        work.update("segment", tea.id, 1, {"valid_to": date(2026, 6, 29)})
    before = dump(db)
    wanted = [Link(enterprises["丙"], segments["logistics-trunk"].id), Link(enterprises["甲"], tea.id)]
    with pytest.raises(Invalid):
        confirm_segments(db, DISPATCHER, wanted, now=NOW, today=TODAY)
    assert dump(db) == before


def test_one_enterprise_beyond_the_right_and_nothing_is_written(db, enterprises, segments, staff, task_force):
    tea, trunk = segments["tea-planting"].id, segments["logistics-trunk"].id
    own, theirs, in_tea = (enterprises[who] for who in "甲丙乙")
    before = dump(db)
    for actor, wanted, error in (
        (staff, [Link(own, tea), Link(theirs, trunk)], NotFound),
        (staff, [Link(own, tea), Link(999_999, tea)], NotFound),
        (task_force, [Link(own, tea)], NotFound),
        (task_force, [Link(in_tea, trunk)], Denied),
        (person("sunba", Role.LEADER), [Link(own, tea)], Denied),
        (person("admin", Role.ADMIN), [Link(own, tea)], NotFound),
    ):
        with pytest.raises(error):
            confirm_segments(db, actor, wanted, now=NOW, today=TODAY)
    assert dump(db) == before


def test_staff_place_their_own_and_a_task_force_within_its_chains(db, enterprises, segments, staff, task_force):
    planting, primary = segments["tea-planting"].id, segments["tea-primary"].id
    assert confirm_segments(db, staff, [Link(enterprises["甲"], planting)], now=NOW, today=TODAY).links == 1
    done = confirm_segments(db, task_force, [Link(enterprises["乙"], primary)], now=NOW, today=TODAY)
    assert done.links == 1
    assert done.change_set_id is not None
    revert_change_set(db, task_force, done.change_set_id, now=NOW)
    assert (enterprises["乙"], segments["tea-planting"].industry_id, None, None) in links(db)
