"""The served app: how soon a filter is redrawn and a first page painted, beside the same Streamlit with nothing to do.

A filter: one person in a browser, from the click to the new number in the heading, while 19 others change a filter by
websocket every second or so; beside an empty page under the same crowd. The websockets' own times, from the request to
the end of the script, stand beside them without a goal: an empty script ends before one query could.
First paint: from the address to the page's heading on a warm server, beside `streamlit hello`; and to the page at rest.
"""

import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import websockets
from playwright.sync_api import Browser, Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from crm import store
from tests.apps import Client, add_people, running_app
from tests.bench.bureau import Bureau
from tests.bench.measuring import Line, ms
from tests.journeys.browser import IDLE

PEOPLE, TURNS, PAUSE = 20, 30, 5.0  # each of the others acts every five seconds
FILTERS = ("", "grade=A", "grade=B", "grade=C", "q=%E7%A7%91%E6%8A%80")
EMPTY = """
import streamlit as st

st.title("empty")
chosen = st.selectbox("filter", ["-", "A", "B", "C"], key="grade", bind="query-params")
st.header(f"chosen {chosen}")
"""


def measure(bureau: Bureau) -> list[Line]:
    """Measure both on a copy with accounts in it."""
    copy = bureau.copied()
    database = store.connect(str(copy))
    secrets = add_people(database)
    database.close()
    empty = bureau.folder / "empty_page.py"
    empty.write_text(EMPTY, "utf-8")
    with (
        running_app(str(copy), secrets=secrets) as app,
        _plain_server("run", str(empty), port=8599) as plain,
        _plain_server("hello", port=8598) as hello,
        _browser() as browser,
    ):
        client = Client(app).sign_in("zhaoliu")
        headers = {**client.cookie_header(), "Origin": app.url}
        with _crowd(app.host, headers, "enterprises", FILTERS) as scripts:
            ours = _redraws(_opened(browser, app.url, "/enterprises", client.cookies))
        with _crowd(plain, {"Origin": f"http://{plain}"}, "", ("", "grade=A", "grade=B")) as empty_scripts:
            theirs = _redraws(_opened(browser, f"http://{plain}", "/", {}))
        base = _paints(browser, f"http://{hello}", "/", {})
        painted = {name: _paints(browser, app.url, path, client.cookies) for name, path in _PAGES.items()}
        memory = _memory_of(app.host)
    lines = []
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        mine, other = _quantile(ours, share), _quantile(theirs, share)
        raw = f"directory {ms(mine)}, empty page {ms(other)}, {len(ours)} redraws each"
        lines.append(
            Line(f"a filter redrawn in a browser, {PEOPLE} sessions, {name} ÷ empty page", mine / other, "×", 1.5, raw)
        )
    for name, (first, rest) in painted.items():
        raw = f"{name} {ms(first)} (at rest {ms(rest)}), hello {ms(base[0])} (at rest {ms(base[1])})"
        lines.append(Line(f"first paint of the {name} ÷ Streamlit's hello", first / base[0], "×", 1.5, raw))
    taken = [_quantile(scripts, share) for share in (0.5, 0.95)]
    raw = (
        f"p95 {ms(taken[1])}; empty page {ms(_quantile(empty_scripts, 0.5))}, p95 {ms(_quantile(empty_scripts, 0.95))}"
    )
    lines.append(Line("the directory's script by websocket, p50", taken[0] * 1000, "ms", None, raw))
    lines.append(Line(f"memory of the server after {PEOPLE} sessions", memory, "MB", 500, f"{memory:.0f} MB"))
    return lines


_PAGES = {"overview": "/overview", "directory": "/enterprises", "ranking": "/ranking", "log": "/log-contact"}


@contextmanager
def _plain_server(*command: str, port: int) -> Iterator[str]:
    """Serve something by Streamlit as it comes; yields host and port."""
    whole = [sys.executable, "-m", "streamlit", *command, f"--server.port={port}", "--server.headless=true"]
    quiet = {**os.environ, "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    server = subprocess.Popen(whole, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(4)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


# ------------------------------------------------------------------------------------------------------- by websocket


@contextmanager
def _crowd(host: str, headers: dict[str, str], page: str, filters: tuple[str, ...]) -> Iterator[list[float]]:
    """Let 19 people change a filter now and then, until left; yields the seconds of every rerun, filled as it goes."""
    taken: list[float] = []
    leave = threading.Event()

    async def everybody() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(PEOPLE - 1):
                group.create_task(_person(host, headers, page, filters, number, taken, leave))

    crowd = threading.Thread(target=lambda: asyncio.run(everybody()))
    crowd.start()
    try:
        yield taken
    finally:
        leave.set()
        crowd.join()


async def _person(
    host: str,
    headers: dict[str, str],
    page: str,
    filters: tuple[str, ...],
    number: int,
    taken: list[float],
    leave: threading.Event,
) -> None:
    chance = random.Random(number)
    address = f"ws://{host}/_stcore/stream"
    protocols = [websockets.Subprotocol("streamlit")]
    async with websockets.connect(address, additional_headers=headers, subprotocols=protocols, max_size=None) as socket:
        await _rerun(socket.send, socket.recv, page, "")
        turn = number
        while not leave.is_set():
            await asyncio.sleep(chance.uniform(0.5, 1.5) * PAUSE)
            start = time.perf_counter()
            await _rerun(socket.send, socket.recv, page, filters[turn % len(filters)])
            taken.append(time.perf_counter() - start)
            turn += 1


async def _rerun(
    send: Callable[[bytes], Awaitable[None]], receive: Callable[[], Awaitable[object]], page: str, query: str
) -> None:
    """Ask for a run of the script with a filter in the address, and wait for its end."""
    asked = BackMsg()
    asked.rerun_script.query_string = query
    asked.rerun_script.page_name = page
    await send(asked.SerializeToString())
    while True:
        message = ForwardMsg()
        message.ParseFromString(await receive())  # type: ignore[arg-type]  # the server sends bytes
        if message.WhichOneof("type") == "script_finished":
            return


def _quantile(taken: list[float], share: float) -> float:
    return sorted(taken)[min(int(len(taken) * share), len(taken) - 1)]


# ------------------------------------------------------------------------------------------------------- in a browser


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def _redraws(page: Page) -> list[float]:
    """Choose the grades in turn and return the seconds of each; what the page will say is known from the first turn."""
    heading, said, taken = page.locator("h2").last, {}, []
    for turn in range(3 + TURNS):
        grade = "ABC"[turn % 3]
        page.locator(".st-key-grade").get_by_role("combobox").click()
        option = page.get_by_role("option", name=grade, exact=True)
        option.wait_for()
        start = time.perf_counter()
        option.click()
        if turn < 3:
            page.wait_for_timeout(2_500)
            said[grade] = heading.inner_text()
        else:
            page.locator("h2", has_text=said[grade]).wait_for()
            taken.append(time.perf_counter() - start)
    return taken


def _paints(browser: Browser, url: str, path: str, cookies: dict[str, str]) -> tuple[float, float]:
    """Return the median seconds to the page's heading and to the page at rest, in a browser that was never there."""
    painted = []
    for _turn in range(6):
        start = time.perf_counter()
        page = _visit(browser, url, path, cookies)
        page.locator("h1").first.wait_for()
        first = time.perf_counter() - start
        page.wait_for_selector(IDLE, state="attached")
        painted.append((first, time.perf_counter() - start))
        page.context.close()
    return statistics.median(first for first, _rest in painted[1:]), statistics.median(rest for _f, rest in painted[1:])


def _visit(browser: Browser, url: str, path: str, cookies: dict[str, str]) -> Page:
    context = browser.new_context(locale="zh-CN")
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    page = context.new_page()
    page.goto(url + path, wait_until="commit")
    return page


def _opened(browser: Browser, url: str, path: str, cookies: dict[str, str]) -> Page:
    page = _visit(browser, url, path, cookies)
    page.locator("h1").first.wait_for()
    page.wait_for_selector(IDLE, state="attached")
    return page


def _memory_of(host: str) -> float:
    """Return the resident memory in MB of the server that listens there."""
    port = host.rpartition(":")[2]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"--server.port={port}" in (folder / "cmdline").read_text():
                return int((folder / "status").read_text().partition("VmRSS:")[2].split()[0]) / 1024
        except OSError:
            continue
    return 0.0
