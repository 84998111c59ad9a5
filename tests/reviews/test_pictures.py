"""What is sent of a picture says nothing but its pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from asma_core.errors import StoreError
from asma_core.reviews.pictures import shown
from asma_core.reviews.questions import ATTACKED, ORIGINAL
from asma_core.reviews.store import ReviewStore
from asma_core.runs import artefacts
from asma_core.runs.store import RunStore
from tests.reviews import made_reviews


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(home)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def file_pixels(runs: RunStore, run: str, name: str) -> np.ndarray:
    return np.asarray(Image.open(runs.folder(run) / name))


def noise(runs: RunStore, run: str, seed: int) -> None:
    """Make an attacked picture one whose file is larger, as that of a real attack."""
    drawn = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(drawn).save(runs.folder(run) / artefacts.ADVERSARIAL)


def test_pictures_are_the_files_pixel_by_pixel_and_equally_large(runs: RunStore) -> None:
    store = ReviewStore(runs.home)
    made = made_reviews.runs(runs, 6)
    for seed, run in enumerate(made):
        noise(runs, run.id, seed)
    # One that is drawn puts all of them on one side once in 32 times.
    review = store.create(made, "choice", seed=7)
    for item in review.items:
        seen = shown(runs, review, "Ann", item)
        names = [artefacts.ADVERSARIAL, artefacts.ORIGINAL]
        if not review.attacked_first("Ann", item):
            names.reverse()
        for png, name in zip(seen.pictures, names, strict=True):
            assert (pixels(png) == file_pixels(runs, item.run, name)).all()
        sizes = {len(png) for png in seen.pictures}
        assert len(sizes) == 1 and (seen.width, seen.height) == (32, 32)
        # The files themselves would tell.
        files = {(runs.folder(item.run) / name).stat().st_size for name in names}
        assert len(files) == 2
    assert {review.attacked_first("Ann", item) for item in review.items} == {True, False}


@pytest.mark.parametrize("asks", ["odd", "harm"])
def test_an_original_is_as_many_bytes_as_its_attacked_picture(runs: RunStore, asks: str) -> None:
    review = ReviewStore(runs.home).create(made_reviews.runs(runs, 1), asks)
    attacked, original = (shown(runs, review, "Ann", item) for item in review.items)
    assert [item.kind for item in review.items] == [ATTACKED, ORIGINAL]
    assert len(attacked.pictures[0]) == len(original.pictures[0])
    run = review.items[0].run
    assert (pixels(original.pictures[0]) == file_pixels(runs, run, "original.png")).all()
    assert (pixels(attacked.pictures[0]) == file_pixels(runs, run, "adversarial.png")).all()
    assert (attacked.outline is None) == (original.outline is None) == (asks == "odd")
    if attacked.outline and original.outline:
        assert len(attacked.outline) == len(original.outline)
        after = file_pixels(runs, run, artefacts.PREDICTION_ADVERSARIAL)
        assert (pixels(attacked.outline) == after).all()
        before = file_pixels(runs, run, artefacts.PREDICTION_CLEAN)
        assert (pixels(original.outline) == before).all()


def test_a_grey_original_of_a_coloured_result_is_sent_in_colours(runs: RunStore) -> None:
    review = ReviewStore(runs.home).create(made_reviews.runs(runs, 1), "choice")
    file = runs.folder(review.items[0].run) / artefacts.ORIGINAL
    Image.open(file).convert("L").save(file)
    one, other = shown(runs, review, "Ann", review.items[0]).pictures
    assert len(one) == len(other) and pixels(one).shape == pixels(other).shape


def test_no_words_in_a_file_are_sent(runs: RunStore) -> None:
    review = ReviewStore(runs.home).create(made_reviews.runs(runs, 1), "choice")
    file = runs.folder(review.items[0].run) / artefacts.ADVERSARIAL
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "attacked by ASMA")
    Image.open(file).save(file, pnginfo=words, dpi=(71, 71))
    one, other = shown(runs, review, "Ann", review.items[0]).pictures
    assert len(one) == len(other) and b"ASMA" not in one + other


def test_a_picture_that_is_gone_is_a_sentence(runs: RunStore) -> None:
    made = made_reviews.runs(runs, 2)
    review = ReviewStore(runs.home).create(made, "choice")
    runs.delete(made[0].id)
    (runs.folder(made[1].id) / artefacts.ORIGINAL).write_bytes(b"no picture")
    for item in review.items:
        with pytest.raises(StoreError):
            shown(runs, review, "Ann", item)
