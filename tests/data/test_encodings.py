"""What the values of masks mean is guessed, and what a card says of them is followed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from asma_core.data.encodings import (
    SHARE,
    Encoding,
    count_values,
    decode,
    encoding_from_dict,
    guess,
    pack,
)
from asma_core.data.importing import preview
from asma_core.data.masks import VOID
from asma_core.errors import AsmaError, InputError
from tests.data import publish
from tests.data.publish import disc, encoded, lay_out, picture


def guessed(values: np.ndarray) -> Encoding:
    codes, colours = pack(values)
    return guess(count_values(codes), colours)


def labels_of(values: np.ndarray, encoding: Encoding | None = None) -> np.ndarray:
    codes, colours = pack(values)
    return decode(codes, colours, encoding or guessed(values), "it").labels


TRUTH = publish.nested(0, 0, 1, 2).astype(np.int64)
COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]], dtype=np.uint8)


def test_zero_and_one() -> None:
    assert (labels_of(disc().astype(np.uint8)) == disc()).all()


def test_zero_and_255_also_soiled_by_jpeg() -> None:
    grey = np.where(disc(), 255, 0).astype(np.uint8)
    soiled = np.asarray(Image.open(io.BytesIO(encoded(grey, "JPEG", quality=50))))
    assert len(np.unique(soiled)) > 10
    assert (labels_of(grey) == disc()).all()
    wrong = (labels_of(soiled) != disc()).mean()
    assert wrong < 0.01


def test_class_numbers_with_void() -> None:
    values = TRUTH.astype(np.uint8)
    values[:5] = 255
    codes, colours = pack(values)
    mask = decode(codes, colours, guessed(values), "it")
    assert (mask.labels[5:] == TRUTH[5:]).all()
    assert mask.valid[5:].all() and not mask.valid[:5].any()


def test_three_greys() -> None:
    values = np.array([0, 128, 255], dtype=np.uint8)[TRUTH]
    assert (labels_of(values) == TRUTH).all()


def test_rgb_colours_exact_and_soiled() -> None:
    values = COLOURS[TRUTH]
    encoding = guessed(values)
    assert encoding.colours and not encoding.nearest
    order = [value for value, _ in encoding.values]
    assert order[0] == 0 and set(order) == {0, 0xFF0000, 0x0080FF}
    named = Encoding(values=((0, 0), (0xFF0000, 1), (0x0080FF, 2)), nearest=True, colours=True)
    soiled = np.asarray(Image.open(io.BytesIO(encoded(values, "JPEG", quality=90, subsampling=0))))
    assert (labels_of(soiled, named) != TRUTH).mean() < 0.06
    assert (labels_of(values, named) == TRUTH).all()


def test_a_palette_is_its_numbers(tmp_path: Path) -> None:
    image = Image.fromarray(TRUTH.astype(np.uint8))
    image.putpalette([0, 0, 0, 255, 255, 0, 0, 0, 255] + [0] * 759)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    found = preview(
        lay_out(tmp_path, {"images/a.png": picture(), "masks/a.png": buffer.getvalue()})
    )
    assert (found.dataset.mask(found.dataset.samples[0]).labels == TRUTH).all()


def test_votes_are_a_share() -> None:
    values = publish.votes(0, 20)
    encoding = guessed(values)
    assert encoding.kind == SHARE
    shares = [disc(0, 20 + extra).astype(float) for extra in (-2, -1, 0, 3)]
    # Two of four are 128 of 255, just above the half.
    assert (labels_of(values) == (np.mean(shares, axis=0) >= 0.5)).all()


def test_a_soft_map_has_a_threshold() -> None:
    rows, columns = np.mgrid[:64, :64]
    soft = np.clip(255 - 6 * np.hypot(rows - 30, columns - 30), 0, 255).astype(np.uint8)
    encoding = guessed(soft)
    assert encoding.kind == SHARE
    assert (labels_of(soft) == (soft > 127.5)).all()
    low = Encoding(kind=SHARE, values=(), threshold=20 / 255)
    assert (labels_of(soft, low) == (soft > 20)).all()


def test_a_value_that_means_nothing_is_told() -> None:
    encoding = Encoding(values=((0, 0), (1, 1)), nearest=False)
    with pytest.raises(InputError, match="it holds the value 7, which means no class"):
        labels_of(np.full((4, 4), 7, np.uint8), encoding)
    colours = Encoding(values=((0, 0), (0xFF0000, 1)), nearest=False, colours=True)
    with pytest.raises(InputError, match="the colour #00FF00"):
        labels_of(np.full((4, 4, 3), (0, 255, 0), np.uint8), colours)


def test_the_user_s_own_meaning_counts() -> None:
    values = np.array([0, 128, 255], dtype=np.uint8)[TRUTH]
    encoding = Encoding(values=((0, 1), (128, 0), (255, VOID)))
    codes, colours = pack(values)
    mask = decode(codes, colours, encoding, "it")
    assert (mask.labels == np.where(TRUTH == 0, 1, 0)).all()
    assert (mask.valid == (TRUTH != 2)).all()


def test_an_encoding_survives_its_card() -> None:
    encoding = Encoding(values=((0, 0), (128, 1), (255, VOID)), colours=True, threshold=0.25)
    assert encoding_from_dict(encoding.as_dict(), "card") == encoding


@settings(max_examples=150, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "values", "nearest", "colours", "full", "threshold", "x"]),
                inner,
                max_size=6,
            )
        ),
        max_leaves=8,
    )
)
def test_any_card_is_read_or_told(content: object) -> None:
    try:
        encoding = encoding_from_dict(content, "card")
        decode(np.zeros((3, 3), dtype=np.int64), False, encoding, "it")
    except AsmaError:
        pass


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.integers(0, 65535), min_size=1, max_size=30), st.integers(0, 5))
def test_any_values_get_an_encoding_that_reads_them(values: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.choice(np.array(values, dtype=np.int64), (20, 20))
    encoding = guess(count_values(codes), False)
    mask = decode(codes, False, encoding, "it")
    assert mask.labels.min() >= 0
    assert mask.labels.max() < max(encoding.classes, 2)
