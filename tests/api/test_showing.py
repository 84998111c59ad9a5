"""What a notebook shows: pictures, figures, and no text of a user's own as HTML."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import asma_core as asma
from tests import tiny
from tests.api.attacked import AWAY, attacked, image, many

NAME = '<img src=x onerror="alert(1)"> & co.png'

DIFFERENCE = "Difference, 20 times (red brighter, blue darker, white unchanged)"


@pytest.fixture(autouse=True)
def _furnished(home: Path) -> None:
    tiny.furnish(home)


def named(folder: Path) -> Path:
    file = folder / NAME
    file.write_bytes(tiny.png(tiny.image_pixels(0)))
    return file


def pictures(html: str) -> dict[str, Image.Image]:
    found = re.findall(r'<img alt="([^"]*)"[^>]* src="data:image/png;base64,([^"]+)"', html)
    return {name: Image.open(io.BytesIO(base64.b64decode(data))) for name, data in found}


class Seen(HTMLParser):
    """All tags and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert all(not name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_result_shows_its_pictures_and_figures(tmp_path: Path) -> None:
    result = attacked(image(0), tiny.mask_labels(2))
    html = result._repr_html_()
    shown = pictures(html)
    assert list(shown) == [
        "Original", "Adversarial image", DIFFERENCE,
        "Target", "Prediction before", "Prediction after",
    ]  # fmt: skip
    saved = Image.open(result.save(tmp_path)[1])
    assert np.array_equal(np.asarray(shown["Adversarial image"]), np.asarray(saved))
    change = np.rint(result.perturbation * 255).transpose(1, 2, 0)
    difference = np.asarray(shown[DIFFERENCE])
    red, _, blue = np.moveaxis(difference.astype(int), -1, 0)
    up, down = (change > 0).all(axis=-1), (change < 0).all(axis=-1)
    assert up.any() and (red > blue)[up].all()
    assert down.any() and (blue > red)[down].all()
    unchanged = difference[(change == 0).all(axis=-1)]
    assert len(unchanged) and (unchanged == 0xFF).all()
    text = Seen(html).text
    assert result.outcome in text and f"{result.iou:.4f} after" in text
    assert f"{result.l2:.4f}" in text and "http" not in text


def test_names_are_shown_as_texts(tmp_path: Path) -> None:
    for shown in (
        attacked(named(tmp_path), tiny.mask_labels(2), steps=1)._repr_html_(),
        many([named(tmp_path)], tiny.mask_labels(2), steps=1)._repr_html_(),
    ):
        seen = Seen(shown)
        assert NAME in seen.text and NAME not in shown
        assert seen.tags.count("img") == len(pictures(shown))
        assert "script" not in seen.tags


def test_many_results_are_a_sequence_with_a_table() -> None:
    results = many([image(index) for index in range(3)], tiny.mask_labels(4), steps=2)
    table = results.table()
    assert list(table["l2"]) == [one.l2 for one in results]
    assert list(table["outcome"]) == [one.outcome for one in results]
    assert [*results[1:]] == [results[1], results[2]] and isinstance(results[1:], asma.Results)
    seen = Seen(results._repr_html_())
    assert seen.tags.count("tr") == 4 and repr(results) in seen.text


def test_what_is_undefined_is_not_a_number_but_not_available() -> None:
    html = attacked(image(0), None, **AWAY)._repr_html_()
    assert "IoU lost" in html and "nan" not in Seen(html).text.lower()
    assert "Target" not in pictures(html)


def test_a_large_picture_is_shown_smaller() -> None:
    wide = np.tile(image(0), (1, 1, 20))
    result = attacked(wide, np.tile(tiny.mask_labels(2), (1, 20)), steps=1)
    assert pictures(result._repr_html_())["Original"].size == (512, 26)
