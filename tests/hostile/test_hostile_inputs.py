"""A sample of `python -m scripts.hostile_inputs`: success or an error for people, nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from random import Random

import pytest

from asma_core.errors import InputError
from asma_core.paths import PROJECT
from scripts.hostile.kinds import KINDS, Kind
from scripts.hostile_inputs import MOST_MB, Outcome, read_batch, read_one

SAMPLE = 40
# Bombs are read in processes of their own, and take seconds.
QUICK = [name for name in KINDS if name != "bomb"]


@pytest.mark.parametrize("name", QUICK)
def test_hostile_inputs_end_in_success_or_in_a_sentence(name: str) -> None:
    with warnings.catch_warnings():
        # Of libraries, over what is hostile.
        warnings.simplefilter("ignore")
        outcomes = [read_one(KINDS[name], name, 7, number) for number in range(SAMPLE)]
    bad = [one for one in outcomes if one.ending not in ("success", "refused")]
    assert bad == []
    assert max(one.megabytes for one in outcomes) < MOST_MB
    # Were all refused at the door, nothing behind it would be tried.
    assert {one.ending for one in outcomes} == {"success", "refused"} or name in (
        "address",
        "note",
    )


def test_the_same_seed_makes_the_same_inputs(tmp_path: Path) -> None:
    def made(name: str, number: int) -> list[bytes]:
        folder = tmp_path / os.urandom(8).hex()
        folder.mkdir()
        KINDS[name].make(Random(f"{name} 3 {number}"), folder)
        return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]

    for name in ("weights", "card", "dataset-card", "table", "annotation", "settings"):
        assert made(name, 5) == made(name, 5)
        assert made(name, 5) != made(name, 6)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (ZeroDivisionError("x"), "ZeroDivisionError: x at "),
        (InputError("give it a name"), "refused"),
        (InputError(""), "says ''"),
        (None, "success"),
    ],
)
def test_what_is_no_sentence_is_told(error: Exception | None, ending: str) -> None:
    def ask() -> None:
        if error is not None:
            raise error

    found = read_one(Kind(lambda rng, folder: ask, 1), "words", 0, 3)
    assert found.ending.startswith(ending)
    assert found.good == (ending in ("success", "refused"))


def test_too_slow_or_too_large_is_told() -> None:
    assert Outcome("image", 0, "success", 1.0, 10.0).good
    assert not Outcome("image", 0, "success", 60.0, 10.0).good
    assert not Outcome("image", 0, "refused", 1.0, 10_000.0).good


def test_an_input_that_ends_its_process_is_told_and_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A kind that there is not ends the process that is to read it.
    found = read_batch("no such kind", 0, 5, 2)
    assert [one.number for one in found] == [5, 6]
    assert all(one.ending.startswith("ends its process") for one in found)


def test_the_script_counts_and_repeats() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "scripts.hostile_inputs", "--kind", "settings", "--count", "30",
         "--seed", "4", "--first", "2", "--json"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(said.stdout)
    assert told["inputs"] == 30
    assert told["failed"] == 0
    assert sum(told["endings"].values()) == 30
