"""What the values of masks mean is guessed, and what a card says of them is followed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from asma_core.data.masks.encodings import (
    SHARE,
    Encoding,
    count_values,
    decode,
    encoding_from_dict,
    pack,
    shares,
)
from asma_core.data.masks.guessing import guess, guess_share
from asma_core.data.masks.label_maps import VOID
from asma_core.data.preview import preview
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


@pytest.mark.parametrize(
    ("low", "high", "middle"), [(0, 255, 127), (0, 200, 100), (10, 20, 15), (0, 65535, 32767)]
)
def test_of_two_values_the_middle_itself_is_the_lower_one(low: int, high: int, middle: int) -> None:
    values = np.array([[low, middle, middle + 1, high]])
    for order in (((low, 4), (high, 7)), ((high, 7), (low, 4))):
        mask = decode(values, False, Encoding(values=order), "it")
        assert mask.labels.tolist() == [[4, 4, 7, 7]] and mask.valid.all()
    void = decode(values, False, Encoding(values=((low, VOID), (high, 1))), "it")
    assert void.valid.tolist() == [[False, False, True, True]]
    assert void.labels.tolist() == [[0, 0, 1, 1]]


def test_of_three_values_the_nearest_counts_and_of_two_as_near_the_first() -> None:
    encoding = Encoding(values=((0, 0), (128, 2), (255, 1)))
    values = np.array([[0, 63, 64, 65, 128, 191, 192, 255]], dtype=np.uint8)
    assert labels_of(values, encoding).tolist() == [[0, 0, 0, 2, 2, 2, 1, 1]]
    sixteen = Encoding(values=((0, 0), (32768, 2), (65535, 1)), full=65535.0)
    values = np.array([[0, 16383, 16384, 16385, 49151, 49152, 65535]], dtype=np.uint16)
    assert labels_of(values, sixteen).tolist() == [[0, 0, 0, 2, 2, 1, 1]]


def test_the_nearest_colour_is_by_its_three_channels() -> None:
    encoding = Encoding(values=((0, 0), (0xFF0000, 1), (0x00FF00, 2), (0x0000FF, 3)), colours=True)
    colours = [(100, 90, 90), (200, 90, 10), (90, 200, 10), (10, 90, 200), (0, 130, 20)]
    values = np.array([colours], dtype=np.uint8)
    # As the squares of the channels' distances say; as numbers, red would win nearly all.
    known = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)])
    expected = [int(((known - colour) ** 2).sum(axis=1).argmin()) for colour in colours]
    assert labels_of(values, encoding).tolist() == [expected] == [[0, 1, 2, 3, 2]]


def counted(values: dict[int, int]) -> np.ndarray:
    return np.repeat(np.array(list(values)), list(values.values()))[None]


GREYS = [
    # Greys and how often, and what the guess makes of them.
    ({0: 600, 128: 200, 255: 200}, [0, 128, 255]),
    # 24 levels apart is one grey, 25 are two.
    ({0: 600, 231: 190, 255: 210}, [0, 255]),
    ({0: 600, 230: 190, 255: 210}, [0, 230, 255]),
    # Rarer than two of a thousand is an edge.
    ({0: 8000, 128: 20, 255: 1980}, [0, 128, 255]),
    ({0: 8000, 128: 19, 255: 1981}, [0, 255]),
    # Every pixel alike: the rest of the set will hold nothing and all.
    ({255: 50}, [0, 255]),
    ({200: 50}, [0, 255]),
]


@pytest.mark.parametrize(("values", "expected"), GREYS)
@pytest.mark.parametrize("factor", [1, 257])
def test_the_greys_that_stand_for_something(
    values: dict[int, int], expected: list[int], factor: int
) -> None:
    """In 16 bits, where a grey is 257 times as much, as in 8."""
    found = guessed(counted({grey * factor: count for grey, count in values.items()}))
    assert found.kind == "values" and found.nearest and not found.colours
    assert found.values == tuple((grey * factor, place) for place, grey in enumerate(expected))
    assert found.full == 255 * factor


@pytest.mark.parametrize("factor", [1, 257])
def test_a_heap_of_soiled_greys_is_one_level_and_a_slope_is_none(factor: int) -> None:
    # Around 200 no grey alone is as much as half of what lies 8 levels around it.
    heap = {0: 6000, 255: 2000} | {grey: 2000 - 200 * abs(grey - 200) for grey in range(191, 210)}
    found = guessed(counted({grey * factor: count for grey, count in heap.items()}))
    assert found.values == ((0, 0), (200 * factor, 1), (255 * factor, 2))
    slope = {0: 6000} | dict.fromkeys(range(1, 256), 10)
    assert guessed(counted({grey * factor: n for grey, n in slope.items()})).kind == SHARE


@pytest.mark.parametrize(
    ("levels", "votes"),
    [
        ([0, 85, 170, 255], True),
        ([2, 86, 170, 253], True),
        ([3, 86, 170, 255], False),
        ([0, 85, 170, 252], False),
        ([0, 83, 170, 255], True),
        ([0, 81, 170, 255], False),
        ([0, 127, 255], False),
    ],
)
def test_votes_are_four_and_more_greys_as_far_from_each_other(
    levels: list[int], votes: bool
) -> None:
    found = guessed(counted(dict.fromkeys(levels, 100)))
    assert found.kind == (SHARE if votes else "values")
    if not votes:
        assert [value for value, _ in found.values] == levels


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Black is the background however rare, else what is most of all.
        ({(9, 0, 0): 70, (0, 9, 0): 20, (0, 0, 0): 10}, [0, 0x090000, 0x000900]),
        ({(9, 0, 0): 20, (0, 9, 0): 70, (0, 0, 9): 10}, [0x000900, 0x090000, 0x000009]),
    ],
)
def test_the_background_of_colours_is_black_or_what_is_most(
    values: dict[tuple[int, int, int], int], expected: list[int]
) -> None:
    pixels = [colour for colour, count in values.items() for _ in range(count)]
    found = guessed(np.array([pixels], dtype=np.uint8))
    assert found.values == tuple((value, place) for place, value in enumerate(expected))
    assert found.colours and not found.nearest


def test_of_too_many_colours_the_rare_ones_are_edges() -> None:
    common = [(9, 0, 0)] * 7000 + [(0, 9, 0)] * 2900 + [(0, 0, 9)] * 5
    rare = [(100, place, 7) for place in range(31)] + [(8, 8, place) for place in range(64)]
    found = guessed(np.array([common + rare], dtype=np.uint8))
    # 5 of 10 000 is common enough, 1 is not.
    assert found.values == ((0x090000, 0), (0x000900, 1), (0x000009, 2))
    assert found.colours and found.nearest


@pytest.mark.parametrize(("count", "exact"), [(32, True), (33, False)])
def test_up_to_32_colours_are_classes(count: int, exact: bool) -> None:
    pixels = [(50, place, 0) for place in range(count)]
    found = guessed(np.array([pixels], dtype=np.uint8))
    assert (found.nearest, found.classes) == (not exact, 32)


@pytest.mark.parametrize(
    ("counts", "values"),
    [
        ({0: 5, 1: 5}, [(0, 0), (1, 1)]),
        ({0: 5}, [(0, 0), (1, 1)]),
        ({}, [(0, 0), (1, 1)]),
        # What is missing between is a class all the same: another file may hold it.
        ({0: 5, 3: 5}, [(0, 0), (1, 1), (2, 2), (3, 3)]),
        ({0: 5, 31: 1}, [(number, number) for number in range(32)]),
        ({0: 5, 2: 5, 255: 9}, [(0, 0), (1, 1), (2, 2), (255, VOID)]),
    ],
)
def test_small_values_are_class_numbers(
    counts: dict[int, int], values: list[tuple[int, int]]
) -> None:
    found = guess(counts, False)
    assert found.values == tuple(values) and not found.nearest and not found.colours


@pytest.mark.parametrize(
    "counts", [{0: 500, 32: 500}, {0: 50, 1: 5, 201: 1, 255: 40}, {0: 50, 255: 50}]
)
def test_larger_values_and_soiled_white_are_greys(counts: dict[int, int]) -> None:
    found = guess(counts, False)
    assert found.nearest and (found.values[0], found.full) == ((0, 0), 255.0)


@pytest.mark.parametrize(
    ("highest", "full"),
    [(0, 255), (1, 1), (4, 4), (31, 31), (32, 255), (255, 255), (256, 65535), (65535, 65535)],
)
def test_the_full_value_of_a_share_is_its_votes_or_all_bits(highest: int, full: int) -> None:
    found = guess_share({0: 9, highest: 3})
    assert (found.kind, found.values, found.full, found.threshold) == (SHARE, (), full, 0.5)
    assert found.classes == 2


def test_values_are_packed_as_small_as_they_come_and_counted() -> None:
    colours = np.array([[[1, 2, 3, 9], [255, 0, 128, 9]]], dtype=np.uint8)
    codes, are_colours = pack(colours)
    assert codes.tolist() == [[0x010203, 0xFF0080]] and are_colours
    assert count_values(codes) == {0x010203: 1, 0xFF0080: 1}
    small, are_colours = pack(np.array([[3, 3, 7]], dtype=np.uint16))
    assert small.dtype == np.uint16 and not are_colours and count_values(small) == {3: 2, 7: 1}
    whole, _ = pack(np.array([[3.0, 7.0]], dtype=np.float32))
    assert whole.dtype == np.int64 and whole.tolist() == [[3, 7]]
    assert count_values(np.array([[-1, 65536, 65536]])) == {-1: 1, 65536: 2}
    assert count_values(np.zeros((0, 0), dtype=np.uint8)) == {}


@pytest.mark.parametrize(
    ("changed", "fits"),
    [
        ({}, True),
        ({"kind": "share", "values": []}, True),
        ({"kind": "other"}, False),
        ({"values": []}, False),
        ({"values": [[0, 31]]}, True),
        ({"values": [[0, 32]]}, False),
        ({"values": [[0, -1]]}, False),
        ({"values": [[0, 255]]}, True),
        ({"full": 0}, False),
        ({"full": "255"}, False),
        ({"full": 1}, True),
        ({"threshold": 0}, True),
        ({"threshold": 1}, False),
        ({"threshold": -0.1}, False),
        ({"threshold": None}, False),
        ({"more": 1}, False),
    ],
)
def test_a_card_s_encoding_is_checked(changed: dict[str, object], fits: bool) -> None:
    content = Encoding().as_dict() | changed
    if fits:
        assert encoding_from_dict(content, "card").as_dict() == content
    else:
        with pytest.raises(InputError, match="card has an encoding that can't be; import"):
            encoding_from_dict(content, "card")


def test_an_encoding_speaks_of_as_many_classes_as_its_highest() -> None:
    assert Encoding().classes == 2
    assert Encoding(values=((0, 0), (9, 4), (255, VOID))).classes == 5
    assert Encoding(values=((255, VOID),)).classes == 1


def test_grey_files_of_a_set_in_colours_are_read_and_colours_of_a_grey_set_are_told() -> None:
    grey = np.array([[0, 255]], dtype=np.uint8)
    colours = Encoding(values=((0, 0), (0xFFFFFF, 1)), nearest=False, colours=True)
    assert decode(grey, False, colours, "it").labels.tolist() == [[0, 1]]
    with pytest.raises(InputError, match="it is in colours, the others of its data set are grey"):
        decode(grey, True, Encoding(), "it")


def test_a_share_is_above_its_threshold_of_the_full_value() -> None:
    votes = Encoding(kind=SHARE, values=(), full=4.0, threshold=0.5)
    values = np.array([[0, 1, 2, 3, 4, 9]])
    assert decode(values, False, votes, "it").labels.tolist() == [[0, 0, 0, 1, 1, 1]]
    assert shares(values, votes).tolist() == [[0.0, 0.25, 0.5, 0.75, 1.0, 1.0]]


@pytest.mark.parametrize("factor", [1, 257])
@pytest.mark.parametrize(("white", "levels"), [(3300, [0, 120, 255]), (3900, [0, 255])])
def test_a_heap_is_a_fifth_of_what_is_drawn(white: int, levels: list[int], factor: int) -> None:
    """900 pixels within 8 levels of 120, 120 just beyond: 21 or 18 % of all and the white."""
    heap = dict.fromkeys(range(112, 129), 50) | {111: 60, 120: 100, 129: 60, 0: 6000, 255: white}
    found = guessed(counted({grey * factor: count for grey, count in heap.items()}))
    assert [value for value, _ in found.values] == [level * factor for level in levels]


@pytest.mark.parametrize("factor", [1, 257])
@pytest.mark.parametrize(("white", "kind"), [(2820, SHARE), (3100, "values")])
def test_a_soft_map_lies_between_the_levels_by_two_fifths(
    white: int, kind: str, factor: int
) -> None:
    """1960 pixels evenly between black and white: 41 or 39 % of them and the white."""
    slope = dict.fromkeys(range(30, 226), 10) | {0: 6000, 255: white}
    found = guessed(counted({grey * factor: count for grey, count in slope.items()}))
    assert (found.kind, found.full) == (kind, 255.0 * factor)
