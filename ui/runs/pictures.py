"""A run as one small picture: the image it ended with, its target and what the network draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from asma_core.attacks.settings import TOWARDS
from asma_core.data.formats.images import read_image, to_rgb
from asma_core.data.masks.label_maps import mask_values
from asma_core.data.masks.palette import ADVERSARIAL, TARGET
from asma_core.errors import AsmaError
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from ui.pictures.encoding import jpeg
from ui.pictures.outlines import Layer, fit_size, outline, resize

QUALITY: Final = 88
# Drawing larger thins the halo of the lines, which would hide the one below.
DRAWN_SIDE: Final = 372
Labels = NDArray[np.integer[Any]]
Pixels = NDArray[np.uint8]


def run_picture(store: RunStore, run: Run, side: int, line_width: float) -> bytes | None:
    """Draw a run: the adversarial image, or the original while there is none.

    Args:
        store: Where the run is.
        run: The run.
        side: Of the square picture, in pixels.
        line_width: Of the target's outline, in pixels.

    Returns:
        A JPEG file, or None when the run's files can't be read any more.
    """
    try:
        if run.results:
            # Files of a run that ended never change.
            return _of_result(str(store.folder(run.id)), side, line_width)
        return _of_inputs(str(store.home), run.spec.inputs_hash, run.id, side, line_width)
    except (AsmaError, OSError):
        return None


@st.cache_data(max_entries=4000, show_spinner=False)
def _of_result(folder: str, side: int, line_width: float) -> bytes:
    files = Path(folder)
    image = to_rgb(read_image(files / "adversarial.png"))
    # An attack that leads away has none.
    target = mask_values(files / "target.png") if (files / "target.png").exists() else None
    prediction = mask_values(files / "prediction_adversarial.png")
    return _drawn(image, target, prediction, side, line_width)


@st.cache_data(max_entries=1000, show_spinner=False)
def _of_inputs(home: str, inputs_hash: str, run_id: str, side: int, line_width: float) -> bytes:
    store = RunStore(Path(home))
    run = store.get(run_id)
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
        picture = outline(picture, [Layer(target, TARGET)], line_width * factor)
    if prediction is not None:
        picture = outline(picture, [Layer(prediction, ADVERSARIAL)], line_width * factor * 0.36)
    square = Image.new("RGB", (side, side))
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    square.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return jpeg(np.asarray(square), QUALITY)
