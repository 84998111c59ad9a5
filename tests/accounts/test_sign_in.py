"""From claims and headers to accounts: who is let in, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from asma_core.accounts.account import ENGINEER, OWNER, REVIEWER, VIEWER
from asma_core.accounts.sign_in import account_of_claims, account_of_header, is_trusted
from asma_core.errors import InputError, NotAllowedError
from asma_core.server_config import Settings

KNOWN = Settings(
    engineers=("Ann@example.org",), owners=("ann@example.org", "bo"), role_claim="groups"
)


@pytest.mark.parametrize(
    ("claims", "name", "role"),
    [
        ({"email": "ann@example.org"}, "ann@example.org", OWNER),
        ({"email": "cy@example.org", "groups": ["users", "Engineer"]}, "cy@example.org", ENGINEER),
        ({"email": "cy@example.org", "groups": "viewer, reviewer"}, "cy@example.org", REVIEWER),
        ({"email": "cy@example.org", "groups": 7}, "cy@example.org", VIEWER),
        ({"sub": "17", "groups": {"owner": True}}, "17", VIEWER),
        # Whoever can write an address into a profile must not become its owner.
        (
            {"email": "ann@example.org", "email_verified": False, "sub": "17"},
            "17",
            VIEWER,
        ),
    ],
)
def test_claims_give_a_name_and_the_highest_role(
    claims: dict[str, Any], name: str, role: str
) -> None:
    found = account_of_claims(claims, KNOWN)
    assert (found.name, found.role) == (name, role)


@pytest.mark.parametrize("claims", [{}, {"email": ""}, {"email": ["a"]}, {"sub": "a\nb"}])
def test_who_is_nobody_is_not_let_in(claims: dict[str, Any]) -> None:
    with pytest.raises(NotAllowedError, match="who you are"):
        account_of_claims(claims, KNOWN)


def test_without_a_default_role_only_who_is_named_is_let_in() -> None:
    closed = Settings(default_role="", reviewers=("ann",))
    assert account_of_header("ann", "127.0.0.1", closed).role == REVIEWER
    with pytest.raises(NotAllowedError, match="has no role"):
        account_of_header("bo", "127.0.0.1", closed)


@pytest.mark.parametrize(
    "address", ["10.1.2.4", "", None, "::ffff:10.1.2.3", "localhost", "10.1.2.3.4"]
)
def test_a_header_of_somebody_else_than_the_proxy_is_not_believed(address: str | None) -> None:
    known = Settings(trusted_proxies=("10.1.2.3",), owners=("ann",))
    assert account_of_header("ann", "10.1.2.3", known).role == OWNER
    with pytest.raises(NotAllowedError, match="through its proxy"):
        account_of_header("ann", address, known)


@pytest.mark.parametrize("name", [None, "", "  ", "a\x00b"])
def test_a_proxy_that_names_nobody_lets_nobody_in(name: str | None) -> None:
    with pytest.raises(NotAllowedError, match="sign in with it"):
        account_of_header(name, "127.0.0.1", KNOWN)


def test_proxies_may_be_networks_and_must_be_addresses() -> None:
    assert is_trusted("10.7.0.9", ["10.0.0.0/8", "fd00::/8"])
    assert is_trusted("fd00::1", ["10.0.0.0/8", "fd00::/8"])
    assert not is_trusted("11.0.0.1", ["10.0.0.0/8"])
    with pytest.raises(InputError, match="no address"):
        is_trusted("10.0.0.1", ["proxy.example.org"])
