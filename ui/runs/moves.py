"""Putting one's own runs that wait before or behind others of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asma_core.accounts.rights import may_change
from asma_core.errors import AsmaError
from asma_core.jobs.own_runs import FIRST, LATER, SOONER, move
from asma_core.runs.run import QUEUED, Run
from asma_core.runs.store import RunStore
from ui.common import services
from ui.common.errors import show_error
from ui.common.icon_button import icon_button
from ui.common.rerun import whole

MOVES: Final = (
    ("Sooner", ":material/arrow_upward:", SOONER),
    ("Later", ":material/arrow_downward:", LATER),
    ("Next of mine", ":material/vertical_align_top:", FIRST),
)
AMONG_OWN: Final = "Among your own runs; people take turns."


def move_buttons(place: Any, store: RunStore, ticked: Sequence[Run]) -> None:
    """Show buttons for the order of ticked runs; they can be pressed while one of one's own waits.

    Args:
        place: A container.
        store: Where the runs are.
        ticked: The runs; those that do not wait, or are somebody else's, stay where they are.
    """
    own = [run.id for run in ticked if run.state == QUEUED and may_change(run.author)]
    for word, icon, by in MOVES:
        icon_button(
            place,
            word,
            icon,
            f"runs-{word.lower().replace(' ', '-')}",
            disabled=not own,
            on_click=whole(_move),
            args=(store, own, by),
        )


def _move(store: RunStore, run_ids: Sequence[str], by: int) -> None:
    try:
        move(store, run_ids, by)
    except AsmaError as error:
        show_error(error)
    services.queue().look_again()
