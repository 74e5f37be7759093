"""How the server process is started: the command and environment that `crm serve` hands over to.

The server's settings are one TOML file, `.streamlit/config.toml` in a checkout and `crm/_streamlit/config.toml` when
installed. Streamlit looks for it beside the script or in the working directory only, so it is handed over as
environment variables here, and the working directory does not matter.
"""

import errno
import fcntl
import json
import os
import re
import socket
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crm.errors import DatabaseBusy, DatabaseUnusable, Refused
from crm.locale import _
from crm.store import is_server_url

_PACKAGE = Path(__file__).parent
_LOCAL = {"127.0.0.1", "localhost", "::1"}


def serve_command(host: str, port: int, url: str) -> tuple[list[str], dict[str, str]]:
    """Return (arguments, environment) of the server process for a database, after checking that it can start.

    Raises Refused where the address cannot be listened on, DatabaseUnusable and DatabaseBusy.
    """
    _check_database(url)
    _check_address(host, port)
    app = _PACKAGE.parent / "crm_app.py"
    # -P: what lies in the working directory is not the server's program.
    argv = [sys.executable, "-P", "-m", "streamlit", "run", str(app)]
    argv += [f"--server.address={host}", f"--server.port={port}"]
    settings = dict(_settings())
    if host in _LOCAL:
        # A page elsewhere that points its own name at this machine is refused; behind a proxy, names are its to check.
        settings["STREAMLIT_SERVER_ALLOWED_HOSTS"] = "127.0.0.1 localhost ::1"
    database = url if is_server_url(url) else str(Path(url).resolve())
    # What the administrator set in the environment goes before the file.
    return argv, {**settings, **os.environ, "CRM_DATABASE": database}


def _settings() -> Iterator[tuple[str, str]]:
    packaged, checkout = _PACKAGE / "_streamlit" / "config.toml", _PACKAGE.parent / ".streamlit" / "config.toml"
    path = packaged if packaged.is_file() else checkout
    for section, values in tomllib.loads(path.read_text("utf-8")).items():
        yield from _variables(section, values)


def _variables(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and prefix.startswith("theme"):
            yield from _variables(f"{prefix}.{key}", value)
        else:
            snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", f"{prefix}.{key}")
            yield f"STREAMLIT_{snake.replace('.', '_').upper()}", _as_text(value, is_theme=prefix.startswith("theme"))


def _as_text(value: Any, *, is_theme: bool) -> str:
    if isinstance(value, list) and not is_theme:
        return " ".join(value)  # the server splits options that may be given several times at blanks
    return value if isinstance(value, str) else json.dumps(value)


def _check_database(url: str) -> None:
    """Refuse a database that the server could not open: it would say so after starting, and less clearly."""
    if is_server_url(url):
        return
    path = Path(url)
    if not path.is_file():
        raise DatabaseUnusable(
            _("There is no database at {path}. Make one with “crm init”, or name another with --db.", path=path)
        )
    guard = path.with_name(path.name + ".lock")
    if guard.is_file():
        with guard.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                owner = file.read().strip() or "?"
                message = _("The database {path} is in use by process {pid}: stop that first.", path=path, pid=owner)
                raise DatabaseBusy(message) from error


def _check_address(host: str, port: int) -> None:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise Refused(_("{host} is no address of this machine.", host=host)) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = _("Port {port} is in use: choose another with --port, or stop what uses it.", port=port)
        elif error.errno == errno.EACCES:
            message = _("Port {port} needs more rights: choose one above 1023 with --port.", port=port)
        else:
            message = _("{host} is no address of this machine.", host=host)
        raise Refused(message) from error
