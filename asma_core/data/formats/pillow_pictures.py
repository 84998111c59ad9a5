"""Pictures of Pillow's formats: 8 bits as they are seen, deeper ones in their own units."""

from __future__ import annotations

from typing import Final

import numpy as np

from asma_core.data.formats.colours import from_bytes, to_8_bit
from asma_core.data.formats.deep_colours import over_black
from asma_core.data.formats.opening import WHITE_IS_ZERO, deep_colours, opened
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import (
    MOST_VALUES,
    Greys,
    Picture,
    Values,
    thinned,
    thinned_colours,
)

# Pages that are looked at to choose a window for all.
_PAGES: Final = 8


def pillow_picture(data: bytes, label: str, where: Slice) -> Greys | Picture:
    """Return one of Pillow's pictures: as it is seen where it has 8 bits, else before its window.

    Raises:
        InputError: It can't be read.
    """
    picture, count = opened(data, label, where)
    values: Values
    if not picture.mode.startswith(("I", "F")):
        deep = deep_colours(picture, data, label, where)
        if deep is None:
            return Picture(from_bytes(to_8_bit(picture, label)))
        values = over_black(deep)
    else:
        values = np.asarray(picture)
    several = count > 1
    return Greys(
        values,
        _nominal(values),
        inverted=bool(picture.info.get(WHITE_IS_ZERO)),
        more=(lambda: _of_all(data, label, count)) if several else None,
    )


def _nominal(values: Values) -> tuple[float, float] | None:
    """Return what the format of a grey TIFF or PNG can hold: 0 to 1 of floats, 16 bits else."""
    if values.dtype.kind == "f":
        return 0.0, 1.0
    fits = values.min() >= 0 and values.max() <= 65535
    return (0.0, 65535.0) if fits else None


def _of_all(data: bytes, label: str, count: int) -> Values:
    """Return values of some pages, so that one window is for all."""
    places = sorted({round(place) for place in np.linspace(0, count - 1, min(count, _PAGES))})
    parts = [_page(data, label, Slice(place)) for place in places]
    most = MOST_VALUES // len(parts)
    return np.concatenate(
        [thinned_colours(p, most) if p.ndim == 3 else thinned(p, most) for p in parts]
    )


def _page(data: bytes, label: str, where: Slice) -> Values:
    picture, _ = opened(data, label, where)
    deep = deep_colours(picture, data, label, where)
    return np.asarray(picture) if deep is None else over_black(deep)
