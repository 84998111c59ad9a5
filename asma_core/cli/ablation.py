"""The command `ablation`: the paper's Table 1 on any network and data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.many_pairs import add_pairs_options, asked_of, listed
from asma_core.cli.networks import check_all_suit
from asma_core.cli.progress import Progress
from asma_core.errors import InputError, RunStateError
from asma_core.experiments.cells import Cell
from asma_core.experiments.export import cells_csv, summary_csv, table_latex, table_markdown
from asma_core.experiments.plan import Plan, distance_study, pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.table import summary
from asma_core.files import write_bytes
from asma_core.runs.run import counted_warnings
from asma_core.runs.store import RunStore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_pairs_options(parser)
    parser.add_argument(
        "--attacks", default="ssm,ssm-dpm,asm,asma,minimal", help="names, separated by commas"
    )
    parser.add_argument(
        "--distance-weights", default="", help="rows that study the distance term, as 0,1,10,100"
    )
    parser.add_argument("--study", default="asma", help="the attack of those rows (asma)")
    parser.add_argument("--out", help="folder for the tables as CSV, LaTeX and Markdown")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Attack many pairs by several attacks, and sum them up; what is done is not repeated."""
    from asma_core.experiments.execute import execute

    plan = _plan(options)
    store = ExperimentStore(RunStore())
    experiment = store.open(plan)
    if not store.claim(experiment.id):
        raise RunStateError(
            "another process carries out this very experiment; wait for it, or stop it on the "
            f"Experiments page ({experiment.id})"
        )
    progress = Progress("ablation", len(plan.cells()))
    try:
        cells = execute(store, experiment, progress.update, options.batch)
    finally:
        progress.close()
    rows = summary(cells)
    failed = [f"{cell.label} on {cell.sample}: {cell.message}" for cell in cells if cell.message]
    answer = {
        "experiment": experiment.id,
        "model": plan.model,
        "dataset": plan.dataset,
        "rows": rows,
        "problems": failed,
        "warnings": counted_warnings([cell.results for cell in cells]),
    }
    return answer | ({"files": _written(Path(options.out), rows, cells)} if options.out else {})


def _plan(options: argparse.Namespace) -> Plan:
    asked = asked_of(options)
    attacks = listed(options.attacks)
    check_all_suit(asked.card, [*attacks, *([options.study] if options.distance_weights else [])])
    rows = [variant(name, asked.settings) for name in attacks]
    if options.distance_weights:
        rows += distance_study(options.study, listed(options.distance_weights), asked.settings)
    if not rows:
        raise InputError("name at least one attack: --attacks asma,minimal")
    pairs = pairs_of(asked.dataset, options.samples)
    return Plan(asked.card.name, options.dataset, pairs, tuple(rows), asked.execution)


def _written(out: Path, rows: list[dict[str, Any]], cells: list[Cell]) -> dict[str, str]:
    texts = {
        "summary.csv": summary_csv(rows),
        "cells.csv": cells_csv(cells),
        "table.tex": table_latex(rows),
        "table.md": table_markdown(rows),
    }
    for name, text in texts.items():
        write_bytes(out / name, text.encode())
    return {name: str(out / name) for name in texts}
