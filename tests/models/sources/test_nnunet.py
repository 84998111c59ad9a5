"""nnU-Net v2's folders: taken in as they are, and predicting as nnU-Net does."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from asma_core.errors import AsmaError, InputError, ModelError
from asma_core.models.sources.cards import find_card, network_hash, read_card
from asma_core.models.sources.draft import Choices, spacing_from_text
from asma_core.models.sources.drafting import draft_network
from asma_core.models.sources.importing import import_card
from asma_core.models.sources.loading import load_card, load_model
from asma_core.models.sources.nnunet import network as network_module
from asma_core.models.sources.nnunet.resampling import scaled_size, to_spacing
from asma_core.models.sources.nnunet.windows import gaussian, starts
from asma_core.models.wrapper.contract import SegmentationModel
from tests.models.sources import nnunet_folder as made
from tests.models.sources.damage import damaged

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _architectures() -> None:
    pytest.importorskip(
        "dynamic_network_architectures", reason="dynamic-network-architectures is not installed"
    )


def picture(height: int = 48, width: int = 40, channels: int = 3, seed: int = 0) -> Any:
    """An image of 8 bits with a structure, uint8 (C, H, W)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    disc = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (height / 4) ** 2
    noise = rng.integers(1, 120, (channels, height, width))
    return (noise + 100 * disc).astype(np.uint8)


def floats(image: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(image.astype(np.float32) / 255)[None]


def taken_in(folder: Path, tmp_path: Path, choices: Choices | None = None) -> SegmentationModel:
    said = draft_network(folder, tmp_path / "draft", choices)
    return load_card(read_card(Path(said["card"]), trusted=False), CPU)


def test_a_folder_is_taken_in_and_says_what_it_is(home: Path, tmp_path: Path) -> None:
    made.trained(tmp_path / "nnUNetTrainer__nnUNetPlans__2d")
    said = draft_network(tmp_path / "nnUNetTrainer__nnUNetPlans__2d", tmp_path / "draft")
    assert said["kind"] == "nnU-Net v2" and said["folds"] == ["0"] and said["mirrors"]
    assert said["name"] == "nnu-net-dataset501-disc"
    assert any("Mirroring is off" in note for note in said["notes"])
    card = import_card(Path(said["card"]), trusted=False, name="theirs")
    assert card.weights.suffix == ".safetensors" and card.classes == ("background", "disc")
    assert (card.library, card.architecture) == ("nnunet", "PlainConvUNet")
    again = find_card("theirs")
    assert again == card and len(network_hash(again)) == 64
    images = floats(picture()).requires_grad_()
    logits = load_model(again, CPU)(images)
    assert logits.shape == (1, 2, 48, 40)
    logits[:, 1].sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


@pytest.mark.parametrize("how", ["above", "zip", "zip of it", "flat", "best"])
def test_the_folder_may_come_in_several_ways(home: Path, tmp_path: Path, how: str) -> None:
    name = "checkpoint_best.pth" if how == "best" else "checkpoint_final.pth"
    inner = made.trained(tmp_path / "up" / "nnUNetTrainer__nnUNetPlans__2d", name=name)
    source = {"best": inner, "above": tmp_path / "up"}.get(how, tmp_path / "up.zip")
    if how == "above":
        (tmp_path / "up" / "nnUNetTrainer__nnUNetPlans__3d_fullres").mkdir()
        for file in ("plans.json", "dataset.json"):
            (tmp_path / "up" / "nnUNetTrainer__nnUNetPlans__3d_fullres" / file).write_text("{}")
        # As nnUNetv2_find_best_configuration leaves it.
        (inner / "crossval_results_folds_0").mkdir()
        for file in ("plans.json", "dataset.json"):
            (inner / "crossval_results_folds_0" / file).write_text("{}")
    if how == "flat":
        (inner / "fold_0" / name).rename(inner / name)
        source = inner
    if how.startswith("zip"):
        root = inner if how == "zip" else tmp_path / "up"
        with zipfile.ZipFile(source, "w") as archive:
            for file in root.rglob("*"):
                if file.is_file():
                    archive.write(file, file.relative_to(root))
            archive.writestr("validation/case.nii.gz", b"x")
    said = draft_network(source, tmp_path / "draft")
    assert said["kind"] == "nnU-Net v2" and not (tmp_path / "draft" / "unpacked").exists()


def test_plans_of_before_2_3_are_read(home: Path, tmp_path: Path) -> None:
    plan = made.plans()
    folder = made.trained(tmp_path / "f", plan)
    new = taken_in(folder, tmp_path)
    flat = plan["configurations"]["2d"]
    kept = flat.pop("architecture")["arch_kwargs"]
    flat |= {
        "UNet_class_name": "PlainConvUNet",
        "UNet_base_num_features": 4,
        "unet_max_num_features": 12,
        "n_conv_per_stage_encoder": kept["n_conv_per_stage"],
        "n_conv_per_stage_decoder": kept["n_conv_per_stage_decoder"],
        "num_pool_per_axis": [2, 2],
        "pool_op_kernel_sizes": kept["strides"],
        "conv_kernel_sizes": kept["kernel_sizes"],
    }
    (folder / "plans.json").write_text(json.dumps(plan))
    assert torch.equal(taken_in(folder, tmp_path)(floats(picture())), new(floats(picture())))


def test_a_batch_gives_what_single_images_give(home: Path, tmp_path: Path) -> None:
    model = taken_in(made.trained(tmp_path / "f"), tmp_path)
    first, second = floats(picture()), floats(picture(seed=1))
    second[..., :6, :] = 0
    both = model(torch.cat([first, second]))
    assert (both - torch.cat([model(first), model(second)])).abs().max() <= 1e-6


def test_z_scores_are_part_of_the_gradient(home: Path, tmp_path: Path) -> None:
    model = taken_in(made.trained(tmp_path / "f"), tmp_path)
    images = floats(picture()).requires_grad_()
    model(images)[:, 1].sum().backward()
    # A z-score does not change with the contrast, so nor does what the network says.
    assert images.grad is not None
    assert (images.grad * images).sum().abs() < 1e-3 * (images.grad * images).abs().sum()


def test_where_the_gaussian_and_the_windows_are() -> None:
    # By hand: 70 long, windows of 32, steps of 16 at most: 3.4 steps, so 4 windows.
    assert starts(70, 32, 0.5) == [0, 13, 25, 38]
    assert starts(32, 32, 0.5) == [0]
    weights = gaussian((32, 24))
    assert weights[16, 12] == 10 and weights.min() > 0
    assert abs(float(weights[16 + 4, 12]) / 10 - np.exp(-0.5)) < 0.01


def test_a_flat_image_has_a_finite_gradient(home: Path, tmp_path: Path) -> None:
    model = taken_in(made.trained(tmp_path / "f"), tmp_path)
    for value in (0.0, 0.5):
        images = torch.full((1, 3, 32, 32), value, requires_grad=True)
        model(images).sum().backward()
        assert images.grad is not None and images.grad.isfinite().all()


def test_many_windows_take_the_memory_of_one_and_have_the_same_gradient(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = taken_in(made.trained(tmp_path / "f"), tmp_path)
    kept: list[int] = []

    def gradient() -> torch.Tensor:
        images = floats(picture(70, 65)).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(
            lambda one: kept.append(one.numel()) or one, lambda one: one
        ):
            logits = model(images)
        return torch.autograd.grad(logits[:, 1].sum(), images)[0]

    plain = gradient()
    whole = sum(kept)
    kept.clear()
    monkeypatch.setattr(network_module, "MOST_KEPT", 0)
    again = gradient()
    assert (plain - again).abs().max() <= 1e-6 * plain.abs().max()
    assert sum(kept) < whole / 3


# ------------------------------------------------------------------ another spacing, turned


def test_images_of_another_spacing_are_seen_at_that_of_the_plans(
    home: Path, tmp_path: Path
) -> None:
    folder = made.trained(tmp_path / "f", made.plans(spacing=[1.0, 0.5]))
    model = taken_in(folder, tmp_path, Choices(spacing=(0.5, 1.0)))
    seen: list[tuple[int, ...]] = []
    net: Any = model.network
    net.folds[0].register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    images = floats(picture(128, 24)).requires_grad_()
    logits = model(images)
    # 128 rows of 0.5 are 64 of 1, 24 columns of 1 are 48 of 0.5: nine windows of 32 x 24.
    assert len(seen) == 9 and set(seen) == {(1, 3, 32, 24)}
    assert logits.shape == (1, 2, 128, 24)
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), images)
    assert (gradient.abs().sum(dim=1) > 0).all()


def test_the_gradient_through_resampling_is_that_of_differences(home: Path, tmp_path: Path) -> None:
    plan = made.turned(made.plans(spacing=[0.8, 0.6]))
    folder = made.trained(tmp_path / "f", plan)
    model = taken_in(folder, tmp_path, Choices(spacing=(0.5, 1.0))).double()
    # No two values alike: at several smallest ones there is a kink.
    values = np.random.default_rng(2).uniform(0.1, 0.9, (1, 3, 40, 20))
    images = torch.from_numpy(values).requires_grad_()
    (gradient,) = torch.autograd.grad(model(images)[:, 1].sum(), images)
    along = torch.sign(gradient)
    with torch.no_grad():
        up, down = (model(images + step * along)[:, 1].sum() for step in (1e-9, -1e-9))
    assert float((up - down) / 2e-9) == pytest.approx(float((gradient * along).sum()), rel=1e-3)


def test_splines_keep_a_constant_and_the_range() -> None:
    flat = torch.full((1, 1, 9, 7), 0.3)
    assert (to_spacing(flat, (20, 5)) - 0.3).abs().max() <= 1e-7
    steps = (torch.arange(12.0) > 5).float().expand(1, 1, 10, 12)
    found = to_spacing(steps, (10, 30))
    assert found.min() == 0 and found.max() == 1
    # By hand: halves of 64, a third of 65 rounded to even as Python does, and never none.
    assert scaled_size((64, 65), (0.5, 0.3)) == (32, 20)
    assert scaled_size((5, 3), (0.5, 0.1)) == (2, 1)


@pytest.mark.parametrize(
    ("more", "choices", "note"),
    [
        ({}, Choices(), ""),
        ({"spacing": [0.8, 0.5]}, Choices(), "spacing of its plans, 0.8 x 0.5; where yours have"),
        ({"spacing": [0.8, 0.5]}, Choices(spacing=(1, 1)), ""),
        (
            {"resampling_fn_data": "resample_torch_fornnunet"},
            Choices(),
            "resample by resample_torch_fornnunet and resample_data_or_seg_to_shape of order 3",
        ),
    ],
)
def test_what_is_taken_for_the_spacing_is_told(
    home: Path, tmp_path: Path, more: dict[str, Any], choices: Choices, note: str
) -> None:
    folder = made.trained(tmp_path / "f", made.plans(**more))
    said = draft_network(folder, tmp_path / "draft", choices)
    told = [one for one in said["notes"] if "spacing" in one or "resample" in one]
    assert len(told) == bool(note) and note in "".join(told)
    assert said["spacing"] == more.get("spacing", [1.0, 1.0])


@pytest.mark.parametrize(
    ("order", "note"),
    [([0, 1, 2], ""), ([0, 2, 1], "swap rows and columns"), ([1, 0, 2], "across the axis y")],
)
def test_the_axes_of_the_plans_are_told(
    home: Path, tmp_path: Path, order: list[int], note: str
) -> None:
    plan = made.plans() | {"transpose_forward": order}
    said = draft_network(made.trained(tmp_path / "f", plan), tmp_path / "draft")
    told = [one for one in said["notes"] if "axis" in one or "swap" in one]
    assert len(told) == bool(note) and note in "".join(told)
    turned = read_card(Path(said["card"])).arguments.get("transposed", False)
    assert turned == (order == [0, 2, 1])


@pytest.mark.parametrize(
    ("more", "spacing", "sentence"),
    [
        ({"spacing": None}, (1.0, 1.0), "the plans of this network say no spacing"),
        ({"spacing": [0.8, 0.5]}, (80.0, 0.5), "say pixels of 80 x 0.5 .*at most 16 times apart"),
        ({"spacing": [0.8, -1]}, None, "spacing ="),
    ],
)
def test_a_spacing_that_can_not_be_is_a_sentence(
    home: Path, tmp_path: Path, more: dict[str, Any], spacing: Any, sentence: str
) -> None:
    folder = made.trained(tmp_path / "f", made.plans(**more))
    with pytest.raises(AsmaError, match=sentence):
        draft_network(folder, tmp_path / "draft", Choices(spacing=spacing))


@pytest.mark.parametrize("text", ["x", "1,2,3", "0", "-1,1", "nan", "1,inf"])
def test_a_spacing_is_one_or_two_numbers(text: str) -> None:
    with pytest.raises(InputError):
        spacing_from_text(text)
    assert (spacing_from_text(" "), spacing_from_text("2")) == (None, (2.0, 2.0))
    assert spacing_from_text("0.5, 0.25") == (0.5, 0.25)


# ------------------------------------------------------------------ what is refused


def changed(folder: Path, file: str, **more: Any) -> None:
    content = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(content | more))


def with_network(**more: Any) -> dict[str, Any]:
    plan = made.plans()
    plan["configurations"]["2d"]["architecture"]["arch_kwargs"] |= more
    return plan


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "regions": (
        {}, {"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "regions, which overlap"
    ),
    "absurd features": (
        with_network(features_per_stage=[16384] * 3), {}, "16384 in features_per_stage; it has to"
    ),
    "too many weights": (
        with_network(features_per_stage=[4096] * 3), {}, "million weights; the limit is"
    ),
    "absurd stages": (with_network(n_stages=10**9), {}, "1000000000 in n_stages"),
    "another module": (with_network(nonlin="os.system"), {}, "names os.system as nonlin"),
    "3D": (with_network(conv_op="torch.nn.Conv3d"), {}, "only 2D networks"),
    "absurd window": (made.plans(patch_size=[10**6, 32]), {}, "1000000 in patch_size"),
    "another scheme": (made.plans("Mine"), {}, "normalises by Mine; known are ZScore"),
    "no configurations": ({"configurations": {}}, {}, "has no configuration"),
    "four channels": ({}, {"channel_names": dict.fromkeys("0123", "MR")}, "images of 4 channels"),
    "an axis twice": ({"transpose_forward": [0, 1, 1]}, {}, "transpose_forward ="),
    "labels with a gap": ({}, {"labels": {"background": 0, "disc": 2}}, "labels ="),
    "more classes": ({}, {"labels": {"background": 0, "a": 1, "b": 2}}, "do not fit"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_can_t_be_taken_in_is_one_sentence(home: Path, tmp_path: Path, kind: str) -> None:
    plan, data, sentence = REFUSED[kind]
    folder = made.trained(tmp_path / "f")
    changed(folder, "plans.json", **plan)
    changed(folder, "dataset.json", **data)
    with pytest.raises(ModelError, match=sentence) as told:
        draft_network(folder, tmp_path / "draft")
    assert "\n" not in str(told.value)


def test_a_missing_fold_and_a_folder_without_any(home: Path, tmp_path: Path) -> None:
    folder = made.trained(tmp_path / "f", folds=("0", "3"))
    with pytest.raises(InputError, match="there is no fold '1'; there is 0, 3, or 'mean' of all"):
        draft_network(folder, tmp_path / "draft", Choices(fold="1"))
    one = draft_network(folder, tmp_path / "draft", Choices(fold="3"))
    assert "fold 3" in read_card(Path(one["card"])).description
    for place in ("fold_0", "fold_3"):
        (folder / place / "checkpoint_final.pth").unlink()
    with pytest.raises(ModelError, match="has no fold with checkpoint_final"):
        draft_network(folder, tmp_path / "draft")


class Evil:
    ran = False

    def __reduce__(self) -> object:
        return (exec, ("import tests.models.sources.test_nnunet as t; t.Evil.ran = True",))


def test_a_checkpoint_that_would_run_is_refused_with_the_command(
    home: Path, tmp_path: Path
) -> None:
    folder = made.trained(tmp_path / "f")
    path = folder / "fold_0" / "checkpoint_final.pth"
    content = torch.load(path, weights_only=False)
    torch.save(content | {"evil": Evil()}, path)
    Evil.ran = False
    with pytest.raises(ModelError, match=r"which is not run here; .*python -c \"import torch"):
        draft_network(folder, tmp_path / "draft")
    assert not Evil.ran


def test_a_claim_of_more_than_the_file_holds_is_refused(home: Path, tmp_path: Path) -> None:
    folder = made.trained(tmp_path / "f")
    path = folder / "fold_0" / "checkpoint_final.pth"
    huge = {"x": torch.zeros(1).expand(200_000_000)}
    torch.save({"network_weights": huge}, path)
    with pytest.raises(ModelError, match="larger than itself"):
        draft_network(folder, tmp_path / "draft")


def test_a_package_that_is_absent_is_named_with_the_command(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made.trained(tmp_path / "f")
    monkeypatch.setitem(__import__("sys").modules, "dynamic_network_architectures", None)
    monkeypatch.setitem(
        __import__("sys").modules, "dynamic_network_architectures.architectures.unet", None
    )
    with pytest.raises(ModelError, match="pip install --no-deps dynamic-network-architectures"):
        draft_network(folder, tmp_path / "draft")


@pytest.mark.parametrize("seed", range(60))
def test_damaged_plans_are_read_or_told(home: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folder = made.trained(tmp_path / "f")
    file = "plans.json" if rng.random() < 0.7 else "dataset.json"
    text = (folder / file).read_text()
    if seed % 10 == 0:
        text = text[: rng.integers(len(text))]
    else:
        content = json.loads(text)
        if file == "plans.json" and seed % 2:
            flat = content["configurations"]["2d"]
            content["configurations"]["2d"] = damaged(flat, rng)
        else:
            content = damaged(content, rng)
        text = json.dumps(content)
    (folder / file).write_text(text)
    try:
        model = taken_in(folder, tmp_path)
    except AsmaError as error:
        assert len(str(error)) < 1000 and "\n" not in str(error)
    else:
        assert model(floats(picture())).shape[-2:] == (48, 40)
