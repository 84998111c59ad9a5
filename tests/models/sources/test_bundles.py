"""MONAI bundles: plain ones are taken in, those that are programs are their owner's to allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks import nets
from monai.transforms import (
    Compose,
    NormalizeIntensity,
    Resize,
    ScaleIntensity,
    ScaleIntensityRange,
)

from asma_core.errors import AsmaError, ModelError
from asma_core.models.sources.cards import read_card
from asma_core.models.sources.drafting import draft_network
from asma_core.models.sources.importing import import_card
from asma_core.models.sources.loading import load_card
from asma_core.models.wrapper.contract import SegmentationModel
from tests.models import bare
from tests.models.sources.damage import damaged

CPU = torch.device("cpu")
NETWORK: dict[str, Any] = {
    "_target_": "UNet",
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": "@classes",
    "channels": "@widths#small",
    "strides": [2],
    "norm": "batch",
    "dropout": 0.0,
}
METADATA = {
    "name": "Disc of the eye",
    "description": "Outlines the disc.",
    "network_data_format": {"outputs": {"pred": {"channel_def": {"0": "background", "1": "disc"}}}},
}


def config(*transforms: dict[str, Any], network: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "imports": ["$import glob"],
        "bundle_root": ".",
        "classes": 2,
        "widths": {"small": [4, 8]},
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": NETWORK if network is None else network,
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                *transforms,
                {"_target_": "EnsureTyped", "keys": "image", "device": "@device"},
            ],
        },
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [64, 64]},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": "Activationsd", "keys": "pred", "softmax": True}],
        },
    } | more


def net() -> torch.nn.Module:
    torch.manual_seed(4)
    return nets.UNet(2, 3, 2, [4, 8], [2], norm="batch").eval()


SCALE = {"_target_": "ScaleIntensityd", "keys": "image", "minv": 0.0, "maxv": 1.0}


def bundle(folder: Path, content: dict[str, Any] | None = None) -> Path:
    for place in ("configs", "models"):
        (folder / place).mkdir(parents=True)
    (folder / "configs" / "inference.json").write_text(json.dumps(content or config(SCALE)))
    (folder / "configs" / "metadata.json").write_text(json.dumps(METADATA))
    torch.save({"model": net().state_dict()}, folder / "models" / "model.pt")
    return folder


def taken_in(folder: Path, tmp_path: Path) -> SegmentationModel:
    said = draft_network(folder, tmp_path / "draft")
    return load_card(read_card(Path(said["card"]), trusted=False), CPU)


def test_a_bundle_is_taken_in_as_a_network_of_monai(home: Path, tmp_path: Path) -> None:
    said = draft_network(bundle(tmp_path / "f"), tmp_path / "draft")
    assert (said["kind"], said["name"]) == ("MONAI bundle", "disc-of-the-eye")
    assert said["notes"] == [
        "It predicts by sliding windows; here the whole image is given at once."
    ]
    card = import_card(Path(said["card"]), trusted=False)
    assert card.classes == ("background", "disc") and card.arguments["channels"] == [4, 8]
    assert (card.library, card.input.normalisation) == ("monai", "range")


MEAN = {"_target_": "NormalizeIntensityd", "subtrahend": [99.0, 120.0, 140.0]}
# What the file says, and the transforms themselves; on values from 0 to 255.
TRANSFORMS: dict[str, tuple[list[dict[str, Any]], Compose]] = {
    "range": ([SCALE], Compose([ScaleIntensity(0.0, 1.0)])),
    "range to -1..1": (
        [SCALE | {"minv": -1.0}], Compose([ScaleIntensity(-1.0, 1.0)]),
    ),
    "factor": (
        [{"_target_": "ScaleIntensityd", "minv": None, "maxv": None, "factor": -0.99}],
        Compose([ScaleIntensity(None, None, factor=-0.99)]),
    ),
    "from 0..255": (
        [{"_target_": "monai.transforms.ScaleIntensityRanged", "a_min": 0, "a_max": 255,
          "b_min": -1, "b_max": 1, "clip": True}],
        Compose([ScaleIntensityRange(0, 255, -1, 1, clip=True)]),
    ),
    "each channel by itself": (
        [{"_target_": "NormalizeIntensityd", "channel_wise": True}],
        Compose([NormalizeIntensity(channel_wise=True)]),
    ),
    "range, then figures": (
        [SCALE, {"_target_": "NormalizeIntensityd", "subtrahend": [0.4, 0.5, 0.6],
                 "divisor": [0.2, 0.3, 0.4], "channel_wise": True}],
        Compose([ScaleIntensity(0.0, 1.0),
                 NormalizeIntensity([0.4, 0.5, 0.6], [0.2, 0.3, 0.4], channel_wise=True)]),
    ),
    "figures": (
        [MEAN | {"divisor": [50.0, 60.0, 70.0], "channel_wise": True}],
        Compose([NormalizeIntensity([99.0, 120.0, 140.0], [50.0, 60.0, 70.0], channel_wise=True)]),
    ),
    "size": (
        [SCALE, {"_target_": "Resized", "spatial_size": [32, 32], "mode": "bilinear"}],
        Compose([ScaleIntensity(0.0, 1.0), Resize([32, 32], mode="bilinear")]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_it_says_what_the_bundle_says(home: Path, tmp_path: Path, kind: str) -> None:
    told, transforms = TRANSFORMS[kind]
    model = taken_in(bundle(tmp_path / "f", config(*told)), tmp_path)
    image = bare.images(1, 3, 32, 32)
    with torch.no_grad():
        theirs = net()(torch.as_tensor(transforms(image[0].numpy() * 255))[None])
        ours = model(image)
    assert theirs.std() > 0.01
    assert (ours - theirs).abs().max() <= 1e-5 * max(1.0, float(theirs.abs().max()))


def test_each_images_own_figures_are_near(home: Path, tmp_path: Path) -> None:
    """Over all channels a card counts one pixel less in the variance than MONAI does."""
    told = {"_target_": "NormalizeIntensityd"}
    model = taken_in(bundle(tmp_path / "f", config(told)), tmp_path)
    image = bare.images(1, 3, 64, 64)
    with torch.no_grad():
        theirs = net()(torch.as_tensor(NormalizeIntensity()(image[0].numpy()))[None])
        assert (model(image) - theirs).abs().max() <= 1e-4


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ({"_target_": "Spacingd", "pixdim": [1, 1]}, "Its transform Spacingd is not carried out"),
        ({"_target_": "Lambdad", "func": "$lambda x: x / 2"}, "Its transform Lambdad"),
        ({"_target_": "ScaleIntensityRanged", "a_min": -160, "a_max": 240, "b_min": 0.0,
          "b_max": 1.0, "clip": True}, "Black of an image is taken as -160, white as 240"),
        ({"_target_": "Resized", "spatial_size": -1, "size_mode": "longest"}, "a card can't say"),
        ({"_target_": "NormalizeIntensityd", "nonzero": True}, "what is not zero only"),
    ],
)  # fmt: skip
def test_what_is_not_carried_out_is_told(
    home: Path, tmp_path: Path, told: dict[str, Any], note: str
) -> None:
    said = draft_network(bundle(tmp_path / "f", config(SCALE, told)), tmp_path / "draft")
    assert note in " ".join(said["notes"])


def with_network(**more: Any) -> dict[str, Any]:
    return config(SCALE, network=NETWORK | more)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an expression": (with_network(channels="$[4, 8]"), "which the owner of the server"),
    "an expression by reference": (
        with_network(channels="@device"), "which the owner of the server"
    ),
    "another file": (with_network(channels="%other.json#x"), "which the owner of the server"),
    "another module": (with_network(_target_="os.system"), "not of monai.networks.nets: that is a"),
    "its own module": (with_network(_target_="scripts.net.Mine"), "the owner of the server"),
    "a part that is built": (
        with_network(act={"_target_": "torch.nn.ReLU"}), "'_target_' in its network"
    ),
    "a mode": (with_network(_mode_="debug"), "'_mode_' in its network"),
    "an expression as network": (config(network="$Mine()"), "no network_def that is a class"),
    "no segmentation": (with_network(_target_="AutoEncoder"), "not an architecture for uploads"),
    "3D": (with_network(spatial_dims=3), "of a network of 3 dimensions"),
    "a loop": (with_network(channels="@a", ) | {"a": "@a"}, "referring to itself"),
    "nothing": (with_network(channels="@no#3"), "refers to '@no#3', which is not in it"),
    "null": (with_network(norm=None), "norm = null in its network"),
    "absurd": (with_network(channels=[10**6, 10**6]), "million weights; the limit"),
    "two channels": (with_network(in_channels=2), "in_channels"),
    "classes that overlap": (
        config(SCALE, postprocessing={"transforms": [{"sigmoid": True}]}), "classes overlap"
    ),
    "other weights": (with_network(channels=[4, 16]), "do not fit"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_a_program_or_absurd_is_one_sentence(home: Path, tmp_path: Path, kind: str) -> None:
    content, sentence = REFUSED[kind]
    with pytest.raises(ModelError, match=sentence) as told:
        draft_network(bundle(tmp_path / "f", content), tmp_path / "draft")
    assert "\n" not in str(told.value)


def test_weights_that_are_kept_apart_are_told(home: Path, tmp_path: Path) -> None:
    (bundle(tmp_path / "f") / "models" / "model.pt").unlink()
    with pytest.raises(ModelError, match=r"has no models/model\.pt; download its weights"):
        draft_network(tmp_path / "f", tmp_path / "draft")


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bundles_are_read_or_told(home: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = config(SCALE, MEAN | {"divisor": 2}, TRANSFORMS["size"][0][1])
    folder = bundle(tmp_path / "f", whole)
    path = folder / "configs" / ("inference.json" if seed % 5 else "metadata.json")
    content = json.loads(path.read_text())
    if seed % 2 and seed % 5:
        content["network_def"] = damaged(content["network_def"], rng)
    path.write_text(json.dumps(damaged(content, rng)))
    try:
        model = taken_in(folder, tmp_path)
        assert model(bare.images(1, 3, 32, 32)).shape[0] == 1
    except AsmaError as error:
        assert len(str(error)) < 1000 and "\n" not in str(error)
