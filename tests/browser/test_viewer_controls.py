"""The comparison viewer's controls, keys and address in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from asma_core.data.masks.palette import TARGET
from tests.browser.conftest import separate
from tests.browser.viewing import (
    PAGE,
    colour,
    drag,
    opened,
    panel,
    pixel,
    point,
    row,
    set_range,
    view,
    wheel,
    zoom_in,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def url(serve: Callable[[Path, Mapping[str, str]], str]) -> str:
    return serve(PAGE, {})


@pytest.fixture
def viewer(page: Page, url: str) -> Locator:
    """The viewer with the run "square" at its last frame and no outlines."""
    return opened(page, f"{url}/?overlays=none&times=20")


def test_the_wheel_zooms_all_panels_alike_around_the_pointer(page: Page, viewer: Locator) -> None:
    # x = 0.7 lies in the half that the attack left alone, so both panels show the same there
    before = colour(viewer, "original", 0.7, 0.3)
    page.mouse.move(*point(viewer, "original", 0.7, 0.3))
    wheel(page, -400)
    expect(viewer.locator(".zoom-text")).to_have_text("205 %")  # exp(400 x 0.0018)
    for kind in ("original", "adversarial"):
        assert colour(viewer, kind, 0.7, 0.3) == pytest.approx(before, abs=2)
    for x in (0.6, 0.8, 0.95):
        assert colour(viewer, "original", x, 0.5) == colour(viewer, "adversarial", x, 0.5)
    # at twice the size, half of the 64 pixels lie between the edges
    across = colour(viewer, "original", 0.99, 0.5)[0] - colour(viewer, "original", 0.01, 0.5)[0]
    assert across / 2 == pytest.approx(64 / 2.054, abs=2)


def test_zoom_and_place_stay_through_mode_frame_amplification_run_rerun_and_reload(
    page: Page, viewer: Locator
) -> None:
    zoom_in(page, viewer)
    page.mouse.move(5, 5)
    chosen = view(viewer)
    for mode in ("slider", "blink", "side"):
        viewer.locator(f"[data-mode-button={mode}]").click()
        expect(viewer).to_have_attribute("data-mode", mode)
        assert view(viewer) == chosen
    set_range(viewer, "frame", 1)
    expect(viewer).to_have_attribute("data-frame", "1")
    set_range(viewer, "amplification", 25)
    page.wait_for_url(re.compile("times=100"))
    page.get_by_role("button", name="again").click()
    page.get_by_role("button", name="wide").click()
    expect(viewer).to_have_attribute("data-run", "wide")
    assert view(viewer) == chosen
    page.reload()
    viewer.wait_for()
    assert view(viewer) == chosen
    expect(viewer.locator(".amplification-text")).to_have_text("\u00d7 100")


def test_double_click_and_key_0_show_the_whole_picture_again(page: Page, viewer: Locator) -> None:
    for reset in (
        lambda: page.mouse.dblclick(*point(viewer, "original")),
        lambda: page.keyboard.press("0"),
    ):
        zoom_in(page, viewer)
        reset()
        expect(viewer).to_have_attribute("data-zoom", "1.0000")
        expect(viewer).to_have_attribute("data-centre", "0.5000,0.5000")


def test_plus_and_minus_zoom(page: Page, viewer: Locator) -> None:
    page.mouse.move(*point(viewer, "original"))
    page.keyboard.press("+")
    expect(viewer.locator(".zoom-text")).to_have_text("125 %")
    page.keyboard.press("-")
    expect(viewer.locator(".zoom-text")).to_have_text("100 %")


def test_the_divider_moves_by_mouse_and_by_key(page: Page, viewer: Locator) -> None:
    viewer.locator("[data-mode-button=slider]").click()
    divider = viewer.get_by_role("slider", name="divider between the two pictures")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    # the square picture lies in the middle of the wide panel; at 0.45 its left half is shown
    changed = colour(viewer, "single", 0.45, 0.9)
    assert changed[2] == 100
    drag(page, point(viewer, "single", 0.5), point(viewer, "single", 0.35))
    expect(viewer).to_have_attribute("data-divider", re.compile(r"0\.3[45]"))
    assert colour(viewer, "single", 0.45, 0.9) == (changed[0] + 12, changed[1], 88)
    assert view(viewer) == ("1.0000", "0.5000,0.5000")
    page.keyboard.press("ArrowRight")
    expect(viewer).to_have_attribute("data-divider", re.compile(r"0\.3[67]"))


def test_blink_alternates_and_space_pauses_it(page: Page, viewer: Locator) -> None:
    viewer.locator("[data-mode-button=blink]").click()
    for shown, blue in (("run", 88), ("original", 100), ("run", 88)):
        page.wait_for_function(
            """([shown, blue]) => {
                const root = document.querySelector('[data-testid=stBidiComponentIsolated]')
                    .shadowRoot.querySelector('.viewer');
                const canvas = root.querySelector('[data-panel=single] > canvas');
                const at = [Math.floor(0.45 * canvas.width), Math.floor(0.9 * canvas.height)];
                const found = canvas.getContext('2d').getImageData(...at, 1, 1).data[2];
                return root.dataset.shown === shown && found === blue;
            }""",
            arg=[shown, blue],
        )
    page.mouse.move(*point(viewer, "single"))
    page.keyboard.press("Space")
    expect(viewer).to_have_attribute("data-blinking", "false")
    paused = viewer.get_attribute("data-shown")
    page.keyboard.press("x")
    expect(viewer).not_to_have_attribute("data-shown", str(paused))
    page.keyboard.press("Space")
    expect(viewer).to_have_attribute("data-blinking", "true")


def test_blink_starts_paused_where_less_motion_is_wished_for(browser: Browser, url: str) -> None:
    with separate(browser, reduced_motion="reduce") as context:
        viewer = opened(context.new_page(), f"{url}/?mode=blink")
        expect(viewer).to_have_attribute("data-blinking", "false")
        expect(viewer.locator(".blink-play")).to_have_text("resume")


def test_outlines_stay_two_pixels_wide_at_any_zoom(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=target")

    def thickness() -> int:
        near = np.abs(row(viewer, "original", 0.78) - TARGET.rgb).max(axis=1) < 60
        return int(near.sum())

    # two crossings of two pixels; an edge between two screen pixels is shared by three
    assert thickness() in (3, 4, 5)
    page.mouse.move(*point(viewer, "original", 0.78, 0.78))
    wheel(page, -100)
    expect(viewer).not_to_have_attribute("data-zoom", "1.0000")
    assert thickness() in (3, 4, 5)


def test_the_readout_tells_place_and_values(page: Page, viewer: Locator) -> None:
    page.mouse.move(*point(viewer, "difference", 20.5 / 64, 40.5 / 64))
    words = " ".join(viewer.locator(".readout").inner_text().split())
    assert words == "x 20 y 40 40 80 100 \u2192 52 80 88 difference +12 0 \u221212"
    page.mouse.move(5, 5)
    expect(viewer.locator(".readout")).not_to_be_visible()


def test_the_scrubber_steps_by_arrow_keys_and_plays(page: Page, viewer: Locator) -> None:
    expect(viewer).to_have_attribute("data-frame", "4")
    viewer.locator("input.frame").focus()
    page.keyboard.press("ArrowLeft")
    expect(viewer.locator(".frame-text")).to_have_text("step 3")
    expect(viewer.locator("[data-panel=adversarial] .caption")).to_have_text("adversarial, step 3")
    assert pixel(viewer, "adversarial", 20, 40) == (49, 80, 91)
    page.keyboard.press("ArrowRight")
    expect(viewer).to_have_attribute("data-frame", "4")
    # A frame is there for a moment only, so the page itself notes which have been.
    viewer.evaluate("""root => {
        root.seen = [];
        new MutationObserver(() => root.seen.push(root.dataset.frame))
            .observe(root, { attributes: true, attributeFilter: ["data-frame"] });
    }""")
    viewer.locator(".play").click()
    page.wait_for_function("root => root.seen.includes('0')", arg=viewer.element_handle())
    expect(viewer).to_have_attribute("data-frame", "4")
    expect(viewer.locator(".play")).to_have_attribute("aria-pressed", "false")
    seen = viewer.evaluate("root => root.seen")
    assert list(dict.fromkeys(seen[seen.index("0") :])) == ["0", "1", "2", "3", "4"]


def test_keys_work_wherever_the_focus_is_but_not_while_typing(page: Page, viewer: Locator) -> None:
    target = viewer.locator("[data-overlay=target] input")
    note = page.get_by_label("note")
    page.mouse.move(5, 5)
    page.get_by_role("button", name="again").focus()
    page.keyboard.press("g")
    expect(target).to_be_checked()
    # These belong to the judging.
    for key in ("1", "2", "3", "n", "j", "k", "u"):
        page.keyboard.press(key)
    expect(viewer).to_have_attribute("data-mode", "side")
    for key, mode in (("w", "slider"), ("e", "blink"), ("q", "side")):
        page.keyboard.press(key)
        expect(viewer).to_have_attribute("data-mode", mode)
    note.focus()
    page.mouse.move(*point(viewer, "original"))
    page.keyboard.type("gwd")
    expect(note).to_have_value("gwd")
    expect(target).to_be_checked()
    expect(viewer).to_have_attribute("data-mode", "side")


def test_the_address_gets_the_view_and_gives_it_to_another_browser(
    page: Page, browser: Browser, viewer: Locator
) -> None:
    zoom_in(page, viewer)
    for key in ("w", "d", "b", "a", "f"):
        page.keyboard.press(key)
    set_range(viewer, "frame", 2)
    viewer.locator("input.opacity").fill("0.5")
    drag(page, point(viewer, "single", 0.5), point(viewer, "single", 0.3))
    for part in ("frame=2", "mode=slider", "difference=absolute", "fill=1", "opacity=0.5",
                 "zoom=", "divider=0.", "times=20"):  # fmt: skip
        page.wait_for_url(re.compile(re.escape(part)))
    shown = attributes(viewer)
    with separate(browser) as context:
        other = opened(context.new_page(), page.url)
        assert attributes(other) == shown
        expect(other.locator("[data-overlay=before] input")).to_be_checked()
        expect(other.locator("[data-overlay=target] input")).not_to_be_checked()
        expect(other.locator("input.fill")).to_be_checked()
        expect(other.locator("input.opacity")).to_have_value("0.5")
        expect(other.locator("[data-difference=absolute]")).to_have_attribute(
            "aria-pressed", "true"
        )


def attributes(viewer: Locator) -> dict[str, str | None]:
    names = ("mode", "frame", "zoom", "centre", "divider", "shown", "blinking", "run")
    return {name: viewer.get_attribute(f"data-{name}") for name in names}


def test_the_address_wins_over_what_the_tab_showed_before(
    page: Page, viewer: Locator, url: str
) -> None:
    zoom_in(page, viewer)
    page.keyboard.press("w")
    page.wait_for_url(re.compile("mode=slider.*zoom=|zoom=.*mode=slider"))
    again = opened(page, url)
    assert view(again) == ("1.0000", "0.5000,0.5000")
    expect(again).to_have_attribute("data-mode", "side")


def test_an_address_that_changes_on_the_page_is_followed(page: Page, viewer: Locator) -> None:
    zoom_in(page, viewer)
    page.wait_for_url(re.compile("zoom="))
    page.get_by_role("button", name="elsewhere").click()
    expect(viewer).to_have_attribute("data-mode", "slider")
    expect(viewer).to_have_attribute("data-zoom", "2.0000")
    expect(viewer).to_have_attribute("data-centre", "0.5000,0.4000")
    expect(viewer).to_have_attribute("data-frame", "1")
    expect(viewer).to_have_attribute("data-divider", "0.250")
    # And what is changed after that is told again.
    page.keyboard.press("0")
    expect(viewer).to_have_attribute("data-zoom", "1.0000")
    page.wait_for_url(lambda address: "zoom=" not in address and "mode=slider" in address)


def test_nonsense_in_the_address_is_passed_over(page: Page, url: str) -> None:
    query = "mode=<script>&times=9999&frame=77&overlays=x,target&channel=7&zoom=-3&x=nan&left=gone"
    viewer = opened(page, f"{url}/?{query}")
    expect(viewer).to_have_attribute("data-mode", "side")
    expect(viewer).to_have_attribute("data-frame", "4")
    expect(viewer).to_have_attribute("data-zoom", "1.0000")
    expect(viewer.locator(".amplification-text")).to_have_text("\u00d7 100")


def test_a_change_costs_one_rerun_and_keeps_the_element(page: Page, viewer: Locator) -> None:
    viewer.evaluate("root => { root.mark = 'same'; }")
    reruns = page.get_by_text(re.compile("^reruns"))
    before = int(reruns.inner_text().split()[1])
    set_range(viewer, "amplification", 3)
    set_range(viewer, "amplification", 7)
    page.wait_for_url(re.compile("times=8"))
    expect(reruns).to_have_text(f"reruns {before + 1}")
    page.get_by_role("button", name="again").click()
    expect(reruns).to_have_text(f"reruns {before + 2}")
    page.get_by_role("button", name="wide").click()
    expect(viewer).to_have_attribute("data-run", "wide")
    expect(reruns).to_have_text(f"reruns {before + 3}")
    assert viewer.evaluate("root => root.mark") == "same"


def test_another_run_starts_at_its_result(page: Page, viewer: Locator) -> None:
    set_range(viewer, "frame", 1)
    page.wait_for_url(re.compile("frame=1"))
    page.get_by_role("button", name="wide").click()
    expect(viewer.locator("[data-panel=adversarial] .caption")).to_have_text("adversarial, result")
    page.wait_for_url(lambda address: "run=wide" in address and "frame=" not in address)
    page.get_by_role("button", name="square").click()
    expect(viewer).to_have_attribute("data-run", "square")
    expect(viewer).to_have_attribute("data-frame", "4")
    page.wait_for_url(lambda address: "run=square" in address and "frame=" not in address)
    set_range(viewer, "frame", 1)
    page.wait_for_url(re.compile("frame=1"))


def test_the_keys_are_listed(page: Page, viewer: Locator) -> None:
    keys = viewer.locator(".keys")
    expect(keys).to_be_hidden()
    viewer.get_by_role("button", name="keys").click()
    expect(keys).to_contain_text("side by side, slider, blink")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_quick_scrubbing_ends_at_the_last_frame_asked_for(viewer: Locator) -> None:
    for frame in (0, 1, 2, 3, 0, 2):
        set_range(viewer, "frame", frame)
    expect(viewer).to_have_attribute("data-frame", "2")
    assert pixel(viewer, "adversarial", 20, 40) == (46, 80, 94)


def test_runs_beside_share_the_zoom_and_leave_what_is_looked_at(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=none&frame=2&times=20")
    zoom_in(page, viewer)
    before = view(viewer)
    page.get_by_role("button", name="beside", exact=True).click()
    first, second = (viewer.locator(f"[data-panel=beside][data-place='{i}']") for i in (0, 1))
    expect(second).to_be_visible()
    expect(viewer.locator("[data-panel=beside][data-place='2']")).to_be_hidden()
    assert view(viewer) == before
    expect(viewer).to_have_attribute("data-frame", "2")
    expect(first.locator(".caption")).to_have_text("other 40")
    read = """canvas => [...canvas.getContext("2d").getImageData(
        canvas.width >> 1, canvas.height >> 1, 1, 1).data.slice(0, 3)]"""
    assert first.locator("> canvas").evaluate(read) == [40, 40, 40]
    assert second.locator("> canvas").evaluate(read) == [200, 200, 200]
    box = second.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wheel(page, -200)
    expect(viewer).not_to_have_attribute("data-zoom", str(before[0]))
    zoomed = view(viewer)
    page.get_by_role("button", name="square", exact=True).click()
    expect(second).to_be_hidden()
    assert view(viewer) == zoomed
    expect(viewer).to_have_attribute("data-frame", "2")


def test_under_the_slider_another_run_takes_the_place_of_the_original(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=none&mode=slider")
    page.get_by_role("button", name="beside", exact=True).click()
    left = viewer.get_by_label("picture left of the divider")
    expect(left).to_have_value("original")
    # Just left of the divider, which stands in the middle.
    original = colour(viewer, "single", 0.48, 0.5)
    left.select_option(label="run other200")
    expect(panel(viewer, "single").locator(".caption").first).to_have_text("other 200")
    page.wait_for_function(
        """canvas => canvas.getContext("2d").getImageData(
            Math.floor(0.48 * canvas.width), canvas.height >> 1, 1, 1).data[0] === 200""",
        arg=panel(viewer, "single").locator("> canvas").element_handle(),
    )
    assert colour(viewer, "single", 0.48, 0.5) == (200, 200, 200) != original
    viewer.get_by_label("picture right of the divider").select_option(label="run other40")
    assert colour(viewer, "single", 0.52, 0.5) == (40, 40, 40)
    page.wait_for_url(re.compile("left=other200&right=other40"))


def test_blink_goes_through_all_that_are_shown(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=none&mode=blink")
    page.get_by_role("button", name="beside", exact=True).click()
    expect(viewer).to_have_attribute("data-runs", "3")
    viewer.locator(".blink-play").click()
    expect(viewer).to_have_attribute("data-blinking", "false")
    seen = []
    for _ in range(4):
        seen.append(viewer.get_attribute("data-shown"))
        page.keyboard.press("x")
        expect(viewer).not_to_have_attribute("data-shown", str(seen[-1]))
    assert sorted(map(str, seen)) == ["original", "other200", "other40", "run"]
    assert seen[0] == viewer.get_attribute("data-shown"), "round and round"
    while viewer.get_attribute("data-shown") != "other40":
        before = viewer.get_attribute("data-shown")
        page.keyboard.press("x")
        expect(viewer).not_to_have_attribute("data-shown", str(before))
    expect(panel(viewer, "single").locator(".caption").first).to_have_text("other 40")
    assert colour(viewer, "single", 0.5, 0.5) == (40, 40, 40)
    page.wait_for_url(re.compile("still=other40"))


def test_scrubber_curve_and_figures_are_one(page: Page, viewer: Locator) -> None:
    step = viewer.locator(".of-step")
    figures = viewer.locator(".figures tbody").first
    expect(step).to_have_text("step 4, 8-bit file")
    expect(figures).to_contain_text("0.400")
    curve = viewer.locator(".curve svg").bounding_box()
    assert curve is not None
    page.mouse.click(curve["x"] + 0.27 * curve["width"], curve["y"] + 20)
    expect(viewer).to_have_attribute("data-frame", "1")
    expect(viewer.locator("input.frame")).to_have_value("1")
    expect(step).to_have_text("step 1")
    expect(figures).to_contain_text("0.100")
    expect(viewer.locator(".cursor")).to_have_attribute("style", "left: 25%;")
    expect(viewer.locator(".mark")).to_have_attribute("style", "left: 100%;")
    expect(viewer.locator(".curve-point")).to_have_text("step 1: IoU 0.100, L2 1.000")
    thumb = viewer.locator("input.frame").bounding_box()
    assert thumb is not None
    at = thumb["x"] + 7 + 0.25 * (thumb["width"] - 14)
    cursor = viewer.locator(".cursor").bounding_box()
    assert cursor is not None and cursor["x"] + 1 == pytest.approx(at, abs=1)
    viewer.get_by_role("button", name="result").click()
    expect(step).to_have_text("step 4, 8-bit file")
    # What only the result has says so, whatever step is on screen.
    expect(viewer.locator(".noticed")).to_contain_text("Of the result")
    expect(viewer.locator(".noticed")).to_contain_text("1.23")


def test_figures_of_several_runs_stand_in_columns(page: Page, viewer: Locator) -> None:
    page.get_by_role("button", name="beside", exact=True).click()
    expect(viewer.locator(".figures thead th")).to_have_text(["square", "other40", "other200"])
    first = viewer.locator(".figures tbody").first.locator("tr").nth(1)
    expect(first.locator("td")).to_have_text(["0.400", "0.950", "0.950"])
    seen = viewer.locator(".noticed tr").nth(1).locator("td")
    expect(seen).to_have_text(["1.23", "4.56", "4.56"])


def test_the_wheel_scrolls_the_page_until_the_picture_is_clicked(
    page: Page, viewer: Locator
) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    scrolled = "() => document.querySelector('[data-testid=stMain]').scrollTop"
    page.mouse.move(*point(viewer, "original"))
    page.mouse.wheel(0, 120)
    page.wait_for_function(f"() => ({scrolled})() > 0")
    expect(viewer).to_have_attribute("data-zoom", "1.0000")
    expect(viewer.locator(".hint")).to_have_class(re.compile("on"))
    where = page.evaluate(scrolled)
    page.mouse.click(*point(viewer, "original"))
    page.mouse.wheel(0, -200)
    expect(viewer).not_to_have_attribute("data-zoom", "1.0000")
    assert page.evaluate(scrolled) == where
    zoomed = viewer.get_attribute("data-zoom")
    page.keyboard.press("Escape")
    page.mouse.wheel(0, -60)
    page.wait_for_function(f"() => ({scrolled})() < {where}")
    expect(viewer).to_have_attribute("data-zoom", str(zoomed))


def test_every_control_has_a_name_and_room_for_a_finger(viewer: Locator) -> None:
    found = viewer.evaluate("""root => [...root.querySelectorAll(
            "button, select, input, [tabindex='0']")]
        .filter((part) => part.offsetParent !== null)
        .map((part) => {
            const box = (part.closest("label") ?? part).getBoundingClientRect();
            const label = part.closest("label")?.textContent.trim();
            const name = part.getAttribute("aria-label") || part.textContent.trim() || label;
            return [name, Math.min(box.width, box.height)];
        })""")
    assert len(found) > 15
    assert all(name for name, _ in found)
    assert [name for name, size in found if size < 36] == []


# Of every text the ratio of WCAG 2.2 with the viewer's background, where it is below 4.5.
CONTRASTS = """root => {
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const read = (colours) => {
        for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
        return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const light = (colour) => colour.map((value) => value / 255)
        .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
    const paper = getComputedStyle(root).backgroundColor;
    return [...root.querySelectorAll("*")]
        .filter((part) => part.offsetParent !== null && !part.disabled)
        .filter((part) => [...part.childNodes].some(
            (node) => node.nodeType === 3 && node.data.trim()))
        .map((part) => {
            const style = getComputedStyle(part);
            const behind = read([paper, style.backgroundColor]);
            const both = [light(read([paper, style.color])), light(behind)];
            const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
            return [part.className || part.tagName, part.textContent.trim(), ratio];
        })
        .filter(([, , ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast(browser: Browser, url: str, scheme: str) -> None:
    with separate(browser, color_scheme=scheme) as context:
        viewer = opened(context.new_page(), f"{url}/?overlays=none")
        low = viewer.evaluate(CONTRASTS)
        assert low == []
