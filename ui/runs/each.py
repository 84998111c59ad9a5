"""One action for several runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.runs.run import Run
from ui.common.errors import show_error


def counted(count: int, what: str = "run") -> str:
    """Return how many, in words: "1 run", "3 runs", "10,000 runs"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def do_each(runs: Sequence[Run], action: Callable[[Run], Any], done: str) -> list[Any]:
    """Do something with every run; say what could not be done, and go on with the others.

    Args:
        runs: The runs.
        action: What is done with one.
        done: What is said of those with which it was done, such as "judged".

    Returns:
        What the action returned where it could be done.
    """
    answers = []
    for run in runs:
        try:
            answers.append(action(run))
        except AsmaError as error:
            show_error(error)
    if answers:
        st.toast(f"{counted(len(answers))} {done}")
    return answers
