"""The picture of a difference: one colour a pixel, which says which way it went and how far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.images import ByteImage

Stop = tuple[float, str]

GAIN: Final = 20
MEANING: Final = "red brighter, blue darker, grey unchanged"
# Neutral and quiet, and still seen as a picture: in a file and on a light page, on a dark page.
LIGHT_GREY: Final = "#D9D9D9"
DARK_GREY: Final = "#32383C"
# ColorBrewer's Blues and Reds from `MIDDLE` to the end, dark towards it where the zero is light,
# and light where it is dark.
MIDDLE: Final = 0.4
ON_LIGHT: Final = {"negative": ("#6BAED6", "#08306B"), "positive": ("#FB6A4A", "#67000D")}
ON_DARK: Final = {"negative": ("#2171B5", "#C6DBEF"), "positive": ("#CB181D", "#FCBBA1")}
# Matplotlib's magma at eighths of its range.
MAGNITUDE: Final = (
    *("#000004", "#1C1044", "#4F127B", "#812581", "#B5367A"),
    *("#E55064", "#FB8761", "#FEC287", "#FCFDBF"),
)


def difference_picture(
    original: ByteImage, adversarial: ByteImage, dark: bool = False
) -> ByteImage:
    """Return what was changed, amplified by `GAIN`: red brighter, blue darker, grey unchanged.

    Args:
        original: uint8 (H, W) or (H, W, 3).
        adversarial: The same.
        dark: Whether it is for a dark page; the grey is dark then, and large changes are light.

    Returns:
        uint8 (H, W, 3).
    """
    return _table(dark)[largest_change(original, adversarial) + 255]


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


def _table(dark: bool) -> ByteImage:
    """Return the colour of every change from -255 to 255, uint8 (511, 3)."""
    shares = np.clip(GAIN * np.arange(-255, 256) / 255, -1, 1)
    zero, ends = (DARK_GREY, ON_DARK) if dark else (LIGHT_GREY, ON_LIGHT)
    stops = {name: [(0.0, zero), *_stops(pair)] for name, pair in ends.items()}
    signed = np.where(
        (shares < 0)[:, None],
        _interpolated(stops["negative"], -shares),
        _interpolated(stops["positive"], shares),
    )
    return np.rint(signed).astype(np.uint8)


def _stops(pair: Sequence[str]) -> list[Stop]:
    return [(MIDDLE, pair[0]), (1.0, pair[1])]


def _interpolated(stops: Sequence[Stop], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    places = [place for place, _ in stops]
    colours = np.array([list(bytes.fromhex(colour[1:])) for _, colour in stops])
    return np.stack(
        [np.interp(shares, places, colours[:, channel]) for channel in range(3)], axis=1
    )
