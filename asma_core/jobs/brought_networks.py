"""Networks that people bring: looked at, tried and taken in, in limited processes.

Not in the one that predicts: nobody's predictions wait for a stranger's network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from asma_core.data.datasets import Dataset
from asma_core.limited.reading import Answer, read_network
from asma_core.models.sources.draft import Choices


def check_network(card: Path, dataset: Dataset, samples: int) -> dict[str, Any]:
    """Check the network of a card on so many images; see `jobs.checks.check_on`.

    Raises:
        ModelError: The card or the weights can't be used, or take too much.
    """
    return _ask(card.name, _check, card, dataset, samples)


def import_network(card: Path) -> str:
    """Take in a network whose card lies beside its weights; return its name.

    Raises:
        ModelError: The card or the weights can't be used, or take too much.
        InputError: Its name is taken.
    """
    return _ask(card.name, _import, card)


def look_at_weights(weights: Path) -> dict[str, Any]:
    """Return what a file of weights is likely to be; see `models.sources.guessing`.

    Raises:
        ModelError: It can't be read, or takes too much.
    """
    return _ask(weights.name, _look_at, weights)


def draft_network(source: Path, into: Path, choices: Choices) -> dict[str, Any]:
    """Make a card and weights of a folder or a zip; see `models.sources.drafting`.

    Raises:
        InputError: It holds no network that is known, or a choice is not there.
        ModelError: It can't be taken in, or takes too much.
    """
    return _ask(source.name, _draft, source, into, choices)


def _ask(what: str, call: Callable[..., Answer], *arguments: Any) -> Answer:
    answer: Answer = read_network(what, _briefly, call, *arguments)
    return answer


def _briefly(call: Callable[..., Answer], *arguments: Any) -> Answer:
    """Return what a call returns; the device's memory is given back, as the process stays."""
    from asma_core.models.wrapper.memory import give_back_memory

    try:
        return call(*arguments)
    finally:
        give_back_memory()


def _check(card: Path, dataset: Dataset, samples: int) -> dict[str, Any]:
    from asma_core.jobs.checks import check_on
    from asma_core.models.sources.cards import read_card

    return check_on(read_card(card, trusted=False), dataset, samples)


def _import(card: Path) -> str:
    from asma_core.models.sources.importing import import_card

    return import_card(card, trusted=False).name


def _look_at(weights: Path) -> dict[str, Any]:
    from asma_core.models.sources.guessing import look_at

    return look_at(weights)


def _draft(source: Path, into: Path, choices: Choices) -> dict[str, Any]:
    from asma_core.models.sources import drafting

    return drafting.draft_network(source, into, choices)
