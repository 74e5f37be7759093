"""Three years of contacts: when each enterprise was contacted, what was said at that point, what was due next."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm.demo import words
from crm.demo.draw import NAT, NOTHING, Array, Random, filled, kept, pick, pick_by, texts, workday
from crm.demo.people import Enterprises, Reference
from crm.demo.projects import Projects

# The dates of a project that change what people talk about, in order; see words.TOPICS.
_TURNS = ("entered_on", "negotiating_on", "signed_on", "started_on", "completed_on")


@dataclass(frozen=True)
class Calendar:
    """The contacts by enterprise and day, without their words."""

    enterprise: Array  # number, ascending
    project: Array  # number, -1 where the contact was about none
    happened_on: Array
    next_due_on: Array
    done_at: Array  # UTC, NaT while open
    last_contact_on: Array  # per enterprise
    next_contact_on: Array  # per enterprise: the earliest open due date


def draw_calendar(
    rng: Random,
    enterprises: Enterprises,
    projects: Projects,
    *,
    count: int,
    first: np.datetime64,
    end: np.datetime64,
    now: np.datetime64,
) -> Calendar:
    """Draw the days of all contacts, with the due date of each next step and when it was done."""
    total = len(enterprises.unit)
    held = np.full(total, -1)
    # Of two projects the newer one gives the talk its subject.
    held[projects.enterprise] = np.arange(len(projects.enterprise))
    has = held >= 0
    entered, withdrawn = projects.day("entered_on"), projects.day("withdrawn_on")
    lead = rng.integers(0, 45, total).astype("timedelta64[D]")
    oldest = np.full(total, end)
    np.minimum.at(oldest, projects.enterprise, entered)
    span = int((end - first).astype(np.int64)) + 1
    begin = np.where(has, oldest - lead, first + rng.integers(0, span, total).astype("timedelta64[D]"))
    begin = np.maximum(workday(begin), first)
    # A matter without a project fades in half of the cases; one that was withdrawn ends there.
    faded = np.minimum(begin + rng.integers(20, 400, total).astype("timedelta64[D]"), end)
    stop = np.where(~has & (rng.random(total) < 0.5), faded, end - rng.integers(0, 30, total).astype("timedelta64[D]"))
    ended = np.where(has, withdrawn[held], NAT)
    closed = ~np.isnat(ended) | (stop < end - 30)
    stop = np.maximum(np.where(np.isnat(ended), stop, ended), begin)

    contacted = np.flatnonzero(has | (rng.random(total) < 0.94))
    weight = rng.gamma(1.3, 1.0, len(contacted)) * np.where(has[contacted], 3.0, 1.0)
    weight *= np.sqrt((stop - begin)[contacted].astype(np.int64) + 10)
    times = np.zeros(total, np.int64)
    times[contacted] = 1 + rng.multinomial(max(count - len(contacted), 0), weight / weight.sum())
    enterprise = np.repeat(np.arange(total), times)
    first_row = np.cumsum(times) - times
    room = (stop - begin).astype(np.int64)[enterprise]
    offset = (rng.random(len(enterprise)) * (room + 1)).astype(np.int64)
    offset[first_row[contacted]] = 0
    day = np.maximum(workday(begin[enterprise] + offset.astype("timedelta64[D]")), begin[enterprise])
    order = np.lexsort((day, enterprise))
    day = day[order]

    is_last = np.zeros(len(day), bool)
    is_last[(first_row + times - 1)[contacted]] = True
    following = np.where(is_last, NAT, np.roll(day, -1))
    due = workday(day + rng.integers(4, 40, len(day)).astype("timedelta64[D]"))
    due = np.where((rng.random(len(day)) < 0.72) & ~(is_last & closed[enterprise]), due, NAT)
    # The next contact settles the step before it, bar the few that are forgotten; some last ones are done in time.
    done_on = np.where(is_last, np.where((due <= end) & (rng.random(len(day)) < 0.75), due, NAT), following)
    done_on = np.where(np.isnat(due) | (rng.random(len(day)) < 0.006), NAT, done_on)
    # What was forgotten is settled in time: nobody's list is years long.
    settled = due + np.timedelta64(3, "D")
    done_on = np.where(np.isnat(done_on) & (due < end - np.timedelta64(60, "D")), settled, done_on)
    moment = done_on.astype("datetime64[s]") + rng.integers(3600, 36_000, len(day)).astype("timedelta64[s]")
    done_at = np.minimum(moment, now)

    last_contact = np.full(total, NAT)
    last_contact[contacted] = day[is_last]
    open_due = np.where(np.isnat(done_at), due, NAT)
    rows = np.flatnonzero(~np.isnat(open_due))
    next_contact = np.full(total, np.datetime64("9999-12-31"))
    np.minimum.at(next_contact, enterprise[rows], open_due[rows])
    next_contact[next_contact == np.datetime64("9999-12-31")] = NAT

    project = held[enterprise]
    about = (project >= 0) & (entered[project] <= day) & (rng.random(len(day)) < 0.9)
    return Calendar(enterprise, np.where(about, project, -1), day, due, done_at, last_contact, next_contact)


def follow_ups(
    rng: Random,
    reference: Reference,
    enterprises: Enterprises,
    projects: Projects,
    calendar: Calendar,
    staff: Array,
    rows: slice,
) -> pd.DataFrame:
    """Return some of the contacts in words; `enterprise` and `project` (-1: none) are numbers."""
    enterprise, project = calendar.enterprise[rows], calendar.project[rows]
    day, due = calendar.happened_on[rows], calendar.next_due_on[rows]
    count = len(day)
    phase = np.zeros(count, np.int64)
    for name in _TURNS:
        phase += (project >= 0) & (projects.day(name)[project] <= day)
    moved = (project >= 0) & (projects.moved_on[project] <= day)
    unit = np.where(
        project >= 0,
        np.where(moved, projects.unit[project], projects.first_unit[project]),
        enterprises.unit[enterprise],
    )
    segments, frame = reference.segments, enterprises.frame
    place_of_unit = [
        words.PLACES.get(code, words.PLACES["XXGXQ"])[enterprise_number % 3]
        for enterprise_number, code in enumerate(reference.units["code"])
    ]
    amount = frame["intended_amount"].to_numpy()[enterprise] / 1e8
    slots = {
        "city": enterprises.town[enterprise],
        "person": enterprises.person[enterprise],
        "unit": reference.units["short_name"].to_numpy(object)[unit],
        "place": texts(place_of_unit)[unit],
        "segment": segments["name"].to_numpy(object)[enterprises.segment[enterprise]],
        "keyword": enterprises.keyword[enterprise],
        "n": pick(rng, "23456789", count),
        "amount": texts([f"{value:.2g}" for value in amount]),
    }
    method = rng.choice(len(words.METHODS), count, p=words.METHOD_WEIGHTS)
    opening = filled(pick_by(rng, [words.OPENINGS[name] for name in words.METHODS], method), slots)
    said = filled(pick_by(rng, words.TOPICS, phase), slots)
    more = filled(pick_by(rng, words.TOPICS, phase), slots)
    longer = (rng.random(count) < 0.4) & (said != more)
    content = [
        f"{a}，{b}；{c}。" if both else f"{a}，{b}。" for a, b, c, both in zip(opening, said, more, longer, strict=True)
    ]
    # Two contacts with one enterprise on one day never say the same: that is how an import tells them apart.
    said_before: Counter[tuple[int, object, str]] = Counter()
    for n, key in enumerate(zip(enterprise.tolist(), day.tolist(), content, strict=True)):
        if said_before[key]:
            content[n] = f"{content[n][:-1]}，当天第{said_before[key] + 1}次沟通。"
        said_before[key] += 1
    author = staff[unit, rng.integers(0, staff.shape[1], count)]
    colleague = staff[unit, rng.integers(0, staff.shape[1], count)]
    together = (rng.random(count) < 0.4) & (author != colleague)
    ours = [f"{a}、{b}" if both else a for a, b, both in zip(author, colleague, together, strict=True)]
    return pd.DataFrame(
        {
            "enterprise": enterprise,
            "project": project,
            "happened_on": day,
            "method": texts(words.METHODS)[method],
            "our_people": texts(ours),
            "their_people": slots["person"],
            "content": texts(content),
            "outcome": kept(pick(rng, words.OUTCOMES, count), rng.random(count) < 0.5),
            "difficulty": kept(pick(rng, words.DIFFICULTIES, count), (phase > 2) & (rng.random(count) < 0.12), NOTHING),
            "next_step": kept(filled(pick_by(rng, words.NEXT_STEPS, phase), slots), ~np.isnat(due)),
            "next_due_on": due,
            "done_at": calendar.done_at[rows],
            "unit_id": reference.units["id"].to_numpy()[unit],
            "author": author,
        }
    )
