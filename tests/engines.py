"""Databases for tests: a DuckDB file or a database in a PostgreSQL server that the suite starts for itself.

A template with schema and reference data is built once per worker and engine; every test works on a clone of it.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from crm import store


class Engine(Protocol):
    """Where databases come from."""

    def empty(self) -> str:
        """Return the URL of a database that `crm init` can make."""

    def clone(self) -> str:
        """Return the URL of a new database with schema and reference data."""

    def drop(self, url: str) -> None:
        """Remove a database that this engine named."""

    def stop(self) -> None:
        """Give back whatever the engine holds."""


class EmbeddedEngine:
    """DuckDB files, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()
        self._template: Path | None = None

    def empty(self) -> str:
        folder = self.folder / f"db{next(self._numbers)}"
        folder.mkdir()
        return str(folder / "crm.duckdb")

    def clone(self) -> str:
        if self._template is None:
            self._template = Path(self.empty())
            store.create(str(self._template)).close()
            assert not self._template.with_name("crm.duckdb.wal").exists(), "a closed database keeps nothing in its log"
        url = self.empty()
        shutil.copyfile(self._template, url)
        return url

    def drop(self, url: str) -> None:
        shutil.rmtree(Path(url).parent)

    def stop(self) -> None:
        shutil.rmtree(self.folder)


class ServerEngine:
    """A PostgreSQL cluster in a temporary folder, without fsync, on a free port of this machine."""

    def __init__(self) -> None:
        self._bin = server_binaries()
        if self._bin is None:
            pytest.skip("no PostgreSQL binaries (initdb, pg_ctl) in PATH or /usr/lib/postgresql")
        self._numbers = count()
        self._template: str | None = None
        # Not under pytest's own folder: that is closed to the user the server runs as.
        self.folder = Path(tempfile.mkdtemp(prefix="crm-pg-", dir=_memory()))
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "crm", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.port = self._start(data)
        self._admin = psycopg.connect(f"postgresql://crm@127.0.0.1:{self.port}/postgres", autocommit=True)

    def _run(self, program: str, *arguments: str) -> None:
        assert self._bin is not None
        command = [str(self._bin / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # Output goes to a file: a pipe would stay open as long as the server that pg_ctl leaves behind.
        with (self.folder / "commands.log").open("a+") as log:
            done = subprocess.run(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=120, check=False
            )
            log.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program} failed: {log.read()}")

    def _start(self, data: str) -> int:
        for attempt in range(3):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            options = (
                f"-p {port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off"
                " -c full_page_writes=off -c autovacuum=off -c shared_buffers=64MB -c max_connections=100"
                " -c timezone=UTC"
            )
            try:
                self._run("pg_ctl", "start", "-w", "-D", data, "-l", str(self.folder / "server.log"), "-o", options)
            except RuntimeError:  # somebody else may have taken the port in between
                if attempt == 2:
                    raise
            else:
                return port
        raise AssertionError

    def empty(self) -> str:
        name = f"crm_{next(self._numbers)}"
        self._admin.execute(f"create database {name}")
        return self._url(name)

    def clone(self) -> str:
        if self._template is None:
            url = self.empty()
            store.create(url).close()
            self._template = url.rsplit("/", 1)[1]
        name = f"crm_{next(self._numbers)}"
        self._admin.execute(f"create database {name} template {self._template}")
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://crm@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        self._admin.execute(f"drop database {url.rsplit('/', 1)[1]} with (force)")

    def stop(self) -> None:
        self._admin.close()
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder / "data"))
        shutil.rmtree(self.folder)


def _memory() -> str | None:
    """Find a folder in memory with room: a disk may take 0.4 s of processor for the files of each new database."""
    folder = "/dev/shm"  # noqa: S108  # a folder of its own is made in it
    return folder if os.path.isdir(folder) and shutil.disk_usage(folder).free > 2_000_000_000 else None


def server_binaries() -> Path | None:
    """Find the folder with PostgreSQL's server programs, the newest where there are several."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")]
    return max(installed, key=lambda folder: float(folder.parent.name), default=None)
