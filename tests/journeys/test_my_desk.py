"""The desk in a real browser: tick off, undo, postpone, log; what the unit head sees; timetable and calendar."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.browser import click_cell, go, idle
from tests.journeys.bureau import DESK, SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def count(page: Page, part: str) -> int:
    """The figure at the top of the desk."""
    return int(page.locator(f".st-key-kpi_count_{part} [data-testid=stMetricValue]").inner_text().replace(",", ""))


def first_step(page: Page) -> tuple[str, Locator]:
    """The first next step in the list: the name of its line, and the line."""
    classes = page.locator('[class*="st-key-finish_next_step_"]').first.get_attribute("class") or ""
    name = re.findall(r"st-key-finish_(next_step_\d+)", classes)[0]
    return name, page.locator(f".st-key-todo_{name}")


@SIZES
def test_an_overdue_step_is_ticked_off_and_gone_undone_and_back(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/desk?when=已逾期")
    page.locator(".st-key-due_kind").get_by_text("下一步", exact=True).click()
    idle(page)
    name, line = first_step(page)
    expect(line).to_contain_text(re.compile(r"逾期 \d+ 天"))
    before = count(page, "overdue")
    line.get_by_role("button", name="办结").click()
    expect(line).to_have_count(0)
    expect(page.locator(".st-key-undo_line")).to_contain_text("已办结")
    assert count(page, "overdue") == before - 1
    page.get_by_role("button", name="撤销").click()
    expect(page.locator(f".st-key-todo_{name}")).to_have_count(1)
    idle(page)
    assert count(page, "overdue") == before
    expect(page.locator(".st-key-undo_line")).to_have_count(0)


@SIZES
def test_a_step_is_postponed_with_a_reason_only(page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/desk?when=已逾期")
    page.locator(".st-key-due_kind").get_by_text("下一步", exact=True).click()
    idle(page)
    before = count(page, "overdue")
    _name, line = first_step(page)
    line.get_by_role("button", name="延期").click()
    page.locator(".st-key-postpone_yes button").click()
    expect(page.get_by_role("alert").filter(has_text="请说明延期原因。")).to_be_visible()
    page.locator(".st-key-postpone_reason input").fill("对方出差")
    page.locator(".st-key-postpone_reason input").press("Tab")
    page.locator(".st-key-postpone_yes button").click()
    expect(line).to_have_count(0)
    idle(page)
    assert count(page, "overdue") == before - 1


@SIZES
def test_the_unit_head_sees_the_unit_and_nobody_sees_another(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    shown = {}
    for login, own, other in (("zhangsan", "吉首", "凤凰"), ("lisi", "吉首", "凤凰"), ("wangwu", "凤凰", "吉首")):
        page.context.clear_cookies()
        sign_in(page, login, path="/desk")
        shown[login] = count(page, "overdue")
        about = page.locator('[class*="st-key-todo_text_"] [data-testid=stCaptionContainer]').all_inner_texts()
        assert about
        assert all(f" {own} " in f"{text} " for text in about), about
        assert not any(f" {other} " in text for text in about)
    assert 0 < shown["zhangsan"] < shown["lisi"]
    page.context.clear_cookies()
    sign_in(page, "lisi", path="/desk?whose=我的")
    # Nothing is in the head's own name but what is demanded of the unit.
    due = '[class*="st-key-todo_text_"]:not([class*="st-key-todo_text_quiet_"])'
    assert [text for text in page.locator(due).all_inner_texts() if "督办〔" not in text] == []
    page.locator(".st-key-due_kind").get_by_text("下一步", exact=True).click()
    expect(page.get_by_text("没有到期的待办。")).to_be_visible()


@SIZES
def test_a_leader_reads_every_unit_and_changes_nothing(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "sunba", path="/desk")
    assert count(page, "overdue") > 0
    everything = page.locator(".st-key-card_due")
    expect(everything.locator('[class*="st-key-todo_text_"]').first).to_be_visible()
    for word in ("办结", "延期", "记一笔"):
        expect(everything.get_by_role("button", name=word)).to_have_count(0)


@SIZES
def test_a_quiet_enterprise_is_one_click_from_its_contact(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/desk")
    line = page.locator('.st-key-card_quiet [class*="st-key-todo_quiet_"]').first
    name = line.locator("a").inner_text()
    line.get_by_role("button", name="记一笔").click()
    expect(page.locator("h1.crm-title")).to_have_text("记一笔对接")
    expect(page.locator(".st-key-card_who")).to_contain_text(name)


@SIZES
def test_who_contacted_whom_last_month_and_one_person_alone(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "lisi", path="/desk?period=上月")
    card = page.locator(".st-key-card_made")
    expect(card.locator(".st-key-people canvas table")).to_be_attached()
    people = card.locator(".st-key-people canvas table tbody tr")
    total = int(re.findall(r"共 ([\d,]+) 条", card.inner_text())[0].replace(",", ""))
    of_first = int(people.first.locator("td").all_text_contents()[2])
    assert 0 < of_first < total
    click_cell(card.locator(".st-key-people"), 0, x=60)
    expect(card.get_by_text(f"共 {of_first} 条")).to_be_visible()


@SIZES
def test_a_timetable_is_planned_and_a_step_done_by_the_newest_contact(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    # A timetable is planned once with an enterprise: each size takes one of its own.
    (enterprise, _name, _code), login = (app.of_jishou, "zhangsan") if size is DESK else (app.of_fenghuang, "wangwu")
    sign_in(page, login, path=f"/enterprise?id={enterprise}")
    card = page.locator(".st-key-card_timetable")
    card.get_by_role("button", name="按常用步骤排期").click()
    page.locator(".st-key-steps_save button").click()
    lines = card.locator('[class*="st-key-todo_step_"]')
    expect(lines).to_have_count(6)
    expect(lines.first).to_contain_text("初次对接")
    lines.first.get_by_role("button", name="标记完成").click()
    expect(lines.first).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d 已完成"))
    idle(page)
    lines.first.get_by_role("button", name="重新打开").click()
    expect(lines.first).to_contain_text("今天")
    lines.nth(1).get_by_role("button", name="修改").click()
    page.locator(".st-key-step_text input").fill("**对方**来访")
    page.locator(".st-key-step_text input").press("Tab")
    page.locator(".st-key-step_save button").click()
    expect(lines.nth(1)).to_contain_text("**对方**来访")
    lines.nth(1).get_by_role("button", name="修改").click()
    page.locator(".st-key-step_remove button").click()
    expect(page.get_by_text("“**对方**来访”将从对接时间表和待办中移除，不能恢复。")).to_be_visible()
    expect(lines).to_have_count(6)
    page.locator(".st-key-step_remove_yes button").click()
    expect(lines).to_have_count(5)


@SIZES
def test_a_calendar_address_is_shown_once_and_revoked(
    page: Page, browser: Browser, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/desk")
    page.get_by_role("button", name="生成地址").click()
    code = page.get_by_role("dialog").locator("code")
    expect(code).to_contain_text("/calendar/")
    address = code.inner_text().strip()
    assert re.fullmatch(re.escape(app.url) + r"/calendar/[\w-]{43}\.ics", address)
    elsewhere = browser.new_context()
    answer = elsewhere.request.get(address)
    assert (answer.status, answer.text().count("BEGIN:VEVENT") > 0) == (200, True)
    assert "张三的待办" in answer.text().replace("\r\n ", "")
    go(page, f"{app.url}/desk")
    expect(page.get_by_text("/calendar/")).to_have_count(0)
    page.get_by_role("button", name="停用地址").click()
    page.locator(".st-key-confirm_yes button").click()
    expect(page.get_by_role("button", name="生成地址")).to_be_visible()
    assert elsewhere.request.get(address).status == 404
    elsewhere.close()
