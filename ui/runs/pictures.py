"""A run as one small picture: the image it ended with, its target and what the network draws."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.attacks.settings import TOWARDS
from asma_core.data.formats.images import read_image, to_rgb
from asma_core.data.masks.label_maps import mask_values
from asma_core.data.masks.palette import ADVERSARIAL, TARGET
from asma_core.errors import AsmaError
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from ui.pictures.drawn_later import LaterPictures
from ui.pictures.encoding import jpeg
from ui.pictures.outlines import Layer, fit_size, outline, resize

QUALITY: Final = 88
# Drawing larger thins the halo of the lines, which would hide the one below.
DRAWN_SIDE: Final = 372
MOST_BYTES: Final = 48 * 2**20
Labels = NDArray[np.integer[Any]]
Pixels = NDArray[np.uint8]
_PICTURES: Final = LaterPictures(MOST_BYTES)


def run_pictures(
    store: RunStore, runs: Sequence[Run], side: int, line_width: float, wait: float
) -> dict[str, bytes | None]:
    """Return runs as pictures: the adversarial image, or the original while there is none.

    Args:
        store: Where the runs are.
        runs: The runs.
        side: Of the square pictures, in pixels.
        line_width: Of the target's outline, in pixels.
        wait: Seconds to wait for pictures that are not drawn yet.

    Returns:
        JPEG files by the run's id; None when the run's files can't be read any more. Of a run that
        is left out the picture is still being drawn.
    """
    asked: dict[Hashable, Callable[[], bytes | None]] = {
        _key(store, run, side): partial(_run_picture, store, run, side, line_width) for run in runs
    }
    found = _PICTURES.get(asked, wait)
    keys = {run.id: _key(store, run, side) for run in runs}
    return {run_id: found[key] for run_id, key in keys.items() if key in found}


@cache
def blank() -> bytes:
    """Return a grey picture that keeps the place of one that is still being drawn."""
    return jpeg(np.full((8, 8, 3), 128, np.uint8))


def _key(store: RunStore, run: Run, side: int) -> Hashable:
    # Files of a run that ended never change.
    return str(store.home), run.id, bool(run.results), side


def _run_picture(store: RunStore, run: Run, side: int, line_width: float) -> bytes | None:
    try:
        if run.results:
            return _of_result(store.folder(run.id), side, line_width)
        return _of_inputs(store, run, side, line_width)
    except (AsmaError, OSError):
        return None


def _of_result(files: Path, side: int, line_width: float) -> bytes:
    image = to_rgb(read_image(files / "adversarial.png"))
    # An attack that leads away has none.
    target = mask_values(files / "target.png") if (files / "target.png").exists() else None
    prediction = mask_values(files / "prediction_adversarial.png")
    return _drawn(image, target, prediction, side, line_width)


def _of_inputs(store: RunStore, run: Run, side: int, line_width: float) -> bytes:
    inputs = store.inputs(run)
    target = inputs.target if run.aim == TOWARDS else None
    return _drawn(to_rgb(inputs.image), target, None, side, line_width)


def _drawn(
    image: Pixels, target: Labels | None, prediction: Labels | None, side: int, line_width: float
) -> bytes:
    """Draw on a square, so that rows and cards are alike whatever the image's shape."""
    size = fit_size(image.shape, side, side)
    factor = max(round(DRAWN_SIDE / side), 2)
    large = (size[0] * factor, size[1] * factor)
    # A good attack draws just where the target is: the wider line shows on both sides of it.
    picture = resize(image, large)
    if target is not None:
        picture = outline(picture, [Layer(target, TARGET)], line_width * factor, 1)
    if prediction is not None:
        picture = outline(picture, [Layer(prediction, ADVERSARIAL)], line_width * factor * 0.36, 1)
    square = Image.new("RGB", (side, side))
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    square.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return jpeg(np.asarray(square), QUALITY)
