"""From a folder, as other tools write it, to a card beside weights that can be checked and kept."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch

from asma_core.data.formats.archives import unpack
from asma_core.errors import InputError
from asma_core.files import as_store_error, write_bytes
from asma_core.models.sources.building import build_card, check_card
from asma_core.models.sources.bundles.drafting import bundle_draft, is_bundle
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.draft import Choices, Draft
from asma_core.models.sources.fitting import fit_weights
from asma_core.models.sources.huggingface.drafting import is_transformer, transformer_draft
from asma_core.models.sources.looks import FOREIGN, no_weights, notes_on
from asma_core.models.sources.names import check_model_name, free_model_name
from asma_core.models.sources.nnunet.drafting import nnunet_draft
from asma_core.models.sources.nnunet.folder import is_nnunet
from asma_core.server_config import settings

ZIP: Final = ".zip"
WANTED: Final = (".json", ".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".toml", ".pt2", ".onnx")
CARD: Final = "card.toml"
WEIGHTS: Final = "weights.safetensors"
# How far down a folder is looked for, and how many are looked at.
_DEPTH: Final = 4
_MOST_FOLDERS: Final = 2000


class _Kind(NamedTuple):
    """A way in which networks are kept: how to tell it, and how to take it in."""

    title: str
    fits: Callable[[Path], bool]
    draft: Callable[[Path, Choices], Draft]


KINDS: Final[Sequence[_Kind]] = (
    _Kind("nnU-Net v2", is_nnunet, nnunet_draft),
    _Kind("transformers", is_transformer, transformer_draft),
    _Kind("MONAI bundle", is_bundle, bundle_draft),
)


def holds_network(source: Path) -> bool:
    """Tell whether a path is a folder or a zip, from which `draft_network` may make a card."""
    return source.is_dir() or source.suffix.lower() == ZIP


def draft_network(source: Path, into: Path, choices: Choices | None = None) -> dict[str, Any]:
    """Make a card and weights of a folder or a zip as another tool wrote it.

    Nothing of it is run: weights are read as tensors, settings as plain JSON.

    Args:
        source: The folder, one above it, or a zip of either.
        into: Folder in which `card.toml` and `weights.safetensors` are put.
        choices: What a person may choose.

    Returns:
        `card` (its path), `kind`, `notes` (sentences), `folds`, `mirrors`, `values` and
        `spacing` (what can be chosen, the values that black and white stand for, and the pixel
        spacing of the plans), `name` and `classes`.

    Raises:
        InputError: It is neither folder nor zip, holds no network that is known or several, or a
            choice is not there.
        ModelError: A file is absent, damaged, too large, or asks for what is not allowed.
        StoreError: The folder can't be written.
    """
    aside = into / "unpacked"
    try:
        folder = _opened(source, aside)
        kind, place = _found(folder, _called(source))
        draft = kind.draft(place, choices or Choices())
        card = _named(draft, source, choices or Choices())
        left_out = _write(replace(draft, card=card), into)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {
        "card": str(into / CARD),
        "kind": kind.title,
        "notes": [*draft.notes, *notes_on({"left_out": left_out})],
        "folds": list(draft.folds),
        "mirrors": draft.mirrors,
        "values": list(card.arguments.get("values", ())),
        "spacing": list(card.arguments.get("spacing", ())),
        "name": card.name,
        "classes": list(card.classes),
    }


def _opened(source: Path, aside: Path) -> Path:
    if source.is_dir():
        return source
    if source.suffix.lower() != ZIP or not source.is_file():
        raise InputError(f"{source} is neither a folder nor a zip; give one that holds a network")
    shutil.rmtree(aside, ignore_errors=True)
    unpack(source, aside, settings(), source.name, WANTED)
    return aside


def _called(source: Path) -> str:
    """Return what to call a source; an upload lies in a folder whose name says nothing."""
    return "the upload" if re.fullmatch(r"[0-9a-f]{32}", source.name) else source.name


def _found(folder: Path, name: str) -> tuple[_Kind, Path]:
    """Return the only network in a folder, and of which kind it is."""
    found: list[tuple[_Kind, Path]] = []
    for one in _folders(folder):
        # What lies within a network, such as nnU-Net's results of its folds, is no other.
        if not any(one.is_relative_to(place) for _, place in found):
            found += [(kind, one) for kind in KINDS if kind.fits(one)]
    if len(found) > 1:
        # Of nnU-Net's configurations only those of 2D can be meant.
        flat = [(kind, one) for kind, one in found if one.name.endswith("__2d")]
        found = flat or found
    if not found:
        whole = next((f for one in _folders(folder) for f in one.glob("*.onnx")), None)
        if whole is not None:
            raise InputError(f"{name} holds an ONNX file; give {whole.name} itself, alone")
        foreign = next((f for one in _folders(folder) for f in one.iterdir() if _foreign(f)), None)
        if foreign is not None:
            raise InputError(no_weights(foreign.name))
        known = ", ".join(kind.title for kind in KINDS)
        raise InputError(
            f"{name} holds no network that is known ({known}); give the folder as its tool wrote "
            "it, or the weights and a card (.toml)"
        )
    if len(found) > 1:
        names = ", ".join(str(one.relative_to(folder)) for _, one in found)
        raise InputError(f"{name} holds several networks ({names[:300]}); give one of them")
    return found[0]


def _foreign(file: Path) -> bool:
    return file.suffix.lower() in FOREIGN and file.suffix.lower() != ".py"


def _folders(folder: Path) -> Iterator[Path]:
    """Return a folder and those below it; links are not followed."""
    with as_store_error(folder):
        for count, (path, below, _) in enumerate(os.walk(folder)):
            deep = len(Path(path).relative_to(folder).parts)
            below[:] = [] if deep >= _DEPTH else sorted(b for b in below if not b.startswith("."))
            if count >= _MOST_FOLDERS:
                raise InputError(f"{folder} holds too many folders; give the network's own")
            yield Path(path)


def _named(draft: Draft, source: Path, choices: Choices) -> Any:
    """Return a draft's card with what a person chose of it."""
    card = draft.card
    wanted = choices.name or free_model_name(card.name or source.stem)
    classes = tuple(name.strip() for name in choices.classes) or card.classes
    if len(classes) != len(card.classes):
        raise InputError(
            f"the network has {len(card.classes)} classes, {len(classes)} names are given; name "
            "each, background first"
        )
    return replace(
        card,
        name=check_model_name(wanted),
        classes=classes,
        dataset=choices.dataset,
        source=f"imported from {_called(source)}",
    )


def _write(draft: Draft, into: Path) -> tuple[str, ...]:
    """Write card and weights; return the names of what is no part of the network."""
    from safetensors.torch import save

    check_card(draft.card)
    with torch.device("meta"):
        network = build_card(draft.card)
    fit = fit_weights(draft.state, network, "")
    write_bytes(into / WEIGHTS, save(dict(fit.kept)))
    card = replace(draft.card, weights=into / WEIGHTS)
    write_bytes(into / CARD, card_text(card).encode())
    return fit.left_out
