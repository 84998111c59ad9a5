"""A data set without masks: attacked and shown to detectors; the truth is a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError
from asma_core.experiments.plan import pairs_of
from asma_core.models.sources.cards import find_card, fits
from asma_core.runs.run import Run
from asma_core.runs.sources import from_sample, target_from_sample
from asma_core.runs.store import RunStore
from tests import tiny

Ask = Callable[..., Any]
NAME = "alone"
AWAY = ["--set", "goal_is=away from the prediction"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images, and a picture that is called a mask."""
    made = tmp_path / "scans"
    made.mkdir()
    for place in range(4):
        (made / f"{place}.png").write_bytes(tiny.png(tiny.image_pixels(place)))
    (made / "0_mask.png").write_bytes(tiny.png(tiny.image_pixels(5)))
    return made


@pytest.fixture
def ask(home: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    tiny.furnish(home)

    def call(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def imported(ask: Ask, folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = ask("import-dataset", str(folder), "--layout", "images", "--name", NAME)
    return told


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_it_is_imported_only_where_somebody_says_so(
    home: Path, folder: Path, imported: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "0_mask.png").unlink()
    assert "--layout images" in refused(capsys, "import-dataset", str(folder))
    assert (imported["masks"], imported["images"], imported["classes"]) == (False, 4, [])
    assert (imported["checked"], imported["encoding"]) == ("every image", "no masks")
    assert any("left out: 1" in reason for reason in imported["reasons"])
    dataset = open_dataset(NAME)
    assert not dataset.masked and [one.name for one in dataset] == ["0", "1", "2", "3"]
    # Whatever network somebody has: the classes are its own.
    assert all(fits(find_card(name), dataset) for name in (tiny.MODEL, tiny.THREE))
    assert open_dataset(tiny.DATASET).masked


def test_its_truth_is_absent_and_a_sentence_where_it_is_asked_for(
    imported: dict[str, Any],
) -> None:
    dataset = open_dataset(NAME)
    source = from_sample(dataset, dataset.samples[1])
    assert source.truth is None and source.valid.all()
    pixels = tiny.image_pixels(1).transpose(2, 0, 1)
    assert np.array_equal(np.rint(255 * source.image), pixels)
    for asked in (
        lambda: dataset[0].mask,
        lambda: target_from_sample(dataset, dataset.samples[0], source.shape),
        dataset.check_masked,
    ):
        with pytest.raises(InputError, match="no mask"):
            asked()
    assert pairs_of(dataset, 3) == (("0", "0"), ("1", "1"), ("2", "2"))
    with pytest.raises(InputError, match="4 images"):
        pairs_of(dataset, 5)


def test_an_image_is_attacked_from_the_prediction_and_away_from_it(
    ask: Ask, imported: dict[str, Any], tmp_path: Path
) -> None:
    given = ["attack", "--model", tiny.MODEL, "--dataset", NAME, "--sample", "1", "--steps", "20"]
    told = [
        ask(*given, "--scenario", "shrink", "--set", "target_iou=0.8"),
        ask(*given, "--attack", "pgd", "--set", "target_iou=0.4", "--set", "budget=15", *AWAY),
    ]
    runs: list[Run] = [RunStore().get(one["run_id"]) for one in told]
    assert [run.spec.dataset for run in runs] == [NAME, NAME]
    assert all(run.results for run in runs) and runs[1].outcome == "success"


def test_detectors_look_at_it_where_the_attack_leads_away(
    ask: Ask, imported: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["detect", "--model", tiny.MODEL, "--dataset", NAME, "--samples", "4"]
    given += ["--detectors", "entropy", "--adaptive-steps", "20", "--steps", "20"]
    answer = ask(*given, "--attack", "pgd", "--target-iou", "0.4", "--set", "budget=15", *AWAY)
    rows = {row["files"]: row for row in answer["rows"]}
    assert (rows["attacked"]["clean_images"], answer["problems"]) == (4, [])
    assert rows["attacked"]["n"] > 0 and rows["attacked"]["auroc"]["value"] is not None
    assert rows["attacked"]["l2"] > 0.0
    said = refused(capsys, *given, "--attack", "minimal")
    assert "minimal has no target" in said and "away from the prediction" in said
    truth = ["--set", "goal_is=away from the truth"]
    assert "has no target" in refused(capsys, *given, "--attack", "pgd", *truth)


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--dataset", NAME, "--steps", "2", "--out", "OUT"],
        ["map-classes", "--model", tiny.MODEL, "--dataset", NAME],
        ["attack", "--model", tiny.MODEL, "--dataset", NAME, "--sample", "0",
         "--target-sample", "1"],
        ["ablation", "--model", tiny.MODEL, "--dataset", NAME, "--samples", "2", "--out", "OUT"],
        ["robustness", "--model", tiny.MODEL, "--dataset", NAME, "--samples", "2",
         "--attacks", "minimal", "--defences", "jpeg"],
    ],
)  # fmt: skip
def test_what_needs_the_truth_says_so(
    imported: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    command = [str(tmp_path / "out") if part == "OUT" else part for part in command]
    assert "no mask" in refused(capsys, *command)


def test_a_network_is_checked_on_it_without_an_iou(ask: Ask, imported: dict[str, Any]) -> None:
    report = ask("check-model", tiny.MODEL, "--dataset", NAME)
    assert report["usable"] and report["iou"] is None
