"""Every page of the navigation as each person finds it, and the words that one reads on a page."""

import re
from collections.abc import Iterator
from contextlib import suppress

from playwright.sync_api import Error, Page, expect

from crm.model import Actor
from crm.ui.shell import PAGES, Entry
from tests.apps import PEOPLE
from tests.journeys.browser import idle

Found = tuple[Entry, str]  # a page and its address
# What a record page shows is found with the search: the text to type and how the line's address begins.
RECORDS = {"enterprise": ("有限", "enterprise?id="), "project": ("项目", "project?id=")}
FIELD = ".st-key-find_anything input"

# Text nodes and spoken names that a person meets: without icons, without the cells of tables, which are data, and
# without the names that a chart gives to each of its marks.
VISIBLE = """
() => {
    const said = [], NAMES = ["placeholder", "aria-label", "title", "alt"];
    const hidden = "script, style, noscript, template, td, code, [data-testid=stJson], svg title, "
        + "[aria-hidden=true][translate=no], [role=img][translate=no]";
    const seen = (element) => element.getClientRects().length > 0 || element.closest("canvas");
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
        if (element.closest(hidden) || !seen(element)) continue;
        if (node.nodeType === Node.TEXT_NODE) said.push(node.nodeValue.trim());
        else if (!element.closest("svg")) for (const name of NAMES) said.push((node.getAttribute(name) || "").trim());
    }
    return [...new Set(said)].filter(Boolean);
}
"""


def actor_of(login: str) -> Actor:
    """The person of `tests.apps.PEOPLE`, as far as the navigation asks."""
    name, role, _unit, _industry = PEOPLE[login]
    return Actor(login, 1, name, roles=frozenset({role}))


def pages_of(login: str) -> list[Entry]:
    """Every page that a person may open."""
    return [entry for entry in PAGES if entry.file != "home" and entry.open_to(actor_of(login))]


def reader_of(entry: Entry) -> str:
    """The first of our people who may open a page."""
    return next(login for login in PEOPLE if entry.open_to(actor_of(login)))


def open_search(page: Page) -> None:
    """Press the key of the search and wait for its field."""
    page.keyboard.press("/")
    expect(page.locator(FIELD)).to_be_focused()


def find(page: Page, text: str) -> None:
    """Type into the open search and wait for the answer."""
    page.locator(FIELD).fill(text)
    expect(page.locator(f'.crm-found[data-for="{text}"]')).to_be_attached()
    idle(page)


def walk(page: Page, login: str, entries: list[Entry]) -> Iterator[Entry]:
    """Open each page in turn, record pages on a record that this person may see; the page is signed in."""
    base = re.match(r"https?://[^/]+", page.url)
    assert base
    for entry in entries:
        address = entry.url
        if entry.file in RECORDS:
            text, begins = RECORDS[entry.file]
            open_search(page)
            find(page, text)
            address = page.locator(f'.st-key-found a[href*="{begins}"]').first.get_attribute("href") or ""
        link = page.locator(f'[data-testid="stSidebarNavLink"][href$="/{address}"]')
        if link.count():
            link.click()
        else:
            page.goto(f"{base[0]}/{address}")
        idle(page)
        page.wait_for_timeout(400)  # tables and charts draw after the script has ended
        expect(page.get_by_text("请把这个编号告诉管理员")).to_have_count(0)
        expect(page.get_by_text("give your administrator this number")).to_have_count(0)
        yield entry


def words_on(page: Page) -> set[str]:
    """What one reads on the page, its dialogs and open lists included."""
    return set(page.evaluate(VISIBLE))


def words_in_lists(page: Page) -> set[str]:
    """What one reads as the first fields of each kind on the page are opened, one after the other."""
    said: set[str] = set()
    for kind in ("stSelectbox", "stMultiSelect", "stDateInput", "stMenuButton", "stPopover"):
        fields = page.locator(f'[data-testid="stMain"] [data-testid="{kind}"]:visible')
        if not fields.count():
            continue
        with suppress(Error):  # something lies over it
            fields.first.locator("button").last.click(timeout=2_000)
            page.wait_for_timeout(200)
            said |= words_on(page)
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")  # what is typed next is for the page
        page.wait_for_timeout(100)
    return said
