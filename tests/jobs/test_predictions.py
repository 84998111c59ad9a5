"""Predictions on demand: right, kept, asked once, and clear when their process dies."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.data.masks.label_maps import mask_values
from asma_core.defences.certificate import CertificateSettings
from asma_core.defences.contract import Defence
from asma_core.errors import InputError, ModelError, RunStateError, UnknownNameError
from asma_core.jobs import asked_process, predictions, survivals
from asma_core.jobs.predictions import Predictor
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.defending import keep_defended
from asma_core.runs.execute import execute
from asma_core.runs.store import RunStore
from asma_core.treatments.registry import TREATMENTS
from tests import tiny
from tests.waiting import PATIENCE


class Counting(ThreadPoolExecutor):
    """Threads that count what they are asked."""

    asked: int = 0

    def __init__(self, home: str) -> None:
        super().__init__(4)

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **more: Any) -> Future[Any]:
        Counting.asked += 1
        return super().submit(call, *arguments, **more)


@pytest.fixture
def near(home: Path) -> Iterator[Predictor]:
    """A predictor of this process."""
    tiny.furnish(home)
    Counting.asked = 0
    predictor = Predictor(home, Counting)
    yield predictor
    predictor.close()


@pytest.fixture(scope="module")
def far_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.furnish(tmp_path_factory.mktemp("predictor") / "home")


@pytest.fixture(scope="module")
def far(far_home: Path) -> Iterator[Predictor]:
    """A predictor with a process of its own, shared as starting one takes seconds."""
    predictor = Predictor(far_home)
    predictor.warm()
    yield predictor
    predictor.close()


def image(index: int = 0) -> Any:
    return tiny.inputs(index).image


def test_a_prediction_is_that_of_the_bare_network_and_is_kept(near: Predictor, home: Path) -> None:
    file = home / "datasets" / tiny.DATASET / "images" / "03.png"
    expected = tiny.bare_prediction(tiny.MODEL, home, file)
    for _ in range(3):
        assert np.array_equal(near.predict(find_card(tiny.MODEL), image(3)), expected)
    assert Counting.asked == 1
    assert np.array_equal(
        Predictor(home, Counting).predict(find_card(tiny.MODEL), image(3)), expected
    )
    assert Counting.asked == 1


def test_who_asks_while_it_is_made_waits_for_the_same(
    near: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, go = predictions._predict, threading.Event()

    def slow(*arguments: Any) -> None:
        go.wait(PATIENCE)
        usual(*arguments)

    monkeypatch.setattr(predictions, "_predict", slow)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(near.predict, find_card(tiny.MODEL), image()) for _ in range(4)]
        go.set()
        assert len({answer.result().tobytes() for answer in answers}) == 1
    assert Counting.asked == 1


def test_scores_are_those_of_the_masks_and_follow_the_files(near: Predictor, home: Path) -> None:
    ious = near.clean_ious(find_card(tiny.MODEL), tiny.DATASET)
    for index in range(tiny.COUNT):
        file = home / "datasets" / tiny.DATASET / "images" / f"{index:02d}.png"
        seen = tiny.bare_prediction(tiny.MODEL, home, file) == 1
        truth = tiny.mask_labels(index) == 1
        expected = (seen & truth).sum() / (seen | truth).sum()
        assert ious[f"{index:02d}"] == pytest.approx(expected, abs=1e-9)
    before = Counting.asked
    assert near.clean_ious(find_card(tiny.MODEL), tiny.DATASET) == ious and Counting.asked == before
    mask = home / "datasets" / tiny.DATASET / "masks" / "00.png"
    mask.write_bytes(tiny.png(np.zeros((tiny.SIZE, tiny.SIZE), np.uint8)))
    assert near.clean_ious(find_card(tiny.MODEL), tiny.DATASET)["00"] == 0.0


def test_a_changed_card_is_another_network(near: Predictor, home: Path) -> None:
    before = predictions.prediction_file(home, find_card(tiny.MODEL), image())
    card = home / "models" / f"{tiny.MODEL}.toml"
    card.write_text(card.read_text().replace("mean = [0.5, 0.5, 0.5]", "mean = [0.1, 0.5, 0.5]"))
    assert predictions.prediction_file(home, find_card(tiny.MODEL), image()) != before


def test_names_and_classes_that_do_not_fit_are_said(near: Predictor) -> None:
    with pytest.raises(UnknownNameError, match="no data set or folder is called 'x'"):
        near.clean_ious(find_card(tiny.MODEL), "x")
    with pytest.raises(InputError, match="3 classes and tiny-set has 2"):
        near.clean_ious(find_card(tiny.THREE), tiny.DATASET)
    assert Counting.asked == 0


def test_a_prediction_that_takes_too_long_goes_on(
    near: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, usual = threading.Event(), predictions._predict

    def slow(*arguments: Any) -> None:
        go.wait(PATIENCE)
        usual(*arguments)

    monkeypatch.setattr(predictions, "_predict", slow)
    monkeypatch.setattr(asked_process, "WAIT", 0.01)
    with pytest.raises(ModelError, match="goes on, reload the page later"):
        near.predict(find_card(tiny.MODEL), image())
    go.set()
    monkeypatch.setattr(asked_process, "WAIT", PATIENCE)
    assert near.predict(find_card(tiny.MODEL), image()).shape == (tiny.SIZE, tiny.SIZE)
    assert Counting.asked == 1


# With a process of its own --------------------------------------------------------------------


def pid(executor: Executor | None) -> int:
    assert executor is not None
    return int(executor.submit(os.getpid).result(timeout=PATIENCE))


def test_a_dead_process_is_said_and_the_next_ask_works(
    far: Predictor, far_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASMA_HOME", str(far_home))
    near = Predictor(far_home, Counting)
    os.kill(pid(far._worker.executor), signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(far.predict, find_card(tiny.MODEL), image(1))
        (stopped,) = far._worker.executor._processes
        while not far._asked:
            answer.exception(timeout=0) if answer.done() else None
        os.kill(stopped, signal.SIGKILL)
        with pytest.raises(ModelError, match="ended; reload the page to ask again"):
            answer.result(timeout=PATIENCE)
    assert np.array_equal(
        far.predict(find_card(tiny.MODEL), image(1)), near.predict(find_card(tiny.MODEL), image(1))
    )
    near.close()


def test_an_error_of_the_other_process_arrives_as_it_was(
    far: Predictor, far_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASMA_HOME", str(far_home))
    with pytest.raises(ModelError, match="NaN"):
        far.predict(find_card(tiny.NAN), image())
    # An error that is made of more than its text must pass, too, and not break the process.
    before = pid(far._worker.executor)
    future = far._worker.executor.submit(find_card, "no-such")
    with pytest.raises(UnknownNameError, match=r"'no-such'; there is: .*tiny-unet"):
        future.result(timeout=PATIENCE)
    assert pid(far._worker.executor) == before


def test_a_certificate_is_made_once_for_the_same_settings(near: Predictor) -> None:
    kept = keep_defended(find_card(tiny.MODEL), Defence("smoothing", {"sigma": 0.1}), "smooth")
    settings = CertificateSettings(samples_n=60)
    told, picture = near.certify(kept, tiny.DATASET, "06", settings)
    assert 0 < told["share_certified"] <= 1 and picture.startswith(b"\x89PNG")
    again = near.certify(find_card("smooth"), tiny.DATASET, "06", settings)
    assert again == (told, picture) and Counting.asked == 1
    other, _ = near.certify(kept, tiny.DATASET, "06", CertificateSettings(samples_n=61))
    assert other["settings"]["samples_n"] == 61 and Counting.asked == 2
    with pytest.raises(InputError, match="defend it first"):
        near.certify(find_card(tiny.MODEL), tiny.DATASET, "06", settings)


def test_what_survives_is_worked_out_once_and_kept_small(near: Predictor, home: Path) -> None:
    runs = RunStore(home)
    run = execute(runs, runs.create(tiny.request({"steps": 3}), tiny.inputs()).id)
    assert near.known_survival(run) is None
    found = near.survival(run)
    assert near.survival(run) == found == near.known_survival(run) and Counting.asked == 1
    assert found[0].figures["score"] == pytest.approx(run.results["score_8bit"])
    seen = mask_values(runs.folder(run.id) / "prediction_adversarial.png")
    assert np.array_equal(found[0].labels(), seen)
    assert found[0].picture.exists() and len(found) == 1 + len(TREATMENTS)
    assert survivals._smaller(np.zeros((100, 900, 3), np.uint8), 320).shape == (36, 320, 3)


def test_what_can_t_survive_is_a_sentence_each_time(near: Predictor, home: Path) -> None:
    runs = RunStore(home)
    run = runs.create(tiny.request(), tiny.inputs())
    for _ in range(2):
        with pytest.raises(RunStateError, match="no result"):
            near.survival(run)
    assert near.known_survival(run) is None
