"""JSON that is damaged in one place."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

VALUES: list[Any] = [
    None, -1, 0, 1, 2**31, 16384, 10**30, 1.5, float("nan"), "", "x", "os.system", [], {}, [[]],
    [1, 2], [[1, 1], [2, 2]], {"a": 1}, True,
]  # fmt: skip


def damaged(content: Any, rng: np.random.Generator) -> Any:
    """JSON with one place replaced, removed or doubled."""
    content = json.loads(json.dumps(content))
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[rng.integers(len(keys))]
        inner = place[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            place = inner
            continue
        if rng.random() < 0.2:
            del place[key]
        else:
            place[key] = VALUES[rng.integers(len(VALUES))]
        return content
