"""Taking in a network that somebody else has trained."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.belongings import NETWORK, check_changing_it, forget
from asma_core.errors import InputError, ModelError
from asma_core.files import as_store_error, write_bytes
from asma_core.models.sources.architectures import complete
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import ONNX, ModelCard, model_cards, read_card, uploads_folder
from asma_core.models.sources.names import check_model_name
from asma_core.models.wrapper.specs import (
    LOGITS,
    ONE_LOGIT,
    ONE_PROBABILITY,
    InputSpec,
    OutputSpec,
    input_table,
    output_table,
)


def drafted(
    name: str,
    weights: Path,
    architecture: str,
    arguments: Mapping[str, Any],
    classes: Sequence[str],
    spec: InputSpec,
    reading: str = LOGITS,
    dataset: str = "",
    title: str = "",
    description: str = "",
    looked: Mapping[str, Any] | None = None,
) -> ModelCard:
    """Return the card of a network of which only the weights are there.

    Args:
        name: Of the network.
        weights: The file.
        architecture: Class of `monai.networks.nets`.
        arguments: What it is called with, without the numbers of channels and classes.
        classes: Names, background first.
        spec: What it takes.
        reading: How its answer is read.
        dataset: That it was trained on.
        title: For people.
        description: What it is.
        looked: What `guessing.look_at` returns of a file that is the whole network; such a card has
            no architecture.
    """
    whole = looked or {}
    outputs = 1 if reading in (ONE_LOGIT, ONE_PROBABILITY) else len(classes)
    return ModelCard(
        name=name,
        title=title or name,
        description=description or f"{architecture or 'ONNX'}, imported from {weights.name}.",
        weights=weights,
        architecture=architecture,
        arguments=complete(spec.channels, outputs, arguments) if architecture else {},
        program=whole.get("program", ""),
        input=spec,
        classes=tuple(name.strip() for name in classes),
        output=OutputSpec(reading=reading, element=tuple(whole.get("element", ()))),
        dataset=dataset,
    )


def import_card(path: Path, trusted: bool, name: str = "") -> ModelCard:
    """Keep the network of a card that lies beside its weights; return its new card.

    The weights are read without running anything, held against the architecture, and written
    again as safetensors. The card is written last, so that a network appears only when whole.

    Args:
        path: The card.
        trusted: Whether the owner of the server asks for it; only then may it name a program that
            runs code.
        name: Of the network; the card's by default.

    Raises:
        ModelError: The card or the weights can't be used, or do not fit each other.
        InputError: The name is taken.
        StoreError: The data folder can't be written.
    """
    card = read_card(path, trusted)
    card = replace(card, name=check_model_name(name or card.name))
    folder = paths.home() / "models" if trusted else uploads_folder()
    if card.members:
        raise InputError(
            f"{card.name} is an ensemble, which has no weights of its own; take in its members and "
            f"make it here: python -m asma_core ensemble --models {','.join(card.members)} --name "
            f"{card.name}"
        )
    if card.program:
        return _copied(card, folder, trusted)
    return _converted(card, folder, trusted)


def _converted(card: ModelCard, folder: Path, trusted: bool) -> ModelCard:
    from safetensors.torch import save

    from asma_core.models.sources.building import build_card, check_card
    from asma_core.models.sources.fitting import fit_weights
    from asma_core.models.sources.guessing import completed
    from asma_core.models.sources.weights import read_weights

    card = completed(card)
    check_card(card)
    state = read_weights(card.weights)
    tensors = dict(fit_weights(state, build_card(card), card.weights.name).kept)
    kept = replace(card, weights=folder / f"{card.name}.safetensors")
    write_bytes(kept.weights, save(tensors))
    write_bytes(folder / f"{card.name}.toml", card_text(kept).encode())
    return read_card(folder / f"{card.name}.toml", trusted)


def _copied(card: ModelCard, folder: Path, trusted: bool) -> ModelCard:
    """Copy a program with its card: any of the owner's, of others an ONNX file."""
    if card.factory:
        raise InputError(
            f"{card.name} is made by Python code; put its card and its package into {folder} "
            "yourself"
        )
    if card.program == ONNX:
        from asma_core.models.sources.onnx.network import look_at_onnx

        look_at_onnx(card.weights)
    with as_store_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        kept = replace(card, weights=folder / f"{card.name}{card.weights.suffix}")
        shutil.copyfile(card.weights, kept.weights)
    write_bytes(folder / f"{card.name}.toml", card_text(kept).encode())
    return read_card(folder / f"{card.name}.toml", trusted)


def can_forget(card: ModelCard) -> bool:
    """Tell whether a network was uploaded or trained here, so that it can be removed here."""
    return card.weights.parent in (uploads_folder(), paths.home() / "models") and not card.runs_code


def forget_model(name: str) -> None:
    """Remove a network that was uploaded or trained here.

    Raises:
        UnknownNameError: There is none.
        InputError: It was not put here by the workbench.
        NotAllowedError: It is somebody else's.
    """
    card = model_cards().get(name)
    if card is None or not can_forget(card):
        raise InputError(f"{name!r} was not uploaded or trained here, so it can't be removed here")
    check_changing_it(NETWORK, name)
    with as_store_error(card.weights):
        # The card first: without it nothing looks for the weights.
        for file in card.weights.parent.glob("*.toml"):
            if _names(file, name):
                file.unlink()
        card.weights.unlink(missing_ok=True)
    audit.record("delete", f"network {name}")
    forget(NETWORK, name)


def _names(file: Path, name: str) -> bool:
    try:
        return read_card(file, trusted=True).name == name
    except ModelError:
        return False


def describe(card: ModelCard) -> dict[str, Any]:
    """Return what the command line says of a network."""
    from asma_core.files import json_values

    return {
        "name": card.name,
        "title": card.title,
        "description": card.description,
        "architecture": card.architecture
        or ("ensemble" if card.members else f"{card.program} program"),
        "library": "" if card.program or card.members else card.library,
        "members": list(card.members),
        "gradients": card.takes_gradients,
        "classes": list(card.classes),
        "dataset": card.dataset,
        "source": card.source,
        "weights": str(card.weights),
        "input": input_table(card.input),
        "output": output_table(card.output),
        "owned": card.trusted,
        "figures": json_values(card.figures),
    }
