"""What a run's file and the runs of one problem say: warnings that go with the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.checks import HIDDEN
from asma_core.attacks.registry import ATTACKS
from asma_core.attacks.settings import LINF, NORMS
from asma_core.metrics.distance import l2_norm, linf_norm
from asma_core.runs.keeper import RunKeeper
from asma_core.runs.run import Run

# Floats of grey levels are not exact.
EXACT: Final = 1e-5
# A gradient tells more than a query, but one that was hardly asked tells nothing.
GRADIENT_SHARE: Final = 0.1

OVER_BUDGET: Final = (
    "The saved file lies outside the budget: its {norm} is {length:.4f}, {budget:.4f} was asked "
    "for. Rounding to 8 bits lengthened the change; round inside the loop."
)
OUTSIDE_REGION: Final = "The saved file differs from the original outside the region."


def norm_of(config: Mapping[str, Any]) -> str:
    """Return the norm that a config's budget is in."""
    return str(config.get("norm", LINF))


def beyond(
    change: NDArray[np.float32],
    region: NDArray[np.bool_] | None,
    norm: str,
    chosen: Mapping[str, float],
) -> list[str]:
    """Say where a saved file keeps neither its budget nor its region.

    Args:
        change: float32 (C, H, W), the file minus the original.
        region: bool (H, W), where the image may change; None for everywhere.
        norm: In which the budget is, `L2` or `LINF`; see `norm_of`.
        chosen: By the attack; its "budget", where it has one, in its norm.
    """
    found = []
    budget = chosen.get("budget")
    if budget is not None:
        length = linf_norm(change) if norm == LINF else l2_norm(change)
        if length > budget * (1.0 + EXACT) + EXACT**2:
            found.append(OVER_BUDGET.format(norm=NORMS[norm], length=length, budget=budget))
    if region is not None and bool((change != 0)[:, ~region].any()):
        found.append(OUTSIDE_REGION)
    return found


def among_runs(store: RunKeeper, run: Run, results: Mapping[str, Any]) -> list[str]:
    """Compare a run with the finished ones that were asked the same of the same network and image.

    Args:
        store: Of the runs.
        run: The run.
        results: Its figures so far.

    Returns:
        One sentence when a black box has reached the goal and no attack by gradients has; else
        none.
    """
    others = [
        (other, other.results)
        for other in store.finished_with(run.spec.inputs_hash)
        if other.id != run.id
        and other.spec.network_hash == run.spec.network_hash
        and _goal(other) == _goal(run)
    ]
    told = [*others, (run, results)]
    won = [(one, figures) for one, figures in told if _is_black_box(one) and figures["success"]]
    white = [(one, figures) for one, figures in told if not _is_black_box(one)]
    if any(figures["success"] for _, figures in white):
        return []
    alike = [
        one for black in won for one in white if _was_allowed(one, black) and _tried(one, black)
    ]
    return [HIDDEN] if alike else []


Told = tuple[Run, Mapping[str, Any]]


def _goal(run: Run) -> tuple[object, ...]:
    return (run.aim, run.wanted, run.spec.config.get("rounding"))


def _was_allowed(white: Told, black: Told) -> bool:
    """Tell whether an attack by gradients had the black box's budget, or none at all."""
    own = _budget(white)
    return own is None or own == _budget(black)


def _budget(told: Told) -> tuple[str, float] | None:
    run, results = told
    budget = (results.get("chosen") or {}).get("budget")
    if budget is None:
        return None
    return norm_of(run.spec.config), round(float(budget), 6)


def _tried(white: Told, black: Told) -> bool:
    """Tell whether an attack by gradients went on for long enough, against the black box's."""
    gradients = int(white[1].get("gradient_evaluations", 0))
    queries = int(black[0].spec.config.get("steps", 0))
    return gradients > 0 and gradients >= GRADIENT_SHARE * queries


def _is_black_box(run: Run) -> bool:
    return run.spec.attack in ATTACKS and ATTACKS[run.spec.attack].black_box
