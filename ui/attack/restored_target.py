"""The target as it was left: of a run that is to be changed, or of a drawing before a reload."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.runs.run import Run
from asma_core.runs.target_source import RUN, TargetSource
from ui.address import browser as address
from ui.address.views import AttackView
from ui.attack.form import fill_form
from ui.attack.source_choice import AttackSource
from ui.attack.target_choice import BaseMask, fill_start
from ui.common import services
from ui.common.network_choice import fill_network
from ui.editor.canvas import MaskDrawing
from ui.editor.drafts import Draft, keep_draft, open_draft


@dataclass
class _Left:
    """What the session found in its address."""

    asked: tuple[str, str]
    image: str = ""
    start: BaseMask | None = None


def restore(key: str) -> None:
    """Take over what a new address names: a run's settings, network and target, or a draft.

    Call it before the widgets of the page, as it sets their values.
    """
    asked = _asked()
    left: _Left | None = st.session_state.get(f"{key}-left")
    if left is not None and left.asked == asked:
        return
    left = st.session_state[f"{key}-left"] = _Left(asked)
    if asked[0]:
        _take_run(key, left, services.store().get(asked[0]))
    elif asked[1]:
        _take_draft(left, asked[1])
    if left.start is not None:
        fill_start(key)


def restored_start(key: str, chosen: AttackSource) -> BaseMask | None:
    """Return the target as it was left, if it belongs to this image."""
    left: _Left | None = st.session_state.get(f"{key}-left")
    if left is None or left.start is None or left.image != chosen.source.name:
        return None
    return left.start if left.start.mask.shape == chosen.source.shape else None


def save_draft(key: str, chosen: AttackSource, start: BaseMask, drawing: MaskDrawing) -> None:
    """Keep a drawing under the key in the address, so that a reload brings it back."""
    state = st.session_state
    if not drawing.objects and f"{key}-draft" not in state:
        return
    now = (chosen.source.name, _fingerprint(start.mask), drawing.objects)
    if state.get(f"{key}-drafted") != now:
        draft = Draft(chosen.source.name, start.mask, start.origin, drawing.objects, start.counted)
        state[f"{key}-draft"] = keep_draft(draft, state.get(f"{key}-draft"))
        state[f"{key}-drafted"] = now
    if address.current(AttackView).draft != state[f"{key}-draft"]:
        address.change(AttackView, draft=state[f"{key}-draft"], from_run="")
    state[f"{key}-left"].asked = _asked()


def _asked() -> tuple[str, str]:
    view = address.current(AttackView)
    return view.from_run, view.draft


def _fingerprint(mask: NDArray[np.int64]) -> int:
    return hash(mask.tobytes())


def _take_draft(left: _Left, name: str) -> None:
    draft = open_draft(name)
    if draft is not None:
        left.image = draft.image
        left.start = BaseMask(draft.base, draft.origin, draft.counted, draft.objects)


def _take_run(key: str, left: _Left, run: Run) -> None:
    spec = run.spec
    left.image = spec.image_name
    inputs = services.store().inputs(run)
    left.start = BaseMask(inputs.target, TargetSource(RUN, run.id), inputs.valid)
    fill_network(key, spec.model, spec.dataset)
    fill_form(key, spec)
