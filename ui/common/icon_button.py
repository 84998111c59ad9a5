"""Buttons that show an icon alone, and have a name all the same."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

# Streamlit gives a button of an icon no name but the icon's; a label that nobody sees is one.
_STYLE: Final = """<style>
.st-key-{key} button p {{ position: absolute; width: 1px; height: 1px; overflow: hidden;
clip-path: inset(50%); white-space: nowrap; }}
.st-key-{key} button {{ min-width: 2.5rem; }}
.st-key-{key} button * {{ gap: 0; margin-inline: 0; }}
</style>"""


def icon_button(place: Any, name: str, icon: str, key: str, **more: Any) -> None:
    """Show a button.

    Args:
        place: Streamlit itself, or a container of it.
        name: What it does: read aloud, and shown when the pointer rests on it.
        icon: A Material icon.
        key: The widget's; it is part of a style.
        more: Of Streamlit's button.
    """
    st.html(_STYLE.format(key=key))
    place.button(name, icon=icon, key=key, help=name, **more)


def icon_popover(place: Any, name: str, icon: str, key: str) -> Any:
    """Return what opens at a press; the arguments are as those of `icon_button`."""
    st.html(_STYLE.format(key=key))
    return place.popover(name, icon=icon, key=key, help=name)
