"""From a card to a network, and what is told where that fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from asma_core.errors import ModelError, UnknownNameError
from asma_core.models.sources.building import build_network
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model, predict

CPU = torch.device("cpu")
ARGUMENTS = {
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": 2,
    "channels": [4, 8],
    "strides": [2],
}
CARD = """
name = "tiny"
title = "Tiny"
description = "For tests."
weights = "tiny.safetensors"
[architecture]
name = "UNet"
[architecture.arguments]
spatial_dims = 2
in_channels = 3
out_channels = 2
channels = [4, {width}]
strides = [2]
[input]
channels = 3
size = 32
multiple = 2
mean = [{mean}, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
[[classes]]
name = "a"
[[classes]]
name = "b"
"""


@pytest.fixture
def models(home: Path) -> Path:
    """A data folder with one tiny network."""
    folder = home / "models"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    save_file(build_network("UNet", ARGUMENTS).state_dict(), folder / "tiny.safetensors")
    card(folder)
    return folder


def card(folder: Path, width: int = 8, mean: float = 0.5) -> None:
    (folder / "tiny.toml").write_text(CARD.format(width=width, mean=mean))


def test_a_network_is_loaded_ready_to_use_and_kept(models: Path) -> None:
    model = load_model(find_card("tiny"), CPU)
    assert model.classes == ("a", "b")
    assert not any(module.training for module in model.modules())
    assert not any(weight.requires_grad for weight in model.parameters())
    assert load_model(find_card("tiny"), CPU) is model


def test_changed_weights_or_a_changed_card_are_loaded_anew(models: Path) -> None:
    model = load_model(find_card("tiny"), CPU)
    card(models, mean=0.4)
    changed = load_model(find_card("tiny"), CPU)
    assert changed is not model
    assert float(changed.mean[0, 0]) == pytest.approx(0.4)
    save_file(build_network("UNet", ARGUMENTS).state_dict(), models / "tiny.safetensors")
    assert load_model(find_card("tiny"), CPU) is not changed


def test_weights_that_do_not_fit_are_told_in_one_line(models: Path) -> None:
    card(models, width=16)
    with pytest.raises(
        ModelError, match=r"tiny can't be loaded: the weights tiny\.safetensors do not fit"
    ) as caught:
        load_model(find_card("tiny"), CPU)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 100])
def test_weights_that_are_no_safetensors_are_told(models: Path, content: bytes) -> None:
    (models / "tiny.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="tiny can't be loaded"):
        load_model(find_card("tiny"), CPU)


def test_an_unknown_name_is_told(models: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"no model is called 'large'; there is: .*tiny"):
        load_model(find_card("large"), CPU)


@pytest.mark.parametrize("name", ["Nothing", "__file__", "", "Union", "torch"])
def test_an_unknown_architecture_is_told(name: str) -> None:
    with pytest.raises(ModelError, match="has no network called"):
        build_network(name, {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": []},
        {"strides": []},
        {"spatial_dims": 9},
        {"no_such": 1},
        {"in_channels": -1},
        {"act": "nothing"},
        {"channels": "abc"},
    ],
)
def test_arguments_that_make_no_sense_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="UNet can't be built with the card's arguments"):
        build_network("UNet", ARGUMENTS | wrong)


@pytest.mark.parametrize("size", [(16, 16), (33, 50)])
def test_a_prediction_has_the_image_s_size_and_is_the_largest_logit(
    models: Path, size: tuple[int, int]
) -> None:
    model = load_model(find_card("tiny"), CPU)
    image = np.random.default_rng(0).random((3, *size), dtype=np.float32)
    labels = predict(model, image, CPU)
    assert labels.dtype == np.int64
    assert labels.shape == size
    assert np.array_equal(labels, model(torch.tensor(image)[None]).argmax(dim=1)[0].numpy())


def test_any_array_is_predicted(models: Path) -> None:
    model = load_model(find_card("tiny"), CPU)
    image = np.random.default_rng(0).random((3, 20, 24), dtype=np.float32)
    frozen = image.copy()
    frozen.flags.writeable = False
    assert np.array_equal(predict(model, frozen, CPU), predict(model, image, CPU))
    turned = image[:, ::-1].copy()
    assert np.array_equal(predict(model, image[:, ::-1], CPU), predict(model, turned, CPU))


def test_nan_logits_are_told(models: Path) -> None:
    weights = build_network("UNet", ARGUMENTS).state_dict()
    nan = {
        name: torch.full_like(value, torch.nan) if value.is_floating_point() else value
        for name, value in weights.items()
    }
    save_file(nan, models / "tiny.safetensors")
    with pytest.raises(ModelError, match="NaN or infinite"):
        predict(load_model(find_card("tiny"), CPU), np.zeros((3, 16, 16), np.float32), CPU)
