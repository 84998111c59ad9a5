"""What the networks are that the zoo trains itself: each differs from the others in much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.segresnet import SegResNet
from monai.networks.nets.unet import UNet
from torch import nn

from benchmarks.zoo.networks import TwoInARow

Half = Literal["choosing", "reporting"]
# From channels of an image and classes to a network with fresh weights.
Make = Callable[[int, int], nn.Module]


@dataclass(frozen=True)
class Recipe:
    """A network to train.

    Attributes:
        name: Unique; also of its file.
        half: Attacks are chosen on the one half of the zoo, and reported on the other.
        material: What it sees; see `materials.material`.
        make: Its architecture.
        size: Side of the images that it is made for, in pixels.
        steps: Of the training.
        pairs: How many images it is trained on; above 256 x 256 on the quarters of each.
        radius: It is trained on images that an attack has changed by this L2, at 128 x 128; 0: no.
    """

    name: str
    half: Half
    material: str
    make: Make
    size: int = 256
    steps: int = 800
    pairs: int = 96
    radius: float = 0.0


def _unet(channels: tuple[int, ...], norm: str | None, units: int = 0) -> Make:
    # MONAI leaves the norm out where it is None, which its annotation does not say.
    kind: Any = (norm, {"affine": True}) if norm else None
    strides = (2,) * (len(channels) - 1)
    return lambda inputs, classes: UNet(
        2, inputs, classes, channels, strides, num_res_units=units, norm=kind
    )


def _attention(channels: tuple[int, ...]) -> Make:
    return lambda inputs, classes: AttentionUnet(
        2, inputs, classes, channels, (2,) * (len(channels) - 1)
    )


def _segresnet(filters: int) -> Make:
    return lambda inputs, classes: SegResNet(
        2, filters, inputs, classes, blocks_down=(1, 2, 2), blocks_up=(1, 1)
    )


def _two(*layers: int) -> Make:
    return lambda inputs, classes: TwoInARow(inputs, classes, layers)


# A reporting network has a relative among the choosing ones, and is never the same.
RECIPES: Final = (
    Recipe("lesion-unet-batch", "choosing", "lesion", _unet((16, 32, 64, 128), "batch")),
    Recipe("lesion-grey-tiny-instance", "choosing", "lesion-grey", _unet((8, 16), "instance")),
    Recipe("fundus-two", "choosing", "fundus", _two(8, 16, 32), size=512, steps=500, pairs=32),
    Recipe("fundus-segresnet", "choosing", "fundus", _segresnet(8)),
    Recipe("rings-attention", "choosing", "rings", _attention((8, 16, 32, 64))),
    Recipe("membrane-residual", "choosing", "membrane", _unet((8, 16, 32), "instance", 2)),
    Recipe(
        "lesion-adversarial",
        "choosing",
        "lesion",
        _unet((8, 16, 32, 64), "batch", 1),
        steps=400,
        radius=1.0,
    ),
    Recipe("lesion-no-norm", "reporting", "lesion", _unet((16, 32, 64), None, 2)),
    Recipe("lungs-overfit", "reporting", "lungs", _unet((16, 32, 64, 128), "batch", 1), pairs=3),
    Recipe("fundus-two-deep", "reporting", "fundus", _two(8, 16, 32, 64), steps=500),
    Recipe("rings-two", "reporting", "rings", _two(8, 16, 32), steps=500),
    Recipe("fundus-attention", "reporting", "fundus", _attention((8, 16, 32))),
    Recipe(
        "membrane-unet",
        "reporting",
        "membrane",
        _unet((8, 16, 32, 64), "batch"),
        size=512,
        steps=200,
    ),
    Recipe(
        "membrane-adversarial",
        "reporting",
        "membrane",
        _unet((8, 16, 32), "batch"),
        steps=400,
        radius=1.0,
    ),
)


def recipe_of(name: str) -> Recipe:
    """Return the recipe of a name, one of `RECIPES`."""
    return next(recipe for recipe in RECIPES if recipe.name == name)
