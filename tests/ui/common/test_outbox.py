"""What the browser says is taken in once, and by who hears it."""

from __future__ import annotations

from typing import Any

import pytest

from asma_core.errors import StoreError
from ui.common.outbox import take_in, told


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    return state


def said(number: int, value: Any, field: str = "note") -> dict[str, Any]:
    return {"number": number, "about": "a", "field": field, "value": value}


def test_what_was_taken_in_is_not_taken_in_again() -> None:
    heard: list[tuple[str, Any]] = []
    hearers = {"note": lambda about, value: heard.append((about, value))}
    take_in(hearers, [said(1, "first")])
    take_in(hearers, [said(1, "first"), said(2, {"x": 1})])
    assert heard == [("a", "first"), ("a", {"x": 1})]


def test_what_can_not_be_taken_in_is_told_and_not_asked_for_again() -> None:
    def refuse(about: str, value: Any) -> None:
        raise StoreError("the disk\n is full")

    take_in({"note": refuse}, [said(1, "first")])
    assert told() == {"handled": 1, "trouble": "Not saved: the disk is full"}
    take_in({"note": refuse}, [said(2, "second", "stars")])
    assert told()["handled"] == 2
    assert "'stars'" in told()["trouble"]


def test_what_a_run_takes_in_that_is_ended_meanwhile_is_said_again() -> None:
    def end(about: str, value: Any) -> None:
        raise KeyboardInterrupt

    heard: list[Any] = []
    with pytest.raises(KeyboardInterrupt):
        take_in({"note": end}, [said(1, "first")])
    take_in({"note": lambda about, value: heard.append(value)}, [said(1, "first")])
    assert heard == ["first"]


def test_nothing_is_said_at_first() -> None:
    take_in({}, None)
    assert told()["handled"] == 0


def test_what_was_said_before_a_reload_goes_to_who_hears_that() -> None:
    heard: list[str] = []
    hearers = {
        "note": lambda about, value: heard.append("note"),
        "drawing": lambda about, value: heard.append("drawing"),
        "late drawing": lambda about, value: heard.append("late drawing"),
    }
    late = {"late": True}
    take_in(hearers, [said(1, "x") | late, said(2, "x", "drawing") | late, said(3, "x", "drawing")])
    assert heard == ["note", "late drawing", "drawing"]
