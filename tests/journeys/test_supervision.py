"""Cards and supervision orders in a real browser: raised from cards, answered by the unit, closed by the bureau."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.browser import go, idle, tick_row
from tests.journeys.bureau import DESK, MONTH, SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


@pytest.fixture
def newcomer(browser: Browser, sign_in: SignIn) -> Callable[..., Page]:
    """Sign somebody in in a browser of their own."""

    def signing_in(login: str, *, path: str) -> Page:
        return sign_in(browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai").new_page(), login, path=path)

    return signing_in


def figure(page: Page, name: str) -> int:
    """A figure in the cards at the top."""
    return int(page.locator(f".st-key-kpi_{name} [data-testid=stMetricValue]").inner_text().replace(",", ""))


def ask(page: Page, deed: str) -> Locator:
    """Press a button of an order and return its dialog."""
    page.locator(f".st-key-{deed} button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


@SIZES
def test_a_card_becomes_an_order_that_the_unit_answers_and_the_bureau_closes(
    page: Page, app: Bureau, sign_in: SignIn, newcomer: Callable[..., Page], size: dict[str, int]
) -> None:
    # A table draws the columns that are in sight: which card has no order yet is looked up on a wide screen.
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    sign_in(page, "zhaoliu", path=f"/cards?month={MONTH}&card_unit=吉首市&card_colour=红牌")
    expect(page.locator("h1.crm-title")).to_have_text("亮牌与红黑榜")
    rows = page.locator(".st-key-card_cards canvas table tbody tr")
    expect(rows.first).to_be_attached()
    free = next(n for n in range(rows.count()) if "督办〔" not in (rows.nth(n).text_content() or ""))
    name = rows.nth(free).locator("td").nth(3).text_content()
    page.set_viewport_size(size)  # type: ignore[arg-type]
    idle(page)
    tick_row(page.locator(".st-key-card_cards"), free)
    expect(page.locator(".st-key-cards_bar")).to_contain_text("已选 1 张")
    idle(page)
    dialog = ask(page, "raise")
    expect(dialog.get_by_label("督办要求")).to_have_value(re.compile("应于.*开工"))
    demand = f"请在七日内书面说明开工安排，{size['width']}，**<b>限期</b>**"
    dialog.get_by_label("督办要求").fill(demand)
    dialog.get_by_role("button", name="下达").click()
    toast = page.get_by_test_id("stToast")
    expect(toast).to_contain_text("已下达", timeout=15_000)
    number = re.findall(r"督办〔\d+〕\d+号", toast.inner_text())[0]
    if size is DESK:
        expect(rows.nth(free)).to_contain_text(number)

    unit = newcomer("zhangsan", path="/desk?whose=我的")
    unit.set_viewport_size(size)  # type: ignore[arg-type]
    unit.locator(".st-key-due_kind").get_by_text("督办单", exact=True).click()
    idle(unit)
    line = unit.locator('[class*="st-key-todo_supervision_"]', has_text=f"{number} {demand}").first
    line.get_by_role("link", name="查看督办单").click()
    expect(unit.locator("h1.crm-title")).to_have_text(number)
    idle(unit)
    expect(unit.locator(".st-key-card_order")).to_contain_text(demand)
    expect(unit.get_by_role("button", name="销号")).to_have_count(0)
    dialog = ask(unit, "answer")
    dialog.get_by_role("button", name="反馈").click()
    expect(dialog.get_by_role("alert")).to_contain_text("请填写办理情况。")
    dialog.get_by_label("办理情况").fill("图审已通过，下周开工。")
    dialog.get_by_role("button", name="反馈").click()
    expect(unit.locator(".st-key-card_order_steps")).to_contain_text("图审已通过", timeout=15_000)

    go(page, unit.url)
    dialog = ask(page, "close_order")
    dialog.get_by_label("办理结果").fill("现场已核实开工")
    dialog.get_by_role("button", name="销号").click()
    expect(page.locator(".st-key-card_order")).to_contain_text("现场已核实开工", timeout=15_000)
    expect(page.locator(".st-key-order_tags")).to_contain_text("已销号")
    expect(page.locator(".st-key-card_order_steps li")).to_have_count(3)
    page.locator(".st-key-card_order").get_by_role("link", name=name or "").click()
    expect(page.locator(".st-key-card_supervision")).to_contain_text(number, timeout=15_000)
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0
    unit.context.close()


def test_the_overdue_rise_at_once(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/supervision")
    rising = figure(page, "orders_rising")
    assert rising > 0
    dialog = ask(page, "escalate_all")
    dialog.get_by_role("button", name="升级").click()
    expect(page.get_by_test_id("stToast")).to_contain_text(f"{rising} 份督办单已升级", timeout=15_000)
    idle(page)
    assert figure(page, "orders_rising") == 0
    expect(page.locator(".st-key-escalate_all")).to_have_count(0)


def test_another_units_order_is_nowhere_to_be_found(
    page: Page, app: Bureau, sign_in: SignIn, newcomer: Callable[..., Page]
) -> None:
    sign_in(page, "zhaoliu", path="/supervision?order_unit=凤凰县")
    link = page.locator('[class*="st-key-order_"] a').first
    address, number = link.get_attribute("href") or "", link.inner_text().strip()
    go(page, f"{app.url}/supervision?order_unit=凤凰县&find_order={number}")
    expect(page.locator("h2.crm-card-title")).to_contain_text(re.compile("共 [1-9]"))
    other = newcomer("zhangsan", path="/supervision")
    expect(other.locator(".st-key-card_orders")).to_contain_text("吉首市")
    expect(other.locator(".st-key-card_orders")).not_to_contain_text("凤凰县")
    expect(other.get_by_role("button", name="新建督办单")).to_have_count(0)
    order = re.findall(r"order=(\d+)", address)[0]
    go(other, f"{app.url}/supervision?order={order}")
    expect(other.get_by_role("alert")).to_contain_text("不在您的权限范围内")
    expect(other.locator("body")).not_to_contain_text(number)
    other.context.close()
