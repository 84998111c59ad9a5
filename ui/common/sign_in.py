"""Who is behind a session: by Streamlit's sign-in, by a proxy's header, or nobody signs in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

from asma_core.accounts.account import SERVER, Account
from asma_core.accounts.current import ask, local_account
from asma_core.accounts.sign_in import account_of_claims, account_of_header
from asma_core.errors import InputError, NotAllowedError
from asma_core.server_config import NO_SIGN_IN, OIDC, Settings, settings
from ui.common.errors import show_error
from ui.common.presses import pressed
from ui.common.shell import PRODUCT

# Streamlit calls it None.
LOCAL_ADDRESS: Final = "127.0.0.1"
_NO_OIDC: Final = (
    "config.toml asks for sign-in, and Streamlit is not set up for it: install streamlit[auth] and "
    "give .streamlit/secrets.toml an [auth] section; see docs/server.md"
)
_wanted = st.components.v2.component(
    "asma_wanted", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


class _NotSignedInError(NotAllowedError):
    """Nobody is signed in yet."""


def who() -> Account:
    """Return who is behind the session that runs; the server itself where none does.

    Raises:
        NotAllowedError: Nobody is signed in, or who is has no role here.
        InputError: The server is not set up for it.
    """
    known = settings()
    if not known.people_sign_in:
        return local_account()
    if get_script_run_ctx() is None:
        return SERVER
    if known.sign_in == OIDC:
        return account_of_provider(st.user.to_dict(), known)
    address = st.context.ip_address or LOCAL_ADDRESS
    return account_of_header(st.context.headers.get(known.trusted_proxy_header), address, known)


def account_of_provider(claims: Mapping[str, Any], known: Settings) -> Account:
    """Return who is signed in with an identity provider.

    Args:
        claims: As Streamlit keeps them.
        known: What is set.

    Raises:
        NotAllowedError: Nobody is signed in, any more, or who is has no role here.
        InputError: The server is not set up for it.
    """
    if "is_logged_in" not in claims:
        raise InputError(_NO_OIDC)
    if not claims["is_logged_in"]:
        raise _NotSignedInError("nobody is signed in")
    # Streamlit does not look at it.
    ends = claims.get("exp")
    if isinstance(ends, int | float) and ends < time.time():
        raise NotAllowedError("your session has expired; sign in again")
    return account_of_claims(claims, known)


def let_in() -> bool:
    """Tell whether who opens a page may see it; call it at every run, before the page.

    Without it a page asks the person to sign in; `sign_in_page` shows that.
    """
    ask(who)
    try:
        who()
    except (NotAllowedError, InputError) as error:
        st.session_state["sign-in-trouble"] = error
        return False
    if settings().sign_in == OIDC:
        _keep_wanted("go")
    return True


def sign_in_page() -> None:
    """Ask a person to sign in, in the place of the page that was asked for."""
    error = st.session_state.get("sign-in-trouble")
    with (
        st.container(horizontal_alignment="center"),
        st.container(width=480),
    ):
        st.title(PRODUCT, anchor=False)
        if error is not None and not isinstance(error, _NotSignedInError):
            show_error(error)
        if not settings_say(OIDC) or isinstance(error, InputError):
            # There is nothing to press: the proxy signs people in, or the server is not set up.
            return
        st.markdown("Sign in with your account to see runs and to attack networks.")
        _keep_wanted("keep")
        if pressed(st, "Sign in", type="primary", icon=":material/login:", key="sign-in"):
            try:
                st.login()
            except StreamlitAPIException:
                show_error(InputError(_NO_OIDC))


def sign_out() -> None:
    """Forget who is signed in."""
    st.logout()


def settings_say(way: str) -> bool:
    """Tell whether people sign in in a way, as `server_config` names it."""
    try:
        return settings().sign_in == way
    except InputError:
        return False


def people_sign_in() -> bool:
    """Tell whether there are people who sign in."""
    return not settings_say(NO_SIGN_IN)


def _keep_wanted(act: str) -> None:
    """Keep the address that was asked for before signing in, or go there afterwards."""
    key = "asma-wanted"
    st.html(f"<style>.st-key-{key} {{ position: absolute; }}</style>")
    _wanted(data={"act": act}, key=key, height="content")
