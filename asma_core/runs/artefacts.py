"""The files of a run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.contract import AttackResult
from asma_core.data.formats.images import FloatImage, encode_png, to_bytes
from asma_core.data.masks.label_maps import encode_mask
from asma_core.files import write_bytes, write_json
from asma_core.metrics.score import LOST
from asma_core.runs.difference import difference_picture
from asma_core.runs.figures import Judge
from asma_core.runs.live import curves
from asma_core.runs.snapshots import Snapshot
from asma_core.runs.spec import RunInputs

ORIGINAL: Final = "original.png"
ADVERSARIAL: Final = "adversarial.png"
DIFFERENCE: Final = "difference.png"
TARGET: Final = "target.png"
TRUTH: Final = "truth.png"
REGION: Final = "region.png"
PREDICTION_CLEAN: Final = "prediction_clean.png"
PREDICTION_ADVERSARIAL: Final = "prediction_adversarial.png"
PERTURBATION: Final = "perturbation.npz"
TRAJECTORY: Final = "trajectory.json"
SNAPSHOTS: Final = "snapshots"

FILES: Final = (
    ORIGINAL,
    ADVERSARIAL,
    DIFFERENCE,
    TARGET,
    PREDICTION_CLEAN,
    PREDICTION_ADVERSARIAL,
    PERTURBATION,
    TRAJECTORY,
)


def write_images(folder: Path, inputs: RunInputs, judge: Judge, result: AttackResult) -> None:
    """Write the pictures, the masks and the perturbation of a run.

    An attack that leads away has no target, and so no file of one.
    """
    adversarial, original = result.adversarial.numpy(), inputs.image
    before, after = to_bytes(original), to_bytes(adversarial)
    pictures = {
        ORIGINAL: encode_png(before),
        ADVERSARIAL: encode_png(after),
        DIFFERENCE: encode_png(difference_picture(before, after)),
        PREDICTION_CLEAN: encode_mask(judge.clean),
        PERTURBATION: _npz(adversarial - original),
    }
    if judge.kind != LOST:
        pictures[TARGET] = encode_mask(inputs.target)
    if inputs.truth is not None:
        pictures[TRUTH] = encode_mask(inputs.truth)
    if inputs.region is not None:
        pictures[REGION] = encode_mask(inputs.region.astype(np.uint8))
    for name, data in pictures.items():
        write_bytes(folder / name, data)


def write_prediction(folder: Path, labels: NDArray[np.int64]) -> None:
    """Write the prediction on the adversarial file."""
    write_bytes(folder / PREDICTION_ADVERSARIAL, encode_mask(labels))


def write_trajectory(folder: Path, result: AttackResult, snapshots: list[Snapshot]) -> None:
    """Write the trajectory and the snapshots of a run."""
    trajectory = curves(result.trajectory, most=len(result.trajectory))
    trajectory["best_step"] = result.best.step
    trajectory["chosen"] = dict(result.chosen)
    write_json(folder / TRAJECTORY, trajectory)
    for snapshot in snapshots:
        name = f"{snapshot.step:06d}"
        write_bytes(folder / SNAPSHOTS / f"{name}.png", encode_png(snapshot.image))
        labels = encode_mask(snapshot.prediction)
        write_bytes(folder / SNAPSHOTS / f"{name}_prediction.png", labels)


def _npz(perturbation: FloatImage) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, perturbation=perturbation)
    return buffer.getvalue()
