"""How a network wants its images, asked for in a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from asma_core.models.wrapper.specs import (
    FIXED,
    IMAGENET,
    PADS,
    PER_IMAGE,
    InputSpec,
    figures_from_text,
)
from ui.common.values import initial

NORMALISATIONS: Final = {
    "unit": "0 to 1 as it is",
    "imagenet": "ImageNet's mean and deviation",
    "signed": "-1 to 1",
    "bytes": "0 to 255",
    "image": "each image by itself",
    "own": "own figures",
}


def model_input(
    key: str, channels: int, exact: Sequence[int] | None = None, batch: int = 0
) -> InputSpec:
    """Show the form; return what it says.

    Args:
        key: Begins the keys of the widgets.
        channels: The number that the weights speak of.
        exact: Height and width where the network takes no other; then they are not asked for.
        batch: 1 for a network that takes one image at a time.

    Raises:
        InputError: Figures that are none.
    """
    row = st.columns(3)
    count = row[0].selectbox(
        "Images",
        [1, 3],
        format_func=lambda one: "grey" if one == 1 else "colour",
        key=initial(f"{key}-channels", channels if channels in (1, 3) else 3),
    )
    columns = st.columns(2)
    way = columns[0].selectbox(
        "Values", list(NORMALISATIONS), format_func=NORMALISATIONS.__getitem__,
        key=f"{key}-normalisation",
    )  # fmt: skip
    mean, std = _figures(key, way, count)
    normalisation = PER_IMAGE if way == "image" else FIXED
    if exact:
        height, width = exact
        row[1].caption(f"Resized to {width} x {height}, the only size that it takes")
        return InputSpec(
            count, 0, 1, mean, std, (height, width), normalisation=normalisation, batch=batch
        )
    size, multiple, pad = _sides(key, row[1:], columns[1])
    return InputSpec(
        count, size, multiple, mean, std, pad=pad, normalisation=normalisation, batch=batch
    )


def _sides(key: str, row: Sequence[Any], place: Any) -> tuple[int, int, str]:
    """Ask for the area, the multiple of both sides, and how it is reached."""
    size = row[0].number_input(
        "Resized to an area of", 0, 4096, key=initial(f"{key}-size", 0),
        help="This squared, keeping the aspect; 0 keeps an image's own size.",
    )  # fmt: skip
    multiple = row[1].number_input(
        "Sides a multiple of", 1, 1024, key=initial(f"{key}-multiple", 32)
    )
    pad = place.selectbox(
        "To reach the multiple",
        PADS,
        format_func=lambda one: f"pad with {one}" if one else "resize",
        key=f"{key}-pad",
    )
    return size, multiple, pad


def _figures(key: str, way: str, count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    known = {
        "unit": ((0.0,) * count, (1.0,) * count),
        "image": ((0.0,) * count, (1.0,) * count),
        "signed": ((0.5,) * count, (0.5,) * count),
        "bytes": ((0.0,) * count, (1 / 255,) * count),
        "imagenet": IMAGENET[count],
    }
    if way in known:
        return known[way]
    row = st.columns(2)
    texts = [
        row[place].text_input(label, key=initial(f"{key}-{label}", value))
        for place, (label, value) in enumerate((("Mean", "0"), ("Deviation", "1")))
    ]
    numbers = [figures_from_text(text, count) for text in texts]
    return numbers[0], numbers[1]
