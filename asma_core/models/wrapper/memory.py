"""Keeping the memory of one step for the next.

A network's tensors are large, so the C library asks the system for each of them and hands it back,
page by page, at every step. Kept instead, a step on a CPU takes about a quarter less time
(docs/performance.md). It concerns Linux with glibc; elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Final

# Of glibc's malloc.h: what is above the first is handed back, the second is mapped on its own.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_LARGEST: Final = 2**31 - 1
_LARGEST_MAPPED: Final = 2**30


@lru_cache(maxsize=1)
def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees; `give_back_memory` hands it back."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_MAPPED)
        library.mallopt(_TRIM_THRESHOLD, _LARGEST)


def give_back_memory() -> None:
    """Hand the memory that this process has freed back to the system."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)
