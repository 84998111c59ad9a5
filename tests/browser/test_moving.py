"""What moves or is drawn anew under the hand: no press is lost, and nothing begins again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PROJECT, Serve
from tests.browser.test_journey import settle
from ui.common.lasting import lasting_script

pytestmark = pytest.mark.browser


@pytest.fixture
def button(page: Page, serve: Serve, three_images: Path) -> Locator:
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(three_images)}))
    settle(page)
    page.get_by_role("link", name="Models").click()
    found = page.get_by_role("button", name="Train a network")
    expect(found).to_be_visible()
    settle(page)
    return found


def press(page: Page, one: Locator) -> tuple[float, float]:
    box = one.bounding_box()
    assert box is not None
    x, y = box["x"] + 10, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


def shift(one: Locator, pixels: int) -> None:
    one.evaluate("(one, pixels) => (one.style.transform = `translateX(${pixels}px)`)", pixels)


@pytest.mark.parametrize("pixels", [0, 40])
def test_a_button_that_moves_while_it_is_pressed_is_pressed_once(
    page: Page, button: Locator, pixels: int
) -> None:
    button.evaluate(
        "(one) => { window.clicks = 0; one.addEventListener('click', () => (window.clicks += 1)); }"
    )
    press(page, button)
    shift(button, pixels)
    page.mouse.up()
    page.wait_for_url(re.compile("train=1"))
    assert page.evaluate("window.clicks") == 1


def test_who_moves_off_a_button_takes_the_press_back(page: Page, button: Locator) -> None:
    button.evaluate("(one) => one.addEventListener('click', () => (window.clicked = true))")
    x, y = press(page, button)
    page.mouse.move(x, y + 200)
    page.mouse.up()
    page.evaluate("() => new Promise((go) => setTimeout(go))")
    assert not page.evaluate("window.clicked ?? false")
    expect(page).not_to_have_url(re.compile("train=1"))


def test_a_link_that_moves_while_it_is_pressed_leads_where_it_says(
    page: Page, button: Locator
) -> None:
    link = page.get_by_role("link", name="Runs", exact=True)
    press(page, link)
    shift(link, -90)
    page.mouse.up()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()


def test_a_component_ends_when_its_element_goes_and_not_between_two_reruns(page: Page) -> None:
    """Streamlit may call the answer of a call before it calls the next (seen once in 60 reruns)."""
    page.set_content("<div id=place><p class=one></p></div>")
    page.add_script_tag(content=lasting_script())
    seen = page.evaluate(
        """async () => {
          const seen = { made: 0, closed: 0 };
          const make = (root) => ({ root, number: ++seen.made, close: () => (seen.closed += 1) });
          const place = document.getElementById("place");
          const rest = () => new Promise((go) => setTimeout(go));
          const call = () => lastingOf(place, ".one", make);
          const [first, end] = call();
          end();
          const [second, endSecond] = call();
          await rest();
          seen.same = first === second && seen.closed === 0;
          endSecond();
          await rest();
          seen.stays = seen.closed === 0;
          place.innerHTML = "<p class=one></p>";
          const [, endThird] = call();
          seen.anew = seen.made === 2 && seen.closed === 1;
          place.remove();
          endThird();
          end();
          await rest();
          seen.gone = seen.closed === 2;
          return seen;
        }"""
    )
    assert [seen[what] for what in ("same", "stays", "anew", "gone")] == [True] * 4, seen
