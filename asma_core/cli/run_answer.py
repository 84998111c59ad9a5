"""What a command says of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asma_core.attacks.settings import TOWARDS
from asma_core.runs.run import Run


def run_answer(run: Run, files: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a run as plain values, with the files that were written."""
    answer: dict[str, Any] = {
        "run_id": run.id,
        "attack": run.spec.attack,
        "model": run.spec.model,
        "image": run.spec.image_name,
        "window": run.spec.window.as_dict() if run.spec.window else None,
        "target": run.spec.target_name if run.aim == TOWARDS else None,
        "goal": run.goal,
        "status": run.state,
        "ended": run.ending,
        "message": run.message,
        **run.results,
        "outcome": run.outcome,
        "success": run.success,
        "config": dict(run.spec.config),
        "seed": run.spec.execution.seed,
        "made_to_survive": run.spec.execution.survives,
    }
    return answer | ({"files": dict(files)} if files else {})
