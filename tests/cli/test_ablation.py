"""The command `ablation`: rows, files, and nothing done twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asma_core.cli import main as cli
from asma_core.runs import execute as run_execution
from asma_core.runs.reasons import TOO_FEW
from asma_core.runs.store import RunStore
from tests import tiny

Ask = Callable[..., Any]


@pytest.fixture
def ask(home: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    tiny.furnish(home)

    def run(*more: str) -> Any:
        arguments = ["ablation", "--model", tiny.MODEL, "--dataset", tiny.DATASET, "--json"]
        arguments += ["--samples", "2", "--steps", "12", "--target-iou", "0.8", "--device", "cpu"]
        assert cli.main([*arguments, *more]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_rows_and_files(ask: Ask, tmp_path: Path) -> None:
    answer = ask("--attacks", "asm,minimal", "--out", str(tmp_path / "out"))
    assert [row["attack"] for row in answer["rows"]] == ["asm", "minimal"]
    for row in answer["rows"]:
        assert row["n"] == 2
        assert 0 <= row["success_rate"] <= 1
        for kind in ("mean", "std"):
            assert set(row[kind]) == {
                "iou", "structure_removed", "iou_lost", "pixel_accuracy", "l2", "linf",
                "ciede2000", "ssim", "gradient_evaluations", "forward_passes", "seconds",
            }  # fmt: skip
    runs = [run for run in RunStore().newest() if run.spec.attack == "minimal"]
    expected = sum(run.results["l2_8bit"] for run in runs) / 2
    assert answer["rows"][1]["mean"]["l2"] == pytest.approx(expected)
    assert all(Path(file).read_text() for file in answer["files"].values())
    assert set(answer["files"]) == {"summary.csv", "cells.csv", "table.tex", "table.md"}


def test_what_is_done_is_not_repeated(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask("--attacks", "asm,ssm")
    done = {run.id for run in RunStore().newest()}
    assert len(done) == 4
    assert ask("--attacks", "asm,ssm") == first
    assert {run.id for run in RunStore().newest()} == done
    gone = RunStore().newest()[0].id
    RunStore().delete(gone)
    again = ask("--attacks", "asm,ssm")
    assert len(RunStore().newest()) == 4
    assert [row["mean"]["l2"] for row in again["rows"]] == [
        row["mean"]["l2"] for row in first["rows"]
    ]


def test_stopped_in_the_middle_it_goes_on(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    executed: list[str] = []
    real = run_execution.execute_together

    def counted(store: RunStore, run_ids: list[str]) -> Any:
        if len(executed) == 2:
            raise KeyboardInterrupt
        executed.extend(run_ids)
        return real(store, run_ids)

    monkeypatch.setattr(run_execution, "execute_together", counted)
    arguments = ["--model", tiny.MODEL, "--dataset", tiny.DATASET, "--samples", "2"]
    arguments += ["--steps", "12", "--target-iou", "0.8", "--device", "cpu"]
    assert cli.main(["ablation", *arguments, "--attacks", "asm,ssm"]) == 130
    monkeypatch.setattr(run_execution, "execute_together", real)
    answer = ask("--attacks", "asm,ssm")
    assert [row["n"] for row in answer["rows"]] == [2, 2]
    finished = {run.id for run in RunStore().newest() if run.results}
    assert set(executed) < finished
    assert len(finished) == 4


@pytest.mark.parametrize(("batch", "together"), [((), 1), (("--batch", "2"), 2)])
def test_a_batch_is_attacked_at_once(ask: Ask, batch: tuple[str, ...], together: int) -> None:
    ask("--attacks", "asm,ssm", *batch)
    assert [run.results["batch"] for run in RunStore().newest()] == [together] * 4


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "many", ""])
def test_a_batch_is_a_whole_number_from_one_on(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["ablation", "--model", "m", "--dataset", "d", f"--batch={text}"])
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert f"--batch: {text!r} is not a whole number from 1 on" in line


def test_the_distance_term_has_rows_of_its_own(ask: Ask) -> None:
    answer = ask("--attacks", "", "--distance-weights", "0,100", "--study", "asm")
    labels = [row["label"] for row in answer["rows"]]
    assert labels == ["asm, distance 0", "asm, distance 100"]
    weights = {run.spec.config["distance_weight"] for run in RunStore().newest()}
    assert weights == {0.0, 100.0}


def test_a_network_that_fails_is_counted_and_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.furnish(home)
    arguments = ["ablation", "--model", tiny.NAN, "--dataset", tiny.DATASET, "--samples", "1"]
    assert cli.main([*arguments, "--attacks", "asm", "--device", "cpu", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (row,) = answer["rows"]
    assert (row["n"], row["failed"], row["success_rate"]) == (1, 1, 0.0)
    assert "NaN" in answer["problems"][0]
    assert answer["warnings"] == []


def test_warnings_of_the_runs_are_counted(ask: Ask) -> None:
    answer = ask("--attacks", "asm,ssm", "--steps", "2")
    few = TOO_FEW.format(steps="2 steps")
    assert answer["warnings"][0] == f"4 of 4 runs: {few}"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--attacks", "asma,nothing"], "'nothing'"),
        (["--attacks", ""], "at least one attack"),
        (["--samples", "999"], "ask for fewer"),
        (["--target-iou", "7"], "target_iou"),
        (["--distance-weights", "0", "--study", "pgd"], "no distance term"),
        (["--model", "none-such"], "none-such"),
    ],
)
def test_bad_input_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    tiny.furnish(home)
    arguments = ["ablation", "--model", tiny.MODEL, "--dataset", tiny.DATASET, "--json", *more]
    assert cli.main(arguments) == 2
    err = capsys.readouterr().err.strip().splitlines()
    assert len(err) == 1
    assert says in err[0]
