"""What happens as the server starts and stops: the database is opened once, warmed, and let go of; its door as well."""

import gc
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import streamlit as st
from anyio import to_thread
from streamlit.runtime.pages_manager import PagesManager

from crm import store
from crm.errors import CrmError
from crm.local import open_door
from crm.locale import _
from crm.ui import session


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Hold the database open while the server runs."""
    # Before the first st.navigation, Streamlit would take the folder `pages` for its old kind of app and run a page by
    # itself, without the navigation that decides who sees it.
    PagesManager.uses_pages_directory = False
    # What a script has drawn leaves while the script still runs: by default Python lets it hold the others back ten
    # times as long.
    sys.setswitchinterval(0.0005)
    await to_thread.run_sync(_open_and_warm)
    try:
        with open_door(session.database()):
            yield
    finally:
        session.close_database()
        # What `store.warm` froze would never be collected, and the database's driver lists it as leaked as Python ends.
        gc.unfreeze()


def _open_and_warm() -> None:
    url = os.environ.get("CRM_DATABASE")
    if not url:
        _give_up(_("No database is named: set CRM_DATABASE, or start the app with “crm serve”."))
    try:
        database = session.open_database(url)
    except CrmError as error:
        _give_up(error.message)
    import altair  # noqa: F401  # the first chart would wait for it otherwise

    store.warm(database)


def _give_up(message: object) -> NoReturn:
    """Say one sentence and stop: an error raised here would be printed by the server with its whole trace."""
    print(message, file=sys.stderr, flush=True)
    os._exit(1)
