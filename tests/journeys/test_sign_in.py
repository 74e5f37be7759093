"""Signing in and out, in both languages, on a desk and in a hand; the frame around every page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from tests.apps import PASSWORD, App
from tests.journeys.browser import go, idle, tick_row, title
from tests.journeys.bureau import DESK, HAND, SIZES
from tests.journeys.walking import pages_of

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@SIZES
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_in_and_out(page: Page, app: App, sign_in: SignIn, language: str, size: dict[str, int]) -> None:
    words = {
        "zh_CN": ("登录名或密码不正确", "招商总览", "记一笔对接", "退出", "您已退出登录"),
        "en": ("Login or password is not right", "Overview", "Log a contact", "Sign out", "You are signed out"),
    }[language]
    wrong, first, log_contact, out, is_out = words
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"{app.url}/login?lang={language}")
    assert page.evaluate("document.documentElement.lang") == {"zh_CN": "zh-CN", "en": "en"}[language]
    page.locator("#login").fill("wangwu")
    page.locator("#password").fill("wrong")
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("alert")).to_contain_text(wrong)
    fits_the_screen(page)

    sign_in(page, "wangwu")
    expect(page).to_have_url(f"{app.url}/overview")
    assert title(page) == first
    expect(page).to_have_title(re.compile(first))
    expect(page.get_by_role("button", name=log_contact)).to_be_visible()
    fits_the_screen(page)

    if size == HAND:
        page.locator('[data-testid="stExpandSidebarButton"]').click()
    page.get_by_role("link", name=out).click()
    expect(page).to_have_url(re.compile("/login"))
    expect(page.get_by_role("status")).to_contain_text(is_out)
    page.go_back()
    expect(page.locator("#login")).to_be_visible()


def fits_the_screen(page: Page) -> None:
    """Nothing sticks out sideways."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= (page.viewport_size or DESK)["width"]


def test_a_link_waits_behind_the_sign_in(page: Page, app: App, sign_in: SignIn) -> None:
    sign_in(page, "admin", path="/accounts?search=zhang")
    expect(page).to_have_url(f"{app.url}/accounts?search=zhang")
    assert title(page) == "用户账号"
    expect(page.get_by_role("searchbox")).to_have_value("zhang")


def test_navigation_follows_the_role(browser: Browser, app: App, sign_in: SignIn) -> None:
    closed = {
        "zhangsan": {"用户账号", "审计日志"},
        "sunba": {"记一笔对接", "Excel 导入"},
        "admin": {"企业名录", "审计日志"},
    }
    for login, others in closed.items():
        own = [entry for entry in pages_of(login) if not entry.hidden]
        sections = list(dict.fromkeys(entry.section for entry in own))
        context = browser.new_context(locale="zh-CN")
        page = sign_in(context.new_page(), login)
        texts = page.locator('[data-testid="stSidebarNavLink"]').all_inner_texts()
        titles = [text.split("\n")[-1] for text in texts]
        assert titles == [str(entry.title) for section in sections for entry in own if entry.section == section]
        assert others.isdisjoint(titles)
        expect(page.locator(".crm-person")).to_be_visible()
        context.close()


def test_a_page_of_another_role_is_not_there(page: Page, app: App, sign_in: SignIn) -> None:
    sign_in(page)
    page.goto(f"{app.url}/accounts")
    idle(page)
    expect(page.get_by_role("dialog")).to_contain_text("没有这个页面")
    assert "accounts" not in page.url


def test_language_switches_where_one_is(page: Page, app: App, sign_in: SignIn) -> None:
    sign_in(page, "admin", path="/accounts?search=zhang")
    for link, heading, code in (("English", "Accounts", "en"), ("中文", "用户账号", "zh-CN")):
        page.get_by_role("link", name=link).click()
        expect(page.locator(f"html[lang={code}]")).to_be_attached()
        idle(page)
        expect(page).to_have_url(f"{app.url}/accounts?search=zhang")
        assert title(page) == heading
        assert page.evaluate("navigator.language") == code  # calendars and numbers follow it


def test_signed_out_in_one_tab_is_signed_out_in_all(context: BrowserContext, app: App, sign_in: SignIn) -> None:
    first, second = context.new_page(), context.new_page()
    sign_in(first, "wangwu")
    go(second, f"{app.url}/enterprises")
    first.get_by_role("link", name="退出").click()
    expect(first).to_have_url(re.compile("/login"))
    second.keyboard.press("n")
    expect(second).to_have_url(re.compile(r"/login\?next=%2Fenterprises"))


def test_an_administrator_makes_and_shuts_out_an_account(
    browser: Browser, context: BrowserContext, sign_in: SignIn
) -> None:
    page = sign_in(context.new_page(), "admin")
    assert title(page) == "用户账号"
    page.get_by_role("button", name="新建账号").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_placeholder("请选择（可多选）").first).to_be_visible()  # Streamlit's own words speak Chinese
    dialog.get_by_role("button", name="建立账号").click()
    expect(dialog).to_contain_text("请填写姓名")
    dialog.get_by_label("登录名").fill("xinren")
    dialog.get_by_label("姓名").fill("*新* <b>人</b>")
    dialog.get_by_label("角色").click()
    page.get_by_role("option", name="领导").click()
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="建立账号").click()
    expect(dialog).to_contain_text("只显示这一次")
    login, code = dialog.locator("code").inner_text().split()
    assert login == "xinren"
    dialog.get_by_label("关闭").click()

    elsewhere = browser.new_context(locale="zh-CN")
    guest = elsewhere.new_page()
    guest.goto(page.url.replace("/accounts", "/setup"))
    for field, value in {"code": code, "login": login, "password": PASSWORD, "again": PASSWORD}.items():
        guest.locator(f"#{field}").fill(value)
    guest.locator("button[type=submit]").click()
    expect(guest.get_by_role("status")).to_contain_text("密码已设置")
    sign_in(guest, login)
    expect(guest.locator(".crm-person")).to_contain_text("*新* <b>人</b>")

    page.get_by_placeholder("登录名、姓名或单位").fill("xinren")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("search=xinren"))
    idle(page)
    tick_row(page.locator("body"), 0)
    expect(page.locator('[data-testid="stMarkdownContainer"]', has_text="*新* <b>人</b> · xinren")).to_be_visible()
    page.get_by_role("button", name="停用").click()
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(page.get_by_role("button", name="重新启用")).to_be_visible()

    guest.get_by_role("link", name="企业名录").click()
    expect(guest).to_have_url(re.compile("/login"))
    elsewhere.close()


def test_a_broken_line_is_picked_up_where_it_broke(page: Page, app: App, sign_in: SignIn) -> None:
    lines: list[WebSocketRoute] = []

    def passing(line: WebSocketRoute) -> None:
        line.connect_to_server()
        lines.append(line)

    page.route_web_socket(re.compile("/_stcore/stream"), passing)
    sign_in(page, "wangwu")
    assert len(lines) == 1
    lines[0].close(code=1011, reason="the line broke")
    page.wait_for_timeout(1_500)
    idle(page)
    assert len(lines) == 2
    page.keyboard.press("n")
    page.wait_for_url(f"{app.url}/log-contact")
