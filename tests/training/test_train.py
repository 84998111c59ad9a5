"""Training learns, repeats by its seed, goes on where it was, and writes what the loader reads."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from asma_core.errors import DeviceError, InputError, ModelError, StoreError
from asma_core.models.sources.building import build_network
from asma_core.models.sources.cards import read_card
from asma_core.models.sources.names import network_name
from asma_core.training.data import Material
from asma_core.training.loop import TrainingLoop
from asma_core.training.network import new_network
from asma_core.training.progress import TrainingProgress
from asma_core.training.train import TrainingReport, train
from tests.training.squares import NAMES, PLAN, square_pairs, squares


def trained(material: Material, folder: Path, **change: object) -> TrainingReport:
    report = train(material, replace(PLAN, **change), folder)
    assert report is not None
    return report


def weights_of(folder: Path, stop_at: int = 0, **change: object) -> dict[str, Tensor] | None:
    """Train twelve steps with a checkpoint, or stop at one."""
    report = train(
        squares(6, 2, 3),
        replace(PLAN, **{"steps": 12, **change}),
        folder,
        checkpoint=folder / "checkpoint",
        on_progress=lambda now: now.step == stop_at,
    )
    return None if report is None else load_file(report.weights)


def test_a_bright_square_is_learnt(tmp_path: Path, device: str) -> None:
    plan = replace(PLAN, steps=60, batch_size=4, learning_rate=1e-2, device=device)
    seen: list[TrainingProgress] = []
    report = train(squares(12, 4), plan, tmp_path, on_progress=seen.append)
    assert report is not None and report.evaluation.iou > 0.8
    assert seen[-1].step == seen[-1].steps == 60
    assert seen[-1].loss < 0.5 * seen[0].loss


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (
        load_file(trained(squares(4), tmp_path / name, seed=seed).weights)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_training_leaves_the_global_random_state_and_threads_alone(tmp_path: Path) -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    trained(squares(2), tmp_path)
    assert torch.equal(before, torch.get_rng_state())
    assert threads == torch.get_num_threads()


@pytest.mark.parametrize("architecture", ["UNet", "SegResNet", "AttentionUnet"])
def test_an_interrupted_training_ends_with_the_same_weights(
    tmp_path: Path, architecture: str
) -> None:
    whole = weights_of(tmp_path / "a", architecture=architecture)
    assert weights_of(tmp_path / "b", stop_at=7, architecture=architecture) is None
    assert (tmp_path / "b" / "checkpoint").exists()
    resumed = weights_of(tmp_path / "b", architecture=architecture)
    assert whole is not None and resumed is not None
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert not (tmp_path / "b" / "checkpoint").exists()


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    whole = weights_of(tmp_path / "a", seed=3)
    weights_of(tmp_path / "b", stop_at=7)
    other = weights_of(tmp_path / "b", seed=3)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "checkpoint").write_bytes(b"damaged")
    third = weights_of(tmp_path / "c", seed=3)
    assert whole is not None and other is not None and third is not None
    for key in whole:
        assert torch.equal(whole[key], other[key]) and torch.equal(whole[key], third[key])


def test_under_another_name_it_is_the_same_training(tmp_path: Path) -> None:
    weights_of(tmp_path, stop_at=7, name="one")
    steps: list[int] = []
    plan = replace(PLAN, steps=12, name="two")
    train(
        squares(6, 2, 3),
        plan,
        tmp_path,
        checkpoint=tmp_path / "checkpoint",
        on_progress=lambda now: steps.append(now.step),
    )
    assert steps == [8, 9, 10, 11, 12]


def test_it_stops_when_nothing_is_gained(tmp_path: Path) -> None:
    still = {"steps": 50, "learning_rate": 1e-9, "patience": 3}
    report = trained(squares(6, 2, 3), tmp_path / "a", **still)
    assert report.stopped == "early" and report.steps < 20
    assert trained(squares(6, 2), tmp_path / "b", **still | {"steps": 20}).stopped == "done"


@pytest.mark.parametrize("channels", [1, 3])
def test_the_written_card_and_weights_give_the_trained_network_back(
    channels: int, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    material = squares(4, channels=channels, dataset="My <b>Set</b>/../é")
    report = trained(material, out)
    card = read_card(report.card)
    assert card.classes == NAMES and card.input.channels == channels and card.input.multiple == 4
    torch.manual_seed(PLAN.seed)
    model = new_network(material, PLAN)
    loop = TrainingLoop(model, PLAN, material)
    loop.run()
    network = build_network(card.architecture, dict(card.arguments))
    network.load_state_dict(load_file(report.weights))
    image = torch.rand(1, channels, 32, 32)
    expected = loop.best_model().network(image)
    torch.testing.assert_close(network.eval()(image), expected, atol=1e-4, rtol=1e-4)
    assert {path.name for path in out.iterdir()} == {report.card.name, report.weights.name}


def test_card_is_toml_with_the_figures_measured(tmp_path: Path) -> None:
    report = trained(squares(2, dataset='a "quoted"\nset'), tmp_path)
    content = tomllib.loads(report.card.read_text(encoding="utf-8"))
    assert content["figures"]["test_iou"] == pytest.approx(report.evaluation.iou, abs=1e-4)
    assert content["training"]["steps"] == 3 and content["training"]["pairs"] == 2
    assert content["synthetic"] is False and content["dataset"] == 'a "quoted"\nset'
    assert content["source"] == PLAN.command()
    assert [entry["name"] for entry in content["classes"]] == list(NAMES)


def test_network_names_are_safe_file_names():
    assert network_name("demo-fundus") == "demo-fundus-unet"
    assert network_name("/data/My Set.v2") == "my-set-v2-unet"
    assert network_name("../..") == "own-unet"


def test_bad_input_is_refused_with_a_sentence(tmp_path: Path) -> None:
    pairs = square_pairs(2)
    with pytest.raises(InputError, match="nothing to train on"):
        train(Material("x", NAMES, [], []), PLAN, tmp_path)
    with pytest.raises(InputError, match="at least one class"):
        train(Material("x", ("background",), pairs, pairs), PLAN, tmp_path)
    with pytest.raises(InputError, match="class 4"):
        beyond = [(pairs[0][0], pairs[0][1] * 4)]
        train(Material("x", NAMES, beyond, pairs), PLAN, tmp_path)
    with pytest.raises(DeviceError):
        train(squares(2), replace(PLAN, device="abacus"), tmp_path)


def test_an_exploding_training_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exploding(self: TrainingLoop, *given: object) -> float:
        with torch.no_grad():
            next(self.model.parameters()).mul_(float("inf"))
        return update(self, *given)

    update = TrainingLoop._update
    monkeypatch.setattr(TrainingLoop, "_update", exploding)
    with pytest.raises(ModelError, match="smaller learning rate"):
        trained(squares(2, 1), tmp_path)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        trained(squares(2, 1), tmp_path / "file" / "in")
