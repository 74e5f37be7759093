"""The server: Streamlit behind the guard, and the pages that stand outside Streamlit. `crm serve` starts it."""

import logging
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from crm.ui import errors
from crm.ui.server.guard import Guard
from crm.ui.server.routes import ROUTES
from crm.ui.server.startup import lifespan

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

app = st.App(
    Path(errors.__file__).parent / "app.py",
    routes=ROUTES,
    middleware=[Middleware(Guard)],
    lifespan=lifespan,
    on_script_error=errors.show,
)
