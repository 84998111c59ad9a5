"""Colours of 16 bits a channel keep them, and are seen through one window as greys are."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import read_greys, read_image, read_picture, read_values
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import PERCENTILE, RANGE, Window
from asma_core.data.importing import take_in
from asma_core.data.preview import first_look, preview
from asma_core.errors import AsmaError, InputError
from tests.data.formats.test_images import png
from tests.data.formats.test_volumes import dicom
from tests.data.publish import Files, binary, disc, lay_out

RNG = np.random.default_rng(16)
SHAPE = (24, 30)
FULL = RNG.integers(0, 65536, (*SHAPE, 4), dtype=np.uint16)
FULL[:2, :2, :3] = 0
FULL[-2:, -2:, :3] = 65535
# What a camera of 12 bits writes.
DIM = RNG.integers(1000, 4000, (*SHAPE, 4), dtype=np.uint16)
Numbers = NDArray[Any]


def as_png(values: Numbers) -> bytes:
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[2]]
    # Each row a difference to what is left of it, so that the filter's step counts.
    rows = []
    for row in values:
        raw = row.astype(">u2").tobytes()
        step = 2 * values.shape[2]
        rows.append(
            b"\1"
            + bytes((b - (raw[n - step] if n >= step else 0)) % 256 for n, b in enumerate(raw))
        )
    height, width = values.shape[:2]
    return png(width, height, 16, kind, zlib.compress(b"".join(rows)))


def as_tiff(values: Numbers, order: str = "<", planes: bool = False, packed: bool = False) -> bytes:
    """A TIFF of one strip, or of one a channel, packed or not."""
    height, width, channels = values.shape
    parts = list(values.transpose(2, 0, 1)) if planes else [values]
    strips = [part.astype(f"{order}u2").tobytes() for part in parts]
    strips = [zlib.compress(strip) for strip in strips] if packed else strips
    starts = np.cumsum([8, *map(len, strips)]).tolist()
    entries: list[tuple[int, int, list[int]]] = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, [16] * channels),
        (259, 3, [8 if packed else 1]), (262, 3, [2]), (273, 4, starts[:-1]),
        (277, 3, [channels]), (278, 4, [height]), (279, 4, [len(one) for one in strips]),
        (284, 3, [2 if planes else 1]), *([(338, 3, [2])] if channels == 4 else []),
    ]  # fmt: skip
    head, more = b"", b""
    after = starts[-1] + 2 + 12 * len(entries) + 4
    for tag, kind, numbers in entries:
        data = struct.pack(f"{order}{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(data) > 4:
            where = struct.pack(f"{order}I", after + len(more))
            more, data = more + data, where
        head += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + data.ljust(4, b"\0")
    begin = b"II*\0" if order == "<" else b"MM\0*"
    count = struct.pack(f"{order}H", len(entries))
    return (
        begin
        + struct.pack(f"{order}I", starts[-1])
        + b"".join(strips)
        + count
        + head
        + bytes(4)
        + more
    )


def as_ppm(values: Numbers) -> bytes:
    height, width = values.shape[:2]
    return b"P6 %d %d 65535\n" % (width, height) + values[..., :3].astype(">u2").tobytes()


def stored(data: bytes) -> Numbers:
    """Return what is seen through the whole range, in the file's own numbers."""
    image = read_image(data, where=Slice(window=Window(0, 65535)))
    return np.rint(image.astype(np.float64) * 65535).transpose(1, 2, 0)


FILES = {
    "PNG": as_png,
    "TIFF": as_tiff,
    "TIFF, big end first": lambda values: as_tiff(values, ">"),
    "TIFF, packed": lambda values: as_tiff(values, packed=True),
    "TIFF, packed, big end first": lambda values: as_tiff(values, ">", packed=True),
    "TIFF of planes": lambda values: as_tiff(values, planes=True),
    "TIFF of planes, big end first": lambda values: as_tiff(values, ">", planes=True),
    "PPM": as_ppm,
}


@pytest.mark.parametrize("kind", FILES)
def test_all_16_bits_are_read(kind: str) -> None:
    assert np.array_equal(stored(FILES[kind](FULL[..., :3])), FULL[..., :3])


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "PPM"])
def test_opacity_lies_over_black(kind: str) -> None:
    seen = np.rint(FULL[..., :3] * (FULL[..., 3:] / 65535.0))
    assert np.array_equal(stored(FILES[kind](FULL)), seen)


def test_grey_with_opacity_keeps_its_bits() -> None:
    grey = FULL[..., 2:]
    image = read_image(as_png(grey), where=Slice(window=Window(0, 65535)))
    seen = np.rint(grey[..., 0] * (grey[..., 1] / 65535.0))
    assert image.shape == (1, *SHAPE)
    assert np.array_equal(np.rint(image[0].astype(np.float64) * 65535), seen)


@pytest.mark.parametrize("kind", FILES)
def test_one_window_for_all_channels(kind: str) -> None:
    picture = read_picture(FILES[kind](DIM[..., :3]))
    assert picture.window is not None and picture.window.how == PERCENTILE
    low, high = np.percentile(DIM[..., :3], (0.5, 99.5))
    assert (picture.window.low, picture.window.high) == pytest.approx((low, high), abs=2)
    right = np.clip((DIM[..., :3].transpose(2, 0, 1) - low) / (high - low), 0, 1)
    assert np.abs(picture.image - right).max() < 0.002
    assert picture.extent == (DIM[..., :3].min(), DIM[..., :3].max())
    chosen = read_image(FILES[kind](DIM[..., :3]), where=Slice(window=Window(2000, 3000)))
    assert (
        np.abs(chosen - np.clip((DIM[..., :3].transpose(2, 0, 1) - 2000.0) / 1000, 0, 1)).max()
        < 1e-5
    )


def test_what_uses_its_range_has_all_of_it() -> None:
    window = read_picture(as_png(FULL[..., :3])).window
    assert window == Window(0, 65535, RANGE)


def test_an_orientation_turns_them() -> None:
    for tag, turn in (
        (3, lambda v: v[::-1, ::-1]),
        (5, lambda v: v.swapaxes(0, 1)),
        (6, lambda v: np.rot90(v, -1)),
        (7, lambda v: np.rot90(v, 2).swapaxes(0, 1)),
        (8, lambda v: np.rot90(v)),
    ):
        data = as_png(FULL[..., :3])
        exif = Image.Exif()
        exif[0x0112] = tag
        raw = exif.tobytes().removeprefix(b"Exif\0\0")
        part = struct.pack(">I", len(raw)) + b"eXIf" + raw
        part += struct.pack(">I", zlib.crc32(b"eXIf" + raw))
        assert np.array_equal(stored(data[:33] + part + data[33:]), turn(FULL[..., :3])), tag


def test_dicom_colours_of_16_bits_have_a_window() -> None:
    greys = read_greys(dicom(DIM[..., :3], "RGB"))
    assert greys is not None and greys.values.shape == (*SHAPE, 3)
    window = read_picture(dicom(DIM[..., :3], "RGB")).window
    assert window is not None and window.how == PERCENTILE


def test_a_mask_of_16_bits_a_channel_is_read_as_one_of_8() -> None:
    shape = disc()[:24, :30]
    numbers = np.where(shape, 2, 0).astype(np.uint16)[..., None].repeat(3, 2)
    assert np.array_equal(read_values(as_png(numbers)), numbers[..., 0])
    white = np.where(shape, 65535, 0).astype(np.uint16)[..., None].repeat(3, 2)
    assert np.array_equal(read_values(as_tiff(white)), white[..., 0])
    red = white * np.array([1, 0, 0], np.uint16)
    assert np.array_equal(read_values(as_png(red)), (red >> 8).astype(np.uint8))
    seen = np.dstack([np.full((*SHAPE, 3), 65535, np.uint16), white[..., 0]])
    assert np.array_equal(read_values(as_png(seen)), white[..., 0])


def test_what_can_t_be_read_with_all_its_bits_is_told() -> None:
    assert read_image(as_tiff(FULL[..., :3], planes=True, packed=True)).shape == (3, *SHAPE)
    with pytest.raises(InputError, match="only the upper 8 are read; save it as PNG"):
        read_image(as_tiff(DIM[..., :3], planes=True, packed=True))


def deep_set(folder: Path, dim: bool = False) -> Path:
    files: Files = {}
    for n in range(4):
        values = np.random.default_rng(n).integers(900, 3900, (64, 64, 3))
        if dim and n == 2:
            values = 1500 + values // 50
        files[f"images/{n}.png"] = as_png(values.astype(np.uint16))
        files[f"masks/{n}.png"] = binary(n)
    return lay_out(folder, files)


def test_a_data_set_has_one_window_which_can_be_changed(home: Path, tmp_path: Path) -> None:
    found = preview(deep_set(tmp_path / "set"))
    assert found.card.window is not None and found.card.window.how == PERCENTILE
    assert 890 < found.card.window.low < 950 and 3850 < found.card.window.high < 3910
    take_in(found.corrected(window=Window(1000, 2000)), "kept")
    kept = open_dataset("kept")
    values = np.random.default_rng(0).integers(900, 3900, (64, 64, 3)).transpose(2, 0, 1)
    right = np.clip((values - 1000) / 1000, 0, 1)
    assert np.abs(kept.image(kept.samples[0]) - right).max() < 1e-5


def test_a_nearly_flat_one_among_others_is_told(home: Path, tmp_path: Path) -> None:
    findings = {one.kind: one for one in first_look(preview(deep_set(tmp_path, dim=True))).findings}
    assert findings["small range"].samples == ("2",)
    assert findings["small range"].message.startswith("Images that use less than a tenth")


@pytest.mark.parametrize("kind", FILES)
def test_damage_is_read_or_told(kind: str) -> None:
    whole = FILES[kind](DIM[..., :3])
    for seed in range(25):
        rng = np.random.default_rng(seed)
        data = bytearray(whole)
        places = [len(data) - 1 - int(rng.integers(200)), int(rng.integers(60))]
        for place in (*places, *rng.integers(0, len(data), 3).tolist()):
            data[place] = rng.integers(256)
        cut = len(data) if seed % 3 else int(rng.integers(1, len(data)))
        for read in (read_picture, read_values):
            try:
                read(bytes(data[:cut]), "it")
            except AsmaError as error:
                assert "\n" not in str(error)
