"""Who may fetch what pages show: pictures and files have addresses of their own (`/media/HASH`).

Streamlit gives them to whoever knows the hash, which is made of the content alone.
"""

from __future__ import annotations

import json
from typing import Any, Final

import streamlit as st
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from asma_core.accounts.sign_in import account_of_header
from asma_core.errors import AsmaError
from asma_core.server_config import OIDC, settings
from ui.common.sign_in import LOCAL_ADDRESS, account_of_provider

_MEDIA: Final = "/media/"


def is_of_a_page(path: str) -> bool:
    """Tell whether a path is that of a picture or a file of somebody's page."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    own = f"/{base}/static/" if base else "/static/"
    # Fonts of Streamlit itself lie in a folder of that name.
    return _MEDIA in path and not path.startswith(own)


def is_let_in(scope: Scope, headers: Headers) -> bool:
    """Tell whether who sends a request would be shown pages; nobody is while config.toml is broken.

    Args:
        scope: Of the request.
        headers: Of the request.
    """
    try:
        known = settings()
        if not known.people_sign_in:
            return True
        if known.sign_in == OIDC:
            account_of_provider(_claims(headers), known)
        else:
            address = (scope.get("client") or (LOCAL_ADDRESS,))[0]
            account_of_header(headers.get(known.trusted_proxy_header), address, known)
    except AsmaError:
        return False
    return True


def _claims(headers: Headers) -> dict[str, Any]:
    """Return what the cookie that Streamlit has signed says of a person; nothing without one."""
    cookies = {
        name: value
        for line in headers.getlist("cookie")
        for name, value in cookie_parser(line).items()
    }
    signed = _get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME)
    # Nobody but Streamlit could sign it, so it is JSON.
    found: dict[str, Any] = json.loads(signed) if signed else {}
    return {"is_logged_in": False} | found
