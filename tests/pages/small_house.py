"""A data folder for the pages: small data sets, networks that are only cards, no processes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from asma_core import paths
from asma_core.data.datasets import Dataset
from asma_core.data.formats.images import FloatImage, encode_png, read_image
from asma_core.data.masks.label_maps import encode_mask
from asma_core.data.synthetic import demo
from asma_core.defences.certificate import CertificateSettings, check_draws, smoothing_sigma
from asma_core.errors import ModelError
from asma_core.jobs.queue import JobQueue
from asma_core.jobs.survivals import KeptSurvival
from asma_core.jobs.suspicions import KeptSuspicion
from asma_core.jobs.trainings import Trainer
from asma_core.models.sources.cards import ModelCard
from asma_core.models.sources.draft import Choices
from asma_core.models.sources.drafting import draft_network
from asma_core.models.sources.guessing import look_at
from asma_core.models.sources.importing import import_card
from asma_core.runs import artefacts
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.waiting import PATIENCE
from ui.common import services, shell

PROJECT = Path(__file__).resolve().parents[2]
SIDE = 32
DATASET = "spots"
FOUR = "wide-four-classes"
MODEL = made_runs.MODEL
TWO = "two-classes-net"
BOX = "black-box"
NASTY = '<script>alert("x")</script> `*bold*` :material/home: \N{GRINNING FACE}'
PLACES = {"a": (0.4, 0.5), "b": (0.6, 0.4), "c": (0.5, 0.5)}


REPORT: dict[str, Any] = {
    "checks": [
        {"name": "answer", "state": "good", "text": "1 x 3 in, 1 x 2 out"},
        {"name": "overlap", "state": "warning", "text": "IoU 0.012: with BGR it would be 0.9"},
    ],
    "usable": True,
    "iou": 0.012,
    "ious": {"b": 0.012},
    "guesses": ["with BGR it would be 0.9", "with values from 0 to 255 it would be 0.5"],
}

SURVIVED: list[dict[str, Any]] = [
    {
        "name": name,
        "title": title,
        "score": score,
        "truth_iou": truth,
        "reached": score is not None and score >= 1.0,
        "original_score": 0.312,
        "original_truth_iou": 0.934,
    }
    for name, title, score, truth in (
        ("untouched", "Untouched", 1.0, 0.412),
        ("jpeg-85", "JPEG 85", 0.654, 0.723),
        ("rotation", "Turned by 1 degree", None, None),
    )
]


SUSPECTED: list[dict[str, Any]] = [
    {
        "name": name,
        "title": title,
        "unit": "a unit",
        "original": original,
        "attacked": attacked,
        "end": 0.8,
        "why": why,
    }
    for name, title, original, attacked, why in (
        ("entropy", "Entropy", 0.125, 0.25, ""),
        ("crops", "Spatial consistency", None, None, "it answers for the centre"),
    )
]


@dataclass
class House:
    """What the tests look into.

    Attributes:
        home: The data folder.
        jobs: A queue that carries nothing out.
        prediction: What every network says of every image.
        fails: Whether predicting fails.
        survived: Whether what survives has been worked out.
        suspected: Whether the detectors have looked.
        report: What every check finds.
    """

    home: Path
    jobs: JobQueue
    prediction: NDArray[np.int64] = field(
        default_factory=lambda: made_runs.disc(SIDE, 0.45, 0.55, 0.25)
    )
    fails: bool = False
    survived: bool = False
    suspected: bool = False
    report: dict[str, Any] = field(default_factory=lambda: dict(REPORT))

    @property
    def runs(self) -> RunStore:
        return self.jobs.store

    def predict(
        self, card: ModelCard, image: FloatImage, device: str = "auto"
    ) -> NDArray[np.int64]:
        if self.fails:
            raise ModelError("the process that predicts ended; reload the page to ask again")
        classes = len(card.classes)
        return np.minimum(self.prediction[: image.shape[1], : image.shape[2]], classes - 1)

    def covered(self, card: ModelCard, shape: tuple[int, int]) -> NDArray[np.bool_]:
        return np.ones(shape, dtype=np.bool_)

    def known_clean_ious(self, card: ModelCard, dataset: Dataset) -> dict[str, float | None] | None:
        return None

    def survival(self, run: Run, device: str = "auto") -> list[KeptSurvival]:
        """Keep a run's own files as what each treatment made of them."""
        if self.fails:
            raise ModelError("the process that predicts ended; reload the page to ask again")
        self.survived = True
        folder = self.runs.folder(run.id)
        files = (folder / artefacts.ADVERSARIAL, folder / artefacts.PREDICTION_ADVERSARIAL)
        return [KeptSurvival(one, *files) for one in SURVIVED]

    def known_survival(self, run: Run) -> list[KeptSurvival] | None:
        return self.survival(run) if self.survived else None

    def suspicions(self, run: Run, device: str = "auto") -> list[KeptSuspicion]:
        """Keep a map of the image's size as what each detector finds."""
        if self.fails:
            raise ModelError("the process that predicts ended; reload the page to ask again")
        self.suspected = True
        size = read_image(self.runs.folder(run.id) / artefacts.ORIGINAL).shape[1:]
        file = self.home / "map.png"
        file.write_bytes(encode_png(np.full(size, 51, np.uint8)))
        return [
            KeptSuspicion(one, *([None] * 2 if one["why"] else [file] * 2)) for one in SUSPECTED
        ]

    def known_suspicions(self, run: Run) -> list[KeptSuspicion] | None:
        return self.suspicions(run) if self.suspected else None

    def clean_ious(self, card: ModelCard, dataset: str) -> dict[str, float | None]:
        return {"a": 0.9, "b": 0.2, "c": None}

    def check(self, card: ModelCard, dataset: str) -> dict[str, Any]:
        return dict(self.report)

    def certify(
        self, card: ModelCard, dataset: str, sample: str, settings: CertificateSettings
    ) -> tuple[dict[str, Any], bytes]:
        smoothing_sigma(card.defences, card.name)
        check_draws(settings, SIDE * SIDE)
        told = {"share_certified": 0.875, "radius": 0.169, "settings": settings.as_dict()}
        return told | {"guaranteed_iou": 0.625}, encode_mask(self.prediction)

    def carry_out(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return call(*arguments)

    def check_staged(self, card: Path, dataset: str) -> dict[str, Any]:
        return dict(self.report)

    def look_at_weights(self, weights: Path) -> dict[str, Any]:
        return look_at(weights)

    def draft_network(self, source: Path, into: Path, choices: Choices) -> dict[str, Any]:
        return draft_network(source, into, choices)

    def import_model(self, card: Path) -> str:
        return import_card(card, trusted=False).name

    def mask(self, name: str) -> NDArray[np.int64]:
        """Return a mask of the data set as Pillow reads it."""
        file = self.home / "datasets" / DATASET / "masks" / f"{name}.png"
        return np.asarray(Image.open(file)).astype(np.int64)

    def submitted(self) -> Run:
        """Return the one run that was queued."""
        (run,) = self.runs.newest()
        return run


def furnish(home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Fill a data folder and keep processes, shipped networks and demo sets away."""
    write_dataset(home, DATASET, ("background", "rim", "cup"))
    write_dataset(home, FOUR, ("background", "one", "two", "three"))
    write_network(home, MODEL, ("background", "rim", "cup"), DATASET)
    write_network(home, TWO, ("background", "lesion"), "")
    monkeypatch.setattr(JobQueue, "_send", lambda *_: None)
    house = House(home, JobQueue(RunStore(home)))
    monkeypatch.setattr(services, "queue", lambda: house.jobs)
    monkeypatch.setattr(services, "predictor", lambda: house)
    monkeypatch.setattr(services, "warm", lambda: None)
    trainer = Trainer(home, lambda _: Waiting())
    monkeypatch.setattr(services, "trainer", lambda: trainer)
    # Every run of AppTest is that of a new server, which would show the page without app.py.
    monkeypatch.setattr(PagesManager, "__init__", _warm(PagesManager.__init__))
    monkeypatch.setattr(shell, "through_app", lambda: None)
    monkeypatch.setattr(paths, "SHIPPED_MODELS", home / "none")
    monkeypatch.setattr(demo, "DEMO_SETS", {})
    return house


class Waiting(Executor):
    """Takes work and never does it."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        return Future()


def _warm(make: Callable[..., None]) -> Callable[..., None]:
    """Return a maker of page managers such as a server has once app.py has run."""

    def made(*args: Any, **more: Any) -> None:
        make(*args, **more)
        PagesManager.uses_pages_directory = False

    return made


def write_dataset(home: Path, name: str, classes: tuple[str, ...]) -> None:
    folder = home / "datasets" / name
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for sample, (x, y) in PLACES.items():
        labels = made_runs.disc(SIDE, x, y, 0.25)
        (folder / "images" / f"{sample}.png").write_bytes(picture(60 + 40 * (labels > 0)))
        (folder / "masks" / f"{sample}.png").write_bytes(encode_mask(labels))
    split = {"train": ["a"], "test": ["b", "c"]}
    card = {"title": name, "synthetic": name == DATASET, "classes": list(classes), "split": split}
    (folder / "dataset.json").write_text(json.dumps(card))


def write_network(home: Path, name: str, classes: tuple[str, ...], dataset: str) -> None:
    folder = home / "models"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.safetensors").write_bytes(b"weights")
    names = "\n".join(f'[[classes]]\nname = "{label}"' for label in classes)
    (folder / f"{name}.toml").write_text(
        f'name = "{name}"\ntitle = "A net"\ndescription = "For tests."\n'
        f'weights = "{name}.safetensors"\ndataset = "{dataset}"\n'
        '[architecture]\nname = "UNet"\n'
        "[input]\nchannels = 3\nsize = 0\nmultiple = 16\n"
        "mean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n" + names
    )


def write_black_box(home: Path) -> str:
    """Write a network of which only the outputs are there; return its name."""
    write_network(home, BOX, ("background", "rim", "cup"), DATASET)
    card = home / "models" / f"{BOX}.toml"
    text = card.read_text(encoding="utf-8").replace(f"{BOX}.safetensors", f"{BOX}.onnx")
    card.write_text(text.replace('[architecture]\nname = "UNet"\n', ""), encoding="utf-8")
    (home / "models" / f"{BOX}.safetensors").rename(home / "models" / f"{BOX}.onnx")
    return BOX


def picture(values: NDArray[Any]) -> bytes:
    """Return a PNG of grey values."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(values).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def visit(page: str, **query: str) -> AppTest:
    """Open a page of the app under an address."""
    # Through app.py first, so that AppTest knows its pages and shows them under its guard.
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=PATIENCE).run()
    app.query_params.update(query)
    app.switch_page(f"pages/{page}.py")
    return app.run()


def address(app: AppTest) -> dict[str, str]:
    values = app.query_params.items()
    return {name: value[0] if isinstance(value, list) else value for name, value in values}


def texts(app: AppTest) -> str:
    """Return all that is written on the page, without the marks that escape."""
    parts = (*app.markdown, *app.caption, *app.info, *app.warning, *app.error)
    return "\n".join(part.value for part in parts).replace("\\", "")


def errors(app: AppTest) -> list[str]:
    """Return the sentences of what went wrong; a traceback fails the test."""
    assert not app.exception
    return [error.value.replace("\\", "") for error in app.error]


def image_count(app: AppTest) -> int:
    return len(app.get("image")) + len(app.get("imgs"))
