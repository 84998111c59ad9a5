"""The target as it was left: of a run that is to be changed, or of a drawing before a reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.attacks.registry import ATTACKS
from asma_core.errors import AsmaError
from asma_core.fields import config_from_dict
from asma_core.runs.run import Run
from asma_core.runs.target_source import RUN as RUN_TARGET
from asma_core.runs.target_source import TargetSource
from ui.attack.form import DEFAULT_PRESET
from ui.attack.source_choice import Chosen
from ui.attack.target_choice import AS_LEFT, Start
from ui.common import services
from ui.editor.canvas import MaskDrawing
from ui.editor.drafts import Draft, keep_draft, open_draft

RUN: Final = "from"
DRAFT: Final = "draft"


@dataclass
class _Left:
    """What the session found in its address."""

    asked: tuple[str | None, str | None]
    image: str = ""
    start: Start | None = None


def take_left(key: str) -> None:
    """Take over what a new address names: a run's settings, network and target, or a draft.

    Call it before the widgets of the page, as it sets their values.
    """
    asked = (st.query_params.get(RUN), st.query_params.get(DRAFT))
    left: _Left | None = st.session_state.get(f"{key}-left")
    if left is not None and left.asked == asked:
        return
    left = st.session_state[f"{key}-left"] = _Left(asked)
    if asked[0]:
        _take_run(key, left, services.store().get(asked[0]))
    elif asked[1]:
        _take_draft(left, asked[1])
    if left.start is not None:
        st.session_state[f"{key}-start"] = AS_LEFT
        st.session_state[f"{key}-scenario"] = None


def left_start(key: str, chosen: Chosen) -> Start | None:
    """Return the target as it was left, if it belongs to this image."""
    left: _Left | None = st.session_state.get(f"{key}-left")
    if left is None or left.start is None or left.image != chosen.source.name:
        return None
    return left.start if left.start.mask.shape == chosen.source.shape else None


def keep_left(key: str, chosen: Chosen, start: Start, drawing: MaskDrawing) -> None:
    """Keep a drawing under the key in the address, so that a reload brings it back."""
    state = st.session_state
    if not drawing.objects and f"{key}-draft" not in state:
        return
    now = (chosen.source.name, _fingerprint(start.mask), drawing.objects)
    if state.get(f"{key}-drafted") != now:
        draft = Draft(chosen.source.name, start.mask, start.origin, drawing.objects, start.counted)
        state[f"{key}-draft"] = keep_draft(draft, state.get(f"{key}-draft"))
        state[f"{key}-drafted"] = now
    if st.query_params.get(DRAFT) != state[f"{key}-draft"]:
        st.query_params[DRAFT] = state[f"{key}-draft"]
        st.query_params.pop(RUN, None)
    state[f"{key}-left"].asked = (st.query_params.get(RUN), state[f"{key}-draft"])


def _fingerprint(mask: NDArray[np.int64]) -> int:
    return hash(mask.tobytes())


def _take_draft(left: _Left, name: str) -> None:
    draft = open_draft(name)
    if draft is not None:
        left.image = draft.image
        left.start = Start(draft.base, draft.origin, draft.counted, draft.objects)


def _take_run(key: str, left: _Left, run: Run) -> None:
    spec, state = run.spec, st.session_state
    left.image = spec.image_name
    inputs = services.store().inputs(run)
    left.start = Start(inputs.target, TargetSource(RUN_TARGET, run.id), inputs.valid)
    state[f"{key}-network-{spec.dataset}"] = spec.model
    for name, value in spec.execution.as_dict().items():
        state[f"{key}-{name}"] = value
    if spec.attack in ATTACKS:
        state[f"{key}-attack"] = spec.attack
        state[f"{key}-{spec.attack}-preset"] = DEFAULT_PRESET
        for name, value in _settings_as_now(run).items():
            state[f"{key}-{spec.attack}-{DEFAULT_PRESET}-{name}"] = value


def _settings_as_now(run: Run) -> Mapping[str, Any]:
    """Return a run's settings as the form has them now; none where they don't fit any more."""
    try:
        return config_from_dict(ATTACKS[run.spec.attack].config, run.spec.config).as_dict()
    except AsmaError:
        return {}
