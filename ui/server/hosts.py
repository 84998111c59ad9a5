"""By which names the server may be called, and from which pages.

A page elsewhere can have its own name point at this server (DNS rebinding), or open a connection to
it: the browser then says that name as `Host`, or that page as `Origin`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

ALWAYS: Final = ("localhost", "127.0.0.1", "::1")


def is_allowed_host(host: str | None, allowed: Iterable[str]) -> bool:
    """Tell whether a request may call the server so.

    Args:
        host: The request's Host header.
        allowed: Names and addresses; "*.example.org" for all below one, "*" for all.
    """
    name = _name("//" + host) if host else None
    return name is not None and any(_matches(name, one) for one in allowed)


def is_allowed_origin(origin: str | None, host: str | None, named: Iterable[str]) -> bool:
    """Tell whether a page may open a connection to the server.

    Args:
        origin: The Origin header; None where no browser asks.
        host: The Host header of the same request.
        named: Names that the owner of the server has given it, which count without a port: a proxy
            may have put another Host in the place of the browser's.
    """
    if origin is None:
        return True
    if "://" not in origin:
        return False
    place = urlsplit(origin).netloc
    if host and place.lower() == host.lower():
        return True
    name = _name(origin)
    return name is not None and ":" not in place and any(_matches(name, one) for one in named)


def plain_address(address: str) -> str:
    """Return an address as people write it: an IPv4 address that came as IPv6 as IPv4."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _name(url: str) -> str | None:
    """Return the name in an address that holds nothing else than a name and a port."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    rest = (parts.username, parts.password, parts.path, parts.query, parts.fragment)
    if parts.hostname is None or any(rest) or "@" in parts.netloc:
        return None
    return plain_address(parts.hostname.lower().rstrip("."))


def _matches(name: str, allowed: str) -> bool:
    pattern = allowed.strip().lower().strip("[]").rstrip(".")
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern == "*" or name == plain_address(pattern)
