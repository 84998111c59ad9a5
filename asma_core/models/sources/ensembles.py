"""Ensembles: a card that names other networks, whose mean it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.belongings import NETWORK, claim
from asma_core.accounts.rights import check_making
from asma_core.errors import InputError
from asma_core.files import write_bytes
from asma_core.models.sources.card_reading import read_card
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import find_card, unfit_member, uploads_folder
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.sources.names import check_model_name
from asma_core.models.wrapper.specs import InputSpec

MOST_MEMBERS: Final = 16


def ensemble(names: Sequence[str], name: str) -> ModelCard:
    """Return the card of an ensemble, which nobody keeps yet.

    Args:
        names: Of its members.
        name: Of the new network.

    Raises:
        UnknownNameError: There is no such network.
        ModelError: A card can't be read.
        InputError: Fewer than two, more than `MOST_MEMBERS`, the same twice, other classes, or a
            network that can't be a member.
    """
    if not 2 <= len(names) <= MOST_MEMBERS:
        raise InputError(f"an ensemble has 2 to {MOST_MEMBERS} members, got {len(names)}")
    twice = next((one for place, one in enumerate(names) if one in names[:place]), None)
    if twice is not None:
        raise InputError(f"{twice} is named twice; name each member once")
    members = [find_card(one) for one in names]
    first = members[0]
    for member in members:
        if member.classes != first.classes:
            raise InputError(
                f"{member.name} has the classes {', '.join(member.classes)} and {first.name} has "
                f"{', '.join(first.classes)}; an ensemble needs the same of all. Keep one in the "
                "other classes first: Use it with a data set of other classes, or map-classes"
            )
        fault = unfit_member(member, len(first.classes))
        if fault:
            raise InputError(fault)
    channels = 1 if all(member.input.channels == 1 for member in members) else 3
    words = f"{', '.join(names[:-1])} and {names[-1]}"
    sets = {member.dataset for member in members}
    folder = paths.home() / "models" if _trusted(members) else uploads_folder()
    return ModelCard(
        name=name,
        title=f"Ensemble of {words}"[:200],
        description=f"The mean of the probabilities of {words}.",
        weights=folder / f"{name}.toml",
        architecture="",
        arguments={},
        input=InputSpec(channels, 0, 1, (0.0,) * channels, (1.0,) * channels),
        classes=first.classes,
        dataset=sets.pop() if len(sets) == 1 else "",
        synthetic=all(member.synthetic for member in members),
        trusted=_trusted(members),
        members=tuple(names),
    )


def keep_ensemble(names: Sequence[str], name: str) -> ModelCard:
    """Keep an ensemble as a network of its own; return its card.

    Raises:
        UnknownNameError, ModelError, InputError: As for `ensemble`; or its name can't be, or is
            taken.
        NotAllowedError: Who acts may not make networks.
        StoreError: The data folder can't be written.
    """
    who = check_making()
    made = ensemble(names, check_model_name(name))
    claim(NETWORK, made.name, who, shared=True)
    write_bytes(made.weights, card_text(made).encode())
    audit.record("make", f"network {made.name}")
    return read_card(made.weights, made.trusted)


def _trusted(members: Sequence[ModelCard]) -> bool:
    return all(member.trusted for member in members)
