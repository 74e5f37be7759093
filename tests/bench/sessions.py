"""The served app: how soon a filter is redrawn and a first page painted, beside Streamlit with nothing to do.

A filter: one person in a browser, from the choice to the frame with the new number and rows, by the browser's clock,
while 19 others choose by websocket every five seconds or so; beside an empty page under the same crowd, served by
Streamlit as it comes and by Streamlit with our settings. The websockets' own times, from the request to the end of
the script, stand beside them without a goal: an empty script ends before one query could.
A search: one person logging a contact, from the last letter of a part of a name to the frame with the enterprise, while
19 others filter the directory.
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
from collections.abc import Iterator
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
from tests.conftest import ROOT
from tests.journeys.browser import IDLE

PEOPLE, PAUSE = 20, 5.0  # each of the others acts every five seconds
ROUNDS, TURNS = 3, 20  # what is compared takes turns: the machine is not the same from one minute to the next
GRADES = ("A", "B", "C")
EMPTY = """
import streamlit as st

st.title("empty")
chosen = st.selectbox("filter", ["A", "B", "C"], index=None, key="grade", bind="query-params")
st.header(f"chosen {chosen}")
"""


def measure(bureau: Bureau) -> list[Line]:
    """Measure both on a copy with accounts in it."""
    copy = bureau.copied()
    database = store.connect(str(copy))
    secrets = add_people(database)
    # One name alone: what is found can be nothing else. Its end is left out, so that a part of it is searched for.
    names = [
        row[0]
        for row in database.rows(
            "select min(name) from enterprise group by left(name, 8) having count(*) = 1 order by min(id) limit $1",
            [3 + TURNS],
        )
    ]
    database.close()
    empty = bureau.folder / "empty_page.py"
    empty.write_text(EMPTY, "utf-8")
    with (
        running_app(str(copy), secrets=secrets) as app,
        _plain_server("run", str(empty), port=8599, folder=bureau.folder) as plain,
        _plain_server("run", str(empty), port=8597, folder=ROOT) as tuned,
        _plain_server("hello", port=8598, folder=bureau.folder) as hello,
        _browser() as browser,
    ):
        client = Client(app).sign_in("zhaoliu")
        headers = {**client.cookie_header(), "Origin": app.url}
        served = {
            "directory": (app.host, headers, "enterprises", _opened(browser, app.url, "/enterprises", client.cookies)),
            "empty page": (plain, {"Origin": f"http://{plain}"}, "", _opened(browser, f"http://{plain}", "/", {})),
            "with our settings": (
                tuned,
                {"Origin": f"http://{tuned}"},
                "",
                _opened(browser, f"http://{tuned}", "/", {}),
            ),
        }
        redrawn: dict[str, list[float]] = {name: [] for name in served}
        scripts: dict[str, list[float]] = {name: [] for name in served}
        for _round in range(ROUNDS):
            for name, (host, sent, asked, page) in served.items():
                with _crowd(host, sent, asked) as taken:
                    redrawn[name] += _redraws(page)
                scripts[name] += taken
        finder = _opened(browser, app.url, "/log-contact", client.cookies)
        with _crowd(*served["directory"][:3]):
            found = _searches(finder, names)
        base = _paints(browser, f"http://{hello}", "/", {})
        painted = {name: _paints(browser, app.url, path, client.cookies) for name, path in _PAGES.items()}
        memory = _memory_of(app.host)
    lines = []
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        took = {served_as: _quantile(taken, share) for served_as, taken in redrawn.items()}
        raw = ", ".join(f"{served_as} {ms(seconds)}" for served_as, seconds in took.items())
        lines.append(
            Line(
                f"a filter redrawn in a browser, {PEOPLE} sessions, {name} ÷ empty page",
                took["directory"] / took["empty page"],
                "×",
                1.5,
                f"{raw}, {ROUNDS * TURNS} redraws each",
            )
        )
    raw = f"p95 {ms(_quantile(found, 0.95))}, {len(found)} searches"
    lines.append(
        Line(f"live search, last letter to result, {PEOPLE} sessions", _quantile(found, 0.5) * 1000, "ms", 300, raw)
    )
    for name, (first, rest) in painted.items():
        raw = f"{name} {ms(first)} (at rest {ms(rest)}), hello {ms(base[0])} (at rest {ms(base[1])})"
        lines.append(Line(f"first paint of the {name} ÷ Streamlit's hello", first / base[0], "×", 1.5, raw))
    mine, other = ([_quantile(scripts[name], share) for share in (0.5, 0.95)] for name in ("directory", "empty page"))
    raw = f"p95 {ms(mine[1])}; empty page {ms(other[0])}, p95 {ms(other[1])}"
    lines.append(Line("the directory's script by websocket, p50", mine[0] * 1000, "ms", None, raw))
    lines.append(Line(f"memory of the server after {PEOPLE} sessions", memory, "MB", 500, f"{memory:.0f} MB"))
    return lines


_PAGES = {"overview": "/overview", "directory": "/enterprises", "ranking": "/ranking", "log": "/log-contact"}


@contextmanager
def _plain_server(*command: str, port: int, folder: Path) -> Iterator[str]:
    """Serve something by Streamlit with the settings of a folder, as it comes where there are none; yields the host."""
    whole = [sys.executable, "-m", "streamlit", *command, f"--server.port={port}", "--server.headless=true"]
    quiet = {**os.environ, "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    server = subprocess.Popen(whole, env=quiet, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(4)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


# ------------------------------------------------------------------------------------------------------- by websocket


@contextmanager
def _crowd(host: str, headers: dict[str, str], page: str) -> Iterator[list[float]]:
    """Let 19 people choose a grade now and then, until left; yields the seconds of every rerun, filled as it goes."""
    taken: list[float] = []
    leave = threading.Event()

    async def everybody() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(PEOPLE - 1):
                group.create_task(_person(host, headers, page, number, taken, leave))

    crowd = threading.Thread(target=lambda: asyncio.run(everybody()))
    crowd.start()
    try:
        yield taken
    finally:
        leave.set()
        crowd.join()


async def _person(
    host: str, headers: dict[str, str], page: str, number: int, taken: list[float], leave: threading.Event
) -> None:
    chance = random.Random(number)
    address = f"ws://{host}/_stcore/stream"
    protocols = [websockets.Subprotocol("streamlit")]
    async with websockets.connect(address, additional_headers=headers, subprotocols=protocols, max_size=None) as socket:
        asked = BackMsg()
        asked.rerun_script.page_name = page
        drawn = await _rerun(socket, asked)
        asked.rerun_script.page_script_hash = drawn[0].new_session.page_script_hash
        # What a browser sends when a choice is made: the state of that one widget.
        chosen = asked.rerun_script.widget_states.widgets.add()
        chosen.id = next(
            message.delta.new_element.selectbox.id
            for message in drawn
            if message.delta.new_element.selectbox.id.endswith("-grade")
        )
        turn = number
        while not leave.is_set():
            await asyncio.sleep(chance.uniform(0.5, 1.5) * PAUSE)
            chosen.string_value = GRADES[turn % 3]
            start = time.perf_counter()
            await _rerun(socket, asked)
            taken.append(time.perf_counter() - start)
            asked.rerun_script.query_string = f"grade={chosen.string_value}"
            turn += 1


async def _rerun(socket: websockets.ClientConnection, asked: BackMsg) -> list[ForwardMsg]:
    """Ask for a run of the script, wait for its end and return what came, the beginning of the session first."""
    await socket.send(asked.SerializeToString())
    came: list[ForwardMsg] = []
    while not came or not _ended(came[-1]):
        message = ForwardMsg()
        message.ParseFromString(await socket.recv())  # type: ignore[arg-type]  # the server sends bytes
        if came or message.WhichOneof("type") == "new_session":
            came.append(message)
    return came


def _ended(message: ForwardMsg) -> bool:
    """Return whether the answer is whole: it is not where a run ends early for another (of a list alone)."""
    end = message.WhichOneof("type") == "script_finished"
    return end and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN


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


# From the release of the button over an option to the end of the frame in which the last heading says something else
# and the rows of a table, where there is one, have been drawn.
_CLOCK = """() => {
  const heading = () => [...document.querySelectorAll('h2')].at(-1)?.textContent;
  const write = CanvasRenderingContext2D.prototype.fillText;
  let written = () => {};
  CanvasRenderingContext2D.prototype.fillText = function (...text) { written(); return write.apply(this, text); };
  window.choose = () => {
    const before = heading();
    let chosen = 0;
    addEventListener('pointerup', event => { chosen = event.timeStamp; }, {capture: true, once: true});
    window.taken = new Promise(done => {
      let rows = !document.querySelector('canvas');
      const look = () => {
        if (!rows || !heading() || heading() === before) return;
        observer.disconnect();
        written = () => {};
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now() - chosen);
        requestAnimationFrame(() => channel.port2.postMessage(0));
      };
      const observer = new MutationObserver(look);
      observer.observe(document.body, {subtree: true, childList: true, characterData: true});
      written = () => { rows ||= chosen > 0; look(); };
    });
  };
}"""


def _redraws(page: Page) -> list[float]:
    """Choose the grades in turn and return the seconds of each."""
    page.evaluate(_CLOCK)
    taken = []
    for turn in range(3 + TURNS):
        page.locator(".st-key-grade").get_by_role("combobox").click()
        option = page.get_by_role("option", name=GRADES[turn % 3], exact=True)
        option.wait_for()
        page.wait_for_timeout(100)
        page.evaluate("choose()")
        option.click()
        taken.append(page.evaluate("window.taken") / 1000)
        page.wait_for_timeout(500)
    return taken[3:]  # the first of each grade warms up


# From the letter that completes a text to the end of the frame in which a button with the name stands.
_FINDING = """name => {
  const lines = document.getElementsByClassName('st-key-matches');
  const isThere = () => [...lines].some(line => line.textContent.includes(name));
  let typed = 0;
  addEventListener('input', event => { typed = event.timeStamp; }, {capture: true, once: true});
  window.taken = new Promise(done => {
    const observer = new MutationObserver(() => {
      if (!typed || !isThere()) return;
      observer.disconnect();
      const channel = new MessageChannel();
      channel.port1.onmessage = () => done(performance.now() - typed);
      requestAnimationFrame(() => channel.port2.postMessage(0));
    });
    observer.observe(document.body, {subtree: true, childList: true, characterData: true});
  });
}"""


def _searches(page: Page, names: list[str]) -> list[float]:
    """Search for a part of each name and return the seconds until it is found."""
    field = page.get_by_placeholder("名称片段、拼音首字母或信用代码")
    taken = []
    for name in names:
        page.evaluate(_FINDING, name)
        field.fill(name[:8])
        taken.append(page.evaluate("window.taken") / 1000)
        page.wait_for_timeout(500)
    return taken[3:]


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
