"""Where the image may change: distances worked out by hand, and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asma_core.data.masks.label_maps import encode_mask
from asma_core.data.targets.regions import make_region, read_region
from asma_core.errors import InputError

PREDICTION = np.zeros((18, 24), np.int64)
PREDICTION[4, 3] = 1
TARGET = np.zeros((18, 24), np.int64)
TARGET[4, 8] = 2


def test_near_is_within_the_margin_of_both_masks_and_away_is_the_rest() -> None:
    near = make_region("near", PREDICTION, TARGET, 2)
    rows, columns = np.mgrid[:18, :24]
    expected = np.minimum(
        np.hypot(rows - 4, columns - 3), np.hypot(rows - 4, columns - 8)
    ) <= 2  # fmt: skip
    np.testing.assert_array_equal(near, expected)
    np.testing.assert_array_equal(make_region("away", PREDICTION, TARGET, 2), ~expected)


def test_no_margin_is_the_structures_alone() -> None:
    near = make_region("near", PREDICTION, TARGET, 0)
    assert np.argwhere(near).tolist() == [[4, 3], [4, 8]]


def test_the_usual_margin_is_a_twentieth() -> None:
    prediction = np.zeros((100, 200), np.int64)
    prediction[50, 50] = 1
    region = make_region("near", prediction, np.zeros_like(prediction))
    assert region[50, 45] and region[50, 55] and not region[50, 56]


@pytest.mark.parametrize(
    ("name", "prediction", "says"),
    [
        ("near", np.zeros((18, 24), np.int64), "is empty"),
        ("away", np.ones((18, 24), np.int64), "is empty"),
        ("somewhere", PREDICTION, "near, away"),
    ],
)
def test_nothing_left_and_unknown_names_are_sentences(
    name: str, prediction: np.ndarray, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        make_region(name, prediction, np.zeros((18, 24), np.int64), 2)


def test_a_file_says_where(tmp_path: Path) -> None:
    file = tmp_path / "region.png"
    file.write_bytes(encode_mask(3 * PREDICTION))
    np.testing.assert_array_equal(read_region(file, (18, 24)), PREDICTION > 0)
    with pytest.raises(InputError, match=r"region\.png is 24 x 18 and the image 18 x 24"):
        read_region(file, (24, 18))
    file.write_bytes(encode_mask(0 * PREDICTION))
    with pytest.raises(InputError, match="empty"):
        read_region(file, (18, 24))
