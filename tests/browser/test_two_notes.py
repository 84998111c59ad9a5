"""Two people write one note: neither loses a word, and each sees the other's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve, separate, watched
from tests.browser.looking import look
from tests.browser.test_journey import settle
from tests.browser.test_judging import at, note_of, strip
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.waiting import until


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("two-notes"))


@pytest.fixture
def run(store: RunStore) -> Iterator[str]:
    made = made_runs.finished(store, Made(image_name="demo-fundus / 0000"), size=64)
    yield made.id
    store.delete(made.id)


@pytest.fixture
def ann(page: Page, serve: Serve, store: RunStore, run: str) -> Page:
    return opened(page, serve, store, run)


@pytest.fixture
def bob(browser: Browser, serve: Serve, store: RunStore, run: str) -> Iterator[Page]:
    with separate(browser) as context, watched(context) as tab:
        yield opened(tab, serve, store, run)


def opened(page: Page, serve: Serve, store: RunStore, run: str) -> Page:
    """Open Compare from the run's picture on Home."""
    page.goto(serve(PROJECT / "app.py", {"ASMA_HOME": str(store.home)}))
    settle(page)
    page.get_by_role("link", name="demo-fundus / 0000").click()
    at(page, run)
    return page


def both(page: Page) -> Locator:
    return strip(page).get_by_role("alert").filter(has_text="while you wrote")


def write(page: Page, words: str) -> None:
    page.keyboard.press("n")
    page.keyboard.type(words)


def clash(ann: Page, bob: Page, store: RunStore, run: str) -> None:
    """Let Ann begin, Bob save, and Ann go on."""
    write(ann, "bright")
    note_of(store, run, "bright")
    # Bob has the note of before on his screen.
    write(bob, "dark")
    expect(both(bob)).to_contain_text("bright")
    expect(both(bob)).to_contain_text("dark")
    assert store.get(run).note == "bright"


@pytest.mark.parametrize(
    ("button", "kept"),
    [("Keep mine", "dark"), ("Keep theirs", "bright"), ("Keep both", "bright\ndark")],
)
def test_both_notes_are_shown_and_a_person_decides(
    ann: Page, bob: Page, store: RunStore, run: str, button: str, kept: str
) -> None:
    clash(ann, bob, store, run)
    settle(bob)
    look(bob, "two-notes")
    bob.keyboard.press("Escape")
    strip(bob).get_by_role("button", name=button).click()
    expect(both(bob)).to_have_count(0)
    note_of(store, run, kept)
    settle(bob)
    expect(strip(bob).get_by_label("Note", exact=True)).to_have_value(kept)
    # And what is written after that is saved as ever.
    write(bob, ", and sharp")
    note_of(store, run, f"{kept}, and sharp")
    expect(both(bob)).to_have_count(0)


def test_what_is_not_decided_is_there_after_leaving_and_in_a_new_tab(
    ann: Page, bob: Page, store: RunStore, run: str
) -> None:
    clash(ann, bob, store, run)
    bob.keyboard.type(" and dim")
    bob.get_by_role("link", name="Runs", exact=True).click()
    expect(bob.get_by_role("heading", name="Runs")).to_be_visible()
    settle(bob)
    assert store.get(run).note == "bright"
    bob.go_back()
    at(bob, run)
    expect(both(bob)).to_contain_text("dark and dim")
    tab = bob.context.new_page()
    tab.goto(bob.url)
    at(tab, run)
    expect(both(tab)).to_contain_text("dark and dim")
    strip(tab).get_by_role("button", name="Keep both").click()
    note_of(store, run, "bright\ndark and dim")


def test_a_note_that_another_has_changed_before_is_seen_and_written_on(
    ann: Page, bob: Page, store: RunStore, run: str
) -> None:
    write(ann, "bright")
    note_of(store, run, "bright")
    bob.reload()
    at(bob, run)
    write(bob, ", says Ann")
    note_of(store, run, "bright, says Ann")
    expect(both(bob)).to_have_count(0)
    # A verdict runs the page again, and brings Bob's words.
    ann.keyboard.press("Escape")
    ann.keyboard.press("1")
    until(lambda: store.get(run).verdict == "convincing")
    expect(strip(ann).get_by_label("Note", exact=True)).to_have_value("bright, says Ann")
    write(ann, "!")
    note_of(store, run, "bright, says Ann!")
    expect(both(ann)).to_have_count(0)
