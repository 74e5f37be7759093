"""The directory of enterprises: a page under several filters, the search while typing, one record."""

from decimal import Decimal
from functools import partial

from crm import store
from crm.model import Actor
from crm.reports.contacts import timeline
from crm.reports.duplicates import candidates
from crm.reports.enterprises import (
    EnterpriseFilter,
    count_directory,
    directory,
    enterprise_record,
    search_enterprises,
)
from tests.bench.bureau import TODAY, Bureau, dispatcher, staff
from tests.bench.measuring import Line, Work, medians, ms

PAGE_GOAL, SEARCH_GOAL = 60.0, 300.0


def measure(bureau: Bureau) -> list[Line]:
    """Measure each as a member of one unit (narrow rights) and as the bureau (all of it)."""
    lines = []
    with bureau.reading() as database:
        industry = database.value("select id from industry order by display_order limit 1")
        segment = database.value(f"select id from segment where industry_id = {industry} order by id limit 1")
        filters = {
            "no filter": EnterpriseFilter(),
            "a word": EnterpriseFilter(text="新材料"),
            "chain + a word": EnterpriseFilter(industry_id=industry, text="新材料"),
            "pinyin initials": EnterpriseFilter(text="xcl"),
            "segment, stage, grade": EnterpriseFilter(segment_id=segment, stage="negotiation", grade="A"),
            "quiet for 90 days, by name": EnterpriseFilter(quiet_days=90, sort="name"),
            "tag, amount": EnterpriseFilter(tags=("重点跟踪",), amount_from=Decimal(10_000_000)),
        }
        busiest = database.value(
            "select enterprise_id from follow_up where archived_at is null group by 1 order by count(*) desc, 1 limit 1"
        )
        for who, actor in (("staff", staff(database)), ("bureau", dispatcher(database))):
            for name, chosen in filters.items():
                lines.append(_page(database, f"directory, {name}, {who}", actor, chosen))
            for text in ("", "新材料", "xcl"):
                search = partial(search_enterprises, database, actor, text)
                lines.append(_one(f"search “{text}”, {who}", search, SEARCH_GOAL))
        lines.append(_one("duplicates in the whole bureau", partial(candidates, database), None))
        everything = dispatcher(database)
        lines.append(_one("one enterprise's record", partial(enterprise_record, database, everything, busiest), None))
        lines.append(_one("one enterprise's timeline", partial(timeline, database, everything, busiest), None))
    return lines


def _page(database: store.Database, name: str, actor: Actor, chosen: EnterpriseFilter) -> Line:
    def number_and_rows() -> None:
        count_directory(database, actor, chosen, today=TODAY)
        directory(database, actor, chosen, today=TODAY)

    return _one(name, number_and_rows, PAGE_GOAL)


def _one(name: str, work: Work, goal: float | None) -> Line:
    found = medians({"it": work}, times=9)["it"]
    return Line(name, found * 1000, "ms", goal, ms(found))
