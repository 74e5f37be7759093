"""Industry chains in a real browser: a gap is seen, a segment opens the directory, a proposal is confirmed, a segment
is ended and offered no more."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browser import go, idle, number, tick_row
from tests.journeys.bureau import SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def directory_heading(page: Page) -> str:
    """What the directory says it holds."""
    return page.locator("h2.crm-card-title", has_text="家企业").inner_text()


@SIZES
def test_a_gap_is_seen_and_a_segment_opens_the_directory_with_the_same_count(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    # A filter of an earlier visit must not narrow what the segment opens.
    sign_in(page, "zhaoliu", path="/enterprises?grade=A")
    narrowed = number(directory_heading(page))
    go(page, f"{app.url}/chains")
    page.get_by_role("button", name="白酒", exact=True).click()
    idle(page)
    expect(page.locator("h1.crm-title")).to_have_text("白酒")
    expect(page).to_have_url(re.compile("industry=liquor"))
    gaps = page.locator('[class*="st-key-segment_no_"] .crm-chip-no_enterprise, .crm-chip-no_project')
    expect(page.locator(".st-key-kpi_gaps")).to_contain_text(str(gaps.count()))
    koji = page.locator('[class*="st-key-segment_no_enterprise_"]', has_text="酒曲与酿造微生物")
    expect(koji).to_contain_text("缺企业")
    expect(koji).to_contain_text("补链")
    card = page.locator('[class*="st-key-segment_filled_"]', has_text="酿酒装备")
    link = card.get_by_role("button", name=re.compile("企业"))
    count = number(link.inner_text())
    # The button lies over the whole card.
    card.locator("h3").click(force=True)
    expect(page.locator("h1.crm-title")).to_have_text("企业名录")
    idle(page)
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text(re.compile(rf"\b{count}\b"))
    assert count != narrowed
    expect(page).to_have_url(re.compile("industry=.*segment="))


def test_the_keyboard_opens_a_segment(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "qianqi", path="/chains?industry=liquor")
    link = page.locator('[class*="st-key-segment_filled_"]', has_text="酿酒装备").get_by_role("button").first
    count = number(link.inner_text())
    link.focus()
    link.press("Enter")
    expect(page.locator("h1.crm-title")).to_have_text("企业名录")
    idle(page)
    assert number(directory_heading(page)) == count


def test_a_segments_projects_are_listed(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "sunba", path="/chains?industry=tea")
    link = page.locator('[class*="st-key-segment_filled_"]').first.get_by_role("button", name=re.compile("项目"))
    count = number(link.inner_text())
    link.click()
    expect(page.get_by_role("dialog")).to_contain_text(f"共 {count} 条")


def test_staff_see_the_counts_of_their_unit_alone(page: Page, browser: Browser, app: Bureau, sign_in: SignIn) -> None:
    def enterprises(of: Page) -> int:
        return number(of.locator(".st-key-card_chain_tea dd").first.inner_text())

    sign_in(page, "zhaoliu", path="/chains")
    whole = enterprises(page)
    assert whole == app.in_tea
    other = browser.new_context(locale="zh-CN")
    staff = sign_in(other.new_page(), "zhangsan", path="/chains")
    own = enterprises(staff)
    assert 0 < own < whole
    other.close()


def test_a_task_force_sees_its_own_chain_only(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "qianqi", path="/chains")
    expect(page.locator('[class*="st-key-open_chain_"]')).to_have_count(1)
    go(page, f"{app.url}/chains?industry=tea")
    expect(page.get_by_text("没有这条记录，或不在您的权限范围内。")).to_be_visible()


@SIZES
def test_a_proposal_is_confirmed_and_taken_back(page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhaoliu", path="/matching")
    heading = page.locator("h2.crm-card-title", has_text="家企业未归入环节")
    before = number(heading.inner_text())
    row = page.locator('[class*="st-key-candidate_"]', has=page.get_by_role("checkbox")).first
    name = row.locator("b").first.inner_text()
    expect(row.locator("mark").first).to_be_visible()
    # The box itself is drawn by its label.
    row.locator("label").first.click()
    page.get_by_role("button", name="确认勾选的 1 项").click()
    expect(heading).to_have_text(f"{before - 1} 家企业未归入环节")
    expect(page.get_by_text(name, exact=True)).to_have_count(0)
    page.get_by_role("button", name="撤销上次确认").click()
    expect(heading).to_have_text(f"{before} 家企业未归入环节")


def test_a_run_over_all_confirms_only_what_is_ticked(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/matching")
    heading = page.locator("h2.crm-card-title", has_text="家企业未归入环节")
    before = number(heading.inner_text())
    page.get_by_role("button", name="全部提出建议").click()
    expect(page.get_by_text("家提出了建议")).to_be_visible(timeout=20_000)
    assert number(heading.inner_text()) == before
    tick = page.get_by_role("button", name=re.compile("勾选最强的"))
    strongest = number(tick.inner_text())
    assert 0 < strongest < before
    tick.click()
    expect(page.get_by_role("button", name=f"确认勾选的 {strongest} 项")).to_be_visible()
    page.locator('[class*="st-key-candidate_"] label').first.click()
    page.get_by_role("button", name=f"确认勾选的 {strongest - 1} 项").click()
    expect(heading).to_have_text(f"{before - strongest + 1} 家企业未归入环节")
    page.get_by_role("button", name="撤销上次确认").click()
    expect(heading).to_have_text(f"{before} 家企业未归入环节")


def test_the_administrator_ends_a_segment_and_it_is_offered_no_more(
    page: Page, browser: Browser, app: Bureau, sign_in: SignIn
) -> None:
    sign_in(page, "admin", path="/chain-admin")

    def choose(card: str, row: int) -> None:
        tick_row(page.locator(f".st-key-card_{card}"), row)

    def ended(of: Page) -> Any:
        return of.locator('[class*="st-key-segment_ended_"]', has_text="物流园区与仓储设施")

    choose("industries", 9)
    expect(page.locator("h2.crm-card-title", has_text="商贸物流的环节")).to_be_visible()
    choose("segments", 0)
    page.get_by_role("button", name="修改环节").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("环节名称")).to_have_value("物流园区与仓储设施")
    dialog.get_by_label("关键词，每行一个").fill("园")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog.get_by_role("alert").filter(has_text="关键词至少两个字")).to_be_visible()
    dialog.get_by_label("关键词，每行一个").fill("物流园区\n仓储")
    dialog.get_by_test_id("stDateInput").nth(1).get_by_role("spinbutton").first.click()
    page.keyboard.type("20260131")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    other = browser.new_context(locale="zh-CN")
    dispatcher = sign_in(other.new_page(), "zhaoliu", path="/chains?industry=logistics")
    expect(ended(dispatcher)).to_contain_text("2026-01-31 已截止")
    go(dispatcher, f"{app.url}/matching?unplaced_in=商贸物流")
    dispatcher.get_by_role("button", name="全部提出建议").click()
    expect(dispatcher.get_by_text("家提出了建议")).to_be_visible(timeout=20_000)
    expect(dispatcher.locator('[class*="st-key-candidate_"]').first).to_be_visible()
    expect(dispatcher.get_by_text("物流园区与仓储设施")).to_have_count(0)
    other.close()
