"""What the comparison viewer is sent and what it makes of an address."""

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
from ui.address.views import CompareView
from ui.comparison.payload import MOST_BESIDE, Beside, Comparison, Frame, pack, thinned
from ui.comparison.viewer import checked_view


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
    data = pack(one_frame(original), "{}", 520)
    assert part(data, unpacked(data)[0]["original"]) == original


def test_labels_travel_as_grey_values_whatever_their_palette() -> None:
    labels = (GREY % 3).astype(np.uint8)
    data = pack(one_frame(png(GREY), truth_png=indexed(labels)), "{}", 520)
    assert Image.open(io.BytesIO(part(data, unpacked(data)[0]["truth"]))).mode == "L"
    assert (array(data, unpacked(data)[0]["truth"]) == labels).all()


def test_a_picture_above_2048_pixels_is_reduced_by_means_and_its_labels_by_choice() -> None:
    original = np.zeros((4, 4096), np.uint8)
    original[:, ::2] = 100
    labels = np.full((4, 4096), 2, np.uint8)
    data = pack(one_frame(png(original), truth_png=png(labels)), "{}", 520)
    header, _ = unpacked(data)
    assert header["reduced"] == 2
    assert array(data, header["original"]).shape == array(data, header["truth"]).shape == (2, 2048)
    assert (array(data, header["original"]) == 50).all()
    assert (array(data, header["truth"]) == 2).all()


@pytest.mark.parametrize("side", [2049, 4095, 4097, 6143])
def test_reduced_pictures_and_labels_agree_in_size_at_odd_sides(side: int) -> None:
    flat = np.zeros((5, side), np.uint8)
    data = pack(one_frame(png(flat), truth_png=png(flat)), "{}", 520)
    header, _ = unpacked(data)
    assert array(data, header["original"]).shape == array(data, header["truth"]).shape


def test_the_fingerprint_changes_with_the_pictures_and_not_with_the_view() -> None:
    first = unpacked(pack(one_frame(png(GREY)), "{}", 520))[0]["fingerprint"]
    same = unpacked(pack(one_frame(png(GREY)), '{"mode": "blink"}', 300))[0]["fingerprint"]
    other = unpacked(pack(one_frame(png(GREY + 1)), "{}", 520))[0]["fingerprint"]
    assert first == same != other


def test_pictures_of_another_size_are_refused() -> None:
    comparison = Comparison("run", png(GREY), (Frame("result", 1, png(GREY[:3])),))
    with pytest.raises(InputError, match="expected pictures of 8 x 6 like the original, got 8 x 3"):
        pack(comparison, "{}", 520)


@pytest.mark.parametrize("broken", [b"", b"no picture", png(GREY)[:40]])
def test_broken_pictures_are_refused(broken: bytes) -> None:
    with pytest.raises(InputError, match="no readable PNG"):
        pack(one_frame(broken), "{}", 520)


def test_a_mask_in_colours_is_refused() -> None:
    colours = png(np.stack([GREY] * 3, axis=-1))
    with pytest.raises(InputError, match="class numbers"):
        pack(one_frame(colours, truth_png=colours), "{}", 520)


def test_no_frame_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at least one frame"):
        pack(Comparison("run", png(GREY), ()), "{}", 520)


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=40), budget=st.integers(1, 400))
def test_thinning_keeps_the_result_and_the_budget(sizes: list[int], budget: int) -> None:
    frames = tuple(Frame("", i, b"x" * size) for i, size in enumerate(sizes))
    kept = thinned(frames, budget)
    assert kept[-1] == len(frames) - 1 and kept == sorted(set(kept))
    assert len(kept) == 1 or sum(sizes[i] for i in kept) <= budget
    if sum(sizes) <= budget:
        assert kept == list(range(len(frames)))


views = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["side", "slider", "blink"]),
        "frame": st.integers(0, 5000),
        "amplification": st.integers(1, 100),
        "signed": st.booleans(),
        "channel": st.sampled_from(["largest", "red", "green", "blue"]),
        "overlays": st.sets(st.sampled_from(["truth", "before", "target", "after"])).map(
            lambda chosen: [n for n in ("truth", "before", "target", "after") if n in chosen]
        ),
    }
)


@given(view=views)
def test_a_view_survives_the_address(view: dict[str, Any]) -> None:
    told = CompareView("a").showing(view, usual={})
    again = CompareView.from_query(told.query())
    assert again == told
    assert checked_view(again.viewer()) == view


@given(
    query=st.dictionaries(
        st.sampled_from(["mode", "frame", "times", "overlays", "channel"]), st.text()
    )
)
def test_any_address_gives_a_usable_view(query: dict[str, str]) -> None:
    view = checked_view(CompareView.from_query(query).viewer())
    assert 1 <= view.get("amplification", 1) <= 100
    assert view.get("mode", "side") in ("side", "slider", "blink")


def test_runs_beside_are_sent_with_their_own_masks() -> None:
    original, labels = png(GREY), indexed(GREY % 2)
    other = Beside("b", "run b", png(GREY + 9), None, labels)
    data = pack(replace(one_frame(original), beside=(other,) * 5), "{}", 520)
    sent = unpacked(data)[0]["beside"]
    assert [entry["key"] for entry in sent] == ["b"] * MOST_BESIDE
    assert (sent[0]["label"], sent[0]["after"]) == ("run b", None)
    assert part(data, sent[0]["adversarial"]) == other.adversarial_png
    np.testing.assert_array_equal(array(data, sent[0]["target"]), GREY % 2)
