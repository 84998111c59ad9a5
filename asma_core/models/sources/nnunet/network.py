"""A network of nnU-Net v2 as the workbench runs it, built from a card's arguments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from asma_core.errors import ModelError
from asma_core.models.sources.nnunet.blocks import built
from asma_core.models.sources.nnunet.normalising import (
    CT,
    SCHEMES,
    ZSCORE,
    Scheme,
    box_of,
    nonzero,
    normalised,
)
from asma_core.models.sources.nnunet.resampling import (
    MOST_SCALE,
    from_spacing,
    scaled_size,
    to_spacing,
)
from asma_core.models.sources.nnunet.windows import frugal, gaussian, slide, starts
from asma_core.models.sources.plain_json import Fields

LARGEST_WINDOW: Final = 4096
MOST_FOLDS: Final = 10
# Pixels of which all that the networks saw is kept for the gradient: about 4 GB of a usual one.
MOST_KEPT: Final = 1_200_000


class SlidingNetwork(nn.Module):
    """The networks of one or more folds with all that nnU-Net does around them.

    Attributes:
        folds: Bare networks; their logits are averaged.
        schemes: How each channel is normalised.
        values: Which raw values an image's 0 and 1 stand for.
        step: Between windows at most, as a share of a window.
        mirror: Axes along which windows are mirrored as well; () for none.
        scale: The images' pixel spacing over the plans', rows and columns as the image has them.
        transposed: Whether the networks take an image's columns for its rows.
    """

    weights: Tensor

    def __init__(
        self,
        folds: Sequence[nn.Module],
        window: tuple[int, int],
        schemes: tuple[Scheme, ...],
        values: tuple[float, float],
        step: float = 0.5,
        mirror: tuple[int, ...] = (),
        scale: tuple[float, float] = (1.0, 1.0),
        transposed: bool = False,
    ) -> None:
        """Wrap the networks of folds; see the attributes. `window` is nnU-Net's patch size."""
        super().__init__()
        self.folds = nn.ModuleList(folds)
        self.schemes = schemes
        self.values = values
        self.step = step
        self.mirror = mirror
        self.scale = scale
        self.transposed = transposed
        with torch.device("cpu"):
            self.register_buffer("weights", gaussian(window), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, float32 (B, K, H, W), of images, float32 (B, C, H, W) in [0, 1].

        Outside of what is not zero, where nnU-Net says background without looking, background.
        """
        if self.transposed:
            return self._answered(images.mT, (self.scale[1], self.scale[0])).mT
        return self._answered(images, self.scale)

    def _answered(self, images: Tensor, scale: tuple[float, float]) -> Tensor:
        low, high = self.values
        inside = [nonzero(image, -low / (high - low)) for image in images]
        boxes = [box_of(mask) for mask in inside]
        raw = images * (high - low) + low
        cropped = [
            normalised(image[:, rows, columns], mask[rows, columns], self.schemes)
            for image, mask, (rows, columns) in zip(raw, inside, boxes, strict=True)
        ]
        if all(box == boxes[0] for box in boxes):
            logits = list(self._resampled(torch.stack(cropped), scale))
        else:
            logits = [self._resampled(image[None], scale)[0] for image in cropped]
        size = images.shape[-2:]
        return torch.stack(
            [_placed(one, box, size) for one, box in zip(logits, boxes, strict=True)]
        )

    def _resampled(self, images: Tensor, scale: tuple[float, float]) -> Tensor:
        """Return logits of the images' size, found at the plans' spacing."""
        height, width = images.shape[-2:]
        seen = to_spacing(images, scaled_size((height, width), scale))
        return from_spacing(self._slid(seen), (height, width))

    def _slid(self, images: Tensor) -> Tensor:
        keeps = not images.requires_grad or self._seen_pixels(images) <= MOST_KEPT
        said = [
            slide(fold if keeps else frugal(fold), images, self.weights, self.step, self.mirror)
            for fold in self.folds
        ]
        return said[0] if len(said) == 1 else torch.stack(said).mean(dim=0)

    def _seen_pixels(self, images: Tensor) -> int:
        """Return how many pixels all networks see in all windows of images."""
        sides = zip(images.shape[-2:], self.weights.shape, strict=True)
        windows = math.prod(len(starts(max(side, one), one, self.step)) for side, one in sides)
        asked = len(images) * len(self.folds) * (1 << len(self.mirror))
        return asked * windows * self.weights.numel()


def _placed(logits: Tensor, box: tuple[slice, slice], size: torch.Size) -> Tensor:
    """Put logits (K, h, w) where they were cut out of (K, H, W); around them is background."""
    if logits.shape[-2:] == size:
        return logits
    whole = logits.new_zeros(logits.shape[0], *size)
    whole[0] = 1.0
    whole[:, box[0], box[1]] = logits
    return whole


def build_nnunet(name: str, arguments: Mapping[str, Any]) -> SlidingNetwork:
    """Build a network of nnU-Net from a card's arguments, with random weights.

    Args:
        name: `PlainConvUNet` or `ResidualEncoderUNet`.
        arguments: `channels`, `classes`, `folds` (how many), `window`, `step`, `mirror`, `values`,
            `normalisation` (a table for each channel) and `network` (as in the plans). `spacing`
            (the plans', rows and columns as the networks have them) with `image_spacing` (rows and
            columns of an image, in the same unit), and `transposed`, where they are said.

    Raises:
        ModelError: An argument is absent or can't be, or `dynamic-network-architectures`, which
            has the architectures, is not installed.
    """
    fields = Fields(arguments, "the card's arguments")
    channels, classes = fields.whole("channels", 1, 64), fields.whole("classes", 2, 256)
    window = fields.wholes("window", 1, LARGEST_WINDOW, 2)
    low, high = _numbers(fields, "values")
    step = fields.number("step", 0.5)
    mirror = fields.wholes("mirror", 0, 1, 2) if fields.has("mirror") else []
    if len(window) != 2:
        raise fields.wrong("window")
    if high <= low:
        raise fields.wrong("values")
    if not 0.1 <= step <= 1:
        raise fields.wrong("step")
    count = fields.whole("folds", 1, MOST_FOLDS, 1)
    schemes = _schemes(fields, channels)
    networks = [built(name, fields.table("network"), channels, classes) for _ in range(count)]
    transposed = fields.flag("transposed", False)
    return SlidingNetwork(
        networks,
        (window[0], window[1]),
        schemes,
        (low, high),
        step,
        tuple(sorted(set(mirror))),
        _scale(fields, transposed),
        transposed,
    )


def _scale(fields: Fields, transposed: bool) -> tuple[float, float]:
    """Return the images' spacing over the plans', rows and columns of an image."""
    if not (fields.has("image_spacing") and fields.has("spacing")):
        return 1.0, 1.0
    plans, images = _numbers(fields, "spacing"), _numbers(fields, "image_spacing")
    if min(plans) <= 0:
        raise fields.wrong("spacing")
    if transposed:
        plans = plans[1], plans[0]
    scale = images[0] / plans[0], images[1] / plans[1]
    if not all(1 / MOST_SCALE <= one <= MOST_SCALE for one in scale):
        raise ModelError(
            f"{fields.label} say pixels of {images[0]:g} x {images[1]:g} (rows x columns), and the "
            f"network takes {plans[0]:g} x {plans[1]:g}; say the images' spacing in its unit, at "
            f"most {MOST_SCALE:g} times apart"
        )
    return scale


def _numbers(fields: Fields, name: str) -> tuple[float, float]:
    values = fields.list(name, 2)
    if len(values) != 2:
        raise fields.wrong(name)
    both = Fields({"from": values[0], "to": values[1]}, f"{name} of {fields.label}")
    return both.number("from"), both.number("to")


def _schemes(fields: Fields, channels: int) -> tuple[Scheme, ...]:
    entries = fields.list("normalisation")
    if len(entries) != channels or not all(isinstance(entry, Mapping) for entry in entries):
        raise fields.wrong("normalisation")
    return tuple(_scheme(Fields(entry, f"normalisation of {fields.label}")) for entry in entries)


def _scheme(entry: Fields) -> Scheme:
    name = entry.text("scheme")
    if name not in SCHEMES:
        raise entry.wrong("scheme")
    if name == ZSCORE:
        return Scheme(name, masked=entry.flag("masked", False))
    if name != CT:
        return Scheme(name)
    mean, std, low, high = (entry.number(key) for key in ("mean", "std", "low", "high"))
    if low >= high:
        raise entry.wrong("low")
    return Scheme(name, False, mean, std, low, high)
