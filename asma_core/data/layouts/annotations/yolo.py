"""YOLO: a text for each image, a line an object: class, then corners or a box, as shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.data.formats.images import picture_size
from asma_core.data.formats.tree import stem
from asma_core.data.layouts.annotations.shapes import Annotated, Images, Picture, Shape, polygon
from asma_core.data.layouts.entries import SPLITS
from asma_core.data.layouts.names import words_of
from asma_core.errors import AsmaError, InputError

YOLO: Final = "yolo"
_LISTS: Final = ("classes.txt", "train.txt", "val.txt", "test.txt", "readme.txt", "notes.txt")
MOST_BYTES: Final = 10_000_000


def read_yolo(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what YOLO's files say; None where no text reads as one."""
    pictures = []
    highest, boxes = 0, 0
    for path in (path for path in files if _may_be(path)):
        image = images.find(_image_stem(path)) or images.find(stem(path))
        if image is None:
            continue
        lines = _lines(folder / path)
        if lines is None:
            return None
        try:
            height, width = picture_size(folder / image)
        except AsmaError:
            continue
        shapes = []
        for number, values in lines:
            highest = max(highest, number)
            boxes += len(values) == 4
            scaled = [v * (width, height)[place % 2] for place, v in enumerate(_corners(values))]
            shapes.append(Shape(str(number), (polygon(scaled),)))
        words = [word for part in path.split("/") for word in words_of(part)]
        split = next((SPLITS[word] for word in words if word in SPLITS), "")
        pictures.append(Picture(image, tuple(shapes), split))
    if not any(picture.shapes for picture in pictures):
        return None
    names = _names(folder, files)
    called = {str(n): names.get(n, f"class {n}") for n in range(highest + 1)}
    renamed = tuple(
        Picture(p.image, tuple(Shape(called[s.name], s.outlines) for s in p.shapes), p.split)
        for p in pictures
    )
    notes = (f"{boxes:,} boxes without an outline, filled",) if boxes else ()
    return Annotated(YOLO, renamed, tuple(called.values()), notes)


def _may_be(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith(".txt") and name not in _LISTS


def _image_stem(path: str) -> str:
    """Return where the image of labels/train/1.txt lies, images/train/1."""
    before, mark, after = f"/{path}".rpartition("/labels/")
    return f"{before}/images/{after}".lstrip("/").removesuffix(".txt") if mark else path


def _lines(path: Path) -> list[tuple[int, list[float]]] | None:
    """Return the lines of a file, None where they are something else."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        text = path.read_text("ascii")
        found = []
        for line in filter(None, map(str.strip, text.splitlines())):
            number, *values = line.split()
            found.append((int(number), [float(value) for value in values]))
    except (OSError, ValueError):
        return None
    fits = all(
        0 <= number < 1000
        and (len(values) == 4 or (len(values) >= 6 and len(values) % 2 == 0))
        and all(-0.01 <= value <= 1.01 for value in values)
        for number, values in found
    )
    return found if fits else None


def _corners(values: Sequence[float]) -> list[float]:
    if len(values) != 4:
        return list(values)
    x, y, width, height = values
    left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    return [left, top, right, top, right, bottom, left, bottom]


def _names(folder: Path, files: Sequence[str]) -> Mapping[int, str]:
    """Return the classes that a data.yaml or classes.txt names, by number."""
    for path in files:
        name = path.rpartition("/")[2].lower()
        if name == "classes.txt":
            lines = (folder / path).read_text("utf-8", "replace").splitlines()
            return dict(enumerate(line.strip() for line in lines if line.strip()))
        if name.endswith((".yaml", ".yml")):
            named = _of_yaml(folder / path)
            if named:
                return named
    return {}


def _of_yaml(path: Path) -> Mapping[int, str]:
    import yaml

    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name} is too large; keep the names alone in it")
        content: Any = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} can't be read as YAML; correct it") from error
    named = content.get("names") if isinstance(content, dict) else None
    if isinstance(named, list):
        return {place: str(one) for place, one in enumerate(named) if isinstance(one, str | int)}
    if isinstance(named, dict):
        pairs = ((n, one) for n, one in named.items() if type(n) is int)
        return {number: str(one) for number, one in pairs if isinstance(one, str | int)}
    return {}
