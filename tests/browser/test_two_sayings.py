"""Two people judge one run: neither loses a word, and each sees the other's."""

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


def verdict_of(store: RunStore, run: str, verdict: str) -> None:
    until(lambda: store.get(run).verdict == verdict)


def unseen(page: Page) -> Locator:
    return strip(page).get_by_role("alert").filter(has_text="this verdict")


def pressed(page: Page, verdict: str) -> Locator:
    return strip(page).get_by_role("button", name=verdict, pressed=True)


@pytest.mark.parametrize(
    ("button", "kept"), [("Keep mine", "visible"), ("Keep theirs", "convincing")]
)
def test_a_verdict_that_one_has_not_seen_is_shown_and_a_person_decides(
    ann: Page, bob: Page, store: RunStore, run: str, button: str, kept: str
) -> None:
    ann.keyboard.press("1")
    verdict_of(store, run, "convincing")
    # Bob has a run without a verdict on his screen.
    bob.keyboard.press("2")
    expect(unseen(bob)).to_contain_text("and you had not seen it. Which one stays?")
    expect(unseen(bob).locator(".theirs")).to_have_text("convincing")
    expect(unseen(bob).locator(".yours")).to_have_text("visible")
    expect(unseen(bob).get_by_role("button", name="Keep both")).to_have_count(0)
    assert store.get(run).verdict == "convincing"
    settle(bob)
    look(bob, "two-verdicts")
    unseen(bob).get_by_role("button", name=button).click()
    expect(unseen(bob)).to_have_count(0)
    verdict_of(store, run, kept)
    settle(bob)
    expect(pressed(bob, kept.capitalize())).to_be_visible()
    # And what is said after that is saved as ever.
    bob.keyboard.press("3")
    verdict_of(store, run, "failed")
    expect(unseen(bob)).to_have_count(0)


def test_who_says_another_verdict_before_deciding_decides_between_the_last(
    ann: Page, bob: Page, store: RunStore, run: str
) -> None:
    ann.keyboard.press("1")
    verdict_of(store, run, "convincing")
    bob.keyboard.press("2")
    expect(unseen(bob)).to_be_visible()
    bob.keyboard.press("3")
    expect(unseen(bob).locator(".yours")).to_have_text("failed")
    tab = bob.context.new_page()
    tab.goto(bob.url)
    at(tab, run)
    expect(unseen(tab).locator(".yours")).to_have_text("failed")
    assert store.get(run).verdict == "convincing"
    unseen(tab).get_by_role("button", name="Keep mine").click()
    verdict_of(store, run, "failed")


def test_a_verdict_that_was_seen_is_changed_without_a_word(
    ann: Page, bob: Page, store: RunStore, run: str
) -> None:
    ann.keyboard.press("1")
    verdict_of(store, run, "convincing")
    bob.reload()
    at(bob, run)
    expect(pressed(bob, "Convincing")).to_be_visible()
    for key, verdict in (("2", "visible"), ("2", ""), ("3", "failed"), ("1", "convincing")):
        bob.keyboard.press(key)
        verdict_of(store, run, verdict)
    expect(unseen(bob)).to_have_count(0)


@pytest.mark.parametrize(
    ("button", "kept"),
    [("Keep mine", "dark"), ("Keep theirs", "bright, rim"), ("Keep both", "bright, rim, dark")],
)
def test_tags_of_two_are_shown_and_can_be_kept_together(
    ann: Page, bob: Page, store: RunStore, run: str, button: str, kept: str
) -> None:
    for tab, words in ((ann, "bright, rim"), (bob, "dark")):
        tags = strip(tab).get_by_label("Tags, separated by commas")
        tags.fill(words)
        tags.press("Enter")
        until(lambda: store.get(run).tags == "bright, rim")
    part = strip(bob).get_by_role("alert").filter(has_text="these tags")
    expect(part.locator(".theirs")).to_have_text("bright, rim")
    expect(part.locator(".yours")).to_have_text("dark")
    part.get_by_role("button", name=button).click()
    expect(part).to_have_count(0)
    until(lambda: store.get(run).tags == kept)
    settle(bob)
    expect(strip(bob).get_by_label("Tags, separated by commas")).to_have_value(kept)


def test_a_verdict_that_waits_hides_no_note_of_another(
    ann: Page, bob: Page, store: RunStore, run: str
) -> None:
    ann.keyboard.press("1")
    verdict_of(store, run, "convincing")
    write(ann, "bright")
    note_of(store, run, "bright")
    bob.keyboard.press("2")
    expect(unseen(bob)).to_be_visible()
    # The same run of the page has brought Ann's note, which is hers alone.
    expect(strip(bob).get_by_label("Note", exact=True)).to_have_value("bright")
    expect(both(bob)).to_have_count(0)
    unseen(bob).get_by_role("button", name="Keep theirs").click()
    expect(unseen(bob)).to_have_count(0)
    expect(pressed(bob, "Convincing")).to_be_visible()
    assert (store.get(run).verdict, store.get(run).note) == ("convincing", "bright")
