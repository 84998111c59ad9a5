"""The address as the browser sends it along, which may be the one of before the last click."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ui.address import browser
from ui.address.views import RunsView

CATS, CATS_BY_SIZE, CARDS = (
    RunsView(text="cats"),
    RunsView(text="cats", sort="l2"),
    RunsView(text="cats", sort="l2", view="cards"),
)


class Tab:
    """What the address has of Streamlit, in one tab."""

    def __init__(self) -> None:
        self.session_state: dict[str, Any] = {}
        self.address: dict[str, str] = {}
        self.context = SimpleNamespace(
            page_script_hash="runs", has_script_started=False, is_history_navigation=False
        )
        self.query_params = SimpleNamespace(
            to_dict=lambda: dict(self.address), from_dict=self.write
        )

    def write(self, query: dict[str, str]) -> None:
        self.address = dict(query)

    def sends(self, view: RunsView, page: str = "runs", back: bool = False) -> None:
        """Ask for a run with the address that the browser has; its callbacks come first."""
        self.address = view.query()
        self.context.page_script_hash = page
        self.context.has_script_started = False
        self.context.is_history_navigation = back

    def begins(self) -> RunsView:
        """Begin the page, and return what it shows."""
        self.context.has_script_started = True
        browser.begin()
        return browser.current(RunsView)


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch) -> Tab:
    opened = Tab()
    monkeypatch.setattr(browser, "st", opened)
    monkeypatch.setattr(browser, "get_script_run_ctx", lambda: opened.context)
    return opened


def test_two_choices_in_quick_succession_both_stand(tab: Tab) -> None:
    tab.sends(CATS)
    browser.change(RunsView, sort="l2")
    assert tab.begins() == CATS_BY_SIZE
    tab.sends(CATS)
    browser.change(RunsView, view="cards")
    assert tab.begins() == CARDS
    assert RunsView.from_query(tab.address) == CARDS


def test_a_setting_there_and_back_is_where_it_was_put_last(tab: Tab) -> None:
    tab.sends(CATS)
    browser.change(RunsView, sort="l2")
    tab.begins()
    tab.sends(CATS)
    browser.change(RunsView, sort="newest")
    assert tab.begins() == CATS
    tab.sends(CATS_BY_SIZE)
    assert tab.begins() == CATS


def test_a_rerun_before_the_browser_knows_shows_what_was_chosen(tab: Tab) -> None:
    tab.sends(CATS)
    browser.change(RunsView, sort="l2")
    tab.begins()
    tab.sends(CATS)
    assert tab.begins() == CATS_BY_SIZE


@pytest.mark.parametrize("how", ["back", "from another page", "seen with the last"])
def test_an_earlier_address_that_the_browser_was_led_to_is_one(tab: Tab, how: str) -> None:
    tab.sends(CATS)
    browser.change(RunsView, sort="l2")
    tab.begins()
    if how == "from another page":
        tab.sends(RunsView(), page="home")
        tab.begins()
    if how == "seen with the last":
        tab.sends(CATS_BY_SIZE)
        tab.begins()
    tab.sends(CATS, back=how == "back")
    assert tab.begins() == CATS


def test_an_address_from_elsewhere_wins(tab: Tab) -> None:
    tab.sends(CATS)
    browser.change(RunsView, sort="l2")
    tab.begins()
    tab.sends(RunsView(text="dogs"))
    assert tab.begins() == RunsView(text="dogs")


def test_what_the_page_fills_in_is_no_step_that_a_click_takes_back(tab: Tab) -> None:
    tab.sends(RunsView())
    assert tab.begins() == RunsView()
    browser.go_to(CATS)
    tab.sends(RunsView())
    browser.change(RunsView, sort="l2")
    assert tab.begins() == CATS_BY_SIZE


def test_a_link_leads_where_it_says_though_something_was_used_when_the_page_was_left(
    tab: Tab,
) -> None:
    tab.sends(CATS)
    tab.begins()
    assert browser.is_news("runs")
    tab.session_state["runs-heard"] = 1
    browser.say("runs", CATS)
    tab.sends(CATS, page="compare")
    tab.session_state["runs-heard"] = 2
    tab.begins()
    tab.sends(CARDS)
    tab.begins()
    assert browser.is_news("runs")
    browser.say("runs", CARDS)
    tab.session_state["runs-heard"] = 3
    tab.sends(CATS)
    tab.begins()
    assert not browser.is_news("runs")


def test_what_the_page_before_wrote_is_known_until_this_one_writes_the_same(tab: Tab) -> None:
    tab.sends(CATS)
    tab.begins()
    assert browser.left() is None
    browser.go_to(CARDS)
    assert browser.left() is None
    for _ in range(2):
        tab.sends(RunsView(), page="datasets")
        tab.begins()
        assert browser.left() == CARDS.query()
    browser.go_to(CATS)
    assert browser.left() == CARDS.query()
    browser.go_to(CARDS)
    assert browser.left() is None


def test_at_back_a_widget_is_told_once_more_what_the_address_says(tab: Tab) -> None:
    told: list[str] = []

    class Session(dict[str, Any]):
        def __setitem__(self, key: str, value: Any) -> None:
            told.append(key)
            super().__setitem__(key, value)

    tab.session_state = Session()
    for back, times in ((False, 1), (False, 1), (True, 2)):
        tab.sends(CATS, back=back)
        browser.prime("runs-text", "cats")
        assert told.count("runs-text") == times
