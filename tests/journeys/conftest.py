"""The app in a real browser: one server a worker with people in it; a page whose script fails, fails the test."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.apps import PASSWORD, App, app_with_people
from tests.engines import EmbeddedEngine
from tests.journeys.browser import attend, idle
from tests.journeys.bureau import Bureau, served_bureau

SignIn = Callable[..., Page]
expect.set_options(timeout=15_000)  # a machine that runs other tests beside draws late without being wrong


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the system's Chromium, or the one that CHROMIUM names, without anything that calls out."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no Chromium in PATH or CHROMIUM")
    quiet = "disable-gpu disable-quic disable-background-networking disable-component-update disable-sync no-first-run"
    arguments = ["--no-sandbox", *(f"--{flag}" for flag in quiet.split())]
    return {**browser_type_launch_args, "executable_path": chromium, "args": arguments}


@pytest.fixture(scope="session")
def app(embedded_engine: EmbeddedEngine) -> Iterator[App]:
    """The running app on a DuckDB file with everybody of `tests.apps.PEOPLE` in it."""
    with app_with_people(embedded_engine) as app:
        yield app


@pytest.fixture(scope="session")
def bureau(embedded_engine: EmbeddedEngine) -> Iterator[Bureau]:
    """Three years of a bureau, served; a module of journeys there makes it its `app`."""
    with served_bureau(embedded_engine) as served:
        yield served


@pytest.fixture(scope="session")
def base_url(app: App) -> str:
    """Where `page.goto("/ranking")` goes; takes the place of a plugin's fixture that pytest 9 warns about."""
    return app.url


@pytest.fixture(scope="session")
def one_context(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """One context a worker: what Streamlit is made of is loaded and compiled once, not for every test."""
    context = browser.new_context(**browser_context_args)
    yield context
    context.close()


@pytest.fixture
def context(one_context: BrowserContext) -> Iterator[BrowserContext]:
    """A browser without tabs, cookies or memories, whose pages must not fail."""
    failures: list[str] = []

    def failed(failure: Any) -> None:
        failures.append(str(failure.error))

    def said(message: Any) -> None:
        if "Content Security Policy" in message.text:
            failures.append(message.text)

    one_context.on("weberror", failed)
    one_context.on("console", said)
    yield one_context
    for page in one_context.pages:
        page.evaluate("() => { try { localStorage.clear(); } catch { } }")
        page.close()
    one_context.clear_cookies()
    one_context.clear_permissions()
    one_context.remove_listener("weberror", failed)
    one_context.remove_listener("console", said)
    assert failures == []


@pytest.fixture(scope="session")
def kept_cookies() -> dict[str, list[Any]]:
    """Sessions of people with a second factor: a one-time password works once, not once a test."""
    return {}


@pytest.fixture
def sign_in(app: App, kept_cookies: dict[str, list[Any]]) -> SignIn:
    """Sign a person in on a page and wait for the first page of the app, or the one asked for."""

    def signing_in(page: Page, login: str = "zhangsan", *, path: str = "/", password: str = PASSWORD) -> Page:
        attend(page)
        page.context.add_cookies(kept_cookies.get(login, []))
        page.goto(app.url + path)
        if page.locator("#login").count():
            page.locator("#login").fill(login)
            page.locator("#password").fill(password)
            page.locator("button[type=submit]").click()
            while page.locator("#code").count():
                page.locator("#code").fill(app.one_time_password(login))
                page.locator("button[type=submit]").click()
                page.wait_for_load_state()
                if page.get_by_role("alert").count():  # used up: wait for the next one
                    page.wait_for_timeout(3_000)
            page.wait_for_url(lambda url: "/login" not in url)
        if login in app.secrets:
            kept_cookies[login] = [c for c in page.context.cookies() if "session" in str(c.get("name"))]
        idle(page)
        return page

    return signing_in
