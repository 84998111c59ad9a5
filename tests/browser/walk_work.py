"""What the random walk judges and draws, and what a person expects to have done by it."""

from __future__ import annotations

from tests.browser.walk_page import read
from tests.browser.walker import Walker

VERDICTS = {"1": "convincing", "2": "visible", "3": "failed"}
MOST_RUNS = 3

# Judging ----------------------------------------------------------------------------------------


def judge(walker: Walker) -> bool:
    key, run = walker.dice.choice(sorted(VERDICTS)), walker.run
    if not run:
        return False
    if walker.dice.random() < 0.5:
        walker.page.locator(f".strip [data-verdict={VERDICTS[key]}]").click()
    elif not walker.press(key):
        return False
    walker.trail[-1] += f" {run} {VERDICTS[key]}"
    taken = walker.done.verdicts[run] == VERDICTS[key]
    walker.done.verdicts[run] = "" if taken else VERDICTS[key]
    walker.hurry = walker.dice.random() < 0.4
    return True


def note(walker: Walker) -> bool:
    run = walker.run
    if not run or not walker.press("n"):
        return False
    words = f" {walker.dice.randrange(1000)}jku"
    walker.page.keyboard.type(words)
    walker.trail[-1] += f" {run} {words!r}"
    walker.done.notes[run] += words
    walker.hurry = walker.dice.random() < 0.6
    return True


def leave_field(walker: Walker) -> bool:
    if not walker.seen["typing"]:
        return False
    walker.page.keyboard.press("Escape")
    return True


# Drawing ----------------------------------------------------------------------------------------


def stroke(walker: Walker) -> bool:
    tool = walker.dice.choice(("b", "r", "c", "e"))
    return _take(walker, tool) and _drag(walker)


def polygon(walker: Walker) -> bool:
    if not _take(walker, "p"):
        return False
    corners = ((0.2, 0.2), (0.7, 0.3), (0.5, 0.8))[: walker.dice.randint(2, 3)]
    for corner in corners:
        walker.page.mouse.click(*_at(walker, *corner))
    walker.done.corners[walker.image] = len(corners)
    if len(corners) == 3:
        walker.page.keyboard.press("Enter")
        walker.done.corners[walker.image] = 0
        walker.done.shapes[walker.image] += 1
    walker.hurry = walker.dice.random() < 0.4
    return True


def pick(walker: Walker) -> bool:
    return _take(walker, "v")


def _take(walker: Walker, tool: str) -> bool:
    """Take a tool; a polygon that was begun is closed by it, or given up."""
    if not walker.seen["editor"] or not walker.press(tool):
        return False
    if walker.done.corners[walker.image] >= 3:
        walker.done.shapes[walker.image] += 1
    walker.done.corners[walker.image] = 0
    return True


def _drag(walker: Walker) -> bool:
    ends = [walker.dice.uniform(0.1, 0.4), walker.dice.uniform(0.6, 0.9)]
    walker.page.mouse.move(*_at(walker, *ends))
    walker.page.mouse.down()
    walker.page.mouse.move(*_at(walker, *reversed(ends)), steps=4)
    walker.page.mouse.up()
    walker.done.shapes[walker.image] += 1
    walker.hurry = walker.dice.random() < 0.4
    return True


def _at(walker: Walker, across: float, down: float) -> tuple[float, float]:
    stage = walker.page.locator(".editor .stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def undo(walker: Walker) -> bool:
    """Undo, redo or clear; the editor says at once what is left."""
    image = walker.image
    if not walker.click(f".editor .{walker.dice.choice(('undo', 'undo', 'redo', 'clear'))}"):
        return False
    editor = read(walker.page)["editor"]
    walker.done.shapes[image] = int(editor["shapes"])
    walker.done.corners[image] = int(editor["corners"])
    return True


def run(walker: Walker) -> bool:
    if walker.runs >= MOST_RUNS:
        return False
    walker.runs += 1
    walker.page.get_by_text("quick", exact=True).click()
    return walker.click(".st-key-attack-run button")


def change_target(walker: Walker) -> bool:
    """Go back to the image with the run's target, which is a step over what was drawn."""
    return walker.click(".st-key-result-change button")
