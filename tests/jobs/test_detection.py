"""Detection in the background: started, stopped, gone on with by another runner, looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asma_core.data.datasets import open_dataset
from asma_core.errors import AsmaError
from asma_core.experiments.clean_suspicions import known_clean
from asma_core.experiments.detection_plan import DetectionPlan, evading
from asma_core.experiments.plan import pairs_of, variant
from asma_core.jobs.detection import DetectionRunner
from asma_core.models.sources.cards import find_card, network_hash
from asma_core.runs.execution import Execution
from tests import tiny
from tests.jobs.executors import in_a_thread
from tests.waiting import until

SLOW = {name: str(value) for name, value in tiny.SLOW.items()}
QUICK = {"steps": "5", "target_iou": "0.8"}


@pytest.fixture
def runner(home: Path) -> Iterator[DetectionRunner]:
    """A runner whose worker is a thread of this process."""
    tiny.furnish(home)
    with in_a_thread() as (experiments, predictor):
        yield DetectionRunner(home, experiments, predictor)


def plan(
    attack: str = "pgd", settings: dict[str, str] = QUICK, model: str = tiny.MODEL
) -> DetectionPlan:
    pairs = pairs_of(open_dataset(tiny.DATASET), 2)
    known = (evading("margin", QUICK, 5),)
    row = variant(attack, settings)
    return DetectionPlan(model, tiny.DATASET, pairs, row, ("margin",), known, Execution("cpu"))


def test_it_is_carried_out_and_looked_at(runner: DetectionRunner, home: Path) -> None:
    asked = plan()
    with pytest.raises(AsmaError, match="not all attacks"):
        runner.result(asked)
    plan_id = runner.start(asked)
    assert runner.plans.get(plan_id) == asked
    until(lambda: runner.standing(asked).complete)
    found = runner.standing(asked)
    assert (found.done, found.total, found.failed, found.messages) == (4, 4, 0, ())
    answer, files = runner.result(asked)
    assert [row["files"] for row in answer["rows"]] == ["noise", "attacked", "adaptive"]
    assert set(files) == {"detection.csv", "detection.md", "detection.tex"}
    assert answer["sentences"][0].startswith("Margin")
    kept = known_clean(home, network_hash(find_card(tiny.MODEL)), tiny.DATASET)
    assert len(kept["margin"]) == 2
    runner.delete(plan_id)
    assert runner.plans.newest() == []


def test_what_was_stopped_is_gone_on_with(runner: DetectionRunner) -> None:
    asked = plan("asma", SLOW)
    plan_id = runner.start(asked)
    assert runner.standing(asked).active
    with pytest.raises(AsmaError, match="stop it"):
        runner.delete(plan_id)
    runner.stop(asked)
    until(lambda: not runner.standing(asked).active)
    assert not runner.standing(asked).complete
    # As after a restart: the plan is read from its file.
    assert runner.start(runner.plans.get(plan_id)) == plan_id
    assert runner.standing(asked).active


def test_what_can_t_be_carried_out_is_not_kept(runner: DetectionRunner, home: Path) -> None:
    with pytest.raises(AsmaError, match="garlic"):
        runner.start(plan(model="garlic"))
    assert runner.plans.newest() == []
