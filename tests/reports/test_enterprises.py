"""The directory: every filter against a plain loop over the same records, pages, search, scope, duplicates."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.errors import NotFound
from crm.model import Role
from crm.reports.contacts import timeline
from crm.reports.enterprises import (
    SORTS,
    EnterpriseFilter,
    chosen_by,
    count_directory,
    directory,
    enterprise_record,
    find_duplicates,
    search_enterprises,
    sources,
    tags_in_use,
)
from tests.probes import NOW, SYSTEM, TODAY, insert, insert_enterprise, insert_project, person, unit_ids

STAGES = ["lead", "contact", "negotiation", "signed", "registered", "started", "completed", "production"]


@pytest.fixture
def bureau(db):
    """Thirty enterprises of two units, as dictionaries that a loop can filter."""
    units = unit_ids(db)
    segments = db.rows("select id, industry_id, role from segment order by id")
    chosen = [segments[0], segments[1], next(s for s in segments if s[1] != segments[0][1])]
    made = []
    for n in range(30):
        record = {
            "name": f"湖南企业{n:02d}号有限公司",
            "owner_unit_id": units["吉首"] if n % 3 else units["凤凰"],
            "grade": (None, "A", "B", "C")[n % 4],
            "source": (None, "推介会", "以商招商")[n % 3],
            "last_contact_on": None if n % 5 == 0 else TODAY - timedelta(days=n * 7),
            "next_contact_on": None if n % 4 else TODAY + timedelta(days=n),
            "intended_amount": None if n % 6 == 0 else Decimal(n * 1_000_000),
            "owner_person": f"负责人{n % 2}",
            "tags": (None, "重点", "专精特新、重点", "专精特新、非重点项目")[n % 4],
        }
        record_id = insert_enterprise(db, **record)
        links = {chosen[k] for k in range(3) if (n >> k) & 1}
        for segment_id, industry_id, role in sorted(links):
            insert(
                db,
                "enterprise_segment",
                enterprise_id=record_id,
                segment_id=segment_id,
                industry_id=industry_id,
                role=role or "fill",
            )
        stages = [STAGES[(n * k) % 8] for k in range(1, n % 3 + 1)]
        for k, stage in enumerate(stages):
            insert_project(db, f"P{n}-{k}", unit_id=record["owner_unit_id"], enterprise_id=record_id, stage=stage)
        made.append({**record, "id": record_id, "links": {(s, i, r or "fill") for s, i, r in links}, "stages": stages})
    put_away = {"owner_unit_id": units["吉首"], "grade": "A", "tags": "重点", "archived_at": NOW}
    insert_enterprise(db, "已归档企业", **put_away)
    insert_enterprise(db, "已并入企业", **put_away, merged_into_id=made[0]["id"])
    gone = made[1]["id"]
    insert(
        db,
        "enterprise_segment",
        enterprise_id=gone,
        segment_id=chosen[2][0],
        industry_id=chosen[2][1],
        role="fill",
        archived_at=NOW,
    )
    return made, units, chosen


def fits(record, f):
    """Whether a record fits a filter, by a plain reading of its words."""
    links = [
        link
        for link in record["links"]
        if f.segment_id in (None, link[0]) and f.industry_id in (None, link[1]) and f.role in ("", link[2])
    ]
    asks_links = f.segment_id is not None or f.industry_id is not None or f.role
    last, amount = record["last_contact_on"], record["intended_amount"]
    return (
        all(word in record["name"] for word in f.text.split())
        and (not asks_links or bool(links))
        and f.unit_id in (None, record["owner_unit_id"])
        and (not f.stage or (f.stage == "none" and not record["stages"]) or f.stage in record["stages"])
        and f.grade in ("", record["grade"] or "-")
        and f.source in ("", record["source"] or "-")
        and (f.quiet_days is None or last is None or (TODAY - last).days > f.quiet_days)
        and (f.amount_from is None or (amount is not None and amount >= f.amount_from))
        and (f.amount_to is None or (amount is not None and amount <= f.amount_to))
        and set(f.tags) <= set((record["tags"] or "").split("、"))
    )


def listed(db, actor, f, **page):
    return list(directory(db, actor, f, today=TODAY, **page)["id"])


def test_each_filter_alone_and_any_together_give_what_a_loop_gives(db, bureau):
    made, units, chosen = bureau
    choices = {
        "text": ["", "1号", "湖南 企业0", "没有的"],
        "industry_id": [None, chosen[0][1], chosen[2][1]],
        "segment_id": [None, chosen[0][0], chosen[1][0], chosen[2][0]],
        "role": ["", "fill", *{s[2] for s in chosen if s[2]}],
        "unit_id": [None, units["吉首"], units["凤凰"], units["泸溪"]],
        "stage": ["", "none", *STAGES],
        "grade": ["", "A", "B"],
        "source": ["", "推介会"],
        "quiet_days": [None, 0, 30, 91, 9_999_999],
        "amount_from": [None, Decimal(0), Decimal(7_000_000), Decimal("7000000.01")],
        "amount_to": [None, Decimal(7_000_000), Decimal("6999999.99")],
        "tags": [(), ("重点",), ("专精特新",), ("专精特新", "重点"), ("项目",), ("%",)],
    }

    def compare(f):
        expected = {record["id"] for record in made if fits(record, f)}
        found = directory(db, SYSTEM, f, today=TODAY, size=100)
        assert (len(found), set(found["id"])) == (len(expected), expected), f
        assert count_directory(db, SYSTEM, f, today=TODAY) == len(expected)
        assert {record_id for record_id, _version in chosen_by(db, SYSTEM, f, today=TODAY)} == expected
        return len(expected)

    sizes = [compare(EnterpriseFilter(**{name: value})) for name, values in choices.items() for value in values]
    assert len(set(sizes)) > 8, "the filters must tell the records apart"

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.fixed_dictionaries({name: st.sampled_from(values) for name, values in choices.items()}))
    def combined(values):
        compare(EnterpriseFilter(**values))

    combined()


@pytest.mark.parametrize("sort", SORTS)
def test_pages_part_the_list_in_one_order_and_the_total_is_its_length(db, bureau, sort):
    made, _units, _chosen = bureau
    f = EnterpriseFilter(sort=sort)
    whole = listed(db, SYSTEM, f, size=100)
    pages = [listed(db, SYSTEM, f, page=page, size=7) for page in range(1, 7)]
    assert [len(page) for page in pages] == [7, 7, 7, 7, 2, 0]
    assert [record_id for page in pages for record_id in page] == whole
    assert sorted(whole) == sorted(record["id"] for record in made)
    assert count_directory(db, SYSTEM, f, today=TODAY) == len(whole) == 30
    by_id = {record["id"]: record for record in made}
    keys = {
        "recent": lambda r: -r["id"],
        "name": lambda r: r["name"],
        "last_contact": lambda r: (r["last_contact_on"] is None, -(r["last_contact_on"] or TODAY).toordinal(), r["id"]),
        "quiet": lambda r: (r["last_contact_on"] is not None, r["last_contact_on"] or TODAY, r["id"]),
        "amount": lambda r: (r["intended_amount"] is None, -(r["intended_amount"] or 0), r["id"]),
    }
    assert whole == [r["id"] for r in sorted(by_id.values(), key=keys[sort])]


def test_a_row_says_what_the_record_and_its_projects_say(db, bureau):
    made, units, _chosen = bureau
    record = made[7]
    short = {unit_id: name for name, unit_id in units.items()}
    frame = directory(db, SYSTEM, EnterpriseFilter(text="07号"), today=TODAY)
    industries = dict(db.rows("select id, name from industry"))
    row = frame.to_dict("records")[0]
    chains = row.pop("chains")
    assert set(chains.split("、")) == {industries[i] for _s, i, _r in record["links"]}
    assert len(frame) == 1
    assert {name: value if not pd.isna(value) else None for name, value in row.items()} == {
        "id": record["id"],
        "name": record["name"],
        "credit_code": None,
        "grade": record["grade"],
        "source": record["source"],
        "unit": short[record["owner_unit_id"]],
        "owner_person": record["owner_person"],
        "intended_amount": 7_000_000.0,
        "last_contact_on": pd.Timestamp(record["last_contact_on"]),
        "next_contact_on": None,
        "stage": max(record["stages"], key=STAGES.index),
        "projects": len(record["stages"]),
        "version": 1,
        "tags": record["tags"],
    }


def test_the_archived_are_listed_by_themselves_without_those_that_were_merged(db, bureau):
    found = directory(db, SYSTEM, EnterpriseFilter(archived=True), today=TODAY)
    assert list(found["name"]) == ["已归档企业"]
    assert count_directory(db, SYSTEM, EnterpriseFilter(archived=True), today=TODAY) == 1
    assert tags_in_use(db, SYSTEM) == ["专精特新", "重点", "非重点项目"]


def test_an_empty_page_has_the_same_columns(db, bureau):
    some = directory(db, SYSTEM, EnterpriseFilter(), today=TODAY)
    none = directory(db, SYSTEM, EnterpriseFilter(text="没有的"), today=TODAY)
    assert list(none.columns) == list(some.columns)
    assert len(none) == 0


# --------------------------------------------------------------------------------------------------------------- search


@pytest.fixture
def named(db):
    unit = unit_ids(db)["吉首"]
    names = {
        "plain": ("湖南酒鬼酒业（集团）有限公司", "91430104183791051F"),
        "percent": ("一百%纯茶公司", None),
        "underscore": ("a_b科技", None),
        "axb": ("axb科技", None),
        "backslash": ("c\\d科技", None),
        "cd": ("c-d科技", None),
    }
    return {
        key: insert_enterprise(db, name, credit_code=code, owner_unit_id=unit) for key, (name, code) in names.items()
    }


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("酒鬼", {"plain"}),
        ("湖南 集团", {"plain"}),
        ("酒业集团", {"plain"}),
        ("（集团）", {"plain"}),
        ("(集团)", {"plain"}),
        ("hnjgjy", {"plain"}),
        ("HNJG", {"plain"}),
        ("91430104", {"plain"}),
        ("91430104183791051f", {"plain"}),
        ("791051F", {"plain"}),
        ("%", {"percent"}),
        ("一百%", {"percent"}),
        ("％", {"percent"}),
        ("_", {"underscore"}),
        ("a_b", {"underscore"}),
        ("\\", {"backslash"}),
        ("c\\d", {"backslash"}),
        ("'; drop table enterprise; --", set()),
        ("科技", {"underscore", "axb", "backslash", "cd"}),
        ("", {"plain", "percent", "underscore", "axb", "backslash", "cd"}),
    ],
)
def test_text_finds_by_part_of_the_name_initials_and_code_and_takes_wildcards_literally(db, named, typed, found):
    expected = {named[key] for key in found}
    assert set(listed(db, SYSTEM, EnterpriseFilter(text=typed))) == expected
    assert {match.id for match in search_enterprises(db, SYSTEM, typed)} == expected


def test_a_search_puts_names_that_begin_so_first_then_the_recently_contacted(db):
    unit = unit_ids(db)["吉首"]
    names = [("湖南白酒", date(2026, 6, 1)), ("白酒甲", None), ("白酒乙", date(2026, 1, 1)), ("湘西白酒", None)]
    ids = {name: insert_enterprise(db, name, owner_unit_id=unit, last_contact_on=last) for name, last in names}
    found = [match.name for match in search_enterprises(db, SYSTEM, "白酒")]
    assert found == ["白酒乙", "白酒甲", "湖南白酒", "湘西白酒"]
    assert [m.id for m in search_enterprises(db, SYSTEM, "白酒", limit=2)] == [ids["白酒乙"], ids["白酒甲"]]


# ---------------------------------------------------------------------------------------------------------------- scope


@pytest.fixture
def two_units(db):
    """One enterprise of each unit, the foreign one with all that could leak; and one that both may see."""
    units = unit_ids(db)
    ids = {}
    for key, short, name in (("own", "吉首", "吉首的白酒企业"), ("foreign", "凤凰", "凤凰的白酒企业")):
        enterprise = insert_enterprise(
            db, name, owner_unit_id=units[short], source=f"{short}渠道", credit_code=f"CODE-{short}", grade="A"
        )
        insert(db, "follow_up", enterprise_id=enterprise, happened_on=TODAY, method="visit", content=f"{short}的秘密")
        insert(db, "contact_person", enterprise_id=enterprise, name="刘总", phone="13812345678", wechat="wx-liu")
        ids[key] = enterprise
    ids["shared"] = insert_enterprise(db, "凤凰的茶叶企业", owner_unit_id=units["凤凰"])
    for code, short in (("P-OWN", "吉首"), ("P-FOREIGN", "凤凰")):
        insert_project(db, code, unit_id=units[short], enterprise_id=ids["shared"], planned_investment=Decimal(5))
    return ids, person("zhangsan", Role.STAFF, unit_id=units["吉首"])


def test_staff_of_one_unit_finds_nothing_of_anothers_by_any_road(db, two_units):
    ids, staff = two_units
    mine = {ids["own"], ids["shared"]}
    everything = {*ids.values()}
    assert set(listed(db, staff, EnterpriseFilter())) == mine
    assert set(listed(db, SYSTEM, EnterpriseFilter())) == everything
    assert count_directory(db, staff, EnterpriseFilter(), today=TODAY) == 2
    for f in (
        EnterpriseFilter(text="凤凰的白酒"),
        EnterpriseFilter(text="CODE-凤凰"),
        EnterpriseFilter(text="fhdbj"),
        EnterpriseFilter(source="凤凰渠道"),
        EnterpriseFilter(unit_id=unit_ids(db)["凤凰"], grade="A"),
    ):
        assert listed(db, SYSTEM, f) == [ids["foreign"]]
        assert listed(db, staff, f) == []
        assert count_directory(db, staff, f, today=TODAY) == 0
        if f.text:
            assert search_enterprises(db, staff, f.text) == []
    assert {match.id for match in search_enterprises(db, staff, "")} == mine
    assert sources(db, staff) == ["吉首渠道"]
    for read in (enterprise_record, timeline):
        with pytest.raises(NotFound) as hidden:
            read(db, staff, ids["foreign"])
        with pytest.raises(NotFound) as missing:
            read(db, staff, 999_999_999)
        assert str(hidden.value) == str(missing.value)
        assert read(db, staff, ids["own"])
    assert [entry.content for entry in timeline(db, staff, ids["own"])] == ["吉首的秘密"]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
def test_who_has_no_business_data_finds_none(db, two_units, role):
    ids, _staff = two_units
    nobody = person("x", role)
    assert listed(db, nobody, EnterpriseFilter()) == []
    assert search_enterprises(db, nobody, "") == []
    assert sources(db, nobody) == []
    with pytest.raises(NotFound):
        enterprise_record(db, nobody, ids["own"])


def test_the_projects_on_an_enterprises_page_follow_the_readers_scope(db, two_units):
    ids, staff = two_units
    seen = {
        who.login: list(enterprise_record(db, who, ids["shared"]).projects["code"])
        for who in (staff, SYSTEM, person("boss", Role.LEADER))
    }
    assert seen == {"zhangsan": ["P-OWN"], "system:test": ["P-OWN", "P-FOREIGN"], "boss": ["P-OWN", "P-FOREIGN"]}


def test_the_projects_of_other_units_do_not_show_in_a_row_of_the_directory(db):
    """Their number and stage are the other unit's business data."""
    units = unit_ids(db)
    enterprise = insert_enterprise(db, "吉首的企业", owner_unit_id=units["吉首"])
    insert_project(db, "P1", unit_id=units["吉首"], enterprise_id=enterprise, stage="contact")
    insert_project(db, "P2", unit_id=units["凤凰"], enterprise_id=enterprise, stage="production")
    staff = person("zhangsan", Role.STAFF, unit_id=units["吉首"])
    shown = {
        who.login: directory(db, who, EnterpriseFilter(), today=TODAY)[["stage", "projects"]].values.tolist()
        for who in (staff, SYSTEM)
    }
    assert shown == {"zhangsan": [["contact", 1]], "system:test": [["production", 2]]}
    hidden = EnterpriseFilter(stage="production")
    assert listed(db, SYSTEM, hidden) == [enterprise]
    assert listed(db, staff, hidden) == []
    assert count_directory(db, staff, hidden, today=TODAY) == 0
    assert listed(db, staff, replace(hidden, stage="contact")) == [enterprise]


def test_contact_details_on_the_page_are_masked(db, two_units):
    ids, staff = two_units
    contacts = enterprise_record(db, staff, ids["own"]).contacts
    assert (
        contacts.drop(columns="id").to_dict("records")
        == [{"name": "刘总", "title": None, "phone": "138****5678", "wechat": "w****", "email": "", "is_key": False}]
        or contacts["title"].isna().all()
    )
    assert list(contacts["phone"]) == ["138****5678"]
    assert list(contacts["wechat"]) == ["w****"]
    assert list(contacts["email"]) == [""]


def test_the_duplicate_search_tells_staff_name_and_unit_of_anothers_and_no_more(db, two_units):
    ids, _staff = two_units
    found = find_duplicates(db, "凤凰的 白酒企业")
    assert [vars(duplicate) for duplicate in found] == [
        {"id": ids["foreign"], "name": "凤凰的白酒企业", "unit": "凤凰县", "exact": True}
    ]


def test_an_archived_enterprise_is_nowhere(db):
    unit = unit_ids(db)["吉首"]
    gone = insert_enterprise(db, "已并入别家", owner_unit_id=unit, source="旧渠道", archived_at=NOW)
    insert_enterprise(db, "还在的企业", owner_unit_id=unit, source="渠道")
    assert [match.name for match in search_enterprises(db, SYSTEM, "")] == ["还在的企业"]
    assert sources(db, SYSTEM) == ["渠道"]
    with pytest.raises(NotFound):
        enterprise_record(db, SYSTEM, gone)
