"""FiftyOne: `samples.json` of segmentations, detections with masks, and polylines.

`metadata.json` beside it names the values of masks. Source: the FiftyOneDataset format as
`fiftyone.utils.data.exporters` writes it, of today and of before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.data.formats.images import picture_size
from asma_core.data.layouts.annotations.fiftyone_masks import (
    Targets,
    mask_of,
    named_values,
    shapes_of,
)
from asma_core.data.layouts.annotations.shapes import (
    Annotated,
    Images,
    Picture,
    Shape,
    box,
    in_order,
    load_json,
    polygon,
)
from asma_core.data.layouts.entries import SPLITS
from asma_core.data.layouts.names import words_of
from asma_core.errors import InputError

FIFTYONE: Final = "fiftyone"
SAMPLES: Final = "samples.json"
_METADATA: Final = "metadata.json"
_STRUCTURE: Final = "structure"
# Kinds of labels that show regions, with the name under which a list of them lies.
_KINDS: Final = {
    "Segmentation": "",
    "Detections": "detections",
    "Detection": "",
    "Polylines": "polylines",
    "Polyline": "",
}
_TRUTH: Final = frozenset({"ground", "truth", "groundtruth", "gt", "manual"})
_GUESSED: Final = frozenset({"prediction", "predictions", "pred", "preds", "predicted", "model"})


@dataclass(frozen=True)
class _Export:
    """A file of samples, with what its folder says.

    Attributes:
        folder: Of the data set.
        path: Of the file of samples, relative to it.
        images: Of the data set.
        samples: Those of which the image is there, with its path.
    """

    folder: Path
    path: str
    images: Images
    samples: tuple[tuple[str, Mapping[str, Any]], ...]

    def file_of(self, label: Mapping[str, Any]) -> str | None:
        """Return the file of a label's mask, relative to the data set's folder; None without."""
        said = label.get("mask_path")
        if not isinstance(said, str) or not said:
            return None
        beside = self.path.rpartition("/")[0]
        found = self.images.find(f"{beside}/{said}")
        if found is None:
            raise InputError(f"{self.path}: the mask {said} is not in the folder; add it")
        return found


def read_fiftyone(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what FiftyOne's file of samples says; None without one that speaks of regions."""
    for path in (path for path in files if path.rpartition("/")[2] == SAMPLES):
        export = _Export(folder, path, images, tuple(_samples(load_json(folder / path), images)))
        fields = _fields(export)
        if fields:
            return _annotated(export, fields)
    return None


def _samples(content: Any, images: Images) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed = content.get("samples") if isinstance(content, dict) else None
    for sample in listed if isinstance(listed, list) else ():
        said = sample.get("filepath") if isinstance(sample, dict) else None
        image = images.find(said) if isinstance(said, str) else None
        if image is not None:
            yield image, sample


def _fields(export: _Export) -> list[str]:
    """Return the fields of labels that show regions, the one that is meant first."""
    counts: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    for _, sample in export.samples:
        for name, label in sample.items():
            labels = _labels(label)
            counts[name] += bool(labels)
            drawn[name] += any(_is_drawn(one) for one in labels)
    return sorted(
        (name for name, count in counts.items() if count),
        key=lambda name: (*_unlikely(name), not drawn[name], -counts[name], name),
    )


def _unlikely(name: str) -> tuple[bool, bool]:
    words = set(words_of(name))
    return bool(words & _GUESSED), not words & _TRUTH


def _labels(label: Any) -> list[Mapping[str, Any]]:
    """Return the labels of a field that show regions."""
    kind = label.get("_cls") if isinstance(label, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        return []
    several = _KINDS[kind]
    listed = label.get(several) if several else [label]
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _is_drawn(label: Mapping[str, Any]) -> bool:
    return any(label.get(name) for name in ("mask", "mask_path", "points"))


def _annotated(export: _Export, fields: Sequence[str]) -> Annotated:
    field, *others = fields
    targets = _targets(export, field)
    boxes: Counter[str] = Counter()
    pictures = [
        _picture(export, image, sample, field, targets, boxes) for image, sample in export.samples
    ]
    files = [
        str(label.get("mask_path"))
        for _, sample in export.samples
        for name in fields
        for label in _labels(sample.get(name))
        if label.get("mask_path")
    ]
    beside = export.path.rpartition("/")[0]
    used = [found for said in files if (found := export.images.find(f"{beside}/{said}"))]
    notes = [f"the field {field} of {export.path}"]
    if others:
        notes.append(f"fields left out: {', '.join(others)}")
    if boxes["box"]:
        notes.append(f"{boxes['box']:,} boxes without a mask, filled")
    if boxes["line"]:
        notes.append(f"{boxes['line']:,} lines left out, which have no inside")
    names = in_order([*targets.values(), *sorted(name for one in pictures for name in one.named)])
    return Annotated(FIFTYONE, tuple(pictures), names, tuple(notes), tuple(used))


def _targets(export: _Export, field: str) -> Targets:
    """Return the names of a mask's values, 0xRRGGBB of colours; none where nothing names them."""
    path = Path(export.path).parent / _METADATA
    if not (export.folder / path).is_file():
        return {}
    content = load_json(export.folder / path)
    if not isinstance(content, dict):
        return {}
    by_field = content.get("mask_targets")
    said = by_field.get(field) if isinstance(by_field, dict) else None
    return named_values(said or content.get("default_mask_targets"))


def _picture(
    export: _Export,
    image: str,
    sample: Mapping[str, Any],
    field: str,
    targets: Targets,
    counts: Counter[str],
) -> Picture:
    tags = sample.get("tags")
    split = next((SPLITS[t] for t in tags if t in SPLITS), "") if isinstance(tags, list) else ""
    label = sample.get(field)
    try:
        if isinstance(label, dict) and label.get("_cls") == "Segmentation":
            read = partial(mask_of, export.folder, export.file_of(label), label.get("mask"))
            values = read()
            shapes = shapes_of(values, targets)
            later = partial(_segmented, read, targets)
            named = in_order(shape.name for shape in shapes)
            return Picture(image, (), split, values.shape[:2], named, later)
        size = picture_size(export.folder / image)
        found = [_shape(export, one, size, counts) for one in _labels(label)]
        return Picture(image, tuple(one for one in found if one is not None), split)
    except (InputError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{export.path}: {field} of {image} can't be read ({error})") from error


def _segmented(read: partial[Any], targets: Targets) -> tuple[Shape, ...]:
    return shapes_of(read(), targets)


def _shape(
    export: _Export, label: Mapping[str, Any], size: tuple[int, int], counts: Counter[str]
) -> Shape | None:
    """Return a detection or a polyline, whose numbers are shares of the image's sides."""
    height, width = size
    name = str(label.get("label") or _STRUCTURE)
    points = label.get("points")
    if points:
        if not (label.get("closed") or label.get("filled")):
            counts["line"] += 1
            return None
        scaled = [[(x * width, y * height) for x, y in part] for part in points]
        return Shape(name, tuple(polygon(part) for part in scaled if len(part) > 2))
    bounds = label.get("bounding_box")
    if not bounds:
        return None
    x, y, across, down = (float(value) for value in bounds)
    if not _is_drawn(label):
        counts["box"] += 1
        return Shape(name, (box(x * width, y * height, across * width, down * height),))
    mask = mask_of(export.folder, export.file_of(label), label.get("mask"))
    left, right = round(x * width), round((x + across) * width)
    top, bottom = round(y * height), round((y + down) * height)
    if max(right - left, bottom - top) > 2 * max(size):
        raise InputError("a box is larger than its image; export it again")
    inside = mask.max(axis=-1) > 0 if mask.ndim == 3 else mask > 0
    return Shape(name, mask=_stretched(inside, bottom - top, right - left), corner=(left, top))


def _stretched(mask: Any, height: int, width: int) -> Any:
    """Return a mask of another size, the nearest pixel of it for each."""
    if height <= 0 or width <= 0:
        return np.zeros((0, 0), dtype=np.bool_)
    rows = ((np.arange(height) + 0.5) * mask.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * mask.shape[1] / width).astype(np.int64)
    return mask[np.ix_(rows, columns)]
