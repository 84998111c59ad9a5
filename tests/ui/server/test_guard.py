"""Who is sent away, with which words; figures are not open to all, whatever stands between."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.types import Message, Receive, Scope, Send
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from ui.server.guard import (
    FOREIGN_HOST,
    FOREIGN_ORIGIN,
    NOT_FOR_ALL,
    NOT_SIGNED_IN,
    Guard,
    refused,
)
from ui.server.headers import security_headers

Headers = list[tuple[str, str]]


def scope(path: str = "/", headers: Headers | None = None, **more: Any) -> Scope:
    """What uvicorn says of a request."""
    given = [("host", "localhost:8501")] if headers is None else headers
    return {
        "type": "http", "method": "GET", "path": path, "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8501), **more,
    }  # fmt: skip


def configure(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)


def said(asked: Scope) -> tuple[list[Message], bool]:
    """Return what a guarded app answers, and whether it was asked at all."""
    sent: list[Message] = []
    reached: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        reached.append(scope)
        if scope["type"] == "http":
            own = [(b"x-frame-options", b"ALLOWALL")]
            await send({"type": "http.response.start", "status": 200, "headers": own})
            await send({"type": "http.response.body", "body": b"page"})

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Guard(app)(asked, receive, send))
    return sent, bool(reached)


def test_a_foreign_name_gets_a_sentence_and_no_page() -> None:
    sent, reached = said(scope(headers=[("host", "evil.example")]))
    assert not reached and sent[0]["status"] == 421
    assert b"allowed_hosts" in sent[1]["body"]


@pytest.mark.parametrize("headers", [[], [("host", "localhost"), ("host", "evil.example")]])
def test_no_name_and_two_names_are_foreign(headers: Headers) -> None:
    assert refused(scope(headers=headers)) is FOREIGN_HOST


def test_a_name_of_config_toml_is_no_longer_foreign(home: Path) -> None:
    asked = scope(headers=[("host", "asma.example.org")])
    assert refused(asked) is FOREIGN_HOST
    configure(home, 'allowed_hosts = ["asma.example.org"]')
    assert refused(asked) is None


def test_the_address_at_which_a_request_arrives_is_a_name() -> None:
    asked = scope(headers=[("host", "10.0.0.5:8501")], server=("::ffff:10.0.0.5", 8501))
    assert refused(asked) is None
    assert refused(asked | {"server": ("10.0.0.6", 8501)}) is FOREIGN_HOST


def test_a_config_that_cannot_be_read_opens_nothing(home: Path) -> None:
    configure(home, "allowed_hosts = [[[")
    assert refused(scope(headers=[("host", "evil.example")])) is FOREIGN_HOST
    assert refused(scope()) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1", "null"])
def test_a_connection_from_a_foreign_page_is_closed_before_it_is_open(origin: str) -> None:
    headers = [("host", "localhost:8501"), ("origin", origin)]
    asked = scope("/_stcore/stream", headers, type="websocket")
    assert refused(asked) is FOREIGN_ORIGIN
    (sent,), reached = said(asked)
    assert not reached and sent["type"] == "websocket.close"
    own = [("host", "localhost:8501"), ("origin", "http://localhost:8501")]
    assert said(scope("/_stcore/stream", own, type="websocket"))[1]


def test_a_connection_by_a_foreign_name_is_closed() -> None:
    headers = [("host", "evil.example"), ("origin", "http://evil.example")]
    assert refused(scope("/_stcore/stream", headers, type="websocket")) is FOREIGN_HOST


FIGURES = ["/metrics", "/_stcore/metrics", "/base/metrics", "/base/_stcore/metrics", "/metrics/"]


@pytest.mark.parametrize("path", FIGURES)
def test_figures_are_open_to_this_machine_only(path: str) -> None:
    assert refused(scope(path)) is None
    assert refused(scope(path, client=("::1", 1))) is None
    assert refused(scope(path, client=("10.0.0.9", 1))) is NOT_FOR_ALL
    assert refused(scope(path, client=None)) is NOT_FOR_ALL


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
@pytest.mark.parametrize("path", FIGURES)
def test_a_proxy_on_this_machine_does_not_open_the_figures(path: str, header: str) -> None:
    headers = [("host", "localhost:8501"), (header.lower(), "127.0.0.1")]
    assert refused(scope(path, headers)) is NOT_FOR_ALL


def test_the_figures_of_an_address_and_of_a_token(home: Path) -> None:
    configure(home, 'metrics_from = ["10.0.0.0/24"]\nmetrics_token = "quite long"')
    assert refused(scope("/metrics", client=("10.0.0.9", 1))) is None
    assert refused(scope("/metrics", client=("::ffff:10.0.0.9", 1))) is None
    away = {"client": ("10.0.1.9", 1)}
    for words, expected in [("Bearer quite long", None), ("Bearer quite", NOT_FOR_ALL),
                            ("Bearer ", NOT_FOR_ALL), ("quite long", NOT_FOR_ALL)]:  # fmt: skip
        headers = [("host", "localhost"), ("authorization", words)]
        assert refused(scope("/metrics", headers, **away)) is expected
        assert refused(scope("/metrics", [*headers, ("x-real-ip", "1.2.3.4")])) is expected


def test_without_a_token_an_empty_one_opens_nothing() -> None:
    headers = [("host", "localhost"), ("authorization", "Bearer ")]
    assert refused(scope("/metrics", headers, client=("10.0.0.9", 1))) is NOT_FOR_ALL


def test_each_answer_has_the_headers_and_no_others_of_that_name() -> None:
    for asked in (scope(), scope(headers=[("host", "evil.example")])):
        sent, _ = said(asked)
        names = [name.decode() for name, _ in sent[0]["headers"]]
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        for name, value in security_headers().items():
            assert names.count(name.lower()) == 1 and found[name.lower()] == value


PICTURES = ["/media/abc.png", "/base/media/abc.png", "/media/", "/media/a/b"]
OIDC = 'sign_in = "oidc"\ndefault_role = ""\nviewers = ["ann@example.org"]'
BY_PROXY = (
    'sign_in = "proxy"\ntrusted_proxy_header = "X-User"\ndefault_role = ""\nviewers = ["ann"]'
)


def cookie(name: str = "_streamlit_user", secret: str = "", **claims: object) -> tuple[str, str]:
    """What a browser sends that has Streamlit's cookie, signed with a secret."""
    signed = create_signed_value(secret or get_cookie_secret(), name, json.dumps(claims))
    return "cookie", f"other=1; {name}={signed.decode()}"


@pytest.mark.parametrize("path", PICTURES)
def test_where_nobody_signs_in_pictures_are_for_all_and_the_rest_always_was(
    home: Path, path: str
) -> None:
    assert refused(scope(path)) is None
    configure(home, OIDC)
    assert refused(scope(path)) is NOT_SIGNED_IN
    (sent, text), reached = said(scope(path))
    assert not reached and sent["status"] == 403 and b"sign in" in text["body"]
    # What a browser needs to show the page on which one signs in.
    needed = ("/", "/runs", "/static/js/index.js", "/static/media/font.woff2", "/_stcore/health")
    assert [refused(scope(other)) for other in needed] == [None] * 5


def test_streamlits_own_folder_is_the_one_below_the_servers_path(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, OIDC)
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": "static"}.get)
    assert refused(scope("/static/media/abc.png")) is NOT_SIGNED_IN
    assert refused(scope("/static/static/media/font.woff2")) is None


@pytest.mark.parametrize("path", PICTURES)
def test_pictures_are_for_who_is_signed_in_and_has_a_role(home: Path, path: str) -> None:
    configure(home, OIDC)
    good = {"origin": "http://localhost", "is_logged_in": True, "email": "ann@example.org"}
    for claims, expected in [
        (good, None),
        (good | {"exp": time.time() + 60}, None),
        (good | {"exp": time.time() - 60}, NOT_SIGNED_IN),
        (good | {"email": "stranger@example.org"}, NOT_SIGNED_IN),
        (good | {"email_verified": False}, NOT_SIGNED_IN),
        (good | {"is_logged_in": False}, NOT_SIGNED_IN),
        ({}, NOT_SIGNED_IN),
    ]:
        assert refused(scope(path, [("host", "localhost"), cookie(**claims)])) is expected, claims


def test_a_cookie_that_streamlit_has_not_signed_opens_nothing(home: Path) -> None:
    configure(home, OIDC)
    good = {"is_logged_in": True, "email": "ann@example.org"}
    name, signed = cookie(**good)
    forged = [
        cookie(secret="a guess", **good),
        cookie(name="_streamlit_user_tokens", **good),
        (name, signed[:-1] + ("A" if signed[-1] != "A" else "B")),
        (name, f"_streamlit_user={json.dumps(good)}"),
        (name, "_streamlit_user=chunks-3"),
        (name, '_streamlit_user="\\303\\251"; _streamlit_user'),
        (name, "_streamlit_user=" + "." * 9000),
    ]
    for one in forged:
        assert refused(scope("/media/a.png", [("host", "localhost"), one])) is NOT_SIGNED_IN, one


@pytest.mark.parametrize(
    ("client", "named", "expected"),
    [
        (("127.0.0.1", 1), "ann", None),
        (("::1", 1), "ann", None),
        # A socket of this machine's file system has no address.
        (None, "ann", None),
        (("127.0.0.1", 1), "stranger", NOT_SIGNED_IN),
        (("127.0.0.1", 1), "", NOT_SIGNED_IN),
        (("127.0.0.1", 1), None, NOT_SIGNED_IN),
        (("10.0.0.9", 1), "ann", NOT_SIGNED_IN),
    ],
)
def test_pictures_are_for_whom_the_proxy_names(
    home: Path, client: tuple[str, int] | None, named: str | None, expected: object
) -> None:
    configure(home, BY_PROXY)
    headers = [("host", "localhost")] + ([] if named is None else [("x-user", named)])
    assert refused(scope("/media/a.png", headers, client=client)) is expected


def test_while_the_config_cannot_be_read_nobody_gets_a_picture(home: Path) -> None:
    configure(home, "sign_in = [[[")
    assert refused(scope("/media/a.png")) is NOT_SIGNED_IN
