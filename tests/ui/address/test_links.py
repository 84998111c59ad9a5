"""Arriving where a page led, though the browser asked for something else in that moment."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from ui.address import links
from ui.address.view import View
from ui.address.views import AttackView


class Went(BaseException):
    """Streamlit's end of a run that leads on."""


class Tab:
    """What links use of Streamlit, in one tab."""

    def __init__(self) -> None:
        self.session_state: dict[str, Any] = {}
        self.path = ""
        self.shown: Mapping[str, str] = {}

    def switch_page(self, page: str, query_params: Mapping[str, str]) -> NoReturn:
        self.path, self.shown = page.removeprefix("pages/").removesuffix(".py"), query_params
        raise Went

    def rerun(self) -> NoReturn:
        raise Went

    def sent(self) -> dict[str, str]:
        return dict(self.shown)

    def go_to(self, view: View) -> None:
        self.shown = view.query()

    def run(self, page: str, view: View | None = None) -> None:
        """Run a page that the browser asks for, with the address that it has."""
        self.path, self.shown = page, view.query() if view else {}
        links.arrive(page)


VIEW = AttackView("0123abcd")


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch) -> Tab:
    opened = Tab()
    monkeypatch.setattr(links, "st", opened)
    monkeypatch.setattr(links, "address", SimpleNamespace(go_to=opened.go_to, sent=opened.sent))
    return opened


def test_a_second_click_does_not_keep_a_page_from_being_left(tab: Tab) -> None:
    tab.run("runs")
    with pytest.raises(Went):
        links.open_page(VIEW)
    with pytest.raises(Went):
        tab.run("runs")
    assert (tab.path, tab.shown) == ("attack", VIEW.query())


def test_a_second_click_does_not_bring_the_old_object_back(tab: Tab) -> None:
    tab.run("attack")
    with pytest.raises(Went):
        links.open_here(VIEW)
    tab.run("attack")
    assert (tab.path, tab.shown) == ("attack", VIEW.query())


@pytest.mark.parametrize(("left", "go"), [("runs", links.open_page), ("attack", links.open_here)])
def test_who_asked_for_a_third_page_meanwhile_stays_there(tab: Tab, left: str, go: Any) -> None:
    tab.run(left)
    with pytest.raises(Went):
        go(VIEW)
    tab.run("experiments")
    assert (tab.path, tab.shown) == ("experiments", {})
    tab.run("attack")
    assert (tab.path, tab.shown) == ("attack", {})


def test_who_asked_for_another_object_meanwhile_gets_it(tab: Tab) -> None:
    other = AttackView("89abcdef")
    tab.run("attack")
    with pytest.raises(Went):
        links.open_here(VIEW)
    tab.run("attack", other)
    assert (tab.path, tab.shown) == ("attack", other.query())


def test_what_a_page_writes_meanwhile_does_not_keep_it_from_being_left(tab: Tab) -> None:
    written = AttackView(dataset="demo-fundus")
    tab.run("attack")
    tab.go_to(written)
    with pytest.raises(Went):
        links.open_here(VIEW)
    tab.run("attack", written)
    assert (tab.path, tab.shown) == ("attack", VIEW.query())
