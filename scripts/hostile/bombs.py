"""Small files that become large, or take long: read as pages read them, in limited processes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
from PIL import Image

from asma_core.data.formats.images import check_image
from asma_core.data.importing import unpack_upload
from asma_core.data.preview import preview
from asma_core.jobs.brought_networks import look_at_weights
from asma_core.limited.reading import read
from scripts.hostile.pictures import Ask

# As an owner sets them who has little memory and patience.
_CONFIG: Final = (
    "max_reading_mb = 500\nmax_reading_s = 20\nmax_network_mb = 2000\nmax_network_s = 20\n"
)


def hostile_bomb(rng: Random, folder: Path) -> Ask:
    """A file of some kB or MB that becomes large when it is read."""
    config = folder / "config.toml"
    config.write_text(_CONFIG, encoding="utf-8")
    os.environ["ASMA_CONFIG"] = str(config)
    return rng.choice(_BOMBS)(rng, folder)


def _volume(rng: Random, folder: Path) -> Ask:
    import nibabel

    sides = rng.choice(((600, 600, 540), (7000, 7000, 3), (80, 80, 30_000)))
    kind: Any = nibabel.Nifti1Image
    volume = kind(np.zeros(sides, np.uint8), np.eye(4))
    if rng.random() < 0.5:
        volume.header.set_slope_inter(2.0, 1.0)
    data = gzip.compress(volume.to_bytes(), 1)
    return lambda: read("a.nii.gz", check_image, data, "a.nii.gz")


def _picture(rng: Random, folder: Path) -> Ask:
    shape = rng.choice(((7000, 7100), (7000, 7100, 3), (7000, 7100, 4), (7200, 7200)))
    buffer = io.BytesIO()
    flat = Image.fromarray(np.zeros(shape, np.uint8))
    if rng.random() < 0.5:
        flat.save(buffer, "PNG")
    else:
        flat.save(
            buffer, "TIFF", compression="tiff_deflate", save_all=True, append_images=[flat] * 3
        )
    return lambda: read("a.png", check_image, buffer.getvalue(), "a.png")


def _archive(rng: Random, folder: Path) -> Ask:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        if rng.random() < 0.5:
            for number in range(rng.choice((60_000, 200_000))):
                archive.writestr(f"set/{number}.png", b"")
        else:
            archive.writestr("set/a.png", bytes(rng.choice((19_000_000, 300_000_000))))
    return lambda: read("a.zip", unpack_upload, path, "a.zip")


def _table(rng: Random, folder: Path) -> Ask:
    rows = [["image", "mask", *(f"column {number}" for number in range(rng.choice((3, 300))))]]
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    line = "a.png,b.png" + "," * rng.choice((3, 300)) + "\n"
    (folder / "pairs.csv").write_text(buffer.getvalue() + line * (20_000_000 // len(line)))
    (folder / "a.png").write_bytes(_small())
    return lambda: read("a", preview, folder)


def _annotation(rng: Random, folder: Path) -> Ask:
    (folder / "a.png").write_bytes(_small())
    outline = [[rng.uniform(0, 30) for _ in range(rng.choice((6, 2000)))]]
    one = {"image_id": 1, "category_id": 1, "segmentation": outline}
    picture = {"id": 1, "file_name": "a.png", "width": 65_000, "height": rng.choice((20, 60_000))}
    content = {"images": [picture], "categories": [{"id": 1, "name": "disc"}],
               "annotations": [one] * rng.choice((3, 3000))}  # fmt: skip
    (folder / "a.json").write_text(json.dumps(content))
    return lambda: read("a", preview, folder)


def _weights(rng: Random, folder: Path) -> Ask:
    path = folder / "a.safetensors"
    count = rng.choice((1000, 19_000, 200_000))
    told = {f"{rng.choice('ab.')}{place}.weight": {"dtype": "F32", "shape": [1, 1, 1, 1],
            "data_offsets": [4 * place, 4 * place + 4]} for place in range(count)}  # fmt: skip
    head = json.dumps(told).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(4 * count))
    return lambda: look_at_weights(path)


def _small() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


_BOMBS: Final[Sequence[Callable[[Random, Path], Ask]]] = (
    *(_volume, _picture, _archive, _table, _annotation, _weights),
)
