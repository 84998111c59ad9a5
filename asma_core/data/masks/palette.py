"""Fixed colours of classes and of the four kinds of mask, safe for the colour-blind.

Source: Okabe and Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from typing import Final

TRUTH: Final = "#009E73"
PREDICTION: Final = "#56B4E9"
TARGET: Final = "#F0E442"
ADVERSARIAL: Final = "#CC79A7"

# Background first; a mask file of up to 256 classes repeats the seven after it.
CLASS_COLOURS: Final = (
    (0, 0, 0),
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
