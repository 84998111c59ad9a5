"""What the random walk does: clicks and keys, on which pages, and how often."""

from __future__ import annotations

from urllib.parse import urljoin

from playwright.sync_api import Error

from tests.browser.walk_page import page_of
from tests.browser.walk_work import (
    change_target,
    judge,
    leave_field,
    note,
    pick,
    polygon,
    run,
    stroke,
    undo,
)
from tests.browser.walker import Step, Walker

MENU = ("Home", "Datasets", "Models", "Attack", "Compare", "Runs", "Experiments")


def menu(walker: Walker) -> bool:
    name = walker.dice.choice(MENU)
    walker.trail[-1] += f" {name}"
    walker.page.get_by_role("link", name=name, exact=True).first.click()
    walker.leads_to = urljoin(walker.seen["url"], "/" if name == "Home" else f"/{name.lower()}")
    return True


def back(walker: Walker) -> bool:
    return _go(walker, -1)


def forward(walker: Walker) -> bool:
    return _go(walker, 1)


def _go(walker: Walker, by: int) -> bool:
    place = walker.seen["entry"] + by
    if not 0 <= place < len(walker.seen["entries"]):
        return False
    walker.leads_to = walker.seen["entries"][place]
    walker.page.evaluate(f"history.go({by})")
    return True


def main_link(walker: Walker) -> bool:
    links = walker.page.locator("[data-testid=stMain] [data-testid=stPageLink] a:visible")
    found = links.element_handles()
    if not found:
        return False
    chosen = walker.dice.choice(found)
    walker.leads_to = str(chosen.evaluate("(link) => link.href"))
    walker.trail[-1] += f" {chosen.inner_text()[:40]!r}"
    chosen.click()
    return True


def choose(walker: Walker, label: str) -> bool:
    box = walker.page.get_by_role("combobox", name=label, exact=True)
    if not box.count() or not box.is_enabled():
        return False
    box.click()
    return walker.click("[role=option]:visible")


def clicking(selector: str) -> Step:
    return lambda walker: walker.click(selector)


def choosing(label: str) -> Step:
    return lambda walker: choose(walker, label)


def pressing(keys: str) -> Step:
    return lambda walker: walker.press(walker.dice.choice(keys.split()))


def leaving(page: str, selector: str) -> Step:
    """Return a step that leads to another page."""

    def leave(walker: Walker) -> bool:
        walker.leads_to = page
        return walker.click(selector)

    return leave


def search(walker: Walker) -> bool:
    words = walker.dice.choice(("", "demo", "0003", "nothing like it"))
    walker.trail[-1] += f" {words!r}"
    box = walker.page.locator(".st-key-runs-filter-text input")
    if not box.count():
        return False
    box.fill(words)
    walker.page.keyboard.press("Enter")
    return True


def row(walker: Walker) -> bool:
    """Click a row of the table of runs."""
    table = walker.page.locator("[class*=st-key-runs-table] canvas").first
    if not table.count():
        return False
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    if box is None:
        # It has just been changed for cards.
        return False
    rows = round((box["height"] - 36) / 66)
    down = 36 + 66 * walker.dice.randrange(min(rows, 4)) + 30
    walker.leads_to = "/compare"
    # As a hand does: a table that has just come hears of no click before a move.
    walker.page.mouse.move(box["x"] + 250, box["y"] + down, steps=5)
    walker.page.mouse.click(box["x"] + 250, box["y"] + down)
    return True


# With how often each is done, and on which pages ("" is Home).
EVERYWHERE: list[tuple[int, Step]] = [(4, menu), (5, back), (2, forward), (5, main_link)]
OF_PAGE: dict[str, list[tuple[int, Step]]] = {
    "datasets": [
        (2, clicking(".st-key-datasets-prediction label")),
        (1, clicking(".st-key-datasets-split button, .st-key-datasets-with_runs button")),
        (1, clicking(".st-key-datasets-all button")),
        (1, choosing("Data set")),
        (1, choosing("Sort by")),
        (3, clicking(".st-key-datasets-next button, .st-key-datasets-previous button")),
        (2, pressing("ArrowLeft ArrowRight")),
        (2, leaving("/attack", ".st-key-datasets-attack button")),
        (1, clicking(".st-key-datasets-back button")),
        (1, clicking(".st-key-sample-truth label, .st-key-sample-fill label")),
    ],
    "models": [(1, clicking("[data-testid=stMain] [data-testid=stButton] button:visible"))],
    "attack": [
        (7, stroke),
        (3, polygon),
        (4, undo),
        (1, pick),
        (4, clicking("[class*=st-key-attack-step] button")),
        (1, choosing("Data set")),
        (2, choosing("Target starts from")),
        (1, choosing("Network")),
        (2, clicking(".st-key-attack-scenario button")),
        (1, clicking("[class*=st-key-attack-asma-preset] button")),
        (2, pressing("+ - 0 l f [ ] 1 2")),
        (1, run),
        (1, leaving("/compare", ".st-key-result-compare button")),
        (1, change_target),
        (2, judge),
        (2, note),
    ],
    "compare": [
        (5, judge),
        (5, note),
        (6, pressing("j k j k u")),
        (3, pressing("q w e t b g a d f + - 0")),
        (1, clicking(".strip [data-step], .strip .unjudged")),
        (1, clicking(".strip .on")),
    ],
    "runs": [
        (4, row),
        (1, search),
        (2, clicking(".st-key-runs-filter-view button")),
        (1, choosing("Order")),
        (1, choosing("Verdict")),
        (1, clicking(".st-key-runs-filter-clear button")),
        (1, clicking("[class*=st-key-runs-tick] label")),
    ],
}
# What somebody does who does not wait.
LEAVING: list[tuple[int, Step]] = [
    (3, menu),
    (2, back),
    (3, pressing("j k")),
    (3, clicking("[class*=st-key-attack-step] button, .strip [data-step]")),
    (2, main_link),
]


def take_step(walker: Walker) -> None:
    """Do one thing that can be done here."""
    page = page_of(walker.seen["url"])
    offered = LEAVING if walker.hurry else EVERYWHERE + OF_PAGE.get(page, [])
    walker.hurry = False
    if walker.seen["typing"]:
        offered = [*offered, (6, leave_field)]
    while True:
        walker.leads_to = ""
        (step,) = walker.dice.choices([s for _, s in offered], [w for w, _ in offered])
        walker.trail.append(f"{page or 'home'}: {getattr(step, '__name__', '')}")
        try:
            if step(walker):
                return
        except Error as error:
            # The page has drawn it anew meanwhile.
            if "not attached" not in str(error):
                raise
        walker.trail.pop()
