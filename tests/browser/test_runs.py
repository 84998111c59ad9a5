"""The Runs page: a click opens, ticks that a filter hides are named, and verdicts come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve
from tests.browser.test_journey import as_cards, settle
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.waiting import until

# Of the table, in pixels.
HEADER, ROW, TICK, CELL = 36, 66, 16, 150


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def ids(store: RunStore) -> Iterator[list[str]]:
    """The newest first, as in the table; every other one by ASM."""
    made = [
        made_runs.finished(store, Made(attack=attack), size=64, seed=seed)
        for seed, attack in enumerate(("asma", "asm", "asma", "asm"))
    ]
    yield [run.id for run in reversed(made)]
    for run in made:
        if run.id in {left.id for left in store.newest()}:
            store.delete(run.id)


@pytest.fixture
def runs(page: Page, serve: Serve, store: RunStore, ids: list[str]) -> Page:
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(store.home)}))
    settle(page)
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    settle(page)
    return page


def click_row(page: Page, row: int, across: int) -> None:
    table = page.get_by_test_id("stDataFrame")
    table.click(position={"x": across, "y": HEADER + (row + 0.5) * ROW})
    settle(page)


def tick(page: Page, *rows: int) -> None:
    for count, row in enumerate(rows, start=1):
        click_row(page, row, TICK)
        told = f"{count} ticked" if count > 1 else "ticked"
        expect(page.get_by_text(told).first).to_be_visible()
        settle(page)


def filter_by(page: Page, attack: str) -> None:
    page.get_by_role("combobox", name="Attack").click()
    page.get_by_role("option", name=attack, exact=True).click()
    settle(page)


def test_a_click_on_a_row_opens_its_run_and_back_leads_here(runs: Page, ids: list[str]) -> None:
    click_row(runs, 1, CELL)
    runs.wait_for_url(re.compile(rf"compare\?run={ids[1]}"))
    expect(runs.get_by_role("heading", name=re.compile(f"^Run {ids[1]}"))).to_be_visible()
    settle(runs)
    runs.go_back()
    expect(runs.get_by_role("heading", name="Runs")).to_be_visible()
    settle(runs)
    click_row(runs, 1, CELL)
    runs.wait_for_url(re.compile(rf"compare\?run={ids[1]}"))


def test_a_click_on_a_card_opens_its_run_and_a_tick_stays_here(runs: Page, ids: list[str]) -> None:
    as_cards(runs)
    runs.get_by_test_id("stCheckbox").nth(2).click()
    expect(runs.get_by_text(f"Run {ids[2]} ticked")).to_be_visible()
    settle(runs)
    picture = runs.get_by_role("img", name=f"Run {ids[2]}").bounding_box()
    assert picture is not None
    runs.mouse.click(picture["x"] + 40, picture["y"] + 40)
    runs.wait_for_url(re.compile(rf"compare\?run={ids[2]}"))


def test_ticked_runs_that_the_filter_hides_are_named_and_left_alone(
    runs: Page, store: RunStore, ids: list[str]
) -> None:
    tick(runs, 0, 1, 3)
    filter_by(runs, "ASMA")
    hidden = runs.get_by_text("1 ticked run is hidden by the filter")
    expect(hidden).to_contain_text(ids[0])
    runs.get_by_role("button", name="Delete").click()
    question = runs.get_by_role("dialog")
    expect(question).to_contain_text("The filter hides 1 more that are ticked; they stay.")
    question.get_by_role("button", name="Delete 2 runs").click()
    until(lambda: [run.id for run in store.newest()] == [ids[0], ids[2]])
    runs.get_by_role("button", name="Show them").click()
    expect(hidden).to_have_count(0)
    expect(runs.get_by_text(f"Run {ids[0]} ticked")).to_be_visible()


def test_one_verdict_for_several_says_what_it_overwrites_and_is_undone(
    runs: Page, store: RunStore, ids: list[str]
) -> None:
    store.judgements.annotate(ids[0], verdict="visible")
    tick(runs, 0, 2)
    runs.get_by_role("button", name="Verdict").click()
    expect(runs.get_by_text(f"Overwrites 1 verdict: {ids[0]} visible")).to_be_visible()
    runs.get_by_role("button", name="Failed").click()
    expect(runs.get_by_text("2 runs judged failed.")).to_be_visible()
    assert [store.get(run).verdict for run in ids] == ["failed", "", "failed", ""]
    settle(runs)
    runs.keyboard.press("Escape")
    runs.get_by_role("button", name="Undo").click()
    expect(runs.get_by_text("2 runs judged failed.")).to_have_count(0)
    until(lambda: [store.get(run).verdict for run in ids] == ["visible", "", "", ""])


def test_a_ticked_run_is_judged_here_with_the_same_strip(
    runs: Page, store: RunStore, ids: list[str]
) -> None:
    tick(runs, 1)
    runs.get_by_role("button", name="Verdict").click()
    strip = runs.get_by_role("group", name="Judging")
    strip.get_by_label("Note").fill("bright rim")
    strip.get_by_role("button", name="Convincing").click()
    until(
        lambda: (store.get(ids[1]).verdict, store.get(ids[1]).note) == ("convincing", "bright rim")
    )


def test_a_ticked_run_that_waits_is_put_before_others_of_ones_own(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    # They are this process's to carry out, so the server leaves them in the line.
    store = RunStore(tmp_path / "waiting")
    first, second, third = (made_runs.queued(store, size=64, seed=seed).id for seed in range(3))
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(store.home)}))
    settle(page)
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    settle(page)
    sooner, later, first_of_all = (
        page.get_by_role("button", name=name, exact=True)
        for name in ("Sooner", "Later", "Next of mine")
    )
    expect(sooner).to_be_disabled()
    expect(first_of_all).to_be_disabled()
    # The newest is on top.
    tick(page, 0)
    first_of_all.click()
    until(lambda: [one.id for one in store.waiting()] == [third, first, second])
    settle(page)
    later.click()
    until(lambda: [one.id for one in store.waiting()] == [first, third, second])
    settle(page)
    expect(page.get_by_text(f"Run {third} ticked")).to_be_visible()
    sooner.click()
    until(lambda: [one.id for one in store.waiting()] == [third, first, second])
    settle(page)
    page.get_by_role("button", name="Stop", exact=True).click()
    until(lambda: [one.id for one in store.waiting()] == [first, second])
    settle(page)
    expect(sooner).to_be_disabled()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_clicks_that_cross_leave_the_ticks_as_they_are_acted_on(
    runs: Page, store: RunStore, ids: list[str]
) -> None:
    tick(runs, 0, 1)
    runs.get_by_role("button", name="Untick").click()
    table = runs.get_by_test_id("stDataFrame")
    table.click(position={"x": TICK, "y": HEADER + 2.5 * ROW})
    settle(runs)
    # Whatever came first: what is ticked on screen is what is counted above it.
    until(lambda: counted_as_ticked(runs, ids))


def counted_as_ticked(page: Page, ids: list[str]) -> bool:
    told = page.get_by_test_id("stCaptionContainer").first.inner_text()
    ticked = [run for row, run in enumerate(ids) if is_ticked(page, row)]
    words = f"Run {ticked[0]} ticked" if len(ticked) == 1 else f"{len(ticked)} ticked"
    return (words if ticked else "Tick runs to") in told


def is_ticked(page: Page, row: int) -> bool:
    """Whether the table says so to a screen reader."""
    line = page.locator(f"[data-testid=stDataFrame] canvas [role=row][aria-rowindex='{row + 2}']")
    return line.get_attribute("aria-selected") == "true"
