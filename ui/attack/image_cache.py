"""Images that were read last, for all sessions, within a budget of memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import streamlit as st

from asma_core.runs.sources import SourceImage

# One image of 4096 x 4096 takes 350 MB with its mask, one of 512 x 512 takes 5.
BUDGET: Final = 400_000_000
Key = tuple[object, ...]


class _Images:
    """Shared and only read: a copy of a large image costs more than reading it again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, SourceImage] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, read: Callable[[], SourceImage]) -> SourceImage:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        source = read()
        with self._lock:
            self._kept[key] = source
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > BUDGET:
                self._kept.popitem(last=False)
        return source


def _size(source: SourceImage) -> int:
    truth = 0 if source.truth is None else source.truth.nbytes
    return source.image.nbytes + source.valid.nbytes + truth


@st.cache_resource(show_spinner=False)
def _images() -> _Images:
    return _Images()


def kept_image(key: Key, read: Callable[[], SourceImage]) -> SourceImage:
    """Return an image, read now or kept from before.

    Args:
        key: What tells one state of its files from another.
        read: Reads it.
    """
    return _images().get(key, read)
