"""The command `import-dataset`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.arguments import from_zero, window_option
from asma_core.cli.progress import Progress
from asma_core.data.datasets import Dataset
from asma_core.data.finding import Finding
from asma_core.data.importing import Imported, free_name, take_in, unpack_upload
from asma_core.data.intensities import intensities
from asma_core.data.layouts.detection import layout_title
from asma_core.data.masks.encodings import SHARE, Encoding
from asma_core.data.preview import Preview, preview
from asma_core.errors import InputError
from asma_core.limited.reading import read


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("source", metavar="FOLDER_OR_ZIP", help="a folder, which stays, or a zip")
    parser.add_argument("--name", help="of the data set; made of the folder's by default")
    parser.add_argument("--layout", help="name of a layout, where the guess is wrong")
    parser.add_argument("--images", default="", help="pattern (*, ?) of what is an image")
    parser.add_argument("--masks", default="", help="pattern (*, ?) of what is a mask")
    parser.add_argument("--classes", help="names separated by commas, background first")
    parser.add_argument(
        "--choose",
        action="append",
        default=[],
        metavar="FINDING=CHOICE",
        help="what a warning offers, such as turned=stored or sizes=resize; may be repeated",
    )
    parser.add_argument(
        "--volume", type=from_zero, default=0, help="of NIfTI files of four dimensions (0)"
    )
    window_option(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Take a folder or a zip in as a data set."""
    source = Path(options.source).expanduser()
    root = source.resolve() if source.is_dir() else _unpacked(source)
    how = (options.layout or "", options.images, options.masks)
    found = read(source.name, preview, root, *how)
    for text in options.choose:
        kind, _, key = text.partition("=")
        found = found.chosen(kind, key)
    if options.classes:
        found = found.corrected(options.classes.split(","))
    if options.volume:
        found = found.corrected(volume=options.volume)
    if options.window is not None:
        if read(source.name, intensities, found.dataset.samples) is None:
            raise InputError(
                f"{source.name} has images of 8 bits, which are read as they are; "
                "leave the window out"
            )
        found = found.corrected(window=options.window)
    name = options.name or free_name(found.card.title)
    progress = Progress("import", len(found.dataset.samples))
    try:
        imported = read(
            name, take_in, found, name, on_progress=lambda done, _: progress.update(done)
        )
    finally:
        progress.close()
    return _answer(imported, found)


def _unpacked(source: Path) -> Path:
    if not source.is_file():
        raise InputError(f"{source} is neither a folder nor a zip; check the path")
    return read(source.name, unpack_upload, source.absolute(), source.name)


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
        "reasons": list(found.found.reasons),
        "warnings": [_warning(one) for one in imported.findings],
        "masks": dataset.masked,
        "checked": _checked(imported),
        **{split: sum(one.split == split for one in dataset.samples) for split in splits},
        "volume": dataset.samples[0].where.volume,
        "window": window_text(dataset),
        "encoding": encoding_text(dataset.encoding) if dataset.masked else "no masks",
        "values": {
            f"#{value:06X}" if found.survey.colours else str(value): count
            for value, count in sorted(found.survey.counts.items(), key=lambda item: -item[1])[:16]
        },
    }


def _checked(imported: Imported) -> str:
    if not imported.dataset.masked:
        return "every image" if imported.decoded else "every image by header"
    return "every image and mask" if imported.decoded else "every mask, images by header"


def _warning(finding: Finding) -> str:
    """Return a finding in words, with the options that take its other choices."""
    others = ", ".join(f"--choose {finding.kind}={key}" for key, _ in finding.choices[1:])
    return f"{finding.message} Or {others}." if others else finding.message


def window_text(dataset: Dataset) -> str:
    """Return the window of a data set's deep images, in words."""
    window = dataset.samples[0].where.window
    if window is not None:
        return window.text()
    if dataset.picture(dataset.samples[0]).window is None:
        return "8 bits, as they are"
    return "each file's own, else its percentiles"


def encoding_text(encoding: Encoding | None) -> str:
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
