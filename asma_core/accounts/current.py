"""Who acts just now.

On the command line and in Python it is the system's account, which owns all. A server says who is
behind each request (`ask`); work that goes on in another thread is done on behalf of who began it
(`acting_as`).
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from asma_core.accounts.account import ENGINEER, OWNER, Account

_acting: ContextVar[Account | None] = ContextVar("acting", default=None)
_asked: list[Callable[[], Account]] = []


def account() -> Account:
    """Return who acts.

    Raises:
        NotAllowedError: Nobody is signed in where somebody has to be.
    """
    acting = _acting.get()
    if acting is not None:
        return acting
    return _asked[-1]() if _asked else local_account()


@contextmanager
def acting_as(who: Account) -> Iterator[None]:
    """Act on somebody's behalf within the block, in this thread."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)


def on_behalf_of(author: str) -> Account:
    """Return who goes on with what somebody began, such as after the server was started anew."""
    return Account(author, ENGINEER)


def ask(who: Callable[[], Account] | None) -> None:
    """Have a function say who acts wherever nobody acts on another's behalf.

    Args:
        who: The function; None for the system's account, as at first.
    """
    _asked[:] = [] if who is None else [who]


@lru_cache(maxsize=1)
def local_account() -> Account:
    """Return the system's account."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        name = "local"
    return Account(name, OWNER)
