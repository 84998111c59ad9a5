"""How much of each image each class covers, read once from the masks and kept on disk.

Reading the masks also shows which files of a data set can't be used.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core import paths
from asma_core.data.datasets import Dataset
from asma_core.data.formats.images import picture_size
from asma_core.data.layouts.known import LEFT_HALF
from asma_core.data.samples import Sample
from asma_core.errors import AsmaError
from asma_core.files import write_bytes

Shares = NDArray[np.float32]
OnProgress = Callable[[int, int], None]

THREADS: Final = 2
# Images are decoded as a check as long as all of them have no more pixels than this.
DECODED_PIXELS: Final = 3_000_000_000


@dataclass(frozen=True)
class Problem:
    """A sample that can't be used.

    Attributes:
        sample: Its name.
        message: What is wrong, in a sentence.
    """

    sample: str
    message: str


def class_shares(dataset: Dataset, on_progress: OnProgress | None = None) -> Shares:
    """Return how much of each image each class covers.

    Args:
        dataset: The data set.
        on_progress: Called with samples done and all of them while the masks are read.

    Returns:
        float32 (samples, K), per cent of the valid pixels; NaN where a mask can't be read.

    Raises:
        StoreError: They can't be kept.
    """
    file = shares_file(dataset)
    kept = _kept(file, (len(dataset.samples), len(dataset.classes)))
    if kept is not None:
        return kept
    shares, _ = read_all(dataset, decode=False, on_progress=on_progress)
    keep(file, shares)
    return shares


def read_all(
    dataset: Dataset, decode: bool, on_progress: OnProgress | None = None
) -> tuple[Shares, list[Problem]]:
    """Read every mask, and every image or its header; return the shares and what is wrong.

    Args:
        dataset: The data set.
        decode: Whether images are decoded; else only their size is looked at.
        on_progress: As for `class_shares`.
    """
    shares = np.full((len(dataset.samples), len(dataset.classes)), np.nan, dtype=np.float32)
    problems = []
    with ThreadPoolExecutor(THREADS) as pool:
        read = pool.map(lambda sample: _read(dataset, sample, decode), dataset.samples)
        for row, (sample, answer) in enumerate(zip(dataset.samples, read, strict=True)):
            if isinstance(answer, str):
                problems.append(Problem(sample.name, answer))
            else:
                shares[row] = answer
            if on_progress:
                on_progress(row + 1, len(dataset.samples))
    return shares, problems


def should_decode(dataset: Dataset) -> bool:
    """Tell whether decoding all images is a matter of a minute rather than of an hour."""
    first = dataset.samples[:8]
    try:
        sizes = [picture_size(sample.image) for sample in first]
    except AsmaError:
        return True
    mean = float(np.mean([height * width for height, width in sizes]))
    return mean * len(dataset.samples) <= DECODED_PIXELS


def _read(dataset: Dataset, sample: Sample, decode: bool) -> NDArray[np.float64] | str:
    try:
        mask = dataset.mask(sample)
        if decode:
            _, height, width = dataset.image(sample).shape
        else:
            height, width = picture_size(sample.image)
            width = width // 2 if sample.crop == LEFT_HALF else width
    except AsmaError as error:
        return str(error)
    if mask.labels.shape != (height, width):
        return (
            f"the mask {sample.mask.name} is {mask.labels.shape[1]} x {mask.labels.shape[0]} and "
            f"its image {width} x {height}; export both at one size"
        )
    counts = np.bincount(mask.labels[mask.valid], minlength=len(dataset.classes))
    return np.asarray(100.0 * counts / max(counts.sum(), 1))


def shares_file(dataset: Dataset) -> Path:
    """Return where the shares of a data set in its present state are kept."""
    digest = hashlib.sha256(repr((dataset.encoding, dataset.classes)).encode())
    for stamp in stamps(dataset.samples):
        digest.update(stamp)
    return paths.home() / "cache" / "shares" / f"{digest.hexdigest()[:32]}.npy"


def stamps(samples: Sequence[Sample]) -> Iterator[bytes]:
    """Yield what tells one state of each file from another."""
    for sample in samples:
        for path in sample.files:
            try:
                status = path.stat()
                text = f"{path} {status.st_mtime_ns} {status.st_size} {sample.where}\n"
            except OSError:
                # Reading it says what is wrong, in a sentence.
                text = f"{path} gone\n"
            yield text.encode("utf-8", "replace")


def keep(file: Path, shares: Shares) -> None:
    """Keep shares on disk."""
    buffer = io.BytesIO()
    np.save(buffer, shares)
    write_bytes(file, buffer.getvalue())


def _kept(file: Path, shape: tuple[int, int]) -> Shares | None:
    try:
        shares: Shares = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        # Not there yet, or damaged: read from the masks again.
        return None
    return shares if shares.shape == shape else None
