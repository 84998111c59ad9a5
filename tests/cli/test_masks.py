"""Void counts nowhere, whichever way a mask comes in; what is asked of an attack is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from asma_core.cli import main as cli
from tests import tiny

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture(autouse=True)
def _furnished(home: Path) -> None:
    tiny.furnish(home)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def put(folder: Path, image: bytes, mask: bytes) -> None:
    for kind, data in (("images", image), ("masks", mask)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / "a.png").write_bytes(data)
        (folder / kind / "b.png").write_bytes(data)


@pytest.mark.parametrize("material", ["tiny", "case"])
def test_void_counts_nowhere_whichever_way_a_mask_comes_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], material: str
) -> None:
    if material == "case":
        if not CASES.exists():
            pytest.skip("../shared/cases is not there")
        model = "demo-lesion-unet"
        picture = (CASES / "img" / "base.png").read_bytes()
        masked = (CASES / "msk" / "void_half.png").read_bytes()
    else:
        model = tiny.MODEL
        labels = tiny.mask_labels(0).astype(np.uint8)
        labels[:, :14] = np.where(labels[:, :14] > 0, 255, 0)
        assert {0, 1, 255} == set(np.unique(labels))
        picture, masked = tiny.png(tiny.image_pixels(0)), tiny.png(labels)
    put(tmp_path / "set", picture, masked)
    image, mask = (str(tmp_path / "set" / kind / "a.png") for kind in ("images", "masks"))
    said = ask(capsys, "predict", "--model", model, "--image", image, "--mask", mask,
               "--out", str(tmp_path / "p"))  # fmt: skip
    expected = said["iou"]
    if material == "case":
        assert expected == pytest.approx(0.9306, abs=5e-5)
    attack = ["attack", "--model", model, "--steps", "1", "--set", "target_iou=1.0"]
    drawn = ask(capsys, *attack, "--image", image, "--target-mask", mask)
    of_set = ["--dataset", str(tmp_path / "set"), "--sample", "a"]
    sampled = ask(capsys, *attack, *of_set, "--target-sample", "b")
    given = ask(capsys, *attack, *of_set, "--target-mask", mask)
    checked = ask(capsys, "check-model", model, "--dataset", str(tmp_path / "set"))
    found = [run["iou_before"] for run in (drawn, sampled, given)] + [checked["iou"]]
    assert found == pytest.approx([expected] * 4)
    # And it is not what counting void as background would give.
    truth = np.asarray(Image.open(mask))
    seen = np.asarray(Image.open(said["files"]["prediction.png"]))
    one = (truth == 1) & (seen == 1)
    assert expected != pytest.approx(one.sum() / ((truth == 1) | (seen == 1)).sum())


SAMPLE = ["attack", "--model", tiny.MODEL, "--dataset", tiny.DATASET, "--sample", "0"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scenario", "hide", "--attack", "apgd-ensemble", "--steps", "12"],
        ["--scenario", "hide", "--attack", "pgd", "--set", "goal_is=away from the mask"],
        ["--scenario", "move", "--attack", "apgd-ensemble", "--steps", "12"],
        ["--attack", "apgd-ensemble", "--steps", "12"],
    ],
)
def test_an_untargeted_attack_leads_away_from_the_prediction(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    run = ask(capsys, *SAMPLE, *arguments)
    assert run["goal"] == "away from what the network says of it" and run["target"] is None
    assert run["score_name"] == "iou lost" and run["score_before"] == 0.0
    assert run["success"] == (run["score_8bit"] >= run["config"]["target_iou"])
    assert run["l2_8bit"] > 0 and "target.png" not in run["files"]
    clean, seen = (
        np.asarray(Image.open(run["files"][f"prediction_{name}.png"])) > 0
        for name in ("clean", "adversarial")
    )
    assert run["score_8bit"] == pytest.approx(1 - (clean & seen).sum() / (clean | seen).sum())


def test_away_from_the_truth_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, tiny.png(tiny.image_pixels(1)), tiny.png(tiny.mask_labels(1).astype(np.uint8)))
    image, mask = (str(tmp_path / kind / "a.png") for kind in ("images", "masks"))
    away = ["--attack", "pgd", "--steps", "3", "--set", "goal_is=away from the truth"]
    own = ["attack", "--model", tiny.MODEL, "--image", image]
    run = ask(capsys, *own, "--truth", mask, *away)
    assert run["goal"] == "away from the truth" and run["score_before"] < 0.5
    assert cli.main([*own, *away]) == 2
    assert "no known mask" in capsys.readouterr().err


def test_a_black_box_says_how_often_it_asked(capsys: pytest.CaptureFixture[str]) -> None:
    run = ask(capsys, *SAMPLE, "--target-sample", "2", "--attack", "square", "--steps", "30",
              "--set", "target_iou=1.0")  # fmt: skip
    assert (run["gradient_evaluations"], run["forward_passes"]) == (0, 31)
