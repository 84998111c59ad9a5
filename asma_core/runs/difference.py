"""The picture of a difference: one colour a pixel, which says how far it went, and which way.

Every page and every file has it from here; the comparison viewer draws the same in the browser,
from the colours and the factors that stand here, and a browser test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.images import ByteImage
from asma_core.metrics.visibility import delta_e, sampled

Floats = NDArray[np.float64]

SIGNED: Final = "signed"
ABSOLUTE: Final = "absolute"
PERCEPTUAL: Final = "perceptual"
KINDS: Final = (SIGNED, ABSOLUTE, PERCEPTUAL)
LARGEST: Final = "largest"
CHANNELS: Final = (LARGEST, "red", "green", "blue")
# The end of the scale at a factor of 1: of 8-bit values, and of CIEDE2000, black to white.
RANGES: Final[Mapping[str, float]] = {SIGNED: 255.0, ABSOLUTE: 255.0, PERCEPTUAL: 100.0}
FACTORS: Final = (
    *range(1, 11),
    *(12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100),
)
# Of files, so that those of two runs can be held against each other.
GAIN: Final = 20
MEANING: Final = "red brighter, blue darker, white unchanged"
# What reaches the end of the scale when the factor is automatic; a few pixels may lie beyond.
PERCENTILE: Final = 99.5

# No change has the colour of what is behind: of a light and of a dark page, and of paper.
LIGHT_ZERO: Final = "#FFFFFF"
DARK_ZERO: Final = "#14181B"
# ColorBrewer's Blues, Reds and Purples from `MIDDLE` to the end: dark towards it where the zero
# is light, and light where it is dark, so that more is stronger on either.
MIDDLE: Final = 0.4
ON_LIGHT: Final = {
    "negative": ("#6BAED6", "#08306B"),
    "positive": ("#FB6A4A", "#67000D"),
    "amount": ("#9E9AC8", "#3F007D"),
}
ON_DARK: Final = {
    "negative": ("#2171B5", "#C6DBEF"),
    "positive": ("#CB181D", "#FCBBA1"),
    "amount": ("#6A51A3", "#DADAEB"),
}


def difference_picture(
    original: ByteImage,
    adversarial: ByteImage,
    dark: bool = False,
    kind: str = SIGNED,
    channel: str = LARGEST,
    factor: int = GAIN,
) -> ByteImage:
    """Return what was changed, amplified.

    Args:
        original: uint8 (H, W) or (H, W, 3).
        adversarial: The same.
        dark: Whether it is for a dark page.
        kind: One of `KINDS`.
        channel: One of `CHANNELS`; a perceptual difference has none.
        factor: By which it is amplified.

    Returns:
        uint8 (H, W, 3).
    """
    found = amounts(original, adversarial, kind, channel)
    shares = np.clip(found * factor / RANGES[kind], -1, 1)
    zero, ends = (DARK_ZERO, ON_DARK) if dark else (LIGHT_ZERO, ON_LIGHT)
    up, down = ("positive", "negative") if kind == SIGNED else ("amount", "amount")
    colours = np.where(
        (shares < 0)[..., None],
        _interpolated(zero, ends[down], -shares),
        _interpolated(zero, ends[up], shares),
    )
    return np.rint(colours).astype(np.uint8)


def amounts(
    original: ByteImage, adversarial: ByteImage, kind: str = SIGNED, channel: str = LARGEST
) -> Floats:
    """Return per pixel how far it went: in 8-bit values, or as CIEDE2000 where perceptual.

    Args:
        original: uint8 (H, W) or (H, W, 3).
        adversarial: The same.
        kind: One of `KINDS`; only `SIGNED` has signs.
        channel: One of `CHANNELS`.

    Returns:
        float64 (H, W).
    """
    if kind == PERCEPTUAL:
        return delta_e(original, adversarial)
    if channel == LARGEST or original.ndim == 2:
        change = largest_change(original, adversarial)
    else:
        place = CHANNELS.index(channel) - 1
        change = adversarial[..., place].astype(np.int16) - original[..., place]
    return (np.abs(change) if kind == ABSOLUTE else change).astype(np.float64)


def largest_change(original: ByteImage, adversarial: ByteImage) -> NDArray[np.int16]:
    """Return per pixel the signed change of the channel that changed most.

    A mean over the channels would cancel a change that goes up in one and down in another. Of
    channels that changed alike the first one counts.

    Args:
        original: uint8 (H, W) or (H, W, 3).
        adversarial: The same.

    Returns:
        int16 (H, W), -255 to 255.
    """
    change = adversarial.astype(np.int16) - original
    if change.ndim == 2:
        return change
    largest = np.abs(change).argmax(axis=-1, keepdims=True)
    return np.take_along_axis(change, largest, axis=-1)[..., 0]


def automatic_factor(found: Floats, kind: str = SIGNED) -> int:
    """Return the greatest factor at which 99.5 % of the pixels are not beyond the scale's end.

    Args:
        found: Of one picture or of several, as `amounts` returns them.
        kind: One of `KINDS`.

    Returns:
        One of `FACTORS`; `GAIN` where nothing changed.
    """
    sizes = np.abs(found)
    # Where less than the rest has changed, what has is still to be seen.
    reaching = float(np.percentile(sizes, PERCENTILE)) or float(sizes.max())
    if reaching == 0:
        return GAIN
    return max([factor for factor in FACTORS if reaching * factor <= RANGES[kind]], default=1)


def automatic_factors(original: ByteImage, adversarial: Sequence[ByteImage]) -> dict[str, int]:
    """Return the factors by channel and for "perceptual", the same for all pictures.

    Of a large picture an even grid of its pixels is looked at.

    Args:
        original: uint8 (H, W) or (H, W, 3).
        adversarial: One or more of the same shape.
    """
    original, adversarial = sampled(original), [sampled(one) for one in adversarial]
    kinds = {**dict.fromkeys(CHANNELS, SIGNED), PERCEPTUAL: PERCEPTUAL}
    return {
        name: min(automatic_factor(amounts(original, one, kind, name), kind) for one in adversarial)
        for name, kind in kinds.items()
    }


def scale_end(kind: str, factor: int) -> str:
    """Return what the end of the scale stands for, as a number."""
    end = RANGES[kind] / factor
    # Half a unit goes up, as in a browser.
    return str(math.floor(end + 0.5)) if end >= 10 else f"{end:.1f}"


def _interpolated(zero: str, ends: Sequence[str], shares: Floats) -> Floats:
    """Return the colours (..., 3) on the straight lines from `zero` over the two ends."""
    colours = np.array([list(bytes.fromhex(colour[1:])) for colour in (zero, *ends)], dtype=float)
    places = (0.0, MIDDLE, 1.0)
    return np.stack([np.interp(shares, places, colours[:, c]) for c in range(3)], axis=-1)
