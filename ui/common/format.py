"""Numbers, times and words as the pages show them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from asma_core.attacks.registry import ATTACKS
from asma_core.metrics.score import (
    ALREADY_THERE,
    IOU,
    LOST,
    NOT_REACHED,
    REMOVED,
    SUCCESS,
)
from asma_core.runs.facts import told_outcome
from asma_core.runs.run import CANCELLED, Run

STATE_COLOURS: Final = {
    "queued": "gray",
    "running": "blue",
    "done": "green",
    "cancelled": "orange",
    "failed": "red",
    "interrupted": "red",
    "damaged": "red",
}


OUTCOME_COLOURS: Final = {SUCCESS: "green", ALREADY_THERE: "gray", NOT_REACHED: "orange"}
SCORE_LABELS: Final = {IOU: "IoU", REMOVED: "Structure removed", LOST: "IoU lost"}


def capitalised(words: str) -> str:
    """Return words as a sentence begins; the others keep their capitals."""
    return words[:1].upper() + words[1:]


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure with a fixed number of decimals, or "n/a" when it is undefined."""
    return "n/a" if value is None else f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """Return a time in words, such as "6 s" or "2 min 5 s"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def moment(seconds: float) -> str:
    """Return a point in time, seconds since 1970, in this server's time zone; n/a of none."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, TypeError, ValueError):
        return "n/a"


def outcome(run: Run) -> str:
    """Return whether a run's goal was reached, in words; its state while there is no result."""
    return told_outcome(run)


def standing_outcome(run: Run) -> str:
    """Return `outcome`, and that it was stopped where somebody did: two facts."""
    stopped = run.outcome and run.state == CANCELLED
    return f"{run.outcome}, stopped" if stopped else outcome(run)


def outcome_colour(run: Run) -> str:
    """Return Streamlit's colour for `outcome`."""
    return OUTCOME_COLOURS.get(run.outcome) or STATE_COLOURS[run.state]


def attack_title(run: Run) -> str:
    """Return an attack's name for people, or as the record has it when it is not there any more.

    That it was made to survive is said with it: beside one that was not it would look worse.
    """
    name = run.spec.attack
    title = ATTACKS[name].title if name in ATTACKS else name.upper()
    return f"{title}, made to survive" if run.spec.execution.survives else title


def described(name: str, title: str, description: str) -> str:
    """Return what is said below the name of a data set or a network.

    Pages call both by their names, as records, addresses and the command line do; the title stands
    here alone, and not where it only repeats the name.
    """
    return f"{title}. {description}" if title not in ("", name) else description


def score_label(run: Run) -> str:
    """Return what a run is judged by: "IoU", "Structure removed" or "IoU lost"."""
    return SCORE_LABELS.get(run.score_kind, "IoU")


def run_line(run: Run) -> str:
    """Return a run as one line of a choice, as plain text."""
    spec, judged = run.spec, f"   {run.verdict}" if run.verdict else ""
    score = number(run.results.get("score_8bit"))
    return (
        f"{run.id}   {attack_title(run)}   {spec.image_name}, {run.goal}   "
        f"{standing_outcome(run)}, {score_label(run)} {score}   {moment(run.created)}{judged}"
    )
