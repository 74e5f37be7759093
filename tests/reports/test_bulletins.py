"""The bulletin as a tree: what was published and nothing later, corrections once, names only for whoever sees all."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from crm import store
from crm.actions.bulletins import restore_text, save_text
from crm.actions.closes import close_month, reopen_month
from crm.errors import Conflict, Denied, Invalid
from crm.locale import use_language
from crm.metrics import Basis, RuleSet, percent, shown_score
from crm.model import Actor, Role
from crm.months import Month
from crm.reports.bulletin_figures import Correction, Figures, figures_of
from crm.reports.bulletin_texts import BLOCKS, month_texts, shipped_texts
from crm.reports.bulletins import Chart, Heading, Paragraph, bulletin, draft_bulletin
from crm.reports.closes import find_close
from crm.reports.rankings import ranking
from tests.bureaus import project, put
from tests.probes import insert, person, unit_ids

NOW = datetime(2026, 7, 2, 18, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
TODAY = date(2026, 7, 3)
APRIL, MAY, JUNE = Month(2026, 4), Month(2026, 5), Month(2026, 6)
SYSTEM = Actor("system:test")
DISPATCHER = person("zhaoliu", Role.DISPATCHER)
STAFF = person("zhangsan", Role.STAFF, unit_id=1)


@pytest.fixture
def bureau(db):
    """Three projects of 吉首 and one of 凤凰 in the rates; a negotiation of 吉首 and a start of 凤凰 are overdue."""
    signed = {"negotiating_on": date(2026, 1, 5), "signed_on": date(2026, 3, 1), "planned_investment": Decimal(10**8)}
    put(
        db,
        [
            project("吉首", **signed, started_on=date(2026, 4, 2)),
            project("吉首", **signed | {"signed_on": date(2026, 4, 10)}),
            project("吉首", negotiating_on=date(2026, 1, 5)),
            project("凤凰", **signed, planned_start_on=date(2026, 3, 31)),
        ],
        unit_ids=unit_ids(db),
        adjustments=[("凤凰", "2026-04", Decimal("1.5"))],
    )
    return db


def close(db, month, *, now=NOW):
    close_month(db, SYSTEM, month, rules=RuleSet(), override="测试", now=now, today=TODAY)
    return find_close(db, month)


def write(db, sql):
    with store.transaction(db, actor="test", now=NOW) as work:
        work.session.execute(sql)


def said(document):
    return [block.text for block in document.blocks if isinstance(block, Heading | Paragraph)]


def table(document, sheet):
    """The printed cells of a table, each with what stands below it."""
    (found,) = [t for t in document.tables() if t.sheet == sheet]
    return [[f"{c.text} {c.below}".strip() for c in row] for row in found.rows]


def corrected(document):
    return table(document, "更正") if document.corrections else []


def test_the_ranking_of_a_bulletin_is_the_published_one_to_the_letter(bureau):
    document = bulletin(bureau, SYSTEM, close(bureau, APRIL))
    live = ranking(bureau, month=APRIL, rules=RuleSet())
    expected = []
    for row in live.rows:
        if row.unit.peer_group == "county":
            rates = [
                f"{percent(p.rate)} {p.n}/{p.d}" for p in (row.pairs[s] for s in ("signing", "performance", "startup"))
            ]
            signed = {"吉首市": ("2", "2.00"), "凤凰县": ("1", "1.00")}.get(row.unit.name, ("0", "0.00"))
            rank = "—" if row.rank is None else str(row.rank)
            points = "+1.5" if row.unit.name == "凤凰县" else "—"
            moved = {None: "—", 0: "—", 1: "▲1", -1: "▼1"}[row.movement]
            expected.append([rank, row.unit.name, *signed, *rates, shown_score(row.score), points, moved])
    assert table(document, "县市区排名") == expected
    assert [row[0] for row in expected][:2] == ["1", "2"]


def test_the_words_hold_the_pooled_rates_and_how_they_changed(bureau):
    document = bulletin(bureau, SYSTEM, close(bureau, APRIL))
    words = said(document)
    assert words[0] == (
        "2026年1—4月，全州新签约项目3个，计划总投资3.00亿元，签约率75.0%、履约率33.3%、开工率33.3%。现将有关情况通报如下。"
    )
    assert "签约率75.0%（3/4），较上月上升25.0个百分点。" in words
    assert "履约率33.3%（1/3），较上月上升33.3个百分点。" in words
    assert "4月当月新签约项目1个，计划总投资1.00亿元；2026年1—4月累计新签约项目3个，计划总投资3.00亿元。" in words
    assert [w for w in words if w.startswith(("一、", "二、", "三、", "四、", "五、"))] == [
        "一、总体情况",
        "二、各单位“三率”排名",
        "三、红黑榜",
        "四、亮牌和到期未开工情况",
        "五、下一步工作要求",
    ]
    assert (document.number, document.date, document.draft_note) == ("州投促通报〔2026〕4号", "2026年7月3日", "")
    trend = document.charts()[0]
    assert (trend.kind, len(trend.points), trend.points[0][0], trend.points[-1][0]) == ("trend", 13, "25-04", "26-04")


def test_a_bulletin_is_chinese_whatever_the_language_of_the_reader(bureau):
    closed = close(bureau, APRIL)
    document = bulletin(bureau, SYSTEM, closed)
    with use_language("en"):
        assert bulletin(bureau, SYSTEM, closed) == document


def test_nothing_that_happens_later_changes_the_bulletin_of_a_closed_month(bureau):
    insert(bureau, "difficulty", content="缺地", raised_on=date(2026, 2, 1), unit_id=unit_ids(bureau)["吉首"])
    closed = close(bureau, APRIL)
    before = bulletin(bureau, SYSTEM, closed)
    assert table(before, "困难问题") == [["吉首市", "1", "—"]]
    save_text(bureau, SYSTEM, MAY, month_texts(bureau, MAY)["opening"], "另一种开头。", as_template=True, now=NOW)
    write(bureau, "update project set started_on = null, signed_on = null, negotiating_on = null, name = '改名'")
    write(bureau, "update adjustment set points = 9")
    write(bureau, "update difficulty set resolved_on = '2026-03-01'")
    write(bureau, "update unit set name = name || '改', short_name = short_name || '改'")
    assert bulletin(bureau, SYSTEM, closed) == before
    reopen_month(bureau, DISPATCHER, APRIL, reason="漏报", now=NOW)
    assert bulletin(bureau, SYSTEM, closed) == before
    assert draft_bulletin(bureau, SYSTEM, APRIL, rules=RuleSet()) != before


def test_an_open_month_gives_a_draft_from_the_live_ranking_that_says_so(bureau):
    document = draft_bulletin(bureau, SYSTEM, APRIL, rules=RuleSet())
    assert "草稿" in document.draft_note
    assert document.date == "　　年　月　日"
    closed = bulletin(bureau, SYSTEM, close(bureau, APRIL))
    assert document.blocks == closed.blocks
    write(bureau, "update project set started_on = null")
    assert draft_bulletin(bureau, SYSTEM, APRIL, rules=RuleSet()).blocks != closed.blocks


def test_a_correction_is_announced_in_the_next_bulletin_and_only_there(bureau):
    assert not bulletin(bureau, SYSTEM, close(bureau, APRIL)).corrections
    write(bureau, "update project set started_on = null where code = 'T-00000'")
    may = bulletin(bureau, SYSTEM, close(bureau, MAY))
    found = {(row[0], row[1], row[2]): (row[3], row[4]) for row in corrected(may)}
    assert found["2026-04", "吉首市", "开工率"] == ("50.0%（1/2）", "0.0%（0/2）")
    assert found["2026-04", "吉首市", "得分"] == ("55.00", "20.00")
    assert {key[1] for key in found} == {"吉首市", "凤凰县"}  # 凤凰 gained a place
    assert not bulletin(bureau, SYSTEM, close(bureau, JUNE)).corrections


def test_what_is_put_right_and_back_again_is_announced_twice(bureau):
    close(bureau, APRIL)
    write(bureau, "update project set started_on = null where code = 'T-00000'")
    close(bureau, MAY)
    write(bureau, "update project set started_on = '2026-04-02' where code = 'T-00000'")
    june = bulletin(bureau, SYSTEM, close(bureau, JUNE))
    found = {tuple(row[:3]): row[3:] for row in corrected(june)}
    assert found["2026-04", "吉首市", "开工率"] == ["0.0%（0/2）", "50.0%（1/2）"]
    assert found["2026-05", "吉首市", "开工率"] == ["0.0%（0/2）", "50.0%（1/2）"]


def test_a_month_that_is_closed_again_says_what_differs_from_its_first_bulletin(bureau):
    close(bureau, APRIL)
    write(bureau, "update project set started_on = null where code = 'T-00000'")
    reopen_month(bureau, DISPATCHER, APRIL, reason="漏报", now=NOW)
    again = bulletin(bureau, SYSTEM, close(bureau, APRIL))
    assert ["2026-04", "吉首市", "开工率", "50.0%（1/2）", "0.0%（0/2）"] in corrected(again)


def test_projects_are_named_only_for_who_may_see_all_of_them(bureau):
    closed = close(bureau, JUNE)
    for actor in (DISPATCHER, SYSTEM, person("s", Role.LEADER)):
        annex = bulletin(bureau, actor, closed).annex
        assert [[c.text for c in row][2:5] for row in annex.blocks[0].rows] == [
            ["T-00002", "项目2", "洽谈无进展"],
            ["T-00003", "项目3", "逾期未开工"],
        ]
    for role in (Role.STAFF, Role.UNIT_HEAD, Role.TASKFORCE, Role.ADMIN, Role.AUDITOR):
        document = bulletin(bureau, person("x", role, unit_id=1), closed)
        assert document.annex is None
        assert "T-0000" not in repr(document)
        assert "项目2" not in repr(document)
    assert table(bulletin(bureau, STAFF, closed), "亮牌")[-1][0] == "合计"


def test_the_amount_basis_prints_pairs_in_yi(bureau):
    document = draft_bulletin(bureau, SYSTEM, APRIL, rules=RuleSet(), basis=Basis.AMOUNT)
    rows = {row[1]: row for row in table(document, "县市区排名")}
    assert rows["吉首市"][6] == "50.0% 1.00/2.00"


def test_more_rates_than_fit_beside_the_ranking_get_a_table_of_their_own(bureau):
    weights = tuple((slug, Decimal(10)) for slug in ("signing", "performance", "startup", "registration", "completion"))
    document = draft_bulletin(bureau, SYSTEM, APRIL, rules=RuleSet(weights=weights))
    assert [t.sheet for t in document.tables()][:2] == ["县市区排名", "县市区其他比率"]
    (others,) = [t for t in document.tables() if t.sheet == "县市区其他比率"]
    assert [c.title for c in others.columns] == ["单位", "注册率", "竣工率"]


def test_figures_are_read_back_as_they_were_written(bureau):
    figures, _announced = figures_of(bureau, ranking(bureau, month=JUNE, rules=RuleSet()))
    assert figures.cards
    assert figures.named
    corrected_figures = Figures(
        figures.trend,
        figures.cards,
        figures.named,
        figures.difficulties,
        (Correction("2026-04", "甲", "rank", "1", "2"),),
    )
    assert Figures.from_json(corrected_figures.to_json()) == corrected_figures


# -------------------------------------------------------------------------------------------------------------- texts


def test_a_months_own_text_goes_before_the_template_and_the_shipped_one(bureau):
    def opening(month):
        return month_texts(bureau, month)["opening"]

    assert opening(MAY).content == shipped_texts()["opening"]
    assert set(shipped_texts()) == set(BLOCKS)
    save_text(bureau, DISPATCHER, MAY, opening(MAY), "仅五月，{period}。", as_template=False, now=NOW)
    assert (opening(MAY).content, opening(JUNE).content) == ("仅五月，{period}。", shipped_texts()["opening"])
    save_text(bureau, DISPATCHER, JUNE, opening(JUNE), "以后都这样。\n第二段。", as_template=True, now=NOW)
    assert (opening(MAY).content, opening(APRIL).content) == ("仅五月，{period}。", "以后都这样。\n第二段。")
    assert said(draft_bulletin(bureau, SYSTEM, MAY, rules=RuleSet()))[0] == "仅五月，2026年1—5月。"
    assert said(draft_bulletin(bureau, SYSTEM, APRIL, rules=RuleSet()))[:2] == ["以后都这样。", "第二段。"]
    restore_text(bureau, DISPATCHER, opening(MAY), now=NOW)
    assert opening(MAY).content == "以后都这样。\n第二段。"


def test_a_text_that_is_left_empty_is_left_out(bureau):
    for block in ("cards", "next_steps", "salutation"):
        save_text(bureau, DISPATCHER, MAY, month_texts(bureau, MAY)[block], "", as_template=False, now=NOW)
    document = draft_bulletin(bureau, SYSTEM, MAY, rules=RuleSet())
    assert document.salutation == ""
    assert not [text for text in said(document) if text.endswith("下一步工作要求")]
    assert table(document, "亮牌")


def test_a_placeholder_that_is_none_and_a_text_too_long_are_refused_at_the_field(bureau):
    read = month_texts(bureau, MAY)["opening"]
    for content in ("{no_such}", "长" * 5001):
        with pytest.raises(Invalid) as refused:
            save_text(bureau, DISPATCHER, MAY, read, content, as_template=False, now=NOW)
        assert list(refused.value.fields) == ["content"]
    # Braces that hold something else are plain text, and nothing is looked up in a value.
    save_text(bureau, DISPATCHER, MAY, read, "{0.__class__} {Period} {} {period", as_template=False, now=NOW)
    assert said(draft_bulletin(bureau, SYSTEM, MAY, rules=RuleSet()))[0] == "{0.__class__} {Period} {} {period"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DISPATCHER])
def test_nobody_but_the_dispatcher_words_the_bulletin(bureau, role):
    read = month_texts(bureau, MAY)["opening"]
    with pytest.raises(Denied):
        save_text(bureau, person("x", role, unit_id=1), MAY, read, "x", as_template=True, now=NOW)
    with pytest.raises(Denied):
        restore_text(bureau, person("x", role, unit_id=1), read, now=NOW)
    assert bureau.value("select count(*) from bulletin_text") == 0


def test_a_text_that_somebody_changed_meanwhile_is_not_overwritten(bureau):
    read = month_texts(bureau, MAY)["opening"]
    save_text(bureau, DISPATCHER, MAY, read, "甲", as_template=False, now=NOW)
    with pytest.raises(Conflict):
        save_text(bureau, DISPATCHER, MAY, read, "乙", as_template=False, now=NOW)
    assert month_texts(bureau, MAY)["opening"].content == "甲"


def test_groups_without_any_project_have_lines_and_no_rank(db):
    put(db, [], unit_ids=unit_ids(db))
    document = draft_bulletin(db, SYSTEM, MAY, rules=RuleSet())
    assert {row[0] for row in table(document, "县市区排名")} == {"—"}
    assert [block for block in document.blocks if isinstance(block, Chart)]
    assert "签约率—（0/0），没有可比数据。" in said(document)
