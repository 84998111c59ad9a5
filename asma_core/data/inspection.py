"""Looking at every file of a data set before it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.class_areas import (
    ClassAreas,
    OnProgress,
    SampleError,
    class_areas_of,
    size_problem,
)
from asma_core.data.datasets import Dataset
from asma_core.data.finding import Finding, Seen
from asma_core.data.findings import findings_of
from asma_core.data.formats.across import are_across, fit_of
from asma_core.data.formats.headers import read_header
from asma_core.data.samples import Sample, image_size
from asma_core.errors import AsmaError

THREADS: Final = 2


@dataclass(frozen=True)
class Inspection:
    """What looking at samples gave.

    Attributes:
        areas: float32 (samples, K), per cent of the valid pixels; NaN where a mask can't be read.
        problems: Samples that can't be used.
        findings: What else should be known.
    """

    areas: ClassAreas
    problems: list[SampleError]
    findings: list[Finding]


def inspect(
    dataset: Dataset,
    samples: Sequence[Sample],
    decode: bool,
    on_progress: OnProgress | None = None,
) -> Inspection:
    """Look at samples of a data set.

    Args:
        dataset: The data set.
        samples: Of it.
        decode: Whether images are decoded; else only their size is looked at.
        on_progress: Called with samples done and all of them.
    """
    seen: list[Seen] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for one in pool.map(lambda sample: _look(dataset, sample, decode), samples):
            seen.append(one)
            if on_progress:
                on_progress(len(seen), len(samples))
    areas = np.full((len(samples), len(dataset.classes)), np.nan, dtype=np.float32)
    for row, one in enumerate(seen):
        if one.areas is not None:
            areas[row] = one.areas
    problems = [SampleError(one.sample.name, one.problem) for one in seen if one.problem]
    return Inspection(areas, problems, findings_of(dataset, seen, areas))


def _look(dataset: Dataset, sample: Sample, decode: bool) -> Seen:
    if sample.mask is None:
        return _look_at_image(dataset, sample, decode)
    image, mask = read_header(sample.image), read_header(sample.mask)
    across, fit = (sample.image, sample.mask), None
    try:
        fit = fit_of(*across) if are_across(*across) else None
        read = dataset.mask(sample)
        size, span, digest = _image_facts(dataset, sample, decode)
    except (AsmaError, OSError) as error:
        return Seen(sample, problem=str(error), image=image, mask=mask, fit=fit)
    sizes = size, read.labels.shape
    problem = size_problem(sample, read, size)
    if problem:
        return Seen(sample, problem=problem, image=image, mask=mask, sizes=sizes, fit=fit)
    return Seen(
        sample,
        areas=class_areas_of(read, len(dataset.classes)),
        digest=digest,
        mask_digest=hashlib.sha256(read.labels.astype(np.uint8).tobytes()).hexdigest(),
        border=_border_share(read.labels),
        span=span,
        image=image,
        mask=mask,
        sizes=sizes,
        fit=fit,
    )


def _look_at_image(dataset: Dataset, sample: Sample, decode: bool) -> Seen:
    """Look at a sample that has no mask."""
    image = read_header(sample.image)
    try:
        _, span, digest = _image_facts(dataset, sample, decode)
    except (AsmaError, OSError) as error:
        return Seen(sample, problem=str(error), image=image)
    return Seen(sample, digest=digest, span=span, image=image)


def _image_facts(
    dataset: Dataset, sample: Sample, decode: bool
) -> tuple[tuple[int, int], float, str]:
    """Return height and width of an image, the range of its values, and what tells its file."""
    span = 1.0
    if decode:
        pixels = dataset.image(sample)
        size = pixels.shape[1], pixels.shape[2]
        span = float(pixels.max() - pixels.min())
    else:
        size = image_size(sample)
    digest = hashlib.sha256(sample.image_file.read_bytes()).hexdigest()
    return size, span, f"{digest}:{sample.where.frame}"


def _border_share(labels: NDArray[np.int64]) -> float:
    """Return which share of the pixels along the edge are structure."""
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    return float(np.mean(np.concatenate(edges) > 0))
