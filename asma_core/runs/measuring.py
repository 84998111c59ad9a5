"""Attacking and measuring, for whoever keeps the result: a stored run, or a caller in Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asma_core.attacks.checks import before
from asma_core.attacks.contract import AttackInputs, AttackResult, StepMetrics
from asma_core.attacks.settings import CIEDE2000, L2, LINF
from asma_core.data.formats.images import FloatImage, to_bytes
from asma_core.metrics.frontier import frontier
from asma_core.metrics.score import IOU, SUCCESS, outcome
from asma_core.metrics.visibility import mean_delta_e
from asma_core.models.sources.loading import predict
from asma_core.models.wrapper.calls import borrowed, predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.runs.figures import Judge, Labels, distance_figures
from asma_core.runs.spec import RunInputs


@dataclass(frozen=True)
class Measured:
    """What was made of an image, measured.

    Attributes:
        prediction: int64 (H, W), what the network says of the adversarial file.
        figures: Of the steps, the original, the float image and the file; undefined ones are NaN.
    """

    prediction: Labels
    figures: dict[str, Any]


def only_covered(model: SegmentationModel, inputs: RunInputs) -> RunInputs:
    """Let only those pixels count for which the network answers at all."""
    covered = model.covered(*inputs.image.shape[1:]).cpu().numpy()
    return replace(inputs, valid=inputs.valid & covered)


def attack_inputs(
    inputs: Sequence[RunInputs], judges: Sequence[Judge], device: torch.device
) -> AttackInputs:
    """Return what an attack takes, of the inputs of runs whose images have one size.

    Args:
        inputs: Of each run, B of them.
        judges: Of each run; an attack goes for, or leads away from, what it is held against.
        device: To put the tensors on.
    """
    everywhere = all(one.region is None for one in inputs)
    regions = [_region(one) for one in inputs]
    return AttackInputs(
        _stacked([one.image for one in inputs], device),
        _stacked([judge.reference for judge in judges], device),
        valid=_stacked([one.valid for one in inputs], device),
        region=None if everywhere else _stacked(regions, device),
    )


def _region(inputs: RunInputs) -> NDArray[np.bool_]:
    return np.ones_like(inputs.valid) if inputs.region is None else inputs.region


def _stacked(arrays: Sequence[NDArray[Any]], device: torch.device) -> Tensor:
    # np.stack copies: torch takes no array that is read-only.
    return torch.from_numpy(np.stack(arrays)).to(device)


def warned(model: SegmentationModel, inputs: AttackInputs, away: bool) -> list[str]:
    """Check a network at one image before its attack; see `asma_core.attacks.checks.before`."""
    valid = inputs.valid
    if valid is None:
        valid = torch.ones_like(inputs.target, dtype=torch.bool)
    return before(model, inputs.images, inputs.target, valid, inputs.region, away)


def measure(
    model: SegmentationModel,
    device: torch.device,
    judge: Judge,
    original: FloatImage,
    result: AttackResult,
    saved: FloatImage,
    wanted: float,
) -> Measured:
    """Measure the float image and the file; the file is what counts.

    Args:
        model: The network itself, in float32.
        device: It is on.
        judge: Of the run.
        original: float32 (C, H, W) in [0, 1], the original as its 8-bit file.
        result: Of the attack.
        saved: The same as `original`, the adversarial file as it is read back.
        wanted: Score at which the goal is reached.
    """
    seen = predict(model, saved, device)
    image = result.adversarial.numpy()
    colours = mean_delta_e(to_bytes(original), to_bytes(saved))
    figures = {
        "stopped": result.ending,
        "steps": result.steps,
        "best_step": result.best.step,
        "gradient_evaluations": result.gradient_evaluations,
        "forward_passes": result.forward_passes,
        "chosen": dict(result.chosen),
        "notes": dict(result.notes),
        "score_name": judge.kind,
        **judge.figures(judge.clean, "_before"),
        **judge.figures(predict(model, image, device), ""),
        **distance_figures(image, original, ""),
        **judge.figures(seen, "_8bit"),
        **distance_figures(saved, original, "_8bit"),
        "ciede2000_8bit": colours,
    }
    if isinstance(model, DefendedModel) and model.random:
        figures["score_8bit_draws"] = _over_draws(model, device, judge, saved)
    if judge.kind == IOU:
        figures["frontier"] = frontier(
            ((now.score, _norms(now, result.best, colours)) for now in result.trajectory), wanted
        )
    figures["outcome"] = outcome(figures["score_before"], figures["score_8bit"], wanted)
    figures["success"] = figures["outcome"] == SUCCESS
    return Measured(seen, figures)


def _over_draws(
    model: DefendedModel, device: torch.device, judge: Judge, saved: FloatImage
) -> dict[str, float]:
    """Return the file's score over single draws of a random defence: mean, lowest and highest."""
    with borrowed(model), torch.inference_mode():
        image = torch.from_numpy(saved.copy())[None].to(device)
        seen = [predicted(logits)[0].cpu().numpy() for logits in model.each_draw(image)]
    scores = [judge.judged(one).value for one in seen]
    mean = sum(scores) / len(scores)
    return {"count": len(scores), "mean": mean, "lowest": min(scores), "highest": max(scores)}


def _norms(now: StepMetrics, best: StepMetrics, colours: float) -> dict[str, float]:
    """Return the norms that are known of a step.

    Its CIEDE2000 is one to first order, put right by that of the file that is kept.
    """
    norms = {L2: now.l2, LINF: now.linf}
    if math.isnan(now.ciede2000):
        return norms
    return norms | {CIEDE2000: now.ciede2000 * (colours / (best.ciede2000 or 1.0))}
