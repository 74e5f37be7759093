"""Places and rates over time."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

import streamlit as st

from crm import charts
from crm.locale import Message, _
from crm.metrics import RATES
from crm.model import label
from crm.months import Quarter
from crm.reports import chains, closes
from crm.reports.review.movement import (
    Movement,
    moved_frame,
    multiples,
    of_group,
    of_industries,
    rank_frame,
    rates_frame,
)
from crm.ui import components as ui
from crm.ui import session, shell
from crm.ui.overview import clicked
from crm.ui.review.choices import Chosen
from crm.ui.tables import MAIN_RATES as MAIN
from crm.ui.tables import clicked_cell, movement_text, up_or_down


def show_places(chosen: Chosen) -> None:
    """Draw how places moved."""
    found = _moved(chosen)
    highlight = next((line.name for line in found.lines if line.id == chosen.member), "")
    heading = (
        _("Places of the industries by the quarter")
        if chosen.by_quarter
        else _("Places over {n} months", n=chosen.window)
    )
    with ui.card("places", heading):
        words = (
            _(
                "Weighted score by this version of the rule set at the end of every quarter, or today; equal scores"
                " share a rank. A click opens the industries of the quarter."
            )
            if chosen.by_quarter
            else _(
                "Weighted score by this version of the rule set in every month, adjustments included; equal scores"
                " share a rank. An orange diamond is the rank that a closed month published. A click opens the"
                " projects."
            )
        )
        if (picked := _places(found, highlight, words)) is not None:
            time, name = picked
            _open(chosen, time, next(line.id for line in found.lines if line.name == name))
    with ui.card("moved", _("From the first month to the last")):
        if (chosen_id := _moved_table(found, key="moved_table")) is not None:
            _open(chosen, found.times[-1], chosen_id)
        st.caption(str(_("▲ places gained, ▼ places lost. Click a row to see what the newest place rests on.")))


def show_rates(chosen: Chosen) -> None:
    """Draw the three rates of every member."""
    found = _moved(chosen)
    full = {unit.id: unit.name for unit in chosen.units}

    def address(member_id: int, slug: str) -> str:
        if chosen.by_quarter:
            return f"/chains?quarter={found.times[-1]}"
        return _ranking_address(
            month=str(chosen.month),
            rules=chosen.rules.name,
            basis=str(label(chosen.basis)),
            unit=full[member_id],
            rate=str(RATES[slug].label),
        )

    with ui.card("rates", _("Three rates, {first} to {last}", first=found.times[0], last=found.times[-1])):
        _rates(found, MAIN, address)
        st.caption(
            str(
                _(
                    "Blue: the unit or industry. Grey: all of the group, numerators and denominators added up, not an"
                    " average of rates. From 0 to 100 %; a gap is a month without a rate. A click opens the projects."
                )
            )
        )
        meanings = [
            ui.safe(f"{RATES[s].label}: {_('N: {n}. D: {d}.', n=RATES[s].numerator, d=RATES[s].denominator)}")
            for s in MAIN
        ]
        st.caption("  \n".join(meanings))
        _rates_data(found, MAIN)


def _moved(chosen: Chosen) -> Movement:
    """Return the group's places and rates, or the industries' by the quarter."""
    db = session.database()
    if chosen.by_quarter:
        quarter = Quarter.of(chosen.month.first_day)
        history = session.remembered(
            ("quarters", quarter, chosen.rules, chosen.window, chosen.as_of),
            lambda: chains.quarter_history(
                db, last=quarter, count=chosen.window // 3, rules=chosen.rules, today=chosen.as_of
            ),
        )
        # The names are in the reader's language: not remembered.
        return of_industries(history)
    told = session.remembered(
        ("published", chosen.month, chosen.window),
        lambda: closes.published_ranks(db, chosen.first_month.until(chosen.month)),
    )
    return of_group(chosen.rankings_under(chosen.rules), chosen.group or "", told)


def _open(chosen: Chosen, time: str, member_id: int) -> None:
    """Open what a place rests on: the ranking of the month with the unit's projects, or the industries of a quarter."""
    if chosen.by_quarter:
        shell.go("chains", quarter=time, rules=chosen.rules.name)
    named = next(unit.name for unit in chosen.units if unit.id == member_id)
    shell.go("monthly_ranking", month=time, rules=chosen.rules.name, unit=named, basis=label(chosen.basis))


def _places(found: Movement, highlight: str, rule: Message) -> tuple[str, str] | None:
    """Draw places over time; returns (time, name) of a clicked place."""
    frame = rank_frame(found)
    if frame.empty:
        ui.empty_state(
            _("Nobody ranks in these months."), _("Choose another month or rule set above."), icon="timeline"
        )
        return None
    if frame["published"].isna().all():
        frame = frame.drop(columns="published")
    picked = clicked(charts.rank_trend(frame, highlight=highlight), key="places", selection="place")
    st.caption(ui.safe(rule))
    return (str(picked["month"]), str(picked["unit"])) if picked else None


def _moved_table(found: Movement, *, key: str) -> int | None:
    """Draw each member's way over the whole time; returns the id of a chosen row."""
    frame = moved_frame(found)
    shown = frame.assign(gained=[movement_text(places) for places in frame["gained"]])
    first, last = found.times[0], found.times[-1]
    config: dict[str, Any] = {
        "unit": st.column_config.TextColumn(str(_("Unit or industry")), width=130),
        "last": _whole(_("Rank {time}", time=last)),
        "first": _whole(_("Rank {time}", time=first)),
        "gained": st.column_config.TextColumn(str(_("Places gained")), width=80),
        "best": _whole(_("Best")),
        "worst": _whole(_("Worst")),
        "score": st.column_config.NumberColumn(str(_("Score")), format="%.2f", width=80),
    }
    if frame["differs"].any():
        config["differs"] = st.column_config.NumberColumn(str(_("Published otherwise")), format="%d", width=110)
    styled = shown.style.map(up_or_down, subset=["gained"])
    cell = clicked_cell(styled, config, key=key)
    return int(frame.iloc[cell[0]]["id"]) if cell and cell[0] < len(frame) else None


def _whole(title: Message) -> Any:
    return st.column_config.NumberColumn(str(title), format="%d", width=90)


def _rates(found: Movement, slugs: Sequence[str], address: Callable[[int, str], str]) -> None:
    """Draw each member's rates as small multiples; a click follows `address` (of a member and a rate)."""
    head = "".join(f"<th scope='col'>{escape(str(RATES[slug].label))}</th>" for slug in slugs)
    body = []
    for row in multiples(found, slugs):
        cells = [f"<th scope='row'>{escape(row[0].member.name)}</th>"]
        for one in row:
            said = str(
                _(
                    "{name}, {rate}, {time}: {value}; all together {group}",
                    name=one.member.name,
                    rate=RATES[one.slug].label,
                    time=found.times[-1],
                    value=one.newest,
                    group=one.group_newest,
                )
            )
            drawn = quote(charts.multiple(one.values, one.group, title=said))
            cells.append(
                f'<td><a href="{escape(address(one.member.id, one.slug))}" target="_self" title="{escape(said)}">'
                f'<img alt="{escape(said)}" src="data:image/svg+xml,{drawn}">'
                f"<span><b>{escape(one.newest)}</b> {escape(one.pair)}</span></a></td>"
            )
        body.append(f"<tr>{''.join(cells)}</tr>")
    st.html(
        f'<table class="crm-multiples"><thead><tr><td></td>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    )


def _rates_data(found: Movement, slugs: Sequence[str]) -> None:
    """Draw every number behind the small multiples, folded away."""
    with st.expander(str(_("All numbers"))):
        frame = rates_frame(found, slugs)
        shown = frame.assign(
            unit=[name if isinstance(name, str) else str(_("All together")) for name in frame["unit"]],
            value=frame["value"] * 100,
        )
        ui.table(
            shown,
            {
                "month": st.column_config.TextColumn(str(_("Month or quarter")), width=100),
                "unit": st.column_config.TextColumn(str(_("Unit or industry")), width=140),
                "rate": st.column_config.TextColumn(str(_("Rate")), width=110),
                "value": st.column_config.NumberColumn(str(_("Value")), format="%.1f%%", width=90),
                "pair": st.column_config.TextColumn("N/D", width=140),
            },
            key="rates_data",
            height=420,
        )


def _ranking_address(**query: str) -> str:
    """Return the address of the monthly ranking with filters."""
    return f"/ranking?{urlencode(query)}"
