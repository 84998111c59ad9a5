"""Where a target mask starts from: a mask that there is, and a scenario that changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.masks.label_maps import Mask
from asma_core.data.targets.scenarios import SCENARIOS, Scenario
from asma_core.errors import AsmaError
from asma_core.fields import Declared, declared
from asma_core.limited.reading import read
from asma_core.runs import target_source
from asma_core.runs.sources import mask_from_file, target_from_sample
from asma_core.runs.target_source import TargetSource
from ui.attack.source_choice import AttackSource
from ui.common.errors import show_error
from ui.common.file_choice import file_choice
from ui.common.settings_form import fill_settings, setting_widget
from ui.common.values import SESSION, initial
from ui.editor.drawings import Head

PREDICTION: Final = "the prediction"
TRUTH: Final = "the truth"
OTHER: Final = "another image's mask"
FILE: Final = "a file"
NOTHING: Final = "nothing"
RESTORED: Final = "the target as it was"
# Where the image may change, as long as nobody says otherwise.
EVERYWHERE: Final = "everywhere"
MASK_FILES: Final = ("png", "bmp", "tif", "tiff")


@dataclass(frozen=True)
class BaseMask:
    """A mask to draw on.

    Attributes:
        mask: int64 (H, W).
        origin: Where it comes from.
        counted: bool (H, W), False where it is void; None for all.
    """

    mask: NDArray[np.int64]
    origin: TargetSource
    counted: NDArray[np.bool_] | None = None


def counted_target(start: BaseMask, drawn: NDArray[np.int64]) -> Mask:
    """Return what was drawn over a start as a target: void stays void where nobody drew."""
    if start.counted is None:
        return Mask(drawn, np.ones(drawn.shape, dtype=np.bool_))
    return Mask(drawn, start.counted | (drawn != start.mask))


def usual_head(chosen: AttackSource) -> Head:
    """Return the choices with which an image is shown to somebody who has chosen nothing."""
    usual = {"start": PREDICTION, "other": "", "scenario": "", "values": {}}
    if chosen.dataset is not None and chosen.dataset.masked:
        usual |= {"start": OTHER, "other": _following(chosen)}
    return usual | {"region": EVERYWHERE, "margin": 0}


def _following(chosen: AttackSource) -> str:
    """Return the image after this one."""
    assert chosen.dataset is not None
    names = [sample.name for sample in chosen.dataset.samples]
    place = names.index(chosen.source.sample) if chosen.source.sample in names else 0
    return names[(place + 1) % len(names)]


def fill_start(key: str, chosen: AttackSource, head: Head) -> None:
    """Set start and scenario to what a head says; call it before they are shown."""
    state = st.session_state
    state[f"{key}-start"] = head.get("start")
    state[f"{key}-scenario"] = head.get("scenario") or None
    if head.get("other"):
        state[_other_widget(key, chosen)] = head["other"]
    scenario = SCENARIOS.get(head.get("scenario") or "")
    if scenario is not None:
        values = head.get("values")
        known = _settings(scenario)
        if isinstance(values, dict):
            fill_settings(
                f"{key}-{scenario.name}",
                {name: value for name, value in values.items() if name in known},
            )


def choose_start(
    key: str, chosen: AttackSource, prediction: NDArray[np.int64], left: BaseMask | None = None
) -> tuple[BaseMask, Head]:
    """Show the choice of a start and a scenario; return what they make, and what was chosen.

    Args:
        key: Begins the keys of the widgets.
        chosen: The image and its network.
        prediction: int64 (H, W), of the image.
        left: The target of this image as it was left, if there is one; it is the first choice.
    """
    options = [PREDICTION, NOTHING, FILE]
    if chosen.source.truth is not None:
        options.insert(1, TRUTH)
    if chosen.dataset is not None and chosen.dataset.masked:
        options.insert(0, OTHER)
    if left is not None:
        options.insert(0, RESTORED)
    columns = st.columns(2, vertical_alignment="bottom")
    kind = columns[0].selectbox(
        "Target starts from",
        options,
        key=initial(f"{key}-start", options[0], options),
        persist_state=SESSION,
    )
    with columns[1]:
        as_left = left is not None and kind == RESTORED
        start = left if as_left and left else _start(key, kind, chosen, prediction)
    return _changed(key, start, {"start": kind, "other": start.origin.name}, chosen)


def _start(key: str, kind: str, chosen: AttackSource, prediction: NDArray[np.int64]) -> BaseMask:
    if kind == OTHER and chosen.dataset is not None:
        return _other(key, chosen)
    if kind == FILE:
        return _file(key, chosen, prediction)
    if kind == TRUTH and chosen.source.truth is not None:
        return BaseMask(chosen.source.truth, TargetSource(target_source.TRUTH))
    if kind == NOTHING:
        return BaseMask(np.zeros_like(prediction), TargetSource(target_source.NOTHING))
    return BaseMask(prediction, TargetSource(target_source.PREDICTION))


def _other(key: str, chosen: AttackSource) -> BaseMask:
    assert chosen.dataset is not None
    names = [sample.name for sample in chosen.dataset.samples]
    name = st.selectbox(
        "Mask of",
        names,
        key=initial(_other_widget(key, chosen), _following(chosen), names),
        persist_state=SESSION,
    )
    mask = target_from_sample(chosen.dataset, chosen.dataset.find(name), chosen.source.shape)
    return BaseMask(mask.labels, TargetSource(target_source.SAMPLE, name), mask.valid)


def _other_widget(key: str, chosen: AttackSource) -> str:
    dataset = "" if chosen.dataset is None else chosen.dataset.name
    return f"{key}-other-{dataset}-{chosen.source.sample}"


def _file(key: str, chosen: AttackSource, prediction: NDArray[np.int64]) -> BaseMask:
    file = file_choice(
        "Mask file",
        MASK_FILES,
        f"{key}-mask-file",
        "Class numbers as grey or palette values, as large as the image.",
    )
    if file is None:
        return BaseMask(np.zeros_like(prediction), TargetSource(target_source.NOTHING))
    try:
        shape, classes = chosen.source.shape, len(chosen.card.classes)
        encoding = chosen.dataset.encoding if chosen.dataset is not None else None
        mask = read(file.name, mask_from_file, file.data, shape, classes, file.name, encoding)
    except AsmaError as error:
        show_error(error)
        return BaseMask(np.zeros_like(prediction), TargetSource(target_source.NOTHING))
    return BaseMask(mask.labels, TargetSource(target_source.FILE, file.name), mask.valid)


def _changed(key: str, start: BaseMask, head: Head, chosen: AttackSource) -> tuple[BaseMask, Head]:
    classes = len(chosen.card.classes)
    fitting = {
        name: scenario
        for name, scenario in SCENARIOS.items()
        if scenario.minimum_classes <= classes
    }
    name = st.segmented_control(
        "Scenario",
        list(fitting),
        wrap=True,
        format_func=lambda item: fitting[item].label,
        key=initial(f"{key}-scenario", None, [None, *fitting]),
        persist_state=SESSION,
        help="  \n".join(f"**{item.label}**: {item.help}" for item in fitting.values()),
    )
    head |= {"scenario": name or "", "values": {}}
    if name is None:
        return start, head
    scenario = fitting[name]
    values = _scenario_form(key, scenario)
    head["values"] = values
    try:
        mask = scenario.apply(start.mask, values)
    except AsmaError as error:
        show_error(error)
        return start, head
    origin = replace(start.origin, scenario=scenario.name, values=values)
    return BaseMask(mask, origin, start.counted), head


def _scenario_form(key: str, scenario: Scenario) -> dict[str, Any]:
    settings = _settings(scenario)
    if not settings:
        return {}
    prefix = f"{key}-{scenario.name}"
    return {
        name: setting_widget(column, prefix, item)
        for column, (name, item) in zip(st.columns(len(settings)), settings.items(), strict=True)
    }


def _settings(scenario: Scenario) -> dict[str, Declared]:
    return declared(scenario.settings)
