"""The reviewers' screen: what the browser is given of each picture, and nothing that tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.data.masks.palette import DASHES, PREDICTION
from asma_core.errors import StoreError
from asma_core.reviews.pictures import shown
from asma_core.reviews.questions import Question
from asma_core.reviews.review import Item, Review
from ui.common import services
from ui.common.looks import unseen_title
from ui.common.outbox import told
from ui.pictures.packing import Packet
from ui.pictures.script import shared_script

_FOLDER: Final = Path(__file__).parent
_component = st.components.v2.component(
    "asma_review_screen",
    html=(_FOLDER / "screen.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "screen.css").read_text(encoding="utf-8"),
    js=shared_script()
    + "".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("clock.js", "screen.js")),
)
# The one that is looked at, and the next, so that nobody waits for it.
AHEAD: Final = 2
ARROWS: Final = {"1": "ArrowLeft", "2": "ArrowRight"}
# Originals and attacked pictures are outlined alike.
LOOKS: Final = {"role": {"colour": PREDICTION.colour, "side": PREDICTION.side}, "dashes": DASHES}


def review_screen(review: Review, reviewer: str, answered: frozenset[int]) -> None:
    """Show what a reviewer has not answered yet, one after the other.

    Args:
        review: The review.
        reviewer: Who answers.
        answered: Turns that have an answer.
    """
    unseen_title("Review")
    _component(
        data=packed(review, reviewer, answered),
        key=f"review-screen-{review.id}",
        height="content",
    )


def packed(review: Review, reviewer: str, answered: frozenset[int]) -> bytes:
    """Return what the browser gets; the arguments are those of `review_screen`."""
    packet, order = Packet(), review.order(reviewer)
    gone = gone_turns(order)
    left = [turn for turn in range(len(order)) if turn not in answered | gone]
    items = [_item(packet, review, reviewer, turn, order[turn]) for turn in left[:AHEAD]]
    header = {
        "review": review.id,
        "reviewer": reviewer,
        "total": len(order),
        "answered": sorted(answered),
        "gone": sorted(gone),
        "asked": review.question.asked,
        "thing": "Pair" if review.question.of_pairs else "Picture",
        "answers": _answers(review.question),
        "items": items,
        **told(),
    }
    return packet.sealed(header)


def gone_turns(order: Iterable[Item]) -> frozenset[int]:
    """Return the turns whose run was deleted, and which nobody can answer any more."""
    folder = services.store().folder
    there = {item.run: folder(item.run).is_dir() for item in order}
    return frozenset(turn for turn, item in enumerate(order) if not there[item.run])


def _item(
    packet: Packet, review: Review, reviewer: str, turn: int, item: Item
) -> Mapping[str, Any]:
    try:
        seen = shown(services.store(), review, reviewer, item)
    except StoreError as error:
        # Its own sentence would name the run.
        raise StoreError("a picture of this review can't be read; tell who made it") from error
    return {
        "turn": turn,
        "width": seen.width,
        "height": seen.height,
        "pictures": [packet.add(picture) for picture in seen.pictures],
        "outline": packet.add(seen.outline) if seen.outline else None,
        "looks": LOOKS,
    }


def _answers(question: Question) -> list[dict[str, Any]]:
    return [
        {"value": value, "label": label, "keys": _keys(question, value)}
        for value, label in question.answers.items()
    ]


def _keys(question: Question, value: str) -> list[str]:
    """Return the keys that mean an answer: its number or first letter, of a pair an arrow too."""
    return [value[0], *([ARROWS[value]] if question.of_pairs else [])]
