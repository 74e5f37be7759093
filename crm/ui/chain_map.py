"""How an industry chain is drawn: the chains as cards, one chain by its tiers, the industries of a quarter.

The whole of a card is its button: the mouse may click anywhere on it, the keyboard finds one stop a card and purpose.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from crm.locale import Message, _
from crm.model import YUAN_PER_WAN, YUAN_PER_YI, SegmentRole, Tier, label
from crm.reports.chains import Chain, ChainMap, ChainSegment, ChainSummary, IndustryRow, SegmentCell
from crm.ui.components import safe
from crm.ui.tables import amount_column, movement_text, place_columns, rate_column, up_or_down


def chain_cards(
    summaries: Sequence[ChainSummary], places: dict[int, IndustryRow], *, open_chain: Callable[[Chain], None]
) -> None:
    """Draw each chain as a card: its leader, what it holds and lacks, its place in the quarter."""
    with st.container(key="chain_grid"):
        for summary in summaries:
            chain, counts = summary.chain, summary.counts
            with st.container(border=True, key=f"card_chain_{chain.code}", gap=None):
                if st.button(safe(chain.shown_name), key=f"open_chain_{chain.code}", type="tertiary"):
                    open_chain(chain)
                led = [f"{_('Chain leader')} {chain.chain_leader}"] if chain.chain_leader else []
                led += [chain.task_force or chain.lead_department]
                figures = (
                    (_("Linked"), f"{counts.enterprises:,}"),
                    (_("Leads"), f"{counts.leads:,}"),
                    (_("Projects"), f"{counts.projects:,}"),
                    (_("Signed"), f"{counts.signed:,}"),
                )
                st.html(
                    f'<p class="crm-chain-led">{"<br>".join(map(escape, led))}</p>'
                    '<dl class="crm-chain-figures">'
                    + "".join(f"<div><dt>{escape(str(k))}</dt><dd>{v}</dd></div>" for k, v in figures)
                    + "</dl>"
                    f'<p class="crm-chain-amount">{escape(str(_("Planned (¥100m)")))}'
                    f" <b>{in_yi(counts.amount)}</b></p>"
                    f'<p class="crm-chain-foot">{_gap_count(summary.gaps)}{_place(places.get(chain.id))}</p>'
                )


def in_yi(amount: Decimal) -> str:
    """Show 元 as 亿元."""
    return f"{amount / YUAN_PER_YI:,.1f}"


def _gap_count(gaps: int) -> str:
    if not gaps:
        return f'<span class="crm-chip crm-chip-filled">{escape(str(_("No gap")))}</span>'
    return f'<span class="crm-chip crm-chip-none">{escape(str(_("{count} gaps", count=gaps)))}</span>'


def _place(row: IndustryRow | None) -> str:
    if row is None or row.rank is None:
        return f'<span class="crm-chain-place">{escape(str(_("Not ranked")))}</span>'
    movement = row.movement
    tone = "" if not movement else " crm-up" if movement > 0 else " crm-down"
    text = escape(str(_("Place {rank} this quarter", rank=row.rank)))
    moved = f' <span class="crm-moved{tone}">{movement_text(movement)}</span>'
    return f'<span class="crm-chain-place">{text}{moved}</span>'


_TIER_HINTS = {
    Tier.UPSTREAM: _("Raw materials and equipment"),
    Tier.MIDSTREAM: _("Manufacturing and services"),
    Tier.DOWNSTREAM: _("Uses and markets"),
    Tier.SUPPORTING: _("Serves all tiers"),
}
# The states of a segment, each with its own colour and words.
_FILLED, _OPEN, _ENDED = "filled", "open", "ended"


def chain_drawing(
    drawn: ChainMap, *, open_enterprises: Callable[[ChainSegment], None], open_projects: Callable[[ChainSegment], None]
) -> None:
    """Draw a chain: a column for each tier, arrows from one to the next, a card for each segment."""
    with st.container(key="chain_map"):
        for tier in Tier:
            cells = drawn.tier(tier)
            with st.container(key=f"tier_{tier}", gap="small"):
                count = _("{count} segments", count=len(cells))
                st.html(
                    f'<div class="crm-tier"><b>{escape(str(label(tier)))}</b>'
                    f"<span>{escape(str(_TIER_HINTS[tier]))} · {escape(str(count))}</span></div>"
                )
                for cell in cells:
                    _segment_card(cell, open_enterprises, open_projects)
                if not cells:
                    st.html(f'<p class="crm-empty-hint">{escape(str(_("This tier has no segment.")))}</p>')


def _segment_card(
    cell: SegmentCell, open_enterprises: Callable[[ChainSegment], None], open_projects: Callable[[ChainSegment], None]
) -> None:
    segment, counts, state = cell.segment, cell.counts, _state(cell)
    with st.container(border=True, key=f"segment_{state}_{segment.id}", gap=None):
        tags = [_role_tag(segment.role)] if segment.role else []
        if cell.gap is not None:
            tags.append(f'<span class="crm-chip crm-chip-{state}">{escape(str(label(cell.gap)))}</span>')
        if state == _ENDED:
            ended = _("Ended on {day}", day=segment.valid_to or segment.valid_from)
            tags.append(f'<span class="crm-chip crm-chip-ended">{escape(str(ended))}</span>')
        anchors = (
            f'<p class="crm-anchors"><b>{escape(str(_("Anchors")))}</b> {escape("、".join(segment.anchors))}</p>'
            if segment.anchors
            else ""
        )
        amount = (
            _("Leads {leads} · planned {amount} (¥100m)", leads=f"{counts.leads:,}", amount=in_yi(counts.amount))
            if counts.enterprises or counts.projects
            else _("Whom could the chain attract here?")
        )
        st.html(
            f'<h3 class="crm-segment">{escape(segment.name)}</h3><p class="crm-tags">{"".join(tags)}</p>{anchors}'
            f'<p class="crm-segment-amount">{escape(str(amount))}</p>'
        )
        with st.container(horizontal=True, gap="small", key=f"segment_links_{segment.id}"):
            if st.button(
                str(_("Enterprises {count}", count=f"{counts.enterprises:,}")),
                key=f"open_segment_{segment.id}",
                type="tertiary",
                icon=":material/domain:",
            ):
                open_enterprises(segment)
            if st.button(
                str(_("Projects {count}", count=f"{counts.projects:,}")),
                key=f"projects_segment_{segment.id}",
                type="tertiary",
                icon=":material/folder:",
            ):
                open_projects(segment)


def _state(cell: SegmentCell) -> str:
    if cell.gap is not None:
        return str(cell.gap)
    if not cell.in_force:
        return _ENDED
    return _FILLED if cell.counts.projects else _OPEN


def _role_tag(role: SegmentRole) -> str:
    return f'<span class="crm-chip crm-chip-{role}">{escape(str(label(role)))}</span>'


def legend(words: Sequence[tuple[str, Message]]) -> None:
    """Draw what the colours mean."""
    marks = "".join(
        f'<span><i class="crm-mark crm-mark-{state}"></i>{escape(str(text))}</span>' for state, text in words
    )
    st.html(f'<p class="crm-legend">{marks}</p>')


def industry_table(frame: pd.DataFrame, *, slugs: Sequence[str], key: str) -> None:
    """Draw the industries of a quarter (see `reports.chains.quarter_frame`)."""
    shown = frame.copy()
    shown["movement"] = [movement_text(places) for places in frame["movement"]]
    for column in ("signed_amount", "funds_arrived"):
        shown[column] = shown[column] / float(YUAN_PER_WAN)
    config: dict[str, Any] = {
        **place_columns(),
        "industry": st.column_config.TextColumn(str(_("Key industry")), width=150),
        "score": st.column_config.NumberColumn(str(_("Score")), format="%.2f", width=66),
    }
    for slug in slugs:
        config[slug] = rate_column(slug, width=108)
        config[f"{slug}_pair"] = st.column_config.TextColumn("N/D", width=60)
    config["signed_amount"] = amount_column(_("Signed (¥10,000)"), width=110)
    config["funds_arrived"] = amount_column(_("Funds (¥10,000)"), width=110)
    styled = shown.style.map(up_or_down, subset=["movement"])
    st.dataframe(
        styled,
        key=key,
        hide_index=True,
        column_order=list(config),
        column_config=config,
        height="content",
        row_height=36,
        placeholder="—",
    )
