"""The command `ablation`: the paper's Table 1 on any network and data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.arguments import batch_option, count, model_option
from asma_core.cli.named_values import named_values
from asma_core.cli.networks import check_all_suit, check_execution
from asma_core.cli.progress import Progress
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError, RunStateError
from asma_core.experiments.cells import Cell
from asma_core.experiments.export import cells_csv, summary_csv, table_latex, table_markdown
from asma_core.experiments.plan import Plan, distance_study, pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.table import summary
from asma_core.files import write_bytes
from asma_core.models.sources.cards import find_card
from asma_core.runs.execution import Execution
from asma_core.runs.run import counted_warnings
from asma_core.runs.store import RunStore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_option(parser)
    add_settings(parser, Execution)
    parser.add_argument("--dataset", required=True, help="a data set's name or a folder")
    parser.add_argument("--samples", type=count, default=20, help="pairs to attack (20)")
    parser.add_argument(
        "--attacks", default="ssm,ssm-dpm,asm,asma,minimal", help="names, separated by commas"
    )
    parser.add_argument("--target-iou", help="short for --set target_iou=X")
    parser.add_argument("--steps", help="short for --set steps=N")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of every attack that has it",
    )
    parser.add_argument(
        "--distance-weights", default="", help="rows that study the distance term, as 0,1,10,100"
    )
    parser.add_argument("--study", default="asma", help="the attack of those rows (asma)")
    batch_option(parser)
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
    card, dataset = find_card(options.model), open_dataset(options.dataset)
    execution = settings_of(options, Execution)
    check_execution(execution)
    settings = named_values(options.set)
    if options.steps is not None:
        settings["steps"] = options.steps
    if options.target_iou is not None:
        settings["target_iou"] = options.target_iou
    attacks = _split(options.attacks)
    check_all_suit(card, [*attacks, *([options.study] if options.distance_weights else [])])
    rows = [variant(name, settings) for name in attacks]
    if options.distance_weights:
        rows += distance_study(options.study, _split(options.distance_weights), settings)
    if not rows:
        raise InputError("name at least one attack: --attacks asma,minimal")
    pairs = pairs_of(dataset, options.samples)
    return Plan(card.name, options.dataset, pairs, tuple(rows), execution)


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


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
