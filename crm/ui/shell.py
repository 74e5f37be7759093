"""The frame of every page: navigation by role, the brand, the signed-in person, one error boundary.

`PAGES` is the one table of pages. Leaving a page out of the navigation also makes it unreachable; what a person may see
or do on a page is decided below the pages all the same.
"""

from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from crm.locale import Message, _, language
from crm.model import Actor, Role, label
from crm.permissions import Action, can
from crm.reports.accounts import LiveSession
from crm.ui import errors, session
from crm.ui.server import index

SIDEBAR_WIDTH = 236
FOLDER = Path(__file__).parent / "pages"

BUSINESS, REPORTING, ADMINISTRATION = _("Business"), _("Reporting"), _("Administration")


@dataclass(frozen=True)
class Entry:
    """One page: its file, its address, its place in the navigation and the right it needs, None for everyone."""

    file: str
    url: str
    title: Message
    icon: str
    section: Message | None = None
    right: Action | None = None
    hidden: bool = False


PAGES = (
    Entry("home", "home", _("Home"), "home", hidden=True),
    Entry("monthly_ranking", "ranking", _("Monthly ranking"), "leaderboard"),
    Entry("enterprises", "enterprises", _("Enterprises"), "domain", BUSINESS, Action.READ),
    Entry("enterprise", "enterprise", _("Enterprise"), "domain", BUSINESS, Action.READ, hidden=True),
    Entry("log_contact", "log-contact", _("Log a contact"), "edit_note", BUSINESS, Action.CREATE),
    Entry("import_ledger", "import", _("Excel import"), "upload_file", REPORTING, Action.IMPORT),
    Entry("accounts", "accounts", _("Accounts"), "group", ADMINISTRATION, Action.MANAGE_ACCOUNTS),
)


def run() -> None:
    """Draw the frame and the page that the address names."""
    st.set_page_config(layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    try:
        found = session.current_session()
        page = st.navigation(_navigation(found), position="sidebar", expanded=True)
        st.set_page_config(page_title=f"{page.title} · {_('Investment CRM')}")
        _sidebar(found)
        session.show_flashes()
        page.run()
    except Exception as error:
        errors.show(error)


def go(file: str, **query: Any) -> None:
    """Switch to a page by its file name, with filters for its address."""
    st.switch_page(f"pages/{file}.py", query_params={name: str(value) for name, value in query.items()})


def landing(actor: Actor) -> Entry:
    """Return the page on which a visit begins: the administrator's accounts, else the first page one may see."""
    seen = [entry for entry in PAGES if not entry.hidden and (entry.right is None or can(actor, entry.right))]
    own = [entry for entry in seen if entry.section is ADMINISTRATION]
    return own[0] if own else seen[0]


def _navigation(found: LiveSession) -> dict[str, list[st.Page]]:
    sections: dict[str, list[st.Page]] = {}
    for entry in PAGES:
        if entry.right is None or can(found.actor, entry.right):
            page = st.Page(
                FOLDER / f"{entry.file}.py",
                title=str(entry.title),
                icon=f":material/{entry.icon}:",
                url_path=entry.url,
                default=entry is PAGES[0],
                visibility="hidden" if entry.hidden else "visible",
            )
            sections.setdefault(str(entry.section) if entry.section else "", []).append(page)
    return sections


def _sidebar(found: LiveSession) -> None:
    st.logo(_brand(language()), size="medium", icon_image=_mark())
    other = "en" if language() == "zh_CN" else "zh_CN"
    links = (
        ("/password", _("Password")),
        (f"/language?to={other}", "English" if other == "en" else "中文"),
        ("/logout", _("Sign out")),
    )
    with st.sidebar:
        st.html(
            f'<div class="crm-person"><span><span class="crm-name">{escape(found.actor.name)}</span>'
            f' <span class="crm-role">· {escape(_roles(found.actor))}</span></span></div>'
            + (f'<div class="crm-unit">{escape(found.unit)}</div>' if found.unit else "")
            + '<div class="crm-links">'
            + "".join(f'<a href="{address}" target="_self">{escape(str(text))}</a>' for address, text in links)
            + "</div>"
        )


def _roles(actor: Actor) -> str:
    separator = "、" if language() == "zh_CN" else ", "
    return separator.join(str(label(role)) for role in Role if role in actor.roles)


@cache
def _brand(code: str) -> str:
    """Return the brand as a drawing: the mark and the name in the language of the cache key."""
    width = 136 if code == "zh_CN" else 176
    mark = _mark().replace("<svg ", '<svg width="24" height="24" ')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="24" viewBox="0 0 {width} 24">'
        f'{mark}<text x="34" y="17.5" font-size="16" font-weight="600" fill="#fff"'
        f' font-family="Noto Sans CJK SC, Noto Sans SC, PingFang SC, Microsoft YaHei, sans-serif">'
        f"{escape(str(_('Investment CRM')))}</text></svg>"
    )


@cache
def _mark() -> str:
    return (index.asset("brand.svg") or b"").decode()
