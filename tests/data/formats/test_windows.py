"""Deep pictures are seen with their contrast, by one rule, and those of 8 bits as they are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asma_core.data.formats.images import read_greys, read_image, read_picture
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import (
    CHOSEN,
    PERCENTILE,
    RANGE,
    Picture,
    Window,
    chosen_window,
    window_from_dict,
)
from asma_core.errors import InputError

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"
RNG = np.random.default_rng(3)
TISSUE = RNG.integers(1000, 2900, (40, 50))


def file_of(values: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **options)
    return buffer.getvalue()


def through(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)


def window_of(picture: Picture) -> Window:
    assert picture.window is not None
    return picture.window


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_12_bits_in_16_are_stretched_between_percentiles(kind: str) -> None:
    picture = read_picture(file_of(TISSUE.astype(np.uint16), kind))
    window = window_of(picture)
    assert (window.low, window.high) == pytest.approx(np.percentile(TISSUE, (0.5, 99.5)))
    assert window.how == PERCENTILE
    assert picture.extent == (TISSUE.min(), TISSUE.max())
    assert np.abs(picture.image[0] - through(TISSUE, window.low, window.high)).max() < 1e-6
    assert len(np.unique(np.rint(picture.image * 255))) > 200


@pytest.mark.parametrize("top", [65535, 40000, 25000])
def test_16_bits_that_use_their_range_keep_it(top: int) -> None:
    values = np.linspace(0, top, 40 * 50).reshape(40, 50).astype(np.uint16)
    picture = read_picture(file_of(values))
    assert picture.window == Window(0.0, 65535.0, RANGE)
    assert np.array_equal(np.rint(picture.image[0].astype(np.float64) * 65535), values)


def test_a_few_hot_pixels_do_not_decide() -> None:
    values = TISSUE.astype(np.uint16)
    values[0, :5] = 65535
    assert window_of(read_picture(file_of(values))).high < 3000


@pytest.mark.parametrize("background", [0, 65535])
def test_a_constant_background_does_not_decide(background: int) -> None:
    values = TISSUE.astype(np.uint16)
    values[:, :35] = background
    window = window_of(read_picture(file_of(values)))
    expected = np.percentile(TISSUE[:, 35:], (0.5, 99.5))
    assert (window.low, window.high) == pytest.approx(expected)


@pytest.mark.parametrize("values", [(0, 300), (7, 7), (65535, 65535)])
def test_two_values_or_one_are_seen_too(values: tuple[int, int]) -> None:
    picture = np.full((20, 20), values[0], np.uint16)
    picture[5:9, 5:9] = values[1]
    image = read_image(file_of(picture))
    assert sorted(set(image.ravel().tolist())) == (
        [0.0, 1.0] if values[0] != values[1] else [pytest.approx(values[0] / 65535)]
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (TISSUE / 10 - 150.0, PERCENTILE),
        (TISSUE * 1e6, PERCENTILE),
        (TISSUE / 2900, RANGE),
        (TISSUE / 29000, PERCENTILE),
    ],
)
def test_floats_of_a_tiff_are_windowed(values: np.ndarray, expected: str) -> None:
    picture = read_picture(file_of(values.astype(np.float32), "TIFF"))
    window = window_of(picture)
    assert window.how == expected
    if expected == RANGE:
        assert (window.low, window.high) == (0.0, 1.0)
    assert np.abs(picture.image[0] - through(values, window.low, window.high)).max() < 1e-4


def test_what_is_no_number_is_black_and_decides_nothing() -> None:
    values = (TISSUE / 10 - 150.0).astype(np.float32)
    clean = window_of(read_picture(file_of(values, "TIFF")))
    values[0, :3] = np.nan, np.inf, -np.inf
    picture = read_picture(file_of(values, "TIFF"))
    assert window_of(picture).low == pytest.approx(clean.low, abs=0.1)
    assert (picture.image[0, 0, :3] == 0).all() and np.isfinite(picture.image).all()


def test_integers_beyond_16_bits_are_windowed() -> None:
    values = TISSUE.astype(np.int32) * 1000 - 1_500_000
    picture = read_picture(file_of(values, "TIFF"))
    window = window_of(picture)
    assert window.how == PERCENTILE
    assert np.abs(picture.image[0] - through(values, window.low, window.high)).max() < 1e-6


def test_8_bits_are_never_stretched() -> None:
    dim = (TISSUE // 100).astype(np.uint8)
    for kind in ("PNG", "TIFF", "BMP"):
        picture = read_picture(file_of(dim, kind))
        assert picture.window is None and read_greys(file_of(dim, kind)) is None
        assert np.array_equal(np.rint(picture.image[0] * 255), dim)
    asked = read_picture(file_of(dim), where=Slice(window=Window(10, 20)))
    assert asked.window is None


def test_a_chosen_window_outranks_the_rule() -> None:
    data = file_of(TISSUE.astype(np.uint16))
    picture = read_picture(data, where=Slice(window=Window(1500, 2000)))
    assert picture.window == Window(1500, 2000, CHOSEN)
    assert np.abs(picture.image[0] - through(TISSUE, 1500, 2000)).max() < 1e-6


def test_the_pages_of_a_stack_share_a_window() -> None:
    pages = [Image.fromarray((TISSUE + 500 * place).astype(np.uint16)) for place in range(3)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    windows = {window_of(read_picture(buffer.getvalue(), where=Slice(n))) for n in range(3)}
    assert len(windows) == 1
    every = np.concatenate([np.asarray(page).ravel() for page in pages])
    assert windows.pop().high == pytest.approx(np.percentile(every, 99.5), abs=5)


@pytest.mark.parametrize("ends", [(5, 5), (6, 5), (float("nan"), 5), (0, float("inf"))])
def test_a_window_that_is_none_is_told(ends: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="the first below the second"):
        chosen_window(*ends)
    with pytest.raises(InputError, match="the first below the second"):
        window_from_dict({"low": ends[0], "high": ends[1]})


@pytest.mark.parametrize("record", [{}, {"low": "a", "high": 3}, {"low": 1}])
def test_a_record_of_a_window_that_is_none_is_told(record: dict[str, object]) -> None:
    with pytest.raises(InputError, match="is no window"):
        window_from_dict(record)


def test_white_is_zero_in_a_tiff_of_16_bits() -> None:
    turned = read_picture(file_of(TISSUE.astype(np.uint16), "TIFF", tiffinfo={262: 0}))
    upright = read_picture(file_of(TISSUE.astype(np.uint16), "TIFF"))
    assert turned.window == upright.window
    assert np.abs(turned.image + upright.image - 1).max() < 1e-6


def test_a_thumbnail_is_no_page() -> None:
    large, small = Image.fromarray(TISSUE.astype(np.uint8)), Image.new("L", (20, 20))
    from asma_core.data.formats.images import count_frames, picture_size

    for order in ((large, small), (small, large)):
        buffer = io.BytesIO()
        order[0].save(buffer, "TIFF", save_all=True, append_images=order[1:])
        data = buffer.getvalue()
        assert count_frames(data) == 1 and picture_size(data) == (40, 50)
        assert np.array_equal(np.rint(read_image(data)[0] * 255), TISSUE.astype(np.uint8))


def test_a_page_marked_as_a_smaller_copy_is_no_page() -> None:
    from asma_core.data.formats.images import count_frames

    page, copy = Image.fromarray(TISSUE.astype(np.uint8)), Image.new("L", (50, 40))
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    buffer = io.BytesIO()
    page.save(buffer, "TIFF", save_all=True, append_images=[copy])
    assert count_frames(buffer.getvalue()) == 1
    assert read_image(buffer.getvalue()).max() > 0


needs_cases = pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")


@needs_cases
def test_the_case_of_12_bits_in_16() -> None:
    picture = read_picture(CASES / "img" / "grey12in16.png")
    assert (window_of(picture).low, window_of(picture).high) == (1104.0, 2816.0)
    assert picture.image.min() == 0 and picture.image.max() == 1
    assert len(np.unique(np.rint(picture.image * 255))) > 20


@needs_cases
def test_the_case_of_a_page_and_its_thumbnail() -> None:
    assert read_image(CASES / "img" / "page_plus_thumb.tif").shape == (1, 128, 128)
