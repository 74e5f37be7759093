"""Plain measures beside the rates: additive figures per unit and span of days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from crm.locale import Message, _
from crm.months import Period
from crm.store import Params


@dataclass(frozen=True)
class Measure:
    """An additive figure per unit; `subject` is what it counts, `rows` the query of all of that there is.

    A row is (unit_id, valid_from, valid_to, record_id, on_day, value): it counts in a span that holds `on_day`, for the
    unit that has it on the span's last day. Values are summed, or where `distinct`, the different ones counted.
    """

    slug: str
    label: Message
    meaning: Message
    subject: str
    rows: str
    in_yuan: bool = False
    distinct: bool = False


def _contacts(value: str) -> str:
    # A contact stays with the unit that made it; one that corrects another tells of the same meeting.
    return (
        "select f.unit_id, cast(null as date) as valid_from, cast(null as date) as valid_to, f.id as record_id,"
        f" f.happened_on as on_day, {value} as value from follow_up f"
        " where f.archived_at is null and f.corrects_id is null"
    )


def _projects_dated(field: str, value: str = "1") -> str:
    return (
        f"select h.unit_id, h.valid_from, h.valid_to, p.id as record_id, p.{field} as on_day, {value} as value"
        " from project_holding h join project p on p.id = h.project_id where p.archived_at is null"
    )


MEASURES: dict[str, Measure] = {
    measure.slug: measure
    for measure in (
        Measure(
            "follow_ups",
            _("Contacts logged"),
            _("Contacts made with enterprises in the period, for the unit that made them."),
            "follow_up",
            _contacts("1"),
        ),
        Measure(
            "enterprises_contacted",
            _("Enterprises contacted"),
            _("Different enterprises contacted in the period, for the unit that contacted them."),
            "follow_up",
            _contacts("f.enterprise_id"),
            distinct=True,
        ),
        Measure(
            "new_leads",
            _("New leads"),
            _("Projects whose lead date lies in the period, for the unit that holds them on its last day."),
            "project",
            _projects_dated("entered_on"),
        ),
        Measure(
            "signings",
            _("New signings"),
            _("Projects whose first signing lies in the period, for the unit that holds them on its last day."),
            "project",
            _projects_dated("signed_on"),
        ),
        Measure(
            "signed_amount",
            _("Amount signed"),
            _("Planned investment of the projects whose first signing lies in the period."),
            "project",
            _projects_dated("signed_on", "p.planned_investment"),
            in_yuan=True,
        ),
        Measure(
            "starts",
            _("Starts of construction"),
            _("Projects whose construction started in the period, for the unit that holds them on its last day."),
            "project",
            _projects_dated("started_on"),
        ),
        Measure(
            "funds_arrived",
            _("Funds arrived"),
            _("Funds that arrived in the period, for the unit that holds their project on its last day."),
            "fund_arrival",
            "select h.unit_id, h.valid_from, h.valid_to, a.id as record_id, a.arrived_on as on_day, a.amount as value"
            " from project_holding h join project p on p.id = h.project_id"
            " join fund_arrival a on a.project_id = p.id where p.archived_at is null and a.archived_at is null",
            in_yuan=True,
        ),
    )
}

_IN_SPAN = (
    "r.on_day between t.first_day and t.last_day and (r.valid_from is null or r.valid_from <= t.last_day)"
    " and (r.valid_to is null or r.valid_to > t.last_day)"
)


def measures_query(at: Period) -> tuple[str, Params]:
    """Return the query of every plain measure in a period's month: (unit_id, measure, value)."""
    sql, params = measures_over([(at.month.first_day, at.as_of)], MEASURES)
    return f"select unit_id, measure, value from (\n{sql}\n) as measured", params


def measures_over(spans: Sequence[tuple[date, date]], slugs: Iterable[str]) -> tuple[str, Params]:
    """Return the query of some plain measures over several spans of days: (span, unit_id, measure, value).

    `span` is the index into `spans`, each from one day to another, both included; a span without anything to count has
    no row. A project counts for the unit that holds it on the span's last day.
    """
    params = Params()
    marks = [tuple(f"cast({params.add(day)} as date)" for day in span) for span in spans]
    listed = ", ".join(f"({n}, {first}, {last})" for n, (first, last) in enumerate(marks))
    earliest, latest = (
        f"cast({params.add(day)} as date)" for day in (min(spans)[0], max(last for _first, last in spans))
    )
    parts = []
    for measure in map(MEASURES.__getitem__, slugs):
        source = f"from ({measure.rows}) as dated where on_day between {earliest} and {latest}"
        if measure.distinct:
            rows, total = f"select * {source}", "count(distinct r.value)"
        else:
            # By day first: what is joined to the spans is then small, however much there is.
            by_day = "unit_id, valid_from, valid_to, on_day"
            rows, total = (
                f"select {by_day}, sum(value) as value {source} group by {by_day}",
                "coalesce(sum(r.value), 0)",
            )
        parts.append(
            f"select t.span, r.unit_id, '{measure.slug}' as measure, {total} as value"
            f" from time_span t join ({rows}) as r on {_IN_SPAN} group by t.span, r.unit_id"
        )
    return f"with time_span (span, first_day, last_day) as (values {listed})\n" + "\nunion all\n".join(parts), params


def counted_rows(slug: str, first_day: date, last_day: date, params: Params) -> str:
    """Return the query of what a plain measure counts in a span of days: (record_id, unit_id, on_day, value)."""
    first, last = (f"cast({params.add(day)} as date)" for day in (first_day, last_day))
    return (
        f"select r.record_id, r.unit_id, r.on_day, r.value from ({MEASURES[slug].rows}) as r"
        f" join (select {first} as first_day, {last} as last_day) as t on {_IN_SPAN}"
    )
