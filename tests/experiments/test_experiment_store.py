"""Experiments: one a plan, one process each, cells that are never lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from asma_core.data.datasets import open_dataset
from asma_core.errors import RunStateError, UnknownExperimentError
from asma_core.experiments.cells import Cell
from asma_core.experiments.execute import execute
from asma_core.experiments.missing_cells import run_missing_cells
from asma_core.experiments.plan import Plan, distance_study, plan_from_dict, variant
from asma_core.experiments.store import ExperimentStore, ended
from asma_core.experiments.table import success_curve
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.runs.execution import Execution
from asma_core.runs.run import DONE
from asma_core.runs.store import RunStore
from tests import tiny

SETTINGS = {"target_iou": "0.8", "steps": "12"}


def plan(*attacks: str) -> Plan:
    rows = tuple(variant(name, SETTINGS) for name in attacks or ("asm", "minimal"))
    return Plan(tiny.MODEL, tiny.DATASET, (("0", "1"), ("1", "2")), rows, Execution("cpu"))


@pytest.fixture
def store(home: Path) -> ExperimentStore:
    tiny.furnish(home)
    return ExperimentStore(RunStore())


def named(made: Plan, store: ExperimentStore) -> Plan:
    """The plan with the names that the data set has."""
    from asma_core.data.datasets import open_dataset

    names = [sample.name for sample in open_dataset(made.dataset).samples]
    return replace(made, pairs=((names[0], names[1]), (names[1], names[2])))


def test_a_plan_is_written_and_read_back_whole() -> None:
    made = replace(plan(), variants=(*plan().variants, *distance_study("asma", ["0"], SETTINGS)))
    assert plan_from_dict(made.as_dict()) == made


def test_the_same_plan_is_the_same_experiment(store: ExperimentStore) -> None:
    first = store.open(plan())
    assert store.open(plan()).id == first.id
    assert store.open(plan("asm")).id != first.id
    assert {item.id for item in store.newest()} >= {first.id}
    assert len(store.newest()) == 2


def test_only_one_process_carries_it_out(store: ExperimentStore) -> None:
    made = store.open(plan())
    assert not made.active
    assert store.claim(made.id)
    assert store.get(made.id).active
    assert not store.claim(made.id)
    with pytest.raises(RunStateError, match="stop it"):
        store.delete(made.id)
    store.ask_to_stop(made.id)
    store.release(made.id, "the disk is full")
    after = store.get(made.id)
    assert (after.active, after.stop, after.message) == (False, True, "the disk is full")
    assert store.claim(made.id)
    again = store.get(made.id)
    assert (again.stop, again.message) == (False, "")


def test_cells_come_from_runs_and_a_deleted_run_opens_its_cell(store: ExperimentStore) -> None:
    made = store.open(named(plan(), store))
    assert store.cells(made) == [None] * 4
    seen: list[int] = []
    assert store.claim(made.id)
    cells = execute(store, made, seen.append)
    assert seen == [1, 2, 3, 4]
    assert [cell.label for cell in cells] == ["asm", "minimal"] * 2
    runs = store.cell_runs(made.id)
    assert [runs[place].results for place in range(4)] == [cell.results for cell in cells]
    assert {run.state for run in runs.values()} == {DONE}
    store.runs.delete(runs[2].id)
    assert [cell is None for cell in store.cells(made)] == [False, False, True, False]
    assert store.count_ended(made.id) == 3
    assert store.claim(made.id)
    again = execute(store, made, seen.append)
    assert [cell.run_id == old.run_id for cell, old in zip(again, cells, strict=True)] == [
        True, True, False, True,
    ]  # fmt: skip
    assert again[2].results["l2_8bit"] == cells[2].results["l2_8bit"]


def test_another_experiment_takes_the_runs_that_there_are(store: ExperimentStore) -> None:
    one = store.open(named(plan("asm"), store))
    assert store.claim(one.id)
    first = execute(store, one, lambda _: None)
    two = store.open(named(plan("asm", "minimal"), store))
    assert store.claim(two.id)
    second = execute(store, two, lambda _: None)
    assert [cell.run_id for cell in second if cell.label == "asm"] == [c.run_id for c in first]
    assert len(store.runs.newest()) == 4


def test_a_cell_whose_file_is_broken_is_refused_and_the_others_go_on(
    store: ExperimentStore, home: Path
) -> None:
    made = store.open(named(plan("asm"), store))
    sample = made.plan.pairs[0][0]
    (file,) = (home / "datasets" / tiny.DATASET / "images").glob(f"{sample}.*")
    file.write_bytes(b"no picture")
    assert store.claim(made.id)
    cells = execute(store, made, lambda _: None)
    assert cells[0].run_id == "" and file.name in cells[0].message
    assert cells[1].results
    assert store.count_ended(made.id) == 2


def test_deleting_forgets_the_experiment_and_keeps_the_runs(store: ExperimentStore) -> None:
    made = store.open(named(plan("asm"), store))
    assert store.claim(made.id)
    execute(store, made, lambda _: None)
    store.delete(made.id)
    with pytest.raises(UnknownExperimentError, match="Experiments page"):
        store.get(made.id)
    assert len(store.runs.newest()) == 2


def figures(cell: Cell) -> dict[str, Any]:
    return {name: cell.results[name] for name in cell.results if name not in ("seconds", "batch")}


@pytest.mark.parametrize("most", [2, 3, 5])
def test_in_batches_each_cell_has_the_figures_of_a_single(
    store: ExperimentStore, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    names = [sample.name for sample in open_dataset(tiny.DATASET).samples]
    pairs = tuple((names[n], names[n + 1]) for n in range(5))
    attacks = ("asma", "cospgd", "square")
    rows = tuple(variant(name, {"target_iou": "0.8", "steps": "6"}) for name in attacks)
    made = store.open(Plan(tiny.MODEL, tiny.DATASET, pairs, rows, Execution("cpu")))
    # Image by image, so that sums are rounded as alone whatever the batch.
    usual = SegmentationModel.forward
    monkeypatch.setattr(
        SegmentationModel,
        "forward",
        lambda self, images: torch.cat([usual(self, image[None]) for image in images]),
    )
    seen: list[int] = []
    assert store.claim(made.id)
    at_once = execute(store, made, seen.append, most)
    sizes = {2: [2, 2, 2, 2, 1], 3: [3, 3, 3, 2, 2], 5: [5] * 5}[most]
    assert [cell.results["batch"] for cell in at_once[::3]] == sizes
    assert seen == sorted(seen) and seen[-1] == 15 and len(seen) == 3 * -(-5 // most)
    for run in store.runs.newest():
        store.runs.delete(run.id)
    assert store.claim(made.id)
    alone = execute(store, made, seen.append)
    assert {cell.results["batch"] for cell in alone} == {1}
    for one, other in zip(at_once, alone, strict=True):
        assert (one.label, one.sample, one.target) == (other.label, other.sample, other.target)
        assert figures(one) == figures(other)


def test_a_batch_goes_on_with_what_is_missing(store: ExperimentStore) -> None:
    made = store.open(named(plan("asm", "minimal"), store))
    assert store.claim(made.id)
    first = execute(store, made, lambda _: None, 2)
    store.runs.delete(first[0].run_id)
    store.runs.delete(first[3].run_id)
    assert store.claim(made.id)
    again = execute(store, made, lambda _: None, 2)
    assert [cell.results["batch"] for cell in again] == [1, 2, 2, 1]
    assert [cell.run_id for cell in again][1:3] == [cell.run_id for cell in first][1:3]


def test_what_waits_for_a_batch_is_bounded(store: ExperimentStore, home: Path) -> None:
    """Of many sizes there is no full batch, and not every image may be held in memory."""
    names = [sample.name for sample in open_dataset(tiny.DATASET).samples]
    for number, name in enumerate(names[:6]):
        for folder in ("images", "masks"):
            file = home / "datasets" / tiny.DATASET / folder / f"{name}.png"
            with Image.open(file) as picture:
                cut = picture.crop((0, 0, 32, 32 - 2 * number if number else 30))
            cut.save(file)
    pairs = tuple((names[n], names[6]) for n in range(6))
    rows = tuple(variant(name, SETTINGS) for name in ("asm", "ssm"))
    made = store.open(Plan(tiny.MODEL, tiny.DATASET, pairs, rows, Execution("cpu")))
    assert store.claim(made.id)
    batches: list[list[int]] = []
    held: list[int] = []
    run_missing_cells(store, made, 2, lambda batch: batches.append(list(batch.asked)), held.append)
    # The first two images have one size, the others one each; two rows of two wait at most.
    assert batches == [[0, 2], [1, 3], [4], [5], [6], [7], [8], [9], [10], [11]]
    assert held == [2, 4, 5, 6, 7, 8, 9, 10, 11, 12]


def test_the_curve_counts_the_successes_within_a_budget(store: ExperimentStore) -> None:
    from tests.experiments.test_export import cell

    cells = [cell("a", 3.0), cell("a", 1.0), cell("a", 0.5, success=False), cell("a", None)]
    points = success_curve(cells)
    assert [(point.l2, point.share) for point in points] == [(1.0, 0.25), (3.0, 0.5)]
    assert ended([None, *cells]) == cells
