"""Timetables with the enterprises in talks: the usual steps from a recent contact on, done by the contacts since."""

import numpy as np
import pandas as pd

from crm.demo.draw import Array, Random, texts, workday
from crm.demo.follow_ups import Calendar
from crm.demo.people import Enterprises
from crm.demo.projects import Projects
from crm.locale import DEFAULT_LANGUAGE, use_language
from crm.rules import USUAL_STEPS

_SHARE = 0.35
_RECENT = 100  # days


def engagement_steps(
    rng: Random, enterprises: Enterprises, projects: Projects, calendar: Calendar, *, end: np.datetime64
) -> pd.DataFrame:
    """Return the steps; `enterprise` and `follow_up` (-1: not done yet) are numbers of rows."""
    with use_language(DEFAULT_LANGUAGE):
        usual = [(str(step), days) for step, days in USUAL_STEPS]
    in_talks = calendar.last_contact_on >= end - np.timedelta64(_RECENT, "D")
    in_talks[projects.enterprise[~np.isnat(projects.day("signed_on"))]] = False
    chosen = np.flatnonzero(in_talks & (rng.random(len(in_talks)) < _SHARE))
    first_rows = np.searchsorted(calendar.enterprise, chosen)
    end_rows = np.searchsorted(calendar.enterprise, chosen, side="right")
    rows: list[tuple[int, str, np.datetime64, int]] = []
    for enterprise, first, beyond in zip(chosen.tolist(), first_rows.tolist(), end_rows.tolist(), strict=True):
        days = calendar.happened_on[first:beyond]
        since = end - np.timedelta64(int(rng.integers(5, _RECENT)), "D")
        place = min(int(np.searchsorted(days, since)), len(days) - 1)
        start, going_on = days[place], True
        for step, offset in usual:
            planned = start + np.timedelta64(offset + int(rng.integers(-2, 6)) * bool(offset), "D")
            # A contact from a week before to three weeks after the plan does the step; the first miss ends the row.
            place = max(place, int(np.searchsorted(days, planned - np.timedelta64(7, "D"))))
            done = going_on and place < len(days) and days[place] <= planned + np.timedelta64(21, "D")
            rows.append((enterprise, step, planned, first + place if done else -1))
            place, going_on = place + 1, done
    number, steps, planned_on, follow_up = _columns(rows)
    return pd.DataFrame(
        {
            "enterprise": number,
            "step": steps,
            "planned_on": workday(planned_on),
            "owner": enterprises.frame["owner_person"].to_numpy(object)[number],
            "follow_up": follow_up,
        }
    )


def _columns(rows: list[tuple[int, str, np.datetime64, int]]) -> tuple[Array, Array, Array, Array]:
    return (
        np.array([row[0] for row in rows], np.int64),
        texts([row[1] for row in rows]),
        np.array([row[2] for row in rows], "datetime64[D]"),
        np.array([row[3] for row in rows], np.int64),
    )
