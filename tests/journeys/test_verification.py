"""Verifying in a real browser: many at once, returned and claimed again, both numbers side by side; points."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browser import click_cell, idle, tick_row
from tests.journeys.bureau import SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def counts(page: Page) -> tuple[int, ...]:
    """How many claims wait, were returned and are verified, as the page says."""
    states = ("waiting", "returned", "verified")
    values = [page.locator(f".st-key-kpi_claims_{state} [data-testid=stMetricValue]").inner_text() for state in states]
    return tuple(int(value.replace(",", "")) for value in values)


def tick(page: Page, *rows: int) -> None:
    """Tick rows of the queue."""
    for row in rows:
        tick_row(page.locator(".st-key-card_queue"), row)


def fits(page: Page) -> bool:
    """Whether nothing hangs over the right edge of the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@SIZES
def test_a_unit_head_verifies_several_claims_at_once(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "lisi", path="/verification")
    waiting, returned, verified = counts(page)
    assert waiting > 2
    tick(page, 0, 1)
    expect(page.locator(".st-key-bulk")).to_contain_text("已选 2 条")
    page.get_by_role("button", name="通过").click()
    expect(page.get_by_text("已核验 2 条申报。")).to_be_visible()
    idle(page)
    assert counts(page) == (waiting - 2, returned, verified + 2)
    expect(page.locator(".st-key-bulk")).to_have_count(0)
    assert fits(page)


@SIZES
def test_a_claim_is_returned_with_a_reason_and_claimed_again_by_its_unit(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "lisi", path="/verification")
    waiting, returned, verified = counts(page)
    tick(page, 0)
    expect(page.locator(".st-key-card_claim")).to_contain_text("申报日期")
    page.get_by_role("button", name="退回单位").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="退回", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("请写明退回原因")
    reason = f"**照片** <b>不清楚</b> {size['width']}"
    dialog.get_by_label("退回理由").fill(reason)
    dialog.get_by_role("button", name="退回", exact=True).click()
    expect(dialog).to_have_count(0)
    idle(page)
    assert counts(page) == (waiting - 1, returned + 1, verified)
    # Its unit finds it, the newest first, and claims it again.
    page.context.clear_cookies()
    sign_in(page, "zhangsan", path="/verification?claim_state=已退回单位")
    assert counts(page) == (waiting - 1, returned + 1, verified)
    tick(page, 0)
    card = page.locator(".st-key-card_claim")
    expect(card).to_contain_text(reason)
    expect(page.locator(".st-key-accept_claims, .st-key-return_claims")).to_have_count(0)
    card.get_by_role("button", name="补正佐证").click()
    dialog.get_by_label("佐证材料").fill("补拍照片 3 张")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    idle(page)
    assert counts(page) == (waiting, returned, verified)
    assert fits(page)


def test_a_step_gets_a_file_and_is_verified_on_the_page_of_its_project(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    sign_in(page, "lisi", path="/verification?claim_kinds=用地")
    tick(page, 0)
    page.locator(".st-key-card_claim").get_by_role("link", name="打开项目").click()
    line = page.locator('[class*="st-key-line_milestone_"]', has_text="用地")
    line.get_by_role("button", name="附件").click()
    dialog = page.get_by_role("dialog")
    permit = {"name": "土地证.txt", "mimeType": "text/plain", "buffer": "土地证".encode()}
    dialog.locator("input[type=file]").set_input_files(permit)  # type: ignore[arg-type]
    dialog.get_by_role("button", name="上传附件").click()
    expect(dialog.get_by_role("link", name="土地证.txt")).to_be_visible()
    dialog.get_by_role("button", name="关闭").click()
    expect(line.get_by_role("button", name="附件 1")).to_be_visible()
    idle(page)
    line.get_by_role("button", name="核验").click()
    expect(page.get_by_text("已核验 1 条申报。")).to_be_visible()
    expect(line).to_contain_text("已核验")
    expect(line.get_by_role("button", name="核验")).to_have_count(0)


def test_a_leader_reads_both_numbers_and_the_projects_between_them(page: Page, app: Bureau, sign_in: SignIn) -> None:
    row = next(row for row in app.ranking.rows if row.unit.short_name == "花垣")
    pair = row.pairs["startup"]
    sign_in(page, "sunba", path="/verification?verification_part=申报与核验对比&gap_unit=花垣县")
    gap = page.locator(".st-key-card_gap")
    expect(gap).to_contain_text(f"花垣县 · 开工率：申报 {float(pair.rate or 0) * 100:.1f}%（{pair.n}/{pair.d}），核验")
    found = re.search(r"核验 [\d.]+%（(\d+)/(\d+)）", gap.inner_text())
    assert found
    assert int(found[1]) < int(pair.n)
    click_cell(gap, 0, x=16)
    expect(page).to_have_url(re.compile("/project\\?id="))
    expect(page.locator(".st-key-card_milestones")).to_be_visible()
    idle(page)
    expect(page.locator('[class*="st-key-verify_"], [class*="st-key-return_"], [class*="st-key-mend_"]')).to_have_count(
        0
    )


def test_a_dispatcher_gives_points_with_reason_and_evidence(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/adjustments?adjustment_unit=永顺县")
    page.get_by_role("button", name="新增加减分").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="分值").fill("－200")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog.get_by_role("alert").first).to_be_visible()
    alerts = " ".join(dialog.get_by_role("alert").all_inner_texts())
    for words in ("每次加减分不超过 100 分", "请写明加减分原因", "请填写依据"):
        assert words in alerts
    dialog.get_by_role("textbox", name="分值").fill("－1.5")
    dialog.get_by_label("佐证材料").fill("州督办〔2026〕7号")
    dialog.get_by_label("原因", exact=True).fill("督办事项逾期")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    idle(page)
    tick_row(page.locator(".st-key-card_adjustments"), 0)
    expect(page.locator(".st-key-bulk")).to_contain_text("永顺县")
    expect(page.locator(".st-key-bulk")).to_contain_text("-1.5")
    page.locator(".st-key-withdraw_adjustment button").click()
    dialog.get_by_label("原因", exact=True).fill("重复登记")
    dialog.get_by_role("button", name="撤回").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("这里没有加减分。")).to_be_visible()
    page.context.clear_cookies()
    sign_in(page, "lisi", path="/verification")
    expect(page.get_by_role("link", name="加减分")).to_have_count(0)
