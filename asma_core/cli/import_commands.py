"""What `python -m asma_core import-dataset`, `import-model` and `check-model` do."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from asma_core.cli.progress import Progress
from asma_core.data.datasets import class_names, dataset_names, open_dataset
from asma_core.data.importing import Imported, Preview, free_name, preview, take_in, unpack_upload
from asma_core.data.layouts.detection import layout_title
from asma_core.data.masks.encodings import SHARE, Encoding
from asma_core.errors import InputError, ModelError
from asma_core.jobs.checks import check_on, check_on_noise
from asma_core.jobs.predictions import CHECKED
from asma_core.models.sources.architectures import arguments_from_text
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import ModelCard, find_card, read_card
from asma_core.models.sources.guessing import look_at
from asma_core.models.sources.importing import describe, drafted, import_card
from asma_core.models.sources.names import free_model_name
from asma_core.models.wrapper.specs import LOGITS, ONE_LOGIT, InputSpec, figures_from_text

ANSWER_BAD = ("answer", "bad")


def import_dataset(options: argparse.Namespace) -> dict[str, Any]:
    """Take a folder or a zip in as a data set."""
    source = Path(options.source).expanduser()
    root = source.resolve() if source.is_dir() else _unpacked(source)
    found = preview(root, options.layout or "")
    if options.classes:
        found = found.corrected(options.classes.split(","))
    name = options.name or free_name(found.card.title)
    progress = Progress("import", len(found.dataset.samples))
    try:
        imported = take_in(found, name, lambda done, _: progress.update(done))
    finally:
        progress.close()
    return _answer(imported, found)


def _unpacked(source: Path) -> Path:
    if not source.is_file():
        raise InputError(f"{source} is neither a folder nor a zip; check the path")
    with source.open("rb") as file:
        return unpack_upload(file, source.name)


def _answer(imported: Imported, found: Preview) -> dict[str, Any]:
    dataset = imported.dataset
    splits = ("train", "validation", "test")
    return {
        "name": dataset.name,
        "title": dataset.title,
        "description": dataset.description,
        "layout": dataset.layout,
        "layout_title": layout_title(dataset.layout),
        "layouts": [one.layout for one in found.layouts],
        "classes": list(dataset.classes),
        "images": len(dataset.samples),
        "left_out": imported.left_out,
        "checked": "every image and mask" if imported.decoded else "every mask, images by header",
        **{split: sum(one.split == split for one in dataset.samples) for split in splits},
        "encoding": encoding_words(dataset.encoding),
        "values": {
            f"#{value:06X}" if found.survey.colours else str(value): count
            for value, count in sorted(found.survey.counts.items(), key=lambda item: -item[1])[:16]
        },
    }


def import_model(options: argparse.Namespace) -> dict[str, Any]:
    """Take in a network whose owner asks for it: by its card, or by its weights alone."""
    source = Path(options.source).expanduser()
    if not source.is_file():
        raise InputError(f"{source} is not a file; give a card (.toml) or a file of weights")
    if source.suffix.lower() == ".toml":
        return _checked_in(source.resolve(), options.name or "")
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder) / source.name
        beside.symlink_to(source.resolve())
        card = beside.with_suffix(".toml")
        card.write_text(card_text(_card_of(beside, options)), encoding="utf-8")
        return _checked_in(card)


def _checked_in(card: Path, name: str = "") -> dict[str, Any]:
    """Check a network as it is described, then take it in; one that does not answer stays out."""
    described = read_card(card)
    known = described.dataset if described.dataset in dataset_names() else ""
    if known:
        report = check_on(described, open_dataset(known), CHECKED)
    else:
        report = check_on_noise(described)
    wrong = [one["text"] for one in report["checks"] if (one["name"], one["state"]) == ANSWER_BAD]
    if wrong:
        raise ModelError(f"{described.name} does not answer as its card says: {wrong[0]}")
    return describe(import_card(card, owned=True, name=name)) | {"check": report}


def _card_of(weights: Path, options: argparse.Namespace) -> ModelCard:
    looked = look_at(weights) if not (options.architecture and options.arguments) else {}
    architecture = options.architecture or looked.get("architecture", "")
    if not architecture:
        raise InputError(
            f"it can't be guessed what network {weights.name} belongs to; say --architecture and "
            "--arguments"
        )
    arguments = looked.get("arguments", {})
    if options.arguments:
        arguments = arguments_from_text(options.arguments)
    channels = int(arguments.get("in_channels", looked.get("channels", 3)))
    outputs = int(arguments.get("out_channels", looked.get("classes", 2)))
    return drafted(
        options.name or free_model_name(weights.stem),
        weights,
        architecture,
        arguments,
        classes=options.classes.split(",") if options.classes else class_names(max(outputs, 2)),
        spec=InputSpec(
            channels,
            options.size,
            options.multiple,
            figures_from_text(options.mean, channels),
            figures_from_text(options.std, channels),
        ),
        reading=options.reading or (ONE_LOGIT if outputs == 1 else LOGITS),
        dataset=options.dataset,
    )


def check_model(options: argparse.Namespace) -> dict[str, Any]:
    """Check a network on a few images and say what was found."""
    card = find_card(options.name)
    name = options.dataset or card.dataset
    if not name:
        raise InputError(f"{card.name} does not say what it was trained on; name a --dataset")
    dataset = open_dataset(name)
    answer = check_on(card, dataset, options.samples, options.device)
    return {"name": card.name, "dataset": dataset.name, **answer}


def encoding_words(encoding: Encoding | None) -> str:
    """Return what an encoding means, in words."""
    if encoding is None:
        return "class numbers"
    if encoding.kind == SHARE:
        return f"above {encoding.threshold:g} of {encoding.full:g} is structure"
    pairs = ", ".join(
        f"{f'#{value:06X}' if encoding.colours else value} is "
        f"{'void' if label == 255 else f'class {label}'}"
        for value, label in encoding.values
    )
    return f"{pairs}; others as the nearest" if encoding.nearest else pairs
