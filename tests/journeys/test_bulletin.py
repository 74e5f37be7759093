"""The bulletin on the screen: its pages are shown, a text is worded, three files are saved."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crm.exchange.bulletin import MEDIA_TYPES
from tests.journeys.browser import idle
from tests.journeys.bureau import MONTH, SIZES, Bureau

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
PAGES = ".st-key-pages img"
SLOW = 60_000  # the first picture of a chart takes a while


@pytest.fixture(scope="session")
def app(bureau: Bureau) -> Bureau:
    """These journeys walk through a bureau with three years of work in it."""
    return bureau


@SIZES
def test_the_pages_are_shown_and_three_files_are_saved(
    page: Page, sign_in: SignIn, tmp_path: Path, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    types = {}
    page.on(
        "response", lambda answer: types.update({answer.url.rpartition(".")[2]: answer.headers.get("content-type")})
    )
    sign_in(page, "zhangsan", path=f"/bulletin?month={MONTH}")
    expect(page.locator(PAGES).first).to_be_visible(timeout=SLOW)
    assert page.locator(PAGES).count() >= 4
    expect(page.locator(".st-key-card_state")).to_contain_text("草稿")
    expect(page.locator(".st-key-card_texts")).to_have_count(0)
    for label, ending, begin in (("Word", "docx", b"PK"), ("PDF", "pdf", b"%PDF"), ("Excel", "xlsx", b"PK")):
        with page.expect_download(timeout=SLOW) as started:
            page.locator(".st-key-downloads").get_by_role("button", name=label).click()
        download = started.value
        assert download.suggested_filename == f"通报-{MONTH}-草稿.{ending}"
        path = tmp_path / download.suggested_filename
        download.save_as(path)
        assert path.read_bytes().startswith(begin)
        idle(page)
    assert {ending: types.get(ending) for ending in MEDIA_TYPES} == dict(MEDIA_TYPES)


def test_the_dispatcher_words_a_section_for_this_month(page: Page, sign_in: SignIn) -> None:
    sign_in(page, "zhaoliu", path=f"/bulletin?month={MONTH}")
    expect(page.locator(PAGES).first).to_be_visible(timeout=SLOW)
    before = page.locator(PAGES).first.get_attribute("src")
    card = page.locator(".st-key-card_texts")
    text = card.locator("textarea")
    text.fill("{period}的情况{unheard_of}如下。")
    text.press("Control+Enter")
    idle(page)
    card.get_by_role("button", name="仅用于本月").click()
    expect(card.get_by_role("alert")).to_contain_text("{unheard_of}")
    card.locator("textarea").fill("{period}的情况如下，请认真落实。")
    card.locator("textarea").press("Control+Enter")
    idle(page)
    card.get_by_role("button", name="仅用于本月").click()
    expect(card.get_by_role("button", name="恢复为模板")).to_be_visible(timeout=SLOW)
    idle(page)
    expect(page.locator(PAGES).first).not_to_have_attribute("src", before or "", timeout=SLOW)
