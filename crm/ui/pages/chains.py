"""Industry chains: the key industries at a glance, one chain drawn by its segments, the ranking of a quarter."""

import streamlit as st

from crm.locale import Message, _
from crm.model import Stage, Tier, label
from crm.months import Quarter
from crm.permissions import Action, can
from crm.reports import chains, rankings
from crm.reports.chains import Chain, ChainSegment, Gap
from crm.reports.rule_sets import list_rule_sets
from crm.ui import chain_map, filters, session, shell, tables
from crm.ui import components as ui
from crm.ui.tables import MAIN_RATES as MAIN

actor, db, today = session.current_actor(), session.database(), session.today()
rule_sets = {stored.rules.name: stored.rules for stored in list_rule_sets(db)}
newest = Quarter.of(rankings.latest_month_with_data(db, today=today).first_day)
LEAD_WORDS = _("Leads: enterprises of the chain that have not signed a project in it.")
SCOPE_WORDS = _("Withdrawn projects do not count. All counts are of what you may see.")


def show_chain(code: str) -> None:
    """Draw one chain: who leads it, what it holds, its segments with their gaps."""
    industry_id = next((c.id for c in chains.list_chains(db) if c.code == code), 0)
    drawn = chains.chain_map(db, actor, industry_id, on=today)
    chain, counts = drawn.chain, drawn.counts
    led = [
        f"{word} {value}"
        for word, value in (
            (_("Chain leader"), chain.chain_leader),
            (_("Task force"), chain.task_force),
            (_("Lead department"), chain.lead_department),
        )
        if value
    ]
    with ui.title_row(actor, chain.shown_name, " · ".join(led), printable=True, below=True):
        pass
    figures: tuple[tuple[str, Message, str, Message | str], ...] = (
        ("enterprises", _("Linked enterprises"), f"{counts.enterprises:,}", ""),
        ("leads", _("Leads"), f"{counts.leads:,}", LEAD_WORDS),
        ("projects", _("Projects"), f"{counts.projects:,}", SCOPE_WORDS),
        ("signed", _("Signed"), f"{counts.signed:,}", ""),
        ("amount", _("Planned (¥100m)"), chain_map.in_yi(counts.amount), ""),
        ("gaps", _("Gaps"), f"{drawn.gaps:,}", _("Segments whose role is wanted and that have no project.")),
    )
    for place, (key, title, value, help_text) in zip(st.columns(6), figures, strict=True):
        with place:
            ui.kpi(key, title, value, help=help_text)
    with ui.card("map", _("Segments of the chain")):
        chain_map.legend(
            (
                ("no_enterprise", label(Gap.NO_ENTERPRISE)),
                ("no_project", label(Gap.NO_PROJECT)),
                ("filled", _("With projects")),
                ("open", _("No role wanted")),
            )
        )
        chain_map.chain_drawing(
            drawn,
            open_enterprises=lambda segment: open_directory(chain, segment),
            open_projects=show_projects,
        )
        st.caption(f"{LEAD_WORDS} {SCOPE_WORDS}")
        if drawn.unplaced:
            st.caption(str(_("{count} enterprises of the chain are in no segment yet.", count=drawn.unplaced)))
            if (can(actor, Action.EDIT) or can(actor, Action.ASSIGN)) and st.button(
                str(_("Match them with segments")), key="to_matching", icon=":material/join_inner:"
            ):
                shell.go("matching", unplaced_in=chain.name)


def open_directory(chain: Chain, segment: ChainSegment) -> None:
    """Open the directory on a segment, as it writes its filters in the address."""
    shell.go("enterprises", industry=chain.name, segment=f"{label(Tier(segment.tier))} · {segment.name}")


def show_projects(segment: ChainSegment) -> None:
    """List a segment's projects in a dialog."""
    found = chains.segment_projects(db, actor, segment.id)

    @st.dialog(ui.safe(_("Projects of {segment}", segment=segment.name)), width="large")
    def listing() -> None:
        if found.empty:
            ui.empty_state(_("No project in this segment yet."), icon="folder")
            return
        shown = found.assign(stage=[str(label(Stage(stage))) for stage in found["stage"]])
        tables.project_table(shown, key="segment_projects")
        total, listed = int(found["total"].iloc[0]), len(found)
        st.caption(
            str(
                _("{total} records", total=f"{total:,}")
                if listed == total
                else _("{total} records; the newest {listed} are listed.", total=f"{total:,}", listed=f"{listed:,}")
            )
        )

    listing()


def show_all() -> None:
    """Draw the chains at a glance and their ranking in a quarter."""
    header = st.container()
    with st.container(horizontal=True, key="filters", vertical_alignment="bottom"):
        quarters = [str(newest.plus(-n)) for n in range(12)]
        quarter = Quarter.parse(filters.one_of(_("Quarter"), quarters, "quarter", width=140) or quarters[0])
        rules = filters.choose_rules(rule_sets)
    ranking = chains.quarter_ranking(db, quarter=quarter, rules=rules, today=today)
    summaries = chains.chain_summaries(db, actor, on=today)
    caption = _(
        "{count} chains · ranking of {quarter} as of {as_of}",
        count=len(summaries),
        quarter=quarter,
        as_of=ranking.as_of,
    )
    with header, ui.title_row(actor, _("Industry chains"), caption, printable=True):
        pass
    if not summaries:
        with ui.card("none"):
            ui.empty_state(
                _("No chain is in force."), _("An administrator adds industries under “Chain setup”."), icon="lan"
            )
        return
    chain_map.chain_cards(
        summaries,
        {row.chain.id: row for row in ranking.rows},
        open_chain=lambda chain: shell.go("chains", industry=chain.code),
    )
    st.caption(f"{LEAD_WORDS} {SCOPE_WORDS}")
    with ui.card("quarter", _("Industries in {quarter}", quarter=quarter)):
        chain_map.industry_table(chains.quarter_frame(ranking, MAIN), slugs=MAIN, key="industry_table")
        st.caption(
            ui.safe(
                _(
                    "Cut-off {as_of}, rule set “{name}” version {version}: {window}, from {since}. Ranked by the rule"
                    " set's weighted score over all units; movement is against the quarter before.",
                    as_of=ranking.as_of,
                    name=rules.name,
                    version=rules.version,
                    window=label(rules.window_mode),
                    since=ranking.since,
                )
            )
        )


chosen = st.query_params.get("industry")
if chosen:
    show_chain(chosen)
else:
    show_all()
