"""The frame of every page: navigation by role, the brand, the signed-in person, one error boundary.

`PAGES` is the one table of pages. Leaving a page out of the navigation also makes it unreachable; what a person may see
or do on a page is decided below the pages all the same.
"""

from contextvars import ContextVar
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
from crm.ui import errors, filters, finder, redrawing, session
from crm.ui.server import index

SIDEBAR_WIDTH = 236
FOLDER = Path(__file__).parent / "pages"

BUSINESS, CYCLE = _("Business"), _("Monthly cycle")
REPORTING, ADMINISTRATION = _("Reporting"), _("Administration")

# The page of this run with the place of the trail above it, and the place in the trail of what the page shows.
_page: ContextVar[Any] = ContextVar("page", default=None)
_last_step: ContextVar[Any] = ContextVar("last_step", default=None)


@dataclass(frozen=True)
class Entry:
    """One page: its file, its address, its place in the navigation and the right (or one of several) that it needs."""

    file: str
    url: str
    title: Message
    icon: str
    section: Message | None = None
    right: Action | tuple[Action, ...] | None = None  # None is for everyone
    hidden: bool = False
    above: str = ""  # the file of the page that lists what this one shows

    def open_to(self, actor: Actor) -> bool:
        """Whether a person finds the page in the navigation."""
        rights = self.right if isinstance(self.right, tuple) else (self.right,)
        return any(right is None or can(actor, right) for right in rights)


PAGES = (
    Entry("home", "home", _("Home"), "home", hidden=True),
    Entry("overview", "overview", _("Overview"), "dashboard"),
    Entry("my_desk", "desk", _("My desk"), "inbox", right=Action.READ),
    Entry("monthly_ranking", "ranking", _("Monthly ranking"), "leaderboard"),
    Entry("enterprises", "enterprises", _("Enterprises"), "domain", BUSINESS, Action.READ),
    Entry("enterprise", "enterprise", _("Enterprise"), "domain", BUSINESS, Action.READ, True, "enterprises"),
    Entry("chains", "chains", _("Industry chains"), "lan", BUSINESS, Action.READ),
    Entry("matching", "matching", _("Segment matching"), "join_inner", BUSINESS, (Action.EDIT, Action.ASSIGN)),
    Entry("duplicates", "duplicates", _("Duplicate check"), "content_copy", BUSINESS, Action.EDIT),
    Entry("merge", "merge", _("Merge enterprises"), "merge", BUSINESS, Action.EDIT, True, "duplicates"),
    Entry("projects", "projects", _("Projects"), "account_tree", BUSINESS, Action.READ),
    Entry("project", "project", _("Project"), "account_tree", BUSINESS, Action.READ, True, "projects"),
    Entry("log_contact", "log-contact", _("Log a contact"), "edit_note", BUSINESS, Action.CREATE),
    Entry("data_quality", "quality", _("Data quality"), "fact_check", CYCLE, Action.READ),
    Entry("verification", "verification", _("Verification"), "verified", CYCLE, Action.READ),
    Entry("cards", "cards", _("Cards and lists"), "style", CYCLE),
    Entry("supervision", "supervision", _("Supervision orders"), "notification_important", CYCLE, Action.READ),
    Entry("adjustments", "adjustments", _("Adjustments"), "exposure", CYCLE, Action.ADJUST),
    Entry("month_close", "close", _("Monthly close"), "event_available", CYCLE),
    Entry("bulletin", "bulletin", _("Bulletin"), "description", CYCLE),
    Entry("review", "review", _("Series and review"), "timeline", CYCLE),
    Entry("targets", "targets", _("Targets"), "flag", REPORTING, Action.ADJUST),
    Entry("import_ledger", "import", _("Excel import"), "upload_file", REPORTING, Action.IMPORT),
    Entry("accounts", "accounts", _("Accounts"), "group", ADMINISTRATION, Action.MANAGE_ACCOUNTS),
    Entry("units", "units", _("Units"), "apartment", ADMINISTRATION, Action.MANAGE_REFERENCE),
    Entry("dictionaries", "dictionaries", _("Word lists"), "list_alt", ADMINISTRATION, Action.MANAGE_REFERENCE),
    Entry("rule_sets", "rules", _("Rule sets"), "rule", ADMINISTRATION, Action.READ_RULES),
    Entry("audit", "audit", _("Audit trail"), "history", ADMINISTRATION, Action.READ_AUDIT),
    Entry("chain_admin", "chain-admin", _("Chain setup"), "account_tree", ADMINISTRATION, Action.MANAGE_REFERENCE),
)


def run() -> None:
    """Draw the frame and the page that the address names."""
    with redrawing.page_run():
        st.set_page_config(layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
        try:
            found = session.current_session()
            page = st.navigation(_navigation(found), position="sidebar", expanded=True)
            st.set_page_config(page_title=f"{page.title} · {_('Investment CRM')}")
            _sidebar(found)
            filters.arrive(page.url_path)
            _start_trail(page.url_path)
            session.show_flashes()
            with session.held(found):
                page.run()
        except Exception as error:
            errors.show(error)


def go(file: str, **query: Any) -> None:
    """Switch to a page by its file name, with filters for its address."""
    st.switch_page(f"pages/{file}.py", query_params={name: str(value) for name, value in query.items()})


def name_trail(title: Message | str, *, below: bool = False) -> None:
    """Say at the end of the trail which record the page shows; `below` is for one shown in the place of its list.

    A page that stands at the top has no trail.
    """
    if below and (standing := _page.get()) is not None:
        _draw_trail(*standing)
    if (last := _last_step.get()) is not None:
        last.html(f'<span aria-current="page">{escape(str(title))}</span>')


def landing(actor: Actor) -> Entry:
    """Return the page on which a visit begins: the first one may see, of Administration for who sees no business."""
    seen = [entry for entry in PAGES if not entry.hidden and entry.open_to(actor)]
    own = [] if can(actor, Action.READ) else [entry for entry in seen if entry.section is ADMINISTRATION]
    return own[0] if own else seen[0]


def _navigation(found: LiveSession) -> dict[str, list[st.Page]]:
    sections: dict[str, list[st.Page]] = {}
    for entry in PAGES:
        if entry.open_to(found.actor):
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


def _start_trail(url: str) -> None:
    entry = next((entry for entry in PAGES if entry.url == url), PAGES[0])
    place = st.container()
    _page.set((entry, place))
    _last_step.set(None)
    if entry.above:
        _draw_trail(next(other for other in PAGES if other.file == entry.above), place)
        name_trail(entry.title)


def _draw_trail(above: Entry, place: Any) -> None:
    """Draw where a page below another stands: section › list › record."""
    with place, st.container(key="trail", horizontal=True, vertical_alignment="center", gap=None, wrap=False):
        if above.section:
            st.html(f"<span>{escape(str(above.section))}</span>", width="content")
        st.page_link(f"pages/{above.file}.py", label=str(above.title), icon="")
        _last_step.set(st.empty())


def _sidebar(found: LiveSession) -> None:
    st.logo(_brand(language()), size="medium", icon_image=_mark())
    goals = [(e.file, e.title, e.icon) for e in PAGES if not e.hidden and e.open_to(found.actor)]
    # In the hand the sidebar is folded away: the same button stands in the bar above the page.
    finder.search_button(found.actor, goals, key="search_bar")
    other = "en" if language() == "zh_CN" else "zh_CN"
    links = (
        ("/password", _("Password")),
        (f"/language?to={other}", "English" if other == "en" else "中文"),
        ("/logout", _("Sign out")),
    )
    with st.sidebar:
        finder.search_button(found.actor, goals, key="search_side")
        st.html(
            f'<div class="crm-person"><span><span class="crm-name">{escape(found.actor.name)}</span>'
            f' <span class="crm-role">· {escape(_roles(found.actor))}</span></span></div>'
            + (f'<div class="crm-unit">{escape(found.unit)}</div>' if found.unit else "")
        )
        anchors = [f'<a href="{address}" target="_self">{escape(str(text))}</a>' for address, text in links]
        with st.container(key="links", horizontal=True, vertical_alignment="center", gap=None, wrap=False):
            st.html(f'<div class="crm-links">{"".join(anchors)}</div>')
            finder.keys_button(found.actor)


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
