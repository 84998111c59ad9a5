"""What an experiment is called, and how it stands, in words."""

from __future__ import annotations

from collections.abc import Sequence

from asma_core.attacks.registry import ATTACKS
from asma_core.experiments.cells import Cell
from asma_core.experiments.plan import Variant
from asma_core.experiments.store import Experiment

MOST_NAMED = 6


def title(experiment: Experiment) -> str:
    """Return what is attacked: network and data set."""
    return f"{experiment.plan.model} on {experiment.plan.dataset}"


def about(experiment: Experiment) -> str:
    """Return what is done, in a few words."""
    plan = experiment.plan
    names = [row_title(row) for row in plan.variants if not row.study]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    attacks = ", ".join(names[:MOST_NAMED]) + more
    studied = sum(row.study for row in plan.variants)
    study = f"{studied} distance weights" if studied else ""
    count = len(plan.pairs)
    pairs = f"{count} {'pair' if count == 1 else 'pairs'}"
    targets = sorted({float(row.config["target_iou"]) for row in plan.variants})
    wanted = "target IoU " + ", ".join(f"{t:g}" for t in targets)
    survives = "made to survive" if plan.execution.survives else ""
    return "; ".join(part for part in (pairs, attacks, study, wanted, survives) if part)


def row_title(row: Variant) -> str:
    """Return what a row is called for people."""
    entry = ATTACKS.get(row.attack)
    name = entry.title if entry else row.attack.upper()
    return name + row.label.removeprefix(row.attack)


def row_titles(experiment: Experiment, study: bool) -> dict[str, str]:
    """Return what the rows of the attacks, or those of the study, are called, by their labels."""
    return {row.label: row_title(row) for row in experiment.plan.variants if row.study == study}


def status_text(experiment: Experiment, done: int) -> tuple[str, str]:
    """Return how an experiment stands, and Streamlit's colour for it."""
    total = len(experiment.plan.cells())
    if experiment.active:
        return f"stopping, {done} of {total}" if experiment.stop else f"{done} of {total}", "blue"
    if done == total:
        return "done", "green"
    return f"stopped at {done} of {total}", "orange"


def seconds_left(experiment: Experiment, cells: Sequence[Cell | None]) -> float | None:
    """Estimate from what each row took so far; None before anything is known."""
    rows = [row for _, row in experiment.plan.cells()]
    known: dict[str, list[float]] = {}
    for cell in cells:
        if cell is not None and cell.results:
            known.setdefault(cell.label, []).append(float(cell.results["seconds"]))
    means = {label: sum(values) / len(values) for label, values in known.items()}
    if not means:
        return None
    usual = sum(means.values()) / len(means)
    open_rows = (row for row, cell in zip(rows, cells, strict=True) if cell is None)
    return sum(means.get(row.label, usual) for row in open_rows)
