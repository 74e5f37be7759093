"""Closing a month in the browser: the dispatcher closes and reopens it; everybody else reads what is published."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.apps import App
from tests.engines import EmbeddedEngine
from tests.journeys.browser import idle
from tests.journeys.bureau import DESK, MONTH, SIZES, served_bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def app(embedded_engine: EmbeddedEngine) -> Iterator[App]:
    """A bureau of its own: other journeys must not find its months closed."""
    with served_bureau(embedded_engine) as served:
        yield served


@SIZES
def test_a_month_is_closed_and_reopened_with_a_reason(
    page: Page, app: App, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    month = MONTH.plus(0 if size is DESK else -1)
    sign_in(page, "zhaoliu", path=f"/close?closing_month={month}")
    expect(page.locator("h1.crm-title")).to_have_text("月度封账")
    page.get_by_role("button", name=f"封账 {month}").click()
    page.get_by_role("dialog").get_by_role("button", name="封账").click()
    expect(page.locator(".st-key-card_published")).to_be_visible(timeout=20_000)
    idle(page)
    expect(page.locator(".st-key-card_changes")).to_contain_text("每个数字都与发布时相同")
    page.get_by_role("button", name="重新打开").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("一个项目漏报")
    page.get_by_role("dialog").get_by_role("button", name="重新打开").click()
    expect(page.locator(".st-key-card_earlier")).to_contain_text("一个项目漏报", timeout=20_000)
    expect(page.get_by_role("button", name=f"封账 {month}")).to_be_visible()


def test_staff_read_what_is_published_and_close_nothing(page: Page, app: App, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path=f"/close?closing_month={MONTH.plus(-2)}")
    expect(page.locator(".st-key-card_readiness")).to_contain_text("还没有封账")
    expect(page.get_by_role("button", name="封账")).to_have_count(0)
