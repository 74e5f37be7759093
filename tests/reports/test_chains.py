"""Industry chains: counts against a plain loop over the same records, gaps, scope, the quarter's ranking."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from crm import store
from crm.errors import NotFound
from crm.metrics import Basis, RuleSet
from crm.model import Role, Tier
from crm.months import Quarter
from crm.reports.chains import (
    Counts,
    Gap,
    chain_map,
    chain_summaries,
    list_chains,
    list_segments,
    quarter_frame,
    quarter_ranking,
    segment_projects,
)
from crm.reports.enterprises import EnterpriseFilter, count_directory
from crm.reports.rankings import rates_series
from tests.probes import NOW, TODAY, insert, insert_enterprise, insert_project, person, unit_ids, wan

LEADER = person("leader", Role.LEADER)
SIGNED = ("signed", "registered", "started", "completed", "production")


@pytest.fixture
def chains(db):
    return {chain.code: chain for chain in list_chains(db)}


@pytest.fixture
def segments(db):
    return {segment.code: segment for segment in list_segments(db)}


@pytest.fixture
def bureau(db, segments):
    """Enterprises of two units in tea and liquor, with projects at every stage; [(unit, links, projects)]."""
    units = unit_ids(db)
    codes = ["tea-planting", "tea-primary", "tea-extract", "liquor-koji"]
    stages = ["lead", "contact", "negotiation", *SIGNED]
    made = []
    for n in range(24):
        unit = units["吉首"] if n % 3 else units["凤凰"]
        enterprise = insert_enterprise(db, f"湖南企业{n:02d}号有限公司", owner_unit_id=unit)
        links = [codes[k] for k in range(3) if (n >> k) & 1]
        for code in links:
            link = {"industry_id": segments[code].industry_id, "segment_id": segments[code].id}
            insert(db, "enterprise_segment", enterprise_id=enterprise, **link)
        projects = []
        for k in range(n % 3):
            code = codes[(n + k) % 2 * 3]
            status = "withdrawn" if (n + k) % 5 == 0 else "active"
            project = {"stage": stages[(n * 3 + k) % 8], "status": status, "planned_investment": wan(100 * (n + 1))}
            link = {"industry_id": segments[code].industry_id, "segment_id": segments[code].id}
            insert_project(db, f"P{n}-{k}", unit_id=unit, enterprise_id=enterprise, **project, **link)
            projects.append((code, project))
        made.append((enterprise, unit, links, projects))
    gone = insert_enterprise(db, "已归档企业", owner_unit_id=units["吉首"], archived_at=NOW)
    link = {"industry_id": segments["tea-planting"].industry_id, "segment_id": segments["tea-planting"].id}
    insert(db, "enterprise_segment", enterprise_id=gone, **link)
    insert(db, "enterprise_segment", enterprise_id=made[0][0], archived_at=NOW, **link)
    insert_project(db, "P-archived", unit_id=units["吉首"], enterprise_id=made[1][0], archived_at=NOW, **link)
    return made


def counted(bureau, wanted, *, unit=None):
    """Count by a plain reading of the words; `wanted` says which links and projects belong."""
    chain = {code.split("-")[0] for code in wanted}
    enterprises = leads = signed = 0
    of_these = []
    for _enterprise, owner, links, projects in bureau:
        if unit not in (None, owner):
            continue
        live = [(code, p) for code, p in projects if p["status"] != "withdrawn"]
        of_these += [p for code, p in live if code in wanted]
        if any(code in wanted for code in links):
            enterprises += 1
            leads += not any(code.split("-")[0] in chain and p["stage"] in SIGNED for code, p in live)
    signed = sum(p["stage"] in SIGNED for p in of_these)
    amount = sum((p["planned_investment"] for p in of_these), Decimal(0))
    return Counts(enterprises, leads, len(of_these), signed, amount)


def of_chain(segments, chain):
    return {code for code, segment in segments.items() if segment.industry_id == chain.id}


@pytest.mark.parametrize("scope", ["leader", "staff"])
def test_counts_are_those_of_a_plain_loop_within_the_readers_scope(db, bureau, chains, segments, scope):
    unit = unit_ids(db)["吉首"] if scope == "staff" else None
    reader = LEADER if scope == "leader" else person("zhangsan", Role.STAFF, unit_id=unit)
    found = {summary.chain.code: summary.counts for summary in chain_summaries(db, reader, on=TODAY)}
    for code, chain in chains.items():
        expected = counted(bureau, of_chain(segments, chain), unit=unit)
        assert found[code] == expected
        drawn = chain_map(db, reader, chain.id, on=TODAY)
        assert drawn.counts == expected
        assert {cell.segment.code: cell.counts for cell in drawn.cells} == {
            segment.code: counted(bureau, {segment.code}, unit=unit)
            for segment in segments.values()
            if segment.industry_id == chain.id
        }
    assert found["tea"].enterprises > found["tea"].leads > 0
    assert found["tea"].projects > found["tea"].signed > 0
    # Two units hold something: were the scope not kept, a unit's counts would be the bureau's.
    assert counted(bureau, {"tea-planting"}) != counted(bureau, {"tea-planting"}, unit=unit_ids(db)["吉首"])


def test_a_card_counts_what_the_directory_shows_for_its_filter(db, bureau, chains):
    reader = person("zhangsan", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    for cell in chain_map(db, reader, chains["tea"].id, on=TODAY).cells:
        filters = EnterpriseFilter(industry_id=chains["tea"].id, segment_id=cell.segment.id)
        assert count_directory(db, reader, filters, today=TODAY) == cell.counts.enterprises


def test_a_cards_projects_are_those_it_counts(db, bureau, chains, segments):
    for reader in (LEADER, person("zhangsan", Role.STAFF, unit_id=unit_ids(db)["凤凰"])):
        for cell in chain_map(db, reader, chains["tea"].id, on=TODAY).cells:
            listed = segment_projects(db, reader, cell.segment.id)
            assert (len(listed), listed["stage"].isin(SIGNED).sum()) == (cell.counts.projects, cell.counts.signed)
            cut = segment_projects(db, reader, cell.segment.id, limit=1)
            assert cut.equals(listed[:1])
            assert list(cut["total"]) == [cell.counts.projects][: len(listed)]


def test_a_task_force_sees_its_own_chains_and_these_whole(db, bureau, chains, segments):
    tea = chains["tea"]
    task_force = person("qianqi", Role.TASKFORCE, industries=(tea.id,))
    assert [(s.chain.code, s.counts) for s in chain_summaries(db, task_force, on=TODAY)] == [
        ("tea", counted(bureau, of_chain(segments, tea)))
    ]
    with pytest.raises(NotFound):
        chain_map(db, task_force, chains["liquor"].id, on=TODAY)
    assert chain_summaries(db, person("admin", Role.ADMIN), on=TODAY) == []


def test_gaps_are_wanted_segments_without_enterprise_or_without_project(db, chains, segments):
    unit, tea = unit_ids(db)["吉首"], chains["tea"]
    enterprise = insert_enterprise(db, "湖南甲茶业有限公司", owner_unit_id=unit)

    def link(code):
        return {"industry_id": segments[code].industry_id, "segment_id": segments[code].id}

    for code in ("tea-planting", "tea-primary", "tea-extract"):
        insert(db, "enterprise_segment", enterprise_id=enterprise, **link(code))
    insert_project(db, "P1", unit_id=unit, enterprise_id=enterprise, **link("tea-primary"))
    insert_project(db, "P2", unit_id=unit, enterprise_id=enterprise, status="withdrawn", **link("tea-extract"))
    # A project stands for its enterprise.
    insert_project(db, "P3", unit_id=unit, enterprise_id=enterprise, **link("tea-brand"))
    with store.transaction(db, actor="test", now=NOW) as work:
        work.update("segment", segments["tea-tourism"].id, 1, {"role": None})
        work.update("segment", segments["tea-input"].id, 1, {"valid_to": date(2026, 6, 29)})
    drawn = chain_map(db, LEADER, tea.id, on=TODAY)
    gaps = {cell.segment.code: cell.gap for cell in drawn.cells}
    assert gaps == {
        "tea-seedling": Gap.NO_ENTERPRISE,
        "tea-planting": Gap.NO_PROJECT,
        "tea-machinery": Gap.NO_ENTERPRISE,
        "tea-primary": None,
        "tea-refined": Gap.NO_ENTERPRISE,
        "tea-extract": Gap.NO_PROJECT,
        "tea-drinks": Gap.NO_ENTERPRISE,
        "tea-packaging": Gap.NO_ENTERPRISE,
        "tea-storage": Gap.NO_ENTERPRISE,
        "tea-brand": None,
        "tea-tourism": None,
    }
    summary = next(s for s in chain_summaries(db, LEADER, on=TODAY) if s.chain.code == "tea")
    assert drawn.gaps == summary.gaps == 8


def test_an_ended_segment_is_drawn_as_long_as_it_holds_something(db, bureau, chains, segments):
    with store.transaction(db, actor="test", now=NOW) as work:
        for code in ("tea-planting", "tea-input"):
            work.update("segment", segments[code].id, 1, {"valid_to": date(2026, 6, 29)})
    drawn = {cell.segment.code: cell for cell in chain_map(db, LEADER, chains["tea"].id, on=TODAY).cells}
    assert "tea-input" not in drawn
    assert (drawn["tea-planting"].in_force, drawn["tea-planting"].gap) == (False, None)
    assert drawn["tea-planting"].counts.enterprises > 0


def test_the_map_stands_by_tiers_with_anchors(db, chains, segments):
    with store.transaction(db, actor="test", now=NOW) as work:
        work.update("segment", segments["tea-planting"].id, 1, {"anchors": "湘西甲公司|湘西乙公司"})
    drawn = chain_map(db, LEADER, chains["tea"].id, on=TODAY)
    assert [cell.segment.code for cell in drawn.tier(Tier.SUPPORTING)] == ["tea-packaging", "tea-storage"]
    assert sum(len(drawn.tier(tier)) for tier in Tier) == len(drawn.cells) == 12
    anchors = {cell.segment.code: cell.segment.anchors for cell in drawn.cells if cell.segment.anchors}
    assert anchors == {"tea-planting": ("湘西甲公司", "湘西乙公司")}


def test_enterprises_of_the_chain_in_no_segment_are_counted_apart(db, chains, segments):
    unit, tea = unit_ids(db)["吉首"], chains["tea"].id
    both, bare, other = (insert_enterprise(db, f"企业{n}", owner_unit_id=unit) for n in "甲乙丙")
    insert(db, "enterprise_segment", enterprise_id=both, industry_id=tea)
    insert(db, "enterprise_segment", enterprise_id=both, industry_id=tea, segment_id=segments["tea-planting"].id)
    insert(db, "enterprise_segment", enterprise_id=bare, industry_id=tea)
    insert(db, "enterprise_segment", enterprise_id=other, industry_id=chains["liquor"].id)
    drawn = chain_map(db, LEADER, tea, on=TODAY)
    assert (drawn.counts.enterprises, drawn.unplaced) == (2, 1)
    stranger = person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    assert chain_map(db, stranger, tea, on=TODAY).unplaced == 0


# ------------------------------------------------------------------------------------------------------ by the quarter


@pytest.fixture
def signed_projects(db, chains):
    """Projects of three industries signed over two quarters of 2026, some started."""
    unit = unit_ids(db)["吉首"]
    investor = insert_enterprise(db, "投资方", owner_unit_id=unit)
    number = 0
    for code, negotiating, signed, started in (
        ("tea", (2, 1), (2, 20), (3, 1)),
        ("tea", (2, 1), (5, 20), None),
        ("liquor", (2, 1), (2, 25), None),
        ("liquor", (4, 1), (4, 25), (5, 30)),
        ("liquor", (4, 1), (6, 1), (6, 20)),
        ("energy", (4, 1), None, None),
    ):
        number += 1
        insert_project(
            db,
            f"P{number}",
            unit_id=unit,
            enterprise_id=investor,
            industry_id=chains[code].id,
            planned_investment=wan(1000 * number),
            contracted_amount=wan(900 * number),
            stage="signed" if signed else "negotiation",
            negotiating_on=date(2026, *negotiating),
            signed_on=signed and date(2026, *signed),
            started_on=started and date(2026, *started),
        )
    project = db.value("select id from project where code = 'P2'")
    insert(db, "fund_arrival", project_id=project, arrived_on=date(2026, 6, 1), amount=wan(70), occurrence=1)


def test_industries_rank_by_the_quarters_last_month_and_move_against_the_one_before(db, signed_projects):
    found = quarter_ranking(db, quarter=Quarter(2026, 2), rules=RuleSet(), today=date(2026, 9, 1))
    assert (found.as_of, found.since) == (date(2026, 6, 30), date(2026, 1, 1))
    rows = {row.chain.code: row for row in found.rows}
    assert [row.chain.code for row in found.rows][:3] == ["liquor", "tea", "energy"]
    shown = {
        code: (row.rank, row.movement, row.score, row.signed_amount, row.funds_arrived) for code, row in rows.items()
    }
    # liquor: all signed, two of three performed and started; tea: all signed, one of two.
    assert shown["liquor"] == (1, 1, 30 + Fraction(2, 3) * 70, wan(3000 + 4000 + 5000), 0)
    assert shown["tea"] == (2, -1, 30 + Fraction(1, 2) * 70, wan(1000 + 2000), wan(70))
    assert shown["energy"] == (3, None, 0, 0, 0)
    assert shown["foods"] == (None, None, None, 0, 0)
    frame = quarter_frame(found, ("signing", "startup"))
    assert frame.iloc[0].to_dict() | {"score": None} == {
        "rank": 1,
        "movement": 1,
        "industry": "白酒",
        "score": None,
        "signing": 100.0,
        "startup": 66.7,
        "signing_pair": "3/3",
        "startup_pair": "2/3",
        "signed_amount": 120_000_000.0,
        "funds_arrived": 0.0,
    }


def test_the_pairs_are_those_of_the_series_by_industry(db, signed_projects):
    found = quarter_ranking(db, quarter=Quarter(2026, 2), rules=RuleSet(), today=date(2026, 9, 1))
    month = Quarter(2026, 2).last_month
    series = rates_series(db, first=month, last=month, rules=RuleSet(), basis=Basis.COUNT, by="industry")
    assert {row.chain.code: row.pairs for row in found.rows} == {row.code: row.pairs for row in series}


def test_a_quarter_that_runs_is_cut_off_today(db, signed_projects):
    found = quarter_ranking(db, quarter=Quarter(2026, 2), rules=RuleSet(), today=date(2026, 5, 1))
    rows = {row.chain.code: row.pairs["signing"] for row in found.rows}
    assert (found.as_of, rows["liquor"], rows["tea"]) == (date(2026, 5, 1), (2, 3), (1, 2))


def test_an_industry_ranks_in_the_quarters_in_which_it_was_in_force(db, signed_projects, chains):
    with store.transaction(db, actor="test", now=NOW) as work:
        work.update("industry", chains["tea"].id, 1, {"valid_to": date(2026, 4, 1)})
    ranked = {
        n: [
            row.chain.code
            for row in quarter_ranking(db, quarter=Quarter(2026, n), rules=RuleSet(), today=NOW.date()).rows
        ]
        for n in (1, 2)
    }
    assert ("tea" in ranked[1], "tea" in ranked[2]) == (True, False)
