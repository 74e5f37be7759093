"""Search keys: spellings that meet, and typed text that stays text."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.store import like_pattern, name_key, normalised, pinyin, pinyin_initials, search_text


@pytest.mark.parametrize(
    "spelling",
    [
        "湖南ABC科技(集团)有限公司",
        "湖南ＡＢＣ科技（集团）有限公司",
        "湖南abc科技〔集团〕有限公司",
        "  湖南 ABC 科技 (集团) 有限公司\n",
        "湖南ABC科技、集团、有限公司。",
        "湖南ＡＢＣ科技\u3000（集团）有限公司",
    ],
)
def test_spellings_of_one_name_meet_in_one_key(spelling):
    assert name_key(spelling) == "湖南abc科技集团有限公司"


def test_names_that_differ_in_a_character_do_not_meet():
    names = ["湖南甲科技有限公司", "湖南乙科技有限公司", "湖南甲科技公司", "湖南甲1科技有限公司"]
    assert len({name_key(name) for name in names}) == 4


def test_the_normal_form_folds_width_case_and_spaces_and_keeps_punctuation():
    assert normalised("　ＡＢＣ  Ｄ\t（甲）％ ") == "abc d (甲)%"


def test_pinyin_initials_are_the_first_letters_and_keep_letters_and_digits():
    assert pinyin_initials("湘西高新区3号 ABC") == "xxgxq3habc"
    assert pinyin_initials("重庆") in ("zq", "cq")


def test_a_search_text_holds_each_form_once():
    assert search_text("91430104183791051F", None, "", name="湘西 Ａ公司") == (
        "湘西 a公司\n湘西a公司\nxxags\n91430104183791051f"
    )
    assert search_text(name="abc") == "abc"


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [("100%", "%100\\%%"), ("a_b", "%a\\_b%"), ("c\\d", "%c\\\\d%"), ("ＡＢ", "%ab%"), ("", "%%"), ("％", "%\\%%")],
)
def test_wildcards_in_a_typed_text_are_literal(typed, pattern):
    assert like_pattern(typed) == pattern


texts = st.text(st.sampled_from("a甲%_\\' （é"), max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_like_finds_a_typed_text_exactly_where_it_is_part_of_the_other(db, pairs):
    with db.reading() as session:
        for text, typed in pairs:
            found = session.value(
                "select cast($1 as text) like cast($2 as text) escape '\\'", [normalised(text), like_pattern(typed)]
            )
            assert found == (normalised(typed) in normalised(text))


@given(st.text(st.sampled_from("甲湘西ABCabc019ＡａＺ（）　－-() .·、\n"), max_size=30))
def test_keys_are_stable_when_made_again(text):
    assert name_key(name_key(text)) == name_key(text)
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("湘云", "xiang yun "),
        ("湘（芸）", "xiang yun "),
        ("绿 A股", "lu agu "),
        ("", ""),
    ],
)
def test_pinyin_writes_toneless_syllables_and_leaves_letters(text, syllables):
    assert pinyin(text) == syllables
