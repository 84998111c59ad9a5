"""Where the image may change: near the structures, away from them, or what a file says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from asma_core.data.formats.images import Source
from asma_core.data.masks.label_maps import mask_values
from asma_core.errors import InputError

Region = NDArray[np.bool_]
NEAR: Final = "near"
AWAY: Final = "away"
REGIONS: Final = {
    NEAR: "In and around the structures",
    AWAY: "Away from the structures",
}
# Of the image's smaller side, when nobody says how far around is.
USUAL_MARGIN: Final = 0.05


def make_region(
    name: str,
    prediction: NDArray[np.int64],
    target: NDArray[np.int64],
    margin: int | None = None,
) -> Region:
    """Return where the image may change.

    Args:
        name: One of `REGIONS`.
        prediction: int64 (H, W), the network's, 0 for background.
        target: The same, the target mask.
        margin: How far around the structures of both masks, in pixels; a twentieth of the smaller
            side unless given.

    Returns:
        bool (H, W).

    Raises:
        InputError: No such name, or nothing is left.
    """
    if name not in REGIONS:
        raise InputError(f"no region is called {name!r}; there is: {', '.join(REGIONS)}")
    structures = (prediction > 0) | (target > 0)
    if margin is None:
        margin = round(USUAL_MARGIN * min(structures.shape))
    near = structures
    if structures.any() and margin > 0:
        near = ndimage.distance_transform_edt(~structures) <= margin
    region: Region = np.asarray(near if name == NEAR else ~near, dtype=np.bool_)
    return _checked(region, f"the region {REGIONS[name].lower()!r}")


def read_region(source: Source, shape: tuple[int, int], name: str | None = None) -> Region:
    """Read a region from a picture: where it is not 0 the image may change.

    Args:
        source: A path, or the file's bytes.
        shape: Height and width of the image.
        name: What to call it in errors.

    Raises:
        InputError: Not a picture, another size, or nothing in it.
    """
    label = name or (source.name if isinstance(source, Path) else "the region")
    values = mask_values(source, label)
    if values.shape != shape:
        raise InputError(
            f"{label} is {values.shape[1]} x {values.shape[0]} and the image "
            f"{shape[1]} x {shape[0]}; resize the region without interpolation"
        )
    return _checked(values != 0, label)


def _checked(region: Region, label: str) -> Region:
    if not region.any():
        raise InputError(f"{label} is empty, so nothing may change; choose another region")
    return region
