"""Work that is shared between the cores of a machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

Work = TypeVar("Work")
Answer = TypeVar("Answer")


def on_all_cores(function: Callable[[Work], Answer], works: Sequence[Work]) -> list[Answer]:
    """Return what a function answers to each, in their order; a core works on one at a time."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _alone) as pool:
        return list(pool.map(function, works))


def _alone() -> None:
    torch.set_num_threads(1)
