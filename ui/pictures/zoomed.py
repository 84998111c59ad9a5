"""One picture in a column of a page, with the zoom and the pan of the comparison viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from ui.pictures.packing import Packet
from ui.pictures.script import shared_script

_FILE: Final = Path(__file__)
_component = st.components.v2.component(
    "asma_zoomed_picture",
    html=_FILE.with_suffix(".html").read_text(encoding="utf-8"),
    css=_FILE.with_suffix(".css").read_text(encoding="utf-8"),
    js=shared_script() + _FILE.with_suffix(".js").read_text(encoding="utf-8"),
)


def zoomed_picture(jpeg: bytes, size: tuple[int, int], name: str, key: str) -> None:
    """Show a picture as wide as the column and no higher than the window.

    Args:
        jpeg: A JPEG file.
        size: Its (width, height) in pixels.
        name: Of what is shown; while it stays, so does the zoom.
        key: The widget's.
    """
    packet = Packet()
    header = {"name": name, "width": size[0], "height": size[1], "picture": packet.add(jpeg)}
    _component(data=packet.sealed(header), key=key)
