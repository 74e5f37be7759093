"""The app as a process of its own, with people who can sign in: for tests over HTTP and in a browser."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pyotp

from crm import store
from crm.actions import accounts
from crm.model import Actor, Role
from crm.serving import serve_command
from tests.engines import EmbeddedEngine

PASSWORD = "Correct-Horse-9"
SYSTEM = Actor("system:test")
# login: name, role, code of the unit, number of the industry in official order
PEOPLE: dict[str, tuple[str, Role, str | None, int | None]] = {
    "zhangsan": ("张三", Role.STAFF, "433101", None),
    "lisi": ("李四", Role.UNIT_HEAD, "433101", None),
    "wangwu": ("王五", Role.STAFF, "433123", None),
    "zhaoliu": ("赵六", Role.DISPATCHER, None, None),
    "qianqi": ("钱七", Role.TASKFORCE, None, 1),
    "sunba": ("孙八", Role.LEADER, None, None),
    "admin": ("管理员甲", Role.ADMIN, None, None),
    "auditor": ("审计员乙", Role.AUDITOR, None, None),
}


def utc_now() -> datetime:
    """The moment as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def add_people(database: store.Database, logins: Mapping[str, Any] = PEOPLE) -> dict[str, str]:
    """Make accounts that can sign in with PASSWORD; returns the secrets of those who need a second factor."""
    units = {code: unit_id for unit_id, code in database.rows("select id, code from unit")}
    industries = [row[0] for row in database.rows("select id from industry order by display_order")]
    # A day ago, so that neither today's one-time passwords nor today's sessions are used up.
    now, secrets = utc_now() - timedelta(days=1), {}
    for login, (name, role, unit, industry) in logins.items():
        _account_id, code = accounts.add_account(
            database,
            SYSTEM,
            login=login,
            name=name,
            roles=[role],
            unit_id=units[unit] if unit else None,
            industry_ids=[industries[industry - 1]] if industry else [],
            now=now,
        )
        accounts.set_password(database, login=login, code=code, password=PASSWORD, now=now)
        if role in accounts.SECOND_FACTOR_ROLES:
            step = accounts.sign_in(database, login, PASSWORD, now=now)
            assert isinstance(step, accounts.SecondFactorNeeded)
            assert step.new_secret is not None
            secrets[login] = step.new_secret
            moment = now.replace(tzinfo=UTC)
            accounts.finish_sign_in(database, step.ticket, pyotp.TOTP(step.new_secret).at(moment), now=now)
    return secrets


@dataclass
class App:
    """A running server."""

    url: str
    database_url: str
    secrets: dict[str, str]
    log: Path

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def one_time_password(self, login: str) -> str:
        """What the authenticator app of an administrator or auditor shows now."""
        return pyotp.TOTP(self.secrets[login]).now()


@contextmanager
def running_app(
    database_url: str, *, secrets: dict[str, str] | None = None, program: Path | None = None
) -> Iterator[App]:
    """Start the app on a free port and stop it at the end; raises with its output where it does not come up.

    `program` is started in the place of crm_app.py, for what none of the pages does.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    argv, environment = serve_command("127.0.0.1", port, database_url)
    if program is not None:
        argv[argv.index("run") + 1] = str(program)
        environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    folder = Path(tempfile.mkdtemp(prefix="crm-app-"))
    with (folder / "server.log").open("w+") as log:
        server = subprocess.Popen(argv, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            app = App(f"http://127.0.0.1:{port}", database_url, secrets or {}, folder / "server.log")
            deadline = time.monotonic() + 60
            while not _answers(app.host):
                if server.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"the app did not start: {log.read()}")
                time.sleep(0.1)
            yield app
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    shutil.rmtree(folder)


_PROBE_SERVER = """
from pathlib import Path
import streamlit as st
from starlette.middleware import Middleware
from crm.ui import errors
from crm.ui.server.guard import Guard
from crm.ui.server.routes import ROUTES
from crm.ui.server.startup import lifespan
app = st.App(
    Path(__file__).with_name("probe.py"), routes=ROUTES, middleware=[Middleware(Guard)], lifespan=lifespan,
    on_script_error=errors.show,
)
"""


def probe_program(folder: Path, script: str) -> Path:
    """Write a server that runs a script of the tests behind the app's own guard, and return its path."""
    (folder / "probe.py").write_text(script, "utf-8")
    program = folder / "probe_server.py"
    program.write_text(_PROBE_SERVER, "utf-8")
    return program


@contextmanager
def app_with_people(engine: EmbeddedEngine) -> Iterator[App]:
    """Serve a DuckDB file with reference data and everybody of PEOPLE in it."""
    url = engine.clone()
    database = store.connect(url)
    secrets = add_people(database)
    database.close()
    with running_app(url, secrets=secrets) as app:
        yield app


def _answers(host: str) -> bool:
    with closing(http.client.HTTPConnection(host, timeout=5)) as connection:
        try:
            connection.request("GET", "/healthz")
            with connection.getresponse() as response:
                return response.status == 200
        except OSError:
            return False


@dataclass
class Answer:
    """What the server said."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def location(self) -> str | None:
        """Where a redirect goes."""
        return self.headers["location"]


class Client:
    """A browser without a screen: keeps cookies, follows nothing, says where its forms come from."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page as a browser does."""
        return self.request("GET", path, headers={"accept": "text/html", **_named(headers)})

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        """Send a form of a page of the app."""
        sent = {"origin": self.app.url, "content-type": "application/x-www-form-urlencoded", **_named(headers)}
        return self.request("POST", path, body=urlencode(form), headers=sent)

    def request(self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send any request."""
        with closing(http.client.HTTPConnection(self.app.host, timeout=20)) as connection:
            connection.request(method, path, body=body, headers={**self.cookie_header(), **(headers or {})})
            with connection.getresponse() as response:
                text = response.read().decode("utf-8", "replace")
        for line in response.headers.get_all("set-cookie") or ():
            name, _equals, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return Answer(response.status, response.headers, text)

    def cookie_header(self) -> dict[str, str]:
        """The header that carries the cookies."""
        return {"cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}

    def sign_in(self, login: str, password: str = PASSWORD) -> "Client":
        """Sign in, with the second factor where it is asked for."""
        answer = self.post("/login", {"login": login, "password": password})
        if answer.status == 200:
            ticket = answer.text.split('name="ticket" value="')[1].split('"')[0]
            answer = self.post("/login", {"ticket": ticket, "code": self.app.one_time_password(login)})
        assert answer.status == 303, answer.text
        return self


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def child_environment() -> dict[str, str]:
    """The environment for a child that must find this checkout."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
