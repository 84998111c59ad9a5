"""`/healthz` and `/metrics`: is it well, and how much is there to do."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from asma_core.errors import AsmaError
from asma_core.jobs.monitoring import CONTENT_TYPE, Monitor
from asma_core.runs.run import RUNNING
from asma_core.server_config import settings
from ui.common import services

_LOG: Final = logging.getLogger(__name__)


def watching_routes() -> list[Route]:
    """Return the routes, at the root and below the base path where there is one."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    found = []
    for before in dict.fromkeys(("", f"/{base}" if base else "")):
        found += [Route(f"{before}/healthz", _health), Route(f"{before}/metrics", _figures)]
    return found


# Plain functions: Starlette calls them in a thread, as the store may keep them waiting.
def _health(_request: Request) -> Response:
    try:
        settings()
        services.store().count(RUNNING)
    except AsmaError as error:
        # The sentence names places on the disk, which are not for all.
        _LOG.error("the server is not well: %s", error)
        return PlainTextResponse("The store does not answer; the server's log says why.\n", 503)
    return PlainTextResponse("well\n")


def _figures(_request: Request) -> Response:
    try:
        text = _monitor(services.store().home).text()
    except AsmaError as error:
        _LOG.error("there are no figures: %s", error)
        return PlainTextResponse("The store does not answer; the server's log says why.\n", 503)
    return Response(text, media_type=CONTENT_TYPE)


@lru_cache(maxsize=1)
def _monitor(home: Path) -> Monitor:
    return Monitor(home)
