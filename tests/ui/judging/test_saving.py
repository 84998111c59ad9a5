"""What is said of a run is saved on its own run, cleaned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import streamlit as st

from asma_core.errors import NoteChangedError, StoreError
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from ui.judging.saving import judgement_hearers, refused_note
from ui.judging.verdict import joined_tags, tag_list


@pytest.fixture
def runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setattr(st, "session_state", {})
    return RunStore(home)


def test_each_saying_is_saved_on_its_own_run(runs: RunStore) -> None:
    hearers = judgement_hearers(lambda: runs)
    first, second = made_runs.queued(runs).id, made_runs.queued(runs).id
    hearers["verdict"](first, "  needs   a second look ")
    hearers["note"](second, "odd")
    hearers["tags"](second, "a ,b,a")
    assert (runs.get(first).verdict, runs.get(first).note) == ("needs a second look", "")
    assert (runs.get(second).note, runs.get(second).tags) == ("odd", "a, b")


def test_a_note_is_not_written_over_one_that_its_editor_has_not_seen(runs: RunStore) -> None:
    note = judgement_hearers(lambda: runs)["note"]
    run = made_runs.queued(runs).id
    note(run, {"text": "blurred", "was": ""})
    # Somebody else, who began before that.
    runs.annotate(run, note="sharp", note_was="blurred")
    with pytest.raises(NoteChangedError, match="was changed by somebody else meanwhile"):
        note(run, {"text": "blurred, and dark", "was": "blurred"})
    assert runs.get(run).note == "sharp" and refused_note(run) == "blurred, and dark"
    note(run, {"text": "sharp\nblurred, and dark", "was": "sharp"})
    assert runs.get(run).note == "sharp\nblurred, and dark" and refused_note(run) is None


def test_to_keep_the_other_s_note_writes_nothing(runs: RunStore) -> None:
    note = judgement_hearers(lambda: runs)["note"]
    run = made_runs.queued(runs).id
    runs.annotate(run, note="sharp")
    before = runs.judged(run)
    with pytest.raises(NoteChangedError):
        note(run, {"text": "blurred", "was": ""})
    note(run, {"text": "sharp", "was": "sharp"})
    assert runs.judged(run) == before and refused_note(run) is None


def test_who_types_on_before_it_is_heard_meets_no_other(runs: RunStore) -> None:
    note = judgement_hearers(lambda: runs)["note"]
    run = made_runs.queued(runs).id
    # The browser has not heard that the first was saved when it says the second.
    note(run, {"text": "bl", "was": ""})
    note(run, {"text": "blurred", "was": ""})
    note(run, {"text": "blurred", "was": ""})
    assert runs.get(run).note == "blurred" and refused_note(run) is None


def test_a_note_s_check_and_its_writing_are_one_step(runs: RunStore) -> None:
    run = made_runs.queued(runs).id

    def write(who: int) -> bool:
        try:
            RunStore(runs.home).annotate(run, note=f"of {who}", note_was="")
        except NoteChangedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(write, range(8)))
    assert sum(written) == 1
    assert runs.get(run).note == f"of {written.index(True)}"


def test_a_note_of_a_browser_of_before_is_saved_as_it_was(runs: RunStore) -> None:
    run = made_runs.queued(runs).id
    runs.annotate(run, note="sharp")
    judgement_hearers(lambda: runs)["note"](run, "blurred")
    assert runs.get(run).note == "blurred"


def test_a_run_that_is_gone_is_told(runs: RunStore) -> None:
    with pytest.raises(StoreError, match="no run is called"):
        judgement_hearers(lambda: runs)["verdict"]("deadbeef", "visible")


def test_tags_are_words_between_commas() -> None:
    assert tag_list(" a ,b,, a,c  d ") == ["a", "b", "c d"]
    assert tag_list("") == []
    assert joined_tags(["x, y", "x"]) == "x, y"
