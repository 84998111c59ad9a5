"""From stored DICOM values to greys: rescaling, padding, the file's own window.

Source: DICOM PS3.3, C.7.5.1.1.2 (padding), C.11.1 (modality LUT), C.11.2 (VOI LUT), and the
functional groups of C.7.6.16.2 for files of many frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.windows import OWN, Curve, Greys, Range, Values, Window

LINEAR: Final = "LINEAR"
EXACT: Final = "LINEAR_EXACT"
SIGMOID: Final = "SIGMOID"
_GROUPS: Final = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_KEYWORDS: Final = (
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("PixelRepresentation", "BitsStored"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
)


def greys_of(
    header: Any, pixels: Values, frame: int, more: Callable[[], Values] | None = None
) -> Greys:
    """Return a frame's values in the units that its window is in.

    Args:
        header: Of the file.
        pixels: Stored values (H, W).
        frame: From 0.
        more: See `Greys`.
    """
    facts = _facts(header, frame)
    values, nominal = _rescaled(pixels, header, facts)
    return Greys(
        values,
        nominal,
        eight=int(header.BitsStored) <= 8 and "ModalityLUTSequence" not in facts,
        padding=padding_of(pixels, header),
        own=_own(facts),
        inverted=str(header.PhotometricInterpretation) == "MONOCHROME1",
        more=more,
    )


def rescaled(header: Any, pixels: Values, frame: int) -> Values:
    """Return stored values in the units of the window, flat, without padding."""
    padding = padding_of(pixels, header)
    kept = pixels.ravel() if padding is None else pixels[~padding]
    return _rescaled(kept, header, _facts(header, frame))[0]


def padding_of(pixels: Values, header: Any) -> NDArray[np.bool_] | None:
    """Return where stored values are padding, bool (H, W); None if they are so nowhere."""
    first = header.get("PixelPaddingValue")
    if first is None or first == "":
        return None
    second = header.get("PixelPaddingRangeLimit")
    ends = [int(first), int(first if second is None or second == "" else second)]
    low, high = sorted(_as_stored(end, header, pixels.dtype) for end in ends)
    padding: NDArray[np.bool_] = (pixels >= low) & (pixels <= high)
    return padding if padding.any() else None


def _as_stored(value: int, header: Any, kind: np.dtype[Any]) -> int:
    """Return a value with the sign of the pixels: some files write -2000 as 63536."""
    span = 1 << int(header.BitsAllocated)
    if kind.kind == "i" and value >= span // 2:
        return value - span
    return value + span if kind.kind == "u" and value < 0 else value


def _facts(header: Any, frame: int) -> Any:
    """Return what is said of a frame's intensities, by itself, by all frames, or by the file."""
    from pydicom.dataset import Dataset

    facts = Dataset()
    facts.file_meta = header.file_meta
    for source in (header, *_groups(header, frame)):
        for keyword in _KEYWORDS:
            if keyword in source:
                facts[keyword] = source[keyword]
    return facts


def _groups(header: Any, frame: int) -> Iterator[Any]:
    shared = header.get("SharedFunctionalGroupsSequence") or []
    each = header.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*shared[:1], *each[frame : frame + 1]):
        for name in _GROUPS:
            yield from (group.get(name) or [])[:1]


def _rescaled(pixels: Values, header: Any, facts: Any) -> tuple[Values, Range]:
    from pydicom.pixels.processing import apply_modality_lut

    bits = int(header.BitsStored)
    if "ModalityLUTSequence" in facts:
        deep = int(facts.ModalityLUTSequence[0].LUTDescriptor[2])
        return apply_modality_lut(pixels, facts), (0.0, 2.0**deep - 1.0)
    signed = pixels.dtype.kind == "i"
    low, high = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)
    slope = _first(facts.get("RescaleSlope"), 1.0) or 1.0
    intercept = _first(facts.get("RescaleIntercept"), 0.0) or 0.0
    if (slope, intercept) == (1.0, 0.0):
        return pixels, (low, high)
    ends = sorted((low * slope + intercept, high * slope + intercept))
    return pixels * np.float64(slope) + np.float64(intercept), (ends[0], ends[1])


def _own(facts: Any) -> Curve | None:
    """Return the file's first window, else its first table."""
    centre, width = _first(facts.get("WindowCenter")), _first(facts.get("WindowWidth"))
    function = str(facts.get("VOILUTFunction") or LINEAR).upper()
    if centre is not None and width is not None and width >= (0 if function != LINEAR else 1):
        return window_curve(centre, width, function) if width > 0 else None
    return _table(facts) if facts.get("VOILUTSequence") else None


def window_curve(centre: float, width: float, function: str = LINEAR) -> Curve:
    """Return the curve of a window, by one of the three functions of DICOM PS3.3, C.11.2.1.

    Args:
        centre: In the file's units.
        width: Above 0; for LINEAR at least 1.
        function: LINEAR (as which any unknown one is read), LINEAR_EXACT or SIGMOID.
    """
    if function == SIGMOID:
        ends = Window(centre - width / 2, centre + width / 2, f"{OWN}, {SIGMOID}")
        return Curve(ends, lambda values: _sigmoid(values, centre, width))
    half = width / 2 if function == EXACT else (width - 1) / 2
    middle = centre if function == EXACT else centre - 0.5
    low, high = middle - half, middle + half

    def linear(values: Values) -> NDArray[np.float64]:
        if high <= low:
            return (values > low).astype(np.float64)
        return np.clip((values.astype(np.float64) - low) / (high - low), 0.0, 1.0)

    return Curve(Window(low, high, OWN), linear)


def _sigmoid(values: Values, centre: float, width: float) -> NDArray[np.float64]:
    # Beyond 700 the exponential is infinite, and the result 0 all the same.
    power = np.clip(-4.0 * (values.astype(np.float64) - centre) / width, -700.0, 700.0)
    return np.asarray(1.0 / (1.0 + np.exp(power)))


def _table(facts: Any) -> Curve:
    from pydicom.pixels.processing import apply_voi

    count, first, bits = (int(value) for value in facts.VOILUTSequence[0].LUTDescriptor)
    most = 2.0**bits - 1.0

    def looked_up(values: Values) -> NDArray[np.float64]:
        whole = np.rint(values).astype(np.int64)
        return np.clip(apply_voi(whole, facts).astype(np.float64) / most, 0.0, 1.0)

    last = first + (count or 65536) - 1
    return Curve(Window(float(first), float(max(last, first + 1)), f"{OWN} table"), looked_up)


def _first(value: Any, default: float | None = None) -> float | None:
    if value is None or value == "":
        return default
    several = hasattr(value, "__getitem__") and not isinstance(value, str)
    if several and not len(value):
        return default
    number = float(value[0] if several else value)
    return number if math.isfinite(number) else default
