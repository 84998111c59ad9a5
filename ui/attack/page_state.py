"""What the Attack page shows, as its address says it: taken over, said, and kept in a draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.runs.run import Run
from asma_core.runs.target_source import RUN, TargetSource
from ui.address import browser as address
from ui.address.views import AttackView
from ui.attack.form import AttackChoice, fill_form, said, take_form
from ui.attack.region_choice import FILE as REGION_FILE
from ui.attack.region_choice import fill_region
from ui.attack.source_choice import AttackSource, source_view, take_source
from ui.attack.target_choice import (
    EVERYWHERE,
    FILE,
    RESTORED,
    BaseMask,
    fill_start,
    usual_head,
)
from ui.common import services
from ui.common.errors import show_error
from ui.common.network_choice import fill_network
from ui.editor.drafts import Draft, is_known, keep_draft, new_key, open_draft
from ui.editor.drawings import Drawing, Drawings, Head, Kept
from ui.editor.shapes import REGION

GONE: Final = (
    "The drawing of this address is not here any more: drawings that nobody comes back to are "
    "kept for 30 days. The image is shown without it."
)
# Images, with the open one, of which a late drawing is still kept.
LATE: Final = 3


@dataclass(frozen=True)
class Left:
    """A target as it was left, which the page takes up when its image is shown.

    Attributes:
        image: Name or identity of the image.
        start: The mask that was drawn over.
        drawing: What was drawn; None keeps what is drawn of the region.
        head: The choices that made the mask.
    """

    image: str
    start: BaseMask
    drawing: Drawing | None
    head: Head


@dataclass(frozen=True)
class _Start:
    """The mask that an image's drawing is over.

    Attributes:
        start: The mask.
        number: Differs where the mask does.
    """

    start: BaseMask
    number: int

    def with_drawing(self, kept: Kept) -> tuple[Drawing, str, int]:
        """Return what tells one draft of the image from another."""
        return kept.drawing, repr(kept.head), self.number


def _again(head: Head | None) -> Head:
    """Return the choices of a draft; what hangs on a file or run is taken as it was."""
    head = dict(head or {})
    if head.get("start") in (None, FILE, RESTORED):
        head |= {"start": RESTORED, "other": "", "scenario": "", "values": {}}
    if head.get("region") == REGION_FILE:
        head["region"] = EVERYWHERE
    return head


def buttons(key: str) -> tuple[str, ...]:
    """Return the keys of the page's buttons, whose press is no choice."""
    return f"{key}-run", f"{key}-step1", f"{key}-step-1"


def follow_address(key: str) -> None:
    """Take over what an address from elsewhere names; call it before the page's widgets."""
    if not address.is_news(key, buttons(key)):
        return
    view = address.current(AttackView)
    state = st.session_state
    take_source(key, view)
    try:
        if view.draft != state.get(f"{key}-drafts"):
            _open_drafts(key, view.draft)
        if view.from_run:
            state[f"{key}-left"] = _of_run(key, services.store().get(view.from_run))
        if view.attack:
            take_form(key, view)
            state[f"{key}-complete"] = not (view.from_run or view.draft)
    except AsmaError as error:
        show_error(error)


def _of_run(key: str, run: Run) -> Left:
    spec = run.spec
    inputs = services.store().inputs(run)
    start = BaseMask(inputs.target, TargetSource(RUN, run.id), inputs.valid)
    fill_network(key, spec.model, spec.dataset)
    fill_form(key, spec)
    return Left(spec.image_name, start, None, _again(None))


def _open_drafts(key: str, drafts: str) -> None:
    """Go on with the drawings of another address; its owner's own stay as they are."""
    if drafts and not is_known(drafts):
        st.info(GONE, icon=":material/info:")
    elif drafts:
        st.session_state[f"{key}-seen"] = drafts
        st.session_state[f"{key}-read"] = set()


def _of_draft(key: str, chosen: AttackSource) -> Left | None:
    """Return what the drafts of the address have of an image, once."""
    state = st.session_state
    read: set[str] = state.setdefault(f"{key}-read", set())
    if chosen.identity in read:
        return None
    read.add(chosen.identity)
    draft = open_draft(state.get(f"{key}-seen", ""), (chosen.identity, chosen.source.name))
    if draft is None:
        return None
    start = BaseMask(draft.base, draft.origin, draft.counted)
    return Left(draft.image, start, draft.drawing, _again(draft.head))


def bring_back(key: str, chosen: AttackSource, drawings: Drawings) -> BaseMask | None:
    """Set start, scenario and region to those of the image's drawing, where the page has others.

    Call it before they are shown.

    Returns:
        The target as it was left, if there is one.
    """
    state = st.session_state
    identity = chosen.identity
    kept = drawings.of(identity)
    came = state.get(f"{key}-identity") != identity
    state[f"{key}-identity"] = identity
    left, of_run = _of_draft(key, chosen), state.get(f"{key}-left")
    if of_run is not None and of_run.image in (identity, chosen.source.name):
        left, state[f"{key}-left"] = of_run, None
    taken = False
    if left is not None:
        taken = _take_up(key, identity, kept, left, chosen.source.shape)
    elif state.pop(f"{key}-complete", False) and kept.drawing.empty:
        _fill(key, chosen, usual_head(chosen))
    late = drawings.take_late(identity)
    if late is not None:
        # After the draft, which is older.
        kept.give(late[0], _again(late[1]))
        taken = True
    turned = drawings.turned == identity
    known = kept.head is not None and (not kept.drawing.empty or kept.head["start"] == RESTORED)
    # `turned` stays until the page has run to its end: who draws at once after such an undo ends
    # this run, and the next one begins with the choices of before.
    if kept.head is not None and (turned or taken or (came and known)):
        _fill(key, chosen, kept.head)
    start: BaseMask | None = state.get(f"{key}-left-{identity}")
    return start


def _take_up(key: str, identity: str, kept: Kept, left: Left, shape: tuple[int, int]) -> bool:
    if left.start.mask.shape != shape:
        return False
    st.session_state[f"{key}-left-{identity}"] = left.start
    st.session_state[f"{key}-fresh"] = identity
    region = [item for item in kept.drawing.shapes if item["layer"] == REGION]
    kept.give(left.drawing or Drawing(tuple(region)), left.head)
    return True


def _fill(key: str, chosen: AttackSource, head: Head) -> None:
    fill_start(key, chosen, head)
    fill_region(key, head)


def say_address(
    key: str, chosen: AttackSource, start: BaseMask, drawings: Drawings, choice: AttackChoice
) -> None:
    """Write what is shown into the address; keep the target that it names.

    Args:
        key: Of the page's widgets.
        chosen: Image and network.
        start: The mask that is drawn over.
        drawings: All of the session, each with the choices that made its mask.
        choice: The attack.
    """
    kept = drawings.of(chosen.identity)
    attack = said(choice)
    now = address.current(AttackView)
    view = replace(
        source_view(key),
        network=chosen.card.name,
        attack=attack.attack,
        preset=attack.preset,
        settings=attack.settings,
    )
    as_left = kept.head is not None and kept.head["start"] == RESTORED
    if now.from_run and as_left and kept.drawing.empty:
        view = replace(view, from_run=now.from_run)
    else:
        view = replace(view, draft=_drafts(key, chosen, start, drawings))
    address.say(key, view, buttons(key))


def _drafts(key: str, chosen: AttackSource, start: BaseMask, drawings: Drawings) -> str:
    """Keep what was drawn, if there is something to keep; return the key of all drawings.

    What was drawn on an image just before it was left is heard when another is open.
    """
    state, identity = st.session_state, chosen.identity
    own, seen = state.get(f"{key}-drafts", ""), state.get(f"{key}-seen", "")
    saved: dict[str, Any] = state.setdefault(f"{key}-saved", {})
    shown: dict[str, _Start] = state.setdefault(f"{key}-shown", {})
    shown.pop(identity, None)
    shown[identity] = _Start(start, hash(start.mask.tobytes()))
    if len(shown) > LATE:
        del shown[next(iter(shown))]
    if state.pop(f"{key}-fresh", "") == identity and not own:
        saved[identity] = shown[identity].with_drawing(drawings.of(identity))
    for image, over in shown.items():
        kept = drawings.of(image)
        now = over.with_drawing(kept)
        usual = image != identity or kept.head == usual_head(chosen)
        if saved.get(image) == now or (kept.drawing.empty and usual and image not in saved):
            continue
        own = own or new_key(seen)
        base = over.start
        keep_draft(Draft(image, base.mask, base.origin, kept.drawing, base.counted, kept.head), own)
        state[f"{key}-drafts"] = own
        saved[image] = now
    return str(own or seen)
