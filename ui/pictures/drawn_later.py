"""Pictures that are drawn beside the page, which shows at once what it has.

Drawing fifty pictures lasts longer than anybody should wait for the words beside them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final

Draw = Callable[[], bytes | None]
# Of what pages ask for and have not seen; who has gone on to another page asks for it no more.
MOST_WANTED: Final = 300
# Seconds for which who has asked may still be there: a page that lacks a picture soon asks again.
FORGOTTEN: Final = 5.0
# Seconds until what could not be drawn is tried again.
TRY_AGAIN: Final = 10.0


@dataclass(frozen=True)
class _Drawn:
    picture: bytes | None
    error: Exception | None
    at: float

    @property
    def counts(self) -> bool:
        return self.picture is not None or time.monotonic() - self.at < TRY_AGAIN


class LaterPictures:
    """Draws what pages ask for, what was asked for last at first, and keeps it."""

    def __init__(self, most_bytes: int) -> None:
        """Keep pictures.

        Args:
            most_bytes: Of all pictures; those that were not asked for the longest go first.
        """
        self._most_bytes = most_bytes
        self._bytes = 0
        self._drawn: OrderedDict[Hashable, _Drawn] = OrderedDict()
        # How each is drawn, and until when somebody wants it.
        self._wanted: OrderedDict[Hashable, tuple[Draw, float]] = OrderedDict()
        self._changed = Condition()
        self._thread: Thread | None = None
        # What the thread draws just now; nobody need ask for it once more.
        self._drawing: Hashable = None

    def get(self, asked: Mapping[Hashable, Draw], wait: float) -> dict[Hashable, bytes | None]:
        """Return the pictures that are there; the others will be.

        Args:
            asked: How each picture is drawn, in a thread of its own, by what tells it from others.
            wait: Seconds to wait for those that are not there yet.

        Returns:
            The pictures, None of what could not be drawn; what is left out is still to come.

        Raises:
            Exception: What a drawing raised.
        """
        with self._changed:
            lacking = {key: draw for key, draw in asked.items() if not self._comes(key)}
            self._want(lacking, time.monotonic() + wait + FORGOTTEN)
            self._changed.wait_for(lambda: all(map(self._has, asked)), wait)
            found = {key: self._drawn[key] for key in asked if self._has(key)}
            for key in found:
                self._drawn.move_to_end(key)
        for one in found.values():
            if one.error is not None:
                raise one.error
        return {key: one.picture for key, one in found.items()}

    def _comes(self, key: Hashable) -> bool:
        return self._has(key) or (self._drawing is not None and key == self._drawing)

    def _has(self, key: Hashable) -> bool:
        return key in self._drawn and self._drawn[key].counts

    def _want(self, asked: Mapping[Hashable, Draw], until: float) -> None:
        for key in reversed(asked):
            self._wanted[key] = (asked[key], until)
            self._wanted.move_to_end(key)
        while len(self._wanted) > MOST_WANTED:
            self._wanted.popitem(last=False)
        if self._wanted and self._thread is None:
            self._thread = Thread(target=self._draw_all, name="pictures", daemon=True)
            self._thread.start()

    def _draw_all(self) -> None:
        while True:
            with self._changed:
                if not self._wanted:
                    self._thread = None
                    return
                key, (draw, until) = self._wanted.popitem()
                if until < time.monotonic():
                    continue
                self._drawing = key
            drawn = _tried(draw)
            with self._changed:
                self._drawing = None
                self._keep(key, drawn)
                self._changed.notify_all()

    def _keep(self, key: Hashable, drawn: _Drawn) -> None:
        before = self._drawn.pop(key, None)
        self._bytes += _size(drawn) - (_size(before) if before else 0)
        self._drawn[key] = drawn
        # What was just drawn stays, however large it is: somebody waits for it.
        while self._bytes > self._most_bytes and len(self._drawn) > 1:
            self._bytes -= _size(self._drawn.popitem(last=False)[1])


def _tried(draw: Draw) -> _Drawn:
    picture, error = None, None
    try:
        picture = draw()
    except Exception as raised:  # noqa: BLE001 - whatever it is, it is for who asked
        error = raised
    return _Drawn(picture, error, time.monotonic())


def _size(drawn: _Drawn) -> int:
    return len(drawn.picture or b"")
