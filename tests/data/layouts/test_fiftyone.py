"""What FiftyOne exports (samples.json with its media) becomes masks."""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from asma_core.data.importing import take_in
from asma_core.data.preview import Preview, preview
from asma_core.errors import AsmaError, InputError
from tests.data.layouts.test_annotations import CUP, DISC, N, as_json, inside, wanted
from tests.data.publish import SIZE, Files, encoded, lay_out, picture

TARGETS = {"ground_truth": {"1": "disc", "2": "cup"}}


def packed(values: NDArray[Any]) -> str:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode()


def mongo(values: NDArray[Any]) -> dict[str, Any]:
    return {"$binary": {"base64": packed(values), "subType": "00"}}


def relative(box: tuple[int, int, int, int]) -> list[float]:
    left, top, right, bottom = (value / SIZE for value in box)
    return [left, top, right - left, bottom - top]


def points(box: tuple[int, int, int, int]) -> list[list[list[float]]]:
    left, top, right, bottom = (value / SIZE for value in box)
    return [[[left, top], [right, top], [right, bottom], [left, bottom]]]


def cut(box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    left, top, right, bottom = box
    return inside(box)[top:bottom, left:right]


def detections(how: str) -> dict[str, Any]:
    def one(name: str, box: tuple[int, int, int, int]) -> dict[str, Any]:
        found = {"_cls": "Detection", "label": name, "bounding_box": relative(box)}
        if how == "masks":
            # Half as fine as the image: it is stretched over its box.
            found["mask"] = mongo(cut(box)[::2, ::2])
        return found

    both = [one("cup", CUP), one("disc", DISC)]
    return {"_cls": "Detections", "detections": both}


def polylines() -> dict[str, Any]:
    lines = [
        {"_cls": "Polyline", "label": name, "points": points(box), "closed": True, "filled": True}
        for name, box in (("disc", DISC), ("cup", CUP))
    ]
    lines.append({"_cls": "Polyline", "label": "cut", "points": [[[0.1, 0.1], [0.2, 0.2]]]})
    return {"_cls": "Polylines", "polylines": lines}


def export(labels: dict[int, dict[str, Any]], metadata: Any = None, **more: Any) -> Files:
    """An export of an image each; what is said of all comes last."""
    samples = [
        {
            "_id": {"$oid": "65def789abc123"},
            "filepath": f"data/{n}.jpg",
            "tags": ["validation"],
            "metadata": {"_cls": "ImageMetadata", "width": SIZE, "height": SIZE},
            "weather": {"_cls": "Classification", "label": "fine"},
            "ground_truth": labels[n],
            **more,
        }
        for n in N
    ]
    files = {f"data/{n}.jpg": picture(n, "JPEG") for n in N}
    files["samples.json"] = as_json({"samples": samples})
    return files | ({"metadata.json": as_json(metadata)} if metadata is not None else {})


def with_paths() -> Files:
    kind = {"_cls": "Segmentation"}
    labels = {n: {**kind, "mask_path": f"fields/ground_truth/{n}.png"} for n in N}
    guess = {"_cls": "Segmentation", "mask_path": "fields/predictions/0.png"}
    files = export(labels, {"mask_targets": TARGETS}, predictions=guess)
    drawn = encoded(wanted().astype(np.uint8))
    files |= {f"fields/ground_truth/{n}.png": drawn for n in N}
    return files | {"fields/predictions/0.png": encoded(np.zeros((SIZE, SIZE), np.uint8))}


def inline(values: Any, metadata: Any) -> Files:
    return export({n: {"_cls": "Segmentation", "mask": values} for n in N}, metadata)


def coloured() -> NDArray[np.uint8]:
    colours = np.array([(0, 0, 0), (0, 200, 0), (250, 10, 0)], dtype=np.uint8)
    return colours[wanted()]


WAYS: dict[str, Files] = {
    "mask files": with_paths(),
    "packed": inline(
        packed(wanted().astype(np.uint8)), {"default_mask_targets": TARGETS["ground_truth"]}
    ),
    "as MongoDB writes it": inline(mongo(wanted()), {"mask_targets": TARGETS}),
    "by column": inline(packed(np.asfortranarray(wanted())), {"mask_targets": TARGETS}),
    "colours": inline(
        packed(coloured()),
        {"mask_targets": {"ground_truth": {"#00c800": "disc", "#FA0A00": "cup"}}},
    ),
    "masks in boxes": export({n: detections("masks") for n in N}),
    "polylines": export({n: polylines() for n in N}),
    "boxes": export({n: detections("boxes") for n in N}),
    "below a folder": {f"export/{path}": data for path, data in with_paths().items()},
}  # fmt: skip


def looked_at(folder: Path, files: Files) -> Preview:
    return preview(lay_out(folder, files))


@pytest.mark.parametrize("way", WAYS)
def test_an_export_is_taken_in(home: Path, tmp_path: Path, way: str) -> None:
    found = looked_at(tmp_path / "set", WAYS[way])
    dataset = take_in(found, "kept").dataset
    assert dataset.layout == "fiftyone" and found.found.left_out == ()
    assert sorted(dataset.classes) == ["background", "cup", "disc"]
    number = {name: dataset.classes.index(name) for name in ("disc", "cup")}
    right = np.choose(wanted(), [0, number["disc"], number["cup"]])
    assert len(dataset.samples) == len(N)
    for sample in dataset.samples:
        assert (dataset.mask(sample).labels == right).all()
        assert sample.split == "validation"


def test_what_is_left_out_is_told(home: Path, tmp_path: Path) -> None:
    told = looked_at(tmp_path / "a", with_paths()).found.reasons
    assert "the field ground_truth of samples.json" in told
    assert "fields left out: predictions" in told
    assert (
        "6 boxes without a mask, filled" in looked_at(tmp_path / "b", WAYS["boxes"]).found.reasons
    )
    told = looked_at(tmp_path / "c", WAYS["polylines"]).found.reasons
    assert "3 lines left out, which have no inside" in told


def test_values_without_names(home: Path, tmp_path: Path) -> None:
    binary = np.where(wanted() > 0, 255, 0).astype(np.uint8)
    found = looked_at(tmp_path / "binary", inline(packed(binary), None))
    assert found.dataset.classes == ("background", "structure")
    values = wanted()
    values[:4] = 255
    found = looked_at(tmp_path / "void", inline(packed(values), {"mask_targets": TARGETS}))
    mask = found.dataset.mask(found.dataset.samples[0])
    assert found.dataset.classes == ("background", "disc", "cup")
    assert not mask.valid[:4].any() and mask.valid[4:].all()
    assert (mask.labels[4:] == wanted()[4:]).all()
    found = looked_at(tmp_path / "more", inline(packed(wanted() * 3), {"mask_targets": {}}))
    assert found.dataset.classes == ("background", "class 3", "class 6")


def test_a_field_of_the_truth_outranks_a_prediction(home: Path, tmp_path: Path) -> None:
    files = export({n: detections("boxes") for n in N}, predictions=detections("masks"))
    assert "the field ground_truth of samples.json" in looked_at(tmp_path, files).found.reasons


def test_masks_that_change_are_drawn_anew(home: Path, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "set", with_paths())
    preview(folder)
    swapped = np.choose(wanted(), [0, 2, 1]).astype(np.uint8)
    for n in N:
        (folder / f"fields/ground_truth/{n}.png").write_bytes(encoded(swapped) + b" ")
    dataset = preview(folder).dataset
    assert (dataset.mask(dataset.samples[0]).labels == swapped).all()


def bomb() -> str:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": (1 << 40,)}
    )
    return base64.b64encode(zlib.compress(head.getvalue())).decode()


def pickled() -> str:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}]), allow_pickle=True)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode()


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"mask": "no base 64!"}, "a packed mask is damaged; export it again"),
        ({"mask": packed(wanted())[:40]}, "a packed mask is"),
        ({"mask": bomb()}, "a packed mask is damaged"),
        ({"mask": pickled()}, "a packed mask is damaged"),
        ({"mask": packed(np.zeros((2, 2, 2, 2)))}, "a packed mask is no picture"),
        ({"mask": {"$ref": 1}}, "neither a file nor packed"),
        ({"mask_path": "fields/gone.png"}, "the mask fields/gone.png is not in the folder; add it"),
        ({"mask_path": "../../etc/passwd"}, "is not in the folder; add it"),
        ({"mask": packed(np.arange(SIZE * SIZE).reshape(SIZE, SIZE))}, "at most 31 are possible"),
    ],
)
def test_what_is_damaged_is_told(
    home: Path, tmp_path: Path, label: dict[str, Any], message: str
) -> None:
    files = export({n: {"_cls": "Segmentation", **label} for n in N}, {"mask_targets": TARGETS})
    with pytest.raises(InputError, match=message):
        preview(lay_out(tmp_path, files), layout="fiftyone")


def odd(value: Any, rng: np.random.Generator) -> Any:
    """Return JSON of which some parts are of another kind."""
    if rng.random() < 0.04:
        strange: list[Any] = [None, "", "x", -1, 1e400, float("nan"), [], {}, [[1]], True, 2**70]
        return strange[int(rng.integers(len(strange)))]
    if isinstance(value, dict):
        return {key: odd(one, rng) for key, one in value.items() if rng.random() > 0.02}
    return [odd(one, rng) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("way", ["packed", "colours", "masks in boxes", "polylines"])
def test_odd_lists_are_read_or_told(home: Path, tmp_path: Path, way: str) -> None:
    folder = lay_out(tmp_path, WAYS[way])
    for seed in range(50):
        rng = np.random.default_rng(seed)
        for name in ("samples.json", "metadata.json"):
            if name in WAYS[way]:
                made = odd(json.loads(WAYS[way][name]), rng)
                (folder / name).write_bytes(as_json(made))
        try:
            preview(folder)
        except AsmaError as error:
            assert "\n" not in str(error)
