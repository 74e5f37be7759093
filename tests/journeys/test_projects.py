"""Projects in a real browser: moved on with what the stage requires, counted alike in every view, and nobody else's."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.apps import PEOPLE
from tests.journeys.browser import go, idle, number
from tests.journeys.bureau import HAND, SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
# What each view draws.
DRAWN = {"看板": ".st-key-board", "路线图": '[data-testid="stVegaLiteChart"]', "日历": "table.crm-month, .crm-agenda"}
NOT_FOUND = "没有这条记录，或不在您的权限范围内。"


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def view(page: Page, word: str) -> None:
    """Choose a view of the page of projects."""
    page.locator(".st-key-view").get_by_text(word, exact=True).click()
    expect(page.locator(DRAWN[word]).first).to_be_visible()
    idle(page)


def total(page: Page) -> int:
    """How many projects the page says that there are."""
    return number(page.locator("h2.crm-card-title", has_text="个项目").inner_text())


def lane(page: Page, stage: str) -> Locator:
    """A column of the board."""
    return page.locator(f".st-key-lane_{stage}")


def counted(page: Page, stage: str) -> int:
    """How many projects a column of the board says that there are."""
    return number(lane(page, stage).locator(".crm-lane span").inner_text())


def set_date(dialog: Locator, title: str, digits: str) -> None:
    """Type a date into a field of a dialog, as eight digits."""
    dialog.get_by_test_id("stDateInput").filter(has_text=title).get_by_role("spinbutton").first.click()
    dialog.page.keyboard.type(digits)
    dialog.page.keyboard.press("Escape")  # the month sheet beside the field
    expect(dialog).to_be_visible()


@SIZES
def test_a_project_moves_on_with_what_its_next_stage_requires(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/projects")
    view(page, "看板")
    before = counted(page, "negotiation"), counted(page, "signed")
    card = lane(page, "negotiation").locator('[class*="st-key-project_"]').first
    name = card.locator('[class*="st-key-open_"] button').inner_text()
    card.locator('[class*="st-key-move_"] button').click()
    page.get_by_text("推进到“签约”", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{name}：补齐以下内容即可推进。")
    dialog.get_by_role("button", name="移动").click()
    alerts = dialog.get_by_role("alert")
    expect(alerts).to_have_count(3)
    expect(alerts.filter(has_text="必须填写协议编号")).to_be_visible()
    dialog.get_by_label("协议编号").fill(f"吉招合-{size['width']}")
    dialog.get_by_label("合同引资额").fill("8000")
    set_date(dialog, "计划开工日期", "20990301")
    dialog.get_by_role("button", name="移动").click()
    expect(page.get_by_text(f"“{name}”已进入“签约”阶段。")).to_be_visible()
    expect(dialog).to_have_count(0)
    idle(page)
    assert (counted(page, "negotiation"), counted(page, "signed")) == (before[0] - 1, before[1] + 1)
    page.locator('[class*="st-key-open_"] button', has_text=name).click()
    expect(page.locator("h1.crm-title")).to_have_text(name)
    idle(page)
    newest = page.locator("ol.crm-stages li").first
    expect(newest).to_contain_text("签约")
    expect(newest).to_contain_text("已 0 天")
    expect(newest).to_contain_text(PEOPLE["zhangsan"][0])
    expect(page.locator(".st-key-card_records")).to_contain_text(f"吉招合-{size['width']}")
    expect(page.locator(".st-key-card_facts")).to_contain_text("2099-03-01")


def test_a_project_moves_back_only_with_a_reason(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "lisi", path="/projects?at_stage=注册")
    view(page, "看板")
    lane(page, "registered").locator('[class*="st-key-open_"] button').first.click()
    expect(page.locator(".st-key-project_tags")).to_contain_text("注册")
    idle(page)
    page.locator(".st-key-another_stage button").click()
    page.get_by_text("退回到“签约”", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="移动").click()
    expect(dialog.get_by_role("alert")).to_contain_text("原因")
    dialog.get_by_label("回退原因").fill("公司注销，重新注册")
    dialog.get_by_role("button", name="移动").click()
    expect(page.locator("ol.crm-stages li").first).to_contain_text("公司注销，重新注册")


def test_the_board_counts_what_the_list_counts(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/projects")
    everything = total(page)
    for query in ("", "?concern=逾期未开工", "?holder=凤凰县"):
        go(page, f"{app.url}/projects{query}")
        listed = total(page)
        assert 0 < listed
        assert (listed < everything) is bool(query)
        view(page, "看板")
        counts = page.locator(".crm-lane span").all_inner_texts()
        assert len(counts) == 8
        assert sum(map(number, counts)) == listed == total(page)


def test_a_figure_filters_the_views_and_lets_go_again(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/projects")
    everything = total(page)
    shown = number(page.locator(".st-key-kpi_late_start").inner_text().replace("逾期未开工", ""))
    page.locator(".st-key-only_late_start button").click()
    expect(page.locator(".st-key-kpi_late_start_chosen")).to_be_visible()
    idle(page)
    assert total(page) == shown < everything
    assert "concern=" in page.url
    page.locator(".st-key-only_late_start button").click()
    expect(page.locator(".st-key-kpi_late_start_chosen")).to_have_count(0)
    idle(page)
    assert total(page) == everything


def test_a_project_of_another_unit_is_reached_by_no_way(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "wangwu", path="/projects")
    view(page, "看板")
    page.locator(".st-key-board [class*='st-key-open_'] button").first.click()
    expect(page).to_have_url(re.compile("/project\\?id="))
    idle(page)
    address, name = page.url, page.locator("h1.crm-title").inner_text()
    go(page, f"{app.url}/projects?find_project={name}")
    assert total(page) == 1
    page.context.clear_cookies()
    sign_in(page, "zhangsan", path=f"/projects?find_project={name}")
    for word in ("列表", "看板", "路线图", "日历"):
        page.locator(".st-key-view").get_by_text(word, exact=True).click()
        idle(page)
        assert total(page) == 0
        expect(page.get_by_text("没有符合条件的项目。")).to_be_visible()
    go(page, f"{app.url}/projects?holder=凤凰县")
    assert total(page) == 0
    go(page, address)
    expect(page.get_by_text(NOT_FOUND)).to_be_visible()
    expect(page.get_by_text(name)).to_have_count(0)


def test_the_calendar_is_a_sheet_at_a_desk_and_a_list_in_the_hand(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/projects")
    view(page, "日历")
    sheet, agenda = page.locator("table.crm-month"), page.locator(".crm-agenda")
    expect(sheet).to_be_visible()
    expect(agenda).to_be_hidden()
    event = sheet.locator("a.crm-event").first
    project = (event.get_attribute("href") or "").partition("id=")[2]
    event.click()
    expect(page).to_have_url(re.compile(f"/project\\?id={project}$"))
    expect(page.locator(".st-key-card_milestones")).to_be_visible()
    page.set_viewport_size(HAND)  # type: ignore[arg-type]
    go(page, f"{app.url}/projects?view=日历")
    expect(agenda).to_be_visible()
    expect(sheet).to_be_hidden()


def test_a_click_on_a_bar_of_the_roadmap_opens_its_project(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/projects?at_stage=投产")
    view(page, "路线图")
    bar = page.locator('[data-testid="stVegaLiteChart"] .mark-rect path[aria-label*="投产"]').first
    name = re.search(r"项目: ([^;]+);", bar.get_attribute("aria-label") or "")
    assert name
    bar.click()
    expect(page.locator("h1.crm-title")).to_have_text(name[1])


def test_a_difficulty_is_raised_and_resolved_and_a_milestone_planned(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "lisi", path="/projects?at_stage=开工")
    view(page, "看板")
    page.locator(".st-key-board [class*='st-key-open_'] button").first.click()
    expect(page.locator(".st-key-card_milestones")).to_be_visible()
    idle(page)
    page.locator(".st-key-records").get_by_text("困难问题").click()
    page.get_by_role("button", name="提出困难问题").click()
    dialog = page.get_by_role("dialog")
    said = "**专线** <b>未接通</b>"
    dialog.get_by_label("困难问题").fill(said)
    dialog.get_by_role("button", name="提出", exact=True).click()
    line = page.locator('[class*="st-key-line_difficulty_"]', has_text=said)
    expect(page.locator(".st-key-project_tags")).to_contain_text("困难待解决")
    line.get_by_role("button", name="已办结").click()
    dialog.get_by_label("办理结果").fill("已通电")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    expect(line).to_contain_text("已通电")
    page.get_by_role("button", name="新增节点").click()
    dialog.get_by_role("combobox", name="项目节点").click()
    page.get_by_role("option", name="环评").click()
    set_date(dialog, "计划日期", "20990101")
    dialog.get_by_role("button", name="保存").click()
    expect(page.locator('[class*="st-key-line_milestone_"]', has_text="计划 2099-01-01")).to_be_visible()


def test_a_reader_finds_no_button_that_changes_anything(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "sunba", path="/projects")
    expect(page.locator(".st-key-new_project")).to_have_count(0)
    view(page, "看板")
    expect(page.locator('[class*="st-key-move_"]')).to_have_count(0)
    page.locator(".st-key-board [class*='st-key-open_'] button").first.click()
    expect(page.locator(".st-key-card_milestones")).to_be_visible()
    idle(page)
    for key in ("move_on", "another_stage", "add_milestone"):
        expect(page.locator(f".st-key-{key}")).to_have_count(0)
    page.locator(".st-key-deeds button").click()
    expect(page.get_by_role("menuitem")).to_have_text(["变更记录"])
