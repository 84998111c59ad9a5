"""What the server makes of an address, and of what a viewer in the browser tells."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from ui.address.views import CompareView
from ui.comparison import Beside, Comparison, Frame
from ui.comparison import viewer as room

FRAMES = tuple(Frame(f"step {step}", step, b"") for step in range(3))
COMPARISON = Comparison("a", b"", FRAMES, beside=(Beside("b", "run b", b""),))


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {"viewer": {}}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_the_last_snapshot_is_the_result_and_partners_must_be_there() -> None:
    view = CompareView(frame=2, left="b", right="gone", still="gone")
    assert room._fitting(view, COMPARISON) == CompareView(left="b")
    assert room._fitting(CompareView(frame=1, still="run"), COMPARISON).frame == 1


def test_what_the_page_wrote_itself_is_no_order(session: dict[str, Any]) -> None:
    first = room._remembered("a", "viewer", CompareView())
    zoomed = CompareView(zoom=2.0)
    first.written.append(zoomed)
    # A browser that is late still has the address of before; then it has the new one.
    assert room._remembered("a", "viewer", CompareView()) is first
    assert room._remembered("a", "viewer", zoomed) is first
    assert first.written == [zoomed]
    # From now on the one of before is somebody's wish.
    again = room._remembered("a", "viewer", CompareView())
    assert (again.order, again.start) == (first.order + 1, CompareView())


def test_another_run_and_another_address_are_orders(session: dict[str, Any]) -> None:
    orders = [
        room._remembered(run, "viewer", view).order
        for run, view in (
            ("a", CompareView()),
            ("b", CompareView()),
            ("b", CompareView(mode="blink")),
            ("b", CompareView(mode="blink")),
        )
    ]
    assert orders == [1, 2, 3, 3]
    del session["viewer"]  # the page was left
    assert room._remembered("b", "viewer", CompareView(mode="blink")).order == 4


def test_what_was_told_before_the_last_order_is_void(session: dict[str, Any]) -> None:
    memory = room._remembered("a", "viewer", CompareView(mode="slider"))
    told = CompareView(zoom=3.0).viewer() | {"order": memory.order}
    assert room._told(memory, told) == CompareView(zoom=3.0)
    assert room._told(memory, told | {"order": memory.order - 1}) == CompareView(mode="slider")
    assert room._told(memory, None) == CompareView(mode="slider")
