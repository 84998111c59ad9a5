"""Networks that are made of others: the same weights under a card of their own."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.belongings import NETWORK, claim
from asma_core.accounts.rights import check_making
from asma_core.files import as_store_error, write_bytes
from asma_core.models.sources.card_reading import read_card
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import uploads_folder
from asma_core.models.sources.model_card import ModelCard


def keep_derived(card: ModelCard, made: ModelCard) -> ModelCard:
    """Keep a network that another was made into; return its card as it is read back.

    Args:
        card: The other, whose weights it has; not one that Python code makes.
        made: Its card, with a name that is free.

    Raises:
        NotAllowedError: Who acts may not make networks.
        StoreError: The data folder can't be written.
    """
    who = check_making()
    folder = paths.home() / "models" if card.trusted else uploads_folder()
    weights = folder / f"{made.name}{card.weights.suffix}"
    with as_store_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not card.members:
            _copied(card.weights, weights)
    text = card_text(replace(made, weights=weights))
    claim(NETWORK, made.name, who, shared=True)
    write_bytes(folder / f"{made.name}.toml", text.encode())
    audit.record("make", f"network {made.name}")
    return read_card(folder / f"{made.name}.toml", card.trusted)


def _copied(source: Path, target: Path) -> None:
    """Give a file a second name, or a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
