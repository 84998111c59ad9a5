"""Hostile folders of data sets: cards, tables, annotations, lists."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
from PIL import Image

from asma_core import paths
from asma_core.data.datasets import open_folder
from asma_core.data.preview import first_look, preview
from scripts.hostile.damage import damaged_bytes, damaged_value, json_bytes, odd_text, odd_value
from scripts.hostile.pictures import Ask

_NAMES: Final = ("a", "b")
_SIDE: Final = 24
_DATASET_CARD: Final = {
    "title": "Mine", "description": "x", "synthetic": False, "classes": ["ground", "disc"],
    "split": {"train": ["a"], "test": ["b"]}, "layout": "paired",
    "encoding": {"kind": "values", "values": [[0, 0], [255, 1]], "nearest": True,
                 "colours": False, "full": 255.0, "threshold": 0.5},
    "layers": {"disc": 1}, "axis": 2, "window": {"low": 0.0, "high": 1.0}, "frame": 0,
    "frame_counts": {"images/a.png": 1}, "volume": 0, "order": ["b", "a"], "images": "images/*",
    "masks": "masks/*", "upright": True, "resize": False, "by_colour": False, "places": "position",
    "root": ".",
}  # fmt: skip


def hostile_dataset_card(rng: Random, folder: Path) -> Ask:
    """A data set's card with odd values."""
    _pairs(folder)
    chosen = {key: _DATASET_CARD[key] for key in _DATASET_CARD if rng.random() < 0.5}
    chosen = {key: value for key, value in chosen.items() if key != "root"}
    if rng.random() < 0.3:
        chosen["root"] = rng.choice((str(folder), odd_value(rng), odd_text(rng)))
    content = damaged_value(rng, chosen or _DATASET_CARD)
    (folder / "dataset.json").write_bytes(json_bytes(rng, content))
    return lambda: open_folder(folder, "mine").fingerprint()


def hostile_table(rng: Random, folder: Path) -> Ask:
    """A table or a list of a data set, with odd cells or damaged."""
    _pairs(folder)
    name, make = rng.choice(tuple(_TABLES.items()))
    data = make(rng)
    (folder / name).write_bytes(damaged_bytes(rng, data) if rng.random() < 0.3 else data)
    return _looking(folder)


def hostile_annotation(rng: Random, folder: Path) -> Ask:
    """What an annotation tool wrote, with odd values or damaged."""
    (folder / "images").mkdir()
    for name in _NAMES:
        (folder / "images" / f"{name}.png").write_bytes(_png(3))
    name, content = rng.choice(tuple(_ANNOTATIONS.items()))
    if isinstance(content, str):
        data = damaged_bytes(rng, _odd_words(rng, content).encode("utf-8", "surrogatepass"))
    else:
        data = json_bytes(rng, damaged_value(rng, content))
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return _looking(folder)


def _looking(folder: Path) -> Ask:
    def look() -> object:
        # What was drawn for another folder of the same files is not to be found.
        shutil.rmtree(paths.home() / "cache", ignore_errors=True)
        return first_look(preview(folder))

    return look


def _pairs(folder: Path) -> None:
    for part, data in (("images", _png(3)), ("masks", _png(0))):
        (folder / part).mkdir(exist_ok=True)
        for name in _NAMES:
            (folder / part / f"{name}.png").write_bytes(data)


@lru_cache(maxsize=2)
def _png(channels: int) -> bytes:
    rng = np.random.default_rng(channels)
    if channels:
        pixels = rng.integers(0, 255, (_SIDE, _SIDE, channels), dtype=np.uint8)
    else:
        pixels = np.zeros((_SIDE, _SIDE), np.uint8)
        pixels[6:18, 8:20] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _csv(rng: Random) -> bytes:
    rows = [["image", "mask", "split"]]
    rows += [[f"images/{name}.png", f"masks/{name}.png", "train"] for name in _NAMES]
    for _ in range(rng.randint(1, 3)):
        row = rng.choice(rows)
        if row:
            row[rng.randrange(len(row))] = odd_text(rng)
        if rng.random() < 0.3:
            rows.append([*row] * 3)
        elif rng.random() < 0.3:
            row.clear()
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=rng.choice(",;\t")).writerows(rows)
    data = buffer.getvalue().encode(rng.choice(("utf-8", "utf-16", "cp1252")), "replace")
    return data


def _run_lengths(rng: Random) -> bytes:
    odd = rng.choice((odd_text(rng), "1 99999999999", "5 -3", "1 2 3", "0 0", "9" * 500 + " 1"))
    return f"image,run_lengths,class\na.png,{odd},disc\nb.png,3 5 40 6,disc\n".encode(
        "utf-8", "replace"
    )


def _list(rng: Random) -> bytes:
    return f"a\n{odd_text(rng)}\nb {odd_text(rng)}\n".encode("utf-8", "replace")


_TABLES: Final[dict[str, Callable[[Random], bytes]]] = {
    "pairs.csv": _csv, "train.tsv": _csv, "train.csv": _run_lengths, "train.txt": _list,
    "classes.txt": _list, "labelmap.txt": _list,
}  # fmt: skip

_POLYGON: Final = [4, 4, 18, 5, 12, 20.5]
_POINTS: Final = [[4, 4], [18, 5], [12, 20.5]]
_PERCENT: Final = {"original_width": _SIDE, "original_height": _SIDE, "image_rotation": 0}
_ANNOTATIONS: Final[dict[str, Any]] = {
    "annotations.json": {
        "images": [{"id": 1, "file_name": "a.png", "height": _SIDE, "width": _SIDE},
                   {"id": 2, "file_name": "b.png", "height": _SIDE, "width": _SIDE}],
        "categories": [{"id": 1, "name": "disc"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [_POLYGON]},
            {"id": 2, "image_id": 2, "category_id": 1, "bbox": [2, 3, 9, 8]},
            {"id": 3, "image_id": 2, "category_id": 1,
             "segmentation": {"size": [_SIDE, _SIDE], "counts": [100, 50, 426]}},
            {"id": 4, "image_id": 2, "category_id": 1,
             "segmentation": {"size": [_SIDE, _SIDE], "counts": "Z3b0f0"}}]},
    "images/a.json": {
        "version": "5.0", "imagePath": "a.png", "imageHeight": _SIDE, "imageWidth": _SIDE,
        "shapes": [{"label": "disc", "points": _POINTS, "shape_type": "polygon"},
                   {"label": "cup", "points": [[9, 9], [12, 12]], "shape_type": "circle"},
                   {"label": "box", "points": [[9, 9], [12, 12]], "shape_type": "rectangle"}]},
    "tasks.json": [{"data": {"image": "/data/a.png"}, "annotations": [{"result": [
        {"type": "polygonlabels", **_PERCENT,
         "value": {"points": _POINTS, "polygonlabels": ["disc"]}},
        {"type": "rectanglelabels", **_PERCENT, "value": {
            "x": 1, "y": 2, "width": 30, "height": 40, "rotation": 5, "rectanglelabels": ["b"]}},
        {"type": "brushlabels", **_PERCENT, "value": {
            "format": "rle", "rle": [0, 0, 2, 64, 3, 7, 7, 7, 15, 1, 9], "brushlabels": ["c"]}},
    ]}]}],
    "samples.json": {"samples": [
        {"filepath": "images/a.png", "ground_truth": {"_cls": "Detections", "detections": [
            {"_cls": "Detection", "label": "disc", "bounding_box": [0.1, 0.1, 0.5, 0.5],
             "mask": {"$binary": {"base64": "eJwDAAAAAAE=", "subType": "00"}}}]}},
        {"filepath": "images/b.png", "ground_truth": {"_cls": "Polylines", "polylines": [
            {"_cls": "Polyline", "label": "disc", "points": [[[0.1, 0.2], [0.5, 0.6], [0.3, 0.9]]],
             "closed": True, "filled": True}]}}]},
    "ann/a.png.json": {"size": {"height": _SIDE, "width": _SIDE}, "objects": [
        {"classTitle": "disc", "geometryType": "polygon",
         "points": {"exterior": _POINTS, "interior": [_POINTS]}},
        {"classTitle": "cup", "geometryType": "bitmap",
         "bitmap": {"data": "eJwDAAAAAAE=", "origin": [3, 4]}}]},
    "annotations.xml": '<annotations><image id="0" name="a.png" width="24" height="24">'
    '<polygon label="disc" points="4,4;18,5;12,20.5"/><box label="cup" xtl="1" ytl="2" xbr="9" '
    'ybr="8"/><ellipse label="e" cx="9" cy="9" rx="3" ry="2"/><mask label="m" rle="3, 5, 4" '
    'left="2" top="3" width="4" height="3"/></image></annotations>',
    "data.yaml": "names:\n  0: disc\n  1: cup\ntrain: images\nnc: 2\n",
    "labels/a.txt": "0 0.1 0.1 0.8 0.2 0.5 0.9\n1 0.5 0.5 0.2 0.2\n",
}  # fmt: skip
_WORDS: Final = (
    "&a;", '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>', "&amp;" * 50, "<image>" * 3000, "nan",
    "1e400", "-5", "9" * 300, "!!python/object/apply:os.system [ls]", "&a [*a, *a]", "{" * 3000,
    "[" * 3000, "? " * 500, "2026-11-29", "- " * 2000,
)  # fmt: skip


def _odd_words(rng: Random, text: str) -> str:
    """Return a text with some of its words replaced."""
    words = text.replace('"', ' " ').split(" ")
    for _ in range(rng.randint(0, 3)):
        words[rng.randrange(len(words))] = rng.choice((*_WORDS, odd_text(rng)))
    return " ".join(words).replace(' " ', '"')
