"""The picture of a difference on a page, with its scale and its factor on it."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st
from PIL import Image, ImageColor, ImageDraw, ImageFont

from asma_core.data.formats.images import ByteImage
from asma_core.runs.difference import (
    DARK_ZERO,
    LIGHT_ZERO,
    RANGES,
    SIGNED,
    amounts,
    automatic_factor,
    difference_picture,
    scale_end,
)
from ui.pictures.encoding import data_address

TEXT: Final = {False: "#0E1418", True: "#E4E9EB"}
FRAME: Final = {False: "#DDE3E6", True: "#333C41"}
BAR: Final = (80, 8)
FONT_SIZE: Final = 13
GAP: Final = 6


def show_difference(original: ByteImage, adversarial: ByteImage, size: tuple[int, int]) -> None:
    """Show what was changed, with a caption that says how to read it.

    Args:
        original: uint8 (H, W, 3).
        adversarial: The same.
        size: (width, height) of the picture.
    """
    dark = st.context.theme.type == "dark"
    factor = automatic_factor(amounts(original, adversarial))
    picture = difference_picture(original, adversarial, dark, factor=factor)
    shown = data_address(with_scale(picture, size, factor, dark))
    st.image(shown, width="stretch", alt="Difference")
    st.caption(
        f"Difference \u00d7 {factor}, automatic: red brighter, blue darker; of each pixel the "
        "channel that changed most, in 8-bit values"
    )


def with_scale(picture: ByteImage, size: tuple[int, int], factor: int, dark: bool) -> ByteImage:
    """Return a signed difference at a size, framed, with its scale at the bottom.

    Args:
        picture: uint8 (H, W, 3), as `difference_picture` returns it.
        size: (width, height).
        factor: That it is drawn with.
        dark: Whether it is drawn for a dark page.
    """
    # A mean of colours would be the colour of another difference.
    large = Image.fromarray(picture).resize(size, Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(large)
    font = ImageFont.load_default(FONT_SIZE)
    end = scale_end(SIGNED, factor)
    # Pillow's own font has neither the minus nor the times of the other texts.
    words = (f"-{end}", f"+{end}   x {factor}")
    widths = [round(draw.textlength(text, font)) for text in words]
    top = size[1] - FONT_SIZE - 2 * GAP
    paper = ImageColor.getrgb(DARK_ZERO if dark else LIGHT_ZERO)
    draw.rectangle((1, top - GAP, sum(widths) + BAR[0] + 5 * GAP, size[1] - 2), fill=paper)
    draw.text((2 * GAP, top), words[0], TEXT[dark], font)
    left = 3 * GAP + widths[0]
    large.paste(Image.fromarray(_bar(factor, dark)), (left, top + (FONT_SIZE - BAR[1]) // 2 + 2))
    draw.text((left + BAR[0] + GAP, top), words[1], TEXT[dark], font)
    draw.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=FRAME[dark])
    return np.asarray(large)


def _bar(factor: int, dark: bool) -> ByteImage:
    """Return the colours from the scale's one end to the other, drawn as differences are."""
    steps = np.rint(np.linspace(-1, 1, BAR[0]) * RANGES[SIGNED] / factor).astype(int)
    zero = np.tile(np.where(steps < 0, 255, 0).astype(np.uint8), (BAR[1], 1))
    ends = (zero + steps).astype(np.uint8)
    return difference_picture(zero, ends, dark, factor=factor)
