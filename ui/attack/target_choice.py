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
from asma_core.fields import declared
from asma_core.runs import target_source
from asma_core.runs.sources import mask_from_file, target_from_sample
from asma_core.runs.target_source import TargetSource
from ui.attack.source_choice import AttackSource
from ui.common.errors import show_error
from ui.common.settings_form import setting_widget
from ui.common.values import SESSION, initial

PREDICTION: Final = "the prediction"
TRUTH: Final = "the truth"
OTHER: Final = "another image's mask"
FILE: Final = "a file"
NOTHING: Final = "nothing"
RESTORED: Final = "the target as it was"


@dataclass(frozen=True)
class BaseMask:
    """A mask to draw on.

    Attributes:
        mask: int64 (H, W).
        origin: Where it comes from.
        counted: bool (H, W), False where it is void; None for all.
        drawn: Shapes that were drawn over it before, as the canvas has them.
    """

    mask: NDArray[np.int64]
    origin: TargetSource
    counted: NDArray[np.bool_] | None = None
    drawn: list[dict[str, Any]] | None = None


def counted_target(start: BaseMask, drawn: NDArray[np.int64]) -> Mask:
    """Return what was drawn over a start as a target: void stays void where nobody drew."""
    if start.counted is None:
        return Mask(drawn, np.ones(drawn.shape, dtype=np.bool_))
    return Mask(drawn, start.counted | (drawn != start.mask))


def fill_start(key: str) -> None:
    """Choose the target as it was left, unchanged; call it before the choice is shown."""
    st.session_state[f"{key}-start"] = RESTORED
    st.session_state[f"{key}-scenario"] = None


def choose_start(
    key: str, chosen: AttackSource, prediction: NDArray[np.int64], left: BaseMask | None = None
) -> BaseMask:
    """Show the choice of a start and a scenario; return what they make.

    Args:
        key: Begins the keys of the widgets.
        chosen: The image and its network.
        prediction: int64 (H, W), of the image.
        left: The target of this image as it was left, if there is one; it is the first choice.
    """
    options = [PREDICTION, NOTHING, FILE]
    if chosen.source.truth is not None:
        options.insert(1, TRUTH)
    if chosen.dataset is not None:
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
    return _changed(key, start, len(chosen.card.classes))


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
    place = names.index(chosen.source.sample) if chosen.source.sample in names else 0
    following = names[(place + 1) % len(names)]
    name = st.selectbox(
        "Mask of",
        names,
        key=initial(f"{key}-other-{chosen.dataset.name}-{chosen.source.sample}", following, names),
        persist_state=SESSION,
    )
    mask = target_from_sample(chosen.dataset, chosen.dataset.find(name), chosen.source.shape)
    return BaseMask(mask.labels, TargetSource(target_source.SAMPLE, name), mask.valid)


def _file(key: str, chosen: AttackSource, prediction: NDArray[np.int64]) -> BaseMask:
    uploaded = st.file_uploader(
        "Mask file",
        type=["png", "bmp", "tif", "tiff"],
        key=f"{key}-mask-file",
        help="Class numbers as grey or palette values, as large as the image.",
    )
    if uploaded is None:
        return BaseMask(np.zeros_like(prediction), TargetSource(target_source.NOTHING))
    try:
        shape, classes = chosen.source.shape, len(chosen.card.classes)
        encoding = chosen.dataset.encoding if chosen.dataset is not None else None
        mask = mask_from_file(uploaded.getvalue(), shape, classes, uploaded.name, encoding)
    except AsmaError as error:
        show_error(error)
        return BaseMask(np.zeros_like(prediction), TargetSource(target_source.NOTHING))
    return BaseMask(mask.labels, TargetSource(target_source.FILE, uploaded.name), mask.valid)


def _changed(key: str, start: BaseMask, classes: int) -> BaseMask:
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
    if name is None:
        return start
    scenario = fitting[name]
    try:
        values = _values(key, scenario)
        mask = scenario.apply(start.mask, values)
    except AsmaError as error:
        show_error(error)
        return start
    origin = replace(start.origin, scenario=scenario.name, values=values)
    return BaseMask(mask, origin, start.counted)


def _values(key: str, scenario: Scenario) -> dict[str, Any]:
    settings = declared(scenario.settings)
    if not settings:
        return {}
    prefix = f"{key}-{scenario.name}"
    return {
        name: setting_widget(column, prefix, item)
        for column, (name, item) in zip(st.columns(len(settings)), settings.items(), strict=True)
    }
