"""The whole way of a user, with the mouse, in a real Chromium against the real app.

Streamlit asks for `PAGE/_stcore/health` and `PAGE/_stcore/host-config` when an address below the
root is opened, finds them only at the root, and Chromium logs two 404s. They are the only errors
let through; `page` fails a test on any other, and on a request to any other host.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from asma_core.cli.main import main as command
from asma_core.data.formats.images import read_image
from asma_core.data.masks.label_maps import read_mask
from asma_core.jobs.queue import stop
from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve, ends_run, separate, socket_of, watched

pytestmark = pytest.mark.browser

APP = PROJECT / "serve.py"
VIEWER = ".viewer[data-ready]"
PRESETS = {"quick": "100", "paper": "2501"}
# A run that lasts, however quick the machine, until it is stopped.
ENDLESS = 100_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journey")


@pytest.fixture
def url(serve: Serve, home: Path) -> str:
    return serve(APP, {"ASMA_HOME": str(home)})


def settle(page: Page) -> None:
    """Wait until the script has run and its pictures are here: a page left earlier misses them."""
    page.wait_for_function(
        """() => document.querySelector("[data-testid=stApp]")
            ?.getAttribute("data-test-script-state") === "notRunning"
            && !document.querySelector("[data-testid=stSkeleton], [data-testid=stSpinner]")
            && [...document.images].every((image) => image.complete)""",
    )


def as_cards(page: Page) -> None:
    """Show Runs as cards: the table, which holds the same words, is gone then."""
    page.get_by_text("Cards", exact=True).click()
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
    settle(page)


@contextmanager
def rerun(page: Page) -> Iterator[None]:
    """Wait until what happens in the block has run the script again.

    It begins at rest: a script that is asked again while it runs does not say so anew.
    """
    settle(page)
    with socket_of(page).expect_event("framereceived", ends_run):
        yield
    # A busy browser shows begin and end of a run in one go: what came is shown when it is idle,
    # which on a machine that is busy for minutes is never.
    page.evaluate(
        """() => new Promise((go) => {
            const idle = (then) => requestIdleCallback(then, {timeout: 10_000});
            idle(() => idle(go));
        })"""
    )
    settle(page)


def from_home(page: Page, url: str, name: str) -> None:
    page.goto(url)
    settle(page)
    page.get_by_role("link", name=name, exact=True).click()
    settle(page)


def attack_lesion(page: Page, url: str) -> None:
    """Walk from Home to a test image of the demo set of lesions, and on to its attack."""
    from_home(page, url, "Datasets")
    expect(page.get_by_text(re.compile(r"^\d+ images$"))).to_be_visible()
    settle(page)
    page.get_by_role("combobox", name="Data set", exact=True).click()
    page.get_by_role("option", name="demo-lesion", exact=True).click()
    page.wait_for_url(re.compile("dataset=demo-lesion"))
    expect(page.get_by_text("64 images", exact=True)).to_be_visible()
    settle(page)
    page.get_by_text("test", exact=True).click()
    expect(page.get_by_text("16 of 64 images", exact=True)).to_be_visible()
    settle(page)
    page.get_by_role("link", name="0050", exact=True).click()
    page.get_by_role("button", name="Attack this image").click()
    expect(page.get_by_role("button", name="Run the attack")).to_be_visible()
    settle(page)


FIGURES = "of the image, overlap with the prediction"


def draw_polygon(page: Page) -> None:
    """Draw a polygon in the editor, four corners, closed by Enter, and have its figures told."""
    settle(page)
    before = page.get_by_text(FIGURES).inner_text()
    editor = page.locator(".editor[data-ready]")
    shapes = int(editor.get_attribute("data-shapes") or 0)
    page.keyboard.press("p")
    stage = editor.locator(".stage")
    stage.scroll_into_view_if_needed()
    stage.hover(trial=True)
    box = stage.bounding_box()
    assert box is not None
    for across, down in ((0.3, 0.3), (0.6, 0.3), (0.6, 0.6), (0.3, 0.6)):
        page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
    page.keyboard.press("Enter")
    expect(editor).to_have_attribute("data-shapes", str(shapes + 1))
    expect(page.get_by_text(FIGURES)).not_to_have_text(before)
    settle(page)


def start_run(page: Page, preset: str = "quick", steps: int = 5) -> str:
    """Start a run with a preset, but for its steps; return the run's id."""
    page.get_by_text(preset, exact=True).click()
    fill_steps(page, f"asma-{preset}", PRESETS[preset], steps)
    return press_run(page)


def fill_steps(page: Page, form: str, usual: str, steps: int) -> None:
    """Set the steps in the form of an attack and a preset, once it shows the usual ones."""
    box = page.locator(f".st-key-attack-{form}-steps input")
    expect(box).to_have_value(usual)
    settle(page)
    with rerun(page):
        box.fill(str(steps))
        box.press("Enter")


def press_run(page: Page) -> str:
    """Run the attack; return the run's id."""
    page.get_by_role("button", name="Run the attack").click()
    page.wait_for_url(re.compile(r"run=[0-9a-f]{8}"))
    found = re.search(r"run=([0-9a-f]{8})", page.url)
    assert found is not None
    return found.group(1)


def attack_it(page: Page, start: Callable[[Page], str] = start_run) -> None:
    """Go from a network's page to its first attack, and compare."""
    page.get_by_role("button", name="Attack it").click()
    page.wait_for_url(re.compile(r"attack"))
    expect(page.locator(".editor[data-ready]")).to_be_visible()
    settle(page)
    start(page)
    wait_for_end(page)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(VIEWER)).to_be_visible()


def wait_for_end(page: Page) -> None:
    expect(page.get_by_role("button", name="Change the target")).to_be_visible()
    settle(page)


def test_a_polygon_is_drawn_run_watched_compared_reloaded_and_found(
    page: Page, url: str, browser: Browser
) -> None:
    from_home(page, url, "Attack")
    draw_polygon(page)
    expect(page.get_by_text(FIGURES)).to_be_visible()
    run_id = start_run(page)
    wait_for_end(page)

    page.get_by_role("button", name="Compare").click()
    viewer = page.locator(VIEWER)
    expect(viewer).to_be_visible()
    viewer.locator("[data-panel=original]").click()
    page.mouse.wheel(0, -600)
    expect(viewer).not_to_have_attribute("data-zoom", "1.0000")
    zoom = viewer.get_attribute("data-zoom") or ""
    viewer.locator("[data-mode-button=slider]").click()
    expect(viewer).to_have_attribute("data-zoom", zoom)
    page.wait_for_url(re.compile("mode=slider.*zoom="))
    settle(page)

    page.reload()
    expect(viewer).to_have_attribute("data-zoom", zoom)
    assert run_id in page.url
    page.get_by_role("link", name="Runs").click()
    settle(page)
    as_cards(page)
    expect(page.get_by_role("link", name=f"Run {run_id}")).to_be_visible()

    with separate(browser) as elsewhere, watched(elsewhere) as other:
        other.goto(f"{url}/compare?run={run_id}")
        expect(other.locator(VIEWER)).to_be_visible()


def test_the_first_address_of_a_new_server_may_be_any_page(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    fresh = serve(APP, {"ASMA_HOME": str(tmp_path)}, drawn=False)
    page.goto(f"{fresh}/runs")
    settle(page)
    expect(page.get_by_role("link", name="Datasets")).to_be_visible()
    expect(page.get_by_text("app", exact=True)).to_have_count(0)


def test_a_running_attack_survives_leaving_and_reloading_and_can_be_stopped(
    page: Page, url: str
) -> None:
    attack_lesion(page, url)
    run_id = start_run(page, "paper", ENDLESS)
    expect(page.get_by_text(re.compile(r"Step \d+ of 100000"))).to_be_visible()
    page.get_by_role("link", name="Datasets").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="demo-lesion / 0050").first.click()
    page.wait_for_url(re.compile(rf"attack\?run={run_id}$"))
    expect(page.get_by_text(re.compile(r"Step \d+ of 100000"))).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile(r"Step \d+ of 100000"))).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    wait_for_end(page)
    expect(page.get_by_text("goal not reached, stopped").first).to_be_visible()


def test_a_drawing_that_was_not_run_is_there_after_a_reload(page: Page, url: str) -> None:
    attack_lesion(page, url)
    draw_polygon(page)
    page.wait_for_url(re.compile(r"draft=[0-9a-f]{16}"))
    figures = page.get_by_text(FIGURES)
    said = figures.inner_text()
    page.reload()
    settle(page)
    expect(figures).to_have_text(said)
    expect(page.locator(".editor[data-ready]")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(figures).not_to_have_text(said)


def test_what_the_server_had_not_heard_before_a_reload_is_there_after_it(
    page: Page, url: str
) -> None:
    attack_lesion(page, url)
    draw_polygon(page)
    page.wait_for_url(re.compile(r"draft=[0-9a-f]{16}"))
    figures = page.get_by_text(FIGURES)
    one = figures.inner_text()
    page.evaluate("() => { window.asmaOutbox.send = () => {}; }")
    page.keyboard.press("r")
    box = page.locator(".editor .stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.05 * box["width"], box["y"] + 0.05 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"], steps=5)
    page.mouse.up()
    expect(page.locator(".editor[data-ready]")).to_have_attribute("data-shapes", "2")
    expect(figures).to_have_text(one)
    page.reload()
    expect(figures).not_to_have_text(one)
    expect(page.locator(".editor[data-ready]")).to_have_attribute("data-shapes", "2")


@pytest.mark.real
def test_a_real_image_is_uploaded_attacked_downloaded_and_predicted_again(
    page: Page, url: str, home: Path, real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = tmp_path / "photograph.png"
    with Image.open(real / "glaucoma" / "image_samples" / "G_14_R_1.png") as whole:
        whole.convert("RGB").resize((192, 160)).save(photograph)
    from_home(page, url, "Attack")
    page.get_by_text("Own image", exact=True).click()
    settle(page)
    page.locator("input[type=file]").first.set_input_files(photograph)
    expect(page.get_by_text(FIGURES)).to_be_visible()
    settle(page)
    draw_polygon(page)
    run_id = start_run(page)
    wait_for_end(page)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(VIEWER)).to_be_visible()
    page.get_by_role("button", name="Files").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Everything in one zip").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(taken.value.path()).read_bytes()))
    inside = {Path(name).name: name for name in archive.namelist()}
    adversarial = archive.read(inside["adversarial.png"])
    said = read_mask(archive.read(inside["prediction_adversarial.png"]), 3).labels
    assert read_image(adversarial).shape == read_image(photograph).shape
    file = tmp_path / "adversarial.png"
    file.write_bytes(adversarial)
    monkeypatch.setenv("ASMA_HOME", str(home))
    predict = ["predict", "--model", "demo-fundus-unet", "--image", str(file)]
    assert command([*predict, "--out", str(tmp_path / "out"), "--device", "cpu", "--json"]) == 0
    again = read_mask(tmp_path / "out" / "prediction.png", 3).labels
    np.testing.assert_array_equal(again, said)
    assert not np.array_equal(read_image(file), read_image(photograph))
    assert run_id


def test_an_experiment_is_started_stopped_gone_on_with_and_a_point_opens_its_run(
    page: Page, url: str, home: Path
) -> None:
    # The worker is busy, so that nothing of the experiment is done before it is stopped.
    attack_lesion(page, url)
    before_it = start_run(page, "paper", ENDLESS)
    # The address of the form has no data set: the first one is generated, which takes seconds.
    page.get_by_role("link", name="Experiments").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    settle(page)
    pairs = page.get_by_role("spinbutton", name="Pairs")
    pairs.fill("1")
    pairs.press("Enter")
    expect(page.get_by_text("5 runs: 1 pair, 5 rows")).to_be_visible()
    steps = page.get_by_role("spinbutton", name="Steps")
    with rerun(page):
        steps.fill("3")
        steps.press("Enter")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"experiment=[0-9a-f]{8}"))
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    stop(RunStore(home), before_it)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_have_count(0)
    settle(page)
    # The points change between the picture and the click, as while an experiment goes on.
    *_, first = RunStore(home).newest(5)
    RunStore(home).delete(RunStore(home).newest(1)[0].id)
    page.locator(".js-plotly-plot").first.locator(".scatterlayer .point").first.click(force=True)
    page.wait_for_url(re.compile(rf"compare\?run={first.id}$"))
    expect(page.locator(VIEWER)).to_be_visible()


def test_where_the_paper_s_attack_falls_short_minimal_is_a_press_away(page: Page, url: str) -> None:
    attack_lesion(page, url)
    draw_polygon(page)
    first = start_run(page, steps=3)
    wait_for_end(page)
    expect(page.get_by_text("not reached within 3 steps")).to_be_visible()
    offered = page.get_by_role("button", name="Try Minimal")
    offered.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "run=" in address and first not in address)
    expect(page.get_by_text(re.compile("^Minimal"))).to_be_visible()
    wait_for_end(page)
    expect(offered).to_have_count(0)


def test_the_smallest_change_as_it_is_seen_is_a_choice_of_norm(page: Page, url: str) -> None:
    attack_lesion(page, url)
    draw_polygon(page)
    for label, option in (("Attack", "Smallest change: Minimal"), ("Norm", "CIEDE2000")):
        with rerun(page):
            page.get_by_role("combobox", name=label, exact=True).click()
            page.get_by_role("option", name=option, exact=True).click()
    with rerun(page):
        steps = page.get_by_role("spinbutton", name="Steps", exact=True)
        steps.fill("6")
        steps.press("Enter")
    page.get_by_role("button", name="Run the attack").click()
    page.wait_for_url(re.compile(r"run=[0-9a-f]{8}"))
    wait_for_end(page)
    expect(page.get_by_text("CIEDE2000, 8-bit", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile(r"IoU 0\.\d\d at CIEDE2000 \d"))).to_be_visible()
    page.get_by_role("link", name=re.compile("Compare")).last.click()
    expect(page.locator(VIEWER)).to_be_visible()
    expect(page.get_by_text("norm CIEDE2000")).to_be_attached()
