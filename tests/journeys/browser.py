"""Words for driving a page: when it has come to rest, and what a person reads on it."""

from playwright.sync_api import Page, expect

IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def idle(page: Page) -> None:
    """Wait until the script has run and its page is drawn."""
    page.wait_for_selector(IDLE, state="attached", timeout=20_000)
    expect(page.locator('[data-testid="stSkeleton"]')).to_have_count(0, timeout=10_000)


def go(page: Page, address: str) -> None:
    """Open an address of the app and wait for its page."""
    page.goto(address)
    idle(page)


def title(page: Page) -> str:
    """The heading of the page."""
    return page.locator("h1.crm-title").inner_text()
