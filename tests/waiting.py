"""Waiting for what happens in another process or thread."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

# Seconds that only a hang takes, however slow the machine: every test that waits gives up then.
# Who looks for a fault on a quiet machine sets less by ASMA_PATIENCE.
PATIENCE = float(os.environ.get("ASMA_PATIENCE", "600"))


def until(what: Callable[[], Any]) -> Any:
    """Wait for something to become true, and return it."""
    give_up = time.monotonic() + PATIENCE
    while not (answer := what()):
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.02)
    return answer
