"""Rubbish beside what is good: commands list the rest, and `store check` says what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import asma_core as asma
from asma_core.cli.main import main
from tests import tiny
from tests.upkeep.kept_home import DONE, OF_CELL, ask, whole


@pytest.fixture
def kept(home: Path) -> Path:
    return tiny.furnish(whole(home))


def asked(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    """Run a command with --json; return its answer."""
    capsys.readouterr()
    assert main([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("card", ["[[[[", "7", '{"classes": 7}', '{"root": 5}'])
def test_a_data_set_of_rubbish_hides_no_other(
    kept: Path, capsys: pytest.CaptureFixture[str], card: str
) -> None:
    (kept / "datasets" / "odd").mkdir()
    (kept / "datasets" / "odd" / "dataset.json").write_text(card)
    told = {one["name"]: one for one in asked(capsys, "datasets")}
    assert told[tiny.DATASET]["images"] == tiny.COUNT and "problem" in told["odd"]
    named = set(asma.datasets()["name"])
    assert {tiny.DATASET, "odd"} <= named
    problems = asked(capsys, "store", "check", status=1)["problems"]
    assert any("the data set odd can't be read" in one for one in problems)


def test_a_card_of_rubbish_hides_no_other(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (kept / "models" / "odd.toml").write_text("name = [[[[")
    assert tiny.MODEL in {one["name"] for one in asked(capsys, "models")}
    assert "odd.toml" in asked(capsys, "store", "check", status=1)["problems"][0]


def test_a_bad_row_hides_no_other(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(kept, "UPDATE runs SET spec = '[' WHERE id = ?", DONE)
    assert OF_CELL in {one["run_id"] for one in asked(capsys, "runs")}
    problems = asked(capsys, "store", "check", status=1)["problems"]
    assert any(f"the row of run {DONE} can't be read" in one for one in problems)
    told = asked(capsys, "store", "reindex")
    assert told["taken_in"] == [DONE] and Path(told["kept"]).exists()
    assert {DONE, OF_CELL} <= {one["run_id"] for one in asked(capsys, "runs")}


@pytest.mark.parametrize("words", [["store"], ["store", "backup"], ["store", "mend"]])
def test_what_is_not_said_whole_is_told(
    kept: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1
