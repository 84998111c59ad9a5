"""Saving what is said of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from asma_core.runs.store import RunStore
from ui.common.outbox import Hearer
from ui.judging.verdict import LONGEST_NOTE, cleaned_verdict, joined_tags

_CLEANED: Final[dict[str, Callable[[str], str]]] = {
    "verdict": cleaned_verdict,
    "note": lambda text: text[:LONGEST_NOTE],
    "tags": lambda text: joined_tags([text]),
}


def judgement_hearers(store: Callable[[], RunStore]) -> dict[str, Hearer]:
    """Return what takes in verdict, note and tags of a run; see `ui.common.outbox`.

    Args:
        store: Returns the store that the runs are in.
    """
    return {field: partial(_save, store, field) for field in _CLEANED}


def _save(store: Callable[[], RunStore], field: str, run: str, value: Any) -> None:
    store().annotate(run, **{field: _CLEANED[field](str(value))})
