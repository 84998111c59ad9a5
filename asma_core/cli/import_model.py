"""The command `import-model`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asma_core.cli.arguments import count, from_zero
from asma_core.data.datasets import class_names, dataset_names, open_dataset
from asma_core.errors import InputError, ModelError
from asma_core.files import write_bytes
from asma_core.jobs.predictions import CHECKED
from asma_core.models.sources.architectures import arguments_from_text
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import ModelCard, read_card
from asma_core.models.sources.draft import Choices, spacing_from_text, values_from_text
from asma_core.models.sources.importing import describe, drafted, import_card
from asma_core.models.sources.looks import (
    export_card,
    export_recipe,
    no_architecture,
    notes_on,
)
from asma_core.models.sources.names import free_model_name
from asma_core.models.wrapper.specs import LOGITS, ONE_LOGIT, InputSpec, figures_from_text

ANSWER_BAD = ("answer", "bad")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "source",
        metavar="CARD_OR_FILE_OR_FOLDER",
        help="a card (.toml) beside its weights, the weights, an ONNX file, or a folder or zip of "
        "nnU-Net v2, transformers or a MONAI bundle",
    )
    parser.add_argument("--name", help="of the network; made of the file's by default")
    weights = parser.add_argument_group(
        "for weights or an ONNX file without a card; name, classes and data set for folders too"
    )
    weights.add_argument("--architecture", help="of MONAI; guessed by default")
    weights.add_argument("--arguments", help="what it is called with, as JSON; guessed by default")
    weights.add_argument("--classes", help="names separated by commas, background first")
    weights.add_argument("--size", type=from_zero, default=0, help="images' area; 0 keeps it (0)")
    weights.add_argument("--multiple", type=count, default=32, help="both sides are of it (32)")
    weights.add_argument("--mean", default="0", help="subtracted, one for each channel (0)")
    weights.add_argument("--std", default="1", help="divided by, one for each channel (1)")
    weights.add_argument("--reading", help="logits, probabilities, one-logit, one-probability")
    weights.add_argument("--recipe", help="write how a network of another kind is exported, to it")
    weights.add_argument("--dataset", default="", help="that it was trained on")
    folder = parser.add_argument_group("for a folder of nnU-Net v2")
    folder.add_argument("--fold", default="", help="0, 1, ..., all, or mean (nnU-Net's default)")
    folder.add_argument("--mirror", action="store_true", help="mirror each window (off)")
    folder.add_argument("--values", help="what black and white stand for: --values=-160,240")
    folder.add_argument(
        "--spacing", help="of the images' pixels in mm, rows and columns: 0.8,0.8 (the plans')"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Take in a network whose owner asks for it: by its card, or by its weights alone."""
    source = Path(options.source).expanduser()
    if source.suffix.lower() == ".toml" and source.is_file():
        return _checked_in(source.resolve(), options.name or "")
    with tempfile.TemporaryDirectory() as folder:
        if source.is_dir() or source.suffix.lower() == ".zip":
            return _folder_checked_in(source, Path(folder), options)
        if not source.is_file():
            raise InputError(
                f"{source} is not a file or a folder; give a card (.toml), a file of weights, or a "
                "folder that holds a network"
            )
        if options.recipe:
            return _recipe(source, Path(options.recipe).expanduser())
        beside = Path(folder) / source.name
        beside.symlink_to(source.resolve())
        card = beside.with_suffix(".toml")
        described, notes = _card_of(beside, options)
        card.write_text(card_text(described), encoding="utf-8")
        return _checked_in(card) | {"notes": list(notes)}


def _folder_checked_in(source: Path, aside: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Take in a folder or a zip as another tool wrote it."""
    from asma_core.models.sources.drafting import draft_network

    choices = Choices(
        name=options.name or "",
        classes=tuple(options.classes.split(",")) if options.classes else (),
        dataset=options.dataset,
        fold=options.fold,
        mirror=options.mirror,
        values=values_from_text(options.values or ""),
        spacing=spacing_from_text(options.spacing or ""),
    )
    draft = draft_network(source, aside, choices)
    answer = _checked_in(Path(draft["card"]))
    return answer | {name: draft[name] for name in ("kind", "notes", "folds")}


def _recipe(weights: Path, file: Path) -> dict[str, Any]:
    """Write the lines that make a program of a network whose architecture is not known here."""
    from asma_core.models.sources.guessing import look_at

    looked = look_at(weights)
    if "program" in looked:
        raise InputError(f"{weights.name} is a whole network; leave --recipe out to take it in")
    card = file.with_name(f"{weights.stem}.toml")
    for path, text in ((file, export_recipe), (card, export_card)):
        if path.exists():
            raise InputError(f"{path} is there already; name another file, or remove it")
        write_bytes(path, text(weights.name, looked).encode())
    notes = [
        f"Fill in the network's class in {file} and run it; correct the classes in {card}; then "
        f"take in the card with its {weights.stem}.pt2 beside it."
    ]
    return {"recipe": str(file), "card": str(card), "notes": notes}


def _checked_in(card: Path, name: str = "") -> dict[str, Any]:
    """Check a network as it is described, then take it in; one that does not answer stays out."""
    from asma_core.jobs.checks import check_on, check_on_noise

    described = read_card(card)
    known = described.dataset if described.dataset in dataset_names() else ""
    if known:
        report = check_on(described, open_dataset(known), CHECKED)
    else:
        report = check_on_noise(described)
    wrong = [one["text"] for one in report["checks"] if (one["name"], one["state"]) == ANSWER_BAD]
    if wrong:
        raise ModelError(f"{described.name} does not answer as its card says: {wrong[0]}")
    return describe(import_card(card, trusted=True, name=name)) | {"check": report}


def _card_of(weights: Path, options: argparse.Namespace) -> tuple[ModelCard, tuple[str, ...]]:
    """Return the card of weights alone, and what was seen in their file."""
    from asma_core.models.sources.guessing import look_at

    looked = look_at(weights) if not (options.architecture and options.arguments) else {}
    whole = "program" in looked
    architecture = "" if whole else options.architecture or looked.get("architecture", "")
    if not (architecture or whole):
        raise InputError(
            f"{no_architecture(weights.name)}; --recipe export.py writes the lines of Python that "
            "export it"
        )
    arguments = looked.get("arguments", {})
    if options.arguments:
        arguments = arguments_from_text(options.arguments)
    channels = int(arguments.get("in_channels", looked.get("channels", 3)))
    outputs = int(arguments.get("out_channels", looked.get("classes", 2)))
    card = drafted(
        options.name or free_model_name(weights.stem),
        weights,
        architecture,
        arguments,
        classes=options.classes.split(",") if options.classes else class_names(max(outputs, 2)),
        spec=_input(options, channels, looked),
        reading=options.reading
        or looked.get("reading", "")
        or (ONE_LOGIT if outputs == 1 else LOGITS),
        dataset=options.dataset,
        looked=looked if whole else None,
    )
    return card, notes_on(looked)


def _input(options: argparse.Namespace, channels: int, looked: Mapping[str, Any]) -> InputSpec:
    """Return what the network takes: as the options say, at the sizes that its file allows."""
    exact = looked.get("exact")
    return InputSpec(
        channels,
        0 if exact else options.size,
        1 if exact else options.multiple,
        figures_from_text(options.mean, channels),
        figures_from_text(options.std, channels),
        exact=tuple(exact) if exact else None,
        batch=looked.get("batch", 0),
    )
