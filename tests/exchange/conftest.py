"""Fixtures of the import and export tests: sentences are checked in English."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crm import store
from crm.locale import use_language
from tests.exchange.sheets import Desk


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Read the sentences in English."""
    with use_language("en"):
        yield


@pytest.fixture
def desk(db: store.Database, tmp_path: Path) -> Desk:
    """A desk on each engine in turn."""
    return Desk(db, tmp_path)


@pytest.fixture
def quick_desk(embedded_db: store.Database, tmp_path: Path) -> Desk:
    """A desk on the embedded engine, for what no engine changes."""
    return Desk(embedded_db, tmp_path)
