"""A data folder that can't be written is looked at; what writes says why it can't.

An account that may write anything, as root, is told so by a disk that is mounted to be read; where
none can be mounted, the system's answer is given for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asma_core.cli.main import main
from asma_core.errors import StoreError
from asma_core.experiments.store import ExperimentStore, ended
from asma_core.experiments.universal_store import UniversalStore
from asma_core.jobs.queue import JobQueue
from asma_core.runs.database import Database
from asma_core.runs.export import run_zip
from asma_core.runs.reading import read_trajectory
from asma_core.runs.store import RunStore
from asma_core.training.store import TrainingStore
from asma_core.upkeep.backup import backup
from asma_core.upkeep.check import check
from tests import tiny
from tests.jobs.executors import Inline
from tests.pages.small_house import errors, texts, visit
from tests.upkeep.kept_home import DONE, unpack, whole
from ui.common import services

SAID = "can't be written, so its runs can only be looked at"


def closed(home: Path) -> bool:
    """Mount a data folder over itself, to be read only; tell whether that is possible here."""
    bound = subprocess.run(["mount", "--bind", str(home), str(home)], capture_output=True)
    if bound.returncode:
        return False
    read_only = ["mount", "-o", "remount,bind,ro", str(home)]
    if subprocess.run(read_only, capture_output=True).returncode:
        subprocess.run(["umount", "-l", str(home)], check=True)
        return False
    return True


@pytest.fixture(params=["closed", "left open", "of an older program"])
def archive(request: pytest.FixtureRequest, home: Path) -> Iterator[Path]:
    """An archive: a store that was closed, a copy of one in use, and one that must be migrated."""
    if request.param == "of an older program":
        unpack(home)
    else:
        tiny.furnish(whole(home))
    if request.param == "left open":
        used = Database(home / "runs.sqlite")
        with used.writing() as database:
            database.execute("UPDATE runs SET note = 'in the WAL' WHERE id = ?", (DONE,))
        copy = home.with_name("copy")
        shutil.copytree(home, copy)
        del used
        shutil.rmtree(home)
        copy.rename(home)
        assert (home / "runs.sqlite-wal").stat().st_size > 0
    if not closed(home):
        pytest.skip("mounting a folder to be read only needs root")
    yield home
    subprocess.run(["umount", "-l", str(home)], check=True)


def state(home: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in home.rglob("*")}


def test_all_of_an_archive_can_be_read(archive: Path, request: pytest.FixtureRequest) -> None:
    before = state(archive)
    runs = RunStore()
    assert {run.id for run in runs.newest()} >= {DONE}
    run = runs.get(DONE)
    left_open = "left open" in request.node.name
    assert run.note == ("in the WAL" if left_open else "a note")
    assert runs.inputs(run).image.shape == (3, 32, 32)
    assert read_trajectory(runs.folder(DONE))["step"] and run_zip(runs, run)
    (experiment,) = ExperimentStore(runs).newest()
    assert len(ended(ExperimentStore(runs).cells(experiment))) == 1
    assert len(TrainingStore().all()) == 1
    universal = UniversalStore()
    assert universal.learning(universal.plans.newest()[0]).state == "done"
    assert state(archive) == before


def test_what_writes_says_why_it_cannot(archive: Path) -> None:
    runs = RunStore()
    (experiment,) = ExperimentStore(runs).newest()
    (training,) = TrainingStore().all()
    refused: list[Callable[[], object]] = [
        lambda: runs.judgements.annotate(DONE, verdict="bad"),
        lambda: runs.delete(DONE),
        lambda: runs.pin(DONE),
        lambda: runs.create(runs.get(DONE).spec.request(), runs.inputs(runs.get(DONE))),
        lambda: ExperimentStore(runs).delete(experiment.id),
        lambda: TrainingStore().delete(training.id),
        lambda: TrainingStore().create(training.plan),
        lambda: UniversalStore().delete(UniversalStore().plans.newest()[0]),
    ]
    before = state(archive)
    for call in refused:
        with pytest.raises(StoreError, match="can't be written"):
            call()
    assert state(archive) == before


def test_a_server_on_an_archive_starts_and_leaves_it_alone(archive: Path) -> None:
    before = state(archive)
    jobs = JobQueue(RunStore(), Inline)
    jobs.recover()
    with pytest.raises(StoreError, match=SAID):
        jobs.repeat(DONE)
    assert state(archive) == before


def test_the_pages_of_an_archive_show_it(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "warm", lambda: None)
    app = visit("compare", run=DONE)
    for page in ("runs", "models", "attack", "home"):
        assert errors(app) == []
        assert "This is an archive: everything can be looked at" in texts(app)
        app.switch_page(f"pages/{page}.py").run()
    assert errors(app) == []
    # A demo set that was never opened can't be made there: its form says so, the list goes on.
    app.switch_page("pages/experiments.py").run()
    assert all("demo-fundus can't be written" in one for one in errors(app))
    assert "Earlier experiments" in [one.value for one in app.subheader]


def test_the_command_line_reads_an_archive(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs"]) == 0
    assert f"run_id: {DONE}" in capsys.readouterr().out
    assert main(["store", "check", "--repair"]) == 2
    assert "can't be written, so nothing can be mended" in capsys.readouterr().err
    assert isinstance(check().problems, list)
    backup(archive, tmp_path / "backup")
    assert (tmp_path / "backup" / "runs" / DONE / "run.json").exists()


def test_a_folder_that_is_locked_by_its_mode_is_an_archive(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole(home)
    usual = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and usual(path, mode))
    runs = RunStore()
    assert runs.get(DONE).note == "a note"
    with pytest.raises(StoreError, match=SAID):
        runs.judgements.annotate(DONE, note="another")
