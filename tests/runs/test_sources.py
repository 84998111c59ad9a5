"""Where a run's image and target come from, and what does not fit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asma_core.data.datasets import Dataset, open_dataset
from asma_core.data.masks.encodings import Encoding
from asma_core.data.masks.label_maps import Mask, encode_mask
from asma_core.errors import InputError
from asma_core.runs.sources import from_file, from_sample, mask_from_file, target_from_sample

LABELS = np.repeat(np.repeat([[0, 1], [2, 1]], 16, axis=0), 20, axis=1).astype(np.int64)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two images of 40 x 32; the second one's mask is half as large."""
    for kind in ("images", "masks"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    pixels = np.arange(32 * 40 * 3, dtype=np.uint32).reshape(32, 40, 3) % 256
    void = np.where(LABELS == 0, 255, LABELS)
    for name, mask in (("one", void), ("two", LABELS[::2, ::2])):
        (tmp_path / "set" / "images" / f"{name}.png").write_bytes(png(pixels.astype(np.uint8)))
        (tmp_path / "set" / "masks" / f"{name}.png").write_bytes(encode_mask(mask))
    card = '{"classes": ["background", "rim", "cup"]}'
    (tmp_path / "set" / "dataset.json").write_text(card)
    return open_dataset(str(tmp_path / "set"))


def test_a_sample_brings_its_mask_and_its_void(dataset: Dataset) -> None:
    source = from_sample(dataset, dataset.find("one"))
    assert source.shape == (32, 40)
    assert source.image.dtype == np.float32
    assert (source.sample, source.dataset) == ("one", dataset.name)
    assert source.truth is not None
    np.testing.assert_array_equal(source.truth, LABELS)
    np.testing.assert_array_equal(source.valid, LABELS != 0)


def test_a_mask_of_another_size_than_its_image_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InputError, match="20 x 16 and its image 40 x 32"):
        from_sample(dataset, dataset.find("two"))


def test_the_inputs_of_a_run_are_those_of_the_source(dataset: Dataset) -> None:
    source = from_sample(dataset, dataset.find("one"))
    counted = np.ones(LABELS.shape, dtype=np.bool_)
    counted[0] = False
    inputs = source.with_target(Mask(LABELS, counted))
    assert inputs.image is source.image
    assert inputs.target is LABELS
    np.testing.assert_array_equal(inputs.valid, source.valid & counted)
    assert inputs.truth is source.truth
    away = source.without_target()
    assert not away.target.any() and away.valid is source.valid


def test_a_file_of_ones_own_has_no_truth_and_all_of_it_counts(tmp_path: Path) -> None:
    data = png(np.full((20, 30), 51, np.uint8))
    (tmp_path / "mine.png").write_bytes(data)
    for source in (from_file(tmp_path / "mine.png"), from_file(data, "mine.png")):
        assert source.image.shape == (1, 20, 30)
        assert float(source.image[0, 0, 0]) == pytest.approx(0.2, abs=1e-7)
        assert source.truth is None
        assert source.valid.all() and source.valid.shape == (20, 30)
        assert (source.name, source.sample, source.dataset) == ("mine.png", "mine.png", "")
    assert from_file(data).name == "own image"


def test_a_target_file_is_read_as_class_numbers(tmp_path: Path) -> None:
    (tmp_path / "target.png").write_bytes(encode_mask(LABELS))
    for source in (tmp_path / "target.png", encode_mask(LABELS), png(LABELS.astype(np.uint8))):
        read = mask_from_file(source, (32, 40), 3)
        assert read.labels.dtype == np.int64 and read.valid.all()
        np.testing.assert_array_equal(read.labels, LABELS)


@pytest.mark.parametrize(
    ("shape", "classes", "words"),
    [
        ((40, 32), 3, "t.png is 40 x 32 and the image 32 x 40"),
        ((32, 40), 2, "t.png holds the value 2, but the classes are 0 to 1"),
    ],
)
def test_a_target_file_that_does_not_fit_is_refused(
    shape: tuple[int, int], classes: int, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        mask_from_file(encode_mask(LABELS), shape, classes, "t.png")


def test_another_images_mask_is_scaled_without_new_classes(dataset: Dataset) -> None:
    one, two = dataset.find("one"), dataset.find("two")
    for sample in (one, two):
        read = target_from_sample(dataset, sample, (32, 40))
        np.testing.assert_array_equal(read.labels, LABELS)
        void = (LABELS == 0) if sample is one else np.zeros_like(read.valid)
        np.testing.assert_array_equal(read.valid, ~void)
    halved = target_from_sample(dataset, one, (16, 20))
    np.testing.assert_array_equal(halved.valid, halved.labels > 0)
    odd = target_from_sample(dataset, two, (45, 61)).labels
    assert odd.shape == (45, 61)
    assert odd.dtype == np.int64
    assert set(np.unique(odd)) == {0, 1, 2}


def test_a_mask_file_is_read_as_its_data_set_reads_it() -> None:
    lesion = np.where(LABELS > 0, 7, 0).astype(np.uint8)
    encoding = Encoding(values=((0, 0), (7, 1)), nearest=False)
    read = mask_from_file(png(lesion), (32, 40), 2, "t.png", encoding)
    np.testing.assert_array_equal(read.labels, LABELS > 0)
    with pytest.raises(InputError, match="holds the value 7"):
        mask_from_file(png(lesion), (32, 40), 2, "t.png")


def test_a_value_that_the_data_set_does_not_know_leaves_the_usual_reading() -> None:
    encoding = Encoding(values=((0, 0), (255, 1)), nearest=True, full=255.0)
    read = mask_from_file(png((LABELS > 0).astype(np.uint8)), (32, 40), 2, "t.png", encoding)
    np.testing.assert_array_equal(read.labels, LABELS > 0)
