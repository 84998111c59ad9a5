"""The judging strip: verdict, note and tags of the run on screen, and the way to the next one.

What a person says is sent with the run that it was said of, so that nothing that comes between,
neither a step to another run nor a page that is left, can bring it to another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.accounts.current import account
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from ui.address.views import CompareView
from ui.common import services
from ui.common.errors import show_errors
from ui.common.format import moment, run_line
from ui.common.lasting import lasting_script
from ui.common.outbox import told
from ui.judging.saving import FIELDS, refused
from ui.judging.verdict import LONGEST_NOTE, LONGEST_VERDICT, VERDICTS, tag_list

BAR: Final = "bar"
PANEL: Final = "panel"
PANEL_WIDTH: Final = 420
_FOLDER: Final = Path(__file__).parent
_component = st.components.v2.component(
    "asma_judging_strip",
    html=(_FOLDER / "strip.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "strip.css").read_text(encoding="utf-8"),
    js=lasting_script()
    + (_FOLDER / "two_sayings.js").read_text(encoding="utf-8")
    + (_FOLDER / "strip.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Stop:
    """A run on the way that one steps through.

    Attributes:
        id: Of the run.
        line: What tells it from others.
        judged: Whether it has a verdict.
        tags: What it is tagged with.
    """

    id: str
    line: str
    judged: bool
    tags: str


def stop_at(run: Run) -> Stop:
    """Return a run as one of those that one steps through."""
    return Stop(run.id, run_line(run), bool(run.verdict), run.tags)


def judging_strip(run: Run, key: str, along: Sequence[Stop] = (), place: str = BAR) -> None:
    """Let a person judge a run; what is said is saved while it is said.

    Args:
        run: The one that is on screen.
        key: Unique on the page.
        along: The runs of Compare that one steps through, in order; none leaves the steps away.
        place: `BAR` stays at the window's lower edge, `PANEL` where it is called.
    """
    with show_errors():
        store = services.store()
        _component(
            data=_data(store.get(run.id), along, place) | _of_two(store, run.id),
            key=key,
            width="stretch" if place == BAR else PANEL_WIDTH,
            height="content",
        )


def _of_two(store: RunStore, run: str) -> dict[str, Any]:
    """Return what this session said and another one forestalled, and who said that when."""
    judged, kept, own = store.judgements.of(run), refused(run), account().name
    two = {}
    for field, called in FIELDS.items():
        who, at = judged.get(field, ("", 0.0))
        written = f" at {moment(at)}" if at else ""
        other = who if who not in ("", own) else "Somebody else"
        two[field] = {"refused": kept.get(field), "changed": f"{other} changed {called}{written}"}
    return {"two": two, "who": own}


def _data(run: Run, along: Sequence[Stop], place: str) -> dict[str, Any]:
    return {
        "place": place,
        "run": run.id,
        "verdict": run.verdict,
        "note": run.note,
        "tags": run.tags,
        "known_tags": sorted({tag for other in along for tag in tag_list(other.tags)}),
        "verdicts": VERDICTS,
        "longest": {"verdict": LONGEST_VERDICT, "note": LONGEST_NOTE},
        "along": [{"id": other.id, "line": other.line, "judged": other.judged} for other in along],
        "parameters": [CompareView.parameter_of(name) for name in ("run", *CompareView.OF_A_RUN)],
        **told(),
    }
