"""Progress on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tqdm import tqdm

LINE_EVERY: Final = 5.0
NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


class Progress:
    """Shows how far a long command is."""

    def __init__(self, name: str, total: int) -> None:
        """Start at nothing of `total` steps."""
        self._name = name
        self._total = total
        self._line_at = time.monotonic()
        self._bar = tqdm(total=total, desc=name, disable=not sys.stderr.isatty(), leave=False)

    def update(self, done: int, figures: Mapping[str, float] = NOTHING) -> None:
        """Show how many steps are done, with figures beside it."""
        self._bar.set_postfix(
            {key: f"{value:.3g}" for key, value in figures.items()}, refresh=False
        )
        self._bar.update(done - self._bar.n)
        if self._bar.disable and time.monotonic() - self._line_at >= LINE_EVERY:
            self._line_at = time.monotonic()
            words = " ".join(f"{key} {value:.3g}" for key, value in figures.items())
            print(f"{self._name}: {done} of {self._total} {words}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


def counted(name: str) -> Callable[[int, int], None]:
    """Return what shows how many of how many are done, from the first to the last of them."""
    shown: list[Progress] = []

    def update(done: int, total: int) -> None:
        if not shown:
            shown.append(Progress(name, total))
        shown[0].update(done)
        if done >= total:
            shown.pop().close()

    return update
