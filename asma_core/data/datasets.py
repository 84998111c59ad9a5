"""Data sets: a folder of images with a mask for each, found by its layout, or a demo set."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core import paths
from asma_core.data import demo
from asma_core.data.images import FloatImage, read_image
from asma_core.data.layouts import pair_files
from asma_core.data.masks import Mask, mask_values, read_mask
from asma_core.errors import InputError, UnknownNameError
from asma_core.files import read_json

CARD: Final = "dataset.json"


@dataclass(frozen=True)
class Sample:
    """One image of a data set with its mask.

    Attributes:
        name: Unique in its data set.
        image: File of the image.
        mask: File of the mask.
        split: "train", "test", or "" when the set has no split.
    """

    name: str
    image: Path
    mask: Path
    split: str = ""


@dataclass(frozen=True)
class Dataset:
    """A named list of samples whose masks share their classes.

    Attributes:
        name: Name of a set of the workbench, or the folder's path.
        title: For people.
        description: What it is and where it comes from.
        synthetic: Whether its images are generated.
        classes: Names of the classes, background first.
        samples: In the order of their names.
    """

    name: str
    title: str
    description: str
    synthetic: bool
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]

    def find(self, key: str | int) -> Sample:
        """Return the sample of that name or index.

        A text is a name first ("7" may name the third sample) and an index if there is no such
        name; a number is always an index.

        Raises:
            UnknownNameError: There is none.
        """
        named = {sample.name: sample for sample in self.samples}
        if isinstance(key, str) and key in named:
            return named[key]
        places = {str(place): sample for place, sample in enumerate(self.samples)}
        if str(key) in places:
            return places[str(key)]
        known = [f"0 to {len(self.samples) - 1}", *named]
        raise UnknownNameError(f"sample of {self.name}", key, known)

    def image(self, sample: Sample) -> FloatImage:
        """Read a sample's image, float32 (C, H, W) in [0, 1]."""
        return read_image(sample.image)

    def mask(self, sample: Sample) -> Mask:
        """Read a sample's mask, checked against the set's classes."""
        return read_mask(sample.mask, len(self.classes))

    def split(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of a split; all of them when the set has no split."""
        chosen = tuple(sample for sample in self.samples if sample.split == name)
        return chosen or self.samples


def dataset_names() -> list[str]:
    """Return the demo sets, the folders in `datasets` of the data folder and in `ASMA_DATASETS`.

    `ASMA_DATASETS` holds folders, separated like PATH.
    """
    folder = paths.home() / "datasets"
    own = sorted(path.name for path in folder.glob("*") if path.is_dir() and path.name[0] != ".")
    listed = [part for part in os.environ.get("ASMA_DATASETS", "").split(os.pathsep) if part]
    return list(dict.fromkeys((*demo.DEMO_SETS, *own, *listed)))


def open_dataset(name: str) -> Dataset:
    """Open a data set by name, or a folder by its path. A demo set is generated on first use.

    Raises:
        UnknownNameError: Neither a name nor a folder.
        InputError: The folder has no images, or no masks for them.
    """
    own = paths.home() / "datasets"
    if name in demo.DEMO_SETS and not (own / name / CARD).exists():
        demo.generate(name, own / name)
    known = dataset_names()
    if name in known and (own / name).is_dir():
        return _open_folder(own / name, name)
    folder = _as_folder(name)
    if folder is None:
        raise UnknownNameError("data set or folder", name, known)
    return _open_folder(folder, name)


def _as_folder(name: str) -> Path | None:
    try:
        folder = Path(name).expanduser()
        return folder.resolve() if name.strip() and folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):
        # Too long for a path, or the home of a user that there is not: no folder either.
        return None


def _open_folder(folder: Path, name: str) -> Dataset:
    card = _read_card(folder / CARD)
    splits = {member: split for split, names in card.get("split", {}).items() for member in names}
    pairs = pair_files(folder)
    samples = tuple(
        Sample(image.stem, image, mask, splits.get(image.stem, "")) for image, mask in pairs
    )
    return Dataset(
        name=name,
        title=card.get("title", folder.name),
        description=card.get("description", f"{len(samples)} images of the folder {folder}."),
        synthetic=bool(card.get("synthetic", False)),
        classes=tuple(card.get("classes") or _guess_classes(samples)),
        samples=samples,
    )


def _read_card(path: Path) -> dict[str, Any]:
    card = read_json(path) if path.exists() else {}
    if not (isinstance(card, dict) and _splits_fit(card) and _classes_fit(card)):
        raise InputError(
            f"{path} is not the card of a data set; give it title, description, classes (a list "
            'of names) and split ({"train": [names], "test": [names]}), or remove it'
        )
    return card


def _splits_fit(card: dict[str, Any]) -> bool:
    split = card.get("split", {})
    return isinstance(split, dict) and all(_are_texts(names) for names in split.values())


def _classes_fit(card: dict[str, Any]) -> bool:
    classes = card.get("classes", [])
    return _are_texts(classes) and len(classes) != 1


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _guess_classes(samples: Iterable[Sample]) -> tuple[str, ...]:
    """Name the classes of a folder without a card from its first masks' values."""
    values: set[Any] = set()
    for sample in list(samples)[:8]:
        values.update(np.unique(mask_values(sample.mask)).tolist())
    values.discard(255)
    highest = int(max(values, default=0))
    count = highest + 1 if 1 <= highest <= 20 else 2
    return ("background", *(f"class {number}" for number in range(1, count)))
