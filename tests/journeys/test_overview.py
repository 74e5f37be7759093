"""The overview in a real browser: a leader reads it and opens what is behind it; staff see their own alone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from crm import store
from crm.metrics import percent
from crm.months import bureau_day
from tests.apps import PASSWORD, App, add_people, app_with_people, running_app, utc_now
from tests.engines import EmbeddedEngine
from tests.journeys.browser import attend, click_cell, idle, title
from tests.journeys.bureau import SIZES, Bureau
from tests.probes import insert, insert_enterprise, insert_project, unit_ids

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
MAIN = ("signing", "performance", "startup")
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


def figure(page: Page, key: str) -> Locator:
    """One figure's card."""
    return page.locator(f".st-key-figure_{key}")


def shown(page: Page, key: str) -> int:
    """The number of a figure."""
    text = figure(page, key).locator(".crm-value").evaluate("e => e.firstChild.textContent")
    return int(str(text).replace(",", ""))


def opened(page: Page, key: str) -> Locator:
    """Press a figure's card and wait for the records behind it."""
    figure(page, key).locator(".crm-value").click(force=True)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    idle(page)
    return dialog


def listed(dialog: Locator) -> tuple[int, int]:
    """How many records the dialog lists over all its pages, and how many others it says there are."""
    expect(dialog.get_by_text(re.compile(r"共 [\d,]+ 条"))).to_be_visible()
    text = dialog.inner_text().replace(",", "")
    hidden = re.findall(r"另有 (\d+) 条计入此数", text)
    return int(re.findall(r"共 (\d+) 条", text)[0]), int(hidden[0]) if hidden else 0


def enter(page: Page, app: App, login: str) -> None:
    """Sign in at an app of the test's own."""
    attend(page)
    page.goto(f"{app.url}/login")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    idle(page)


@SIZES
def test_a_leader_lands_on_it_and_reads_the_numbers_of_the_ranking(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "sunba")
    expect(page).to_have_url(f"{app.url}/overview")
    assert title(page) == "招商总览"
    for slug in MAIN:
        pair = app.ranking.total[slug]
        expect(figure(page, slug)).to_contain_text(f"{percent(pair.rate)}{pair.n}/{pair.d}")
    cells = page.locator(".st-key-card_ranking canvas table td")
    expect(cells.filter(has_text=app.ranking.rows[0].unit.name)).to_have_count(1)
    assert [row.unit.name for row in app.ranking.rows if row.unit.name not in cells.all_text_contents()] == []
    for card in ("chains", "funnel", "targets"):
        expect(page.locator(f".st-key-card_{card} [data-testid=stVegaLiteChart]")).to_be_visible()
    first, second = (figure(page, key).bounding_box() for key in ("signings", "signed_amount"))
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # One primary action a page, and a leader logs nothing.
    expect(page.get_by_role("button", name="记一笔对接")).to_have_count(0)


def test_period_and_unit_are_kept_in_the_address(page: Page, app: Bureau, sign_in: SignIn) -> None:
    best = app.ranking.rows[0]
    sign_in(page, "sunba", path="/overview")
    page.locator(".st-key-to_date").get_by_text("本月", exact=True).click()
    page.locator(".st-key-of_unit").get_by_role("combobox").click()
    page.get_by_role("option", name=best.unit.name).click()
    pair = best.pairs["startup"]
    expect(figure(page, "startup")).to_contain_text(f"{percent(pair.rate)}{pair.n}/{pair.d}")
    expect(figure(page, "signings")).to_contain_text("较上月")
    idle(page)
    page.reload()
    idle(page)
    expect(figure(page, "startup")).to_contain_text(f"{percent(pair.rate)}{pair.n}/{pair.d}")
    expect(page.get_by_text(re.compile(r"^本月："))).to_be_visible()


def test_a_rate_opens_its_projects(page: Page, app: Bureau, sign_in: SignIn) -> None:
    worst = app.ranking.rows[-1]
    sign_in(page, "sunba", path=f"/overview?of_unit={worst.unit.name}")
    figure(page, "performance").locator(".crm-value").click(force=True)
    expect(page.locator("h1.crm-title")).to_have_text("月度排名")
    pair = worst.pairs["performance"]
    behind = page.locator(".st-key-card_behind")
    expect(behind).to_contain_text(f"{worst.unit.name} · 履约率 {percent(pair.rate)} ({pair.n}/{pair.d})")


@pytest.mark.parametrize("key", ["signings", "follow_ups", "funds_arrived"])
def test_staff_see_their_own_records_behind_a_count_and_how_many_others(
    page: Page, app: Bureau, sign_in: SignIn, key: str
) -> None:
    sign_in(page, "sunba", path="/overview")
    everything, nothing = listed(opened(page, key))
    if key != "funds_arrived":
        assert everything == shown(page, key)
    page.context.clear_cookies()
    sign_in(page, "zhangsan", path="/overview")
    dialog = opened(page, key)
    own, others = listed(dialog)
    assert 0 < own < everything
    assert (nothing, own + others) == (0, everything)
    cells = dialog.locator("canvas table td")
    expect(cells.get_by_text("吉首", exact=True).first).to_be_attached()
    units = {"吉首", "泸溪", "凤凰", "古丈", "花垣", "保靖", "永顺", "龙山", "高新区"}
    assert units & set(cells.all_text_contents()) == {"吉首"}


def test_a_row_behind_a_count_opens_its_project(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/overview")
    dialog = opened(page, "starts")
    name = dialog.locator("canvas table tbody tr").first.locator("td").nth(1).inner_text()
    click_cell(dialog, 0, x=200)
    expect(page.locator("h1.crm-title")).to_have_text(name)


def test_the_chains_open_the_projects_of_a_cell(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "sunba", path="/overview")
    card = page.locator(".st-key-card_chains")
    card.get_by_text("签约额（亿元）", exact=True).click()
    idle(page)
    card.get_by_text("新签约项目数", exact=True).click()
    idle(page)
    card.scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    box = card.locator("svg.marks, canvas").first.bounding_box()
    assert box is not None
    # The first chain in the last unit of the grid.
    page.mouse.click(box["x"] + box["width"] - 20, box["y"] + 40)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("白酒 · 高新区")
    expect(dialog).to_contain_text("首次签约日期在期内")


@pytest.mark.parametrize("login", ["zhangsan", "lisi"])
def test_a_to_do_opens_where_it_is_done_and_the_head_of_a_unit_sees_the_units(
    page: Page, embedded_engine: EmbeddedEngine, login: str
) -> None:
    url, today = embedded_engine.clone(), bureau_day(utc_now())
    database = store.connect(url)
    add_people(database)
    unit = unit_ids(database)["吉首"]
    enterprise = insert_enterprise(database, "湖南甲科技有限公司", owner_unit_id=unit, owner_person="张三")
    insert_project(database, "P1", unit_id=unit, enterprise_id=enterprise, planned_start_on=today - 2 * DAY)
    demanded = {"number": "督办〔2026〕1号", "level": "blue", "demand": "**补报**材料", "issued_on": today - 9 * DAY}
    order = insert(database, "supervision_order", unit_id=unit, due_on=today - 3 * DAY, **demanded)
    database.close()
    with running_app(url) as small:
        enter(page, small, login)
        card = page.locator(".st-key-card_todo")
        expect(card).to_contain_text({"zhangsan": "近期待办", "lisi": "本单位近期待办"}[login])
        texts = card.locator('[class*="st-key-todo_text_"]')
        expect(texts).to_have_count(2)
        assert [text.split("\n") for text in texts.all_inner_texts()] == [
            ["督办〔2026〕1号 **补报**材料", "", f"{today - 3 * DAY}"],
            ["开工节点", "", f"湖南甲科技有限公司 · 项目P1 · 张三 · {today - 2 * DAY}"],
        ]
        card.get_by_role("link", name="督办〔2026〕1号 **补报**材料").click()
        expect(page).to_have_url(re.compile(rf"/supervision\?order={order}$"))
        expect(page.locator("h1.crm-title")).to_have_text("督办〔2026〕1号")
        idle(page)
        page.go_back()
        card.get_by_role("link", name="开工节点").click()
        expect(page.locator("h1.crm-title")).to_have_text("项目P1")
        idle(page)


def test_an_empty_bureau_says_what_to_do_next(page: Page, embedded_engine: EmbeddedEngine) -> None:
    with app_with_people(embedded_engine) as empty:
        enter(page, empty, "zhangsan")
        assert title(page) == "招商总览"
        expect(page.get_by_text("还没有可供总览的数据。")).to_be_visible()
        expect(page.locator("canvas")).to_have_count(0)
        page.locator(".st-key-card_none").get_by_role("link", name="Excel 导入").click()
        expect(page.locator("h1.crm-title")).to_contain_text("导入")
