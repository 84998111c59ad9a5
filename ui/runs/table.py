"""Runs as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from asma_core.data.masks.palette import ADVERSARIAL, TARGET
from asma_core.metrics.score import LOST, REMOVED
from asma_core.runs.run import Run
from ui.address.links import open_page
from ui.common import services
from ui.common.format import SCORE_LABELS, attack_title, moment, outcome
from ui.common.rerun import whole
from ui.common.sign_in import people_sign_in
from ui.pictures.encoding import jpeg_address
from ui.runs.link import run_view
from ui.runs.progress import status_text
from ui.runs.selection import select_on_page, selected_ids
from ui.runs.whose import whose_words

KEY: Final = "runs-table"
SHOWN: Final = f"{KEY}-shown"
CLICKED: Final = f"{KEY}-clicked"
ROW_HEIGHT: Final = 66
OF_FILE: Final = "Of the file as saved, in 8 bits"
# Goals that share no column with the overlap; shown where a run has them.
OTHER_SCORES: Final = {
    "structure_removed": SCORE_LABELS[REMOVED],
    "iou_lost": SCORE_LABELS[LOST],
}
HEADER_HEIGHT: Final = 36
MOST_HEIGHT: Final = 640
# The table's own export knows nothing of formulas and its search only of this page.
STYLE: Final = f"""<style>
[class*="st-key-{KEY}"] [data-testid="stElementToolbar"] {{ display: none; }}
</style>"""


def run_table(runs: Sequence[Run], pictures: Mapping[str, bytes | None]) -> None:
    """Show a page of runs as a table: a row opens its run, and can be ticked at its beginning.

    Args:
        runs: Of this page, in order.
        pictures: As `ui.runs.pictures.run_pictures` gives them.
    """
    ids = [run.id for run in runs]
    rows = [place for place, item in enumerate(ids) if item in selected_ids()]
    key = _table_key(ids, rows)
    st.html(STYLE)
    st.dataframe(
        pd.DataFrame([_row(run, pictures.get(run.id)) for run in runs]).drop(columns=_unused(runs)),
        key=key,
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=min(HEADER_HEIGHT + ROW_HEIGHT * len(runs) + 2, MOST_HEIGHT),
        column_config=_columns(),
        placeholder="n/a",
        on_select=whole(partial(_selected, key)),
        selection_default={"selection": {"rows": rows}},
        selection_mode=["multi-row", "single-cell"],
        alt="Runs",
    )


def _table_key(ids: list[str], rows: list[int]) -> str:
    """Return the table's key: another one when other rows, or ticks that it doesn't have, come.

    A click that was on its way meanwhile is for the table of before, and so for none of its rows.
    """
    shown, number = st.session_state.get(SHOWN, ((), 0))
    state = st.session_state.get(f"{KEY}-{number}")
    ticked = sorted(state["selection"]["rows"]) if state else []
    if shown != tuple(ids) or ticked != rows:
        number += 1
    st.session_state[SHOWN] = (tuple(ids), number)
    return f"{KEY}-{number}"


def _selected(key: str) -> None:
    ids, number = st.session_state[SHOWN]
    if key != f"{KEY}-{number}":
        return
    said = st.session_state[key]["selection"]
    select_on_page(ids, [ids[row] for row in said["rows"]])
    for row, _ in said["cells"]:
        st.session_state[CLICKED] = ids[row]


def open_clicked() -> None:
    """Leave for the run whose row was clicked, if one was."""
    clicked = st.session_state.pop(CLICKED, None)
    if clicked is not None:
        open_page(run_view(services.store().get(clicked)))


def _row(run: Run, picture: bytes | None) -> dict[str, Any]:
    spec, results = run.spec, run.results
    return {
        "picture": jpeg_address(picture) if picture else None,
        "run": run.id,
        "verdict": run.verdict,
        "outcome": outcome(run) if run.ended else status_text(run),
        "attack": attack_title(run),
        "iou": results.get("iou_8bit"),
        **{name: results.get(f"{name}_8bit") for name in OTHER_SCORES},
        "l2": results.get("l2_8bit"),
        "by": whose_words(run),
        "goal": run.goal,
        "ended": run.ending,
        "steps": results.get("steps"),
        "seconds": results.get("seconds"),
        "image": spec.image_name,
        "model": spec.model,
        "tags": run.tags,
        "created": moment(run.created),
        "words": _one_line(run.message or run.note),
    }


def _unused(runs: Sequence[Run]) -> list[str]:
    """Return the scores that no run of this page has, and whose they are where nobody signs in."""
    unused = [
        name
        for name in OTHER_SCORES
        if all(run.results.get(f"{name}_8bit") is None for run in runs)
    ]
    return unused if people_sign_in() else [*unused, "by"]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _columns() -> dict[str, Any]:
    text, figure = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "picture": st.column_config.ImageColumn(
            "",
            width=74,
            pinned=True,
            help=f"The adversarial image with the target ({TARGET.word}) and what the network "
            f"draws on it ({ADVERSARIAL.word})",
        ),
        "run": text("Run", width=86, pinned=True),
        "outcome": text("Outcome", width=130),
        "ended": text("Ended", width=130, help="Why it ended; that says nothing of the outcome"),
        "attack": text("Attack", width=92),
        "iou": figure(
            "IoU",
            width=72,
            format="%.3f",
            alignment="right",
            help=OF_FILE,
        ),
        **{
            name: figure(label, width=136, format="%.3f", alignment="right", help=OF_FILE)
            for name, label in OTHER_SCORES.items()
        },
        "l2": figure("L2", width=68, format="%.2f", help=OF_FILE),
        "steps": figure("Steps", width=66, format="%d"),
        "seconds": figure("Time", width=78, format="%.1f s", help="Seconds of the attack itself"),
        "image": text("Image", width=168),
        "by": text("By", width=180, help="Who asked for it; not shared: others don't see it"),
        "goal": text("Goal", width=210),
        "model": text("Network", width=146),
        "verdict": text("Verdict", width=104, pinned=True),
        "tags": text("Tags", width=120),
        "created": text("Created", width=140),
        "words": text("Message or note", width=320),
    }
