"""A database that is lost or damaged is made anew of the folders, with what people said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asma_core.accounts.account import ENGINEER, Account
from asma_core.accounts.current import acting_as
from asma_core.cli.main import main
from asma_core.errors import StoreError
from asma_core.experiments.store import ExperimentStore, ended
from asma_core.experiments.universal_store import UniversalStore
from asma_core.jobs.queue import JobQueue
from asma_core.runs import process_locks
from asma_core.runs.row_copies import copy_file, stale_copies
from asma_core.runs.run import QUEUED, Run
from asma_core.runs.store import RunStore
from asma_core.training.store import TrainingStore
from asma_core.upkeep import reindex as reindexing
from asma_core.upkeep.check import Report, check
from asma_core.upkeep.reindex import reindex
from tests import tiny
from tests.jobs.executors import Inline
from tests.runs.test_crashes import SERVER, server
from tests.upkeep.kept_home import DONE, OF_CELL, ask, tree, whole

__all__ = ["SERVER", "server"]

# The run of the small store that waits.
WAITED = "450a4dbb"


@pytest.fixture
def kept(home: Path) -> Path:
    whole(home)
    RunStore().judgements.annotate(DONE, verdict="bad", note="a longer\nnote", tags="x")
    return home


def lose(kept: Path) -> None:
    for file in kept.glob("runs.sqlite*"):
        file.unlink()


def with_files() -> dict[str, Run]:
    runs = RunStore()
    return {run.id: run for run in runs.newest() if runs.folder(run.id).exists()}


def test_runs_come_back_from_their_folders_with_what_people_said(kept: Path) -> None:
    before, files = with_files(), tree(kept)
    ask(kept, "INSERT OR REPLACE INTO judged VALUES (?, 'verdict', 'ana', 7.0)", DONE)
    RunStore().judgements.annotate(DONE, note="the last")
    before_judged = {field: author for field, (author, _) in RunStore().judgements.of(DONE).items()}
    lose(kept)
    told = reindex(kept)
    assert sorted(told.taken_in) == sorted([*before, WAITED]) and told.problems == []
    after = with_files()
    assert after[DONE].note == "the last" and after[OF_CELL].spec == before[OF_CELL].spec
    assert (after[DONE].verdict, after[DONE].tags) == ("bad", "x")
    for name in ("created", "finished", "state", "results", "outcome", "message"):
        assert getattr(after[DONE], name) == getattr(before[DONE], name)
    judged = {field: author for field, (author, _) in RunStore().judgements.of(DONE).items()}
    assert judged == before_judged and judged["verdict"] == "ana"
    changed = {name for name, data in tree(kept).items() if files.get(name) != data}
    assert changed == {f"rows/runs/{DONE}.json"}


def test_a_run_without_a_copy_has_the_times_of_its_files(kept: Path) -> None:
    (kept / "rows" / "runs" / f"{DONE}.json").unlink()
    ended_at = (kept / "runs" / DONE / "run.json").stat().st_mtime
    lose(kept)
    reindex(kept)
    run = RunStore().get(DONE)
    assert run.finished == ended_at and run.created == ended_at - run.results["seconds"]
    assert (run.note, run.verdict) == ("", "")


def test_where_people_sign_in_a_run_of_nobody_is_shown_to_owners_alone(kept: Path) -> None:
    (kept / "rows" / "runs" / f"{DONE}.json").unlink()
    (kept / "config.toml").write_text('sign_in = "proxy"\ntrusted_proxy_header = "X-User"\n')
    lose(kept)
    reindex(kept)
    assert dict(ask(kept, "SELECT id, private FROM runs"))[DONE] == 1


def test_trainings_experiments_and_universal_changes_come_back(kept: Path) -> None:
    trainings, experiments = TrainingStore(), ExperimentStore(RunStore())
    training = trainings.all()
    (experiment,) = experiments.newest()
    cells = ended(experiments.cells(experiment))
    (plan,) = UniversalStore().plans.newest()
    lose(kept)
    reindex(kept)
    assert TrainingStore().all() == training
    again = ExperimentStore(RunStore())
    assert again.newest() == [experiment] and ended(again.cells(experiment)) == cells
    universal = UniversalStore()
    assert universal.is_complete(universal.plans.get(plan))
    check(repair=True)
    assert check() == Report()


def test_a_training_that_was_under_way_can_be_gone_on_with(kept: Path) -> None:
    (training,) = TrainingStore().all()
    copy = kept / "rows" / "trainings" / f"{training.id}.json"
    copy.write_text(json.dumps(json.loads(copy.read_text()) | {"state": "running"}))
    lose(kept)
    reindex(kept)
    (again,) = TrainingStore().all()
    assert again.state == "interrupted" and "go on with it" in again.message
    assert TrainingStore().queue(training.id)


def test_of_a_damaged_database_what_can_be_read_is_kept(kept: Path) -> None:
    before = RunStore().newest()
    ask(kept, "PRAGMA wal_checkpoint(TRUNCATE)")
    file = kept / "runs.sqlite"
    size = ask(kept, "PRAGMA page_size")[0][0]
    (page,) = ask(kept, "SELECT rootpage FROM sqlite_master WHERE name = 'experiments'")[0]
    data = bytearray(file.read_bytes())
    data[(page - 1) * size : page * size] = b"x" * size
    damaged = bytes(data)
    file.write_bytes(damaged)
    told = reindex(kept)
    assert told.kept is not None and told.kept.read_bytes() == damaged
    # Runs that had no folder are there as well: their rows could be read.
    assert RunStore().newest() == before and told.read == len(before)
    assert len(ExperimentStore(RunStore()).newest()) == 1


def test_of_a_database_that_is_none_nothing_is_needed(kept: Path) -> None:
    before = RunStore().get(DONE)
    lose(kept)
    (kept / "runs.sqlite").write_bytes(b"rubbish" * 999)
    told = reindex(kept)
    assert told.kept is not None and told.kept.read_bytes() == b"rubbish" * 999
    assert RunStore().get(DONE) == before and OF_CELL in with_files()
    check(repair=True)
    assert check() == Report()


def test_a_row_of_rubbish_is_made_of_its_folder_or_left_out(kept: Path) -> None:
    before = RunStore().get(DONE)
    (failed,) = [run.id for run in RunStore().newest() if run.state == "failed"]
    ask(kept, "UPDATE runs SET spec = '[' WHERE id IN (?, ?)", DONE, failed)
    told = reindex(kept)
    assert told.taken_in == [DONE] and RunStore().get(DONE) == before
    assert [failed in one for one in told.problems] == [True]


def test_a_folder_of_rubbish_is_said_and_the_rest_comes_back(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kept / "runs" / DONE / "run.json").write_text('{"state": "done", "spec": 7}')
    (kept / "rows" / "runs" / f"{OF_CELL}.json").write_text('{"note": [1], "created": "x"}')
    lose(kept)
    assert main(["store", "reindex", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["taken_in"] == [OF_CELL, WAITED] and DONE in told["problems"][0]
    assert {run.id for run in RunStore().newest()} == {OF_CELL, WAITED}


def test_nothing_is_done_to_the_folder_of_a_living_server(kept: Path, server: Any) -> None:
    _, holder = server
    before = (kept / "runs.sqlite").read_bytes()
    assert process_locks.is_alive(kept, holder)
    with pytest.raises(StoreError, match="stop it before the database is made anew"):
        reindex(kept)
    assert (kept / "runs.sqlite").read_bytes() == before


def test_one_that_was_killed_between_the_two_names_loses_nothing(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = RunStore().newest()

    class KilledError(Exception):
        pass

    def die(file: Path, kept: Path) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(reindexing, "_follow", die)
        with pytest.raises(KilledError):
            reindex(kept)
    assert not (kept / "runs.sqlite").exists()
    with pytest.raises(StoreError, match="store reindex"):
        RunStore()
    assert reindex(kept).read == len(before)
    assert RunStore().newest() == before


# Runs without a folder -----------------------------------------------------------------------


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(tiny.furnish(home))


def lost(runs: RunStore) -> RunStore:
    """Lose the database of a folder whose server has ended, and make it anew."""
    lose(runs.home)
    with pytest.raises(StoreError, match="is gone, but its runs are there"):
        RunStore(runs.home)
    assert reindex(runs.home).problems == []
    return RunStore(runs.home)


def test_runs_that_waited_or_ran_wait_again_and_are_carried_out(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asma_core.upkeep.reindex.check_nobody_lives", lambda *_: None)
    with acting_as(Account("ann", ENGINEER)):
        first = runs.create(tiny.request(), tiny.inputs())
        running = runs.create(tiny.request(), tiny.inputs(1))
    runs.judgements.annotate(first.id, note="look here")
    runs.claim(running.id)
    after = lost(runs)
    for run in (first, running):
        found = after.get(run.id)
        assert (found.state, found.author, found.spec) == (QUEUED, "ann", run.spec)
        assert found.created == run.created
    assert after.get(first.id).note == "look here"
    jobs = JobQueue(after, Inline)
    assert [after.get(run.id).state for run in (first, running)] == ["done", "done"]
    assert jobs.idle


def test_runs_that_came_to_nothing_come_back_as_they_ended(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asma_core.upkeep.reindex.check_nobody_lives", lambda *_: None)
    failed, cancelled, deleted = (
        runs.create(tiny.request(), tiny.inputs(number)).id for number in range(3)
    )
    runs.claim(failed)
    runs.fail(failed, "the network is gone")
    runs.ask_to_stop(cancelled)
    runs.ask_to_stop(deleted)
    runs.delete(deleted)
    # That somebody asked for its end is no more of interest.
    before = {run.id: replace(run, cancel=False) for run in runs.newest()}
    after = lost(runs)
    assert {run.id: run for run in after.newest()} == before
    assert (after.get(failed).state, after.get(failed).message) == ("failed", "the network is gone")
    assert after.get(cancelled).state == "cancelled"


def test_one_that_waited_and_whose_image_is_gone_is_said(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asma_core.upkeep.reindex.check_nobody_lives", lambda *_: None)
    run = runs.create(tiny.request(), tiny.inputs())
    (runs.home / "inputs" / f"{run.spec.inputs_hash}.npz").unlink()
    (runs.home / "rows" / "runs" / "0123abcd.json").write_text('{"spec": "rubbish"}')
    lose(runs.home)
    problems = reindex(runs.home).problems
    assert len(problems) == 2 and "its image is gone" in " ".join(problems)
    assert RunStore(runs.home).newest() == []


def test_a_copy_of_what_has_not_ended_is_never_out_of_date(runs: RunStore, home: Path) -> None:
    waiting, running = (runs.create(tiny.request(), tiny.inputs(n)).id for n in range(2))
    runs.move([running], -1)
    runs.claim(running)
    with runs._database.reading() as database:
        assert stale_copies(database, home, "runs") == []
        copy_file(home, "runs", waiting).unlink()
        assert stale_copies(database, home, "runs") == [waiting]
        copy_file(home, "runs", waiting).write_text('{"note": "of another"}')
        assert stale_copies(database, home, "runs") == [waiting]
