"""What readers share: asked once until a record changes, kept apart by key, and bounded."""

from collections.abc import Iterator
from typing import Any

import pytest

from crm import store
from crm.ui import session
from tests.probes import insert_enterprise


@pytest.fixture
def shared(embedded_url: str) -> Iterator[store.Database]:
    """The database of this process, as the server opens it."""
    yield session.open_database(embedded_url)
    session.close_database()


class Question:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> int:
        """Answer with how often that was."""
        self.asked += 1
        return self.asked


def test_an_answer_is_asked_for_once_until_a_record_changes(shared: Any) -> None:
    question = Question()
    assert [session.remembered("a", question) for _n in range(3)] == [1, 1, 1]
    insert_enterprise(shared, "甲公司")
    assert [session.remembered("a", question) for _n in range(3)] == [2, 2, 2]


def test_an_answer_for_some_minutes_outlives_a_change(shared: Any) -> None:
    question = Question()
    assert session.remembered("a", question, minutes=1_000_000) == 1
    insert_enterprise(shared, "甲公司")
    assert session.remembered("a", question, minutes=1_000_000) == 1
    assert session.remembered("a", question) == 2


def test_other_keys_have_answers_of_their_own(shared: Any) -> None:
    question = Question()
    assert [session.remembered(key, question) for key in (("funnel", 1), ("funnel", 2), ("funnel", 1))] == [1, 2, 1]


def test_a_change_while_an_answer_is_made_is_not_missed(shared: Any) -> None:
    names: list[str] = []

    def slow() -> list[str]:
        names.extend(row[0] for row in shared.rows("select name from enterprise"))
        insert_enterprise(shared, "乙公司")
        return list(names)

    assert session.remembered("names", slow) == []
    assert session.remembered("names", lambda: [row[0] for row in shared.rows("select name from enterprise")]) == [
        "乙公司"
    ]


def test_only_so_many_are_kept_and_those_used_last(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_REMEMBERED", 2)
    question = Question()
    assert [session.remembered(key, question) for key in "abacab"] == [1, 2, 1, 3, 1, 4]


def test_an_error_is_not_kept(shared: Any) -> None:
    def fails() -> int:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        session.remembered("a", fails)
    assert session.remembered("a", lambda: 7) == 7
