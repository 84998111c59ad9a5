"""Judging: by click, by key and in words, on the run that is on screen and on no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve
from tests.browser.test_journey import as_cards, settle
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.waiting import until

RUNS = 4


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("judging"))


@pytest.fixture
def ids(store: RunStore) -> Iterator[list[str]]:
    """The newest first, as one steps through them."""
    made = [
        made_runs.finished(store, Made(image_name=f"demo-fundus / 000{place}"), size=64, seed=place)
        for place in range(RUNS)
    ]
    yield [run.id for run in reversed(made)]
    for run in made:
        store.delete(run.id)


@pytest.fixture
def compare(page: Page, serve: Serve, store: RunStore, ids: list[str]) -> Page:
    """Compare, opened from the newest picture on Home."""
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(store.home)}))
    settle(page)
    page.get_by_role("link", name="demo-fundus / 0003").click()
    at(page, ids[0])
    return page


def at(page: Page, run_id: str) -> None:
    """Wait until the address, the headline and the strip are of one run."""
    page.wait_for_url(re.compile(rf"compare\?(.*&)?run={run_id}"))
    expect(page.get_by_role("heading", name=re.compile(f"^Run {run_id}"))).to_be_visible()
    expect(strip(page)).to_have_attribute("data-run", run_id)
    expect(strip(page)).to_have_attribute("aria-busy", "false")
    settle(page)


def strip(page: Page) -> Locator:
    return page.get_by_role("group", name="Judging")


def headline(page: Page, run_id: str) -> Locator:
    return page.get_by_role("heading", name=re.compile(f"^Run {run_id}"))


def note_of(store: RunStore, run_id: str, words: str) -> None:
    until(lambda: store.get(run_id).note == words)


def test_a_verdict_stays_on_its_run_and_is_seen_everywhere(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    for pressed, verdict in (("2", "visible"), ("1", "convincing")):
        compare.keyboard.press(pressed)
        expect(headline(compare, ids[0])).to_contain_text(verdict)
        at(compare, ids[0])
        assert store.get(ids[0]).verdict == verdict
    strip(compare).get_by_role("button", name="Failed").click()
    expect(headline(compare, ids[0])).to_contain_text("failed")
    at(compare, ids[0])
    assert [store.get(run).verdict for run in ids] == ["failed", "", "", ""]
    compare.get_by_role("link", name="Home").click()
    expect(headline(compare, ids[0])).to_have_count(0)
    expect(compare.get_by_text("failed", exact=True)).to_be_visible()
    compare.get_by_role("link", name="Runs").click()
    expect(compare.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    settle(compare)
    as_cards(compare)
    expect(compare.get_by_text("failed", exact=True)).to_be_visible()


def test_keys_step_through_the_runs_and_to_the_next_without_a_verdict(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    compare.keyboard.press("j")
    compare.keyboard.press("j")
    at(compare, ids[2])
    compare.keyboard.press("k")
    at(compare, ids[1])
    compare.keyboard.press("3")
    expect(headline(compare, ids[1])).to_contain_text("failed")
    compare.keyboard.press("k")
    at(compare, ids[0])
    compare.keyboard.press("u")
    at(compare, ids[2])
    assert [store.get(run).verdict for run in ids] == ["", "failed", "", ""]
    compare.go_back()
    at(compare, ids[0])


def test_a_note_is_saved_while_it_is_typed_and_on_escape(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    compare.keyboard.press("n")
    compare.keyboard.type("123 jumps")
    note_of(store, ids[0], "123 jumps")
    compare.keyboard.type(", knuckles")
    compare.keyboard.press("Escape")
    note_of(store, ids[0], "123 jumps, knuckles")
    expect(strip(compare).get_by_label("Note")).not_to_be_focused()
    compare.reload()
    at(compare, ids[0])
    expect(strip(compare).get_by_label("Note")).to_have_value("123 jumps, knuckles")
    assert store.get(ids[0]).verdict == ""


def test_a_note_that_was_typed_just_before_leaving_is_on_its_run(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    compare.keyboard.press("n")
    compare.keyboard.type("the first")
    strip(compare).get_by_role("button", name="Next run").click()
    at(compare, ids[1])
    expect(strip(compare).get_by_label("Note")).to_have_value("")
    compare.keyboard.press("n")
    compare.keyboard.type("the second")
    compare.go_back()
    at(compare, ids[0])
    compare.keyboard.press("n")
    compare.keyboard.type(" of all")
    compare.get_by_role("link", name="Runs").click()
    expect(compare.get_by_role("heading", name="Runs")).to_be_visible()
    note_of(store, ids[0], "the first of all")
    note_of(store, ids[1], "the second")
    assert [store.get(run).note for run in ids[2:]] == ["", ""]


def test_a_verdict_goes_on_only_if_asked_to_and_that_is_remembered(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    strip(compare).get_by_label("Go to the next").check()
    compare.keyboard.press("1")
    at(compare, ids[1])
    compare.reload()
    at(compare, ids[1])
    own = strip(compare).get_by_label("Verdict in a word of your own")
    own.fill("odd")
    own.press("Enter")
    at(compare, ids[2])
    strip(compare).get_by_label("Go to the next").uncheck()
    compare.keyboard.press("3")
    expect(headline(compare, ids[2])).to_contain_text("failed")
    at(compare, ids[2])
    assert [store.get(run).verdict for run in ids] == ["convincing", "odd", "failed", ""]


def test_tags_are_saved_and_offered_for_the_next_run(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    tags = strip(compare).get_by_label("Tags")
    tags.fill("paper, figure 3")
    tags.press("Enter")
    until(lambda: store.get(ids[0]).tags == "paper, figure 3")
    strip(compare).get_by_label("Run", exact=True).select_option(ids[3])
    at(compare, ids[3])
    expect(tags).to_have_value("")
    expect(strip(compare).locator("datalist option[value=paper]")).to_have_count(1)


def test_a_demo_attack_is_judged_where_it_ended(page: Page, serve: Serve, store: RunStore) -> None:
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(store.home)}))
    settle(page)
    page.get_by_role("button", name="Run a demo attack").click()
    expect(page.get_by_role("button", name="Change the target")).to_be_visible()
    (run,) = store.newest(1)
    expect(strip(page)).to_have_attribute("data-run", run.id)
    strip(page).get_by_role("button", name="Convincing").click()
    expect(headline(page, run.id)).to_contain_text("convincing")
    assert store.get(run.id).verdict == "convincing"


# So quick that the server hears all of it while it is still busy with the first.
AT_ONCE = """async () => {
  const painted = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  const strip = [...document.querySelectorAll("*")]
    .map((element) => element.shadowRoot?.querySelector(".strip")).find(Boolean);
  strip.querySelector("[data-verdict=visible]").click();
  const note = strip.querySelector(".note");
  note.focus();
  note.value = "in a hurry";
  note.dispatchEvent(new InputEvent("input", { bubbles: true }));
  note.blur();
  await painted();
  [...document.querySelectorAll("a")].find((link) => link.innerText.includes("Datasets")).click();
}"""


def test_a_note_of_a_moment_before_the_page_is_left_is_saved(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    compare.evaluate(AT_ONCE)
    expect(compare.get_by_role("heading", name="Datasets")).to_be_visible()
    note_of(store, ids[0], "in a hurry")
    settle(compare)
    expect(compare.get_by_test_id("stException")).to_have_count(0)
    assert store.get(ids[0]).verdict == "visible"


def test_verdicts_given_as_fast_as_the_next_run_comes_are_all_kept(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    compare.get_by_label("go to the next").check()
    verdicts = ("convincing", "visible", "failed", "convincing")
    for run_id, verdict in zip(ids, verdicts, strict=True):
        expect(strip(compare)).to_have_attribute("data-run", run_id)
        expect(strip(compare)).to_have_attribute("aria-busy", "false")
        compare.keyboard.press("n")
        compare.keyboard.type("seen")
        strip(compare).locator(f"[data-verdict={verdict}]").click()
    for run_id, verdict in zip(ids, verdicts, strict=True):
        until(lambda run_id=run_id, verdict=verdict: store.get(run_id).verdict == verdict)
        note_of(store, run_id, "seen")


@pytest.mark.hasty
def test_who_goes_back_just_after_a_verdict_is_not_led_forward_again(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    """Neither by the run that the verdict asked for nor by what the viewer tells late."""
    # Another test's choice is remembered; with it a verdict is a step that Back takes back.
    strip(compare).get_by_role("checkbox", name="Go to the next").uncheck()
    for key, since in (("1", 5), ("2", 10), ("3", 20), ("1", 40)):
        settle(compare)
        compare.keyboard.press("t")
        compare.wait_for_timeout(100)  # less than the viewer waits before it tells
        compare.keyboard.press(key)
        compare.evaluate("(since) => setTimeout(() => history.back(), since)", since)
        verdict = {"1": "convincing", "2": "visible", "3": "failed"}[key]
        until(lambda verdict=verdict: store.get(ids[0]).verdict == verdict)
        expect(compare.get_by_role("heading", name="ASMA Workbench", exact=True)).to_be_visible()
        compare.wait_for_timeout(600)  # longer than the viewer waits
        settle(compare)
        expect(compare.get_by_role("heading", name="ASMA Workbench", exact=True)).to_be_visible()
        assert "/compare" not in compare.url
        compare.get_by_role("link", name="Compare", exact=True).first.click()
        at(compare, ids[0])


@pytest.mark.hasty
def test_a_note_before_a_click_on_the_menu_for_the_same_page_is_saved(
    compare: Page, store: RunStore, ids: list[str]
) -> None:
    settle(compare)
    compare.keyboard.press("n")
    compare.keyboard.type("blurred")
    compare.get_by_role("link", name="Compare", exact=True).first.click()
    note_of(store, ids[0], "blurred")
    at(compare, ids[0])
