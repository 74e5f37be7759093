"""Every chart compiles to a valid specification that holds its data: one that does not would draw as an empty card."""

import pandas as pd

from crm import charts


def test_places_of_units_with_one_standing_out():
    frame = pd.DataFrame(
        {"month": ["2026-01", "2026-02"] * 2, "unit": ["吉首"] * 2 + ["泸溪"] * 2, "rank": [1, 2, 2, 1]}
    )
    spec = charts.rank_trend(frame, highlight="吉首").to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["line", "circle", "text"]
    assert spec["layer"][0]["encoding"]["y"]["scale"]["reverse"] is True
    assert sorted(len(rows) for rows in spec["datasets"].values()) == [2, 4]


def test_rates_of_a_unit_with_a_month_that_has_none():
    frame = pd.DataFrame({"month": ["2026-01", "2026-02"], "rate": ["签约率"] * 2, "value": [None, 0.5]})
    spec = charts.rate_trend(frame, rates=["签约率", "履约率", "开工率"]).to_dict()
    (rows,) = spec["datasets"].values()
    assert [row["value"] for row in rows] == [None, 0.5]
    assert spec["encoding"]["color"]["scale"]["domain"] == ["签约率", "履约率", "开工率"]
