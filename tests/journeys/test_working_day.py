"""A working day in a real browser: log a contact, import a ledger, rank a month, filter by chain, and see no more than
one may."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import python_calamine
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browser import click_cell, go, idle
from tests.journeys.bureau import DESK, MONTH, SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
SHARED = Path(os.environ.get("CRM_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def contacts(page: Page) -> int:
    """How many contacts the timeline says there are."""
    heading = page.locator("h2.crm-card-title", has_text="对接时间线").inner_text()
    return int(re.findall(r"\d+", heading)[0])


@SIZES
def test_a_contact_stands_on_the_timeline_and_is_counted(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    enterprise, name, code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/enterprise?id={enterprise}")
    before = contacts(page)
    go(page, f"{app.url}/ranking")
    page.locator("body").press("n")
    expect(page.locator("h1.crm-title")).to_have_text("记一笔对接")
    idle(page)
    page.get_by_placeholder("名称片段、拼音首字母或信用代码").fill(code.lower())
    page.locator(".st-key-matches button", has_text=name).click()
    expect(page.locator(".st-key-card_who")).to_contain_text(name)
    said = f"现场看了三号地块，{size['width']}，**<b>对方</b>** 要求月底前答复"
    page.get_by_label("对接内容").fill(said)
    page.get_by_label("下一步").fill("寄送用地方案")
    page.get_by_role("button", name="保存").first.click()
    expect(page.locator("h1.crm-title")).to_have_text(name)
    idle(page)
    expect(page.get_by_text(said, exact=True)).to_be_visible()
    expect(page.get_by_text("寄送用地方案").first).to_be_visible()
    assert contacts(page) == before + 1


def test_a_contact_without_content_says_so_at_the_field_and_keeps_what_was_typed(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    enterprise, _name, _code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/log-contact?enterprise={enterprise}")
    page.get_by_label("下一步").fill("再约时间")
    page.get_by_role("button", name="保存").first.click()
    expect(page.get_by_role("alert").filter(has_text="请填写对接内容。")).to_be_visible()
    expect(page.get_by_label("下一步")).to_have_value("再约时间")


def test_a_new_enterprise_is_checked_over_the_bureau_and_then_logged(page: Page, app: Bureau, sign_in: SignIn) -> None:
    _id, theirs, _code = app.of_fenghuang
    sign_in(page, "zhangsan", path="/log-contact")
    find = page.get_by_placeholder("名称片段、拼音首字母或信用代码")
    find.fill(theirs)
    page.get_by_role("button", name="作为").or_(page.get_by_role("button", name="新增企业")).click()
    expect(page.locator(".st-key-card_who")).to_contain_text("凤凰县")
    page.get_by_role("button", name="换一家").click()
    find.fill("湘西云顶智能装备有限公司")
    page.get_by_role("button", name="新增企业").click()
    page.get_by_label("对接内容").fill("初次来电")
    code = page.get_by_label("统一社会信用代码")
    code.fill("91430104183791051G")
    code.press("Tab")
    page.get_by_role("button", name="保存").first.click()
    expect(page.get_by_role("alert").filter(has_text="校验位不符")).to_be_visible()
    page.get_by_text("代码确认无误，仍按此保存").click()
    idle(page)
    page.get_by_role("button", name="保存").first.click()
    expect(page.locator("h1.crm-title")).to_have_text("湘西云顶智能装备有限公司")
    assert contacts(page) == 1


@SIZES
def test_a_month_is_ranked_and_any_number_opens_its_projects(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhaoliu", path=f"/ranking?month={MONTH}")
    cells = page.locator(".st-key-card_ranking canvas table td")
    expect(cells.filter(has_text=app.ranking.rows[-1].unit.name)).to_have_count(1)
    shown = cells.all_text_contents()
    for row in app.ranking.rows:
        assert row.unit.name in shown
        if size is DESK:  # a narrow table lists only the columns in sight
            assert f"{row.pairs['startup'].n}/{row.pairs['startup'].d}" in shown
    best = app.ranking.rows[0]
    go(page, f"{app.url}/ranking?month={MONTH}&unit={best.unit.name}")
    page.locator(".st-key-card_behind").get_by_text("履约率", exact=True).click()
    idle(page)
    pair = best.pairs["performance"]
    expect(page.locator(".st-key-card_behind")).to_contain_text(f"({pair.n}/{pair.d})")
    rows = page.locator(".st-key-card_behind canvas table tbody tr")
    expect(rows).to_have_count(min(int(pair.d), rows.count()))
    expect(page).to_have_url(re.compile("rate="))


@SIZES
def test_a_click_on_a_rate_in_the_table_opens_that_unit(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhaoliu", path=f"/ranking?month={MONTH}")
    third = app.ranking.rows[2]
    click_cell(page.locator(".st-key-card_ranking"), 2, x=325)  # on the bar of the first rate
    expect(page.locator(".st-key-card_behind")).to_contain_text(f"{third.unit.name} · 签约率")


@SIZES
def test_leads_are_filtered_by_chain_and_the_address_is_the_view(
    page: Page, browser: Browser, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhaoliu", path="/enterprises")
    page.locator(".st-key-industry").get_by_role("combobox").click()
    page.get_by_role("option", name="茶叶").click()
    heading = page.locator("h2.crm-card-title", has_text="家企业")
    expect(heading).to_have_text(f"共 {app.in_tea:,} 家企业")
    address = page.url
    assert "industry=" in address
    other = browser.new_context(locale="zh-CN")
    fresh = sign_in(other.new_page(), "sunba", path=address.removeprefix(app.url))
    expect(fresh.locator("h2.crm-card-title", has_text="家企业")).to_have_text(f"共 {app.in_tea:,} 家企业")
    other.close()


@SIZES
def test_the_export_holds_what_the_filter_shows_and_nothing_of_another_unit(
    page: Page, browser: Browser, app: Bureau, sign_in: SignIn, tmp_path: Path, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/enterprises?grade=A")
    heading = page.locator("h2.crm-card-title", has_text="家企业").inner_text()
    shown = int(re.findall(r"[\d,]+", heading)[0].replace(",", ""))
    assert 0 < shown
    with page.expect_download() as download:
        page.get_by_role("button", name="导出").click()
    path = tmp_path / "out.xlsx"
    download.value.save_as(path)
    rows = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    names, units, grades = (rows[0].index(heading) for heading in ("企业名称", "责任单位", "意向等级"))
    assert len(rows) - 1 == shown
    assert {row[grades] for row in rows[1:]} == {"A"}
    assert "凤凰县" not in {row[units] for row in rows[1:]}
    assert app.of_fenghuang[1] not in {row[names] for row in rows[1:]}
    assert page.context.request.get(download.value.url).status == 200
    other = browser.new_context(locale="zh-CN")
    stranger = sign_in(other.new_page(), "wangwu")
    assert stranger.context.request.get(download.value.url).status == 404
    other.close()


def test_staff_find_nothing_of_another_unit(page: Page, app: Bureau, sign_in: SignIn) -> None:
    enterprise, name, code = app.of_fenghuang
    sign_in(page, "wangwu", path=f"/enterprises?q={code}")
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text("共 1 家企业")
    page.context.clear_cookies()
    sign_in(page, "zhangsan", path=f"/enterprises?q={code}")
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text("共 0 家企业")
    go(page, f"{app.url}/log-contact")
    page.get_by_placeholder("名称片段、拼音首字母或信用代码").fill(name)
    expect(page.get_by_role("button", name="新增企业")).to_be_visible()
    expect(page.locator(".st-key-matches button")).to_have_count(0)
    for address in (f"/enterprise?id={enterprise}", f"/log-contact?enterprise={enterprise}"):
        go(page, app.url + address)
        expect(page.get_by_text("没有这条记录，或不在您的权限范围内。")).to_be_visible()
        expect(page.get_by_text(name)).to_have_count(0)
    fenghuang = next(row for row in app.ranking.rows if row.unit.code == "433123")
    go(page, f"{app.url}/ranking?month={MONTH}&unit={fenghuang.unit.name}")
    hidden = int(fenghuang.pairs["startup"].d)
    expect(page.locator(".st-key-card_behind")).to_contain_text(f"另有 {hidden} 个计入项目不在您的权限范围内")


@pytest.mark.skipif(
    not (SHARED / "registry_sample.csv").is_file(), reason="the registry sample is not beside the checkout"
)
def test_the_registry_sample_is_previewed_imported_and_taken_back(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/import")
    page.locator('input[type="file"]').set_input_files(SHARED / "registry_sample.csv")
    preview = page.locator(".st-key-card_preview")
    expect(preview).to_contain_text("3,000", timeout=30_000)
    page.get_by_role("button", name="导入 3,000 行").click()
    expect(page.locator(".st-key-card_batches")).to_contain_text("registry_sample.csv · 新增 3000", timeout=60_000)
    go(page, f"{app.url}/enterprises?q=华特建筑装饰")
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text("共 1 家企业")
    go(page, f"{app.url}/import")
    page.get_by_role("link", name="去匹配环节").first.click()
    expect(page.locator("h2.crm-card-title", has_text="未归入环节")).to_have_text("3,000 家企业未归入环节")
    go(page, f"{app.url}/import")
    page.locator(".st-key-card_batches").get_by_role("button", name="撤回").first.click()
    page.locator(".st-key-confirm_yes button").click()
    expect(page.locator(".st-key-card_batches")).to_contain_text("已撤回", timeout=60_000)
    go(page, f"{app.url}/enterprises?q=华特建筑装饰")
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text("共 0 家企业")
