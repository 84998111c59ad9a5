"""Volumes of a folder are browsed slice by slice, in the order of the body."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from asma_core.data.datasets import open_folder
from tests.data.formats.test_volumes import dicom, nifti
from tests.data.publish import encoded, lay_out


def test_a_folder_without_a_card_has_every_slice_in_its_order(tmp_path: Path) -> None:
    shape = np.zeros((20, 18, 12), np.uint8)
    for place in range(12):
        shape[3 : 6 + place, 4:9, place] = 1
    stacked = Image.fromarray(shape[..., 0])
    pages = [Image.fromarray(shape[..., place]) for place in range(1, 12)]
    files: dict[str, bytes] = {}
    for kind, scale in (("images", 200), ("labels", 1)):
        files[f"nifti/{kind}/a.nii.gz"] = nifti(shape.astype(np.int16) * scale)
        buffer = io.BytesIO()
        stacked.save(buffer, "TIFF", save_all=True, append_images=pages)
        files[f"pages/{kind}/a.tif"] = buffer.getvalue()
    for place in range(12):
        # Named by a number without zeros, and placed from the last to the first.
        facts = {"SeriesInstanceUID": "1.2", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        plane = np.ascontiguousarray(shape[..., place]).astype(np.int16) * 200
        where = [0, 0, -3 * place]
        files[f"dicom/images/s{place}"] = dicom(plane, ImagePositionPatient=where, **facts)
        files[f"dicom/masks/s{place}.png"] = encoded(shape[..., place] * 255)
        files[f"names/images/s{place}.png"] = encoded(shape[..., place] * 200)
        files[f"names/masks/s{place}.png"] = encoded(shape[..., place] * 255)
    lay_out(tmp_path, files)
    areas = [5 * (3 + place) for place in range(12)]
    for name, expected in (
        ("nifti", areas),
        ("pages", areas),
        ("names", areas),
        ("dicom", areas[::-1]),
    ):
        dataset = open_folder(tmp_path / name, name)
        found = [int((dataset.mask(one).labels > 0).sum()) for one in dataset.samples]
        assert found == expected, name
