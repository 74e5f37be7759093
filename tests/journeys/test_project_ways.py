"""The ways to a project in a real browser: from each table that lists it, begun at its investor, all of a stage; and
two people at one project, its history behind them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.browser import click_cell, go, idle, number, tick_row
from tests.journeys.bureau import DESK, HAND, SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def view(page: Page, word: str) -> None:
    """Choose a view of the page of projects."""
    page.locator(".st-key-view").get_by_text(word, exact=True).click()
    idle(page)


def open_a_project(page: Page, *, stage: str = "negotiation") -> str:
    """Open the first project of a lane of the board; returns its name."""
    view(page, "看板")
    page.locator(f".st-key-lane_{stage} [class*='st-key-open_'] button").first.click()
    expect(page.locator(".st-key-card_milestones")).to_be_visible()
    idle(page)
    return page.locator("h1.crm-title").inner_text()


def opens_from(place: Locator) -> None:
    """Click on the second project of the first table in a place, or on its only one: it opens."""
    page = place.page
    rows = place.locator('[data-testid="stDataFrame"] canvas tbody tr')
    expect(rows.first).to_be_attached()
    row = min(rows.count(), 2) - 1
    told = set(rows.nth(row).locator("td").all_text_contents())
    click_cell(place, row, x=120)
    expect(page).to_have_url(re.compile(r"/project\?id=\d+$"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    idle(page)
    # On a narrow screen a table tells either the name or the code: the other one is scrolled away.
    caption = page.locator("p.crm-caption").inner_text()
    assert told & {page.locator("h1.crm-title").inner_text(), caption.partition(" · ")[0]}


@SIZES
def test_a_click_opens_a_project_at_its_investor_in_a_segment_and_behind_a_rate(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "sunba", path="/projects")
    name = open_a_project(page)
    page.locator(".st-key-card_facts a").first.click()
    expect(page.locator(".st-key-card_people")).to_be_visible()
    idle(page)
    expect(page.locator(".st-key-card_projects canvas tbody")).to_contain_text(name)
    expect(page.locator(".st-key-new_project")).to_have_count(0)
    opens_from(page.locator(".st-key-card_projects"))
    go(page, f"{app.url}/chains?industry=tea")
    segment = page.locator('[class*="st-key-segment_filled_"]').first
    segment.get_by_role("button", name=re.compile("项目")).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    opens_from(page.get_by_role("dialog"))
    go(page, f"{app.url}/ranking?unit=吉首市")
    opens_from(page.locator(".st-key-card_behind"))


def test_the_unit_of_a_clicked_rate_gives_way_to_the_one_that_is_chosen(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    first, third = (app.ranking.rows[n].unit.name for n in (0, 2))
    sign_in(page, "sunba", path="/ranking")
    click_cell(page.locator(".st-key-card_ranking"), 2, x=325)
    behind = page.locator(".st-key-card_behind")
    expect(behind).to_contain_text(f"{third} · 签约率")
    idle(page)
    box = behind.locator(".st-key-unit").get_by_role("combobox")
    box.fill(first)
    box.press("Enter")
    expect(behind).to_contain_text(f"{first} · 签约率")
    idle(page)
    expect(box).to_have_value(first)


@SIZES
def test_the_rest_of_a_full_lane_is_one_press_away(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhaoliu", path="/projects")
    view(page, "看板")
    lane = page.locator(".st-key-lane_signed")
    count = number(lane.locator(".crm-lane span").inner_text())
    assert lane.locator('[class*="st-key-project_"]').count() == 12 < count
    page.get_by_role("button", name=f"另有 {count - 12} 个").and_(page.locator(".st-key-more_signed button")).click()
    expect(page.locator('.st-key-card_projects [data-testid="stDataFrame"]')).to_be_visible()
    idle(page)
    expect(page.locator("h2.crm-card-title", has_text="个项目")).to_have_text(f"共 {count} 个项目")
    expect(page.locator(".st-key-at_stage").get_by_role("combobox")).to_have_value("签约")
    expect(page).to_have_url(re.compile("at_stage="))


@SIZES
def test_a_project_is_begun_at_its_investor(page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    enterprise, investor, _code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/enterprise?id={enterprise}")
    page.locator(".st-key-card_projects").get_by_role("button", name="新建项目").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(investor)
    name = f"二期项目{size['width']}"
    dialog.get_by_label("项目名称").fill(name)
    dialog.get_by_role("button", name="建立项目").click()
    expect(page.locator("h1.crm-title")).to_have_text(name)
    expect(page.locator(".st-key-card_facts")).to_contain_text(investor)


def deed(page: Page, word: str) -> Locator:
    """Choose in the menu of a project; returns the dialog that opens."""
    page.locator(".st-key-deeds button").click()
    page.get_by_text(word, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(word)
    return dialog


@pytest.mark.parametrize(("size", "stage"), [(DESK, "negotiation"), (HAND, "signed")], ids=["desk", "hand"])
def test_who_saves_a_project_second_chooses_field_by_field_or_begins_again(
    page: Page, browser: Browser, app: Bureau, sign_in: SignIn, size: dict[str, int], stage: str
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/projects?status=推进中")
    open_a_project(page, stage=stage)

    def fill(dialog: Locator, **typed: str) -> None:
        for title, text in typed.items():
            dialog.get_by_label(title).fill(text)
        dialog.get_by_role("button", name="保存").click()

    mine = deed(page, "修改项目信息")
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    other = sign_in(context.new_page(), "lisi", path=page.url.removeprefix(app.url))
    fill(deed(other, "修改项目信息"), 建设地点="他写的地点", 联系领导="他写的领导")
    expect(other.locator(".st-key-card_facts")).to_contain_text("他写的地点")

    fill(mine, 建设地点="我写的地点", 责任人="我写的人")
    expect(mine).to_contain_text("您编辑期间，李四修改了这条记录。请逐项选择。")
    expect(mine.locator('[class*="st-key-conflict_"]')).to_have_count(3)
    expect(mine.locator(".st-key-conflict_liaison_leader")).to_contain_text("对方已保存：他写的领导")
    mine.get_by_text("对方已保存：他写的地点").click()
    idle(page)
    # Somebody saved again before the choice was made: nobody overwrites what they have not seen.
    fill(deed(other, "修改项目信息"), 联系领导="又换的领导")
    expect(other.locator(".st-key-card_facts")).to_contain_text("又换的领导")
    mine.get_by_role("button", name="按所选保存").click()
    expect(mine.locator(".st-key-conflict_liaison_leader")).to_contain_text("对方已保存：又换的领导")
    idle(page)
    mine.get_by_role("button", name="按所选保存").click()
    expect(mine).to_have_count(0)
    facts = page.locator(".st-key-card_facts")
    for text in ("他写的地点", "我写的人", "又换的领导"):
        expect(facts).to_contain_text(text)
    expect(facts).not_to_contain_text("我写的地点")

    # A deed of few words ends with the record as it is, and can be begun again at once.
    mine = deed(page, "标记为停滞")
    fill(deed(other, "修改项目信息"), 建设地点="再换的地点")
    expect(other.locator(".st-key-card_facts")).to_contain_text("再换的地点")
    context.close()
    mine.get_by_label("原因").fill("等土地")
    mine.get_by_role("button", name="标记为停滞").click()
    expect(page.get_by_test_id("stToast").filter(has_text="您的内容没有保存")).to_be_visible()
    expect(mine).to_have_count(0)
    expect(facts).to_contain_text("再换的地点")
    idle(page)
    mine = deed(page, "标记为停滞")
    mine.get_by_label("原因").fill("等土地")
    mine.get_by_role("button", name="标记为停滞").click()
    expect(page.locator(".st-key-project_tags")).to_contain_text("停滞")
    idle(page)

    history = deed(page, "变更记录")
    lines = history.locator("canvas tbody tr")
    for line, said in ((lines.nth(0), "张三项目状态"), (lines.nth(1), "李四项目建设地点")):
        expect(line).to_contain_text(said)


def test_names_with_signs_of_markdown_stay_as_they_were_typed(page: Page, app: Bureau, sign_in: SignIn) -> None:
    name = "**仓储** [x](y)"
    sign_in(page, "admin", path="/chain-admin")
    tick_row(page.locator(".st-key-card_industries"), 9)
    tick_row(page.locator(".st-key-card_segments"), 1)
    page.get_by_role("button", name="修改环节").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("环节名称").fill(name)
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    go(page, f"{app.url}/rules")
    page.get_by_text("编辑副本", exact=True).click()
    idle(page)
    page.get_by_text("只算已核实节点", exact=True).click()
    idle(page)
    box = page.get_by_role("combobox", name="保存为")
    box.fill(name)
    box.press("Enter")
    expect(page.locator(".st-key-save_rules button")).to_contain_text(f"保存为“{name}”第 1 版")
    page.context.clear_cookies()
    sign_in(page, "sunba", path="/chains?industry=logistics")
    page.locator('[class*="st-key-segment_"]', has_text=name).get_by_role("button", name=re.compile("项目")).click()
    expect(dialog.get_by_role("heading")).to_contain_text(name)
