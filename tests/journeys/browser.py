"""Words for driving a page: when it has come to rest, and what a person reads on it."""

import re

from playwright.sync_api import Locator, Page, Position, expect

IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
BUSY = '[data-testid="stApp"]:not([data-test-script-state="notRunning"]), html[data-asked]'
# Between a click and the script's first word Streamlit shows nothing: what is sent marks the page until then.
_MARK_WHAT_IS_ASKED = """
(() => {
    const send = WebSocket.prototype.send, root = () => document.documentElement;
    let asked = 0;
    WebSocket.prototype.send = function (...sent) {
        const mine = ++asked;
        root().dataset.asked = "";
        setTimeout(() => { if (mine === asked) delete root().dataset.asked; }, 1000);
        return send.apply(this, sent);
    };
    new MutationObserver(() => { delete root().dataset.asked; }).observe(
        document, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });
})();
"""


def attend(page: Page) -> None:
    """Have every click and every expectation on the page wait for the run that the one before has asked for."""
    page.add_init_script(_MARK_WHAT_IS_ASKED)
    page.add_locator_handler(page.locator(BUSY).first, lambda: None)


def idle(page: Page) -> None:
    """Wait until the script has run and its page is drawn."""
    page.wait_for_selector(f"html:not([data-asked]) {IDLE}", state="attached", timeout=20_000)
    expect(page.locator('[data-testid="stSkeleton"]')).to_have_count(0, timeout=10_000)


def go(page: Page, address: str) -> None:
    """Open an address of the app and wait for its page."""
    page.goto(address)
    idle(page)


def click_cell(place: Locator, row: int, *, x: int) -> None:
    """Click into a row of the first table in a place, counted from 0, so many pixels from its left edge.

    The table is a canvas that hears clicks only after it has listed its rows for those who cannot see them.
    """
    table = place.locator('[data-testid="stDataFrame"]').first
    expect(table.locator("canvas tbody tr").nth(row)).to_be_attached()
    idle(table.page)
    table.page.wait_for_timeout(300)
    there: Position = {"x": x, "y": 36 + 36 * row + 18}
    table.hover(position=there)
    table.page.wait_for_timeout(50)  # nobody presses in the very millisecond in which the mouse arrives
    table.click(position=there)


def tick_row(place: Locator, row: int) -> None:
    """Tick a row of the first table in a place, counted from 0, and wait for what comes of it."""
    line = place.locator('[data-testid="stDataFrame"]').first.locator("canvas tbody tr").nth(row)
    click_cell(place, row, x=16)
    try:
        expect(line).to_have_attribute("aria-selected", "true", timeout=4_000)
    except AssertionError:  # it was being laid out anew under the click
        click_cell(place, row, x=16)
    idle(place.page)


def title(page: Page) -> str:
    """The heading of the page."""
    return page.locator("h1.crm-title").inner_text()


def number(text: str) -> int:
    """The first number that a text says."""
    return int(re.findall(r"[\d,]+", text)[0].replace(",", ""))
