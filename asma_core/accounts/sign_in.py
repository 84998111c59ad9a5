"""From what an identity provider or a proxy says of a person to an account with a role."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, Final

from asma_core.accounts.account import ENGINEER, OWNER, REVIEWER, ROLES, VIEWER, Account
from asma_core.errors import InputError, NotAllowedError
from asma_core.server_config import Settings

# The claims of OpenID Connect that name a person, the best first.
_NAMES: Final = ("email", "preferred_username", "sub")
LONGEST_NAME: Final = 200


def account_of_claims(claims: Mapping[str, Any], settings: Settings) -> Account:
    """Return the account of who has signed in with an identity provider.

    An e-mail address that the provider says is not verified names nobody.

    Args:
        claims: Of the identity token.
        settings: Of the server.

    Raises:
        NotAllowedError: The provider names nobody, or the person has no role here.
    """
    unverified = claims.get("email_verified") is False
    names = [one for one in _NAMES if not (one == "email" and unverified)]
    name = next((_name(claims[one]) for one in names if _name(claims.get(one))), "")
    if not name:
        raise NotAllowedError("the identity provider does not say who you are; ask its owner")
    label = _name(claims.get("name"))
    return _account(name, label, _said(claims.get(settings.role_claim)), settings)


def account_of_header(name: str | None, address: str | None, settings: Settings) -> Account:
    """Return the account that a reverse proxy names in its header.

    Args:
        name: What the header says; None without one.
        address: Of who has connected: only the proxy's own addresses are believed.
        settings: Of the server.

    Raises:
        NotAllowedError: Nobody is named, by somebody else than the proxy, or has no role here.
    """
    if not is_trusted(address, settings.trusted_proxies):
        raise NotAllowedError(
            "this server is reached through its proxy only; open the address that it has"
        )
    if not _name(name):
        raise NotAllowedError("the proxy does not say who you are; sign in with it first")
    return _account(_name(name), "", (), settings)


def is_trusted(address: str | None, proxies: Iterable[str]) -> bool:
    """Tell whether an address is one of some addresses or in one of some networks.

    Raises:
        InputError: One of those is neither.
    """
    try:
        known = [ipaddress.ip_network(one, strict=False) for one in proxies]
    except ValueError as error:
        raise InputError(f"config.toml has a trusted proxy that is no address: {error}") from error
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(found.version == one.version and found in one for one in known)


def _account(name: str, label: str, said: Iterable[str], settings: Settings) -> Account:
    lists = {
        VIEWER: settings.viewers,
        REVIEWER: settings.reviewers,
        ENGINEER: settings.engineers,
        OWNER: settings.owners,
    }
    known = [role for role, names in lists.items() if name.lower() in map(str.lower, names)]
    roles = [*known, *(role for role in said if role in ROLES)]
    if not roles and settings.default_role:
        roles = [settings.default_role]
    if not roles:
        raise NotAllowedError(
            f"the account {name} has no role on this server; ask its owner for one, then sign in "
            "again"
        )
    return Account(name, max(roles, key=ROLES.index), label)


def _said(claim: Any) -> list[str]:
    """Return the roles that a claim names: a word, words, or a list of them."""
    if isinstance(claim, str):
        return claim.replace(",", " ").lower().split()
    return [one.lower() for one in claim if isinstance(one, str)] if isinstance(claim, list) else []


def _name(text: Any) -> str:
    """Return a name without what could not be shown or stored; "" for none."""
    if not isinstance(text, str) or not text.isprintable():
        return ""
    return text.strip()[:LONGEST_NAME]
