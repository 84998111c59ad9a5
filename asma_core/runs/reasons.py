"""Why an attack had nothing to do, broke off, or did not reach its goal, where that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.checks import FAR_REGION, VANISHING
from asma_core.attacks.contract import (
    CANCELLED,
    NETWORK_FAILED,
    NO_GRADIENT,
    STEPS_USED,
    AttackResult,
)
from asma_core.metrics.score import ALREADY_THERE, IOU, LOST, SUCCESS
from asma_core.runs.figures import Judge, Labels

# So few steps say nothing of a target that was not reached.
FEW_STEPS: Final = 10
# A change below half a grey level is gone in the file.
HALF_A_LEVEL: Final = 0.5 / 255.0
# From this share on of the evaluations the missing gradient, and of the open pixels the region, is
# what limits.
MOSTLY: Final = 0.5

AT_TARGET: Final = (
    "The network's prediction is at this target already, so nothing was attacked. Draw a target "
    "that differs more from the prediction, or ask for a higher target IoU."
)
AWAY_ALREADY: Final = (
    "The network's prediction is as far away already as was asked for, so nothing was attacked. "
    "Choose an image that the network gets right, or ask for a higher target IoU."
)
FAILED: Final = (
    "The network gave NaN or infinite values after {steps}, and the attack broke off; the best "
    "image until then was kept. Check the network's weights, layers and normalisation."
)
FLAT: Final = (
    "The network has no gradient at this image, so there was nothing to climb. Check that its "
    "output is logits and not saturated probabilities, and that the region matters; or try Square, "
    "which needs no gradients."
)
FLAT_LATER: Final = (
    "The network had no gradient at {flat} of {all} evaluations, where there was nothing to climb. "
    "Take smaller steps or a smaller budget, or try Square, which needs no gradients."
)
TOO_FEW: Final = (
    "The goal was not reached within {steps}, which says little: most attacks need a hundred or "
    "more. Allow more steps."
)
UNMOVED: Final = (
    "No step changed the image by half a grey level, so that its file stayed as it was. Take "
    "larger steps or a larger budget, or another attack."
)
NEVER_SEEN: Final = (
    "The target holds {classes}, which the network predicted nowhere at any step. Draw a target of "
    "classes that it predicts, or check that it has learned the missing ones."
)
REGION_LIMITS: Final = (
    "The image may change within {share} of it only, and {outside} of the pixels whose class must "
    "still change lie outside that region. Enlarge the region, or draw the target inside it."
)
STALLED: Final = (
    "The paper's gradient, which raises the target's logit alone, has stalled: IoU {score:.2f} "
    "after {steps}, {gain:.2f} of it in the last fifth of them, and {missing:.2f} short of the "
    "goal. Try Minimal, which also lowers the strongest rival's logit."
)
# A score is looked at over this last share of the steps.
LAST: Final = 0.2


@dataclass(frozen=True)
class Attempt:
    """What is known of an attack that has ended.

    Attributes:
        result: What it gave.
        outcome: As `metrics.score` names it.
        judge: Of the run.
        prediction: int64 (H, W), what the network says of the adversarial file.
        region: bool (H, W), where the image may change; None for everywhere.
        classes: Names of the network's classes.
        wanted: Score at which the goal is reached.
        papers: Whether it is one of the paper's attacks.
    """

    result: AttackResult
    outcome: str
    judge: Judge
    prediction: Labels
    region: NDArray[np.bool_] | None
    classes: Sequence[str]
    wanted: float
    papers: bool


def explained(warnings: Sequence[str], attempt: Attempt) -> list[str]:
    """Return warnings with the reason, in place of the hint from before that it makes sure of."""
    why = reason(attempt)
    if not why:
        return list(warnings)
    hint = {FLAT: VANISHING, _region_limits(attempt): FAR_REGION}.get(why)
    return [*(said for said in warnings if said != hint), why]


def reason(attempt: Attempt) -> str:
    """Return the first sentence that applies; "" where nothing stands out.

    An attack that was stopped by a person, or has reached its goal, needs none.
    """
    result = attempt.result
    if attempt.outcome == ALREADY_THERE:
        return AWAY_ALREADY if attempt.judge.kind == LOST else AT_TARGET
    if result.ending == NETWORK_FAILED:
        return FAILED.format(steps=_steps(result.steps))
    if attempt.outcome == SUCCESS or result.ending == CANCELLED:
        return ""
    if result.ending == NO_GRADIENT:
        return FLAT
    if result.ending == STEPS_USED and result.steps < FEW_STEPS:
        return TOO_FEW.format(steps=_steps(result.steps))
    if result.flat > MOSTLY * result.gradient_evaluations:
        return FLAT_LATER.format(flat=result.flat, all=result.gradient_evaluations)
    if max(now.linf for now in result.trajectory) < HALF_A_LEVEL:
        return UNMOVED
    return _never_seen(attempt) or _region_limits(attempt) or _stalled(attempt)


def _never_seen(attempt: Attempt) -> str:
    judge = attempt.judge
    if judge.kind == LOST:
        return ""
    wanted = np.unique(judge.reference[judge.valid]).tolist()
    missing = [f'"{attempt.classes[n]}"' for n in wanted if n not in attempt.result.classes]
    word = "the class" if len(missing) == 1 else "the classes"
    return NEVER_SEEN.format(classes=f"{word} {' and '.join(missing)}") if missing else ""


def _region_limits(attempt: Attempt) -> str:
    judge, region = attempt.judge, attempt.region
    if region is None:
        return ""
    at_mask = attempt.prediction == judge.reference
    still = (at_mask if judge.kind == LOST else ~at_mask) & judge.valid
    outside = float((still & ~region).sum()) / max(int(still.sum()), 1)
    if outside <= MOSTLY:
        return ""
    return REGION_LIMITS.format(share=_percent(float(region.mean())), outside=_percent(outside))


def _stalled(attempt: Attempt) -> str:
    """Tell when the last steps of the paper's attack would have to be made all over again."""
    way = [now.score for now in attempt.result.trajectory]
    if not attempt.papers or attempt.judge.kind != IOU or len(way) < FEW_STEPS:
        return ""
    score, before = max(way), max(way[: len(way) - round(LAST * len(way))])
    gain, missing = score - before, attempt.wanted - score
    if gain > LAST * missing:
        return ""
    steps = _steps(attempt.result.steps)
    return STALLED.format(score=score, steps=steps, gain=gain, missing=missing)


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
