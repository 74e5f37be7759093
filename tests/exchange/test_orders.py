"""A supervision order as a Word document: what it says, the same bytes each time, for its readers alone."""

import io
from datetime import date, datetime, timedelta

import docx
import pytest

from crm.actions.supervision import OrderDraft, answer_order, raise_order
from crm.errors import NotFound
from crm.exchange.orders import export_order
from crm.locale import use_language
from crm.model import Role, SupervisionLevel
from tests.probes import insert_enterprise, insert_project, person, unit_ids

NOW = datetime(2026, 7, 2, 1, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
LATER = NOW + timedelta(hours=5)
MOMENT = {"now": NOW, "today": date(2026, 7, 2)}


@pytest.fixture
def units(db):
    """The units' ids by short name."""
    return unit_ids(db)


@pytest.fixture
def order_id(db, units):
    """An order of 吉首 about a project of its own."""
    investor = insert_enterprise(db, "杭州云顶茶业有限公司", owner_unit_id=units["吉首"])
    project_id = insert_project(db, "P-1", name="云顶\x0b项目", unit_id=units["吉首"], enterprise_id=investor)
    draft = OrderDraft(SupervisionLevel.YELLOW, "  限期开工。\n\n报送\x0c方案。 ", project_id=project_id)
    return raise_order(db, person("zhaoliu", Role.DISPATCHER), draft, **MOMENT)[0]


def test_the_document_says_number_unit_demand_day_level_and_project(db, units, order_id):
    staff = person("zhangsan", Role.STAFF, unit_id=units["吉首"])
    with use_language("en"):
        made = docx.Document(io.BytesIO(export_order(db, staff, order_id, now=NOW)))
    said = [paragraph.text for paragraph in made.paragraphs if paragraph.text.strip()]
    assert said[1:] == [
        "督办〔2026〕1号",
        "督办通知单",
        "吉首市：",
        "限期开工。",
        "报送",
        "方案。",
        "请于2026年7月7日前办结，并在系统中反馈办理情况。",
        said[-2],
        "2026年7月2日",
    ]
    assert [[cell.text for cell in row.cells] for row in made.tables[0].rows] == [
        ["事项", "内容"],
        ["督办级别", "黄色督办"],
        ["办结期限", "2026年7月7日"],
        ["涉及项目", "云顶项目"],
    ]
    assert db.rows("select actor, action, subject, subject_id from audit order by id desc limit 1") == [
        ("zhangsan", "export", "supervision_order", order_id)
    ]


def test_the_same_order_gives_the_same_bytes_for_its_readers_alone(db, units, order_id):
    staff = person("zhangsan", Role.STAFF, unit_id=units["吉首"])
    first = export_order(db, staff, order_id, now=NOW)
    answer_order(db, staff, order_id, "正在办理", **MOMENT)
    assert export_order(db, person("sunba", Role.LEADER), order_id, now=LATER) == first
    for who in (person("wangwu", Role.UNIT_HEAD, unit_id=units["凤凰"]), person("auditor", Role.AUDITOR)):
        with pytest.raises(NotFound):
            export_order(db, who, order_id, now=LATER)
