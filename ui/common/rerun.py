"""Runs of a page that cross each other: what a person asks for is neither lost nor undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial, wraps
from threading import Lock, Thread
from typing import Any, Final, TypeVar

import streamlit as st
from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value
from streamlit.runtime.scriptrunner import get_script_run_ctx

from asma_core.accounts.current import account, acting_as

Answer = TypeVar("Answer")
NOTHING: Final = "nothing-of-this-name"
# Seconds between two looks whether something newer was asked for.
LOOK: Final = 0.05
_LOCK: Final = Lock()
_UNDER_WAY: Final[dict[Any, Future[Any]]] = {}


def begin_at_top() -> None:
    """Have a run of the whole page write from its top; call it before anything is shown.

    Streamlit carries a page out in the thread in which a fragment has just ended, and leaves open
    there what the fragment wrote into. The page would go into that, which the browser has thrown
    away: it stays white for good ("Cannot set a node at a delta path").
    """
    context_dg_stack.set(get_default_dg_stack_value())


def rerun_page() -> None:
    """Run the whole page again.

    Streamlit puts such a request in the place of one that waits, with the page and the address of
    before: whoever has clicked a link in that moment would be brought back. So that one goes
    first.
    """
    let_go()
    _give_way()
    st.rerun()


def _give_way() -> None:
    """End this run if something newer was asked for: Streamlit looks at each use of the session."""
    _ = NOTHING in st.session_state


def patiently(act: Callable[..., Answer], *arguments: Any) -> Answer:
    """Return what a call gives that lasts; who goes elsewhere meanwhile does not wait for it.

    The call goes on by itself then; who comes back waits for it, and does not begin another.

    Args:
        act: Shows nothing, and uses no session.
        arguments: Its own. If all of them can be hashed, they tell calls apart.
    """
    answer = _begun(act, arguments)
    with _listening(True):
        while not wait([answer], timeout=LOOK).done:
            _give_way()
    return answer.result()


def _begun(act: Callable[..., Answer], arguments: tuple[Any, ...]) -> Future[Answer]:
    """Begin a call in a thread of its own, or return the one that is under way."""
    call: tuple[Any, Any] = (act, arguments)
    with _LOCK:
        try:
            known = _UNDER_WAY.get(call)
        except TypeError:
            call, known = (act, object()), None
        if known is not None:
            return known
        answer: Future[Answer] = Future()
        _UNDER_WAY[call] = answer
    who = account()

    def carry_out() -> None:
        try:
            with acting_as(who):
                finish = partial(answer.set_result, act(*arguments))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is for who waits
            finish = partial(answer.set_exception, error)
        del _UNDER_WAY[call]
        finish()

    Thread(target=carry_out, daemon=True).start()
    return answer


def whole(act: Callable[..., None]) -> Callable[..., None]:
    """Return a widget's callback that is carried out to its end.

    Streamlit ends a run for a newer request wherever it uses the session or shows something, in a
    callback too, and does not call that again: what was clicked before would be lost, or half done.
    """

    @wraps(act)
    def carried_out(*args: object, **kwargs: object) -> None:
        with undivided():
            act(*args, **kwargs)

    return carried_out


def hold_on() -> None:
    """Let a newer request wait until this run has ended, or lets go."""
    _listen(False)


def let_go() -> None:
    """Let a newer request end this run again; without it Streamlit would lead nowhere else."""
    _listen(True)


@contextmanager
def undivided() -> Iterator[None]:
    """Let a newer request wait meanwhile."""
    with _listening(False):
        yield


@contextmanager
def _listening(wanted: bool) -> Iterator[None]:
    before = _listen(wanted)
    try:
        yield
    finally:
        _listen(before)


def _listen(wanted: bool) -> bool:
    """Say whether a newer request may end this run; return whether it could before.

    Streamlit has no public way to ask for that (docs/decisions.md).
    """
    runner: Any = getattr(getattr(get_script_run_ctx(), "_enqueue", None), "__self__", None)
    before: bool = getattr(runner, "_execing", wanted)
    if before is not wanted:
        runner._execing = wanted
    return before
