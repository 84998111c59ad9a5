"""The deep images of a data set share one window; old cards are still read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asma_core.data.datasets import open_dataset
from asma_core.data.formats.windows import CHOSEN, PERCENTILE, RANGE, Window
from asma_core.data.importing import take_in
from asma_core.data.intensities import intensities, settled_window
from asma_core.data.preview import preview
from asma_core.errors import InputError
from asma_core.runs.sources import from_sample
from tests.data.formats.test_volumes import dicom, nifti
from tests.data.publish import binary, disc, lay_out

LEVELS = (1000, 1500, 2200)


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def deep(level: int) -> np.ndarray:
    noise = np.random.default_rng(level).integers(0, 300, disc().shape)
    return (level + noise + 300 * disc()).astype(np.uint16)


def files(make: object = png, ending: str = ".png") -> dict[str, bytes]:
    content = {}
    for place, level in enumerate(LEVELS):
        content[f"images/{place}{ending}"] = make(deep(level))  # type: ignore[operator]
        content[f"masks/{place}.png"] = binary()
    return content


@pytest.mark.parametrize(("make", "ending"), [(png, ".png"), (dicom, ".dcm")])
def test_one_window_for_all_images_of_a_set(
    home: Path, tmp_path: Path, make: object, ending: str
) -> None:
    root = lay_out(tmp_path / "deep", files(make, ending))
    for dataset in (open_dataset(str(root)), take_in(preview(root), "deep").dataset):
        pictures = [dataset.picture(sample) for sample in dataset.samples]
        windows = {picture.window for picture in pictures}
        assert len(windows) == 1
        (window,) = windows
        every = np.concatenate([deep(level).ravel() for level in LEVELS])
        assert window is not None and window.how == PERCENTILE
        assert (window.low, window.high) == pytest.approx(np.percentile(every, (0.5, 99.5)))
        # What is brighter in the files is brighter on the screen.
        means = [float(picture.image.mean()) for picture in pictures]
        assert means == sorted(means) and means[2] > means[0] + 0.3
        assert from_sample(dataset, dataset.samples[0]).window == window


def test_a_set_that_uses_16_bits_keeps_them_in_its_dim_images_too(tmp_path: Path) -> None:
    content = files()
    ramp = np.linspace(0, 65535, disc().size).reshape(disc().shape).astype(np.uint16)
    content["images/1.png"] = png(ramp)
    dataset = open_dataset(str(lay_out(tmp_path / "wide", content)))
    assert {sample.where.window for sample in dataset.samples} == {Window(0, 65535, RANGE)}


def test_each_file_s_own_window_stays_its_own(tmp_path: Path) -> None:
    content = files(png)
    for place, level in enumerate(LEVELS):
        del content[f"images/{place}.png"]
        own = {
            "WindowCenter": str(level + 300),
            "WindowWidth": "800",
            "VOILUTFunction": "LINEAR_EXACT",
        }
        content[f"images/{place}.dcm"] = dicom(deep(level), **own)
    dataset = open_dataset(str(lay_out(tmp_path / "own", content)))
    lows = [dataset.picture(sample).window.low for sample in dataset.samples]  # type: ignore[union-attr]
    assert lows == [level - 100 for level in LEVELS]
    found = preview(Path(dataset.name))
    assert found.card.window is None
    one = found.corrected(window=Window(1000, 2000))
    assert {one.dataset.picture(s).window for s in one.dataset.samples} == {Window(1000, 2000)}


def test_each_volume_has_its_percentiles(tmp_path: Path) -> None:
    content = {}
    for place, level in enumerate(LEVELS):
        volume = np.stack([deep(level)] * 20, axis=-1).astype(np.int16)
        content[f"imagesTr/case_{place}_0000.nii.gz"] = nifti(volume)
        mask = np.stack([disc()] * 20, axis=-1).astype(np.uint8)
        content[f"labelsTr/case_{place}.nii.gz"] = nifti(mask)
    dataset = open_dataset(str(lay_out(tmp_path / "volumes", content)))
    assert settled_window(dataset.samples) is None
    assert len({dataset.picture(sample).window for sample in dataset.samples}) == len(LEVELS)


def test_8_bits_have_no_window(tmp_path: Path) -> None:
    content = files(lambda values: png((values // 16).astype(np.uint8)))
    dataset = open_dataset(str(lay_out(tmp_path / "eight", content)))
    assert intensities(dataset.samples) is None
    assert dataset.picture(dataset.samples[0]).window is None


def test_a_chosen_window_is_kept_with_the_set(home: Path, tmp_path: Path) -> None:
    root = lay_out(tmp_path / "deep", files())
    dataset = take_in(preview(root).corrected(window=Window(1200, 1800)), "chosen").dataset
    again = open_dataset("chosen")
    assert again.samples[0].where.window == Window(1200, 1800, CHOSEN)
    assert again.fingerprint() == dataset.fingerprint()
    expected = np.clip((deep(LEVELS[1]) - 1200.0) / 600, 0, 1)
    assert np.abs(again.image(again.samples[1])[0] - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ([1500, 400], Window(1300, 1700)),
        ({"low": 1300, "high": 1700, "how": "chosen"}, Window(1300, 1700)),
        ({"low": 1300, "high": 1700}, Window(1300, 1700)),
    ],
)
def test_cards_of_before_are_read(tmp_path: Path, window: object, expected: Window) -> None:
    root = lay_out(tmp_path / "deep", files())
    (root / "dataset.json").write_text(json.dumps({"window": window}))
    dataset = open_dataset(str(root))
    assert {dataset.picture(sample).window for sample in dataset.samples} == {expected}


@pytest.mark.parametrize("window", ["wide", [1], [1, "a"], [5, 0], {"low": 5, "high": 2}, {}, 7])
def test_a_card_whose_window_is_none_is_told(tmp_path: Path, window: object) -> None:
    root = lay_out(tmp_path / "deep", files())
    (root / "dataset.json").write_text(json.dumps({"window": window}))
    with pytest.raises(InputError, match=r"window|card of a data set"):
        open_dataset(str(root))


def test_a_volume_of_four_dimensions_is_chosen_for_all_and_shares_its_mask(
    home: Path, tmp_path: Path
) -> None:
    content = {}
    for place, level in enumerate(LEVELS):
        volume = np.stack([deep(level)] * 20, axis=-1).astype(np.int16)
        both = np.stack([volume, volume + 5000], axis=-1)
        content[f"imagesTr/case_{place}_0000.nii.gz"] = nifti(both)
        mask = np.stack([disc()] * 20, axis=-1).astype(np.uint8)
        content[f"labelsTr/case_{place}.nii.gz"] = nifti(mask)
    found = preview(lay_out(tmp_path / "four", content))
    assert len(found.dataset.samples) == 60
    second = take_in(found.corrected(volume=1), "second").dataset
    for dataset, offset in ((found.dataset, 0), (second, 5000)):
        picture = dataset.picture(dataset.samples[3])
        assert picture.window is not None and 1000 <= picture.window.low - offset < 1100
        assert (dataset.mask(dataset.samples[3]).labels == np.rot90(disc())).all()
