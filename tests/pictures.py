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

from playwright.sync_api import Browser, Page, sync_playwright

from tests.apps import PASSWORD
from tests.conftest import ROOT
from tests.engines import EmbeddedEngine
from tests.journeys.browser import idle
from tests.journeys.bureau import DESK, HAND, Bureau, served_bureau

FOLDER = ROOT / "docs" / "images" / "guide"


@dataclass(frozen=True)
class Picture:
    """One picture: `steps` are taken on the page before it."""

    name: str
    login: str
    path: str
    on_a_phone: bool = False
    steps: Callable[[Page, Bureau], None] = lambda _page, _bureau: None


PICTURES = (
    Picture("ranking", "zhaoliu", "/ranking"),
    Picture("enterprises", "zhangsan", "/enterprises"),
    Picture("log-contact", "zhangsan", "/log-contact"),
    Picture("log-contact-phone", "zhangsan", "/log-contact", on_a_phone=True),
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
    with served_bureau(engine) as bureau, _browser() as browser:
        for picture in PICTURES:
            if names and picture.name not in names:
                continue
            size = HAND if picture.on_a_phone else DESK
            context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=size)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(bureau.url + picture.path)
            page.locator("#login").fill(picture.login)
            page.locator("#password").fill(PASSWORD)
            page.locator("button[type=submit]").click()
            if picture.login in bureau.secrets:
                page.locator("#code").fill(bureau.one_time_password(picture.login))
                page.locator("button[type=submit]").click()
            idle(page)
            picture.steps(page, bureau)
            page.wait_for_timeout(1_200)  # drawings fade in
            page.screenshot(path=FOLDER / f"{picture.name}.png")
            sys.stdout.write(f"{picture.name}\n")
            context.close()
    engine.stop()


if __name__ == "__main__":
    take(sys.argv[1:])
