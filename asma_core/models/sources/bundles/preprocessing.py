"""What a bundle does to an image before its network sees it, as far as a card can say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from asma_core.errors import ModelError
from asma_core.models.sources.bundles.references import plain
from asma_core.models.sources.plain_json import Fields
from asma_core.models.wrapper.specs import (
    FIXED,
    PER_CHANNEL,
    PER_IMAGE,
    PER_RANGE,
    USUAL_MULTIPLE,
    InputSpec,
)

LARGEST_SIDE: Final = 4096
# They bring a file to an array, and change no value.
_HARMLESS: Final = (
    "LoadImage", "EnsureChannelFirst", "AsChannelFirst", "AddChannel", "EnsureType", "ToTensor",
    "CastToType", "SelectItems", "DeleteItems", "Identity", "ToDevice",
)  # fmt: skip


@dataclass(frozen=True)
class _Steps:
    """What the transforms so far make of a value x in [0, 1]: x * scale + offset.

    Before any, it is what a picture of 8 bits holds.
    """

    channels: int
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    normalisation: str = FIXED
    exact: tuple[int, int] | None = None
    scaled: bool = False
    notes: tuple[str, ...] = field(default=())

    def noting(self, note: str) -> _Steps:
        return replace(self, notes=(*self.notes, note))

    def linear(self, factor: list[float], shift: list[float]) -> _Steps:
        """Return what v * factor + shift makes of the values so far."""
        scale = tuple(one * by for one, by in zip(self.scale, factor, strict=True))
        offset = tuple(
            one * by + more for one, by, more in zip(self.offset, factor, shift, strict=True)
        )
        return replace(self, scale=scale, offset=offset, scaled=True)

    def is_plain(self) -> bool:
        """Tell whether the values so far are scaled by nothing."""
        return set(self.scale) == {1.0} and set(self.offset) == {0.0}

    def afresh(self, normalisation: str) -> _Steps:
        """Return what normalising each image by itself makes, whatever was done before."""
        return replace(
            self,
            scale=(1.0,) * self.channels,
            offset=(0.0,) * self.channels,
            normalisation=normalisation,
            scaled=True,
        )


def read_preprocessing(config: Fields, channels: int) -> tuple[InputSpec, tuple[str, ...]]:
    """Return what a network takes, and what of the bundle's transforms is not carried out here.

    Args:
        config: inference.json.
        channels: That the network takes.

    Raises:
        ModelError: A transform's figure can't be.
    """
    steps = _Steps(channels, (255.0,) * channels, (0.0,) * channels)
    for transform in _transforms(config):
        steps = _after(steps, transform)
    if not steps.scaled:
        steps = steps.noting(
            "No transform that scales intensities was found: it is given values from 0 to 255."
        )
    if steps.normalisation in (PER_IMAGE, PER_CHANNEL) and not steps.is_plain():
        steps = steps.noting("What scales intensities after normalising is not carried out here.")
    if min(abs(one) for one in steps.scale) < 1e-9:
        raise ModelError(f"{config.label} scales intensities to nothing; correct its transforms")
    fixed = InputSpec(
        channels,
        0,
        1 if steps.exact else USUAL_MULTIPLE,
        tuple(-offset / scale for offset, scale in zip(steps.offset, steps.scale, strict=True)),
        tuple(1 / scale for scale in steps.scale),
        steps.exact,
        pad="" if steps.exact else "zeros",
        normalisation=steps.normalisation,
    )
    if steps.normalisation in (PER_IMAGE, PER_CHANNEL):
        fixed = replace(fixed, mean=(0.0,) * channels, std=(1.0,) * channels)
    return fixed, steps.notes


def _transforms(config: Fields) -> list[Fields]:
    """Return the transforms whose fields are plain; those that are not, with their name alone."""
    if not config.has("preprocessing"):
        return []
    found = config.get("preprocessing")
    entries = found.get("transforms", []) if isinstance(found, Mapping) else found
    if isinstance(entries, str):
        entries = _plain_or(entries, config, [])
    if not isinstance(entries, list):
        raise config.wrong("preprocessing")
    read = [_plain_or(one, config, {"_target_": _target(one)}) for one in entries[:100]]
    return [Fields(one, config.label) for one in read if isinstance(one, Mapping)]


def _plain_or(value: Any, config: Fields, otherwise: Any) -> Any:
    try:
        return plain(value, config, "preprocessing")
    except ModelError:
        # It may be one that matters not; else it is named as one that is not carried out.
        return otherwise


def _target(entry: Any) -> str:
    return f"{entry.get('_target_', '?')} (an expression)" if isinstance(entry, Mapping) else "?"


def _after(steps: _Steps, transform: Fields) -> _Steps:
    whole = str(transform.content.get("_target_", "?")).rpartition(".")[2]
    name = re.sub(r"(d|D|Dict)$", "", whole.partition(" ")[0])
    if name in _HARMLESS or transform.content.get("_disabled_") is True:
        return steps
    known = _KNOWN.get(name) if " " not in whole else None
    if known is None:
        return steps.noting(f"Its transform {whole[:60]} is not carried out here.")
    return known(steps, transform)


def _scale_intensity(steps: _Steps, said: Fields) -> _Steps:
    """Each image's own range, to minv..maxv; or v * (1 + factor)."""
    if said.has("factor") and not (said.has("minv") or said.has("maxv")):
        by = 1 + said.number("factor")
        return steps.linear([by] * steps.channels, [0.0] * steps.channels)
    low, high = said.number("minv", 0.0), said.number("maxv", 1.0)
    if said.flag("channel_wise", False) and steps.channels > 1:
        steps = steps.noting("It scales each channel by itself; here all together.")
    count = steps.channels
    return steps.afresh(PER_RANGE).linear([high - low] * count, [low] * count)


def _scale_range(steps: _Steps, said: Fields) -> _Steps:
    """From a_min..a_max to b_min..b_max."""
    low, high = said.number("a_min"), said.number("a_max")
    if high <= low:
        raise said.wrong("a_max")
    to = (said.number("b_min", 0.0), said.number("b_max", 1.0))
    count = steps.channels
    if low < 0 or not 1 < high <= 255:
        # Not values of a picture of 8 bits: a window, through which its images are opened.
        steps = steps.afresh(FIXED).linear([to[1] - to[0]] * count, [to[0]] * count)
        return steps.noting(
            f"Black of an image is taken as {low:g}, white as {high:g}, as it was trained on files "
            "with values of their own; open its images with this window."
        )
    if said.flag("clip", False) and (low > 0 or high < 255):
        steps = steps.noting(f"It clips values to {low:g}..{high:g}; here they go on beyond.")
    by = (to[1] - to[0]) / (high - low)
    return steps.linear([by] * count, [to[0] - low * by] * count)


def _normalise(steps: _Steps, said: Fields) -> _Steps:
    """By figures that are given, or by each image's own."""
    if said.flag("nonzero", False):
        steps = steps.noting("It normalises what is not zero only; here the whole image.")
    if said.has("subtrahend") and said.has("divisor"):
        less = _each(said, "subtrahend", steps.channels)
        by = [1 / one for one in _each(said, "divisor", steps.channels)]
        return steps.linear(by, [-one * factor for one, factor in zip(less, by, strict=True)])
    own = said.flag("channel_wise", False) or steps.channels == 1
    return steps.afresh(PER_CHANNEL if own else PER_IMAGE)


def _each(said: Fields, name: str, channels: int) -> list[float]:
    value = said.get(name)
    values = value if isinstance(value, list) else [value]
    values = values * channels if len(values) == 1 else values
    if len(values) != channels:
        raise said.wrong(name)
    figures = [Fields({name: one}, said.label).number(name) for one in values]
    if name == "divisor" and not all(figures):
        raise said.wrong(name)
    return figures


def _resize(steps: _Steps, said: Fields) -> _Steps:
    if said.text("size_mode", "all") != "all" or not isinstance(said.get("spatial_size"), list):
        return steps.noting("It resizes in a way that a card can't say; choose the size yourself.")
    size = said.list("spatial_size", 3)
    if len(size) != 2 or -1 in size:
        return steps.noting("It resizes in a way that a card can't say; choose the size yourself.")
    height, width = said.wholes("spatial_size", 1, LARGEST_SIDE)
    if "bilinear" not in str(said.content.get("mode", "")):
        steps = steps.noting("It resizes by another interpolation; here bilinearly, smoothed.")
    return replace(steps, exact=(height, width))


_KNOWN: Final[Mapping[str, Callable[[_Steps, Fields], _Steps]]] = MappingProxyType(
    {
        "ScaleIntensity": _scale_intensity,
        "ScaleIntensityRange": _scale_range,
        "NormalizeIntensity": _normalise,
        "Resize": _resize,
    }
)
