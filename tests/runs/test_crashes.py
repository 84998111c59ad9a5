"""SIGKILL at any point, a full disk, a folder that can't be written: nothing half-written stays."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core import files
from asma_core.errors import StoreError
from asma_core.runs import artefacts, execute, process_locks, store
from asma_core.runs.run import DONE, FAILED, INTERRUPTED, QUEUED, RUNNING
from asma_core.runs.store import RunStore
from tests import tiny
from tests.waiting import PATIENCE

PROJECT = Path(__file__).resolve().parents[2]
POINTS = {
    "prediction": INTERRUPTED,
    "step": INTERRUPTED,
    "images": INTERRUPTED,
    "record": INTERRUPTED,
    "before rename": INTERRUPTED,
    "after rename": DONE,
    "after row": DONE,
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A store in which one run each was killed at each point, and the runs by point."""
    home = tiny.furnish(tmp_path_factory.mktemp("killed") / "home")
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setenv("ASMA_HOME", str(home))
        runs = RunStore()
        ids = {point: runs.create(tiny.request(), tiny.inputs()).id for point in POINTS}
        done = subprocess.run(
            [sys.executable, "-m", "tests.runs.victims", *(f"{p}={i}" for p, i in ids.items())],
            cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        ended = [f"{point} {signal.SIGKILL:d}" for point in POINTS]
        assert done.stdout.splitlines()[1:] == ended
        before = {run.id: run.state for run in runs.newest()}
        assert before.pop(ids["after row"]) == DONE
        assert set(before.values()) == {RUNNING}
        assert runs.recover() == []
    return home, ids


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_is_interrupted_or_done_and_never_half(
    killed: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    home, ids = killed
    monkeypatch.setenv("ASMA_HOME", str(home))
    runs = RunStore()
    run = runs.get(ids[point])
    assert run.state == POINTS[point]
    assert run.finished is not None
    if run.state == DONE:
        there = {path.name for path in runs.folder(run.id).iterdir()}
        assert set(artefacts.FILES) <= there and run.results["success"] is True
    else:
        assert not runs.folder(run.id).exists() and run.results == {}
        assert run.message == "its process ended before the run did; repeat it"
        assert not runs.work_folder(run.id).exists()
    again = runs.create(tiny.request(), runs.inputs(run))
    assert execute.execute(runs, again.id).state == DONE
    assert again.spec == run.spec


def test_tidying_removes_what_the_killed_left_and_nothing_else(
    killed: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = killed
    monkeypatch.setenv("ASMA_HOME", str(home))
    runs = RunStore()
    running = runs.create(tiny.request(), tiny.inputs(1))
    runs.claim(running.id)
    (runs.work_folder(running.id)).mkdir()
    (home / "inputs" / ".half.npz.0123").write_bytes(b"half")
    kept = set((home / "runs").rglob("*"))
    inputs = set((home / "inputs").glob("[!.]*"))
    runs.tidy()
    assert [path.name for path in (home / "work").iterdir()] == [running.id]
    assert set((home / "runs").rglob("*")) == kept
    assert set((home / "inputs").iterdir()) == inputs
    assert [path.stem for path in (home / "owners").iterdir()] == [process_locks.this_process(home)]
    runs.fail(running.id, "enough")


SERVER = """
import sys, pathlib
from asma_core.runs import process_locks
print(process_locks.this_process(pathlib.Path(sys.argv[1])), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def server(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process with a lock of its own, and its name."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(home)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdin is not None
    yield process, process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def held(runs: RunStore, holder: str, state: str = QUEUED) -> str:
    """A run as another process left it."""
    run = runs.create(tiny.request(), tiny.inputs())
    with runs._database.writing() as database:
        database.execute(
            "UPDATE runs SET owner = ?, state = ? WHERE id = ?", (holder, state, run.id)
        )
    return run.id


def test_the_runs_of_a_living_process_are_left_alone(
    home: Path, server: tuple[subprocess.Popen[str], str]
) -> None:
    process, holder = server
    runs = RunStore(tiny.furnish(home))
    queued, running = held(runs, holder), held(runs, holder, RUNNING)
    assert runs.recover() == []
    assert [runs.get(queued).state, runs.get(running).state] == [QUEUED, RUNNING]
    # A zombie, not waited for yet, is dead all the same.
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert runs.recover() == [queued]
    assert [runs.get(queued).state, runs.get(running).state] == [QUEUED, INTERRUPTED]
    assert runs.recover() == []


def test_each_queued_run_of_a_dead_server_is_taken_over_by_one(home: Path) -> None:
    runs = RunStore(tiny.furnish(home))
    left = [held(runs, "vm-1-00") for _ in range(12)]
    gate = threading.Barrier(4)
    taken: list[list[str]] = []

    def recover() -> None:
        gate.wait()
        taken.append(RunStore(home).recover())

    threads = [threading.Thread(target=recover) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run_id for ids in taken for run_id in ids) == sorted(left)


def test_a_record_damaged_by_the_crash_does_not_keep_the_others_from_being_settled(
    home: Path,
) -> None:
    runs = RunStore(tiny.furnish(home))
    damaged, other = (held(runs, "vm-1-00", RUNNING) for _ in range(2))
    files.write_bytes(runs.folder(damaged) / store.RECORD, b'{"state": "do')
    runs.recover()
    assert runs.get(damaged).state == runs.get(other).state == INTERRUPTED
    assert "not JSON" in runs.get(damaged).message


# A disk that is full ------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder on a disk of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    monkeypatch.setenv("ASMA_HOME", str(disk / "home"))
    yield tiny.furnish(disk / "home")
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Use up a disk to the last block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return ballast


def one_sentence(text: str) -> bool:
    return "\n" not in text and ("full" in text) and ("free some space" in text or "disk" in text)


def test_a_full_disk_refuses_a_new_run_in_a_sentence(small_disk: Path) -> None:
    runs = RunStore()
    kept = runs.create(tiny.request(), tiny.inputs())
    ballast = fill(small_disk.parent)
    noisy = replace(tiny.inputs(1), image=np.random.default_rng(1).random((3, 32, 32), np.float32))
    with pytest.raises(StoreError) as said:
        runs.create(tiny.request(), noisy)
    assert one_sentence(str(said.value))
    ballast.unlink()
    assert [run.id for run in runs.newest()] == [kept.id]
    assert [path.stem for path in (runs.home / "inputs").iterdir()] == [kept.spec.inputs_hash]
    assert execute.execute(runs, kept.id).state == DONE


def test_a_disk_that_fills_in_mid_run_fails_it_and_the_store_goes_on(small_disk: Path) -> None:
    runs = RunStore()
    run = runs.create(tiny.request(), tiny.inputs())
    ballast: list[Path] = []

    def watch(report: Any) -> None:
        if report.step == 3:
            ballast.append(fill(small_disk.parent))

    ended = execute.execute(runs, run.id, watch)
    ballast[0].unlink()
    assert ended.state == FAILED and one_sentence(ended.message)
    assert list((runs.home / "runs").iterdir()) == list((runs.home / "work").iterdir()) == []
    again = runs.create(tiny.request(), runs.inputs(ended))
    assert execute.execute(runs, again.id).state == DONE


@pytest.mark.parametrize("name", [artefacts.ADVERSARIAL, artefacts.TRAJECTORY, store.RECORD])
def test_no_space_for_any_one_file_leaves_no_result(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(), tiny.inputs())
    with monkeypatch.context() as patched:
        refuse_names(patched, f".{name}.")
        ended = execute.execute(runs, run.id)
    assert ended.state == FAILED and one_sentence(ended.message)
    assert not runs.folder(run.id).exists() and not runs.work_folder(run.id).exists()


def refuse_names(patched: pytest.MonkeyPatch, start: str) -> None:
    """Let the system say that the disk is full for the final files of some name."""
    usual = os.fsync

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.name.startswith(start) and path.parent.name == "result":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        usual(descriptor)

    patched.setattr(os, "fsync", fsync)


def test_a_database_that_fails_after_the_files_are_in_place_loses_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(), tiny.inputs())
    usual, calls = RunStore._end, []

    def fails_once(self: RunStore, *arguments: Any, **more: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise StoreError("the database is busy; repeat")
        usual(self, *arguments, **more)

    monkeypatch.setattr(RunStore, "_end", fails_once)
    ended = execute.execute(runs, run.id)
    assert (ended.state, len(calls)) == (DONE, 2)
    assert ended.results["success"] is True


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A data folder that can't be written."""
    disk = tmp_path / "locked"
    disk.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", str(disk)]
    if subprocess.run(options, capture_output=True).returncode:
        pytest.skip("mounting a disk that can't be written needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(read_only: Path) -> None:
    with pytest.raises(StoreError, match="permissions or set ASMA_HOME"):
        RunStore(read_only / "home")


def test_a_file_in_the_place_of_the_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="check the folder"):
        RunStore(tmp_path / "file")
