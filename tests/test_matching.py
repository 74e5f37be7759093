"""Proposing segments: which words count, how much, and what a scope shuts out."""

import pytest

from crm.matching import LEAST_SCORE, Matcher, Proposal, SegmentRule
from crm.store import reference_rows

TEA, OIL, PCB = 1, 2, 3
RULES = Matcher(
    [
        SegmentRule(TEA, 10, ("茶叶", "茶叶种植")),
        SegmentRule(OIL, 20, ("茶油", "山茶油", "食用植物油")),
        SegmentRule(PCB, 30, ("PCB", "线路板")),
    ]
)


def test_a_word_weighs_its_length_by_where_it_stands():
    assert RULES.propose("甲", "食用植物油加工") == [Proposal(OIL, 20, 5 * 2, ("食用植物油",))]
    assert RULES.propose("甲", "木材销售；食用植物油加工；线路板") == []
    assert RULES.propose("甲", "木材销售；食用植物油、茶油加工") == [Proposal(OIL, 20, 5 + 2, ("茶油", "食用植物油"))]
    assert RULES.propose("甲", "", "建设食用植物油基地") == [Proposal(OIL, 20, 5 * 3, ("食用植物油",))]
    assert RULES.propose("湘西茶叶公司") == [Proposal(TEA, 10, 2 * 4, ("茶叶",))]


def test_a_word_counts_once_at_its_most_telling_place():
    found = RULES.propose("古丈茶叶种植公司", "茶叶种植；茶叶种植", "茶叶种植")
    assert found == [Proposal(TEA, 10, 4 * 4, ("茶叶种植",))]


def test_a_word_within_a_longer_one_of_the_same_segment_is_not_counted_again():
    assert RULES.propose("甲", "山茶油加工") == [Proposal(OIL, 20, 3 * 2, ("山茶油",))]


@pytest.mark.parametrize(
    "scope",
    [
        "建材销售（不含茶叶、茶叶种植）",
        "不含茶叶种植",
        "批发兼零售（茶叶种植除外）",
        "批发兼零售(茶叶种植除外)",
        "一般贸易，但国家专营的茶叶种植除外",
        "不得从事茶叶种植",
    ],
)
def test_what_a_scope_shuts_out_is_not_read(scope):
    assert RULES.propose("甲", scope) == []


def test_after_what_is_shut_out_the_scope_is_read_on():
    assert [p.segment_id for p in RULES.propose("甲", "化工原料（不含危险品）、食用植物油、茶油")] == [OIL]


def test_width_and_case_of_letters_do_not_matter():
    assert RULES.propose("甲", "ＰＣＢ加工") == [Proposal(PCB, 30, 3 * 2, ("PCB",))]
    assert RULES.propose("深圳pcb公司") == [Proposal(PCB, 30, 3 * 4, ("PCB",))]


def test_the_strongest_come_first_and_at_most_three():
    many = Matcher(SegmentRule(n, 1, ("一二三四五六七八"[: n + 2],)) for n in range(1, 6))
    found = many.propose("一二三四五六七八")
    assert [(p.segment_id, p.score) for p in found] == [(5, 28), (4, 24), (3, 20)]


def test_without_words_nothing_is_proposed():
    assert RULES.propose("", "", "") == []
    assert Matcher([SegmentRule(1, 1, ())]).propose("茶叶种植") == []
    assert Matcher([SegmentRule(1, 1, ("", " "))]).propose("茶叶种植") == []


@pytest.mark.parametrize(
    ("name", "scope", "segment"),
    [
        ("保靖县某某农业有限公司", "茶叶种植、加工、销售", "tea-planting"),
        ("古丈县某某茶业有限公司", "茶叶加工、销售", "tea-primary"),
        ("湖南酒鬼酒业有限公司", "白酒生产、销售", "liquor-distilling"),
        ("花垣县某某矿业有限公司", "锰矿开采、销售", "minerals-mining"),
        ("长沙某某物流有限公司", "普通货运、货物专用运输（集装箱）", "logistics-trunk"),
        ("深圳某某电路有限公司", "印制电路板的生产和销售", "electronics-pcb"),
        ("张家界某某大酒店有限公司", "住宿、餐饮服务", "tourism-hotel"),
    ],
)
def test_the_shipped_keywords_find_what_a_person_would_say(name, scope, segment):
    assert shipped(name, scope)[0] == segment


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("某某建筑工程有限公司", "房屋建筑工程施工；建筑材料、五金交电、百货销售"),
        ("某某银行股份有限公司长沙支行", "经营中国银行业监督管理委员会批准的业务"),
        ("某某机电有限公司", "机电设备销售；货物或技术进出口（国家禁止的除外）"),
    ],
)
def test_the_shipped_keywords_leave_others_alone(name, scope):
    assert shipped(name, scope) == []


def shipped(name, scope):
    """Return the codes of the segments that the shipped keywords propose."""
    rows = reference_rows("segments")
    rules = Matcher(SegmentRule(n, 0, tuple(row["keywords"].split("|"))) for n, row in enumerate(rows))
    found = rules.propose(name, scope)
    assert all(proposal.score >= LEAST_SCORE for proposal in found)
    return [rows[proposal.segment_id]["code"] for proposal in found]
