"""Data sets: a folder of images with a mask for each, found by its layout, or a demo set."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import index as whole_number
from pathlib import Path
from typing import Final, SupportsIndex, overload

from asma_core import paths
from asma_core.accounts.belongings import DATASET, may_see_it
from asma_core.data.dataset_cards import CARD, DatasetCard, card_of_folder
from asma_core.data.formats.images import FloatImage
from asma_core.data.formats.windows import Picture
from asma_core.data.intensities import settled_window
from asma_core.data.items import Item
from asma_core.data.layouts.detection import open_layout, recognise
from asma_core.data.layouts.entries import Entry, Found
from asma_core.data.masks.encodings import Encoding, count_values
from asma_core.data.masks.label_maps import Mask
from asma_core.data.samples import (
    Sample,
    mask_codes,
    no_masks,
    sample_image,
    sample_mask,
    sample_picture,
)
from asma_core.data.synthetic import demo
from asma_core.data.value_counts import larger_first, settled_encoding, survey
from asma_core.data.volumes import with_slices
from asma_core.errors import InputError, NoSuchItemError, UnknownNameError

__all__ = ["CARD", "Dataset", "Item", "Sample", "dataset_names", "open_dataset"]

# Masks that are looked at to name the classes of a folder without a card.
LOOKED_AT: Final = 8


@dataclass(frozen=True)
class Dataset(Sequence[Item]):
    """A named list of images whose masks share their classes.

    It is a sequence of `Item`: `dataset[3]`, `dataset["0003"]` (a name outranks a place, as in
    `find`), `dataset[:4]`, `len(dataset)`, and `for item in dataset`.

    Attributes:
        name: Name of a set of the workbench, or the folder's path.
        title: For people.
        description: What it is and where it comes from.
        synthetic: Whether its images are generated.
        classes: Names of the classes, background first; none of a set without masks, whose images
            mean to each network what it sees in them.
        samples: In the order of their names.
        encoding: What the masks' values mean; None reads class numbers or binary masks.
        layout: How the files are laid out.
    """

    name: str
    title: str
    description: str
    synthetic: bool
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    encoding: Encoding | None = None
    layout: str = ""

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Item]:
        return (Item(self, sample) for sample in self.samples)

    @overload
    def __getitem__(self, key: str | SupportsIndex) -> Item: ...

    @overload
    def __getitem__(self, key: slice) -> Sequence[Item]: ...

    def __getitem__(self, key: str | SupportsIndex | slice) -> Item | Sequence[Item]:
        """Return the item of that name or place, or those of a slice.

        Raises:
            NoSuchItemError: There is none.
        """
        if isinstance(key, slice):
            return tuple(Item(self, sample) for sample in self.samples[key])
        if isinstance(key, str):
            return Item(self, self.find(key))
        place = whole_number(key)
        # From the end, as of any sequence; a place before the first is none.
        return Item(self, self.find(place + len(self) if -len(self) <= place < 0 else place))

    @cached_property
    def _named(self) -> dict[str, Sample]:
        return {sample.name: sample for sample in self.samples}

    def find(self, key: str | int) -> Sample:
        """Return the sample of that name or index.

        A text is a name first ("7" may name the third sample) and an index if there is no such
        name; a number is always an index.

        Raises:
            NoSuchItemError: There is none.
        """
        if isinstance(key, str) and key in self._named:
            return self._named[key]
        index = str(key)
        # At most as long as the largest index: an absurd number is no index either.
        if index.isascii() and index.isdecimal() and len(index) < 9:
            place = int(index)
            if place < len(self.samples) and index == str(place):
                return self.samples[place]
        known = [f"0 to {len(self.samples) - 1}", *self._named]
        raise NoSuchItemError(f"sample of {self.name}", key, known)

    def image(self, sample: Sample) -> FloatImage:
        """Read a sample's image, float32 (C, H, W) in [0, 1]."""
        return sample_image(sample)

    def picture(self, sample: Sample) -> Picture:
        """Read a sample's image with the window that it is seen through."""
        return sample_picture(sample)

    def mask(self, sample: Sample) -> Mask:
        """Read a sample's mask, checked against the set's classes.

        Raises:
            InputError: It can't be read, or the set has no masks.
        """
        self.check_masked()
        return sample_mask(sample, self.encoding, len(self.classes))

    @property
    def masked(self) -> bool:
        """Whether its images have masks: all of them, or none."""
        return all(sample.mask is not None for sample in self.samples)

    def check_masked(self) -> None:
        """Check that there are masks.

        Raises:
            InputError: There are none.
        """
        if not self.masked:
            raise no_masks(self.name)

    def fingerprint(self, sample: Sample | None = None) -> str:
        """Return what changes when files do, or what is known of how to read and name them.

        Every cache of what was read is kept by it, so that no new fact about reading can be
        forgotten: all fields of data set and samples are in it.

        Args:
            sample: The one that was read; all of them unless given.
        """
        known = repr(replace(self, samples=()))
        digest = hashlib.sha256(known.encode("utf-8", "backslashreplace"))
        for one in self.samples if sample is None else (sample,):
            digest.update(one.fingerprint().encode())
        return digest.hexdigest()

    def some(self, count: int) -> tuple[Sample, ...]:
        """Return at most so many samples, taken evenly, those of the test split if there is one."""
        # Not the first of all: without a split, every fifth image is the test's (`trainings`).
        chosen = self.split("test")
        step = max(1, len(chosen) // max(count, 1))
        return chosen[step - 1 :: step][:count]

    def split(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of a split; all of them when the set has no split."""
        chosen = tuple(sample for sample in self.samples if sample.split == name)
        return chosen or self.samples


def dataset_names() -> list[str]:
    """Return the data sets that who acts may see.

    These are the demo sets, the folders in `datasets` of the data folder and in `ASMA_DATASETS`,
    which holds folders, separated like PATH.
    """
    return [name for name in all_dataset_names() if may_see_it(DATASET, name)]


def all_dataset_names() -> list[str]:
    """Return the data sets of all people; see `dataset_names`."""
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
        return open_folder(own / name, name)
    folder = _as_folder(name)
    if folder is None:
        raise UnknownNameError("data set or folder", name, known)
    return open_folder(folder, name)


def _as_folder(name: str) -> Path | None:
    try:
        folder = Path(name).expanduser()
        return folder.resolve() if name.strip() and folder.is_dir() else None
    except (OSError, RuntimeError, ValueError):
        # Too long for a path, or the home of a user that there is not: no folder either.
        return None


def open_folder(folder: Path, name: str) -> Dataset:
    """Open a folder by its card, or without one as its layout says, with each slice of volumes.

    Raises:
        InputError: Its card can't be, or its files are not as a data set's.
    """
    card = card_of_folder(folder)
    root = card.root or folder
    if card.layout:
        return from_card(name, root, card, open_layout(root, card.layout, card.images, card.masks))
    found = recognise(root)[0]
    if found.left_out:
        count = len(found.entries) + len(found.left_out)
        raise InputError(
            f"{root} has no mask for {len(found.left_out)} of {count} images, the first is "
            f"{found.left_out[0].rpartition('/')[2]}; add its mask, remove the image, or import "
            "the folder to leave it out"
        )
    if card.frame is None and not card.frame_counts:
        card = with_slices(card, root, found)
    return from_card(name, root, card, found)


def from_card(name: str, root: Path, card: DatasetCard, found: Found) -> Dataset:
    """Make a data set of what a layout found and what the card says of it."""
    samples = tuple(
        sample
        for entry in _ordered(found.entries, card.order)
        for sample in samples_of(root, entry, card, found.crop)
    )
    if card.window is None and (window := settled_window(samples)) is not None:
        samples = tuple(
            replace(sample, where=replace(sample.where, window=window)) for sample in samples
        )
    if card.layers:
        samples = tuple(numbered(sample, found, card.layers) for sample in samples)
    if not samples[0].layers:
        return _without_masks(name, root, card, found, samples)
    encoding, classes = card.encoding, card.classes or found.classes
    per_class = bool(samples[0].layers[0][0])
    if encoding is None and (found.encoding is not None or per_class):
        seen = survey(samples, LOOKED_AT)
        encoding = settled_encoding(found, seen)
        if per_class and found.classes and not card.layers:
            layers = larger_first(found, seen)
            classes = card.classes or (found.classes[0], *layers)
            samples = tuple(numbered(sample, found, layers) for sample in samples)
    return Dataset(
        name=name,
        title=card.title or root.name,
        description=card.description or f"{len(samples)} images of the folder {root}.",
        synthetic=card.synthetic,
        classes=classes or _guess_classes(samples, encoding),
        samples=samples,
        encoding=encoding,
        layout=found.layout,
    )


def _without_masks(
    name: str, root: Path, card: DatasetCard, found: Found, samples: tuple[Sample, ...]
) -> Dataset:
    told = card.description or f"{len(samples)} images of the folder {root}, without masks."
    title = card.title or root.name
    return Dataset(name, title, told, card.synthetic, (), samples, None, found.layout)


def _ordered(entries: Sequence[Entry], order: Sequence[str]) -> Sequence[Entry]:
    """Return the images of a set in the order of its card; what is not in it comes last."""
    if not order:
        return entries
    places = {name: place for place, name in enumerate(order)}
    return sorted(entries, key=lambda entry: places.get(entry.name, len(places)))


def samples_of(root: Path, entry: Entry, card: DatasetCard, crop: str) -> list[Sample]:
    """Return the samples of one image file: one, or each slice where the card asks for all."""
    layers = tuple((mask.label, root / mask.path) for mask in entry.masks)
    split = card.split.get(entry.name, entry.split)
    field_mask = root / entry.field_mask if entry.field_mask else None
    count = card.frame_counts.get(entry.image, 0)
    wheres = [card.slice(frame) for frame in range(count)] or [card.slice()]
    digits = len(str(max(count - 1, 0)))
    return [
        Sample(
            f"{entry.name}-{place:0{digits}d}" if count else entry.name,
            root / entry.image,
            layers[0][1] if layers else None,
            split,
            layers,
            field_mask,
            where,
            crop,
            card.resize,
            card.by_colour,
            card.places,
        )
        for place, where in enumerate(wheres)
    ]


def numbered(sample: Sample, found: Found, layers: Mapping[str, int]) -> Sample:
    """Return a sample whose class files have other numbers; 0 leaves a class out."""
    renamed = [
        (layers.get(found.classes[label], label) if label < len(found.classes) else label, path)
        for label, path in sample.layers
    ]
    kept = tuple((label, path) for label, path in renamed if label)
    return replace(sample, layers=kept or sample.layers)


def _guess_classes(samples: Sequence[Sample], encoding: Encoding | None) -> tuple[str, ...]:
    """Name the classes of a folder without a card from its first masks' values."""
    if encoding is not None:
        return class_names(encoding.classes)
    values: set[int] = set()
    for sample in samples[:LOOKED_AT]:
        assert sample.mask is not None
        codes, colours = mask_codes(sample.mask, sample)
        values.update(() if colours else count_values(codes))
    values.discard(255)
    highest = int(max(values, default=0))
    return class_names(highest + 1 if 1 <= highest <= 20 else 2)


def class_names(count: int, known: Iterable[str] = ()) -> tuple[str, ...]:
    """Return names for so many classes, background first, as far as they are not known."""
    names = [*known][:count]
    return tuple(
        names
        + [f"class {number}" if number else "background" for number in range(len(names), count)]
    )
