"""Deleting what is older than the owner of a server keeps: uploaded images, and runs."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.account import SERVER
from asma_core.accounts.current import acting_as
from asma_core.errors import AsmaError
from asma_core.files import clear_image_caches
from asma_core.jobs.local import is_ending
from asma_core.runs.store import RunStore
from asma_core.runs.uploads import remove_upload, upload_records
from asma_core.server_config import settings

DAY: Final = 24 * 3600.0
# Seconds between two looks.
EVERY: Final = 3600.0
_LOG: Final = logging.getLogger(__name__)


def delete_old(store: RunStore, now: float | None = None) -> tuple[int, int]:
    """Delete the uploaded images and the runs whose time is over; pinned runs stay.

    A time that lies in the future, as after a clock went back, is not over.

    Args:
        store: The runs.
        now: Seconds since 1970; the clock's by default.

    Returns:
        How many images and runs were deleted.

    Raises:
        StoreError: The data folder can't be written.
    """
    now, known = now or time.time(), settings()
    with acting_as(SERVER):
        images = _old_images(now - known.keep_uploads_days * DAY) if known.keep_uploads_days else []
        for key in images:
            remove_upload(key)
            audit.record("delete", f"image {key}", store.home, why="its time is over")
        if images:
            clear_image_caches(paths.home())
        runs = store.ended_before(now - known.keep_runs_days * DAY) if known.keep_runs_days else []
        for run_id in runs:
            store.delete(run_id)
    return len(images), len(runs)


def _old_images(before: float) -> list[str]:
    return [record.stem for record in upload_records() if record.stat().st_mtime < before]


def keep_deleting(home: Path) -> threading.Thread:
    """Delete what is old now and then, in the background, as long as this process lives."""
    thread = threading.Thread(target=_delete_for_ever, args=(home,), daemon=True, name="retention")
    thread.start()
    return thread


def _delete_for_ever(home: Path) -> None:
    while not is_ending():
        try:
            delete_old(RunStore(home))
        except (AsmaError, OSError):
            # Said again at the next look; the pages go on.
            _LOG.exception("what is old could not be deleted")
        time.sleep(EVERY)
