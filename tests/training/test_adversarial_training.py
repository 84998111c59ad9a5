"""Adversarial training: it makes robust, repeats, goes on, starts from what is there, collapses."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError, InputError, ModelError
from asma_core.models.sources.cards import find_card, read_card
from asma_core.models.sources.loading import load_card
from asma_core.models.wrapper.specs import OutputSpec
from asma_core.training import loop as training_loop
from asma_core.training import train as training_train
from asma_core.training.choice import Scores
from asma_core.training.loop import TrainingLoop
from asma_core.training.progress import TrainingProgress
from asma_core.training.robust_evaluation import evaluate_robust
from asma_core.training.start import starting_network
from asma_core.training.start_check import check_start
from asma_core.training.train import TrainingReport, train
from tests import tiny
from tests.training.squares import NAMES, PLAN, square_pairs, squares

CPU = torch.device("cpu")
# So large that the clean network of squares is fooled by it.
LEARNT = {"steps": 36, "batch_size": 4, "learning_rate": 1e-2}
ROBUST = replace(PLAN, adversarial="pgd", budget=40 / 255, steps=12)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack in few steps what is scored, which is most of the time of so small a training."""
    monkeypatch.setattr(training_loop, "VALIDATION_STEPS", 3)
    monkeypatch.setattr(training_train, "TEST_STEPS", 3)
    monkeypatch.setattr(training_train, "THREADS", 1)


def trained(folder: Path, plan: object = ROBUST, **change: object) -> TrainingReport:
    report = train(squares(6, 2, 2), replace(plan, **change), folder)
    assert report is not None
    return report


def stopped_and_gone_on(folder: Path, stop_at: int, **change: object) -> dict[str, Tensor]:
    """Stop a training at a step, go on with it, and return its weights."""
    plan = replace(ROBUST, steps=8, **change)

    def once(stop: int) -> TrainingReport | None:
        return train(
            squares(6, 1, 2),
            plan,
            folder,
            checkpoint=folder / "checkpoint",
            on_progress=lambda now: now.step == stop,
        )

    if stop_at >= 0:
        assert once(stop_at) is None
    report = once(-1)
    assert report is not None
    return load_file(report.weights)


def test_it_makes_a_network_robust_that_is_not_without(tmp_path: Path) -> None:
    clean = trained(tmp_path / "a", PLAN, **LEARNT)
    seen: list[TrainingProgress] = []
    plan = replace(ROBUST, **LEARNT)
    report = train(squares(8, 4, 2), plan, tmp_path / "b", on_progress=seen.append)
    assert report is not None and report.robust is not None and clean.robust is None
    before = evaluate_robust(load_card(read_card(clean.card), CPU), square_pairs(4), ROBUST, 10)
    assert report.robust.iou > before.iou + 0.2 and report.evaluation.iou > 0.6
    curve = [(now.step, now.validation, now.robust) for now in seen if now.robust is not None]
    assert [step for step, *_ in curve] == list(range(0, 37, 3))
    assert math.isnan(seen[0].loss) and curve[-1][2] > curve[0][2]


@pytest.mark.parametrize(("kind", "stop_at"), [("pgd", 0), ("segpgd", 5), ("asma", 3)])
def test_an_interrupted_one_ends_with_the_same_weights(
    tmp_path: Path, kind: str, stop_at: int
) -> None:
    how = {"adversarial": kind, "attacked": 0.6}
    whole = stopped_and_gone_on(tmp_path / "a", -1, **how)
    again = stopped_and_gone_on(tmp_path / "b", stop_at, **how)
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_the_card_says_how_and_against_what(tmp_path: Path) -> None:
    report = trained(tmp_path, budget=8 / 255, steps=6)
    content = tomllib.loads(report.card.read_text())
    assert "by PGD of 2 steps within Linf 8/255" in content["description"]
    assert "says nothing beyond it" in content["description"]
    assert content["training"]["adversarial"] == "pgd"
    assert content["training"]["budget"] == pytest.approx(8 / 255)
    assert content["figures"]["robust_against"] == "SegPGD of 40 steps within Linf 8/255"
    assert report.robust is not None
    assert content["figures"]["test_robust_iou"] == pytest.approx(report.robust.iou, abs=1e-4)
    assert "--adversarial pgd --budget" in content["source"]
    assert report.name == "squares-unet-robust"


# What it starts from ---------------------------------------------------------------------------


def test_it_starts_from_a_network_s_weights_and_writes_its_architecture(
    home: Path, tmp_path: Path
) -> None:
    tiny.furnish(home)
    plan = replace(PLAN, width="small", start_from=tiny.MODEL, steps=2, learning_rate=1e-9)
    report = train(squares(4), plan, tmp_path)
    assert report is not None and report.name == f"{tiny.MODEL}-tuned"
    card, base = read_card(report.card), find_card(tiny.MODEL)
    assert (card.architecture, card.arguments) == (base.architecture, base.arguments)
    assert (card.input.mean, card.input.multiple) == (base.input.mean, base.input.multiple)
    made, first = load_file(report.weights), load_file(base.weights)
    for key in first:
        torch.testing.assert_close(made[key], first[key], atol=1e-6, rtol=0)
    assert tomllib.loads(report.card.read_text())["training"]["start_from"] == tiny.MODEL
    # The network that it started from, which others may be using, is as it was.
    loaded = load_card(base, CPU)
    assert not any(weight.requires_grad for weight in loaded.parameters())


def test_the_clean_iou_of_the_start_is_the_measure_and_its_weights_are_no_result(
    home: Path, tmp_path: Path
) -> None:
    tiny.furnish(home)
    plan = replace(ROBUST, width="small", start_from=tiny.MODEL, steps=4, learning_rate=1e-9)
    seen: list[TrainingProgress] = []
    report = train(squares(4, 2, 2), plan, tmp_path, on_progress=seen.append)
    assert report is not None and seen[0].step == 0 and seen[0].validation is not None
    assert report.steps == 4 and seen[1].best is not None


def test_a_checkpoint_from_another_start_is_not_used(home: Path, tmp_path: Path) -> None:
    tiny.furnish(home)
    plan = replace(PLAN, width="small", start_from=tiny.MODEL, steps=4)
    steps: list[int] = []

    def run(stop: int) -> None:
        train(
            squares(4),
            plan,
            tmp_path,
            checkpoint=tmp_path / "c",
            on_progress=lambda now: (steps.append(now.step), now.step == stop)[1],
        )

    run(2)
    weights = find_card(tiny.MODEL).weights
    state = load_file(weights)
    save_file({key: value + 0.01 for key, value in state.items()}, weights)
    run(-1)
    assert steps == [1, 2, 1, 2, 3, 4]


def test_what_it_can_t_start_from_is_a_sentence(home: Path) -> None:
    tiny.furnish(home)
    card = find_card(tiny.MODEL)
    plan = replace(PLAN, width="small", start_from=tiny.MODEL)
    with pytest.raises(AsmaError, match="nothing"):
        starting_network(squares(4), replace(plan, start_from="nothing"))
    for change, sentence in [
        ({"classes": ("a", "b", "c")}, "has 3 classes and squares has 2"),
        ({"members": ("one", "two")}, "start from one of them: one, two"),
        ({"defences": (Defence("jpeg"),), "base": "bare"}, "start from the network itself, bare"),
        ({"program": "onnx"}, "an ONNX file, which gives outputs and no gradients"),
        ({"program": "torchscript"}, "a program, whose weights can't be written back"),
        ({"library": "nnunet"}, "a network of nnunet, which is trained there"),
        ({"output": OutputSpec(fit="centre")}, "answers for their centre alone"),
        ({"input": replace(card.input, multiple=32)}, "must be at least 64 for tiny-unet"),
    ]:
        with pytest.raises(InputError, match=sentence):
            check_start(replace(card, **change), NAMES, plan)
    check_start(card, NAMES, plan)


def test_a_grey_network_does_not_start_on_colours(home: Path, tmp_path: Path) -> None:
    grey = train(squares(2, channels=1), replace(PLAN, steps=1, name="grey"), home / "models")
    assert grey is not None
    plan = replace(PLAN, start_from="grey", width="small")
    with pytest.raises(InputError, match="takes grey images and those of squares are in colour"):
        starting_network(squares(2), plan)
    assert starting_network(squares(2, channels=1), plan).model.spec.channels == 1


def test_a_plan_that_starts_from_a_network_leaves_its_shape_alone() -> None:
    with pytest.raises(InputError, match="trains that network; leave out width"):
        replace(PLAN, start_from="x")


# Collapse --------------------------------------------------------------------------------------


def test_nan_ends_it_with_the_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = TrainingLoop._update

    def breaking(self: TrainingLoop, *given: object) -> float:
        return math.nan if self.step == 8 else update(self, *given)

    monkeypatch.setattr(TrainingLoop, "_update", breaking)
    report = trained(tmp_path, budget=8 / 255)
    assert report.stopped == "collapsed" and report.steps == 8
    assert "collapsed at step 8: the training loss became NaN" in report.message
    assert "has the weights of step" in report.message
    assert all(value.isfinite().all() for value in load_file(report.weights).values())


def test_without_a_good_state_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrainingLoop, "_scores", lambda self: Scores(self.step, 0.0, 0.0, True))
    with pytest.raises(ModelError, match="worth keeping: the network says one class") as told:
        trained(tmp_path)
    assert "at step 6, before" in str(told.value) and not list(tmp_path.glob("*.toml"))


def test_a_network_that_comes_to_say_one_class_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = TrainingLoop._update

    def falling(self: TrainingLoop, *given: object) -> float:
        loss = update(self, *given)
        if self.step >= 8:
            with torch.no_grad():
                for weight in self.model.parameters():
                    weight.zero_()
        return loss

    monkeypatch.setattr(TrainingLoop, "_update", falling)
    report = trained(tmp_path, budget=8 / 255)
    assert report.stopped == "collapsed" and "one class everywhere" in report.message
    assert report.steps == 10 and report.evaluation.iou > 0.3


def test_a_loop_without_adversary_attacks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_loop, "evaluate_robust", None)
    assert trained(tmp_path, PLAN).robust is None
