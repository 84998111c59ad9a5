"""What was learned of a plan so far: a folder for each change, on 1, 2, 4, ... images.

ASMA_HOME/universal/ID/4/    the change, the first unseen images with it, what is said of them
ASMA_HOME/universal/ID/4/row.json    its figures, written last: without it, it was not made
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.data.formats.images import ByteImage, FloatImage, encode_png
from asma_core.data.masks.label_maps import Labels, encode_mask
from asma_core.errors import StoreError
from asma_core.experiments.universal_plan import UniversalPlan
from asma_core.files import as_store_error, json_values, read_json, write_bytes, write_json

# The parts that nobody learned: the images as they are, and with noise of the same budget.
WITHOUT: Final = "without"
NOISE: Final = "noise"
CHANGE: Final = "change.npy"
# Unseen images of which pictures are kept: the first ones, not the best ones.
SHOWN: Final = 4
_ROW: Final = "row.json"
_PROGRESS: Final = "progress.json"


@dataclass(frozen=True)
class Part:
    """A change as it was judged.

    Attributes:
        name: `WITHOUT`, `NOISE`, or how many images it was learned on.
        row: Its figures.
        change: float32 (C, H, W).
        shown: The first unseen images with it, uint8 (H, W) or (H, W, 3), and what the network says
            of each, int64 (H, W).
    """

    name: str
    row: dict[str, Any]
    change: FloatImage
    shown: Sequence[tuple[ByteImage, Labels]]


class Parts:
    """The parts of a plan."""

    def __init__(self, folder: Path) -> None:
        """Find them in a folder, which need not be there yet."""
        self._folder = folder

    def keep(self, part: Part) -> None:
        """Write a part; it is there when all of it is.

        Raises:
            StoreError: The data folder can't be written.
        """
        into = self._folder / part.name
        write_bytes(into / CHANGE, _npy(part.change))
        for place, (picture, labels) in enumerate(part.shown):
            write_bytes(into / f"{place}.png", encode_png(picture))
            write_bytes(into / f"{place}-mask.png", encode_mask(labels))
        write_json(into / _ROW, json_values(part.row))

    def has(self, name: str | int) -> bool:
        """Tell whether a part was made."""
        return (self._folder / str(name) / _ROW).exists()

    def made(self, plan: UniversalPlan) -> tuple[int, ...]:
        """Return on how many images it was learned so far, rising."""
        return tuple(count for count in plan.counts if self.has(count))

    def is_complete(self, plan: UniversalPlan) -> bool:
        """Tell whether all of a plan was made."""
        ends = self.has(WITHOUT) and self.has(NOISE)
        return ends and self.made(plan) == plan.counts

    def row(self, name: str | int) -> dict[str, Any]:
        """Return the figures of a part.

        Raises:
            StoreError: It was not made, or is damaged.
        """
        row: dict[str, Any] = read_json(self._folder / str(name) / _ROW)
        return row

    def change(self, name: str | int) -> FloatImage:
        """Return a change, float32 (C, H, W).

        Raises:
            StoreError: It was not made, or is damaged.
        """
        file = self._folder / str(name) / CHANGE
        with as_store_error(file):
            data = file.read_bytes()
        try:
            change: FloatImage = np.load(io.BytesIO(data), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise StoreError(f"{file} is damaged; delete the plan and ask anew") from error
        return change

    def pictures(self, name: str | int) -> list[tuple[bytes, bytes]]:
        """Return the first unseen images with a part's change, and the masks, as PNG files."""
        folder = self._folder / str(name)
        places = range(sum(folder.joinpath(f"{place}-mask.png").exists() for place in range(SHOWN)))
        with as_store_error(folder):
            return [
                ((folder / f"{p}.png").read_bytes(), (folder / f"{p}-mask.png").read_bytes())
                for p in places
            ]

    def keep_progress(self, count: int, step: int, left: float | None) -> None:
        """Keep how far the change on so many images is, and the seconds that are left for all."""
        write_json(self._folder / _PROGRESS, {"count": count, "step": step, "left": left})

    def progress(self) -> dict[str, Any] | None:
        """Return what `keep_progress` kept last; None where nothing began."""
        file = self._folder / _PROGRESS
        found: dict[str, Any] | None = read_json(file) if file.exists() else None
        return found


def _npy(change: FloatImage) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, change.astype(np.float32))
    return buffer.getvalue()
