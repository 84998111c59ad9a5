"""Would a machine notice a run: scores by hand, maps, and a sentence where nothing can be told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from asma_core.data.formats.images import read_image
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.errors import ModelError, RunStateError
from asma_core.experiments.clean_suspicions import keep_clean
from asma_core.files import read_json
from asma_core.jobs.suspicions import (
    clean_scores,
    keep_suspicions,
    read_suspicions,
    suspicion_file,
)
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
from asma_core.runs import attacking
from asma_core.runs.artefacts import ADVERSARIAL
from asma_core.runs.execute import execute
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from asma_core.runs.suspicion import Suspected, suspicions
from asma_core.runs.suspicion_words import among, compared, in_words
from tests import tiny


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


@pytest.fixture
def run(runs: RunStore) -> Run:
    asked = tiny.request(attack="minimal", config={"steps": 20, "target_iou": 0.8})
    return execute(runs, runs.create(asked, tiny.inputs()).id)


def by_name(runs: RunStore, run: Run) -> dict[str, Suspected]:
    return {one.detector.entry.name: one for one in suspicions(runs, run, "cpu")}


def test_the_maps_are_of_original_and_file_and_the_scores_their_means(
    runs: RunStore, run: Run
) -> None:
    found = by_name(runs, run)
    assert list(found) == list(DETECTORS)
    model = load_model(find_card(tiny.MODEL), torch.device("cpu"))
    valid = runs.inputs(run).valid
    files = (runs.inputs(run).original, read_image(runs.folder(run.id) / ADVERSARIAL))
    for image, mine in zip(files, ("original", "adversarial"), strict=True):
        with torch.no_grad():
            share = model(torch.from_numpy(image.copy())[None]).softmax(dim=1)[0].double()
        expected = -(share * share.log()).sum(dim=0).numpy() / np.log(len(share))
        assert getattr(found["entropy"], mine) == pytest.approx(expected, abs=1e-5)
        place = ("original", "adversarial").index(mine)
        scores = found["entropy"].scores
        assert scores is not None
        assert scores[place] == pytest.approx(expected[valid].mean(), abs=1e-5)
    for one in found.values():
        assert one.original is not None and one.original.shape == (tiny.SIZE, tiny.SIZE)
        assert one.why == "" and one.figures()["attacked"] == (one.scores or ())[1]


def test_where_the_network_is_silent_nothing_is_suspicious_and_moving_detectors_say_why(
    runs: RunStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = find_card(tiny.MODEL)
    centred = replace(card, output=replace(card.output, fit="centre"))
    monkeypatch.setattr(attacking, "network_of", lambda _: centred)
    covered = torch.zeros(tiny.SIZE, tiny.SIZE, dtype=torch.bool)
    covered[8:24, 8:24] = True
    model = load_model(card, torch.device("cpu"))
    monkeypatch.setattr(type(model), "covered", lambda *_: covered)
    found = by_name(runs, run)
    assert "centre" in found["crops"].why and found["crops"].figures()["original"] is None
    entropy = found["entropy"].original
    assert entropy is not None
    assert (entropy[~covered.numpy()] == 0).all() and (entropy[covered.numpy()] > 0).all()


def test_maps_are_kept_on_one_scale(runs: RunStore, run: Run, home: Path) -> None:
    keep_suspicions(str(home), run.id, "cpu")
    file = suspicion_file(home, run)
    found = by_name(runs, run)
    for kept in read_suspicions(file):
        own = found[kept.figures["name"]]
        assert kept.original is not None and kept.adversarial is not None
        both = np.stack([own.original, own.adversarial])  # type: ignore[arg-type]
        end = kept.figures["end"]
        assert end == pytest.approx(np.percentile(both, 99.5), rel=1e-5)
        for path, values in zip((kept.original, kept.adversarial), both, strict=True):
            shown = np.asarray(Image.open(path)).astype(np.float64) / 255
            assert shown == pytest.approx(np.clip(values / end, 0, 1), abs=0.003)
    assert read_json(file)[0]["title"] == "Entropy"


def test_a_run_is_held_against_other_clean_images_alone(
    runs: RunStore, run: Run, home: Path
) -> None:
    spec = run.spec
    assert clean_scores(home, run) == {}
    told = {spec.image_hash: 0.5, "another": 0.25}
    keep_clean(home, spec.network_hash, spec.dataset, {"entropy": told, "squeezing:bits=3": told})
    assert clean_scores(home, run) == {"entropy": [0.25]}


def test_without_a_result_or_the_network_it_is_a_sentence(
    runs: RunStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = runs.create(tiny.request(), tiny.inputs())
    with pytest.raises(RunStateError, match="no result"):
        by_name(runs, queued)
    monkeypatch.setattr(attacking, "weights_hash", lambda _: "other")
    with pytest.raises(ModelError, match="changed"):
        by_name(runs, run)


def figures(name: str, original: float | None, attacked: float | None) -> dict[str, Any]:
    return {"name": name, "title": name.title(), "original": original, "attacked": attacked}


@pytest.mark.parametrize(
    ("original", "attacked", "words"),
    [
        (0.1, 0.25, "2.5 times as suspicious"),
        (0.1, 0.102, "as the original"),
        (0.4, 0.1, "4.0 times calmer"),
        (0.01, 0.5, "50 times as suspicious"),
        (0.0, 0.1, "more suspicious"),
        (0.1, 0.0, "calmer"),
        (None, None, "can't be told"),
    ],
)
def test_scores_in_words(original: float | None, attacked: float | None, words: str) -> None:
    assert compared(figures("entropy", original, attacked)) == words


def test_who_would_notice_in_a_sentence() -> None:
    found = [
        figures("entropy", 0.1, 0.3),
        figures("margin", 0.1, 0.1),
        figures("crops", None, None),
    ]
    assert among(found[0], [0.1, 0.2, 0.4]) == "above 2 of 3" and among(found[0], []) == ""
    assert "to 1 of 2 detectors" in in_words(found, {}) and "looked at yet" in in_words(found, {})
    assert "to Entropy." in in_words(found, {"entropy": [0.1, 0.2], "margin": [0.2]})
    assert in_words(found, {"entropy": [0.5]}).startswith("No detector")
