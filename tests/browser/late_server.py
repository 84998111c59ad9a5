"""Serves late_page.py as serve.py serves the workbench."""

import streamlit as st
from starlette.middleware import Middleware

from ui.common.errors import show_uncaught
from ui.server.guard import Guard
from ui.server.keeper import kept_going

app = st.App(
    "late_page.py",
    lifespan=kept_going,
    middleware=[Middleware(Guard)],
    on_script_error=show_uncaught,
)
