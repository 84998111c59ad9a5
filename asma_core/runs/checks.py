"""What the runs of one problem say together: a black box that wins where gradients fail."""

from __future__ import annotations

from asma_core.attacks.checks import HIDDEN
from asma_core.attacks.configs import TOWARDS
from asma_core.attacks.registry import ATTACKS
from asma_core.runs.run import DONE, Run
from asma_core.runs.store import RunStore


def among_runs(store: RunStore, run: Run, success: bool) -> list[str]:
    """Compare a run with the finished ones of the same network, image and target.

    Args:
        store: Of the runs.
        run: The run.
        success: Whether it has reached its target.

    Returns:
        One sentence when a black box has reached it and no attack by gradients has; else none.
    """
    same = [
        other
        for other in store.newest()
        if other.state == DONE
        and other.id != run.id
        and other.spec.inputs_hash == run.spec.inputs_hash
        and other.spec.model_hash == run.spec.model_hash
        and _goal(other) == _goal(run)
    ]
    outcomes = [(other.spec.attack, bool(other.results.get("success"))) for other in same]
    outcomes.append((run.spec.attack, success))
    black = [won for name, won in outcomes if _is_black_box(name)]
    white = [won for name, won in outcomes if not _is_black_box(name)]
    return [HIDDEN] if any(black) and white and not any(white) else []


def _goal(run: Run) -> str:
    return str(run.spec.config.get("goal_is", TOWARDS))


def _is_black_box(name: str) -> bool:
    return name in ATTACKS and ATTACKS[name].black_box
