"""Runs carried out without a database: by files, one attempt of which counts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from asma_core.errors import StoreError
from asma_core.runs import execute
from asma_core.runs.by_files import ATTEMPT, RunsByFiles
from asma_core.runs.database import Database
from asma_core.runs.live import live_state
from asma_core.runs.run import CANCELLED, DONE, FAILED, Run
from asma_core.runs.store import STOP, RunStore
from tests import tiny


@pytest.fixture
def store(home: Path) -> RunStore:
    return RunStore(tiny.furnish(home))


def handed(store: RunStore, config: dict[str, Any] | None = None, **more: Any) -> Run:
    """A run as the server's process hands it over."""
    run = store.create(tiny.request(config, **more), tiny.inputs())
    store.work_folder(run.id).mkdir()
    assert store.claim(run.id)
    return run


def attempt(store: RunStore, *runs: Run) -> RunsByFiles:
    return RunsByFiles(store.home, runs, [])


def test_a_run_gives_the_files_and_figures_that_it_gives_with_a_database(store: RunStore) -> None:
    run, beside = handed(store), store.create(tiny.request(), tiny.inputs())
    here = execute.execute(store, beside.id)
    kept = attempt(store, run)
    execute.execute(kept, run.id)
    (outcome,) = kept.outcomes.values()
    staged = outcome.staged(store.work_folder(run.id))
    names = sorted(path.name for path in staged.iterdir())
    assert names == sorted(path.name for path in store.folder(here.id).iterdir())
    picture = "adversarial.png"
    assert (staged / picture).read_bytes() == (store.folder(here.id) / picture).read_bytes()
    assert (outcome.state, outcome.message) == (DONE, "")
    told = {**outcome.results} | {"seconds": 0}
    assert told == {**here.results} | {"seconds": 0}
    assert not store.folder(run.id).exists(), "the server's process moves it into place"


def test_the_database_is_left_alone(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = handed(store)
    connect = Database._connect

    def opened(database: Database) -> Any:
        # A queue of another test may still look after its own, in a thread.
        if database.file.is_relative_to(store.home):
            raise AssertionError("the database was opened")
        return connect(database)

    monkeypatch.setattr("asma_core.runs.database.Database._connect", opened)
    kept = attempt(store, run)
    execute.execute(kept, run.id)
    assert kept.outcomes[run.id].state == DONE


def test_it_is_stopped_through_a_file_and_shows_how_far_it_is(store: RunStore) -> None:
    run = handed(store, tiny.SLOW)
    shown: list[int] = []

    def watch(report: Any) -> None:
        state = live_state(store, run.id)
        if state is not None and not shown:
            shown.append(state.step)
            store.ask_to_stop(run.id)
            assert (store.work_folder(run.id) / STOP).exists()

    kept = attempt(store, run)
    execute.execute(kept, run.id, watch)
    assert kept.outcomes[run.id].state == CANCELLED and shown
    assert kept.outcomes[run.id].results["steps"] < tiny.SLOW["steps"]


def test_an_attempt_ends_as_soon_as_another_counts(store: RunStore) -> None:
    run = handed(store, tiny.SLOW)
    first, second = attempt(store, run), attempt(store, run)

    def watch(report: Any) -> None:
        if report.step == 3:
            assert second.claim(run.id)

    execute.execute(first, run.id, watch)
    assert "nobody waits" in first.outcomes[run.id].message
    work = store.work_folder(run.id)
    assert not [path for path in work.iterdir() if path.is_dir()], "it has written no result"
    assert first.outcomes[run.id].staged(work) != second.staging_folder(run.id)
    assert not second.stop_wanted(run.id) and first.stop_wanted(run.id)


def test_another_attempt_shows_nothing_of_the_one_before(store: RunStore) -> None:
    run = handed(store, tiny.SLOW)

    def watch(report: Any) -> bool:
        return live_state(store, run.id) is not None

    first = attempt(store, run)
    execute.execute(first, run.id, watch)
    work = store.work_folder(run.id)
    assert live_state(store, run.id) is not None and first.staging_folder(run.id).is_dir()
    store.ask_to_stop(run.id)
    assert attempt(store, run).claim(run.id)
    assert sorted(path.name for path in work.iterdir()) == [ATTEMPT, STOP]


def test_a_run_for_which_nobody_waits_any_more_is_not_begun_and_ends(store: RunStore) -> None:
    run = handed(store, tiny.SLOW)
    kept = attempt(store, run)

    def watch(report: Any) -> None:
        if report.step == 3:
            shutil.rmtree(store.work_folder(run.id))

    execute.execute(kept, run.id, watch)
    assert "nobody waits" in kept.outcomes[run.id].message
    assert not store.work_folder(run.id).exists()
    assert not attempt(store, run).claim(run.id)


def test_an_attempt_says_where_it_is(store: RunStore) -> None:
    import os

    run = handed(store)
    assert attempt(store, run).claim(run.id)
    assert f"-{os.getpid()}-" in (store.work_folder(run.id) / ATTEMPT).read_text()


def test_what_can_not_be_carried_out_says_why(store: RunStore) -> None:
    run = handed(store)
    (store.home / "models" / f"{tiny.MODEL}.toml").unlink()
    kept = attempt(store, run)
    execute.execute(kept, run.id)
    assert kept.outcomes[run.id].state == FAILED
    assert tiny.MODEL in kept.outcomes[run.id].message


def test_a_machine_that_does_not_see_the_folder_says_so(store: RunStore, tmp_path: Path) -> None:
    run = handed(store)
    blind = RunsByFiles(tmp_path / "elsewhere", [run], [])
    with pytest.raises(StoreError, match=r"does not see the data folder .* mount it there"):
        execute.execute(blind, run.id)
