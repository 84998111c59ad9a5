"""Every page in its usual states, in light and dark, for people who do not see or point as we do.

The rules are axe-core's, of WCAG 2.1 AA; what they can not measure is measured here: how large a
thing is that a finger should hit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve, separate, watched
from tests.browser.test_journey import ENDLESS, as_cards, settle, start_run, wait_for_end
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.pages.small_house import write_dataset

pytestmark = pytest.mark.browser

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa"]},
    "resultTypes": ["violations"],
}
GRAVE = ("serious", "critical")


def click(page: Page, role: Any, name: str | re.Pattern[str], title: str) -> None:
    """Go on with a click to where the page has that title."""
    settle(page)
    page.get_by_role(role, name=name).first.click()
    titled(page, title)


def titled(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    settle(page)


def states(page: Page, run: str) -> Iterator[str]:
    """Click through the app; stop wherever there is something to look at, and say what."""
    expect(page.get_by_role("img").first).to_be_visible()
    yield "Home"
    click(page, "link", "Compare", f"Run {run}")
    expect(page.locator(".viewer[data-ready]")).to_be_visible()
    yield "Compare"
    with unfolded(page, "Files"):
        yield "Compare, the files"
    click(page, "link", "Runs", "Runs")
    yield "Runs"
    as_cards(page)
    expect(page.get_by_role("img", name=f"Run {run}")).to_be_visible()
    yield "Runs, cards"
    yield from ticked(page)
    click(page, "link", "Experiments", "Experiments")
    yield "Experiments"
    click(page, "link", "Defences", "Defences")
    yield "Defences"
    yield from reviewed(page)
    click(page, "link", "Datasets", "Datasets")
    expect(page.get_by_role("img", name="b", exact=True)).to_be_visible()
    yield "Datasets"
    click(page, "link", re.compile("^b$"), "b")
    yield "Datasets, an image"
    click(page, "button", "All images", "Datasets")
    click(page, "button", "Add", "Add a data set")
    yield "Datasets, adding"
    click(page, "link", "Models", "Models")
    yield "Models"
    click(page, "link", "demo-fundus-unet", "demo-fundus-unet")
    yield "Models, a network"
    click(page, "link", "All networks", "Models")
    click(page, "button", "Add a network", "Add a network")
    yield "Models, adding"
    click(page, "link", "All networks", "Models")
    click(page, "button", "Train a network", "Train a network")
    yield "Models, training"
    click(page, "link", "Attack", "Attack")
    expect(page.locator(".editor[data-ready]")).to_be_visible()
    yield "Attack"
    # Only a run that is watched to its end leads here; that takes too long.
    page.goto(f"{page.url.rpartition('/')[0]}/attack?run={run}")
    titled(page, f"Run {run}")
    yield "Attack, a result"


def reviewed(page: Page) -> Iterator[str]:
    """Make a review, and begin to answer it."""
    click(page, "link", "Review", "Review")
    yield "Review"
    click(page, "button", "Make the review", "Which of the two")
    yield "Review, its result"
    click(page, "link", "Review here", "Which of the two")
    expect(page.get_by_role("textbox", name="Your name")).to_be_visible()
    yield "Review, the entrance"
    page.get_by_role("textbox", name="Your name").fill("Ann")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".review[data-ready=true]")).to_be_visible()
    settle(page)
    yield "Review, a pair"


@contextmanager
def unfolded(page: Page, name: str) -> Iterator[None]:
    """Open what a button unfolds, and fold it again."""
    settle(page)
    page.get_by_role("button", name=name).first.click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
    yield
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def ticked(page: Page) -> Iterator[str]:
    """Tick runs, and open what can be done with them."""
    settle(page)
    boxes = page.locator("[class*=st-key-runs-tick] label")
    for place, name in enumerate(("one", "two")):
        boxes.nth(place).click()
        settle(page)
        with unfolded(page, "Verdict"):
            yield f"Runs, a verdict on {name}"
    with unfolded(page, "Export"):
        yield "Runs, export"
    page.get_by_role("button", name="Delete").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "Runs, the question before deleting"
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def broken(page: Page) -> list[str]:
    """Return what axe-core finds, a line a place."""
    headings = page.get_by_role("heading", level=1).all_inner_texts()
    found = page.evaluate("(rules) => axe.run(document, rules)", RULES)
    one = [] if len(headings) == 1 else [f"headings of level one: {headings}"]
    return one + [
        f"{rule['id']}: {node['html'][:200]} -- {node['failureSummary'].splitlines()[1].strip()}"
        f" -- {node['target']}"
        for rule in found["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


# What a finger hits: a thing itself, what holds it, or what is laid around it. Left out are the
# crosses within Streamlit's multiselect: the list that it opens, and Backspace, do the same.
TARGETS = """() => {
  const found = [];
  const kinds = "button, a[href], input, select, textarea, summary, [role=button], [role=tab]";
  const holders = "[data-testid=stCheckbox] label, [data-testid=stTextInputRootElement], "
    + "[data-testid=stNumberInputContainer], [data-testid=stFileUploaderDropzone], "
    + "label:has(> input), "
    + "[data-testid=stSelectbox] div:has(> input), [data-testid=stExpander] details, "
    + "[data-testid=stSlider] div:has(> div > input)";
  const heightOf = (element) => Math.max(element.getBoundingClientRect().height,
    parseFloat(getComputedStyle(element, "::after").height) || 0);
  const within = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) within(element.shadowRoot);
      if (!element.matches(kinds) || element.closest("[data-testid=stMultiSelect]")) continue;
      // For screen readers alone.
      if (element.matches("[aria-label=Dismiss]")) continue;
      const target = element.closest(holders) ?? element;
      const seen = target.checkVisibility({ visibilityProperty: true, opacityProperty: true });
      if (!seen || target.getBoundingClientRect().width <= 1 || heightOf(target) >= 36) continue;
      found.push(`${heightOf(target).toFixed(1)} px high: ${target.outerHTML.slice(0, 300)}`);
    }
  };
  within(document);
  return found;
}"""


def small(page: Page) -> list[str]:
    """Return what a finger would miss."""
    return [str(found) for found in page.evaluate(TARGETS)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    made = RunStore(tmp_path_factory.mktemp("accessible"))
    # Three images each, where the demo sets would be drawn.
    for name in ("demo-fundus", "demo-lesion"):
        write_dataset(made.home, name, ("background", "rim", "cup"))
    for seed, attack in enumerate(("asma", "asm")):
        made_runs.finished(made, Made(attack=attack), size=64, seed=seed)
    return made


@pytest.fixture(scope="module")
def url(serve: Serve, store: RunStore) -> str:
    return serve(PROJECT / "serve.py", {"ASMA_HOME": str(store.home)})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anybody_out(browser: Browser, url: str, store: RunStore, theme: Any) -> None:
    run, faults = store.newest()[0].id, []
    with separate(browser, color_scheme=theme) as person, watched(person) as page:
        page.add_init_script(AXE)
        page.goto(url)
        settle(page)
        for state in states(page, run):
            settle(page)
            faults += [f"{state}: {fault}" for fault in broken(page) + small(page)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_running_attack_keeps_nobody_out(browser: Browser, url: str, theme: Any) -> None:
    with separate(browser, color_scheme=theme) as person, watched(person) as page:
        page.add_init_script(AXE)
        page.goto(url)
        click(page, "link", "Attack", "Attack")
        expect(page.locator(".editor[data-ready]")).to_be_visible()
        start_run(page, "paper", ENDLESS)
        expect(page.get_by_text(re.compile(r"Step \d+ of 100000"))).to_be_visible()
        expect(page.get_by_role("progressbar").first).to_be_visible()
        faults = broken(page) + small(page)
        page.get_by_role("button", name="Stop").click()
        wait_for_end(page)
        assert not faults, "\n".join(faults)
