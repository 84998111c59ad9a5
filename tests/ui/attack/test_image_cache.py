"""Images are kept within a budget, the ones used last."""

from __future__ import annotations

import numpy as np
import pytest

from asma_core.runs.sources import SourceImage
from ui.attack import image_cache


def source(side: int, name: str) -> SourceImage:
    image = np.zeros((1, side, side), dtype=np.float32)
    return SourceImage(image, None, np.ones((side, side), dtype=np.bool_), name)


def test_the_ones_used_last_are_kept_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_cache, "BUDGET", 3 * 5 * 100 * 100)
    images, read = image_cache._Images(), []

    def get(name: str, side: int = 100) -> SourceImage:
        def make() -> SourceImage:
            read.append(name)
            return source(side, name)

        return images.get((name,), make)

    for name in "abc":
        get(name)
    assert get("a") is get("a")
    get("d")
    assert read == ["a", "b", "c", "d"]
    get("a")
    get("b")
    assert read == ["a", "b", "c", "d", "b"]
    # One alone is kept, however large.
    assert get("huge", 1000) is get("huge", 1000)
