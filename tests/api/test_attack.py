"""One call attacks one image or many, and measures what would be saved."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import asma_core as asma
from asma_core.runs.execute import execute
from asma_core.runs.reasons import AT_TARGET, FLAT, TOO_FEW
from asma_core.runs.store import RunStore
from tests import tiny
from tests.api.attacked import AWAY, QUICK, Bare, attacked, image, many, same


@pytest.fixture(autouse=True)
def _furnished(home: Path) -> None:
    tiny.furnish(home)


def test_a_result_has_the_arrays_and_figures_of_the_8_bit_file() -> None:
    result = attacked(image(0), tiny.mask_labels(2))
    assert result.original.dtype == result.adversarial.dtype == np.float32
    assert result.original.shape == result.adversarial.shape == (3, tiny.SIZE, tiny.SIZE)
    levels = result.adversarial * 255
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert np.array_equal(result.perturbation, result.adversarial - result.original)
    assert result.l2 == pytest.approx(np.linalg.norm(result.perturbation.ravel()), rel=1e-6)
    assert result.linf == np.abs(result.perturbation).max()
    assert result.target is not None and np.array_equal(result.target, tiny.mask_labels(2))
    seen, target = result.prediction_after > 0, result.target > 0
    assert result.iou == pytest.approx((seen & target).sum() / (seen | target).sum())
    assert result.success == (result.iou >= QUICK["target_iou"]) == (result.outcome == "success")
    assert result.success and result.seconds > 0
    assert result.figures["iou_before"] < result.iou


def test_the_saved_file_is_the_one_that_was_measured(home: Path, tmp_path: Path) -> None:
    result = attacked(image(0), tiny.mask_labels(2))
    files = result.save(tmp_path / "out")
    assert [file.name for file in files] == ["original.png", "adversarial.png", "target.png"]
    seen = tiny.bare_prediction(tiny.MODEL, home, files[1])
    assert np.array_equal(seen, result.prediction_after)
    first = tiny.bare_prediction(tiny.MODEL, home, files[0])
    assert np.array_equal(first, result.prediction_before)
    target = Image.open(files[2])
    assert target.mode == "P" and np.array_equal(np.asarray(target), result.target)
    saved = np.asarray(Image.open(files[1])).transpose(2, 0, 1) / 255
    assert result.l2 == pytest.approx(np.linalg.norm((saved - image(0)).ravel()), rel=1e-5)


def test_a_run_of_the_workbench_gives_the_same_figures(home: Path) -> None:
    # A few steps: longer ways part by rounding, as a run chooses its threads itself.
    config = {"steps": 3, "target_iou": QUICK["target_iou"]}
    result = attacked(image(0), tiny.mask_labels(2), **config)
    runs = RunStore(home)
    run = execute(runs, runs.create(tiny.request(config), tiny.inputs()).id)
    for name in ("outcome", "steps", "gradient_evaluations", "score_name"):
        assert run.results[name] == result.figures[name]
    for name in ("iou_before", "iou", "iou_8bit", "l2", "l2_8bit", "linf_8bit", "ssim_8bit"):
        assert run.results[name] == pytest.approx(result.figures[name], rel=1e-3)


def test_a_batch_gives_what_single_images_give() -> None:
    dataset = asma.open_dataset(tiny.DATASET)
    results = many(dataset[:3], dataset[3:6], batch_size=2, steps=3)
    singles = [attacked(dataset[place], dataset[place + 3], steps=3) for place in range(3)]
    assert len(results) == 3
    for one, other in zip(results, singles, strict=True):
        assert one.name == other.name and one.adversarial.shape == other.adversarial.shape
        assert one.outcome == other.outcome
        assert one.l2 == pytest.approx(other.l2, rel=1e-2)
        assert one.iou == pytest.approx(other.iou, abs=1e-2)


def test_images_of_several_sizes_come_back_in_their_order() -> None:
    whole, part = image(0), image(1)[:, :24]
    results = many([whole, part, whole], [tiny.mask_labels(2), tiny.mask_labels(2)[:24]] * 1
                   + [tiny.mask_labels(3)])  # fmt: skip
    assert [one.adversarial.shape[1] for one in results] == [32, 24, 32]
    assert [one.name for one in results] == ["image 0", "image 1", "image 2"]
    assert [row.image for row in results.table().itertuples()] == ["image 0", "image 1", "image 2"]
    assert np.array_equal(results[1].original, part)


def test_one_target_serves_all_images_and_a_list_of_one_is_a_batch() -> None:
    results = many(np.stack([image(0), image(1)]), tiny.mask_labels(2))
    assert all(np.array_equal(one.target, tiny.mask_labels(2)) for one in results)
    assert len(many([image(0)], tiny.mask_labels(2)[None])) == 1


def test_a_name_a_card_and_a_module_give_the_same(home: Path) -> None:
    from asma_core.models.sources.cards import find_card

    target = tiny.mask_labels(2)
    by_name = attacked(image(0), target, steps=3)
    for model in (find_card(tiny.MODEL), asma.load_model(tiny.MODEL)):
        assert same(attacked(image(0), target, model, steps=3), by_name)
    own = attacked(image(0), target, Bare(home).eval(), steps=3)
    assert own.l2 == pytest.approx(by_name.l2, rel=1e-3) and own.outcome == by_name.outcome


def test_network_arrays_and_random_numbers_are_left_as_they_were_found(home: Path) -> None:
    given, target = image(0), tiny.mask_labels(2)
    region = np.ones(target.shape, np.bool_)
    for array in (given, target, region):
        array.setflags(write=False)
    network = Bare(home).train()
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    result = attacked(given, target, network, region=region, valid=region)
    assert network.training and all(one.requires_grad for one in network.parameters())
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert all(one.grad is None for one in network.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert np.array_equal(given, image(0)) and not given.flags.writeable
    assert any("training mode" in sentence for sentence in result.warnings)
    result.adversarial[:] = 0
    assert given.any(), "the result shares no memory with what was given"


def test_an_original_that_is_at_its_goal_is_no_success() -> None:
    seen = attacked(image(0), tiny.mask_labels(2), steps=1).prediction_before
    result = attacked(image(0), seen)
    assert (result.outcome, result.success, result.steps) == ("already there", False, 0)
    assert result.l2 == 0 and len(result.trajectory) == 1


def test_an_attack_that_leads_away_needs_no_target(tmp_path: Path) -> None:
    result = attacked(image(0), None, **AWAY)
    assert result.success and result.target is None and np.isnan(result.iou)
    assert result.figures["iou_lost_8bit"] >= AWAY["target_iou"]
    assert [file.name for file in result.save(tmp_path)] == ["original.png", "adversarial.png"]
    dataset = asma.open_dataset(tiny.DATASET)
    truth = attacked(dataset[0], None, **(AWAY | {"goal_is": "away from the truth"}))
    left, seen = tiny.mask_labels(0) > 0, truth.prediction_after > 0
    lost = 1 - (left & seen).sum() / (left | seen).sum()
    assert truth.success and truth.figures["iou_lost_8bit"] == pytest.approx(lost)


def test_only_the_region_changes_and_void_pixels_do_not_count() -> None:
    region = np.zeros((tiny.SIZE, tiny.SIZE), np.bool_)
    region[4:28, 4:28] = True
    result = attacked(image(0), tiny.mask_labels(2), region=region)
    assert not result.perturbation[:, ~region].any() and result.perturbation.any()
    near = attacked(image(0), tiny.mask_labels(2), region="near")
    assert 0 < (near.perturbation != 0).any(axis=0).mean() < 1
    valid = tiny.mask_labels(2) == 0
    result = attacked(image(0), np.zeros_like(valid, dtype=np.int64), valid=valid, steps=3)
    before = (result.prediction_before > 0) & valid
    left = (result.prediction_after > 0) & before
    gone = 1 - left.sum() / before.sum()
    assert result.figures["score_8bit"] == pytest.approx(gone)


def test_the_trajectory_is_a_table_of_every_step() -> None:
    result = attacked(image(0), tiny.mask_labels(2))
    table = result.trajectory
    assert list(table.columns) == [
        "step", "score", "iou", "pixel_accuracy", "l2", "linf", "kind",
    ]  # fmt: skip
    assert list(table["step"]) == list(range(result.steps + 1))
    assert asdict(result.course[-1])["l2"] == table["l2"].iloc[-1]


def test_the_same_seed_gives_the_same_whatever_was_drawn_before() -> None:
    square = AWAY | {"attack": "square", "steps": 60, "target_iou": 0.9}
    one = attacked(image(0), **square)
    torch.rand(7)
    assert same(one, attacked(image(0), **square)) and one.l2 > 0
    assert not same(one, attacked(image(0), **square, seed=1))


class FlatWhenDark(Bare):
    """Has no gradient at images that are dark."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        dark = images.detach().mean(dim=(1, 2, 3), keepdim=True) < 0.2
        return super().forward(torch.where(dark, images.detach(), images))


def test_an_image_without_a_gradient_costs_no_other(home: Path) -> None:
    network, dark = FlatWhenDark(home).eval(), image(1) * np.float32(0.3)
    flat, fine = many([dark, image(0)], tiny.mask_labels(2), network)
    assert (flat.outcome, flat.figures["stopped"], flat.l2) == (
        "goal not reached",
        "no gradient",
        0,
    )
    assert flat.warnings == (FLAT,)
    assert len(flat.frontier) and flat.frontier.l2.isna().all()
    assert (fine.outcome, fine.warnings) == ("success", ())
    assert same(attacked(dark, tiny.mask_labels(2), network), flat)


def test_what_there_is_to_say_of_an_attack_is_said_here_too(home: Path) -> None:
    one = attacked(image(0), tiny.mask_labels(2), attack="minimal", steps=1)
    assert one.warnings == (TOO_FEW.format(steps="1 step"),)
    assert len(one.trajectory) == 2 and one.gradient_evaluations == 1
    there = attacked(image(0), one.prediction_before, attack="minimal")
    assert (there.outcome, there.warnings) == ("already there", (AT_TARGET,))
    region = np.zeros((tiny.SIZE, tiny.SIZE), dtype=np.bool_)
    region[14:16, 18:20] = True
    small = attacked(image(0), tiny.mask_labels(6), region=region)
    assert "enlarge the region" in small.warnings[-1].lower()
