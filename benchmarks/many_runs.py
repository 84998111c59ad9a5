"""A store as a team has it after a year: a few real runs, and as many like them as are asked for.

Images, networks, figures, verdicts, notes, tags and people are drawn from a seed. The files of a
run are those of a real one, by a link.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.cli.progress import Progress
from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import Plan, pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.runs.database import Database
from asma_core.runs.execute import execute
from asma_core.runs.run import CANCELLED, DONE, FAILED, INTERRUPTED, Run
from asma_core.runs.sources import from_sample, target_from_sample
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import SAMPLE, TargetSource

DATASETS: Final = ("demo-lesion", "demo-fundus")
ATTACKS: Final = ("asma", "minimal", "pgd", "square")
REAL_STEPS: Final = 6
# The attacks of the others; what they are called is all that tells them here.
MORE_ATTACKS: Final = (*ATTACKS, "asm", "ssm", "ssm-dpm", "segpgd")
PEOPLE: Final = tuple(f"{name}@example.org" for name in ("ada", "bob", "eve", "kim", "lea", "max"))
NOTES: Final = (
    "The left border looks as if somebody had drawn it",
    "Ask Dr. Vessel whether anybody would act on this outline",
    "Colours are off near the rim; compare with CIEDE2000",
    "Nobody would notice at this zoom",
)
TAGS: Final = ("paper", "figure 2", "odd", "again", "review", "talk")
VERDICTS: Final = ("convincing", "visible", "failed")
YEAR: Final = 365 * 86400.0
BATCH: Final = 5000
EXPERIMENTS: Final = 100
PAIRS: Final = 8


@dataclass(frozen=True)
class Copied:
    """A real run to copy: its row, its spec, its results."""

    row: dict[str, Any]
    spec: dict[str, Any]
    results: dict[str, Any]


def make_store(home: Path, count: int, seed: int = 16) -> RunStore:
    """Fill a data folder.

    Args:
        home: An empty data folder, which `ASMA_HOME` names.
        count: Of runs, more than the real ones.
        seed: Of all that is drawn.
    """
    store = RunStore(home)
    real = [_real_run(store, dataset, attack) for dataset in DATASETS for attack in ATTACKS]
    database = Database(home / "runs.sqlite")
    copied = [_copied(database, run) for run in real]
    draw = random.Random(seed)
    samples = {name: [one.name for one in open_dataset(name).samples] for name in DATASETS}
    progress = Progress("runs", count)
    for begin in range(len(real), count, BATCH):
        numbers = range(begin, min(begin + BATCH, count))
        rows = [_row(draw, number, copied, samples) for number in numbers]
        with database.writing() as connection:
            _insert(connection, rows)
        for row, one in rows:
            (home / "runs" / row["id"]).symlink_to(store.folder(one.row["id"]))
        progress.update(begin + len(rows))
    progress.close()
    _make_experiments(store, min(EXPERIMENTS, count // 100), draw)
    return store


def _real_run(store: RunStore, dataset_name: str, attack: str) -> Run:
    dataset = open_dataset(dataset_name)
    sample, other = dataset.samples[-1], dataset.samples[-2]
    source = from_sample(dataset, sample)
    config = {"steps": REAL_STEPS}
    target = TargetSource(SAMPLE, other.name)
    request = source.request(f"{dataset_name}-unet", attack, config, target)
    mask = target_from_sample(dataset, other, source.shape)
    return execute(store, store.create(request, source.with_target(mask)).id)


def _copied(database: Database, run: Run) -> Copied:
    with database.reading() as connection:
        row = dict(connection.execute("SELECT * FROM runs WHERE id = ?", (run.id,)).fetchone())
    return Copied(row, json.loads(row["spec"]), json.loads(row["results"]))


def _row(
    draw: random.Random, number: int, copied: Sequence[Copied], samples: dict[str, list[str]]
) -> tuple[dict[str, Any], Copied]:
    one = draw.choice(copied)
    dataset = one.spec["dataset"]
    sample, other = draw.sample(samples[dataset], 2)
    state = draw.choices((DONE, CANCELLED, FAILED, INTERRUPTED), (90, 5, 3, 2))[0]
    # Inputs and image of their own, as many as there are pairs and samples.
    spec = one.spec | {
        "attack": draw.choice(MORE_ATTACKS),
        "sample": sample,
        "image_name": f"{dataset} / {sample}",
        "target": {"kind": SAMPLE, "name": other},
        "target_name": f"mask of {other}",
        "inputs_hash": random.Random(f"{dataset} {sample} {other}").randbytes(32).hex(),
        "image_hash": random.Random(f"{dataset} {sample}").randbytes(32).hex(),
    }
    results = {} if state in (FAILED, INTERRUPTED) else _results(draw, one.results)
    judged = draw.random() < 0.2
    created = one.row["created"] - draw.random() * YEAR
    row = one.row | {
        # An odd factor leads no two numbers to one id.
        "id": f"{number * 0x9E3779B1 % 2**32:08x}",
        "created": created,
        "finished": created + 30,
        "state": state,
        "inputs_hash": spec["inputs_hash"],
        "spec": json.dumps(spec),
        "results": json.dumps(results),
        "message": "" if results else "its process ended before the run did; repeat it",
        "verdict": draw.choice(VERDICTS) if judged else "",
        "note": draw.choice(NOTES) if judged and draw.random() < 0.5 else "",
        "tags": ", ".join(draw.sample(TAGS, draw.randint(0, 2))) if judged else "",
        "author": draw.choice(PEOPLE),
        "private": int(draw.random() < 0.05),
    }
    return row, one


def _results(draw: random.Random, real: dict[str, Any]) -> dict[str, Any]:
    """Return the results of a real run with figures of their own."""
    factor = draw.lognormvariate(0.0, 0.5)
    overlap = draw.random()
    outcome = draw.choices(("success", "goal not reached", "already there"), (70, 28, 2))[0]
    changed: dict[str, Any] = {"outcome": outcome, "success": outcome == "success"}
    for name, value in real.items():
        if name.startswith(("l2", "linf", "ciede2000")) and isinstance(value, float):
            changed[name] = value * factor
        elif name in ("iou_8bit", "score_8bit") and isinstance(value, float):
            changed[name] = overlap
        elif name in ("steps", "seconds"):
            changed[name] = type(value)(value * (1 + 50 * factor))
    return real | changed


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[dict[str, Any], Copied]]) -> None:
    names = list(rows[0][0])
    connection.executemany(
        f"INSERT INTO runs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        [tuple(row.values()) for row, _ in rows],
    )


def _make_experiments(store: RunStore, count: int, draw: random.Random) -> None:
    """Make experiments whose cells are runs of the store."""
    experiments = ExperimentStore(store)
    ids = store.search.ids(most=20_000)
    for number in range(count):
        name = DATASETS[number % len(DATASETS)]
        pairs = pairs_of(open_dataset(name), PAIRS)
        rows = tuple(variant(attack, {"target_iou": str(0.5 + number / 250)}) for attack in ATTACKS)
        made = experiments.open(Plan(f"{name}-unet", name, pairs, rows))
        for place in range(len(made.plan.cells())):
            experiments.attach(made.id, place, draw.choice(ids))
