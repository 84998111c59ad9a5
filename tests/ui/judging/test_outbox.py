"""What the browser sends of a judgement, once and on its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asma_core.runs.store import RunStore
from tests.pages import made_runs
from ui.judging.outbox import take_in, told
from ui.judging.verdict import joined_tags, tag_list


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(home)


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    return state


def said(number: int, run: str, field: str, text: str) -> dict[str, Any]:
    return {"number": number, "run": run, "field": field, "text": text}


def test_each_saying_is_saved_on_its_own_run(runs: RunStore) -> None:
    first, second = made_runs.queued(runs).id, made_runs.queued(runs).id
    verdict = said(1, first, "verdict", "  needs   a second look ")
    take_in(runs, [verdict, said(2, second, "note", "odd")])
    assert (runs.get(first).verdict, runs.get(first).note) == ("needs a second look", "")
    assert (runs.get(second).verdict, runs.get(second).note) == ("", "odd")


def test_what_was_taken_in_is_not_taken_in_again(runs: RunStore) -> None:
    run = made_runs.queued(runs).id
    take_in(runs, [said(1, run, "tags", "a, b")])
    runs.annotate(run, tags="from another tab")
    take_in(runs, [said(1, run, "tags", "a, b"), said(2, run, "note", "new")])
    assert (runs.get(run).tags, runs.get(run).note) == ("from another tab", "new")


def test_what_can_not_be_saved_is_told(runs: RunStore) -> None:
    take_in(runs, [said(1, "deadbeef", "verdict", "visible")])
    assert "no run is called" in told()["trouble"]
    run = made_runs.queued(runs).id
    take_in(runs, [said(2, run, "verdict", "visible")])
    assert told() == {"handled": 2, "trouble": ""}


def test_nothing_is_said_at_first(runs: RunStore) -> None:
    take_in(runs, None)


def test_tags_are_words_between_commas() -> None:
    assert tag_list(" a ,b,, a,c  d ") == ["a", "b", "c d"]
    assert tag_list("") == []
    assert joined_tags(["x, y", "x"]) == "x, y"
