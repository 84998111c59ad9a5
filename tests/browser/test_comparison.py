"""The comparison viewer in a real Chromium, against pictures whose every pixel is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, expect

from asma_core.data.masks.palette import ADVERSARIAL, PREDICTION, TARGET
from tests.browser.conftest import separate

pytestmark = pytest.mark.browser

PAGE = Path(__file__).with_name("comparison_page.py")
WHITE = (255, 255, 255)
# What changes is painted in the next frame: after two, all that was asked for so far is there.
PAINTED = "await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


@pytest.fixture
def url(serve: Callable[[Path, Mapping[str, str]], str]) -> str:
    return serve(PAGE, {})


@pytest.fixture
def viewer(page: Page, url: str) -> Locator:
    """The viewer with the run "square" at its last frame and no outlines."""
    return opened(page, f"{url}/?overlays=none")


def opened(page: Page, address: str) -> Locator:
    page.goto(address)
    viewer = page.locator(".viewer[data-ready]")
    viewer.wait_for()
    page.get_by_text(re.compile("^reruns")).wait_for()
    return viewer


def panel(viewer: Locator, kind: str) -> Locator:
    return viewer.locator(f"[data-panel={kind}]")


def colour(viewer: Locator, kind: str, x: float, y: float) -> tuple[int, ...]:
    """Return the colour on screen at a share of a panel's width and height."""
    read = """async (canvas, [x, y]) => { PAINTED; return [...canvas.getContext("2d").getImageData(
        Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data.slice(0, 3)]; }"""
    read = read.replace("PAINTED", PAINTED)
    found = panel(viewer, kind).locator("> canvas").evaluate(read, [x, y])
    return tuple(found)


def row(viewer: Locator, kind: str, y: float) -> NDArray[np.int64]:
    """Return the colours of one row of screen pixels, shape (width, 3)."""
    read = """async (canvas, y) => { PAINTED; return [...canvas.getContext("2d").getImageData(
        0, Math.floor(y * canvas.height), canvas.width, 1).data]; }"""
    read = read.replace("PAINTED", PAINTED)
    found = panel(viewer, kind).locator("> canvas").evaluate(read, y)
    return np.array(found).reshape(-1, 4)[:, :3]


def pixel(viewer: Locator, kind: str, x: int, y: int) -> tuple[int, ...]:
    """Return the colour of a pixel of the square picture while all of it is shown."""
    return colour(viewer, kind, (x + 0.5) / 64, (y + 0.5) / 64)


def view(viewer: Locator) -> tuple[str | None, str | None]:
    return viewer.get_attribute("data-zoom"), viewer.get_attribute("data-centre")


def point(viewer: Locator, kind: str, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """Return where on the page a share of a panel lies."""
    box = panel(viewer, kind).bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def zoom_in(page: Page, viewer: Locator, kind: str = "original", at: float = 0.25) -> None:
    before = viewer.get_attribute("data-zoom")
    page.mouse.move(*point(viewer, kind, at, at))
    page.mouse.wheel(0, -400)
    expect(viewer).not_to_have_attribute("data-zoom", str(before))


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def set_range(viewer: Locator, name: str, value: int) -> None:
    viewer.locator(f"input.{name}").fill(str(value))


def test_the_panels_show_original_and_result(viewer: Locator) -> None:
    assert pixel(viewer, "original", 40, 10) == (80, 20, 100)
    assert pixel(viewer, "adversarial", 40, 10) == (80, 20, 100)
    assert pixel(viewer, "original", 20, 40) == (40, 80, 100)
    assert pixel(viewer, "adversarial", 20, 40) == (52, 80, 88)


def test_the_wheel_zooms_all_panels_alike_around_the_pointer(page: Page, viewer: Locator) -> None:
    # x = 0.7 lies in the half that the attack left alone, so both panels show the same there
    before = colour(viewer, "original", 0.7, 0.3)
    page.mouse.move(*point(viewer, "original", 0.7, 0.3))
    page.mouse.wheel(0, -400)
    expect(viewer.locator(".zoom-text")).to_have_text("205 %")  # exp(400 x 0.0018)
    for kind in ("original", "adversarial"):
        assert colour(viewer, kind, 0.7, 0.3) == pytest.approx(before, abs=2)
    for x in (0.6, 0.8, 0.95):
        assert colour(viewer, "original", x, 0.5) == colour(viewer, "adversarial", x, 0.5)
    # at twice the size, half of the 64 pixels lie between the edges
    across = colour(viewer, "original", 0.99, 0.5)[0] - colour(viewer, "original", 0.01, 0.5)[0]
    assert across / 2 == pytest.approx(64 / 2.054, abs=2)


def test_dragging_pans_all_panels_with_the_pointer(page: Page, viewer: Locator) -> None:
    zoom_in(page, viewer, at=0.5)
    held = colour(viewer, "original", 0.5, 0.5)
    drag(page, point(viewer, "adversarial", 0.5, 0.5), point(viewer, "adversarial", 0.3, 0.4))
    expect(viewer).not_to_have_attribute("data-centre", "0.5000,0.5000")
    assert colour(viewer, "original", 0.3, 0.4) == pytest.approx(held, abs=2)


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


def test_an_enlarged_picture_keeps_hard_pixels(viewer: Locator) -> None:
    assert set(row(viewer, "original", 0.5)[:, 0]) == set(range(0, 128, 2))


def test_the_divider_moves_by_mouse_and_by_key(page: Page, viewer: Locator) -> None:
    viewer.locator("[data-mode-button=slider]").click()
    divider = viewer.get_by_role("slider", name="divider between original and adversarial")
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
    for shown, blue in (("adversarial", 88), ("original", 100), ("adversarial", 88)):
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
    page.keyboard.press("ArrowRight")
    expect(viewer).not_to_have_attribute("data-shown", str(paused))
    page.keyboard.press("Space")
    expect(viewer).to_have_attribute("data-blinking", "true")


def test_blink_starts_paused_where_less_motion_is_wished_for(browser: Browser, url: str) -> None:
    with separate(browser, reduced_motion="reduce") as context:
        viewer = opened(context.new_page(), f"{url}/?mode=blink")
        expect(viewer).to_have_attribute("data-blinking", "false")
        expect(viewer.locator(".blink-play")).to_have_text("resume")


def test_the_signed_difference_is_white_at_zero_and_red_where_brighter(viewer: Locator) -> None:
    assert pixel(viewer, "difference", 50, 30) == WHITE
    # +12, 0, -12 does not cancel: of channels that changed alike the first one counts
    share = (12 * 20 / 255 - 0.4) / 0.6  # from #fb6a4a at 0.4 to #67000d at 1
    ends = np.array([0xFB, 0x6A, 0x4A]), np.array([0x67, 0x00, 0x0D])
    assert pixel(viewer, "difference", 20, 40) == pytest.approx(
        ends[0] + share * (ends[1] - ends[0]), abs=1
    )
    assert pixel(viewer, "difference", 5, 5) == (0x67, 0x00, 0x0D)  # 40 x 20 is off the scale
    set_range(viewer, "amplification", 0)
    expect(viewer.locator("[data-panel=difference] .caption")).to_have_text(
        "difference \u00d7 1, signed"
    )
    share = 40 / 255 / 0.4  # of the way from white to #fb6a4a, which stands at 0.4
    expected = 255 + share * (np.array([0xFB, 0x6A, 0x4A]) - 255)
    assert pixel(viewer, "difference", 5, 5) == pytest.approx(expected, abs=1)


def test_one_channel_of_the_difference_can_be_looked_at(viewer: Locator) -> None:
    viewer.locator(".channel").select_option("blue")
    expect(viewer.locator("[data-panel=difference] .caption")).to_have_text(
        "difference \u00d7 20, signed, blue"
    )
    share = (12 * 20 / 255 - 0.4) / 0.6  # from #6baed6 at 0.4 to #08306b at 1
    ends = np.array([0x6B, 0xAE, 0xD6]), np.array([0x08, 0x30, 0x6B])
    assert pixel(viewer, "difference", 20, 40) == pytest.approx(
        ends[0] + share * (ends[1] - ends[0]), abs=1
    )


def test_the_absolute_difference_is_magma(viewer: Locator) -> None:
    viewer.locator("[data-signed=false]").click()
    expect(viewer.locator("[data-panel=difference] .caption")).to_have_text(
        "difference \u00d7 20, absolute"
    )
    assert pixel(viewer, "difference", 50, 30) == (0, 0, 4)
    assert pixel(viewer, "difference", 5, 5) == (252, 253, 191)
    share = (12 * 20 / 255 - 0.875) / 0.125  # of magma's last eighth, #fec287 to #fcfdbf
    ends = np.array([0xFE, 0xC2, 0x87]), np.array([0xFC, 0xFD, 0xBF])
    assert pixel(viewer, "difference", 20, 40) == pytest.approx(
        ends[0] + share * (ends[1] - ends[0]), abs=1
    )


def test_the_amplification_is_written_on_the_picture_with_its_scale(viewer: Locator) -> None:
    factors = []
    for position in range(26):
        set_range(viewer, "amplification", position)
        text = viewer.locator("[data-panel=difference] .caption").inner_text()
        factors.append(int(re.findall(r"\d+", text)[0]))
    assert factors[0] == 1 and factors[-1] == 100
    assert all(low < high for low, high in pairwise(factors))
    expect(viewer.locator(".scale .high")).to_have_text(re.compile(r"^\+2\.[56]$"))  # 2.55


def test_outlines_lie_on_the_boundary_of_the_mask(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=target")
    width = panel(viewer, "original").locator("> canvas").evaluate("canvas => canvas.width")
    for kind in ("original", "adversarial", "difference"):
        # the target is the box from 40 to 60; its line lies along the outer side, 2 px wide
        for edge, outward in ((40, -1), (60, 1)):
            across = edge / 64
            assert colour(viewer, kind, across + outward / width, 0.78) == TARGET.rgb
            assert colour(viewer, kind, 0.78, across + outward / width) == TARGET.rgb
            assert colour(viewer, kind, across + 6 * outward / width, 0.78) != TARGET.rgb
            assert colour(viewer, kind, across - 3 * outward / width, 0.78) != TARGET.rgb


def test_outlines_stay_two_pixels_wide_at_any_zoom(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=target")

    def thickness() -> int:
        near = np.abs(row(viewer, "original", 0.78) - TARGET.rgb).max(axis=1) < 60
        return int(near.sum())

    # two crossings of two pixels; an edge between two screen pixels is shared by three
    assert thickness() in (3, 4, 5)
    page.mouse.move(*point(viewer, "original", 0.78, 0.78))
    page.mouse.wheel(0, -100)
    expect(viewer).not_to_have_attribute("data-zoom", "1.0000")
    assert thickness() in (3, 4, 5)


def test_classes_differ_by_line_style_and_names_are_plain_text(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=before")
    size = panel(viewer, "original").locator("> canvas").evaluate("canvas => canvas.width")
    rows = np.arange(int(0.4 * size), int(0.6 * size), 2) / size
    rim = [colour(viewer, "original", 16 / 64 + 1.2 / size, y) == PREDICTION.rgb for y in rows]
    cup = [colour(viewer, "original", 24 / 64 + 1.2 / size, y) == PREDICTION.rgb for y in rows]
    assert all(rim)
    assert any(cup) and not all(cup)
    expect(viewer.locator(".classes span")).to_have_text(["<b>rim</b>", "cup"])
    assert viewer.locator(".classes b").count() == 0


def test_the_outline_after_follows_the_frame(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=after&frame=0")
    size = panel(viewer, "original").locator("> canvas").evaluate("canvas => canvas.width")
    for frame in (0, 3):
        set_range(viewer, "frame", frame)
        expect(viewer).to_have_attribute("data-frame", str(frame))
        assert colour(viewer, "adversarial", (8 + frame) / 64 + 1 / size, 0.25) == ADVERSARIAL.rgb


def test_a_mask_that_is_missing_can_not_be_chosen(viewer: Locator) -> None:
    expect(viewer.locator("[data-overlay=truth] input")).to_be_disabled()
    expect(viewer.locator("[data-overlay=before] input")).to_be_enabled()


def test_fill_colours_the_inside_of_the_outlines(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=target")
    plain = np.array(pixel(viewer, "original", 50, 50))
    viewer.locator("input.fill").check()
    expect(viewer.locator("input.fill")).to_be_checked()
    expected = 0.75 * plain + 0.25 * np.array(TARGET.rgb)
    assert pixel(viewer, "original", 50, 50) == pytest.approx(expected, abs=2)


def test_the_readout_tells_place_and_values(page: Page, viewer: Locator) -> None:
    page.mouse.move(*point(viewer, "difference", 20.5 / 64, 40.5 / 64))
    words = " ".join(viewer.locator(".readout").inner_text().split())
    assert words == "x 20 y 40 original 40 80 100 adversarial 52 80 88 difference +12 0 \u221212"
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


def test_keys_act_only_with_the_pointer_or_the_focus_in_the_viewer(
    page: Page, viewer: Locator
) -> None:
    target = viewer.locator("[data-overlay=target] input")
    note = page.get_by_label("note")
    page.mouse.move(5, 5)
    page.keyboard.press("g")
    expect(target).not_to_be_checked()
    page.mouse.move(*point(viewer, "original"))
    page.keyboard.press("g")
    expect(target).to_be_checked()
    note.focus()
    page.mouse.move(*point(viewer, "original"))
    page.keyboard.type("g2s")
    expect(note).to_have_value("g2s")
    expect(target).to_be_checked()
    expect(viewer).to_have_attribute("data-mode", "side")


def test_the_address_gets_the_view_and_gives_it_back(page: Page, viewer: Locator, url: str) -> None:
    page.mouse.move(*point(viewer, "original"))
    for key in ("2", "s", "b", "a"):
        page.keyboard.press(key)
    set_range(viewer, "frame", 2)
    page.wait_for_url(re.compile("frame=2"))
    page.wait_for_url(re.compile("mode=slider"))
    address = page.url
    page.evaluate("sessionStorage.clear()")
    viewer = opened(page, address)
    expect(viewer).to_have_attribute("data-frame", "2")
    expect(viewer).to_have_attribute("data-mode", "slider")
    expect(viewer.locator("[data-overlay=before] input")).to_be_checked()
    expect(viewer.locator("[data-overlay=target] input")).not_to_be_checked()
    page.keyboard.press("1")
    page.mouse.move(*point(viewer, "single"))
    page.keyboard.press("1")
    expect(viewer.locator("[data-panel=difference] .caption")).to_have_text(
        "difference \u00d7 20, absolute"
    )


def test_nonsense_in_the_address_is_passed_over(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?mode=<script>&times=9999&frame=77&overlays=x,target&channel=7")
    expect(viewer).to_have_attribute("data-mode", "side")
    expect(viewer).to_have_attribute("data-frame", "4")
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
    page.wait_for_url(re.compile("frame=0"))
    page.get_by_role("button", name="square").click()
    expect(viewer).to_have_attribute("data-run", "square")
    expect(viewer).to_have_attribute("data-frame", "4")
    page.wait_for_url(re.compile("frame=4"))
    set_range(viewer, "frame", 1)
    page.wait_for_url(re.compile("frame=1"))


def test_a_huge_picture_is_reduced_and_says_so(page: Page, viewer: Locator) -> None:
    page.get_by_role("button", name="huge").click()
    expect(viewer).to_have_attribute("data-run", "huge")
    expect(viewer.locator("[data-panel=original] .reduced")).to_have_text(
        "shown at 1/2 of its size"
    )
    assert colour(viewer, "original", 0.5, 0.5) == (90, 90, 90)
    page.mouse.move(*point(viewer, "original", 0.5, 0.5))
    x = int(viewer.locator(".readout .place").inner_text().split()[1])
    assert x == pytest.approx(2048, abs=16)


def test_a_narrow_page_stacks_the_panels(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 600, "height": 900})
    viewer = opened(page, url)
    boxes = [
        panel(viewer, kind).bounding_box() for kind in ("original", "adversarial", "difference")
    ]
    assert all(a and b and a["y"] + a["height"] <= b["y"] for a, b in pairwise(boxes))


def test_dark_pages_put_the_zero_of_the_difference_on_their_own_background(
    browser: Browser, url: str
) -> None:
    with separate(browser, color_scheme="dark") as context:
        viewer = opened(context.new_page(), f"{url}/?overlays=none")
        shown = colour(viewer, "difference", 0.8, 0.5)
        page_colour = viewer.evaluate("root => getComputedStyle(root).backgroundColor")
        assert shown == tuple(map(int, re.findall(r"\d+", page_colour)))
        assert sum(shown) < 150


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
    viewer = opened(page, f"{url}/?overlays=none&frame=2")
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
    page.mouse.wheel(0, -200)
    expect(viewer).not_to_have_attribute("data-zoom", str(before[0]))
    zoomed = view(viewer)
    page.get_by_role("button", name="square", exact=True).click()
    expect(second).to_be_hidden()
    assert view(viewer) == zoomed
    expect(viewer).to_have_attribute("data-frame", "2")


def test_under_the_slider_another_run_takes_the_place_of_the_original(page: Page, url: str) -> None:
    viewer = opened(page, f"{url}/?overlays=none&mode=slider")
    page.get_by_role("button", name="beside", exact=True).click()
    against = viewer.locator("select.against")
    expect(against).to_be_visible()
    # Just left of the divider, which stands in the middle.
    original = colour(viewer, "single", 0.48, 0.5)
    against.select_option(label="against run other200")
    expect(panel(viewer, "single").locator(".caption").first).to_have_text("run other200")
    page.wait_for_function(
        """canvas => canvas.getContext("2d").getImageData(
            Math.floor(0.48 * canvas.width), canvas.height >> 1, 1, 1).data[0] === 200""",
        arg=panel(viewer, "single").locator("> canvas").element_handle(),
    )
    assert colour(viewer, "single", 0.48, 0.5) == (200, 200, 200) != original
