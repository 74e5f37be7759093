"""Logging a contact: from submit to saved, one person alone and 32 at once."""

import statistics
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

from crm import store
from crm.actions.followups import log_follow_up
from crm.model import Actor, FollowUpDraft, Method
from tests.bench.bureau import NOW, TODAY, Bureau, staff
from tests.bench.measuring import Line, ms, seconds

ALONE, WRITERS, EACH = 100, 32, 10


def measure(bureau: Bureau) -> list[Line]:
    """Measure both on a copy; every contact must be there afterwards."""
    with bureau.writing() as database:
        actor = staff(database)
        enterprises = [
            row[0]
            for row in database.rows(
                "select id from enterprise where owner_unit_id = $1 and archived_at is null order by id limit 500",
                [actor.unit_id],
            )
        ]
        numbers = count()
        before = database.value("select count(*) from follow_up")
        alone = [_log(database, actor, enterprises, next(numbers)) for _ in range(ALONE + 1)][1:]
        together, failed = _at_once(database, actor, enterprises, numbers)
        saved = database.value("select count(*) from follow_up") - before
    expected = 1 + ALONE + WRITERS * EACH - failed
    if saved != expected:
        raise AssertionError(f"{expected} contacts were acknowledged, {saved} are there")
    p95 = statistics.quantiles(together, n=20)[-1]
    raw = f"median {ms(statistics.median(alone))}, p95 {ms(statistics.quantiles(alone, n=20)[-1])}"
    crowd = f"median {ms(statistics.median(together))}, p95 {ms(p95)}, of {len(together)} contacts"
    return [
        Line("log a contact", statistics.median(alone) * 1000, "ms", 30, raw),
        Line(f"log a contact, {WRITERS} at once, p95", p95 * 1000, "ms", None, crowd),
        Line(f"log a contact, {WRITERS} at once: refused", failed, "", 0, f"{failed} of {WRITERS * EACH}"),
    ]


def _log(database: store.Database, actor: Actor, enterprises: list[int], number: int) -> float:
    draft = FollowUpDraft(
        happened_on=TODAY,
        method=Method.VISIT,
        content="介绍了园区的标准厂房和用电价格，对方下周来看地。",
        enterprise_id=enterprises[number % len(enterprises)],
        our_people="向晓红",
        their_people="王总",
        next_step="发送厂房平面图",
        next_due_on=TODAY + timedelta(days=7),
        form_token=f"bench-{number}",
    )
    return seconds(lambda: log_follow_up(database, actor, draft, now=NOW + timedelta(seconds=number), today=TODAY))


def _at_once(
    database: store.Database, actor: Actor, enterprises: list[int], numbers: "count[int]"
) -> tuple[list[float], int]:
    """Return how long each of the contacts took that many people logged at the same time, and how many failed."""
    start = threading.Barrier(WRITERS)
    # A few enterprises only, so that writers meet on one record.
    shared = enterprises[:5]
    tokens = [[next(numbers) for _ in range(EACH)] for _ in range(WRITERS)]

    def person(own: list[int]) -> tuple[list[float], int]:
        start.wait()
        taken, failed = [], 0
        for number in own:
            try:
                taken.append(_log(database, actor, shared, number))
            except Exception:  # noqa: BLE001  # whatever a person would have seen counts
                failed += 1
        return taken, failed

    with ThreadPoolExecutor(WRITERS) as people:
        found = list(people.map(person, tokens))
    return [spent for taken, _failed in found for spent in taken], sum(failed for _taken, failed in found)
