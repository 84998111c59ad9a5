"""What a training is and how it stands, in words."""

from __future__ import annotations

from asma_core.fields import declared
from asma_core.training import store as states
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import Training
from ui.common.format import moment, number

COLOURS = {
    states.QUEUED: "gray",
    states.RUNNING: "blue",
    states.DONE: "green",
    states.STOPPED: "orange",
    states.FAILED: "red",
    states.INTERRUPTED: "red",
}


def status_text(training: Training) -> tuple[str, str]:
    """Return how a training stands, and Streamlit's colour for it."""
    curve = training.curve or {}
    words = training.state
    if training.state in (states.RUNNING, states.STOPPED, states.INTERRUPTED) and curve:
        words += f" at step {curve['step']} of {curve['of']}"
    if training.figures:
        words += f", test IoU {number(training.figures.get('test_iou'))}"
    return words, COLOURS[training.state]


def about(training: Training) -> str:
    """Return what is trained on what."""
    plan = training.plan
    kind = f"from {plan.start_from}" if plan.start_from else f"{plan.architecture}, {plan.width}"
    parts = [kind, f"on {plan.dataset}"]
    if plan.is_adversarial:
        by = declared(TrainingPlan)["adversarial"].options[plan.adversarial]
        parts.append(f"against {by} within {plan.against()}")
    return ", ".join([*parts, moment(training.created)])


def kept_text(training: Training) -> str:
    """Return what the weights reach that an adversarial training has kept so far, or ""."""
    curve = training.curve or {}
    if curve.get("best_robust") is None:
        return ""
    return (
        f"Kept so far: clean IoU {number(curve['best'])}, robust IoU "
        f"{number(curve['best_robust'])} within {training.plan.against()}, on validation images"
    )
