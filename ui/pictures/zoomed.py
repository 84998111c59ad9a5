"""One picture in a column of a page, with the zoom and the pan of the comparison viewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import streamlit as st

from ui.common.rerun import whole
from ui.pictures.packing import Packet
from ui.pictures.script import shared_script

_FILE: Final = Path(__file__)
_component = st.components.v2.component(
    "asma_zoomed_picture",
    html=_FILE.with_suffix(".html").read_text(encoding="utf-8"),
    css=_FILE.with_suffix(".css").read_text(encoding="utf-8"),
    js=shared_script() + _FILE.with_suffix(".js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Focus:
    """What of a picture is shown.

    Attributes:
        zoom: How much larger than the whole picture it is, at least 1.
        x: The point in the middle, as a share of the picture's width.
        y: The same of its height.
    """

    zoom: float
    x: float
    y: float


def zoomed_picture(
    jpeg: bytes,
    size: tuple[int, int],
    name: str,
    focus: Focus,
    key: str,
    on_change: Callable[[str, Focus], None],
) -> None:
    """Show a picture as wide as the column and no higher than the window.

    Args:
        jpeg: A JPEG file.
        size: Its (width, height) in pixels.
        name: Of what is shown.
        focus: What of it. What a person has changed since outranks it, until it says something
            that was never told for this picture.
        key: The widget's.
        on_change: Called with the picture's name and what is shown of it once a person has moved
            it.
    """
    packet = Packet()
    header = {"name": name, "width": size[0], "height": size[1], "view": asdict(focus)}
    header["picture"] = packet.add(jpeg)

    def heard() -> None:
        told = dict(st.session_state[key]["view"])
        on_change(told.pop("name"), Focus(**told))

    _component(data=packet.sealed(header), key=key, on_view_change=whole(heard))
