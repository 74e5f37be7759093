"""Logging a contact in a real browser: from a chat message, with the keyboard, with files; changing it and its news."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browser import go, idle
from tests.journeys.bureau import SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
FOLDED = ("outcome", "difficulty")


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def saved(page: Page, name: str) -> None:
    """Wait until the enterprise's page stands there after saving."""
    expect(page.locator("h1.crm-title")).to_have_text(name, timeout=15_000)
    idle(page)


@SIZES
def test_a_chat_message_is_read_confirmed_and_saved(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    _enterprise, name, _code = app.of_jishou
    whom = {1440: "王总", 390: "李经理"}[size["width"]]
    mark = f"第{size['width']}次"
    said = (
        f"昨天下午电话联系{name}{whom}1381234{size['width']:04d}，{mark}沟通，"
        "**<b>拟投资</b>**1.2亿元，3天内寄送用地方案"
    )
    sign_in(page, "zhangsan", path="/log-contact")
    page.get_by_text("粘贴聊天消息").click()
    page.locator(".st-key-contact_message textarea").fill(said)
    page.get_by_role("button", name="识别消息").click()
    message = page.locator(".st-key-card_message p.crm-message")
    expect(message).to_have_text(said)
    marked = {
        kind: message.locator(f"mark.crm-read-{kind}").all_text_contents()
        for kind in ("date", "method", "enterprise", "phone", "amount", "due", "step")
    }
    assert marked == {
        "date": ["昨天"],
        "method": ["电话"],
        "enterprise": [name],
        "phone": [f"1381234{size['width']:04d}"],
        "amount": ["1.2亿元"],
        "due": ["3天内"],
        "step": ["寄送用地方案"],
    }
    idle(page)
    expect(page.get_by_label("下一步")).to_have_value("3天内寄送用地方案")
    expect(page.get_by_label("对方人员")).to_have_value(whom)
    expect(page.get_by_role("radio", name="电话")).to_be_checked()
    # Nothing is saved, and no enterprise chosen, until a person does so.
    page.locator(".st-key-matches button", has_text=name).click()
    expect(page.locator(".st-key-card_who")).to_contain_text(name)
    idle(page)
    page.get_by_role("button", name="保存").first.click()
    saved(page, name)
    entry = page.locator("[class*=st-key-contact_]", has_text=f"{mark}沟通").last
    expect(entry).to_contain_text(f"138****{size['width']:04d}")
    expect(entry).to_contain_text("3天内寄送用地方案")
    expect(page.locator(".st-key-card_people")).to_contain_text(f"138****{size['width']:04d}")


def test_the_keyboard_alone_saves_and_adds_another_with_last_times_method(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    enterprise, name, code = app.of_jishou
    sign_in(page, "zhangsan", path="/log-contact")
    page.get_by_placeholder("名称片段、拼音首字母或信用代码").fill(code)
    page.locator(".st-key-matches button", has_text=name).press("Enter")
    expect(page.locator(".st-key-card_who")).to_contain_text(name)
    idle(page)
    page.locator(".st-key-contact_method").get_by_text("视频").click()
    idle(page)
    content = page.get_by_label("对接内容")
    content.press_sequentially("视频会商一次")
    content.press("Control+Shift+Enter")
    expect(content).to_have_value("", timeout=15_000)
    idle(page)
    expect(page.get_by_placeholder("名称片段、拼音首字母或信用代码")).to_be_visible()
    expect(page.get_by_role("radio", name="视频")).to_be_checked()
    # The enterprise of a moment ago stands first, without a letter typed.
    expect(page.locator(".st-key-matches button").first).to_contain_text(name)
    go(page, f"{app.url}/log-contact?enterprise={enterprise}")
    content.press_sequentially("再谈一次")
    content.press("Control+Enter")
    saved(page, name)
    expect(page.get_by_text("视频会商一次", exact=True)).to_be_visible()
    expect(page.get_by_text("再谈一次", exact=True)).to_be_visible()


def test_quick_dates_fill_the_two_dates(page: Page, app: Bureau, sign_in: SignIn) -> None:
    enterprise, name, _code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/log-contact?enterprise={enterprise}")
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    yesterday, in_two_weeks = today - timedelta(days=1), today + timedelta(days=14)
    page.get_by_role("button", name="昨天").click()
    # The browser must have the new date before it sends the next click with all its values.
    expect(page.locator(".st-key-contact_happened_on")).to_contain_text(re.compile(f"{yesterday:%m}\\D+{yesterday:%d}"))
    page.get_by_role("button", name="2 周后").click()
    expect(page.locator(".st-key-contact_next_due_on")).to_contain_text(
        re.compile(f"{in_two_weeks:%m}\\D+{in_two_weeks:%d}")
    )
    page.get_by_label("对接内容").fill("昨天的事")
    page.get_by_label("下一步").fill("两周后回访")
    page.get_by_role("button", name="保存").first.click()
    saved(page, name)
    entry = page.locator("[class*=st-key-contact_]", has_text="昨天的事").last
    assert re.findall(r"\d{4}-\d\d-\d\d", entry.inner_text()) == [str(yesterday), str(in_two_weeks)]


def test_a_contact_is_changed_within_the_day_and_an_old_one_corrected(page: Page, app: Bureau, sign_in: SignIn) -> None:
    enterprise, name, _code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/log-contact?enterprise={enterprise}")
    page.get_by_label("对接内容").fill("写错的内容")
    page.get_by_role("button", name="保存").first.click()
    saved(page, name)
    entry = page.locator("[class*=st-key-contact_]", has_text="写错的内容").last
    entry.get_by_role("button", name="修改").click()
    expect(page.locator("h1.crm-title")).to_have_text("修改对接")
    expect(page.get_by_label("对接内容")).to_have_value("写错的内容")
    idle(page)
    page.get_by_label("对接内容").fill("改好的内容")
    page.get_by_role("button", name="保存").first.click()
    saved(page, name)
    expect(page.get_by_text("改好的内容", exact=True)).to_be_visible()
    expect(page.get_by_text("写错的内容", exact=True)).to_have_count(0)
    page.get_by_role("button", name="更正").last.click()
    expect(page.locator("h1.crm-title")).to_have_text("更正对接")
    idle(page)
    page.get_by_label("对接内容").fill("更正之后的内容")
    page.get_by_role("button", name="保存").first.click()
    saved(page, name)
    correction = page.locator("[class*=st-key-contact_]", has_text="更正之后的内容").last
    expect(correction).to_contain_text(re.compile(r"更正 \d{4}-\d\d-\d\d 的对接"))
    expect(page.get_by_text("后有更正")).to_have_count(1)


@SIZES
def test_outcome_difficulty_and_people_stand_on_the_timeline_and_taking_back_asks_first(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    enterprise, name, _code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/log-contact?enterprise={enterprise}")
    said = f"谈妥三号地块{size['width']}"
    page.get_by_label("对接内容").fill(said)
    page.get_by_label("对方人员").fill("王总")
    outcome, difficulty = (page.locator(f".st-key-contact_{field}").get_by_role("combobox") for field in FOLDED)
    expect(outcome).not_to_be_visible()
    page.locator(".st-key-contact_more summary").click()
    page.wait_for_timeout(500)  # it unfolds
    outcome.click()
    page.get_by_role("option", name="达成初步意向").click()
    idle(page)
    difficulty.fill("**水压**不足")
    page.get_by_role("option", name="**水压**不足").click()
    idle(page)
    page.get_by_role("button", name="保存").first.click()
    saved(page, name)
    entry = page.locator("[class*=st-key-contact_]", has_text=said).last
    expect(entry).to_contain_text("我方：张三 · 对方：王总 · 结果：达成初步意向 · 困难：**水压**不足")
    entry.get_by_role("button", name="修改").click()
    expect(page.locator("h1.crm-title")).to_have_text("修改对接")
    outcome, difficulty = (page.locator(f'[class*="_{field}"]').get_by_role("combobox") for field in FOLDED)
    expect(outcome).to_have_value("达成初步意向")
    expect(difficulty).to_have_value("**水压**不足")
    page.get_by_role("button", name="取消").click()
    saved(page, name)
    entry.get_by_role("button", name="撤回").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("对接连同下一步和附件将从时间线、待办和统计中撤下，不能恢复。")
    page.locator(".st-key-confirm_no button").click()
    expect(dialog).to_have_count(0)
    idle(page)
    expect(entry).to_be_visible()
    entry.get_by_role("button", name="撤回").click()
    page.locator(".st-key-confirm_yes button").click()
    expect(page.get_by_text(said, exact=True)).to_have_count(0)


@SIZES
def test_a_file_goes_with_the_contact_and_only_the_unit_downloads_it(
    page: Page, browser: Browser, app: Bureau, sign_in: SignIn, tmp_path: Path, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    enterprise, name, _code = app.of_jishou
    notes = tmp_path / f"会议纪要{size['width']}.txt"
    notes.write_text("谈了三号地块", "utf-8")
    sign_in(page, "zhangsan", path=f"/log-contact?enterprise={enterprise}")
    page.get_by_label("对接内容").fill("带着纪要")
    page.locator(".st-key-card_what input[type=file]").set_input_files(notes)
    expect(page.locator('.st-key-card_what [data-testid="stFileUploader"]')).to_contain_text(notes.name)
    idle(page)
    page.get_by_role("button", name="保存").first.click()
    saved(page, name)
    link = page.get_by_role("link", name=notes.name)
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == notes.name
    assert Path(download.value.path()).read_text("utf-8") == "谈了三号地块"
    expect(page.locator("h1.crm-title")).to_have_text(name)
    address = app.url + str(link.get_attribute("href"))
    other = browser.new_context(locale="zh-CN")
    stranger = sign_in(other.new_page(), "wangwu")
    answer = stranger.context.request.get(address)
    assert answer.status == 404
    assert "三号地块" not in answer.text()
    other.close()


def test_a_false_file_is_refused_in_a_sentence_and_the_form_keeps_what_was_typed(
    page: Page, app: Bureau, sign_in: SignIn, tmp_path: Path
) -> None:
    enterprise, _name, _code = app.of_jishou
    false = tmp_path / "假的.pdf"
    false.write_bytes(b"MZ")
    sign_in(page, "zhangsan", path=f"/log-contact?enterprise={enterprise}")
    page.get_by_label("对接内容").fill("附件不对")
    page.locator(".st-key-card_what input[type=file]").set_input_files(false)
    expect(page.locator('.st-key-card_what [data-testid="stFileUploader"]')).to_contain_text("假的.pdf")
    idle(page)
    page.get_by_role("button", name="保存").first.click()
    expect(page.get_by_role("alert").filter(has_text="“假的.pdf”的内容与扩展名不符")).to_be_visible()
    expect(page.get_by_label("对接内容")).to_have_value("附件不对")


def test_news_and_files_of_an_enterprise_are_added_on_its_page(
    page: Page, app: Bureau, sign_in: SignIn, tmp_path: Path
) -> None:
    enterprise, _name, _code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/enterprise?id={enterprise}")
    page.locator(".st-key-news_add button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog.get_by_role("alert").filter(has_text="请填写动态内容。")).to_be_visible()
    dialog.get_by_role("combobox").click()
    page.get_by_role("option", name="增资扩产").click()
    dialog.get_by_label("动态内容").fill("拟建 **第二** 基地")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    idle(page)
    expect(page.locator(".st-key-card_news")).to_contain_text("拟建 **第二** 基地")
    expect(page.locator(".st-key-card_timeline")).to_contain_text("拟建 **第二** 基地")
    plan = tmp_path / "投资方案.txt"
    plan.write_text("方案", "utf-8")
    files = page.locator(".st-key-card_files")
    files.locator("input[type=file]").set_input_files(plan)
    files.get_by_role("button", name="上传附件").click()
    expect(files.get_by_role("link", name="投资方案.txt")).to_be_visible()
    idle(page)
    files.get_by_role("button", name="移除").click()
    expect(page.get_by_text("“投资方案.txt”移除后任何人都看不到、也不能下载，不能恢复。")).to_be_visible()
    expect(files.get_by_role("link", name="投资方案.txt")).to_be_visible()
    page.locator('[class*="st-key-file_off_"][class*="_yes"] button').click()
    expect(files.get_by_role("link", name="投资方案.txt")).to_have_count(0)
    page.context.clear_cookies()
    sign_in(page, "sunba", path=f"/enterprise?id={enterprise}")
    expect(page.locator(".st-key-card_news")).to_contain_text("拟建 **第二** 基地")
    expect(page.locator(".st-key-news_add")).to_have_count(0)
    expect(page.locator(".st-key-card_files input[type=file]")).to_have_count(0)
    expect(page.locator(".st-key-card_timeline").get_by_role("button", name="更正")).to_have_count(0)


@SIZES
def test_a_contact_person_is_put_away_and_news_taken_back_only_after_a_question(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    enterprise, _name, _code = app.of_jishou
    whom = f"欧阳{size['width']}"
    sign_in(page, "zhangsan", path=f"/enterprise?id={enterprise}")
    page.locator(".st-key-person_add button").click()
    page.get_by_role("dialog").get_by_label("姓名").fill(whom)
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    person = page.locator('.st-key-card_people [class*="st-key-person_"]', has_text=whom).first
    expect(person).to_be_visible()
    idle(page)
    person.locator("button:visible").click()
    page.locator(".st-key-person_archive button").click()
    expect(page.get_by_text(f"{whom} 连同电话等信息将不再列入联系人，不能恢复。")).to_be_visible()
    expect(person).to_be_attached()
    page.locator(".st-key-person_archive_yes button").click()
    expect(person).to_have_count(0)
    idle(page)
    page.locator(".st-key-news_add button").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").click()
    page.get_by_role("option", name="融资").click()
    dialog.get_by_label("动态内容").fill(f"听错的消息{size['width']}")
    dialog.get_by_role("button", name="保存").click()
    news = page.locator('[class*="st-key-news_"]', has_text=f"听错的消息{size['width']}").last
    expect(dialog).to_have_count(0)
    idle(page)
    for answer, left in (("no", 1), ("yes", 0)):
        news.get_by_role("button", name="撤回").click()
        expect(dialog).to_contain_text(re.compile(r"\d{4}-\d\d-\d\d 的动态将从时间线中撤下，不能恢复。"))
        page.locator(f".st-key-confirm_{answer} button").click()
        expect(dialog).to_have_count(0)
        idle(page)
        expect(news).to_have_count(left)


def test_another_units_contact_is_neither_changed_nor_corrected_by_its_address(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    enterprise, _name, _code = app.of_fenghuang
    sign_in(page, "wangwu", path=f"/enterprise?id={enterprise}")
    page.get_by_role("button", name="更正").first.click()
    expect(page.locator("h1.crm-title")).to_have_text("更正对接")
    address = page.url
    assert "correct=" in address
    page.context.clear_cookies()
    sign_in(page, "zhangsan", path=address.removeprefix(app.url))
    expect(page.get_by_text("没有这条记录，或不在您的权限范围内。")).to_be_visible()
    go(page, address.replace("correct=", "change="))
    expect(page.get_by_text("没有这条记录，或不在您的权限范围内。")).to_be_visible()
