"""The Datasets page: the grid, its filters, one image large, and files that are broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from asma_core import paths
from asma_core.data.formats.images import FloatImage
from asma_core.data.masks.label_maps import encode_mask
from asma_core.errors import ModelError
from asma_core.models.sources.cards import ModelCard
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import TargetSource
from tests.pages.small_house import write_network
from tests.waiting import PATIENCE
from ui.common import services, shell

PROJECT = Path(__file__).resolve().parents[2]
SIDE = 32
# Rows of each mask that are class 1, of 32: 12.5 %, 50 % and 25 % of the image.
ROWS = {"a": 4, "b": 16, "c": 8}


class FakePredictor:
    """Predicts the upper half of every image as class 1; its clean IoUs are given."""

    def __init__(self) -> None:
        self.ious: dict[str, float | None] = {"a": 0.9, "b": 0.2, "c": None}
        self.fails = False

    def predict(
        self, card: ModelCard, image: FloatImage, device: str = "auto"
    ) -> NDArray[np.int64]:
        if self.fails:
            raise ModelError("the process that predicts ended; reload the page to ask again")
        labels = np.zeros(image.shape[1:], dtype=np.int64)
        labels[: SIDE // 2] = 1
        return labels

    def covered(self, card: ModelCard, shape: tuple[int, int]) -> NDArray[np.bool_]:
        return np.ones(shape, dtype=np.bool_)

    def clean_ious(self, card: ModelCard, dataset: str) -> dict[str, float | None]:
        return self.ious


@pytest.fixture(autouse=True)
def predictor(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    """No process starts, and one network of two classes is there."""
    fake = FakePredictor()
    write_network(home, "net", ("background", "spot"), "")
    monkeypatch.setattr(paths, "SHIPPED_MODELS", home / "none")
    monkeypatch.setattr(services, "warm", lambda: None)
    # Every run of AppTest is that of a new server, whose first click would go to a page's start.
    monkeypatch.setattr(shell, "through_app", lambda: None)
    monkeypatch.setattr(services, "predictor", lambda: fake)
    return fake


@pytest.fixture
def folder(home: Path) -> Path:
    """A data set of three images in the data folder."""
    folder = home / "datasets" / "spots"
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for name, rows in ROWS.items():
        pixels = np.full((SIDE, SIDE, 3), 40 * rows % 256, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
        labels = np.zeros((SIDE, SIDE), dtype=np.uint8)
        labels[:rows] = 1
        (folder / "masks" / f"{name}.png").write_bytes(encode_mask(labels))
    card = {
        "title": "Spots",
        "description": "Spots of *paint* <b>",
        "synthetic": True,
        "classes": ["background", "spot"],
        "split": {"train": ["a", "b"], "test": ["c"]},
    }
    (folder / "dataset.json").write_text(json.dumps(card))
    return folder


@pytest.fixture
def visit(home: Path) -> Callable[..., AppTest]:
    """Open the page under an address."""

    def open_page(**query: str) -> AppTest:
        app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE)
        app.query_params.update(query)
        app.switch_page("pages/datasets.py")
        return app.run()

    return open_page


def titles(app: AppTest) -> list[str]:
    """Return the names under the pictures, in their order."""
    return [link.proto.label for link in app.get("page_link")]


def address(app: AppTest) -> dict[str, Any]:
    """Return the parameters of the address, one value each."""
    values = app.query_params.items()
    return {name: value[0] if isinstance(value, list) else value for name, value in values}


def test_grid_shows_every_image_with_the_area_of_its_structure(
    visit: Callable[..., AppTest], folder: Path
) -> None:
    app = visit(dataset="spots")
    assert not app.exception
    assert titles(app) == ["a", "b", "c"]
    captions = " ".join(caption.value for caption in app.caption)
    assert [share in captions for share in ("12.5 %", "50.0 %", "25.0 %")] == [True] * 3


def test_a_synthetic_set_is_called_so_and_its_text_is_escaped(
    visit: Callable[..., AppTest], folder: Path
) -> None:
    about = next(line.value for line in visit(dataset="spots").markdown if "paint" in line.value)
    assert "synthetic" in about
    assert r"\*paint\* \<b\>" in about


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"split": "test"}, ["c"]),
        ({"low": "20", "high": "30"}, ["c"]),
        ({"sort": "largest"}, ["b", "c", "a"]),
        ({"sort": "smallest"}, ["a", "c", "b"]),
        ({"sort": "worst"}, ["b", "a", "c"]),
        ({"split": "no such", "sort": "nonsense", "page": "-3", "classes": "x-9"}, ["a", "b", "c"]),
    ],
)
def test_an_address_filters_and_orders_the_grid(
    visit: Callable[..., AppTest], folder: Path, query: dict[str, str], expected: list[str]
) -> None:
    app = visit(dataset="spots", **query)
    assert not app.exception
    assert titles(app) == expected


def test_widgets_write_the_address(visit: Callable[..., AppTest], folder: Path) -> None:
    app = visit(dataset="spots")
    app.selectbox(key="datasets-sort").set_value("largest").run()
    app.slider(key="datasets-area").set_value((20, 100)).run()
    assert address(app) == {"dataset": "spots", "sort": "largest", "low": "20"}
    assert titles(app) == ["b", "c"]


def test_no_fitting_image_offers_to_show_all(visit: Callable[..., AppTest], folder: Path) -> None:
    app = visit(dataset="spots", low="90")
    assert "No image fits" in app.info[0].value
    app.button(key="datasets-all").click().run()
    assert titles(app) == ["a", "b", "c"]


def test_only_images_with_runs(visit: Callable[..., AppTest], folder: Path, home: Path) -> None:
    _queue_run(home, "b")
    app = visit(dataset="spots", with_runs="1")
    assert titles(app) == ["b"]
    assert any("1 run" in caption.value for caption in app.caption)


def test_pages_through_many_images_reading_only_those_of_a_page(
    visit: Callable[..., AppTest], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(100):
        for kind in ("images", "masks"):
            (folder / kind / f"{index}.png").write_bytes((folder / kind / "a.png").read_bytes())
    app = visit(dataset="spots", page="3")
    assert titles(app)[0] == "56"
    assert len(titles(app)) == 28


def test_predictions_in_the_grid_carry_their_iou(
    visit: Callable[..., AppTest], folder: Path
) -> None:
    # The upper 16 rows against 4, 16 and 8: 4/16, 16/16 and 8/16.
    captions = " ".join(c.value for c in visit(dataset="spots", prediction="1").caption)
    assert [f"Clean IoU {iou}" in captions for iou in ("0.250", "1.000", "0.500")] == [True] * 3


def test_a_network_that_fails_leaves_the_images(
    visit: Callable[..., AppTest], folder: Path, predictor: FakePredictor
) -> None:
    predictor.fails = True
    app = visit(dataset="spots", prediction="1")
    assert "process that predicts ended" in app.error[0].value
    assert titles(app) == ["a", "b", "c"]


def test_a_broken_image_has_its_sentence_and_leaves_the_rest(
    visit: Callable[..., AppTest], folder: Path
) -> None:
    (folder / "images" / "b.png").write_bytes(b"no picture")
    app = visit(dataset="spots")
    assert not app.exception
    assert titles(app) == ["a", "b", "c"]
    assert any("b.png is not a PNG" in element.proto.body for element in app.get("html"))


def test_a_folder_without_masks_has_its_sentence_and_leaves_the_choice(
    visit: Callable[..., AppTest], folder: Path, home: Path
) -> None:
    (home / "datasets" / "bare" / "images").mkdir(parents=True)
    image = (folder / "images" / "a.png").read_bytes()
    (home / "datasets" / "bare" / "images" / "x.png").write_bytes(image)
    app = visit(dataset="bare")
    assert "has no mask for 1 of 1 images" in app.error[0].value
    app.selectbox(key="datasets-dataset").set_value("spots").run()
    assert not app.error
    assert titles(app) == ["a", "b", "c"]


def test_an_unknown_data_set_has_its_sentence(visit: Callable[..., AppTest], folder: Path) -> None:
    app = visit(dataset="<script>alert(1)</script>")
    assert not app.exception
    assert r"\<script\>" in app.error[0].value


def test_one_image_large_with_its_figures(visit: Callable[..., AppTest], folder: Path) -> None:
    app = visit(dataset="spots", sample="c")
    assert not app.exception
    table = next(e.proto.body for e in app.get("html") if "<table" in e.proto.body)
    # Class 1 covers 8 of 32 rows, the prediction 16, the IoU is 8 / 16.
    assert [figure in table for figure in ("25.0 %", "50.0 %", "0.500")] == [True] * 3
    assert any(f"{SIDE} x {SIDE} pixels" in caption.value for caption in app.caption)


def test_next_and_previous_follow_the_order_of_the_grid(
    visit: Callable[..., AppTest], folder: Path
) -> None:
    app = visit(dataset="spots", sample="b", sort="largest")
    assert app.button(key="datasets-previous").disabled
    app.button(key="datasets-next").click().run()
    assert address(app) == {"dataset": "spots", "sample": "c", "sort": "largest"}
    app.button(key="datasets-back").click().run()
    assert titles(app) == ["b", "c", "a"]


def test_slices_of_a_volume_are_stepped_through(visit: Callable[..., AppTest], home: Path) -> None:
    """A folder that was put there by hand, without a card."""
    from tests.data.formats.test_volumes import nifti

    shape = np.zeros((SIDE, SIDE, 12), np.int16)
    for place in range(12):
        shape[: 4 + place, :9, place] = 1
    for kind, scale in (("images", 200), ("masks", 1)):
        file = home / "datasets" / "head" / kind / "a.nii.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(nifti(shape * scale))
    app = visit(dataset="head", sample="a-02")
    assert not app.exception
    assert any(caption.value == "3 of 12" for caption in app.caption)
    app.button(key="datasets-next").click().run()
    assert address(app)["sample"] == "a-03"
    table = next(e.proto.body for e in app.get("html") if "<table" in e.proto.body)
    assert f"{100 * 7 * 9 / SIDE**2:.1f} %" in table


def test_an_open_image_lists_its_runs(
    visit: Callable[..., AppTest], folder: Path, home: Path
) -> None:
    run_id = _queue_run(home, "c")
    links = visit(dataset="spots", sample="c").get("page_link")
    assert [link.proto.query_string for link in links] == [f"run={run_id}"]
    assert "queued" in links[0].proto.label


def test_an_image_without_a_fitting_network_is_still_shown(
    visit: Callable[..., AppTest], folder: Path, home: Path
) -> None:
    (home / "models" / "net.toml").unlink()
    app = visit(dataset="spots", sample="c")
    assert not app.exception
    assert app.toggle(key="sample-before").disabled


def test_an_unknown_image_has_its_sentence_and_a_way_back(
    visit: Callable[..., AppTest], folder: Path
) -> None:
    app = visit(dataset="spots", sample="nobody")
    assert "nobody" in app.error[0].value
    app.button(key="datasets-back").click().run()
    assert titles(app) == ["a", "b", "c"]


def test_attack_this_image_leads_to_the_attack_page(
    visit: Callable[..., AppTest], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    went: list[tuple[str, dict[str, str]]] = []
    app = visit(dataset="spots", sample="c")
    monkeypatch.setattr(
        "streamlit.switch_page", lambda page, query_params: went.append((page, query_params))
    )
    app.button(key="datasets-attack").click().run()
    assert went == [("pages/attack.py", {"dataset": "spots", "sample": "c"})]


def _queue_run(home: Path, sample: str) -> str:
    """Put a queued run of this process into the store; nothing carries it out."""
    inputs = RunInputs(
        image=np.zeros((3, SIDE, SIDE), dtype=np.float32),
        target=np.ones((SIDE, SIDE), dtype=np.int64),
        valid=np.ones((SIDE, SIDE), dtype=np.bool_),
    )
    request = RunRequest(
        model="net",
        attack="asma",
        config={},
        image_name=f"spots / {sample}",
        target=TargetSource("nothing", edits=1),
        dataset="spots",
        sample=sample,
    )
    return RunStore(home).create(request, inputs).id
