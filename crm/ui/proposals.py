"""How proposals of segments are drawn: the enterprise's words with what was found in them, a box to tick for each."""

import re
from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from crm.actions.matching import Link
from crm.locale import _
from crm.matching import LEAST_SCORE
from crm.reports.imports import Batch
from crm.reports.matching import Candidate, Suggested
from crm.ui import session
from crm.ui.components import safe

_LONGEST = 220


def batch_words(batch: Batch) -> str:
    """Name an import as the filter of the page offers it."""
    return f"{batch.file_name} · {session.local(batch.created_at):%m-%d %H:%M}"


def candidate_row(candidate: Candidate, names: Mapping[int, str], ticked: set[Link]) -> None:
    """Draw an enterprise at the left and its proposals at the right; a tick goes into `ticked`."""
    words = [word for proposal in candidate.proposals for word in proposal.words]
    text = " · ".join(filter(None, (candidate.investment_direction, candidate.main_business)))
    with st.container(border=True, key=f"candidate_{candidate.id}"):
        left, right = st.columns([3, 2])
        with left:
            st.html(
                f'<p class="crm-candidate"><b>{highlighted(candidate.name, words)}</b>'
                f" <span>{escape(candidate.unit)}</span></p>"
                f'<p class="crm-scope">{highlighted(_shortened(text, words), words)}</p>'
            )
        with right:
            for proposal in candidate.proposals:
                link = Link(candidate.id, proposal.segment_id)
                key = f"tick_{link.enterprise_id}_{link.segment_id}"
                st.session_state[key] = link in ticked
                st.checkbox(
                    f"{safe(names.get(proposal.segment_id, '—'))} · **{proposal.score}**",
                    key=key,
                    on_change=_turn,
                    args=(ticked, link),
                    help=safe("、".join(proposal.words)),
                )
            if not candidate.proposals:
                st.caption(str(_("No keyword found in its words.")))


def _turn(ticked: set[Link], link: Link) -> None:
    ticked.symmetric_difference_update({link})


def tick_by_score(found: Sequence[Suggested], ticked: set[Link], *, looked_at: int) -> None:
    """Draw what a run found, and a bar from which score on the best proposal of each enterprise is ticked."""
    st.markdown(
        safe(
            _(
                "Proposals for {count} of {total} enterprises, the strongest first.",
                count=f"{len(found):,}",
                total=f"{looked_at:,}",
            )
        )
    )
    if not found:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="by_score"):
        highest = max(found[0].best.score, LEAST_SCORE + 1)
        least = st.slider(
            str(_("From strength")), LEAST_SCORE, highest, min(2 * LEAST_SCORE, highest), key="least_score", width=260
        )
        strong = [Link(s.enterprise_id, s.best.segment_id) for s in found if s.best.score >= least]
        if st.button(str(_("Tick the {count} strongest", count=f"{len(strong):,}")), key="tick_all"):
            ticked.update(strong)
            st.rerun()
        if ticked and st.button(str(_("Untick all")), key="untick_all", type="tertiary"):
            ticked.clear()
            st.rerun()


def highlighted(text: str, words: Sequence[str]) -> str:
    """Return text as HTML with the words in it marked."""
    if not words:
        return escape(text)
    pattern = re.compile("|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True)), re.I)
    parts, end = [], 0
    for found in pattern.finditer(text):
        parts += [escape(text[end : found.start()]), f"<mark>{escape(found[0])}</mark>"]
        end = found.end()
    return "".join(parts) + escape(text[end:])


def _shortened(text: str, words: Sequence[str]) -> str:
    """Cut a long scope where its first words stand, so that they can be seen."""
    if len(text) <= _LONGEST:
        return text
    first = min((at for word in words if (at := text.lower().find(word.lower())) >= 0), default=0)
    start = max(0, min(first - 40, len(text) - _LONGEST))
    return ("…" if start else "") + text[start : start + _LONGEST] + ("…" if start + _LONGEST < len(text) else "")
