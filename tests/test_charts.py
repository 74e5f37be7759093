"""Every chart compiles to a valid specification that holds its data: one that does not would draw as an empty card."""

import re
from datetime import date

import pandas as pd
import vl_convert

from crm import charts
from crm.locale import use_language


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


ROADMAP = pd.DataFrame(
    {
        "kind": ["registration", "start", "completion"],
        "planned_on": [date(2026, 2, 1), date(2026, 3, 1), None],
        "actual_on": [date(2026, 1, 20), None, date(2026, 6, 1)],
        "state": ["done", "late", "done"],
    }
)


def test_a_roadmap_of_projects_has_bars_marks_and_the_line_of_today():
    bars = pd.DataFrame(
        {"id": [7], "project": ["甲"], "stage": ["signed"], "since": [date(2026, 1, 1)], "until": [date(2026, 6, 30)]}
    )
    spec = charts.roadmap(bars, ROADMAP.assign(project="乙"), today=date(2026, 6, 30)).to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["bar", "point", "rule", "text"]
    assert spec["layer"][0]["encoding"]["y"]["sort"] == ["甲", "乙"]
    assert [(chosen["name"], chosen["select"]["fields"]) for chosen in spec["params"]] == [("chosen", ["id"])]
    scales = [spec["layer"][1]["encoding"][channel]["scale"] for channel in ("fill", "stroke")]
    hollow = {mark: fill == "#ffffff" for mark, fill in zip(scales[0]["domain"], scales[0]["range"], strict=True)}
    assert hollow == {"已完成": False, "计划": True, "已逾期": True}
    assert scales[1]["range"][2] == "#b0382b"
    marks = [(row["day"][:10], row["mark"]) for rows in spec["datasets"].values() for row in rows if "day" in row]
    assert marks == [
        ("2026-02-01", "计划"),
        ("2026-03-01", "已逾期"),
        ("2026-01-20", "已完成"),
        ("2026-06-01", "已完成"),
    ]
    assert compiled(charts.roadmap(bars, ROADMAP.assign(project="乙")[:0], today=date(2026, 6, 30))) is not None


def test_a_roadmap_of_milestones_spans_from_the_plan_to_the_day_it_was_reached_or_to_today():
    spec = charts.milestone_roadmap(ROADMAP, today=date(2026, 6, 30)).to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["bar", "tick", "point", "rule", "text"]
    spans = [
        (row["planned_on"][:10], row["until"][:10], row["late"])
        for rows in spec["datasets"].values()
        for row in rows
        if "until" in row
    ]
    assert spans == [("2026-02-01", "2026-01-20", "提前"), ("2026-03-01", "2026-06-30", "滞后")]


def test_a_funnel_tells_counts_and_conversion_and_a_click_chooses_a_stage():
    frame = pd.DataFrame({"stage": ["线索", "签约"], "count": [1200, 30], "conversion": [None, 0.025]})
    with use_language("zh_CN"):
        spec = charts.funnel(frame).to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["bar", "text", "text"]
    assert [p["name"] for p in spec["params"]] == ["step"]
    (rows,) = spec["datasets"].values()
    assert [(r["words"], r["share"], r["left"], r["right"]) for r in rows] == [
        ("线索 1,200", "", -0.5, 0.5),
        ("签约 30", "转化 2%", -0.0125, 0.0125),
    ]


def test_a_funnel_and_a_heatmap_of_nothing_are_drawn():
    nothing = pd.DataFrame({"stage": ["线索"], "count": [0], "conversion": [None]})
    assert charts.funnel(nothing).to_dict()["layer"]
    cells = pd.DataFrame({"industry_id": [1], "industry": ["茶叶"], "unit_id": [2], "unit": ["吉首"], "value": [0]})
    (rows,) = charts.heatmap(cells, title="数").to_dict()["datasets"].values()
    assert [row["words"] for row in rows] == [""]


def test_a_heatmap_keeps_the_order_of_chains_and_units_and_a_click_chooses_a_cell():
    frame = pd.DataFrame(
        [(1, "白酒", 10, "吉首", 12.34), (1, "白酒", 11, "泸溪", 0.0), (2, "茶叶", 10, "吉首", 1.0)],
        columns=["industry_id", "industry", "unit_id", "unit", "value"],
    )
    spec = charts.heatmap(frame, title="签约额", decimals=1).to_dict()
    first = spec["layer"][0]
    assert (first["encoding"]["y"]["sort"], first["encoding"]["x"]["sort"]) == (["白酒", "茶叶"], ["吉首", "泸溪"])
    assert [(p["name"], p["select"]["fields"]) for p in spec["params"]] == [("cell", ["industry_id", "unit_id"])]
    (rows,) = spec["datasets"].values()
    assert [(row["words"], row["dark"]) for row in rows] == [("12.3", True), ("", False), ("1.0", False)]


def test_attainment_is_cut_off_and_coloured_by_what_is_due():
    frame = pd.DataFrame({"measure": ["签约额", "开工率"], "share": [2.0, 0.5], "due": [0.8, 1.0], "words": ["a", "b"]})
    (rows,) = charts.attainment(frame).to_dict()["datasets"].values()
    assert [(row["bar"], row["state"]) for row in rows] == [(1.25, "ahead"), (0.5, "behind")]


def test_a_sparkline_leaves_a_gap_where_there_is_no_value():
    drawn = charts.sparkline([1.0, 3.0, None, 2.0, 2.0], direction="up")
    assert re.findall(r"<polyline[^>]* points=\"([^\"]*)\"", drawn) == ["0.0,26.0 25.0,4.0", "75.0,15.0 100.0,15.0"]
    assert "#a8483c" in drawn
    assert [charts.sparkline(values, direction="level") for values in ([], [None, 1.0], [None, None])] == ["", "", ""]
    assert "0.0,26.0 100.0,26.0" in charts.sparkline([5.0, 5.0], direction="down")


def compiled(chart):
    """Draw a chart as the browser would, and return the words on it: a spec that cannot be compiled is refused."""
    picture = vl_convert.vegalite_to_svg(chart.to_dict())
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture)


def test_published_ranks_are_marked_for_who_stands_out():
    frame = pd.DataFrame(
        {
            "month": ["2026-01", "2026-02"] * 2,
            "unit": ["吉首"] * 2 + ["泸溪"] * 2,
            "rank": [1, 2, 2, 1],
            "published": [2.0, None, 1.0, None],
        }
    )
    spec = charts.rank_trend(frame, highlight="吉首").to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["line", "circle", "text", "point"]
    marked = spec["datasets"][spec["layer"][3]["data"]["name"]]
    assert [(row["unit"], row["month"], row["published"]) for row in marked] == [("吉首", "2026-01", 2.0)]
    assert [(chosen["name"], chosen["select"]["fields"]) for chosen in spec["params"]] == [("place", ["unit", "month"])]
    assert {"吉首", "泸溪"} <= set(compiled(charts.rank_trend(frame, highlight="吉首")))
    assert compiled(charts.rank_trend(frame[:0], highlight="吉首")) is not None


def test_a_small_multiple_leaves_gaps_and_dots_a_value_that_stands_alone():
    drawn = charts.multiple([0.5, None, 1.0, 1.0], [0.0, 0.0, None, None], title="吉首 <签约率>")
    assert re.findall(r'points="([^"]+)"', drawn) == ["0.0,38.0 33.3,38.0", "0.0,20.0 0.0,20.0", "66.7,2.0 100.0,2.0"]
    assert "<title>吉首 &lt;签约率&gt;</title>" in drawn
    # What goes beyond the top is cut off there.
    assert 'points="0.0,2.0 0.0,2.0"' in charts.multiple([3.0], [], title="")
    assert "polyline" not in charts.multiple([None], [None], title="")


COHORTS = pd.DataFrame(
    {
        "cohort": ["2026", "2026", "2025", "2025"],
        "year": [2026, 2026, 2025, 2025],
        "half": [0] * 4,
        "age": [3, 6, 3, 6],
        "share": [0.5, None, 0.25, 0.75],
        "words": ["50.0%", "—", "25.0%", "75.0%"],
        "pair": ["1/2", "", "1/4", "3/4"],
    }
)


def test_cohorts_are_drawn_as_cells_to_click_and_as_curves():
    with use_language("zh_CN"):
        table, curves = charts.cohort_table(COHORTS), charts.cohort_curves(COHORTS)
        words = compiled(table)
    assert [(p["name"], p["select"]["fields"]) for p in table.to_dict()["params"]] == [
        ("cell", ["year", "half", "age"])
    ]
    assert {"3个月", "6个月", "2026", "2025", "50.0%", "—", "75.0%", "3/4"} <= set(words)
    (rows,) = curves.to_dict()["datasets"].values()
    assert [(row["cohort"], row["age"]) for row in rows] == [("2026", 3), ("2025", 3), ("2025", 6)]
    assert {"2026", "2025", "100%"} <= set(compiled(curves))


def test_a_funnel_with_days_tells_conversion_and_median():
    frame = pd.DataFrame(
        {
            "stage": ["线索", "签约"],
            "count": [1200, 30],
            "conversion": [None, 0.025],
            "days": [None, 41.5],
            "measured": [0, 28],
        }
    )
    with use_language("zh_CN"):
        chart = charts.timed_funnel(frame)
        assert {"线索", "签约", "1,200", "30", "转化 2%", "中位 41.5 天"} <= set(compiled(chart))
        nothing = frame.assign(count=0, conversion=[None, None], days=[None, None]).astype({"days": "float64"})
        assert "0" in compiled(charts.timed_funnel(nothing))
    assert [p["name"] for p in chart.to_dict()["params"]] == ["step"]


def test_seasons_set_the_years_against_the_mean():
    rows = [("2025", m, float(m), True) for m in range(1, 13)] + [("2026", 1, 4.0, True), (None, 1, 2.5, True)]
    frame = pd.DataFrame(rows, columns=["year", "month", "value", "complete"])
    with use_language("zh_CN"):
        chart = charts.seasons(frame, title="新签约项目")
        words = compiled(chart)
    assert {"1月", "12月", "2025", "2026"} <= set(words)
    spec = chart.to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["bar", "line", "circle"]
    assert spec["layer"][1]["encoding"]["color"]["scale"]["domain"] == ["2025", "2026"]
    assert [(p["name"], p["select"]["fields"]) for p in spec["params"]] == [("point", ["year", "month"])]
    assert compiled(charts.seasons(frame[:0], title="新签约项目")) is not None
