"""Own images are kept under a key that an address can hold, and nothing else opens."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asma_core.errors import InputError, StoreError
from asma_core.runs.uploads import keep_image, keep_upload, open_upload

PIXELS = np.random.default_rng(1).integers(0, 256, (20, 24, 3)).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_what_is_kept_is_opened_again_with_its_name() -> None:
    source = open_upload(keep_upload(png(PIXELS), "my eye.png"))
    np.testing.assert_array_equal(np.rint(source.image * 255), PIXELS.transpose(2, 0, 1))
    assert (source.name, source.dataset, source.sample) == ("my eye.png", "", "my eye.png")
    assert source.truth is None
    assert source.valid.all()


def test_the_same_file_has_the_same_key_and_another_name_another() -> None:
    key = keep_upload(png(PIXELS), "a.png")
    assert keep_upload(png(PIXELS), "a.png") == key
    assert keep_upload(png(PIXELS), "b.png") != key
    assert open_upload(key).name == "a.png"


@pytest.mark.parametrize("name", ["../../x.png", "/etc/passwd", "<script>.png", "\N{BOMB}", "a\nb"])
def test_no_name_leaves_the_data_folder(home: Path, name: str) -> None:
    source = open_upload(keep_upload(png(PIXELS), name))
    assert source.name == name
    assert {path.parent for path in home.parent.rglob("*.image")} == {home / "uploads"}


@pytest.mark.parametrize("data", [b"", b"text", png(PIXELS)[:200], png(np.zeros((2, 2), np.uint8))])
def test_what_is_no_image_is_refused_and_not_kept(home: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"bad\.png"):
        keep_upload(data, "bad.png")
    assert not list(home.rglob("*.image"))


@pytest.mark.parametrize(
    "key", ["", "0" * 32, "0" * 31, "../" * 10 + "ab", "a/" * 16, "\N{ARABIC-INDIC DIGIT ONE}" * 32]
)
def test_an_unknown_key_is_refused(home: Path, key: str) -> None:
    keep_upload(png(PIXELS), "a.png")
    with pytest.raises(InputError, match="upload it again"):
        open_upload(key)


def test_a_damaged_record_is_explained(home: Path) -> None:
    key = keep_upload(png(PIXELS), "a.png")
    (home / "uploads" / f"{key}.json").write_bytes(b"{")
    with pytest.raises(StoreError):
        open_upload(key)


def test_a_runs_image_is_kept_to_the_bit() -> None:
    deep = np.arange(20 * 24, dtype=np.float32).reshape(1, 20, 24) * 131 / np.float32(65535)
    colour = PIXELS.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    for image in (deep, colour, colour[:1]):
        kept = open_upload(keep_image(image, "of a run"))
        np.testing.assert_array_equal(kept.image, image)
        assert kept.name == "of a run"
