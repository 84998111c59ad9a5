"""A review is made, sent, answered by keyboard and by mouse, stopped, gone on with, and read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from asma_core.reviews.questions import ATTACKED, ORIGINAL
from asma_core.reviews.review import Review
from asma_core.reviews.store import ReviewStore
from asma_core.runs import artefacts
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve, separate, watched
from tests.browser.looking import look
from tests.browser.test_journey import from_home, settle
from tests.browser.test_runs import tick
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.waiting import until

RUNS = 4
SIDE = 96


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def reviews(store: RunStore) -> ReviewStore:
    return ReviewStore(store.home)


@pytest.fixture(scope="module")
def made(store: RunStore) -> list[Run]:
    """Runs whose attacked pictures are plainly noisy, the newest first."""
    runs = []
    for seed in range(RUNS):
        attack = ("asma", "pgd")[seed % 2]
        image = f"secret-patient-{seed}"
        run = made_runs.finished(store, Made(attack, image, l2=2.5 + seed), size=SIDE, seed=seed)
        file = store.folder(run.id) / artefacts.ADVERSARIAL
        pixels = np.asarray(Image.open(file)).astype(int)
        noise = np.random.default_rng(seed).integers(-25, 26, pixels.shape)
        Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(file)
        runs.append(run)
    return runs[::-1]


@pytest.fixture
def url(serve: Serve, store: RunStore, made: list[Run]) -> str:
    return serve(PROJECT / "app.py", {"ASMA_HOME": str(store.home)})


@pytest.fixture
def reviewer(browser: Browser) -> Iterator[Page]:
    """A tab of somebody else's browser."""
    with separate(browser) as context, watched(context) as tab:
        yield tab


def make_review(page: Page, url: str, question: str, *rows: int) -> str:
    """Tick runs on Runs, make a review of them; return the link to send."""
    from_home(page, url, "Runs")
    tick(page, *rows)
    page.get_by_role("button", name="Review", exact=True).click()
    ticked = "1 ticked run" if len(rows) == 1 else f"{len(rows)} ticked runs"
    expect(page.get_by_text(ticked, exact=True)).to_be_visible()
    settle(page)
    page.get_by_role("combobox", name="Question").click()
    page.get_by_role("option", name=question).click()
    settle(page)
    look(page, "review-form")
    page.get_by_role("button", name="Make the review").click()
    page.wait_for_url(re.compile(r"review\?review=[0-9a-f]{8}$"))
    expect(page.get_by_text("Nobody has answered yet.")).to_be_visible()
    settle(page)
    return page.get_by_test_id("stCode").inner_text().strip()


def screen(page: Page) -> Locator:
    return page.locator(".review")


def at(page: Page, turn: int) -> None:
    """Wait until a picture is shown and can be answered."""
    expect(screen(page)).to_have_attribute("data-turn", str(turn))
    expect(screen(page)).to_have_attribute("data-ready", "true")


def enter(page: Page, link: str, name: str) -> None:
    page.goto(link)
    settle(page)
    page.get_by_role("textbox", name="Your name").fill(name)
    page.get_by_role("button", name="Begin").click()
    at(page, 0)


def review_of(reviews: ReviewStore, link: str) -> Review:
    return reviews.get(re.findall("review=([0-9a-f]{8})", link)[0])


def side_of(review: Review, name: str, turn: int, answer: str) -> str:
    item = review.order(name)[turn]
    return "1" if (answer == ATTACKED) == review.attacked_first(name, item) else "2"


def said(reviews: ReviewStore, review: Review, name: str) -> list[str]:
    """Return what somebody has answered, in the order of the review's items."""
    answers = {a.place: a.answer for a in reviews.answers(review.id) if a.reviewer == name}
    return [answers[place] for place in sorted(answers)]


def test_a_choice_is_made_sent_answered_by_keyboard_and_read(
    page: Page, reviewer: Page, url: str, reviews: ReviewStore, made: list[Run]
) -> None:
    link = make_review(page, url, "Which of the two was tampered with?", 0, 1, 2)
    assert link.startswith(url)
    review = review_of(reviews, link)
    reviewer.goto(link)
    settle(reviewer)
    look(reviewer, "review-entrance")
    enter(reviewer, link, "Ann")
    look(reviewer, "review-choice")
    # By numbers and by arrows; all but the last rightly.
    for turn, keys in enumerate(({"1": "1", "2": "2"}, {"1": "ArrowLeft", "2": "ArrowRight"})):
        at(reviewer, turn)
        reviewer.keyboard.press(keys[side_of(review, "Ann", turn, ATTACKED)])
    at(reviewer, 2)
    reviewer.keyboard.press(side_of(review, "Ann", 2, ORIGINAL))
    expect(reviewer.get_by_role("heading", name="Thank you")).to_be_visible()
    settle(reviewer)
    look(reviewer, "review-thanks")
    assert sorted(said(reviews, review, "Ann")) == [ATTACKED, ATTACKED, ORIGINAL]
    # Another person at the same computer, with the mouse.
    reviewer.get_by_role("link", name="Somebody else").click()
    expect(reviewer.get_by_role("textbox", name="Your name")).to_be_visible()
    settle(reviewer)
    reviewer.get_by_role("textbox", name="Your name").fill("Bob")
    reviewer.get_by_role("button", name="Begin").click()
    for turn in range(3):
        at(reviewer, turn)
        words = {"1": "The left one", "2": "The right one"}
        name = words[side_of(review, "Bob", turn, ATTACKED)]
        reviewer.get_by_role("button", name=name).click()
    expect(reviewer.get_by_role("heading", name="Thank you")).to_be_visible()
    assert said(reviews, review, "Bob") == [ATTACKED] * 3
    read_result(page, review, made)


def read_result(page: Page, review: Review, made: list[Run]) -> None:
    page.reload()
    expect(page.get_by_text("Found in 5 of 6 answers (83 %, 44 to 97 %)")).to_be_visible()
    expect(page.get_by_text(re.compile("Cohen's kappa .*, of 3 items"))).to_be_visible()
    settle(page)
    look(page, "review-result")
    with page.expect_download() as waited:
        page.get_by_role("button", name="Answers as CSV").click()
    rows = list(csv.DictReader(waited.value.path().read_text("utf-8-sig").splitlines()))
    assert len(rows) == 6 and {row["reviewer"] for row in rows} == {"Ann", "Bob"}
    assert {row["run"] for row in rows} == {run.id for run in made[:3]}
    assert all(float(row["seconds"]) > 0 for row in rows)
    expect(page.get_by_text("Fooled nobody: 2")).to_be_visible()
    picture = page.locator("[class*=st-key-cards-review-noticed] a").first
    picture.click()
    page.wait_for_url(re.compile(r"compare\?run="))
    expect(page.get_by_role("heading", name=re.compile("^Run "))).to_be_visible()
    settle(page)
    page.go_back()
    expect(page.get_by_text("Found in 5 of 6 answers")).to_be_visible()
    settle(page)


def test_who_stops_goes_on_and_an_answer_is_never_given_twice(
    page: Page, reviewer: Page, url: str, reviews: ReviewStore
) -> None:
    link = make_review(page, url, "Is there anything odd here?", 0, 1)
    review = review_of(reviews, link)
    assert len(review.items) == 4
    enter(reviewer, link, "Ann")
    look(reviewer, "review-odd")
    # A key that is held down, or hit again at once, is one answer.
    reviewer.keyboard.down("y")
    reviewer.keyboard.down("y")
    reviewer.keyboard.up("y")
    at(reviewer, 1)
    until(lambda: len(reviews.answers(review.id)) == 1)
    reviewer.get_by_role("button", name="No").dblclick()
    at(reviewer, 2)
    until(lambda: len(reviews.answers(review.id)) == 2)
    given = reviews.answers(review.id)
    reviewer.reload()
    expect(reviewer.get_by_text("Ann, you have answered 2.")).to_be_visible()
    settle(reviewer)
    reviewer.get_by_role("button", name="Go on as Ann").click()
    at(reviewer, 2)
    # Away in the very moment of the answer.
    reviewer.keyboard.press("n")
    reviewer.get_by_role("link", name="Home").click()
    until(lambda: len(reviews.answers(review.id)) == 3)
    settle(reviewer)
    reviewer.goto(link)
    settle(reviewer)
    reviewer.get_by_role("textbox", name="Your name").fill("Ann")
    reviewer.get_by_role("button", name="Begin").click()
    at(reviewer, 3)
    expect(reviewer.get_by_text("Picture 4 of 4")).to_be_visible()
    reviewer.keyboard.press("y")
    expect(reviewer.get_by_role("heading", name="Thank you")).to_be_visible()
    answers = reviews.answers(review.id)
    assert answers[:2] == given and [one.answer for one in answers] == ["yes", "no", "no", "yes"]


def test_harm_is_rated_with_the_outline_and_zoomed(
    page: Page, reviewer: Page, url: str, reviews: ReviewStore
) -> None:
    link = make_review(page, url, "How bad would it be to act on this outline?", 0)
    review = review_of(reviews, link)
    enter(reviewer, link, "Ann")
    look(reviewer, "review-harm")
    expect(screen(reviewer)).to_have_attribute("data-zoom", "1.00")
    reviewer.keyboard.press("+")
    expect(screen(reviewer)).to_have_attribute("data-zoom", "1.50")
    stage = reviewer.locator(".review canvas")
    stage.click()
    reviewer.mouse.wheel(0, -200)
    expect(screen(reviewer)).not_to_have_attribute("data-zoom", "1.50")
    reviewer.get_by_role("button", name="Whole").click()
    expect(screen(reviewer)).to_have_attribute("data-zoom", "1.00")
    reviewer.keyboard.press("5")
    at(reviewer, 1)
    reviewer.keyboard.press("2")
    expect(reviewer.get_by_role("heading", name="Thank you")).to_be_visible()
    order = [item.place for item in review.order("Ann")]
    assert {a.place: a.answer for a in reviews.answers(review.id)} == dict(
        zip(order, ("5", "2"), strict=True)
    )


FOCUS = """() => {
    let found = document.activeElement;
    while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
    return found.textContent;
}"""


def test_who_answers_by_tab_and_enter_keeps_the_focus(
    page: Page, reviewer: Page, url: str, reviews: ReviewStore
) -> None:
    link = make_review(page, url, "Which of the two was tampered with?", 0, 1, 2)
    enter(reviewer, link, "Ann")
    # The button that began it is gone: what is read out goes on with the question.
    assert reviewer.evaluate(FOCUS) == "One of these two pictures was tampered with. Which one?"
    expect(reviewer.get_by_text("Pair 1 of 3")).to_be_visible()
    for words in ("", "The left one", "The right one"):
        reviewer.keyboard.press("Tab")
        assert words in reviewer.evaluate(FOCUS)
    for turn in range(3):
        at(reviewer, turn)
        assert "The right one" in reviewer.evaluate(FOCUS)
        reviewer.keyboard.press("Enter")
    expect(reviewer.get_by_role("heading", name="Thank you")).to_be_visible()
    assert len(reviews.answers(review_of(reviews, link).id)) == 3


def test_two_fingers_zoom_and_two_pictures_stand_close_together(
    page: Page, browser: Browser, url: str
) -> None:
    link = make_review(page, url, "Which of the two was tampered with?", 0)
    size = {"width": 1920, "height": 700}
    with separate(browser, has_touch=True, viewport=size) as context, watched(context) as tab:
        enter(tab, link, "Ann")
        left, right = (panel.bounding_box() for panel in tab.locator(".review .panel").all())
        assert left is not None and right is not None
        assert 0 < right["x"] - left["x"] - left["width"] < 20
        assert abs(left["width"] - left["height"]) < 2
        x, y = left["x"] + left["width"] / 2, left["y"] + left["height"] / 2
        fingers = context.new_cdp_session(tab)
        for kind, apart in (("Start", 20), ("Move", 30), ("Move", 60)):
            points = [{"x": x + way * apart, "y": y, "id": way} for way in (-1, 1)]
            event = {"type": f"touch{kind}", "touchPoints": points}
            fingers.send("Input.dispatchTouchEvent", event)
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        # Three times as far apart.
        expect(screen(tab)).to_have_attribute("data-zoom", re.compile(r"^(2\.[89]|3\.[01])"))


def test_nothing_that_a_reviewer_gets_tells(
    page: Page, reviewer: Page, url: str, reviews: ReviewStore, made: list[Run]
) -> None:
    """All that comes through the wire, and all requests, while somebody answers."""
    link = make_review(page, url, "Which of the two was tampered with?", 0, 1, 2, 3)
    heard: list[bytes] = []
    asked: list[str] = []

    def listen(opened: WebSocket) -> None:
        opened.on("framereceived", lambda frame: heard.append(frame) if frame else None)

    reviewer.on("websocket", listen)
    reviewer.on("request", lambda request: asked.append(request.url))
    enter(reviewer, link, "Ann")
    texts = [reviewer.content()]
    for turn in range(RUNS):
        at(reviewer, turn)
        texts.append(reviewer.content())
        reviewer.keyboard.press("1")
    expect(reviewer.get_by_role("heading", name="Thank you")).to_be_visible()
    wire = b"\n".join(frame if isinstance(frame, bytes) else frame.encode() for frame in heard)
    # The pictures did come, unpacked.
    assert wire.count(b"\x89PNG") >= 2 * RUNS
    everything = (wire + "\n".join([*texts, *asked]).encode()).lower()
    telling = [*(run.id for run in made), "secret-patient", "asma_8bit", "pgd", "adversarial"]
    telling += [ATTACKED, "perturbation", "linf", "demo-fundus-unet", "mask of 0007"]
    assert [word for word in telling if word.encode() in everything] == []
    for frame in heard:
        if isinstance(frame, bytes):
            ForwardMsg.FromString(frame)  # it was read as what it is
    sizes = {len(png) for png in pictures(wire)}
    assert len(sizes) == 1


def pictures(wire: bytes) -> list[bytes]:
    """Return the PNG files in a run of bytes."""
    return re.findall(rb"\x89PNG\r\n.*?IEND\xaeB`\x82", wire, flags=re.S)
