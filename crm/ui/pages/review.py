"""Series and review: places and rates over months, signing cohorts, the funnel with its days, seasons, what if."""

import streamlit as st

from crm.locale import _
from crm.model import label
from crm.permissions import Action, can
from crm.reports.overview import has_work
from crm.reports.rule_sets import list_rule_sets
from crm.ui import components as ui
from crm.ui import review, session

actor, db, today = session.current_actor(), session.database(), session.today()

header = st.container()
# The funnel counts what the reader may see.
view = review.choose_view([v for v in review.VIEWS if v != "steps" or can(actor, Action.READ)])
chosen = review.choose(view, actor, today, list_rule_sets(db))
caption = _("Data up to {day}", day=chosen.as_of)
if view in ("places", "rates", "what_if"):
    # Ranks are of whole months, as on the page of the ranking.
    caption = _(
        "As of {as_of} · rule set “{name}” version {version} · {window}, from {since}",
        as_of=chosen.as_of if chosen.by_quarter else chosen.month.last_day,
        name=chosen.rules.name,
        version=chosen.rules.version,
        window=label(chosen.rules.window_mode),
        since=chosen.rules.period(chosen.month).w0,
    )
with header, ui.title_row(actor, _("Series and review"), caption, printable=True):
    pass
if has_work(db):
    review.SHOW[view](chosen)
else:
    with ui.card("none"):
        ui.empty_state(
            _("There is nothing to look back on yet."),
            _("Import the ledger of projects: places, rates and cohorts follow by themselves."),
            icon="timeline",
        )
