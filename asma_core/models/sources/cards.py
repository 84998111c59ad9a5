"""Model cards: what a network is, what it takes and what it gives, as TOML beside its weights."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from asma_core import paths
from asma_core.data.datasets import Dataset
from asma_core.defences.registry import find_defence
from asma_core.errors import InputError, ModelError, UnknownNameError
from asma_core.models.sources.card_reading import read_card
from asma_core.models.sources.model_card import (
    EXPORT,
    FACTORY,
    MONAI,
    ONNX,
    PROGRAMS,
    TORCHSCRIPT,
    ModelCard,
)
from asma_core.models.wrapper.specs import CENTRE, InputSpec, OutputSpec

__all__ = [
    "EXPORT",
    "FACTORY",
    "ONNX",
    "PROGRAMS",
    "TORCHSCRIPT",
    "InputSpec",
    "ModelCard",
    "OutputSpec",
    "broken_cards",
    "check_fits",
    "find_card",
    "fits",
    "identity",
    "member_cards",
    "model_cards",
    "network_hash",
    "read_card",
    "unfit_member",
    "weights_hash",
]


def model_folders() -> list[tuple[Path, bool]]:
    """Return where cards lie, and whether the owner of the server put them there.

    The shipped ones, `models` of the data folder and the folders in `ASMA_MODELS` (separated like
    PATH) are the owner's; `uploads/models` of the data folder holds what others have uploaded.
    """
    listed = [part for part in os.environ.get("ASMA_MODELS", "").split(os.pathsep) if part]
    trusted = [paths.SHIPPED_MODELS, paths.home() / "models", *(Path(part) for part in listed)]
    return [*((folder, True) for folder in trusted), (uploads_folder(), False)]


def uploads_folder() -> Path:
    """Return where uploaded networks are kept."""
    return paths.home() / "uploads" / "models"


def _read_all() -> tuple[dict[str, ModelCard], dict[Path, str]]:
    cards: dict[str, ModelCard] = {}
    broken: dict[Path, str] = {}
    for folder, trusted in model_folders():
        for path in sorted(folder.glob("*.toml")):
            try:
                card = read_card(path, trusted)
            except ModelError as error:
                broken[path] = str(error)
            else:
                cards.setdefault(card.name, card)
    return cards, broken


def model_cards() -> dict[str, ModelCard]:
    """Return the cards by name: the shipped ones, the owner's, then the uploaded ones.

    Of two with the same name the first counts, so that nothing replaces a shipped network. A card
    that can't be read hides no other; `broken_cards` has them.
    """
    return _read_all()[0]


def broken_cards() -> dict[Path, str]:
    """Return the cards that can't be read, with what is wrong in a sentence."""
    return _read_all()[1]


def find_card(name: str) -> ModelCard:
    """Return the card of that name.

    Raises:
        UnknownNameError: There is none.
        ModelError: There is a file of that name which can't be read.
    """
    cards, broken = _read_all()
    if name in cards:
        return cards[name]
    wrong = next((message for path, message in broken.items() if path.stem == name), None)
    if wrong is not None:
        raise ModelError(wrong)
    raise UnknownNameError("model", name, sorted(cards))


def fits(card: ModelCard, dataset: Dataset) -> bool:
    """Tell whether a network and a data set have the same classes, as far as their number says.

    A data set without masks has no classes of its own and fits every network.
    """
    return not dataset.masked or len(card.classes) == len(dataset.classes)


def check_fits(card: ModelCard, dataset: Dataset) -> None:
    """Check that a network and a data set have the same number of classes.

    Raises:
        InputError: They have not.
    """
    if not fits(card, dataset):
        raise InputError(
            f"{card.name} has {len(card.classes)} classes and {dataset.name} has "
            f"{len(dataset.classes)}; choose a network of the same classes, or say which count as "
            f"which: python -m asma_core map-classes --model {card.name} --dataset {dataset.name}"
        )


def weights_hash(card: ModelCard) -> str:
    """Return the SHA-256 of a card's weights, in hex; of a factory its module's too.

    Of an ensemble it is that of its members' weights.

    Raises:
        ModelError: They can't be read any more.
    """
    if card.members:
        joined = "".join(weights_hash(member) for member in member_cards(card))
        return hashlib.sha256(joined.encode()).hexdigest()
    try:
        digests = [_digest(path) for path in _files(card)]
    except OSError as error:
        raise ModelError(
            f"{card.weights} can't be read ({error.strerror}); restore the weights"
        ) from error
    return (
        digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )


def identity(card: ModelCard) -> dict[str, Any]:
    """Return all on a card that changes what the network says of an image, as plain values.

    Two cards over the same weights that share it are one network; their names and classes' names
    may differ. Of an ensemble it holds the hashes of its members.

    Raises:
        ModelError: A member can't be read any more.
    """
    told = {name: getattr(card, name) for name in ("architecture", "program", "factory")}
    # Only where it is another one, so that networks keep the hash that runs have recorded.
    told |= {} if card.library == MONAI else {"library": card.library}
    told |= {"arguments": card.arguments, "classes": len(card.classes)}
    told |= {"defences": [one.as_dict() for one in card.defences]} if card.defences else {}
    told |= {"members": [network_hash(one) for one in member_cards(card)]} if card.members else {}
    told |= {"input": asdict(card.input), "output": asdict(card.output)}
    # As it comes back from a record: tuples as lists.
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain


def network_hash(card: ModelCard) -> str:
    """Return the SHA-256 of a network: its weights and `identity`, in hex.

    Raises:
        ModelError: Its weights can't be read any more.
    """
    told = json.dumps([identity(card), weights_hash(card)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def member_cards(card: ModelCard) -> list[ModelCard]:
    """Return the cards of an ensemble's members; none of any other network.

    Raises:
        ModelError: One is gone, or can be no member any more.
    """
    known, classes = (
        model_cards() if card.members else {},
        card.output.own_classes(len(card.classes)),
    )
    for name in card.members:
        if name not in known:
            raise ModelError(
                f"{name}, a member of {card.name}, is gone; put it back, or make another ensemble "
                f"of {', '.join(one for one in card.members if one != name)}"
            )
        fault = unfit_member(known[name], classes)
        if fault:
            raise ModelError(f"{card.name} is no ensemble any more: {fault}")
    return [known[name] for name in card.members]


def unfit_member(card: ModelCard, classes: int) -> str:
    """Return in a sentence why a network can be no member of an ensemble, or ""."""
    if card.members:
        return f"{card.name} is an ensemble itself; name its members: {', '.join(card.members)}"
    drawing = [one.name for one in card.defences if find_defence(one.name).random]
    if drawing:
        return (
            f"{card.name} stands behind {drawing[0]}, which draws; take the network without "
            f"it, and stand {drawing[0]} before the ensemble"
        )
    if not card.takes_gradients:
        return f"{card.name} gives outputs alone and no gradients; take networks that give both"
    if card.output.fit == CENTRE:
        return f"{card.name} answers for the centre of an image only; take networks that answer all"
    if len(card.classes) != classes:
        return f"{card.name} has {len(card.classes)} classes and the ensemble {classes}"
    return ""


def _files(card: ModelCard) -> list[Path]:
    module = card.factory.partition(":")[0].rpartition(".")[2]
    if not card.factory or card.weights.suffix == ".py":
        return [card.weights]
    beside = card.weights.parent / f"{module}.py"
    return [card.weights, *([beside] if beside.is_file() else [])]


def _digest(path: Path) -> str:
    status = path.stat()
    return _hash(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _hash(path: Path, _modified: int, _size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            digest.update(chunk)
    return digest.hexdigest()
