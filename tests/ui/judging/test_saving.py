"""What is said of a run is saved on its own run, cleaned."""

from __future__ import annotations

from pathlib import Path

import pytest

from asma_core.errors import StoreError
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from ui.judging.saving import judgement_hearers
from ui.judging.verdict import joined_tags, tag_list


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(home)


def test_each_saying_is_saved_on_its_own_run(runs: RunStore) -> None:
    hearers = judgement_hearers(lambda: runs)
    first, second = made_runs.queued(runs).id, made_runs.queued(runs).id
    hearers["verdict"](first, "  needs   a second look ")
    hearers["note"](second, "odd")
    hearers["tags"](second, "a ,b,a")
    assert (runs.get(first).verdict, runs.get(first).note) == ("needs a second look", "")
    assert (runs.get(second).note, runs.get(second).tags) == ("odd", "a, b")


def test_a_run_that_is_gone_is_told(runs: RunStore) -> None:
    with pytest.raises(StoreError, match="no run is called"):
        judgement_hearers(lambda: runs)["verdict"]("deadbeef", "visible")


def test_tags_are_words_between_commas() -> None:
    assert tag_list(" a ,b,, a,c  d ") == ["a", "b", "c d"]
    assert tag_list("") == []
    assert joined_tags(["x, y", "x"]) == "x, y"
