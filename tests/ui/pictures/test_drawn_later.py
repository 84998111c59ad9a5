"""Pictures that are drawn beside the page: none is waited for too long, none is drawn twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Event

import pytest

from tests.waiting import PATIENCE
from ui.pictures import drawn_later
from ui.pictures.drawn_later import LaterPictures

Asked = dict[Hashable, Callable[[], bytes | None]]


class Painter:
    """Draws the name of each picture, when it may."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.may = Event()
        self.begun = Event()

    def of(self, *names: str) -> Asked:
        return {name: lambda name=name: self._draw(name) for name in names}  # type: ignore[misc]

    def _draw(self, name: str) -> bytes:
        self.begun.set()
        assert self.may.wait(PATIENCE)
        self.drawn.append(name)
        return name.encode()


@pytest.fixture
def painter() -> Painter:
    return Painter()


def test_what_is_not_there_follows_and_is_drawn_once(painter: Painter) -> None:
    pictures = LaterPictures(1000)
    assert pictures.get(painter.of("a", "b"), 0.0) == {}
    painter.may.set()
    assert pictures.get(painter.of("a", "b"), PATIENCE) == {"a": b"a", "b": b"b"}
    assert pictures.get(painter.of("b"), 0.0) == {"b": b"b"}
    assert sorted(painter.drawn) == ["a", "b"]


def test_what_is_being_drawn_is_not_drawn_once_more(painter: Painter) -> None:
    pictures = LaterPictures(1000)
    pictures.get(painter.of("a"), 0.0)
    assert painter.begun.wait(PATIENCE)
    assert pictures.get(painter.of("a", "b"), 0.0) == {}
    painter.may.set()
    assert pictures.get(painter.of("a", "b"), PATIENCE) == {"a": b"a", "b": b"b"}
    assert painter.drawn == ["a", "b"]


def test_the_page_that_is_looked_at_now_comes_first_from_its_top(painter: Painter) -> None:
    pictures = LaterPictures(1000)
    pictures.get(painter.of("first"), 0.0)
    assert painter.begun.wait(PATIENCE)
    pictures.get(painter.of("left 1", "left 2"), 0.0)
    pictures.get(painter.of("now 1", "now 2"), 0.0)
    painter.may.set()
    pictures.get(painter.of("left 2", "left 1", "now 1", "now 2"), PATIENCE)
    assert painter.drawn[0] == "first"
    places = [painter.drawn.index(name) for name in ("now 1", "now 2")]
    assert places == sorted(places)


def test_pages_that_were_left_long_ago_are_not_drawn(
    painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawn_later, "MOST_WANTED", 2)
    pictures = LaterPictures(1000)
    pictures.get(painter.of("first"), 0.0)
    assert painter.begun.wait(PATIENCE)
    pictures.get(painter.of("left"), 0.0)
    pictures.get(painter.of("now 1", "now 2"), 0.0)
    painter.may.set()
    assert len(pictures.get(painter.of("now 1", "now 2"), PATIENCE)) == 2
    assert painter.drawn == ["first", "now 1", "now 2"]


def test_what_nobody_has_asked_for_lately_is_not_drawn(
    painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = LaterPictures(1000)
    pictures.get(painter.of("first"), 0.0)
    assert painter.begun.wait(PATIENCE)
    monkeypatch.setattr(drawn_later, "FORGOTTEN", -1.0)
    pictures.get(painter.of("left", "both"), 0.0)
    monkeypatch.setattr(drawn_later, "FORGOTTEN", PATIENCE)
    pictures.get(painter.of("now", "both"), 0.0)
    painter.may.set()
    assert len(pictures.get(painter.of("first", "now", "both"), PATIENCE)) == 3
    # It comes all the same when somebody asks for it once more.
    assert painter.drawn == ["first", "now", "both"]
    assert pictures.get(painter.of("left"), PATIENCE) == {"left": b"left"}


def test_no_more_is_kept_than_is_allowed(painter: Painter) -> None:
    painter.may.set()
    pictures = LaterPictures(4)
    for name in ("aa", "bb", "cc"):
        pictures.get(painter.of(name), PATIENCE)
    assert pictures.get(painter.of("cc", "bb"), 0.0) == {"cc": b"cc", "bb": b"bb"}
    pictures.get(painter.of("aa"), PATIENCE)
    assert painter.drawn == ["aa", "bb", "cc", "aa"]
    assert pictures.get(painter.of("too large"), PATIENCE) == {"too large": b"too large"}


def test_what_can_not_be_drawn_is_tried_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures, answers = LaterPictures(1000), [b"there", None]

    def get() -> dict[Hashable, bytes | None]:
        return pictures.get({"a": answers.pop}, PATIENCE)

    assert get() == get() == {"a": None} and answers == [b"there"]
    monkeypatch.setattr(drawn_later, "TRY_AGAIN", 0.0)
    # It counts for no time at all now, so that nobody would ever have it: it is drawn, and there.
    assert get() == {"a": b"there"}


def test_a_bug_is_for_who_asked_and_the_others_are_drawn(painter: Painter) -> None:
    def broken() -> bytes:
        raise ZeroDivisionError

    painter.may.set()
    pictures = LaterPictures(1000)
    with pytest.raises(ZeroDivisionError):
        pictures.get({"a": broken, **painter.of("b")}, PATIENCE)
    assert pictures.get(painter.of("b"), PATIENCE) == {"b": b"b"}
