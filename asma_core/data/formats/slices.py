"""Which picture of a file that holds several, and through which window it is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asma_core.data.formats.windows import Window
from asma_core.errors import InputError


@dataclass(frozen=True)
class Slice:
    """Where the picture lies in its file, and how it is seen.

    Attributes:
        frame: From 0; the middle one for None.
        axis: Of a NIfTI volume: 0 sagittal, 1 coronal, 2 axial.
        window: The intensities that become 0 and 1; for None the file's own window, and without
            one that of `asma_core.data.formats.windows.automatic`. A picture of 8 bits has none.
        volume: Of a NIfTI file of four dimensions, from 0.
        upright: Whether a picture is turned as its EXIF tag says; else it is as it is stored.
    """

    frame: int | None = None
    axis: int = 2
    window: Window | None = None
    volume: int = 0
    upright: bool = True

    def chosen(self, count: int, label: str) -> int:
        """Return the frame of a file that has `count`.

        Raises:
            InputError: It has fewer.
        """
        frame = count // 2 if self.frame is None else self.frame
        if not 0 <= frame < count:
            raise InputError(f"{label} has {count} pictures, 0 to {count - 1}; there is no {frame}")
        return frame


MIDDLE: Final = Slice()
