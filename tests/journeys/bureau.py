"""A believable bureau behind the running app: what journeys walk through and the guide's pictures show."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crm import store
from crm.demo import fill
from crm.metrics import RuleSet
from crm.months import Month, bureau_day
from crm.reports.rankings import Ranking, ranking
from tests.apps import App, add_people, running_app, utc_now
from tests.engines import EmbeddedEngine

DESK, HAND = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SIZES = pytest.mark.parametrize("size", [DESK, HAND], ids=["desk", "hand"])
MONTH = Month.of(bureau_day(utc_now())).plus(-1)


class Bureau(App):
    """The running app over a believable bureau, with what the tests must know of it beforehand."""

    of_jishou: tuple[int, str, str]
    of_fenghuang: tuple[int, str, str]
    in_tea: int
    ranking: Ranking
    typed: str  # every text that is kept in it, one after the other


@contextmanager
def served_bureau(engine: EmbeddedEngine) -> Iterator[Bureau]:
    """Serve three years of a bureau, with everybody of `tests.apps.PEOPLE` in it."""
    url = engine.clone()
    database = store.connect(url)
    secrets = add_people(database)
    now = utc_now()
    fill(database, seed=3, until=MONTH, today=bureau_day(now), now=now)
    known = {
        "of_jishou": _an_enterprise(database, "433101"),
        "of_fenghuang": _an_enterprise(database, "433123"),
        "in_tea": database.value(
            "select count(distinct l.enterprise_id) from enterprise_segment l join industry i on i.id = l.industry_id"
            " where i.code = 'tea'"
        ),
        "typed": _texts(database),
        "ranking": ranking(database, month=MONTH, rules=RuleSet()),
    }
    database.close()
    with running_app(url, secrets=secrets) as served:
        bureau = Bureau(served.url, served.database_url, served.secrets, served.log)
        for name, value in known.items():
            setattr(bureau, name, value)
        yield bureau


def _an_enterprise(database: store.Database, unit: str) -> tuple[int, str, str]:
    """An enterprise that its unit alone may see: (id, name, credit code)."""
    found = database.rows(
        "select e.id, e.name, e.credit_code from enterprise e join unit u on u.id = e.owner_unit_id where u.code = $1"
        " and e.last_contact_on is not null and not exists (select 1 from project p where p.enterprise_id = e.id"
        " and p.unit_id <> u.id) order by e.id limit 1",
        [unit],
    )
    return (int(found[0][0]), str(found[0][1]), str(found[0][2]))


def _texts(database: store.Database) -> str:
    """Everything that was typed into the bureau, which no page puts into another language."""
    columns = database.rows(
        "select table_name, column_name from information_schema.columns where table_schema = current_schema()"
        " and data_type in ('VARCHAR', 'text') and table_name <> 'audit'"
    )
    found: set[str] = set()
    for table, column in columns:
        found.update(
            row[0] for row in database.rows(f"select distinct {column} from {table} where {column} is not null")
        )
    return "\n".join(sorted(found))
