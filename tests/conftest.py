"""Fixtures of the whole suite.

`db` and `database_url` come once per engine: a test that uses them runs on DuckDB and on PostgreSQL.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crm import store
from tests.engines import EmbeddedEngine, Engine, ServerEngine

ROOT = Path(__file__).parent.parent
ENGINES = ["embedded", pytest.param("server", marks=pytest.mark.server_engine)]


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """DuckDB files of this worker."""
    engine = EmbeddedEngine(tmp_path_factory.mktemp("embedded"))
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def server_engine() -> Iterator[ServerEngine]:
    """A PostgreSQL server of this worker, started on first use."""
    engine = ServerEngine()
    yield engine
    engine.stop()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn, for a test that makes several databases."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def engine_url(engine: Engine) -> Iterator[str]:
    """The URL of a database with nothing in it: a file that does not exist yet, or a server's empty database."""
    url = engine.empty()
    yield url
    engine.drop(url)


@pytest.fixture
def database_url(engine: Engine) -> Iterator[str]:
    """The URL of a database with schema and reference data, closed."""
    url = engine.clone()
    yield url
    engine.drop(url)


@pytest.fixture
def db(database_url: str) -> Iterator[store.Database]:
    """An open database with schema and reference data."""
    opened = store.connect(database_url)
    yield opened
    opened.close()


@pytest.fixture
def embedded_url(embedded_engine: EmbeddedEngine) -> Iterator[str]:
    """As `database_url`, for tests of what only the embedded engine does, or where one engine is enough."""
    url = embedded_engine.clone()
    yield url
    embedded_engine.drop(url)


@pytest.fixture
def embedded_db(embedded_url: str) -> Iterator[store.Database]:
    """As `db`, on the embedded engine alone."""
    opened = store.connect(embedded_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """See the app as its users do."""
    return browser_context_args | {
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "viewport": {"width": 1440, "height": 900},
    }
