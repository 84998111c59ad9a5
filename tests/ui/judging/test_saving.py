"""What is said of a run is saved on its own run, cleaned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import streamlit as st

from asma_core.accounts.account import REVIEWER, Account
from asma_core.accounts.current import acting_as
from asma_core.errors import JudgementChangedError, StoreError
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from ui.judging.saving import judgement_hearers, refused
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


FIELDS = pytest.mark.parametrize("field", ["verdict", "note", "tags"])
ANN, BO = Account("ann", REVIEWER), Account("bo", REVIEWER)


def said(runs: RunStore, run: str, field: str) -> str:
    return str(getattr(runs.get(run), field))


@FIELDS
def test_what_its_editor_has_not_seen_is_not_overwritten(runs: RunStore, field: str) -> None:
    hear = judgement_hearers(lambda: runs)[field]
    run = made_runs.queued(runs).id
    hear(run, {"text": "blurred", "was": ""})
    # Somebody else, who began before that.
    runs.judgements.annotate(run, **{field: "sharp"}, was={field: "blurred"})
    with pytest.raises(JudgementChangedError, match="changed by somebody else meanwhile"):
        hear(run, {"text": "dark", "was": "blurred"})
    assert said(runs, run, field) == "sharp" and refused(run) == {field: "dark"}
    # Who has decided has seen it.
    hear(run, {"text": "dark and sharp", "was": "sharp"})
    assert said(runs, run, field) == "dark and sharp" and refused(run) == {}


@FIELDS
def test_who_is_refused_is_told_whose_change_it_was_and_what(runs: RunStore, field: str) -> None:
    hear = judgement_hearers(lambda: runs)[field]
    run = made_runs.queued(runs).id
    with acting_as(ANN):
        runs.judgements.annotate(run, **{field: "sharp"})
    with acting_as(BO), pytest.raises(JudgementChangedError) as caught:
        hear(run, {"text": "dark", "was": ""})
    words = str(caught.value)
    assert f"the {field} of run {run}" in words and "changed by ann meanwhile" in words
    assert ("to 'sharp'" in words) == (field != "note")
    assert runs.judgements.of(run)[field][0] == "ann"


@FIELDS
def test_to_keep_what_the_other_said_writes_nothing(runs: RunStore, field: str) -> None:
    hear = judgement_hearers(lambda: runs)[field]
    run = made_runs.queued(runs).id
    runs.judgements.annotate(run, **{field: "sharp"})
    before = runs.judgements.of(run)
    with pytest.raises(JudgementChangedError):
        hear(run, {"text": "blurred", "was": ""})
    hear(run, {"text": "sharp", "was": "sharp"})
    assert runs.judgements.of(run) == before and refused(run) == {}


@FIELDS
def test_who_goes_on_before_it_is_heard_meets_no_other(runs: RunStore, field: str) -> None:
    hear = judgement_hearers(lambda: runs)[field]
    run = made_runs.queued(runs).id
    # The browser has not heard that the first was saved when it says the second.
    hear(run, {"text": "bl", "was": ""})
    hear(run, {"text": "blurred", "was": ""})
    hear(run, {"text": "blurred", "was": ""})
    assert said(runs, run, field) == "blurred" and refused(run) == {}


@FIELDS
def test_one_field_says_nothing_of_another(runs: RunStore, field: str) -> None:
    hearers = judgement_hearers(lambda: runs)
    run = made_runs.queued(runs).id
    for other in hearers:
        if other != field:
            runs.judgements.annotate(run, **{other: "of somebody else"})
    hearers[field](run, {"text": "mine", "was": ""})
    assert said(runs, run, field) == "mine" and refused(run) == {}


@FIELDS
def test_the_check_and_the_writing_are_one_step(runs: RunStore, field: str) -> None:
    run = made_runs.queued(runs).id

    def write(who: int) -> bool:
        try:
            RunStore(runs.home).judgements.annotate(run, **{field: f"of {who}"}, was={field: ""})
        except JudgementChangedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(write, range(8)))
    assert sum(written) == 1
    assert said(runs, run, field) == f"of {written.index(True)}"


def test_of_several_fields_none_is_set_where_one_was_changed(runs: RunStore) -> None:
    run = made_runs.queued(runs).id
    runs.judgements.annotate(run, tags="new")
    with pytest.raises(JudgementChangedError, match="the tags of run"):
        runs.judgements.annotate(run, verdict="bad", tags="old", was={"verdict": "", "tags": ""})
    assert (runs.get(run).verdict, runs.get(run).tags) == ("", "new")


@FIELDS
def test_what_a_browser_of_before_says_is_saved_as_it_was(runs: RunStore, field: str) -> None:
    run = made_runs.queued(runs).id
    runs.judgements.annotate(run, **{field: "sharp"})
    judgement_hearers(lambda: runs)[field](run, "blurred")
    assert said(runs, run, field) == "blurred"


def test_a_run_that_is_gone_is_told(runs: RunStore) -> None:
    with pytest.raises(StoreError, match="no run is called"):
        judgement_hearers(lambda: runs)["verdict"]("deadbeef", "visible")


def test_tags_are_words_between_commas() -> None:
    assert tag_list(" a ,b,, a,c  d ") == ["a", "b", "c d"]
    assert tag_list("") == []
    assert joined_tags(["x, y", "x"]) == "x, y"
