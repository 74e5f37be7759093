"""The directory at work in a real browser: views that are shared, many enterprises changed at once, two made one, two
people at one record; and nothing of another unit's to be had by any of it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from crm.ui.redrawing import SETTLING
from tests.journeys.browser import click_cell, go, idle, tick_row
from tests.journeys.bureau import DESK, HAND, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
OUTSIDE = "没有这条记录，或不在您的权限范围内。"


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


@pytest.fixture(params=[DESK, HAND], ids=["desk", "hand"])
def size(request: pytest.FixtureRequest) -> dict[str, int]:
    """On a desk and in a hand."""
    found: dict[str, int] = request.param
    return found


@pytest.fixture
def newcomer(browser: Browser, sign_in: SignIn) -> Callable[..., Page]:
    """Sign somebody in in a browser of their own."""

    def signing_in(login: str, *, path: str) -> Page:
        return sign_in(browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai").new_page(), login, path=path)

    return signing_in


def listed(page: Page) -> int:
    """How many enterprises the filter gives."""
    heading = page.locator("h2.crm-card-title", has_text="家企业").inner_text()
    return int(re.findall(r"[\d,]+", heading)[0].replace(",", ""))


def table(page: Page) -> Locator:
    return page.locator('.st-key-card_list [data-testid="stDataFrame"]')


def view(page: Page, name: str) -> Locator:
    """The line of a saved view in the open list, at rest."""
    line = page.locator('[class*="st-key-view_line"]', has_text=name)
    expect(line).to_be_visible()
    idle(page)
    page.wait_for_timeout(300)  # what the run before had drawn fades out
    return line


def tick(page: Page, row: int) -> None:
    """Tick a row of the directory, counted from 0."""
    tick_row(page.locator(".st-key-card_list"), row)
    expect(page.locator(".st-key-bulk")).to_contain_text(f"已选 {row + 1} 家")
    idle(page)


READ_COLUMN = """
(tables, heading) => tables.flatMap((table) => {
    const at = [...table.querySelectorAll("thead th")].findIndex((cell) => cell.textContent === heading);
    return [...table.querySelectorAll("tbody tr")].map((row) => row.querySelectorAll("td")[at]?.textContent ?? "");
})
"""


def column(page: Page, heading: str) -> list[str]:
    """Read a column of the table on the screen, once the canvas has listed its rows and they stay the same."""
    drawn = page.locator(".st-key-card_list canvas table")
    found: list[str] = []
    for _turn in range(40):
        page.wait_for_timeout(300)
        before, found = found, drawn.evaluate_all(READ_COLUMN, heading)
        if found and found == before:
            break
    return found


def test_a_view_is_saved_shared_and_opened_by_another_within_their_own_scope(
    page: Page, app: Bureau, sign_in: SignIn, newcomer: Callable[..., Page], size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    name = f"甲级重点{size['width']}"
    sign_in(page, "zhaoliu", path="/enterprises?grade=A&from=3000")
    whole = listed(page)
    page.get_by_role("button", name="视图").click()
    page.get_by_label("把当前筛选保存为").fill(name)
    page.locator(".st-key-view_shared label").click()
    idle(page)
    page.get_by_role("button", name="保存视图").click()
    expect(page.locator("a.crm-view", has_text=name)).to_be_visible()

    other = newcomer("wangwu", path="/enterprises")
    everything = listed(other)
    other.get_by_role("button", name="视图").click()
    expect(other.locator('[class*="st-key-view_line"]', has_text=name)).to_contain_text("赵六 共享")
    other.locator("a.crm-view", has_text=name).click()
    expect(other).to_have_url(re.compile("grade=A"))
    idle(other)
    expect(table(other)).to_be_visible()
    assert 0 < listed(other) < min(whole, everything)
    assert set(column(other, "等级")) == {"A"}
    other.context.close()

    # Kept to oneself again, it is gone for the others.
    view(page, name).locator('[class*="st-key-view_share"] button:visible').click()
    expect(view(page, name)).to_contain_text("lock")
    idle(page)
    again = newcomer("wangwu", path="/enterprises")
    again.get_by_role("button", name="视图").click()
    expect(again.get_by_label("把当前筛选保存为")).to_be_visible()
    expect(again.locator("a.crm-view", has_text=name)).to_have_count(0)
    again.context.close()


def test_a_view_is_renamed_and_deleted(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "lisi", path="/enterprises?grade=B")
    page.get_by_role("button", name="视图").click()
    page.get_by_label("把当前筛选保存为").fill("乙级")
    page.get_by_role("button", name="保存视图").click()
    view(page, "乙级").locator('[class*="st-key-view_rename"] button:visible').click()
    page.get_by_role("dialog").get_by_label("视图名称").fill("乙级企业")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    idle(page)
    page.get_by_role("button", name="视图").click()
    view(page, "乙级企业").locator('[class*="st-key-view_delete"] button:visible').click()
    page.locator(".st-key-confirm_yes button").click()
    idle(page)
    page.get_by_role("button", name="视图").click()
    expect(page.get_by_label("把当前筛选保存为")).to_be_visible()
    expect(page.locator("a.crm-view", has_text="乙级企业")).to_have_count(0)


def choose(page: Page, filter: str, option: str) -> None:
    """Choose in a filter, and do not wait for what comes of it."""
    page.locator(f".st-key-{filter}").get_by_role("combobox").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_filter_draws_the_list_alone_and_the_views_know_of_it(page: Page, app: Bureau, sign_in: SignIn) -> None:
    drawn: list[str] = []

    def note(frame: str | bytes) -> None:
        message = ForwardMsg()
        message.ParseFromString(frame if isinstance(frame, bytes) else frame.encode())
        if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
            drawn.append(message.delta.new_element.WhichOneof("type") or "")

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    sign_in(page, "zhaoliu", path="/enterprises")
    whole = listed(page)
    assert {"selectbox", "multiselect", "dataframe"} <= set(drawn)

    page.wait_for_timeout(1_000 * SETTLING)
    drawn.clear()
    choose(page, "grade", "A")
    expect(page).to_have_url(re.compile(r"\?grade=A$"))
    idle(page)
    graded = listed(page)
    assert 0 < graded < whole
    assert "dataframe" in drawn
    assert not {"selectbox", "multiselect"} & set(drawn)
    assert set(column(page, "等级")) == {"A"}

    page.get_by_role("button", name="视图").click()
    page.get_by_label("把当前筛选保存为").fill("只画名录")
    page.get_by_role("button", name="保存视图").click()
    assert view(page, "只画名录").locator("a.crm-view").get_attribute("href") == "?grade=A"

    # The button stands in the list, the filters do not: all of them are emptied on the screen.
    page.keyboard.press("Escape")
    page.locator(".st-key-clear_filters button").click()
    expect(page).to_have_url(re.compile("/enterprises$"))
    idle(page)
    assert listed(page) == whole
    expect(page.locator(".st-key-grade")).not_to_contain_text("A")


def test_a_chain_chosen_a_moment_before_another_filter_still_brings_its_segments(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    sign_in(page, "zhaoliu", path="/enterprises")
    page.locator(".st-key-industry").get_by_role("combobox").click()
    page.get_by_role("option").first.click()
    choose(page, "grade", "B")
    expect(page).to_have_url(re.compile(r"(?=.*industry=)(?=.*grade=B)"))
    idle(page)
    both = listed(page)
    page.locator(".st-key-segment").get_by_role("combobox").click()
    expect(page.get_by_role("option").first).to_contain_text("上游")
    page.keyboard.press("Escape")
    page.reload()
    idle(page)
    assert 0 < both == listed(page)


def test_several_are_graded_at_once_and_one_undo_takes_it_back(
    page: Page, app: Bureau, sign_in: SignIn, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    sign_in(page, "zhangsan", path="/enterprises?grade=C")
    before = listed(page)
    names = column(page, "企业")
    tick(page, 0)
    tick(page, 1)
    page.get_by_role("button", name="设置等级").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="B", exact=True).click()
    idle(page)
    dialog.get_by_role("button", name="修改").click()
    expect(dialog).to_contain_text("已修改 2 家，0 家本来如此，0 家未修改。")
    dialog.get_by_role("button", name="关闭").last.click()
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text(f"共 {before - 2:,} 家企业")
    # The ticks do not slide onto the rows that moved up.
    expect(page.locator(".st-key-bulk")).to_have_count(0)
    page.get_by_role("button", name="最近变更").click()
    page.get_by_role("button", name="撤销").first.click()
    expect(page.locator("h2.crm-card-title", has_text="家企业")).to_have_text(f"共 {before:,} 家企业")
    idle(page)
    assert set(names[:2]) <= set(column(page, "企业"))


def test_ticks_stay_with_their_rows_and_go_with_them(page: Page, app: Bureau, sign_in: SignIn) -> None:
    sign_in(page, "zhangsan", path="/enterprises")
    tick(page, 0)
    ticked = column(page, "企业")[0]
    # A page of other rows has none of them ticked, though one stands where the tick was.
    choose(page, "grade", next(grade for grade in "ABC" if column(page, "等级")[0] != grade))
    idle(page)
    assert column(page, "企业")[0] != ticked
    expect(page.locator(".st-key-bulk")).to_have_count(0)
    expect(page.locator('.st-key-card_list canvas tr[aria-selected="true"]')).to_have_count(0)
    # Nothing is ticked: other rows come into the same table, and what one clicks on is the row that one sees.
    page.locator(".st-key-clear_filters button").click()
    idle(page)
    name = column(page, "企业")[1]
    click_cell(page.locator(".st-key-card_list"), 1, x=120)
    expect(page.locator("h1.crm-title")).to_have_text(name)


def test_two_records_are_merged_the_old_link_leads_on_and_the_merge_is_taken_back(
    page: Page, app: Bureau, sign_in: SignIn
) -> None:
    sign_in(page, "zhangsan", path="/duplicates")
    expect(page.locator(".st-key-card_groups")).to_be_visible(timeout=20_000)
    groups = page.locator('[class*="st-key-group_"]')
    count = groups.count()
    page.get_by_role("button", name="合并").first.click()
    expect(page.locator("h1.crm-title")).to_have_text("合并企业")
    idle(page)
    keep, other = re.findall(r"(?:keep|other)=(\d+)", page.url)
    names = page.locator(".st-key-card_stays label p").all_inner_texts()[1:3]
    page.get_by_role("button", name="合并这两家").click()
    expect(page.locator("h1.crm-title")).to_have_text(names[0])
    idle(page)
    expect(page.locator(".st-key-card_facts")).to_contain_text(names[1])
    go(page, f"{app.url}/enterprise?id={other}")
    expect(page.locator("h1.crm-title")).to_have_text(names[0])
    expect(page).to_have_url(f"{app.url}/enterprise?id={keep}")
    go(page, f"{app.url}/duplicates")
    expect(page.locator(".st-key-card_groups")).to_be_visible(timeout=20_000)
    expect(groups).to_have_count(count - 1)
    page.get_by_role("button", name="最近变更").click()
    expect(page.locator('[class*="st-key-change_"]').first).to_contain_text(f"“{names[1]}”并入“{names[0]}”")
    newest = page.locator('[class*="st-key-change_"]').first
    newest.get_by_role("button", name="撤销").click()
    expect(newest.get_by_text("已撤回", exact=True)).to_be_attached(timeout=20_000)
    idle(page)
    page.get_by_role("button", name="重新检查").click()
    expect(groups).to_have_count(count)
    go(page, f"{app.url}/enterprise?id={other}")
    expect(page.locator("h1.crm-title")).to_have_text(names[1])


def test_who_saves_second_sees_both_values_and_chooses(
    page: Page, app: Bureau, sign_in: SignIn, newcomer: Callable[..., Page]
) -> None:
    enterprise, _name, _code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/enterprise?id={enterprise}")

    def edit(on: Page, **typed: str) -> None:
        on.get_by_role("button", name="编辑").first.click()
        expect(on.get_by_role("dialog")).to_contain_text("编辑企业")
        for field, text in typed.items():
            on.locator(f".st-key-edit_{field} input").fill(text)

    edit(page, investment_direction="我写的方向", main_business="我写的主营")
    other = newcomer("lisi", path=f"/enterprise?id={enterprise}")
    edit(other, investment_direction="他写的方向", address="他写的地址")
    other.get_by_role("dialog").get_by_role("button", name="保存").click()
    expect(other.locator(".st-key-card_facts")).to_contain_text("他写的方向")
    other.context.close()

    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_contain_text("您编辑期间，李四修改了这条记录。请逐项选择。")
    expect(dialog.locator(".st-key-conflict_address")).to_contain_text("对方已保存：他写的地址")
    dialog.get_by_text("对方已保存：他写的方向").click()
    idle(page)
    dialog.get_by_role("button", name="按所选保存").click()
    expect(dialog).to_have_count(0)
    facts = page.locator(".st-key-card_facts")
    for text in ("他写的方向", "我写的主营", "他写的地址"):
        expect(facts).to_contain_text(text)


def test_nothing_of_another_units_is_seen_changed_or_merged(page: Page, app: Bureau, sign_in: SignIn) -> None:
    enterprise, name, code = app.of_fenghuang
    own, _own_name, _own_code = app.of_jishou
    sign_in(page, "zhangsan", path=f"/enterprises?q={code}")
    assert listed(page) == 0
    for address in (f"/merge?keep={enterprise}", f"/merge?keep={own}&other={enterprise}"):
        go(page, app.url + address)
        expect(page.get_by_text(OUTSIDE)).to_be_visible()
        expect(page.get_by_text(name)).to_have_count(0)
    go(page, f"{app.url}/duplicates")
    expect(page.locator(".st-key-card_groups")).to_be_visible(timeout=20_000)
    hidden = page.locator('[class*="st-key-member_"]', has_text="不在您的权限范围内")
    assert hidden.count() > 0
    for line in hidden.all():
        assert re.fullmatch(r"\S+公司\n+\S+ · 不在您的权限范围内", line.inner_text().strip())
        expect(line.get_by_role("button")).to_have_count(0)
    # A leader reads all and changes none of it.
    page.context.clear_cookies()
    sign_in(page, "sunba", path="/enterprises?grade=A")
    assert listed(page) > 0
    expect(page.get_by_role("button", name="最近变更")).to_have_count(0)
    click_cell(page.locator(".st-key-card_list"), 0, x=16)
    expect(page.locator(".st-key-bulk")).to_have_count(0)
    go(page, f"{app.url}/enterprise?id={own}")
    expect(page.get_by_role("button", name="更多")).to_be_visible()
    expect(page.get_by_role("button", name="编辑")).to_have_count(0)
