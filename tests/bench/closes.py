"""Closing months: 36 of them one after another, and what has changed since in one of them."""

from crm.actions.closes import close_month
from crm.metrics import RuleSet
from crm.reports.closes import changes_since, find_close
from tests.bench.bureau import LAST_MONTH, NOW, SYSTEM, TODAY, Bureau
from tests.bench.measuring import Line, ms, seconds

MONTHS = 36


def measure(bureau: Bureau) -> list[Line]:
    """Measure both on a copy; nothing may have changed in a month that was just closed."""
    with bureau.writing() as database:
        rules = RuleSet()
        taken = [
            seconds(lambda month=month: close_month(database, SYSTEM, month, rules=rules, now=NOW, today=TODAY))
            for month in LAST_MONTH.plus(1 - MONTHS).until(LAST_MONTH)
        ]
        facts = database.value("select count(*) from month_fact")
        close = find_close(database, LAST_MONTH)
        if close is None or changes_since(database, SYSTEM, close).records:
            raise AssertionError("a month that was just closed is open or has changed")
        comparing = seconds(lambda: changes_since(database, SYSTEM, close))
    raw = f"{facts:,} facts, the slowest month {ms(max(taken))}"
    return [
        Line(f"{MONTHS} closes", sum(taken), "s", 60, raw),
        Line("published vs now, one month", comparing * 1000, "ms", None, ms(comparing)),
    ]
