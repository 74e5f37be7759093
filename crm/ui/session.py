"""Who is at the screen: the signed-in actor, the open database, the language, and messages that survive a rerun.

The server in front (`crm.ui.server`) hands the key of the live session to `st.user`; here it is looked up anew on every
run, so that a session which was ended cannot draw one more page.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from threading import Lock
from time import monotonic
from typing import Any, NoReturn, TypeVar, cast
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from crm import store
from crm.actions import accounts
from crm.locale import DEFAULT_LANGUAGE, Message, set_language_source
from crm.model import Actor
from crm.months import bureau_day
from crm.reports.accounts import LiveSession
from crm.ui.errors import safe
from crm.ui.server import bindings

LANGUAGE_COOKIE = "crm_lang"
TIME_ZONE = ZoneInfo("Asia/Shanghai")
REFUSED = ":material/error:"
_FLASHES = "_flashes"
_REMEMBERED = 256

_database: store.Database | None = None
_answers: OrderedDict[tuple[int, Hashable], Any] = OrderedDict()
_answers_lock = Lock()
_T = TypeVar("_T")
_held: ContextVar[LiveSession | None] = ContextVar("held", default=None)


def open_database(url: str) -> store.Database:
    """Open the one database of this process; the server does so as it starts."""
    global _database
    _database = store.connect(url)
    return _database


def close_database() -> None:
    """Let go of the database as the server stops."""
    global _database
    if _database is not None:
        _database.close()
        _database = None
    _answers.clear()


def database() -> store.Database:
    """Return the database that all sessions share."""
    return _database if _database is not None else open_database(os.environ["CRM_DATABASE"])


def remembered(key: Hashable, answer: Callable[[], _T], *, minutes: int | None = None) -> _T:
    """Return an answer that all readers share, asked anew once any record has changed; it is not to be altered.

    With `minutes` it is asked anew after so long instead, whatever has changed. The key names all that the answer
    depends on besides the records: the report, the reader where it keeps to a scope, the day, what was chosen.
    """
    # Read before the answer is asked for: what changes meanwhile can only make it newer than its number says.
    full_key = (store.last_change(database()) if minutes is None else -int(monotonic() // (60 * minutes)), key)
    with _answers_lock:
        if full_key in _answers:
            _answers.move_to_end(full_key)
            return cast("_T", _answers[full_key])
    found = answer()
    with _answers_lock:
        _answers[full_key] = found
        while len(_answers) > _REMEMBERED:
            _answers.popitem(last=False)
    return found


def utc_now() -> datetime:
    """Return the moment as UTC without zone, for actions."""
    return store.utc_now()


def today() -> date:
    """Return the date in the bureau's time zone."""
    return bureau_day(utc_now())


def local(moment: datetime) -> datetime:
    """Return a stored moment (UTC without zone) in the bureau's time zone, without zone, for showing."""
    return moment.replace(tzinfo=UTC).astimezone(TIME_ZONE).replace(tzinfo=None)


def start_of_day(day: date) -> datetime:
    """Return the moment at which a day of the bureau begins, as UTC without zone."""
    return datetime(day.year, day.month, day.day, tzinfo=TIME_ZONE).astimezone(UTC).replace(tzinfo=None)


def current_session() -> LiveSession:
    """Return the live session of this browser; where it has ended, send the browser to the sign-in page and stop."""
    if (known := _held.get()) is not None:
        return known
    key = st.user.get("session")
    found = accounts.continue_session(database(), key, now=utc_now()) if isinstance(key, str) else None
    if found is None:
        leave()
    context = get_script_run_ctx()
    if context is not None and isinstance(key, str):
        bindings.bind(context.session_id, key)
    return found


@contextmanager
def held(found: LiveSession) -> Iterator[None]:
    """Ask once for a whole run of a page; what runs on its own afterwards (a dialog, a fragment) asks anew."""
    token = _held.set(found)
    try:
        yield
    finally:
        _held.reset(token)


def current_actor() -> Actor:
    """Return who is signed in; does not return where nobody is (see `current_session`)."""
    return current_session().actor


def leave() -> NoReturn:
    """Send the browser to the sign-in page: shell.js waits for this container."""
    st.container(key="signed_out").write("")
    st.stop()


def language() -> str | None:
    """Return the language that this browser chose; None outside a session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return st.context.cookies.get(LANGUAGE_COOKIE, DEFAULT_LANGUAGE)


def flash(message: Message | str, *, icon: str = ":material/check_circle:") -> None:
    """Say something after the next rerun or page switch, where a toast of this run would be lost; plain text."""
    st.session_state.setdefault(_FLASHES, []).append((str(message), icon))


def show_flashes() -> None:
    """Show what `flash` kept, once."""
    for text, icon in st.session_state.pop(_FLASHES, []):
        st.toast(safe(text), icon=icon, duration="long" if icon == REFUSED else "short")


set_language_source(language)
