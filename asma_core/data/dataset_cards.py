"""The card of a data set: what its layout can't say, as JSON.

It lies beside the data. A data set of the workbench whose data lie elsewhere has a card in
`datasets/NAME` that names their folder as `root`; what it says itself outranks the card there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from asma_core.data.formats.across import POSITION, WAYS
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import Window, chosen_window, window_from_dict
from asma_core.data.masks.encodings import MOST_CLASSES, Encoding, encoding_from_dict
from asma_core.errors import InputError
from asma_core.files import read_json

CARD: Final = "dataset.json"
# No file holds such values.
_ENDLESS: Final = 1e300


@dataclass(frozen=True)
class DatasetCard:
    """See the module's text.

    Attributes:
        title: For people.
        description: What it is and where it comes from.
        synthetic: Whether its images are generated.
        classes: Names, background first; empty to guess them.
        split: The part of each sample, by its name.
        root: Folder of the data where it is not the card's own.
        layout: Name of the layout; "" to recognise it.
        encoding: Of the masks; None to guess it.
        layers: The class that files of a class of their own show, by the layout's name for it.
        axis: Of volumes.
        window: Of deep images; None for each file's own, else by rule. Older cards have it as
            centre and width.
        volume: Of NIfTI files of four dimensions.
        order: Names of the images as they are browsed; by name where it is empty.
        frame: Of files that hold several pictures; None for the middle one.
        frame_counts: By relative path; every picture of these files is a sample.
        images: A pattern (`*`, `?`) of the images' paths, of a layout that pairs by evidence.
        masks: The same of the masks.
        upright: Whether pictures are turned as their EXIF tag says.
        resize: Whether masks of another size are resized to their images.
        by_colour: Whether indexed masks are read by their colours.
        places: How pixels of a mask are found where one is NIfTI and the other not.
    """

    title: str = ""
    description: str = ""
    synthetic: bool = False
    classes: tuple[str, ...] = ()
    split: Mapping[str, str] = field(default_factory=dict)
    root: Path | None = None
    layout: str = ""
    encoding: Encoding | None = None
    layers: Mapping[str, int] = field(default_factory=dict)
    axis: int = 2
    window: Window | None = None
    frame: int | None = None
    frame_counts: Mapping[str, int] = field(default_factory=dict)
    volume: int = 0
    order: tuple[str, ...] = ()
    images: str = ""
    masks: str = ""
    upright: bool = True
    resize: bool = False
    by_colour: bool = False
    places: str = POSITION

    def slice(self, frame: int | None = None) -> Slice:
        """Return which picture of a file is meant."""
        chosen = self.frame if frame is None else frame
        return Slice(chosen, self.axis, self.window, self.volume, self.upright)

    def as_dict(self) -> dict[str, Any]:
        """Return the card as plain values, without what is by default."""
        parts: dict[str, list[str]] = {}
        for name, part in self.split.items():
            parts.setdefault(part, []).append(name)
        content = {
            "title": self.title,
            "description": self.description,
            "synthetic": self.synthetic,
            "classes": list(self.classes),
            "split": parts,
            "layout": self.layout,
            "encoding": self.encoding.as_dict() if self.encoding else None,
            "layers": dict(self.layers),
            "window": self.window.as_dict() if self.window else None,
            "frame": self.frame,
            "frame_counts": dict(self.frame_counts),
            "order": list(self.order),
            "images": self.images,
            "masks": self.masks,
        }
        kept = {name: value for name, value in content.items() if value not in (None, "", [], {})}
        usual = DatasetCard()
        chosen = ("axis", "volume", "upright", "resize", "by_colour", "places")
        other = {name: getattr(self, name) for name in chosen}
        return kept | {name: v for name, v in other.items() if v != getattr(usual, name)}


def card_of_folder(folder: Path) -> DatasetCard:
    """Return the card of a data set's folder; an empty one where it has none.

    Raises:
        InputError: It is not a card, or the folder that it names is gone.
        StoreError: It is not JSON.
    """
    content = _content(folder / CARD)
    root = content.get("root")
    if root is None:
        return _card(content, folder / CARD, None)
    if not isinstance(root, str):
        raise _no_card(folder / CARD)
    there = Path(root)
    if not _is_folder(there):
        raise InputError(
            f"the data of {folder.name} are not in {there} any more; import them again"
        )
    return _card(_content(there / CARD) | content, folder / CARD, there)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        # Longer than a path can be, or with a byte that none has.
        return False


def _content(path: Path) -> dict[str, Any]:
    content = read_json(path) if path.exists() else {}
    if not isinstance(content, dict):
        raise _no_card(path)
    return content


def _no_card(path: Path) -> InputError:
    return InputError(
        f"{path} is not the card of a data set; give it title, description, classes (a list "
        'of names) and split ({"train": [names], "test": [names]}), or remove it'
    )


def _card(content: dict[str, Any], path: Path, root: Path | None) -> DatasetCard:
    fits = all(
        isinstance(content.get(name, default), kind)
        for name, kind, default in (
            ("title", str, ""),
            ("description", str, ""),
            ("synthetic", bool, False),
            ("layout", str, ""),
            ("axis", int, 2),
            ("frame", int | None, None),
            ("volume", int, 0),
            ("order", list, []),
            ("frame_counts", dict, {}),
            ("layers", dict, {}),
            ("images", str, ""),
            ("masks", str, ""),
            ("upright", bool, True),
            ("resize", bool, False),
            ("by_colour", bool, False),
        )
    )
    if not (
        fits
        and _are_texts(content.get("order", []))
        and _splits_fit(content)
        and _classes_fit(content)
        and _frames_fit(content)
        and content.get("places", POSITION) in WAYS
    ):
        raise _no_card(path)
    encoding = content.get("encoding")
    return DatasetCard(
        title=content.get("title", ""),
        description=content.get("description", ""),
        synthetic=content.get("synthetic", False),
        classes=tuple(content.get("classes", ())),
        split={name: part for part, names in content.get("split", {}).items() for name in names},
        root=root,
        layout=content.get("layout", ""),
        encoding=None if encoding is None else encoding_from_dict(encoding, str(path)),
        layers=content.get("layers", {}),
        axis=content.get("axis", 2),
        window=_window(content.get("window")),
        frame=content.get("frame"),
        frame_counts=content.get("frame_counts", {}),
        images=content.get("images", ""),
        masks=content.get("masks", ""),
        upright=content.get("upright", True),
        resize=content.get("resize", False),
        by_colour=content.get("by_colour", False),
        places=content.get("places", POSITION),
        volume=content.get("volume", 0),
        order=tuple(content.get("order", ())),
    )


def _window(value: Any) -> Window | None:
    if isinstance(value, list):
        centre, width = value
        return chosen_window(centre - width / 2, centre + width / 2)
    return None if value is None else window_from_dict(value)


def _splits_fit(card: dict[str, Any]) -> bool:
    split = card.get("split", {})
    return isinstance(split, dict) and all(_are_texts(names) for names in split.values())


def _classes_fit(card: dict[str, Any]) -> bool:
    classes = card.get("classes", [])
    return _are_texts(classes) and len(classes) != 1 and len(classes) <= max(MOST_CLASSES, 256)


def _frames_fit(card: dict[str, Any]) -> bool:
    counts = card.get("frame_counts", {}).values()
    labels = card.get("layers", {}).values()
    numbers = _window_fits(card.get("window"))
    known = all(type(label) is int and 0 <= label < MOST_CLASSES for label in labels)
    return (
        numbers and known and all(type(count) is int and 0 <= count <= 100_000 for count in counts)
    )


def _window_fits(window: Any) -> bool:
    if isinstance(window, list):
        numbers = all(type(value) in (int, float) and abs(value) < _ENDLESS for value in window)
        return len(window) == 2 and numbers
    return window is None or isinstance(window, dict)


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
