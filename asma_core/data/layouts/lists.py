"""What small files beside pictures say of them: names of classes, and who is in which split.

`dataset.json` of nnU-Net and of the Medical Segmentation Decathlon, `labelmap.txt` of CVAT,
`class_names.txt` of labelme, `classes.txt`; `train.txt`, `val.txt` and `test.txt` of Pascal VOC and
of many others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from asma_core.data.formats.tree import stem
from asma_core.data.layouts.annotations.shapes import load_json
from asma_core.data.layouts.entries import SPLITS, Entry, Found
from asma_core.data.layouts.names import composed
from asma_core.data.masks.encodings import MOST_CLASSES, Encoding
from asma_core.data.masks.label_maps import VOID
from asma_core.errors import AsmaError

MOST_BYTES: Final = 20_000_000
_NAMES: Final = ("class_names.txt", "classes.txt", "labels.txt", "obj.names")
_IGNORED: Final = ("__ignore__", "ignore", "void")


def with_lists(folder: Path, files: Sequence[str], found: Found) -> Found:
    """Return what was found with the names and splits that files of the folder say.

    Args:
        folder: The data set's folder.
        files: Relative paths below it.
        found: Images with masks.
    """
    named = {path.rpartition("/")[2].lower(): path for path in reversed(files)}
    found = _with_splits(folder, named, found)
    if found.classes:
        return found
    for name in ("dataset.json", "labelmap.txt", *_NAMES):
        if name in named:
            told = _classes(folder / named[name], name)
            if told is not None:
                reasons = (*found.reasons, f"classes named by {named[name]}")
                return replace(found, classes=told[0], encoding=told[1], reasons=reasons)
    return found


def _classes(path: Path, name: str) -> tuple[tuple[str, ...], Encoding] | None:
    """Return names, background first, with the values that stand for them; None without any."""
    if name == "dataset.json":
        return _of_nnunet(path)
    lines = _lines(path)
    return _of_cvat(lines) if name == "labelmap.txt" else _of_lines(lines)


def _of_nnunet(path: Path) -> tuple[tuple[str, ...], Encoding] | None:
    try:
        content = load_json(path)
    except AsmaError:
        return None
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, dict):
        return None
    numbers: dict[int, str] = {}
    for key, value in labels.items():
        # Version 2 gives the number by the name, version 1 and the Decathlon the name by it.
        if type(value) is int:
            numbers[value] = str(key)
        elif isinstance(value, str) and key.isdecimal() and len(key) < 6:
            numbers[int(key)] = value
    ignored = [n for n, name in numbers.items() if name.lower() in _IGNORED and n]
    return _numbered({n: name for n, name in numbers.items() if n not in ignored}, ignored)


def _numbered(
    names: Mapping[int, str], ignored: Sequence[int] = ()
) -> tuple[tuple[str, ...], Encoding] | None:
    """Return names that are numbered from 0 without a gap."""
    count = len(names)
    ordered = tuple(names.get(number, "") for number in range(count))
    if not 2 <= count <= MOST_CLASSES or not all(ordered) or len(set(ordered)) < count:
        return None
    pairs = [(number, number) for number in range(count)]
    pairs += [(number, VOID) for number in {*ignored, VOID} if number >= count]
    return ordered, Encoding(values=tuple(sorted(pairs)), nearest=False)


def _of_lines(lines: Sequence[str]) -> tuple[tuple[str, ...], Encoding] | None:
    names = [line for line in lines if line.lower() not in _IGNORED]
    if names and names[0].strip("_").lower() not in ("background", "bg"):
        names = ["background", *names]
    return _numbered(dict(enumerate(name.strip("_") for name in names)))


def _of_cvat(lines: Sequence[str]) -> tuple[tuple[str, ...], Encoding] | None:
    """Return the classes of lines of label:R,G,B:parts:actions."""
    values, names = [], []
    for line in lines:
        name, _, rest = line.partition(":")
        colour = rest.partition(":")[0].split(",")
        if line.startswith("#") or len(colour) != 3 or not all(c.isdecimal() for c in colour):
            continue
        red, green, blue = (min(int(c), 255) for c in colour)
        names.append(name)
        values.append(red << 16 | green << 8 | blue)
    if not 2 <= len(names) <= MOST_CLASSES or len({*names}) < len(names) or 0 not in values:
        return None
    first = values.index(0)
    order = [first, *(place for place in range(len(names)) if place != first)]
    pairs = tuple((values[place], label) for label, place in enumerate(order))
    return tuple(names[place] for place in order), Encoding(
        values=pairs, nearest=False, colours=True
    )


def _with_splits(folder: Path, named: Mapping[str, str], found: Found) -> Found:
    listed: dict[str, str] = {}
    for word, split in SPLITS.items():
        path = named.get(f"{word}.txt")
        if path is not None:
            for line in _lines(folder / path):
                listed[composed(stem(line.split()[0]))] = split
    entries = [_split(entry, listed) for entry in found.entries]
    return replace(found, entries=tuple(entries))


def _split(entry: Entry, listed: Mapping[str, str]) -> Entry:
    split = listed.get(composed(stem(entry.image)), "")
    return replace(entry, split=split) if split and not entry.split else entry


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MOST_BYTES:
            return []
        text = path.read_text("utf-8-sig", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
