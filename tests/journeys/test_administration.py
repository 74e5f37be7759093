"""Administration in a real browser: a unit renamed, a rule set copied and its effect seen, the change in the audit
trail; and nobody who may not finds the way there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.browser import go, idle, tick_row
from tests.journeys.bureau import DESK, SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def cells(page: Page, card: str) -> Locator:
    """The cells of a card's first table, for those who cannot see the canvas."""
    return page.locator(f".st-key-card_{card} canvas").first.locator("table td")


def choose_row(page: Page, card: str, text: str) -> None:
    """Click the box before the row that has a cell of this text."""
    rows = page.locator(f".st-key-card_{card} canvas").first.locator("table tbody tr")
    expect(rows.filter(has_text=text).first).to_be_attached()
    number = next(n for n, words in enumerate(rows.all_text_contents()) if text in words)
    tick_row(page.locator(f".st-key-card_{card}"), number)


def pick(page: Page, key: str, words: str) -> None:
    """Choose in a list by typing: long lists draw only the options in sight."""
    page.locator(f".st-key-{key}").get_by_role("combobox").fill(words)
    page.get_by_role("option", name=re.compile(f"^{re.escape(words)}")).first.click()
    idle(page)


@SIZES
def test_a_renamed_unit_is_found_by_its_former_name(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int], tmp_path: Path
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    former, name = {1440: ("驻京津冀", "驻北京联络处"), 390: ("驻长三角", "驻上海联络处")}[size["width"]]
    sign_in(page, "admin", path="/units")
    choose_row(page, "units", former)
    page.get_by_role("button", name="修改").click()
    page.get_by_label("单位名称").fill("吉首市")
    page.get_by_label("简称").fill(name)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert").filter(has_text="“吉首市”已是单位 吉首市 的名称。")).to_be_visible()
    page.get_by_label("单位名称").fill(name)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(cells(page, "units").filter(has_text=re.compile(f"^{name}$"))).to_have_count(2)
    if not page.get_by_role("button", name="其他名称").count():
        choose_row(page, "units", name)
    page.get_by_role("button", name="其他名称").click()
    expect(page.get_by_role("dialog").get_by_text(re.compile(rf"^{former}（–\d{{4}}-\d\d-\d\d）$"))).to_be_visible()
    page.context.clear_cookies()
    ledger = tmp_path / f"targets-{size['width']}.csv"
    ledger.write_text(f"年度,责任单位,指标,目标值\n2031,{former},签约个数,7\n", "utf-8-sig")
    sign_in(page, "zhaoliu", path="/import")
    page.get_by_role("combobox").first.click()
    page.get_by_role("option", name="年度目标").click()
    page.wait_for_timeout(1_000)  # the uploader of the kind before goes away with the run that begins now
    idle(page)
    page.locator('input[type="file"]').set_input_files(ledger)
    expect(page.locator(".st-key-card_preview")).to_contain_text("导入 1 行", timeout=30_000)
    page.get_by_role("button", name="导入 1 行").click()
    expect(page.locator(".st-key-card_batches")).to_contain_text(f"{ledger.name} · 新增 1", timeout=60_000)
    go(page, f"{app.url}/targets?target_year=2031")
    row = page.locator(".st-key-card_attainment canvas table tbody tr").filter(has_text=name)
    expect(row).to_contain_text("7")


@SIZES
def test_a_rule_set_is_copied_with_its_effect_in_sight_and_the_auditor_sees_who_did_it(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "admin", path="/rules")
    known = cells(page, "versions").filter(has_text="亿元以上项目")
    expect(known.nth(1)).to_be_attached()
    versions = known.count()
    pick(page, "rule_set", f"“亿元以上项目”第 {versions} 版")
    page.get_by_text("编辑副本", exact=True).click()
    idle(page)
    effect = page.locator(".st-key-card_effect")
    expect(effect).to_contain_text("还没有改动。")
    expect(page.locator(".st-key-save_rules")).to_have_count(0)
    page.get_by_text("只算已核实节点", exact=True).click()
    page.get_by_label("备注").fill(f"试行 {size['width']}")
    page.get_by_label("备注").press("Tab")
    expect(effect).to_contain_text("按两种口径分别排名")
    idle(page)
    ranked = effect.locator("canvas table td")
    for row in app.ranking.rows:
        expect(ranked.filter(has_text=re.compile(f"^{row.unit.name}$"))).to_have_count(1)
    page.get_by_role("button", name=f"保存为“亿元以上项目”第 {versions + 1} 版").click()
    expect(page.locator(".st-key-card_edit")).to_contain_text(f"“亿元以上项目”第 {versions + 1} 版的副本")
    expect(effect).to_contain_text("还没有改动。")
    idle(page)
    expect(cells(page, "versions").filter(has_text="亿元以上项目")).to_have_count(versions + 1)
    go(page, f"{app.url}/rules?rule_set=“亿元以上项目”第 1 版")
    words = page.locator(".st-key-card_words")
    expect(words).to_contain_text("“亿元以上项目”第 1 版")
    expect(words).to_contain_text("加权得分")
    expect(words).not_to_contain_text("功效系数")
    page.context.clear_cookies()
    sign_in(page, "auditor")
    expect(page.locator("h1.crm-title")).to_have_text("审计日志")
    pick(page, "what", "口径")
    pick(page, "who", "管理员甲")
    choose_row(page, "entries", "管理员甲")
    entry = page.locator(".st-key-card_entry")
    expect(entry).to_contain_text("管理员甲 · 新增 · 口径")
    if size is DESK:  # in the hand the columns of values lie beyond the edge
        expect(cells(page, "entry").filter(has_text=f"试行 {size['width']}").first).to_be_attached()
    page.get_by_role("button", name="核对审计链").click()
    expect(page.get_by_text("审计链完整")).to_be_visible(timeout=30_000)


def test_a_target_is_edited_in_place(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path="/targets?target_year=2027")
    canvas = page.locator(".st-key-card_grid canvas").first
    expect(page.locator(".st-key-card_attainment")).to_be_visible()  # the last thing on the page
    page.wait_for_timeout(1_000)  # the grid takes its width
    box = canvas.bounding_box()
    assert box is not None
    # The third column, first unit: the new signings of 吉首市.
    page.mouse.dblclick(box["x"] + 450, box["y"] + 36 + 17)
    expect(page.locator("#portal").locator("input, textarea").first).to_be_focused()  # the cell becomes a field
    page.wait_for_timeout(500)
    page.keyboard.type("41")
    page.wait_for_timeout(500)  # the field takes what is typed
    page.keyboard.press("Enter")
    page.get_by_role("button", name="保存 1 处改动").click()
    expect(page.get_by_text("已保存 1 项目标。")).to_be_visible()
    idle(page)
    expect(cells(page, "grid").filter(has_text=re.compile("^41$"))).to_have_count(1)
    expect(page.get_by_role("button", name="保存 0 处改动")).to_be_disabled()


def test_a_word_is_renamed_with_its_records_and_offered_at_once(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "admin", path="/dictionaries")
    choose_row(page, "words", "网络线索")
    used = page.locator(".st-key-card_words canvas table tbody tr").filter(has_text="网络线索").text_content() or ""
    page.get_by_role("button", name="重命名").click()
    page.get_by_label("新名称").fill("网上线索")
    page.get_by_role("button", name="保存").click()
    count = re.sub(r"\D", "", used)
    expect(page.get_by_text(f"已修改 {count} 条记录。")).to_be_visible()
    idle(page)
    expect(page.locator(".st-key-card_words canvas table tbody tr").filter(has_text="网上线索")).to_contain_text(count)
    expect(cells(page, "words").filter(has_text="网络线索")).to_have_count(0)


@SIZES
def test_what_would_be_lost_is_asked_first(page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    word = {1440: "委托招商", 390: "基金招商"}[size["width"]]
    sign_in(page, "admin", path="/dictionaries")
    choose_row(page, "words", word)
    dialog = page.get_by_role("dialog")
    for answer, left in (("no", 1), ("yes", 0)):
        page.locator(".st-key-card_words").get_by_role("button", name="移除").click()
        expect(dialog).to_contain_text(re.compile(f"表单不再提供“{word}”；已写有它的 \\d+ 条记录不变。"))
        page.locator(f".st-key-confirm_{answer} button").click()
        expect(dialog).to_have_count(0)
        idle(page)
        expect(cells(page, "words").filter(has_text=word)).to_have_count(left)
    go(page, f"{app.url}/units")
    choose_row(page, "units", "湘西高新区")
    page.get_by_role("button", name="其他名称").click()
    alias = dialog.locator('[class*="st-key-alias_"]', has_text="湘西经开区")
    alias.get_by_role("button", name="移除").click()
    expect(page.get_by_text("导入和查找将不再把“湘西经开区”认作 湘西高新区。")).to_be_visible()
    expect(alias).to_be_visible()
    go(page, f"{app.url}/accounts?search=admin")
    choose_row(page, "accounts", "管理员甲")
    page.get_by_role("button", name="结束会话").click()
    expect(dialog).to_contain_text("您将在所有地方立即退出登录，包括这里。")
    page.locator(".st-key-confirm_no button").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("h1.crm-title")).to_have_text("用户账号")


def test_a_leader_reads_the_rule_sets_and_changes_none(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "sunba", path="/rules")
    expect(page.locator("h1.crm-title")).to_have_text("统计口径")
    expect(page.get_by_text("编辑副本", exact=True)).to_have_count(0)
