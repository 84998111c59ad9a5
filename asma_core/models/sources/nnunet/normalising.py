"""How nnU-Net v2 normalises an image, per channel; differentiable.

Source: nnU-Net v2, `preprocessing/normalization` and `preprocessing/cropping`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor

ZSCORE: Final = "ZScoreNormalization"
CT: Final = "CTNormalization"
EPSILON: Final = 1e-8
# Half a step of an image of 8 bits: what is saved as zero counts as zero.
_HALF_STEP: Final = 0.5 / 255


@dataclass(frozen=True)
class Scheme:
    """How one channel is normalised.

    Attributes:
        name: As nnU-Net calls it, one of `SCHEMES`.
        masked: Whether only what is not zero is normalised; of `ZSCORE` alone.
        mean, std, low, high: Of the training data's structures, in raw values; of `CT` alone.
    """

    name: str
    masked: bool = False
    mean: float = 0.0
    std: float = 1.0
    low: float = 0.0
    high: float = 1.0


def _zscore(raw: Tensor, inside: Tensor, scheme: Scheme) -> Tensor:
    counted = raw[inside] if scheme.masked else raw
    # The variance is held, not its root, whose slope at 0 has no end.
    std = counted.var(correction=0).clamp_min(EPSILON**2).sqrt()
    normalised = (raw - counted.mean()) / std
    return torch.where(inside, normalised, raw) if scheme.masked else normalised


def _ct(raw: Tensor, _inside: Tensor, scheme: Scheme) -> Tensor:
    return (raw.clamp(scheme.low, scheme.high) - scheme.mean) / max(scheme.std, EPSILON)


def _rescale(raw: Tensor, _inside: Tensor, _scheme: Scheme) -> Tensor:
    above = raw - raw.min()
    return above / above.max().clamp_min(EPSILON)


def _rgb(raw: Tensor, _inside: Tensor, _scheme: Scheme) -> Tensor:
    return raw / 255


def _none(raw: Tensor, _inside: Tensor, _scheme: Scheme) -> Tensor:
    return raw


SCHEMES: Final[Mapping[str, Callable[[Tensor, Tensor, Scheme], Tensor]]] = MappingProxyType(
    {
        ZSCORE: _zscore,
        CT: _ct,
        "RescaleTo01Normalization": _rescale,
        "RGBTo01Normalization": _rgb,
        "NoNormalization": _none,
    }
)


def normalised(raw: Tensor, inside: Tensor, schemes: tuple[Scheme, ...]) -> Tensor:
    """Return an image with each channel normalised, float32 (C, H, W).

    Args:
        raw: float32 (C, H, W), in the values that the network was trained on.
        inside: What is not zero, bool (H, W).
        schemes: One for each channel.
    """
    pairs = zip(raw, schemes, strict=True)
    return torch.stack([SCHEMES[one.name](plane, inside, one) for plane, one in pairs])


def nonzero(image: Tensor, zero: float) -> Tensor:
    """Return what is not zero in any channel, bool (H, W).

    nnU-Net crops to it. It fills holes in three dimensions; in an image of two, which is one slice
    to it, none is closed. Within half a step of 8 bits of zero is zero here, so that an image that
    is still being changed is cropped as it will be once it is saved.

    Args:
        image: float32 (C, H, W) in [0, 1].
        zero: Which value there stands for a raw 0.
    """
    return ((image.detach() - zero).abs() > _HALF_STEP).any(dim=0)


def box_of(inside: Tensor) -> tuple[slice, slice]:
    """Return the rows and columns that a mask (H, W) spans; all of them where it is empty."""
    spans = []
    for axis in (1, 0):
        places = inside.any(dim=axis).nonzero()
        if not len(places):
            return slice(0, inside.shape[0]), slice(0, inside.shape[1])
        spans.append(slice(int(places[0]), int(places[-1]) + 1))
    return spans[0], spans[1]
