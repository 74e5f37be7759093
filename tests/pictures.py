"""The pictures of the guide, taken anew from a demonstration bureau: `make pictures`, or with names for some of them.

Each is one row of `PICTURES`: the file below docs/images/guide/, who is signed in, the page, and what to do first.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.apps import PASSWORD
from tests.conftest import ROOT
from tests.engines import EmbeddedEngine
from tests.journeys.browser import idle
from tests.journeys.bureau import DESK, HAND, MONTH, Bureau, served_bureau
from tests.journeys.walking import find, open_search

FOLDER = ROOT / "docs" / "images" / "guide"


@dataclass(frozen=True)
class Picture:
    """One picture: `steps` are taken on the page before it."""

    name: str
    login: str
    path: str
    on_a_phone: bool = False
    steps: Callable[[Page, Bureau], None] = lambda _page, _bureau: None


def _searched(page: Page, _bureau: Bureau) -> None:
    """The search with something found of each kind."""
    open_search(page)
    find(page, "唐")


def _on_paper(page: Page, _bureau: Bureau) -> None:
    """The page as it is laid out for the printer."""
    page.evaluate("window.print = () => {}")
    page.locator(".st-key-print button").click()
    page.locator("html[data-print-ready]").wait_for(state="attached")
    page.emulate_media(media="print")


def _at_the_contacts(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-card_made").scroll_into_view_if_needed()


def _at_a_timetable(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-due_kind").get_by_text("对接时间表", exact=True).click()
    idle(page)
    page.locator('[class*="st-key-todo_engagement_step_"] a').first.click()
    page.locator(".st-key-card_timetable").wait_for()
    idle(page)


def _proposed(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-propose_all button").click()
    page.locator(".st-key-tick_all button").click()
    page.locator(".st-key-untick_all button").wait_for()
    idle(page)


def _at_a_chain(page: Page, _bureau: Bureau) -> None:
    # The grid draws on a canvas and listens on the sheet above it: the second industry.
    box = page.locator(".st-key-card_industries canvas").first.bounding_box()
    if box is not None:
        page.mouse.click(box["x"] + 15, box["y"] + 36 + 36 + 18)
    page.locator(".st-key-card_segments").wait_for()
    idle(page)


def _behind_the_signings(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-figure_signings .crm-value").click(force=True)
    page.get_by_role("dialog").locator("canvas").first.wait_for()
    idle(page)


def _read_from_a_message(page: Page, bureau: Bureau) -> None:
    """A pasted message and what was read from it."""
    page.get_by_text("粘贴聊天消息").click()
    page.locator(".st-key-contact_message textarea").fill(
        f"昨天下午到长沙拜访了{bureau.of_jishou[1]}，王总（13812345678）表示拟投资1.2亿元，张局长一同参加，约定下周二来吉首看地块"
    )
    page.get_by_role("button", name="识别消息").click()
    page.locator(".st-key-card_message").wait_for()
    idle(page)


def _at_a_timeline(page: Page, bureau: Bureau) -> None:
    """A contact of today with a file, news among the contacts."""
    page.goto(f"{bureau.url}/log-contact?enterprise={bureau.of_jishou[0]}")
    idle(page)
    page.get_by_label("对接内容").fill("与王总电话沟通，对方希望月底前看到用地方案，另需明确厂房租金和用电负荷。")
    page.get_by_label("下一步").fill("寄送用地方案")
    notes = {"name": "沟通纪要.txt", "mimeType": "text/plain", "buffer": "纪要".encode()}
    page.locator(".st-key-card_what input[type=file]").set_input_files(notes)  # type: ignore[arg-type]
    page.wait_for_timeout(1_000)
    idle(page)
    page.get_by_role("button", name="保存").first.click()
    page.locator(".st-key-news_add button").click()
    page.get_by_role("dialog").get_by_role("combobox").click()
    page.get_by_role("option", name="增资扩产").click()
    page.get_by_role("dialog").get_by_label("动态内容").fill("公告拟在湖南新建第二基地，总投资约3亿元，正在比选厂址。")
    page.get_by_role("dialog").get_by_label("消息来源").fill("企业公众号")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    page.locator("[class*=st-key-news_]", has_text="第二基地").first.wait_for()
    idle(page)
    page.wait_for_timeout(4_000)


def _after_a_close(page: Page, bureau: Bureau) -> None:
    """Places over time, two months of them closed; the places with the reader's mouse off them."""
    for month in (MONTH.plus(-2), MONTH.plus(-1)):
        page.goto(f"{bureau.url}/close?closing_month={month}")
        idle(page)
        page.get_by_role("button", name=f"封账 {month}").click()
        dialog = page.get_by_role("dialog")
        reason = dialog.get_by_role("textbox", name="仍要封账的原因")
        if reason.count():
            reason.fill("试用")
        dialog.get_by_role("button", name="封账").click()
        page.locator(".st-key-card_published").wait_for()
    page.goto(f"{bureau.url}/review")
    page.get_by_test_id("stVegaLiteChart").first.wait_for()
    idle(page)


def _on_the_board(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-view").get_by_text("看板", exact=True).click()
    page.locator(".st-key-board").wait_for()
    idle(page)


def _as_a_roadmap(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-view").get_by_text("路线图", exact=True).click()
    page.get_by_test_id("stVegaLiteChart").first.wait_for()
    idle(page)


def _as_a_calendar(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-view").get_by_text("日历", exact=True).click()
    page.locator("table.crm-month").wait_for()
    idle(page)


def _at_a_project(page: Page, bureau: Bureau) -> None:
    """The first project under construction."""
    _on_the_board(page, bureau)
    page.locator('.st-key-lane_started [class*="st-key-open_"] button').first.click()
    page.get_by_test_id("stVegaLiteChart").first.wait_for()
    idle(page)


def _moving_a_project(page: Page, bureau: Bureau) -> None:
    """What the stage “signed” requires, asked on the board."""
    _on_the_board(page, bureau)
    page.locator('.st-key-lane_negotiation [class*="st-key-move_"] button').first.click()
    page.get_by_text("推进到“签约”", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="移动").click()
    page.get_by_role("alert").first.wait_for()


def _among_views(page: Page, _bureau: Bureau) -> None:
    page.get_by_role("button", name="视图").click()
    page.locator("a.crm-view").first.wait_for()


def _several_at_once(page: Page, _bureau: Bureau) -> None:
    for row in range(3):
        page.locator('.st-key-card_list [data-testid="stDataFrame"]').click(position={"x": 16, "y": 54 + 36 * row})
        page.locator(".st-key-bulk", has_text=f"已选 {row + 1} 家").wait_for()
        idle(page)
    page.get_by_role("button", name="设置等级").click()
    page.get_by_role("dialog").wait_for()


def _compared(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-card_groups").wait_for()
    idle(page)


def _merging(page: Page, bureau: Bureau) -> None:
    _compared(page, bureau)
    page.get_by_role("button", name="合并").first.click()
    page.locator(".st-key-card_fields").wait_for()
    idle(page)


def _at_an_enterprise(page: Page, bureau: Bureau) -> None:
    page.goto(f"{bureau.url}/enterprise?id={bureau.of_jishou[0]}")
    idle(page)


def _in_conflict(page: Page, bureau: Bureau) -> None:
    _at_an_enterprise(page, bureau)
    assert page.context.browser is not None
    other = page.context.browser.new_context(locale="zh-CN").new_page()
    other.goto(page.url)
    other.locator("#login").fill("lisi")
    other.locator("#password").fill(PASSWORD)
    other.locator("button[type=submit]").click()
    idle(other)
    for on, direction, more, text in (
        (page, "拟投资文旅综合体", "main_business", "文旅综合体开发、运营"),
        (other, "拟投资非遗产业园", "address", "邵阳市大祥区宝庆路 1 号"),
    ):
        on.get_by_role("button", name="编辑").first.click()
        on.locator(".st-key-edit_investment_direction input").fill(direction)
        on.locator(f".st-key-edit_{more} input").fill(text)
    for on in (other, page):
        on.get_by_role("dialog").get_by_role("button", name="保存").click()
        on.wait_for_timeout(1_500)
        idle(on)
    other.context.close()


def _at_a_unit(page: Page, _bureau: Bureau) -> None:
    page.locator('.st-key-card_units [data-testid="stDataFrame"]').click(position={"x": 16, "y": 54 + 36 * 8})
    page.get_by_role("button", name="其他名称").wait_for()
    idle(page)


def _at_a_word(page: Page, _bureau: Bureau) -> None:
    page.locator('.st-key-card_words [data-testid="stDataFrame"]').click(position={"x": 16, "y": 54 + 36 * 2})
    page.get_by_role("button", name="重命名").click()
    page.get_by_role("dialog").wait_for()
    idle(page)


def _at_a_reminder(page: Page, _bureau: Bureau) -> None:
    page.locator('.st-key-card_readiness [data-testid="stDataFrame"]').click(position={"x": 16, "y": 54 + 36 * 2})
    page.locator(".st-key-card_readiness code").wait_for()
    page.mouse.move(0, 0)
    idle(page)


def _at_a_claim(page: Page, _bureau: Bureau) -> None:
    for row in range(2):
        page.locator('.st-key-card_queue [data-testid="stDataFrame"]').click(position={"x": 16, "y": 54 + 36 * row})
        page.locator(".st-key-bulk", has_text=f"已选 {row + 1} 条").wait_for()
        idle(page)


def _raising(page: Page, _bureau: Bureau) -> None:
    page.locator('.st-key-card_cards [data-testid="stDataFrame"]').click(position={"x": 16, "y": 54})
    page.locator(".st-key-cards_bar", has_text="已选 1 张").wait_for()
    idle(page)
    page.locator(".st-key-raise button").click()
    page.get_by_role("dialog").wait_for()
    idle(page)


def _at_an_order(page: Page, _bureau: Bureau) -> None:
    page.locator('[class*="st-key-order_overdue_"] a').nth(1).click()
    page.locator(".st-key-card_order_steps").wait_for()
    idle(page)


def _what_a_rule_does(page: Page, _bureau: Bureau) -> None:
    """A copy of the standing rule set with one setting changed, scrolled to what that does."""
    page.get_by_text("编辑副本", exact=True).click()
    page.locator(".st-key-card_edit").wait_for()
    idle(page)
    page.get_by_text("开工率只算到期项目", exact=True).click()
    page.locator(".st-key-save_rules").wait_for()
    idle(page)
    page.locator(".st-key-save_rules").scroll_into_view_if_needed()


def _at_an_entry(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-what").get_by_role("combobox").fill("账号")
    page.get_by_role("option", name="账号", exact=True).click()
    idle(page)
    page.locator('.st-key-card_entries [data-testid="stDataFrame"]').click(position={"x": 16, "y": 54 + 36 * 5})
    page.locator(".st-key-card_entry").wait_for()
    idle(page)
    page.locator(".st-key-card_entry").scroll_into_view_if_needed()


def _at_the_pages(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-pages img").first.wait_for(timeout=60_000)
    idle(page)


def _behind_a_rate(page: Page, _bureau: Bureau) -> None:
    page.locator(".st-key-card_behind").scroll_into_view_if_needed()
    page.locator(".st-key-card_behind canvas").first.wait_for()
    idle(page)


def _a_ledger(page: Page) -> None:
    """A ledger of the old kind, with a new enterprise, an unknown unit, and a capital in dollars."""
    rows = (
        "企业名称,统一社会信用代码,注册资金(万元),地区,经营范围,责任单位,意向等级",
        "湘西云顶智能装备有限公司,,2000,长沙,智能装备制造与销售,吉首市,A",
        "广东华益茶业有限公司,,80(万美元),广州,茶叶种植、加工与销售,凤凰县,B",
        "浙江明远电子有限公司,,1.2亿元,杭州,电子元器件生产,永福县,B",
        "江苏恒达物流有限公司,,待定,南京,道路货物运输、仓储,龙山县,C",
    )
    ledger = {"name": "意向企业台账.csv", "mimeType": "text/csv", "buffer": "\n".join(rows).encode("gb18030")}
    page.locator('input[type="file"]').set_input_files(ledger)  # type: ignore[arg-type]
    page.locator(".st-key-card_preview").wait_for()
    idle(page)


def _previewed(page: Page, _bureau: Bureau) -> None:
    _a_ledger(page)


def _imported(page: Page, _bureau: Bureau) -> None:
    _a_ledger(page)
    page.get_by_role("button", name="导入 2 行").click()
    page.locator(".st-key-card_batches", has_text="意向企业台账").wait_for()
    idle(page)
    page.locator(".st-key-card_batches").scroll_into_view_if_needed()


PICTURES = (
    Picture("search", "zhangsan", "/ranking", steps=_searched),
    Picture("search-phone", "zhangsan", "/ranking", on_a_phone=True, steps=_searched),
    Picture("print", "zhangsan", "/ranking", steps=_on_paper),
    Picture("overview", "sunba", "/overview"),
    Picture("overview-behind", "zhangsan", "/overview", steps=_behind_the_signings),
    Picture("overview-phone", "sunba", "/overview", on_a_phone=True),
    Picture("ranking", "zhaoliu", "/ranking"),
    Picture("ranking-behind", "zhangsan", "/ranking", steps=_behind_a_rate),
    Picture("ranking-phone", "zhangsan", "/ranking", on_a_phone=True),
    Picture("import-preview", "zhaoliu", "/import", steps=_previewed),
    Picture("import-done", "zhaoliu", "/import", steps=_imported),
    Picture("review", "zhaoliu", "/review", steps=_after_a_close),
    Picture("review-rates", "sunba", "/review?review=三率走势"),
    Picture("review-cohorts", "sunba", "/review?review=签约年度"),
    Picture("review-steps", "sunba", "/review?review=漏斗与时长"),
    Picture("review-seasons", "sunba", "/review?review=季节性"),
    Picture("review-what-if", "sunba", "/review?review=口径推演&alt_threshold=5000"),
    Picture("my-desk", "zhangsan", "/desk"),
    Picture("my-desk-contacts", "lisi", "/desk?period=上月", steps=_at_the_contacts),
    Picture("my-desk-phone", "zhangsan", "/desk", on_a_phone=True),
    Picture("timetable", "lisi", "/desk", steps=_at_a_timetable),
    Picture("projects", "zhaoliu", "/projects"),
    Picture("projects-board", "zhangsan", "/projects", steps=_on_the_board),
    Picture("projects-move", "zhangsan", "/projects", steps=_moving_a_project),
    Picture("projects-roadmap", "zhaoliu", "/projects", steps=_as_a_roadmap),
    Picture("projects-calendar", "zhangsan", "/projects", steps=_as_a_calendar),
    Picture("project", "zhangsan", "/projects", steps=_at_a_project),
    Picture("project-phone", "zhangsan", "/projects", on_a_phone=True, steps=_at_a_project),
    Picture("data-quality", "zhaoliu", "/quality", steps=_at_a_reminder),
    Picture("data-quality-unit", "lisi", "/quality"),
    Picture("data-quality-phone", "zhangsan", "/quality", on_a_phone=True),
    Picture("cards", "zhaoliu", "/cards"),
    Picture("cards-raise", "zhaoliu", "/cards?card_colour=黄牌", steps=_raising),
    Picture("supervision", "zhaoliu", "/supervision"),
    Picture("supervision-order", "zhaoliu", "/supervision", steps=_at_an_order),
    Picture("month-close", "zhaoliu", "/close"),
    Picture("enterprises", "zhangsan", "/enterprises"),
    Picture("saved-views", "zhaoliu", "/enterprises", steps=_among_views),
    Picture("bulk", "zhangsan", "/enterprises", steps=_several_at_once),
    Picture("duplicates", "zhangsan", "/duplicates", steps=_compared),
    Picture("merge", "zhangsan", "/duplicates", steps=_merging),
    Picture("enterprise", "zhangsan", "/enterprises", steps=_at_an_enterprise),
    Picture("conflict", "zhangsan", "/enterprises", steps=_in_conflict),
    Picture("log-contact", "zhangsan", "/log-contact"),
    Picture("log-contact-phone", "zhangsan", "/log-contact", on_a_phone=True),
    Picture("log-contact-message", "zhangsan", "/log-contact", steps=_read_from_a_message),
    Picture("contact-timeline", "zhangsan", "/log-contact", steps=_at_a_timeline),
    Picture("chains", "zhaoliu", "/chains"),
    Picture("chain-map", "zhaoliu", "/chains?industry=liquor"),
    Picture("chain-map-phone", "zhaoliu", "/chains?industry=liquor", on_a_phone=True),
    Picture("matching", "zhaoliu", "/matching", steps=_proposed),
    Picture("verification", "zhaoliu", "/verification", steps=_at_a_claim),
    Picture("verification-compare", "zhaoliu", "/verification?verification_part=申报与核验对比"),
    Picture("adjustments", "zhaoliu", "/adjustments"),
    Picture("targets", "zhaoliu", "/targets"),
    Picture("accounts", "admin", "/accounts"),
    Picture("units", "admin", "/units", steps=_at_a_unit),
    Picture("dictionaries", "admin", "/dictionaries", steps=_at_a_word),
    Picture("rule-sets", "admin", "/rules"),
    Picture("rule-sets-effect", "admin", "/rules", steps=_what_a_rule_does),
    Picture("audit", "auditor", "/audit", steps=_at_an_entry),
    Picture("chain-admin", "admin", "/chain-admin", steps=_at_a_chain),
    Picture("bulletin", "zhaoliu", "/bulletin", steps=_at_the_pages),
)


@contextmanager
def _browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def take(names: list[str]) -> None:
    """Serve a bureau and take the pictures of these names, all where there are none."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    engine = EmbeddedEngine(Path(tempfile.mkdtemp(prefix="crm-pictures-")))
    # A one-time password works once, so that its session is kept for the next picture.
    kept: dict[str, list[Any]] = {}
    with served_bureau(engine) as bureau, _browser() as browser:
        for picture in PICTURES:
            if names and picture.name not in names:
                continue
            size = HAND if picture.on_a_phone else DESK
            context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=size)  # type: ignore[arg-type]
            page = context.new_page()
            context.add_cookies(kept.get(picture.login, []))
            page.goto(bureau.url + picture.path)
            if picture.login not in kept:
                page.locator("#login").fill(picture.login)
                page.locator("#password").fill(PASSWORD)
                page.locator("button[type=submit]").click()
                if picture.login in bureau.secrets:
                    page.locator("#code").fill(bureau.one_time_password(picture.login))
                    page.locator("button[type=submit]").click()
            idle(page)
            if picture.login in bureau.secrets:
                kept[picture.login] = context.cookies()
            picture.steps(page, bureau)
            page.wait_for_timeout(1_200)  # drawings fade in
            page.screenshot(path=FOLDER / f"{picture.name}.png")
            sys.stdout.write(f"{picture.name}\n")
            context.close()
    engine.stop()


if __name__ == "__main__":
    take(sys.argv[1:])
