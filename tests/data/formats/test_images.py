"""Pictures of every kind become floats in [0, 1], and broken ones become a sentence."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from asma_core.data.formats.images import (
    converted,
    count_frames,
    encode_png,
    from_bytes,
    read_image,
    to_bytes,
    to_rgb,
)
from asma_core.data.formats.slices import Slice
from asma_core.errors import InputError

RAMP = np.arange(20 * 24, dtype=np.uint32).reshape(20, 24)
GREY = (RAMP * 255 // RAMP.max()).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
ALPHA = np.where(GREY > 100, 255, 0).astype(np.uint8)
DEEP = (RAMP * 65535 // RAMP.max()).astype(np.uint16)


def file_of(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def close(image: np.ndarray, pixels: np.ndarray, tolerance: float = 0.0) -> None:
    """The image is float32 (C, H, W) and shows these 8-bit pixels."""
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    assert image.dtype == np.float32
    assert image.shape == planes.shape
    assert np.abs(image - planes / np.float32(255)).max() <= tolerance


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_grey_and_rgb_are_exact(kind: str) -> None:
    close(read_image(file_of(Image.fromarray(GREY), kind)), GREY)
    close(read_image(file_of(Image.fromarray(COLOUR), kind)), COLOUR)


def test_jpeg_is_as_near_as_it_can_be() -> None:
    options = {"quality": 95, "subsampling": 0}
    close(read_image(file_of(Image.fromarray(GREY), "JPEG", **options)), GREY, 0.05)
    close(read_image(file_of(Image.fromarray(COLOUR), "JPEG", **options)), COLOUR, 0.08)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_one_bit_is_black_and_white(kind: str) -> None:
    picture = Image.fromarray(GREY > 100)
    assert picture.mode == "1"
    close(read_image(file_of(picture, kind)), ALPHA)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_transparency_lies_over_black(kind: str) -> None:
    grey = np.where(ALPHA > 0, GREY, 0)
    layered = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])
    close(read_image(file_of(layered, kind)), grey)
    colour = Image.fromarray(COLOUR)
    colour.putalpha(Image.fromarray(ALPHA))
    close(read_image(file_of(colour, kind)), np.where(ALPHA[..., None] > 0, COLOUR, 0))


def test_half_transparent_is_half_as_bright() -> None:
    picture = Image.new("RGBA", (16, 16), (200, 100, 50, 128))
    expected = np.rint(np.array([200, 100, 50]) * 128 / 255) / 255
    assert read_image(file_of(picture, "PNG"))[:, 0, 0] == pytest.approx(expected, abs=1e-6)


def test_a_transparent_grey_value_lies_over_black() -> None:
    data = file_of(Image.fromarray(GREY), "PNG", transparency=int(GREY[10, 5]))
    close(read_image(data), np.where(GREY[10, 5] == GREY, 0, GREY).astype(np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_palettes_are_resolved(kind: str) -> None:
    picture = Image.fromarray(COLOUR).quantize(16)
    close(read_image(file_of(picture, kind)), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("transparency", [0, bytes([0, 128, 255])])
def test_palettes_with_transparency_lie_over_black(transparency: object) -> None:
    picture = Image.fromarray((GREY // 64).astype(np.uint8))
    picture.putpalette([250, 10, 20, 30, 250, 40, 50, 60, 250, 90, 90, 90])
    image = read_image(file_of(picture, "PNG", transparency=transparency))
    assert image.shape == (3, 20, 24)
    assert (image[:, GREY // 64 == 0] == 0).all()
    assert image[:, GREY // 64 == 3][:, 0] == pytest.approx(np.full(3, 90 / 255), abs=1e-6)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_16_bits_keeps_them(kind: str) -> None:
    picture = Image.fromarray(DEEP)
    assert picture.mode == "I;16"
    image = read_image(file_of(picture, kind))
    assert image.shape == (1, 20, 24)
    assert np.array_equal(np.rint(image[0].astype(np.float64) * 65535), DEEP)


def test_big_endian_tiff_of_16_bits() -> None:
    data = bytearray(file_of(Image.fromarray(DEEP.astype(">u2")), "TIFF"))
    image = read_image(bytes(data))
    assert np.array_equal(np.rint(image[0].astype(np.float64) * 65535), DEEP)


def test_floats_of_a_tiff_in_0_to_1_are_kept() -> None:
    values = (RAMP / RAMP.max()).astype(np.float32)
    image = read_image(file_of(Image.fromarray(values), "TIFF"))
    assert np.array_equal(image[0], values)
    assert image.flags.writeable
    with pytest.raises(InputError, match="no value that is a number"):
        read_image(file_of(Image.fromarray(np.full_like(values, np.nan)), "TIFF"))


def test_cmyk_jpeg_becomes_rgb() -> None:
    flat = Image.new("RGB", (32, 32), (200, 40, 90)).convert("CMYK")
    image = read_image(file_of(flat, "JPEG", quality=100))
    assert image.shape == (3, 32, 32)
    assert image[:, 16, 16] == pytest.approx(np.array([200, 40, 90]) / 255, abs=0.03)


def test_lab_becomes_rgb() -> None:
    picture = Image.frombytes("LAB", (24, 20), b"\xff\x00\x00" * 480)
    close(read_image(file_of(picture, "TIFF")), np.full((20, 24, 3), 255, np.uint8), 0.02)


def test_colours_that_pillow_can_t_convert_are_told() -> None:
    with pytest.raises(InputError, match="it is truncated or damaged"):
        converted(Image.new("L", (16, 16)), "HSV and more", "it")


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_rotation_is_applied(turn: int) -> None:
    upright = {
        1: COLOUR,
        2: COLOUR[:, ::-1],
        3: COLOUR[::-1, ::-1],
        4: COLOUR[::-1],
        5: COLOUR.transpose(1, 0, 2),
        6: np.rot90(COLOUR, -1),
        7: COLOUR[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(COLOUR),
    }[turn]
    exif = Image.Exif()
    exif[274] = turn
    close(read_image(file_of(Image.fromarray(COLOUR), "PNG", exif=exif)), upright)
    jpeg = read_image(file_of(Image.fromarray(COLOUR), "JPEG", exif=exif, quality=100))
    close(jpeg, upright, 0.2)


@pytest.mark.parametrize("kind", ["TIFF", "GIF"])
def test_one_picture_of_several_is_chosen(kind: str) -> None:
    others = [Image.fromarray(np.roll(GREY, shift, 1)) for shift in (5, 10)]
    data = file_of(Image.fromarray(GREY), kind, save_all=True, append_images=others)
    assert count_frames(data) == 3
    close(read_image(data, where=Slice(0))[:1], GREY, 0.02)
    close(read_image(data)[:1], np.roll(GREY, 5, 1), 0.02)
    close(read_image(data, where=Slice(2))[:1], np.roll(GREY, 10, 1), 0.02)
    with pytest.raises(InputError, match=r"scan has 3 pictures, 0 to 2; there is no 3"):
        read_image(data, "scan", Slice(3))


def test_names_with_emoji_and_markup_are_read_and_told(tmp_path: Path) -> None:
    path = tmp_path / "😀 <b>'x' .png"
    path.write_bytes(encode_png(COLOUR))
    close(read_image(path), COLOUR)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"😀 <b>'x' .png is empty"):
        read_image(path)


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent.png is not a file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(InputError, match="is a folder without DICOM slices"):
        read_image(tmp_path)
    with pytest.raises(InputError, match="is not a file"):
        read_image(Path("/dev/zero"))
    with pytest.raises(InputError, match=r"can't be read|is not a file"):
        read_image(Path("x" * 5000))


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n"


@pytest.mark.parametrize(
    "data",
    [b"hello", b"%PDF-1.7 and so on", SVG, HTML, EPS, b"\0" * 4096, b"PK\x03\x04"],
)
def test_a_file_of_another_type_is_told(data: bytes) -> None:
    with pytest.raises(InputError, match="it is not a PNG, JPEG, BMP, TIFF"):
        read_image(data, "it")


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(width: int, height: int, depth: int, colour: int, pixels: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("side", [60_000, 10_000, 7_072])
def test_a_decompression_bomb_is_told_before_it_is_decoded(side: int) -> None:
    with pytest.raises(InputError, match=r"bomb.png is too large; the limit is 50 million pixels"):
        read_image(png(side, side, 8, 0, zlib.compress(b"")), "bomb.png")


def test_the_owner_s_limits_are_told(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("max_image_mb = 1\nmax_image_megapixels = 2\n")
    data = encode_png(COLOUR) + bytes(1_000_000)
    (tmp_path / "large.png").write_bytes(data)
    for source in (data, tmp_path / "large.png"):
        with pytest.raises(InputError, match="is too large; the limit is 1 MB"):
            read_image(source)
    with pytest.raises(InputError, match="the limit is 2 million pixels, it has 2000 x 1001"):
        read_image(encode_png(np.zeros((1001, 2000), np.uint8)))


def test_a_picture_too_small_to_attack_is_told() -> None:
    with pytest.raises(InputError, match="15 x 16 pixels; each side needs at least 16"):
        read_image(encode_png(np.zeros((16, 15), np.uint8)))


KINDS = {
    "png": encode_png(COLOUR),
    "palette": file_of(Image.fromarray(COLOUR).quantize(16), "PNG", transparency=0),
    "deep": file_of(Image.fromarray(DEEP), "PNG"),
    "jpeg": file_of(Image.fromarray(COLOUR), "JPEG"),
    "bmp": file_of(Image.fromarray(COLOUR), "BMP"),
    "tiff": file_of(Image.fromarray(COLOUR), "TIFF"),
    "lzw": file_of(Image.fromarray(COLOUR), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files_are_told(kind: str) -> None:
    data = KINDS[kind]
    for share in (0.1, 0.5, 0.8):
        with pytest.raises(InputError):
            read_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", KINDS)
def test_any_damage_ends_in_a_sentence_or_a_picture(kind: str) -> None:
    chance = random.Random(kind)
    for _ in range(40):
        data = bytearray(KINDS[kind][: chance.choice([None, chance.randrange(len(KINDS[kind]))])])
        for _ in range(chance.randrange(6)):
            # The head of a file holds what its readers believe.
            end = min(len(data), chance.choice([64, 400, 10**6]))
            if end:
                data[chance.randrange(end)] = chance.randrange(256)
        try:
            image = read_image(bytes(data))
        except InputError:
            continue
        assert image.dtype == np.float32
        assert 0 <= image.min() <= image.max() <= 1


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), colour=st.booleans())
def test_bytes_survive_floats_and_files(seed: int, colour: bool) -> None:
    shape = (17, 19, 3) if colour else (17, 19)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(to_bytes(from_bytes(pixels)), pixels)
    assert np.array_equal(to_bytes(read_image(encode_png(pixels))), pixels)


def test_rounding_is_to_the_nearest_and_never_wraps() -> None:
    image = np.array([[[-0.5, 0.0, 0.4 / 255, 0.6 / 255, 1.0, 1.7]]], dtype=np.float32)
    assert to_bytes(image).tolist() == [[0, 0, 0, 1, 255, 255]]


def test_grey_is_repeated_for_showing() -> None:
    assert np.array_equal(to_rgb(from_bytes(GREY)), np.stack([GREY] * 3, axis=-1))
    assert np.array_equal(to_rgb(from_bytes(COLOUR)), COLOUR)
