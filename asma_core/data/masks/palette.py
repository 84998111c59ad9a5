"""What a mask looks like, everywhere: the colours of its role, the line styles of its classes.

Source: Okabe and Ito, "Color Universal Design", 2008; safe for the colour-blind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Dashes = tuple[float, ...]

OUTSIDE: Final = "outside"
INSIDE: Final = "inside"


@dataclass(frozen=True)
class Role:
    """How a mask is drawn by what it stands for.

    Attributes:
        colour: "#RRGGBB".
        word: The colour in a sentence.
        side: On which side of the boundary the line lies where masks coincide when all is well:
            truth and prediction, target and result; so both stay visible.
    """

    colour: str
    word: str
    side: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue


TRUTH: Final = Role("#009E73", "green", OUTSIDE)
PREDICTION: Final = Role("#56B4E9", "blue", INSIDE)
TARGET: Final = Role("#F0E442", "yellow", OUTSIDE)
ADVERSARIAL: Final = Role("#CC79A7", "magenta", INSIDE)

# By the names that the comparison viewer and its addresses have for them.
ROLES: Final = {"truth": TRUTH, "before": PREDICTION, "target": TARGET, "after": ADVERSARIAL}

# Lengths of dash and gap in units of the line's width; the first class is solid.
DASHES: Final[tuple[Dashes, ...]] = ((), (4.0, 2.5), (1.2, 2.0), (7.0, 2.0, 1.2, 2.0))

# Lines and points that stand for no mask; the yellow would be too light for them.
QUIET: Final = "#8A949A"
SERIES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", QUIET)

# Of mask files: background first; one of up to 256 classes repeats the seven after it.
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


def dashes_of(label: int) -> Dashes:
    """Return the line style of a class, counted from 1."""
    return DASHES[(label - 1) % len(DASHES)]
