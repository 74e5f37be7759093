"""Text that one person typed is inert for the next, wherever a page shows it through `safe`, `tag` or an error."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from crm import store
from tests.apps import App, add_people, probe_program, running_app
from tests.engines import EmbeddedEngine
from tests.journeys.browser import idle

pytestmark = pytest.mark.browser

TYPED = [
    "**bold** _it_ `code` ~~no~~ # heading",
    "[click](https://evil.example) ![pixel](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)> <b>x</b> <script>alert(1)</script>",
    "https://evil.example www.evil.example a@evil.example HTTPS://EVIL.example",
    ":red[red] :material/delete: :smile: :blue-badge[b] :streamlit: :small[s]",
    "$x^2$ $$y$$ x^2^ H~2~O [^1]",
    "back\\slash &amp; &lt; &copy; {x} 100%",
    "<- -> <-> -- >= <= ~= 5*3=15 (a) - b",
    "1. one | two > three",
    "正常的企业名称（湘西）有限公司：2026-01-05",
]
SCRIPT = f"""
import streamlit as st
from crm.errors import Refused
from crm.locale import _
from crm.ui import components as ui, errors, session
session.current_actor()
for number, text in enumerate({TYPED!r}):
    with st.container(key=f"text{{number}}"):
        st.markdown(ui.safe(text))
    with st.container(key=f"tag{{number}}"):
        ui.tag(text)
    with st.container(key=f"error{{number}}"):
        errors.show(Refused(_("{{text}}", text=text)))
    with st.container(key=f"empty{{number}}"):
        ui.empty_state(text)
    with st.container(key=f"kpi{{number}}"):
        ui.kpi(f"k{{number}}", text, "1")
session.flash({TYPED[1]!r})
session.show_flashes()
"""


READ = """
element => [
    element.innerText,
    [...element.querySelectorAll("a, img, script, b, strong, em, i, code, del, h1, h2, li, table, .katex")]
        .map(found => found.outerHTML),
]
"""


@pytest.fixture(scope="module")
def typed(embedded_engine: EmbeddedEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page that shows every text in every way."""
    url = embedded_engine.clone()
    database = store.connect(url)
    add_people(database)
    database.close()
    with running_app(url, program=probe_program(tmp_path_factory.mktemp("typed"), SCRIPT)) as app:
        yield app


def test_nothing_typed_becomes_anything_else(page: Page, typed: App) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(typed.url)
    page.locator("#login").fill("zhangsan")
    page.locator("#password").fill("Correct-Horse-9")
    page.locator("button[type=submit]").click()
    idle(page)
    for number, text in enumerate(TYPED):
        for kind in ("text", "tag", "error", "empty", "kpi"):
            shown, elements = page.locator(f".st-key-{kind}{number}").evaluate(READ)
            assert " ".join(text.split()) in " ".join(shown.replace("\N{WORD JOINER}", "").split()), (kind, text)
            assert elements == [], (kind, text)
    expect(page.locator('[data-testid="stToast"] a, [data-testid="stToast"] img')).to_have_count(0)
    assert [url for url in asked if "evil" in url] == []
