"""A folder of DICOM slices of one series is a volume, in the order of its slices' places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asma_core.data.datasets import open_dataset
from asma_core.data.formats.images import count_frames, picture_size, read_image, read_picture
from asma_core.data.formats.series import slices_of
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import Window
from asma_core.data.importing import take_in
from asma_core.data.preview import preview
from asma_core.errors import InputError
from tests.data.formats.test_volumes import dicom
from tests.data.publish import binary, disc, lay_out

COUNT = 12
# Names say nothing of the place, as those that are made of UIDs.
NAMES = [f"{(7 * place) % COUNT:03d}" for place in range(COUNT)]


def plane(place: int) -> np.ndarray:
    noise = np.random.default_rng(place).integers(0, 100, disc().shape)
    return (1000 + 50 * place + noise + 300 * disc()).astype(np.int16)


def slice_of(place: int, by: str = "position", series: str = "1.2.3", **more: object) -> bytes:
    facts: dict[str, object] = {"SeriesInstanceUID": series}
    if by == "position":
        facts["ImagePositionPatient"] = [0, 0, -30 + 2.5 * place]
        facts["ImageOrientationPatient"] = [1, 0, 0, 0, 1, 0]
        facts["InstanceNumber"] = 99
    elif by == "number":
        facts["InstanceNumber"] = place + 1
    return dicom(plane(place), **facts, **more)


def series(folder: Path, by: str = "position", **more: object) -> Path:
    files = {name: slice_of(place, by, **more) for place, name in enumerate(NAMES)}
    return lay_out(folder, files | {"notes.txt": b"of a scanner"})


@pytest.mark.parametrize("by", ["position", "number"])
def test_slices_in_the_order_of_their_places(tmp_path: Path, by: str) -> None:
    folder = series(tmp_path / "ct", by)
    assert [path.name for path in slices_of(folder)] == NAMES
    assert (count_frames(folder), picture_size(folder)) == (COUNT, disc().shape)
    window = Window(1000, 2000)
    for place in (0, 5, 11):
        image = read_image(folder, where=Slice(place, window=window))
        assert np.abs(image[0] - np.clip((plane(place) - 1000) / 1000, 0, 1)).max() < 1e-6
    middle = read_image(folder, where=Slice(window=window))
    assert np.array_equal(middle, read_image(folder, where=Slice(6, window=window)))
    with pytest.raises(InputError, match=r"has 12 pictures, 0 to 11; there is no 12"):
        read_image(folder, where=Slice(12))


def test_without_a_place_by_name(tmp_path: Path) -> None:
    assert [path.name for path in slices_of(series(tmp_path / "ct", "name"))] == sorted(NAMES)


def test_slices_share_a_window(tmp_path: Path) -> None:
    folder = series(tmp_path / "ct")
    windows = {read_picture(folder, where=Slice(place)).window for place in range(COUNT)}
    assert len(windows) == 1
    (window,) = windows
    assert window is not None and window.low < 1100 and window.high > 1800


def test_a_tilted_series_goes_along_its_normal(tmp_path: Path) -> None:
    files = {}
    for place, name in enumerate(NAMES):
        files[name] = dicom(
            plane(place), SeriesInstanceUID="1.2", InstanceNumber=1,
            ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
            ImagePositionPatient=[100 - 3 * place, 5, 7],
        )  # fmt: skip
    assert [path.name for path in slices_of(lay_out(tmp_path / "sagittal", files))] == NAMES


def test_what_is_no_series_is_told(tmp_path: Path) -> None:
    folder = series(tmp_path / "two")
    (folder / "other").write_bytes(slice_of(3, series="9.9"))
    with pytest.raises(InputError, match="holds 2 series"):
        read_image(folder)
    empty = lay_out(tmp_path / "none", {"a.txt": b"x"})
    with pytest.raises(InputError, match="without DICOM slices"):
        read_image(empty)


def test_a_slice_that_is_added_is_seen(tmp_path: Path) -> None:
    folder = series(tmp_path / "ct")
    assert count_frames(folder) == COUNT
    (folder / "z").write_bytes(slice_of(COUNT))
    assert count_frames(folder) == COUNT + 1


def test_the_slices_of_a_data_set_are_browsed_in_order(home: Path, tmp_path: Path) -> None:
    files = {}
    for place, name in enumerate(NAMES):
        for number, uid in enumerate(("1.2.3", "4.5.6")):
            files[f"images/{number}{name}.dcm"] = slice_of(place, series=uid)
            files[f"masks/{number}{name}.png"] = binary()
    dataset = take_in(preview(lay_out(tmp_path / "two", files)), "two").dataset
    expected = [f"0{name}" for name in NAMES] + [f"1{name}" for name in NAMES]
    assert [sample.name for sample in dataset.samples] == expected
    assert [sample.name for sample in open_dataset("two").samples] == expected
    assert len({dataset.picture(sample).window for sample in dataset.samples}) == 1
    assert "Slices of a series" in dataset.description
