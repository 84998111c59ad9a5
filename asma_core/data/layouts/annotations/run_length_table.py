"""Run lengths in a table, as Kaggle gives them: a column of images and one of encoded pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from asma_core.data.formats.images import picture_size
from asma_core.data.formats.tree import TABLES, suffix
from asma_core.data.layouts.annotations.run_lengths import starts_and_lengths
from asma_core.data.layouts.annotations.shapes import Annotated, Images, Picture, Shape
from asma_core.data.layouts.manifest import table_rows
from asma_core.errors import InputError

RUN_LENGTHS: Final = "run-lengths"
_IMAGES: Final = ("imageid", "image_id", "image", "img", "id", "filename", "file")
_RUNS: Final = ("encodedpixels", "encoded_pixels", "rle", "rle_mask", "segmentation", "predicted")
_CLASSES: Final = ("class", "classid", "class_id", "label", "category")
# What stands where an image has no structure.
_NOTHING: Final = ("", "-1", "nan")


def read_run_lengths(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what the first table of run lengths says; None without one."""
    for path in (path for path in files if suffix(path) in TABLES):
        rows = table_rows(folder / path)
        columns = _columns(rows[0]) if rows else None
        if columns is None:
            continue
        pictures = _pictures(folder, path, rows, columns, images)
        if pictures:
            return Annotated(RUN_LENGTHS, tuple(pictures))
    return None


def _columns(row: Mapping[str, str]) -> tuple[str, str, str] | None:
    image, runs, label = (
        next((name for name in row if name in known), "") for known in (_IMAGES, _RUNS, _CLASSES)
    )
    return (image, runs, label) if image and runs else None


def _pictures(
    folder: Path,
    table: str,
    rows: Sequence[Mapping[str, str]],
    columns: tuple[str, str, str],
    images: Images,
) -> list[Picture]:
    image, runs, label = columns
    shapes: dict[str, list[Shape]] = {}
    for number, row in enumerate(rows, start=2):
        path = images.find(row.get(image, ""))
        if path is None:
            continue
        found = shapes.setdefault(path, [])
        text = row.get(runs, "")
        if text.lower() in _NOTHING:
            continue
        try:
            mask = starts_and_lengths(text, *picture_size(folder / path))
        except InputError as error:
            raise InputError(f"{table}, line {number}: {error}") from error
        found.append(Shape(row.get(label) or "structure", mask=mask))
    return [Picture(path, tuple(found)) for path, found in shapes.items()]
