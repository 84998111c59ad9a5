"""Widgets of declared settings: what a setting is, and how it is shown, its declaration says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from asma_core.fields import BUTTONS, SLIDER, Declared
from ui.common.values import SESSION, initial


def setting_widget(
    place: Any, prefix: str, item: Declared, values: Mapping[str, Any] | None = None
) -> Any:
    """Show a setting as a widget; return what it says.

    Args:
        place: Streamlit itself, or a container of it.
        prefix: Begins the widget's key, which ends with the setting's name.
        item: The setting.
        values: First values by name, instead of the defaults.
    """
    first = (values or {}).get(item.name, item.default)
    key = initial(f"{prefix}-{item.name}", first, list(item.options) or None)
    common = {"key": key, "persist_state": SESSION, "help": item.rule.help or None}
    if item.options:
        return _choice(place, item, common)
    if item.kind is bool:
        return place.toggle(item.rule.label, **common)
    if item.kind is str:
        return place.text_input(item.rule.label, **common).strip()
    if item.rule.shown_as == SLIDER:
        return _slider(place, item, common)
    return _number(place, item, common)


def fill_settings(prefix: str, values: Mapping[str, Any]) -> None:
    """Set the widgets of settings by name; call it before they are shown."""
    for name, value in values.items():
        st.session_state[f"{prefix}-{name}"] = value


def _choice(place: Any, item: Declared, common: Mapping[str, Any]) -> Any:
    rule = item.rule
    names = {"options": list(item.options), "format_func": item.options.__getitem__, **common}
    if rule.shown_as == SLIDER:
        return place.select_slider(rule.label, **names)
    if rule.shown_as == BUTTONS:
        return place.segmented_control(rule.label, required=True, **names)
    return place.selectbox(rule.label, **names)


def _slider(place: Any, item: Declared, common: Mapping[str, Any]) -> Any:
    rule = item.rule
    label = f"{rule.label}, {rule.unit}" if rule.unit else rule.label
    return place.slider(label, **_range(item), **common)


def _number(place: Any, item: Declared, common: Mapping[str, Any]) -> Any:
    if item.kind is int:
        return int(place.number_input(item.rule.label, **_range(item), **common))
    # A value that may be chosen automatically is None then.
    empty = {} if item.kind is float else {"value": None, "placeholder": "automatic"}
    return place.number_input(item.rule.label, format="%.3g", **_range(item), **empty, **common)


def _range(item: Declared) -> dict[str, Any]:
    """Return ends and step, in the setting's own type; Streamlit takes them in no other."""
    rule = item.rule
    kind = int if item.kind is int else float
    step = rule.step or (1 if kind is int else None)
    open_end = rule.open_minimum or math.isinf(rule.minimum)
    return {
        "min_value": None if open_end else kind(rule.minimum),
        # What a browser's numbers hold exactly.
        "max_value": None if math.isinf(rule.maximum) else kind(min(rule.maximum, 2**53 - 1)),
        "step": None if step is None else kind(step),
    }
