"""Stands before Streamlit: sends away who may not ask or may not have that, and adds headers."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asma_core.errors import AsmaError
from asma_core.server_config import Settings, settings
from ui.server.admission import is_let_in, is_of_a_page
from ui.server.headers import security_headers
from ui.server.hosts import ALWAYS, is_allowed_host, is_allowed_origin, plain_address

# What a proxy adds: the request has then come from further away than its connection.
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
_FIGURES: Final = ("/metrics", "/_stcore/metrics")


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered.

    Attributes:
        status: Of HTTP.
        text: A sentence.
    """

    status: int
    text: str


FOREIGN_HOST: Final = Refusal(
    421,
    "This server does not answer to the name in the address; whoever runs it can add that name to "
    "allowed_hosts in config.toml.\n",
)
FOREIGN_ORIGIN: Final = Refusal(
    403, "A page of another server may not open a connection to this one.\n"
)
NOT_FOR_ALL: Final = Refusal(
    403,
    "These figures are not open to all; whoever runs the server can add an address to metrics_from "
    "or set metrics_token in config.toml.\n",
)
NOT_SIGNED_IN: Final = Refusal(
    403, "Pictures and files are for who is signed in; open the workbench and sign in.\n"
)


class Guard:
    """What every request to the server passes first."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        refusal = refused(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(refusal.text, refusal.status)(scope, receive, send)
        else:
            # Closed before it is accepted: the browser gets 403.
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.text.strip()})


def refused(scope: Scope) -> Refusal | None:
    """Return why a request is not answered; None when it is."""
    headers, now = Headers(scope=scope), _settings()
    hosts = headers.getlist("host")
    host = hosts[0] if len(hosts) == 1 else None
    if not is_allowed_host(host, (*ALWAYS, *_own_addresses(scope), *now.allowed_hosts)):
        return FOREIGN_HOST
    origin = headers.get("origin") if scope["type"] == "websocket" else None
    if not is_allowed_origin(origin, host, now.allowed_hosts):
        return FOREIGN_ORIGIN
    if scope["path"].rstrip("/").endswith(_FIGURES) and not _may_read_figures(scope, headers, now):
        return NOT_FOR_ALL
    if is_of_a_page(scope["path"]) and not is_let_in(scope, headers):
        return NOT_SIGNED_IN
    return None


def _settings() -> Settings:
    """Return what is set, the usual if that can't be read: the pages say so."""
    try:
        return settings()
    except AsmaError:
        return Settings()


def _own_addresses(scope: Scope) -> tuple[str, ...]:
    """Return the address at which the request arrived, and what the server was told to be."""
    told = st.get_option("server.address")
    reached = (scope.get("server") or ("",))[0]
    return tuple(plain_address(one) for one in (reached, told) if one)


def _may_read_figures(scope: Scope, headers: Headers, now: Settings) -> bool:
    said = headers.get("authorization", "")
    if now.metrics_token and hmac.compare_digest(
        said.encode(), f"Bearer {now.metrics_token}".encode()
    ):
        return True
    # A proxy on this machine would let everybody in, so behind one only the token counts.
    forwarded = any(name in headers for name in _FORWARDED)
    client = (scope.get("client") or ("",))[0]
    return not forwarded and _is_within(client, now.metrics_from)


def _is_within(address: str, networks: Iterable[str]) -> bool:
    try:
        found = ipaddress.ip_address(plain_address(address))
        return any(found in ipaddress.ip_network(one, strict=False) for one in networks)
    except ValueError:
        return False


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in security_headers().items():
                headers[name] = value
        await send(message)

    return guarded
