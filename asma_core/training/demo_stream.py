"""The training stream of a demo set, made once by all cores and kept on disk."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from asma_core import paths
from asma_core.data.synthetic import demo
from asma_core.files import as_store_error


class DemoTraining(NamedTuple):
    """How many pairs a shipped network was trained on, and for how many steps."""

    pairs: int
    steps: int


# What `train` repeats.
DEMO_TRAININGS: Final = MappingProxyType(
    {"demo-fundus": DemoTraining(2400, 3000), "demo-lesion": DemoTraining(1000, 600)}
)

_CHUNK: Final = 20
_SYNTHETIC: Final = Path(demo.__file__).parent


class DrawnPairs(Sequence[demo.Pair]):
    """Pictures and masks that lie in two arrays, as a sequence of pairs."""

    def __init__(self, images: NDArray[np.uint8], masks: NDArray[np.uint8]) -> None:
        """Take images, uint8 (N, H, W, 3), and masks, uint8 (N, H, W)."""
        self._images = images
        self._masks = masks

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._images)

    @overload
    def __getitem__(self, index: int) -> demo.Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[demo.Pair]: ...
    def __getitem__(self, index: int | slice) -> demo.Pair | Sequence[demo.Pair]:
        """Return one pair, or a sequence of pairs for a slice."""
        if isinstance(index, slice):
            return DrawnPairs(self._images[index], self._masks[index])
        return np.asarray(self._images[index]), np.asarray(self._masks[index])


def drawn_pairs(
    name: str,
    count: int,
    size: int = 256,
    on_progress: Callable[[int, int], None] | None = None,
) -> DrawnPairs:
    """Return the first `count` pairs of a demo set's training stream, from the cache if there.

    Args:
        name: Name of a demo set.
        count: Number of pairs.
        size: Side of the pictures in pixels.
        on_progress: Called with pairs done and pairs in all while they are made.

    Raises:
        UnknownNameError: No demo set has that name.
        StoreError: The cache folder can't be written.
    """
    demo.demo_set(name)
    # The key holds the generator's own text: a changed generator never meets old pictures.
    key = f"{name}-{count}-{size}-{_fingerprint()}"
    folder = paths.home() / "cache" / "training" / key
    if not (folder / "masks.npy").exists():
        _fill(name, count, size, folder, on_progress)
    with as_store_error(folder):
        images = np.load(folder / "images.npy", mmap_mode="r")
        masks = np.load(folder / "masks.npy", mmap_mode="r")
    return DrawnPairs(images, masks)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(_SYNTHETIC.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _fill(
    name: str,
    count: int,
    size: int,
    folder: Path,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    with as_store_error(folder):
        try:
            aside.mkdir(parents=True)
            _write_arrays(name, count, size, aside, on_progress)
            if not folder.exists():
                aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _write_arrays(
    name: str,
    count: int,
    size: int,
    folder: Path,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    make = np.lib.format.open_memmap
    images = make(folder / "images.npy", "w+", np.uint8, (count, size, size, 3))
    masks = make(folder / "masks.npy", "w+", np.uint8, (count, size, size))
    starts = range(0, count, _CHUNK)
    context = multiprocessing.get_context("spawn")
    workers = min(len(starts), os.cpu_count() or 1)
    with ProcessPoolExecutor(max(1, workers), mp_context=context) as pool:
        stops = [min(start + _CHUNK, count) for start in starts]
        work = pool.map(render, [name] * len(stops), starts, stops, [size] * len(stops))
        for start, stop, pair in zip(starts, stops, work, strict=True):
            images[start:stop], masks[start:stop] = pair
            if on_progress:
                on_progress(stop, count)
    images.flush()
    masks.flush()


def render(name: str, start: int, stop: int, size: int) -> demo.Pair:
    """Return the pairs `start` to `stop` - 1 of a training stream as two stacked arrays."""
    pairs = [demo.training_pair(name, index, size) for index in range(start, stop)]
    return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])
