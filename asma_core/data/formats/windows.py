"""Windows: which intensities of a deep picture become 0 and 1, chosen or by rule.

Deep is what has more than 8 bits or no fixed range: 12 and 16 bits, floats, Hounsfield units. A
picture of 8 bits is never stretched unless somebody asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.errors import InputError

# How a window came about, as pages and records say it.
CHOSEN: Final = "chosen"
OWN: Final = "the file's own"
RANGE: Final = "the whole range"
PERCENTILE: Final = "percentiles 0.5 and 99.5"

# Tails that a single bright pixel must not decide.
PERCENTILES: Final = (0.5, 99.5)
# A picture whose percentiles lie nearer than this part of the range of its format is stretched.
SMALL_PART: Final = 1 / 3
# The lowest or highest value, where so many pixels have it, is background and no tissue.
BACKGROUND_SHARE: Final = 0.05
MOST_VALUES: Final = 200_000

Values = NDArray[Any]
Range = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """The intensities that become 0 and 1, in the file's own units.

    Attributes:
        low: Becomes 0, as does all below.
        high: Becomes 1, as does all above.
        how: How it came about: `CHOSEN`, or by which rule.
    """

    low: float
    high: float
    how: str = CHOSEN

    def text(self) -> str:
        """Return it in words, such as "1104 to 2816 (percentiles 0.5 and 99.5)"."""
        return f"{self.low:.6g} to {self.high:.6g} ({self.how})"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"low": self.low, "high": self.high, "how": self.how}


def chosen_window(low: float, high: float, how: str = CHOSEN) -> Window:
    """Return a window that somebody chose.

    Raises:
        InputError: Not two numbers, the first below the second.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            f"a window is its lowest and its highest value, the first below the second; "
            f"{low:g} to {high:g} is none"
        )
    return Window(float(low), float(high), how)


def window_from_dict(values: Mapping[str, Any]) -> Window:
    """Return the window of a record or a card.

    Raises:
        InputError: It is none.
    """
    try:
        low, high = float(values["low"]), float(values["high"])
        return chosen_window(low, high, str(values.get("how", CHOSEN)))
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{str(values)[:80]} is no window; give low and high") from error


@dataclass(frozen=True)
class Picture:
    """A picture as it is seen.

    Attributes:
        image: float32 (C, H, W) in [0, 1].
        window: What became 0 and 1; None for a picture that has 8 bits.
        extent: Lowest and highest value, in the file's units: of the whole volume, or, through a
            window that was chosen, of the picture; None where there is no window.
    """

    image: NDArray[np.float32]
    window: Window | None = None
    extent: Range | None = None


@dataclass(frozen=True)
class Curve:
    """A window that the file brings along, with its function.

    Attributes:
        window: Where it is steep, at least.
        apply: Values (H, W) to [0, 1].
    """

    window: Window
    apply: Callable[[Values], NDArray[np.float64]]


@dataclass(frozen=True)
class Greys:
    """A deep picture in its file's own units, before any window.

    Attributes:
        values: (H, W), whole numbers or floats; of colours (H, W, 3), all through one window.
        nominal: What its format can hold; None where that says nothing.
        eight: Whether it has 8 bits, which are never stretched.
        padding: bool (H, W), True where no tissue is; None for nowhere.
        own: The file's own window.
        inverted: Whether high values are dark.
        more: Returns values of the whole series or volume that it is of; None for a lone picture.
    """

    values: Values
    nominal: Range | None = None
    eight: bool = False
    padding: NDArray[np.bool_] | None = None
    own: Curve | None = None
    inverted: bool = False
    more: Callable[[], Values] | None = None

    def some(self) -> Values:
        """Return values to choose a window by, flat, without padding."""
        if self.more is not None:
            return self.more()
        if self.values.ndim == 3:
            return thinned_colours(self.values, MOST_VALUES)
        return thinned(self.values if self.padding is None else self.values[~self.padding])


def thinned_colours(values: Values, most: int) -> Values:
    """Return at most so many values of colours (H, W, C), flat, as many of each channel."""
    channels = np.moveaxis(values, -1, 0)
    return np.concatenate([thinned(one, most // len(channels)) for one in channels])


def thinned(values: Values, most: int = MOST_VALUES) -> Values:
    """Return at most so many finite values, flat, taken evenly."""
    flat = values.ravel()
    step = -(-flat.size // most)
    # An odd step walks through the columns of pictures whose sides are powers of two.
    flat = flat[:: step if step == 1 or step % 2 else step + 1] if step > 1 else flat
    return flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat


def seen(greys: Greys, window: Window | None = None) -> Picture:
    """Return a picture as it is seen through a window.

    Args:
        greys: The picture.
        window: For None the file's own, or what `automatic` says.

    Returns:
        Its image is float32 (1, H, W), or (3, H, W) of colours, in [0, 1]; padding and what is no
        number are 0.

    Raises:
        InputError: No value is a number.
    """
    # Through a window that is known nobody needs to look at the rest of a volume.
    some = greys.some() if window is None else replace(greys, more=None).some()
    if not some.size and greys.padding is None:
        raise InputError("the picture holds no value that is a number; export it again")
    if window is None and greys.own is not None:
        window, scaled = greys.own.window, greys.own.apply(greys.values)
    else:
        window = window or automatic([some], greys.nominal, greys.eight)
        scaled = _through(greys.values, window)
    if greys.inverted:
        scaled = 1.0 - scaled
    if greys.values.dtype.kind == "f":
        scaled = np.where(np.isfinite(greys.values), scaled, 0.0)
    if greys.padding is not None:
        scaled = np.where(greys.padding, 0.0, scaled)
    planes = np.moveaxis(scaled, -1, 0) if scaled.ndim == 3 else scaled[None]
    image = np.ascontiguousarray(np.clip(planes, 0.0, 1.0), dtype=np.float32)
    return Picture(image, window, _extent(some))


def automatic(parts: Sequence[Values], nominal: Range | None, eight: bool = False) -> Window:
    """Return one window for pictures that bring none along.

    The percentiles of their values, background left out, where these use a small part of what the
    format can hold; else all of that.

    Args:
        parts: Some values of each picture, flat, without padding.
        nominal: What the format can hold.
        eight: Whether they have 8 bits, which are never stretched.

    """
    values = np.concatenate([part.astype(np.float64) for part in parts]) if parts else np.empty(0)
    values = values[np.isfinite(values)]
    if eight or not values.size:
        return Window(*(nominal or (0.0, 1.0)), RANGE)
    lowest, highest = float(values.min()), float(values.max())
    low, high = map(float, np.percentile(_tissue(values), PERCENTILES))
    inside = nominal is not None and nominal[0] <= lowest and highest <= nominal[1]
    if nominal is not None and inside:
        width = nominal[1] - nominal[0]
        if high - low >= SMALL_PART * width or lowest == highest:
            return Window(*nominal, RANGE)
    if low < high:
        return Window(low, high, PERCENTILE)
    return Window(lowest, highest if lowest < highest else lowest + 1.0, RANGE)


def _tissue(values: Values) -> Values:
    """Return values without a constant background, which would be most of the percentiles."""
    tissue = values
    for edge in (values.min(), values.max()):
        is_edge = values == edge
        if is_edge.mean() >= BACKGROUND_SHARE:
            tissue = tissue[tissue != edge]
    return tissue if tissue.size else values


def _through(values: Values, window: Window) -> Values:
    if window.high <= window.low:
        return (values > window.low).astype(np.float32)
    small = values.dtype.kind in "iu" and values.dtype.itemsize <= 2
    kind = np.dtype(np.float32 if small or values.dtype == np.float32 else np.float64)
    low, width = kind.type(window.low), kind.type(window.high - window.low)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled: Values = (values.astype(kind) - low) / width
    return scaled


def _extent(values: Values) -> Range:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
