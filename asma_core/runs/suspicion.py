"""Would a machine notice a run: what each detector says of the original and of the run's file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asma_core.data.formats.images import FloatImage
from asma_core.defences.detectors.contract import (
    JUDGED_SEED,
    Detector,
    check_judges,
    judged,
    suspicion,
)
from asma_core.defences.detectors.registry import DETECTORS, find_detector
from asma_core.errors import InputError
from asma_core.models.sources.loading import load_model
from asma_core.models.wrapper.backend import float32_sums
from asma_core.models.wrapper.calls import borrowed
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.precision import FLOAT32
from asma_core.runs.attacking import made_by, memory_explained
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Suspected:
    """What a detector, with its usual settings, says of a run's original and of its file.

    Attributes:
        detector: The detector.
        original: Where it finds the original suspicious, float32 (H, W) in its unit, 0 where the
            network does not answer; None where it can't judge this network or image.
        adversarial: The same of the run's file.
        scores: Suspicion of original and file, over the pixels that count; None likewise.
        why: A sentence where it can't judge; "" otherwise.
    """

    detector: Detector
    original: Map | None = None
    adversarial: Map | None = None
    scores: tuple[float, float] | None = None
    why: str = ""

    def figures(self) -> dict[str, Any]:
        """Return name, unit and scores as plain values."""
        original, attacked = self.scores or (None, None)
        return {
            "name": self.detector.entry.name,
            "title": self.detector.words(),
            "unit": self.detector.entry.unit,
            "original": original,
            "attacked": attacked,
            "why": self.why,
        }


def suspicions(store: RunStore, run: Run, device: str = "auto") -> Iterator[Suspected]:
    """Give what each detector says of a run, in the order of the registry.

    Args:
        store: Of the run.
        run: One with a result, cancelled or not.
        device: As `Execution` names it.

    Raises:
        RunStateError: It has no result.
        UnknownNameError: Its network is not there any more.
        ModelError: The network has changed since.
        DeviceError: No such device, or no memory for the image.
        StoreError: A file of the run can't be read.
    """
    made = made_by(store, run, device)
    where, inputs, saved = made.device, made.inputs, made.saved
    valid = torch.from_numpy(inputs.valid)
    with memory_explained(where, inputs):
        model = load_model(made.card, where)
        covered = model.covered(*inputs.image.shape[1:]).cpu()
        for name in DETECTORS:
            detector = find_detector(name)
            try:
                check_judges(detector, made.card.name, made.card.output.fit)
                one, other = (
                    suspicion_map(detector, model, image, where) for image in (inputs.image, saved)
                )
            except InputError as error:
                yield Suspected(detector, why=str(error))
                continue
            scores = tuple(float(suspicion(maps, valid[None])[0]) for maps in (one, other))
            shown = [maps[0].where(covered, 0.0).numpy() for maps in (one, other)]
            yield Suspected(detector, shown[0], shown[1], (scores[0], scores[1]))


def suspicion_map(
    detector: Detector, model: SegmentationModel, image: FloatImage, device: torch.device
) -> torch.Tensor:
    """Return where a detector finds an image suspicious, float32 (1, H', W') on the CPU.

    What a random defence draws is the same at each call.

    Raises:
        InputError: It compares shifted or cut images, and the network does not answer for every
            pixel, or the image is too small.
    """
    images = torch.from_numpy(image.copy())[None].to(device)
    with (
        torch.random.fork_rng(),
        borrowed(model),
        torch.inference_mode(),
        float32_sums(FLOAT32),
    ):
        torch.manual_seed(JUDGED_SEED)
        return detector.maps(model, images, judged()).cpu()
