"""What a training picture is, and how far it is changed; without torch, for the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# An image, uint8 (H, W) or (H, W, 3), and its labels (H, W).
Pair = tuple[NDArray[np.uint8], NDArray[Any]]


@dataclass(frozen=True)
class Augmentation:
    """How far training pictures are changed.

    Attributes:
        flip: Mirror left to right and top to bottom, each half of the time.
        rotation: Largest rotation in degrees, either way.
        scale: Largest factor of enlarging or shrinking.
        stretch: Largest factor between the two axes.
        shift: Largest shift as a share of the picture.
        aspect: Largest ratio of the sides of a batch.
        gain: Largest change of a channel's brightness, as a logarithm.
        gamma: Largest change of the exponent, as a logarithm.
        blur: Largest Gaussian blur in pixels.
        noise: Largest standard deviation of the noise.
    """

    flip: bool = True
    rotation: float = 30.0
    scale: float = 1.35
    stretch: float = 1.12
    shift: float = 0.12
    aspect: float = 1.45
    gain: float = 0.3
    gamma: float = 0.4
    blur: float = 1.6
    noise: float = 0.03
