"""Reading a run's files back: in order, absent, or damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asma_core.errors import StoreError
from asma_core.runs.reading import read_file, read_trajectory, stored_snapshots

Put = Callable[[Path, bytes], Path]
WHOLE: dict[str, Any] = {
    "best_step": 1,
    "chosen": {},
    **{name: [0, 1] for name in ("step", "score", "iou", "pixel_accuracy", "l2", "linf")},
}


def test_snapshots_come_in_the_order_of_their_steps(tmp_path: Path, put: Put) -> None:
    for step in (128, 0, 1024, 96):
        put(tmp_path / "snapshots" / f"{step:06d}.png", b"image")
        put(tmp_path / "snapshots" / f"{step:06d}_prediction.png", b"mask")
    found = stored_snapshots(tmp_path)
    assert [item.step for item in found] == [0, 96, 128, 1024]
    assert all(item.image.read_bytes() == b"image" for item in found)
    assert all(item.prediction.read_bytes() == b"mask" for item in found)


def test_other_files_among_the_snapshots_are_passed_over(tmp_path: Path, put: Put) -> None:
    for name in (
        "note_prediction.png",
        ".000001_prediction.png.12ab",
        "000001.png",
        "_prediction.png",
    ):
        put(tmp_path / "snapshots" / name, b"")
    assert stored_snapshots(tmp_path) == []


def test_a_run_without_snapshots_has_none(tmp_path: Path) -> None:
    assert stored_snapshots(tmp_path) == []


def test_a_file_that_is_not_there_is_none(tmp_path: Path, put: Put) -> None:
    put(tmp_path / "truth.png", b"mask")
    assert read_file(tmp_path, "truth.png") == b"mask"
    assert read_file(tmp_path, "target.png") is None


def test_a_file_that_can_not_be_read_is_explained(tmp_path: Path) -> None:
    (tmp_path / "truth.png").mkdir()
    with pytest.raises(StoreError, match=r"truth\.png"):
        read_file(tmp_path, "truth.png")


def test_the_trajectory_comes_back_as_written(tmp_path: Path, put: Put) -> None:
    put(tmp_path / "trajectory.json", json.dumps(WHOLE).encode())
    assert read_trajectory(tmp_path) == WHOLE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"step": [0]}',
        json.dumps({name: WHOLE[name] for name in WHOLE if name != "best_step"}).encode(),
    ],
)
def test_a_damaged_trajectory_is_explained(tmp_path: Path, put: Put, content: bytes) -> None:
    put(tmp_path / "trajectory.json", content)
    with pytest.raises(StoreError, match=r"trajectory\.json"):
        read_trajectory(tmp_path)


def test_an_absent_trajectory_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"trajectory\.json"):
        read_trajectory(tmp_path)
