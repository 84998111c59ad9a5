"""The store: what goes in comes out, for many at once, and ids never leave the folder."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asma_core.errors import (
    AsmaError,
    InputError,
    RunStateError,
    StoreError,
    UnknownNameError,
    UnknownRunError,
)
from asma_core.runs import process_locks, store
from asma_core.runs.run import CANCELLED, DONE, FAILED, QUEUED, RUNNING
from asma_core.runs.store import RunStore
from tests import tiny
from tests.waiting import PATIENCE

PROJECT = Path(__file__).resolve().parents[2]
NASTY = (
    "<script>alert(1)</script>",
    'it\'s "quoted" `so`',
    "../../etc/passwd",
    "a/b\\c",
    "\N{EYES}\N{MICROSCOPE} \u202e rtl",
    "two\nlines\r\n\ttab",
    "'); DROP TABLE runs; --",
    "nul \x00 byte",
    "",
    "x" * 100_000,
)


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def staged(runs: RunStore, run_id: str, text: str = "{}") -> Path:
    folder = runs.work_folder(run_id) / "result"
    folder.mkdir(parents=True)
    (folder / "trajectory.json").write_text(text)
    return folder


def finished(runs: RunStore) -> str:
    run = runs.create(tiny.request(), tiny.inputs())
    assert runs.claim(run.id)
    runs.finish(run.id, DONE, staged(runs, run.id), {"iou": 0.5})
    return run.id


def test_a_run_goes_from_queued_over_running_to_done(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    assert (run.state, run.ended, run.results, run.finished) == (QUEUED, False, {}, None)
    assert run.spec.config["steps"] == tiny.QUICK["steps"]
    assert runs.claim(run.id)
    assert runs.get(run.id).state == RUNNING
    runs.finish(run.id, DONE, staged(runs, run.id, "curve"), {"iou": 0.5, "psnr": None})
    done = runs.get(run.id)
    assert (done.state, done.ended) == (DONE, True)
    assert {"iou": 0.5, "psnr": None}.items() <= done.results.items()
    assert done.finished is not None and done.finished >= done.created
    assert (runs.folder(run.id) / "trajectory.json").read_text() == "curve"
    assert not runs.work_folder(run.id).exists()


def test_a_run_that_is_not_queued_is_not_claimed_again(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    assert [runs.claim(run.id), runs.claim(run.id)] == [True, False]
    assert not runs.claim("00000000")


def test_a_failed_run_keeps_its_sentence_and_no_files(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    runs.claim(run.id)
    staged(runs, run.id)
    runs.fail(run.id, "why \udcff")
    failed = runs.get(run.id)
    assert (failed.state, failed.message, failed.results) == (FAILED, "why \\udcff", {})
    assert not runs.folder(run.id).exists() and not runs.work_folder(run.id).exists()


def test_a_fault_after_the_files_are_in_place_does_not_take_the_result_away(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    runs.claim(run.id)
    folder = staged(runs, run.id)
    (folder / store.RECORD).write_text('{"state": "done", "results": {"iou": 1.0}}')
    folder.replace(runs.folder(run.id))
    runs.fail(run.id, "the database was busy")
    assert (runs.get(run.id).state, runs.get(run.id).results["iou"]) == (DONE, 1.0)


def test_stop_cancels_a_queued_run_and_asks_a_running_one(runs: RunStore) -> None:
    queued, running = (runs.create(tiny.request(), tiny.inputs()) for _ in range(2))
    runs.claim(running.id)
    for run in (queued, running):
        runs.ask_to_stop(run.id)
    assert runs.get(queued.id).state == CANCELLED and not runs.claim(queued.id)
    assert runs.get(running.id).state == RUNNING and runs.stop_wanted(running.id)


def test_newest_comes_first_and_states_are_counted(runs: RunStore) -> None:
    ids = [runs.create(tiny.request(), tiny.inputs()).id for _ in range(4)]
    runs.claim(ids[1])
    assert [run.id for run in runs.newest()] == ids[::-1]
    assert [run.id for run in runs.newest(2)] == ids[:1:-1]
    assert (runs.count(QUEUED), runs.count(RUNNING), runs.count(DONE)) == (
        3,
        1,
        0,
    )


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_what_people_write_comes_back_unchanged(runs: RunStore, text: str) -> None:
    named = tiny.request(image_name=text, target_name=text, sample=text)
    run = runs.create(named, tiny.inputs())
    runs.judgements.annotate(run.id, note=text)
    runs.judgements.annotate(run.id, tags=text, verdict=text)
    kept = RunStore(runs.home).get(run.id)
    assert (kept.note, kept.tags, kept.verdict) == (text, text, text)
    assert (kept.spec.image_name, kept.spec.target_name, kept.spec.sample) == (text, text, text)
    assert {path.name for path in runs.home.parent.iterdir()} == {runs.home.name}


def test_a_file_name_that_is_no_utf8_is_kept_readable(runs: RunStore) -> None:
    run = runs.create(tiny.request(image_name="scan \udcff.png"), tiny.inputs())
    assert runs.get(run.id).spec.image_name == "scan \udcff.png"
    runs.judgements.annotate(run.id, note="\udcff")
    assert runs.get(run.id).note == "\\udcff"


@pytest.mark.parametrize(
    "run_id",
    ["../x", "../../runs", "<script>", "\N{EYES}" * 8, "", ".", "0000000", "0000000g", "ABCDEF01",
     "00000000", "0000000\n", "\uff10" * 8, "\udcff" * 8, "/etc/abc", "x" * 10_000],
)  # fmt: skip
def test_an_id_that_is_none_is_refused(runs: RunStore, run_id: str) -> None:
    for call in (runs.get, runs.delete, runs.stop_wanted):
        with pytest.raises(UnknownRunError):
            call(run_id)
    with pytest.raises(UnknownRunError):
        runs.judgements.annotate(run_id, note="x")
    if run_id != "00000000":
        for call in (runs.folder, runs.work_folder):
            with pytest.raises(UnknownRunError):
                call(run_id)


def test_a_path_of_a_run_lies_in_the_data_folder(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    for folder in (runs.folder(run.id), runs.work_folder(run.id)):
        assert folder.resolve().parent.parent == runs.home.resolve()


@pytest.mark.parametrize("levels", [256, 65536])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_8_and_16_bits_come_back_exactly(
    runs: RunStore, levels: int, channels: int
) -> None:
    rng = np.random.default_rng(levels)
    values = rng.integers(0, levels, (channels, 20, 30)).astype(np.float32)
    image = values / np.float32(levels - 1)
    target = rng.integers(0, 2, (20, 30))
    valid = rng.random((20, 30)) < 0.9
    given = replace(tiny.inputs(), image=image, target=target, valid=valid, truth=None)
    back = runs.inputs(runs.create(tiny.request(), given))
    assert back.image.dtype == np.float32 and np.array_equal(back.image, image)
    assert back.target.dtype == np.int64 and np.array_equal(back.target, target)
    assert np.array_equal(back.valid, valid) and back.truth is None


def test_equal_inputs_are_kept_once_until_their_last_run_goes(runs: RunStore) -> None:
    first, second = finished(runs), finished(runs)
    other = runs.create(tiny.request(), tiny.inputs(1))
    files = list((runs.home / "inputs").iterdir())
    assert len(files) == 2
    runs.delete(first)
    assert len(list((runs.home / "inputs").iterdir())) == 2
    assert runs.inputs(runs.get(second)).image.shape == (3, tiny.SIZE, tiny.SIZE)
    runs.delete(second)
    left = list((runs.home / "inputs").iterdir())
    assert [path.stem for path in left] == [other.spec.inputs_hash]
    assert list((runs.home / "runs").iterdir()) == []
    with pytest.raises(UnknownRunError):
        runs.get(second)


def test_a_run_that_has_not_ended_is_not_deleted(runs: RunStore) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    with pytest.raises(RunStateError, match="queued; stop it"):
        runs.delete(run.id)
    runs.claim(run.id)
    with pytest.raises(RunStateError, match="running; stop it"):
        runs.delete(run.id)


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"model": "no-such"}, UnknownNameError, tiny.MODEL),
        ({"attack": "no-such"}, UnknownNameError, "asma"),
        ({"config": {"stepz": 1}}, UnknownNameError, "steps"),
        ({"config": {"steps": 0}}, InputError, "at least 1"),
        ({"config": {"steps": "9"}}, InputError, "whole number"),
        ({"seed": -1}, InputError, "seed"),
        ({"seed": 2**64}, InputError, "seed"),
    ],
)
def test_a_request_that_makes_no_sense_leaves_nothing(
    runs: RunStore, more: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        runs.create(tiny.request(**more), tiny.inputs())
    assert runs.newest() == [] and list((runs.home / "inputs").iterdir()) == []


@pytest.mark.parametrize("field", ["target", "valid", "truth"])
def test_a_mask_of_another_size_is_refused(runs: RunStore, field: str) -> None:
    mask = getattr(tiny.inputs(), field)[:-1]
    with pytest.raises(InputError, match="32 x 31"):
        runs.create(tiny.request(), replace(tiny.inputs(), **{field: mask}))


def test_a_mask_with_a_class_too_many_or_no_valid_pixel_is_refused(runs: RunStore) -> None:
    given = tiny.inputs()
    with pytest.raises(InputError, match="class 2"):
        runs.create(tiny.request(), replace(given, target=given.target * 2))
    with pytest.raises(InputError, match="void"):
        runs.create(tiny.request(), replace(given, valid=np.zeros_like(given.valid)))


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_inputs_that_are_gone_or_damaged_are_said_in_a_sentence(
    runs: RunStore, damage: bytes | None
) -> None:
    run = runs.create(tiny.request(), tiny.inputs())
    (file,) = (runs.home / "inputs").iterdir()
    whole = file.read_bytes()
    for bad in (damage, whole[: len(whole) // 2]) if damage is not None else (None,):
        file.write_bytes(bad) if bad is not None else file.unlink()
        with pytest.raises(StoreError, match=r"restore|repeat"):
            runs.inputs(run)


def test_a_database_that_is_none_is_said_in_a_sentence(home: Path) -> None:
    home.mkdir()
    (home / "runs.sqlite").write_bytes(b"this is no database, but it is long enough" * 100)
    with pytest.raises(StoreError, match=r"runs\.sqlite is damaged .*store reindex"):
        RunStore(home)


# Many at once -------------------------------------------------------------------------------

CROWD = """
import sys
from pathlib import Path
from tests import tiny
from asma_core.runs.store import RunStore
home, shared = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
runs = RunStore(home)
print("claimed" if runs.claim(shared) else "not", flush=True)
for number in range(10):
    run = runs.create(tiny.request(image_name=f"{sys.argv[3]} {number}"), tiny.inputs(number % 3))
    runs.judgements.annotate(run.id, note=f"{sys.argv[3]} {number}")
"""


def test_processes_share_a_new_store_and_only_one_claims_a_run(home: Path) -> None:
    tiny.furnish(home)
    run = RunStore(home).create(tiny.request(), tiny.inputs())
    shared = run.id
    people = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD, str(home), shared, str(number)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for process in people:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    said = []
    for process in people:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in people:
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        said.append(out.strip())
    assert sorted(said) == ["claimed", "not", "not"]
    made = {(run.spec.image_name, run.note) for run in RunStore(home).newest() if run.note}
    assert made == {(f"{p} {n}", f"{p} {n}") for p in range(3) for n in range(10)}
    assert len(list((home / "inputs").iterdir())) == 3


def test_many_make_one_store_at_once(home: Path) -> None:
    errors: list[Exception] = []

    def open_and_write(number: int) -> None:
        try:
            gate.wait()
            runs = RunStore(home / "fresh")
            run = runs.create(tiny.request(), tiny.inputs(number % 2))
            for _ in range(3):
                runs.judgements.annotate(run.id, note=str(number))
        except (AsmaError, OSError, ValueError) as error:
            errors.append(error)

    tiny.furnish(home)
    gate = threading.Barrier(8)
    threads = [threading.Thread(target=open_and_write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {run.note for run in RunStore(home / "fresh").newest()} == {str(n) for n in range(8)}


def test_a_forked_child_is_another_owner(home: Path) -> None:
    mine = process_locks.this_process(home)
    script = (
        "import os, sys, pathlib\n"
        "from asma_core.runs import process_locks\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "first = process_locks.this_process(home)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    assert process_locks.this_process(home) != first\n"
        "    os._exit(0 if process_locks.is_alive(home, first) else 3)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print(first)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)],
        cwd=PROJECT, capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert process_locks.is_alive(home, mine)
    assert not process_locks.is_alive(home, done.stdout.strip())


def test_a_reused_process_number_is_not_taken_for_the_dead_owner(home: Path) -> None:
    mine = process_locks.this_process(home)
    number = mine.split("-")[-2]
    again = mine.replace(mine.split("-")[-1], "0" * 16)
    assert f"-{number}-" in again and not process_locks.is_alive(home, again)
    # Its file is left from before, but nobody holds it.
    (home / "owners" / f"{again}.lock").touch()
    assert not process_locks.is_alive(home, again)
    process_locks.forget_dead(home)
    assert [path.stem for path in (home / "owners").iterdir()] == [mine]


def test_the_names_in_a_deleted_run_are_not_in_the_database_s_file(home: Path) -> None:
    tiny.furnish(home)
    runs = RunStore()
    secret = "erika-mustermann"
    run = runs.create(replace(tiny.request(), image_name=secret), tiny.inputs())
    runs.judgements.annotate(run.id, note=f"shown to {secret}")
    runs.ask_to_stop(run.id)
    runs.delete(run.id)
    with closing(sqlite3.connect(home / "runs.sqlite")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    left = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in left if secret.encode() in path.read_bytes()] == []
