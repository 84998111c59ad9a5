"""What is wrong with a data folder is said, and mended where nothing is lost by it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from asma_core.cli.main import main
from asma_core.errors import StoreError
from asma_core.runs.migrations import VERSION
from asma_core.runs.store import RunStore
from asma_core.upkeep.check import Report, check
from tests import tiny
from tests.runs.test_crashes import held
from tests.upkeep.kept_home import DONE, ask, tree, whole


@pytest.fixture
def kept(home: Path) -> Path:
    return whole(home)


def mended(words: str) -> None:
    """A fault is said, mended, and then gone."""
    (said,) = check().problems
    assert words in said and said.endswith("; `store check --repair` mends it."), said
    assert words in check(repair=True).mended[0]
    assert check() == Report()


def only_said(words: str) -> None:
    """A fault is said, and stays until a person does something."""
    for repair in (False, True):
        report = check(repair=repair)
        assert [words in one for one in report.problems] == [True], report
        assert report.mended == []


def remove(path: Path) -> None:
    for inner in sorted(path.rglob("*"), reverse=True):
        inner.rmdir() if inner.is_dir() else inner.unlink()
    path.rmdir()


# The database -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP INDEX runs_by_time", "lacks the index runs_by_time of runs"),
        ("ALTER TABLE runs DROP COLUMN note", "lacks the column note of runs"),
        ("DROP TABLE universal", "lacks the table universal"),
        ("DROP TRIGGER runs_note_deletion", "lacks the trigger runs_note_deletion of runs"),
    ],
)
def test_a_lost_part_is_added(kept: Path, statement: str, words: str) -> None:
    ask(kept, statement)
    (said,) = [one for one in check().problems if "lacks" in one]
    assert words in said
    assert words in check(repair=True).mended[0]
    assert [one for one in check().problems if "lacks" in one] == []
    assert len(RunStore().newest()) == 4


def test_a_lost_column_is_said_by_every_command_and_the_rest_survives(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(kept, "ALTER TABLE runs DROP COLUMN tags")
    assert main(["runs"]) == 2
    said = capsys.readouterr().err
    assert "lacks the column tags of runs; `python -m asma_core store check --repair`" in said
    assert main(["store", "check", "--repair"]) == 0
    assert RunStore().get(DONE).note == "a note"


def test_an_index_that_does_not_fit_its_table_is_made_anew(kept: Path) -> None:
    ask(kept, "PRAGMA wal_checkpoint(TRUNCATE)")
    # Behind its back: rows of the table that its index knows nothing of.
    statement = ask(kept, "SELECT sql FROM sqlite_master WHERE name = 'runs_by_state'")[0][0]
    with closing(sqlite3.connect(kept / "runs.sqlite", isolation_level=None)) as database:
        database.execute("DROP INDEX runs_by_state")
        database.execute("CREATE INDEX runs_by_state ON runs (state) WHERE state = 'nothing'")
        database.execute("PRAGMA writable_schema = ON")
        change = "UPDATE sqlite_master SET sql = ? WHERE name = 'runs_by_state'"
        database.execute(change, (statement,))
    problems = check().problems
    assert any("in its indexes alone" in one for one in problems), problems
    check(repair=True)
    assert [one for one in check().problems if "damaged" in one] == []


def test_a_damaged_database_is_said_with_the_way_out(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kept / "runs.sqlite").write_bytes(b"rubbish" * 1000)
    only_said("store reindex")
    capsys.readouterr()
    assert main(["store", "check"]) == 1
    assert main(["runs"]) == 2
    assert "is damaged (file is not a database)" in capsys.readouterr().err


def test_one_of_a_newer_program_is_left_alone(kept: Path) -> None:
    ask(kept, f"PRAGMA user_version = {VERSION + 1}")
    only_said("is of a newer version of the workbench")


def test_a_lost_database_is_said_and_never_made_empty(kept: Path) -> None:
    for file in kept.glob("runs.sqlite*"):
        file.unlink()
    with pytest.raises(StoreError, match="is gone, but its runs are there"):
        RunStore()
    only_said("store reindex")
    assert not (kept / "runs.sqlite").exists()


def test_no_data_folder_is_said(home: Path) -> None:
    with pytest.raises(StoreError, match="there is no data folder"):
        check()


# Rows and their files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [("spec", "{"), ("spec", "[]"), ("spec", "{}"), ("results", "7"), ("state", "odd"),
     ("created", "yesterday")],
)  # fmt: skip
def test_a_bad_row_is_said_and_hides_nothing(kept: Path, column: str, value: str) -> None:
    ask(kept, f"UPDATE runs SET {column} = ? WHERE id = ?", value, DONE)
    assert any(f"the row of run {DONE} can't be read" in one for one in check().problems)
    with_files = RunStore().folder(DONE)
    check(repair=True)
    assert with_files.is_dir() and len(ask(kept, "SELECT id FROM runs")) == 4


def test_a_run_without_its_files_is_said(kept: Path) -> None:
    remove(kept / "runs" / DONE)
    only_said(f"these runs have lost their files: {DONE};")


def test_a_record_that_is_rubbish_is_said(kept: Path) -> None:
    (kept / "runs" / DONE / "run.json").write_text("[[[")
    only_said(f"these runs have no run.json that can be read: {DONE};")


def test_a_folder_whose_row_was_lost_gets_it_again(kept: Path) -> None:
    before = RunStore().get(DONE)
    ask(kept, "DELETE FROM runs WHERE id = ?", DONE)
    ask(kept, "DELETE FROM deleted")
    mended(f"these folders of runs have no row: {DONE}")
    assert RunStore().get(DONE) == before


def test_inputs_that_are_lost_are_said(kept: Path) -> None:
    (kept / "inputs" / f"{RunStore().get(DONE).spec.inputs_hash}.npz").unlink()
    only_said("have lost their image and masks")


def test_inputs_that_nobody_uses_are_removed(kept: Path) -> None:
    before = tree(kept)
    (kept / "inputs" / f"{'0' * 64}.npz").write_bytes(b"a person's")
    mended("images of no run in")
    assert tree(kept) == before


def test_inputs_of_a_folder_without_a_row_stay(kept: Path) -> None:
    before = tree(kept)
    ask(kept, "DELETE FROM runs")
    ask(kept, "DELETE FROM deleted")
    RunStore().tidy()
    named = {name for name in before if name.startswith("runs/")}
    inputs = {
        json.loads(before[name])["spec"]["inputs_hash"] for name in named if "run.json" in name
    }
    left = tree(kept)
    assert named <= set(left)
    assert {name for name in left if name.startswith("inputs/")} == {
        f"inputs/{one}.npz" for one in inputs
    }


def test_a_deletion_that_was_killed_is_finished(kept: Path) -> None:
    inputs = RunStore().get(DONE).spec.inputs_hash
    ask(kept, "DELETE FROM runs WHERE id = ?", DONE)
    mended("deletions that were not finished: 1")
    left = [name for name in tree(kept) if DONE in name or inputs in name]
    assert left == [] and ask(kept, "SELECT * FROM deleted") == []


def test_what_a_crash_left_is_removed(kept: Path) -> None:
    before = tree(kept)
    (kept / "work" / DONE / "result").mkdir(parents=True)
    (kept / "work" / DONE / "result" / "original.png").write_bytes(b"a person's")
    mended(f"a crash left {DONE} in")
    half = kept / "models" / f".net.toml.{'a' * 32}"
    half.write_bytes(b"half")
    assert check() == Report()
    hours_ago = time.time() - 7200
    os.utime(half, (hours_ago, hours_ago))
    mended("these files were being written")
    assert tree(kept) == before


def test_a_run_whose_process_died_is_settled(kept: Path) -> None:
    tiny.furnish(kept)
    run = held(RunStore(), "vm-1-00", "running")
    (said,) = check().problems
    assert f"these runs ended with their process: {run}" in said
    check(repair=True)
    assert RunStore().get(run).state == "interrupted"


def test_a_judgement_without_its_copy_gets_it(kept: Path) -> None:
    (kept / "rows" / "runs" / f"{DONE}.json").unlink()
    mended("these rows have no copy")
    (kept / "rows" / "runs" / f"{DONE}.json").write_text("[]")
    mended("these rows have no copy")


def test_a_clock_that_went_back_is_a_note(kept: Path) -> None:
    ask(kept, "UPDATE runs SET created = ? WHERE id = ?", time.time() + 9e6, DONE)
    check(repair=True)
    report = check()
    assert report.problems == [] and f"{DONE}: made in the future" in report.notes[0]
    ask(kept, "UPDATE runs SET created = 2e9, finished = 1e9 WHERE id = ?", DONE)
    assert DONE in check().notes[0]
    assert len(RunStore().newest()) == 4


# Files --------------------------------------------------------------------------------------


def test_what_others_may_read_is_closed(kept: Path) -> None:
    kept.chmod(0o755)
    file = kept / "models" / "tiny-unet.toml"
    file.chmod(0o644)
    assert "other accounts of this machine may read" in check().problems[0]
    kept.chmod(0o755)
    assert "other accounts of this machine may read" in check(repair=True).mended[0]
    assert kept.stat().st_mode & 0o777 == 0o700 and file.stat().st_mode & 0o777 == 0o600


RUBBISH: dict[str, tuple[str, str, str]] = {
    "dataset": ("datasets/odd/dataset.json", "[[[[", "the data set odd can't be read"),
    "data set of another kind": ("datasets/odd/dataset.json", "[]", "the data set odd can't be"),
    "card": ("models/odd.toml", "= = =", "odd.toml"),
    "plan": ("robustness/12345678.json", "{}", "the plan 12345678 can't be read"),
    "plan that is no object": ("detection/12345678.json", "7", "the plan 12345678 can't be read"),
    "config": ("config.toml", "a = = 1", "config.toml can't be read"),
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_a_record_of_rubbish_is_said(
    kept: Path, put: Callable[[Path, bytes], Path], kind: str
) -> None:
    name, content, words = RUBBISH[kind]
    put(kept / name, content.encode())
    only_said(words)


def test_rubbish_plans_of_trainings_and_experiments_are_said(kept: Path) -> None:
    (plan,) = (kept / "trainings").glob("*/plan.json")
    plan.write_text("7")
    only_said("training")
    plan.write_bytes(b"")
    ask(kept, "UPDATE experiments SET plan = '[1]'")
    said = " ".join(check().problems)
    assert "the record of experiment" in said and "plan.json is not JSON" in said


def test_check_tells_by_its_exit_status_and_as_json(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
    (kept / "inputs" / f"{'0' * 64}.npz").write_bytes(b"")
    assert main(["store", "check"]) == 1
    assert main(["store", "check", "--repair"]) == 0
    assert "mended:\n  images of no run in" in capsys.readouterr().out
