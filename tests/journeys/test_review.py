"""Series and review in a real browser: every view at both sizes, what its figures open, a closed month beside it."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from crm.locale import use_language
from crm.metrics import percent
from crm.ui.review import VIEWS as VIEW_NAMES
from tests.apps import PASSWORD, PEOPLE, app_with_people
from tests.engines import EmbeddedEngine
from tests.journeys.browser import click_cell, go, idle, title
from tests.journeys.bureau import MONTH, SIZES, Bureau, served_bureau
from tests.journeys.test_every_page import in_chinese, in_latin, wrong_in_one_hand
from tests.journeys.walking import words_in_lists, words_on

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
VIEWS = {
    "名次走势": ("card_places", "card_moved"),
    "三率走势": ("card_rates",),
    "签约年度": ("card_cohorts", "card_curves"),
    "漏斗与时长": ("card_steps", "card_steps_numbers"),
    "季节性": ("card_seasons",),
    "口径推演": ("card_other",),
}


@pytest.fixture(scope="session")
def app(embedded_engine: EmbeddedEngine) -> Iterator[Bureau]:
    """A bureau of its own: other journeys must not find its months closed."""
    with served_bureau(embedded_engine) as served:
        yield served


def card(page: Page, key: str) -> Locator:
    """A card of the page."""
    return page.locator(f".st-key-{key}")


def fits(page: Page) -> bool:
    """Whether nothing hangs over the right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def cells(where: Locator) -> list[str]:
    """What stands in the cells of the tables there."""
    expect(where.locator("canvas table td").first).to_be_attached()
    return where.locator("canvas table td").all_text_contents()


@SIZES
def test_each_view_is_drawn_alone_and_kept_in_the_address(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "sunba", path="/review")
    assert title(page) == "走势与复盘"
    for view, keys in VIEWS.items():
        card(page, "review").get_by_text(view, exact=True).click()
        idle(page)
        for key in keys:
            expect(card(page, key)).to_be_visible()
        assert [
            k for other, all_keys in VIEWS.items() for k in all_keys if other != view and card(page, k).count()
        ] == []
        assert fits(page), view
        expect(page.get_by_text("这里出了点问题")).to_have_count(0)
    assert f"review={quote('口径推演')}" in page.url
    page.reload()
    idle(page)
    expect(card(page, "card_other")).to_be_visible()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_each_view_speaks_one_language_and_lies_in_one_hand(
    page: Page, app: Bureau, sign_in: SignIn, language: str
) -> None:
    typed = app.typed + "".join(name for name, *_rest in PEOPLE.values()) + "中文"
    sign_in(page, "sunba")
    go(page, f"{app.url}/language?to={language}")
    left: dict[str, object] = {}
    with use_language(language):
        names = {view: quote(str(name)) for view, name in VIEW_NAMES.items()}
    for view, name in names.items():
        go(page, f"{app.url}/review?review={name}&alt_threshold=5000")
        words = words_on(page) | words_in_lists(page)
        left[view] = in_latin(words) if language == "zh_CN" else in_chinese(words, typed)
        left[f"{view} in one hand"] = wrong_in_one_hand(page)
    assert {place: found for place, found in left.items() if found} == {}


def test_the_rates_are_those_of_the_ranking_and_open_its_projects(page: Page, app: Bureau, sign_in: SignIn) -> None:
    row = app.ranking.rows[0]
    sign_in(page, "zhangsan", path=f"/review?review={quote('三率走势')}")
    line = card(page, "card_rates").locator("tbody tr").filter(has_text=row.unit.short_name)
    for n, slug in enumerate(("signing", "performance", "startup")):
        pair = row.pairs[slug]
        expect(line.locator("td").nth(n)).to_have_text(f"{percent(pair.rate)} {pair.n}/{pair.d}")
    line.locator("td").nth(1).locator("a").click()
    expect(page.locator("h1.crm-title")).to_have_text("月度排名")
    pair = row.pairs["performance"]
    expect(card(page, "card_behind")).to_contain_text(
        f"{row.unit.name} · 履约率 {percent(pair.rate)} ({pair.n}/{pair.d})"
    )


def test_a_cohort_opens_its_projects_within_the_readers_scope(page: Page, app: Bureau, sign_in: SignIn) -> None:
    counted = {}
    for login in ("sunba", "zhangsan"):
        sign_in(page, login, path=f"/review?review={quote('签约年度')}")
        box = card(page, "card_cohorts").locator("svg.marks, canvas").first.bounding_box()
        assert box is not None
        # The last cell of the oldest year: all of it is two years old.
        page.mouse.click(box["x"] + box["width"] - 30, box["y"] + box["height"] - 22)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("签约，满 24 个月")
        idle(page)
        text = dialog.inner_text().replace(",", "")
        hidden = re.findall(r"另有 (\d+) 条", text)
        counted[login] = int(re.findall(r"共 (\d+) 条", text)[0]), int(hidden[0]) if hidden else 0
        page.context.clear_cookies()
    assert counted["sunba"][1] == 0
    assert 0 <= counted["zhangsan"][0] < counted["sunba"][0]
    assert sum(counted["zhangsan"]) == counted["sunba"][0]


def test_places_open_the_ranking_and_a_month_of_the_seasons_its_records(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    best = app.ranking.rows[0].unit
    sign_in(page, "zhangsan", path="/review")
    expect(card(page, "card_moved").locator("canvas table td").first).to_have_text(best.short_name)
    idle(page)
    click_cell(card(page, "card_moved"), 0, x=60)
    expect(page.locator("h1.crm-title")).to_have_text("月度排名")
    expect(card(page, "card_behind")).to_contain_text(best.name)
    go(page, f"{app.url}/review?review={quote('名次走势')}&window={quote('24个月')}")
    marks = card(page, "card_places").locator("svg .mark-symbol.role-mark path")
    expect(marks.first).to_be_visible()
    marks.last.click()
    expect(page.locator("h1.crm-title")).to_have_text("月度排名")
    go(page, f"{app.url}/review?review={quote('季节性')}")
    marks = card(page, "card_seasons").locator("svg .mark-symbol.role-mark path")
    expect(marks.first).to_be_visible()
    marks.last.click()
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"新签约项目数 · \d{4}-\d{2}"))
    expect(page.get_by_role("dialog")).to_contain_text("首次签约日期在期内")


def test_a_stage_of_the_funnel_opens_its_projects(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path=f"/review?review={quote('漏斗与时长')}&window={quote('36个月')}")
    entered = cells(card(page, "card_steps_numbers"))[1]
    box = card(page, "card_steps").locator("svg.marks, canvas").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 120, box["y"] + 20)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"共 {entered} 条")
    units = {"吉首", "泸溪", "凤凰", "古丈", "花垣", "保靖", "永顺", "龙山", "高新区"}
    assert units & set(cells(dialog)) == {"吉首"}


@SIZES
def test_another_reading_shows_both_ranks_and_is_kept_in_the_address(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "lisi", path=f"/review?review={quote('口径推演')}")
    expect(page.get_by_text("两种口径的设置完全相同。")).to_be_visible()
    threshold = page.get_by_label("计划总投资门槛")
    threshold.fill("5000")
    threshold.press("Enter")
    expect(card(page, "card_summary")).to_contain_text("会变化的名次")
    assert any("→" in text for text in cells(card(page, "card_shifts")))
    expect(card(page, "card_differences").locator("canvas table td").get_by_text("计划总投资门槛")).to_be_attached()
    assert fits(page)
    page.reload()
    idle(page)
    expect(card(page, "card_summary")).to_be_visible()
    assert "alt_threshold=5000" in page.url


def test_a_choice_that_another_group_or_view_offered_gives_way(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/review")
    member, group = (card(page, key).locator("input") for key in ("member", "group"))
    expect(member).to_have_value("吉首")
    card(page, "group").get_by_role("combobox").click()
    page.get_by_role("option", name="重点产业（按季调度）").click()
    expect(member).not_to_have_value("吉首")
    listed = card(page, "card_moved").locator("canvas table td")
    expect(listed.get_by_text(member.input_value(), exact=True)).to_be_attached()
    card(page, "review").get_by_text("签约年度", exact=True).click()
    idle(page)
    expect(group).to_have_value("")
    expect(member).to_have_value("")
    card(page, "review").get_by_text("名次走势", exact=True).click()
    idle(page)
    expect(group).to_have_value("县市区")
    expect(member).to_have_value("吉首")


def test_the_industries_move_by_the_quarter(page: Page, app: Bureau, sign_in: SignIn) -> None:
    group = quote("重点产业（按季调度）")
    sign_in(page, "qianqi", path=f"/review?group={group}")
    expect(card(page, "card_places")).to_contain_text("重点产业名次走势（按季）")
    shown = cells(card(page, "card_moved"))
    assert {"茶叶", "文化旅游"} <= set(shown)
    go(page, f"{app.url}/review?review={quote('三率走势')}&group={group}")
    expect(card(page, "card_rates")).to_contain_text("茶叶")


def test_a_closed_month_is_marked_here_and_on_the_ranking(page: Page, app: Bureau, sign_in: SignIn) -> None:
    closed = MONTH.plus(-1)
    sign_in(page, "zhaoliu", path=f"/close?closing_month={closed}")
    page.get_by_role("button", name=f"封账 {closed}").click()
    dialog = page.get_by_role("dialog")
    reason = dialog.get_by_role("textbox", name="仍要封账的原因")
    if reason.count():
        reason.fill("试用")
    dialog.get_by_role("button", name="封账").click()
    expect(card(page, "card_published")).to_be_visible(timeout=20_000)
    go(page, f"{app.url}/ranking?month={MONTH}")
    expect(card(page, "card_ranking")).to_contain_text(f"{closed} 已封账")
    expect(card(page, "card_ranking").locator("canvas table th").get_by_text("上月名次")).to_have_count(1)
    go(page, f"{app.url}/ranking?month={closed}")
    card(page, "published").get_by_role("link", name="已发布的排名").click()
    expect(page.locator("h1.crm-title")).to_have_text("月度封账")
    expect(card(page, "card_published")).to_be_visible()
    go(page, f"{app.url}/review")
    expect(card(page, "card_places").get_by_text("菱形")).to_be_visible()


def test_an_empty_bureau_says_what_to_do_next(page: Page, embedded_engine: EmbeddedEngine) -> None:
    with app_with_people(embedded_engine) as empty:
        page.goto(f"{empty.url}/review")
        page.locator("#login").fill("sunba")
        page.locator("#password").fill(PASSWORD)
        page.locator("button[type=submit]").click()
        idle(page)
        expect(page.get_by_text("还没有可供复盘的数据。")).to_be_visible()
