"""What the page of a record offers to whom, and what a click in a table means once its rows have changed."""

from types import SimpleNamespace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from crm.ui.tables import clicked


@pytest.mark.parametrize(("row", "found"), [(0, 7), (1, 8), (2, None), (9, None)])
def test_a_click_that_stands_below_the_last_row_means_nothing(row: int, found: int | None) -> None:
    picked = SimpleNamespace(selection=SimpleNamespace(cells=[(row, "name")]))
    assert clicked(picked, pd.Series([7, 8])) == found


def test_without_a_click_nothing_was_clicked() -> None:
    assert clicked(SimpleNamespace(selection=SimpleNamespace(cells=[])), pd.Series([7])) is None


def put_away(owned: bool) -> None:
    from datetime import datetime

    from crm.model import Actor
    from crm.reports.enterprises import PutAway
    from crm.ui.enterprise_forms import put_away_card

    at = datetime(2026, 6, 30, 8, 0)  # noqa: DTZ001  # moments are stored as UTC without zone
    put_away_card(Actor("sunba", 1), PutAway(7, 2, "甲企业", "吉首市", at, "张三", "已注销", None, owned))


@pytest.mark.parametrize("owned", [True, False])
def test_only_who_may_bring_an_enterprise_back_is_offered_to(owned: bool) -> None:
    done = AppTest.from_function(put_away, args=(owned,)).run()
    assert not done.exception
    assert [text.value for text in done.text] == ["已注销"]
    assert [button.key for button in done.button] == (["restore"] if owned else [])
