"""Filters over pages, languages and addresses: what is kept where, and what an address means."""

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser import go, idle
from tests.journeys.bureau import SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
COUNTED = re.compile(r"([\d,]+) (?:家企业|enterprises)")


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """A filter shows something only where there is much to filter."""
    return bureau


def counted(page: Page) -> str:
    """How many enterprises the directory says there are."""
    heading = page.locator("h2.crm-card-title", has_text=COUNTED)
    found = COUNTED.search(heading.inner_text())
    assert found is not None
    return found.group(1)


@SIZES
def test_an_address_means_the_same_in_the_other_language(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhaoliu", path="/enterprises?grade=A&stage=签约")
    few = counted(page)
    go(page, f"{app.url}/enterprises")
    assert counted(page) != few
    go(page, f"{app.url}/enterprises?grade=A&stage=签约")
    go(page, f"{app.url}/language?to=en&next=/enterprises?grade%3DA%26stage%3D签约")
    expect(page.locator("h1.crm-title")).to_have_text("Enterprises")
    idle(page)
    assert counted(page) == few
    assert unquote(page.url).endswith("/enterprises?grade=A&stage=Signed")
    go(page, f"{app.url}/language?to=zh_CN&next=/enterprises?grade%3DA%26stage%3DSigned")
    assert counted(page) == few
    assert unquote(page.url).endswith("/enterprises?grade=A&stage=签约")


def test_each_page_keeps_its_own_and_a_link_brings_its_own(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/desk")
    page.locator(".st-key-desk_unit").get_by_role("combobox").click()
    page.get_by_role("option", name="凤凰县").click()
    idle(page)
    page.locator(".st-key-quiet_grade").get_by_text("B", exact=True).click()
    idle(page)
    page.get_by_role("link", name="企业名录").click()
    expect(page.locator("h1.crm-title")).to_have_text("企业名录")
    idle(page)
    assert "?" not in page.url
    everything = counted(page)
    page.locator(".st-key-grade").get_by_role("combobox").click()
    page.get_by_role("option", name="A", exact=True).click()
    idle(page)
    of_grade_a = counted(page)
    assert of_grade_a != everything
    page.get_by_role("link", name="产业链", exact=True).click()
    idle(page)
    page.get_by_role("button", name="茶叶").first.click()
    idle(page)
    link = page.locator('[class*="st-key-open_segment_"] button')
    told = re.findall(r"企业 ([\d,]+) 家", link.first.inner_text())[0]
    link.first.click()
    expect(page.locator("h1.crm-title")).to_have_text("企业名录")
    idle(page)
    assert counted(page) == told
    assert "grade=" not in page.url
    page.get_by_role("link", name="我的待办").click()
    idle(page)
    expect(page.locator(".st-key-desk_unit input")).to_have_value("凤凰县")
