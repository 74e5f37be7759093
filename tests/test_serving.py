"""How the server is started: its settings arrive from any working directory, and what cannot work is said at once."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from streamlit import config

from crm import store
from crm.errors import DatabaseBusy, DatabaseUnusable, Refused
from crm.serving import _settings, serve_command
from tests.conftest import ROOT


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_every_setting_has_the_name_that_streamlit_reads() -> None:
    known = {option.env_var: option for option in config._config_options_template.values()}
    settings = dict(_settings())
    assert settings.keys() - known.keys() == set()
    assert settings["STREAMLIT_CLIENT_SHOW_ERROR_DETAILS"] == "none"
    assert json.loads(settings["STREAMLIT_SERVER_TRUSTED_USER_HEADERS"]) == {"X-Crm-Session": "session"}
    assert settings["STREAMLIT_SERVER_ENABLE_AGENT_API"] == "false"
    assert settings["STREAMLIT_THEME_SIDEBAR_BACKGROUND_COLOR"].startswith("#")
    assert json.loads(settings["STREAMLIT_THEME_CHART_CATEGORICAL_COLORS"])[0] == "#1f4e8c"


def test_the_environment_of_the_administrator_goes_first(embedded_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "7")
    _argv, environment = serve_command("127.0.0.1", free_port(), embedded_url)
    assert environment["STREAMLIT_SERVER_MAX_UPLOAD_SIZE"] == "7"
    assert environment["CRM_DATABASE"] == str(Path(embedded_url).resolve())
    assert environment["STREAMLIT_SERVER_ALLOWED_HOSTS"] == "127.0.0.1 localhost ::1"
    _argv, environment = serve_command("0.0.0.0", free_port(), embedded_url)  # noqa: S104  # what is asked for here
    assert "STREAMLIT_SERVER_ALLOWED_HOSTS" not in environment


def test_what_cannot_start_is_said_in_a_sentence(embedded_url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="crm init"):
        serve_command("127.0.0.1", free_port(), str(tmp_path / "none.duckdb"))
    with pytest.raises(Refused):
        serve_command("no.such.host.invalid", free_port(), embedded_url)
    with pytest.raises(Refused):
        serve_command("192.0.2.1", free_port(), embedded_url)  # somebody else's address
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match=str(taken.getsockname()[1])):
            serve_command("127.0.0.1", taken.getsockname()[1], embedded_url)
    database = store.connect(embedded_url)
    with pytest.raises(DatabaseBusy, match=str(os.getpid())):
        serve_command("127.0.0.1", free_port(), embedded_url)
    database.close()
    serve_command("127.0.0.1", free_port(), embedded_url)


@pytest.mark.parametrize("database", [None, "missing.duckdb"])
def test_the_server_itself_says_one_sentence(database: str | None, tmp_path: Path) -> None:
    """Where somebody starts it without `crm serve`."""
    environment = {name: value for name, value in os.environ.items() if name != "CRM_DATABASE"}
    if database:
        environment["CRM_DATABASE"] = str(tmp_path / database)
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "crm_app.py"), f"--server.port={free_port()}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_installed_wheel_serves_outside_the_checkout(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(installed)  # noqa: S202  # our own wheel
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    port = free_port()
    start = (
        "import os; from crm import store; from crm.serving import serve_command; store.create('a.duckdb').close();"
        f"argv, env = serve_command('127.0.0.1', {port}, 'a.duckdb'); os.execve(argv[0], argv, env)"
    )
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-c", start], cwd=elsewhere, env=environment, stdout=log, stderr=log)
        try:
            answer, deadline = b"", time.monotonic() + 60
            while not answer and time.monotonic() < deadline and server.poll() is None:
                time.sleep(0.2)
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as response:  # noqa: S310
                    answer = response.read()
            assert json.loads(answer or b"null") == {"status": "ok"}, (tmp_path / "log").read_text()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/login") as response:  # noqa: S310
                assert "招商项目管理" in response.read().decode()
        finally:
            server.terminate()
            server.wait(20)
