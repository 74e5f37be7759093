"""The search over everything: what finds what, in which order, and that nothing outside the scope is ever found."""

from datetime import date

import pytest

from crm.model import Role
from crm.reports.search import Found, Kind, fits, search
from crm.store import search_text
from tests.probes import insert, insert_enterprise, insert_project, person, unit_ids

CODE = "91430000123456789X"


@pytest.fixture
def bureau(db):
    """One enterprise of each of two units with a project and two people each; names share a word over the border."""
    units = unit_ids(db)
    industries = dict(db.rows("select code, id from industry"))
    made = {}
    for n, (unit, industry) in enumerate((("吉首", "tea"), ("凤凰", "tourism"))):
        own = made[unit] = {}
        own["enterprise"] = insert_enterprise(
            db, f"湘西新材料{unit}有限公司", owner_unit_id=units[unit], credit_code=CODE[:-1] + "XY"[n]
        )
        code, name = f"XX-2026-000{n}", f"新材料{unit}生产线"
        own["project"] = insert_project(
            db,
            code,
            name=name,
            search_text=search_text(code, name=name),
            enterprise_id=own["enterprise"],
            unit_id=units[unit],
            industry_id=industries[industry],
            entered_on=date(2026, 1, 5 + n),
        )
        for name in (f"王{unit}", "张三丰"):
            insert(
                db, "contact_person", enterprise_id=own["enterprise"], name=name, title="总经理", phone="13800001234"
            )
    made["units"], made["industries"] = units, industries
    return made


def everybody(bureau):
    """Who may read what: (actor, the units whose records they see)."""
    units, industries = bureau["units"], bureau["industries"]
    return [
        (person("staff", Role.STAFF, unit_id=units["吉首"]), {"吉首"}),
        (person("head", Role.UNIT_HEAD, unit_id=units["凤凰"]), {"凤凰"}),
        (person("elsewhere", Role.STAFF, unit_id=units["龙山"]), set()),
        (person("force", Role.TASKFORCE, industries=(industries["tea"],)), {"吉首"}),
        (person("leader", Role.LEADER), {"吉首", "凤凰"}),
        (person("dispatcher", Role.DISPATCHER), {"吉首", "凤凰"}),
        (person("admin", Role.ADMIN), set()),
        (person("auditor", Role.AUDITOR), set()),
    ]


@pytest.mark.parametrize("text", ["新材料", "xcl", "xx-2026", CODE[:12], "张三", "张三丰", "王", "有限公司", "_", "%"])
def test_nothing_outside_the_scope_is_found(db, bureau, text):
    everything = search(db, person("leader", Role.LEADER), text, limit=50)
    for actor, seen in everybody(bureau):
        own = {bureau[unit]["enterprise"] for unit in seen} | {bureau[unit]["project"] for unit in seen}
        expected = [line for line in everything if line.id in own]
        assert [line for line in search(db, actor, text, limit=50) if line.kind is not Kind.UNIT] == expected


def test_the_limit_counts_what_the_reader_may_see(db, bureau):
    # Six of the other unit come first in every order: they must not use up the places.
    for n in range(6):
        other = insert_enterprise(
            db, f"新材料{n}", owner_unit_id=bureau["units"]["凤凰"], last_contact_on=date(2026, 6, 1)
        )
        insert(db, "contact_person", enterprise_id=other, name="张三", is_key=True)
        insert_project(db, f"N-{n}", name=f"新材料{n}", enterprise_id=other, unit_id=bureau["units"]["凤凰"])
    staff = person("staff", Role.STAFF, unit_id=bureau["units"]["吉首"])
    assert [line.id for line in search(db, staff, "新材料", limit=1)] == [
        bureau["吉首"]["enterprise"],
        bureau["吉首"]["project"],
    ]
    assert [line.name for line in search(db, staff, "张三", limit=1)] == ["张三丰"]


def test_what_finds_what(db, bureau):
    staff = person("staff", Role.STAFF, unit_id=bureau["units"]["吉首"])
    enterprise = Found(Kind.ENTERPRISE, bureau["吉首"]["enterprise"], "湘西新材料吉首有限公司", f"吉首 · {CODE}")
    project = Found(Kind.PROJECT, bureau["吉首"]["project"], "新材料吉首生产线", "XX-2026-0000 · 吉首")
    wang = Found(Kind.PERSON, bureau["吉首"]["enterprise"], "王吉首", "总经理 · 湘西新材料吉首有限公司")
    unit = Found(Kind.UNIT, bureau["units"]["吉首"], "吉首市", "433101")
    assert search(db, staff, "新材料") == [enterprise, project]
    assert search(db, staff, "吉首 新材") == [enterprise, project]
    assert search(db, staff, "xxxcl") == [enterprise]
    assert search(db, staff, "xcljs") == [enterprise, project]
    assert search(db, staff, CODE.lower()) == [enterprise]
    assert search(db, staff, "xx-2026-0000") == [project]
    assert search(db, staff, " 王吉首 ") == [wang]
    assert search(db, staff, "吉首市") == [unit]
    assert search(db, staff, "jss") == [project, unit]
    assert search(db, staff, "13800001234") == []
    assert search(db, staff, "新材料 龙山") == []
    assert search(db, staff, "  ") == []


def test_what_begins_with_the_text_comes_first(db, bureau):
    unit = bureau["units"]["吉首"]
    later = insert_enterprise(db, "新材料二厂", owner_unit_id=unit)
    newer = insert_project(db, "Z-9", name="吉首新材料", enterprise_id=later, unit_id=unit, entered_on=date(2026, 6, 1))
    found = search(db, person("staff", Role.STAFF, unit_id=unit), "新材料")
    assert [line.id for line in found] == [later, bureau["吉首"]["enterprise"], bureau["吉首"]["project"], newer]


def test_archived_records_are_not_found(db, bureau):
    unit = bureau["units"]["吉首"]
    gone = insert_enterprise(db, "归档企业", owner_unit_id=unit, archived_at=date(2026, 1, 1))
    insert(db, "contact_person", enterprise_id=gone, name="归档甲")
    kept = bureau["吉首"]["enterprise"]
    insert(db, "contact_person", enterprise_id=kept, name="归档乙", archived_at=date(2026, 1, 1))
    insert_project(db, "G-1", name="归档项目", enterprise_id=kept, unit_id=unit, archived_at=date(2026, 1, 1))
    assert search(db, person("staff", Role.STAFF, unit_id=unit), "归档") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("排名", True), ("ydpm", True), ("YD", True), ("月 名", True), ("企业", False), ("月 企", False)],
)
def test_a_page_is_found_by_its_title(text, expected):
    assert fits(text, "月度排名") is expected
