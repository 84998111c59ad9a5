"""Orders and sides: random for each reviewer, the same at each call, and telling nothing."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asma_core.reviews.questions import ATTACKED, ORIGINAL, PAIR
from asma_core.reviews.review import Item, Review


def review(asks: str, kinds: list[tuple[str, str]], seed: int = 7) -> Review:
    items = tuple(
        Item(place, kind, f"{place:08x}", image, {}) for place, (kind, image) in enumerate(kinds)
    )
    return Review("0" * 8, 0.0, "", "", asks, seed, items)


def pairs(count: int, seed: int = 7) -> Review:
    return review("choice", [(PAIR, f"image {i}") for i in range(count)], seed)


def places(made: Review, reviewer: str) -> list[int]:
    return [item.place for item in made.order(reviewer)]


def test_an_order_is_one_reviewer_s_and_the_seed_s() -> None:
    made = pairs(30)
    assert places(made, "Ann") == places(pairs(30), "Ann")
    assert sorted(places(made, "Ann")) == list(range(30))
    assert places(made, "Ann") != places(made, "Bob") != list(range(30))
    assert places(made, "Ann") != places(pairs(30, seed=8), "Ann")


def test_an_order_stays_the_same_in_later_versions() -> None:
    # A review that has begun goes on after an upgrade: these were drawn on 2026-11-29.
    assert places(pairs(8), "Ann") == [7, 0, 3, 1, 6, 5, 2, 4]
    sides = [pairs(8).attacked_first("Ann", item) for item in pairs(8).items]
    assert sides == [False, True, True, False, True, False, True, False]


@given(st.text(max_size=8), st.integers(0, 2**62), st.integers(1, 12))
def test_pictures_of_one_image_follow_each_other_only_where_no_other_is_left(
    reviewer: str, seed: int, count: int
) -> None:
    kinds = [(kind, f"image {image}") for kind in (ATTACKED, ORIGINAL) for image in range(count)]
    made = review("odd", kinds, seed)
    order = made.order(reviewer)
    assert sorted(item.place for item in order) == list(range(2 * count))
    for turn, (one, after) in enumerate(itertools.pairwise(order)):
        if one.image == after.image:
            assert {item.image for item in order[turn:]} == {one.image}


def test_the_attacked_picture_is_on_either_side_as_often_for_any_reviewer() -> None:
    made = pairs(1000)
    for reviewer in ("Ann", "Bob", ""):
        sides = Counter(made.attacked_first(reviewer, item) for item in made.items)
        # Six standard deviations of a fair coin; the draws are fixed by the seed.
        assert abs(sides[True] - 500) < 6 * 15.9


def test_neither_order_nor_side_tells_what_an_item_is() -> None:
    kinds = [(ATTACKED, f"image {i}") for i in range(200)]
    kinds += [(ORIGINAL, f"image {i}") for i in range(200)]
    made = review("odd", kinds)
    first = Counter(item.kind for item in made.order("Ann")[:200])
    assert abs(first[ATTACKED] - 100) < 6 * 5.1


@pytest.mark.parametrize("answer", [ATTACKED, ORIGINAL])
def test_codes_of_pairs_are_one_and_zero_as_often_whoever_is_right(answer: str) -> None:
    made = pairs(1000)
    codes = Counter(made.code(item, answer) for item in made.items)
    assert codes == {0: 500, 1: 500}
