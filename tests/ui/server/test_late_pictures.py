"""Pictures of a page that runs again stay for a while, whosever run ends; not for ever."""

from __future__ import annotations

import time

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from ui.server.late_pictures import KEPT, keep_for_late_browsers

Pictures = tuple[MediaFileManager, MemoryMediaFileStorage]


class Clock:
    """What `time.monotonic` says."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def pictures() -> Pictures:
    storage = MemoryMediaFileStorage("/media")
    manager = MediaFileManager(storage)
    keep_for_late_browsers(manager)
    return manager, storage


def is_there(pictures: Pictures, url: str) -> bool:
    return url.rsplit("/", 1)[-1].split(".")[0] in pictures[1]._files_by_id


def test_a_picture_outlives_the_run_that_showed_it(pictures: Pictures, clock: Clock) -> None:
    manager, _ = pictures
    url = manager.add(b"a picture", "image/png", "0.1")
    # The page runs again, and somebody else's run ends.
    manager.clear_session_refs()
    manager.remove_orphaned_files()
    clock.now += KEPT - 1
    manager.remove_orphaned_files()
    assert is_there(pictures, url)
    clock.now += 1
    manager.remove_orphaned_files()
    assert not is_there(pictures, url)


def test_a_picture_that_is_shown_again_begins_anew(pictures: Pictures, clock: Clock) -> None:
    manager, _ = pictures
    url = manager.add(b"a picture", "image/png", "0.1")
    for _ in range(3):
        manager.clear_session_refs()
        manager.remove_orphaned_files()
        clock.now += KEPT - 1
        assert manager.add(b"a picture", "image/png", "0.1") == url
        manager.remove_orphaned_files()
    assert is_there(pictures, url)


def test_a_picture_that_is_shown_stays(pictures: Pictures, clock: Clock) -> None:
    manager, _ = pictures
    url = manager.add(b"a picture", "image/png", "0.1")
    for _ in range(3):
        clock.now += KEPT
        manager.remove_orphaned_files()
    assert is_there(pictures, url)
