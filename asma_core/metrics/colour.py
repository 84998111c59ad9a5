"""How different two colours look: sRGB to CIELAB, and CIEDE2000."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# IEC 61966-2-1, for the white of D65 and the observer of 2 degrees.
TO_XYZ: Final = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE: Final = TO_XYZ.sum(axis=1)
_EDGE: Final = 6 / 29
_FAR: Final = 25.0**7


def srgb_to_lab(pixels: NDArray[np.uint8]) -> Floats:
    """Return the CIELAB colours of 8-bit sRGB pixels, for D65.

    Args:
        pixels: uint8 (..., 3).

    Returns:
        float64 (..., 3): L* in [0, 100], a*, b*.
    """
    shares = np.arange(256) / 255.0
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    ratios = linear[pixels] @ TO_XYZ.T / WHITE
    bent = np.where(ratios > _EDGE**3, np.cbrt(ratios), ratios / (3 * _EDGE**2) + 4 / 29)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(one: NDArray[Any], other: NDArray[Any]) -> Floats:
    """Return how different colours look: about 1 is just noticed side by side.

    All three weights of the formula (kL, kC, kH) are 1.

    Args:
        one: CIELAB, (..., 3).
        other: The same.

    Returns:
        float64 (...), at least 0.

    Source: Sharma, Wu and Dalal, Color Research and Application 30(1), 2005, eqs. 2 to 22.
    """
    light, chroma, hue = _weighed(np.asarray(one, float), np.asarray(other, float))
    (d_light, s_light), (d_chroma, s_chroma), (d_hue, s_hue, turned) = light, chroma, hue
    a, b, c = d_light / s_light, d_chroma / s_chroma, d_hue / s_hue
    found: Floats = np.sqrt(np.maximum(a * a + b * b + c * c + turned * b * c, 0.0))
    return found


def _weighed(one: Floats, other: Floats) -> tuple[Any, Any, Any]:
    """Return (difference, weight) of lightness and chroma, and of hue with the rotation."""
    mean = (np.hypot(one[..., 1], one[..., 2]) + np.hypot(other[..., 1], other[..., 2])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + _FAR))
    chroma_1, hue_1 = _polar(one, stretch)
    chroma_2, hue_2 = _polar(other, stretch)
    colourless = chroma_1 * chroma_2 == 0
    apart = hue_2 - hue_1
    turn = np.where(colourless, 0.0, apart - 360 * (apart > 180) + 360 * (apart < -180))
    d_hue = 2 * np.sqrt(chroma_1 * chroma_2) * np.sin(np.radians(turn) / 2)
    chroma, middle = (chroma_1 + chroma_2) / 2, _middle_hue(hue_1, hue_2, colourless)
    from_grey = ((one[..., 0] + other[..., 0]) / 2 - 50) ** 2
    light = other[..., 0] - one[..., 0], 1 + 0.015 * from_grey / np.sqrt(20 + from_grey)
    s_hue, turned = _hue_weights(chroma, middle)
    return light, (chroma_2 - chroma_1, 1 + 0.045 * chroma), (d_hue, s_hue, turned)


def _polar(lab: Floats, stretch: Floats) -> tuple[Floats, Floats]:
    a, b = lab[..., 1] * stretch, lab[..., 2]
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _middle_hue(one: Floats, other: Floats, colourless: NDArray[np.bool_]) -> Floats:
    both = one + other
    around = np.abs(one - other) > 180
    half = np.where(around, both + np.where(both < 360, 360, -360), both) / 2
    return np.where(colourless, both, half)


def _hue_weights(chroma: Floats, hue: Floats) -> tuple[Floats, Floats]:
    """Return the weight of the hue, and how far hue and chroma turn together (blue)."""
    weight = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    angle = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    far = 2 * np.sqrt(chroma**7 / (chroma**7 + _FAR))
    return 1 + 0.015 * chroma * weight, -np.sin(np.radians(angle)) * far
