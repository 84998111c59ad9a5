"""The window on the command line: chosen, said, kept, and refused where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from asma_core.cli import main as cli
from asma_core.data.datasets import open_dataset
from asma_core.data.formats.windows import Window
from asma_core.runs.store import RunStore
from tests import tiny
from tests.data.formats.test_volumes import dicom, nifti

GREY = np.atleast_3d(tiny.image_pixels(0))[..., 0]
DEEP = (1000 + 7 * GREY.astype(np.int64)).astype(np.uint16)
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"


@pytest.fixture(autouse=True)
def _furnished(home: Path) -> None:
    tiny.furnish(home)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert cli.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    try:
        status = cli.main([*arguments])
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == 2
    return capsys.readouterr().err


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    path = tmp_path / "deep.png"
    Image.fromarray(DEEP).save(path)
    return path


def test_attack_and_predict_see_through_the_window(
    tmp_path: Path, deep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ask(capsys, "predict", "--model", tiny.MODEL, "--image", str(deep), "--out",
               str(tmp_path / "p"))  # fmt: skip
    assert said["window"]["how"].startswith("percentiles")
    chosen = {"low": -100.0, "high": 2400.0, "how": "chosen"}
    for window in (["--window", "-100,2400"], ["--window=-100,2400"]):
        said = ask(capsys, "predict", "--model", tiny.MODEL, "--image", str(deep), *window,
                   "--out", str(tmp_path / "p"))  # fmt: skip
        assert said["window"] == chosen
    run = ask(capsys, "attack", "--model", tiny.MODEL, "--image", str(deep), "--scenario", "hide",
              "--steps", "1", "--window", "-100,2400")  # fmt: skip
    assert run["window"] == chosen
    kept = RunStore().get(run["run_id"]).spec
    assert kept.window == Window(-100, 2400)
    original = np.asarray(Image.open(run["files"]["original.png"]))
    expected = np.rint((DEEP + 100.0) / 2500 * 255)
    assert np.abs(original.reshape(*DEEP.shape, -1)[..., 0] - expected).max() <= 1


def test_a_volume_of_several_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.stack([np.stack([DEEP] * 20, axis=-1)] * 2, axis=-1).astype(np.int16)
    values[..., 1] += 5000
    path = tmp_path / "v.nii"
    path.write_bytes(nifti(values, packed=False))
    words = ["predict", "--model", tiny.MODEL, "--image", str(path), "--out", str(tmp_path / "p")]
    assert ask(capsys, *words)["window"]["low"] < 5000
    assert ask(capsys, *words, "--volume", "1")["window"]["low"] > 5000
    assert "there is no 2" in refused(capsys, *words, "--volume", "2")


@pytest.mark.parametrize("window", ["5", "5,4", "a,b", "1,2,3", "nan,3", "-5,-9", ""])
def test_a_window_that_is_none_is_told(
    deep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], window: str
) -> None:
    words = ["predict", "--model", tiny.MODEL, "--image", str(deep), "--out", str(tmp_path / "p")]
    assert "window" in refused(capsys, *words, "--window", window)


def test_8_bits_have_no_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "grey.png"
    path.write_bytes(tiny.png(tiny.image_pixels(0)))
    words = ["predict", "--model", tiny.MODEL, "--image", str(path), "--out", str(tmp_path / "p")]
    assert ask(capsys, *words)["window"] is None
    assert "leave the window out" in refused(capsys, *words, "--window", "3,9")
    of_set = ["attack", "--model", tiny.MODEL, "--dataset", tiny.DATASET, "--sample", "0"]
    assert "--window is of --image" in refused(capsys, *of_set, "--window", "3,9")


def test_a_data_set_is_imported_with_a_window(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("images", "masks"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    for name in "ab":
        (tmp_path / "set" / "images" / f"{name}.dcm").write_bytes(dicom(DEEP))
        mask = tiny.png((255 * (tiny.mask_labels(0) > 0)).astype(np.uint8))
        (tmp_path / "set" / "masks" / f"{name}.png").write_bytes(mask)
    said = ask(capsys, "import-dataset", str(tmp_path / "set"), "--name", "auto")
    assert "percentiles" in said["window"]
    said = ask(capsys, "import-dataset", str(tmp_path / "set"), "--name", "mine", "--window",
               "-100,2400")  # fmt: skip
    assert said["window"] == "-100 to 2400 (chosen)"
    assert open_dataset("mine").samples[0].where.window == Window(-100, 2400)
    for path in (tmp_path / "set" / "images").iterdir():
        path.unlink()
    for name in "ab":
        (tmp_path / "set" / "images" / f"{name}.png").write_bytes(tiny.png(tiny.image_pixels(0)))
    words = ["import-dataset", str(tmp_path / "set"), "--name", "eight"]
    assert "leave the window out" in refused(capsys, *words, "--window", "1,2")
    assert ask(capsys, *words)["window"] == "8 bits, as they are"


def test_a_series_is_a_volume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ct").mkdir()
    for place, name in enumerate(("c", "a", "b")):
        data = dicom(DEEP + 1000 * place, SeriesInstanceUID="1.2", InstanceNumber=place)
        (tmp_path / "ct" / name).write_bytes(data)
    words = ["attack", "--model", tiny.MODEL, "--image", str(tmp_path / "ct"), "--steps", "1",
             "--scenario", "hide", "--window", "1000,3785"]  # fmt: skip
    first = ask(capsys, *words, "--frame", "0")
    original = np.atleast_3d(np.asarray(Image.open(first["files"]["original.png"])))[..., 0]
    assert np.abs(original - np.clip((DEEP - 1000.0) / 2785, 0, 1) * 255).max() <= 1
    assert "there is no 3" in refused(capsys, *words, "--frame", "3")


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
def test_the_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict", "--model", "demo-lesion-unet", "--out", str(tmp_path / "p"), "--image"]
    for case in ("img/grey12in16.png", "dcm/IM000001", "dcm/nopreamble.dcm", "dcm/sigmoid.dcm"):
        assert ask(capsys, *words, str(CASES / case))["window"] is not None
    assert ask(capsys, *words, str(CASES / "img/page_plus_thumb.tif"))["width"] == 128
