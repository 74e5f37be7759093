"""What verification is drawn with: the queue of claims, and what is done to them here and on the page of a project."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from crm.actions import verification
from crm.actions.verification import Claim
from crm.errors import CrmError
from crm.locale import Message, _
from crm.model import YUAN_PER_WAN, Actor, label
from crm.permissions import Action, can
from crm.reports.attachments import attachments as files_of
from crm.reports.verification import ClaimRow, State, UnitClaims, claims_frame, kind_label
from crm.rules import FIELD_LABELS
from crm.ui import components as ui
from crm.ui import forms, records, session
from crm.ui.attachments import attachments, file_links

# ---------------------------------------------------------------------------------------------------------- the queue


def queue_table(rows: Sequence[ClaimRow], state: State, *, today: date, tick: bool) -> list[ClaimRow]:
    """Draw a page of claims and return those that are chosen, several only with `tick`."""
    frame = claims_frame(rows, today=today)
    frame["amount"] = frame["amount"].astype("float64") / float(YUAN_PER_WAN)
    config: dict[str, Any] = {
        "kind": st.column_config.TextColumn(str(_("Claim")), width=130),
        "project": st.column_config.TextColumn(str(_("Project")), width=230),
        "unit": st.column_config.TextColumn(str(_("Unit")), width=80),
        "claimed_on": st.column_config.DateColumn(str(_("Claimed date")), format="YYYY-MM-DD", width=100),
        "days": st.column_config.NumberColumn(str(_("Days since")), width=70),
        "amount": st.column_config.NumberColumn(str(_("Amount (10,000 yuan)")), format="%,.0f", width=100),
        "evidence": st.column_config.TextColumn(str(FIELD_LABELS["evidence"]), width=150),
        "files": st.column_config.NumberColumn(str(_("Files")), width=60),
    }
    if state is State.RETURNED:
        config["returned_on"] = st.column_config.DateColumn(str(_("Returned on")), format="YYYY-MM-DD", width=100)
        config["return_reason"] = st.column_config.TextColumn(str(_("Reason for return")), width=200)
    if state is State.VERIFIED:
        config["verified_on"] = st.column_config.DateColumn(str(_("Verified on")), format="YYYY-MM-DD", width=100)
        config["verified_by"] = st.column_config.TextColumn(str(_("Verified by")), width=130)
    picked = st.dataframe(
        frame,
        # A tick belongs to the claims as they were drawn: others, or other versions of them, begin without any.
        key=f"claims_{crc32(repr([(row.subject, row.id, row.version) for row in rows]).encode()):x}",
        hide_index=True,
        height="content",
        row_height=36,
        placeholder="—",
        column_order=list(config),
        column_config=config,
        on_select="rerun",
        selection_mode="multi-row" if tick else "single-row",
    )
    return [rows[n] for n in (picked.selection.rows if picked else []) if n < len(rows)]


def verdict_bar(actor: Actor, chosen: Sequence[ClaimRow], state: State) -> None:
    """Draw what may be done with the chosen claims."""
    claims = [Claim(row.subject, row.id, row.version) for row in chosen]
    with st.container(key="bulk", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_('{count} claims chosen', count=len(claims))}**", width="content")
        if not can(actor, Action.VERIFY):
            return
        if state is not State.VERIFIED and st.button(
            str(_("Accept")), key="accept_claims", type="primary", icon=":material/verified:"
        ):
            verify(actor, claims)
        words = _("Take the verification back") if state is State.VERIFIED else _("Return to the unit")
        if state is not State.RETURNED and st.button(str(words), key="return_claims", icon=":material/undo:"):
            send_back(actor, claims)


def claim_card(actor: Actor, row: ClaimRow) -> None:
    """Draw one claim with its evidence, the files that hang on it and those of its project."""
    with ui.card("claim", f"{row.project} · {kind_label(row.kind)}") as aside:
        claim = Claim(row.subject, row.id, row.version)
        with aside:
            st.page_link(
                "pages/project.py",
                label=str(_("Open the project")),
                icon=":material/account_tree:",
                query_params={"id": str(row.project_id)},
            )
            if row.state is not State.VERIFIED and can(actor, Action.EDIT):
                mend_button(actor, claim, row.evidence, key="mend_claim")
        left, right = st.columns(2)
        with left:
            records.facts(
                {
                    _("Claimed date"): row.claimed_on,
                    FIELD_LABELS["evidence"]: row.evidence,
                    _("Verified by"): " ".join(filter(None, (str(row.verified_on or ""), row.verified_by))),
                    _("Returned by"): " ".join(filter(None, (str(row.returned_on or ""), row.returned_by))),
                    _("Reason for return"): row.return_reason,
                }
            )
        with right:
            st.caption(str(_("Files of the claim")))
            attachments(actor, row.subject, row.id)
            project = files_of(session.database(), actor, "project", row.project_id).files
            if project:
                st.caption(str(_("Files of the project")))
                file_links(project)


def units_table(rows: Sequence[UnitClaims], *, today: date, key: str) -> None:
    """Draw how many claims of each unit wait, were returned and are verified."""
    frame = pd.DataFrame(
        [
            {
                "unit": row.unit,
                "waiting": row.waiting,
                "oldest": (today - row.oldest).days if row.oldest else None,
                "returned": row.returned,
                "verified": row.verified,
                "share": 100 * row.verified / (row.waiting + row.returned + row.verified),
            }
            for row in rows
        ]
    )
    ui.table(
        frame,
        {
            "unit": st.column_config.TextColumn(str(_("Unit")), width=110),
            "waiting": st.column_config.NumberColumn(str(label(State.WAITING)), format="%,d", width=110),
            "oldest": st.column_config.NumberColumn(str(_("Oldest waits (days)")), format="%,d", width=130),
            "returned": st.column_config.NumberColumn(str(label(State.RETURNED)), format="%,d", width=110),
            "verified": st.column_config.NumberColumn(str(label(State.VERIFIED)), format="%,d", width=90),
            "share": st.column_config.ProgressColumn(
                str(_("Share verified")), format="%.1f%%", min_value=0, max_value=100, width=180
            ),
        },
        key=key,
    )


# ------------------------------------------------------------------------------------------------ on any page of claims


def claim_state(record: Mapping[str, Any]) -> None:
    """Draw whether a milestone or arrival is verified or returned."""
    if record["verified_on"]:
        ui.tag(_("Verified {day}", day=record["verified_on"]), "green", icon="verified")
    elif record["returned_on"]:
        ui.tag(_("Returned {day}", day=record["returned_on"]), "red", icon="undo")


def claim_words(record: Mapping[str, Any]) -> Message | str:
    """Return why a milestone or arrival was returned, nothing where it was not."""
    if record["verified_on"] or not record["returned_on"]:
        return ""
    return _("returned by {who}: {reason}", who=record["returned_by"] or "—", reason=record["return_reason"] or "—")


def claim_buttons(actor: Actor, subject: str, record: Mapping[str, Any], *, editable: bool) -> None:
    """Draw what may be done about a milestone with an actual date, or an arrival, that is not verified."""
    if record["verified_on"]:
        return
    claim = Claim(subject, record["id"], record["version"])
    if can(actor, Action.VERIFY):
        if st.button(str(_("Verify")), key=f"verify_{record['id']}", type="tertiary"):
            verify(actor, [claim])
        if not record["returned_on"] and st.button(str(_("Return")), key=f"return_{record['id']}", type="tertiary"):
            send_back(actor, [claim])
    if editable and (record["returned_on"] or not record["evidence"]):
        mend_button(actor, claim, record["evidence"] or "", key=f"mend_{record['id']}")


def files_button(actor: Actor, subject: str, record: Mapping[str, Any], count: int) -> None:
    """Draw the button that opens the files of a milestone or arrival."""
    words = _("Files {count}", count=count) if count else _("Files")
    if not st.button(str(words), key=f"files_{record['id']}", type="tertiary", icon=":material/attach_file:"):
        return

    @st.dialog(str(_("Files")), on_dismiss="rerun")
    def showing() -> None:
        attachments(actor, subject, record["id"])

    showing()


def mend_button(actor: Actor, claim: Claim, evidence: str, *, key: str) -> None:
    """Draw the button that names the evidence of a claim anew."""
    if st.button(str(_("Mend the evidence")), key=key, type="tertiary", icon=":material/edit_document:"):
        forms.ask(
            _("Mend the evidence"),
            [forms.Field("evidence", FIELD_LABELS["evidence"], value=evidence)],
            lambda said: verification.claim_again(
                session.database(), actor, claim, evidence=said["evidence"] or "", now=session.utc_now()
            ),
            do=_("Save"),
            done=_("The evidence is named; the claim waits for verification."),
            lead=_("Mend what was found wrong, attach the file where there is one, then save: it is claimed again."),
        )


def verify(actor: Actor, claims: Sequence[Claim]) -> None:
    """Verify claims and say so, or say why not."""
    moment: dict[str, Any] = {"now": session.utc_now(), "today": session.today()}
    _attempt(
        lambda: verification.accept(session.database(), actor, claims, **moment),
        _("{count} claims are verified.", count=len(claims)),
    )


def send_back(actor: Actor, claims: Sequence[Claim]) -> None:
    """Ask why claims are returned."""

    def save(said: dict[str, Any]) -> None:
        moment: dict[str, Any] = {"now": session.utc_now(), "today": session.today()}
        verification.return_claims(session.database(), actor, claims, reason=said["reason"] or "", **moment)

    forms.ask(
        _("Return {count} claims", count=len(claims)),
        [forms.Field("reason", _("Reason for return"), "long")],
        save,
        do=_("Return"),
        done=_("{count} claims are returned to their unit.", count=len(claims)),
        lead=_(
            "The unit reads the reason on its desk and on the project, mends the evidence or the date and claims again."
        ),
    )


def _attempt(do: Callable[[], None], done: Message) -> None:
    try:
        do()
    except CrmError as error:
        session.flash(error.message, icon=session.REFUSED)
    else:
        session.flash(done)
    st.rerun()
