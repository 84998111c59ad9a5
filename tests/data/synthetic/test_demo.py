"""The demo sets appear whole, are the same each time, and are no part of the training stream."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from asma_core.data.masks.palette import CLASS_COLOURS
from asma_core.data.synthetic import demo
from asma_core.errors import StoreError, UnknownNameError
from asma_core.training.demo_stream import drawn_pairs


def tree(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", demo.DEMO_SETS)
def test_set_has_the_promised_files_and_says_that_it_is_synthetic(name, tmp_path):
    demo.generate(name, tmp_path / name, count=8, size=48)
    card = json.loads((tmp_path / name / "dataset.json").read_text())
    assert card["synthetic"] is True and "synthetic" in card["description"].lower()
    assert card["classes"] == list(demo.DEMO_SETS[name].class_names)
    assert [len(card["split"][part]) for part in ("train", "test")] == [6, 2]
    for stem in card["split"]["train"] + card["split"]["test"]:
        with Image.open(tmp_path / name / "images" / f"{stem}.png") as image:
            assert image.mode == "RGB" and image.size == (48, 48)
        with Image.open(tmp_path / name / "masks" / f"{stem}.png") as mask:
            assert mask.mode == "P" and mask.size == (48, 48)
            assert tuple(mask.getpalette()[3:6]) == CLASS_COLOURS[1]
            assert np.asarray(mask).max() < len(card["classes"])


def test_default_split_is_48_to_16():
    card = json.loads(demo._card(demo.DEMO_SETS["demo-lesion"], [f"{i:04d}" for i in range(64)]))
    assert [len(card["split"][part]) for part in ("train", "test")] == [48, 16]


def test_two_at_once_give_the_same_bytes_and_leave_nothing_behind(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        work = [
            pool.submit(demo.generate, "demo-lesion", tmp_path / "set", 4, 32) for _ in range(2)
        ]
        for job in work:
            job.result()
    demo.generate("demo-lesion", tmp_path / "again", 4, 32)
    assert tree(tmp_path / "set") == tree(tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "set"]


def test_a_failure_leaves_no_half_written_set(tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo, "encode_mask", full_disk)
    with pytest.raises(StoreError, match="full"):
        demo.generate("demo-lesion", tmp_path / "set", 4, 32)
    assert list(tmp_path.iterdir()) == []


def test_unknown_set_is_named_with_what_there_is():
    with pytest.raises(UnknownNameError, match=r"demo-retina.*demo-fundus"):
        demo.training_pair("demo-retina", 0)


@pytest.mark.parametrize("name", demo.DEMO_SETS)
def test_training_stream_repeats_and_shares_no_picture_with_the_set(name):
    image, mask = demo.training_pair(name, 3, 32)
    again = demo.training_pair(name, 3, 32)
    assert np.array_equal(image, again[0]) and np.array_equal(mask, again[1])
    own = [demo.set_pair(name, index, 32)[0].tobytes() for index in range(8)]
    stream = [demo.training_pair(name, index, 32)[0].tobytes() for index in range(8)]
    assert not set(own) & set(stream)


def test_training_cache_holds_the_stream(tmp_path, monkeypatch):
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    done = []
    pairs = drawn_pairs("demo-lesion", 3, 32, lambda made, total: done.append((made, total)))
    assert done == [(3, 3)] and len(pairs) == 3
    for index in range(3):
        image, mask = demo.training_pair("demo-lesion", index, 32)
        assert np.array_equal(pairs[index][0], image) and np.array_equal(pairs[index][1], mask)
    assert len(pairs[1:]) == 2
    drawn_pairs("demo-lesion", 3, 32, lambda *_: pytest.fail("made again"))
