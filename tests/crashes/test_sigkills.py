"""A sample of `python -m scripts.sigkills`: one of each kind, and what makes it see anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crashes.forks import answer, killed_after, killed_at_step, steps_of
from tests.crashes.killing import Killing
from tests.crashes.scenarios import SCENARIOS, furnish
from tests.crashes.whole import known, problems
from tests.upkeep.kept_home import DONE, OF_CELL, ask


def test_a_sample_of_kills_leaves_nothing_half(tmp_path: Path) -> None:
    kills = Killing(tmp_path / "kills", seed=20)
    found = [kills.kill(name) for name in SCENARIOS]
    found.append(kills.kill("delete"))
    assert [(one.name, one.moment, one.problems) for one in found if one.problems] == []
    assert sum(one.came for one in found) > len(found) // 2


def spoilt(home: Path, how: str) -> None:
    run = home / "runs" / DONE
    if how == "a file is gone":
        (run / "adversarial.png").unlink()
    elif how == "a file is another":
        (run / "adversarial.png").write_bytes(b"half")
    elif how == "the inputs are gone":
        for file in (home / "inputs").iterdir():
            file.unlink()
    elif how == "a row is gone":
        ask(home, "DELETE FROM runs WHERE id = ?", DONE)
    elif how == "a row says something else":
        ask(home, "UPDATE runs SET state = 'failed' WHERE id = ?", DONE)
    elif how == "the database is none":
        (home / "runs.sqlite").write_bytes(b"x" * 9999)
        for file in home.glob("runs.sqlite-*"):
            # What a connection has left there would be read in its stead.
            file.unlink()
        (home / "runs" / OF_CELL / "run.json").write_text("{")


def spoilt_review(home: Path, how: str) -> None:
    if how == "an answer is gone":
        ask(home, "DELETE FROM review_answers WHERE reviewer = 'Ann'")
        for file in (home / "rows" / "reviews").glob("*.jsonl"):
            file.unlink()
    elif how == "a review is gone":
        ask(home, "DELETE FROM reviews")


@pytest.mark.parametrize(
    "how",
    ["a file is gone", "a file is another", "the inputs are gone", "a row is gone",
     "a row says something else", "the database is none", "an answer is gone",
     "a review is gone"],
)  # fmt: skip
def test_what_is_not_whole_is_seen(tmp_path: Path, how: str) -> None:
    home = tmp_path / "home"
    answer(lambda: furnish(home))
    before = answer(lambda: known(home))
    assert answer(lambda: problems(home, before, [])) == []
    answer(lambda: spoilt(home, how))
    answer(lambda: spoilt_review(home, how))
    assert answer(lambda: problems(home, before, [])) != []


def test_what_is_left_of_a_deleted_run_is_seen(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer(lambda: furnish(home))
    before = answer(lambda: known(home))

    def half_deleted() -> None:
        ask(home, "DELETE FROM runs WHERE id = ?", DONE)
        ask(home, "DELETE FROM deleted")

    answer(half_deleted)
    found = answer(lambda: problems(home, before, [DONE]))
    assert any("these folders of runs have no row" in line for line in found)


def test_a_kill_comes_before_its_step(tmp_path: Path) -> None:
    def three_files() -> None:
        for name in "abc":
            (tmp_path / name).write_text(name)

    assert steps_of(three_files)[0] == 3
    for path in tmp_path.iterdir():
        path.unlink()
    assert killed_at_step(three_files, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert not killed_at_step(three_files, 4)


def test_a_kill_comes_after_its_time_or_not_at_all(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    assert killed_after(lambda: os.read(reader, 1), 0.05)
    os.close(writer)
    os.close(reader)
    assert not killed_after(lambda: None, 600.0)
