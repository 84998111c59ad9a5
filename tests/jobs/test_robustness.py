"""Robustness in the background: started, stopped, gone on with, looked at, forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asma_core.data.datasets import open_dataset
from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.robustness_plan import RobustnessPlan
from asma_core.jobs.predictions import Predictor
from asma_core.jobs.robustness import RobustnessRunner
from asma_core.models.sources.cards import find_card
from asma_core.reviews.store import ReviewStore
from asma_core.runs.execution import Execution
from asma_core.runs.store import RunStore
from tests import tiny
from tests.jobs.executors import in_a_thread
from tests.reviews.made_reviews import answer_all, right
from tests.waiting import until

SLOW = {name: str(value) for name, value in tiny.SLOW.items()}
QUICK = {"steps": "5", "target_iou": "0.8"}


@pytest.fixture
def runner(home: Path) -> Iterator[RobustnessRunner]:
    """A runner whose worker is a thread of this process."""
    tiny.furnish(home)
    with in_a_thread() as (experiments, predictor):
        yield RobustnessRunner(home, experiments, predictor)


def plan(attack: str = "pgd", settings: dict[str, str] = QUICK) -> RobustnessPlan:
    pairs = pairs_of(open_dataset(tiny.DATASET), 2)
    row = variant(attack, settings)
    defences = (Defence("jpeg", {"quality": 60}),)
    return RobustnessPlan(tiny.MODEL, tiny.DATASET, pairs, (row,), defences, Execution("cpu"))


def test_it_is_carried_out_and_looked_at(runner: RobustnessRunner, home: Path) -> None:
    asked = plan()
    with pytest.raises(AsmaError, match="not all attacks"):
        runner.result(asked)
    plan_id = runner.start(asked)
    assert runner.plans.get(plan_id) == asked
    until(lambda: runner.standing(asked).complete)
    found = runner.standing(asked)
    assert (found.done, found.total, found.failed, found.messages) == (4, 4, 0, ())
    answer, files = runner.result(asked)
    assert [row["defence"] for row in answer["rows"]] == ["none", "JPEG (quality 60)"]
    assert set(files) == {"report.html", "robustness.csv", "robustness.md", "robustness.tex"}
    # Kept: what is looked at again is not made again.
    (folder,) = (home / "cache" / "robustness").iterdir()
    (folder / "report.html").write_text("kept")
    assert runner.result(asked)[1]["report.html"] == b"kept"
    # What people have said since then is not in it.
    runs = RunStore(home).newest()
    reviews = ReviewStore(home)
    review = reviews.create(runs, "choice")
    answer_all(reviews, review, "Ann", right)
    assert b"What people noticed" in runner.result(asked)[1]["report.html"]
    runner.delete(plan_id)
    assert runner.plans.newest() == [] and find_card(f"{tiny.MODEL}-jpeg").defences


def test_what_goes_on_is_stopped_before_it_is_forgotten(runner: RobustnessRunner) -> None:
    asked = plan("asma", SLOW)
    plan_id = runner.start(asked)
    assert runner.standing(asked).active
    with pytest.raises(AsmaError, match="stop it"):
        runner.delete(plan_id)
    runner.stop(asked)
    until(lambda: not runner.standing(asked).active)
    assert not runner.standing(asked).complete
    runner.delete(plan_id)


def test_a_plan_whose_network_is_gone_can_be_forgotten(
    runner: RobustnessRunner, home: Path
) -> None:
    asked = plan()
    plan_id = runner.plans.keep(asked)
    (home / "models" / f"{tiny.MODEL}.toml").unlink()
    with pytest.raises(AsmaError, match=tiny.MODEL):
        runner.standing(asked)
    runner.delete(plan_id)
    assert runner.plans.newest() == []


def test_what_learns_from_images_does_so_in_the_process_that_has_torch(
    runner: RobustnessRunner, home: Path
) -> None:
    asked = replace(plan(), defences=(Defence("denoiser", {"steps": 3}),))
    plan_id = runner.start(asked)
    known = runner.plans.get(plan_id)
    assert known.defences[0].values["learnt"]
    until(lambda: runner.standing(known).complete)
    # Asked again it is the same plan, and going on with it as well.
    assert runner.start(asked) == runner.start(known) == plan_id
    assert len(list((home / "denoisers").iterdir())) == 1


def test_what_looks_into_the_network_is_kept_by_the_process_that_has_torch(
    runner: RobustnessRunner, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    carry_out = Predictor.carry_out

    def told(self: Predictor, call: Callable[..., Any], *arguments: Any) -> Any:
        asked.append(call.__name__)
        return carry_out(self, call, *arguments)

    monkeypatch.setattr(Predictor, "carry_out", told)
    before = sorted((home / "models").iterdir())
    with pytest.raises(AsmaError, match="no dropout layers"):
        runner.start(replace(plan(), defences=(Defence("mc-dropout"),)))
    assert asked == ["behind"] and sorted((home / "models").iterdir()) == before
    assert runner.plans.newest() == []
