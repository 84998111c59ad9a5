"""The images and masks that the zoo is trained on and attacked on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from asma_core.data.synthetic.demo import Pair, set_pair
from asma_core.paths import PROJECT

REAL: Final = PROJECT.parent / "shared" / "real"
# Images that no network of the zoo is trained on.
HELD_BACK: Final = 6
_LUNGS: Final = 4


@dataclass(frozen=True)
class Material:
    """What a network is trained on, and what it is attacked on.

    Attributes:
        train: Images, uint8 (H, W) or (H, W, 3), with labels, uint8 (H, W).
        attacked: The same, never trained on; but of the lungs, of which there are too few.
        classes: How many, with the background.
    """

    train: tuple[Pair, ...]
    attacked: tuple[Pair, ...]
    classes: int

    def in_quarters(self) -> Material:
        """Return what the same network is trained on more quickly: the quarters of each image."""
        quarters = tuple(
            (rows[0][:, part], rows[1][:, part])
            for image, labels in self.train
            for rows in zip(np.array_split(image, 2), np.array_split(labels, 2), strict=True)
            for part in (slice(None, labels.shape[1] // 2), slice(labels.shape[1] // 2, None))
        )
        return replace(self, train=quarters)

    @property
    def channels(self) -> int:
        """Of an image: 1 or 3."""
        return 1 if self.train[0][0].ndim == 2 else 3


def material(name: str, count: int, size: int) -> Material:
    """Return at most `count` pairs to train on, and some to attack on, at a size in pixels.

    Args:
        name: "lesion", "lesion-grey", "fundus", "rings" (the fundus with two rings of the rim, so
            four classes), "membrane" or "lungs".
        count: Largest number of pairs to train on.
        size: Side of all of them.

    Raises:
        FileNotFoundError: It is of ../shared/real, which is not here.
    """
    if name in ("membrane", "lungs"):
        pairs = [_resized(pair, size) for pair in (_membrane() if name == "membrane" else _lungs())]
        first = 0 if name == "lungs" else HELD_BACK
        return Material(tuple(pairs[first : first + count]), tuple(pairs[:HELD_BACK]), 2)
    kind = "demo-lesion" if name.startswith("lesion") else "demo-fundus"
    changes: dict[str, Callable[[Pair], Pair]] = {"lesion-grey": _grey, "rings": _with_rings}
    change = changes.get(name, _unchanged)
    train = tuple(change(set_pair(kind, HELD_BACK + index, size)) for index in range(count))
    attacked = tuple(change(set_pair(kind, index, size)) for index in range(HELD_BACK))
    classes = {"demo-lesion": 2, "demo-fundus": 3}[kind] + (name == "rings")
    return Material(train, attacked, classes)


def _membrane() -> list[Pair]:
    folder = REAL / "membrane"
    names = sorted((folder / "images").iterdir(), key=lambda file: int(file.stem))
    return [(_pixels(file), _marked(folder / "masks" / file.name)) for file in names]


def _lungs() -> list[Pair]:
    folder = REAL / "lungs"
    numbers = range(1, _LUNGS + 1)
    return [(_pixels(folder / f"{n}.jpg"), _marked(folder / f"{n}-mask.png")) for n in numbers]


def _pixels(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as opened:
        return np.asarray(opened.convert("L"))


def _marked(file: Path) -> NDArray[np.uint8]:
    return (_pixels(file) > 127).astype(np.uint8)


def _resized(pair: Pair, size: int) -> Pair:
    image, labels = (Image.fromarray(values) for values in pair)
    return (
        np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)),
        np.asarray(labels.resize((size, size), Image.Resampling.NEAREST)),
    )


def _unchanged(pair: Pair) -> Pair:
    return pair


def _grey(pair: Pair) -> Pair:
    return np.asarray(Image.fromarray(pair[0]).convert("L")), pair[1]


def _with_rings(pair: Pair) -> Pair:
    """Split the rim into an outer and an inner ring: 1 outer, 2 inner, 3 cup."""
    image, labels = pair
    disc, cup = labels > 0, labels == 2
    inner = distance_transform_edt(disc) > distance_transform_edt(~cup)
    return image, (disc.astype(np.uint8) + (disc & inner) + cup).astype(np.uint8)
