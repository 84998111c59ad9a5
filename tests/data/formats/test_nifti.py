"""NIfTI as it comes: two and four dimensions, colours, packed bombs, damage."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest

from asma_core.data.formats.images import (
    count_frames,
    count_volumes,
    picture_size,
    read_image,
    read_picture,
    read_values,
)
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import PERCENTILE, RANGE, Window
from asma_core.errors import InputError
from tests.data.formats.test_volumes import VOLUME, nifti


def test_one_slice_of_two_dimensions() -> None:
    plane = VOLUME[..., 0]
    data = nifti(plane)
    assert (count_frames(data), picture_size(data)) == (1, (24, 20))
    assert np.array_equal(read_values(data), np.rot90(plane))
    low, high = np.percentile(plane, (0.5, 99.5))
    expected = np.clip((np.rot90(plane) - low) / (high - low), 0, 1)
    assert np.abs(read_image(data)[0] - expected).max() < 1e-5


def test_a_volume_of_four_dimensions() -> None:
    several = np.stack([VOLUME, VOLUME + 5000], axis=-1)
    data = nifti(several)
    assert (count_frames(data), count_volumes(data)) == (28, 2)
    for volume in (0, 1):
        values = read_values(data, where=Slice(3, 1, volume=volume))
        assert np.array_equal(values, np.rot90(several[:, 3, :, volume]))
    with pytest.raises(InputError, match="has 2 volumes, 0 to 1; there is no 2"):
        read_image(data, "it", Slice(volume=2))
    assert count_volumes(nifti(VOLUME)) == 1
    assert np.array_equal(read_values(nifti(VOLUME[..., None])), read_values(nifti(VOLUME)))


@pytest.mark.parametrize("names", ["RGB", "RGBA"])
def test_colours(names: str) -> None:
    rng = np.random.default_rng(0)
    values = np.zeros((20, 24, 3), dtype=[(name, "u1") for name in names])
    for name in names:
        values[name] = rng.integers(0, 256, values.shape)
    picture = read_picture(nifti(values), where=Slice(1))
    expected = np.stack([np.rot90(values[name][..., 1]) for name in "RGB"])
    assert picture.window is None
    assert np.abs(picture.image - expected / 255).max() < 1e-6


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
@pytest.mark.parametrize("ways", [(1, 1, 1), (-1, 1, -1), (1, -1, -1)])
def test_every_orientation_is_turned_as_nibabel_turns_it(
    order: tuple[int, int, int], ways: tuple[int, int, int]
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[list(order)] * ways
    image = nibabel.Nifti1Image(VOLUME, affine)
    turned = np.asarray(nibabel.as_closest_canonical(image).dataobj)
    for axis in range(3):
        assert count_frames(image.to_bytes(), axis=axis) == turned.shape[axis]
        where = Slice(5, axis)
        expected = np.rot90(turned.take(5, axis))
        assert np.array_equal(read_values(image.to_bytes(), where=where), expected)
        assert picture_size(image.to_bytes(), where=where) == expected.shape


def test_8_bits_are_as_they_are() -> None:
    dim = (VOLUME // 20).astype(np.uint8)
    picture = read_picture(nifti(dim), where=Slice(2))
    assert picture.window == Window(0.0, 255.0, RANGE)
    assert np.array_equal(np.rint(picture.image[0] * 255), np.rot90(dim[..., 2]))


def test_background_and_scaling_of_a_volume() -> None:
    values = VOLUME.astype(np.float32) / 4 - 100
    values[:12] = -1024
    image = nibabel.Nifti1Image(values, np.eye(4))
    image.header.set_data_dtype(np.int16)
    picture = read_picture(image.to_bytes(), where=Slice(2))
    assert picture.window is not None and picture.window.how == PERCENTILE
    low, high = np.percentile(values[12:], (0.5, 99.5))
    assert (picture.window.low, picture.window.high) == pytest.approx((low, high), abs=0.05)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("one dimension", "has 1 dimensions"),
        ("five dimensions", "has 5 dimensions"),
        ("complex", "neither greys nor colours"),
        ("zero affine", "affine that says no direction"),
        ("flat affine", "affine that says no direction"),
        ("no number", "truncated or damaged"),
        ("cut", "truncated or damaged"),
        ("cut packed", "truncated or damaged"),
        ("cut header", "truncated or damaged"),
    ],
)
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_what_can_not_be_read_is_a_sentence(
    change: str, words: str, kind: type[nibabel.Nifti1Image]
) -> None:
    values = VOLUME
    if change == "one dimension":
        values = VOLUME[:, 0, 0]
    elif change == "five dimensions":
        values = np.stack([VOLUME[..., None]] * 2, axis=-1)
    elif change == "complex":
        values = VOLUME.astype(np.complex64)
    image = kind(values, np.eye(4))
    data: bytes = image.to_bytes()
    header = kind.from_bytes(data).header.copy()
    header["sform_code"], header["vox_offset"] = 1, 352 if kind is nibabel.Nifti1Image else 544
    changed = {"zero affine": ("srow_x", "srow_y", "srow_z"), "flat affine": ("srow_z",)}
    for name in changed.get(change, ()):
        header[name] = 0
    if change == "no number":
        header["srow_x"] = np.nan
    data = header.binaryblock + data[len(header.binaryblock) :]
    if change == "cut":
        data = data[: len(data) - 100]
    elif change == "cut packed":
        data = gzip.compress(data)
        data = data[: len(data) // 2]
    elif change == "cut header":
        data = gzip.compress(data[:352])
    with pytest.raises(InputError, match=words):
        read_image(data, "it")


def test_several_members_of_a_packed_file_are_one() -> None:
    data = nifti(VOLUME, packed=False)
    packed = b"".join(gzip.compress(data[at : at + 7000]) for at in range(0, len(data), 7000))
    assert np.array_equal(read_image(packed), read_image(data))


@pytest.mark.parametrize("told", [True, False])
def test_a_gzip_bomb_is_told_without_its_memory(told: bool) -> None:
    """What unpacks to more than it may is refused, whether its header says so or not."""
    header = nibabel.Nifti1Header()
    header.set_data_shape((1000, 1000, 900) if told else VOLUME.shape)
    header.set_data_dtype(np.uint8)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        file.write(header.binaryblock + bytes(4))
        for _ in range(900):
            file.write(b"\0" * 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="unpacks to more than 200 MB"):
            read_image(buffer.getvalue(), "it")
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_the_limit_is_the_owner_s(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text("max_image_mb = 1\n")
    large = nifti(np.zeros((100, 100, 60), np.int16))
    assert len(large) < 10_000
    with pytest.raises(InputError, match=r"unpacks to more than 1 MB.*max_image_mb"):
        read_image(large, "it")


def test_a_large_volume_is_read_a_slice_at_a_time() -> None:
    data = nifti(np.zeros((200, 200, 400), np.int16), packed=False)
    tracemalloc.start()
    try:
        read_image(data)
        assert tracemalloc.get_traced_memory()[1] < 0.5 * len(data)
    finally:
        tracemalloc.stop()
