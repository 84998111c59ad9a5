"""The picture of a difference on a page."""

from __future__ import annotations

import streamlit as st

from asma_core.data.formats.images import ByteImage
from asma_core.runs.difference import GAIN, MEANING, difference_picture
from ui.pictures.encoding import data_address
from ui.pictures.outlines import resize


def show_difference(original: ByteImage, adversarial: ByteImage, size: tuple[int, int]) -> None:
    """Show what was changed, with a caption that says how to read it.

    Args:
        original: uint8 (H, W, 3).
        adversarial: The same.
        size: (width, height) of the picture.
    """
    picture = difference_picture(original, adversarial, dark=st.context.theme.type == "dark")
    st.image(data_address(resize(picture, size)), width="stretch")
    st.caption(f"Difference x {GAIN}: {MEANING}")
