"""Waiting for what happens in another process or thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0


def until(what: Callable[[], Any]) -> Any:
    """Wait for something to become true, and return it."""
    give_up = time.monotonic() + PATIENCE
    while not (answer := what()):
        assert time.monotonic() < give_up, "it did not come"
        time.sleep(0.02)
    return answer
