"""The files of a record: added, listed, handed out by a link, taken off again."""

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from crm import media
from crm.actions.attachments import attach, withdraw_attachment
from crm.errors import CrmError
from crm.locale import _
from crm.model import Actor, FileDraft
from crm.reports import attachments as reports
from crm.reports.attachments import Attachment
from crm.ui import components as ui
from crm.ui import forms, session

_MB = 1024 * 1024


def attachments(actor: Actor, subject: str, subject_id: int) -> None:
    """Draw a record's files with links, and what adds and removes them; a fragment, for any card of any page."""
    _files(actor, subject, subject_id)


@st.fragment
def _files(actor: Actor, subject: str, subject_id: int) -> None:
    actor = session.current_actor()
    found = reports.attachments(session.database(), actor, subject, subject_id)
    key = f"{subject}_{subject_id}"
    for file in found.files:
        with st.container(horizontal=True, vertical_alignment="center", key=f"file_{file.id}"):
            file_links([file])
            if found.may_withdraw_any or (found.may_attach and file.created_by == actor.login):
                forms.sure(
                    _("Nobody can see or fetch “{name}” any more. It cannot be brought back.", name=file.name),
                    do=_("Remove"),
                    key=f"file_off_{file.id}",
                    then=partial(_take_off, actor, file),
                )
    if not found.may_attach:
        if not found.files:
            st.caption(str(_("No files.")))
        return
    # A new uploader after each upload: the old one would go on holding what is attached by now.
    turn = st.session_state.setdefault(f"{key}_turn", 0)
    chosen = choose_files(f"{key}_upload_{turn}")
    if chosen and st.button(str(_("Attach")), key=f"{key}_attach", type="primary", icon=":material/attach_file:"):
        try:
            attach(session.database(), actor, subject, subject_id, chosen, now=session.utc_now())
        except CrmError as error:
            st.error(ui.safe(error.message))
            return
        st.session_state[f"{key}_turn"] = turn + 1
        st.rerun(scope="fragment")


def choose_files(key: str) -> tuple[FileDraft, ...]:
    """Draw the field that takes files; returns those that were chosen, checked only when they are attached."""
    uploaded: Sequence[UploadedFile] = st.file_uploader(
        str(_("Files")),
        type=list(media.KINDS),
        accept_multiple_files=True,
        max_upload_size=media.LARGEST // _MB,
        key=key,
        help=str(
            _("PDF, Word, Excel, PowerPoint, pictures and text, at most {most} MB each", most=media.LARGEST // _MB)
        ),
    )
    return tuple(FileDraft(file.name, file.getvalue()) for file in uploaded)


def file_links(files: Sequence[Attachment]) -> None:
    """Draw links that download files."""
    lines = "".join(
        f'<a class="crm-file" href="/files/{file.id}" target="_self">{escape(file.name)}</a>'
        f'<span class="crm-file-size">{_size(file.size)}</span> '
        for file in files
    )
    st.html(f'<p class="crm-files">{lines}</p>')


def _take_off(actor: Actor, file: Attachment) -> None:
    try:
        withdraw_attachment(session.database(), actor, file.id, file.version, now=session.utc_now())
    except CrmError as error:
        st.toast(ui.safe(error.message), icon=":material/error:")


def _size(size: int) -> str:
    return f"{size / _MB:,.1f} MB" if size >= _MB // 10 else f"{max(size / 1024, 0.1):,.1f} KB"
