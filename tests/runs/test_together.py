"""Runs attacked at once: each is what it would be alone, whatever becomes of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import Pictures, StepMetrics, StepReport
from asma_core.attacks.registry import ATTACKS
from asma_core.errors import ModelError
from asma_core.runs import artefacts, attacking, execute, together
from asma_core.runs.run import CANCELLED, DONE, FAILED, INTERRUPTED, Run
from asma_core.runs.store import RunStore
from asma_core.runs.together import SharedTime, each_alone, usual_batch
from tests import tiny

COUNT = 4
CONFIG = {"steps": 12, "target_iou": 0.8}


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


class Watched(nn.Module):
    """Stands before the tiny network in the attacks' passes: counts images, fails where it is told.

    Image by image, so that sums are rounded as alone whatever the batch.
    """

    def __init__(self, network: nn.Module, fails: Callable[[Tensor], Exception | None]) -> None:
        super().__init__()
        self.network = network
        self.fails = fails
        self.seen: list[int] = []
        self.precision = "float32"

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(len(images))
        error = self.fails(images)
        if error is not None:
            raise error
        return torch.cat([self.network(image[None]) for image in images])


@pytest.fixture
def stand_before(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Watched]:
    """Put a `Watched` before the network."""

    def put(fails: Callable[[Tensor], Exception | None] = lambda _: None) -> Watched:
        usual = attacking.make_backend
        watched = Watched(nn.Identity(), fails)

        def made(network: nn.Module, *more: Any) -> Watched:
            watched.network = usual(network, *more)
            return watched

        monkeypatch.setattr(attacking, "make_backend", made)
        return watched

    return put


def queued(runs: RunStore, count: int = COUNT, **more: Any) -> list[str]:
    asked = {"config": CONFIG} | more
    return [runs.create(tiny.request(**asked), tiny.inputs(n, n + 2)).id for n in range(count)]


def figures(run: Run) -> dict[str, Any]:
    """All of a run's figures but those of its course in time."""
    return {name: run.results[name] for name in run.results if name not in ("seconds", "batch")}


def files(runs: RunStore, run: Run) -> dict[str, bytes]:
    """The files of a run by their names, without the record, which holds its id."""
    folder = runs.folder(run.id)
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "run.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_each_has_the_figures_and_files_of_a_single(
    runs: RunStore, stand_before: Callable[..., Watched], attack: str
) -> None:
    watched = stand_before()
    entry = ATTACKS[attack]
    random = {"random_start": True} if hasattr(entry.config, "random_start") else {}
    asked = {"attack": attack, "config": CONFIG | random}
    at_once = execute.execute_together(runs, queued(runs, **asked))
    assert watched.seen[0] == COUNT
    for number, run in enumerate(at_once):
        inputs = tiny.inputs(number, number + 2)
        alone = execute.execute(runs, runs.create(tiny.request(**asked), inputs).id)
        assert (run.state, run.results["batch"], alone.results["batch"]) == (DONE, COUNT, 1)
        assert run.spec == alone.spec
        assert figures(run) == figures(alone)
        assert files(runs, run) == files(runs, alone)


def test_a_batch_has_no_part_in_what_a_run_is(runs: RunStore) -> None:
    one, other = (runs.get(run_id).spec for run_id in queued(runs, 2))
    assert one.recipe == other.recipe and one.identity != other.identity
    seeded = runs.create(tiny.request(CONFIG, seed=5), tiny.inputs()).spec
    assert seeded.recipe != one.recipe
    (run, _) = execute.execute_together(runs, queued(runs, 2))
    assert run.spec.identity == one.identity


def test_runs_of_other_recipes_are_attacked_apart(runs: RunStore) -> None:
    ids = [*queued(runs, 2), *queued(runs, 1, attack="asm")]
    ended = execute.execute_together(runs, ids)
    assert [run.id for run in ended] == ids
    assert [run.results["batch"] for run in ended] == [2, 2, 1]


def test_memory_that_runs_out_halves_the_batch(
    runs: RunStore, stand_before: Callable[..., Watched]
) -> None:
    def cramped(images: Tensor) -> Exception | None:
        return torch.OutOfMemoryError("CUDA out of memory") if len(images) > 2 else None

    watched = stand_before(cramped)
    ended = execute.execute_together(runs, queued(runs, 5))
    assert [run.state for run in ended] == [DONE] * 5
    assert [run.results["batch"] for run in ended] == [2, 2, 1, 2, 2]
    assert max(watched.seen[1:]) == 3 and watched.seen[0] == 5


def test_one_that_does_not_fit_alone_says_what_to_do(
    runs: RunStore, stand_before: Callable[..., Watched]
) -> None:
    stand_before(lambda _: torch.OutOfMemoryError("CUDA out of memory"))
    for run in execute.execute_together(runs, queued(runs, 2)):
        assert (run.state, run.results) == (FAILED, {})
        assert run.message.startswith("cpu ran out of memory on an image of 32 x 32; make")


def fails_on(index: int, error: Exception) -> Callable[[Tensor], Exception | None]:
    """Fail wherever one image of the tiny set is, changed or not."""
    original = torch.from_numpy(tiny.inputs(index).image)

    def fails(images: Tensor) -> Exception | None:
        near = ((images.detach() - original).abs().amax(dim=(1, 2, 3)) < 0.1).any()
        return error if bool(near) else None

    return fails


def test_the_fault_of_one_is_not_that_of_the_others(
    runs: RunStore, stand_before: Callable[..., Watched]
) -> None:
    stand_before(fails_on(2, ModelError("no gradient at this image")))
    ended = execute.execute_together(runs, queued(runs))
    assert [run.state for run in ended] == [DONE, DONE, FAILED, DONE]
    assert ended[2].message == "no gradient at this image"
    assert [run.results.get("batch") for run in ended] == [2, 2, None, 1]
    assert list((runs.home / "work").iterdir()) == []


def test_a_bug_at_one_is_raised_when_the_others_have_ended(
    runs: RunStore, stand_before: Callable[..., Watched]
) -> None:
    stand_before(fails_on(0, ZeroDivisionError("oh")))
    ids = queued(runs)
    with pytest.raises(ZeroDivisionError):
        execute.execute_together(runs, ids)
    ended = [runs.get(run_id) for run_id in ids]
    assert [run.state for run in ended] == [FAILED, DONE, DONE, DONE]
    assert "ZeroDivisionError: oh" in ended[0].message


def test_a_file_that_can_not_be_written_fails_its_run_alone(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = queued(runs)
    usual = artefacts.write_prediction

    def broken(folder: Path, *more: Any) -> None:
        if ids[1] in str(folder):
            raise ModelError("what fails after the attack")
        usual(folder, *more)

    monkeypatch.setattr(artefacts, "write_prediction", broken)
    ended = execute.execute_together(runs, ids)
    assert [run.state for run in ended] == [DONE, FAILED, DONE, DONE]
    assert [run.results.get("batch") for run in ended] == [COUNT, None, COUNT, COUNT]


def test_images_of_several_sizes_are_attacked_all_the_same(runs: RunStore) -> None:
    small = tiny.inputs()
    cut = {name: getattr(small, name)[..., :16, :16] for name in ("image", "target", "valid")}
    ids = [
        *queued(runs, 2),
        runs.create(tiny.request(CONFIG), replace(small, truth=None, **cut)).id,
    ]
    assert [run.state for run in execute.execute_together(runs, ids)] == [DONE] * 3


def test_one_is_stopped_and_the_others_go_on(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asma_core.runs.live.FIGURES_EVERY", 0.0)
    ids = queued(runs, config=tiny.SLOW | {"steps": 9})

    def watch(report: StepReport) -> None:
        if report.step == 5:
            RunStore(runs.home).ask_to_stop(ids[1])

    ended = execute.execute_together(runs, ids, watch)
    assert [run.state for run in ended] == [DONE, CANCELLED, DONE, DONE]
    assert [run.results["steps"] for run in ended] == [9, 5, 9, 9]
    trajectory = json.loads((runs.folder(ids[1]) / artefacts.TRAJECTORY).read_text())
    assert ended[1].results["iou"] == pytest.approx(max(trajectory["iou"]), abs=1e-9)
    assert set(artefacts.FILES) <= set(files(runs, ended[1]))


def test_one_that_was_stopped_before_its_turn_is_left_out(runs: RunStore) -> None:
    ids = queued(runs)
    runs.ask_to_stop(ids[0])
    ended = execute.execute_together(runs, ids)
    assert [run.state for run in ended] == [CANCELLED, DONE, DONE, DONE]
    assert ended[1].results["batch"] == COUNT - 1 and ended[0].results == {}


def test_the_keyboard_interrupts_all_that_have_not_ended(runs: RunStore) -> None:
    def watch(report: StepReport) -> None:
        if report.step == 3:
            raise KeyboardInterrupt

    ids = queued(runs)
    with pytest.raises(KeyboardInterrupt):
        execute.execute_together(runs, ids, watch)
    assert {runs.get(run_id).state for run_id in ids} == {INTERRUPTED}
    assert list((runs.home / "runs").iterdir()) == list((runs.home / "work").iterdir()) == []


# What each is told of the attack -------------------------------------------------------------


def report(step: int, *indices: int) -> StepReport:
    images = torch.stack([torch.full((3, 2, 2), index / 10) for index in indices])
    told = tuple(StepMetrics(index, step, 0.5, 0.5, 0.9, index / 10, 0.1) for index in indices)
    labels = torch.zeros(len(indices), 2, 2, dtype=torch.int64)
    return StepReport(step, 9, told, lambda: Pictures(indices, images, labels))


def test_each_sees_its_own_image_as_if_it_were_alone() -> None:
    seen: dict[int, list[tuple[int, int, float, float]]] = {0: [], 1: [], 2: []}

    def watch(place: int, now: StepReport) -> bool:
        ((metrics,), pictures) = (now.images, now.pictures())
        assert (metrics.index, pictures.indices, now.steps) == (0, (0,), 9)
        assert len(pictures.images) == len(pictures.predictions) == 1
        seen[place].append((now.step, metrics.step, metrics.l2, float(pictures.images.mean())))
        return place == 2

    watches = [lambda now, place=place: watch(place, now) for place in seen]
    on_step = each_alone(watches, SharedTime(3))
    assert on_step(report(0, 0, 1, 2)) == [2]
    assert on_step(report(1, 1)) == []
    assert seen[0] == [(0, 0, 0.0, 0.0)]
    assert [now[:3] for now in seen[1]] == [(0, 0, 0.1), (1, 1, 0.1)]
    assert seen[1][0][3] == pytest.approx(0.1) and seen[2][0][3] == pytest.approx(0.2)


def test_pictures_are_copied_once_for_all_who_look() -> None:
    copied: list[int] = []
    given = report(0, 0, 1)

    def pictures() -> Pictures:
        copied.append(1)
        return given.pictures()

    on_step = each_alone([lambda now: bool(now.pictures()) and None] * 2, SharedTime(2))
    on_step(replace(given, pictures=pictures))
    assert copied == [1]


def test_the_time_of_a_step_is_shared_by_the_images_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 16.0, 20.0, 21.0])
    monkeypatch.setattr(together.time, "perf_counter", lambda: next(clock))
    shared = SharedTime(3)
    shared.charge([0, 1, 2])
    shared.charge([0, 2])
    shared.charge([2])
    # By hand: 6 s for three, 4 s for two, 1 s for one.
    assert shared.seconds == [4.0, 2.0, 5.0]


def test_a_cpu_attacks_one_at_a_time_unless_it_is_told(device: str) -> None:
    assert usual_batch(device) == {"cpu": 1, "cuda": together.ON_GPU}[device]
