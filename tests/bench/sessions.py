"""The served app: how soon a filter is redrawn and a first page painted, beside an empty page of the same Streamlit.

By websocket: 20 people at once, each changing a filter every second or so; from the request to the end of the script.
In a browser: one person, from the click to the page at rest, and from the address to the heading.
"""

import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
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

PEOPLE, TURNS, PAUSE = 20, 8, 1.0
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
    with running_app(str(copy), secrets=secrets) as app, _plain_server(empty) as plain:
        client = Client(app).sign_in("zhaoliu")
        headers = {**client.cookie_header(), "Origin": app.url}
        ours = asyncio.run(_crowd(app.host, headers, "enterprises", FILTERS))
        theirs = asyncio.run(_crowd(plain, {"Origin": f"http://{plain}"}, "", ("", "grade=A", "grade=B")))
        painted = {name: _in_a_browser(app.url, path, client.cookies)[0] for name, path in _PAGES.items()}
        _paint, redraw = _in_a_browser(app.url, "/enterprises", client.cookies, has_filter=True)
        hello, base_redraw = _in_a_browser(f"http://{plain}", "/", {}, has_filter=True)
        memory = _memory_of(app.host)
    lines = []
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        mine, base = _quantile(ours, share), _quantile(theirs, share)
        raw = f"directory {ms(mine)}, empty page {ms(base)}, {len(ours)} reruns"
        lines.append(Line(f"a filter, {PEOPLE} sessions by websocket, {name} ÷ empty page", mine / base, "×", 1.5, raw))
    if redraw is None or base_redraw is None:
        raise AssertionError("no filter was redrawn")
    raw = f"directory {ms(redraw)}, empty page {ms(base_redraw)}"
    lines.append(Line("a filter redrawn in a browser ÷ empty page", redraw / base_redraw, "×", 1.5, raw))
    for name, first in painted.items():
        raw = f"{name} {ms(first)}, empty page {ms(hello)}"
        lines.append(Line(f"first paint of the {name} ÷ empty page", first / hello, "×", 1.5, raw))
    lines.append(Line(f"memory of the server after {PEOPLE} sessions", memory, "MB", 500, f"{memory:.0f} MB"))
    return lines


_PAGES = {"overview": "/overview", "directory": "/enterprises", "ranking": "/ranking"}


@contextmanager
def _plain_server(script: Path) -> Iterator[str]:
    """Serve a script by Streamlit as it comes; yields host and port."""
    host = "127.0.0.1:8599"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port=8599", "--server.headless=true"]
    quiet = {**os.environ, "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    server = subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(4)
    try:
        yield host
    finally:
        server.terminate()
        server.wait()


# ------------------------------------------------------------------------------------------------------- by websocket


async def _crowd(host: str, headers: dict[str, str], page: str, filters: tuple[str, ...]) -> list[float]:
    """Return the seconds of every rerun of 20 people who change a filter now and then."""
    found = await asyncio.gather(*(_person(host, headers, page, filters, number) for number in range(PEOPLE)))
    return [taken for person in found for taken in person]


async def _person(host: str, headers: dict[str, str], page: str, filters: tuple[str, ...], number: int) -> list[float]:
    chance = random.Random(number)
    taken = []
    address = f"ws://{host}/_stcore/stream"
    protocols = [websockets.Subprotocol("streamlit")]
    async with websockets.connect(address, additional_headers=headers, subprotocols=protocols, max_size=None) as socket:
        await _rerun(socket.send, socket.recv, page, "")
        for turn in range(TURNS):
            await asyncio.sleep(chance.uniform(0.5, 1.5) * PAUSE)
            start = time.perf_counter()
            await _rerun(socket.send, socket.recv, page, filters[(number + turn) % len(filters)])
            taken.append(time.perf_counter() - start)
    return taken


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


def _in_a_browser(
    url: str, path: str, cookies: dict[str, str], *, has_filter: bool = False
) -> tuple[float, float | None]:
    """Return the median seconds to the first page at rest, and from choosing a filter to the page at rest."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        painted = [_first_paint(browser, url, path, cookies) for _turn in range(4)][1:]
        redrawn = _redraws(_opened(browser, url, path, cookies)) if has_filter else []
        browser.close()
    return statistics.median(painted), statistics.median(redrawn) if redrawn else None


def _redraws(page: Page) -> list[float]:
    """Choose each grade twice; the second time it is known what the page will say, and timed until it says so."""
    heading, said, taken = page.locator("h2").last, {}, []
    for turn in range(9):
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


def _first_paint(browser: Browser, url: str, path: str, cookies: dict[str, str]) -> float:
    start = time.perf_counter()
    page = _opened(browser, url, path, cookies)
    taken = time.perf_counter() - start
    page.context.close()
    return taken


def _opened(browser: Browser, url: str, path: str, cookies: dict[str, str]) -> Page:
    context = browser.new_context(locale="zh-CN")
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    page = context.new_page()
    page.goto(url + path)
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
