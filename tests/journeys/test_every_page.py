"""Every page of the navigation, walked through once in each language: its words, and how it lies in one hand."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from crm.ui.shell import PAGES
from tests.apps import PEOPLE
from tests.engines import EmbeddedEngine
from tests.journeys.browser import go
from tests.journeys.bureau import DESK, HAND, Bureau, served_bureau
from tests.journeys.walking import find, open_search, pages_of, reader_of, walk, words_in_lists, words_on

pytestmark = pytest.mark.browser

SignIn = Callable[..., Page]
READERS = sorted({reader_of(entry) for entry in PAGES})
# What is written in Latin letters in Chinese too: formats, keys, codes, logins, placeholders, the other language.
FORMATS = "Word PDF JSON CSV XLSX? xlsx? csv DOCX? PPTX? PNG JPE?G WEBP TXT ZIP OFD WPS ICS Excel Word".split()
LATIN = re.compile(
    rf"(?<![A-Za-z])(?:{'|'.join(FORMATS)}|Ctrl|Shift|Enter|Esc|\d+[KM]B|English|default"
    rf"|[A-Z]{{2,8}}-\d{{4}}-\d+|[0-9A-Z]{{18}}|system(?::\w+)?|https?://\S+|\{{\w+\}}|{'|'.join(PEOPLE)})(?![A-Za-z])"
)

# What sticks out of the screen sideways and cannot be reached: not a table or a row that scrolls by itself.
STICKS_OUT = """
() => {
    const scrolls = (element) => {
        for (let up = element.parentElement; up && up.dataset.testid !== "stMain"; up = up.parentElement) {
            if (["auto", "scroll"].includes(getComputedStyle(up).overflowX)) return true;
        }
        return false;
    };
    const main = document.querySelector('[data-testid="stMain"]');
    const out = [...main.querySelectorAll("*")].filter((element) => {
        const box = element.getBoundingClientRect();
        if (!box.width || box.right <= innerWidth + 1) return false;
        return !element.closest('[data-testid="stDataFrame"], svg') && !scrolls(element);
    });
    return [document.documentElement.scrollWidth <= innerWidth, main.scrollWidth <= main.clientWidth,
        out.map((element) => element.dataset.testid || element.className).slice(0, 3)];
}
"""
# Buttons lower than a finger is wide; what belongs to a field, to a table or to a line of text is not meant.
LOW = """
() => [...document.querySelectorAll('[data-testid="stMain"] button')].filter((button) => {
    const within = ["stElementToolbarButton", "stTooltipIcon", "stMarkdownContainer", "stDateInput", "stSelectbox",
        "stMultiSelect", "stNumberInput", "stTextInput", "stWidgetLabel"];
    const box = button.getBoundingClientRect();
    const coversItsCard = getComputedStyle(button, "::after").position === "absolute";
    const isMeant = !coversItsCard && !within.some((id) => button.closest(`[data-testid="${id}"]`));
    return isMeant && box.height && box.height < 39.5;
}).map((button) => button.innerText + " " + Math.round(button.getBoundingClientRect().height))
"""
# Buttons, links and fields that a screen reader could not name.
NAMELESS = """
() => [...document.querySelectorAll("button, a[href], input:not([type=hidden]), [role=tab]")].filter((element) => {
    if (!element.offsetParent || element.closest("[aria-hidden=true]")) return false;
    const copy = element.cloneNode(true);
    copy.querySelectorAll("[aria-hidden=true]").forEach((icon) => icon.remove());
    const ids = (element.getAttribute("aria-labelledby") || "").split(" ");
    const labels = [...ids.map((id) => document.getElementById(id)).filter(Boolean), ...(element.labels || [])];
    const names = [copy.textContent, element.getAttribute("aria-label"), element.title, element.placeholder,
        ...labels.map((label) => label.textContent), ...[...element.querySelectorAll("img")].map((image) => image.alt)];
    return !names.some((name) => name && name.trim());
}).map((element) => element.outerHTML.slice(0, 160))
"""


@pytest.fixture(scope="session")
def app(embedded_engine: EmbeddedEngine) -> Iterator[Bureau]:
    """A bureau of its own: what other journeys typed is not in its list of typed words."""
    with served_bureau(embedded_engine) as served:
        yield served


def in_latin(words: set[str]) -> set[str]:
    """The texts with a Latin word that Chinese has a word for."""
    return {text for text in words if re.search(r"[A-Za-z]{2,}", LATIN.sub("", text))}


def in_chinese(words: set[str], typed: str) -> set[str]:
    """The texts with Chinese words that nobody typed."""
    return {text for text in words if any(run not in typed for run in re.findall(r"[\u4e00-\u9fff]+", text))}


def words_of_the_frame(page: Page) -> set[str]:
    """What one reads in the search that finds something and nothing, and in the list of keys."""
    open_search(page)
    said = words_on(page)
    for text in ("有", "9"):
        find(page, text)
        said |= words_on(page)
    find(page, "没有的名字")
    said |= words_on(page) - {"没有的名字"}
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator(".st-key-keys button").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    said |= words_on(page)
    page.keyboard.press("Escape")
    return said


def wrong_in_one_hand(page: Page) -> list[object]:
    """What does not fit a phone: wider than the screen, lower than a finger, without a name."""
    page.set_viewport_size(HAND)  # type: ignore[arg-type]
    for _ in range(12):  # charts are drawn anew for the new width, on a busy machine late
        page.wait_for_timeout(400)
        root, main, out = page.evaluate(STICKS_OUT)
        if root and main and not out:
            break
    found = [*([] if root and main else ["wider than the screen"]), *out, *page.evaluate(LOW), *page.evaluate(NAMELESS)]
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("login", READERS)
def test_every_page_is_chinese_and_fits_a_phone(page: Page, app: Bureau, sign_in: SignIn, login: str) -> None:
    sign_in(page, login)
    left: dict[str, object] = {"search": in_latin(words_of_the_frame(page))}
    # The dispatcher, who finds most to press, walks through all that others read too; they through the rest.
    of_dispatcher = pages_of("zhaoliu")
    entries = of_dispatcher if login == "zhaoliu" else [e for e in pages_of(login) if e not in of_dispatcher]
    for entry in walk(page, login, entries):
        left[entry.file] = in_latin(words_on(page) | words_in_lists(page))
        left[f"{entry.file} in one hand"] = wrong_in_one_hand(page)
    assert {place: found for place, found in left.items() if found} == {}


@pytest.mark.parametrize("login", READERS)
def test_every_page_is_english_and_fits_a_phone(page: Page, app: Bureau, sign_in: SignIn, login: str) -> None:
    typed = app.typed + "".join(name for name, *_rest in PEOPLE.values()) + "中文"
    sign_in(page, login)
    go(page, f"{app.url}/language?to=en")
    left: dict[str, object] = {"search": in_chinese(words_of_the_frame(page), typed)}
    for entry in walk(page, login, [entry for entry in pages_of(login) if reader_of(entry) == login]):
        left[entry.file] = in_chinese(words_on(page) | words_in_lists(page), typed)
        left[f"{entry.file} in one hand"] = wrong_in_one_hand(page)
    assert {place: found for place, found in left.items() if found} == {}
