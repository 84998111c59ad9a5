"""Outlines and boxes of annotation tools become masks."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from asma_core import paths
from asma_core.data.importing import take_in, unpack_upload
from asma_core.data.layouts.annotations.run_lengths import brush_mask, starts_and_lengths
from asma_core.data.preview import Preview, preview
from asma_core.errors import AsmaError, InputError
from tests.data.publish import SIZE, Files, encoded, lay_out, picture

# A square of the disc and one of the cup within it, in pixels: left, top, right, bottom.
DISC = (10, 8, 50, 40)
CUP = (20, 16, 32, 30)
N = range(3)


def corners(box: tuple[int, int, int, int]) -> list[list[float]]:
    left, top, right, bottom = map(float, box)
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def flat(box: tuple[int, int, int, int]) -> list[float]:
    return [value for corner in corners(box) for value in corner]


def wanted() -> NDArray[np.int64]:
    labels = np.zeros((SIZE, SIZE), dtype=np.int64)
    for number, (left, top, right, bottom) in enumerate((DISC, CUP), start=1):
        labels[top:bottom, left:right] = number
    return labels


def inside(box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    left, top, right, bottom = box
    found = np.zeros((SIZE, SIZE), dtype=np.bool_)
    found[top:bottom, left:right] = True
    return found


def runs(mask: NDArray[np.bool_]) -> list[int]:
    """COCO's run lengths, down the columns."""
    return row_runs(mask.T)


def row_runs(mask: NDArray[np.bool_]) -> list[int]:
    values = mask.ravel()
    places = np.flatnonzero(np.diff(values, prepend=False, append=False))
    lengths = np.diff([0, *places.tolist(), values.size]).tolist()
    return [int(length) for length in lengths]


def as_json(content: Any) -> bytes:
    return json.dumps(content).encode()


def images(form: str = "images/{n}.png") -> Files:
    return {form.format(n=n): picture(n) for n in N}


def coco(how: str) -> Files:
    from pycocotools import mask as library

    def drawn(box: tuple[int, int, int, int]) -> dict[str, Any]:
        if how == "polygons":
            return {"segmentation": [flat(box)]}
        if how == "boxes":
            left, top, right, bottom = box
            return {"bbox": [left, top, right - left, bottom - top], "segmentation": []}
        if how == "runs":
            return {"segmentation": {"size": [SIZE, SIZE], "counts": runs(inside(box))}}
        packed = library.encode(np.asfortranarray(inside(box).astype(np.uint8)))
        return {"segmentation": {"size": [SIZE, SIZE], "counts": packed["counts"].decode()}}

    names = [{"id": 7, "name": "disc"}, {"id": 3, "name": "cup"}, {"id": 9, "name": "unused"}]
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": SIZE, "width": SIZE} for n in N],
        "annotations": [
            {"id": 10 * n + one, "image_id": n, "category_id": category, **drawn(box)}
            for n in N
            for one, (category, box) in enumerate(((3, CUP), (7, DISC)))
        ],
        "categories": names,
    }
    return images("train2017/{n}.png") | {
        "annotations/instances_train2017.json": as_json(content),
        "annotations/captions.json": as_json({"images": [], "info": {}}),
    }


def labelme() -> Files:
    shapes = [
        {"label": "cup", "points": corners(CUP), "shape_type": "polygon"},
        {"label": "disc", "points": [DISC[:2], DISC[2:]], "shape_type": "rectangle"},
        {"label": "mark", "points": [[3, 3]], "shape_type": "point"},
    ]
    files = images("{n}.png")
    for n in N:
        files[f"{n}.json"] = as_json({"imagePath": f"{n}.png", "imageData": None, "shapes": shapes})
    return files


def labelme_masks() -> Files:
    files = images("a/{n}.png")
    for n in N:
        shapes = []
        for name, box in (("disc", DISC), ("cup", CUP)):
            crop = inside(box)[box[1] : box[3], box[0] : box[2]]
            data = base64.b64encode(encoded(crop.astype(np.uint8) * 255)).decode()
            points = [[box[0], box[1]], [box[2] - 1, box[3] - 1]]
            shapes.append({"label": name, "points": points, "shape_type": "mask", "mask": data})
        files[f"a/{n}.json"] = as_json({"imagePath": f"..\\x\\{n}.png", "shapes": shapes})
    return files


def cvat() -> Files:
    text = "".join(
        f'<image id="{n}" name="{n}.png" width="{SIZE}" height="{SIZE}">'
        f'<polygon label="cup" points="{";".join(f"{x},{y}" for x, y in corners(CUP))}"/>'
        f'<box label="disc" xtl="{DISC[0]}" ytl="{DISC[1]}" xbr="{DISC[2]}" ybr="{DISC[3]}"/>'
        '<points label="cup" points="1,1"/></image>'
        for n in N
    )
    labels = "".join(f"<label><name>{name}</name></label>" for name in ("disc", "cup"))
    head = f"<version>1.1</version><meta><task><labels>{labels}</labels></task></meta>"
    return images() | {"annotations.xml": f"<annotations>{head}{text}</annotations>".encode()}


def cvat_masks() -> Files:
    def mask(name: str, box: tuple[int, int, int, int]) -> str:
        left, top, right, bottom = box
        run = row_runs(np.ones((bottom - top, right - left), dtype=np.bool_))
        return (
            f'<mask label="{name}" rle="{", ".join(map(str, run))}" left="{left}" top="{top}" '
            f'width="{right - left}" height="{bottom - top}"/>'
        )

    text = "".join(
        f'<image id="{n}" name="sub/{n}.png">{mask("disc", DISC)}{mask("cup", CUP)}</image>'
        for n in N
    )
    return images() | {"x/annotations.xml": f"<annotations>{text}</annotations>".encode()}


def brush(box: tuple[int, int, int, int]) -> list[int]:
    """Label Studio's brush, written with its plainest runs: one value after another."""
    values = np.repeat(inside(box).ravel().astype(np.uint8) * 255, 4)
    bits = f"{values.size:032b}{7:05b}" + f"{15:04b}" * 4
    place = 0
    while place < values.size:
        end = place
        while end < values.size and values[end] == values[place] and end - place < 1 << 16:
            end += 1
        bits += f"1{0:02b}{end - place - 1:016b}{int(values[place]):08b}"
        place = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


def label_studio(how: str = "outlines") -> Files:
    def scaled(box: tuple[int, int, int, int]) -> dict[str, Any]:
        left, top, right, bottom = (100 * value / SIZE for value in box)
        return {"x": left, "y": top, "width": right - left, "height": bottom - top}

    size = {"original_width": SIZE, "original_height": SIZE}
    points = [[100 * x / SIZE, 100 * y / SIZE] for x, y in corners(CUP)]
    outlines = [
        {"type": "polygonlabels", "value": {"points": points, "polygonlabels": ["cup"]}},
        {"type": "rectanglelabels", "value": {**scaled(DISC), "rectanglelabels": ["disc"]}},
        {"type": "choices", "value": {"choices": ["good"]}},
    ]
    brushes = [
        {"type": "brushlabels", "value": {"format": "rle", "rle": brush(b), "brushlabels": [name]}}
        for name, b in (("disc", DISC), ("cup", CUP))
    ]
    results = [{**size, **one} for one in (outlines if how == "outlines" else brushes)]
    tasks = [
        {
            "data": {"image": f"/data/upload/1/0a1b2c3d-{n}.png"},
            "annotations": [{"was_cancelled": True, "result": []}, {"result": results}],
        }
        for n in N
    ]
    return images() | {"project-1-at-2026.json": as_json(tasks)}


def yolo(how: str = "polygons") -> Files:
    def line(number: int, box: tuple[int, int, int, int]) -> str:
        left, top, right, bottom = (value / SIZE for value in box)
        middle = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        values = [v / SIZE for v in flat(box)] if how == "polygons" else middle
        return " ".join([str(number), *(f"{value:.6f}" for value in values)])

    text = f"{line(1, CUP)}\n{line(0, DISC)}\n".encode()
    files = images("images/train/{n}.png") | {f"labels/train/{n}.txt": text for n in N}
    return files | {"data.yaml": b"path: .\nnames:\n  0: disc\n  1: cup\n"}


def supervisely() -> Files:
    bitmap = inside(CUP)[CUP[1] : CUP[3], CUP[0] : CUP[2]].astype(np.uint8) * 255
    packed = base64.b64encode(zlib.compress(encoded(bitmap))).decode()
    around = {"points": {"exterior": corners(DISC), "interior": []}}
    objects = [
        {"classTitle": "disc", "geometryType": "polygon", **around},
        {
            "classTitle": "cup", "geometryType": "bitmap",
            "bitmap": {"data": packed, "origin": list(CUP[:2])},
        },
    ]  # fmt: skip
    meta = {"classes": [{"title": "disc"}, {"title": "cup"}]}
    return (
        images("ds/img/{n}.png")
        | {f"ds/ann/{n}.png.json": as_json({"objects": objects}) for n in N}
        | {"meta.json": as_json(meta)}
    )


def pixel_runs(box: tuple[int, int, int, int]) -> str:
    """Starts from 1, down the columns, with their lengths."""
    columns = inside(box).T.ravel()
    places = np.flatnonzero(np.diff(columns, prepend=False, append=False)).reshape(-1, 2)
    return " ".join(f"{start + 1} {end - start}" for start, end in places)


def run_length_table() -> Files:
    lines = ["ImageId,EncodedPixels,ClassId"]
    for n in N:
        lines += [f"{n}.png,{pixel_runs(DISC)},disc", f"{n},{pixel_runs(CUP)},cup"]
    return images() | {"train.csv": "\n".join(lines).encode()}


TOOLS: dict[str, tuple[str, Callable[[], Files]]] = {
    "COCO polygons": ("coco", lambda: coco("polygons")),
    "COCO run lengths": ("coco", lambda: coco("runs")),
    "COCO packed": ("coco", lambda: coco("packed")),
    "COCO boxes": ("coco", lambda: coco("boxes")),
    "labelme": ("labelme", labelme),
    "labelme masks": ("labelme", labelme_masks),
    "CVAT": ("cvat", cvat),
    "CVAT masks": ("cvat", cvat_masks),
    "Label Studio": ("label-studio", label_studio),
    "Label Studio brushes": ("label-studio", lambda: label_studio("brushes")),
    "YOLO": ("yolo", yolo),
    "YOLO boxes": ("yolo", lambda: yolo("boxes")),
    "Supervisely": ("supervisely", supervisely),
    "run lengths": ("run-lengths", run_length_table),
}


def looked_at(folder: Path, files: Files) -> Preview:
    return preview(lay_out(folder, files))


@pytest.mark.parametrize("name", TOOLS)
def test_what_a_tool_writes_is_taken_in(home: Path, tmp_path: Path, name: str) -> None:
    layout, make = TOOLS[name]
    found = looked_at(tmp_path / "set", make())
    assert found.found.layout == layout
    assert sorted(found.dataset.classes) == ["background", "cup", "disc"]
    assert len(found.dataset.samples) == len(N)
    number = {name: found.dataset.classes.index(name) for name in ("disc", "cup")}
    right = np.choose(wanted(), [0, number["disc"], number["cup"]])
    for sample in found.dataset.samples:
        assert (found.dataset.mask(sample).labels == right).all()
        assert found.dataset.image(sample).shape == (3, SIZE, SIZE)


def test_boxes_and_points_are_told(home: Path, tmp_path: Path) -> None:
    assert (
        "6 boxes without an outline, filled"
        in looked_at(tmp_path / "c", coco("boxes")).found.reasons
    )
    told = looked_at(tmp_path / "l", labelme()).found.reasons
    assert "3 points and lines left out, which have no inside" in told


def test_the_split_is_that_of_the_files(home: Path, tmp_path: Path) -> None:
    for name in ("COCO polygons", "YOLO"):
        found = looked_at(tmp_path / name, TOOLS[name][1]())
        assert {sample.split for sample in found.dataset.samples} == {"train"}


def test_what_is_drawn_is_kept_until_the_file_changes(home: Path, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "set", coco("polygons"))
    drawn = paths.home() / "cache" / "drawn-masks"
    first = preview(folder).dataset.samples[0].mask
    state = first.stat().st_mtime_ns
    assert preview(folder).dataset.samples[0].mask == first
    assert first.stat().st_mtime_ns == state and len(list(drawn.iterdir())) == 1
    file = folder / "annotations" / "instances_train2017.json"
    content = json.loads(file.read_text())
    content["annotations"] = [one for one in content["annotations"] if one["category_id"] == 7]
    file.write_text(json.dumps(content))
    again = preview(folder).dataset
    assert again.classes == ("background", "disc") and again.samples[0].mask != first


def test_an_upload_keeps_its_masks(home: Path) -> None:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in coco("polygons").items():
            archive.writestr(f"set/{path}", data)
    buffer.seek(0)
    found = preview(unpack_upload(buffer, "set.zip"))
    kept = take_in(found, "mine").dataset
    assert len(kept.samples) == 3 and kept.layout == "coco"
    assert (kept.mask(kept.samples[0]).labels == wanted()).all()


def test_holes_and_shapes_over_the_edge(home: Path, tmp_path: Path) -> None:
    files = supervisely()
    around = {"points": {"exterior": corners((-9, -9, 99, 30)), "interior": [corners(CUP)]}}
    objects = [{"classTitle": "disc", "geometryType": "polygon", **around}]
    files |= {f"ds/ann/{n}.png.json": as_json({"objects": objects}) for n in N}
    found = looked_at(tmp_path, files)
    right = np.zeros((SIZE, SIZE), dtype=np.int64)
    right[:30] = 1
    right[inside(CUP)] = 0
    assert (found.dataset.mask(found.dataset.samples[0]).labels == right).all()


def test_a_resized_image_gets_its_mask_resized(home: Path, tmp_path: Path) -> None:
    files = coco("polygons")
    for n in N:
        small = Image.open(io.BytesIO(picture(n))).resize((SIZE // 2, SIZE // 2))
        buffer = io.BytesIO()
        small.save(buffer, "PNG")
        files[f"train2017/{n}.png"] = buffer.getvalue()
    found = looked_at(tmp_path, files)
    assert (found.dataset.mask(found.dataset.samples[0]).labels == wanted()[1::2, 1::2]).all()


@pytest.mark.parametrize(
    ("path", "data", "sentence"),
    [
        ("a.json", b"{", "a.json can't be read as JSON; export it again"),
        ("a.xml", b"<annotations", "a.xml can't be read as XML; export it again"),
        ("a.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><annotations/>', "declares entities"),
        (
            "a.json",
            as_json(
                {
                    "images": [{"id": 1, "file_name": "1.png"}], "categories": [],
                    "annotations": [{"image_id": 1, "segmentation": [[1, 2, "x", 4, 5, 6]]}],
                }
            ),
            "a.json: an outline of 1.png can't be read",
        ),
        (
            "a.json",
            as_json({"images": [{"id": 1, "file_name": "1.png"}], "annotations": []}),
            "the annotations hold no outline; draw some",
        ),
    ],
)  # fmt: skip
def test_what_is_damaged_is_told(
    home: Path, tmp_path: Path, path: str, data: bytes, sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        looked_at(tmp_path, images() | {path: data})
    assert sentence in str(caught.value)


def test_run_lengths_of_tables() -> None:
    mask = starts_and_lengths("2 3 9 1", 4, 3)
    assert np.flatnonzero(mask.T.ravel()).tolist() == [1, 2, 3, 8]
    for text in ("1", "0 3", "12 2", "x 1"):
        with pytest.raises(InputError):
            starts_and_lengths(text, 4, 3)


def test_a_brush_that_ends_early_is_told() -> None:
    whole = brush(CUP)
    assert (brush_mask(whole, SIZE, SIZE) == inside(CUP)).all()
    with pytest.raises(InputError, match="end too early"):
        brush_mask(whole[:-9], SIZE, SIZE)
    with pytest.raises(InputError, match="another size"):
        brush_mask(whole, SIZE, SIZE + 1)


@pytest.mark.parametrize("name", TOOLS)
def test_hostile_annotations_end_in_a_sentence(home: Path, tmp_path: Path, name: str) -> None:
    """200 damaged files in all: each is read, or refused as an AsmaError."""
    rng = np.random.default_rng(sum(name.encode()))
    files = TOOLS[name][1]()
    said = [path for path in files if path.endswith((".json", ".xml", ".txt", ".yaml", ".csv"))]
    for turn in range(16):
        made = dict(files)
        path = said[int(rng.integers(len(said)))]
        made[path] = _damaged(made[path], rng)
        try:
            looked_at(tmp_path / str(turn), made)
        except AsmaError as error:
            assert str(error) and "\n" not in str(error)


def _damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Replace some values by others, or bytes."""
    odd = [b"null", b"-1", b"1e999", b"[]", b"{}", b'"x"', b"99999999999999999999", b"NaN", b"true"]
    marks = [place for place, mark in enumerate(data) if mark in b",:[] "]
    kind = int(rng.integers(4))
    place = int(rng.choice(marks)) if marks else 0
    if kind == 0:
        return data[: int(rng.integers(len(data)))]
    if kind == 1:
        end = next((mark for mark in marks if mark > place), len(data))
        return data[: place + 1] + odd[int(rng.integers(len(odd)))] + data[end:]
    if kind == 2:
        return data[:place] + b"[" * 100_000 + data[place:]
    changed = bytearray(data)
    changed[int(rng.integers(len(data)))] = int(rng.integers(256))
    return bytes(changed)
