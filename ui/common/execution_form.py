"""The form of how a run is carried out, made from `Execution`."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any, Final

from asma_core.fields import Declared, declared
from asma_core.runs.execution import Execution
from ui.common.settings_form import fill_settings, setting_widget

ALL: Final = tuple(item.name for item in fields(Execution))


def execution_form(place: Any, key: str, names: Collection[str] = ALL) -> Execution:
    """Show how a run is carried out; return what was chosen.

    Args:
        place: Streamlit itself, or a container of it.
        key: Begins the widgets' keys, which end with the arguments' names.
        names: Of the arguments that are asked for; the others are as usual.
    """
    shown = {name: item for name, item in _offered().items() if name in names}
    return Execution(**{name: setting_widget(place, key, item) for name, item in shown.items()})


def fill_execution(key: str, execution: Execution) -> None:
    """Set the form; call it before it is shown."""
    fill_settings(key, execution.as_dict())


def _offered() -> dict[str, Declared]:
    """Return what this machine has a choice of."""
    items = declared(Execution)
    if shutil.which("nvidia-smi") is None:
        del items["precision"]
        device = items["device"]
        without = {name: text for name, text in device.rule.offered.items() if name != "cuda"}
        items["device"] = replace(device, rule=replace(device.rule, offered=without))
    return items
