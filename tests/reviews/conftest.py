"""An empty store of runs and the reviews beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from asma_core.reviews.store import ReviewStore
from asma_core.runs.store import RunStore


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(home)


@pytest.fixture
def store(runs: RunStore) -> ReviewStore:
    return ReviewStore(runs.home)
