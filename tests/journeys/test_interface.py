"""The frame of every page: search, keys, the trail, filters that stay, printing, and a page held in one hand."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from crm.ui.shell import PAGES
from tests.journeys.browser import go, idle, title
from tests.journeys.bureau import HAND, Bureau
from tests.journeys.walking import FIELD, find, open_search, pages_of, walk

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
LINES = '.st-key-found [data-testid="stPageLink-NavLink"]'
PRINTABLE = {
    "/overview": "zhangsan",
    "/desk": "zhangsan",
    "/ranking": "zhangsan",
    "/chains": "zhangsan",
    "/projects": "zhangsan",
    "/review": "zhangsan",
    "/review?review=三率走势": "zhangsan",
    "/review?review=漏斗与时长": "zhangsan",
    "/review?review=口径推演&alt_threshold=5000": "zhangsan",
    "/quality": "zhaoliu",
    "/cards": "zhaoliu",
    "/enterprise?id={of_jishou}": "zhangsan",
}


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """The pages of a bureau with three years of work in it."""
    return bureau


def dialog(page: Page) -> Locator:
    """The open dialog."""
    return page.get_by_role("dialog")


# --- search -----------------------------------------------------------------------------------------------------------


def test_search_finds_by_name_initials_and_code_and_enter_opens(page: Page, app: Bureau, sign_in: SignIn) -> None:
    enterprise, name, code = app.of_jishou
    sign_in(page, "zhangsan", path="/log-contact")
    for text in (name, code.lower()):
        open_search(page)
        page.keyboard.type(text)
        page.keyboard.press("Enter")  # before the answer is there
        expect(page).to_have_url(f"{app.url}/enterprise?id={enterprise}")
        expect(page.locator("h1.crm-title")).to_have_text(name)
        expect(dialog(page)).to_have_count(0)
        go(page, f"{app.url}/log-contact")


def test_search_walks_with_the_arrows(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/enterprises")
    open_search(page)
    find(page, "有限")
    lines = page.locator(LINES)
    page.keyboard.press("ArrowDown")
    expect(lines.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(lines.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    name = lines.nth(1).inner_text()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/enterprise\\?id="))
    assert title(page) in name


def test_search_finds_nothing_outside_the_scope(page: Page, app: Bureau, sign_in: SignIn) -> None:
    _id, name, code = app.of_fenghuang
    sign_in(page, "zhangsan", path="/enterprises")
    open_search(page)
    for text in (name, code):
        find(page, text)
        expect(page.locator(LINES)).to_have_count(0)
        expect(page.locator(".st-key-found")).to_contain_text("没有找到")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    expect(page).to_have_url(f"{app.url}/enterprises")


def test_search_without_text_offers_the_pages(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "auditor")
    open_search(page)
    own = [str(entry.title) for entry in pages_of("auditor") if not entry.hidden]
    expect(page.locator(LINES)).to_have_count(len(own))
    find(page, "有限")
    expect(page.locator(LINES)).to_have_count(0)
    find(page, "sjrz")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{app.url}/audit")


def test_another_record_of_the_same_page_has_its_own_address(page: Page, app: Bureau, sign_in: SignIn) -> None:
    first = app.of_jishou[0]
    sign_in(page, "zhangsan", path=f"/enterprise?id={first}")
    open_search(page)
    find(page, "有限")
    other = page.locator(f'{LINES}:not([href$="id={first}"])').first
    address = other.get_attribute("href")
    other.click()
    expect(page).to_have_url(f"{app.url}/{address}")
    expect(page.locator("h1.crm-title")).not_to_have_text(app.of_jishou[1])
    page.go_back()
    expect(page).to_have_url(f"{app.url}/enterprise?id={first}")
    expect(page.locator("h1.crm-title")).to_have_text(app.of_jishou[1])


def test_search_in_the_hand(page: Page, app: Bureau, sign_in: SignIn) -> None:
    page.set_viewport_size(HAND)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/ranking")
    page.locator(".st-key-search_bar button").click()
    expect(page.locator(FIELD)).to_be_visible()
    find(page, app.of_jishou[1])
    line = page.locator(LINES).first
    box = line.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= HAND["width"]
    line.click()
    expect(page).to_have_url(f"{app.url}/enterprise?id={app.of_jishou[0]}")


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_rest_while_one_types_and_while_a_dialog_is_open(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/enterprises")
    field = page.locator(".st-key-q input")
    field.click()
    page.keyboard.type("n/?n")
    expect(field).to_have_value("n/?n")
    expect(dialog(page)).to_have_count(0)
    field.fill("")
    field.blur()
    idle(page)
    page.keyboard.press("?")
    expect(dialog(page)).to_contain_text("搜索全部内容")
    page.keyboard.press("n")
    page.keyboard.press("/")
    expect(dialog(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("/enterprises"))
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    page.keyboard.press("n")
    page.wait_for_url(f"{app.url}/log-contact")


# The focused element's name, and whether it looks otherwise than without the focus.
FOCUS = """
() => {
    const at = document.activeElement;
    const look = () => [[at, null], [at.parentElement, null], [at, "::before"]].map(([element, part]) => {
        const style = getComputedStyle(element, part);
        return [style.outline, style.boxShadow, style.backgroundColor, style.borderColor, style.textDecorationLine];
    }).join();
    const focused = look();
    at.blur();
    const plain = look();
    at.focus();
    return [at.innerText || at.getAttribute("aria-label") || at.outerHTML.slice(0, 200), focused !== plain];
}
"""


def test_focus_is_seen_and_the_frame_comes_first(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path=f"/enterprise?id={app.of_jishou[0]}")
    page.add_style_tag(content="* { transition: none !important; }")
    seen = set()
    for _step in range(25):
        page.keyboard.press("Tab")
        name, visible = page.evaluate(FOCUS)
        assert visible, name
        seen.add(name.split("\n")[-1].strip())
    assert {"搜索", "企业名录", "退出"} <= seen


# --- the trail and the filters ----------------------------------------------------------------------------------------


def test_the_trail_leads_back_to_the_list_with_its_filters(page: Page, app: Bureau, sign_in: SignIn) -> None:
    enterprise, name, code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/enterprises?q={code}")
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text("共 1 家企业")
    open_search(page)
    find(page, name)
    page.keyboard.press("Enter")
    trail = page.locator(".st-key-trail")
    expect(trail).to_contain_text("业务")
    expect(trail.locator('[aria-current="page"]')).to_have_text(name)
    trail.get_by_role("link", name="企业名录").click()
    expect(page).to_have_url(f"{app.url}/enterprises?q={code}")
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text("共 1 家企业")


def test_a_page_at_the_top_has_no_trail(page: Page, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/enterprises")
    expect(page.locator(".st-key-trail")).to_have_count(0)


def test_every_page_below_another_has_a_trail(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu")
    below = [entry for entry in pages_of("zhaoliu") if entry.above]
    assert {entry.file for entry in below} >= {"enterprise", "project"}
    assert [entry.file for entry in PAGES if entry.hidden and not entry.above] == ["home"]
    for entry in walk(page, "zhaoliu", below):
        above = next(other for other in PAGES if other.file == entry.above)
        expect(page.locator(".st-key-trail").get_by_role("link", name=str(above.title))).to_be_visible()


def test_filters_are_cleared_at_once(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/enterprises")
    everything = page.locator("h2.crm-card-title", has_text="家企业").inner_text()
    expect(page.get_by_role("button", name="清除筛选")).to_have_count(0)
    go(page, f"{app.url}/enterprises?grade=A&q=有限&from=1000")
    expect(page.locator("h2.crm-card-title", has_text="家企业")).not_to_have_text(everything)
    page.get_by_role("link", name="月度排名").click()
    expect(page.locator("h1.crm-title")).to_have_text("月度排名")
    page.get_by_role("link", name="企业名录").click()
    expect(page.locator(".st-key-grade input")).to_have_value("A")
    page.get_by_role("button", name="清除筛选").click()
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text(everything)
    expect(page).to_have_url(f"{app.url}/enterprises")
    expect(page.locator(".st-key-grade input")).to_have_value("")


def test_the_fold_of_further_filters_is_open_for_who_comes_with_one_of_them_set(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    sign_in(page, "zhaoliu", path="/enterprises")
    folded, clear = page.locator(".st-key-more_filters input[type=number]").first, page.get_by_text("清除筛选")
    for path, name, everyday, further in (
        ("/enterprises", "企业名录", "grade=A", "from=1000"),
        ("/projects", "项目", "at_stage=签约", "amount_from=1000"),
    ):
        go(page, f"{app.url}{path}?{everyday}")
        expect(clear).to_be_visible()
        expect(folded).to_be_hidden()
        go(page, f"{app.url}{path}?{further}")
        expect(folded).to_have_value("1000")
        expect(folded).to_be_visible()
        page.get_by_role("link", name="月度排名").click()
        expect(page.locator("h1.crm-title")).to_have_text("月度排名")
        page.get_by_role("link", name=name, exact=True).click()
        expect(folded).to_be_visible()
        clear.click()
        expect(folded).to_have_value("")
        page.reload()
        expect(page.get_by_text("更多筛选", exact=True)).to_be_visible()
        expect(folded).to_be_hidden()


# --- printing ---------------------------------------------------------------------------------------------------------


def prepare(page: Page) -> None:
    """Press the button and stop where the browser would show its own dialog."""
    page.evaluate("window.print = () => {}")
    page.get_by_role("button", name="打印").click()
    expect(page.locator("html[data-print-ready]")).to_be_attached(timeout=20_000)


@pytest.mark.parametrize("path", PRINTABLE)
def test_a_report_is_laid_out_for_paper(page: Page, app: Bureau, sign_in: SignIn, path: str) -> None:
    sign_in(page, PRINTABLE[path], path=path.format(of_jishou=app.of_jishou[0]))
    page.wait_for_timeout(500)
    tables = page.locator('[data-testid="stMain"] [data-testid="stDataFrame"]:visible')
    rows = [int(found.locator("table").get_attribute("aria-rowcount") or 0) - 1 for found in tables.all()]
    heading, before = title(page), page.locator('[data-testid="stMain"]').inner_text()
    prepare(page)
    page.emulate_media(media="print")
    on_paper = page.locator("body").inner_text()
    assert heading in on_paper
    for card in page.locator("h2.crm-card-title").all():
        assert card.inner_text() in on_paper
    for hidden in ("stSidebar", "stSelectbox", "stButtonGroup", "stDownloadButton"):
        expect(page.locator(f'[data-testid="{hidden}"]:visible')).to_have_count(0)
    expect(page.get_by_role("button", name="记一笔对接")).to_have_count(0)
    # Every row of every table, and none of them blank.
    drawn = page.locator(".crm-set-down").all()
    assert [copy.locator("tbody tr").count() for copy in drawn] == rows
    for copy in drawn:
        assert copy.evaluate(NOT_BLANK)
    # Nothing reaches over the paper's edge, and no card that could be whole is broken.
    assert page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollWidth") <= 1214
    whole = '.stVerticalBlock[class*="st-key-card_"]:not(.crm-long):not([class*="st-key-card_head_"])'
    breaks = page.locator(whole).evaluate_all("cards => cards.map(card => getComputedStyle(card).breakInside)")
    assert set(breaks) <= {"avoid"}
    page.emulate_media(media="screen")
    paper = page.pdf(prefer_css_page_size=True, print_background=True)
    assert re.search(rb"/MediaBox\s*\[\s*0 0 84[12]\S* 59[45]", paper), "A4 across"
    # afterprint puts everything back
    expect(page.locator("html[data-print-ready]")).to_have_count(0)
    expect(page.locator(".crm-set-down, .crm-filters")).to_have_count(0)
    assert page.evaluate("[document.documentElement.className, window.devicePixelRatio]") == ["", 1]
    assert page.locator('[data-testid="stMain"]').inner_text() == before


def test_a_page_that_is_printed_as_it_loads_is_laid_out_whole(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/ranking")
    asked: list[Route] = []
    page.route(re.compile(r"/DataFrame\..*\.js"), lambda route: asked.append(route))
    page.reload()
    page.evaluate("window.print = () => {}")
    page.get_by_role("button", name="打印").click()
    page.wait_for_timeout(1_500)
    expect(page.locator("html[data-print-ready]")).to_have_count(0)
    for route in asked:
        route.continue_()
    expect(page.locator("html[data-print-ready]")).to_be_attached(timeout=20_000)
    assert page.locator(".crm-set-down").first.locator("tbody tr").count() == len(app.ranking.rows)


# Whether there is ink in every row of a table, and at the right end of its headings.
NOT_BLANK = """
async (copy) => {
    const ink = async (image, from) => {
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        const pen = canvas.getContext("2d");
        pen.drawImage(image, 0, 0);
        const left = Math.round(canvas.width * from);
        const dots = pen.getImageData(left, 0, canvas.width - left, canvas.height).data;
        let dark = 0;
        for (let at = 0; at < dots.length; at += 4) if (dots[at] + dots[at + 1] + dots[at + 2] < 450) dark += 1;
        return dark > 20;
    };
    const rows = await Promise.all([...copy.querySelectorAll("img")].map((image) => ink(image, 0)));
    return rows.every(Boolean) && await ink(copy.querySelector("thead img"), 0.9);
}
"""


def test_the_filters_are_said_in_words_on_paper(page: Page, app: Bureau, sign_in: SignIn) -> None:
    month = str(app.ranking.month)
    sign_in(page, "zhangsan", path=f"/ranking?month={month}&unit=凤凰县")
    prepare(page)
    said = page.locator(".crm-filters").all_inner_texts()
    assert said[0] == f"月份 {month} · 口径 default · 计算方式 按项目数"
    assert "责任单位 凤凰县 · 比率 开工率" in said
    assert str(app.ranking.as_of) in page.locator(".crm-caption").first.inner_text()


def test_the_print_key_lays_out_too_but_only_where_one_can_print(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/desk")
    page.evaluate("window.print = () => {}")
    page.keyboard.press("Control+p")
    expect(page.locator("html[data-print-ready]")).to_be_attached(timeout=20_000)
    go(page, f"{app.url}/import")
    expect(page.get_by_role("button", name="打印")).to_have_count(0)
