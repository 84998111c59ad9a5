"""The workbench as a server: `streamlit run serve.py`, as `scripts/run` does.

The pages are app.py's. What stands before and beside them is in `ui.server`: the queue goes on
though nobody looks, foreign names are sent away, a fault shows a number and not its traceback, and
the server can be watched.
"""

import streamlit as st
from starlette.middleware import Middleware

from ui.common.errors import show_uncaught
from ui.server.guard import Guard
from ui.server.keeper import kept_going
from ui.server.watching import watching_routes

app = st.App(
    "app.py",
    lifespan=kept_going,
    routes=watching_routes(),
    middleware=[Middleware(Guard)],
    on_script_error=show_uncaught,
)
