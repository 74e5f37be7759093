"""Cards (亮牌): negotiations without progress and overdue starts, by the thresholds of the rule set."""

from enum import StrEnum

from crm.locale import _
from crm.metrics.queries import all_of, judged_projects
from crm.metrics.rates import KNOWN_SIGNED, NOT_WITHDRAWN, eligibility, reached
from crm.metrics.rule_sets import RuleSet
from crm.model import LABELS
from crm.months import Period
from crm.store import Params


class CardKind(StrEnum):
    """What a card is shown for: a negotiation without progress, or a start of construction that is overdue."""

    STALLED = "stalled"
    OVERDUE_START = "overdue_start"


class Colour(StrEnum):
    """How grave a card is; `removal` proposes to take the project off the list."""

    YELLOW = "yellow"
    RED = "red"
    REMOVAL = "removal"


LABELS.update(
    {
        CardKind: {
            CardKind.STALLED: _("Negotiation without progress"),
            CardKind.OVERDUE_START: _("Start of construction overdue"),
        },
        Colour: {
            Colour.YELLOW: _("Yellow card"),
            Colour.RED: _("Red card"),
            Colour.REMOVAL: _("Proposed for removal"),
        },
    }
)


def cards_query(rules: RuleSet, at: Period) -> tuple[str, Params]:
    """Return the query of the cards of a month: project_id, unit_id, kind, colour, since.

    Progress of a negotiation is a contact with the investor (about this project or none in particular), a move of the
    stage, the beginning of the negotiation; `since` is the last of them. For a start it is the day it was due; the card
    turns red where it was due and not started at the ends of as many months in a row as the rule set says.
    """
    alive = [*eligibility(rules), NOT_WITHDRAWN]
    negotiating = f"p.negotiating_on <= as_of and ({KNOWN_SIGNED}) is not true"
    due = f"coalesce(p.planned_start_on, cast(p.signed_on + interval '{rules.grace_months} months' as date))"
    waiting = f"{KNOWN_SIGNED} and ({reached('started_on')}) is not true"
    source, params = judged_projects(
        rules,
        [at],
        [
            "p.project_id",
            "p.unit_id",
            "p.entered_on",
            "p.negotiating_on",
            "p.signed_on",
            f"{negotiating} as is_negotiating",
            f"{due} as due_on",
        ],
        where=f"{all_of(alive)} and (({negotiating}) or ({waiting} and {due} <= as_of))",
    )
    yellow, red, removal = rules.stalled_months
    first_end = f"cast({params.add(at.month.plus(1 - rules.overdue_start_red_months).last_day)} as date)"
    return (
        f"""{source},
contacted as (
    select j.project_id, max(f.happened_on) as on_day
    from judged j
    join project p on p.id = j.project_id
    join follow_up f on f.enterprise_id = p.enterprise_id and (f.project_id is null or f.project_id = p.id)
    where j.is_negotiating and f.archived_at is null and f.happened_on <= j.as_of
    group by j.project_id
),
moved as (
    select j.project_id, max(l.moved_on) as on_day
    from judged j
    join stage_log l on l.project_id = j.project_id
    where j.is_negotiating and l.archived_at is null and l.moved_on <= j.as_of
    group by j.project_id
),
stalled as (
    select
        j.project_id,
        j.unit_id,
        j.as_of,
        greatest(j.entered_on, j.negotiating_on, contacted.on_day, moved.on_day) as since
    from judged j
    left join contacted on contacted.project_id = j.project_id
    left join moved on moved.project_id = j.project_id
    where j.is_negotiating
)
select
    project_id,
    unit_id,
    '{CardKind.STALLED}' as kind,
    case
        when since + interval '{removal} months' <= as_of then '{Colour.REMOVAL}'
        when since + interval '{red} months' <= as_of then '{Colour.RED}'
        else '{Colour.YELLOW}'
    end as colour,
    since
from stalled
where since + interval '{yellow} months' <= as_of
union all
select
    project_id,
    unit_id,
    '{CardKind.OVERDUE_START}',
    case when greatest(due_on, signed_on) <= {first_end} then '{Colour.RED}' else '{Colour.YELLOW}' end,
    due_on
from judged
where not is_negotiating""",
        params,
    )
