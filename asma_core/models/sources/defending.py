"""Standing defences before a network; what comes of it is a network of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from asma_core.data.datasets import Dataset
from asma_core.defences.contract import Defence
from asma_core.defences.registry import find_defence, in_words, settings_of
from asma_core.errors import InputError
from asma_core.fields import config_from_text
from asma_core.lazy import torch
from asma_core.models.sources.card_reading import MOST_DEFENCES
from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.derived import keep_derived
from asma_core.models.sources.learning import learns, learnt
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.sources.names import check_model_name


def defence_from_text(name: str, values: Mapping[str, str]) -> Defence:
    """Return a defence with all its settings, of texts as the command line gives them.

    Raises:
        UnknownNameError: No such defence, or no such setting.
        InputError: A text that is no value, or a value outside its range.
    """
    return Defence(name, config_from_text(find_defence(name).settings, values).as_dict())


def defended(card: ModelCard, defence: Defence, name: str) -> ModelCard:
    """Return the card of a network behind one more defence, which nobody keeps yet.

    Args:
        card: Of the network; it may stand behind defences already, the new one comes first.
        defence: With its settings.
        name: Of the new network.

    Raises:
        UnknownNameError: No such defence, or no such setting.
        InputError: A value of another type or outside its range, or too many defences.
    """
    complete = Defence(defence.name, settings_of(defence).as_dict())
    defences = (complete, *card.defences)
    if len(defences) > MOST_DEFENCES:
        raise InputError(
            f"{card.name} stands behind {MOST_DEFENCES} defences already; take the network itself"
        )
    words = in_words(defences)
    base = card.base or card.name
    return replace(
        card,
        name=name,
        title=name,
        description=f"{base} behind {words}.",
        defences=defences,
        base=base,
        figures={},
    )


def draws_at_random(name: str) -> bool:
    """Tell whether a network of that name stands behind a defence that draws."""
    card = model_cards().get(name)
    return card is not None and any(find_defence(one.name).random for one in card.defences)


def keep_defended(
    card: ModelCard, defence: Defence, name: str, dataset: Dataset | None = None
) -> ModelCard:
    """Keep a network behind one more defence as a network of its own; return its card.

    Args:
        card: Of the network.
        defence: With its settings.
        name: Of the new network.
        dataset: That a defence learns from which learns.

    Raises:
        UnknownNameError, InputError: As for `defended`; or the name can't be or is taken, Python
            code makes the network, or there is nothing to learn from.
        ModelError: The network lacks what the defence needs, which is looked for in torch.
        StoreError: The data folder can't be written.
    """
    if card.factory:
        table = {"name": defence.name, **settings_of(defence).as_dict()}
        raise InputError(
            f"{card.name} is made by Python code; add [[defences]] with {_toml(table)} to a card "
            "beside it yourself"
        )
    check_model_name(name)
    if dataset is not None:
        defence = learnt(defence, dataset)
    if learns(defence):
        title = find_defence(defence.name).title
        raise InputError(f"{title} learns from images first; name a data set with --dataset")
    made = defended(card, defence, name)
    if find_defence(defence.name).check is not None:
        from asma_core.models.sources.loading import load_card

        load_card(made, torch.device("cpu"))
    return keep_derived(card, made)


def _toml(table: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in table.items())
