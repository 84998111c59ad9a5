"""Certifying an image from the command line: figures, pictures, and what can't be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asma_core.cli.main import main
from asma_core.data.masks.label_maps import VOID
from tests import tiny

SMOOTHED = "tiny-smoothed"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    return tiny.furnish(tmp_path)


@pytest.fixture
def smoothed(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    given = ["--model", tiny.MODEL, "--defence", "smoothing", "--set", "sigma=0.15"]
    assert main(["defend", *given, "--name", SMOOTHED]) == 0
    capsys.readouterr()
    return SMOOTHED


def test_a_sample_is_certified_against_its_mask(
    smoothed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    sample = ["--dataset", tiny.DATASET, "--sample", "06", "--out", str(out), "--json"]
    assert main(["certify", "--model", smoothed, *sample]) == 0
    told = json.loads(capsys.readouterr().out)
    said = np.asarray(Image.open(out / "certified.png"))
    silent, truth = said == VOID, tiny.mask_labels(6)
    assert 0 < told["share_abstained"] < 0.9
    assert told["share_abstained"] == pytest.approx(silent.mean())
    assert told["certified_accuracy"] == pytest.approx((said == truth).mean())
    both, either = ((said == 1) & (truth == 1)).sum(), ((said == 1) | (truth == 1)).sum()
    assert told["certified_iou"] == pytest.approx(both / either)
    widest = ((said > 0) | (truth == 1)).sum()
    assert told["guaranteed_iou"] == pytest.approx(both / widest)
    assert told["radius"] == pytest.approx(0.15 * 0.6744897501960817)
    # Where it abstains the picture is black or white, elsewhere it is the image and its classes.
    shown = np.asarray(Image.open(out / "certificate.png").convert("RGB")).astype(int)
    assert np.isin(shown[silent], (0, 255)).all()
    assert np.array_equal(shown[said == 0], tiny.image_pixels(6)[said == 0])


def test_an_own_image_needs_no_mask(
    smoothed: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = home / "datasets" / tiny.DATASET / "images" / "00.png"
    given = ["--image", str(image), "--tau", "0.6", "--out", str(tmp_path / "out"), "--json"]
    assert main(["certify", "--model", smoothed, *given]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "certified_iou" not in told and told["settings"]["tau"] == 0.6


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--model", tiny.MODEL], "defend it first"),
        (["--samples-n", "20"], "take at least 49"),
        (["--tau", "0.4"], "tau is 0.4"),
        (["--sample", "99"], "99"),
    ],
)
def test_what_can_t_be_certified_is_one_line(
    smoothed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    sample = ["--dataset", tiny.DATASET, "--sample", "06", "--out", str(tmp_path / "out")]
    try:
        code = main(["certify", "--model", smoothed, *sample, *more])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
