"""The pictures of an item as a reviewer gets them: nothing about them says which is which."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from asma_core.errors import StoreError
from asma_core.files import as_store_error
from asma_core.reviews.questions import ORIGINAL, PAIR
from asma_core.reviews.review import Item, Review
from asma_core.runs import artefacts
from asma_core.runs.store import RunStore


@dataclass(frozen=True)
class Shown:
    """What is shown of one item.

    Attributes:
        pictures: PNGs of one size: one, or two from left to right.
        outline: PNG of greys, the network's labels on the picture; None where none is drawn.
        width: Of each picture, in pixels.
        height: The same.
    """

    pictures: tuple[bytes, ...]
    outline: bytes | None
    width: int
    height: int


def shown(runs: RunStore, review: Review, reviewer: str, item: Item) -> Shown:
    """Read what a reviewer sees of an item.

    The pixels are written anew, without compression: as many bytes for an original as for its
    attacked picture, whose noise would make a larger file, and nothing else that a file can hold.

    Raises:
        StoreError: The run was deleted, or its files are damaged.
    """
    folder = runs.folder(item.run)
    with as_store_error(folder):
        original, attacked = (
            _opened(folder / name) for name in (artefacts.ORIGINAL, artefacts.ADVERSARIAL)
        )
    if original.size != attacked.size:
        raise StoreError(f"the pictures of run {item.run} differ in size; delete the run")
    mode = "L" if original.mode == attacked.mode == "L" else "RGB"
    bare, changed = (_plain_png(picture.convert(mode)) for picture in (original, attacked))
    pictures: tuple[bytes, ...]
    if item.kind == PAIR:
        pictures = (changed, bare) if review.attacked_first(reviewer, item) else (bare, changed)
    else:
        pictures = (bare,) if item.kind == ORIGINAL else (changed,)
    outline = _outline(runs, item) if review.question.outlined else None
    return Shown(pictures, outline, *original.size)


def _opened(path: object) -> Image.Image:
    try:
        picture = Image.open(str(path), formats=["PNG"])
        picture.load()
    except (SyntaxError, ValueError) as error:
        raise StoreError(f"{path} is damaged; restore it from a copy") from error
    return picture


def _outline(runs: RunStore, item: Item) -> bytes:
    name = artefacts.PREDICTION_CLEAN if item.kind == ORIGINAL else artefacts.PREDICTION_ADVERSARIAL
    with as_store_error(runs.folder(item.run)):
        labels = np.asarray(_opened(runs.folder(item.run) / name))
    # A palette's numbers are the classes; as greys a browser keeps them.
    return _plain_png(Image.fromarray(labels.astype(np.uint8)))


def _plain_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(picture)).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()
