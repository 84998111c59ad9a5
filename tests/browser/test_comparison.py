"""The comparison viewer's pictures in a real Chromium, of which every pixel is known."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from asma_core.data.masks.palette import ADVERSARIAL, PREDICTION, TARGET
from asma_core.runs.difference import (
    CHANNELS,
    KINDS,
    LARGEST,
    PERCEPTUAL,
    amounts,
    automatic_factor,
    difference_picture,
    scale_end,
)
from tests.browser.comparison_page import square_run
from tests.browser.conftest import separate
from tests.browser.viewing import (
    PAGE,
    PAINTED,
    WHITE,
    colour,
    drag,
    opened,
    panel,
    pixel,
    point,
    row,
    set_range,
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


def test_the_panels_show_original_and_result(viewer: Locator) -> None:
    assert pixel(viewer, "original", 40, 10) == (80, 20, 100)
    assert pixel(viewer, "adversarial", 40, 10) == (80, 20, 100)
    assert pixel(viewer, "original", 20, 40) == (40, 80, 100)
    assert pixel(viewer, "adversarial", 20, 40) == (52, 80, 88)


def test_dragging_pans_all_panels_with_the_pointer(page: Page, viewer: Locator) -> None:
    zoom_in(page, viewer, at=0.5)
    held = colour(viewer, "original", 0.5, 0.5)
    drag(page, point(viewer, "adversarial", 0.5, 0.5), point(viewer, "adversarial", 0.3, 0.4))
    expect(viewer).not_to_have_attribute("data-centre", "0.5000,0.5000")
    assert colour(viewer, "original", 0.3, 0.4) == pytest.approx(held, abs=2)


def test_an_enlarged_picture_keeps_hard_pixels(viewer: Locator) -> None:
    assert set(row(viewer, "original", 0.5)[:, 0]) == set(range(0, 128, 2))


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


def test_the_absolute_difference_is_purple_the_more_the_darker(viewer: Locator) -> None:
    viewer.locator("[data-difference=absolute]").click()
    expect(viewer.locator("[data-panel=difference] .caption")).to_have_text(
        "difference \u00d7 20, absolute"
    )
    assert pixel(viewer, "difference", 50, 30) == WHITE
    assert pixel(viewer, "difference", 5, 5) == (0x3F, 0x00, 0x7D)
    share = (12 * 20 / 255 - 0.4) / 0.6  # from #9e9ac8 at 0.4 to #3f007d at 1
    ends = np.array([0x9E, 0x9A, 0xC8]), np.array([0x3F, 0x00, 0x7D])
    assert pixel(viewer, "difference", 20, 40) == pytest.approx(
        ends[0] + share * (ends[1] - ends[0]), abs=1
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_of_difference_is_the_one_that_python_draws(
    browser: Browser, url: str, scheme: str
) -> None:
    run = square_run()
    original, adversarial = (
        np.asarray(Image.open(io.BytesIO(data)))
        for data in (run.original_png, run.frames[-1].adversarial_png)
    )
    with separate(browser, color_scheme=scheme) as context:
        page = context.new_page()
        for kind, channel in [*product(KINDS[:2], CHANNELS), (PERCEPTUAL, LARGEST)]:
            query = f"overlays=none&times=8&difference={kind}&channel={channel}"
            viewer = opened(page, f"{url}/?{query}")
            drawn = difference_picture(original, adversarial, scheme == "dark", kind, channel, 8)
            for x, y in ((5, 5), (20, 40), (31, 63), (10, 20), (50, 30)):
                assert pixel(viewer, "difference", x, y) == pytest.approx(drawn[y, x], abs=2)


def test_the_automatic_factor_is_the_one_that_python_finds(viewer: Locator, page: Page) -> None:
    run = square_run()
    original, adversarial = (
        np.asarray(Image.open(io.BytesIO(data)))
        for data in (run.original_png, run.frames[-1].adversarial_png)
    )
    automatic = viewer.get_by_role("button", name="auto", exact=True)
    expect(automatic).to_have_attribute("aria-pressed", "false")
    automatic.click()
    expect(automatic).to_have_attribute("aria-pressed", "true")
    for kind in KINDS:
        viewer.locator(f"[data-difference={kind}]").click()
        factor = automatic_factor(amounts(original, adversarial, kind), kind)
        expect(viewer.locator(".amplification-text")).to_have_text(f"\u00d7 {factor}")
        caption = viewer.locator("[data-panel=difference] .caption")
        expect(caption).to_contain_text(f"difference \u00d7 {factor} auto")
        expect(viewer.locator("[data-panel=difference] .scale .high")).to_contain_text(
            scale_end(kind, factor)
        )
    set_range(viewer, "amplification", 3)
    expect(automatic).to_have_attribute("aria-pressed", "false")
    page.wait_for_url(re.compile("times=4"))


def test_the_amplification_is_written_on_the_picture_with_its_scale(viewer: Locator) -> None:
    factors = []
    for position in range(26):
        set_range(viewer, "amplification", position)
        text = viewer.locator("[data-panel=difference] .caption").inner_text()
        factors.append(int(re.findall(r"\d+", text)[0]))
    assert factors[0] == 1 and factors[-1] == 100
    assert all(low < high for low, high in pairwise(factors))
    expect(viewer.locator("[data-panel=difference] .scale .high")).to_have_text(
        re.compile(r"^\+2\.[56]$")
    )  # 2.55


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
    page.set_viewport_size({"width": 480, "height": 900})
    viewer = opened(page, url)
    boxes = [
        panel(viewer, kind).bounding_box() for kind in ("original", "adversarial", "difference")
    ]
    assert all(a and b and a["y"] + a["height"] <= b["y"] for a, b in pairwise(boxes))


def test_dark_pages_put_the_zero_of_the_difference_on_their_own_background(
    browser: Browser, url: str
) -> None:
    with separate(browser, color_scheme="dark") as context:
        viewer = opened(context.new_page(), f"{url}/?overlays=none&times=20")
        shown = colour(viewer, "difference", 0.8, 0.5)
        page_colour = viewer.evaluate("root => getComputedStyle(root).backgroundColor")
        assert shown == tuple(map(int, re.findall(r"\d+", page_colour)))
        assert sum(shown) < 150


def test_each_run_has_its_own_difference_and_outlines_in_a_column_of_its_own(
    page: Page, url: str
) -> None:
    viewer = opened(page, f"{url}/?overlays=after&times=1")
    page.get_by_role("button", name="beside", exact=True).click()
    place = "[data-place='{}']".format
    first = viewer.locator(f"[data-panel=beside]{place(0)}")
    change = viewer.locator(f"[data-panel=beside-difference]{place(0)}")
    expect(change.locator(".caption")).to_have_text("run other40, difference \u00d7 1, signed")
    above, below = first.bounding_box(), change.bounding_box()
    assert above is not None and below is not None
    assert above["x"] == below["x"] and above["y"] + above["height"] <= below["y"]
    own = panel(viewer, "adversarial").bounding_box()
    assert own is not None and own["y"] == above["y"] and own["x"] < above["x"]
    # Grey 40 in place of (64, 64, 100): the blue channel went down most, by 60.
    read = """async canvas => { PAINTED; return [...canvas.getContext("2d").getImageData(
        canvas.width >> 1, canvas.height >> 1, 1, 1).data.slice(0, 3)]; }"""
    middle = change.locator("> canvas").evaluate(read.replace("PAINTED", PAINTED))
    expected = 255 + 60 / 255 / 0.4 * (np.array([0x6B, 0xAE, 0xD6]) - 255)
    assert middle == pytest.approx(expected, abs=3)


# Of the window, and how many pictures then stand in the first row.
SIZES = ((700, 900, 2), (800, 900, 3), (1280, 900, 3), (1920, 1080, 3), (3840, 2160, 3))


def test_the_pictures_take_what_the_window_has(browser: Browser, url: str) -> None:
    for width, height, shape in SIZES:
        with separate(browser, viewport={"width": width, "height": height}) as context:
            viewer = opened(context.new_page(), url)
            boxes = [panel(viewer, kind).bounding_box() for kind in ("original", "adversarial",
                                                                     "difference")]  # fmt: skip
            tops = {box["y"] for box in boxes if box}
            assert len(tops) == (1 if shape == 3 else 2)
            stage = viewer.locator(".stage").bounding_box()
            first = boxes[0]
            assert stage is not None and first is not None
            assert first["width"] >= stage["width"] / shape - 8
            assert stage["y"] + stage["height"] < height, "all of them in sight"


def test_a_detector_s_maps_stand_in_the_place_of_original_and_result(
    page: Page, viewer: Locator, url: str
) -> None:
    expect(viewer.locator(".suspicious")).to_be_hidden()
    page.get_by_role("button", name="suspected").click()
    expect(viewer).to_have_attribute("data-run", "suspected")
    assert pixel(viewer, "original", 40, 10) == (80, 20, 100)
    viewer.get_by_label("detector whose maps are shown").select_option("Entropy")
    expect(viewer).to_have_attribute("data-suspicion", "entropy")
    zero, more, most = (
        tuple(difference_picture(*_grey(level), kind="absolute", factor=1)[0, 0])
        for level in (0, 102, 255)
    )
    assert zero == WHITE and len({zero, more, most}) == 3
    assert pixel(viewer, "original", 40, 10) == WHITE
    assert pixel(viewer, "original", 40, 40) == pytest.approx(more, abs=1)
    assert pixel(viewer, "adversarial", 10, 40) == WHITE
    assert pixel(viewer, "adversarial", 40, 40) == pytest.approx(most, abs=1)
    for kind in ("original", "adversarial"):
        expect(panel(viewer, kind).locator(".scale")).to_be_visible()
        expect(panel(viewer, kind).locator(".scale .high")).to_have_text("0.8")
        expect(panel(viewer, kind).locator(".caption")).to_contain_text("Entropy, a unit")
    # The difference is still one of the pictures.
    assert pixel(viewer, "difference", 50, 30) == WHITE
    assert pixel(viewer, "difference", 5, 5) == (0x67, 0x00, 0x0D)
    page.wait_for_url(re.compile("suspicion=entropy"))
    page.keyboard.press("ArrowLeft")
    expect(viewer).to_have_attribute("data-frame", "3")
    assert pixel(viewer, "adversarial", 50, 40) == (100, 80, 100)
    expect(panel(viewer, "adversarial").locator(".caption")).to_contain_text("of the result only")
    expect(panel(viewer, "adversarial").locator(".scale")).to_be_hidden()
    page.keyboard.press("s")
    expect(viewer).to_have_attribute("data-suspicion", "")
    assert pixel(viewer, "original", 40, 40) == (80, 80, 100)
    # Who is given the address sees the maps, in the other views too.
    page.keyboard.press("s")
    page.keyboard.press("w")
    page.wait_for_url(re.compile("mode=slider.*suspicion=entropy|suspicion=entropy.*mode=slider"))
    expect(panel(viewer, "single").locator(".scale")).to_be_visible()


def _grey(level: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return np.zeros((1, 1), np.uint8), np.full((1, 1), level, np.uint8)
