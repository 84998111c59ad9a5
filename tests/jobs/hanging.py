"""A network whose forward pass does not come back, in a process that a test names."""

from __future__ import annotations

import ctypes
import json
import os
import time
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from asma_core.jobs.local import local_executor

# A file in the data folder with the moment and the way; it hangs once, or each time.
WISH = "hang"
# Written by the process that hangs, with its number.
HUNG = "hung"
AT_ONCE, AFTER_A_STEP = "at once", "after a step"
ASLEEP, WITH_THE_LOCK = "asleep", "with the interpreter's lock"


def wish(home: Path, moment: str, way: str = ASLEEP, once: bool = True) -> None:
    """Have the next process in which a network is asked hang in that."""
    (home / WISH).write_text(json.dumps([moment, way, once]))


def hanging_executor(home: str) -> Executor:
    """Make an executor of a real process in which networks hang when a test wishes it."""
    executor = local_executor(home)
    executor.submit(install, home)
    return executor


def install(home: str) -> None:
    """Let the networks of this process hang when it is wished."""
    from asma_core.models.wrapper.contract import SegmentationModel

    answered = SegmentationModel.forward

    def forward(model: SegmentationModel, images: Any) -> Any:
        _perhaps_hang(Path(home))
        return answered(model, images)

    SegmentationModel.forward = forward  # type: ignore[method-assign]


def _perhaps_hang(home: Path) -> None:
    if not (home / WISH).exists():
        return
    moment, way, once = json.loads((home / WISH).read_text())
    again = (home / HUNG).exists()
    if moment == AFTER_A_STEP and not again and not _shown(home):
        return
    if once:
        (home / WISH).unlink()
    (home / HUNG).write_text(str(os.getpid()))
    while True:
        if way == WITH_THE_LOCK:
            # No other thread of this process gets a turn.
            ctypes.PyDLL(None).sleep(1000)
        else:
            time.sleep(1000)


def _shown(home: Path) -> bool:
    """Tell whether all that run have shown a step."""
    shown = [path / "live.json" for path in (home / "work").iterdir() if (path / "began").exists()]
    return all(path.exists() and json.loads(path.read_text())["step"] > 0 for path in shown)
