"""The door of a running app for the command line: a database file is the app's alone, so that it answers in its stead.

A Unix socket beside the file that only the same OS user (and root) can open. One line of JSON goes each way:
`{"do", "given", "as", "language"}` and `{"result"}` or `{"error"}`. Whoever comes acts as `system:<OS user>`, as the
command line does, or with the rights of the account named under `as`.
"""

import json
import logging
import os
import pwd
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from threading import Thread
from typing import Any

from crm.actions.backups import back_up
from crm.errors import CrmError, Refused
from crm.locale import Message, _, language, use_language
from crm.model import Actor
from crm.months import bureau_day
from crm.reports.accounts import get_actor
from crm.reports.answers import answer
from crm.store import Database, is_server_url, utc_now

log = logging.getLogger(__name__)

_LONGEST_LINE = 64 * 1024
_LONGEST_ADDRESS = 100  # what every system takes as the name of a socket
_PATIENCE = 10.0


@contextmanager
def open_door(database: Database) -> Iterator[None]:
    """Answer the command line within the block; a server database needs no door, it is open to several processes."""
    if database.is_server:
        yield
        return
    path = _socket_of(database.url)
    try:
        path.unlink(missing_ok=True)  # of an app that was killed: the file's lock is ours
        with _short(path) as address:
            door = _Door(address, database)
    except OSError as error:  # a file system that holds no sockets
        log.info("no local door at %s: %s", path, error)
        yield
        return
    Thread(target=door.serve_forever, name="door", daemon=True).start()
    try:
        yield
    finally:
        door.shutdown()
        path.unlink(missing_ok=True)
        door.server_close()  # waits for who is inside: the database stays open until then


def ask_app(url: str, do: str, given: Mapping[str, str], *, login: str | None) -> Any:
    """Have the app that holds a database file do something and return the result, None where no app answers.

    Raises Refused with the app's sentence.
    """
    if is_server_url(url):
        return None
    asked = {"do": do, "given": given, "as": login, "language": language()}
    try:
        with socket.socket(socket.AF_UNIX) as door, _short(_socket_of(url)) as address:
            door.connect(address)
            door.sendall(json.dumps(asked).encode() + b"\n")
            with door.makefile("rb") as said:
                found = json.loads(said.readline())
    except (OSError, ValueError):
        return None
    if "error" in found:
        raise Refused(Message(found["error"], {}))
    return found["result"]


class _Door(ThreadingUnixStreamServer):
    def __init__(self, address: str, database: Database) -> None:
        self.database = database
        super().__init__(address, _Visit)

    def server_bind(self) -> None:
        super().server_bind()
        # Before anybody can connect: that begins with listening.
        os.chmod(self.server_address, 0o600)  # type: ignore[arg-type]

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return _user_of(request) is not None


class _Visit(StreamRequestHandler):
    timeout = _PATIENCE
    server: _Door

    def handle(self) -> None:
        try:
            asked = json.loads(self.rfile.readline(_LONGEST_LINE))
            with use_language(asked["language"]):
                said = self._answered(asked)
        except (OSError, ValueError, KeyError, TypeError):  # nobody speaks, or not our language
            return
        with suppress(OSError):
            self.wfile.write(json.dumps(said, default=str).encode() + b"\n")

    def _answered(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        database, given, now = self.server.database, asked["given"], utc_now()
        try:
            user = _user_of(self.connection) or ""
            actor = get_actor(database, asked["as"]) if asked["as"] else Actor(f"system:{user}", name=user)
            if asked["do"] == "backup":
                return {"result": back_up(database, actor, Path(given["folder"]), now=now)}
            return {"result": asdict(answer(database, actor, asked["do"], given, today=bureau_day(now)))}
        except CrmError as error:
            return {"error": str(error)}
        except Exception:
            log.exception("the command line asked for %s", asked["do"])
            return {"error": str(_("Something went wrong: the log of the app says what."))}


def _user_of(visitor: socket.socket) -> str | None:
    """Name the OS user at the other end, None for another than ours and root."""
    user = os.geteuid()
    if hasattr(socket, "SO_PEERCRED"):  # elsewhere the mode of the socket alone keeps others out
        size = struct.calcsize("3i")
        _process, user, _group = struct.unpack("3i", visitor.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        if user not in (os.geteuid(), 0):
            return None
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _socket_of(url: str) -> Path:
    path = Path(url).resolve()
    return path.with_name(path.name + ".sock")


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name for a socket that is short enough for the system, however deep its folder lies."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
