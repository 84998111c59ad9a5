"""What the comparison viewer is sent."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from asma_core.errors import InputError
from asma_core.runs.difference import automatic_factors
from ui.comparison.payload import (
    MOST_BESIDE,
    Beside,
    Comparison,
    Curves,
    Frame,
    pack,
    thinned,
)


def png(values: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def indexed(labels: NDArray[np.uint8]) -> bytes:
    image = Image.frombytes("P", labels.shape[::-1], labels.tobytes())
    image.putpalette([7, 7, 7, 200, 0, 0, 0, 200, 0])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:4], "little")
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def part(data: bytes, place: dict[str, int]) -> bytes:
    body = unpacked(data)[1]
    return body[place["offset"] : place["offset"] + place["length"]]


def array(data: bytes, place: dict[str, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(part(data, place))))


def one_frame(original: bytes, **masks: bytes) -> Comparison:
    return Comparison("run", original, (Frame("result", 1, original),), **masks)


GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def test_eight_bit_pictures_travel_untouched() -> None:
    original = png(np.stack([GREY] * 3, axis=-1))
    data = pack(one_frame(original), "{}")
    assert part(data, unpacked(data)[0]["original"]) == original


def test_labels_travel_as_grey_values_whatever_their_palette() -> None:
    labels = (GREY % 3).astype(np.uint8)
    data = pack(one_frame(png(GREY), truth_png=indexed(labels)), "{}")
    assert Image.open(io.BytesIO(part(data, unpacked(data)[0]["truth"]))).mode == "L"
    assert (array(data, unpacked(data)[0]["truth"]) == labels).all()


def test_a_picture_above_2048_pixels_is_reduced_by_means_and_its_labels_by_choice() -> None:
    original = np.zeros((4, 4096), np.uint8)
    original[:, ::2] = 100
    labels = np.full((4, 4096), 2, np.uint8)
    data = pack(one_frame(png(original), truth_png=png(labels)), "{}")
    header, _ = unpacked(data)
    assert header["reduced"] == 2
    assert array(data, header["original"]).shape == array(data, header["truth"]).shape == (2, 2048)
    assert (array(data, header["original"]) == 50).all()
    assert (array(data, header["truth"]) == 2).all()


@pytest.mark.parametrize("side", [2049, 4095, 4097, 6143])
def test_reduced_pictures_and_labels_agree_in_size_at_odd_sides(side: int) -> None:
    flat = np.zeros((5, side), np.uint8)
    data = pack(one_frame(png(flat), truth_png=png(flat)), "{}")
    header, _ = unpacked(data)
    assert array(data, header["original"]).shape == array(data, header["truth"]).shape


def test_the_fingerprint_changes_with_the_pictures_and_not_with_the_view() -> None:
    first = unpacked(pack(one_frame(png(GREY)), "{}"))[0]["fingerprint"]
    same = unpacked(pack(one_frame(png(GREY)), '{"mode": "blink"}'))[0]["fingerprint"]
    other = unpacked(pack(one_frame(png(GREY + 1)), "{}"))[0]["fingerprint"]
    assert first == same != other


def test_pictures_of_another_size_are_refused() -> None:
    comparison = Comparison("run", png(GREY), (Frame("result", 1, png(GREY[:3])),))
    with pytest.raises(InputError, match="expected pictures of 8 x 6 like the original, got 8 x 3"):
        pack(comparison, "{}")


@pytest.mark.parametrize("broken", [b"", b"no picture", png(GREY)[:40]])
def test_broken_pictures_are_refused(broken: bytes) -> None:
    with pytest.raises(InputError, match="no readable PNG"):
        pack(one_frame(broken), "{}")


def test_a_mask_in_colours_is_refused() -> None:
    colours = png(np.stack([GREY] * 3, axis=-1))
    with pytest.raises(InputError, match="class numbers"):
        pack(one_frame(colours, truth_png=colours), "{}")


def test_no_frame_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at least one frame"):
        pack(Comparison("run", png(GREY), ()), "{}")


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=40), budget=st.integers(1, 400))
def test_thinning_keeps_the_result_and_the_budget(sizes: list[int], budget: int) -> None:
    frames = tuple(Frame("", i, b"x" * size) for i, size in enumerate(sizes))
    kept = thinned(frames, budget)
    assert kept[-1] == len(frames) - 1 and kept == sorted(set(kept))
    assert len(kept) == 1 or sum(sizes[i] for i in kept) <= budget
    if sum(sizes) <= budget:
        assert kept == list(range(len(frames)))


def test_curves_and_figures_are_sent_with_the_automatic_factor() -> None:
    original = np.full((8, 8, 3), 100, np.uint8)
    result = Frame("result", 2, png(original + 10), figures=(("IoU", "0.9"),))
    curves = Curves("IoU", 0.95, (0, 2), (None, 0.9), (0.0, 1.5))
    comparison = Comparison("a", png(original), (result,), curves=curves, visible=(("L2", "1"),))
    header, _ = unpacked(pack(comparison, "{}"))
    assert header["curves"] == {
        "label": "IoU", "wanted": 0.95, "step": [0, 2], "score": [None, 0.9], "l2": [0.0, 1.5],
    }  # fmt: skip
    assert header["frames"][0]["figures"] == [["IoU", "0.9"]]
    assert header["visible"] == [["L2", "1"]]
    assert header["automatic"] == automatic_factors(original, [original + 10])
    # Beside a run that changed more, both are drawn with the factor of that one.
    other = Beside("b", "b", png(original + 60))
    both = unpacked(pack(replace(comparison, beside=(other,)), "{}"))[0]["automatic"]
    assert both == automatic_factors(original, [original + 60]) != header["automatic"]


def test_runs_beside_are_sent_with_their_own_masks() -> None:
    original, labels = png(GREY), indexed(GREY % 2)
    other = Beside("b", "run b", png(GREY + 9), None, labels)
    data = pack(replace(one_frame(original), beside=(other,) * 5), "{}")
    sent = unpacked(data)[0]["beside"]
    assert [entry["key"] for entry in sent] == ["b"] * MOST_BESIDE
    assert (sent[0]["label"], sent[0]["after"]) == ("run b", None)
    assert part(data, sent[0]["adversarial"]) == other.adversarial_png
    np.testing.assert_array_equal(array(data, sent[0]["target"]), GREY % 2)
