"""Whatever form image, mask and network come in; and what is refused, with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import asma_core as asma
from asma_core.data.masks.label_maps import encode_mask
from tests import tiny
from tests.api.attacked import AWAY, QUICK, Bare, attacked, image, many, same


@pytest.fixture(autouse=True)
def dataset(home: Path) -> asma.Dataset:
    tiny.furnish(home)
    return asma.open_dataset(tiny.DATASET)


IMAGES: dict[str, Callable[[Path], Any]] = {
    "uint8 (H, W, 3)": lambda _: tiny.image_pixels(0),
    "uint8 (3, H, W)": lambda _: tiny.image_pixels(0).transpose(2, 0, 1),
    "float64 (H, W, 3)": lambda _: tiny.image_pixels(0) / 255,
    "torch float": lambda _: torch.from_numpy(image(0)),
    "torch uint8": lambda _: torch.from_numpy(tiny.image_pixels(0)),
    "torch with a gradient": lambda _: torch.from_numpy(image(0)).requires_grad_(),
    "path": lambda home: home / "datasets" / tiny.DATASET / "images" / "00.png",
    "text": lambda home: str(home / "datasets" / tiny.DATASET / "images" / "00.png"),
    "item": lambda _: asma.open_dataset(tiny.DATASET)["00"],
    "item's image": lambda _: asma.open_dataset(tiny.DATASET)[0].image,
}
MASKS: dict[str, Callable[[Path], Any]] = {
    "uint8": lambda _: tiny.mask_labels(2).astype(np.uint8),
    "bool": lambda _: tiny.mask_labels(2) > 0,
    "float": lambda _: tiny.mask_labels(2).astype(np.float32),
    "0 and 255": lambda _: tiny.mask_labels(2) * 255,
    "torch": lambda _: torch.from_numpy(tiny.mask_labels(2)),
    "torch (1, H, W)": lambda _: torch.from_numpy(tiny.mask_labels(2))[None],
    "path": lambda home: home / "datasets" / tiny.DATASET / "masks" / "02.png",
    "item": lambda _: asma.open_dataset(tiny.DATASET)["02"],
    "mask": lambda _: asma.open_dataset(tiny.DATASET)["02"].mask,
}


@pytest.mark.parametrize("kind", IMAGES)
def test_every_kind_of_image_gives_the_same(home: Path, kind: str) -> None:
    target = tiny.mask_labels(2)
    result = attacked(IMAGES[kind](home), target, steps=3)
    assert np.array_equal(result.original, image(0))
    assert same(result, attacked(image(0), target, steps=3))


@pytest.mark.parametrize("kind", MASKS)
def test_every_kind_of_mask_gives_the_same(home: Path, kind: str) -> None:
    result = attacked(image(0), MASKS[kind](home), steps=3)
    assert result.target is not None and result.target.dtype == np.int64
    assert np.array_equal(result.target, tiny.mask_labels(2))


@pytest.mark.parametrize("shape", [(32, 32), (1, 32, 32), (32, 32, 1)])
def test_a_grey_image_has_one_channel(shape: tuple[int, ...]) -> None:
    grey = image(0)[0].reshape(shape)
    assert attacked(grey, tiny.mask_labels(2), steps=1).adversarial.shape == (1, 32, 32)


def test_a_mask_of_another_size_is_resized_when_it_is_another_image_s(tmp_path: Path) -> None:
    result = attacked(image(0)[:, :24, :28], asma.open_dataset(tiny.DATASET)[2], steps=1)
    assert result.target is not None and result.target.shape == (24, 28)


def test_void_in_a_target_counts_nowhere() -> None:
    target = tiny.mask_labels(2).copy()
    target[:8] = 255
    result = attacked(image(0), target, steps=1)
    assert result.target is not None and result.target.max() == 1
    seen = result.prediction_after == result.target
    assert result.figures["pixel_accuracy_8bit"] == pytest.approx(seen[8:].mean())


def test_a_network_of_three_classes_of_one_s_own(home: Path) -> None:
    target = tiny.mask_labels(2, 3)
    result = attacked(image(0), target, Bare(home, tiny.THREE).eval(), steps=3)
    assert len(result.figures["iou_per_class_8bit"]) == 3


GOOD = (image(0), tiny.mask_labels(2))


def changed(value: float) -> Any:
    other = image(0).copy()
    other[0, 0, 0] = value
    return other


@pytest.mark.parametrize(
    ("given", "target", "more", "says"),
    [
        (changed(float("nan")), GOOD[1], {}, "the image holds NaN"),
        (changed(1.5), GOOD[1], {}, r"values from .* to 1.5, expected \[0, 1\]"),
        (tiny.image_pixels(0).astype(np.int64), GOOD[1], {}, "holds int64; give uint8"),
        (np.zeros((5, 32, 32)), GOOD[1], {}, r"got \(5, 32, 32\)"),
        (np.zeros(32), GOOD[1], {}, "expected the image of shape"),
        (np.zeros((3, 8, 8)), GOOD[1], {}, "each side needs at least 16"),
        (None, GOOD[1], {}, "the image is a NoneType"),
        ([], GOOD[1], {}, "there is no image"),
        ([[1, 2], [3]], GOOD[1], {}, "expected image 0 of shape"),
        (Path("nowhere.png"), GOOD[1], {}, "is not a file"),
        (GOOD[0], None, {}, "needs a target mask; give one$"),
        (GOOD[0], None, {"attack": "pgd"}, "give one, or set goal_is"),
        (GOOD[0], GOOD[1][:20], {}, "target mask of 32 x 32 pixels like the image, got 32 x 20"),
        (GOOD[0], GOOD[1] + 7, {}, "holds the value 7"),
        (GOOD[0], GOOD[1] - 1, {}, "no class numbers"),
        (GOOD[0], GOOD[1] / 3, {}, "no class numbers"),
        (GOOD[0], np.stack([GOOD[1]] * 2), {}, "there are 1 images and 2 of target masks"),
        ([GOOD[0]] * 2, [GOOD[1]] * 3, {}, "there are 2 images and 3 of target masks"),
        (*GOOD, {"valid": np.ones((4, 4))}, "expected valid pixels of 32 x 32"),
        (*GOOD, {"region": np.zeros((32, 32))}, "the region is empty"),
        (*GOOD, {"attack": "fgsm"}, "no attack is called 'fgsm'; there is: asma"),
        (*GOOD, {"model": "resnet"}, "no model is called 'resnet'"),
        (*GOOD, {"model": 7}, "a network's name, its card or a torch module, got a int"),
        (*GOOD, {"stepz": 3}, "no setting is called 'stepz'"),
        (*GOOD, {"steps": 0}, "steps is 0; it must be at least 1"),
        (*GOOD, {"seed": -1}, "seed is -1"),
        (*GOOD, {"batch_size": 0}, "batch_size is 0"),
        (*GOOD, AWAY, "leads away from the prediction and uses no target"),
        (GOOD[0], None, AWAY | {"goal_is": "away from the truth"}, "no known mask"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_an_input_error(
    given: Any, target: Any, more: dict[str, Any], says: str
) -> None:
    options = {"model_or_name": more.get("model", tiny.MODEL)} | QUICK
    options |= {name: value for name, value in more.items() if name != "model"}
    with pytest.raises(asma.InputError, match=says):
        asma.attack(image=given, target=target, **options)


class Coarse(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :2, ::2, ::2]


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (nn.Identity(), None),
        (nn.Conv2d(3, 1, 1), "K >= 2"),
        (nn.Flatten(), r"got torch.float32 \(1, 3072\)"),
        (Coarse(), "logits of the image's size"),
    ],
)
def test_a_module_is_asked_what_it_returns(network: nn.Module, says: str | None) -> None:
    if says is None:
        assert attacked(image(0), tiny.mask_labels(2), network, steps=1).steps <= 1
        return
    with pytest.raises(asma.ModelError, match=says):
        attacked(image(0), tiny.mask_labels(2), network)


@pytest.mark.parametrize("model", [tiny.MODEL, nn.Conv2d(3, 2, 1)])
def test_a_device_that_is_not_there_is_a_device_error(model: Any) -> None:
    for device in ("tpu", "cuda:99"):
        with pytest.raises(asma.DeviceError):
            attacked(image(0), tiny.mask_labels(2), model, device=device)


def test_many_files_and_items_may_be_mixed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "target.png").write_bytes(encode_mask(tiny.mask_labels(3)))
    file = home / "datasets" / tiny.DATASET / "images" / "01.png"
    dataset = asma.open_dataset(tiny.DATASET)
    results = many([dataset[0], file, image(2)], [dataset[3], tmp_path / "target.png", GOOD[1]])
    assert [one.name for one in results] == ["tiny-set / 00", "01.png", "image 2"]
    assert np.array_equal(results[0].target, results[1].target)


class NeedsMore(nn.Module):
    """Takes no image whose sides are below 40."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(images, torch.ones(2, 3, 40, 40))


def test_a_module_that_fails_on_the_image_is_a_sentence() -> None:
    with pytest.raises(asma.ModelError, match=r"fails on \(1, 3, 32, 32\) .* give it an image of"):
        attacked(image(0), tiny.mask_labels(2), NeedsMore())
