"""Who acts on a fresh bureau, and what must hold whatever they did."""

import pytest

from crm import store
from crm.model import Role
from crm.reports.findings import findings
from tests.probes import TODAY, person, unit_ids


@pytest.fixture
def units(db):
    """The units' ids by short name."""
    return unit_ids(db)


@pytest.fixture
def staff(units):
    """Somebody of 吉首."""
    return person("zhangsan", Role.STAFF, unit_id=units["吉首"])


@pytest.fixture
def head(units):
    """The head of 吉首."""
    return person("lisi", Role.UNIT_HEAD, unit_id=units["吉首"])


@pytest.fixture
def records_agree(db):
    """Whatever a test did, nothing blocking is found afterwards and the audit chain is whole."""
    yield
    assert [f for f in findings(db, today=TODAY) if f.severity == "blocking"] == []
    assert store.verify_audit(db) == []
