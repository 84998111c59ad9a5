"""What a treatment is: what it makes of a file, and how a mask comes back to where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.images import FloatImage

Labels = NDArray[np.int64]
# Of a mask that came back: pixels that the treated picture did not show.
UNSEEN: Final = -1


def in_place(labels: Labels) -> Labels:
    """Return a mask of a treatment that leaves every pixel in its place: itself."""
    return labels


@dataclass(frozen=True)
class Treatment:
    """One thing that happens to a file.

    Attributes:
        name: On the command line, in files and records.
        title: For people.
        summary: One line: what it does.
        source: Of what is done, and who does it.
        treat: An image of 8 bits, float32 (C, H, W) in [0, 1] with C of 1 or 3, to what becomes of
            it, the same in shape and again of 8 bits. The same image gives the same.
        back: A mask of the treated picture, int64 (H, W), to the mask of the image itself, `UNSEEN`
            where the treated picture did not show it.
    """

    name: str
    title: str
    summary: str
    source: str
    treat: Callable[[FloatImage], FloatImage]
    back: Callable[[Labels], Labels] = in_place
