"""Runs made up through the store's own doors, without an attack: hundreds in a second or two."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from asma_core.data.formats.images import encode_png, from_bytes, to_bytes
from asma_core.data.masks.label_maps import encode_mask
from asma_core.files import write_bytes, write_json
from asma_core.runs import store
from asma_core.runs.execution import Execution
from asma_core.runs.run import DONE, FAILED, Run
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import DESCRIBED, TargetSource

MODEL = "demo-fundus-unet"
CLASSES = 3


@dataclass(frozen=True)
class Made:
    """What is particular about a made-up run."""

    attack: str = "asma"
    image_name: str = "demo-fundus / 0003"
    target_name: str = "mask of 0007"
    dataset: str = "demo-fundus"
    iou: float | None = 0.981
    l2: float = 2.41
    success: bool = True
    frontier: tuple[dict[str, float | None], ...] = ()
    warnings: tuple[str, ...] = ()
    survives: bool = False


def disc(size: int, x: float, y: float, radius: float) -> np.ndarray[Any, Any]:
    rows, columns = np.mgrid[:size, :size]
    distance = np.hypot(rows - y * size, columns - x * size)
    return (distance < radius * size).astype(np.int64) + (distance < radius * size / 2)


def inputs(size: int = 32, seed: int = 0) -> RunInputs:
    generator = np.random.default_rng(seed)
    light = np.linspace(90, 180, size)[None, :, None] * np.array([1.0, 0.6, 0.4])
    noise = generator.integers(0, 20, (size, size, 1))
    image = from_bytes(np.clip(light + noise, 0, 255).astype(np.uint8))
    target = disc(size, 0.55, 0.45, 0.3)
    return RunInputs(image, target, np.ones((size, size), bool), disc(size, 0.4, 0.5, 0.25))


def queued(runs: RunStore, made: Made | None = None, size: int = 32, seed: int = 0) -> Run:
    """Queue a run that nothing will carry out."""
    made = made or Made()
    sample = made.image_name.rpartition("/")[2].strip()
    request = RunRequest(
        model=MODEL,
        attack=made.attack,
        config={},
        image_name=made.image_name,
        target=TargetSource(DESCRIBED, made.target_name),
        dataset=made.dataset,
        sample=sample,
        execution=Execution(survives=made.survives),
    )
    return runs.create(request, inputs(size, seed))


def figures(made: Made) -> dict[str, Any]:
    """Return results as a run has them, the same for the float image and for the file."""
    overlap = {
        "score": made.iou if made.iou is not None else 1.0,
        "iou": made.iou,
        "iou_per_class": [0.999, made.iou, made.iou],
        "dice_per_class": [0.999, 0.99, 0.99],
        "hausdorff_95_per_class": [1.0, 2.0],
        "pixel_accuracy": 0.998,
    }
    distance = {"l2": made.l2, "linf": 0.09, "psnr": 38.2, "ssim": 0.97}
    results: dict[str, Any] = {
        "stopped": "goal reached" if made.success else "steps used",
        "steps": 84,
        "best_step": 84,
        "gradient_evaluations": 85,
        "seconds": 6.25,
        "device": "cpu",
        "chosen": {"tau": 1.5e-4, "beta": 1.5e-3},
        "score_name": "iou" if made.iou is not None else "structure removed",
        "success": made.success,
        "frontier": list(made.frontier),
        "warnings": list(made.warnings),
    }
    for suffix in ("_before", "", "_8bit"):
        results |= {name + suffix: value for name, value in overlap.items()}
    for suffix in ("", "_8bit"):
        results |= {name + suffix: value for name, value in distance.items()}
    return results


def finished(
    runs: RunStore,
    made: Made | None = None,
    state: str = DONE,
    size: int = 32,
    seed: int = 0,
    files: bool = True,
) -> Run:
    """Make a run that ended with a result; without `files` its folder holds the record alone."""
    made = made or Made()
    run = queued(runs, made, size, seed)
    assert runs.claim(run.id)
    staged = runs.work_folder(run.id) / "result"
    results = figures(made)
    staged.mkdir(parents=True)
    if files:
        _write_files(staged, inputs(size, seed))
    record = {"id": run.id, "state": state, "spec": run.spec.as_dict(), "results": results}
    write_json(staged / store.RECORD, record)
    runs.finish(run.id, state, staged, results)
    return runs.get(run.id)


def _write_files(folder: Any, made_from: RunInputs) -> None:
    original = to_bytes(made_from.image)
    assert made_from.truth is not None
    perturbation = np.full(made_from.image.shape, 2 / 255, np.float32)
    pictures = {
        "original.png": encode_png(original),
        "adversarial.png": encode_png(np.clip(original.astype(int) + 2, 0, 255).astype(np.uint8)),
        "difference.png": encode_png(np.full_like(original, 168)),
        "target.png": encode_mask(made_from.target),
        "truth.png": encode_mask(made_from.truth),
        "prediction_clean.png": encode_mask(made_from.truth),
        "prediction_adversarial.png": encode_mask(np.roll(made_from.target, 1, axis=1)),
        "snapshots/000000.png": encode_png(original),
        "snapshots/000000_prediction.png": encode_mask(made_from.truth),
    }
    for name, data in pictures.items():
        write_bytes(folder / name, data)
    with (folder / "perturbation.npz").open("wb") as file:
        np.savez_compressed(file, perturbation=perturbation)
    curves = {name: [0.1, 0.9] for name in ("score", "iou", "pixel_accuracy", "l2", "linf")}
    trajectory = {"step": [0, 84], "best_step": 84, "chosen": {}} | curves
    (folder / "trajectory.json").write_text(json.dumps(trajectory))


def failed(runs: RunStore, message: str, state: str = FAILED, made: Made | None = None) -> Run:
    """Make a run that ended without a result."""
    run = queued(runs, made)
    assert runs.claim(run.id)
    runs.fail(run.id, message, state)
    return runs.get(run.id)
