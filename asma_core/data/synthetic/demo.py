"""The demo sets: made-up pictures, the same bytes on every machine with the pinned libraries."""

from __future__ import annotations

import io
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.masks.label_maps import encode_mask
from asma_core.data.synthetic import fundus_pair, lesion_pair
from asma_core.errors import UnknownNameError
from asma_core.files import as_store_error, to_json

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_TEST_SHARE: Final = 0.25
# The set's own pictures and the training stream never share a seed.
_SET_STREAM: Final = 1
_TRAINING_STREAM: Final = 2
_NARROW_EVERY: Final = 2


@dataclass(frozen=True)
class DemoSet:
    """A data set that the workbench makes itself.

    Attributes:
        name: Unique.
        title: For people.
        description: What it shows; says that it is synthetic.
        class_names: Background first.
        pair: Makes an image and its mask from (rng, size, wide).
        seed: Base of its seeds.
    """

    name: str
    title: str
    description: str
    class_names: tuple[str, ...]
    pair: Callable[[np.random.Generator, int, bool], Pair]
    seed: int


DEMO_SETS: Final = MappingProxyType(
    {
        "demo-fundus": DemoSet(
            name="demo-fundus",
            title="Fundus demo",
            description=(
                "Synthetic colour fundus pictures around the optic disc, drawn by a program: "
                "no patient, no camera. Classes: disc rim and cup."
            ),
            class_names=("background", "disc rim", "cup"),
            pair=fundus_pair,
            seed=1907,
        ),
        "demo-lesion": DemoSet(
            name="demo-lesion",
            title="Skin lesion demo",
            description=(
                "Synthetic dermoscopy pictures of pigmented skin lesions, drawn by a program: "
                "no patient, no camera. One class: lesion."
            ),
            class_names=("skin", "lesion"),
            pair=lesion_pair,
            seed=13124,
        ),
    }
)


def demo_set(name: str) -> DemoSet:
    """Return the demo set of that name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in DEMO_SETS:
        raise UnknownNameError("demo set", name, DEMO_SETS)
    return DEMO_SETS[name]


def set_pair(name: str, index: int, size: int = 256) -> Pair:
    """Return one picture of a demo set and its mask, uint8 (size, size, 3) and (size, size)."""
    chosen = demo_set(name)
    return chosen.pair(np.random.default_rng((chosen.seed, _SET_STREAM, index)), size, False)


def training_pair(name: str, index: int, size: int = 256) -> Pair:
    """Return one picture of the endless training stream, which shares no seed with the set.

    Every other one is randomised far more widely than the set, so that the network carries over
    to pictures that it has never seen.
    """
    chosen = demo_set(name)
    wide = index % _NARROW_EVERY != 0
    return chosen.pair(np.random.default_rng((chosen.seed, _TRAINING_STREAM, index)), size, wide)


def generate(name: str, folder: Path, count: int = 64, size: int = 256) -> None:
    """Write a demo set as `images/`, `masks/` and `dataset.json` into a folder.

    The folder appears at once and whole; when another process was faster, its folder stays.

    Args:
        name: Name of a demo set.
        folder: Where it shall be; its parents are made.
        count: Number of pictures; the last quarter is the test split.
        size: Side of the pictures in pixels, at least 32.

    Raises:
        UnknownNameError: No demo set has that name.
        StoreError: The folder can't be written.
    """
    chosen = demo_set(name)
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    with as_store_error(folder):
        try:
            _write_set(chosen, aside, count, size)
            _publish(aside, folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _publish(aside: Path, folder: Path) -> None:
    """Rename a finished folder into place, unless a finished one is there already."""
    try:
        aside.rename(folder)
    except OSError:
        # A rename onto a folder with content fails: somebody else has finished first.
        if not (folder / "dataset.json").is_file():
            raise


def _write_set(chosen: DemoSet, folder: Path, count: int, size: int) -> None:
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    names = [f"{index:04d}" for index in range(count)]
    for index, stem in enumerate(names):
        image, mask = set_pair(chosen.name, index, size)
        (folder / "images" / f"{stem}.png").write_bytes(_png(Image.fromarray(image)))
        (folder / "masks" / f"{stem}.png").write_bytes(encode_mask(mask))
    (folder / "dataset.json").write_text(_card(chosen, names), encoding="utf-8")


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=6)
    return file.getvalue()


def _card(chosen: DemoSet, names: list[str]) -> str:
    first_test = len(names) - round(len(names) * _TEST_SHARE)
    return to_json(
        {
            "name": chosen.name,
            "title": chosen.title,
            "description": chosen.description,
            "synthetic": True,
            "classes": list(chosen.class_names),
            "split": {"train": names[:first_test], "test": names[first_test:]},
        }
    )
